/* What is not a container: nodes, kubelets, secrets, accounts, volumes, services; and the
 * hyper-nodes that stand for all things of a namespace, a node or the cluster. */
#include "base/util.h"
#include "graph/private.h"

/* --- nodes --- */

/* A node that runs the API server is one of the control plane, whatever its labels say. */
static void mark_control_plane(struct graph *graph) {
        for (size_t i = 0; i < graph->facts->pods.count; i++) {
                const struct graph_pod *pod = graph->facts->pods.items[i];

                if (pod->mirror && str_starts(pod->name, STR("kube-apiserver")) &&
                    str_eq(pod->namespace, STR("kube-system")) && pod->node.len > 0)
                        graph->vertices
                                .items[graph_vertex(graph, GRAPH_NODE, STR(""), pod->node, STR(""))]
                                .control_plane = true;
        }
}

static void make_nodes(struct graph *graph) {
        for (size_t i = 0; i < graph->facts->nodes.count; i++) {
                const struct graph_node_fact *fact = graph->facts->nodes.entries[i].value;
                uint32_t number = graph_vertex(graph, GRAPH_NODE, STR(""), fact->name, STR(""));
                struct graph_vertex *node = &graph->vertices.items[number];

                node->place = fact->place;
                node->control_plane = fact->control_plane;
        }
        mark_control_plane(graph);
}

/* What a node gives, once all nodes are known. */
static void join_node(struct graph *graph, uint32_t node) {
        struct str name = graph->vertices.items[node].name;
        uint32_t pods = graph_vertex(graph, GRAPH_NODE_PODS, STR(""), name, STR(""));
        uint32_t kubelet = graph_vertex(graph, GRAPH_KUBELET, STR(""), name, STR(""));
        uint32_t secrets = graph_vertex(graph, GRAPH_NODE_SECRETS, STR(""), name, STR(""));
        uint32_t tokens = graph_vertex(graph, GRAPH_NODE_TOKENS, STR(""), name, STR(""));

        graph_part(graph, graph_hyper(graph, GRAPH_NODES, STR("")), node);
        graph_part(graph, graph_hyper(graph, GRAPH_NODE_PODS, STR("")), pods);
        graph_part(graph, graph_hyper(graph, GRAPH_KUBELET, STR("")), kubelet);
        graph_part(graph, graph_hyper(graph, GRAPH_NODE_TOKENS, STR("")), tokens);
        graph_part(graph, graph_hyper(graph, GRAPH_NODE_SECRETS, STR("")), secrets);
        graph_edge(graph, node, pods, GRAPH_NODE_RUNS, NULL);
        graph_edge(graph, node, kubelet, GRAPH_NODE_IDENTITY, NULL);
        graph_edge(graph, kubelet, secrets, GRAPH_KUBELET_SECRETS, NULL);
        graph_edge(graph, kubelet, tokens, GRAPH_KUBELET_TOKENS, NULL);
        if (graph->vertices.items[node].control_plane)
                graph_edge(graph, node, graph->admin, GRAPH_NODE_CONTROL_PLANE, NULL);
}

/* The pods of daemons of templates run on every node: their hyper-nodes, which have no name, hang
 * below those of each node. */
static void join_nodes(struct graph *graph) {
        static const enum graph_kind shared[] = { GRAPH_NODE_PODS, GRAPH_NODE_TOKENS,
                                                  GRAPH_NODE_SECRETS };
        size_t count = graph->vertices.count;
        bool daemons = false;

        for (size_t i = 0; i < graph->facts->pods.count; i++)
                daemons |= graph->facts->pods.items[i]->daemon;
        for (size_t k = 0; daemons && k < ELEMENTS(shared); k++)
                graph_part(graph, graph_hyper(graph, shared[k], STR("")),
                           graph_hyper(graph, shared[k], STR("*")));
        for (size_t i = 0; i < count; i++) {
                if (graph->vertices.items[i].kind != GRAPH_NODE)
                        continue;
                join_node(graph, (uint32_t)i);
                for (size_t k = 0; daemons && k < ELEMENTS(shared); k++)
                        graph_part(graph,
                                   graph_vertex(graph, shared[k], STR(""),
                                                graph->vertices.items[i].name, STR("")),
                                   graph_hyper(graph, shared[k], STR("*")));
        }
}

