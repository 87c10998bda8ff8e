#include "cmd/net_picture.h"

#include "base/util.h"

/* Endpoints beyond this make no picture that anybody reads. */
enum { ENDPOINTS_MAX = 3000, ROWS_MAX = 4000 };

/* --- the model --- */

/* What reaches, or is reached: an endpoint, or addresses outside. */
struct item {
        struct str namespace, name; /* for people; namespace empty: outside */
        uint32_t endpoint;          /* NET_OUTSIDE: addresses */
};

/* Items of one namespace that are alike on one side of the picture. */
struct row {
        uint32_t *items;
        uint32_t count;
        double y;
};
struct box {
        struct str namespace;
        uint32_t first, end; /* rows */
        double y, height;
};
struct column {
        VEC(struct row) rows;
        VEC(struct box) boxes;
        double height;
};

struct picture {
        struct arena *arena;
        struct net_index *index;
        VEC(struct item) items;
        uint32_t endpoints;       /* items that are endpoints come first */
        uint32_t *sets;           /* items by items: source * count + destination */
        uint32_t size;            /* items there is room for */
        struct column columns[2]; /* sources, destinations */
        VEC(struct net_edge) edges;
        struct buf out;
};

static struct str blocks_name(struct picture *picture, const struct net_edge *edge) {
        return net_blocks_text(picture->arena, edge->blocks, edge->block_count);
}

static uint32_t outside_item(struct picture *picture, struct str name) {
        for (size_t i = picture->endpoints; i < picture->items.count; i++)
                if (str_eq(picture->items.items[i].name, name))
                        return (uint32_t)i;
        *vec_push(&picture->items) = (struct item){ .name = name, .endpoint = NET_OUTSIDE };
        return (uint32_t)picture->items.count - 1;
}

/* First pass: edges with numbers of items; the blocks are named and forgotten. */
static void collect(void *userdata, const struct net_edge *edge) {
        struct picture *picture = userdata;
        struct net_edge it = *edge;

        if (it.block_count > 0) {
                uint32_t outside = outside_item(picture, blocks_name(picture, edge));

                if (it.source == NET_OUTSIDE)
                        it.source = outside;
                else
                        it.destination = outside;
        }
        it.blocks = NULL;
        *vec_push(&picture->edges) = it;
}

static uint32_t set_between(const struct picture *picture, uint32_t source, uint32_t destination) {
        return picture->sets[(size_t)source * picture->size + destination];
}

static void fill_sets(struct picture *picture) {
        picture->size = (uint32_t)picture->items.count;
        picture->sets =
                arena_new_array(picture->arena, (size_t)picture->size * picture->size, uint32_t);
        for (size_t i = 0; i < picture->edges.count; i++) {
                const struct net_edge *edge = &picture->edges.items[i];

                picture->sets[(size_t)edge->source * picture->size + edge->destination] = edge->set;
        }
        /* To be alike, pods have to be compared with themselves, too. */
        for (uint32_t i = 0; i < picture->endpoints; i++) {
                uint32_t class = picture->index->endpoints[i].class;

                picture->sets[(size_t)i * picture->size + i] = net_ports_intersect(
                        &picture->index->ports, net_side(picture->index, class, NET_EGRESS, class),
                        net_side(picture->index, class, NET_INGRESS, class));
        }
}

/* --- rows and boxes --- */

static bool alike(const struct picture *picture, uint32_t a, uint32_t b, int side) {
        for (uint32_t i = 0; i < picture->size; i++) {
                uint32_t x = side ? set_between(picture, i, a) : set_between(picture, a, i);
                uint32_t y = side ? set_between(picture, i, b) : set_between(picture, b, i);

                if (x != y)
                        return false;
        }
        return true;
}

static bool is_used(const struct picture *picture, uint32_t item, int side) {
        for (uint32_t i = 0; i < picture->size; i++)
                if (i != item && (side ? set_between(picture, i, item)
                                       : set_between(picture, item, i)) != NET_NO_PORTS)
                        return true;
        return false;
}

