#include "kube/decode.h"

#include "base/buf.h"
#include "base/quantity.h"
#include "base/util.h"
#include "doc/tree.h"
#include "doc/write.h"
#include "kube/autoscaler.h"
#include "kube/defaults.h"
#include "kube/moment.h"
#include "kube/schema.h"

/* --- kinds without a schema --- */

static bool has_null(const struct doc_node *node) {
        if (node->kind == DOC_LIST) {
                for (uint32_t i = 0; i < node->list.count; i++)
                        if (has_null(&node->list.items[i]))
                                return true;
        } else if (node->kind == DOC_MAP) {
                for (uint32_t i = 0; i < node->map.count; i++)
                        if (node->map.entries[i].value.kind == DOC_NULL ||
                            has_null(&node->map.entries[i].value))
                                return true;
        }
        return false;
}

/* Depth is bounded by the reader's limit. A copy keeps the parent it was written under, which is
 * what paths go by. */
static void copy_without_nulls(struct arena *arena, const struct doc_node *from,
                               struct doc_node *to) {
        struct doc_node *made;
        size_t kept = 0;

        *to = *from;
        if (from->kind == DOC_LIST) {
                made = doc_new_list(arena, from, from->list.count);
                for (uint32_t i = 0; i < from->list.count; i++)
                        copy_without_nulls(arena, &from->list.items[i], &made->list.items[i]);
                to->list = made->list;
                return;
        }
        if (from->kind != DOC_MAP)
                return;
        for (uint32_t i = 0; i < from->map.count; i++)
                kept += from->map.entries[i].value.kind != DOC_NULL;
        made = doc_new_map(arena, from, kept);
        kept = 0;
        for (uint32_t i = 0; i < from->map.count; i++) {
                const struct doc_entry *entry = &from->map.entries[i];

                if (entry->value.kind == DOC_NULL)
                        continue;
                made->map.entries[kept] = *entry;
                copy_without_nulls(arena, &entry->value, &made->map.entries[kept++].value);
        }
        doc_map_index(arena, made);
        to->map = made->map;
}

/* --- kinds with a schema --- */

struct decoder {
        struct arena *arena;
        bool host_network; /* the pod that is being decoded is in the host's network */
        bool for_rules;
        bool undefaulted;
};

/* Where a value goes. */
struct place {
        struct doc_node *node;
        const struct doc_node *parent;
        uint32_t index;
        bool synthetic; /* the value was not written there */
};

/* A quantity in a map of resources; the server rounds it up to thousandths. */
static const struct schema_type amount = { SCHEMA_QUANTITY };
enum { AMOUNT_SCALE = -3 };

static void decode_value(struct decoder *d, const struct schema_type *type,
                         const struct doc_node *from, struct place place);

/* Makes PLACE the copy of FROM, NULL for nothing, that its parent holds. */
static void copy_node(const struct doc_node *from, struct place place) {
        struct doc_node *to = place.node;

        if (from)
                *to = *from;
        if (from && !place.synthetic)
                return;
        to->flags |= DOC_SYNTHETIC;
        to->parent = place.parent;
        to->index = place.index;
        if (place.parent) {
                to->depth = (uint16_t)(place.parent->depth + 1);
                to->start = place.parent->start;
                to->end = place.parent->end;
        }
}

/* Whether a value is what Go writes nothing for, where the field says so. */
static bool is_zero(const struct doc_node *node) {
        switch ((enum doc_kind)node->kind) {
        case DOC_NULL:
                return true;
        case DOC_BOOL:
                return !node->boolean;
        case DOC_INT:
                return node->integer == 0;
        case DOC_DOUBLE:
                return node->number == 0;
        case DOC_STRING:
                return node->string.len == 0;
        case DOC_LIST:
                return node->list.count == 0;
        case DOC_MAP:
                return node->map.count == 0;
        }
        return false;
}

/* Structs and what is like them are never zero once they were written. */
static bool has_zero(const struct schema_type *type) {
        return type->kind != SCHEMA_STRUCT && type->kind != SCHEMA_QUANTITY &&
               type->kind != SCHEMA_INT_OR_STRING && type->kind != SCHEMA_ANY;
}

static bool is_unset(const struct schema_field *field, const struct doc_node *value) {
        if (!value)
                return true;
        return !(field->flags & SCHEMA_POINTER) && has_zero(&schema_types[field->type]) &&
               is_zero(value);
}

static void read_fields(struct decode_fields *fields, const struct doc_node *from) {
        for (uint32_t i = 0; from && i < from->map.count; i++) {
                const struct doc_entry *entry = &from->map.entries[i];
                int at = entry->value.kind == DOC_NULL
                                 ? -1
                                 : schema_field_index(fields->type, entry->key);

                if (at >= 0) {
                        fields->values[at] = &entry->value;
                        fields->entries[at] = entry;
                }
        }
}

static void set_fallbacks(struct decode_fields *fields) {
        const struct schema_field *field = schema_fields_of(fields->type);

        for (int i = 0; i < fields->type->count; i++, field++) {
                if (!field->fallback || !is_unset(field, fields->values[i]))
                        continue;
                fields->values[i] = schema_fallback(field);
                fields->entries[i] = NULL;
        }
}

