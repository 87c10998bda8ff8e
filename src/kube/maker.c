#include "kube/maker.h"

#include <assert.h>

#include "doc/edit.h"

struct maker maker_new(struct arena *arena, const struct doc_node *near) {
        struct maker maker = { arena, doc_new_map(arena, near, MAKER_FIELDS) };

        maker.map->map.count = 0;
        return maker;
}

void maker_add(struct maker *maker, const char *key, const struct doc_node *value) {
        if (!value || value->kind == DOC_NULL)
                return;
        assert(maker->map->map.count < MAKER_FIELDS);
        doc_map_set(maker->map, maker->map->map.count++, str_from(key), value);
}

void maker_add_text(struct maker *maker, const char *key, struct str text) {
        struct doc_node node = doc_text(text);

        maker_add(maker, key, &node);
}

void maker_copy(struct maker *maker, const char *key, const struct doc_node *from) {
        maker_add(maker, key, doc_get(from, str_from(key)));
}

const struct doc_node *maker_done(struct maker *maker) {
        doc_map_index(maker->arena, maker->map);
        return maker->map;
}
