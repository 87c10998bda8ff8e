/* The peers and ports of rules: which classes and ranges they match, and where on which ports. */
#include <errno.h>

#include "base/util.h"
#include "net/private.h"

/* --- who --- */

/* Namespaces that selectors select: what a selector asks is the key, because the same ones come
 * again and again. */
struct resolver {
        struct net_index *index;
        struct map selected; /* key of the selector -> bits over namespaces */
        struct arena arena;
};

static struct str key_of(struct arena *arena, const struct net_selector *selector) {
        struct str key = { 0 };
        uint32_t *numbers;
        size_t count = 0;

        for (uint32_t i = 0; i < selector->count; i++)
                count += 3 + selector->items[i].value_count;
        numbers = arena_new_array(arena, count, uint32_t);
        key = (struct str){ (const char *)numbers, count * sizeof *numbers };
        for (uint32_t i = 0; i < selector->count; i++) {
                const struct net_requirement *item = &selector->items[i];

                *numbers++ = item->key;
                *numbers++ = item->operator;
                *numbers++ = item->value_count;
                for (uint32_t k = 0; k < item->value_count; k++)
                        *numbers++ = item->values[k];
        }
        return key;
}

static const uint64_t *namespaces_of(struct resolver *resolver,
                                     const struct net_selector *selector) {
        struct net_index *index = resolver->index;
        struct map_entry *entry = map_put(&resolver->selected, key_of(&resolver->arena, selector));
        uint64_t *bits;

        if (entry->value)
                return entry->value;
        bits = arena_new_array(&resolver->arena, index->all_namespaces.count / 64 + 1, uint64_t);
        for (uint32_t i = 0; i < index->all_namespaces.count; i++)
                if (net_selector_matches(selector, &index->all_namespaces.items[i]->labels))
                        net_bit_set(bits, i);
        entry->value = bits;
        return bits;
}

/* Adds the classes of NAMESPACE that PODS selects to BITS. Pods of the host network are none of a
 * namespace. */
static void select_pods(const struct net_index *index, const struct net_namespace *namespace,
                        const struct net_selector *pods, uint64_t *bits) {
        for (size_t i = 0; i < namespace->classes.count; i++) {
                uint32_t class = namespace->classes.items[i];

                if (net_selector_matches(pods, &index->classes[class].pod->labels))
                        net_bit_set(bits, class);
        }
}

/* OWN: the namespace that is meant where NAMESPACES are not present; NULL: all are. */
static void select_in(struct resolver *resolver, const struct net_namespace *own,
                      const struct net_selector *namespaces, const struct net_selector *pods,
                      uint64_t *bits) {
        const struct net_index *index = resolver->index;
        const uint64_t *selected;

        if (!namespaces->present && own) {
                select_pods(index, own, pods, bits);
                return;
        }
        selected = namespaces_of(resolver, namespaces);
        for (uint32_t i = 0; i < index->all_namespaces.count; i++)
                if (net_bit(selected, i))
                        select_pods(index, index->all_namespaces.items[i], pods, bits);
}

static bool block_holds(const struct net_block *block, const struct ip *ip) {
        if (!ip_prefix_contains(&block->prefix, ip))
                return false;
        for (uint32_t i = 0; i < block->except_count; i++)
                if (ip_prefix_contains(&block->except[i], ip))
                        return false;
        return true;
}

/* The ranges of BLOCK, and the classes whose address is not known that it holds all the same. */
static void select_block(const struct net_index *index, const struct net_block *block,
                         uint64_t *bits) {
        bool unknown[2]; /* of a pod, of a node */

        for (int host = 0; host < 2; host++)
                unknown[host] = net_block_holds_unknown(index, block, host, false) ||
                                net_block_holds_unknown(index, block, host, true);
        for (uint32_t i = 0; i < index->class_count && (unknown[0] || unknown[1]); i++)
                if (index->classes[i].range[0] == UINT32_MAX &&
                    index->classes[i].range[1] == UINT32_MAX && unknown[index->classes[i].host])
                        net_bit_set(bits, i);
        /* Ranges are sorted: the first that begins with the block, until one is beyond it. */
        for (uint32_t i = net_range_of(index, &block->prefix.ip);
             i < index->range_count && ip_prefix_contains(&block->prefix, &index->ranges[i].first);
             i++)
                if (block_holds(block, &index->ranges[i].first))
                        net_bit_set(bits, index->class_count + i);
}

