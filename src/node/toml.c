#include "node/toml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "base/vec.h"

struct parser {
        struct arena *arena;
        struct toml *toml;
        struct error *error;
        const char *at, *end, *line_start;
        uint32_t line;
        struct buf table; /* the key of the table that is open */
        struct {
                struct str key;
                unsigned count;
        } arrays[TOML_DEPTH * 4]; /* arrays of tables, and how many tables each has */
        size_t array_count;
};

static int fail(struct parser *p, int code, const char *what) {
        return error_set_at(p->error, code, p->line, (uint32_t)(p->at - p->line_start) + 1, "%s",
                            what);
}

static bool more(const struct parser *p) {
        return p->at < p->end;
}

static char peek(const struct parser *p) {
        return p->at < p->end ? *p->at : '\0';
}

static void step(struct parser *p) {
        if (*p->at++ == '\n') {
                p->line++;
                p->line_start = p->at;
        }
}

static void skip_blanks(struct parser *p) {
        while (more(p) && (*p->at == ' ' || *p->at == '\t'))
                p->at++;
}

/* White space, line ends and comments: what may stand between values of an array. */
static void skip_lines(struct parser *p) {
        while (more(p)) {
                if (*p->at == '#')
                        while (more(p) && *p->at != '\n')
                                p->at++;
                else if (*p->at == ' ' || *p->at == '\t' || *p->at == '\r' || *p->at == '\n')
                        step(p);
                else
                        return;
        }
}

static bool is_bare(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
}

static int read_hex(struct parser *p, int digits, struct buf *ret) {
        uint32_t code = 0;
        char text[5];

        for (int i = 0; i < digits; i++) {
                char c = peek(p);
                int value = c >= '0' && c <= '9'   ? c - '0'
                            : c >= 'a' && c <= 'f' ? c - 'a' + 10
                            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                   : -1;

                if (value < 0)
                        return fail(p, -EINVAL, "not a hexadecimal digit");
                code = code * 16 + (uint32_t)value;
                p->at++;
        }
        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
                return fail(p, -EINVAL, "no character has this number");
        if (code < 0x80) {
                buf_add_char(ret, (char)code);
                return 0;
        }
        if (code < 0x800)
                snprintf(text, sizeof text, "%c%c", (int)(0xc0 | code >> 6),
                         (int)(0x80 | (code & 63)));
        else if (code < 0x10000)
                snprintf(text, sizeof text, "%c%c%c", (int)(0xe0 | code >> 12),
                         (int)(0x80 | (code >> 6 & 63)), (int)(0x80 | (code & 63)));
        else
                snprintf(text, sizeof text, "%c%c%c%c", (int)(0xf0 | code >> 18),
                         (int)(0x80 | (code >> 12 & 63)), (int)(0x80 | (code >> 6 & 63)),
                         (int)(0x80 | (code & 63)));
        buf_add(ret, str_from(text));
        return 0;
}

static int read_escape(struct parser *p, bool multiline, struct buf *ret) {
        static const char from[] = "btnfr\"\\e", to[] = "\b\t\n\f\r\"\\\x1b";
        char c = peek(p);
        const char *found = c ? strchr(from, c) : NULL;

        if (found) {
                buf_add_char(ret, to[found - from]);
                p->at++;
                return 0;
        }
        if (c == 'u' || c == 'U') {
                p->at++;
                return read_hex(p, c == 'u' ? 4 : 8, ret);
        }
        if (multiline && (c == '\n' || c == ' ' || c == '\t' || c == '\r')) {
                while (more(p) && strchr(" \t\r\n", *p->at))
                        step(p);
                return 0;
        }
        return fail(p, -EINVAL, "an escape that TOML does not know");
}

static bool at_triple(const struct parser *p, char quote) {
        return p->end - p->at >= 3 && p->at[0] == quote && p->at[1] == quote && p->at[2] == quote;
}

