/*
 * Evaluating the expressions of one part of a policy (k8s.io/apiserver/pkg/admission/plugin/cel,
 * ForInput). Private to src/policy.
 *
 * Match conditions, validations, message expressions and audit annotations are four evaluations.
 * Each has a budget in units of cost (cel/cost.h) and variables of its own, which are evaluated
 * when they are first used and then remembered. After every expression the variables that it was
 * the first to use and the expression itself are taken from the budget; where that is not enough,
 * the evaluation ends, and nothing that it found so far counts.
 */
#pragma once

#include "policy/private.h"

/* What the API server says when a budget does not suffice. */
#define POLICY_OUT_OF_BUDGET                                                                       \
        "validation failed due to running out of cost budget, no further validation rules will "   \
        "be run"

/* `variables`: a map whose entries are computed on demand. */
struct policy_variables {
        struct cel_lazy lazy; /* first, so that the pointer converts */
        const struct policy *policy;
        struct cel_value *values; /* CEL_UNSET until evaluated */
};

struct policy_evaluation {
        struct arena *scratch;
        struct policy_variables variables;
        struct cel_value values[POLICY_VARIABLE_COUNT]; /* `variables` filled in */
        struct cel_activation activation;
        uint64_t budget, cost;
        const struct cel_program
                *exhausted; /* the expression that the budget did not suffice for */
};

/* Begins an evaluation for POLICY with the VALUES of the environment's variables, of which
 * `variables` need not be set. */
void policy_evaluation_init(struct policy_evaluation *evaluation, const struct policy *policy,
                            const struct cel_value *values, uint64_t budget, struct arena *scratch);

/* Evaluates PROGRAM. Returns false, now and from then on, where the budget does not suffice. */
bool policy_evaluate(struct policy_evaluation *evaluation, const struct cel_program *program,
                     struct cel_value *ret);

/* How many variables were not needed so far. */
size_t policy_evaluation_unused(const struct policy_evaluation *evaluation);

/* What decided PROGRAM, into REASONS (room for CEL_EXPLAIN_MAX). Returns how many. */
size_t policy_evaluation_explain(const struct policy_evaluation *evaluation,
                                 const struct cel_program *program, struct cel_reason *reasons);

/* judge.c: VALUES (POLICY_VARIABLE_COUNT) as the expressions of POLICY see SUBJECT with PARAMS (may
 * be NULL). namespaceObject is null until it is shown: match conditions do not see it. */
void policy_values_init(struct cel_value *values, const struct policy *policy,
                        const struct policy_subject *subject, const struct doc_node *params,
                        struct arena *scratch);
void policy_values_show_namespace(struct cel_value *values, const struct policy *policy,
                                  const struct policy_subject *subject, struct arena *scratch);

/* judge.c: whether the match conditions of POLICY hold. An error is a violation, for SINK; it
 * counts only when no condition is false. */
bool policy_conditions_hold(const struct policy *policy, const struct policy_binding *binding,
                            const struct cel_value *values, struct arena *scratch,
                            const struct policy_sink *sink);

/* judge.c: "expression '...' resulted in error: ..." */
struct str policy_error_message(struct arena *scratch, struct str expression,
                                const struct cel_value *result);
