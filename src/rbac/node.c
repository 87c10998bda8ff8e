#include "rbac/node.h"

#include "base/util.h"

/* What leads from an object to the nodes that may have it: a node, or another object. */
struct rbac_node_object {
        const char *type;
        struct str namespace, name;
        VEC(struct str) nodes;
        VEC(struct rbac_node_object *) through;
};

/* An object leads to a pod, or by a volume and its claim to one. */
enum { STEPS_MAX = 4 };

static struct rbac_node_object *object_of(struct rbac_nodes *nodes, const char *type,
                                          struct str namespace, struct str name) {
        struct str key = arena_printf(&nodes->arena, "%s/%.*s/%.*s", type, STR_ARG(namespace),
                                      STR_ARG(name));
        struct map_entry *entry = map_put(&nodes->objects, key);

        if (!entry->value) {
                struct rbac_node_object *object = arena_new(&nodes->arena, struct rbac_node_object);

                object->type = type;
                object->namespace = arena_str(&nodes->arena, namespace);
                object->name = arena_str(&nodes->arena, name);
                entry->value = object;
        }
        return entry->value;
}

static void lead_to_node(struct rbac_nodes *nodes, struct rbac_node_object *object,
                         struct str node) {
        struct str name = arena_str(&nodes->arena, node);

        map_put(&nodes->nodes, name)->value = nodes;
        *vec_push_in(&nodes->arena, &object->nodes) = name;
}

/* The pod that is being added. */
struct pod {
        struct rbac_nodes *nodes;
        struct str namespace, name, node;
};

static void give(const struct pod *pod, const char *type, const struct doc_node *name) {
        struct str text = doc_string(name, STR(""));

        if (text.len > 0)
                lead_to_node(pod->nodes, object_of(pod->nodes, type, pod->namespace, text),
                             pod->node);
}

/* The items of LIST, which may be NULL or something else. */
#define EACH(all, item)                                                                            \
        for (const struct doc_node *all_ = (all), *item = first_item(all_); item;                  \
             item = next_item(all_, item))

static const struct doc_node *first_item(const struct doc_node *list) {
        return list && list->kind == DOC_LIST && list->list.count > 0 ? list->list.items : NULL;
}

static const struct doc_node *next_item(const struct doc_node *list, const struct doc_node *item) {
        return item + 1 < list->list.items + list->list.count ? item + 1 : NULL;
}

static void give_container(const struct pod *pod, const struct doc_node *container) {
        EACH(doc_get(container, STR("env")), env) {
                give(pod, "secret", doc_find(env, "valueFrom", "secretKeyRef", "name"));
                give(pod, "configmap", doc_find(env, "valueFrom", "configMapKeyRef", "name"));
        }
        EACH(doc_get(container, STR("envFrom")), from) {
                give(pod, "secret", doc_find(from, "secretRef", "name"));
                give(pod, "configmap", doc_find(from, "configMapRef", "name"));
        }
}

/* Kinds of volumes that may name a secret, in the order in which the authorizer looks: what is
 * behind the first one that is there does not count. */
static const struct source {
        const char *kind, *reference; /* NULL: the name is among the fields of the kind */
        const char *name, *namespace; /* the fields of the reference */
        bool of_pods, of_volumes;
        bool as_written; /* without a namespace it is none, not that of the claim */
} sources[] = {
        { "azureFile", NULL, "secretName", "secretNamespace", true, true, false },
        { "cephfs", "secretRef", "name", "namespace", true, true, false },
        { "cinder", "secretRef", "name", "namespace", true, true, true },
        { "flexVolume", "secretRef", "name", "namespace", true, true, false },
        { "projected", NULL, "", "", true, false,
          false }, /* its sources are looked at one by one */
        { "rbd", "secretRef", "name", "namespace", true, true, false },
        { "secret", NULL, "secretName", "", true, false, false },
        { "scaleIO", "secretRef", "name", "namespace", true, true, false },
        { "iscsi", "secretRef", "name", "namespace", true, true, false },
        { "storageos", "secretRef", "name", "namespace", true, true, true },
        { "csi", "nodePublishSecretRef", "name", "namespace", true, true, true },
};

static bool is_set(const struct doc_node *node) {
        return node && node->kind != DOC_NULL;
}

