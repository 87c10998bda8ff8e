/* redoubt policy export: rules as ready-to-apply policies and bindings. */
#include <errno.h>

#include "base/util.h"
#include "cmd/policy.h"
#include "cmd/rules.h"
#include "policy/export.h"

struct export_arguments {
        struct rule_arguments rules;
        struct option_strings practices;
        int action;
        const char *namespaces;
};

static const struct option_word actions[] = {
        { "Audit", POLICY_AUDIT, "only the audit log learns of it" },
        { "Warn", POLICY_WARN, "whoever makes the request is warned" },
        { "Deny", POLICY_DENY, "the request is refused" },
        { NULL },
};

static int keep_practices(struct command_context *context, struct policy_set *set) {
        const struct export_arguments *arguments = context->options;
        size_t count = arguments->practices.count;
        struct str *names = arena_new_array(context->arena, count, struct str);

        if (count == 0)
                return 0;
        for (size_t i = 0; i < count; i++)
                names[i] = str_from(arguments->practices.items[i]);
        return policy_set_keep(set, names, count, true, context->error);
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct export_arguments *arguments = context->options;
        const struct policy_export_options options = {
                .action = (enum policy_action)arguments->action,
                .namespaces = str_from(arguments->namespaces),
        };
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        size_t files = 0;
        int r = rules_load(&arguments->rules, context, &set);

        (void)argc;
        (void)argv;
        if (r >= 0)
                r = keep_practices(context, &set);
        for (size_t i = 0; i < set.policies.count && r >= 0; i++) {
                struct policy *policy = set.policies.items[i];

                if (policy_is_about_files(policy)) {
                        files++;
                        continue;
                }
                if (text.len > 0)
                        buf_add(&text, STR("---\n"));
                r = policy_prepare(&set, policy, context->error);
                if (r >= 0)
                        r = policy_export(&text, policy, &options, context->error);
        }
        if (r < 0)
                return r;
        fwrite(text.data, 1, text.len, stdout);
        if (files > 0 && context->common.verbose > 0)
                command_note("%zu rules about files that no API server serves are left out", files);
        return COMMAND_CLEAN;
}

static const struct export_arguments defaults = { .action = POLICY_AUDIT };

static const struct option_spec specs[] = {
        { 0, "action", "ACTION", "what happens to a request that breaks a rule; Audit by default",
          OPTION_CHOICE, offsetof(struct export_arguments, action), .words = actions },
        { 0, "namespaces", "SELECTOR",
          "only in namespaces with these labels: key=value, key!=value, key, !key", OPTION_STRING,
          offsetof(struct export_arguments, namespaces) },
        { 0, "practice", "NAME", "only the rules of a practice", OPTION_STRINGS,
          offsetof(struct export_arguments, practices), .comma = true },
        RULE_OPTIONS(struct export_arguments, rules),
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt policy export --framework pss-baseline --action Warn | kubectl apply -f -",
          "let the cluster warn of what a scan would find" },
        { "redoubt policy export --rule pods/privileged --action Deny --namespaces team=shop",
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
                "Rules about configuration files of the cluster's components are left out, for no "
                "API "
                "server serves them (-v says how many).",
        .options = specs,
        .defaults = &defaults,
        .options_size = sizeof(struct export_arguments),
        .examples = examples,
        .run = run,
};
