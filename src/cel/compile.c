/*
 * From text to program.
 *
 * After parsing and checking come the checks by value that Kubernetes makes when it compiles an
 * expression (k8s.io/apiserver/pkg/cel/environment/base.go): cel-go's AST validators (since 1.29),
 * and what planning a program with constant folding refuses: a conversion of a constant that fails
 * (`int('x')`) and a constant pattern that is no regular expression. Constants are folded on the
 * way, so that a list of literals is built once.
 */
#include "base/regex.h"
#include "cel/checker.h"
#include "cel/cost.h"

enum { VALIDATORS_SINCE = 29 };

/* --- after inference: final types --- */

static void finish_types(struct cel_checker *checker, struct cel_expr *expr) {
        if (!expr)
                return;
        if (expr->type)
                expr->type = cel_infer_resolve(&checker->infer, expr->type, true);
        finish_types(checker, expr->target);
        for (size_t i = 0; i < expr->arg_count; i++)
                finish_types(checker, expr->args[i]);
        for (size_t i = 0; i < expr->entry_count; i++) {
                if (expr->kind == CEL_EXPR_MAP)
                        finish_types(checker, expr->entries[i].key);
                finish_types(checker, expr->entries[i].value);
        }
        if (expr->kind == CEL_EXPR_COMPREHENSION) {
                finish_types(checker, expr->comprehension->range);
                finish_types(checker, expr->comprehension->condition);
                finish_types(checker, expr->comprehension->transform);
        }
}

int cel_check(struct cel_env *env, struct arena *arena, struct cel_expr *expr,
              struct cel_program *program, struct cel_issues *issues) {
        struct cel_issues ignored = { .arena = arena };
        struct cel_checker checker = { .env = env,
                                       .arena = arena,
                                       .issues = env->options.no_check ? &ignored : issues };
        size_t words = env->variables.count / 64 + 1;

        checker.uses = arena_new_array(arena, words, uint64_t);
        cel_infer_init(&checker.infer, arena);
        cel_check_expr(&checker, expr);
        if (issues->count == 0)
                finish_types(&checker, expr);
        if (cel_infer_exhausted(&checker.infer)) {
                *issues = (struct cel_issues){ .arena = arena };
                cel_issues_add(issues, (struct doc_pos){ 1, 1 },
                               "the types of this expression are too complex to be checked");
        }
        cel_infer_free(&checker.infer);
        if (issues->count > 0)
                return -EINVAL;

        *program = (struct cel_program){ .env = env,
                                         .expr = expr,
                                         .type = expr->type,
                                         .slot_count = checker.slot_count,
                                         .uses = checker.uses,
                                         .use_count = env->variables.count };
        return 0;
}

/* --- constants --- */

struct constants {
        struct cel_env *env;
        struct arena *arena;
        const struct cel_program *program;
        struct cel_infer infer; /* for bounded comparison of types */
        struct cel_issues *issues;
        int exempt; /* calls around that exempt from the rule of one type */
};

/* The value of EXPR, in which no variables occur. */
static struct cel_value evaluate(struct constants *constants, const struct cel_expr *expr) {
        struct cel_program program = *constants->program;
        struct cel_activation activation = { 0 };
        struct cel_value value = { 0 };

        program.expr = expr;
        program.type = expr->type;
        program.slot_count = 0;
        cel_eval(&program, &activation, constants->arena, &value);
        return value;
}

/* Whether nothing is refused for its value. In the specification what fails fails when it is
 * evaluated, if it is. */
static bool is_lenient(const struct constants *constants) {
        return constants->env->options.no_check || constants->env->options.full;
}

static bool call_is(const struct cel_expr *expr, const char *name) {
        return expr->kind == CEL_EXPR_CALL && expr->op == CEL_OP_CALL &&
               str_eq(expr->name, str_from(name));
}

static bool is_constant(const struct cel_expr *expr) {
        return expr->kind == CEL_EXPR_CONST;
}

static bool is_literal(const struct cel_expr *expr) {
        return is_constant(expr) && expr->constant.kind != CEL_TYPE;
}

