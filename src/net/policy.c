/* Reading NetworkPolicies (networking.k8s.io/v1). */
#include "base/util.h"
#include "net/private.h"

enum { PORT_MAX = 65535 };

const char *net_direction_name(enum net_direction direction) {
        return direction == NET_INGRESS ? "Ingress" : "Egress";
}

/* --- address blocks --- */

bool net_read_prefix(struct str text, struct ip_prefix *ret) {
        ptrdiff_t slash = str_find(text, STR("/"), 0);
        struct ip_prefix prefix;
        struct str zone;

        if (slash < 0 || ip_parse(str_slice(text, 0, (size_t)slash), &prefix.ip, &zone, NULL) < 0 ||
            zone.len > 0 ||
            ip_prefix_length_parse(str_slice(text, (size_t)slash + 1, text.len), &prefix.ip,
                                   &prefix.length) < 0)
                return false;
        *ret = ip_prefix_masked(&prefix);
        return true;
}

static bool read_except(struct net_reader *reader, const struct doc_node *node,
                        struct net_block *block) {
        struct str text = doc_string(node, STR(""));
        struct ip_prefix except;

        if (!net_read_prefix(text, &except)) {
                net_refuse(reader, node, "except \"%.*s\" is no address block (CIDR)",
                           STR_ARG(text));
                return false;
        }
        if (!ip_prefix_covers(&block->prefix, &except) || except.length == block->prefix.length) {
                net_refuse(reader, node, "except \"%.*s\" is no part of the block around it",
                           STR_ARG(text));
                return false;
        }
        block->except[block->except_count++] = except;
        return true;
}

static bool read_block(struct net_reader *reader, const struct doc_node *node,
                       struct net_block *ret) {
        const struct doc_node *cidr = doc_get(node, STR("cidr"));
        const struct doc_node *except;
        uint32_t count;
        bool usable = true;

        *ret = (struct net_block){ 0 };
        if (node->kind != DOC_MAP || !net_read_prefix(doc_string(cidr, STR("")), &ret->prefix)) {
                net_refuse(reader, cidr ? cidr : node, "\"%.*s\" is no address block (CIDR)",
                           STR_ARG(doc_string(cidr, STR(""))));
                return false;
        }
        except = net_list(reader, node, STR("except"), &count);
        ret->except = arena_new_array(&reader->index->arena, count, struct ip_prefix);
        for (uint32_t i = 0; i < count; i++)
                usable &= read_except(reader, &except[i], ret);
        return usable;
}

/* --- peers --- */

static bool is_peer_field(struct str key) {
        return str_eq(key, STR("podSelector")) || str_eq(key, STR("namespaceSelector")) ||
               str_eq(key, STR("ipBlock"));
}

/* A peer that came with a field of a newer API has lost it by being decoded: it is in the text. */
static void refuse_peer(struct net_reader *reader, const struct doc_node *node) {
        for (uint32_t i = 0; node->kind == DOC_MAP && i < node->map.count; i++)
                if (!is_peer_field(node->map.entries[i].key)) {
                        net_refuse(reader, node,
                                   "the peer \"%.*s\" is not known; it matches nothing",
                                   STR_ARG(node->map.entries[i].key));
                        return;
                }
        net_refuse(reader, node, "a peer must say whom it means; it matches nothing");
}

static void read_peer(struct net_reader *reader, const struct doc_node *node,
                      struct net_rule_peer *ret) {
        const struct doc_node *pods = doc_get(node, STR("podSelector"));
        const struct doc_node *namespaces = doc_get(node, STR("namespaceSelector"));
        const struct doc_node *block = doc_get(node, STR("ipBlock"));
        bool selects = !net_absent(pods) || !net_absent(namespaces);

        *ret = (struct net_rule_peer){ .kind = NET_PEER_UNKNOWN, .pos = node->start };
        if (!selects && net_absent(block)) {
                refuse_peer(reader, node);
        } else if (!net_absent(block) && selects) {
                net_refuse(reader, node,
                           "a peer may not have ipBlock and a selector; it matches nothing");
        } else if (selects) {
                if (net_read_selector(reader, pods, &ret->pods) &&
                    net_read_selector(reader, namespaces, &ret->namespaces))
                        ret->kind = NET_PEER_PODS;
        } else {
                ret->blocks = arena_new(&reader->index->arena, struct net_block);
                ret->block_count = 1;
                if (read_block(reader, block, ret->blocks))
                        ret->kind = NET_PEER_BLOCKS;
        }
}

/* --- ports --- */

/* The port NODE (an integer, or absent) in 1..65535. */
static bool read_number(const struct doc_node *node, uint16_t *ret) {
        if (!node || node->kind != DOC_INT || node->integer < 1 || node->integer > PORT_MAX)
                return false;
        *ret = (uint16_t)node->integer;
        return true;
}

static const char *read_interval(struct net_reader *reader, const struct doc_node *node,
                                 struct net_rule_port *ret) {
        const struct doc_node *port = doc_get(node, STR("port"));
        const struct doc_node *end = doc_get(node, STR("endPort"));

        if (net_absent(port))
                return net_absent(end) ? NULL : "endPort without port";
        if (port->kind == DOC_STRING) {
                if (port->string.len == 0)
                        return "the name of the port is empty";
                ret->name = arena_str(&reader->index->arena, port->string);
                ret->word = net_word(reader->index, ret->name);
                return net_absent(end) ? NULL : "endPort needs a number as port";
        }
        if (!read_number(port, &ret->from))
                return "port must be 1 to 65535, or a name";
        ret->to = ret->from;
        if (!net_absent(end) && (!read_number(end, &ret->to) || ret->to < ret->from))
                return "endPort must be a port that is not less than port";
        return NULL;
}

