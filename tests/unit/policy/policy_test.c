#include "../test.h"

#include <errno.h>

#include "base/buf.h"
#include "base/util.h"
#include "policy/policy.h"

/* A policy set from text, and what it says about an object. */
struct world {
        struct policy_set set;
        struct arena arena;
        struct error error;
        struct buf seen; /* "message@line:column ..." of every violation */
};

static void world_free(struct world *world) {
        policy_set_free(&world->set);
        arena_free(&world->arena);
        buf_free(&world->seen);
}

static struct doc_source *source_of(struct world *world, const char *text) {
        struct doc_source *source = arena_new(&world->arena, struct doc_source);

        *source =
                (struct doc_source){ STR("rules.yaml"), arena_str(&world->arena, str_from(text)) };
        return source;
}

static int load(struct world *world, const char *text) {
        int r = policy_set_init(&world->set, 0, &world->error);

        if (r >= 0)
                r = policy_set_add_source(&world->set, source_of(world, text), &world->error);
        return r < 0 ? r : policy_set_finish(&world->set, &world->error);
}

static const struct doc_node *object_of(struct world *world, const char *text) {
        struct doc_reader reader;
        struct doc *doc = NULL;

        doc_reader_init(&reader, source_of(world, text), DOC_YAML, NULL);
        assert_int_equal(doc_read(&reader, &world->arena, &doc, NULL), 1);
        return doc->root;
}

static void note(void *userdata, const struct policy_violation *violation) {
        struct world *world = userdata;

        buf_printf(&world->seen, "%s%.*s@", world->seen.len ? " " : "",
                   STR_ARG(violation->message));
        for (size_t i = 0; i < violation->reason_count; i++)
                buf_printf(&world->seen, "%s%u:%u", i ? "," : "",
                           violation->reasons[i].node->start.line,
                           violation->reasons[i].node->start.column);
}

static struct policy_subject subject_of(const struct doc_node *object) {
        return (struct policy_subject){ .group = STR("apps"),
                                        .version = STR("v1"),
                                        .kind = STR("Deployment"),
                                        .resource = STR("deployments"),
                                        .subresource = STR(""),
                                        .namespace = STR("shop"),
                                        .name = doc_string(doc_find(object, "metadata", "name"),
                                                           STR("")),
                                        .namespaced = true,
                                        .operation = POLICY_CREATE,
                                        .object = object };
}

static const char *judge(struct world *world, const char *object) {
        struct policy_subject subject = subject_of(object_of(world, object));
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;

        buf_clear(&world->seen);
        buf_add(&world->seen, STR(""));
        for (size_t i = 0; i < world->set.policies.count; i++)
                if (policy_matches(world->set.policies.items[i], &subject))
                        policy_judge(world->set.policies.items[i], &subject, &scratch, note, world);
        return world->seen.data;
}

#define HEAD                                                                                       \
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: " \
        "{name: p}\n"                                                                              \
        "spec:\n"
#define MATCH                                                                                      \
        "  matchConstraints:\n    resourceRules:\n    - {apiGroups: [apps], apiVersions: [v1], "   \
        "operations: "                                                                             \
        "[CREATE], resources: [deployments]}\n"

static void messages_come_in_upstreams_order(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };

        assert_int_equal(load(&world, HEAD MATCH
                              "  validations:\n"
                              "  - expression: object.spec.replicas > 1\n"
                              "  - {expression: object.spec.replicas > 2, message: ' too few '}\n"
                              "  - expression: object.spec.replicas > 3\n"
                              "    message: static\n"
                              "    messageExpression: \"'has ' + string(object.spec.replicas)\"\n"
                              "  - expression: object.spec.replicas > 4\n"
                              "    message: fallback\n"
                              "    messageExpression: object.spec.missing + ''\n"),
                         0);
        assert_string_equal(judge(&world, "spec:\n  replicas: 1\n"),
                            "failed expression: object.spec.replicas > 1@2:13 too few@2:13 has "
                            "1@2:13 fallback@2:13");
        assert_string_equal(judge(&world, "spec:\n  replicas: 9\n"), "");
}

