/* Searches, blast radius and cuts on random graphs, against the simplest way to compute the same.
 */
#include "../test.h"
#include "base/util.h"
#include "graph/hitting.h"
#include "graph/private.h"

/* --- random graphs --- */

struct random {
        uint64_t state;
};

static uint32_t below(struct random *random, uint32_t limit) {
        random->state = random->state * 6364136223846793005U + 1442695040888963407U;
        return (uint32_t)(random->state >> 33) % limit;
}

enum { VERTICES_MAX = 24, CHANGES_MAX = 9 };

/* Attacks of no step and of one. */
static const enum graph_attack_id attacks[] = { GRAPH_CONTAINS, GRAPH_BOUND, GRAPH_POD_EXEC,
                                                GRAPH_TOKEN_STEAL };

static void make(struct graph *graph, struct random *random, uint32_t vertices, uint32_t edges,
                 uint32_t changes) {
        const struct graph_options options = { .no_defaults = true };
        char name[32];

        graph_init(graph, &options);
        for (uint32_t i = 0; i < vertices; i++) {
                snprintf(name, sizeof name, "v%02u", i);
                graph_vertex(graph, i % 3 ? GRAPH_POD : GRAPH_SECRET, i % 2 ? STR("a") : STR("b"),
                             str_from(name), STR(""));
        }
        for (uint32_t i = 0; i < changes; i++) {
                struct graph_place nowhere = { 0 };

                snprintf(name, sizeof name, "change %u", i);
                graph_change(graph, str_from(name), str_from(name), 1 + below(random, 5), nowhere);
        }
        for (uint32_t i = 0; i < edges; i++) {
                struct graph_because because = { 0 };

                for (size_t k = 0; k < 2 && changes > 0; k++)
                        if (below(random, 4) > 0 && (k == 0 || below(random, 3) == 0))
                                because.changes[k] = 1 + below(random, changes);
                graph_edge(graph, below(random, vertices), below(random, vertices),
                           attacks[below(random, ELEMENTS(attacks))], &because);
        }
        graph_index_edges(graph);
}

/* --- shortest paths --- */

/* Relaxes every edge again and again: distances as (steps, edges). */
static void relax(const struct graph *graph, uint32_t target, uint64_t *distance) {
        bool again = true;

        for (size_t i = 0; i < graph->vertices.count; i++)
                distance[i] = UINT64_MAX;
        distance[target] = 0;
        while (again) {
                again = false;
                for (size_t i = 0; i < graph->edges.count; i++) {
                        const struct graph_edge *edge = &graph->edges.items[i];
                        uint64_t steps = graph_attacks[edge->attack].steps;
                        uint64_t length = (steps << 32) + 1;

                        if (distance[edge->to] == UINT64_MAX ||
                            distance[edge->to] + length >= distance[edge->from])
                                continue;
                        distance[edge->from] = distance[edge->to] + length;
                        again = true;
                }
        }
}

/* Counts paths of exactly the distance by trying all. */
static uint64_t count_paths(const struct graph *graph, const uint64_t *distance, uint32_t vertex,
                            uint32_t target) {
        uint64_t count = vertex == target;

        for (size_t i = 0; i < graph->edges.count; i++) {
                const struct graph_edge *edge = &graph->edges.items[i];
                uint64_t length = ((uint64_t)graph_attacks[edge->attack].steps << 32) + 1;

                if (edge->from == vertex && distance[edge->to] != UINT64_MAX &&
                    distance[edge->to] + length == distance[vertex])
                        count += count_paths(graph, distance, edge->to, target);
        }
        return count;
}

struct seen_paths {
        const struct graph *graph;
        uint32_t from, to;
        uint64_t length, count;
};

static bool see_path(void *userdata, const uint32_t *edges, size_t count) {
        struct seen_paths *seen = userdata;
        uint32_t at = seen->from;
        uint64_t length = 0;

        for (size_t i = 0; i < count; i++) {
                const struct graph_edge *edge = &seen->graph->edges.items[edges[i]];

                assert_int_equal(edge->from, at);
                at = edge->to;
                length += ((uint64_t)graph_attacks[edge->attack].steps << 32) + 1;
        }
        assert_int_equal(at, seen->to);
        assert_true(length == seen->length);
        seen->count++;
        return true;
}

