#include "kube/autoscaler.h"

#include "base/util.h"
#include "doc/edit.h"
#include "doc/write.h"
#include "kube/decode.h"
#include "kube/maker.h"
#include "kube/strict.h"

#define ANNOTATION(name) STR_INIT("autoscaling.alpha.kubernetes.io/" name)

/* What v1 keeps in annotations. The last two are read by no version any more, but removed. */
enum kept { KEPT_METRICS, KEPT_CURRENT_METRICS, KEPT_BEHAVIOR, KEPT_CONDITIONS, KEPT_COUNT };
static const struct str annotations[] = {
        [KEPT_METRICS] = ANNOTATION("metrics"),
        [KEPT_CURRENT_METRICS] = ANNOTATION("current-metrics"),
        [KEPT_BEHAVIOR] = ANNOTATION("behavior"),
        [KEPT_CONDITIONS] = ANNOTATION("conditions"),
        ANNOTATION("scale-down-tolerance"),
        ANNOTATION("scale-up-tolerance"),
};

enum { DEFAULT_UTILIZATION = 80, COMMON_MAX = 4 };

static const struct str kind = STR_INIT("HorizontalPodAutoscaler");

static size_t item_count(const struct doc_node *list) {
        return list && list->kind == DOC_LIST ? list->list.count : 0;
}

static bool has(const struct doc_node *node, const char *key, const char *text) {
        return str_eq(doc_string(doc_get(node, str_from(key)), STR("")), str_from(text));
}

static bool is_about_cpu(const struct doc_node *metric) {
        return has(metric, "type", "Resource") &&
               has(doc_get(metric, STR("resource")), "name", "cpu");
}

/* METADATA with those TEXTS that are not empty as annotations about the other version, and no
 * others. What stands in WRITTEN as well keeps its place. */
static const struct doc_node *with_annotations(struct arena *arena, const struct doc_node *metadata,
                                               const struct str texts[KEPT_COUNT],
                                               const struct doc_node *written) {
        const struct doc_node *before = doc_get(metadata, STR("annotations")), *made = before;

        if (!metadata || metadata->kind != DOC_MAP || (made && made->kind != DOC_MAP))
                return metadata;
        for (size_t i = 0; i < ELEMENTS(annotations); i++) {
                struct doc_node node = doc_text(i < KEPT_COUNT ? texts[i] : STR(""));
                const struct doc_node *place = doc_get(written, annotations[i]);

                node.flags = DOC_SYNTHETIC;
                if (place && place->kind == DOC_STRING) {
                        struct str text = node.string;

                        node = *place;
                        node.string = text;
                }
                if (!made && node.string.len > 0)
                        made = doc_new_map(arena, metadata, 0);
                if (node.string.len > 0 || doc_get(made, annotations[i]))
                        made = doc_with(arena, made, annotations[i],
                                        node.string.len > 0 ? &node : NULL);
        }
        if (made == before)
                return metadata;
        return doc_with(arena, metadata, STR("annotations"), made->map.count > 0 ? made : NULL);
}

/* The fields NAMES of FROM, which both versions have. */
static struct maker common(struct arena *arena, const struct doc_node *from,
                           const char *const names[COMMON_MAX]) {
        struct maker maker = maker_new(arena, from);

        for (size_t i = 0; i < COMMON_MAX && names[i]; i++)
                maker_copy(&maker, names[i], from);
        return maker;
}

static const char *const spec_names[COMMON_MAX] = { "scaleTargetRef", "minReplicas",
                                                    "maxReplicas" };
static const char *const status_names[COMMON_MAX] = { "observedGeneration", "lastScaleTime",
                                                      "currentReplicas", "desiredReplicas" };

static const struct doc_node *join(struct arena *arena, const struct doc_node *object,
                                   const char *version, const struct doc_node *metadata,
                                   const struct doc_node *spec, const struct doc_node *status) {
        struct maker m = maker_new(arena, object);

        maker_add_text(&m, "apiVersion", str_from(version));
        maker_copy(&m, "kind", object);
        maker_add(&m, "metadata", metadata);
        maker_add(&m, "spec", spec);
        maker_add(&m, "status", status);
        maker_done(&m);
        m.map->parent = object->parent;
        m.map->index = object->index;
        return kube_decode_undefaulted(arena, m.map, str_from(version), kind);
}

/* --- to v1 --- */

/* JSON as Go writes it: what means something in HTML is escaped, and some characters otherwise than
 * by us. */
