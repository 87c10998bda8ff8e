#include "net/ports.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/util.h"

enum { PORT_MAX = 65535, MEMO_SLOTS = 4096 };

enum operation { UNION = 1, INTERSECT, SUBTRACT };

/* The last answer that fell on this slot. */
struct net_port_memo {
        uint32_t operation, a, b, result;
};

static const char *const names[] = { "TCP", "UDP", "SCTP" };

const char *net_protocol_name(enum net_protocol protocol) {
        return names[protocol];
}

bool net_protocol_parse(struct str text, enum net_protocol *ret) {
        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (str_eq(text, str_from(names[i]))) {
                        *ret = (enum net_protocol)i;
                        return true;
                }
        return false;
}

/* --- the table --- */

static uint32_t hash_of(const struct net_interval *items, uint32_t count) {
        return str_hash((struct str){ (const char *)items, count * sizeof *items });
}

static bool equal(const struct net_ports *set, const struct net_interval *items, uint32_t count) {
        return set->count == count &&
               (count == 0 || memcmp(set->items, items, count * sizeof *items) == 0);
}

static void place(struct net_port_table *table, uint32_t number) {
        const struct net_ports *set = &table->sets.items[number];
        uint32_t at = hash_of(set->items, set->count) & (table->slot_count - 1);

        while (table->slots[at])
                at = (at + 1) & (table->slot_count - 1);
        table->slots[at] = number + 1;
}

static void grow(struct net_port_table *table) {
        free(table->slots);
        table->slot_count = table->slot_count ? table->slot_count * 2 : 64;
        table->slots = calloc(table->slot_count, sizeof *table->slots);
        if (!table->slots)
                out_of_memory();
        for (uint32_t i = 0; i < table->sets.count; i++)
                place(table, i);
}

/* ITEMS are sorted, disjoint and apart. */
static uint32_t intern(struct net_port_table *table, const struct net_interval *items,
                       uint32_t count) {
        uint32_t at, number = (uint32_t)table->sets.count;

        if ((table->sets.count + 1) * 2 > table->slot_count)
                grow(table);
        at = hash_of(items, count) & (table->slot_count - 1);
        for (; table->slots[at]; at = (at + 1) & (table->slot_count - 1))
                if (equal(&table->sets.items[table->slots[at] - 1], items, count))
                        return table->slots[at] - 1;
        *vec_push(&table->sets) = (struct net_ports){
                .items = arena_copy(&table->arena, items, count * sizeof *items), .count = count
        };
        table->slots[at] = number + 1;
        return number;
}

void net_port_table_init(struct net_port_table *table) {
        struct net_interval all[NET_PROTOCOLS];

        *table = (struct net_port_table){ 0 };
        table->memo = calloc(MEMO_SLOTS, sizeof *table->memo);
        if (!table->memo)
                out_of_memory();
        for (uint32_t i = 0; i < NET_PROTOCOLS; i++)
                all[i] = (struct net_interval){ net_port_code(i, 1), net_port_code(i, PORT_MAX) };
        intern(table, NULL, 0);
        intern(table, all, NET_PROTOCOLS);
}

void net_port_table_free(struct net_port_table *table) {
        free(table->slots);
        free(table->memo);
        vec_free(&table->sets);
        arena_free(&table->arena);
        *table = (struct net_port_table){ 0 };
}

static int compare(const void *a, const void *b) {
        const struct net_interval *left = a, *right = b;

        if (left->first != right->first)
                return left->first < right->first ? -1 : 1;
        return 0;
}

/* Joins the sorted ITEMS that overlap or touch; returns how many are left. Protocols never touch:
 * there is no port 0. */
static uint32_t join(struct net_interval *items, uint32_t count) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < count; i++) {
                if (kept > 0 && items[i].first <= items[kept - 1].last + 1) {
                        if (items[i].last > items[kept - 1].last)
                                items[kept - 1].last = items[i].last;
                } else {
                        items[kept++] = items[i];
                }
        }
        return kept;
}

uint32_t net_ports_intern(struct net_port_table *table, struct net_interval *intervals,
                          uint32_t count) {
        if (count > 1)
                qsort(intervals, count, sizeof *intervals, compare);
        return intern(table, intervals, join(intervals, count));
}

/* --- two sets --- */

static uint32_t intersect(const struct net_ports *a, const struct net_ports *b,
                          struct net_interval *ret) {
        uint32_t i = 0, k = 0, count = 0;

        while (i < a->count && k < b->count) {
                struct net_interval x = a->items[i], y = b->items[k];
                uint32_t first = x.first > y.first ? x.first : y.first;
                uint32_t last = x.last < y.last ? x.last : y.last;

                if (first <= last)
                        ret[count++] = (struct net_interval){ first, last };
                if (x.last < y.last)
                        i++;
                else
                        k++;
        }
        return count;
}

