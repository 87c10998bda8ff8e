#include "kube/convert.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/util.h"
#include "doc/edit.h"
#include "doc/write.h"
#include "kube/decode.h"

#define ANNOTATION(name) STR_INIT("autoscaling.alpha.kubernetes.io/" name)

static const struct str metrics_annotation = ANNOTATION("metrics");
static const struct str behavior_annotation = ANNOTATION("behavior");

/* A map being filled. */
struct maker {
        struct arena *arena;
        struct doc_node *map;
};

enum { FIELDS_MAX = 8 };

static struct maker maker_new(struct arena *arena, const struct doc_node *near) {
        struct maker m = { arena, doc_new_map(arena, near, FIELDS_MAX) };

        m.map->map.count = 0;
        return m;
}

/* Adds VALUE unless it is absent. */
static void add(struct maker *m, const char *key, const struct doc_node *value) {
        if (value && value->kind != DOC_NULL)
                doc_map_set(m->map, m->map->map.count++, str_from(key), value);
}

static void add_text(struct maker *m, const char *key, struct str text) {
        struct doc_node node = doc_text(text);

        add(m, key, &node);
}

static void add_copy(struct maker *m, const char *key, const struct doc_node *from,
                     const char *from_key) {
        add(m, key, doc_get(from, str_from(from_key)));
}

static const struct doc_node *done(struct maker *m) {
        doc_map_index(m->arena, m->map);
        return m->map;
}

static bool has(const struct doc_node *node, const char *key, const char *text) {
        return str_eq(doc_string(doc_get(node, str_from(key)), STR("")), str_from(text));
}

static size_t item_count(const struct doc_node *list) {
        return list && list->kind == DOC_LIST ? list->list.count : 0;
}

/* --- metrics --- */

/* What the source of a metric says, wherever a version has it. */
enum part {
        PART_NAME,        /* v2: name, or metric.name */
        PART_SELECTOR,    /* v2: metric.selector */
        PART_VALUE,       /* v2: target.value */
        PART_AVERAGE,     /* v2: target.averageValue */
        PART_UTILIZATION, /* v2: target.averageUtilization */
        PART_DESCRIBED,   /* v2: describedObject */
        PART_CONTAINER    /* v2: container */
};

enum { PARTS_MAX = 5 };

/* Each type of metric: its source, and the fields of v1 in the order in which Go writes them. */
static const struct metric_type {
        const char *type, *source;
        bool has_metric; /* v2 has name and selector in `metric` */
        struct {
                const char *v1; /* NULL ends the list */
                enum part part;
                bool always; /* a zero is written */
        } parts[PARTS_MAX + 1];
} metric_types[] = {
        { "Resource",
          "resource",
          false,
          { { "name", PART_NAME },
            { "targetAverageUtilization", PART_UTILIZATION },
            { "targetAverageValue", PART_AVERAGE } } },
        { "ContainerResource",
          "containerResource",
          false,
          { { "name", PART_NAME },
            { "targetAverageUtilization", PART_UTILIZATION },
            { "targetAverageValue", PART_AVERAGE },
            { "container", PART_CONTAINER } } },
        { "Pods",
          "pods",
          true,
          { { "metricName", PART_NAME },
            { "targetAverageValue", PART_AVERAGE, true },
            { "selector", PART_SELECTOR } } },
        { "Object",
          "object",
          true,
          { { "target", PART_DESCRIBED },
            { "metricName", PART_NAME },
            { "targetValue", PART_VALUE, true },
            { "selector", PART_SELECTOR },
            { "averageValue", PART_AVERAGE } } },
        { "External",
          "external",
          true,
          { { "metricName", PART_NAME },
            { "metricSelector", PART_SELECTOR },
            { "targetValue", PART_VALUE },
            { "targetAverageValue", PART_AVERAGE } } },
};

static const struct metric_type *type_of(const struct doc_node *metric) {
        for (size_t i = 0; i < ELEMENTS(metric_types); i++)
                if (has(metric, "type", metric_types[i].type))
                        return &metric_types[i];
        return NULL;
}

static int compare_entries(const void *a, const void *b) {
        return str_cmp(((const struct doc_entry *)a)->key, ((const struct doc_entry *)b)->key);
}

