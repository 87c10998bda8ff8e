/* RBAC decisions. What is expected follows from the documentation of Kubernetes and from the rules
 * in pkg/apis/rbac/v1/evaluation_helpers.go; tests/oracle/rbac.py compares with the authorizer
 * itself. */
#include "rbac/rbac.h"

#include "../test.h"
#include "base/util.h"

#define API "apiVersion: rbac.authorization.k8s.io/v1\n"

/* A ClusterRole "r" with one rule, bound to jane everywhere. */
#define JANE(rule)                                                                                 \
        API "kind: ClusterRole\nmetadata: {name: r}\nrules: [" rule "]\n---\n" API                 \
            "kind: ClusterRoleBinding\nmetadata: {name: b}\n"                                      \
            "roleRef: {kind: ClusterRole, name: r}\nsubjects: [{kind: User, name: jane}]\n"

#define ROLE(kind, meta, rules)                                                                    \
        API "kind: " kind "\nmetadata: {" meta "}\nrules: [" rules "]\n---\n"
#define BINDING(kind, meta, role, subjects)                                                        \
        API "kind: " kind "\nmetadata: {" meta "}\nroleRef: {" role "}\nsubjects: [" subjects      \
            "]\n---\n"

#define GET_PODS "{verbs: [get], apiGroups: [''], resources: [pods]}"

static void load(struct rbac_index *index, const char *text, bool defaults) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR("test.yaml"), str_from(text) };
        struct resource_list resources;
        struct doc_reader reader;
        struct doc *doc;
        int r;

        rbac_index_init(index);
        if (defaults)
                rbac_index_add_defaults(index);
        doc_reader_init(&reader, &source, DOC_AUTO, NULL);
        while ((r = doc_read(&reader, &arena, &doc, NULL)) != 0) {
                assert_int_equal(r, 1);
                resources_of(&arena, doc, STR("default"), false, &resources);
                for (size_t i = 0; i < resources.count; i++)
                        rbac_index_add(index, source.name, &resources.items[i]);
        }
        rbac_index_finish(index);
}

/* One question: words of "VERB GROUP RESOURCE SUBRESOURCE NAMESPACE NAME", "-" for an empty one;
 * or "VERB /path". */
static struct rbac_request question(const char *text) {
        struct str rest = str_from(text), words[6] = { { 0 } };
        size_t count = 0;

        while (count < 6 && str_split(&rest, ' ', &words[count])) {
                if (str_eq(words[count], STR("-")))
                        words[count] = STR("");
                count++;
        }
        if (str_starts(words[1], STR("/")))
                return (struct rbac_request){ .verb = words[0], .path = words[1] };
        return (struct rbac_request){ .verb = words[0],
                                      .group = words[1],
                                      .resource = words[2],
                                      .subresource = words[3],
                                      .namespace = words[4],
                                      .name = words[5] };
}

static bool allowed(const struct rbac_index *index, const char *user, const char *group,
                    const char *text) {
        struct rbac_request request = question(text);
        struct str groups[] = { str_from(group ? group : "") };
        struct rbac_decision decision;

        request.user = str_from(user);
        request.groups = groups;
        request.group_count = group ? 1 : 0;
        rbac_decide(index, &request, &decision);
        return decision.allowed;
}

struct expectation {
        const char *manifests, *question;
        bool allowed;
};

static void check(const struct expectation *rows, size_t count) {
        for (size_t i = 0; i < count; i++) {
                struct rbac_index index;
                bool got;

                load(&index, rows[i].manifests, false);
                got = allowed(&index, "jane", NULL, rows[i].question);
                rbac_index_free(&index);
                if (got != rows[i].allowed)
                        fail_msg("%s: %d for\n%s", rows[i].question, got, rows[i].manifests);
        }
}

