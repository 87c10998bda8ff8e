/* Questions to a finished index. */
#include "base/util.h"
#include "net/private.h"

const struct net_endpoint *net_find(const struct net_index *index, struct str namespace,
                                    struct str kind, struct str name) {
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;
        char text[1024];
        struct str key = { text, 0 };
        uintptr_t number;
        int length = snprintf(text, sizeof text, "%zu/%zu/%.*s/%.*s/%.*s", namespace.len, kind.len,
                              STR_ARG(namespace), STR_ARG(kind), STR_ARG(name));

        key.len = (size_t)length;
        if (key.len >= sizeof text)
                key = net_key3(&scratch, namespace, kind, name);
        number = (uintptr_t)map_get(&index->names, key);
        return number ? &index->endpoints[number - 1] : NULL;
}

uint32_t net_peer_of_ip(const struct net_index *index, const struct ip *ip) {
        for (size_t i = 0; i < index->all_pods.count; i++) {
                const struct net_address *address = &index->all_pods.items[i]->addresses[ip->v6];

                if (address->known && ip_equal(&address->ip, ip))
                        return index->all_pods.items[i]->class;
        }
        return index->class_count + net_range_of(index, ip);
}

uint32_t net_side(const struct net_index *index, uint32_t class, enum net_direction direction,
                  uint32_t peer) {
        const struct net_view *view = &index->views[index->classes[class].view[direction]];

        for (uint32_t i = 0; i < view->group_count; i++)
                if (net_bit(view->groups[i].bits, peer))
                        return view->groups[i].set;
        return NET_NO_PORTS;
}

bool net_isolated(const struct net_index *index, uint32_t class, enum net_direction direction) {
        return index->views[index->classes[class].view[direction]].isolated;
}

/* Whether SOURCE is the node on which all pods of DESTINATION run. */
static bool is_own_node(const struct net_index *index, uint32_t source, uint32_t destination) {
        const struct net_class *node, *pods;

        if (source >= index->class_count || destination >= index->class_count)
                return false;
        node = &index->classes[source];
        pods = &index->classes[destination];
        return node->host && node->node.len > 0 && str_eq(node->node, pods->node);
}

/* The two sets whose common part decides. */
struct sides {
        const struct net_ports *egress, *ingress;
};

static struct sides sides_of(const struct net_index *index, uint32_t source, uint32_t destination) {
        const struct net_ports *sets = index->ports.sets.items;
        struct sides sides = { &sets[NET_ALL_PORTS], &sets[NET_ALL_PORTS] };

        if (is_own_node(index, source, destination))
                return sides;
        if (source < index->class_count)
                sides.egress = &sets[net_side(index, source, NET_EGRESS, destination)];
        if (destination < index->class_count)
                sides.ingress = &sets[net_side(index, destination, NET_INGRESS, source)];
        return sides;
}

void net_reach(const struct net_index *index, struct arena *arena, uint32_t source,
               uint32_t destination, struct net_ports *ret) {
        struct sides sides = sides_of(index, source, destination);

        net_ports_intersection(arena, sides.egress, sides.ingress, ret);
}

bool net_reaches(const struct net_index *index, uint32_t source, uint32_t destination) {
        struct sides sides = sides_of(index, source, destination);

        return net_ports_meet(sides.egress, sides.ingress);
}

bool net_reaches_port(const struct net_index *index, uint32_t source, uint32_t destination,
                      enum net_protocol protocol, uint16_t port) {
        struct sides sides = sides_of(index, source, destination);

        return net_ports_have(sides.egress, protocol, port) &&
               net_ports_have(sides.ingress, protocol, port);
}

/* --- why --- */

struct question {
        const struct net_index *index;
        struct arena *arena;
        uint32_t peer, destination;
        enum net_protocol protocol;
        uint16_t port;
};

static bool matches(const struct question *question, const struct net_rule *rule) {
        return net_bit(rule->bits, question->peer) &&
               net_rule_matches_port(question->index, rule, question->destination,
                                     question->protocol, question->port);
}

/* Rules that name the peer but another port come before those with the port but another peer. */
static void note_near(const struct question *question, const struct net_rule *rule,
                      struct net_verdict *ret) {
        bool peer = net_bit(rule->bits, question->peer);
        bool port = net_rule_matches_port(question->index, rule, question->destination,
                                          question->protocol, question->port);
        uint32_t at = ret->near_count;

        if (peer == port || rule->action != NET_ALLOW)
                return;
        while (at > 0 && peer && !ret->near[at - 1].wrong_port)
                at--;
        if (at >= NET_NEAR_MAX)
                return;
        if (ret->near_count < NET_NEAR_MAX)
                ret->near_count++;
        for (uint32_t i = ret->near_count - 1; i > at; i--)
                ret->near[i] = ret->near[i - 1];
        ret->near[at].rule = rule;
        ret->near[at].wrong_port = peer;
}

