/*
 * The smallest set of changes after which nobody gets there any more.
 *
 * One change takes away many edges (a binding, a privileged container in all its pods), so this is
 * no minimum cut but a hitting set: of every path at least one change must be made. There are too
 * many paths to list. So a few are looked at, the best set for those is computed, and whatever path
 * is left with it is added, until none is. A set that is best for some paths and leaves none is
 * best for all.
 */
#include "base/util.h"
#include "graph/graph.h"
#include "graph/hitting.h"

/* Weights: the fewest changes, then their cost; or the other way round. */
enum { MANY = 10000 };

/* Beyond that many changes their effects are not worked out one by one. */
enum { RANKED_MAX = 40, ALONE_MAX = 200 };

struct cutting {
        const struct graph *graph;
        const struct graph_cut_options *options;
        struct arena arena; /* for the time of the cut */
        bool *removed;      /* by change */
        bool *ignored;      /* starts (by their index) that no change helps */
        uint32_t *queue, *seen, stamp;
        VEC(struct hitting_set) sets;
        struct map known; /* the sets as bytes */
};

/* --- reaching --- */

static bool is_gone(const struct cutting *cutting, const struct graph_edge *edge) {
        return cutting->removed[edge->changes[0]] || cutting->removed[edge->changes[1]];
}

/* Marks what reaches a target. */
static void mark_reaching(struct cutting *cutting) {
        const struct graph *graph = cutting->graph;
        size_t count = 0;

        cutting->stamp++;
        for (size_t i = 0; i < cutting->options->target_count; i++) {
                uint32_t target = cutting->options->targets[i];

                if (cutting->seen[target] != cutting->stamp)
                        cutting->queue[count++] = target;
                cutting->seen[target] = cutting->stamp;
        }
        for (size_t i = 0; i < count; i++) {
                uint32_t vertex = cutting->queue[i];

                for (uint32_t k = graph->in_first[vertex]; k < graph->in_first[vertex + 1]; k++) {
                        const struct graph_edge *edge = &graph->edges.items[graph->in_edges[k]];

                        if (cutting->seen[edge->from] == cutting->stamp || is_gone(cutting, edge))
                                continue;
                        cutting->seen[edge->from] = cutting->stamp;
                        cutting->queue[count++] = edge->from;
                }
        }
}

static uint32_t count_reaching(struct cutting *cutting) {
        uint32_t count = 0;

        mark_reaching(cutting);
        for (size_t i = 0; i < cutting->options->start_count; i++)
                count += !cutting->ignored[i] &&
                         cutting->seen[cutting->options->starts[i]] == cutting->stamp;
        return count;
}

/* Starts that get there over edges that nothing takes away. */
static uint32_t ignore_hopeless(struct cutting *cutting) {
        uint32_t count = 0;

        for (size_t i = 1; i < cutting->graph->changes.count; i++)
                cutting->removed[i] = true;
        mark_reaching(cutting);
        for (size_t i = 0; i < cutting->options->start_count; i++) {
                cutting->ignored[i] = cutting->seen[cutting->options->starts[i]] == cutting->stamp;
                count += cutting->ignored[i];
        }
        for (size_t i = 1; i < cutting->graph->changes.count; i++)
                cutting->removed[i] = false;
        return count;
}

/* --- paths --- */

