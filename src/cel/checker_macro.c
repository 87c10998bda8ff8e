/*
 * Checking macros with the types of their expansions (CEL specification, "Macros"; cel-go
 * parser/macro.go, ext/comprehensions.go, cel/library.go). What is said about a wrong part
 * therefore names the function of the expansion, e.g. '_?_:_' for the predicate of filter().
 */
#include "cel/checker.h"

static void enter(struct cel_checker *checker, struct cel_scope *scope, struct str name,
                  const struct cel_type *type, int *ret_slot) {
        *scope = (struct cel_scope){ checker->scope, name, type, checker->slots++ };
        checker->scope = scope;
        if (checker->slots > checker->slot_count)
                checker->slot_count = checker->slots;
        *ret_slot = scope->slot;
}

static void leave(struct cel_checker *checker) {
        checker->scope = checker->scope->outer;
        checker->slots--;
}

/* The types of the variables over a range: the item of a list or key of a map; with TWO variables
 * the index or key, and the item or value. */
static void variable_types(struct cel_checker *checker, const struct cel_expr *range, bool two,
                           const struct cel_type *types[2]) {
        const struct cel_type *type = cel_infer_resolve(&checker->infer, range->type, false);
        struct str text;

        switch (type->kind) {
        case CEL_TYPE_LIST:
                types[0] = two ? &cel_type_int : type->params[0];
                types[1] = type->params[0];
                return;
        case CEL_TYPE_MAP:
                types[0] = type->params[0];
                types[1] = type->params[1];
                return;
        case CEL_TYPE_DYN:
        case CEL_TYPE_ERROR:
        case CEL_TYPE_PARAM:
                (void)cel_infer_assign(&checker->infer, &cel_type_dyn, type);
                types[0] = types[1] = &cel_type_dyn;
                return;
        default:
                text = cel_type_text(checker->arena, type);
                cel_issues_add(checker->issues, range->mark,
                               "expression of type '%.*s' cannot be range of a comprehension "
                               "(must be list, map, or dynamic)",
                               STR_ARG(text));
                types[0] = types[1] = &cel_type_error;
        }
}

static const struct cel_type *call2(struct cel_checker *checker, const struct cel_expr *expr,
                                    const char *name, const struct cel_type *a,
                                    const struct cel_type *b) {
        const struct cel_type *types[] = { a, b };

        return cel_check_named(checker, str_from(name), false, types, 2, expr->mark, NULL);
}

static const struct cel_type *call3(struct cel_checker *checker, const struct cel_expr *expr,
                                    const char *name, const struct cel_type *a,
                                    const struct cel_type *b, const struct cel_type *c) {
        const struct cel_type *types[] = { a, b, c };

        return cel_check_named(checker, str_from(name), false, types, 3, expr->mark, NULL);
}

/* all and exists: the predicate is an operand of && or ||. */
static void check_test(struct cel_checker *checker, struct cel_expr *expr) {
        struct cel_expr *condition = expr->comprehension->condition;

        cel_check_expr(checker, condition);
        if (!cel_infer_assign(&checker->infer, condition->type, &cel_type_bool))
                cel_check_mismatch(checker, condition->mark, &cel_type_bool, condition->type);
        expr->type = &cel_type_bool;
}

static void check_exists_one(struct cel_checker *checker, struct cel_expr *expr) {
        struct cel_expr *condition = expr->comprehension->condition;

        cel_check_expr(checker, condition);
        (void)call3(checker, expr, "_?_:_", condition->type, &cel_type_int, &cel_type_int);
        expr->type = &cel_type_bool;
}

/* One step of map, filter and the transforms: what ACCUMULATED becomes, when the item's value is of
 * type ITEM (NULL: the macro's transform says). */
static const struct cel_type *step_type(struct cel_checker *checker, struct cel_expr *expr,
                                        const struct cel_type *accumulated,
                                        const struct cel_type *key) {
        struct cel_comprehension *fold = expr->comprehension;
        const struct cel_type *item = key;

        if (fold->transform) {
                cel_check_expr(checker, fold->transform);
                item = fold->transform->type;
        }
        switch (fold->macro) {
        case CEL_MACRO_TRANSFORM_MAP:
                return call3(checker, expr, "cel.@mapInsert", accumulated, key, item);
        case CEL_MACRO_TRANSFORM_MAP_ENTRY:
                return call2(checker, expr, "cel.@mapInsert", accumulated, item);
        default:
                return call2(checker, expr, "_+_", accumulated,
                             cel_type_list(checker->arena, item));
        }
}

