/* Objects of a cluster: what is kept of an item, and who controls it. */
#include <errno.h>

#include "base/util.h"
#include "doc/edit.h"
#include "inventory/live.h"
#include "kube/kinds.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

struct live_owner live_owner_of(const struct doc_node *metadata) {
        const struct doc_node *owners = doc_get(metadata, STR("ownerReferences"));

        for (uint32_t i = 0; owners && owners->kind == DOC_LIST && i < owners->list.count; i++) {
                const struct doc_node *owner = &owners->list.items[i];
                const struct doc_node *controller = doc_get(owner, STR("controller"));

                if (controller && controller->kind == DOC_BOOL && controller->boolean)
                        return (struct live_owner){ live_text(owner, "apiVersion"),
                                                    live_text(owner, "kind"),
                                                    live_text(owner, "name"),
                                                    live_text(owner, "uid") };
        }
        return (struct live_owner){ 0 };
}

struct str live_identity(struct arena *arena, struct str group, struct str kind,
                         struct str namespace, struct str name) {
        return arena_printf(arena, "%.*s/%.*s/%.*s/%.*s", STR_ARG(group), STR_ARG(kind),
                            STR_ARG(namespace), STR_ARG(name));
}

/* MAP without KEY. */
static const struct doc_node *without(struct arena *arena, const struct doc_node *map,
                                      struct str key) {
        struct doc_node *made;
        size_t count = 0;

        if (!map || map->kind != DOC_MAP || !doc_get(map, key))
                return map;
        made = doc_new_map(arena, NULL, map->map.count);
        for (uint32_t i = 0; i < map->map.count; i++)
                if (!str_eq(map->map.entries[i].key, key))
                        doc_map_set(made, count++, map->map.entries[i].key,
                                    &map->map.entries[i].value);
        made->map.count = (uint32_t)count;
        doc_map_index(arena, made);
        return made;
}

/* What kubectl keeps of a Secret in an annotation is the Secret: that it does is all we need. */
static const struct doc_node *clean_metadata(struct live *live, struct arena *arena,
                                             const struct doc_node *metadata, bool secret) {
        const struct doc_node *annotations = doc_get(metadata, STR("annotations"));
        struct doc_node hidden = { .kind = DOC_STRING };

        if (!live->options->whole)
                metadata = without(arena, metadata, STR("managedFields"));
        if (!secret || !annotations || !doc_get(annotations, STR(LAST_APPLIED)))
                return metadata;
        /* A rule tells that there are values by how they begin. */
        doc_set_string(&hidden, STR("{\"data\":{\"hidden\":\"\"}}"));
        metadata = doc_map_with(arena, metadata, STR("annotations"),
                                doc_map_with(arena, annotations, STR(LAST_APPLIED), &hidden, NULL),
                                NULL);
        return metadata;
}

/* The metadata of an object alone, as a document of a kind of its own: "of" says of what. */
static const struct doc_node *metadata_document(struct arena *arena, struct str api_version,
                                                struct str kind, const struct doc_node *metadata) {
        struct doc_node *of = doc_new_map(arena, NULL, 2), *made = doc_new_map(arena, NULL, 4);
        const struct doc_node version = doc_text(api_version), name = doc_text(kind);
        const struct doc_node own_version = doc_text(STR("meta.k8s.io/v1"));
        const struct doc_node own_kind = doc_text(STR("PartialObjectMetadata"));

        doc_map_set(of, 0, STR("apiVersion"), &version);
        doc_map_set(of, 1, STR("kind"), &name);
        doc_map_index(arena, of);
        doc_map_set(made, 0, STR("apiVersion"), &own_version);
        doc_map_set(made, 1, STR("kind"), &own_kind);
        doc_map_set(made, 2, STR("of"), of);
        doc_map_set(made, 3, STR("metadata"), metadata);
        doc_map_index(arena, made);
        return made;
}

/* ITEM of a list with the apiVersion and kind that items lack. */
static const struct doc_node *whole_object(struct live *live, struct arena *arena,
                                           const struct cluster_resource *resource,
                                           const struct doc_node *item) {
        struct doc_node *made = doc_new_map(arena, NULL, item->map.count + 2);
        struct doc_node text = { .kind = DOC_STRING };
        struct str api_version = resource->version;
        size_t count = 0;

        if (resource->group.len > 0)
                api_version = arena_printf(arena, "%.*s/%.*s", STR_ARG(resource->group),
                                           STR_ARG(resource->version));
        if (live_is_metadata_only(live, resource))
                return metadata_document(
                        arena, api_version, resource->kind,
                        clean_metadata(live, arena, doc_get(item, STR("metadata")), true));
        doc_set_string(&text, api_version);
        doc_map_set(made, count++, STR("apiVersion"), &text);
        doc_set_string(&text, resource->kind);
        doc_map_set(made, count++, STR("kind"), &text);
        for (uint32_t i = 0; i < item->map.count; i++) {
                const struct doc_entry *entry = &item->map.entries[i];

                if (str_eq(entry->key, STR("metadata")))
                        doc_map_set(made, count++, entry->key,
                                    clean_metadata(live, arena, &entry->value, false));
                else if (!str_eq(entry->key, STR("apiVersion")) && !str_eq(entry->key, STR("kind")))
                        doc_map_set(made, count++, entry->key, &entry->value);
        }
        made->map.count = (uint32_t)count;
        doc_map_index(arena, made);
        return made;
}

