/*
 * etcd's database: revisions from the newest to the oldest, and what free pages still hold.
 *
 * The bucket `key` maps a revision (main and sub as big-endian numbers with `_` between; `t` behind
 * them for a tombstone) to a mvccpb.KeyValue (etcd, server/storage/mvcc). A revision is never
 * written anew; compaction only takes some away. So a walk during which etcd wrote goes on below
 * the last revision it saw, with the fresh meta, and still sees each one once. What it could miss
 * is a key whose newest revision was written after the walk began while its older one was compacted
 * before the walk came there; the bucket `meta` tells of compactions, and then all is read again.
 *
 * Free is what no walk over all buckets came to. Where etcd wrote meanwhile, a page that was found
 * free may have been used since; so those in which something was found are held against a second
 * walk, and what is free for both is: it was free when it was looked at, or was freed after that.
 */
#include <errno.h>
#include <pthread.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/util.h"
#include "etcd/at_rest.h"
#include "etcd/bbolt.h"
#include "etcd/protobuf.h"
#include "etcd/residue.h"

enum {
        REVISION_SIZE = 17,
        HASH_SIZE = 32,
        WALK_TRIES = 100000, /* fresh metas in one walk */
        READ_TRIES = 3,      /* because of compactions */
        NAME_MAX_BYTES = 255,
        BUCKETS_MAX = 64, /* etcd has thirteen; each is looked up in the root */
        READ_BLOCK = 1 << 20,
};

struct reading {
        struct at_rest *found;
        struct bbolt db;
        struct bbolt_bits used;
        struct buf names;
        unsigned buckets; /* that NAMES has */
        struct buf last;  /* all items of the bucket from this key on were gone through */
        bbolt_item_fn *take;
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
static bool read_key_value(struct str bytes, struct census_record *ret, int64_t *ret_revision) {
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
        struct census_record record = { 0 };
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
        census_add(&found->census, &record);
        return 0;
}

/* --- the meta bucket --- */

static int take_meta(void *userdata, const struct bbolt_item *item) {
        struct reading *reading = userdata;

        if (item->key.ptr && str_eq(item->key, STR("finishedCompactRev")) &&
            item->value.len == REVISION_SIZE)
                reading->compacted = load_big(item->value.ptr);
        return 0;
}

/* --- walks --- */

/* Lets the bucket's own function look at ITEM, and remembers how far the walk has come. */
static int take_item(void *userdata, const struct bbolt_item *item) {
        struct reading *reading = userdata;
        int r = reading->take(reading, item);

        if (r >= 0 && item->key.ptr) {
                buf_clear(&reading->last);
                buf_add(&reading->last, item->key);
        }
        return r;
}

static int walk_once(struct reading *reading, struct str name, struct error *error) {
        struct str before = reading->last.len > 0 ? buf_str(&reading->last) : (struct str){ 0 };
        struct bbolt_bucket bucket = { 0 };
        int r = bbolt_find_bucket(&reading->db, name, &bucket, error);

        if (r > 0 && bucket.root != 0)
                r = bbolt_walk(&reading->db, bucket.root, before, take_item, reading,
                               &reading->used, error);
        else if (r > 0)
                r = bbolt_walk_inline(buf_str(&bucket.inline_page), before, take_item, reading,
                                      error);
        else if (r == 0)
                r = -ENOENT;
        buf_free(&bucket.inline_page);
        return r;
}

/* The names of a root that was changed meanwhile are collected anew. */
static int walk_root(struct reading *reading, struct error *error) {
        buf_clear(&reading->names);
        reading->buckets = 0;
        return bbolt_walk(&reading->db, reading->db.root, (struct str){ 0 }, take_item, reading,
                          &reading->used, error);
}

/* Goes through a bucket (NAME empty: the root), taken up again whenever the file was changed. */
static int walk(struct reading *reading, struct str name, bbolt_item_fn *take,
                struct error *error) {
        int r = 0;

