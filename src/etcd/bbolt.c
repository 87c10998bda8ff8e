/* Opening a bbolt file: choosing among its two metas, and saying what a file is that has none. */
#include "etcd/bbolt.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/util.h"
#include "etcd/bbolt_page.h"

enum { META_SIZE = 64, META_MAGIC_BYTES = 4, META_VERSION = 2, TRIES = 20, PAUSE_US = 2000 };
#define META_MAGIC 0xED0CDAEDu

struct meta {
        uint32_t page_size;
        uint64_t root, freelist, high_water, txid;
};

static uint64_t fnv1a(const unsigned char *data, size_t size) {
        uint64_t hash = 0xcbf29ce484222325u;

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ data[i]) * 0x100000001b3u;
        return hash;
}

static bool is_page_size(uint32_t size) {
        return size >= BBOLT_PAGE_MIN && size <= BBOLT_PAGE_MAX && (size & (size - 1)) == 0;
}

/* The meta in the page at OFFSET. Magic, version and checksum as bbolt's Meta.Validate has it. */
static bool read_meta(int fd, uint64_t offset, struct meta *ret) {
        unsigned char bytes[PAGE_HEADER + META_SIZE];
        const unsigned char *meta = bytes + PAGE_HEADER;

        if (bbolt_pread(fd, bytes, sizeof bytes, offset) != sizeof bytes ||
            load32(meta) != META_MAGIC || load32(meta + 4) != META_VERSION ||
            load64(meta + 56) != fnv1a(meta, 56))
                return false;
        *ret = (struct meta){ .page_size = load32(meta + 8),
                              .root = load64(meta + 16),
                              .freelist = load64(meta + 32),
                              .high_water = load64(meta + 40),
                              .txid = load64(meta + 48) };
        return is_page_size(ret->page_size);
}

/* The newest valid meta. The second one is found by the page size that the first names, or where
 * that is damaged by trying all sizes. */
static bool choose_meta(int fd, uint32_t page_size, struct meta *ret) {
        struct meta first, second;
        bool have_first = read_meta(fd, 0, &first), have_second = false;

        if (have_first)
                page_size = first.page_size;
        for (uint32_t size = page_size ? page_size : BBOLT_PAGE_MIN;
             size <= BBOLT_PAGE_MAX && !have_second; size *= 2) {
                have_second = read_meta(fd, size, &second) && second.page_size == size;
                if (page_size)
                        break;
        }
        if (!have_first && !have_second)
                return false;
        *ret = have_first && (!have_second || first.txid >= second.txid) ? first : second;
        return true;
}

static int use_meta(struct bbolt *db, const struct meta *meta, struct error *error) {
        if (!is_page_size(meta->page_size) || meta->high_water < 3 ||
            meta->high_water > UINT64_MAX / 2 / meta->page_size)
                return error_set(error, -EUCLEAN, "the database says it has %ju pages",
                                 (uintmax_t)meta->high_water);
        if (meta->high_water * meta->page_size > db->size)
                return error_set(error, -EUCLEAN,
                                 "the file is cut off: it has %ju bytes, and the database needs "
                                 "%ju",
                                 (uintmax_t)db->size,
                                 (uintmax_t)(meta->high_water * meta->page_size));
        db->page_size = meta->page_size;
        db->root = meta->root;
        db->freelist = meta->freelist;
        db->high_water = meta->high_water;
        db->txid = meta->txid;
        return 0;
}

/* --- what is no database --- */

static bool is_zero(const unsigned char *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (data[i])
                        return false;
        return true;
}

/* Encrypted data has each of the 256 bytes about equally often. */
static bool looks_random(const unsigned char *data, size_t size) {
        size_t counts[256] = { 0 };
        double sum = 0, expected = (double)size / 256;

        if (size < 4096)
                return false;
        for (size_t i = 0; i < size; i++)
                counts[data[i]]++;
        for (size_t i = 0; i < 256; i++)
                sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
        return sum < 400;
}

static int say_what(int fd, uint64_t size, struct error *error) {
        static const struct {
                struct str magic;
                const char *what;
        } known[] = {
                { STR_INIT("\x1f\x8b"), "is compressed (gzip): unpack it first" },
                { STR_INIT("\x28\xb5\x2f\xfd"), "is compressed (zstd): unpack it first" },
                { STR_INIT("PK\3\4"), "is a zip archive: unpack it first" },
                { STR_INIT("LUKS\xba\xbe"), "is an encrypted disk (LUKS): open it first" },
                { STR_INIT("SQLite format 3"), "is an SQLite database" },
        };
        unsigned char head[8192];
        ssize_t n = bbolt_pread(fd, head, sizeof head, 0);
        struct str text = { (const char *)head, n > 0 ? (size_t)n : 0 };

        if (n < 0)
                return error_set(error, (int)n, "cannot read: %s", strerror((int)-n));
        if (size == 0)
                return error_set(error, -EINVAL, "is empty");
        for (size_t i = 0; i < ELEMENTS(known); i++)
                if (str_starts(text, known[i].magic))
                        return error_set(error, -EINVAL, "%s", known[i].what);
        if (text.len >= PAGE_HEADER + META_MAGIC_BYTES && load32(head + PAGE_HEADER) == META_MAGIC)
                return error_set(error, -EUCLEAN,
                                 "both metas of the database are damaged: no page can be trusted");
        if (is_zero(head, text.len))
                return error_set(error, -EINVAL, "is filled with zeros: no database");
        if (looks_random(head, text.len))
                return error_set(error, -EINVAL,
                                 "is no etcd database: its bytes look encrypted or compressed");
        return error_set(error, -EINVAL, "is no etcd database (bbolt)");
}

/* --- opening --- */

int bbolt_open(int fd, uint64_t size, struct bbolt *ret, struct error *error) {
        struct bbolt db = { .fd = fd, .size = size };
        struct meta meta;
        int r;

        /* Both metas are never being written at once, but we may read one while it is. */
        for (int i = 0; !choose_meta(fd, 0, &meta); i++) {
                if (i == TRIES)
                        return say_what(fd, size, error);
                usleep(PAUSE_US);
        }
        r = use_meta(&db, &meta, error);
        if (r >= 0)
                *ret = db;
        return r;
}

int bbolt_refresh(struct bbolt *db, struct error *error) {
        uint64_t txid = db->txid;
        struct meta meta;
        struct stat st;
        int r;

        if (!db->fixed && fstat(db->fd, &st) == 0)
                db->size = (uint64_t)st.st_size;
        for (int i = 0;
             !choose_meta(db->fd, db->page_size, &meta) || meta.page_size != db->page_size; i++) {
                if (i == TRIES)
                        return error_set(error, -EUCLEAN,
                                         "both metas of the database are damaged by now");
                usleep(PAUSE_US);
        }
        r = use_meta(db, &meta, error);
        return r < 0 ? r : db->txid != txid;
}

/* A meta that is being written is not valid yet, and then its transaction is not done. */
bool bbolt_is_current(const struct bbolt *db) {
        struct meta meta;

        if (db->fixed)
                return true;
        for (uint64_t i = 0; i < 2; i++)
                if (read_meta(db->fd, i * db->page_size, &meta) && meta.txid > db->txid)
                        return false;
        return true;
}
