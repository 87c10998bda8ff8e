/*
 * Tests of Kyverno's CLI (cli.kyverno.io/v1alpha1, Test).
 *
 * `results` say, for a policy and some of the resources: pass, fail, skip (the policy is not about
 * the resource), error (an expression fails) or warn (it fails, and the bindings only warn). The
 * rest of what a Test can hold is about Kyverno's own policies: a Test that has it is not judged.
 */
#include <errno.h>

#include "base/util.h"
#include "cmd/suite.h"
#include "doc/edit.h"

struct test {
        struct suite suite;
        struct str path, folder;
        const struct doc_node *root;
        case_result_fn *report;
        void *userdata;
};

/* Fields of a Test that can be judged, and those that change nothing. */
static const char *const test_fields[] = { "apiVersion",     "kind",      "metadata",  "name",
                                           "policies",       "resources", "variables", "values",
                                           "paramResources", "userinfo",  "results",   NULL };
static const char *const result_fields[] = {
        "policy",    "rule",      "resource",
        "resources", "namespace", "kind",
        "result",    "status",    "isValidatingAdmissionPolicy",
        NULL
};

/* --- reporting --- */

static void report(struct test *test, uint32_t line, struct str name, bool passed, bool not_judged,
                   struct str problem) {
        const struct case_result result = { .file = test->path,
                                            .name = name,
                                            .line = line,
                                            .passed = passed,
                                            .not_judged = not_judged,
                                            .problem = problem };

        test->report(test->userdata, &result);
}

static void fail(struct test *test, const struct error *error) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (error->file[0])
                buf_printf(&text, "%s:%u:%u: ", error->file, error->line, error->column);
        buf_printf(&text, "%s", error->message);
        report(test, 1, STR("the test"), false, false, buf_str(&text));
}

/* The first field of MAP that is not KNOWN, or NULL. */
static const struct doc_entry *unknown_field(const struct doc_node *map, const char *const *known) {
        for (uint32_t i = 0; i < map->map.count; i++) {
                size_t k = 0;

                while (known[k] && !str_eq(map->map.entries[i].key, str_from(known[k])))
                        k++;
                if (!known[k])
                        return &map->map.entries[i];
        }
        return NULL;
}

/* --- reading --- */

static int take_root(void *userdata, const struct doc *doc) {
        struct test *test = userdata;

        if (!test->root)
                test->root = doc->root;
        return 0;
}

/* Calls ADD for each path that LIST holds. */
static int add_paths(struct test *test, const char *list,
                     int (*add)(struct suite *suite, struct str path, struct error *error),
                     struct error *error) {
        const struct doc_node *node = doc_get(test->root, str_from(list));
        int r = 0;

        for (uint32_t i = 0; node && node->kind == DOC_LIST && i < node->list.count && r >= 0; i++)
                r = add(&test->suite,
                        suite_path(&test->suite.arena, test->folder,
                                   doc_string(&node->list.items[i], STR(""))),
                        error);
        return r;
}

/* {name: shop, labels: {...}} as a Namespace. */
static void add_labels(struct test *test, const struct doc_node *entry) {
        struct arena *arena = &test->suite.arena;
        struct str name = doc_string(doc_get(entry, STR("name")), STR(""));
        const struct doc_node *labels = doc_get(entry, STR("labels")), *metadata;
        struct doc_node text = doc_text(name);

        if (!labels || labels->kind != DOC_MAP)
                labels = doc_new_map(arena, NULL, 0);
        labels = doc_with(arena, labels, STR("kubernetes.io/metadata.name"), &text);
        metadata = doc_with(arena, doc_new_map(arena, NULL, 0), STR("name"), &text);
        metadata = doc_with(arena, metadata, STR("labels"), labels);
        text = doc_text(STR("Namespace"));
        map_put(&test->suite.namespaces, name)->value = (void *)(uintptr_t)doc_with(
                arena, doc_with(arena, doc_new_map(arena, NULL, 0), STR("kind"), &text),
                STR("metadata"), metadata);
}

static int add_values(void *userdata, const struct doc_node *values) {
        struct test *test = userdata;
        const struct doc_node *selectors = doc_get(values, STR("namespaceSelector"));
        const struct doc_node *namespaces = doc_get(values, STR("namespaces"));

        for (uint32_t i = 0; selectors && selectors->kind == DOC_LIST && i < selectors->list.count;
             i++)
                add_labels(test, &selectors->list.items[i]);
        for (uint32_t i = 0;
             namespaces && namespaces->kind == DOC_LIST && i < namespaces->list.count; i++)
                map_put(&test->suite.namespaces,
                        doc_string(doc_find(&namespaces->list.items[i], "metadata", "name"),
                                   STR("")))
                        ->value = &namespaces->list.items[i];
        return 0;
}