/* cel.ValidateDurationLiterals, ValidateTimestampLiterals: a literal argument must convert. */
static void validate_conversion(struct constants *constants, const struct cel_expr *expr) {
        struct cel_value value;

        if (expr->arg_count == 0 || !is_literal(expr->args[0]))
                return;
        value = evaluate(constants, expr);
        if (value.kind != CEL_ERROR)
                return;
        cel_issues_add(constants->issues, expr->args[0]->mark, "invalid %.*s argument",
                       STR_ARG(expr->name));
        cel_issues_explain(constants->issues, value.error->message);
}

/* cel.ValidateRegexLiterals: looks at the first written argument, which for the function form is
 * the text rather than the pattern; the API server refuses such an expression, so it is refused
 * here. */
static void validate_matches(struct constants *constants, const struct cel_expr *expr) {
        struct regex *regex;
        struct error error = { 0 };
        bool owned;

        if (expr->arg_count == 0 || !is_literal(expr->args[0]) ||
            expr->args[0]->constant.kind != CEL_STRING)
                return;
        if (cel_patterns_get(constants->env->patterns, expr->args[0]->constant.string, &regex,
                             &owned, &error) < 0) {
                cel_issues_add(constants->issues, expr->args[0]->mark, "invalid matches argument");
                cel_issues_explain(constants->issues, str_from(error.message));
        } else if (owned) {
                regex_free(regex);
        }
}

/* What the functions themselves say about constant arguments. */
static void check_literals(struct constants *constants, const struct cel_expr *expr) {
        const struct cel_value *values[CEL_MAX_ARGS] = { 0 };
        size_t receiver = expr->target ? 1 : 0;
        struct doc_pos pos = expr->mark;

        if (expr->arg_count + receiver > CEL_MAX_ARGS)
                return;
        if (expr->target && is_literal(expr->target))
                values[0] = &expr->target->constant;
        for (size_t i = expr->arg_count; i-- > 0;)
                if (is_literal(expr->args[i])) {
                        values[receiver + i] = &expr->args[i]->constant;
                        pos = expr->args[i]->mark;
                }
        for (size_t i = 0; expr->overloads[i]; i++) {
                const struct cel_function_row *row = expr->overloads[i]->row;
                const char *problem = row->check_literals
                                              ? row->check_literals(constants->arena, values,
                                                                    expr->arg_count + receiver)
                                              : NULL;

                if (problem)
                        cel_issues_add(constants->issues, pos, "%s", problem);
        }
}

/* What the functions say about the call as a whole (string.format). */
static void validate_call(struct constants *constants, const struct cel_expr *expr) {
        for (size_t i = 0; expr->overloads[i]; i++) {
                const struct cel_function_row *row = expr->overloads[i]->row;
                const struct cel_expr *at = expr;
                const char *problem =
                        row->check_call ? row->check_call(constants->arena, expr, &at) : NULL;

                if (problem)
                        cel_issues_add(constants->issues, at->mark, "%s", problem);
        }
}

static void mixed(struct constants *constants, const struct cel_expr *expr,
                  const struct cel_type *expected, const struct cel_type *found) {
        struct str a = cel_type_text(constants->arena, expected);
        struct str b = cel_type_text(constants->arena, found);

        cel_issues_add(constants->issues, expr->mark, "expected type '%.*s' but found '%.*s'",
                       STR_ARG(a), STR_ARG(b));
}

/* The type that EXPR, written with '?' where OPTIONAL, puts into a list or map. Upstream crashes on
 * an optional item of type dyn, so no such expression can exist in a cluster; it is refused. */
static const struct cel_type *item_type(struct constants *constants, const struct cel_expr *expr,
                                        bool optional) {
        if (!optional)
                return expr->type;
        if (cel_type_is_optional(expr->type))
                return expr->type->params[0];
        mixed(constants, expr, cel_type_optional(constants->arena, &cel_type_dyn), expr->type);
        return expr->type;
}

