/*
 * A growing byte buffer for building output. Always NUL-terminated once something was added; `data`
 * may be NULL before.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
        char *data;
        size_t len, capacity;
};

#define BUF_INIT ((struct buf){ 0 })

void buf_add(struct buf *buf, struct str s);
void buf_add_char(struct buf *buf, char c);
void buf_add_repeat(struct buf *buf, char c, size_t count);
void buf_printf(struct buf *buf, const char *format, ...)
        __attribute__((format(printf, 2, 3), nonnull(2)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
        __attribute__((format(printf, 2, 0), nonnull(2)));
struct str buf_str(const struct buf *buf);
void buf_clear(struct buf *buf);
void buf_free(struct buf *buf);

/* S as a JSON string with quotes. Invalid UTF-8 becomes U+FFFD; control characters, DEL, U+2028/9
 * are escaped. */
void buf_add_json(struct buf *buf, struct str s);

/* S for a terminal: control characters, escape sequences, bidirectional overrides and invalid UTF-8
 * become visible escapes (\x1b, \u202e), so that no input can drive the terminal. Newlines are
 * escaped too. */
void buf_add_terminal(struct buf *buf, struct str s);
