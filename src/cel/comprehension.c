/*
 * List and map literals, and the macros that iterate.
 *
 * The macros behave like the folds that the specification expands them to, errors included: all and
 * exists absorb an error when a later element decides; for filter, exists_one and the filtering
 * forms of map and transform* the last failing predicate is the error, otherwise the first failure
 * is.
 */
#include "base/util.h"
#include "cel/cost.h"

/* A list that grows in the scratch arena. */
struct list_builder {
        struct cel_value *items;
        size_t count, capacity;
};

static void list_add(struct list_builder *list, struct arena *arena, const struct cel_value *item) {
        if (list->count == list->capacity) {
                size_t capacity = list->capacity ? list->capacity * 2 : 8;
                struct cel_value *items = arena_new_array(arena, capacity, struct cel_value);

                if (list->count > 0)
                        memcpy(items, list->items, list->count * sizeof *items);
                list->items = items;
                list->capacity = capacity;
        }
        list->items[list->count++] = *item;
}

/* --- literals --- */

struct cel_value cel_eval_list(struct cel_context *context, const struct cel_expr *expr) {
        struct cel_value *items = NULL, item;
        size_t count = 0;

        if (context->aborted)
                return cel_exhausted();
        context->cost += CEL_COST_LIST;
        if (expr->arg_count > 0)
                items = arena_new_array(context->scratch, expr->arg_count, struct cel_value);
        for (size_t i = 0; i < expr->arg_count; i++) {
                cel_eval_into(context, expr->args[i], &item);
                if (cel_is_error(&item)) {
                        cel_abort_refund(context, CEL_COST_LIST);
                        return item;
                }
                if (expr->optional_items && expr->optional_items[i]) {
                        if (item.kind != CEL_OPTIONAL)
                                return cel_error(
                                        context->scratch,
                                        "cannot initialize optional list element from non-optional "
                                        "value %.*s",
                                        STR_ARG(cel_value_text(context->scratch, &item)));
                        if (!item.some)
                                continue;
                        item = *item.some;
                }
                items[count++] = item;
        }
        return cel_list_value(context->scratch, items, count);
}

struct cel_value cel_not_optional(struct cel_context *context, const struct cel_value *key,
                                  const struct cel_value *value) {
        return cel_error(context->scratch,
                         "cannot initialize optional entry '%.*s' from non-optional value %.*s",
                         STR_ARG(cel_value_text(context->scratch, key)),
                         STR_ARG(cel_value_text(context->scratch, value)));
}

/* Sets or replaces an entry; an optional one that is none takes an earlier one away. */
static struct cel_value map_entry_set(struct cel_context *context, struct cel_map_builder *map,
                                      const struct cel_map_entry_expr *entry,
                                      const struct cel_value *key, struct cel_value value) {
        ptrdiff_t at = cel_map_builder_find(map, key, true);

        if (entry->optional) {
                if (value.kind != CEL_OPTIONAL)
                        return cel_not_optional(context, key, &value);
                if (!value.some) {
                        if (at >= 0 && cel_charge(context, map->map.count))
                                cel_map_builder_remove(map, context->scratch, (size_t)at);
                        return cel_null();
                }
                value = *value.some;
        }
        if (at >= 0)
                map->values[at] = value;
        else
                cel_map_builder_put(map, context->scratch, key, &value);
        return cel_null();
}

/* What the specification says of KEY, which Kubernetes takes: only four types are keys, and none
 * may be there twice. */
static struct cel_value check_key(struct cel_context *context, const struct cel_map_builder *map,
                                  const struct cel_value *key) {
        if (key->kind != CEL_BOOL && key->kind != CEL_INT && key->kind != CEL_UINT &&
            key->kind != CEL_STRING)
                return cel_error(context->scratch, "unsupported key type: %.*s",
                                 STR_ARG(cel_type_runtime_name(cel_value_type(key))));
        if (cel_map_builder_find(map, key, false) >= 0)
                return cel_error(context->scratch, "Failed with repeated key: %.*s",
                                 STR_ARG(cel_value_text(context->scratch, key)));
        return cel_null();
}

