/* redoubt paths cut: the fewest changes after which nobody gets there. */
#include "base/util.h"
#include "cmd/paths.h"
#include "cmd/table.h"

#define AT(field) offsetof(struct paths_arguments, field)

struct answer {
        const struct paths_arguments *arguments;
        const struct graph *graph;
        struct arena *arena;
        struct str targets;
        const struct paths_list *starts;
        struct graph_cut cut;
        bool complete;
};

static void add_table(const struct answer *answer, struct buf *buf) {
        size_t limit = answer->arguments->limit ? (size_t)answer->arguments->limit : SIZE_MAX;
        struct table table = { .columns = 5 };
        struct arena *arena = answer->arena;

        table_add(arena, &table, STR("CUTS OFF"), STR("ALONE"), STR("COST"), STR("CHANGE"),
                  STR("WHERE"));
        for (size_t i = 0; i < answer->cut.count && i < limit; i++) {
                const struct graph_cut_item *item = &answer->cut.items[i];
                const struct graph_change *change = &answer->graph->changes.items[item->change];

                table_add(arena, &table, arena_printf(arena, "%u", item->so_far),
                          arena_printf(arena, "%u", item->alone),
                          arena_printf(arena, "%u", change->cost), change->text,
                          graph_place_text(answer->graph, arena, change->place));
        }
        table_write(buf, &table);
        if (answer->cut.count > limit)
                buf_printf(buf, "and %zu more (--limit 0 shows all)\n", answer->cut.count - limit);
}

static void write_text(const struct answer *answer, struct buf *buf) {
        const struct graph_cut *cut = &answer->cut;
        uint32_t can = cut->reaching - cut->remaining;

        buf_add_terminal(buf, answer->targets);
        buf_printf(buf, ": %u of %zu starts get there\n", cut->reaching, answer->starts->count);
        if (cut->remaining > 0)
                buf_printf(buf,
                           "%u of them by a way that no single change takes away (what must be as "
                           "it is: nodes of the control plane, bindings of the system)\n",
                           cut->remaining);
        if (can > 0) {
                buf_printf(buf, "%zu change%s cut%s off %s%u%s:\n", cut->count,
                           cut->count == 1 ? "" : "s", cut->count == 1 ? "s" : "",
                           cut->remaining ? "the other " : "all ", can,
                           cut->best ? answer->arguments->by_cost ? ", no cheaper set does"
                                                                  : ", no smaller set does"
                                     : " (a smaller set may do: the search was given up)");
                add_table(answer, buf);
        }
        for (size_t i = 0; i < answer->graph->assumptions.count; i++) {
                buf_add(buf, STR("assumed: "));
                buf_add_terminal(buf, answer->graph->assumptions.items[i]);
                buf_add_char(buf, '\n');
        }
}

static void write_json(const struct answer *answer, struct buf *buf) {
        const struct graph_cut *cut = &answer->cut;

        buf_add(buf, STR("{\"targets\":"));
        buf_add_json(buf, answer->targets);
        buf_printf(
                buf, ",\"starts\":%zu,\"reaching\":%u,\"remaining\":%u,\"best\":%s,\"changes\":[",
                answer->starts->count, cut->reaching, cut->remaining, cut->best ? "true" : "false");
        for (size_t i = 0; i < cut->count; i++) {
                const struct graph_cut_item *item = &cut->items[i];
                const struct graph_change *change = &answer->graph->changes.items[item->change];

                buf_add(buf, i ? STR(",{\"change\":") : STR("{\"change\":"));
                buf_add_json(buf, change->text);
                buf_printf(buf, ",\"cost\":%u,\"alone\":%u,\"soFar\":%u,\"edges\":%u", change->cost,
                           item->alone, item->so_far, change->edges);
                if (change->place.file) {
                        buf_add(buf, STR(",\"file\":"));
                        buf_add_json(buf, answer->graph->files.items[change->place.file]);
                        buf_printf(buf, ",\"line\":%u", change->place.line);
                }
                buf_add_char(buf, '}');
        }
        buf_add(buf, STR("],"));
        paths_add_remarks(buf, answer->graph, answer->complete);
        buf_add(buf, STR("}\n"));
}

static void join_targets(struct answer *answer, const struct paths_target *targets, size_t count,
                         struct paths_list *ret) {
        struct buf names _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < count; i++) {
                buf_add(&names, i == 0 ? STR("") : i + 1 == count ? STR(" or ") : STR(", "));
                buf_add(&names, targets[i].name);
                for (size_t k = 0; k < targets[i].ends.count; k++)
                        *(uint32_t *)vec_push_in(answer->arena, ret) = targets[i].ends.items[k];
        }
        answer->targets = arena_str(answer->arena, buf_str(&names));
}

static int run(struct command_context *context, int argc, char **argv) {
        struct graph graph _cleanup_(graph_free) = { 0 };
        struct answer answer = { context->options, &graph, context->arena };
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct paths_list starts = { 0 }, ends = { 0 };
        struct paths_target *targets = NULL;
        struct graph_cut_options options;
        size_t count = 0;
        int r = paths_read(context, &graph, &answer.complete);

        if (r >= 0)
                r = paths_starts(context, &graph, &starts);
        if (r >= 0)
                r = paths_targets(context, &graph, argc, argv, &targets, &count);
        if (r < 0)
                return r;
        answer.starts = &starts;
        join_targets(&answer, targets, count, &ends);
        options = (struct graph_cut_options){ .starts = starts.items,
                                              .start_count = starts.count,
                                              .targets = ends.items,
                                              .target_count = ends.count,
                                              .by_cost = answer.arguments->by_cost };
        graph_cut(&graph, context->arena, &options, &answer.cut);
        if (answer.arguments->format == PATHS_JSON)
                write_json(&answer, &buf);
        else
                write_text(&answer, &buf);
        fwrite(buf.data, 1, buf.len, stdout);
        return paths_status(answer.cut.reaching > 0, answer.complete);
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE, AT(format),
          .words = paths_text_json },
        { 0, "by-cost", NULL, "the cheapest changes, not the fewest", OPTION_FLAG, AT(by_cost) },
        { 0, "limit", "N", "changes shown as text; 0: all (default: 20)", OPTION_INTEGER,
          AT(limit) },
        PATHS_INPUT_OPTIONS,
        PATHS_START_OPTION,
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "TARGET", .optional = true, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt paths cut -f examples/shop", "what to change first" },
        { "redoubt paths cut cluster-admin --start exposed -f examples/shop",
          "to keep the internet away from cluster-admin" },
        { NULL },
};

const struct command command_paths_cut = {
        .name = "cut",
        .summary = "the fewest changes that break the paths",
        .description =
                "Finds the smallest set of changes (a binding removed, a rule narrowed, a "
                "capability "
                "dropped, a namespace labelled) after which no start gets to a TARGET, and among "
                "the smallest the cheapest; then orders it so that what breaks most comes first. "
                "Costs go from 1 (harmless) to 5 (changes how things work).\n\nExit status: 0 "
                "nobody gets there today, 1 somebody does, 2 an error, 3 something could not be "
                "read or is missing.",
        .options = specs,
        .defaults = &paths_defaults,
        .options_size = sizeof paths_defaults,
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
