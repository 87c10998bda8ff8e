/*
 * Reading beneath a root.
 *
 * A path is taken to begin at the root, whatever it begins with, and no link leads out of it: the
 * kernel resolves it with openat2(2) and RESOLVE_IN_ROOT, so an absolute link within a mounted
 * image means that image. The tree may be hostile: only regular files are read (opened without
 * blocking), up to a bound; links of /proc that are no paths are not followed, but for root_enter.
 */
#pragma once

#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/vec.h"

enum {
        ROOT_FILE_MAX = 8 << 20, /* bytes of a configuration file */
        ROOT_LIST_MAX = 20000,   /* entries of a folder */
        ROOT_PATH_MAX = 4096
};

struct root {
        int fd;          /* -1: none */
        bool live;       /* it is the machine that this runs on */
        struct str path; /* as given */
};

/* Opens PATH. Its text must live as long as ROOT. */
int root_open(const char *path, struct root *ret, struct error *error);
void root_close(struct root *root);

/* Reads the regular file PATH whole. Returns 0, -EFBIG beyond LIMIT, -ENXIO for what is no regular
 * file, or what open said (-ENOENT, -EACCES, -ELOOP ...). RET is emptied first. Files of /proc have
 * no size and are read to their end. */
int root_read(const struct root *root, struct str path, size_t limit, struct buf *ret);

/* Of what PATH is in the end; with FOLLOW false, of the last link itself. */
int root_stat(const struct root *root, struct str path, bool follow, struct stat *ret);

bool root_exists(const struct root *root, struct str path);

/* What the link PATH says, in ARENA. */
int root_readlink(const struct root *root, struct str path, struct arena *arena, struct str *ret);

/* Where PATH really is, below the root, in ARENA ("/run/x" for "/var/run/x"). */
int root_resolve(const struct root *root, struct str path, struct arena *arena, struct str *ret);

/* The names in folder PATH, sorted, in ARENA; -E2BIG where there are more than ROOT_LIST_MAX (those
 * are returned). */
struct root_names {
        struct str *items;
        size_t count, capacity;
};
int root_list(const struct root *root, struct str path, struct arena *arena,
              struct root_names *ret);

/* The root directory that the process PID sees, as a root of its own: its files, when it runs in
 * a container. */
int root_enter(const struct root *root, unsigned pid, struct arena *arena, struct root *ret);

/* An open descriptor (O_PATH) of PATH. */
int root_open_path(const struct root *root, struct str path);

/* A descriptor of the regular file PATH that can be read from. */
int root_open_file(const struct root *root, struct str path);
