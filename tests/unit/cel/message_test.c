/*
 * Messages: their types, what constructing one gives and costs. Expected answers are Kubernetes
 * 1.36's (CompileMutatingEvaluator).
 */
#include "../test.h"

#include "base/util.h"
#include "cel/message.h"

struct world {
        struct arena arena;
        struct cel_env *env;
        struct cel_program *program;
        struct error error;
};

static void world_open(struct world *world) {
        *world = (struct world){ .arena = ARENA_INIT };
        assert_int_equal(cel_env_new(&world->arena, NULL, &world->env), 0);
        cel_env_set_types(world->env, cel_patch_type);
        cel_env_add_library(world->env, &cel_library_jsonpatch);
        cel_env_declare(world->env, STR("x"), &cel_type_dyn);
}

static void world_close(struct world *world) {
        cel_env_free(world->env);
        arena_free(&world->arena);
}

static int compile(struct world *world, const char *text) {
        world->error = (struct error){ 0 };
        return cel_compile(world->env, &world->arena, str_from(text), &world->program,
                           &world->error);
}

static struct cel_value eval(struct world *world, const char *text, uint64_t *ret_cost) {
        const struct cel_value x = cel_int(7);
        const struct cel_activation activation = { .variables = &x, .count = 1 };
        struct cel_cost cost;
        struct cel_value value;

        if (compile(world, text) < 0) {
                print_error("%s: %s\n", text, world->error.message);
                fail();
        }
        cel_eval_cost(world->program, &activation, &world->arena, &value, &cost);
        if (ret_cost)
                *ret_cost = cost.cost;
        return value;
}

static void constructions_have_types(void **state _unused_) {
        static const char *const cases[][2] = {
                { "Object{}", "Object" },
                { "Object{spec: Object.spec{replicas: 3}}", "Object" },
                { "Object.spec.template{spec: 1,}", "Object.spec.template" },
                { "x == 7 ? Object{} : Object{a: 1}", "Object" },
                { "[JSONPatch{op: 'add', path: '/a', value: x}]", "list(JSONPatch)" },
                { "[JSONPatch{op: x, ?path: optional.none()}]", "list(JSONPatch)" },
                { "[1].map(i, Object.a{b: i})", "list(Object.a)" },
                { "Object{a: 1}.a", "dyn" },
                { "type(Object{}) == Object", "bool" },
                { "Object.spec", "type(Object.spec)" },
        };
        struct world world;

        world_open(&world);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                if (compile(&world, cases[i][0]) < 0) {
                        print_error("%s: %s\n", cases[i][0], world.error.message);
                        fail();
                }
                assert_str(cel_type_text(&world.arena, cel_program_type(world.program)),
                           cases[i][1]);
        }
        world_close(&world);
}

static void mistakes_are_found(void **state _unused_) {
        static const struct {
                const char *text, *message;
                uint32_t column;
        } cases[] = {
                { "Objekt{a: 1}", "undeclared reference to 'Objekt' (in container '')", 7 },
                { "x{a: 1}", "'dyn' is not a type", 2 },
                { "int{a: 1}", "'int' is not a message type", 4 },
                { "JSONPatch{op: 1}",
                  "expected type of field 'op' is 'string' but provided type is 'int'", 13 },
                { "JSONPatch{what: 1}",
                  "expected type of field 'what' is '' but provided type is 'int'", 15 },
                { "Object{?a: 1}", "expected type 'optional_type(int)' but found 'int'", 12 },
        };
        struct world world;

        world_open(&world);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_int_equal(compile(&world, cases[i].text), -EINVAL);
                assert_string_equal(world.error.message, cases[i].message);
                assert_int_equal(world.error.column, cases[i].column);
        }
        world_close(&world);
}

/* Without its types an environment has no messages. */
static void plain_environments_have_none(void **state _unused_) {
        struct world world;

        world_open(&world);
        cel_env_set_types(world.env, NULL);
        assert_int_equal(compile(&world, "Object{}"), -EINVAL);
        assert_int_equal(compile(&world, "JSONPatch{}"), -EINVAL);
        world_close(&world);
}

static void fields_are_kept(void **state _unused_) {
        const struct cel_message *message;
        struct cel_value value;
        struct world world;
        uint64_t cost;

        world_open(&world);
        value = eval(&world,
                     "Object{a: 1, b: Object.b{c: x}, ?d: optional.none(), ?e: optional.of(2), "
                     "a: 3}",
                     &cost);
        message = cel_message_of(&value);
        assert_non_null(message);
        assert_str(message->type->name, "Object");
        assert_int_equal(message->count, 3);
        assert_int_equal(cel_message_get(message, STR("a"))->integer, 3);
        assert_int_equal(cel_message_get(message, STR("e"))->integer, 2);
        assert_null(cel_message_get(message, STR("d")));
        message = cel_message_of(cel_message_get(message, STR("b")));
        assert_str(message->type->name, "Object.b");
        assert_int_equal(cel_message_get(message, STR("c"))->integer, 7);
        assert_int_equal(cost, 2 * 40 + 1 + 1 + 1); /* two messages, x, two calls */
        assert_null(cel_message_of(&(struct cel_value){ .kind = CEL_MAP }));
        world_close(&world);
}

static void values_behave(void **state _unused_) {
        static const char *const truths[] = {
                "Object{a: 1} == Object{a: 1}",
                "Object{a: 1} != Object{a: 2}",
                "Object{a: 1} != Object{b: 1}",
                "type(Object.a{}) == Object.a",
                "JSONPatch{op: 'add'}.op == 'add'",
                "has(JSONPatch{op: 'add'}.op)",
                "!has(JSONPatch{op: 'add'}.value)",
                "!has(Object{a: 1}.a)",
                "!optional.ofNonZeroValue(Object{}).hasValue()",
                "jsonpatch.escapeKey('k8s.io/my~label') == 'k8s.io~1my~0label'",
        };
        struct world world;
        struct cel_value value;

        world_open(&world);
        for (size_t i = 0; i < ELEMENTS(truths); i++) {
                value = eval(&world, truths[i], NULL);
                if (value.kind != CEL_BOOL || !value.boolean) {
                        print_error("%s\n", truths[i]);
                        fail();
                }
        }
        value = eval(&world, "JSONPatch{op: x}", NULL);
        assert_int_equal(value.kind, CEL_ERROR);
        assert_str(value.error->message, "unexpected type int64 for JSONPatchType 'op' field");
        value = eval(&world, "Object{?a: x}", NULL);
        assert_str(value.error->message,
                   "cannot initialize optional entry 'a' from non-optional value 7");
        value = eval(&world, "Object{a: 1}.a", NULL);
        assert_str(value.error->message, "no such key: a");
        value = eval(&world, "Object{a: 1 / 0}", NULL);
        assert_str(value.error->message, "division by zero");
        world_close(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(constructions_have_types),
                cmocka_unit_test(mistakes_are_found),
                cmocka_unit_test(plain_environments_have_none),
                cmocka_unit_test(fields_are_kept),
                cmocka_unit_test(values_behave),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
