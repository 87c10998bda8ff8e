/* redoubt policy simulate: what the policies of a cluster do to what is in it. */
#include <errno.h>

#include "base/confine.h"
#include "base/fs.h"
#include "base/util.h"
#include "cmd/cluster.h"
#include "cmd/policy.h"
#include "cmd/policy_simulate.h"
#include "cmd/rbac.h"

enum { FORMAT_TEXT, FORMAT_JSON };
enum { STAGE_NONE = -1 };

struct simulate_arguments {
        struct export_arguments export; /* first: what would be exported */
        struct option_strings policies, groups;
        int stage, format;
        const char *as;
        bool all;
        struct cluster_arguments cluster;
};

static const struct option_word stages[] = {
        { "Audit", POLICY_AUDIT, "the audit log would learn of it" },
        { "Warn", POLICY_WARN, "whoever makes the request would be warned" },
        { "Deny", POLICY_DENY, "the request would be refused" },
        { NULL },
};

static const struct option_word formats[] = {
        { "text", FORMAT_TEXT, "for people" },
        { "json", FORMAT_JSON, "for programs" },
        { NULL },
};

/* --- what is about to be applied --- */

static int add_file(struct command_context *context, const char *name, struct buf *text) {
        struct buf file _cleanup_(buf_free) = BUF_INIT;
        int r = fs_read(name, -1, doc_default_limits.file_bytes, false, &file, context->error);

        if (r < 0) {
                error_set_file(context->error, str_from(name));
                return r;
        }
        if (text->len > 0)
                buf_add(text, STR("\n---\n"));
        buf_add(text, buf_str(&file));
        return 0;
}

static int read_planned(struct command_context *context, struct buf *text) {
        struct simulate_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        const char *stage = NULL;
        size_t left_out;
        int r = 0;

        for (size_t i = 0; i < ELEMENTS(stages) - 1; i++)
                if (stages[i].value == arguments->stage)
                        stage = stages[i].word;
        if (stage) {
                arguments->export.actions = (struct option_strings){ &stage, 1, 1 };
                r = policy_export_rules(context, &arguments->export, &set, text, &left_out);
        }
        for (size_t i = 0; i < arguments->policies.count && r >= 0; i++)
                r = add_file(context, arguments->policies.items[i], text);
        return r;
}

/* --- running --- */

static bool chooses_rules(const struct export_arguments *export) {
        return export->rules.add.count + export->rules.frameworks.count + export->rules.only.count +
                               export->rules.skip.count + export->practices.count >
                       0 ||
               export->rules.no_catalogue || export->namespaces;
}

static int add_inputs(struct command_context *context, struct input_list *inputs, int argc,
                      char **argv) {
        int r = 0;

        for (int i = 0; i < argc && r >= 0; i++)
                r = input_add(inputs, argv[i], context->error);
        return r;
}

static int confine_simulate(struct command_context *context, int argc, char **argv) {
        const struct confine_rules rules = { (const char *const *)argv, (size_t)argc };

        return confine(&rules, NULL, context->error);
}

