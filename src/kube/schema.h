/*
 * Schemas: the fields of the API server's built-in kinds.
 *
 * For every kind that the server serves by default there is the tree of its types: which fields a
 * struct has, of which type each is, how it is written when it is empty, and the value that it gets
 * when it is not set. The tables are generated (tools/gen-schema) from Kubernetes' own types and
 * defaulting functions; equal types are shared, and one type of Go can be several here, because
 * defaults depend on the place (the pod template of a Job, the one of a CronJob).
 *
 * Where a default depends on more than its own field, the struct has a hook: see kube/defaults.h.
 */
#pragma once

#include "doc/doc.h"

enum schema_type_kind {
        SCHEMA_ANY, /* kept as it is */
        SCHEMA_BOOL,
        SCHEMA_INT32,
        SCHEMA_INT64,
        SCHEMA_FLOAT,
        SCHEMA_STRING,
        SCHEMA_BYTES, /* base64 */
        SCHEMA_QUANTITY,
        SCHEMA_INT_OR_STRING,
        SCHEMA_TIME,
        SCHEMA_MICRO_TIME,
        SCHEMA_DURATION,
        SCHEMA_LIST,
        SCHEMA_MAP,
        SCHEMA_RESOURCES, /* a map of quantities */
        SCHEMA_STRUCT
};

enum schema_hook {
        HOOK_NONE,
        HOOK_CONTAINER,
        HOOK_IMAGE_VOLUME,
        HOOK_VOLUME,
        HOOK_SERVICE_SPEC,
        HOOK_SERVICE_PORT,
        HOOK_POD_SPEC,
        HOOK_OWN_POD_SPEC, /* OWN: within a Pod, not within a pod template */
        HOOK_OWN_RESOURCES,
        HOOK_OWN_PORT,
        HOOK_SECRET,
        HOOK_NAMESPACE,
        HOOK_LIMIT_RANGE_ITEM,
        HOOK_NODE_STATUS,
        HOOK_REPLICATION_CONTROLLER,
        HOOK_ROLLING_UPDATE,
        HOOK_PARTITIONED_UPDATE,
        HOOK_JOB,
        HOOK_JOB_SPEC,
        HOOK_NETWORK_POLICY_SPEC,
        HOOK_SUBJECT,
        HOOK_POD_STATUS,
        HOOK_NODE_SPEC,
        HOOK_DAEMON_SET,
        HOOK_CLAIM_TEMPLATE,
        HOOK_AUTOSCALER_SPEC
};

enum schema_flag {
        SCHEMA_POINTER = 1 << 0, /* absent is not the same as zero */
        SCHEMA_OMIT = 1 << 1     /* not written when empty */
};

struct schema_type {
        uint8_t kind;   /* enum schema_type_kind */
        uint8_t hook;   /* of a struct: enum schema_hook */
        uint16_t of;    /* of a list or map: the type of its items; of a struct: its first field */
        uint16_t count; /* of a struct: its fields, sorted by name */
};

struct schema_field {
        struct str name;
        uint16_t type;    /* index into schema_types */
        uint8_t flags;    /* enum schema_flag */
        uint8_t fallback; /* the default: index into schema_defaults, 0 for none */
};

struct schema_kind {
        struct str api_version, kind;
        uint16_t type;
};

/* The tables, of schema-data.c. Kinds are sorted by version and kind; defaults are JSON. */
extern const struct schema_kind schema_kinds[];
extern const struct schema_type schema_types[];
extern const struct schema_field schema_fields[];
extern const char *const schema_defaults[];
extern const size_t schema_kind_count, schema_type_count, schema_field_count, schema_default_count;

/* No struct has more fields. */
enum { SCHEMA_FIELDS_MAX = 64 };

/* The type of a kind, or NULL where there is none: a custom resource, or a version that is not
 * served any more. */
const struct schema_type *schema_find(struct str api_version, struct str kind);

/* The position of the field NAME among those of struct TYPE, or -1. */
int schema_field_index(const struct schema_type *type, struct str name);

/* The default of FIELD as a tree that lives as long as the process; NULL where it has none. */
const struct doc_node *schema_fallback(const struct schema_field *field);

/* str_hash of the name of FIELD. */
uint32_t schema_field_hash(const struct schema_field *field);

static inline const struct schema_field *schema_fields_of(const struct schema_type *type) {
        return &schema_fields[type->of];
}
