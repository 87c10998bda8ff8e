/* redoubt paths blast: what is lost with one thing, and with which most is lost. */
#include "base/util.h"
#include "cmd/paths.h"
#include "cmd/table.h"

#define AT(field) offsetof(struct paths_arguments, field)

struct answer {
        const struct paths_arguments *arguments;
        const struct graph *graph;
        struct arena *arena;
        bool complete;
};

/* The order in which kinds are shown; what else there is follows. */
static const struct {
        enum graph_kind kind;
        const char *title;
} shown[] = {
        { GRAPH_ADMIN, "everything in" },
        { GRAPH_NODE, "nodes" },
        { GRAPH_SECRETS, "all secrets in" },
        { GRAPH_SECRET, "secrets" },
        { GRAPH_ACCOUNT, "service accounts" },
        { GRAPH_USER, "users" },
        { GRAPH_GROUP, "groups" },
        { GRAPH_CLOUD, "cloud identities" },
        { GRAPH_POD, "pods" },
        { GRAPH_CONTAINER, "containers" },
        { GRAPH_TRAFFIC, "traffic to services of" },
        { GRAPH_VOLUME, "volumes" },
};

/* --- one thing --- */

static size_t count_kind(const struct answer *answer, const struct graph_search *search,
                         enum graph_kind kind) {
        size_t count = 0;

        for (uint32_t i = 0; i < search->reached; i++)
                count += answer->graph->vertices.items[search->order[i]].kind == kind &&
                         search->hops[search->order[i]] > 0;
        return count;
}

static struct str short_name(const struct answer *answer, uint32_t number) {
        const struct graph_vertex *vertex = &answer->graph->vertices.items[number];

        if (vertex->kind == GRAPH_ADMIN || vertex->kind == GRAPH_SECRETS ||
            vertex->kind == GRAPH_TRAFFIC)
                return vertex->namespace.len > 0 ? vertex->namespace : STR("the cluster");
        if (vertex->kind == GRAPH_NODE || vertex->kind == GRAPH_POD ||
            vertex->kind == GRAPH_CONTAINER)
                return graph_name(answer->graph, answer->arena, number);
        return vertex->namespace.len > 0
                       ? arena_printf(answer->arena, "%.*s/%.*s", STR_ARG(vertex->namespace),
                                      STR_ARG(vertex->name))
                       : vertex->name;
}

static void add_kind(const struct answer *answer, struct buf *buf,
                     const struct graph_search *search, size_t k) {
        size_t count = count_kind(answer, search, shown[k].kind), limit, number = 0;

        if (count == 0)
                return;
        limit = answer->arguments->limit ? (size_t)answer->arguments->limit : SIZE_MAX;
        buf_printf(buf, "%s (%zu)\n", shown[k].title, count);
        for (uint32_t i = 0; i < search->reached; i++) {
                uint32_t vertex = search->order[i];

                if (answer->graph->vertices.items[vertex].kind != shown[k].kind ||
                    search->hops[vertex] == 0)
                        continue;
                if (number++ == limit)
                        break;
                buf_printf(buf, "  %2u step%s  ", search->steps[vertex],
                           search->steps[vertex] == 1 ? " " : "s");
                buf_add_terminal(buf, short_name(answer, vertex));
                buf_add_char(buf, '\n');
        }
        if (count > limit)
                buf_printf(buf, "  and %zu more (--limit 0 shows all)\n", count - limit);
}

static void one_text(const struct answer *answer, struct buf *buf,
                     const struct graph_search *search, struct str name) {
        buf_add(buf, STR("with "));
        buf_add_terminal(buf, name);
        buf_add(buf,
                search->reached > 1 ? STR(" an attacker has\n") : STR(" nothing else is lost\n"));
        for (size_t k = 0; k < ELEMENTS(shown); k++)
                add_kind(answer, buf, search, k);
        for (size_t i = 0; i < answer->graph->assumptions.count; i++) {
                buf_add(buf, STR("assumed: "));
                buf_add_terminal(buf, answer->graph->assumptions.items[i]);
                buf_add_char(buf, '\n');
        }
}

