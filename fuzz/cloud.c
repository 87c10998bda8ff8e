/*
 * Fuzzes descriptions of managed clusters: whatever the document, what is made of it is JSON that
 * can be read, with a name, a verdict and a reason.
 */
#include <assert.h>
#include <stdint.h>

#include "base/util.h"
#include "cloud/cloud.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(_unused_ void *userdata, struct str json, struct str file, struct doc_pos pos) {
        const struct doc_source source = { .name = STR(""), .text = json };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct doc_node *verdict;
        struct doc_reader reader;
        struct error error;
        struct doc *doc;

        assert(file.len > 0 && pos.line > 0 && pos.column > 0);
        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        assert(doc_read(&reader, &arena, &doc, &error) > 0);
        assert(doc_find(doc->root, "metadata", "name"));
        verdict = doc_find(doc->root, "endpoint", "verdict");
        assert(doc_string(doc_get(verdict, STR("value")), STR("")).len > 0);
        assert(doc_string(doc_get(verdict, STR("why")), STR("")).len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct cloud cloud _cleanup_(cloud_free);
        struct error error = { 0 };
        struct doc_source source;
        struct doc_reader reader;
        struct doc *doc;

        cloud_init(&cloud);
        if (doc_source_init(&arena, STR("cloud.json"), (struct str){ (const char *)data, size },
                            &source, &error) < 0)
                return 0;
        doc_reader_init(&reader, &source, DOC_AUTO, NULL);
        while (doc_read(&reader, &arena, &doc, &error) > 0) {
                bool is_description = cloud_is_description(doc->root);

                assert(cloud_add(&cloud, source.name, doc->root) == is_description);
                cloud_add_kubeconfig(&cloud, source.name, doc->root);
        }
        cloud_make(&cloud, check, NULL);
        return 0;
}