struct cel_value cel_eval_map(struct cel_context *context, const struct cel_expr *expr) {
        bool full = cel_is_full(context);
        struct cel_map_builder map = { 0 };

        if (context->aborted)
                return cel_exhausted();
        context->cost += CEL_COST_MAP;
        for (size_t i = 0; i < expr->entry_count; i++) {
                struct cel_value key, value, result;

                cel_eval_into(context, expr->entries[i].key, &key);
                if (!cel_is_error(&key))
                        cel_eval_into(context, expr->entries[i].value, &value);
                if (cel_is_error(&key) || cel_is_error(&value)) {
                        cel_abort_refund(context, CEL_COST_MAP);
                        return cel_is_error(&key) ? key : value;
                }
                if (key.kind == CEL_BYTES && !full)
                        return cel_error(context->scratch, CEL_BYTES_KEY_ERROR);
                result = full ? check_key(context, &map, &key) : cel_null();
                if (!cel_is_error(&result))
                        result = map_entry_set(context, &map, &expr->entries[i], &key, value);
                if (cel_is_error(&result))
                        return result;
        }
        return cel_map_builder_value(&map, context->scratch);
}

/* --- ranges --- */

bool cel_range_init(struct cel_range *range, const struct cel_value *value) {
        range->value = value;
        range->map = value->kind == CEL_MAP;
        if (range->map)
                range->count = cel_map_size(value);
        else if (value->kind == CEL_LIST)
                range->count = cel_list_size(value);
        else
                return false;
        return true;
}

void cel_range_at(const struct cel_range *range, size_t index, struct cel_value *first,
                  struct cel_value *second) {
        struct cel_value key, item;

        if (!range->map) {
                if (second)
                        *first = cel_int((int64_t)index);
                cel_item_into(range->value, index, second ? second : first);
                return;
        }
        cel_map_at(range->value, index, &key, &item);
        *first = key;
        if (second)
                *second = item;
}

/* --- macros --- */

struct fold {
        struct cel_context *context;
        const struct cel_comprehension *macro;
        struct cel_range range;
        struct cel_value error; /* kind CEL_UNSET: none so far */
};

/*
 * The units of each round, r being the accumulator:
 *
 *     all             condition @not_strictly_false(r): 2; step r && p: 1
 *     exists          condition @not_strictly_false(!r): 3; step r || p: 1
 *     exists_one      step p ? r + 1 : r: 2 where p holds; at the end r == 1: 1 more
 *     map, filter     step r + [e]: 2, and the list unless e is constant
 *     transformMap    step @mapInsert(r, k, e): 3, but 1 where r is an error, which stops it
 *     ...Entry        step @mapInsert(r, e): 2
 *
 * and at the end r: 1. A filter is a conditional, which is free; so is its r.
 */
enum {
        ALL_CONDITION_COST = 2,
        EXISTS_CONDITION_COST = 3,
        ACCUMULATOR_COST = 1,
};

/* Binds the variables to element INDEX. */
static bool fold_bind(struct fold *fold, size_t index) {
        struct cel_value *frame = fold->context->frame;

        if (!cel_step(fold->context))
                return false;
        cel_range_at(&fold->range, index, &frame[fold->macro->slot],
                     fold->macro->var2.len > 0 ? &frame[fold->macro->slot2] : NULL);
        return true;
}

static void fold_predicate(struct fold *fold, struct cel_value *ret) {
        cel_eval_into(fold->context, fold->macro->condition, ret);
}

static struct cel_value not_bool_error(const struct cel_value *value) {
        return cel_is_error(value) ? *value : cel_plain_no_overload();
}