static void read_port(struct net_reader *reader, const struct doc_node *node,
                      struct net_rule_port *ret) {
        const struct doc_node *protocol = doc_get(node, STR("protocol"));
        const char *problem = NULL;

        *ret = (struct net_rule_port){ .pos = node->start };
        if (node->kind != DOC_MAP)
                problem = "a port must be a map";
        else if (!net_absent(protocol) &&
                 !net_protocol_parse(doc_string(protocol, STR("")), &ret->protocol))
                problem = "protocol must be TCP, UDP or SCTP";
        if (!problem)
                problem = read_interval(reader, node, ret);
        if (!problem)
                return;
        ret->unusable = true;
        net_refuse(reader, node, "%s; it matches nothing", problem);
}

/* --- rules --- */

static void read_rule(struct net_reader *reader, const struct doc_node *node, struct str peers,
                      struct net_rule *ret) {
        struct arena *arena = &reader->index->arena;
        const struct doc_node *items = net_list(reader, node, peers, &ret->peer_count);

        ret->pos = node->start;
        ret->any_peer = ret->peer_count == 0;
        ret->peers = arena_new_array(arena, ret->peer_count, struct net_rule_peer);
        for (uint32_t i = 0; i < ret->peer_count; i++)
                read_peer(reader, &items[i], &ret->peers[i]);
        items = net_list(reader, node, STR("ports"), &ret->port_count);
        ret->any_port = ret->port_count == 0;
        ret->ports = arena_new_array(arena, ret->port_count, struct net_rule_port);
        for (uint32_t i = 0; i < ret->port_count; i++)
                read_port(reader, &items[i], &ret->ports[i]);
}

static void read_rules(struct net_reader *reader, const struct doc_node *spec,
                       struct net_policy *policy, enum net_direction direction) {
        struct net_rules *rules = &policy->rules[direction];
        const struct doc_node *items =
                net_list(reader, spec, direction == NET_INGRESS ? STR("ingress") : STR("egress"),
                         &rules->count);

        rules->items = arena_new_array(&reader->index->arena, rules->count, struct net_rule);
        for (uint32_t i = 0; i < rules->count; i++) {
                rules->items[i].policy = policy;
                read_rule(reader, &items[i], direction == NET_INGRESS ? STR("from") : STR("to"),
                          &rules->items[i]);
        }
}

/* Ingress always, Egress where there are rules for it: what the API server writes into a policy
 * without types. */
static void read_types(struct net_reader *reader, const struct doc_node *spec,
                       struct net_policy *policy) {
        uint32_t count;
        const struct doc_node *items = net_list(reader, spec, STR("policyTypes"), &count);

        if (count == 0) {
                policy->rules[NET_INGRESS].applies = true;
                policy->rules[NET_EGRESS].applies = policy->rules[NET_EGRESS].count > 0;
        }
        for (uint32_t i = 0; i < count; i++) {
                struct str type = doc_string(&items[i], STR(""));

                if (str_eq(type, STR("Ingress")))
                        policy->rules[NET_INGRESS].applies = true;
                else if (str_eq(type, STR("Egress")))
                        policy->rules[NET_EGRESS].applies = true;
                else
                        net_refuse(reader, &items[i],
                                   "policyTypes must be Ingress or Egress, not \"%.*s\"",
                                   STR_ARG(type));
        }
}

void net_keep_policy(struct net_reader *reader, struct net_policy *policy) {
        struct net_index *index = reader->index;
        struct map_entry *entry =
                map_put(&index->policies,
                        net_key3(&index->arena, policy->kind, policy->namespace, policy->name));
        struct net_policy *before = entry->value;

        if (before) {
                before->replaced = true;
                net_problem(index, &policy->place, false,
                            "%.*s \"%.*s\" is given twice: also %.*s:%u; this one counts",
                            STR_ARG(policy->kind), STR_ARG(policy->name),
                            STR_ARG(before->place.file), before->place.pos.line);
        }
        entry->value = policy;
        policy->order = (uint32_t)index->all_policies.count;
        *vec_push(&index->all_policies) = policy;
}

void net_add_policy(struct net_reader *reader) {
        struct net_index *index = reader->index;
        struct net_policy *policy = arena_new(&index->arena, struct net_policy);
        const struct doc_node *spec = doc_get(reader->resource->object, STR("spec"));
        const struct doc_node *subject = doc_get(spec, STR("podSelector"));

        policy->kind = STR("NetworkPolicy");
        policy->tier = NET_TIER_POLICY;
        policy->namespace = arena_str(&index->arena, reader->resource->namespace);
        policy->name = arena_str(&index->arena, reader->resource->name);
        policy->place = reader->place;
        policy->subject_pos = subject ? subject->start : reader->place.pos;
        net_namespace_of(index, policy->namespace);
        /* Which pods it is about is not known: the server would not have it either. */
        if (!net_read_selector(reader, subject, &policy->pods))
                return;
        read_rules(reader, spec, policy, NET_INGRESS);
        read_rules(reader, spec, policy, NET_EGRESS);
        read_types(reader, spec, policy);
        net_keep_policy(reader, policy);
}