/* --- secrets, accounts, volumes --- */

static void make_secrets(struct graph *graph) {
        for (size_t i = 0; i < graph->facts->secrets.count; i++) {
                const struct graph_secret_fact *fact = &graph->facts->secrets.items[i];
                uint32_t secret =
                        graph_vertex(graph, GRAPH_SECRET, fact->namespace, fact->name, STR(""));
                struct str text = arena_printf(&graph->arena, "delete Secret %.*s/%.*s",
                                               STR_ARG(fact->namespace), STR_ARG(fact->name));
                struct graph_because because = { STR(""), fact->place, { 0, 0 } };

                graph->vertices.items[secret].place = fact->place;
                if (fact->account.len > 0) {
                        because.changes[0] = graph_change(graph, text, text, 2, fact->place);
                        graph_edge(graph, secret,
                                   graph_vertex(graph, GRAPH_ACCOUNT, fact->namespace,
                                                fact->account, STR("")),
                                   GRAPH_SECRET_TOKEN, &because);
                }
                if (fact->bootstrap) {
                        because.changes[0] = graph_change(graph, text, text, 1, fact->place);
                        graph_edge(graph, secret,
                                   graph_vertex(graph, GRAPH_GROUP, STR(""),
                                                STR("system:bootstrappers"), STR("")),
                                   GRAPH_SECRET_BOOTSTRAP, &because);
                }
        }
}

static void make_accounts(struct graph *graph) {
        for (size_t i = 0; i < graph->facts->accounts.count; i++) {
                const struct graph_account_fact *fact = graph->facts->accounts.entries[i].value;
                uint32_t account =
                        graph_vertex(graph, GRAPH_ACCOUNT, fact->namespace, fact->name, STR(""));

                graph->vertices.items[account].place = fact->place;
                if (fact->cloud.len > 0)
                        graph_edge(graph, account,
                                   graph_vertex(graph, GRAPH_CLOUD, STR(""), fact->cloud, STR("")),
                                   GRAPH_CLOUD_ROLE,
                                   &(struct graph_because){ .place = fact->place });
        }
}

static void make_volumes(struct graph *graph) {
        for (size_t i = 0; i < graph->facts->volumes.count; i++) {
                const struct graph_volume_fact *fact = &graph->facts->volumes.items[i];
                uint32_t volume = graph_vertex(graph, GRAPH_VOLUME, STR(""), fact->name, STR(""));
                uint32_t gives = graph_host_path(fact->path, false);
                struct str text;

                graph->vertices.items[volume].place = fact->place;
                if (fact->claim.len > 0)
                        graph_edge(graph, graph_hyper(graph, GRAPH_CREATE, fact->claim_namespace),
                                   volume, GRAPH_CREATE_WITH_VOLUME, NULL);
                if (fact->path.len == 0 || gives == 0)
                        continue;
                text = arena_printf(&graph->arena, "replace PersistentVolume %.*s",
                                    STR_ARG(fact->name));
                graph_edge(graph, volume, graph->nodes, GRAPH_VOLUME_HOST_PATH,
                           &(struct graph_because){
                                   arena_printf(&graph->arena, "path %.*s", STR_ARG(fact->path)),
                                   fact->place,
                                   { graph_change(graph, text, text, 4, fact->place), 0 } });
        }
        for (size_t i = 0; i < graph->facts->claims.count; i++) {
                const struct graph_claim_fact *claim = graph->facts->claims.entries[i].value;

                if (claim->volume.len > 0)
                        graph_edge(
                                graph, graph_hyper(graph, GRAPH_CREATE, claim->namespace),
                                graph_vertex(graph, GRAPH_VOLUME, STR(""), claim->volume, STR("")),
                                GRAPH_CREATE_WITH_VOLUME,
                                &(struct graph_because){ .place = claim->place });
        }
}

