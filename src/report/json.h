/*
 * Small tools for writing JSON members: each writes the comma where one is due, the key, and the
 * value. Keys are literals of ours and need no escaping.
 */
#pragma once

#include "report/report.h"

void json_key(struct buf *buf, const char *key);
/* Call before each item of a list. */
void json_item(struct buf *buf);
void json_string(struct buf *buf, const char *key, struct str value);
void json_number(struct buf *buf, const char *key, size_t value);
void json_bool(struct buf *buf, const char *key, bool value);

/* FINDING as an object, on one line. */
void json_finding(struct buf *buf, const struct finding *finding);

/* The object that says what was judged. */
void json_coverage(struct buf *buf, const struct report *report);
