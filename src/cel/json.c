#include "cel/json.h"

#include <errno.h>
#include <math.h>

#include "base/base64.h"
#include "base/util.h"
#include "cel/eval.h"
#include "cel/number.h"
#include "cel/program.h"

enum { DEPTH_LIMIT = 1000 }; /* of values within each other, when they are written */

/* --- reading --- */

/* The only member of NODE, or NULL where it has not got just one. */
static const struct doc_entry *member_of(const struct doc_node *node, struct error *error) {
        if (node && node->kind == DOC_MAP && node->map.count == 1)
                return &node->map.entries[0];
        error_set(error, -EINVAL, "a value or type is an object with one member");
        return NULL;
}

static size_t list_count(const struct doc_node *node) {
        return node && node->kind == DOC_LIST ? node->list.count : 0;
}

/* The text of a number: in this JSON, 64-bit integers are strings. */
static struct str number_text(struct arena *arena, const struct doc_node *node) {
        switch (node->kind) {
        case DOC_INT:
                return arena_printf(arena, "%lld", (long long)node->integer);
        case DOC_DOUBLE:
                return cel_double_text(arena, node->number);
        default:
                return doc_string(node, STR(""));
        }
}

static int read_list(struct arena *arena, const struct doc_node *node, struct cel_value *ret,
                     struct error *error) {
        const struct doc_node *values = doc_get(node, STR("values"));
        size_t count = list_count(values);
        struct cel_value *items = arena_new_array(arena, count, struct cel_value);

        for (size_t i = 0; i < count; i++) {
                int r = cel_json_value_read(arena, &values->list.items[i], &items[i], error);

                if (r < 0)
                        return r;
        }
        *ret = cel_list_value(arena, items, count);
        return 0;
}

static int read_map(struct arena *arena, const struct doc_node *node, struct cel_value *ret,
                    struct error *error) {
        const struct doc_node *entries = doc_get(node, STR("entries"));
        size_t count = list_count(entries);
        struct cel_value *keys = arena_new_array(arena, count, struct cel_value);
        struct cel_value *values = arena_new_array(arena, count, struct cel_value);

        for (size_t i = 0; i < count; i++) {
                const struct doc_node *entry = &entries->list.items[i];
                int r = cel_json_value_read(arena, doc_get(entry, STR("key")), &keys[i], error);

                if (r >= 0)
                        r = cel_json_value_read(arena, doc_get(entry, STR("value")), &values[i],
                                                error);
                if (r < 0)
                        return r;
        }
        *ret = cel_map_value(arena, keys, values, count);
        return 0;
}

/* Timestamps and durations, as {"@type": ..., "value": text}. */
static int read_object(const struct doc_node *node, struct cel_value *ret) {
        struct str type = doc_string(doc_get(node, STR("@type")), STR(""));
        struct str text = doc_string(doc_get(node, STR("value")), STR(""));
        int64_t nanoseconds;
        int r = -EINVAL;

        if (str_ends(type, STR("/google.protobuf.Timestamp"))) {
                *ret = (struct cel_value){ .kind = CEL_TIMESTAMP };
                r = cel_timestamp_parse(text, ret);
        } else if (str_ends(type, STR("/google.protobuf.Duration"))) {
                r = cel_duration_parse(text, &nanoseconds);
                *ret = cel_duration(r < 0 ? 0 : nanoseconds);
        }
        return r;
}

static int read_scalar(struct arena *arena, struct str kind, const struct doc_node *node,
                       struct cel_value *ret) {
        struct str text = number_text(arena, node), bytes;
        int64_t integer;
        uint64_t uinteger;
        double number;
        int r = 0;

        if (str_eq(kind, STR("nullValue")))
                *ret = cel_null();
        else if (str_eq(kind, STR("boolValue")))
                *ret = cel_bool(node->kind == DOC_BOOL && node->boolean);
        else if (str_eq(kind, STR("int64Value")) && (r = cel_int_parse(text, &integer)) >= 0)
                *ret = cel_int(integer);
        else if (str_eq(kind, STR("uint64Value")) && (r = cel_uint_parse(text, &uinteger)) >= 0)
                *ret = cel_uint(uinteger);
        else if (str_eq(kind, STR("doubleValue")) && (r = cel_double_parse(text, &number)) >= 0)
                *ret = cel_double(number);
        else if (str_eq(kind, STR("stringValue")) && node->kind == DOC_STRING)
                *ret = cel_string(node->string);
        else if (str_eq(kind, STR("bytesValue")) && (r = base64_decode(arena, text, &bytes)) >= 0)
                *ret = cel_bytes(bytes);
        else if (str_eq(kind, STR("typeValue")) && node->kind == DOC_STRING)
                *ret = cel_type_value(cel_type_opaque(arena, text, NULL, 0));
        else
                r = -EINVAL;
        return r;
}

