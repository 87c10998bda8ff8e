#!/usr/bin/env python3
"""policy eval, check and export: exit statuses, the answer's shape, and that what is exported refuses what a scan finds."""
import re

from lib import *

POLICY = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  validations:
  - expression: object.spec.replicas <= 5
    messageExpression: "request.userInfo.username + ' asks for ' + string(object.spec.replicas)"
    reason: Forbidden
"""
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  replicas: %d\n"
GRANT = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: jane}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
"""
CRON_JOB = """apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec:
  jobTemplate: {spec: {template: {spec: {containers: [{name: c, securityContext: {privileged: true}}]}}}}
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def test_wildcards_are_about_what_a_server_has():
    """What analyses make of the input (group redoubt.io) is judged by policies that name it, not by those for every group."""
    everything = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "all"},
                  "spec": {"matchConstraints": {"resourceRules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]},
                           "validations": [{"expression": "false", "message": "seen"}]}}
    with Folder({"policy.yaml": json.dumps(everything), "in/web.yaml": DEPLOYMENT % 3, "in/who.yaml": GRANT}) as folder:
        r = run("scan", "-o", "json", "--no-catalogue", "--rules", os.path.join(folder, "policy.yaml"), os.path.join(folder, "in"))
    assert sorted(f["resource"]["kind"] for f in r.json["findings"]) == ["ClusterRoleBinding", "Deployment"], r


def test_eval_says_allow_deny_and_invalid():
    with tempfile.TemporaryDirectory() as folder:
        policy = write(folder, "policy.yaml", POLICY)
        few, many = write(folder, "few.yaml", DEPLOYMENT % 3), write(folder, "many.yaml", DEPLOYMENT % 9)
        bad = write(folder, "bad.yaml", POLICY.replace("<= 5", "<= "))
        assert run("policy", "eval", "--policy", policy, "--object", few).status == 0
        r = run("policy", "eval", "--policy", policy, "--object", many, "--as", "alice")
        assert r.status == 1 and r.json["verdict"] == "deny" and r.json["status"]["code"] == 403, r
        violation = r.json["violations"][0]
        assert violation["message"] == "alice asks for 9" and violation["action"] == "Deny", r
        assert violation["location"] == {"path": "spec.replicas", "file": many, "line": 5, "column": 13}, r
        r = run("policy", "eval", "--policy", bad, "--object", few)
        assert r.status == 2 and r.json["verdict"] == "invalid" and r.json["line"] == 9, r
        assert run("policy", "eval", "--policy", policy, "--object", os.path.join(folder, "none.yaml")).status == 2


def test_a_stream_answers_every_line_whatever_it_holds():
    line = json.dumps({"policy": POLICY, "object": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 7}},
                       "request": {"userInfo": {"username": "bob"}}})
    r = run("policy", "eval", "--stream", stdin="\n".join([line, "{", "[]", '{"policy": 1}', line, json.dumps({"policy": POLICY, "object": None})]) + "\n")
    answers = [json.loads(text) for text in r.text.splitlines()]
    assert r.status == 0 and [a["verdict"] for a in answers] == ["deny", "invalid", "invalid", "invalid", "deny", "invalid"], r
    assert answers[0] == answers[4] and answers[0]["violations"][0]["message"] == "bob asks for 7", r


def test_an_object_is_in_the_namespace_of_its_request():
    """As the server has it: the namespace of the request is that of an object that names none, and exists."""
    says = POLICY.replace("object.spec.replicas <= 5", "object.metadata.namespace == request.namespace && namespaceObject.metadata.name == request.namespace && "
                          "namespaceObject.status.phase == 'Active'")
    question = {"policy": says, "object": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}}
    given = {**question, "namespaceObject": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, "request": {"namespace": "shop"}}
    r = run("policy", "eval", "--stream", stdin=json.dumps(question) + "\n" + json.dumps(given) + "\n")
    assert [json.loads(text)["verdict"] for text in r.text.splitlines()] == ["allow", "allow"], r


def test_check_tells_what_a_policy_matches():
    with tempfile.TemporaryDirectory() as folder:
        r = run("policy", "check", write(folder, "policy.yaml", POLICY))
        assert r.status == 0 and "matches CREATE,UPDATE of deployments in apps/v1" in r.text and "no binding" in r.text, r
        r = run("policy", "check", write(folder, "bad.yaml", POLICY.replace("spec.replicas <=", "spec.replicas <")) + "x")
        assert r.status == 2, r


def test_check_tells_every_fault_and_goes_on():
    with tempfile.TemporaryDirectory() as folder:
        binding = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\nspec: {policyName: gone, validationActions: [Deny]}\n"
        texts = [POLICY.replace("replicas <= 5", "replicas <= 'x' + 1").replace("name: replicas", "name: wrong"), "a: [\n", binding, POLICY, POLICY,
                 POLICY.replace("  validations", "  validation").replace("name: replicas", "name: misspelt")]
        path = write(folder, "policies.yaml", "---\n".join(texts))
        r = run("policy", "check", path)
        assert r.status == 2 and r.text.startswith("replicas: 1 validations\n"), r
        said = r.err.splitlines()
        assert len(said) == 5, r
        for line, (place, message) in zip(said, ((":9:", "no matching overload"), (":14:", "expected a value"),
                                                 (":32:", "already a rule \"replicas\""), (":51:", "did you mean \"validations\"?"), (":18:", "names policy \"gone\""))):
            assert line.startswith(f"redoubt: {path}{place}") and message in line, (line, place, message)
        report = run("policy", "check", path, "-o", "json").json
        assert [p["name"] for p in report["policies"]] == ["replicas"] and len(report["errors"]) == 5, report


def test_check_tells_of_warnings_that_nobody_gets():
    """A warning with a line break is not sent: an expression of several lines needs a message, where a binding warns."""
    plain = re.sub(r"\n    messageExpression: .*", "", POLICY)
    several = plain.replace("object.spec.replicas <= 5", '"object.spec.replicas\\n <= 5"')
    binding = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\nspec: {policyName: replicas, validationActions: [ACTION]}\n"
    with_message = several.replace('<= 5"', '<= 5"\n    message: at most five')
    silent = "spec.validations[0] warns nobody"
    with tempfile.TemporaryDirectory() as folder:
        for text, action, expected in ((several, "Warn", True), (several, "Deny", False), (with_message, "Warn", False), (plain, "Warn", False),
                                       (several.replace("    reason", "    messageExpression: \"'at most five'\"\n    reason"), "Warn", False)):
            path = write(folder, "policy.yaml", text + binding.replace("ACTION", action))
            r, as_json = run("policy", "check", path), run("policy", "check", path, "-o", "json")
            assert r.status == 0 and (silent in r.text) == expected, r
            assert as_json.json["policies"][0]["warnsNobody"] == (["spec.validations[0]"] if expected else []), as_json


def test_what_is_misspelt_is_not_passed_over():
    cases = (("kind: ValidatingAdmissionPolicy", "kind: ValidatingAdmisionPolicy", ':2:7: admissionregistration.k8s.io/v1 has no kind "ValidatingAdmisionPolicy", did you mean "ValidatingAdmissionPolicy"?'),
             ("k8s.io/v1\n", "k8s.io/v2\n", ':2:7: admissionregistration.k8s.io/v2 has no kind "ValidatingAdmissionPolicy"'),
             ("\nspec:", "\nspecs:", ':4:1: unknown field "specs" in a policy, did you mean "spec"?'))
    with tempfile.TemporaryDirectory() as folder:
        for old, new, message in cases:
            path = write(folder, "policy.yaml", POLICY.replace(old, new, 1))
            r = run("policy", "check", path)
            assert r.status == 2 and f"redoubt: {path}{message}" in r.err, r


def test_check_warns_where_types_do_not_fit():
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
           "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
                    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                        "type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}]}}
    with tempfile.TemporaryDirectory() as folder:
        policy = write(folder, "policy.yaml", POLICY.replace("object.spec.replicas <= 5", "object.spec.replicsa <= 5").replace(
            "[deployments]", "[deployments, statefulsets]"))
        r = run("policy", "check", policy)
        assert r.status == 1 and not r.err, r
        assert f"{policy}:9:28: warning: undefined field 'replicsa': did you mean \"replicas\"?\n" \
            "    spec.validations[0].expression, where the object is apps/v1 Deployment, apps/v1 StatefulSet\n" in r.text, r
        warnings = run("policy", "check", policy, "-o", "json").json["policies"][0]["typeChecking"]["expressionWarnings"]
        assert [w["fieldRef"] for w in warnings] == ["spec.validations[0].expression"], warnings
        assert warnings[0]["warning"].startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replicsa'\n |"), warnings
        assert [(p["kind"], p["line"], p["column"]) for p in warnings[0]["problems"]] == [("Deployment", 9, 28), ("StatefulSet", 9, 28)], warnings
        widget = POLICY.replace("apps", "example.com").replace("deployments", "widgets").replace("spec.replicas", "spec.size")
        policy = write(folder, "policy.yaml", widget.replace("size <= 5", "size == 'x'"))
        crds = write(folder, "crds.yaml", json.dumps(crd))
        assert run("policy", "check", policy).status == 0
        r = run("policy", "check", policy, "--crds", crds)
        assert r.status == 1 and "'_==_' applied to '(int, string)'" in r.text and "example.com/v1 Widget" in r.text, r
        assert run("policy", "check", policy, crds).text == r.text  # the definition may stand beside the policies
        assert run("policy", "check", policy, "--crds", policy).status == 2


def test_the_catalogue_has_no_type_warnings():
    r = run("policy", "check", os.path.join(ROOT, "policies"))
    assert r.status == 0 and "types checked for v1 Pod\n" in r.text, r


def test_functions_of_newer_versions_do_not_compile():
    with tempfile.TemporaryDirectory() as folder:
        policy = write(folder, "policy.yaml", POLICY.replace("object.spec.replicas <= 5", "isIP(object.metadata.name)"))
        good = write(folder, "few.yaml", DEPLOYMENT % 3)
        for options, status in (([], 0), (["--kube-version", "1.30"], 0), (["--kube-version", "v1.29"], 2), (["--kube-version", "two"], 2)):
            assert run("policy", "check", policy, *options).status == status, options
            assert run("policy", "eval", "--policy", policy, "--object", good, *options).status == (2 if status else 1), options


def test_what_is_exported_refuses_what_a_scan_finds():
    with tempfile.TemporaryDirectory() as folder:
        r = run("policy", "export", "--rule", "pods/privileged", "--action", "Deny")
        assert r.status == 0, r
        policy = write(folder, "policy.yaml", r.text)
        for text in (BAD, CRON_JOB):
            r = run("policy", "eval", "--policy", policy, "--object", write(folder, "object.yaml", text))
            assert r.status == 1 and r.json["violations"][0]["message"] == 'container "c" is privileged', r
        assert run("policy", "eval", "--policy", policy, "--object", write(folder, "good.yaml", GOOD)).status == 0


BINDING = """---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas, uid: "1", resourceVersion: "7"}
spec:
  policyName: replicas
  validationActions: [Deny]
  paramRef: {name: limits, parameterNotFoundAction: Deny}
  matchResources:
    namespaceSelector: {matchExpressions: [{key: stage, operator: Exists}]}
