/* What leaves a container: escapes to its node, tokens, secrets, volumes. */
#include "base/util.h"
#include "graph/private.h"

/* The container whose edges are made. */
struct leaving {
        struct graph *graph;
        const struct graph_pod *pod;
        struct graph_container *container;
        uint32_t vertex, node; /* node: a node, or all of them */
        struct str owner;      /* "Deployment shop/web": where changes are made */
};

/* --- owners --- */

enum { OWNERS_MAX = 8 };

/* The workload at the top of those that control POD; itself where none does. */
static struct graph_owner top_owner(struct graph *graph, const struct graph_pod *pod) {
        struct graph_owner top = { pod->kind, pod->name };

        for (size_t i = 0; i < OWNERS_MAX; i++) {
                struct buf key _cleanup_(buf_free) = BUF_INIT;
                const struct graph_owner *owner;

                buf_printf(&key, "%.*s/%.*s/%.*s", STR_ARG(pod->namespace), STR_ARG(top.kind),
                           STR_ARG(top.name));
                owner = map_get(&graph->facts->owners, buf_str(&key));
                if (!owner || owner->name.len == 0 || str_eq(owner->kind, STR("Node")))
                        break;
                top = *owner;
        }
        return top;
}

/* --- changes --- */

/* A change of the workload; FEATURE tells it from others of the same container. */
static uint32_t change_of(const struct leaving *leaving, const char *feature, bool of_pod,
                          unsigned cost, struct graph_place place) {
        struct arena *arena = &leaving->graph->arena;
        struct str part = of_pod ? STR("") : leaving->container->name;
        struct str text = arena_printf(arena, "%.*s: %s%s%.*s", STR_ARG(leaving->owner), feature,
                                       part.len ? " in container " : "", STR_ARG(part));

        return graph_change(leaving->graph, text, text, cost, place);
}

static void leave(const struct leaving *leaving, uint32_t to, enum graph_attack_id attack,
                  struct str detail, uint32_t change, uint32_t other, struct graph_place place) {
        leaving->container->escapes |= to == leaving->node;
        graph_edge(leaving->graph, leaving->vertex, to, attack,
                   &(struct graph_because){ detail, place, { change, other } });
}

/* A hyper-node of the node, or of all nodes, that the container stands on. */
static uint32_t of_node(const struct leaving *leaving, enum graph_kind kind) {
        const struct graph_vertex *node = &leaving->graph->vertices.items[leaving->node];

        return graph_vertex(leaving->graph, kind, STR(""),
                            node->kind == GRAPH_NODES ? STR("") : node->name, STR(""));
}

/* --- kernel --- */

static void by_privilege(const struct leaving *leaving) {
        const struct graph_container *container = leaving->container;
        struct graph_place place = container->privileged_place;
        uint32_t change;

        if (!container->privileged)
                return;
        change = change_of(leaving, "drop privileged", false, 3, place);
        leave(leaving, leaving->node, GRAPH_ESCAPE_PRIVILEGED, STR(""), change, 0, place);
        leave(leaving, leaving->node, GRAPH_ESCAPE_MODULE, STR("privileged"), change, 0, place);
        if (leaving->pod->host_pid)
                leave(leaving, leaving->node, GRAPH_ESCAPE_NSENTER, STR(""), change,
                      change_of(leaving, "remove hostPID", true, 3, leaving->pod->host_pid_place),
                      place);
}

