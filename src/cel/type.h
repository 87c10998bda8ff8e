/*
 * CEL types, as the checker and function signatures use them.
 *
 * Types are immutable and compared structurally. Simple ones are static; lists, maps, optionals and
 * type parameters are made in the arena of the environment or program that needs them. Equivalent
 * of cel-go's common/types/types.go.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum cel_type_kind {
        CEL_TYPE_DYN, /* also "any" */
        CEL_TYPE_ERROR,
        CEL_TYPE_NULL,
        CEL_TYPE_BOOL,
        CEL_TYPE_INT,
        CEL_TYPE_UINT,
        CEL_TYPE_DOUBLE,
        CEL_TYPE_STRING,
        CEL_TYPE_BYTES,
        CEL_TYPE_TIMESTAMP,
        CEL_TYPE_DURATION,
        CEL_TYPE_LIST,   /* params[0] */
        CEL_TYPE_MAP,    /* params[0] key, params[1] value */
        CEL_TYPE_TYPE,   /* params[0]: the type of a type; none: unparameterised */
        CEL_TYPE_OPAQUE, /* name (+ params): optional_type(T), kubernetes.Quantity, kubernetes.URL,
                            net.IP ... */
        CEL_TYPE_OBJECT, /* name + fields: request, namespaceObject, variables */
        CEL_TYPE_PARAM,  /* a type parameter, name: A, B, _var3 */
};

struct cel_type;
struct cel_opaque_type;

/* The fields of an object type. `find` answers NULL for a field that does not exist: selecting it
 * is a compile error, to which `hint` may add what the author probably meant (NULL or an empty
 * text: nothing). */
struct cel_object {
        const struct cel_type *(*find)(const struct cel_object *object, struct str field);
        void *data;
        const struct cel_opaque_type *message; /* what `T{...}` makes (message.h); NULL: nothing */
        struct str (*hint)(const struct cel_object *object, struct str field, struct arena *arena);
};

struct cel_type {
        enum cel_type_kind kind;
        struct str name; /* OPAQUE, OBJECT, PARAM */
        const struct cel_type *const *params;
        size_t param_count;
        const struct cel_object *object;
};

extern const struct cel_type cel_type_dyn, cel_type_error, cel_type_null, cel_type_bool,
        cel_type_int, cel_type_uint, cel_type_double, cel_type_string, cel_type_bytes,
        cel_type_timestamp, cel_type_duration, cel_type_type, cel_type_list_dyn,
        cel_type_map_dyn /* map(dyn, dyn) */, cel_type_map_string_dyn;

const struct cel_type *cel_type_list(struct arena *arena, const struct cel_type *item);
const struct cel_type *cel_type_map(struct arena *arena, const struct cel_type *key,
                                    const struct cel_type *value);
const struct cel_type *cel_type_optional(struct arena *arena, const struct cel_type *item);
const struct cel_type *cel_type_of_type(struct arena *arena, const struct cel_type *type);
const struct cel_type *cel_type_opaque(struct arena *arena, struct str name,
                                       const struct cel_type *const *params, size_t count);

/* optional_type(T)? */
bool cel_type_is_optional(const struct cel_type *type);

bool cel_type_equal(const struct cel_type *a, const struct cel_type *b);

/* As messages of the checker show it: "list(int)", "map(string, dyn)", "optional_type(string)",
 * "timestamp", "null" (cel-go's FormatCELType). Cut off with "..." when it gets very long. */
struct str cel_type_text(struct arena *arena, const struct cel_type *type);

/* The name of the type as a value, without parameters: "list", "google.protobuf.Timestamp",
 * "null_type", "net.IP" (what string(type(x)) gives). */
struct str cel_type_name(const struct cel_type *type);

/* Reads a type of a function signature: dyn bool int uint double string bytes null timestamp
 * duration type list(T) map(K, V) optional(T) type(T), single capital letters as parameters,
 * anything else with a dot as opaque name. Moves *TEXT behind it. NULL when there is none;
 * signatures are written by us, so that is a programming error. */
const struct cel_type *cel_type_read(struct arena *arena, struct str *text);
