/* .redoubtignore: any patterns against any path. The input is the text of the file, a NUL, and the
 * path. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ignore.h"
#include "base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum ignore_verdict verdict(struct str patterns, struct str path, bool is_folder) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct ignore *ignore;

        if (ignore_new(&arena, patterns, &ignore, NULL) < 0)
                return IGNORE_UNDECIDED;
        ignore_check_path(ignore, path, is_folder);
        return ignore_check(ignore, path, is_folder);
}

static void require(bool condition) {
        if (!condition)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
        size_t length = nul ? (size_t)(nul - data) : size;
        struct str patterns = { (const char *)data, length };
        struct str path = { (const char *)data + length + (nul != NULL),
                            size - length - (nul != NULL) };
        struct buf more _cleanup_(buf_free) = BUF_INIT;
        enum ignore_verdict file = verdict(patterns, path, false);

        /* Only a pattern with "!" takes back. */
        if (file == IGNORE_TAKEN_BACK)
                require(memchr(patterns.ptr, '!', patterns.len) != NULL);
        /* The last pattern that matches decides, and this one matches everything. */
        buf_add(&more, patterns);
        buf_add(&more, STR("\n**"));
        if (path.len > 0 && !str_ends(path, STR("/")) && length < IGNORE_PATTERN_MAX)
                require(verdict(buf_str(&more), path, false) == IGNORE_LEFT_OUT);
        /* What the patterns say of a file they say of a folder, or more. */
        if (file != IGNORE_UNDECIDED)
                require(verdict(patterns, path, true) != IGNORE_UNDECIDED);
        return 0;
}
