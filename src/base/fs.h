/*
 * Reading files that may be hostile.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"

/* Reads the regular file NAME (or, with FD >= 0, that descriptor) whole into BUF, at most LIMIT
 * bytes. A file that grows or shrinks while it is read yields what was there; nothing is mapped, so
 * it cannot raise SIGBUS. A FIFO, device or socket is refused unless ANY_TYPE. Returns 0, -EFBIG
 * beyond LIMIT, -EISDIR, -ENXIO for other file types, or what open/read said. */
int fs_read(const char *name, int fd, size_t limit, bool any_type, struct buf *buf,
            struct error *error);

/* 1 where NAME is a folder, 0 where it is something else, a negative errno where it cannot be
 * looked at. */
int fs_is_folder(const char *name);

/* Reads a line, without its end, into BUF. Returns 1, 0 at the end of FILE, or -E2BIG for one of
 * more than LIMIT bytes, which is passed over. */
int fs_read_line(FILE *file, size_t limit, struct buf *buf);
