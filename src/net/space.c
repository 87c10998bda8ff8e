/*
 * The address space, cut at the bounds of every address block of a policy: within a range no policy
 * tells addresses apart.
 */
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

static address last_of(bool v6) {
        return v6 ? ~(address)0 : 0xffffffffu;
}

/* The last address of PREFIX. */
static address end_of(const struct ip_prefix *prefix) {
        unsigned bits = prefix->ip.v6 ? 128 : 32, rest = bits - prefix->length;
        address mask = rest == 128 ? ~(address)0 : ((address)1 << rest) - 1;

        return address_of(&prefix->ip) | mask;
}

struct cuts {
        VEC(address) starts[2]; /* IPv4, IPv6 */
};

static void cut(struct cuts *cuts, const struct ip_prefix *prefix) {
        bool v6 = prefix->ip.v6;
        address end = end_of(prefix);

        *vec_push(&cuts->starts[v6]) = address_of(&prefix->ip);
        if (end < last_of(v6))
                *vec_push(&cuts->starts[v6]) = end + 1;
}

static void cut_rule(struct cuts *cuts, const struct net_rule *rule) {
        for (uint32_t i = 0; i < rule->peer_count; i++)
                for (uint32_t k = 0; k < rule->peers[i].block_count; k++) {
                        const struct net_block *block = &rule->peers[i].blocks[k];

                        cut(cuts, &block->prefix);
                        for (uint32_t m = 0; m < block->except_count; m++)
                                cut(cuts, &block->except[m]);
                }
}

static int compare(const void *a, const void *b) {
        const address *left = a, *right = b;

        return *left < *right ? -1 : *left > *right;
}

/* What a person asks for most, and what the pictures show. */
static void cut_well_known(struct cuts *cuts) {
        struct ip_prefix metadata;

        if (net_read_prefix(STR("169.254.169.254/32"), &metadata))
                cut(cuts, &metadata);
}

static void cut_policies(struct cuts *cuts, const struct net_index *index) {
        for (size_t i = 0; i < index->all_policies.count; i++)
                for (int d = 0; d < NET_DIRECTIONS; d++) {
                        const struct net_rules *rules = &index->all_policies.items[i]->rules[d];

                        for (uint32_t k = 0; k < rules->count; k++)
                                cut_rule(cuts, &rules->items[k]);
                }
}

void net_make_ranges(struct net_index *index) {
        struct cuts cuts = { 0 };
        uint32_t count = 0;

        cut_well_known(&cuts);
        cut_policies(&cuts, index);
        if (index->other)
                cut_policies(&cuts, index->other);
        for (int f = 0; f < 2; f++) {
                *vec_push(&cuts.starts[f]) = 0;
                qsort(cuts.starts[f].items, cuts.starts[f].count, sizeof(address), compare);
        }
        index->ranges = arena_new_array(&index->arena, cuts.starts[0].count + cuts.starts[1].count,
                                        struct net_range);
        for (int f = 0; f < 2; f++) {
                uint32_t first = count;

                for (size_t i = 0; i < cuts.starts[f].count; i++) {
                        address start = cuts.starts[f].items[i];

                        if (i > 0 && start == cuts.starts[f].items[i - 1])
                                continue;
                        if (count > first)
                                index->ranges[count - 1].last = ip_of(start - 1, f);
                        index->ranges[count].first = ip_of(start, f);
                        index->ranges[count++].last = ip_of(last_of(f), f);
                }
                vec_free(&cuts.starts[f]);
        }
        index->range_count = count;
}

static int order(const struct ip *a, const struct ip *b) {
        if (a->v6 != b->v6)
                return a->v6 ? 1 : -1;
        return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

uint32_t net_range_of(const struct net_index *index, const struct ip *ip) {
        uint32_t low = 0, high = index->range_count;

        while (high - low > 1) {
                uint32_t middle = low + (high - low) / 2;

                if (order(&index->ranges[middle].first, ip) <= 0)
                        low = middle;
                else
                        high = middle;
        }
        return low;
}

/* --- pods whose address is not known --- */

static const char *const private_ranges[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                              "100.64.0.0/10", "fc00::/7" };

static bool overlap(const struct ip_prefix *a, const struct ip_prefix *b) {
        return ip_prefix_covers(a, b) || ip_prefix_covers(b, a);
}

static bool holds(const struct net_block *block, const struct ip_prefix *range) {
        if (!ip_prefix_covers(&block->prefix, range))
                return false;
        for (uint32_t i = 0; i < block->except_count; i++)
                if (overlap(&block->except[i], range))
                        return false;
        return true;
}

bool net_block_holds_unknown(const struct net_index *index, const struct net_block *block,
                             bool host, bool v6) {
        size_t ranges = host ? 0 : index->pod_ranges.count;
        bool any = false;

        if (block->prefix.ip.v6 != v6)
                return false;
        for (size_t i = 0; i < ranges; i++) {
                const struct ip_prefix *range = &index->pod_ranges.items[i];

                if (range->ip.v6 != v6)
                        continue;
                any = true;
                if (!holds(block, range))
                        return false;
        }
        /* Where pods are known to have addresses of the other family only, they have none here. */
        if (any || ranges > 0)
                return any;
        for (size_t i = 0; i < ELEMENTS(private_ranges); i++) {
                struct ip_prefix range;

                if (net_read_prefix(str_from(private_ranges[i]), &range) && range.ip.v6 == v6 &&
                    !holds(block, &range))
                        return false;
        }
        return true;
}
