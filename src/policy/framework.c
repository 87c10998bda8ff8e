/*
 * The frameworks of the catalogue: policies/frameworks.yaml and policies/frameworks/.
 */
#include <errno.h>

#include "base/util.h"
#include "policy/private.h"

static struct str text_of(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR(""));
}

static struct str *read_strings(struct policy_set *set, const struct doc_node *list,
                                size_t *ret_count) {
        struct str *items;

        *ret_count = 0;
        if (!list || list->kind != DOC_LIST)
                return NULL;
        items = arena_new_array(&set->arena, list->list.count, struct str);
        for (uint32_t i = 0; i < list->list.count; i++)
                items[(*ret_count)++] = doc_string(&list->list.items[i], STR(""));
        return items;
}

static int read_item(struct policy_set *set, const struct doc_node *node,
                     struct policy_framework *framework, struct error *error) {
        struct policy_item *item = &framework->items[framework->item_count++];

        item->id = text_of(node, "id");
        item->title = text_of(node, "title");
        item->manual = text_of(node, "manual");
        item->benchmark_manual = str_eq(text_of(node, "benchmark"), STR("manual"));
        item->as = read_strings(set, doc_get(node, STR("as")), &item->as_count);
        if (item->id.len == 0 || item->title.len == 0)
                return error_set(error, -EINVAL, "an item of framework %.*s has no id or title",
                                 STR_ARG(framework->id));
        return 0;
}

static size_t count_of(const struct doc_node *list) {
        return list && list->kind == DOC_LIST ? list->list.count : 0;
}

/* The items of LIST, which belong to SECTION (NULL: to none). */
static int read_items(struct policy_set *set, const struct doc_node *list,
                      const struct doc_node *section, struct policy_framework *framework,
                      struct error *error) {
        int r = 0;

        for (uint32_t i = 0; i < count_of(list) && r >= 0; i++) {
                struct policy_item *item = &framework->items[framework->item_count];

                item->section = text_of(section, "id");
                item->section_title = text_of(section, "title");
                r = read_item(set, &list->list.items[i], framework, error);
        }
        return r;
}

static int add_framework(struct policy_set *set, const struct doc_node *node, struct error *error) {
        const struct doc_node *items = doc_get(node, STR("items"));
        const struct doc_node *sections = doc_get(node, STR("sections"));
        struct policy_framework *framework = vec_push(&set->frameworks);
        size_t count = count_of(items);
        int r;

        framework->id = text_of(node, "id");
        framework->title = text_of(node, "title");
        if (framework->id.len == 0)
                return error_set(error, -EINVAL, "a framework of the catalogue has no id");
        framework->includes =
                read_strings(set, doc_get(node, STR("includes")), &framework->include_count);
        for (uint32_t i = 0; i < count_of(sections); i++)
                count += count_of(doc_get(&sections->list.items[i], STR("items")));
        framework->items = arena_new_array(&set->arena, count, struct policy_item);
        r = read_items(set, items, NULL, framework, error);
        for (uint32_t i = 0; i < count_of(sections) && r >= 0; i++) {
                const struct doc_node *section = &sections->list.items[i];

                r = read_items(set, doc_get(section, STR("items")), section, framework, error);
        }
        return r;
}

int policy_load_frameworks(struct policy_set *set, const struct doc_node *list,
                           struct error *error) {
        int r = 0;

        if (!list || list->kind != DOC_LIST)
                return error_set(error, -EINVAL, "the catalogue has no list of frameworks");
        for (uint32_t i = 0; i < list->list.count && r >= 0; i++)
                r = add_framework(set, &list->list.items[i], error);
        return r;
}

const struct policy_framework *policy_framework_find(const struct policy_set *set, struct str id) {
        for (size_t i = 0; i < set->frameworks.count; i++)
                if (str_eq(set->frameworks.items[i].id, id))
                        return &set->frameworks.items[i];
        return NULL;
}

/* Whether CONTROL is "FRAMEWORK:ITEM". */
static bool is_item(struct str control, struct str framework, struct str item) {
        return control.len == framework.len + 1 + item.len && str_starts(control, framework) &&
               control.ptr[framework.len] == ':' && str_ends(control, item);
}

bool policy_answers(const struct policy *policy, const struct policy_framework *framework,
                    const struct policy_item *item) {
        for (size_t i = 0; i < policy->info.control_count; i++) {
                struct str control = policy->info.controls[i];

                if (is_item(control, framework->id, item->id))
                        return true;
                for (size_t k = 0; k < item->as_count; k++)
                        if (str_eq(item->as[k], control))
                                return true;
        }
        for (size_t k = 0; k < item->as_count; k++)
                if (is_item(item->as[k], STR("rule"), policy->info.id))
                        return true;
        return false;
}
