#include "kube/structure-custom.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

/* Deeper schemas than this say nothing about what is below. */
enum { DEPTH_MAX = 200 };

/* "group/version kind"; a longer one is no valid kind. */
enum { KEY_MAX = 512 };

static struct str get_string(const struct doc_node *node, const char *key) {
        return doc_string(doc_get(node, str_from(key)), STR(""));
}

static bool get_true(const struct doc_node *node, const char *key) {
        const struct doc_node *value = doc_get(node, str_from(key));

        return value && value->kind == DOC_BOOL && value->boolean;
}

static int compare_str(const void *a, const void *b) {
        return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int compare_field(const void *a, const void *b) {
        return str_cmp(((const struct structure_field *)a)->name,
                       ((const struct structure_field *)b)->name);
}

/* The strings of the list under KEY; none where it is no list, or something else is in it. */
static size_t read_strings(struct arena *arena, const struct doc_node *node, const char *key,
                           struct str **ret) {
        const struct doc_node *list = doc_get(node, str_from(key));
        struct str *strings;

        if (!list || list->kind != DOC_LIST)
                return 0;
        strings = arena_new_array(arena, list->list.count, struct str);
        for (uint32_t i = 0; i < list->list.count; i++) {
                if (list->list.items[i].kind != DOC_STRING)
                        return 0;
                strings[i] = list->list.items[i].string;
        }
        *ret = strings;
        return list->list.count;
}

static enum structure_list list_type(const struct doc_node *schema) {
        struct str type = get_string(schema, "x-kubernetes-list-type");

        if (str_eq(type, STR("atomic")))
                return STRUCTURE_LIST_ATOMIC;
        if (str_eq(type, STR("set")))
                return STRUCTURE_LIST_SET;
        return str_eq(type, STR("map")) ? STRUCTURE_LIST_MAP : STRUCTURE_LIST_NONE;
}

static uint8_t read_flags(const struct doc_node *schema) {
        uint8_t flags = 0;

        if (get_true(schema, "nullable"))
                flags |= STRUCTURE_NULLABLE;
        if (get_true(schema, "x-kubernetes-preserve-unknown-fields"))
                flags |= STRUCTURE_OPEN;
        if (get_true(schema, "x-kubernetes-embedded-resource"))
                flags |= STRUCTURE_EMBEDDED;
        if (str_eq(get_string(schema, "x-kubernetes-map-type"), STR("atomic")))
                flags |= STRUCTURE_ATOMIC;
        return flags;
}

static enum structure_kind read_kind(const struct doc_node *schema) {
        static const struct {
                struct str type;
                enum structure_kind kind;
        } types[] = {
                { STR_INIT("object"), STRUCTURE_OBJECT },
                { STR_INIT("array"), STRUCTURE_LIST },
                { STR_INIT("string"), STRUCTURE_STRING },
                { STR_INIT("integer"), STRUCTURE_INTEGER },
                { STR_INIT("number"), STRUCTURE_NUMBER },
                { STR_INIT("boolean"), STRUCTURE_BOOLEAN },
        };
        struct str type = get_string(schema, "type");

        if (get_true(schema, "x-kubernetes-int-or-string"))
                return STRUCTURE_INT_OR_STRING;
        for (size_t i = 0; i < ELEMENTS(types); i++)
                if (str_eq(type, types[i].type))
                        return types[i].kind;
        return STRUCTURE_ANY;
}

/* Sets the field that every built-in kind has, too. */
static void set_common_field(struct structure *object, struct structure_field *fields,
                             const char *name) {
        const struct structure *model = structure_find(NULL, STR("v1"), STR("ConfigMap"));
        size_t at = 0;

        while (at < object->field_count && !str_eq(fields[at].name, str_from(name)))
                at++;
        fields[at] = *structure_field(model, str_from(name));
        if (at == object->field_count)
                object->field_count++;
}

static const struct structure *read_schema(struct arena *arena, const struct doc_node *schema,
                                           bool is_root, unsigned depth);

static void read_fields(struct arena *arena, struct structure *object, bool is_resource,
                        unsigned depth) {
        const struct doc_node *properties = doc_get(object->source, STR("properties"));
        size_t count = properties && properties->kind == DOC_MAP ? properties->map.count : 0;
        struct structure_field *fields = arena_new_array(arena, count + 3, struct structure_field);
        struct str *required = NULL;
        size_t required_count = read_strings(arena, object->source, "required", &required);

        for (size_t i = 0; i < count; i++)
                fields[i] = (struct structure_field){
                        properties->map.entries[i].key,
                        read_schema(arena, &properties->map.entries[i].value, false, depth),
                        false,
                };
        object->fields = fields;
        object->field_count = count;
        if (is_resource) {
                set_common_field(object, fields, "apiVersion");
                set_common_field(object, fields, "kind");
                set_common_field(object, fields, "metadata");
        }
        qsort(fields, object->field_count, sizeof(*fields), compare_field);
        for (size_t i = 0; i < required_count; i++) {
                const struct structure_field *field = structure_field(object, required[i]);

                if (field)
                        fields[field - fields].required = true;
        }
}

static void read_object(struct arena *arena, struct structure *object, bool is_root,
                        unsigned depth) {
        const struct doc_node *values = doc_get(object->source, STR("additionalProperties"));

        if (values && values->kind == DOC_MAP) {
                object->kind = STRUCTURE_MAP;
                object->of = read_schema(arena, values, false, depth);
                return;
        }
        if (values && values->kind == DOC_BOOL && values->boolean)
                object->flags |= STRUCTURE_OPEN;
        read_fields(arena, object, is_root || (object->flags & STRUCTURE_EMBEDDED), depth);
}

static const struct structure *read_schema(struct arena *arena, const struct doc_node *schema,
                                           bool is_root, unsigned depth) {
        struct structure *structure = arena_new(arena, struct structure);
        struct str *enums = NULL, *keys = NULL;

        *structure = (struct structure){
                .kind = (uint8_t)(depth < DEPTH_MAX ? read_kind(schema) : STRUCTURE_ANY),
                .list_type = (uint8_t)list_type(schema),
                .flags = read_flags(schema),
                .format = get_string(schema, "format"),
                .source = schema,
        };
        structure->enum_count = read_strings(arena, schema, "enum", &enums);
        if (structure->enum_count)
                qsort(enums, structure->enum_count, sizeof(*enums), compare_str);
        structure->enums = enums;
        structure->key_count = read_strings(arena, schema, "x-kubernetes-list-map-keys", &keys);
        structure->keys = keys;
        if (structure->kind == STRUCTURE_LIST)
                structure->of = read_schema(arena, doc_get(schema, STR("items")), false, depth + 1);
        else if (structure->kind == STRUCTURE_OBJECT)
                read_object(arena, structure, is_root, depth + 1);
        return structure;
}

/* The structure of a VERSION of a definition. */
static const struct structure *read_version(struct arena *arena, const struct doc_node *version) {
        const struct doc_node *schema = doc_find(version, "schema", "openAPIV3Schema");
        struct structure *open;

        if (schema && schema->kind == DOC_MAP)
                return read_schema(arena, schema, true, 0);
        open = arena_new(arena, struct structure);
        *open = (struct structure){ .kind = STRUCTURE_OBJECT, .flags = STRUCTURE_OPEN };
        read_fields(arena, open, true, 0);
        return open;
}

static struct str gvk_key(struct arena *arena, const struct structure_gvk *gvk) {
        return arena_printf(arena, "%.*s/%.*s %.*s", STR_ARG(gvk->group), STR_ARG(gvk->version),
                            STR_ARG(gvk->kind));
}

static bool add_version(struct structure_set *set, const struct doc_node *spec,
                        const struct doc_node *version) {
        struct structure_gvk *gvk = arena_new(&set->arena, struct structure_gvk);
        struct map_entry *entry;

        *gvk = (struct structure_gvk){
                .group = get_string(spec, "group"),
                .version = get_string(version, "name"),
                .kind = doc_string(doc_find(spec, "names", "kind"), STR("")),
                .resource = doc_string(doc_find(spec, "names", "plural"), STR("")),
                .namespaced = str_eq(get_string(spec, "scope"), STR("Namespaced")),
                .served = get_true(version, "served"),
        };
        if (!gvk->group.len || !gvk->version.len || !gvk->kind.len)
                return false;
        entry = map_put(&set->gvks, gvk_key(&set->arena, gvk));
        if (entry->value)
                return false;
        gvk->structure = read_version(&set->arena, version);
        entry->value = gvk;
        return true;
}

size_t structure_set_add(struct structure_set *set, const struct doc_node *crd) {
        const struct doc_node *spec = doc_get(crd, STR("spec")),
                              *versions = doc_get(spec, STR("versions"));
        size_t added = 0;

        if (!str_eq(get_string(crd, "kind"), STR("CustomResourceDefinition")) ||
            !str_eq(get_string(crd, "apiVersion"), STR("apiextensions.k8s.io/v1")) || !versions ||
            versions->kind != DOC_LIST)
                return 0;
        for (uint32_t i = 0; i < versions->list.count; i++)
                added += add_version(set, spec, &versions->list.items[i]);
        return added;
}

void structure_set_free(struct structure_set *set) {
        map_free(&set->gvks);
        arena_free(&set->arena);
}

const struct structure_gvk *structure_set_find(const struct structure_set *set,
                                               struct str api_version, struct str kind) {
        char key[KEY_MAX];
        int length = snprintf(key, sizeof(key), "%.*s %.*s", STR_ARG(api_version), STR_ARG(kind));

        if (length < 0 || (size_t)length >= sizeof(key))
                return NULL;
        return map_get(&set->gvks, (struct str){ key, (size_t)length });
}
