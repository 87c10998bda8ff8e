#include "scan/cases.h"

#include <errno.h>

#include "base/util.h"
#include "inventory/cluster.h"
#include "scan/declared.h"
#include "scan/private.h"

static const char marker[] = "# <- finding";

/* A set of line numbers, as the strings that people read: "3, 17". */
struct line_set {
        uint32_t *items;
        size_t count, capacity;
};

static void line_set_free(struct line_set *set) {
        free(set->items);
}

static void add_line(struct line_set *set, uint32_t line) {
        for (size_t i = 0; i < set->count; i++)
                if (set->items[i] == line)
                        return;
        *vec_push(set) = line;
}

static int compare_lines(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

static void sort_lines(struct line_set *set) {
        if (set->count > 1)
                qsort(set->items, set->count, sizeof *set->items, compare_lines);
}

static void expected_lines(struct str text, struct line_set *ret) {
        struct str line;

        for (uint32_t number = 1; str_split(&text, '\n', &line); number++)
                if (str_ends(str_trim(line), str_from(marker)))
                        add_line(ret, number);
        sort_lines(ret);
}

static void found_lines(const struct finding_list *list, struct line_set *ret) {
        for (size_t i = 0; i < list->findings.count; i++) {
                const struct finding *finding = &list->findings.items[i];

                add_line(ret, finding->location.start.line);
                for (size_t k = 0; k < finding->related_count; k++)
                        add_line(ret, finding->related[k].start.line);
        }
        sort_lines(ret);
}

static bool same_lines(const struct line_set *a, const struct line_set *b) {
        return a->count == b->count &&
               (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

static void describe_lines(struct buf *buf, const char *what, const struct line_set *lines,
                           uint32_t offset) {
        buf_printf(buf, "%s", what);
        for (size_t i = 0; i < lines->count; i++)
                buf_printf(buf, "%s%u",
                           i                  ? ", "
                           : lines->count > 1 ? " on lines "
                                              : " on line ",
                           lines->items[i] + offset);
        if (lines->count == 0)
                buf_add(buf, STR(" nowhere"));
}

static void describe_findings(struct buf *buf, const struct finding_list *list, uint32_t offset) {
        for (size_t i = 0; i < list->findings.count; i++) {
                const struct finding *finding = &list->findings.items[i];

                buf_printf(buf, "\n  line %u: %.*s: %.*s", finding->location.start.line + offset,
                           STR_ARG(finding->location.path), STR_ARG(finding->message));
        }
        for (size_t i = 0; i < list->diagnostics.count; i++)
                buf_printf(buf, "\n  line %u: %.*s", list->diagnostics.items[i].pos.line + offset,
                           STR_ARG(list->diagnostics.items[i].message));
}

static bool any_message_contains(const struct finding_list *list, struct str text) {
        for (size_t i = 0; i < list->findings.count; i++)
                if (str_find(list->findings.items[i].message, text, 0) >= 0)
                        return true;
        return false;
}

/* Compares what was found with what was expected; PROBLEM stays empty when they agree. */
static void compare(struct buf *problem, struct str text, struct str message,
                    const struct finding_list *list, uint32_t offset) {
        struct line_set expected _cleanup_(line_set_free) = { 0 };
        struct line_set found _cleanup_(line_set_free) = { 0 };

        expected_lines(text, &expected);
        found_lines(list, &found);
        if (!same_lines(&expected, &found) || list->diagnostics.count > 0) {
                describe_lines(problem, "expected", &expected, offset);
                describe_lines(problem, "; found", &found, offset);
                describe_findings(problem, list, offset);
        } else if (message.len > 0 && !any_message_contains(list, message)) {
                buf_printf(problem, "no message contains \"%.*s\"", STR_ARG(message));
                describe_findings(problem, list, offset);
        }
}

static int add_namespace(struct namespaces *namespaces, struct str text, struct error *error) {
        struct doc_source *source = arena_new(&namespaces->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;
        int r = doc_source_init(&namespaces->arena, STR("namespace"), text, source, error);

        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        r = doc_read(&reader, &namespaces->arena, &doc, error);
        if (r > 0)
                map_put(&namespaces->by_name,
                        doc_string(doc_find(doc->root, "metadata", "name"), STR("")))
                        ->value = doc->root;
        return MIN(r, 0);
}

/* --- live objects and what is declared of them --- */

/* Each object of TEXT as one of a cluster; what DECLARED names was looked for. */
struct live_case {
        struct input_list *files;
        bool declared;
};

static void add_live(struct live_case *live, struct arena *arena, const struct resource *resource,
                     struct str text) {
        struct input_list *files = live->files;

        if (live->declared)
                *vec_push(&files->lists) =
                        (struct input_gap){ .group = arena_str(&files->arena, resource->group),
                                            .resource =
                                                    arena_str(&files->arena, resource->resource),
                                            .scope = STR("any namespace") };
        else
                input_add_text(files,
                               cluster_path_of(arena, resource->group, resource->resource,
                                               resource->namespace, resource->name),
                               text);
}

static void read_live(struct live_case *live, struct str text) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR("live"), text };
        struct resource_list resources;
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_YAML, NULL);
        while (doc_read(&reader, &arena, &doc, NULL) > 0) {
                struct buf lines _cleanup_(buf_free) = BUF_INIT;

                /* Lines are those of the case. */
                buf_add_repeat(&lines, '\n', doc->start.line - 1);
                buf_add(&lines, str_slice(text, doc->text_start, doc->text_end));
                resources_of(&arena, doc, STR("default"), true, &resources);
                for (size_t i = 0; i < resources.count; i++)
                        add_live(live, &arena, &resources.items[i], buf_str(&lines));
        }
}

static void judge_live(const struct scan_options *base, struct str object, struct str declared,
                       struct finding_list *list) {
        struct input_list files _cleanup_(input_free) = { 0 };
        struct input_list manifests _cleanup_(input_free) = { 0 };
        struct report_coverage coverage = { 0 };
        struct scan_options options = *base;
        struct error error;

        read_live(&(struct live_case){ &files, false }, object);
        read_live(&(struct live_case){ &files, true }, declared);
        input_add_text(&manifests, STR("declared"), declared);
        if (declared_read(&options, &manifests, "app", &options.declared, &error) < 0)
                return;
        scan_files(&options, &files, list, &coverage);
        declared_free(options.declared);
}

static void judge_text(const struct policy *policy, const struct doc_source *source,
                       struct str declared, const struct namespaces *namespaces,
                       struct finding_list *list) {
        struct policy *only = (struct policy *)(uintptr_t)policy;
        struct policy_set set = { .policies = { &only, 1, 1 },
                                  .compiler = PTHREAD_MUTEX_INITIALIZER };
        struct scan_options options = { .policies = &set,
                                        .limits = doc_default_limits,
                                        .threads = 1,
                                        .namespace = STR(""),
                                        .max_findings = 10000 };
        struct report_coverage coverage = { 0 };

        if (declared.len > 0) {
                judge_live(&options, source->text, declared, list);
                return;
        }
        scan_source(&options, source, namespaces, list, &coverage);
        if (coverage.objects == 0)
                *vec_push(&list->diagnostics) =
                        (struct diagnostic){ .message =
                                                     STR("the case holds no Kubernetes object") };
}

static int run_case(const struct policy *policy, const struct doc_source *source,
                    const struct doc_node *node, case_result_fn *report, void *userdata,
                    struct error *error) {
        const struct doc_node *object = doc_get(node, STR("object")),
                              *namespace = doc_get(node, STR("namespace")),
                              *declared = doc_get(node, STR("declared")), *marked;
        struct finding_list list _cleanup_(finding_list_free) = { 0 };
        struct namespaces namespaces _cleanup_(namespaces_free) = { 0 };
        struct buf problem _cleanup_(buf_free) = BUF_INIT;
        struct doc_source text;
        struct case_result result;

        if (!object || object->kind != DOC_STRING ||
            doc_string(doc_get(node, STR("name")), STR("")).len == 0)
                return error_set_at(error, -EINVAL, node->start.line, node->start.column,
                                    "a case needs a name and an object (a block of YAML)");
        if (namespace && add_namespace(&namespaces, doc_string(namespace, STR("")), error) < 0)
                return -EINVAL;
        text = (struct doc_source){ source->name, object->string };
        judge_text(policy, &text, doc_string(declared, STR("")), &namespaces, &list);
        /* What is declared and not live is found where it is declared. */
        marked = str_find(doc_string(declared, STR("")), str_from(marker), 0) >= 0 ? declared
                                                                                   : object;
        compare(&problem, marked->string, doc_string(doc_get(node, STR("message")), STR("")), &list,
                marked->start.line);
        result = (struct case_result){ .file = source->name,
                                       .rule = policy->info.id,
                                       .name = doc_string(doc_get(node, STR("name")), STR("")),
                                       .line = node->start.line,
                                       .passed = problem.len == 0,
                                       .problem = problem.len ? buf_str(&problem) : STR("") };
        report(userdata, &result);
        return 0;
}

int cases_run(const struct policy *policy, const struct doc_source *source, case_result_fn *report,
              void *userdata, struct error *error) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_reader reader;
        struct doc *doc;
        int r;

        doc_reader_init(&reader, source, DOC_YAML, NULL);
        r = doc_read(&reader, &arena, &doc, error);
        if (r > 0 && doc->root->kind != DOC_LIST)
                r = error_set_at(error, -EINVAL, doc->root->start.line, doc->root->start.column,
                                 "a test file is a list of cases");
        if (r == 0)
                r = error_set(error, -EINVAL, "the test file is empty");
        for (uint32_t i = 0; r > 0 && i < doc->root->list.count; i++)
                r = run_case(policy, source, &doc->root->list.items[i], report, userdata, error) < 0
                            ? -EINVAL
                            : 1;
        if (r < 0)
                error_set_file(error, source->name);
        return MIN(r, 0);
}