static void by_capabilities(const struct leaving *leaving) {
        static const struct {
                uint8_t needs;
                enum graph_attack_id attack;
                const char *feature;
        } ways[] = {
                { GRAPH_CAP_SYS_MODULE, GRAPH_ESCAPE_MODULE, "drop capability SYS_MODULE" },
                { GRAPH_CAP_SYS_ADMIN, GRAPH_ESCAPE_CGROUP, "drop capability SYS_ADMIN" },
                { GRAPH_CAP_DAC_READ_SEARCH, GRAPH_ESCAPE_READ_SEARCH,
                  "drop capability DAC_READ_SEARCH" },
                { GRAPH_CAP_BPF | GRAPH_CAP_PERFMON, GRAPH_ESCAPE_BPF, "drop capability BPF" },
        };
        const struct graph_container *container = leaving->container;
        struct graph_place place = container->capabilities_place;

        for (size_t i = 0; i < ELEMENTS(ways); i++)
                if (!container->privileged &&
                    (container->capabilities & ways[i].needs) == ways[i].needs)
                        leave(leaving, leaving->node, ways[i].attack, STR(""),
                              change_of(leaving, ways[i].feature, false, 3, place), 0, place);
        if (leaving->pod->host_pid && !container->privileged &&
            (container->capabilities & GRAPH_CAP_SYS_PTRACE))
                leave(leaving, leaving->node, GRAPH_ESCAPE_PTRACE, STR(""),
                      change_of(leaving, "drop capability SYS_PTRACE", false, 3, place),
                      change_of(leaving, "remove hostPID", true, 3, leaving->pod->host_pid_place),
                      place);
        /* procMount Unmasked leaves /proc/sys writable. */
        if (container->unmasked)
                leave(leaving, leaving->node, GRAPH_ESCAPE_CORE_PATTERN, STR("procMount Unmasked"),
                      change_of(leaving, "remove procMount Unmasked", false, 2,
                                container->unmasked_place),
                      0, container->unmasked_place);
}

/* Sandboxes and user namespaces keep the kernel of the node from being taken; files that are
 * mounted, and the processes of the node, stay what they are. */
static void by_kernel(const struct leaving *leaving) {
        const struct graph_pod *pod = leaving->pod;

        if (pod->sandboxed || pod->user_namespace)
                return;
        by_privilege(leaving);
        if (!leaving->container->never_root)
                by_capabilities(leaving);
        /* Reading, not more: what has more capabilities is out of reach (ptrace_may_access). */
        for (size_t i = 0; i < 2 && pod->host_pid && !leaving->container->never_root; i++)
                leave(leaving, of_node(leaving, i ? GRAPH_NODE_SECRETS : GRAPH_NODE_TOKENS),
                      GRAPH_HOST_PROCESSES, STR(""),
                      change_of(leaving, "remove hostPID", true, 3, pod->host_pid_place), 0,
                      pod->host_pid_place);
}

/* --- files of the node --- */

static bool may_read_logs(const struct leaving *leaving) {
        static const struct {
                const char *resource, *subresource;
                bool everywhere;
        } questions[] = { { "pods", "log", false },
                          { "nodes", "proxy", true },
                          { "nodes", "log", true } };
        struct str groups[RBAC_IMPLIED_GROUPS];
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct rbac_request request = {
                .user = arena_printf(&arena, "system:serviceaccount:%.*s:%.*s",
                                     STR_ARG(leaving->pod->namespace),
                                     STR_ARG(leaving->pod->account)),
                .verb = STR("get"),
                .groups = groups,
                .any_name = true,
        };
        struct rbac_decision decision;

        request.group_count = rbac_implied_groups(&arena, request.user, groups);
        for (size_t i = 0; i < ELEMENTS(questions); i++) {
                request.resource = str_from(questions[i].resource);
                request.subresource = str_from(questions[i].subresource);
                request.namespace = questions[i].everywhere ? STR("") : leaving->pod->namespace;
                rbac_decide(&leaving->graph->rbac, &request, &decision);
                if (decision.allowed)
                        return true;
        }
        return false;
}