static void errors_are_violations_unless_ignored(void **state _unused_) {
        struct world fail _cleanup_(world_free) = { 0 }, ignore _cleanup_(world_free) = { 0 };

        assert_int_equal(
                load(&fail, HEAD MATCH "  validations: [{expression: object.spec.replicas > 1}]\n"),
                0);
        assert_string_equal(judge(&fail, "metadata: {name: d}\nspec:\n  paused: true\n"),
                            "expression 'object.spec.replicas > 1' resulted in error: no such key: "
                            "replicas@3:3");
        assert_int_equal(load(&ignore, HEAD MATCH
                              "  failurePolicy: Ignore\n"
                              "  validations: [{expression: object.spec.replicas > 1}]\n"),
                         0);
        assert_string_equal(judge(&ignore, "spec: {paused: true}\n"), "");
}

static void a_false_condition_outranks_one_that_fails(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };

        assert_int_equal(load(&world, HEAD MATCH
                              "  matchConditions:\n"
                              "  - {name: fails, expression: object.spec.missing == 1}\n"
                              "  - {name: decides, expression: object.spec.replicas == 1}\n"
                              "  validations: [{expression: 'false', message: nope}]\n"),
                         0);
        assert_string_equal(judge(&world, "spec: {replicas: 2}\n"), "");
        assert_non_null(strstr(judge(&world, "spec: {replicas: 1}\n"), "no such key: missing"));
}

static void variables_are_lazy_and_see_those_before_them(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };

        assert_int_equal(load(&world,
                              HEAD MATCH "  variables:\n"
                                         "  - {name: replicas, expression: object.spec.replicas}\n"
                                         "  - {name: twice, expression: variables.replicas * 2}\n"
                                         "  - {name: broken, expression: object.nowhere}\n"
                                         "  validations:\n"
                                         "  - expression: variables.twice > 4 || variables.broken\n"
                                         "    message: small\n"),
                         0);
        assert_string_equal(judge(&world, "spec:\n  replicas: 3\n"), "");
}

static void a_variable_does_not_see_those_behind_it(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };

        assert_int_equal(load(&world, HEAD MATCH "  variables:\n"
                                                 "  - {name: a, expression: variables.b}\n"
                                                 "  - {name: b, expression: '1'}\n"
                                                 "  validations: [{expression: 'true'}]\n"),
                         -EINVAL);
        assert_int_equal(world.error.line, 9);
}

static void request_and_namespace_are_typed(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 }, wrong _cleanup_(world_free) = { 0 };

        assert_int_equal(load(&world,
                              HEAD MATCH "  validations:\n"
                                         "  - expression: request.operation == 'CREATE' && "
                                         "request.kind.kind == 'Deployment' && "
                                         "request.namespace == 'shop' && oldObject == null\n"),
                         0);
        assert_string_equal(judge(&world, "metadata: {name: d}\n"), "");
        assert_int_equal(
                load(&wrong, HEAD MATCH "  validations: [{expression: request.uid == ''}]\n"),
                -EINVAL);
        assert_non_null(strstr(wrong.error.message, "undefined field"));
}

