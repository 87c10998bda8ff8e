/*
 * Type checking of policies. The warnings in the table were written by the code of Kubernetes 1.36
 * (but for the random number in the names of types).
 */
#include "../test.h"

#include "base/buf.h"
#include "base/util.h"
#include "policy/typecheck.h"

static const char widgets[] =
        "apiVersion: apiextensions.k8s.io/v1\n"
        "kind: CustomResourceDefinition\n"
        "metadata: {name: widgets.example.com}\n"
        "spec:\n"
        "  group: example.com\n"
        "  scope: Namespaced\n"
        "  names: {plural: widgets, singular: widget, kind: Widget}\n"
        "  versions:\n"
        "  - name: v1\n"
        "    served: true\n"
        "    storage: true\n"
        "    schema:\n"
        "      openAPIV3Schema:\n"
        "        type: object\n"
        "        properties:\n"
        "          spec:\n"
        "            type: object\n"
        "            properties:\n"
        "              dash-ed: {type: string}\n"
        "              namespace: {type: string}\n"
        "              a__b: {type: integer}\n"
        "              port: {x-kubernetes-int-or-string: true}\n"
        "              open: {type: object, x-kubernetes-preserve-unknown-fields: true}\n"
        "              at: {type: string, format: date-time}\n"
        "              sizes: {type: array, items: {type: object, properties: {n: {type: "
        "integer}}}}\n";

struct world {
        struct policy_set set;
        struct structure_set custom;
        struct policy_typechecker *checker;
        struct arena arena;
        struct error error;
};

static void world_free(struct world *world) {
        policy_typechecker_free(world->checker);
        policy_set_free(&world->set);
        structure_set_free(&world->custom);
        arena_free(&world->arena);
}

static struct doc_source *source_of(struct world *world, struct str text) {
        struct doc_source *source = arena_new(&world->arena, struct doc_source);

        *source = (struct doc_source){ STR("rules.yaml"), arena_str(&world->arena, text) };
        return source;
}

/* The one policy of TEXT. */
static const struct policy *load(struct world *world, struct str text) {
        struct doc_reader reader;
        struct doc *doc;

        assert_int_equal(policy_set_init(&world->set, 0, &world->error), 0);
        if (policy_set_add_source(&world->set, source_of(world, text), &world->error) < 0)
                fail_msg("%s", world->error.message);
        doc_reader_init(&reader, source_of(world, str_from(widgets)), DOC_YAML, NULL);
        assert_int_equal(doc_read(&reader, &world->arena, &doc, &world->error), 1);
        assert_int_equal(structure_set_add(&world->custom, doc->root), 1);
        assert_int_equal(
                policy_typechecker_new(&world->set, &world->custom, &world->checker, &world->error),
                0);
        return world->set.policies.items[0];
}

/* The warnings about the one policy of TEXT. */
static void check(struct world *world, struct str text, struct policy_type_warnings *ret) {
        const struct policy *policy = load(world, text);

        policy_typecheck(world->checker, policy, &world->arena, ret);
}

/* A policy about RESOURCES ("apps/v1/deployments /v1/pods") with VARIABLES ("a=1; b=2") and one
 * validation. */
static void write_policy(struct buf *buf, const char *resources, const char *variables,
                         const char *expression) {
        struct str rest = str_from(resources), part, group, version;

        buf_add(buf, STR("apiVersion: admissionregistration.k8s.io/v1\n"
                         "kind: ValidatingAdmissionPolicy\n"
                         "metadata: {name: p}\n"
                         "spec:\n"
                         "  matchConstraints:\n"
                         "    resourceRules:\n"));
        while (str_split(&rest, ' ', &part)) {
                assert_true(str_split(&part, '/', &group) && str_split(&part, '/', &version));
                buf_printf(buf,
                           "    - {apiGroups: ['%.*s'], apiVersions: ['%.*s'], operations: "
                           "[CREATE], resources: ['%.*s']}\n",
                           STR_ARG(group), STR_ARG(version), STR_ARG(part));
        }
        if (strstr(expression, "params"))
                buf_add(buf, STR("  paramKind: {apiVersion: v1, kind: ConfigMap}\n"));
        buf_add(buf, STR("  variables:\n"));
        for (rest = str_from(variables); rest.len > 0 && str_split(&rest, ';', &part);) {
                assert_true(str_split(&part, '=', &group));
                group = str_trim(group);
                buf_printf(buf, "  - {name: %.*s, expression: %.*s}\n", STR_ARG(group),
                           STR_ARG(part));
        }
        buf_printf(buf, "  validations:\n  - expression: |-\n      %s\n", expression);
}

