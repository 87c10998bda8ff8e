/* A graph from objects: what is made in which order, and how its vertices are called. */
#include "graph/graph.h"

#include "base/util.h"
#include "graph/private.h"

/* --- kinds --- */

static const struct {
        const char *name; /* as people write it */
        const char *all;  /* of a hyper-node: "%s" is the namespace or node */
        const char *every;
} kinds[GRAPH_KINDS] = {
        [GRAPH_EXTERNAL] = { "external", NULL, NULL },
        [GRAPH_SERVICE] = { "service", NULL, NULL },
        [GRAPH_IMAGE] = { "image", NULL, NULL },
        [GRAPH_WORKLOAD] = { "workload", NULL, NULL },
        [GRAPH_POD] = { "pod", NULL, NULL },
        [GRAPH_CONTAINER] = { "container", NULL, NULL },
        [GRAPH_NODE] = { "node", NULL, NULL },
        [GRAPH_USER] = { "user", NULL, NULL },
        [GRAPH_GROUP] = { "group", NULL, NULL },
        [GRAPH_ACCOUNT] = { "sa", NULL, NULL },
        [GRAPH_ROLE] = { "role", NULL, NULL },
        [GRAPH_SECRET] = { "secret", NULL, NULL },
        [GRAPH_VOLUME] = { "volume", NULL, NULL },
        [GRAPH_CLOUD] = { "cloud", NULL, NULL },
        [GRAPH_ADMIN] = { "admin", "everything in namespace ", "cluster-admin" },
        [GRAPH_CREATE] = { "create-pods", "pods of one's own in namespace ",
                           "pods of one's own anywhere" },
        [GRAPH_PODS] = { "pods", "any pod of namespace ", "any pod" },
        [GRAPH_DEBUG] = { "debug", "debug containers in namespace ", "debug containers anywhere" },
        [GRAPH_SECRETS] = { "secrets", "all secrets of namespace ", "all secrets" },
        [GRAPH_ACCOUNTS] = { "accounts", "any service account of namespace ",
                             "any service account" },
        [GRAPH_ENDPOINTS] = { "endpoints", "connections to pods of namespace ",
                              "connections to any pod" },
        [GRAPH_TRAFFIC] = { "traffic", "traffic to services of namespace ",
                            "traffic to any service" },
        [GRAPH_NODES] = { "nodes", "", "any node" },
        [GRAPH_USERS] = { "users", "", "any user" },
        [GRAPH_GROUPS] = { "groups", "", "any group" },
        [GRAPH_CUSTOM] = { "custom-resources", "", "any custom resource" },
        [GRAPH_NODE_PODS] = { "node-pods", "", "the pods of any node" },
        [GRAPH_KUBELET] = { "kubelet", "", "the kubelet of any node" },
        [GRAPH_NODE_SECRETS] = { "node-secrets", "", "the secrets of the pods of any node" },
        [GRAPH_NODE_TOKENS] = { "node-tokens", "", "the service accounts of the pods of any node" },
};

const char *graph_kind_name(enum graph_kind kind) {
        return kinds[kind].name;
}

bool graph_is_hyper(enum graph_kind kind) {
        return kind >= GRAPH_ADMIN;
}

/* A node that is not in the input is called by what selects it: "?pool=a". */
static struct str node_name(struct arena *arena, struct str name) {
        if (!str_starts(name, STR("?")))
                return arena_printf(arena, "node %.*s", STR_ARG(name));
        if (name.len == 1)
                return STR("a node");
        return arena_printf(arena, "a node with %.*s", (int)name.len - 1, name.ptr + 1);
}

static struct str of_node(struct arena *arena, const struct graph_vertex *vertex) {
        static const char *const what[] = { "the pods on ", "the kubelet of ",
                                            "the secrets of the pods on ",
                                            "the service accounts of the pods on " };
        struct str node = node_name(arena, vertex->name);

        if (vertex->namespace.len > 0)
                return arena_printf(arena, "%severy node", what[vertex->kind - GRAPH_NODE_PODS]);
        return arena_printf(arena, "%s%.*s", what[vertex->kind - GRAPH_NODE_PODS], STR_ARG(node));
}