static void one_json(const struct answer *answer, struct buf *buf,
                     const struct graph_search *search, struct str name) {
        bool begun = false;

        buf_add(buf, STR("{\"start\":"));
        buf_add_json(buf, name);
        buf_add(buf, STR(",\"reached\":["));
        for (uint32_t i = 0; i < search->reached; i++) {
                uint32_t vertex = search->order[i];

                if (search->hops[vertex] == 0)
                        continue;
                buf_add(buf, begun ? STR(",") : STR(""));
                buf_printf(buf, "{\"steps\":%u,\"what\":", search->steps[vertex]);
                paths_add_vertex(buf, answer->graph, vertex);
                buf_add_char(buf, '}');
                begun = true;
                paths_flush(buf);
        }
        buf_add(buf, STR("],"));
        paths_add_remarks(buf, answer->graph, answer->complete);
        buf_add(buf, STR("}\n"));
}

/* --- all of them --- */

struct ranked {
        uint32_t start;
        struct graph_blast blast;
};

static int compare_ranked(const void *a, const void *b) {
        const struct ranked *left = a, *right = b;
        const uint64_t x[] = { left->blast.admin, left->blast.all_secrets, left->blast.nodes,
                               left->blast.pods,  left->blast.secrets,     left->blast.accounts },
                       y[] = {
                               right->blast.admin, right->blast.all_secrets, right->blast.nodes,
                               right->blast.pods,  right->blast.secrets,     right->blast.accounts
                       };

        for (size_t i = 0; i < ELEMENTS(x); i++)
                if (x[i] != y[i])
                        return x[i] > y[i] ? -1 : 1;
        return (left->start > right->start) - (left->start < right->start);
}

static struct ranked *rank(const struct answer *answer, const struct paths_list *starts) {
        struct graph_blast *blasts =
                arena_new_array(answer->arena, starts->count, struct graph_blast);
        struct ranked *ranked = arena_new_array(answer->arena, starts->count, struct ranked);

        graph_blast(answer->graph, starts->items, starts->count, blasts);
        for (size_t i = 0; i < starts->count; i++)
                ranked[i] = (struct ranked){ starts->items[i], blasts[i] };
        if (starts->count > 1)
                qsort(ranked, starts->count, sizeof *ranked, compare_ranked);
        return ranked;
}

static struct str number(struct arena *arena, uint32_t value) {
        return value ? arena_printf(arena, "%u", value) : STR("-");
}

static void all_text(const struct answer *answer, struct buf *buf, const struct ranked *ranked,
                     size_t count) {
        size_t limit = answer->arguments->limit ? (size_t)answer->arguments->limit : SIZE_MAX;
        struct table table = { .columns = 8 };
        struct arena *arena = answer->arena;

        table_add(arena, &table, STR("ADMIN"), STR("NODES"), STR("SECRETS"), STR("PODS"),
                  STR("NAMESPACES"), STR("ACCOUNTS"), STR("EXPOSED"), STR("START"));
        for (size_t i = 0; i < count && i < limit; i++) {
                const struct graph_blast *blast = &ranked[i].blast;
                const struct graph_vertex *vertex = &answer->graph->vertices.items[ranked[i].start];

                table_add(arena, &table, blast->admin ? STR("yes") : STR("-"),
                          number(arena, blast->nodes),
                          blast->all_secrets ? STR("all") : number(arena, blast->secrets),
                          number(arena, blast->pods), number(arena, blast->namespaces),
                          number(arena, blast->accounts), vertex->exposed ? STR("yes") : STR("-"),
                          graph_name(answer->graph, arena, ranked[i].start));
        }
        table_write(buf, &table);
        if (count > limit)
                buf_printf(buf, "and %zu more (--limit 0 shows all)\n", count - limit);
}