static void warnings_read_as_in_kubernetes(void **state _unused_) {
        static const struct {
                const char *resources, *variables, *expression, *warning;
        } cases[] = {
                { "apps/v1/deployments", "", "object.spec.replicsa < 5",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replicsa'\n"
                  " | object.spec.replicsa < 5\n"
                  " | ...........^\n" },
                { "apps/v1/deployments", "", "object.spec.replicas == null || object.spec == null",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for "
                  "'_==_' applied to '(int, null)'\n"
                  " | object.spec.replicas == null || object.spec == null\n"
                  " | .....................^\n" },
                { "apps/v1/deployments", "", "object.spec == 1",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:13: found no matching overload for "
                  "'_==_' applied to '(Deployment.spec, int)'\n"
                  " | object.spec == 1\n"
                  " | ............^\n" },
                { "apps/v1/deployments", "",
                  "object.spec.template.spec.containers.all(c, c.image.size() > c.name)",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:60: found no matching overload for "
                  "'_>_' applied to '(int, string)'\n"
                  " | object.spec.template.spec.containers.all(c, c.image.size() > c.name)\n"
                  " | ...........................................................^\n" },
                { "apps/v1/deployments", "",
                  "object.spec.template.spec.containers[0].resources.limits['cpu'] == '1'",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:50: undefined field 'limits'\n"
                  " | object.spec.template.spec.containers[0].resources.limits['cpu'] == '1'\n"
                  " | .................................................^\n" },
                { "apps/v1/deployments", "", "object.spec.strategy.rollingUpdate.maxSurge == 1",
                  "" },
                { "apps/v1/deployments", "",
                  "object.metadata.namespace == object.metadata.__namespace__ && "
                  "object.metadata.creationTimestamp == 'x'",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:97: found no matching overload for "
                  "'_==_' applied to '(timestamp, string)'\n"
                  " | object.metadata.namespace == object.metadata.__namespace__ && "
                  "object.metadata.creationTimestamp == 'x'\n"
                  " | "
                  "................................................................................"
                  "................^\n" },
                { "apps/v1/deployments", "",
                  "oldObject.spec.?selector.matchLabels.orValue({}) == 1",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:50: found no matching overload for "
                  "'_==_' applied to '(map(string, string), int)'\n"
                  " | oldObject.spec.?selector.matchLabels.orValue({}) == 1\n"
                  " | .................................................^\n" },
                { "apps/v1/deployments", "v=object.spec.replicas; w=object.spec",
                  "variables.v == 'a' || variables.w.nope == 1",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:13: found no matching overload for "
                  "'_==_' applied to '(int, string)'\n"
                  " | variables.v == 'a' || variables.w.nope == 1\n"
                  " | ............^\n" },
                { "apps/v1/deployments", "bad=object.nope", "variables.bad.x == 1", "" },
                { "apps/v1/deployments", "", "authorizer.requestResource.check('get').allowed()",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:11: unexpected failed resolution of "
                  "'kubernetes.authorization.Authorizer'\n"
                  " | authorizer.requestResource.check('get').allowed()\n"
                  " | ..........^\n" },
                { "/v1/configmaps", "", "params.data.x == 1 || params.nope == object",
                  "/v1, Kind=ConfigMap: ERROR: <input>:1:15: found no matching overload for '_==_' "
                  "applied to '(string, int)'\n"
                  " | params.data.x == 1 || params.nope == object\n"
                  " | ..............^\n"
                  "ERROR: <input>:1:29: undefined field 'nope'\n"
                  " | params.data.x == 1 || params.nope == object\n"
                  " | ............................^\n" },
                { "/v1/deployments", "", "object.nope == 1",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'nope'\n"
                  " | object.nope == 1\n"
                  " | ......^\n" },
                { "apps/v1/deployment /v1/Pods", "", "object.nope == 1",
                  "/v1, Kind=Pod: ERROR: <input>:1:7: undefined field 'nope'\n"
                  " | object.nope == 1\n"
                  " | ......^\n"
                  "\n"
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'nope'\n"
                  " | object.nope == 1\n"
                  " | ......^\n" },
                { "*/v1/pods apps/*/deployments apps/v1/deployments/scale nope/v1/pods", "",
                  "object.nope == 1", "" },
                { "apiextensions.k8s.io/v1/customresourcedefinitions", "",
                  "object.spec.versions[0].schema.openAPIV3Schema.properties['a'].type == 'x'",
                  "apiextensions.k8s.io/v1, Kind=CustomResourceDefinition: ERROR: <input>:1:63: "
                  "undefined field 'type'\n"
                  " | object.spec.versions[0].schema.openAPIV3Schema.properties['a'].type == 'x'\n"
                  " | ..............................................................^\n" },
                { "example.com/v1/widgets", "",
                  "object.spec.dash__ed == '' || object.spec.dash__dash__ed == 1 || "
                  "object.spec.namespace == 1 || object.spec.a__underscores__b == ''",
                  "example.com/v1, Kind=Widget: ERROR: <input>:1:12: undefined field 'dash__ed'\n"
                  " | object.spec.dash__ed == '' || object.spec.dash__dash__ed == 1 || "
                  "object.spec.namespace == 1 || object.spec.a__underscores__b == ''\n"
                  " | ...........^\n"
                  "ERROR: <input>:1:58: found no matching overload for '_==_' applied to '(string, "
                  "int)'\n"
                  " | object.spec.dash__ed == '' || object.spec.dash__dash__ed == 1 || "
                  "object.spec.namespace == 1 || object.spec.a__underscores__b == ''\n"
                  " | .........................................................^\n"
                  "ERROR: <input>:1:88: found no matching overload for '_==_' applied to '(string, "
                  "int)'\n"
                  " | object.spec.dash__ed == '' || object.spec.dash__dash__ed == 1 || "
                  "object.spec.namespace == 1 || object.spec.a__underscores__b == ''\n"
                  " | "
                  "................................................................................"
                  ".......^\n"
                  "ERROR: <input>:1:126: found no matching overload for '_==_' applied to '(int, "
                  "string)'\n"
                  " | object.spec.dash__ed == '' || object.spec.dash__dash__ed == 1 || "
                  "object.spec.namespace == 1 || object.spec.a__underscores__b == ''\n"
                  " | "
                  "................................................................................"
                  ".............................................^\n" },
                { "example.com/v1/widgets", "",
                  "object.spec.port == 1 || object.spec.open.x == 1 || object.spec.at == '' || "
                  "object.spec.sizes[0] == ''",
                  "example.com/v1, Kind=Widget: ERROR: <input>:1:42: undefined field 'x'\n"
                  " | object.spec.port == 1 || object.spec.open.x == 1 || object.spec.at == '' || "
                  "object.spec.sizes[0] == ''\n"
                  " | .........................................^\n"
                  "ERROR: <input>:1:68: found no matching overload for '_==_' applied to "
                  "'(timestamp, string)'\n"
                  " | object.spec.port == 1 || object.spec.open.x == 1 || object.spec.at == '' || "
                  "object.spec.sizes[0] == ''\n"
                  " | ...................................................................^\n"
                  "ERROR: <input>:1:98: found no matching overload for '_==_' applied to "
                  "'(Widget.spec.sizes.@idx, string)'\n"
                  " | object.spec.port == 1 || object.spec.open.x == 1 || object.spec.at == '' || "
                  "object.spec.sizes[0] == ''\n"
                  " | "
                  "................................................................................"
                  ".................^\n" },
                { "example.com/v1/widgets apps/v1/deployments", "", "object.spec.replicas == 'x'",
                  "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for "
                  "'_==_' applied to '(int, string)'\n"
                  " | object.spec.replicas == 'x'\n"
                  " | .....................^\n"
                  "\n"
                  "example.com/v1, Kind=Widget: ERROR: <input>:1:12: undefined field 'replicas'\n"
                  " | object.spec.replicas == 'x'\n"
                  " | ...........^\n" },
                { "/v1/pods", "", "'%d'.format([object.metadata.name]) == ''",
                  "/v1, Kind=Pod: ERROR: <input>:1:29: error during formatting: decimal clause can "
                  "only be used on integers, was given string\n"
                  " | '%d'.format([object.metadata.name]) == ''\n"
                  " | ............................^\n" },

        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world world _cleanup_(world_free) = { 0 };
                struct buf text _cleanup_(buf_free) = BUF_INIT;
                struct policy_type_warnings warnings;

                write_policy(&text, cases[i].resources, cases[i].variables, cases[i].expression);
                check(&world, buf_str(&text), &warnings);
                if (cases[i].warning[0] == 0) {
                        assert_int_equal(warnings.items.count, 0);
                        continue;
                }
                assert_int_equal(warnings.items.count, 1);
                assert_str(warnings.items.items[0].field_ref, "spec.validations[0].expression");
                assert_str(warnings.items.items[0].text, cases[i].warning);
        }
}

