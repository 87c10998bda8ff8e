/*
 * Regular expressions: RE2 behind a C interface.
 *
 * CEL demands RE2's syntax, semantics and linear time, so this is RE2 itself. A compiled expression
 * is immutable and may be used by several threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct regex;

/* Compiles PATTERN, using at most a fixed budget of memory. Returns 0, or -EINVAL with RE2's
 * message. */
int regex_new(struct str pattern, struct regex **ret, struct error *error);
struct regex *regex_free(struct regex *regex);

/* Whether the expression matches anywhere in TEXT (unanchored). */
bool regex_search(const struct regex *regex, struct str text);

/* The leftmost match at or after FROM: fills GROUPS[0..COUNT) with the whole match and its groups
 * (ptr NULL where a group took no part). Returns whether there is one. */
bool regex_find(const struct regex *regex, struct str text, size_t from, struct str *groups,
                size_t count);

/* The number of capture groups. */
size_t regex_groups(const struct regex *regex);
