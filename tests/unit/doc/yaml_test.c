/*
 * What YAML means. The expected values come from sigs.k8s.io/yaml 1.6.0 (YAMLToJSON, then the
 * decoding of sigs.k8s.io/json), which was asked for each of these texts.
 */
#include "doc_test.h"

struct meaning {
        const char *text, *expected; /* NULL: refused */
};

static void check(const struct meaning *meanings, size_t count) {
        for (size_t i = 0; i < count; i++) {
                struct reading reading _cleanup_reading_ = read_yaml(meanings[i].text);

                assert_shows(&reading, meanings[i].text, meanings[i].expected);
        }
}

/* "- TEXT" for each. */
static void check_scalars(const struct meaning *meanings, size_t count) {
        for (size_t i = 0; i < count; i++) {
                struct buf text _cleanup_(buf_free) = BUF_INIT;
                struct buf list _cleanup_(buf_free) = BUF_INIT;

                buf_printf(&text, "- %s\n", meanings[i].text);
                if (meanings[i].expected)
                        buf_printf(&list, "[%s]", meanings[i].expected);

                struct reading reading _cleanup_reading_ = read_yaml(text.data);

                assert_shows(&reading, text.data, list.data);
        }
}

static void words(void **state _unused_) {
        static const struct meaning meanings[] = {
                { "", "null" },     { "~", "null" },        { "null", "null" },
                { "Null", "null" }, { "NULL", "null" },     { "nULL", "\"nULL\"" },
                { "'~'", "\"~\"" }, { "true", "true" },     { "True", "true" },
                { "TRUE", "true" }, { "tRUE", "\"tRUE\"" }, { "yes", "true" },
                { "Yes", "true" },  { "YES", "true" },      { "yEs", "\"yEs\"" },
                { "y", "true" },    { "Y", "true" },        { "n", "false" },
                { "no", "false" },  { "off", "false" },     { "OFF", "false" },
                { "On", "true" },   { "\"on\"", "\"on\"" }, { "=", "\"=\"" },
                { "<<", "\"<<\"" }, { "none", "\"none\"" }, { "yes please", "\"yes please\"" },
        };

        check_scalars(meanings, ELEMENTS(meanings));
}

static void numbers(void **state _unused_) {
        static const struct meaning meanings[] = {
                { "0", "0" },
                { "0644", "420" },
                { "08", "8" },
                { "0_8", "8" },
                { "0o17", "15" },
                { "0O17", "15" },
                { "-0o7", "-7" },
                { "0x1F", "31" },
                { "+0x10", "16" },
                { "0x_1", "1" },
                { "0x1p3", "\"0x1p3\"" },
                { "0b101", "5" },
                { "-0b1", "-1" },
                { "0b-101", "-5" },
                { "-0b-1", "\"-0b-1\"" },
                { "0b2", "\"0b2\"" },
                { "0b", "\"0b\"" },
                { "1_000", "1000" },
                { "1__0", "10" },
                { "_1", "\"_1\"" },
                { "+12", "12" },
                { "+", "\"+\"" },
                { "9223372036854775807", "9223372036854775807" },
                { "-9223372036854775808", "-9223372036854775808" },
                { "9223372036854775808", "9.2233720368547758e+18d" },
                { "+9223372036854775808", "9.2233720368547758e+18d" },
                { "18446744073709551615", "1.8446744073709552e+19d" },
                { "18446744073709551616", "1.8446744073709552e+19d" },
                { "0xFFFFFFFFFFFFFFFFF", "\"0xFFFFFFFFFFFFFFFFF\"" },
                { "01777777777777777777777777", "1.7777777777777777e+24d" },
                { "1.5", "1.5d" },
                { "1_000.5", "1000.5d" },
                { ".5", "0.5d" },
                { ".5_5", "0.55000000000000004d" },
                { ".5_", "\".5_\"" },
                { "+.5", "0.5d" },
                { "1.0", "1" }, /* JSON has no other way to write it */
                { "1.", "1" },
                { "-0.0", "0" },
                { "1e3", "1000" },
                { "-.5e3", "-500" },
                { "1e21", "1e+21d" },
                { "1e400", "\"1e400\"" },
                { "1.5e", "\"1.5e\"" },
                { "4611686018427387904.0", "4611686018427388000" }, /* its significant digits */
                { "1.2.3", "\"1.2.3\"" },
                { "2001-01-01", "\"2001-01-01\"" },
                { "12:30:45", "\"12:30:45\"" },
                { ".inf", NULL },
                { "-.INF", NULL },
                { ".nan", NULL },
                { ".Nan", "\".Nan\"" },
        };

        check_scalars(meanings, ELEMENTS(meanings));
}

