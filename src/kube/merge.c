#include "kube/merge.h"

#include <errno.h>

#include "base/map.h"
#include "base/util.h"
#include "base/vec.h"
#include "kube/merge-atom.h"
#include "kube/merge-check.h"

/* Left is the object, right the configuration. */
struct merge {
        struct arena *arena;
};

/* RET is what LEFT and RIGHT, neither NULL, become. */
static void merge_values(struct merge *merge, const struct structure *type,
                         const struct doc_node *left, const struct doc_node *right,
                         struct doc_node *ret);

/* NODE as a list or map of KIND; NULL for everything else. */
static const struct doc_node *as_kind(const struct doc_node *node, enum doc_kind kind) {
        return node && node->kind == kind ? node : NULL;
}

static uint32_t size_of(const struct doc_node *collection) {
        if (!collection)
                return 0;
        return collection->kind == DOC_MAP ? collection->map.count : collection->list.count;
}

static void take(struct merge *merge, const struct doc_node *right, struct doc_node *ret);

static void take_children(struct merge *merge, const struct doc_node *right, struct doc_node *ret) {
        struct doc_node *made;

        if (right->kind == DOC_LIST) {
                made = doc_new_list(merge->arena, NULL, right->list.count);
                for (uint32_t i = 0; i < right->list.count; i++)
                        take(merge, &right->list.items[i], &made->list.items[i]);
                ret->list = made->list;
                return;
        }
        made = doc_new_map(merge->arena, NULL, right->map.count);
        for (uint32_t i = 0; i < right->map.count; i++) {
                made->map.entries[i].key = right->map.entries[i].key;
                take(merge, &right->map.entries[i].value, &made->map.entries[i].value);
        }
        doc_map_index(merge->arena, made);
        ret->map = made->map;
}

/* RIGHT as it gets into the object. The empty list that an expression makes has no memory in Go,
 * and becomes null there. */
static void take(struct merge *merge, const struct doc_node *right, struct doc_node *ret) {
        *ret = *right;
        if (right->kind == DOC_LIST && right->list.count == 0)
                ret->kind = DOC_NULL;
        else if (right->kind == DOC_LIST || right->kind == DOC_MAP)
                take_children(merge, right, ret);
}

/* What one side has not is as the other has it. */
static void merge_child(struct merge *merge, const struct structure *type,
                        const struct doc_node *left, const struct doc_node *right,
                        struct doc_node *ret) {
        if (left && right)
                merge_values(merge, type, left, right, ret);
        else if (left)
                *ret = *left;
        else
                take(merge, right, ret);
}

/* --- maps --- */

static void merge_maps(struct merge *merge, const struct structure *type,
                       const struct doc_node *left, const struct doc_node *right,
                       struct doc_node *ret) {
        struct doc_node *made =
                doc_new_map(merge->arena, ret, size_of(left) + (size_t)size_of(right));
        uint32_t count = 0;

        for (uint32_t i = 0; i < size_of(left); i++) {
                const struct doc_entry *entry = &left->map.entries[i];
                struct doc_entry *to = &made->map.entries[count];

                to->key = entry->key;
                to->key_start = entry->key_start;
                merge_child(merge, atom_type(atom_field(type, entry->key)), &entry->value,
                            doc_get(right, entry->key), &to->value);
                count++;
        }
        for (uint32_t i = 0; i < size_of(right); i++) {
                const struct doc_entry *entry = &right->map.entries[i];
                struct doc_entry *to = &made->map.entries[count];

                if (doc_get(left, entry->key))
                        continue;
                to->key = entry->key;
                to->key_start = entry->key_start;
                take(merge, &entry->value, &to->value);
                count++;
        }
        made->map.count = count;
        doc_map_index(merge->arena, made);
        ret->kind = DOC_MAP;
        ret->map = made->map;
}

/* --- lists --- */

/* The items of a list by what they go by. */
struct items {
        const struct doc_node *list;
        struct str *keys;
        struct map by_key; /* the item; `twice` where there are several */
        size_t count;
};

static const struct doc_node twice = { .kind = DOC_NULL };

static void items_init(struct items *items, struct arena *arena, const struct structure *type,
                       const struct doc_node *list) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;

        items->list = list;
        items->keys = arena_new_array(arena, size_of(list), struct str);
        for (uint32_t i = 0; i < size_of(list); i++) {
                struct map_entry *entry;

                buf_clear(&key);
                (void)atom_add_key(&key, arena, type, &list->list.items[i]); /* was checked */
                items->keys[i] = arena_str(arena, buf_str(&key));
                entry = map_put(&items->by_key, items->keys[i]);
                entry->value = (void *)(entry->value ? &twice : &list->list.items[i]);
        }
        items->count = size_of(list);
}

