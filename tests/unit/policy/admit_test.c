#include "../test.h"

#include "base/buf.h"
#include "base/util.h"
#include "policy/admit.h"
#include "policy/export.h"

/* Expected answers are those of Kubernetes' dispatcher (tests/oracle/admission.py compares more).
 */
struct world {
        struct policy_set set;
        struct arena arena;
        struct error error;
        struct policy_admission admission;
};

static void world_free(struct world *world) {
        policy_set_free(&world->set);
        arena_free(&world->arena);
}

static const struct doc_node *object_of(struct world *world, const char *text) {
        struct doc_source *source = arena_new(&world->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc = NULL;

        *source = (struct doc_source){ STR("object.yaml"), str_from(text) };
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        assert_int_equal(doc_read(&reader, &world->arena, &doc, NULL), 1);
        return doc->root;
}

static int load(struct world *world, const char *text) {
        struct doc_source *source = arena_new(&world->arena, struct doc_source);
        int r = policy_set_init(&world->set, 0, &world->error);

        *source = (struct doc_source){ STR("rules.yaml"), str_from(text) };
        if (r >= 0)
                r = policy_set_add_source(&world->set, source, &world->error);
        return r < 0 ? r : policy_set_finish(&world->set, &world->error);
}

static struct policy_subject subject_of(const struct doc_node *object) {
        return (struct policy_subject){ .group = STR("apps"),
                                        .version = STR("v1"),
                                        .kind = STR("Deployment"),
                                        .resource = STR("deployments"),
                                        .subresource = STR(""),
                                        .namespace = STR("shop"),
                                        .name = STR("web"),
                                        .namespaced = true,
                                        .operation = POLICY_CREATE,
                                        .object = object };
}

static const struct policy_admission *admit(struct world *world,
                                            const struct policy_subject *subject) {
        policy_admit(&world->set, subject, &world->arena, &world->admission);
        return &world->admission;
}

static const struct policy_admission *admit_text(struct world *world, const char *object) {
        struct policy_subject subject = subject_of(object_of(world, object));

        return admit(world, &subject);
}

#define POLICY                                                                                     \
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\n"           \
        "metadata: {name: p}\nspec:\n  matchConstraints:\n    resourceRules:\n"                    \
        "    - {apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*']}\n"
#define BINDING                                                                                    \
        "---\napiVersion: admissionregistration.k8s.io/v1\n"                                       \
        "kind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\nspec:\n  policyName: p\n"
#define PARAMS                                                                                     \
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: shop, labels: " \
        "{use: 'yes'}}\ndata: {most: '3'}\n"                                                       \
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: small, namespace: shop, labels: "  \
        "{use: 'yes'}}\ndata: {most: '1'}\n"                                                       \
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: other}\n"       \
        "data: {most: '9'}\n"
#define BOUNDED                                                                                    \
        "  paramKind: {apiVersion: v1, kind: ConfigMap}\n  validations:\n"                         \
        "  - expression: object.spec.replicas <= int(params.data.most)\n"                          \
        "    messageExpression: \"'at most ' + params.data.most\"\n"                               \
        "    reason: Forbidden\n"

#define assert_text(s, text)                                                                       \
        assert_string_equal(arena_printf(&world.arena, "%.*s", STR_ARG(s)).ptr, text)

static void a_refusal_names_policy_binding_and_reason(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };
        const struct policy_admission *a;

        assert_int_equal(load(&world, POLICY BOUNDED BINDING
                              "  validationActions: [Deny]\n"
                              "  paramRef: {name: limits, parameterNotFoundAction: Deny}\n" PARAMS),
                         0);
        assert_false(admit_text(&world, "spec: {replicas: 3}")->denied);
        a = admit_text(&world, "spec: {replicas: 4}");
        assert_true(a->denied);
        assert_int_equal(a->code, 403);
        assert_text(a->reason, "Forbidden");
        assert_text(a->message,
                    "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'p' with "
                    "binding 'b' denied request: at most 3");
}

static void each_selected_param_is_judged_by_itself(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };

        assert_int_equal(load(&world, POLICY BOUNDED BINDING
                              "  validationActions: [Warn]\n"
                              "  paramRef: {selector: {matchLabels: {use: 'yes'}}, "
                              "parameterNotFoundAction: Deny}\n" PARAMS),
                         0);
        assert_int_equal(admit_text(&world, "spec: {replicas: 1}")->warnings.count, 0);
        assert_int_equal(admit_text(&world, "spec: {replicas: 2}")->warnings.count, 1);
        assert_int_equal(admit_text(&world, "spec: {replicas: 9}")->warnings.count, 2);
        assert_false(world.admission.denied);
        assert_text(world.admission.warnings.items[0],
                    "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': at most "
                    "3");
}

