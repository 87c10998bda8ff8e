/*
 * Writing. Numbers as Go's encoding/json writes them (which was asked); YAML must read back.
 */
#include "doc_test.h"

static void json_numbers(void **state _unused_) {
        static const struct {
                double value;
                const char *expected;
        } table[] = {
                { 0, "0" },
                { -0.0, "-0" },
                { 1, "1" },
                { -1.5, "-1.5" },
                { 100, "100" },
                { 0.1, "0.1" },
                { 0.30000000000000004, "0.30000000000000004" },
                { 1e20, "100000000000000000000" },
                { 1e21, "1e+21" },
                { 1.5e21, "1.5e+21" },
                { 1e-6, "0.000001" },
                { 1e-7, "1e-7" },
                { 1.25e-10, "1.25e-10" },
                { 123456.789, "123456.789" },
                { 5e-324, "5e-324" },
                { 1.7976931348623157e308, "1.7976931348623157e+308" },
                { 2.2250738585072014e-308, "2.2250738585072014e-308" },
                { 9007199254740993.0, "9007199254740992" },
                { 4611686018427387904.0, "4611686018427388000" },
                { 9223372036854775808.0, "9223372036854776000" },
                { 5.684341886080801486968994140625e-14, "5.684341886080802e-14" }, /* 2^-44 */
        };

        for (size_t i = 0; i < ELEMENTS(table); i++) {
                struct doc_node node = { .kind = DOC_DOUBLE, .number = table[i].value };
                struct buf buf _cleanup_(buf_free) = BUF_INIT;

                doc_write_json(&buf, &node);
                assert_str(buf_str(&buf), table[i].expected);
        }
}

static void json_texts(void **state _unused_) {
        struct reading reading _cleanup_reading_ =
                read_json("{\"<a&b>\": [\"\\u2028\\u0001\\\"\", null, false, {}, []]}");
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        doc_write_json(&buf, reading.doc->root);
        assert_str(buf_str(&buf), "{\"<a&b>\":[\"\\u2028\\u0001\\\"\",null,false,{},[]]}");
}

static void yaml_shape(void **state _unused_) {
        struct reading reading _cleanup_reading_ =
                read_yaml("{a: 1, b: [x, {c: d, e: [1, [2]]}, []], f: {}, g: {h: \"l1\\nl2\\n\"}, "
                          "i: \"no end\\nhere\", 'yes': 'no', j: [\"t\\nu\\n\\n\"]}");
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        doc_write_yaml(&buf, reading.doc->root, 2);
        assert_str(buf_str(&buf), "  a: 1\n"
                                  "  b:\n"
                                  "  - x\n"
                                  "  - c: d\n"
                                  "    e:\n"
                                  "    - 1\n"
                                  "    - - 2\n"
                                  "  - []\n"
                                  "  f: {}\n"
                                  "  g:\n"
                                  "    h: |\n"
                                  "      l1\n"
                                  "      l2\n"
                                  "  i: |-\n"
                                  "    no end\n"
                                  "    here\n"
                                  "  \"yes\": \"no\"\n"
                                  "  j:\n"
                                  "  - |+\n"
                                  "    t\n"
                                  "    u\n"
                                  "\n");
}

