/*
 * Fuzzes the reader of snapshots: whatever the bytes, they are refused, or give objects and
 * problems. They are read as they are, and as the lines of a snapshot that was well packed.
 */
#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/util.h"
#include "inventory/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const struct input_list *list, int r, const struct error *error) {
        assert(r >= 0 || error->message[0]);
        for (size_t i = 0; i < list->files.count; i++)
                assert(list->files.items[i].path.len > 0 && list->files.items[i].text.ptr);
        for (size_t i = 0; i < list->problems.count; i++)
                assert(list->problems.items[i].file.len > 0);
}

static void read_bytes(const void *bytes, size_t size) {
        struct input_list list _cleanup_(input_free) = { 0 };
        struct buf path _cleanup_(buf_free) = BUF_INIT;
        struct error error = { 0 };
        int fd = memfd_create("snapshot", MFD_CLOEXEC);

        assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
        buf_printf(&path, "/proc/self/fd/%d", fd);
        check_list(&list, input_add_snapshot(&list, path.data, &error), &error);
        close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t room = ZSTD_compressBound(size), packed;
        char *bytes = xrealloc(NULL, 1, room);

        read_bytes(data, size);
        packed = ZSTD_compress(bytes, room, data, size, 1);
        assert(!ZSTD_isError(packed));
        read_bytes(bytes, packed);
        free(bytes);
        return 0;
}
