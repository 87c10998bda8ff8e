/*
 * aggregationRule, as pkg/controller/clusterroleaggregation of Kubernetes fills it in: a
 * ClusterRole with selectors gets the rules of all others that they select. What is selected may
 * aggregate in turn (admin selects edit, which selects view), so the rules are those of all roles
 * that can be reached and do not aggregate themselves.
 */
#include "base/util.h"
#include "kube/selector.h"
#include "rbac/private.h"

/* Every role could select every other: the work is bounded. */
enum { AGGREGATION_LIMIT = 20 * 1000 * 1000 };

struct role_list {
        struct rbac_role **items;
        size_t count, capacity;
};

struct selection {
        struct rbac_role *role; /* it aggregates */
        struct role_list selected;
};

struct aggregator {
        struct rbac_index *index;
        struct map selections; /* name -> struct selection */
        struct arena arena;
};

static bool spend(struct rbac_index *index, uint64_t work) {
        index->aggregation_work += work;
        return index->aggregation_work <= AGGREGATION_LIMIT;
}

static bool selects(const struct rbac_role *role, const struct rbac_role *other) {
        for (uint32_t i = 0; i < role->selectors->list.count; i++)
                if (kube_selector_matches(&role->selectors->list.items[i], other->labels))
                        return true;
        return false;
}

static void find_selected(struct aggregator *aggregator, struct rbac_role *role) {
        struct rbac_index *index = aggregator->index;
        struct selection *selection = arena_new(&aggregator->arena, struct selection);

        selection->role = role;
        for (size_t i = 0; i < index->all_roles.count; i++) {
                struct rbac_role *other = index->all_roles.items[i];

                if (!spend(index, role->selectors->list.count))
                        return;
                if (other->cluster && !other->replaced && other != role && selects(role, other))
                        *vec_push_in(&aggregator->arena, &selection->selected) = other;
        }
        if (selection->selected.count > 0)
                map_put(&aggregator->selections, role->name)->value = selection;
}

static int compare_roles(const void *a, const void *b) {
        const struct rbac_role *const *left = a, *const *right = b;

        return str_cmp((*left)->name, (*right)->name);
}

/* The roles with rules of their own that can be reached from SELECTION. */
static bool collect(struct aggregator *aggregator, const struct selection *selection,
                    struct role_list *ret) {
        struct role_list open = { 0 };

        aggregator->index->stamp++;
        *vec_push_in(&aggregator->arena, &open) = selection->role;
        selection->role->stamp = aggregator->index->stamp;
        while (open.count > 0) {
                struct rbac_role *role = open.items[--open.count];
                const struct selection *more = map_get(&aggregator->selections, role->name);

                if (!more) {
                        *vec_push_in(&aggregator->arena, ret) = role;
                        continue;
                }
                for (size_t i = 0; i < more->selected.count; i++) {
                        struct rbac_role *next = more->selected.items[i];

                        if (!spend(aggregator->index, 1))
                                return false;
                        if (next->stamp == aggregator->index->stamp)
                                continue;
                        next->stamp = aggregator->index->stamp;
                        *vec_push_in(&aggregator->arena, &open) = next;
                }
        }
        qsort(ret->items, ret->count, sizeof *ret->items, compare_roles);
        return true;
}

static void join_rules(struct aggregator *aggregator, const struct selection *selection) {
        struct role_list leaves = { 0 };
        struct rbac_role *role = selection->role;
        size_t count = 0;

        if (!collect(aggregator, selection, &leaves))
                return;
        for (size_t i = 0; i < leaves.count; i++)
                count += leaves.items[i]->own_count;
        if (!spend(aggregator->index, count))
                return;
        role->rules = arena_new_array(&aggregator->index->arena, count, const struct rbac_rule *);
        role->rule_count = 0;
        for (size_t i = 0; i < leaves.count; i++)
                for (size_t k = 0; k < leaves.items[i]->own_count; k++)
                        role->rules[role->rule_count++] = &leaves.items[i]->own[k];
}

void rbac_aggregate(struct rbac_index *index) {
        struct aggregator aggregator = { .index = index };

        for (size_t i = 0; i < index->all_roles.count; i++)
                if (index->all_roles.items[i]->selectors && !index->all_roles.items[i]->replaced)
                        find_selected(&aggregator, index->all_roles.items[i]);
        for (size_t i = 0; i < aggregator.selections.count; i++) {
                struct arena_mark mark = arena_mark(&aggregator.arena);

                join_rules(&aggregator, aggregator.selections.entries[i].value);
                arena_rewind(&aggregator.arena, mark);
        }
        if (!spend(index, 0))
                rbac_problem(
                        index, &(struct rbac_place){ 0 }, true,
                        "ClusterRoles aggregate each other too often; some have too few rules");
        map_free(&aggregator.selections);
        arena_free(&aggregator.arena);
}
