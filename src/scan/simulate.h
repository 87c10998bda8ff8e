/*
 * Simulating a cluster's admission: what its ValidatingAdmissionPolicies do to what is in it.
 *
 *     objects of a cluster ──► policies and bindings among them ──► what is enforced, what is not
 *            │                          + those about to be applied
 *            └──► each object as a CREATE and as an UPDATE ──► what is denied, warned of, audited
 *
 * The input is what `kubectl get -o yaml` writes: files now, whatever yields objects later. The
 * answer is about today's objects: a policy that hits none of them may well hit the next.
 */
#pragma once

#include "policy/admit.h"
#include "scan/scan.h"

/* A policy of the input or one that is about to be applied. */
struct simulated_policy {
        struct str name, file;
        bool planned;                        /* about to be applied */
        bool bound;                          /* by some binding: otherwise it does nothing */
        bool fail_open;                      /* failurePolicy: Ignore */
        bool wants_user;                     /* its verdict depends on who asks */
        size_t objects[POLICY_ACTION_COUNT]; /* that it hits, by enum policy_action */
};

struct simulated_binding {
        struct str name, policy, file;
        bool planned, orphan; /* ORPHAN: its policy is not there */
        struct str actions;   /* "Deny, Audit" */
        struct str problem;   /* why it does not do what it seems to do; empty: nothing */
        size_t objects[POLICY_ACTION_COUNT];
};

/* A validation that an object fails, and what its binding makes of that. */
struct simulated_hit {
        size_t policy, binding; /* in the lists of the simulation */
        enum policy_action action;
        bool error;          /* an expression failed */
        unsigned operations; /* enum policy_operation: which requests would meet it */
        struct str message;
        struct resource_ref object;
        struct resource_ref owner; /* at the top of its ownerReferences; itself without any */
        struct str manager; /* the client that changed it last (managedFields); may be empty */
        struct finding_location location;
};

/* What happens in a namespace ("" for objects that are in none). */
struct simulated_namespace {
        struct str name;
        size_t objects[POLICY_ACTION_COUNT];
        VEC(struct str) owners; /* "Deployment/web", each once, in the order of reading */
        VEC(struct str) managers;
};

struct simulation {
        struct finding_list list;              /* diagnostics; its findings are those of the hits */
        VEC(struct simulated_policy) policies; /* by name */
        VEC(struct simulated_binding) bindings; /* by policy and name */
        VEC(struct simulated_hit) hits;
        VEC(struct simulated_namespace) namespaces; /* with hits */
        struct report_coverage coverage;
        size_t objects[POLICY_ACTION_COUNT];
};

struct simulate_options {
        struct scan_options scan; /* its policies are not looked at */
        uint16_t kube_minor;      /* as for policy_set_init */
        struct str planned;       /* policies, bindings and params that are about to be applied, as
                                     YAML; they take the place of those of the same name */
};

/* Simulates what FILES hold. What could not be read or judged is a diagnostic. Returns 0, or
 * -EINVAL where OPTIONS->planned is not valid. */
int simulate(const struct simulate_options *options, const struct input_list *files,
             struct simulation *ret, struct error *error);

void simulation_free(struct simulation *simulation);
