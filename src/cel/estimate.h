/*
 * What evaluating an expression may cost, without knowing what it is evaluated on: the estimate
 * that Kubernetes makes of it (cel-go checker/cost.go with the functions of
 * k8s.io/apiserver/pkg/cel/library/cost.go, ext/lists.go and ext/sets.go).
 *
 * Sizes of literals and of what is made of them are known, those of the variables' fields are not.
 * So whatever goes over a list or a text of an object has no useful upper bound. Units are those of
 * cost.h; the estimate is an opinion of its own, though, and not always above what is counted then.
 */
#pragma once

#include "cel/cel.h"

/* Sums and products stop at UINT64_MAX. */
struct cel_estimate {
        uint64_t min, max;
};

/* An upper bound from here on says no more than that there is none. */
#define CEL_ESTIMATE_UNBOUNDED (UINT64_C(1) << 50)

struct cel_estimate cel_program_estimate(const struct cel_program *program);

/* --- private to src/cel --- */

/* How large a value is, and the keys and items in it, as far as that is known. */
struct cel_extent {
        bool known, inside;
        struct cel_estimate size, key, item;
        bool map; /* with `inside`: a map, not a list */
};

/* A part of an expression: what it costs and what comes out. */
struct cel_part {
        const struct cel_expr *expr;
        struct cel_estimate cost;
        struct cel_extent extent;
};

/* A call of one overload. */
struct cel_call_part {
        const struct cel_overload *overload;
        const struct cel_part *target; /* NULL: a function */
        const struct cel_part *args;
        size_t count;
};

/* The size of PART; anything where it is not known. */
struct cel_estimate cel_size_estimate(const struct cel_part *part);

struct cel_estimate cel_estimate_add(struct cel_estimate a, struct cel_estimate b);
struct cel_estimate cel_estimate_multiply(struct cel_estimate a, struct cel_estimate b);
struct cel_estimate cel_estimate_scale(struct cel_estimate a, double factor);
struct cel_estimate cel_estimate_union(struct cel_estimate a, struct cel_estimate b);

static inline struct cel_estimate cel_estimate_exactly(uint64_t amount) {
        return (struct cel_estimate){ amount, amount };
}

/* estimate_call.c: what CALL itself costs. *RET_SIZE is filled, and *RET_SIZED set, where the call
 * says how large its result is. */
struct cel_estimate cel_call_estimate(const struct cel_call_part *call,
                                      struct cel_estimate *ret_size, bool *ret_sized);
