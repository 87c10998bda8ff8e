/*
 * Type inference: which types fit which. Private to src/cel.
 *
 * Gradual typing as in cel-go's checker/types.go. Inference variables stand for types not known yet
 * (the item of `[]`, the parameters of an overload); assigning binds them. `dyn` and the type of an
 * expression that is wrong already fit everything. The rules are not symmetric and depend on the
 * order of calls, so they are followed exactly, with two differences: a failed attempt undoes its
 * bindings through a log instead of copying all of them, and the work is bounded, because the types
 * of a small hostile expression can be of exponential size (`{x: x}` nested).
 */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "cel/type.h"

/* An inference variable. Every PARAM type that inference sees is one of these. */
struct cel_type_var {
        struct cel_type type;
        const struct cel_type *bound; /* NULL: not known */
};

struct cel_infer {
        struct arena *arena;
        uint32_t var_count, depth;
        uint64_t work, work_limit;
        VEC(struct {
                struct cel_type_var *var;
                const struct cel_type *before;
        })
        log;
};

enum {
        CEL_INFER_WORK =
                20 * 1000 * 1000, /* an expression of 100,000 characters needs about 2 million */
        CEL_INFER_DEPTH = 2000,   /* of a type, through its variables */
};

void cel_infer_init(struct cel_infer *infer, struct arena *arena);
void cel_infer_free(struct cel_infer *infer);

/* The limit was hit: answers since then mean nothing. */
static inline bool cel_infer_exhausted(const struct cel_infer *infer) {
        return infer->work > infer->work_limit;
}

const struct cel_type *cel_infer_var(struct cel_infer *infer);

/* Whether values of FROM may be used as TO; binds variables if so, and changes nothing if not. */
bool cel_infer_assign(struct cel_infer *infer, const struct cel_type *from,
                      const struct cel_type *to);
bool cel_infer_assign_all(struct cel_infer *infer, const struct cel_type *const *from,
                          const struct cel_type *const *to, size_t count);

/* The more general of two types that fit each other. */
const struct cel_type *cel_infer_general(struct cel_infer *infer, const struct cel_type *a,
                                         const struct cel_type *b);

/* Structural equality, without looking at what variables stand for. */
bool cel_infer_same(struct cel_infer *infer, const struct cel_type *a, const struct cel_type *b);

/* TYPE with bound variables replaced; with TO_DYN, unbound ones become dyn. */
const struct cel_type *cel_infer_resolve(struct cel_infer *infer, const struct cel_type *type,
                                         bool to_dyn);

/* Replaces the type parameters of a signature (A, B ...) by VARS, one per letter, which are made
 * when they are first needed. */
const struct cel_type *cel_infer_instantiate(struct cel_infer *infer, const struct cel_type *type,
                                             const struct cel_type *vars[26]);

static inline bool cel_type_is_wild(const struct cel_type *type) {
        return type->kind == CEL_TYPE_DYN || type->kind == CEL_TYPE_ERROR;
}
