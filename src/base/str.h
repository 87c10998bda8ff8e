/*
 * Strings as {pointer, length}.
 *
 * A `struct str` borrows its bytes: it owns nothing and need not end in NUL, so a field of a
 * manifest is a view into the arena that holds the document. Two strings are equal when their bytes
 * are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
        const char *ptr;
        size_t len;
};

/* For printf: "%.*s", STR_ARG(s). Lengths beyond INT_MAX are cut. */
#define STR_ARG(s) ((int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len)), ((s).ptr ? (s).ptr : "")

/* A string literal. */
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })

/* The same, for static initialisers. */
#define STR_INIT(literal)                                                                          \
        { "" literal, sizeof(literal) - 1 }

static inline struct str str_from(const char *text) {
        return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b) {
        return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Byte order; a prefix sorts first. Returns <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* The bytes [FROM, TO) of S, clamped to S. */
struct str str_slice(struct str s, size_t from, size_t to);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Where NEEDLE first occurs in S at or after FROM, or -1. An empty needle is found at FROM. */
ptrdiff_t str_find(struct str s, struct str needle, size_t from);

/* S without ASCII white space at both ends. */
struct str str_trim(struct str s);

/* Cuts the text before the next SEPARATOR off *REST into *RET_PART. Returns false when REST was
 * exhausted (ptr NULL). */
bool str_split(struct str *rest, char separator, struct str *ret_part);

/* The number of edits (insert, delete, replace, swap) between two short strings; SIZE_MAX where one
 * is over 64 bytes. Used for "did you mean". */
size_t str_distance(struct str a, struct str b);

/* A hash with a seed drawn once per process, so that no input can be prepared to collide. */
uint32_t str_hash(struct str s);
