/* Words, labels and label selectors as numbers. */
#include "base/buf.h"
#include "base/util.h"
#include "kube/selector.h"
#include "net/private.h"

uint32_t net_word(struct net_index *index, struct str text) {
        struct map_entry *entry;
        uint32_t number = (uint32_t)(uintptr_t)map_get(&index->words, text);

        if (number > 0 || text.len == 0)
                return number;
        text = arena_str(&index->arena, text);
        entry = map_put(&index->words, text);
        number = (uint32_t)index->word_text.count;
        entry->value = (void *)(uintptr_t)number;
        *vec_push(&index->word_text) = text;
        return number;
}

struct str net_kept(struct net_index *index, struct str text) {
        uint32_t word = net_word(index, text);

        return index->word_text.items[word];
}

static int compare_labels(const void *a, const void *b) {
        const struct net_label *left = a, *right = b;

        if (left->key != right->key)
                return left->key < right->key ? -1 : 1;
        return 0;
}

void net_read_labels(struct net_index *index, const struct doc_node *node, struct net_labels *ret) {
        *ret = (struct net_labels){ 0 };
        if (!node || node->kind != DOC_MAP)
                return;
        ret->items = arena_new_array(&index->arena, node->map.count, struct net_label);
        for (uint32_t i = 0; i < node->map.count; i++)
                ret->items[ret->count++] = (struct net_label){
                        net_word(index, node->map.entries[i].key),
                        net_word(index, doc_string(&node->map.entries[i].value, STR("")))
                };
        if (ret->count > 1)
                qsort(ret->items, ret->count, sizeof *ret->items, compare_labels);
}

const uint32_t *net_label_find(const struct net_labels *labels, uint32_t key) {
        for (uint32_t i = 0; i < labels->count; i++)
                if (labels->items[i].key == key)
                        return &labels->items[i].value;
        return NULL;
}

static bool holds(const struct net_requirement *requirement, const struct net_labels *labels) {
        const uint32_t *value = net_label_find(labels, requirement->key);
        bool in = false;

        if (requirement->operator== NET_EXISTS)
                return value;
        if (requirement->operator== NET_DOES_NOT_EXIST)
                return !value;
        for (uint32_t i = 0; value && i < requirement->value_count && !in; i++)
                in = requirement->values[i] == *value;
        return requirement->operator== NET_IN ? in : !in;
}

bool net_selector_matches(const struct net_selector *selector, const struct net_labels *labels) {
        for (uint32_t i = 0; i < selector->count; i++)
                if (!holds(&selector->items[i], labels))
                        return false;
        return true;
}

/* --- reading --- */

static const char *const operators[] = { "In", "NotIn", "Exists", "DoesNotExist" };

static void read_label(struct net_index *index, const struct doc_entry *entry, struct buf *text,
                       struct net_requirement *ret) {
        struct str value = doc_string(&entry->value, STR(""));

        ret->key = net_word(index, entry->key);
        ret->operator= NET_IN;
        ret->values = arena_new(&index->arena, uint32_t);
        ret->values[0] = net_word(index, value);
        ret->value_count = 1;
        buf_printf(text, "%.*s=%.*s", STR_ARG(entry->key), STR_ARG(value));
}

static void read_expression(struct net_index *index, const struct doc_node *node, struct buf *text,
                            struct net_requirement *ret) {
        struct str key = doc_string(doc_get(node, STR("key")), STR(""));
        struct str operator= doc_string(doc_get(node, STR("operator")), STR(""));
        const struct doc_node *values = doc_get(node, STR("values"));
        uint32_t count = values && values->kind == DOC_LIST ? values->list.count : 0;

        ret->key = net_word(index, key);
        for (size_t i = 0; i < ELEMENTS(operators); i++)
                if (str_eq(operator, str_from(operators[i])))
                        ret->operator=(enum net_operator) i;
        ret->values = arena_new_array(&index->arena, count, uint32_t);
        if (ret->operator>= NET_EXISTS) {
                buf_printf(text, "%s%.*s", ret->operator== NET_EXISTS ? "" : "!", STR_ARG(key));
                return;
        }
        buf_printf(text, "%.*s %s (", STR_ARG(key), ret->operator== NET_IN ? "in" : "not in");
        for (uint32_t i = 0; i < count; i++) {
                struct str value = doc_string(&values->list.items[i], STR(""));

                ret->values[ret->value_count++] = net_word(index, value);
                buf_printf(text, "%s%.*s", i ? ", " : "", STR_ARG(value));
        }
        buf_add_char(text, ')');
}

static bool is_list_of_maps(const struct doc_node *node) {
        if (net_absent(node))
                return true;
        if (node->kind != DOC_LIST)
                return false;
        for (uint32_t i = 0; i < node->list.count; i++)
                if (node->list.items[i].kind != DOC_MAP)
                        return false;
        return true;
}

static bool check(struct net_reader *reader, const struct doc_node *node) {
        const struct doc_node *labels = doc_get(node, STR("matchLabels"));
        struct error error;

        if (kube_selector_check(node, &error) < 0)
                net_refuse(reader, node, "%s", error.message);
        else if (!net_absent(labels) && labels->kind != DOC_MAP)
                net_refuse(reader, labels, "matchLabels must be a map");
        else if (!is_list_of_maps(doc_get(node, STR("matchExpressions"))))
                net_refuse(reader, node, "matchExpressions must be a list of maps");
        else
                return true;
        return false;
}

bool net_read_selector(struct net_reader *reader, const struct doc_node *node,
                       struct net_selector *ret) {
        struct buf text _cleanup_(buf_free) = BUF_INIT, shown _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *labels = doc_get(node, STR("matchLabels"));
        const struct doc_node *expressions = doc_get(node, STR("matchExpressions"));
        struct arena *arena = &reader->index->arena;
        uint32_t label_count, count;

        *ret = (struct net_selector){ 0 };
        if (net_absent(node))
                return true;
        if (!check(reader, node))
                return false;
        label_count = net_absent(labels) ? 0 : labels->map.count;
        count = net_absent(expressions) ? 0 : expressions->list.count;
        ret->present = true;
        ret->pos = node->start;
        ret->items = arena_new_array(arena, label_count + count, struct net_requirement);
        for (uint32_t i = 0; i < label_count + count; i++) {
                buf_add(&text, i ? STR(",") : STR(""));
                if (i < label_count)
                        read_label(reader->index, &labels->map.entries[i], &text,
                                   &ret->items[ret->count++]);
                else
                        read_expression(reader->index, &expressions->list.items[i - label_count],
                                        &text, &ret->items[ret->count++]);
        }
        buf_add_terminal(&shown, buf_str(&text));
        ret->text = arena_str(arena, buf_str(&shown));
        return true;
}
