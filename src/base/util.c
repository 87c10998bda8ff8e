#include "base/util.h"

#include "base/vec.h"

void close_fd(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

void close_file(FILE **file) {
        if (*file)
                fclose(*file);
        *file = NULL;
}

void free_ptr(void *pointer_to_pointer) {
        void **pointer = pointer_to_pointer;

        free(*pointer);
        *pointer = NULL;
}

void out_of_memory(void) {
        static const char message[] = "redoubt: out of memory\n";
        ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);

        (void)written;
        _exit(2);
}

void *xrealloc(void *memory, size_t count, size_t size) {
        size_t bytes;

        if (__builtin_mul_overflow(count, size, &bytes))
                out_of_memory();
        memory = realloc(memory, bytes ? bytes : 1);
        if (!memory)
                out_of_memory();
        return memory;
}

void *vec_grow(void *items, size_t count, size_t *capacity, size_t size, struct arena *arena) {
        if (count == *capacity) {
                size_t wanted = count ? count * 2 : 8;

                if (wanted < count)
                        out_of_memory();
                if (arena) {
                        void *grown = arena_alloc_array(arena, wanted, size);

                        if (count > 0)
                                memcpy(grown, items, count * size);
                        items = grown;
                } else
                        items = xrealloc(items, wanted, size);
                *capacity = wanted;
        }
        memset((char *)items + count * size, 0, size);
        return items;
}
