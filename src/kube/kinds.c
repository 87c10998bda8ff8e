#include "kube/kinds.h"

#include "base/util.h"

#define KIND(g, k, r, n, t)                                                                        \
        { STR_INIT(g), STR_INIT(k), STR_INIT(r), n, t }

/* Sorted by nothing in particular; a lookup goes through the hash of the kind (see slots). */
static const struct kube_kind kinds[] = {
        KIND("", "Pod", "pods", true, NULL),
        KIND("", "PodTemplate", "podtemplates", true, "template"),
        KIND("", "ReplicationController", "replicationcontrollers", true, "spec.template"),
        KIND("", "Service", "services", true, NULL),
        KIND("", "ServiceAccount", "serviceaccounts", true, NULL),
        KIND("", "ConfigMap", "configmaps", true, NULL),
        KIND("", "Secret", "secrets", true, NULL),
        KIND("", "Endpoints", "endpoints", true, NULL),
        KIND("", "Event", "events", true, NULL),
        KIND("", "LimitRange", "limitranges", true, NULL),
        KIND("", "ResourceQuota", "resourcequotas", true, NULL),
        KIND("", "PersistentVolumeClaim", "persistentvolumeclaims", true, NULL),
        KIND("", "PersistentVolume", "persistentvolumes", false, NULL),
        KIND("", "Namespace", "namespaces", false, NULL),
        KIND("", "Node", "nodes", false, NULL),
        KIND("", "ComponentStatus", "componentstatuses", false, NULL),
        KIND("", "Binding", "bindings", true, NULL),
        KIND("apps", "Deployment", "deployments", true, "spec.template"),
        KIND("apps", "StatefulSet", "statefulsets", true, "spec.template"),
        KIND("apps", "DaemonSet", "daemonsets", true, "spec.template"),
        KIND("apps", "ReplicaSet", "replicasets", true, "spec.template"),
        KIND("apps", "ControllerRevision", "controllerrevisions", true, NULL),
        KIND("batch", "Job", "jobs", true, "spec.template"),
        KIND("batch", "CronJob", "cronjobs", true, "spec.jobTemplate.spec.template"),
        KIND("networking.k8s.io", "NetworkPolicy", "networkpolicies", true, NULL),
        KIND("networking.k8s.io", "Ingress", "ingresses", true, NULL),
        KIND("networking.k8s.io", "IngressClass", "ingressclasses", false, NULL),
        KIND("networking.k8s.io", "IPAddress", "ipaddresses", false, NULL),
        KIND("networking.k8s.io", "ServiceCIDR", "servicecidrs", false, NULL),
        KIND("rbac.authorization.k8s.io", "Role", "roles", true, NULL),
        KIND("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", true, NULL),
        KIND("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", false, NULL),
        KIND("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings", false, NULL),
        KIND("policy", "PodDisruptionBudget", "poddisruptionbudgets", true, NULL),
        KIND("policy", "PodSecurityPolicy", "podsecuritypolicies", false, NULL),
        KIND("policy", "Eviction", "evictions", true, NULL),
        KIND("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true, NULL),
        KIND("storage.k8s.io", "StorageClass", "storageclasses", false, NULL),
        KIND("storage.k8s.io", "VolumeAttachment", "volumeattachments", false, NULL),
        KIND("storage.k8s.io", "CSIDriver", "csidrivers", false, NULL),
        KIND("storage.k8s.io", "CSINode", "csinodes", false, NULL),
        KIND("storage.k8s.io", "CSIStorageCapacity", "csistoragecapacities", true, NULL),
        KIND("storage.k8s.io", "VolumeAttributesClass", "volumeattributesclasses", false, NULL),
        KIND("admissionregistration.k8s.io", "ValidatingWebhookConfiguration",
             "validatingwebhookconfigurations", false, NULL),
        KIND("admissionregistration.k8s.io", "MutatingWebhookConfiguration",
             "mutatingwebhookconfigurations", false, NULL),
        KIND("admissionregistration.k8s.io", "ValidatingAdmissionPolicy",
             "validatingadmissionpolicies", false, NULL),
        KIND("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding",
             "validatingadmissionpolicybindings", false, NULL),
        KIND("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "mutatingadmissionpolicies",
             false, NULL),
        KIND("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding",
             "mutatingadmissionpolicybindings", false, NULL),
        KIND("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", false,
             NULL),
        KIND("apiregistration.k8s.io", "APIService", "apiservices", false, NULL),
        KIND("scheduling.k8s.io", "PriorityClass", "priorityclasses", false, NULL),
        KIND("coordination.k8s.io", "Lease", "leases", true, NULL),
        KIND("discovery.k8s.io", "EndpointSlice", "endpointslices", true, NULL),
        KIND("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests",
             false, NULL),
        KIND("certificates.k8s.io", "ClusterTrustBundle", "clustertrustbundles", false, NULL),
        KIND("events.k8s.io", "Event", "events", true, NULL),
        KIND("node.k8s.io", "RuntimeClass", "runtimeclasses", false, NULL),
        KIND("flowcontrol.apiserver.k8s.io", "FlowSchema", "flowschemas", false, NULL),
        KIND("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration",
             "prioritylevelconfigurations", false, NULL),
        KIND("resource.k8s.io", "ResourceClaim", "resourceclaims", true, NULL),
        KIND("resource.k8s.io", "ResourceClaimTemplate", "resourceclaimtemplates", true, NULL),
        KIND("resource.k8s.io", "DeviceClass", "deviceclasses", false, NULL),
        KIND("resource.k8s.io", "ResourceSlice", "resourceslices", false, NULL),
        KIND("authentication.k8s.io", "TokenReview", "tokenreviews", false, NULL),
        KIND("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews", false, NULL),
};

/* Resources that moved from one group to another; both names mean the same storage. */
static const struct {
        struct str resource, from, to;
} moved[] = {
        { STR_INIT("deployments"), STR_INIT("extensions"), STR_INIT("apps") },
        { STR_INIT("daemonsets"), STR_INIT("extensions"), STR_INIT("apps") },
        { STR_INIT("replicasets"), STR_INIT("extensions"), STR_INIT("apps") },
        { STR_INIT("ingresses"), STR_INIT("extensions"), STR_INIT("networking.k8s.io") },
        { STR_INIT("networkpolicies"), STR_INIT("extensions"), STR_INIT("networking.k8s.io") },
        { STR_INIT("podsecuritypolicies"), STR_INIT("extensions"), STR_INIT("policy") },
        { STR_INIT("events"), STR_INIT(""), STR_INIT("events.k8s.io") },
};

struct kube_group_version kube_group_version(struct str api_version) {
        ptrdiff_t slash = str_find(api_version, STR("/"), 0);

        if (slash < 0)
                return (struct kube_group_version){ STR(""), api_version };
        return (struct kube_group_version){ str_slice(api_version, 0, (size_t)slash),
                                            str_slice(api_version, (size_t)slash + 1,
                                                      api_version.len) };
}

bool kube_equivalent(struct str group_a, struct str group_b, struct str resource) {
        if (str_eq(group_a, group_b))
                return true;
        for (size_t i = 0; i < ELEMENTS(moved); i++) {
                if (!str_eq(moved[i].resource, resource))
                        continue;
                if ((str_eq(moved[i].from, group_a) && str_eq(moved[i].to, group_b)) ||
                    (str_eq(moved[i].from, group_b) && str_eq(moved[i].to, group_a)))
                        return true;
        }
        return false;
}

const struct kube_kind *kube_kind_find(struct str group, struct str kind) {
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (str_eq(kinds[i].kind, kind) &&
                    kube_equivalent(kinds[i].group, group, kinds[i].resource))
                        return &kinds[i];
        return NULL;
}

const struct kube_kind *kube_resource_find(struct str resource) {
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (str_eq(kinds[i].resource, resource))
                        return &kinds[i];
        return NULL;
}

/* Groups without a dot, and those below k8s.io that are not add-ons with types of their own. */
bool kube_group_is_builtin(struct str group) {
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (str_eq(kinds[i].group, group))
                        return true;
        return str_eq(group, STR("extensions"));
}

static bool ends_with_consonant_y(struct str text) {
        return text.len > 1 && str_ends(text, STR("y")) && !strchr("aeiou", text.ptr[text.len - 2]);
}

static bool takes_es(struct str text) {
        return str_ends(text, STR("s")) || str_ends(text, STR("x")) || str_ends(text, STR("ch")) ||
               str_ends(text, STR("sh"));
}

/* Kinds that are plural as they stand: NodeFacts of redoubt.io. */
static bool is_plural(struct str text) {
        return str_ends(text, STR("facts"));
}

struct str kube_guess_resource(struct arena *arena, struct str kind) {
        char *lower = arena_alloc(arena, kind.len + 3);
        struct str text = { lower, kind.len };

        for (size_t i = 0; i < kind.len; i++)
                lower[i] = kind.ptr[i] >= 'A' && kind.ptr[i] <= 'Z' ? (char)(kind.ptr[i] | 0x20)
                                                                    : kind.ptr[i];
        if (is_plural(text))
                return text;
        if (takes_es(text)) {
                memcpy(lower + text.len, "es", 2);
                text.len += 2;
        } else if (ends_with_consonant_y(text)) {
                memcpy(lower + text.len - 1, "ies", 3);
                text.len += 2;
        } else if (text.len > 0)
                lower[text.len++] = 's';
        return text;
}

static const struct doc_node *follow(const struct doc_node *node, struct str path) {
        struct str part;

        while (node && str_split(&path, '.', &part))
                node = doc_get(node, part);
        return node;
}

static bool is_pod_template(const struct doc_node *node) {
        const struct doc_node *containers = doc_get(doc_get(node, STR("spec")), STR("containers"));

        return containers && containers->kind == DOC_LIST;
}

/* How deep below the root of a custom resource its templates are looked for: spec.a.b[].template is
 * depth 5. */
enum { TEMPLATE_DEPTH = 8 };

static void find_templates(const struct doc_node *node, int depth, const struct doc_node **ret,
                           size_t *count, size_t max) {
        if (depth > TEMPLATE_DEPTH || *count >= max)
                return;
        if (node->kind == DOC_LIST) {
                for (uint32_t i = 0; i < node->list.count; i++)
                        find_templates(&node->list.items[i], depth + 1, ret, count, max);
                return;
        }
        if (node->kind != DOC_MAP)
                return;
        for (uint32_t i = 0; i < node->map.count; i++) {
                const struct doc_entry *entry = &node->map.entries[i];
                bool named = str_ends(entry->key, STR("emplate"));

                if (named && is_pod_template(&entry->value)) {
                        if (*count < max)
                                ret[(*count)++] = &entry->value;
                } else
                        find_templates(&entry->value, depth + 1, ret, count, max);
        }
}

size_t kube_pod_templates(const struct kube_kind *kind, const struct doc_node *object,
                          const struct doc_node **ret, size_t max) {
        const struct doc_node *template, *spec;
        size_t count = 0;

        if (!kind) {
                spec = doc_get(object, STR("spec"));
                if (spec)
                        find_templates(spec, 1, ret, &count, max);
                return count;
        }
        if (!kind->pod_template || max == 0)
                return 0;
        template = follow(object, str_from(kind->pod_template));
        if (!template || template->kind != DOC_MAP)
                return 0;
        ret[0] = template;
        return 1;
}

/* Puts VALUE of the document into the pod. It stays where it is: paths lead into the owner, and it
 * is the same place for whoever asks what decided a verdict. */
static void place(struct doc_node *pod, size_t at, struct str key, const struct doc_node *value) {
        doc_map_set(pod, at, key, value);
        pod->map.entries[at].value = *value;
}

static const struct doc_node *pod_metadata(struct arena *arena, const struct doc_node *template,
                                           struct str namespace) {
        const struct doc_node *given = doc_get(template, STR("metadata"));
        bool usable = given && given->kind == DOC_MAP;
        size_t count = usable ? given->map.count : 0;
        struct doc_node *metadata;
        struct doc_node value;

        if (usable && (namespace.len == 0 || doc_get(given, STR("namespace"))))
                return given;
        metadata = doc_new_map(arena, usable ? given : template, count + (namespace.len > 0));
        metadata->parent = usable ? given->parent : template->parent;
        metadata->index = usable ? given->index : template->index;
        metadata->depth = usable ? given->depth : template->depth;
        for (size_t i = 0; i < count; i++)
                place(metadata, i, given->map.entries[i].key, &given->map.entries[i].value);
        if (namespace.len > 0) {
                value = *doc_new_list(arena, template, 0);
                doc_set_string(&value, namespace);
                doc_map_set(metadata, count, STR("namespace"), &value);
        }
        doc_map_index(arena, metadata);
        return metadata;
}

const struct doc_node *kube_pod_from_template(struct arena *arena, const struct doc_node *template,
                                              struct str namespace) {
        const struct doc_node *spec = doc_get(template, STR("spec"));
        const struct doc_node *metadata = pod_metadata(arena, template, namespace);
        struct doc_node *pod = doc_new_map(arena, template, spec ? 4 : 3);
        struct doc_node text = *doc_new_list(arena, template, 0);

        pod->parent = template->parent;
        pod->index = template->index;
        pod->depth = template->depth;
        doc_set_string(&text, STR("v1"));
        doc_map_set(pod, 0, STR("apiVersion"), &text);
        doc_set_string(&text, STR("Pod"));
        doc_map_set(pod, 1, STR("kind"), &text);
        place(pod, 2, STR("metadata"), metadata);
        if (spec)
                place(pod, 3, STR("spec"), spec);
        doc_map_index(arena, pod);
        return pod;
}
