/*
 * What `redoubt policy check` found out, and how it is written.
 */
#pragma once

#include "cmd/command.h"
#include "policy/typecheck.h"

struct checked_policy {
        const struct policy *policy;
        struct policy_type_warnings types;
};

struct check_result {
        VEC(struct checked_policy) policies;
        VEC(struct error) faults; /* what could not be loaded, in the order of reading */
        size_t warning_count;     /* expressions with type warnings */
};

/* For people: a paragraph for each policy, then its warnings, "FILE:LINE:COLUMN: warning: ..." */
void check_write_text(struct buf *buf, const struct check_result *result);

/* For programs: one object. */
void check_write_json(struct buf *buf, const struct check_result *result);

/* policy_check_cost.c: what each expression of POLICY may cost, as lines, and as a field of an
 * object.
 */
void check_write_costs_text(struct buf *buf, const struct policy *policy);
void check_write_costs_json(struct buf *buf, const struct policy *policy);
