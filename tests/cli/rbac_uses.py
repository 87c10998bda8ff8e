#!/usr/bin/env python3
"""Bindings to what is not there, roles that nobody has, and mistakes that other tools make about who can do what."""
from lib import *

GROUP = "rbac.authorization.k8s.io"


def obj(kind, name, namespace=None, **fields):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    version = f"{GROUP}/v1" if "Role" in kind else "v1"
    return json.dumps({"apiVersion": version, "kind": kind, "metadata": metadata, **fields}) + "\n"


def role(name, *rules, namespace=None, **fields):
    return obj("Role" if namespace else "ClusterRole", name, namespace, rules=list(rules), **fields)


def rule(verbs, resources, groups="", **fields):
    return {"verbs": verbs.split(), "resources": resources.split(), "apiGroups": [groups], **fields}


def binding(name, role_name, *subjects, namespace=None, kind="ClusterRole"):
    return obj("RoleBinding" if namespace else "ClusterRoleBinding", name, namespace, roleRef={"apiGroup": GROUP, "kind": kind, "name": role_name}, subjects=list(subjects))


def user(name):
    return {"kind": "User", "apiGroup": GROUP, "name": name}


def group(name):
    return {"kind": "Group", "apiGroup": GROUP, "name": name}


def account(name, namespace):
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def messages(text, rule_id):
    r = run("scan", "--rule", rule_id, "-o", "json", "-", stdin=text)
    assert r.status in (0, 1), r
    return sorted(f["message"] for f in r.json["findings"])


def may(text, who, verb, resource, *arguments):
    with Folder({"a.json": text}) as folder:
        r = run("rbac", "can-i", verb, resource, *arguments, "--as", who, "-f", "a.json", cwd=folder)
        assert r.status in (0, 1), r
        return r.status == 0


def test_bindings_to_what_is_not_there():
    text = (role("here", rule("get", "pods")) + binding("good", "here", user("jane")) + binding("builtin", "view", user("jane")) + binding("own", "system:kube-dns", user("jane"))
            + binding("bad", "gone", user("jane")) + binding("local", "gone", user("jane"), namespace="shop", kind="Role"))
    assert messages(text, "rbac/binding-role-missing") == ['ClusterRoleBinding "bad" names ClusterRole gone, which is not there']
    text += role("reader", rule("get", "pods"), namespace="shop")
    assert messages(text, "rbac/binding-role-missing") == ['ClusterRoleBinding "bad" names ClusterRole gone, which is not there',
                                                           'RoleBinding "shop/local" names Role gone, which is not there']
    accounts = obj("ServiceAccount", "web", "shop") + binding("b", "view", account("web", "shop"), account("ghost", "shop"), account("default", "shop"), account("x", "elsewhere"))
    assert messages(accounts, "rbac/binding-subject-missing") == ['ClusterRoleBinding "b" names ServiceAccount "shop/ghost", which is not there']


def test_roles_that_nobody_has():
    text = (role("used", rule("get", "pods")) + role("part", rule("get", "pods"), **{}) + role("alone", rule("get", "pods")) + role("system:own", rule("get", "pods"))
            + obj("ClusterRole", "sum", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"sum": "yes"}}]}, rules=[]))
    text = text.replace('{"name": "part"}', '{"name": "part", "labels": {"sum": "yes"}}')
    assert messages(text, "rbac/role-unused") == [], "no binding is in the input"
    text += binding("a", "used", user("jane")) + binding("b", "sum", user("jane"))
    assert messages(text, "rbac/role-unused") == ['ClusterRole "alone" is bound to nobody']


def test_a_dangling_binding_can_be_removed():
    bad = binding("bad", "gone", user("jane"))
    with Folder({"m/a.json": role("here", rule("get", "pods")) + binding("good", "here", user("jane")), "m/b.json": bad}) as folder:
        r = run("fix", "--rule", "rbac/binding-role-missing", "--unsafe", "--write", "m", cwd=folder)
        assert r.status == 0 and os.listdir(os.path.join(str(folder), "m")) == ["a.json"], r


# --- what other tools get wrong ---

def test_bind_is_asked_of_roles_not_of_bindings():
    create = rule("create", "clusterrolebindings rolebindings", GROUP)
    real = role("binder", create, rule("bind", "clusterroles", GROUP)) + binding("b", "binder", user("jane"))
    inert = role("binder", create, rule("bind", "clusterrolebindings rolebindings", GROUP)) + binding("b", "binder", user("jane"))
    assert messages(real, "rbac/subject-bind") and not messages(inert, "rbac/subject-bind")
    assert may(real, "jane", "bind", "clusterroles") and not may(inert, "jane", "bind", "clusterroles")


def test_subjects_behind_another_kind_count():
    text = binding("b", "cluster-admin", group("devs"), user("system:serviceaccount:shop:web"), account("ci", "shop"))
    assert messages(text, "rbac/subject-everything") == [f'{who} may do everything in the cluster' for who in (
        'Group "devs"', 'ServiceAccount "shop/ci"', 'ServiceAccount "shop/web"')]


def test_masters_are_not_passed_over():
    assert messages(binding("b", "view", group("system:masters")), "rbac/masters")
    with Folder({"a.json": obj("ConfigMap", "x")}) as folder:
        assert run("rbac", "can-i", "delete", "nodes", "--as", "jane", "--as-group", "system:masters", "-f", "a.json", cwd=folder).status == 0


