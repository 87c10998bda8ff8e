/*
 * What parser.c, literal.c, macro.c and extension.c share. Private to src/cel.
 *
 * Recursive descent over the rules of cel-go's CEL.g4, one function a rule. Its limits are counted
 * as cel-go counts them, because an expression that the API server refuses must not compile here:
 *
 *     - how deep the rules `expr`, `relation` and `calc` may nest (the other rules never nest
 * deeper than these);
 *     - how many selects, indexes, method calls, binary operators and ternaries may lie on one path
 *       of the tree ("height"): that bounds a.b.c... and 1 + 1 + 1..., which do not nest by rule.
 *
 * Chains of && and || are balanced, as upstream does, so they may be as long as the text.
 *
 * A syntax error ends parsing: functions return NULL and the error is set. After a macro with wrong
 * arguments parsing goes on; of several problems, the one that stands first in the text is kept.
 */
#pragma once

#include "cel/ast.h"
#include "cel/lexer.h"

struct cel_parser {
        struct arena *arena;
        const struct cel_parser_options *options;
        const struct cel_token *token; /* the next one */
        struct doc_pos end;            /* of the last one consumed */
        uint32_t next_id;
        uint32_t expr_depth, relation_depth, calc_depth;
        struct error *error;
        bool failed;
        struct doc_pos failed_at;
};

/* A call as it was written, before macros are looked for. */
struct cel_call {
        struct str name;
        struct cel_expr *target; /* NULL: a function */
        struct cel_expr **args;
        size_t arg_count;
        struct doc_pos start, mark, end;
};

/* Reports a problem at POS. Returns NULL. */
struct cel_expr *cel_parser_fail(struct cel_parser *parser, struct doc_pos pos, const char *format,
                                 ...) __attribute__((format(printf, 3, 4)));

/* A new node of KIND from START to the end of the last token. */
struct cel_expr *cel_parser_node(struct cel_parser *parser, enum cel_expr_kind kind,
                                 struct doc_pos start, struct doc_pos mark);

/* Moves over the next token, unless it is the last. */
void cel_parser_next(struct cel_parser *parser);

/* A constant that began at START. */
struct cel_expr *cel_parser_constant(struct cel_parser *parser, struct doc_pos start,
                                     struct cel_value value);

/* The literal that the next token is; NULL without a report where it is none. */
struct cel_expr *cel_parse_literal(struct cel_parser *parser);

/* The number that the next token is (INT or DOUBLE), with the sign that stood at START. */
struct cel_expr *cel_parse_negative(struct cel_parser *parser, struct doc_pos start);

/* Makes the macro that CALL is. Returns false where CALL is no macro. Where its arguments are wrong
 * that is reported, and *RET is some other node. */
bool cel_parser_macro(struct cel_parser *parser, const struct cel_call *call,
                      struct cel_expr **ret);

/* The same for the macros of extensions (extension.c), which have a namespace for a target; *RET is
 * NULL where arguments are wrong. */
bool cel_parser_extension(struct cel_parser *parser, const struct cel_call *call,
                          struct cel_expr **ret);

/* Nodes that macros are made of: a name; TARGET.NAME(ARG), or NAME(ARG) without a target, ARG may
 * be NULL. */
struct cel_expr *cel_parser_ident(struct cel_parser *parser, const struct cel_call *call,
                                  struct str name);
struct cel_expr *cel_parser_call(struct cel_parser *parser, const struct cel_call *call,
                                 struct str name, struct cel_expr *target, struct cel_expr *arg);

/* While parsing, `slot` of a node holds its height (see above); the checker overwrites it. */
static inline int *cel_parser_height(struct cel_expr *expr) {
        return &expr->slot;
}
