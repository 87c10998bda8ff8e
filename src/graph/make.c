/* Vertices, edges and changes, each made once; and the rows that searches run on. */
#include "base/util.h"
#include "graph/private.h"
#include "kube/version.h"

unsigned graph_minor(const struct graph *graph) {
        return graph->options.minor ? graph->options.minor : KUBE_MINOR_LATEST;
}

/* --- vertices --- */

/* The key of a vertex. Lengths part the names, because a hostile name may hold anything. */
static void key_of(struct buf *buf, enum graph_kind kind, struct str namespace, struct str name,
                   struct str part) {
        buf_printf(buf, "%u %zu %zu ", kind, namespace.len, name.len);
        buf_add(buf, namespace);
        buf_add(buf, name);
        buf_add(buf, part);
}

uint32_t graph_find(const struct graph *graph, enum graph_kind kind, struct str namespace,
                    struct str name, struct str part) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;

        key_of(&key, kind, namespace, name, part);
        return (uint32_t)(uintptr_t)map_get(&graph->by_key, buf_str(&key)) - 1;
}

uint32_t graph_vertex(struct graph *graph, enum graph_kind kind, struct str namespace,
                      struct str name, struct str part) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;
        struct graph_vertex *vertex;
        uintptr_t number;

        key_of(&key, kind, namespace, name, part);
        number = (uintptr_t)map_get(&graph->by_key, buf_str(&key));
        if (number > 0)
                return (uint32_t)number - 1;
        vertex = vec_push(&graph->vertices);
        *vertex = (struct graph_vertex){ .kind = (uint8_t)kind,
                                         .namespace = graph_keep(graph, namespace),
                                         .name = graph_keep(graph, name),
                                         .part = graph_keep(graph, part) };
        map_put(&graph->by_key, arena_str(&graph->arena, buf_str(&key)))->value =
                (void *)(uintptr_t)graph->vertices.count;
        return (uint32_t)graph->vertices.count - 1;
}

uint32_t graph_hyper(struct graph *graph, enum graph_kind kind, struct str namespace) {
        return graph_vertex(graph, kind, namespace, STR(""), STR(""));
}

/* --- changes --- */

uint32_t graph_change(struct graph *graph, struct str key, struct str text, unsigned cost,
                      struct graph_place place) {
        uintptr_t number = (uintptr_t)map_get(&graph->by_change, key);

        if (graph->changes.count == 0)
                *vec_push(&graph->changes) = (struct graph_change){ 0 };
        if (number > 0)
                return (uint32_t)number;
        number = graph->changes.count;
        *vec_push(&graph->changes) = (struct graph_change){ .text = graph_keep(graph, text),
                                                            .place = place,
                                                            .cost = (uint8_t)cost };
        map_put(&graph->by_change, arena_str(&graph->arena, key))->value = (void *)number;
        return (uint32_t)number;
}

/* --- edges --- */

void graph_edge(struct graph *graph, uint32_t from, uint32_t to, enum graph_attack_id attack,
                const struct graph_because *because) {
        static const struct graph_because none = { 0 };

        if (from == to)
                return;
        because = because ? because : &none;
        *vec_push(&graph->edges) =
                (struct graph_edge){ .from = from,
                                     .to = to,
                                     .attack = (uint16_t)attack,
                                     .changes = { because->changes[0], because->changes[1] },
                                     .detail = graph_keep(graph, because->detail),
                                     .place = because->place };
}

void graph_part(struct graph *graph, uint32_t from, uint32_t to) {
        graph_edge(graph, from, to, GRAPH_CONTAINS, NULL);
}

/* --- order --- */

static int compare_vertices(const struct graph_vertex *a, const struct graph_vertex *b) {
        int r = (a->kind > b->kind) - (a->kind < b->kind);

        if (r == 0)
                r = str_cmp(a->namespace, b->namespace);
        if (r == 0)
                r = str_cmp(a->name, b->name);
        return r ? r : str_cmp(a->part, b->part);
}

static int by_vertex(const void *a, const void *b, void *userdata) {
        const struct graph *graph = userdata;

        return compare_vertices(&graph->vertices.items[*(const uint32_t *)a],
                                &graph->vertices.items[*(const uint32_t *)b]);
}

/* Numbers vertices by their names, so that nothing depends on the order of the input. */
static uint32_t *sort_vertices(struct graph *graph) {
        size_t count = graph->vertices.count;
        uint32_t *order = xrealloc(NULL, count + 1, sizeof *order);
        uint32_t *number = xrealloc(NULL, count + 1, sizeof *number);
        struct graph_vertex *sorted = xrealloc(NULL, count + 1, sizeof *sorted);

        for (size_t i = 0; i < count; i++)
                order[i] = (uint32_t)i;
        if (count > 1)
                qsort_r(order, count, sizeof *order, by_vertex, graph);
        for (size_t i = 0; i < count; i++) {
                sorted[i] = graph->vertices.items[order[i]];
                number[order[i]] = (uint32_t)i;
        }
        free(graph->vertices.items);
        free(order);
        graph->vertices.items = sorted;
        graph->vertices.capacity = count + 1;
        for (size_t i = 0; i < graph->by_key.count; i++) {
                struct map_entry *entry = &graph->by_key.entries[i];

                entry->value = (void *)((uintptr_t)number[(uintptr_t)entry->value - 1] + 1);
        }
        return number;
}

