/*
 * The conformance cases of the CEL specification: answered as Kubernetes answers them, and with the
 * whole language as the specification does.
 *
 * REDOUBT_TEST_DATA/cel/conformance.jsonl holds the cases; each says what Kubernetes' own CEL
 * environment does with it: `k8s` is "agrees", "does-not-compile", or "differs" with the answer in
 * `k8sDetail`. Cases that need protobuf messages are left out by the file's field `needs`.
 */
#include "../test.h"

#include <math.h>

#include "base/fs.h"
#include "base/util.h"
#include "cel/json.h"
#include "cel/program.h"

/* The cases are read with our own reader. */
static const struct doc_node *field(const struct doc_node *node, const char *name) {
        return doc_get(node, str_from(name));
}

static struct str text_field(const struct doc_node *node, const char *name) {
        return doc_string(field(node, name), STR(""));
}

static bool flag_field(const struct doc_node *node, const char *name) {
        const struct doc_node *flag = field(node, name);

        return flag && flag->kind == DOC_BOOL && flag->boolean;
}

/* --- values --- */

/* Whether the values are the same, kind included: 1 is not 1u here, and NaN is NaN. */
static bool is_same(const struct cel_value *a, const struct cel_value *b) {
        if (a->kind != b->kind)
                return false;
        if (a->kind == CEL_DOUBLE)
                return a->number == b->number || (isnan(a->number) && isnan(b->number));
        if (a->kind == CEL_TYPE) {
                struct arena arena = ARENA_INIT;
                bool same = str_eq(cel_value_text(&arena, a), cel_value_text(&arena, b));

                arena_free(&arena);
                return same;
        }
        if (a->kind == CEL_LIST) {
                if (cel_list_size(a) != cel_list_size(b))
                        return false;
                for (size_t i = 0; i < cel_list_size(a); i++) {
                        struct cel_value left = cel_list_at(a, i), right = cel_list_at(b, i);

                        if (!is_same(&left, &right))
                                return false;
                }
                return true;
        }
        return cel_equal(a, b);
}

/* --- a case --- */

struct conformance_case {
        const struct doc_node *node;
        bool full;
        struct arena arena, scratch;
        struct cel_env *env;
        struct cel_value variables[8];
        size_t count;
        struct cel_program *program;
        struct error error;
};

static struct cel_value read_value(struct arena *arena, const struct doc_node *node) {
        struct error error = { 0 };
        struct cel_value value;

        assert_int_equal(cel_json_value_read(arena, node, &value, &error), 0);
        return value;
}

static void declare(struct conformance_case *test) {
        const struct doc_node *types = field(test->node, "typeEnv");
        const struct doc_node *bindings = field(test->node, "bindings");

        for (size_t i = 0; types && i < types->list.count; i++)
                assert_int_equal(cel_json_declare(test->env, &types->list.items[i], &test->error),
                                 0);
        for (size_t i = 0; bindings && i < bindings->map.count; i++)
                if (cel_env_variable(test->env, bindings->map.entries[i].key) < 0)
                        cel_env_declare(test->env, bindings->map.entries[i].key, &cel_type_dyn);

        test->count = test->env->variables.count;
        assert_true(test->count <= ELEMENTS(test->variables));
        for (size_t i = 0; i < test->count; i++)
                test->variables[i].kind = CEL_UNSET;
        for (size_t i = 0; bindings && i < bindings->map.count; i++) {
                const struct doc_entry *binding = &bindings->map.entries[i];

                test->variables[cel_env_variable(test->env, binding->key)] =
                        read_value(&test->arena, field(&binding->value, "value"));
        }
}

static int compile(struct conformance_case *test) {
        struct cel_env_options options = {
                .kube_minor = 36,
                .full = test->full,
                .no_check = flag_field(test->node, "disableCheck"),
                .no_macros = flag_field(test->node, "disableMacros"),
                .container = text_field(test->node, "container"),
        };

        assert_int_equal(cel_env_new(&test->arena, &options, &test->env), 0);
        declare(test);
        return cel_compile(test->env, &test->arena, text_field(test->node, "expr"), &test->program,
                           &test->error);
}

/* Equal but for the length of runs of spaces, which the data file does not keep. */
static bool equal_squeezed(struct str a, struct str b) {
        size_t i = 0, j = 0;

        while (i < a.len && j < b.len) {
                if (a.ptr[i] != b.ptr[j])
                        return false;
                if (a.ptr[i] == ' ') {
                        while (i + 1 < a.len && a.ptr[i + 1] == ' ')
                                i++;
                        while (j + 1 < b.len && b.ptr[j + 1] == ' ')
                                j++;
                }
                i++;
                j++;
        }
        return i == a.len && j == b.len;
}

/* "map[stringValue:text]", "map[boolValue:false]": the answer of Kubernetes where it differs. */
static bool is_detail(struct str detail, const struct cel_value *value) {
        if (value->kind == CEL_BOOL)
                return str_eq(detail, value->boolean ? STR("map[boolValue:true]")
                                                     : STR("map[boolValue:false]"));
        if (value->kind != CEL_STRING || !str_starts(detail, STR("map[stringValue:")) ||
            !str_ends(detail, STR("]")))
                return false;
        return equal_squeezed(str_slice(detail, strlen("map[stringValue:"), detail.len - 1),
                              value->string);
}

/* Whether the outcome is the one expected; otherwise what it is, in *RET_PROBLEM. */
static bool check_differs(struct conformance_case *test, const struct cel_value *value,
                          struct str *ret_problem) {
        struct str detail = text_field(test->node, "k8sDetail");

        *ret_problem = cel_value_text(&test->arena, value);
        if (str_eq(detail, STR("no error")))
                return value->kind != CEL_ERROR;
        if (value->kind == CEL_ERROR)
                return str_find(value->error->message, detail, 0) >= 0;
        return is_detail(detail, value);
}

