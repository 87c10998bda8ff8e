/*
 * What an evaluation costs, as Kubernetes counts it. Private to src/cel.
 *
 * A cluster gives every expression a budget, so a policy that is cheap enough here has to be cheap
 * enough there: cost is counted unit by unit as cel-go does (interpreter/runtimecost.go) with
 * Kubernetes' prices of functions (k8s.io/apiserver/pkg/cel/library/cost.go, cel-go ext/lists.go,
 * ext/sets.go). In short:
 *
 *     a variable                         1
 *     a field or an index that is read   1, has() included; 0 where an optional one is absent
 *     a call or an operator              1, or what its rule below says
 *     a list, a map, a message           10, 30, 40; 0 where it is constant
 *     && || ?: constants, orValue()      0
 *
 * A path that is the branch of a conditional or an index is not a value of its own for cel-go, and
 * the unit of its variable is not charged. Macros cost what their folds do: the accumulator is a
 * variable, too. Which rule a call has does not depend on values; it is found when the expression
 * is compiled.
 *
 * `steps` (eval.h) bound real work, cost does not: a filter that is constantly false is free.
 */
#pragma once

#include "cel/eval.h"

enum cel_cost_rule {
        CEL_COST_ONE,
        CEL_COST_FREE,
        CEL_COST_EQUAL,      /* the smaller operand / 10; 1 for Kubernetes' own types on the left */
        CEL_COST_SMALLER,    /* the smaller operand / 10 */
        CEL_COST_BOTH,       /* both operands / 10 */
        CEL_COST_RIGHT,      /* the size of the second operand */
        CEL_COST_TEXT,       /* the first / 10 */
        CEL_COST_TEXT_TWICE, /* the first / 5 */
        CEL_COST_RESULT_TWICE,       /* the result / 5 */
        CEL_COST_CONTAINS,           /* the first / 10 times the second / 10 */
        CEL_COST_REGEX,              /* (the first + 1) / 10 times the pattern / 4 */
        CEL_COST_FORMAT,             /* the same with the pattern that a format stands for */
        CEL_COST_TRAVERSE,           /* everything in the first */
        CEL_COST_CONTAINS_IP,        /* address or prefix in a prefix */
        CEL_COST_CONTAINS_CIDR,      /* the same */
        CEL_COST_CONTAINS_IP_TEXT,   /* where it is known to be text, which is read first */
        CEL_COST_CONTAINS_CIDR_TEXT, /* the same */
        CEL_COST_SETS,               /* 1 + the product of the sizes */
        CEL_COST_SETS_TWICE,         /* 1 + twice that */
        CEL_COST_LIST_RESULT,        /* a list as long as the result */
        CEL_COST_FLATTEN,            /* a list as long as the first, times the depth */
        CEL_COST_SELF_COMPARE,       /* a list, and every item of the first with every one */
        CEL_COST_SORT_BY,            /* the same with the second */
        CEL_COST_SELECTOR,           /* a label or field selector that is parsed */
        CEL_COST_CHECK,              /* an authorization check: 350,000 */
};

enum {
        CEL_COST_LIST = 10,
        CEL_COST_MAP = 30,
        CEL_COST_MESSAGE = 40,
};

/* Whether EXPR is the binding that sortBy() is made with: optional.of(list).optMap(name,
 * ...).value().
 */
bool cel_cost_is_binding(const struct cel_expr *expr);

/* Whether EXPR calls matches(), find() or findAll() with a constant pattern: cel-go compiles such a
 * call with it, and then looks at the arguments one by one. */
bool cel_has_constant_pattern(const struct cel_expr *expr);

/* Sets what EXPR, whose children are done, tells the evaluator about its cost. */
void cel_cost_prepare(struct cel_expr *expr);

/* The cost of a call by RULE (enum cel_cost_rule) with ARGS. */
uint64_t cel_cost_of(struct cel_context *context, uint8_t rule, const struct cel_value *args,
                     size_t count, const struct cel_value *result);

/* --- within the evaluator --- */

static inline void cel_pay(struct cel_context *context, uint64_t amount) {
        context->cost += (int64_t)(amount < (UINT64_C(1) << 56) ? amount : UINT64_C(1) << 56);
        if (context->cost > INT64_C(1) << 60)
                context->cost = INT64_C(1) << 60;
}

/* A value of another size than 1, or of a type of Kubernetes. */
static inline bool cel_cost_has_size(const struct cel_value *value) {
        switch (value->kind) {
        case CEL_STRING:
        case CEL_BYTES:
        case CEL_LIST:
        case CEL_MAP:
        case CEL_OPTIONAL:
        case CEL_OPAQUE:
                return true;
        default:
                return false;
        }
}

/* Whether the smaller of two texts surely has 1 to 10 characters, which costs 1. */
static inline bool cel_cost_is_short(const struct cel_value *left, const struct cel_value *right) {
        return left->kind == CEL_STRING && right->kind == CEL_STRING && left->string.len > 0 &&
               right->string.len > 0 && (left->string.len <= 10 || right->string.len <= 10);
}

/* Charges the operator EXPR for its operands; RIGHT is NULL for those with one. */
static inline void cel_pay_operator(struct cel_context *context, const struct cel_expr *expr,
                                    const struct cel_value *left, const struct cel_value *right) {
        struct cel_value args[2];

        if (expr->cost == CEL_COST_FREE || context->exhausted ||
            context->cost > context->cost_limit)
                return;
        if (expr->cost == CEL_COST_ONE || !right) {
                context->cost++;
                return;
        }
        if (expr->cost == CEL_COST_EQUAL &&
            ((!cel_cost_has_size(left) && !cel_cost_has_size(right)) ||
             cel_cost_is_short(left, right))) {
                context->cost++;
                return;
        }
        args[0] = *left;
        args[1] = *right;
        cel_pay(context, cel_cost_of(context, expr->cost, args, 2, NULL));
}

/* Evaluates EXPR where cel-go takes a path for the path itself rather than for a value: as index,
 * and as branch of a conditional. */
static inline void cel_eval_bare(struct cel_context *context, const struct cel_expr *expr,
                                 struct cel_value *ret) {
        context->cost -= expr->attribute && !expr->test_only;
        cel_eval_into(context, expr, ret);
}

/* Charges what EXPR, as the base of a path, costs beside its own evaluation. */
static inline void cel_pay_base(struct cel_context *context, const struct cel_expr *expr) {
        context->cost += !expr->attribute && !expr->conditional;
}

/*
 * target.optMap(v, e) is target.hasValue() ? optional.of(e with v = target.value()) : none in
 * cel-go, where v is evaluated when it is first used. Here the target is evaluated once; what v
 * would cost waits here until then.
 */
struct cel_deferred {
        struct cel_deferred *outer;
        int slot;
        int64_t cost, paid;
};

/* Charges for the first use of the variable in SLOT. */
void cel_pay_deferred(struct cel_context *context, int slot);