/* cel.ValidateHomogeneousAggregateLiterals: all items of exactly one type, dyn being another. */
static void validate_list(struct constants *constants, const struct cel_expr *expr) {
        const struct cel_type *first = NULL;

        for (size_t i = 0; i < expr->arg_count; i++) {
                const struct cel_type *type = item_type(
                        constants, expr->args[i], expr->optional_items && expr->optional_items[i]);

                if (!first) {
                        first = type;
                } else if (!cel_infer_same(&constants->infer, first, type)) {
                        mixed(constants, expr->args[i], first, type);
                        return;
                }
        }
}

static void validate_map(struct constants *constants, const struct cel_expr *expr) {
        const struct cel_type *key = NULL, *value = NULL;

        for (size_t i = 0; i < expr->entry_count; i++) {
                const struct cel_map_entry_expr *entry = &expr->entries[i];
                const struct cel_type *type = item_type(constants, entry->value, entry->optional);

                if (i == 0) {
                        key = entry->key->type;
                        value = type;
                        continue;
                }
                if (!cel_infer_same(&constants->infer, key, entry->key->type))
                        mixed(constants, entry->key, key, entry->key->type);
                if (!cel_infer_same(&constants->infer, value, type))
                        mixed(constants, entry->value, value, type);
        }
}

/* Lists and maps anywhere within the arguments or the receiver of string.format may mix types,
 * where that function exists. */
static bool exempts(const struct constants *constants, const struct cel_expr *expr) {
        return constants->env->options.kube_minor >= VALIDATORS_SINCE && call_is(expr, "format");
}

static void validate(struct constants *constants, struct cel_expr *expr) {
        if (expr->kind == CEL_EXPR_LIST && constants->exempt == 0)
                validate_list(constants, expr);
        if (expr->kind == CEL_EXPR_MAP && constants->exempt == 0)
                validate_map(constants, expr);
        if (constants->env->options.kube_minor < VALIDATORS_SINCE)
                return;
        if (expr->kind == CEL_EXPR_CALL && expr->op == CEL_OP_CALL)
                validate_call(constants, expr);
        if (call_is(expr, "duration") || call_is(expr, "timestamp"))
                validate_conversion(constants, expr);
        if (call_is(expr, "matches"))
                validate_matches(constants, expr);
}

