/* redoubt net diff: which connections a change opens and closes. */
#include "base/confine.h"
#include "base/util.h"
#include "cmd/net.h"
#include "cmd/objects.h"
#include "cmd/table.h"
#include "net/matrix.h"

/* One side of the comparison. */
struct side {
        struct net_index index;
        uint32_t *class; /* by number of the union of endpoints; UINT32_MAX: it has none */
};

/* An endpoint of either side. */
struct party {
        struct str name; /* for terminals */
        const struct net_endpoint *endpoint;
};

struct diff {
        struct command_context *context;
        struct arena *arena;
        struct side sides[2]; /* old, new */
        struct party *parties;
        uint32_t count;
        struct buf out;
        struct table table;
        size_t rows;
        bool json;
};

/* --- who --- */

static void add_party(struct diff *diff, struct map *known, int which,
                      const struct net_endpoint *endpoint) {
        const struct net_index *index = &diff->sides[which].index;
        struct str key = arena_printf(
                diff->arena, "%zu/%zu/%.*s/%.*s/%.*s", endpoint->namespace.len, endpoint->kind.len,
                STR_ARG(endpoint->namespace), STR_ARG(endpoint->kind), STR_ARG(endpoint->name));
        uint32_t number = (uint32_t)(uintptr_t)map_get(known, key);

        if (number == 0) {
                number = ++diff->count;
                map_put(known, key)->value = (void *)(uintptr_t)number;
                diff->parties[number - 1] =
                        (struct party){ net_endpoint_name(diff->arena, index, endpoint), endpoint };
        }
        diff->sides[which].class[number - 1] = endpoint->class;
}

static void find_parties(struct diff *diff) {
        struct map known _cleanup_(map_free) = MAP_INIT;
        size_t most = diff->sides[0].index.endpoint_count + diff->sides[1].index.endpoint_count;

        diff->parties = arena_new_array(diff->arena, most, struct party);
        for (int i = 0; i < 2; i++) {
                diff->sides[i].class = arena_new_array(diff->arena, most, uint32_t);
                memset(diff->sides[i].class, 0xff, most * sizeof *diff->sides[i].class);
        }
        for (int i = 0; i < 2; i++)
                for (uint32_t k = 0; k < diff->sides[i].index.endpoint_count; k++)
                        if (diff->sides[i].index.endpoints[k].pod->namespace)
                                add_party(diff, &known, i, &diff->sides[i].index.endpoints[k]);
}

/* --- what --- */

static void ports_of(struct diff *diff, int which, uint32_t source, uint32_t destination,
                     struct net_ports *ret) {
        *ret = (struct net_ports){ 0 };
        if (source != UINT32_MAX && destination != UINT32_MAX)
                net_reach(&diff->sides[which].index, diff->arena, source, destination, ret);
}

/* What A has and B has not, of the table of the new side. */
static uint32_t without(struct diff *diff, const struct net_ports *a, const struct net_ports *b) {
        struct net_port_table *table = &diff->sides[1].index.ports;

        return net_ports_subtract(table, net_ports_intern(table, a->items, a->count),
                                  net_ports_intern(table, b->items, b->count));
}

static void add_json(struct diff *diff, bool gained, const struct party *source,
                     const struct party *destination, const struct ip_prefix *block, uint32_t set) {
        struct buf *out = &diff->out;
        const struct party *ends[] = { source, destination };

        buf_printf(out, "%s{\"change\":\"%s\"", diff->rows ? ",\n" : "\n",
                   gained ? "gained" : "lost");
        for (int i = 0; i < 2; i++) {
                buf_add(out, i ? STR(",\"dst\":") : STR(",\"src\":"));
                if (ends[i])
                        net_add_endpoint(out, ends[i]->endpoint);
                else
                        buf_printf(out, "{\"cidr\":\"%.*s\"}",
                                   STR_ARG(ip_prefix_text(diff->arena, block)));
        }
        buf_add(out, STR(",\"ports\":"));
        net_add_ports(out, &diff->sides[1].index.ports.sets.items[set]);
        buf_add_char(out, '}');
        diff->rows++;
}

