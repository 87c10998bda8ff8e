/*
 * Resources: the Kubernetes objects in a document, each with its identity.
 *
 * A document holds one object, a List of them, or nothing that Kubernetes knows (a Helm values
 * file, a CI pipeline). Lists are expanded, nested ones too; the items of a typed list (PodList)
 * get the kind that the list promises.
 */
#pragma once

#include "doc/doc.h"
#include "kube/kinds.h"
#include "policy/policy.h"

struct resource {
        struct str api_version, group, version, kind;
        struct str resource; /* plural: "deployments" */
        struct str namespace, name;
        bool namespaced;
        const struct kube_kind *known; /* NULL: a kind that is not built in */
        const struct doc_node *root;   /* as written; paths are relative to it */
        const struct doc_node *object; /* as the API server decodes it; nodes lead back to ROOT */
        bool metadata_only;            /* of which nothing else is known */
};

struct resource_list {
        struct resource *items;
        size_t count, capacity;
        struct resource *partial; /* the object of which the document has only the metadata (a
                                     PartialObjectMetadata of a cluster); NULL: it is whole */
        bool foreign;             /* the document is no Kubernetes object */
        struct error *problem; /* it is one, but cannot be judged: why and where (in the arena) */
};

/* Finds the resources of DOC. NAMESPACE is used for namespaced objects that name none; may be
 * empty. AS_SUBMITTED leaves the object as it is written. Everything lives in ARENA. */
void resources_of(struct arena *arena, const struct doc *doc, struct str namespace,
                  bool as_submitted, struct resource_list *ret);

/* RESOURCE as the subject of a request that creates it. */
struct policy_subject resource_subject(const struct resource *resource);
