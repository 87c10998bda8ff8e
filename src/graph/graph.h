/*
 * Attack paths: how someone gets from a foothold to what must not be lost.
 *
 * One directed graph of everything that can be taken: containers, pods, nodes, identities, rights,
 * secrets, volumes, images, services. An edge says that whoever holds what it comes from can take
 * what it leads to, by one attack. Each attack is one row of a table (graph_attacks): what it is,
 * how an auditor checks it, its technique in MITRE ATT&CK, the fix and what the fix costs.
 *
 *     graph_init(&graph, &options);
 *     graph_add(&graph, file, resource);        for every resource; other kinds are ignored
 *     graph_finish(&graph);
 *     graph_search(&graph, &arena, targets, count, GRAPH_BACKWARD, NULL, &search);
 *
 * What keeps it small.
 *
 *  - *Hyper-nodes* stand for all things of one kind in a namespace or in the cluster: "the pods of
 *    namespace shop", "the secrets of the cluster". A right on all pods is one edge, and each pod
 *    hangs below its namespace by one edge, so edges grow with the sum of rights and pods, never
 *    with their product.
 *  - A role that a binding gives in a namespace is a vertex of its own. Whoever holds it is joined
 *    by the binding, and what it allows leaves it once, however many hold it.
 *  - Edges lie in two arrays sorted by their ends (compressed sparse rows), forward and backward.
 *
 * What makes an attack possible is decided when its edge is made: rights as RBAC decides them
 * (resource names and the rights of implied groups included), Pod Security admission of the
 * namespace, the version of Kubernetes, what the kernel asks for (capabilities, root, user
 * namespaces), NetworkPolicies. Attacks that take two rights are edges of whoever holds both.
 *
 * Steps. An edge of structure (a pod is in a namespace, a role is bound) costs nothing, every other
 * one is a step. The shortest path is the one of fewest steps, then of fewest edges. All of its
 * orders are fixed by the order of names, not of memory, so the same input gives the same bytes.
 *
 * What is assumed is told: a pod without a node may stand on any; a namespace that is not in the
 * input enforces no Pod Security level. What is missing so that paths may be missing is among the
 * problems, and makes the answer incomplete.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "rbac/rbac.h"

/* The names are in the table of kinds.c. */
enum graph_kind {
        /* things */
        GRAPH_EXTERNAL, /* whoever can reach the cluster from outside */
        GRAPH_SERVICE,
        GRAPH_IMAGE,
        GRAPH_WORKLOAD, /* Deployment, StatefulSet ...: what makes pods */
        GRAPH_POD,      /* of a template where no pod of the workload is in the input */
        GRAPH_CONTAINER,
        GRAPH_NODE,
        GRAPH_USER,
        GRAPH_GROUP,
        GRAPH_ACCOUNT, /* a service account */
        GRAPH_ROLE,    /* a role as it is granted: in a namespace or everywhere */
        GRAPH_SECRET,
        GRAPH_VOLUME, /* a PersistentVolume */
        GRAPH_CLOUD,  /* an identity of the cloud */
        /* hyper-nodes: all of a namespace, or (without one) of the cluster */
        GRAPH_ADMIN,     /* everything: of the cluster, this is cluster-admin */
        GRAPH_CREATE,    /* pods of one's own making */
        GRAPH_PODS,      /* code in any pod */
        GRAPH_DEBUG,     /* privileged debug containers in any pod */
        GRAPH_SECRETS,   /* any secret */
        GRAPH_ACCOUNTS,  /* any service account */
        GRAPH_ENDPOINTS, /* connections to any pod */
        GRAPH_TRAFFIC,   /* what is sent to services */
        GRAPH_NODES,     /* any node */
        GRAPH_USERS,     /* any user that a binding names */
        GRAPH_GROUPS,    /* any group that a binding names, but for system:masters */
        GRAPH_CUSTOM,    /* custom resources */
        /* hyper-nodes of one node (by its name), or (without one) of all nodes */
        GRAPH_NODE_PODS,    /* code in the pods on it */
        GRAPH_KUBELET,      /* the identity of its kubelet */
        GRAPH_NODE_SECRETS, /* the secrets that pods on it use */
        GRAPH_NODE_TOKENS,  /* the service accounts of the pods on it */
        GRAPH_KINDS
};

