#!/usr/bin/env python3
"""redoubt rbac, and policies that ask the authorizer."""
from lib import *

API = "apiVersion: rbac.authorization.k8s.io/v1\n"
CLUSTER = (
    API + "kind: Role\nmetadata: {name: reader, namespace: shop}\nrules:\n- {verbs: [get, list], apiGroups: [''], resources: [secrets]}\n---\n"
    + API + "kind: RoleBinding\nmetadata: {name: readers, namespace: shop}\nroleRef: {kind: Role, name: reader}\nsubjects:\n- {kind: User, name: jane}\n"
    "- {kind: ServiceAccount, name: ci}\n---\n"
    + API + "kind: ClusterRole\nmetadata: {name: granter}\nrules:\n- {verbs: [create], apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings]}\n"
    "- {verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [edit]}\n---\n"
    + API + "kind: ClusterRoleBinding\nmetadata: {name: granters}\nroleRef: {kind: ClusterRole, name: granter}\nsubjects:\n- {kind: User, name: ann}\n---\n"
    + API + "kind: ClusterRole\nmetadata: {name: binder}\nrules:\n- {verbs: [create], apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings]}\n"
    "- {verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [view]}\n"
    "- {verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings]}\n---\n"
    + API + "kind: ClusterRoleBinding\nmetadata: {name: binders}\nroleRef: {kind: ClusterRole, name: binder}\nsubjects:\n- {kind: User, name: bob}\n---\n"
    + API + "kind: ClusterRole\nmetadata: {name: actor}\nrules:\n- {verbs: [impersonate], apiGroups: [''], resources: [users], resourceNames: [jane]}\n---\n"
    + API + "kind: ClusterRoleBinding\nmetadata: {name: actors}\nroleRef: {kind: ClusterRole, name: actor}\nsubjects:\n- {kind: User, name: tom}\n---\n"
    + API + "kind: ClusterRoleBinding\nmetadata: {name: dormant}\nroleRef: {kind: ClusterRole, name: gone}\nsubjects:\n- {kind: User, name: eve}\n")


def rbac(*arguments, text=CLUSTER, **options):
    return run("rbac", *arguments, "-f", "-", stdin=text, **options)


def test_can_i_answers_by_exit_status():
    yes = rbac("can-i", "get", "secrets", "-n", "shop", "--as", "jane")
    assert yes.status == 0 and "RoleBinding shop/readers -> Role reader" in yes.out.decode() and "<stdin>:5" in yes.out.decode(), yes
    no = rbac("can-i", "delete", "secrets", "-n", "shop", "--as", "jane")
    assert no.status == 1 and no.out.startswith(b"no: ") and not no.err, no
    assert rbac("can-i", "get", "secrets", "--as", "jane").status == 1
    assert rbac("can-i", "get", "secrets", "-n", "shop", "--as", "system:serviceaccount:shop:ci").status == 0
    assert rbac("can-i", "get", "secrets", "-n", "shop", "--as", "system:serviceaccount:prod:ci").status == 1
    assert rbac("can-i", "delete", "nodes", "--as-group", "system:masters").status == 0


def test_can_i_knows_groups_subresources_and_urls():
    text = API + "kind: ClusterRole\nmetadata: {name: r}\nrules:\n- {verbs: [get], apiGroups: [apps], resources: [deployments, deployments/scale]}\n---\n" \
        + API + "kind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: r}\nsubjects: [{kind: User, name: jane}]\n"
    for question, status in ((["get", "deployments"], 0), (["get", "deployments.apps"], 0), (["get", "deployments.extensions"], 1), (["get", "deployments/scale"], 0),
                             (["get", "deployments", "--subresource", "scale"], 0), (["get", "deployments/status"], 1), (["get", "/version"], 0), (["get", "/metrics"], 1)):
        r = rbac("can-i", *question, "--as", "jane", text=text)
        assert r.status == status, (question, r)


def test_a_role_that_is_not_in_the_input_is_told():
    r = rbac("can-i", "get", "secrets", "--as", "eve")
    assert r.status == 1 and "ClusterRoleBinding dormant names ClusterRole gone, which is not in the input" in r.out.decode(), r