static void check_vertex(const struct graph *graph, const struct graph_search *search,
                         const uint64_t *distance, uint32_t vertex, uint32_t target) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct seen_paths seen = { graph, vertex, target, distance[vertex], 0 };
        uint32_t *edges;
        size_t count;

        if (distance[vertex] == UINT64_MAX) {
                assert_int_equal(search->steps[vertex], GRAPH_FAR);
                return;
        }
        assert_int_equal(search->steps[vertex], distance[vertex] >> 32);
        assert_int_equal(search->hops[vertex], (uint32_t)distance[vertex]);
        assert_true(search->paths[vertex] == count_paths(graph, distance, vertex, target));
        if (vertex == target)
                return;
        count = graph_path(graph, search, &arena, vertex, &edges);
        assert_int_equal(count, search->hops[vertex]);
        assert_true(see_path(&seen, edges, count));
        seen.count = 0;
        assert_true(graph_each_path(graph, search, vertex, SIZE_MAX, see_path, &seen) ==
                    search->paths[vertex]);
        assert_true(seen.count == search->paths[vertex]);
}

static void shortest_paths_are_those_of_the_simple_way(void **state) {
        struct random random = { 1 };

        (void)state;
        for (int round = 0; round < 400; round++) {
                struct graph graph _cleanup_(graph_free) = { 0 };
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                uint32_t vertices = 2 + below(&random, VERTICES_MAX - 2);
                uint64_t distance[VERTICES_MAX];
                struct graph_search search;
                uint32_t target;

                make(&graph, &random, vertices, below(&random, vertices * 3), 0);
                target = below(&random, vertices);
                graph_search(&graph, &arena, &target, 1, GRAPH_BACKWARD, NULL, &search);
                relax(&graph, target, distance);
                for (uint32_t i = 0; i < vertices; i++)
                        check_vertex(&graph, &search, distance, i, target);
        }
}

/* --- blast radius --- */

static void mark(const struct graph *graph, uint32_t vertex, bool *reached) {
        if (reached[vertex])
                return;
        reached[vertex] = true;
        for (uint32_t i = graph->out_first[vertex]; i < graph->out_first[vertex + 1]; i++)
                mark(graph, graph->edges.items[i].to, reached);
}

static void blast_counts_what_a_walk_reaches(void **state) {
        struct random random = { 2 };

        (void)state;
        for (int round = 0; round < 200; round++) {
                struct graph graph _cleanup_(graph_free) = { 0 };
                uint32_t vertices = 70 + below(&random, 80), starts[150];
                struct graph_blast blasts[150];

                make(&graph, &random, vertices, below(&random, vertices * 2), 0);
                for (uint32_t i = 0; i < vertices; i++)
                        starts[i] = i;
                graph_blast(&graph, starts, vertices, blasts);
                for (uint32_t i = 0; i < vertices; i++) {
                        bool reached[150] = { 0 }, spaces[2] = { 0 };
                        uint32_t pods = 0, secrets = 0;

                        mark(&graph, i, reached);
                        for (uint32_t k = 0; k < vertices; k++) {
                                const struct graph_vertex *vertex = &graph.vertices.items[k];

                                pods += reached[k] && vertex->kind == GRAPH_POD;
                                secrets += reached[k] && vertex->kind == GRAPH_SECRET;
                                if (reached[k] && vertex->kind == GRAPH_POD)
                                        spaces[vertex->namespace.ptr[0] == 'a'] = true;
                        }
                        assert_int_equal(blasts[i].pods, pods);
                        assert_int_equal(blasts[i].secrets, secrets);
                        assert_int_equal(blasts[i].namespaces, spaces[0] + spaces[1]);
                }
        }
}

/* --- cuts --- */

static bool reaches(const struct graph *graph, uint32_t from, uint32_t target, uint32_t removed,
                    bool *seen) {
        if (from == target)
                return true;
        seen[from] = true;
        for (uint32_t i = graph->out_first[from]; i < graph->out_first[from + 1]; i++) {
                const struct graph_edge *edge = &graph->edges.items[i];
                bool gone = false;

                for (size_t k = 0; k < 2; k++)
                        gone |= edge->changes[k] && (removed >> edge->changes[k] & 1);
                if (!gone && !seen[edge->to] && reaches(graph, edge->to, target, removed, seen))
                        return true;
        }
        return false;
}

