#include "../test.h"

#include <errno.h>

#include "base/util.h"
#include "doc/write.h"
#include "kube/decode.h"
#include "kube/image.h"
#include "kube/kinds.h"
#include "kube/selector.h"

static const struct doc_node *read_yaml(struct arena *arena, const char *text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc = NULL;

        *source = (struct doc_source){ STR("test"), arena_str(arena, str_from(text)) };
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        assert_int_equal(doc_read(&reader, arena, &doc, NULL), 1);
        return doc->root;
}

/* The plurals that these kinds have in their CustomResourceDefinitions. */
static void resources_are_guessed_as_people_name_them(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        assert_str(kube_guess_resource(&arena, STR("Gateway")), "gateways");
        assert_str(kube_guess_resource(&arena, STR("Policy")), "policies");
        assert_str(kube_guess_resource(&arena, STR("GatewayClass")), "gatewayclasses");
        assert_str(kube_guess_resource(&arena, STR("VirtualService")), "virtualservices");
}

static void kinds_are_found_in_their_old_groups_too(void **state _unused_) {
        const struct kube_kind *kind = kube_kind_find(STR("extensions"), STR("Deployment"));

        assert_non_null(kind);
        assert_str(kind->resource, "deployments");
        assert_true(kind->namespaced);
        assert_null(kube_kind_find(STR("argoproj.io"), STR("Deployment")));
        assert_false(kube_kind_find(STR(""), STR("Namespace"))->namespaced);
        assert_str(kube_group_version(STR("v1")).group, "");
        assert_str(kube_group_version(STR("apps/v1")).version, "v1");
}

