/*
 * Building trees: what the YAML and the JSON reader share.
 *
 * Values arrive in the order of the text. The children of all open lists and maps wait on one
 * scratch stack; when a collection closes, its children are copied into the arena in one piece, and
 * become a single item of the collection around it. So there is no allocation per node, siblings
 * lie next to each other, and nothing depends on the C stack.
 *
 * A node gets its final address when the collection around it closes; only then can its children be
 * told who their parent is. Children of an alias are not told: they belong to the anchor.
 */
#pragma once

#include "base/vec.h"
#include "doc/doc.h"

/* No limit can be raised beyond this, because walks over a tree may recurse. */
enum { DOC_MAX_DEPTH = 10000 };

/* A finished child of an open collection. */
struct tree_item {
        struct doc_entry entry; /* key unused in lists */
        struct doc_pos written; /* of the last equal key that was no merge, line 0 where none */
        bool merged;            /* came through a merge key */
        bool shared;            /* its children belong to an anchor */
        bool dropped;           /* overridden by a later item */
};

/* A list or map that is still open. */
struct tree_frame {
        struct doc_node node;
        size_t first;        /* its first child in tree.items */
        size_t nodes_before; /* tree.nodes when it began */
        uint32_t height;     /* levels of collections below it */
        struct str key;      /* in maps: the key that waits for its value */
        struct doc_pos key_start;
        bool has_key;
        struct doc_pos last_end; /* of the last child */
};

/* A value with what it costs to repeat it. */
struct tree_value {
        struct doc_node node;
        size_t nodes;    /* it and everything below */
        uint32_t height; /* 0 for scalars */
};

struct tree {
        struct arena *arena;
        const struct doc_limits *limits;
        struct doc *doc;
        struct doc_diagnostic **diagnostics_tail;
        VEC(struct tree_item) items;
        VEC(struct tree_frame) frames;
        size_t nodes, alias_nodes;
};

void tree_init(struct tree *tree, struct arena *arena, const struct doc_limits *limits,
               struct doc *doc);
void tree_free(struct tree *tree);

static inline struct tree_frame *tree_top(struct tree *tree) {
        return tree->frames.count ? &tree->frames.items[tree->frames.count - 1] : NULL;
}

/* Begins a list or map. Returns -E2BIG beyond the depth limit. */
int tree_open(struct tree *tree, enum doc_kind kind, struct doc_pos start, struct error *error);

/* The key of the next value of the open map. */
void tree_set_key(struct tree *tree, struct str key, struct doc_pos start);

/* Adds a scalar to the open collection, or makes it the root. Returns -E2BIG beyond the limit of
 * nodes. */
int tree_add(struct tree *tree, const struct doc_node *node, struct error *error);

/* Ends the open collection: its children move into the arena. The value is not yet part of the
 * collection around it: see tree_add_value and tree_merge. END with line 0 means the end of the
 * last child. */
void tree_close(struct tree *tree, struct doc_pos end, struct tree_value *ret);

/* Adds a closed collection, or (SHARED) the value of an anchor at the place AT. Returns -E2BIG
 * beyond a limit. */
int tree_add_value(struct tree *tree, const struct tree_value *value, bool shared,
                   struct doc_pos at, struct doc_pos end, struct error *error);

/* Adds the entries of the map VALUE to the open map as a merge key does. */
int tree_merge(struct tree *tree, const struct tree_value *value, bool shared, struct doc_pos at,
               struct error *error);

/* Makes the only remaining item the root of the document. */
void tree_finish(struct tree *tree);

/* --- shared with doc.c: maps with an index --- */

/* Memory for COUNT entries and, where that is worth it, the slots of the index behind them. */
struct doc_entry *doc_entries_new(struct arena *arena, size_t count, uint32_t *ret_slot_mask);

/* Fills the index of MAP from its entries. The last of equal keys wins. */
void doc_entries_index(struct doc_node *map);

/* Tells the children of NODE who their parent is. */
void doc_adopt(struct doc_node *node);
