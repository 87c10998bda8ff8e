/*
 * What differs between two texts, as `diff -u` shows it.
 */
#pragma once

#include "base/buf.h"

/* Appends the unified diff from BEFORE to AFTER, whose lines end with newlines, with three lines of
 * context; nothing where they are equal. The names head it. */
void diff_unified(struct buf *buf, struct str before_name, struct str before, struct str after_name,
                  struct str after);