static void tags(void **state _unused_) {
        static const struct meaning meanings[] = {
                { "!!str 1", "\"1\"" },
                { "!!str", "\"\"" },
                { "!!int '0x10'", "16" },
                { "!!int 1.0", NULL },
                { "!!int ''", NULL },
                { "!!float 12", "12" },
                { "!!float 18446744073709551615", NULL },
                { "!!bool 'yes'", "true" },
                { "!!bool 1", NULL },
                { "!!null ''", "null" },
                { "!!null x", NULL },
                { "!!binary aGVsbG8=", "\"hello\"" },
                { "!!binary \"aGVs\\nbG8=\"", "\"hello\"" },
                { "!!binary aGVsbG8", NULL },
                { "!!binary /w==", "\"\xef\xbf\xbd\"" },
                { "!!timestamp 2001-1-1", "\"2001-1-1\"" },
                { "!!timestamp '2001-1-1T1:2:3Z'", "\"2001-1-1T1:2:3Z\"" },
                { "!!timestamp '2001-1-1T1:2:3'", NULL },
                { "!!timestamp 2001-13-1", NULL },
                { "!!timestamp 2001-02-29", NULL },
                { "!foo 12", "\"12\"" },
                { "!!foo 12", "\"12\"" },
                { "! 12", "\"12\"" },
                { "&a ! 12", "\"12\"" },
                { "!<tag:yaml.org,2002:int> 12", "12" },
                { "!!null [1]", "[1]" },
        };

        check_scalars(meanings, ELEMENTS(meanings));
}

static void texts(void **state _unused_) {
        static const struct meaning meanings[] = {
                { "'it''s'", "\"it's\"" },
                { "\"\\x41\\u00e9\\U0001F600\\n\"", "\"A\xc3\xa9\xf0\x9f\x98\x80\\n\"" },
                { "\"\\q\"", NULL },
                { "two\n  lines", "\"two lines\"" },
                { "|\n  a\n   b\n\n", "\"a\\n b\\n\"" },
                { "|-\n  a\n", "\"a\"" },
                { "|+\n  a\n", "\"a\\n\\n\"" },
                { ">\n  a\n  b\n", "\"a b\\n\"" },
                { "|2\n     a\n", "\"   a\\n\"" },
                { "a:b", "\"a:b\"" },
                { "a#b", "\"a#b\"" },
                { "a # b", "\"a\"" },
                { "[a:b, http://c:1/d]", "[\"a:b\",\"http://c:1/d\"]" },
                { "[a?b]", NULL },
        };

        check_scalars(meanings, ELEMENTS(meanings));
}

static void keys(void **state _unused_) {
        static const struct meaning meanings[] = {
                { "1: x", "{\"1\":\"x\"}" },
                { "0x10: x", "{\"16\":\"x\"}" },
                { "0644: x", "{\"420\":\"x\"}" },
                { "yes: x", "{\"true\":\"x\"}" },
                { "on: x", "{\"true\":\"x\"}" },
                { "'on': x", "{\"on\":\"x\"}" },
                { "1.10: x", "{\"1.1\":\"x\"}" },
                { "1e5: x", "{\"100000\":\"x\"}" },
                { "1e6: x", "{\"1e+06\":\"x\"}" },
                { "123456.0: x", "{\"123456\":\"x\"}" },
                { "1234567.0: x", "{\"1.234567e+06\":\"x\"}" },
                { "16777217.0: x", "{\"1.6777216e+07\":\"x\"}" },
                { "0.0001: x", "{\"0.0001\":\"x\"}" },
                { "0.00001: x", "{\"1e-05\":\"x\"}" },
                { "-0.0: x", "{\"-0\":\"x\"}" },
                { "1e-50: x", "{\"0\":\"x\"}" },
                { "1e300: x", "{\".inf\":\"x\"}" },
                { ".nan: x", "{\".nan\":\"x\"}" },
                { "2001-01-01: x", "{\"2001-01-01\":\"x\"}" },
                { "~: x", NULL },
                { ": x", NULL },
                { "18446744073709551615: x", NULL },
                { "[a]: x", NULL },
                { "? {a: b}\n: x", NULL },
                { "? a\n: x", "{\"a\":\"x\"}" },
                { "a: &x 1\n*x : 3", "{\"a\":1,\"1\":3}" },
                { "a: &x [1]\n*x : 3", NULL },
        };

        check(meanings, ELEMENTS(meanings));
}

