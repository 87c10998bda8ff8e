/*
 * What the files of the evaluator share. Private to src/cel.
 *
 * Evaluation is a direct walk over the checked tree: `cel_eval_into` switches on the kind of node
 * and on the operator. Nothing is allocated but in the scratch arena, and the common paths (a
 * select chain, a comparison, `?.` chains that end in orValue) allocate nothing at all.
 *
 * Every node evaluated is one step. When the steps are used up `exhausted` is set and every node
 * answers the same error from then on; &&, || and the macros look at the flag before they absorb an
 * error, so the evaluation comes to an end quickly.
 */
#pragma once

#include "cel/program.h"
#include "cel/rfc3339.h"

enum {
        CEL_DEFAULT_STEPS = 10 * 1000 * 1000,
        CEL_DEPTH_LIMIT = 4000, /* nested nodes, lazy variables included; about 250 bytes of stack
                                   each, the parser allows far less in one expression */
};

extern const struct cel_error cel_error_exhausted, cel_error_no_overload;

/* Bytes as the key of a map: cel-go panics, and reports that. */
#define CEL_BYTES_KEY_ERROR "internal error: runtime error: hash of unhashable type types.Bytes"

static inline bool cel_is_error(const struct cel_value *value) {
        return value->kind == CEL_ERROR;
}

/* "no such overload", without a name. */
static inline struct cel_value cel_plain_no_overload(void) {
        return cel_error_fixed(&cel_error_no_overload);
}

static inline struct cel_value cel_exhausted(void) {
        return cel_error_fixed(&cel_error_exhausted);
}

/* One step; false: give up. */
static inline bool cel_step(struct cel_context *context) {
        if (++context->steps > context->step_limit || context->cost > context->cost_limit) {
                context->exhausted = true;
                return false;
        }
        return true;
}

