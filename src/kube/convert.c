#include "kube/convert.h"

#include "base/util.h"
#include "doc/edit.h"
#include "kube/autoscaler.h"
#include "kube/decode.h"

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
        return kube_decode_undefaulted(arena, copy, version, STR("Event"));
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
                return kube_autoscaler_to_v2(arena, object);
        if (is_autoscaler && str_eq(from, STR("autoscaling/v2")) &&
            str_eq(to, STR("autoscaling/v1")))
                return kube_autoscaler_to_v1(arena, object);
        return NULL;
}
