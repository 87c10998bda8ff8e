/*
 * JSON Patch. What is not in RFC 6902 is as gopkg.in/evanphx/json-patch.v4 has it, whose answers
 * these are.
 */
#include "../test.h"

#include <errno.h>

#include "base/util.h"
#include "doc/patch.h"
#include "doc/write.h"

#define DOCUMENT "{\"a\":{\"b\":[1,2,3],\"c~/d\":\"x\",\"n\":null},\"e\":{}}"

static const struct doc_node *parse(struct arena *arena, const char *text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;

        *source = (struct doc_source){ STR(""), str_from(text) };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        assert_int_equal(doc_read(&reader, arena, &doc, NULL), 1);
        return doc->root;
}

/* Applies the JSON list PATCH to DOCUMENT. */
static int apply(struct arena *arena, const char *patch, struct buf *result, struct error *error) {
        const struct doc_node *list = parse(arena, patch), *made;
        struct doc_operation *operations =
                arena_new_array(arena, list->list.count, struct doc_operation);
        int r;

        for (uint32_t i = 0; i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];

                operations[i].op = doc_string(doc_get(item, STR("op")), STR(""));
                operations[i].path = doc_string(doc_get(item, STR("path")), STR(""));
                operations[i].from = doc_string(doc_get(item, STR("from")), STR(""));
                operations[i].value = doc_get(item, STR("value"));
        }
        r = doc_patch(arena, parse(arena, DOCUMENT), operations, list->list.count, &made, error);
        if (r >= 0)
                doc_write_json(result, made);
        return r;
}

