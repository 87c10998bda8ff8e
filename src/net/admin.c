/*
 * Reading policies of the cluster (policy.networking.k8s.io): AdminNetworkPolicy and
 * BaselineAdminNetworkPolicy (v1alpha1), ClusterNetworkPolicy (v1alpha2).
 *
 * They differ in names: Allow and Accept, `ports` and `protocols`. Both forms are read wherever
 * they stand in, by the kind of the policy.
 */
#include "base/util.h"
#include "net/private.h"

enum { PORT_MAX = 65535, PRIORITY_MAX = 1000 };

/* Lower than any that can be written: the order between the two kinds of baseline policies is not
 * defined. */
enum { PRIORITY_LAST = PRIORITY_MAX + 1 };

/* --- peers --- */

static bool read_pods(struct net_reader *reader, const struct doc_node *node,
                      struct net_selector *namespaces, struct net_selector *pods) {
        if (node->kind != DOC_MAP) {
                net_refuse(reader, node, "pods must be a map");
                return false;
        }
        return net_read_selector(reader, doc_get(node, STR("namespaceSelector")), namespaces) &&
               net_read_selector(reader, doc_get(node, STR("podSelector")), pods);
}

static bool read_networks(struct net_reader *reader, const struct doc_node *peer,
                          struct net_rule_peer *ret) {
        const struct doc_node *items = net_list(reader, peer, STR("networks"), &ret->block_count);

        ret->blocks = arena_new_array(&reader->index->arena, ret->block_count, struct net_block);
        for (uint32_t i = 0; i < ret->block_count; i++) {
                struct str text = doc_string(&items[i], STR(""));

                if (!net_read_prefix(text, &ret->blocks[i].prefix)) {
                        net_refuse(reader, &items[i], "\"%.*s\" is no address block (CIDR)",
                                   STR_ARG(text));
                        return false;
                }
        }
        return true;
}

static void read_domains(struct net_reader *reader, const struct doc_node *peer,
                         struct net_rule_peer *ret) {
        const struct doc_node *items =
                net_list(reader, peer, STR("domainNames"), &ret->domain_count);

        ret->domains = arena_new_array(&reader->index->arena, ret->domain_count, struct str);
        for (uint32_t i = 0; i < ret->domain_count; i++)
                ret->domains[i] = arena_str(&reader->index->arena, doc_string(&items[i], STR("")));
}

/* Peers of egress rules only: nodes, networks, domain names. */
static bool read_outside(struct net_reader *reader, const struct doc_node *node, bool allow,
                         struct net_rule_peer *ret) {
        if (!net_absent(doc_get(node, STR("networks")))) {
                ret->kind = NET_PEER_BLOCKS;
                return read_networks(reader, node, ret);
        }
        if (!net_absent(doc_get(node, STR("nodes")))) {
                ret->kind = NET_PEER_NODES;
                reader->index->nodes_are_selected = true;
                return net_read_selector(reader, doc_get(node, STR("nodes")), &ret->pods);
        }
        if (!net_absent(doc_get(node, STR("domainNames"))) && allow) {
                ret->kind = NET_PEER_DOMAINS;
                read_domains(reader, node, ret);
                return true;
        }
        net_refuse(reader, node,
                   allow ? "the peer is not known"
                         : "the peer is not known, or of no use in a rule that denies");
        return false;
}

/* Exactly one field must be set; where it is none that is known here, the rule fails closed. */
static bool read_peer(struct net_reader *reader, const struct doc_node *node,
                      enum net_direction direction, bool allow, struct net_rule_peer *ret) {
        const struct doc_node *namespaces = doc_get(node, STR("namespaces"));
        const struct doc_node *pods = doc_get(node, STR("pods"));

        ret->pos = node->start;
        if (node->kind == DOC_MAP && node->map.count > 1) {
                net_refuse(reader, node, "a peer must have one field");
                return false;
        }
        if (!net_absent(namespaces)) {
                ret->kind = NET_PEER_PODS;
                return net_read_selector(reader, namespaces, &ret->namespaces);
        }
        if (!net_absent(pods)) {
                ret->kind = NET_PEER_PODS;
                return read_pods(reader, pods, &ret->namespaces, &ret->pods);
        }
        if (direction == NET_EGRESS)
                return read_outside(reader, node, allow, ret);
        net_refuse(reader, node, "the peer is not known");
        return false;
}

/* --- ports --- */

static bool read_number(const struct doc_node *node, uint16_t *ret) {
        if (!node || node->kind != DOC_INT || node->integer < 1 || node->integer > PORT_MAX)
                return false;
        *ret = (uint16_t)node->integer;
        return true;
}

