/*
 * The type checker and the environment. Types, messages and columns in the tables are the answers
 * of Kubernetes 1.36 (a longer message of ours begins with upstream's).
 */
#include "../test.h"
#include "syntax_test.h"

#include "base/buf.h"
#include "base/util.h"
#include "cel/cel.h"

/* An environment of Kubernetes 1.MINOR with a variable x of type dyn. */
struct world {
        struct arena arena;
        struct cel_env *env;
        struct cel_program *program;
        struct error error;
        int x;
};

static void world_open(struct world *world, struct cel_env_options options) {
        *world = (struct world){ .arena = ARENA_INIT };
        assert_int_equal(cel_env_new(&world->arena, &options, &world->env), 0);
        world->x = cel_env_declare(world->env, STR("x"), &cel_type_dyn);
}

static void world_close(struct world *world) {
        cel_env_free(world->env);
        arena_free(&world->arena);
}

static int compile(struct world *world, const char *text) {
        world->error = (struct error){ 0 };
        world->program = NULL;
        return cel_compile(world->env, &world->arena, str_from(text), &world->program,
                           &world->error);
}

static void expressions_have_types(void **state _unused_) {
        static const struct {
                const char *text, *type;
        } cases[] = {
                { "1 + 2", "int" },
                { "1.5 * 2.0", "double" },
                { "'a' + 'b'", "string" },
                { "[1] + []", "list(int)" },
                { "[[], [1]]", "list(list(int))" },
                { "[[1], []]", "list(list(int))" },
                { "[x, dyn(1)]", "list(dyn)" },
                { "{'a': 1}.a", "int" },
                { "{'a': [1]}['a'][0]", "int" },
                { "x.y.z", "dyn" },
                { "x[0]['a']", "dyn" },
                { "x == 1 ? 2 : x", "dyn" },
                { "1 < 1.5", "bool" },
                { "1u <= 2", "bool" },
                { "[] == [1]", "bool" },
                { "{} == {'a': 1}", "bool" },
                { "'a' in {}", "bool" },
                { "1 in []", "bool" },
                { "duration('1h') == null", "bool" },
                { "true ? duration('1h') : null", "duration" },
                { "timestamp('2020-01-01T00:00:00Z') - duration('1h')", "timestamp" },
                { "timestamp('2020-01-01T00:00:00Z') - timestamp('2020-01-01T00:00:00Z')",
                  "duration" },
                { "type(1)", "type(int)" },
                { "type([1]) == list", "bool" },
                { "[int]", "list(type(int))" },
                { "google.protobuf.Timestamp", "type(timestamp)" },
                { "null_type", "type(null)" },
                { "optional_type", "type(optional_type)" },
                { "net.IP", "type(net.IP)" },
                { "optional.none()", "optional_type(dyn)" },
                { "optional.of(1).or(optional.none())", "optional_type(int)" },
                { "optional.none().orValue(1)", "int" },
                { "{'a': 1}.?a", "optional_type(int)" },
                { "{'a': {'b': 1}}.?a.b", "optional_type(int)" },
                { "{'a': 1}[?'a']", "optional_type(int)" },
                { "[1][?0]", "optional_type(int)" },
                { "x.?a.b[0]", "dyn" },
                { "optional.of({'a': 1}).a", "optional_type(int)" },
                { "optional.of([1])[0]", "optional_type(int)" },
                { "[?optional.of(1), 2]", "list(int)" },
                { "{?'a': optional.of(1)}", "map(string, int)" },
                { "optional.of(1).optMap(y, [y])", "optional_type(list(int))" },
                { "optional.of(1).optFlatMap(y, optional.of('a'))", "optional_type(string)" },
                { "[1].map(y, 'a')", "list(string)" },
                { "{'a': 1}.map(k, k)", "list(string)" },
                { "[].map(y, y)", "list(dyn)" },
                { "[1].filter(y, y > 0)", "list(int)" },
                { "[1].exists_one(y, y == 1)", "bool" },
                { "[1].map(y, [2].map(y, y))", "list(list(int))" },
                { "[1].all(int, int > 0)", "bool" },
                { "[1].all(y, .y > 0)", "bool" },
                { "[1, 2].transformList(i, v, i + v)", "list(int)" },
                { "{'a': 1}.transformMap(k, v, v == 1)", "map(string, bool)" },
                { "[1].transformMapEntry(i, v, {'k': v})", "map(string, int)" },
                { "['b', 'a'].sortBy(s, s)", "list(string)" },
                { "x.map(y, y)", "list(dyn)" },
                { "has(x.y)", "bool" },
                { "has({'a': 1}.a)", "bool" },
                { "has(has(x.a))", "bool" },
                { "size('a') + [1].size()", "int" },
                { "ip.isCanonical('127.0.0.1')", "bool" },
                { "sets.contains([1], [1])", "bool" },
                { "'%s %d'.format(['a', 1])", "string" },
                { "'%s'.format([{'a': 1, 2: 'b'}])", "string" },
                { "dyn(1) + 'a'", "string" },
                { "string(1)", "string" },
                { "[1].first()", "optional_type(int)" },
                { ".x", "dyn" },
                { "strings.quote('a')", "string" },
        };
        struct world world;

        world_open(&world, (struct cel_env_options){ .kube_minor = 36 });
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                int r = compile(&world, cases[i].text);

                if (r < 0)
                        print_error("%s: %s\n", cases[i].text, world.error.message);
                assert_int_equal(r, 0);
                assert_str(cel_type_text(&world.arena, cel_program_type(world.program)),
                           cases[i].type);
        }
        world_close(&world);
}