/* all (DECIDES false) and exists (DECIDES true). */
static void fold_quantifier(struct fold *fold, bool decides, struct cel_value *ret) {
        int condition = decides ? EXISTS_CONDITION_COST : ALL_CONDITION_COST;
        struct cel_value holds;

        for (size_t i = 0; i < fold->range.count; i++) {
                if (!fold_bind(fold, i))
                        break;
                fold->context->cost += condition + ACCUMULATOR_COST;
                fold_predicate(fold, &holds);
                if (fold->context->exhausted)
                        break;
                if (holds.kind != CEL_BOOL) {
                        if (fold->error.kind == CEL_UNSET)
                                fold->error = not_bool_error(&holds);
                } else if (holds.boolean == decides) {
                        /* It stops when the condition is looked at before the next one. */
                        if (i + 1 < fold->range.count)
                                fold->context->cost += condition;
                        cel_bool_into(ret, decides);
                        return;
                }
        }
        if (fold->context->exhausted)
                *ret = cel_exhausted();
        else if (fold->error.kind == CEL_UNSET)
                cel_bool_into(ret, !decides);
        else
                *ret = fold->error;
}

/* Whether the current element passes the filter. A predicate that fails replaces an earlier error,
 * because the fold is `p ? accumulate : accumulator`. */
static bool fold_passes(struct fold *fold) {
        struct cel_value holds;

        if (!fold->macro->condition)
                return true;
        fold_predicate(fold, &holds);
        if (holds.kind == CEL_BOOL)
                return holds.boolean;
        fold->error = not_bool_error(&holds);
        return false;
}

static struct cel_value fold_exists_one(struct fold *fold) {
        size_t count = 0;

        for (size_t i = 0; i < fold->range.count; i++) {
                if (!fold_bind(fold, i))
                        return cel_exhausted();
                if (fold_passes(fold)) {
                        fold->context->cost += 2;
                        count++;
                }
                if (fold->context->exhausted)
                        return cel_exhausted();
        }
        fold->context->cost++;
        return fold->error.kind == CEL_UNSET ? cel_bool(count == 1) : fold->error;
}

/* The units of adding what the transform, or the first variable, gives. */
static int64_t item_cost(const struct cel_comprehension *macro) {
        switch (macro->macro) {
        case CEL_MACRO_TRANSFORM_MAP:
                return 3;
        case CEL_MACRO_TRANSFORM_MAP_ENTRY:
                return 2;
        case CEL_MACRO_FILTER:
                return 3 + CEL_COST_LIST;
        default:
                return macro->transform->kind == CEL_EXPR_CONST ? 2 : 2 + CEL_COST_LIST;
        }
}

/* The transform of the current element, or its first variable for filter. CEL_UNSET where there is
 * nothing to add. */
static struct cel_value fold_item(struct fold *fold) {
        struct cel_value item = { .kind = CEL_UNSET };

        if (!fold_passes(fold))
                return item;
        if (fold->macro->macro == CEL_MACRO_TRANSFORM_MAP && fold->error.kind != CEL_UNSET) {
                fold->context->cost += ACCUMULATOR_COST;
                return item;
        }
        fold->context->cost += item_cost(fold->macro);
        if (!fold->macro->transform)
                return fold->context->frame[fold->macro->slot];
        cel_eval_into(fold->context, fold->macro->transform, &item);
        if (cel_is_error(&item)) {
                /* The accumulator was looked at before, and so was the key of an entry. */
                cel_abort_refund(fold->context,
                                 fold->macro->macro == CEL_MACRO_TRANSFORM_MAP
                                         ? 1
                                         : item_cost(fold->macro) - ACCUMULATOR_COST);
                if (fold->error.kind == CEL_UNSET)
                        fold->error = item;
                item.kind = CEL_UNSET;
        }
        return item;
}

/* map, filter, transformList. */
static struct cel_value fold_list(struct fold *fold) {
        struct arena *scratch = fold->context->scratch;
        struct list_builder list = { 0 };

        for (size_t i = 0; i < fold->range.count; i++) {
                struct cel_value item;

                if (!fold_bind(fold, i))
                        return cel_exhausted();
                item = fold_item(fold);
                if (fold->context->exhausted)
                        return cel_exhausted();
                if (item.kind != CEL_UNSET && fold->error.kind == CEL_UNSET)
                        list_add(&list, scratch, &item);
        }
        if (fold->error.kind != CEL_UNSET)
                return fold->error;
        return cel_list_value(scratch, list.items, list.count);
}

