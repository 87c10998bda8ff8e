/* The behavior of an autoscaler, which v1 keeps in an annotation. */
#include <ctype.h>

#include "base/util.h"
#include "doc/write.h"
#include "kube/autoscaler.h"

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
                size_t count = value && value->kind == DOC_LIST ? value->list.count : 0;

                buf_printf(json, "%s\"%s\":", i ? "," : "{", fields[i][0]);
                if (!value)
                        buf_add(json, STR("null"));
                else if (value->kind != DOC_LIST)
                        doc_write_json(json, value);
                for (size_t k = 0; k < count; k++)
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
                        buf_add(json, count ? STR("}]") : STR("[]"));
        }
        buf_add_char(json, '}');
}

void kube_behavior_to_v1(struct buf *json, const struct doc_node *behavior) {
        static const char *const directions[][2] = { { "ScaleUp", "scaleUp" },
                                                     { "ScaleDown", "scaleDown" } };

        for (size_t i = 0; i < ELEMENTS(directions); i++) {
                const struct doc_node *rules = doc_get(behavior, str_from(directions[i][1]));

                buf_printf(json, "%s\"%s\":", i ? "," : "{", directions[i][0]);
                if (rules)
                        write_rules(json, rules);
                else
                        buf_add(json, STR("null"));
        }
        buf_add_char(json, '}');
}

/* The names of v2 begin with a small letter. */
const struct doc_node *kube_behavior_to_v2(struct arena *arena, const struct doc_node *node) {
        struct doc_node *copy;

        if (node->kind == DOC_LIST) {
                copy = doc_new_list(arena, node, node->list.count);
                for (uint32_t i = 0; i < node->list.count; i++)
                        copy->list.items[i] = *kube_behavior_to_v2(arena, &node->list.items[i]);
                return copy;
        }
        if (node->kind != DOC_MAP)
                return node;
        copy = doc_new_map(arena, node, node->map.count);
        for (uint32_t i = 0; i < node->map.count; i++) {
                struct str key = arena_str(arena, node->map.entries[i].key);

                if (key.len > 0)
                        *(char *)(uintptr_t)key.ptr = (char)tolower((unsigned char)key.ptr[0]);
                doc_map_set(copy, i, key, kube_behavior_to_v2(arena, &node->map.entries[i].value));
        }
        doc_map_index(arena, copy);
        return copy;
}