static int read_string(struct parser *p, struct str *ret) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        char quote = *p->at;
        bool multiline = at_triple(p, quote);
        int r;

        p->at += multiline ? 3 : 1;
        if (multiline && peek(p) == '\r')
                p->at++;
        if (multiline && peek(p) == '\n')
                step(p);
        for (;;) {
                if (!more(p) || (!multiline && *p->at == '\n'))
                        return fail(p, -EINVAL, "a string without an end");
                if (multiline ? at_triple(p, quote) : *p->at == quote)
                        break;
                if (*p->at == '\\' && quote == '"') {
                        p->at++;
                        r = read_escape(p, multiline, &text);
                        if (r < 0)
                                return r;
                        continue;
                }
                buf_add_char(&text, *p->at);
                step(p);
        }
        p->at += multiline ? 3 : 1;
        /* up to two quotes may stand before the three that end it */
        while (multiline && peek(p) == quote) {
                buf_add_char(&text, quote);
                p->at++;
        }
        *ret = arena_str(p->arena, buf_str(&text));
        return 0;
}

static int read_key(struct parser *p, struct buf *ret) {
        for (;;) {
                struct str part;
                int r;

                skip_blanks(p);
                if (peek(p) == '"' || peek(p) == '\'') {
                        r = read_string(p, &part);
                        if (r < 0)
                                return r;
                } else {
                        part.ptr = p->at;
                        while (more(p) && is_bare(*p->at))
                                p->at++;
                        part.len = (size_t)(p->at - part.ptr);
                        if (part.len == 0)
                                return fail(p, -EINVAL, "expected a key");
                }
                if (ret->len > 0)
                        buf_add_char(ret, TOML_SEPARATOR);
                buf_add(ret, part);
                if (ret->len > TOML_KEY)
                        return fail(p, -E2BIG, "a key that is too long");
                skip_blanks(p);
                if (peek(p) != '.')
                        return 0;
                p->at++;
        }
}

static int add_value(struct parser *p, const struct toml_value *value) {
        if (p->toml->count >= TOML_VALUES)
                return fail(p, -E2BIG, "too many values");
        *vec_push_in(p->arena, p->toml) = *value;
        return 0;
}

static int read_value(struct parser *p, struct buf *key, struct toml_value *value, int depth);

struct items {
        struct str *items;
        size_t count, capacity;
};

static struct str scalar_text(struct arena *arena, const struct toml_value *value) {
        switch (value->kind) {
        case TOML_BOOLEAN:
                return value->boolean ? STR("true") : STR("false");
        case TOML_INTEGER:
                return arena_printf(arena, "%lld", (long long)value->integer);
        case TOML_FLOAT:
                return arena_printf(arena, "%g", value->number);
        default:
                return value->string;
        }
}

/* Inline tables within the array get its number as part of their key. */
static int read_array(struct parser *p, struct buf *key, struct toml_value *value, int depth) {
        struct items items = { 0 };
        size_t length = key->len;
        unsigned number = 0;
        int r;

        p->at++;
        for (;; number++) {
                struct toml_value item = { .line = value->line, .column = value->column };

                skip_lines(p);
                if (peek(p) == ']')
                        break;
                buf_printf(key, "%c%u", TOML_SEPARATOR, number);
                r = read_value(p, key, &item, depth + 1);
                key->len = length;
                if (r < 0)
                        return r;
                if (r == 0 && item.kind != TOML_LIST) {
                        if (items.count >= TOML_VALUES)
                                return fail(p, -E2BIG, "too many values");
                        *vec_push_in(p->arena, &items) = scalar_text(p->arena, &item);
                }
                skip_lines(p);
                if (peek(p) == ',')
                        p->at++;
                else if (peek(p) != ']')
                        return fail(p, -EINVAL, "expected a comma or the end of the array");
        }
        p->at++;
        value->kind = TOML_LIST;
        value->items = items.items;
        value->count = items.count;
        return 0;
}

