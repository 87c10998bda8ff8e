/*
 * Whether the server could decode an object that was made by a patch.
 *
 * What is submitted by a user is checked by its structure (kube/structure.h); this is about the
 * types of Go that kube/decode.h goes by.
 */
#pragma once

#include "doc/doc.h"

/* Whether OBJECT, of the kind that it names, fits the type of its kind: -EINVAL with the first
 * value that does not, or else with every field that the type does not have. Kinds without schema
 * (kube/schema.h) take everything. */
int kube_decode_check(const struct doc_node *object, struct error *error);