/* map, filter, transform*: builds a list or a map, perhaps only of the items that pass. */
static void check_build(struct cel_checker *checker, struct cel_expr *expr,
                        const struct cel_type *accumulated, const struct cel_type *key) {
        struct cel_comprehension *fold = expr->comprehension;
        const struct cel_type *step;

        if (fold->condition)
                cel_check_expr(checker, fold->condition);
        step = step_type(checker, expr, accumulated, key);
        if (fold->condition)
                step = call3(checker, expr, "_?_:_", fold->condition->type, step, accumulated);
        if (!cel_infer_assign(&checker->infer, accumulated, step))
                cel_check_mismatch(checker, expr->mark, accumulated, step);
        expr->type = accumulated;
}

/* What the fold starts with: [] or {} of a type to be found; NULL for macros that give bool. */
static const struct cel_type *initial_type(struct cel_checker *checker, enum cel_macro macro) {
        const struct cel_type *key, *value;

        switch (macro) {
        case CEL_MACRO_MAP:
        case CEL_MACRO_FILTER:
        case CEL_MACRO_TRANSFORM_LIST:
                return cel_type_list(checker->arena, cel_infer_var(&checker->infer));
        case CEL_MACRO_TRANSFORM_MAP:
        case CEL_MACRO_TRANSFORM_MAP_ENTRY:
                key = cel_infer_var(&checker->infer);
                value = cel_infer_var(&checker->infer);
                return cel_type_map(checker->arena, key, value);
        default:
                return NULL;
        }
}

void cel_check_comprehension(struct cel_checker *checker, struct cel_expr *expr) {
        struct cel_comprehension *fold = expr->comprehension;
        bool two = fold->var2.len > 0;
        const struct cel_type *accumulated, *types[2];
        struct cel_scope scopes[2];

        cel_check_expr(checker, fold->range);
        accumulated = initial_type(checker, fold->macro);
        variable_types(checker, fold->range, two, types);
        fold->slot2 = -1;
        enter(checker, &scopes[0], fold->var, types[0], &fold->slot);
        if (two)
                enter(checker, &scopes[1], fold->var2, types[1], &fold->slot2);
        if (accumulated)
                check_build(checker, expr, accumulated, types[0]);
        else if (fold->macro == CEL_MACRO_EXISTS_ONE)
                check_exists_one(checker, expr);
        else
                check_test(checker, expr);
        if (two)
                leave(checker);
        leave(checker);
        expr->type = cel_infer_resolve(&checker->infer, expr->type, false);
}

/* o.optMap(x, e) is o.hasValue() ? optional.of(e with x = o.value()) : optional.none();
 * optFlatMap is the same without optional.of. */
void cel_check_optional_map(struct cel_checker *checker, struct cel_expr *expr) {
        const struct cel_type *present, *value, *result, *none;
        struct cel_expr *transform = expr->args[0];
        struct cel_scope scope;
        int slot;

        cel_check_expr(checker, expr->target);
        present = cel_check_named(checker, STR("hasValue"), true, &expr->target->type, 1,
                                  expr->mark, NULL);
        value = cel_check_named(checker, STR("value"), true, &expr->target->type, 1, expr->mark,
                                NULL);
        enter(checker, &scope, expr->var, value, &slot);
        cel_check_expr(checker, transform);
        leave(checker);
        expr->slot = slot;
        result = cel_infer_resolve(&checker->infer, transform->type, false);
        if (expr->op == CEL_OP_OPT_MAP)
                result = cel_check_named(checker, STR("optional.of"), false, &result, 1, expr->mark,
                                         NULL);
        none = cel_check_named(checker, STR("optional.none"), false, NULL, 0, expr->mark, NULL);
        expr->type = call3(checker, expr, "_?_:_", present, result, none);
}

void cel_check_bind(struct cel_checker *checker, struct cel_expr *expr) {
        size_t count = expr->arg_count - 1;
        struct cel_scope *scopes = arena_new_array(checker->arena, count, struct cel_scope);
        const struct cel_scope *outer = checker->scope;
        int slot = 0;

        for (size_t i = 0; i < count; i++) {
                struct cel_expr *value = expr->args[i];
                struct str name = expr->var.len > 0
                                          ? expr->var
                                          : arena_printf(checker->arena, CEL_BLOCK_INDEX, i);

                cel_check_expr(checker, value);
                enter(checker, &scopes[i], name, value->type, &slot);
        }
        cel_check_expr(checker, expr->args[count]);
        expr->type = cel_infer_resolve(&checker->infer, expr->args[count]->type, false);
        expr->slot = slot + 1 - (int)count;
        while (checker->scope != outer)
                leave(checker);
}
