#include "doc/doc.h"

#include "base/buf.h"
#include "base/util.h"
#include "doc/tree.h"

/* --- looking at a tree --- */

const struct doc_node *doc_get_hashed(const struct doc_node *node, struct str key, uint32_t hash) {
        const struct doc_entry *entries;
        uint32_t mask;

        if (!node || node->kind != DOC_MAP)
                return NULL;
        entries = node->map.entries;
        mask = node->map.slot_mask;
        if (mask == 0) {
                for (uint32_t i = node->map.count; i-- > 0;)
                        if (entries[i].hash == hash && str_eq(entries[i].key, key))
                                return &entries[i].value;
                return NULL;
        }
        const uint32_t *slots = (const uint32_t *)(entries + node->map.count);

        for (uint32_t at = hash & mask; slots[at] != 0; at = (at + 1) & mask) {
                const struct doc_entry *entry = &entries[slots[at] - 1];

                if (entry->hash == hash && str_eq(entry->key, key))
                        return &entry->value;
        }
        return NULL;
}

const struct doc_node *doc_get(const struct doc_node *node, struct str key) {
        if (!node || node->kind != DOC_MAP || node->map.count == 0)
                return NULL;
        return doc_get_hashed(node, key, str_hash(key));
}

const struct doc_node *doc_find_keys(const struct doc_node *node, const char *const *keys) {
        for (; node && *keys; keys++)
                node = doc_get(node, str_from(*keys));
        return node;
}

struct str doc_string(const struct doc_node *node, struct str fallback) {
        return node && node->kind == DOC_STRING ? node->string : fallback;
}

const char *doc_kind_name(enum doc_kind kind) {
        static const char *const names[] = {
                [DOC_NULL] = "null",     [DOC_BOOL] = "boolean",  [DOC_INT] = "integer",
                [DOC_DOUBLE] = "number", [DOC_STRING] = "string", [DOC_LIST] = "list",
                [DOC_MAP] = "map",
        };

        return names[kind];
}

const struct doc_entry *doc_entry_of(const struct doc_node *node) {
        if (!node || !node->parent || node->parent->kind != DOC_MAP)
                return NULL;
        return &node->parent->map.entries[node->index];
}

const struct doc_node *doc_get_written(const struct doc_node *node, struct str key) {
        const struct doc_node *parent = node ? node->parent : NULL, *value = NULL;

        if (!parent)
                return NULL;
        if (parent->kind == DOC_MAP && node->index < parent->map.count)
                value = doc_get(&parent->map.entries[node->index].value, key);
        if (parent->kind == DOC_LIST && node->index < parent->list.count)
                value = doc_get(&parent->list.items[node->index], key);
        return value && value->kind != DOC_NULL ? value : NULL;
}

static bool is_identifier(struct str key) {
        for (size_t i = 0; i < key.len; i++) {
                char c = key.ptr[i];
                bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

                if (!letter && (i == 0 || c < '0' || c > '9'))
                        return false;
        }
        return key.len > 0;
}

static void add_step(struct buf *buf, const struct doc_node *node) {
        const struct doc_entry *entry = doc_entry_of(node);

        if (!entry) {
                buf_printf(buf, "[%u]", (unsigned)node->index);
        } else if (is_identifier(entry->key)) {
                if (buf->len > 0)
                        buf_add_char(buf, '.');
                buf_add(buf, entry->key);
        } else {
                buf_add_char(buf, '[');
                buf_add_json(buf, entry->key);
                buf_add_char(buf, ']');
        }
}

struct str doc_path(struct arena *arena, const struct doc_node *node) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        VEC(const struct doc_node *) chain = { 0 };
        struct str path;

        for (; node && node->parent; node = node->parent)
                *vec_push(&chain) = node;
        while (chain.count > 0)
                add_step(&buf, chain.items[--chain.count]);
        vec_free(&chain);
        path = buf.len ? arena_str(arena, buf_str(&buf)) : STR("");
        return path;
}

/* --- building --- */

static struct doc_node *new_collection(struct arena *arena, const struct doc_node *near,
                                       enum doc_kind kind) {
        struct doc_node *node = arena_new(arena, struct doc_node);

        node->kind = (uint8_t)kind;
        node->flags = DOC_SYNTHETIC;
        if (near) {
                node->start = near->start;
                node->end = near->end;
        }
        return node;
}

