#include "graph/surface.h"

#include "base/util.h"

/* Steps within which a workload counts as powerful, and names that a document has of a list. */
enum { POWERFUL_STEPS = 2, NAMES_MAX = 20 };

static const char *const target_names[] = { "cluster-admin", "secrets", "nodes" };
enum { TARGETS = ELEMENTS(target_names) };

/* A workload: the containers that are a part of it. */
struct workload {
        struct str namespace, owner; /* "Deployment web" */
        VEC(uint32_t) containers;
        size_t pods;
        bool exposed;
        uint32_t best[TARGETS]; /* the container that is nearest; GRAPH_FAR: none gets there */
};

struct surfaces {
        const struct graph *graph;
        const struct map *limits;
        struct arena arena;
        struct map workloads; /* namespace and owner -> struct workload */
        struct graph_search searches[TARGETS];
        graph_surface_fn *emit;
        void *userdata;
};

/* --- collecting --- */

static struct workload *workload_of(struct surfaces *surfaces, const struct graph_vertex *vertex) {
        struct map_entry *entry =
                map_put(&surfaces->workloads,
                        arena_printf(&surfaces->arena, "%zu %.*s%.*s", vertex->namespace.len,
                                     STR_ARG(vertex->namespace), STR_ARG(vertex->owner)));
        struct workload *workload = entry->value;

        if (workload)
                return workload;
        workload = arena_new(&surfaces->arena, struct workload);
        workload->namespace = vertex->namespace;
        workload->owner = vertex->owner;
        memset(workload->best, 0xff, sizeof workload->best);
        entry->value = workload;
        return workload;
}

static void collect(struct surfaces *surfaces) {
        const struct graph *graph = surfaces->graph;

        for (size_t i = 0; i < graph->vertices.count; i++) {
                const struct graph_vertex *vertex = &graph->vertices.items[i];
                struct workload *workload;

                if (vertex->kind == GRAPH_POD)
                        workload_of(surfaces, vertex)->pods++;
                if (vertex->kind != GRAPH_CONTAINER || vertex->passing)
                        continue;
                workload = workload_of(surfaces, vertex);
                *vec_push_in(&surfaces->arena, &workload->containers) = (uint32_t)i;
                workload->exposed |= vertex->exposed;
                for (size_t t = 0; t < TARGETS; t++) {
                        const uint32_t *steps = surfaces->searches[t].steps;

                        if (steps[i] != GRAPH_FAR &&
                            (workload->best[t] == GRAPH_FAR || steps[i] < steps[workload->best[t]]))
                                workload->best[t] = (uint32_t)i;
                }
        }
}

static void search(struct surfaces *surfaces) {
        const struct graph *graph = surfaces->graph;
        uint32_t *nodes = arena_new_array(&surfaces->arena, graph->vertices.count + 1, uint32_t);
        size_t count = 0;

        for (size_t i = 0; i < graph->vertices.count; i++)
                if (graph->vertices.items[i].kind == GRAPH_NODE)
                        nodes[count++] = (uint32_t)i;
        nodes[count++] = graph->nodes;
        graph_search(graph, &surfaces->arena, &graph->admin, 1, GRAPH_BACKWARD, NULL,
                     &surfaces->searches[0]);
        graph_search(graph, &surfaces->arena, &graph->secrets, 1, GRAPH_BACKWARD, NULL,
                     &surfaces->searches[1]);
        graph_search(graph, &surfaces->arena, nodes, count, GRAPH_BACKWARD, NULL,
                     &surfaces->searches[2]);
}

/* --- parts of documents --- */

static void add_place(const struct surfaces *surfaces, struct buf *buf, const char *key,
                      struct graph_place place) {
        buf_printf(buf, "\"%s\":{\"file\":", key);
        buf_add_json(buf, surfaces->graph->files.items[place.file]);
        buf_printf(buf, ",\"line\":%u,\"column\":%u}", place.line, place.column);
}

/* 'Deployment "shop/web"'. */
static struct str title_of(struct surfaces *surfaces, struct str namespace, struct str owner) {
        struct str name = owner, kind;