static void params_that_are_missing_refuse_or_pass_as_the_binding_says(void **state _unused_) {
        static const struct {
                const char *rules;
                const char *message; /* NULL: allowed */
        } cases[] = {
                { POLICY BOUNDED BINDING "  validationActions: [Audit]\n  paramRef: {name: none, "
                                         "parameterNotFoundAction: Deny}\n" PARAMS,
                  "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'p' with "
                  "binding "
                  "'b' denied request: failed to configure binding: no params found for policy "
                  "binding with `Deny` parameterNotFoundAction" },
                { POLICY BOUNDED BINDING "  validationActions: [Deny]\n  paramRef: {name: none, "
                                         "parameterNotFoundAction: Allow}\n" PARAMS,
                  NULL },
                { POLICY
                  "  failurePolicy: Ignore\n" BOUNDED BINDING
                  "  validationActions: [Deny]\n  paramRef: {name: none, parameterNotFoundAction: "
                  "Deny}\n",
                  NULL },
                { POLICY BOUNDED BINDING
                  "  validationActions: [Deny]\n  paramRef: {name: limits, "
                  "namespace: other, parameterNotFoundAction: Deny}\n" PARAMS,
                  NULL },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world world _cleanup_(world_free) = { 0 };
                const struct policy_admission *a;

                assert_int_equal(load(&world, cases[i].rules), 0);
                a = admit_text(&world, "spec: {replicas: 5}");
                assert_int_equal(a->denied, cases[i].message != NULL);
                if (cases[i].message)
                        assert_text(a->message, cases[i].message);
        }
}

static void audit_annotations_are_joined_and_empty_ones_left_out(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };
        const struct policy_admission *a;

        assert_int_equal(load(&world,
                              POLICY "  paramKind: {apiVersion: v1, kind: ConfigMap}\n"
                                     "  auditAnnotations:\n"
                                     "  - {key: most, valueExpression: params.data.most + ''}\n"
                                     "  - {key: blank, valueExpression: \"'  '\"}\n"
                                     "  - {key: none, valueExpression: 'null'}\n" BINDING
                                     "  validationActions: [Audit]\n"
                                     "  paramRef: {selector: {}, namespace: shop, "
                                     "parameterNotFoundAction: Deny}\n" PARAMS),
                         0);
        a = admit_text(&world, "spec: {}");
        assert_false(a->denied);
        assert_int_equal(a->annotations.count, 1);
        assert_text(a->annotations.items[0].key, "p/most");
        assert_text(a->annotations.items[0].value, "3, 1");
}

static void what_audit_writes_is_the_servers_own_annotation(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };
        const struct policy_admission *a;

        assert_int_equal(load(&world, POLICY
                              "  validations: [{expression: 'false', message: a<b}]\n" BINDING
                              "  validationActions: [Audit]\n"),
                         0);
        a = admit_text(&world, "spec: {}");
        assert_false(a->denied);
        assert_text(a->annotations.items[0].key,
                    "validation.policy.admission.k8s.io/validation_failure");
        assert_text(a->annotations.items[0].value,
                    "[{\"message\":\"a\\u003cb\",\"policy\":\"p\",\"binding\":\"b\","
                    "\"expressionIndex\":0,\"validationActions\":[\"Audit\"]}]");
}

static void what_is_deleted_is_the_old_object(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };
        struct policy_subject subject;

        assert_int_equal(load(&world, POLICY "    objectSelector: {matchLabels: {keep: 'yes'}}\n"
                                             "  validations:\n"
                                             "  - {expression: 'object != null', message: gone}\n"),
                         0);
        subject = subject_of(NULL);
        subject.operation = POLICY_DELETE;
        subject.old_object = object_of(&world, "metadata: {labels: {keep: 'yes'}}");
        assert_true(admit(&world, &subject)->denied);
        subject.old_object = object_of(&world, "metadata: {labels: {keep: 'no'}}");
        assert_false(admit(&world, &subject)->denied);
}

