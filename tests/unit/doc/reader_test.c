/*
 * Sources: encodings, documents of a stream, and cutting a stream into parts.
 */
#include "doc_test.h"

static void encodings(void **state _unused_) {
        static const struct {
                struct str text;
                const char *expected;
        } table[] = {
                { STR_INIT("\xef\xbb\xbf"
                           "a\r\nb"),
                  "a\r\nb" },
                { STR_INIT("\xff\xfe"
                           "a\0\xe9\0\x3d\xd8\0\xde"),
                  "a\xc3\xa9\xf0\x9f\x98\x80" },
                { STR_INIT("\xfe\xff"
                           "\0a\0\xe9\xd8\x3d\xde\0"),
                  "a\xc3\xa9\xf0\x9f\x98\x80" },
                { STR_INIT("\xff\xfe\0\0"
                           "a\0\0\0\0\xf6\1\0"),
                  "a\xf0\x9f\x98\x80" },
                { STR_INIT("\0\0\xfe\xff"
                           "\0\0\0a\0\1\xf6\0"),
                  "a\xf0\x9f\x98\x80" },
                { STR_INIT("\xff\xfe"), "" },
                { STR_INIT(""), "" },
        };

        for (size_t i = 0; i < ELEMENTS(table); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct doc_source source;
                struct error error;

                assert_int_equal(doc_source_init(&arena, STR("f"), table[i].text, &source, &error),
                                 0);
                assert_str(source.text, table[i].expected);
        }
}

static void no_text(void **state _unused_) {
        static const struct {
                struct str text;
                uint32_t line, column;
        } table[] = {
                { STR_INIT("a: 1\nb: \0c"), 2, 4 },
                { STR_INIT("\xc3\xa9\xff"), 1, 2 },
                { STR_INIT("a\r\nb\rc\xed\xa0\x80"), 3, 2 }, /* a surrogate in UTF-8 */
                { STR_INIT("0123456789abcdef\xc0\x80"), 1, 17 },
                { STR_INIT("abc\xe2\x82"), 1, 4 },
                { STR_INIT("\xff\xfe"
                           "a\0\n\0\0\xdc"),
                  2, 1 },
                { STR_INIT("\xff\xfe"
                           "a\0b"),
                  1, 2 },
                { STR_INIT("\xff\xfe"
                           "a\0\0\0"),
                  1, 2 },
                { STR_INIT("\0\0\xfe\xff"
                           "\0\x11\0\0"),
                  1, 1 },
        };

        for (size_t i = 0; i < ELEMENTS(table); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct doc_source source;
                struct error error = { 0 };

                assert_int_equal(doc_source_init(&arena, STR("f"), table[i].text, &source, &error),
                                 -EILSEQ);
                assert_int_equal(error.line, table[i].line);
                assert_int_equal(error.column, table[i].column);
                assert_string_equal(error.file, "f");
        }
}

/* Adds what READER yields, one word a document: the JSON, or "!" and the line of an error. */
static void read_all(struct doc_reader *reader, struct arena *arena, struct buf *out) {
        struct error error = { 0 };
        struct doc *doc;
        int r;

        while ((r = doc_read(reader, arena, &doc, &error)) != 0) {
                if (out->len > 0)
                        buf_add_char(out, ' ');
                if (r < 0) {
                        buf_printf(out, "!%u", error.line);
                        continue;
                }
                buf_printf(out, "%u@%u:", doc->index, doc->root->start.line);
                show(out, doc->root);
        }
}

static void assert_stream(const char *text, enum doc_format format, const char *expected) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf out _cleanup_(buf_free) = BUF_INIT;
        struct doc_source source;
        struct doc_reader reader;

        assert_int_equal(doc_source_init(&arena, STR("f"), str_from(text), &source, NULL), 0);
        doc_reader_init(&reader, &source, format, NULL);
        buf_add(&out, STR(""));
        read_all(&reader, &arena, &out);
        if (!str_eq(buf_str(&out), str_from(expected)))
                print_error("%s\n", text);
        assert_str(buf_str(&out), expected);
        buf_clear(&out);
        read_all(&reader, &arena, &out); /* the end remains the end */
        assert_int_equal(out.len, 0);
}

