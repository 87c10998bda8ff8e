/* redoubt paths to -o dot, svg, html. */
#include "base/util.h"
#include "cmd/paths_layout.h"

enum { BOX_WIDTH = 290, GAP_WIDTH = 230, MARGIN = 24, HEAD = 40, TEXT_MAX = 36, LABEL_MAX = 38 };

/* The class of a kind: what colours it has. */
static const char *tint_of(const struct graph_vertex *vertex) {
        switch ((enum graph_kind)vertex->kind) {
        case GRAPH_CONTAINER:
        case GRAPH_POD:
        case GRAPH_WORKLOAD:
        case GRAPH_IMAGE:
                return "w";
        case GRAPH_NODE:
        case GRAPH_NODES:
        case GRAPH_NODE_PODS:
        case GRAPH_VOLUME:
                return "n";
        case GRAPH_USER:
        case GRAPH_GROUP:
        case GRAPH_ACCOUNT:
        case GRAPH_ROLE:
        case GRAPH_KUBELET:
        case GRAPH_CLOUD:
        case GRAPH_USERS:
        case GRAPH_GROUPS:
        case GRAPH_ACCOUNTS:
                return "i";
        case GRAPH_SECRET:
        case GRAPH_SECRETS:
                return "s";
        case GRAPH_EXTERNAL:
        case GRAPH_SERVICE:
                return "x";
        default:
                return "h";
        }
}

/* --- text --- */

/* S for XML: what it cannot hold becomes U+FFFD. */
static void add_xml(struct buf *buf, struct str s) {
        for (size_t i = 0; i < s.len; i++) {
                unsigned char c = (unsigned char)s.ptr[i];

                if (c == '&')
                        buf_add(buf, STR("&amp;"));
                else if (c == '<')
                        buf_add(buf, STR("&lt;"));
                else if (c == '>')
                        buf_add(buf, STR("&gt;"));
                else if (c == '"')
                        buf_add(buf, STR("&quot;"));
                else if (c < 0x20 || c == 0x7f)
                        buf_add(buf, STR("\xef\xbf\xbd"));
                else
                        buf_add_char(buf, (char)c);
        }
}

/* At most MAX characters of S, with an ellipsis where there are more. */
static void add_short(struct buf *buf, struct str s, size_t max) {
        size_t characters = 0, end = 0;

        while (end < s.len && characters < max) {
                end++;
                while (end < s.len && ((unsigned char)s.ptr[end] & 0xc0) == 0x80)
                        end++;
                characters++;
        }
        if (end == s.len) {
                add_xml(buf, s);
                return;
        }
        /* Leave room for the ellipsis. */
        do
                end--;
        while (end > 0 && ((unsigned char)s.ptr[end] & 0xc0) == 0x80);
        add_xml(buf, str_slice(s, 0, end));
        buf_add(buf, STR("\xe2\x80\xa6"));
}

/* --- SVG --- */

static const char style[] =
        "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
        "fill:#1d2530}"
        ".b{font-weight:600;font-size:11.5px}.t{font-size:17px;font-weight:600}.m{fill:#5c6773;"
        "font-size:11px}"
        ".l{fill:#48525e;font-size:11px}.e{fill:none;stroke:#9aa5b1;stroke-width:1.4}"
        "rect{stroke-width:1.2;rx:5}"
        ".w{fill:#eaf2fd;stroke:#3b78c3}.n{fill:#fdf1e3;stroke:#c77d1e}"
        ".i{fill:#f3ecfb;stroke:#7d4fb8}.s{fill:#e8f6ec;stroke:#2f8a4c}"
        ".x{fill:#fdeaea;stroke:#c03b3b}.h{fill:#eef1f4;stroke:#6b7785}"
        ".g{fill:#3a1d22;stroke:#3a1d22}.g+text,.gt{fill:#fff}"
        ".o{fill:#c03b3b;font-size:10px;font-weight:600}"
        "a:hover .e{stroke:#1d2530}";