def test_what_cannot_be_read_makes_a_no_incomplete():
    broken = CLUSTER + "---\n" + API + "kind: ClusterRole\nmetadata: {name: x}\nrules: [{verbs: get}]\n"
    assert rbac("can-i", "get", "nodes", "--as", "jane", text=broken).status == 3
    yes = rbac("can-i", "get", "secrets", "-n", "shop", "--as", "jane", text=broken)
    assert yes.status == 0 and "must be a list" in yes.err, yes
    assert rbac("who-can", "get", "secrets", text=broken).status == 3
    assert rbac("subject", "jane", text="a: [").status == 3


def role(rules, kind="ClusterRole", name="r"):
    return API + f"kind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nrules: {rules}\n---\n"


def binding(subject, kind="ClusterRoleBinding", role_kind="ClusterRole", name="r"):
    return API + f"kind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nroleRef: {{kind: {role_kind}, name: {name}}}\nsubjects: [{subject}]\n---\n"


def difference(old, new):
    with Folder({"old.yaml": old, "new.yaml": new}) as path:
        r = run("rbac", "diff", "-o", "json", "old.yaml", "new.yaml", cwd=path)
        answer = json.loads(r.out)

        def short(changes):
            return [(c["subject"], c["namespace"], c["verbs"], [o.get("url") or o["resource"] + (":" + o["name"] if "name" in o else "") for o in c["objects"]], c["line"])
                    for c in changes]
        return r.status, short(answer["gained"]), short(answer["lost"])


def test_diff_compares_rights():
    jane = "{kind: User, name: jane}"
    old = role("[{verbs: [get, list], apiGroups: [''], resources: [pods, secrets]}]") + binding(jane)
    new = role("[{verbs: [get], apiGroups: [''], resources: [pods]}, {verbs: [list, get], apiGroups: [''], resources: [secrets, nodes]}]") + binding(jane)
    assert difference(old, new) == (1, [("User jane", "", ["list", "get"], ["nodes"], 4)], [("User jane", "", ["list"], ["pods"], 4)])
    assert difference(old, old) == (0, [], [])
    # Names: one is less than all; a star among names is a name.
    named = role("[{verbs: [get, list], apiGroups: [''], resources: [pods, secrets], resourceNames: ['*']}]") + binding(jane)
    assert difference(old, named) == (1, [], [("User jane", "", ["get", "list"], ["pods", "secrets"], 4)])
    # Everything is more than all that is there; a namespace is less than the cluster.
    star = role("[{verbs: ['*'], apiGroups: [''], resources: [pods, secrets]}]") + binding(jane)
    assert difference(old, star) == (1, [("User jane", "", ["*"], ["pods", "secrets"], 4)], [])
    near = role("[{verbs: [get, list], apiGroups: [''], resources: [pods, secrets]}]") + binding(jane, "RoleBinding")
    assert difference(old, near) == (1, [], [("User jane", "", ["get", "list"], ["pods", "secrets"], 4)])
    assert difference(near, old) == (1, [("User jane", "", ["get", "list"], ["pods", "secrets"], 4)], [])


def test_diff_knows_that_there_are_other_ways():
    right = "[{verbs: [get], apiGroups: [''], resources: [pods, pods/log]}, {verbs: [get], nonResourceURLs: [/metrics]}]"
    old = role(right) + binding("{kind: Group, name: 'system:serviceaccounts:shop'}")
    new = role(right) + binding("{kind: ServiceAccount, name: a, namespace: shop}") + old.replace("name: r,", "name: s,").replace("name: r}", "name: s}")
    assert difference(old, new) == (0, [], [])
    status, gained, lost = difference(old, role(right) + binding("{kind: ServiceAccount, name: a, namespace: shop}"))
    assert status == 1 and [g[0] for g in lost] == ["Group system:serviceaccounts:shop"] * 2, (gained, lost)
    assert gained == [], gained
    status, gained, lost = difference("", role(right) + binding("{kind: ServiceAccount, name: a, namespace: shop}", "RoleBinding"))
    assert gained == [("ServiceAccount shop/a", "shop", ["get"], ["pods", "pods/log"], 4)], gained


def test_diff_of_huge_roles_is_bounded():
    words = "[" + ", ".join(f"w{i}" for i in range(3000)) + "]"
    huge = role(f"[{{verbs: {words}, apiGroups: {words}, resources: {words}}}]") + binding("{kind: User, name: jane}")
    with Folder({"old.yaml": "", "new.yaml": huge}) as path:
        r = run("rbac", "diff", "old.yaml", "new.yaml", cwd=path)
        assert r.status == 3 and "too many rights" in r.err, r