static void fields_of_the_request_that_are_empty_are_absent(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };
        const struct str groups[] = { STR_INIT("dev") };
        const struct policy_user user = { .name = STR("alice"),
                                          .groups = groups,
                                          .group_count = 1 };
        struct policy_subject subject;

        assert_int_equal(load(&world,
                              POLICY "  validations:\n"
                                     "  - expression: '!has(request.subResource)'\n"
                                     "  - expression: \"request.userInfo.username == 'alice'\"\n"
                                     "  - expression: \"'dev' in request.userInfo.groups\"\n"
                                     "  - expression: '!has(request.userInfo.extra)'\n"),
                         0);
        subject = subject_of(object_of(&world, "spec: {}"));
        subject.user = &user;
        assert_int_equal(admit(&world, &subject)->violations.count, 0);
        subject.user = NULL;
        subject.subresource = STR("scale");
        assert_int_equal(admit(&world, &subject)->violations.count, 3);
}

static void match_conditions_see_no_namespace_and_no_variables(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 }, refused _cleanup_(world_free) = { 0 };
        struct policy_subject subject;

        assert_int_equal(
                load(&world,
                     POLICY "  matchConditions: [{name: c, expression: namespaceObject == null}]\n"
                            "  validations: [{expression: namespaceObject == null}]\n"),
                0);
        subject = subject_of(object_of(&world, "spec: {}"));
        subject.namespace_object = object_of(&world, "metadata: {name: shop}");
        assert_int_equal(admit(&world, &subject)->violations.count, 1);
        assert_int_equal(load(&refused,
                              POLICY "  variables: [{name: v, expression: 'true'}]\n"
                                     "  matchConditions: [{name: c, expression: variables.v}]\n"
                                     "  validations: [{expression: 'true'}]\n"),
                         -EINVAL);
}

static void errors_of_several_conditions_are_listed_once_each(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };

        assert_int_equal(load(&world, POLICY "  matchConditions:\n"
                                             "  - {name: a, expression: object.x == 1}\n"
                                             "  - {name: b, expression: object.y == 1}\n"
                                             "  - {name: c, expression: object.x == 1}\n"
                                             "  validations: [{expression: 'true'}]\n"),
                         0);
        assert_text(admit_text(&world, "spec: {}")->violations.items[0].message,
                    "[expression 'object.x == 1' resulted in error: no such key: x, expression "
                    "'object.y == 1' resulted in error: no such key: y]");
}

static void exported_rules_judge_templates(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 }, exported _cleanup_(world_free) = { 0 };
        const struct str deny = STR("Deny");
        const struct policy_export_options options = { &deny, 1, STR("team=shop,!old") };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct policy_subject subject;
        size_t left_out;

        assert_int_equal(load(&world,
                              "apiVersion: admissionregistration.k8s.io/v1\n"
                              "kind: ValidatingAdmissionPolicy\nmetadata: {name: p, annotations: "
                              "{redoubt.io/judge: pod-templates}}\nspec:\n  matchConstraints:\n"
                              "    resourceRules: [{apiGroups: [''], apiVersions: [v1], "
                              "operations: [CREATE], "
                              "resources: [pods]}]\n"
                              "  matchConditions: [{name: c, expression: has(object.spec)}]\n"
                              "  validations: [{expression: \"object.spec.hostNetwork == false || "
                              "object.metadata.object == 'object'\"}]\n"),
                         0);
        assert_int_equal(policy_export(&text, &world.set, &options, &left_out, &world.error), 0);
        assert_int_equal(load(&exported, arena_str(&exported.arena, buf_str(&text)).ptr), 0);
        subject = subject_of(object_of(
                &exported, "spec: {template: {metadata: {object: x}, spec: {hostNetwork: true}}}"));
        subject.namespace_object =
                object_of(&exported, "metadata: {name: shop, labels: {team: shop}}");
        assert_true(admit(&exported, &subject)->denied);
        subject.object = object_of(
                &exported,
                "spec: {template: {metadata: {object: object}, spec: {hostNetwork: true}}}");
        assert_false(admit(&exported, &subject)->denied);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_names_policy_binding_and_reason),
        cmocka_unit_test(each_selected_param_is_judged_by_itself),
        cmocka_unit_test(params_that_are_missing_refuse_or_pass_as_the_binding_says),
        cmocka_unit_test(audit_annotations_are_joined_and_empty_ones_left_out),
        cmocka_unit_test(what_audit_writes_is_the_servers_own_annotation),
        cmocka_unit_test(what_is_deleted_is_the_old_object),
        cmocka_unit_test(fields_of_the_request_that_are_empty_are_absent),
        cmocka_unit_test(match_conditions_see_no_namespace_and_no_variables),
        cmocka_unit_test(errors_of_several_conditions_are_listed_once_each),
        cmocka_unit_test(exported_rules_judge_templates),
};

int main(void) {
        return cmocka_run_group_tests(tests, NULL, NULL);
}
