/*
 * The Namespace objects of the input, and the params of policies. They may stand in any file,
 * behind the objects that need them, so they are gathered before anything is judged - but only when
 * some rule looks at namespaces or takes params, and only files that can hold one are parsed.
 */
#include "base/util.h"
#include "doc/edit.h"
#include "scan/private.h"

bool namespaces_wants_params(const struct policy_set *set) {
        for (size_t i = 0; i < set->policies.count; i++)
                if (set->policies.items[i]->has_params && set->policies.items[i]->bindings)
                        return true;
        return false;
}

bool namespaces_are_needed(const struct policy_set *set) {
        for (size_t i = 0; i < set->policies.count; i++)
                if (policy_looks_at_namespace(set->policies.items[i]))
                        return true;
        return set->pod_security;
}

static void add_param(struct namespaces *namespaces, struct policy_set *set,
                      const struct resource *resource) {
        if (policy_set_wants_param(set, resource->group, resource->kind))
                policy_set_add_param(set,
                                     doc_copy(&namespaces->arena, STR(""), resource->object)->root);
}

static void add_document(void *userdata, struct arena *arena, const struct doc *doc) {
        struct namespaces *namespaces = userdata;
        struct resource_list resources;

        resources_of(arena, doc, STR(""), false, &resources);
        for (size_t i = 0; i < resources.count; i++) {
                const struct resource *resource = &resources.items[i];
                const struct doc_node *node;

                add_param(namespaces, namespaces->policies, resource);
                if (resource->group.len > 0 || !str_eq(resource->resource, STR("namespaces")))
                        continue;
                node = doc_copy(&namespaces->arena, STR(""), resource->object)->root;
                map_put(&namespaces->by_name,
                        doc_string(doc_find(node, "metadata", "name"), STR("")))
                        ->value = (void *)(uintptr_t)node;
        }
}

bool namespaces_gather(struct namespaces *namespaces, const struct scan_options *options,
                       struct gather *ret) {
        /* Params may be of any kind: then every file is looked at. */
        bool params = namespaces_wants_params(options->policies);

        namespaces->policies = options->policies;
        *ret = (struct gather){ params ? STR("") : STR("Namespace"), add_document, namespaces };
        return params || namespaces_are_needed(options->policies);
}

void namespaces_read(struct namespaces *namespaces, const struct scan_options *options,
                     const struct input_list *files) {
        struct gather gather;

        if (namespaces_gather(namespaces, options, &gather))
                gather_documents(options, files, &gather, 1);
}

void namespaces_free(struct namespaces *namespaces) {
        map_free(&namespaces->by_name);
        arena_free(&namespaces->arena);
}
