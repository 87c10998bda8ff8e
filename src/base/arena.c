#include "base/arena.h"

#include <stdio.h>
#include <sys/mman.h>

#include "base/util.h"

enum { FIRST_BLOCK = 16 << 10, MAX_BLOCK = 1 << 20, ALIGNMENT = 16 };

/* An arena that has this much already takes huge pages, one a block: what is written once and read
 * once mostly costs page faults. */
enum { HUGE_FROM = 8 << 20, HUGE_PAGE = 2 << 20 };

struct arena_block {
        struct arena_block *next;
        size_t size; /* of data */
        char data[] __attribute__((aligned(ALIGNMENT)));
};

static void use_block(struct arena *arena, struct arena_block *block) {
        arena->current = block;
        arena->next = block->data;
        arena->end = block->data + block->size;
}

/* A block of at least WANTED bytes. */
static struct arena_block *new_block(const struct arena *arena, size_t wanted) {
        struct arena_block *block;

        if (arena->reserved >= HUGE_FROM && wanted <= HUGE_PAGE - sizeof *block) {
                block = aligned_alloc(HUGE_PAGE, HUGE_PAGE);
                wanted = HUGE_PAGE - sizeof *block;
                if (block)
                        madvise(block, HUGE_PAGE, MADV_HUGEPAGE); /* only a wish */
        } else {
                block = malloc(sizeof *block + wanted);
        }
        if (!block)
                out_of_memory();
        block->size = wanted;
        return block;
}

/* Makes the next block current: an old one that is large enough, or a new one behind the current.
 */
static void add_block(struct arena *arena, size_t size) {
        struct arena_block *block = arena->current ? arena->current->next : arena->first;
        size_t wanted;

        if (block && block->size >= size) {
                use_block(arena, block);
                return;
        }
        wanted = arena->current ? MIN(arena->current->size * 2, (size_t)MAX_BLOCK)
                                : (size_t)FIRST_BLOCK;
        wanted = MAX(wanted, size);
        block = new_block(arena, wanted);
        if (arena->current) {
                block->next = arena->current->next;
                arena->current->next = block;
        } else {
                block->next = arena->first;
                arena->first = block;
        }
        arena->reserved += block->size;
        use_block(arena, block);
}

void *arena_alloc(struct arena *arena, size_t size) {
        char *memory;

        if (size > SIZE_MAX / 2)
                out_of_memory();
        size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        if ((size_t)(arena->end - arena->next) < size || !arena->next)
                add_block(arena, size);
        memory = arena->next;
        arena->next += size;
        memset(memory, 0, size);
        return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size) {
        size_t bytes;

        if (__builtin_mul_overflow(count, size, &bytes))
                out_of_memory();
        return arena_alloc(arena, bytes);
}

void *arena_copy(struct arena *arena, const void *data, size_t size) {
        void *copy = arena_alloc(arena, size);

        if (size > 0)
                memcpy(copy, data, size);
        return copy;
}

struct str arena_str(struct arena *arena, struct str s) {
        char *copy = arena_alloc(arena, s.len + 1);

        if (s.len > 0)
                memcpy(copy, s.ptr, s.len);
        return (struct str){ copy, s.len };
}

struct str arena_vprintf(struct arena *arena, const char *format, va_list args) {
        va_list again;
        int length;
        char *text;

        va_copy(again, args);
        length = vsnprintf(NULL, 0, format, again);
        va_end(again);
        if (length < 0)
                return STR("");
        text = arena_alloc(arena, (size_t)length + 1);
        vsnprintf(text, (size_t)length + 1, format, args);
        return (struct str){ text, (size_t)length };
}

struct str arena_printf(struct arena *arena, const char *format, ...) {
        struct str text;
        va_list args;

        va_start(args, format);
        text = arena_vprintf(arena, format, args);
        va_end(args);
        return text;
}

struct arena_mark arena_mark(const struct arena *arena) {
        return (struct arena_mark){ arena->current, arena->next };
}

void arena_rewind(struct arena *arena, struct arena_mark mark) {
        if (!mark.block) {
                arena->current = NULL;
                arena->next = arena->end = NULL;
                return;
        }
        use_block(arena, mark.block);
        arena->next = mark.next;
}

void arena_reset(struct arena *arena, size_t keep) {
        struct arena_block **link = &arena->first;
        size_t kept = 0;

        while (*link) {
                struct arena_block *block = *link;

                if (kept + block->size <= keep) {
                        kept += block->size;
                        link = &block->next;
                        continue;
                }
                *link = block->next;
                free(block);
        }
        arena->reserved = kept;
        arena->current = NULL;
        arena->next = arena->end = NULL;
}

void arena_free(struct arena *arena) {
        arena_reset(arena, 0);
}

/* Adopted blocks go to the front, where they are never taken for free ones. */
void arena_adopt(struct arena *arena, struct arena *from) {
        struct arena_block *last = from->first;

        if (!last)
                return;
        if (!arena->current) {
                arena_free(arena);
                *arena = *from;
                *from = ARENA_INIT;
                return;
        }
        while (last->next)
                last = last->next;
        last->next = arena->first;
        arena->first = from->first;
        arena->reserved += from->reserved;
        *from = ARENA_INIT;
}
