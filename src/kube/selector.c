#include "kube/selector.h"

#include <errno.h>

#include "base/util.h"

static bool contains(const struct doc_node *values, struct str value) {
        if (!values || values->kind != DOC_LIST)
                return false;
        for (uint32_t i = 0; i < values->list.count; i++)
                if (str_eq(doc_string(&values->list.items[i], STR("")), value))
                        return true;
        return false;
}

/* Labels of an object, and one more that wins over one of the same key (none where KEY is empty).
 */
struct labels {
        const struct doc_node *written;
        struct str key;
        struct doc_node value;
};

static const struct doc_node *find_label(const struct labels *labels, struct str key) {
        if (labels->key.len > 0 && str_eq(labels->key, key))
                return &labels->value;
        return doc_get(labels->written, key);
}

static bool expression_holds(const struct doc_node *expression, const struct labels *labels) {
        const struct doc_node *label =
                find_label(labels, doc_string(doc_get(expression, STR("key")), STR("")));
        struct str operator= doc_string(doc_get(expression, STR("operator")), STR(""));
        const struct doc_node *values = doc_get(expression, STR("values"));

        if (str_eq(operator, STR("Exists")))
                return label;
        if (str_eq(operator, STR("DoesNotExist")))
                return !label;
        if (str_eq(operator, STR("In")))
                return label && contains(values, doc_string(label, STR("")));
        if (str_eq(operator, STR("NotIn")))
                return !label || !contains(values, doc_string(label, STR("")));
        return false;
}

static bool matches(const struct doc_node *selector, const struct labels *labels) {
        const struct doc_node *wanted = doc_get(selector, STR("matchLabels"));
        const struct doc_node *expressions = doc_get(selector, STR("matchExpressions"));

        for (uint32_t i = 0; wanted && wanted->kind == DOC_MAP && i < wanted->map.count; i++) {
                const struct doc_entry *entry = &wanted->map.entries[i];
                const struct doc_node *label = find_label(labels, entry->key);

                if (!label ||
                    !str_eq(doc_string(label, STR("")), doc_string(&entry->value, STR(""))))
                        return false;
        }
        for (uint32_t i = 0;
             expressions && expressions->kind == DOC_LIST && i < expressions->list.count; i++)
                if (!expression_holds(&expressions->list.items[i], labels))
                        return false;
        return true;
}

bool kube_selector_matches(const struct doc_node *selector, const struct doc_node *labels) {
        return matches(selector, &(struct labels){ .written = labels });
}

bool kube_selector_matches_with(const struct doc_node *selector, const struct doc_node *labels,
                                struct str key, struct str value) {
        struct labels all = { .written = labels, .key = key };

        doc_set_string(&all.value, value);
        return matches(selector, &all);
}

static int check_expression(const struct doc_node *expression, struct error *error) {
        static const char *const operators[] = { "In", "NotIn", "Exists", "DoesNotExist" };
        struct str operator= doc_string(doc_get(expression, STR("operator")), STR(""));
        const struct doc_node *values = doc_get(expression, STR("values"));
        size_t count = values && values->kind == DOC_LIST ? values->list.count : 0;

        for (size_t i = 0; i < ELEMENTS(operators); i++) {
                if (!str_eq(operator, str_from(operators[i])))
                        continue;
                if ((i < 2) != (count > 0))
                        return error_set_at(error, -EINVAL, expression->start.line,
                                            expression->start.column,
                                            i < 2 ? "label selector operator %s needs values"
                                                  : "label selector operator %s takes no values",
                                            operators[i]);
                return 0;
        }
        return error_set_at(
                error, -EINVAL, expression->start.line, expression->start.column,
                "\"%.*s\" is not a valid label selector operator (In, NotIn, Exists, DoesNotExist)",
                STR_ARG(operator));
}

int kube_selector_check(const struct doc_node *selector, struct error *error) {
        const struct doc_node *expressions = doc_get(selector, STR("matchExpressions"));
        int r;

        if (selector->kind != DOC_MAP)
                return error_set_at(error, -EINVAL, selector->start.line, selector->start.column,
                                    "a label selector must be a map, not a %s",
                                    doc_kind_name(selector->kind));
        for (uint32_t i = 0;
             expressions && expressions->kind == DOC_LIST && i < expressions->list.count; i++) {
                r = check_expression(&expressions->list.items[i], error);
                if (r < 0)
                        return r;
        }
        return 0;
}
