/* sshd_config: any text. */
#include <stdlib.h>

#include "base/util.h"
#include "node/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct sshd_config config = { 0 };
        struct str match = STR("");

        sshd_parse(&arena, STR("f"), (struct str){ (const char *)data, size }, &match, &config);
        for (size_t i = 0; i < config.count; i++)
                if (config.items[i].place.line == 0 || config.items[i].place.line > size + 1)
                        abort();
        return 0;
}
