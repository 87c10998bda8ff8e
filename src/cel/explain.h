/*
 * Why a verdict came out as it did: the document nodes that decided it.
 *
 * After an expression evaluated to false (or true, or an error), explaining walks it again and
 * follows only what decided:
 *
 *     a && b          false: the side that is false (both, if both are); true: both
 *     a || b          true: the side that is true; false: both
 *     !a              a, with the opposite outcome
 *     c ? a : b       the branch that was taken; the condition where the branch is a constant
 *     l.all(x, p)     false: p for each failing element; true: the list
 *     l.exists(x, p)  true: p for each element that holds; false: the list (or where it was
 * missed), and what lies outside of it that its elements were compared with l.filter(x, p)  p for
 * each element that was kept; none: as exists has(a.b)        false: a, where b was missed; true:
 * a.b x == y, f(x)    the nodes of the operands; of a list made by map(), its elements'; where an
 *                     operand failed, that one
 *     x in l          x; where x is a constant, the element that was found, otherwise l
 *     x.?a.orValue(d) a; where it was missed: d if that was found, otherwise where a was missed (of
 * a and d the deeper one: a container's field before the pod's that stands in) variables.v     what
 * decided variable v (through cel_explainer.variable)
 *
 * The most specific nodes win: a node is dropped when a descendant of it is there too. Nodes come
 * in document order without duplicates. Where nothing in the document decided (a constant), the
 * result is empty and the caller points at the object.
 */
#pragma once

#include "cel/cel.h"

struct cel_explainer {
        /* Explains the variable KEY of a lazy map: the program behind it, or NULL. */
        const struct cel_program *(*variable)(const struct cel_lazy *lazy, struct str key);
};

enum { CEL_EXPLAIN_MAX = 64 }; /* nodes; more failing elements than this are not listed */

struct cel_reason {
        const struct doc_node *node;
        bool missed;           /* NODE is the parent in which something was missed ... */
        struct str missed_key; /* ... namely this field, where known */
};

/* Fills RET (room for CEL_EXPLAIN_MAX) and returns how many. SCRATCH is used freely. */
size_t cel_explain(const struct cel_program *program, const struct cel_activation *activation,
                   const struct cel_explainer *explainer, struct arena *scratch,
                   struct cel_reason *ret);
