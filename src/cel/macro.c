/*
 * Macros: calls that are syntax.
 *
 * Which exist, and what is said about wrong arguments, is that of cel-go's parser/macro.go,
 * ext/comprehensions.go, ext/lists.go (sortBy) and cel/library.go (optMap). Kubernetes has no
 * one-variable existsOne: it takes the standard macros of cel/macro.go, not parser.AllMacros.
 */
#include "base/util.h"
#include "cel/parser.h"

enum shape {
        SHAPE_HAS,      /* has(x.f) */
        SHAPE_TEST,     /* r.all(x, p) */
        SHAPE_TEST2,    /* r.all(k, v, p) */
        SHAPE_FILTER,   /* r.filter(x, p) */
        SHAPE_MAP,      /* r.map(x, [p,] t) */
        SHAPE_MAP2,     /* r.transformList(k, v, [p,] t) */
        SHAPE_OPTIONAL, /* o.optMap(x, t) */
        SHAPE_SORT,     /* l.sortBy(x, k) */
};

static const struct macro {
        const char *name;
        size_t arg_count;
        enum shape shape;
        int code; /* enum cel_macro; enum cel_op for SHAPE_OPTIONAL */
} macros[] = {
        { "has", 1, SHAPE_HAS, 0 },
        { "all", 2, SHAPE_TEST, CEL_MACRO_ALL },
        { "exists", 2, SHAPE_TEST, CEL_MACRO_EXISTS },
        { "exists_one", 2, SHAPE_TEST, CEL_MACRO_EXISTS_ONE },
        { "map", 2, SHAPE_MAP, CEL_MACRO_MAP },
        { "map", 3, SHAPE_MAP, CEL_MACRO_MAP },
        { "filter", 2, SHAPE_FILTER, CEL_MACRO_FILTER },
        { "all", 3, SHAPE_TEST2, CEL_MACRO_ALL },
        { "exists", 3, SHAPE_TEST2, CEL_MACRO_EXISTS },
        { "exists_one", 3, SHAPE_TEST2, CEL_MACRO_EXISTS_ONE },
        { "existsOne", 3, SHAPE_TEST2, CEL_MACRO_EXISTS_ONE },
        { "transformList", 3, SHAPE_MAP2, CEL_MACRO_TRANSFORM_LIST },
        { "transformList", 4, SHAPE_MAP2, CEL_MACRO_TRANSFORM_LIST },
        { "transformMap", 3, SHAPE_MAP2, CEL_MACRO_TRANSFORM_MAP },
        { "transformMap", 4, SHAPE_MAP2, CEL_MACRO_TRANSFORM_MAP },
        { "transformMapEntry", 3, SHAPE_MAP2, CEL_MACRO_TRANSFORM_MAP_ENTRY },
        { "transformMapEntry", 4, SHAPE_MAP2, CEL_MACRO_TRANSFORM_MAP_ENTRY },
        { "optMap", 2, SHAPE_OPTIONAL, CEL_OP_OPT_MAP },
        { "optFlatMap", 2, SHAPE_OPTIONAL, CEL_OP_OPT_FLAT_MAP },
        { "sortBy", 2, SHAPE_SORT, CEL_MACRO_MAP },
};

static const struct macro *find(const struct cel_parser *parser, const struct cel_call *call) {
        const struct cel_parser_options *options = parser->options;

        if (options->no_macros)
                return NULL;
        for (size_t i = 0; i < ELEMENTS(macros); i++) {
                const struct macro *macro = &macros[i];
                bool two = macro->shape == SHAPE_TEST2 || macro->shape == SHAPE_MAP2;

                if (macro->arg_count != call->arg_count ||
                    !str_eq(call->name, str_from(macro->name)) ||
                    (macro->shape == SHAPE_HAS) != (call->target == NULL) ||
                    (two && !options->two_variables) ||
                    (macro->shape == SHAPE_OPTIONAL && !options->optionals) ||
                    (macro->shape == SHAPE_SORT && !options->sort_by))
                        continue;
                return macro;
        }
        return NULL;
}

static struct cel_expr *make_has(struct cel_parser *parser, const struct cel_call *call) {
        struct cel_expr *arg = call->args[0];

        if (arg->kind != CEL_EXPR_SELECT || arg->optional)
                return cel_parser_fail(parser, arg->mark, "invalid argument to has() macro");
        arg->test_only = true;
        arg->pos = call->start;
        arg->end = call->end;
        arg->mark = call->mark;
        return arg;
}

/* The name that ARG is, or false with MESSAGE. */
static bool take_name(struct cel_parser *parser, const struct cel_expr *arg, const char *message,
                      struct str *ret) {
        if (arg->kind != CEL_EXPR_IDENT) {
                (void)cel_parser_fail(parser, arg->mark, "%s", message);
                return false;
        }
        *ret = arg->name;
        return true;
}

/* The variable of a comprehension, which must not be the one that upstream's folds use. */
static bool take_variable(struct cel_parser *parser, const struct cel_expr *arg,
                          const char *message, struct str *ret) {
        if (!take_name(parser, arg, message, ret))
                return false;
        if (!str_eq(*ret, STR("__result__")))
                return true;
        (void)cel_parser_fail(parser, arg->mark,
                              "iteration variable overwrites accumulator variable");
        return false;
}

