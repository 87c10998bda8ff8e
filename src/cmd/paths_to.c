/* redoubt paths to: the shortest ways from the starts to what must not be lost. */
#include <inttypes.h>

#include "base/util.h"
#include "cmd/paths.h"

#define AT(field) offsetof(struct paths_arguments, field)

struct answer {
        const struct paths_arguments *arguments;
        const struct graph *graph;
        struct arena *arena;
        struct paths_list starts;
        struct paths_target *targets;
        struct graph_search *searches;
        size_t target_count;
        bool complete, found;
        bool *explained; /* by attack */
};

/* Pods of one workload whose containers have the same way. */
struct group {
        uint32_t start, steps;
        size_t count; /* pods */
        const uint32_t *edges;
        size_t length;
        bool exposed;
};

struct groups {
        struct group *items;
        size_t count, capacity;
};

/* --- starts that get there --- */

static bool gets_there(const struct graph_search *search, uint32_t start) {
        return search->steps[start] != GRAPH_FAR && search->hops[start] > 0;
}

static int compare_groups(const void *a, const void *b) {
        const struct group *left = a, *right = b;

        if (left->exposed != right->exposed)
                return left->exposed ? -1 : 1;
        if (left->steps != right->steps)
                return left->steps < right->steps ? -1 : 1;
        return (left->start > right->start) - (left->start < right->start);
}

/* What a start is known by: its workload and container; of other things, themselves. */
static struct str group_key(struct answer *answer, uint32_t start,
                            const struct graph_search *search, const uint32_t *edges,
                            size_t length) {
        const struct graph_vertex *vertex = &answer->graph->vertices.items[start];
        struct buf key _cleanup_(buf_free) = BUF_INIT;

        if (vertex->kind != GRAPH_CONTAINER)
                return arena_printf(answer->arena, "%u", start);
        buf_printf(&key, "%.*s\037%.*s\037%.*s\037%u\037%d", STR_ARG(vertex->namespace),
                   STR_ARG(vertex->owner), STR_ARG(vertex->part), search->steps[start],
                   vertex->exposed);
        for (size_t i = 0; i < length; i++)
                buf_printf(&key, " %u", answer->graph->edges.items[edges[i]].attack);
        return arena_str(answer->arena, buf_str(&key));
}

static void group_starts(struct answer *answer, const struct graph_search *search,
                         struct groups *ret) {
        struct map known _cleanup_(map_free) = MAP_INIT;

        for (size_t i = 0; i < answer->starts.count; i++) {
                uint32_t start = answer->starts.items[i], *edges;
                struct map_entry *entry;
                size_t length;

                if (!gets_there(search, start))
                        continue;
                length = graph_path(answer->graph, search, answer->arena, start, &edges);
                entry = map_put(&known, group_key(answer, start, search, edges, length));
                if (!entry->value) {
                        *(struct group *)vec_push_in(answer->arena, ret) = (struct group){
                                .start = start,
                                .steps = search->steps[start],
                                .edges = edges,
                                .length = length,
                                .exposed =
                                        answer->graph->vertices.items[start].exposed ||
                                        answer->graph->vertices.items[start].kind == GRAPH_EXTERNAL,
                        };
                        entry->value = (void *)(uintptr_t)ret->count;
                }
                ret->items[(uintptr_t)entry->value - 1].count++;
        }
        if (ret->count > 1)
                qsort(ret->items, ret->count, sizeof *ret->items, compare_groups);
}

static size_t count_there(const struct answer *answer, const struct graph_search *search) {
        size_t count = 0;

        for (size_t i = 0; i < answer->starts.count; i++)
                count += gets_there(search, answer->starts.items[i]);
        return count;
}

/* --- text --- */

/* Width of the column before the places. */
enum { PLACE_COLUMN = 84 };

static void add_edge_text(struct answer *answer, struct buf *buf, const struct graph_edge *edge,
                          struct str identity) {
        const struct graph_attack *attack = &graph_attacks[edge->attack];
        struct str place = graph_place_text(answer->graph, answer->arena, edge->place);
        size_t begin = buf->len, width;

        buf_printf(buf, "      %s", attack->title);
        if (edge->detail.len > 0) {
                buf_add(buf, STR(" ("));
                buf_add_terminal(buf, edge->detail);
                buf_add_char(buf, ')');
        }
        buf_add(buf, STR(" -> "));
        buf_add_terminal(buf, graph_name(answer->graph, answer->arena, edge->to));
        width = buf->len - begin;
        if (place.len > 0) {
                buf_add_repeat(buf, ' ', width < PLACE_COLUMN ? PLACE_COLUMN - width : 2);
                buf_add_terminal(buf, place);
        }
        buf_add_char(buf, '\n');
        if (answer->arguments->explain && attack->steps > 0 && !answer->explained[edge->attack]) {
                answer->explained[edge->attack] = true;
                paths_explain(buf, answer->graph, edge, identity, "          ");
        }
}