static void wrong_expressions_are_refused(void **state _unused_) {
        static const struct {
                const char *text;
                uint32_t column; /* 0: upstream gives none */
                const char *problem;
        } cases[] = {
                { "a", 1, "undeclared reference to 'a' (in container '')" },
                { "a.b.c", 1, "undeclared reference to 'a' (in container '')" },
                { "x + y", 5, "undeclared reference to 'y' (in container '')" },
                { "a()", 2, "undeclared reference to 'a' (in container '')" },
                { "x.nope()", 7, "undeclared reference to 'nope' (in container '')" },
                { "1 + 'a'", 3, "found no matching overload for '_+_' applied to '(int, string)'" },
                { "1 == 'a'", 3,
                  "found no matching overload for '_==_' applied to '(int, string)'" },
                { "1 == 1.0", 3,
                  "found no matching overload for '_==_' applied to '(int, double)'" },
                { "-(1u)", 1, "found no matching overload for '-_' applied to '(uint)'" },
                { "!1", 1, "found no matching overload for '!_' applied to '(int)'" },
                { "1 && true", 1, "expected type 'bool' but found 'int'" },
                { "true || 'a'", 9, "expected type 'bool' but found 'string'" },
                { "true ? 1 : 'a'", 6,
                  "found no matching overload for '_?_:_' applied to '(bool, int, string)'" },
                { "1 in 'a'", 3,
                  "found no matching overload for '@in' applied to '(int, string)'" },
                { "1 in ['a']", 3,
                  "found no matching overload for '@in' applied to '(int, list(string))'" },
                { "[1]['a']", 4,
                  "found no matching overload for '_[_]' applied to '(list(int), string)'" },
                { "{1: 'a'}['b']", 9,
                  "found no matching overload for '_[_]' applied to '(map(int, string), string)'" },
                { "{b'a': 1}[b'a']", 0, "bytes cannot be the key of a map" },
                { "(1).a", 4, "type 'int' does not support field selection" },
                { "'a'.?b", 4, "type 'string' does not support field selection" },
                { "optional.of({'a': 1}).?a.b", 25, "type 'int' does not support field selection" },
                { "[1, 'a']", 5, "expected type 'int' but found 'string'" },
                { "[1, dyn(1)]", 8, "expected type 'int' but found 'dyn'" },
                { "{1: 1, 'a': 2}", 8, "expected type 'int' but found 'string'" },
                { "{'a': 1, 'b': 'c'}", 15, "expected type 'int' but found 'string'" },
                { "[null, duration('1h')]", 16, "expected type 'null' but found 'duration'" },
                { "[?1]", 3, "expected type 'optional_type(int)' but found 'int'" },
                { "{?'a': 1}", 8, "expected type 'optional_type(int)' but found 'int'" },
                { "size()", 5, "found no matching overload for 'size' applied to '()'" },
                { "size(1)", 5, "found no matching overload for 'size' applied to '(int)'" },
                { "[1].size(1)", 9,
                  "found no matching overload for 'size' applied to 'list(int).(int)'" },
                { "string(int)", 7,
                  "found no matching overload for 'string' applied to '(type(int))'" },
                { "[1].all(y, y)", 12, "expected type 'bool' but found 'int'" },
                { "[1].exists(y, 1)", 15, "expected type 'bool' but found 'int'" },
                { "[1].filter(y, 1)", 11,
                  "found no matching overload for '_?_:_' applied to '(int, list(int), "
                  "list(int))'" },
                { "[1].exists_one(y, 1)", 15,
                  "found no matching overload for '_?_:_' applied to '(int, int, int)'" },
                { "[1].map(y, y, y)", 8,
                  "found no matching overload for '_?_:_' applied to '(int, list(int), "
                  "list(int))'" },
                { "(1).all(y, true)", 2,
                  "expression of type 'int' cannot be range of a comprehension (must be list, map, "
                  "or dynamic)" },
                { "'abc'.map(c, c)", 1,
                  "expression of type 'string' cannot be range of a comprehension (must be list, "
                  "map, or dynamic)" },
                { "[1].map(y, z)", 12, "undeclared reference to 'z' (in container '')" },
                { "[1].existsOne(y, true)", 14,
                  "undeclared reference to 'existsOne' (in container '')" },
                { "[1].transformMapEntry(i, v, v)", 22,
                  "found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), "
                  "int)'" },
                { "(1).optMap(y, y)", 11,
                  "found no matching overload for 'hasValue' applied to 'int.()'" },
                { "optional.of(1).optFlatMap(y, y)", 26,
                  "found no matching overload for '_?_:_' applied to '(bool, int, "
                  "optional_type(dyn))'" },
                { "[1].filter(.y, true)", 13, "undeclared reference to '.y' (in container '')" },
                { "(1 == 1).sortBy(s, s)", 16,
                  "expression of type 'bool' cannot be range of a comprehension (must be list, "
                  "map, or dynamic)" },
                { "int('x')", 0, "type conversion error from 'string' to 'int'" },
                { "false && int('x') == 1", 0, "type conversion error from 'string' to 'int'" },
                { "duration('x')", 10, "invalid duration argument" },
                { "timestamp('2020')", 11, "invalid timestamp argument" },
                { "int(dyn('x'))", 0, "type conversion error from 'string' to 'int'" },
                { "'a'.matches('[')", 13, "invalid matches argument" },
                { "'a'.matches(dyn('['))", 0, "error parsing regexp: " },
                { "matches('a', '[')", 0, "error parsing regexp: " },
                { "matches('[', 'a')", 9, "invalid matches argument" },
                { "'a'.find('[')", 0, "error parsing regexp: " },
                { "'%d'.format(['a'])", 14,
                  "error during formatting: decimal clause can only be used on integers, was given "
                  "string" },
                { "'%d'.format([1, 2])", 12,
                  "too many arguments supplied to string.format (expected 1, got 2)" },
                { "{null: 1}[null]", 0, "invalid qualifier type: null_type" },
                { "[type(1)].map(t, t)", 0, "reference to undefined type: t" },
                { "kubernetes.Quantity", 1,
                  "undeclared reference to 'kubernetes' (in container '')" },
                { "[x, 1]", 5, "expected type 'dyn' but found 'int'" },
                { "ip.foo('1')", 1, "undeclared reference to 'ip' (in container '')" },
                { "math.greatest(1, 2)", 1, "undeclared reference to 'math' (in container '')" },
                { "int{}", 4, "'int' is not a message type" },
                { "x{}", 2, "'dyn' is not a type" },
                { "nope{a: 1}", 5, "undeclared reference to 'nope' (in container '')" },
                { "[1].map(y, true, y, y)", 8, "undeclared reference to 'map' (in container '')" },
                { "b + a", 1, "undeclared reference to 'b' (in container '')" },
        };
        struct world world;

        world_open(&world, (struct cel_env_options){ .kube_minor = 36 });
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                int r = compile(&world, cases[i].text);

                if (r == 0)
                        print_error("%s compiles\n", cases[i].text);
                assert_int_equal(r, -EINVAL);
                if (!str_starts(str_from(world.error.message), str_from(cases[i].problem)))
                        print_error("%s: %s\n", cases[i].text, world.error.message);
                assert_true(str_starts(str_from(world.error.message), str_from(cases[i].problem)));
                assert_int_equal(world.error.line, 1);
                if (cases[i].column > 0)
                        assert_int_equal(world.error.column, cases[i].column);
        }
        world_close(&world);
}

