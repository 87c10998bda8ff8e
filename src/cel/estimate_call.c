/*
 * What calls are estimated to cost: cel-go checker/cost.go (functionCost), ext/lists.go,
 * ext/sets.go, and k8s.io/apiserver/pkg/cel/library/cost.go (EstimateCallCost). A rule goes by the
 * name of the function and where need be by the types of the overload; what has none costs 1.
 */
#include <math.h>

#include "base/util.h"
#include "cel/cost.h"
#include "cel/estimate.h"

enum {
        CHECK_COST = 350000,
        FORMAT_NAME_MAX = 64,     /* characters in the name of a format */
        FORMAT_PATTERN_MAX = 128, /* and in its pattern */
        ADDRESS_MIN = 4,          /* bytes of an address */
        ADDRESS_MAX = 16,
        REQUIREMENT_COST = 50, /* of a selector */
};

static const double text = 0.1, pattern = 0.25;
static const struct cel_estimate one = { 1, 1 };

struct result {
        struct cel_estimate cost, size;
        bool sized;
};

typedef struct result call_rule(const struct cel_call_part *call);

static struct result costs(struct cel_estimate cost) {
        return (struct result){ .cost = cost };
}

static struct result makes(struct cel_estimate cost, struct cel_estimate size) {
        return (struct result){ cost, size, true };
}

static struct cel_estimate arg_size(const struct cel_call_part *call, size_t i) {
        return cel_size_estimate(&call->args[i]);
}

static struct cel_estimate target_size(const struct cel_call_part *call) {
        return cel_size_estimate(call->target);
}

static bool first_is(const struct cel_call_part *call, enum cel_type_kind kind) {
        return call->overload->param_count > 0 && call->overload->params[0]->kind == kind;
}

static bool is_text(const struct cel_type *type) {
        return type->kind == CEL_TYPE_STRING || type->kind == CEL_TYPE_BYTES;
}

/* --- text --- */

static struct result arg_text(const struct cel_call_part *call) {
        return costs(cel_estimate_scale(arg_size(call, 0), text));
}

static struct result arg_text_twice(const struct cel_call_part *call) {
        return costs(cel_estimate_scale(arg_size(call, 0), 2 * text));
}

static struct result arg_as_large(const struct cel_call_part *call) {
        return makes(cel_estimate_scale(arg_size(call, 0), text), arg_size(call, 0));
}

static struct result target_as_large(const struct cel_call_part *call) {
        if (!call->target)
                return costs(one);
        return makes(cel_estimate_scale(target_size(call), text), target_size(call));
}

static struct result format(const struct cel_call_part *call) {
        return call->target ? costs(cel_estimate_scale(target_size(call), text)) : costs(one);
}

static struct result address(const struct cel_call_part *call) {
        return call->target ? costs(one) : arg_text(call);
}

static struct result to_bytes(const struct cel_call_part *call) {
        struct cel_estimate size = arg_size(call, 0);

        if (!first_is(call, CEL_TYPE_STRING))
                return costs(one);
        return makes(cel_estimate_scale(size, text),
                     (struct cel_estimate){ size.min, size.max * 4 });
}

static struct result to_string(const struct cel_call_part *call) {
        struct cel_estimate size = arg_size(call, 0);

        if (!first_is(call, CEL_TYPE_BYTES))
                return costs(one);
        return makes(cel_estimate_scale(size, text),
                     (struct cel_estimate){ size.min / 4, size.max });
}

static struct result quote(const struct cel_call_part *call) {
        struct cel_estimate size = arg_size(call, 0);

        return makes(cel_estimate_scale(size, text),
                     (struct cel_estimate){ size.min + 2, size.max * 2 + 2 });
}

static struct cel_estimate regex_cost(struct cel_estimate size, struct cel_estimate length) {
        return cel_estimate_multiply(cel_estimate_scale(cel_estimate_add(size, one), text),
                                     cel_estimate_scale(length, pattern));
}

static struct result matches(const struct cel_call_part *call) {
        return call->target ? costs(regex_cost(target_size(call), arg_size(call, 0))) : costs(one);
}

