#include "base/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "base/util.h"

enum {
        APPEAR_NS = 500 * 1000 * 1000,
        REDRAW_NS = 100 * 1000 * 1000,
        WIDTH_DEFAULT = 80,
};

static int64_t now_ns(void) {
        struct timespec now;

        /* The coarse clock: good to some milliseconds, and almost free. */
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void progress_start(struct progress *progress, int fd, const char *what, bool enabled) {
        *progress = (struct progress){ .fd = -1, .what = what };
        if (!enabled || !isatty(fd))
                return;
        progress->fd = fd;
        progress->start = now_ns();
}

static void add_thousands(struct buf *buf, size_t number) {
        char digits[32];
        int length = snprintf(digits, sizeof digits, "%zu", number);

        for (int i = 0; i < length; i++) {
                if (i > 0 && (length - i) % 3 == 0)
                        buf_add_char(buf, ',');
                buf_add_char(buf, digits[i]);
        }
}

static void add_bytes(struct buf *buf, size_t bytes) {
        static const char *const units[] = { "kB", "MB", "GB", "TB" };
        double value = (double)bytes / 1000;
        size_t unit = 0;

        while (value >= 999.95 && unit < 3) {
                value /= 1000;
                unit++;
        }
        buf_printf(buf, "%.1f %s", value, units[unit]);
}

/* Cuts the beginning of a long path: its end tells more. */
static void add_end(struct buf *buf, struct str text, size_t width) {
        size_t cells = 0, from;

        for (size_t i = 0; i < text.len;) {
                int32_t code = utf8_next(text, &i);

                cells += code < 0 ? 1 : (size_t)utf8_width(code);
        }
        if (cells <= width) {
                buf_add(buf, text);
                return;
        }
        if (width < 4)
                return;
        for (from = 0; from < text.len && cells > width - 3;) {
                int32_t code = utf8_next(text, &from);

                cells -= code < 0 ? 1 : (size_t)utf8_width(code);
        }
        buf_add(buf, STR("..."));
        buf_add(buf, str_slice(text, from, text.len));
}

void progress_format(struct buf *buf, const char *what, const struct progress_state *state,
                     size_t width) {
        struct buf current _cleanup_(buf_free) = BUF_INIT;
        size_t start = buf->len, used;

        buf_printf(buf, "%s  ", what);
        add_thousands(buf, state->done);
        if (state->total > 0) {
                buf_add_char(buf, '/');
                add_thousands(buf, state->total);
        }
        buf_add(buf, STR(" files  "));
        add_bytes(buf, state->bytes);
        buf_add(buf, STR("  "));
        used = buf->len - start;
        if (used >= width) {
                buf->len = start + width;
                buf->data[buf->len] = 0;
                return;
        }
        buf_add_terminal(&current, state->current);
        add_end(buf, buf_str(&current), width - used);
}

static void put(const struct progress *progress, struct str text) {
        ssize_t written = write(progress->fd, text.ptr, text.len);

        (void)written; /* a terminal that is gone needs no progress */
}

static void draw(struct progress *progress, const struct progress_state *state) {
        struct winsize size;
        size_t width = WIDTH_DEFAULT;

        if (ioctl(progress->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                width = size.ws_col;
        buf_clear(&progress->line);
        buf_add_char(&progress->line, '\r');
        /* The last column stays free: some terminals wrap when it is filled. */
        progress_format(&progress->line, progress->what, state, width - 1);
        buf_add(&progress->line, STR("\x1b[K"));
        put(progress, buf_str(&progress->line));
        progress->visible = true;
}

void progress_update(struct progress *progress, const struct progress_state *state) {
        int64_t now;

        if (progress->fd < 0)
                return;
        now = now_ns();
        if (now - progress->start < APPEAR_NS || now - progress->drawn < REDRAW_NS)
                return;
        progress->drawn = now;
        draw(progress, state);
}

void progress_hide(struct progress *progress) {
        if (progress->fd < 0 || !progress->visible)
                return;
        put(progress, STR("\r\x1b[K"));
        progress->visible = false;
}

void progress_end(struct progress *progress) {
        progress_hide(progress);
        buf_free(&progress->line);
        progress->fd = -1;
}
