/*
 * CEL values.
 *
 * A value is small and passed by copy; what it points to lives in the document, the program or the
 * scratch arena of the evaluation. Lists and maps of a document are used where they lie. Errors are
 * values, as in the reference implementation, because &&, || and the macros absorb them.
 *
 * Provenance: `node` is the document node that a value came from, if any; for an absent optional,
 * or a value that stands in for one (`orValue`), it is the parent in which the field was missed,
 * and `missed` is set. Computed values have none of their own; their nodes are found by explaining
 * the expression (explain.h).
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "cel/type.h"
#include "doc/doc.h"

enum cel_kind {
        CEL_ERROR,
        CEL_NULL,
        CEL_BOOL,
        CEL_INT,
        CEL_UINT,
        CEL_DOUBLE,
        CEL_STRING,
        CEL_BYTES,
        CEL_TIMESTAMP,
        CEL_DURATION,
        CEL_LIST,
        CEL_MAP,
        CEL_TYPE,
        CEL_OPTIONAL,
        CEL_OPAQUE,
        CEL_UNSET = 255, /* no value: a slot that was never written */
};

enum cel_representation {
        CEL_NATIVE, /* list/map made by the expression */
        CEL_DOC,    /* list/map of a document: doc */
        CEL_LAZY,   /* map whose entries are computed on demand: lazy */
};

struct cel_value;

struct cel_list {
        const struct cel_value *items;
        size_t count;
};

struct cel_map {
        const struct cel_value *keys, *values; /* parallel, in order of insertion */
        size_t count;
        const uint32_t *slots; /* hash index (index + 1), or NULL for small maps */
        uint32_t slot_mask;
};

struct cel_context;
struct cel_expr;

/* A map (or object) whose fields are computed on demand, e.g. `variables`. get() returns 0 and *ret
 * (which may be a CEL_ERROR), or -ENOENT. */
struct cel_lazy {
        int (*get)(const struct cel_lazy *lazy, struct cel_context *context, struct str key,
                   struct cel_value *ret);
};

struct cel_opaque_type;

/* An error: a message as cel-go words it; `node` of the value says where it arose if that is known.
 */
struct cel_error {
        struct str message;
        const struct cel_expr *expr;
};

struct cel_value {
        uint8_t kind;           /* enum cel_kind */
        uint8_t representation; /* LIST, MAP */
        int16_t zone;        /* TIMESTAMP: minutes east of UTC it was written with (string() shows
                                it so); no part of the value */
        uint32_t nanos : 30; /* TIMESTAMP: 0..999,999,999 */
        bool missed : 1;     /* see above */
        const struct doc_node *node;
        union {
                bool boolean;
                int64_t integer; /* INT; DURATION in nanoseconds; TIMESTAMP in seconds since 1970 */
                uint64_t uinteger;
                double number;
                struct str string; /* STRING (UTF-8), BYTES */
                const struct cel_list *list;
                const struct cel_map *map;
                const struct doc_node *doc;
                const struct cel_lazy *lazy;
                const struct cel_type *type;
                const struct cel_value *some; /* OPTIONAL: NULL for none */
                const struct cel_error *error;
                struct {
                        const struct cel_opaque_type *opaque_type;
                        const void *opaque;
                };
        };
};

/* What an opaque type (quantity, URL, IP ...) can do. */
struct cel_opaque_type {
        struct str name; /* "kubernetes.Quantity" */
        const struct cel_type *type;
        bool (*equal)(const void *a, const void *b);
        /* Whether == is defined between A (left) and B; where it is not, `a == b` is "no such
         * overload". NULL: always, for two values of this type. Next to a value of another type,
         * an opaque value on the left is never comparable. */
        bool (*comparable)(const void *a, const void *b);
        /* Field NAME; false where it is not there. NULL: values have no fields. */
        bool (*field)(const void *a, struct str name, struct cel_value *ret);
        bool convertible; /* cel-go can convert the value to Go's and back (see eval.c, collapse())
                           */
        uint64_t (*size)(const void *a);         /* what cost goes by; NULL: 1 */
        uint64_t (*pattern_size)(const void *a); /* of the pattern that a format stands for */
};

