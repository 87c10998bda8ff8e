#include "kube/decode.h"

static bool has_null(const struct doc_node *node) {
        if (node->kind == DOC_LIST) {
                for (uint32_t i = 0; i < node->list.count; i++)
                        if (has_null(&node->list.items[i]))
                                return true;
        } else if (node->kind == DOC_MAP) {
                for (uint32_t i = 0; i < node->map.count; i++)
                        if (node->map.entries[i].value.kind == DOC_NULL ||
                            has_null(&node->map.entries[i].value))
                                return true;
        }
        return false;
}

/* Depth is bounded by the reader's limit. A copy keeps the parent it was written under, which is
 * what paths go by. */
static void copy_without_nulls(struct arena *arena, const struct doc_node *from,
                               struct doc_node *to) {
        struct doc_node *made;
        size_t kept = 0;

        *to = *from;
        if (from->kind == DOC_LIST) {
                made = doc_new_list(arena, from, from->list.count);
                for (uint32_t i = 0; i < from->list.count; i++)
                        copy_without_nulls(arena, &from->list.items[i], &made->list.items[i]);
                to->list = made->list;
                return;
        }
        if (from->kind != DOC_MAP)
                return;
        for (uint32_t i = 0; i < from->map.count; i++)
                kept += from->map.entries[i].value.kind != DOC_NULL;
        made = doc_new_map(arena, from, kept);
        kept = 0;
        for (uint32_t i = 0; i < from->map.count; i++) {
                const struct doc_entry *entry = &from->map.entries[i];

                if (entry->value.kind == DOC_NULL)
                        continue;
                made->map.entries[kept] = *entry;
                copy_without_nulls(arena, &entry->value, &made->map.entries[kept++].value);
        }
        doc_map_index(arena, made);
        to->map = made->map;
}

const struct doc_node *kube_decode(struct arena *arena, const struct doc_node *object) {
        struct doc_node *decoded;

        if (!has_null(object))
                return object;
        decoded = arena_new(arena, struct doc_node);
        copy_without_nulls(arena, object, decoded);
        return decoded;
}