static const struct source *source_of(const struct doc_node *spec, bool of_pod) {
        for (size_t i = 0; i < ELEMENTS(sources); i++)
                if ((of_pod ? sources[i].of_pods : sources[i].of_volumes) &&
                    is_set(doc_get(spec, str_from(sources[i].kind))))
                        return &sources[i];
        return NULL;
}

static const struct doc_node *reference_of(const struct doc_node *spec,
                                           const struct source *source) {
        const struct doc_node *fields = doc_get(spec, str_from(source->kind));

        return source->reference ? doc_get(fields, str_from(source->reference)) : fields;
}

static void give_claim_of_volume(const struct pod *pod, const struct doc_node *volume) {
        struct str name = doc_string(doc_get(volume, STR("name")), STR(""));
        struct doc_node claim = { .kind = DOC_STRING };

        if (is_set(doc_get(volume, STR("persistentVolumeClaim")))) {
                give(pod, "claim", doc_find(volume, "persistentVolumeClaim", "claimName"));
        } else if (is_set(doc_get(volume, STR("ephemeral")))) {
                claim.string = arena_printf(&pod->nodes->arena, "%.*s-%.*s", STR_ARG(pod->name),
                                            STR_ARG(name));
                give(pod, "claim", &claim);
        }
}

static void give_volume(const struct pod *pod, const struct doc_node *volume) {
        const struct source *source = source_of(volume, true);
        bool projected = is_set(doc_get(volume, STR("projected")));

        if (source && source->name[0])
                give(pod, "secret", doc_get(reference_of(volume, source), str_from(source->name)));
        EACH(doc_find(volume, "projected", "sources"), part) {
                if (source && !source->name[0])
                        give(pod, "secret", doc_find(part, "secret", "name"));
                give(pod, "configmap", doc_find(part, "configMap", "name"));
        }
        if (!projected)
                give(pod, "configmap", doc_find(volume, "configMap", "name"));
        give_claim_of_volume(pod, volume);
}

/* The name that the status of the pod OBJECT has for the claim of CLAIM, which is made from
 * a template; NULL: there is none yet. */
static const struct doc_node *made_claim(const struct doc_node *object,
                                         const struct doc_node *claim) {
        struct str name = doc_string(doc_get(claim, STR("name")), STR(""));

        EACH(doc_find(object, "status", "resourceClaimStatuses"), status)
        if (str_eq(doc_string(doc_get(status, STR("name")), STR("")), name))
                return doc_get(status, STR("resourceClaimName"));
        return NULL;
}

/* Claims of devices: by name, or as the controller named them. */
static void give_devices(const struct pod *pod, const struct doc_node *object) {
        EACH(doc_find(object, "spec", "resourceClaims"), claim) {
                const struct doc_node *name = doc_get(claim, STR("resourceClaimName"));

                if (is_set(name))
                        give(pod, "resourceclaim", name);
                else if (is_set(doc_get(claim, STR("resourceClaimTemplateName"))))
                        give(pod, "resourceclaim", made_claim(object, claim));
        }
        give(pod, "resourceclaim",
             doc_find(object, "status", "extendedResourceClaimStatus", "resourceClaimName"));
}

static void add_pod(struct rbac_nodes *nodes, const struct resource *resource) {
        static const char *const kinds[] = { "containers", "initContainers",
                                             "ephemeralContainers" };
        const struct doc_node *object = resource->object, *spec = doc_get(object, STR("spec"));
        struct pod pod = { nodes, resource->namespace, resource->name,
                           doc_string(doc_get(spec, STR("nodeName")), STR("")) };
        struct doc_node name = { .kind = DOC_STRING, .string = resource->name };

        if (pod.node.len == 0)
                return;
        give(&pod, "pod", &name);
        /* A static pod must not give its node rights. */
        if (doc_get(doc_find(object, "metadata", "annotations"),
                    STR("kubernetes.io/config.mirror")))
                return;
        /* The server fills it in; in a manifest it may be missing. */
        name.string = doc_string(doc_get(spec, STR("serviceAccountName")), STR("default"));
        if (name.string.len == 0)
                name.string = STR("default");
        give(&pod, "account", &name);
        EACH(doc_get(spec, STR("imagePullSecrets")), secret)
        give(&pod, "secret", doc_get(secret, STR("name")));
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                EACH(doc_get(spec, str_from(kinds[i])), container)
        give_container(&pod, container);
        EACH(doc_get(spec, STR("volumes")), volume)
        give_volume(&pod, volume);
        give_devices(&pod, object);
}

