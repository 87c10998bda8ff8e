/*
 * Quantities. Expected values are those of k8s.io/apimachinery v0.36.3: String(), AsInt64() and
 * AsApproximateFloat64() of what ParseQuantity reads.
 */
#include "../test.h"
#include "base/quantity.h"
#include "base/util.h"

static void test_text(_unused_ void **state) {
        static const struct {
                const char *text, *canonical; /* NULL: not a quantity */
        } cases[] = {
@TEXT@
        };
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct quantity q;
                int r = quantity_parse(&arena, str_from(cases[i].text), &q, NULL);

                if (cases[i].canonical) {
                        assert_int_equal(r, 0);
                        assert_str(quantity_text(&arena, &q), cases[i].canonical);
                } else
                        assert_int_equal(r, -EINVAL);
        }
}

static void test_messages(_unused_ void **state) {
        static const struct {
                const char *text, *message;
        } cases[] = {
                { "", "quantities must match the regular expression "
                      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" },
                { "1.2.3", "quantities must match the regular expression "
                           "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" },
                { "1K", "unable to parse quantity's suffix" },
                { "1e", "unable to parse quantity's suffix" },
                { ".Ei", "unable to parse numeric part of quantity" },
        };
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct error error = { 0 };
                struct quantity q;

                assert_int_equal(
                        quantity_parse(&arena, str_from(cases[i].text), &q, &error), -EINVAL);
                assert_string_equal(error.message, cases[i].message);
        }
}

static void test_numbers(_unused_ void **state) {
        static const struct {
                const char *text;
                bool is_integer;
                int64_t integer;
                double number;
        } cases[] = {
@NUMBERS@
        };
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct quantity q;
                int64_t value = 0;

                assert_int_equal(
                        quantity_parse(&arena, str_from(cases[i].text), &q, NULL), 0);
                assert_int_equal(quantity_integer(&q, &value), cases[i].is_integer);
                if (cases[i].is_integer)
                        assert_int_equal(value, cases[i].integer);
                assert_true(quantity_double(&arena, &q) == cases[i].number);
        }
}

static void test_pairs(_unused_ void **state) {
        static const struct {
                const char *a, *b;
                int order;
                const char *sum, *difference;
        } cases[] = {
@PAIRS@
        };
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct quantity a, b, result;

                assert_int_equal(quantity_parse(&arena, str_from(cases[i].a), &a, NULL), 0);
                assert_int_equal(quantity_parse(&arena, str_from(cases[i].b), &b, NULL), 0);
                assert_int_equal(quantity_compare(&a, &b), cases[i].order);
                assert_int_equal(quantity_add(&arena, &a, &b, &result), 0);
                assert_str(quantity_text(&arena, &result), cases[i].sum);
                assert_int_equal(quantity_subtract(&arena, &a, &b, &result), 0);
                assert_str(quantity_text(&arena, &result), cases[i].difference);
        }
}

/* A sum that would be a billion digits long is refused at once; comparing is no problem. */
static void test_bounds(_unused_ void **state) {
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;
        struct quantity huge, one, sum;

        assert_int_equal(quantity_parse(&arena, STR("1e2000000000"), &huge, NULL), 0);
        assert_int_equal(quantity_parse(&arena, STR("1"), &one, NULL), 0);
        assert_int_equal(quantity_add(&arena, &huge, &one, &sum), -ERANGE);
        assert_int_equal(quantity_compare(&huge, &one), 1);
        assert_int_equal(quantity_compare(&one, &huge), -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),    cmocka_unit_test(test_messages),
                cmocka_unit_test(test_numbers), cmocka_unit_test(test_pairs),
                cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