/* A selector in the order in which Go writes it. */
static const struct doc_node *ordered_selector(struct arena *arena,
                                               const struct doc_node *selector) {
        const struct doc_node *labels = doc_get(selector, STR("matchLabels"));
        struct maker m;

        if (!selector || selector->kind != DOC_MAP)
                return NULL;
        m = maker_new(arena, selector);
        if (labels && labels->kind == DOC_MAP && labels->map.count > 0) {
                struct doc_node *sorted = doc_new_map(arena, labels, labels->map.count);

                for (uint32_t i = 0; i < labels->map.count; i++)
                        doc_map_set(sorted, i, labels->map.entries[i].key,
                                    &labels->map.entries[i].value);
                qsort(sorted->map.entries, sorted->map.count, sizeof(struct doc_entry),
                      compare_entries);
                add(&m, "matchLabels", sorted);
        }
        add_copy(&m, "matchExpressions", selector, "matchExpressions");
        return done(&m);
}

static const struct doc_node *ordered_reference(struct arena *arena, const struct doc_node *from) {
        struct maker m = maker_new(arena, from);

        add_copy(&m, "kind", from, "kind");
        add_copy(&m, "name", from, "name");
        add_copy(&m, "apiVersion", from, "apiVersion");
        return done(&m);
}

/* PART of SOURCE, which is of v2. */
static const struct doc_node *part_of(struct arena *arena, const struct metric_type *type,
                                      const struct doc_node *source, enum part part) {
        const struct doc_node *metric = type->has_metric ? doc_get(source, STR("metric")) : source;
        const struct doc_node *target = doc_get(source, STR("target"));

        switch (part) {
        case PART_NAME:
                return doc_get(metric, STR("name"));
        case PART_SELECTOR:
                return ordered_selector(arena, doc_get(metric, STR("selector")));
        case PART_VALUE:
                return doc_get(target, STR("value"));
        case PART_AVERAGE:
                return doc_get(target, STR("averageValue"));
        case PART_UTILIZATION:
                return doc_get(target, STR("averageUtilization"));
        case PART_DESCRIBED:
                return ordered_reference(arena, doc_get(source, STR("describedObject")));
        case PART_CONTAINER:
                return doc_get(source, STR("container"));
        }
        return NULL;
}

static const struct doc_node *metric_to_v1(struct arena *arena, const struct doc_node *metric) {
        const struct metric_type *type = type_of(metric);
        const struct doc_node *source = type ? doc_get(metric, str_from(type->source)) : NULL;
        struct maker m = maker_new(arena, metric), inner = maker_new(arena, metric);
        struct doc_node zero = doc_text(STR("0"));

        add_copy(&m, "type", metric, "type");
        for (size_t i = 0; source && type->parts[i].v1; i++) {
                const struct doc_node *value = part_of(arena, type, source, type->parts[i].part);

                add(&inner, type->parts[i].v1, value || !type->parts[i].always ? value : &zero);
        }
        if (source)
                add(&m, type->source, done(&inner));
        return done(&m);
}

static bool has_name(const struct metric_type *type, const char *name) {
        return str_eq(str_from(type->type), str_from(name));
}

/* How v2 calls what SOURCE, of v1, is measured by. */
static const char *target_type(const struct metric_type *type, const struct doc_node *source) {
        if (has_name(type, "Resource") || has_name(type, "ContainerResource"))
                return doc_get(source, STR("targetAverageUtilization")) ? "Utilization"
                                                                        : "AverageValue";
        if (has_name(type, "Object"))
                return doc_get(source, STR("averageValue")) ? "AverageValue" : "Value";
        return doc_get(source, STR("targetValue")) ? "Value" : "AverageValue";
}

static bool is_zero(const struct doc_node *quantity) {
        return str_eq(doc_string(quantity, STR("")), STR("0"));
}

