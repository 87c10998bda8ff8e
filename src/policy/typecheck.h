/*
 * Type checking: what Kubernetes writes to status.typeChecking of a policy.
 *
 * When a policy is applied its expressions are compiled with `object`, `oldObject` and `params` of
 * any type. Later the controller manager compiles them again, once for each kind that the policy's
 * rules name, with the types that the kind's schema gives; what then does not compile is a warning:
 * a misspelt field, a comparison of a number with a string. It changes no verdict.
 *
 *     policy_typechecker_new(&set, custom, &checker);
 *     policy_typecheck(checker, policy, &arena, &result);
 *     policy_typechecker_free(checker);
 *
 * Semantics and words: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go. The
 * one difference: upstream adds a random number to the kind in the name of a type.
 */
#pragma once

#include "kube/structure.h"
#include "policy/policy.h"

/* A problem that an expression has where the object is of KIND. */
struct policy_type_problem {
        const struct structure_gvk *kind;
        struct str message;
        struct str detail;    /* what we can add; empty: nothing */
        struct doc_pos place; /* in the policy's file */
};

/* All that is wrong with an expression. */
struct policy_type_warning {
        struct str field_ref;                     /* "spec.validations[0].expression" */
        struct str text;                          /* as in status.typeChecking.expressionWarnings */
        VEC(struct policy_type_problem) problems; /* by kind, then in the order of the text */
};

struct policy_type_warnings {
        VEC(struct policy_type_warning) items; /* in the order of the policy */
        const struct structure_gvk **kinds;    /* that were looked at */
        size_t kind_count;
};

struct policy_typechecker;

/* A checker for policies of SET, with the kinds that CUSTOM (may be NULL) defines. */
int policy_typechecker_new(const struct policy_set *set, const struct structure_set *custom,
                           struct policy_typechecker **ret, struct error *error);
void policy_typechecker_free(struct policy_typechecker *checker);

/* Checks the validations of POLICY, which must be prepared. *RET is made in ARENA. */
void policy_typecheck(struct policy_typechecker *checker, const struct policy *policy,
                      struct arena *arena, struct policy_type_warnings *ret);
