/* redoubt policy check: do policies and bindings compile, and what do they match? */
#include "base/util.h"
#include "cmd/policy.h"
#include "cmd/rules.h"

struct check_arguments {
        struct language_arguments language;
};

static void add_list(struct buf *buf, const struct str *items, size_t count) {
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i > 0 ? STR(",") : STR(""));
                buf_add_terminal(buf, items[i].len > 0 ? items[i] : STR("core"));
        }
}

static void add_operations(struct buf *buf, unsigned operations) {
        static const char *const names[] = { "CREATE", "UPDATE", "DELETE", "CONNECT" };
        bool first = true;

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                if (!(operations & 1u << i))
                        continue;
                buf_printf(buf, "%s%s", first ? "" : ",", names[i]);
                first = false;
        }
}

static void add_match(struct buf *buf, const struct policy_match *match) {
        for (size_t i = 0; i < match->rule_count + match->exclude_count; i++) {
                bool excluded = i >= match->rule_count;
                const struct policy_rule *rule =
                        excluded ? &match->exclude[i - match->rule_count] : &match->rules[i];

                buf_add(buf, excluded ? STR("  but not ") : STR("  matches "));
                add_operations(buf, rule->operations);
                buf_add(buf, STR(" of "));
                add_list(buf, rule->resources, rule->resource_count);
                buf_add(buf, STR(" in "));
                add_list(buf, rule->groups, rule->group_count);
                buf_add_char(buf, '/');
                add_list(buf, rule->versions, rule->version_count);
                buf_add_char(buf, '\n');
        }
}

static void add_bindings(struct buf *buf, const struct policy *policy) {
        if (!policy->bindings)
                buf_add(buf, STR("  no binding: in a cluster it would do nothing\n"));
        for (const struct policy_binding *b = policy->bindings; b; b = b->next) {
                buf_add(buf, STR("  bound by "));
                buf_add_terminal(buf, b->name);
                buf_printf(buf, ":%s%s%s%s\n", b->deny ? " Deny" : "", b->warn ? " Warn" : "",
                           b->audit ? " Audit" : "",
                           policy->has_params && !b->has_params ? ", without params" : "");
        }
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct check_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        uint16_t minor;
        int r = language_minor(&arguments->language, &minor, context->error);

        if (r >= 0)
                r = rules_init(&set, minor, context->error);

        for (int i = 0; i < argc && r >= 0; i++)
                r = policy_set_add_path(&set, argv[i], context->error);
        if (r >= 0)
                r = policy_set_finish(&set, context->error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < set.policies.count; i++) {
                const struct policy *policy = set.policies.items[i];

                buf_add_terminal(&text, policy->name);
                buf_printf(&text, ": %zu validations\n", policy->validation_count);
                add_match(&text, &policy->match);
                add_bindings(&text, policy);
        }
        fwrite(text.data, 1, text.len, stdout);
        return COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        LANGUAGE_OPTIONS(struct check_arguments, language),
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "PATH", OPTION_HINT_FILE, .repeated = true },
        { NULL },
};

const struct command command_policy_check = {
        .name = "check",
        .summary = "whether policies compile, and what they match",
        .description =
                "Reads ValidatingAdmissionPolicies and their bindings as the API server would when "
                "they "
                "are applied. The first fault is told with its place, and the exit status is 2.",
        .options = specs,
        .options_size = sizeof(struct check_arguments),
        .positionals = positionals,
        .run = run,
};
