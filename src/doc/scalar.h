/*
 * What a YAML scalar means.
 *
 * Follows the resolution of go.yaml.in/yaml/v2, the parser behind sigs.k8s.io/yaml: YAML 1.1 with
 * yes/no/on/off as booleans and 0644 as an octal number, 0b, 0o and 0x prefixes, underscores in
 * numbers, and no base 60. Time stamps stay text. Only an explicit !!timestamp is checked.
 *
 * Floating-point and unsigned values are kept apart here, because a map key is made from the value
 * as YAML has it, whereas a node is made from the JSON that it turns into: there 1.0 is an integer.
 */
#pragma once

#include "doc/doc.h"

enum scalar_kind {
        SCALAR_NULL,
        SCALAR_BOOL,
        SCALAR_INT,
        SCALAR_UINT, /* beyond the positive range of SCALAR_INT */
        SCALAR_FLOAT,
        SCALAR_STRING
};

struct scalar {
        enum scalar_kind kind;
        union {
                bool boolean;
                int64_t integer;
                uint64_t magnitude;
                double number;
                struct str string;
        };
};

/* The meaning of a plain scalar without a tag. Strings borrow TEXT. */
void scalar_resolve(struct str text, struct scalar *ret);

/* The meaning of a scalar with the tag TAG ("tag:yaml.org,2002:int"); quoted or not makes no
 * difference. Tags that are not of YAML make a string. Returns -EINVAL with a message (no place)
 * where TEXT is no value of the tag. */
int scalar_resolve_tagged(struct arena *arena, struct str tag, struct str text, struct scalar *ret,
                          struct error *error);

/* The node that SCALAR becomes on its way through JSON. Returns -EINVAL for what JSON cannot say
 * (infinity, not a number). */
int scalar_to_node(const struct scalar *scalar, struct doc_node *node, struct error *error);

/* The map key that SCALAR becomes, as sigs.k8s.io/yaml converts it. Returns -EINVAL for keys that
 * cannot be (null, integers beyond 64 bits). */
int scalar_to_key(struct arena *arena, const struct scalar *scalar, struct str *ret,
                  struct error *error);
