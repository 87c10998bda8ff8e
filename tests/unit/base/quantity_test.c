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
                { "0", "0" },
                { "1", "1" },
                { "+1", "+1" },
                { "-1", "-1" },
                { "-0", "0" },
                { "000", "0" },
                { "-", "0" },
                { ".", "0" },
                { "1.", "1." },
                { "0.5", "500m" },
                { "0.25", "250m" },
                { "1.5", "1500m" },
                { ".5", "500m" },
                { "1.500", "1.500" },
                { "1000", "1k" },
                { "1000m", "1" },
                { "1500m", "1500m" },
                { "100m", "100m" },
                { "0.1", "100m" },
                { "0.001", "1m" },
                { "1000000", "1M" },
                { "1024", "1024" },
                { "1023Ki", "1023Ki" },
                { "1024Ki", "1Mi" },
                { "1024Mi", "1Gi" },
                { "1.5Gi", "1536Mi" },
                { "0.5Gi", "512Mi" },
                { "0.5Ki", "512" },
                { "512Mi", "512Mi" },
                { "1Gi", "1Gi" },
                { "1Ki", "1Ki" },
                { "0.0Gi", "0" },
                { "1k", "1k" },
                { "1000k", "1M" },
                { "1500k", "1500k" },
                { "1M", "1M" },
                { "1G", "1G" },
                { "1T", "1T" },
                { "1P", "1P" },
                { "1E", "1E" },
                { "1000E", "1" },
                { "8Ei", "9223372036854775807" },
                { "7Ei", "7Ei" },
                { "9Ei", "9223372036854775807" },
                { "-9Ei", "-9223372036854775807" },
                { "1e3", "1e3" },
                { "1E3", "1E3" },
                { "1e-3", "1e-3" },
                { "12e6", "12e6" },
                { "1.2e3", "1200" },
                { "1e19", "10e18" },
                { "1e-9", "1e-9" },
                { "1e-10", "1e-9" },
                { "0.1n", "1n" },
                { "1n", "1n" },
                { "1u", "1u" },
                { "100u", "100u" },
                { "1234567890123456789", "1234567890123456789" },
                { "12345678901234567890", "12345678901234567890" },
                { "123456789012345678901234567890n", "123456789012345678901234567890n" },
                { "0.0000000001", "1n" },
                { "9223372036854775807", "9223372036854775807" },
                { "9223372036854775808", "9223372036854775808" },
                { "-9223372036854775808", "-9223372036854775808" },
                { "1e100", "10e99" },
                { "1e-100", "1e-9" },
                { "2048Ki", "2Mi" },
                { "1000Ki", "1000Ki" },
                { "1025Ki", "1025Ki" },
                { "3Mi", "3Mi" },
                { "0.3Ki", "307200m" },
                { "1K", NULL },
                { "1 ", NULL },
                { "1e", NULL },
                { "x", NULL },
                { "1i", NULL },
                { "1Kii", NULL },
                { "1.1.1", NULL },
                { "1e5e", NULL },
                { "--1", NULL },
                { "1Mi5", NULL },
                { "1e99999999999999999999", NULL },
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

                assert_int_equal(quantity_parse(&arena, str_from(cases[i].text), &q, &error),
                                 -EINVAL);
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
                { "0", true, INT64_C(0), 0x0.0p+0 },
                { "1", true, INT64_C(1), 0x1.0000000000000p+0 },
                { "-5", true, INT64_C(-5), -0x1.4000000000000p+2 },
                { "50k", true, INT64_C(50000), 0x1.86a0000000000p+15 },
                { "1Ki", true, INT64_C(1024), 0x1.0000000000000p+10 },
                { "1.5Gi", false, INT64_C(0), 0x1.8000000000000p+30 },
                { "0.5", false, INT64_C(0), 0x1.0000000000000p-1 },
                { "1500m", false, INT64_C(0), 0x1.8000000000000p+0 },
                { "9223372036854775807", false, INT64_C(0), 0x1.0000000000000p+63 },
                { "9223372036854775808", false, INT64_C(0), 0x1.0000000000000p+63 },
                { "1e18", true, INT64_C(1000000000000000000), 0x1.bc16d674ec800p+59 },
                { "1e19", false, INT64_C(0), 0x1.158e460913d00p+63 },
                { "50.703k", true, INT64_C(50703), 0x1.8c1e000000000p+15 },
                { "0.1", false, INT64_C(0), 0x1.999999999999ap-4 },
                { "1e-9", false, INT64_C(0), 0x1.12e0be826d695p-30 },
                { "1e300", false, INT64_C(0), 0x1.7e43c8800759cp+996 },
                { "1.5e-9", false, INT64_C(0), 0x1.12e0be826d695p-29 },
                { "123456789012345678901234567890", false, INT64_C(0), 0x1.8ee90ff6c373fp+96 },
                { "7Ei", false, INT64_C(0), 0x1.c000000000000p+62 },
                { "1e-300", false, INT64_C(0), 0x1.12e0be826d695p-30 },
        };
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct quantity q;
                int64_t value = 0;

                assert_int_equal(quantity_parse(&arena, str_from(cases[i].text), &q, NULL), 0);
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
                { "1", "1", 0, "2", "0" },
                { "200M", "0.2G", 0, "400M", "0" },
                { "50Mi", "50M", 1, "102428800", "2428800" },
                { "1.5Gi", "0.5Gi", 1, "2Gi", "1Gi" },
                { "1", "1m", 1, "1001m", "999m" },
                { "0", "1Gi", -1, "1Gi", "-1Gi" },
                { "0", "5e3", -1, "5e3", "-5e3" },
                { "1Gi", "1", 1, "1073741825", "1073741823" },
                { "1Gi", "-1Gi", 1, "0", "2Gi" },
                { "9223372036854775807", "1", 1, "9223372036854775808", "9223372036854775806" },
                { "-9223372036854775808", "1", -1, "-9223372036854775807", "-9223372036854775809" },
                { "1e-9", "1.5e-10", 0, "2e-9", "0" },
                { "12345678901234567890", "0.1", 1, "12345678901234567890100m",
                  "12345678901234567889900m" },
                { "1e30", "1", 1, "1000000000000000000000000000001",
                  "999999999999999999999999999999" },
                { "100m", "900m", -1, "1", "-800m" },
                { "1k", "1Ki", -1, "2024", "-24" },
                { "0.5Gi", "0", 1, "512Mi", "512Mi" },
                { "-1.5", "-2.5", 1, "-4", "1" },
                { "1e400", "1e400", 0, "20e399", "0" },
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

/* To thousandths, as resources are by default; away from zero. */
static void test_rounding(_unused_ void **state) {
        static const struct {
                const char *text, *rounded;
        } cases[] = {
                { "100u", "1m" },
                { "-1n", "-1m" },
                { "1.0005", "1001m" },
                { "-2.00001", "-2001m" },
                { "0.0000", "0" },
                { "1.500", "1.500" }, /* nothing to round: the spelling stays */
                { "+1", "+1" },
                { "12345678901234567890.0001", "12345678901234567890001m" },
        };
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct quantity q;

                assert_int_equal(quantity_parse(&arena, str_from(cases[i].text), &q, NULL), 0);
                quantity_round_up(&arena, &q, -3);
                assert_str(quantity_text(&arena, &q), cases[i].rounded);
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
                cmocka_unit_test(test_bounds),  cmocka_unit_test(test_rounding),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
