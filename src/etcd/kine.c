/*
 * kine's SQLite database, as k3s has it in place of etcd.
 *
 * Every row of the table `kine` is a revision (its id) of the key `name`: `value`, or with
 * `deleted` what was deleted; `old_value` repeats the value of the revision before
 * (`prev_revision`), and stays when that was compacted (github.com/k3s-io/kine,
 * pkg/drivers/generic).
 *
 * SQLite itself reads the tables, but through a file system of our own. It reads with pread, takes
 * no lock, makes no file, and shows the database as it will be when the pages that lie in the WAL
 * are in place: the last committed copy of each (SQLite file format, section 4). So k3s may go on,
 * and nothing of it is touched. Where the WAL was begun anew meanwhile, all is read again.
 */
#include <errno.h>
#include <sqlite3.h>

#include "base/util.h"
#include "etcd/at_rest.h"
#include "etcd/bbolt.h"
#include "etcd/residue.h"

#define VFS_NAME "redoubt-read"

enum {
        WAL_HEADER = 32,
        FRAME_HEADER = 24,
        PAGE_MIN = 512,
        PAGE_MAX = 65536,
        HEADER = 100,
        READ_TRIES = 3,
        TRUNK_PAGES_MAX = 1 << 22,
};

struct view {
        int fd, wal;   /* WAL: -1 where there is none */
        uint64_t size; /* of the database, as the view shows it */
        uint32_t page_size;
        uint64_t *frames; /* by page number - 1: where its page lies in the WAL; 0: in the file */
        uint64_t pages;
        unsigned char wal_header[WAL_HEADER];
};

