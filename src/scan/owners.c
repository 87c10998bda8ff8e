/*
 * Who made what: the controllers of objects, as their ownerReferences tell. A pod is made by a
 * ReplicaSet, that by a Deployment: whoever wants to know whom a refusal concerns asks for the
 * Deployment.
 */
#include "base/util.h"
#include "scan/private.h"

enum { OWNER_DEPTH = 8 }; /* of owners of owners; a circle ends there, too */

struct owner {
        struct str api_version, kind, name;
};

static struct str key_of(struct arena *arena, struct str namespace, struct str kind,
                         struct str name) {
        return arena_printf(arena, "%.*s/%.*s/%.*s", STR_ARG(namespace), STR_ARG(kind),
                            STR_ARG(name));
}

/* The owner that controls OBJECT, or NULL. */
static const struct doc_node *controller_of(const struct doc_node *object) {
        const struct doc_node *list = doc_find(object, "metadata", "ownerReferences");

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *flag = doc_get(&list->list.items[i], STR("controller"));

                if (flag && flag->kind == DOC_BOOL && flag->boolean)
                        return &list->list.items[i];
        }
        return NULL;
}

static struct str field(struct arena *arena, const struct doc_node *map, const char *name) {
        return arena_str(arena, doc_string(doc_get(map, str_from(name)), STR("")));
}

static void add_document(void *userdata, struct arena *arena, const struct doc *doc) {
        struct owners *owners = userdata;
        struct resource_list resources;

        resources_of(arena, doc, STR(""), true, &resources);
        for (size_t i = 0; i < resources.count; i++) {
                const struct resource *resource = &resources.items[i];
                const struct doc_node *controller = controller_of(resource->root);
                struct owner *owner;

                if (!controller)
                        continue;
                owner = arena_new(&owners->arena, struct owner);
                owner->api_version = field(&owners->arena, controller, "apiVersion");
                owner->kind = field(&owners->arena, controller, "kind");
                owner->name = field(&owners->arena, controller, "name");
                map_put(&owners->by_object,
                        key_of(&owners->arena, resource->namespace, resource->kind, resource->name))
                        ->value = owner;
        }
}

void owners_read(struct owners *owners, const struct scan_options *options,
                 const struct input_list *files) {
        const struct gather gather = { STR("ownerReferences"), add_document, owners };

        gather_documents(options, files, &gather, 1);
}

struct resource_ref owners_top(const struct owners *owners, struct arena *scratch,
                               const struct resource *resource) {
        struct resource_ref at = { resource->api_version, resource->kind, resource->namespace,
                                   resource->name };

        for (int depth = 0; depth < OWNER_DEPTH; depth++) {
                const struct owner *owner = map_get(
                        &owners->by_object, key_of(scratch, at.namespace, at.kind, at.name));

                if (!owner)
                        break;
                at.api_version = owner->api_version;
                at.kind = owner->kind;
                at.name = owner->name;
        }
        return at;
}

void owners_free(struct owners *owners) {
        map_free(&owners->by_object);
        arena_free(&owners->arena);
}