/* {start, end} */
static bool read_range(const struct doc_node *node, struct net_rule_port *ret) {
        return read_number(doc_get(node, STR("start")), &ret->from) &&
               read_number(doc_get(node, STR("end")), &ret->to) && ret->from <= ret->to;
}

static bool read_name(struct net_reader *reader, const struct doc_node *node,
                      struct net_rule_port *ret) {
        ret->name = arena_str(&reader->index->arena, doc_string(node, STR("")));
        ret->word = net_word(reader->index, ret->name);
        ret->any_protocol = true;
        return ret->name.len > 0;
}

/* v1alpha2: {tcp: {destinationPort: {number} | {range}}}, or udp, sctp; {destinationNamedPort}. */
static bool read_protocol(struct net_reader *reader, const struct doc_node *node,
                          struct net_rule_port *ret) {
        static const char *const fields[] = { "tcp", "udp", "sctp" };
        const struct doc_node *named = doc_get(node, STR("destinationNamedPort"));

        if (!net_absent(named))
                return read_name(reader, named, ret);
        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                const struct doc_node *protocol = doc_get(node, str_from(fields[i]));
                const struct doc_node *port = doc_get(protocol, STR("destinationPort"));

                if (net_absent(protocol))
                        continue;
                ret->protocol = (enum net_protocol)i;
                if (protocol->kind != DOC_MAP || protocol->map.count == 0)
                        return false;
                if (net_absent(port))
                        return !port; /* every port; a field that is not known is not */
                if (doc_get(port, STR("range")))
                        return read_range(doc_get(port, STR("range")), ret);
                if (!read_number(doc_get(port, STR("number")), &ret->from))
                        return false;
                ret->to = ret->from;
                return true;
        }
        return false;
}

/* v1alpha1: {portNumber: {protocol, port}}, {portRange: {protocol, start, end}}, {namedPort}. */
static bool read_port(struct net_reader *reader, const struct doc_node *node,
                      struct net_rule_port *ret) {
        const struct doc_node *number = doc_get(node, STR("portNumber"));
        const struct doc_node *range = doc_get(node, STR("portRange"));
        const struct doc_node *named = doc_get(node, STR("namedPort"));
        const struct doc_node *around = net_absent(number) ? range : number, *protocol;

        if (!net_absent(named))
                return read_name(reader, named, ret);
        if (net_absent(around))
                return false;
        protocol = doc_get(around, STR("protocol"));
        if (!net_absent(protocol) &&
            !net_protocol_parse(doc_string(protocol, STR("")), &ret->protocol))
                return false;
        if (!net_absent(range))
                return read_range(range, ret);
        if (!read_number(doc_get(number, STR("port")), &ret->from))
                return false;
        ret->to = ret->from;
        return true;
}

/* --- rules --- */

static bool read_action(const struct doc_node *node, enum net_action *ret) {
        struct str action = doc_string(doc_get(node, STR("action")), STR(""));

        if (str_eq(action, STR("Allow")) || str_eq(action, STR("Accept")))
                *ret = NET_ALLOW;
        else if (str_eq(action, STR("Deny")))
                *ret = NET_DENY;
        else if (str_eq(action, STR("Pass")))
                *ret = NET_PASS;
        else
                return false;
        return true;
}

static void read_ports(struct net_reader *reader, const struct doc_node *node,
                       struct net_rule *ret) {
        bool cluster = str_eq(ret->policy->kind, STR("ClusterNetworkPolicy"));
        const struct doc_node *items =
                net_list(reader, node, cluster ? STR("protocols") : STR("ports"), &ret->port_count);

        ret->any_port = ret->port_count == 0;
        ret->ports = arena_new_array(&reader->index->arena, ret->port_count, struct net_rule_port);
        for (uint32_t i = 0; i < ret->port_count; i++) {
                struct net_rule_port *port = &ret->ports[i];

                port->pos = items[i].start;
                port->unusable = !(cluster ? read_protocol : read_port)(reader, &items[i], port);
                if (port->unusable)
                        net_refuse(reader, &items[i], "the port is not known");
        }
}

/* What cannot be read fails closed: an Allow matches nothing by it; other rules deny everything. */
static void fail_closed(struct net_rule *rule) {
        if (rule->action == NET_ALLOW)
                return;
        rule->action = NET_DENY;
        rule->any_peer = true;
        rule->any_port = true;
}

