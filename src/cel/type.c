#include "cel/type.h"

#include "base/buf.h"
#include "base/util.h"

const struct cel_type cel_type_dyn = { .kind = CEL_TYPE_DYN };
const struct cel_type cel_type_error = { .kind = CEL_TYPE_ERROR };
const struct cel_type cel_type_null = { .kind = CEL_TYPE_NULL };
const struct cel_type cel_type_bool = { .kind = CEL_TYPE_BOOL };
const struct cel_type cel_type_int = { .kind = CEL_TYPE_INT };
const struct cel_type cel_type_uint = { .kind = CEL_TYPE_UINT };
const struct cel_type cel_type_double = { .kind = CEL_TYPE_DOUBLE };
const struct cel_type cel_type_string = { .kind = CEL_TYPE_STRING };
const struct cel_type cel_type_bytes = { .kind = CEL_TYPE_BYTES };
const struct cel_type cel_type_timestamp = { .kind = CEL_TYPE_TIMESTAMP };
const struct cel_type cel_type_duration = { .kind = CEL_TYPE_DURATION };
const struct cel_type cel_type_type = { .kind = CEL_TYPE_TYPE };

static const struct cel_type *const dyn_dyn[] = { &cel_type_dyn, &cel_type_dyn };
static const struct cel_type *const string_dyn[] = { &cel_type_string, &cel_type_dyn };
const struct cel_type cel_type_list_dyn = { .kind = CEL_TYPE_LIST,
                                            .params = dyn_dyn,
                                            .param_count = 1 };
const struct cel_type cel_type_map_dyn = { .kind = CEL_TYPE_MAP,
                                           .params = dyn_dyn,
                                           .param_count = 2 };
const struct cel_type cel_type_map_string_dyn = { .kind = CEL_TYPE_MAP,
                                                  .params = string_dyn,
                                                  .param_count = 2 };

enum { TEXT_LIMIT = 2000 }; /* bytes of a type's text; types can be large trees */

static const struct cel_type *make(struct arena *arena, enum cel_type_kind kind, struct str name,
                                   const struct cel_type *const *params, size_t count) {
        struct cel_type *type = arena_new(arena, struct cel_type);

        type->kind = kind;
        type->name = name;
        type->param_count = count;
        if (count > 0)
                type->params = arena_copy(arena, params, count * sizeof(*params));
        return type;
}

const struct cel_type *cel_type_list(struct arena *arena, const struct cel_type *item) {
        return make(arena, CEL_TYPE_LIST, (struct str){ 0 }, &item, 1);
}

const struct cel_type *cel_type_map(struct arena *arena, const struct cel_type *key,
                                    const struct cel_type *value) {
        const struct cel_type *params[] = { key, value };

        return make(arena, CEL_TYPE_MAP, (struct str){ 0 }, params, 2);
}

const struct cel_type *cel_type_optional(struct arena *arena, const struct cel_type *item) {
        return make(arena, CEL_TYPE_OPAQUE, STR("optional_type"), &item, 1);
}

const struct cel_type *cel_type_of_type(struct arena *arena, const struct cel_type *type) {
        return make(arena, CEL_TYPE_TYPE, (struct str){ 0 }, &type, 1);
}

const struct cel_type *cel_type_opaque(struct arena *arena, struct str name,
                                       const struct cel_type *const *params, size_t count) {
        return make(arena, CEL_TYPE_OPAQUE, name, params, count);
}

bool cel_type_is_optional(const struct cel_type *type) {
        return type->kind == CEL_TYPE_OPAQUE && type->param_count == 1 &&
               str_eq(type->name, STR("optional_type"));
}

bool cel_type_equal(const struct cel_type *a, const struct cel_type *b) {
        if (a == b)
                return true;
        if (a->kind != b->kind || a->param_count != b->param_count || !str_eq(a->name, b->name))
                return false;
        for (size_t i = 0; i < a->param_count; i++)
                if (!cel_type_equal(a->params[i], b->params[i]))
                        return false;
        return true;
}

struct str cel_type_name(const struct cel_type *type) {
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

        switch (type->kind) {
        case CEL_TYPE_OPAQUE:
        case CEL_TYPE_OBJECT:
        case CEL_TYPE_PARAM:
                return type->name;
        default:
                return names[type->kind];
        }
}

