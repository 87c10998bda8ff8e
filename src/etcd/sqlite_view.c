/*
 * The view of an SQLite database: its WAL, and the file system that shows it to SQLite.
 */
#include "etcd/sqlite_view.h"

#include <errno.h>

#include "base/util.h"
#include "base/vec.h"
#include "etcd/bbolt.h"

enum {
        WAL_HEADER = SQLITE_VIEW_WAL_HEADER,
        FRAME_HEADER = 24,
        PAGE_MIN = 512,
        PAGE_MAX = 65536,
        HEADER = 100,
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

static void use_frame(struct sqlite_view *view, uint32_t page, uint64_t offset) {
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
static void read_frames(struct sqlite_view *view, uint64_t wal_size, bool big, uint32_t sum[2]) {
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

static void read_wal(struct sqlite_view *view, uint64_t wal_size) {
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
        struct sqlite_view *view;
};

static int vfs_close(sqlite3_file *file _unused_) {
        return SQLITE_OK;
}

/* Reads within one page. */
static bool read_part(struct sqlite_view *view, unsigned char *to, size_t size, uint64_t offset) {
        uint64_t page = offset / view->page_size, within = offset % view->page_size;
        bool in_wal = page < view->pages && view->frames[page];

        return bbolt_pread(in_wal ? view->wal : view->fd, to, size,
                           in_wal ? view->frames[page] + within : offset) == (ssize_t)size;
}

static int vfs_read(sqlite3_file *file, void *to, int amount, sqlite3_int64 offset) {
        struct sqlite_view *view = ((struct view_file *)file)->view;
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

/* --- all --- */

int sqlite_view_open(struct sqlite_view *view, int fd, uint64_t size, int wal, uint64_t wal_size) {
        unsigned char head[HEADER];

        *view = (struct sqlite_view){ .fd = fd, .wal = wal, .size = size };
        if (bbolt_pread(view->fd, head, HEADER, 0) != HEADER)
                return -EIO;
        view->page_size = (uint32_t)(head[16] << 8 | head[17]);
        if (view->page_size == 1)
                view->page_size = PAGE_MAX;
        if (view->page_size < PAGE_MIN || (view->page_size & (view->page_size - 1)))
                return -EUCLEAN;
        read_wal(view, wal_size);
        return 0;
}

void sqlite_view_close(struct sqlite_view *view) {
        free(view->frames);
        view->frames = NULL;
        view->pages = 0;
}

bool sqlite_view_is_current(const struct sqlite_view *view) {
        unsigned char header[WAL_HEADER] = { 0 };

        return view->wal < 0 || bbolt_pread(view->wal, header, WAL_HEADER, 0) < WAL_HEADER ||
               memcmp(header, view->wal_header, WAL_HEADER) == 0;
}

bool sqlite_view_read(struct sqlite_view *view, void *to, size_t size, uint64_t offset) {
        struct view_file file = { .view = view };

        return vfs_read(&file.base, to, (int)size, (int64_t)offset) == SQLITE_OK;
}

int sqlite_view_connect(struct sqlite_view *view, sqlite3 **ret) {
        int r;

        snprintf(view->name, sizeof view->name, "redoubt-%p", (void *)view);
        view->vfs = (sqlite3_vfs){ .iVersion = 1,
                                   .szOsFile = sizeof(struct view_file),
                                   .mxPathname = 512,
                                   .zName = view->name,
                                   .pAppData = view,
                                   .xOpen = vfs_open,
                                   .xDelete = vfs_delete,
                                   .xAccess = vfs_access,
                                   .xFullPathname = vfs_path,
                                   .xRandomness = vfs_random,
                                   .xSleep = vfs_sleep,
                                   .xCurrentTime = vfs_time };
        *ret = NULL;
        sqlite3_vfs_register(&view->vfs, 0);
        r = sqlite3_open_v2("view", ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_PRIVATECACHE,
                            view->name);
        if (r == SQLITE_OK)
                r = sqlite3_exec(*ret,
                                 "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; "
                                 "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096",
                                 NULL, NULL, NULL);
        return r;
}

void sqlite_view_disconnect(struct sqlite_view *view, sqlite3 *db) {
        sqlite3_close(db);
        sqlite3_vfs_unregister(&view->vfs);
}
