/*
 * Listing the files below a folder, in an order that does not depend on the file system.
 *
 * Symbolic links are followed; a folder that is its own ancestor is not entered again. Depth is
 * bounded.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct walk {
        /* Whether to enter folder PATH / to report file PATH. RELATIVE is the path below the start.
         * NULL: all. */
        bool (*wants)(void *userdata, struct str path, struct str relative, bool folder);
        /* A file that was wanted. SIZE in bytes. Negative stops the walk with that code. */
        int (*file)(void *userdata, struct str path, uint64_t size);
        /* A folder or link that could not be read; the walk goes on. */
        void (*problem)(void *userdata, struct str path, const char *message);
        void *userdata;
};

enum { WALK_MAX_DEPTH = 64 };

/* Visits START: a file is reported as it is, whatever `wants` says; a folder with everything below.
 * Strings handed out live in ARENA. Returns 0, what `file` returned, or a negative errno where
 * START itself cannot be looked at. */
int walk_path(struct arena *arena, struct str start, const struct walk *walk, struct error *error);
