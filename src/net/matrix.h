/*
 * The whole matrix: every connection that is allowed between endpoints, and between endpoints and
 * addresses outside.
 *
 * Pairs of classes are looked at, not pairs of pods; what is between a class and the ranges outside
 * is joined to as few blocks of addresses as can be.
 */
#pragma once

#include "net/net.h"

enum { NET_OUTSIDE = UINT32_MAX };

struct net_edge {
        uint32_t source, destination; /* numbers of endpoints; NET_OUTSIDE: `blocks` */
        uint32_t set;                 /* of index->ports, never empty */
        const struct ip_prefix *blocks;
        uint32_t block_count;
};

/* EDGE lives only for the call. */
typedef void net_edge_fn(void *userdata, const struct net_edge *edge);

struct net_matrix_options {
        bool nodes;         /* with Nodes, and what they reach */
        const bool *wanted; /* by endpoint: only edges that touch one; NULL: all */
};

/* Calls EACH for every edge, by source; those from outside come last. Port sets that are new are
 * added to INDEX->ports. An endpoint that is one pod has no edge to itself. */
void net_matrix(struct net_index *index, const struct net_matrix_options *options,
                net_edge_fn *each, void *userdata);

/* The fewest blocks that hold exactly the ranges whose bit is set in BITS (over peers), in ARENA.
 */
struct ip_prefix *net_blocks_of(const struct net_index *index, struct arena *arena,
                                const uint64_t *bits, uint32_t *ret_count);

/* Blocks for people: "0.0.0.0/0 except 10.0.0.0/8" where that is shorter; for terminals. */
struct str net_blocks_text(struct arena *arena, const struct ip_prefix *blocks, uint32_t count);

/* The ports that every pod of the cluster reaches at CLASS, as a set of INDEX->ports. */
uint32_t net_open_to_all(struct net_index *index, uint32_t class);
