#include "doc/json.h"

#include "base/utf8.h"
#include "doc/number.h"
#include "doc/tree.h"

struct json_reader {
        struct json_cursor *cursor;
        struct tree tree;
        const struct doc_limits *limits;
        struct arena *arena;
};

void json_cursor_init(struct json_cursor *cursor, struct str text, size_t offset,
                      struct doc_pos pos) {
        *cursor = (struct json_cursor){ .at = text.ptr + offset,
                                        .end = text.ptr + text.len,
                                        .line_start = text.ptr + offset - (pos.column - 1),
                                        .line = pos.line };
}

struct doc_pos json_pos(const struct json_cursor *cursor) {
        return (struct doc_pos){ cursor->line,
                                 (uint32_t)((size_t)(cursor->at - cursor->line_start) -
                                            cursor->extra + 1) };
}

bool json_skip_space(struct json_cursor *cursor) {
        for (; cursor->at < cursor->end; cursor->at++) {
                char c = *cursor->at;

                if (c == ' ' || c == '\t')
                        continue;
                if (c != '\n' && c != '\r')
                        return true;
                if (c == '\r' && cursor->at + 1 < cursor->end && cursor->at[1] == '\n')
                        cursor->at++;
                cursor->line++;
                cursor->line_start = cursor->at + 1;
                cursor->extra = 0;
        }
        return false;
}

static int fail(const struct json_cursor *cursor, struct error *error, const char *message) {
        struct doc_pos pos = json_pos(cursor);

        return error_set_at(error, -EINVAL, pos.line, pos.column, "%s", message);
}

static int fail_at_end(const struct json_cursor *cursor, struct error *error,
                       const char *expected) {
        struct doc_pos pos = json_pos(cursor);

        return error_set_at(error, -EINVAL, pos.line, pos.column,
                            "the text ends here, but %s is missing: is the file complete?",
                            expected);
}

/* --- strings --- */

/* Whether any byte of WORD is a quote, a backslash, a control character or not ASCII. */
static bool ends_plain_run(uint64_t word) {
        const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
        uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
        uint64_t control = (word - ones * 0x20) & ~word;

        quote = (quote - ones) & ~quote;
        backslash = (backslash - ones) & ~backslash;
        return ((quote | backslash | control | word) & high) != 0;
}

/* Moves over characters that stand for themselves. */
static void skip_plain(struct json_cursor *cursor) {
        const char *p = cursor->at;

        for (;;) {
                uint64_t word;

                if (cursor->end - p >= 8) {
                        memcpy(&word, p, 8);
                        if (!ends_plain_run(word)) {
                                p += 8;
                                continue;
                        }
                }
                while (p < cursor->end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20) {
                        cursor->extra += ((unsigned char)*p & 0xc0) == 0x80;
                        p++;
                        if (((uintptr_t)p & 7) == 0)
                                break;
                }
                if (p == cursor->end || *p == '"' || *p == '\\' || (unsigned char)*p < 0x20)
                        break;
        }
        cursor->at = p;
}

static int32_t read_hex4(const char *p, const char *end) {
        int32_t code = 0;

        if (end - p < 4)
                return -1;
        for (int i = 0; i < 4; i++) {
                char c = p[i];
                int digit;

                if (c >= '0' && c <= '9')
                        digit = c - '0';
                else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                        digit = (c | 0x20) - 'a' + 10;
                else
                        return -1;
                code = code << 4 | digit;
        }
        return code;
}

/* The character of the escape at *P (behind the backslash), which moves behind it; -1 where there
 * is none such. */