static int read_pair(struct parser *p, const struct buf *table, int depth) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;
        struct toml_value value = { 0 };
        int r;

        skip_blanks(p);
        value.line = p->line;
        value.column = (uint32_t)(p->at - p->line_start) + 1;
        if (table->len > 0)
                buf_add(&key, buf_str(table));
        r = read_key(p, &key);
        if (r < 0)
                return r;
        if (peek(p) != '=')
                return fail(p, -EINVAL, "expected =");
        p->at++;
        skip_blanks(p);
        r = read_value(p, &key, &value, depth);
        if (r != 0)
                return r < 0 ? r : 0;
        value.key = arena_str(p->arena, buf_str(&key));
        return add_value(p, &value);
}

static int read_inline(struct parser *p, struct buf *key, int depth) {
        int r;

        p->at++;
        skip_lines(p);
        if (peek(p) == '}') {
                p->at++;
                return 0;
        }
        for (;;) {
                r = read_pair(p, key, depth + 1);
                if (r < 0)
                        return r;
                skip_lines(p);
                if (peek(p) == '}')
                        break;
                if (peek(p) != ',')
                        return fail(p, -EINVAL, "expected a comma or the end of the table");
                p->at++;
                skip_lines(p);
        }
        p->at++;
        return 0;
}

static int read_number(struct parser *p, struct str text, struct toml_value *value) {
        char digits[128], *end = digits;
        size_t length = 0;
        int base = 10;

        for (size_t i = 0; i < text.len; i++)
                if (text.ptr[i] != '_' && length < sizeof digits - 1)
                        digits[length++] = text.ptr[i];
        digits[length] = '\0';
        if (length > 2 && digits[0] == '0' && strchr("xob", digits[1])) {
                base = digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : 2;
                value->integer = strtoll(digits + 2, &end, base);
        } else {
                value->integer = strtoll(digits, &end, 10);
        }
        value->kind = TOML_INTEGER;
        if (length > 0 && *end == '\0' && end != digits)
                return 0;
        value->number = strtod(digits, &end);
        value->kind = TOML_FLOAT;
        if (length > 0 && *end == '\0' && end != digits)
                return 0;
        value->kind = TOML_DATE;
        value->string = text;
        if (length >= 8 && digits[0] >= '0' && digits[0] <= '9')
                return 0;
        return fail(p, -EINVAL, "expected a value");
}

/* Returns 1 for an inline table, whose values were added. */
static int read_value(struct parser *p, struct buf *key, struct toml_value *value, int depth) {
        struct str text;
        int r;

        if (depth > TOML_DEPTH)
                return fail(p, -E2BIG, "nested too deeply");
        switch (peek(p)) {
        case '"':
        case '\'':
                value->kind = TOML_STRING;
                return read_string(p, &value->string);
        case '[':
                return read_array(p, key, value, depth);
        case '{':
                r = read_inline(p, key, depth);
                return r < 0 ? r : 1;
        }
        text.ptr = p->at;
        while (more(p) && !strchr(",]}#\r\n", *p->at))
                p->at++;
        text = str_trim((struct str){ text.ptr, (size_t)(p->at - text.ptr) });
        if (str_eq(text, STR("true")) || str_eq(text, STR("false"))) {
                value->kind = TOML_BOOLEAN;
                value->boolean = text.len == 4;
                return 0;
        }
        return read_number(p, text, value);
}

/* The number of the table that is opened in the array KEY. */
static int number_table(struct parser *p, struct str key, unsigned *ret) {
        for (size_t i = 0; i < p->array_count; i++)
                if (str_eq(p->arrays[i].key, key)) {
                        *ret = ++p->arrays[i].count;
                        return 0;
                }
        if (p->array_count >= ELEMENTS(p->arrays))
                return fail(p, -E2BIG, "too many arrays of tables");
        p->arrays[p->array_count].key = arena_str(p->arena, key);
        p->arrays[p->array_count++].count = 0;
        *ret = 0;
        return 0;
}

