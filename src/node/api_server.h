/*
 * Files of the API server that take more than reading: what an audit policy records, and what an
 * encryption configuration encrypts. Private to src/node.
 */
#pragma once

#include "node/private.h"

/* What the policy YAML (NULL: none) says to the requests that an investigation needs. Its rules are
 * tried in order, as k8s.io/apiserver/pkg/audit/policy does. */
struct fact *audit_requests(struct node *node, const struct yaml *yaml, struct place place);

/* What is encrypted by the configuration YAML (NULL: none), for secrets, configmaps and every
 * resource that it names: the exact resource before "*.group" before "*.*", of equal ones the
 * first. The first provider writes, all of them read. */
struct fact *encryption_resources(struct node *node, const struct yaml *yaml, struct place place);