static struct result find(const struct cel_call_part *call) {
        struct cel_estimate size;

        if (!call->target)
                return costs(one);
        size = target_size(call);
        return makes(regex_cost(size, arg_size(call, 0)), (struct cel_estimate){ 0, size.max });
}

static struct result contains(const struct cel_call_part *call) {
        if (!call->target || !first_is(call, CEL_TYPE_STRING))
                return costs(one);
        return costs(cel_estimate_multiply(cel_estimate_scale(target_size(call), text),
                                           cel_estimate_scale(arg_size(call, 0), text)));
}

/* How often a text of LENGTH fits into SIZE; Go turns what is too large for an integer into 2^63.
 */
static uint64_t fits(uint64_t size, uint64_t length) {
        double count = ceil((double)size / (double)length);

        return count >= 0x1p64 ? UINT64_C(1) << 63 : (uint64_t)count;
}

/* The upper bound of what replace() makes, and the lower: in the places of an empty text the new
 * one surrounds every character. */
static struct result replace(const struct cel_call_part *call) {
        struct cel_estimate size, old, new, count = { 0 }, kept = { 0 };

        if (!call->target || call->count < 2)
                return costs(one);
        size = target_size(call);
        old = arg_size(call, 0);
        new = arg_size(call, 1);
        if (old.min == 0)
                count.max = size.max < UINT64_MAX ? size.max + 1 : size.max;
        else if (new.max > old.min)
                count.max = fits(size.max, old.min);
        if (count.max == 0 || old.min == 0)
                kept.max = size.max;
        if (old.max == 0)
                count.min = size.min < UINT64_MAX ? size.min + 1 : size.min;
        else if (old.max > new.min)
                count.min = fits(size.min, old.max);
        if (old.max == 0 || old.max <= new.min)
                kept.min = size.min;
        return makes(cel_estimate_scale(size, 2 * text),
                     cel_estimate_add(cel_estimate_multiply(count, new), kept));
}

/* The value of argument I where that is a whole number that was written. */
static bool literal_int(const struct cel_call_part *call, size_t i, int64_t *ret) {
        const struct cel_expr *expr = call->args[i].expr;

        if (expr->kind != CEL_EXPR_CONST || expr->folded || expr->constant.kind != CEL_INT)
                return false;
        *ret = expr->constant.integer;
        return true;
}

static struct result split(const struct cel_call_part *call) {
        struct cel_estimate size;
        uint64_t most;
        int64_t limit;

        if (!call->target)
                return costs(one);
        size = target_size(call);
        most = size.max;
        if (call->count > 1 && literal_int(call, 1, &limit))
                most = (uint64_t)limit;
        return makes(cel_estimate_scale(size, 2 * text), (struct cel_estimate){ 0, most });
}

/* The items of a list, of which no more than the type is known; NULL where TARGET is none. */
static const struct cel_type *item_type(const struct cel_part *target) {
        const struct cel_type *type = target->expr->type;

        return type->param_count > 0 ? type->params[0] : NULL;
}

static struct result join(const struct cel_call_part *call) {
        struct cel_estimate size = { 0 }, count, separators;

        if (!call->target)
                return costs(one);
        count = target_size(call);
        if (item_type(call->target))
                size = cel_estimate_multiply(count, (struct cel_estimate){ 0, UINT64_MAX });
        separators = (struct cel_estimate){ count.min > 0 ? count.min - 1 : 0,
                                            count.max > 0 ? count.max - 1 : 0 };
        if (call->count > 0)
                size = cel_estimate_add(size, cel_estimate_multiply(arg_size(call, 0), separators));
        return makes(cel_estimate_scale(size, text), size);
}

/* --- lists --- */

static struct result traverse(const struct cel_call_part *call) {
        struct cel_estimate each = one;
        const struct cel_type *item;

        if (!call->target)
                return costs(one);
        item = item_type(call->target);
        if (!item)
                return costs(cel_estimate_scale(target_size(call), text));
        if (is_text(item))
                each = cel_estimate_add(
                        each, cel_estimate_scale((struct cel_estimate){ 0, UINT64_MAX }, text));
        return costs(cel_estimate_multiply(target_size(call), each));
}

