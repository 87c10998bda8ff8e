/*
 * Changes of texts. What a text becomes is what a careful person would have written.
 */
#include "doc_test.h"

#include "doc/change.h"
#include "doc/rewrite.h"

/* BEFORE, changed so that it reads as WANTED; the refusal in brackets. */
static void rewritten(const char *before, const char *wanted, struct buf *ret) {
        struct reading text _cleanup_reading_ = read_with(str_from(before), DOC_AUTO, NULL);
        struct reading tree _cleanup_reading_ = read_with(str_from(wanted), DOC_AUTO, NULL);
        struct error error = { 0 };

        assert_int_equal(text.result, 1);
        assert_int_equal(tree.result, 1);
        if (doc_rewrite(text.doc, tree.doc->root, ret, &error) < 0) {
                buf_clear(ret);
                buf_printf(ret, "[%s]", error.message);
        }
}

struct rewrite_case {
        const char *before, *wanted, *after;
};

static void check(const struct rewrite_case *cases, size_t count) {
        for (size_t i = 0; i < count; i++) {
                struct buf text _cleanup_(buf_free) = BUF_INIT;

                rewritten(cases[i].before, cases[i].wanted, &text);
                assert_string_equal(text.data, cases[i].after);
        }
}

static void blocks_keep_their_layout(void **state _unused_) {
        static const struct rewrite_case cases[] = {
                { "a: 1 # one\n# two\nb:   2\n", "{a: 1, b: 3}", "a: 1 # one\n# two\nb:   3\n" },
                { "a:\n    b: 1 # keep\n    c: 2 # go\n# end\n", "{a: {b: 1}}",
                  "a:\n    b: 1 # keep\n# end\n" },
                { "a:\n    b: 1 # keep\nz: 1", "{a: {b: 1, c: {d: true}}, z: 1}",
                  "a:\n    b: 1 # keep\n    c:\n      d: true\nz: 1" },
                { "a:\n  b: 1", "{a: {b: 1, c: 2}}", "a:\n  b: 1\n  c: 2" },
                { "l:\n- name: x\n  v: 1\n- name: y # y\n  v: 2\n",
                  "{l: [{name: x, v: 1, w: [k]}, {name: y, v: 2}]}",
                  "l:\n- name: x\n  v: 1\n  w:\n  - k\n- name: y # y\n  v: 2\n" },
                { "l:\n  - a\n  - b # gone\n  - c\n", "{l: [a, c]}", "l:\n  - a\n  - c\n" },
                { "l:\n  - a\n  - b\n", "{l: [b, c]}", "l:\n  - b\n  - c\n" },
                { "l:\n  - first: 1\n    second: 2\n", "{l: [{second: 2}]}",
                  "l:\n  - second: 2\n" },
                { "m: {}\n", "{m: {a: b}}", "m:\n  a: b\n" },
                { "m: {} # todo\n", "{m: {a: b}}", "m: {a: b} # todo\n" },
                { "m:\nn: 1\n", "{m: {a: [b]}, n: 1}", "m:\n  a:\n  - b\nn: 1\n" },
                { "m:\n  a: 1\nn: 1\n", "{m: {}, n: 1}", "m: {}\nn: 1\n" },
                { "m:\n  - a\nn: 1\n", "{m: [], n: 1}", "m: []\nn: 1\n" },
                { "t: |\n  one\n  two\nn: 1\n", "{n: 1}", "n: 1\n" },
                { "a: 1\nt: |\n  one\n", "{a: 1, t: \"one\\n\", u: 2}",
                  "a: 1\nt: |\n  one\nu: 2\n" },
                { "---\n# head\na: \"x\"\n", "{a: \"yes\"}", "---\n# head\na: \"yes\"\n" },
                { "a: 1\r\nb:\r\n  c: 1\r\n", "{a: 1, b: {c: 1, d: {e: 2}}}",
                  "a: 1\r\nb:\r\n  c: 1\r\n  d:\r\n    e: 2\r\n" },
                { "\xc3\xa4: \xc3\xb6\xc3\xbc # \xe2\x82\xac\n", "{\"\xc3\xa4\": x}",
                  "\xc3\xa4: x # \xe2\x82\xac\n" },
        };

        check(cases, ELEMENTS(cases));
}

