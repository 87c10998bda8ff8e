/* redoubt net impact: which observed connections new policies would cut. */
#include "base/util.h"
#include "cmd/net_flows.h"
#include "cmd/objects.h"
#include "cmd/table.h"

struct impact {
        struct command_context *context;
        struct net_index before, after;
        struct net_flow_log log;
        struct table table;
        struct buf out;
        size_t cut, kept, opened;
        bool json;
};

static struct str verdict_text(struct arena *arena, const struct net_decision *decision) {
        const struct net_verdict *verdict =
                decision->egress.allowed ? &decision->ingress : &decision->egress;
        const char *side = decision->egress.allowed ? "ingress" : "egress";
        const struct net_policy *policy =
                verdict->rule ? verdict->rule->policy
                              : (verdict->policy_count > 0 ? verdict->policies[0] : NULL);

        if (!policy)
                return str_from(side);
        return arena_printf(
                arena, "%s: %.*s (%.*s)", side, STR_ARG(net_policy_name(arena, policy)),
                STR_ARG(net_place_text(arena, policy->place.file,
                                       verdict->rule ? verdict->rule->pos : policy->place.pos)));
}

/* Endpoints of one index in the other: they have the same objects, but maybe other classes. */
static bool peer_after(const struct impact *impact, const struct net_end *end, uint32_t *ret) {
        const struct net_endpoint *old, *found;

        if (end->endpoint == UINT32_MAX) {
                *ret = net_peer_of_ip(&impact->after, &end->ip);
                return true;
        }
        old = &impact->before.endpoints[end->endpoint];
        found = net_find(&impact->after, old->namespace, old->kind, old->name);
        /* New policies may tell the pods of a workload apart, or no more. */
        if (!found && old->pod->name.len > 0)
                found = net_find(&impact->after, old->namespace, STR("Pod"), old->pod->name);
        if (found)
                *ret = found->class;
        return found;
}

static void add_end_json(struct impact *impact, const char *key, const struct net_end *end) {
        buf_printf(&impact->out, "\"%s\":", key);
        if (end->endpoint != UINT32_MAX)
                net_add_endpoint(&impact->out, &impact->before.endpoints[end->endpoint]);
        else
                buf_printf(&impact->out, "{\"ip\":\"%.*s\"}",
                           STR_ARG(ip_text(impact->context->arena, &end->ip)));
}

static void tell(struct impact *impact, const struct net_flow *flow,
                 const struct net_decision *decision) {
        struct arena *arena = impact->context->arena;
        struct str by = verdict_text(arena, decision);

        if (!impact->json) {
                table_add(
                        arena, &impact->table, net_end_text(arena, &impact->before, &flow->source),
                        net_end_text(arena, &impact->before, &flow->destination),
                        arena_printf(arena, "%s %u", net_protocol_name(flow->protocol), flow->port),
                        arena_printf(arena, "%llu", (unsigned long long)flow->count), by);
                return;
        }
        buf_add(&impact->out, impact->cut > 1 ? STR(",\n{") : STR("\n{"));
        add_end_json(impact, "src", &flow->source);
        buf_add_char(&impact->out, ',');
        add_end_json(impact, "dst", &flow->destination);
        buf_printf(&impact->out, ",\"protocol\":\"%s\",\"port\":%u,\"count\":%llu,\"by\":",
                   net_protocol_name(flow->protocol), flow->port, (unsigned long long)flow->count);
        buf_add_json(&impact->out, by);
        buf_add_char(&impact->out, '}');
}

static void judge(struct impact *impact, const struct net_flow *flow) {
        struct net_decision before, after;
        uint32_t source, destination;

        if (flow->denied || !peer_after(impact, &flow->source, &source) ||
            !peer_after(impact, &flow->destination, &destination))
                return;
        net_decide(&impact->before, net_end_peer(&impact->before, &flow->source),
                   net_end_peer(&impact->before, &flow->destination), flow->protocol, flow->port,
                   &before);
        net_decide(&impact->after, source, destination, flow->protocol, flow->port, &after);
        impact->opened += !before.allowed && after.allowed;
        if (after.allowed || !before.allowed) {
                impact->kept += after.allowed;
                return;
        }
        impact->cut++;
        tell(impact, flow, &after);
}

