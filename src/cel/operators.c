/*
 * Operators on values.
 *
 * Kinds that do not fit give one of two messages, as in cel-go: "no such overload: _+_" when the
 * left operand's kind does not know the operator at all, and a bare "no such overload" when it does
 * but not with this right operand (strings, timestamps and durations always give the bare one).
 */
#include <math.h>

#include "base/util.h"
#include "cel/eval.h"

#define FIXED_ERROR(name, text) static const struct cel_error name = { .message = STR_INIT(text) }

FIXED_ERROR(int_overflow, "integer overflow");
FIXED_ERROR(uint_overflow, "unsigned integer overflow");
FIXED_ERROR(division_by_zero, "division by zero");
FIXED_ERROR(modulus_by_zero, "modulus by zero");
FIXED_ERROR(timestamp_overflow, "timestamp overflow");
FIXED_ERROR(nan_order, "NaN values cannot be ordered");

struct cel_value cel_no_operator(struct cel_context *context, const char *name,
                                 const struct cel_value *left) {
        if (left->kind == CEL_STRING || left->kind == CEL_TIMESTAMP || left->kind == CEL_DURATION)
                return cel_plain_no_overload();
        return cel_error(context->scratch, "no such overload: %s", name);
}

static struct cel_value no_operator(struct cel_context *context, enum cel_op op,
                                    const struct cel_value *left) {
        return cel_no_operator(context, cel_op_name(op), left);
}

/* --- integers and doubles --- */

static struct cel_value int_arithmetic(enum cel_op op, int64_t a, int64_t b) {
        int64_t result = 0;
        bool overflow = false;

        switch (op) {
        case CEL_OP_ADD:
                overflow = __builtin_add_overflow(a, b, &result);
                break;
        case CEL_OP_SUBTRACT:
                overflow = __builtin_sub_overflow(a, b, &result);
                break;
        case CEL_OP_MULTIPLY:
                overflow = __builtin_mul_overflow(a, b, &result);
                break;
        case CEL_OP_DIVIDE:
                if (b == 0)
                        return cel_error_fixed(&division_by_zero);
                overflow = a == INT64_MIN && b == -1;
                result = overflow ? 0 : a / b;
                break;
        default:
                if (b == 0)
                        return cel_error_fixed(&modulus_by_zero);
                overflow = a == INT64_MIN && b == -1;
                result = overflow ? 0 : a % b;
                break;
        }
        return overflow ? cel_error_fixed(&int_overflow) : cel_int(result);
}

static struct cel_value uint_arithmetic(enum cel_op op, uint64_t a, uint64_t b) {
        uint64_t result = 0;
        bool overflow = false;

        switch (op) {
        case CEL_OP_ADD:
                overflow = __builtin_add_overflow(a, b, &result);
                break;
        case CEL_OP_SUBTRACT:
                overflow = __builtin_sub_overflow(a, b, &result);
                break;
        case CEL_OP_MULTIPLY:
                overflow = __builtin_mul_overflow(a, b, &result);
                break;
        case CEL_OP_DIVIDE:
                if (b == 0)
                        return cel_error_fixed(&division_by_zero);
                result = a / b;
                break;
        default:
                if (b == 0)
                        return cel_error_fixed(&modulus_by_zero);
                result = a % b;
                break;
        }
        return overflow ? cel_error_fixed(&uint_overflow) : cel_uint(result);
}

/* IEEE 754; dividing by zero gives an infinity or NaN. */
__attribute__((no_sanitize("float-divide-by-zero"))) static struct cel_value double_arithmetic(
        struct cel_context *context, enum cel_op op, const struct cel_value *left, double b) {
        double a = left->number;

        switch (op) {
        case CEL_OP_ADD:
                return cel_double(a + b);
        case CEL_OP_SUBTRACT:
                return cel_double(a - b);
        case CEL_OP_MULTIPLY:
                return cel_double(a * b);
        case CEL_OP_DIVIDE:
                return cel_double(a / b);
        default:
                return no_operator(context, op, left);
        }
}

/* --- strings, bytes, lists --- */

static struct cel_value concat_text(struct cel_context *context, const struct cel_value *left,
                                    const struct cel_value *right) {
        struct cel_value result = { .kind = left->kind };
        size_t length;
        char *text;

        if (__builtin_add_overflow(left->string.len, right->string.len, &length) ||
            !cel_charge(context, length / 10))
                return cel_exhausted();
        text = arena_alloc(context->scratch, length + 1);
        if (left->string.len > 0)
                memcpy(text, left->string.ptr, left->string.len);
        if (right->string.len > 0)
                memcpy(text + left->string.len, right->string.ptr, right->string.len);
        result.string = (struct str){ text, length };
        return result;
}

