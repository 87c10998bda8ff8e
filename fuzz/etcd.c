/*
 * Fuzzes what etcd leaves on disks: whatever the bytes, they are read as a database, a segment of
 * the write-ahead log and a configuration within bounds, nothing is counted that cannot be there,
 * and what cannot be read is told. A meta with the right magic gets the right checksum, so that
 * what lies behind it is reached.
 */
#include <assert.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/util.h"
#include "etcd/at_rest.h"
#include "etcd/bbolt_page.h"
#include "etcd/encryption.h"
#include "etcd/residue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fix_meta(unsigned char *page, size_t left) {
        uint64_t hash = 0xcbf29ce484222325u;

        if (left < 80 || load32(page + 16) != 0xED0CDAEDu)
                return;
        for (size_t i = 16; i < 72; i++)
                hash = (hash ^ page[i]) * 0x100000001b3u;
        memcpy(page + 72, &hash, 8);
}

static void read_database(int fd, size_t size) {
        struct at_rest found _cleanup_(at_rest_free) = { 0 };
        struct at_rest_file file = { .path = STR("file"), .fd = fd, .size = size };

        at_rest_init(&found, &(struct at_rest_options){ .names = true });
        found.main = file;
        found.main.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        at_rest_read(&found);
        for (size_t i = 0; i < found.census.resources.count; i++) {
                const struct census_resource *resource = found.census.resources.entries[i].value;

                assert(resource->values ==
                       resource->plaintext + resource->encrypted + resource->unknown);
        }
        assert(found.census.keys <= size / 16 && found.residue.freed_pages <= size / 512);
        at_rest_read_segment(&found, &file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        _cleanup_free_ unsigned char *copy = xrealloc(NULL, size + 1, 1);
        struct encryption config;
        struct error error = { 0 };
        int fd = memfd_create("fuzz", MFD_CLOEXEC);

        memcpy(copy, data, size);
        fix_meta(copy, size);
        for (size_t page = 1024; page <= 65536 && page < size; page *= 2)
                fix_meta(copy + page, size - page);
        if (fd < 0 || write(fd, copy, size) != (ssize_t)size)
                return 0;
        read_database(fd, size);
        close(fd);
        if (encryption_read(&arena, STR("file"), (struct str){ (const char *)data, size }, &config,
                            &error) < 0)
                assert(error.message[0]);
        return 0;
}
