/*
 * The smallest NetworkPolicies that allow given connections.
 *
 * Each namespace gets a policy that denies everything by default, and each of its workloads that
 * has connections a policy of its own: ingress from those that were seen to connect, egress to
 * those that were connected to, on these ports only. Every rule says in a comment what it is for.
 *
 * Workloads are selected by as few labels as tell them apart from the others of the namespace;
 * labels that controllers add (hashes, indexes) are never used.
 */
#pragma once

#include "base/buf.h"
#include "net/flows.h"

struct net_generate_options {
        const struct str *namespaces; /* only for these; none: for all that have workloads */
        size_t namespace_count;
        bool only_open; /* leave out what is isolated already, and names that are taken */
        bool declared;  /* the flows come from manifests: DNS and ways in from outside are added */
};

struct net_generate_result {
        size_t policies, rules;
        size_t hosts;     /* workloads of the host network, for which no policy holds */
        size_t ambiguous; /* workloads that no labels tell apart */
};

/* Appends, as a list in YAML, the rules of DIRECTION that the workloads need that POLICY selects.
 * RET->rules says how many there are. */
void net_generate_rules(const struct net_flow_log *log, const struct net_generate_options *options,
                        const struct net_policy *policy, enum net_direction direction,
                        struct buf *out, struct net_generate_result *ret);

/* Appends the policies for LOG as YAML. Denied flows are left out. */
void net_generate(const struct net_flow_log *log, const struct net_generate_options *options,
                  struct buf *out, struct net_generate_result *ret);
