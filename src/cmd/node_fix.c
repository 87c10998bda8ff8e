/* redoubt node fix: what to change on a machine so that findings about it go away. */
#include <errno.h>

#include "base/pool.h"
#include "base/util.h"
#include "cmd/node.h"
#include "cmd/rules.h"
#include "harden/harden.h"
#include "scan/scan.h"

enum { FIX_TEXT, FIX_JSON };

struct fix_arguments {
        struct node_source source;
        struct rule_arguments rules;
        bool plan, apply, undo;
        const char *id;
        int format;
};

#define AT(field) offsetof(struct fix_arguments, field)

static const struct option_word formats[] = {
        { "text", FIX_TEXT, "for people" },
        { "json", FIX_JSON, "for programs" },
        { NULL },
};

static const struct option_spec specs[] = {
        OPTION_SECTION("Fix"),
        { 0, "plan", NULL, "show what would change, and change nothing; the default", OPTION_FLAG,
          AT(plan) },
        { 0, "apply", NULL, "change it, and keep a copy of every file", OPTION_FLAG, AT(apply) },
        { 0, "undo", NULL, "undo what was applied last", OPTION_FLAG, AT(undo) },
        { 0, "id", "ID", "with --undo: what was applied as ID", OPTION_STRING, AT(id) },
        { 'o', "output", "FORMAT", "how to write the plan", OPTION_CHOICE, AT(format),
          .words = formats },
        NODE_COLLECT_OPTIONS(struct fix_arguments, source),
        { 0, "facts", "FILE", "plan by facts that were collected before", OPTION_STRING,
          AT(source.facts), .hint = OPTION_HINT_FILE },
        { 0, "verify", "KEY", "the facts of --facts must be signed by the key in file KEY",
          OPTION_STRING, AT(source.key), .hint = OPTION_HINT_FILE },
        RULE_OPTIONS(struct fix_arguments, rules),
        OPTION_END,
};

/* --- findings --- */

/* The findings of the facts in TEXT. */
static void judge(struct policy_set *set, struct str text, struct finding_list *ret) {
        struct doc_limits limits = doc_default_limits;
        struct input_list inputs _cleanup_(input_free) = { .file_limit = limits.file_bytes };
        struct scan_options options = {
                .policies = set, .limits = limits, .threads = 1, .max_findings = 1000000
        };
        struct report_coverage coverage = { 0 };

        input_add_text(&inputs, STR("facts"), text);
        scan_files(&options, &inputs, ret, &coverage);
}

static void add_path(struct arena *arena, struct str **paths, size_t *count, struct str path) {
        for (size_t i = 0; i < *count; i++)
                if (str_eq((*paths)[i], path))
                        return;
        if (path.len == 0 || path.ptr[0] != '/')
                return;
        if ((*count & (*count - 1)) == 0) {
                struct str *more = arena_new_array(arena, MAX(*count * 2, (size_t)1), struct str);

                if (*count > 0)
                        memcpy(more, *paths, *count * sizeof *more);
                *paths = more;
        }
        (*paths)[(*count)++] = path;
}

/* The files that the findings of RULE in LIST point at. */
static size_t paths_of(struct arena *arena, const struct finding_list *list,
                       const struct rule_info *rule, struct str **ret) {
        size_t count = 0;

        for (size_t i = 0; i < list->findings.count; i++) {
                const struct finding *finding = &list->findings.items[i];

                if (finding->rule != rule)
                        continue;
                add_path(arena, ret, &count, finding->location.file);
                for (size_t k = 0; k < finding->related_count; k++)
                        add_path(arena, ret, &count, finding->related[k].file);
        }
        return count;
}

static void add_rule(struct arena *arena, const struct policy_set *set,
                     const struct finding_list *list, const struct rule_info *rule,
                     struct harden_plan *plan) {
        struct str near, *paths = NULL;
        const struct policy *policy = policy_find(set, rule->id, &near);
        const struct doc_node *annotations =
                policy ? doc_find(policy->object, "metadata", "annotations") : NULL;
        size_t count = paths_of(arena, list, rule, &paths);

        harden_plan_add(plan, rule->id,
                        doc_string(doc_get(annotations, STR(POLICY_ANNOTATION_NODE_FIX)), STR("")),
                        paths, count, rule->remedy);
}

