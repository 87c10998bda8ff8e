/*
 * What the files of this module share: facts about objects, as they are read, and the making of
 * vertices and edges. Private to src/graph.
 */
#pragma once

#include "base/buf.h"
#include "graph/graph.h"
#include "net/net.h"

/* --- facts --- */

/* What a container is given. */
enum graph_mount_kind {
        GRAPH_MOUNT_HOST,   /* `value` is a path of the node */
        GRAPH_MOUNT_SECRET, /* the name of a secret */
        GRAPH_MOUNT_TOKEN,  /* a token for the API server */
        GRAPH_MOUNT_CLAIM   /* the name of a PersistentVolumeClaim */
};
struct graph_mount {
        enum graph_mount_kind kind;
        bool read_only;
        struct str value;
        struct graph_place place;
};

/* The capabilities that matter here, as bits. */
enum graph_capability {
        GRAPH_CAP_SYS_ADMIN = 1 << 0,
        GRAPH_CAP_SYS_MODULE = 1 << 1,
        GRAPH_CAP_SYS_PTRACE = 1 << 2,
        GRAPH_CAP_DAC_READ_SEARCH = 1 << 3,
        GRAPH_CAP_BPF = 1 << 4,
        GRAPH_CAP_PERFMON = 1 << 5,
        GRAPH_CAP_EVERY = (1 << 6) - 1
};

struct graph_container {
        struct str name, image;
        bool privileged, never_root, unmasked, host_process, passing;
        bool escapes; /* some edge leads to its node */
        uint8_t capabilities;
        struct graph_place place, privileged_place, capabilities_place, unmasked_place;
        struct graph_mount *mounts;
        size_t mount_count;
        uint32_t vertex;
};

enum graph_choice { GRAPH_UNSAID, GRAPH_NO, GRAPH_YES };

struct graph_pod {
        struct str namespace, name, kind;  /* "Pod", or the kind of the workload */
        struct str owner_kind, owner_name; /* of a Pod; empty: none */
        struct str node, selector;         /* selector: "pool=a,zone=b" */
        struct str account;
        struct str *labels; /* "key=value" */
        size_t label_count;
        enum graph_choice automount;
        bool template, live, daemon, mirror; /* live: admission has seen it */
        bool host_pid, host_network, shared_processes, user_namespace, windows, sandboxed;
        struct str runtime; /* runtimeClassName */
        struct graph_place place, host_pid_place, shared_place;
        struct str *secrets; /* every one that the kubelet may read for it */
        size_t secret_count;
        struct graph_container *containers;
        size_t container_count;
        uint32_t class;               /* of the network; UINT32_MAX: not known */
        uint32_t vertex, node_vertex; /* node_vertex: GRAPH_NODES for a daemon of a template */
};

enum graph_level { GRAPH_PRIVILEGED, GRAPH_BASELINE, GRAPH_RESTRICTED };

/* Kinds of workloads, as bits: where none is, none can be changed. */
struct graph_namespace {
        struct str name;
        bool declared;
        enum graph_level level;
        uint32_t workloads; /* bits by the rows of graph_workload_kinds */
        struct graph_place place, level_place;
        VEC(struct graph_pod *) pods;
};

struct graph_node_fact {
        struct str name, provider;
        bool control_plane;
        struct graph_place place;
};
struct graph_secret_fact {
        struct str namespace, name, account; /* account: whose token it is */
        bool bootstrap;
        struct graph_place place;
};
struct graph_account_fact {
        struct str namespace, name, cloud; /* cloud: the role that an annotation names */
        enum graph_choice automount;
        struct graph_place place;
};
struct graph_volume_fact {
        struct str name, path; /* path: of the node; empty: none */
        struct str claim_namespace, claim;
        struct graph_place place;
};
struct graph_claim_fact {
        struct str namespace, name, volume;
        struct graph_place place;
};
struct graph_service_fact {
        struct str namespace, name, how; /* how: it is open to the outside; empty: it is not */
        struct str *selector;
        size_t selector_count;
        struct graph_place place, how_place;
        bool routed; /* by an Ingress or a route */
        uint32_t vertex;
};
/* An Ingress or a route that leads to a service. */
struct graph_route_fact {
        struct str namespace, service, what;
        struct graph_place place;
};

/* A role, and where it is granted. */
struct graph_granted {
        uint32_t vertex;
        const struct rbac_role *role;
        struct str scope;
};

struct graph_facts {
        struct net_index net;
        bool net_known;     /* it could be finished */
        uint8_t *open;      /* by class, for graph_is_open: 0 not known, 1 no, 2 yes */
        struct map strings; /* each text once */
        struct map namespaces;
        struct map owners; /* "ns/ReplicaSet/name" -> struct graph_owner */
        struct map accounts, nodes, claims, services, sandboxes;
        struct map workloads; /* "ns/kind/name", "ns//kind" */
        VEC(struct graph_pod *) pods;
        VEC(struct graph_secret_fact) secrets;
        VEC(struct graph_volume_fact) volumes;
        VEC(struct graph_route_fact) routes;
        VEC(struct graph_granted) roles; /* in the order in which they were met */
        struct map seen_groups; /* API groups of operators that the input defines or uses */
        bool aws_auth, any_rbac, any_secret, any_node, any_workload;
        struct str file;
        uint32_t file_number;
        struct map by_label; /* "ns\037key=value" -> struct graph_pods */
        struct map by_name;  /* kind and name -> struct graph_named: in any namespace */
};

