/*
 * Values as text, and the names of their types.
 */
#include <math.h>

#include "base/buf.h"
#include "base/util.h"
#include "cel/eval.h"
#include "cel/number.h"

static const struct cel_type optional_runtime_type = { .kind = CEL_TYPE_OPAQUE,
                                                       .name = STR_INIT("optional_type") };

const struct cel_type *cel_value_type(const struct cel_value *value) {
        switch ((enum cel_kind)value->kind) {
        case CEL_NULL:
                return &cel_type_null;
        case CEL_BOOL:
                return &cel_type_bool;
        case CEL_INT:
                return &cel_type_int;
        case CEL_UINT:
                return &cel_type_uint;
        case CEL_DOUBLE:
                return &cel_type_double;
        case CEL_STRING:
                return &cel_type_string;
        case CEL_BYTES:
                return &cel_type_bytes;
        case CEL_TIMESTAMP:
                return &cel_type_timestamp;
        case CEL_DURATION:
                return &cel_type_duration;
        case CEL_LIST:
                return &cel_type_list_dyn;
        case CEL_MAP:
                return &cel_type_map_dyn;
        case CEL_TYPE:
                return &cel_type_type;
        case CEL_OPTIONAL:
                return &optional_runtime_type;
        case CEL_OPAQUE:
                return value->opaque_type->type;
        case CEL_ERROR:
        case CEL_UNSET:
                break;
        }
        return &cel_type_error;
}

struct str cel_type_runtime_name(const struct cel_type *type) {
        static const struct str names[] = {
                [CEL_TYPE_DYN] = STR_INIT("dyn"),
                [CEL_TYPE_ERROR] = STR_INIT("error"),
                [CEL_TYPE_NULL] = STR_INIT("null_type"),
                [CEL_TYPE_BOOL] = STR_INIT("bool"),
                [CEL_TYPE_INT] = STR_INIT("int"),
                [CEL_TYPE_UINT] = STR_INIT("uint"),
                [CEL_TYPE_DOUBLE] = STR_INIT("double"),
                [CEL_TYPE_STRING] = STR_INIT("string"),
                [CEL_TYPE_BYTES] = STR_INIT("bytes"),
                [CEL_TYPE_TIMESTAMP] = STR_INIT("google.protobuf.Timestamp"),
                [CEL_TYPE_DURATION] = STR_INIT("google.protobuf.Duration"),
                [CEL_TYPE_LIST] = STR_INIT("list"),
                [CEL_TYPE_MAP] = STR_INIT("map"),
                [CEL_TYPE_TYPE] = STR_INIT("type"),
        };

        return type->kind < ELEMENTS(names) ? names[type->kind] : type->name;
}

const char *cel_value_go_type(const struct cel_value *value) {
        static const char *const names[] = {
                [CEL_ERROR] = "*types.Err",
                [CEL_NULL] = "types.Null",
                [CEL_BOOL] = "types.Bool",
                [CEL_INT] = "types.Int",
                [CEL_UINT] = "types.Uint",
                [CEL_DOUBLE] = "types.Double",
                [CEL_STRING] = "types.String",
                [CEL_BYTES] = "types.Bytes",
                [CEL_TIMESTAMP] = "types.Timestamp",
                [CEL_DURATION] = "types.Duration",
                [CEL_LIST] = "*types.baseList",
                [CEL_MAP] = "*types.baseMap",
                [CEL_TYPE] = "*types.Type",
                [CEL_OPTIONAL] = "*types.Optional",
                [CEL_OPAQUE] = "object",
        };

        return value->kind < ELEMENTS(names) ? names[value->kind] : "unset";
}

/* --- text --- */

/* What follows is ext/formatting.go's %s: nested values are shown so that they could be pasted into
 * CEL again. Values may share parts, so that a short program can make a text without end: it is cut
 * off. */
enum { TEXT_DEPTH_LIMIT = 250, TEXT_LIMIT = 16 << 20 };

struct text {
        struct buf buf;
        struct arena *arena;
        unsigned depth;
};

static void text_add(struct text *text, const struct cel_value *value);

static void text_add_bytes(struct text *text, struct str bytes) {
        buf_add_char(&text->buf, 'b');
        buf_add(&text->buf, cel_quote(text->arena, bytes));
}

