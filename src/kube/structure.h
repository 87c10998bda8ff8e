/*
 * Structures: what a kind's objects are made of, as the API server publishes it.
 *
 * For every built-in kind, in every version that Kubernetes knows, there is the tree of its OpenAPI
 * schema: fields and their types, which are required, how lists and maps are merged. The same form
 * is read from the `openAPIV3Schema` of a CustomResourceDefinition, so that who walks a structure
 * does not ask where it comes from. kube/schema.h is about something else: how the server decodes
 * built-in kinds, and what it writes where nothing was set.
 *
 * The built-in ones are generated (tools/gen-schema) as tables without pointers, which cost nothing
 * until a structure is asked for. Structures do not change and may be read by several threads. They
 * can be recursive (the schema of a CustomResourceDefinition is).
 */
#pragma once

#include "base/map.h"
#include "doc/doc.h"

enum structure_kind {
        STRUCTURE_ANY,           /* published without a type: any value */
        STRUCTURE_OBJECT,        /* the fields that it lists, which may be none */
        STRUCTURE_MAP,           /* any key; each value is an `of` */
        STRUCTURE_LIST,          /* each item is an `of` */
        STRUCTURE_STRING,        /* see `format` */
        STRUCTURE_INTEGER,       /* of format "int32" or "int64" */
        STRUCTURE_NUMBER,        /* a double */
        STRUCTURE_BOOLEAN,       /* true or false */
        STRUCTURE_INT_OR_STRING, /* a port: 80 or "http" */
        STRUCTURE_QUANTITY       /* string or number; published without a type, as ANY is */
};

enum structure_flag {
        STRUCTURE_NULLABLE = 1 << 0, /* null is a value of its own, not an absent field */
        STRUCTURE_ATOMIC = 1 << 1,   /* an object or map that is replaced as a whole when merged
                                        (x-kubernetes-map-type) */
        STRUCTURE_OPEN = 1 << 2, /* unknown fields are kept: x-kubernetes-preserve-unknown-fields,
                                    RawExtension and the like */
        STRUCTURE_EMBEDDED = 1 << 3 /* x-kubernetes-embedded-resource: an object with apiVersion,
                                       kind and metadata, which are among its fields */
};

/* x-kubernetes-list-type; a list without it is merged as an atomic one. */
enum structure_list {
        STRUCTURE_LIST_NONE,
        STRUCTURE_LIST_ATOMIC,
        STRUCTURE_LIST_SET,
        STRUCTURE_LIST_MAP /* by `keys` */
};

struct structure {
        uint8_t kind;      /* enum structure_kind */
        uint8_t list_type; /* of a list: enum structure_list */
        uint8_t flags;     /* enum structure_flag */
        struct str name; /* of its definition, as "io.k8s.api.core.v1.Pod"; "" where it has none */
        struct str format;          /* as published: "int32", "byte", "date-time", ...; mostly "" */
        const struct structure *of; /* of a list or map */
        const struct structure_field *fields; /* of an object, sorted by name */
        size_t field_count;
        const struct str *enums; /* of a string: the published values, sorted; none: any */
        size_t enum_count;
        const struct str *keys; /* x-kubernetes-list-map-keys */
        size_t key_count;
        const struct doc_node *source; /* of a custom resource: its schema, for what is not here
                                          (maxLength, default, ...); otherwise NULL */
};

struct structure_field {
        struct str name;
        const struct structure *type;
        bool required;
};

/* A kind in one version. */
struct structure_gvk {
        struct str group, version, kind; /* "" for the core group */
        struct str resource;             /* "pods"; "" where the kind has no path of its own */
        bool namespaced;
        bool served; /* by default, by Kubernetes 1.36; of a custom resource: as its definition says
                      */
        const struct structure *structure;
};

/* The built-in kinds, sorted by group, kind and version. */
const struct structure_gvk *structure_builtins(size_t *ret_count);

/* Kinds that CustomResourceDefinitions define: the values of `gvks` are struct structure_gvk, in
 * the order in which they were added. */
struct structure_set {
        struct arena arena;
        struct map gvks;
};

/* Adds each version of CRD, a CustomResourceDefinition of apiextensions.k8s.io/v1, to SET; the
 * document must live as long. As in what the server publishes, apiVersion, kind and metadata are
 * among the fields of the object and of embedded ones. A version without schema is open. Where a
 * kind is defined twice, the first definition counts. Returns the number of versions added: 0 for
 * what is no CustomResourceDefinition. */
size_t structure_set_add(struct structure_set *set, const struct doc_node *crd);

/* Adds those of a file, or of every .yaml, .yml and .json file below a folder. -ENOENT where there
 * are none. */
int structure_set_add_path(struct structure_set *set, const char *path, struct error *error);

void structure_set_free(struct structure_set *set);

/* The kind KIND of API_VERSION ("apps/v1"), of CUSTOM (may be NULL) or built in; NULL: unknown. */
const struct structure_gvk *structure_gvk_find(const struct structure_set *custom,
                                               struct str api_version, struct str kind);

/* Its structure, or NULL. */
const struct structure *structure_find(const struct structure_set *custom, struct str api_version,
                                       struct str kind);

/* The field NAME of STRUCTURE, or NULL; also where STRUCTURE is NULL or no object. */
const struct structure_field *structure_field(const struct structure *structure, struct str name);