static struct row *row_of(struct picture *picture, struct column *column, const struct box *box,
                          uint32_t item, int side) {
        struct row *row;

        for (size_t i = box->first; i < column->rows.count; i++)
                if (alike(picture, column->rows.items[i].items[0], item, side) &&
                    picture->items.items[item].endpoint != NET_OUTSIDE)
                        return &column->rows.items[i];
        row = vec_push(&column->rows);
        row->items = arena_new_array(picture->arena, picture->size, uint32_t);
        return row;
}

/* Items of a namespace follow each other; those outside come last, and are shown first. */
static void make_column(struct picture *picture, int side) {
        struct column *column = &picture->columns[side];
        uint32_t count = picture->size, shift = picture->endpoints;

        for (uint32_t k = 0; k < count; k++) {
                uint32_t item = (k + shift) % count;
                struct box *box =
                        column->boxes.count ? &column->boxes.items[column->boxes.count - 1] : NULL;
                struct row *row;

                if (!is_used(picture, item, side) || column->rows.count >= ROWS_MAX)
                        continue;
                if (!box || !str_eq(box->namespace, picture->items.items[item].namespace)) {
                        box = vec_push(&column->boxes);
                        box->namespace = picture->items.items[item].namespace;
                        box->first = (uint32_t)column->rows.count;
                }
                row = row_of(picture, column, box, item, side);
                row->items[row->count++] = item;
                box->end = (uint32_t)column->rows.count;
        }
}

enum { ROW_HEIGHT = 22, BOX_HEAD = 26, BOX_FOOT = 8, BOX_GAP = 14, TOP = 64, MARGIN = 24 };

static void place_column(struct column *column) {
        double y = TOP;

        for (size_t i = 0; i < column->boxes.count; i++) {
                struct box *box = &column->boxes.items[i];

                box->y = y;
                y += BOX_HEAD;
                for (uint32_t k = box->first; k < box->end; k++) {
                        column->rows.items[k].y = y + ROW_HEIGHT / 2.0;
                        y += ROW_HEIGHT;
                }
                y += BOX_FOOT;
                box->height = y - box->y;
                y += BOX_GAP;
        }
        column->height = y;
}

/* --- words --- */

static void add_escaped(struct buf *out, struct str text) {
        struct buf shown _cleanup_(buf_free) = BUF_INIT;

        buf_add_terminal(&shown, text);
        for (size_t i = 0; i < shown.len; i++) {
                char c = shown.data[i];

                if (c == '<')
                        buf_add(out, STR("&lt;"));
                else if (c == '>')
                        buf_add(out, STR("&gt;"));
                else if (c == '&')
                        buf_add(out, STR("&amp;"));
                else if (c == '"')
                        buf_add(out, STR("&quot;"));
                else
                        buf_add_char(out, c);
        }
}

/* The beginning of TEXT that fits into MOST characters; what is cut is in the tooltip. */
static void add_cut(struct buf *out, struct str text, size_t most) {
        if (text.len <= most) {
                add_escaped(out, text);
                return;
        }
        while (most > 0 && ((unsigned char)text.ptr[most] & 0xc0) == 0x80)
                most--;
        add_escaped(out, str_slice(text, 0, most));
        buf_add(out, STR("…"));
}

static struct str row_name(const struct picture *picture, const struct row *row) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (uint32_t i = 0; i < row->count; i++)
                buf_printf(&buf, "%s%.*s", i ? ", " : "",
                           STR_ARG(picture->items.items[row->items[i]].name));
        return arena_str(picture->arena, buf_str(&buf));
}

static struct str ports_of(const struct picture *picture, uint32_t set) {
        return net_ports_text(picture->arena, &picture->index->ports.sets.items[set]);
}

/* --- SVG --- */

enum { BOX_WIDTH = 340, MIDDLE = 460, NAME_CHARACTERS = 46 };