static void by_host_path(const struct leaving *leaving, const struct graph_mount *mount) {
        struct graph *graph = leaving->graph;
        static const struct {
                uint32_t gives;
                enum graph_attack_id attack;
        } to_node[] = {
                { GRAPH_HOST_SOCKET, GRAPH_ESCAPE_RUNTIME_SOCKET },
                { GRAPH_HOST_WRITE_NODE, GRAPH_ESCAPE_HOST_WRITE },
                { GRAPH_HOST_STATIC, GRAPH_ESCAPE_STATIC_POD },
                { GRAPH_HOST_DEVICES, GRAPH_ESCAPE_DEVICE },
                { GRAPH_HOST_PROC, GRAPH_ESCAPE_CORE_PATTERN },
                { GRAPH_HOST_KEYS, GRAPH_HOST_READ },
        };
        uint32_t gives = graph_host_path(mount->value, mount->read_only), change;
        struct str detail = arena_printf(&graph->arena, "hostPath %.*s%s", STR_ARG(mount->value),
                                         mount->read_only ? ", read-only" : "");
        char feature[600];

        if (gives == 0 || leaving->container->never_root)
                return;
        snprintf(feature, sizeof feature, "remove the mount of %.*s", STR_ARG(mount->value));
        change = change_of(leaving, feature, false, 3, mount->place);
        for (size_t i = 0; i < ELEMENTS(to_node); i++)
                if (gives & to_node[i].gives)
                        leave(leaving, leaving->node, to_node[i].attack, detail, change, 0,
                              mount->place);
        if ((gives & GRAPH_HOST_LOGS) && may_read_logs(leaving))
                leave(leaving, leaving->node, GRAPH_ESCAPE_LOG_SYMLINK, detail, change, 0,
                      mount->place);
        if (gives & GRAPH_HOST_KUBELET)
                leave(leaving, of_node(leaving, GRAPH_KUBELET), GRAPH_HOST_CREDENTIALS, detail,
                      change, 0, mount->place);
        if (gives & GRAPH_HOST_PODS) {
                leave(leaving, of_node(leaving, GRAPH_NODE_TOKENS), GRAPH_HOST_TRAVERSE, detail,
                      change, 0, mount->place);
                leave(leaving, of_node(leaving, GRAPH_NODE_SECRETS), GRAPH_HOST_TRAVERSE, detail,
                      change, 0, mount->place);
        }
        if (!graph->vertices.items[leaving->node].control_plane)
                return;
        if (gives & GRAPH_HOST_DATABASE)
                leave(leaving, graph_hyper(graph, GRAPH_ADMIN, STR("")), GRAPH_HOST_ETCD, detail,
                      change, 0, mount->place);
        if (gives & GRAPH_HOST_CERTIFICATES)
                leave(leaving, graph_hyper(graph, GRAPH_ADMIN, STR("")), GRAPH_HOST_PKI, detail,
                      change, 0, mount->place);
}

/* --- tokens, secrets, volumes --- */

static bool automounts(const struct graph *graph, const struct graph_pod *pod) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;
        const struct graph_account_fact *account;

        if (pod->mirror)
                return false;
        if (pod->automount != GRAPH_UNSAID)
                return pod->automount == GRAPH_YES;
        buf_printf(&key, "%.*s/%.*s", STR_ARG(pod->namespace), STR_ARG(pod->account));
        account = map_get(&graph->facts->accounts, buf_str(&key));
        return !account || account->automount != GRAPH_NO;
}

/* The token lies in the container: mounted as it is written, or as admission will (in a pod that is
 * live, admission already has). */
static void give_token(const struct leaving *leaving) {
        const struct graph_mount *mount = NULL;
        uint32_t account, change;
        struct graph_place place;

        for (size_t i = 0; i < leaving->container->mount_count && !mount; i++)
                if (leaving->container->mounts[i].kind == GRAPH_MOUNT_TOKEN)
                        mount = &leaving->container->mounts[i];
        if (!mount && (leaving->pod->live || !automounts(leaving->graph, leaving->pod)))
                return;
        place = mount ? mount->place : leaving->container->place;
        account = graph_vertex(leaving->graph, GRAPH_ACCOUNT, leaving->pod->namespace,
                               leaving->pod->account, STR(""));
        change = change_of(leaving, "mount no token (automountServiceAccountToken: false)", true, 1,
                           leaving->pod->place);
        leave(leaving, account, GRAPH_TOKEN_STEAL, STR(""), change, 0, place);
}

static void give_claim(const struct leaving *leaving, const struct graph_mount *mount) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;
        const struct graph_claim_fact *claim;

        buf_printf(&key, "%.*s/%.*s", STR_ARG(leaving->pod->namespace), STR_ARG(mount->value));
        claim = map_get(&leaving->graph->facts->claims, buf_str(&key));
        if (claim && claim->volume.len > 0)
                leave(leaving,
                      graph_vertex(leaving->graph, GRAPH_VOLUME, STR(""), claim->volume, STR("")),
                      GRAPH_VOLUME_ACCESS,
                      arena_printf(&leaving->graph->arena, "claim %.*s", STR_ARG(mount->value)), 0,
                      0, mount->place);
}

