/*
 * Objects as the API server sees them.
 *
 * A policy in the cluster never sees the text that was submitted: the object has been decoded into
 * its Go type before. What of that can be told from the text alone is done here. A field that is
 * null is absent, in built-in kinds.
 */
#pragma once

#include "doc/doc.h"

/* OBJECT without its null fields, made in ARENA; OBJECT itself when it has none. Positions and
 * paths are kept. */
const struct doc_node *kube_decode(struct arena *arena, const struct doc_node *object);