static void fold_insert(struct fold *fold, struct cel_map_builder *map, const struct cel_value *key,
                        const struct cel_value *value) {
        struct arena *scratch = fold->context->scratch;

        if (cel_map_builder_find(map, key, false) >= 0)
                fold->error = cel_error(scratch, "insert failed: key %.*s already exists",
                                        STR_ARG(cel_value_text(scratch, key)));
        else
                cel_map_builder_put(map, scratch, key, value);
}

/* transformMapEntry: every entry of the map that the transform gives. */
static void fold_insert_all(struct fold *fold, struct cel_map_builder *map,
                            const struct cel_value *entries) {
        struct cel_value args[2] = { { .kind = CEL_MAP }, *entries };
        size_t count;

        if (entries->kind != CEL_MAP) {
                fold->error = cel_no_such_overload(fold->context, STR("cel.@mapInsert"), args, 2);
                return;
        }
        count = cel_map_size(entries);
        for (size_t i = 0; i < count && fold->error.kind == CEL_UNSET; i++) {
                struct cel_value key, value;

                if (!cel_step(fold->context))
                        return;
                cel_map_at(entries, i, &key, &value);
                fold_insert(fold, map, &key, &value);
        }
}

/* transformMap, transformMapEntry. */
static struct cel_value fold_map(struct fold *fold) {
        struct cel_map_builder map = { 0 };

        for (size_t i = 0; i < fold->range.count; i++) {
                struct cel_value key, item;

                if (!fold_bind(fold, i))
                        return cel_exhausted();
                key = fold->context->frame[fold->macro->slot];
                item = fold_item(fold);
                if (item.kind != CEL_UNSET && fold->error.kind == CEL_UNSET) {
                        if (fold->macro->macro == CEL_MACRO_TRANSFORM_MAP)
                                fold_insert(fold, &map, &key, &item);
                        else
                                fold_insert_all(fold, &map, &item);
                }
                if (fold->context->exhausted)
                        return cel_exhausted();
        }
        if (fold->error.kind != CEL_UNSET)
                return fold->error;
        return cel_map_builder_value(&map, fold->context->scratch);
}

static struct cel_value range_error(struct cel_context *context,
                                    const struct cel_comprehension *macro,
                                    const struct cel_value *value) {
        if (macro->var2.len > 0)
                return cel_error(context->scratch, "unsupported comprehension range type: %s",
                                 cel_value_go_type(value));
        return cel_error(context->scratch, "got '%s', expected iterable type",
                         cel_value_go_type(value));
}

void cel_eval_comprehension(struct cel_context *context, const struct cel_expr *expr,
                            struct cel_value *ret) {
        const struct cel_comprehension *macro = expr->comprehension;
        struct fold fold = { .context = context, .macro = macro, .error.kind = CEL_UNSET };
        struct cel_value range;

        cel_eval_into(context, macro->range, &range);
        if (cel_is_error(&range) || context->aborted) {
                *ret = context->aborted ? cel_exhausted() : range;
                return;
        }
        if (!cel_range_init(&fold.range, &range)) {
                *ret = range_error(context, macro, &range);
                return;
        }
        context->cost += ACCUMULATOR_COST; /* of the result */
        switch (macro->macro) {
        case CEL_MACRO_ALL:
                fold_quantifier(&fold, false, ret);
                break;
        case CEL_MACRO_EXISTS:
                fold_quantifier(&fold, true, ret);
                break;
        case CEL_MACRO_EXISTS_ONE:
                *ret = fold_exists_one(&fold);
                break;
        case CEL_MACRO_MAP:
        case CEL_MACRO_FILTER:
        case CEL_MACRO_TRANSFORM_LIST:
                *ret = fold_list(&fold);
                break;
        case CEL_MACRO_TRANSFORM_MAP:
        case CEL_MACRO_TRANSFORM_MAP_ENTRY:
                *ret = fold_map(&fold);
                break;
        }
        cel_abort_refund(context, ACCUMULATOR_COST);
}