/* A pod without containers is refused before a policy sees it. What has none in a file is a patch,
 * and rules are not to stumble over its null. */
static bool is_patch(const struct decode_fields *fields, int i) {
        bool pod = fields->type->hook == HOOK_POD_SPEC || fields->type->hook == HOOK_OWN_POD_SPEC;

        return pod && fields->for_rules && !fields->values[i] &&
               str_eq(schema_fields_of(fields->type)[i].name, STR("containers"));
}

/* Whether the field I is written at all. */
static bool is_written(const struct decode_fields *fields, int i) {
        const struct schema_field *field = &schema_fields_of(fields->type)[i];

        if (is_patch(fields, i))
                return false;
        return !(field->flags & SCHEMA_OMIT) || !is_unset(field, fields->values[i]);
}

static void write_fields(struct decoder *d, const struct decode_fields *fields,
                         struct doc_node *to) {
        const struct schema_field *field = schema_fields_of(fields->type);
        uint32_t count = 0;

        for (int i = 0; i < fields->type->count; i++)
                count += is_written(fields, i);
        to->map.entries = doc_entries_new(d->arena, count, &to->map.slot_mask);
        to->map.count = count;
        count = 0;
        for (int i = 0; i < fields->type->count; i++, field++) {
                struct doc_entry *entry = &to->map.entries[count];
                const struct schema_type *type = &schema_types[field->type];
                struct place place = { &entry->value, to, count, !fields->entries[i] };

                if (!is_written(fields, i))
                        continue;
                entry->key = field->name;
                entry->hash = schema_field_hash(field);
                entry->key_start = fields->entries[i] ? fields->entries[i]->key_start : to->start;
                if (!fields->values[i] && (field->flags & SCHEMA_POINTER))
                        copy_node(NULL, place); /* null */
                else
                        decode_value(d, type, fields->values[i], place);
                count++;
        }
        doc_entries_index(to);
}

/* FROM is NULL or a map. */
static void decode_struct(struct decoder *d, const struct schema_type *type,
                          const struct doc_node *from, struct doc_node *to) {
        struct decode_fields fields;

        fields.arena = d->arena;
        fields.type = type;
        fields.near = to;
        fields.host_network = &d->host_network;
        fields.for_rules = d->for_rules;
        memset(fields.values, 0, type->count * sizeof *fields.values);
        memset(fields.entries, 0, type->count * sizeof *fields.entries);
        read_fields(&fields, from);
        if (!d->undefaulted) {
                set_fallbacks(&fields);
                defaults_apply(&fields);
        }
        to->kind = DOC_MAP;
        write_fields(d, &fields, to);
}

static void decode_list(struct decoder *d, const struct schema_type *type, struct place place) {
        const struct schema_type *of = &schema_types[type->of];
        struct doc_node *to = place.node;
        const struct doc_node *items = to->list.items;
        uint32_t count = to->list.count;

        to->list.items = arena_new_array(d->arena, count, struct doc_node);
        for (uint32_t i = 0; i < count; i++)
                decode_value(d, of, items[i].kind == DOC_NULL ? NULL : &items[i],
                             (struct place){ &to->list.items[i], to, i, place.synthetic });
}

static bool is_plain(const struct schema_type *type, const struct doc_node *map) {
        if (type->kind != SCHEMA_STRING)
                return false;
        for (uint32_t i = 0; i < map->map.count; i++)
                if (map->map.entries[i].value.kind == DOC_NULL)
                        return false;
        return true;
}

static void decode_map(struct decoder *d, const struct schema_type *type, struct place place) {
        const struct schema_type *of =
                type->kind == SCHEMA_RESOURCES ? &amount : &schema_types[type->of];
        struct doc_node *to = place.node;
        const struct doc_entry *entries = to->map.entries;
        uint32_t count = to->map.count;

        if (!place.synthetic && is_plain(of, to))
                return;
        to->map.entries = doc_entries_new(d->arena, count, &to->map.slot_mask);
        for (uint32_t i = 0; i < count; i++) {
                struct doc_entry *entry = &to->map.entries[i];

                *entry = entries[i];
                decode_value(d, of, entries[i].value.kind == DOC_NULL ? NULL : &entries[i].value,
                             (struct place){ &entry->value, to, i, place.synthetic });
        }
        doc_entries_index(to);
}

static void decode_quantity(struct decoder *d, const struct schema_type *type,
                            struct doc_node *to) {
        struct buf number _cleanup_(buf_free) = BUF_INIT;
        struct quantity quantity;
        struct str text;

        if (to->kind == DOC_STRING)
                text = str_trim(to->string);
        else if (to->kind == DOC_INT || to->kind == DOC_DOUBLE) {
                doc_write_json(&number, to);
                text = buf_str(&number);
        } else
                return;
        if (quantity_parse(d->arena, text, &quantity, NULL) < 0)
                return;
        if (type == &amount)
                quantity_round_up(d->arena, &quantity, AMOUNT_SCALE);
        text = quantity_text(d->arena, &quantity);
        if (to->kind == DOC_STRING && str_eq(text, to->string))
                return;
        doc_set_string(to, arena_str(d->arena, text));
}