/* Which version brought what: k8s.io/apiserver/pkg/cel/environment/base.go. */
static void versions_decide_what_there_is(void **state _unused_) {
        static const struct {
                const char *text;
                uint16_t since;
        } cases[] = {
                { "1 < 1.5", 28 },
                { "x.?a", 28 },
                { "optional.of(1)", 28 },
                { "x.optMap(y, y)", 28 },
                { "isQuantity('1')", 28 },
                { "sets.contains([1], [1])", 29 },
                { "'%d %s'.format([1, 'a'])", 29 },
                { "ip('1.1.1.1')", 30 },
                { "net.IP", 30 },
                { "format.named('x')", 31 },
                { "[1].all(i, v, true)", 32 },
                { "semver('1.0.0')", 33 },
                { "[1].sortBy(e, e)", 34 },
                { "lists.range(3)", 34 },
        };

        for (uint16_t minor = 27; minor < 37; minor++) {
                struct world world;

                world_open(&world, (struct cel_env_options){ .kube_minor = minor });
                for (size_t i = 0; i < ELEMENTS(cases); i++) {
                        int expected = minor >= cases[i].since ? 0 : -EINVAL;

                        if (compile(&world, cases[i].text) != expected)
                                print_error("%s in 1.%u\n", cases[i].text, minor);
                        assert_int_equal(compile(&world, cases[i].text), expected);
                }
                world_close(&world);
        }
}

