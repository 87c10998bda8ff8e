/*
 * Small tools of the language: scoped cleanup, ownership transfer, checked arithmetic.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _unused_ __attribute__((unused))
#define _noreturn_ __attribute__((noreturn))
#define _pure_ __attribute__((pure))

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Hands a pointer over: the variable is NULL afterwards, so its cleanup does nothing. */
#define TAKE_PTR(pointer)                                                                          \
        ({                                                                                         \
                __typeof__(pointer) *p_ = &(pointer);                                              \
                __typeof__(pointer) v_ = *p_;                                                      \
                *p_ = NULL;                                                                        \
                v_;                                                                                \
        })

#define TAKE_FD(fd)                                                                                \
        ({                                                                                         \
                int *p_ = &(fd);                                                                   \
                int v_ = *p_;                                                                      \
                *p_ = -1;                                                                          \
                v_;                                                                                \
        })

/* Each argument is evaluated once; __COUNTER__ keeps the names of nested uses apart. */
#define MIN(a, b) COMPARE_(a, <, b, __COUNTER__)
#define MAX(a, b) COMPARE_(a, >, b, __COUNTER__)
#define COMPARE_(a, op, b, unique) COMPARE__(a, op, b, unique)
#define COMPARE__(a, op, b, unique)                                                                \
        ({                                                                                         \
                __typeof__(a) left_##unique = (a);                                                 \
                __typeof__(b) right_##unique = (b);                                                \
                left_##unique op right_##unique ? left_##unique : right_##unique;                  \
        })

/* Cleanups. Each accepts the "nothing" value. */
void close_fd(int *fd);
void close_file(FILE **file);
void free_ptr(void *pointer_to_pointer);

#define _cleanup_close_ _cleanup_(close_fd)
#define _cleanup_fclose_ _cleanup_(close_file)
#define _cleanup_free_ _cleanup_(free_ptr)

/* malloc that does not fail: prints one line and ends the process with status 2. */
void *xrealloc(void *memory, size_t count, size_t size);
_noreturn_ void out_of_memory(void);