/* Every way along an edge; the rows are in attacks.c, in this order. */
enum graph_attack_id {
        GRAPH_CONTAINS, /* structure: part of, member of, bound to */
        GRAPH_MEMBER,
        GRAPH_BOUND,
        GRAPH_HOLDS,
        /* out of a container */
        GRAPH_ESCAPE_PRIVILEGED,
        GRAPH_ESCAPE_NSENTER,
        GRAPH_ESCAPE_MODULE,
        GRAPH_ESCAPE_PTRACE,
        GRAPH_ESCAPE_CGROUP,
        GRAPH_ESCAPE_READ_SEARCH,
        GRAPH_ESCAPE_BPF,
        GRAPH_ESCAPE_CORE_PATTERN,
        GRAPH_ESCAPE_RUNTIME_SOCKET,
        GRAPH_ESCAPE_HOST_WRITE,
        GRAPH_ESCAPE_STATIC_POD,
        GRAPH_ESCAPE_DEVICE,
        GRAPH_ESCAPE_LOG_SYMLINK,
        GRAPH_ESCAPE_HOST_PROCESS,
        GRAPH_HOST_READ,
        GRAPH_HOST_CREDENTIALS,
        GRAPH_HOST_TRAVERSE,
        GRAPH_HOST_ETCD,
        GRAPH_HOST_PKI,
        GRAPH_HOST_PROCESSES,
        GRAPH_SHARED_PROCESSES,
        GRAPH_CLOUD_METADATA,
        /* what is within reach of a container or node */
        GRAPH_TOKEN_STEAL,
        GRAPH_SECRET_MOUNTED,
        GRAPH_VOLUME_ACCESS,
        GRAPH_VOLUME_HOST_PATH,
        GRAPH_NODE_RUNS,
        GRAPH_NODE_IDENTITY,
        GRAPH_NODE_CONTROL_PLANE,
        GRAPH_KUBELET_SECRETS,
        GRAPH_KUBELET_TOKENS,
        GRAPH_SECRET_TOKEN,
        GRAPH_SECRET_BOOTSTRAP,
        GRAPH_CLOUD_ROLE,
        GRAPH_CLOUD_NODE,
        GRAPH_IMAGE_POISON,
        /* over the network */
        GRAPH_EXPOSED,
        GRAPH_ENDPOINT_EXPLOIT,
        GRAPH_LATERAL,
        GRAPH_ANONYMOUS,
        /* one right */
        GRAPH_ALL_RIGHTS,
        GRAPH_POD_EXEC,
        GRAPH_POD_ATTACH,
        GRAPH_POD_DEBUG,
        GRAPH_POD_PATCH,
        GRAPH_POD_CREATE,
        GRAPH_WORKLOAD_CREATE,
        GRAPH_WORKLOAD_UPDATE,
        GRAPH_CUSTOM_WORKLOAD,
        GRAPH_GITOPS,
        GRAPH_TOKEN_REQUEST,
        GRAPH_SECRET_LIST,
        GRAPH_SECRET_GET,
        GRAPH_NODES_PROXY,
        GRAPH_POD_PROXY,
        GRAPH_SERVICE_PROXY,
        GRAPH_PORT_FORWARD,
        GRAPH_IMPERSONATE_ACCOUNT,
        GRAPH_IMPERSONATE_USER,
        GRAPH_WEBHOOK_MUTATING,
        GRAPH_WEBHOOK_VALIDATING,
        GRAPH_API_SERVICE,
        GRAPH_CRD_CONVERSION,
        GRAPH_AWS_AUTH,
        GRAPH_DNS_CONFIG,
        GRAPH_POD_STATUS,
        GRAPH_ENDPOINTS_WRITE,
        GRAPH_SERVICE_WRITE,
        GRAPH_SERVICE_STATUS,
        GRAPH_ROUTE_WRITE,
        GRAPH_AZURE_EXCEPTION,
        GRAPH_BOOTSTRAP_CREATE,
        /* two rights together */
        GRAPH_MASTERS,
        GRAPH_IMPERSONATE_GROUP,
        GRAPH_ROLE_BIND,
        GRAPH_ROLE_ESCALATE,
        GRAPH_SECRET_MINT,
        GRAPH_CERTIFICATE,
        GRAPH_CERTIFICATE_NODE,
        GRAPH_BOOTSTRAP_NODE,
        GRAPH_NAMESPACE_LABEL,
        GRAPH_PERSISTENT_VOLUME,
        GRAPH_MUTATING_POLICY,
        GRAPH_STEAL_PODS,
        /* what whoever creates pods gets */
        GRAPH_CREATE_WITH_ACCOUNT,
        GRAPH_CREATE_WITH_SECRET,
        GRAPH_CREATE_WITH_VOLUME,
        GRAPH_CREATE_PRIVILEGED,
        GRAPH_DEBUG_PRIVILEGED,
        GRAPH_ATTACKS
};

