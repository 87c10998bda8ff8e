#include "node/drift.h"

#include "base/map.h"
#include "base/util.h"
#include "base/vec.h"
#include "doc/write.h"

enum { VALUE_MAX = 400, DEPTH_MAX = 100 };

/* Members that tell nothing of how the node is set up. */
static const char *const ignored[] = { "pid",   "daysLeft",  "size",  "place", "namedPlace",
                                       "facts", "signature", "drift", "gaps",  "count" };

/* What names an item of a list, the first that it has. */
static const char *const identities[] = { "path", "id",   "name", "field",     "resource",
                                          "flag", "port", "user", "interface", "what",
                                          "url",  "host", "text", "who" };

struct compare {
        struct arena *arena;
        struct drift *drift;
};

static bool is_ignored(struct str key) {
        for (size_t i = 0; i < ELEMENTS(ignored); i++)
                if (str_eq(key, str_from(ignored[i])))
                        return true;
        return false;
}

static struct str short_text(struct arena *arena, const struct doc_node *node) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (!node)
                return STR("");
        doc_write_json(&text, node);
        return arena_str(arena, str_slice(buf_str(&text), 0, VALUE_MAX));
}

static const struct doc_node *place_near(const struct doc_node *node) {
        for (int i = 0; node && i < DEPTH_MAX; node = node->parent, i++)
                if (node->kind == DOC_MAP && doc_get(node, STR("place")))
                        return doc_get(node, STR("place"));
        return NULL;
}

static uint32_t number(const struct doc_node *map, const char *key) {
        const struct doc_node *node = doc_get(map, str_from(key));

        return node && node->kind == DOC_INT && node->integer > 0 && node->integer < UINT32_MAX
                       ? (uint32_t)node->integer
                       : 1;
}

static void add(struct compare *compare, struct str path, const struct doc_node *old,
                const struct doc_node *new) {
        const struct doc_node *place = place_near(new ? new : old);
        struct drift_change *change;

        if (compare->drift->count >= DRIFT_MAX) {
                compare->drift->cut = true;
                return;
        }
        change = vec_push_in(compare->arena, compare->drift);
        change->path = path;
        change->kind = old && new ? STR("changed") : new ? STR("added") : STR("removed");
        change->old = short_text(compare->arena, old);
        change->new = short_text(compare->arena, new);
        change->file = doc_string(doc_get(place, STR("file")), STR(""));
        change->line = number(place, "line");
        change->column = number(place, "column");
}

static struct str identity(struct arena *arena, const struct doc_node *item) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (item->kind != DOC_MAP)
                return short_text(arena, item);
        for (size_t i = 0; i < ELEMENTS(identities); i++) {
                const struct doc_node *value = doc_get(item, str_from(identities[i]));

                if (!value || value->kind == DOC_MAP || value->kind == DOC_LIST)
                        continue;
                if (value->kind == DOC_STRING && value->string.len == 0)
                        continue;
                buf_printf(&text, "%s%s=", text.len ? "," : "", identities[i]);
                if (value->kind == DOC_STRING)
                        buf_add(&text, value->string);
                else
                        doc_write_json(&text, value);
        }
        /* Listening sockets differ by more than their port. */
        if (doc_get(item, STR("protocol")))
                buf_printf(&text, ",%.*s,%.*s",
                           STR_ARG(doc_string(doc_get(item, STR("protocol")), STR(""))),
                           STR_ARG(doc_string(doc_get(item, STR("address")), STR(""))));
        return arena_str(arena, buf_str(&text));
}

static void compare_nodes(struct compare *compare, struct str path, const struct doc_node *old,
                          const struct doc_node *new, int depth);

static void compare_maps(struct compare *compare, struct str path, const struct doc_node *old,
                         const struct doc_node *new, int depth) {
        for (int side = 0; side < 2; side++) {
                const struct doc_node *one = side ? new : old, *other = side ? old : new;

                for (uint32_t i = 0; i < one->map.count; i++) {
                        const struct doc_entry *entry = &one->map.entries[i];
                        const struct doc_node *twin = doc_get(other, entry->key);
                        struct str name;

                        if (is_ignored(entry->key) || (side && twin))
                                continue;
                        name = arena_printf(compare->arena, "%.*s%s%.*s", STR_ARG(path),
                                            path.len ? "." : "", STR_ARG(entry->key));
                        if (twin)
                                compare_nodes(compare, name, &entry->value, twin, depth + 1);
                        else
                                add(compare, name, side ? NULL : &entry->value,
                                    side ? &entry->value : NULL);
                }
        }
}

