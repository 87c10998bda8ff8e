#include "cel/message.h"

#include "base/util.h"
#include "cel/cost.h"

const struct cel_message *cel_message_of(const struct cel_value *value) {
        if (value->kind != CEL_OPAQUE || !value->opaque_type->type->object)
                return NULL;
        return value->opaque;
}

const struct cel_value *cel_message_get(const struct cel_message *message, struct str name) {
        for (size_t i = 0; i < message->count; i++)
                if (str_eq(message->names[i], name))
                        return &message->values[i];
        return NULL;
}

/* --- types --- */

/* An object type and the type of its values, which are opaque to all but this file. */
struct message_type {
        struct cel_type type;
        struct cel_object object;
        struct cel_opaque_type opaque;
};

static bool message_equal(const void *a, const void *b) {
        const struct cel_message *x = a, *y = b;

        if (x->count != y->count)
                return false;
        for (size_t i = 0; i < x->count; i++) {
                const struct cel_value *other = cel_message_get(y, x->names[i]);

                if (!other || !cel_equal(&x->values[i], other))
                        return false;
        }
        return true;
}

static bool message_field(const void *data, struct str name, struct cel_value *ret) {
        const struct cel_value *value = cel_message_get(data, name);

        if (value)
                *ret = *value;
        return value;
}

static const struct cel_type *find_any(const struct cel_object *object, struct str name) {
        (void)object;
        (void)name;
        return &cel_type_dyn;
}

static const struct cel_type *find_operation_field(const struct cel_object *object,
                                                   struct str name) {
        (void)object;
        if (str_eq(name, STR("op")) || str_eq(name, STR("path")) || str_eq(name, STR("from")))
                return &cel_type_string;
        return str_eq(name, STR("value")) ? &cel_type_dyn : NULL;
}

const struct cel_type *cel_patch_type(struct arena *arena, struct str name) {
        bool operation = str_eq(name, STR("JSONPatch"));
        struct message_type *made;

        if (!operation && !str_eq(name, STR("Object")) && !str_starts(name, STR("Object.")))
                return NULL;
        made = arena_new(arena, struct message_type);
        made->type = (struct cel_type){ .kind = CEL_TYPE_OBJECT,
                                        .name = arena_str(arena, name),
                                        .object = &made->object };
        made->object = (struct cel_object){ .find = operation ? find_operation_field : find_any,
                                            .message = &made->opaque };
        made->opaque = (struct cel_opaque_type){ .name = made->type.name,
                                                 .convertible = true,
                                                 .type = &made->type,
                                                 .equal = message_equal,
                                                 .field = operation ? message_field : NULL };
        return &made->type;
}

/* --- construction --- */

/* What Go calls the plain value of VALUE. */
static const char *native_type(const struct cel_value *value) {
        static const char *const names[] = {
                [CEL_NULL] = "structpb.NullValue",
                [CEL_BOOL] = "bool",
                [CEL_INT] = "int64",
                [CEL_UINT] = "uint64",
                [CEL_DOUBLE] = "float64",
                [CEL_STRING] = "string",
                [CEL_BYTES] = "[]uint8",
                [CEL_TIMESTAMP] = "time.Time",
                [CEL_DURATION] = "time.Duration",
                [CEL_LIST] = "[]ref.Val",
                [CEL_MAP] = "map[ref.Val]ref.Val",
        };

        if (value->representation == CEL_DOC)
                return value->kind == CEL_LIST ? "[]interface {}" : "map[string]interface {}";
        return value->kind < ELEMENTS(names) && names[value->kind] ? names[value->kind]
                                                                   : cel_value_go_type(value);
}

/* A field that the checker took because its type was not known. */
static struct cel_value check_field(struct cel_context *context, const struct cel_type *type,
                                    struct str name, const struct cel_value *value) {
        const struct cel_type *wanted = type->object->find(type->object, name);

        if (wanted != &cel_type_string || value->kind == CEL_STRING)
                return cel_null();
        return cel_error(context->scratch, "unexpected type %s for %.*sType '%.*s' field",
                         native_type(value), STR_ARG(type->name), STR_ARG(name));
}

/* The fields that are being collected; there is room for all. */
struct fields {
        struct str *names;
        struct cel_value *values;
        size_t count;
};

static size_t field_index(const struct fields *fields, struct str name) {
        size_t at = 0;

        while (at < fields->count && !str_eq(fields->names[at], name))
                at++;
        return at;
}

/* Sets or replaces field NAME. */
static void field_set(struct fields *fields, struct str name, const struct cel_value *value) {
        size_t at = field_index(fields, name);

        fields->names[at] = name;
        fields->values[at] = *value;
        if (at == fields->count)
                fields->count++;
}

static void field_remove(struct fields *fields, struct str name) {
        size_t at = field_index(fields, name);

        if (at == fields->count)
                return;
        fields->count--;
        for (; at < fields->count; at++) {
                fields->names[at] = fields->names[at + 1];
                fields->values[at] = fields->values[at + 1];
        }
}

/* Adds what ENTRY says. Returns null or an error. */
static struct cel_value add_entry(struct cel_context *context, struct fields *fields,
                                  const struct cel_map_entry_expr *entry) {
        struct str name = entry->key->constant.string;
        struct cel_value value;

        cel_eval_into(context, entry->value, &value);
        if (cel_is_error(&value))
                return value;
        if (!cel_charge(context, fields->count / 16))
                return cel_exhausted();
        if (entry->optional) {
                if (value.kind != CEL_OPTIONAL)
                        return cel_not_optional(context, &entry->key->constant, &value);
                if (!value.some) {
                        field_remove(fields, name);
                        return cel_null();
                }
                value = *value.some;
        }
        field_set(fields, name, &value);
        return cel_null();
}

struct cel_value cel_eval_message(struct cel_context *context, const struct cel_expr *expr) {
        struct cel_message *message = arena_new(context->scratch, struct cel_message);
        struct fields fields = {
                arena_new_array(context->scratch, expr->entry_count, struct str),
                arena_new_array(context->scratch, expr->entry_count, struct cel_value),
        };

        if (context->aborted)
                return cel_exhausted();
        context->cost += CEL_COST_MESSAGE;
        for (size_t i = 0; i < expr->entry_count; i++) {
                struct cel_value problem = add_entry(context, &fields, &expr->entries[i]);

                if (cel_is_error(&problem)) {
                        cel_abort_refund(context, CEL_COST_MESSAGE);
                        return problem;
                }
        }
        for (size_t i = 0; i < fields.count; i++) {
                struct cel_value problem =
                        check_field(context, expr->type, fields.names[i], &fields.values[i]);

                if (cel_is_error(&problem))
                        return problem;
        }
        *message = (struct cel_message){ expr->type, fields.names, fields.values, fields.count };
        return cel_opaque(expr->type->object->message, message);
}
