/*
 * etcd's database: revisions from the newest to the oldest, and what free pages still hold.
 *
 * The bucket `key` maps a revision (main and sub as big-endian numbers with `_` between; `t` behind
 * them for a tombstone) to a mvccpb.KeyValue (etcd, server/storage/mvcc). A revision is never
 * written anew; compaction only takes some away. So a walk that met a page used anew goes on below
 * the last revision it saw, with a fresh meta, and still sees each one once. What it could miss is a
 * key whose newest revision was written after the walk began while its older one was compacted
 * before the walk came there; the bucket `meta` tells of compactions, and then all is read again.
 */
#include <errno.h>
#include <pthread.h>

#include <openssl/evp.h>

#include "base/util.h"
#include "etcd/at_rest.h"
#include "etcd/bbolt.h"
#include "etcd/protobuf.h"
#include "etcd/residue.h"

enum {
        REVISION_SIZE = 17,
        HASH_SIZE = 32,
        WALK_TRIES = 10000, /* fresh metas in one walk, as long as it gets on */
        STUCK_TRIES = 3,    /* failures at the same meta: damage */
        REACH_TRIES = 50,
        READ_TRIES = 3, /* because of compactions */
        READ_BLOCK = 1 << 20,
};

struct reading {
        struct at_rest *found;
        struct bbolt db;
        bool fixed; /* a snapshot: the file's end is not the database's */
        char last[REVISION_SIZE]; /* all revisions from this one on were taken in */
        bool begun;
        int64_t compacted;
        const char *fault; /* what is wrong with an item */
};

/* --- items --- */

static int64_t load_big(const char *p) {
        uint64_t value = 0;

        for (int i = 0; i < 8; i++)
                value = value << 8 | (unsigned char)p[i];
        return (int64_t)value;
}

/* mvccpb.KeyValue: 1 key, 3 mod_revision, 5 value. */
static bool read_key_value(struct str bytes, struct tally_record *ret, int64_t *ret_revision) {
        struct proto proto = proto_over(bytes);
        struct proto_field field;
        int r;

        *ret_revision = 0;
        while ((r = proto_next(&proto, &field)) > 0) {
                if (field.number == 1 && field.type == PROTO_BYTES)
                        ret->key = field.bytes;
                else if (field.number == 3 && field.type == PROTO_VARINT)
                        *ret_revision = (int64_t)field.value;
                else if (field.number == 5 && field.type == PROTO_BYTES)
                        ret->value = field.bytes;
        }
        return r == 0 && ret->key.ptr;
}

static int fault(struct reading *reading, const char *what) {
        reading->fault = what;
        return -EUCLEAN;
}

/* Each item is proved to belong where it is: a tombstone has only a key, a value tells its own
 * revision. */
static int take_revision(void *userdata, const struct bbolt_item *item) {
        struct reading *reading = userdata;
        struct at_rest *found = reading->found;
        struct tally_record record = { 0 };
        int64_t revision;
        bool deleted = item->key.len == REVISION_SIZE + 1 && item->key.ptr[REVISION_SIZE] == 't';

        if (!item->key.ptr) {
                found->residue.slack += residue_count(item->value);
                return 0;
        }
        if (item->bucket || (item->key.len != REVISION_SIZE && !deleted) || item->key.ptr[8] != '_')
                return fault(reading, "the bucket \"key\" has a key that is no revision");
        record.revision = load_big(item->key.ptr);
        record.deleted = deleted;
        if (!read_key_value(item->value, &record, &revision) ||
            (!deleted && revision != record.revision))
                return fault(reading, "an item of the bucket \"key\" is not of its revision");
        tally_add(&found->tally, &record);
        memcpy(reading->last, item->key.ptr, REVISION_SIZE);
        reading->begun = true;
        return 0;
}

static struct str before(const struct reading *reading) {
        return reading->begun ? (struct str){ reading->last, REVISION_SIZE } : (struct str){ 0 };
}

/* --- the meta bucket --- */

static int take_meta(void *userdata, const struct bbolt_item *item) {
        struct reading *reading = userdata;

        if (item->key.ptr && str_eq(item->key, STR("finishedCompactRev")) &&
            item->value.len == REVISION_SIZE)
                reading->compacted = load_big(item->value.ptr);
        return 0;
}

