/*
 * How a simulation is told.
 */
#pragma once

#include "base/buf.h"
#include "scan/simulate.h"

/* For people: what is enforced and what is not, what is hit, who would notice. With ALL every hit,
 * otherwise the first few of each policy. */
void simulation_add_text(struct buf *buf, const struct simulation *simulation, struct str title,
                         bool all);

/* For programs: one JSON object (docs/policy.md). */
void simulation_add_json(struct buf *buf, const struct simulation *simulation);

/* "denied", "warned", "audited". */
const char *simulation_verb(enum policy_action action);
