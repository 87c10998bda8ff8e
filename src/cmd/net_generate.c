/* redoubt net generate: the smallest policies for what was observed, or is declared. */
#include "net/generate.h"

#include "base/util.h"
#include "cmd/net_flows.h"

static void write_policies(const struct buf *out, const struct net_generate_result *result,
                           size_t connections, bool declared) {
        printf("# %zu policies with %zu rules, from %zu %s connections.\n", result->policies,
               result->rules, connections, declared ? "declared" : "observed");
        if (result->hosts > 0)
                printf("# %zu workloads are of the host network: no policy holds for them.\n",
                       result->hosts);
        if (result->ambiguous > 0)
                printf("# %zu workloads have no labels that tell them apart.\n", result->ambiguous);
        if (out->len > 0)
                fwrite(out->data, 1, out->len, stdout);
}

static int run(struct command_context *context, _unused_ int argc, _unused_ char **argv) {
        const struct net_arguments *arguments = context->options;
        struct net_index index _cleanup_(net_index_free) = { 0 };
        struct net_generate_options options = { .declared = arguments->flows.count == 0 };
        struct net_generate_result result;
        struct buf out _cleanup_(buf_free) = BUF_INIT;
        struct str *namespaces =
                arena_new_array(context->arena, arguments->namespaces.count, struct str);
        struct net_flow_log log;
        bool complete = true;
        int r = net_read(context, arguments, &index, &complete);

        if (r < 0)
                return r;
        net_flow_log_init(&log, &index);
        if (options.declared)
                net_flow_log_declare(&log);
        else
                r = net_read_flows(context, arguments, &log, &complete);
        if (r >= 0) {
                for (size_t i = 0; i < arguments->namespaces.count; i++)
                        namespaces[options.namespace_count++] =
                                str_from(arguments->namespaces.items[i]);
                options.namespaces = namespaces;
                net_generate(&log, &options, &out, &result);
                write_policies(&out, &result, log.flows.count, options.declared);
        }
        net_flow_log_free(&log);
        if (r < 0)
                return r;
        return complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("What for"),
        NET_FLOWS_OPTION,
        { 0, "for", "NS", "only for this namespace (default: all that have workloads)",
          OPTION_STRINGS, offsetof(struct net_arguments, namespaces) },
        NET_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt net generate --for shop -f examples/shop", "from what manifests declare" },
        { "redoubt net generate --flows examples/shop/flows.log -f examples/shop",
          "from what was observed" },
        { NULL },
};

const struct command command_net_generate = {
        .name = "generate",
        .summary = "the smallest policies for what was observed or is declared",
        .description =
                "Writes NetworkPolicies that deny everything by default and allow what is needed: "
                "the connections of a log (--flows), or, without one, what manifests declare: "
                "Services that environment variables and arguments name, DNS, and ways in from "
                "outside. Each rule says what it is for. Connections that were denied when they "
                "were observed stay denied. Try the result with redoubt net impact before it is "
                "applied: a log knows only what happened while it was written.\n\nExit status: 0, "
                "2 an error, 3 something could not be read or has an end that is not known.",
        .options = specs,
        .options_size = sizeof(struct net_arguments),
        .examples = examples,
        .run = run,
};
