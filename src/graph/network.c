/* What NetworkPolicies let through: the metadata service of the cloud, services that are open to
 * the outside, and (where it is assumed that whatever listens can be taken over) pod to pod. */
#include "base/util.h"
#include "graph/private.h"

/* Pairs of classes that are looked at one by one. */
enum { PAIRS_MAX = 4 * 1000 * 1000 };

/* --- classes --- */

static uint32_t class_of(const struct graph *graph, const struct graph_pod *pod) {
        const struct net_endpoint *endpoint;

        if (!graph->facts->net_known)
                return UINT32_MAX;
        endpoint = net_find(&graph->facts->net, pod->namespace,
                            pod->template ? pod->kind : STR("Pod"), pod->name);
        if (!endpoint && !pod->template) {
                struct str owner = graph->vertices.items[pod->vertex].owner, kind;

                /* A pod of a workload whose pods are all alike goes by the workload. */
                str_split(&owner, ' ', &kind);
                endpoint = net_find(&graph->facts->net, pod->namespace, kind, owner);
        }
        return endpoint ? endpoint->class : UINT32_MAX;
}

void graph_read_network(struct graph *graph) {
        struct graph_facts *facts = graph->facts;
        struct error error = { 0 };

        facts->net_known = net_index_finish(&facts->net, &error) >= 0;
        if (!facts->net_known)
                graph_problem(graph, "network policies are not looked at: %s", error.message);
        for (size_t i = 0; i < facts->net.problems.count; i++)
                if (facts->net.problems.items[i].incomplete)
                        *vec_push(&graph->problems) = (struct diagnostic){
                                .file = graph_keep(graph, facts->net.problems.items[i].file),
                                .pos = facts->net.problems.items[i].pos,
                                .message = arena_str(&graph->arena,
                                                     facts->net.problems.items[i].message),
                                .incomplete = true,
                        };
        for (size_t i = 0; i < facts->namespaces.count; i++) {
                const struct graph_namespace *namespace = facts->namespaces.entries[i].value;

                for (size_t k = 0; k < namespace->pods.count; k++)
                namespace->pods.items[k]->class = class_of(graph, namespace->pods.items[k]);
        }
}

static bool find_open(const struct net_index *net, uint32_t class, bool routed) {
        if (!net->views[net->classes[class].view[NET_INGRESS]].limited)
                return true;
        for (uint32_t peer = routed ? 0 : net->class_count; peer < net->peer_count; peer++)
                if (peer != class && net_reaches(net, peer, class))
                        return true;
        return false;
}

/* Classes have many pods, and pods many services: what was found is kept. */
bool graph_is_open(struct graph *graph, const struct graph_pod *pod, bool routed) {
        struct graph_facts *facts = graph->facts;
        uint8_t *known;

        if (pod->class == UINT32_MAX)
                return true;
        if (!facts->open)
                facts->open =
                        arena_new_array(&graph->arena, 2 * (size_t)facts->net.class_count, uint8_t);
        known = &facts->open[2 * (size_t)pod->class + routed];
        if (*known == 0)
                *known = find_open(&facts->net, pod->class, routed) ? 2 : 1;
        return *known == 2;
}

/* --- metadata --- */

static bool reaches_metadata(const struct graph *graph, const struct graph_pod *pod,
                             uint32_t metadata) {
        const struct net_index *net = &graph->facts->net;

        if (pod->class == UINT32_MAX || pod->host_network || metadata == UINT32_MAX)
                return true;
        return net_reaches_port(net, pod->class, metadata, NET_TCP, 80);
}

/* The cloud of a node, by the scheme of its providerID. */
static const char *cloud_of(struct str provider) {
        static const char *const clouds[][2] = {
                { "aws://", "AWS role of node " },
                { "gce://", "Google service account of node " },
                { "azure://", "Azure identity of node " },
                { "oci", "OCI instance principal of node " },
                { "alicloud", "Alibaba role of node " },
        };

        for (size_t i = 0; i < ELEMENTS(clouds); i++)
                if (str_starts(provider, str_from(clouds[i][0])))
                        return clouds[i][1];
        return NULL;
}

static uint32_t cloud_vertex(struct graph *graph, const struct graph_node_fact *node) {
        const char *cloud = cloud_of(node->provider);
        uint32_t vertex;

        if (!cloud)
                return UINT32_MAX;
        vertex = graph_vertex(graph, GRAPH_CLOUD, STR(""),
                              arena_printf(&graph->arena, "%s%.*s", cloud, STR_ARG(node->name)),
                              STR(""));
        if (str_starts(node->provider, STR("aws://")) && graph->facts->aws_auth)
                graph_edge(graph, vertex,
                           graph_vertex(graph, GRAPH_KUBELET, STR(""), node->name, STR("")),
                           GRAPH_CLOUD_NODE, NULL);
        return vertex;
}

