/*
 * Judging one object by one policy
 * (k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go).
 *
 * Match conditions first: one that is false outranks one that fails, and namespaceObject is null in
 * them. Then every validation, each on its own, then the audit annotations. Variables are evaluated
 * when first used and remembered for this object. Only a violation pays for finding out where it
 * came from.
 */
#include <errno.h>

#include "base/utf8.h"
#include "base/util.h"
#include "base/vec.h"
#include "policy/private.h"

/* Bytes: a longer message is not used, a longer audit annotation is cut. */
enum { MESSAGE_MAX = 5 << 10, ANNOTATION_MAX = 10 << 10 };

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
        const struct policy_binding *binding;
        const struct policy_sink *sink;
};

static ptrdiff_t variable_index(const struct policy *policy, struct str name) {
        for (size_t i = 0; i < policy->variable_count; i++)
                if (str_eq(policy->variables[i].name, name))
                        return (ptrdiff_t)i;
        return -1;
}

/* What is thrown by a variable says whose fault it is. */
static struct cel_value variable_error(struct arena *scratch, struct str name,
                                       struct cel_value value) {
        struct cel_error *error = arena_new(scratch, struct cel_error);

        *error = *value.error;
        error->message =
                arena_printf(scratch, "composited variable \"%.*s\" fails to evaluate: %.*s",
                             STR_ARG(name), STR_ARG(value.error->message));
        value.error = error;
        return value;
}