/* A table below an array of tables lies in the last of them. */
static void enter_array(struct parser *p, struct buf *key) {
        struct str text = buf_str(key);
        size_t best = SIZE_MAX;

        for (size_t i = 0; i < p->array_count; i++) {
                struct str array = p->arrays[i].key;

                if (str_starts(text, array) && text.len > array.len &&
                    text.ptr[array.len] == TOML_SEPARATOR &&
                    (best == SIZE_MAX || array.len > p->arrays[best].key.len))
                        best = i;
        }
        if (best != SIZE_MAX) {
                struct buf joined = BUF_INIT;

                buf_printf(&joined, "%.*s%c%u", STR_ARG(p->arrays[best].key), TOML_SEPARATOR,
                           p->arrays[best].count);
                buf_add(&joined, str_slice(text, p->arrays[best].key.len, text.len));
                buf_free(key);
                *key = joined;
        }
}

static int read_header(struct parser *p) {
        bool array = p->end - p->at > 1 && p->at[1] == '[';
        struct buf key _cleanup_(buf_free) = BUF_INIT;
        unsigned number = 0;
        int r;

        p->at += array ? 2 : 1;
        r = read_key(p, &key);
        if (r < 0)
                return r;
        for (int i = 0; i <= array; i++) {
                if (peek(p) != ']')
                        return fail(p, -EINVAL, "expected ]");
                p->at++;
        }
        if (array) {
                r = number_table(p, buf_str(&key), &number);
                if (r < 0)
                        return r;
                buf_printf(&key, "%c%u", TOML_SEPARATOR, number);
        } else {
                enter_array(p, &key);
        }
        buf_clear(&p->table);
        buf_add(&p->table, buf_str(&key));
        return 0;
}

static int read_all(struct parser *p) {
        int r;

        for (;;) {
                skip_lines(p);
                if (!more(p))
                        return 0;
                r = *p->at == '[' ? read_header(p) : read_pair(p, &p->table, 0);
                if (r < 0)
                        return r;
                skip_blanks(p);
                if (more(p) && !strchr("#\r\n", *p->at))
                        return fail(p, -EINVAL, "expected the end of the line");
        }
}

int toml_parse(struct arena *arena, struct str text, struct toml *ret, struct error *error) {
        struct parser *p = arena_new(arena, struct parser);
        int r;

        p->arena = arena;
        p->toml = ret;
        p->error = error;
        p->at = p->line_start = text.len > 0 ? text.ptr : "";
        p->end = p->at + text.len;
        p->line = 1;
        /* strchr would find it */
        if (text.len > 0 && memchr(text.ptr, '\0', text.len))
                return fail(p, -EINVAL, "this is no text");
        r = read_all(p);
        buf_free(&p->table);
        return r;
}

struct str toml_part(const struct toml_value *value, size_t n) {
        struct str rest = value->key, part;

        while (str_split(&rest, TOML_SEPARATOR, &part))
                if (n-- == 0)
                        return part;
        return STR("");
}

/* How the key begins: 0: otherwise, 1: with PATH, 2: it is PATH. */
static int fits(struct str key, const char *path) {
        struct str want = str_from(path), left, right;

        while (str_split(&want, '/', &left)) {
                if (!str_split(&key, TOML_SEPARATOR, &right))
                        return 0;
                if (!str_eq(left, STR("*")) && !str_eq(left, right))
                        return 0;
        }
        return key.ptr ? 1 : 2;
}

const struct toml_value *toml_get(const struct toml *toml, const char *path) {
        for (size_t i = toml->count; i-- > 0;)
                if (fits(toml->items[i].key, path) == 2)
                        return &toml->items[i];
        return NULL;
}

const struct toml_value *toml_each(const struct toml *toml, const char *path, size_t *at) {
        while (*at < toml->count) {
                const struct toml_value *value = &toml->items[(*at)++];

                if (fits(value->key, path) > 0)
                        return value;
        }
        return NULL;
}
