/*
 * Fuzzes questions to policies: whatever the lines, each has one line of JSON for an answer, which
 * is the same when it is asked again of what was compiled before.
 */
#include <assert.h>
#include <stdint.h>

#include "base/util.h"
#include "cmd/policy_stream.h"
#include "doc/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool answer(const struct request_arguments *arguments, struct buf *buf,
                   const struct policy_set *set, const struct policy_question *question,
                   const struct policy_subject *subject) {
        (void)arguments;
        return policy_answer(buf, set, question, subject);
}

static void check_answer(struct str text) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR("answer"), text };
        struct doc_reader reader;
        struct doc *doc;

        assert(text.len > 0 && memchr(text.ptr, '\n', text.len) == text.ptr + text.len - 1);
        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        assert(doc_read(&reader, &arena, &doc, NULL) > 0);
        assert(doc_string(doc_get(doc->root, STR("verdict")), STR("")).len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct policy_stream stream _cleanup_(policy_stream_free) = { .answer = answer };
        struct buf first _cleanup_(buf_free) = BUF_INIT, second _cleanup_(buf_free) = BUF_INIT;
        struct str rest = { (const char *)data, size };

        while (rest.len > 0) {
                const char *end = memchr(rest.ptr, '\n', rest.len);
                struct str line = str_slice(rest, 0, end ? (size_t)(end - rest.ptr) : rest.len);

                buf_clear(&first);
                buf_clear(&second);
                policy_stream_answer(&stream, line, &first);
                policy_stream_answer(&stream, line, &second);
                check_answer(buf_str(&first));
                assert(str_eq(buf_str(&first), buf_str(&second)));
                rest = str_slice(rest, line.len + (end != NULL), rest.len);
        }
        return 0;
}
