/*
 * From a place in the text of a scalar to a place in the file.
 *
 * An expression is written in YAML as a plain, quoted or block scalar; its compiler counts lines
 * and columns within the value. For a literal block ("|") the lines correspond. For folded text
 * each line of the file contributes its words and the break counts as one character. Escapes in
 * double quotes and blank lines in folded text can shift the column; the line stays right or close,
 * which is what a person needs.
 */
#include "base/utf8.h"
#include "base/util.h"
#include "policy/private.h"

/* Bytes of the line that begins at FROM, without its end. */
static struct str line_at(struct str text, size_t from, size_t *ret_next) {
        size_t end = from;

        while (end < text.len && text.ptr[end] != '\n')
                end++;
        *ret_next = end < text.len ? end + 1 : text.len;
        return str_slice(text, from, end);
}

static size_t line_offset(struct str text, uint32_t line) {
        size_t at = 0;

        while (line > 1 && at < text.len) {
                line_at(text, at, &at);
                line--;
        }
        return at;
}

static size_t indent_of(struct str line) {
        size_t n = 0;

        while (n < line.len && line.ptr[n] == ' ')
                n++;
        return n;
}

/* The first character of the scalar itself: '|' or '>' for a block. Anchors and tags may come
 * before it. */
static char indicator(const struct doc_source *source, const struct doc_node *node) {
        size_t at = line_offset(source->text, node->start.line), next;
        struct str line = line_at(source->text, at, &next);
        size_t offset = utf8_offset(line, node->start.column - 1);

        while (offset < line.len && (line.ptr[offset] == '&' || line.ptr[offset] == '!')) {
                while (offset < line.len && line.ptr[offset] != ' ')
                        offset++;
                while (offset < line.len && line.ptr[offset] == ' ')
                        offset++;
        }
        return offset < line.len ? line.ptr[offset] : 0;
}

static struct doc_pos in_literal(const struct doc_source *source, const struct doc_node *node,
                                 uint32_t line, uint32_t column) {
        size_t at = line_offset(source->text, node->start.line + 1), next;
        size_t indent = 0;

        /* The first line with text sets the indentation. */
        for (size_t from = at; from < source->text.len; from = next) {
                struct str text = line_at(source->text, from, &next);

                if (str_trim(text).len > 0) {
                        indent = indent_of(text);
                        break;
                }
        }
        return (struct doc_pos){ node->start.line + line, (uint32_t)indent + column };
}

/* Folded, plain or quoted: COLUMN characters into the words of the lines from NODE on. */
static struct doc_pos in_folded(const struct doc_source *source, const struct doc_node *node,
                                bool block, uint32_t column) {
        uint32_t line = node->start.line + block;
        size_t at = line_offset(source->text, line), next;
        size_t before = block ? 0 : node->start.column - 1;

        if (!block && (node->flags & DOC_QUOTED))
                before++;
        while (at < source->text.len) {
                struct str text = line_at(source->text, at, &next);
                size_t skip = MAX(before, indent_of(text)), count = utf8_count(text);
                size_t length = count > skip ? count - skip : 0;

                if (column <= length + 1 || line >= node->end.line)
                        return (struct doc_pos){ line, (uint32_t)skip + column };
                column -= (uint32_t)length + 1;
                before = 0;
                line++;
                at = next;
        }
        return node->start;
}

struct doc_pos policy_place(const struct doc_source *source, const struct doc_node *node,
                            uint32_t line, uint32_t column) {
        char first = indicator(source, node);

        if (line == 0)
                return node->start;
        if (first == '|')
                return in_literal(source, node, line, column);
        return in_folded(source, node, first == '>', column);
}
