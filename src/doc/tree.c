#include "doc/tree.h"

/* Scans of a few entries are faster than hashing. */
enum { INDEX_FROM = 9 };

void tree_init(struct tree *tree, struct arena *arena, const struct doc_limits *limits,
               struct doc *doc) {
        *tree = (struct tree){ .arena = arena, .limits = limits, .doc = doc };
        tree->diagnostics_tail = &doc->diagnostics;
}

void tree_free(struct tree *tree) {
        vec_free(&tree->items);
        vec_free(&tree->frames);
}

static size_t slot_count(size_t count) {
        size_t slots = 16;

        while (slots < count * 2)
                slots *= 2;
        return slots;
}

struct doc_entry *doc_entries_new(struct arena *arena, size_t count, uint32_t *ret_slot_mask) {
        size_t bytes, slots = 0;

        if (count >= INDEX_FROM)
                slots = slot_count(count);
        if (__builtin_mul_overflow(count, sizeof(struct doc_entry), &bytes) ||
            __builtin_add_overflow(bytes, slots * sizeof(uint32_t), &bytes))
                out_of_memory();
        *ret_slot_mask = slots ? (uint32_t)(slots - 1) : 0;
        return arena_alloc(arena, bytes);
}

void doc_entries_index(struct doc_node *map) {
        uint32_t *slots = (uint32_t *)(map->map.entries + map->map.count);
        uint32_t mask = map->map.slot_mask;

        if (mask == 0)
                return;
        memset(slots, 0, ((size_t)mask + 1) * sizeof *slots);
        for (uint32_t i = 0; i < map->map.count; i++) {
                const struct doc_entry *entry = &map->map.entries[i];
                uint32_t at = entry->hash & mask;

                while (slots[at] != 0) {
                        const struct doc_entry *other = &map->map.entries[slots[at] - 1];

                        if (other->hash == entry->hash && str_eq(other->key, entry->key))
                                break;
                        at = (at + 1) & mask;
                }
                slots[at] = i + 1;
        }
}

void doc_adopt(struct doc_node *node) {
        if (node->kind == DOC_LIST)
                for (uint32_t i = 0; i < node->list.count; i++)
                        node->list.items[i].parent = node;
        else if (node->kind == DOC_MAP)
                for (uint32_t i = 0; i < node->map.count; i++)
                        node->map.entries[i].value.parent = node;
}

static int count_nodes(struct tree *tree, size_t more, struct doc_pos at, struct error *error) {
        size_t limit = MIN(tree->limits->nodes, (size_t)UINT32_MAX / 4); /* indexes have 32 bits */

        tree->nodes += more;
        if (tree->nodes <= limit)
                return 0;
        return error_set_at(error, -E2BIG, at.line, at.column,
                            "the document has more than %zu values (limit: nodes); split it, or "
                            "raise the limit with --max-nodes",
                            limit);
}

static int check_depth(struct tree *tree, size_t depth, struct doc_pos at, struct error *error) {
        if (depth <= MIN(tree->limits->depth, (uint32_t)DOC_MAX_DEPTH))
                return 0;
        return error_set_at(error, -E2BIG, at.line, at.column,
                            "lists and maps are nested more than %u levels deep (limit: depth); "
                            "flatten the document, or raise the limit with --max-depth",
                            (unsigned)MIN(tree->limits->depth, (uint32_t)DOC_MAX_DEPTH));
}

int tree_open(struct tree *tree, enum doc_kind kind, struct doc_pos start, struct error *error) {
        struct tree_frame *frame;
        int r;

        r = check_depth(tree, tree->frames.count + 1, start, error);
        if (r < 0)
                return r;
        r = count_nodes(tree, 1, start, error);
        if (r < 0)
                return r;
        frame = vec_push(&tree->frames);
        frame->node.kind = (uint8_t)kind;
        frame->node.start = start;
        frame->last_end = start;
        frame->first = tree->items.count;
        frame->nodes_before = tree->nodes - 1;
        return 0;
}

