/*
 * Timestamps and durations as texts, as Go reads them.
 */
#pragma once

#include "cel/value.h"

/* RFC 3339 as Go's time.Parse reads it. Returns 0, -EINVAL, or -ERANGE for a year CEL does not
 * allow. */
int cel_timestamp_parse(struct str text, struct cel_value *ret);

/* Go's duration syntax ("1h2m3.5s"), in nanoseconds. Returns 0 or -EINVAL. */
int cel_duration_parse(struct str text, int64_t *ret);
struct str cel_timestamp_text(struct arena *arena, const struct cel_value *timestamp);
struct str cel_duration_text(struct arena *arena, int64_t nanoseconds);

enum { CEL_NANOS = 1000 * 1000 * 1000 };
#define CEL_TIMESTAMP_MIN INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define CEL_TIMESTAMP_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
