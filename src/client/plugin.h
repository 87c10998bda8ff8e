/*
 * Exec plugins: programs that print credentials (KEP-541, client.authentication.k8s.io).
 *
 * A plugin is started by its own name and arguments, without a shell, with the environment of this
 * process and what the kubeconfig adds. What it prints on standard output is read, bounded in size
 * and time; its standard error is the user's.
 */
#pragma once

#include "client/kubeconfig.h"

/* Runs the exec plugin of CONFIG and fills in the credentials that it prints. They stay in force
 * until *RET_EXPIRY, in seconds since 1970. */
int plugin_run(struct arena *arena, struct kubeconfig *config, int64_t *ret_expiry,
               struct error *error);