/* Every one of these strings must come back, as a value, as a key, in a list and as the root. */
static void yaml_strings_read_back(void **state _unused_) {
        static const struct str strings[] = {
                STR_INIT(""),
                STR_INIT(" "),
                STR_INIT("a b"),
                STR_INIT(" a"),
                STR_INIT("a "),
                STR_INIT("true"),
                STR_INIT("on"),
                STR_INIT("~"),
                STR_INIT("null"),
                STR_INIT("0644"),
                STR_INIT("1e3"),
                STR_INIT(".5"),
                STR_INIT("-"),
                STR_INIT("- a"),
                STR_INIT("---"),
                STR_INIT("..."),
                STR_INIT("?"),
                STR_INIT("? a"),
                STR_INIT(":"),
                STR_INIT("a:"),
                STR_INIT("a: b"),
                STR_INIT("a:b"),
                STR_INIT("a #b"),
                STR_INIT("a#b"),
                STR_INIT("#"),
                STR_INIT("*a"),
                STR_INIT("&a"),
                STR_INIT("!a"),
                STR_INIT("|"),
                STR_INIT(">"),
                STR_INIT("@"),
                STR_INIT("`"),
                STR_INIT("%a"),
                STR_INIT("'a'"),
                STR_INIT("\"a\""),
                STR_INIT("[a"),
                STR_INIT("{a"),
                STR_INIT("a,b"),
                STR_INIT("<<"),
                STR_INIT("="),
                STR_INIT("\n"),
                STR_INIT("\n\n"),
                STR_INIT("a\n"),
                STR_INIT("a\nb"),
                STR_INIT("a\n\nb\n\n\n"),
                STR_INIT(" a\nb\n"),
                STR_INIT("a\n b\n"),
                STR_INIT("a\n  \nb"),
                STR_INIT("a\n  "),
                STR_INIT("\ta\nb"),
                STR_INIT("a\n\tb\n"),
                STR_INIT("a\nb "),
                STR_INIT("# a\nb\n"),
                STR_INIT("---\na\n"),
                STR_INIT("a\r\nb\r\n"),
                STR_INIT("\t"),
                STR_INIT("a\tb"),
                STR_INIT("\0"),
                STR_INIT("a\x7f"),
                STR_INIT("\x1b[0m"),
                STR_INIT("\xc2\x85"),
                STR_INIT("a\xe2\x80\xa8\nb"),
                STR_INIT("\xef\xbb\xbf"),
                STR_INIT("\xef\xbf\xbe"),
                STR_INIT("\xc3\xa9\xf0\x9f\x98\x80"),
                STR_INIT("\xc2\xa0"),
                STR_INIT("\\"),
                STR_INIT("a\\nb"),
                STR_INIT("2001-01-01"),
                STR_INIT("12:30"),
        };

        for (size_t i = 0; i < ELEMENTS(strings); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct doc_node string = { .kind = DOC_STRING, .string = strings[i] };
                struct doc_node *map = doc_new_map(&arena, NULL, 2);
                struct doc_node *list = doc_new_list(&arena, NULL, 2);
                const struct doc_node *const trees[] = { map, list, &string };

                list->list.items[0] = string;
                list->list.items[1] = string;
                doc_map_set(map, 0, strings[i], &string);
                doc_map_set(map, 1, STR("after"), list);
                for (size_t j = 0; j < ELEMENTS(trees); j++) {
                        struct buf yaml _cleanup_(buf_free) = BUF_INIT;
                        struct buf expected _cleanup_(buf_free) = BUF_INIT;

                        doc_write_yaml(&yaml, trees[j], 0);
                        show(&expected, trees[j]);

                        struct reading reading _cleanup_reading_ =
                                read_with(buf_str(&yaml), DOC_YAML, NULL);

                        assert_shows(&reading, yaml.data, expected.data);
                }
        }
}

/* libyaml does not find the colon behind a long key. */
static void yaml_long_keys(void **state _unused_) {
        for (size_t length = 990; length < 1040; length++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct doc_node *map = doc_new_map(&arena, NULL, 1);
                struct doc_node *inner = doc_new_map(&arena, NULL, 1);
                struct doc_node *list = doc_new_list(&arena, NULL, 1);
                struct buf key _cleanup_(buf_free) = BUF_INIT;
                struct buf yaml _cleanup_(buf_free) = BUF_INIT;

                buf_add_repeat(&key, 'k', length);
                doc_map_set(inner, 0, buf_str(&key), NULL);
                list->list.items[0] = *inner;
                doc_map_set(map, 0, buf_str(&key), list);
                doc_write_yaml(&yaml, map, 0);

                struct reading reading _cleanup_reading_ =
                        read_with(buf_str(&yaml), DOC_YAML, NULL);

                assert_int_equal(reading.result, 1);
                assert_non_null(doc_get(reading.doc->root, buf_str(&key)));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(json_numbers),   cmocka_unit_test(json_texts),
                cmocka_unit_test(yaml_shape),     cmocka_unit_test(yaml_strings_read_back),
                cmocka_unit_test(yaml_long_keys),
        };

        return cmocka_run_group_tests_name("doc/write", tests, NULL, NULL);
}