/* An empty side leaves the other as it is, with its provenance. */
static struct cel_value concat_lists(struct cel_context *context, const struct cel_value *left,
                                     const struct cel_value *right) {
        size_t left_count = cel_list_size(left), right_count = cel_list_size(right);
        struct cel_value *items;

        if (left_count == 0)
                return *right;
        if (right_count == 0)
                return *left;
        if (!cel_charge(context, left_count + right_count))
                return cel_exhausted();
        items = arena_new_array(context->scratch, left_count + right_count, struct cel_value);
        for (size_t i = 0; i < left_count; i++)
                items[i] = cel_list_at(left, i);
        for (size_t i = 0; i < right_count; i++)
                items[left_count + i] = cel_list_at(right, i);
        return cel_list_value(context->scratch, items, left_count + right_count);
}

/* --- time --- */

static struct cel_value duration_arithmetic(enum cel_op op, int64_t a, int64_t b) {
        struct cel_value result = int_arithmetic(op, a, b);

        if (result.kind == CEL_INT)
                result.kind = CEL_DURATION;
        return result;
}

static struct cel_value timestamp_add(const struct cel_value *timestamp, int64_t duration) {
        struct cel_value result = { .kind = CEL_TIMESTAMP, .zone = timestamp->zone };
        int64_t seconds = duration / CEL_NANOS, nanos = duration % CEL_NANOS + timestamp->nanos;

        if (nanos < 0) {
                nanos += CEL_NANOS;
                seconds--;
        } else if (nanos >= CEL_NANOS) {
                nanos -= CEL_NANOS;
                seconds++;
        }
        seconds += timestamp->integer; /* both are far from the limits of the type */
        if (seconds < CEL_TIMESTAMP_MIN || seconds > CEL_TIMESTAMP_MAX)
                return cel_error_fixed(&timestamp_overflow);
        result.integer = seconds;
        result.nanos = (uint32_t)nanos & 0x3fffffff;
        return result;
}

static struct cel_value timestamp_difference(const struct cel_value *a, const struct cel_value *b) {
        int64_t nanos = (int64_t)a->nanos - (int64_t)b->nanos, result;

        if (__builtin_mul_overflow(a->integer - b->integer, (int64_t)CEL_NANOS, &result) ||
            __builtin_add_overflow(result, nanos, &result))
                return cel_error_fixed(&int_overflow);
        return cel_duration(result);
}

static struct cel_value time_arithmetic(struct cel_context *context, enum cel_op op,
                                        const struct cel_value *left,
                                        const struct cel_value *right) {
        if (op == CEL_OP_ADD && left->kind == CEL_TIMESTAMP && right->kind == CEL_DURATION)
                return timestamp_add(left, right->integer);
        if (op == CEL_OP_ADD && left->kind == CEL_DURATION && right->kind == CEL_TIMESTAMP)
                return timestamp_add(right, left->integer);
        if (op == CEL_OP_SUBTRACT && left->kind == CEL_TIMESTAMP && right->kind == CEL_DURATION) {
                if (right->integer == INT64_MIN)
                        return cel_error_fixed(&int_overflow);
                return timestamp_add(left, -right->integer);
        }
        if (op == CEL_OP_SUBTRACT && left->kind == CEL_TIMESTAMP && right->kind == CEL_TIMESTAMP)
                return timestamp_difference(left, right);
        if (left->kind == CEL_DURATION && right->kind == CEL_DURATION &&
            (op == CEL_OP_ADD || op == CEL_OP_SUBTRACT))
                return duration_arithmetic(op, left->integer, right->integer);
        return no_operator(context, op, left);
}

/* --- dispatch --- */

static struct cel_value arithmetic(struct cel_context *context, enum cel_op op,
                                   const struct cel_value *left, const struct cel_value *right) {
        bool same = left->kind == right->kind;

        switch (left->kind) {
        case CEL_INT:
                return same ? int_arithmetic(op, left->integer, right->integer)
                            : cel_plain_no_overload();
        case CEL_UINT:
                return same ? uint_arithmetic(op, left->uinteger, right->uinteger)
                            : cel_plain_no_overload();
        case CEL_DOUBLE:
                if (op != CEL_OP_MODULO && !same)
                        return cel_plain_no_overload();
                return double_arithmetic(context, op, left, right->number);
        case CEL_STRING:
        case CEL_BYTES:
        case CEL_LIST:
                if (op != CEL_OP_ADD)
                        break;
                if (!same)
                        return cel_plain_no_overload();
                return left->kind == CEL_LIST ? concat_lists(context, left, right)
                                              : concat_text(context, left, right);
        case CEL_TIMESTAMP:
        case CEL_DURATION:
                return time_arithmetic(context, op, left, right);
        default:
                break;
        }
        return no_operator(context, op, left);
}

static struct cel_value negate(struct cel_context *context, const struct cel_value *operand) {
        switch (operand->kind) {
        case CEL_INT:
                return int_arithmetic(CEL_OP_SUBTRACT, 0, operand->integer);
        case CEL_DURATION:
                return duration_arithmetic(CEL_OP_SUBTRACT, 0, operand->integer);
        case CEL_DOUBLE:
                return cel_double(-operand->number);
        case CEL_BOOL:
                return cel_plain_no_overload();
        default:
                return no_operator(context, CEL_OP_NEGATE, operand);
        }
}

