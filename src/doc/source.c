/*
 * Preparing a text for reading, and finding its lines.
 */
#include "base/utf8.h"
#include "base/vec.h"
#include "doc/doc.h"
#include "doc/locate.h"

enum encoding { UTF8, UTF16_LE, UTF16_BE, UTF32_LE, UTF32_BE };

/* The encoding that the byte order mark of TEXT tells, and its length. */
static enum encoding find_encoding(struct str text, size_t *ret_bom) {
        static const struct {
                struct str bom;
                enum encoding encoding;
        } marks[] = {
                { STR_INIT("\xff\xfe\0\0"), UTF32_LE }, { STR_INIT("\0\0\xfe\xff"), UTF32_BE },
                { STR_INIT("\xef\xbb\xbf"), UTF8 },     { STR_INIT("\xff\xfe"), UTF16_LE },
                { STR_INIT("\xfe\xff"), UTF16_BE },
        };

        for (size_t i = 0; i < ELEMENTS(marks); i++)
                if (str_starts(text, marks[i].bom)) {
                        *ret_bom = marks[i].bom.len;
                        return marks[i].encoding;
                }
        *ret_bom = 0;
        return UTF8;
}

/* SIZE bytes at P as a number. */
static uint32_t read_unit(const char *p, size_t size, bool big_endian) {
        uint32_t unit = 0;

        for (size_t i = 0; i < size; i++)
                unit = unit << 8 | (unsigned char)p[big_endian ? i : size - 1 - i];
        return unit;
}

/* The character at *AT of TEXT, in units of SIZE bytes; -1 where there is none. */
static int32_t read_wide(struct str text, size_t *at, size_t size, bool big_endian) {
        uint32_t unit, low;

        if (text.len - *at < size)
                return -1;
        unit = read_unit(text.ptr + *at, size, big_endian);
        *at += size;
        if (unit < 0xd800 || (unit > 0xdfff && unit <= 0x10ffff))
                return (int32_t)unit;
        if (size == 4 || unit > 0xdbff || text.len - *at < size)
                return -1;
        low = read_unit(text.ptr + *at, size, big_endian);
        if (low < 0xdc00 || low > 0xdfff)
                return -1;
        *at += size;
        return (int32_t)(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
}

/* The place behind what has been converted so far. */
static int fail_at(struct str converted, struct error *error, const char *message) {
        struct doc_pos pos = text_place(converted, (struct doc_pos){ 1, 1 }, converted.len);

        return error_set_at(error, -EILSEQ, pos.line, pos.column, "%s", message);
}

static int convert(struct arena *arena, struct str text, size_t size, bool big_endian,
                   struct str *ret, struct error *error) {
        size_t room, length = 0;
        char *out;

        /* A unit of two bytes becomes at most three, a pair of units or one of four at most four.
         */
        if (__builtin_mul_overflow(text.len / size + 1, size + 1, &room))
                out_of_memory();
        out = arena_alloc(arena, room + 4);
        for (size_t at = 0; at < text.len;) {
                int32_t code = read_wide(text, &at, size, big_endian);

                if (code < 0)
                        return fail_at((struct str){ out, length }, error,
                                       size == 2 ? "invalid UTF-16 (the file begins with its byte "
                                                   "order mark): is the file complete?"
                                                 : "invalid UTF-32 (the file begins with its byte "
                                                   "order mark): is the file complete?");
                length += utf8_encode(code, out + length);
        }
        *ret = (struct str){ out, length };
        return 0;
}

/* The offset of the first byte that is NUL or not UTF-8, or the length of TEXT. */
static size_t find_invalid(struct str text) {
        size_t i = 0;

        while (i < text.len) {
                size_t start = i;

                if (text.len - i >= 8) {
                        uint64_t word;

                        memcpy(&word, text.ptr + i, 8);
                        if (((word | (word - 0x0101010101010101u)) & 0x8080808080808080u) == 0) {
                                i += 8;
                                continue;
                        }
                }
                if (text.ptr[i] > 0)
                        i++;
                else if (utf8_next(text, &i) <= 0)
                        return start;
        }
        return text.len;
}

int doc_source_init(struct arena *arena, struct str name, struct str text, struct doc_source *ret,
                    struct error *error) {
        size_t bom, invalid;
        enum encoding encoding = find_encoding(text, &bom);
        int r = 0;

        text = str_slice(text, bom, text.len);
        if (encoding != UTF8)
                r = convert(arena, text, encoding == UTF16_LE || encoding == UTF16_BE ? 2 : 4,
                            encoding == UTF16_BE || encoding == UTF32_BE, &text, error);
        if (r >= 0) {
                invalid = find_invalid(text);
                if (invalid < text.len)
                        r = fail_at(
                                str_slice(text, 0, invalid), error,
                                text.ptr[invalid] == 0
                                        ? "a NUL byte: this is no text, so neither YAML nor JSON"
                                        : "invalid UTF-8: this is no text, or it was saved in "
                                          "another encoding");
        }
        if (r < 0) {
                error_set_file(error, name);
                return r;
        }
        *ret = (struct doc_source){ .name = name, .text = text };
        return 0;
}

void doc_lines_init(struct arena *arena, struct str text, struct doc_lines *ret) {
        size_t count = 1;

        for (int pass = 0; pass < 2; pass++) {
                size_t line = 1;

                for (size_t i = 0; i < text.len; i++) {
                        char c = text.ptr[i];

                        if (c != '\n' &&
                            (c != '\r' || (i + 1 < text.len && text.ptr[i + 1] == '\n')))
                                continue;
                        if (pass == 0)
                                count++;
                        else
                                ret->starts[line++] = i + 1;
                }
                if (pass == 0) {
                        *ret = (struct doc_lines){ .text = text, .count = count };
                        ret->starts = arena_new_array(arena, count, size_t);
                }
        }
}

struct str doc_line(const struct doc_lines *lines, uint32_t line) {
        size_t start, end;

        if (line == 0 || line > lines->count)
                return STR("");
        start = lines->starts[line - 1];
        end = line < lines->count ? lines->starts[line] : lines->text.len;
        while (end > start &&
               (lines->text.ptr[end - 1] == '\n' || lines->text.ptr[end - 1] == '\r'))
                end--;
        return str_slice(lines->text, start, end);
}
