/*
 * Shortest paths: Dijkstra over two numbers, steps and then edges, so that structure costs nothing
 * but still has an order. Each vertex remembers its best edge; of equally good ones the first in
 * the order of edges, which is that of names.
 */
#include "base/util.h"
#include "graph/graph.h"

/* A binary heap of (cost, vertex). */
struct heap_item {
        uint64_t cost; /* steps, then edges */
        uint32_t vertex;
};
struct heap {
        VEC(struct heap_item) items;
};

static bool before(const struct heap_item *a, const struct heap_item *b) {
        return a->cost < b->cost || (a->cost == b->cost && a->vertex < b->vertex);
}

static void heap_push(struct heap *heap, struct heap_item item) {
        size_t at = heap->items.count;

        *vec_push(&heap->items) = item;
        while (at > 0 && before(&item, &heap->items.items[(at - 1) / 2])) {
                heap->items.items[at] = heap->items.items[(at - 1) / 2];
                at = (at - 1) / 2;
        }
        heap->items.items[at] = item;
}

static struct heap_item heap_pop(struct heap *heap) {
        struct heap_item *items = heap->items.items, first = items[0];
        struct heap_item last = items[--heap->items.count];
        size_t count = heap->items.count, at = 0, child;

        while ((child = 2 * at + 1) < count) {
                if (child + 1 < count && before(&items[child + 1], &items[child]))
                        child++;
                if (!before(&items[child], &last))
                        break;
                items[at] = items[child];
                at = child;
        }
        if (count > 0)
                items[at] = last;
        return first;
}

/* The edges of VERTEX against the direction of the search, and where number I leads. */
struct row {
        const uint32_t *numbers; /* NULL: consecutive */
        uint32_t first, last;
};

static struct row row_of(const struct graph *graph, enum graph_direction direction,
                         uint32_t vertex) {
        if (direction == GRAPH_FORWARD)
                return (struct row){ NULL, graph->out_first[vertex], graph->out_first[vertex + 1] };
        return (struct row){ graph->in_edges, graph->in_first[vertex],
                             graph->in_first[vertex + 1] };
}

static uint32_t edge_at(const struct row *row, uint32_t i) {
        return row->numbers ? row->numbers[i] : i;
}

static uint32_t other_end(const struct graph_edge *edge, enum graph_direction direction) {
        return direction == GRAPH_FORWARD ? edge->to : edge->from;
}

static bool is_gone(const struct graph_edge *edge, const bool *removed) {
        return removed && (removed[edge->changes[0]] || removed[edge->changes[1]]);
}

static uint64_t cost_of(const struct graph_edge *edge) {
        return ((uint64_t)graph_attacks[edge->attack].steps << 32) + 1;
}

static uint64_t distance(const struct graph_search *search, uint32_t vertex) {
        return search->steps[vertex] == GRAPH_FAR
                       ? UINT64_MAX
                       : ((uint64_t)search->steps[vertex] << 32) + search->hops[vertex];
}

/* Offers VERTEX the path over EDGE, one of COST. */
static void offer(const struct graph_search *search, struct heap *heap, uint32_t vertex,
                  uint32_t edge, uint64_t cost, uint64_t paths) {
        uint64_t known = distance(search, vertex);

        if (cost > known)
                return;
        if (cost == known) {
                /* A path more; the best edge is the first by number. */
                if (__builtin_add_overflow(search->paths[vertex], paths, &search->paths[vertex]))
                        search->paths[vertex] = UINT64_MAX;
                if (edge < search->next[vertex])
                        search->next[vertex] = edge;
                return;
        }
        search->steps[vertex] = (uint32_t)(cost >> 32);
        search->hops[vertex] = (uint32_t)cost;
        search->next[vertex] = edge;
        search->paths[vertex] = paths;
        heap_push(heap, (struct heap_item){ cost, vertex });
}

static void prepare(const struct graph *graph, struct arena *arena, struct graph_search *ret) {
        size_t count = graph->vertices.count;

        ret->steps = arena_new_array(arena, count, uint32_t);
        ret->hops = arena_new_array(arena, count, uint32_t);
        ret->next = arena_new_array(arena, count, uint32_t);
        ret->paths = arena_new_array(arena, count, uint64_t);
        ret->order = arena_new_array(arena, count, uint32_t);
        memset(ret->steps, 0xff, count * sizeof *ret->steps);
        memset(ret->next, 0xff, count * sizeof *ret->next);
}

