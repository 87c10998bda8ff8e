#include "../test.h"

#include "base/util.h"
#include "kube/structure.h"

static const struct doc_node *read_yaml(struct arena *arena, const char *text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc = NULL;

        *source = (struct doc_source){ STR("test"), arena_str(arena, str_from(text)) };
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        assert_int_equal(doc_read(&reader, arena, &doc, NULL), 1);
        return doc->root;
}

/* The structure at the end of PATH: names of fields, "*" for what is in a list or map. */
static const struct structure *follow(const struct structure *structure, const char *path) {
        struct str rest = str_from(path), part;

        while (structure && str_split(&rest, '.', &part)) {
                const struct structure_field *field = structure_field(structure, part);

                structure = str_eq(part, STR("*")) ? structure->of : field ? field->type : NULL;
        }
        return structure;
}

/* Facts of the published OpenAPI of Kubernetes 1.36. */
static void built_in_kinds_have_the_published_structure(void **state _unused_) {
        const struct structure *pod = structure_find(NULL, STR("v1"), STR("Pod"));
        static const struct {
                const char *path;
                enum structure_kind kind;
                const char *format;
        } cases[] = {
                { "", STRUCTURE_OBJECT, "" },
                { "metadata.labels", STRUCTURE_MAP, "" },
                { "metadata.labels.*", STRUCTURE_STRING, "" },
                { "metadata.creationTimestamp", STRUCTURE_STRING, "date-time" },
                { "metadata.managedFields.*.fieldsV1", STRUCTURE_OBJECT, "" },
                { "spec.priority", STRUCTURE_INTEGER, "int32" },
                { "spec.hostNetwork", STRUCTURE_BOOLEAN, "" },
                { "spec.containers", STRUCTURE_LIST, "" },
                { "spec.containers.*.resources.limits.*", STRUCTURE_QUANTITY, "" },
                { "spec.containers.*.livenessProbe.httpGet.port", STRUCTURE_INT_OR_STRING,
                  "int-or-string" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const struct structure *found = cases[i].path[0] ? follow(pod, cases[i].path) : pod;

                assert_non_null(found);
                assert_int_equal(found->kind, cases[i].kind);
                assert_str(found->format, cases[i].format);
        }
        assert_str(pod->name, "io.k8s.api.core.v1.Pod");
        assert_null(follow(pod, "spec.container"));
        assert_true(structure_field(follow(pod, "spec"), STR("containers"))->required);
        assert_false(structure_field(follow(pod, "spec"), STR("volumes"))->required);
        assert_true(follow(pod, "metadata.managedFields.*.fieldsV1")->flags & STRUCTURE_OPEN);
        assert_true(follow(pod, "spec.nodeSelector")->flags & STRUCTURE_ATOMIC);
}

static void lists_say_how_they_are_merged(void **state _unused_) {
        const struct structure *pod = structure_find(NULL, STR("v1"), STR("Pod")),
                               *ports = follow(pod, "spec.containers.*.ports");

        assert_int_equal(ports->list_type, STRUCTURE_LIST_MAP);
        assert_int_equal(ports->key_count, 2);
        assert_str(ports->keys[0], "containerPort");
        assert_str(ports->keys[1], "protocol");
        assert_int_equal(follow(pod, "metadata.finalizers")->list_type, STRUCTURE_LIST_SET);
        assert_int_equal(follow(pod, "spec.containers.*.args")->list_type, STRUCTURE_LIST_ATOMIC);
}

static void enumerations_are_those_that_are_published(void **state _unused_) {
        const struct structure *policy =
                follow(structure_find(NULL, STR("v1"), STR("Pod")), "spec.restartPolicy");

        assert_int_equal(policy->enum_count, 3);
        assert_str(policy->enums[0], "Always");
        assert_str(policy->enums[1], "Never");
        assert_str(policy->enums[2], "OnFailure");
}

static void versions_say_whether_they_are_served(void **state _unused_) {
        const struct structure_gvk *gvk =
                structure_gvk_find(NULL, STR("apps/v1"), STR("Deployment"));
        size_t count, served = 0;
        const struct structure_gvk *all = structure_builtins(&count);

        assert_true(gvk->served && gvk->namespaced);
        assert_str(gvk->resource, "deployments");
        assert_false(structure_gvk_find(NULL, STR("v1"), STR("Node"))->namespaced);
        assert_false(
                structure_gvk_find(NULL, STR("extensions/v1beta1"), STR("Deployment"))->served);
        assert_null(structure_gvk_find(NULL, STR("apps/v3"), STR("Deployment")));
        for (size_t i = 0; i < count; i++)
                served += all[i].served;
        assert_true(served > 60);
}

/* JSONSchemaProps contains itself. */
static void recursive_definitions_lead_to_themselves(void **state _unused_) {
        const struct structure *crd = structure_find(NULL, STR("apiextensions.k8s.io/v1"),
                                                     STR("CustomResourceDefinition")),
                               *schema = follow(crd, "spec.versions.*.schema.openAPIV3Schema");

        assert_non_null(schema);
        assert_ptr_equal(follow(schema, "properties.*"), schema);
}

static const char crd_text[] =
        "apiVersion: apiextensions.k8s.io/v1\n"
        "kind: CustomResourceDefinition\n"
        "spec:\n"
        "  group: shop.example\n"
        "  scope: Namespaced\n"
        "  names: {plural: carts, kind: Cart}\n"
        "  versions:\n"
        "    - name: v1\n"
        "      served: true\n"
        "      schema:\n"
        "        openAPIV3Schema:\n"
        "          type: object\n"
        "          required: [spec]\n"
        "          properties:\n"
        "            metadata: {type: object}\n"
        "            spec:\n"
        "              type: object\n"
        "              required: [size]\n"
        "              properties:\n"
        "                size: {type: integer, format: int32}\n"
        "                mode: {type: string, enum: [slow, fast], nullable: true}\n"
        "                port: {x-kubernetes-int-or-string: true}\n"
        "                extra: {type: object, x-kubernetes-preserve-unknown-fields: true}\n"
        "                labels: {type: object, additionalProperties: {type: string}}\n"
        "                job: {type: object, x-kubernetes-embedded-resource: true}\n"
        "                items:\n"
        "                  type: array\n"
        "                  x-kubernetes-list-type: map\n"
        "                  x-kubernetes-list-map-keys: [name]\n"
        "                  items: {type: object, properties: {name: {type: string}}}\n"
        "    - {name: v2, served: false}\n";

static void custom_resources_have_the_structure_of_their_definition(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct structure_set set _cleanup_(structure_set_free) = { 0 };
        const struct structure *cart, *spec;

        assert_int_equal(structure_set_add(&set, read_yaml(&arena, crd_text)), 2);
        cart = structure_find(&set, STR("shop.example/v1"), STR("Cart"));
        spec = follow(cart, "spec");
        assert_true(structure_field(cart, STR("spec"))->required);
        assert_true(structure_field(spec, STR("size"))->required);
        assert_int_equal(follow(spec, "size")->kind, STRUCTURE_INTEGER);
        assert_str(follow(spec, "size")->format, "int32");
        assert_int_equal(follow(spec, "mode")->enum_count, 2);
        assert_str(follow(spec, "mode")->enums[0], "fast");
        assert_int_equal(follow(spec, "mode")->flags, STRUCTURE_NULLABLE);
        assert_int_equal(follow(spec, "port")->kind, STRUCTURE_INT_OR_STRING);
        assert_int_equal(follow(spec, "extra")->flags, STRUCTURE_OPEN);
        assert_int_equal(follow(spec, "labels")->kind, STRUCTURE_MAP);
        assert_int_equal(follow(spec, "labels.*")->kind, STRUCTURE_STRING);
        assert_str(follow(spec, "items")->keys[0], "name");
        assert_int_equal(follow(spec, "items.*.name")->kind, STRUCTURE_STRING);
        assert_non_null(spec->source);
        /* What every object has is there, and of its own type. */
        assert_str(follow(cart, "metadata")->name,
                   "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
        assert_int_equal(follow(cart, "kind")->kind, STRUCTURE_STRING);
        assert_int_equal(follow(spec, "job.metadata.labels")->kind, STRUCTURE_MAP);
}

static void versions_of_custom_resources_are_told_apart(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct structure_set set _cleanup_(structure_set_free) = { 0 };
        const struct structure_gvk *gvk;

        structure_set_add(&set, read_yaml(&arena, crd_text));
        gvk = structure_gvk_find(&set, STR("shop.example/v2"), STR("Cart"));
        assert_false(gvk->served);
        assert_true(gvk->namespaced);
        assert_str(gvk->resource, "carts");
        assert_true(gvk->structure->flags & STRUCTURE_OPEN);
        assert_true(structure_gvk_find(&set, STR("shop.example/v1"), STR("Cart"))->served);
        assert_null(structure_gvk_find(&set, STR("shop.example/v3"), STR("Cart")));
        assert_int_equal(structure_set_add(&set, read_yaml(&arena, crd_text)), 0);
        assert_int_equal(structure_set_add(&set, read_yaml(&arena, "{kind: Pod}")), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(built_in_kinds_have_the_published_structure),
                cmocka_unit_test(lists_say_how_they_are_merged),
                cmocka_unit_test(enumerations_are_those_that_are_published),
                cmocka_unit_test(versions_say_whether_they_are_served),
                cmocka_unit_test(recursive_definitions_lead_to_themselves),
                cmocka_unit_test(custom_resources_have_the_structure_of_their_definition),
                cmocka_unit_test(versions_of_custom_resources_are_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