struct graph_named {
        VEC(uint32_t) vertices;
};

struct graph_pods {
        VEC(struct graph_pod *) list;
};
struct graph_owner {
        struct str kind, name;
};

/* facts.c: S once, for as long as the graph lives. */
struct str graph_keep(struct graph *graph, struct str s);
struct graph_namespace *graph_namespace(struct graph *graph, struct str name);
void graph_facts_free(struct graph_facts *facts);

/* pod_facts.c: the pod, or what a template makes. */
void graph_read_pod(struct graph *graph, struct str file, const struct resource *resource,
                    const struct doc_node *pod, bool template);

/* The place of NODE in FILE. */
struct graph_place graph_place_at(struct graph *graph, struct str file,
                                  const struct doc_node *node);

struct graph_workload_kind {
        const char *group, *kind, *resource;
};
enum { GRAPH_WORKLOAD_KINDS = 7 };
extern const struct graph_workload_kind graph_workload_kinds[GRAPH_WORKLOAD_KINDS];

/* facts.c: whether the workload is in the input. */
bool graph_has_workload(const struct graph *graph, struct str namespace, struct str kind,
                        struct str name);

/* --- making --- */

/* make.c: the vertex of that name, made where there is none. */
uint32_t graph_vertex(struct graph *graph, enum graph_kind kind, struct str namespace,
                      struct str name, struct str part);
/* A hyper-node of a namespace or (empty) of the cluster. */
uint32_t graph_hyper(struct graph *graph, enum graph_kind kind, struct str namespace);

/* The change KEY, made where there is none. TEXT is kept. */
uint32_t graph_change(struct graph *graph, struct str key, struct str text, unsigned cost,
                      struct graph_place place);

/* What an edge has besides its ends. */
struct graph_because {
        struct str detail;
        struct graph_place place;
        uint32_t changes[2];
};
void graph_edge(struct graph *graph, uint32_t from, uint32_t to, enum graph_attack_id attack,
                const struct graph_because *because);
void graph_part(struct graph *graph, uint32_t from, uint32_t to);

/* Sorts the edges, drops those that are there twice, and makes the rows. */
void graph_index_edges(struct graph *graph);

void graph_assume(struct graph *graph, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void graph_problem(struct graph *graph, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* pods.c, cluster.c, rights.c, combined.c: the edges of each part. */
void graph_make_nodes(struct graph *graph); /* before the pods */
void graph_make_pods(struct graph *graph);
void graph_make_cluster(struct graph *graph);
void graph_make_services(struct graph *graph);
void graph_make_network(struct graph *graph); /* after the services */
void graph_make_identities(struct graph *graph);
void graph_make_rights(struct graph *graph);
void graph_make_combined(struct graph *graph);
void graph_make_members(struct graph *graph); /* after all identities */
void graph_make_hyper(struct graph *graph);

/* rights.c: the vertex of ROLE granted in SCOPE (empty: everywhere); what leaves it is made by
 * graph_make_rights. */
uint32_t graph_role(struct graph *graph, const struct rbac_role *role, struct str scope);

/* Whether RULE allows every verb on every resource. */
bool graph_is_everything(const struct rbac_rule *rule);

/* The change that takes RULE out of its role, 0 where the role is not for people to change; and the
 * one that removes BINDING. */
uint32_t graph_rule_change(struct graph *graph, const struct rbac_rule *rule);
uint32_t graph_binding_change(struct graph *graph, const struct rbac_binding *binding);
struct graph_place graph_rbac_place(struct graph *graph, struct rbac_place place,
                                    struct doc_pos pos);

/* network.c: finds the class of every pod; and whether the outside, or (ROUTED, through an
 * Ingress) anything at all, may connect to POD. */
void graph_read_network(struct graph *graph);
bool graph_is_open(struct graph *graph, const struct graph_pod *pod, bool routed);

/* The version of Kubernetes, KUBE_MINOR_LATEST where none was named. */
unsigned graph_minor(const struct graph *graph);

/* --- files of a node --- */

/* host_path.c: what a mount of PATH gives. */
enum graph_host {
        GRAPH_HOST_SOCKET = 1 << 0,
        GRAPH_HOST_WRITE_NODE = 1 << 1,
        GRAPH_HOST_STATIC = 1 << 2,
        GRAPH_HOST_DEVICES = 1 << 3,
        GRAPH_HOST_LOGS = 1 << 4,
        GRAPH_HOST_PROC = 1 << 5,
        GRAPH_HOST_KEYS = 1 << 6,
        GRAPH_HOST_KUBELET = 1 << 7,
        GRAPH_HOST_PODS = 1 << 8,
        GRAPH_HOST_DATABASE = 1 << 9,
        GRAPH_HOST_CERTIFICATES = 1 << 10
};
uint32_t graph_host_path(struct str path, bool read_only);
