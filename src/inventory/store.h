/*
 * The objects of a cluster that is followed: what is there now.
 *
 * Each object has a block of memory of its own, so that nothing is left of one that is gone. They
 * are found by their path ("cluster:shop/pods/web").
 */
#pragma once

#include "base/str.h"
#include "inventory/files.h"

struct store_object {
        struct store_object *next;            /* of the same slot */
        struct store_object *older, *younger; /* in the order in which they came */
        struct str path, text;                /* YAML */
        struct str version, uid;
        /* what controls it; kind empty: nothing does; path empty: nobody knows its kind */
        struct str owner_path, owner_uid, owner_version, owner_kind, owner_name;
        size_t list;         /* the number of the list that it is in */
        uint64_t generation; /* of the last reading of that list that had it */
        bool dirty;          /* it changed, and was not looked at since */
        void *data;          /* of whoever looks at it */
};

struct store {
        struct store_object **slots;
        size_t slot_count, count;
        size_t bytes; /* of all objects */
        struct store_object *oldest, *youngest;
};

struct store_object *store_find(const struct store *store, struct str path);

/* Puts a copy of OBJECT in the place of the one with its path, if there is one, whose data, place
 * and age it takes over. */
struct store_object *store_put(struct store *store, const struct store_object *object);

/* Takes OBJECT out and frees it; its data is the caller's. */
void store_remove(struct store *store, struct store_object *object);
void store_free(struct store *store);
