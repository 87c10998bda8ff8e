#include "kube/strict.h"

#include <errno.h>

#include "base/buf.h"
#include "base/quantity.h"
#include "base/util.h"
#include "kube/moment.h"
#include "kube/schema.h"

struct strict {
        struct arena arena;
        struct buf path, unknown; /* where we are; the fields that are not known */
        struct error *error;
};

static void strict_free(struct strict *strict) {
        buf_free(&strict->path);
        buf_free(&strict->unknown);
        arena_free(&strict->arena);
}

static int check_value(struct strict *strict, const struct schema_type *type,
                       const struct doc_node *value);

static const char *go_type(const struct schema_type *type) {
        static const char *const names[] = {
                [SCHEMA_BOOL] = "bool",       [SCHEMA_INT32] = "int32",
                [SCHEMA_INT64] = "int64",     [SCHEMA_FLOAT] = "float64",
                [SCHEMA_STRING] = "string",   [SCHEMA_BYTES] = "[]uint8",
                [SCHEMA_TIME] = "string",     [SCHEMA_MICRO_TIME] = "string",
                [SCHEMA_DURATION] = "string", [SCHEMA_LIST] = "[]",
                [SCHEMA_MAP] = "map",         [SCHEMA_RESOURCES] = "map",
                [SCHEMA_STRUCT] = "struct",
        };

        return type->kind < ELEMENTS(names) && names[type->kind] ? names[type->kind] : "value";
}

static const char *json_kind(const struct doc_node *value) {
        static const char *const names[] = {
                [DOC_NULL] = "null",     [DOC_BOOL] = "bool",     [DOC_INT] = "number",
                [DOC_DOUBLE] = "number", [DOC_STRING] = "string", [DOC_LIST] = "array",
                [DOC_MAP] = "object",
        };

        return names[value->kind];
}

static int wrong_type(struct strict *strict, const struct schema_type *type,
                      const struct doc_node *value) {
        return error_set(strict->error, -EINVAL,
                         "json: cannot unmarshal %s into Go struct field %.*s of type %s",
                         json_kind(value), STR_ARG(buf_str(&strict->path)), go_type(type));
}

static int check_quantity(struct strict *strict, const struct doc_node *value) {
        struct quantity quantity;

        if (value->kind == DOC_INT || value->kind == DOC_DOUBLE)
                return 0;
        if (value->kind != DOC_STRING)
                return error_set(strict->error, -EINVAL,
                                 "a quantity must be a string or a number, not a %s",
                                 doc_kind_name(value->kind));
        return quantity_parse(&strict->arena, str_trim(value->string), &quantity, strict->error);
}

static int check_moment(struct strict *strict, const struct schema_type *type,
                        const struct doc_node *value) {
        struct str text;

        if (type->kind == SCHEMA_DURATION)
                return kube_duration_text(&strict->arena, value->string, &text) < 0
                               ? error_set(strict->error, -EINVAL,
                                           "time: invalid duration \"%.*s\"",
                                           STR_ARG(value->string))
                               : 0;
        if (kube_time_text(&strict->arena, value->string, type->kind == SCHEMA_MICRO_TIME, &text) <
            0)
                return error_set(strict->error, -EINVAL, "parsing time \"%.*s\": not in RFC 3339",
                                 STR_ARG(value->string));
        return 0;
}

