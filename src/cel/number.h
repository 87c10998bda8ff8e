/*
 * Numbers as text, the way Go reads and writes them: what CEL shows and accepts is defined by
 * strconv. Used by conversions, messages and string.format. Private to src/cel.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* Go's %g: the shortest digits that read back as the same number ("1e+06", "0.1", "NaN", "+Inf").
 */
struct str cel_double_text(struct arena *arena, double number);

/* The shortest digits without an exponent ("1000000", "0.0000001"): strconv's 'f' with precision
 * -1.
 */
struct str cel_double_plain(struct arena *arena, double number);

/* strconv.ParseFloat: decimal and hexadecimal, underscores between digits, inf and nan in any case.
 * Returns 0, -EINVAL, or -ERANGE for what is too large. */
int cel_double_parse(struct str text, double *ret);

/* strconv.ParseInt and ParseUint in base 10. */
int cel_int_parse(struct str text, int64_t *ret);
int cel_uint_parse(struct str text, uint64_t *ret);

/* TEXT in double quotes with Go's escapes (strconv.Quote). */
struct str cel_quote(struct arena *arena, struct str text);