static double box_x(const struct paths_tree *tree, const struct paths_box *box) {
        return MARGIN + (double)(tree->columns - 1 - box->column) * (BOX_WIDTH + GAP_WIDTH);
}

static void add_title(struct buf *buf, const struct paths_picture *picture,
                      const struct paths_box *box) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        buf_add(buf, STR("<title>"));
        for (size_t i = 0; i < box->name_count && i < 60; i++) {
                add_xml(buf, box->names[i]);
                buf_add_char(buf, '\n');
        }
        if (box->name_count > 60)
                buf_printf(buf, "and %zu more\n", box->name_count - 60);
        if (box->edge != UINT32_MAX) {
                const struct graph_edge *edge = &picture->graph->edges.items[box->edge];

                buf_printf(buf, "%s: %s\n", graph_attacks[edge->attack].id,
                           graph_attacks[edge->attack].what);
                add_xml(buf, graph_place_text(picture->graph, &arena, edge->place));
        }
        buf_add(buf, STR("</title>"));
}

static void add_line(struct buf *buf, double x, double y, const char *class, struct str text) {
        buf_printf(buf, "<text x=\"%.0f\" y=\"%.1f\"%s%s%s>", x, y, class[0] ? " class=\"" : "",
                   class, class[0] ? "\"" : "");
        add_short(buf, text, TEXT_MAX);
        buf_add(buf, STR("</text>"));
}

static void add_box(struct buf *buf, const struct paths_picture *picture,
                    const struct paths_tree *tree, const struct paths_box *box, double top) {
        const struct graph_vertex *vertex = &picture->graph->vertices.items[box->vertex];
        bool target = box->next == UINT32_MAX;
        double x = box_x(tree, box), y = top + box->y, line = y + 19;
        char more[64];

        buf_add(buf, STR("<g>"));
        add_title(buf, picture, box);
        buf_printf(buf, "<rect class=\"%s\" x=\"%.0f\" y=\"%.1f\" width=\"%d\" height=\"%.0f\"/>",
                   target ? "g" : tint_of(vertex), x, y, BOX_WIDTH, box->height);
        for (size_t i = 0; i < box->name_count && i < PATHS_NAMES_SHOWN; i++) {
                add_line(buf, x + 10, line, target ? "gt b" : "b", box->names[i]);
                line += 16;
        }
        if (box->name_count > PATHS_NAMES_SHOWN) {
                snprintf(more, sizeof more, "and %zu more", box->name_count - PATHS_NAMES_SHOWN);
                add_line(buf, x + 10, line, "m", str_from(more));
                line += 16;
        }
        if (box->note.len > 0)
                add_line(buf, x + 10, line, "m", box->note);
        if (box->exposed)
                buf_printf(buf,
                           "<text class=\"o\" text-anchor=\"end\" x=\"%.0f\" y=\"%.1f\">EXPOSED"
                           "</text>",
                           x + BOX_WIDTH - 8, y + 13);
        buf_add(buf, STR("</g>"));
}

/* The label of an attack stands on the line where it leaves its box. */
static void add_curve(struct buf *buf, const struct paths_picture *picture,
                      const struct paths_tree *tree, const struct paths_box *box, double top) {
        const struct paths_box *next = &tree->items[box->next];
        const struct graph_edge *edge = &picture->graph->edges.items[box->edge];
        double x = box_x(tree, box) + BOX_WIDTH, y = top + box->y + box->height / 2;
        double end = box_x(tree, next), to = top + next->y + next->height / 2;
        double bend = end - 60;

        buf_printf(buf,
                   "<path class=\"e\" marker-end=\"url(#a)\" d=\"M%.0f %.1fH%.0fC%.0f %.1f %.0f "
                   "%.1f %.0f %.1f\"/>",
                   x, y, bend, bend + 35, y, end - 35, to, end - 5, to);
        buf_printf(buf, "<text class=\"l\" x=\"%.0f\" y=\"%.1f\">", x + 6, y - 5);
        add_short(buf, str_from(graph_attacks[edge->attack].title), LABEL_MAX);
        buf_add(buf, STR("</text>"));
}

