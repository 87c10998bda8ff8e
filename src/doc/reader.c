/*
 * Iterating over the documents of a source.
 *
 * A YAML stream is cut into documents by looking at lines only, before any of it is parsed: within
 * a document no line can begin with a marker, not even in quotes or in a block scalar. So a broken
 * document ends where the next begins.
 */
#include "doc/doc.h"

#include "base/util.h"
#include "doc/json.h"
#include "doc/yaml_read.h"

const struct doc_limits doc_default_limits = {
        .file_bytes = 64 << 20,
        .depth = 256,
        .nodes = 4000000,
        .alias_nodes = 200000,
        .scalar_bytes = 16 << 20,
};

/* Lines are counted in 32 bits. */
static const size_t FILE_BYTES_MAX = (size_t)1 << 31;

/* --- cutting --- */

/* The text of one document. */
struct chunk {
        size_t start, end;
        uint32_t line; /* at START */
        bool empty;    /* nothing but comments and markers */
};

struct line_cursor {
        struct str text;
        size_t at, end; /* the next line begins at AT; nothing is read at or beyond END */
        size_t newline; /* where the next \n is, when not before AT: lines may end with \r alone */
        uint32_t line;
};

/* Cuts off the next line, without its end. Lines end with \n, \r\n or \r. */
static bool next_line(struct line_cursor *cursor, struct str *ret) {
        const char *start = cursor->text.ptr + cursor->at, *hit;
        size_t left = cursor->end - cursor->at, length;

        if (left == 0)
                return false;
        if (cursor->newline < cursor->at || cursor->at == 0) {
                hit = memchr(start, '\n', left);
                cursor->newline = hit ? (size_t)(hit - cursor->text.ptr) : cursor->end;
        }
        length = cursor->newline - cursor->at;
        hit = memchr(start, '\r', length);
        if (hit)
                length = (size_t)(hit - start);
        *ret = (struct str){ start, length };
        if (hit && cursor->newline == cursor->at + length + 1)
                length++;
        cursor->at += MIN(length + 1, left);
        cursor->line++;
        return true;
}

/* Whether LINE is MARKER followed by white space or nothing. */
static bool is_marker(struct str line, struct str marker) {
        return str_starts(line, marker) && (line.len == marker.len || line.ptr[marker.len] == ' ' ||
                                            line.ptr[marker.len] == '\t');
}

static bool is_blank_or_comment(struct str line) {
        size_t i = 0;

        while (i < line.len && (line.ptr[i] == ' ' || line.ptr[i] == '\t'))
                i++;
        return i == line.len || line.ptr[i] == '#';
}

/* Cuts the next document off. It begins with its directives, comments and "---", as far as they are
 * there, and ends before the "---" of the next or behind "...". */
static bool next_chunk(struct line_cursor *cursor, struct chunk *ret) {
        bool begun = false, directives = false;
        struct line_cursor ahead = *cursor;
        struct str line;

        *ret = (struct chunk){ .start = cursor->at, .line = cursor->line, .empty = true };
        while (next_line(&ahead, &line)) {
                char first = line.len ? line.ptr[0] : '#';

                if (first == '-' && is_marker(line, STR("---"))) {
                        if (begun)
                                break;
                        begun = true;
                        line = str_slice(line, 3, line.len);
                } else if (first == '.' && is_marker(line, STR("..."))) {
                        *cursor = ahead;
                        if (begun || !directives)
                                break;
                        continue;
                } else if (first == '%' && !begun) {
                        directives = true;
                        *cursor = ahead;
                        continue;
                }
                if (ret->empty && !is_blank_or_comment(line)) {
                        ret->empty = false;
                        begun = true;
                }
                *cursor = ahead;
        }
        if (directives && !begun)
                ret->empty = false; /* an error, and to be told as such */
        ret->end = cursor->at;
        return ret->end > ret->start;
}

/* --- the reader --- */

static bool is_too_large(const struct doc_reader *reader) {
        return reader->source->text.len > MIN(reader->limits.file_bytes, FILE_BYTES_MAX);
}

static enum doc_format guess_format(struct str text) {
        size_t i = 0;

        while (i < text.len && (text.ptr[i] == ' ' || text.ptr[i] == '\t' || text.ptr[i] == '\n' ||
                                text.ptr[i] == '\r'))
                i++;
        if (i == text.len || (text.ptr[i] != '{' && text.ptr[i] != '['))
                return DOC_YAML;
        return json_valid(text) ? DOC_JSON : DOC_YAML;
}

void doc_reader_init(struct doc_reader *reader, const struct doc_source *source,
                     enum doc_format format, const struct doc_limits *limits) {
        *reader = (struct doc_reader){ .source = source,
                                       .limits = limits ? *limits : doc_default_limits,
                                       .format = format,
                                       .end = source->text.len,
                                       .line = 1,
                                       .column = 1 };
        if (format == DOC_AUTO)
                reader->format = is_too_large(reader) ? DOC_YAML : guess_format(source->text);
}

static struct line_cursor line_cursor(const struct doc_reader *reader) {
        return (struct line_cursor){ .text = reader->source->text,
                                     .at = reader->offset,
                                     .end = reader->end,
                                     .line = reader->line };
}

