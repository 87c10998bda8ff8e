/*
 * Fuzzes attack paths: whatever objects there are, the graph is made, its rows fit, searches end
 * with paths that hang together, and a cut leaves nobody who can be helped.
 */
#include <assert.h>
#include <stdint.h>

#include "base/util.h"
#include "graph/graph.h"
#include "graph/surface.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_paths(const struct graph *graph, const struct graph_search *search) {
        for (uint32_t i = 0; i < search->reached; i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                uint32_t vertex = search->order[i], at = vertex, *edges;
                size_t count = graph_path(graph, search, &arena, vertex, &edges);

                assert(count == search->hops[vertex] && search->paths[vertex] > 0);
                for (size_t k = 0; k < count; k++) {
                        assert(graph->edges.items[edges[k]].from == at);
                        at = graph->edges.items[edges[k]].to;
                }
                assert(at == graph->admin);
                assert(graph_name(graph, &arena, vertex).len > 0);
        }
}

static void check_cut(const struct graph *graph) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        uint32_t *starts = arena_new_array(&arena, graph->vertices.count, uint32_t);
        bool *removed = arena_new_array(&arena, graph->changes.count, bool);
        struct graph_cut_options options = {
                .starts = starts, .targets = &graph->admin, .target_count = 1, .effort = 10000
        };
        struct graph_search search;
        struct graph_cut cut;
        uint32_t left = 0;

        for (size_t i = 0; i < graph->vertices.count; i++)
                if (graph->vertices.items[i].kind == GRAPH_CONTAINER)
                        starts[options.start_count++] = (uint32_t)i;
        graph_cut(graph, &arena, &options, &cut);
        for (size_t i = 0; i < cut.count; i++)
                removed[cut.items[i].change] = true;
        graph_search(graph, &arena, &graph->admin, 1, GRAPH_BACKWARD, removed, &search);
        for (size_t i = 0; i < options.start_count; i++)
                left += search.steps[starts[i]] != GRAPH_FAR;
        assert(!cut.best || left == cut.remaining);
}

static void see(_unused_ void *userdata, struct str json, _unused_ struct str file,
                _unused_ struct doc_pos pos) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR("surface"), json };
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        assert(doc_read(&reader, &arena, &doc, NULL) == 1);
}

static void check(struct graph *graph) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct graph_search search;
        struct map limits = MAP_INIT;

        graph_finish(graph);
        assert(graph->out_first[graph->vertices.count] == graph->edges.count);
        assert(graph->in_first[graph->vertices.count] == graph->edges.count);
        graph_search(graph, &arena, &graph->admin, 1, GRAPH_BACKWARD, NULL, &search);
        check_paths(graph, &search);
        check_cut(graph);
        graph_surfaces(graph, &limits, see, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct graph_options options = { .lateral = size > 0 && data[size - 1] == '#' };
        struct graph graph _cleanup_(graph_free) = { 0 };
        struct doc_source source;
        struct doc_reader reader;
        struct doc *doc;
        int r;

        if (doc_source_init(&arena, STR("input.yaml"), (struct str){ (const char *)data, size },
                            &source, NULL) < 0)
                return 0;
        graph_init(&graph, &options);
        doc_reader_init(&reader, &source, DOC_AUTO, NULL);
        while ((r = doc_read(&reader, &arena, &doc, NULL)) != 0) {
                struct resource_list resources;

                if (r < 0)
                        continue;
                resources_of(&arena, doc, STR("default"), false, &resources);
                for (size_t i = 0; i < resources.count; i++)
                        graph_add(&graph, source.name, &resources.items[i]);
        }
        check(&graph);
        return 0;
}