static void streams(void **state _unused_) {
        static const struct {
                const char *text, *expected;
        } table[] = {
                { "", "" },
                { "# nothing\n\n", "" },
                { "---\n# nothing\n---\n...\n", "" },
                { "a", "0@1:\"a\"" },
                { "---\na\n---\nb\n", "0@2:\"a\" 1@4:\"b\"" },
                { "a\n---\n---\n# c\n---\nb\n", "0@1:\"a\" 1@6:\"b\"" },
                { "# c\n---\na\n", "0@3:\"a\"" },
                { "--- a\n--- # c\nb\n", "0@1:\"a\" 1@3:\"b\"" },
                { "--- |\n  a\n---\tb\n", "0@1:\"a\\n\" 1@3:\"b\"" },
                { "---a\n", "0@1:\"---a\"" },
                { "a: |\n  ---\n  b\n", "0@1:{\"a\":\"---\\nb\\n\"}" },
                { "a\n...\nb\n", "0@1:\"a\" 1@3:\"b\"" },
                { "%YAML 1.1\n---\na\n...\n%TAG ! !x\n---\nb\n", "0@3:\"a\" 1@7:\"b\"" },
                { "%YAML 1.1\n", "!2" },
                { "a\r\n---\r\nb\r\n", "0@1:\"a\" 1@3:\"b\"" },
                { "a\r---\rb\r", "0@1:\"a\" 1@3:\"b\"" },
                { "a: 1\n---\nb: 'x\n---\nc: : 1\n---\nd: 4\n",
                  "0@1:{\"a\":1} !3 !5 3@7:{\"d\":4}" },
                { "--- ~\n", "0@1:null" },
                { "{\"a\": 1}\n---\n{b: 2}\n", "0@1:{\"a\":1} 1@3:{\"b\":2}" },
                { "{\"a\": 1,}", "0@1:{\"a\":1}" },
                { "{\"a\": 1.0} {\"b\": 2}\n[3]", "0@1:{\"a\":1d} 1@1:{\"b\":2} 2@2:[3]" },
        };

        for (size_t i = 0; i < ELEMENTS(table); i++)
                assert_stream(table[i].text, DOC_AUTO, table[i].expected);
        /* One JSON value a line: a broken line is lost alone, other broken values lose the rest. */
        assert_stream("{\"a\":1}\n{\"b\":}\n{\"c\":3}\n", DOC_JSON,
                      "0@1:{\"a\":1} !2 2@3:{\"c\":3}");
        assert_stream("{\"a\":1}\n{\"b\":\n2,}\n{\"c\":3}\n", DOC_JSON, "0@1:{\"a\":1} !3");
        assert_stream("[{\"a\":}\n{\"c\":3}\n", DOC_JSON, "!1");
        assert_stream("1 2 \"\xc3\xa9\" x", DOC_JSON, "0@1:1 1@1:2 2@1:\"\xc3\xa9\" !1");
}

static void places_within_a_stream(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const char *text = "x: 1\n---\n# c\n\xc3\xa9: [\"\xf0\x9f\x98\x80\", b]\n";
        struct doc_source source;
        struct doc_reader reader;
        const struct doc_node *list;
        struct doc *doc;

        assert_int_equal(doc_source_init(&arena, STR("f"), str_from(text), &source, NULL), 0);
        doc_reader_init(&reader, &source, DOC_AUTO, NULL);
        assert_int_equal(doc_read(&reader, &arena, &doc, NULL), 1);
        assert_int_equal(doc->text_start, 0);
        assert_int_equal(doc->text_end, 5);
        assert_int_equal(doc_read(&reader, &arena, &doc, NULL), 1);
        assert_int_equal(doc->index, 1);
        assert_int_equal(doc->start.line, 2);
        assert_int_equal(doc->text_start, 5);
        assert_int_equal(doc->text_end, strlen(text));
        list = &doc->root->map.entries[0].value;
        assert_int_equal(doc->root->map.entries[0].key_start.line, 4);
        assert_int_equal(list->start.column, 4);
        assert_int_equal(list->end.column, 12);
        assert_int_equal(list->list.items[1].start.column, 10);
        assert_int_equal(list->list.items[1].end.column, 11);
}

/* However a stream is cut, the parts together yield what the whole yields. */
static void cutting(void **state _unused_) {
        static const char *const texts[] = {
                "a: 1\n---\nb: 2\n---\n# empty\n---\nc: 'x\n---\n\nd: 4\n...\n%YAML 1.1\n---\ne: 5",
                "# c\n---\n---\r\na\r\n---\r\nb\r---\rc\n",
                "{\"a\": 1} {\"b\": 2}",
                "",
                "# nothing\n",
        };

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct buf whole _cleanup_(buf_free) = BUF_INIT;
                struct doc_source source;
                struct doc_reader reader;

                assert_int_equal(
                        doc_source_init(&arena, STR("f"), str_from(texts[i]), &source, NULL), 0);
                doc_reader_init(&reader, &source, DOC_AUTO, NULL);
                read_all(&reader, &arena, &whole);
                for (size_t bytes = 0; bytes < 60; bytes++) {
                        struct buf parts _cleanup_(buf_free) = BUF_INIT;
                        struct doc_reader part;
                        size_t last = 0;

                        doc_reader_init(&reader, &source, DOC_AUTO, NULL);
                        while (doc_reader_cut(&reader, bytes, &part)) {
                                assert_int_equal(part.offset, last);
                                last = part.end;
                                read_all(&part, &arena, &parts);
                        }
                        assert_int_equal(last, source.text.len);
                        assert_true(str_eq(buf_str(&parts), buf_str(&whole)));
                        if (bytes == 0 && i == 0)
                                assert_int_equal(reader.index, 5);
                }
        }
}

static void lines(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_lines index;

        doc_lines_init(&arena, STR("a\nb\r\nc\r\rd"), &index);
        assert_int_equal(index.count, 5);
        assert_str(doc_line(&index, 0), "");
        assert_str(doc_line(&index, 1), "a");
        assert_str(doc_line(&index, 2), "b");
        assert_str(doc_line(&index, 3), "c");
        assert_str(doc_line(&index, 4), "");
        assert_str(doc_line(&index, 5), "d");
        assert_str(doc_line(&index, 6), "");
        doc_lines_init(&arena, STR(""), &index);
        assert_int_equal(index.count, 1);
        assert_str(doc_line(&index, 1), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(encodings), cmocka_unit_test(no_text),
                cmocka_unit_test(streams),   cmocka_unit_test(places_within_a_stream),
                cmocka_unit_test(cutting),   cmocka_unit_test(lines),
        };

        return cmocka_run_group_tests_name("doc/reader", tests, NULL, NULL);
}
