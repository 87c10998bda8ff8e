/* redoubt explain: everything known about a rule. */
#include <errno.h>

#include "base/util.h"
#include "cmd/rules.h"
#include "report/report.h"

struct explain_arguments {
        struct rule_arguments rules;
};

static const struct option_spec specs[] = {
        { 'r', "rules", "PATH", "also look among the rules of a file or folder", OPTION_STRINGS,
          offsetof(struct explain_arguments, rules.add), .hint = OPTION_HINT_FILE },
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "RULE", OPTION_HINT_WORDS, "!policy list --ids" },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt explain pods/privileged", "why containers must not run privileged" },
        { NULL },
};

static int run(struct command_context *context, int argc, char **argv) {
        const struct explain_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct report_style style = { .colour = command_colour(context, STDOUT_FILENO),
                                      .unicode = command_unicode(),
                                      .width = command_width(STDOUT_FILENO, 100) };
        const struct policy *policy;
        struct str near;
        int r = rules_load(&arguments->rules, context, &set);

        (void)argc;
        if (r < 0)
                return r;
        policy = policy_find(&set, str_from(argv[0]), &near);
        if (!policy)
                return error_set(context->error, -ENOENT,
                                 "unknown rule \"%s\"%s%.*s%s; redoubt policy list shows all",
                                 argv[0], near.len ? ", did you mean \"" : "", STR_ARG(near),
                                 near.len ? "\"?" : "");
        report_explain(&text, &policy->info, &style);
        fwrite(text.data, 1, text.len, stdout);
        return COMMAND_CLEAN;
}

const struct command command_explain = {
        .name = "explain",
        .summary = "say what a rule is about and what to do",
        .description = "Shows a rule: what it demands, which attack it stops, how to fix what it "
                       "finds, and which controls of "
                       "which frameworks it belongs to.",
        .options = specs,
        .options_size = sizeof(struct explain_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