static const struct doc_node *metric_to_v2(struct arena *arena, const struct doc_node *metric) {
        static const char *const keys[] = {
                [PART_NAME] = "name",
                [PART_SELECTOR] = "selector",
                [PART_VALUE] = "value",
                [PART_AVERAGE] = "averageValue",
                [PART_UTILIZATION] = "averageUtilization",
                [PART_DESCRIBED] = "describedObject",
                [PART_CONTAINER] = "container",
        };
        const struct metric_type *type = type_of(metric);
        const struct doc_node *source = type ? doc_get(metric, str_from(type->source)) : NULL;
        struct maker m = maker_new(arena, metric), inner = maker_new(arena, metric),
                     target = maker_new(arena, metric), name = maker_new(arena, metric);

        add_copy(&m, "type", metric, "type");
        if (!source)
                return done(&m);
        add_text(&target, "type", str_from(target_type(type, source)));
        for (size_t i = 0; type->parts[i].v1; i++) {
                enum part part = type->parts[i].part;
                const struct doc_node *value = doc_get(source, str_from(type->parts[i].v1));
                bool of_metric = part == PART_NAME || part == PART_SELECTOR;
                bool of_target =
                        part == PART_VALUE || part == PART_AVERAGE || part == PART_UTILIZATION;

                if (part == PART_VALUE && is_zero(value) && doc_get(source, STR("averageValue")))
                        continue;
                add(of_target                       ? &target
                    : of_metric && type->has_metric ? &name
                                                    : &inner,
                    keys[part], value);
        }
        if (type->has_metric)
                add(&inner, "metric", done(&name));
        add(&inner, "target", done(&target));
        add(&m, type->source, done(&inner));
        return done(&m);
}

/* --- behavior --- */

/* The behavior of v2 as Go writes the type that has no names for JSON. */
static void write_rules(struct buf *json, const struct doc_node *rules) {
        static const char *const fields[][2] = {
                { "StabilizationWindowSeconds", "stabilizationWindowSeconds" },
                { "SelectPolicy", "selectPolicy" },
                { "Policies", "policies" },
                { "Tolerance", "tolerance" },
        };
        static const char *const policy_fields[][2] = {
                { "Type", "type" },
                { "Value", "value" },
                { "PeriodSeconds", "periodSeconds" },
        };

        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                const struct doc_node *value = doc_get(rules, str_from(fields[i][1]));

                buf_printf(json, "%s\"%s\":", i ? "," : "{", fields[i][0]);
                if (!value)
                        buf_add(json, STR("null"));
                else if (value->kind != DOC_LIST)
                        doc_write_json(json, value);
                for (size_t k = 0; k < item_count(value); k++)
                        for (size_t f = 0; f < ELEMENTS(policy_fields); f++) {
                                const struct doc_node *part = doc_get(
                                        &value->list.items[k], str_from(policy_fields[f][1]));

                                buf_printf(json, "%s\"%s\":",
                                           f   ? ","
                                           : k ? "},{"
                                               : "[{",
                                           policy_fields[f][0]);
                                if (part)
                                        doc_write_json(json, part);
                        }
                if (value && value->kind == DOC_LIST)
                        buf_add(json, item_count(value) ? STR("}]") : STR("[]"));
        }
        buf_add_char(json, '}');
}

static struct str behavior_text(struct arena *arena, const struct doc_node *behavior) {
        static const char *const directions[][2] = { { "ScaleUp", "scaleUp" },
                                                     { "ScaleDown", "scaleDown" } };
        struct buf json _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < ELEMENTS(directions); i++) {
                const struct doc_node *rules = doc_get(behavior, str_from(directions[i][1]));

                buf_printf(&json, "%s\"%s\":", i ? "," : "{", directions[i][0]);
                if (rules)
                        write_rules(&json, rules);
                else
                        buf_add(&json, STR("null"));
        }
        buf_add_char(&json, '}');
        return arena_str(arena, buf_str(&json));
}

/* The same with the names of v2: they begin with a small letter. */
static const struct doc_node *lower_keys(struct arena *arena, const struct doc_node *node) {
        struct doc_node *copy;

        if (node->kind == DOC_LIST) {
                copy = doc_new_list(arena, node, node->list.count);
                for (uint32_t i = 0; i < node->list.count; i++)
                        copy->list.items[i] = *lower_keys(arena, &node->list.items[i]);
                return copy;
        }
        if (node->kind != DOC_MAP)
                return node;
        copy = doc_new_map(arena, node, node->map.count);
        for (uint32_t i = 0; i < node->map.count; i++) {
                struct str key = arena_str(arena, node->map.entries[i].key);

                if (key.len > 0)
                        *(char *)(uintptr_t)key.ptr = (char)tolower((unsigned char)key.ptr[0]);
                doc_map_set(copy, i, key, lower_keys(arena, &node->map.entries[i].value));
        }
        doc_map_index(arena, copy);
        return copy;
}