static void test_verbs_and_groups(void **state) {
        static const struct expectation rows[] = {
                { JANE("{verbs: [get], apiGroups: [''], resources: [pods]}"), "get - pods", true },
                { JANE("{verbs: [get], apiGroups: [''], resources: [pods]}"), "list - pods",
                  false },
                { JANE("{verbs: ['*'], apiGroups: [''], resources: [pods]}"), "use - pods", true },
                { JANE("{verbs: [GET], apiGroups: [''], resources: [pods]}"), "get - pods", false },
                { JANE("{verbs: ['g*'], apiGroups: [''], resources: [pods]}"), "get - pods",
                  false },
                { JANE("{verbs: [get], apiGroups: [apps], resources: [pods]}"), "get - pods",
                  false },
                { JANE("{verbs: [get], apiGroups: ['*'], resources: [pods]}"), "get x.y pods",
                  true },
                { JANE("{verbs: [get], resources: [pods]}"), "get - pods", false },
                { JANE("{apiGroups: [''], resources: [pods]}"), "get - pods", false },
        };

        (void)state;
        check(rows, ELEMENTS(rows));
}

static void test_resources_and_subresources(void **state) {
        static const struct expectation rows[] = {
                { JANE("{verbs: [get], apiGroups: [''], resources: [pods]}"), "get - pods exec",
                  false },
                { JANE("{verbs: [get], apiGroups: [''], resources: [pods/exec]}"),
                  "get - pods exec", true },
                { JANE("{verbs: [get], apiGroups: [''], resources: [pods/exec]}"), "get - pods",
                  false },
                /* Nothing matches part of a resource: not a star behind it ... */
                { JANE("{verbs: [get], apiGroups: [''], resources: ['pods/*']}"), "get - pods exec",
                  false },
                { JANE("{verbs: [get], apiGroups: [''], resources: ['pods/*']}"), "get - pods",
                  false },
                { JANE("{verbs: [get], apiGroups: [''], resources: ['pod*']}"), "get - pods",
                  false },
                { JANE("{verbs: [get], apiGroups: [''], resources: ['*/*']}"), "get - pods exec",
                  false },
                /* ... only one in place of it. */
                { JANE("{verbs: [get], apiGroups: [''], resources: ['*/exec']}"), "get - pods exec",
                  true },
                { JANE("{verbs: [get], apiGroups: [''], resources: ['*/exec']}"), "get - pods log",
                  false },
                { JANE("{verbs: [get], apiGroups: [''], resources: ['*/exec']}"), "get - pods",
                  false },
                { JANE("{verbs: [get], apiGroups: [''], resources: ['*/xec']}"), "get - pods exec",
                  false },
                { JANE("{verbs: [get], apiGroups: [''], resources: ['*']}"), "get - pods exec",
                  true },
                { JANE("{verbs: [get], apiGroups: [''], resources: ['*']}"), "get - pods", true },
        };

        (void)state;
        check(rows, ELEMENTS(rows));
}

static void test_resource_names_are_literal(void **state) {
        static const struct expectation rows[] = {
                { JANE("{verbs: ['*'], apiGroups: [''], resources: ['*'], resourceNames: [a]}"),
                  "get - pods - x a", true },
                { JANE("{verbs: ['*'], apiGroups: [''], resources: ['*'], resourceNames: [a]}"),
                  "get - pods - x ab", false },
                { JANE("{verbs: ['*'], apiGroups: [''], resources: ['*'], resourceNames: ['*']}"),
                  "get - pods - x a", false },
                { JANE("{verbs: ['*'], apiGroups: [''], resources: ['*'], resourceNames: ['*']}"),
                  "get - pods - x *", true },
                { JANE("{verbs: ['*'], apiGroups: [''], resources: ['*'], resourceNames: []}"),
                  "get - pods - x a", true },
                /* A request without a name: to create, to list, to delete a collection. */
                { JANE("{verbs: ['*'], apiGroups: [''], resources: ['*'], resourceNames: [a]}"),
                  "create - pods - x -", false },
                { JANE("{verbs: ['*'], apiGroups: [''], resources: ['*'], resourceNames: [a]}"),
                  "list - pods - x -", false },
                { JANE("{verbs: ['*'], apiGroups: [''], resources: ['*'], resourceNames: [a]}"),
                  "deletecollection - pods - x -", false },
                /* One that creates below a named object has one; so has a list by name. */
                { JANE("{verbs: [create], apiGroups: [''], resources: [serviceaccounts/token], "
                       "resourceNames: [a]}"),
                  "create - serviceaccounts token x a", true },
                { JANE("{verbs: [list], apiGroups: [''], resources: [secrets], resourceNames: "
                       "[a]}"),
                  "list - secrets - x a", true },
        };

        (void)state;
        check(rows, ELEMENTS(rows));
}