static void add_path_text(struct answer *answer, struct buf *buf, const uint32_t *edges,
                          size_t count) {
        struct str identity = STR("");

        for (size_t i = 0; i < count; i++) {
                const struct graph_edge *edge = &answer->graph->edges.items[edges[i]];

                identity = paths_identity(answer->graph, answer->arena, edge->from, identity);
                /* That a pod holds its containers goes without saying. */
                if (edge->attack != GRAPH_CONTAINS || i + 1 == count ||
                    edge->to == answer->graph->admin)
                        add_edge_text(answer, buf, edge, identity);
        }
}

struct path_writer {
        struct answer *answer;
        struct buf *buf;
        size_t number;
};

static bool write_path(void *userdata, const uint32_t *edges, size_t count) {
        struct path_writer *writer = userdata;

        if (writer->number++ > 0)
                buf_add(writer->buf, STR("      or\n"));
        add_path_text(writer->answer, writer->buf, edges, count);
        paths_flush(writer->buf);
        return true;
}

static void add_group_text(struct answer *answer, struct buf *buf,
                           const struct graph_search *search, const struct group *group) {
        const struct graph_vertex *vertex = &answer->graph->vertices.items[group->start];
        uint32_t steps = search->steps[group->start];
        struct path_writer writer = { answer, buf, 0 };

        buf_printf(buf, "  %u step%s  ", steps, steps == 1 ? " " : "s");
        buf_add_terminal(buf, graph_name(answer->graph, answer->arena, group->start));
        if (group->count > 1)
                buf_printf(buf, " and %zu more pod%s of ", group->count - 1,
                           group->count == 2 ? "" : "s");
        if (group->count > 1)
                buf_add_terminal(buf, vertex->owner);
        if (vertex->exposed)
                buf_add(buf, STR("   exposed"));
        if (search->paths[group->start] > 1)
                buf_printf(buf, "   %" PRIu64 "%s ways of that length", search->paths[group->start],
                           search->paths[group->start] == UINT64_MAX ? " or more" : "");
        buf_add_char(buf, '\n');
        if (answer->arguments->all)
                graph_each_path(answer->graph, search, group->start, SIZE_MAX, write_path, &writer);
        else
                add_path_text(answer, buf, group->edges, group->length);
}

static void add_target_text(struct answer *answer, struct buf *buf, size_t number) {
        const struct graph_search *search = &answer->searches[number];
        size_t there = count_there(answer, search), limit = (size_t)answer->arguments->limit;
        struct groups groups = { 0 };

        group_starts(answer, search, &groups);
        buf_add_terminal(buf, answer->targets[number].name);
        buf_printf(buf, ": %zu of %zu starts get there\n", there, answer->starts.count);
        for (size_t i = 0; i < groups.count && (limit == 0 || i < limit); i++) {
                add_group_text(answer, buf, search, &groups.items[i]);
                paths_flush(buf);
        }
        if (limit > 0 && groups.count > limit)
                buf_printf(buf, "  and %zu more (--limit 0 shows all)\n", groups.count - limit);
        buf_add_char(buf, '\n');
}

static void add_assumptions(struct buf *buf, const struct graph *graph) {
        for (size_t i = 0; i < graph->assumptions.count; i++) {
                buf_add(buf, STR("assumed: "));
                buf_add_terminal(buf, graph->assumptions.items[i]);
                buf_add_char(buf, '\n');
        }
}

static void write_text(struct answer *answer, struct buf *buf) {
        for (size_t i = 0; i < answer->target_count; i++)
                add_target_text(answer, buf, i);
        add_assumptions(buf, answer->graph);
        if (answer->found && !answer->arguments->explain)
                buf_add(buf,
                        STR("next: redoubt paths cut; --explain says how to check each step\n"));
}

/* --- JSON --- */

static void add_path_json(struct answer *answer, struct buf *buf, const uint32_t *edges,
                          size_t count) {
        struct str identity = STR("");

        buf_add_char(buf, '[');
        for (size_t i = 0; i < count; i++) {
                const struct graph_edge *edge = &answer->graph->edges.items[edges[i]];

                identity = paths_identity(answer->graph, answer->arena, edge->from, identity);
                buf_add(buf, i ? STR(",") : STR(""));
                paths_add_edge(buf, answer->graph, edge, identity, answer->arguments->explain);
        }
        buf_add_char(buf, ']');
}

static bool write_path_json(void *userdata, const uint32_t *edges, size_t count) {
        struct path_writer *writer = userdata;

        buf_add(writer->buf, writer->number++ ? STR(",") : STR(""));
        add_path_json(writer->answer, writer->buf, edges, count);
        paths_flush(writer->buf);
        return true;
}

static void add_start_json(struct answer *answer, struct buf *buf,
                           const struct graph_search *search, uint32_t start) {
        struct path_writer writer = { answer, buf, 0 };
        struct arena_mark mark = arena_mark(answer->arena);
        uint32_t *edges;
        size_t count;

        buf_add(buf, STR("{\"start\":"));
        paths_add_vertex(buf, answer->graph, start);
        buf_printf(buf, ",\"steps\":%u,\"shortestPaths\":%" PRIu64 ",\"paths\":[",
                   search->steps[start], search->paths[start]);
        if (answer->arguments->all) {
                graph_each_path(answer->graph, search, start, SIZE_MAX, write_path_json, &writer);
        } else {
                count = graph_path(answer->graph, search, answer->arena, start, &edges);
                add_path_json(answer, buf, edges, count);
        }
        buf_add(buf, STR("]}"));
        arena_rewind(answer->arena, mark);
}