static void items_free(struct items *items) {
        map_free(&items->by_key);
}

static const struct doc_node *items_get(const struct items *items, struct str key) {
        return map_get(&items->by_key, key);
}

/*
 * A list that is being merged. Its items are in the order of the configuration as far as that has
 * them; the others stay between those that they were between.
 */
struct list_merge {
        struct merge *merge;
        const struct structure *type;
        struct items left, right;
        size_t l, r;
        size_t shared;   /* the next item of the right that the left has, too */
        struct map done; /* keys of the right that were merged */
        struct doc_node *made;
        uint32_t count;
};

/* From SHARED on. */
static void find_shared(struct list_merge *m) {
        while (m->shared < m->right.count && !items_get(&m->left, m->right.keys[m->shared]))
                m->shared++;
}

static void add_item(struct list_merge *m, const struct doc_node *left,
                     const struct doc_node *right) {
        merge_child(m->merge, atom_item(m->type), left, right, &m->made->list.items[m->count++]);
}

static void add_right(struct list_merge *m) {
        struct str key = m->right.keys[m->r];

        map_put(&m->done, key)->value = m;
        add_item(m, items_get(&m->left, key), items_get(&m->right, key));
        if (m->shared == m->r) {
                m->shared++;
                find_shared(m);
        }
        m->r++;
}

/* Whether there is nothing to do with the left item but to go on: it comes later, or was merged. */
static bool pass_left(struct list_merge *m) {
        struct str key = m->left.keys[m->l];

        if (!items_get(&m->right, key))
                return false;
        return m->shared < m->right.count && m->r < m->right.count &&
               !str_eq(m->right.keys[m->shared], key);
}

static void merge_step(struct list_merge *m) {
        bool left = m->l < m->left.count, right = m->r < m->right.count;
        struct str key = left ? m->left.keys[m->l] : STR("");

        if (left && right && str_eq(key, m->right.keys[m->r])) {
                add_right(m);
                m->l++;
                return;
        }
        if (left && pass_left(m)) {
                m->l++;
                return;
        }
        if (left && !items_get(&m->right, key)) {
                add_item(m, &m->left.list->list.items[m->l++], NULL);
                return;
        }
        if (left && map_get(&m->done, key))
                m->l++;
        if (right)
                add_right(m);
}

static void list_merge_free(struct list_merge *m) {
        items_free(&m->left);
        items_free(&m->right);
        map_free(&m->done);
}

static void merge_lists(struct merge *merge, const struct structure *type,
                        const struct doc_node *left, const struct doc_node *right,
                        struct doc_node *ret) {
        struct list_merge m _cleanup_(list_merge_free) = { .merge = merge, .type = type };

        items_init(&m.left, merge->arena, type, left);
        items_init(&m.right, merge->arena, type, right);
        m.made = doc_new_list(merge->arena, ret, m.left.count + m.right.count);
        find_shared(&m);
        while (m.l < m.left.count || m.r < m.right.count)
                merge_step(&m);
        ret->kind = DOC_LIST;
        ret->list = m.made->list;
        ret->list.count = m.count;
}

/* --- values --- */

static void merge_values(struct merge *merge, const struct structure *type,
                         const struct doc_node *left, const struct doc_node *right,
                         struct doc_node *ret) {
        enum atom atom = atom_of(type, right);
        enum doc_kind kind = atom == ATOM_MAP ? DOC_MAP : DOC_LIST;
        const struct doc_node *l = as_kind(left, kind), *r = as_kind(right, kind);

        bool whole = atom == ATOM_MAP ? atom_map_is_atomic(type) : atom_list_is_atomic(type);

        if (atom == ATOM_SCALAR || whole || (size_of(l) == 0 && size_of(r) == 0)) {
                take(merge, right, ret);
                return;
        }
        *ret = l ? *l : *right; /* its place */
        if (atom == ATOM_MAP)
                merge_maps(merge, type, l, r, ret);
        else
                merge_lists(merge, type, l, r, ret);
}

int kube_merge(struct arena *arena, const struct structure *structure,
               const struct doc_node *object, const struct doc_node *configuration,
               const struct doc_node **ret, struct error *error) {
        struct merge merge = { .arena = arena };
        struct doc_node *made = arena_new(arena, struct doc_node);
        int r = merge_check(structure, configuration, false,
                            "failed to convert patch object to typed object", error);

        if (r >= 0)
                r = merge_check_atomics(structure, configuration, error);
        if (r >= 0)
                r = merge_check(structure, object, true,
                                "failed to convert original object to typed object", error);
        if (r < 0)
                return r;
        merge_values(&merge, atom_type(structure), object, configuration, made);
        *ret = made;
        return 0;
}
