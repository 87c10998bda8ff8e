#!/usr/bin/env python3
"""policy apply: formats, exit statuses, streams; and that policy eval judges what mutating policies made."""
from lib import *

KIND = "MutatingAdmissionPolicy"
POLICY = """apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: %s}
spec:
  reinvocationPolicy: %s
  matchConstraints:
    resourceRules:
    - {apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: ["*"]}
  mutations:
  - patchType: %s
    %s: {expression: "%s"}
"""
DEPLOYMENT = """# the shop
kind: Deployment
apiVersion: apps/v1
metadata: {name: web, namespace: shop}
spec:
  template: {spec: {containers: [{name: c, image: "i:1"}]}}
  replicas: 2
"""
VALIDATING = """---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: few}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}
  validations: [{expression: object.spec.replicas <= 5}]
"""


def configuration(expression, name="a", again="Never"):
    return POLICY % (name, again, "ApplyConfiguration", "applyConfiguration", expression.replace('"', '\\"'))


def patch(expression, name="a", again="Never"):
    return POLICY % (name, again, "JSONPatch", "jsonPatch", expression.replace('"', '\\"'))


def apply(*arguments, policy, obj=DEPLOYMENT):
    with Folder({"policy.yaml": policy, "object.yaml": obj}) as folder:
        return run("policy", "apply", *arguments, os.path.join(folder, "policy.yaml"), os.path.join(folder, "object.yaml"))


REPLICAS = configuration("Object{spec: Object.spec{replicas: 7}}")


def test_the_object_is_printed_as_it_was_written():
    r = apply(policy=REPLICAS)
    assert r.status == 0 and r.text == """kind: Deployment
apiVersion: apps/v1
metadata:
  name: web
  namespace: shop
spec:
  template:
    spec:
      containers:
      - name: c
        image: i:1
  replicas: 7
""", r
    assert not r.err, r


def test_a_diff_shows_what_changes_and_is_empty_where_nothing_does():
    r = apply("-o", "diff", policy=REPLICAS)
    assert r.status == 0 and [line for line in r.text.splitlines() if line[0] in "+-"][2:] == ["-  replicas: 2", "+  replicas: 7"], r
    r = apply("-o", "diff", policy=configuration("Object{}"))
    assert r.status == 0 and r.text == "", r


def test_the_full_object_has_its_defaults():
    r = apply("--full", "-o", "json", policy=configuration('Object{metadata: Object.metadata{labels: {"a": "b"}}}'))
    assert r.status == 0 and r.json["spec"]["strategy"]["type"] == "RollingUpdate" and r.json["metadata"]["labels"] == {"a": "b"}, r
    r = apply("-o", "json", policy=configuration('Object{metadata: Object.metadata{labels: {"a": "b"}}}'))
    assert r.status == 0 and sorted(r.json["spec"]) == ["replicas", "template"], r


def test_a_failing_policy_refuses_in_the_words_of_the_server():
    r = apply(policy=configuration("Object{spec: Object.spec{nothing: 1}}"))
    assert r.status == 1 and r.text == "", r
    assert "policy \"a\" denied request: error applying patch: failed to convert patch object to typed object: .spec.nothing: field not declared in schema" in r.err, r
    r = apply(policy=patch("[JSONPatch{op: 'remove', path: '/spec/nothing'}]"))
    assert r.status == 1 and "JSON Patch: error in remove for path: '/spec/nothing': Unable to remove nonexistent key: nothing" in r.err, r
    r = apply(policy=patch("[JSONPatch{op: 'add', path: '/spec/foo', value: 1}]"))
    assert r.status == 1 and 'strict decoding error: unknown field "spec.foo"' in r.err, r
    r = apply(policy=configuration("Object{spec: Object.spec{nothing: 1}}").replace("spec:\n", "spec:\n  failurePolicy: Ignore\n", 1))
    assert r.status == 0 and "replicas: 2" in r.text, r


def test_what_no_server_would_store_is_invalid():
    for policy in (configuration("Object{spec: "), configuration("1"), patch("Object{}"), configuration("Objekt{}"), REPLICAS.replace("Never", "Sometimes"),
                   REPLICAS.replace("CREATE", "DELETE"), REPLICAS.replace("ApplyConfiguration", "Apply"), REPLICAS.replace("mutations", "mutation"),
                   REPLICAS + "---\n" + REPLICAS):
        r = apply(policy=policy)
        assert r.status == 2 and r.text.startswith('{"verdict":"invalid"'), (policy, r)
    assert run("policy", "apply").status == 2
    assert run("policy", "apply", "--stream", "x").status == 2


def test_policies_run_in_order_and_again_if_needed():
    add = "[JSONPatch{op: 'add', path: '/spec/template/spec/containers/0/args', value: object.spec.template.spec.containers[0].?args.orValue([]) + ['%s']}]"
    r = apply("-o", "json", policy=patch(add % "b", "b") + "---\n" + patch(add % "a", "a", "IfNeeded"))
    assert r.json["spec"]["template"]["spec"]["containers"][0]["args"] == ["a", "b", "a"], r


