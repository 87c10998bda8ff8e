/*
 * What the API server would answer: all policies of a set, with their bindings, on one request
 * (k8s.io/apiserver/pkg/admission/plugin/policy/validating, Dispatch).
 *
 * A binding says what a failed validation does: Deny refuses the request, Warn shows a warning to
 * whoever made it, Audit writes to the audit log. A policy without bindings does nothing in the
 * cluster; here it is judged everywhere and refuses, so that it can be tried.
 */
#pragma once

#include "base/vec.h"
#include "policy/policy.h"

struct policy_audit {
        struct str key, value;
};

struct policy_admission {
        bool denied;
        struct str message, reason; /* of the refusal: that of the first violation that denies */
        int code;                   /* HTTP status: 422, 403 ...; 0: allowed */
        VEC(struct policy_violation) violations; /* one for each action of a failed validation */
        VEC(struct str) warnings;                /* without duplicates */
        VEC(struct policy_audit) annotations;
        uint64_t cost; /* of all that was evaluated, in Kubernetes' units (cel/cost.h) */
};

/* Whether the server asks no policy about RESOURCE of GROUP: about policies, for nobody
 * could repair a bad one, and about the reviews that the cluster itself depends on. */
bool policy_is_exempt(struct str group, struct str resource);

/* Judges SUBJECT by POLICY alone, which is prepared, into ARENA. */
void policy_admit_one(const struct policy *policy, const struct policy_subject *subject,
                      struct arena *arena, struct policy_admission *ret);

/* Judges SUBJECT by the policies of SET, all of them prepared, into ARENA. */
void policy_admit(const struct policy_set *set, const struct policy_subject *subject,
                  struct arena *arena, struct policy_admission *ret);

/* What one policy makes of a request, as tests of policies call it. */
struct policy_trial {
        bool applied;       /* it matches, a binding does (where there are any), and so do the match
                               conditions */
        bool failed;        /* some validation is false */
        bool error;         /* something could not be evaluated, and failurePolicy is Fail */
        bool deny, warn;    /* what the bindings make of that; without one: deny */
        struct str message; /* of the first violation */
};

/* Judges SUBJECT by POLICY (prepared) alone, into ARENA. */
void policy_try(const struct policy *policy, const struct policy_subject *subject,
                struct arena *arena, struct policy_trial *ret);