def test_matrix():
    r = rbac("matrix", "--resource", "secrets,pods/exec", "-o", "json", "--no-defaults")
    answer = json.loads(r.out)
    assert r.status == 0 and [c["resource"] for c in answer["resources"]] == ["secrets", "pods/exec"], r
    assert [(row["subject"], row["namespace"], [c["verbs"] for c in row["cells"]]) for row in answer["rows"]] == [
        ("User jane", "shop", [["get", "list"], []]), ("ServiceAccount shop/ci", "shop", [["get", "list"], []])], answer
    text = role("[{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]") + binding("{kind: Group, name: ops}")
    text += role("[{verbs: [get, escalate], apiGroups: [''], resources: [secrets], resourceNames: [a]}]", "Role", "q") + binding("{kind: Group, name: ops}", "RoleBinding", "Role", "q")
    rows = rbac("matrix", "--resource", "secrets", "--no-defaults", text=text).text.splitlines()
    assert [row.split() for row in rows[1:-1]] == [["Group", "ops", "everywhere", "*"], ["Group", "ops", "shop", "go~"]], rows
    assert [row.split()[-1] for row in rbac("matrix", "-n", "shop", "--resource", "secrets", "--no-defaults", text=text).out.decode().splitlines()[1:-1]] == ["*~"]
    assert rbac("matrix", "--resource", "/metrics").status == 2


def risks(text, *arguments):
    with Folder({"rbac.yaml": text}) as path:
        r = run("rbac", "risks", "-o", "json", *arguments, ".", cwd=path)
        return r.status, [(f["rule"], f["resource"]["kind"], f["resource"]["namespace"], f["resource"]["name"], f["location"]["file"], f["location"]["line"],
                           [place["line"] for place in f["related"]]) for f in r.json["findings"]]


def test_risks_are_placed_in_roles_and_bindings():
    account = "{kind: ServiceAccount, name: ci, namespace: shop}"
    text = role("[{verbs: [get], apiGroups: [''], resources: [pods]}, {verbs: [list], apiGroups: [''], resources: [secrets]}]") + binding(account)
    found = ("rbac/subject-secrets-read", "ServiceAccount", "shop", "ci", "./rbac.yaml", 4, [6])
    assert risks(text, "--rule", "rbac/subject-secrets-read") == (1, [found]), risks(text)
    # A role that is built in has no place: the binding stands for it.
    status, found = risks(binding(account, name="cluster-admin"), "--rule", "rbac/subject-everything")
    assert [f[4:] for f in found] == [("./rbac.yaml", 1, [])], found
    # Nobody has what is bound to nobody, and a group's rights are the group's finding.
    assert risks(role("[{verbs: [list], apiGroups: [''], resources: [secrets]}]")) == (0, [])
    text += binding("{kind: Group, name: 'system:serviceaccounts:shop'}", name="r2").replace("name: r2}\nsubjects", "name: r}\nsubjects")
    assert [f[1] for f in risks(text, "--rule", "rbac/subject-secrets-read")[1]] == ["Group", "ServiceAccount"], risks(text)


def test_review():
    text = role("[{verbs: [get], apiGroups: [''], resources: [secrets], resourceNames: [a, b]}, {verbs: ['*'], apiGroups: [apps], resources: [deployments]}]")
    text += binding("{kind: ServiceAccount, name: ci, namespace: shop}, {kind: Group, name: ops}") + role("[{verbs: [get], apiGroups: [''], resources: [pods]}]", name="q")
    text += binding("{kind: User, name: jane}", name="q")
    r = run("rbac", "review", "-o", "json", "-", stdin=text)
    answer = {s["subject"]: s for s in r.json["subjects"]}
    assert r.status == 1 and list(answer) == ["ServiceAccount shop/ci", "User jane", "Group ops"], r
    account = answer["ServiceAccount shop/ci"]
    assert account["secrets"] == [{"namespace": "", "names": ["a", "b"], "file": "<stdin>", "line": 4}] and [w["line"] for w in account["wildcards"]] == [4], account
    assert sorted(risk["rule"] for risk in account["risks"]) == ["rbac/subject-pods-create", "rbac/subject-workloads-write"], account
    assert answer["User jane"] == {"subject": "User jane", "secrets": [], "wildcards": [], "risks": []}, answer
    people = run("rbac", "review", "-", stdin=text).text
    assert "  secrets   the Secrets a, b everywhere " in people and "User jane: no Secrets, no wildcards, no risks\n" in people, people
    assert run("rbac", "review", "-", stdin=text.split("---")[0]).status == 0
    with Folder({"Chart.yaml": "name: x\n", "templates/a.yaml": "{{ .Values.a }}"}) as path:
        r = run("rbac", "review", path)
        assert r.status == 2 and "helm template" in r.err, r