static int walk_bucket(struct reading *reading, struct str name, struct str limit,
                       bbolt_item_fn *fn, struct error *error) {
        struct bbolt_bucket bucket = { 0 };
        int r = bbolt_find_bucket(&reading->db, name, &bucket, error);

        if (r > 0 && bucket.root != 0)
                r = bbolt_walk(&reading->db, bucket.root, limit, fn, reading, error);
        else if (r > 0)
                r = bbolt_walk_inline(buf_str(&bucket.inline_page), limit, fn, reading, error);
        else if (r == 0)
                r = -ENOENT;
        buf_free(&bucket.inline_page);
        return r;
}

/* --- reading --- */

/* One walk over all revisions, taken up again wherever the file changed under it. */
static int read_revisions(struct reading *reading, struct error *error) {
        unsigned stuck = 0;
        int r = -EUCLEAN;

        reading->begun = false;
        for (unsigned i = 0; i < WALK_TRIES; i++) {
                int changed;

                reading->fault = NULL;
                r = walk_bucket(reading, STR("key"), before(reading), take_revision, error);
                if (r != -EUCLEAN)
                        return r;
                if (reading->fault)
                        error_set(error, r, "%s", reading->fault);
                changed = bbolt_refresh(&reading->db, reading->fixed, NULL);
                if (changed < 0)
                        return r;
                stuck = changed ? 0 : stuck + 1;
                if (stuck == STUCK_TRIES)
                        return r;
                reading->found->rereads += changed > 0;
        }
        return error_set(error, -EBUSY, "the database changes faster than it can be read");
}

static int64_t compacted(struct reading *reading) {
        reading->compacted = 0;
        for (int i = 0; i < REACH_TRIES; i++) {
                int r = walk_bucket(reading, STR("meta"), (struct str){ 0 }, take_meta, NULL);

                if (r != -EUCLEAN || bbolt_refresh(&reading->db, reading->fixed, NULL) <= 0)
                        break;
        }
        return reading->compacted;
}

static int read_all(struct reading *reading, struct error *error) {
        struct at_rest *found = reading->found;
        int r = 0;

        for (int i = 0; i < READ_TRIES; i++) {
                int64_t at_begin = compacted(reading);

                tally_free(&found->tally);
                tally_init(&found->tally, found->options.prefix);
                found->tally.want_names = found->options.names;
                found->residue.slack = 0;
                r = read_revisions(reading, error);
                if (r < 0)
                        return r;
                found->compacted = compacted(reading);
                if (found->compacted == at_begin)
                        return 0;
        }
        at_rest_note(found, "etcd was compacted each time it was read: keys that were written "
                            "meanwhile may be missing");
        return 0;
}

/* --- free pages --- */

struct hits {
        struct bbolt_bits pages;
        uint32_t page_size;
};

static void mark_hit(void *userdata, uint64_t offset) {
        struct hits *hits = userdata;

        bbolt_set_bit(&hits->pages, offset / hits->page_size);
}

static int reach(struct reading *reading, struct bbolt_bits *ret, struct error *error) {
        int r = -EUCLEAN;

        for (int i = 0; i < REACH_TRIES; i++) {
                bbolt_bits_free(ret);
                bbolt_bits_init(ret, reading->db.high_water);
                r = bbolt_reach(&reading->db, ret, error);
                if (r != -EUCLEAN || bbolt_refresh(&reading->db, reading->fixed, NULL) <= 0)
                        return r;
        }
        return r;
}

