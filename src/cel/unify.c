#include "cel/unify.h"

static bool assign(struct cel_infer *infer, const struct cel_type *from, const struct cel_type *to);

void cel_infer_init(struct cel_infer *infer, struct arena *arena) {
        *infer = (struct cel_infer){ .arena = arena, .work_limit = CEL_INFER_WORK };
}

void cel_infer_free(struct cel_infer *infer) {
        vec_free(&infer->log);
}

const struct cel_type *cel_infer_var(struct cel_infer *infer) {
        struct cel_type_var *var = arena_new(infer->arena, struct cel_type_var);

        var->type.kind = CEL_TYPE_PARAM;
        var->type.name = arena_printf(infer->arena, "_var%u", infer->var_count++);
        return &var->type;
}

/* One unit of work; false: give up. */
static bool work(struct cel_infer *infer) {
        return ++infer->work <= infer->work_limit;
}

/* The same for a step down into a type or through a variable; undone by leave(). */
static bool enter(struct cel_infer *infer) {
        if (++infer->depth > CEL_INFER_DEPTH)
                infer->work = infer->work_limit;
        return work(infer);
}

static bool leave(struct cel_infer *infer, bool result) {
        infer->depth--;
        return result;
}

static struct cel_type_var *var_of(const struct cel_type *type) {
        return (struct cel_type_var *)type;
}

static void bind(struct cel_infer *infer, const struct cel_type *type,
                 const struct cel_type *bound) {
        struct cel_type_var *var = var_of(type);
        __typeof__(infer->log.items) entry = vec_push(&infer->log);

        entry->var = var;
        entry->before = var->bound;
        var->bound = bound;
}

static void undo(struct cel_infer *infer, size_t mark) {
        while (infer->log.count > mark) {
                __typeof__(infer->log.items) entry = &infer->log.items[--infer->log.count];

                entry->var->bound = entry->before;
        }
}

bool cel_infer_same(struct cel_infer *infer, const struct cel_type *a, const struct cel_type *b) {
        if (a == b)
                return true;
        if (!work(infer) || a->kind != b->kind || a->param_count != b->param_count ||
            !str_eq(a->name, b->name))
                return false;
        for (size_t i = 0; i < a->param_count; i++)
                if (!cel_infer_same(infer, a->params[i], b->params[i]))
                        return false;
        return true;
}

/* The occurs check: VAR is no part of TYPE. */
static bool absent(struct cel_infer *infer, const struct cel_type *var,
                   const struct cel_type *type) {
        if (!enter(infer) || var == type)
                return leave(infer, false);
        if (type->kind == CEL_TYPE_PARAM)
                return leave(infer,
                             !var_of(type)->bound || absent(infer, var, var_of(type)->bound));
        for (size_t i = 0; i < type->param_count; i++)
                if (!absent(infer, var, type->params[i]))
                        return leave(infer, false);
        return leave(infer, true);
}

static bool less_specific(struct cel_infer *infer, const struct cel_type *a,
                          const struct cel_type *b) {
        if (!work(infer))
                return false;
        if (a->kind == CEL_TYPE_DYN || a->kind == CEL_TYPE_PARAM)
                return true;
        if (b->kind == CEL_TYPE_DYN || b->kind == CEL_TYPE_PARAM || a->kind != b->kind)
                return false;
        if (a->kind == CEL_TYPE_TYPE)
                return true;
        if (a->param_count != b->param_count || !str_eq(a->name, b->name))
                return false;
        for (size_t i = 0; i < a->param_count; i++)
                if (!less_specific(infer, a->params[i], b->params[i]))
                        return false;
        return true;
}

const struct cel_type *cel_infer_general(struct cel_infer *infer, const struct cel_type *a,
                                         const struct cel_type *b) {
        return less_specific(infer, a, b) ? a : b;
}

/* Whether VAR may stand for TYPE; *RET_BOUND: VAR stands for something already. */
static bool substitute(struct cel_infer *infer, const struct cel_type *type,
                       const struct cel_type *var, bool *ret_bound) {
        const struct cel_type *bound = var_of(var)->bound;

        *ret_bound = true;
        if (type == var)
                return true;
        if (bound) {
                const struct cel_type *general;

                if (cel_infer_same(infer, type, bound))
                        return true;
                if (!assign(infer, type, bound))
                        return false;
                general = cel_infer_general(infer, type, bound);
                if (absent(infer, var, general))
                        bind(infer, var, general);
                return true;
        }
        *ret_bound = false;
        if (!absent(infer, var, type))
                return false;
        bind(infer, var, type);
        return true;
}

