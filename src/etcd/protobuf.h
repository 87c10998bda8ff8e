/*
 * Protocol buffers, read field by field: as much of the wire format as etcd's records need.
 *
 *     struct proto proto = proto_over(bytes);
 *     struct proto_field field;
 *     while ((r = proto_next(&proto, &field)) > 0)
 *             if (field.number == 5 && field.type == PROTO_BYTES)
 *                     use(field.bytes);
 *
 * Nothing is copied and every length is held against what is left.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

struct proto {
        const char *at, *end;
};

struct proto_field {
        uint32_t number;
        int type;         /* one of the above */
        uint64_t value;   /* of numbers */
        struct str bytes; /* of PROTO_BYTES */
};

static inline struct proto proto_over(struct str bytes) {
        return (struct proto){ bytes.ptr, bytes.ptr + bytes.len };
}

/* Reads the next field. Returns 1, 0 at the end, -EINVAL for what is no protocol buffer. */
int proto_next(struct proto *proto, struct proto_field *ret);

/* Reads the varint at *AT. Returns 0 or -EINVAL. */
int proto_varint(const char **at, const char *end, uint64_t *ret);