static void test_urls(void **state) {
        static const struct expectation rows[] = {
                { JANE("{verbs: [get], nonResourceURLs: [/healthz]}"), "get /healthz", true },
                { JANE("{verbs: [get], nonResourceURLs: [/healthz]}"), "get /healthz/x", false },
                { JANE("{verbs: [get], nonResourceURLs: ['/healthz/*']}"), "get /healthz/x", true },
                { JANE("{verbs: [get], nonResourceURLs: ['/healthz/*']}"), "get /healthz", false },
                { JANE("{verbs: [get], nonResourceURLs: ['/healthz*']}"), "get /healthzz", true },
                { JANE("{verbs: [get], nonResourceURLs: ['/a**']}"), "get /ab", true },
                { JANE("{verbs: [get], nonResourceURLs: ['*/x']}"), "get /a/x", false },
                { JANE("{verbs: [get], nonResourceURLs: ['*']}"), "get /a", true },
                { JANE("{verbs: [get], nonResourceURLs: ['*']}"), "get - pods", false },
                { JANE("{verbs: ['*'], apiGroups: ['*'], resources: ['*']}"), "get /a", false },
        };

        (void)state;
        check(rows, ELEMENTS(rows));
}

static void test_a_role_binding_grants_in_its_namespace(void **state) {
        static const char manifests[] = ROLE("ClusterRole", "name: reader", GET_PODS)
                ROLE("Role", "name: reader, namespace: shop",
                     "{verbs: [list], apiGroups: [''], resources: [pods]}")
                        BINDING("RoleBinding", "name: a, namespace: shop",
                                "kind: ClusterRole, name: reader", "{kind: User, name: jane}")
                                BINDING("RoleBinding", "name: b, namespace: shop",
                                        "kind: Role, name: reader", "{kind: User, name: joe}")
                                        BINDING("RoleBinding", "name: c, namespace: prod",
                                                "kind: Role, name: reader",
                                                "{kind: User, name: joe}");
        struct rbac_index index;

        (void)state;
        load(&index, manifests, false);
        assert_true(allowed(&index, "jane", NULL, "get - pods - shop"));
        assert_false(allowed(&index, "jane", NULL, "get - pods - prod"));
        assert_false(allowed(&index, "jane", NULL, "get - pods - -"));
        assert_true(allowed(&index, "joe", NULL, "list - pods - shop"));
        assert_false(allowed(&index, "joe", NULL, "get - pods - shop"));
        /* The Role of another namespace is not meant: this binding is dormant. */
        assert_false(allowed(&index, "joe", NULL, "list - pods - prod"));
        rbac_index_free(&index);
}

