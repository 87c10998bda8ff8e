#include "net/matrix.h"

#include "base/buf.h"
#include "base/util.h"
#include "net/private.h"

typedef unsigned __int128 address;

static address address_of(const struct ip *ip) {
        address value = 0;

        for (int i = 0; i < (ip->v6 ? 16 : 4); i++)
                value = value << 8 | ip->bytes[i];
        return value;
}

static struct ip ip_of(address value, bool v6) {
        struct ip ip = { .v6 = v6 };

        for (int i = v6 ? 15 : 3; i >= 0; i--, value >>= 8)
                ip.bytes[i] = (uint8_t)value;
        return ip;
}

/* --- blocks of addresses --- */

struct block_list {
        struct arena *arena;
        struct ip_prefix *items;
        uint32_t count;
        size_t capacity;
};

static void add_block(struct block_list *list, address first, unsigned host_bits, bool v6) {
        list->items = vec_grow(list->items, list->count, &list->capacity, sizeof *list->items,
                               list->arena);
        list->items[list->count++] =
                (struct ip_prefix){ ip_of(first, v6), (uint8_t)((v6 ? 128 : 32) - host_bits) };
}

/* The addresses FIRST to LAST as blocks, the largest first that fits at each place. */
static void add_interval(struct block_list *list, address first, address last, bool v6) {
        unsigned bits = v6 ? 128 : 32;

        for (;;) {
                unsigned size = 0;

                while (size < bits) {
                        address mask =
                                size + 1 == 128 ? ~(address)0 : ((address)1 << (size + 1)) - 1;

                        if ((first & mask) != 0 || (first | mask) > last)
                                break;
                        size++;
                }
                add_block(list, first, size, v6);
                if (size == bits)
                        return;
                first += (address)1 << size;
                if (first > last || first == 0)
                        return;
        }
}

struct ip_prefix *net_blocks_of(const struct net_index *index, struct arena *arena,
                                const uint64_t *bits, uint32_t *ret_count) {
        struct block_list list = { .arena = arena };

        for (uint32_t i = 0, end; i < index->range_count; i = end) {
                end = i + 1;
                if (!net_bit(bits, index->class_count + i))
                        continue;
                while (end < index->range_count && net_bit(bits, index->class_count + end) &&
                       index->ranges[end].first.v6 == index->ranges[i].first.v6)
                        end++;
                add_interval(&list, address_of(&index->ranges[i].first),
                             address_of(&index->ranges[end - 1].last), index->ranges[i].first.v6);
        }
        *ret_count = list.count;
        return list.items;
}

/* What of the family is not in BLOCKS, which are sorted. */
static void complement(struct block_list *list, const struct ip_prefix *blocks, uint32_t count,
                       bool v6) {
        address next = 0, end = v6 ? ~(address)0 : 0xffffffffu;
        bool full = false;

        for (uint32_t i = 0; i < count; i++) {
                unsigned rest = (v6 ? 128u : 32u) - blocks[i].length;
                address first, last;

                if (blocks[i].ip.v6 != v6)
                        continue;
                first = address_of(&blocks[i].ip);
                last = first | (rest == 128 ? ~(address)0 : ((address)1 << rest) - 1);
                if (first > next)
                        add_interval(list, next, first - 1, v6);
                full = last == end;
                next = last + 1;
        }
        if (!full)
                add_interval(list, next, end, v6);
}

static void add_blocks_text(struct buf *buf, struct arena *arena, const struct ip_prefix *blocks,
                            uint32_t count, bool v6, const char *before) {
        for (uint32_t i = 0; i < count; i++) {
                if (blocks[i].ip.v6 != v6)
                        continue;
                buf_printf(buf, "%s%.*s", before, STR_ARG(ip_prefix_text(arena, &blocks[i])));
                before = ", ";
        }
}

struct str net_blocks_text(struct arena *arena, const struct ip_prefix *blocks, uint32_t count) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (int v6 = 0; v6 < 2; v6++) {
                struct block_list rest = { .arena = arena };
                uint32_t own = 0;

                for (uint32_t i = 0; i < count; i++)
                        own += blocks[i].ip.v6 == v6;
                if (own == 0)
                        continue;
                complement(&rest, blocks, count, v6);
                if (rest.count + 1 >= own) {
                        add_blocks_text(&buf, arena, blocks, count, v6, buf.len ? ", " : "");
                        continue;
                }
                buf_printf(&buf, "%s%s", buf.len ? ", " : "", v6 ? "::/0" : "0.0.0.0/0");
                add_blocks_text(&buf, arena, rest.items, rest.count, v6, " except ");
        }
        return arena_str(arena, buf_str(&buf));
}

/* --- edges --- */