/* "pod shop/web"; of a template "Deployment shop/web". */
static struct str pod_name(struct arena *arena, const struct graph_vertex *vertex) {
        struct str name = vertex->name, kind = STR("pod");

        if (vertex->template)
                str_split(&name, '/', &kind);
        return arena_printf(arena, "%.*s %.*s/%.*s", STR_ARG(kind), STR_ARG(vertex->namespace),
                            STR_ARG(name));
}

struct str graph_name(const struct graph *graph, struct arena *arena, uint32_t number) {
        const struct graph_vertex *vertex = &graph->vertices.items[number];
        struct str name = vertex->name, namespace = vertex->namespace;
        struct str pod;

        switch ((enum graph_kind)vertex->kind) {
        case GRAPH_EXTERNAL:
                return STR("the outside");
        case GRAPH_SERVICE:
                return arena_printf(arena, "Service %.*s/%.*s", STR_ARG(namespace), STR_ARG(name));
        case GRAPH_IMAGE:
                return arena_printf(arena, "image %.*s", STR_ARG(name));
        case GRAPH_WORKLOAD:
                return arena_printf(arena, "%.*s %.*s/%.*s", STR_ARG(vertex->part),
                                    STR_ARG(namespace), STR_ARG(name));
        case GRAPH_POD:
                return pod_name(arena, vertex);
        case GRAPH_CONTAINER:
                pod = pod_name(arena, vertex);
                return arena_printf(arena, "container %.*s of %.*s", STR_ARG(vertex->part),
                                    STR_ARG(pod));
        case GRAPH_NODE:
                return node_name(arena, name);
        case GRAPH_USER:
                return arena_printf(arena, "User %.*s", STR_ARG(name));
        case GRAPH_GROUP:
                return arena_printf(arena, "Group %.*s", STR_ARG(name));
        case GRAPH_ACCOUNT:
                return arena_printf(arena, "ServiceAccount %.*s/%.*s", STR_ARG(namespace),
                                    STR_ARG(name));
        case GRAPH_ROLE:
                return namespace.len > 0 ? arena_printf(arena, "%.*s %.*s in namespace %.*s",
                                                        STR_ARG(vertex->part), STR_ARG(name),
                                                        STR_ARG(namespace))
                                         : arena_printf(arena, "%.*s %.*s", STR_ARG(vertex->part),
                                                        STR_ARG(name));
        case GRAPH_SECRET:
                return arena_printf(arena, "Secret %.*s/%.*s", STR_ARG(namespace), STR_ARG(name));
        case GRAPH_VOLUME:
                return arena_printf(arena, "PersistentVolume %.*s", STR_ARG(name));
        case GRAPH_CLOUD:
                return arena_str(arena, name);
        default:
                break;
        }
        if (vertex->kind == GRAPH_ENDPOINTS && vertex->part.len > 0) {
                pod = pod_name(arena, vertex);
                return arena_printf(arena, "connections %.*s %.*s", STR_ARG(vertex->part),
                                    STR_ARG(pod));
        }
        if (vertex->kind == GRAPH_ENDPOINTS && str_eq(namespace, STR("*")))
                return STR("connections to pods that let everybody in");
        if (vertex->kind >= GRAPH_NODE_PODS && (name.len > 0 || namespace.len > 0))
                return of_node(arena, vertex);
        return namespace.len > 0
                       ? arena_printf(arena, "%s%.*s", kinds[vertex->kind].all, STR_ARG(namespace))
                       : str_from(kinds[vertex->kind].every);
}

struct str graph_place_text(const struct graph *graph, struct arena *arena,
                            struct graph_place place) {
        struct str file = graph->files.items[place.file];

        if (file.len == 0)
                return STR("");
        return place.line ? arena_printf(arena, "%.*s:%u", STR_ARG(file), place.line)
                          : arena_str(arena, file);
}

/* --- making --- */

void graph_init(struct graph *graph, const struct graph_options *options) {
        *graph = (struct graph){ .options = *options };
        graph->facts = xrealloc(NULL, 1, sizeof *graph->facts);
        *graph->facts = (struct graph_facts){ 0 };
        *vec_push(&graph->files) = STR("");
        rbac_index_init(&graph->rbac);
        net_index_init(&graph->facts->net);
        if (!options->no_defaults)
                rbac_index_add_defaults(&graph->rbac);
}

