/* Fields of descriptions, and facts made of them. */
#include "cloud/private.h"

#include "base/util.h"

static bool is_mark(char c) {
        return c == '-' || c == '_';
}

static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool same_name(struct str a, struct str b) {
        size_t i = 0, k = 0;

        for (;;) {
                while (i < a.len && is_mark(a.ptr[i]))
                        i++;
                while (k < b.len && is_mark(b.ptr[k]))
                        k++;
                if (i == a.len || k == b.len)
                        return i == a.len && k == b.len;
                if (lower(a.ptr[i++]) != lower(b.ptr[k++]))
                        return false;
        }
}

const struct doc_node *field_map(const struct doc_node *node) {
        if (node && node->kind == DOC_LIST && node->list.count > 0 &&
            node->list.items[0].kind == DOC_MAP)
                return &node->list.items[0];
        return node;
}

bool field_is_block(const struct doc_node *node) {
        node = field_map(node);
        return node && node->kind == DOC_MAP;
}

static const struct doc_node *get(const struct doc_node *map, struct str key) {
        map = field_map(map);
        if (!map || map->kind != DOC_MAP)
                return NULL;
        for (uint32_t i = 0; i < map->map.count; i++) {
                const struct doc_node *value = &map->map.entries[i].value;

                if (value->kind != DOC_NULL && same_name(map->map.entries[i].key, key))
                        return value;
        }
        return NULL;
}

const struct doc_node *field_get(const struct doc_node *map, const char *key) {
        return get(map, str_from(key));
}

const struct doc_node *field_find(const struct doc_node *root, const char *paths,
                                  const struct doc_node **ret_near) {
        struct str rest = str_from(paths), path, key;
        size_t farthest = 0;

        if (ret_near)
                *ret_near = root;
        while (str_split(&rest, '|', &path)) {
                const struct doc_node *node = root, *next = root;
                size_t steps = 0;

                while (str_split(&path, '.', &key)) {
                        next = get(node, key);
                        if (!next)
                                break;
                        node = next;
                        steps++;
                }
                if (ret_near && (next || steps > farthest)) {
                        *ret_near = next ? next : field_map(node);
                        farthest = steps;
                }
                if (next)
                        return next;
        }
        return NULL;
}

struct str field_text(const struct doc_node *root, const char *paths) {
        return doc_string(field_find(root, paths, NULL), STR(""));
}

struct cloud_place field_place(const struct cloud_reader *reader, const struct doc_node *node) {
        return (struct cloud_place){ reader->file, node->start };
}

bool field_is_pending(const struct cloud_reader *reader, const char *paths) {
        const struct doc_node *pending = NULL;
        struct str rest = str_from(paths), path, key;

        while (!pending && str_split(&rest, '|', &path)) {
                pending = reader->unknown;
                /* A block that is wholly unknown is `true` itself. */
                while (pending && pending->kind != DOC_BOOL && str_split(&path, '.', &key))
                        pending = get(pending, key);
                if (pending && !(pending->kind == DOC_BOOL && pending->boolean))
                        pending = NULL;
        }
        return pending;
}

struct cloud_fact field_says(const struct cloud_reader *reader, const char *paths, bool value) {
        const struct doc_node *near;

        field_find(reader->root, paths, &near);
        return (struct cloud_fact){ .state = CLOUD_BOOL,
                                    .boolean = value,
                                    .place = field_place(reader, near) };
}

struct cloud_fact field_unknown(const struct cloud_reader *reader, const char *paths,
                                const char *why) {
        struct cloud_fact fact = field_says(reader, paths, false);

        fact.state = CLOUD_UNKNOWN;
        fact.text = str_from(why);
        return fact;
}

/* The fact where nothing stands at PATHS. */
static struct cloud_fact missing(const struct cloud_reader *reader, const char *paths,
                                 enum field_default fallback) {
        if (field_is_pending(reader, paths))
                return field_unknown(reader, paths, "it is known only after the plan was applied");
        if (fallback == FIELD_ABSENT)
                return (struct cloud_fact){ 0 };
        return field_says(reader, paths, fallback == FIELD_TRUE);
}

/* The tools write booleans; some exports write them as texts. */
static bool read_bool(const struct doc_node *node, bool *ret) {
        struct str text = doc_string(node, STR(""));

        if (node->kind == DOC_BOOL)
                *ret = node->boolean;
        else if (same_name(text, STR("true")) || same_name(text, STR("false")))
                *ret = same_name(text, STR("true"));
        else
                return false;
        return true;
}

struct cloud_fact field_bool(const struct cloud_reader *reader, const char *paths,
                             enum field_default fallback) {
        const struct doc_node *node = field_find(reader->root, paths, NULL);
        bool value = false;

        if (!node)
                return missing(reader, paths, fallback);
        if (!read_bool(node, &value))
                return field_unknown(reader, paths, "it is neither true nor false");
        return field_says(reader, paths, value);
}

struct cloud_fact field_negated(const struct cloud_reader *reader, const char *paths,
                                enum field_default fallback) {
        struct cloud_fact fact = field_bool(reader, paths, fallback);

        fact.boolean = !fact.boolean;
        return fact;
}

struct cloud_fact field_string(const struct cloud_reader *reader, const char *paths,
                               enum field_default fallback) {
        const struct doc_node *node = field_find(reader->root, paths, NULL);
        struct cloud_fact fact;

        if (!node) {
                fact = missing(reader, paths, fallback);
                if (fact.state == CLOUD_BOOL)
                        fact.state = CLOUD_TEXT;
                return fact;
        }
        if (node->kind != DOC_STRING)
                return field_unknown(reader, paths, "it is no text");
        fact = field_says(reader, paths, false);
        fact.state = CLOUD_TEXT;
        fact.text = arena_str(&reader->cloud->arena, node->string);
        return fact;
}

struct str field_host(struct str url) {
        ptrdiff_t scheme = str_find(url, STR("://"), 0), end;
        struct str host = scheme < 0 ? url : str_slice(url, (size_t)scheme + 3, url.len), part;

        str_split(&host, '/', &part);
        if (str_starts(part, STR("["))) {
                end = str_find(part, STR("]"), 0);
                return end < 0 ? STR("") : str_slice(part, 1, (size_t)end);
        }
        end = str_find(part, STR(":"), 0);
        /* More than one colon: an IPv6 address without a port. */
        if (end < 0 || str_find(part, STR(":"), (size_t)end + 1) >= 0)
                return part;
        return str_slice(part, 0, (size_t)end);
}

void field_add_address(const struct cloud_reader *reader, const char *paths, enum cloud_door door) {
        struct str host = field_host(field_text(reader->root, paths));

        if (host.len > 0)
                *vec_push_in(&reader->cloud->arena, &reader->cluster->addresses) =
                        (struct cloud_address){ arena_str(&reader->cloud->arena, host), door };
}

void field_add_entry(const struct cloud_reader *reader, const struct doc_node *node) {
        struct cloud_entry *entry;

        if (!node || node->kind != DOC_STRING)
                return;
        entry = vec_push_in(&reader->cloud->arena, &reader->cluster->allow.entries);
        entry->text = arena_str(&reader->cloud->arena, node->string);
        entry->place = field_place(reader, node);
        entry->is_range = range_parse(entry->text, &entry->range) >= 0;
}

void field_add_entries(const struct cloud_reader *reader, const char *paths, const char *key) {
        const struct doc_node *list = field_find(reader->root, paths, NULL);

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                field_add_entry(reader,
                                key ? field_get(&list->list.items[i], key) : &list->list.items[i]);
}
