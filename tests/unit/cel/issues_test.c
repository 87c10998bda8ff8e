/*
 * Everything that is wrong with an expression, in the words of Kubernetes 1.36, which wrote the
 * table.
 */
#include "../test.h"

#include "base/buf.h"
#include "base/util.h"
#include "cel/cel.h"

static void problems_read_as_in_kubernetes(void **state _unused_) {
        static const struct {
                const char *expression, *text;
        } cases[] = {
                { "a.b + 'x' * 2 + c",
                  "ERROR: <input>:1:1: undeclared reference to 'a' (in container '')\n"
                  " | a.b + 'x' * 2 + c\n"
                  " | ^\n"
                  "ERROR: <input>:1:11: found no matching overload for '_*_' applied to '(string, "
                  "int)'\n"
                  " | a.b + 'x' * 2 + c\n"
                  " | ..........^\n"
                  "ERROR: <input>:1:17: undeclared reference to 'c' (in container '')\n"
                  " | a.b + 'x' * 2 + c\n"
                  " | ................^" },
                { "1 + 'a'\n || \tnope\n && 'é' + 2 + q",
                  "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, "
                  "string)'\n"
                  " | 1 + 'a'\n"
                  " | ..^\n"
                  "ERROR: <input>:2:6: undeclared reference to 'nope' (in container '')\n"
                  " |  ||  nope\n"
                  " | .....^\n"
                  "ERROR: <input>:3:9: found no matching overload for '_+_' applied to '(string, "
                  "int)'\n"
                  " |  && 'é' + 2 + q\n"
                  " | .....．..^\n"
                  "ERROR: <input>:3:15: undeclared reference to 'q' (in container '')\n"
                  " |  && 'é' + 2 + q\n"
                  " | .....．........^" },
                { "[1,'a', 2.0, 3] == {1: 'a', 'b': 2}",
                  "ERROR: <input>:1:17: found no matching overload for '_==_' applied to "
                  "'(list(dyn), map(dyn, dyn))'\n"
                  " | [1,'a', 2.0, 3] == {1: 'a', 'b': 2}\n"
                  " | ................^" },
                { "[1,'a', 2.0] != [] && {'x': [1, true]} == {'x': [], 1: []}",
                  "ERROR: <input>:1:4: expected type 'int' but found 'string'\n"
                  " | [1,'a', 2.0] != [] && {'x': [1, true]} == {'x': [], 1: []}\n"
                  " | ...^\n"
                  "ERROR: <input>:1:33: expected type 'int' but found 'bool'\n"
                  " | [1,'a', 2.0] != [] && {'x': [1, true]} == {'x': [], 1: []}\n"
                  " | ................................^\n"
                  "ERROR: <input>:1:53: expected type 'string' but found 'int'\n"
                  " | [1,'a', 2.0] != [] && {'x': [1, true]} == {'x': [], 1: []}\n"
                  " | ....................................................^" },
                { "'é日本'.size() + nope",
                  "ERROR: <input>:1:16: undeclared reference to 'nope' (in container '')\n"
                  " | 'é日本'.size() + nope\n"
                  " | .．．．...........^" },
                { "dyn(1).all(x, y) && [1].map(x, nope(x)).size() == 'a'",
                  "ERROR: <input>:1:15: undeclared reference to 'y' (in container '')\n"
                  " | dyn(1).all(x, y) && [1].map(x, nope(x)).size() == 'a'\n"
                  " | ..............^\n"
                  "ERROR: <input>:1:36: undeclared reference to 'nope' (in container '')\n"
                  " | dyn(1).all(x, y) && [1].map(x, nope(x)).size() == 'a'\n"
                  " | ...................................^\n"
                  "ERROR: <input>:1:48: found no matching overload for '_==_' applied to '(int, "
                  "string)'\n"
                  " | dyn(1).all(x, y) && [1].map(x, nope(x)).size() == 'a'\n"
                  " | ...............................................^" },
                { "has(1.a)", "ERROR: <input>:1:4: type 'int' does not support field selection\n"
                              " | has(1.a)\n"
                              " | ...^" },
                { "true && 1 && 'x'",
                  "ERROR: <input>:1:9: expected type 'bool' but found 'int'\n"
                  " | true && 1 && 'x'\n"
                  " | ........^\n"
                  "ERROR: <input>:1:14: expected type 'bool' but found 'string'\n"
                  " | true && 1 && 'x'\n"
                  " | .............^" },
                { "duration('x') == duration('y')",
                  "ERROR: <input>:1:10: invalid duration argument\n"
                  " | duration('x') == duration('y')\n"
                  " | .........^\n"
                  "ERROR: <input>:1:27: invalid duration argument\n"
                  " | duration('x') == duration('y')\n"
                  " | ..........................^" },
                { "'[a'.matches('[') && timestamp('a') == dyn(1)",
                  "ERROR: <input>:1:14: invalid matches argument\n"
                  " | '[a'.matches('[') && timestamp('a') == dyn(1)\n"
                  " | .............^\n"
                  "ERROR: <input>:1:32: invalid timestamp argument\n"
                  " | '[a'.matches('[') && timestamp('a') == dyn(1)\n"
                  " | ...............................^" },
                { "'%d %s %b'.format([1, [], 'x', 3])",
                  "ERROR: <input>:1:27: error during formatting: only integers and bools can be "
                  "formatted as binary, was given string\n"
                  " | '%d %s %b'.format([1, [], 'x', 3])\n"
                  " | ..........................^" },
                { "x.y.z()", "ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n"
                             " | x.y.z()\n"
                             " | ^\n"
                             "ERROR: <input>:1:6: undeclared reference to 'z' (in container '')\n"
                             " | x.y.z()\n"
                             " | .....^" },
                { "quantity('1').foo(1, 'a', [1])",
                  "ERROR: <input>:1:18: undeclared reference to 'foo' (in container '')\n"
                  " | quantity('1').foo(1, 'a', [1])\n"
                  " | .................^" },
                { "optional.of(1).foo",
                  "ERROR: <input>:1:15: type 'int' does not support field selection\n"
                  " | optional.of(1).foo\n"
                  " | ..............^" },
                { "[1].filter(x, 1)", "ERROR: <input>:1:11: found no matching overload for '_?_:_' "
                                      "applied to '(int, list(int), list(int))'\n"
                                      " | [1].filter(x, 1)\n"
                                      " | ..........^" },
                { "in_ in 1",
                  "ERROR: <input>:1:1: undeclared reference to 'in_' (in container '')\n"
                  " | in_ in 1\n"
                  " | ^\n"
                  "ERROR: <input>:1:5: found no matching overload for '@in' applied to '(!error!, "
                  "int)'\n"
                  " | in_ in 1\n"
                  " | ....^" },
                { "[?1]", "ERROR: <input>:1:3: expected type 'optional_type(int)' but found 'int'\n"
                          " | [?1]\n"
                          " | ..^" },
                { "[1].all(x, x == 'a' || nope)",
                  "ERROR: <input>:1:14: found no matching overload for '_==_' applied to '(int, "
                  "string)'\n"
                  " | [1].all(x, x == 'a' || nope)\n"
                  " | .............^\n"
                  "ERROR: <input>:1:24: undeclared reference to 'nope' (in container '')\n"
                  " | [1].all(x, x == 'a' || nope)\n"
                  " | .......................^" },
        };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct cel_env *env;

        assert_int_equal(cel_env_new(&arena, NULL, &env), 0);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct cel_issues issues = { .arena = &arena };
                struct str expression = str_from(cases[i].expression);

                assert_null(cel_typecheck(env, expression, &issues));
                assert_str(cel_issues_text(&issues, expression), cases[i].text);
        }
        cel_env_free(env);
}

