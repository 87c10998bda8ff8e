/*
 * Connections that were observed, or that manifests say there will be.
 *
 * A log is lines of JSON. Three forms are read, told apart by their fields:
 *
 *  - ours: {"src": {"namespace": "shop", "name": "web"}, "dst": {"ip": "10.0.0.1"},
 *           "protocol": "TCP", "port": 8080, "allowed": true}; `kind` may say what the name is of
 *  - Hubble's (hubble observe -o jsonpb): verdict, IP, l4, source and destination, at the top or
 *    below `flow`; replies are left out
 *  - Calico's flow logs: source_namespace, source_name, source_name_aggr, source_ip, the same with
 *    dest_, dest_port, proto, action
 *
 * Equal connections are one flow with a count. A pod that is gone is known by the name of its
 * workload, which its own begins with.
 */
#pragma once

#include "net/net.h"

struct net_end {
        uint32_t endpoint; /* number; UINT32_MAX: an address outside */
        struct ip ip;
};

struct net_flow {
        struct net_end source, destination;
        enum net_protocol protocol;
        uint16_t port;
        bool denied; /* it was observed, and did not get through */
        uint64_t count;
        struct str reason; /* of a declared one: where it comes from; for people */
};

enum { NET_FLOWS_MAX = 1000000 };

struct net_flow_log {
        const struct net_index *index;
        struct arena arena;
        struct map by_key;
        VEC(struct net_flow) flows;
        uint64_t lines, replies; /* read; left out because they answer */
        uint64_t unreadable;     /* lines that are none of the forms */
        uint64_t unknown;        /* an end is neither in the input nor an address */
        uint64_t dropped;        /* beyond NET_FLOWS_MAX */
};

void net_flow_log_init(struct net_flow_log *log, const struct net_index *index);
void net_flow_log_free(struct net_flow_log *log);

/* Takes one line. */
void net_flow_log_add(struct net_flow_log *log, struct str line);

/* Adds what the input declares: Services that the environment and arguments of pods name, DNS, and
 * ways in from outside. */
void net_flow_log_declare(struct net_flow_log *log);

/* The peer of END in the matrix. */
uint32_t net_end_peer(const struct net_index *index, const struct net_end *end);
