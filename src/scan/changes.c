#include "scan/changes.h"

#include "base/map.h"
#include "base/util.h"

/* The findings of a list that are about one place, one behind the other. */
struct waiting {
        const struct finding *finding;
        struct waiting *next;
        bool taken;
};

static struct str place_key(struct arena *arena, const struct finding *finding) {
        const struct resource_ref *ref = &finding->resource;

        return arena_printf(arena, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(finding->rule->id),
                            STR_ARG(ref->api_version), STR_ARG(ref->kind), STR_ARG(ref->namespace),
                            STR_ARG(ref->name), STR_ARG(finding->location.path));
}

static void note_fingerprints(struct map *map, const struct finding_list *list) {
        for (size_t i = 0; i < list->findings.count; i++)
                map_put(map, list->findings.items[i].fingerprint)->value = map;
}

/* Those of LIST that KNOWN does not have: in their order, and by place. */
static void note_waiting(struct arena *arena, const struct finding_list *list,
                         const struct map *known, struct waiting *waiting, struct map *places) {
        /* From behind, so that the first is at the head of its chain. */
        for (size_t i = list->findings.count; i-- > 0;) {
                const struct finding *finding = &list->findings.items[i];
                struct map_entry *entry;

                if (map_get(known, finding->fingerprint))
                        continue;
                entry = map_put(places, place_key(arena, finding));
                waiting[i] = (struct waiting){ finding, entry->value, false };
                entry->value = &waiting[i];
        }
}

static const struct finding *take_waiting(struct arena *arena, struct map *places,
                                          const struct finding *after) {
        struct str key = place_key(arena, after);
        struct waiting *waiting = map_get(places, key);

        if (!waiting)
                return NULL;
        waiting->taken = true;
        map_put(places, key)->value = waiting->next;
        return waiting->finding;
}

void changes_find(const struct finding_list *before, const struct finding_list *after,
                  struct change_list *ret) {
        struct map known_before = { 0 }, known_after = { 0 }, places = { 0 };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct waiting *waiting =
                arena_new_array(&arena, before->findings.count + 1, struct waiting);
        struct change_list made = { 0 };

        memset(waiting, 0, (before->findings.count + 1) * sizeof *waiting);
        note_fingerprints(&known_before, before);
        note_fingerprints(&known_after, after);
        note_waiting(&arena, before, &known_after, waiting, &places);
        for (size_t i = 0; i < after->findings.count; i++) {
                const struct finding *finding = &after->findings.items[i];

                if (!map_get(&known_before, finding->fingerprint))
                        *vec_push(&made.items) =
                                (struct change){ take_waiting(&arena, &places, finding), finding };
        }
        for (size_t i = 0; i < before->findings.count; i++)
                if (waiting[i].finding && !waiting[i].taken)
                        *vec_push(&ret->items) = (struct change){ waiting[i].finding, NULL };
        for (size_t i = 0; i < made.items.count; i++)
                *vec_push(&ret->items) = made.items.items[i];
        vec_free(&made.items);
        map_free(&known_before);
        map_free(&known_after);
        map_free(&places);
}
