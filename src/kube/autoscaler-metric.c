/* The metrics of an autoscaler: v2 nests what the annotations of v1 have side by side. */
#include <stdlib.h>

#include "base/quantity.h"
#include "base/util.h"
#include "doc/edit.h"
#include "kube/autoscaler.h"
#include "kube/maker.h"

/* What the source of a metric says. */
enum part {
        PART_NAME,        /* v2: name, or metric.name */
        PART_SELECTOR,    /* v2: metric.selector */
        PART_VALUE,       /* v2: target.value, current.value */
        PART_AVERAGE,     /* v2: target.averageValue, current.averageValue */
        PART_UTILIZATION, /* v2: target.averageUtilization, current.averageUtilization */
        PART_DESCRIBED,   /* v2: describedObject */
        PART_CONTAINER    /* v2: container */
};

enum { PARTS_MAX = 5 };

struct field {
        const char *v1; /* NULL ends the list */
        enum part part;
        bool always; /* a quantity that is there, be it 0 */
};

/* Each source in the order of the fields of Go, and so are the fields of v1: of the spec, and of
 * the status. */
static const struct source {
        const char *name;
        bool has_metric; /* v2 has name and selector in `metric` */
        struct field fields[2][PARTS_MAX + 1];
} sources[] = {
        { "object",
          true,
          { { { "target", PART_DESCRIBED, false },
              { "metricName", PART_NAME, false },
              { "targetValue", PART_VALUE, true },
              { "selector", PART_SELECTOR, false },
              { "averageValue", PART_AVERAGE, false } },
            { { "target", PART_DESCRIBED, false },
              { "metricName", PART_NAME, false },
              { "currentValue", PART_VALUE, true },
              { "selector", PART_SELECTOR, false },
              { "averageValue", PART_AVERAGE, false } } } },
        { "pods",
          true,
          { { { "metricName", PART_NAME, false },
              { "targetAverageValue", PART_AVERAGE, true },
              { "selector", PART_SELECTOR, false } },
            { { "metricName", PART_NAME, false },
              { "currentAverageValue", PART_AVERAGE, true },
              { "selector", PART_SELECTOR, false } } } },
        { "resource",
          false,
          { { { "name", PART_NAME, false },
              { "targetAverageUtilization", PART_UTILIZATION, false },
              { "targetAverageValue", PART_AVERAGE, false } },
            { { "name", PART_NAME, false },
              { "currentAverageUtilization", PART_UTILIZATION, false },
              { "currentAverageValue", PART_AVERAGE, true } } } },
        { "containerResource",
          false,
          { { { "name", PART_NAME, false },
              { "targetAverageUtilization", PART_UTILIZATION, false },
              { "targetAverageValue", PART_AVERAGE, false },
              { "container", PART_CONTAINER, false } },
            { { "name", PART_NAME, false },
              { "currentAverageUtilization", PART_UTILIZATION, false },
              { "currentAverageValue", PART_AVERAGE, true },
              { "container", PART_CONTAINER, false } } } },
        { "external",
          true,
          { { { "metricName", PART_NAME, false },
              { "metricSelector", PART_SELECTOR, false },
              { "targetValue", PART_VALUE, false },
              { "targetAverageValue", PART_AVERAGE, false } },
            { { "metricName", PART_NAME, false },
              { "metricSelector", PART_SELECTOR, false },
              { "currentValue", PART_VALUE, true },
              { "currentAverageValue", PART_AVERAGE, false } } } },
};

static bool is_set(const struct doc_node *node) {
        return node && node->kind != DOC_NULL;
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
                maker_add(&m, "matchLabels", sorted);
        }
        maker_copy(&m, "matchExpressions", selector);
        return maker_done(&m);
}

static const struct doc_node *ordered_reference(struct arena *arena, const struct doc_node *from) {
        struct maker m = maker_new(arena, from);

        maker_copy(&m, "kind", from);
        maker_copy(&m, "name", from);
        maker_copy(&m, "apiVersion", from);
        return maker_done(&m);
}

/* The map of v2 with the quantities. */
static const char *quantities(enum autoscaler_side side) {
        return side == AUTOSCALER_SPEC ? "target" : "current";
}

/* --- to v1 --- */

/* PART of SOURCE, which is of v2. */
static const struct doc_node *part_of(struct arena *arena, const struct source *source,
                                      const struct doc_node *node, enum autoscaler_side side,
                                      enum part part) {
        const struct doc_node *metric = source->has_metric ? doc_get(node, STR("metric")) : node;
        const struct doc_node *target = doc_get(node, str_from(quantities(side)));

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
                return ordered_reference(arena, doc_get(node, STR("describedObject")));
        case PART_CONTAINER:
                return doc_get(node, STR("container"));
        }
        return NULL;
}