def test_policies_about_other_things_change_nothing():
    r = apply(policy=REPLICAS.replace('apiGroups: ["*"]', "apiGroups: [batch]"))
    assert r.status == 0 and "replicas: 2" in r.text and "no policy is about this object" in r.err, r
    r = apply(policy=VALIDATING)
    assert r.status == 0 and "no MutatingAdmissionPolicy" in r.err, r


def test_bindings_choose_params():
    policy = configuration("Object{spec: Object.spec{replicas: int(params.data.most)}}").replace("spec:\n", "spec:\n  paramKind: {apiVersion: v1, kind: ConfigMap}\n", 1)
    binding = """---
apiVersion: admissionregistration.k8s.io/v1beta1
kind: MutatingAdmissionPolicyBinding
metadata: {name: bound}
spec: {policyName: a, paramRef: {name: most, parameterNotFoundAction: Deny}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: most, namespace: shop}
data: {most: "3"}
"""
    r = apply(policy=policy + binding)
    assert r.status == 0 and "replicas: 3" in r.text, r
    r = apply(policy=policy + binding.replace("namespace: shop", "namespace: other"))
    assert r.status == 1 and "policy 'a' with binding 'bound' denied request: failed to configure binding: no params found" in r.err, r


def test_a_stream_answers_every_line():
    line = json.dumps({"policy": REPLICAS, "object": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {}}})
    r = run("policy", "apply", "--stream", stdin=line + "\n{\n" + line.replace("replicas", "nothing") + "\n")
    answers = [json.loads(text) for text in r.text.splitlines()]
    assert r.status == 0 and [answer["verdict"] for answer in answers] == ["allow", "invalid", "deny"], r
    assert answers[0]["object"]["spec"]["replicas"] == 7 and answers[2]["status"]["code"] == 403, r


def test_eval_judges_what_mutating_policies_made():
    with Folder({"policy.yaml": REPLICAS + VALIDATING, "object.yaml": DEPLOYMENT}) as folder:
        arguments = ("policy", "eval", "--policy", os.path.join(folder, "policy.yaml"), "--object", os.path.join(folder, "object.yaml"))
        r = run(*arguments)
        assert r.status == 1 and r.json["violations"][0]["policy"] == "few", r
        assert run(*arguments, "--operation", "UPDATE").status == 0


def test_what_does_not_apply_them_says_so():
    with Folder({"m.yaml": REPLICAS, "v.yaml": VALIDATING, "object.yaml": DEPLOYMENT}) as folder:
        r = run("scan", "--rule", "pods/privileged", "-o", "json", folder)
        assert r.status == 0, r
        assert [(d["message"], d["line"]) for d in r.json["diagnostics"]] == [
            ('MutatingAdmissionPolicy "a" is not applied: objects are judged as they are; see policy apply', 1)], r.json["diagnostics"]
        rules = ["--no-catalogue", "--rules", os.path.join(folder, "m.yaml")]
        both = rules + ["--rules", os.path.join(folder, "v.yaml")]
        r = run("scan", *both, folder)
        assert "1 mutating policies among the rules judge nothing; see policy apply" in r.err, r
        r = run("policy", "export", *both)
        assert r.status == 0 and r.text.count("kind: ValidatingAdmissionPolicy\n") == 1 and KIND not in r.text, r
        assert "1 mutating policies among the rules are not exported" in r.err, r
        r = run("policy", "export", *rules)
        assert r.status == 2 and "mutating policies judge nothing" in r.err, r


def test_custom_resources_are_merged_by_their_definition():
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "shop"}, "spec": {"parts": [{"name": "a", "size": 1}]}}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
                  "spec": {"group": "example.com", "names": {"kind": "Widget", "plural": "widgets"}, "scope": "Namespaced", "versions": [{
                      "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {
                          "type": "object", "properties": {"parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {
                              "type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "size": {"type": "integer"}}}}}}}}}}]}}
    policy = configuration('Object{spec: Object.spec{parts: [Object.spec.parts{name: "a", size: 2}]}}')
    r = apply("-o", "json", policy=policy + "---\n" + json.dumps(definition), obj=json.dumps(widget))
    assert r.status == 0 and r.json["spec"]["parts"] == [{"name": "a", "size": 2}], r
    widget["spec"]["parts"].append({"name": "b"})
    assert len(apply("-o", "json", policy=policy + "---\n" + json.dumps(definition), obj=json.dumps(widget)).json["spec"]["parts"]) == 2
    assert len(apply("-o", "json", policy=policy, obj=json.dumps(widget)).json["spec"]["parts"]) == 1


if __name__ == "__main__":
    main()
