#include "cel/estimate.h"

#include <math.h>

#include "base/utf8.h"
#include "base/util.h"
#include "cel/cost.h"

enum { MESSAGE_COST = 40 };

static const struct cel_estimate one = { 1, 1 }, unknown = { 0, UINT64_MAX };

/* What is known of the variables of macros, by slot. */
struct estimator {
        struct arena arena;
        struct cel_extent *variables;
};

/* --- arithmetic --- */

static uint64_t add(uint64_t a, uint64_t b) {
        return __builtin_add_overflow(a, b, &a) ? UINT64_MAX : a;
}

static uint64_t multiply(uint64_t a, uint64_t b) {
        return __builtin_mul_overflow(a, b, &a) ? UINT64_MAX : a;
}

static uint64_t scale(uint64_t a, double factor) {
        double product = ceil((double)a * factor);

        return product >= 0x1p64 ? UINT64_MAX : (uint64_t)product;
}

struct cel_estimate cel_estimate_add(struct cel_estimate a, struct cel_estimate b) {
        return (struct cel_estimate){ add(a.min, b.min), add(a.max, b.max) };
}

struct cel_estimate cel_estimate_multiply(struct cel_estimate a, struct cel_estimate b) {
        return (struct cel_estimate){ multiply(a.min, b.min), multiply(a.max, b.max) };
}

struct cel_estimate cel_estimate_scale(struct cel_estimate a, double factor) {
        return (struct cel_estimate){ scale(a.min, factor), scale(a.max, factor) };
}

struct cel_estimate cel_estimate_union(struct cel_estimate a, struct cel_estimate b) {
        return (struct cel_estimate){ a.min < b.min ? a.min : b.min,
                                      a.max > b.max ? a.max : b.max };
}

static struct cel_estimate plus(struct cel_estimate a, uint64_t amount) {
        return cel_estimate_add(a, cel_estimate_exactly(amount));
}

struct cel_estimate cel_size_estimate(const struct cel_part *part) {
        return part->extent.known ? part->extent.size : unknown;
}

/* --- extents --- */

static bool is_scalar(const struct cel_type *type) {
        if (!type)
                return false;
        switch (type->kind) {
        case CEL_TYPE_BOOL:
        case CEL_TYPE_INT:
        case CEL_TYPE_UINT:
        case CEL_TYPE_DOUBLE:
        case CEL_TYPE_TIMESTAMP:
        case CEL_TYPE_DURATION:
                return true;
        default:
                return cel_type_is_optional(type) && is_scalar(type->params[0]);
        }
}

static struct cel_extent of_size(struct cel_estimate size) {
        return (struct cel_extent){ .known = true, .size = size };
}

/* What the type of EXPR alone says. */
static struct cel_extent of_type(const struct cel_expr *expr) {
        return is_scalar(expr->type) ? of_size(one) : (struct cel_extent){ 0 };
}

static struct cel_extent of_container(bool map, uint64_t size, struct cel_estimate key,
                                      struct cel_estimate item) {
        return (struct cel_extent){ .known = true,
                                    .inside = true,
                                    .map = map,
                                    .size = cel_estimate_exactly(size),
                                    .key = key,
                                    .item = item };
}

/* What is known of the insides of a value that is A or B goes to *RET. */
static void unite_insides(const struct cel_extent *a, const struct cel_extent *b,
                          struct cel_extent *ret) {
        ret->inside = a->inside && b->inside;
        if (!ret->inside)
                return;
        ret->map = a->map;
        ret->key = cel_estimate_union(a->key, b->key);
        ret->item = cel_estimate_union(a->item, b->item);
}

static struct cel_part estimate(struct estimator *e, const struct cel_expr *expr);

/* --- literals --- */

static struct cel_extent of_constant(const struct cel_expr *expr) {
        switch (expr->constant.kind) {
        case CEL_STRING:
                return of_size(cel_estimate_exactly(utf8_count(expr->constant.string)));
        case CEL_BYTES:
                return of_size(cel_estimate_exactly(expr->constant.string.len));
        case CEL_TYPE:
                return (struct cel_extent){ 0 };
        default:
                return of_size(one);
        }
}

static const struct cel_estimate no_size = { UINT64_MAX, 0 };

static void estimate_list(struct estimator *e, struct cel_part *part) {
        const struct cel_expr *expr = part->expr;
        struct cel_estimate item = expr->arg_count == 0 ? (struct cel_estimate){ 0 } : no_size;

        part->cost = cel_estimate_exactly(CEL_COST_LIST);
        for (size_t i = 0; i < expr->arg_count; i++) {
                struct cel_part p = estimate(e, expr->args[i]);

                part->cost = cel_estimate_add(part->cost, p.cost);
                item = cel_estimate_union(item, cel_size_estimate(&p));
        }
        part->extent = of_container(false, expr->arg_count, one, item);
}

