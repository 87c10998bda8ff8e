/*
 * Arenas: memory that is freed all at once.
 *
 * One arena per document, per object judged, per scan. Allocation is a pointer bump; nothing is
 * freed alone. `arena_reset` keeps the blocks for the next use, so a hot loop that resets its arena
 * stops calling malloc.
 *
 * `arena_alloc` never fails: it ends the process with a message when the machine is out of memory,
 * because there is nothing better to do. What untrusted input can ask for is bounded by the limits
 * of its reader, not here.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena_block;

struct arena {
        struct arena_block *first;   /* all blocks, in order of use */
        struct arena_block *current; /* the one being filled */
        char *next, *end;            /* free space of the current block */
        size_t reserved;             /* bytes in all blocks */
};

#define ARENA_INIT ((struct arena){ 0 })

/* SIZE bytes, zeroed, aligned for any type. Never NULL; aborts with a message when memory is
 * exhausted. */
void *arena_alloc(struct arena *arena, size_t size);

/* COUNT elements of SIZE bytes, zeroed; the product is checked. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

/* The same bytes in memory of ARENA, with a NUL after them that is not counted. */
struct str arena_str(struct arena *arena, struct str s);

/* SIZE bytes of DATA, copied. */
void *arena_copy(struct arena *arena, const void *data, size_t size);

struct str arena_printf(struct arena *arena, const char *format, ...)
        __attribute__((format(printf, 2, 3), nonnull(2)));
struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
        __attribute__((format(printf, 2, 0), nonnull(2)));

/* A point to come back to: everything allocated since is given up. */
struct arena_mark {
        struct arena_block *block;
        char *next;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

/* Forgets everything and keeps at most KEEP bytes of blocks for the next use. */
void arena_reset(struct arena *arena, size_t keep);

/* Moves all memory of FROM into ARENA; what was allocated there stays valid. FROM is empty after.
 */
void arena_adopt(struct arena *arena, struct arena *from);

/* Gives all memory back. ARENA may be used again. */
void arena_free(struct arena *arena);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_new_array(arena, count, type)                                                        \
        ((type *)arena_alloc_array((arena), (count), sizeof(type)))

/* For _cleanup_: struct arena a _cleanup_(arena_free) = ARENA_INIT; */
