/* Files that are written only as long as they are what was read. */
#include <errno.h>
#include <unistd.h>

#include "../test.h"
#include "base/fs.h"
#include "fix/fix.h"

static void put(const char *path, const char *text) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void holds(const char *path, const char *text) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct error error = { 0 };

        assert_true(fs_read(path, -1, 4096, false, &buf, &error) >= 0);
        assert_str(buf_str(&buf), text);
}

static void test_write(void **state) {
        char folder[] = "/tmp/redoubt-fix-XXXXXX", path[64];
        struct fix_file file = { .before = STR("a: 1\n"), .after = STR("a: 2\n") };
        struct error error = { 0 };

        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/a.yaml", folder);
        file.path = str_from(path);
        put(path, "a: 1\n");
        assert_int_equal(fix_write(&file, &error), 0);
        holds(path, "a: 2\n");
        /* Somebody else was there in between: shorter, of the same length, and longer. */
        for (size_t i = 0; i < 4; i++) {
                static const char *const others[] = { "", "a: 3\n", "a: 1\nb: 1\n", "a: 1" };

                put(path, others[i]);
                assert_int_equal(fix_write(&file, &error), -EBUSY);
                assert_non_null(strstr(error.message, "changed since it was read"));
                holds(path, others[i]);
        }
        /* A new file is not written over one that appeared. */
        file.is_new = true;
        assert_true(fix_write(&file, &error) < 0);
        holds(path, "a: 1");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0); /* no other file is left */
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_write) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
