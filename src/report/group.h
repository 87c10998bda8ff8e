/*
 * Findings grouped by rule, the way people read them: most severe first, then by rule, and within a
 * rule in the order of the list (file, line).
 *
 * Rules are told apart by identity, not by name: two files may each hold a policy of one name.
 */
#pragma once

#include "report/report.h"

struct finding_group {
        const struct rule_info *rule;
        const struct finding **items;
        size_t count;
};

struct finding_groups {
        struct finding_group *groups;
        size_t count;
        const struct finding **items; /* of all groups, in the order of groups */
        size_t total;
};

/* Takes time linear in the findings. Free with finding_groups_free. */
void finding_groups_init(const struct finding_list *list, struct finding_groups *ret);
void finding_groups_free(struct finding_groups *groups);

/* How many findings there are of each kind. */
struct practice_count {
        struct str practice;
        size_t count;
};
struct finding_counts {
        size_t severity[SEVERITY_COUNT];
        VEC(struct practice_count) practices; /* most findings first */
};
void finding_counts_init(const struct finding_groups *groups, struct finding_counts *ret);
void finding_counts_free(struct finding_counts *counts);

/* Whether something that was there was left unjudged. */
bool report_has_gaps(const struct report *report);
