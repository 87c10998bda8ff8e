/*
 * math.*: cel-go's ext/math.go, which Kubernetes does not enable. math.greatest and math.least are
 * macros (cel/extension.c) over math.@max and math.@min.
 */
#include <math.h>

#include "cel/eval.h"
#include "cel/lib/lib.h"

/* --- the greatest and the least --- */

/* The one of A and B that OP (CEL_OP_LESS, CEL_OP_GREATER) puts first; A where they are equal. */
static struct cel_value choose(struct cel_context *context, enum cel_op op,
                               const struct cel_value *a, const struct cel_value *b) {
        struct cel_value first = cel_operate(context, op, b, a);

        if (cel_is_error(&first))
                return first;
        return first.boolean ? *b : *a;
}

static bool is_number(const struct cel_value *value) {
        return value->kind == CEL_INT || value->kind == CEL_UINT || value->kind == CEL_DOUBLE;
}

static struct cel_value extreme(struct cel_context *context, enum cel_op op,
                                const struct cel_value *args, size_t count) {
        struct str name = op == CEL_OP_LESS ? STR("math.@min") : STR("math.@max");
        struct cel_value list = args[0], found;

        if (count == 2)
                return choose(context, op, &args[0], &args[1]);
        if (list.kind != CEL_LIST)
                return list;
        if (cel_list_size(&list) == 0)
                return cel_error(context->scratch, "%.*s(list) argument must not be empty",
                                 STR_ARG(name));
        if (!cel_charge(context, cel_list_size(&list)))
                return cel_give_up(context);
        found = cel_list_at(&list, 0);
        for (size_t i = 0; i < cel_list_size(&list) && !cel_is_error(&found); i++) {
                struct cel_value item = cel_list_at(&list, i);

                if (!is_number(&item))
                        return cel_no_such_overload(context, name, &item, 1);
                found = choose(context, op, &found, &item);
        }
        return found;
}

static struct cel_value least(struct cel_context *context, const struct cel_value *args,
                              size_t count) {
        return extreme(context, CEL_OP_LESS, args, count);
}

static struct cel_value greatest(struct cel_context *context, const struct cel_value *args,
                                 size_t count) {
        return extreme(context, CEL_OP_GREATER, args, count);
}

/* --- doubles --- */

#define ROUNDING(name, function)                                                                   \
        static struct cel_value name(_unused_ struct cel_context *context,                         \
                                     const struct cel_value *args, _unused_ size_t count) {        \
                return cel_double(function(args[0].number));                                       \
        }

ROUNDING(round_up, ceil)
ROUNDING(round_down, floor)
ROUNDING(round_nearest, round) /* halves away from zero */
ROUNDING(round_to_zero, trunc)

static struct cel_value is_infinite(_unused_ struct cel_context *context,
                                    const struct cel_value *args, _unused_ size_t count) {
        return cel_bool(isinf(args[0].number));
}

static struct cel_value is_nan(_unused_ struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        return cel_bool(isnan(args[0].number));
}

static struct cel_value is_finite(_unused_ struct cel_context *context,
                                  const struct cel_value *args, _unused_ size_t count) {
        return cel_bool(isfinite(args[0].number));
}

static struct cel_value square_root(_unused_ struct cel_context *context,
                                    const struct cel_value *args, _unused_ size_t count) {
        switch (args[0].kind) {
        case CEL_INT:
                return cel_double(sqrt((double)args[0].integer));
        case CEL_UINT:
                return cel_double(sqrt((double)args[0].uinteger));
        default:
                return cel_double(sqrt(args[0].number));
        }
}

/* --- signs --- */

static struct cel_value absolute(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        switch (args[0].kind) {
        case CEL_DOUBLE:
                return cel_double(fabs(args[0].number));
        case CEL_INT:
                if (args[0].integer == INT64_MIN)
                        return cel_error(context->scratch, "integer overflow");
                return cel_int(args[0].integer < 0 ? -args[0].integer : args[0].integer);
        default:
                return args[0];
        }
}