static int compare_numbers(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

/* Adds the changes along the path as a set, unless it is known. */
static void add_set(struct cutting *cutting, const uint32_t *edges, size_t count) {
        uint32_t *items = arena_new_array(&cutting->arena, 2 * count + 1, uint32_t);
        struct map_entry *entry;
        size_t used = 0, kept = 0;

        for (size_t i = 0; i < count; i++)
                for (size_t k = 0; k < 2; k++)
                        if (cutting->graph->edges.items[edges[i]].changes[k])
                                items[used++] = cutting->graph->edges.items[edges[i]].changes[k];
        if (used > 1)
                qsort(items, used, sizeof *items, compare_numbers);
        for (size_t i = 0; i < used; i++)
                if (kept == 0 || items[kept - 1] != items[i])
                        items[kept++] = items[i];
        if (kept == 0)
                return;
        entry = map_put(&cutting->known, (struct str){ (const char *)items, kept * sizeof *items });
        if (entry->value)
                return;
        entry->value = cutting;
        *vec_push(&cutting->sets) = (struct hitting_set){ items, kept };
}

/* Adds a path of every start that still gets there. Returns whether there was one. */
static bool add_paths(struct cutting *cutting) {
        const struct graph_cut_options *options = cutting->options;
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct graph_search search;
        bool any = false;

        graph_search(cutting->graph, &arena, options->targets, options->target_count,
                     GRAPH_BACKWARD, cutting->removed, &search);
        for (size_t i = 0; i < options->start_count; i++) {
                struct arena_mark mark = arena_mark(&arena);
                uint32_t start = options->starts[i], *edges;
                size_t count;

                if (cutting->ignored[i] || search.steps[start] == GRAPH_FAR ||
                    search.hops[start] == 0)
                        continue;
                count = graph_path(cutting->graph, &search, &arena, start, &edges);
                add_set(cutting, edges, count);
                arena_rewind(&arena, mark);
                any = true;
        }
        return any;
}

/* --- the best set --- */

static bool choose(struct cutting *cutting, const uint32_t *weights) {
        const struct hitting_problem problem = {
                .sets = cutting->sets.items,
                .set_count = cutting->sets.count,
                .weights = weights,
                .things = cutting->graph->changes.count,
                .effort = cutting->options->effort ? cutting->options->effort : GRAPH_CUT_EFFORT,
        };

        return hitting_solve(&problem, cutting->removed);
}

static uint32_t *weigh(struct cutting *cutting) {
        const struct graph *graph = cutting->graph;
        uint32_t *weights = arena_new_array(&cutting->arena, graph->changes.count, uint32_t);

        for (size_t i = 0; i < graph->changes.count; i++) {
                uint32_t cost = MAX(graph->changes.items[i].cost, (uint8_t)1);

                weights[i] = cutting->options->by_cost ? cost * MANY + 1 : MANY + cost;
        }
        return weights;
}

/* --- their order --- */

/* Starts that lose every path with CHANGE on top of those that are removed. */
static uint32_t effect(struct cutting *cutting, uint32_t change, uint32_t reaching) {
        uint32_t left;

        cutting->removed[change] = true;
        left = count_reaching(cutting);
        cutting->removed[change] = false;
        return reaching - left;
}

static bool is_better(const struct graph *graph, uint32_t a, uint32_t effect_a, uint32_t b,
                      uint32_t effect_b) {
        if (effect_a != effect_b)
                return effect_a > effect_b;
        if (graph->changes.items[a].cost != graph->changes.items[b].cost)
                return graph->changes.items[a].cost < graph->changes.items[b].cost;
        return a < b;
}

/* The one that does most comes first; then the one that does most on top of it. */
static void rank(struct cutting *cutting, struct graph_cut *cut) {
        uint32_t all = count_reaching(cutting), left = all;

        for (size_t i = 0; i < cut->count && cut->count <= ALONE_MAX; i++)
                cut->items[i].alone = effect(cutting, cut->items[i].change, all);
        for (size_t i = 0; i < cut->count; i++) {
                size_t best = i;
                uint32_t most = 0;

                for (size_t k = i; k < cut->count; k++) {
                        uint32_t does = cut->count <= RANKED_MAX
                                                ? effect(cutting, cut->items[k].change, left)
                                                : cut->items[k].alone;

                        if (k == i || is_better(cutting->graph, cut->items[k].change, does,
                                                cut->items[best].change, most)) {
                                best = k;
                                most = does;
                        }
                }
                if (best != i) {
                        struct graph_cut_item item = cut->items[i];

                        cut->items[i] = cut->items[best];
                        cut->items[best] = item;
                }
                cutting->removed[cut->items[i].change] = true;
                if (cut->count <= ALONE_MAX)
                        left = count_reaching(cutting);
                cut->items[i].so_far = all - left;
        }
        if (cut->count > ALONE_MAX)
                for (size_t i = 0; i < cut->count; i++)
                        cut->items[i].so_far = i + 1 == cut->count ? all : 0;
}

static void take_over(struct cutting *cutting, struct arena *arena, struct graph_cut *ret) {
        size_t count = 0;

        for (size_t i = 1; i < cutting->graph->changes.count; i++)
                count += cutting->removed[i];
        ret->items = arena_new_array(arena, count, struct graph_cut_item);
        for (size_t i = 1; i < cutting->graph->changes.count; i++)
                if (cutting->removed[i]) {
                        ret->items[ret->count++].change = (uint32_t)i;
                        cutting->removed[i] = false;
                }
}

void graph_cut(const struct graph *graph, struct arena *arena,
               const struct graph_cut_options *options, struct graph_cut *ret) {
        struct cutting cutting = { .graph = graph, .options = options };
        uint32_t *weights = weigh(&cutting);
        bool exact = true, left;

        *ret = (struct graph_cut){ 0 };
        cutting.removed = arena_new_array(&cutting.arena, graph->changes.count, bool);
        cutting.ignored = arena_new_array(&cutting.arena, options->start_count, bool);
        cutting.queue = arena_new_array(&cutting.arena, graph->vertices.count, uint32_t);
        cutting.seen = arena_new_array(&cutting.arena, graph->vertices.count, uint32_t);
        ret->reaching = count_reaching(&cutting);
        ret->remaining = ignore_hopeless(&cutting);
        left = add_paths(&cutting);
        for (size_t round = 0; left && round < GRAPH_CUT_ROUNDS; round++) {
                exact = choose(&cutting, weights);
                left = add_paths(&cutting);
        }
        take_over(&cutting, arena, ret);
        ret->best = exact && !left;
        rank(&cutting, ret);
        map_free(&cutting.known);
        vec_free(&cutting.sets);
        arena_free(&cutting.arena);
}
