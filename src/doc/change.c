#include "doc/change.h"

#include <errno.h>

#include "base/util.h"
#include "doc/edit.h"
#include "doc/rewrite.h"

struct doc_step *doc_steps_to(struct arena *arena, const struct doc_node *root,
                              const struct doc_node *node, size_t *ret_count) {
        size_t count = 0, at;
        struct doc_step *steps;

        for (const struct doc_node *n = node; n != root && n->parent; n = n->parent)
                count++;
        steps = arena_new_array(arena, count + 1, struct doc_step);
        at = count;
        for (const struct doc_node *n = node; n != root && n->parent; n = n->parent) {
                const struct doc_node *parent = n->parent;

                steps[--at].index = n->index;
                if (parent->kind == DOC_MAP)
                        steps[at].key = parent->map.entries[n->index].key;
                else
                        steps[at].item = n;
        }
        *ret_count = count;
        return steps;
}

/* --- what differs --- */

struct finder {
        struct arena *arena;
        struct doc_changes *ret;
        VEC(struct doc_step) steps; /* to where the finder is */
};

static void add_change(struct finder *finder, enum doc_change_kind kind,
                       const struct doc_node *value) {
        struct doc_change *change = vec_push_in(finder->arena, finder->ret);

        change->kind = kind;
        change->steps = arena_copy(finder->arena, finder->steps.items,
                                   finder->steps.count * sizeof *finder->steps.items);
        change->step_count = finder->steps.count;
        change->value = value;
}

static void find(struct finder *finder, const struct doc_node *before,
                 const struct doc_node *after);

static void step_by_key(struct finder *finder, struct str key) {
        *vec_push_in(finder->arena, &finder->steps) = (struct doc_step){ .key = key };
}

static void step_by_index(struct finder *finder, uint32_t index) {
        *vec_push_in(finder->arena, &finder->steps) = (struct doc_step){ .index = index };
}

static void find_in_maps(struct finder *finder, const struct doc_node *before,
                         const struct doc_node *after) {
        for (uint32_t i = 0; i < before->map.count; i++) {
                const struct doc_entry *entry = &before->map.entries[i];
                const struct doc_node *value = doc_get(after, entry->key);

                step_by_key(finder, entry->key);
                if (value)
                        find(finder, &entry->value, value);
                else
                        add_change(finder, DOC_CHANGE_REMOVE, NULL);
                finder->steps.count--;
        }
        for (uint32_t i = 0; i < after->map.count; i++) {
                const struct doc_entry *entry = &after->map.entries[i];

                if (doc_get(before, entry->key))
                        continue;
                step_by_key(finder, entry->key);
                add_change(finder, DOC_CHANGE_SET, &entry->value);
                finder->steps.count--;
        }
}

static bool same_name(const struct doc_node *a, const struct doc_node *b) {
        const struct doc_node *x = doc_get(a, STR("name")), *y = doc_get(b, STR("name"));

        return x && y && x->kind == DOC_STRING && y->kind == DOC_STRING &&
               str_eq(x->string, y->string);
}

/* Items in order: one that is gone is one that does not equal the next one, while more are left
 * than there should be. Indexes stay right because those at the end are removed first. */
static void find_in_lists(struct finder *finder, const struct doc_node *before,
                          const struct doc_node *after) {
        uint32_t count = before->list.count, kept = 0, removed = 0;
        uint32_t *gone = arena_new_array(finder->arena, count + 1, uint32_t);

        for (uint32_t i = 0; i < count; i++) {
                const struct doc_node *old = &before->list.items[i];
                bool left = kept < after->list.count;
                const struct doc_node *new = left ? &after->list.items[kept] : NULL;

                if (!left || (count - i > after->list.count - kept && !same_name(old, new) &&
                              !doc_same(old, new))) {
                        gone[removed++] = i;
                        continue;
                }
                step_by_index(finder, i);
                find(finder, old, new);
                finder->steps.count--;
                kept++;
        }
        while (removed > 0) {
                step_by_index(finder, gone[--removed]);
                add_change(finder, DOC_CHANGE_REMOVE, NULL);
                finder->steps.count--;
        }
        for (; kept < after->list.count; kept++)
                add_change(finder, DOC_CHANGE_APPEND, &after->list.items[kept]);
}

static void find(struct finder *finder, const struct doc_node *before,
                 const struct doc_node *after) {
        if (doc_same(before, after))
                return;
        if (before->kind == DOC_MAP && after->kind == DOC_MAP)
                find_in_maps(finder, before, after);
        else if (before->kind == DOC_LIST && after->kind == DOC_LIST)
                find_in_lists(finder, before, after);
        else
                add_change(finder, DOC_CHANGE_SET, after);
}

void doc_find_changes(struct arena *arena, const struct doc_step *steps, size_t step_count,
                      const struct doc_node *before, const struct doc_node *after,
                      struct doc_changes *ret) {
        struct finder finder = { .arena = arena, .ret = ret };

        for (size_t i = 0; i < step_count; i++)
                *vec_push_in(arena, &finder.steps) = steps[i];
        find(&finder, before, after);
}

/* --- applying --- */

static bool is_null(const struct doc_node *node) {
        return !node || node->kind == DOC_NULL;
}

