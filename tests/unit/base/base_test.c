#include "../test.h"

#include <errno.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/regex.h"
#include "base/utf8.h"
#include "base/util.h"
#include "base/vec.h"

static void arena_keeps_alignment_and_zeroes(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        for (size_t size = 1; size < 100000; size = size * 3 + 1) {
                char *memory = arena_alloc(&arena, size);

                assert_int_equal((uintptr_t)memory % 16, 0);
                for (size_t i = 0; i < size; i++)
                        assert_int_equal(memory[i], 0);
                memset(memory, 0xff, size);
        }
        arena_reset(&arena, 1 << 20);
        assert_int_equal(*(char *)arena_alloc(&arena, 1), 0);
}

static void arena_rewinds(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str kept = arena_printf(&arena, "%d-%s", 42, "kept");
        struct arena_mark mark = arena_mark(&arena);
        void *first = arena_alloc(&arena, 64);

        arena_alloc(&arena, 1 << 20);
        arena_rewind(&arena, mark);
        assert_ptr_equal(arena_alloc(&arena, 64), first);
        assert_str(kept, "42-kept");
}

static void str_splits_and_finds(void **state _unused_) {
        struct str rest = STR("a,,b"), part;

        assert_true(str_split(&rest, ',', &part));
        assert_str(part, "a");
        assert_true(str_split(&rest, ',', &part));
        assert_str(part, "");
        assert_true(str_split(&rest, ',', &part));
        assert_str(part, "b");
        assert_false(str_split(&rest, ',', &part));
        assert_int_equal(str_find(STR("abcabc"), STR("ca"), 0), 2);
        assert_int_equal(str_find(STR("abc"), STR("x"), 0), -1);
        assert_int_equal(str_find(STR("abc"), STR(""), 3), 3);
        assert_str(str_trim(STR(" \t x y\n")), "x y");
}

static void str_distance_counts_edits(void **state _unused_) {
        assert_int_equal(str_distance(STR("priviledged"), STR("privileged")), 1);
        assert_int_equal(str_distance(STR("scna"), STR("scan")), 1); /* a swap is one edit */
        assert_int_equal(str_distance(STR(""), STR("abc")), 3);
        assert_int_equal(str_distance(STR("kitten"), STR("sitting")), 3);
}

static void utf8_refuses_what_is_not_utf8(void **state _unused_) {
        assert_true(utf8_valid(STR("aé€😀")));
        assert_false(utf8_valid(STR("\xc0\x80")));         /* over-long NUL */
        assert_false(utf8_valid(STR("\xed\xa0\x80")));     /* a surrogate */
        assert_false(utf8_valid(STR("\xf4\x90\x80\x80"))); /* beyond U+10FFFF */
        assert_false(utf8_valid(STR("\xe2\x82")));         /* cut short */
        assert_int_equal(utf8_count(STR("aé€😀")), 4);
        assert_int_equal(utf8_offset(STR("aé€😀"), 2), 3);
}

static void buf_escapes_for_json_and_terminal(void **state _unused_) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        buf_add_json(&buf, STR("a\"\\\n\x01\xff"
                               "é\xe2\x80\xa8"));
        assert_str(buf_str(&buf), "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd"
                                  "é\\u2028\"");
        buf_clear(&buf);
        buf_add_terminal(&buf, STR("\x1b[31mé\xe2\x80\xae\x9b\n"));
        assert_str(buf_str(&buf), "\\x1b[31mé\\u202e\\x9b\\n");
}

static void map_keeps_order_of_insertion(void **state _unused_) {
        struct map map _cleanup_(map_free) = MAP_INIT;
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        for (size_t i = 0; i < 1000; i++)
                map_put(&map, arena_printf(&arena, "key%zu", i))->value = (void *)(i + 1);
        for (size_t i = 0; i < 1000; i++) {
                struct str key = arena_printf(&arena, "key%zu", i);

                assert_int_equal((uintptr_t)map_get(&map, key), i + 1);
                assert_true(str_eq(map.entries[i].key, key));
        }
        assert_null(map_get(&map, STR("key1000")));
        assert_int_equal(map.count, 1000);
}

static void vec_grows(void **state _unused_) {
        VEC(int) numbers = { 0 };

        for (int i = 0; i < 100; i++)
                *vec_push(&numbers) = i;
        assert_int_equal(numbers.count, 100);
        assert_int_equal(numbers.items[99], 99);
        vec_free(&numbers);
}

static void regex_is_re2(void **state _unused_) {
        struct regex *regex;
        struct error error;
        struct str groups[3];

        assert_int_equal(regex_new(STR("(a+)(x)?"), &regex, &error), 0);
        assert_true(regex_find(regex, STR("bbaac"), 0, groups, 3));
        assert_str(groups[0], "aa");
        assert_str(groups[1], "aa");
        assert_null(groups[2].ptr);
        assert_false(regex_search(regex, STR("bbb")));
        regex_free(regex);
        assert_int_equal(regex_new(STR("(?=look)"), &regex, &error), -EINVAL);
        assert_true(strlen(error.message) > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(arena_keeps_alignment_and_zeroes),
                cmocka_unit_test(arena_rewinds),
                cmocka_unit_test(str_splits_and_finds),
                cmocka_unit_test(str_distance_counts_edits),
                cmocka_unit_test(utf8_refuses_what_is_not_utf8),
                cmocka_unit_test(buf_escapes_for_json_and_terminal),
                cmocka_unit_test(map_keeps_order_of_insertion),
                cmocka_unit_test(vec_grows),
                cmocka_unit_test(regex_is_re2),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