        reading->take = take;
        buf_clear(&reading->last);
        for (unsigned i = 0; i < WALK_TRIES; i++) {
                reading->fault = NULL;
                r = name.len > 0 ? walk_once(reading, name, error) : walk_root(reading, error);
                if (reading->fault)
                        error_set(error, r, "%s", reading->fault);
                if (r != -EAGAIN)
                        return r;
                r = bbolt_refresh(&reading->db, error);
                if (r < 0)
                        return r;
                reading->found->rereads++;
        }
        return error_set(error, -EBUSY, "the database changes faster than it can be read");
}

/* --- reading --- */

static int64_t compacted(struct reading *reading) {
        reading->compacted = 0;
        walk(reading, STR("meta"), take_meta, NULL);
        return reading->compacted;
}

static int read_all(struct reading *reading, struct error *error) {
        struct at_rest *found = reading->found;
        int r = 0;

        for (int i = 0; i < READ_TRIES; i++) {
                int64_t at_begin = compacted(reading);

                census_free(&found->census);
                census_init(&found->census, found->options.prefix);
                found->census.want_names = found->options.names;
                found->residue.slack = 0;
                r = walk(reading, STR("key"), take_revision, error);
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

static int take_nothing(void *userdata _unused_, const struct bbolt_item *item _unused_) {
        return 0;
}

/* The names of the buckets, each behind a byte that tells its length. */
static int take_bucket(void *userdata, const struct bbolt_item *item) {
        struct reading *reading = userdata;

        if (!item->key.ptr)
                return 0;
        if (!item->bucket || item->key.len == 0 || item->key.len > NAME_MAX_BYTES ||
            ++reading->buckets > BUCKETS_MAX)
                return fault(reading, "the root has more, or other, than the buckets of etcd");
        buf_add_char(&reading->names, (char)item->key.len);
        buf_add(&reading->names, item->key);
        return 0;
}

/* Marks the pages of every bucket, of `key` only where WITH_KEY. */
static int mark_buckets(struct reading *reading, bool with_key, struct error *error) {
        struct str rest;
        int r;

        r = walk(reading, STR(""), take_bucket, error);
        rest = buf_str(&reading->names);
        while (r >= 0 && rest.len > 0) {
                size_t length = (unsigned char)rest.ptr[0];
                struct str name = str_slice(rest, 1, length + 1);

                rest = str_slice(rest, length + 1, rest.len);
                if (with_key || !str_eq(name, STR("key")))
                        r = walk(reading, name, take_nothing, error);
                if (r == -ENOENT) /* it was removed since */
                        r = 0;
        }
        if (r >= 0)
                r = bbolt_mark_own(&reading->db, &reading->used, error);
        return r == -EAGAIN ? 0 : r;
}

/* Runs of pages that nothing leads to, and all that lies behind the last page ever used. */
static int scan_free(struct reading *reading, struct hits *hits) {
        uint64_t total = reading->db.size / reading->db.page_size, size = hits->page_size;
        const struct bbolt_bits *used = &reading->used;
        uint64_t ignored = 0, start;

        for (uint64_t page = 0; page < total; page++) {
                int r;

                if (bbolt_bit(used, page))
                        continue;
                for (start = page; page < total && !bbolt_bit(used, page); page++)
                        ;
                reading->found->free_pages += page - start;
                r = residue_scan(reading->db.fd, start * size, page * size, mark_hit, hits,
                                 &ignored);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_free_pages(struct reading *reading, struct hits *hits, struct error *error) {
        uint64_t txid = reading->db.txid;
        int r = mark_buckets(reading, false, error);

        if (r >= 0)
                r = scan_free(reading, hits);
        /* A file that was written meanwhile: only what is still free counts. */
        if (r >= 0 && !reading->db.fixed)
                r = bbolt_refresh(&reading->db, error);
        if (r >= 0 && (reading->db.txid != txid || reading->found->rereads > 0))
                r = mark_buckets(reading, true, error);
        for (uint64_t page = 0; r >= 0 && page < hits->pages.count; page++)
                reading->found->residue.freed_pages +=
                        bbolt_bit(&hits->pages, page) && !bbolt_bit(&reading->used, page);
        return r;
}

static void judge_free_pages(struct reading *reading) {
        struct hits hits = { .page_size = reading->db.page_size };
        struct error error = { 0 };
        int r;

        bbolt_bits_init(&hits.pages, reading->db.size / reading->db.page_size);
        r = read_free_pages(reading, &hits, &error);
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
                at_rest_problem(found,
                                "%.*s is a bbolt database, but none of etcd: it has no bucket "
                                "\"key\"",
                                STR_ARG(found->main.path));
        else if (r < 0)
                at_rest_problem(found, "%.*s: %s", STR_ARG(found->main.path),
                                error.message[0] ? error.message : strerror(-r));
        else
                judge_free_pages(reading);
        found->page_size = reading->db.page_size;
        found->pages = reading->db.high_water;
        found->revision = found->census.newest;
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
        reading.db.fixed = snapshot;
        bbolt_bits_init(&reading.used, reading.db.high_water);
        found->history_known = found->residue_known = true;
        if (snapshot) {
                found->source = AT_REST_SNAPSHOT;
                hashed = pthread_create(&thread, NULL, hash_file, &hashing) == 0;
                if (!hashed)
                        hash_file(&hashing);
        }
        read_open(&reading);
        bbolt_bits_free(&reading.used);
        buf_free(&reading.last);
        buf_free(&reading.names);
        if (hashed)
                pthread_join(thread, NULL);
        if (snapshot)
                check_hash(found, &hashing);
}
