/*
 * What the libraries share: building text in the scratch arena, lists of strings, and the error of
 * an exhausted budget. Private to src/cel/lib.
 *
 * A library is a table of rows (cel/func.h) whose functions get values of the right kinds: what is
 * checked here is only what types cannot say. Work that grows with the size of a value is charged.
 */
#pragma once

#include "base/util.h"
#include "cel/func.h"
#include "cel/number.h"

#define CEL_LIBRARY(variable, title, table)                                                        \
        const struct cel_library variable = { .name = (title),                                     \
                                              .rows = (table),                                     \
                                              .count = ELEMENTS(table) }

/* Text that grows in an arena. Never NUL-terminated. */
struct builder {
        struct arena *arena;
        char *data;
        size_t len, capacity;
};

void builder_add(struct builder *builder, struct str s);
void builder_add_char(struct builder *builder, char c);
void builder_add_repeat(struct builder *builder, char c, size_t count);
void builder_add_rune(struct builder *builder, int32_t code); /* U+FFFD for what is none */
void builder_printf(struct builder *builder, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static inline struct str builder_str(const struct builder *builder) {
        return (struct str){ builder->data, builder->len };
}

/* COUNT strings as a list value. */
struct cel_value cel_string_list(struct arena *arena, const struct str *strings, size_t count);

/* Charges for work on SIZE bytes, which is cheap next to a step of evaluation. False: give up, and
 * return cel_give_up(). */
bool cel_charge_bytes(struct cel_context *context, size_t size);
struct cel_value cel_give_up(struct cel_context *context);

/* White_Space of Unicode (Go's unicode.IsSpace). */
bool cel_is_space(int32_t code);

/* Bytes outside of UTF-8 become U+FFFD, as in Go's conversion to runes; valid text is returned as
 * it is. */
struct str cel_valid_text(struct arena *arena, struct str s);