        str_split(&name, ' ', &kind);
        return arena_printf(&surfaces->arena, "%.*s \"%.*s/%.*s\"", STR_ARG(kind),
                            STR_ARG(namespace), STR_ARG(name));
}

static const char *api_of(struct str kind) {
        static const char *const known[][2] = {
                { "Deployment", "apps/v1" }, { "StatefulSet", "apps/v1" },
                { "DaemonSet", "apps/v1" },  { "ReplicaSet", "apps/v1" },
                { "Job", "batch/v1" },       { "CronJob", "batch/v1" },
        };

        for (size_t i = 0; i < ELEMENTS(known); i++)
                if (str_eq(kind, str_from(known[i][0])))
                        return known[i][1];
        return "v1";
}

static struct graph_place place_of(const struct surfaces *surfaces,
                                   const struct workload *workload) {
        const struct graph *graph = surfaces->graph;
        struct str name = workload->owner, kind;
        uint32_t vertex;

        str_split(&name, ' ', &kind);
        vertex = graph_find(graph, GRAPH_WORKLOAD, workload->namespace, name, kind);
        if (vertex == UINT32_MAX || !graph->vertices.items[vertex].place.file)
                vertex = workload->containers.items[0];
        return graph->vertices.items[vertex].place;
}

static void add_path(struct surfaces *surfaces, struct buf *buf, const struct workload *workload,
                     size_t target) {
        const struct graph *graph = surfaces->graph;
        uint32_t container = workload->best[target], *edges;
        size_t count =
                graph_path(graph, &surfaces->searches[target], &surfaces->arena, container, &edges);
        struct graph_place first = graph->vertices.items[container].place, last = { 0 };
        bool begun = false;

        buf_printf(buf, "{\"target\":\"%s\",\"steps\":%u,\"container\":", target_names[target],
                   surfaces->searches[target].steps[container]);
        buf_add_json(buf, graph->vertices.items[container].part);
        buf_add(buf, STR(",\"way\":\""));
        for (size_t i = 0; i < count; i++) {
                const struct graph_edge *edge = &graph->edges.items[edges[i]];

                if (edge->place.file && !begun)
                        first = edge->place;
                if (edge->place.file)
                        last = edge->place;
                if (graph_attacks[edge->attack].steps == 0)
                        continue;
                buf_printf(buf, "%s%s", begun ? ", " : "", graph_attacks[edge->attack].title);
                begun = true;
        }
        buf_add(buf, STR("\","));
        add_place(surfaces, buf, "place", first);
        if (last.file && (last.line != first.line || last.file != first.file)) {
                buf_add_char(buf, ',');
                add_place(surfaces, buf, "lastPlace", last);
        }
        buf_add_char(buf, '}');
}

/* --- neighbours --- */

static bool is_escape(enum graph_attack_id attack) {
        return attack >= GRAPH_ESCAPE_PRIVILEGED && attack <= GRAPH_HOST_READ;
}

static void add_neighbour(struct surfaces *surfaces, struct buf *buf,
                          const struct graph_vertex *pod, struct map *seen) {
        struct str title = title_of(surfaces, pod->namespace, pod->owner);

        if (seen->count >= NAMES_MAX || map_get(seen, title))
                return;
        map_put(seen, title)->value = surfaces;
        buf_printf(buf, "%s{\"title\":", seen->count > 1 ? "," : "");
        buf_add_json(buf, title);
        buf_add(buf, STR(",\"namespace\":"));
        buf_add_json(buf, pod->namespace);
        buf_add_char(buf, ',');
        add_place(surfaces, buf, "place", pod->place);
        buf_add_char(buf, '}');
}

/* The pods of other namespaces below NODE_PODS, whose pods hang below it or below what every node
 * has. */