static bool take_variables(struct cel_parser *parser, const struct macro *macro,
                           const struct cel_call *call, struct cel_comprehension *fold) {
        const char *message = macro->shape == SHAPE_MAP || macro->shape == SHAPE_FILTER ||
                                              macro->shape == SHAPE_SORT
                                      ? "argument is not an identifier"
                                      : "argument must be a simple name";

        if (!take_variable(parser, call->args[0], message, &fold->var))
                return false;
        if (macro->shape != SHAPE_TEST2 && macro->shape != SHAPE_MAP2)
                return true;
        if (!take_variable(parser, call->args[1], message, &fold->var2))
                return false;
        if (!str_eq(fold->var, fold->var2))
                return true;
        (void)cel_parser_fail(parser, call->args[1]->mark, "duplicate variable name: %.*s",
                              STR_ARG(fold->var));
        return false;
}

static struct cel_expr *make_fold(struct cel_parser *parser, const struct macro *macro,
                                  const struct cel_call *call) {
        struct cel_comprehension *fold = arena_new(parser->arena, struct cel_comprehension);
        size_t names = macro->shape == SHAPE_TEST2 || macro->shape == SHAPE_MAP2 ? 2 : 1;
        struct cel_expr *expr;

        if (!take_variables(parser, macro, call, fold))
                return NULL;
        /* upstream's fold of filter() refers to the variable as it was written; ".x" is no variable
         */
        if (macro->shape == SHAPE_FILTER && call->args[0]->absolute)
                return cel_parser_fail(parser, call->args[0]->mark,
                                       "undeclared reference to '%.*s' (in container '')",
                                       STR_ARG(fold->var));
        fold->macro = (enum cel_macro)macro->code;
        fold->range = call->target;
        fold->slot = fold->slot2 = -1;
        if (macro->shape == SHAPE_MAP || macro->shape == SHAPE_MAP2 || macro->shape == SHAPE_SORT) {
                fold->transform = call->args[call->arg_count - 1];
                if (call->arg_count > names + 1)
                        fold->condition = call->args[names];
        } else {
                fold->condition = call->args[names];
        }
        expr = cel_parser_node(parser, CEL_EXPR_COMPREHENSION, call->start, call->mark);
        expr->comprehension = fold;
        return expr;
}

static struct cel_expr *make_optional(struct cel_parser *parser, const struct macro *macro,
                                      const struct cel_call *call) {
        struct cel_expr *expr;
        struct str name;
        char message[80];

        (void)snprintf(message, sizeof(message), "%s() variable name must be a simple identifier",
                       macro->name);
        if (!take_name(parser, call->args[0], message, &name))
                return NULL;
        expr = cel_parser_node(parser, CEL_EXPR_CALL, call->start, call->mark);
        expr->op = (enum cel_op)macro->code;
        expr->target = call->target;
        expr->var = name;
        expr->args = call->args + 1;
        expr->arg_count = 1;
        return expr;
}

struct cel_expr *cel_parser_ident(struct cel_parser *parser, const struct cel_call *call,
                                  struct str name) {
        struct cel_expr *expr = cel_parser_node(parser, CEL_EXPR_IDENT, call->start, call->mark);

        expr->name = name;
        return expr;
}

struct cel_expr *cel_parser_call(struct cel_parser *parser, const struct cel_call *call,
                                 struct str name, struct cel_expr *target, struct cel_expr *arg) {
        struct cel_expr *expr = cel_parser_node(parser, CEL_EXPR_CALL, call->start, call->mark);

        expr->name = name;
        expr->target = target;
        expr->args = arena_new_array(parser->arena, 1, struct cel_expr *);
        expr->args[0] = arg;
        expr->arg_count = arg ? 1 : 0;
        return expr;
}

/* l.sortBy(x, k) is, with s standing for l, s.@sortByAssociatedKeys(s.map(x, k)). There is no node
 * that binds a variable but optMap, so it becomes optional.of(l).optMap(s, ...).value(). */
static struct cel_expr *make_sort(struct cel_parser *parser, const struct macro *macro,
                                  const struct cel_call *call) {
        static const struct str input = STR_INIT("@__sortBy_input__");
        struct cel_call map = *call;
        struct cel_expr *fold, *sorted, *bound;

        if (call->target->kind == CEL_EXPR_CONST || call->target->kind == CEL_EXPR_MAP ||
            call->target->kind == CEL_EXPR_STRUCT)
                return cel_parser_fail(parser, call->target->mark,
                                       "sortBy can only be applied to a list, identifier, "
                                       "comprehension, call or select expression");
        map.target = cel_parser_ident(parser, call, input);
        fold = make_fold(parser, macro, &map);
        if (!fold)
                return NULL;
        sorted = cel_parser_call(parser, call, STR("@sortByAssociatedKeys"),
                                 cel_parser_ident(parser, call, input), fold);
        bound = cel_parser_call(
                parser, call, (struct str){ 0 },
                cel_parser_call(parser, call, STR("optional.of"), NULL, call->target), sorted);
        bound->op = CEL_OP_OPT_MAP;
        bound->var = input;
        return cel_parser_call(parser, call, STR("value"), bound, NULL);
}

static struct cel_expr *make(struct cel_parser *parser, const struct macro *macro,
                             const struct cel_call *call) {
        switch (macro->shape) {
        case SHAPE_HAS:
                return make_has(parser, call);
        case SHAPE_SORT:
                return make_sort(parser, macro, call);
        case SHAPE_OPTIONAL:
                return make_optional(parser, macro, call);
        default:
                return make_fold(parser, macro, call);
        }
}

bool cel_parser_macro(struct cel_parser *parser, const struct cel_call *call,
                      struct cel_expr **ret) {
        const struct macro *macro = find(parser, call);

        if (macro)
                *ret = make(parser, macro, call);
        else if (!cel_parser_extension(parser, call, ret))
                return false;
        if (!*ret) {
                *ret = cel_parser_node(parser, CEL_EXPR_CONST, call->start, call->mark);
                (*ret)->constant = cel_null();
        }
        return true;
}
