/*
 * The JSON reader: RFC 8259, strictly, with the place of every value.
 *
 * Numbers are read as Kubernetes' decoder (sigs.k8s.io/json) reads them: what has neither point nor
 * exponent and fits into 64 bits is an integer, everything else a double; beyond the range of
 * a double it is an error. Half a surrogate pair becomes U+FFFD, as in Go. Of equal keys the last
 * wins, and is reported.
 */
#pragma once

#include "doc/doc.h"

/* A position that moves forward through a text. */
struct json_cursor {
        const char *at, *end;
        const char *line_start;
        size_t extra; /* bytes since LINE_START that are no characters (UTF-8 tails) */
        uint32_t line;
};

/* At byte OFFSET of TEXT, which is at POS. */
void json_cursor_init(struct json_cursor *cursor, struct str text, size_t offset,
                      struct doc_pos pos);

struct doc_pos json_pos(const struct json_cursor *cursor);

/* Moves over white space. Returns false at the end of the text. */
bool json_skip_space(struct json_cursor *cursor);

/* Reads the one value at CURSOR, which stands on its first character, into DOC and moves behind it.
 * Returns 0, -EINVAL or -E2BIG with the place; then CURSOR is where reading stopped. */
int json_read(struct json_cursor *cursor, const struct doc_limits *limits, struct arena *arena,
              struct doc *doc, struct error *error);

/* Whether TEXT is a sequence of JSON values, as far as can be told without building them: a text
 * that is nested too deeply for the reader is taken for JSON. */
bool json_valid(struct str text);
