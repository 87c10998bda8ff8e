/* redoubt net why: which rules let a connection through, or stop it. */
#include <errno.h>

#include "base/util.h"
#include "cmd/net.h"

/* The most parts of an address block that are told one by one. */
enum { PARTS_MAX = 1000000 };

struct why {
        struct arena *arena;
        const struct net_index *index;
        struct net_party source, destination;
        enum net_protocol protocol;
        uint16_t port;
        const struct net_service_port *service_port; /* of a Service; NULL: the port is the pod's */
};

/* --- words --- */

static struct str port_text(const struct why *why) {
        return arena_printf(why->arena, "%s %u", net_protocol_name(why->protocol), why->port);
}

static struct str rule_place(struct arena *arena, const struct net_rule *rule) {
        return net_place_text(arena, rule->policy->place.file, rule->pos);
}

static struct str policy_place(struct arena *arena, const struct net_policy *policy) {
        return net_place_text(arena, policy->place.file, policy->place.pos);
}

/* The ports that RULE names, for people. */
static struct str rule_ports(struct arena *arena, const struct net_index *index,
                             const struct net_rule *rule) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (rule->any_port)
                return STR("any port");
        if (rule->set != NET_NO_PORTS)
                buf_add(&text, net_ports_text(arena, &index->ports.sets.items[rule->set]));
        for (uint32_t i = 0; i < rule->port_count; i++)
                if (rule->ports[i].name.len > 0)
                        buf_printf(&text, "%sthe port named \"%.*s\"", text.len ? ", " : "",
                                   STR_ARG(net_shown(arena, rule->ports[i].name)));
        return text.len ? arena_str(arena, buf_str(&text)) : STR("no port");
}

static void add_selector(struct buf *text, const struct net_selector *selector, const char *what) {
        if (selector->text.len > 0)
                buf_printf(text, "%s with %.*s", what, STR_ARG(selector->text));
        else
                buf_printf(text, "all %s", what);
}

static void add_peer(struct buf *text, struct arena *arena, const struct net_rule_peer *peer,
                     const struct net_policy *policy) {
        switch (peer->kind) {
        case NET_PEER_PODS:
                add_selector(text, &peer->pods, "pods");
                if (peer->namespaces.present || policy->namespace.len == 0) {
                        buf_add(text, STR(" of "));
                        add_selector(text, &peer->namespaces, "namespaces");
                } else {
                        buf_printf(text, " of namespace %.*s",
                                   STR_ARG(net_shown(arena, policy->namespace)));
                }
                break;
        case NET_PEER_BLOCKS:
                for (uint32_t i = 0; i < peer->block_count; i++) {
                        const struct net_block *block = &peer->blocks[i];

                        buf_printf(text, "%s%.*s", i ? ", " : "",
                                   STR_ARG(ip_prefix_text(arena, &block->prefix)));
                        for (uint32_t k = 0; k < block->except_count; k++)
                                buf_printf(text, "%s%.*s", k ? ", " : " except ",
                                           STR_ARG(ip_prefix_text(arena, &block->except[k])));
                }
                break;
        case NET_PEER_NODES:
                add_selector(text, &peer->pods, "nodes");
                break;
        case NET_PEER_DOMAINS:
                for (uint32_t i = 0; i < peer->domain_count; i++)
                        buf_printf(text, "%s%.*s", i ? ", " : "",
                                   STR_ARG(net_shown(arena, peer->domains[i])));
                break;
        case NET_PEER_UNKNOWN:
                buf_add(text, STR("nobody (a peer that cannot be used)"));
                break;
        }
}

static struct str rule_peers(struct arena *arena, const struct net_rule *rule) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (rule->any_peer)
                return STR("everybody");
        for (uint32_t i = 0; i < rule->peer_count; i++) {
                buf_add(&text, i ? STR("; ") : STR(""));
                add_peer(&text, arena, &rule->peers[i], rule->policy);
        }
        return arena_str(arena, buf_str(&text));
}

/* --- text --- */

static struct str own_name(const struct why *why, enum net_direction direction) {
        return direction == NET_EGRESS ? why->source.text : why->destination.text;
}

static const char *side_name(enum net_direction direction) {
        return direction == NET_EGRESS ? "egress" : "ingress";
}