static void problems_have_their_place_and_a_hint(void **state _unused_) {
        static const struct {
                const char *expression, *detail;
                uint32_t column;
        } cases[] = {
                { "object.spec.replicsa < 5", "did you mean \"replicas\"?", 18 },
                { "object.spec.nothing < 5", "", 18 },
                { "has(object.metadata.lables.x)", "did you mean \"labels\"?", 26 },
                { "object.spec.template.spec.containers[0].resources.limits.cpu == '1'",
                  "it exists, but the type checker", 56 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world world _cleanup_(world_free) = { 0 };
                struct buf text _cleanup_(buf_free) = BUF_INIT;
                struct policy_type_warnings warnings;
                const struct policy_type_problem *problem;

                write_policy(&text, "apps/v1/deployments", "", cases[i].expression);
                check(&world, buf_str(&text), &warnings);
                assert_int_equal(warnings.items.count, 1);
                assert_int_equal(warnings.items.items[0].problems.count, 1);
                problem = &warnings.items.items[0].problems.items[0];
                assert_true(str_starts(problem->detail, str_from(cases[i].detail)));
                assert_int_equal(problem->detail.len > 0, cases[i].detail[0] != 0);
                assert_int_equal(problem->place.line, 11);
                assert_int_equal(problem->place.column, cases[i].column);
                assert_str(problem->kind->kind, "Deployment");
        }
}

/* Upstream looks at ten kinds of a rule, and at no rule after that one. */
static void only_so_many_kinds_are_looked_at(void **state _unused_) {
        static const char text[] =
                "apiVersion: admissionregistration.k8s.io/v1\n"
                "kind: ValidatingAdmissionPolicy\n"
                "metadata: {name: p}\n"
                "spec:\n"
                "  matchConstraints:\n"
                "    resourceRules:\n"
                "    - {apiGroups: [batch], apiVersions: [v1], operations: [CREATE], resources: "
                "[jobs]}\n"
                "    - apiGroups: ['']\n"
                "      apiVersions: [v1]\n"
                "      operations: [CREATE]\n"
                "      resources: [services, secrets, pods, nodes, namespaces, configmaps, "
                "endpoints, limitranges, persistentvolumes, serviceaccounts, podtemplates]\n"
                "    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: "
                "[deployments]}\n"
                "  validations:\n"
                "  - expression: 'true'\n";
        static const char *const kinds[] = {
                "ConfigMap", "Endpoints",        "LimitRange", "Namespace",
                "Node",      "PersistentVolume", "Pod",        "PodTemplate",
                "Secret",    "ServiceAccount",   "Job"
        };
        struct world world _cleanup_(world_free) = { 0 };
        struct policy_type_warnings warnings;

        check(&world, str_from(text), &warnings);
        assert_int_equal(warnings.items.count, 0);
        assert_int_equal(warnings.kind_count, ELEMENTS(kinds));
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                assert_str(warnings.kinds[i]->kind, kinds[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(warnings_read_as_in_kubernetes),
                cmocka_unit_test(problems_have_their_place_and_a_hint),
                cmocka_unit_test(only_so_many_kinds_are_looked_at),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
