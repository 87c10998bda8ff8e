/*
 * Maps that are filled field by field, for objects that are made from others.
 */
#pragma once

#include "doc/doc.h"

enum { MAKER_FIELDS = 8 };

/* A map of at most MAKER_FIELDS fields. */
struct maker {
        struct arena *arena;
        struct doc_node *map;
};

/* An empty map in ARENA that has the place of NEAR. */
struct maker maker_new(struct arena *arena, const struct doc_node *near);

/* Adds VALUE, unless it is absent or null. */
void maker_add(struct maker *maker, const char *key, const struct doc_node *value);
void maker_add_text(struct maker *maker, const char *key, struct str text);

/* Adds what FROM has at KEY. */
void maker_copy(struct maker *maker, const char *key, const struct doc_node *from);

/* The map; nothing is added to it any more. */
const struct doc_node *maker_done(struct maker *maker);