static int exit_status(const struct simulation *simulation) {
        if (simulation->coverage.not_judged > 0)
                return COMMAND_INCOMPLETE;
        return simulation->hits.count > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static int run_on(struct command_context *context, const struct input_list *inputs,
                  struct str planned, struct str title) {
        const struct simulate_arguments *arguments = context->options;
        struct simulation simulation _cleanup_(simulation_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct simulate_options options = {
                .scan = { .limits = doc_default_limits,
                          .threads = 1,
                          .user = str_from(arguments->as ? arguments->as : ""),
                          .max_findings = 1000000 },
                .planned = planned,
        };
        int r;

        options.scan.groups = rbac_groups_of(context->arena, &arguments->groups, options.scan.user,
                                             &options.scan.group_count);
        r = language_minor(&arguments->export.rules.language, &options.kube_minor, context->error);
        if (r >= 0)
                r = simulate(&options, inputs, &simulation, context->error);
        if (r < 0)
                return r;
        if (arguments->format == FORMAT_JSON)
                simulation_add_json(&text, &simulation);
        else
                simulation_add_text(&text, &simulation, title, arguments->all);
        fwrite(text.data, 1, text.len, stdout);
        return exit_status(&simulation);
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct simulate_arguments *arguments = context->options;
        struct input_list inputs _cleanup_(input_free) = { .file_limit =
                                                                   doc_default_limits.file_bytes };
        const struct cluster_wish wish = { .whole = true };
        struct buf planned _cleanup_(buf_free) = BUF_INIT;
        int r;

        if (argc == 0 && !cluster_named(&arguments->cluster))
                return command_usage_error(context, "give a PATH, --cluster or --from");
        if (arguments->stage == STAGE_NONE && chooses_rules(&arguments->export))
                return command_usage_error(context,
                                           "which stage? rules are simulated as `policy export` "
                                           "would write them: --stage Audit, Warn or Deny");
        r = read_planned(context, &planned);
        if (r >= 0)
                r = add_inputs(context, &inputs, argc, argv);
        if (r >= 0)
                r = cluster_open(context, &arguments->cluster, &wish, &inputs, NULL);
        if (r >= 0)
                r = confine_simulate(context, argc, argv);
        if (r < 0)
                return r;
        return run_on(context, &inputs, buf_str(&planned),
                      str_from(argc > 0 ? argv[0] : "cluster"));
}

#define AT(field) offsetof(struct simulate_arguments, field)

static const struct simulate_arguments defaults = { .stage = STAGE_NONE };

static const struct option_spec specs[] = {
        { 'o', "output", "FORMAT", "how to tell it", OPTION_CHOICE, AT(format), .words = formats },
        { 0, "all", NULL, "list every hit, not only the first few of each policy", OPTION_FLAG,
          AT(all) },
        OPTION_SECTION("Request"),
        { 0, "as", "USER",
          "the user who makes the requests; what RBAC lets them do is read from the input",
          OPTION_STRING, AT(as) },
        { 0, "as-group", "GROUP", "a group of that user", OPTION_STRINGS, AT(groups) },
        CLUSTER_OPTIONS(struct simulate_arguments, cluster),
        OPTION_SECTION("What is about to be applied"),
        { 0, "policy", "FILE",
          "policies and bindings, with their params; they take the place of those of the same name",
          OPTION_STRINGS, AT(policies), .hint = OPTION_HINT_FILE },
        { 0, "stage", "ACTION",
          "the rules chosen below, as policy export --action writes them: Audit, Warn or Deny",
          OPTION_CHOICE, AT(stage), .words = stages },
        EXPORT_OPTIONS(struct export_arguments),
        RULE_OPTIONS(struct export_arguments, rules),
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "PATH", OPTION_HINT_FILE, .optional = true, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt policy simulate dump.yaml", "what is enforced, and what breaks it already" },
        { "redoubt policy simulate --cluster --framework pss-baseline --stage Deny",
          "what the last stage of a roll-out would hit" },
        { NULL },
};

const struct command command_policy_simulate = {
        .name = "simulate",
        .summary = "what the policies of a cluster do to what is in it",
        .description =
                "Reads the objects of a cluster (what kubectl get -o yaml or json writes: files, "
                "folders, or - for standard input; or a live one: --cluster), finds the "
                "ValidatingAdmissionPolicies and "
                "bindings among them, and says what they enforce, what they do not, and which of "
                "the "
                "objects would be denied, warned of or audited if they were created or updated "
                "today: by namespace, with the workloads and clients that would notice.\n\n"
                "With --stage or --policy it does so as if those had been applied, too.\n\n"
                "Exit status: 0 nothing is hit, 1 something is, 2 an error, 3 something could not "
                "be "
                "judged.",
        .options = specs,
        .defaults = &defaults,
        .options_size = sizeof(struct simulate_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
