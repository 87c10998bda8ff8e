/*
 * Segments of etcd's write-ahead log.
 *
 * A segment is a sequence of frames: a 64-bit length, whose lower 56 bits count the bytes of the
 * record and whose top byte, when it is negative, has the padding in its lower three bits; the
 * record (walpb.Record: 1 type, 2 crc, 3 data); the padding. The CRC (Castagnoli) runs over the
 * data of all records of the log; a record of type crc at the head of a segment tells where it
 * stands (etcd, server/storage/wal, decoder.go). An entry's data is a raftpb.Entry (4 data), its
 * data an InternalRaftRequest (4 put, 6 txn), which is what clients wrote: an API server writes in
 * transactions.
 *
 * Segments are preallocated, so zeros end one; the last may end in half a record, because etcd is
 * writing it. Whatever follows the last good record, and whatever cannot be decoded, is searched as
 * raw bytes.
 */
#include <errno.h>

#include "base/util.h"
#include "etcd/at_rest.h"
#include "etcd/bbolt.h"
#include "etcd/bbolt_page.h"
#include "etcd/protobuf.h"
#include "etcd/residue.h"

enum { FRAME_HEADER = 8, RECORD_MAX = 64 << 20, TXN_DEPTH_MAX = 8 };
enum { RECORD_ENTRY = 2, RECORD_CRC = 4 };

struct segment {
        struct at_rest *found;
        const struct at_rest_file *file;
        uint64_t offset; /* of the next frame */
        uint32_t crc;
        bool crc_known;
        struct buf record;
};

/* --- CRC --- */

static uint32_t crc_table[8][256];

static void make_table(void) {
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t crc = i;

                for (int k = 0; k < 8; k++)
                        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
                crc_table[0][i] = crc;
        }
        for (uint32_t i = 0; i < 256; i++)
                for (int k = 1; k < 8; k++)
                        crc_table[k][i] =
                                crc_table[k - 1][i] >> 8 ^ crc_table[0][crc_table[k - 1][i] & 0xff];
}

/* CRC-32C of DATA behind what gave CRC; eight bytes a step. */
static uint32_t crc_update(uint32_t crc, struct str data) {
        const unsigned char *p = (const unsigned char *)data.ptr;
        size_t n = data.len;

        if (!crc_table[0][1])
                make_table();
        crc = ~crc;
        for (; n >= 8; n -= 8, p += 8) {
                uint32_t low = crc ^ load32(p), high = load32(p + 4);

                crc = crc_table[7][low & 0xff] ^ crc_table[6][low >> 8 & 0xff] ^
                      crc_table[5][low >> 16 & 0xff] ^ crc_table[4][low >> 24] ^
                      crc_table[3][high & 0xff] ^ crc_table[2][high >> 8 & 0xff] ^
                      crc_table[1][high >> 16 & 0xff] ^ crc_table[0][high >> 24];
        }
        for (; n > 0; n--, p++)
                crc = crc >> 8 ^ crc_table[0][(crc ^ *p) & 0xff];
        return ~crc;
}

/* --- requests --- */

static struct str field_of(struct str message, uint32_t number) {
        struct proto proto = proto_over(message);
        struct proto_field field;
        struct str found = { 0 };

        while (proto_next(&proto, &field) > 0)
                if (field.number == number && field.type == PROTO_BYTES)
                        found = field.bytes;
        return found;
}

static uint64_t count_put(const struct at_rest *found, struct str put) {
        struct str key = field_of(put, 1), value = field_of(put, 2);
        struct stored_value stored;
        struct stored_key parts;

        if (value.len == 0)
                return 0;
        stored_value_read(value, &stored);
        if (stored.provider != STORED_PLAIN)
                return 0;
        for (size_t i = 0; i < ELEMENTS(found->census.prefixes) && found->census.prefixes[i].ptr;
             i++)
                if (key.ptr && stored_key_read(key, found->census.prefixes[i], &parts))
                        return str_eq(parts.path, STR("secrets"));
        return residue_is_secret(value);
}