static void add_closest(struct buf *buf, const struct why *why, const struct net_verdict *verdict,
                        enum net_direction direction) {
        struct arena *arena = why->arena;

        for (uint32_t i = 0; i < verdict->near_count; i++) {
                const struct net_rule *rule = verdict->near[i].rule;
                struct str place = rule_place(arena, rule);

                if (verdict->near[i].wrong_port)
                        buf_printf(buf, "    closest: %.*s allows %.*s\n", STR_ARG(place),
                                   STR_ARG(rule_ports(arena, why->index, rule)));
                else
                        buf_printf(buf, "    closest: %.*s allows %.*s %s %.*s\n", STR_ARG(place),
                                   STR_ARG(port_text(why)), direction == NET_EGRESS ? "to" : "from",
                                   STR_ARG(rule_peers(arena, rule)));
        }
}

static void add_no(struct buf *buf, const struct why *why, const struct net_verdict *verdict,
                   enum net_direction direction) {
        struct arena *arena = why->arena;
        struct str own = own_name(why, direction);

        buf_printf(buf, "no: %s of %.*s ", side_name(direction), STR_ARG(own));
        if (verdict->cause == NET_BY_RULE) {
                const struct net_rule *rule = verdict->rule;

                buf_printf(buf, "is denied by %.*s", STR_ARG(net_policy_name(arena, rule->policy)));
                if (rule->name.len > 0)
                        buf_printf(buf, ", rule \"%.*s\"", STR_ARG(net_shown(arena, rule->name)));
                buf_printf(buf, " (%.*s)\n", STR_ARG(rule_place(arena, rule)));
                return;
        }
        buf_add(buf, STR("is limited by "));
        for (uint32_t i = 0; i < verdict->policy_count; i++)
                buf_printf(buf, "%s%.*s (%.*s)", i ? ", " : "",
                           STR_ARG(net_policy_name(arena, verdict->policies[i])),
                           STR_ARG(policy_place(arena, verdict->policies[i])));
        buf_printf(buf, " and none of %s rules matches %.*s %s %.*s\n",
                   verdict->policy_count > 1 ? "their" : "its", STR_ARG(port_text(why)),
                   direction == NET_EGRESS ? "to" : "from",
                   STR_ARG(direction == NET_EGRESS ? why->destination.text : why->source.text));
        add_closest(buf, why, verdict, direction);
}

static void add_yes(struct buf *buf, const struct why *why, const struct net_verdict *verdict,
                    enum net_direction direction) {
        struct arena *arena = why->arena;

        buf_printf(buf, "     %s:%s ", side_name(direction), direction == NET_EGRESS ? " " : "");
        switch (verdict->cause) {
        case NET_BY_DEFAULT:
                buf_printf(buf, "nothing limits %.*s\n", STR_ARG(own_name(why, direction)));
                return;
        case NET_BY_HOST:
                buf_printf(buf, "no policy holds for %.*s: it is outside, or of the host network\n",
                           STR_ARG(own_name(why, direction)));
                return;
        case NET_BY_NODE:
                buf_add(buf, STR("a node always reaches its own pods\n"));
                return;
        case NET_BY_ISOLATION:
        case NET_BY_RULE:
                break;
        }
        buf_printf(buf, "%.*s", STR_ARG(net_policy_name(arena, verdict->rule->policy)));
        if (verdict->rule->name.len > 0)
                buf_printf(buf, ", rule \"%.*s\"", STR_ARG(net_shown(arena, verdict->rule->name)));
        buf_printf(buf, " allows %.*s %s %.*s (%.*s)\n",
                   STR_ARG(rule_ports(arena, why->index, verdict->rule)),
                   direction == NET_EGRESS ? "to" : "from",
                   STR_ARG(rule_peers(arena, verdict->rule)),
                   STR_ARG(rule_place(arena, verdict->rule)));
}

static void add_passed(struct buf *buf, const struct why *why, const struct net_verdict *verdict) {
        const struct net_rule *rule = verdict->passed;

        if (rule)
                buf_printf(buf, "    passed on by %.*s (%.*s)\n",
                           STR_ARG(net_policy_name(why->arena, rule->policy)),
                           STR_ARG(rule_place(why->arena, rule)));
}

static void add_text(struct buf *buf, const struct why *why, const struct net_decision *decision) {
        if (!decision->allowed) {
                if (!decision->egress.allowed)
                        add_no(buf, why, &decision->egress, NET_EGRESS);
                if (!decision->ingress.allowed)
                        add_no(buf, why, &decision->ingress, NET_INGRESS);
        } else {
                buf_printf(buf, "yes: %.*s reaches %.*s on %.*s\n", STR_ARG(why->source.text),
                           STR_ARG(why->destination.text), STR_ARG(port_text(why)));
                add_yes(buf, why, &decision->egress, NET_EGRESS);
                add_yes(buf, why, &decision->ingress, NET_INGRESS);
        }
        add_passed(buf, why, &decision->egress);
        add_passed(buf, why, &decision->ingress);
}