static void estimate_map(struct estimator *e, struct cel_part *part) {
        const struct cel_expr *expr = part->expr;
        struct cel_estimate key = no_size, item;

        if (expr->entry_count == 0)
                key.min = 0;
        item = key;
        part->cost = cel_estimate_exactly(CEL_COST_MAP);
        for (size_t i = 0; i < expr->entry_count; i++) {
                struct cel_part k = estimate(e, expr->entries[i].key);
                struct cel_part v = estimate(e, expr->entries[i].value);

                part->cost = cel_estimate_add(part->cost, cel_estimate_add(k.cost, v.cost));
                key = cel_estimate_union(key, cel_size_estimate(&k));
                item = cel_estimate_union(item, cel_size_estimate(&v));
        }
        part->extent = of_container(true, expr->entry_count, key, item);
}

static void estimate_struct(struct estimator *e, struct cel_part *part) {
        part->cost = cel_estimate_exactly(MESSAGE_COST);
        for (size_t i = 0; i < part->expr->entry_count; i++)
                part->cost = cel_estimate_add(part->cost,
                                              estimate(e, part->expr->entries[i].value).cost);
}

/* --- paths --- */

static void estimate_ident(struct estimator *e, struct cel_part *part) {
        part->cost = one;
        part->extent = of_type(part->expr);
        if (part->expr->slot >= 0) {
                const struct cel_extent *variable = &e->variables[part->expr->slot];
                bool scalar = part->extent.known;

                part->extent = *variable;
                if (scalar) {
                        part->extent.known = true;
                        part->extent.size = one;
                }
        }
}

static void estimate_select(struct estimator *e, struct cel_part *part) {
        const struct cel_expr *target = part->expr->target;

        part->cost = estimate(e, target).cost;
        part->extent = of_type(part->expr);
        if (part->expr->test_only)
                return;
        if (part->expr->optional || target->type->kind == CEL_TYPE_MAP ||
            target->type->kind == CEL_TYPE_OBJECT)
                part->cost = plus(part->cost, 1);
}

/* --- macros --- */

/* COST of a step that is made only where CONDITION (which may be NULL) holds. */
static struct cel_estimate conditional_step(struct estimator *e, const struct cel_expr *condition,
                                            struct cel_estimate cost) {
        if (!condition)
                return cost;
        return cel_estimate_add(estimate(e, condition).cost, cel_estimate_union(cost, one));
}

/* all and exists: one round, of which only the accumulator is sure to be looked at. */
static struct cel_estimate quantifier_step(struct estimator *e,
                                           const struct cel_comprehension *macro) {
        enum { ALL_COST = 2, EXISTS_COST = 3 };
        struct cel_estimate predicate = estimate(e, macro->condition).cost;

        predicate.min = 0;
        return plus(predicate, 1 + (macro->macro == CEL_MACRO_ALL ? ALL_COST : EXISTS_COST));
}

/* map, filter, transformList: accumulator + [item]. */
static struct cel_estimate list_step(struct estimator *e, const struct cel_comprehension *macro,
                                     struct cel_extent *ret) {
        const struct cel_type *range = macro->range->type;
        struct cel_part item = { .cost = one, .extent = e->variables[macro->slot] };

        if (macro->transform)
                item = estimate(e, macro->transform);
        else if (range->param_count > 0 && is_scalar(range->params[0]))
                item.extent = of_size(one);
        *ret = of_container(
                false, 0, one,
                cel_estimate_union((struct cel_estimate){ 0 }, cel_size_estimate(&item)));
        return conditional_step(e, macro->condition, plus(item.cost, 2 + CEL_COST_LIST));
}

/* Gives the variables of MACRO what is known of what RANGE has in it. */
static void bind_range(struct estimator *e, const struct cel_comprehension *macro,
                       const struct cel_extent *range) {
        struct cel_extent key = { .known = range->inside, .size = range->key };
        struct cel_extent item = { .known = range->inside, .size = range->item };

        if (macro->var2.len > 0) {
                e->variables[macro->slot] = key;
                e->variables[macro->slot2] = item;
        } else {
                e->variables[macro->slot] = range->inside && range->map ? key : item;
        }
}

