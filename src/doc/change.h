/*
 * Changes of trees, as data: which value becomes which.
 *
 * A change names its place by the way to it from the root, so it can be applied to another tree
 * than that it was made for: to the same object after other changes. Items of lists then may have
 * moved; an item is found by what it was.
 */
#pragma once

#include "base/vec.h"
#include "doc/doc.h"

enum doc_change_kind {
        DOC_CHANGE_SET,    /* a value: replaced, or added under its key */
        DOC_CHANGE_APPEND, /* an item at the end of a list, which is made where there is none */
        DOC_CHANGE_REMOVE  /* an entry of a map or an item of a list */
};

/* A step down: by key, or to an item of a list, which is known by its index and what it holds. */
struct doc_step {
        struct str key; /* NULL: an item */
        uint32_t index;
        const struct doc_node *item;
};

struct doc_change {
        enum doc_change_kind kind;
        const struct doc_step *steps; /* of APPEND: to the list; no steps: the root */
        size_t step_count;
        const struct doc_node *value; /* NULL for REMOVE */
};

struct doc_changes {
        struct doc_change *items;
        size_t count, capacity;
};

/* The way from ROOT to NODE below it, in ARENA, with room for one step more. */
struct doc_step *doc_steps_to(struct arena *arena, const struct doc_node *root,
                              const struct doc_node *node, size_t *ret_count);

/* Adds to RET, in ARENA, what makes BEFORE into AFTER, which is at STEPS of its document. Items of
 * lists are the same when they have the same `name`; otherwise in order. */
void doc_find_changes(struct arena *arena, const struct doc_step *steps, size_t step_count,
                      const struct doc_node *before, const struct doc_node *after,
                      struct doc_changes *ret);

/* ROOT after CHANGE, in ARENA; shares what is not changed. Maps on the way that are missing are
 * made. -ENOENT where the place is not there (any more), -EINVAL where it is of another kind. */
int doc_apply_change(struct arena *arena, const struct doc_node *root,
                     const struct doc_change *change, const struct doc_node **ret,
                     struct error *error);
