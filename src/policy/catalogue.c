/*
 * The catalogue that is built in: packed by pack-policies into one JSON text.
 */
#include <errno.h>

#include "base/util.h"
#include "policy/private.h"

static int add_policies(struct policy_set *set, const struct doc *doc, const struct doc_node *list,
                        struct error *error) {
        for (uint32_t i = 0; i < list->list.count; i++) {
                const struct doc_node *packed = &list->list.items[i];
                struct doc_source *source = arena_new(&set->arena, struct doc_source);
                struct doc *own = arena_new(&set->arena, struct doc);
                int r;

                /* Each rule knows the file that it was packed from. */
                *own = *doc;
                *source = *doc->source;
                source->name = doc_string(doc_get(packed, STR("file")), STR("catalogue"));
                own->source = source;
                own->root = (struct doc_node *)(uintptr_t)doc_get(packed, STR("policy"));
                r = policy_is_check(own->root) ? policy_load_check(set, own, own->root, error)
                                               : policy_load(set, own, own->root, true, error);
                if (r < 0) {
                        error_set_file(error, source->name);
                        return r;
                }
        }
        return 0;
}

int policy_set_add_catalogue(struct policy_set *set, struct error *error) {
        struct doc_source *source = arena_new(&set->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;
        const struct doc_node *policies;
        int r;

        source->name = STR("catalogue");
        source->text = (struct str){ policy_catalogue_json, policy_catalogue_json_size };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        r = doc_read(&reader, &set->arena, &doc, error);
        if (r < 0)
                return r;
        policies = r > 0 ? doc_get(doc->root, STR("policies")) : NULL;
        if (!policies || policies->kind != DOC_LIST)
                return error_set(error, -EINVAL, "the catalogue is empty");
        r = policy_load_frameworks(set, doc_get(doc->root, STR("frameworks")), error);
        if (r < 0)
                return r;
        return add_policies(set, doc, policies, error);
}