static void add_text(struct buf *buf, const struct cel_type *type) {
        if (buf->len > TEXT_LIMIT)
                return;
        switch (type->kind) {
        case CEL_TYPE_NULL:
                buf_add(buf, STR("null"));
                break;
        case CEL_TYPE_ERROR:
                buf_add(buf, STR("!error!"));
                break;
        case CEL_TYPE_TIMESTAMP:
                buf_add(buf, STR("timestamp"));
                break;
        case CEL_TYPE_DURATION:
                buf_add(buf, STR("duration"));
                break;
        default:
                buf_add(buf, cel_type_name(type));
        }
        if (type->param_count == 0)
                return;
        buf_add_char(buf, '(');
        for (size_t i = 0; i < type->param_count; i++) {
                if (i > 0)
                        buf_add(buf, STR(", "));
                add_text(buf, type->params[i]);
        }
        buf_add_char(buf, ')');
}

struct str cel_type_text(struct arena *arena, const struct cel_type *type) {
        _cleanup_(buf_free) struct buf buf = BUF_INIT;

        add_text(&buf, type);
        if (buf.len > TEXT_LIMIT)
                return arena_printf(arena, "%.*s...", TEXT_LIMIT, buf.data);
        return arena_str(arena, buf_str(&buf));
}

static bool name_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.';
}

static struct str read_name(struct str *text) {
        struct str name = { text->ptr, 0 };

        while (name.len < text->len && name_char(text->ptr[name.len]))
                name.len++;
        *text = str_slice(*text, name.len, text->len);
        return name;
}

static bool read_char(struct str *text, char c) {
        while (text->len > 0 && text->ptr[0] == ' ')
                *text = str_slice(*text, 1, text->len);
        if (text->len == 0 || text->ptr[0] != c)
                return false;
        *text = str_slice(*text, 1, text->len);
        while (text->len > 0 && text->ptr[0] == ' ')
                *text = str_slice(*text, 1, text->len);
        return true;
}

/* "(T, U)" with COUNT types. */
static bool read_params(struct arena *arena, struct str *text, const struct cel_type **params,
                        size_t count) {
        for (size_t i = 0; i < count; i++) {
                if (!read_char(text, i == 0 ? '(' : ','))
                        return false;
                params[i] = cel_type_read(arena, text);
                if (!params[i])
                        return false;
        }
        return read_char(text, ')');
}

static const struct cel_type *simple_type(struct str name) {
        static const struct {
                struct str name;
                const struct cel_type *type;
        } simple[] = {
                { STR_INIT("dyn"), &cel_type_dyn },
                { STR_INIT("bool"), &cel_type_bool },
                { STR_INIT("int"), &cel_type_int },
                { STR_INIT("uint"), &cel_type_uint },
                { STR_INIT("double"), &cel_type_double },
                { STR_INIT("string"), &cel_type_string },
                { STR_INIT("bytes"), &cel_type_bytes },
                { STR_INIT("null"), &cel_type_null },
                { STR_INIT("timestamp"), &cel_type_timestamp },
                { STR_INIT("duration"), &cel_type_duration },
        };

        for (size_t i = 0; i < ELEMENTS(simple); i++)
                if (str_eq(name, simple[i].name))
                        return simple[i].type;
        return NULL;
}

const struct cel_type *cel_type_read(struct arena *arena, struct str *text) {
        struct str rest = *text;
        struct str name = read_name(&rest);
        const struct cel_type *params[2], *type = simple_type(name);

        if (type) {
                *text = rest;
                return type;
        }
        if (str_eq(name, STR("type")) && (rest.len == 0 || rest.ptr[0] != '(')) {
                *text = rest;
                return &cel_type_type;
        }
        if (str_eq(name, STR("map"))) {
                if (!read_params(arena, &rest, params, 2))
                        return NULL;
                type = cel_type_map(arena, params[0], params[1]);
        } else if (str_eq(name, STR("list")) || str_eq(name, STR("optional")) ||
                   str_eq(name, STR("type"))) {
                if (!read_params(arena, &rest, params, 1))
                        return NULL;
                type = name.ptr[0] == 'l'   ? cel_type_list(arena, params[0])
                       : name.ptr[0] == 'o' ? cel_type_optional(arena, params[0])
                                            : cel_type_of_type(arena, params[0]);
        } else if (name.len == 1 && name.ptr[0] >= 'A' && name.ptr[0] <= 'Z')
                type = make(arena, CEL_TYPE_PARAM, arena_str(arena, name), NULL, 0);
        else if (str_find(name, STR("."), 0) > 0)
                type = make(arena, CEL_TYPE_OPAQUE, arena_str(arena, name), NULL, 0);
        else
                return NULL;
        *text = rest;
        return type;
}