/* --- making values --- */
static inline struct cel_value cel_bool(bool b) {
        return (struct cel_value){ .kind = CEL_BOOL, .boolean = b };
}
static inline struct cel_value cel_int(int64_t i) {
        return (struct cel_value){ .kind = CEL_INT, .integer = i };
}
static inline struct cel_value cel_uint(uint64_t u) {
        return (struct cel_value){ .kind = CEL_UINT, .uinteger = u };
}
static inline struct cel_value cel_double(double d) {
        return (struct cel_value){ .kind = CEL_DOUBLE, .number = d };
}
static inline struct cel_value cel_string(struct str s) {
        return (struct cel_value){ .kind = CEL_STRING, .string = s };
}
static inline struct cel_value cel_bytes(struct str s) {
        return (struct cel_value){ .kind = CEL_BYTES, .string = s };
}
static inline struct cel_value cel_duration(int64_t nanoseconds) {
        return (struct cel_value){ .kind = CEL_DURATION, .integer = nanoseconds };
}
static inline struct cel_value cel_type_value(const struct cel_type *type) {
        return (struct cel_value){ .kind = CEL_TYPE, .type = type };
}
static inline struct cel_value cel_null(void) {
        return (struct cel_value){ .kind = CEL_NULL };
}
static inline struct cel_value cel_opaque(const struct cel_opaque_type *type, const void *data) {
        return (struct cel_value){ .kind = CEL_OPAQUE, .opaque_type = type, .opaque = data };
}
struct cel_value cel_list_value(struct arena *arena, const struct cel_value *items,
                                size_t count); /* ITEMS is not copied */

/* A map of parallel arrays, which are not copied. Keys must be distinct; a large map gets an index
 * in ARENA. */
struct cel_value cel_map_value(struct arena *arena, const struct cel_value *keys,
                               const struct cel_value *values, size_t count);

/* optional.of(VALUE), with VALUE's provenance. */
struct cel_value cel_optional_of(struct arena *arena, struct cel_value value);

/* NODE as a value, with NODE as provenance. O(1); NULL gives null. */
struct cel_value cel_from_doc(const struct doc_node *node);

/* An error value with a message made in ARENA. */
struct cel_value cel_error(struct arena *arena, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* An error value with a fixed message; ERROR lives as long as the value. */
static inline struct cel_value cel_error_fixed(const struct cel_error *error) {
        return (struct cel_value){ .kind = CEL_ERROR, .error = error };
}

/* --- using values --- */
size_t cel_list_size(const struct cel_value *list);
struct cel_value cel_list_at(const struct cel_value *list, size_t index); /* index < size */
size_t cel_map_size(const struct cel_value *map);                         /* not for CEL_LAZY: 0 */
void cel_map_at(const struct cel_value *map, size_t index, struct cel_value *ret_key,
                struct cel_value *ret_value);

/* Looks KEY up (ints, uints and whole doubles are equal across types). Returns whether it is there.
 */
bool cel_map_find(struct cel_context *context, const struct cel_value *map,
                  const struct cel_value *key, struct cel_value *ret);

/* Structural equality as CEL defines it (numbers across types, NaN unequal). Errors inside compare
 * as unequal. */
bool cel_equal(const struct cel_value *a, const struct cel_value *b);

/* The same within an evaluation: charges for every pair compared, and is false when the budget is
 * used up. */
bool cel_equal_charged(struct cel_context *context, const struct cel_value *a,
                       const struct cel_value *b);

/* Order of numbers (across types), strings, bytes, bools, timestamps, durations. Returns false
 * where A and B have none, among them NaN. */
bool cel_compare(const struct cel_value *a, const struct cel_value *b, int *ret);

/* The runtime type of VALUE ("type(x)"). */
const struct cel_type *cel_value_type(const struct cel_value *value);

/* As string.format's %s and error messages show it. */
struct str cel_value_text(struct arena *arena, const struct cel_value *value);
