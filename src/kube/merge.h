/*
 * Merging an apply configuration into an object, as the API server does for policies that mutate
 * (sigs.k8s.io/structured-merge-diff, typed.Merge).
 *
 * A configuration has the fields that are to be set. Objects and maps are merged field by field,
 * lists by what their structure says: as sets, as maps from the values of their key fields, or not
 * at all. What would be replaced as a whole (an atomic list, map or object) must not be in a
 * configuration, because who writes one item rarely means to remove the others.
 *
 * Kinds without a structure are merged by what is there: maps are merged, lists replaced.
 */
#pragma once

#include "kube/structure.h"

/* Merges CONFIGURATION into OBJECT, both maps, made in ARENA. STRUCTURE is that of their kind, or
 * NULL. -EINVAL, in the words of the API server, where one does not fit the structure. */
int kube_merge(struct arena *arena, const struct structure *structure,
               const struct doc_node *object, const struct doc_node *configuration,
               const struct doc_node **ret, struct error *error);