static void documents_are_patched(void **state _unused_) {
        static const char *const cases[][2] = {
                { "[]", DOCUMENT },
                { "[{\"op\":\"add\",\"path\":\"/e/f\",\"value\":[1]},"
                  "{\"op\":\"add\",\"path\":\"/e/f/0\",\"value\":0}]",
                  "{\"a\":{\"b\":[1,2,3],\"c~/d\":\"x\",\"n\":null},\"e\":{\"f\":[0,1]}}" },
                { "[{\"op\":\"add\",\"path\":\"/a/b/-\",\"value\":4},"
                  "{\"op\":\"add\",\"path\":\"/a/b/-5\",\"value\":0}]",
                  "{\"a\":{\"b\":[0,1,2,3,4],\"c~/d\":\"x\",\"n\":null},\"e\":{}}" },
                { "[{\"op\":\"remove\",\"path\":\"/a/c~0~1d\"},"
                  "{\"op\":\"remove\",\"path\":\"/a/b/-1\"}]",
                  "{\"a\":{\"b\":[1,2],\"n\":null},\"e\":{}}" },
                { "[{\"op\":\"replace\",\"path\":\"/e/new\",\"value\":1},"
                  "{\"op\":\"replace\",\"path\":\"/a/b/0\",\"value\":\"y\"}]",
                  "{\"a\":{\"b\":[\"y\",2,3],\"c~/d\":\"x\",\"n\":null},\"e\":{\"new\":1}}" },
                { "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"z\":1}}]", "{\"z\":1}" },
                { "[{\"op\":\"move\",\"from\":\"/a/b/0\",\"path\":\"/a/b/-\"}]",
                  "{\"a\":{\"b\":[2,3,1],\"c~/d\":\"x\",\"n\":null},\"e\":{}}" },
                { "[{\"op\":\"copy\",\"from\":\"/a/b\",\"path\":\"/e/b\"},"
                  "{\"op\":\"add\",\"path\":\"/e/b/-\",\"value\":9}]",
                  "{\"a\":{\"b\":[1,2,3],\"c~/d\":\"x\",\"n\":null},\"e\":{\"b\":[1,2,3,9]}}" },
                { "[{\"op\":\"add\",\"path\":\"/e/nothing\"}]",
                  "{\"a\":{\"b\":[1,2,3],\"c~/d\":\"x\",\"n\":null},\"e\":{\"nothing\":null}}" },
                { "[{\"op\":\"test\",\"path\":\"/a/b\",\"value\":[1,2,3]},"
                  "{\"op\":\"test\",\"path\":\"/a/n\"},{\"op\":\"test\",\"path\":\"/a/gone\"},"
                  "{\"op\":\"test\",\"path\":\"/e\",\"value\":null},"
                  "{\"op\":\"replace\",\"path\":\"/e\",\"value\":1}]",
                  "{\"a\":{\"b\":[1,2,3],\"c~/d\":\"x\",\"n\":null},\"e\":1}" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct buf result _cleanup_(buf_free) = BUF_INIT;
                struct error error = { 0 };

                if (apply(&arena, cases[i][0], &result, &error) < 0) {
                        print_error("%s: %s\n", cases[i][0], error.message);
                        fail();
                }
                assert_str(buf_str(&result), cases[i][1]);
        }
}

#define PANIC "This request caused apiserver to panic. Look in the logs for details."

static void mistakes_are_told(void **state _unused_) {
        static const struct {
                const char *patch;
                int code;
                const char *message;
        } cases[] = {
                { "[{\"op\":\"add\",\"path\":\"/x/y\",\"value\":1}]", -EINVAL,
                  "add operation does not apply: doc is missing path: \"/x/y\": missing value" },
                { "[{\"op\":\"add\",\"path\":\"\",\"value\":1}]", -EINVAL,
                  "add operation does not apply: doc is missing path: \"\": missing value" },
                { "[{\"op\":\"add\",\"path\":\"/a/b/x\",\"value\":1}]", -EINVAL,
                  "error in add for path: '/a/b/x': value was not a proper array index: 'x': "
                  "strconv.Atoi: parsing \"x\": invalid syntax" },
                { "[{\"op\":\"add\",\"path\":\"/a/b/4\",\"value\":1}]", -EINVAL,
                  "error in add for path: '/a/b/4': Unable to access invalid index: 4: invalid "
                  "index referenced" },
                { "[{\"op\":\"remove\",\"path\":\"/e/x\"}]", -EINVAL,
                  "error in remove for path: '/e/x': Unable to remove nonexistent key: x: missing "
                  "value" },
                { "[{\"op\":\"remove\",\"path\":\"/a/n/x\"}]", -EINVAL,
                  "remove operation does not apply: doc is missing path: \"/a/n/x\": missing "
                  "value" },
                { "[{\"op\":\"replace\",\"path\":\"/a/b/3\",\"value\":1}]", -EINVAL,
                  "replace operation does not apply: doc is missing key: /a/b/3: missing value" },
                { "[{\"op\":\"move\",\"from\":\"/e/x\",\"path\":\"/e/y\"}]", -EINVAL,
                  "error in move for path: 'x': Unable to remove nonexistent key: x: missing "
                  "value" },
                { "[{\"op\":\"move\",\"path\":\"/e/y\"}]", -EINVAL,
                  "move operation failed to decode from: operation, missing from field: missing "
                  "value" },
                { "[{\"op\":\"copy\",\"from\":\"/x/y\",\"path\":\"/e/y\"}]", -EINVAL,
                  "copy operation does not apply: doc is missing from path: /x/y: missing value" },
                { "[{\"op\":\"test\",\"path\":\"/a/b\",\"value\":[1,2]}]", -ECANCELED,
                  "testing value /a/b failed: test failed" },
                { "[{\"op\":\"test\",\"path\":\"/a/n\",\"value\":null}]", -ECANCELED,
                  "testing value /a/n failed: test failed" },
                { "[{\"op\":\"test\",\"path\":\"\"}]", -EIO, PANIC },
                { "[{\"op\":\"replace\",\"path\":\"\"}]", -EIO, PANIC },
                { "[{\"op\":\"add\",\"path\":\"/x\",\"value\":null},"
                  "{\"op\":\"add\",\"path\":\"/x/y\",\"value\":1}]",
                  -EIO, PANIC },
                { "[{\"op\":\"replace\",\"path\":\"\",\"value\":null},"
                  "{\"op\":\"remove\",\"path\":\"/x\"}]",
                  -EINVAL,
                  "error in remove for path: '/x': Unable to remove nonexistent key: x: missing "
                  "value" },
                { "[{\"op\":\"merge\",\"path\":\"/a\"}]", -EINVAL, "Unexpected kind: merge" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct buf result _cleanup_(buf_free) = BUF_INIT;
                struct error error = { 0 };

                assert_int_equal(apply(&arena, cases[i].patch, &result, &error), cases[i].code);
                assert_string_equal(error.message, cases[i].message);
        }
}

/* A patch cannot nest without end: what walks a tree may recurse. */
static void depth_is_bounded(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_operation operations[300] = { 0 };
        const struct doc_node *document = parse(&arena, "{}"), *made;
        struct buf path _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < ELEMENTS(operations); i++) {
                buf_add(&path, STR("/a"));
                operations[i] = (struct doc_operation){ .op = STR("add"),
                                                        .path = arena_str(&arena, buf_str(&path)),
                                                        .value = document };
        }
        assert_int_equal(doc_patch(&arena, document, operations, 250, &made, NULL), 0);
        assert_int_equal(doc_patch(&arena, document, operations, ELEMENTS(operations), &made, NULL),
                         -E2BIG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(documents_are_patched),
                cmocka_unit_test(mistakes_are_told),
                cmocka_unit_test(depth_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