/* --- autoscalers --- */

static const struct doc_node *read_json(struct arena *arena, struct str text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;

        *source = (struct doc_source){ STR("annotation"), text };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        return doc_read(&reader, arena, &doc, NULL) > 0 ? doc->root : NULL;
}

static const struct doc_node *annotation(struct arena *arena, const struct doc_node *object,
                                         struct str key) {
        struct str text =
                doc_string(doc_get(doc_find(object, "metadata", "annotations"), key), STR(""));

        return text.len > 0 ? read_json(arena, text) : NULL;
}

/* METADATA with those ANNOTATIONS about the other version that are not empty, and no others. */
static const struct doc_node *with_annotations(struct arena *arena, const struct doc_node *metadata,
                                               struct str metrics, struct str behavior) {
        static const struct str others[] = { ANNOTATION("current-metrics"),
                                             ANNOTATION("conditions"),
                                             ANNOTATION("scale-down-tolerance"),
                                             ANNOTATION("scale-up-tolerance") };
        const struct doc_node *annotations = doc_get(metadata, STR("annotations"));
        struct doc_node metrics_node = doc_text(metrics), behavior_node = doc_text(behavior);

        if (!annotations && metrics.len == 0 && behavior.len == 0)
                return metadata;
        if (!annotations)
                annotations = doc_new_map(arena, metadata, 0);
        for (size_t i = 0; i < ELEMENTS(others); i++)
                annotations = doc_with(arena, annotations, others[i], NULL);
        annotations = doc_with(arena, annotations, metrics_annotation,
                               metrics.len ? &metrics_node : NULL);
        annotations = doc_with(arena, annotations, behavior_annotation,
                               behavior.len ? &behavior_node : NULL);
        return doc_with(arena, metadata, STR("annotations"),
                        annotations->map.count > 0 ? annotations : NULL);
}

static bool is_cpu_utilization(const struct doc_node *metric) {
        const struct doc_node *resource = doc_get(metric, STR("resource"));

        return has(metric, "type", "Resource") && has(resource, "name", "cpu") &&
               doc_find(resource, "target", "averageUtilization");
}

static struct maker common_spec(struct arena *arena, const struct doc_node *spec) {
        struct maker m = maker_new(arena, spec);

        add_copy(&m, "scaleTargetRef", spec, "scaleTargetRef");
        add_copy(&m, "minReplicas", spec, "minReplicas");
        add_copy(&m, "maxReplicas", spec, "maxReplicas");
        return m;
}

static const struct doc_node *join_object(struct arena *arena, const struct doc_node *object,
                                          const char *version, const struct doc_node *metadata,
                                          const struct doc_node *spec) {
        struct maker m = maker_new(arena, object);

        add_text(&m, "apiVersion", str_from(version));
        add_copy(&m, "kind", object, "kind");
        add(&m, "metadata", metadata);
        add(&m, "spec", spec);
        done(&m);
        m.map->parent = object->parent;
        m.map->index = object->index;
        return kube_decode_as(arena, m.map, str_from(version), STR("HorizontalPodAutoscaler"));
}

static const struct doc_node *autoscaler_to_v1(struct arena *arena, const struct doc_node *object) {
        const struct doc_node *spec = doc_get(object, STR("spec")),
                              *metrics = doc_get(spec, STR("metrics")),
                              *behavior = doc_get(spec, STR("behavior"));
        struct doc_node *others = doc_new_list(arena, spec, item_count(metrics));
        struct buf json _cleanup_(buf_free) = BUF_INIT;
        struct maker m = common_spec(arena, spec);
        const struct doc_node *utilization = NULL;
        uint32_t count = 0;

        for (size_t i = 0; i < item_count(metrics); i++) {
                const struct doc_node *metric = &metrics->list.items[i];

                if (!is_cpu_utilization(metric))
                        others->list.items[count++] = *metric_to_v1(arena, metric);
                else if (!utilization)
                        utilization = doc_find(metric, "resource", "target", "averageUtilization");
        }
        others->list.count = count;
        if (count > 0)
                doc_write_json(&json, others);
        add(&m, "targetCPUUtilizationPercentage", utilization);
        return join_object(arena, object, "autoscaling/v1",
                           with_annotations(arena, doc_get(object, STR("metadata")),
                                            arena_str(arena, buf_str(&json)),
                                            behavior ? behavior_text(arena, behavior) : STR("")),
                           done(&m));
}