/* A claim that names no volume has the one that names it. */
static void bind_claims(struct graph *graph) {
        for (size_t i = 0; i < graph->facts->volumes.count; i++) {
                const struct graph_volume_fact *fact = &graph->facts->volumes.items[i];
                struct buf key _cleanup_(buf_free) = BUF_INIT;
                struct graph_claim_fact *claim;

                buf_printf(&key, "%.*s/%.*s", STR_ARG(fact->claim_namespace), STR_ARG(fact->claim));
                claim = map_get(&graph->facts->claims, buf_str(&key));
                if (claim && claim->volume.len == 0)
                        claim->volume = fact->name;
        }
}

void graph_make_nodes(struct graph *graph) {
        bool daemons = false;

        for (size_t i = 0; i < graph->facts->pods.count; i++)
                daemons |= graph->facts->pods.items[i]->daemon;
        /* A daemon runs somewhere. */
        if (daemons && graph->facts->nodes.count == 0)
                graph->vertices.items[graph_vertex(graph, GRAPH_NODE, STR(""), STR("?"), STR(""))]
                        .assumed = true;
        bind_claims(graph);
        make_nodes(graph);
}

void graph_make_cluster(struct graph *graph) {
        make_secrets(graph);
        make_accounts(graph);
        make_volumes(graph);
}

/* --- services --- */

static void index_labels(struct graph *graph) {
        for (size_t i = 0; i < graph->facts->namespaces.count; i++) {
                const struct graph_namespace *namespace = graph->facts->namespaces.entries[i].value;

                for (size_t k = 0; k < namespace->pods.count; k++) {
                        struct graph_pod *pod = namespace->pods.items[k];

                        for (size_t l = 0; l < pod->label_count; l++) {
                                struct str key = arena_printf(
                                        &graph->arena, "%zu %.*s%.*s", pod->namespace.len,
                                        STR_ARG(pod->namespace), STR_ARG(pod->labels[l]));
                                struct map_entry *entry = map_put(&graph->facts->by_label, key);

                                if (!entry->value)
                                        entry->value = arena_new(&graph->arena, struct graph_pods);
                                *vec_push(&((struct graph_pods *)entry->value)->list) = pod;
                        }
                }
        }
}

static bool has_label(const struct graph_pod *pod, struct str label) {
        for (size_t i = 0; i < pod->label_count; i++)
                if (str_eq(pod->labels[i], label))
                        return true;
        return false;
}

static bool is_selected(const struct graph_service_fact *service, const struct graph_pod *pod) {
        for (size_t i = 0; i < service->selector_count; i++)
                if (!has_label(pod, service->selector[i]))
                        return false;
        return true;
}

/* The pods with the label of the selector that the fewest pods have. */
static const struct graph_pods *fewest(struct graph *graph,
                                       const struct graph_service_fact *service) {
        const struct graph_pods *best = NULL;

        for (size_t i = 0; i < service->selector_count; i++) {
                struct buf key _cleanup_(buf_free) = BUF_INIT;
                const struct graph_pods *pods;

                buf_printf(&key, "%zu ", service->namespace.len);
                buf_add(&key, service->namespace);
                buf_add(&key, service->selector[i]);
                pods = map_get(&graph->facts->by_label, buf_str(&key));
                if (!pods)
                        return NULL;
                if (!best || pods->list.count < best->list.count)
                        best = pods;
        }
        return best;
}