static double left_of(int side) {
        return side ? MARGIN + BOX_WIDTH + MIDDLE : MARGIN;
}

static unsigned hue_of(const struct picture *picture, size_t box) {
        size_t count = picture->columns[0].boxes.count + 1;

        return (unsigned)((box * 360) / count + 210) % 360;
}

static void add_box(struct picture *picture, int side, size_t number) {
        const struct column *column = &picture->columns[side];
        const struct box *box = &column->boxes.items[number];
        struct buf *out = &picture->out;

        buf_printf(out,
                   "<g><rect class=\"box%s\" x=\"%.0f\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" "
                   "rx=\"6\"/><text class=\"ns\" x=\"%.0f\" y=\"%.1f\">",
                   box->namespace.len ? "" : " out", left_of(side), box->y, BOX_WIDTH, box->height,
                   left_of(side) + 12, box->y + 18);
        if (box->namespace.len == 0)
                buf_add(out, STR("outside the cluster"));
        else
                add_cut(out, box->namespace, NAME_CHARACTERS);
        buf_add(out, STR("</text>\n"));
        for (uint32_t i = box->first; i < box->end; i++) {
                const struct row *row = &column->rows.items[i];
                struct str name = row_name(picture, row);

                buf_printf(out, "<text class=\"row\" x=\"%.0f\" y=\"%.1f\"><title>",
                           left_of(side) + 12, row->y + 4.5);
                add_escaped(out, name);
                buf_add(out, STR("</title>"));
                if (row->count > 1)
                        buf_printf(out, "<tspan class=\"count\">%u×</tspan> ", row->count);
                add_cut(out, name, row->count > 1 ? NAME_CHARACTERS - 5 : NAME_CHARACTERS);
                buf_add(out, STR("</text>\n"));
        }
        buf_add(out, STR("</g>\n"));
}

/* One line of the picture, from a row or box to a row or box. */
struct line {
        struct str from, to;
        double y1, y2;
        uint32_t set;
        size_t box; /* of the source */
        uint32_t weight;
};

static void add_line(struct picture *picture, const struct line *line) {
        struct buf *out = &picture->out;
        double x1 = left_of(0) + BOX_WIDTH, x2 = left_of(1) - 8, bend = MIDDLE * 0.45;
        struct str ports = ports_of(picture, line->set);
        bool any = line->set == NET_ALL_PORTS;

        buf_printf(out,
                   "<g class=\"edge%s\" stroke=\"hsl(%u,60%%,42%%)\"><path class=\"line\" "
                   "d=\"M%.0f %.1fC%.0f "
                   "%.1f %.0f %.1f %.0f %.1f\" stroke-width=\"%.1f\"/>",
                   any ? " any" : "", hue_of(picture, line->box), x1, line->y1, x1 + bend, line->y1,
                   x2 - bend, line->y2, x2, line->y2, line->weight > 1 ? 2.4 : 1.4);
        buf_printf(out,
                   "<path class=\"head\" fill=\"hsl(%u,60%%,42%%)\" d=\"M%.0f %.1fl-8 -4v8z\"/>"
                   "<title>",
                   hue_of(picture, line->box), x2 + 8, line->y2);
        add_escaped(out, line->from);
        buf_add(out, STR(" → "));
        add_escaped(out, line->to);
        buf_add(out, STR(": "));
        add_escaped(out, ports);
        buf_add(out, STR("</title>"));
        buf_printf(out, "<text class=\"port\" x=\"%.0f\" y=\"%.1f\">", x2 - 4, line->y2 - 3);
        add_cut(out, ports, 26);
        buf_add(out, STR("</text></g>\n"));
}

/* The set that is the same between all rows A..AE and B..BE; UINT32_MAX: there is none. A row is
 * not compared with itself. */
