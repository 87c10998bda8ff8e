#include "report/group.h"

#include "base/map.h"

/* The map's keys are the bytes of the pointers to the rules. */
static struct str rule_key(const struct finding *finding) {
        return (struct str){ (const char *)&finding->rule, sizeof finding->rule };
}

static int compare_groups(const void *left, const void *right) {
        const struct finding_group *a = left, *b = right;
        int r;

        if (a->rule->severity != b->rule->severity)
                return a->rule->severity > b->rule->severity ? -1 : 1;
        r = str_cmp(a->rule->id, b->rule->id);
        if (r == 0)
                r = str_cmp(a->rule->source, b->rule->source);
        if (r == 0) /* the list is sorted, so the address tells which was found first */
                r = a->items[0] < b->items[0] ? -1 : 1;
        return r;
}

/* The groups in order of appearance, with their counts. The map's values are index + 1. */
static void count_groups(const struct finding_list *list, struct map *map,
                         struct finding_groups *groups) {
        VEC(struct finding_group) found = { 0 };

        for (size_t i = 0; i < list->findings.count; i++) {
                const struct finding *finding = &list->findings.items[i];
                struct map_entry *entry = map_put(map, rule_key(finding));

                if (!entry->value) {
                        vec_push(&found)->rule = finding->rule;
                        entry->value = (void *)(uintptr_t)found.count;
                }
                found.items[(uintptr_t)entry->value - 1].count++;
        }
        groups->groups = found.items;
        groups->count = found.count;
}

void finding_groups_init(const struct finding_list *list, struct finding_groups *ret) {
        struct map map _cleanup_(map_free) = MAP_INIT;
        struct finding_groups groups = { .total = list->findings.count };
        const struct finding **next, **spare;

        count_groups(list, &map, &groups);
        spare = next = xrealloc(NULL, groups.total, sizeof *spare);
        for (size_t i = 0; i < groups.count; i++) {
                groups.groups[i].items = next;
                next += groups.groups[i].count;
                groups.groups[i].count = 0;
        }
        for (size_t i = 0; i < groups.total; i++) {
                const struct finding *finding = &list->findings.items[i];
                struct finding_group *group =
                        &groups.groups[(uintptr_t)map_get(&map, rule_key(finding)) - 1];

                group->items[group->count++] = finding;
        }
        if (groups.count > 1)
                qsort(groups.groups, groups.count, sizeof *groups.groups, compare_groups);

        groups.items = next = xrealloc(NULL, groups.total, sizeof *next);
        for (size_t i = 0; i < groups.count; i++) {
                memcpy(next, groups.groups[i].items, groups.groups[i].count * sizeof *next);
                groups.groups[i].items = next;
                next += groups.groups[i].count;
        }
        free(spare);
        *ret = groups;
}

void finding_groups_free(struct finding_groups *groups) {
        free(groups->groups);
        free(groups->items);
        *groups = (struct finding_groups){ 0 };
}

static int compare_practices(const void *left, const void *right) {
        const struct practice_count *a = left, *b = right;

        if (a->count != b->count)
                return a->count > b->count ? -1 : 1;
        return str_cmp(a->practice, b->practice);
}

void finding_counts_init(const struct finding_groups *groups, struct finding_counts *ret) {
        struct map map _cleanup_(map_free) = MAP_INIT;
        struct finding_counts counts = { 0 };

        for (size_t i = 0; i < groups->count; i++) {
                const struct finding_group *group = &groups->groups[i];
                struct str practice =
                        group->rule->practice.len > 0 ? group->rule->practice : STR("other");
                struct map_entry *entry = map_put(&map, practice);

                if (!entry->value) {
                        vec_push(&counts.practices)->practice = practice;
                        entry->value = (void *)(uintptr_t)counts.practices.count;
                }
                counts.practices.items[(uintptr_t)entry->value - 1].count += group->count;
                counts.severity[group->rule->severity] += group->count;
        }
        if (counts.practices.count > 1)
                qsort(counts.practices.items, counts.practices.count,
                      sizeof *counts.practices.items, compare_practices);
        *ret = counts;
}

void finding_counts_free(struct finding_counts *counts) {
        vec_free(&counts->practices);
}

bool report_has_gaps(const struct report *report) {
        if (report->coverage.not_judged > 0)
                return true;
        for (size_t i = 0; i < report->list->diagnostics.count; i++)
                if (report->list->diagnostics.items[i].incomplete)
                        return true;
        return false;
}

bool report_incomplete(const struct report *report) {
        return report_has_gaps(report) || report->coverage.objects == 0 ||
               report->coverage.rules == 0;
}
