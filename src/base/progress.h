/*
 * The progress line: "judging  412/1,903 files  18.2 MB  examples/shop/cart.yaml".
 *
 * Only a terminal gets one, on standard error, and only when the work takes longer than half a
 * second. It is drawn at most ten times a second, cut to the width of the terminal, and leaves no
 * trace when it is hidden. Calls are cheap enough for every file. One thread uses it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct progress {
        int fd;               /* -1: there is nothing to draw on */
        const char *what;     /* "judging" */
        int64_t start, drawn; /* ns of the monotonic clock; drawn 0: never */
        bool visible;
        struct buf line;
};

/* The state of the work. */
struct progress_state {
        size_t done, total; /* files; total 0: unknown */
        size_t bytes;       /* done */
        struct str current; /* what is being done: any bytes */
};

/* Begins to measure. Draws on FD where it is a terminal and ENABLED. WHAT is kept. */
void progress_start(struct progress *progress, int fd, const char *what, bool enabled);

void progress_update(struct progress *progress, const struct progress_state *state);

/* Takes the line away, so that something else can be printed; the next update draws it again. */
void progress_hide(struct progress *progress);

/* Takes the line away for good. */
void progress_end(struct progress *progress);

/* The line for a terminal of WIDTH columns, as `progress_update` draws it (for tests). */
void progress_format(struct buf *buf, const char *what, const struct progress_state *state,
                     size_t width);