static void lead_to_pods(struct graph *graph, const struct graph_service_fact *service) {
        const struct graph_pods *pods = fewest(graph, service);

        for (size_t i = 0; pods && i < pods->list.count; i++) {
                const struct graph_pod *pod = pods->list.items[i];

                if (!is_selected(service, pod) ||
                    !graph_is_open(graph, pod, service->routed || service->how.len == 0))
                        continue;
                for (size_t k = 0; k < pod->container_count; k++) {
                        const struct graph_container *container = &pod->containers[k];

                        if (container->passing)
                                continue;
                        graph_edge(graph, service->vertex, container->vertex,
                                   GRAPH_ENDPOINT_EXPLOIT, NULL);
                        graph->vertices.items[container->vertex].exposed |= service->how.len > 0;
                }
        }
}

static void open_routes(struct graph *graph) {
        for (size_t i = 0; i < graph->facts->routes.count; i++) {
                const struct graph_route_fact *route = &graph->facts->routes.items[i];
                struct buf key _cleanup_(buf_free) = BUF_INIT;
                struct graph_service_fact *service;

                buf_printf(&key, "%.*s/%.*s", STR_ARG(route->namespace), STR_ARG(route->service));
                service = map_get(&graph->facts->services, buf_str(&key));
                if (service && service->how.len == 0) {
                        service->routed = true;
                        service->how = route->what;
                        service->how_place = route->place;
                }
        }
}

void graph_make_services(struct graph *graph) {
        index_labels(graph);
        open_routes(graph);
        for (size_t i = 0; i < graph->facts->services.count; i++) {
                struct graph_service_fact *service = graph->facts->services.entries[i].value;
                struct str text = arena_printf(
                        &graph->arena, "close Service %.*s/%.*s to the outside (%.*s)",
                        STR_ARG(service->namespace), STR_ARG(service->name), STR_ARG(service->how));

                service->vertex = graph_vertex(graph, GRAPH_SERVICE, service->namespace,
                                               service->name, STR(""));
                graph->vertices.items[service->vertex].place = service->place;
                if (service->how.len > 0)
                        graph_edge(graph, graph->external, service->vertex, GRAPH_EXPOSED,
                                   &(struct graph_because){
                                           service->how,
                                           service->how_place,
                                           { graph_change(graph, text, text, 5, service->how_place),
                                             0 } });
                lead_to_pods(graph, service);
        }
}

/* --- hyper-nodes --- */

static const enum graph_kind of_namespaces[] = { GRAPH_ADMIN,     GRAPH_CREATE,  GRAPH_PODS,
                                                 GRAPH_DEBUG,     GRAPH_SECRETS, GRAPH_ACCOUNTS,
                                                 GRAPH_ENDPOINTS, GRAPH_TRAFFIC };

/* Whoever has a namespace has all in it. */
static void join_scope(struct graph *graph, struct str namespace) {
        uint32_t admin = graph_hyper(graph, GRAPH_ADMIN, namespace);

        for (size_t i = 0; i < ELEMENTS(of_namespaces); i++)
                graph_part(graph, admin, graph_hyper(graph, of_namespaces[i], namespace));
}

static uint32_t level_change(struct graph *graph, const struct graph_namespace *namespace) {
        struct str text = arena_printf(
                &graph->arena, "label Namespace %.*s pod-security.kubernetes.io/enforce: baseline",
                STR_ARG(namespace->name));

        return graph_change(graph, text, text, 2, namespace->place);
}

