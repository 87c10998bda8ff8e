/*
 * JSON Patch (RFC 6902) on trees, as the API server applies it.
 *
 * The server uses gopkg.in/evanphx/json-patch.v4, which differs from the RFC in what it lets
 * through: negative indexes count from the end, `replace` may set a key that is not there, `test`
 * without a value holds where there is nothing, and a null value equals an empty map. Words of
 * errors are its own, too.
 */
#pragma once

#include "doc/doc.h"

struct doc_operation {
        struct str op;                /* add, remove, replace, move, copy, test */
        struct str path, from;        /* JSON Pointers; an empty `from` is none */
        const struct doc_node *value; /* NULL: none, which is not null */
};

/* Applies OPERATIONS to the map or list DOCUMENT, all or none. The result is made in ARENA and
 * shares what did not change. -ECANCELED where a `test` failed, -E2BIG where the result would be
 * too deep, -EIO where the server's library panics (it adds to a null that an operation brought),
 * -EINVAL for all other problems. */
int doc_patch(struct arena *arena, const struct doc_node *document,
              const struct doc_operation *operations, size_t count, const struct doc_node **ret,
              struct error *error);