int cel_json_value_read(struct arena *arena, const struct doc_node *node, struct cel_value *ret,
                        struct error *error) {
        const struct doc_entry *member = member_of(node, error);
        int r;

        if (!member)
                return -EINVAL;
        if (str_eq(member->key, STR("listValue")))
                return read_list(arena, &member->value, ret, error);
        if (str_eq(member->key, STR("mapValue")))
                return read_map(arena, &member->value, ret, error);
        if (str_eq(member->key, STR("objectValue")))
                r = read_object(&member->value, ret);
        else
                r = read_scalar(arena, member->key, &member->value, ret);
        if (r < 0)
                return error_set(error, -EINVAL, "cannot read the value of a \"%.*s\"",
                                 STR_ARG(member->key));
        return 0;
}

static const struct {
        const char *member, *name; /* {"primitive":"BOOL"}; NULL: any */
        const struct cel_type *type;
} simple_types[] = {
        { "primitive", "BOOL", &cel_type_bool },
        { "primitive", "INT64", &cel_type_int },
        { "primitive", "UINT64", &cel_type_uint },
        { "primitive", "DOUBLE", &cel_type_double },
        { "primitive", "STRING", &cel_type_string },
        { "primitive", "BYTES", &cel_type_bytes },
        { "wellKnown", "TIMESTAMP", &cel_type_timestamp },
        { "wellKnown", "DURATION", &cel_type_duration },
        { "wellKnown", "ANY", &cel_type_dyn },
        { "null", NULL, &cel_type_null },
        { "dyn", NULL, &cel_type_dyn },
        { "error", NULL, &cel_type_error },
};

/* The types in LIST; an opaque type NAME of them. */
static int read_abstract(struct arena *arena, struct str name, const struct doc_node *list,
                         const struct cel_type **ret, struct error *error) {
        size_t count = list_count(list);
        const struct cel_type **params = arena_new_array(arena, count, const struct cel_type *);

        for (size_t i = 0; i < count; i++) {
                int r = cel_json_type_read(arena, &list->list.items[i], &params[i], error);

                if (r < 0)
                        return r;
        }
        *ret = cel_type_opaque(arena, name, params, count);
        return 0;
}

static int read_compound(struct arena *arena, const struct doc_entry *member,
                         const struct cel_type **ret, struct error *error) {
        const struct doc_node *node = &member->value;
        const struct cel_type *first, *second;
        int r;

        if (str_eq(member->key, STR("listType"))) {
                r = cel_json_type_read(arena, doc_get(node, STR("elemType")), &first, error);
                if (r >= 0)
                        *ret = cel_type_list(arena, first);
        } else if (str_eq(member->key, STR("mapType"))) {
                r = cel_json_type_read(arena, doc_get(node, STR("keyType")), &first, error);
                if (r >= 0)
                        r = cel_json_type_read(arena, doc_get(node, STR("valueType")), &second,
                                               error);
                if (r >= 0)
                        *ret = cel_type_map(arena, first, second);
        } else if (str_eq(member->key, STR("type"))) {
                r = cel_json_type_read(arena, node, &first, error);
                if (r >= 0)
                        *ret = cel_type_of_type(arena, first);
        } else if (str_eq(member->key, STR("abstractType"))) {
                r = read_abstract(arena, doc_string(doc_get(node, STR("name")), STR("")),
                                  doc_get(node, STR("parameterTypes")), ret, error);
        } else {
                r = error_set(error, -EINVAL, "there is no type \"%.*s\" here",
                              STR_ARG(member->key));
        }
        return r;
}

int cel_json_type_read(struct arena *arena, const struct doc_node *node,
                       const struct cel_type **ret, struct error *error) {
        const struct doc_entry *member = member_of(node, error);
        struct str text;

        if (!member)
                return -EINVAL;
        text = doc_string(&member->value, STR(""));
        for (size_t i = 0; i < ELEMENTS(simple_types); i++)
                if (str_eq(member->key, str_from(simple_types[i].member)) &&
                    (!simple_types[i].name || str_eq(text, str_from(simple_types[i].name)))) {
                        *ret = simple_types[i].type;
                        return 0;
                }
        if (str_eq(member->key, STR("typeParam"))) {
                struct cel_type *type = arena_new(arena, struct cel_type);

                *type = (struct cel_type){ .kind = CEL_TYPE_PARAM, .name = text };
                *ret = type;
                return 0;
        }
        return read_compound(arena, member, ret, error);
}

