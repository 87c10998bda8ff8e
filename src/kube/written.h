/*
 * A decoded object as a person would have written it.
 *
 * The inverse of kube/decode.h as far as people care: what decoding added (defaults, fields that
 * the server always writes) is left out, and fields are in the order of the text; those that came
 * later, by a patch, follow.
 */
#pragma once

#include "doc/doc.h"

/* OBJECT, made by kube_decode, without what decoding added; made in ARENA. */
const struct doc_node *kube_written(struct arena *arena, const struct doc_node *object);
