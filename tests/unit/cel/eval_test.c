/*
 * The evaluator: values, operators, functions, errors and bounds.
 */
#include "../test.h"

#include <math.h>

#include "base/util.h"
#include "cel/cel.h"
#include "cost_cases.h"
#include "eval_cases.h"

static const char object[] = "{\"a\": 1, \"s\": \"x\", \"l\": [1, 2, {\"n\": \"c\"}], "
                             "\"m\": {\"k\": null}, \"d\": 1.5, \"b\": true, \"n\": null}";

struct fixture {
        struct arena arena, scratch;
        struct cel_env *env, *unchecked;
        struct cel_value variables[2];
        uint64_t step_limit;
};

static const struct doc_node *read_json(struct arena *arena, const char *text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct error error = { 0 };
        struct doc *doc;

        assert_int_equal(doc_source_init(arena, STR("test"), str_from(text), source, &error), 0);
        doc_reader_init(&reader, source, DOC_JSON, &doc_default_limits);
        assert_int_equal(doc_read(&reader, arena, &doc, &error), 1);
        return doc->root;
}

static int setup(void **state) {
        struct fixture *fixture = calloc(1, sizeof *fixture);
        struct cel_env_options checked = { .kube_minor = 36 };
        struct cel_env_options unchecked = { .kube_minor = 36, .no_check = true };

        assert_non_null(fixture);
        assert_int_equal(cel_env_new(&fixture->arena, &checked, &fixture->env), 0);
        assert_int_equal(cel_env_new(&fixture->arena, &unchecked, &fixture->unchecked), 0);
        assert_int_equal(cel_env_declare(fixture->env, STR("o"), &cel_type_dyn), 0);
        assert_int_equal(cel_env_declare(fixture->env, STR("v"), &cel_type_dyn), 1);
        fixture->variables[0] = cel_from_doc(read_json(&fixture->arena, object));
        fixture->variables[1].kind = CEL_UNSET;
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        struct fixture *fixture = *state;

        cel_env_free(fixture->env);
        cel_env_free(fixture->unchecked);
        arena_free(&fixture->scratch);
        arena_free(&fixture->arena);
        free(fixture);
        return 0;
}

static struct cel_value eval_in(struct fixture *fixture, struct cel_env *env,
                                const char *expression) {
        struct cel_program *program;
        struct cel_value value;
        struct error error = { 0 };

        if (cel_compile(env, &fixture->arena, str_from(expression), &program, &error) < 0)
                fail_msg("%s: %s", expression, error.message);
        cel_eval(program,
                 &(struct cel_activation){ .variables = fixture->variables,
                                           .count = ELEMENTS(fixture->variables),
                                           .step_limit = fixture->step_limit },
                 &fixture->scratch, &value);
        return value;
}

static struct cel_value eval(struct fixture *fixture, const char *expression) {
        return eval_in(fixture, fixture->env, expression);
}

static void assert_error(struct fixture *fixture, const char *expression, const char *message) {
        struct cel_value value = eval(fixture, expression);

        if (value.kind != CEL_ERROR)
                fail_msg("%s: no error", expression);
        assert_str(value.error->message, message);
}

/* --- against Kubernetes --- */

static bool is_nan(const struct cel_value *value) {
        return value->kind == CEL_DOUBLE && isnan(value->number);
}

static bool is_expected(struct fixture *fixture, const char *expected,
                        const struct cel_value *value) {
        struct cel_value wanted;

        if (expected[0] == '!')
                return value->kind == CEL_ERROR &&
                       str_eq(value->error->message, str_from(expected + 1));
        wanted = eval_in(fixture, fixture->unchecked, expected);
        if (is_nan(&wanted))
                return is_nan(value);
        return wanted.kind == value->kind && cel_equal(&wanted, value);
}

static void test_kubernetes(void **state) {
        struct fixture *fixture = *state;
        unsigned failed = 0;

        for (size_t i = 0; i < ELEMENTS(eval_cases); i++) {
                struct cel_value value = eval(fixture, eval_cases[i].expression);

                if (is_expected(fixture, eval_cases[i].expected, &value))
                        continue;
                print_error("%s\n        gives    %.*s\n        expected %s\n",
                            eval_cases[i].expression,
                            STR_ARG(cel_value_text(&fixture->scratch, &value)),
                            eval_cases[i].expected);
                failed++;
        }
        assert_int_equal(failed, 0);
}

/* --- cost --- */

