/*
 * What was judged, rule by rule: how often a rule matched, how often it was judged, what could not
 * be, and what it looked at. Needed only where a report says something about items on which nothing
 * was found; then all workers share one tally.
 *
 * What a rule looked at is its variable `evidence`: a list of settings ({value, source, place}),
 * files ({path, mode, owner, group}) or other maps with a `place`, as in the facts of a node
 * (docs/node-facts.md), or of texts.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/vec.h"
#include "cel/value.h"
#include "policy/policy.h"
#include "report/controls.h"

struct tally_rule {
        atomic_size_t matched; /* objects of its kinds */
        atomic_size_t applied; /* of those, the ones that its conditions left */
        size_t unknown;        /* of those, the ones that could not be judged */
        struct str why;        /* of the first of them */
        struct control_evidence *evidence;
        size_t evidence_count, capacity;
        size_t more; /* evidence beyond the limit */
};

struct tally {
        pthread_mutex_t lock; /* held for all but the atomic counters */
        struct arena arena;
        struct tally_rule *rules; /* by policy->number */
        size_t count;
};

void tally_init(struct tally *tally, const struct policy_set *set);
void tally_free(struct tally *tally);

/* Counts that POLICY was asked about an object, and how it went: WATCH, and why the first
 * expression that failed did (NULL: none failed). */
void tally_add(struct tally *tally, const struct policy *policy, const struct policy_watch *watch,
               const struct str *failure);

/* Makes of TALLY and LIST what there is to say about the COUNT FRAMEWORKS (as --framework names
 * them), in the arena of LIST. */
struct control_report *controls_conclude(const struct policy_set *set, struct tally *tally,
                                         struct finding_list *list, const struct str *frameworks,
                                         size_t count, size_t *ret_count);