static int add_values_document(void *userdata, const struct doc *doc) {
        return add_values(userdata, doc->root);
}

static int add_user_document(void *userdata, const struct doc *doc) {
        struct test *test = userdata;
        struct arena *arena = &test->suite.arena;

        test->suite.request = doc_with(arena, doc_new_map(arena, NULL, 0), STR("userInfo"),
                                       doc_get(doc->root, STR("userInfo")));
        return 0;
}

static int read_file_of(struct test *test, const char *field,
                        int (*each)(void *userdata, const struct doc *doc), struct error *error) {
        struct str name = doc_string(doc_get(test->root, str_from(field)), STR(""));

        if (name.len == 0)
                return 0;
        return suite_read(&test->suite.arena, suite_path(&test->suite.arena, test->folder, name),
                          each, test, error);
}

static int load(struct test *test, struct error *error) {
        int r = add_paths(test, "policies", suite_add_policies, error);

        if (r >= 0)
                r = add_paths(test, "paramResources", suite_add_policies, error);
        if (r >= 0)
                r = suite_finish(&test->suite, error);
        if (r >= 0)
                r = add_paths(test, "resources", suite_add_objects, error);
        if (r >= 0)
                r = read_file_of(test, "variables", add_values_document, error);
        if (r >= 0)
                r = read_file_of(test, "userinfo", add_user_document, error);
        if (r >= 0 && doc_get(test->root, STR("values")))
                r = add_values(test, doc_get(test->root, STR("values")));
        return r;
}

/* --- results --- */

static const char *verdict_of(const struct policy_trial *trial) {
        if (trial->error)
                return "error";
        if (trial->failed)
                return trial->warn && !trial->deny ? "warn" : "fail";
        return trial->applied ? "pass" : "skip";
}

/* A policy that fails does so whatever the bindings make of it; "warn" asks for just that. */
static bool is_as_expected(struct str expected, const char *verdict) {
        return str_eq(expected, str_from(verdict)) ||
               (str_eq(expected, STR("fail")) && strcmp(verdict, "warn") == 0);
}

static void judge(struct test *test, const struct doc_node *result, const struct policy *policy,
                  const struct suite_object *object, struct str expected) {
        struct arena *arena = &test->suite.arena;
        struct policy_trial trial = { 0 };
        struct policy_subject subject;
        struct error error = { 0 };
        struct str name, problem = STR("");
        const char *verdict = "error";

        if (suite_subject(&test->suite, object, &subject, &error) >= 0) {
                policy_try(policy, &subject, arena, &trial);
                verdict = verdict_of(&trial);
        } else
                trial.message = arena_printf(arena, "%s", error.message);
        name = arena_printf(
                arena, "%.*s on %.*s %.*s", STR_ARG(policy->name),
                STR_ARG(doc_string(doc_get(object->object, STR("kind")), STR(""))),
                STR_ARG(doc_string(doc_find(object->object, "metadata", "name"), STR(""))));
        if (!is_as_expected(expected, verdict))
                problem = arena_printf(arena, "expected %.*s, but it is %s%s%.*s",
                                       STR_ARG(expected), verdict,
                                       trial.message.len > 0 ? ": " : "", STR_ARG(trial.message));
        report(test, result->start.line, name, problem.len == 0, false, problem);
}

/* "name" or "namespace/name". */
static bool is_named(const struct suite_object *object, struct str name) {
        const struct doc_node *metadata = doc_get(object->object, STR("metadata"));
        struct str rest = name, first;

        if (str_split(&rest, '/', &first) && rest.ptr) {
                if (!str_eq(doc_string(doc_get(metadata, STR("namespace")), STR("default")), first))
                        return false;
                name = rest;
        }
        return str_eq(doc_string(doc_get(metadata, STR("name")), STR("")), name);
}