def test_objects_that_are_given_twice_do_not_flood():
    r = run("rbac", "who-can", "get", "pods", "-f", "-", stdin=role("[]") * 9)
    assert r.err.count("the last one counts") == 3 and "5 more objects are given twice" in r.err, r


def test_only_rules_about_our_own_kinds_know_our_functions():
    policy = ("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec:\n  matchConstraints:\n    resourceRules:\n"
              "    - {apiGroups: ['GROUP'], apiVersions: [v1], operations: [CREATE], resources: [RESOURCE]}\n"
              "  validations:\n  - expression: \"!rbac.can(object, 'get', '', 'secrets')\"\n")
    with Folder({"ours.yaml": policy.replace("GROUP", "redoubt.io").replace("RESOURCE", "subjects"),
                 "pods.yaml": policy.replace("GROUP", "").replace("RESOURCE", "pods"), "o.yaml": CLUSTER}) as path:
        ours = run("scan", "--no-catalogue", "--rules", "ours.yaml", "o.yaml", cwd=path)
        assert ours.status == 0 and run("policy", "check", "ours.yaml", cwd=path).status == 0, ours
        pods = run("scan", "--no-catalogue", "--rules", "pods.yaml", "o.yaml", cwd=path)
        assert pods.status == 2 and "undeclared reference to 'rbac'" in pods.err, pods


def test_eval_asks_rbac():
    policy = ("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec:\n  matchConstraints:\n    resourceRules:\n"
              "    - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}\n"
              "  validations:\n  - expression: \"authorizer.group('').resource('secrets').namespace('shop').check('get').allowed() && 'system:authenticated' in request.userInfo.groups\"\n")
    with Folder({"policy.yaml": policy, "object.yaml": GOOD, "rbac/cluster.yaml": CLUSTER, "broken/b.yaml": CLUSTER + "---\n" + API + "kind: Role\nmetadata: {name: x}\nrules: 1\n"}) as path:
        def verdict(*arguments):
            r = run("policy", "eval", "--policy", "policy.yaml", "--object", "object.yaml", *arguments, cwd=path)
            return r.status, r.json["verdict"]
        assert verdict("--as", "jane", "--rbac", "rbac") == (0, "allow")
        assert verdict("--as", "eve", "--rbac", "rbac/cluster.yaml") == (1, "deny")
        assert verdict("--as", "jane") == (1, "deny")
        assert verdict("--as", "jane", "--rbac", "broken") == (3, "allow")
        assert run("policy", "eval", "--policy", "policy.yaml", "--object", "object.yaml", "--rbac", "gone", cwd=path).status == 2
        question = {"policy": policy, "object": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}},
                    "request": {"userInfo": {"username": "jane", "groups": ["system:authenticated"]}}}
        other = {**question, "request": {"userInfo": {"username": "eve", "groups": ["system:authenticated"]}}}
        r = run("policy", "eval", "--stream", "--rbac", "rbac", stdin=json.dumps(question) + "\n" + json.dumps(other) + "\n", cwd=path)
        assert [json.loads(line)["verdict"] for line in r.text.splitlines()] == ["allow", "deny"], r


def test_wrong_usage():
    for arguments in (["can-i", "get", "secrets"], ["can-i", "get", "--as", "jane"], ["can-i", "--stream", "get", "secrets"], ["subject", "Robot", "x"],
                      ["subject", "ServiceAccount", "x"], ["who-can", "get"], ["can-i", "get", "pods/exec", "--subresource", "log", "--as", "jane"]):
        assert rbac(*arguments).status == 2, arguments


def stream(text, *questions):
    with Folder({"a.yaml": CLUSTER}) as folder:
        return run("rbac", "can-i", "--stream", "-f", folder, stdin=text or "".join(json.dumps(q) + "\n" for q in questions))