/* A secret of a volume is in the namespace that it says, else, for most, in that of the claim. */
static void add_volume_secret(struct rbac_nodes *nodes, struct rbac_node_object *volume,
                              const struct source *source, const struct doc_node *reference,
                              struct str namespace) {
        struct str name = doc_string(doc_get(reference, str_from(source->name)), STR(""));
        struct str own = doc_string(doc_get(reference, str_from(source->namespace)), STR(""));
        struct rbac_node_object *secret;

        if (name.len == 0)
                return;
        secret = object_of(nodes, "secret", own.len || source->as_written ? own : namespace, name);
        *vec_push_in(&nodes->arena, &secret->through) = volume;
}

static void add_volume(struct rbac_nodes *nodes, const struct resource *resource) {
        /* Those of the controller are none of the kubelet's business. */
        static const char *const of_csi[] = { "nodeStageSecretRef", "nodeExpandSecretRef" };
        const struct doc_node *spec = doc_get(resource->object, STR("spec"));
        const struct doc_node *claim = doc_get(spec, STR("claimRef"));
        struct str namespace = doc_string(doc_get(claim, STR("namespace")), STR(""));
        struct str name = doc_string(doc_get(claim, STR("name")), STR(""));
        const struct source *source = source_of(spec, false);
        struct rbac_node_object *volume;

        if (name.len == 0)
                return;
        volume = object_of(nodes, "volume", STR(""), resource->name);
        *vec_push_in(&nodes->arena, &volume->through) = object_of(nodes, "claim", namespace, name);
        if (!source)
                return;
        add_volume_secret(nodes, volume, source, reference_of(spec, source), namespace);
        for (size_t i = 0; str_eq(str_from(source->kind), STR("csi")) && i < ELEMENTS(of_csi); i++)
                add_volume_secret(nodes, volume, source, doc_find(spec, "csi", of_csi[i]),
                                  namespace);
}

void rbac_nodes_add(struct rbac_nodes *nodes, const struct resource *resource) {
        const struct doc_node *spec = doc_get(resource->object, STR("spec"));
        struct str node = doc_string(doc_get(spec, STR("nodeName")), STR(""));

        if (resource->group.len == 0 && str_eq(resource->kind, STR("Pod")))
                add_pod(nodes, resource);
        else if (resource->group.len == 0 && str_eq(resource->kind, STR("PersistentVolume")))
                add_volume(nodes, resource);
        else if (str_eq(resource->group, STR("storage.k8s.io")) &&
                 str_eq(resource->kind, STR("VolumeAttachment")) && node.len > 0)
                lead_to_node(nodes, object_of(nodes, "attachment", STR(""), resource->name), node);
        else if (str_eq(resource->group, STR("resource.k8s.io")) &&
                 str_eq(resource->kind, STR("ResourceSlice")) && node.len > 0)
                lead_to_node(nodes, object_of(nodes, "slice", STR(""), resource->name), node);
}

void rbac_nodes_free(struct rbac_nodes *nodes) {
        map_free(&nodes->nodes);
        map_free(&nodes->objects);
        arena_free(&nodes->arena);
}

/* --- deciding --- */

struct str rbac_node_of(const struct rbac_request *request) {
        struct str prefix = STR("system:node:");

        if (!str_starts(request->user, prefix))
                return STR("");
        for (size_t i = 0; i < request->group_count; i++)
                if (str_eq(request->groups[i], STR("system:nodes")))
                        return str_slice(request->user, prefix.len, request->user.len);
        return STR("");
}

static bool reaches(const struct rbac_node_object *object, struct str node, int steps) {
        if (!object || steps == 0)
                return false;
        for (size_t i = 0; i < object->nodes.count; i++)
                if (str_eq(object->nodes.items[i], node))
                        return true;
        for (size_t i = 0; i < object->through.count; i++)
                if (reaches(object->through.items[i], node, steps - 1))
                        return true;
        return false;
}

