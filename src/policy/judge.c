/*
 * Judging one object by one policy
 * (k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go).
 *
 * Match conditions first: one that is false outranks one that fails, and namespaceObject is null in
 * them. Then all validations, then the messages of those that have an expression for it, then the
 * audit annotations: four evaluations, each with a budget (evaluation.h). When the validations or
 * the annotations run out of theirs, that is all there is to say; when the messages do, every
 * validation has failed. So nothing is reported before all is evaluated. Only a violation pays for
 * finding out where it came from.
 */
#include "base/utf8.h"
#include "base/util.h"
#include "base/vec.h"
#include "policy/evaluation.h"

/* Bytes: a longer message is not used, a longer audit annotation is cut. */
enum { MESSAGE_MAX = 5 << 10, ANNOTATION_MAX = 10 << 10 };

struct judgement {
        const struct policy *policy;
        struct arena *scratch;
        struct cel_value values[POLICY_VARIABLE_COUNT];
        struct policy_evaluation conditions, validations, messages, annotations;
        /* by validation and annotation; a message that was not asked for is CEL_UNSET */
        struct cel_value *verdicts, *texts, *notes;
        const struct policy_binding *binding;
        const struct policy_sink *sink;
};

static void show_authorizer(struct cel_value *values, const struct policy_subject *subject,
                            struct arena *scratch) {
        const struct cel_authorizer *authorizer = subject->user ? subject->user->authorizer : NULL;
        struct cel_authorizer_request request = { .group = subject->group,
                                                  .resource = subject->resource,
                                                  .subresource = subject->subresource,
                                                  .namespace = subject->namespace,
                                                  .name = subject->name };

        values[POLICY_AUTHORIZER] = cel_authorizer_value(scratch, authorizer);
        values[POLICY_REQUEST_RESOURCE] = cel_resource_check_value(scratch, authorizer, &request);
}

void policy_values_init(struct cel_value *values, const struct policy *policy,
                        const struct policy_subject *subject, const struct doc_node *params,
                        struct arena *scratch) {
        values[POLICY_OBJECT] = cel_from_doc(subject->object);
        values[POLICY_OLD_OBJECT] = cel_from_doc(subject->old_object);
        values[POLICY_NAMESPACE_OBJECT] = cel_null();
        values[POLICY_PARAMS] = cel_from_doc(params);
        values[POLICY_REQUEST] = cel_null();
        if (policy->uses_request)
                values[POLICY_REQUEST] = cel_from_doc(policy_request(scratch, subject));
        if (policy->uses_authorizer)
                show_authorizer(values, subject, scratch);
}

void policy_values_show_namespace(struct cel_value *values, const struct policy *policy,
                                  const struct policy_subject *subject, struct arena *scratch) {
        if (policy->uses_namespace)
                values[POLICY_NAMESPACE_OBJECT] = cel_from_doc(policy_namespace(scratch, subject));
}

/* --- violations --- */

/* Reports VIOLATION with what PROGRAM (NULL: nothing) decided it by in EVALUATION. */
static void violate(struct judgement *j, const struct policy_evaluation *evaluation,
                    const struct cel_program *program, struct policy_violation violation) {
        struct cel_reason *reasons =
                arena_new_array(j->scratch, CEL_EXPLAIN_MAX, struct cel_reason);

        violation.policy = j->policy;
        violation.binding = j->binding;
        violation.reasons = reasons;
        if (program)
                violation.reason_count = policy_evaluation_explain(evaluation, program, reasons);
        j->sink->violation(j->sink->userdata, &violation);
}

static void violate_error(struct judgement *j, const struct policy_evaluation *evaluation,
                          const struct cel_program *program, struct policy_violation violation) {
        if (j->policy->ignore_failures)
                return;
        violation.error = true;
        violate(j, evaluation, program, violation);
}

static void violate_budget(struct judgement *j, const struct policy_evaluation *evaluation) {
        violate_error(j, evaluation, evaluation->exhausted,
                      (struct policy_violation){ .validation = SIZE_MAX,
                                                 .message = STR(POLICY_OUT_OF_BUDGET) });
}

struct str policy_error_message(struct arena *scratch, struct str expression,
                                const struct cel_value *result) {
        return arena_printf(scratch, "expression '%.*s' resulted in error: %.*s",
                            STR_ARG(expression), STR_ARG(result->error->message));
}

/* --- match conditions --- */

/* The errors of several conditions as one: as they are where they agree, else in a list. */
struct failures {
        const struct cel_program *program; /* the first that failed */
        VEC(struct str) messages;
};