static void write_json(struct answer *answer, struct buf *buf) {
        buf_add(buf, STR("{\"targets\":["));
        for (size_t i = 0; i < answer->target_count; i++) {
                const struct graph_search *search = &answer->searches[i];
                bool begun = false;

                buf_add(buf, i ? STR(",{\"target\":") : STR("{\"target\":"));
                buf_add_json(buf, answer->targets[i].name);
                buf_printf(buf, ",\"starts\":%zu,\"reaching\":%zu,\"from\":[", answer->starts.count,
                           count_there(answer, search));
                for (size_t k = 0; k < answer->starts.count; k++) {
                        if (!gets_there(search, answer->starts.items[k]))
                                continue;
                        buf_add(buf, begun ? STR(",") : STR(""));
                        add_start_json(answer, buf, search, answer->starts.items[k]);
                        begun = true;
                        paths_flush(buf);
                }
                buf_add(buf, STR("]}"));
        }
        buf_add(buf, STR("],"));
        paths_add_remarks(buf, answer->graph, answer->complete);
        buf_add(buf, STR("}\n"));
}

/* --- the verb --- */

static void search_all(struct answer *answer) {
        answer->searches =
                arena_new_array(answer->arena, answer->target_count, struct graph_search);
        for (size_t i = 0; i < answer->target_count; i++) {
                graph_search(answer->graph, answer->arena, answer->targets[i].ends.items,
                             answer->targets[i].ends.count, GRAPH_BACKWARD, NULL,
                             &answer->searches[i]);
                answer->found |= count_there(answer, &answer->searches[i]) > 0;
        }
}

static void write_answer(struct answer *answer) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct paths_picture picture = { answer->graph,        answer->targets, answer->searches,
                                         answer->target_count, &answer->starts, answer->complete };

        if (answer->arguments->format == PATHS_TEXT)
                write_text(answer, &buf);
        else if (answer->arguments->format == PATHS_JSON)
                write_json(answer, &buf);
        else
                paths_add_picture(&buf, &picture, answer->arguments->format);
        fwrite(buf.data, 1, buf.len, stdout);
}

static int run(struct command_context *context, int argc, char **argv) {
        struct graph graph _cleanup_(graph_free) = { 0 };
        bool explained[GRAPH_ATTACKS] = { 0 };
        struct answer answer = { .arguments = context->options,
                                 .graph = &graph,
                                 .arena = context->arena,
                                 .explained = explained };
        int r = paths_read(context, &graph, &answer.complete);

        if (r >= 0)
                r = paths_starts(context, &graph, &answer.starts);
        if (r >= 0)
                r = paths_targets(context, &graph, argc, argv, &answer.targets,
                                  &answer.target_count);
        if (r < 0)
                return r;
        search_all(&answer);
        write_answer(&answer);
        return paths_status(answer.found, answer.complete);
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE, AT(format),
          .words = paths_all_formats },
        { 0, "explain", NULL, "what each step is, how to check it, and the fix", OPTION_FLAG,
          AT(explain) },
        { 0, "all", NULL, "every shortest path, not one for each start", OPTION_FLAG, AT(all) },
        { 0, "limit", "N", "ways shown for each target as text; 0: all (default: 20)",
          OPTION_INTEGER, AT(limit) },
        PATHS_INPUT_OPTIONS,
        PATHS_START_OPTION,
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "TARGET", .optional = true, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt paths to -f examples/shop",
          "who gets to cluster-admin, all secrets, the nodes" },
        { "redoubt paths to cluster-admin --explain -f examples/shop",
          "with what each step is, how to check it, and the fix" },
        { "redoubt paths to secret/shop/db --start exposed -f examples/shop",
          "from what the internet reaches to one secret" },
        { "redoubt paths to -o html --from cluster.snapshot > paths.html", "a page" },
        { NULL },
};

const struct command command_paths_to = {
        .name = "to",
        .summary = "the shortest ways to cluster-admin, secrets, nodes, or anything else",
        .description =
                "Shows from which containers, or other starts, an attacker gets to TARGET, and the "
                "shortest way: each step with the line that makes it possible. TARGET is "
                "cluster-admin, secrets (all of them), nodes (any one), or a thing: pod/NS/NAME, "
                "deployment/NS/NAME, sa/NS/NAME, secret/NS/NAME, node/NAME, user/NAME, group/NAME, "
                "namespace/NS (everything in it), secrets/NS (all of its secrets). Without TARGET: "
                "the first three.\n\nExit status: 0 nobody gets there, 1 somebody does, 2 an "
                "error, 3 something could not be read or is missing.",
        .options = specs,
        .defaults = &paths_defaults,
        .options_size = sizeof paths_defaults,
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