static void read_rule(struct net_reader *reader, const struct doc_node *node,
                      enum net_direction direction, struct net_rule *ret) {
        const struct doc_node *items = net_list(
                reader, node, direction == NET_INGRESS ? STR("from") : STR("to"), &ret->peer_count);
        bool usable = true;

        ret->pos = node->start;
        ret->name = net_string(reader, node, STR("name"));
        if (!read_action(node, &ret->action)) {
                net_refuse(reader, node, "the action is not known");
                ret->action = NET_DENY;
                usable = false;
        }
        if (ret->peer_count == 0) {
                net_refuse(reader, node, "the rule has no peers");
                usable = false;
        }
        ret->peers = arena_new_array(&reader->index->arena, ret->peer_count, struct net_rule_peer);
        for (uint32_t i = 0; i < ret->peer_count; i++)
                if (!read_peer(reader, &items[i], direction, ret->action == NET_ALLOW,
                               &ret->peers[i])) {
                        ret->peers[i].kind = NET_PEER_UNKNOWN;
                        usable = false;
                }
        read_ports(reader, node, ret);
        for (uint32_t i = 0; i < ret->port_count; i++)
                usable &= !ret->ports[i].unusable;
        if (!usable)
                fail_closed(ret);
}

static void read_rules(struct net_reader *reader, const struct doc_node *spec,
                       struct net_policy *policy, enum net_direction direction) {
        struct net_rules *rules = &policy->rules[direction];
        const struct doc_node *items =
                net_list(reader, spec, direction == NET_INGRESS ? STR("ingress") : STR("egress"),
                         &rules->count);

        rules->applies = rules->count > 0;
        rules->items = arena_new_array(&reader->index->arena, rules->count, struct net_rule);
        for (uint32_t i = 0; i < rules->count; i++) {
                rules->items[i].policy = policy;
                read_rule(reader, &items[i], direction, &rules->items[i]);
        }
}

/* --- policies --- */

static bool read_subject(struct net_reader *reader, const struct doc_node *spec,
                         struct net_policy *policy) {
        const struct doc_node *subject = doc_get(spec, STR("subject"));
        const struct doc_node *namespaces = doc_get(subject, STR("namespaces"));
        const struct doc_node *pods = doc_get(subject, STR("pods"));

        policy->subject_pos = subject ? subject->start : reader->place.pos;
        if (!net_absent(namespaces))
                return net_read_selector(reader, namespaces, &policy->namespaces);
        if (!net_absent(pods))
                return read_pods(reader, pods, &policy->namespaces, &policy->pods);
        net_refuse(reader, subject ? subject : reader->resource->object,
                   "the subject is not known; the policy is left out");
        return false;
}

static bool read_priority(struct net_reader *reader, const struct doc_node *spec,
                          struct net_policy *policy) {
        const struct doc_node *priority = doc_get(spec, STR("priority"));

        if (str_eq(policy->kind, STR("BaselineAdminNetworkPolicy"))) {
                policy->priority = PRIORITY_LAST;
                return true;
        }
        if (!priority || priority->kind != DOC_INT || priority->integer < 0 ||
            priority->integer > PRIORITY_MAX) {
                net_refuse(reader, priority ? priority : reader->resource->object,
                           "priority must be 0 to 1000; the policy is left out");
                return false;
        }
        policy->priority = (int32_t)priority->integer;
        return true;
}

static bool read_tier(struct net_reader *reader, const struct doc_node *spec,
                      struct net_policy *policy) {
        const struct doc_node *tier = doc_get(spec, STR("tier"));
        struct str text = doc_string(tier, STR(""));

        policy->tier = NET_TIER_ADMIN;
        if (str_eq(policy->kind, STR("BaselineAdminNetworkPolicy")))
                policy->tier = NET_TIER_BASELINE;
        if (!str_eq(policy->kind, STR("ClusterNetworkPolicy")))
                return true;
        if (str_eq(text, STR("Baseline"))) {
                policy->tier = NET_TIER_BASELINE;
        } else if (!str_eq(text, STR("Admin"))) {
                net_refuse(reader, tier ? tier : reader->resource->object,
                           "tier must be Admin or Baseline; the policy is left out");
                return false;
        }
        return true;
}

void net_add_admin_policy(struct net_reader *reader) {
        struct net_index *index = reader->index;
        struct net_policy *policy = arena_new(&index->arena, struct net_policy);
        const struct doc_node *spec = doc_get(reader->resource->object, STR("spec"));

        policy->kind = arena_str(&index->arena, reader->resource->kind);
        policy->name = arena_str(&index->arena, reader->resource->name);
        policy->place = reader->place;
        if (!read_tier(reader, spec, policy) || !read_priority(reader, spec, policy) ||
            !read_subject(reader, spec, policy))
                return;
        read_rules(reader, spec, policy, NET_INGRESS);
        read_rules(reader, spec, policy, NET_EGRESS);
        net_keep_policy(reader, policy);
}