/* The rules of one NetworkPolicy or tier policy. Returns true when they decide. */
static bool ask_policy(const struct question *question, const struct net_policy *policy,
                       enum net_direction direction, struct net_verdict *ret, bool *ret_passed) {
        const struct net_rules *rules = &policy->rules[direction];

        for (uint32_t i = 0; i < rules->count; i++) {
                const struct net_rule *rule = &rules->items[i];

                if (!matches(question, rule)) {
                        note_near(question, rule, ret);
                        continue;
                }
                if (rule->action == NET_PASS) {
                        ret->passed = rule;
                        *ret_passed = true;
                        return false;
                }
                ret->cause = NET_BY_RULE;
                ret->rule = rule;
                ret->allowed = rule->action == NET_ALLOW;
                return true;
        }
        return false;
}

static void ask_view(const struct question *question, uint32_t class, enum net_direction direction,
                     struct net_verdict *ret) {
        const struct net_view *view =
                &question->index->views[question->index->classes[class].view[direction]];
        uint32_t at = 0;

        *ret = (struct net_verdict){ .allowed = true, .cause = NET_BY_DEFAULT };
        for (int tier = 0; tier < NET_TIERS; tier++) {
                uint32_t first = at;
                bool passed = false;

                for (; at < view->policy_count && (int)view->policies[at]->tier == tier; at++)
                        if (!passed &&
                            ask_policy(question, view->policies[at], direction, ret, &passed))
                                return;
                if (tier == NET_TIER_POLICY && at > first) {
                        ret->allowed = false;
                        ret->cause = NET_BY_ISOLATION;
                        ret->policies = view->policies + first;
                        ret->policy_count = at - first;
                        return;
                }
        }
}

static void ask_side(struct question *question, uint32_t peer, uint32_t other,
                     enum net_direction direction, struct net_verdict *ret) {
        const struct net_index *index = question->index;

        question->peer = other;
        if (peer < index->class_count && !index->classes[peer].host) {
                ask_view(question, peer, direction, ret);
                return;
        }
        *ret = (struct net_verdict){ .allowed = true, .cause = NET_BY_HOST };
}

void net_decide(const struct net_index *index, uint32_t source, uint32_t destination,
                enum net_protocol protocol, uint16_t port, struct net_decision *ret) {
        struct question question = {
                .index = index, .destination = destination, .protocol = protocol, .port = port
        };

        ask_side(&question, source, destination, NET_EGRESS, &ret->egress);
        ask_side(&question, destination, source, NET_INGRESS, &ret->ingress);
        if (is_own_node(index, source, destination))
                ret->ingress = (struct net_verdict){ .allowed = true, .cause = NET_BY_NODE };
        ret->allowed = ret->egress.allowed && ret->ingress.allowed;
}

/* --- policies that contradict each other --- */

static bool overlap(const uint64_t *a, const uint64_t *b, uint32_t count) {
        for (uint32_t i = 0; i < (count + 63) / 64; i++)
                if (a[i] & b[i])
                        return true;
        return false;
}

static bool contradict(const struct net_index *index, const struct net_rules *a,
                       const struct net_rules *b) {
        const struct net_ports *sets = index->ports.sets.items;

        for (uint32_t i = 0; i < a->count; i++)
                for (uint32_t k = 0; k < b->count; k++) {
                        const struct net_rule *x = &a->items[i], *y = &b->items[k];

                        if (x->action != y->action &&
                            (x->named || y->named ||
                             net_ports_meet(&sets[x->set], &sets[y->set])) &&
                            overlap(x->bits, y->bits, index->peer_count))
                                return true;
                }
        return false;
}

static void check_pair(struct net_index *index, const struct net_policy *a,
                       const struct net_policy *b) {
        if (!overlap(a->bits, b->bits, index->class_count) ||
            !(contradict(index, &a->rules[NET_INGRESS], &b->rules[NET_INGRESS]) ||
              contradict(index, &a->rules[NET_EGRESS], &b->rules[NET_EGRESS])))
                return;
        net_problem(index, &b->place, true,
                    "%.*s \"%.*s\" and \"%.*s\" (%.*s:%u) have the same priority and contradict "
                    "each other: which of them wins is not defined",
                    STR_ARG(b->kind), STR_ARG(b->name), STR_ARG(a->name), STR_ARG(a->place.file),
                    a->place.pos.line);
}

/* More pairs than this of equal priority are not compared. */
enum { PAIRS_MAX = 20000 };

void net_check_priorities(struct net_index *index) {
        size_t pairs = 0;

        for (size_t i = 0; i < index->all_policies.count; i++) {
                const struct net_policy *a = index->all_policies.items[i];

                if (a->tier == NET_TIER_POLICY)
                        continue;
                for (size_t k = i + 1; k < index->all_policies.count; k++) {
                        const struct net_policy *b = index->all_policies.items[k];

                        if (b->tier != a->tier || b->priority != a->priority)
                                continue;
                        if (++pairs > PAIRS_MAX) {
                                net_problem(index, &b->place, true,
                                            "too many policies have equal priorities to see "
                                            "whether they contradict each other");
                                return;
                        }
                        check_pair(index, a, b);
                }
        }
}