/* SOURCE or DESTINATION may be NULL: the BLOCKS. */
static void add_change(struct diff *diff, bool gained, const struct party *source,
                       const struct party *destination, const struct ip_prefix *blocks,
                       uint32_t block_count, uint32_t set) {
        struct str outside = STR("");

        if (diff->json) {
                for (uint32_t i = 0; i < (blocks ? block_count : 1); i++)
                        add_json(diff, gained, source, destination, blocks ? &blocks[i] : NULL,
                                 set);
                return;
        }
        if (blocks)
                outside = net_blocks_text(diff->arena, blocks, block_count);
        table_add(diff->arena, &diff->table,
                  arena_printf(diff->arena, "%c %.*s", gained ? '+' : '-',
                               STR_ARG(source ? source->name : outside)),
                  destination ? destination->name : outside,
                  net_ports_text(diff->arena, &diff->sides[1].index.ports.sets.items[set]));
        diff->rows++;
}

static void compare_pair(struct diff *diff, uint32_t a, uint32_t b) {
        struct net_ports ports[2];
        struct arena_mark mark = arena_mark(diff->arena);
        uint32_t gained, lost;

        for (int i = 0; i < 2; i++)
                ports_of(diff, i, diff->sides[i].class[a], diff -> sides[i].class[b], &ports[i]);
        gained = without(diff, &ports[1], &ports[0]);
        lost = without(diff, &ports[0], &ports[1]);
        arena_rewind(diff->arena, mark);
        if (gained != NET_NO_PORTS)
                add_change(diff, true, &diff->parties[a], &diff->parties[b], NULL, 0, gained);
        if (lost != NET_NO_PORTS)
                add_change(diff, false, &diff->parties[a], &diff->parties[b], NULL, 0, lost);
}

/* Ranges are the same on both sides; those with the same change are told together. */
struct range_change {
        uint32_t set;
        uint64_t *bits;
};

struct range_changes {
        VEC(struct range_change) items;
};

static void note_range(struct diff *diff, struct range_changes *changes, uint32_t set,
                       uint32_t peer) {
        struct range_change *change = NULL;

        if (set == NET_NO_PORTS)
                return;
        for (size_t i = 0; i < changes->items.count && !change; i++)
                if (changes->items.items[i].set == set)
                        change = &changes->items.items[i];
        if (!change) {
                change = vec_push(&changes->items);
                change->set = set;
                change->bits =
                        arena_new_array(diff->arena, diff->sides[1].index.words_per_set, uint64_t);
        }
        change->bits[peer / 64] |= UINT64_C(1) << (peer % 64);
}

static void write_ranges(struct diff *diff, struct range_changes *changes, bool gained, uint32_t a,
                         bool outgoing) {
        for (size_t i = 0; i < changes->items.count; i++) {
                const struct range_change *change = &changes->items.items[i];
                uint32_t count;
                const struct ip_prefix *blocks =
                        net_blocks_of(&diff->sides[1].index, diff->arena, change->bits, &count);

                add_change(diff, gained, outgoing ? &diff->parties[a] : NULL,
                           outgoing ? NULL : &diff->parties[a], blocks, count, change->set);
        }
        vec_free(&changes->items);
}

static void compare_outside(struct diff *diff, uint32_t a, bool outgoing) {
        struct range_changes gained = { 0 }, lost = { 0 };

        for (uint32_t i = 0; i < diff->sides[1].index.range_count; i++) {
                struct net_ports ports[2];

                for (int k = 0; k < 2; k++) {
                        uint32_t range = diff->sides[k].index.class_count + i;
                        uint32_t class = diff->sides[k].class[a];

                        if (class == UINT32_MAX)
                                range = UINT32_MAX;
                        ports_of(diff, k, outgoing ? class : range, outgoing ? range : class,
                                 &ports[k]);
                }
                note_range(diff, &gained, without(diff, &ports[1], &ports[0]),
                           diff->sides[1].index.class_count + i);
                note_range(diff, &lost, without(diff, &ports[0], &ports[1]),
                           diff->sides[1].index.class_count + i);
        }
        write_ranges(diff, &gained, true, a, outgoing);
        write_ranges(diff, &lost, false, a, outgoing);
}

