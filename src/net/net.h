/*
 * What can reach what: the network policies of a cluster, and the decisions that follow from them.
 *
 * An index is filled with the objects of the input, finished once, and then answers any number of
 * questions; it is read-only from then on and may be asked by several threads.
 *
 *     net_index_init(&index);
 *     net_index_add(&index, file, resource);     for every resource; other kinds are ignored
 *     net_index_finish(&index);
 *     net_reach(&index, arena, source, destination, &ports);
 *
 * Nouns.
 *
 *  - A *pod* is one of the input, or what the template of a workload would make.
 *  - A *class* is what policies cannot tell apart: pods of one namespace that are equal in all
 *    labels, named ports and address ranges that some policy asks for. Everything is decided
 * between classes, so costs do not grow with replicas.
 *  - An *endpoint* is a class with a name for people: a workload (Deployment shop/web), or one pod
 *    where the pods of its workload are of different classes; or a Node.
 *  - A *range* is a part of the address space that no policy tells apart: what lies outside.
 *  - A *peer* is a class or a range; peers are numbered, classes first.
 *  - A *view* is what a class allows in one direction, by peer. Classes that the same policies
 *    select share it.
 *
 * Semantics are those of the API (networking.k8s.io/v1; policy.networking.k8s.io/v1alpha1 and
 * v1alpha2), where that leaves something open the common one:
 *
 *  - A connection needs the egress of its source and the ingress of its destination; replies are
 *    part of it. A pod that no NetworkPolicy selects for a direction is not isolated in it.
 *  - Tiers: Admin (AdminNetworkPolicy, ClusterNetworkPolicy) by priority, the first rule that
 *    matches decides or passes; then NetworkPolicies, which decide for the pods they select; then
 *    Baseline; what is left is allowed. Of equal priority the order is not defined: policies are
 *    taken by name, and where they contradict each other that is a problem (incomplete).
 *  - Named ports are those of the destination pod: of all its containers (restartable init
 *    containers too) with that name and protocol.
 *  - Pods of the host network are the node: no selector selects them, no policy holds for them,
 * they are met by their address. Connections of a node to its own pods are always allowed. Pods
 * that have ended are not there.
 *  - An address block matches pods by their address. The address of a pod that has none yet is
 *    somewhere in the ranges of the pods (Node spec.podCIDRs or net_index_add_pod_range, else the
 *    private ranges): it is matched by blocks that hold all of these of one family.
 *  - Ports are those of the pod: what a Service forwards to, not what it listens on.
 *  - A peer that is not known or cannot be read matches nothing; in Deny and Pass rules it denies
 *    everything (the API: fail closed). It is a problem, and makes the answer incomplete.
 *  - TCP, UDP and SCTP are decided; ICMP is not, the API does not define it.
 *
 * Whether anything enforces policies is another question: see `plugin`.
 */
#pragma once

#include "base/ip.h"
#include "base/map.h"
#include "base/vec.h"
#include "inventory/resource.h"
#include "net/ports.h"

struct net_place {
        struct str file; /* empty: made by nobody */
        struct doc_pos pos;
};

enum net_direction { NET_INGRESS, NET_EGRESS, NET_DIRECTIONS };
enum net_tier { NET_TIER_ADMIN, NET_TIER_POLICY, NET_TIER_BASELINE, NET_TIERS };
enum net_action { NET_ALLOW, NET_DENY, NET_PASS };

/* "Ingress", "Egress". */
const char *net_direction_name(enum net_direction direction);

/* --- selectors --- */

/* Words (label keys and values) are numbers of index->words. */
struct net_label {
        uint32_t key, value;
};
struct net_labels {
        struct net_label *items; /* sorted by key */
        uint32_t count;
};

