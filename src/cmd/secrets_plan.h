/*
 * A plan of `redoubt secrets rotate-plan` in a folder: plan.json, which has no key, and beside it
 * the configuration files that it names.
 */
#pragma once

#include "cmd/command.h"
#include "etcd/rotation.h"

#define SECRETS_PLAN_FILE "plan.json"

/* Appends PLAN as JSON, with the time MADE, in seconds since 1970, unless it is 0. */
void secrets_add_plan(struct buf *buf, const struct rotation *plan, int64_t made);

/* Reads the plan of FOLDER, with its configurations. */
int secrets_read_plan(struct arena *arena, const char *folder, struct rotation *ret,
                      int64_t *ret_made_ms, struct error *error);