/* The items of LIST by their identity; of equal ones the n-th matches the n-th. */
static void index_items(struct arena *arena, const struct doc_node *list, struct map *ret) {
        for (uint32_t i = 0; i < list->list.count; i++) {
                struct str key = identity(arena, &list->list.items[i]);
                struct map_entry *entry = map_put(ret, key);

                for (int n = 2; entry->value; n++)
                        entry = map_put(ret, arena_printf(arena, "%.*s#%d", STR_ARG(key), n));
                entry->value = (void *)&list->list.items[i];
        }
}

static void compare_lists(struct compare *compare, struct str path, const struct doc_node *old,
                          const struct doc_node *new, int depth) {
        struct map olds _cleanup_(map_free) = MAP_INIT, news _cleanup_(map_free) = MAP_INIT;

        index_items(compare->arena, old, &olds);
        index_items(compare->arena, new, &news);
        for (int side = 0; side < 2; side++) {
                const struct map *one = side ? &news : &olds, *other = side ? &olds : &news;

                for (size_t i = 0; i < one->count; i++) {
                        const struct map_entry *entry = &one->entries[i];
                        const struct doc_node *twin = map_get(other, entry->key);
                        struct str name =
                                arena_printf(compare->arena, "%.*s[%.*s]", STR_ARG(path),
                                             STR_ARG(str_slice(entry->key, 0, VALUE_MAX)));

                        if (side && twin)
                                continue;
                        if (twin)
                                compare_nodes(compare, name, entry->value, twin, depth + 1);
                        else
                                add(compare, name, side ? NULL : entry->value,
                                    side ? entry->value : NULL);
                }
        }
}

static bool equal_scalars(const struct doc_node *a, const struct doc_node *b) {
        if (a->kind != b->kind)
                return false;
        switch (a->kind) {
        case DOC_BOOL:
                return a->boolean == b->boolean;
        case DOC_INT:
                return a->integer == b->integer;
        case DOC_DOUBLE:
                return a->number == b->number;
        case DOC_STRING:
                return str_eq(a->string, b->string);
        default:
                return true;
        }
}

static void compare_nodes(struct compare *compare, struct str path, const struct doc_node *old,
                          const struct doc_node *new, int depth) {
        if (depth > DEPTH_MAX)
                return;
        if (old->kind == DOC_MAP && new->kind == DOC_MAP)
                compare_maps(compare, path, old, new, depth);
        else if (old->kind == DOC_LIST && new->kind == DOC_LIST)
                compare_lists(compare, path, old, new, depth);
        else if (!equal_scalars(old, new))
                add(compare, path, old, new);
}

void drift_compare(struct arena *arena, const struct doc_node *old, const struct doc_node *new,
                   struct drift *ret) {
        struct compare compare = { arena, ret };

        compare_nodes(&compare, STR(""), old, new, 0);
}

static void write_change(struct buf *buf, const struct drift_change *change) {
        buf_add(buf, STR("{\"path\": "));
        buf_add_json(buf, change->path);
        buf_printf(buf, ", \"kind\": \"%.*s\", \"old\": ", STR_ARG(change->kind));
        buf_add_json(buf, change->old);
        buf_add(buf, STR(", \"new\": "));
        buf_add_json(buf, change->new);
        buf_add(buf, STR(", \"place\": {\"file\": "));
        buf_add_json(buf, change->file);
        buf_printf(buf, ", \"line\": %u, \"column\": %u}}", change->line, change->column);
}

int drift_add(struct str text, const struct doc_node *approved, struct buf *ret,
              struct error *error) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source;
        struct doc_reader reader;
        struct drift drift = { 0 };
        struct doc *doc;
        int r = doc_source_init(&arena, STR("facts"), text, &source, error);

        if (r < 0)
                return r;
        doc_reader_init(&reader, &source, DOC_AUTO, &doc_default_limits);
        r = doc_read(&reader, &arena, &doc, error);
        if (r <= 0)
                return r < 0 ? r : error_set(error, -EINVAL, "there are no facts");
        text = str_trim(text);
        if (doc->root->kind != DOC_MAP || !str_ends(text, STR("}")))
                return error_set(error, -EINVAL, "facts have to be JSON");
        drift_compare(&arena, approved, doc->root, &drift);
        buf_add(ret, str_trim(str_slice(text, 0, text.len - 1)));
        buf_printf(ret, ",\n  \"drift\": {\"complete\": %s, \"changes\": [",
                   drift.cut ? "false" : "true");
        for (size_t i = 0; i < drift.count; i++) {
                buf_add(ret, i ? STR(",\n    ") : STR("\n    "));
                write_change(ret, &drift.items[i]);
        }
        buf_add(ret, STR("]}\n}\n"));
        return 0;
}