static struct str go_json(struct arena *arena, const struct buf *json) {
        static const struct str others[][2] = {
                { STR_INIT("\\u007f"), STR_INIT("\x7f") }, { STR_INIT("\\u0008"), STR_INIT("\\b") },
                { STR_INIT("\\u000c"), STR_INIT("\\f") },  { STR_INIT("\\\\"), STR_INIT("\\\\") },
                { STR_INIT("<"), STR_INIT("\\u003c") },    { STR_INIT(">"), STR_INIT("\\u003e") },
                { STR_INIT("&"), STR_INIT("\\u0026") }
        };
        struct buf out _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0, k; i < json->len;) {
                struct str rest = str_slice(buf_str(json), i, json->len);

                for (k = 0; k < ELEMENTS(others) && !str_starts(rest, others[k][0]); k++)
                        ;
                buf_add(&out, k < ELEMENTS(others) ? others[k][1] : str_slice(rest, 0, 1));
                i += k < ELEMENTS(others) ? others[k][0].len : 1;
        }
        return arena_str(arena, buf_str(&out));
}

static struct str list_text(struct arena *arena, const struct doc_node *list) {
        struct buf json _cleanup_(buf_free) = BUF_INIT;

        if (item_count(list) == 0)
                return STR("");
        doc_write_json(&json, list);
        return go_json(arena, &json);
}

static struct str behavior_text(struct arena *arena, const struct doc_node *behavior) {
        struct buf json _cleanup_(buf_free) = BUF_INIT;

        if (!behavior || behavior->kind != DOC_MAP)
                return STR("");
        kube_behavior_to_v1(&json, behavior);
        return go_json(arena, &json);
}

/* A condition in the order in which Go writes it. */
static const struct doc_node *ordered_condition(struct arena *arena,
                                                const struct doc_node *condition) {
        static const char *const names[] = { "type", "status", "lastTransitionTime", "reason",
                                             "message" };
        struct doc_node *made = doc_new_map(arena, condition, ELEMENTS(names));
        uint32_t count = 0;

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                const struct doc_node *value = doc_get(condition, str_from(names[i]));

                if (value) /* a time that was never set is null */
                        doc_map_set(made, count++, str_from(names[i]), value);
        }
        made->map.count = count;
        doc_map_index(arena, made);
        return made;
}

static const struct doc_node *ordered_conditions(struct arena *arena, const struct doc_node *list) {
        struct doc_node *made = doc_new_list(arena, list, item_count(list));

        for (size_t i = 0; i < item_count(list); i++)
                made->list.items[i] = *ordered_condition(arena, &list->list.items[i]);
        return made;
}

/* METRICS without those that v1 has a field for, and *RET_UTILIZATION, which is the first of them.
 */
static const struct doc_node *other_metrics(struct arena *arena, const struct doc_node *metrics,
                                            const struct doc_node **ret_utilization) {
        struct doc_node *others = doc_new_list(arena, metrics, item_count(metrics));
        uint32_t count = 0;

        for (size_t i = 0; i < item_count(metrics); i++) {
                const struct doc_node *metric = &metrics->list.items[i];
                const struct doc_node *utilization =
                        is_about_cpu(metric)
                                ? doc_find(metric, "resource", "target", "averageUtilization")
                                : NULL;

                if (!utilization)
                        others->list.items[count++] =
                                *kube_metric_to_v1(arena, metric, AUTOSCALER_SPEC);
                else if (!*ret_utilization)
                        *ret_utilization = utilization;
        }
        others->list.count = count;
        return others;
}

/* METRICS as an annotation has them, and *RET_UTILIZATION: what the last one about the CPU says. */
static const struct doc_node *current_metrics(struct arena *arena, const struct doc_node *metrics,
                                              const struct doc_node **ret_utilization) {
        struct doc_node *made = doc_new_list(arena, metrics, item_count(metrics));

        for (size_t i = 0; i < item_count(metrics); i++) {
                const struct doc_node *metric = &metrics->list.items[i];
                const struct doc_node *utilization =
                        is_about_cpu(metric)
                                ? doc_find(metric, "resource", "current", "averageUtilization")
                                : NULL;

                made->list.items[i] = *kube_metric_to_v1(arena, metric, AUTOSCALER_STATUS);
                if (utilization)
                        *ret_utilization = utilization;
        }
        return made;
}

