/*
 * Resource quantities in CEL (apiserver pkg/cel/library/quantity.go).
 *
 * Quantities are pointers upstream, and some functions change what they are called on. Whoever uses
 * a quantity twice can see that, so it is kept:
 *
 *     - comparing a 64-bit quantity with one that is held as a decimal turns the receiver into a
 *       decimal, which is then no integer any more;
 *     - adding to or subtracting from a decimal changes the receiver to the result;
 *     - a sum or difference on the right of == is "no such overload".
 */
#include "base/quantity.h"

#include "cel/lib/lib.h"

static const struct cel_type quantity_type = { .kind = CEL_TYPE_OPAQUE,
                                               .name = STR_INIT("kubernetes.Quantity") };

/* The value of an opaque: it lives in the scratch arena of one evaluation, which alone may write to
 * it. */
struct cel_quantity {
        struct quantity quantity;
        bool computed; /* by add() or sub() */
};

static bool quantity_equal(const void *a, const void *b) {
        return quantity_compare(&((const struct cel_quantity *)a)->quantity,
                                &((const struct cel_quantity *)b)->quantity) == 0;
}

static bool quantity_comparable(_unused_ const void *a, const void *b) {
        return !((const struct cel_quantity *)b)->computed;
}

static const struct cel_opaque_type quantity_opaque = { .name = STR_INIT("kubernetes.Quantity"),
                                                        .type = &quantity_type,
                                                        .equal = quantity_equal,
                                                        .comparable = quantity_comparable };

static struct cel_quantity *quantity_of(const struct cel_value *value) {
        return (struct cel_quantity *)value->opaque;
}

static bool charge_digits(struct cel_context *context, const struct quantity *q) {
        return !q->decimal || cel_charge_bytes(context, q->decimal->number.digits.len);
}

/* --- making --- */

static struct cel_value quantity(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        struct cel_quantity *made = arena_new(context->scratch, struct cel_quantity);
        struct error error;

        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        if (quantity_parse(context->scratch, args[0].string, &made->quantity, &error) < 0)
                return cel_error(context->scratch, "%s", error.message);
        return cel_opaque(&quantity_opaque, made);
}

static struct cel_value is_quantity(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        struct quantity parsed;

        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        return cel_bool(quantity_parse(context->scratch, args[0].string, &parsed, NULL) >= 0);
}

/* --- looking --- */

static struct cel_value is_integer(_unused_ struct cel_context *context,
                                   const struct cel_value *args, _unused_ size_t count) {
        int64_t value;

        return cel_bool(quantity_integer(&quantity_of(&args[0])->quantity, &value));
}

static struct cel_value as_integer(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        int64_t value;

        if (!quantity_integer(&quantity_of(&args[0])->quantity, &value))
                return cel_error(context->scratch, "cannot convert value to integer");
        return cel_int(value);
}

static struct cel_value as_approximate_float(struct cel_context *context,
                                             const struct cel_value *args, _unused_ size_t count) {
        return cel_double(quantity_double(context->scratch, &quantity_of(&args[0])->quantity));
}

static struct cel_value sign(_unused_ struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        return cel_int(quantity_sign(&quantity_of(&args[0])->quantity));
}

/* --- comparing --- */

static int compare(struct cel_context *context, const struct cel_value *args) {
        struct quantity *a = &quantity_of(&args[0])->quantity;
        const struct quantity *b = &quantity_of(&args[1])->quantity;

        charge_digits(context, a);
        charge_digits(context, b);
        if (b->decimal)
                quantity_to_decimal(context->scratch, a);
        return quantity_compare(a, b);
}

static struct cel_value compare_to(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        return cel_int(compare(context, args));
}

static struct cel_value is_greater_than(struct cel_context *context, const struct cel_value *args,
                                        _unused_ size_t count) {
        return cel_bool(compare(context, args) > 0);
}

static struct cel_value is_less_than(struct cel_context *context, const struct cel_value *args,
                                     _unused_ size_t count) {
        return cel_bool(compare(context, args) < 0);
}

/* --- adding --- */

typedef int quantity_operation(struct arena *arena, const struct quantity *a,
                               const struct quantity *b, struct quantity *ret);

static struct cel_value combine(struct cel_context *context, const struct cel_value *args,
                                quantity_operation *operate) {
        struct quantity *a = &quantity_of(&args[0])->quantity, other;
        const struct quantity *b = &other;
        struct cel_quantity *made = arena_new(context->scratch, struct cel_quantity);

        if (args[1].kind == CEL_INT)
                other = quantity_from_int(args[1].integer, QUANTITY_DECIMAL_EXPONENT);
        else
                b = &quantity_of(&args[1])->quantity;
        if (!charge_digits(context, a) || !charge_digits(context, b))
                return cel_give_up(context);
        if (operate(context->scratch, a, b, &made->quantity) < 0)
                return cel_error(context->scratch, "quantity is too large");
        if (!charge_digits(context, &made->quantity))
                return cel_give_up(context);
        if (a->decimal) {
                *a->decimal = *made->quantity.decimal;
                made->quantity.decimal = a->decimal;
        }
        made->computed = true;
        return cel_opaque(&quantity_opaque, made);
}

static struct cel_value add(struct cel_context *context, const struct cel_value *args,
                            _unused_ size_t count) {
        return combine(context, args, quantity_add);
}

static struct cel_value subtract(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        return combine(context, args, quantity_subtract);
}

#define QUANTITY "kubernetes.Quantity"

static const struct cel_function_row rows[] = {
        { .signature = "quantity(string) " QUANTITY, .call = quantity, .since = 28 },
        { .signature = "isQuantity(string) bool", .call = is_quantity, .since = 28 },
        /* No method: upstream declares it so. */
        { .signature = "sign(" QUANTITY ") int", .call = sign, .since = 28 },
        { .signature = QUANTITY ".isGreaterThan(" QUANTITY ") bool",
          .call = is_greater_than,
          .since = 28 },
        { .signature = QUANTITY ".isLessThan(" QUANTITY ") bool",
          .call = is_less_than,
          .since = 28 },
        { .signature = QUANTITY ".compareTo(" QUANTITY ") int", .call = compare_to, .since = 28 },
        { .signature = QUANTITY ".asApproximateFloat() double",
          .call = as_approximate_float,
          .since = 28 },
        { .signature = QUANTITY ".asInteger() int", .call = as_integer, .since = 28 },
        { .signature = QUANTITY ".isInteger() bool", .call = is_integer, .since = 28 },
        { .signature = QUANTITY ".add(" QUANTITY ") " QUANTITY, .call = add, .since = 28 },
        { .signature = QUANTITY ".add(int) " QUANTITY, .call = add, .since = 28 },
        { .signature = QUANTITY ".sub(" QUANTITY ") " QUANTITY, .call = subtract, .since = 28 },
        { .signature = QUANTITY ".sub(int) " QUANTITY, .call = subtract, .since = 28 },
};

CEL_LIBRARY(cel_library_quantity, "quantity", rows);