static void all_json(const struct answer *answer, struct buf *buf, const struct ranked *ranked,
                     size_t count) {
        buf_add(buf, STR("{\"starts\":["));
        for (size_t i = 0; i < count; i++) {
                const struct graph_blast *blast = &ranked[i].blast;

                buf_add(buf, i ? STR(",{\"start\":") : STR("{\"start\":"));
                paths_add_vertex(buf, answer->graph, ranked[i].start);
                buf_printf(buf,
                           ",\"clusterAdmin\":%s,\"allSecrets\":%s,\"nodes\":%u,\"pods\":%u,"
                           "\"containers\":%u,\"secrets\":%u,\"serviceAccounts\":%u,"
                           "\"identities\":%u,\"namespaces\":%u}",
                           blast->admin ? "true" : "false", blast->all_secrets ? "true" : "false",
                           blast->nodes, blast->pods, blast->containers, blast->secrets,
                           blast->accounts, blast->identities, blast->namespaces);
                paths_flush(buf);
        }
        buf_add(buf, STR("],"));
        paths_add_remarks(buf, answer->graph, answer->complete);
        buf_add(buf, STR("}\n"));
}

/* --- the verb --- */

static int one(struct command_context *context, const struct answer *answer, char **argv) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct paths_list starts = { 0 };
        struct graph_search search;
        struct str name = STR("");
        int r = 0;

        for (size_t i = 0; argv[i] && r >= 0; i++)
                r = paths_find(context, answer->graph, str_from(argv[i]), false, &starts);
        if (r < 0)
                return r;
        for (size_t i = 0; i < starts.count; i++) {
                struct str other = graph_name(answer->graph, answer->arena, starts.items[i]);

                name = i ? arena_printf(answer->arena, "%.*s, %.*s", STR_ARG(name), STR_ARG(other))
                         : other;
        }
        graph_search(answer->graph, answer->arena, starts.items, starts.count, GRAPH_FORWARD, NULL,
                     &search);
        if (answer->arguments->format == PATHS_JSON)
                one_json(answer, &buf, &search, name);
        else
                one_text(answer, &buf, &search, name);
        fwrite(buf.data, 1, buf.len, stdout);
        return answer->complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
}

static int all(struct command_context *context, const struct answer *answer) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct paths_list starts = { 0 };
        int r = paths_starts(context, answer->graph, &starts);
        const struct ranked *ranked;

        if (r < 0)
                return r;
        ranked = rank(answer, &starts);
        if (answer->arguments->format == PATHS_JSON)
                all_json(answer, &buf, ranked, starts.count);
        else
                all_text(answer, &buf, ranked, starts.count);
        fwrite(buf.data, 1, buf.len, stdout);
        return answer->complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
}

static int run(struct command_context *context, int argc, char **argv) {
        struct graph graph _cleanup_(graph_free) = { 0 };
        struct answer answer = { context->options, &graph, context->arena, false };
        int r = paths_read(context, &graph, &answer.complete);

        if (r < 0)
                return r;
        return argc > 0 ? one(context, &answer, argv) : all(context, &answer);
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE, AT(format),
          .words = paths_text_json },
        { 0, "limit", "N", "rows shown as text; 0: all (default: 20)", OPTION_INTEGER, AT(limit) },
        PATHS_INPUT_OPTIONS,
        PATHS_START_OPTION,
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "THING", .optional = true, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt paths blast -f examples/shop", "with which containers most is lost" },
        { "redoubt paths blast sa/ci/deployer -f examples/shop",
          "what is lost with one service account" },
        { "redoubt paths blast image/registry.example.com/cart:1.4 -f .",
          "if an image turns out to be malicious" },
        { NULL },
};

const struct command command_paths_blast = {
        .name = "blast",
        .summary = "what is lost if one thing is taken over",
        .description =
                "Lists all that an attacker has who has THING (a pod, workload, service account, "
                "user, group, node, secret or image, as in `paths to`), nearest first. Without "
                "THING all starts are ranked by how much is lost with them.\n\nExit status: 0, "
                "2 an error, 3 something could not be read or is missing.",
        .options = specs,
        .defaults = &paths_defaults,
        .options_size = sizeof paths_defaults,
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
