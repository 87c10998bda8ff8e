/*
 * Equality and order.
 *
 * Numbers compare across types as cel-go compares them: an integer and a double are compared as
 * doubles once the double is within the integer's range. Kubernetes does so, so we do, though the
 * specification would have 9007199254740993 differ from 9007199254740992.0.
 */
#include <math.h>

#include "base/util.h"
#include "cel/eval.h"

enum { EQUAL_DEPTH_LIMIT = 2000 };

static int order(double a, double b) {
        return (a > b) - (a < b);
}

static int compare_double_int(double d, int64_t i) {
        if (d < -0x1p63)
                return -1;
        if (d > 0x1p63)
                return 1;
        return order(d, (double)i);
}

static int compare_double_uint(double d, uint64_t u) {
        if (d < 0)
                return -1;
        if (d > 0x1p64)
                return 1;
        return order(d, (double)u);
}

static int compare_int_uint(int64_t i, uint64_t u) {
        if (i < 0 || u > INT64_MAX)
                return -1;
        return (i > (int64_t)u) - (i < (int64_t)u);
}

static bool is_number(const struct cel_value *value) {
        return value->kind == CEL_INT || value->kind == CEL_UINT || value->kind == CEL_DOUBLE;
}

/* Both are numbers and none is NaN. */
static int compare_numbers(const struct cel_value *a, const struct cel_value *b) {
        if (a->kind == CEL_INT) {
                if (b->kind == CEL_INT)
                        return (a->integer > b->integer) - (a->integer < b->integer);
                if (b->kind == CEL_UINT)
                        return compare_int_uint(a->integer, b->uinteger);
                return -compare_double_int(b->number, a->integer);
        }
        if (a->kind == CEL_UINT) {
                if (b->kind == CEL_UINT)
                        return (a->uinteger > b->uinteger) - (a->uinteger < b->uinteger);
                if (b->kind == CEL_INT)
                        return -compare_int_uint(b->integer, a->uinteger);
                return -compare_double_uint(b->number, a->uinteger);
        }
        if (b->kind == CEL_INT)
                return compare_double_int(a->number, b->integer);
        if (b->kind == CEL_UINT)
                return compare_double_uint(a->number, b->uinteger);
        return order(a->number, b->number);
}

static bool is_nan(const struct cel_value *value) {
        return value->kind == CEL_DOUBLE && isnan(value->number);
}

bool cel_compare(const struct cel_value *a, const struct cel_value *b, int *ret) {
        if (is_number(a) && is_number(b)) {
                if (is_nan(a) || is_nan(b))
                        return false;
                *ret = compare_numbers(a, b);
                return true;
        }
        if (a->kind != b->kind)
                return false;
        switch (a->kind) {
        case CEL_STRING:
        case CEL_BYTES:
                *ret = str_cmp(a->string, b->string);
                *ret = (*ret > 0) - (*ret < 0);
                return true;
        case CEL_BOOL:
                *ret = a->boolean - b->boolean;
                return true;
        case CEL_DURATION:
                *ret = (a->integer > b->integer) - (a->integer < b->integer);
                return true;
        case CEL_TIMESTAMP:
                *ret = (a->integer > b->integer) - (a->integer < b->integer);
                if (*ret == 0)
                        *ret = (a->nanos > b->nanos) - (a->nanos < b->nanos);
                return true;
        default:
                return false;
        }
}

/* --- equality --- */

struct equality {
        struct cel_context *context; /* NULL: not charged */
        uint32_t depth;
};

static bool equal(struct equality *equality, const struct cel_value *a, const struct cel_value *b);

static bool equal_lists(struct equality *equality, const struct cel_value *a,
                        const struct cel_value *b) {
        size_t count = cel_list_size(a);

        if (count != cel_list_size(b))
                return false;
        for (size_t i = 0; i < count; i++) {
                struct cel_value left = cel_list_at(a, i), right = cel_list_at(b, i);

                if (!equal(equality, &left, &right))
                        return false;
        }
        return true;
}

static bool equal_maps(struct equality *equality, const struct cel_value *a,
                       const struct cel_value *b) {
        size_t count = cel_map_size(a);

        if (a->representation == CEL_LAZY || b->representation == CEL_LAZY)
                return a->representation == b->representation && a->lazy == b->lazy;
        if (count != cel_map_size(b))
                return false;
        for (size_t i = 0; i < count; i++) {
                struct cel_value key, left, right;

                cel_map_at(a, i, &key, &left);
                if (!cel_map_find(NULL, b, &key, &right) || !equal(equality, &left, &right))
                        return false;
        }
        return true;
}

static bool equal_same_kind(struct equality *equality, const struct cel_value *a,
                            const struct cel_value *b) {
        switch ((enum cel_kind)a->kind) {
        case CEL_NULL:
                return true;
        case CEL_BOOL:
                return a->boolean == b->boolean;
        case CEL_STRING:
        case CEL_BYTES:
                return str_eq(a->string, b->string);
        case CEL_TIMESTAMP:
                return a->integer == b->integer && a->nanos == b->nanos;
        case CEL_DURATION:
                return a->integer == b->integer;
        case CEL_LIST:
                return equal_lists(equality, a, b);
        case CEL_MAP:
                return equal_maps(equality, a, b);
        case CEL_TYPE:
                return str_eq(cel_type_runtime_name(a->type), cel_type_runtime_name(b->type));
        case CEL_OPTIONAL:
                if (!a->some || !b->some)
                        return !a->some && !b->some;
                return equal(equality, a->some, b->some);
        case CEL_OPAQUE:
                return a->opaque_type == b->opaque_type &&
                       a->opaque_type->equal(a->opaque, b->opaque);
        case CEL_INT:
        case CEL_UINT:
        case CEL_DOUBLE:
        case CEL_ERROR:
        case CEL_UNSET:
                break;
        }
        return false;
}

static bool equal(struct equality *equality, const struct cel_value *a, const struct cel_value *b) {
        bool result;

        if (is_number(a) && is_number(b))
                return !is_nan(a) && !is_nan(b) && compare_numbers(a, b) == 0;
        if (a->kind != b->kind)
                return false;
        if (equality->context && !cel_charge(equality->context, 1))
                return false;
        if (equality->depth >= EQUAL_DEPTH_LIMIT) {
                if (equality->context)
                        cel_charge(equality->context, UINT32_MAX);
                return false;
        }
        equality->depth++;
        result = equal_same_kind(equality, a, b);
        equality->depth--;
        return result;
}

bool cel_equal(const struct cel_value *a, const struct cel_value *b) {
        return equal(&(struct equality){ 0 }, a, b);
}

bool cel_equal_charged(struct cel_context *context, const struct cel_value *a,
                       const struct cel_value *b) {
        return equal(&(struct equality){ .context = context }, a, b);
}
