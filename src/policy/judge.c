/*
 * Judging one object by one policy
 * (k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go).
 *
 * Match conditions first: one that is false outranks one that fails. Then every validation, each on
 * its own. Variables are evaluated when first used and remembered for this object. Only a violation
 * pays for finding out where it came from.
 */
#include <errno.h>

#include "base/util.h"
#include "policy/private.h"

/* `variables` of one judgement: a map whose entries are computed on demand. */
struct variables {
        struct cel_lazy lazy; /* first, so that the pointer converts */
        const struct policy *policy;
        struct cel_value *values; /* CEL_UNSET until evaluated */
};

struct judgement {
        const struct policy *policy;
        struct arena *scratch;
        struct cel_value values[POLICY_VARIABLE_COUNT];
        struct cel_activation activation;
        struct variables variables;
        policy_violation_fn *report;
        void *userdata;
};

static ptrdiff_t variable_index(const struct policy *policy, struct str name) {
        for (size_t i = 0; i < policy->variable_count; i++)
                if (str_eq(policy->variables[i].name, name))
                        return (ptrdiff_t)i;
        return -1;
}

/* A variable sees only those before it, so this ends. */
static int get_variable(const struct cel_lazy *lazy, struct cel_context *context, struct str key,
                        struct cel_value *ret) {
        struct variables *variables = (struct variables *)(uintptr_t)lazy;
        ptrdiff_t i = variable_index(variables->policy, key);

        if (i < 0)
                return -ENOENT;
        if (variables->values[i].kind == CEL_UNSET)
                cel_eval_nested(variables->policy->variables[i].program, context,
                                &variables->values[i]);
        *ret = variables->values[i];
        return 0;
}

static const struct cel_program *variable_program(const struct cel_lazy *lazy, struct str key) {
        const struct variables *variables = (const struct variables *)lazy;
        ptrdiff_t i = variable_index(variables->policy, key);

        return i < 0 ? NULL : variables->policy->variables[i].program;
}

static struct cel_value lazy_map(const struct cel_lazy *lazy) {
        return (struct cel_value){ .kind = CEL_MAP, .representation = CEL_LAZY, .lazy = lazy };
}

static void prepare_authorizer(struct judgement *j, const struct policy_subject *subject) {
        const struct cel_authorizer *authorizer = subject->user ? subject->user->authorizer : NULL;
        struct cel_authorizer_request request = { .group = subject->group,
                                                  .resource = subject->resource,
                                                  .subresource = subject->subresource,
                                                  .namespace = subject->namespace,
                                                  .name = subject->name };

        if (!j->policy->uses_authorizer)
                return;
        j->values[POLICY_AUTHORIZER] = cel_authorizer_value(j->scratch, authorizer);
        j->values[POLICY_REQUEST_RESOURCE] =
                cel_resource_check_value(j->scratch, authorizer, &request);
}

static void prepare(struct judgement *j, const struct policy_subject *subject) {
        const struct policy *policy = j->policy;

        j->variables.lazy.get = get_variable;
        j->variables.policy = policy;
        j->variables.values = arena_new_array(j->scratch, policy->variable_count, struct cel_value);
        for (size_t i = 0; i < policy->variable_count; i++)
                j->variables.values[i].kind = CEL_UNSET;
        j->values[POLICY_OBJECT] = cel_from_doc(subject->object);
        j->values[POLICY_OLD_OBJECT] = cel_from_doc(subject->old_object);
        j->values[POLICY_NAMESPACE_OBJECT] = cel_from_doc(subject->namespace_object);
        j->values[POLICY_VARIABLES] = lazy_map(&j->variables.lazy);
        j->values[POLICY_PARAMS] = cel_null();
        if (policy->uses_request)
                j->values[POLICY_REQUEST] = cel_from_doc(policy_request(j->scratch, subject));
        else
                j->values[POLICY_REQUEST] = cel_null();
        prepare_authorizer(j, subject);
        j->activation =
                (struct cel_activation){ .variables = j->values, .count = POLICY_VARIABLE_COUNT };
}

static void violate(struct judgement *j, size_t validation, const struct cel_program *program,
                    struct str message, bool error) {
        static const struct cel_explainer explainer = { variable_program };
        struct cel_reason *reasons =
                arena_new_array(j->scratch, CEL_EXPLAIN_MAX, struct cel_reason);
        struct policy_violation violation = { .policy = j->policy,
                                              .validation = validation,
                                              .message = message,
                                              .error = error,
                                              .reasons = reasons };

        violation.reason_count =
                cel_explain(program, &j->activation, &explainer, j->scratch, reasons);
        j->report(j->userdata, &violation);
}

static struct str error_message(struct judgement *j, struct str expression,
                                const struct cel_value *result) {
        return arena_printf(j->scratch, "expression '%.*s' resulted in error: %.*s",
                            STR_ARG(str_trim(expression)), STR_ARG(result->error->message));
}

/* Returns whether the object is to be judged. An error counts only when no condition is false. */
static bool conditions_hold(struct judgement *j) {
        const struct policy_condition *failed = NULL;
        struct cel_value result, failure = { 0 };

        for (size_t i = 0; i < j->policy->condition_count; i++) {
                cel_eval(j->policy->conditions[i].program, &j->activation, j->scratch, &result);
                if (result.kind == CEL_BOOL && !result.boolean)
                        return false;
                if (result.kind == CEL_ERROR && !failed) {
                        failed = &j->policy->conditions[i];
                        failure = result;
                }
        }
        if (!failed)
                return true;
        if (!j->policy->ignore_failures)
                violate(j, SIZE_MAX, failed->program, error_message(j, failed->name, &failure),
                        true);
        return false;
}

/* The message of a validation that is false: its messageExpression, its message, or the expression
 * itself. */
static struct str false_message(struct judgement *j, const struct policy_validation *validation) {
        struct cel_value result;
        struct str text;

        if (validation->message_program) {
                cel_eval(validation->message_program, &j->activation, j->scratch, &result);
                text = result.kind == CEL_STRING ? str_trim(result.string) : STR("");
                if (text.len > 0 && text.len <= 5 << 10 && str_find(text, STR("\n"), 0) < 0)
                        return text;
        }
        text = str_trim(validation->message);
        if (text.len > 0)
                return text;
        return arena_printf(j->scratch, "failed expression: %.*s",
                            STR_ARG(str_trim(validation->expression)));
}

static void judge_validation(struct judgement *j, size_t i) {
        const struct policy_validation *validation = &j->policy->validations[i];
        struct cel_value result;

        cel_eval(validation->program, &j->activation, j->scratch, &result);
        if (result.kind == CEL_BOOL && result.boolean)
                return;
        if (result.kind == CEL_BOOL)
                violate(j, i, validation->program, false_message(j, validation), false);
        else if (result.kind == CEL_ERROR && !j->policy->ignore_failures)
                violate(j, i, validation->program,
                        error_message(j, validation->expression, &result), true);
}

void policy_judge(const struct policy *policy, const struct policy_subject *subject,
                  struct arena *scratch, policy_violation_fn *report, void *userdata) {
        struct judgement j = {
                .policy = policy, .scratch = scratch, .report = report, .userdata = userdata
        };

        prepare(&j, subject);
        if (!conditions_hold(&j))
                return;
        for (size_t i = 0; i < policy->validation_count; i++)
                judge_validation(&j, i);
}