static void decode_moment(struct decoder *d, const struct schema_type *type, struct doc_node *to) {
        struct str text;
        int r;

        if (to->kind != DOC_STRING)
                return;
        r = type->kind == SCHEMA_DURATION
                    ? kube_duration_text(d->arena, to->string, &text)
                    : kube_time_text(d->arena, to->string, type->kind == SCHEMA_MICRO_TIME, &text);
        if (r < 0 || str_eq(text, to->string))
                return;
        if (text.len > 0)
                doc_set_string(to, text);
        else
                to->kind = DOC_NULL;
}

/* Base64 may be broken into lines, and is written without. */
static void decode_bytes(struct decoder *d, struct doc_node *to) {
        char *joined;
        size_t len = 0;

        if (to->kind != DOC_STRING ||
            (str_find(to->string, STR("\n"), 0) < 0 && str_find(to->string, STR("\r"), 0) < 0))
                return;
        joined = arena_alloc(d->arena, to->string.len);
        for (size_t i = 0; i < to->string.len; i++)
                if (to->string.ptr[i] != '\n' && to->string.ptr[i] != '\r')
                        joined[len++] = to->string.ptr[i];
        to->string = (struct str){ joined, len };
}

/* What Go writes for a value that was never set. */
static void write_zero(const struct schema_type *type, struct doc_node *to) {
        switch ((enum schema_type_kind)type->kind) {
        case SCHEMA_STRING:
                doc_set_string(to, STR(""));
                return;
        case SCHEMA_BOOL:
                to->kind = DOC_BOOL;
                to->boolean = false;
                return;
        case SCHEMA_INT32:
        case SCHEMA_INT64:
        case SCHEMA_FLOAT:
        case SCHEMA_INT_OR_STRING:
                to->kind = DOC_INT;
                to->integer = 0;
                return;
        case SCHEMA_QUANTITY:
                doc_set_string(to, STR("0"));
                return;
        case SCHEMA_DURATION:
                doc_set_string(to, STR("0s"));
                return;
        default:
                to->kind = DOC_NULL;
        }
}

static void decode_value(struct decoder *d, const struct schema_type *type,
                         const struct doc_node *from, struct place place) {
        copy_node(from, place);
        if (type->kind == SCHEMA_STRUCT && (!from || from->kind == DOC_MAP))
                decode_struct(d, type, from, place.node);
        else if (!from)
                write_zero(type, place.node);
        else if (type->kind == SCHEMA_LIST && from->kind == DOC_LIST)
                decode_list(d, type, place);
        else if ((type->kind == SCHEMA_MAP || type->kind == SCHEMA_RESOURCES) &&
                 from->kind == DOC_MAP)
                decode_map(d, type, place);
        else if (type->kind == SCHEMA_QUANTITY)
                decode_quantity(d, type, place.node);
        else if (type->kind == SCHEMA_TIME || type->kind == SCHEMA_MICRO_TIME ||
                 type->kind == SCHEMA_DURATION)
                decode_moment(d, type, place.node);
        else if (type->kind == SCHEMA_BYTES)
                decode_bytes(d, place.node);
        else if (type->kind != SCHEMA_ANY && has_null(from))
                copy_without_nulls(d->arena, from, place.node);
}

static const struct doc_node *decode(struct decoder *d, const struct doc_node *object,
                                     struct str api_version, struct str kind) {
        const struct schema_type *type = schema_find(api_version, kind);
        struct doc_node *decoded;

        if (!type || object->kind != DOC_MAP) {
                if (!has_null(object))
                        return object;
                decoded = arena_new(d->arena, struct doc_node);
                copy_without_nulls(d->arena, object, decoded);
                return decoded;
        }
        decoded = arena_new(d->arena, struct doc_node);
        decode_value(d, type, object, (struct place){ .node = decoded });
        if (!d->undefaulted && str_eq(kind, STR("HorizontalPodAutoscaler")))
                return kube_autoscaler_settle(d->arena, decoded, api_version);
        return decoded;
}

const struct doc_node *kube_decode_as(struct arena *arena, const struct doc_node *object,
                                      struct str api_version, struct str kind) {
        struct decoder d = { .arena = arena, .for_rules = true };

        return decode(&d, object, api_version, kind);
}

const struct doc_node *kube_decode(struct arena *arena, const struct doc_node *object) {
        struct decoder d = { .arena = arena };

        return decode(&d, object, doc_string(doc_get(object, STR("apiVersion")), STR("")),
                      doc_string(doc_get(object, STR("kind")), STR("")));
}

const struct doc_node *kube_decode_undefaulted(struct arena *arena, const struct doc_node *object,
                                               struct str api_version, struct str kind) {
        struct decoder d = { .arena = arena, .undefaulted = true };

        return decode(&d, object, api_version, kind);
}
