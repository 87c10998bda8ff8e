#include "doc/locate.h"

#include "base/utf8.h"
#include "base/util.h"

/* Whether any byte of WORD is a control character, DEL or not ASCII. */
static bool is_special_word(uint64_t word) {
        const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
        uint64_t below_space = (word - ones * 0x20) & ~word;
        uint64_t del = word ^ (ones * 0x7f);

        del = (del - ones) & ~del;
        return ((below_space | del | word) & high) != 0;
}

/* YAML 1.1, 5.1: the characters that a stream may hold. */
static bool is_allowed(int32_t code) {
        return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code <= 0x7e) ||
               code == 0x85 || (code >= 0xa0 && code <= 0xd7ff) ||
               (code >= 0xe000 && code <= 0xfffd) || code >= 0x10000;
}

void text_survey(struct str text, struct text_survey *ret) {
        size_t i = 0;

        *ret = (struct text_survey){ .ascii = true };
        while (i < text.len) {
                size_t start = i;
                int32_t code;

                if (text.len - i >= 8) {
                        uint64_t word;

                        memcpy(&word, text.ptr + i, 8);
                        if (!is_special_word(word)) {
                                i += 8;
                                continue;
                        }
                }
                if (text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f) {
                        i++;
                        continue;
                }
                code = utf8_next(text, &i);
                if (code >= 0x80)
                        ret->ascii = false;
                if (code == 0x85 || code == 0x2028 || code == 0x2029)
                        ret->odd_lines = true;
                if (!is_allowed(code)) {
                        ret->forbidden = true;
                        ret->forbidden_at = start;
                        ret->character = code;
                        return;
                }
        }
}

void locator_init(struct locator *locator, struct str text, uint32_t line,
                  const struct text_survey *survey) {
        *locator = (struct locator){
                .text = text, .survey = *survey, .first_line = line, .pos = { line, 1 }
        };
}

/* Moves POS over the character at *AT of TEXT. The \r of \r\n leaves the line to the \n. */
static void step(struct str text, size_t *at, struct doc_pos *pos) {
        char c = text.ptr[*at];

        utf8_next(text, at);
        if (c == '\n' || (c == '\r' && (*at == text.len || text.ptr[*at] != '\n'))) {
                pos->line++;
                pos->column = 1;
        } else {
                pos->column++;
        }
}

static void advance(struct locator *locator, size_t index) {
        while (locator->index < index && locator->offset < locator->text.len) {
                step(locator->text, &locator->offset, &locator->pos);
                locator->index++;
        }
}

struct doc_pos locator_pos(struct locator *locator, const yaml_mark_t *mark) {
        if (locator->survey.odd_lines && mark->index >= locator->index) {
                advance(locator, mark->index);
                return locator->pos;
        }
        return (struct doc_pos){ locator->first_line + (uint32_t)mark->line,
                                 (uint32_t)mark->column + 1 };
}

size_t locator_offset(struct locator *locator, const yaml_mark_t *mark) {
        if (locator->survey.ascii)
                return MIN((size_t)mark->index, locator->text.len);
        advance(locator, mark->index);
        return locator->offset;
}

static bool is_line_end(char c) {
        return c == '\n' || c == '\r';
}

/* The end of the text before END without the empty lines that end it. Not before FROM. */
static size_t skip_empty_lines(struct str text, size_t from, size_t end) {
        for (;;) {
                size_t line;

                while (end > from && is_line_end(text.ptr[end - 1]))
                        end--;
                for (line = end; line > from && text.ptr[line - 1] == ' ';)
                        line--;
                if (line == from || !is_line_end(text.ptr[line - 1]))
                        return end;
                end = line;
        }
}

struct doc_pos locator_block_end(struct locator *locator, const yaml_mark_t *start,
                                 const yaml_mark_t *end) {
        struct doc_pos pos = locator_pos(locator, start);
        size_t from = locator_offset(locator, start);
        struct doc_pos last = locator_pos(locator, end);
        size_t until = locator_offset(locator, end);
        size_t to = skip_empty_lines(locator->text, from, until), line = to;
        uint32_t breaks = 0;

        for (size_t i = to; i < until; i++)
                if (locator->text.ptr[i] == '\n' ||
                    (locator->text.ptr[i] == '\r' &&
                     (i + 1 == until || locator->text.ptr[i + 1] != '\n')))
                        breaks++;
        while (line > from && !is_line_end(locator->text.ptr[line - 1]))
                line--;
        if (line == from) /* nothing but the header */
                return text_place(str_slice(locator->text, from, to), pos, to - from);
        pos.line = last.line - breaks;
        pos.column = (uint32_t)utf8_count(str_slice(locator->text, line, to)) + 1;
        return pos;
}

struct doc_pos text_place(struct str text, struct doc_pos from, size_t offset) {
        text.len = MIN(text.len, offset);
        for (size_t i = 0; i < text.len;)
                step(text, &i, &from);
        return from;
}