static uint32_t subtract(const struct net_ports *a, const struct net_ports *b,
                         struct net_interval *ret) {
        uint32_t k = 0, count = 0;

        for (uint32_t i = 0; i < a->count; i++) {
                struct net_interval x = a->items[i];

                while (k < b->count && b->items[k].last < x.first)
                        k++;
                for (uint32_t m = k; m < b->count && b->items[m].first <= x.last; m++) {
                        if (b->items[m].first > x.first)
                                ret[count++] =
                                        (struct net_interval){ x.first, b->items[m].first - 1 };
                        x.first = b->items[m].last + 1;
                }
                if (x.first <= x.last)
                        ret[count++] = x;
        }
        return count;
}

static uint32_t compute(struct net_port_table *table, enum operation operation, uint32_t a,
                        uint32_t b) {
        const struct net_ports left = table->sets.items[a], right = table->sets.items[b];
        uint32_t room = left.count + right.count, count = 0, result;
        struct net_interval *items = calloc(room + 1, sizeof *items);

        if (!items)
                out_of_memory();
        if (operation == INTERSECT) {
                count = intersect(&left, &right, items);
        } else if (operation == SUBTRACT) {
                count = subtract(&left, &right, items);
        } else {
                if (left.count)
                        memcpy(items, left.items, left.count * sizeof *items);
                if (right.count)
                        memcpy(items + left.count, right.items, right.count * sizeof *items);
                count = room;
        }
        result = net_ports_intern(table, items, count);
        free(items);
        return result;
}

static uint32_t remembered(struct net_port_table *table, enum operation operation, uint32_t a,
                           uint32_t b) {
        uint32_t at = (a * 2654435761u ^ b * 40503u ^ operation * 97u) % MEMO_SLOTS;
        struct net_port_memo *memo = &table->memo[at];

        if (memo->operation != operation || memo->a != a || memo->b != b)
                *memo = (struct net_port_memo){ operation, a, b, compute(table, operation, a, b) };
        return memo->result;
}

uint32_t net_ports_union(struct net_port_table *table, uint32_t a, uint32_t b) {
        if (a == b || b == NET_NO_PORTS || a == NET_ALL_PORTS)
                return a;
        if (a == NET_NO_PORTS || b == NET_ALL_PORTS)
                return b;
        return remembered(table, UNION, a < b ? a : b, a < b ? b : a);
}

uint32_t net_ports_intersect(struct net_port_table *table, uint32_t a, uint32_t b) {
        if (a == b || b == NET_ALL_PORTS || a == NET_NO_PORTS)
                return a;
        if (a == NET_ALL_PORTS || b == NET_NO_PORTS)
                return b;
        return remembered(table, INTERSECT, a < b ? a : b, a < b ? b : a);
}

uint32_t net_ports_subtract(struct net_port_table *table, uint32_t a, uint32_t b) {
        if (a == b || a == NET_NO_PORTS || b == NET_ALL_PORTS)
                return NET_NO_PORTS;
        if (b == NET_NO_PORTS)
                return a;
        return remembered(table, SUBTRACT, a, b);
}

void net_ports_intersection(struct arena *arena, const struct net_ports *a,
                            const struct net_ports *b, struct net_ports *ret) {
        struct net_interval *items =
                arena_new_array(arena, a->count + b->count + 1, struct net_interval);

        *ret = (struct net_ports){ items, intersect(a, b, items) };
}

bool net_ports_meet(const struct net_ports *a, const struct net_ports *b) {
        uint32_t i = 0, k = 0;

        while (i < a->count && k < b->count) {
                if (a->items[i].last < b->items[k].first)
                        i++;
                else if (b->items[k].last < a->items[i].first)
                        k++;
                else
                        return true;
        }
        return false;
}

bool net_ports_have(const struct net_ports *ports, enum net_protocol protocol, uint16_t port) {
        uint32_t code = net_port_code(protocol, port);

        for (uint32_t i = 0; i < ports->count && ports->items[i].first <= code; i++)
                if (code <= ports->items[i].last)
                        return true;
        return false;
}

bool net_ports_are_all(const struct net_ports *ports) {
        if (ports->count != NET_PROTOCOLS)
                return false;
        for (uint32_t i = 0; i < NET_PROTOCOLS; i++)
                if (ports->items[i].first != net_port_code(i, 1) ||
                    ports->items[i].last != net_port_code(i, PORT_MAX))
                        return false;
        return true;
}

/* --- words --- */

static void add_interval(struct buf *buf, const struct net_interval *interval) {
        uint32_t first = interval->first & 0xffff, last = interval->last & 0xffff;

        if (first == 1 && last == PORT_MAX)
                buf_add(buf, STR("any"));
        else if (first == last)
                buf_printf(buf, "%u", first);
        else
                buf_printf(buf, "%u-%u", first, last);
}

struct str net_ports_text(struct arena *arena, const struct net_ports *ports) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        if (ports->count == 0)
                return STR("no port");
        if (net_ports_are_all(ports))
                return STR("any port");
        for (uint32_t i = 0; i < ports->count; i++) {
                uint32_t protocol = ports->items[i].first >> 16;

                if (i > 0 && protocol == ports->items[i - 1].first >> 16)
                        buf_add_char(&buf, ',');
                else
                        buf_printf(&buf, "%s%s ", i ? ", " : "", names[protocol]);
                add_interval(&buf, &ports->items[i]);
        }
        return arena_str(arena, buf_str(&buf));
}
