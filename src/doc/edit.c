#include "doc/edit.h"

#include "base/buf.h"
#include "base/util.h"
#include "doc/tree.h"
#include "doc/write.h"

struct doc_node doc_text(struct str text) {
        struct doc_node node = { .kind = DOC_STRING };

        doc_set_string(&node, text);
        return node;
}

const struct doc_node *doc_text_list(struct arena *arena, const struct str *texts, size_t count) {
        struct doc_node *list = doc_new_list(arena, NULL, count);

        for (size_t i = 0; i < count; i++)
                list->list.items[i] = doc_text(texts[i]);
        return list;
}

const struct doc_node *doc_with(struct arena *arena, const struct doc_node *map, struct str key,
                                const struct doc_node *value) {
        bool has = doc_get(map, key);
        struct doc_node *made = doc_new_map(arena, map, map->map.count + !has);
        size_t count = 0;

        for (uint32_t i = 0; i < map->map.count; i++) {
                const struct doc_entry *entry = &map->map.entries[i];

                if (!str_eq(entry->key, key))
                        doc_map_set(made, count++, entry->key, &entry->value);
                else if (value)
                        doc_map_set(made, count++, key, value);
        }
        if (!has && value)
                doc_map_set(made, count++, key, value);
        made->map.count = (uint32_t)count;
        doc_map_index(arena, made);
        return made;
}

/* Through JSON, which can hold every tree. */
const struct doc *doc_copy(struct arena *arena, struct str name, const struct doc_node *node) {
        struct doc_limits limits = doc_default_limits;
        struct buf json _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc *doc = arena_new(arena, struct doc);
        struct doc_reader reader;

        doc_write_json(&json, node);
        *source = (struct doc_source){ arena_str(arena, name), arena_str(arena, buf_str(&json)) };
        /* What could be read once can be read again. */
        limits.depth = DOC_MAX_DEPTH;
        limits.nodes = SIZE_MAX;
        limits.scalar_bytes = UINT32_MAX;
        doc->source = source;
        doc->root = arena_new(arena, struct doc_node);
        doc_reader_init(&reader, source, DOC_JSON, &limits);
        doc_read(&reader, arena, &doc, NULL);
        return doc;
}