static bool has(const struct rbac_nodes *nodes, const struct rbac_request *request,
                const char *type, struct str node) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str key = arena_printf(&arena, "%s/%.*s/%.*s", type, STR_ARG(request->namespace),
                                      STR_ARG(request->name));

        return request->name.len > 0 && reaches(map_get(&nodes->objects, key), node, STEPS_MAX);
}

/* VERBS are words with a blank behind each. */
static bool is_verb(const struct rbac_request *request, const char *verbs) {
        struct str rest = str_from(verbs), word;

        while (str_split(&rest, ' ', &word))
                if (str_eq(word, request->verb))
                        return true;
        return false;
}

/* What depends on the pods of the node. */
struct bound {
        struct str group, resource, subresource;
        const char *type, *verbs, *why;
        bool namespaced;
};

static const struct bound bound[] = {
        { STR_INIT(""), STR_INIT("secrets"), STR_INIT(""), "secret", "get list watch",
          "a pod or a volume of the node refers to it", true },
        { STR_INIT(""), STR_INIT("configmaps"), STR_INIT(""), "configmap", "get list watch",
          "a pod of the node refers to it", true },
        { STR_INIT(""), STR_INIT("persistentvolumeclaims"), STR_INIT(""), "claim", "get",
          "a pod of the node refers to it", false },
        { STR_INIT(""), STR_INIT("persistentvolumeclaims"), STR_INIT("status"), "claim",
          "update patch", "a pod of the node refers to it", false },
        { STR_INIT(""), STR_INIT("persistentvolumes"), STR_INIT(""), "volume", "get",
          "a pod of the node has its claim", false },
        { STR_INIT("resource.k8s.io"), STR_INIT("resourceclaims"), STR_INIT(""), "resourceclaim",
          "get", "a pod of the node refers to it", false },
        { STR_INIT("resource.k8s.io"), STR_INIT("resourceslices"), STR_INIT(""), "slice",
          "get update patch delete", "it lists devices of the node", false },
        { STR_INIT("storage.k8s.io"), STR_INIT("volumeattachments"), STR_INIT(""), "attachment",
          "get", "it is attached to the node", false },
        { STR_INIT(""), STR_INIT("serviceaccounts"), STR_INIT(""), "account", "get",
          "a pod of the node runs as it", true },
        { STR_INIT(""), STR_INIT("serviceaccounts"), STR_INIT("token"), "account", "create",
          "a pod of the node runs as it", false },
        { STR_INIT(""), STR_INIT("pods"), STR_INIT(""), "pod", "get list watch",
          "it is bound to the node", false },
};

/* What every node may do; of what has its own name, `own`. */
struct fixed {
        struct str group;
        const char *resource, *subresource, *verbs;
        bool own;
};

static const struct fixed fixed[] = {
        { STR_INIT(""), "nodes", "", "create update patch", false },
        { STR_INIT(""), "nodes", "", "get list watch", true },
        { STR_INIT(""), "nodes", "status", "update patch", false },
        { STR_INIT(""), "pods", "", "create delete", false },
        { STR_INIT(""), "pods", "status", "update patch", false },
        { STR_INIT(""), "pods", "eviction", "create", false },
        { STR_INIT("storage.k8s.io"), "csinodes", "", "create", false },
        { STR_INIT("storage.k8s.io"), "csinodes", "", "get update patch delete", true },
        { STR_INIT("resource.k8s.io"), "resourceslices", "", "create", false },
        { STR_INIT("authentication.k8s.io"), "tokenreviews", "", "create", false },
        { STR_INIT("authorization.k8s.io"), "subjectaccessreviews", "", "create", false },
        { STR_INIT("authorization.k8s.io"), "localsubjectaccessreviews", "", "create", false },
        { STR_INIT(""), "services", "", "get list watch", false },
        { STR_INIT(""), "events", "", "create update patch", false },
        { STR_INIT("events.k8s.io"), "events", "", "create update patch", false },
        { STR_INIT(""), "endpoints", "", "get", false },
        { STR_INIT("certificates.k8s.io"), "certificatesigningrequests", "",
          "create get list watch", false },
        { STR_INIT("storage.k8s.io"), "csidrivers", "", "get watch list", false },
        { STR_INIT("node.k8s.io"), "runtimeclasses", "", "get list watch", false },
};

