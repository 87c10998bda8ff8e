/*
 * Trees made from others: nodes are immutable, so a change is a copy of the maps on the way to it.
 * What is not changed is shared.
 */
#pragma once

#include "doc/doc.h"

/* A string that is no part of a text. */
struct doc_node doc_text(struct str text);

/* A list of the COUNT strings in TEXTS. */
const struct doc_node *doc_text_list(struct arena *arena, const struct str *texts, size_t count);

/* MAP with VALUE at KEY, at the end where MAP does not have it; without KEY where VALUE is NULL. */
const struct doc_node *doc_with(struct arena *arena, const struct doc_node *map, struct str key,
                                const struct doc_node *value);

/* NODE as the root of a document of its own in ARENA that needs neither the source nor the arena of
 * NODE. Places are lost; NAME is that of its source. */
const struct doc *doc_copy(struct arena *arena, struct str name, const struct doc_node *node);