def test_extras_have_a_key():
    text = role("r", rule("impersonate", "userextras/scopes", "authentication.k8s.io")) + binding("b", "r", user("jane"))
    assert may(text, "jane", "impersonate", "userextras.authentication.k8s.io", "--subresource", "scopes")
    assert not may(text, "jane", "impersonate", "userextras.authentication.k8s.io")


def test_get_and_watch_count():
    assert messages(role("r", rule("get", "nodes/proxy")) + binding("b", "r", user("jane")), "rbac/subject-nodes-proxy")
    assert messages(role("r", rule("get", "pods/exec")) + binding("b", "r", user("jane")), "rbac/subject-pods-exec")
    assert messages(role("r", rule("watch", "secrets")) + binding("b", "r", user("jane")), "rbac/subject-secrets-read")


def test_stars_are_where_kubernetes_has_them():
    # KubeHound takes pods/* for the subresources of pods; IceKube takes * in resourceNames for a pattern.
    text = role("r", rule("create", "pods/*")) + binding("b", "r", user("jane"))
    assert not may(text, "jane", "create", "pods/exec")
    text = role("r", rule("get", "secrets", resourceNames=["*"])) + binding("b", "r", user("jane"))
    assert not may(text, "jane", "get", "secrets", "db") and may(text, "jane", "get", "secrets", "*")
    assert may(role("r", rule("create", "*/exec")) + binding("b", "r", user("jane")), "jane", "create", "pods/exec")


def test_rules_with_names_are_not_dropped():
    text = role("r", rule("get", "secrets", resourceNames=["db"]), rule("create", "serviceaccounts/token", resourceNames=["web"])) + binding("b", "r", user("jane"))
    assert may(text, "jane", "get", "secrets", "db") and not may(text, "jane", "get", "secrets", "other") and not may(text, "jane", "list", "secrets")
    assert may(text, "jane", "create", "serviceaccounts/token", "web")


def test_api_groups_count():
    text = role("r", rule("get", "secrets", "example.com")) + binding("b", "r", user("jane"))
    assert not may(text, "jane", "get", "secrets") and may(text, "jane", "get", "secrets.example.com")


def test_a_binding_names_one_role_not_all_of_that_name():
    text = (role("same", rule("get", "pods")) + role("same", rule("get", "secrets"), namespace="shop") + role("same", rule("get", "configmaps"), namespace="prod")
            + binding("b", "same", user("jane"), namespace="shop", kind="Role"))
    assert may(text, "jane", "get", "secrets", "-n", "shop")
    for resource, namespace in (("pods", "shop"), ("configmaps", "shop"), ("secrets", "prod"), ("configmaps", "prod")):
        assert not may(text, "jane", "get", resource, "-n", namespace), (resource, namespace)


def test_any_namespace_may_be_privileged():
    # Not only kube-system: a workload that leads to the administrator makes its namespace one.
    text = binding("b", "cluster-admin", account("operator", "tools")) + json.dumps(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "operator", "namespace": "tools"},
         "spec": {"template": {"spec": {"serviceAccountName": "operator", "containers": [{"name": "c", "image": "registry.example.com/c:1.0"}]}}}}) + "\n"
    assert messages(text, "rbac/workload-everything") == ['Deployment "tools/operator" carries a token that may do everything in the cluster (ServiceAccount "tools/operator")']


# --- input that is bad on purpose ---

def test_roles_that_select_each_other():
    text = "".join(obj("ClusterRole", name, aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"l": other}}]}, rules=[]).replace(
        f'{{"name": "{name}"}}', f'{{"name": "{name}", "labels": {{"l": "{name}"}}}}') for name, other in (("a", "b"), ("b", "c"), ("c", "a"), ("self", "self")))
    text += binding("x", "a", user("jane")) + binding("y", "self", user("jane"))
    assert not may(text, "jane", "get", "pods")
    assert messages(text, "rbac/role-unused") is not None


def test_hostile_names_do_not_reach_the_terminal():
    evil = "\u001b[2Jx\u202e\n\"'"
    text = role(evil, rule("*", "*", "*")) + binding(evil, evil, user(evil), account(evil, evil))
    for arguments in (("scan", "--rule", "rbac", "-"), ("scan", "--rule", "rbac", "--brief", "-")):
        r = run(*arguments, stdin=text)
        assert r.status in (0, 1, 3) and b"\x1b[2J" not in r.out and "\u202e" not in r.text, r
    with Folder({"a.json": text}) as folder:
        for arguments in (("risks", "a.json"), ("matrix", "-f", "a.json"), ("who-can", "get", "pods", "-f", "a.json"), ("can-i", "get", "pods", "--as", evil, "-f", "a.json")):
            r = run("rbac", *arguments, cwd=folder)
            assert r.status in (0, 1, 3) and b"\x1b[2J" not in r.out and "\u202e" not in r.text + r.err, (arguments, r)


def test_half_of_an_input_is_incomplete():
    whole = role("r", rule("get", "pods")) + binding("b", "r", user("jane"))
    for cut in range(1, len(whole), 7):
        text = whole[:cut]
        with Folder({"a.json": text}) as folder:
            r = run("rbac", "can-i", "delete", "nodes", "--as", "jane", "-f", "a.json", cwd=folder)
            try:
                for line in text.splitlines():
                    json.loads(line)
                broken = False
            except json.JSONDecodeError:
                broken = True
            assert r.status == (3 if broken else 1), (cut, r)


main()
