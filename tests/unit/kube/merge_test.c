/*
 * Merging apply configurations. Expected objects and errors are those of
 * sigs.k8s.io/structured-merge-diff with the structures of Kubernetes 1.36.
 */
#include "../test.h"

#include <errno.h>

#include "base/util.h"
#include "doc/write.h"
#include "kube/merge.h"

static const struct doc_node *parse(struct arena *arena, const char *text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;

        *source = (struct doc_source){ STR(""), str_from(text) };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        assert_int_equal(doc_read(&reader, arena, &doc, NULL), 1);
        return doc->root;
}

static int merge(struct arena *arena, const char *kind, const char *object,
                 const char *configuration, struct buf *result, struct error *error) {
        const struct structure *structure = structure_find(NULL, STR("v1"), str_from(kind));
        const struct doc_node *made;
        int r = kube_merge(arena, structure, parse(arena, object), parse(arena, configuration),
                           &made, error);

        if (r >= 0)
                doc_write_json(result, made);
        return r;
}

static void objects_are_merged(void **state _unused_) {
        static const struct {
                const char *kind, *object, *configuration, *result;
        } cases[] = {
                { "Pod", "{\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"1\"}}}",
                  "{\"metadata\":{\"labels\":{\"y\":\"2\"}}}",
                  "{\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"1\",\"y\":\"2\"}}}" },
                /* lists by key: in the order of the configuration, the others where they were */
                { "Pod",
                  "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"},{\"name\":\"b\"}]}}",
                  "{\"spec\":{\"containers\":[{\"name\":\"c\"},{\"name\":\"b\",\"image\":\"j\"}]}}",
                  "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"},{\"name\":\"c\"},"
                  "{\"name\":\"b\",\"image\":\"j\"}]}}" },
                { "Pod",
                  "{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]}"
                  "}",
                  "{\"spec\":{\"containers\":[{\"name\":\"c\"},{\"name\":\"a\"}]}}",
                  "{\"spec\":{\"containers\":[{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"a\"}]}"
                  "}" },
                /* a key field with a default */
                { "Service", "{\"spec\":{\"ports\":[{\"port\":80,\"protocol\":\"TCP\"}]}}",
                  "{\"spec\":{\"ports\":[{\"port\":80,\"name\":\"web\"},{\"port\":80,\"protocol\":"
                  "\"UDP\"}]}}",
                  "{\"spec\":{\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"name\":\"web\"},"
                  "{\"port\":80,\"protocol\":\"UDP\"}]}}" },
                /* sets */
                { "Pod", "{\"metadata\":{\"finalizers\":[\"a\",\"b\"]}}",
                  "{\"metadata\":{\"finalizers\":[\"c\",\"b\"]}}",
                  "{\"metadata\":{\"finalizers\":[\"a\",\"c\",\"b\"]}}" },
                /* what is twice in the object is replaced once */
                { "Pod",
                  "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"},{\"name\":\"a\"}]}}",
                  "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"j\"}]}}",
                  "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"j\"}]}}" },
                /* null clears a scalar, but no map; an empty list is null */
                { "Pod", "{\"spec\":{\"nodeName\":\"n\",\"securityContext\":{\"runAsUser\":1}}}",
                  "{\"spec\":{\"nodeName\":null,\"securityContext\":null,\"volumes\":[]}}",
                  "{\"spec\":{\"nodeName\":null,\"securityContext\":{\"runAsUser\":1},"
                  "\"volumes\":null}}" },
                /* a reference to an object that is merged by its fields, as others are not */
                { "PersistentVolume", "{\"spec\":{\"claimRef\":{\"name\":\"c\",\"uid\":\"1\"}}}",
                  "{\"spec\":{\"claimRef\":{\"uid\":\"2\"}}}",
                  "{\"spec\":{\"claimRef\":{\"name\":\"c\",\"uid\":\"2\"}}}" },
                /* no structure: maps are merged */
                { "Widget", "{\"spec\":{\"a\":{\"b\":1}}}", "{\"spec\":{\"a\":{\"c\":2}}}",
                  "{\"spec\":{\"a\":{\"b\":1,\"c\":2}}}" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct buf result _cleanup_(buf_free) = BUF_INIT;
                struct error error = { 0 };

                if (merge(&arena, cases[i].kind, cases[i].object, cases[i].configuration, &result,
                          &error) < 0) {
                        print_error("%s: %s\n", cases[i].configuration, error.message);
                        fail();
                }
                assert_str(buf_str(&result), cases[i].result);
        }
}

static void mistakes_are_told(void **state _unused_) {
        static const struct {
                const char *kind, *configuration, *message;
        } cases[] = {
                { "Pod", "{\"spec\":{\"foo\":2}}",
                  "failed to convert patch object to typed object: .spec.foo: field not declared "
                  "in schema" },
                { "Pod", "{\"spec\":{\"activeDeadlineSeconds\":\"2\"}}",
                  "failed to convert patch object to typed object: .spec.activeDeadlineSeconds: "
                  "expected numeric (int or float), got string" },
                { "Pod", "{\"spec\":\"x\"}",
                  "failed to convert patch object to typed object: .spec: expected map, got &{x}" },
                { "Pod", "{\"metadata\":{\"finalizers\":[\"a\",\"a\"]}}",
                  "failed to convert patch object to typed object: .metadata.finalizers: duplicate "
                  "entries for key [=\"a\"]" },
                { "Pod", "{\"spec\":{\"containers\":[{\"name\":\"c\",\"args\":[\"a\"]}]}}",
                  "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
                  ".spec.containers[0].args" },
                { "Pod", "{\"spec\":{\"nodeSelector\":{\"a\":\"b\"},\"tolerations\":[]}}",
                  "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
                  ".spec.nodeSelector, .spec.tolerations" },
                { "Event", "{\"involvedObject\":{\"uid\":\"1\"}}",
                  "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
                  ".involvedObject" },
                { "Pod", "{\"spec\":{\"containers\":[1]}}",
                  "failed to convert patch object to typed object: .spec.containers: element 0: "
                  "associative list with keys may not have non-map elements" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct buf result _cleanup_(buf_free) = BUF_INIT;
                struct error error = { 0 };

                assert_int_equal(merge(&arena, cases[i].kind, "{\"spec\":{}}",
                                       cases[i].configuration, &result, &error),
                                 -EINVAL);
                assert_string_equal(error.message, cases[i].message);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(objects_are_merged),
                cmocka_unit_test(mistakes_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