static uint32_t reaching(const struct graph *graph, const struct graph_cut_options *options,
                         uint32_t removed) {
        uint32_t count = 0;

        for (size_t i = 0; i < options->start_count; i++) {
                bool seen[VERTICES_MAX] = { 0 };

                count += reaches(graph, options->starts[i], options->targets[0], removed, seen);
        }
        return count;
}

static uint64_t weight(const struct graph *graph, uint32_t set, bool by_cost) {
        uint64_t total = 0;

        for (uint32_t i = 1; i < graph->changes.count; i++) {
                uint64_t cost = graph->changes.items[i].cost;

                if (set >> i & 1)
                        total += by_cost ? cost * 10000 + 1 : 10000 + cost;
        }
        return total;
}

/* The weight of the best set of all there are. */
static uint64_t best_weight(const struct graph *graph, const struct graph_cut_options *options,
                            uint32_t hopeless) {
        uint64_t best = UINT64_MAX;

        for (uint32_t set = 0; set < 1U << graph->changes.count; set += 2)
                if (reaching(graph, options, set) == hopeless)
                        best = MIN(best, weight(graph, set, options->by_cost));
        return best;
}

static void check_cut(const struct graph *graph, struct random *random, uint32_t vertices) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        uint32_t starts[6], target = below(random, vertices), set = 0, hopeless;
        struct graph_cut_options options = {
                .starts = starts, .targets = &target, .target_count = 1, .by_cost = below(random, 2)
        };
        struct graph_cut cut;

        for (uint32_t i = 0; i < 6; i++) {
                uint32_t start = below(random, vertices);

                if (start != target)
                        starts[options.start_count++] = start;
        }
        graph_cut(graph, &arena, &options, &cut);
        hopeless = reaching(graph, &options, UINT32_MAX - 1);
        assert_int_equal(cut.reaching, reaching(graph, &options, 0));
        assert_int_equal(cut.remaining, hopeless);
        assert_true(cut.best);
        for (size_t i = 0; i < cut.count; i++) {
                uint32_t before = set;

                set |= 1U << cut.items[i].change;
                assert_true(set != before);
                assert_int_equal(cut.items[i].so_far,
                                 cut.reaching - reaching(graph, &options, set));
                assert_int_equal(cut.items[i].alone,
                                 cut.reaching -
                                         reaching(graph, &options, 1U << cut.items[i].change));
        }
        assert_int_equal(reaching(graph, &options, set), hopeless);
        assert_true(weight(graph, set, options.by_cost) == best_weight(graph, &options, hopeless));
}

static void cuts_are_as_small_as_any(void **state) {
        struct random random = { 3 };

        (void)state;
        for (int round = 0; round < 600; round++) {
                struct graph graph _cleanup_(graph_free) = { 0 };
                uint32_t vertices = 3 + below(&random, 12);

                make(&graph, &random, vertices, vertices + below(&random, vertices * 2),
                     1 + below(&random, CHANGES_MAX));
                check_cut(&graph, &random, vertices);
        }
}

/* --- hitting sets --- */

static void hitting_sets_are_as_small_as_any(void **state) {
        struct random random = { 4 };

        (void)state;
        for (int round = 0; round < 2000; round++) {
                uint32_t weights[12], items[12][12], things = 2 + below(&random, 10);
                struct hitting_set sets[12];
                struct hitting_problem problem = { .sets = sets,
                                                   .set_count = 1 + below(&random, 11),
                                                   .weights = weights,
                                                   .things = things,
                                                   .effort = 100000 };
                uint64_t best = UINT64_MAX, have = 0;
                bool chosen[12];

                for (uint32_t i = 0; i < things; i++)
                        weights[i] = 1 + below(&random, 4);
                for (size_t i = 0; i < problem.set_count; i++) {
                        sets[i] = (struct hitting_set){ items[i], 0 };
                        for (uint32_t k = 0; k < things; k++)
                                if (below(&random, 3) == 0)
                                        items[i][sets[i].count++] = k;
                        if (sets[i].count == 0)
                                items[i][sets[i].count++] = below(&random, things);
                }
                assert_true(hitting_solve(&problem, chosen));
                for (uint32_t set = 0; set < 1U << things; set++) {
                        uint64_t total = 0;
                        bool hits = true;

                        for (size_t i = 0; i < problem.set_count && hits; i++) {
                                hits = false;
                                for (size_t k = 0; k < sets[i].count; k++)
                                        hits |= set >> sets[i].items[k] & 1;
                        }
                        for (uint32_t k = 0; k < things; k++)
                                total += set >> k & 1 ? weights[k] : 0;
                        if (hits)
                                best = MIN(best, total);
                }
                for (size_t i = 0; i < problem.set_count; i++) {
                        bool hit = false;

                        for (size_t k = 0; k < sets[i].count; k++)
                                hit |= chosen[sets[i].items[k]];
                        assert_true(hit);
                }
                for (uint32_t k = 0; k < things; k++)
                        have += chosen[k] ? weights[k] : 0;
                assert_true(have == best);
        }
}