static bool check_agrees(struct conformance_case *test, const struct cel_value *value,
                         struct str *ret_problem) {
        const struct doc_node *expected = field(test->node, "value");
        const struct doc_node *typed = field(test->node, "typed");
        struct str expect = text_field(test->node, "expect");
        struct cel_value wanted = cel_bool(true);

        if (str_eq(expect, STR("error"))) {
                *ret_problem = STR("no error");
                return value->kind == CEL_ERROR;
        }
        if (typed) {
                const struct cel_type *type;

                assert_int_equal(cel_json_type_read(&test->arena, field(typed, "deducedType"),
                                                    &type, &test->error),
                                 0);
                *ret_problem = cel_type_text(&test->arena, cel_program_type(test->program));
                if (!str_eq(*ret_problem, cel_type_text(&test->arena, type)))
                        return false;
                expected = field(typed, "result");
                if (!expected)
                        return true;
        }
        if (expected)
                wanted = read_value(&test->arena, expected);
        *ret_problem = cel_value_text(&test->arena, value);
        return is_same(value, &wanted);
}

static bool run(struct conformance_case *test, struct str *ret_problem) {
        struct str k8s = test->full ? STR("agrees") : text_field(test->node, "k8s");
        struct cel_value value = cel_null();
        int r = compile(test);

        if (str_eq(k8s, STR("does-not-compile"))) {
                *ret_problem = STR("it compiles");
                return r < 0;
        }
        if (r < 0) {
                *ret_problem = str_from(test->error.message);
                /* An expected error may be found as early as that. */
                return str_eq(text_field(test->node, "expect"), STR("error")) &&
                       str_eq(k8s, STR("agrees"));
        }
        if (!flag_field(test->node, "checkOnly"))
                cel_eval(test->program,
                         &(struct cel_activation){ .variables = test->variables,
                                                   .count = test->count },
                         &test->scratch, &value);
        return str_eq(k8s, STR("differs")) ? check_differs(test, &value, ret_problem)
                                           : check_agrees(test, &value, ret_problem);
}

/* --- all cases --- */

struct section {
        struct str name;
        unsigned passed, failed, skipped;
};

struct totals {
        struct section sections[64];
        size_t count;
};

static struct section *section_of(struct totals *totals, struct str name) {
        for (size_t i = 0; i < totals->count; i++)
                if (str_eq(totals->sections[i].name, name))
                        return &totals->sections[i];
        assert_true(totals->count < ELEMENTS(totals->sections));
        totals->sections[totals->count].name = name;
        return &totals->sections[totals->count++];
}

static bool needs_protobuf(const struct doc_node *node) {
        const struct doc_node *needs = field(node, "needs");

        return needs && needs->list.count > 0;
}

static void run_case(struct totals *totals, const struct doc_node *node, bool full) {
        struct section *section = section_of(totals, text_field(node, "section"));
        struct conformance_case test = { .node = node, .full = full };
        struct str problem = STR("");

        if (needs_protobuf(node)) {
                section->skipped++;
                return;
        }
        if (run(&test, &problem)) {
                section->passed++;
        } else {
                section->failed++;
                print_error("%.*s %.*s: %.*s\n        gives: %.*s\n", STR_ARG(section->name),
                            STR_ARG(text_field(node, "name")), STR_ARG(text_field(node, "expr")),
                            STR_ARG(problem));
        }
        cel_env_free(test.env);
        arena_free(&test.arena);
        arena_free(&test.scratch);
}

static void run_all(bool full) {
        _cleanup_(arena_free) struct arena arena = ARENA_INIT, case_arena = ARENA_INIT;
        _cleanup_(buf_free) struct buf text = BUF_INIT;
        struct totals totals = { 0 };
        struct doc_source source;
        struct doc_reader reader;
        struct error error = { 0 };
        unsigned failed = 0, passed = 0;
        struct doc *doc;
        struct str name;
        int r;

        if (!test_data())
                skip();
        name = arena_printf(&arena, "%s/cel/conformance.jsonl", test_data());
        assert_int_equal(fs_read(name.ptr, -1, 64 << 20, false, &text, &error), 0);
        assert_int_equal(doc_source_init(&arena, name, buf_str(&text), &source, &error), 0);
        doc_reader_init(&reader, &source, DOC_JSON, &doc_default_limits);
        while ((r = doc_read(&reader, &case_arena, &doc, &error)) > 0)
                run_case(&totals, doc->root, full);
        assert_int_equal(r, 0);

        for (size_t i = 0; i < totals.count; i++) {
                const struct section *section = &totals.sections[i];

                print_message("%-16.*s %4u passed %4u failed", STR_ARG(section->name),
                              section->passed, section->failed);
                if (section->skipped > 0)
                        print_message(" %4u skipped (protobuf messages, enums or wrappers)",
                                      section->skipped);
                print_message("\n");
                failed += section->failed;
                passed += section->passed;
        }
        print_message("%u passed, %u failed\n", passed, failed);
        assert_int_equal(failed, 0);
        assert_int_equal(passed, 1742); /* none got lost on the way */
}

static void cases_are_answered_as_kubernetes_does(_unused_ void **state) {
        run_all(false);
}

static void the_whole_language_answers_as_the_specification_says(_unused_ void **state) {
        run_all(true);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cases_are_answered_as_kubernetes_does),
                cmocka_unit_test(the_whole_language_answers_as_the_specification_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
