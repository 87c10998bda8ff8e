/* redoubt paths --explain: what an edge is, how to check it, how to take it away. */
#include "base/util.h"
#include "cmd/paths.h"

/* What stands for a word of the commands; empty: not known, the word stays. */
struct words {
        struct str namespace, pod, container, node, name, account, user;
};

/* A name that a shell takes as one word, and as nothing else. */
static bool is_plain(struct str s) {
        for (size_t i = 0; i < s.len; i++)
                if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') ||
                      (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z') ||
                      (s.ptr[i] >= '0' && s.ptr[i] <= '9') || strchr("-._:@/", s.ptr[i])))
                        return false;
        return s.len > 0 && s.ptr[0] != '-';
}

static void take_words(struct words *words, const struct graph_vertex *vertex) {
        if (vertex->namespace.len > 1 && !words->namespace.len)
                words->namespace = vertex->namespace;
        if ((vertex->kind == GRAPH_POD || vertex->kind == GRAPH_CONTAINER) && !vertex->template &&
            !words->pod.len)
                words->pod = vertex->name;
        if (vertex->kind == GRAPH_CONTAINER && !words->container.len)
                words->container = vertex->part;
        if ((vertex->kind == GRAPH_NODE || vertex->kind == GRAPH_KUBELET) && !words->node.len &&
            !str_starts(vertex->name, STR("?")))
                words->node = vertex->name;
        if (vertex->kind == GRAPH_ACCOUNT && !words->account.len)
                words->account = vertex->name;
        if ((vertex->kind == GRAPH_SECRET || vertex->kind == GRAPH_VOLUME ||
             vertex->kind == GRAPH_SERVICE || vertex->kind == GRAPH_ACCOUNT) &&
            !words->name.len)
                words->name = vertex->name;
}

static void add_command(struct buf *buf, struct str line, const struct words *words) {
        const struct {
                struct str word, value;
        } pairs[] = {
                { STR("NAMESPACE"), words->namespace }, { STR("POD"), words->pod },
                { STR("CONTAINER"), words->container }, { STR("NODE"), words->node },
                { STR("ACCOUNT"), words->account },     { STR("USER"), words->user },
                { STR("NAME"), words->name },
        };
        size_t i = 0;

        while (i < line.len) {
                bool replaced = false;

                for (size_t k = 0; k < ELEMENTS(pairs) && !replaced; k++) {
                        size_t end = i + pairs[k].word.len;
                        bool whole = end <= line.len &&
                                     (i == 0 || !is_plain(str_slice(line, i - 1, i)) ||
                                      line.ptr[i - 1] == ':' || line.ptr[i - 1] == '/') &&
                                     (end == line.len || !is_plain(str_slice(line, end, end + 1)) ||
                                      line.ptr[end] == ':' || line.ptr[end] == '/');

                        if (!whole || !str_eq(str_slice(line, i, end), pairs[k].word) ||
                            !is_plain(pairs[k].value))
                                continue;
                        buf_add(buf, pairs[k].value);
                        i = end;
                        replaced = true;
                }
                if (!replaced)
                        buf_add_char(buf, line.ptr[i++]);
        }
}

struct str paths_check(struct arena *arena, const struct graph *graph,
                       const struct graph_edge *edge, struct str identity) {
        struct words words = { .user = identity };
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        take_words(&words, &graph->vertices.items[edge->from]);
        take_words(&words, &graph->vertices.items[edge->to]);
        add_command(&buf, str_from(graph_attacks[edge->attack].check), &words);
        return arena_str(arena, buf_str(&buf));
}

void paths_explain(struct buf *buf, const struct graph *graph, const struct graph_edge *edge,
                   struct str identity, const char *indent) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct graph_attack *attack = &graph_attacks[edge->attack];
        struct str checks = paths_check(&arena, graph, edge, identity), line;

        buf_printf(buf, "%s= what: %s%s%s%s\n", indent, attack->what,
                   attack->technique[0] ? " (ATT&CK " : "", attack->technique,
                   attack->technique[0] ? ")" : "");
        while (str_split(&checks, '\n', &line))
                if (line.len > 0) {
                        buf_printf(buf, "%s= check: ", indent);
                        buf_add_terminal(buf, line);
                        buf_add_char(buf, '\n');
                }
        if (attack->fix[0])
                buf_printf(buf, "%s= fix: %s\n", indent, attack->fix);
}

struct str paths_identity(const struct graph *graph, struct arena *arena, uint32_t vertex,
                          struct str identity) {
        const struct graph_vertex *item = &graph->vertices.items[vertex];

        if (item->kind == GRAPH_USER)
                return item->name;
        if (item->kind == GRAPH_ACCOUNT)
                return arena_printf(arena, "system:serviceaccount:%.*s:%.*s",
                                    STR_ARG(item->namespace), STR_ARG(item->name));
        return identity;
}
