#include "cel/reasons.h"

#include <stdlib.h>

#include "base/util.h"

void reasons_add(struct reasons *reasons, const struct doc_node *node, bool missed,
                 struct str key) {
        if (!node || reasons->count >= REASONS_MAX)
                return;
        reasons->items[reasons->count++] =
                (struct cel_reason){ .node = node, .missed = missed, .missed_key = key };
}

static bool same_pos(struct doc_pos a, struct doc_pos b) {
        return a.line == b.line && a.column == b.column;
}

/* A copy (the spec of a pod made from a template, a decoded object) is the same place as what it is
 * a copy of. */
static bool same_place(const struct doc_node *a, const struct doc_node *b) {
        if (!a->parent && !b->parent)
                return a == b || (same_pos(a->start, b->start) && same_pos(a->end, b->end));
        return a == b || (a->parent == b->parent && a->index == b->index);
}

bool reasons_is_within(const struct doc_node *node, const struct doc_node *ancestor) {
        while (node && node->depth > ancestor->depth)
                node = node->parent;
        return node && same_place(node, ancestor);
}

static bool is_listed(const struct reasons *reasons, size_t from, size_t to,
                      const struct cel_reason *reason) {
        for (size_t i = from; i < to; i++)
                if (same_place(reasons->items[i].node, reason->node) &&
                    reasons->items[i].missed == reason->missed &&
                    str_eq(reasons->items[i].missed_key, reason->missed_key))
                        return true;
        return false;
}

void reasons_forget_repeated(struct reasons *reasons, size_t start) {
        size_t from = start > 16 ? start - 16 : 0, kept = start;

        for (size_t i = start; i < reasons->count; i++)
                if (!is_listed(reasons, from, kept, &reasons->items[i]))
                        reasons->items[kept++] = reasons->items[i];
        reasons->count = kept;
}

void reasons_keep(struct reasons *reasons, size_t start, size_t from, size_t to) {
        memmove(&reasons->items[start], &reasons->items[from],
                (to - from) * sizeof *reasons->items);
        reasons->count = start + to - from;
}

uint16_t reasons_deepest(const struct reasons *reasons, size_t from, size_t to) {
        uint16_t depth = 0;

        for (size_t i = from; i < to; i++)
                if (reasons->items[i].node->depth > depth)
                        depth = reasons->items[i].node->depth;
        return depth;
}

/* --- document order --- */

static const struct doc_node *root_of(const struct doc_node *node) {
        while (node->parent)
                node = node->parent;
        return node;
}

/* Document order: an ancestor goes before its descendants. Both are in one tree. */
static int compare_nodes(const struct doc_node *a, const struct doc_node *b) {
        uint16_t a_depth = a->depth, b_depth = b->depth;

        if (same_place(a, b))
                return 0;
        while (a->depth > b_depth && a->parent)
                a = a->parent;
        while (b->depth > a_depth && b->parent)
                b = b->parent;
        if (same_place(a, b))
                return a_depth < b_depth ? -1 : 1;
        while (a->parent && b->parent && a->parent != b->parent) {
                a = a->parent;
                b = b->parent;
        }
        return a->index < b->index ? -1 : a->index > b->index;
}

struct ranked {
        struct cel_reason reason;
        size_t root, order; /* of first appearance */
};

static int compare_ranked(const void *left, const void *right) {
        const struct ranked *a = left, *b = right;
        int order;

        if (a->root != b->root)
                return a->root < b->root ? -1 : 1;
        order = compare_nodes(a->reason.node, b->reason.node);
        if (order != 0)
                return order;
        /* Of two reasons at one node the one that knows what was missed says more. */
        if (a->reason.missed != b->reason.missed)
                return a->reason.missed ? -1 : 1;
        if ((a->reason.missed_key.len > 0) != (b->reason.missed_key.len > 0))
                return a->reason.missed_key.len > 0 ? -1 : 1;
        return a->order < b->order ? -1 : a->order > b->order;
}

/* Sorts, and keeps the most specific nodes. In document order everything between an ancestor and
 * its descendant is a descendant too, so looking at the next one is enough. */
size_t reasons_finish(const struct reasons *reasons, struct arena *scratch,
                      struct cel_reason *ret) {
        struct ranked *ranked = arena_new_array(scratch, reasons->count, struct ranked);
        size_t kept = 0;

        for (size_t i = 0; i < reasons->count; i++) {
                const struct doc_node *root = root_of(reasons->items[i].node);

                ranked[i] = (struct ranked){ .reason = reasons->items[i], .root = i, .order = i };
                for (size_t j = 0; j < i; j++)
                        if (same_place(root_of(reasons->items[j].node), root)) {
                                ranked[i].root = ranked[j].root;
                                break;
                        }
        }
        qsort(ranked, reasons->count, sizeof *ranked, compare_ranked);
        for (size_t i = 0; i < reasons->count && kept < CEL_EXPLAIN_MAX; i++) {
                if (i > 0 && same_place(ranked[i].reason.node, ranked[i - 1].reason.node))
                        continue;
                size_t next = i + 1;

                while (next < reasons->count &&
                       same_place(ranked[next].reason.node, ranked[i].reason.node))
                        next++;
                if (next < reasons->count &&
                    reasons_is_within(ranked[next].reason.node, ranked[i].reason.node))
                        continue;
                ret[kept++] = ranked[i].reason;
        }
        return kept;
}
