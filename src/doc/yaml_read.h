/*
 * The YAML reader: libyaml's events made into a tree.
 *
 * libyaml is the C original of the parser in the API server's tool chain, so both cut a text into
 * the same events; what the events mean follows sigs.k8s.io/yaml (see scalar.h). A merge key takes
 * effect where it stands: it overrides the keys before it, and those after it override it. In
 * a list of maps to merge the first has precedence.
 *
 * libyaml takes time that is quadratic in the depth of flow collections. Events are pulled one by
 * one, and the reader stops at the depth limit, so that never matters.
 *
 * Known differences from that tool chain, all on the side of saying so: text behind a complete
 * value is an error here and dropped there; so are, within [ ] and { }, plain text with "?" or ":"
 * before a comma or bracket, and a tag without a value. An infinite number is an error even where a
 * later equal key overrides it. "\/" in double quotes and %YAML 1.2 are accepted here and refused
 * there.
 */
#pragma once

#include "doc/doc.h"

/* Reads the one document in TEXT, which begins at the start of line LINE, into DOC. Returns 0,
 * -EINVAL or -E2BIG, with the place in ERROR. */
int yaml_read(struct str text, uint32_t line, const struct doc_limits *limits, struct arena *arena,
              struct doc *doc, struct error *error);
