/* Unified diffs: expected texts are those of diff -u. */
#include "../test.h"

#include "base/diff.h"
#include "base/util.h"

static void check(const char *before, const char *after, const char *expected) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        diff_unified(&buf, STR("a"), str_from(before), STR("b"), str_from(after));
        assert_str(buf_str(&buf), expected);
}

static void differences_are_shown(void **state _unused_) {
        check("", "", "");
        check("x\ny\n", "x\ny\n", "");
        check("", "x\n", "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n");
        check("x\n", "", "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-x\n");
        check("1\n2\n3\n4\n5\n", "1\n2\n3\n4\nx\n5\n",
              "--- a\n+++ b\n@@ -2,4 +2,5 @@\n 2\n 3\n 4\n+x\n 5\n");
        check("1\n2\n3\n", "1\nx\n3\n", "--- a\n+++ b\n@@ -1,3 +1,3 @@\n 1\n-2\n+x\n 3\n");
        check("\na\n", "\nb\n", "--- a\n+++ b\n@@ -1,2 +1,2 @@\n \n-a\n+b\n");
}

static void hunks_are_joined_when_they_touch(void **state _unused_) {
        check("1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n",
              "--- a\n+++ b\n@@ -1,8 +1,8 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n");
        check("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
              "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n"
              "-9\n+y\n");
}

/* Beyond the limit of the table everything between what is alike is replaced. */
static void large_texts_are_bounded(void **state _unused_) {
        struct buf before _cleanup_(buf_free) = BUF_INIT, after _cleanup_(buf_free) = BUF_INIT;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (int i = 0; i < 5000; i++) {
                buf_printf(&before, "a%d\n", i);
                buf_printf(&after, "b%d\n", i);
        }
        diff_unified(&buf, STR("a"), buf_str(&before), STR("b"), buf_str(&after));
        assert_true(str_find(buf_str(&buf), STR("@@ -1,5000 +1,5000 @@"), 0) >= 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(differences_are_shown),
                cmocka_unit_test(hunks_are_joined_when_they_touch),
                cmocka_unit_test(large_texts_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