/* Gives up with an error that nothing absorbs: where cel-go panics, and says so. */
void cel_abort(struct cel_context *context, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Where a part of an expression was aborted: COST was charged in advance, for what comes after the
 * part. */
void cel_abort_refund(struct cel_context *context, int64_t cost);

/* Makes CONTEXT ready for an evaluation of PROGRAM. */
void cel_context_init(struct cel_context *context, const struct cel_program *program,
                      const struct cel_activation *activation, struct arena *scratch);

/* A frame for the comprehension variables of PROGRAM. */
struct cel_value *cel_frame_new(const struct cel_program *program, struct arena *scratch);

/* The value of EXPR. Errors are values. Results are written where they are wanted: a value of 32
 * bytes that is written in parts and copied at once is slow on every processor of today. */
void cel_eval_into(struct cel_context *context, const struct cel_expr *expr, struct cel_value *ret);

static inline struct cel_value cel_eval_expr(struct cel_context *context,
                                             const struct cel_expr *expr) {
        struct cel_value value;

        cel_eval_into(context, expr, &value);
        return value;
}

/* cel_from_doc() and cel_list_at(), written in place. */
void cel_doc_into(const struct doc_node *node, struct cel_value *ret);

static inline void cel_item_into(const struct cel_value *list, size_t index,
                                 struct cel_value *ret) {
        if (list->representation == CEL_DOC)
                cel_doc_into(&list->doc->list.items[index], ret);
        else
                *ret = list->list->items[index];
}

static inline void cel_bool_into(struct cel_value *ret, bool b) {
        *ret = (struct cel_value){ .kind = CEL_BOOL, .boolean = b };
}

/* --- value.c --- */

/* A native map that grows. */
struct cel_map_builder {
        struct cel_map map;
        struct cel_value *keys, *values;
        size_t capacity;
};

/* The index of KEY, or -1. EXACT: 1 and 1u are two keys. */
ptrdiff_t cel_map_builder_find(const struct cel_map_builder *builder, const struct cel_value *key,
                               bool exact);
/* Adds a KEY that is not there yet. */
void cel_map_builder_put(struct cel_map_builder *builder, struct arena *arena,
                         const struct cel_value *key, const struct cel_value *value);
void cel_map_builder_remove(struct cel_map_builder *builder, struct arena *arena, size_t index);
struct cel_value cel_map_builder_value(const struct cel_map_builder *builder, struct arena *arena);

/* The name of a type without its parameters, as type() compares them: "list", "null_type",
 * "google.protobuf.Timestamp", "optional_type". */
struct str cel_type_runtime_name(const struct cel_type *type);

/* How cel-go's messages call the kind of VALUE: "types.Int", "*types.baseList". */
const char *cel_value_go_type(const struct cel_value *value);

/* --- access.c: selecting and indexing --- */

enum cel_found {
        CEL_FOUND_ERROR,  /* the value is an error */
        CEL_FOUND_VALUE,  /* the value, no optional */
        CEL_FOUND_SOME,   /* the value within an optional */
        CEL_FOUND_ABSENT, /* optional.none(); the value carries its provenance */
};

/* Evaluates a chain of selects and indexes without building the optionals in between. */
enum cel_found cel_eval_chain(struct cel_context *context, const struct cel_expr *expr,
                              struct cel_value *ret);

/* Takes the optional off *VALUE. */
enum cel_found cel_found_of(struct cel_value *value);

/* The chain's value, with the optional built. */
void cel_eval_access(struct cel_context *context, const struct cel_expr *expr,
                     struct cel_value *ret);

/* has(): whether the field of a test-only select is there. BRANCH: it is directly a branch of a
 * conditional; there cel-go gives an optional (none, or null) instead of a bool for `has(a.?b.c)`.
 */
struct cel_value cel_eval_has(struct cel_context *context, const struct cel_expr *expr,
                              bool branch);

/* Field NAME of OPERAND. PRESENCE: a missing one is CEL_FOUND_ABSENT, otherwise an error. */
enum cel_found cel_select(struct cel_context *context, const struct cel_value *operand,
                          struct str name, uint32_t hash, bool presence, struct cel_value *ret);
enum cel_found cel_index(struct cel_context *context, const struct cel_value *operand,
                         const struct cel_value *index, bool presence, struct cel_value *ret);

/* --- operators.c --- */

/* The operators that take values: NOT, NEGATE (RIGHT is NULL), relations, IN, arithmetic. Neither
 * operand is an error. */
void cel_operate_into(struct cel_context *context, enum cel_op op, const struct cel_value *left,
                      const struct cel_value *right, struct cel_value *ret);

static inline struct cel_value cel_operate(struct cel_context *context, enum cel_op op,
                                           const struct cel_value *left,
                                           const struct cel_value *right) {
        struct cel_value value;

        cel_operate_into(context, op, left, right, &value);
        return value;
}

/* The error of the operator or function NAME for a LEFT operand whose kind does not know it. */
struct cel_value cel_no_operator(struct cel_context *context, const char *name,
                                 const struct cel_value *left);

/* --- comprehension.c --- */
void cel_eval_comprehension(struct cel_context *context, const struct cel_expr *expr,
                            struct cel_value *ret);
struct cel_value cel_eval_list(struct cel_context *context, const struct cel_expr *expr);
struct cel_value cel_eval_map(struct cel_context *context, const struct cel_expr *expr);

/* The error of a VALUE for KEY that was written with '?' and is no optional. */
struct cel_value cel_not_optional(struct cel_context *context, const struct cel_value *key,
                                  const struct cel_value *value);

/* Iterates over a list, or over the keys of a map. */
struct cel_range {
        const struct cel_value *value;
        size_t count;
        bool map;
};

/* Returns false where VALUE cannot be iterated over. */
bool cel_range_init(struct cel_range *range, const struct cel_value *value);

/* The variables of the one- and two-variable forms at INDEX: the element, or key; index or key and
 * the element. SECOND is NULL for the one-variable form. */
void cel_range_at(const struct cel_range *range, size_t index, struct cel_value *first,
                  struct cel_value *second);

/* --- call.c --- */

/* Functions and methods by name. */
void cel_eval_call(struct cel_context *context, const struct cel_expr *expr, struct cel_value *ret);
