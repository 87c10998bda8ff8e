/*
 * Objects in another version.
 *
 * A rule with matchPolicy Equivalent judges an object in the version that the rule names, whichever
 * it was written in: the API server converts it. Of the built-in kinds that are served in two
 * versions these are autoscalers (autoscaling/v1 and v2) and events (v1 and events.k8s.io/v1).
 * What v1 of an autoscaler has no field for is kept in annotations (kube/autoscaler.h).
 */
#pragma once

#include "doc/doc.h"

/* OBJECT, decoded (see kube/decode.h), of KIND, in version TO instead of FROM, made in ARENA. Nodes
 * that both versions have lead back to where they were written. NULL where no conversion is
 * known. */
const struct doc_node *kube_convert(struct arena *arena, const struct doc_node *object,
                                    struct str kind, struct str from, struct str to);
