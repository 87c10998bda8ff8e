/*
 * The abstract syntax of CEL.
 *
 * Parser and checker fill it, the evaluator walks it. Macros are kept as what they are
 * (CEL_EXPR_COMPREHENSION with the macro's name) rather than expanded into folds: evaluation and
 * explanation of a verdict need to know that `all` is `all`. Semantics, including which errors are
 * absorbed, are those of the expansion in the CEL specification.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "cel/type.h"
#include "cel/value.h"

struct cel_overload;
struct regex;

enum cel_expr_kind {
        CEL_EXPR_CONST,         /* constant */
        CEL_EXPR_IDENT,         /* name; after checking: slot */
        CEL_EXPR_SELECT,        /* operand.name; test_only for has(); optional for .?name */
        CEL_EXPR_CALL,          /* op or name, target (may be NULL), args */
        CEL_EXPR_LIST,          /* args; optional_items */
        CEL_EXPR_MAP,           /* entries */
        CEL_EXPR_STRUCT,        /* name, entries: message construction (message.h) */
        CEL_EXPR_COMPREHENSION, /* comprehension */
};

/* Operators get a code so that the evaluator can switch on it. CEL_OP_CALL is a function or method,
 * by name. */
enum cel_op {
        CEL_OP_CALL,
        CEL_OP_CONDITIONAL, /* _?_:_ */
        CEL_OP_AND,
        CEL_OP_OR,
        CEL_OP_NOT,
        CEL_OP_NEGATE,
        CEL_OP_EQUAL,
        CEL_OP_NOT_EQUAL,
        CEL_OP_LESS,
        CEL_OP_LESS_EQUAL,
        CEL_OP_GREATER,
        CEL_OP_GREATER_EQUAL,
        CEL_OP_IN,
        CEL_OP_ADD,
        CEL_OP_SUBTRACT,
        CEL_OP_MULTIPLY,
        CEL_OP_DIVIDE,
        CEL_OP_MODULO,
        CEL_OP_INDEX,          /* _[_] */
        CEL_OP_OPTIONAL_INDEX, /* _[?_] */
        CEL_OP_OPT_MAP,        /* target.optMap(var, expr): args[0] is evaluated with slot bound */
        CEL_OP_OPT_FLAT_MAP,
        CEL_OP_BIND, /* cel.bind(var, value, expr), cel.block([values], expr): args are the values,
                        then the expression, which is evaluated with a slot bound to each */
};

/* "_&&_", "_[_]", "@in" ...: the name of the operator's function; NULL for CEL_OP_CALL, "optMap",
 * "optFlatMap" and "cel.bind" for those. */
const char *cel_op_name(enum cel_op op);

enum cel_macro {
        CEL_MACRO_ALL,
        CEL_MACRO_EXISTS,
        CEL_MACRO_EXISTS_ONE,
        CEL_MACRO_MAP, /* with filter when it has three arguments */
        CEL_MACRO_FILTER,
        CEL_MACRO_TRANSFORM_LIST, /* two variables */
        CEL_MACRO_TRANSFORM_MAP,
        CEL_MACRO_TRANSFORM_MAP_ENTRY,
};

struct cel_map_entry_expr {
        struct cel_expr *key; /* a string constant for struct fields */
        struct cel_expr *value;
        bool optional; /* {?k: v} */
};

struct cel_comprehension {
        enum cel_macro macro;
        struct cel_expr *range;
        struct str var, var2;       /* var2 is empty for the one-variable forms */
        int slot, slot2;            /* of the variables, set by the checker; slot2 -1 */
        struct cel_expr *condition; /* the predicate of all, exists, exists_one, filter; the filter
                                       of map and transform*, or NULL */
        struct cel_expr *transform; /* of map and transform*, else NULL */
};

struct cel_expr {
        enum cel_expr_kind kind;
        enum cel_op op;              /* CALL */
        uint32_t id;                 /* 1.., in the order the parser made them */
        struct doc_pos pos;          /* within the expression text; 1-based, in characters */
        struct doc_pos end;          /* exclusive */
        struct doc_pos mark;         /* where cel-go places problems of this node: the operator, the
                                        '(' of a call, the '.' of a select, else as pos */
        const struct cel_type *type; /* set by the checker */

        struct str name; /* IDENT, SELECT, CALL by name, STRUCT; a leading '.' of a root identifier
                            is kept */
        uint32_t hash;   /* str_hash(name) for SELECT */
        bool test_only;  /* SELECT: has() */
        bool optional;   /* SELECT: .?name */
        bool absolute;   /* IDENT: written with a leading dot */

        struct cel_expr *target; /* SELECT operand; CALL receiver or NULL; OPT_MAP: the optional */
        struct cel_expr **args;  /* CALL, LIST */
        size_t arg_count;
        bool *optional_items;               /* LIST: [?x]; NULL where there are none */
        struct cel_map_entry_expr *entries; /* MAP, STRUCT */
        size_t entry_count;
        struct cel_value constant; /* CONST */
        const struct cel_expr
                *folded; /* CONST: what it was computed from; NULL: it was written so */
        struct cel_comprehension *comprehension;
        struct str var; /* OPT_MAP, OPT_FLAT_MAP; BIND: empty for those of cel.block */

        /* Set by the checker. */
        int slot; /* IDENT: >= 0 a comprehension variable (index into the frame), -1 - n:
                   * environment variable n; OPT_MAP: the slot that is bound; BIND: the first of
                   * those that are bound */
        const struct cel_overload *const
                *overloads;  /* CALL: candidates, in order; NULL-terminated */
        struct regex *regex; /* a constant pattern, compiled once */

        /* How evaluation is charged (cost.h). */
        uint8_t cost;         /* CALL: the rule */
        bool pair : 1;        /* CALL: the second argument is evaluated even if the first fails */
        bool attribute : 1;   /* a path that charges one unit for itself */
        bool conditional : 1; /* a conditional, or a path from one */
};

/* What cel.block names its values. */
#define CEL_BLOCK_INDEX "@index%zu"

struct cel_limits {
        uint32_t recursion; /* nesting of the grammar; 250 as in cel-go */
        size_t code_points; /* size of the expression; 100,000 as in cel-go */
};
extern const struct cel_limits cel_default_limits;

/* Reads EXPRESSION. Errors have line and column within the expression and a message in the style of
 * cel-go
 * ("Syntax error: mismatched input ..."). Macros are recognised unless NO_MACROS. */
struct cel_parser_options {
        struct cel_limits limits;
        bool no_macros;     /* leave has(), all() ... as calls */
        bool two_variables; /* the two-variable comprehensions (Kubernetes 1.32 and later) */
        bool optionals;     /* .?f [?i] {?k: v} optMap (1.28 and later) */
        bool sort_by;       /* sortBy, a macro of the lists library (1.34 and later) */
        bool full;          /* x.`a.b`, cel.bind, cel.block, math.greatest ... (see cel.h) */
};
int cel_parse(struct arena *arena, struct str expression, const struct cel_parser_options *options,
              struct cel_expr **ret, struct error *error);