static void text_add_nested(struct text *text, const struct cel_value *value) {
        if (text->depth >= TEXT_DEPTH_LIMIT || text->buf.len >= TEXT_LIMIT) {
                buf_add(&text->buf, STR("..."));
                return;
        }
        text->depth++;
        if (value->kind == CEL_STRING)
                buf_add(&text->buf, cel_quote(text->arena, value->string));
        else if (value->kind == CEL_BYTES)
                text_add_bytes(text, value->string);
        else if (value->kind == CEL_DOUBLE && isinf(value->number))
                buf_add(&text->buf, value->number > 0 ? STR("\"+Inf\"") : STR("\"-Inf\""));
        else if (value->kind == CEL_DOUBLE && isnan(value->number))
                buf_add(&text->buf, STR("\"NaN\""));
        else if (value->kind == CEL_DOUBLE)
                buf_printf(&text->buf, "%.6f", value->number);
        else
                text_add(text, value);
        text->depth--;
}

static void text_add_list(struct text *text, const struct cel_value *list) {
        size_t count = cel_list_size(list);

        buf_add_char(&text->buf, '[');
        for (size_t i = 0; i < count && text->buf.len < TEXT_LIMIT; i++) {
                struct cel_value item = cel_list_at(list, i);

                if (i > 0)
                        buf_add(&text->buf, STR(", "));
                text_add_nested(text, &item);
        }
        buf_add_char(&text->buf, ']');
}

struct text_entry {
        struct str key;
        struct cel_value value;
};

static int compare_entries(const void *a, const void *b) {
        const struct text_entry *left = a, *right = b;

        return str_cmp(left->key, right->key);
}

static struct str key_text(struct arena *arena, const struct cel_value *key) {
        struct text text = { .arena = arena };
        struct str copy;

        text_add_nested(&text, key);
        copy = arena_str(arena, buf_str(&text.buf));
        buf_free(&text.buf);
        return copy;
}

/* Entries in the order of their keys' text. */
static void text_add_map(struct text *text, const struct cel_value *map) {
        size_t count = cel_map_size(map);
        struct text_entry *entries = arena_new_array(text->arena, count, struct text_entry);

        for (size_t i = 0; i < count; i++) {
                struct cel_value key;

                cel_map_at(map, i, &key, &entries[i].value);
                entries[i].key = key_text(text->arena, &key);
        }
        qsort(entries, count, sizeof *entries, compare_entries);
        buf_add_char(&text->buf, '{');
        for (size_t i = 0; i < count && text->buf.len < TEXT_LIMIT; i++) {
                if (i > 0)
                        buf_add(&text->buf, STR(", "));
                buf_add(&text->buf, entries[i].key);
                buf_add_char(&text->buf, ':');
                text_add_nested(text, &entries[i].value);
        }
        buf_add_char(&text->buf, '}');
}

static void text_add_optional(struct text *text, const struct cel_value *optional) {
        if (!optional->some) {
                buf_add(&text->buf, STR("optional.none()"));
                return;
        }
        buf_add(&text->buf, STR("optional("));
        text_add_nested(text, optional->some);
        buf_add_char(&text->buf, ')');
}

/* A value that has no parts. */
static struct str simple_text(struct arena *arena, const struct cel_value *value) {
        switch ((enum cel_kind)value->kind) {
        case CEL_ERROR:
                return value->error->message;
        case CEL_NULL:
                return STR("null");
        case CEL_BOOL:
                return value->boolean ? STR("true") : STR("false");
        case CEL_INT:
                return arena_printf(arena, "%lld", (long long)value->integer);
        case CEL_UINT:
                return arena_printf(arena, "%llu", (unsigned long long)value->uinteger);
        case CEL_DOUBLE:
                return cel_double_text(arena, value->number);
        case CEL_STRING:
        case CEL_BYTES:
                return value->string;
        case CEL_TIMESTAMP:
                return cel_timestamp_text(arena, value);
        case CEL_DURATION:
                return cel_duration_text(arena, value->integer);
        case CEL_TYPE:
                return cel_type_runtime_name(value->type);
        case CEL_OPAQUE:
                return value->opaque_type->name;
        case CEL_LIST:
        case CEL_MAP:
        case CEL_OPTIONAL:
        case CEL_UNSET:
                break;
        }
        return STR("");
}

static void text_add(struct text *text, const struct cel_value *value) {
        if (value->kind == CEL_LIST)
                text_add_list(text, value);
        else if (value->kind == CEL_MAP)
                text_add_map(text, value);
        else if (value->kind == CEL_OPTIONAL)
                text_add_optional(text, value);
        else
                buf_add(&text->buf, simple_text(text->arena, value));
}

struct str cel_value_text(struct arena *arena, const struct cel_value *value) {
        struct text text = { .arena = arena };
        struct str copy;

        if (value->kind != CEL_LIST && value->kind != CEL_MAP && value->kind != CEL_OPTIONAL)
                return simple_text(arena, value);
        text_add(&text, value);
        copy = arena_str(arena, buf_str(&text.buf));
        buf_free(&text.buf);
        return copy;
}