static void merges(void **state _unused_) {
        static const struct meaning meanings[] = {
                { "{<<: {a: 2, b: 3}, a: 1}", "{\"b\":3,\"a\":1}" },
                /* Unlike the specification: a merge key overrides what stands before it. */
                { "{a: 1, <<: {a: 2}}", "{\"a\":2}" },
                { "{<<: [{a: 1}, {a: 2, b: 2}]}", "{\"b\":2,\"a\":1}" },
                { "x: &x {a: 1}\nw:\n  <<: *x\n  b: 2",
                  "{\"x\":{\"a\":1},\"w\":{\"a\":1,\"b\":2}}" },
                { "{<<: {<<: {a: 1}, b: 2}}", "{\"a\":1,\"b\":2}" },
                { "{<<: [], a: 1}", "{\"a\":1}" },
                { "'<<': {a: 1}", "{\"<<\":{\"a\":1}}" },
                { "!!merge <<: {a: 1}", "{\"a\":1}" },
                { "<<: 1", NULL },
                { "<<:", NULL },
                { "<<: [1]", NULL },
                { "<<: [[{a: 1}]]", NULL },
                { "x: &x [1]\n<<: *x", NULL },
                { "a: &a {<<: *a}", NULL },
        };

        check(meanings, ELEMENTS(meanings));
}

static void aliases(void **state _unused_) {
        static const struct meaning meanings[] = {
                { "a: &x {p: [1]}\nb: *x", "{\"a\":{\"p\":[1]},\"b\":{\"p\":[1]}}" },
                { "a: &x 1\nb: &x 2\nc: *x", "{\"a\":1,\"b\":2,\"c\":2}" },
                { "&x [&x 1, *x]", "[1,1]" },
                { "&k key: *k", "{\"key\":\"key\"}" },
                { "b: *x", NULL },
                { "a: &x [*x]", NULL },
                { "a: &x {b: {c: *x}}", NULL },
        };
        struct reading reading _cleanup_reading_ = read_yaml("- &x\n  name: a\n- deep: *x\n- *x\n");
        const struct doc_node *items, *shared;

        check(meanings, ELEMENTS(meanings));
        assert_int_equal(reading.result, 1);
        items = reading.doc->root->list.items;
        shared = doc_find(&items[1], "deep");
        assert_int_equal(items[0].flags & DOC_ALIASED, 0);
        assert_int_equal(shared->flags & DOC_ALIASED, DOC_ALIASED);
        /* The alias is where it is written, its children are where the anchor is. */
        assert_int_equal(shared->start.line, 3);
        assert_int_equal(shared->start.column, 9);
        assert_int_equal(items[2].start.line, 4);
        assert_int_equal(items[2].index, 2);
        assert_ptr_equal(doc_find(&items[2], "name"), doc_find(&items[0], "name"));
        assert_ptr_equal(doc_find(&items[2], "name")->parent, &items[0]);
        assert_str(doc_path(&reading.arena, doc_find(shared, "name")), "[0].name");
        assert_str(doc_path(&reading.arena, shared), "[1].deep");
}

static void equal_keys_are_reported(void **state _unused_) {
        struct reading reading _cleanup_reading_ = read_yaml("a: 1\nb: 2\n  # c\na: 3\n'a': 4\n");
        struct reading merged _cleanup_reading_ = read_yaml(
                "x: &x {a: 1, b: 2}\nw:\n  <<: *x\n  a: 2\n  <<: *x\nz: {a: 1, <<: *x, a: "
                "3}\n");
        struct doc_diagnostic *first = reading.doc->diagnostics, *second;

        assert_shows(&reading, "", "{\"b\":2,\"a\":4}");
        assert_non_null(first);
        assert_int_equal(first->pos.line, 4);
        assert_int_equal(first->other.line, 1);
        second = first->next;
        assert_non_null(second);
        assert_int_equal(second->pos.line, 5);
        assert_int_equal(second->pos.column, 1);
        assert_int_equal(second->other.line, 4);
        assert_null(second->next);
        /* An override by a merge key is none, but there are two keys "a" in the last line. */
        assert_shows(&merged, "",
                     "{\"x\":{\"a\":1,\"b\":2},\"w\":{\"a\":1,\"b\":2},\"z\":{\"b\":2,\"a\":3}}");
        assert_non_null(merged.doc->diagnostics);
        assert_int_equal(merged.doc->diagnostics->pos.line, 6);
        assert_int_equal(merged.doc->diagnostics->pos.column, 19);
        assert_int_equal(merged.doc->diagnostics->other.column, 5);
        assert_null(merged.doc->diagnostics->next);
}