static bool is_ordered(const struct cel_value *value) {
        switch (value->kind) {
        case CEL_BOOL:
        case CEL_INT:
        case CEL_UINT:
        case CEL_DOUBLE:
        case CEL_STRING:
        case CEL_BYTES:
        case CEL_TIMESTAMP:
        case CEL_DURATION:
                return true;
        default:
                return false;
        }
}

static bool is_nan(const struct cel_value *value) {
        return value->kind == CEL_DOUBLE && isnan(value->number);
}

/* The error of a comparison of values that have no order. */
static struct cel_value no_order(struct cel_context *context, enum cel_op op,
                                 const struct cel_value *left, const struct cel_value *right) {
        if (!is_ordered(left))
                return no_operator(context, op, left);
        if (is_nan(left) || (is_nan(right) && (left->kind == CEL_INT || left->kind == CEL_UINT ||
                                               left->kind == CEL_DOUBLE)))
                return cel_error_fixed(&nan_order);
        return cel_plain_no_overload();
}

static void relation(struct cel_context *context, enum cel_op op, const struct cel_value *left,
                     const struct cel_value *right, struct cel_value *ret) {
        int order;

        if (!cel_compare(left, right, &order))
                *ret = no_order(context, op, left, right);
        else if (op == CEL_OP_LESS)
                cel_bool_into(ret, order < 0);
        else if (op == CEL_OP_LESS_EQUAL)
                cel_bool_into(ret, order <= 0);
        else if (op == CEL_OP_GREATER)
                cel_bool_into(ret, order > 0);
        else
                cel_bool_into(ret, order >= 0);
}

static void list_membership(struct cel_context *context, const struct cel_value *element,
                            const struct cel_value *list, struct cel_value *ret) {
        size_t count = cel_list_size(list);
        struct cel_value item;

        for (size_t i = 0; i < count && cel_step(context); i++) {
                cel_item_into(list, i, &item);
                if (cel_equal_charged(context, element, &item)) {
                        cel_bool_into(ret, true);
                        return;
                }
        }
        if (context->exhausted)
                *ret = cel_exhausted();
        else
                cel_bool_into(ret, false);
}

static void membership(struct cel_context *context, const struct cel_value *element,
                       const struct cel_value *container, struct cel_value *ret) {
        struct cel_value found;

        if (container->kind == CEL_LIST)
                list_membership(context, element, container, ret);
        else if (container->kind == CEL_MAP && container->representation == CEL_NATIVE &&
                 element->kind == CEL_BYTES && cel_map_size(container) > 0)
                *ret = cel_error(context->scratch, CEL_BYTES_KEY_ERROR);
        else if (container->kind == CEL_MAP)
                cel_bool_into(ret, cel_map_find(context, container, element, &found));
        else
                *ret = cel_plain_no_overload();
}

/* An opaque value on the left compares with null and with what its type allows. */
static bool comparable(const struct cel_value *left, const struct cel_value *right) {
        if (left->kind != CEL_OPAQUE || right->kind == CEL_NULL)
                return true;
        return right->kind == CEL_OPAQUE && left->opaque_type == right->opaque_type &&
               (!left->opaque_type->comparable ||
                left->opaque_type->comparable(left->opaque, right->opaque));
}

static void equality(struct cel_context *context, const struct cel_value *left,
                     const struct cel_value *right, bool wanted, struct cel_value *ret) {
        bool same = comparable(left, right) && cel_equal_charged(context, left, right);

        if (context->exhausted)
                *ret = cel_exhausted();
        else if (wanted && !comparable(left, right))
                *ret = cel_plain_no_overload();
        else
                cel_bool_into(ret, same == wanted);
}

void cel_operate_into(struct cel_context *context, enum cel_op op, const struct cel_value *left,
                      const struct cel_value *right, struct cel_value *ret) {
        switch (op) {
        case CEL_OP_NOT:
                if (left->kind == CEL_BOOL)
                        cel_bool_into(ret, !left->boolean);
                else
                        *ret = cel_plain_no_overload();
                break;
        case CEL_OP_NEGATE:
                *ret = negate(context, left);
                break;
        case CEL_OP_EQUAL:
                equality(context, left, right, true, ret);
                break;
        case CEL_OP_NOT_EQUAL:
                equality(context, left, right, false, ret);
                break;
        case CEL_OP_LESS:
        case CEL_OP_LESS_EQUAL:
        case CEL_OP_GREATER:
        case CEL_OP_GREATER_EQUAL:
                relation(context, op, left, right, ret);
                break;
        case CEL_OP_IN:
                membership(context, left, right, ret);
                break;
        default:
                *ret = arithmetic(context, op, left, right);
                break;
        }
}
