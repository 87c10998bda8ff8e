/*
 * SQLite databases, read while somebody else may write them.
 *
 * SQLite itself reads the tables, but through a file system of our own. It reads with pread, takes
 * no lock, makes no file, and shows the database as it will be when the pages that lie in the WAL
 * are in place: the last committed copy of each (SQLite file format, section 4). So whoever writes
 * it goes on, and nothing of it is touched. Where the WAL was begun anew meanwhile
 * (sqlite_view_is_current), what was read may be of two states: read all again.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SQLITE_VIEW_WAL_HEADER = 32 };

struct sqlite_view {
        int fd, wal;   /* WAL: -1 where there is none */
        uint64_t size; /* of the database, as the view shows it */
        uint32_t page_size;
        uint64_t *frames; /* by page number - 1: where its page lies in the WAL; 0: in the file */
        uint64_t pages;
        unsigned char wal_header[SQLITE_VIEW_WAL_HEADER];
        char name[32]; /* of the file system */
        sqlite3_vfs vfs;
};

/* Makes the view of the database FD of SIZE bytes with the WAL of WAL_SIZE bytes. Both descriptors
 * stay the caller's. 0, -EIO or -EUCLEAN (the head is damaged). Ends with sqlite_view_close, also
 * after an error. */
int sqlite_view_open(struct sqlite_view *view, int fd, uint64_t size, int wal, uint64_t wal_size);
void sqlite_view_close(struct sqlite_view *view);

/* Whether the WAL is still the one that the view was made of. */
bool sqlite_view_is_current(const struct sqlite_view *view);

/* Reads SIZE bytes at OFFSET, as the view shows them. */
bool sqlite_view_read(struct sqlite_view *view, void *to, size_t size, uint64_t offset);

/* A connection for reading. A code of SQLite; whatever it is, sqlite_view_disconnect ends it. */
int sqlite_view_connect(struct sqlite_view *view, sqlite3 **ret);
void sqlite_view_disconnect(struct sqlite_view *view, sqlite3 *db);