/* Many keys take the way over the index. */
static void many_equal_keys(void **state _unused_) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        size_t count = 0;

        for (int i = 0; i < 3000; i++)
                buf_printf(&text, "k%d: %d\n", i % 1000, i);

        struct reading reading _cleanup_reading_ = read_yaml(text.data);

        assert_int_equal(reading.result, 1);
        assert_int_equal(reading.doc->root->map.count, 1000);
        for (int i = 0; i < 1000; i++) {
                char key[16];
                const struct doc_node *value;

                snprintf(key, sizeof key, "k%d", i);
                value = doc_get(reading.doc->root, str_from(key));
                assert_non_null(value);
                assert_int_equal(value->integer, 2000 + i);
                assert_int_equal(value->index, i);
        }
        assert_null(doc_get(reading.doc->root, STR("k1000")));
        for (struct doc_diagnostic *d = reading.doc->diagnostics; d; d = d->next)
                count++;
        assert_int_equal(count, 2000);
}

/* Texts that libyaml reads, or Kubernetes' parser does, but not both; and what becomes of them. */
static void divergences(void **state _unused_) {
        static const struct meaning meanings[] = {
                { "{a: 1} rest", NULL },      /* Kubernetes drops the rest without a word */
                { "[a:,b]", NULL },           /* Kubernetes: the text "a:" */
                { "[!x, 1]", NULL },          /* Kubernetes: a tag "!x," */
                { "\"\\/\"", "\"/\"" },       /* Kubernetes refuses the escape */
                { "%YAML 1.2\n---\n1", "1" }, /* Kubernetes refuses the version */
        };

        check(meanings, ELEMENTS(meanings));
}

struct mistake {
        const char *text;
        uint32_t line, column;
        const char *words; /* that the message must hold */
};

static void mistakes(void **state _unused_) {
        static const struct mistake table[] = {
                { "a:\n\tb: 2\n", 2, 1, "tab" },
                { "a:1\nb: 2\n", 2, 2, "space is missing after the colon in line 1" },
                { "a: 1\nb:2\nc: 3\n", 2, 1, "space is missing after the colon in line 2" },
                { "a: \"foo\nb: 1\n", 1, 4, "never closed" },
                { "a: b: c\n", 1, 5, "mapping values are not allowed here" },
                { "a:\n  b: 1\n c: 2\n", 3, 2, "not indented like the other keys" },
                { "a: [1, 2\nb: 3\n", 2, 2, "opened in line 1" },
                { "a: {x: 1\n", 2, 1, "opened in line 1" },
                { "- a\nb: 1\n", 2, 1, "not indented like the other items" },
                { "a: @x\n", 1, 4, "quotes" },
                { "a: *x\n", 1, 4, "no anchor &x" },
                { "a: &x [*x]\n", 1, 8, "contain itself" },
                { "a: \"\\q\"\n", 1, 5, "backslash" },
                { "a: {{ .Values.x }}\n", 1, 4, "template" },
                { "\xc3\xa9: \"\xc3\xa9\" @\n", 1, 8, "" },
                { "a: \xc3\xa9\x07\n", 1, 5, "U+0007" },
                { "a: .inf\n", 1, 4, "JSON" },
                { "a: 1\nb: {~: 1}\n", 2, 5, "null" },
                { "a: !!int x\n", 1, 4, "!!int" },
                { "b: 1\n<<: 3\n", 2, 5, "<<" },
        };

        for (size_t i = 0; i < ELEMENTS(table); i++) {
                struct reading reading _cleanup_reading_ = read_yaml(table[i].text);

                if (reading.result != -EINVAL || !strstr(reading.error.message, table[i].words) ||
                    reading.error.line != table[i].line || reading.error.column != table[i].column)
                        print_error("%s\n  %d %u:%u: %s\n", table[i].text, reading.result,
                                    reading.error.line, reading.error.column,
                                    reading.error.message);
                assert_int_equal(reading.result, -EINVAL);
                assert_int_equal(reading.error.line, table[i].line);
                assert_int_equal(reading.error.column, table[i].column);
                assert_non_null(strstr(reading.error.message, table[i].words));
                assert_string_equal(reading.error.file, "test.yaml");
        }
}