static int declare_overload(struct cel_env *env, struct str name, const struct doc_node *source,
                            struct error *error) {
        const struct doc_node *params = doc_get(source, STR("params"));
        const struct doc_node *instance = doc_get(source, STR("isInstanceFunction"));
        struct cel_overload overload = { .name = name };
        int r = cel_json_type_read(env->arena, doc_get(source, STR("resultType")), &overload.result,
                                   error);

        overload.method = instance && instance->kind == DOC_BOOL && instance->boolean;
        overload.param_count = list_count(params);
        if (overload.param_count > CEL_MAX_ARGS)
                return error_set(error, -E2BIG, "function %.*s has too many parameters",
                                 STR_ARG(name));
        for (size_t i = 0; i < overload.param_count && r >= 0; i++)
                r = cel_json_type_read(env->arena, &params->list.items[i], &overload.params[i],
                                       error);
        if (r >= 0)
                cel_env_declare_overload(env, &overload);
        return r;
}

int cel_json_declare(struct cel_env *env, const struct doc_node *declaration, struct error *error) {
        struct str name = doc_string(doc_get(declaration, STR("name")), STR(""));
        const struct doc_node *ident = doc_get(declaration, STR("ident"));
        const struct doc_node *overloads =
                doc_get(doc_get(declaration, STR("function")), STR("overloads"));
        const struct cel_type *type;
        int r = 0;

        if (name.len == 0)
                return error_set(error, -EINVAL, "a declaration needs a name");
        if (ident) {
                r = cel_json_type_read(env->arena, doc_get(ident, STR("type")), &type, error);
                if (r >= 0)
                        cel_env_declare(env, name, type);
        }
        for (size_t i = 0; i < list_count(overloads) && r >= 0; i++)
                r = declare_overload(env, arena_str(env->arena, name), &overloads->list.items[i],
                                     error);
        return r;
}

/* --- writing --- */

struct writer {
        struct buf *buf;
        struct arena arena;
        unsigned depth;
};

static void write_string(struct writer *writer, struct str text) {
        buf_add_json(writer->buf, text);
}

static void write_double(struct writer *writer, double number) {
        if (isnan(number))
                buf_add(writer->buf, STR("\"NaN\""));
        else if (isinf(number))
                buf_add(writer->buf, number > 0 ? STR("\"Infinity\"") : STR("\"-Infinity\""));
        else
                buf_add(writer->buf, cel_double_text(&writer->arena, number));
}

static void write_plain(struct writer *writer, const struct cel_value *value);
static void write_exact(struct writer *writer, const struct cel_value *value);

static void write_plain_list(struct writer *writer, const struct cel_value *list) {
        buf_add_char(writer->buf, '[');
        for (size_t i = 0; i < cel_list_size(list); i++) {
                struct cel_value item = cel_list_at(list, i);

                if (i > 0)
                        buf_add_char(writer->buf, ',');
                write_plain(writer, &item);
        }
        buf_add_char(writer->buf, ']');
}

static void write_plain_map(struct writer *writer, const struct cel_value *map) {
        buf_add_char(writer->buf, '{');
        for (size_t i = 0; i < cel_map_size(map); i++) {
                struct cel_value key, value;

                cel_map_at(map, i, &key, &value);
                if (i > 0)
                        buf_add_char(writer->buf, ',');
                write_string(writer, cel_value_text(&writer->arena, &key));
                buf_add_char(writer->buf, ':');
                write_plain(writer, &value);
        }
        buf_add_char(writer->buf, '}');
}

static void write_plain_kind(struct writer *writer, const struct cel_value *value) {
        switch (value->kind) {
        case CEL_NULL:
                buf_add(writer->buf, STR("null"));
                break;
        case CEL_BOOL:
        case CEL_INT:
        case CEL_UINT:
                buf_add(writer->buf, cel_value_text(&writer->arena, value));
                break;
        case CEL_DOUBLE:
                write_double(writer, value->number);
                break;
        case CEL_BYTES:
                write_string(writer, base64_encode(&writer->arena, value->string));
                break;
        case CEL_LIST:
                write_plain_list(writer, value);
                break;
        case CEL_MAP:
                write_plain_map(writer, value);
                break;
        case CEL_OPTIONAL:
                if (value->some)
                        write_plain(writer, value->some);
                else
                        buf_add(writer->buf, STR("null"));
                break;
        default:
                write_string(writer, cel_value_text(&writer->arena, value));
        }
}

