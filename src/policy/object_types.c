/*
 * CEL types from structures: how the API server types `object` and `params` when it checks the
 * types of a policy (k8s.io/apiserver/pkg/cel/common, SchemaDeclType; pkg/cel/escaping.go).
 *
 * An object has the fields of its structure under the names that CEL can write. What is published
 * without a type is not among them: quantities, above all, because they may be strings or numbers.
 * The names of types lead from the kind through the fields: "Deployment.spec.template".
 */
#include "base/util.h"
#include "policy/private.h"

/* The data of a struct cel_object. */
struct object_type {
        struct arena *arena;
        const struct structure *structure;
        struct str name;
        const struct object_type *outer; /* the object that it is a part of, or NULL */
};

static const struct cel_type *find_field(const struct cel_object *object, struct str name);
static struct str hint_field(const struct cel_object *object, struct str name, struct arena *arena);

/* --- names --- */

static bool is_reserved(struct str name) {
        static const struct str words[] = {
                STR_INIT("true"),    STR_INIT("false"),     STR_INIT("null"),
                STR_INIT("in"),      STR_INIT("as"),        STR_INIT("break"),
                STR_INIT("const"),   STR_INIT("continue"),  STR_INIT("else"),
                STR_INIT("for"),     STR_INIT("function"),  STR_INIT("if"),
                STR_INIT("import"),  STR_INIT("let"),       STR_INIT("loop"),
                STR_INIT("package"), STR_INIT("namespace"), STR_INIT("return"),
                STR_INIT("var"),     STR_INIT("void"),      STR_INIT("while"),
        };

        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (str_eq(name, words[i]))
                        return true;
        return false;
}

/* What stands at AT of a property's name, as CEL writes it; *RET_LENGTH characters of the name.
 * Empty for a character that cannot be written. */
static struct str escape_at(struct str name, size_t at, size_t *ret_length) {
        char c = name.ptr[at];

        *ret_length = 1;
        if (c == '_' && at + 1 < name.len && name.ptr[at + 1] == '_') {
                *ret_length = 2;
                return STR("__underscores__");
        }
        if (c == '.')
                return STR("__dot__");
        if (c == '-')
                return STR("__dash__");
        if (c == '/')
                return STR("__slash__");
        if (c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
                return str_slice(name, at, at + 1);
        return (struct str){ 0 };
}

/* Whether CEL writes PROPERTY as NAME. */
static bool is_written(struct str property, struct str name) {
        if (property.len == 0 || (property.ptr[0] >= '0' && property.ptr[0] <= '9'))
                return false;
        if (is_reserved(property)) {
                if (str_eq(property, name))
                        return true; /* since 1.31 */
                return name.len == property.len + 4 && str_starts(name, STR("__")) &&
                       str_ends(name, STR("__")) &&
                       str_eq(str_slice(name, 2, name.len - 2), property);
        }
        for (size_t at = 0, length; at < property.len; at += length) {
                struct str part = escape_at(property, at, &length);

                if (part.len == 0 || !str_starts(name, part))
                        return false;
                name = str_slice(name, part.len, name.len);
        }
        return name.len == 0;
}

/* --- types --- */

/* Structures refer to themselves; upstream knows nothing of the fields of the inner one. */
static bool is_within(const struct object_type *outer, const struct structure *structure) {
        for (; outer; outer = outer->outer)
                if (structure->name.len > 0 && str_eq(outer->structure->name, structure->name))
                        return true;
        return false;
}

static const struct cel_type *object_of(struct arena *arena, const struct structure *structure,
                                        struct str name, const struct object_type *outer) {
        static const struct structure nothing = { .kind = STRUCTURE_OBJECT };
        struct object_type *data = arena_new(arena, struct object_type);
        struct cel_object *object = arena_new(arena, struct cel_object);
        struct cel_type *type = arena_new(arena, struct cel_type);

