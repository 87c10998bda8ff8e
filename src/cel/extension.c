/*
 * Macros of cel-go's extension libraries that Kubernetes does not enable: cel.bind
 * (ext/bindings.go), math.greatest and math.least (ext/math.go), and cel.block with what is used in
 * it (cel-spec, tests/simple/testdata/block_ext.textproto).
 */
#include "base/util.h"
#include "cel/parser.h"

/* cel.bind(x, value, expr) */
static struct cel_expr *make_bind(struct cel_parser *parser, const struct cel_call *call) {
        struct cel_expr *expr;

        if (call->args[0]->kind != CEL_EXPR_IDENT)
                return cel_parser_fail(parser, call->args[0]->mark,
                                       "cel.bind() variable names must be simple identifiers");
        expr = cel_parser_node(parser, CEL_EXPR_CALL, call->start, call->mark);
        expr->op = CEL_OP_BIND;
        expr->var = call->args[0]->name;
        expr->args = call->args + 1;
        expr->arg_count = 2;
        return expr;
}

/* cel.block([value, ...], expr): each value may use those before it. */
static struct cel_expr *make_block(struct cel_parser *parser, const struct cel_call *call) {
        struct cel_expr *values = call->args[0], *expr;
        size_t most = parser->options->limits.recursion;

        if (values->kind != CEL_EXPR_LIST || values->optional_items)
                return cel_parser_fail(parser, values->mark,
                                       "cel.block requires the first arg to be a list literal");
        if (values->arg_count > most)
                return cel_parser_fail(parser, values->mark, "cel.block of more than %zu values",
                                       most);
        expr = cel_parser_node(parser, CEL_EXPR_CALL, call->start, call->mark);
        expr->op = CEL_OP_BIND;
        expr->arg_count = values->arg_count + 1;
        expr->args = arena_new_array(parser->arena, expr->arg_count, struct cel_expr *);
        for (size_t i = 0; i < values->arg_count; i++)
                expr->args[i] = values->args[i];
        expr->args[values->arg_count] = call->args[1];
        return expr;
}

/* The number that argument AT is, or -1. */
static int64_t literal_argument(const struct cel_call *call, size_t at) {
        const struct cel_expr *arg = call->args[at];

        if (arg->kind != CEL_EXPR_CONST || arg->constant.kind != CEL_INT)
                return -1;
        return arg->constant.integer;
}

/* cel.index(n): value n of the block around. */
static struct cel_expr *make_index(struct cel_parser *parser, const struct cel_call *call) {
        int64_t index = literal_argument(call, 0);

        if (index < 0)
                return cel_parser_fail(parser, call->args[0]->mark,
                                       "cel.index requires a non-negative int literal");
        return cel_parser_ident(parser, call,
                                arena_printf(parser->arena, CEL_BLOCK_INDEX, (size_t)index));
}

/* cel.iterVar(depth, n), cel.accuVar(depth, n): names for the variables of macros. */
static struct cel_expr *make_variable(struct cel_parser *parser, const struct cel_call *call) {
        int64_t depth = literal_argument(call, 0), number = literal_argument(call, 1);
        bool iteration = str_eq(call->name, STR("iterVar"));

        if (depth < 0 || number < 0)
                return cel_parser_fail(parser, call->args[depth < 0 ? 0 : 1]->mark,
                                       "cel.%.*s requires two non-negative int literals",
                                       STR_ARG(call->name));
        return cel_parser_ident(parser, call,
                                arena_printf(parser->arena, "@%s:%lld:%lld",
                                             iteration ? "it" : "ac", (long long)depth,
                                             (long long)number));
}

/* Whether EXPR may turn out to be a number. */
static bool may_be_number(const struct cel_expr *expr) {
        switch (expr->kind) {
        case CEL_EXPR_CONST:
                return expr->constant.kind == CEL_INT || expr->constant.kind == CEL_UINT ||
                       expr->constant.kind == CEL_DOUBLE;
        case CEL_EXPR_LIST:
        case CEL_EXPR_MAP:
        case CEL_EXPR_STRUCT:
                return false;
        default:
                return true;
        }
}

static bool may_be_numbers(struct cel_expr *const *exprs, size_t count, struct doc_pos *ret_at) {
        for (size_t i = 0; i < count; i++)
                if (!may_be_number(exprs[i])) {
                        *ret_at = exprs[i]->mark;
                        return false;
                }
        return count > 0;
}

/* math.greatest(x, ...) is math.@max(x), math.@max(x, y), or math.@max([x, y, z, ...]). */
static struct cel_expr *make_extreme(struct cel_parser *parser, const struct cel_call *call) {
        bool greatest = str_eq(call->name, STR("greatest"));
        struct str name = greatest ? STR("math.@max") : STR("math.@min");
        const char *title = greatest ? "math.greatest()" : "math.least()";
        size_t count = call->arg_count;
        struct doc_pos at = call->mark;
        struct cel_expr *expr, *arg;

        if (count == 0)
                return cel_parser_fail(parser, at, "%s requires at least one argument", title);
        arg = call->args[0];
        if (count == 1 && arg->kind == CEL_EXPR_LIST) {
                if (!may_be_numbers(arg->args, arg->arg_count, &at))
                        return cel_parser_fail(parser, arg->mark,
                                               "%s invalid single argument value", title);
        } else if (!may_be_numbers(call->args, count, &at)) {
                return cel_parser_fail(parser, at, "%s simple literal arguments must be numeric",
                                       title);
        }
        if (count > 2) {
                arg = cel_parser_node(parser, CEL_EXPR_LIST, call->start, call->mark);
                arg->args = call->args;
                arg->arg_count = count;
        }
        expr = cel_parser_call(parser, call, name, NULL, arg);
        if (count == 2) {
                expr->args = call->args;
                expr->arg_count = 2;
        }
        return expr;
}

static const struct extension {
        const char *target, *name;
        size_t arg_count; /* SIZE_MAX: any number */
        struct cel_expr *(*make)(struct cel_parser *parser, const struct cel_call *call);
} extensions[] = {
        { "cel", "bind", 3, make_bind },
        { "cel", "block", 2, make_block },
        { "cel", "index", 1, make_index },
        { "cel", "iterVar", 2, make_variable },
        { "cel", "accuVar", 2, make_variable },
        { "math", "greatest", SIZE_MAX, make_extreme },
        { "math", "least", SIZE_MAX, make_extreme },
};

bool cel_parser_extension(struct cel_parser *parser, const struct cel_call *call,
                          struct cel_expr **ret) {
        if (!parser->options->full || parser->options->no_macros || !call->target ||
            call->target->kind != CEL_EXPR_IDENT)
                return false;
        for (size_t i = 0; i < ELEMENTS(extensions); i++) {
                const struct extension *extension = &extensions[i];

                if (!str_eq(call->name, str_from(extension->name)) ||
                    !str_eq(call->target->name, str_from(extension->target)) ||
                    (extension->arg_count != SIZE_MAX && extension->arg_count != call->arg_count))
                        continue;
                *ret = extension->make(parser, call);
                return true;
        }
        return false;
}
