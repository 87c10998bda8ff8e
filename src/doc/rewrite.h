/*
 * Changes to a text, so that it reads as another tree: what did not change keeps its layout, its
 * comments and its style.
 *
 * The two trees are walked side by side. A value that differs is replaced where it stands, an entry
 * or item that is gone is cut out with its line, one that is new is written behind the last one of
 * its map or list, in the style (block or flow) and with the indentation of that. What cannot be
 * done so is refused: a change of what an alias or a merge key stands for, and layouts that this
 * does not know. The result is read again, and is only returned if it is the wanted tree.
 */
#pragma once

#include "base/buf.h"
#include "doc/doc.h"

/* Appends to BUF the text of DOC, changed so that it reads as WANTED: a tree that shares what is
 * not changed with DOC's (doc/change.h), or a whole other one. -ENOTSUP, with the place and what is
 * in the way, where the text cannot be changed so. */
int doc_rewrite(const struct doc *doc, const struct doc_node *wanted, struct buf *buf,
                struct error *error);

/* Whether A and B are the same values, wherever they stand. Maps have no order. */
bool doc_same(const struct doc_node *a, const struct doc_node *b);
