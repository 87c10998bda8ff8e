/*
 * Blast radius of many starts at once.
 *
 * Vertices that reach each other are joined first (Tarjan's strongly connected components), which
 * leaves a graph without cycles whose components come numbered from the last to the first. Then
 * 64 starts travel in the bits of one word, in one sweep over that graph. What each of them reaches
 * is counted by adders that hold one bit of all 64 sums in a word, so that counting costs a few
 * operations a component, not 64.
 */
#include "base/util.h"
#include "graph/graph.h"

enum { LANES = 64, PLANES = 32 };

/* What is counted. */
enum { PODS, CONTAINERS, NODES, SECRETS, ACCOUNTS, IDENTITIES, COUNTED };

struct component_graph {
        uint32_t *of; /* the component of a vertex */
        uint32_t count;
        uint32_t *first; /* rows of edges between components */
        uint32_t *to;
        uint32_t (*weights)[COUNTED];
        uint32_t *spaces; /* pairs of component and namespace, of pods */
        size_t space_count;
        uint32_t namespaces;
};

/* --- components --- */

struct visit {
        uint32_t vertex, edge;
};

struct tarjan {
        const struct graph *graph;
        struct component_graph *components;
        uint32_t *index, *low, *stack;
        struct visit *visits;
        uint32_t next, stacked, depth;
};

static void enter(struct tarjan *tarjan, uint32_t vertex) {
        tarjan->index[vertex] = tarjan->low[vertex] = ++tarjan->next;
        tarjan->stack[tarjan->stacked++] = vertex;
        tarjan->visits[tarjan->depth++] =
                (struct visit){ vertex, tarjan->graph->out_first[vertex] };
}

static void leave(struct tarjan *tarjan, uint32_t vertex) {
        uint32_t member;

        tarjan->depth--;
        if (tarjan->depth > 0) {
                uint32_t above = tarjan->visits[tarjan->depth - 1].vertex;

                tarjan->low[above] = MIN(tarjan->low[above], tarjan->low[vertex]);
        }
        if (tarjan->low[vertex] != tarjan->index[vertex])
                return;
        do {
                member = tarjan->stack[--tarjan->stacked];
                tarjan->components->of[member] = tarjan->components->count;
        } while (member != vertex);
        tarjan->components->count++;
}

static void walk_from(struct tarjan *tarjan, uint32_t start) {
        enter(tarjan, start);
        while (tarjan->depth > 0) {
                struct visit *visit = &tarjan->visits[tarjan->depth - 1];
                uint32_t vertex = visit->vertex, to;

                if (visit->edge == tarjan->graph->out_first[vertex + 1]) {
                        leave(tarjan, vertex);
                        continue;
                }
                to = tarjan->graph->edges.items[visit->edge++].to;
                if (tarjan->index[to] == 0)
                        enter(tarjan, to);
                else if (tarjan->components->of[to] == UINT32_MAX)
                        tarjan->low[vertex] = MIN(tarjan->low[vertex], tarjan->index[to]);
        }
}

static void find_components(const struct graph *graph, struct component_graph *components) {
        size_t count = graph->vertices.count;
        struct tarjan tarjan = { .graph = graph, .components = components };

        tarjan.index = xrealloc(NULL, count + 1, sizeof *tarjan.index);
        tarjan.low = xrealloc(NULL, count + 1, sizeof *tarjan.low);
        tarjan.stack = xrealloc(NULL, count + 1, sizeof *tarjan.stack);
        tarjan.visits = xrealloc(NULL, count + 1, sizeof *tarjan.visits);
        components->of = xrealloc(NULL, count + 1, sizeof *components->of);
        memset(tarjan.index, 0, (count + 1) * sizeof *tarjan.index);
        memset(components->of, 0xff, (count + 1) * sizeof *components->of);
        for (size_t i = 0; i < count; i++)
                if (tarjan.index[i] == 0)
                        walk_from(&tarjan, (uint32_t)i);
        free(tarjan.index);
        free(tarjan.low);
        free(tarjan.stack);
        free(tarjan.visits);
}

/* --- what they hold --- */

static int counted(const struct graph_vertex *vertex) {
        switch ((enum graph_kind)vertex->kind) {
        case GRAPH_POD:
                return PODS;
        case GRAPH_CONTAINER:
                return CONTAINERS;
        case GRAPH_NODE:
                return NODES;
        case GRAPH_SECRET:
                return SECRETS;
        case GRAPH_ACCOUNT:
                return ACCOUNTS;
        case GRAPH_USER:
        case GRAPH_GROUP:
                return IDENTITIES;
        default:
                return -1;
        }
}

static void weigh(const struct graph *graph, struct component_graph *components) {
        struct map numbers _cleanup_(map_free) = MAP_INIT;

        components->weights = xrealloc(NULL, components->count + 1, sizeof *components->weights);
        memset(components->weights, 0, (components->count + 1) * sizeof *components->weights);
        components->spaces = xrealloc(NULL, graph->vertices.count * 2 + 2, sizeof(uint32_t));
        for (size_t i = 0; i < graph->vertices.count; i++) {
                const struct graph_vertex *vertex = &graph->vertices.items[i];
                int what = counted(vertex);
                struct map_entry *entry;

                if (what >= 0)
                        components->weights[components->of[i]][what]++;
                if (what != PODS)
                        continue;
                entry = map_put(&numbers, vertex->namespace);
                if (!entry->value)
                        entry->value = (void *)(uintptr_t)numbers.count;
                components->spaces[2 * components->space_count] = components->of[i];
                components->spaces[2 * components->space_count + 1] =
                        (uint32_t)(uintptr_t)entry->value - 1;
                components->space_count++;
        }
        components->namespaces = (uint32_t)numbers.count;
}

