#include "base/buf.h"

#include <stdio.h>

#include "base/utf8.h"
#include "base/util.h"

static void reserve(struct buf *buf, size_t more) {
        size_t wanted;

        if (__builtin_add_overflow(buf->len, more + 1, &wanted) || more == SIZE_MAX)
                out_of_memory();
        if (wanted <= buf->capacity)
                return;
        buf->capacity = MAX(wanted, MAX(buf->capacity + buf->capacity / 2, (size_t)256));
        buf->data = xrealloc(buf->data, buf->capacity, 1);
}

void buf_add(struct buf *buf, struct str s) {
        reserve(buf, s.len);
        if (s.len > 0)
                memcpy(buf->data + buf->len, s.ptr, s.len);
        buf->len += s.len;
        buf->data[buf->len] = 0;
}

void buf_add_char(struct buf *buf, char c) {
        buf_add(buf, (struct str){ &c, 1 });
}

void buf_add_repeat(struct buf *buf, char c, size_t count) {
        reserve(buf, count);
        memset(buf->data + buf->len, c, count);
        buf->len += count;
        buf->data[buf->len] = 0;
}

void buf_vprintf(struct buf *buf, const char *format, va_list args) {
        va_list again;
        int length;

        va_copy(again, args);
        length = vsnprintf(NULL, 0, format, again);
        va_end(again);
        if (length < 0)
                return;
        reserve(buf, (size_t)length);
        vsnprintf(buf->data + buf->len, (size_t)length + 1, format, args);
        buf->len += (size_t)length;
}

void buf_printf(struct buf *buf, const char *format, ...) {
        va_list args;

        va_start(args, format);
        buf_vprintf(buf, format, args);
        va_end(args);
}

struct str buf_str(const struct buf *buf) {
        return (struct str){ buf->data, buf->len };
}

void buf_clear(struct buf *buf) {
        buf->len = 0;
}

void buf_free(struct buf *buf) {
        free(buf->data);
        *buf = BUF_INIT;
}

static void add_json_code(struct buf *buf, int32_t code) {
        char utf8[4];

        switch (code) {
        case '"':
                buf_add(buf, STR("\\\""));
                return;
        case '\\':
                buf_add(buf, STR("\\\\"));
                return;
        case '\n':
                buf_add(buf, STR("\\n"));
                return;
        case '\t':
                buf_add(buf, STR("\\t"));
                return;
        case '\r':
                buf_add(buf, STR("\\r"));
                return;
        default:
                break;
        }
        if (code < 0x20 || code == 0x7f || code == 0x2028 || code == 0x2029)
                buf_printf(buf, "\\u%04x", (unsigned)code);
        else
                buf_add(buf, (struct str){ utf8, utf8_encode(code, utf8) });
}

/* Most text is plain ASCII: runs of it are copied at once. */
static size_t plain_run(struct str s, size_t from, const char *special) {
        size_t i = from;

        while (i < s.len && s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f && !strchr(special, s.ptr[i]))
                i++;
        return i;
}

void buf_add_json(struct buf *buf, struct str s) {
        buf_add_char(buf, '"');
        for (size_t i = 0; i < s.len;) {
                size_t end = plain_run(s, i, "\"\\");

                buf_add(buf, str_slice(s, i, end));
                i = end;
                if (i < s.len) {
                        int32_t code = utf8_next(s, &i);

                        add_json_code(buf, code < 0 ? 0xfffd : code);
                }
        }
        buf_add_char(buf, '"');
}

/* Characters that change how a terminal shows what follows: C1 controls, bidirectional marks and
 * overrides, zero-width characters, line and paragraph separators, tags. */
static bool is_treacherous(int32_t code) {
        return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
               (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
               (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
               (code >= 0xe0000 && code <= 0xe0fff);
}

void buf_add_terminal(struct buf *buf, struct str s) {
        for (size_t i = 0; i < s.len;) {
                size_t end = plain_run(s, i, ""), start;
                int32_t code;

                buf_add(buf, str_slice(s, i, end));
                i = end;
                if (i >= s.len)
                        break;
                start = i;
                code = utf8_next(s, &i);
                if (code == '\n')
                        buf_add(buf, STR("\\n"));
                else if (code == '\t')
                        buf_add(buf, STR("\\t"));
                else if (code < 0)
                        buf_printf(buf, "\\x%02x", (unsigned)(unsigned char)s.ptr[start]);
                else if (is_treacherous(code) && code < 0x80)
                        buf_printf(buf, "\\x%02x", (unsigned)code);
                else if (is_treacherous(code))
                        buf_printf(buf, "\\u%04x", (unsigned)code);
                else
                        buf_add(buf, str_slice(s, start, i));
        }
}