void graph_free(struct graph *graph) {
        graph_facts_free(graph->facts);
        rbac_index_free(&graph->rbac);
        vec_free(&graph->files);
        vec_free(&graph->vertices);
        vec_free(&graph->edges);
        vec_free(&graph->changes);
        vec_free(&graph->problems);
        vec_free(&graph->assumptions);
        map_free(&graph->by_key);
        map_free(&graph->by_change);
        free(graph->out_first);
        free(graph->in_first);
        free(graph->in_edges);
        arena_free(&graph->arena);
        *graph = (struct graph){ 0 };
}

/* Roles of every cluster that lead nowhere (bootstrap policy of the API server): they let API
 * servers of extensions ask who somebody is and what they may do. */
static bool is_harmless(struct str role) {
        return str_eq(role, STR("system:auth-delegator")) ||
               str_eq(role, STR("extension-apiserver-authentication-reader"));
}

/* What the input lacks, so that paths are not seen. */
static void check_input(struct graph *graph) {
        const struct rbac_index *rbac = &graph->rbac;
        size_t missing = 0;
        const struct rbac_binding *one = NULL;

        for (size_t i = 0; i < rbac->problems.count; i++)
                if (rbac->problems.items[i].incomplete)
                        *vec_push(&graph->problems) = rbac->problems.items[i];
        for (size_t i = 0; i < rbac->all_bindings.count; i++) {
                const struct rbac_binding *binding = rbac->all_bindings.items[i];

                if (binding->role || binding->replaced || binding->place.file.len == 0 ||
                    is_harmless(binding->role_name))
                        continue;
                one = missing++ ? one : binding;
        }
        if (missing > 0)
                graph_problem(
                        graph,
                        "%zu binding%s (%.*s ...) name%s a role that is not in the input: what "
                        "it gives is not known",
                        missing, missing > 1 ? "s" : "", STR_ARG(one->name),
                        missing > 1 ? "" : "s");
        if (graph->pods == 0)
                graph_problem(graph, "there are no pods and no workloads in the input");
        if (!graph->facts->any_rbac && !graph->options.no_defaults)
                graph_problem(graph, "there are no roles and bindings in the input: what the "
                                     "service accounts may do is not known");
}

static void tell_assumptions(struct graph *graph) {
        if (!graph->facts->any_node && graph->pods > 0)
                graph_assume(graph, "there are no Nodes in the input: pods with the same node "
                                    "selector are taken to share a node");
        if (!graph->facts->any_secret)
                graph_assume(graph, "there are no Secrets in the input: tokens in secrets are not "
                                    "seen");
}

void graph_finish(struct graph *graph) {
        struct graph_facts *facts = graph->facts;

        rbac_index_finish(&graph->rbac);
        graph->external = graph_hyper(graph, GRAPH_EXTERNAL, STR(""));
        graph->admin = graph_hyper(graph, GRAPH_ADMIN, STR(""));
        graph->secrets = graph_hyper(graph, GRAPH_SECRETS, STR(""));
        graph->nodes = graph_hyper(graph, GRAPH_NODES, STR(""));
        graph_make_nodes(graph);
        graph_make_pods(graph);
        graph_read_network(graph);
        graph_make_cluster(graph);
        graph_make_services(graph);
        graph_make_network(graph);
        graph_make_identities(graph);
        graph_make_combined(graph);
        graph_make_rights(graph);
        graph_make_members(graph);
        graph_make_hyper(graph);
        check_input(graph);
        tell_assumptions(graph);
        graph_index_edges(graph);
        graph->external = graph_find(graph, GRAPH_EXTERNAL, STR(""), STR(""), STR(""));
        graph->admin = graph_find(graph, GRAPH_ADMIN, STR(""), STR(""), STR(""));
        graph->secrets = graph_find(graph, GRAPH_SECRETS, STR(""), STR(""), STR(""));
        graph->nodes = graph_find(graph, GRAPH_NODES, STR(""), STR(""), STR(""));
        graph_facts_free(facts);
        graph->facts = NULL;
}
