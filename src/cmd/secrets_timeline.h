/* What the files of `redoubt secrets timeline` share. */
#pragma once

#include "credential/credential.h"

/* secrets_calendar.c: an iCalendar (RFC 5545) with an event for each end. */
void timeline_add_calendar(struct buf *buf, const struct credentials *credentials);

/* The same in the text format of Prometheus. */
void timeline_add_metrics(struct buf *buf, const struct credentials *credentials);

/* "certificate CN=web", in ARENA. */
struct str timeline_what(struct arena *arena, const struct credential *credential);