void graph_search(const struct graph *graph, struct arena *arena, const uint32_t *ends,
                  size_t count, enum graph_direction direction, const bool *removed,
                  struct graph_search *ret) {
        struct heap heap = { 0 };

        *ret = (struct graph_search){ .direction = direction };
        prepare(graph, arena, ret);
        for (size_t i = 0; i < count; i++) {
                if (ret->steps[ends[i]] == 0)
                        continue;
                ret->steps[ends[i]] = 0;
                ret->paths[ends[i]] = 1;
                heap_push(&heap, (struct heap_item){ 0, ends[i] });
        }
        while (heap.items.count > 0) {
                struct heap_item item = heap_pop(&heap);
                struct row row;

                if (item.cost != distance(ret, item.vertex))
                        continue;
                ret->order[ret->reached++] = item.vertex;
                row = row_of(graph, direction, item.vertex);
                for (uint32_t i = row.first; i < row.last; i++) {
                        uint32_t number = edge_at(&row, i);
                        const struct graph_edge *edge = &graph->edges.items[number];

                        if (!is_gone(edge, removed))
                                offer(ret, &heap, other_end(edge, direction), number,
                                      item.cost + cost_of(edge), ret->paths[item.vertex]);
                }
        }
        vec_free(&heap.items);
}

/* --- one path --- */

/* The vertex that the best edge of a vertex leads to, towards the ends. */
static uint32_t step_along(const struct graph *graph, const struct graph_search *search,
                           uint32_t edge) {
        const struct graph_edge *item = &graph->edges.items[edge];

        return search->direction == GRAPH_BACKWARD ? item->to : item->from;
}

static void reverse(uint32_t *items, size_t count) {
        for (size_t i = 0; i < count / 2; i++) {
                uint32_t item = items[i];

                items[i] = items[count - 1 - i];
                items[count - 1 - i] = item;
        }
}

size_t graph_path(const struct graph *graph, const struct graph_search *search, struct arena *arena,
                  uint32_t vertex, uint32_t **ret_edges) {
        size_t count = 0;

        *ret_edges = NULL;
        if (search->steps[vertex] == GRAPH_FAR)
                return 0;
        *ret_edges = arena_new_array(arena, search->hops[vertex] + 1, uint32_t);
        /* Each edge is closer to an end, so this ends. */
        while (search->next[vertex] != GRAPH_FAR) {
                (*ret_edges)[count++] = search->next[vertex];
                vertex = step_along(graph, search, search->next[vertex]);
        }
        if (search->direction == GRAPH_FORWARD)
                reverse(*ret_edges, count);
        return count;
}

/* --- all of them --- */

/* The edges at VERTEX that lie on a shortest path: those towards the ends. */
static bool is_best(const struct graph *graph, const struct graph_search *search, uint32_t vertex,
                    uint32_t number) {
        const struct graph_edge *edge = &graph->edges.items[number];
        uint32_t next = step_along(graph, search, number);

        return search->steps[next] != GRAPH_FAR &&
               distance(search, next) + cost_of(edge) == distance(search, vertex);
}

/* A place in the walk: the vertex, and which of its edges is tried next. */
struct walk_item {
        uint32_t vertex, at;
};

size_t graph_each_path(const struct graph *graph, const struct graph_search *search,
                       uint32_t vertex, size_t limit, graph_path_fn *each, void *userdata) {
        enum graph_direction outwards =
                search->direction == GRAPH_BACKWARD ? GRAPH_FORWARD : GRAPH_BACKWARD;
        size_t length = search->steps[vertex] == GRAPH_FAR ? 0 : search->hops[vertex], depth = 0;
        struct walk_item *walk;
        uint32_t *edges, *shown;
        size_t found = 0;

        if (length == 0)
                return 0;
        walk = xrealloc(NULL, length + 1, sizeof *walk);
        edges = xrealloc(NULL, length, sizeof *edges);
        shown = xrealloc(NULL, length, sizeof *shown);
        walk[0] = (struct walk_item){ vertex, row_of(graph, outwards, vertex).first };
        for (;;) {
                struct row row = row_of(graph, outwards, walk[depth].vertex);

                if (depth == length) {
                        memcpy(shown, edges, length * sizeof *shown);
                        if (search->direction == GRAPH_FORWARD)
                                reverse(shown, length);
                        found++;
                        if (!each(userdata, shown, length) || found == limit)
                                break;
                        depth--;
                        continue;
                }
                while (walk[depth].at < row.last &&
                       !is_best(graph, search, walk[depth].vertex, edge_at(&row, walk[depth].at)))
                        walk[depth].at++;
                if (walk[depth].at == row.last) {
                        if (depth-- == 0)
                                break;
                        continue;
                }
                edges[depth] = edge_at(&row, walk[depth].at++);
                depth++;
                walk[depth].vertex = step_along(graph, search, edges[depth - 1]);
                walk[depth].at = row_of(graph, outwards, walk[depth].vertex).first;
        }
        free(walk);
        free(edges);
        free(shown);
        return found;
}