        *data = (struct object_type){ arena, is_within(outer, structure) ? &nothing : structure,
                                      name, outer };
        *object = (struct cel_object){ .find = find_field, .data = data, .hint = hint_field };
        *type = (struct cel_type){ .kind = CEL_TYPE_OBJECT, .name = name, .object = object };
        return type;
}

static const struct cel_type *string_of(const struct structure *structure) {
        if (str_eq(structure->format, STR("byte")))
                return &cel_type_bytes;
        if (str_eq(structure->format, STR("duration")))
                return &cel_type_duration;
        if (str_eq(structure->format, STR("date")) || str_eq(structure->format, STR("date-time")))
                return &cel_type_timestamp;
        return &cel_type_string;
}

/* The type of STRUCTURE, which is a part of OUTER; NULL: rules do not see it. */
static const struct cel_type *type_of(struct arena *arena, const struct structure *structure,
                                      struct str name, const struct object_type *outer) {
        const struct cel_type *item;

        if (str_eq(structure->format, STR("int-or-string")))
                return &cel_type_dyn;
        switch ((enum structure_kind)structure->kind) {
        case STRUCTURE_OBJECT:
                return object_of(arena, structure, name, outer);
        case STRUCTURE_MAP:
                item = type_of(arena, structure->of,
                               arena_printf(arena, "%.*s.@elem", STR_ARG(name)), outer);
                return item ? cel_type_map(arena, &cel_type_string, item) : NULL;
        case STRUCTURE_LIST:
                item = type_of(arena, structure->of,
                               arena_printf(arena, "%.*s.@idx", STR_ARG(name)), outer);
                return item ? cel_type_list(arena, item) : NULL;
        case STRUCTURE_STRING:
                return string_of(structure);
        case STRUCTURE_INTEGER:
                return &cel_type_int;
        case STRUCTURE_NUMBER:
                return &cel_type_double;
        case STRUCTURE_BOOLEAN:
                return &cel_type_bool;
        case STRUCTURE_INT_OR_STRING:
                return &cel_type_dyn;
        case STRUCTURE_ANY:
        case STRUCTURE_QUANTITY:
        default:
                return NULL;
        }
}

static const struct structure_field *find_written(const struct structure *structure,
                                                  struct str name) {
        for (size_t i = 0; i < structure->field_count; i++)
                if (is_written(structure->fields[i].name, name))
                        return &structure->fields[i];
        return NULL;
}

static const struct cel_type *find_field(const struct cel_object *object, struct str name) {
        const struct object_type *data = object->data;
        const struct structure_field *field = find_written(data->structure, name);

        if (!field)
                return NULL;
        return type_of(data->arena, field->type,
                       arena_printf(data->arena, "%.*s.%.*s", STR_ARG(data->name), STR_ARG(name)),
                       data);
}

/* What an author who wrote NAME probably meant. */
static struct str hint_field(const struct cel_object *object, struct str name,
                             struct arena *arena) {
        const struct object_type *data = object->data;
        const struct structure *structure = data->structure;
        const struct structure_field *near = NULL;
        size_t best = 1 + name.len / 4;

        if (find_written(structure, name))
                return STR("it exists, but the type checker of Kubernetes does not see fields that "
                           "can be of several types, such as quantities; dyn(...) around what is "
                           "before it tells the checker to let it pass");
        if (structure->flags & STRUCTURE_OPEN)
                return STR("unknown fields are kept here, but the type checker knows nothing of "
                           "them; dyn(...) around what is before it tells it to let them pass");
        for (size_t i = 0; i < structure->field_count; i++) {
                size_t distance = str_distance(name, structure->fields[i].name);

                if (distance <= best) {
                        best = distance;
                        near = &structure->fields[i];
                }
        }
        if (!near)
                return (struct str){ 0 };
        return arena_printf(arena, "did you mean \"%.*s\"?", STR_ARG(near->name));
}

const struct cel_type *policy_type_of_structure(struct arena *arena,
                                                const struct structure *structure,
                                                struct str name) {
        return type_of(arena, structure, arena_str(arena, name), NULL);
}
