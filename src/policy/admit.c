#include "policy/admit.h"

#include "base/util.h"
#include "doc/write.h"
#include "policy/private.h"

/* The audit annotation of a failed validation whose binding says Audit. */
#define FAILURE_KEY "validation.policy.admission.k8s.io/validation_failure"

struct dispatch {
        struct arena *arena;
        struct policy_admission *admission;
        const struct policy_subject *subject;
        /* audit annotations of the policy at hand: the values of one key are joined */
        VEC(struct policy_audit) collected;
};

static int reason_code(struct str reason) {
        if (str_eq(reason, STR("Forbidden")))
                return 403;
        if (str_eq(reason, STR("RequestEntityTooLarge")))
                return 413;
        return 422;
}

/* What a refusal calls the object: its name, or how the name will begin. */
static struct str object_name(const struct policy_subject *subject) {
        const struct doc_node *metadata = doc_get(subject->object, STR("metadata"));
        struct str name = subject->name;

        if (name.len == 0)
                name = doc_string(doc_get(metadata, STR("name")), STR(""));
        if (name.len == 0)
                name = doc_string(doc_get(metadata, STR("generateName")), STR(""));
        return name.len > 0 ? name : STR("Unknown");
}

static void deny(struct dispatch *d, const struct policy_violation *violation) {
        struct policy_admission *admission = d->admission;
        struct str binding = STR("");

        if (admission->denied)
                return;
        if (violation->binding)
                binding = arena_printf(d->arena, " with binding '%.*s'",
                                       STR_ARG(violation->binding->name));
        admission->denied = true;
        admission->reason = violation->reason.len > 0 ? violation->reason : STR("Invalid");
        admission->code = reason_code(admission->reason);
        admission->message = arena_printf(
                d->arena,
                "%.*s%s%.*s \"%.*s\" is forbidden: ValidatingAdmissionPolicy "
                "'%.*s'%.*s denied request: %.*s",
                STR_ARG(d->subject->resource), d->subject->group.len ? "." : "",
                STR_ARG(d->subject->group), STR_ARG(object_name(d->subject)),
                STR_ARG(violation->policy->name), STR_ARG(binding), STR_ARG(violation->message));
}

static void warn(struct dispatch *d, const struct policy_violation *violation) {
        struct policy_admission *admission = d->admission;
        struct str text =
                arena_printf(d->arena,
                             "Validation failed for ValidatingAdmissionPolicy '%.*s' with "
                             "binding '%.*s': %.*s",
                             STR_ARG(violation->policy->name), STR_ARG(violation->binding->name),
                             STR_ARG(violation->message));

        for (size_t i = 0; i < admission->warnings.count; i++)
                if (str_eq(admission->warnings.items[i], text))
                        return;
        *vec_push_in(d->arena, &admission->warnings) = text;
}

/* Go's encoding/json writes these so that JSON can stand in HTML. */
static struct str escape_html(struct arena *arena, struct str json) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < json.len; i++)
                if (json.ptr[i] == '<' || json.ptr[i] == '>' || json.ptr[i] == '&')
                        buf_printf(&buf, "\\u%04x", json.ptr[i]);
                else
                        buf_add_char(&buf, json.ptr[i]);
        return arena_str(arena, buf_str(&buf));
}

static void audit(struct dispatch *d, const struct policy_violation *violation) {
        struct policy_admission *admission = d->admission;
        struct buf json _cleanup_(buf_free) = BUF_INIT;
        struct policy_audit *annotation;

        /* The key can be set once. */
        for (size_t i = 0; i < admission->annotations.count; i++)
                if (str_eq(admission->annotations.items[i].key, STR(FAILURE_KEY)))
                        return;
        buf_add(&json, STR("[{\"message\":"));
        buf_add_json(&json, violation->message);
        buf_add(&json, STR(",\"policy\":"));
        buf_add_json(&json, violation->policy->name);
        buf_add(&json, STR(",\"binding\":"));
        buf_add_json(&json, violation->binding->name);
        buf_printf(&json, ",\"expressionIndex\":%zu,\"validationActions\":",
                   violation->validation == SIZE_MAX ? 0 : violation->validation);
        doc_write_json(&json, violation->binding->action_list);
        buf_add(&json, STR("}]"));
        annotation = vec_push_in(d->arena, &admission->annotations);
        annotation->key = STR(FAILURE_KEY);
        annotation->value = escape_html(d->arena, buf_str(&json));
}

static void act(struct dispatch *d, const struct policy_violation *violation,
                enum policy_action action) {
        struct policy_violation *kept = vec_push_in(d->arena, &d->admission->violations);

        *kept = *violation;
        kept->action = action;
        if (action == POLICY_DENY)
                deny(d, violation);
        else if (action == POLICY_WARN)
                warn(d, violation);
        else
                audit(d, violation);
}

static void take_violation(void *userdata, const struct policy_violation *violation) {
        struct dispatch *d = userdata;
        const struct policy_binding *binding = violation->binding;
        const struct doc_node *actions = binding ? binding->action_list : NULL;

        if (violation->always || !actions) {
                act(d, violation, POLICY_DENY);
                return;
        }
        for (uint32_t i = 0; i < actions->list.count; i++) {
                struct str action = doc_string(&actions->list.items[i], STR(""));

                act(d, violation,
                    str_eq(action, STR("Deny"))   ? POLICY_DENY
                    : str_eq(action, STR("Warn")) ? POLICY_WARN
                                                  : POLICY_AUDIT);
        }
}

