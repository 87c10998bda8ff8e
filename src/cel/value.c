#include "cel/value.h"

#include <math.h>

#include "base/util.h"
#include "cel/eval.h"

enum { SMALL_MAP = 8 }; /* up to this size a map is searched from front to back */

/* --- making --- */

struct cel_value cel_list_value(struct arena *arena, const struct cel_value *items, size_t count) {
        struct cel_list *list = arena_new(arena, struct cel_list);

        list->items = items;
        list->count = count;
        return (struct cel_value){ .kind = CEL_LIST, .list = list };
}

struct cel_value cel_optional_of(struct arena *arena, struct cel_value value) {
        struct cel_value *some = arena_new(arena, struct cel_value);

        *some = value;
        return (struct cel_value){
                .kind = CEL_OPTIONAL, .some = some, .node = value.node, .missed = value.missed
        };
}

void cel_doc_into(const struct doc_node *node, struct cel_value *ret) {
        switch ((enum doc_kind)node->kind) {
        case DOC_NULL:
                *ret = (struct cel_value){ .kind = CEL_NULL, .node = node };
                break;
        case DOC_BOOL:
                *ret = (struct cel_value){ .kind = CEL_BOOL,
                                           .node = node,
                                           .boolean = node->boolean };
                break;
        case DOC_INT:
                *ret = (struct cel_value){ .kind = CEL_INT,
                                           .node = node,
                                           .integer = node->integer };
                break;
        case DOC_DOUBLE:
                *ret = (struct cel_value){ .kind = CEL_DOUBLE,
                                           .node = node,
                                           .number = node->number };
                break;
        case DOC_STRING:
                *ret = (struct cel_value){ .kind = CEL_STRING,
                                           .node = node,
                                           .string = node->string };
                break;
        case DOC_LIST:
                *ret = (struct cel_value){
                        .kind = CEL_LIST, .representation = CEL_DOC, .node = node, .doc = node
                };
                break;
        case DOC_MAP:
                *ret = (struct cel_value){
                        .kind = CEL_MAP, .representation = CEL_DOC, .node = node, .doc = node
                };
                break;
        }
}

struct cel_value cel_from_doc(const struct doc_node *node) {
        struct cel_value value = { .kind = CEL_NULL };

        if (node)
                cel_doc_into(node, &value);
        return value;
}

struct cel_value cel_error(struct arena *arena, const char *format, ...) {
        struct cel_error *error = arena_new(arena, struct cel_error);
        va_list args;

        va_start(args, format);
        error->message = arena_vprintf(arena, format, args);
        va_end(args);
        return cel_error_fixed(error);
}

/* --- lists --- */

size_t cel_list_size(const struct cel_value *list) {
        return list->representation == CEL_DOC ? list->doc->list.count : list->list->count;
}

struct cel_value cel_list_at(const struct cel_value *list, size_t index) {
        return list->representation == CEL_DOC ? cel_from_doc(&list->doc->list.items[index])
                                               : list->list->items[index];
}

/* --- maps --- */

size_t cel_map_size(const struct cel_value *map) {
        switch ((enum cel_representation)map->representation) {
        case CEL_DOC:
                return map->doc->map.count;
        case CEL_LAZY:
                return 0;
        case CEL_NATIVE:
                break;
        }
        return map->map->count;
}

void cel_map_at(const struct cel_value *map, size_t index, struct cel_value *ret_key,
                struct cel_value *ret_value) {
        const struct doc_entry *entry;

        if (map->representation == CEL_NATIVE) {
                *ret_key = map->map->keys[index];
                *ret_value = map->map->values[index];
                return;
        }
        entry = &map->doc->map.entries[index];
        *ret_key = cel_string(entry->key);
        ret_key->node = &entry->value;
        cel_doc_into(&entry->value, ret_value);
}

/* Whole doubles and integers that are equal have one hash. Keys that cannot be found (lists, maps)
 * share one. */
static uint32_t key_hash(const struct cel_value *key) {
        uint64_t bits = key->kind;

        switch (key->kind) {
        case CEL_STRING:
        case CEL_BYTES:
                return str_hash(key->string);
        case CEL_TYPE:
                return str_hash(cel_type_runtime_name(key->type));
        case CEL_DOUBLE:
                if (key->number >= -0x1p63 && key->number < 0x1p63)
                        bits = (uint64_t)(int64_t)key->number;
                else if (key->number >= 0 && key->number < 0x1p64)
                        bits = (uint64_t)key->number;
                break;
        case CEL_BOOL:
                bits = key->boolean;
                break;
        case CEL_INT:
        case CEL_UINT:
        case CEL_TIMESTAMP:
        case CEL_DURATION:
                bits = key->uinteger;
                break;
        default:
                break;
        }
        return str_hash((struct str){ (const char *)&bits, sizeof bits });
}

/* Whether two keys of one kind are the same key. */
static bool key_same(const struct cel_value *a, const struct cel_value *b) {
        if (a->kind != b->kind || a->kind == CEL_LIST || a->kind == CEL_MAP)
                return false;
        return cel_equal(a, b);
}

/* Whether a map with KEY answers for WANTED of another numeric kind: integers find integers, whole
 * doubles find integers, but nothing else finds a key that is a double (cel-go's
 * refValMapAccessor). */
