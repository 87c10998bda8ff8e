/*
 * Fuzzes the conformance of objects: the documents of a YAML file, in which
 * CustomResourceDefinitions give the others their structure. Whatever they hold, each deviation is
 * in the object, and its hint can be told.
 */
#include <assert.h>
#include <stdint.h>

#include "base/util.h"
#include "kube/conform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DOCUMENTS_MAX = 64 };

struct checked {
        struct arena arena;
        const struct doc_node *root;
};

static void check_deviation(void *userdata, const struct conform_deviation *deviation) {
        struct checked *checked = userdata;
        const struct doc_node *node = deviation->node;
        struct conform_hint hint = conform_hint(&checked->arena, deviation);

        while (node->parent)
                node = node->parent;
        assert(node == checked->root);
        assert((deviation->problem == CONFORM_UNKNOWN_FIELD) == !deviation->expected);
        assert(hint.kind == CONFORM_NO_HINT || hint.text.len > 0);
        if (deviation->expected)
                assert(conform_type_name(deviation->expected)[0]);
        if (deviation->problem == CONFORM_UNKNOWN_VALUE)
                conform_near_value(deviation->expected, doc_string(deviation->node, STR("")));
}

static void check(struct checked *checked, const struct structure_set *custom) {
        struct str version = doc_string(doc_get(checked->root, STR("apiVersion")), STR(""));
        struct str kind = doc_string(doc_get(checked->root, STR("kind")), STR(""));
        const struct structure *structure = structure_find(custom, version, kind);

        if (structure)
                conform_check(structure, checked->root, check_deviation, checked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct checked checked = { .arena = ARENA_INIT };
        struct structure_set custom = { 0 };
        struct doc_source source;
        struct doc *docs[DOCUMENTS_MAX];
        struct doc_reader reader;
        size_t count = 0;

        if (doc_source_init(&arena, STR("objects.yaml"), (struct str){ (const char *)data, size },
                            &source, NULL) < 0)
                return 0;
        doc_reader_init(&reader, &source, DOC_YAML, NULL);
        while (count < DOCUMENTS_MAX && doc_read(&reader, &arena, &docs[count], NULL) > 0)
                count++;
        for (size_t i = 0; i < count; i++)
                structure_set_add(&custom, docs[i]->root);
        for (size_t i = 0; i < count; i++) {
                checked.root = docs[i]->root;
                check(&checked, &custom);
        }
        structure_set_free(&custom);
        arena_free(&checked.arena);
        return 0;
}
