/*
 * Drift: where an object in the cluster is not what was declared.
 *
 * Only what the manifest says is compared, as a server-side apply of it would take: fields that it
 * does not name belong to others. Lists are compared by what their structure says (kube/structure):
 * items by their keys, sets by their members, all others as a whole, in order. Both sides are
 * decoded (kube/decode), so that quantities are canonical and defaults are no difference. Of the
 * metadata, labels and annotations are compared; the status never is.
 *
 * What is written by controllers in the place of what was declared is no drift. It is decided by
 * the kind and the field, not by who wrote last:
 *
 *   replicas        of what an autoscaler scales (see `scaled`)
 *   caBundle        declared empty, or filled by cert-manager (its annotation)
 *   rules           of a ClusterRole with an aggregationRule
 *   secrets         of a ServiceAccount; finalizers of a Namespace
 *   tolerations     of a Pod: those that were added at admission
 *   annotations     that kubectl and the Deployment controller keep
 *
 * One thing more is told: a container that runs in a workload and was not declared. In pods such
 * containers are injected as they are made, which is why pods are not looked at.
 */
#pragma once

#include "kube/structure.h"

enum kube_drift_kind {
        KUBE_DRIFT_CHANGED, /* another value */
        KUBE_DRIFT_MISSING, /* not there */
        KUBE_DRIFT_ADDED,   /* a container that was not declared */
};

struct kube_drift {
        enum kube_drift_kind kind;
        struct str path;                 /* of the field: "spec.replicas" */
        const struct doc_node *declared; /* NULL for what was added */
        const struct doc_node *live;     /* of what is missing: what is around it */
        struct str what;                 /* in words, without anything that may be secret */
};

typedef void kube_drift_fn(void *userdata, const struct kube_drift *drift);

struct kube_drift_sides {
        const struct structure *structure; /* of the kind; NULL: not known */
        struct str kind;
        const struct doc_node *declared, *live; /* decoded, of the same version */
        bool scaled;                            /* an autoscaler decides on its replicas */
        bool metadata_only;                     /* nothing else is known of the live one */
};

/* Compares, and calls EACH for every difference, at most 100. Text is in ARENA. */
void kube_drift_compare(struct arena *arena, const struct kube_drift_sides *sides,
                        kube_drift_fn *each, void *userdata);