bool live_object_of(struct live *live, struct arena *arena, const struct cluster_resource *resource,
                    const struct doc_node *item, struct live_object *ret) {
        const struct doc_node *metadata = doc_get(item, STR("metadata"));

        *ret = (struct live_object){ .namespace = live_text(metadata, "namespace"),
                                     .name = live_text(metadata, "name"),
                                     .uid = live_text(metadata, "uid"),
                                     .version = live_text(metadata, "resourceVersion"),
                                     .owner = live_owner_of(metadata) };
        if (ret->name.len == 0)
                return false;
        ret->path = cluster_path_of(arena, resource->group, resource->resource, ret->namespace,
                                    ret->name);
        ret->root = whole_object(live, arena, resource, item);
        return true;
}

/* --- owners --- */

static const struct cluster_resource *resource_of(const struct live *live, struct str group,
                                                  struct str kind) {
        for (size_t i = 0; i < live->resources.count; i++)
                if (str_eq(live->resources.items[i].group, group) &&
                    str_eq(live->resources.items[i].kind, kind))
                        return &live->resources.items[i];
        return NULL;
}

struct str live_owner_path(const struct live *live, struct arena *arena,
                           const struct live_owner *owner, struct str namespace) {
        const struct cluster_resource *resource =
                resource_of(live, kube_group_version(owner->api_version).group, owner->kind);

        if (!resource)
                return STR("");
        return cluster_path_of(arena, resource->group, resource->resource,
                               resource->namespaced ? namespace : STR(""), owner->name);
}

int live_read_owner(struct live *live, const struct live_owner *owner, struct str namespace,
                    struct arena *arena, struct live_object *ret) {
        struct str group = kube_group_version(owner->api_version).group;
        const struct cluster_resource *resource = resource_of(live, group, owner->kind);
        struct buf path _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *root = NULL, *metadata;
        int status;

        if (!resource || !live_is_name(owner->name) ||
            (resource->namespaced && !live_is_name(namespace)))
                return 404;
        buf_printf(&path, group.len ? "/apis/%.*s" : "/api%.*s", STR_ARG(group));
        buf_printf(&path, "/%.*s", STR_ARG(resource->version));
        if (resource->namespaced)
                buf_printf(&path, "/namespaces/%.*s", STR_ARG(namespace));
        buf_printf(&path, "/%.*s/%.*s", STR_ARG(resource->resource), STR_ARG(owner->name));
        status = live_ask(live, path.data, LIVE_METADATA, arena, &root);
        if (status != 200)
                return status;
        metadata = doc_get(root, STR("metadata"));
        if (!str_eq(live_text(metadata, "name"), owner->name))
                return error_set(live->error, -EPROTO,
                                 "the server answered with another object than %s", path.data);
        *ret = (struct live_object){ .namespace = live_text(metadata, "namespace"),
                                     .name = owner->name,
                                     .uid = live_text(metadata, "uid"),
                                     .version = live_text(metadata, "resourceVersion"),
                                     .owner = live_owner_of(metadata),
                                     .root = metadata_document(
                                             arena, owner->api_version, owner->kind,
                                             without(arena, metadata, STR("managedFields"))) };
        ret->path = cluster_path_of(arena, resource->group, resource->resource, ret->namespace,
                                    ret->name);
        return 200;
}

void cluster_resource_of(struct str path, struct str *ret_group, struct str *ret_resource) {
        size_t end = path.len, start;
        ptrdiff_t dot;

        *ret_group = *ret_resource = STR("");
        while (end > 0 && path.ptr[end - 1] != '/')
                end--;
        if (end == 0 || !str_starts(path, STR(CLUSTER_PATH)))
                return;
        start = --end;
        while (start > 0 && path.ptr[start - 1] != '/' && path.ptr[start - 1] != ':')
                start--;
        *ret_resource = str_slice(path, start, end);
        dot = str_find(*ret_resource, STR("."), 0);
        if (dot < 0)
                return;
        *ret_group = str_slice(*ret_resource, (size_t)dot + 1, ret_resource->len);
        *ret_resource = str_slice(*ret_resource, 0, (size_t)dot);
}

struct str cluster_path_of(struct arena *arena, struct str group, struct str resource,
                           struct str namespace, struct str name) {
        return arena_printf(arena, CLUSTER_PATH "%.*s%s%.*s%s%.*s/%.*s", STR_ARG(namespace),
                            namespace.len ? "/" : "", STR_ARG(resource), group.len ? "." : "",
                            STR_ARG(group), STR_ARG(name));
}