/* Reads UNIT repeated COUNT times. */
static int read_repeated(const char *unit, size_t count, const struct doc_limits *limits,
                         struct error *error) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < count; i++)
                buf_add(&text, str_from(unit));

        struct reading reading _cleanup_reading_ = read_with(buf_str(&text), DOC_YAML, limits);

        *error = reading.error;
        return reading.result;
}

static void limits(void **state _unused_) {
        struct doc_limits small = doc_default_limits;
        struct error error;

        assert_int_equal(read_repeated("[", 5000, NULL, &error), -E2BIG);
        assert_int_equal(error.column, 257);
        assert_non_null(strstr(error.message, "limit: depth"));
        assert_int_equal(read_repeated("{a: ", 5000, NULL, &error), -E2BIG);
        assert_int_equal(read_repeated("- ", 5000, NULL, &error), -E2BIG);
        assert_int_equal(read_repeated("? ", 5000, NULL, &error), -EINVAL);

        small.depth = 3;
        assert_int_equal(read_repeated("- ", 3, &small, &error), 1);
        assert_int_equal(read_repeated("- ", 4, &small, &error), -E2BIG);

        small = doc_default_limits;
        small.nodes = 10;
        assert_int_equal(read_repeated("- a\n", 9, &small, &error), 1);
        assert_int_equal(read_repeated("- a\n", 10, &small, &error), -E2BIG);
        assert_non_null(strstr(error.message, "limit: nodes"));

        small = doc_default_limits;
        small.scalar_bytes = 4;
        assert_int_equal(read_repeated("x", 4, &small, &error), 1);
        assert_int_equal(read_repeated("x", 5, &small, &error), -E2BIG);
        assert_non_null(strstr(error.message, "limit: scalar_bytes"));

        small = doc_default_limits;
        small.file_bytes = 4;
        assert_int_equal(read_repeated("x", 4, &small, &error), 1);
        assert_int_equal(read_repeated("x", 5, &small, &error), -E2BIG);
        assert_non_null(strstr(error.message, "limit: file_bytes"));
}

static void alias_limits(void **state _unused_) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct doc_limits small = doc_default_limits;

        buf_add(&text, STR("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"));
        for (int i = 1; i < 10; i++)
                buf_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i,
                           i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);

        struct reading bomb _cleanup_reading_ = read_yaml(text.data);

        assert_int_equal(bomb.result, -E2BIG);
        assert_non_null(strstr(bomb.error.message, "limit: alias_nodes"));

        /* Aliases do not reach deeper than the limit allows either. */
        small.depth = 3;

        struct reading fits _cleanup_reading_ =
                read_with(STR("a: &a [x]\nb: [*a]\n"), DOC_YAML, &small);
        struct reading deep _cleanup_reading_ =
                read_with(STR("a: &a [x]\nb: [[*a]]\n"), DOC_YAML, &small);
        struct reading merged _cleanup_reading_ =
                read_with(STR("a: &a {x: [1]}\nb: {<<: *a}\n"), DOC_YAML, &small);

        assert_int_equal(fits.result, 1);
        assert_int_equal(deep.result, -E2BIG);
        assert_int_equal(merged.result, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(words),
                cmocka_unit_test(numbers),
                cmocka_unit_test(tags),
                cmocka_unit_test(texts),
                cmocka_unit_test(keys),
                cmocka_unit_test(merges),
                cmocka_unit_test(aliases),
                cmocka_unit_test(equal_keys_are_reported),
                cmocka_unit_test(many_equal_keys),
                cmocka_unit_test(divergences),
                cmocka_unit_test(mistakes),
                cmocka_unit_test(limits),
                cmocka_unit_test(alias_limits),
        };

        return cmocka_run_group_tests_name("doc/yaml", tests, NULL, NULL);
}
