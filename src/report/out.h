/*
 * Where writers write: a buffer that spills into a stream, so that a report of any size needs
 * little memory.
 *
 * A writer appends to `buf` and calls out_spill after each item. The first error of the stream is
 * kept and everything after it is dropped, so writers need not look.
 */
#pragma once

#include <stdio.h>

#include "base/buf.h"

struct out {
        struct buf buf;
        FILE *file;
        int error; /* 0 or negative errno */
};

/* Writes the buffer to the stream when it has grown large. */
void out_spill(struct out *out);

/* Writes what is left, frees the buffer and returns the first error. */
int out_finish(struct out *out);