/* An object type with the fields name (string) and item (itself). */
static const struct cel_type *find_field(const struct cel_object *object, struct str field) {
        if (str_eq(field, STR("name")))
                return &cel_type_string;
        return str_eq(field, STR("item")) ? object->data : NULL;
}

static void objects_have_fields(void **state _unused_) {
        static struct cel_object object = { .find = find_field };
        static struct cel_type type = { .kind = CEL_TYPE_OBJECT,
                                        .name = STR_INIT("test.Object"),
                                        .object = &object };
        struct world world;

        object.data = &type;
        world_open(&world, (struct cel_env_options){ .kube_minor = 36 });
        cel_env_declare(world.env, STR("o"), &type);
        assert_int_equal(compile(&world, "o.item.item.name == 'a' && has(o.name)"), 0);
        assert_int_equal(compile(&world, "o.item.?name.orValue('a')"), 0);
        assert_ptr_equal(cel_program_type(world.program), &cel_type_string);
        assert_int_equal(compile(&world, "o == null"), 0);
        assert_int_equal(compile(&world, "has(o.nope)"), -EINVAL);
        assert_string_equal(world.error.message, "undefined field 'nope'");
        assert_int_equal(compile(&world, "o.item.name.x"), -EINVAL);
        assert_string_equal(world.error.message, "type 'string' does not support field selection");
        assert_int_equal(compile(&world, "o.item + 1"), -EINVAL);
        assert_string_equal(world.error.message,
                            "found no matching overload for '_+_' applied to '(test.Object, int)'");
        world_close(&world);
}

static void programs_know_what_they_use(void **state _unused_) {
        struct world world;
        int dotted, more[70];

        world_open(&world, (struct cel_env_options){ .kube_minor = 36 });
        dotted = cel_env_declare(world.env, STR("a.b.c"), &cel_type_int);
        for (size_t i = 0; i < ELEMENTS(more); i++) {
                char name[8];

                (void)snprintf(name, sizeof(name), "v%zu", i);
                more[i] = cel_env_declare(world.env, str_from(name), &cel_type_int);
        }
        assert_int_equal(compile(&world, "a.b.c + 1 == v69"), 0);
        assert_true(cel_program_uses(world.program, dotted));
        assert_true(cel_program_uses(world.program, more[69]));
        assert_false(cel_program_uses(world.program, world.x));
        assert_false(cel_program_uses(world.program, 10000));
        assert_int_equal(cel_program_expr(world.program)->args[0]->args[0]->slot, -1 - dotted);
        /* a comprehension's variable hides x; the range is outside of it */
        assert_int_equal(compile(&world, "[1].all(x, x == 1)"), 0);
        assert_false(cel_program_uses(world.program, world.x));
        assert_int_equal(compile(&world, "x.all(x, x == 1)"), 0);
        assert_true(cel_program_uses(world.program, world.x));
        world_close(&world);
}

