#include "kube/merge-atom.h"

#include "base/util.h"
#include "doc/write.h"

/* Values without a structure, and those that are replaced as a whole, however deep. */
static const struct structure deduced = { .kind = STRUCTURE_ANY };
static const struct structure untyped = { .kind = STRUCTURE_ANY, .flags = STRUCTURE_ATOMIC };

const struct structure *atom_type(const struct structure *type) {
        if (!type)
                return &deduced;
        return str_eq(type->name, STR("io.k8s.apimachinery.pkg.runtime.RawExtension")) ? &untyped
                                                                                       : type;
}

static unsigned shapes(const struct structure *type) {
        switch ((enum structure_kind)type->kind) {
        case STRUCTURE_ANY:
        case STRUCTURE_INT_OR_STRING:
                return ATOM_ANY;
        case STRUCTURE_OBJECT:
        case STRUCTURE_MAP:
                return ATOM_MAP;
        case STRUCTURE_LIST:
                return ATOM_LIST;
        default:
                return ATOM_SCALAR;
        }
}

enum atom atom_of(const struct structure *type, const struct doc_node *value) {
        unsigned possible = shapes(type), is = ATOM_ANY;

        if (value && value->kind != DOC_NULL)
                is = value->kind == DOC_MAP    ? ATOM_MAP
                     : value->kind == DOC_LIST ? ATOM_LIST
                                               : ATOM_SCALAR;
        if (possible & is)
                possible &= is;
        return possible & ATOM_MAP ? ATOM_MAP : possible & ATOM_SCALAR ? ATOM_SCALAR : ATOM_LIST;
}

enum scalar atom_scalar(const struct structure *type) {
        switch ((enum structure_kind)type->kind) {
        case STRUCTURE_STRING:
                return type->format.len == 0 || str_eq(type->format, STR("byte")) ? SCALAR_STRING
                                                                                  : SCALAR_ANY;
        case STRUCTURE_INTEGER:
        case STRUCTURE_NUMBER:
                return SCALAR_NUMBER;
        case STRUCTURE_BOOLEAN:
                return SCALAR_BOOLEAN;
        default:
                return SCALAR_ANY;
        }
}

bool atom_map_is_atomic(const struct structure *type) {
        return type->flags & STRUCTURE_ATOMIC;
}

bool atom_list_is_atomic(const struct structure *type) {
        return type->kind != STRUCTURE_LIST || type->list_type == STRUCTURE_LIST_NONE ||
               type->list_type == STRUCTURE_LIST_ATOMIC;
}

const struct structure *atom_field(const struct structure *type, struct str name) {
        const struct structure_field *field = structure_field(type, name);

        if (field)
                return atom_type(field->type);
        if (type->kind == STRUCTURE_MAP)
                return atom_type(type->of);
        if (type == &untyped)
                return &untyped;
        return type->kind != STRUCTURE_OBJECT || type->field_count == 0 ||
                               (type->flags & STRUCTURE_OPEN)
                       ? &deduced
                       : NULL;
}

const struct structure *atom_item(const struct structure *type) {
        return type->kind == STRUCTURE_LIST ? atom_type(type->of) : &untyped;
}

/* --- keys --- */

/* The value that the key field NAME of an item of TYPE has when it is not written; NULL: none. The
 * published default; of built-in kinds that of what Go writes always is its zero. */
static const struct doc_node *key_default(const struct structure *type, struct str name) {
        static const struct doc_node zero = { .kind = DOC_INT };
        static const struct doc_node empty = { .kind = DOC_STRING };
        static const struct doc_node tcp = { .kind = DOC_STRING, .string = STR_INIT("TCP") };
        const struct structure_field *field = structure_field(type, name);
        const struct doc_node *properties;

        if (!field)
                return NULL;
        if (type->source) {
                properties = doc_get(type->source, STR("properties"));
                return doc_get(doc_get(properties, name), STR("default"));
        }
        if (str_eq(name, STR("protocol")))
                return &tcp;
        if (!field->required && !str_eq(type->name, STR("io.k8s.api.core.v1.LocalObjectReference")))
                return NULL;
        return field->type->kind == STRUCTURE_STRING ? &empty : &zero;
}

static int compare_names(const void *a, const void *b) {
        return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* `[containerPort=80,protocol="TCP"]`, sorted by field. */
static const char *add_fields(struct buf *buf, struct arena *arena, const struct structure *type,
                              const struct doc_node *item) {
        struct str *keys = arena_copy(arena, type->keys, type->key_count * sizeof *keys);
        size_t written = 0;

        if (item->kind == DOC_NULL)
                return "associative list with keys may not have a null element";
        if (item->kind != DOC_MAP)
                return "associative list with keys may not have non-map elements";
        qsort(keys, type->key_count, sizeof *keys, compare_names);
        for (size_t i = 0; i < type->key_count; i++) {
                const struct doc_node *value = doc_get(item, keys[i]);

                if (!value)
                        value = key_default(atom_item(type), keys[i]);
                if (!value)
                        continue;
                buf_printf(buf, "%c%.*s=", written++ ? ',' : '[', STR_ARG(keys[i]));
                doc_write_json(buf, value);
        }
        buf_add_char(buf, ']');
        if (written > 0)
                return NULL;
        return "associative list with keys has an element that omits all key fields (and doesn't "
               "have default values for any key fields)";
}

const char *atom_add_key(struct buf *buf, struct arena *arena, const struct structure *type,
                         const struct doc_node *item) {
        if (type->list_type == STRUCTURE_LIST_MAP && type->key_count > 0)
                return add_fields(buf, arena, type, item);
        switch ((enum doc_kind)item->kind) {
        case DOC_MAP:
                return "associative list without keys has an element that's a map type";
        case DOC_LIST:
                return "not supported: associative list with lists as elements";
        case DOC_NULL:
                return "associative list without keys has an element that's an explicit null";
        default:
                buf_add(buf, STR("[="));
                doc_write_json(buf, item);
                buf_add_char(buf, ']');
                return NULL;
        }
}
