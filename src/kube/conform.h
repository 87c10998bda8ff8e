/*
 * Conformance: where an object departs from the structure of its kind.
 *
 * This is what the API server objects to when it decodes an object strictly (fieldValidation:
 * Strict) and, of validation, what the published structure already says: required fields and
 * enumerations. A null field is an absent one, unless it is nullable; what is below an open field
 * is not looked at; and the status of an object need not be complete, because the server drops it.
 *
 * Keys that begin with `$` are directives of a strategic merge patch and no fields.
 */
#pragma once

#include "kube/structure.h"

enum conform_problem {
        CONFORM_UNKNOWN_FIELD,
        CONFORM_WRONG_TYPE,
        CONFORM_MISSING_FIELD,
        CONFORM_UNKNOWN_VALUE, /* not among the enumerated ones */
};

/* The way from the root of the object to a node, innermost first. */
struct conform_level {
        const struct conform_level *parent; /* NULL: this is the root */
        const struct structure *structure;
        const struct doc_node *node;
};

struct conform_deviation {
        enum conform_problem problem;
        const struct doc_node *node;      /* the value; of a missing field: the object without it */
        struct str field;                 /* the unknown or missing field */
        const struct structure *expected; /* what NODE should be; NULL for an unknown field */
        const struct conform_level *level; /* of the object that has or misses the field, or of the
                                              node that holds the value */
};
typedef void conform_fn(void *userdata, const struct conform_deviation *deviation);

/* Calls REPORT for every deviation of OBJECT from STRUCTURE, in document order. */
void conform_check(const struct structure *structure, const struct doc_node *object,
                   conform_fn *report, void *userdata);

/* What was meant by the unknown field of DEVIATION. */
enum conform_hint_kind {
        CONFORM_NO_HINT,
        CONFORM_SPELLING, /* `text` is a field of the same object */
        CONFORM_PLACE     /* the field belongs at path `text` of the document */
};
struct conform_hint {
        enum conform_hint_kind kind;
        struct str text; /* in ARENA */
};
struct conform_hint conform_hint(struct arena *arena, const struct conform_deviation *deviation);

/* The enumerated value that is closest to VALUE, or an empty string. */
struct str conform_near_value(const struct structure *structure, struct str value);

/* What STRUCTURE is to people: "an integer", "a map of strings". */
const char *conform_type_name(const struct structure *structure);
