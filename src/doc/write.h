/*
 * Writing trees as JSON and YAML.
 */
#pragma once

#include "base/buf.h"
#include "doc/doc.h"

/* Compact JSON. Doubles are written with the fewest digits that read back the same, as Go's
 * encoding/json does. Integers are exact. Depth is bounded by the tree's. */
void doc_write_json(struct buf *buf, const struct doc_node *node);

/* Block-style YAML with two spaces that reads back (YAML 1.1, sigs.k8s.io/yaml) as the same tree:
 * strings that would read as something else are quoted. INDENT is the column to start at: every
 * line is indented by that much, the first one too, and the last one is ended. */
void doc_write_yaml(struct buf *buf, const struct doc_node *node, size_t indent);

/* Flow-style YAML on one line that reads back as the same tree, within another flow collection,
 * too. */
void doc_write_flow(struct buf *buf, const struct doc_node *node);
