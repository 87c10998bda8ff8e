/*
 * What mutating policies make of an object before anything judges it
 * (k8s.io/apiserver/pkg/admission/plugin/policy/mutating).
 *
 * The policies come in the order of their names (the server's order is random), each once for each
 * binding that matches and each of the params that it chooses; each of its mutations sees what
 * those before it made. After each the object is decoded and gets its defaults again. When all have
 * run and something was changed, those whose reinvocationPolicy is IfNeeded run once more.
 *
 * A policy without bindings does nothing in the cluster; here it is applied everywhere, so that it
 * can be tried.
 */
#pragma once

#include "policy/policy.h"

struct policy_mutated {
        const struct doc_node *object; /* after the policies; with them all refused, as it was */
        bool matched;                  /* some policy was about the object */
        bool denied;
        struct str message, reason; /* of the refusal */
        int code;
};

/* Lets the mutating policies of SET change the object of SUBJECT, into ARENA. */
void policy_mutate(const struct policy_set *set, const struct policy_subject *subject,
                   struct arena *arena, struct policy_mutated *ret);