static uint32_t common_set(const struct picture *picture, uint32_t a, uint32_t a_end, uint32_t b,
                           uint32_t b_end) {
        const struct row *sources = picture->columns[0].rows.items;
        const struct row *destinations = picture->columns[1].rows.items;
        uint32_t set = UINT32_MAX;

        for (uint32_t i = a; i < a_end; i++)
                for (uint32_t k = b; k < b_end; k++) {
                        uint32_t from = sources[i].items[0], to = destinations[k].items[0], own;

                        if (from == to && sources[i].count == 1 && destinations[k].count == 1)
                                continue;
                        if (from == to)
                                to = destinations[k].count > 1 ? destinations[k].items[1] : to;
                        if (from == to)
                                from = sources[i].items[1];
                        own = set_between(picture, from, to);
                        if (set != UINT32_MAX && set != own)
                                return UINT32_MAX;
                        set = own;
                }
        return set == UINT32_MAX ? NET_NO_PORTS : set;
}

/* With the namespace, where the row does not stand in its box: "shop/cart", "shop: cart, redis". */
static struct str row_full_name(const struct picture *picture, const struct row *row) {
        struct str namespace = picture->items.items[row->items[0]].namespace;
        struct str name = row_name(picture, row);

        if (namespace.len == 0)
                return name;
        return arena_printf(picture->arena, row->count > 1 ? "%.*s: %.*s" : "%.*s/%.*s",
                            STR_ARG(namespace), STR_ARG(name));
}

typedef void line_fn(struct picture *picture, const struct line *line);

static struct str box_name(const struct picture *picture, const struct box *box) {
        if (box->namespace.len == 0)
                return STR("outside");
        return arena_printf(picture->arena, "all of %.*s", STR_ARG(box->namespace));
}

static double box_y(const struct box *box) {
        return box->y + BOX_HEAD / 2.0;
}

/* Lines from one row to the rows of one box, bundled where they are the same. */
static void lines_of_row(struct picture *picture, size_t box, uint32_t row,
                         const struct box *target, line_fn *each) {
        const struct row *source = &picture->columns[0].rows.items[row];
        uint32_t set = common_set(picture, row, row + 1, target->first, target->end);
        struct line line = { .from = row_full_name(picture, source),
                             .to = box_name(picture, target),
                             .y1 = source->y,
                             .y2 = box_y(target),
                             .set = set,
                             .box = box,
                             .weight = target->end - target->first };

        if (set == NET_NO_PORTS)
                return;
        if (set != UINT32_MAX && target->end - target->first > 1) {
                each(picture, &line);
                return;
        }
        for (uint32_t i = target->first; i < target->end; i++) {
                set = common_set(picture, row, row + 1, i, i + 1);
                if (set == NET_NO_PORTS || set == UINT32_MAX)
                        continue;
                line.to = row_full_name(picture, &picture->columns[1].rows.items[i]);
                line.y2 = picture->columns[1].rows.items[i].y;
                line.set = set;
                line.weight = 1;
                each(picture, &line);
        }
}

static void lines_between(struct picture *picture, size_t from, const struct box *target,
                          line_fn *each) {
        const struct box *source = &picture->columns[0].boxes.items[from];
        uint32_t rows = source->end - source->first;
        uint32_t set = common_set(picture, source->first, source->end, target->first, target->end);
        bool *done;

        if (set == NET_NO_PORTS)
                return;
        if (set != UINT32_MAX && rows > 1 && target->end - target->first > 1) {
                each(picture, &(struct line){ box_name(picture, source), box_name(picture, target),
                                              box_y(source), box_y(target), set, from, 2 });
                return;
        }
        /* What all of the box reaches comes from the box. */
        done = arena_new_array(picture->arena, target->end, bool);
        for (uint32_t i = target->first; i < target->end && rows > 1; i++) {
                set = common_set(picture, source->first, source->end, i, i + 1);
                if (set == UINT32_MAX || set == NET_NO_PORTS)
                        continue;
                done[i] = true;
                each(picture,
                     &(struct line){ box_name(picture, source),
                                     row_full_name(picture, &picture->columns[1].rows.items[i]),
                                     box_y(source), picture->columns[1].rows.items[i].y, set, from,
                                     2 });
        }
        for (uint32_t i = target->first, end; i < target->end; i = end) {
                struct box part = *target;

                end = i + 1;
                if (done[i])
                        continue;
                while (end < target->end && !done[end])
                        end++;
                part.first = i;
                part.end = end;
                /* A part of a box has no head to point at. */
                for (uint32_t k = source->first; k < source->end; k++) {
                        if (i == target->first && end == target->end) {
                                lines_of_row(picture, from, k, target, each);
                                continue;
                        }
                        for (uint32_t m = i; m < end; m++) {
                                part.first = m;
                                part.end = m + 1;
                                lines_of_row(picture, from, k, &part, each);
                        }
                }
        }
}