static void test_subjects(void **state) {
        static const char manifests[] = ROLE("ClusterRole", "name: r", GET_PODS)
                BINDING("RoleBinding", "name: a, namespace: shop", "kind: ClusterRole, name: r",
                        /* Every subject counts, whatever stands before it. */
                        "{kind: Group, name: devs}, {kind: Robot, name: x}, "
                        "{kind: ServiceAccount, name: ci}, "
                        "{kind: ServiceAccount, name: bot, namespace: tools}, "
                        "{kind: User, name: 'system:serviceaccount:prod:deployer'}")
                        BINDING("ClusterRoleBinding", "name: b", "kind: ClusterRole, name: r",
                                "{kind: ServiceAccount, name: lost}, "
                                "{kind: Group, name: 'system:serviceaccounts:kube-system'}");
        struct rbac_index index;

        (void)state;
        load(&index, manifests, false);
        assert_true(allowed(&index, "x", "devs", "get - pods - shop"));
        assert_false(allowed(&index, "devs", NULL, "get - pods - shop"));
        assert_false(allowed(&index, "x", "Devs", "get - pods - shop"));
        assert_true(allowed(&index, "system:serviceaccount:shop:ci", NULL, "get - pods - shop"));
        assert_false(allowed(&index, "system:serviceaccount:prod:ci", NULL, "get - pods - shop"));
        assert_false(allowed(&index, "ci", NULL, "get - pods - shop"));
        assert_true(allowed(&index, "system:serviceaccount:tools:bot", NULL, "get - pods - shop"));
        assert_true(
                allowed(&index, "system:serviceaccount:prod:deployer", NULL, "get - pods - shop"));
        /* A ClusterRoleBinding has no namespace to lend. */
        assert_false(allowed(&index, "system:serviceaccount:default:lost", NULL, "get - pods"));
        assert_true(allowed(&index, "system:serviceaccount:kube-system:x",
                            "system:serviceaccounts:kube-system", "get - pods"));
        assert_true(allowed(&index, "anyone", "system:masters", "delete - nodes"));
        rbac_index_free(&index);
}

static void test_bindings_without_a_role_are_dormant(void **state) {
        static const struct expectation rows[] = {
                { BINDING("ClusterRoleBinding", "name: b", "kind: ClusterRole, name: gone",
                          "{kind: User, name: jane}"),
                  "get - pods - default", false },
                /* A ClusterRoleBinding cannot name a Role, nor anything an unknown kind. */
                { ROLE("Role", "name: r, namespace: default", GET_PODS)
                          BINDING("ClusterRoleBinding", "name: b", "kind: Role, name: r",
                                  "{kind: User, name: jane}"),
                  "get - pods - default", false },
                { ROLE("ClusterRole", "name: r", GET_PODS)
                          BINDING("ClusterRoleBinding", "name: b", "kind: clusterrole, name: r",
                                  "{kind: User, name: jane}"),
                  "get - pods - default", false },
        };

        (void)state;
        check(rows, ELEMENTS(rows));
}

static void test_bind_and_escalate_are_asked_of_roles(void **state) {
        static const struct expectation rows[] = {
                { JANE("{verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: "
                       "[clusterroles], resourceNames: [admin]}"),
                  "bind rbac.authorization.k8s.io clusterroles - shop admin", true },
                { JANE("{verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: "
                       "[clusterroles], resourceNames: [admin]}"),
                  "bind rbac.authorization.k8s.io clusterroles - shop cluster-admin", false },
                { JANE("{verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: "
                       "[rolebindings]}"),
                  "bind rbac.authorization.k8s.io clusterroles - shop admin", false },
                { JANE("{verbs: [impersonate], apiGroups: [authentication.k8s.io], resources: "
                       "[userextras/scopes]}"),
                  "impersonate authentication.k8s.io userextras scopes - x", true },
                { JANE("{verbs: [impersonate], apiGroups: [authentication.k8s.io], resources: "
                       "[userextras]}"),
                  "impersonate authentication.k8s.io userextras scopes - x", false },
        };

        (void)state;
        check(rows, ELEMENTS(rows));
}

#define AGGREGATE(name, labels, selector)                                                          \
        API "kind: ClusterRole\nmetadata: {name: " name ", labels: {" labels "}}\n"                \
            "aggregationRule: {clusterRoleSelectors: [" selector "]}\nrules: []\n---\n"
#define LABELLED(name, labels, verb)                                                               \
        ROLE("ClusterRole", "name: " name ", labels: {" labels "}",                                \
             "{verbs: [" verb "], apiGroups: [''], resources: [pods]}")
#define BOUND(name)                                                                                \
        BINDING("ClusterRoleBinding", "name: b", "kind: ClusterRole, name: " name,                 \
                "{kind: User, name: jane}")