/* Blocks meet pods by their addresses: where a range is selected, so are the classes in it. */
static void select_addresses(const struct net_index *index, uint64_t *bits) {
        for (uint32_t i = 0; i < index->class_count; i++)
                for (int f = 0; f < 2; f++)
                        if (index->classes[i].range[f] != UINT32_MAX &&
                            net_bit(bits, index->class_count + index->classes[i].range[f]))
                                net_bit_set(bits, i);
}

static void select_nodes(const struct net_index *index, const struct net_selector *nodes,
                         uint64_t *bits) {
        for (uint32_t i = 0; i < index->class_count; i++)
                if (index->classes[i].host && str_eq(index->classes[i].pod->kind, STR("Node")) &&
                    net_selector_matches(nodes, &index->classes[i].pod->labels))
                        net_bit_set(bits, i);
}

static void select_peer(struct resolver *resolver, const struct net_namespace *own,
                        const struct net_rule_peer *peer, uint64_t *bits) {
        switch (peer->kind) {
        case NET_PEER_PODS:
                select_in(resolver, own, &peer->namespaces, &peer->pods, bits);
                break;
        case NET_PEER_BLOCKS:
                for (uint32_t i = 0; i < peer->block_count; i++)
                        select_block(resolver->index, &peer->blocks[i], bits);
                select_addresses(resolver->index, bits);
                break;
        case NET_PEER_NODES:
                select_nodes(resolver->index, &peer->pods, bits);
                break;
        case NET_PEER_DOMAINS:
        case NET_PEER_UNKNOWN:
                break;
        }
}

/* --- on which ports --- */

static void add_interval(struct net_interval *items, uint32_t *count, enum net_protocol protocol,
                         uint16_t from, uint16_t to) {
        items[(*count)++] =
                (struct net_interval){ net_port_code(protocol, from), net_port_code(protocol, to) };
}

/* The ports that NAMED stands for at POD, after ITEMS; room for pod->port_count of them. */
static void add_named(const struct net_rule_port *named, const struct net_pod *pod,
                      struct net_interval *items, uint32_t *count) {
        for (uint32_t i = 0; i < pod->port_count; i++)
                if (pod->ports[i].name == named->word &&
                    (named->any_protocol || pod->ports[i].protocol == named->protocol))
                        add_interval(items, count, pod->ports[i].protocol, pod->ports[i].port,
                                     pod->ports[i].port);
}

/* POD: the destination, whose names count; NULL: it has none. */
static uint32_t ports_at(struct net_index *index, const struct net_rule *rule,
                         const struct net_pod *pod) {
        uint32_t room = 1, count = 0, result;
        struct net_interval *items;

        if (rule->any_port)
                return NET_ALL_PORTS;
        for (uint32_t i = 0; i < rule->port_count; i++)
                room += rule->ports[i].name.len > 0 && pod ? pod->port_count : 1;
        items = xrealloc(NULL, room, sizeof *items);
        for (uint32_t i = 0; i < rule->port_count; i++) {
                const struct net_rule_port *port = &rule->ports[i];

                if (port->unusable)
                        continue;
                if (port->name.len == 0)
                        add_interval(items, &count, port->protocol, port->from ? port->from : 1,
                                     port->from ? port->to : 65535);
                else if (pod)
                        add_named(port, pod, items, &count);
        }
        result = net_ports_intern(&index->ports, items, count);
        free(items);
        return result;
}

uint32_t net_rule_ports(struct net_index *index, const struct net_rule *rule,
                        uint32_t destination) {
        const struct net_class *class =
                destination < index->class_count ? &index->classes[destination] : NULL;

        if (!rule->named)
                return rule->set;
        /* A node has no named ports, nor have pods that are met by its address. */
        return ports_at(index, rule, class && !class->host ? class->pod : NULL);
}