/* One row of the table of attacks. */
struct graph_attack {
        const char *id;        /* "ESCAPE_PRIVILEGED" */
        const char *from, *to; /* kinds of vertices, for people */
        const char *title;     /* "privileged container": a few words, for a line of a path */
        const char *what;      /* one or two sentences */
        const char *check;     /* commands, one a line, with NAMESPACE, POD, ... to fill in */
        const char *technique; /* of ATT&CK: "T1611"; empty: structure */
        const char *fix;       /* one sentence */
        uint8_t steps;         /* 0: structure */
        uint8_t cost; /* of the fix: 1 harmless, 3 needs a look at the application, 5 a change
                         of how things work; 0: there is none */
};
extern const struct graph_attack graph_attacks[GRAPH_ATTACKS];

/* The attack called ID in any case, or NULL. */
const struct graph_attack *graph_attack_find(struct str id);

/* "pod", "node"; the word that people name a vertex by on the command line ("sa"). */
const char *graph_kind_name(enum graph_kind kind);
bool graph_is_hyper(enum graph_kind kind);

/* Where something is written; FILE is a number of graph->files, 0: nowhere. */
struct graph_place {
        uint32_t file, line, column;
};

struct graph_vertex {
        uint8_t kind; /* enum graph_kind */
        bool exposed; /* a container that EXTERNAL reaches by a service */
        bool passing; /* an init container: it has ended when its pod runs */
        bool template, control_plane, assumed; /* a pod of a template; a node; a node that is no
                                                  object of the input */
        struct str namespace; /* of a role: where it is granted, empty: everywhere */
        struct str name;      /* of a container: the pod's */
        struct str part;      /* of a container: its name; of a role: "ClusterRole" or "Role" */
        struct str owner;     /* of a pod or container: "Deployment web", what it is part of */
        struct graph_place place;
};

/* One thing that a person can change so that edges go away. */
struct graph_change {
        struct str text; /* "remove ClusterRoleBinding deployer" */
        struct graph_place place;
        uint8_t cost;
        uint32_t edges; /* how many go away */
};

struct graph_edge {
        uint32_t from, to;
        uint16_t attack;     /* enum graph_attack_id */
        uint32_t changes[2]; /* numbers of graph->changes: each of them takes it away; 0: none */
        struct str detail;   /* "hostPath /var/run/docker.sock"; may be empty */
        struct graph_place place;
};

struct graph_options {
        uint16_t minor;   /* of Kubernetes; 0: the newest */
        bool lateral;     /* whatever can be connected to can be taken over */
        bool no_defaults; /* without the roles that every cluster is born with */
};

struct graph_facts;

struct graph {
        struct arena arena;
        struct graph_options options;
        struct rbac_index rbac;
        struct graph_facts *facts; /* what was added, until graph_finish */
        VEC(struct str) files;     /* number 0 is empty */
        VEC(struct graph_vertex) vertices;
        VEC(struct graph_edge) edges; /* sorted by from, to, attack, change after graph_finish */
        VEC(struct graph_change) changes; /* number 0 is nothing */
        VEC(struct diagnostic) problems;
        VEC(struct str) assumptions; /* sentences */
        struct map by_key, by_change;
        /* compressed sparse rows: edges of vertex V are [first[V], first[V + 1]) */
        uint32_t *out_first; /* of edges */
        uint32_t *in_first, *in_edges;
        uint32_t external, admin, secrets, nodes;
        size_t pods, namespaces;
};

void graph_init(struct graph *graph, const struct graph_options *options);
void graph_free(struct graph *graph);

/* Whether objects of this kind are of interest to graph_add. */
bool graph_reads(struct str group, struct str resource);