static double tree_width(const struct paths_tree *tree) {
        return 2 * MARGIN + (double)tree->columns * BOX_WIDTH +
               (double)(tree->columns - 1) * GAP_WIDTH;
}

static void add_tree(struct buf *buf, const struct paths_picture *picture,
                     const struct paths_tree *tree, size_t number, double top) {
        buf_printf(buf, "<text class=\"t\" x=\"%d\" y=\"%.0f\">", MARGIN, top + 24);
        add_xml(buf, picture->targets[number].name);
        buf_printf(buf, "</text><text class=\"m\" x=\"%d\" y=\"%.0f\">%zu of %zu starts get there",
                   MARGIN + 150, top + 24, tree->reaching, picture->starts->count);
        if (tree->left_out > 0)
                buf_printf(buf, "; %zu of them are not drawn", tree->left_out);
        buf_add(buf, STR("</text>"));
        if (tree->reaching == 0)
                return;
        for (size_t i = 1; i < tree->count; i++)
                add_curve(buf, picture, tree, &tree->items[i], top + HEAD);
        for (size_t i = 0; i < tree->count; i++)
                add_box(buf, picture, tree, &tree->items[i], top + HEAD);
}

/* Trees of all targets below each other, or one alone. */
static void add_svg(struct buf *buf, const struct paths_picture *picture,
                    const struct paths_tree *trees, size_t first, size_t count) {
        double width = 500, height = MARGIN, top = MARGIN / 2.0;

        for (size_t i = first; i < first + count; i++) {
                width = MAX(width, tree_width(&trees[i]));
                height += HEAD + (trees[i].reaching ? trees[i].height : 0) + MARGIN;
        }
        buf_printf(buf,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
                   "viewBox=\"0 0 %.0f %.0f\" role=\"img\"><style>%s</style>"
                   "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" "
                   "markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" "
                   "fill=\"#9aa5b1\"/></marker></defs>"
                   "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\" stroke=\"none\"/>\n",
                   width, height, width, height, style);
        for (size_t i = first; i < first + count; i++) {
                add_tree(buf, picture, &trees[i], i, top);
                top += HEAD + (trees[i].reaching ? trees[i].height : 0) + MARGIN;
                buf_add_char(buf, '\n');
                paths_flush(buf);
        }
        buf_add(buf, STR("</svg>\n"));
}

/* --- dot --- */

static void add_dot(struct buf *buf, const struct paths_picture *picture,
                    const struct paths_tree *trees) {
        buf_add(buf,
                STR("digraph paths {\n  rankdir=LR;\n  node [shape=box, fontname=\"Helvetica\", "
                    "fontsize=10];\n  edge [fontname=\"Helvetica\", fontsize=9];\n"));
        for (size_t t = 0; t < picture->target_count; t++) {
                for (size_t i = 0; trees[t].reaching && i < trees[t].count; i++) {
                        const struct paths_box *box = &trees[t].items[i];

                        buf_printf(buf, "  b%zu_%zu [label=", t, i);
                        {
                                struct buf label _cleanup_(buf_free) = BUF_INIT;

                                for (size_t n = 0; n < box->name_count && n < PATHS_NAMES_SHOWN;
                                     n++) {
                                        buf_add(&label, n ? STR("\n") : STR(""));
                                        buf_add(&label, box->names[n]);
                                }
                                if (box->name_count > PATHS_NAMES_SHOWN)
                                        buf_printf(&label, "\nand %zu more",
                                                   box->name_count - PATHS_NAMES_SHOWN);
                                /* A string of JSON is one of dot. */
                                buf_add_json(buf, buf_str(&label));
                        }
                        buf_printf(buf, "%s];\n",
                                   box->next == UINT32_MAX ? ", style=filled, fillcolor=\"#f3d9d9\""
                                                           : "");
                }
                for (size_t i = 1; i < trees[t].count; i++) {
                        const struct paths_box *box = &trees[t].items[i];

                        buf_printf(buf, "  b%zu_%zu -> b%zu_%u [label=", t, i, t, box->next);
                        buf_add_json(
                                buf,
                                str_from(
                                        graph_attacks[picture->graph->edges.items[box->edge].attack]
                                                .title));
                        buf_add(buf, STR("];\n"));
                }
                paths_flush(buf);
        }
        buf_add(buf, STR("}\n"));
}

