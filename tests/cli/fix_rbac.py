#!/usr/bin/env python3
"""redoubt fix of roles, bindings and tokens."""
from lib import *

ROLE = """apiVersion: rbac.authorization.k8s.io/v1
kind: %s
metadata: {name: reader%s}
rules:
%s"""
BINDING = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}
subjects:
%s"""
EVENT = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete", "auditID": "x", "requestURI": "/x",
         "sourceIPs": ["10.0.0.1"], "responseStatus": {"code": 200}, "requestReceivedTimestamp": "2026-11-22T10:00:00.000000Z",
         "stageTimestamp": "2026-11-22T10:00:00.000000Z"}


def fixed(text, rule, *arguments, offered=True, log=None):
    """What becomes of TEXT; the report otherwise."""
    files = {"m/a.yaml": text}
    if log is not None:
        files["audit.log"] = "".join(json.dumps(event) + "\n" for event in log)
        arguments += ("--audit-log", "audit.log")
    with Folder(files) as folder:
        r = run("fix", "--rule", rule, "--unsafe", "--write", "-o", "text", *arguments, "m", cwd=folder)
        assert r.status == 0, r
        path = os.path.join(str(folder), "m", "a.yaml")
        after = open(path, encoding="utf-8").read() if os.path.exists(path) else None
        assert (after != text) == offered, (r, after)
        return after if offered else r.text


def event(user, verb, resource, group="", namespace="shop", name="", subresource=""):
    reference = {"resource": resource, "namespace": namespace, "name": name, "apiVersion": "v1"}
    if group:
        reference["apiGroup"] = group
    if subresource:
        reference["subresource"] = subresource
    return {**EVENT, "verb": verb, "user": {"username": user, "groups": ["system:authenticated"]}, "objectRef": reference}


def test_a_subject_leaves_the_binding():
    # A person stays; everybody without credentials goes, in both of its names.
    text = BINDING % ("view", "  # the team\n  - {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}\n"
                              "  - {kind: Group, name: 'system:unauthenticated', apiGroup: rbac.authorization.k8s.io}\n"
                              "  - kind: User\n    name: 'system:anonymous'\n    apiGroup: rbac.authorization.k8s.io\n")
    assert fixed(text, "rbac/anonymous") == BINDING % ("view", "  # the team\n  - {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}\n")


def test_a_binding_that_names_nobody_else_goes():
    only = BINDING % ("view", "  - {kind: Group, name: 'system:authenticated', apiGroup: rbac.authorization.k8s.io}\n")
    assert fixed(only, "rbac/authenticated") is None
    assert fixed(GOOD + "---\n" + only, "rbac/authenticated") == GOOD


def test_cluster_admin_is_not_bound():
    text = BINDING % ("cluster-admin", "  - {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}\n")
    assert fixed(GOOD + "---\n" + text, "rbac/cluster-admin") == GOOD
    local = text.replace("ClusterRoleBinding", "RoleBinding").replace("{name: b}", "{name: b, namespace: shop}")
    assert fixed(local, "rbac/cluster-admin-namespace") == local.replace("name: cluster-admin}", "name: admin}")


def test_who_may_do_everything_leaves_the_binding():
    text = BINDING % ("cluster-admin", "  - {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}\n"
                                       "  - {kind: Group, name: 'kubeadm:cluster-admins', apiGroup: rbac.authorization.k8s.io}\n")
    after = fixed(text, "rbac/subject-everything")
    assert "jane" not in (after or ""), after


def test_a_right_leaves_the_role():
    rules = '  - apiGroups: [""]\n    resources: [pods, secrets]\n    verbs: [get, list]\n'
    text = ROLE % ("Role", ", namespace: shop", rules)
    assert fixed(text, "rbac/secrets-read") == text.replace("[pods, secrets]", "[pods]")
    alone = ROLE % ("Role", ", namespace: shop", rules.replace("pods, ", "") + '  - apiGroups: [""]\n    resources: [pods]\n    verbs: [get]\n')
    assert fixed(alone, "rbac/secrets-read") == ROLE % ("Role", ", namespace: shop", '  - apiGroups: [""]\n    resources: [pods]\n    verbs: [get]\n')


def test_what_grants_nothing_leaves_the_role_without_unsafe():
    text = ROLE % ("ClusterRole", "", '  - apiGroups: [""]\n    resources: [pods, pods/*]\n    verbs: [get]\n')
    with Folder({"a.yaml": text}) as folder:
        r = run("fix", "--rule", "rbac/subresource-glob", "--write", "a.yaml", cwd=folder)
        assert r.status == 0, r
        assert open(os.path.join(str(folder), "a.yaml"), encoding="utf-8").read() == text.replace("[pods, pods/*]", "[pods]")


def test_a_star_of_verbs_becomes_the_verbs():
    text = ROLE % ("ClusterRole", "", '  - apiGroups: [apps]\n    resources: [deployments]\n    verbs: ["*"]\n')
    assert fixed(text, "rbac/wildcard-verbs") == text.replace('["*"]', "[get, list, watch, create, update, patch, delete, deletecollection]")


def test_roles_are_narrowed_to_what_was_used():
    rules = '  # for the deployer\n  - apiGroups: ["*"]\n    resources: ["*"]\n    verbs: [get, list, delete]\n'
    text = ROLE % ("ClusterRole", "", rules) + "---\n" + BINDING % ("reader", "  - {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}\n")
    log = [event("jane", "get", "pods", subresource="log", name="web-1"), event("jane", "list", "deployments", group="apps"),
           event("joe", "delete", "pods")]
    after = fixed(text, "rbac/wildcard-resources", log=log)
    assert '  - apiGroups: ["", apps]\n    resources: [pods/log, deployments]\n    verbs: [get, list]\n' in after, after
    assert "# for the deployer" in after
    # The answer of an authorizer that knows nothing else: what was done is allowed, what was not is not.
    with Folder({"a.yaml": after}) as folder:
        for verb, resource, allowed in (("get", "pods/log", 0), ("list", "deployments.apps", 0), ("delete", "pods", 1), ("get", "secrets", 1)):
            assert run("rbac", "can-i", verb, resource, "--as", "jane", "-n", "shop", "-f", "a.yaml", cwd=folder).status == allowed, (verb, resource)


def test_without_a_log_nobody_knows_what_a_role_needs():
    text = ROLE % ("ClusterRole", "", '  - apiGroups: [apps]\n    resources: ["*"]\n    verbs: [get]\n')
    assert "--audit-log" in fixed(text, "rbac/wildcard-resources", offered=False)
    assert "nobody in the input is bound" in fixed(text, "rbac/wildcard-resources", offered=False, log=[event("jane", "get", "pods")])


def test_a_rule_that_nobody_used_goes():
    rules = '  - apiGroups: [""]\n    resources: [configmaps]\n    verbs: [get]\n'
    wild = '  - apiGroups: [apps]\n    resources: ["*"]\n    verbs: [get]\n'
    binding = "---\n" + BINDING % ("reader", "  - {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}\n")
    assert fixed(ROLE % ("ClusterRole", "", wild + rules) + binding, "rbac/wildcard-resources", log=[event("jane", "get", "configmaps")]) == \
        ROLE % ("ClusterRole", "", rules) + binding


def test_a_needless_token_is_not_mounted():
    text = ("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: shop}\n---\napiVersion: apps/v1\nkind: Deployment\n"
            "metadata: {name: web, namespace: shop}\nspec:\n  template:\n    spec:\n      serviceAccountName: web # its own\n      containers:\n"
            "        - {name: c, image: registry.example.com/c:1.0}\n")
    assert fixed(text, "rbac/workload-token-needless") == text + "      automountServiceAccountToken: false\n"


def test_a_lasting_token_goes():
    secret = ("apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\nmetadata:\n  name: t\n  annotations: {kubernetes.io/service-account.name: web}\n")
    assert fixed(secret, "secrets/service-account-token") is None


def test_items_of_a_list_and_fixes_of_one_object_go_together():
    subjects = ("    - {kind: Group, name: 'system:authenticated', apiGroup: rbac.authorization.k8s.io}\n"
                "    - {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}\n"
                "    - {kind: ServiceAccount, name: default, namespace: shop}\n")
    item = ("- apiVersion: rbac.authorization.k8s.io/v1\n  kind: ClusterRoleBinding\n  metadata: {name: b}\n"
            "  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n  subjects:\n")
    text = "apiVersion: v1\nkind: List\nitems:\n" + item + subjects
    assert fixed(text, "rbac/authenticated,rbac/default-service-account") == "apiVersion: v1\nkind: List\nitems:\n" + item + subjects.splitlines(True)[1]


main()