static struct cel_cost cost_of(struct fixture *fixture, const char *expression, uint64_t limit,
                               struct cel_value *ret) {
        struct cel_activation activation = { .variables = fixture->variables,
                                             .count = ELEMENTS(fixture->variables),
                                             .cost_limit = limit };
        struct cel_program *program;
        struct cel_cost cost;
        struct error error = { 0 };

        if (cel_compile(fixture->env, &fixture->arena, str_from(expression), &program, &error) < 0)
                fail_msg("%s: %s", expression, error.message);
        cel_eval_cost(program, &activation, &fixture->scratch, ret, &cost);
        return cost;
}

static void test_cost(void **state) {
        struct fixture *fixture = *state;
        struct cel_value value;
        size_t failed = 0;

        for (size_t i = 0; i < ELEMENTS(cost_cases); i++) {
                struct cel_cost cost = cost_of(fixture, cost_cases[i].expression, 0, &value);

                if (cost.cost == cost_cases[i].cost)
                        continue;
                print_error("%s: costs %llu, expected %llu\n", cost_cases[i].expression,
                            (unsigned long long)cost.cost, (unsigned long long)cost_cases[i].cost);
                failed++;
        }
        assert_int_equal(failed, 0);
}

/* A budget is enough to the unit, and nothing absorbs the error beyond it. */
static void test_cost_limit(void **state) {
        static const char expression[] = "o.l.exists(x, x == 2) || true";
        struct fixture *fixture = *state;
        struct cel_value value;
        uint64_t cost = cost_of(fixture, expression, 0, &value).cost;

        (void)cost_of(fixture, expression, cost, &value);
        assert_int_equal(value.kind, CEL_BOOL);
        (void)cost_of(fixture, expression, cost - 1, &value);
        assert_int_equal(value.kind, CEL_ERROR);
        assert_str(value.error->message, "operation cancelled: actual cost limit exceeded");
}

/* --- provenance --- */

static void assert_node(struct fixture *fixture, const char *expression, const char *path,
                        bool missed) {
        struct cel_value value = eval(fixture, expression);

        if (!value.node)
                fail_msg("%s: no node", expression);
        assert_str(doc_path(&fixture->scratch, value.node), path);
        assert_int_equal(value.missed, missed);
}

static void test_provenance(void **state) {
        struct fixture *fixture = *state;

        assert_node(fixture, "o.l[2].n", "l[2].n", false);
        assert_node(fixture, "o.?m.?k.value()", "m.k", false);
        assert_node(fixture, "o.?m.?x", "m", true);
        assert_node(fixture, "o.?m.?x.?y", "m", true);
        assert_node(fixture, "o.?m.?x.orValue(1)", "m", true);
        assert_node(fixture, "o.?m.?x.orValue(o.a)", "a", false);
        assert_node(fixture, "o.m.x", "m", true);
        assert_node(fixture, "o.l[7]", "l", true);
        assert_node(fixture, "o.l + []", "l", false);
        assert_node(fixture, "(o.l + [3])[0]", "l[0]", false);
        assert_node(fixture, "o.l.filter(x, x == 2)[0]", "l[1]", false);
        assert_node(fixture, "o.l.map(x, x)[1]", "l[1]", false);
        assert_node(fixture, "{'k': o.s}.k", "s", false);
        assert_node(fixture, "o.b ? o.s : o.a", "s", false);
        assert_node(fixture, "string(o.a)", "a", false);
        assert_null(eval(fixture, "o.a + 1").node);
        assert_null(eval(fixture, "[1][0]").node);
}

/* --- bounds --- */

static void test_step_limit(void **state) {
        static const char *const expressions[] = {
                "o.l.all(x, o.l.all(y, o.l.all(z, true)))",
                "o.l.all(x, o.l.all(y, o.l.all(z, true))) || true",
                "true && o.l.all(x, o.l.all(y, o.l.all(z, true)))",
                "o.l.exists(w, o.l.all(x, o.l.all(y, o.l.all(z, true))))",
                "o.l.exists_one(w, o.l.all(x, o.l.all(y, o.l.all(z, true))))",
                "o.l.filter(w, o.l.all(x, o.l.all(y, o.l.all(z, true)))).size() == 0",
                "o.l.map(x, o.l.map(y, o.l.map(z, z))).size() == 3",
                "o.l.transformMap(k, w, o.l.map(y, o.l.map(z, z))).size() == 3",
                "o == o && o == o && o == o && o == o && o == o && o == o && o == o && o == o",
        };
        struct fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTS(expressions); i++) {
                fixture->step_limit = 40;
                assert_error(fixture, expressions[i],
                             "operation cancelled: actual cost limit exceeded");
                fixture->step_limit = 1000;
                assert_int_equal(eval(fixture, expressions[i]).kind, CEL_BOOL);
        }
}