/* --- HTML --- */

static const char page_style[] =
        "body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
        "color:#1d2530;margin:0;padding:24px 32px;background:#f7f8fa}"
        "h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:32px 0 8px}"
        ".p{background:#fff;border:1px solid "
        "#dde2e8;border-radius:8px;overflow:auto;max-height:85vh}"
        "table{border-collapse:collapse;background:#fff}td,th{border:1px solid #dde2e8;"
        "padding:4px 12px;text-align:left}td.n{text-align:right}"
        "details{background:#fff;border:1px solid #dde2e8;border-radius:8px;padding:8px 14px;"
        "margin:8px 0}summary{cursor:pointer}ol{margin:6px 0 6px 4px}li{margin:2px 0}"
        "code{font:12px ui-monospace,Menlo,Consolas,monospace;background:#eef1f4;padding:1px 4px;"
        "border-radius:3px}.m{color:#5c6773}.x{color:#c03b3b;font-weight:600}";

enum { LISTED_MAX = 500 };

static void add_steps(struct buf *buf, const struct paths_picture *picture,
                      const struct graph_search *search, uint32_t start) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct graph *graph = picture->graph;
        uint32_t *edges;
        size_t count = graph_path(graph, search, &arena, start, &edges);

        buf_add(buf, STR("<ol>"));
        for (size_t i = 0; i < count; i++) {
                const struct graph_edge *edge = &graph->edges.items[edges[i]];
                const struct graph_attack *attack = &graph_attacks[edge->attack];

                if (edge->attack == GRAPH_CONTAINS || edge->attack == GRAPH_HOLDS)
                        continue;
                buf_printf(buf, "<li>%s ", attack->title);
                if (edge->detail.len > 0) {
                        buf_add(buf, STR("<span class=\"m\">("));
                        add_xml(buf, edge->detail);
                        buf_add(buf, STR(")</span> "));
                }
                buf_add(buf, STR("→ "));
                add_xml(buf, graph_name(graph, &arena, edge->to));
                if (edge->place.file) {
                        buf_add(buf, STR(" <code>"));
                        add_xml(buf, graph_place_text(graph, &arena, edge->place));
                        buf_add(buf, STR("</code>"));
                }
                if (attack->technique[0])
                        buf_printf(buf, " <span class=\"m\" title=\"%s\">%s</span>", attack->what,
                                   attack->technique);
                if (attack->fix[0] && attack->steps > 0)
                        buf_printf(buf, "<br><span class=\"m\">%s</span>", attack->fix);
                buf_add(buf, STR("</li>"));
        }
        buf_add(buf, STR("</ol>"));
}

static void add_list(struct buf *buf, const struct paths_picture *picture, size_t number) {
        const struct graph_search *search = &picture->searches[number];
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        size_t listed = 0;

        for (size_t i = 0; i < picture->starts->count; i++) {
                uint32_t start = picture->starts->items[i];

                if (search->steps[start] == GRAPH_FAR || search->steps[start] == 0)
                        continue;
                if (listed++ == LISTED_MAX) {
                        buf_printf(buf,
                                   "<p class=\"m\">The first %d are listed; -o json has all.</p>",
                                   LISTED_MAX);
                        break;
                }
                buf_printf(buf, "<details><summary>%u step%s · ", search->steps[start],
                           search->steps[start] == 1 ? "" : "s");
                add_xml(buf, graph_name(picture->graph, &arena, start));
                if (picture->graph->vertices.items[start].exposed)
                        buf_add(buf, STR(" <span class=\"x\">exposed</span>"));
                buf_add(buf, STR("</summary>"));
                add_steps(buf, picture, search, start);
                buf_add(buf, STR("</details>\n"));
                paths_flush(buf);
        }
}

