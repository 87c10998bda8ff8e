/* redoubt policy export: rules as ready-to-apply policies and bindings. */
#include "base/util.h"
#include "cmd/policy.h"

static int run(struct command_context *context, int argc _unused_, char **argv _unused_) {
        const struct export_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        size_t left_out = 0;
        int r = policy_export_rules(context, arguments, &set, &text, &left_out);

        if (r < 0)
                return r;
        if (text.len > 0)
                fwrite(text.data, 1, text.len, stdout);
        if (set.mutators.count > 0)
                command_note("%zu mutating policies among the rules are not exported: apply them "
                             "as they are",
                             set.mutators.count);
        if (left_out > 0 && context->common.verbose > 0)
                command_note("%zu rules that no API server would ask are left out", left_out);
        return COMMAND_CLEAN;
}

int policy_export_rules(struct command_context *context, const struct export_arguments *arguments,
                        struct policy_set *set, struct buf *text, size_t *ret_left_out) {
        static const struct str audit = STR_INIT("Audit");
        struct policy_export_options options = {
                .actions = &audit,
                .action_count = 1,
                .namespaces = str_from(arguments->namespaces ? arguments->namespaces : ""),
        };
        int r = rules_load(&arguments->rules, context, set);

        if (arguments->actions.count > 0) {
                options.actions = option_strs(context->arena, &arguments->actions);
                options.action_count = arguments->actions.count;
        }
        if (r >= 0 && arguments->practices.count > 0)
                r = policy_set_keep(set, option_strs(context->arena, &arguments->practices),
                                    arguments->practices.count, true, context->error);
        if (r >= 0)
                r = policy_export(text, set, &options, ret_left_out, context->error);
        return r;
}

static const struct option_spec specs[] = {
        { 0, "action", "ACTION",
          "what happens to a request that breaks a rule: Audit (the default), Warn or Deny; or two "
          "of them, parted by a comma",
          OPTION_STRINGS, offsetof(struct export_arguments, actions), .comma = true,
          .hint = OPTION_HINT_WORDS, .hint_words = "Audit Warn Deny" },
        EXPORT_OPTIONS(struct export_arguments),
        RULE_OPTIONS(struct export_arguments, rules),
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt policy export --framework pss-baseline --action Warn | kubectl apply -f -",
          "let the cluster warn of what a scan would find" },
        { "redoubt policy export --rule pods/privileged --action Deny --namespaces 'team in (shop, "
          "web)'",
          "refuse it in some namespaces" },
        { NULL },
};

const struct command command_policy_export = {
        .name = "export",
        .summary = "rules as policies and bindings for the cluster",
        .description =
                "Writes rules as ValidatingAdmissionPolicies, each with a binding, for kubectl "
                "apply. "
                "Rules about pods also judge the pod templates of Deployments, StatefulSets, "
                "DaemonSets, ReplicaSets, ReplicationControllers, Jobs and CronJobs, as a scan "
                "does. "
                "A policy of your own (--rules) keeps its bindings, with this action, and brings "
                "the "
                "objects that they choose as params. "
                "Rules that no API server would ask are left out (-v says how many): those about "
                "configuration files of the cluster's components, about subjects, and about "
                "admission policies.",
        .options = specs,
        .options_size = sizeof(struct export_arguments),
        .examples = examples,
        .run = run,
};
