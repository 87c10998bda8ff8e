/* redoubt net list: the whole matrix. */
#include <errno.h>

#include "base/util.h"
#include "cmd/net.h"
#include "cmd/net_picture.h"
#include "cmd/table.h"
#include "net/matrix.h"

enum { FLUSH_BYTES = 1 << 20 };

static const struct option_word formats[] = {
        { "text", NET_TEXT, "for people" },
        { "json", NET_JSON, "for programs: [{src, dst, ports}]" },
        { "dot", NET_DOT, "a graph for Graphviz" },
        { "svg", NET_SVG, "a picture" },
        { "html", NET_HTML, "a page with the picture and the table" },
        { NULL },
};

/* --- JSON --- */

struct json {
        const struct net_index *index;
        struct arena arena;
        struct buf out;
        struct str *names; /* by endpoint, as JSON */
        struct str *sets;  /* by port set, as JSON; made when needed */
        size_t set_count;
        size_t edges;
        bool failed;
};

static void flush(struct json *json) {
        json->failed |= json->out.len > 0 &&
                        fwrite(json->out.data, 1, json->out.len, stdout) != json->out.len;
        buf_clear(&json->out);
}

static struct str set_text(struct json *json, uint32_t set) {
        if (set >= json->set_count) {
                size_t count = json->index->ports.sets.count;

                json->sets = xrealloc(json->sets, count, sizeof *json->sets);
                memset(json->sets + json->set_count, 0,
                       (count - json->set_count) * sizeof *json->sets);
                json->set_count = count;
        }
        if (!json->sets[set].ptr) {
                struct buf text _cleanup_(buf_free) = BUF_INIT;

                net_add_ports(&text, &json->index->ports.sets.items[set]);
                json->sets[set] = arena_str(&json->arena, buf_str(&text));
        }
        return json->sets[set];
}

static void add_pair(struct json *json, struct str source, struct str destination, uint32_t set) {
        buf_add(&json->out, json->edges++ ? STR(",\n{\"src\":") : STR("\n{\"src\":"));
        buf_add(&json->out, source);
        buf_add(&json->out, STR(",\"dst\":"));
        buf_add(&json->out, destination);
        buf_add(&json->out, STR(",\"ports\":"));
        buf_add(&json->out, set_text(json, set));
        buf_add(&json->out, STR("}"));
        if (json->out.len > FLUSH_BYTES)
                flush(json);
}

static void write_edge(void *userdata, const struct net_edge *edge) {
        struct json *json = userdata;

        if (edge->block_count == 0)
                add_pair(json, json->names[edge->source], json->names[edge->destination],
                         edge->set);
        for (uint32_t i = 0; i < edge->block_count; i++) {
                struct arena_mark mark = arena_mark(&json->arena);
                struct str block =
                        arena_printf(&json->arena, "{\"cidr\":\"%.*s\"}",
                                     STR_ARG(ip_prefix_text(&json->arena, &edge->blocks[i])));

                set_text(json, edge->set);
                if (edge->source == NET_OUTSIDE)
                        add_pair(json, block, json->names[edge->destination], edge->set);
                else
                        add_pair(json, json->names[edge->source], block, edge->set);
                if (i > 0)
                        arena_rewind(&json->arena, mark);
        }
}

static int write_json(struct net_index *index, const struct net_matrix_options *options) {
        struct json json = { .index = index };
        bool failed;

        json.names = arena_new_array(&json.arena, index->endpoint_count, struct str);
        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                struct buf text _cleanup_(buf_free) = BUF_INIT;

                net_add_endpoint(&text, &index->endpoints[i]);
                json.names[i] = arena_str(&json.arena, buf_str(&text));
        }
        buf_add(&json.out, STR("["));
        net_matrix(index, options, write_edge, &json);
        buf_add(&json.out, STR("\n]\n"));
        flush(&json);
        failed = json.failed;
        free(json.sets);
        buf_free(&json.out);
        arena_free(&json.arena);
        return failed ? -EIO : 0;
}

/* --- text --- */

/* What one source reaches on one set of ports. */
struct line {
        uint32_t source, set;
        uint64_t *reached; /* bits, by endpoint */
        uint32_t count;
        struct str blocks; /* outside */
};

struct text {
        struct net_index *index;
        struct arena *arena;
        VEC(struct line) lines;
        size_t first; /* line of the source at hand */
};

static size_t words_of(const struct text *text) {
        return text->index->endpoint_count / 64 + 1;
}

