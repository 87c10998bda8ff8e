/*
 * Sets of ports: intervals over the ports of TCP, UDP and SCTP.
 *
 * A port of a protocol is one number, protocol * 65536 + port, so that one sorted list of disjoint
 * intervals holds all protocols. Sets are interned in a table: equal sets have equal numbers, and
 * what two of them make together is remembered. Set 0 is empty, set 1 holds every port.
 */
#pragma once

#include "base/arena.h"
#include "base/vec.h"

enum net_protocol { NET_TCP, NET_UDP, NET_SCTP, NET_PROTOCOLS };

/* "TCP" ...; never NULL. */
const char *net_protocol_name(enum net_protocol protocol);
bool net_protocol_parse(struct str text, enum net_protocol *ret);

/* FIRST and LAST (inclusive) are of the same protocol. */
struct net_interval {
        uint32_t first, last;
};

static inline uint32_t net_port_code(enum net_protocol protocol, uint16_t port) {
        return ((uint32_t)protocol << 16) | port;
}

struct net_ports {
        struct net_interval *items;
        uint32_t count;
};

enum { NET_NO_PORTS, NET_ALL_PORTS };

struct net_port_memo;

struct net_port_table {
        struct arena arena;
        VEC(struct net_ports) sets;
        uint32_t *slots; /* set + 1, 0 free */
        uint32_t slot_count;
        struct net_port_memo *memo;
        uint32_t memo_count;
};

void net_port_table_init(struct net_port_table *table);
void net_port_table_free(struct net_port_table *table);

/* The number of the set that holds the COUNT INTERVALS, which may overlap and are sorted in place.
 */
uint32_t net_ports_intern(struct net_port_table *table, struct net_interval *intervals,
                          uint32_t count);

uint32_t net_ports_union(struct net_port_table *table, uint32_t a, uint32_t b);
uint32_t net_ports_intersect(struct net_port_table *table, uint32_t a, uint32_t b);
uint32_t net_ports_subtract(struct net_port_table *table, uint32_t a, uint32_t b);

/* The same without a table, in ARENA. */
void net_ports_intersection(struct arena *arena, const struct net_ports *a,
                            const struct net_ports *b, struct net_ports *ret);
bool net_ports_meet(const struct net_ports *a, const struct net_ports *b);
bool net_ports_have(const struct net_ports *ports, enum net_protocol protocol, uint16_t port);

/* Whether PORTS are all there are. */
bool net_ports_are_all(const struct net_ports *ports);

/* For people: "TCP 80,443, UDP 53", "any port", "TCP any", "no port". */
struct str net_ports_text(struct arena *arena, const struct net_ports *ports);