/* LIST with item AT being VALUE: behind the last one, a new one; without it where VALUE is NULL. */
static const struct doc_node *with_item(struct arena *arena, const struct doc_node *list,
                                        uint32_t at, const struct doc_node *value) {
        uint32_t count = list ? list->list.count : 0, size = MAX(count, at + 1), k = 0;
        struct doc_node *made = doc_new_list(arena, list, size);

        for (uint32_t i = 0; i < size; i++) {
                const struct doc_node *item = i == at ? value : &list->list.items[i];

                if (!item)
                        continue;
                made->list.items[k] = *item;
                made->list.items[k].parent = made;
                made->list.items[k].index = k;
                k++;
        }
        made->list.count = k;
        made->flags = list ? list->flags : 0; /* as if it had been written so */
        return made;
}

/* The same for KEY of MAP. */
static const struct doc_node *with_key(struct arena *arena, const struct doc_node *map,
                                       struct str key, const struct doc_node *value) {
        struct doc_node *made = arena_new(arena, struct doc_node);

        *made = *doc_with(arena, is_null(map) ? doc_new_map(arena, map, 0) : map, key, value);
        for (uint32_t i = 0; i < made->map.count; i++)
                made->map.entries[i].value.parent = made;
        made->flags = map ? map->flags : 0;
        return made;
}

/* The item of LIST that STEP means: that of the same name, the same one, or, where the list has the
 * length that it had, the one in its place. UINT32_MAX where there is none. */
static uint32_t find_item(const struct doc_node *list, const struct doc_step *step) {
        const struct doc_node *item = step->item;
        uint32_t count = list->list.count;

        if (item && step->index < count && doc_same(&list->list.items[step->index], item))
                return step->index;
        for (uint32_t i = 0; item && i < count; i++)
                if (same_name(&list->list.items[i], item))
                        return i;
        for (uint32_t i = 0; item && i < count; i++)
                if (doc_same(&list->list.items[i], item))
                        return i;
        if (item && (!item->parent || item->parent->list.count != count))
                return UINT32_MAX;
        return step->index < count ? step->index : UINT32_MAX;
}

static int gone(struct error *error) {
        return error_set(error, -ENOENT, "what is to be changed is no longer there");
}

static int apply(struct arena *arena, const struct doc_node *node, const struct doc_change *change,
                 size_t at, const struct doc_node **ret, struct error *error);

static int apply_to_map(struct arena *arena, const struct doc_node *map,
                        const struct doc_change *change, size_t at, const struct doc_node **ret,
                        struct error *error) {
        const struct doc_step *step = &change->steps[at];
        const struct doc_node *child = is_null(map) ? NULL : doc_get(map, step->key), *made = NULL;
        bool last = at + 1 == change->step_count;
        int r = 0;

        if (!is_null(map) && map->kind != DOC_MAP)
                return error_set(error, -EINVAL, "\"%.*s\" cannot be set in a %s",
                                 STR_ARG(step->key), doc_kind_name(map->kind));
        if (change->kind == DOC_CHANGE_REMOVE && !child)
                return gone(error);
        if (change->kind != DOC_CHANGE_REMOVE || !last)
                r = apply(arena, child, change, at + 1, &made, error);
        if (r < 0)
                return r;
        *ret = with_key(arena, map, step->key, made);
        return 0;
}

static int apply_to_list(struct arena *arena, const struct doc_node *list,
                         const struct doc_change *change, size_t at, const struct doc_node **ret,
                         struct error *error) {
        const struct doc_step *step = &change->steps[at];
        bool last = at + 1 == change->step_count;
        const struct doc_node *made = NULL;
        uint32_t index;
        int r = 0;

        if (is_null(list) || list->kind != DOC_LIST)
                return gone(error);
        index = find_item(list, step);
        if (index == UINT32_MAX)
                return gone(error);
        if (change->kind != DOC_CHANGE_REMOVE || !last)
                r = apply(arena, &list->list.items[index], change, at + 1, &made, error);
        if (r < 0)
                return r;
        *ret = with_item(arena, list, index, made);
        return 0;
}

/* NODE may be NULL: it is not there yet. The depth is that of the tree that the change was made
 * for. */
static int apply(struct arena *arena, const struct doc_node *node, const struct doc_change *change,
                 size_t at, const struct doc_node **ret, struct error *error) {
        if (at < change->step_count)
                return change->steps[at].key.ptr
                               ? apply_to_map(arena, node, change, at, ret, error)
                               : apply_to_list(arena, node, change, at, ret, error);
        if (change->kind == DOC_CHANGE_SET) {
                *ret = change->value;
                return 0;
        }
        if (change->kind == DOC_CHANGE_REMOVE)
                return gone(error);
        if (!is_null(node) && node->kind != DOC_LIST)
                return error_set(error, -EINVAL, "nothing can be added to a %s",
                                 doc_kind_name(node->kind));
        *ret = with_item(arena, is_null(node) ? NULL : node, is_null(node) ? 0 : node->list.count,
                         change->value);
        return 0;
}

int doc_apply_change(struct arena *arena, const struct doc_node *root,
                     const struct doc_change *change, const struct doc_node **ret,
                     struct error *error) {
        return apply(arena, root, change, 0, ret, error);
}
