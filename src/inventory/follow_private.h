/*
 * The state of a cluster that is followed. Private to src/inventory: follow.c does the following,
 * follow_known.c begins and ends it with a snapshot.
 */
#pragma once

#include "client/watch.h"
#include "inventory/follow.h"
#include "inventory/live.h"

/* One of the lists. */
struct followed {
        struct follow *follow;
        size_t number;
        struct arena arena; /* of the resource's names */
        struct cluster_resource resource;
        struct buf version; /* everything until then is known; empty: it has to be read */
        struct buf mark;    /* see follow_mark; empty: none */
        struct buf reason;  /* of the gap */
        int64_t due_ms;     /* of the next attempt */
        unsigned failures;
        uint64_t generation;
        bool watching, polled, gap, lost, retired, past_mark;
};

struct owner_wish {
        struct live_owner owner;
        struct str namespace;
};

struct follow {
        struct live live;
        struct follow_options options;
        const struct follow_handler *handler;
        struct watch_handler watch_handler;
        struct watch_set *set;
        struct store store;
        struct arena event; /* reset for each */
        struct error error; /* of attempts that are repeated */
        VEC(struct followed *) lists;
        VEC(struct owner_wish) owners;
        struct arena owner_arena; /* of the wishes */
        struct map owners_asked;  /* their paths */
        size_t owner_objects;
        struct followed *reading;
        int64_t discover_ms;
        uint64_t dice;
        struct follow_counts counts;
};

/* Puts OBJECT into the store. */
struct store_object *follow_put(struct follow *follow, struct arena *arena,
                                const struct live_object *object);

/* follow_known.c: takes over what a snapshot has of the lists that are followed. */
void follow_take_known(struct follow *follow, const struct input_list *known);