struct writer {
        struct net_index *index;
        const struct net_matrix_options *options;
        net_edge_fn *each;
        void *userdata;
        struct arena scratch;
        uint32_t *row; /* by class: the ports on which the source reaches it */
};

static bool is_shown(const struct writer *writer, const struct net_endpoint *endpoint) {
        return writer->options->nodes || endpoint->pod->namespace;
}

static bool is_wanted(const struct writer *writer, uint32_t a, uint32_t b) {
        const bool *wanted = writer->options->wanted;

        return !wanted || (a != NET_OUTSIDE && wanted[a]) || (b != NET_OUTSIDE && wanted[b]);
}

static uint32_t pair(struct net_index *index, uint32_t source, uint32_t destination) {
        const struct net_class *from = &index->classes[source], *to = &index->classes[destination];

        if (from->host && from->node.len > 0 && str_eq(from->node, to->node))
                return NET_ALL_PORTS;
        return net_ports_intersect(&index->ports, net_side(index, source, NET_EGRESS, destination),
                                   net_side(index, destination, NET_INGRESS, source));
}

static void fill_row(struct writer *writer, uint32_t class) {
        for (uint32_t i = 0; i < writer->index->class_count; i++)
                writer->row[i] = pair(writer->index, class, i);
}

/* Endpoints outside: the groups of a view, each without its classes. */
static void write_outside(struct writer *writer, uint32_t endpoint, enum net_direction direction) {
        struct net_index *index = writer->index;
        const struct net_view *view =
                &index->views[index->classes[index->endpoints[endpoint].class].view[direction]];

        for (uint32_t i = 0; i < view->group_count; i++) {
                struct net_edge edge = { .set = view->groups[i].set };

                if (edge.set == NET_NO_PORTS)
                        continue;
                arena_reset(&writer->scratch, SIZE_MAX);
                edge.blocks = net_blocks_of(index, &writer->scratch, view->groups[i].bits,
                                            &edge.block_count);
                edge.source = direction == NET_EGRESS ? endpoint : NET_OUTSIDE;
                edge.destination = direction == NET_EGRESS ? NET_OUTSIDE : endpoint;
                if (edge.block_count > 0)
                        writer->each(writer->userdata, &edge);
        }
}

static void write_source(struct writer *writer, uint32_t source, uint32_t *filled) {
        struct net_index *index = writer->index;
        const struct net_endpoint *from = &index->endpoints[source];

        if (*filled != from->class)
                fill_row(writer, from->class);
        *filled = from->class;
        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_endpoint *to = &index->endpoints[i];
                struct net_edge edge = { source, i, writer->row[to->class], NULL, 0 };

                if (edge.set == NET_NO_PORTS || !is_shown(writer, to) ||
                    !is_wanted(writer, source, i) ||
                    (source == i && from->pods == 1 && !from->pod->template) ||
                    (source == i && !from->pod->namespace))
                        continue;
                writer->each(writer->userdata, &edge);
        }
        if (is_wanted(writer, source, NET_OUTSIDE))
                write_outside(writer, source, NET_EGRESS);
}

void net_matrix(struct net_index *index, const struct net_matrix_options *options,
                net_edge_fn *each, void *userdata) {
        struct writer writer = {
                .index = index, .options = options, .each = each, .userdata = userdata
        };
        uint32_t filled = UINT32_MAX;

        writer.row = xrealloc(NULL, index->class_count + 1, sizeof *writer.row);
        for (uint32_t i = 0; i < index->endpoint_count; i++)
                if (is_shown(&writer, &index->endpoints[i]))
                        write_source(&writer, i, &filled);
        for (uint32_t i = 0; i < index->endpoint_count; i++)
                if (is_shown(&writer, &index->endpoints[i]) && is_wanted(&writer, i, NET_OUTSIDE))
                        write_outside(&writer, i, NET_INGRESS);
        free(writer.row);
        arena_free(&writer.scratch);
}

/* Whether pods of GROUP other than a lone pod of CLASS itself are among the pods of the cluster. */
static bool has_others(const struct net_index *index, const struct net_group *group,
                       uint32_t class) {
        for (uint32_t i = 0; i < index->class_count; i++)
                if (!index->classes[i].host && net_bit(group->bits, i) &&
                    (i != class || index->classes[i].pods > 1))
                        return true;
        return false;
}

uint32_t net_open_to_all(struct net_index *index, uint32_t class) {
        const struct net_view *view = &index->views[index->classes[class].view[NET_INGRESS]];
        uint32_t set = NET_ALL_PORTS;
        bool any = false;

        for (uint32_t i = 0; i < view->group_count; i++)
                if (has_others(index, &view->groups[i], class)) {
                        set = net_ports_intersect(&index->ports, set, view->groups[i].set);
                        any = true;
                }
        /* Alone in the input: what it would let in. */
        return any ? set : net_side(index, class, NET_INGRESS, class);
}