void tree_set_key(struct tree *tree, struct str key, struct doc_pos start) {
        struct tree_frame *frame = tree_top(tree);

        frame->key = key;
        frame->key_start = start;
        frame->has_key = true;
        frame->last_end = start;
}

/* Puts NODE on the scratch stack, with the key that waits for it. */
static struct tree_item *push(struct tree *tree, const struct doc_node *node) {
        struct tree_item *item = vec_push(&tree->items);
        struct tree_frame *frame = tree_top(tree);

        item->entry.value = *node;
        item->entry.value.depth = (uint16_t)tree->frames.count;
        if (!frame)
                return item;
        frame->last_end = node->end;
        if (frame->node.kind == DOC_MAP) {
                item->entry.key = frame->key;
                item->entry.key_start = item->written = frame->key_start;
                item->entry.hash = str_hash(frame->key);
                frame->has_key = false;
        }
        return item;
}

int tree_add(struct tree *tree, const struct doc_node *node, struct error *error) {
        int r;

        r = count_nodes(tree, 1, node->start, error);
        if (r < 0)
                return r;
        push(tree, node);
        return 0;
}

static void raise_height(struct tree *tree, uint32_t height) {
        struct tree_frame *frame = tree_top(tree);

        if (frame)
                frame->height = MAX(frame->height, height);
}

/* Charges the repetition of VALUE through an alias or merge key. Its collections would reach down
 * to level DEPTH. */
static int charge(struct tree *tree, const struct tree_value *value, size_t depth,
                  struct doc_pos at, struct error *error) {
        int r;

        r = check_depth(tree, depth, at, error);
        if (r < 0)
                return r;
        tree->alias_nodes += value->nodes;
        if (tree->alias_nodes > tree->limits->alias_nodes)
                return error_set_at(
                        error, -E2BIG, at.line, at.column,
                        "aliases and merge keys repeat more than %zu values (limit: "
                        "alias_nodes); write them out, or raise the limit with --max-alias-nodes",
                        tree->limits->alias_nodes);
        return count_nodes(tree, value->nodes, at, error);
}

int tree_add_value(struct tree *tree, const struct tree_value *value, bool shared,
                   struct doc_pos at, struct doc_pos end, struct error *error) {
        struct tree_item *item;
        int r;

        if (shared) {
                r = charge(tree, value, tree->frames.count + value->height, at, error);
                if (r < 0)
                        return r;
        }
        item = push(tree, &value->node);
        item->shared = shared;
        if (shared) {
                item->entry.value.start = at;
                item->entry.value.end = end;
                item->entry.value.flags |= DOC_ALIASED;
                if (tree->frames.count)
                        tree_top(tree)->last_end = end;
        }
        raise_height(tree, value->height);
        return 0;
}

int tree_merge(struct tree *tree, const struct tree_value *value, bool shared, struct doc_pos at,
               struct error *error) {
        int r;

        r = charge(tree, value, tree->frames.count + value->height - 1, at, error);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < value->node.map.count; i++) {
                const struct doc_entry *entry = &value->node.map.entries[i];
                struct tree_item *item = vec_push(&tree->items);

                item->entry = *entry;
                item->entry.value.depth = (uint16_t)tree->frames.count;
                item->shared = shared || (entry->value.flags & DOC_ALIASED);
                item->entry.value.flags |= DOC_ALIASED;
                item->merged = true;
        }
        raise_height(tree, value->height - 1);
        return 0;
}

static void report_duplicate(struct tree *tree, const struct tree_item *item,
                             struct doc_pos first) {
        struct doc_diagnostic *diagnostic = arena_new(tree->arena, struct doc_diagnostic);
        struct str key = str_slice(item->entry.key, 0, 200);

        diagnostic->pos = item->entry.key_start;
        diagnostic->other = first;
        diagnostic->message =
                arena_printf(tree->arena,
                             "the key \"%.*s\" is set twice, first in line %u; only this last "
                             "value counts",
                             STR_ARG(key), first.line);
        *tree->diagnostics_tail = diagnostic;
        tree->diagnostics_tail = &diagnostic->next;
}