static void estimate_comprehension(struct estimator *e, struct cel_part *part) {
        enum { ADD_COST = 2, INSERT_COST = 3, INSERT_ALL_COST = 2, RESULT_COST = 1 };
        const struct cel_comprehension *macro = part->expr->comprehension;
        struct cel_part range = estimate(e, macro->range);
        struct cel_estimate step = { 0 };
        uint64_t around = RESULT_COST;

        bind_range(e, macro, &range.extent);
        part->extent = of_size(cel_size_estimate(&range));
        switch (macro->macro) {
        case CEL_MACRO_ALL:
        case CEL_MACRO_EXISTS:
                step = quantifier_step(e, macro);
                part->extent = of_size(one);
                break;
        case CEL_MACRO_EXISTS_ONE:
                step = conditional_step(e, macro->condition, cel_estimate_exactly(ADD_COST));
                part->extent = of_size(one);
                around += 1;
                break;
        case CEL_MACRO_MAP:
        case CEL_MACRO_FILTER:
        case CEL_MACRO_TRANSFORM_LIST:
                step = list_step(e, macro, &part->extent);
                part->extent.size = cel_size_estimate(&range);
                around += CEL_COST_LIST;
                break;
        case CEL_MACRO_TRANSFORM_MAP:
        case CEL_MACRO_TRANSFORM_MAP_ENTRY:
                step = plus(estimate(e, macro->transform).cost,
                            macro->macro == CEL_MACRO_TRANSFORM_MAP ? INSERT_COST
                                                                    : INSERT_ALL_COST);
                step = conditional_step(e, macro->condition, step);
                around += CEL_COST_MAP;
                break;
        }
        step = cel_estimate_multiply(cel_size_estimate(&range), step);
        part->cost = plus(cel_estimate_add(range.cost, step), around);
}

/* A fold over nothing whose accumulator is the variable. */
static struct cel_part estimate_binding(struct estimator *e, struct cel_part value, int slot,
                                        const struct cel_expr *body) {
        struct cel_part part;

        e->variables[slot] = value.extent;
        part = estimate(e, body);
        part.cost = plus(cel_estimate_add(value.cost, part.cost), CEL_COST_LIST);
        return part;
}

/* target.hasValue() ? optional.of(e with v = target.value()) : optional.none() */
static void estimate_opt_map(struct estimator *e, struct cel_part *part) {
        const struct cel_expr *expr = part->expr;
        struct cel_part value = { .cost = plus(estimate(e, expr->target).cost, 1) };
        struct cel_part body = estimate_binding(e, value, expr->slot, expr->args[0]);
        struct cel_part none = { .extent = of_type(expr) };

        if (expr->op == CEL_OP_OPT_MAP) {
                body.cost = plus(body.cost, 1);
                body.extent = none.extent;
        }
        part->cost = cel_estimate_add(value.cost, cel_estimate_union(body.cost, one));
        part->extent =
                of_size(cel_estimate_union(cel_size_estimate(&body), cel_size_estimate(&none)));
}

/* --- calls --- */

static void estimate_logic(struct estimator *e, struct cel_part *part) {
        struct cel_estimate left = estimate(e, part->expr->args[0]).cost;
        struct cel_estimate right = estimate(e, part->expr->args[1]).cost;

        part->cost = (struct cel_estimate){ left.min, add(left.max, right.max) };
        part->extent = of_size(one);
}

static void estimate_conditional(struct estimator *e, struct cel_part *part) {
        struct cel_part condition = estimate(e, part->expr->args[0]);
        struct cel_part yes = estimate(e, part->expr->args[1]);
        struct cel_part no = estimate(e, part->expr->args[2]);

        part->cost = cel_estimate_add(condition.cost, cel_estimate_union(yes.cost, no.cost));
        part->extent = of_size(cel_estimate_union(cel_size_estimate(&yes), cel_size_estimate(&no)));
        unite_insides(&yes.extent, &no.extent, &part->extent);
}

static bool is_index(const struct cel_expr *expr) {
        return expr->op == CEL_OP_INDEX || expr->op == CEL_OP_OPTIONAL_INDEX;
}

/* The overloads that may be meant, as one: the range of what they cost. */
static void estimate_overloads(struct cel_part *part, const struct cel_part *target,
                               const struct cel_part *args, size_t count) {
        const struct cel_expr *expr = part->expr;
        struct cel_estimate cost = no_size;

        part->extent = of_type(expr);
        for (size_t i = 0; expr->overloads && expr->overloads[i]; i++) {
                struct cel_call_part call = { expr->overloads[i], target, args, count };
                struct cel_estimate size;
                bool sized = false;

                cost = cel_estimate_union(cost, cel_call_estimate(&call, &size, &sized));
                if (!sized)
                        continue;
                part->extent.size =
                        part->extent.known ? cel_estimate_union(part->extent.size, size) : size;
                part->extent.known = true;
                if (expr->op == CEL_OP_ADD)
                        unite_insides(&args[0].extent, &args[1].extent, &part->extent);
        }
        if (is_index(expr) && args[0].extent.inside)
                part->extent = of_size(args[0].extent.item);
        if (expr->overloads && expr->overloads[0])
                part->cost = cel_estimate_add(part->cost, cost);
        else
                part->cost = (struct cel_estimate){ 0 };
}

