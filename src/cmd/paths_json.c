/* redoubt paths: parts of the answers to programs. */
#include "base/util.h"
#include "cmd/paths.h"

enum { FLUSH_BYTES = 1 << 20 };

void paths_flush(struct buf *buf) {
        if (buf->len < FLUSH_BYTES)
                return;
        fwrite(buf->data, 1, buf->len, stdout);
        buf_clear(buf);
}

static void add_member(struct buf *buf, const char *key, struct str value) {
        if (value.len == 0)
                return;
        buf_printf(buf, ",\"%s\":", key);
        buf_add_json(buf, value);
}

void paths_add_vertex(struct buf *buf, const struct graph *graph, uint32_t number) {
        const struct graph_vertex *vertex = &graph->vertices.items[number];
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        buf_printf(buf, "{\"kind\":\"%s\"", graph_kind_name(vertex->kind));
        add_member(buf, "namespace", vertex->namespace);
        add_member(buf, "name", vertex->name);
        if (vertex->kind == GRAPH_CONTAINER)
                add_member(buf, "container", vertex->part);
        else if (vertex->kind == GRAPH_WORKLOAD)
                add_member(buf, "workloadKind", vertex->part);
        else if (vertex->kind == GRAPH_ROLE)
                add_member(buf, "roleKind", vertex->part);
        add_member(buf, "workload", vertex->owner);
        add_member(buf, "title", graph_name(graph, &arena, number));
        if (vertex->exposed)
                buf_add(buf, STR(",\"exposed\":true"));
        if (vertex->place.file) {
                add_member(buf, "file", graph->files.items[vertex->place.file]);
                buf_printf(buf, ",\"line\":%u", vertex->place.line);
        }
        buf_add_char(buf, '}');
}

static void add_change(struct buf *buf, const struct graph *graph, const struct graph_edge *edge) {
        bool begun = false;

        if (!edge->changes[0] && !edge->changes[1])
                return;
        buf_add(buf, STR(",\"changes\":["));
        for (size_t i = 0; i < 2; i++) {
                if (!edge->changes[i])
                        continue;
                buf_add(buf, begun ? STR(",") : STR(""));
                buf_add_json(buf, graph->changes.items[edge->changes[i]].text);
                begun = true;
        }
        buf_add_char(buf, ']');
}

static void add_explanation(struct buf *buf, const struct graph *graph,
                            const struct graph_edge *edge, struct str identity) {
        const struct graph_attack *attack = &graph_attacks[edge->attack];
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str checks = paths_check(&arena, graph, edge, identity), line;
        bool begun = false;

        add_member(buf, "what", str_from(attack->what));
        buf_add(buf, STR(",\"check\":["));
        while (str_split(&checks, '\n', &line)) {
                if (line.len == 0)
                        continue;
                buf_add(buf, begun ? STR(",") : STR(""));
                buf_add_json(buf, line);
                begun = true;
        }
        buf_add_char(buf, ']');
        add_member(buf, "fix", str_from(attack->fix));
}

void paths_add_edge(struct buf *buf, const struct graph *graph, const struct graph_edge *edge,
                    struct str identity, bool explain) {
        const struct graph_attack *attack = &graph_attacks[edge->attack];
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        buf_printf(buf, "{\"attack\":\"%s\"", attack->id);
        add_member(buf, "title", str_from(attack->title));
        add_member(buf, "technique", str_from(attack->technique));
        add_member(buf, "from", graph_name(graph, &arena, edge->from));
        add_member(buf, "to", graph_name(graph, &arena, edge->to));
        buf_printf(buf, ",\"steps\":%u", attack->steps);
        add_member(buf, "detail", edge->detail);
        if (edge->place.file) {
                add_member(buf, "file", graph->files.items[edge->place.file]);
                buf_printf(buf, ",\"line\":%u,\"column\":%u", edge->place.line, edge->place.column);
        }
        add_change(buf, graph, edge);
        if (explain)
                add_explanation(buf, graph, edge, identity);
        buf_add_char(buf, '}');
}

void paths_add_remarks(struct buf *buf, const struct graph *graph, bool complete) {
        buf_printf(buf, "\"complete\":%s,\"assumptions\":[", complete ? "true" : "false");
        for (size_t i = 0; i < graph->assumptions.count; i++) {
                buf_add(buf, i ? STR(",") : STR(""));
                buf_add_json(buf, graph->assumptions.items[i]);
        }
        buf_add(buf, STR("],\"problems\":["));
        for (size_t i = 0; i < graph->problems.count; i++) {
                buf_add(buf, i ? STR(",") : STR(""));
                buf_add_json(buf, graph->problems.items[i].message);
        }
        buf_add_char(buf, ']');
}