/* --- JSON --- */

static const char *const causes[] = { "default", "rule", "isolation", "host", "node" };

static void add_rule_json(struct buf *buf, const char *key, const struct net_rule *rule) {
        static const char *const actions[] = { "allow", "deny", "pass" };

        buf_printf(buf, ",\"%s\":", key);
        if (!rule) {
                buf_add(buf, STR("null"));
                return;
        }
        buf_add(buf, STR("{\"policy\":{\"kind\":"));
        buf_add_json(buf, rule->policy->kind);
        buf_add(buf, STR(",\"namespace\":"));
        buf_add_json(buf, rule->policy->namespace);
        buf_add(buf, STR(",\"name\":"));
        buf_add_json(buf, rule->policy->name);
        buf_printf(buf, "},\"action\":\"%s\",\"name\":", actions[rule->action]);
        buf_add_json(buf, rule->name);
        buf_add(buf, STR(",\"file\":"));
        buf_add_json(buf, rule->policy->place.file);
        buf_printf(buf, ",\"line\":%u,\"column\":%u}", rule->pos.line, rule->pos.column);
}

static void add_side_json(struct buf *buf, const struct net_verdict *verdict) {
        buf_printf(buf, "{\"allowed\":%s,\"cause\":\"%s\"", verdict->allowed ? "true" : "false",
                   causes[verdict->cause]);
        add_rule_json(buf, "rule", verdict->rule);
        add_rule_json(buf, "passed", verdict->passed);
        buf_add(buf, STR(",\"isolatedBy\":["));
        for (uint32_t i = 0; i < verdict->policy_count; i++) {
                const struct net_policy *policy = verdict->policies[i];

                buf_add(buf, i ? STR(",{\"namespace\":") : STR("{\"namespace\":"));
                buf_add_json(buf, policy->namespace);
                buf_add(buf, STR(",\"name\":"));
                buf_add_json(buf, policy->name);
                buf_add(buf, STR(",\"file\":"));
                buf_add_json(buf, policy->place.file);
                buf_printf(buf, ",\"line\":%u}", policy->place.pos.line);
        }
        buf_add(buf, STR("],\"closest\":["));
        for (uint32_t i = 0; i < verdict->near_count; i++) {
                buf_printf(buf, "%s{\"differs\":\"%s\"", i ? "," : "",
                           verdict->near[i].wrong_port ? "port" : "peer");
                add_rule_json(buf, "rule", verdict->near[i].rule);
                buf_add_char(buf, '}');
        }
        buf_add(buf, STR("]}"));
}

static void add_json(struct buf *buf, const struct net_decision *decision) {
        buf_printf(buf, "{\"allowed\":%s,\"egress\":", decision->allowed ? "true" : "false");
        add_side_json(buf, &decision->egress);
        buf_add(buf, STR(",\"ingress\":"));
        add_side_json(buf, &decision->ingress);
        buf_add(buf, STR("}\n"));
}

/* --- the verb --- */

/* The port of the pod, behind a Service its target; 0, which nothing allows, where it has none. */
static uint16_t port_at(const struct why *why, uint32_t number) {
        const struct net_endpoint *endpoint;

        if (!why->service_port)
                return why->port;
        endpoint = &why->index->endpoints[why->destination.endpoints[number]];
        return net_service_target(why->index, why->service_port, endpoint->pod);
}

static int find_service_port(struct command_context *context, struct why *why) {
        const struct net_service *service = why->destination.service;

        for (uint32_t i = 0; service && i < service->port_count && !why->service_port; i++)
                if (service->ports[i].port == why->port &&
                    service->ports[i].protocol == why->protocol)
                        why->service_port = &service->ports[i];
        if (service && !why->service_port)
                return error_set(context->error, -ENOENT, "Service \"%.*s/%.*s\" has no port %s %u",
                                 STR_ARG(service->namespace), STR_ARG(service->name),
                                 net_protocol_name(why->protocol), why->port);
        return 0;
}

/* Decides for every pair of peers; RET is that of the first that is not allowed, else of the first.
 * Returns how many are allowed. */