static void join_namespace(struct graph *graph, const struct graph_namespace *namespace) {
        uint32_t create = graph_hyper(graph, GRAPH_CREATE, namespace->name);
        struct graph_because because = { .place = namespace->level_place.line
                                                          ? namespace->level_place
                                                          : namespace->place };

        for (size_t i = 0; i < ELEMENTS(of_namespaces); i++)
                graph_part(graph, graph_hyper(graph, of_namespaces[i], STR("")),
                           graph_hyper(graph, of_namespaces[i], namespace->name));
        join_scope(graph, namespace->name);
        graph->vertices.items[graph_hyper(graph, GRAPH_ADMIN, namespace->name)].place =
                namespace->place;
        graph_edge(graph, create, graph_hyper(graph, GRAPH_ACCOUNTS, namespace->name),
                   GRAPH_CREATE_WITH_ACCOUNT, NULL);
        graph_edge(graph, create, graph_hyper(graph, GRAPH_SECRETS, namespace->name),
                   GRAPH_CREATE_WITH_SECRET, NULL);
        for (size_t i = 0; i < namespace->pods.count; i++)
                graph_part(graph, graph_hyper(graph, GRAPH_PODS, namespace->name),
                           namespace->pods.items[i]->vertex);
        if (namespace->level != GRAPH_PRIVILEGED)
                return;
        /* The system's own pods need it: there is no label to recommend. */
        if (!str_eq(namespace->name, STR("kube-system")))
                because.changes[0] = level_change(graph, namespace);
        graph_edge(graph, create, graph->nodes, GRAPH_CREATE_PRIVILEGED, &because);
        for (size_t i = 0; i < namespace->pods.count; i++)
                graph_edge(graph, graph_hyper(graph, GRAPH_DEBUG, namespace->name),
                           namespace->pods.items[i]->node_vertex, GRAPH_DEBUG_PRIVILEGED, &because);
}

static void join_vertices(struct graph *graph) {
        size_t count = graph->vertices.count;

        for (size_t i = 0; i < count; i++) {
                const struct graph_vertex vertex = graph->vertices.items[i];
                enum graph_kind above = vertex.kind == GRAPH_SECRET    ? GRAPH_SECRETS
                                        : vertex.kind == GRAPH_ACCOUNT ? GRAPH_ACCOUNTS
                                        : vertex.kind == GRAPH_USER    ? GRAPH_USERS
                                        : vertex.kind == GRAPH_GROUP   ? GRAPH_GROUPS
                                                                       : GRAPH_KINDS;

                if (above == GRAPH_KINDS ||
                    (vertex.kind == GRAPH_GROUP && str_eq(vertex.name, STR("system:masters"))))
                        continue;
                graph_part(graph, graph_hyper(graph, above, vertex.namespace), (uint32_t)i);
        }
}

/* cluster-admin has everything. */
static void join_admin(struct graph *graph) {
        static const enum graph_kind all[] = { GRAPH_NODES,  GRAPH_USERS,     GRAPH_GROUPS,
                                               GRAPH_CUSTOM, GRAPH_NODE_PODS, GRAPH_KUBELET };

        for (size_t i = 0; i < ELEMENTS(all); i++)
                graph_part(graph, graph->admin, graph_hyper(graph, all[i], STR("")));
        join_scope(graph, STR(""));
}

/* The namespaces that every cluster has. */
static void add_standard_namespaces(struct graph *graph) {
        graph_namespace(graph, STR("default"));
        graph_namespace(graph, STR("kube-system"));
}

void graph_make_hyper(struct graph *graph) {
        size_t unknown = 0;
        struct str one = STR("");

        add_standard_namespaces(graph);
        join_nodes(graph);
        join_admin(graph);
        for (size_t i = 0; i < graph->facts->namespaces.count; i++) {
                const struct graph_namespace *namespace = graph->facts->namespaces.entries[i].value;

                join_namespace(graph, namespace);
                if (!namespace->declared && namespace->pods.count > 0) {
                        one = unknown++ ? one : namespace->name;
                }
        }
        join_vertices(graph);
        graph->namespaces = graph->facts->namespaces.count;
        if (unknown > 0)
                graph_assume(graph,
                             "%zu namespace%s (%.*s%s) %s not in the input: taken to enforce no "
                             "Pod Security level",
                             unknown, unknown > 1 ? "s" : "", STR_ARG(one),
                             unknown > 1 ? ", ..." : "", unknown > 1 ? "are" : "is");
}
