/* TOML: any text. What is read twice is the same, places lie within the text, and keys can be asked
 * for. */
#include <stdlib.h>

#include "base/util.h"
#include "node/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
        if (!condition)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str text = { (const char *)data, size };
        struct toml one = { 0 }, two = { 0 };
        struct error error = { 0 };
        int r = toml_parse(&arena, text, &one, &error);

        require(toml_parse(&arena, text, &two, NULL) == r && one.count == two.count);
        require(r == 0 || error.line > 0);
        for (size_t i = 0; i < one.count; i++) {
                require(one.items[i].line >= 1 && one.items[i].line <= size + 1);
                require(str_eq(one.items[i].key, two.items[i].key));
                toml_part(&one.items[i], 3);
        }
        toml_get(&one, "plugins/*/registry");
        return 0;
}
