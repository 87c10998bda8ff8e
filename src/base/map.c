#include "base/map.h"

#include "base/util.h"
#include "base/vec.h"

static void fill_slots(struct map *map) {
        memset(map->slots, 0, map->slot_count * sizeof *map->slots);
        for (size_t i = 0; i < map->count; i++) {
                size_t at = map->entries[i].hash & (map->slot_count - 1);

                while (map->slots[at])
                        at = (at + 1) & (map->slot_count - 1);
                map->slots[at] = (uint32_t)i + 1;
        }
}

static struct map_entry *find(const struct map *map, struct str key, uint32_t hash) {
        if (map->slot_count == 0)
                return NULL;
        for (size_t at = hash & (map->slot_count - 1); map->slots[at];
             at = (at + 1) & (map->slot_count - 1)) {
                struct map_entry *entry = &map->entries[map->slots[at] - 1];

                if (entry->hash == hash && str_eq(entry->key, key))
                        return entry;
        }
        return NULL;
}

void *map_get(const struct map *map, struct str key) {
        struct map_entry *entry = find(map, key, str_hash(key));

        return entry ? entry->value : NULL;
}

struct map_entry *map_put(struct map *map, struct str key) {
        uint32_t hash = str_hash(key);
        struct map_entry *entry = find(map, key, hash);
        size_t at;

        if (entry)
                return entry;
        if ((map->count + 1) * 2 > map->slot_count) {
                map->slot_count = map->slot_count ? map->slot_count * 2 : 16;
                map->slots = xrealloc(map->slots, map->slot_count, sizeof *map->slots);
                fill_slots(map);
        }
        map->entries =
                vec_grow(map->entries, map->count, &map->capacity, sizeof *map->entries, NULL);
        entry = &map->entries[map->count++];
        *entry = (struct map_entry){ .key = key, .hash = hash };
        at = hash & (map->slot_count - 1);
        while (map->slots[at])
                at = (at + 1) & (map->slot_count - 1);
        map->slots[at] = (uint32_t)map->count;
        return entry;
}

void map_free(struct map *map) {
        free(map->entries);
        free(map->slots);
        *map = MAP_INIT;
}