static size_t decide(const struct why *why, struct net_decision *ret) {
        size_t allowed = 0, pairs = 0;
        bool told = false;

        for (uint32_t i = 0; i < why->source.count; i++)
                for (uint32_t k = 0; k < why->destination.count && pairs < PARTS_MAX; k++) {
                        struct net_decision decision = { 0 };

                        net_decide(why->index, why->source.peers[i], why->destination.peers[k],
                                   why->protocol, port_at(why, k), &decision);
                        allowed += decision.allowed;
                        if (pairs++ == 0 || (!decision.allowed && !told))
                                *ret = decision;
                        told |= !decision.allowed;
                }
        return allowed;
}

static int answer(struct command_context *context, const struct why *why, bool complete) {
        const struct net_arguments *arguments = context->options;
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        size_t pairs = (size_t)why->source.count * why->destination.count;
        struct net_decision decision = { 0 };
        size_t allowed = decide(why, &decision);

        if (arguments->format == NET_JSON) {
                add_json(&text, &decision);
        } else {
                add_text(&text, why, &decision);
                if (why->service_port)
                        buf_printf(&text, "    behind the Service this is %s %u of the pod\n",
                                   net_protocol_name(why->protocol), port_at(why, 0));
                if (why->service_port && allowed > 0 && allowed < pairs)
                        buf_add(&text, STR("    some pods of the Service are reached\n"));
                else if (allowed > 0 && allowed < pairs &&
                         (why->source.workload || why->destination.workload))
                        buf_add(&text, STR("    some pods of the workload are allowed\n"));
                else if (allowed > 0 && allowed < pairs)
                        buf_add(&text, STR("    part of the address block is allowed\n"));
        }
        fwrite(text.data, 1, text.len, stdout);
        if (!complete)
                return COMMAND_INCOMPLETE;
        return allowed == pairs ? COMMAND_CLEAN : COMMAND_FINDINGS;
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct net_arguments *arguments = context->options;
        struct net_index index _cleanup_(net_index_free) = { 0 };
        struct why why = { .arena = context->arena, .index = &index };
        bool complete = true;
        int r;

        if (arguments->stream ? argc != 0 : argc != 3)
                return command_usage_error(context, arguments->stream
                                                            ? "--stream takes its questions from "
                                                              "standard input"
                                                            : "give SRC DST PORT");
        if (arguments->stream)
                return net_stream(context);
        if (!net_read_port(str_from(argv[2]), &why.protocol, &why.port))
                return command_usage_error(context, "\"%s\" is no port: 80, UDP/53", argv[2]);
        r = net_arrange(context, arguments, &index, &complete);
        if (r < 0)
                return r;
        r = net_read_party(context, &index, str_from(argv[0]), &why.source);
        if (r >= 0)
                r = net_read_party(context, &index, str_from(argv[1]), &why.destination);
        if (r >= 0)
                r = find_service_port(context, &why);
        if (r < 0) {
                net_tell(&index, &complete);
                return r;
        }
        r = net_resolve(context, &index,
                        (const struct net_party *const[]){ &why.source, &why.destination }, 2,
                        &complete);
        return r < 0 ? r : answer(context, &why, complete);
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        NET_OUTPUT_OPTION(net_formats),
        { 0, "stream", NULL, "answer a line of JSON for each line of JSON on standard input",
          OPTION_FLAG, offsetof(struct net_arguments, stream) },
        NET_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "SRC", .optional = true },
        { "DST", .optional = true },
        { "PORT", .optional = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt net why shop/frontend shop/db 5432 -f examples/shop",
          "may the one connect to the other" },
        { "redoubt net why shop/frontend 169.254.169.254 80 -f examples/shop",
          "an address outside" },
        { NULL },
};

const struct command command_net_why = {
        .name = "why",
        .summary = "may this connect to that, and which rule decides",
        .usage = "[OPTION...] SRC DST PORT",
        .description =
                "Says whether SRC may open a connection to DST on PORT, and which rules of which "
                "policies decide it in each direction; of a no also the rules that come closest. "
                "SRC and DST are NAMESPACE/NAME of a workload or pod, NAMESPACE/KIND/NAME, "
                "node/NAME, an address, or a block of addresses. PORT is that of the pod, not of "
                "a Service in front of it: 80, or UDP/53. Where DST is NAMESPACE/service/NAME "
                "or the address of a Service, PORT is the Service's, and the pods behind it are "
                "asked for its target.\n\nWith --stream, a line of standard "
                "input is {\"objects\": [...], \"questions\": [\"SRC DST PROTOCOL PORT\"...]} and "
                "is answered by {\"answers\": [\"...\"]}: for each question egress, ingress and "
                "both, a dot for allowed and an X for not.\n\nExit status: 0 yes, 1 no, 2 an "
                "error, 3 something could not be read.",
        .options = specs,
        .options_size = sizeof(struct net_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