/* A call that makes a list of SIZE. */
static struct result list_of(double factor, struct cel_estimate size) {
        return makes(cel_estimate_add(cel_estimate_scale(size, factor),
                                      cel_estimate_exactly(1 + CEL_COST_LIST)),
                     size);
}

static uint64_t literal_or(const struct cel_call_part *call, size_t i, uint64_t otherwise) {
        int64_t value;

        if (!literal_int(call, i, &value))
                return otherwise;
        return value < 0 ? 0 : (uint64_t)value;
}

static struct result slice(const struct cel_call_part *call) {
        uint64_t start = literal_or(call, 0, 0);
        uint64_t end = literal_or(call, 1, target_size(call).max);

        return list_of(1, cel_estimate_exactly(end - start));
}

static struct result range(const struct cel_call_part *call) {
        return list_of(1, cel_estimate_exactly(literal_or(call, 0, UINT64_MAX)));
}

static struct result reverse(const struct cel_call_part *call) {
        return first_is(call, CEL_TYPE_LIST) ? list_of(1, target_size(call)) : costs(one);
}

static struct result flatten(const struct cel_call_part *call) {
        uint64_t depth = call->count > 0 ? literal_or(call, 0, UINT64_MAX) : 1;

        return list_of((double)depth, target_size(call));
}

static struct result self_compare(struct cel_estimate size, const struct cel_type *list) {
        return list_of(2 + (list->param_count > 0 && is_text(list->params[0]) ? text : 0),
                       cel_estimate_multiply(size, size));
}

static struct result distinct(const struct cel_call_part *call) {
        return self_compare(target_size(call), &cel_type_list_dyn);
}

static struct result sort(const struct cel_call_part *call) {
        return self_compare(target_size(call), call->overload->params[0]);
}

static struct result sort_by(const struct cel_call_part *call) {
        return self_compare(arg_size(call, 0), call->overload->params[1]);
}

static struct result sets(const struct cel_call_part *call) {
        return costs(
                cel_estimate_add(cel_estimate_multiply(arg_size(call, 0), arg_size(call, 1)), one));
}

static struct result sets_twice(const struct cel_call_part *call) {
        struct cel_estimate both = cel_estimate_multiply(arg_size(call, 0), arg_size(call, 1));

        return costs(cel_estimate_add(cel_estimate_scale(both, 2), one));
}

/* --- the rest --- */

static struct result check(_unused_ const struct cel_call_part *call) {
        return costs(cel_estimate_exactly(CHECK_COST));
}

static struct result selector(const struct cel_call_part *call) {
        struct cel_estimate size = arg_size(call, 0);
        struct cel_estimate parsed = cel_estimate_scale(size, text);
        struct cel_estimate made =
                cel_estimate_scale(cel_estimate_scale(size, 0.5), REQUIREMENT_COST);

        return costs(cel_estimate_add(cel_estimate_exactly(CEL_COST_LIST),
                                      cel_estimate_add(parsed, made)));
}

static const struct cel_estimate address_size = { ADDRESS_MIN, ADDRESS_MAX };

/* Text is read first. */
static struct result contains_ip(const struct cel_call_part *call) {
        struct cel_estimate cost =
                cel_estimate_scale(cel_estimate_add(address_size, address_size), text);

        if (call->overload->params[1]->kind == CEL_TYPE_STRING)
                cost = cel_estimate_add(cost, cel_estimate_scale(arg_size(call, 0), text));
        return costs(cost);
}

static struct result contains_cidr(const struct cel_call_part *call) {
        struct cel_estimate mask = cel_estimate_add(cel_estimate_scale(address_size, text), one);

        return costs(cel_estimate_add(contains_ip(call).cost, mask));
}

static struct result validate(const struct cel_call_part *call) {
        return costs(cel_estimate_scale(cel_estimate_scale(arg_size(call, 0), text),
                                        FORMAT_PATTERN_MAX * pattern));
}

/* --- operators --- */

