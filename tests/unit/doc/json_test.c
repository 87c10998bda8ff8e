/*
 * JSON. The expected values come from RFC 8259 and, for numbers and half surrogate pairs, from
 * sigs.k8s.io/json, which was asked.
 */
#include "doc_test.h"

static void values(void **state _unused_) {
        static const struct {
                const char *text, *expected;
        } table[] = {
                { "null", "null" },
                { " true ", "true" },
                { "[]", "[]" },
                { "{}", "{}" },
                { "[1, [2,{\"a\":[]}],{}]", "[1,[2,{\"a\":[]}],{}]" },
                { "0", "0" },
                { "-0", "0" },
                { "1.0", "1d" },
                { "1e3", "1000d" },
                { "-1.5E-2", "-0.014999999999999999d" },
                { "9223372036854775807", "9223372036854775807" },
                { "9223372036854775808", "9.2233720368547758e+18d" },
                { "-9223372036854775808", "-9223372036854775808" },
                { "-9223372036854775809", "-9.2233720368547758e+18d" },
                { "100000000000000000000000", "9.9999999999999992e+22d" },
                { "5e-324", "4.9406564584124654e-324d" },
                { "1e-400", "0d" },
                { "1e400", NULL },
                { "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"a\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"" },
                { "\"\\u00e9\\uD83D\\uDE00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
                { "\"\\ud83d\"", "\"\xef\xbf\xbd\"" },
                { "\"\\ud83d\\u0041\"", "\"\xef\xbf\xbd"
                                        "A\"" },
                { "\"\\ude00\\ud83d\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "\"\\u0000\"", "\"\\u0000\"" },
                { "\"a somewhat longer text, with \xe2\x82\xac and \xf0\x9f\x98\x80 in it\"",
                  "\"a somewhat longer text, with \xe2\x82\xac and \xf0\x9f\x98\x80 in it\"" },
                { "{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":3}" },
        };

        for (size_t i = 0; i < ELEMENTS(table); i++) {
                struct reading reading _cleanup_reading_ = read_json(table[i].text);

                assert_shows(&reading, table[i].text, table[i].expected);
        }
}

static void refused(void **state _unused_) {
        static const struct {
                const char *text;
                uint32_t line, column;
        } table[] = {
                { "[1,]", 1, 4 },
                { "[,1]", 1, 2 },
                { "[1 2]", 1, 4 },
                { "{\"a\":1,}", 1, 8 },
                { "{a:1}", 1, 2 },
                { "{\"a\" 1}", 1, 6 },
                { "{\"a\":}", 1, 6 },
                { "{\"a\"}", 1, 5 },
                { "[\n  1,\n  x\n]", 3, 3 },
                { "[\r\n1,\r\nx]", 3, 1 },
                { "[\"\xc3\xa9\xe2\x82\xac\", x]", 1, 8 },
                { "01", 1, 1 },
                { "+1", 1, 1 },
                { ".5", 1, 1 },
                { "1.", 1, 1 },
                { "1e", 1, 1 },
                { "-", 1, 1 },
                { "NaN", 1, 1 },
                { "tru", 1, 1 },
                { "'a'", 1, 1 },
                { "\"a", 1, 3 },
                { "\"a\nb\"", 1, 3 },
                { "\"a\tb\"", 1, 3 },
                { "\"a\\x41\"", 1, 3 },
                { "\"\\u12g4\"", 1, 2 },
                { "[1", 1, 3 },
                { "{\"a\":1", 1, 7 },
                { "{", 1, 2 },
                { "/* c */ 1", 1, 1 },
                { "]", 1, 1 },
                { "[1}", 1, 3 },
        };

        for (size_t i = 0; i < ELEMENTS(table); i++) {
                struct reading reading _cleanup_reading_ = read_json(table[i].text);

                if (reading.error.line != table[i].line || reading.error.column != table[i].column)
                        print_error("%s\n  %u:%u: %s\n", table[i].text, reading.error.line,
                                    reading.error.column, reading.error.message);
                assert_int_equal(reading.result, -EINVAL);
                assert_int_equal(reading.error.line, table[i].line);
                assert_int_equal(reading.error.column, table[i].column);
        }
}

static void places(void **state _unused_) {
        struct reading reading _cleanup_reading_ =
                read_json("{\n  \"\xc3\xa9\": \"\xf0\x9f\x98\x80\\n\", \"b\": [1,\r\n 2.5]}");
        const struct doc_node *root, *b;

        assert_int_equal(reading.result, 1);
        root = reading.doc->root;
        b = doc_find(root, "b");
        assert_int_equal(root->start.line, 1);
        assert_int_equal(root->end.line, 3);
        assert_int_equal(root->end.column, 7);
        assert_int_equal(root->map.entries[0].key_start.column, 3);
        assert_int_equal(root->map.entries[0].value.start.column, 8);
        assert_int_equal(root->map.entries[0].value.end.column, 13);
        assert_int_equal(root->map.entries[1].key_start.column, 15);
        assert_int_equal(b->start.line, 2);
        assert_int_equal(b->start.column, 20);
        assert_int_equal(b->list.items[1].start.line, 3);
        assert_int_equal(b->list.items[1].start.column, 2);
        assert_int_equal(b->list.items[1].end.column, 5);
        assert_int_equal(b->end.column, 6);
}

static void equal_keys_are_reported(void **state _unused_) {
        struct reading reading _cleanup_reading_ = read_json("{\"a\": 1,\n \"\\u0061\": 2}");
        struct doc_diagnostic *diagnostic = reading.doc->diagnostics;

        assert_non_null(diagnostic);
        assert_int_equal(diagnostic->pos.line, 2);
        assert_int_equal(diagnostic->pos.column, 2);
        assert_int_equal(diagnostic->other.line, 1);
        assert_int_equal(diagnostic->other.column, 2);
}

static void limits(void **state _unused_) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct doc_limits high = doc_default_limits;

        buf_add_repeat(&text, '[', 5000);
        buf_add_repeat(&text, ']', 5000);

        struct reading deep _cleanup_reading_ = read_json(text.data);

        assert_int_equal(deep.result, -E2BIG);
        assert_int_equal(deep.error.column, 257);

        /* As deep as it may ever be; recursive walks must bear it. */
        high.depth = 1000000;

        struct reading raised _cleanup_reading_ = read_with(buf_str(&text), DOC_JSON, &high);
        struct buf out _cleanup_(buf_free) = BUF_INIT;

        assert_int_equal(raised.result, 1);
        doc_write_json(&out, raised.doc->root);
        assert_true(str_eq(buf_str(&out), buf_str(&text)));
        buf_clear(&text);
        buf_add_repeat(&text, '[', 10001);

        struct reading deeper _cleanup_reading_ = read_with(buf_str(&text), DOC_JSON, &high);

        assert_int_equal(deeper.result, -E2BIG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values), cmocka_unit_test(refused),
                cmocka_unit_test(places), cmocka_unit_test(equal_keys_are_reported),
                cmocka_unit_test(limits),
        };

        return cmocka_run_group_tests_name("doc/json", tests, NULL, NULL);
}
