/*
 * Looking at trees, building them, places, comments.
 */
#include "doc_test.h"

static void looking(void **state _unused_) {
        struct reading reading _cleanup_reading_ =
                read_yaml("spec:\n"
                          "  containers:\n"
                          "  - name: a\n"
                          "    \"x.io/b\": {é: 1, 'q\"': 2, \"\": 3, _a1: 4, 1a: 5}\n");
        const struct doc_node *root = reading.doc->root, *odd;

        assert_null(doc_get(NULL, STR("a")));
        assert_null(doc_find(root, "spec", "missing", "x"));
        assert_null(doc_find(root, "spec", "containers", "0"));
        odd = doc_get(&doc_find(root, "spec", "containers")->list.items[0], STR("x.io/b"));
        assert_non_null(odd);
        assert_str(doc_path(&reading.arena, root), "");
        assert_str(doc_path(&reading.arena, odd), "spec.containers[0][\"x.io/b\"]");
        assert_str(doc_path(&reading.arena, doc_get(odd, STR("\xc3\xa9"))),
                   "spec.containers[0][\"x.io/b\"][\"\xc3\xa9\"]");
        assert_str(doc_path(&reading.arena, doc_get(odd, STR("q\""))),
                   "spec.containers[0][\"x.io/b\"][\"q\\\"\"]");
        assert_str(doc_path(&reading.arena, doc_get(odd, STR(""))),
                   "spec.containers[0][\"x.io/b\"][\"\"]");
        assert_str(doc_path(&reading.arena, doc_get(odd, STR("_a1"))),
                   "spec.containers[0][\"x.io/b\"]._a1");
        assert_str(doc_path(&reading.arena, doc_get(odd, STR("1a"))),
                   "spec.containers[0][\"x.io/b\"][\"1a\"]");
        assert_str(doc_entry_of(odd)->key, "x.io/b");
        assert_null(doc_entry_of(root));
        assert_null(doc_entry_of(odd->parent));
        assert_str(doc_string(doc_get(odd->parent, STR("name")), STR("none")), "a");
        assert_str(doc_string(odd, STR("none")), "none");
        assert_str(doc_string(NULL, STR("none")), "none");
        assert_int_equal(odd->depth, 4);
        assert_string_equal(doc_kind_name(DOC_DOUBLE), "number");
}

struct expected_place {
        const char *path;
        uint32_t start_line, start_column, end_line, end_column;
};

static const struct doc_node *find_path(struct arena *arena, const struct doc_node *node,
                                        struct str path) {
        const struct doc_node *hit;
        size_t count = node->kind == DOC_MAP    ? node->map.count
                       : node->kind == DOC_LIST ? node->list.count
                                                : 0;

        if (str_eq(doc_path(arena, node), path))
                return node;
        for (size_t i = 0; i < count; i++) {
                hit = find_path(arena,
                                node->kind == DOC_MAP ? &node->map.entries[i].value
                                                      : &node->list.items[i],
                                path);
                if (hit)
                        return hit;
        }
        return NULL;
}

