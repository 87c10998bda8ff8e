/*
 * Exceptions: findings that somebody has accepted, and why.
 *
 *     apiVersion: redoubt.io/v1
 *     kind: Exceptions
 *     exceptions:
 *       - rules: [pods/host-path, runtime]      # ids or practices
 *         namespaces: [monitoring]
 *         workloads: [DaemonSet/agent]          # or any other KIND/NAME
 *         reason: the agent reads the logs of the node
 *         until: "2027-06-30"                   # the last day; absent: for ever
 *
 * Without namespaces it holds in all of them, without workloads for every object; one of the two is
 * needed. An exception is a condition in CEL, so it means the same to a scan and to an API server:
 * `policy export` makes it a match condition of the policy. What a workload makes is excepted with
 * it: in the cluster only where the cluster's own controllers make it, or where an update leaves
 * its spec alone, for anybody can claim an owner.
 */
#pragma once

#include "policy/policy.h"

struct policy_exception {
        struct str *rules, *namespaces, *workloads;
        size_t rule_count, namespace_count, workload_count;
        struct str reason, until;
        struct policy *scanned; /* applies where there is no exception, as a scan sees it */
};

struct policy_exceptions {
        struct policy_set set; /* of the conditions */
};

/* Reads the exceptions of SOURCE, which has to live as long as SET, and attaches them to the
 * policies of SET that they name. Those whose last day is before TODAY ("2026-11-22") are counted
 * in RET_EXPIRED and left out. -EINVAL with its place for what is malformed, -ENOENT for a rule
 * that is not in SET. */
int policy_except(struct policy_set *set, const struct doc_source *source, struct str today,
                  size_t *ret_expired, struct error *error);

/* Whether an exception of POLICY holds for SUBJECT: the object that was submitted, not a pod made
 * from its template. */
bool policy_is_excepted(const struct policy *policy, const struct policy_subject *subject,
                        struct arena *scratch);

/* The match condition that keeps POLICY from what is excepted in a cluster; empty where nothing is.
 */
struct str policy_exception_condition(const struct policy *policy, struct arena *arena);

void policy_exceptions_free(struct policy_exceptions *exceptions);
