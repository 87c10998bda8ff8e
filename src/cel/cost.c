#include "cel/cost.h"

#include <math.h>

#include "base/utf8.h"
#include "base/util.h"

enum {
        TRAVERSE_DEPTH = 500,
        CHECK_COST = 350000,
};

static const double text_factor = 0.1, pattern_factor = 0.25;

/* --- sizes --- */

/* What size() says, and 1 for what has none. INNER: an optional is as large as what is in it. */
static uint64_t size_of(const struct cel_value *value, bool inner) {
        while (inner && value->kind == CEL_OPTIONAL && value->some)
                value = value->some;
        switch (value->kind) {
        case CEL_STRING:
                return utf8_count(value->string);
        case CEL_BYTES:
                return value->string.len;
        case CEL_LIST:
                return cel_list_size(value);
        case CEL_MAP:
                return cel_map_size(value);
        case CEL_OPAQUE:
                return value->opaque_type->size ? value->opaque_type->size(value->opaque) : 1;
        default:
                return 1;
        }
}

/* The products are computed as cel-go does it, in doubles. */
static uint64_t scaled(uint64_t size, double factor) {
        return (uint64_t)ceil((double)size * factor);
}

static uint64_t times(uint64_t a, uint64_t b) {
        uint64_t product;

        return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t regex_cost(uint64_t text, uint64_t pattern) {
        return times((uint64_t)ceil((1.0 + (double)text) * text_factor),
                     scaled(pattern, pattern_factor));
}

/* A list may be in another one many times, so every item is charged as work. */
static uint64_t traverse(struct cel_context *context, const struct cel_value *value, int depth) {
        size_t count;
        uint64_t cost = 0;

        if (value->kind == CEL_STRING || value->kind == CEL_BYTES)
                return (uint64_t)((double)value->string.len * text_factor);
        if ((value->kind != CEL_LIST && value->kind != CEL_MAP) || depth == 0)
                return 1;
        count = value->kind == CEL_LIST ? cel_list_size(value) : cel_map_size(value);
        for (size_t i = 0; i < count && cel_charge(context, 1); i++) {
                struct cel_value key, item;

                if (value->kind == CEL_LIST) {
                        cel_item_into(value, i, &item);
                } else {
                        cel_map_at(value, i, &key, &item);
                        cost += traverse(context, &key, depth - 1);
                }
                cost += traverse(context, &item, depth - 1);
        }
        return cost;
}

/* A call that makes a list. A negative factor, which is an error anyway, wraps around. */
static uint64_t list_cost(double factor, uint64_t size) {
        double cost = (double)size * factor;

        if (fabs(cost) >= 0x1p62)
                return UINT64_MAX; /* beyond every limit */
        return (uint64_t)(int64_t)cost + 1 + CEL_COST_LIST;
}

/* The words of Go for a value, an error among others, that is counted as a list and is none: cel-go
 * gives up the whole evaluation. */
static uint64_t no_list(struct cel_context *context, const struct cel_value *value) {
        bool adds = value->kind == CEL_STRING || value->kind == CEL_BYTES ||
                    value->kind == CEL_INT || value->kind == CEL_UINT ||
                    value->kind == CEL_DOUBLE || value->kind == CEL_TIMESTAMP ||
                    value->kind == CEL_DURATION;

        cel_abort(context,
                  "internal error: interface conversion: %s is not traits.Lister: missing method "
                  "%s",
                  cel_value_go_type(value), adds ? "Contains" : "Add");
        return 0;
}

static uint64_t self_compare_cost(struct cel_context *context, const struct cel_value *list) {
        uint64_t size = size_of(list, true);
        double factor = 2;
        struct cel_value first;

        if (list->kind != CEL_LIST)
                return no_list(context, list);
        if (size > 0) {
                first = cel_list_at(list, 0);
                if (first.kind == CEL_STRING || first.kind == CEL_BYTES)
                        factor += text_factor;
        }
        return list_cost(factor, times(size, size));
}

static uint64_t contains_net_cost(const struct cel_value *args, bool cidr, bool text) {
        uint64_t prefix = size_of(&args[0], false), cost = scaled(prefix + prefix, text_factor);

        if (cidr)
                cost += scaled(prefix, text_factor) + 1;
        if (text)
                cost += scaled(size_of(&args[1], false), text_factor);
        return cost;
}

/* A requirement is at least two characters, and is a struct (40) and a list (10). */
static uint64_t selector_cost(uint64_t length) {
        return CEL_COST_LIST + scaled(length, text_factor) + scaled(scaled(length, 0.5), 50);
}

static uint64_t smaller_cost(const struct cel_value *args) {
        uint64_t left = size_of(&args[0], true), right = size_of(&args[1], true);

        return scaled(left < right ? left : right, text_factor);
}

static uint64_t pair_cost(struct cel_context *context, uint8_t rule, const struct cel_value *args) {
        switch (rule) {
        case CEL_COST_EQUAL:
                return args[0].kind == CEL_OPAQUE ? 1 : smaller_cost(args);
        case CEL_COST_SMALLER:
                return smaller_cost(args);
        case CEL_COST_BOTH:
                return scaled(size_of(&args[0], true) + size_of(&args[1], true), text_factor);
        case CEL_COST_RIGHT:
                return size_of(&args[1], true);
        case CEL_COST_CONTAINS:
                return times(scaled(size_of(&args[0], true), text_factor),
                             scaled(size_of(&args[1], true), text_factor));
        case CEL_COST_REGEX:
                return regex_cost(size_of(&args[0], true), size_of(&args[1], true));
        case CEL_COST_FORMAT:
                if (args[0].kind != CEL_OPAQUE || !args[0].opaque_type->pattern_size)
                        return 1;
                return regex_cost(size_of(&args[1], false),
                                  args[0].opaque_type->pattern_size(args[0].opaque));
        case CEL_COST_CONTAINS_IP:
        case CEL_COST_CONTAINS_CIDR:
                return contains_net_cost(args, rule == CEL_COST_CONTAINS_CIDR, false);
        case CEL_COST_CONTAINS_IP_TEXT:
        case CEL_COST_CONTAINS_CIDR_TEXT:
                return contains_net_cost(args, rule == CEL_COST_CONTAINS_CIDR_TEXT, true);
        case CEL_COST_SETS:
        case CEL_COST_SETS_TWICE:
                return 1 + times(times(size_of(&args[0], false), size_of(&args[1], false)),
                                 rule == CEL_COST_SETS ? 1 : 2);
        case CEL_COST_SORT_BY:
                return self_compare_cost(context, &args[1]);
        case CEL_COST_SELECTOR:
                return selector_cost(size_of(&args[1], false));
        default:
                return 1;
        }
}

uint64_t cel_cost_of(struct cel_context *context, uint8_t rule, const struct cel_value *args,
                     size_t count, const struct cel_value *result) {
        switch (rule) {
        case CEL_COST_ONE:
                return 1;
        case CEL_COST_FREE:
                return 0;
        case CEL_COST_CHECK:
                return CHECK_COST;
        case CEL_COST_RESULT_TWICE:
                return scaled(times(size_of(result, false), 2), text_factor);
        case CEL_COST_LIST_RESULT:
                return list_cost(1, size_of(result, true));
        default:
                break;
        }
        if (count == 0)
                return 1;
        switch (rule) {
        case CEL_COST_TEXT:
                return scaled(size_of(&args[0], false), text_factor);
        case CEL_COST_TEXT_TWICE:
                return scaled(times(size_of(&args[0], false), 2), text_factor);
        case CEL_COST_TRAVERSE:
                return traverse(context, &args[0], TRAVERSE_DEPTH);
        case CEL_COST_FLATTEN:
                return list_cost(count > 1 && args[1].kind == CEL_INT ? (double)args[1].integer : 1,
                                 size_of(&args[0], true));
        case CEL_COST_SELF_COMPARE:
                return self_compare_cost(context, &args[0]);
        default:
                return count > 1 ? pair_cost(context, rule, args) : 1;
        }
}

void cel_pay_deferred(struct cel_context *context, int slot) {
        struct cel_deferred *deferred = context->deferred;

        while (deferred && deferred->slot != slot)
                deferred = deferred->outer;
        if (!deferred || deferred->paid)
                return;
        deferred->paid = deferred->cost;
        context->cost += deferred->cost;
        context->deferred_cost += deferred->cost;
}

/* --- rules --- */

static bool is_text(const struct cel_expr *expr) {
        return expr->type &&
               (expr->type->kind == CEL_TYPE_STRING || expr->type->kind == CEL_TYPE_BYTES);
}

/* A list whose items cel-go makes a set of, so that looking one up is no call. */
static bool is_constant_set(const struct cel_expr *expr) {
        size_t count;

        if (expr->kind != CEL_EXPR_CONST || expr->constant.kind != CEL_LIST)
                return false;
        count = cel_list_size(&expr->constant);
        for (size_t i = 0; i < count; i++)
                switch (cel_list_at(&expr->constant, i).kind) {
                case CEL_BOOL:
                case CEL_INT:
                case CEL_UINT:
                case CEL_DOUBLE:
                case CEL_STRING:
                        break;
                default:
                        return false;
                }
        return true;
}

static uint8_t membership_rule(const struct cel_expr *list) {
        if (!list->type || list->type->kind != CEL_TYPE_LIST)
                return CEL_COST_ONE;
        return is_constant_set(list) ? CEL_COST_FREE : CEL_COST_RIGHT;
}

static uint8_t operator_rule(const struct cel_expr *expr) {
        switch (expr->op) {
        case CEL_OP_EQUAL:
                return CEL_COST_EQUAL;
        case CEL_OP_NOT_EQUAL:
                return CEL_COST_SMALLER;
        case CEL_OP_LESS:
        case CEL_OP_LESS_EQUAL:
        case CEL_OP_GREATER:
        case CEL_OP_GREATER_EQUAL:
                return is_text(expr->args[0]) || is_text(expr->args[1]) ? CEL_COST_SMALLER
                                                                        : CEL_COST_ONE;
        case CEL_OP_ADD:
                return is_text(expr->args[0]) || is_text(expr->args[1]) ? CEL_COST_BOTH
                                                                        : CEL_COST_ONE;
        case CEL_OP_IN:
                return membership_rule(expr->args[1]);
        default:
                return CEL_COST_ONE;
        }
}

/* Prices by name. Where `overload` is set they are those of one overload, the one with that kind of
 * receiver or first argument, and hold only where the types leave no other. */
static const struct price {
        const char *name;
        uint8_t rule;
        bool overload;
        enum cel_type_kind kind;
        enum { BOTH_FORMS, FUNCTION, METHOD } form;
} prices[] = {
        { "@sortByAssociatedKeys", CEL_COST_SORT_BY, true, CEL_TYPE_LIST },
        { "bytes", CEL_COST_TEXT, true, CEL_TYPE_STRING },
        { "check", CEL_COST_CHECK },
        { "cidr", CEL_COST_TEXT },
        { "contains", CEL_COST_CONTAINS },
        { "containsCIDR", CEL_COST_CONTAINS_CIDR },
        { "containsIP", CEL_COST_CONTAINS_IP },
        { "distinct", CEL_COST_SELF_COMPARE },
        { "endsWith", CEL_COST_TEXT },
        { "fieldSelector", CEL_COST_SELECTOR },
        { "find", CEL_COST_REGEX },
        { "findAll", CEL_COST_REGEX },
        { "flatten", CEL_COST_FLATTEN },
        { "format", CEL_COST_TEXT },
        { "indexOf", CEL_COST_TRAVERSE },
        { "ip", CEL_COST_TEXT, .form = FUNCTION },
        { "ip.isCanonical", CEL_COST_TEXT_TWICE },
        { "isCIDR", CEL_COST_TEXT },
        { "isIP", CEL_COST_TEXT },
        { "isQuantity", CEL_COST_TEXT },
        { "isSemver", CEL_COST_TEXT },
        { "isSorted", CEL_COST_TRAVERSE },
        { "join", CEL_COST_RESULT_TWICE },
        { "jsonpatch.escapeKey", CEL_COST_TEXT },
        { "labelSelector", CEL_COST_SELECTOR },
        { "lastIndexOf", CEL_COST_TRAVERSE },
        { "lists.range", CEL_COST_LIST_RESULT },
        { "lowerAscii", CEL_COST_TEXT },
        { "matches", CEL_COST_REGEX, .form = METHOD },
        { "max", CEL_COST_TRAVERSE },
        { "min", CEL_COST_TRAVERSE },
        { "quantity", CEL_COST_TEXT },
        { "replace", CEL_COST_TEXT_TWICE },
        { "reverse", CEL_COST_LIST_RESULT, true, CEL_TYPE_LIST },
        { "semver", CEL_COST_TEXT },
        { "sets.contains", CEL_COST_SETS },
        { "sets.equivalent", CEL_COST_SETS_TWICE },
        { "sets.intersects", CEL_COST_SETS },
        { "slice", CEL_COST_LIST_RESULT },
        { "sort", CEL_COST_SELF_COMPARE, true, CEL_TYPE_LIST },
        { "split", CEL_COST_TEXT_TWICE },
        { "startsWith", CEL_COST_TEXT },
        { "string", CEL_COST_TEXT, true, CEL_TYPE_BYTES },
        { "strings.quote", CEL_COST_TEXT },
        { "substring", CEL_COST_TEXT },
        { "sum", CEL_COST_TRAVERSE },
        { "trim", CEL_COST_TEXT },
        { "upperAscii", CEL_COST_TEXT },
        { "url", CEL_COST_TEXT },
        { "validate", CEL_COST_FORMAT },
};

static bool is_single(const struct cel_expr *expr) {
        return expr->overloads && expr->overloads[0] && !expr->overloads[1];
}

bool cel_cost_is_binding(const struct cel_expr *expr) {
        return expr->kind == CEL_EXPR_CALL && expr->op == CEL_OP_OPT_MAP && expr->var.len > 0 &&
               expr->var.ptr[0] == '@';
}

/* Text that is only found to be text when it is there is not charged for. */
static uint8_t net_rule(const struct cel_expr *expr, uint8_t rule) {
        if (!is_single(expr) || expr->overloads[0]->params[1]->kind != CEL_TYPE_STRING)
                return rule;
        return rule == CEL_COST_CONTAINS_IP ? CEL_COST_CONTAINS_IP_TEXT
                                            : CEL_COST_CONTAINS_CIDR_TEXT;
}

static uint8_t call_rule(const struct cel_expr *expr) {
        if (!expr->overloads || !expr->overloads[0])
                return CEL_COST_ONE;
        if (expr->target && (str_eq(expr->name, STR("orValue")) || str_eq(expr->name, STR("or"))))
                return CEL_COST_FREE;
        if (expr->target && cel_cost_is_binding(expr->target))
                return CEL_COST_FREE;
        for (size_t i = 0; i < ELEMENTS(prices); i++) {
                const struct price *price = &prices[i];

                if (!str_eq(expr->name, str_from(price->name)) ||
                    price->form == (expr->target ? FUNCTION : METHOD))
                        continue;
                if (price->overload &&
                    (!is_single(expr) || expr->overloads[0]->params[0]->kind != price->kind))
                        continue;
                if (price->rule == CEL_COST_CONTAINS_IP || price->rule == CEL_COST_CONTAINS_CIDR)
                        return net_rule(expr, price->rule);
                return price->rule;
        }
        return CEL_COST_ONE;
}

bool cel_has_constant_pattern(const struct cel_expr *expr) {
        size_t at = expr->target ? 0 : 1;

        return (str_eq(expr->name, STR("matches")) || str_eq(expr->name, STR("find")) ||
                str_eq(expr->name, STR("findAll"))) &&
               expr->arg_count > at && expr->args[at]->kind == CEL_EXPR_CONST;
}

/* Whether cel-go evaluates both arguments before it looks at either: it does so where it knows the
 * function, which is one for all overloads of what sortBy() calls. */
static bool is_pair(const struct cel_expr *expr) {
        if ((expr->target != NULL) + expr->arg_count != 2 || cel_has_constant_pattern(expr) ||
            str_eq(expr->name, STR("format")))
                return false; /* string.format is bound as a function of any number of arguments */
        return is_single(expr) || str_eq(expr->name, STR("@sortByAssociatedKeys"));
}

static void prepare_call(struct cel_expr *expr) {
        const struct cel_expr *base;

        switch (expr->op) {
        case CEL_OP_CALL:
                expr->cost = call_rule(expr);
                expr->pair = is_pair(expr);
                return;
        case CEL_OP_CONDITIONAL:
                expr->conditional = true;
                return;
        case CEL_OP_OPT_MAP:
        case CEL_OP_OPT_FLAT_MAP:
                expr->conditional = !cel_cost_is_binding(expr);
                if (cel_cost_is_binding(expr))
                        expr->target->cost = CEL_COST_FREE;
                return;
        case CEL_OP_INDEX:
        case CEL_OP_OPTIONAL_INDEX:
                base = expr->args[0];
                expr->conditional = base->conditional;
                expr->attribute = !base->conditional;
                return;
        default:
                expr->cost = operator_rule(expr);
                return;
        }
}

void cel_cost_prepare(struct cel_expr *expr) {
        expr->attribute = expr->conditional = false;
        switch (expr->kind) {
        case CEL_EXPR_IDENT:
                expr->attribute = true;
                break;
        case CEL_EXPR_SELECT:
                expr->conditional = expr->target->conditional;
                expr->attribute = !expr->conditional;
                break;
        case CEL_EXPR_CALL:
                prepare_call(expr);
                break;
        default:
                break;
        }
}