static void places(void **state _unused_) {
        static const char text[] = "a: one # c\n"             /* 1 */
                                   "b:\n"                     /* 2 */
                                   "- x\n"                    /* 3 */
                                   "-   k: 'v'\n"             /* 4 */
                                   "    l: |  # c\n"          /* 5 */
                                   "      \xc3\xa9\xc3\xa9\n" /* 6 */
                                   "\n"                       /* 7 */
                                   "c: [1, {p: q}]\n"         /* 8 */
                                   "d:\n"                     /* 9 */
                                   "e: &x !!str two\n"        /* 10 */
                                   "  lines\n"                /* 11 */
                                   "f: >-\n"                  /* 12 */
                                   "   text\n"                /* 13 */
                                   "   more\n"                /* 14 */
                                   "# end\n"                  /* 15 */
                                   "g: {}\n"                  /* 16 */
                                   "h: *x";                   /* 17 */
        static const struct expected_place table[] = {
                { "", 1, 1, 17, 6 },        { "a", 1, 4, 1, 7 },    { "b", 3, 1, 6, 9 },
                { "b[0]", 3, 3, 3, 4 },     { "b[1]", 4, 5, 6, 9 }, { "b[1].k", 4, 8, 4, 11 },
                { "b[1].l", 5, 8, 6, 9 },   { "c", 8, 4, 8, 15 },   { "c[1]", 8, 8, 8, 14 },
                { "c[1].p", 8, 12, 8, 13 }, { "d", 9, 3, 9, 3 },    { "e", 10, 4, 11, 8 },
                { "f", 12, 4, 14, 8 },      { "g", 16, 4, 16, 6 },  { "h", 17, 4, 17, 6 },
        };
        struct reading reading _cleanup_reading_ = read_yaml(text);

        assert_int_equal(reading.result, 1);
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                const struct doc_node *node =
                        find_path(&reading.arena, reading.doc->root, str_from(table[i].path));

                assert_non_null(node);
                if (node->start.line != table[i].start_line ||
                    node->start.column != table[i].start_column ||
                    node->end.line != table[i].end_line || node->end.column != table[i].end_column)
                        print_error("%s: %u:%u - %u:%u\n", table[i].path, node->start.line,
                                    node->start.column, node->end.line, node->end.column);
                assert_int_equal(node->start.line, table[i].start_line);
                assert_int_equal(node->start.column, table[i].start_column);
                assert_int_equal(node->end.line, table[i].end_line);
                assert_int_equal(node->end.column, table[i].end_column);
        }
}

/* Line ends that only YAML 1.1 knows are no line ends for people. */
static void odd_line_ends(void **state _unused_) {
        struct reading reading _cleanup_reading_ = read_yaml(
                "a: \"x\xe2\x80\xa8 y\"\nb: \"\xc2\x85\" \nc: [\xc3\xa9, 1] # \xe2\x80\xa9");
        const struct doc_node *b, *c;

        assert_int_equal(reading.result, 1);
        b = doc_find(reading.doc->root, "b");
        c = doc_find(reading.doc->root, "c");
        assert_int_equal(b->start.line, 2);
        assert_int_equal(b->start.column, 4);
        assert_int_equal(b->end.column, 7);
        assert_int_equal(c->list.items[1].start.line, 3);
        assert_int_equal(c->list.items[1].start.column, 8);
}

static void building(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_node near = { .start = { 7, 3 }, .end = { 8, 1 } };
        struct doc_node *map = doc_new_map(&arena, &near, 20);
        struct doc_node *list = doc_new_list(&arena, &near, 2);
        struct reading reading _cleanup_reading_ = read_yaml("x: {z: 1}\n");
        const struct doc_node *inner;

        doc_set_string(&list->list.items[0], STR("one"));
        list->list.items[1] = *reading.doc->root;
        for (size_t i = 0; i < 20; i++) {
                struct doc_node value = { .kind = DOC_INT, .integer = (int64_t)i };

                doc_map_set(map, i, arena_printf(&arena, "k%zu", i % 19), &value);
        }
        doc_map_set(map, 5, STR("list"), list);
        doc_map_set(map, 6, STR("null"), NULL);
        doc_map_index(&arena, map);

        assert_int_equal(doc_get(map, STR("k3"))->integer, 3);
        assert_int_equal(doc_get(map, STR("k0"))->integer, 19); /* the last wins */
        assert_null(doc_get(map, STR("k5")));
        assert_int_equal(doc_get(map, STR("null"))->kind, DOC_NULL);
        assert_int_equal(doc_get(map, STR("k3"))->start.line, 7);
        assert_ptr_equal(doc_get(map, STR("k3"))->parent, map);
        inner = doc_get(map, STR("list"));
        assert_ptr_equal(inner->parent, map);
        assert_int_equal(inner->flags & DOC_SYNTHETIC, DOC_SYNTHETIC);
        assert_ptr_equal(inner->list.items[0].parent, inner);
        assert_int_equal(inner->list.items[0].start.column, 3);
        assert_str(doc_path(&arena, &inner->list.items[0]), "list[0]");
        /* What was read stays as it was. */
        assert_ptr_equal(doc_find(reading.doc->root, "x")->parent, reading.doc->root);
        assert_int_equal(doc_find(&inner->list.items[1], "x", "z")->integer, 1);
}

