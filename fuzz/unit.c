/* Unit files, environment files and the words of a command: any text. */
#include <stdlib.h>

#include "base/util.h"
#include "node/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str text = { (const char *)data, size };
        struct variables variables = { 0 };
        struct unit unit = { 0 };
        struct words words = { 0 };

        unit_parse(&arena, STR("f"), text, &unit);
        for (size_t i = 0; i < unit.directives.count; i++)
                if (unit.directives.items[i].place.line == 0 ||
                    unit.directives.items[i].key.len > size)
                        abort();
        unit_variables(&arena, STR("f"), text, &variables);
        unit_split(&arena, text, (struct place){ 0 }, &words);
        unit_get(&unit, "Service", "ExecStart");
        return 0;
}
