/*
 * A small strict JSON reader for tests (RFC 8259), independent of the one in the product: it
 * accepts exactly what any other reader does, so writers that pass it are well-formed.
 */
#pragma once

#include "base/arena.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_LIST, JSON_MAP };

struct json {
        enum json_kind kind;
        struct str key;  /* of a member of a map */
        struct str text; /* a string, decoded; a number, a bool: as written */
        struct json *first, *next;
        size_t count;
};

/* The value that is all of TEXT, or NULL: not JSON, invalid UTF-8, a duplicate key. */
const struct json *json_read(struct arena *arena, struct str text);

/* Follows PATH, e.g. "runs.0.tool.driver.name"; NULL where it leads nowhere. Keys that hold a dot
 * cannot be followed. */
const struct json *json_at(const struct json *json, const char *path);

/* The text at PATH; fails the test where there is none. */
struct str json_text(const struct json *json, const char *path);

/* The number of items or members at PATH; fails the test where there is no list or map. */
size_t json_count(const struct json *json, const char *path);
