/*
 * Calls of functions and methods: arguments, choice of the overload, the two functions that do not
 * evaluate all their arguments.
 */
#include "base/buf.h"
#include "base/util.h"
#include "cel/cost.h"
#include "cel/functions.h"

static bool type_fits(const struct cel_type *type, const struct cel_value *value);

/* Only the first element is looked at, as in cel-go: lists with elements of several types are
 * unusual, and the function meets the others itself. */
static bool elements_fit(const struct cel_type *type, const struct cel_value *value) {
        struct cel_value key, item;

        if (value->kind == CEL_LIST) {
                if (type->param_count < 1 || cel_list_size(value) == 0)
                        return true;
                item = cel_list_at(value, 0);
                return type_fits(type->params[0], &item);
        }
        if (type->param_count < 2 || cel_map_size(value) == 0)
                return true;
        cel_map_at(value, 0, &key, &item);
        return type_fits(type->params[0], &key) && type_fits(type->params[1], &item);
}

/* Whether VALUE can be an argument where TYPE is declared. */
static bool type_fits(const struct cel_type *type, const struct cel_value *value) {
        switch (type->kind) {
        case CEL_TYPE_DYN:
        case CEL_TYPE_PARAM:
                return true;
        case CEL_TYPE_ERROR:
                return false;
        case CEL_TYPE_NULL:
                return value->kind == CEL_NULL;
        case CEL_TYPE_BOOL:
                return value->kind == CEL_BOOL;
        case CEL_TYPE_INT:
                return value->kind == CEL_INT;
        case CEL_TYPE_UINT:
                return value->kind == CEL_UINT;
        case CEL_TYPE_DOUBLE:
                return value->kind == CEL_DOUBLE;
        case CEL_TYPE_STRING:
                return value->kind == CEL_STRING;
        case CEL_TYPE_BYTES:
                return value->kind == CEL_BYTES;
        case CEL_TYPE_TIMESTAMP:
                return value->kind == CEL_TIMESTAMP;
        case CEL_TYPE_DURATION:
                return value->kind == CEL_DURATION;
        case CEL_TYPE_LIST:
                return value->kind == CEL_LIST && elements_fit(type, value);
        case CEL_TYPE_MAP:
                return value->kind == CEL_MAP && elements_fit(type, value);
        case CEL_TYPE_TYPE:
                return value->kind == CEL_TYPE;
        case CEL_TYPE_OPAQUE:
                if (value->kind == CEL_OPTIONAL)
                        return cel_type_is_optional(type);
                return value->kind == CEL_OPAQUE &&
                       str_eq(type->name, value->opaque_type->type->name);
        case CEL_TYPE_OBJECT:
                break;
        }
        return value->kind == CEL_MAP;
}

static bool overload_fits(const struct cel_overload *overload, bool method,
                          const struct cel_value *args, size_t count) {
        if (overload->param_count != count || overload->method != method)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!overload->row->unguarded && !type_fits(overload->params[i], &args[i]))
                        return false;
        return true;
}

struct cel_value cel_no_such_overload(struct cel_context *context, struct str name,
                                      const struct cel_value *args, size_t count) {
        _cleanup_(buf_free) struct buf buf = BUF_INIT;

        buf_printf(&buf, "no such overload: %.*s(", STR_ARG(name));
        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        buf_add(&buf, STR(", "));
                buf_add(&buf, cel_type_runtime_name(cel_value_type(&args[i])));
        }
        buf_add_char(&buf, ')');
        return cel_error(context->scratch, "%.*s", STR_ARG(buf_str(&buf)));
}

/* size() and matches() have one implementation for all their overloads in cel-go, so that the
 * choice of the checker does not matter: an argument whose type is a free parameter was bound to
 * the first overload, and may be anything. Returns NULL for other functions and other arguments. */
static cel_function *singleton(const struct cel_expr *expr, const struct cel_value *args,
                               size_t count) {
        cel_function *call = expr->overloads[0]->row->call;

        if (call == cel_function_size && count == 1 &&
            (args[0].kind == CEL_STRING || args[0].kind == CEL_BYTES || args[0].kind == CEL_LIST ||
             args[0].kind == CEL_MAP))
                return call;
        if (call == cel_function_matches && count == 2 && args[0].kind == CEL_STRING &&
            args[1].kind == CEL_STRING)
                return call;
        return NULL;
}

/* The error of a call whose arguments fit no overload, in the words of cel-go's function. */
static struct cel_value call_error(struct cel_context *context, const struct cel_expr *expr,
                                   const struct cel_value *args, size_t count) {
        cel_function *call = NULL;

        if (expr->overloads && expr->overloads[0])
                call = expr->overloads[0]->row->call;
        if (call == cel_function_size || (call == cel_function_matches && !expr->regex))
                return cel_no_operator(context, call == cel_function_size ? "size" : "matches",
                                       &args[0]);
        if (call == cel_function_contains || call == cel_function_starts_with ||
            call == cel_function_ends_with || cel_has_constant_pattern(expr))
                return cel_plain_no_overload();
        return cel_no_such_overload(context, expr->name, args, count);
}

