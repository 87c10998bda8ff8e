/*
 * Reading the fields of a policy, strictly.
 */
#include <errno.h>

#include "policy/fields.h"

static bool is_known(struct str key, const char *const *known) {
        for (; *known; known++)
                if (str_eq(key, str_from(*known)))
                        return true;
        return false;
}

static int unknown_field(const struct doc_entry *entry, const char *what, const char *const *known,
                         struct error *error) {
        const char *near = NULL;
        size_t best = 3;

        for (; *known; known++) {
                size_t distance = str_distance(entry->key, str_from(*known));

                if (distance < best) {
                        best = distance;
                        near = *known;
                }
        }
        return error_set_at(error, -EINVAL, entry->key_start.line, entry->key_start.column,
                            "unknown field \"%.*s\" in %s%s%s%s", STR_ARG(entry->key), what,
                            near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

int policy_check_fields(const struct doc_node *map, const char *what, const char *const *known,
                        struct error *error) {
        if (map->kind != DOC_MAP)
                return bad(map, error, "%s must be a map, not a %s", what,
                           doc_kind_name(map->kind));
        for (uint32_t i = 0; i < map->map.count; i++)
                if (!is_known(map->map.entries[i].key, known))
                        return unknown_field(&map->map.entries[i], what, known, error);
        return 0;
}

/* The string FIELD of MAP; empty where it is absent or null. */
int policy_read_string(const struct doc_node *map, const char *field, struct str *ret,
                       struct error *error) {
        const struct doc_node *node = doc_get(map, str_from(field));

        if (!node || node->kind == DOC_NULL) {
                *ret = STR("");
                return 0;
        }
        if (node->kind != DOC_STRING)
                return bad(node, error, "%s must be a string, not a %s", field,
                           doc_kind_name(node->kind));
        *ret = node->string;
        return 0;
}

int policy_read_strings(struct arena *arena, const struct doc_node *map, const char *field,
                        struct str **ret, size_t *ret_count, struct error *error) {
        const struct doc_node *list = doc_get(map, str_from(field));

        if (!list || list->kind == DOC_NULL)
                return 0;
        if (list->kind != DOC_LIST)
                return bad(list, error, "%s must be a list of strings, not a %s", field,
                           doc_kind_name(list->kind));
        *ret = arena_new_array(arena, list->list.count, struct str);
        for (uint32_t i = 0; i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];

                if (item->kind != DOC_STRING)
                        return bad(item, error, "%s must hold strings, not a %s", field,
                                   doc_kind_name(item->kind));
                (*ret)[i] = item->string;
        }
        *ret_count = list->list.count;
        return 0;
}

int policy_read_list(const struct doc_node *map, const char *field, const struct doc_node **ret,
                     struct error *error) {
        static const struct doc_node empty = { .kind = DOC_LIST };
        const struct doc_node *list = doc_get(map, str_from(field));

        if (!list || list->kind == DOC_NULL) {
                *ret = &empty;
                return 0;
        }
        if (list->kind != DOC_LIST)
                return bad(list, error, "%s must be a list, not a %s", field,
                           doc_kind_name(list->kind));
        *ret = list;
        return 0;
}
