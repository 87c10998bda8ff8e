/*
 * Defaults that depend on more than the field they are for.
 *
 * When the fields of a struct have been found and those with a plain default have got it, the
 * struct's hook looks at all of them and sets what is left: the pull policy by the tag of the
 * image, the rolling update by the type of the strategy. What conversion to the API server's
 * internal version and back does to a struct (stringData, serviceAccount) is here, too.
 *
 * Rules: the SetDefaults functions of pkg/apis/<group>/<version>/defaults.go and the hand-written
 * ones of conversion.go, Kubernetes 1.36. Admission plugins' doings are not among them.
 */
#pragma once

#include "kube/schema.h"

/* A struct that is being decoded: for each field of its type, what was written or is to be set. */
struct decode_fields {
        struct arena *arena;
        const struct schema_type *type;
        const struct doc_node *near; /* the struct as written, or where it would be */
        bool *host_network;          /* whether the pod around it is in the host's network */
        bool for_rules;              /* see kube_decode_as */
        const struct doc_node *values[SCHEMA_FIELDS_MAX];   /* NULL: absent */
        const struct doc_entry *entries[SCHEMA_FIELDS_MAX]; /* as written; NULL where it was not */
};

/* Calls the hook of the struct's type, if it has one. */
void defaults_apply(struct decode_fields *fields);
