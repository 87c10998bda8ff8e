/*
 * bbolt files, read while somebody else may write them.
 *
 * A file is an array of pages. Pages 0 and 1 are metas: the valid one (FNV-1a over its fields) with
 * the larger transaction id says where the tree of buckets begins, which pages were ever used
 * (`high_water`), and where the list of free pages lies, if it was written at all. A page never
 * changes while a meta leads to it: a transaction writes copies into free pages and then a meta.
 * Formats: go.etcd.io/bbolt, internal/common (page.go, meta.go, inode.go), all little-endian.
 *
 * Nothing is mapped or locked, and nothing is written. Pages are read one at a time with pread, so
 * a file that is cut while it is read is an error and no signal, and memory does not grow with the
 * file.
 *
 * Because etcd goes on writing, a page may have been used anew since the meta was read. What
 * transaction T leads to is free for transaction T + 2 at the earliest, which begins when the meta
 * of T + 1 is written. So after each page the metas are looked at: as long as none is newer than
 * the one in use, the page was what it should be; otherwise it is -EAGAIN, and the caller takes the
 * fresh meta (bbolt_refresh) and goes on where it was. That nobody can do much between two metas
 * does not matter: a walk goes on below the last key that it has shown.
 *
 * Every page is checked against what led to it: its id, its type, where its elements lie, that its
 * keys are in order and within the bounds that its parent gives. What fails that is -EUCLEAN: the
 * file is damaged.
 *
 * Depth, overflow and the number of buckets are bounded; no page is visited twice in one walk.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

enum {
        BBOLT_PAGE_MIN = 1024,
        BBOLT_PAGE_MAX = 64 << 10,
        BBOLT_DEPTH_MAX = 24,
        BBOLT_RUN_MAX = 128 << 20, /* bytes of a page with its overflow */
};
#define BBOLT_NO_FREELIST UINT64_MAX

struct bbolt {
        int fd;
        uint64_t size; /* bytes of the file that are the database */
        uint32_t page_size;
        uint64_t root, freelist, high_water, txid; /* of the meta in use */
        uint64_t pages_read;
        bool fixed; /* nobody writes it: a snapshot. Its metas are not looked at again */
};

/* Finds the meta of FD, of whose bytes the first SIZE are the database. -EINVAL with what the file
 * is instead where it is no database, -EUCLEAN where it is cut or both metas are damaged. */
int bbolt_open(int fd, uint64_t size, struct bbolt *ret, struct error *error);

/* Takes the newest meta, and the file's new size. Returns 1 where that is another than before, 0
 * where it is the same. */
int bbolt_refresh(struct bbolt *db, struct error *error);

/* Whether no meta is newer than the one in use. */
bool bbolt_is_current(const struct bbolt *db);

/* One bit a page; grows. */
struct bbolt_bits {
        uint64_t *words;
        uint64_t count; /* of bits */
};
void bbolt_bits_init(struct bbolt_bits *bits, uint64_t count);
void bbolt_bits_free(struct bbolt_bits *bits);
static inline bool bbolt_bit(const struct bbolt_bits *bits, uint64_t at) {
        return at < bits->count && bits->words[at / 64] >> at % 64 & 1;
}
/* Returns whether it was set before. */
bool bbolt_set_bit(struct bbolt_bits *bits, uint64_t at);

/* A leaf's item; or, with KEY.ptr NULL, the end of a leaf page, VALUE being what of it no item
 * uses, and ID its page. A negative result ends the walk. */
struct bbolt_item {
        struct str key, value;
        bool bucket;
        uint64_t id;
};
typedef int bbolt_item_fn(void *userdata, const struct bbolt_item *item);

/* Shows the items of the tree at page ROOT whose keys are less than BEFORE (NULL ptr: all), the
 * last first, and marks its pages in USED, if that is not NULL. -EUCLEAN, -EAGAIN as told above. */
int bbolt_walk(struct bbolt *db, uint64_t root, struct str before, bbolt_item_fn *fn,
               void *userdata, struct bbolt_bits *used, struct error *error);

/* The same for a bucket that lies in the value of its item: an inline page. */
int bbolt_walk_inline(struct str page, struct str before, bbolt_item_fn *fn, void *userdata,
                      struct error *error);

/* A bucket of the root: its tree, or INLINE_PAGE (in memory of the caller's buffer) where ROOT is
 * 0. Returns 1, 0 where there is none of that name, or what bbolt_walk returns. */
struct bbolt_bucket {
        uint64_t root;
        struct buf inline_page;
};
int bbolt_find_bucket(struct bbolt *db, struct str name, struct bbolt_bucket *ret,
                      struct error *error);

/* Marks the metas and the list of free pages in USED. */
int bbolt_mark_own(struct bbolt *db, struct bbolt_bits *used, struct error *error);

/* Reads up to SIZE bytes at OFFSET; returns how many, or a negative errno. */
ssize_t bbolt_pread(int fd, void *to, size_t size, uint64_t offset);