static bool key_crosses(const struct cel_value *wanted, const struct cel_value *key) {
        switch (wanted->kind) {
        case CEL_INT:
                return key->kind == CEL_UINT && wanted->integer >= 0 &&
                       wanted->uinteger == key->uinteger;
        case CEL_UINT:
                return key->kind == CEL_INT && key->integer >= 0 &&
                       wanted->uinteger == key->uinteger;
        case CEL_DOUBLE:
                if (key->kind == CEL_INT)
                        return wanted->number > -0x1p63 && wanted->number < 0x1p63 &&
                               (int64_t)wanted->number == key->integer &&
                               (double)(int64_t)wanted->number == wanted->number;
                return key->kind == CEL_UINT && wanted->number >= 0 && wanted->number < 0x1p64 &&
                       (uint64_t)wanted->number == key->uinteger &&
                       (double)(uint64_t)wanted->number == wanted->number;
        default:
                return false;
        }
}

/* The index of KEY, or -1. A key of the same kind goes before one of another. */
static ptrdiff_t native_find(const struct cel_map *map, const struct cel_value *key) {
        ptrdiff_t crossing = -1;

        if (!map->slots) {
                for (size_t i = 0; i < map->count; i++) {
                        if (key_same(key, &map->keys[i]))
                                return (ptrdiff_t)i;
                        if (crossing < 0 && key_crosses(key, &map->keys[i]))
                                crossing = (ptrdiff_t)i;
                }
                return crossing;
        }
        for (uint32_t slot = key_hash(key);; slot++) {
                uint32_t at = map->slots[slot & map->slot_mask];

                if (at == 0)
                        return crossing;
                if (key_same(key, &map->keys[at - 1]))
                        return (ptrdiff_t)at - 1;
                if (crossing < 0 && key_crosses(key, &map->keys[at - 1]))
                        crossing = (ptrdiff_t)at - 1;
        }
}

static void slot_add(uint32_t *slots, uint32_t mask, const struct cel_value *key, uint32_t value) {
        uint32_t slot = key_hash(key) & mask;

        while (slots[slot] != 0)
                slot = (slot + 1) & mask;
        slots[slot] = value;
}

/* Gives MAP an index with room for CAPACITY entries. */
static void map_index(struct arena *arena, struct cel_map *map, size_t capacity) {
        uint32_t slot_count = 16, *slots;

        if (capacity <= SMALL_MAP || capacity > UINT32_MAX / 4)
                return;
        while (slot_count < capacity * 2)
                slot_count *= 2;
        slots = arena_new_array(arena, slot_count, uint32_t);
        map->slot_mask = slot_count - 1;
        for (uint32_t i = 0; i < map->count; i++)
                slot_add(slots, map->slot_mask, &map->keys[i], i + 1);
        map->slots = slots;
}

struct cel_value cel_map_value(struct arena *arena, const struct cel_value *keys,
                               const struct cel_value *values, size_t count) {
        struct cel_map *map = arena_new(arena, struct cel_map);

        map->keys = keys;
        map->values = values;
        map->count = count;
        map_index(arena, map, count);
        return (struct cel_value){ .kind = CEL_MAP, .map = map };
}

bool cel_map_find(struct cel_context *context, const struct cel_value *map,
                  const struct cel_value *key, struct cel_value *ret) {
        const struct doc_node *node;
        ptrdiff_t at;

        switch ((enum cel_representation)map->representation) {
        case CEL_DOC:
                node = key->kind == CEL_STRING ? doc_get(map->doc, key->string) : NULL;
                if (!node)
                        return false;
                cel_doc_into(node, ret);
                return true;
        case CEL_LAZY:
                return key->kind == CEL_STRING &&
                       map->lazy->get(map->lazy, context, key->string, ret) == 0;
        case CEL_NATIVE:
                break;
        }
        at = native_find(map->map, key);
        if (at < 0)
                return false;
        *ret = map->map->values[at];
        return true;
}

/* --- growing maps --- */

static void builder_grow(struct cel_map_builder *builder, struct arena *arena, size_t capacity) {
        struct cel_value *keys = arena_new_array(arena, capacity, struct cel_value);
        struct cel_value *values = arena_new_array(arena, capacity, struct cel_value);

        for (size_t i = 0; i < builder->map.count; i++) {
                keys[i] = builder->keys[i];
                values[i] = builder->values[i];
        }
        builder->map.keys = builder->keys = keys;
        builder->map.values = builder->values = values;
        builder->capacity = capacity;
        map_index(arena, &builder->map, capacity);
}

ptrdiff_t cel_map_builder_find(const struct cel_map_builder *builder, const struct cel_value *key,
                               bool exact) {
        ptrdiff_t at = native_find(&builder->map, key);

        return at >= 0 && exact && !key_same(key, &builder->keys[at]) ? -1 : at;
}

void cel_map_builder_put(struct cel_map_builder *builder, struct arena *arena,
                         const struct cel_value *key, const struct cel_value *value) {
        if (builder->map.count == builder->capacity)
                builder_grow(builder, arena, builder->capacity ? builder->capacity * 2 : SMALL_MAP);
        builder->keys[builder->map.count] = *key;
        builder->values[builder->map.count++] = *value;
        if (builder->map.slots)
                slot_add((uint32_t *)builder->map.slots, builder->map.slot_mask, key,
                         (uint32_t)builder->map.count);
}

void cel_map_builder_remove(struct cel_map_builder *builder, struct arena *arena, size_t index) {
        builder->map.count--;
        for (size_t i = index; i < builder->map.count; i++) {
                builder->keys[i] = builder->keys[i + 1];
                builder->values[i] = builder->values[i + 1];
        }
        map_index(arena, &builder->map, builder->capacity);
}

struct cel_value cel_map_builder_value(const struct cel_map_builder *builder, struct arena *arena) {
        const struct cel_map *map = arena_copy(arena, &builder->map, sizeof builder->map);

        return (struct cel_value){ .kind = CEL_MAP, .map = map };
}
