/*
 * From text to program.
 *
 * After parsing and checking come the checks by value that Kubernetes makes when it compiles an
 * expression (k8s.io/apiserver/pkg/cel/environment/base.go): cel-go's AST validators (since 1.29),
 * and what planning a program with constant folding refuses: a conversion of a constant that fails
 * (`int('x')`) and a constant pattern that is no regular expression. Constants are folded on the way,
 * so that a list of literals is built once.
 */
#include "base/regex.h"
#include "cel/checker.h"

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
              struct cel_program *program, struct error *error) {
        struct error ignored;
        struct cel_checker checker = { .env = env,
                                       .arena = arena,
                                       .error = error ? error : &ignored };
        size_t words = env->variables.count / 64 + 1;
        int r = 0;

        checker.uses = arena_new_array(arena, words, uint64_t);
        cel_infer_init(&checker.infer, arena);
        cel_check_expr(&checker, expr);
        if (!checker.failed)
                finish_types(&checker, expr);
        if (cel_infer_exhausted(&checker.infer))
                r = error_set_at(error, -EINVAL, 1, 1,
                                 "the types of this expression are too complex to be checked");
        else if (checker.failed)
                r = -EINVAL;
        cel_infer_free(&checker.infer);
        if (r < 0)
                return r;

        *program = (struct cel_program){ .env = env,
                                         .expr = expr,
                                         .type = expr->type,
                                         .slot_count = checker.slot_count,
                                         .uses = checker.uses,
                                         .use_count = env->variables.count };
        return 0;
}