static void join_components(const struct graph *graph, struct component_graph *components) {
        uint32_t *fill = xrealloc(NULL, components->count + 2, sizeof *fill);
        uint32_t *first = xrealloc(NULL, components->count + 2, sizeof *first);

        memset(first, 0, (components->count + 2) * sizeof *first);
        for (size_t i = 0; i < graph->edges.count; i++) {
                const struct graph_edge *edge = &graph->edges.items[i];

                if (components->of[edge->from] != components->of[edge->to])
                        first[components->of[edge->from] + 1]++;
        }
        for (uint32_t i = 0; i < components->count; i++)
                first[i + 1] += first[i];
        components->first = first;
        components->to = xrealloc(NULL, first[components->count] + 1, sizeof *components->to);
        memcpy(fill, first, (components->count + 1) * sizeof *fill);
        for (size_t i = 0; i < graph->edges.count; i++) {
                const struct graph_edge *edge = &graph->edges.items[i];
                uint32_t from = components->of[edge->from], to = components->of[edge->to];

                if (from != to)
                        components->to[fill[from]++] = to;
        }
        free(fill);
}

static void components_free(struct component_graph *components) {
        free(components->of);
        free(components->first);
        free(components->to);
        free(components->weights);
        free(components->spaces);
}

/* --- 64 sums at once --- */

/* Bit P of the sum of lane L is bit L of planes[P]. */
struct adder {
        uint64_t planes[PLANES];
};

/* Adds WEIGHT to the lanes whose bits are set. */
static void add(struct adder *adder, uint64_t lanes, uint32_t weight) {
        for (int bit = 0; weight; bit++, weight >>= 1) {
                uint64_t carry = lanes;

                if (!(weight & 1))
                        continue;
                for (int plane = bit; carry && plane < PLANES; plane++) {
                        uint64_t both = adder->planes[plane] & carry;

                        adder->planes[plane] ^= carry;
                        carry = both;
                }
        }
}

static uint32_t sum(const struct adder *adder, int lane) {
        uint32_t value = 0;

        for (int plane = 0; plane < PLANES; plane++)
                value |= (uint32_t)((adder->planes[plane] >> lane) & 1) << plane;
        return value;
}

/* Components come from the last to the first: an edge leads to a lower number. */
static void sweep(const struct component_graph *components, uint64_t *bits) {
        for (uint32_t c = components->count; c-- > 0;) {
                if (!bits[c])
                        continue;
                for (uint32_t i = components->first[c]; i < components->first[c + 1]; i++)
                        bits[components->to[i]] |= bits[c];
        }
}

static void count_spaces(const struct component_graph *components, const uint64_t *bits,
                         struct adder *adder) {
        uint64_t *spaces = xrealloc(NULL, components->namespaces + 1, sizeof *spaces);

        memset(spaces, 0, (components->namespaces + 1) * sizeof *spaces);
        for (size_t i = 0; i < components->space_count; i++)
                spaces[components->spaces[2 * i + 1]] |= bits[components->spaces[2 * i]];
        for (uint32_t i = 0; i < components->namespaces; i++)
                add(adder, spaces[i], 1);
        free(spaces);
}

static void blast_lanes(const struct graph *graph, const struct component_graph *components,
                        const uint32_t *starts, size_t lanes, uint64_t *bits,
                        struct graph_blast *ret) {
        struct adder adders[COUNTED] = { 0 }, spaces = { 0 };

        memset(bits, 0, components->count * sizeof *bits);
        for (size_t i = 0; i < lanes; i++)
                bits[components->of[starts[i]]] |= UINT64_C(1) << i;
        sweep(components, bits);
        for (uint32_t c = 0; c < components->count; c++)
                for (int k = 0; bits[c] && k < COUNTED; k++)
                        add(&adders[k], bits[c], components->weights[c][k]);
        count_spaces(components, bits, &spaces);
        for (size_t i = 0; i < lanes; i++) {
                int lane = (int)i;

                ret[i] = (struct graph_blast){
                        .pods = sum(&adders[PODS], lane),
                        .containers = sum(&adders[CONTAINERS], lane),
                        .nodes = sum(&adders[NODES], lane),
                        .secrets = sum(&adders[SECRETS], lane),
                        .accounts = sum(&adders[ACCOUNTS], lane),
                        .identities = sum(&adders[IDENTITIES], lane),
                        .namespaces = sum(&spaces, lane),
                        .admin = bits[components->of[graph->admin]] >> i & 1,
                        .all_secrets = bits[components->of[graph->secrets]] >> i & 1,
                };
        }
}

void graph_blast(const struct graph *graph, const uint32_t *starts, size_t count,
                 struct graph_blast *ret) {
        struct component_graph components = { 0 };
        uint64_t *bits;

        find_components(graph, &components);
        weigh(graph, &components);
        join_components(graph, &components);
        bits = xrealloc(NULL, components.count + 1, sizeof *bits);
        for (size_t i = 0; i < count; i += LANES)
                blast_lanes(graph, &components, starts + i, MIN(count - i, (size_t)LANES), bits,
                            ret + i);
        free(bits);
        components_free(&components);
}