static void resolve_ports(struct net_index *index, struct net_rule *rule) {
        rule->named = false;
        for (uint32_t i = 0; i < rule->port_count && !rule->any_port; i++)
                rule->named |= rule->ports[i].name.len > 0 && !rule->ports[i].unusable;
        rule->set = ports_at(index, rule, NULL);
}

/* --- all rules --- */

static void resolve_rule(struct resolver *resolver, const struct net_namespace *own,
                         struct net_rule *rule) {
        struct net_index *index = resolver->index;

        rule->bits = arena_new_array(&index->arena, index->words_per_set, uint64_t);
        resolve_ports(index, rule);
        if (rule->any_peer)
                net_bits_fill(rule->bits, index->peer_count);
        for (uint32_t i = 0; i < rule->peer_count && !rule->any_peer; i++)
                select_peer(resolver, own, &rule->peers[i], rule->bits);
}

static void resolve_policy(struct resolver *resolver, const bool *wanted,
                           struct net_policy *policy) {
        struct net_index *index = resolver->index;
        const struct net_namespace *own = NULL;
        /* Tiers are compared with each other. */
        bool asked = !wanted || policy->tier != NET_TIER_POLICY;

        if (policy->tier == NET_TIER_POLICY)
                own = net_namespace_of(index, policy->namespace);
        policy->bits = arena_new_array(&index->arena, index->class_count / 64 + 1, uint64_t);
        select_in(resolver, own, &policy->namespaces, &policy->pods, policy->bits);
        for (uint32_t i = 0; i < index->class_count; i++)
                if (net_bit(policy->bits, i)) {
                        policy->selects += index->classes[i].pods;
                        asked |= wanted && wanted[i];
                }
        for (int d = 0; d < NET_DIRECTIONS && asked; d++)
                for (uint32_t i = 0; i < policy->rules[d].count; i++)
                        resolve_rule(resolver, own, &policy->rules[d].items[i]);
}

/* The memory that rules need: a bit for each rule and peer. */
static uint64_t bytes_of(const struct net_index *index) {
        uint64_t rules = 0;

        for (size_t i = 0; i < index->all_policies.count; i++)
                rules += 1 + index->all_policies.items[i]->rules[NET_INGRESS].count +
                         index->all_policies.items[i]->rules[NET_EGRESS].count;
        return rules * index->words_per_set * sizeof(uint64_t);
}

int net_resolve_rules(struct net_index *index, const bool *wanted, struct error *error) {
        struct resolver resolver = { .index = index };

        if (bytes_of(index) > NET_MATRIX_BYTES)
                return error_set(error, -E2BIG,
                                 "%zu policies over %u classes of pods and %u address ranges are "
                                 "too many to be compared",
                                 index->all_policies.count, index->class_count, index->range_count);
        for (size_t i = 0; i < index->all_policies.count; i++)
                resolve_policy(&resolver, wanted, index->all_policies.items[i]);
        map_free(&resolver.selected);
        arena_free(&resolver.arena);
        return 0;
}

bool net_rule_matches_peer(const struct net_rule *rule, uint32_t peer) {
        return net_bit(rule->bits, peer);
}

bool net_rule_matches_port(const struct net_index *index, const struct net_rule *rule,
                           uint32_t destination, enum net_protocol protocol, uint16_t port) {
        const struct net_class *class =
                destination < index->class_count ? &index->classes[destination] : NULL;

        if (net_ports_have(&index->ports.sets.items[rule->set], protocol, port))
                return true;
        for (uint32_t i = 0; i < rule->port_count && class && !class->host; i++)
                for (uint32_t k = 0; k < class->pod->port_count && !rule->any_port; k++) {
                        const struct net_named_port *named = &class->pod->ports[k];

                        if (!rule->ports[i].unusable && rule->ports[i].word != 0 &&
                            rule->ports[i].word == named->name && named->port == port &&
                            named->protocol == protocol &&
                            (rule->ports[i].any_protocol || rule->ports[i].protocol == protocol))
                                return true;
                }
        return false;
}