static void judge_named(struct test *test, const struct doc_node *result,
                        const struct policy *policy, struct str name, struct str expected) {
        struct str kind = doc_string(doc_get(result, STR("kind")), STR(""));
        struct str namespace = doc_string(doc_get(result, STR("namespace")), STR(""));
        bool found = false;

        for (size_t i = 0; i < test->suite.objects.count; i++) {
                const struct suite_object *object = &test->suite.objects.items[i];

                if (!str_eq(doc_string(doc_get(object->object, STR("kind")), STR("")), kind) ||
                    !is_named(object, name) ||
                    (namespace.len > 0 &&
                     !str_eq(doc_string(doc_find(object->object, "metadata", "namespace"), STR("")),
                             namespace)))
                        continue;
                judge(test, result, policy, object, expected);
                found = true;
        }
        if (!found)
                report(test, result->start.line,
                       arena_printf(&test->suite.arena, "%.*s on %.*s %.*s", STR_ARG(policy->name),
                                    STR_ARG(kind), STR_ARG(name)),
                       false, false, STR("there is no such object among the resources"));
}

static const struct policy *find_policy(struct test *test, struct str name) {
        for (size_t i = 0; i < test->suite.set.policies.count; i++)
                if (str_eq(test->suite.set.policies.items[i]->name, name))
                        return test->suite.set.policies.items[i];
        return NULL;
}

/* Why RESULT cannot be judged; empty where it can. */
static struct str not_plain(struct test *test, const struct doc_node *result, struct str policy,
                            struct str expected) {
        static const char *const known[] = { "pass", "fail", "skip", "error", "warn" };
        struct arena *arena = &test->suite.arena;
        const struct doc_node *resources = doc_get(result, STR("resources"));
        const struct doc_entry *unknown = unknown_field(result, result_fields);

        if (unknown)
                return arena_printf(arena, "\"%.*s\" is not understood", STR_ARG(unknown->key));
        if (!find_policy(test, policy))
                return arena_printf(arena, "\"%.*s\" is no ValidatingAdmissionPolicy of the test",
                                    STR_ARG(policy));
        if (!doc_get(result, STR("resource")) &&
            (!resources || resources->kind != DOC_LIST || resources->list.count == 0))
                return STR("it names no resource");
        for (size_t i = 0; i < ELEMENTS(known); i++)
                if (str_eq(expected, str_from(known[i])))
                        return STR("");
        return arena_printf(arena, "\"%.*s\" is no result", STR_ARG(expected));
}

static void run_result(struct test *test, const struct doc_node *result) {
        struct str name = doc_string(doc_get(result, STR("policy")), STR(""));
        struct str resource = doc_string(doc_get(result, STR("resource")), STR(""));
        struct str expected = doc_string(doc_get(result, STR("result")),
                                         doc_string(doc_get(result, STR("status")), STR("")));
        const struct doc_node *resources = doc_get(result, STR("resources"));
        struct str problem;

        if (result->kind != DOC_MAP)
                problem = STR("a result is a map");
        else
                problem = not_plain(test, result, name, expected);
        if (problem.len > 0) {
                report(test, result->start.line, name.len > 0 ? name : STR("a result"), false, true,
                       problem);
                return;
        }
        if (resource.len > 0)
                judge_named(test, result, find_policy(test, name), resource, expected);
        for (uint32_t i = 0; resources && resources->kind == DOC_LIST && i < resources->list.count;
             i++)
                judge_named(test, result, find_policy(test, name),
                            doc_string(&resources->list.items[i], STR("")), expected);
}

static void run(struct test *test) {
        const struct doc_node *results = doc_get(test->root, STR("results"));
        const struct doc_entry *unknown;
        struct error error = { 0 };

        if (!test->root || test->root->kind != DOC_MAP || !results || results->kind != DOC_LIST ||
            results->list.count == 0) {
                report(test, 1, STR("the test"), false, true, STR("it holds no results"));
                return;
        }
        unknown = unknown_field(test->root, test_fields);
        if (unknown) {
                report(test, unknown->key_start.line, STR("the test"), false, true,
                       arena_printf(&test->suite.arena, "\"%.*s\" is not understood",
                                    STR_ARG(unknown->key)));
                return;
        }
        if (load(test, &error) < 0) {
                fail(test, &error);
                return;
        }
        for (uint32_t i = 0; i < results->list.count; i++)
                run_result(test, &results->list.items[i]);
}

void kyverno_run(struct str path, uint16_t minor, case_result_fn *report_case, void *userdata) {
        struct test test = { .path = path, .report = report_case, .userdata = userdata };
        struct error error = { 0 };

        if (suite_init(&test.suite, minor, &error) < 0 ||
            suite_read(&test.suite.arena, path, take_root, &test, &error) < 0)
                fail(&test, &error);
        else {
                test.folder = suite_folder(&test.suite.arena, path);
                run(&test);
        }
        suite_free(&test.suite);
}