static void a_search_that_is_given_up_says_so(void **state) {
        enum { THINGS = 40 };
        uint32_t weights[THINGS], items[THINGS * (THINGS - 1) / 2][2];
        struct hitting_set sets[THINGS * (THINGS - 1) / 2];
        struct hitting_problem problem = { .sets = sets, .weights = weights, .things = THINGS };
        struct random random = { 5 };
        bool chosen[THINGS];

        (void)state;
        for (uint32_t i = 0; i < THINGS; i++)
                weights[i] = 10;
        for (uint32_t i = 0; i < THINGS; i++)
                for (uint32_t k = i + 1; k < THINGS; k++) {
                        if (below(&random, 2))
                                continue;
                        items[problem.set_count][0] = i;
                        items[problem.set_count][1] = k;
                        sets[problem.set_count] =
                                (struct hitting_set){ items[problem.set_count], 2 };
                        problem.set_count++;
                }
        problem.effort = 5000;
        assert_false(hitting_solve(&problem, chosen));
        for (size_t i = 0; i < problem.set_count; i++)
                assert_true(chosen[items[i][0]] || chosen[items[i][1]]);
}

/* --- folders of a node --- */

static void folders_of_a_node(void **state) {
        (void)state;
        assert_int_equal(graph_host_path(STR("/srv/data"), false), 0);
        assert_int_equal(graph_host_path(STR("/etc/kubernetes/pki/ca.crt"), true), 0);
        assert_true(graph_host_path(STR("/"), true) & GRAPH_HOST_SOCKET);
        assert_false(graph_host_path(STR("/"), true) & GRAPH_HOST_WRITE_NODE);
        assert_true(graph_host_path(STR("/var/run"), true) & GRAPH_HOST_SOCKET);
        assert_true(graph_host_path(STR("/var/lib/kubelet"), false) & GRAPH_HOST_WRITE_NODE);
        assert_false(graph_host_path(STR("/var/lib/kubelet/plugins"), false) &
                     GRAPH_HOST_WRITE_NODE);
        assert_true(graph_host_path(STR("/dev/nvme0n1"), true) & GRAPH_HOST_DEVICES);
        assert_false(graph_host_path(STR("/etcetera"), false) & GRAPH_HOST_WRITE_NODE);
}

/* --- the table --- */

static void every_attack_is_described(void **state) {
        (void)state;
        for (size_t i = 0; i < GRAPH_ATTACKS; i++) {
                const struct graph_attack *attack = &graph_attacks[i];

                assert_non_null(attack->id);
                assert_true(attack->title[0] && attack->what[0] && attack->from[0] &&
                            attack->to[0]);
                assert_ptr_equal(graph_attack_find(str_from(attack->id)), attack);
                if (attack->steps == 0)
                        continue;
                assert_true(attack->check[0] && attack->technique[0] == 'T');
                assert_true(attack->cost == 0 || attack->fix[0]);
                assert_true(attack->cost <= 5);
        }
        assert_null(graph_attack_find(STR("")));
        assert_null(graph_attack_find(STR("NOTHING")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(shortest_paths_are_those_of_the_simple_way),
                cmocka_unit_test(blast_counts_what_a_walk_reaches),
                cmocka_unit_test(cuts_are_as_small_as_any),
                cmocka_unit_test(hitting_sets_are_as_small_as_any),
                cmocka_unit_test(a_search_that_is_given_up_says_so),
                cmocka_unit_test(folders_of_a_node),
                cmocka_unit_test(every_attack_is_described),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
