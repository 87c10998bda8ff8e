/*
 * The extension libraries, through compiled expressions.
 */
#include <math.h>

#include "../test.h"
#include "base/buf.h"
#include "cel/cel.h"
#include "cel/eval.h"
#include "cel/number.h"

enum outcome { VALUE, ERROR, REFUSED };

struct test_case {
        const char *expression;
        enum outcome outcome;
        const char *text; /* the value as cel-go's types.Format shows it, or the message */
};

#include "libs_text_cases.h"
#include "libs_value_cases.h"

static const char *const outcome_names[] = { "value", "error", "refused" };

static void show(struct arena *arena, struct buf *buf, const struct cel_value *value);

static void show_map(struct arena *arena, struct buf *buf, const struct cel_value *map) {
        size_t count = cel_map_size(map);
        struct str last = { 0 };

        buf_add_char(buf, '{');
        /* In the order of their text: each time the least that is beyond the last one. */
        for (size_t i = 0; i < count; i++) {
                struct str least = { 0 };

                for (size_t j = 0; j < count; j++) {
                        _cleanup_(buf_free) struct buf entry = BUF_INIT;
                        struct cel_value key, value;

                        cel_map_at(map, j, &key, &value);
                        show(arena, &entry, &key);
                        buf_add(&entry, STR(": "));
                        show(arena, &entry, &value);
                        if (str_cmp(buf_str(&entry), last) > 0 &&
                            (least.len == 0 || str_cmp(buf_str(&entry), least) < 0))
                                least = arena_str(arena, buf_str(&entry));
                }
                if (i > 0)
                        buf_add(buf, STR(", "));
                buf_add(buf, least);
                last = least;
        }
        buf_add_char(buf, '}');
}

static void show_double(struct arena *arena, struct buf *buf, double number) {
        struct str text = cel_double_plain(arena, number);

        if (isnan(number) || isinf(number)) {
                buf_printf(buf, "double(\"%s\")",
                           isnan(number) ? "NaN"
                           : number < 0  ? "-Infinity"
                                         : "Infinity");
                return;
        }
        buf_add(buf, text);
        if (str_find(text, STR("."), 0) < 0)
                buf_add(buf, STR(".0"));
}

static void show(struct arena *arena, struct buf *buf, const struct cel_value *value) {
        struct str text;

        switch (value->kind) {
        case CEL_STRING:
                buf_add(buf, cel_quote(arena, value->string));
                break;
        case CEL_BYTES:
                buf_add(buf, STR("b\""));
                for (size_t i = 0; i < value->string.len; i++)
                        buf_printf(buf, "\\%03o", (unsigned char)value->string.ptr[i]);
                buf_add_char(buf, '"');
                break;
        case CEL_UINT:
                buf_printf(buf, "%lluu", (unsigned long long)value->uinteger);
                break;
        case CEL_DOUBLE:
                show_double(arena, buf, value->number);
                break;
        case CEL_TIMESTAMP:
        case CEL_DURATION:
                text = cel_value_text(arena, value);
                buf_printf(buf, "%s(\"%.*s\")",
                           value->kind == CEL_DURATION ? "duration" : "timestamp", STR_ARG(text));
                break;
        case CEL_LIST:
                buf_add_char(buf, '[');
                for (size_t i = 0; i < cel_list_size(value); i++) {
                        struct cel_value item = cel_list_at(value, i);

                        if (i > 0)
                                buf_add(buf, STR(", "));
                        show(arena, buf, &item);
                }
                buf_add_char(buf, ']');
                break;
        case CEL_MAP:
                show_map(arena, buf, value);
                break;
        case CEL_OPTIONAL:
                if (!value->some) {
                        buf_add(buf, STR("optional.none()"));
                        break;
                }
                buf_add(buf, STR("optional.of("));
                show(arena, buf, value->some);
                buf_add_char(buf, ')');
                break;
        default:
                buf_add(buf, cel_value_text(arena, value));
        }
}

/* Compiles and evaluates EXPRESSION as Kubernetes 1.MINOR would, with the work limited to STEPS (0:
 * the default). Returns what came out and its text in BUF. */