static void write_result(struct impact *impact) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (impact->json) {
                buf_printf(&text, "{\"kept\":%zu,\"cut\":[%.*s]}\n", impact->kept,
                           STR_ARG(buf_str(&impact->out)));
        } else {
                if (impact->cut > 0)
                        table_write(&text, &impact->table);
                buf_printf(&text, "%zu of %zu different connections would be cut\n", impact->cut,
                           impact->cut + impact->kept);
        }
        fwrite(text.data, 1, text.len, stdout);
}

static void add_object(void *userdata, struct str file, const struct resource *resource) {
        net_index_add(userdata, file, resource);
}

/* Reads the manifests twice: as they are, and with the new policies. */
static int read_both(struct impact *impact, bool *complete) {
        struct command_context *context = impact->context;
        const struct net_arguments *arguments = context->options;
        const struct cluster_wish wish = { .whole = true };
        struct input_list policies _cleanup_(input_free) = { 0 };
        struct input_list inputs _cleanup_(input_free) = { 0 };
        int r = objects_open(context, &arguments->policies, &policies);

        if (r >= 0 && (!cluster_named(&arguments->cluster) || arguments->files.count > 0))
                r = objects_open(context, &arguments->files, &inputs);
        if (r >= 0)
                r = cluster_open(context, &arguments->cluster, &wish, &inputs, NULL);
        if (r >= 0)
                r = net_confine(context, arguments);
        if (r >= 0)
                r = net_prepare(context, arguments, &impact->before);
        if (r >= 0)
                r = net_prepare(context, arguments, &impact->after);
        if (r < 0)
                return r;
        *complete = net_read_inputs(&inputs, &impact->before);
        objects_read(&inputs, add_object, &impact->after);
        *complete &= objects_read(&policies, add_object, &impact->after);
        r = net_index_finish(&impact->before, context->error);
        if (r >= 0)
                r = net_index_finish(&impact->after, context->error);
        /* That a policy takes the place of another is what was asked for. */
        for (size_t i = 0; i < impact->after.problems.count; i++) {
                const struct diagnostic *problem = &impact->after.problems.items[i];

                if (!problem->incomplete)
                        continue;
                objects_tell(problem->file, problem->pos, problem->message);
                *complete = false;
        }
        return r;
}

static int run(struct command_context *context, _unused_ int argc, _unused_ char **argv) {
        const struct net_arguments *arguments = context->options;
        struct impact impact = { .context = context,
                                 .table = { .columns = 5 },
                                 .json = arguments->format == NET_JSON };
        bool complete = true;
        int r;

        if (arguments->flows.count == 0 || arguments->policies.count == 0)
                return command_usage_error(context, "give --flows FILE and --policy PATH");
        table_add(context->arena, &impact.table, STR("FROM"), STR("TO"), STR("PORT"), STR("SEEN"),
                  STR("CUT BY"));
        r = read_both(&impact, &complete);
        net_flow_log_init(&impact.log, &impact.before);
        if (r >= 0)
                r = net_read_flows(context, arguments, &impact.log, &complete);
        for (size_t i = 0; r >= 0 && i < impact.log.flows.count; i++)
                judge(&impact, &impact.log.flows.items[i]);
        if (r >= 0)
                write_result(&impact);
        net_flow_log_free(&impact.log);
        net_index_free(&impact.before);
        net_index_free(&impact.after);
        buf_free(&impact.out);
        if (r < 0)
                return r;
        if (!complete)
                return COMMAND_INCOMPLETE;
        return impact.cut ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Question"),
        NET_FLOWS_OPTION,
        { 'p', "policy", "PATH", "the new policies: a file or a folder", OPTION_STRINGS,
          offsetof(struct net_arguments, policies), .hint = OPTION_HINT_FILE },
        NET_OUTPUT_OPTION(net_formats),
        NET_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt net impact --flows examples/shop/flows.log -p examples/shop/network.yaml -f "
          "examples/shop",
          "what would stop working" },
        { NULL },
};

const struct command command_net_impact = {
        .name = "impact",
        .summary = "which observed connections new policies would cut",
        .description =
                "Asks of every connection of a log whether it would still be allowed when the "
                "policies of --policy are added to the manifests (or the cluster), and lists those "
                "that would be cut, with the policy that cuts them. A policy with the name of one "
                "that is there takes its place.\n\nExit status: 0 none is cut, 1 some are, 2 an "
                "error, 3 something could not be read or has an end that is not known.",
        .options = specs,
        .options_size = sizeof(struct net_arguments),
        .examples = examples,
        .run = run,
};
