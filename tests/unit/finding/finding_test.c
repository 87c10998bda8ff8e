#include "../test.h"

#include <errno.h>

#include "finding/finding.h"

static void severities_have_names(void **state _unused_) {
        enum severity severity = SEVERITY_LOW;

        assert_int_equal(severity_parse(STR("critical"), &severity), 0);
        assert_int_equal(severity, SEVERITY_CRITICAL);
        assert_int_equal(severity_parse(STR("Critical"), &severity), -EINVAL);
        assert_int_equal(severity_parse(STR(""), &severity), -EINVAL);
        assert_int_equal(severity, SEVERITY_CRITICAL);
        assert_string_equal(severity_name(SEVERITY_LOW), "low");
        assert_string_equal(severity_name(SEVERITY_MEDIUM), "medium");
        assert_string_equal(severity_name(SEVERITY_HIGH), "high");
        assert_non_null(severity_name((enum severity)99));
}

/* --- fingerprints --- */

struct fingerprint_case {
        const char *rule, *api_version, *kind, *namespace, *name, *path, *message, *expected;
};

/* The expected values were computed with another implementation of SHA-256 (Python's hashlib), over
 * the fields as documented in fingerprint.c. The lengths of the messages in the second half walk
 * around the block borders of the hash. */
#define X7 "xxxxxxx"
#define X55 X7 X7 X7 X7 X7 X7 X7 "xxxxxx"
static const struct fingerprint_case fingerprints[] = {
        { "pods/privileged", "apps/v1", "Deployment", "shop", "cart",
          "spec.template.spec.containers[cart].securityContext.privileged",
          "container \"cart\" is privileged", "138d18e8ff560f75cfa5fb163f99b7d9" },
        { "", "", "", "", "", "", "", "59e76a5ead361fa1601f710a963426df" },
        { "r", "v1", "Pod", "", "p", "", "", "394433019fa884efa51cb3d5786cf6e2" },
        { "r", "v1", "Pod", "", "p", "", "x", "96b64151880e7c671bdad0cb572adeba" },
        { "r", "v1", "Pod", "", "p", "", X7, "5c1337fcff1e93cb2fc0aac36be90eb7" },
        { "r", "v1", "Pod", "", "p", "", X7 "x", "84e37c11b392da088698983f736ef16f" },
        { "r", "v1", "Pod", "", "p", "", X7 "xx", "73f483a99c3d32274fe55213af3cca93" },
        { "r", "v1", "Pod", "", "p", "", X55, "2275d0d29cda5931311d64d5e1e888a3" },
        { "r", "v1", "Pod", "", "p", "", X55 "x", "6c8ade582bc9f080f2d1d31b63c9fbd6" },
        { "r", "v1", "Pod", "", "p", "", X55 X7 "x", "d86904693ebd8a65e28094359838ec39" },
        { "r", "v1", "Pod", "", "p", "", X55 X7 "xx", "c28826800aca939271683c277730251b" },
        { "r", "v1", "Pod", "", "p", "", X55 X7 "xxx", "e8b83ed4478422a6d77d00e88d9838b1" },
        { "r", "v1", "Pod", "", "p", "", X55 X55 X7 "xx", "a3bf042f6bdbe66cfb26c7e4f27b3681" },
        { "r", "v1", "Pod", "", "p", "", X55 X55 X7 "xxx", "0f9127b2c95cfcc363560283824aae09" },
};

static struct str fingerprint(struct arena *arena, const struct fingerprint_case *fields) {
        struct rule_info rule = { .id = str_from(fields->rule) };
        struct finding finding = {
                .rule = &rule,
                .message = str_from(fields->message),
                .resource = { str_from(fields->api_version), str_from(fields->kind),
                              str_from(fields->namespace), str_from(fields->name) },
        };

        return finding_fingerprint(arena, &finding, str_from(fields->path));
}

static void fingerprints_are_the_same_everywhere(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        for (size_t i = 0; i < ELEMENTS(fingerprints); i++)
                assert_str(fingerprint(&arena, &fingerprints[i]), fingerprints[i].expected);
}

static void fingerprints_tell_fields_apart(void **state _unused_) {
        static const struct fingerprint_case cases[] = {
                { "r", "v1", "K", "ns", "n", "p", "m", NULL },
                { "R", "v1", "K", "ns", "n", "p", "m", NULL },
                { "r", "g/v1", "K", "ns", "n", "p", "m", NULL },
                { "r", "v1", "k", "ns", "n", "p", "m", NULL },
                { "r", "v1", "K", "n", "sn", "p", "m", NULL }, /* the same bytes, cut elsewhere */
                { "r", "v1", "K", "", "nsn", "p", "m", NULL },
                { "r", "v1", "K", "ns", "n", "", "pm", NULL },
                { "r", "v1", "K", "ns", "n", "p", "", NULL },
        };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                for (size_t j = 0; j < i; j++)
                        assert_false(str_eq(fingerprint(&arena, &cases[i]),
                                            fingerprint(&arena, &cases[j])));
}

