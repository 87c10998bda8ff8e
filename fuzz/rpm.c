/*
 * Headers of rpm: what is read lies within the header, and gives a version.
 */
#include <stdlib.h>

#include "node/rpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena arena = ARENA_INIT;
        struct str input = { (const char *)data, size };
        struct rpm_header header;

        if (rpm_header_read(input, &header) == 0) {
                const struct str *parts[] = { &header.name, &header.version, &header.release };

                for (size_t i = 0; i < 3; i++)
                        if (parts[i]->len == 0 || parts[i]->ptr < input.ptr ||
                            parts[i]->ptr + parts[i]->len >= input.ptr + input.len)
                                abort();
                if (rpm_version(&arena, &header).len < 3)
                        abort();
        }
        arena_free(&arena);
        return 0;
}