const struct doc_node *kube_metric_to_v1(struct arena *arena, const struct doc_node *metric,
                                         enum autoscaler_side side) {
        struct maker m = maker_new(arena, metric);
        struct doc_node zero = doc_text(STR("0"));

        maker_copy(&m, "type", metric);
        for (size_t i = 0; i < ELEMENTS(sources); i++) {
                const struct doc_node *node = doc_get(metric, str_from(sources[i].name));
                struct maker inner;

                if (!is_set(node))
                        continue;
                inner = maker_new(arena, node);
                for (const struct field *field = sources[i].fields[side]; field->v1; field++) {
                        const struct doc_node *value =
                                part_of(arena, &sources[i], node, side, field->part);

                        maker_add(&inner, field->v1,
                                  is_set(value) || !field->always ? value : &zero);
                }
                maker_add(&m, sources[i].name, maker_done(&inner));
        }
        return maker_done(&m);
}

/* --- to v2 --- */

static bool is_zero(struct arena *arena, const struct doc_node *node) {
        struct quantity quantity;

        if (node->kind == DOC_STRING)
                return quantity_parse(arena, str_trim(node->string), &quantity, NULL) >= 0 &&
                       quantity_sign(&quantity) == 0;
        return node->kind == DOC_INT ? node->integer == 0
                                     : node->kind == DOC_DOUBLE && node->number == 0;
}

/* How v2 calls what NODE, of v1, is measured by. */
static const char *target_type(const struct source *source, const struct doc_node *node) {
        bool averages = false;

        if (!source->has_metric)
                return is_set(doc_get(node, STR("targetAverageUtilization"))) ? "Utilization"
                                                                              : "AverageValue";
        for (const struct field *field = source->fields[AUTOSCALER_SPEC]; field->v1; field++) {
                bool set = is_set(doc_get(node, str_from(field->v1)));

                if (field->part == PART_AVERAGE && (set || field->always))
                        averages = true;
                if (field->part == PART_VALUE && !field->always)
                        return set ? "Value" : "AverageValue";
        }
        return averages ? "AverageValue" : "Value";
}

/* The value of FIELD in NODE, of v1. What an object is to have on the average may come with a value
 * that v1 could not leave out. */
static const struct doc_node *value_of(struct arena *arena, const struct doc_node *node,
                                       const struct field *field, enum autoscaler_side side) {
        static const struct doc_node zero = { .kind = DOC_STRING,
                                              .flags = DOC_SYNTHETIC,
                                              .string = STR_INIT("0") };
        const struct doc_node *value = doc_get(node, str_from(field->v1));

        if (!field->always)
                return value;
        if (!is_set(value))
                value = &zero;
        if (side == AUTOSCALER_SPEC && field->part == PART_VALUE &&
            is_set(doc_get(node, STR("averageValue"))) && is_zero(arena, value))
                return NULL;
        return value;
}

static const struct doc_node *source_to_v2(struct arena *arena, const struct source *source,
                                           const struct doc_node *node, enum autoscaler_side side) {
        static const char *const keys[] = {
                [PART_NAME] = "name",
                [PART_SELECTOR] = "selector",
                [PART_VALUE] = "value",
                [PART_AVERAGE] = "averageValue",
                [PART_UTILIZATION] = "averageUtilization",
                [PART_DESCRIBED] = "describedObject",
                [PART_CONTAINER] = "container",
        };
        struct maker inner = maker_new(arena, node), target = maker_new(arena, node),
                     metric = maker_new(arena, node);

        if (node->kind != DOC_MAP)
                return node;
        if (side == AUTOSCALER_SPEC)
                maker_add_text(&target, "type", str_from(target_type(source, node)));
        for (const struct field *field = source->fields[side]; field->v1; field++) {
                enum part part = field->part;
                bool of_metric = part == PART_NAME || part == PART_SELECTOR;
                bool of_target =
                        part == PART_VALUE || part == PART_AVERAGE || part == PART_UTILIZATION;

                maker_add(of_target                         ? &target
                          : of_metric && source->has_metric ? &metric
                                                            : &inner,
                          keys[part], value_of(arena, node, field, side));
        }
        if (source->has_metric)
                maker_add(&inner, "metric", maker_done(&metric));
        maker_add(&inner, quantities(side), maker_done(&target));
        return maker_done(&inner);
}

const struct doc_node *kube_metric_to_v2(struct arena *arena, const struct doc_node *metric,
                                         enum autoscaler_side side) {
        struct maker m = maker_new(arena, metric);

        if (metric->kind != DOC_MAP)
                return metric;
        maker_copy(&m, "type", metric);
        for (size_t i = 0; i < ELEMENTS(sources); i++) {
                const struct doc_node *node = doc_get(metric, str_from(sources[i].name));

                if (is_set(node))
                        maker_add(&m, sources[i].name,
                                  source_to_v2(arena, &sources[i], node, side));
        }
        return maker_done(&m);
}