enum net_operator { NET_IN, NET_NOT_IN, NET_EXISTS, NET_DOES_NOT_EXIST };
struct net_requirement {
        uint32_t key;
        enum net_operator operator;
        uint32_t *values;
        uint32_t value_count;
};
struct net_selector {
        bool present; /* null and absent are not; {} is, and selects everything */
        struct net_requirement *items;
        uint32_t count;
        struct doc_pos pos;
        struct str text; /* for terminals: "app=web,tier in (a, b)"; empty: everything */
};

bool net_selector_matches(const struct net_selector *selector, const struct net_labels *labels);

/* --- policies --- */

struct net_block {
        struct ip_prefix prefix; /* masked */
        struct ip_prefix *except;
        uint32_t except_count;
};

enum net_peer_kind {
        NET_PEER_PODS,    /* `pods` of the namespaces that `namespaces` selects */
        NET_PEER_BLOCKS,  /* addresses */
        NET_PEER_NODES,   /* addresses of the nodes that `nodes` selects */
        NET_PEER_DOMAINS, /* names; nobody knows their addresses */
        NET_PEER_UNKNOWN  /* fails closed */
};

struct net_rule_peer {
        enum net_peer_kind kind;
        struct net_selector namespaces; /* not present: the namespace of the policy */
        struct net_selector pods;       /* not present: all pods; of nodes: the nodes */
        struct net_block *blocks;
        uint32_t block_count;
        struct str *domains;
        uint32_t domain_count;
        struct doc_pos pos;
};

/* A port of a rule: an interval, or a name that the destination gives a meaning. */
struct net_rule_port {
        bool unusable;     /* matches nothing */
        bool any_protocol; /* of a name: whatever protocol it has */
        enum net_protocol protocol;
        uint16_t from, to; /* both 0: every port of the protocol */
        struct str name;   /* not empty: a named port */
        uint32_t word;     /* NAME as a word */
        struct doc_pos pos;
};

struct net_policy;

/* Peers of equal port sets. */
struct net_group {
        uint32_t set;   /* of index->ports */
        uint64_t *bits; /* over peers */
};

struct net_rule {
        const struct net_policy *policy;
        enum net_action action;
        struct str name;
        bool any_peer; /* no list of peers: everybody */
        struct net_rule_peer *peers;
        uint32_t peer_count;
        bool any_port;
        struct net_rule_port *ports;
        uint32_t port_count;
        struct doc_pos pos;
        /* made by net_index_finish: */
        uint64_t *bits;          /* the peers it matches */
        bool named;              /* some port is a name */
        uint32_t set;            /* the ports that are no names */
        struct net_group *cells; /* where NAMED, of egress: peers by the ports that they have */
        uint32_t cell_count;
};

struct net_rules {
        bool applies; /* the policy is about this direction */
        struct net_rule *items;
        uint32_t count;
};

struct net_policy {
        struct str kind; /* "NetworkPolicy", "AdminNetworkPolicy" ... */
        enum net_tier tier;
        int32_t priority; /* of AdminNetworkPolicy and ClusterNetworkPolicy */
        struct str namespace, name;
        struct net_place place;
        struct doc_pos subject_pos;
        struct net_selector namespaces; /* of the subject; not present: the own namespace */
        struct net_selector pods;       /* not present: all pods */
        struct net_rules rules[NET_DIRECTIONS];
        uint32_t order;   /* in which it was added */
        bool replaced;    /* by a later object of the same name */
        uint64_t *bits;   /* the classes it selects, made by net_index_finish */
        uint32_t selects; /* how many pods it selects */
};

/* --- what is connected --- */

struct net_namespace {
        struct str name;
        struct net_labels labels;
        struct net_place place;
        bool declared; /* there is a Namespace object; else it is only mentioned */
        bool opaque;   /* it has custom resources that may make pods nobody sees here */
        uint32_t number;
        VEC(uint32_t) classes;
        VEC(struct net_policy *) policies; /* its NetworkPolicies */
};

struct net_named_port {
        uint32_t name; /* a word; 0: none */
        enum net_protocol protocol;
        uint16_t port, host_port;
};

struct net_address {
        bool known;
        struct ip ip;
};