static void faults_in_expressions_have_their_place_in_the_file(void **state _unused_) {
        static const struct {
                const char *text;
                uint32_t line, column;
        } cases[] = {
                { HEAD MATCH "  validations:\n  - expression: 1 + 'x' == 2\n", 9, 19 },
                { HEAD MATCH "  validations:\n  - expression: \"1 + 'x' == 2\"\n", 9, 20 },
                { HEAD MATCH
                  "  validations:\n  - expression: |\n      true &&\n        undeclared\n",
                  11, 9 },
                { HEAD MATCH
                  "  validations:\n  - expression: >-\n      true &&\n      undeclared\n",
                  11, 7 },
                { HEAD MATCH "  validations:\n  - expression: true &&\n      undeclared\n", 10, 7 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world world _cleanup_(world_free) = { 0 };

                assert_int_equal(load(&world, cases[i].text), -EINVAL);
                assert_string_equal(world.error.file, "rules.yaml");
                if (world.error.line != cases[i].line || world.error.column != cases[i].column)
                        fail_msg("case %zu: %u:%u: %s", i, world.error.line, world.error.column,
                                 world.error.message);
        }
}

static void malformed_policies_are_refused_with_their_place(void **state _unused_) {
        static const struct {
                const char *text, *message;
                uint32_t line;
        } cases[] = {
                { HEAD "  validations: [{expression: 'true'}]\n", "matchConstraints", 5 },
                { HEAD MATCH "  matchCondition: []\n  validations: [{expression: 'true'}]\n",
                  "did you mean \"matchConditions\"?", 8 },
                { HEAD MATCH, "needs validations", 5 },
                { HEAD MATCH "  validations: [{expression: '1'}]\n", "must evaluate to bool", 8 },
                { HEAD MATCH "  validations: [{expression: object.a}]\n", "must evaluate to bool",
                  8 },
                { HEAD MATCH "  validations: [{expression: 'true', messageExpression: '1'}]\n",
                  "must evaluate to string", 8 },
                { HEAD MATCH "  failurePolicy: Maybe\n  validations: [{expression: 'true'}]\n",
                  "failurePolicy", 5 },
                { HEAD MATCH "  validations: [{expression: params.a == 1}]\n", "params", 8 },
                { HEAD "  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], "
                       "operations: [READ], "
                       "resources: [pods]}]}\n  validations: [{expression: 'true'}]\n",
                  "\"READ\" is no operation", 5 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world world _cleanup_(world_free) = { 0 };

                if (load(&world, cases[i].text) != -EINVAL ||
                    !strstr(world.error.message, cases[i].message) ||
                    world.error.line != cases[i].line)
                        fail_msg("case %zu: %u: %s", i, world.error.line, world.error.message);
        }
}

static bool matches(struct world *world, struct policy_subject subject) {
        return policy_matches(world->set.policies.items[0], &subject);
}

static void resource_rules_match_as_upstream_does(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 }, exact _cleanup_(world_free) = { 0 };
        struct policy_subject subject;

        assert_int_equal(
                load(&world, HEAD
                     "  matchConstraints:\n    resourceRules:\n"
                     "    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], "
                     "resources: "
                     "[deployments, pods/exec], scope: Namespaced}\n"
                     "    excludeResourceRules:\n"
                     "    - {apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: "
                     "['*'], resourceNames: [spared]}\n"
                     "  validations: [{expression: 'true'}]\n"),
                0);
        subject = subject_of(object_of(&world, "metadata: {name: d}\n"));
        assert_true(matches(&world, subject));
        subject.operation = POLICY_UPDATE;
        assert_false(matches(&world, subject));
        subject.operation = POLICY_CREATE;
        subject.subresource = STR("scale"); /* "deployments" does not stand for its subresources */
        assert_false(matches(&world, subject));
        subject.subresource = STR("");
        subject.namespaced = false;
        assert_false(matches(&world, subject));
        subject.namespaced = true;
        subject.name = STR("spared");
        assert_false(matches(&world, subject));
        subject.name = STR("d");
        subject.group = STR("extensions"); /* matchPolicy Equivalent: the server converts */
        subject.version = STR("v1beta1");
        assert_true(matches(&world, subject));

        assert_int_equal(load(&exact, HEAD
                              "  matchConstraints:\n    matchPolicy: Exact\n    resourceRules:\n"
                              "    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], "
                              "resources: "
                              "[deployments]}\n  validations: [{expression: 'true'}]\n"),
                         0);
        assert_false(matches(&exact, subject));
}

static void selectors_and_bindings_narrow_down(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };
        struct policy_subject subject;

        assert_int_equal(
                load(&world, HEAD
                     "  matchConstraints:\n    objectSelector: {matchLabels: {tier: web}}\n"
                     "    resourceRules:\n    - {apiGroups: [apps], apiVersions: [v1], operations: "
                     "['*'], "
                     "resources: ['*']}\n  validations: [{expression: 'true'}]\n---\n"
                     "apiVersion: admissionregistration.k8s.io/v1\nkind: "
                     "ValidatingAdmissionPolicyBinding\n"
                     "metadata: {name: b}\nspec:\n  policyName: p\n  validationActions: [Deny]\n"
                     "  matchResources:\n    namespaceSelector:\n      matchExpressions:\n"
                     "      - {key: kubernetes.io/metadata.name, operator: In, values: [shop]}\n"),
                0);
        subject = subject_of(object_of(&world, "metadata: {name: d, labels: {tier: web}}\n"));
        assert_true(matches(&world, subject));
        subject.namespace = STR("elsewhere");
        assert_false(matches(&world, subject));
        subject.namespace = STR("shop");
        subject.object = object_of(&world, "metadata: {name: d, labels: {tier: db}}\n");
        assert_false(matches(&world, subject));
}