/* Adds RESOURCE of FILE; all that is needed is copied. */
void graph_add(struct graph *graph, struct str file, const struct resource *resource);

/* Makes vertices and edges of what was added. Call once, before asking; the graph is read-only from
 * then on. What the answers lack is in GRAPH->problems. */
void graph_finish(struct graph *graph);

/* The vertex of KIND in NAMESPACE called NAME with PART; UINT32_MAX where there is none. */
uint32_t graph_find(const struct graph *graph, enum graph_kind kind, struct str namespace,
                    struct str name, struct str part);

/* "container shop/web/app", "ServiceAccount ci/deployer", "the pods of namespace shop". In ARENA.
 */
struct str graph_name(const struct graph *graph, struct arena *arena, uint32_t vertex);

/* "web.yaml:27"; empty where nothing is written. */
struct str graph_place_text(const struct graph *graph, struct arena *arena,
                            struct graph_place place);

/* --- shortest paths --- */

enum graph_direction { GRAPH_FORWARD, GRAPH_BACKWARD };

#define GRAPH_FAR UINT32_MAX

struct graph_search {
        enum graph_direction direction;
        uint32_t *steps; /* of each vertex, to or from the nearest of the ends; GRAPH_FAR: none */
        uint32_t *hops;  /* edges of that path */
        uint32_t *next;  /* the edge of the best path towards the ends; GRAPH_FAR: an end, or far */
        uint64_t *paths; /* how many shortest ones there are; UINT64_MAX: that many or more */
        uint32_t *order; /* the vertices that are reached, nearest first */
        uint32_t reached;
};

/* Shortest paths to (BACKWARD) or from (FORWARD) the COUNT vertices ENDS, in ARENA. Edges whose
 * change is set in REMOVED (by its number; NULL: none) are not there. */
void graph_search(const struct graph *graph, struct arena *arena, const uint32_t *ends,
                  size_t count, enum graph_direction direction, const bool *removed,
                  struct graph_search *ret);

/* The edges of the best path of VERTEX, from the start to the target whichever the direction, in
 * ARENA. Returns their number. */
size_t graph_path(const struct graph *graph, const struct graph_search *search, struct arena *arena,
                  uint32_t vertex, uint32_t **ret_edges);

/* Calls EACH with every shortest path of VERTEX, the best first, until it returns false or LIMIT
 * were shown. Returns how many. */
typedef bool graph_path_fn(void *userdata, const uint32_t *edges, size_t count);
size_t graph_each_path(const struct graph *graph, const struct graph_search *search,
                       uint32_t vertex, size_t limit, graph_path_fn *each, void *userdata);

/* --- blast radius --- */

/* What can be taken from one start. */
struct graph_blast {
        uint32_t pods, containers, nodes, secrets, accounts, identities, namespaces;
        bool admin, all_secrets;
};

/* The blast radius of each of the COUNT vertices STARTS: 64 of them in one pass over the graph,
 * whose cycles were joined before. RET has COUNT places. */
void graph_blast(const struct graph *graph, const uint32_t *starts, size_t count,
                 struct graph_blast *ret);

/* --- what to change --- */

struct graph_cut_options {
        const uint32_t *starts, *targets;
        size_t start_count, target_count;
        bool by_cost;    /* the cheapest changes; else the fewest, and of those the cheapest */
        uint64_t effort; /* of the search for the best (hitting.h); 0: GRAPH_CUT_EFFORT */
};
enum { GRAPH_CUT_EFFORT = 20 * 1000 * 1000, GRAPH_CUT_ROUNDS = 500 };

struct graph_cut_item {
        uint32_t change;
        uint32_t alone;  /* starts that lose every path if this is all that is changed */
        uint32_t so_far; /* starts that lose every path with this and those before it */
};

struct graph_cut {
        struct graph_cut_item *items; /* in the order in which they do most */
        size_t count;
        uint32_t reaching;  /* starts that reach a target today */
        uint32_t remaining; /* of those: some path of theirs nothing takes away */
        bool best;          /* no smaller set does the same; else the effort ran out */
};

/* The smallest set of changes after which no start has a path left that changes could take away, in
 * ARENA. */
void graph_cut(const struct graph *graph, struct arena *arena,
               const struct graph_cut_options *options, struct graph_cut *ret);
