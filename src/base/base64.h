/*
 * Base64 with the standard alphabet (RFC 4648, section 4).
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* With padding. */
struct str base64_encode(struct arena *arena, struct str bytes);

/* Reads TEXT, whose padding may be missing, but not in part. Line breaks are skipped, as Go's
 * encoding/base64 does. Returns 0, or -EINVAL. */
int base64_decode(struct arena *arena, struct str text, struct str *ret);