/* Types that null may be used for. */
static bool nullable(const struct cel_type *type) {
        switch (type->kind) {
        case CEL_TYPE_NULL:
        case CEL_TYPE_OPAQUE:
        case CEL_TYPE_OBJECT:
        case CEL_TYPE_DURATION:
        case CEL_TYPE_TIMESTAMP:
                return true;
        default:
                return false;
        }
}

static bool assign_all(struct cel_infer *infer, const struct cel_type *const *from,
                       const struct cel_type *const *to, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (!assign(infer, from[i], to[i]))
                        return false;
        return true;
}

static bool assign_unguarded(struct cel_infer *infer, const struct cel_type *from,
                             const struct cel_type *to) {
        bool bound;

        if (to->kind == CEL_TYPE_PARAM) {
                if (substitute(infer, from, to, &bound))
                        return true;
                if (bound)
                        return false;
        }
        if (from->kind == CEL_TYPE_PARAM)
                return substitute(infer, to, from, &bound);
        if (cel_type_is_wild(from) || cel_type_is_wild(to))
                return true;
        if (from->kind == CEL_TYPE_NULL)
                return nullable(to);
        if (to->kind == CEL_TYPE_NULL)
                return nullable(from);
        if (from->kind != to->kind)
                return false;
        if (from->kind == CEL_TYPE_TYPE)
                return true;
        return from->param_count == to->param_count && str_eq(from->name, to->name) &&
               assign_all(infer, from->params, to->params, from->param_count);
}

static bool assign(struct cel_infer *infer, const struct cel_type *from,
                   const struct cel_type *to) {
        return leave(infer, enter(infer) && assign_unguarded(infer, from, to));
}

bool cel_infer_assign(struct cel_infer *infer, const struct cel_type *from,
                      const struct cel_type *to) {
        return cel_infer_assign_all(infer, &from, &to, 1);
}

bool cel_infer_assign_all(struct cel_infer *infer, const struct cel_type *const *from,
                          const struct cel_type *const *to, size_t count) {
        size_t mark = infer->log.count;

        if (assign_all(infer, from, to, count)) {
                /* what succeeded stays; nothing ever goes back behind it */
                infer->log.count = 0;
                return true;
        }
        undo(infer, mark);
        return false;
}

/* TYPE with PARAMS instead of its own. */
static const struct cel_type *rebuild(struct cel_infer *infer, const struct cel_type *type,
                                      const struct cel_type *const *params) {
        struct cel_type *copy = arena_copy(infer->arena, type, sizeof(*type));

        copy->params = arena_copy(infer->arena, params, type->param_count * sizeof(*params));
        return copy;
}

enum { MAX_PARAMS = 4 }; /* list 1, map 2, optional 1; opaque types of ours have none */

static const struct cel_type *resolve_unguarded(struct cel_infer *infer,
                                                const struct cel_type *type, bool to_dyn) {
        const struct cel_type *params[MAX_PARAMS];
        bool changed = false;

        if (type->kind == CEL_TYPE_PARAM) {
                if (var_of(type)->bound)
                        return cel_infer_resolve(infer, var_of(type)->bound, to_dyn);
                return to_dyn ? &cel_type_dyn : type;
        }
        if (type->param_count == 0 || type->param_count > MAX_PARAMS)
                return type;
        for (size_t i = 0; i < type->param_count; i++) {
                params[i] = cel_infer_resolve(infer, type->params[i], to_dyn);
                changed = changed || params[i] != type->params[i];
        }
        return changed ? rebuild(infer, type, params) : type;
}

const struct cel_type *cel_infer_resolve(struct cel_infer *infer, const struct cel_type *type,
                                         bool to_dyn) {
        bool possible = enter(infer);
        const struct cel_type *resolved =
                possible ? resolve_unguarded(infer, type, to_dyn) : &cel_type_dyn;

        (void)leave(infer, possible);
        return resolved;
}

const struct cel_type *cel_infer_instantiate(struct cel_infer *infer, const struct cel_type *type,
                                             const struct cel_type *vars[26]) {
        const struct cel_type *params[MAX_PARAMS];
        bool changed = false;

        if (type->kind == CEL_TYPE_PARAM) {
                const struct cel_type **var = &vars[type->name.ptr[0] - 'A'];

                if (!*var)
                        *var = cel_infer_var(infer);
                return *var;
        }
        if (type->param_count == 0 || type->param_count > MAX_PARAMS)
                return type;
        for (size_t i = 0; i < type->param_count; i++) {
                params[i] = cel_infer_instantiate(infer, type->params[i], vars);
                changed = changed || params[i] != type->params[i];
        }
        return changed ? rebuild(infer, type, params) : type;
}