static void make_metadata(struct graph *graph, const struct graph_pod *pod, uint32_t metadata) {
        const struct graph_node_fact *node = map_get(&graph->facts->nodes, pod->node);
        uint32_t cloud = node ? cloud_vertex(graph, node) : UINT32_MAX, change;
        struct str text;

        if (cloud == UINT32_MAX || !reaches_metadata(graph, pod, metadata))
                return;
        text = arena_printf(&graph->arena, "deny egress of namespace %.*s to 169.254.169.254",
                            STR_ARG(pod->namespace));
        change = pod->host_network ? 0
                                   : graph_change(graph, text, text, 2, (struct graph_place){ 0 });
        for (size_t i = 0; i < pod->container_count; i++)
                graph_edge(graph, pod->containers[i].vertex, cloud, GRAPH_CLOUD_METADATA,
                           &(struct graph_because){ .place = pod->place, .changes = { change } });
}

/* --- pod to pod --- */

/* "connections to Deployment shop/web", "connections from ...": of all pods of a class, called by
 * one of them. */
static uint32_t side(struct graph *graph, const uint32_t *first, uint32_t class, bool out) {
        struct graph_vertex pod = graph->vertices.items[first[class]];
        uint32_t number = graph_vertex(graph, GRAPH_ENDPOINTS, pod.namespace, pod.name,
                                       out ? STR("from") : STR("to"));

        graph->vertices.items[number].template = pod.template;
        return number;
}

static void join_classes(struct graph *graph, const uint32_t *first) {
        const struct net_index *net = &graph->facts->net;
        uint32_t open_in = graph_hyper(graph, GRAPH_ENDPOINTS, STR("*"));

        for (uint32_t i = 0; i < net->class_count; i++)
                if (first[i] != UINT32_MAX &&
                    !net->views[net->classes[i].view[NET_INGRESS]].limited)
                        graph_part(graph, open_in, side(graph, first, i, false));
        for (uint32_t i = 0; i < net->class_count; i++) {
                bool open = !net->views[net->classes[i].view[NET_EGRESS]].limited;

                if (first[i] == UINT32_MAX)
                        continue;
                if (open)
                        graph_edge(graph, side(graph, first, i, true), open_in, GRAPH_LATERAL,
                                   NULL);
                for (uint32_t k = 0; k < net->class_count; k++) {
                        bool closed = net->views[net->classes[k].view[NET_INGRESS]].limited;

                        /* Where nothing is limited the edges above say it. */
                        if (first[k] != UINT32_MAX && (!open || closed) && net_reaches(net, i, k))
                                graph_edge(graph, side(graph, first, i, true),
                                           side(graph, first, k, false), GRAPH_LATERAL, NULL);
                }
        }
}

static void make_lateral(struct graph *graph) {
        const struct net_index *net = &graph->facts->net;
        uint32_t *first = arena_new_array(&graph->arena, net->class_count + 1, uint32_t);

        if ((uint64_t)net->class_count * net->class_count > PAIRS_MAX) {
                graph_problem(graph,
                              "there are %u classes of pods: too many to say which may "
                              "connect to which",
                              net->class_count);
                return;
        }
        memset(first, 0xff, (net->class_count + 1) * sizeof *first);
        for (size_t i = 0; i < graph->facts->namespaces.count; i++) {
                const struct graph_namespace *namespace = graph->facts->namespaces.entries[i].value;

                for (size_t k = 0; k < namespace->pods.count; k++) {
                        const struct graph_pod *pod = namespace->pods.items[k];

                        if (pod->class == UINT32_MAX)
                                continue;
                        if (first[pod->class] == UINT32_MAX)
                                first[pod->class] = pod->vertex;
                        for (size_t c = 0; c < pod->container_count; c++) {
                                if (pod->containers[c].passing)
                                        continue;
                                graph_part(graph, pod->containers[c].vertex,
                                           side(graph, first, pod->class, true));
                                graph_edge(graph, side(graph, first, pod->class, false),
                                           pod->containers[c].vertex, GRAPH_ENDPOINT_EXPLOIT, NULL);
                                graph_edge(graph,
                                           graph_hyper(graph, GRAPH_ENDPOINTS, namespace->name),
                                           pod->containers[c].vertex, GRAPH_ENDPOINT_EXPLOIT, NULL);
                        }
                }
        }
        join_classes(graph, first);
}

void graph_make_network(struct graph *graph) {
        uint32_t metadata = UINT32_MAX;
        struct ip address;

        if (graph->facts->net_known && ip_parse(STR("169.254.169.254"), &address, NULL, NULL) >= 0)
                metadata = net_peer_of_ip(&graph->facts->net, &address);
        for (size_t i = 0; i < graph->facts->namespaces.count; i++) {
                const struct graph_namespace *namespace = graph->facts->namespaces.entries[i].value;

                for (size_t k = 0; k < namespace->pods.count; k++)
                        make_metadata(graph, namespace->pods.items[k], metadata);
        }
        if (graph->options.lateral && graph->facts->net_known)
                make_lateral(graph);
}