static bool converts(const struct cel_expr *expr) {
        static const char *const names[] = { "bool", "bytes",  "double",    "duration", "dyn",
                                             "int",  "string", "timestamp", "type",     "uint" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (call_is(expr, names[i]))
                        return true;
        return false;
}

/* Whether planning computes EXPR once (cel-go interpreter/decorators.go, decOptimize). */
static bool foldable(const struct cel_expr *expr) {
        if (expr->kind == CEL_EXPR_LIST) {
                for (size_t i = 0; i < expr->arg_count; i++)
                        if (!is_constant(expr->args[i]))
                                return false;
                return !expr->optional_items;
        }
        if (expr->kind == CEL_EXPR_MAP) {
                for (size_t i = 0; i < expr->entry_count; i++)
                        if (!is_constant(expr->entries[i].key) ||
                            !is_constant(expr->entries[i].value) || expr->entries[i].optional)
                                return false;
                return true;
        }
        return converts(expr) && !expr->target && expr->arg_count == 1 &&
               is_constant(expr->args[0]) && expr->overloads[0];
}

/* Membership in an empty list literal is false whatever the left side is. */
static bool is_never(const struct cel_expr *expr) {
        const struct cel_expr *list;

        if (expr->kind != CEL_EXPR_CALL || expr->op != CEL_OP_IN)
                return false;
        list = expr->args[1];
        return list->kind == CEL_EXPR_CONST && list->constant.kind == CEL_LIST &&
               cel_list_size(&list->constant) == 0 && list->type->kind == CEL_TYPE_LIST;
}

static void make_constant(struct constants *constants, struct cel_expr *expr,
                          struct cel_value value) {
        expr->folded = arena_copy(constants->arena, expr, sizeof *expr);
        expr->kind = CEL_EXPR_CONST;
        expr->constant = value;
        expr->arg_count = expr->entry_count = 0;
}

static void fold(struct constants *constants, struct cel_expr *expr) {
        struct cel_value value;

        if (is_never(expr))
                make_constant(constants, expr, cel_bool(false));
        if (!foldable(expr))
                return;
        for (size_t i = 0; i < expr->entry_count; i++)
                if (expr->entries[i].key->constant.kind == CEL_BYTES) {
                        /* upstream crashes on these when it folds, so no cluster accepts them */
                        if (!is_lenient(constants))
                                cel_issues_add(constants->issues, expr->entries[i].key->mark,
                                               "bytes cannot be the key of a map");
                        return;
                }
        value = evaluate(constants, expr);
        if (value.kind == CEL_ERROR) {
                if (expr->kind == CEL_EXPR_CALL && !is_lenient(constants))
                        cel_issues_add(constants->issues, expr->mark, "%.*s",
                                       STR_ARG(value.error->message));
                return;
        }
        make_constant(constants, expr, value);
}

/* A constant pattern is compiled once; the environment keeps it. */
static void compile_pattern(struct constants *constants, struct cel_expr *expr) {
        const struct cel_expr *pattern;
        struct error error = { 0 };
        bool owned;

        if (!call_is(expr, "matches") || expr->arg_count == 0)
                return;
        pattern = expr->args[expr->arg_count - 1];
        if (!is_constant(pattern) || pattern->constant.kind != CEL_STRING)
                return;
        if (cel_patterns_get(constants->env->patterns, pattern->constant.string, &expr->regex,
                             &owned, &error) < 0) {
                expr->regex = NULL;
                if (!is_lenient(constants))
                        cel_issues_add(constants->issues, pattern->mark, "error parsing regexp: %s",
                                       error.message);
                return;
        }
        if (owned)
                *vec_push(&constants->env->regexes) = expr->regex;
}

/* What else planning refuses (cel-go interpreter/planner.go): a constant of a type that is no key,
 * as index; and variables that hold types, which it takes for names of types. */
static void check_plan(struct constants *constants, const struct cel_expr *expr) {
        bool index = expr->kind == CEL_EXPR_CALL &&
                     (expr->op == CEL_OP_INDEX || expr->op == CEL_OP_OPTIONAL_INDEX);

        if (index && is_constant(expr->args[1])) {
                switch (expr->args[1]->constant.kind) {
                case CEL_BOOL:
                case CEL_INT:
                case CEL_UINT:
                case CEL_DOUBLE:
                case CEL_STRING:
                        break;
                default:
                        cel_issues_add(constants->issues, expr->mark,
                                       "invalid qualifier type: %.*s",
                                       STR_ARG(cel_type_name(expr->args[1]->type)));
                }
        }
        if (expr->kind == CEL_EXPR_IDENT && expr->type->kind == CEL_TYPE_TYPE &&
            !map_get(&constants->env->types, expr->name))
                cel_issues_add(constants->issues, expr->mark, "reference to undefined type: %.*s",
                               STR_ARG(expr->name));
}

/* Without the checker, planning still refuses a known function with a number of arguments that it
 * never takes (planCallUnary and its like). */
static void check_arity(struct constants *constants, const struct cel_expr *expr) {
        size_t count = expr->arg_count + (expr->target ? 1 : 0);
        const struct cel_function_set *set;

        if (expr->kind != CEL_EXPR_CALL || expr->op != CEL_OP_CALL)
                return;
        set = cel_env_function(constants->env, expr->name);
        for (size_t i = 0; set && i < set->count; i++)
                if (set->overloads[i]->param_count == count)
                        return;
        if (set)
                cel_issues_add(constants->issues, expr->mark, "no such overload: %.*s",
                               STR_ARG(expr->name));
}

static void optimize(struct constants *constants, struct cel_expr *expr) {
        fold(constants, expr);
        compile_pattern(constants, expr);
        cel_cost_prepare(expr);
        if (constants->env->options.full)
                return;
        if (constants->env->options.no_check) {
                check_arity(constants, expr);
                return;
        }
        if (expr->kind == CEL_EXPR_CALL && expr->op == CEL_OP_CALL)
                check_literals(constants, expr);
        check_plan(constants, expr);
}

/* Calls VISIT for EXPR and everything in it, children first. */
static void walk(struct constants *constants, struct cel_expr *expr,
                 void (*visit)(struct constants *, struct cel_expr *)) {
        bool exempt;

        if (!expr)
                return;
        exempt = exempts(constants, expr);
        if (exempt)
                constants->exempt++;
        walk(constants, expr->target, visit);
        for (size_t i = 0; i < expr->arg_count; i++)
                walk(constants, expr->args[i], visit);
        for (size_t i = 0; i < expr->entry_count; i++) {
                walk(constants, expr->entries[i].key, visit);
                walk(constants, expr->entries[i].value, visit);
        }
        if (expr->kind == CEL_EXPR_COMPREHENSION) {
                walk(constants, expr->comprehension->range, visit);
                walk(constants, expr->comprehension->condition, visit);
                walk(constants, expr->comprehension->transform, visit);
        }
        if (exempt)
                constants->exempt--;
        visit(constants, expr);
}

/* Checks by value what PROGRAM says; with PLAN also what planning refuses, and folds constants. */
static int check_constants(struct cel_env *env, struct arena *arena,
                           const struct cel_program *program, struct cel_expr *expr, bool plan,
                           struct cel_issues *issues) {
        struct constants constants = {
                .env = env, .arena = arena, .program = program, .issues = issues
        };

        cel_infer_init(&constants.infer, arena);
        if (!is_lenient(&constants))
                walk(&constants, expr, validate);
        if (plan && issues->count == 0)
                walk(&constants, expr, optimize);
        cel_infer_free(&constants.infer);
        return issues->count > 0 ? -EINVAL : 0;
}

/* --- the public interface --- */

static int parse(const struct cel_env *env, struct arena *arena, struct str expression,
                 struct cel_expr **ret, struct cel_issues *issues) {
        struct cel_parser_options options = { .limits = cel_default_limits,
                                              .no_macros = env->options.no_macros,
                                              .two_variables = env->options.kube_minor >= 32,
                                              .optionals = env->options.kube_minor >= 28,
                                              .sort_by = env->options.kube_minor >= 34,
                                              .full = env->options.full };
        struct error error = { 0 };
        int r = cel_parse(arena, arena_str(arena, expression), &options, ret, &error);

        if (r < 0)
                cel_issues_add(issues, (struct doc_pos){ error.line, error.column }, "%s",
                               error.message);
        return r;
}

/* *RET is made but for what planning does, unless PLAN. */
static int compile(struct cel_env *env, struct arena *arena, struct str expression, bool plan,
                   struct cel_program **ret, struct cel_issues *issues) {
        struct cel_program *program = arena_new(arena, struct cel_program);
        struct cel_expr *expr;
        int r = parse(env, arena, expression, &expr, issues);

        if (r >= 0)
                r = cel_check(env, arena, expr, program, issues);
        if (r >= 0)
                r = check_constants(env, arena, program, expr, plan, issues);
        if (r >= 0)
                *ret = program;
        return r;
}

int cel_compile(struct cel_env *env, struct arena *arena, struct str expression,
                struct cel_program **ret, struct error *error) {
        struct cel_issues issues = { .arena = arena };

        if (compile(env, arena, expression, true, ret, &issues) < 0)
                return cel_issues_first(&issues, error);
        return 0;
}

const struct cel_type *cel_typecheck(struct cel_env *env, struct str expression,
                                     struct cel_issues *issues) {
        struct cel_program *program;

        if (compile(env, issues->arena, expression, false, &program, issues) < 0)
                return NULL;
        return program->type;
}

const struct cel_type *cel_program_type(const struct cel_program *program) {
        return program->type;
}

const struct cel_expr *cel_program_expr(const struct cel_program *program) {
        return program->expr;
}

bool cel_program_uses(const struct cel_program *program, int number) {
        if (number < 0 || (size_t)number >= program->use_count)
                return false;
        return (program->uses[number / 64] >> (number % 64)) & 1;
}