static int by_change(const void *a, const void *b, void *userdata) {
        const struct graph *graph = userdata;
        const struct graph_change *x = &graph->changes.items[*(const uint32_t *)a],
                                  *y = &graph->changes.items[*(const uint32_t *)b];
        int r = str_cmp(x->text, y->text);

        if (r == 0)
                r = str_cmp(graph->files.items[x->place.file], graph->files.items[y->place.file]);
        if (r == 0)
                r = (x->place.line > y->place.line) - (x->place.line < y->place.line);
        return r ? r : (x->place.column > y->place.column) - (x->place.column < y->place.column);
}

static uint32_t *sort_changes(struct graph *graph) {
        size_t count = graph->changes.count;
        uint32_t *order = xrealloc(NULL, count + 1, sizeof *order);
        uint32_t *number = xrealloc(NULL, count + 1, sizeof *number);
        struct graph_change *sorted = xrealloc(NULL, count + 1, sizeof *sorted);

        for (size_t i = 0; i < count; i++)
                order[i] = (uint32_t)i;
        number[0] = 0;
        if (count > 2)
                qsort_r(order + 1, count - 1, sizeof *order, by_change, graph);
        for (size_t i = 0; i < count; i++) {
                sorted[i] = graph->changes.items[order[i]];
                number[order[i]] = (uint32_t)i;
        }
        free(graph->changes.items);
        free(order);
        graph->changes.items = sorted;
        graph->changes.capacity = count + 1;
        return number;
}

#define COMPARE(field)                                                                             \
        if (x->field != y->field)                                                                  \
        return x->field < y->field ? -1 : 1

static int compare_edges(const void *a, const void *b, void *userdata) {
        const struct graph_edge *x = a, *y = b;
        const struct graph *graph = userdata;
        int r;

        COMPARE(from);
        COMPARE(to);
        COMPARE(attack);
        COMPARE(changes[0]);
        COMPARE(changes[1]);
        r = str_cmp(graph->files.items[x->place.file], graph->files.items[y->place.file]);
        if (r != 0)
                return r;
        COMPARE(place.line);
        COMPARE(place.column);
        return str_cmp(x->detail, y->detail);
}

static bool same_edge(const struct graph_edge *x, const struct graph_edge *y) {
        return x->from == y->from && x->to == y->to && x->attack == y->attack &&
               x->changes[0] == y->changes[0] && x->changes[1] == y->changes[1];
}

static void number_edges(struct graph *graph, const uint32_t *vertices, const uint32_t *changes) {
        for (size_t i = 0; i < graph->edges.count; i++) {
                struct graph_edge *edge = &graph->edges.items[i];

                edge->from = vertices[edge->from];
                edge->to = vertices[edge->to];
                for (size_t k = 0; k < 2; k++)
                        edge->changes[k] = changes[edge->changes[k]];
        }
}

static void make_rows(struct graph *graph) {
        size_t vertices = graph->vertices.count, edges = graph->edges.count;
        uint32_t *fill = xrealloc(NULL, vertices + 2, sizeof *fill);

        graph->out_first = xrealloc(NULL, vertices + 2, sizeof *graph->out_first);
        graph->in_first = xrealloc(NULL, vertices + 2, sizeof *graph->in_first);
        graph->in_edges = xrealloc(NULL, edges + 1, sizeof *graph->in_edges);
        memset(graph->out_first, 0, (vertices + 2) * sizeof *graph->out_first);
        memset(graph->in_first, 0, (vertices + 2) * sizeof *graph->in_first);
        for (size_t i = 0; i < edges; i++) {
                graph->out_first[graph->edges.items[i].from + 1]++;
                graph->in_first[graph->edges.items[i].to + 1]++;
        }
        for (size_t i = 0; i < vertices; i++) {
                graph->out_first[i + 1] += graph->out_first[i];
                graph->in_first[i + 1] += graph->in_first[i];
        }
        memcpy(fill, graph->in_first, (vertices + 1) * sizeof *fill);
        for (size_t i = 0; i < edges; i++)
                graph->in_edges[fill[graph->edges.items[i].to]++] = (uint32_t)i;
        free(fill);
}

void graph_index_edges(struct graph *graph) {
        uint32_t *vertices, *changes;
        size_t count = 0;

        if (graph->changes.count == 0)
                *vec_push(&graph->changes) = (struct graph_change){ 0 };
        vertices = sort_vertices(graph);
        changes = sort_changes(graph);
        number_edges(graph, vertices, changes);
        free(vertices);
        free(changes);
        if (graph->edges.count > 1)
                qsort_r(graph->edges.items, graph->edges.count, sizeof *graph->edges.items,
                        compare_edges, graph);
        for (size_t i = 0; i < graph->edges.count; i++)
                if (count == 0 ||
                    !same_edge(&graph->edges.items[count - 1], &graph->edges.items[i]))
                        graph->edges.items[count++] = graph->edges.items[i];
        graph->edges.count = count;
        for (size_t i = 0; i < count; i++)
                for (size_t k = 0; k < 2; k++)
                        graph->changes.items[graph->edges.items[i].changes[k]].edges++;
        make_rows(graph);
}

/* --- remarks --- */

void graph_assume(struct graph *graph, const char *format, ...) {
        va_list args;

        va_start(args, format);
        *vec_push(&graph->assumptions) = arena_vprintf(&graph->arena, format, args);
        va_end(args);
}

void graph_problem(struct graph *graph, const char *format, ...) {
        va_list args;

        va_start(args, format);
        *vec_push(&graph->problems) =
                (struct diagnostic){ .message = arena_vprintf(&graph->arena, format, args),
                                     .incomplete = true };
        va_end(args);
}
