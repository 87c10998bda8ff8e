#include "kube/written.h"

#include <stdlib.h>

/* Whether NODE or something in it was written, or patched. */
static bool is_written(const struct doc_node *node) {
        if (!(node->flags & DOC_SYNTHETIC))
                return true;
        if (node->kind == DOC_MAP)
                for (uint32_t i = 0; i < node->map.count; i++)
                        if (is_written(&node->map.entries[i].value))
                                return true;
        if (node->kind == DOC_LIST)
                for (uint32_t i = 0; i < node->list.count; i++)
                        if (is_written(&node->list.items[i]))
                                return true;
        return false;
}

/* By place in the text; what has none comes last, as it was. */
static int compare_entries(const void *a, const void *b) {
        const struct doc_entry *x = a, *y = b;
        bool new_x = x->value.flags & DOC_SYNTHETIC || x->key_start.line == 0;
        bool new_y = y->value.flags & DOC_SYNTHETIC || y->key_start.line == 0;

        if (new_x != new_y)
                return new_x ? 1 : -1;
        if (!new_x && x->key_start.line != y->key_start.line)
                return x->key_start.line < y->key_start.line ? -1 : 1;
        if (!new_x && x->key_start.column != y->key_start.column)
                return x->key_start.column < y->key_start.column ? -1 : 1;
        return x->hash < y->hash ? -1 : x->hash > y->hash; /* see copy_map */
}

static void copy(struct arena *arena, const struct doc_node *from, struct doc_node *to);

static void copy_map(struct arena *arena, const struct doc_node *from, struct doc_node *to) {
        struct doc_node *made = doc_new_map(arena, from, from->map.count);
        uint32_t count = 0;

        for (uint32_t i = 0; i < from->map.count; i++) {
                const struct doc_entry *entry = &from->map.entries[i];

                if (!is_written(&entry->value))
                        continue;
                made->map.entries[count].key = entry->key;
                made->map.entries[count].key_start = entry->key_start;
                made->map.entries[count].hash = i; /* while they are sorted */
                copy(arena, &entry->value, &made->map.entries[count++].value);
        }
        made->map.count = count;
        if (count > 0)
                qsort(made->map.entries, count, sizeof *made->map.entries, compare_entries);
        doc_map_index(arena, made);
        to->map = made->map;
}

/* The depth of objects is bounded by who made them. */
static void copy(struct arena *arena, const struct doc_node *from, struct doc_node *to) {
        struct doc_node *made;

        *to = *from;
        if (from->kind == DOC_MAP)
                copy_map(arena, from, to);
        if (from->kind != DOC_LIST)
                return;
        made = doc_new_list(arena, from, from->list.count);
        for (uint32_t i = 0; i < from->list.count; i++)
                copy(arena, &from->list.items[i], &made->list.items[i]);
        to->list = made->list;
}

const struct doc_node *kube_written(struct arena *arena, const struct doc_node *object) {
        struct doc_node *made = arena_new(arena, struct doc_node);

        copy(arena, object, made);
        return made;
}