static void give_mounts(const struct leaving *leaving) {
        for (size_t i = 0; i < leaving->container->mount_count; i++) {
                const struct graph_mount *mount = &leaving->container->mounts[i];

                if (mount->kind == GRAPH_MOUNT_HOST)
                        by_host_path(leaving, mount);
                else if (mount->kind == GRAPH_MOUNT_SECRET)
                        leave(leaving,
                              graph_vertex(leaving->graph, GRAPH_SECRET, leaving->pod->namespace,
                                           mount->value, STR("")),
                              GRAPH_SECRET_MOUNTED, STR(""), 0, 0, mount->place);
                else if (mount->kind == GRAPH_MOUNT_CLAIM)
                        give_claim(leaving, mount);
        }
}

static void make_container(struct graph *graph, const struct graph_pod *pod,
                           struct graph_container *container, struct str owner, struct str title) {
        struct leaving leaving = { graph, pod, container, 0, pod->node_vertex, owner };
        struct graph_vertex *vertex;

        leaving.vertex = container->vertex =
                graph_vertex(graph, GRAPH_CONTAINER, pod->namespace,
                             graph->vertices.items[pod->vertex].name, container->name);
        vertex = &graph->vertices.items[leaving.vertex];
        vertex->place = container->place;
        vertex->owner = title;
        vertex->template = pod->template;
        vertex->passing = container->passing;
        if (!container->passing)
                graph_edge(graph, pod->vertex, leaving.vertex, GRAPH_HOLDS, NULL);
        if (container->image.len > 0)
                graph_edge(graph,
                           graph_vertex(graph, GRAPH_IMAGE, STR(""), container->image, STR("")),
                           leaving.vertex, GRAPH_IMAGE_POISON,
                           &(struct graph_because){ .place = container->place });
        if (container->host_process)
                leave(&leaving, leaving.node, GRAPH_ESCAPE_HOST_PROCESS, STR(""),
                      change_of(&leaving, "remove hostProcess", false, 3, container->place), 0,
                      container->place);
        if (!pod->windows)
                by_kernel(&leaving);
        if (pod->shared_processes && pod->container_count > 1)
                leave(&leaving, pod->vertex, GRAPH_SHARED_PROCESSES, STR(""),
                      change_of(&leaving, "remove shareProcessNamespace", true, 2,
                                pod->shared_place),
                      0, pod->shared_place);
        give_token(&leaving);
        give_mounts(&leaving);
}

/* --- nodes of pods --- */

static uint32_t node_of(struct graph *graph, const struct graph_pod *pod) {
        uint32_t number;
        struct graph_vertex *node;

        if (pod->daemon)
                return graph_hyper(graph, GRAPH_NODES, STR(""));
        if (pod->node.len > 0) {
                number = graph_vertex(graph, GRAPH_NODE, STR(""), pod->node, STR(""));
                if (!map_get(&graph->facts->nodes, pod->node))
                        graph->vertices.items[number].assumed = true;
                return number;
        }
        /* Such a node has a name that no node can have: see graph_name. */
        number =
                graph_vertex(graph, GRAPH_NODE, STR(""),
                             arena_printf(&graph->arena, "?%.*s", STR_ARG(pod->selector)), STR(""));
        node = &graph->vertices.items[number];
        node->assumed = true;
        node->control_plane =
                str_find(pod->selector, STR("node-role.kubernetes.io/control-plane"), 0) >= 0 ||
                str_find(pod->selector, STR("node-role.kubernetes.io/master"), 0) >= 0;
        return number;
}

static void place_on_node(struct graph *graph, const struct graph_pod *pod) {
        uint32_t account =
                graph_vertex(graph, GRAPH_ACCOUNT, pod->namespace, pod->account, STR(""));
        struct str node = pod->daemon ? STR("") : graph->vertices.items[pod->node_vertex].name;
        /* What every node has hangs below hyper-nodes of their own: see graph_make_hyper. */
        struct str every = pod->daemon ? STR("*") : STR("");

        graph_part(graph, graph_vertex(graph, GRAPH_NODE_PODS, every, node, STR("")), pod->vertex);
        if (!pod->mirror)
                graph_part(graph, graph_vertex(graph, GRAPH_NODE_TOKENS, every, node, STR("")),
                           account);
        for (size_t i = 0; i < pod->secret_count; i++)
                graph_part(graph, graph_vertex(graph, GRAPH_NODE_SECRETS, every, node, STR("")),
                           graph_vertex(graph, GRAPH_SECRET, pod->namespace, pod->secrets[i],
                                        STR("")));
}

