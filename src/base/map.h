/*
 * Hash maps from string to pointer, open addressing, seeded hash.
 *
 * Keys are borrowed: they must live as long as the map. Iteration goes over `entries` in the order
 * of insertion, so that output does not depend on the seed.
 */
#pragma once

#include "base/arena.h"

struct map_entry {
        struct str key;
        void *value;
        uint32_t hash;
};

struct map {
        struct map_entry *entries; /* in order of insertion */
        size_t count, capacity;
        uint32_t *slots;   /* index + 1 into entries, 0 free */
        size_t slot_count; /* a power of two */
};

#define MAP_INIT ((struct map){ 0 })

/* The value of KEY or NULL. */
void *map_get(const struct map *map, struct str key);

/* The entry of KEY, made with a NULL value where there is none. Valid until the next map_put. */
struct map_entry *map_put(struct map *map, struct str key);

void map_free(struct map *map);