static void compare(struct diff *diff) {
        find_parties(diff);
        for (uint32_t a = 0; a < diff->count; a++) {
                for (uint32_t b = 0; b < diff->count; b++)
                        if (a != b)
                                compare_pair(diff, a, b);
                compare_outside(diff, a, true);
                compare_outside(diff, a, false);
        }
}

/* --- the verb --- */

static int read_sides(struct diff *diff, char **paths, bool *complete) {
        struct command_context *context = diff->context;
        const struct net_arguments *arguments = context->options;
        const char *readable[] = { paths[0], paths[1] };
        const struct confine_rules rules = { .read = readable, .read_count = 2 };
        struct input_list inputs[2] = { 0 };
        int r = 0;

        for (int i = 0; i < 2 && r >= 0; i++) {
                const char *items[] = { paths[i] };
                struct option_strings list = { .items = items, .count = 1 };

                r = objects_open(context, &list, &inputs[i]);
        }
        if (r >= 0)
                r = confine(&rules, NULL, context->error);
        for (int i = 0; i < 2 && r >= 0; i++) {
                r = net_prepare(context, arguments, &diff->sides[i].index);
                if (r >= 0)
                        *complete &= net_read_inputs(&inputs[i], &diff->sides[i].index);
        }
        for (int i = 0; i < 2 && r >= 0; i++)
                diff->sides[i].index.other = &diff->sides[1 - i].index;
        for (int i = 0; i < 2 && r >= 0; i++)
                r = net_conclude(context, &diff->sides[i].index, complete);
        for (int i = 0; i < 2; i++)
                input_free(&inputs[i]);
        return r;
}

static int run(struct command_context *context, _unused_ int argc, char **argv) {
        const struct net_arguments *arguments = context->options;
        struct diff diff = { .context = context,
                             .arena = context->arena,
                             .table = { .columns = 3 },
                             .json = arguments->format == NET_JSON };
        bool complete = true;
        int r = read_sides(&diff, argv, &complete);

        if (r >= 0) {
                buf_add(&diff.out, diff.json ? STR("[") : STR(""));
                compare(&diff);
                if (!diff.json && diff.rows == 0)
                        buf_add(&diff.out, STR("no connection is opened or closed\n"));
                else if (!diff.json)
                        table_write(&diff.out, &diff.table);
                buf_add(&diff.out, diff.json ? STR("\n]\n") : STR(""));
                fwrite(diff.out.data, 1, diff.out.len, stdout);
        }
        for (int i = 0; i < 2; i++)
                net_index_free(&diff.sides[i].index);
        buf_free(&diff.out);
        if (r < 0)
                return r;
        if (!complete)
                return COMMAND_INCOMPLETE;
        return diff.rows ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        NET_OUTPUT_OPTION(net_formats),
        OPTION_SECTION("Input"),
        NET_RANGE_OPTION,
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "OLD", OPTION_HINT_FILE },
        { "NEW", OPTION_HINT_FILE },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt net diff examples/policies examples/shop",
          "what one opens more than the other" },
        { NULL },
};

const struct command command_net_diff = {
        .name = "diff",
        .summary = "which connections a change opens and closes",
        .description =
                "Compares what the manifests in OLD and in NEW (files, folders or snapshots) "
                "allow: "
                "connections, not texts. What is opened begins with +, what is closed with -. A "
                "workload that is new opens all it reaches.\n\nExit status: 0 the same "
                "connections, 1 differences, 2 an error, 3 something could not be read.",
        .options = specs,
        .options_size = sizeof(struct net_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
