/*
 * The manifests of eleven real projects: as many documents of the same kinds as their inventory
 * says, and every scalar stands where its node says it does.
 */
#include "doc_test.h"

#include "base/fs.h"

enum { FILE_MAX = 64 << 20 };

static struct str read_file(struct arena *arena, const char *name) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        assert_int_equal(fs_read(name, -1, FILE_MAX, false, &buf, NULL), 0);
        return arena_str(arena, buf_str(&buf));
}

/* The bytes between two places of one line. */
static struct str cut(struct str line, struct doc_pos start, struct doc_pos end) {
        size_t from = 0, to;

        for (uint32_t column = 1; column < start.column; column++)
                from++;
        to = from + (end.column - start.column);
        return str_slice(line, from, to);
}

static bool is_ascii(struct str text) {
        for (size_t i = 0; i < text.len; i++)
                if (text.ptr[i] < 0)
                        return false;
        return true;
}

/* What stands at the place of a scalar of one line must read as the scalar. */
static size_t check_scalar(const struct doc_lines *lines, const struct doc_node *node) {
        struct str line = doc_line(lines, node->start.line), text;
        struct buf found _cleanup_(buf_free) = BUF_INIT;
        struct buf expected _cleanup_(buf_free) = BUF_INIT;

        if (node->start.line != node->end.line || !is_ascii(line) || (node->flags & DOC_ALIASED))
                return 0;
        text = cut(line, node->start, node->end);
        if (text.len == 0) {
                assert_int_equal(node->kind, DOC_NULL);
                return 1;
        }

        struct reading reading _cleanup_reading_ = read_with(text, DOC_YAML, NULL);

        show(&expected, node);
        if (reading.result != 1)
                print_error("\"%.*s\" in line %u\n", STR_ARG(text), node->start.line);
        assert_int_equal(reading.result, 1);
        show(&found, reading.doc->root);
        assert_str(buf_str(&found), expected.data);
        return 1;
}

static void check_key(const struct doc_lines *lines, const struct doc_entry *entry) {
        struct str line = doc_line(lines, entry->key_start.line);

        if (!is_ascii(line) || entry->value.flags & DOC_ALIASED)
                return;
        line = str_slice(line, entry->key_start.column - 1, line.len);
        if (str_starts(line, STR("\"")) || str_starts(line, STR("'")))
                line = str_slice(line, 1, line.len);
        assert_true(str_starts(line, entry->key));
}

static size_t check_places(const struct doc_lines *lines, const struct doc_node *node) {
        size_t count = 0;

        if (node->kind == DOC_LIST) {
                for (uint32_t i = 0; i < node->list.count; i++)
                        count += check_places(lines, &node->list.items[i]);
        } else if (node->kind == DOC_MAP) {
                for (uint32_t i = 0; i < node->map.count; i++) {
                        check_key(lines, &node->map.entries[i]);
                        count += check_places(lines, &node->map.entries[i].value);
                }
        } else {
                count = check_scalar(lines, node);
        }
        return count;
}

/* Counts DOC under its kind in COUNTS, which has an entry for every kind that there should be. */
static void count_kind(const struct doc *doc, int64_t *counts, const struct doc_node *kinds) {
        struct str kind = doc_string(doc_find(doc->root, "kind"), STR("-"));
        const struct doc_node *expected = doc_get(kinds, kind);

        if (expected)
                counts[expected->index]++;
}

static void check_file(const struct doc_node *row, size_t *scalars) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str file = doc_string(doc_find(row, "file"), STR(""));
        struct str name = arena_printf(&arena, "%s/manifests/%.*s", test_data(), STR_ARG(file));
        const struct doc_node *kinds = doc_find(row, "kinds");
        int64_t *counts = arena_new_array(&arena, kinds->map.count, int64_t);
        struct doc_source source;
        struct doc_reader reader;
        struct doc_lines lines;
        struct doc *doc;
        int64_t docs = 0;
        int r;

        assert_int_equal(doc_source_init(&arena, name, read_file(&arena, name.ptr), &source, NULL),
                         0);
        doc_lines_init(&arena, source.text, &lines);
        doc_reader_init(&reader, &source, DOC_AUTO, NULL);
        while ((r = doc_read(&reader, &arena, &doc, NULL)) != 0) {
                assert_int_equal(r, 1);
                docs++;
                count_kind(doc, counts, kinds);
                *scalars += check_places(&lines, doc->root);
        }
        if (docs != doc_find(row, "docs")->integer)
                print_error("%s\n", name.ptr);
        assert_int_equal(docs, doc_find(row, "docs")->integer);
        for (uint32_t i = 0; i < kinds->map.count; i++)
                assert_int_equal(counts[i], kinds->map.entries[i].value.integer);
}

static void inventory(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source;
        struct doc_reader reader;
        size_t scalars = 0;
        struct doc *row;
        struct str name;

        if (!test_data())
                skip();
        name = arena_printf(&arena, "%s/manifests/inventory.jsonl", test_data());
        assert_int_equal(doc_source_init(&arena, name, read_file(&arena, name.ptr), &source, NULL),
                         0);
        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        while (doc_read(&reader, &arena, &row, NULL) == 1)
                check_file(row->root, &scalars);
        assert_int_equal(reader.index, 593);
        assert_true(scalars > 70000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(inventory),
        };

        return cmocka_run_group_tests_name("doc/data", tests, NULL, NULL);
}