static struct cel_value sign(_unused_ struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        const struct cel_value *value = &args[0];

        switch (value->kind) {
        case CEL_DOUBLE:
                if (isnan(value->number))
                        return *value;
                return cel_double((value->number > 0) - (value->number < 0));
        case CEL_INT:
                return cel_int((value->integer > 0) - (value->integer < 0));
        default:
                return cel_uint(value->uinteger > 0);
        }
}

/* --- bits: ints and uints share their representation --- */

static struct cel_value with_bits(struct cel_value value, uint64_t bits) {
        value.uinteger = bits;
        value.node = NULL;
        return value;
}

static struct cel_value bit_and(_unused_ struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        return with_bits(args[0], args[0].uinteger & args[1].uinteger);
}

static struct cel_value bit_or(_unused_ struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        return with_bits(args[0], args[0].uinteger | args[1].uinteger);
}

static struct cel_value bit_xor(_unused_ struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        return with_bits(args[0], args[0].uinteger ^ args[1].uinteger);
}

static struct cel_value bit_not(_unused_ struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        return with_bits(args[0], ~args[0].uinteger);
}

static struct cel_value shift(struct cel_context *context, const struct cel_value *args,
                              bool left) {
        uint64_t bits = args[0].uinteger;
        int64_t by = args[1].integer;

        if (by < 0)
                return cel_error(context->scratch, "math.bitShift%s() negative offset: %lld",
                                 left ? "Left" : "Right", (long long)by);
        if (by > 63)
                return with_bits(args[0], 0);
        return with_bits(args[0], left ? bits << by : bits >> by);
}

static struct cel_value shift_left(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        return shift(context, args, true);
}

/* Zeros come in from the left, whatever the sign. */
static struct cel_value shift_right(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        return shift(context, args, false);
}

// clang-format off
#define EXTREME(name, function)                            \
        { name "(double) double", function },              \
        { name "(int) int", function },                    \
        { name "(uint) uint", function },                  \
        { name "(double, double) double", function },      \
        { name "(int, int) int", function },               \
        { name "(uint, uint) uint", function },            \
        { name "(int, uint) dyn", function },              \
        { name "(int, double) dyn", function },            \
        { name "(double, int) dyn", function },            \
        { name "(double, uint) dyn", function },           \
        { name "(uint, int) dyn", function },              \
        { name "(uint, double) dyn", function },           \
        { name "(list(double)) double", function },        \
        { name "(list(int)) int", function },              \
        { name "(list(uint)) uint", function }
// clang-format on

static const struct cel_function_row rows[] = {
        EXTREME("math.@min", least),
        EXTREME("math.@max", greatest),
        { "math.ceil(double) double", round_up },
        { "math.floor(double) double", round_down },
        { "math.round(double) double", round_nearest },
        { "math.trunc(double) double", round_to_zero },
        { "math.isInf(double) bool", is_infinite },
        { "math.isNaN(double) bool", is_nan },
        { "math.isFinite(double) bool", is_finite },
        { "math.abs(double) double", absolute },
        { "math.abs(int) int", absolute },
        { "math.abs(uint) uint", absolute },
        { "math.sign(double) double", sign },
        { "math.sign(int) int", sign },
        { "math.sign(uint) uint", sign },
        { "math.sqrt(double) double", square_root },
        { "math.sqrt(int) double", square_root },
        { "math.sqrt(uint) double", square_root },
        { "math.bitAnd(int, int) int", bit_and },
        { "math.bitAnd(uint, uint) uint", bit_and },
        { "math.bitOr(int, int) int", bit_or },
        { "math.bitOr(uint, uint) uint", bit_or },
        { "math.bitXor(int, int) int", bit_xor },
        { "math.bitXor(uint, uint) uint", bit_xor },
        { "math.bitNot(int) int", bit_not },
        { "math.bitNot(uint) uint", bit_not },
        { "math.bitShiftLeft(int, int) int", shift_left },
        { "math.bitShiftLeft(uint, int) uint", shift_left },
        { "math.bitShiftRight(int, int) int", shift_right },
        { "math.bitShiftRight(uint, int) uint", shift_right },
};

CEL_LIBRARY(cel_library_math, "math", rows);