static void fingerprints_survive_moves(void **state _unused_) {
        struct fingerprint_case fields = fingerprints[0];
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct rule_info rule = { .id = STR("r"), .severity = SEVERITY_LOW };
        struct finding finding = { .rule = &rule };
        struct str before;

        fields.api_version = "apps/v1beta2"; /* another version of the same kind */
        assert_str(fingerprint(&arena, &fields), fingerprints[0].expected);

        before = finding_fingerprint(&arena, &finding, STR("p"));
        finding.location.file = STR("elsewhere.yaml");
        finding.location.start = (struct doc_pos){ 7, 7 };
        finding.location.path = STR("spec.containers[3]");
        rule.severity = SEVERITY_HIGH;
        rule.title = STR("reworded");
        assert_true(str_eq(before, finding_fingerprint(&arena, &finding, STR("p"))));
}

/* --- order --- */

static const struct rule_info rule_a = { .id = STR_INIT("a") }, rule_b = { .id = STR_INIT("b") };

struct place {
        const char *file;
        uint32_t line, column;
        const struct rule_info *rule;
        const char *path, *message;
};

/* In order. */
static const struct place places[] = {
        { "a.yaml", 0, 0, &rule_b, "", "" },    { "a.yaml", 2, 9, &rule_b, "", "" },
        { "a.yaml", 10, 1, &rule_a, "p", "" },  { "a.yaml", 10, 1, &rule_a, "q", "" },
        { "a.yaml", 10, 1, &rule_a, "q", "m" }, { "a.yaml", 10, 1, &rule_b, "", "" },
        { "a.yaml", 10, 2, &rule_a, "", "" },   { "a.yaml.d", 1, 1, &rule_a, "", "" },
        { "b.yaml", 1, 1, &rule_a, "", "" },
};

static void add_place(struct finding_list *list, size_t index) {
        const struct place *place = &places[index];

        *vec_push(&list->findings) = (struct finding){
                .rule = place->rule,
                .message = str_from(place->message),
                .location = { .file = str_from(place->file),
                              .start = { place->line, place->column },
                              .path = str_from(place->path) },
        };
        *vec_push(&list->diagnostics) = (struct diagnostic){
                .file = str_from(place->file),
                .pos = { place->line, place->column },
                .message = str_from(place->message),
        };
}

/* Every step that is prime to the count visits all places in another order. */
static void lists_are_sorted_whatever_the_order(void **state _unused_) {
        size_t count = ELEMENTS(places);

        for (size_t step = 1; step < count; step++) {
                struct finding_list list _cleanup_(finding_list_free) = { 0 };

                if (step % 3 == 0) /* shares a factor with the count, 9 */
                        continue;
                for (size_t i = 0; i < count; i++)
                        add_place(&list, i * step % count);
                finding_list_sort(&list);
                for (size_t i = 0; i < count; i++) {
                        const struct finding *finding = &list.findings.items[i];

                        assert_str(finding->location.file, places[i].file);
                        assert_int_equal(finding->location.start.line, places[i].line);
                        assert_int_equal(finding->location.start.column, places[i].column);
                        assert_ptr_equal(finding->rule, places[i].rule);
                        assert_str(finding->location.path, places[i].path);
                        assert_str(finding->message, places[i].message);
                }
                for (size_t i = 0; i < count; i++) {
                        assert_str(list.diagnostics.items[i].file, places[i].file);
                        assert_int_equal(list.diagnostics.items[i].pos.line, places[i].line);
                }
        }
}

static void empty_lists_are_fine(void **state _unused_) {
        struct finding_list list = { 0 };

        finding_list_sort(&list);
        finding_list_free(&list);
        finding_list_free(&list);
        finding_list_free(NULL);
        assert_int_equal(list.findings.count, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(severities_have_names),
                cmocka_unit_test(fingerprints_are_the_same_everywhere),
                cmocka_unit_test(fingerprints_tell_fields_apart),
                cmocka_unit_test(fingerprints_survive_moves),
                cmocka_unit_test(lists_are_sorted_whatever_the_order),
                cmocka_unit_test(empty_lists_are_fine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
