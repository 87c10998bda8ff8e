/*
 * Errors.
 *
 * A function that can fail returns 0 or a negative errno. Where a person has to be told more, it
 * also takes a `struct error *` as its last parameter: untouched on success, filled on failure, may
 * be NULL. Libraries never print.
 */
#pragma once

#include <stdarg.h>
#include <stdint.h>

#include "base/str.h"

struct error {
        char message[1024]; /* one sentence, no newline, control characters escaped by whoever
                               prints it */
        char file[512];     /* empty where there is none */
        uint32_t line;      /* 1-based, 0 where unknown */
        uint32_t column;    /* 1-based, in characters */
};

/* Writes the message and returns CODE (negative), so that `return error_set(error, -EINVAL, "...")`
 * reads well. */
int error_set(struct error *error, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The same with a place in the text being read. */
int error_set_at(struct error *error, int code, uint32_t line, uint32_t column, const char *format,
                 ...) __attribute__((format(printf, 5, 6)));

/* Adds the file, where the function that failed did not know it. */
void error_set_file(struct error *error, struct str file);