static void add_pods_of(struct surfaces *surfaces, struct buf *buf, const struct workload *workload,
                        uint32_t node_pods, struct map *seen) {
        const struct graph *graph = surfaces->graph;

        for (uint32_t i = graph->out_first[node_pods]; i < graph->out_first[node_pods + 1]; i++) {
                const struct graph_vertex *pod = &graph->vertices.items[graph->edges.items[i].to];

                if (pod->kind == GRAPH_POD && !str_eq(pod->namespace, workload->namespace) &&
                    !str_eq(pod->namespace, STR("kube-system")))
                        add_neighbour(surfaces, buf, pod, seen);
        }
}

static void add_neighbours(struct surfaces *surfaces, struct buf *buf,
                           const struct workload *workload) {
        const struct graph *graph = surfaces->graph;
        struct map seen _cleanup_(map_free) = MAP_INIT;

        for (size_t c = 0; c < workload->containers.count && seen.count < NAMES_MAX; c++) {
                uint32_t container = workload->containers.items[c];

                for (uint32_t i = graph->out_first[container]; i < graph->out_first[container + 1];
                     i++) {
                        const struct graph_edge *edge = &graph->edges.items[i];
                        const struct graph_vertex *node = &graph->vertices.items[edge->to];
                        uint32_t pods;

                        /* Who shares a node that is assumed is not known. */
                        if (!is_escape(edge->attack) || node->kind != GRAPH_NODE || node->assumed)
                                continue;
                        pods = graph_find(graph, GRAPH_NODE_PODS, STR(""), node->name, STR(""));
                        if (pods != UINT32_MAX)
                                add_pods_of(surfaces, buf, workload, pods, &seen);
                }
        }
}

/* --- documents --- */

static void add_about(struct buf *buf, const char *api, struct str kind, struct str namespace,
                      struct str name) {
        buf_printf(buf, "\"about\":{\"apiVersion\":\"%s\",\"kind\":", api);
        buf_add_json(buf, kind);
        if (namespace.len > 0) {
                buf_add(buf, STR(",\"namespace\":"));
                buf_add_json(buf, namespace);
        }
        buf_add(buf, STR(",\"name\":"));
        buf_add_json(buf, name);
        buf_add(buf, STR("},"));
}

static void emit(struct surfaces *surfaces, const struct buf *buf, struct graph_place place) {
        surfaces->emit(surfaces->userdata, buf_str(buf), surfaces->graph->files.items[place.file],
                       (struct doc_pos){ place.line, place.column });
}

static void emit_surface(struct surfaces *surfaces, const struct workload *workload) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct graph_place place = place_of(surfaces, workload);
        struct str name = workload->owner, kind;
        bool begun = false;

        str_split(&name, ' ', &kind);
        buf_add(&buf, STR("{\"apiVersion\":\"redoubt.io/v1\",\"kind\":\"AttackSurface\","
                          "\"metadata\":{\"name\":"));
        buf_add_json(&buf, name);
        buf_add(&buf, STR(",\"namespace\":"));
        buf_add_json(&buf, workload->namespace);
        buf_add(&buf, STR("},"));
        add_about(&buf, api_of(kind), kind, workload->namespace, name);
        add_place(surfaces, &buf, "place", place);
        buf_add(&buf, STR(",\"surface\":{\"title\":"));
        buf_add_json(&buf, title_of(surfaces, workload->namespace, workload->owner));
        buf_printf(&buf, ",\"pods\":%zu,\"exposed\":%s},\"paths\":[", workload->pods,
                   workload->exposed ? "true" : "false");
        for (size_t t = 0; t < TARGETS; t++) {
                if (workload->best[t] == GRAPH_FAR)
                        continue;
                buf_add(&buf, begun ? STR(",") : STR(""));
                add_path(surfaces, &buf, workload, t);
                begun = true;
        }
        buf_add(&buf, STR("],\"neighbours\":["));
        add_neighbours(surfaces, &buf, workload);
        buf_add(&buf, STR("]}"));
        emit(surfaces, &buf, place);
}

/* What is told of a namespace. */
struct use {
        struct str name;
        size_t workloads;
        struct graph_place first;
        struct buf exposed, powerful;
        size_t exposed_count, powerful_count;
};