/* WRITTEN: the annotations that OBJECT had before it was one of v2. */
static const struct doc_node *to_v1(struct arena *arena, const struct doc_node *object,
                                    const struct doc_node *written) {
        const struct doc_node *from = doc_get(object, STR("spec")),
                              *from_status = doc_get(object, STR("status")), *target = NULL,
                              *current = NULL;
        struct maker spec, status;
        struct str texts[KEPT_COUNT] = {
                [KEPT_METRICS] = list_text(
                        arena, other_metrics(arena, doc_get(from, STR("metrics")), &target)),
                [KEPT_CURRENT_METRICS] = list_text(
                        arena, current_metrics(arena, doc_get(from_status, STR("currentMetrics")),
                                               &current)),
                [KEPT_BEHAVIOR] = behavior_text(arena, doc_get(from, STR("behavior"))),
                [KEPT_CONDITIONS] = list_text(
                        arena, ordered_conditions(arena, doc_get(from_status, STR("conditions")))),
        };

        spec = common(arena, from, spec_names);
        maker_add(&spec, "targetCPUUtilizationPercentage", target);
        status = common(arena, from_status, status_names);
        maker_add(&status, "currentCPUUtilizationPercentage", current);
        return join(arena, object, "autoscaling/v1",
                    with_annotations(arena, doc_get(object, STR("metadata")), texts, written),
                    maker_done(&spec), maker_done(&status));
}

const struct doc_node *kube_autoscaler_to_v1(struct arena *arena, const struct doc_node *object) {
        return to_v1(arena, object, NULL);
}

/* --- to v2 --- */

static const struct doc_node *read_json(struct arena *arena, struct str text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;

        *source = (struct doc_source){ STR("annotation"), text };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        return doc_read(&reader, arena, &doc, NULL) > 0 ? doc->root : NULL;
}

/* Whether VALUE, of v2, can be decoded at KEY of PART ("spec", "status"). */
static bool fits(struct arena *arena, const char *part, const char *key,
                 const struct doc_node *value) {
        struct maker object = maker_new(arena, NULL), inner = maker_new(arena, NULL);

        maker_add(&inner, key, value);
        maker_add_text(&object, "apiVersion", STR("autoscaling/v2"));
        maker_add_text(&object, "kind", kind);
        maker_add(&object, part, maker_done(&inner));
        /* Fields that the type does not have are passed over, and gone when it is decoded. */
        return kube_decode_check(kube_decode_undefaulted(arena, maker_done(&object),
                                                         STR("autoscaling/v2"), kind),
                                 NULL) >= 0;
}

/* What OBJECT keeps in the annotation KEPT for KEY of PART, in the spelling of v2; NULL where
 * nothing can be read. */
static const struct doc_node *read_kept(struct arena *arena, const struct doc_node *object,
                                        enum kept kept, const char *part, const char *key) {
        const struct doc_node *map = doc_find(object, "metadata", "annotations"), *read;
        struct str text = doc_string(doc_get(map, annotations[kept]), STR(""));
        struct doc_node *made;

        read = text.len > 0 ? read_json(arena, text) : NULL;
        if (read && read->kind == DOC_NULL && kept != KEPT_BEHAVIOR)
                return doc_new_list(arena, map, 0);
        if (!read || read->kind != (kept == KEPT_BEHAVIOR ? DOC_MAP : DOC_LIST))
                return NULL;
        if (kept == KEPT_BEHAVIOR)
                read = kube_behavior_to_v2(arena, read);
        if (kept == KEPT_METRICS || kept == KEPT_CURRENT_METRICS) {
                made = doc_new_list(arena, read, read->list.count);
                for (uint32_t i = 0; i < read->list.count; i++)
                        made->list.items[i] = *kube_metric_to_v2(
                                arena, &read->list.items[i],
                                kept == KEPT_METRICS ? AUTOSCALER_SPEC : AUTOSCALER_STATUS);
                read = made;
        }
        return fits(arena, part, key, read) ? read : NULL;
}

/* A metric about the CPU. */
static const struct doc_node *cpu_metric(struct arena *arena, const struct doc_node *utilization,
                                         enum autoscaler_side side) {
        struct maker values = maker_new(arena, utilization), source = maker_new(arena, utilization),
                     m = maker_new(arena, utilization);

        if (side == AUTOSCALER_SPEC)
                maker_add_text(&values, "type", STR("Utilization"));
        maker_add(&values, "averageUtilization", utilization);
        maker_add_text(&source, "name", STR("cpu"));
        maker_add(&source, side == AUTOSCALER_SPEC ? "target" : "current", maker_done(&values));
        maker_add_text(&m, "type", STR("Resource"));
        maker_add(&m, "resource", maker_done(&source));
        return maker_done(&m);
}

