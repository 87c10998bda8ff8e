/* CEL functions over AttackSurface documents (graph/surface.h). */
#include "base/util.h"
#include "cel/value.h"
#include "graph/surface.h"

enum { NO_PATH = 1000000 };

/* The list KEY of SURFACE, or an error where it is no AttackSurface. */
static struct cel_value list_of(struct cel_context *context, const struct cel_value *surface,
                                struct str key, const struct doc_node **ret) {
        const struct doc_node *node = NULL;

        if (surface->kind == CEL_MAP && surface->representation == CEL_DOC)
                node = doc_get(surface->doc, key);
        if (!node || node->kind != DOC_LIST)
                return cel_no_such_overload(context, STR("graph"), surface, 1);
        *ret = node;
        return cel_bool(true);
}

static bool leads_to(const struct doc_node *path, struct str target) {
        return str_eq(doc_string(doc_get(path, STR("target")), STR("")), target);
}

static struct cel_value paths(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        struct cel_list *list = arena_new(context->scratch, struct cel_list);
        const struct doc_node *all = NULL;
        struct cel_value value = list_of(context, &args[0], STR("paths"), &all), *items;

        if (value.kind == CEL_ERROR)
                return value;
        items = arena_new_array(context->scratch, all->list.count, struct cel_value);
        for (uint32_t i = 0; i < all->list.count && cel_charge(context, 1); i++)
                if (leads_to(&all->list.items[i], args[1].string))
                        items[list->count++] = cel_from_doc(&all->list.items[i]);
        list->items = items;
        return (struct cel_value){ .kind = CEL_LIST, .node = all, .list = list };
}

static struct cel_value steps(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        const struct doc_node *all = NULL;
        struct cel_value value = list_of(context, &args[0], STR("paths"), &all);
        int64_t least = NO_PATH;

        if (value.kind == CEL_ERROR)
                return value;
        for (uint32_t i = 0; i < all->list.count && cel_charge(context, 1); i++) {
                const struct doc_node *number = doc_get(&all->list.items[i], STR("steps"));

                if (leads_to(&all->list.items[i], args[1].string) && number &&
                    number->kind == DOC_INT)
                        least = MIN(least, number->integer);
        }
        return cel_int(least);
}

static struct cel_value reaches(struct cel_context *context, const struct cel_value *args,
                                size_t count) {
        struct cel_value value = steps(context, args, count);

        return value.kind == CEL_ERROR ? value : cel_bool(value.integer < NO_PATH);
}

static struct cel_value neighbours(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        const struct doc_node *all = NULL;
        struct cel_value value = list_of(context, &args[0], STR("neighbours"), &all);

        return value.kind == CEL_ERROR ? value : cel_from_doc(all);
}

static const struct cel_function_row rows[] = {
        { .signature = "graph.paths(dyn, string) list(dyn)", .call = paths },
        { .signature = "graph.reaches(dyn, string) bool", .call = reaches },
        { .signature = "graph.steps(dyn, string) int", .call = steps },
        { .signature = "graph.neighbours(dyn) list(dyn)", .call = neighbours },
};

const struct cel_library graph_library = { .name = "graph", .rows = rows, .count = ELEMENTS(rows) };