static void bindings_without_their_policy_are_told(void **state _unused_) {
        struct world world _cleanup_(world_free) = { 0 };

        assert_int_equal(load(&world,
                              "apiVersion: admissionregistration.k8s.io/v1\n"
                              "kind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\nspec:\n"
                              "  policyName: nowhere\n  validationActions: [Deny]\n"),
                         -ENOENT);
        assert_non_null(strstr(world.error.message, "nowhere"));
}

static bool says_yes(const struct cel_authorizer *authorizer _unused_,
                     const struct cel_authorizer_request *request, struct arena *scratch _unused_,
                     struct str *ret_reason) {
        *ret_reason = STR("because");
        return str_eq(request->verb, STR("create")) &&
               str_eq(request->resource, STR("deployments"));
}

static void the_authorizer_is_there_for_expressions_but_not_for_messages(void **state _unused_) {
        static const char rule[] = HEAD MATCH
                "  variables:\n"
                "  - {name: may, expression: authorizer.requestResource.check('create')}\n"
                "  validations:\n"
                "  - expression: variables.may.allowed() && variables.may.reason() == 'because'\n"
                "  - expression: authorizer.requestResource.check('delete').allowed()\n"
                "    message: may not\n"
                "    messageExpression: \"'may: ' + string(variables.may.allowed())\"\n";
        static const struct cel_authorizer authorizer = { says_yes };
        const struct policy_user user = { .authorizer = &authorizer };
        struct world world _cleanup_(world_free) = { 0 }, other _cleanup_(world_free) = { 0 };
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;
        struct policy_subject subject;

        assert_int_equal(load(&world, rule), 0);
        subject = subject_of(object_of(&world, "metadata: {name: a}\n"));
        subject.user = &user;
        policy_judge(world.set.policies.items[0], &subject, &scratch, note, &world);
        assert_non_null(strstr(world.seen.data, "may not@"));
        assert_null(strstr(world.seen.data, "because"));
        /* compiler of k8s.io/apiserver: a messageExpression has HasAuthorizer: false. */
        assert_int_equal(
                load(&other, HEAD MATCH
                     "  validations:\n"
                     "  - expression: 'false'\n"
                     "    messageExpression: authorizer.path('/x').check('get').reason()\n"),
                -EINVAL);
        assert_non_null(strstr(other.error.message, "undeclared reference to 'authorizer'"));
}

/* What a variable holds is known to others only where it is simple: upstream tells their checker
 * that objects, optionals and library types are dyn. */
static void variables_of_object_types_are_dyn(void **state _unused_) {
        static const struct {
                const char *variable, *validation;
                int result;
        } cases[] = {
                { "request", "variables.v.nope == 1", 0 },
                { "\"[request]\"", "variables.v[0].nope == 1", 0 },
                { "\"{'a': object.?spec}\"", "variables.v.a.nope == 1", 0 },
                { "type(1)", "variables.v == 1", 0 },
                { "request.name", "variables.v == 1", -EINVAL },
                { "\"[request.name]\"", "variables.v[0] == 1", -EINVAL },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world world _cleanup_(world_free) = { 0 };
                struct str text =
                        arena_printf(&world.arena,
                                     HEAD MATCH "  variables: [{name: v, expression: %s}]\n"
                                                "  validations:\n  - expression: %s\n",
                                     cases[i].variable, cases[i].validation);

                assert_int_equal(load(&world, text.ptr), cases[i].result);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(messages_come_in_upstreams_order),
                cmocka_unit_test(errors_are_violations_unless_ignored),
                cmocka_unit_test(a_false_condition_outranks_one_that_fails),
                cmocka_unit_test(variables_are_lazy_and_see_those_before_them),
                cmocka_unit_test(a_variable_does_not_see_those_behind_it),
                cmocka_unit_test(request_and_namespace_are_typed),
                cmocka_unit_test(faults_in_expressions_have_their_place_in_the_file),
                cmocka_unit_test(malformed_policies_are_refused_with_their_place),
                cmocka_unit_test(resource_rules_match_as_upstream_does),
                cmocka_unit_test(selectors_and_bindings_narrow_down),
                cmocka_unit_test(bindings_without_their_policy_are_told),
                cmocka_unit_test(the_authorizer_is_there_for_expressions_but_not_for_messages),
                cmocka_unit_test(variables_of_object_types_are_dyn),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