/* TxnRequest: 2 success and 3 failure, of RequestOp: 2 put, 4 a transaction within. */
static uint64_t count_txn(const struct at_rest *found, struct str txn, int depth) {
        struct proto proto = proto_over(txn);
        struct proto_field field;
        uint64_t count = 0;

        while (depth < TXN_DEPTH_MAX && proto_next(&proto, &field) > 0) {
                struct proto operations;
                struct proto_field operation;

                if ((field.number != 2 && field.number != 3) || field.type != PROTO_BYTES)
                        continue;
                operations = proto_over(field.bytes);
                while (proto_next(&operations, &operation) > 0)
                        if (operation.type == PROTO_BYTES && operation.number == 2)
                                count += count_put(found, operation.bytes);
                        else if (operation.type == PROTO_BYTES && operation.number == 4)
                                count += count_txn(found, operation.bytes, depth + 1);
        }
        return count;
}

static uint64_t count_entry(const struct at_rest *found, struct str entry) {
        struct str request = field_of(entry, 4), put, txn;
        uint64_t count = 0;

        if (!request.ptr)
                return residue_count(entry);
        put = field_of(request, 4);
        txn = field_of(request, 6);
        if (put.ptr)
                count += count_put(found, put);
        if (txn.ptr)
                count += count_txn(found, txn, 0);
        /* Anything else that a Secret may lie in, such as requests of newer versions. */
        return put.ptr || txn.ptr ? count : residue_count(request);
}

/* --- frames --- */

/* Reads the next record. Returns 1, 0 at the end (zeros, or the end of the file), -EUCLEAN. */
static int next_record(struct segment *segment, struct str *ret) {
        unsigned char header[FRAME_HEADER];
        uint64_t field, size, padding, left;
        ssize_t n;

        if (segment->file->size - segment->offset < FRAME_HEADER)
                return 0;
        n = bbolt_pread(segment->file->fd, header, FRAME_HEADER, segment->offset);
        if (n != FRAME_HEADER)
                return n < 0 ? (int)n : 0;
        field = load64(header);
        if (field == 0)
                return 0;
        size = field & UINT64_C(0x00ffffffffffffff);
        padding = field >> 63 ? field >> 56 & 7 : 0;
        left = segment->file->size - segment->offset - FRAME_HEADER;
        if (size > RECORD_MAX || size + padding > left)
                return -EUCLEAN;
        buf_clear(&segment->record);
        buf_add_repeat(&segment->record, 0, (size_t)size);
        n = bbolt_pread(segment->file->fd, segment->record.data, (size_t)size,
                        segment->offset + FRAME_HEADER);
        if (n < 0 || (uint64_t)n != size)
                return n < 0 ? (int)n : -EUCLEAN;
        *ret = buf_str(&segment->record);
        segment->offset += FRAME_HEADER + size + padding;
        return 1;
}

static int take_record(struct segment *segment, struct str record) {
        struct proto proto = proto_over(record);
        struct proto_field field;
        struct str data = STR("");
        uint64_t type = 0;
        uint32_t crc = 0;
        int r;

        while ((r = proto_next(&proto, &field)) > 0)
                if (field.number == 1 && field.type == PROTO_VARINT)
                        type = field.value;
                else if (field.number == 2 && field.type == PROTO_VARINT)
                        crc = (uint32_t)field.value;
                else if (field.number == 3 && field.type == PROTO_BYTES)
                        data = field.bytes;
        if (r < 0)
                return -EUCLEAN;
        if (type == RECORD_CRC) {
                segment->crc = crc;
                segment->crc_known = true;
                return 0;
        }
        segment->crc = crc_update(segment->crc, data);
        if (segment->crc_known && segment->crc != crc)
                return -EUCLEAN;
        if (type == RECORD_ENTRY)
                segment->found->residue.wal += count_entry(segment->found, data);
        return 0;
}

void at_rest_read_segment(struct at_rest *found, const struct at_rest_file *file) {
        struct segment segment = { .found = found, .file = file };
        uint64_t good = 0;
        struct str record;
        int r;

        do {
                good = segment.offset;
                r = next_record(&segment, &record);
                if (r > 0 && take_record(&segment, record) < 0)
                        r = -EUCLEAN;
        } while (r > 0);
        buf_free(&segment.record);
        if (r == 0 || r == -EUCLEAN)
                r = residue_scan(file->fd, good, file->size, NULL, NULL, &found->residue.wal);
        if (r < 0)
                at_rest_problem(found, "%.*s: cannot read: %s", STR_ARG(file->path), strerror(-r));
}