static void estimate_call(struct estimator *e, struct cel_part *part) {
        const struct cel_expr *expr = part->expr;
        struct cel_part *args = arena_new_array(&e->arena, expr->arg_count, struct cel_part);
        struct cel_part target;

        for (size_t i = 0; i < expr->arg_count; i++) {
                args[i] = estimate(e, expr->args[i]);
                part->cost = cel_estimate_add(part->cost, args[i].cost);
        }
        if (expr->op == CEL_OP_CALL && str_eq(expr->name, STR("dyn")) && expr->arg_count == 1) {
                part->cost = plus(part->cost, 1);
                part->extent = args[0].extent;
                return;
        }
        if (expr->target) {
                target = estimate(e, expr->target);
                part->cost = cel_estimate_add(part->cost, target.cost);
        }
        estimate_overloads(part, expr->target ? &target : NULL, args, expr->arg_count);
}

/* cel.bind(), cel.block(): bindings one within the other. */
static void estimate_bindings(struct estimator *e, struct cel_part *part) {
        const struct cel_expr *expr = part->expr;
        struct cel_part value;

        part->cost = (struct cel_estimate){ 0 };
        for (size_t i = 0; i + 1 < expr->arg_count; i++) {
                value = estimate(e, expr->args[i]);
                e->variables[expr->slot + (int)i] = value.extent;
                part->cost = cel_estimate_add(part->cost, plus(value.cost, CEL_COST_LIST));
        }
        value = estimate(e, expr->args[expr->arg_count - 1]);
        part->cost = cel_estimate_add(part->cost, value.cost);
        part->extent = value.extent;
}

/* sortBy(): see make_sort in macro.c. */
static bool is_sort(const struct cel_expr *expr) {
        return expr->op == CEL_OP_CALL && expr->target && cel_cost_is_binding(expr->target);
}

static void estimate_operation(struct estimator *e, struct cel_part *part) {
        const struct cel_expr *expr = part->expr;

        if (is_sort(expr)) {
                const struct cel_expr *binding = expr->target;

                *part = estimate_binding(e, estimate(e, binding->target->args[0]), binding->slot,
                                         binding->args[0]);
                return;
        }
        switch (expr->op) {
        case CEL_OP_AND:
        case CEL_OP_OR:
                estimate_logic(e, part);
                return;
        case CEL_OP_CONDITIONAL:
                estimate_conditional(e, part);
                return;
        case CEL_OP_OPT_MAP:
        case CEL_OP_OPT_FLAT_MAP:
                estimate_opt_map(e, part);
                return;
        case CEL_OP_BIND:
                estimate_bindings(e, part);
                return;
        default:
                estimate_call(e, part);
        }
}

/* As deep as the parser allows. Constants that were computed when the program was made are taken
 * for what was written. */
static struct cel_part estimate(struct estimator *e, const struct cel_expr *expr) {
        struct cel_part part = { .expr = expr->folded ? expr->folded : expr };

        switch (part.expr->kind) {
        case CEL_EXPR_CONST:
                part.extent = of_constant(part.expr);
                part.cost.min = part.cost.max = part.expr->constant.kind == CEL_TYPE;
                break;
        case CEL_EXPR_IDENT:
                estimate_ident(e, &part);
                break;
        case CEL_EXPR_SELECT:
                estimate_select(e, &part);
                break;
        case CEL_EXPR_CALL:
                estimate_operation(e, &part);
                break;
        case CEL_EXPR_LIST:
                estimate_list(e, &part);
                break;
        case CEL_EXPR_MAP:
                estimate_map(e, &part);
                break;
        case CEL_EXPR_STRUCT:
                estimate_struct(e, &part);
                break;
        case CEL_EXPR_COMPREHENSION:
                estimate_comprehension(e, &part);
                break;
        }
        part.expr = expr;
        return part;
}

struct cel_estimate cel_program_estimate(const struct cel_program *program) {
        struct estimator e = { .arena = ARENA_INIT };
        struct cel_part part;

        e.variables = arena_new_array(&e.arena, (size_t)program->slot_count + 1, struct cel_extent);
        part = estimate(&e, program->expr);
        arena_free(&e.arena);
        return part.cost;
}
