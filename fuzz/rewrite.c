/*
 * Changes of texts: what stands before a line of "=====" is rewritten so that it reads as what
 * stands behind it. Where that can be done, the result is read as the wanted tree.
 */
#include <stdlib.h>

#include "base/util.h"
#include "doc/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct doc *read_one(struct arena *arena, struct doc_source *source) {
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, source, DOC_AUTO, NULL);
        return doc_read(&reader, arena, &doc, NULL) > 0 ? doc : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const struct str text = { (const char *)data, size }, mark = STR("\n=====\n");
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        ptrdiff_t at = str_find(text, mark, 0);
        struct doc_source before, wanted, after;
        struct error error = { 0 };
        struct doc *old, *new, *made;

        if (at < 0)
                return 0;
        before = (struct doc_source){ STR("before"), str_slice(text, 0, (size_t)at + 1) };
        wanted = (struct doc_source){ STR("wanted"),
                                      str_slice(text, (size_t)at + mark.len, text.len) };
        old = read_one(&arena, &before);
        new = read_one(&arena, &wanted);
        if (!old || !new || doc_rewrite(old, new->root, &buf, &error) < 0)
                return 0;
        after = (struct doc_source){ STR("after"), buf_str(&buf) };
        made = read_one(&arena, &after);
        if (!made || !doc_same(made->root, new->root))
                abort();
        return 0;
}