static void small_map(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_node *map = doc_new_map(&arena, NULL, 2), *empty = doc_new_map(&arena, NULL, 0);
        struct doc_node value = { .kind = DOC_BOOL, .boolean = true };

        doc_map_set(map, 0, STR("a"), &value);
        value.boolean = false;
        doc_map_set(map, 1, STR("a"), &value);
        doc_map_index(&arena, map);
        doc_map_index(&arena, empty);
        assert_false(doc_get(map, STR("a"))->boolean);
        assert_null(doc_get(empty, STR("a")));
        assert_null(doc_get(map, STR("b")));
}

static void map_with_a_key(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct reading reading _cleanup_reading_ = read_yaml("metadata:\n  name: x\n");
        const struct doc_node *metadata, *changed;
        struct doc_node value = { .kind = DOC_BOOL, .boolean = true };

        metadata = doc_find(reading.doc->root, "metadata");
        changed = doc_map_with(&arena, metadata, STR("more"), &value, NULL);
        assert_int_equal(changed->map.count, 2);
        assert_true(doc_get(changed, STR("more"))->boolean);
        assert_str(doc_path(&arena, doc_get(changed, STR("name"))), "metadata.name");
        assert_ptr_equal(changed->parent, reading.doc->root);
        changed = doc_map_with(&arena, metadata, STR("name"), &value, NULL);
        assert_int_equal(changed->map.count, 1);
        assert_true(doc_get(changed, STR("name"))->boolean);
        assert_null(doc_get(metadata, STR("more")));
        changed = doc_map_with(&arena, NULL, STR("name"), &value, metadata);
        assert_int_equal(changed->start.line, 2);
}

static void comments(void **state _unused_) {
        static const char text[] = "x: 1\n"                   /* 1 */
                                   "# before\n"               /* 2 */
                                   "--- # marker\n"           /* 3 */
                                   "\xc3\xa9: 'a # b' #one\n" /* 4 */
                                   "b: a#b\n"                 /* 5 */
                                   "c: | # header\n"          /* 6 */
                                   "  # text\n"               /* 7 */
                                   " # between\n"             /* 8 */
                                   "d: [ # in\r\n"            /* 9 */
                                   "  1 # \xe2\x82\xac\r\n"   /* 10 */
                                   "] ##\n"                   /* 11 */
                                   "#";                       /* 12 */
        static const struct {
                uint32_t line, column;
                const char *text;
        } expected[] = {
                { 3, 5, "# marker" },  { 4, 12, "#one" }, { 6, 6, "# header" },
                { 8, 2, "# between" }, { 9, 6, "# in" },  { 10, 5, "# \xe2\x82\xac" },
                { 11, 3, "##" },       { 12, 1, "#" },
        };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_comment *found;
        struct doc_source source;
        struct doc_reader reader;
        struct doc *doc;

        assert_int_equal(doc_source_init(&arena, STR("f"), str_from(text), &source, NULL), 0);
        doc_reader_init(&reader, &source, DOC_AUTO, NULL);
        assert_int_equal(doc_read(&reader, &arena, &doc, NULL), 1);
        assert_int_equal(doc_comments(&arena, doc, &found), 1);
        assert_int_equal(found[0].pos.line, 2);
        assert_str(found[0].text, "# before");
        assert_int_equal(doc_read(&reader, &arena, &doc, NULL), 1);
        assert_int_equal(doc_comments(&arena, doc, &found), ELEMENTS(expected));
        for (size_t i = 0; i < ELEMENTS(expected); i++) {
                assert_str(found[i].text, expected[i].text);
                assert_int_equal(found[i].pos.line, expected[i].line);
                assert_int_equal(found[i].pos.column, expected[i].column);
        }
}

static void json_has_no_comments(void **state _unused_) {
        struct reading reading _cleanup_reading_ = read_json("{\"a\": \"# no\", \"b#\": \"#\"}");
        struct doc_comment *found;

        assert_int_equal(reading.result, 1);
        assert_int_equal(doc_comments(&reading.arena, reading.doc, &found), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(looking),       cmocka_unit_test(places),
                cmocka_unit_test(odd_line_ends), cmocka_unit_test(building),
                cmocka_unit_test(small_map),     cmocka_unit_test(map_with_a_key),
                cmocka_unit_test(comments),      cmocka_unit_test(json_has_no_comments),
        };

        return cmocka_run_group_tests_name("doc/tree", tests, NULL, NULL);
}
