/* Runs a fuzz target once over each file of its corpus, and over nothing at all, in builds without
 * libFuzzer: fuzz-NAME FOLDER. Prints a line in the manner of TAP; a failure is a crash. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void close_folder(DIR **folder) {
        if (*folder)
                closedir(*folder);
}

static int replay(const char *folder, const char *name) {
        struct buf content _cleanup_(buf_free) = BUF_INIT;
        struct buf path _cleanup_(buf_free) = BUF_INIT;
        struct error error = { 0 };

        buf_printf(&path, "%s/%s", folder, name);
        if (fs_read(path.data, -1, (size_t)64 << 20, false, &content, &error) < 0) {
                printf("not ok - %s: %s\n", path.data, error.message);
                return 1;
        }
        /* A crash is found by its name. */
        fprintf(stderr, "%s\n", name);
        LLVMFuzzerTestOneInput((const uint8_t *)content.data, content.len);
        return 0;
}

int main(int argc, char **argv) {
        DIR *folder _cleanup_(close_folder) = argc > 1 ? opendir(argv[1]) : NULL;
        size_t count = 0;
        struct dirent *entry;

        LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
        while (folder && (entry = readdir(folder))) {
                if (entry->d_name[0] == '.')
                        continue;
                if (replay(argv[1], entry->d_name) != 0)
                        return 1;
                count++;
        }
        printf("ok - %zu inputs of the corpus\n", count);
        return 0;
}