struct net_pod {
        struct net_namespace *namespace; /* NULL: a Node */
        struct str name;                 /* empty: a template */
        struct str kind, owner;          /* the workload at the top of those that control it */
        struct net_labels labels;
        struct net_address addresses[2]; /* IPv4, IPv6 */
        struct net_named_port *ports;
        uint32_t port_count;
        struct str node;         /* where it runs; empty: not known */
        struct str node_name;    /* of a Node: its name */
        struct str account;      /* service account */
        const struct str *hosts; /* words of its environment that may name other workloads */
        uint32_t host_count;
        struct str *images;
        uint32_t image_count;
        bool host_network, template, ended, automount;
        struct net_place place;
        uint32_t class, endpoint;
};

struct net_class {
        struct net_namespace *namespace; /* NULL: nodes */
        const struct net_pod *pod;       /* one of them */
        uint32_t pods;                   /* how many */
        bool host;                       /* of the host network, or nodes */
        struct str node;                 /* where all of them run; empty: not known, or several */
        uint32_t range[2]; /* in which its IPv4 and IPv6 addresses lie; UINT32_MAX: not known */
        uint32_t view[NET_DIRECTIONS];
};

struct net_endpoint {
        struct str namespace, kind, name;
        uint32_t class;
        uint32_t pods;
        const struct net_pod *pod; /* one of them */
        struct net_place place;
};

/* What a class allows: every peer is in one group. */
struct net_view {
        bool isolated; /* some NetworkPolicy selects it */
        bool limited;  /* not everything is allowed */
        struct net_group *groups;
        uint32_t group_count;
        const struct net_policy **policies; /* in the order in which they are asked */
        uint32_t policy_count;
};

struct net_range {
        struct ip first, last;
};

struct net_service;
struct net_route;
struct net_gateway;

struct net_index {
        struct arena arena;
        struct map words;
        struct map namespaces;     /* name -> struct net_namespace */
        struct map policies;       /* kind, namespace, name -> struct net_policy */
        struct map pods;           /* namespace/name -> struct net_pod */
        struct map owners;         /* namespace/kind/name -> struct net_owner */
        struct map names;          /* namespace/name -> endpoint + 1 */
        struct map services;       /* namespace/name -> struct net_service */
        VEC(struct str) word_text; /* of the words; number 0 is empty */
        VEC(struct net_policy *) all_policies;
        VEC(struct net_namespace *) all_namespaces;
        VEC(struct net_pod *) all_pods; /* those that are connected, after net_index_finish */
        VEC(struct net_service *) all_services;
        VEC(struct net_route *) all_routes;
        VEC(struct net_gateway *) all_gateways;
        VEC(struct ip_prefix) pod_ranges;
        VEC(struct diagnostic) problems;

        /* after net_index_finish */
        struct net_class *classes;
        struct net_endpoint *endpoints; /* sorted by namespace, kind, name */
        struct net_range *ranges;
        struct net_view *views;
        uint32_t class_count, endpoint_count, range_count, peer_count, view_count, words_per_set;
        struct net_port_table ports;

        /* Set before net_index_finish: an index whose policies cut the address space, too, so that
         * the ranges of both are the same. Its objects were added. */
        const struct net_index *other;

        struct str file;   /* the last file name that was copied */
        struct str plugin; /* a network plugin that was seen: "flannel", "calico" ... */
        struct net_place plugin_place;
        bool plugin_enforces;
        bool nodes_are_selected; /* some rule has peers of kind nodes */
        bool finished;
};

void net_index_init(struct net_index *index);
void net_index_free(struct net_index *index);

/* Adds RESOURCE of FILE if it is of interest; nothing of it is kept, all is copied. What the API
 * server would refuse is reported in INDEX->problems and makes the answer incomplete. */
void net_index_add(struct net_index *index, struct str file, const struct resource *resource);

/* The addresses that pods get, where no Node tells. */
void net_index_add_pod_range(struct net_index *index, const struct ip_prefix *range);

