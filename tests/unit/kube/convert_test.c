#include "../test.h"

#include "base/util.h"
#include "doc/write.h"
#include "kube/convert.h"
#include "kube/decode.h"

static const struct doc_node *read_json(struct arena *arena, const char *text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc = NULL;

        *source = (struct doc_source){ STR("test"), arena_str(arena, str_from(text)) };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        assert_int_equal(doc_read(&reader, arena, &doc, NULL), 1);
        return doc->root;
}

/* The spec and the metadata of OBJECT in version TO, as JSON. */
static void check(const char *object, const char *kind, const char *from, const char *to,
                  const char *metadata, const char *spec) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf out _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *converted =
                kube_convert(&arena, kube_decode(&arena, read_json(&arena, object)), str_from(kind),
                             str_from(from), str_from(to));

        assert_non_null(converted);
        assert_str(doc_string(doc_get(converted, STR("apiVersion")), STR("")), to);
        doc_write_json(&out, doc_get(converted, STR("metadata")));
        assert_string_equal(out.data, metadata);
        buf_clear(&out);
        doc_write_json(&out, doc_get(converted, STR("spec")));
        assert_string_equal(out.data, spec);
}

/* PART of the autoscaler OBJECT in version TO. */
static void check_part(const char *object, const char *from, const char *to, const char *part,
                       const char *expected) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf out _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *converted =
                kube_convert(&arena, kube_decode(&arena, read_json(&arena, object)),
                             STR("HorizontalPodAutoscaler"), str_from(from), str_from(to));

        doc_write_json(&out, doc_get(converted, str_from(part)));
        assert_string_equal(out.data, expected);
}

#define HEAD_V1 "{\"apiVersion\":\"autoscaling/v1\",\"kind\":\"HorizontalPodAutoscaler\","
#define HEAD_V2 "{\"apiVersion\":\"autoscaling/v2\",\"kind\":\"HorizontalPodAutoscaler\","
#define TARGET                                                                                     \
        "\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"a\"}"

/* Expected values are the answers of the scheme of Kubernetes 1.36. */
static void autoscalers_are_converted_to_v1(void **state _unused_) {
        check(HEAD_V2 "\"metadata\":{\"name\":\"a\"},\"spec\":{" TARGET ",\"maxReplicas\":5}}",
              "HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1", "{\"name\":\"a\"}",
              "{\"maxReplicas\":5,\"minReplicas\":1," TARGET
              ",\"targetCPUUtilizationPercentage\":80}");
        check(HEAD_V2
              "\"metadata\":{\"name\":\"a\"},\"spec\":{" TARGET ",\"maxReplicas\":5,\"metrics\":["
              "{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
              "\"Utilization\",\"averageUtilization\":50}}},"
              "{\"type\":\"Resource\",\"resource\":{\"name\":\"memory\",\"target\":{\"type\":"
              "\"AverageValue\",\"averageValue\":\"100Mi\"}}}]}}",
              "HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1",
              "{\"annotations\":{\"autoscaling.alpha.kubernetes.io/metrics\":\"[{\\\"type\\\":"
              "\\\"Resource\\\",\\\"resource\\\":{\\\"name\\\":\\\"memory\\\","
              "\\\"targetAverageValue\\\":\\\"100Mi\\\"}}]\"},\"name\":\"a\"}",
              "{\"maxReplicas\":5,\"minReplicas\":1," TARGET
              ",\"targetCPUUtilizationPercentage\":50}");
}

static void autoscalers_are_converted_to_v2(void **state _unused_) {
        check(HEAD_V1 "\"metadata\":{\"name\":\"a\"},\"spec\":{" TARGET
                      ",\"maxReplicas\":5,\"targetCPUUtilizationPercentage\":70}}",
              "HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2", "{\"name\":\"a\"}",
              "{\"maxReplicas\":5,\"metrics\":[{\"resource\":{\"name\":\"cpu\",\"target\":{"
              "\"averageUtilization\":70,\"type\":\"Utilization\"}},\"type\":\"Resource\"}],"
              "\"minReplicas\":1," TARGET "}");
}

static void the_status_is_converted(void **state _unused_) {
        check_part(HEAD_V2
                   "\"metadata\":{\"name\":\"a\"},\"spec\":{" TARGET ",\"maxReplicas\":5},"
                   "\"status\":{\"desiredReplicas\":2,\"currentMetrics\":[{\"type\":\"Resource\","
                   "\"resource\":{\"name\":\"cpu\",\"current\":{\"averageUtilization\":7}}}]}}",
                   "autoscaling/v2", "autoscaling/v1", "status",
                   "{\"currentCPUUtilizationPercentage\":7,\"currentReplicas\":0,"
                   "\"desiredReplicas\":2}");
        check_part(HEAD_V1 "\"metadata\":{\"name\":\"a\"},\"spec\":{" TARGET ",\"maxReplicas\":5},"
                           "\"status\":{\"currentCPUUtilizationPercentage\":7}}",
                   "autoscaling/v1", "autoscaling/v2", "status",
                   "{\"currentMetrics\":[{\"resource\":{\"current\":{\"averageUtilization\":7},"
                   "\"name\":\"cpu\"},\"type\":\"Resource\"}],"
                   "\"desiredReplicas\":0}");
}

static void what_cannot_be_read_is_passed_over(void **state _unused_) {
        check_part(HEAD_V1 "\"metadata\":{\"name\":\"a\",\"annotations\":{"
                           "\"autoscaling.alpha.kubernetes.io/conditions\":"
                           "\"[{\\\"type\\\":\\\"A\\\",\\\"lastTransitionTime\\\":\\\"now\\\"}]\","
                           "\"autoscaling.alpha.kubernetes.io/metrics\":\"[7]\"}},"
                           "\"spec\":{" TARGET ",\"maxReplicas\":5}}",
                   "autoscaling/v1", "autoscaling/v2", "status",
                   "{\"currentMetrics\":null,\"desiredReplicas\":0}");
}

static void kinds_of_one_version_are_not_converted(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct doc_node *object = read_json(&arena, "{\"kind\":\"Deployment\"}");

        assert_null(kube_convert(&arena, object, STR("Deployment"), STR("apps/v1"),
                                 STR("extensions/v1beta1")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(autoscalers_are_converted_to_v1),
                cmocka_unit_test(autoscalers_are_converted_to_v2),
                cmocka_unit_test(the_status_is_converted),
                cmocka_unit_test(what_cannot_be_read_is_passed_over),
                cmocka_unit_test(kinds_of_one_version_are_not_converted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