static void set_reached(struct line *line, uint32_t endpoint) {
        line->reached[endpoint / 64] |= UINT64_C(1) << (endpoint % 64);
        line->count++;
}

static bool is_reached(const struct line *line, uint32_t endpoint) {
        return line->reached[endpoint / 64] >> (endpoint % 64) & 1;
}

/* BLOCKS: where the source is outside. */
static struct line *line_of(struct text *text, uint32_t source, uint32_t set, struct str blocks) {
        struct line *line;

        if (text->lines.count > 0 && text->lines.items[text->lines.count - 1].source != source)
                text->first = text->lines.count;
        for (size_t i = text->first; i < text->lines.count; i++)
                if (text->lines.items[i].set == set && text->lines.items[i].source == source &&
                    (source != NET_OUTSIDE || str_eq(text->lines.items[i].blocks, blocks)))
                        return &text->lines.items[i];
        line = vec_push(&text->lines);
        *line = (struct line){ .source = source, .set = set };
        line->reached = arena_new_array(text->arena, words_of(text), uint64_t);
        line->blocks = blocks;
        return line;
}

static void collect(void *userdata, const struct net_edge *edge) {
        struct text *text = userdata;
        struct str blocks = STR("");
        struct line *line;

        if (edge->source == edge->destination)
                return;
        if (edge->block_count > 0)
                blocks = net_blocks_text(text->arena, edge->blocks, edge->block_count);
        line = line_of(text, edge->source, edge->set,
                       edge->source == NET_OUTSIDE ? blocks : STR(""));
        if (edge->destination == NET_OUTSIDE)
                line->blocks = blocks;
        else
                set_reached(line, edge->destination);
}

/* Behind the last endpoint of the namespace that begins at FIRST. */
static uint32_t namespace_end(const struct net_index *index, uint32_t first) {
        uint32_t end = first;

        while (end < index->endpoint_count &&
               str_eq(index->endpoints[end].namespace, index->endpoints[first].namespace))
                end++;
        return end;
}

/* Namespaces that are reached as a whole are told by name. */
static struct str reached_text(const struct text *text, const struct line *line) {
        const struct net_index *index = text->index;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        const char *between = "";

        for (uint32_t first = 0, end; first < index->endpoint_count; first = end) {
                uint32_t hit = 0, own = 0;

                end = namespace_end(index, first);
                for (uint32_t i = first; i < end; i++) {
                        hit += is_reached(line, i);
                        own += i == line->source;
                }
                if (hit > 1 && hit + own == end - first) {
                        buf_printf(
                                &buf, "%s%.*s/*", between,
                                STR_ARG(net_shown(text->arena, index->endpoints[first].namespace)));
                        between = ", ";
                        continue;
                }
                for (uint32_t i = first; i < end; i++) {
                        if (!is_reached(line, i))
                                continue;
                        buf_printf(&buf, "%s%.*s", between,
                                   STR_ARG(net_endpoint_name(text->arena, index,
                                                             &index->endpoints[i])));
                        between = ", ";
                }
        }
        if (line->source != NET_OUTSIDE && line->blocks.len > 0)
                buf_printf(&buf, "%s%.*s", between, STR_ARG(line->blocks));
        return arena_str(text->arena, buf_str(&buf));
}

static bool same_lines(const struct text *text, size_t a, size_t b, size_t count) {
        for (size_t i = 0; i < count; i++) {
                const struct line *x = &text->lines.items[a + i], *y = &text->lines.items[b + i];

                if (x->set != y->set || !str_eq(x->blocks, y->blocks) ||
                    memcmp(x->reached, y->reached, words_of(text) * sizeof *x->reached) != 0)
                        return false;
        }
        return true;
}

static size_t lines_of_source(const struct text *text, size_t first) {
        size_t end = first;

        while (end < text->lines.count &&
               text->lines.items[end].source == text->lines.items[first].source)
                end++;
        return end - first;
}

static struct str source_text(const struct text *text, const struct line *line) {
        if (line->source == NET_OUTSIDE)
                return line->blocks;
        return net_endpoint_name(text->arena, text->index, &text->index->endpoints[line->source]);
}

/* Sources that reach the same are told together. */
static struct str sources_text(const struct text *text, size_t *at, bool *done) {
        size_t first = *at, count = lines_of_source(text, first);
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        buf_add(&buf, source_text(text, &text->lines.items[first]));
        for (size_t i = first + count; i < text->lines.count; i += lines_of_source(text, i)) {
                if (done[i] || text->lines.items[i].source == NET_OUTSIDE ||
                    text->lines.items[first].source == NET_OUTSIDE ||
                    lines_of_source(text, i) != count || !same_lines(text, first, i, count))
                        continue;
                done[i] = true;
                buf_printf(&buf, ", %.*s", STR_ARG(source_text(text, &text->lines.items[i])));
        }
        *at = first + count;
        return arena_str(text->arena, buf_str(&buf));
}

