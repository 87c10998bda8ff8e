#!/usr/bin/env python3
"""policy test: our own cases, the tests of Kyverno's CLI, and manifests whose names say what must happen."""
from lib import *

POLICY = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints:
    namespaceSelector: {matchExpressions: [{key: free, operator: DoesNotExist}]}
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  matchConditions:
  - {name: not-exempt, expression: "object.metadata.name != 'exempt'"}
  validations:
  - {expression: object.spec.replicas <= 3, message: too many}
"""
BINDING = """---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec: {policyName: replicas, validationActions: [%s]}
"""


def deployment(name, replicas, namespace="shop"):
    return f"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{replicas: {replicas}}}\n"


def result(expected, *names, **fields):
    return {"policy": "replicas", "kind": "Deployment", "isValidatingAdmissionPolicy": True, "resources": list(names), "result": expected, **fields}


def kyverno(results, objects, policy=POLICY, files=None, **fields):
    test = {"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Test", "metadata": {"name": "t"}, "policies": ["policy.yaml"],
            "resources": ["sub/resources.yaml"], "results": results, **fields}
    with Folder({"t/kyverno-test.yaml": json.dumps(test), "t/policy.yaml": policy, "t/sub/resources.yaml": objects, **(files or {})}) as folder:
        return run("policy", "test", "-v", "t", cwd=folder)


def test_kyverno_results_pass_fail_and_skip():
    objects = deployment("few", 1) + deployment("many", 9) + deployment("exempt", 9) + deployment("free", 9, "open")
    values = "namespaceSelector: [{name: open, labels: {free: 'yes'}}]\n"
    results = [result("pass", "few"), result("fail", "many"), result("skip", "exempt", "open/free")]
    r = kyverno(results, objects, variables="values.yaml", files={"t/values.yaml": values})
    assert r.status == 0 and r.text.endswith("4 passed, 0 failed (0 rules, 1 test files)\n"), r
    wrong = [result("fail", "few"), result("pass", "many"), result("pass", "exempt", "open/free"), result("skip", "few", "many")]
    r = kyverno(wrong, objects, variables="values.yaml", files={"t/values.yaml": values})
    assert r.status == 1 and "0 passed, 6 failed" in r.text and "expected pass, but it is fail: too many" in r.text, r


def test_kyverno_warnings_and_errors():
    many = deployment("many", 9)
    assert kyverno([result("warn", "many"), result("fail", "many")], many, POLICY + BINDING % "Warn, Audit").status == 0
    assert kyverno([result("warn", "many")], many, POLICY + BINDING % "Deny").status == 1
    assert kyverno([result("error", "many")], many, POLICY.replace("object.spec.replicas <=", "object.spec.nosuch <=")).status == 0
    assert kyverno([result("fail", "many")], many, POLICY.replace("object.spec.replicas <=", "object.spec.nosuch <=")).status == 1


def test_kyverno_params_users_and_old_spellings():
    policy = POLICY.replace("spec:\n", "spec:\n  paramKind: {apiVersion: v1, kind: ConfigMap}\n", 1).replace("<= 3", "<= int(params.data.most)")
    binding = BINDING.replace("[%s]", "[Deny], paramRef: {name: limits, namespace: shop, parameterNotFoundAction: Deny}")
    limits = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: shop}\ndata: {most: '2'}\n"
    r = kyverno([result("pass", "few"), result("fail", "three")], deployment("few", 2) + deployment("three", 3), policy + binding,
                {"t/limits.yaml": limits}, paramResources=["limits.yaml"])
    assert r.status == 0, r
    user = "userInfo: {username: jane, groups: [admins]}\n"
    policy = POLICY.replace("object.spec.replicas <= 3", "request.userInfo.username == 'jane' && 'admins' in request.userInfo.groups")
    r = kyverno([result("pass", "few")], deployment("few", 2), policy, {"t/user.yaml": user}, userinfo="user.yaml")
    assert r.status == 0, r
    old = {"policy": "replicas", "rule": "r", "kind": "Deployment", "resource": "few", "namespace": "shop", "status": "pass"}
    assert kyverno([old], deployment("few", 2)).status == 0


def test_what_a_kyverno_test_asks_in_vain_is_not_judged():
    few = deployment("few", 1)
    for results, fields in (([result("pass", "few", patchedResource="x.yaml")], {}), ([{**result("pass", "few"), "policy": "other"}], {}),
                            ([result("pass")], {}), ([result("maybe", "few")], {}), (["x"], {}), ([], {}), ([result("pass", "few")], {"checks": []}),
                            ([result("pass", "few")], {"spec": {}})):
        r = kyverno(results, few, **fields)
        assert r.status == 3 and "0 passed, 0 failed, 1 not judged" in r.text, r
    cluster_policy = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: replicas}\nspec: {}\n"
    assert kyverno([result("pass", "few")], few, cluster_policy).status == 3


def test_what_is_wrong_with_a_kyverno_test_fails_it():
    few = deployment("few", 1)
    assert "no such object" in kyverno([result("pass", "nosuch")], few).text
    for r in (kyverno([result("pass", "nosuch")], few), kyverno([result("pass", "few")], few, policy=POLICY.replace("<= 3", "<=")),
              kyverno([result("pass", "few")], few, policies=["nosuch.yaml"]), kyverno([result("pass", "few")], few, resources=["nosuch.yaml"]),
              kyverno([result("pass", "few")], few, variables="nosuch.yaml"), kyverno([result("pass", "few")], "a: [")):
        assert r.status == 1 and "1 failed" in r.text, r


def manifests(files):
    with Folder(files) as folder:
        return run("policy", "test", "-v", ".", cwd=folder)


def test_manifests_are_expected_to_be_what_they_are_called():
    files = {"p/policy.yaml": POLICY, "p/good/a.yaml": deployment("few", 1), "p/tests/bad/a.yaml": deployment("many", 9),
             "p/many-denied.yaml": deployment("many", 9), "p/valid_one.yaml": deployment("few", 1)}
    r = manifests(files)
    assert r.status == 0 and r.text.endswith("4 passed, 0 failed (1 rules, 4 test files)\n"), r
    r = manifests({**files, "p/good/b.yaml": deployment("many", 9), "p/bad/b.yaml": deployment("few", 1) + deployment("many", 9)})
    assert r.status == 1 and "5 passed, 2 failed" in r.text, r
    assert "expected to be taken, but it is refused: too many" in r.text and "expected a refusal, but it is taken" in r.text, r


def test_a_bad_manifest_that_no_policy_is_about_fails():
    r = manifests({"policy.yaml": POLICY, "bad/a.yaml": GOOD})
    assert r.status == 1 and "no policy is about its objects" in r.text, r
    r = manifests({"policy.yaml": POLICY, "bad/a.yaml": GOOD + deployment("many", 9)})
    assert r.status == 0, r


def test_manifests_use_the_policies_nearest_to_them():
    other = POLICY.replace("<= 3", "<= 30").replace("name: replicas", "name: other")
    r = manifests({"policy.yaml": POLICY, "bad/a.yaml": deployment("many", 9), "sub/policy.yaml": other, "sub/good/a.yaml": deployment("many", 9)})
    assert r.status == 0 and "2 passed" in r.text, r


def test_the_namespace_of_a_manifest_may_stand_beside_it():
    namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: open, labels: {free: 'yes'}}\n"
    assert manifests({"policy.yaml": POLICY, "good/a.yaml": deployment("many", 9, "open") + namespace}).status == 0
    assert manifests({"policy.yaml": POLICY + namespace, "good/a.yaml": deployment("many", 9, "open")}).status == 0
    assert manifests({"policy.yaml": POLICY, "good/a.yaml": deployment("many", 9, "open")}).status == 1


def test_manifests_without_policies_or_objects_are_not_judged():
    r = manifests({"good/a.yaml": deployment("few", 1)})
    assert r.status == 3 and "no folder above it holds a policy" in r.text, r
    assert manifests({"policy.yaml": POLICY, "good/a.yaml": "colour: blue\n"}).status == 3


def test_a_policy_without_tests_fails_and_nothing_is_an_error():
    r = manifests({"policy.yaml": POLICY})
    assert r.status == 1 and "has no tests" in r.text, r
    assert manifests({"a.yaml": GOOD}).status == 2
    assert run("policy", "test", "/nonexistent").status == 2


main()
