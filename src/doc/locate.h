/*
 * From libyaml's marks to places in the source.
 *
 * A mark counts characters, not bytes, and its lines also end at U+0085, U+2028 and U+2029, which
 * no editor takes for line ends. Most texts are ASCII and have none of these; then a mark is a
 * place already. Otherwise a cursor walks over the text once, along with the parser, whose marks
 * only move forward.
 */
#pragma once

#include <yaml.h>

#include "doc/doc.h"

/* What has to be known about a text before libyaml reads it. */
struct text_survey {
        bool ascii;          /* nothing but ASCII */
        bool odd_lines;      /* holds U+0085, U+2028 or U+2029 */
        bool forbidden;      /* holds a character that YAML does not allow: */
        size_t forbidden_at; /* where (bytes), */
        int32_t character;   /* and which */
};
void text_survey(struct str text, struct text_survey *ret);

struct locator {
        struct str text;
        struct text_survey survey;
        uint32_t first_line;
        size_t index, offset; /* the cursor: characters and bytes from the start */
        struct doc_pos pos;   /* of the cursor */
};

/* LINE is the line at which TEXT begins; it begins in column 1. */
void locator_init(struct locator *locator, struct str text, uint32_t line,
                  const struct text_survey *survey);

struct doc_pos locator_pos(struct locator *locator, const yaml_mark_t *mark);

/* The byte offset of MARK within the text. */
size_t locator_offset(struct locator *locator, const yaml_mark_t *mark);

/* The end of a block scalar: behind its last line that is not empty, instead of where the next
 * content begins. */
struct doc_pos locator_block_end(struct locator *locator, const yaml_mark_t *start,
                                 const yaml_mark_t *end);

/* The place of byte OFFSET of TEXT, whose first byte is at FROM. Lines end with \n, \r\n or \r. */
struct doc_pos text_place(struct str text, struct doc_pos from, size_t offset);
