/*
 * Kinds: what a manifest's apiVersion and kind mean to the API server.
 *
 * Admission rules name resources ("deployments"), manifests name kinds ("Deployment"). For built-in
 * kinds the mapping and the scope are facts of Kubernetes' API; for others the resource is guessed
 * by the rules of English, and an object is taken as namespaced when
 * it names a namespace.
 */
#pragma once

#include "doc/doc.h"

struct kube_kind {
        struct str group;    /* "" for the core group */
        struct str kind;     /* "Deployment" */
        struct str resource; /* "deployments" */
        bool namespaced;
        const char *pod_template; /* path of the pod template, e.g. "spec.template"; NULL: none */
};

/* An apiVersion, taken apart: "apps/v1" is group "apps" and version "v1", "v1" is group "". */
struct kube_group_version {
        struct str group, version;
};
struct kube_group_version kube_group_version(struct str api_version);

/* The built-in kind, or NULL. A group that once served the kind (extensions for Deployment) finds
 * it too. */
const struct kube_kind *kube_kind_find(struct str group, struct str kind);

/* The built-in kind whose resource is called RESOURCE ("deployments"), or NULL. */
const struct kube_kind *kube_resource_find(struct str resource);

/* The plural that people give a kind: "Gateway" -> "gateways", "Policy" -> "policies", "Class" ->
 * "classes". Written into ARENA. */
struct str kube_guess_resource(struct arena *arena, struct str kind);

/* Whether resource RESOURCE of group A is the same as that of group B under another name
 * (matchPolicy: Equivalent): extensions/deployments and apps/deployments. */
bool kube_equivalent(struct str group_a, struct str group_b, struct str resource);

/* Whether an API group is one of Kubernetes itself, whose objects are decoded into known types. */
bool kube_group_is_builtin(struct str group);

/* The pod templates within OBJECT of kind KIND (NULL for a kind we do not know: then every map that
 * is shaped like a pod template, a `template` with a `spec` that has `containers`, is one). Fills
 * RET with at most MAX and returns how many. */
size_t kube_pod_templates(const struct kube_kind *kind, const struct doc_node *object,
                          const struct doc_node **ret, size_t max);

/* TEMPLATE as the Pod that its owner would make: apiVersion, kind, metadata (with NAMESPACE when
 * not empty) and spec. The new root has the position and parent of TEMPLATE, so that paths lead
 * into the owner. */
const struct doc_node *kube_pod_from_template(struct arena *arena, const struct doc_node *template,
                                              struct str namespace);
