/*
 * Points in time and spans of it, as the API server writes them: what was read is written back in
 * one spelling (metav1.Time, MicroTime and Duration).
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* TEXT, which is in RFC 3339, in UTC and in whole seconds, or with six digits behind the point
 * where MICRO; empty for the first moment of the year 1, which is written as null. -EINVAL where it
 * is no time. */
int kube_time_text(struct arena *arena, struct str text, bool micro, struct str *ret);

/* TEXT, a duration as "90m", as Go writes it: "1h30m0s". */
int kube_duration_text(struct arena *arena, struct str text, struct str *ret);
