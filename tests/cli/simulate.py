#!/usr/bin/env python3
"""policy simulate: what the policies in a dump of a cluster enforce, and which of its objects they hit."""
from lib import *


def policy(name, expression="false", **spec):
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name, "uid": "1", "resourceVersion": "2"},
            "spec": {"matchConstraints": {"resourceRules": [{"apiGroups": ["", "apps"], "apiVersions": ["v1"], "operations": ["*"],
                                                             "resources": ["deployments", "pods"]}]},
                     "validations": [{"expression": expression, "message": f"not {name}"}], **spec},
            "status": {"observedGeneration": 1}}


def binding(name, of, actions=("Deny",), **spec):
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": of, "validationActions": list(actions), **spec}}


def thing(kind, name, owner=None, managers=(), namespace="shop", **spec):
    metadata = {"name": name, "namespace": namespace}
    if owner:
        metadata["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "Node", "name": "other", "uid": "x"},
                                       {"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1], "uid": "x", "controller": True}]
    if managers:
        metadata["managedFields"] = [{"manager": m, "time": f"2026-01-0{day}T00:00:00Z", **more} for m, day, more in managers]
    return {"apiVersion": "v1" if kind in ("Pod", "ConfigMap") else "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "shop"}}}
CHAIN = [thing("Deployment", "web", managers=(("kubectl", 1, {}), ("argocd", 3, {}), ("kubelet", 5, {"subresource": "status"}))),
         thing("ReplicaSet", "web-1", ("Deployment", "web")), thing("Pod", "web-1-x", ("ReplicaSet", "web-1"), containers=[{"name": "c"}])]


def simulate(*items, arguments=(), files=None):
    dump = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})
    with Folder({"dump.json": dump, **(files or {})}) as folder:
        r = run("policy", "simulate", "dump.json", "-o", "json", *arguments, cwd=folder)
        text = run("policy", "simulate", "dump.json", *arguments, cwd=folder)
        assert text.status == r.status, (text, r)
        r.words = text.text
        return r


def hits(r):
    return [(h["policy"], h["action"], f"{h['object']['kind']}/{h['object']['name']}", ",".join(h["operations"])) for h in r.json["hits"]]


def test_each_binding_acts_and_others_are_told_apart():
    r = simulate(NAMESPACE, policy("p"), policy("idle"), binding("b", "p"), binding("w", "p", ["Warn", "Audit"]), binding("o", "gone"), *CHAIN)
    assert r.status == 1, r
    assert hits(r) == [("p", action, name, "CREATE,UPDATE") for name in ("Deployment/web", "Pod/web-1-x") for action in ("Deny", "Warn", "Audit")], r
    assert r.json["summary"] == {"objects": 9, "denied": 2, "warned": 2, "audited": 2, "notJudged": 0}, r
    policies = {p["name"]: p for p in r.json["policies"]}
    assert policies["p"]["bound"] and not policies["idle"]["bound"] and policies["p"]["denied"] == 2, r
    bindings = {b["name"]: b for b in r.json["bindings"]}
    assert bindings["o"]["orphan"] and "does not exist" in bindings["o"]["problem"] and bindings["w"]["actions"] == ["Warn", "Audit"], r
    assert "idle: no binding names it" in r.words and 'policy "gone" does not exist' in r.words, r.words


def test_who_would_notice_are_owners_and_clients():
    r = simulate(policy("p"), binding("b", "p"), *CHAIN)
    assert [h["owner"]["kind"] + "/" + h["owner"]["name"] for h in r.json["hits"]] == ["Deployment/web", "Deployment/web"], r
    assert r.json["namespaces"] == [{"name": "shop", "denied": 2, "warned": 0, "audited": 0, "owners": ["Deployment/web"], "managers": ["argocd"]}], r


def test_owners_in_a_circle_end():
    r = simulate(policy("p"), binding("b", "p"), thing("Pod", "a", ("Pod", "b")), thing("Pod", "b", ("Pod", "a")))
    assert r.status == 1 and len(r.json["hits"]) == 2, r


def test_creating_and_updating_may_differ():
    r = simulate(policy("p", "request.operation == 'CREATE'"), policy("q", "oldObject != null"), binding("p", "p"), binding("q", "q"), CHAIN[0])
    assert hits(r) == [("q", "Deny", "Deployment/web", "CREATE"), ("p", "Deny", "Deployment/web", "UPDATE")], r
    assert r.json["summary"]["denied"] == 1, r


def test_params_are_found_or_missed():
    kind = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
    limit = {**thing("ConfigMap", "limits"), "data": {"on": "yes"}}
    p = policy("p", "params.data.on == 'no'", **kind)
    found = binding("b", "p", paramRef={"name": "limits", "parameterNotFoundAction": "Deny"})
    r = simulate(p, found, limit, CHAIN[0])
    assert hits(r) == [("p", "Deny", "Deployment/web", "CREATE,UPDATE")] and r.json["hits"][0]["message"] == "not p", r
    for action, problem, count in (("Deny", "is refused", 1), ("Allow", "does nothing", 0)):
        r = simulate(p, binding("b", "p", ["Audit"], paramRef={"name": "nosuch", "parameterNotFoundAction": action}), limit, CHAIN[0])
        assert problem in r.json["bindings"][0]["problem"] and len(r.json["hits"]) == count, r
    r = simulate(p, binding("b", "p"), limit, CHAIN[0])
    assert "names no params" in r.json["bindings"][0]["problem"], r


def test_failing_open_and_asking_for_the_user_are_said():
    r = simulate(policy("open", "object.nosuch == 1", failurePolicy="Ignore"), policy("user", "request.userInfo.username == 'jane'"),
                 binding("open", "open"), binding("user", "user"), CHAIN[0])
    assert hits(r) == [("user", "Deny", "Deployment/web", "CREATE,UPDATE")], r
    assert "let through" in r.words and "depends on who" in r.words, r.words
    assert simulate(policy("user", "request.userInfo.username == 'jane'"), binding("user", "user"), CHAIN[0], arguments=("--as", "jane")).status == 0


def test_a_policy_that_cannot_be_judged_makes_it_incomplete():
    r = simulate(policy("bad", "object.x ="), binding("bad", "bad"), policy("p"), binding("p", "p"), CHAIN[0])
    assert r.status == 3 and hits(r) == [("p", "Deny", "Deployment/web", "CREATE,UPDATE")], r
    assert any('"bad" cannot be judged' in d["message"] for d in r.json["diagnostics"]), r
    assert not r.json["bindings"][0]["orphan"] and "cannot be judged" in r.json["bindings"][0]["problem"], r
    assert "incomplete: 1 not judged" in r.words, r.words


def test_a_namespace_that_is_not_there_makes_it_incomplete():
    selector = {"matchResources": {"namespaceSelector": {"matchLabels": {"team": "shop"}}}}
    assert simulate(NAMESPACE, policy("p"), binding("b", "p", **selector), CHAIN[0]).status == 1
    r = simulate(policy("p"), binding("b", "p", **selector), *CHAIN)
    assert r.status == 3 and r.json["summary"]["notJudged"] == 1, r


def test_a_stage_is_what_export_would_apply():
    pod = thing("Pod", "bad", containers=[{"name": "c", "securityContext": {"privileged": True}}])
    for stage, key in (("Audit", "audited"), ("Warn", "warned"), ("Deny", "denied")):
        r = simulate(NAMESPACE, pod, arguments=("--stage", stage, "--rule", "pods/privileged"))
        assert r.status == 1 and r.json["summary"][key] == 1 and r.json["policies"][0]["planned"], r
        r = simulate(NAMESPACE, pod, arguments=("--stage", stage, "--rule", "pods/privileged", "--namespaces", "team notin (shop)"))
        assert r.status == 0, r
    assert simulate(pod, arguments=("--rule", "pods/privileged")).status == 2


def test_what_is_planned_takes_the_place_of_what_is_there():
    pod = thing("Pod", "bad", containers=[{"name": "c", "securityContext": {"privileged": True}}])
    exported = run("policy", "export", "--rule", "pods/privileged", "--action", "Audit").text
    with Folder({"there.yaml": exported, "pod.json": json.dumps(pod)}) as folder:
        r = run("policy", "simulate", folder, "-o", "json")
        assert r.json["summary"] == {"objects": 3, "denied": 0, "warned": 0, "audited": 1, "notJudged": 0}, r
        r = run("policy", "simulate", folder, "-o", "json", "--stage", "Deny", "--rule", "pods/privileged")
        assert r.json["summary"] == {"objects": 3, "denied": 1, "warned": 0, "audited": 0, "notJudged": 0}, r


def test_a_file_may_be_planned():
    planned = json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy("p", "true"), binding("b", "p")]})
    r = simulate(policy("p"), binding("b", "p"), *CHAIN, arguments=("--policy", "new.json"), files={"new.json": planned})
    assert r.status == 0 and len(r.json["policies"]) == 1, r
    r = simulate(*CHAIN, arguments=("--policy", "new.json"), files={"new.json": "kind: ["})
    assert r.status == 2, r


def test_what_is_not_simulated_is_said():
    mutating = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": "m"}, "spec": {}}
    r = simulate(policy("p"), binding("b", "p"), mutating, CHAIN[0])
    assert r.status == 1 and [d["incomplete"] for d in r.json["diagnostics"] if '"m" is not simulated' in d["message"]] == [False], r


def test_nothing_enforced_is_said():
    r = simulate(*CHAIN)
    assert r.status == 0 and "nothing is enforced" in r.words, r.words
    assert run("policy", "simulate", "/nonexistent").status == 2


main()