/* In the namespace of leases, of its own name; a lease that is made has none yet. Subresources are
 * not looked at. */
static bool lease_allowed(const struct rbac_request *request, struct str node) {
        return is_verb(request, "get create update patch delete") &&
               str_eq(request->namespace, STR("kube-node-lease")) &&
               (str_eq(request->verb, STR("create")) || str_eq(request->name, node));
}

static bool is_about(const struct rbac_request *request, struct str group, struct str resource,
                     struct str subresource) {
        return str_eq(request->group, group) && str_eq(request->resource, resource) &&
               str_eq(request->subresource, subresource);
}

bool rbac_node_allows(const struct rbac_nodes *nodes, const struct rbac_request *request,
                      const char **ret_why) {
        struct str node = rbac_node_of(request);
        const char *unused;

        ret_why = ret_why ? ret_why : &unused;
        *ret_why = "";
        if (node.len == 0 || request->resource.len == 0)
                return false;
        if (str_eq(request->group, STR("coordination.k8s.io")) &&
            str_eq(request->resource, STR("leases")))
                return lease_allowed(request, node);
        for (size_t i = 0; i < ELEMENTS(bound); i++)
                if (is_about(request, bound[i].group, bound[i].resource, bound[i].subresource) &&
                    is_verb(request, bound[i].verbs) &&
                    (!bound[i].namespaced || request->namespace.len > 0) &&
                    has(nodes, request, bound[i].type, node)) {
                        *ret_why = bound[i].why;
                        return true;
                }
        for (size_t i = 0; i < ELEMENTS(fixed); i++)
                if (is_about(request, fixed[i].group, str_from(fixed[i].resource),
                             str_from(fixed[i].subresource)) &&
                    is_verb(request, fixed[i].verbs) &&
                    (!fixed[i].own || str_eq(request->name, node)))
                        return true;
        return false;
}

enum rbac_node_reach rbac_node_reach(const struct rbac_request *request) {
        enum rbac_node_reach reach = RBAC_NODES_NONE;

        if (request->resource.len == 0)
                return RBAC_NODES_NONE;
        if (str_eq(request->group, STR("coordination.k8s.io")) &&
            str_eq(request->resource, STR("leases"))) {
                if (!is_verb(request, "get create update patch delete") ||
                    !str_eq(request->namespace, STR("kube-node-lease")))
                        return RBAC_NODES_NONE;
                return str_eq(request->verb, STR("create")) ? RBAC_NODES_ALL : RBAC_NODES_SOME;
        }
        for (size_t i = 0; i < ELEMENTS(bound); i++)
                if (is_about(request, bound[i].group, bound[i].resource, bound[i].subresource) &&
                    is_verb(request, bound[i].verbs) &&
                    (!bound[i].namespaced || request->namespace.len > 0))
                        reach = RBAC_NODES_SOME;
        for (size_t i = 0; i < ELEMENTS(fixed); i++)
                if (is_about(request, fixed[i].group, str_from(fixed[i].resource),
                             str_from(fixed[i].subresource)) &&
                    is_verb(request, fixed[i].verbs)) {
                        if (!fixed[i].own)
                                return RBAC_NODES_ALL;
                        reach = RBAC_NODES_SOME;
                }
        return reach;
}

static const char *plural_of(const char *type) {
        for (size_t i = 0; i < ELEMENTS(bound); i++)
                if (bound[i].subresource.len == 0 && strcmp(bound[i].type, type) == 0)
                        return bound[i].resource.ptr;
        return type;
}

size_t rbac_node_rights(const struct rbac_nodes *nodes, struct str node, struct arena *arena,
                        struct rbac_node_right **ret) {
        VEC(struct rbac_node_right) rights = { 0 };

        for (size_t i = 0; i < nodes->objects.count; i++) {
                const struct rbac_node_object *object = nodes->objects.entries[i].value;

                if (reaches(object, node, STEPS_MAX))
                        *vec_push_in(arena, &rights) =
                                (struct rbac_node_right){ plural_of(object->type),
                                                          object->namespace, object->name };
        }
        *ret = rights.items;
        return rights.count;
}