static void only_so_many_are_kept(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct cel_issues issues = { .arena = &arena };
        struct cel_env *env;

        assert_int_equal(cel_env_new(&arena, NULL, &env), 0);
        for (int i = 0; i < 107; i++)
                buf_printf(&text, "%sx%d", i > 0 ? " + " : "", i);
        assert_null(cel_typecheck(env, buf_str(&text), &issues));
        assert_int_equal(issues.count, 100);
        assert_true(str_ends(cel_issues_text(&issues, buf_str(&text)),
                             STR("\n7 more errors were truncated")));
        cel_env_free(env);
}

static void what_is_right_has_a_type(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct cel_issues issues = { .arena = &arena };
        const struct cel_type *type;
        struct cel_env *env;

        assert_int_equal(cel_env_new(&arena, NULL, &env), 0);
        type = cel_typecheck(env, STR("[1, 2].map(i, string(i))"), &issues);
        assert_non_null(type);
        assert_str(cel_type_text(&arena, type), "list(string)");
        /* making a program of it is what would fail */
        assert_non_null(cel_typecheck(env, STR("int('x') == 1"), &issues));
        cel_env_free(env);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(problems_read_as_in_kubernetes),
                cmocka_unit_test(only_so_many_are_kept),
                cmocka_unit_test(what_is_right_has_a_type),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
