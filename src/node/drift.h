/*
 * Drift: what differs between two documents of facts of the same node.
 *
 * Maps are compared member by member, lists by what names their items (path, name, id, port ...),
 * and plain lists as sets. What changes by itself is left aside: process ids, days that are left,
 * sizes, places of settings, whatever tells how facts were collected.
 */
#pragma once

#include "base/buf.h"
#include "doc/doc.h"

struct drift_change {
        struct str path;     /* kubelet.config.readOnlyPort.value */
        struct str kind;     /* changed, added, removed */
        struct str old, new; /* compact JSON, cut at a sane length; empty where there is none */
        struct str file;     /* the nearest place in the new facts, else in the old */
        uint32_t line, column;
};

struct drift {
        struct drift_change *items;
        size_t count, capacity;
        bool cut; /* there are more than DRIFT_MAX */
};

enum { DRIFT_MAX = 10000 };

/* Everything lives in ARENA. */
void drift_compare(struct arena *arena, const struct doc_node *old, const struct doc_node *new,
                   struct drift *ret);

/* Appends the facts in TEXT with the member `drift`: what differs from APPROVED. */
int drift_add(struct str text, const struct doc_node *approved, struct buf *ret,
              struct error *error);
