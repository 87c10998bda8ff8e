/*
 * The type checker. Private to src/cel.
 *
 * Resolves every name and every overload, and finds the type of every node, by the rules of
 * cel-go's checker/checker.go. Macros are not expanded into folds here; each one is checked with
 * the types that its expansion would have, in the same order, so that the same expressions are
 * accepted.
 *
 * Checking goes on after a problem: the node gets the type `error`, which fits everything.
 */
#pragma once

#include "cel/issues.h"
#include "cel/program.h"
#include "cel/unify.h"

/* A comprehension variable that is in scope. */
struct cel_scope {
        const struct cel_scope *outer;
        struct str name;
        const struct cel_type *type;
        int slot;
};

struct cel_checker {
        struct cel_env *env;
        struct arena *arena;
        struct cel_infer infer;
        const struct cel_scope *scope;
        int slots, slot_count; /* in use now; the most at any time */
        uint64_t *uses;        /* bit set by variable number */
        struct cel_issues *issues;
};

/* Checks EXPR and fills PROGRAM, but for literals that are checked by value (see compile.c).
 * -EINVAL with what is wrong. */
int cel_check(struct cel_env *env, struct arena *arena, struct cel_expr *expr,
              struct cel_program *program, struct cel_issues *issues);

/* --- the parts of the checker --- */

void cel_check_expr(struct cel_checker *checker, struct cel_expr *expr);

/* Chooses among the overloads of SET those that fit arguments of TYPES (receiver first for a
 * METHOD) and returns the type of the result, or NULL where none does (reported at POS). Their list
 * goes to *RET, which may be NULL. */
const struct cel_type *cel_check_overloads(struct cel_checker *checker,
                                           const struct cel_function_set *set, bool method,
                                           const struct cel_type *const *types, size_t count,
                                           struct doc_pos pos,
                                           const struct cel_overload *const **ret);

/* The same by NAME, `error` where there is no such function or none fits. */
const struct cel_type *cel_check_named(struct cel_checker *checker, struct str name, bool method,
                                       const struct cel_type *const *types, size_t count,
                                       struct doc_pos pos, const struct cel_overload *const **ret);

/* all(), map() ...; optMap() and optFlatMap(); cel.bind() and cel.block(). */
void cel_check_comprehension(struct cel_checker *checker, struct cel_expr *expr);
void cel_check_optional_map(struct cel_checker *checker, struct cel_expr *expr);
void cel_check_bind(struct cel_checker *checker, struct cel_expr *expr);

/* Reports "expected type X but found Y" at POS. */
void cel_check_mismatch(struct cel_checker *checker, struct doc_pos pos,
                        const struct cel_type *expected, const struct cel_type *found);

/* T of optional_type(T), or TYPE; *RET says which. */
const struct cel_type *cel_check_unwrap(const struct cel_type *type, bool *ret);

/* The operators as a library of rows without functions. */
const struct cel_library *cel_operators(void);