/* Whether the kind of VALUE fits; what is in a list or map is another question. */
static bool fits(const struct schema_type *type, const struct doc_node *value) {
        switch ((enum schema_type_kind)type->kind) {
        case SCHEMA_BOOL:
                return value->kind == DOC_BOOL;
        case SCHEMA_INT32:
                return value->kind == DOC_INT && value->integer >= INT32_MIN &&
                       value->integer <= INT32_MAX;
        case SCHEMA_INT64:
                return value->kind == DOC_INT;
        case SCHEMA_FLOAT:
                return value->kind == DOC_INT || value->kind == DOC_DOUBLE;
        case SCHEMA_STRING:
        case SCHEMA_BYTES:
        case SCHEMA_TIME:
        case SCHEMA_MICRO_TIME:
        case SCHEMA_DURATION:
                return value->kind == DOC_STRING;
        case SCHEMA_INT_OR_STRING:
                return value->kind == DOC_INT || value->kind == DOC_STRING;
        case SCHEMA_LIST:
                return value->kind == DOC_LIST;
        case SCHEMA_MAP:
        case SCHEMA_RESOURCES:
        case SCHEMA_STRUCT:
                return value->kind == DOC_MAP;
        case SCHEMA_ANY:
        case SCHEMA_QUANTITY:
                break;
        }
        return true;
}

static void leave(struct strict *strict, size_t len) {
        strict->path.len = len;
        if (strict->path.data)
                strict->path.data[len] = '\0';
}

static int check_list(struct strict *strict, const struct schema_type *type,
                      const struct doc_node *list) {
        size_t path = strict->path.len;
        int r = 0;

        for (uint32_t i = 0; i < list->list.count && r >= 0; i++) {
                buf_printf(&strict->path, "[%u]", i);
                r = check_value(strict, type, &list->list.items[i]);
                leave(strict, path);
        }
        return r;
}

static void add_unknown(struct strict *strict) {
        buf_printf(&strict->unknown, "%sunknown field \"%.*s\"",
                   strict->unknown.len > 0 ? ", " : "", STR_ARG(buf_str(&strict->path)));
}

/* FIELDS: the entries are fields of the struct TYPE; otherwise they are of TYPE. */
static int check_map(struct strict *strict, const struct schema_type *type, bool fields,
                     const struct doc_node *map) {
        size_t path = strict->path.len;
        int r = 0;

        for (uint32_t i = 0; i < map->map.count && r >= 0; i++) {
                const struct doc_entry *entry = &map->map.entries[i];
                int at = fields ? schema_field_index(type, entry->key) : 0;

                buf_printf(&strict->path, "%s%.*s", path > 0 ? "." : "", STR_ARG(entry->key));
                if (at < 0)
                        add_unknown(strict);
                else
                        r = check_value(strict,
                                        fields ? &schema_types[schema_fields_of(type)[at].type]
                                               : type,
                                        &entry->value);
                leave(strict, path);
        }
        return r;
}

static int check_value(struct strict *strict, const struct schema_type *type,
                       const struct doc_node *value) {
        static const struct schema_type quantity = { SCHEMA_QUANTITY };

        if (value->kind == DOC_NULL)
                return 0;
        if (!fits(type, value))
                return wrong_type(strict, type, value);
        switch ((enum schema_type_kind)type->kind) {
        case SCHEMA_QUANTITY:
                return check_quantity(strict, value);
        case SCHEMA_TIME:
        case SCHEMA_MICRO_TIME:
        case SCHEMA_DURATION:
                return check_moment(strict, type, value);
        case SCHEMA_LIST:
                return check_list(strict, &schema_types[type->of], value);
        case SCHEMA_MAP:
                return check_map(strict, &schema_types[type->of], false, value);
        case SCHEMA_RESOURCES:
                return check_map(strict, &quantity, false, value);
        case SCHEMA_STRUCT:
                return check_map(strict, type, true, value);
        default:
                return 0;
        }
}

int kube_decode_check(const struct doc_node *object, struct error *error) {
        struct strict strict _cleanup_(strict_free) = { .arena = ARENA_INIT, .error = error };
        const struct schema_type *type =
                schema_find(doc_string(doc_get(object, STR("apiVersion")), STR("")),
                            doc_string(doc_get(object, STR("kind")), STR("")));
        int r = type ? check_value(&strict, type, object) : 0;

        if (r >= 0 && strict.unknown.len > 0)
                r = error_set(error, -EINVAL, "strict decoding error: %s", strict.unknown.data);
        return r;
}