static void each_line(struct picture *picture, line_fn *each) {
        for (size_t i = 0; i < picture->columns[0].boxes.count; i++)
                for (size_t k = 0; k < picture->columns[1].boxes.count; k++)
                        lines_between(picture, i, &picture->columns[1].boxes.items[k], each);
}

static const char style[] =
        "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
        "fill:#1d2733}.title{font-size:17px;font-weight:600}.sub{fill:#5b6875}"
        ".box{fill:#f6f8fa;stroke:#c9d1d9}.box.out{fill:#fff4ec;stroke:#e3b694}"
        ".ns{font-weight:600;fill:#3b4754}.count{fill:#5b6875}"
        ".line{fill:none;opacity:.5}.any .line{stroke-dasharray:5 3}.head{stroke:none}"
        ".port{font-size:10.5px;text-anchor:end;fill:#44505c;paint-order:stroke;stroke:#fff;"
        "stroke-width:3px;stroke-linejoin:round}"
        ".edge:hover .line{opacity:1;stroke-width:3.5px}.edge:hover .port{font-weight:700}";

static void add_svg(struct picture *picture) {
        struct buf *out = &picture->out;
        double left = picture->columns[0].height, right = picture->columns[1].height;
        double height = (left > right ? left : right) + 12, width = left_of(1) + BOX_WIDTH + MARGIN;

        buf_printf(out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
                   "viewBox=\"0 0 %.0f %.0f\" role=\"img\"><title>Who may connect to whom</title>"
                   "<style>%s</style><rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                   width, height, width, height, style);
        buf_printf(out,
                   "<text class=\"title\" x=\"%d\" y=\"30\">These may connect …</text><text "
                   "class=\"title\" x=\"%.0f\" y=\"30\">… to these</text><text class=\"sub\" "
                   "x=\"%d\" y=\"50\">n× are workloads with the same connections; dashed: any "
                   "port</text>\n",
                   MARGIN, left_of(1), MARGIN);
        each_line(picture, add_line);
        for (int side = 0; side < 2; side++)
                for (size_t i = 0; i < picture->columns[side].boxes.count; i++)
                        add_box(picture, side, i);
        buf_add(out, STR("</svg>\n"));
}

/* --- HTML --- */

static void add_html_row(struct picture *picture, const struct line *line) {
        struct buf *out = &picture->out;

        buf_add(out, STR("<tr><td>"));
        add_escaped(out, line->from);
        buf_add(out, STR("</td><td>"));
        add_escaped(out, line->to);
        buf_add(out, STR("</td><td>"));
        add_escaped(out, ports_of(picture, line->set));
        buf_add(out, STR("</td></tr>\n"));
}

static void add_html(struct picture *picture) {
        struct buf *out = &picture->out;

        buf_printf(out,
                   "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'unsafe-inline'\"><meta name=\"viewport\" "
                   "content=\"width=device-width\"><title>Who may connect to whom</title><style>"
                   "body{font:14px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu "
                   "Sans',sans-serif;margin:0 24px 48px;color:#1d2733}"
                   "svg{max-width:100%%;height:auto}table{border-collapse:collapse}td,th{text-"
                   "align:left;padding:4px 16px 4px 0;border-bottom:1px solid #e3e8ec;"
                   "vertical-align:top}</style></head><body>\n<h1>Who may connect to "
                   "whom</h1>\n<p>%u workloads.</p>\n",
                   picture->endpoints);
        add_svg(picture);
        buf_add(out, STR("<h2>The same as a table</h2>\n<table><thead><tr><th>from</th><th>to</th>"
                         "<th>ports</th></tr></thead><tbody>\n"));
        each_line(picture, add_html_row);
        buf_add(out, STR("</tbody></table>\n</body></html>\n"));
}

/* --- DOT --- */

static void add_dot_string(struct buf *out, struct str text) {
        struct buf shown _cleanup_(buf_free) = BUF_INIT;

        buf_add_terminal(&shown, text);
        buf_add_char(out, '"');
        for (size_t i = 0; i < shown.len; i++) {
                if (shown.data[i] == '"' || shown.data[i] == '\\')
                        buf_add_char(out, '\\');
                buf_add_char(out, shown.data[i]);
        }
        buf_add_char(out, '"');
}

static void add_dot(struct picture *picture) {
        struct buf *out = &picture->out;

        buf_add(out, STR("digraph net {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n"));
        for (uint32_t i = 0, end, n = 0; i < picture->size; i = end, n++) {
                struct str namespace = picture->items.items[i].namespace;

                end = i;
                buf_printf(out, "  subgraph cluster_%u {\n    label=", n);
                add_dot_string(out, namespace.len ? namespace : STR("outside"));
                buf_add(out, STR(";\n"));
                for (;
                     end < picture->size && str_eq(picture->items.items[end].namespace, namespace);
                     end++) {
                        buf_printf(out, "    n%u [label=", end);
                        add_dot_string(out, picture->items.items[end].name);
                        buf_add(out, STR("];\n"));
                }
                buf_add(out, STR("  }\n"));
        }
        for (size_t i = 0; i < picture->edges.count; i++) {
                const struct net_edge *edge = &picture->edges.items[i];

                if (edge->source == edge->destination)
                        continue;
                buf_printf(out, "  n%u -> n%u [label=", edge->source, edge->destination);
                add_dot_string(out, ports_of(picture, edge->set));
                buf_add(out, STR("];\n"));
        }
        buf_add(out, STR("}\n"));
}

/* --- all of it --- */

static void add_items(struct picture *picture, const struct net_matrix_options *options) {
        const struct net_index *index = picture->index;

        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_endpoint *endpoint = &index->endpoints[i];
                struct str namespace = endpoint->namespace;

                if (!endpoint->pod->namespace)
                namespace = STR("nodes");
                (void)options;
                *vec_push(&picture->items) = (struct item){ namespace, endpoint->name, i };
        }
        picture->endpoints = index->endpoint_count;
}

int net_write_picture(struct command_context *context, struct net_index *index,
                      const struct net_matrix_options *options, int format) {
        struct picture picture = { .arena = context->arena, .index = index };

        if (index->endpoint_count > ENDPOINTS_MAX)
                return error_set(context->error, -E2BIG,
                                 "%u workloads make no readable picture (at most %d); one "
                                 "namespace: -n NAME",
                                 index->endpoint_count, ENDPOINTS_MAX);
        add_items(&picture, options);
        net_matrix(index, options, collect, &picture);
        fill_sets(&picture);
        if (format == NET_DOT) {
                add_dot(&picture);
        } else {
                for (int side = 0; side < 2; side++) {
                        make_column(&picture, side);
                        place_column(&picture.columns[side]);
                }
                if (format == NET_SVG)
                        add_svg(&picture);
                else
                        add_html(&picture);
        }
        fwrite(picture.out.data, 1, picture.out.len, stdout);
        for (int side = 0; side < 2; side++) {
                vec_free(&picture.columns[side].rows);
                vec_free(&picture.columns[side].boxes);
        }
        vec_free(&picture.items);
        vec_free(&picture.edges);
        buf_free(&picture.out);
        return 0;
}