static void add_failure(struct judgement *j, struct failures *failures,
                        const struct policy_condition *condition, const struct cel_value *result) {
        struct str message = policy_error_message(j->scratch, condition->expression, result);

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

/* Returns whether the object is to be judged. An error counts only when no condition is false; all
 * of them are evaluated, because running out of budget outranks both. */
static bool conditions_hold(struct judgement *j) {
        struct failures failures = { 0 };
        struct cel_value result;
        bool hold = true;

        policy_evaluation_init(&j->conditions, j->policy, j->values, CEL_COST_PER_CONDITIONS,
                               j->scratch);
        for (size_t i = 0; i < j->policy->condition_count; i++) {
                const struct policy_condition *condition = &j->policy->conditions[i];

                if (!policy_evaluate(&j->conditions, condition->program, &result)) {
                        violate_budget(j, &j->conditions);
                        return false;
                }
                if (result.kind == CEL_BOOL && !result.boolean)
                        hold = false;
                else if (result.kind == CEL_ERROR)
                        add_failure(j, &failures, condition, &result);
        }
        if (!hold || failures.messages.count == 0)
                return hold;
        violate_error(j, &j->conditions, failures.program,
                      (struct policy_violation){ .validation = SIZE_MAX,
                                                 .message = join_failures(j, &failures) });
        return false;
}

bool policy_conditions_hold(const struct policy *policy, const struct policy_binding *binding,
                            const struct cel_value *values, struct arena *scratch,
                            const struct policy_sink *sink) {
        struct judgement j = {
                .policy = policy, .binding = binding, .scratch = scratch, .sink = sink
        };

        memcpy(j.values, values, sizeof j.values);
        return conditions_hold(&j);
}

/* --- evaluating --- */

static bool holds(const struct cel_value *verdict) {
        return verdict->kind == CEL_BOOL && verdict->boolean;
}

static void evaluate_validations(struct judgement *j) {
        size_t count = j->policy->validation_count;

        j->verdicts = arena_new_array(j->scratch, count, struct cel_value);
        policy_evaluation_init(&j->validations, j->policy, j->values, CEL_COST_PER_POLICY,
                               j->scratch);
        for (size_t i = 0; i < count; i++)
                if (!policy_evaluate(&j->validations, j->policy->validations[i].program,
                                     &j->verdicts[i]))
                        return;
}

/* Whether the outcome can depend on the messages: where a validation is false, or where the
 * messages could use up the budget, be they shown or not. What an expression costs is seldom much
 * more than its own limit; twice that is taken for the most. */
static bool messages_matter(const struct judgement *j) {
        const struct policy *policy = j->policy;
        uint64_t most = policy_evaluation_unused(&j->validations);
        bool any = false;

        for (size_t i = 0; i < policy->validation_count; i++) {
                if (!policy->validations[i].message_program)
                        continue;
                if (j->sink->cost || !holds(&j->verdicts[i]))
                        return true;
                any = true;
                most++;
        }
        return any && j->validations.cost * 2 + most * 2 * CEL_COST_PER_CALL > CEL_COST_PER_POLICY;
}

/* Messages and annotations are made without the authorizer, and get what the validations left. */
static void evaluate_messages(struct judgement *j) {
        size_t count = j->policy->validation_count;

        j->texts = arena_new_array(j->scratch, count, struct cel_value);
        for (size_t i = 0; i < count; i++)
                j->texts[i].kind = CEL_UNSET;
        j->messages.exhausted = NULL;
        if (!messages_matter(j))
                return;
        policy_evaluation_init(&j->messages, j->policy, j->values,
                               CEL_COST_PER_POLICY - j->validations.cost, j->scratch);
        for (size_t i = 0; i < count; i++) {
                const struct cel_program *program = j->policy->validations[i].message_program;

                if (program && !policy_evaluate(&j->messages, program, &j->texts[i]))
                        return;
        }
}

static void evaluate_annotations(struct judgement *j) {
        size_t count = j->policy->annotation_count;

        j->notes = arena_new_array(j->scratch, count, struct cel_value);
        policy_evaluation_init(&j->annotations, j->policy, j->values, CEL_COST_PER_POLICY,
                               j->scratch);
        for (size_t i = 0; i < count; i++)
                if (!policy_evaluate(&j->annotations, j->policy->annotations[i].program,
                                     &j->notes[i]))
                        return;
}

/* --- reporting --- */

/* The message of a validation that is false: its messageExpression, its message, or the expression
 * itself. */
static struct str false_message(struct judgement *j, const struct policy_validation *validation,
                                const struct cel_value *result) {
        struct str text = result->kind == CEL_STRING ? utf8_trim(result->string) : STR("");

        if (text.len > 0 && text.len <= MESSAGE_MAX && str_find(text, STR("\n"), 0) < 0)
                return text;
        text = utf8_trim(validation->message);
        if (text.len > 0)
                return text;
        return arena_printf(j->scratch, "failed expression: %.*s",
                            STR_ARG(utf8_trim(validation->expression)));
}

static void report_validation(struct judgement *j, size_t i) {
        const struct policy_validation *validation = &j->policy->validations[i];
        const struct cel_value *verdict = &j->verdicts[i];
        struct policy_violation violation = { .validation = i };

        if (verdict->kind == CEL_ERROR) {
                violation.message =
                        policy_error_message(j->scratch, validation->expression, verdict);
                violate_error(j, &j->validations, validation->program, violation);
        } else if (j->messages.exhausted) {
                violation.message = STR("failed messageExpression: " POLICY_OUT_OF_BUDGET);
                violate_error(j, &j->messages, j->messages.exhausted, violation);
        } else if (!holds(verdict)) {
                violation.message = false_message(j, validation, &j->texts[i]);
                violation.reason = validation->reason.len ? validation->reason : STR("Invalid");
                violate(j, &j->validations, validation->program, violation);
        }
}

/* A value that is empty or null is not written. An error refuses the request, even where the
 * binding only warns. */
static void report_annotation(struct judgement *j, size_t i) {
        const struct policy_annotation *annotation = &j->policy->annotations[i];
        const struct cel_value *note = &j->notes[i];
        struct str text = note->kind == CEL_STRING ? utf8_trim(note->string) : STR("");

        if (note->kind == CEL_ERROR)
                violate_error(j, &j->annotations, annotation->program,
                              (struct policy_violation){
                                      .validation = SIZE_MAX,
                                      .message = policy_error_message(j->scratch,
                                                                      annotation->expression, note),
                                      .always = true });
        else if (text.len > 0 && j->sink->annotation)
                j->sink->annotation(j->sink->userdata, j->policy, annotation->key,
                                    str_slice(text, 0, ANNOTATION_MAX));
}

/* With a budget of its own: what is asked for reports changes no verdict. */
static void evaluate_evidence(struct judgement *j) {
        struct policy_evaluation evaluation;

        if (!j->sink->evidence || !j->policy->evidence)
                return;
        policy_evaluation_init(&evaluation, j->policy, j->values, CEL_COST_PER_POLICY, j->scratch);
        if (!policy_evaluate(&evaluation, j->policy->evidence, j->sink->evidence))
                j->sink->evidence->kind = CEL_UNSET;
}

static void judge_conditioned(struct judgement *j) {
        evaluate_evidence(j);
        evaluate_validations(j);
        if (j->validations.exhausted) {
                violate_budget(j, &j->validations);
                return;
        }
        j->values[POLICY_AUTHORIZER].kind = CEL_UNSET;
        j->values[POLICY_REQUEST_RESOURCE].kind = CEL_UNSET;
        evaluate_messages(j);
        evaluate_annotations(j);
        if (j->annotations.exhausted) {
                violate_budget(j, &j->annotations);
                return;
        }
        for (size_t i = 0; i < j->policy->validation_count; i++)
                report_validation(j, i);
        for (size_t i = 0; i < j->policy->annotation_count; i++)
                report_annotation(j, i);
}

static void judge_once(struct judgement *j, const struct policy_subject *subject,
                       const struct doc_node *params) {
        policy_values_init(j->values, j->policy, subject, params, j->scratch);
        j->validations.cost = j->messages.cost = j->annotations.cost = 0;
        if (conditions_hold(j)) {
                if (j->sink->applied)
                        *j->sink->applied = true;
                policy_values_show_namespace(j->values, j->policy, subject, j->scratch);
                judge_conditioned(j);
        }
        if (j->sink->cost)
                *j->sink->cost += j->conditions.cost + j->validations.cost + j->messages.cost +
                                  j->annotations.cost;
}

void policy_judge_bound(const struct policy *policy, const struct policy_binding *binding,
                        const struct policy_subject *subject, struct arena *scratch,
                        const struct policy_sink *sink) {
        struct judgement j = {
                .policy = policy, .binding = binding, .scratch = scratch, .sink = sink
        };
        const struct doc_node *const *params = NULL;
        struct policy_subject converted;
        size_t count = 0;
        const char *problem =
                policy_find_params(policy, binding, subject, scratch, &params, &count);

        subject = policy_version_of(policy, subject, scratch, &converted);
        if (problem)
                violate_error(&j, NULL, NULL,
                              (struct policy_violation){
                                      .validation = SIZE_MAX,
                                      .message = arena_printf(
                                              scratch, "failed to configure binding: %s", problem),
                                      .always = true });
        for (size_t i = 0; !problem && i < count; i++)
                judge_once(&j, subject, params[i]);
}

static void judge_all(const struct policy *policy, const struct policy_subject *subject,
                      struct arena *scratch, const struct policy_sink *sink) {
        if (!policy->bindings) {
                policy_judge_bound(policy, NULL, subject, scratch, sink);
                return;
        }
        for (const struct policy_binding *binding = policy->bindings; binding;
             binding = binding->next) {
                if (!policy_binding_matches(binding, subject))
                        continue;
                policy_judge_bound(policy, binding, subject, scratch, sink);
                /* Without params another binding could only say the same. */
                if (!policy->has_params)
                        return;
        }
}

void policy_judge(const struct policy *policy, const struct policy_subject *subject,
                  struct arena *scratch, policy_violation_fn *report, void *userdata) {
        judge_all(policy, subject, scratch,
                  &(struct policy_sink){ .violation = report, .userdata = userdata });
}

void policy_judge_watched(const struct policy *policy, const struct policy_subject *subject,
                          struct arena *scratch, policy_violation_fn *report, void *userdata,
                          struct policy_watch *watch) {
        *watch = (struct policy_watch){ .evidence = { .kind = CEL_UNSET } };
        judge_all(policy, subject, scratch,
                  &(struct policy_sink){ .violation = report,
                                         .userdata = userdata,
                                         .applied = &watch->applied,
                                         .evidence = &watch->evidence });
}
