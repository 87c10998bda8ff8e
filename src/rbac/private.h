/*
 * What the files of this module share. Private to src/rbac.
 */
#pragma once

#include "rbac/rbac.h"

/* aggregate.c: puts the rules in force of every role into place. */
void rbac_aggregate(struct rbac_index *index);

/* Adds a diagnostic about the object at PLACE. */
void rbac_problem(struct rbac_index *index, const struct rbac_place *place, bool incomplete,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The roles and bindings of rbac_index_add_defaults, as a List in JSON. */
extern const char rbac_defaults_json[];