static void test_aggregation(void **state) {
        static const struct expectation rows[] = {
                { AGGREGATE("all", "", "{matchLabels: {a: '1'}}, {matchLabels: {b: '1'}}") LABELLED(
                          "x", "a: '1'", "get") LABELLED("y", "b: '1'", "list") BOUND("all"),
                  "get - pods", true },
                { AGGREGATE("all", "", "{matchLabels: {a: '1'}}, {matchLabels: {b: '1'}}") LABELLED(
                          "x", "a: '1'", "get") LABELLED("y", "b: '1'", "list") BOUND("all"),
                  "list - pods", true },
                { AGGREGATE("all", "", "{matchLabels: {a: '1'}}") LABELLED("x", "a: '2'", "get")
                          BOUND("all"),
                  "get - pods", false },
                /* Through a role that aggregates in turn, and in a circle. */
                { AGGREGATE("all", "", "{matchLabels: {a: '1'}}")
                          AGGREGATE("some", "a: '1'", "{matchLabels: {b: '1'}}")
                                  LABELLED("x", "b: '1'", "get") BOUND("all"),
                  "get - pods", true },
                { AGGREGATE("all", "b: '1'", "{matchLabels: {a: '1'}}")
                          AGGREGATE("some", "a: '1'", "{matchLabels: {b: '1'}}")
                                  LABELLED("x", "b: '1'", "get") BOUND("all"),
                  "get - pods", true },
                /* The controller overwrites what is written ... */
                { API "kind: ClusterRole\nmetadata: {name: all}\naggregationRule: "
                      "{clusterRoleSelectors: [{matchLabels: {a: '1'}}]}\nrules: [" GET_PODS
                      "]\n---\n" LABELLED("x", "a: '1'", "list") BOUND("all"),
                  "get - pods", false },
                /* ... or, where nothing is selected, it has written that. */
                { API "kind: ClusterRole\nmetadata: {name: all}\naggregationRule: "
                      "{clusterRoleSelectors: [{matchLabels: {a: '1'}}]}\nrules: [" GET_PODS
                      "]\n---\n" BOUND("all"),
                  "get - pods", true },
        };

        (void)state;
        check(rows, ELEMENTS(rows));
}

static void test_default_roles(void **state) {
        static const char manifests[] = BINDING(
                "RoleBinding", "name: a, namespace: shop", "kind: ClusterRole, name: admin",
                "{kind: User, name: jane}") BINDING("RoleBinding", "name: b, namespace: shop",
                                                    "kind: ClusterRole, name: view",
                                                    "{kind: User, name: joe}")
                LABELLED("more", "rbac.authorization.k8s.io/aggregate-to-view: 'true'", "paint");
        struct rbac_index index;

        (void)state;
        load(&index, manifests, true);
        assert_true(allowed(&index, "jane", NULL, "create rbac.authorization.k8s.io roles - shop"));
        assert_true(allowed(&index, "jane", NULL, "get - secrets - shop"));
        assert_true(allowed(&index, "jane", NULL, "create - pods exec shop"));
        assert_false(allowed(&index, "jane", NULL, "get - nodes - shop"));
        assert_true(allowed(&index, "joe", NULL, "get - pods log shop"));
        assert_false(allowed(&index, "joe", NULL, "get - secrets - shop"));
        /* A labelled role extends view, and through it edit and admin. */
        assert_true(allowed(&index, "joe", NULL, "paint - pods - shop"));
        assert_true(allowed(&index, "jane", NULL, "paint - pods - shop"));
        assert_true(allowed(&index, "x", "system:unauthenticated", "get /version"));
        assert_false(allowed(&index, "x", "system:unauthenticated", "get /api"));
        assert_int_equal(index.problems.count, 0);
        rbac_index_free(&index);
}

