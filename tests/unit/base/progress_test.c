#include "../test.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/util.h"

static void check(const struct progress_state *state, size_t width, const char *expected) {
        struct buf line _cleanup_(buf_free) = BUF_INIT;

        progress_format(&line, "judging", state, width);
        assert_str(buf_str(&line), expected);
}

static void the_line_fits(void **state _unused_) {
        struct progress_state s = { .done = 412,
                                    .total = 1903,
                                    .bytes = 18234567,
                                    .current = STR("examples/shop/cart.yaml") };

        check(&s, 80, "judging  412/1,903 files  18.2 MB  examples/shop/cart.yaml");
        check(&s, 50, "judging  412/1,903 files  18.2 MB  ...op/cart.yaml");
        check(&s, 36, "judging  412/1,903 files  18.2 MB  ");
        check(&s, 20, "judging  412/1,903 f");
        s = (struct progress_state){ .done = 1234567, .bytes = 999949 };
        check(&s, 80, "judging  1,234,567 files  999.9 kB  ");
        s.bytes = 999950;
        check(&s, 80, "judging  1,234,567 files  1.0 MB  ");
}

static void names_cannot_drive_the_terminal(void **state _unused_) {
        const struct progress_state s = { .current = STR("a\x1b[2J\n\xff"
                                                         "b") };

        check(&s, 80, "judging  0 files  0.0 kB  a\\x1b[2J\\n\\xffb");
}

struct terminal {
        int ours, theirs;
};

/* A pseudo-terminal of 60 columns: what is written to `theirs` can be read from `ours`. */
static struct terminal terminal_open(void) {
        struct terminal terminal = { .ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) };
        struct winsize size = { .ws_row = 24, .ws_col = 60 };

        if (terminal.ours < 0 || grantpt(terminal.ours) < 0 || unlockpt(terminal.ours) < 0) {
                print_message("there are no pseudo-terminals here\n");
                skip();
        }
        terminal.theirs = open(ptsname(terminal.ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(terminal.theirs >= 0);
        assert_int_equal(ioctl(terminal.theirs, TIOCSWINSZ, &size), 0);
        return terminal;
}

static void terminal_read(const struct terminal *terminal, struct buf *ret) {
        struct pollfd ready = { .fd = terminal->ours, .events = POLLIN };
        char text[4096];

        while (poll(&ready, 1, 20) > 0) {
                ssize_t n = read(terminal->ours, text, sizeof text);

                if (n <= 0)
                        break;
                buf_add(ret, (struct str){ text, (size_t)n });
        }
}

static void wait_ms(long ms) {
        const struct timespec time = { .tv_nsec = ms * 1000000 };

        nanosleep(&time, NULL);
}

static size_t count(struct str text, struct str part) {
        size_t n = 0;

        for (ptrdiff_t at = str_find(text, part, 0); at >= 0;
             at = str_find(text, part, (size_t)at + 1))
                n++;
        return n;
}

static void appears_late_and_leaves_no_trace(void **state _unused_) {
        const struct progress_state s = { .done = 1, .current = STR("a.yaml") };
        struct terminal terminal = terminal_open();
        struct buf seen _cleanup_(buf_free) = BUF_INIT;
        struct progress progress;

        progress_start(&progress, terminal.theirs, "judging", true);
        for (int i = 0; i < 30; i++) {
                progress_update(&progress, &s);
                wait_ms(10);
        }
        terminal_read(&terminal, &seen); /* 0.3 s: nothing yet */
        assert_int_equal(seen.len, 0);
        wait_ms(300);
        for (int i = 0; i < 1000; i++)
                progress_update(&progress, &s);
        terminal_read(&terminal, &seen);
        assert_str(buf_str(&seen),
                   "\rjudging  1 files  0.0 kB  a.yaml\x1b[K"); /* once, not 1000 times */
        buf_clear(&seen);
        for (int i = 0; i < 50; i++) {
                progress_update(&progress, &s);
                wait_ms(10);
        }
        terminal_read(&terminal, &seen);
        assert_in_range(count(buf_str(&seen), STR("judging")), 1, 6); /* in 0.5 s or a bit more */
        buf_clear(&seen);
        progress_end(&progress);
        progress_end(&progress);
        terminal_read(&terminal, &seen);
        assert_str(buf_str(&seen), "\r\x1b[K");
        close(terminal.theirs);
        close(terminal.ours);
}

static void only_a_terminal_gets_one(void **state _unused_) {
        const struct progress_state s = { .done = 1 };
        struct progress progress;
        char text[8];
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        progress_start(&progress, ends[1], "judging", true);
        wait_ms(600);
        progress_update(&progress, &s);
        progress_end(&progress);
        assert_int_equal(read(ends[0], text, sizeof text), -1);
        close(ends[0]);
        close(ends[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_line_fits),
                cmocka_unit_test(names_cannot_drive_the_terminal),
                cmocka_unit_test(appears_late_and_leaves_no_trace),
                cmocka_unit_test(only_a_terminal_gets_one),
        };

        return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
