/*
 * Policies as the cluster takes them: what a scan finds, the API server can refuse.
 *
 * A rule of the catalogue is a policy already. What is added: one that is also judged on pod
 * templates gets the workloads among its resources, and its expressions look at the template where
 * the object is no Pod; and a binding that puts it to work.
 */
#pragma once

#include "base/buf.h"
#include "policy/policy.h"

struct policy_export_options {
        enum policy_action action;
        struct str namespaces; /* a label selector as kubectl takes it; empty: every namespace */
};

/* Writes POLICY and its binding as YAML documents. -EINVAL where the selector cannot be read, or
 * the policy takes params (which binding should name them?). */
int policy_export(struct buf *buf, const struct policy *policy,
                  const struct policy_export_options *options, struct error *error);

/* Whether POLICY is about files that no API server serves: the configuration of its components. */
bool policy_is_about_files(const struct policy *policy);
