/* Expected values are what Go's time package writes for what it reads. */
#include "../test.h"

#include <errno.h>

#include "base/util.h"
#include "kube/moment.h"

static void times_are_written_in_utc(void **state _unused_) {
        static const struct {
                const char *text, *seconds, *micro;
        } cases[] = {
                { "2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z", "2024-05-06T07:08:09.000000Z" },
                { "2024-05-06T07:08:09+02:00", "2024-05-06T05:08:09Z",
                  "2024-05-06T05:08:09.000000Z" },
                { "2024-02-29T23:59:59-01:30", "2024-03-01T01:29:59Z",
                  "2024-03-01T01:29:59.000000Z" },
                { "2024-05-06T07:08:09.5Z", "2024-05-06T07:08:09Z", "2024-05-06T07:08:09.500000Z" },
                { "2024-12-31T23:59:59.999999999-00:01", "2025-01-01T00:00:59Z",
                  "2025-01-01T00:00:59.999999Z" },
                { "0001-01-01T00:00:00Z", "", "" },
        };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str text;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_int_equal(kube_time_text(&arena, str_from(cases[i].text), false, &text), 0);
                assert_str(text, cases[i].seconds);
                assert_int_equal(kube_time_text(&arena, str_from(cases[i].text), true, &text), 0);
                assert_str(text, cases[i].micro);
        }
        assert_int_equal(kube_time_text(&arena, STR("yesterday"), false, &text), -EINVAL);
}

static void durations_have_one_spelling(void **state _unused_) {
        static const struct {
                const char *text, *written;
        } cases[] = {
                { "0", "0s" },
                { "1ns", "1ns" },
                { "1500ns", "1.5\u00b5s" },
                { "1500us", "1.5ms" },
                { "100ms", "100ms" },
                { "1.5s", "1.5s" },
                { "1m", "1m0s" },
                { "-1.5h", "-1h30m0s" },
                { "2h45m30.5s", "2h45m30.5s" },
                { "1h1ns", "1h0m0.000000001s" },
                { "-2562047h47m16.854775808s", "-2562047h47m16.854775808s" },
        };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str text;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_int_equal(kube_duration_text(&arena, str_from(cases[i].text), &text), 0);
                assert_str(text, cases[i].written);
        }
        assert_int_equal(kube_duration_text(&arena, STR("1 h"), &text), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times_are_written_in_utc),
                cmocka_unit_test(durations_have_one_spelling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