static void make_plan(struct arena *arena, const struct policy_set *set,
                      const struct finding_list *list, struct harden_plan *plan) {
        for (size_t i = 0; i < set->policies.count; i++) {
                const struct rule_info *rule = &set->policies.items[i]->info;

                for (size_t k = 0; k < list->findings.count; k++)
                        if (list->findings.items[k].rule == rule) {
                                add_rule(arena, set, list, rule, plan);
                                break;
                        }
        }
}

/* --- running --- */

static const char *root_of(const struct fix_arguments *arguments) {
        return arguments->source.root ? arguments->source.root : "/";
}

static int undo(struct command_context *context) {
        const struct fix_arguments *arguments = context->options;
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r = harden_undo(root_of(arguments), arguments->id, &text, context->error);

        fwrite(text.data, 1, text.len, stdout);
        return r < 0 ? r : COMMAND_CLEAN;
}

static int apply(struct command_context *context, struct harden_plan *plan) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct str id;
        int r = harden_apply(plan, &id, context->error);

        if (r < 0)
                return r;
        if (id.len == 0) {
                puts("nothing to change");
                return COMMAND_CLEAN;
        }
        harden_plan_write(&text, plan);
        printf("%.*s# applied as %.*s, copies are in " HARDEN_FOLDER "/%.*s\n"
               "# redoubt node fix --undo --id %.*s\n",
               (int)text.len, text.data, STR_ARG(id), STR_ARG(id), STR_ARG(id));
        return COMMAND_CLEAN;
}

static int show(struct command_context *context, const struct harden_plan *plan) {
        const struct fix_arguments *arguments = context->options;
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (arguments->format == FIX_JSON)
                harden_plan_write_json(&text, plan);
        else
                harden_plan_write(&text, plan);
        fwrite(text.data, 1, text.len, stdout);
        if (plan->rules == 0 && arguments->format == FIX_TEXT)
                puts("nothing to change");
        return plan->rules > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static int plan_and_go(struct command_context *context, struct policy_set *set, struct str facts) {
        const struct fix_arguments *arguments = context->options;
        struct finding_list list _cleanup_(finding_list_free) = { 0 };
        struct harden_plan plan _cleanup_(harden_plan_free) = { .root = -1 };
        const struct doc_node *tree = NULL;
        int r = node_facts_parse(context, facts, &tree);

        if (r >= 0)
                r = harden_plan_init(&plan, root_of(arguments), tree, context->error);
        if (r < 0)
                return r;
        judge(set, facts, &list);
        make_plan(context->arena, set, &list, &plan);
        return arguments->apply ? apply(context, &plan) : show(context, &plan);
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct fix_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r;

        (void)argc, (void)argv;
        if (arguments->plan + arguments->apply + arguments->undo > 1)
                return command_usage_error(context, "give one of --plan, --apply and --undo");
        if (arguments->id && !arguments->undo)
                return command_usage_error(context, "--id needs --undo");
        if (arguments->undo)
                return undo(context);
        r = node_facts_text(context, &arguments->source, &text);
        if (r >= 0)
                r = rules_load(&arguments->rules, context, &set);
        if (r < 0)
                return r;
        policy_set_keep_about(&set, STR(POLICY_OWN_GROUP), STR(NODE_RESOURCE));
        return plan_and_go(context, &set, buf_str(&text));
}

static const struct command_example examples[] = {
        { "redoubt node fix", "what would change on this machine" },
        { "redoubt node fix --rule kubelet/node-anonymous-auth --apply", "fix one thing" },
        { "redoubt node fix --undo", "take back what was applied last" },
        { NULL },
};

const struct command command_node_fix = {
        .name = "fix",
        .summary = "what to change so that findings go away; changes it on request",
        .usage = "[--plan | --apply | --undo] [OPTION...]",
        .description =
                "Judges a machine as `redoubt node` does and says for each finding which file gets "
                "which change: configuration of the kubelet, flags in manifests of static pods, "
                "kernel settings, options of the SSH server, modes and owners. Comments and "
                "layout of files stay. What cannot be changed so is left to people, with what to "
                "do.\n\nNothing is changed without --apply, which keeps a copy of every file that "
                "it changes in " HARDEN_FOLDER "; --undo takes back what was applied. Services are "
                "never restarted: the plan ends with the commands for that.\n\nExit status: 0 "
                "nothing to change, applied or undone; 1 there is something to change; 2 an "
                "error.",
        .options = specs,
        .options_size = sizeof(struct fix_arguments),
        .examples = examples,
        .run = run,
};
