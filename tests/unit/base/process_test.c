#include "../test.h"

#include <errno.h>

#include "base/process.h"
#include "base/util.h"

static int run(const char *const *argv, struct str input, size_t limit, struct buf *output,
               struct error *error) {
        const struct process process = { argv, input, limit };

        *error = (struct error){ 0 };
        return process_run(&process, output, error);
}

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void input_goes_in_and_output_comes_out(void **state _unused_) {
        struct buf large _cleanup_(buf_free) = BUF_INIT, output _cleanup_(buf_free) = BUF_INIT;
        struct error error;

        /* More than a pipe holds. */
        buf_add_repeat(&large, 'x', 1 << 20);
        assert_int_equal(run(ARGV("cat"), buf_str(&large), 2 << 20, &output, &error), 0);
        assert_true(str_eq(buf_str(&output), buf_str(&large)));
}

static void arguments_are_not_read_by_a_shell(void **state _unused_) {
        struct buf output _cleanup_(buf_free) = BUF_INIT;
        struct error error;

        assert_int_equal(
                run(ARGV("echo", "$HOME; `id`", "two words"), STR(""), 100, &output, &error), 0);
        assert_str(buf_str(&output), "$HOME; `id` two words\n");
}

static void a_failure_is_told_in_the_words_of_the_program(void **state _unused_) {
        struct buf output _cleanup_(buf_free) = BUF_INIT;
        struct error error;

        assert_int_equal(run(ARGV("sh", "-c", "echo broken >&2; echo more >&2; exit 3"), STR(""),
                             100, &output, &error),
                         3);
        assert_string_equal(error.message, "sh: broken");
        assert_int_equal(run(ARGV("sh", "-c", "kill -9 $$"), STR(""), 100, &output, &error),
                         -EINTR);
}

static void there_may_be_no_such_program(void **state _unused_) {
        struct buf output _cleanup_(buf_free) = BUF_INIT;
        struct error error;

        assert_int_equal(run(ARGV("/nonexistent/program"), STR(""), 100, &output, &error), -ENOENT);
        assert_string_equal(error.message,
                            "cannot run /nonexistent/program: No such file or directory");
}

static void endless_output_is_cut_off(void **state _unused_) {
        struct buf output _cleanup_(buf_free) = BUF_INIT;
        struct error error;

        assert_int_equal(run(ARGV("yes"), STR(""), 1 << 20, &output, &error), -EFBIG);
        assert_true(output.len <= 1 << 20);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(input_goes_in_and_output_comes_out),
                cmocka_unit_test(arguments_are_not_read_by_a_shell),
                cmocka_unit_test(a_failure_is_told_in_the_words_of_the_program),
                cmocka_unit_test(there_may_be_no_such_program),
                cmocka_unit_test(endless_output_is_cut_off),
        };

        return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
