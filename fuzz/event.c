/* The stream of a watch, however it is cut: lines come out whole and in order, and whatever is in
 * them is an event or is not. */
#include <stdlib.h>

#include "base/util.h"
#include "client/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
        struct arena arena;
        struct buf lines;
};

static int take(void *userdata, struct str line) {
        struct seen *seen = userdata;
        struct error error = { 0 };
        struct event event;
        int r;

        if (line.len == 0 || memchr(line.ptr, '\n', line.len))
                abort();
        buf_add(&seen->lines, line);
        buf_add_char(&seen->lines, '\n');
        arena_reset(&seen->arena, 1 << 16);
        r = event_read(&seen->arena, line, &event, &error);
        if (r < 0 && error.message[0] == '\0')
                abort();
        if (r >= 0 && (!event.object || event.object->kind != DOC_MAP))
                abort();
        if (r >= 0 && event.type != EVENT_ERROR && event.version.len == 0)
                abort();
        return 0;
}

/* The same text in pieces of PIECE bytes gives the same lines. */
static struct buf lines_of(struct str text, size_t piece) {
        struct line_cutter cutter = { .limit = 1 << 16 };
        struct seen seen = { .arena = ARENA_INIT };
        int r = 0;

        while (text.len > 0 && r >= 0) {
                struct str part = str_slice(text, 0, piece);

                r = line_cutter_add(&cutter, part, take, &seen);
                text = str_slice(text, part.len, text.len);
        }
        line_cutter_free(&cutter);
        arena_free(&seen.arena);
        return seen.lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct buf whole _cleanup_(buf_free) = BUF_INIT, cut _cleanup_(buf_free) = BUF_INIT;
        struct str text;

        if (size == 0)
                return 0;
        text = (struct str){ (const char *)data + 1, size - 1 };
        whole = lines_of(text, SIZE_MAX);
        cut = lines_of(text, (size_t)data[0] + 1);
        if (!str_eq(buf_str(&whole), buf_str(&cut)))
                abort();
        return 0;
}
