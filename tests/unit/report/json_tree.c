#include "json_tree.h"

#include "../test.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "base/util.h"

enum { DEPTH = 32 };

struct reader {
        struct arena *arena;
        struct str text;
        size_t at;
        unsigned depth;
};

static struct json *read_value(struct reader *reader);

static char peek(const struct reader *reader) {
        return reader->at < reader->text.len ? reader->text.ptr[reader->at] : 0;
}

static void skip_white(struct reader *reader) {
        while (peek(reader) && strchr(" \t\r\n", peek(reader)))
                reader->at++;
}

static bool take(struct reader *reader, char c) {
        skip_white(reader);
        if (peek(reader) != c)
                return false;
        reader->at++;
        return true;
}

static bool read_hex(struct reader *reader, int32_t *ret) {
        int32_t code = 0;

        for (int i = 0; i < 4; i++, reader->at++) {
                const char *digits = "0123456789abcdef", *hit;
                char c = peek(reader);

                hit = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c) : NULL;
                if (!hit)
                        return false;
                code = code << 4 | (int32_t)(hit - digits);
        }
        *ret = code;
        return true;
}

static bool read_escape(struct reader *reader, struct buf *buf) {
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        char c = peek(reader), utf8[4];
        const char *hit = c ? strchr(names, c) : NULL;
        int32_t code;

        reader->at++;
        if (hit) {
                buf_add_char(buf, values[hit - names]);
                return true;
        }
        if (c != 'u' || !read_hex(reader, &code))
                return false;
        buf_add(buf, (struct str){ utf8, utf8_encode(code, utf8) });
        return true;
}

static bool read_string(struct reader *reader, struct str *ret) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        if (!take(reader, '"'))
                return false;
        while (peek(reader) != '"') {
                size_t from = reader->at;

                if (from >= reader->text.len || (unsigned char)peek(reader) < 0x20)
                        return false;
                if (peek(reader) == '\\') {
                        reader->at++;
                        if (!read_escape(reader, &buf))
                                return false;
                        continue;
                }
                if (utf8_next(reader->text, &reader->at) < 0)
                        return false;
                buf_add(&buf, str_slice(reader->text, from, reader->at));
        }
        reader->at++;
        *ret = arena_str(reader->arena, buf_str(&buf));
        return true;
}

static bool read_word(struct reader *reader, struct json *json) {
        static const char *const words[] = { "null", "true", "false" };
        struct str rest = str_slice(reader->text, reader->at, reader->text.len);
        size_t length = 0;

        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (str_starts(rest, str_from(words[i]))) {
                        json->kind = i == 0 ? JSON_NULL : JSON_BOOL;
                        json->text = str_from(words[i]);
                        reader->at += strlen(words[i]);
                        return true;
                }
        while (length < rest.len && rest.ptr[length] >= '0' && rest.ptr[length] <= '9')
                length++;
        json->kind = JSON_NUMBER; /* the writers write whole numbers only */
        json->text = arena_str(reader->arena, str_slice(rest, 0, length));
        reader->at += length;
        return length == 1 || (length > 1 && rest.ptr[0] != '0');
}

static bool has_key(const struct json *map, struct str key) {
        for (const struct json *member = map->first; member; member = member->next)
                if (str_eq(member->key, key))
                        return true;
        return false;
}

static bool read_children(struct reader *reader, struct json *json, char end) {
        struct json **last = &json->first;

        if (take(reader, end))
                return true;
        do {
                struct str key = { 0 };

                if (json->kind == JSON_MAP &&
                    (!read_string(reader, &key) || has_key(json, key) || !take(reader, ':')))
                        return false;
                *last = read_value(reader);
                if (!*last)
                        return false;
                (*last)->key = key;
                last = &(*last)->next;
                json->count++;
        } while (take(reader, ','));
        return take(reader, end);
}

static struct json *read_value(struct reader *reader) {
        struct json *json = arena_new(reader->arena, struct json);
        bool ok;

        if (++reader->depth > DEPTH)
                return NULL;
        skip_white(reader);
        switch (peek(reader)) {
        case '{':
        case '[':
                json->kind = peek(reader) == '{' ? JSON_MAP : JSON_LIST;
                reader->at++;
                ok = read_children(reader, json, json->kind == JSON_MAP ? '}' : ']');
                break;
        case '"':
                json->kind = JSON_STRING;
                ok = read_string(reader, &json->text);
                break;
        default:
                ok = read_word(reader, json);
        }
        reader->depth--;
        return ok ? json : NULL;
}

const struct json *json_read(struct arena *arena, struct str text) {
        struct reader reader = { .arena = arena, .text = text };
        const struct json *json = read_value(&reader);

        skip_white(&reader);
        return reader.at == text.len ? json : NULL;
}

const struct json *json_at(const struct json *json, const char *path) {
        struct str rest = str_from(path), part;

        while (json && rest.len > 0 && str_split(&rest, '.', &part)) {
                const struct json *child = json->first;
                size_t index = json->kind == JSON_LIST ? strtoul(part.ptr, NULL, 10) : 0;

                if (json->kind == JSON_LIST)
                        for (; child && index > 0; index--)
                                child = child->next;
                else
                        while (child && !str_eq(child->key, part))
                                child = child->next;
                json = child;
        }
        return json;
}

struct str json_text(const struct json *json, const char *path) {
        const struct json *at = json_at(json, path);

        if (!at || at->kind == JSON_LIST || at->kind == JSON_MAP)
                print_error("nothing at %s\n", path);
        assert_non_null(at);
        return at->text;
}

size_t json_count(const struct json *json, const char *path) {
        const struct json *at = json_at(json, path);

        if (!at)
                print_error("nothing at %s\n", path);
        assert_non_null(at);
        assert_true(at->kind == JSON_LIST || at->kind == JSON_MAP);
        return at->count;
}