static void test_the_first_binding_is_told(void **state) {
        static const char manifests[] =
                ROLE("ClusterRole", "name: r",
                     "{verbs: [list], apiGroups: [''], resources: [pods]}, " GET_PODS)
                        BINDING("RoleBinding", "name: near, namespace: shop",
                                "kind: ClusterRole, name: r", "{kind: User, name: jane}")
                                BINDING("ClusterRoleBinding", "name: devs",
                                        "kind: ClusterRole, name: r", "{kind: Group, name: devs}")
                                        BINDING("ClusterRoleBinding", "name: jane",
                                                "kind: ClusterRole, name: r",
                                                "{kind: User, name: jane}");
        struct rbac_request request = question("get - pods - shop");
        struct str groups[] = { STR("devs") };
        struct rbac_decision decision;
        struct rbac_index index;

        (void)state;
        load(&index, manifests, false);
        request.user = STR("jane");
        rbac_decide(&index, &request, &decision);
        assert_str(decision.binding->name, "jane");
        assert_int_equal(decision.rule, 1);
        assert_str(decision.binding->place.file, "test.yaml");
        request.groups = groups;
        request.group_count = 1;
        rbac_decide(&index, &request, &decision);
        assert_str(decision.binding->name, "devs");
        rbac_index_free(&index);
}

static void test_broken_objects_are_reported(void **state) {
        static const char manifests[] = API
                "kind: ClusterRole\nmetadata: {name: r}\nrules:\n  - verbs: get\n---\n" BOUND("r")
                        API "kind: RoleBinding\nmetadata: {name: b}\nroleRef: x\n---\n" API
                            "kind: ClusterRole\nmetadata: {name: s}\naggregationRule: "
                            "{clusterRoleSelectors: [{matchExpressions: [{key: a, operator: Is}]}]}"
                            "\n";
        struct rbac_index index;

        (void)state;
        load(&index, manifests, false);
        assert_int_equal(index.problems.count, 3);
        assert_true(index.problems.items[0].incomplete);
        assert_int_equal(index.problems.items[0].pos.line, 5);
        assert_false(allowed(&index, "jane", NULL, "get - pods"));
        rbac_index_free(&index);
}

static void test_the_last_of_two_equal_names_counts(void **state) {
        static const char manifests[] = ROLE("ClusterRole", "name: r", GET_PODS)
                ROLE("ClusterRole", "name: r",
                     "{verbs: [list], apiGroups: [''], resources: [pods]}") BOUND("r");
        struct rbac_index index;

        (void)state;
        load(&index, manifests, false);
        assert_false(allowed(&index, "jane", NULL, "get - pods"));
        assert_true(allowed(&index, "jane", NULL, "list - pods"));
        assert_int_equal(index.problems.count, 1);
        assert_false(index.problems.items[0].incomplete);
        rbac_index_free(&index);
}

static void test_implied_groups(void **state) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str groups[RBAC_IMPLIED_GROUPS];

        (void)state;
        assert_int_equal(rbac_implied_groups(&arena, STR("jane"), groups), 1);
        assert_str(groups[0], "system:authenticated");
        assert_int_equal(rbac_implied_groups(&arena, STR("system:anonymous"), groups), 1);
        assert_str(groups[0], "system:unauthenticated");
        assert_int_equal(rbac_implied_groups(&arena, STR("system:serviceaccount:a:b"), groups), 3);
        assert_str(groups[1], "system:serviceaccounts:a");
        assert_int_equal(rbac_implied_groups(&arena, STR("system:serviceaccount:a"), groups), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verbs_and_groups),
                cmocka_unit_test(test_resources_and_subresources),
                cmocka_unit_test(test_resource_names_are_literal),
                cmocka_unit_test(test_urls),
                cmocka_unit_test(test_a_role_binding_grants_in_its_namespace),
                cmocka_unit_test(test_subjects),
                cmocka_unit_test(test_bindings_without_a_role_are_dormant),
                cmocka_unit_test(test_bind_and_escalate_are_asked_of_roles),
                cmocka_unit_test(test_aggregation),
                cmocka_unit_test(test_default_roles),
                cmocka_unit_test(test_the_first_binding_is_told),
                cmocka_unit_test(test_broken_objects_are_reported),
                cmocka_unit_test(test_the_last_of_two_equal_names_counts),
                cmocka_unit_test(test_implied_groups),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
