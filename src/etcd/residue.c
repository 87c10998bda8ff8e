#include "etcd/residue.h"

#include <errno.h>

#include "base/util.h"
#include "etcd/bbolt.h"
#include "etcd/protobuf.h"

#define WORD STR("Secret")

enum { WINDOW = 512 << 10 };

/* --- what a Secret begins with --- */

/* `k8s\0`, then runtime.Unknown whose field 1 is a TypeMeta: apiVersion (1) and kind (2). */
static bool is_protobuf_secret(struct str bytes) {
        struct proto outer, inner;
        struct proto_field field;
        bool kind = false, version = false;

        if (!str_starts(bytes, (struct str){ "k8s\0\n", 5 }))
                return false;
        /* The rest of the value may lie elsewhere: only the TypeMeta has to be whole. */
        outer = proto_over(str_slice(bytes, 5, bytes.len));
        if (proto_varint(&outer.at, outer.end, &field.value) < 0 ||
            field.value > (uint64_t)(outer.end - outer.at))
                return false;
        inner = (struct proto){ outer.at, outer.at + field.value };
        while (proto_next(&inner, &field) > 0) {
                version |= field.number == 1 && field.type == PROTO_BYTES &&
                           str_eq(field.bytes, STR("v1"));
                kind |= field.number == 2 && field.type == PROTO_BYTES && str_eq(field.bytes, WORD);
        }
        return kind && version;
}

static bool is_json_secret(struct str bytes) {
        static const struct str begins[] = {
                STR_INIT("{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":"),
                STR_INIT("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":"),
        };

        for (size_t i = 0; i < ELEMENTS(begins); i++)
                if (str_starts(bytes, begins[i]))
                        return true;
        return false;
}

bool residue_is_secret(struct str bytes) {
        return is_protobuf_secret(bytes) || is_json_secret(bytes);
}

/* --- searching --- */

/* How far before the word a Secret can begin. */
static const uint8_t distances[] = {
        12, /* k8s\0 0a LEN 0a 02 v1 12 06: protobuf, as it is always written */
        9,  /* {"kind":" */
        27, /* {"apiVersion":"v1","kind":" */
};

bool residue_next(struct str bytes, size_t *at, size_t *ret) {
        while (*at < bytes.len) {
                const char *hit = memmem(bytes.ptr + *at, bytes.len - *at, WORD.ptr, WORD.len);
                size_t place;

                if (!hit)
                        break;
                place = (size_t)(hit - bytes.ptr);
                *at = place + WORD.len;
                for (size_t i = 0; i < ELEMENTS(distances); i++)
                        if (place >= distances[i] &&
                            residue_is_secret(str_slice(bytes, place - distances[i],
                                                        place + RESIDUE_CONTEXT))) {
                                *ret = place - distances[i];
                                return true;
                        }
        }
        *at = bytes.len;
        return false;
}

uint64_t residue_count(struct str bytes) {
        uint64_t count = 0;

        for (size_t at = 0, place; residue_next(bytes, &at, &place);)
                count++;
        return count;
}

/* Windows overlap, so that what lies across their border is seen; a Secret counts in the window
 * that has all of its beginning. */
int residue_scan(int fd, uint64_t from, uint64_t to, residue_hit_fn *on_hit, void *userdata,
                 uint64_t *ret) {
        _cleanup_free_ char *window = xrealloc(NULL, WINDOW, 1);
        uint64_t start = from, done = from; /* hits before DONE were counted */

        while (start < to) {
                size_t size = (size_t)MIN((uint64_t)WINDOW, to - start);
                ssize_t n = bbolt_pread(fd, window, size, start);
                struct str bytes = { window, n > 0 ? (size_t)n : 0 };

                if (n < 0)
                        return (int)n;
                for (size_t at = 0, place; residue_next(bytes, &at, &place);) {
                        if (start + place < done)
                                continue;
                        ++*ret;
                        done = start + place + 1;
                        if (on_hit)
                                on_hit(userdata, start + place);
                }
                if ((size_t)n < size || start + size >= to)
                        break;
                start += size - 2 * RESIDUE_CONTEXT;
        }
        return 0;
}