static void make_pod(struct graph *graph, struct graph_pod *pod) {
        struct graph_owner top = top_owner(graph, pod);
        struct str title = graph_keep(graph, arena_printf(&graph->arena, "%.*s %.*s",
                                                          STR_ARG(top.kind), STR_ARG(top.name)));
        struct str owner =
                graph_keep(graph, arena_printf(&graph->arena, "%.*s %.*s/%.*s", STR_ARG(top.kind),
                                               STR_ARG(pod->namespace), STR_ARG(top.name)));
        struct graph_namespace *namespace = graph_namespace(graph, pod->namespace);
        struct graph_vertex *vertex;

        pod->sandboxed = pod->runtime.len > 0 && map_get(&graph->facts->sandboxes, pod->runtime);
        /* What a template makes has no name yet: it is called by its workload, as no pod is. */
        pod->vertex =
                graph_vertex(graph, GRAPH_POD, pod->namespace,
                             pod->template ? arena_printf(&graph->arena, "%.*s/%.*s",
                                                          STR_ARG(pod->kind), STR_ARG(pod->name))
                                           : pod->name,
                             STR(""));
        vertex = &graph->vertices.items[pod->vertex];
        vertex->owner = title;
        vertex->place = pod->place;
        vertex->template = pod->template;
        pod->node_vertex = node_of(graph, pod);
        *vec_push(&namespace->pods) = pod;
        graph->pods++;
        place_on_node(graph, pod);
        if (!str_eq(top.kind, STR("Pod"))) {
                uint32_t workload =
                        graph_vertex(graph, GRAPH_WORKLOAD, pod->namespace, top.name, top.kind);

                graph_part(graph, workload, pod->vertex);
                if (pod->template || graph->vertices.items[workload].place.file == 0)
                        graph->vertices.items[workload].place = pod->place;
        }
        for (size_t i = 0; i < pod->container_count; i++)
                make_container(graph, pod, &pod->containers[i], owner, title);
}

/* The templates of workloads whose pods are in the input are no pods of their own. */
static void mark_running(struct graph *graph, struct map *running) {
        for (size_t i = 0; i < graph->facts->pods.count; i++) {
                const struct graph_pod *pod = graph->facts->pods.items[i];
                struct graph_owner top;

                if (pod->template)
                        continue;
                top = top_owner(graph, pod);
                map_put(running,
                        arena_printf(&graph->arena, "%.*s/%.*s/%.*s", STR_ARG(pod->namespace),
                                     STR_ARG(top.kind), STR_ARG(top.name)))
                        ->value = graph;
        }
}

static bool is_running(struct graph *graph, const struct map *running,
                       const struct graph_pod *pod) {
        struct graph_owner top = top_owner(graph, pod);
        struct buf key _cleanup_(buf_free) = BUF_INIT;

        /* What controls the template is in the input itself. */
        if ((!str_eq(top.kind, pod->kind) || !str_eq(top.name, pod->name)) &&
            graph_has_workload(graph, pod->namespace, top.kind, top.name))
                return true;
        buf_printf(&key, "%.*s/%.*s/%.*s", STR_ARG(pod->namespace), STR_ARG(top.kind),
                   STR_ARG(top.name));
        return map_get(running, buf_str(&key));
}

void graph_make_pods(struct graph *graph) {
        struct map running _cleanup_(map_free) = MAP_INIT, seen _cleanup_(map_free) = MAP_INIT;

        mark_running(graph, &running);
        for (size_t i = 0; i < graph->facts->pods.count; i++) {
                struct graph_pod *pod = graph->facts->pods.items[i];
                struct str key = arena_printf(&graph->arena, "%d/%.*s/%.*s/%.*s", pod->template,
                                              STR_ARG(pod->namespace), STR_ARG(pod->kind),
                                              STR_ARG(pod->name));

                /* The last of two objects with one name is in force; the first stands for both. */
                if ((pod->template && is_running(graph, &running, pod)) || map_get(&seen, key))
                        continue;
                map_put(&seen, key)->value = pod;
                make_pod(graph, pod);
        }
}