bool doc_reader_cut(struct doc_reader *reader, size_t bytes, struct doc_reader *ret_part) {
        struct line_cursor cursor = line_cursor(reader), before = cursor;
        uint32_t count = 0;
        struct chunk chunk;

        if (reader->offset >= reader->end)
                return false;
        *ret_part = *reader;
        if (reader->format == DOC_JSON || is_too_large(reader)) {
                reader->offset = reader->end;
                return true;
        }
        while (next_chunk(&cursor, &chunk)) {
                if (count > 0 && chunk.end - reader->offset > bytes) {
                        cursor = before;
                        break;
                }
                count += !chunk.empty;
                before = cursor;
        }
        ret_part->end = cursor.at;
        reader->offset = cursor.at;
        reader->line = cursor.line;
        reader->index += count;
        return true;
}

static struct doc *new_doc(const struct doc_reader *reader, struct arena *arena) {
        struct doc *doc = arena_new(arena, struct doc);

        doc->source = reader->source;
        doc->index = reader->index;
        return doc;
}

/* Gives back what a document took that could not be read. */
static int give_up(const struct doc_reader *reader, struct arena *arena, struct arena_mark mark,
                   int r, struct error *error) {
        arena_rewind(arena, mark);
        error_set_file(error, reader->source->name);
        return r;
}

static int read_yaml(struct doc_reader *reader, struct arena *arena, struct doc **ret,
                     struct error *error) {
        struct line_cursor cursor = line_cursor(reader);
        struct arena_mark mark = arena_mark(arena);
        struct chunk chunk;

        while (next_chunk(&cursor, &chunk)) {
                struct str text = str_slice(reader->source->text, chunk.start, chunk.end);
                struct doc *doc;
                int r;

                reader->offset = cursor.at;
                reader->line = cursor.line;
                if (chunk.empty)
                        continue;
                doc = new_doc(reader, arena);
                doc->start = (struct doc_pos){ chunk.line, 1 };
                doc->text_start = chunk.start;
                doc->text_end = chunk.end;
                reader->index++;
                r = yaml_read(text, chunk.line, &reader->limits, arena, doc, error);
                if (r < 0)
                        return give_up(reader, arena, mark, r, error);
                if (doc->root) {
                        *ret = doc;
                        return 1;
                }
                arena_rewind(arena, mark);
        }
        reader->offset = reader->end;
        return 0;
}

/* Behind the broken JSON value that began at START, in column 1: where each value is a line of its
 * own, only that line is lost. Otherwise nothing tells where the next value would begin. */
static void skip_broken_json(struct doc_reader *reader, size_t start,
                             const struct json_cursor *broken) {
        const char *text = reader->source->text.ptr;
        const char *newline = memchr(text + start, '\n', reader->end - start);

        reader->offset = reader->end;
        if (!newline || newline < broken->at || newline + 1 >= text + reader->end ||
            text[start] != '{' || newline[1] != '{')
                return;
        reader->offset = (size_t)(newline + 1 - text);
        reader->line++;
}

static int read_json(struct doc_reader *reader, struct arena *arena, struct doc **ret,
                     struct error *error) {
        const char *text = reader->source->text.ptr;
        struct json_cursor cursor;
        struct arena_mark mark = arena_mark(arena);
        struct doc *doc;
        int r;

        json_cursor_init(&cursor, str_slice(reader->source->text, 0, reader->end), reader->offset,
                         (struct doc_pos){ reader->line, reader->column });
        if (!json_skip_space(&cursor)) {
                reader->offset = reader->end;
                return 0;
        }
        doc = new_doc(reader, arena);
        doc->start = json_pos(&cursor);
        doc->text_start = (size_t)(cursor.at - text);
        reader->index++;
        reader->line = doc->start.line;
        r = json_read(&cursor, &reader->limits, arena, doc, error);
        if (r < 0) {
                size_t start = doc->text_start;

                if (doc->start.column == 1)
                        skip_broken_json(reader, start, &cursor);
                else
                        reader->offset = reader->end;
                reader->column = 1;
                return give_up(reader, arena, mark, r, error);
        }
        reader->offset = doc->text_end = (size_t)(cursor.at - text);
        reader->line = json_pos(&cursor).line;
        reader->column = json_pos(&cursor).column;
        *ret = doc;
        return 1;
}

int doc_read(struct doc_reader *reader, struct arena *arena, struct doc **ret,
             struct error *error) {
        if (reader->offset >= reader->end)
                return 0;
        if (is_too_large(reader)) {
                reader->offset = reader->end;
                error_set(error, -E2BIG,
                          "the file has %zu bytes, more than the limit of %zu (limit: file_bytes); "
                          "split it, or raise the limit with --max-file-size",
                          reader->source->text.len, MIN(reader->limits.file_bytes, FILE_BYTES_MAX));
                error_set_file(error, reader->source->name);
                return -E2BIG;
        }
        return reader->format == DOC_JSON ? read_json(reader, arena, ret, error)
                                          : read_yaml(reader, arena, ret, error);
}