static int32_t read_escape(const char **p, const char *end) {
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        const char *name;
        int32_t code, low;

        if (*p == end)
                return -1;
        if (**p != 'u') {
                name = memchr(names, **p, sizeof names - 1);
                (*p)++;
                return name ? values[name - names] : -1;
        }
        code = read_hex4(*p + 1, end);
        if (code < 0)
                return -1;
        *p += 5;
        if (code < 0xd800 || code > 0xdfff)
                return code;
        if (code > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
                return 0xfffd;
        low = read_hex4(*p + 2, end);
        if (low < 0xdc00 || low > 0xdfff)
                return 0xfffd;
        *p += 6;
        return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* Copies [START, END), which holds escapes that were checked, into the arena. */
static struct str unescape(struct arena *arena, const char *start, const char *end) {
        char *text = arena_alloc(arena, (size_t)(end - start) + 1);
        size_t length = 0;

        while (start < end) {
                const char *hit = memchr(start, '\\', (size_t)(end - start));
                size_t run = (size_t)((hit ? hit : end) - start);

                memcpy(text + length, start, run);
                length += run;
                start += run;
                if (hit) {
                        start++;
                        length += utf8_encode(read_escape(&start, end), text + length);
                }
        }
        return (struct str){ text, length };
}

/* Moves from the opening quote behind the closing one. */
static int skip_string(struct json_cursor *cursor, bool *ret_escaped, struct error *error) {
        cursor->at++;
        for (;;) {
                const char *p;

                skip_plain(cursor);
                if (cursor->at == cursor->end)
                        return fail_at_end(cursor, error, "the closing quote of a string");
                if (*cursor->at == '"')
                        break;
                if (*cursor->at != '\\')
                        return fail(cursor, error,
                                    *cursor->at == '\n' || *cursor->at == '\r'
                                            ? "a string ends with its line: the closing quote is "
                                              "missing"
                                            : "a control character in a string must be written as "
                                              "an escape (a tab is \\t)");
                p = cursor->at + 1;
                if (read_escape(&p, cursor->end) < 0)
                        return fail(cursor, error,
                                    "unknown escape in a string: write \\\\ for a backslash");
                cursor->at = p;
                *ret_escaped = true;
        }
        cursor->at++;
        return 0;
}

static int read_string(struct json_reader *reader, struct str *ret, struct error *error) {
        struct json_cursor *cursor = reader->cursor;
        const char *start = cursor->at + 1;
        struct doc_pos pos = json_pos(cursor);
        bool escaped = false;
        int r;

        r = skip_string(cursor, &escaped, error);
        if (r < 0)
                return r;
        *ret = (struct str){ start, (size_t)(cursor->at - 1 - start) };
        if (ret->len > reader->limits->scalar_bytes)
                return error_set_at(error, -E2BIG, pos.line, pos.column,
                                    "a string is longer than %u bytes (limit: scalar_bytes); raise "
                                    "the limit if it is meant to be",
                                    (unsigned)reader->limits->scalar_bytes);
        if (escaped)
                *ret = unescape(reader->arena, start, cursor->at - 1);
        return 0;
}

/* --- numbers --- */

static const char *skip_digits(const char *p, const char *end) {
        while (p < end && *p >= '0' && *p <= '9')
                p++;
        return p;
}

/* Moves over a number. Returns false where it is none; *RET_INTEGER is whether it has neither point
 * nor exponent. */
static bool skip_number(struct json_cursor *cursor, bool *ret_integer) {
        const char *p = cursor->at, *digits;

        *ret_integer = true;
        if (*p == '-')
                p++;
        digits = p;
        p = skip_digits(p, cursor->end);
        if (p == digits || (*digits == '0' && p > digits + 1))
                return false;
        if (p < cursor->end && *p == '.') {
                *ret_integer = false;
                digits = ++p;
                p = skip_digits(p, cursor->end);
                if (p == digits)
                        return false;
        }
        if (p < cursor->end && (*p | 0x20) == 'e') {
                *ret_integer = false;
                p++;
                if (p < cursor->end && (*p == '+' || *p == '-'))
                        p++;
                digits = p;
                p = skip_digits(p, cursor->end);
                if (p == digits)
                        return false;
        }
        cursor->at = p;
        return true;
}

/* An integer of up to 19 digits that fits. */
static bool to_integer(struct str text, int64_t *ret) {
        bool negative = text.ptr[0] == '-';
        uint64_t magnitude = 0;

        if (text.len - negative > 19)
                return false;
        for (size_t i = negative; i < text.len; i++)
                magnitude = magnitude * 10 + (uint64_t)(text.ptr[i] - '0');
        if (magnitude > (uint64_t)INT64_MAX + negative)
                return false;
        *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
        return true;
}

static int read_number(struct json_reader *reader, struct doc_node *node, struct error *error) {
        struct json_cursor *cursor = reader->cursor;
        const char *start = cursor->at;
        struct str text;
        bool integer;

        if (!skip_number(cursor, &integer))
                return fail(cursor, error,
                            "a number that is not valid JSON; put it in quotes if it "
                            "is text");
        text = (struct str){ start, (size_t)(cursor->at - start) };
        node->kind = DOC_INT;
        if (integer && to_integer(text, &node->integer))
                return 0;
        node->kind = DOC_DOUBLE;
        if (number_parse(text, &node->number))
                return 0;
        return error_set_at(error, -EINVAL, node->start.line, node->start.column,
                            "a number beyond the range of a 64-bit floating-point number");
}

/* --- values --- */

static bool skip_word(struct json_cursor *cursor, struct str word) {
        if ((size_t)(cursor->end - cursor->at) < word.len ||
            memcmp(cursor->at, word.ptr, word.len) != 0)
                return false;
        cursor->at += word.len;
        return true;
}

static int read_scalar(struct json_reader *reader, struct error *error) {
        struct json_cursor *cursor = reader->cursor;
        struct doc_node node = { .start = json_pos(cursor) };
        int r = 0;

        switch (*cursor->at) {
        case '"':
                node.kind = DOC_STRING;
                node.flags = DOC_QUOTED;
                r = read_string(reader, &node.string, error);
                break;
        case 't':
        case 'f':
                node.kind = DOC_BOOL;
                node.boolean = *cursor->at == 't';
                if (!skip_word(cursor, node.boolean ? STR("true") : STR("false")))
                        r = fail(cursor, error, "expected a value here; put text in quotes");
                break;
        case 'n':
                if (!skip_word(cursor, STR("null")))
                        r = fail(cursor, error, "expected a value here; put text in quotes");
                break;
        case '-':
        case '0' ... '9':
                r = read_number(reader, &node, error);
                break;
        default:
                r = fail(cursor, error, "expected a value here; put text in quotes");
        }
        if (r < 0)
                return r;
        node.end = json_pos(cursor);
        return tree_add(&reader->tree, &node, error);
}

/* From the first key of a map, or the one behind a comma, to its value. */
static int read_key(struct json_reader *reader, struct error *error) {
        struct json_cursor *cursor = reader->cursor;
        struct doc_pos start = json_pos(cursor);
        struct str key;
        int r;

        if (*cursor->at != '"')
                return fail(cursor, error, "expected a key in double quotes here");
        r = read_string(reader, &key, error);
        if (r < 0)
                return r;
        if (!json_skip_space(cursor))
                return fail_at_end(cursor, error, "the value of a key");
        if (*cursor->at != ':')
                return fail(cursor, error, "expected a colon behind the key");
        cursor->at++;
        if (!json_skip_space(cursor))
                return fail_at_end(cursor, error, "the value of a key");
        tree_set_key(&reader->tree, key, start);
        return 0;
}

static int close_collection(struct json_reader *reader, struct error *error) {
        struct tree_value value;

        reader->cursor->at++;
        tree_close(&reader->tree, json_pos(reader->cursor), &value);
        return tree_add_value(&reader->tree, &value, false, value.node.start, value.node.end,
                              error);
}

static bool is_closing(const struct json_reader *reader, bool map) {
        return *reader->cursor->at == (map ? '}' : ']');
}

/* Opens the collection at the cursor and moves to its first child, or behind it where it is empty.
 * *RET_CHILD is whether there is one. */
static int open_collection(struct json_reader *reader, bool *ret_child, struct error *error) {
        struct json_cursor *cursor = reader->cursor;
        bool map = *cursor->at == '{';
        int r;

        r = tree_open(&reader->tree, map ? DOC_MAP : DOC_LIST, json_pos(cursor), error);
        if (r < 0)
                return r;
        cursor->at++;
        if (!json_skip_space(cursor))
                return fail_at_end(cursor, error,
                                   map ? "the closing brace of a map"
                                       : "the closing bracket of a list");
        *ret_child = !is_closing(reader, map);
        if (!*ret_child)
                return close_collection(reader, error);
        return map ? read_key(reader, error) : 0;
}

/* Behind a value: moves to the next value of the open collection, closing those that end here. */
static int go_on(struct json_reader *reader, struct error *error) {
        struct json_cursor *cursor = reader->cursor;
        struct tree_frame *frame;
        int r;

        while ((frame = tree_top(&reader->tree))) {
                bool map = frame->node.kind == DOC_MAP;

                if (!json_skip_space(cursor))
                        return fail_at_end(cursor, error,
                                           map ? "the closing brace of a map"
                                               : "the closing bracket of a list");
                if (is_closing(reader, map)) {
                        r = close_collection(reader, error);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (*cursor->at != ',')
                        return fail(cursor, error,
                                    map ? "expected a comma or closing brace here"
                                        : "expected a comma or closing bracket here");
                cursor->at++;
                if (!json_skip_space(cursor))
                        return fail_at_end(cursor, error, "what follows the comma");
                if (is_closing(reader, map))
                        return fail(cursor, error, "remove the comma before the closing bracket");
                return map ? read_key(reader, error) : 0;
        }
        return 0;
}

static void reader_free(struct json_reader *reader) {
        tree_free(&reader->tree);
}

int json_read(struct json_cursor *cursor, const struct doc_limits *limits, struct arena *arena,
              struct doc *doc, struct error *error) {
        struct json_reader reader _cleanup_(
                reader_free) = { .cursor = cursor, .limits = limits, .arena = arena };
        int r;

        tree_init(&reader.tree, arena, limits, doc);
        do {
                bool child = false;

                if (*cursor->at == '{' || *cursor->at == '[')
                        r = open_collection(&reader, &child, error);
                else
                        r = read_scalar(&reader, error);
                if (r >= 0 && !child)
                        r = go_on(&reader, error);
                if (r < 0)
                        return r;
        } while (reader.tree.frames.count > 0);
        tree_finish(&reader.tree);
        return 0;
}

/* --- is it JSON at all? --- */

/* Nesting is remembered as one bit a level: 1 is a map. */
struct nesting {
        uint8_t bits[DOC_MAX_DEPTH / 8 + 1];
        size_t depth;
};

static bool in_map(const struct nesting *nesting) {
        size_t at = nesting->depth - 1;

        return nesting->bits[at / 8] >> (at % 8) & 1;
}

static void enter(struct nesting *nesting, bool map) {
        size_t at = nesting->depth++;
        uint8_t bit = (uint8_t)(1u << (at % 8));

        nesting->bits[at / 8] = (uint8_t)((nesting->bits[at / 8] & ~bit) | (map ? bit : 0));
}

static bool skip_key(struct json_cursor *cursor) {
        bool escaped;

        if (*cursor->at != '"' || skip_string(cursor, &escaped, NULL) < 0 ||
            !json_skip_space(cursor) || *cursor->at != ':')
                return false;
        cursor->at++;
        return json_skip_space(cursor);
}

static bool skip_scalar(struct json_cursor *cursor) {
        bool ignored;

        switch (*cursor->at) {
        case '"':
                return skip_string(cursor, &ignored, NULL) >= 0;
        case 't':
                return skip_word(cursor, STR("true"));
        case 'f':
                return skip_word(cursor, STR("false"));
        case 'n':
                return skip_word(cursor, STR("null"));
        case '-':
        case '0' ... '9':
                return skip_number(cursor, &ignored);
        default:
                return false;
        }
}

/* Behind a value: moves to the next one. Returns false where that cannot be. */
static bool skip_on(struct json_cursor *cursor, struct nesting *nesting) {
        while (nesting->depth > 0) {
                bool map = in_map(nesting);

                if (!json_skip_space(cursor))
                        return false;
                if (*cursor->at == (map ? '}' : ']')) {
                        cursor->at++;
                        nesting->depth--;
                        continue;
                }
                if (*cursor->at != ',')
                        return false;
                cursor->at++;
                return json_skip_space(cursor) && (!map || skip_key(cursor));
        }
        return true;
}

/* One value. Returns 1 where it is nested too deeply to tell. */
static int skip_value(struct json_cursor *cursor) {
        struct nesting nesting = { .depth = 0 };

        do {
                bool map = *cursor->at == '{';

                if (map || *cursor->at == '[') {
                        if (nesting.depth == DOC_MAX_DEPTH)
                                return 1;
                        enter(&nesting, map);
                        cursor->at++;
                        if (!json_skip_space(cursor))
                                return -EINVAL;
                        if (*cursor->at != (map ? '}' : ']')) {
                                if (map && !skip_key(cursor))
                                        return -EINVAL;
                                continue;
                        }
                } else if (!skip_scalar(cursor)) {
                        return -EINVAL;
                }
                if (!skip_on(cursor, &nesting))
                        return -EINVAL;
        } while (nesting.depth > 0);
        return 0;
}

bool json_valid(struct str text) {
        struct json_cursor cursor;

        json_cursor_init(&cursor, text, 0, (struct doc_pos){ 1, 1 });
        while (json_skip_space(&cursor)) {
                int r = skip_value(&cursor);

                if (r != 0)
                        return r > 0;
        }
        return true;
}