static struct result compare(const struct cel_call_part *call) {
        uint64_t left = arg_size(call, 0).max, right = arg_size(call, 1).max;
        uint64_t most = left < right ? left : right;

        return costs(cel_estimate_scale((struct cel_estimate){ most > 0, most }, text));
}

static struct result order(const struct cel_call_part *call) {
        return is_text(call->overload->params[0]) ? compare(call) : costs(one);
}

/* Kubernetes' own types are compared at a price of their own. */
static struct result equal(const struct cel_call_part *call) {
        const struct cel_type *left = call->args[0].expr->type, *right = call->args[1].expr->type;
        struct cel_estimate cost;

        if (!cel_type_equal(left, right) || left->kind != CEL_TYPE_OPAQUE ||
            cel_type_is_optional(left))
                return compare(call);
        cost = one;
        if (str_eq(left->name, STR("kubernetes.NamedFormat")))
                cost.max = FORMAT_NAME_MAX;
        else if (str_eq(left->name, STR("kubernetes.URL")) && call->args[1].extent.known)
                cost.max = arg_size(call, 1).max;
        return costs(cel_estimate_scale(cost, text));
}

static struct result add(const struct cel_call_part *call) {
        struct cel_estimate size = cel_estimate_add(arg_size(call, 0), arg_size(call, 1));

        if (first_is(call, CEL_TYPE_LIST))
                return makes(one, size);
        if (!is_text(call->overload->params[0]))
                return costs(one);
        return makes(cel_estimate_scale(size, text), size);
}

static struct result in(const struct cel_call_part *call) {
        return call->overload->params[1]->kind == CEL_TYPE_LIST ? costs(arg_size(call, 1))
                                                                : costs(one);
}

static const struct {
        const char *name;
        call_rule *rule;
} rules[] = {
        { "@in", in },
        { "@sortByAssociatedKeys", sort_by },
        { "_!=_", compare },
        { "_+_", add },
        { "_<=_", order },
        { "_<_", order },
        { "_==_", equal },
        { "_>=_", order },
        { "_>_", order },
        { "bytes", to_bytes },
        { "check", check },
        { "cidr", arg_text },
        { "contains", contains },
        { "containsCIDR", contains_cidr },
        { "containsIP", contains_ip },
        { "distinct", distinct },
        { "endsWith", arg_text },
        { "fieldSelector", selector },
        { "find", find },
        { "findAll", find },
        { "flatten", flatten },
        { "format", format },
        { "indexOf", traverse },
        { "ip", address },
        { "ip.isCanonical", arg_text_twice },
        { "isCIDR", arg_text },
        { "isIP", arg_text },
        { "isQuantity", arg_text },
        { "isSemver", arg_text },
        { "isSorted", traverse },
        { "join", join },
        { "jsonpatch.escapeKey", arg_as_large },
        { "labelSelector", selector },
        { "lastIndexOf", traverse },
        { "lists.range", range },
        { "lowerAscii", target_as_large },
        { "matches", matches },
        { "max", traverse },
        { "min", traverse },
        { "quantity", arg_text },
        { "replace", replace },
        { "reverse", reverse },
        { "semver", arg_text },
        { "sets.contains", sets },
        { "sets.equivalent", sets_twice },
        { "sets.intersects", sets },
        { "slice", slice },
        { "sort", sort },
        { "split", split },
        { "startsWith", arg_text },
        { "string", to_string },
        { "strings.quote", quote },
        { "substring", target_as_large },
        { "sum", traverse },
        { "trim", target_as_large },
        { "upperAscii", target_as_large },
        { "url", arg_as_large },
        { "validate", validate },
};

struct cel_estimate cel_call_estimate(const struct cel_call_part *call,
                                      struct cel_estimate *ret_size, bool *ret_sized) {
        struct result result = costs(one);

        for (size_t i = 0; i < ELEMENTS(rules); i++)
                if (str_eq(call->overload->name, str_from(rules[i].name))) {
                        result = rules[i].rule(call);
                        break;
                }
        *ret_size = result.size;
        *ret_sized = result.sized;
        return result.cost;
}