static const struct doc_node *cpu_metric(struct arena *arena, const struct doc_node *near,
                                         const struct doc_node *utilization) {
        struct maker source = maker_new(arena, near), m = maker_new(arena, near);

        add_text(&source, "name", STR("cpu"));
        add(&source, "targetAverageUtilization", utilization);
        add_text(&m, "type", STR("Resource"));
        add(&m, "resource", done(&source));
        return metric_to_v2(arena, done(&m));
}

static const struct doc_node *autoscaler_to_v2(struct arena *arena, const struct doc_node *object) {
        const struct doc_node *spec = doc_get(object, STR("spec")),
                              *others = annotation(arena, object, metrics_annotation),
                              *behavior = annotation(arena, object, behavior_annotation),
                              *utilization = doc_get(spec, STR("targetCPUUtilizationPercentage"));
        struct doc_node *metrics = doc_new_list(arena, spec, item_count(others) + 1);
        struct maker m = common_spec(arena, spec);
        uint32_t count = 0;

        for (size_t i = 0; i < item_count(others); i++)
                metrics->list.items[count++] = *metric_to_v2(arena, &others->list.items[i]);
        if (utilization)
                metrics->list.items[count++] = *cpu_metric(arena, utilization, utilization);
        metrics->list.count = count;
        if (count > 0)
                add(&m, "metrics", metrics);
        if (behavior && behavior->kind == DOC_MAP)
                add(&m, "behavior", lower_keys(arena, behavior));
        return join_object(
                arena, object, "autoscaling/v2",
                with_annotations(arena, doc_get(object, STR("metadata")), STR(""), STR("")),
                done(&m));
}

/* --- events --- */

/* The fields of an event that are called something else in events.k8s.io/v1. */
static const char *const event_names[][2] = {
        { "involvedObject", "regarding" },
        { "message", "note" },
        { "reportingComponent", "reportingController" },
        { "source", "deprecatedSource" },
        { "firstTimestamp", "deprecatedFirstTimestamp" },
        { "lastTimestamp", "deprecatedLastTimestamp" },
        { "count", "deprecatedCount" },
};

/* OBJECT with the names of column TO. */
static const struct doc_node *rename_event(struct arena *arena, const struct doc_node *object,
                                           struct str version, size_t to) {
        struct doc_node *copy = doc_new_map(arena, object, object->map.count);
        struct doc_node text = doc_text(version);

        for (uint32_t i = 0; i < object->map.count; i++) {
                struct str key = object->map.entries[i].key;

                for (size_t k = 0; k < ELEMENTS(event_names); k++)
                        if (str_eq(key, str_from(event_names[k][!to])))
                                key = str_from(event_names[k][to]);
                doc_map_set(copy, i, key,
                            str_eq(key, STR("apiVersion")) ? &text : &object->map.entries[i].value);
        }
        doc_map_index(arena, copy);
        copy->parent = object->parent;
        copy->index = object->index;
        return kube_decode_as(arena, copy, version, STR("Event"));
}

const struct doc_node *kube_convert(struct arena *arena, const struct doc_node *object,
                                    struct str kind, struct str from, struct str to) {
        bool is_event = str_eq(kind, STR("Event")),
             is_autoscaler = str_eq(kind, STR("HorizontalPodAutoscaler"));

        if (object->kind != DOC_MAP)
                return NULL;
        if (is_event && str_eq(from, STR("v1")) && str_eq(to, STR("events.k8s.io/v1")))
                return rename_event(arena, object, to, 1);
        if (is_event && str_eq(from, STR("events.k8s.io/v1")) && str_eq(to, STR("v1")))
                return rename_event(arena, object, to, 0);
        if (is_autoscaler && str_eq(from, STR("autoscaling/v1")) &&
            str_eq(to, STR("autoscaling/v2")))
                return autoscaler_to_v2(arena, object);
        if (is_autoscaler && str_eq(from, STR("autoscaling/v2")) &&
            str_eq(to, STR("autoscaling/v1")))
                return autoscaler_to_v1(arena, object);
        return NULL;
}