/* ITEM has the same key as the earlier item BEFORE, which it replaces. */
static void override(struct tree *tree, struct tree_item *before, struct tree_item *item) {
        before->dropped = true;
        if (!item->merged && before->written.line != 0)
                report_duplicate(tree, item, before->written);
        if (item->merged)
                item->written = before->written;
}

/* Whether two of the few ITEMS could be equal. */
static bool has_equal_hashes(const struct tree_item *items, size_t count) {
        for (size_t i = 1; i < count; i++)
                for (size_t j = 0; j < i; j++)
                        if (items[i].entry.hash == items[j].entry.hash)
                                return true;
        return false;
}

/* Keeps the last of equal keys where it stands. Returns how many items are left. */
static size_t drop_duplicates(struct tree *tree, struct tree_item *items, size_t count) {
        size_t mask = slot_count(count) - 1, left = 0;
        uint32_t *slots _cleanup_free_ = NULL;

        if (count < INDEX_FROM && !has_equal_hashes(items, count))
                return count;
        slots = xrealloc(NULL, mask + 1, sizeof *slots);
        memset(slots, 0, (mask + 1) * sizeof *slots);
        for (size_t i = 0; i < count; i++) {
                size_t at = items[i].entry.hash & mask;

                for (; slots[at] != 0; at = (at + 1) & mask) {
                        struct tree_item *before = &items[slots[at] - 1];

                        if (before->entry.hash == items[i].entry.hash &&
                            str_eq(before->entry.key, items[i].entry.key)) {
                                override(tree, before, &items[i]);
                                break;
                        }
                }
                slots[at] = (uint32_t)(i + 1);
        }
        for (size_t i = 0; i < count; i++)
                if (!items[i].dropped) {
                        if (left != i)
                                items[left] = items[i];
                        left++;
                }
        return left;
}

static void place_list(struct tree *tree, const struct tree_item *items, size_t count,
                       struct doc_node *list) {
        list->list.items = arena_new_array(tree->arena, count, struct doc_node);
        list->list.count = (uint32_t)count;
        for (size_t i = 0; i < count; i++) {
                struct doc_node *child = &list->list.items[i];

                *child = items[i].entry.value;
                child->index = (uint32_t)i;
                if (!items[i].shared)
                        doc_adopt(child);
        }
}

static void place_map(struct tree *tree, const struct tree_item *items, size_t count,
                      struct doc_node *map) {
        map->map.entries = doc_entries_new(tree->arena, count, &map->map.slot_mask);
        map->map.count = (uint32_t)count;
        for (size_t i = 0; i < count; i++) {
                struct doc_entry *entry = &map->map.entries[i];

                *entry = items[i].entry;
                entry->value.index = (uint32_t)i;
                if (!items[i].shared)
                        doc_adopt(&entry->value);
        }
        doc_entries_index(map);
}

void tree_close(struct tree *tree, struct doc_pos end, struct tree_value *ret) {
        struct tree_frame *frame = tree_top(tree);
        size_t count = tree->items.count - frame->first;
        /* There is no array yet when the first container is empty. */
        struct tree_item *items = count > 0 ? tree->items.items + frame->first : NULL;

        frame->node.end = end.line ? end : frame->last_end;
        if (frame->node.kind == DOC_MAP && count > 0) {
                count = drop_duplicates(tree, items, count);
                place_map(tree, items, count, &frame->node);
        } else if (count > 0) {
                place_list(tree, items, count, &frame->node);
        }
        ret->node = frame->node;
        ret->nodes = tree->nodes - frame->nodes_before;
        ret->height = frame->height + 1;
        tree->items.count = frame->first;
        tree->frames.count--;
}

void tree_finish(struct tree *tree) {
        struct tree_item *item = &tree->items.items[0];

        tree->doc->root = arena_copy(tree->arena, &item->entry.value, sizeof item->entry.value);
        if (!item->shared)
                doc_adopt(tree->doc->root);
}