def test_a_stream_of_questions():
    secrets = {"verb": "get", "resource": "secrets", "namespace": "shop"}
    r = stream(None, {"user": "jane"} | secrets, {"user": "joe"} | secrets, {"groups": ["system:masters"]} | secrets,
               {"user": "x", "verb": "get", "path": "/version", "groups": ["system:authenticated"]}, {"user": "x", "verb": "get", "path": "/version"})
    assert r.status == 0, r
    assert [json.loads(line) for line in r.out.splitlines()] == [
        {"allowed": True, "binding": "RoleBinding shop/readers", "role": "Role reader", "rule": 0},
        {"allowed": False, "binding": None, "role": None, "rule": None},
        {"allowed": True, "binding": None, "role": None, "rule": None},
        {"allowed": True, "binding": "ClusterRoleBinding system:discovery", "role": "ClusterRole system:discovery", "rule": 0},
        {"allowed": False, "binding": None, "role": None, "rule": None}]


def test_a_stream_survives_bad_questions():
    r = stream('nonsense\n\n{"user": 1}\n{"groups": "x"}\n{"groups": [1]}\n[]\n{"user":"jane","verb":"get","resource":"secrets","namespace":"shop"}')
    answers = [json.loads(line) for line in r.out.splitlines()]
    assert r.status == 3 and len(answers) == 6, r
    assert all("error" in answer for answer in answers[:5]) and answers[5]["allowed"], r


def test_who_can_also_knows_who_could_grant_it_to_themselves():
    answer = rbac("who-can", "get", "secrets", "-n", "shop", "-o", "json").json
    assert [(h["subject"], h["line"]) for h in answer["can"] if h["file"]] == [("User jane", 12), ("ServiceAccount shop/ci", 13)], answer
    # ann may bind edit, which reads secrets; bob only view, which does not, and a right to bind rolebindings means nothing.
    assert answer["couldGrantItself"] == [{"subject": "User ann", "how": "bind"}, {"subject": "User tom", "how": "impersonate"}], answer
    text = rbac("who-can", "get", "secrets", "-n", "shop").out.decode()
    assert "User ann (bind)" in text and "Group system:masters" in text, text


def test_everything_that_a_subject_can_do():
    grants = rbac("subject", "ServiceAccount", "shop/ci", "-o", "json").json
    assert (grants[0]["binding"], grants[0]["line"], grants[0]["rules"][0]["line"]) == ("RoleBinding shop/readers", 7, 5), grants
    assert {"Group system:serviceaccounts", "Group system:authenticated"} <= {g["as"] for g in grants}, grants
    assert rbac("subject", "eve", "-o", "json").json[0]["dormant"]
    assert "no binding names it" in rbac("subject", "nobody", "--no-defaults").out.decode()


POLICY = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  validations:
  - expression: EXPRESSION
    message: denied
"""


def judged(expression, *arguments, kube="1.36"):
    with Folder({"rules/p.yaml": POLICY.replace("EXPRESSION", json.dumps(expression)), "in/a.yaml": CLUSTER + "---\n" + GOOD}) as folder:
        r = run("scan", "--no-catalogue", "-r", os.path.join(folder, "rules"), "--kube-version", kube, *arguments, "-o", "json", os.path.join(folder, "in"))
        return r if r.status == 2 else [f["message"] for f in r.json["findings"]]


def test_policies_ask_the_authorizer():
    secrets = "authorizer.group('').resource('secrets').namespace('shop').check('get')"
    assert judged(secrets + ".allowed()", "--as", "jane") == []
    assert judged(secrets + ".allowed()", "--as", "joe") == ["denied"]
    assert judged(secrets + ".allowed()") == ["denied"]
    assert judged("authorizer.serviceAccount('shop', 'ci').group('').resource('secrets').namespace('shop').check('list').allowed()") == []
    assert judged("authorizer.requestResource.check('create').allowed()", "--as", "joe", "--as-group", "system:masters") == []
    assert judged("authorizer.path('/version').check('get').allowed()", "--as", "joe") == []
    assert judged(secrets + """.reason() == 'RBAC: allowed by RoleBinding "readers/shop" of Role "reader" to User "jane"'""", "--as", "jane") == []
    assert judged("request.userInfo.username == 'joe' && request.userInfo.groups == ['devs', 'system:authenticated']", "--as", "joe", "--as-group", "devs") == []


def test_functions_of_the_authorizer_have_their_versions():
    check = "authorizer.group('').resource('pods').labelSelector('a=b').check('list').allowed() || true"
    assert judged(check, kube="1.31") == []
    assert judged(check, kube="1.30").status == 2


main()
