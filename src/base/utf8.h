/*
 * UTF-8.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Decodes the code point at *OFFSET of S and moves OFFSET behind it. Returns the code point, or -1
 * for a byte that is not part of valid UTF-8 (then OFFSET moves one byte). *OFFSET must be < S.len.
 * Surrogates and over-long forms are invalid. */
int32_t utf8_next(struct str s, size_t *offset);

/* Writes CODE as UTF-8 into OUT (room for 4) and returns the number of bytes; 0 for surrogates and
 * beyond U+10FFFF. */
size_t utf8_encode(int32_t code, char out[4]);

/* The number of code points; an invalid byte counts as one. */
size_t utf8_count(struct str s);

bool utf8_valid(struct str s);

/* The byte offset of code point number INDEX (S.len where INDEX is beyond the end). */
size_t utf8_offset(struct str s, size_t index);

/* How many terminal cells CODE takes: 0 for combining marks, 2 for wide East Asian and emoji,
 * else 1. */
int utf8_width(int32_t code);

/* S without white space at both ends: what Unicode calls White_Space, as Go's strings.TrimSpace. */
struct str utf8_trim(struct str s);