/* The truth table of metav1.LabelSelector: NotIn and DoesNotExist hold for a missing key. */
static void selectors_select_as_upstream_does(void **state _unused_) {
        static const struct {
                const char *selector, *labels;
                bool matches;
        } cases[] = {
                { "{}", "{}", true },
                { "{matchLabels: {a: b}}", "{a: b, c: d}", true },
                { "{matchLabels: {a: b}}", "{a: c}", false },
                { "{matchLabels: {a: b}}", "{}", false },
                { "{matchExpressions: [{key: a, operator: In, values: [b, c]}]}", "{a: c}", true },
                { "{matchExpressions: [{key: a, operator: In, values: [b, c]}]}", "{a: d}", false },
                { "{matchExpressions: [{key: a, operator: In, values: [b, c]}]}", "{}", false },
                { "{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{}", true },
                { "{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{a: b}", false },
                { "{matchExpressions: [{key: a, operator: Exists}]}", "{a: x}", true },
                { "{matchExpressions: [{key: a, operator: Exists}]}", "{}", false },
                { "{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{}", true },
                { "{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{a: x}", false },
                { "{matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists}]}", "{a: b}",
                  false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                const struct doc_node *selector = read_yaml(&arena, cases[i].selector);

                assert_int_equal(kube_selector_check(selector, NULL), 0);
                if (kube_selector_matches(selector, read_yaml(&arena, cases[i].labels)) !=
                    cases[i].matches)
                        fail_msg("%s on %s is not %d", cases[i].selector, cases[i].labels,
                                 cases[i].matches);
        }
}

static void bad_selectors_are_refused(void **state _unused_) {
        static const char *const cases[] = {
                "[]",
                "{matchExpressions: [{key: a, operator: In}]}",
                "{matchExpressions: [{key: a, operator: Exists, values: [x]}]}",
                "{matchExpressions: [{key: a, operator: in, values: [x]}]}",
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct error error;

                assert_int_equal(kube_selector_check(read_yaml(&arena, cases[i]), &error), -EINVAL);
                assert_int_equal(error.line, 1);
        }
}

/* The answers of apimachinery's labels.Parse, but for comparisons of numbers. */
static void selectors_are_read_as_kubectl_does(void **state _unused_) {
        static const struct {
                const char *text, *expressions;
        } cases[] = {
                { "team=shop", "[{\"key\":\"team\",\"operator\":\"In\",\"values\":[\"shop\"]}]" },
                { " a == b , !c ", "[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b\"]},"
                                   "{\"key\":\"c\",\"operator\":\"DoesNotExist\"}]" },
                { "example.com/a", "[{\"key\":\"example.com/a\",\"operator\":\"Exists\"}]" },
                { "a!=", "[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"\"]}]" },
                { "a in (x,notin, in)", "[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"x\","
                                        "\"notin\",\"in\"]}]" },
                { "a notin(x),in", "[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"x\"]},"
                                   "{\"key\":\"in\",\"operator\":\"Exists\"}]" },
                { "a in ()", "[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"\"]}]" },
                { "a,", NULL },
                { ",a", NULL },
                { "a b", NULL },
                { "a in b", NULL },
                { "a in (b", NULL },
                { "a in (b c)", NULL },
                { "a in (b)c", NULL },
                { "!a=b", NULL },
                { "a>1", NULL },
                { "a nott in (y)", NULL },
                { "Upper/a", NULL },
                { "a/b/c", NULL },
                { "a=-b", NULL },
                { "a=b_", NULL },
                { "-a", NULL },
                { "=", NULL },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct buf json _cleanup_(buf_free) = BUF_INIT;
                const struct doc_node *selector = NULL;
                struct error error = { 0 };
                int r = kube_selector_parse(&arena, str_from(cases[i].text), &selector, &error);

                assert_int_equal(r, cases[i].expressions ? 0 : -EINVAL);
                if (r < 0) {
                        assert_true(error.message[0] != 0);
                        continue;
                }
                assert_int_equal(kube_selector_check(selector, &error), 0);
                doc_write_json(&json, doc_get(selector, STR("matchExpressions")));
                assert_str(buf_str(&json), cases[i].expressions);
        }
}

static void null_fields_go_and_places_stay(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct doc_node *object =
                read_yaml(&arena, "a: null\nb:\n  c: ~\n  d: 1\nl:\n  - e: null\n    f: 2\n");
        const struct doc_node *decoded = kube_decode(&arena, object), *f;

        assert_null(doc_get(decoded, STR("a")));
        assert_null(doc_find(decoded, "b", "c"));
        assert_int_equal(doc_find(decoded, "b", "d")->integer, 1);
        f = doc_get(&doc_get(decoded, STR("l"))->list.items[0], STR("f"));
        assert_int_equal(f->start.line, 7);
        assert_str(doc_path(&arena, f), "l[0].f");
        assert_ptr_equal(kube_decode(&arena, decoded), decoded);
}

/* What kube-apiserver 1.36 gives for these (tests/oracle/decode.py compares far more). */
static void objects_are_decoded_as_the_server_does(void **state _unused_) {
        static const struct {
                const char *object, *path, *value; /* NULL: absent */
        } cases[] = {
                { "{apiVersion: v1, kind: Pod, spec: {containers: [{image: a, no: 1}]}}",
                  "spec.containers.0",
                  "{\"image\":\"a\",\"imagePullPolicy\":\"Always\",\"name\":\"\",\"resources\":{},"
                  "\"terminationMessagePath\":\"/dev/termination-log\","
                  "\"terminationMessagePolicy\":\"File\"}" },
                { "{apiVersion: v1, kind: Pod, spec: {containers: [{image: 'a:1'}]}}",
                  "spec.containers.0.imagePullPolicy", "\"IfNotPresent\"" },
                { "{apiVersion: v1, kind: Pod, spec: {containers: [{resources: {limits: {memory: "
                  "1024Mi}}}]}}",
                  "spec.containers.0.resources",
                  "{\"limits\":{\"memory\":\"1Gi\"},\"requests\":{\"memory\":\"1Gi\"}}" },
                { "{apiVersion: v1, kind: Pod, spec: {hostPID: false, volumes: [{name: v}]}}",
                  "spec.volumes.0", "{\"emptyDir\":{},\"name\":\"v\"}" },
                { "{apiVersion: v1, kind: Pod, spec: {hostPID: false}}", "spec.hostPID", NULL },
                { "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 0}}", "spec.replicas",
                  "0" },
                { "{apiVersion: apps/v1, kind: Deployment}", "spec.strategy",
                  "{\"rollingUpdate\":{\"maxSurge\":\"25%\",\"maxUnavailable\":\"25%\"},"
                  "\"type\":\"RollingUpdate\"}" },
                { "{apiVersion: apps/v1, kind: Deployment, spec: {strategy: {type: Recreate}}}",
                  "spec.strategy", "{\"type\":\"Recreate\"}" },
                { "{apiVersion: v1, kind: Secret, stringData: {a: b}}", "data",
                  "{\"a\":\"Yg==\"}" },
                { "{apiVersion: v1, kind: Secret, stringData: {a: b}}", "stringData", NULL },
                { "{apiVersion: extensions/v1beta1, kind: Deployment, x: 1}", "x", "1" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct buf json _cleanup_(buf_free) = BUF_INIT;
                const struct doc_node *node =
                        kube_decode(&arena, read_yaml(&arena, cases[i].object));
                struct str path = str_from(cases[i].path), part;

                while (str_split(&path, '.', &part))
                        node = node && node->kind == DOC_LIST ? &node->list.items[0]
                                                              : doc_get(node, part);
                if (node)
                        doc_write_json(&json, node);
                if (!node != !cases[i].value || (node && strcmp(json.data, cases[i].value) != 0))
                        fail_msg("%s: %s is %s", cases[i].object, cases[i].path,
                                 node ? json.data : "absent");
        }
}

static void defaults_are_at_the_place_of_what_is_around_them(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct doc_node *object = read_yaml(
                &arena, "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: a\n      "
                        "stdin: false\n");
        const struct doc_node *decoded = kube_decode_as(&arena, object, STR("v1"), STR("Pod"));
        const struct doc_node *container = &doc_find(decoded, "spec", "containers")->list.items[0];
        const struct doc_node *policy = doc_get(container, STR("imagePullPolicy"));

        assert_true(policy->flags & DOC_SYNTHETIC);
        assert_int_equal(policy->start.line, 5);
        assert_str(doc_path(&arena, policy), "spec.containers[0].imagePullPolicy");
        assert_str(doc_path(&arena, doc_get(container, STR("image"))), "spec.containers[0].image");
        assert_null(doc_get(container, STR("stdin")));
        assert_int_equal(doc_get_written(container, STR("stdin"))->start.line, 6);
        assert_null(doc_get_written(container, STR("tty")));
}

static void images_without_a_fixed_version_are_latest(void **state _unused_) {
        static const struct {
                const char *reference;
                bool latest;
        } cases[] = {
                { "nginx", true },
                { "nginx:latest", true },
                { "nginx:1.25", false },
                { "example.com:5000/a", true },
                { "example.com:5000/a:1", false },
                { "a@sha256:0000000000000000000000000000000000000000000000000000000000000000",
                  false },
                { "a:latest@sha256:"
                  "0000000000000000000000000000000000000000000000000000000000000000",
                  true },
                { "Upper", false },
                { "", false },
                { "a b", false },
                { "${IMAGE}", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                if (image_is_latest(str_from(cases[i].reference)) != cases[i].latest)
                        fail_msg("%s", cases[i].reference);
}

static void pods_of_templates_keep_their_place(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct doc_node *object =
                read_yaml(&arena, "spec:\n  jobTemplate:\n    spec:\n      template:\n        "
                                  "spec:\n          containers:\n"
                                  "            - name: c\n");
        const struct doc_node *templates[4], *pod, *name;

        assert_int_equal(kube_pod_templates(kube_kind_find(STR("batch"), STR("CronJob")), object,
                                            templates, 4),
                         1);
        pod = kube_pod_from_template(&arena, templates[0], STR("shop"));
        assert_str(doc_find(pod, "kind")->string, "Pod");
        assert_str(doc_find(pod, "metadata", "namespace")->string, "shop");
        assert_str(doc_path(&arena, doc_get(pod, STR("spec"))),
                   "spec.jobTemplate.spec.template.spec");
        name = doc_get(&doc_find(pod, "spec", "containers")->list.items[0], STR("name"));
        assert_str(doc_path(&arena, name),
                   "spec.jobTemplate.spec.template.spec.containers[0].name");
        assert_int_equal(name->start.line, 7);
}

static void templates_of_custom_resources_are_found_by_shape(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct doc_node *object =
                read_yaml(&arena, "spec:\n  pools:\n    - podTemplate: {spec: {containers: []}}\n  "
                                  "template: {spec: {x: 1}}\n"
                                  "  worker: {template: {spec: {containers: []}}}\n");
        const struct doc_node *templates[4];

        assert_int_equal(kube_pod_templates(NULL, object, templates, 4), 2);
        assert_str(doc_path(&arena, templates[0]), "spec.pools[0].podTemplate");
        assert_str(doc_path(&arena, templates[1]), "spec.worker.template");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(resources_are_guessed_as_people_name_them),
                cmocka_unit_test(kinds_are_found_in_their_old_groups_too),
                cmocka_unit_test(selectors_select_as_upstream_does),
                cmocka_unit_test(bad_selectors_are_refused),
                cmocka_unit_test(selectors_are_read_as_kubectl_does),
                cmocka_unit_test(null_fields_go_and_places_stay),
                cmocka_unit_test(objects_are_decoded_as_the_server_does),
                cmocka_unit_test(defaults_are_at_the_place_of_what_is_around_them),
                cmocka_unit_test(images_without_a_fixed_version_are_latest),
                cmocka_unit_test(pods_of_templates_keep_their_place),
                cmocka_unit_test(templates_of_custom_resources_are_found_by_shape),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
