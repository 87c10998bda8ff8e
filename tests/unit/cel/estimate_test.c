#include "../test.h"

#include "base/util.h"
#include "cel/estimate.h"

/* What Kubernetes 1.36 estimates (tests/oracle/cost.py compares more), `o` being of type dyn. */
static const struct {
        const char *expression;
        struct cel_estimate cost;
} cases[] = {
        { "1", { 0, 0 } },
        { "o", { 1, 1 } },
        { "o.a.b", { 1, 1 } },
        { "has(o.a)", { 1, 1 } },
        { "o.?a.?b.orValue(1)", { 4, 4 } },
        { "o.a == 1", { 2, 2 } },
        { "o.a < 5", { 2, 2 } },
        { "o.a < o.b", { 3, UINT64_C(1844674407370955266) } },
        { "'abc' < 'abcdefghijk'", { 1, 1 } },
        { "o.a + o.b", { 2, UINT64_C(1844674407370955266) } },
        { "'a' + 'bc'", { 1, 1 } },
        { "size('a' + 'bc')", { 2, 2 } },
        { "('abcdefghij' + 'k').startsWith('x')", { 3, 3 } },
        { "[1, 2, 3]", { 10, 10 } },
        { "{'a': 1}", { 30, 30 } },
        { "int", { 1, 1 } },
        { "type(o)", { 2, 2 } },
        { "o.all(x, x > 1)", { 2, UINT64_MAX } },
        { "[1, 2].all(x, x > 1)", { 17, 21 } },
        { "[1, 2].exists(x, x > 1)", { 19, 23 } },
        { "[1, 2].exists_one(x, x > 1)", { 18, 20 } },
        { "[1, 2].map(x, x + 1)", { 49, 49 } },
        { "[1, 2].map(x, x > 1, x)", { 27, 51 } },
        { "['a', 'bcd'].filter(x, x == 'a')", { 27, 51 } },
        { "['a', 'bcdefghijklmnop'].map(x, x + x)[0].startsWith('y')", { 53, 57 } },
        { "{'a': 'b'}.all(k, k == 'a')", { 34, 36 } },
        { "{'a': 'b'}.transformMap(k, v, v + 'x')", { 66, 66 } },
        { "['a'].transformMapEntry(i, v, {v: i})", { 75, 75 } },
        { "['a'].transformList(i, v, i)", { 34, 34 } },
        { "o.?a.optMap(x, x + 1)", { 4, 19 } },
        { "o.?a.optFlatMap(x, optional.of(x))", { 4, 18 } },
        { "[3, 1].sortBy(x, -x)", { 80, 80 } },
        { "['b', 'a'].sort()", { 30, 30 } },
        { "[1, 2].distinct()", { 29, 29 } },
        { "[[1], [2]].flatten()", { 43, 43 } },
        { "[1, 2, 3].slice(0, 2)", { 23, 23 } },
        { "lists.range(10)", { 21, 21 } },
        { "[1, 2].sum()", { 12, 12 } },
        { "['a'].max()", { 11, UINT64_C(1844674407370955275) } },
        { "sets.contains([1, 2], [1])", { 23, 23 } },
        { "sets.equivalent([1, 2], [1])", { 25, 25 } },
        { "'a,b'.split(',').join('')", { 1, UINT64_C(1844674407370955265) } },
        { "'abcabc'.replace('b', 'xyz').startsWith('a')", { 3, 3 } },
        { "'abcdefghijklmnopqrstu'.contains('abcdefghijkl')", { 6, 6 } },
        { "'abc'.matches('a.*')", { 1, 1 } },
        { "matches('abc', 'a.*')", { 1, 1 } },
        { "'abc'.find('a.*')", { 1, 1 } },
        { "'%s'.format([1])", { 11, 11 } },
        { "o in [1, 2]", { 13, 13 } },
        { "1 in {1: 2}", { 31, 31 } },
        { "'abcdefghijkl'.lowerAscii()", { 2, 2 } },
        { "url('https://a') == url('https://abcdefgh')", { 4, 5 } },
        { "ip('10.0.0.1') == ip('10.0.0.2')", { 3, 3 } },
        { "cidr('10.0.0.0/8').containsIP('10.0.0.1')", { 3, 6 } },
        { "cidr('10.0.0.0/8').containsCIDR(cidr('10.0.0.0/9'))", { 5, 9 } },
        { "quantity('1Gi').isGreaterThan(quantity('1Mi'))", { 3, 3 } },
        { "format.dns1123Label().validate('abc')", { 33, 33 } },
        { "format.uuid() == format.date()", { 3, 9 } },
        { "o.a ? 'a' : 'bc'", { 1, 1 } },
        { "size(o.a ? 'a' : 'bc') > 1", { 3, 3 } },
        { "o.a && o.b", { 1, 2 } },
        { "bytes('abc')", { 1, 1 } },
        { "string(b'abc')", { 1, 1 } },
        { "strings.quote('abc')", { 1, 1 } },
        { "dyn('abcdefghijklm') + 'a'", { 3, 3 } },
        { "o.l.map(x, x.a)", { 12, UINT64_MAX } },
        { "o[0]", { 2, 2 } },
        { "[[1, 2], [3]][0].all(x, x > 0)", { 35, 42 } },
        { "-o.a", { 2, 2 } },
        { "!o.a", { 2, 2 } },
        { "timestamp('2024-01-01T00:00:00Z').getFullYear()", { 2, 2 } },
        { "string(1) == 'x'", { 2, 2 } },
};

static void estimates_are_those_of_kubernetes(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct cel_env_options options = { .kube_minor = 36 };
        struct cel_env *env;
        size_t wrong = 0;

        assert_int_equal(cel_env_new(&arena, &options, &env), 0);
        cel_env_declare(env, STR("o"), &cel_type_dyn);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct cel_program *program;
                struct cel_estimate cost;
                struct error error = { 0 };

                if (cel_compile(env, &arena, str_from(cases[i].expression), &program, &error) < 0)
                        fail_msg("%s: %s", cases[i].expression, error.message);
                cost = cel_program_estimate(program);
                if (cost.min == cases[i].cost.min && cost.max == cases[i].cost.max)
                        continue;
                wrong++;
                print_error("%s: %llu to %llu\n", cases[i].expression, (unsigned long long)cost.min,
                            (unsigned long long)cost.max);
        }
        cel_env_free(env);
        assert_int_equal(wrong, 0);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_are_those_of_kubernetes),
};

int main(void) {
        return cmocka_run_group_tests(tests, NULL, NULL);
}
