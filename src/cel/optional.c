/*
 * Optional values: cel-go's OptionalTypes library. The syntax (`?.`, `[?]`) and the macros optMap
 * and optFlatMap are the evaluator's own.
 */
#include "base/util.h"
#include "cel/eval.h"
#include "cel/functions.h"
#include "cel/message.h"

static struct cel_value optional_of(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        return cel_optional_of(context->scratch, args[0]);
}

static struct cel_value optional_none(_unused_ struct cel_context *context,
                                      _unused_ const struct cel_value *args,
                                      _unused_ size_t count) {
        return (struct cel_value){ .kind = CEL_OPTIONAL };
}

/* Whether VALUE is the zero of its type. Types, optionals and opaque values have none; the zero
 * timestamp is Go's, the first of January of year 1. */
static bool is_zero(const struct cel_value *value) {
        switch ((enum cel_kind)value->kind) {
        case CEL_NULL:
                return true;
        case CEL_BOOL:
                return !value->boolean;
        case CEL_INT:
        case CEL_UINT:
        case CEL_DURATION:
                return value->integer == 0;
        case CEL_DOUBLE:
                return value->number == 0;
        case CEL_STRING:
        case CEL_BYTES:
                return value->string.len == 0;
        case CEL_TIMESTAMP:
                return value->integer == CEL_TIMESTAMP_MIN && value->nanos == 0;
        case CEL_LIST:
                return cel_list_size(value) == 0;
        case CEL_MAP:
                return value->representation != CEL_LAZY && cel_map_size(value) == 0;
        case CEL_OPAQUE:
                return cel_message_of(value) && cel_message_of(value)->count == 0;
        case CEL_TYPE:
        case CEL_OPTIONAL:
        case CEL_ERROR:
        case CEL_UNSET:
                break;
        }
        return false;
}

static struct cel_value optional_of_non_zero(struct cel_context *context,
                                             const struct cel_value *args, _unused_ size_t count) {
        if (is_zero(&args[0]))
                return (struct cel_value){ .kind = CEL_OPTIONAL,
                                           .node = args[0].node,
                                           .missed = args[0].missed };
        return cel_optional_of(context->scratch, args[0]);
}

static struct cel_value has_value(_unused_ struct cel_context *context,
                                  const struct cel_value *args, _unused_ size_t count) {
        return cel_bool(args[0].some != NULL);
}

static struct cel_value value(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        struct cel_value error;

        if (args[0].some)
                return *args[0].some;
        error = cel_error(context->scratch, "optional.none() dereference");
        error.node = args[0].node;
        error.missed = args[0].missed;
        return error;
}

/* The evaluator decides these two without calling them, see call.c. */
struct cel_value cel_optional_or(struct cel_context *context, const struct cel_value *args,
                                 size_t count) {
        return cel_no_such_overload(context, STR("or"), args, count);
}

struct cel_value cel_optional_or_value(struct cel_context *context, const struct cel_value *args,
                                       size_t count) {
        return cel_no_such_overload(context, STR("orValue"), args, count);
}

static struct cel_value unwrap(struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        size_t size = cel_list_size(&args[0]), kept = 0;
        struct cel_value *items;

        if (!cel_charge(context, size))
                return args[0];
        items = arena_new_array(context->scratch, size, struct cel_value);
        for (size_t i = 0; i < size; i++) {
                struct cel_value item = cel_list_at(&args[0], i);

                if (item.kind != CEL_OPTIONAL)
                        return cel_error(context->scratch, "value %.*s is not optional",
                                         STR_ARG(cel_value_text(context->scratch, &item)));
                if (item.some)
                        items[kept++] = *item.some;
        }
        return cel_list_value(context->scratch, items, kept);
}

/* The element at INDEX of a list, where it has one. */
static struct cel_value element(struct cel_context *context, const struct cel_value *list,
                                bool last) {
        size_t size = cel_list_size(list);

        if (size == 0)
                return (struct cel_value){ .kind = CEL_OPTIONAL,
                                           .node = list->node,
                                           .missed = true };
        return cel_optional_of(context->scratch, cel_list_at(list, last ? size - 1 : 0));
}

static struct cel_value first(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        return element(context, &args[0], false);
}

static struct cel_value last(struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        return element(context, &args[0], true);
}

static const struct cel_function_row rows[] = {
        { "optional.of(A) optional(A)", optional_of, .since = 28 },
        { "optional.ofNonZeroValue(A) optional(A)", optional_of_non_zero, .since = 28 },
        { "optional.none() optional(A)", optional_none, .since = 28 },
        { "optional(A).value() A", value, .since = 28 },
        { "optional(A).hasValue() bool", has_value, .since = 28 },
        { "optional(A).or(optional(A)) optional(A)", cel_optional_or, .since = 28 },
        { "optional(A).orValue(A) A", cel_optional_or_value, .since = 28 },
        { "list(A).first() optional(A)", first, .since = 28 },
        { "list(A).last() optional(A)", last, .since = 28 },
        { "optional.unwrap(list(optional(A))) list(A)", unwrap, .since = 28 },
        { "list(optional(A)).unwrapOpt() list(A)", unwrap, .since = 28 },
};

const struct cel_library cel_library_optional = { "optional", rows, ELEMENTS(rows) };