static void nested_variables_have_their_own_slots(void **state _unused_) {
        const struct cel_comprehension *outer, *inner, *next;
        const struct cel_expr *expr;
        struct world world;

        world_open(&world, (struct cel_env_options){ .kube_minor = 36 });
        assert_int_equal(compile(&world, "x.all(a, x.exists(k, v, v == a)) && x.all(c, c == 1)"),
                         0);
        expr = cel_program_expr(world.program);
        outer = expr->args[0]->comprehension;
        inner = outer->condition->comprehension;
        next = expr->args[1]->comprehension;
        assert_int_equal(outer->slot, 0);
        assert_int_equal(outer->slot2, -1);
        assert_int_equal(inner->slot, 1);
        assert_int_equal(inner->slot2, 2);
        assert_int_equal(inner->condition->args[0]->slot, 2);
        assert_int_equal(inner->condition->args[1]->slot, 0);
        assert_int_equal(next->slot, 0);
        world_close(&world);
}

static void names_are_looked_for_in_the_container(void **state _unused_) {
        struct world world;

        world_open(&world,
                   (struct cel_env_options){ .kube_minor = 36, .container = STR("com.example") });
        cel_env_declare(world.env, STR("com.example.y"), &cel_type_int);
        cel_env_declare(world.env, STR("com.y"), &cel_type_string);
        cel_env_declare(world.env, STR("y"), &cel_type_bool);
        assert_int_equal(compile(&world, "y"), 0);
        assert_ptr_equal(cel_program_type(world.program), &cel_type_int);
        assert_int_equal(compile(&world, "com.y"), 0);
        assert_ptr_equal(cel_program_type(world.program), &cel_type_string);
        assert_int_equal(compile(&world, ".y"), 0);
        assert_ptr_equal(cel_program_type(world.program), &cel_type_bool);
        assert_int_equal(compile(&world, "z"), -EINVAL);
        assert_string_equal(world.error.message,
                            "undeclared reference to 'z' (in container 'com.example')");
        world_close(&world);
}

static void constants_are_computed_once(void **state _unused_) {
        const struct cel_expr *expr;
        struct world world;

        world_open(&world, (struct cel_env_options){ .kube_minor = 36 });
        assert_int_equal(compile(&world, "x in ['a', string(1)]"), 0);
        expr = cel_program_expr(world.program)->args[1];
        assert_int_equal(expr->kind, CEL_EXPR_CONST);
        assert_int_equal(expr->constant.kind, CEL_LIST);
        assert_int_equal(cel_list_size(&expr->constant), 2);
        assert_str(cel_list_at(&expr->constant, 1).string, "1");
        assert_int_equal(compile(&world, "x.matches('^a+$')"), 0);
        assert_non_null(cel_program_expr(world.program)->regex);
        assert_int_equal(compile(&world, "x.matches(x)"), 0);
        assert_null(cel_program_expr(world.program)->regex);
        world_close(&world);
}

static void without_checking_names_are_still_resolved(void **state _unused_) {
        const struct cel_expr *expr;
        struct world world;

        world_open(&world, (struct cel_env_options){ .kube_minor = 36, .no_check = true });
        assert_int_equal(compile(&world, "[1, 'a', nope].exists(y, y == x.z) || 1 + 'a' == 2"), 0);
        assert_int_equal(compile(&world, "size(x)"), 0);
        expr = cel_program_expr(world.program);
        assert_int_equal(expr->args[0]->slot, -1 - world.x);
        assert_non_null(expr->overloads[0]);
        /* cel-go's planner knows how many arguments a function takes: planCallBinary. */
        assert_int_equal(compile(&world, "size(x, x)"), -EINVAL);
        assert_int_equal(compile(&world, "nothing(x)"), 0);
        assert_null(cel_program_expr(world.program)->overloads[0]);
        assert_int_equal(compile(&world, "1 +"), -EINVAL);
        world_close(&world);
}

static struct cel_value nothing(struct cel_context *context _unused_,
                                const struct cel_value *args _unused_, size_t count _unused_) {
        return cel_null();
}

static const char *only_a(struct arena *arena _unused_, const struct cel_value *const *args,
                          size_t count _unused_) {
        return args[1] && !str_eq(args[1]->string, STR("a")) ? "it must be a" : NULL;
}