/* OTHERS, and the one about UTILIZATION; of a spec at least one. */
static const struct doc_node *all_metrics(struct arena *arena, const struct doc_node *others,
                                          const struct doc_node *utilization,
                                          enum autoscaler_side side) {
        struct doc_node fallback = { .kind = DOC_INT,
                                     .flags = DOC_SYNTHETIC,
                                     .integer = DEFAULT_UTILIZATION };
        size_t count = item_count(others);
        struct doc_node *made = doc_new_list(arena, others, count + 1);

        for (size_t i = 0; i < count; i++)
                made->list.items[i] = others->list.items[i];
        if (!utilization && count == 0 && side == AUTOSCALER_SPEC)
                utilization = &fallback;
        if (utilization)
                made->list.items[count++] = *cpu_metric(arena, utilization, side);
        made->list.count = (uint32_t)count;
        return count > 0 ? made : NULL;
}

/* The rules of a behavior without any are none. */
static bool says_something(const struct doc_node *behavior) {
        const struct doc_node *up = doc_get(behavior, STR("scaleUp")),
                              *down = doc_get(behavior, STR("scaleDown"));

        return (up && up->kind != DOC_NULL) || (down && down->kind != DOC_NULL);
}

/* Whether the annotation was there, and not made from the status (kube_autoscaler_settle). */
static bool is_written(const struct doc_node *object, enum kept kept) {
        const struct doc_node *node =
                doc_get(doc_find(object, "metadata", "annotations"), annotations[kept]);

        return node && !(node->flags & DOC_SYNTHETIC);
}

const struct doc_node *kube_autoscaler_to_v2(struct arena *arena, const struct doc_node *object) {
        static const struct str none[KEPT_COUNT];
        const struct doc_node *from = doc_get(object, STR("spec")),
                              *from_status = doc_get(object, STR("status"));
        const struct doc_node *behavior =
                read_kept(arena, object, KEPT_BEHAVIOR, "spec", "behavior");
        const struct doc_node *current =
                is_written(object, KEPT_CURRENT_METRICS)
                        ? read_kept(arena, object, KEPT_CURRENT_METRICS, "status", "currentMetrics")
                        : NULL;
        struct maker spec, status;

        spec = common(arena, from, spec_names);
        maker_add(&spec, "metrics",
                  all_metrics(arena, read_kept(arena, object, KEPT_METRICS, "spec", "metrics"),
                              doc_get(from, STR("targetCPUUtilizationPercentage")),
                              AUTOSCALER_SPEC));
        if (says_something(behavior))
                maker_add(&spec, "behavior", behavior);
        status = common(arena, from_status, status_names);
        /* What is kept says all. */
        maker_add(
                &status, "currentMetrics",
                current ? current
                        : all_metrics(arena, NULL,
                                      doc_get(from_status, STR("currentCPUUtilizationPercentage")),
                                      AUTOSCALER_STATUS));
        maker_add(&status, "conditions",
                  read_kept(arena, object, KEPT_CONDITIONS, "status", "conditions"));
        return join(arena, object, "autoscaling/v2",
                    with_annotations(arena, doc_get(object, STR("metadata")), none, NULL),
                    maker_done(&spec), maker_done(&status));
}

const struct doc_node *kube_autoscaler_settle(struct arena *arena, const struct doc_node *object,
                                              struct str version) {
        static const struct str none[KEPT_COUNT];
        const struct doc_node *metadata = doc_get(object, STR("metadata")),
                              *map = doc_get(metadata, STR("annotations"));
        bool keeps = false;

        for (size_t i = 0; i < ELEMENTS(annotations); i++)
                keeps = keeps || doc_get(map, annotations[i]);
        if (str_eq(version, STR("autoscaling/v1")))
                return keeps || doc_find(object, "status", "currentCPUUtilizationPercentage")
                               ? to_v1(arena, kube_autoscaler_to_v2(arena, object), map)
                               : object;
        if (!keeps || !str_eq(version, STR("autoscaling/v2")))
                return object;
        return doc_with(arena, object, STR("metadata"),
                        with_annotations(arena, metadata, none, NULL));
}
