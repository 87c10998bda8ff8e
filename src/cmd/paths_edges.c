/* redoubt paths edges and attacks: the graph itself, and the table of its attacks. */
#include <errno.h>

#include "base/util.h"
#include "cmd/paths.h"
#include "cmd/table.h"

/* --- edges --- */

struct edge_arguments {
        struct paths_arguments paths; /* first: what reads the input looks there */
        struct option_strings attacks;
        bool structure;
};

#define AT(field) (offsetof(struct edge_arguments, paths) + offsetof(struct paths_arguments, field))

static int choose_attacks(struct command_context *context, bool *ret) {
        const struct edge_arguments *arguments = context->options;

        for (size_t i = 0; i < GRAPH_ATTACKS; i++)
                ret[i] = arguments->attacks.count == 0 &&
                         (arguments->structure || graph_attacks[i].steps > 0);
        for (size_t i = 0; i < arguments->attacks.count; i++) {
                const struct graph_attack *attack =
                        graph_attack_find(str_from(arguments->attacks.items[i]));

                if (!attack)
                        return error_set(context->error, -EINVAL,
                                         "there is no attack \"%s\"; redoubt paths attacks lists "
                                         "them",
                                         arguments->attacks.items[i]);
                ret[attack - graph_attacks] = true;
        }
        return 0;
}

static void edges_text(struct buf *buf, struct arena *arena, const struct graph *graph,
                       const bool *chosen) {
        for (size_t i = 0; i < graph->edges.count; i++) {
                const struct graph_edge *edge = &graph->edges.items[i];
                struct arena_mark mark = arena_mark(arena);

                if (!chosen[edge->attack])
                        continue;
                buf_printf(buf, "%s  ", graph_attacks[edge->attack].id);
                buf_add_terminal(buf, graph_name(graph, arena, edge->from));
                buf_add(buf, STR(" -> "));
                buf_add_terminal(buf, graph_name(graph, arena, edge->to));
                if (edge->detail.len > 0) {
                        buf_add(buf, STR("  ("));
                        buf_add_terminal(buf, edge->detail);
                        buf_add_char(buf, ')');
                }
                if (edge->place.file) {
                        buf_add(buf, STR("  "));
                        buf_add_terminal(buf, graph_place_text(graph, arena, edge->place));
                }
                buf_add_char(buf, '\n');
                paths_flush(buf);
                arena_rewind(arena, mark);
        }
}

static void edges_json(struct buf *buf, const struct graph *graph, const bool *chosen,
                       bool complete) {
        bool begun = false;

        buf_add(buf, STR("{\"edges\":["));
        for (size_t i = 0; i < graph->edges.count; i++) {
                if (!chosen[graph->edges.items[i].attack])
                        continue;
                buf_add(buf, begun ? STR(",\n") : STR("\n"));
                paths_add_edge(buf, graph, &graph->edges.items[i], STR(""), false);
                paths_flush(buf);
                begun = true;
        }
        buf_add(buf, STR("],"));
        paths_add_remarks(buf, graph, complete);
        buf_add(buf, STR("}\n"));
}

static int edges(struct command_context *context, _unused_ int argc, _unused_ char **argv) {
        const struct edge_arguments *arguments = context->options;
        struct graph graph _cleanup_(graph_free) = { 0 };
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        bool chosen[GRAPH_ATTACKS], complete;
        int r = choose_attacks(context, chosen);

        if (r >= 0)
                r = paths_read(context, &graph, &complete);
        if (r < 0)
                return r;
        if (arguments->paths.format == PATHS_JSON)
                edges_json(&buf, &graph, chosen, complete);
        else
                edges_text(&buf, context->arena, &graph, chosen);
        fwrite(buf.data, 1, buf.len, stdout);
        return complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
}

static const struct option_spec edge_specs[] = {
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE, AT(format),
          .words = paths_text_json },
        { 0, "attack", "ID", "only these; see redoubt paths attacks", OPTION_STRINGS,
          offsetof(struct edge_arguments, attacks), .comma = true },
        { 0, "structure", NULL, "also what is a part of what", OPTION_FLAG,
          offsetof(struct edge_arguments, structure) },
        PATHS_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_example edge_examples[] = {
        { "redoubt paths edges -f examples/shop", "every single step that is possible" },
        { "redoubt paths edges --attack ESCAPE_PRIVILEGED -f examples/shop", "of one kind" },
        { NULL },
};

