/*
 * Policies as the cluster takes them: what a scan finds, the API server can refuse.
 *
 * A rule of the catalogue is a policy already. What is added: one that is also judged on pod
 * templates gets the workloads among its resources, and its expressions look at the template where
 * the object is no Pod; and a binding that puts it to work. A policy that has bindings keeps them,
 * with other actions and in fewer namespaces; the objects that they choose as params come along,
 * and the CustomResourceDefinitions of those.
 */
#pragma once

#include "base/buf.h"
#include "policy/policy.h"

struct policy_export_options {
        const struct str *actions; /* "Deny", "Warn", "Audit"; not Deny and Warn together */
        size_t action_count;
        struct str namespaces; /* a label selector as kubectl takes it; empty: every namespace */
};

/* Writes the policies of SET as YAML documents in the order in which they have to be applied: what
 * others need comes first. Those that no API server would ask are left out and counted.
 * -EINVAL where OPTIONS are not valid or a policy takes params but no binding says which; -ENOENT
 * where those are not in SET. */
int policy_export(struct buf *buf, struct policy_set *set,
                  const struct policy_export_options *options, size_t *ret_left_out,
                  struct error *error);