static void flow_keeps_its_layout(void **state _unused_) {
        static const struct rewrite_case cases[] = {
                { "a: {b: 1, c: 2} # x\n", "{a: {b: 1}}", "a: {b: 1} # x\n" },
                { "a: {b: 1, c: 2}\n", "{a: {c: 2}}", "a: {c: 2}\n" },
                { "a: {b: 1}\n", "{a: {b: 1, c: {d: e, f: [1]}}}",
                  "a: {b: 1, c: {d: e, f: [1]}}\n" },
                { "a: {b: 1, c: 2, d: 3}\n", "{a: {b: 1, e: 4}}", "a: {b: 1, e: 4}\n" },
                { "a: [x, y, z]\n", "{a: [x, z, w]}", "a: [x, z, w]\n" },
                { "a: {x: true}\n", "{a: {x: false}}", "a: {x: false}\n" },
                { "a: {x: true}\n", "{a: {}}", "a: {}\n" },
                { "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":\"d\"}}",
                  "{\"a\":{\"b\":1,\"c\":\"d\"}}" },
                { "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n", "{\"a\":{\"b\":1,\"c\":[2]}}",
                  "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": [2]\n  }\n}" },
                { "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "{\"a\":1}", "{\n  \"a\": 1\n}" },
                { "a: {x: \"a, b\"}\n", "{a: {x: \"c, d\"}}", "a: {x: \"c, d\"}\n" },
        };

        check(cases, ELEMENTS(cases));
}

static void aliases_are_left_alone(void **state _unused_) {
        static const struct rewrite_case cases[] = {
                { "a: &x {b: 1}\nc: *x\n", "{a: {b: 1}, c: {b: 2}}",
                  "[the text cannot be changed here: it comes from an alias or a merge key]" },
                /* What the anchor says is what the alias says. */
                { "a: &x {b: 1}\nc: *x\n", "{a: {b: 2}, c: {b: 1}}",
                  "[the text cannot be changed here: its layout is not known]" },
                { "a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", "{a: {b: 1}, c: {b: 2, d: 1}}",
                  "[the text cannot be changed here: it comes from an alias or a merge key]" },
                { "a: &x {b: 1}\nc: *x\nd: 1\n", "{a: {b: 1}, c: {b: 1}, d: 2}",
                  "a: &x {b: 1}\nc: *x\nd: 2\n" },
        };

        check(cases, ELEMENTS(cases));
}

/* Changes found between two trees make the one of the other, and a text of it. */
static void changes_are_found_and_applied(void **state _unused_) {
        static const char *const cases[][3] = {
                { "{a: 1, l: [{name: x, v: 1}, {name: y}]}",
                  "{a: 1, l: [{name: x, v: 2}, {name: z}], n: {k: v}}", "3" },
                { "{l: [a, b, c, d]}", "{l: [b, d, e]}", "3" },
                { "{l: [a, b, c]}", "{l: []}", "3" },
                { "{m: {a: {b: 1}}}", "{m: 1}", "1" },
                { "{m: 1}", "{m: 1}", "0" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct reading before _cleanup_reading_ = read_yaml(cases[i][0]);
                struct reading after _cleanup_reading_ = read_yaml(cases[i][1]);
                const struct doc_node *tree = before.doc->root;
                struct doc_changes changes = { 0 };
                char count[12];

                doc_find_changes(&before.arena, NULL, 0, tree, after.doc->root, &changes);
                snprintf(count, sizeof count, "%zu", changes.count);
                assert_string_equal(count, cases[i][2]);
                for (size_t k = 0; k < changes.count; k++)
                        assert_int_equal(doc_apply_change(&before.arena, tree, &changes.items[k],
                                                          &tree, NULL),
                                         0);
                assert_true(doc_same(tree, after.doc->root));
        }
}

/* Items that have moved are found again; what is gone is an error. */
static void items_are_found_by_what_they_are(void **state _unused_) {
        struct reading one _cleanup_reading_ = read_yaml("l: [{kind: a}, {kind: b}, {kind: c}]\n");
        struct reading other _cleanup_reading_ = read_yaml("l: [{kind: b}, {kind: c}]\n");
        const struct doc_node *list = doc_get(one.doc->root, STR("l")), *made;
        struct doc_change change = { .kind = DOC_CHANGE_REMOVE };
        struct buf json _cleanup_(buf_free) = BUF_INIT;

        change.steps =
                doc_steps_to(&one.arena, one.doc->root, &list->list.items[2], &change.step_count);
        assert_int_equal(doc_apply_change(&one.arena, other.doc->root, &change, &made, NULL), 0);
        doc_write_json(&json, made);
        assert_string_equal(json.data, "{\"l\":[{\"kind\":\"b\"}]}");
        assert_int_equal(doc_apply_change(&one.arena, made, &change, &made, NULL), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(blocks_keep_their_layout),
                cmocka_unit_test(flow_keeps_its_layout),
                cmocka_unit_test(aliases_are_left_alone),
                cmocka_unit_test(changes_are_found_and_applied),
                cmocka_unit_test(items_are_found_by_what_they_are),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
