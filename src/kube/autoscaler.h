/*
 * Autoscalers in their other version (k8s.io/kubernetes/pkg/apis/autoscaling/v1, conversion).
 *
 * What autoscaling/v1 has no field for is kept in annotations there, as JSON in a spelling of its
 * own: all metrics but the first one about CPU utilization, the behavior, the current metrics, and
 * the conditions. An annotation that cannot be read as that is passed over.
 */
#pragma once

#include "base/buf.h"
#include "doc/doc.h"

/* OBJECT, a decoded HorizontalPodAutoscaler of autoscaling/v2 or v1, in the other version, decoded.
 */
const struct doc_node *kube_autoscaler_to_v1(struct arena *arena, const struct doc_node *object);
const struct doc_node *kube_autoscaler_to_v2(struct arena *arena, const struct doc_node *object);

/* OBJECT, decoded, of VERSION, as the server writes it: its own form has no such annotations. They
 * are gone from v2, and made anew for v1. */
const struct doc_node *kube_autoscaler_settle(struct arena *arena, const struct doc_node *object,
                                              struct str version);

/* --- of this module --- */

/* What a metric tells: what is wanted (spec.metrics), or what is (status.currentMetrics). */
enum autoscaler_side { AUTOSCALER_SPEC, AUTOSCALER_STATUS };

/* METRIC, of v2, in the spelling of the annotations, and back. Whatever does not fit is kept as it
 * is. */
const struct doc_node *kube_metric_to_v1(struct arena *arena, const struct doc_node *metric,
                                         enum autoscaler_side side);
const struct doc_node *kube_metric_to_v2(struct arena *arena, const struct doc_node *metric,
                                         enum autoscaler_side side);

/* BEHAVIOR, of v2, as JSON in the spelling of its annotation; and what was read there, in that of
 * v2. */
void kube_behavior_to_v1(struct buf *json, const struct doc_node *behavior);
const struct doc_node *kube_behavior_to_v2(struct arena *arena, const struct doc_node *behavior);
