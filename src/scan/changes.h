/*
 * What changed between two lists of findings.
 *
 * A finding whose fingerprint both lists have is as it was. One that is about the same rule, object
 * and place, and says something else ("31 of 31 workloads" instead of 30) has changed: it is paired
 * with the one before it, each with at most one. Of the rest, those of the first list are gone, and
 * those of the second are new.
 */
#pragma once

#include "finding/finding.h"

/* Either may be NULL, not both; the findings are those of the lists. */
struct change {
        const struct finding *before, *after;
};

struct change_list {
        VEC(struct change) items; /* what is gone, then what is new or has changed */
};

/* Frees with vec_free. */
void changes_find(const struct finding_list *before, const struct finding_list *after,
                  struct change_list *ret);
