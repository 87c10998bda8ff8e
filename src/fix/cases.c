#include "fix/cases.h"

#include <errno.h>

#include "base/diff.h"
#include "base/util.h"
#include "fix/private.h"

static const char marker[] = "# <- finding";

/* TEXT without the marks of findings and the blanks before them. */
static struct str unmarked(struct arena *arena, struct str text) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct str line;
        bool ends = str_ends(text, STR("\n"));

        if (ends)
                text.len--;
        while (str_split(&text, '\n', &line)) {
                if (str_ends(str_trim(line), str_from(marker))) {
                        line = str_slice(line, 0, (size_t)str_find(line, str_from(marker), 0));
                        while (line.len > 0 && line.ptr[line.len - 1] == ' ')
                                line.len--;
                }
                buf_add(&buf, line);
                if (text.ptr || ends)
                        buf_add_char(&buf, '\n');
        }
        return arena_str(arena, buf_str(&buf));
}

/* Why nothing became of TEXT, or the difference between what it became and FIXED. */
static void compare(struct buf *problem, const struct fix_run *run, struct str fixed) {
        size_t count;
        const struct fix_file *files = fix_files(run, &count);
        struct fix *const *fixes;

        if (count > 0) {
                diff_unified(problem, STR("expected"), fixed, STR("fixed"), files[0].after);
                return;
        }
        fixes = fix_list(run, &count);
        buf_add(problem, STR("nothing was changed"));
        for (size_t i = 0; i < count; i++)
                if (fixes[i]->reason.len > 0)
                        buf_printf(problem, "\n%.*s", STR_ARG(fixes[i]->reason));
}

static void run_case(const struct scan_options *options, struct arena *arena,
                     const struct doc_node *node, struct buf *problem) {
        struct str object = doc_string(doc_get(node, STR("object")), STR(""));
        struct input_list files _cleanup_(input_free) = { 0 };
        struct finding_list list _cleanup_(finding_list_free) = { 0 };
        struct report_coverage coverage = { 0 };
        const struct fix_input input = { .options = options, .files = &files, .findings = &list };
        struct fix_run *run;

        input_add_text(&files, STR("case.yaml"), unmarked(arena, object));
        scan_files(options, &files, &list, &coverage);
        run = fix_run_new(&input, true);
        compare(problem, run, doc_string(doc_get(node, STR("fixed")), STR("")));
        fix_run_free(run);
}

static void report_case(const struct policy *policy, const struct doc_source *source,
                        const struct doc_node *node, const struct buf *problem,
                        case_result_fn *report, void *userdata) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str name = doc_string(doc_get(node, STR("name")), STR(""));
        struct case_result result = { .file = source->name,
                                      .rule = policy->info.id,
                                      .name = arena_printf(&arena, "the fix of: %.*s",
                                                           STR_ARG(name)),
                                      .line = node->start.line,
                                      .passed = problem->len == 0,
                                      .problem = buf_str(problem) };

        report(userdata, &result);
}

int fix_cases_run(struct policy_set *set, const struct policy *policy,
                  const struct doc_source *source, case_result_fn *report, void *userdata,
                  struct error *error) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct policy *only = (struct policy *)(uintptr_t)policy;
        struct policy_set one = *set;
        struct scan_options options = { .policies = &one,
                                        .limits = doc_default_limits,
                                        .threads = 1,
                                        .namespace = STR(""),
                                        .max_findings = 10000 };
        struct doc_reader reader;
        struct doc *doc;
        size_t cases = 0;
        int r;

        one.policies.items = &only;
        one.policies.count = 1;
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        r = doc_read(&reader, &arena, &doc, error);
        for (uint32_t i = 0; r > 0 && doc->root->kind == DOC_LIST && i < doc->root->list.count;
             i++) {
                const struct doc_node *node = &doc->root->list.items[i];
                struct buf problem _cleanup_(buf_free) = BUF_INIT;

                if (!doc_get(node, STR("fixed")))
                        continue;
                run_case(&options, &arena, node, &problem);
                report_case(policy, source, node, &problem, report, userdata);
                cases++;
        }
        if (r > 0 && cases == 0 && policy->fix) {
                struct buf problem _cleanup_(buf_free) = BUF_INIT;

                buf_add(&problem, STR("the rule has a fix, and no case says what it does (fixed)"));
                report_case(policy, source, doc->root, &problem, report, userdata);
        }
        return MIN(r, 0);
}
