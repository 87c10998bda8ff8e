#include "etcd/protobuf.h"

#include <errno.h>

int proto_varint(const char **at, const char *end, uint64_t *ret) {
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
                unsigned char byte = (unsigned char)*(*at)++;

                value |= (uint64_t)(byte & 0x7f) << shift;
                if (byte < 0x80) {
                        *ret = value;
                        return 0;
                }
        }
        return -EINVAL;
}

static int read_fixed(struct proto *proto, size_t size, uint64_t *ret) {
        if ((size_t)(proto->end - proto->at) < size)
                return -EINVAL;
        *ret = 0;
        for (size_t i = 0; i < size; i++)
                *ret |= (uint64_t)(unsigned char)proto->at[i] << 8 * i;
        proto->at += size;
        return 0;
}

static int read_bytes(struct proto *proto, struct str *ret) {
        uint64_t length;

        if (proto_varint(&proto->at, proto->end, &length) < 0 ||
            length > (uint64_t)(proto->end - proto->at))
                return -EINVAL;
        *ret = (struct str){ proto->at, (size_t)length };
        proto->at += length;
        return 0;
}

int proto_next(struct proto *proto, struct proto_field *ret) {
        uint64_t tag;
        int r;

        if (proto->at == proto->end)
                return 0;
        if (proto_varint(&proto->at, proto->end, &tag) < 0 || tag >> 3 == 0 ||
            tag >> 3 > 0x1fffffff)
                return -EINVAL;
        *ret = (struct proto_field){ .number = (uint32_t)(tag >> 3), .type = (int)(tag & 7) };
        switch (ret->type) {
        case PROTO_VARINT:
                r = proto_varint(&proto->at, proto->end, &ret->value);
                break;
        case PROTO_FIXED64:
                r = read_fixed(proto, 8, &ret->value);
                break;
        case PROTO_BYTES:
                r = read_bytes(proto, &ret->bytes);
                break;
        case PROTO_FIXED32:
                r = read_fixed(proto, 4, &ret->value);
                break;
        default:
                return -EINVAL;
        }
        return r < 0 ? r : 1;
}