/* Whether objects of this kind are of interest to net_index_add. */
bool net_reads(struct str group, struct str resource);

/* Makes classes, endpoints, ranges and views. Call once, before asking. -E2BIG with ERROR where the
 * input is beyond what can be held (NET_MATRIX_BYTES). */
enum { NET_MATRIX_BYTES = 1 << 30 };
int net_index_finish(struct net_index *index, struct error *error);

/* The same in two steps, for a few questions. net_index_arrange makes classes, endpoints and
 * ranges, so that the ends of questions can be found (net_find, net_peer_of_ip, Services).
 * net_index_resolve makes the rest; with WANTED, by class, only what net_decide needs between these
 * classes and whatever else: then nothing but net_decide may be asked, with such classes. */
void net_index_arrange(struct net_index *index);
int net_index_resolve(struct net_index *index, const bool *wanted, struct error *error);

/* --- asking --- */

/* The endpoint of the workload or pod KIND NAME in NAMESPACE; KIND may be empty (any), or "Pod" for
 * a pod that is part of a workload. NULL: there is none. Nodes have no namespace. */
const struct net_endpoint *net_find(const struct net_index *index, struct str namespace,
                                    struct str kind, struct str name);

/* The peer that IP is: the class of the pod or node that has it, else a range. */
uint32_t net_peer_of_ip(const struct net_index *index, const struct ip *ip);

/* The ports on which peer SOURCE may connect to peer DESTINATION, in ARENA. One of them must be a
 * class: between ranges everything is allowed. */
void net_reach(const struct net_index *index, struct arena *arena, uint32_t source,
               uint32_t destination, struct net_ports *ret);

/* Whether SOURCE may connect to DESTINATION at all, or on one port of a protocol. Nothing is
 * allocated. */
bool net_reaches(const struct net_index *index, uint32_t source, uint32_t destination);
bool net_reaches_port(const struct net_index *index, uint32_t source, uint32_t destination,
                      enum net_protocol protocol, uint16_t port);

/* What CLASS allows to (NET_EGRESS) or from PEER, as a set of index->ports. */
uint32_t net_side(const struct net_index *index, uint32_t class, enum net_direction direction,
                  uint32_t peer);

/* Whether some NetworkPolicy isolates CLASS in DIRECTION. */
bool net_isolated(const struct net_index *index, uint32_t class, enum net_direction direction);

/* --- why --- */

enum net_cause {
        NET_BY_DEFAULT,   /* no policy says anything */
        NET_BY_RULE,      /* `rule` */
        NET_BY_ISOLATION, /* NetworkPolicies select it, and no rule of theirs matches */
        NET_BY_HOST,      /* it is of the host network or outside: no policy holds for it */
        NET_BY_NODE       /* its own node connects to it */
};

enum { NET_NEAR_MAX = 3 };

/* One direction of a decision. */
struct net_verdict {
        bool allowed;
        enum net_cause cause;
        const struct net_rule *rule;
        const struct net_rule *passed;            /* the last rule that passed it on; NULL: none */
        const struct net_policy *const *policies; /* NetworkPolicies that isolate it */
        uint32_t policy_count;
        /* Rules that would allow it, but for one thing. */
        struct {
                const struct net_rule *rule;
                bool wrong_port; /* else it is the peer */
        } near[NET_NEAR_MAX];
        uint32_t near_count;
};

struct net_decision {
        bool allowed;
        struct net_verdict egress, ingress;
};

/* Decides a connection between peers on PORT, rule by rule. Nothing is allocated. */
void net_decide(const struct net_index *index, uint32_t source, uint32_t destination,
                enum net_protocol protocol, uint16_t port, struct net_decision *ret);

/* Whether RULE matches PEER, and PORT where DESTINATION (a peer) has it. */
bool net_rule_matches_peer(const struct net_rule *rule, uint32_t peer);
bool net_rule_matches_port(const struct net_index *index, const struct net_rule *rule,
                           uint32_t destination, enum net_protocol protocol, uint16_t port);
