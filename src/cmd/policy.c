/* redoubt policy: the rules themselves - list them, show one, run their tests. */
#include <errno.h>

#include "base/fs.h"
#include "base/util.h"
#include "base/walk.h"
#include "cmd/policy.h"
#include "cmd/rules.h"
#include "doc/write.h"
#include "report/report.h"
#include "scan/cases.h"

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

/* --- test --- */

struct tests {
        struct command_context *context;
        struct policy_set *set;
        struct arena arena;
        size_t passed, failed, files;
        struct map tested; /* rule files that have tests */
        int r;
};

static void print_case(void *userdata, const struct case_result *result) {
        struct tests *tests = userdata;
        struct buf line _cleanup_(buf_free) = BUF_INIT;

        if (result->passed)
                tests->passed++;
        else
                tests->failed++;
        if (result->passed && tests->context->common.verbose == 0)
                return;
        buf_add(&line, result->passed ? STR("ok - ") : STR("not ok - "));
        buf_add_terminal(&line, result->file);
        buf_printf(&line, ":%u: ", result->line);
        buf_add_terminal(&line, result->name);
        buf_add_char(&line, '\n');
        for (struct str rest = result->problem, part;
             rest.len > 0 && str_split(&rest, '\n', &part);) {
                buf_add(&line, STR("    "));
                buf_add_terminal(&line, part);
                buf_add_char(&line, '\n');
        }
        fwrite(line.data, 1, line.len, stdout);
}

static bool is_test_file(struct str path) {
        return str_ends(path, STR(".test.yaml")) || str_ends(path, STR(".test.yml"));
}

static bool wants_tests(void *userdata, struct str path, struct str relative, bool folder) {
        (void)userdata;
        (void)relative;
        return folder || is_test_file(path);
}

/* "pods/privileged.test.yaml" tests the policies of "pods/privileged.yaml". */
static struct str tested_file(struct arena *arena, struct str test) {
        size_t end = test.len - (str_ends(test, STR(".yml")) ? 9 : 10);

        return arena_printf(arena, "%.*s.yaml", STR_ARG(str_slice(test, 0, end)));
}

static int load_rules_of(struct tests *tests, struct str rule_file) {
        for (size_t i = 0; i < tests->set->policies.count; i++)
                if (str_eq(tests->set->policies.items[i]->info.source, rule_file))
                        return 0;
        return policy_set_add_path(tests->set, rule_file.ptr, tests->context->error);
}

static int run_test_file(void *userdata, struct str path, uint64_t size) {
        struct tests *tests = userdata;
        struct error *error = tests->context->error;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct str rule_file;
        struct doc_source source;
        int r;

        (void)size;
        if (!is_test_file(path))
                return 0; /* a rule that was named itself */
        rule_file = tested_file(&tests->arena, path);
        r = load_rules_of(tests, rule_file);
        if (r >= 0)
                r = fs_read(path.ptr, -1, doc_default_limits.file_bytes, false, &buf, error);
        if (r >= 0)
                r = doc_source_init(&tests->arena, path, arena_str(&tests->arena, buf_str(&buf)),
                                    &source, error);
        for (size_t i = 0; r >= 0 && i < tests->set->policies.count; i++) {
                const struct policy *policy = tests->set->policies.items[i];

                if (str_eq(policy->info.source, rule_file))
                        r = cases_run(policy, &source, print_case, tests, error);
        }
        if (r < 0)
                error_set_file(error, path);
        map_put(&tests->tested, rule_file)->value = tests;
        tests->files++;
        return r;
}

/* A rule without tests is not known to work. */
static void report_untested(struct tests *tests) {
        for (size_t i = 0; i < tests->set->policies.count; i++) {
                struct str file = tests->set->policies.items[i]->info.source;

                if (map_get(&tests->tested, file))
                        continue;
                printf("not ok - %.*s has no tests\n", STR_ARG(file));
                tests->failed++;
        }
}

static int run_tests(struct tests *tests, int argc, char **argv) {
        struct walk walk = { wants_tests, run_test_file, NULL, tests };

        for (int i = 0; i < argc; i++) {
                int r;

                /* The rules first, so that those without tests are noticed; a test file names its
                 * rule itself. */
                if (!is_test_file(str_from(argv[i]))) {
                        r = policy_set_add_path(tests->set, argv[i], tests->context->error);
                        if (r < 0)
                                return r;
                }
                r = walk_path(&tests->arena, str_from(argv[i]), &walk, tests->context->error);
                if (r < 0)
                        return r;
        }
        report_untested(tests);
        return 0;
}

static int test(struct command_context *context, int argc, char **argv) {
        const struct policy_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct tests tests = { .context = context, .set = &set };
        uint16_t minor;
        int r = language_minor(&arguments->rules.language, &minor, context->error);

        if (r >= 0)
                r = rules_init(&set, minor, context->error);
        if (r >= 0)
                r = run_tests(&tests, argc, argv);
        map_free(&tests.tested);
        arena_free(&tests.arena);
        if (r < 0)
                return r;
        printf("%zu passed, %zu failed (%zu rules, %zu test files)\n", tests.passed, tests.failed,
               set.policies.count, tests.files);
        return tests.failed > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec test_specs[] = {
        LANGUAGE_OPTIONS(struct policy_arguments, rules.language),
        OPTION_END,
};

static const struct command_positional test_positionals[] = {
        { "PATH", OPTION_HINT_FILE, .repeated = true },
        { NULL },
};

static const struct command_example test_examples[] = {
        { "redoubt policy test policies", "run the tests of every rule" },
        { "redoubt policy test policies/pods/privileged.test.yaml", "of one rule" },
        { NULL },
};

static const struct command command_policy_test = {
        .name = "test",
        .summary = "run the tests beside rules",
        .description =
                "Runs the cases of every <rule>.test.yaml found below PATH against the policies of "
                "<rule>.yaml "
                "beside it. A rule without tests counts as a failure. -v also lists what passed.",
        .options = test_specs,
        .options_size = sizeof(struct policy_arguments),
        .positionals = test_positionals,
        .examples = test_examples,
        .run = test,
};

static const struct command *const verbs[] = {
        &command_policy_list,     &command_policy_show,   &command_policy_test,
        &command_policy_check,    &command_policy_eval,   &command_policy_export,
        &command_policy_simulate, &command_policy_replay, NULL
};

const struct command command_policy = {
        .name = "policy",
        .summary = "list, show, test, try, export and simulate rules",
        .verbs = verbs,
};