static uint32_t big32(const unsigned char *p) {
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t word(const unsigned char *p, bool big) {
        return big ? big32(p) : __builtin_bswap32(big32(p));
}

/* --- the WAL --- */

/* The checksum of the SQLite file format, section 4.2. */
static void checksum(uint32_t sum[2], const unsigned char *data, size_t size, bool big) {
        for (size_t i = 0; i + 8 <= size; i += 8) {
                sum[0] += word(data + i, big) + sum[1];
                sum[1] += word(data + i + 4, big) + sum[0];
        }
}

static void use_frame(struct view *view, uint32_t page, uint64_t offset) {
        if (page > view->pages) {
                uint64_t pages = MAX((uint64_t)page, view->pages * 2);

                view->frames = xrealloc(view->frames, pages, sizeof *view->frames);
                memset(view->frames + view->pages, 0,
                       (size_t)(pages - view->pages) * sizeof *view->frames);
                view->pages = pages;
        }
        view->frames[page - 1] = offset;
}

/* A transaction's frames count only when its last one, the commit, is there. */
static void read_frames(struct view *view, uint64_t wal_size, bool big, uint32_t sum[2]) {
        _cleanup_free_ unsigned char *frame = xrealloc(NULL, FRAME_HEADER + view->page_size, 1);
        VEC(struct {
                uint32_t page;
                uint64_t offset;
        })
        pending = { 0 };
        uint64_t limit = wal_size / view->page_size + view->size / view->page_size + 1024;

        for (uint64_t at = WAL_HEADER; at + FRAME_HEADER + view->page_size <= wal_size;
             at += FRAME_HEADER + view->page_size) {
                uint32_t page, commit;

                if (bbolt_pread(view->wal, frame, FRAME_HEADER + view->page_size, at) !=
                            FRAME_HEADER + (ssize_t)view->page_size ||
                    memcmp(frame + 8, view->wal_header + 16, 8) != 0)
                        break;
                checksum(sum, frame, 8, big);
                checksum(sum, frame + FRAME_HEADER, view->page_size, big);
                page = big32(frame);
                commit = big32(frame + 4);
                if (big32(frame + 16) != sum[0] || big32(frame + 20) != sum[1] || page == 0 ||
                    page > limit || commit > limit)
                        break;
                *vec_push(&pending) = (__typeof__(*pending.items)){ page, at + FRAME_HEADER };
                if (commit == 0)
                        continue;
                for (size_t i = 0; i < pending.count; i++)
                        use_frame(view, pending.items[i].page, pending.items[i].offset);
                pending.count = 0;
                view->size = (uint64_t)commit * view->page_size;
        }
        vec_free(&pending);
}

static void read_wal(struct view *view, uint64_t wal_size) {
        unsigned char *header = view->wal_header;
        uint32_t sum[2] = { 0, 0 };
        bool big;

        memset(header, 0, WAL_HEADER);
        if (view->wal < 0 || bbolt_pread(view->wal, header, WAL_HEADER, 0) != WAL_HEADER ||
            (big32(header) & ~1u) != 0x377f0682 || big32(header + 8) != view->page_size)
                return;
        big = big32(header) & 1;
        checksum(sum, header, WAL_HEADER - 8, big);
        if (sum[0] == big32(header + 24) && sum[1] == big32(header + 28))
                read_frames(view, wal_size, big, sum);
}

/* --- the file system --- */

struct view_file {
        sqlite3_file base;
        struct view *view;
};

static int vfs_close(sqlite3_file *file _unused_) {
        return SQLITE_OK;
}

/* Reads within one page. */
static bool read_part(struct view *view, unsigned char *to, size_t size, uint64_t offset) {
        uint64_t page = offset / view->page_size, within = offset % view->page_size;
        bool in_wal = page < view->pages && view->frames[page];

        return bbolt_pread(in_wal ? view->wal : view->fd, to, size,
                           in_wal ? view->frames[page] + within : offset) == (ssize_t)size;
}

static int vfs_read(sqlite3_file *file, void *to, int amount, sqlite3_int64 offset) {
        struct view *view = ((struct view_file *)file)->view;
        unsigned char *bytes = to;
        size_t size = (size_t)amount, done = 0;
        uint64_t at = (uint64_t)offset;

        while (done < size && at + done < view->size) {
                size_t part =
                        MIN(size - done, (size_t)(view->page_size - (at + done) % view->page_size));

                if (!read_part(view, bytes + done, part, at + done))
                        return SQLITE_IOERR_READ;
                done += part;
        }
        /* Bytes 18 and 19 say that there is a WAL, which the view has done away with. */
        for (uint64_t i = 18; i < 20; i++)
                if (at <= i && i < at + done && bytes[i - at] == 2)
                        bytes[i - at] = 1;
        if (done == size)
                return SQLITE_OK;
        memset(bytes + done, 0, size - done);
        return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *file _unused_, const void *from _unused_, int n _unused_,
                     sqlite3_int64 at _unused_) {
        return SQLITE_READONLY;
}
static int vfs_truncate(sqlite3_file *file _unused_, sqlite3_int64 size _unused_) {
        return SQLITE_READONLY;
}
static int vfs_sync(sqlite3_file *file _unused_, int flags _unused_) {
        return SQLITE_OK;
}
static int vfs_size(sqlite3_file *file, sqlite3_int64 *ret) {
        *ret = (sqlite3_int64)((struct view_file *)file)->view->size;
        return SQLITE_OK;
}
static int vfs_lock(sqlite3_file *file _unused_, int level _unused_) {
        return SQLITE_OK;
}
static int vfs_is_locked(sqlite3_file *file _unused_, int *ret) {
        *ret = 0;
        return SQLITE_OK;
}
static int vfs_control(sqlite3_file *file _unused_, int op _unused_, void *arg _unused_) {
        return SQLITE_NOTFOUND;
}
static int vfs_sector(sqlite3_file *file _unused_) {
        return 4096;
}
static int vfs_characteristics(sqlite3_file *file _unused_) {
        return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = vfs_close,
        .xRead = vfs_read,
        .xWrite = vfs_write,
        .xTruncate = vfs_truncate,
        .xSync = vfs_sync,
        .xFileSize = vfs_size,
        .xLock = vfs_lock,
        .xUnlock = vfs_lock,
        .xCheckReservedLock = vfs_is_locked,
        .xFileControl = vfs_control,
        .xSectorSize = vfs_sector,
        .xDeviceCharacteristics = vfs_characteristics,
};

/* Only the database can be opened: no journal, no temporary file. */
static int vfs_open(sqlite3_vfs *vfs, const char *name _unused_, sqlite3_file *file, int flags,
                    int *ret_flags) {
        file->pMethods = NULL;
        if (!(flags & SQLITE_OPEN_MAIN_DB))
                return SQLITE_CANTOPEN;
        ((struct view_file *)file)->view = vfs->pAppData;
        file->pMethods = &methods;
        if (ret_flags)
                *ret_flags = SQLITE_OPEN_READONLY;
        return SQLITE_OK;
}
static int vfs_delete(sqlite3_vfs *vfs _unused_, const char *name _unused_, int sync _unused_) {
        return SQLITE_READONLY;
}
static int vfs_access(sqlite3_vfs *vfs _unused_, const char *name _unused_, int flags _unused_,
                      int *ret) {
        *ret = 0;
        return SQLITE_OK;
}
static int vfs_path(sqlite3_vfs *vfs _unused_, const char *name, int size, char *ret) {
        sqlite3_snprintf(size, ret, "%s", name);
        return SQLITE_OK;
}
static int vfs_random(sqlite3_vfs *vfs _unused_, int size, char *ret) {
        memset(ret, 0, (size_t)size);
        return size;
}
static int vfs_sleep(sqlite3_vfs *vfs _unused_, int us) {
        return us;
}
static int vfs_time(sqlite3_vfs *vfs _unused_, double *ret) {
        *ret = 0;
        return SQLITE_OK;
}

/* --- rows --- */

static struct str blob(sqlite3_stmt *rows, int column) {
        const void *bytes = sqlite3_column_blob(rows, column);
        int size = sqlite3_column_bytes(rows, column);

        return (struct str){ bytes ? bytes : "", bytes ? (size_t)size : 0 };
}

/* The rows' own plaintext Secrets: what is found beyond them in raw bytes is residue. */
static uint64_t take_row(struct at_rest *found, sqlite3_stmt *rows) {
        struct census_record record = { .key = blob(rows, 0),
                                        .revision = sqlite3_column_int64(rows, 1),
                                        .deleted = sqlite3_column_int(rows, 2) != 0 };
        struct str value = blob(rows, 3), old = blob(rows, 4);
        uint64_t secrets = residue_is_secret(value) + residue_is_secret(old);

        record.value = value;
        census_add(&found->census, &record);
        /* What was deleted, and what was there before where that row is gone, is history. */
        record.deleted = false;
        if (sqlite3_column_int(rows, 2) && value.len > 0)
                census_add(&found->census, &record);
        record.value = old;
        record.revision = sqlite3_column_int64(rows, 5);
        if (old.len > 0 && !sqlite3_column_int(rows, 6))
                census_add(&found->census, &record);
        return secrets;
}

static int read_rows(struct at_rest *found, sqlite3 *db, uint64_t *ret_secrets) {
        static const char query[] =
                "SELECT name, id, deleted, value, old_value, prev_revision, EXISTS("
                "SELECT 1 FROM kine AS p WHERE p.id = kine.prev_revision) "
                "FROM kine ORDER BY id DESC";
        sqlite3_stmt *rows = NULL;
        int r = sqlite3_prepare_v2(db, query, -1, &rows, NULL);

        while (r == SQLITE_OK && (r = sqlite3_step(rows)) == SQLITE_ROW) {
                *ret_secrets += take_row(found, rows);
                r = SQLITE_OK;
        }
        if (sqlite3_finalize(rows) != SQLITE_OK && r == SQLITE_DONE)
                r = SQLITE_ERROR;
        return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int64_t compacted(sqlite3 *db) {
        sqlite3_stmt *row = NULL;
        int64_t revision = 0;

        if (sqlite3_prepare_v2(db, "SELECT prev_revision FROM kine WHERE name = 'compact_rev_key'",
                               -1, &row, NULL) == SQLITE_OK &&
            sqlite3_step(row) == SQLITE_ROW)
                revision = sqlite3_column_int64(row, 0);
        sqlite3_finalize(row);
        return revision;
}

/* --- free pages --- */

struct free_pages {
        struct bbolt_bits free;
        uint64_t hits, all, last;
        uint32_t page_size;
};

/* The list of free pages: trunks, each with the next one, a count and numbers (section 1.5). */
static void find_free(struct view *view, struct free_pages *free) {
        struct view_file file = { .view = view };
        unsigned char head[HEADER];
        _cleanup_free_ unsigned char *trunk = xrealloc(NULL, view->page_size, 1);
        uint32_t next;

        bbolt_bits_init(&free->free, view->size / view->page_size);
        if (vfs_read(&file.base, head, HEADER, 0) != SQLITE_OK)
                return;
        next = big32(head + 32);
        for (int i = 0; i < TRUNK_PAGES_MAX && next > 0; i++) {
                uint32_t count;

                if (bbolt_set_bit(&free->free, next - 1) ||
                    vfs_read(&file.base, trunk, (int)view->page_size,
                             (int64_t)(next - 1) * view->page_size) != SQLITE_OK)
                        return;
                count = MIN(big32(trunk + 4), view->page_size / 4 - 2);
                for (uint32_t k = 0; k < count; k++) {
                        uint32_t page = big32(trunk + 8 + 4 * (size_t)k);

                        if (page > 0)
                                bbolt_set_bit(&free->free, page - 1);
                }
                next = big32(trunk);
        }
}

static void count_page(struct view *view, struct free_pages *free, unsigned char *page,
                       uint64_t number) {
        struct view_file file = { .view = view };
        uint64_t hits;

        if (vfs_read(&file.base, page, (int)view->page_size, (int64_t)(number * view->page_size)) !=
            SQLITE_OK)
                return;
        hits = residue_count((struct str){ (const char *)page, view->page_size });
        if (bbolt_bit(&free->free, number))
                free->hits += hits > 0;
        else
                free->all += hits;
}

/* SECRETS: what the rows have. A row that begins at the end of a page can hide its Secret from the
 * search, so slack is what is surely more than that. */
static void read_residue(struct at_rest *found, struct view *view, uint64_t secrets) {
        _cleanup_free_ unsigned char *page = xrealloc(NULL, view->page_size, 1);
        struct free_pages free = { .page_size = view->page_size };

        find_free(view, &free);
        for (uint64_t i = 0; i < view->size / view->page_size; i++) {
                found->free_pages += bbolt_bit(&free.free, i);
                count_page(view, &free, page, i);
        }
        bbolt_bits_free(&free.free);
        found->residue.freed_pages = free.hits;
        found->residue.slack = free.all > secrets ? free.all - secrets : 0;
        found->pages = view->size / view->page_size;
        found->page_size = view->page_size;
}

/* --- all --- */

static int open_view(struct at_rest *found, struct view *view) {
        unsigned char head[HEADER];

        *view = (struct view){ .fd = found->main.fd,
                               .wal = found->logs.count ? found->logs.items[0].fd : -1,
                               .size = found->main.size };
        if (bbolt_pread(view->fd, head, HEADER, 0) != HEADER)
                return -EIO;
        view->page_size = (uint32_t)(head[16] << 8 | head[17]);
        if (view->page_size == 1)
                view->page_size = PAGE_MAX;
        if (view->page_size < PAGE_MIN || (view->page_size & (view->page_size - 1)))
                return -EUCLEAN;
        read_wal(view, found->logs.count ? found->logs.items[0].size : 0);
        return 0;
}

/* Whether the WAL is still the one that the view was made of. */
static bool is_current(const struct view *view) {
        unsigned char header[WAL_HEADER] = { 0 };

        return view->wal < 0 || bbolt_pread(view->wal, header, WAL_HEADER, 0) < WAL_HEADER ||
               memcmp(header, view->wal_header, WAL_HEADER) == 0;
}

static int read_view(struct at_rest *found, struct view *view, struct error *error) {
        sqlite3_vfs vfs = { .iVersion = 1,
                            .szOsFile = sizeof(struct view_file),
                            .mxPathname = 512,
                            .zName = VFS_NAME,
                            .pAppData = view,
                            .xOpen = vfs_open,
                            .xDelete = vfs_delete,
                            .xAccess = vfs_access,
                            .xFullPathname = vfs_path,
                            .xRandomness = vfs_random,
                            .xSleep = vfs_sleep,
                            .xCurrentTime = vfs_time };
        uint64_t secrets = 0;
        sqlite3 *db = NULL;
        int r;

        sqlite3_vfs_register(&vfs, 0);
        r = sqlite3_open_v2("kine", &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_PRIVATECACHE, VFS_NAME);
        if (r == SQLITE_OK)
                r = sqlite3_exec(db,
                                 "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; "
                                 "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096",
                                 NULL, NULL, NULL);
        if (r == SQLITE_OK)
                r = read_rows(found, db, &secrets);
        if (r == SQLITE_OK)
                found->compacted = compacted(db);
        else
                error_set(error, -EUCLEAN, "%s", sqlite3_errmsg(db));
        sqlite3_close(db);
        sqlite3_vfs_unregister(&vfs);
        if (r == SQLITE_OK)
                read_residue(found, view, secrets);
        return r == SQLITE_OK ? 0 : -EUCLEAN;
}

void at_rest_read_kine(struct at_rest *found) {
        struct error error = { 0 };
        struct view view = { 0 };
        int r = 0;

        found->history_known = found->residue_known = true;
        for (int i = 0; i < READ_TRIES; i++) {
                bool current;

                census_free(&found->census);
                census_init(&found->census, found->options.prefix);
                found->census.want_names = found->options.names;
                r = open_view(found, &view);
                if (r >= 0)
                        r = read_view(found, &view, &error);
                else
                        error_set(&error, r, "the head of the file is damaged");
                current = is_current(&view);
                free(view.frames);
                if (current)
                        break;
                found->rereads++;
        }
        found->revision = found->census.newest;
        if (r < 0) {
                at_rest_problem(found, "%.*s: cannot be read: %s", STR_ARG(found->main.path),
                                error.message);
                return;
        }
        for (size_t i = 0; i < found->logs.count; i++)
                residue_scan(found->logs.items[i].fd, 0, found->logs.items[i].size, NULL, NULL,
                             &found->residue.wal);
}
