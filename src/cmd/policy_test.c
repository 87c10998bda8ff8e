/* redoubt policy test: the tests of rules and policies. */
#include <errno.h>

#include "base/fs.h"
#include "base/util.h"
#include "base/walk.h"
#include "cmd/rules.h"
#include "cmd/suite.h"
#include "fix/cases.h"

struct test_arguments {
        struct language_arguments language;
};

struct tests {
        struct command_context *context;
        struct policy_set *set; /* the rules */
        uint16_t minor;         /* the version of Kubernetes whose CEL counts */
        struct arena arena;
        struct str start;                                /* the PATH that is being looked at */
        VEC(struct str) own, kyverno, manifests, others; /* files found there */
        size_t passed, failed, not_judged, files;
        struct map tested; /* files of rules that have tests */
};

static void print_case(void *userdata, const struct case_result *result) {
        struct tests *tests = userdata;
        struct buf line _cleanup_(buf_free) = BUF_INIT;

        if (result->not_judged)
                tests->not_judged++;
        else if (result->passed)
                tests->passed++;
        else
                tests->failed++;
        if (result->passed && tests->context->common.verbose == 0)
                return;
        buf_add(&line, result->not_judged ? STR("not judged - ")
                       : result->passed   ? STR("ok - ")
                                          : STR("not ok - "));
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

/* --- finding them --- */

static struct str base_name(struct str path) {
        struct str rest = path, part = path;

        while (rest.ptr)
                str_split(&rest, '/', &part);
        return part;
}

static bool is_kyverno_file(struct str path) {
        struct str name = base_name(path);

        return str_eq(name, STR("kyverno-test.yaml")) || str_eq(name, STR("kyverno-test.yml"));
}

static bool wants(void *userdata _unused_, struct str path, struct str relative, bool folder) {
        if (str_starts(base_name(relative), STR(".")))
                return false;
        return folder || str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml")) ||
               str_ends(path, STR(".json"));
}

static int sort_file(void *userdata, struct str path, uint64_t size _unused_) {
        struct tests *tests = userdata;

        if (is_test_file(path))
                *vec_push_in(&tests->arena, &tests->own) = path;
        else if (is_kyverno_file(path))
                *vec_push_in(&tests->arena, &tests->kyverno) = path;
        else
                *vec_push_in(&tests->arena, &tests->others) = path;
        return 0;
}

/* What lies beside a Test of Kyverno's CLI, or below, is its own. */
static bool is_of_kyverno(struct tests *tests, struct str path) {
        for (size_t i = 0; i < tests->kyverno.count; i++) {
                struct str folder = suite_folder(&tests->arena, tests->kyverno.items[i]);

                if (str_eq(folder, STR(".")) ||
                    (str_starts(path, folder) && path.len > folder.len &&
                     path.ptr[folder.len] == '/'))
                        return true;
        }
        return false;
}

/* --- running them --- */

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

static int run_test_file(struct tests *tests, struct str path) {
        struct error *error = tests->context->error;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct str rule_file;
        struct doc_source source;
        int r;

        rule_file = tested_file(&tests->arena, path);
        r = load_rules_of(tests, rule_file);
        if (r >= 0)
                r = fs_read(path.ptr, -1, doc_default_limits.file_bytes, false, &buf, error);
        if (r >= 0)
                r = doc_source_init(&tests->arena, path, arena_str(&tests->arena, buf_str(&buf)),
                                    &source, error);
        for (size_t i = 0; r >= 0 && i < tests->set->policies.count; i++) {
                const struct policy *policy = tests->set->policies.items[i];

                if (!str_eq(policy->info.source, rule_file))
                        continue;
                r = cases_run(policy, &source, print_case, tests, error);
                if (r >= 0)
                        r = fix_cases_run(tests->set, policy, &source, print_case, tests, error);
        }
        if (r < 0)
                error_set_file(error, path);
        map_put(&tests->tested, rule_file)->value = tests;
        tests->files++;
        return r;
}

/* The rules first, so that those without tests are noticed. A file that says nothing about itself
 * and holds no policy is nobody's test: it is passed over. */
static int sort_others(struct tests *tests) {
        for (size_t i = 0; i < tests->others.count; i++) {
                struct str path = tests->others.items[i];
                size_t before = tests->set->policies.count;
                int r;

                if (is_of_kyverno(tests, path))
                        continue;
                r = policy_set_add_path(tests->set, path.ptr, tests->context->error);
                if (r < 0 && r != -ENOENT)
                        return r;
                if (tests->set->policies.count == before &&
                    manifest_expected(path) != MANIFEST_PLAIN)
                        *vec_push_in(&tests->arena, &tests->manifests) = path;
        }
        return 0;
}

static void run_manifest(struct tests *tests, struct str path) {
        const struct manifest_run run = { path, tests->start, tests->minor };

        manifest_run(&run, &tests->arena, &tests->tested, print_case, tests);
}

static int run_files(struct tests *tests) {
        int r = sort_others(tests);

        for (size_t i = 0; i < tests->own.count && r >= 0; i++)
                r = run_test_file(tests, tests->own.items[i]);
        for (size_t i = 0; i < tests->kyverno.count && r >= 0; i++)
                kyverno_run(tests->kyverno.items[i], tests->minor, print_case, tests);
        for (size_t i = 0; i < tests->manifests.count && r >= 0; i++)
                run_manifest(tests, tests->manifests.items[i]);
        tests->files += tests->kyverno.count + tests->manifests.count;
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

static int run_path(struct tests *tests, const char *path) {
        struct walk walk = { wants, sort_file, NULL, tests };
        size_t before = tests->set->policies.count, files = tests->files;
        int r;

        tests->start = str_from(path);
        while (tests->start.len > 1 && str_ends(tests->start, STR("/")))
                tests->start.len--;
        tests->own.count = tests->kyverno.count = 0;
        tests->manifests.count = tests->others.count = 0;
        r = walk_path(&tests->arena, tests->start, &walk, tests->context->error);
        if (r >= 0)
                r = run_files(tests);
        if (r >= 0 && tests->set->policies.count == before && tests->files == files) {
                r = error_set(tests->context->error, -ENOENT,
                              "holds neither a ValidatingAdmissionPolicy nor a test");
                error_set_file(tests->context->error, str_from(path));
        }
        return r;
}

static int exit_status(const struct tests *tests) {
        if (tests->not_judged > 0)
                return COMMAND_INCOMPLETE;
        return tests->failed > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct test_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct tests tests = { .context = context, .set = &set };
        int r = language_minor(&arguments->language, &tests.minor, context->error);

        if (r >= 0)
                r = rules_init(&set, tests.minor, context->error);
        for (int i = 0; i < argc && r >= 0; i++)
                r = run_path(&tests, argv[i]);
        if (r >= 0)
                report_untested(&tests);
        map_free(&tests.tested);
        arena_free(&tests.arena);
        if (r < 0)
                return r;
        printf("%zu passed, %zu failed", tests.passed, tests.failed);
        if (tests.not_judged > 0)
                printf(", %zu not judged", tests.not_judged);
        printf(" (%zu rules, %zu test files)\n", set.policies.count, tests.files);
        return exit_status(&tests);
}

static const struct option_spec specs[] = {
        LANGUAGE_OPTIONS(struct test_arguments, language),
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "PATH", OPTION_HINT_FILE, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt policy test policies", "run the tests of every rule" },
        { "redoubt policy test policies/pods/privileged.test.yaml", "of one rule" },
        { NULL },
};

const struct command command_policy_test = {
        .name = "test",
        .summary = "run the tests beside rules and policies",
        .description =
                "Runs the tests found below PATH: the cases of every <rule>.test.yaml against the "
                "policies of <rule>.yaml beside it; tests of Kyverno's CLI (kyverno-test.yaml) "
                "whose policies are ValidatingAdmissionPolicies; and manifests in folders called "
                "good or bad (allowed, denied, pass, fail ...), or with such a word in their name, "
                "against the policies of the nearest folder above. A rule without tests counts as "
                "a failure. What a test asks that cannot be answered here is not judged. -v also "
                "lists what passed.\n\nExit status: 0 all pass, 1 some fail, 2 an error, 3 "
                "something was not judged.",
        .options = specs,
        .options_size = sizeof(struct test_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
