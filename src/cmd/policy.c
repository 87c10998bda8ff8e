/* redoubt policy: the rules themselves - list them, show one. */
#include <errno.h>

#include "base/util.h"
#include "cmd/policy.h"
#include "cmd/rules.h"
#include "doc/write.h"
#include "report/report.h"

struct policy_arguments {
        struct rule_arguments rules;
        int format;
        bool ids;
};

enum { FORMAT_TABLE, FORMAT_JSON };

static const struct option_word formats[] = {
        { "table", FORMAT_TABLE, "for people" },
        { "json", FORMAT_JSON, "for programs" },
        { NULL },
};

/* --- list --- */

static void add_field(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, ",\"%s\":", name);
        buf_add_json(buf, value);
}

static void add_rule_json(struct buf *buf, const struct rule_info *info) {
        buf_add(buf, STR("{\"id\":"));
        buf_add_json(buf, info->id);
        add_field(buf, "title", info->title);
        add_field(buf, "severity", str_from(severity_name(info->severity)));
        add_field(buf, "practice", info->practice);
        buf_add(buf, STR(",\"controls\":["));
        for (size_t i = 0; i < info->control_count; i++) {
                if (i > 0)
                        buf_add_char(buf, ',');
                buf_add_json(buf, info->controls[i]);
        }
        buf_add_char(buf, ']');
        add_field(buf, "why", info->why);
        add_field(buf, "remedy", info->remedy);
        add_field(buf, "source", info->source);
        buf_add_char(buf, '}');
}

static void list_json(struct buf *buf, const struct policy_set *set) {
        buf_add_char(buf, '[');
        for (size_t i = 0; i < set->policies.count; i++) {
                buf_add(buf, i ? STR(",\n ") : STR("\n "));
                add_rule_json(buf, &set->policies.items[i]->info);
        }
        buf_add(buf, STR("\n]\n"));
}

static void list_table(struct buf *buf, const struct policy_set *set) {
        size_t width = 0;

        for (size_t i = 0; i < set->policies.count; i++)
                width = MAX(width, set->policies.items[i]->info.id.len);
        for (size_t i = 0; i < set->policies.count; i++) {
                const struct rule_info *info = &set->policies.items[i]->info;

                buf_add_terminal(buf, info->id);
                buf_add_repeat(buf, ' ', width - info->id.len + 2);
                buf_printf(buf, "%-8s  ", severity_name(info->severity));
                buf_add_terminal(buf, info->title);
                buf_add_char(buf, '\n');
        }
        buf_printf(buf, "%zu rules\n", set->policies.count);
}

static int list(struct command_context *context, int argc, char **argv) {
        const struct policy_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r = rules_load(&arguments->rules, context, &set);

        (void)argc;
        (void)argv;
        if (r < 0)
                return r;
        if (arguments->ids)
                for (size_t i = 0; i < set.policies.count; i++)
                        buf_printf(&text, "%.*s\n", STR_ARG(set.policies.items[i]->info.id));
        else if (arguments->format == FORMAT_JSON)
                list_json(&text, &set);
        else
                list_table(&text, &set);
        fwrite(text.data, 1, text.len, stdout);
        return COMMAND_CLEAN;
}

static const struct option_spec list_specs[] = {
        { 'o', "output", "FORMAT", "how to write the list", OPTION_CHOICE,
          offsetof(struct policy_arguments, format), .words = formats },
        { 0, "ids", NULL, "only the ids, one a line", OPTION_FLAG,
          offsetof(struct policy_arguments, ids) },
        RULE_OPTIONS(struct policy_arguments, rules),
        OPTION_END,
};

static const struct command command_policy_list = {
        .name = "list",
        .summary = "the rules, with severity and title",
        .options = list_specs,
        .options_size = sizeof(struct policy_arguments),
        .run = list,
};

/* --- show --- */

static int show(struct command_context *context, int argc, char **argv) {
        const struct policy_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r = rules_load(&arguments->rules, context, &set);

        for (int i = 0; i < argc && r >= 0; i++) {
                struct str near;
                const struct policy *policy = policy_find(&set, str_from(argv[i]), &near);

                if (!policy)
                        return error_set(context->error, -ENOENT, "unknown rule \"%s\"%s%.*s%s",
                                         argv[i], near.len ? ", did you mean \"" : "",
                                         STR_ARG(near), near.len ? "\"?" : "");
                if (i > 0)
                        buf_add(&text, STR("---\n"));
                doc_write_yaml(&text, policy->object, 0);
        }
        if (r < 0)
                return r;
        fwrite(text.data, 1, text.len, stdout);
        return COMMAND_CLEAN;
}

static const struct option_spec show_specs[] = {
        { 'r', "rules", "PATH", "also look among the rules of a file or folder", OPTION_STRINGS,
          offsetof(struct policy_arguments, rules.add), .hint = OPTION_HINT_FILE },
        OPTION_END,
};

static const struct command_positional show_positionals[] = {
        { "RULE", OPTION_HINT_WORDS, "!policy list --ids", .repeated = true },
        { NULL },
};

static const struct command command_policy_show = {
        .name = "show",
        .summary = "a rule as the ValidatingAdmissionPolicy that kubectl applies",
        .options = show_specs,
        .options_size = sizeof(struct policy_arguments),
        .positionals = show_positionals,
        .run = show,
};

static const struct command *const verbs[] = { &command_policy_list,
                                               &command_policy_show,
                                               &command_policy_test,
                                               &command_policy_check,
                                               &command_policy_eval,
                                               &command_policy_apply,
                                               &command_policy_export,
                                               &command_policy_simulate,
                                               &command_policy_replay,
                                               &command_policy_frameworks,
                                               NULL };

const struct command command_policy = {
        .name = "policy",
        .summary = "list, show, test, try, export and simulate rules",
        .verbs = verbs,
};