/* Runs of pages that nothing leads to, and all that lies behind the last page ever used. */
static int scan_free(struct reading *reading, const struct bbolt_bits *used, struct hits *hits) {
        uint64_t total = hits->pages.count, size = hits->page_size, ignored = 0, start;

        for (uint64_t page = 0; page < total; page++) {
                int r;

                if (bbolt_bit(used, page))
                        continue;
                for (start = page; page < total && !bbolt_bit(used, page); page++)
                        ;
                reading->found->free_pages += page - start;
                r = residue_scan(reading->db.fd, start * size, page * size, mark_hit, hits, &ignored);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What was free when it was looked at may have been used since: only what is still free counts. */
static int count_hits(struct reading *reading, struct hits *hits, struct bbolt_bits *used,
                      struct error *error) {
        int r = bbolt_refresh(&reading->db, reading->fixed, error);

        if (r > 0)
                r = reach(reading, used, error);
        for (uint64_t page = 0; r >= 0 && page < hits->pages.count; page++)
                reading->found->residue.freed_pages +=
                        bbolt_bit(&hits->pages, page) && !bbolt_bit(used, page);
        return r;
}

static void read_free_pages(struct reading *reading) {
        struct bbolt_bits used _cleanup_(bbolt_bits_free) = { 0 };
        struct hits hits = { .page_size = reading->db.page_size };
        struct error error = { 0 };
        int r = reach(reading, &used, &error);

        bbolt_bits_init(&hits.pages, reading->db.size / reading->db.page_size);
        if (r >= 0)
                r = scan_free(reading, &used, &hits);
        if (r >= 0)
                r = count_hits(reading, &hits, &used, &error);
        bbolt_bits_free(&hits.pages);
        if (r < 0)
                at_rest_problem(reading->found, "%.*s: free pages not judged: %s",
                                STR_ARG(reading->found->main.path),
                                error.message[0] ? error.message : strerror(-r));
}

/* --- the hash of a snapshot --- */

struct hashing {
        int fd;
        uint64_t size;
        unsigned char hash[HASH_SIZE];
        int result;
};

/* Runs beside the reading, on a processor of its own. */
static void *hash_file(void *userdata) {
        struct hashing *hashing = userdata;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        _cleanup_free_ char *block = xrealloc(NULL, READ_BLOCK, 1);
        uint64_t at = 0;

        if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
                out_of_memory();
        while (at < hashing->size && hashing->result >= 0) {
                ssize_t n = bbolt_pread(hashing->fd, block,
                                        (size_t)MIN((uint64_t)READ_BLOCK, hashing->size - at), at);

                if (n <= 0)
                        hashing->result = n < 0 ? (int)n : -EIO;
                else
                        EVP_DigestUpdate(context, block, (size_t)n);
                at += n > 0 ? (uint64_t)n : 0;
        }
        EVP_DigestFinal_ex(context, hashing->hash, NULL);
        EVP_MD_CTX_free(context);
        return NULL;
}

static void check_hash(struct at_rest *found, const struct hashing *hashing) {
        unsigned char written[HASH_SIZE];

        if (hashing->result < 0 ||
            bbolt_pread(hashing->fd, written, HASH_SIZE, hashing->size) != HASH_SIZE)
                at_rest_problem(found, "%.*s: the hash of the snapshot cannot be computed",
                                STR_ARG(found->main.path));
        else if (memcmp(written, hashing->hash, HASH_SIZE) != 0)
                at_rest_problem(found,
                                "%.*s: the hash at the end of the snapshot is not that of what is "
                                "before it: the file is damaged or was changed",
                                STR_ARG(found->main.path));
        else
                found->hash_checked = true;
}

/* --- all --- */

static void read_open(struct reading *reading) {
        struct at_rest *found = reading->found;
        struct error error = { 0 };
        int r = read_all(reading, &error);

        if (r == -ENOENT)
                at_rest_problem(found, "%.*s is a bbolt database, but none of etcd: it has no bucket "
                                "\"key\"", STR_ARG(found->main.path));
        else if (r < 0)
                at_rest_problem(found, "%.*s: %s", STR_ARG(found->main.path),
                                error.message[0] ? error.message : strerror(-r));
        else
                read_free_pages(reading);
        found->page_size = reading->db.page_size;
        found->pages = reading->db.high_water;
        found->revision = found->tally.newest;
}

void at_rest_read_database(struct at_rest *found) {
        struct reading reading = { .found = found };
        struct hashing hashing = { .fd = found->main.fd, .size = found->main.size };
        struct error error = { 0 };
        pthread_t thread;
        bool snapshot = found->main.size % 512 == HASH_SIZE, hashed = false;
        int r;

        if (snapshot)
                hashing.size -= HASH_SIZE;
        r = bbolt_open(found->main.fd, hashing.size, &reading.db, &error);
        if (r < 0) {
                at_rest_problem(found, "%.*s %s%s", STR_ARG(found->main.path),
                                r == -EUCLEAN ? "cannot be read: " : "", error.message);
                return;
        }
        reading.fixed = snapshot;
        found->history_known = found->residue_known = true;
        if (snapshot) {
                found->source = AT_REST_SNAPSHOT;
                hashed = pthread_create(&thread, NULL, hash_file, &hashing) == 0;
                if (!hashed)
                        hash_file(&hashing);
        }
        read_open(&reading);
        if (hashed)
                pthread_join(thread, NULL);
        if (snapshot)
                check_hash(found, &hashing);
}