"""
LIMITS = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: shop}\ndata: {most: '%d'}\n"
WITH_PARAMS = POLICY.replace("spec:\n", "spec:\n  paramKind: {apiVersion: v1, kind: ConfigMap}\n", 1).replace("<= 5", "<= int(params.data.most)")


def exported(folder, *arguments):
    """The file that `policy export` makes, which compiles, and its documents."""
    r = run("policy", "export", *arguments)
    assert r.status == 0, r
    path = write(folder, "exported.yaml", r.text)
    assert run("policy", "check", path).status == 0, r
    return path, r.text.split("---\n")


def test_an_own_policy_is_exported_with_bindings_and_params():
    with tempfile.TemporaryDirectory() as folder:
        rules = write(folder, "rules.yaml", WITH_PARAMS + BINDING + LIMITS % ("limits", 3) + LIMITS % ("other", 9))
        path, parts = exported(folder, "--no-catalogue", "-r", rules, "--action", "Warn,Audit", "--namespaces", "team in (shop, web),!old")
        kinds = [next(line for line in part.splitlines() if line.startswith("kind:")) for part in parts]
        assert kinds == ["kind: ConfigMap", "kind: ValidatingAdmissionPolicy", "kind: ValidatingAdmissionPolicyBinding"], parts
        assert "name: limits" in parts[0] and "uid" not in parts[2] and "resourceVersion" not in parts[2], parts
        assert parts[2].index("- Warn") < parts[2].index("- Audit") and "Deny\n" in parts[2].split("parameterNotFoundAction:")[1], parts
        binding = parts[2].split("namespaceSelector:")[1]
        for words in ("key: stage", "operator: Exists", "key: team", "- shop", "- web", "key: old", "operator: DoesNotExist"):
            assert words in binding, (words, binding)
        labels = "{stage: x, team: web}"
        namespace = write(folder, "ns.yaml", f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {labels}}}\n")
        many = write(folder, "many.yaml", DEPLOYMENT % 4)
        r = run("policy", "eval", "--policy", path, "--object", many, "--namespace-object", namespace)
        assert r.status == 0 and [v["action"] for v in r.json["violations"]] == ["Warn", "Audit"], r


def test_rules_that_no_server_would_ask_are_not_exported():
    """About files, about subjects, and about policies, of which the server asks none."""
    for rule in ("api/authentication-anonymous", "api/policy-not-enforced", "rbac/subject-admission-policies"):
        r = run("policy", "export", "-v", "--rule", rule)
        assert r.status == 0 and not r.out and "1 rules that no API server would ask are left out" in r.err, r
    assert run("policy", "export", "--rule", "api/webhook-failure-ignore").out


def test_what_cannot_be_exported_is_an_error():
    with tempfile.TemporaryDirectory() as folder:
        for text, words in ((WITH_PARAMS, "no binding says which"), (WITH_PARAMS + BINDING, "is not among the rules")):
            r = run("policy", "export", "--no-catalogue", "-r", write(folder, "rules.yaml", text))
            assert r.status == 2 and words in r.err and not r.out, r
        for arguments in (("--action", "Deny,Warn"), ("--action", "Audit,Audit"), ("--action", "deny"), ("--namespaces", "team in shop")):
            assert run("policy", "export", "--rule", "pods/privileged", *arguments).status == 2, arguments


def test_the_kind_of_params_comes_along():
    with tempfile.TemporaryDirectory() as folder:
        crd = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: limits.example.com}\n" \
              "spec: {group: example.com, names: {kind: Limit, plural: limits}}\n"
        limit = "---\napiVersion: example.com/v1\nkind: Limit\nmetadata: {name: limits, namespace: shop}\nspec: {}\n"
        policy = WITH_PARAMS.replace("apiVersion: v1, kind: ConfigMap", "apiVersion: example.com/v1, kind: Limit")
        _, parts = exported(folder, "--no-catalogue", "-r", write(folder, "rules.yaml", policy + BINDING + limit + crd))
        assert "kind: CustomResourceDefinition" in parts[0] and "kind: Limit" in parts[1] and len(parts) == 4, parts


def test_old_pods_and_deletions_are_expanded_too():
    rule = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: kept, annotations: {redoubt.io/judge: pod-templates}}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE, DELETE], resources: [pods]}
  variables: [{name: pod, expression: "1"}]
  validations:
  - expression: object != null && object.spec.containers.size() >= oldObject.spec.containers.size()
    messageExpression: "object == null ? 'gone with ' + oldObject.spec.containers[0].name : 'fewer than ' + string(oldObject.spec.containers.size())"
"""
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: {containers: [%s]}}}\n"
    with tempfile.TemporaryDirectory() as folder:
        policy, _ = exported(folder, "--no-catalogue", "-r", write(folder, "rules.yaml", rule), "--action", "Deny")
        one, two = write(folder, "one.yaml", text % "{name: a}"), write(folder, "two.yaml", text % "{name: a}, {name: b}")
        for arguments, message in ((("--object", one, "--old", two), "fewer than 2"), (("--object", two, "--old", one), None),
                                   (("--object", one, "--operation", "DELETE"), "gone with a")):
            r = run("policy", "eval", "--policy", policy, *arguments)
            assert [v["message"] for v in r.json["violations"]] == ([message] if message else []), r


def test_params_come_from_the_input_of_a_scan():
    with tempfile.TemporaryDirectory() as folder:
        rules = write(folder, "rules.yaml", WITH_PARAMS + "---\n" + """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec: {policyName: replicas, validationActions: [Deny], paramRef: {name: limits, parameterNotFoundAction: Deny}}
""")
        limits = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: shop}\ndata: {most: '%d'}\n"
        for most, status in ((3, 1), (7, 0)):
            r = run("scan", "--no-catalogue", "-r", rules, "-", stdin=DEPLOYMENT % 5 + limits % most)
            assert r.status == status, r


main()
