/*
 * Roles narrowed to what was used of them, by audit logs (rbac/unused.h).
 */
#pragma once

#include "fix/fix.h"

/* A fix_provider's `start` and `stop`: what was used of the roles of the input; NULL where no log
 * tells. */
void *rbac_usages_new(const struct fix_input *input);
void *rbac_usages_free(void *usages);

/* Changes RULE, an item of the rules of TARGET's role, so that it allows what was used of it; it is
 * removed where nothing was. Refuses where the log does not say. */
void rbac_narrow(const void *usages, struct fix *fix, const struct fix_target *target,
                 const struct doc_node *rule);