static void take_annotation(void *userdata, const struct policy *policy, struct str key,
                            struct str value) {
        struct dispatch *d = userdata;
        struct policy_audit *audit;

        (void)policy;
        for (size_t i = 0; i < d->collected.count; i++)
                if (str_eq(d->collected.items[i].key, key) &&
                    str_eq(d->collected.items[i].value, value))
                        return;
        audit = vec_push_in(d->arena, &d->collected);
        audit->key = key;
        audit->value = value;
}

/* Different values of one key, from several bindings or params, become one. */
static void publish_annotations(struct dispatch *d, const struct policy *policy) {
        for (size_t i = 0; i < d->collected.count; i++) {
                const struct policy_audit *first = &d->collected.items[i];
                struct policy_audit *made;
                bool seen = false;

                for (size_t k = 0; k < i && !seen; k++)
                        seen = str_eq(d->collected.items[k].key, first->key);
                if (seen)
                        continue;
                made = vec_push_in(d->arena, &d->admission->annotations);
                made->key = arena_printf(d->arena, "%.*s/%.*s", STR_ARG(policy->name),
                                         STR_ARG(first->key));
                made->value = first->value;
                for (size_t k = i + 1; k < d->collected.count; k++)
                        if (str_eq(d->collected.items[k].key, first->key))
                                made->value =
                                        arena_printf(d->arena, "%.*s, %.*s", STR_ARG(made->value),
                                                     STR_ARG(d->collected.items[k].value));
        }
        d->collected.count = 0;
}

bool policy_is_exempt(struct str group, struct str resource) {
        static const char *const resources[][2] = {
                { "admissionregistration.k8s.io", "validatingadmissionpolicies" },
                { "admissionregistration.k8s.io", "validatingadmissionpolicybindings" },
                { "admissionregistration.k8s.io", "mutatingadmissionpolicies" },
                { "admissionregistration.k8s.io", "mutatingadmissionpolicybindings" },
                { "authentication.k8s.io", "selfsubjectreviews" },
                { "authentication.k8s.io", "tokenreviews" },
                { "authorization.k8s.io", "localsubjectaccessreviews" },
                { "authorization.k8s.io", "selfsubjectaccessreviews" },
                { "authorization.k8s.io", "selfsubjectrulesreviews" },
                { "authorization.k8s.io", "subjectaccessreviews" },
        };

        for (size_t i = 0; i < ELEMENTS(resources); i++)
                if (str_eq(group, str_from(resources[i][0])) &&
                    str_eq(resource, str_from(resources[i][1])))
                        return true;
        return false;
}

/* Judges SUBJECT by POLICY as each of its bindings applies it. */
static void judge_policy(const struct policy *policy, const struct policy_subject *subject,
                         struct arena *arena, const struct policy_sink *sink) {
        if (!policy->bindings)
                policy_judge_bound(policy, NULL, subject, arena, sink);
        for (const struct policy_binding *binding = policy->bindings; binding;
             binding = binding->next)
                if (policy_binding_matches(binding, subject))
                        policy_judge_bound(policy, binding, subject, arena, sink);
}

static void admit(struct dispatch *d, const struct policy *policy) {
        const struct policy_sink sink = { .violation = take_violation,
                                          .annotation = take_annotation,
                                          .userdata = d,
                                          .cost = &d->admission->cost };

        if (!policy_definition_matches(policy, d->subject))
                return;
        judge_policy(policy, d->subject, d->arena, &sink);
        publish_annotations(d, policy);
}

void policy_admit_one(const struct policy *policy, const struct policy_subject *subject,
                      struct arena *arena, struct policy_admission *ret) {
        struct dispatch d = { .arena = arena, .admission = ret, .subject = subject };

        *ret = (struct policy_admission){ 0 };
        if (!policy_is_exempt(subject->group, subject->resource))
                admit(&d, policy);
}

void policy_admit(const struct policy_set *set, const struct policy_subject *subject,
                  struct arena *arena, struct policy_admission *ret) {
        struct dispatch d = { .arena = arena, .admission = ret, .subject = subject };

        *ret = (struct policy_admission){ 0 };
        if (policy_is_exempt(subject->group, subject->resource))
                return;
        for (size_t i = 0; i < set->policies.count; i++)
                admit(&d, set->policies.items[i]);
}

static void try_violation(void *userdata, const struct policy_violation *violation) {
        struct policy_trial *trial = userdata;
        const struct policy_binding *binding = violation->binding;

        if (!trial->failed && !trial->error)
                trial->message = violation->message;
        trial->failed |= !violation->error;
        trial->error |= violation->error;
        trial->deny |= !binding || binding->deny || violation->always;
        trial->warn |= binding && binding->warn;
}

void policy_try(const struct policy *policy, const struct policy_subject *subject,
                struct arena *arena, struct policy_trial *ret) {
        const struct policy_sink sink = { .violation = try_violation,
                                          .userdata = ret,
                                          .applied = &ret->applied };

        *ret = (struct policy_trial){ 0 };
        if (policy_definition_matches(policy, subject))
                judge_policy(policy, subject, arena, &sink);
}