/* target.or(optional), target.orValue(default): a target that is no optional is the result. */
static void eval_or(struct cel_context *context, const struct cel_expr *expr, bool or_value,
                    struct cel_value *ret) {
        const struct doc_node *node;
        enum cel_found found = cel_eval_chain(context, expr->target, ret);

        if (found == CEL_FOUND_VALUE)
                found = cel_found_of(ret); /* an optional that was stored in a list or map */
        switch (found) {
        case CEL_FOUND_ERROR:
        case CEL_FOUND_VALUE:
                return;
        case CEL_FOUND_SOME:
                if (!or_value)
                        *ret = cel_optional_of(context->scratch, *ret);
                return;
        case CEL_FOUND_ABSENT:
                break;
        }
        node = ret->node;
        cel_eval_into(context, expr->args[0], ret);
        /* A default that was written in the rule stands for what was missed. */
        if (!ret->node && node) {
                ret->node = node;
                ret->missed = true;
        }
}

/* Charges the call EXPR with its RESULT, unless evaluating ARGS used up what is allowed. */
static void pay_call(struct cel_context *context, const struct cel_expr *expr,
                     const struct cel_value *args, size_t count, const struct cel_value *result) {
        if (context->exhausted || context->cost > context->cost_limit)
                return;
        if (expr->cost == CEL_COST_ONE)
                context->cost++;
        else
                cel_pay(context, cel_cost_of(context, expr->cost, args, count, result));
}

/* The receiver and the arguments. Returns false with the first error in *RET_ERROR; cel-go charges
 * for the call if all of them were evaluated. */
static bool eval_args(struct cel_context *context, const struct cel_expr *expr,
                      struct cel_value *args, size_t count, struct cel_value *ret_error) {
        size_t receiver = expr->target ? 1 : 0;

        for (size_t i = 0; i < count; i++) {
                cel_eval_into(context, i < receiver ? expr->target : expr->args[i - receiver],
                              &args[i]);
                if (!cel_is_error(&args[i]))
                        continue;
                *ret_error = args[i];
                if (i == 0 && expr->pair)
                        cel_eval_into(context, expr->args[1 - receiver], &args[1]);
                if (i + 1 == count || expr->pair)
                        pay_call(context, expr, args, count, ret_error);
                return false;
        }
        return true;
}

/* cel-go compiles a constant pattern with the expression, and calls what it made of it without a
 * look at the types: that goes by the value in Go, which for an optional is that of what it holds,
 * and for a type its name. */
static struct cel_value go_value(const struct cel_value *value) {
        const struct cel_value *held = value;

        while (held->kind == CEL_OPTIONAL && held->some)
                held = held->some;
        if (held->kind == CEL_TYPE)
                return cel_string(cel_type_runtime_name(held->type));
        return *held;
}

void cel_eval_call(struct cel_context *context, const struct cel_expr *expr,
                   struct cel_value *ret) {
        const struct cel_overload *const *overloads = expr->overloads;
        size_t count = (expr->target != NULL) + expr->arg_count;
        struct cel_value args[CEL_MAX_ARGS], values[CEL_MAX_ARGS], *passed = args;
        cel_function *call = NULL;

        if (count > CEL_MAX_ARGS) {
                *ret = cel_no_such_overload(context, expr->name, NULL, 0);
                return;
        }
        if (overloads && overloads[0] && expr->target) {
                call = overloads[0]->row->call;
                if (call == cel_optional_or_value || call == cel_optional_or) {
                        eval_or(context, expr, call == cel_optional_or_value, ret);
                        return;
                }
                call = NULL;
        }
        if (!eval_args(context, expr, args, count, ret)) {
                if (context->exhausted)
                        *ret = cel_exhausted();
                return;
        }
        if (cel_has_constant_pattern(expr)) {
                passed = values;
                for (size_t i = 0; i < count; i++)
                        values[i] = go_value(&args[i]);
        }
        if (overloads && overloads[0])
                call = singleton(expr, passed, count);
        for (; !call && overloads && *overloads; overloads++)
                if (overload_fits(*overloads, expr->target != NULL, passed, count))
                        call = (*overloads)->row->call;
        if (!call) {
                *ret = call_error(context, expr, args, count);
                pay_call(context, expr, args, count, ret);
                return;
        }
        context->regex = expr->regex;
        *ret = call(context, passed, count);
        pay_call(context, expr, args, count, ret);
        if (context->exhausted)
                *ret = cel_exhausted();
}