static void add_name(struct buf *buf, size_t *count, struct str name) {
        if (*count == NAMES_MAX)
                return;
        buf_add(buf, (*count)++ ? STR(",") : STR(""));
        buf_add_json(buf, name);
}

static void use_workload(struct surfaces *surfaces, struct use *use,
                         const struct workload *workload) {
        struct str title = title_of(surfaces, workload->namespace, workload->owner);
        uint32_t best = workload->best[0];

        if (use->workloads++ == 0)
                use->first = place_of(surfaces, workload);
        if (workload->exposed)
                add_name(&use->exposed, &use->exposed_count, title);
        if (best != GRAPH_FAR && surfaces->searches[0].steps[best] <= POWERFUL_STEPS)
                add_name(&use->powerful, &use->powerful_count, title);
}

static void emit_use(struct surfaces *surfaces, const struct use *use) {
        const struct graph_limits *limits = map_get(surfaces->limits, use->name);
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        uint32_t vertex = graph_find(surfaces->graph, GRAPH_ADMIN, use->name, STR(""), STR(""));
        struct graph_place declared = vertex == UINT32_MAX
                                              ? (struct graph_place){ 0 }
                                              : surfaces->graph->vertices.items[vertex].place;
        struct graph_place place = declared.file ? declared : use->first;
        size_t unlimited = 0;

        buf_add(&buf, STR("{\"apiVersion\":\"redoubt.io/v1\",\"kind\":\"NamespaceUse\","
                          "\"metadata\":{\"name\":"));
        buf_add_json(&buf, use->name);
        buf_add(&buf, STR("},"));
        add_about(&buf, "v1", STR("Namespace"), STR(""), use->name);
        add_place(surfaces, &buf, "place", place);
        buf_printf(&buf,
                   ",\"use\":{\"workloads\":%zu,\"declared\":%s,\"quota\":%s,\"limitRange\":%s},"
                   "\"unlimited\":[",
                   use->workloads, declared.file ? "true" : "false",
                   limits && limits->quota ? "true" : "false",
                   limits && limits->range ? "true" : "false");
        for (size_t i = 0; limits && i < limits->unlimited.count; i++)
                add_name(&buf, &unlimited,
                         title_of(surfaces, use->name, limits->unlimited.items[i]));
        buf_add(&buf, STR("],\"exposed\":["));
        buf_add(&buf, buf_str(&use->exposed));
        buf_add(&buf, STR("],\"powerful\":["));
        buf_add(&buf, buf_str(&use->powerful));
        buf_add(&buf, STR("]}"));
        emit(surfaces, &buf, place);
}

/* Workloads come by namespace, because the containers of the graph do. */
static void emit_uses(struct surfaces *surfaces) {
        struct map *workloads = &surfaces->workloads;

        for (size_t i = 0; i < workloads->count;) {
                const struct workload *first = workloads->entries[i].value;
                struct use use = { .name = first->namespace };

                for (; i < workloads->count; i++) {
                        const struct workload *workload = workloads->entries[i].value;

                        if (!str_eq(workload->namespace, use.name))
                                break;
                        if (workload->containers.count > 0)
                                use_workload(surfaces, &use, workload);
                }
                if (use.workloads > 0)
                        emit_use(surfaces, &use);
                buf_free(&use.exposed);
                buf_free(&use.powerful);
        }
}

void graph_surfaces(const struct graph *graph, const struct map *limits, graph_surface_fn *emit_fn,
                    void *userdata) {
        struct surfaces surfaces = {
                .graph = graph, .limits = limits, .emit = emit_fn, .userdata = userdata
        };

        search(&surfaces);
        collect(&surfaces);
        for (size_t i = 0; i < surfaces.workloads.count; i++) {
                const struct workload *workload = surfaces.workloads.entries[i].value;

                if (workload->containers.count > 0)
                        emit_surface(&surfaces, workload);
        }
        emit_uses(&surfaces);
        map_free(&surfaces.workloads);
        arena_free(&surfaces.arena);
}
