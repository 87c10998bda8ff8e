/*
 * What an encryption configuration encrypts.
 */
#include "base/base64.h"
#include "node/api_server.h"

enum { RESOURCES_MAX = 200 };

static uint32_t count(const struct doc_node *list) {
        return list && list->kind == DOC_LIST ? list->list.count : 0;
}

/* "secrets", "deployments.apps" -> "apps"; "" for the core group. */
static struct str group_of(struct str resource) {
        ptrdiff_t dot = str_find(resource, STR("."), 0);

        return dot < 0 ? STR("") : str_slice(resource, (size_t)dot + 1, resource.len);
}

static bool names(const struct doc_node *entry, struct str resource) {
        const struct doc_node *list = doc_get(entry, STR("resources"));

        for (uint32_t i = 0; i < count(list); i++)
                if (str_eq(doc_string(&list->list.items[i], STR("")), resource))
                        return true;
        return false;
}

static const struct doc_node *find_entry(struct node *node, const struct doc_node *entries,
                                         struct str resource) {
        const struct str patterns[] = {
                resource, arena_printf(node->arena, "*.%.*s", STR_ARG(group_of(resource))),
                STR("*.*")
        };

        for (size_t p = 0; p < ELEMENTS(patterns); p++)
                for (uint32_t i = 0; i < count(entries); i++)
                        if (names(&entries->list.items[i], patterns[p]))
                                return &entries->list.items[i];
        return NULL;
}

/* The one key of a provider's map. */
static const struct doc_entry *provider_of(const struct doc_node *providers, uint32_t at) {
        const struct doc_node *item = at < count(providers) ? &providers->list.items[at] : NULL;

        return item && item->kind == DOC_MAP && item->map.count > 0 ? &item->map.entries[0] : NULL;
}

static void add_keys(struct node *node, const struct doc_node *config, struct fact *fact) {
        struct arena *arena = node->arena;
        const struct doc_node *keys = doc_get(config, STR("keys"));
        struct fact *names_of = fact_set(arena, fact, STR("keyNames"), fact_list(arena));
        struct fact *bits = fact_set(arena, fact, STR("keyBits"), fact_list(arena));

        fact_set_int(arena, fact, "keys", count(keys));
        for (uint32_t i = 0; i < count(keys); i++) {
                const struct doc_node *key = &keys->list.items[i];
                struct str secret = doc_string(doc_get(key, STR("secret")), STR("")), bytes;

                fact_add_string(arena, names_of, doc_string(doc_get(key, STR("name")), STR("")));
                fact_add(arena, bits,
                         fact_int(arena, base64_decode(arena, secret, &bytes) < 0
                                                 ? 0
                                                 : (int64_t)bytes.len * 8));
        }
}

static struct fact *resource_fact(struct node *node, const struct yaml *yaml, struct str resource,
                                  struct place place) {
        struct arena *arena = node->arena;
        const struct doc_node *entries = yaml ? doc_get(yaml->items[0], STR("resources")) : NULL;
        const struct doc_node *entry = find_entry(node, entries, resource), *config = NULL;
        const struct doc_node *providers = doc_get(entry, STR("providers"));
        const struct doc_entry *first = provider_of(providers, 0);
        const struct doc_entry *second = provider_of(providers, 1);
        struct str name = first ? first->key : STR("identity");
        struct fact *fact = fact_map(arena);
        bool readable = !first;

        if (first) {
                config = &first->value;
                place = (struct place){ yaml->path, first->key_start.line,
                                        first->key_start.column };
        } else if (yaml) {
                place = node_place(yaml->path, entries ? entries : yaml->items[0]);
        }
        for (uint32_t i = 0; i < count(providers); i++) {
                const struct doc_entry *one = provider_of(providers, i);

                readable = readable || (one && str_eq(one->key, STR("identity")));
        }
        fact_set_string(arena, fact, "resource", resource);
        fact_set_bool(arena, fact, "encrypted", !str_eq(name, STR("identity")));
        fact_set_string(arena, fact, "provider", name);
        fact_set_string(arena, fact, "provider2", second ? second->key : STR(""));
        add_keys(node, config, fact);
        fact_set_string(arena, fact, "kmsVersion",
                        str_eq(name, STR("kms"))
                                ? doc_string(doc_get(config, STR("apiVersion")), STR("v1"))
                                : STR(""));
        fact_set_string(arena, fact, "endpoint",
                        doc_string(doc_get(config, STR("endpoint")), STR("")));
        fact_set_bool(arena, fact, "plaintextReadable", readable);
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
        return fact;
}

static bool is_listed(const struct fact *list, struct str resource) {
        for (const struct fact_member *m = list->first; m; m = m->next)
                if (str_eq(fact_value_text(fact_get(m->value, "resource")), resource))
                        return true;
        return false;
}

struct fact *encryption_resources(struct node *node, const struct yaml *yaml, struct place place) {
        struct fact *list = fact_list(node->arena);
        const struct doc_node *entries = yaml ? doc_get(yaml->items[0], STR("resources")) : NULL;

        fact_add(node->arena, list, resource_fact(node, yaml, STR("secrets"), place));
        fact_add(node->arena, list, resource_fact(node, yaml, STR("configmaps"), place));
        for (uint32_t i = 0; i < count(entries); i++) {
                const struct doc_node *named = doc_get(&entries->list.items[i], STR("resources"));

                for (uint32_t k = 0; k < count(named) && list->count < RESOURCES_MAX; k++) {
                        struct str resource = doc_string(&named->list.items[k], STR(""));

                        if (resource.len > 0 && resource.ptr[0] != '*' &&
                            !is_listed(list, resource))
                                fact_add(node->arena, list,
                                         resource_fact(node, yaml, resource, place));
                }
        }
        return list;
}
