#include "inventory/resource.h"

#include <errno.h>

#include "base/util.h"
#include "base/vec.h"
#include "kube/decode.h"

struct finder {
        struct arena *arena;
        struct resource_list *list;
        struct str namespace;
        bool as_submitted;
};

/* Lists within lists are legal and pointless; a few levels are enough. */
enum { LIST_DEPTH = 8 };

static void problem(struct finder *f, const struct doc_node *node, const char *what) {
        if (f->list->problem)
                return;
        f->list->problem = arena_new(f->arena, struct error);
        error_set_at(f->list->problem, -EINVAL, node->start.line, node->start.column, "%s", what);
}

/* Files that have an apiVersion and a kind but configure tools on a laptop; nothing of them reaches
 * a cluster. Configuration of the cluster's own components (KubeletConfiguration, AuditPolicy ...)
 * is judged: rules can name those kinds. */
static bool is_tool_file(struct str group) {
        return str_eq(group, STR("kustomize.config.k8s.io")) ||
               str_eq(group, STR("kind.x-k8s.io")) || str_eq(group, STR("skaffold"));
}

static void add(struct finder *f, const struct doc_node *node, struct str api_version,
                struct str kind) {
        struct kube_group_version gv = kube_group_version(api_version);
        const struct doc_node *metadata = doc_get(node, STR("metadata"));
        struct resource *resource = vec_push_in(f->arena, f->list);

        resource->api_version = api_version;
        resource->group = gv.group;
        resource->version = gv.version;
        resource->kind = kind;
        resource->name = doc_string(doc_get(metadata, STR("name")), STR(""));
        if (resource->name.len == 0)
                resource->name = doc_string(doc_get(metadata, STR("generateName")), STR(""));
        resource->namespace = doc_string(doc_get(metadata, STR("namespace")), STR(""));
        resource->known = kube_kind_find(gv.group, kind);
        resource->resource =
                resource->known ? resource->known->resource : kube_guess_resource(f->arena, kind);
        resource->namespaced =
                resource->known ? resource->known->namespaced : resource->namespace.len > 0;
        if (!resource->namespaced)
                resource->namespace = STR("");
        else if (resource->namespace.len == 0)
                resource->namespace = f->namespace;
        resource->root = node;
        resource->object = resource->known && !f->as_submitted
                                   ? kube_decode_as(f->arena, node, api_version, kind)
                                   : node;
}

static void find(struct finder *f, const struct doc_node *node, struct str default_version,
                 struct str default_kind, int depth);

static void expand(struct finder *f, const struct doc_node *node, struct str api_version,
                   struct str kind, int depth) {
        const struct doc_node *items = doc_get(node, STR("items"));
        bool plain = str_eq(kind, STR("List"));
        struct str item_kind = plain ? STR("") : str_slice(kind, 0, kind.len - 4);

        if (items->kind != DOC_LIST) {
                if (items->kind != DOC_NULL)
                        problem(f, items, "the items of a List must be a list");
                return;
        }
        for (uint32_t i = 0; i < items->list.count; i++)
                find(f, &items->list.items[i], plain ? STR("") : api_version, item_kind, depth + 1);
}

/* The metadata of an object of a cluster, as src/inventory/live_object.c writes it. */
static bool is_partial(const struct doc_node *node, struct str api_version, struct str kind) {
        return str_eq(kind, STR("PartialObjectMetadata")) &&
               str_eq(api_version, STR("meta.k8s.io/v1")) &&
               doc_string(doc_find(node, "of", "kind"), STR("")).len > 0;
}

static void add_partial(struct finder *f, const struct doc_node *node) {
        struct resource_list own = { 0 }, *list = f->list;
        const struct doc_node *of = doc_get(node, STR("of"));
        bool as_submitted = f->as_submitted;

        f->list = &own;
        f->as_submitted = true;
        add(f, node, doc_string(doc_get(of, STR("apiVersion")), STR("v1")),
            doc_string(doc_get(of, STR("kind")), STR("")));
        f->as_submitted = as_submitted;
        f->list = list;
        list->partial = own.items;
        list->partial->metadata_only = true;
}

static bool is_list(const struct doc_node *node, struct str kind) {
        return str_ends(kind, STR("List")) && doc_get(node, STR("items"));
}

static void find(struct finder *f, const struct doc_node *node, struct str default_version,
                 struct str default_kind, int depth) {
        const struct doc_node *version_node = doc_get(node, STR("apiVersion"));
        struct str api_version = doc_string(version_node, default_version);
        struct str kind = doc_string(doc_get(node, STR("kind")), default_kind);
        bool has_metadata = doc_get(node, STR("metadata"));

        if (depth > LIST_DEPTH) {
                problem(f, node, "Lists are nested too deeply");
                return;
        }
        if (api_version.len == 0 && kind.len > 0 && (has_metadata || depth > 0))
                problem(f, node, "a Kubernetes object needs an apiVersion");
        else if (kind.len == 0 && api_version.len > 0 && (has_metadata || depth > 0))
                problem(f, node, "a Kubernetes object needs a kind");
        else if (api_version.len == 0 || kind.len == 0 ||
                 is_tool_file(kube_group_version(api_version).group))
                f->list->foreign = true;
        else if (is_partial(node, api_version, kind))
                add_partial(f, node);
        else if (is_list(node, kind))
                expand(f, node, api_version, kind, depth);
        else
                add(f, node, api_version, kind);
}

void resources_of(struct arena *arena, const struct doc *doc, struct str namespace,
                  bool as_submitted, struct resource_list *ret) {
        struct finder f = { arena, ret, namespace, as_submitted };

        *ret = (struct resource_list){ 0 };
        find(&f, doc->root, STR(""), STR(""), 0);
}

struct policy_subject resource_subject(const struct resource *resource) {
        return (struct policy_subject){
                .group = resource->group,
                .version = resource->version,
                .kind = resource->kind,
                .resource = resource->resource,
                .subresource = STR(""),
                .namespace = resource->namespace,
                .name = resource->name,
                .namespaced = resource->namespaced,
                .operation = POLICY_CREATE,
                .object = resource->object,
        };
}