/* What a child has until it is filled: null, at the place of its parent. */
static void init_child(struct doc_node *child, const struct doc_node *parent, size_t index) {
        child->flags = DOC_SYNTHETIC;
        child->depth = (uint16_t)(parent->depth + 1);
        child->index = (uint32_t)index;
        child->start = parent->start;
        child->end = parent->end;
        child->parent = parent;
}

struct doc_node *doc_new_map(struct arena *arena, const struct doc_node *near, size_t count) {
        struct doc_node *map = new_collection(arena, near, DOC_MAP);

        map->map.entries = arena_new_array(arena, count, struct doc_entry);
        map->map.count = (uint32_t)count;
        for (size_t i = 0; i < count; i++) {
                map->map.entries[i].key_start = map->start;
                init_child(&map->map.entries[i].value, map, i);
        }
        return map;
}

struct doc_node *doc_new_list(struct arena *arena, const struct doc_node *near, size_t count) {
        struct doc_node *list = new_collection(arena, near, DOC_LIST);

        list->list.items = arena_new_array(arena, count, struct doc_node);
        list->list.count = (uint32_t)count;
        for (size_t i = 0; i < count; i++)
                init_child(&list->list.items[i], list, i);
        return list;
}

/* Whether the children of NODE look at it as their parent. */
static bool is_parent(const struct doc_node *node, const struct doc_node *address) {
        if (node->kind == DOC_LIST)
                return node->list.count > 0 && node->list.items[0].parent == address;
        return node->kind == DOC_MAP && node->map.count > 0 &&
               node->map.entries[0].value.parent == address;
}

void doc_map_set(struct doc_node *map, size_t at, struct str key, const struct doc_node *value) {
        struct doc_entry *entry = &map->map.entries[at];
        struct doc_node *node = &entry->value;
        bool fresh = value && (value->flags & DOC_SYNTHETIC) && !value->parent &&
                     is_parent(value, value);

        entry->key = key;
        entry->hash = str_hash(key);
        entry->key_start = map->start;
        if (value)
                *node = *value;
        else
                *node = (struct doc_node){ .flags = DOC_SYNTHETIC };
        node->depth = (uint16_t)(map->depth + 1);
        node->index = (uint32_t)at;
        node->parent = map;
        if (node->start.line == 0 || !value) {
                node->start = map->start;
                node->end = map->end;
        }
        /* A collection that was just built moves here; anything else is shared with its owner. */
        if (fresh)
                doc_adopt(node);
}

void doc_set_string(struct doc_node *node, struct str value) {
        node->kind = DOC_STRING;
        node->flags |= DOC_QUOTED;
        node->string = value;
}

void doc_map_index(struct arena *arena, struct doc_node *map) {
        struct doc_entry *entries, *old = map->map.entries;

        for (uint32_t i = 0; i < map->map.count; i++)
                old[i].hash = str_hash(old[i].key);
        entries = doc_entries_new(arena, map->map.count, &map->map.slot_mask);
        if (map->map.slot_mask == 0)
                return;
        /* The index lies behind the entries, so they move to where there is room for it. */
        for (uint32_t i = 0; i < map->map.count; i++) {
                entries[i] = old[i];
                if (is_parent(&entries[i].value, &old[i].value))
                        doc_adopt(&entries[i].value);
        }
        map->map.entries = entries;
        doc_entries_index(map);
}

struct doc_node *doc_map_with(struct arena *arena, const struct doc_node *map, struct str key,
                              const struct doc_node *value, const struct doc_node *near) {
        bool is_map = map && map->kind == DOC_MAP;
        uint32_t count = is_map ? map->map.count : 0, at = 0;
        struct doc_node *made = doc_new_map(arena, map ? map : near, (size_t)count + 1);
        struct doc_entry *entries = made->map.entries;

        if (map) {
                made->parent = map->parent;
                made->index = map->index;
                made->depth = map->depth;
                made->flags = map->flags;
        }
        for (uint32_t i = 0; i < count; i++)
                entries[i] = map->map.entries[i];
        while (at < count && !str_eq(entries[at].key, key))
                at++;
        entries[at].key = key;
        entries[at].value = *value;
        made->map.count = at < count ? count : count + 1;
        doc_map_index(arena, made);
        return made;
}