static enum outcome evaluate(const char *expression, uint16_t minor, uint64_t steps,
                             const struct cel_library *library, struct buf *buf) {
        _cleanup_(arena_free) struct arena arena = ARENA_INIT, scratch = ARENA_INIT;
        struct cel_activation activation = { .step_limit = steps };
        enum outcome outcome = VALUE;
        struct cel_program *program;
        struct cel_value value;
        struct error error = { 0 };
        struct cel_env *env;

        assert_int_equal(
                cel_env_new(&arena, &(struct cel_env_options){ .kube_minor = minor }, &env), 0);
        if (library)
                cel_env_add_library(env, library);
        if (cel_compile(env, &arena, str_from(expression), &program, &error) < 0) {
                buf_add(buf, str_from(error.message));
                outcome = REFUSED;
        } else {
                cel_eval(program, &activation, &scratch, &value);
                if (value.kind == CEL_ERROR) {
                        buf_add(buf, value.error->message);
                        outcome = ERROR;
                } else
                        show(&scratch, buf, &value);
        }
        cel_env_free(env);
        return outcome;
}

static void run_cases(const struct test_case *cases, size_t count) {
        size_t failed = 0;

        for (size_t i = 0; i < count; i++) {
                _cleanup_(buf_free) struct buf buf = BUF_INIT;
                enum outcome outcome = evaluate(cases[i].expression, 36, 0, NULL, &buf);

                if (outcome == cases[i].outcome && str_eq(buf_str(&buf), str_from(cases[i].text)))
                        continue;
                failed++;
                print_error("%s\n    is       %s %.*s\n    expected %s %s\n", cases[i].expression,
                            outcome_names[outcome], STR_ARG(buf_str(&buf)),
                            outcome_names[cases[i].outcome], cases[i].text);
        }
        assert_int_equal(failed, 0);
}

static void test_text(_unused_ void **state) {
        run_cases(text_cases, ELEMENTS(text_cases));
}

static void test_values(_unused_ void **state) {
        run_cases(value_cases, ELEMENTS(value_cases));
}

/* Work that grows beyond the budget ends with an error instead of taking memory or time. */
static void test_budget(_unused_ void **state) {
        static const char *const expressions[] = {
                "lists.range(9223372036854775807)",
                "lists.range(4000).distinct()",
                "sets.contains(lists.range(4000), lists.range(4000))",
                "lists.range(8).map(i, 'aaaaaaaaaaaaaaaa').join('b').replace('', "
                "'cccccccccccccccccccccccccccccccccccccccc').replace('', "
                "lists.range(2000).map(i, 'dddddddd').join()).size()",
                "'%s'.format([lists.range(2000000)])",
        };

        for (size_t i = 0; i < ELEMENTS(expressions); i++) {
                _cleanup_(buf_free) struct buf buf = BUF_INIT;

                assert_int_equal(evaluate(expressions[i], 36, 1000000, NULL, &buf), ERROR);
                assert_str(buf_str(&buf), "operation cancelled: actual cost limit exceeded");
        }
}

/* base.go: which version enables which library. */
static void test_versions(_unused_ void **state) {
        static const struct {
                const char *expression;
                uint16_t since;
        } cases[] = {
                { "'a'.charAt(0)", 1 },
                { "['a'].join()", 1 },
                { "[1].sum()", 1 },
                { "'a'.find('a')", 1 },
                { "isURL('a')", 1 },
                { "isQuantity('1')", 28 },
                { "'%s'.format([1])", 29 },
                { "strings.quote('a')", 29 },
                { "sets.contains([1], [1])", 29 },
                { "isIP('a')", 30 },
                { "isCIDR('a')", 30 },
                { "format.uri()", 31 },
                { "isSemver('1', true)", 33 },
                { "[1].slice(0, 1)", 34 },
                { "[1].sortBy(e, e)", 34 },
                { "lists.range(1)", 34 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(buf_free) struct buf buf = BUF_INIT, before = BUF_INIT;

                assert_int_equal(evaluate(cases[i].expression, cases[i].since, 0, NULL, &buf),
                                 VALUE);
                if (cases[i].since > 1)
                        assert_int_equal(evaluate(cases[i].expression,
                                                  (uint16_t)(cases[i].since - 1), 0, NULL, &before),
                                         REFUSED);
        }
}

/* RFC 6901, section 3; Kubernetes has the function only where policies mutate. */
static void test_jsonpatch(_unused_ void **state) {
        static const char *const expression = "jsonpatch.escapeKey('a/b~c~1')";
        _cleanup_(buf_free) struct buf buf = BUF_INIT, without = BUF_INIT;

        assert_int_equal(evaluate(expression, 36, 0, &cel_library_jsonpatch, &buf), VALUE);
        assert_str(buf_str(&buf), "\"a~1b~0c~01\"");
        assert_int_equal(evaluate(expression, 36, 0, NULL, &without), REFUSED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),      cmocka_unit_test(test_values),
                cmocka_unit_test(test_budget),    cmocka_unit_test(test_versions),
                cmocka_unit_test(test_jsonpatch),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