/* A value that doubles with every variable cannot be compared or shown without end. */
static void test_shared_values(void **state) {
        struct fixture *fixture = *state;
        struct cel_value *pair, list = cel_int(1);

        for (size_t i = 0; i < 60; i++) {
                pair = arena_new_array(&fixture->arena, 2, struct cel_value);
                pair[0] = pair[1] = list;
                list = cel_list_value(&fixture->arena, pair, 2);
        }
        fixture->variables[1] = list;
        assert_error(fixture, "v == v", "operation cancelled: actual cost limit exceeded");
        assert_error(fixture, "v in [v]", "operation cancelled: actual cost limit exceeded");
        assert_true(cel_value_text(&fixture->scratch, &list).len <= 20 << 20);
}

struct endless {
        struct cel_lazy lazy;
        struct cel_program *program;
};

static int get_endless(const struct cel_lazy *lazy, struct cel_context *context,
                       _unused_ struct str key, struct cel_value *ret) {
        cel_eval_nested(((const struct endless *)lazy)->program, context, ret);
        return 0;
}

/* A variable that is defined by itself ends in an error, not in the guard page. */
static void test_nesting(void **state) {
        struct fixture *fixture = *state;
        struct endless endless = { .lazy = { get_endless } };
        struct error error = { 0 };

        assert_int_equal(cel_compile(fixture->env, &fixture->arena, STR("v.x > 1 || true"),
                                     &endless.program, &error),
                         0);
        fixture->variables[1] = (struct cel_value){ .kind = CEL_MAP,
                                                    .representation = CEL_LAZY,
                                                    .lazy = &endless.lazy };
        assert_error(fixture, "v.x", "operation cancelled: actual cost limit exceeded");
}

/* --- values --- */

static void test_large_map(void **state) {
        enum { COUNT = 1000 };
        struct fixture *fixture = *state;
        struct cel_value *keys = arena_new_array(&fixture->arena, COUNT, struct cel_value);
        struct cel_value *values = arena_new_array(&fixture->arena, COUNT, struct cel_value);
        struct cel_value map, found, key;

        for (size_t i = 0; i < COUNT; i++) {
                keys[i] = i % 2 ? cel_int((int64_t)i) : cel_uint(i);
                values[i] = cel_int((int64_t)i * 2);
        }
        map = cel_map_value(&fixture->arena, keys, values, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
                struct cel_value same[] = { cel_int((int64_t)i), cel_uint(i),
                                            cel_double((double)i) };

                for (size_t j = 0; j < ELEMENTS(same); j++) {
                        assert_true(cel_map_find(NULL, &map, &same[j], &found));
                        assert_int_equal(found.integer, i * 2);
                }
        }
        key = cel_double(0.5);
        assert_false(cel_map_find(NULL, &map, &key, &found));
        key = cel_string(STR("1"));
        assert_false(cel_map_find(NULL, &map, &key, &found));
        key = cel_double(NAN);
        assert_false(cel_map_find(NULL, &map, &key, &found));
}

static void test_unset_variable(void **state) {
        assert_error(*state, "v", "no such attribute(s): v");
        assert_error(*state, "v.x == 1", "no such attribute(s): v");
}

/* Counting the cost of what is no list makes cel-go give up, and nothing absorbs that. */
static void test_lists_that_are_none(void **state) {
        static const char *const expressions[] = { "[1 / 0].distinct() == [] || true",
                                                   "[1 / 0].sort()",
                                                   "['b', string(1 / 0)].sortBy(x, x)" };
        struct fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTS(expressions); i++)
                assert_error(fixture, expressions[i],
                             "internal error: interface conversion: *types.Err is not "
                             "traits.Lister: missing method Add");
        assert_error(fixture, "dyn('x').distinct()",
                     "internal error: interface conversion: types.String is not traits.Lister: "
                     "missing method Contains");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_kubernetes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_provenance, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cost, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cost_limit, setup, teardown),
                cmocka_unit_test_setup_teardown(test_lists_that_are_none, setup, teardown),
                cmocka_unit_test_setup_teardown(test_step_limit, setup, teardown),
                cmocka_unit_test_setup_teardown(test_shared_values, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nesting, setup, teardown),
                cmocka_unit_test_setup_teardown(test_large_map, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unset_variable, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