static void add_summary(struct buf *buf, const struct paths_picture *picture,
                        const struct paths_tree *trees) {
        buf_add(buf, STR("<table><tr><th>target</th><th>starts that get there</th><th>nearest</th>"
                         "</tr>"));
        for (size_t t = 0; t < picture->target_count; t++) {
                uint32_t nearest = GRAPH_FAR;

                for (size_t i = 0; i < picture->starts->count; i++) {
                        uint32_t steps = picture->searches[t].steps[picture->starts->items[i]];

                        if (steps > 0)
                                nearest = MIN(nearest, steps);
                }
                buf_printf(buf, "<tr><td><a href=\"#t%zu\">", t);
                add_xml(buf, picture->targets[t].name);
                buf_printf(buf, "</a></td><td class=\"n\">%zu of %zu</td><td class=\"n\">",
                           trees[t].reaching, picture->starts->count);
                if (nearest == GRAPH_FAR)
                        buf_add(buf, STR("none"));
                else
                        buf_printf(buf, "%u step%s", nearest, nearest == 1 ? "" : "s");
                buf_add(buf, STR("</td></tr>"));
        }
        buf_add(buf, STR("</table>\n"));
}

static void add_html(struct buf *buf, const struct paths_picture *picture,
                     const struct paths_tree *trees) {
        buf_printf(
                buf,
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'\">"
                "<title>Attack paths</title><style>%s</style></head><body>\n<h1>Attack paths</h1>"
                "<p class=\"m\">From left to right: what an attacker holds, and the attack that "
                "leads on. Point at a box for its members and the line that makes the attack "
                "possible.</p>\n",
                page_style);
        if (!picture->complete)
                buf_add(buf, STR("<p class=\"x\">Something could not be read or is missing: there "
                                 "may be more paths.</p>"));
        add_summary(buf, picture, trees);
        for (size_t t = 0; t < picture->target_count; t++) {
                buf_printf(buf, "<h2 id=\"t%zu\">", t);
                add_xml(buf, picture->targets[t].name);
                buf_add(buf, STR("</h2>\n"));
                if (trees[t].reaching == 0) {
                        buf_printf(buf, "<p>None of %zu starts gets there.</p>\n",
                                   picture->starts->count);
                        continue;
                }
                buf_add(buf, STR("<div class=\"p\">"));
                add_svg(buf, picture, trees, t, 1);
                buf_add(buf, STR("</div>\n"));
                add_list(buf, picture, t);
        }
        if (picture->graph->assumptions.count > 0)
                buf_add(buf, STR("<h2>Assumed</h2><ul>"));
        for (size_t i = 0; i < picture->graph->assumptions.count; i++) {
                buf_add(buf, STR("<li>"));
                add_xml(buf, picture->graph->assumptions.items[i]);
                buf_add(buf, STR("</li>"));
        }
        if (picture->graph->assumptions.count > 0)
                buf_add(buf, STR("</ul>"));
        buf_add(buf, STR("</body></html>\n"));
}

void paths_add_picture(struct buf *buf, const struct paths_picture *picture, int format) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct paths_tree *trees =
                arena_new_array(&arena, picture->target_count, struct paths_tree);

        for (size_t i = 0; i < picture->target_count; i++)
                paths_tree_make(&arena, picture, i, &trees[i]);
        if (format == PATHS_DOT)
                add_dot(buf, picture, trees);
        else if (format == PATHS_SVG)
                add_svg(buf, picture, trees, 0, picture->target_count);
        else
                add_html(buf, picture, trees);
}