const struct command command_paths_edges = {
        .name = "edges",
        .summary = "every step that an attacker could take, whether it leads anywhere or not",
        .description =
                "Lists the edges of the graph in a fixed order: for a review, or to load them into "
                "another program.\n\nExit status: 0, 2 an error, 3 something could not be read or "
                "is missing.",
        .options = edge_specs,
        .options_size = sizeof(struct edge_arguments),
        .examples = edge_examples,
        .run = edges,
};

/* --- attacks --- */

struct attack_arguments {
        int format;
};

static void attack_json(struct buf *buf, const struct graph_attack *attack) {
        const struct {
                const char *key, *value;
        } members[] = { { "from", attack->from },   { "to", attack->to },
                        { "title", attack->title }, { "what", attack->what },
                        { "check", attack->check }, { "technique", attack->technique },
                        { "fix", attack->fix } };

        buf_printf(buf, "{\"id\":\"%s\"", attack->id);
        for (size_t i = 0; i < ELEMENTS(members); i++) {
                buf_printf(buf, ",\"%s\":", members[i].key);
                buf_add_json(buf, str_from(members[i].value));
        }
        buf_printf(buf, ",\"steps\":%u,\"cost\":%u}", attack->steps, attack->cost);
}

static void attack_text(struct buf *buf, const struct graph_attack *attack) {
        struct str check = str_from(attack->check), line;

        buf_printf(buf, "%s: %s (%s -> %s)\n", attack->id, attack->title, attack->from, attack->to);
        buf_printf(buf, "  %s%s%s%s\n", attack->what, attack->technique[0] ? " (ATT&CK " : "",
                   attack->technique, attack->technique[0] ? ")" : "");
        while (str_split(&check, '\n', &line))
                if (line.len > 0)
                        buf_printf(buf, "  check: %.*s\n", STR_ARG(line));
        if (attack->fix[0])
                buf_printf(buf, "  fix: %s\n", attack->fix);
}

static void all_attacks(struct buf *buf, struct arena *arena, int format) {
        struct table table = { .columns = 4 };

        if (format == PATHS_JSON) {
                buf_add(buf, STR("{\"attacks\":["));
                for (size_t i = 0; i < GRAPH_ATTACKS; i++) {
                        buf_add(buf, i ? STR(",\n") : STR("\n"));
                        attack_json(buf, &graph_attacks[i]);
                }
                buf_add(buf, STR("]}\n"));
                return;
        }
        table_add(arena, &table, STR("ATTACK"), STR("ATT&CK"), STR("FROM -> TO"), STR("WHAT"));
        for (size_t i = 0; i < GRAPH_ATTACKS; i++)
                if (graph_attacks[i].steps > 0)
                        table_add(arena, &table, str_from(graph_attacks[i].id),
                                  str_from(graph_attacks[i].technique),
                                  arena_printf(arena, "%s -> %s", graph_attacks[i].from,
                                               graph_attacks[i].to),
                                  str_from(graph_attacks[i].title));
        table_write(buf, &table);
}

static int attacks(struct command_context *context, int argc, char **argv) {
        const struct attack_arguments *arguments = context->options;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        if (argc == 0)
                all_attacks(&buf, context->arena, arguments->format);
        for (int i = 0; i < argc; i++) {
                const struct graph_attack *attack = graph_attack_find(str_from(argv[i]));

                if (!attack)
                        return error_set(context->error, -EINVAL,
                                         "there is no attack \"%s\"; redoubt paths attacks lists "
                                         "them",
                                         argv[i]);
                if (arguments->format == PATHS_JSON)
                        attack_json(&buf, attack);
                else
                        attack_text(&buf, attack);
                if (arguments->format == PATHS_JSON)
                        buf_add_char(&buf, '\n');
        }
        fwrite(buf.data, 1, buf.len, stdout);
        return COMMAND_CLEAN;
}

static const struct option_spec attack_specs[] = {
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE,
          offsetof(struct attack_arguments, format), .words = paths_text_json },
        OPTION_END,
};

static const struct command_positional attack_positionals[] = {
        { "ATTACK", .optional = true, .repeated = true },
        { NULL },
};

static const struct command_example attack_examples[] = {
        { "redoubt paths attacks", "the table of attacks" },
        { "redoubt paths attacks ROLE_ESCALATE", "what one is, how to check it, and the fix" },
        { NULL },
};

const struct command command_paths_attacks = {
        .name = "attacks",
        .summary = "the attacks that are known, with their techniques and fixes",
        .description =
                "Lists the attacks that make the edges of the graph, or describes those that "
                "are named.",
        .options = attack_specs,
        .options_size = sizeof(struct attack_arguments),
        .positionals = attack_positionals,
        .examples = attack_examples,
        .run = attacks,
};