static void add_table(struct text *text, struct buf *out) {
        struct table table = { .columns = 3 };
        bool *done = arena_new_array(text->arena, text->lines.count + 1, bool);

        table_add(text->arena, &table, STR("SOURCE"), STR("PORTS"), STR("DESTINATION"));
        for (size_t i = 0; i < text->lines.count;) {
                size_t first = i;
                struct str source;

                if (done[i]) {
                        i += lines_of_source(text, i);
                        continue;
                }
                source = sources_text(text, &i, done);
                for (size_t k = first; k < i; k++) {
                        const struct line *line = &text->lines.items[k];

                        if (line->source == NET_OUTSIDE)
                                source = line->blocks;
                        table_add(text->arena, &table, source,
                                  net_ports_text(text->arena,
                                                 &text->index->ports.sets.items[line->set]),
                                  reached_text(text, line));
                        source = STR("");
                }
        }
        table_write(out, &table);
}

static void write_text(struct command_context *context, struct net_index *index,
                       const struct net_matrix_options *options) {
        struct text text = { .index = index, .arena = context->arena };
        struct buf out _cleanup_(buf_free) = BUF_INIT;

        net_matrix(index, options, collect, &text);
        if (text.lines.count == 0)
                buf_add(&out, STR("nothing reaches anything\n"));
        else
                add_table(&text, &out);
        if (index->plugin.len > 0 && !index->plugin_enforces)
                command_note("%.*s does not enforce network policies (%.*s)",
                             STR_ARG(index->plugin),
                             STR_ARG(net_place_text(context->arena, index->plugin_place.file,
                                                    index->plugin_place.pos)));
        fwrite(out.data, 1, out.len, stdout);
        vec_free(&text.lines);
}

/* --- the verb --- */

static bool *wanted_of(struct command_context *context, const struct net_index *index,
                       const char *namespace) {
        bool *wanted;

        if (!namespace)
                return NULL;
        wanted = arena_new_array(context->arena, index->endpoint_count, bool);
        for (uint32_t i = 0; i < index->endpoint_count; i++)
                wanted[i] = str_eq(index->endpoints[i].namespace, str_from(namespace));
        return wanted;
}

static int run(struct command_context *context, _unused_ int argc, _unused_ char **argv) {
        const struct net_arguments *arguments = context->options;
        struct net_index index _cleanup_(net_index_free) = { 0 };
        struct net_matrix_options options = { .nodes = arguments->nodes };
        bool complete = true;
        int r = net_read(context, arguments, &index, &complete);

        if (r < 0)
                return r;
        options.wanted = wanted_of(context, &index, arguments->namespace);
        if (arguments->format == NET_JSON)
                r = write_json(&index, &options);
        else if (arguments->format == NET_TEXT)
                write_text(context, &index, &options);
        else
                r = net_write_picture(context, &index, &options, arguments->format);
        if (r == -EIO)
                error_set(context->error, r, "cannot write the matrix");
        if (r < 0)
                return r;
        return complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        NET_OUTPUT_OPTION(formats),
        { 'n', "namespace", "NS", "only what touches a workload of this namespace", OPTION_STRING,
          offsetof(struct net_arguments, namespace) },
        { 0, "nodes", NULL, "with Nodes, and what they reach", OPTION_FLAG,
          offsetof(struct net_arguments, nodes) },
        NET_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt net list -f examples/shop", "what may connect to what" },
        { "redoubt net list -f examples/shop -o json -n shop", "for programs, of one namespace" },
        { "redoubt net list -f examples/shop -o svg", "as a picture" },
        { NULL },
};

const struct command command_net_list = {
        .name = "list",
        .summary = "every connection that policies allow",
        .description =
                "Lists which workloads may connect to which, and to or from which addresses "
                "outside, on which ports. Pods of a workload that policies tell apart are listed "
                "one by one. In the text, sources that reach the same are told together, a "
                "namespace that is reached as a whole is NAME/*, and a workload's connections to "
                "itself are left out.\n\nExit status: 0, 2 an error, 3 something could not be "
                "read.",
        .options = specs,
        .options_size = sizeof(struct net_arguments),
        .examples = examples,
        .run = run,
};