static void libraries_are_tables(void **state _unused_) {
        static const struct cel_function_row rows[] = {
                { .signature = "rbac.can(string, list(A)) A", .call = nothing },
                { .signature = "test.Thing.name(string) string",
                  .call = nothing,
                  .check_literals = only_a },
                { .signature = "thing() test.Thing", .call = nothing },
                { .signature = "map(K, V).keys() list(K)", .call = nothing },
                { .signature = "list(list(A)).first2() optional(list(A))", .call = nothing },
                { .signature = "later() int", .call = nothing, .since = 40 },
        };
        static const struct cel_library library = { "test", rows, ELEMENTS(rows) };
        struct world world;

        world_open(&world, (struct cel_env_options){ .kube_minor = 36 });
        cel_env_add_library(world.env, &library);
        assert_int_equal(compile(&world, "rbac.can('a', [[1]])"), 0);
        assert_str(cel_type_text(&world.arena, cel_program_type(world.program)), "list(int)");
        assert_null(cel_program_expr(world.program)->target);
        assert_str(cel_program_expr(world.program)->name, "rbac.can");
        assert_int_equal(compile(&world, "thing().name('a')"), 0);
        assert_int_equal(compile(&world, "thing().name(x)"), 0);
        assert_int_equal(compile(&world, "thing().name('b')"), -EINVAL);
        assert_string_equal(world.error.message, "it must be a");
        assert_int_equal(world.error.column, 14);
        assert_int_equal(compile(&world, "{'a': 1}.keys()"), 0);
        assert_str(cel_type_text(&world.arena, cel_program_type(world.program)), "list(string)");
        assert_int_equal(compile(&world, "[[1]].first2()"), 0);
        assert_str(cel_type_text(&world.arena, cel_program_type(world.program)),
                   "optional_type(list(int))");
        assert_int_equal(compile(&world, "later()"), -EINVAL);
        assert_int_equal(compile(&world, "rbac.can()"), -EINVAL);
        assert_string_equal(world.error.message,
                            "found no matching overload for 'rbac.can' applied to '()'");
        world_close(&world);
}

/* {x: x} over and over doubles the type each time. */
static void types_cannot_explode(void **state _unused_) {
        _cleanup_(buf_free) struct buf buf = BUF_INIT;
        struct world world;

        buf_add(&buf, STR("[1]"));
        for (size_t i = 0; i < 200; i++)
                buf_add(&buf, STR(".map(y, {y: y})"));
        world_open(&world, (struct cel_env_options){ .kube_minor = 36 });
        assert_int_equal(compile(&world, buf.data), -EINVAL);
        assert_string_equal(world.error.message,
                            "the types of this expression are too complex to be checked");
        world_close(&world);
}

static void types_are_read_and_shown(void **state _unused_) {
        static const struct {
                const char *text, *shown;
        } cases[] = {
                { "list(map(string, dyn))", "list(map(string, dyn))" },
                { "optional(A)", "optional_type(A)" },
                { "type(list(int))", "type(list(int))" },
                { "type", "type" },
                { "timestamp", "timestamp" },
                { "null", "null" },
                { "net.IP", "net.IP" },
        };
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;
        struct str text;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                text = str_from(cases[i].text);
                assert_str(cel_type_text(&arena, cel_type_read(&arena, &text)), cases[i].shown);
                assert_int_equal(text.len, 0);
        }
        text = STR("list(");
        assert_null(cel_type_read(&arena, &text));
        text = STR("ip");
        assert_null(cel_type_read(&arena, &text));
        assert_str(cel_type_name(&cel_type_timestamp), "google.protobuf.Timestamp");
        assert_str(cel_type_name(&cel_type_null), "null_type");
        assert_str(cel_type_name(&cel_type_list_dyn), "list");
        assert_true(cel_type_equal(cel_type_list(&arena, &cel_type_dyn), &cel_type_list_dyn));
        assert_false(cel_type_equal(cel_type_list(&arena, &cel_type_int), &cel_type_list_dyn));
        assert_true(cel_type_is_optional(cel_type_optional(&arena, &cel_type_int)));
}

int checker_tests(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(expressions_have_types),
                cmocka_unit_test(wrong_expressions_are_refused),
                cmocka_unit_test(versions_decide_what_there_is),
                cmocka_unit_test(objects_have_fields),
                cmocka_unit_test(programs_know_what_they_use),
                cmocka_unit_test(nested_variables_have_their_own_slots),
                cmocka_unit_test(names_are_looked_for_in_the_container),
                cmocka_unit_test(constants_are_computed_once),
                cmocka_unit_test(without_checking_names_are_still_resolved),
                cmocka_unit_test(libraries_are_tables),
                cmocka_unit_test(types_cannot_explode),
                cmocka_unit_test(types_are_read_and_shown),
        };

        return cmocka_run_group_tests_name("checker", tests, NULL, NULL);
}
