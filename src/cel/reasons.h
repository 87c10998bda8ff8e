/*
 * The reasons that explaining collects: document nodes, in the order in which they were found,
 * later put into document order and thinned out. Private to src/cel.
 */
#pragma once

#include "cel/explain.h"

enum { REASONS_MAX = 512 }; /* collected before the less specific ones are dropped */

struct reasons {
        struct cel_reason *items; /* room for REASONS_MAX */
        size_t count;
};

void reasons_add(struct reasons *reasons, const struct doc_node *node, bool missed, struct str key);

/* Whether NODE is ANCESTOR or lies within it. */
bool reasons_is_within(const struct doc_node *node, const struct doc_node *ancestor);

/* Drops what was added since START if it was there shortly before, so that a thousand elements that
 * fail for one reason do not crowd out others. */
void reasons_forget_repeated(struct reasons *reasons, size_t start);

/* Of the reasons since START keeps [FROM, TO) only. */
void reasons_keep(struct reasons *reasons, size_t start, size_t from, size_t to);

/* The greatest depth among the nodes of [FROM, TO). */
uint16_t reasons_deepest(const struct reasons *reasons, size_t from, size_t to);

/* Writes the most specific ones into RET (room for CEL_EXPLAIN_MAX) in document order and returns
 * how many. */
size_t reasons_finish(const struct reasons *reasons, struct arena *scratch, struct cel_reason *ret);