/* A variable sees only those before it, so this ends. */
static int get_variable(const struct cel_lazy *lazy, struct cel_context *context, struct str key,
                        struct cel_value *ret) {
        struct variables *variables = (struct variables *)(uintptr_t)lazy;
        ptrdiff_t i = variable_index(variables->policy, key);
        struct cel_value *value;

        if (i < 0)
                return -ENOENT;
        value = &variables->values[i];
        if (value->kind == CEL_UNSET) {
                cel_eval_nested(variables->policy->variables[i].program, context, value);
                if (value->kind == CEL_ERROR)
                        *value = variable_error(context->scratch,
                                                variables->policy->variables[i].name, *value);
        }
        *ret = *value;
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

static void prepare(struct judgement *j, const struct policy_subject *subject,
                    const struct doc_node *params) {
        const struct policy *policy = j->policy;

        j->variables.lazy.get = get_variable;
        j->variables.policy = policy;
        j->variables.values = arena_new_array(j->scratch, policy->variable_count, struct cel_value);
        for (size_t i = 0; i < policy->variable_count; i++)
                j->variables.values[i].kind = CEL_UNSET;
        j->values[POLICY_OBJECT] = cel_from_doc(subject->object);
        j->values[POLICY_OLD_OBJECT] = cel_from_doc(subject->old_object);
        j->values[POLICY_NAMESPACE_OBJECT] = cel_null();
        j->values[POLICY_VARIABLES] = lazy_map(&j->variables.lazy);
        j->values[POLICY_PARAMS] = cel_from_doc(params);
        if (policy->uses_request)
                j->values[POLICY_REQUEST] = cel_from_doc(policy_request(j->scratch, subject));
        else
                j->values[POLICY_REQUEST] = cel_null();
        prepare_authorizer(j, subject);
        j->activation =
                (struct cel_activation){ .variables = j->values, .count = POLICY_VARIABLE_COUNT };
}

/* Reports VIOLATION with what PROGRAM (NULL: nothing) decided it by. */
static void violate(struct judgement *j, const struct cel_program *program,
                    struct policy_violation violation) {
        static const struct cel_explainer explainer = { variable_program };
        struct cel_reason *reasons =
                arena_new_array(j->scratch, CEL_EXPLAIN_MAX, struct cel_reason);

        violation.policy = j->policy;
        violation.binding = j->binding;
        violation.reasons = reasons;
        if (program)
                violation.reason_count =
                        cel_explain(program, &j->activation, &explainer, j->scratch, reasons);
        j->sink->violation(j->sink->userdata, &violation);
}

static void violate_error(struct judgement *j, size_t validation, const struct cel_program *program,
                          struct str message, bool always) {
        if (j->policy->ignore_failures)
                return;
        violate(j, program,
                (struct policy_violation){ .validation = validation,
                                           .message = message,
                                           .error = true,
                                           .always = always });
}

static struct str error_message(struct judgement *j, struct str expression,
                                const struct cel_value *result) {
        return arena_printf(j->scratch, "expression '%.*s' resulted in error: %.*s",
                            STR_ARG(expression), STR_ARG(result->error->message));
}

/* The errors of several conditions as one: as they are where they agree, else in a list. */
struct failures {
        const struct cel_program *program; /* the first that failed */
        VEC(struct str) messages;
};

static void add_failure(struct judgement *j, struct failures *failures,
                        const struct policy_condition *condition, const struct cel_value *result) {
        struct str message = error_message(j, condition->expression, result);

        if (!failures->program)
                failures->program = condition->program;
        for (size_t i = 0; i < failures->messages.count; i++)
                if (str_eq(failures->messages.items[i], message))
                        return;
        *vec_push_in(j->scratch, &failures->messages) = message;
}

static struct str join_failures(struct judgement *j, const struct failures *failures) {
        struct str text = failures->messages.items[0];

        for (size_t i = 1; i < failures->messages.count; i++)
                text = arena_printf(j->scratch, "%.*s, %.*s", STR_ARG(text),
                                    STR_ARG(failures->messages.items[i]));
        return failures->messages.count > 1 ? arena_printf(j->scratch, "[%.*s]", STR_ARG(text))
                                            : text;
}

/* Returns whether the object is to be judged. An error counts only when no condition is false. */
static bool conditions_hold(struct judgement *j) {
        struct failures failures = { 0 };
        struct cel_value result;

        for (size_t i = 0; i < j->policy->condition_count; i++) {
                cel_eval(j->policy->conditions[i].program, &j->activation, j->scratch, &result);
                if (result.kind == CEL_BOOL && !result.boolean)
                        return false;
                if (result.kind == CEL_ERROR)
                        add_failure(j, &failures, &j->policy->conditions[i], &result);
        }
        if (failures.messages.count == 0)
                return true;
        violate_error(j, SIZE_MAX, failures.program, join_failures(j, &failures), false);
        return false;
}

/* The message of a validation that is false: its messageExpression, its message, or the expression
 * itself. */
static struct str false_message(struct judgement *j, const struct policy_validation *validation) {
        struct cel_value result;
        struct str text;

        if (validation->message_program) {
                cel_eval(validation->message_program, &j->activation, j->scratch, &result);
                text = result.kind == CEL_STRING ? utf8_trim(result.string) : STR("");
                if (text.len > 0 && text.len <= MESSAGE_MAX && str_find(text, STR("\n"), 0) < 0)
                        return text;
        }
        text = utf8_trim(validation->message);
        if (text.len > 0)
                return text;
        return arena_printf(j->scratch, "failed expression: %.*s",
                            STR_ARG(utf8_trim(validation->expression)));
}

static void judge_validation(struct judgement *j, size_t i) {
        const struct policy_validation *validation = &j->policy->validations[i];
        struct policy_violation violation = { .validation = i };
        struct cel_value result;

        cel_eval(validation->program, &j->activation, j->scratch, &result);
        if (result.kind == CEL_BOOL && result.boolean)
                return;
        if (result.kind == CEL_BOOL) {
                violation.message = false_message(j, validation);
                violation.reason = validation->reason.len ? validation->reason : STR("Invalid");
                violate(j, validation->program, violation);
        } else if (result.kind == CEL_ERROR)
                violate_error(j, i, validation->program,
                              error_message(j, validation->expression, &result), false);
}

/* A value that is empty or null is not written. An error refuses the request, even where the
 * binding only warns. */
static void make_annotation(struct judgement *j, const struct policy_annotation *annotation) {
        struct cel_value result;
        struct str text;

        cel_eval(annotation->program, &j->activation, j->scratch, &result);
        if (result.kind == CEL_ERROR) {
                violate_error(j, SIZE_MAX, annotation->program,
                              error_message(j, annotation->expression, &result), true);
        } else if (result.kind == CEL_STRING) {
                text = utf8_trim(result.string);
                if (text.len > 0)
                        j->sink->annotation(j->sink->userdata, j->policy, annotation->key,
                                            str_slice(text, 0, ANNOTATION_MAX));
        }
}

static void judge_once(struct judgement *j, const struct policy_subject *subject,
                       const struct doc_node *params) {
        prepare(j, subject, params);
        if (!conditions_hold(j))
                return;
        if (j->policy->uses_namespace)
                j->values[POLICY_NAMESPACE_OBJECT] =
                        cel_from_doc(policy_namespace(j->scratch, subject));
        for (size_t i = 0; i < j->policy->validation_count; i++)
                judge_validation(j, i);
        for (size_t i = 0; j->sink->annotation && i < j->policy->annotation_count; i++)
                make_annotation(j, &j->policy->annotations[i]);
}

void policy_judge_bound(const struct policy *policy, const struct policy_binding *binding,
                        const struct policy_subject *subject, struct arena *scratch,
                        const struct policy_sink *sink) {
        struct judgement j = {
                .policy = policy, .binding = binding, .scratch = scratch, .sink = sink
        };
        const struct doc_node *const *params = NULL;
        size_t count = 0;
        const char *problem =
                policy_find_params(policy, binding, subject, scratch, &params, &count);

        if (problem)
                violate_error(&j, SIZE_MAX, NULL,
                              arena_printf(scratch, "failed to configure binding: %s", problem),
                              true);
        for (size_t i = 0; !problem && i < count; i++)
                judge_once(&j, subject, params[i]);
}

void policy_judge(const struct policy *policy, const struct policy_subject *subject,
                  struct arena *scratch, policy_violation_fn *report, void *userdata) {
        const struct policy_sink sink = { .violation = report, .userdata = userdata };

        if (!policy->bindings) {
                policy_judge_bound(policy, NULL, subject, scratch, &sink);
                return;
        }
        for (const struct policy_binding *binding = policy->bindings; binding;
             binding = binding->next) {
                if (!policy_binding_matches(binding, subject))
                        continue;
                policy_judge_bound(policy, binding, subject, scratch, &sink);
                /* Without params another binding could only say the same. */
                if (!policy->has_params)
                        return;
        }
}