static void write_plain(struct writer *writer, const struct cel_value *value) {
        if (writer->depth >= DEPTH_LIMIT) {
                buf_add(writer->buf, STR("null"));
                return;
        }
        writer->depth++;
        write_plain_kind(writer, value);
        writer->depth--;
}

static void write_exact_list(struct writer *writer, const struct cel_value *list) {
        buf_add(writer->buf, STR("{\"values\":["));
        for (size_t i = 0; i < cel_list_size(list); i++) {
                struct cel_value item = cel_list_at(list, i);

                if (i > 0)
                        buf_add_char(writer->buf, ',');
                write_exact(writer, &item);
        }
        buf_add(writer->buf, STR("]}"));
}

static void write_exact_map(struct writer *writer, const struct cel_value *map) {
        buf_add(writer->buf, STR("{\"entries\":["));
        for (size_t i = 0; i < cel_map_size(map); i++) {
                struct cel_value key, value;

                cel_map_at(map, i, &key, &value);
                buf_add(writer->buf, i > 0 ? STR(",{\"key\":") : STR("{\"key\":"));
                write_exact(writer, &key);
                buf_add(writer->buf, STR(",\"value\":"));
                write_exact(writer, &value);
                buf_add_char(writer->buf, '}');
        }
        buf_add(writer->buf, STR("]}"));
}

static void write_object(struct writer *writer, const char *prefix, const struct cel_value *value) {
        buf_printf(writer->buf, "{\"@type\":\"%s%.*s\",\"value\":", prefix,
                   STR_ARG(cel_type_name(cel_value_type(value))));
        write_string(writer, cel_value_text(&writer->arena, value));
        buf_add_char(writer->buf, '}');
}

/* An optional may hold an error. */
static void write_error(struct writer *writer, const struct cel_value *error) {
        buf_add(writer->buf, STR("{\"objectValue\":{\"@type\":\"error\",\"value\":"));
        write_string(writer, error->error->message);
        buf_add(writer->buf, STR("}}"));
}

static void write_exact(struct writer *writer, const struct cel_value *value) {
        static const char *const members[] = {
                [CEL_NULL] = "nullValue",         [CEL_BOOL] = "boolValue",
                [CEL_INT] = "int64Value",         [CEL_UINT] = "uint64Value",
                [CEL_DOUBLE] = "doubleValue",     [CEL_STRING] = "stringValue",
                [CEL_BYTES] = "bytesValue",       [CEL_TIMESTAMP] = "objectValue",
                [CEL_DURATION] = "objectValue",   [CEL_LIST] = "listValue",
                [CEL_MAP] = "mapValue",           [CEL_TYPE] = "typeValue",
                [CEL_OPTIONAL] = "optionalValue", [CEL_OPAQUE] = "objectValue",
        };

        if (value->kind == CEL_ERROR) {
                write_error(writer, value);
                return;
        }
        if (writer->depth >= DEPTH_LIMIT || value->kind >= ELEMENTS(members) ||
            !members[value->kind]) {
                buf_add(writer->buf, STR("{\"nullValue\":null}"));
                return;
        }
        writer->depth++;
        buf_printf(writer->buf, "{\"%s\":", members[value->kind]);
        switch (value->kind) {
        case CEL_INT:
        case CEL_UINT:
                write_string(writer, cel_value_text(&writer->arena, value));
                break;
        case CEL_LIST:
                write_exact_list(writer, value);
                break;
        case CEL_MAP:
                write_exact_map(writer, value);
                break;
        case CEL_TIMESTAMP:
        case CEL_DURATION:
                write_object(writer, "type.googleapis.com/", value);
                break;
        case CEL_OPAQUE:
                write_object(writer, "", value);
                break;
        case CEL_OPTIONAL:
                if (value->some)
                        write_exact(writer, value->some);
                else
                        buf_add(writer->buf, STR("null"));
                break;
        default:
                write_plain_kind(writer, value);
        }
        buf_add_char(writer->buf, '}');
        writer->depth--;
}

void cel_json_value_write(struct buf *buf, const struct cel_value *value) {
        struct writer writer = { .buf = buf, .arena = ARENA_INIT };

        write_exact(&writer, value);
        arena_free(&writer.arena);
}

void cel_json_plain_write(struct buf *buf, const struct cel_value *value) {
        struct writer writer = { .buf = buf, .arena = ARENA_INIT };

        write_plain(&writer, value);
        arena_free(&writer.arena);
}
