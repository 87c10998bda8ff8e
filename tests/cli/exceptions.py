#!/usr/bin/env python3
"""--exceptions: a scan leaves out what is accepted, and the exported policy does not refuse it."""
from lib import *

EXCEPTION = """apiVersion: redoubt.io/v1
kind: Exceptions
exceptions:
- rules: [%s]
  namespaces: [shop]
  workloads: [%s]
  reason: it has to
"""
POD = "{spec: {containers: [{name: c, image: registry.example.com/c:1.0, securityContext: {privileged: true}}]}}"


def workload(kind="Deployment", name="web", namespace="shop"):
    return f"---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{template: {POD}}}\n"


def pod(owner, name="p", namespace="shop"):
    kind, owner_name = owner.split("/")
    reference = f"[{{apiVersion: apps/v1, kind: {kind}, name: {owner_name}, uid: x, controller: true}}]"
    return (f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, ownerReferences: {reference}}}\n"
            f"spec: {POD[7:-1]}\n")


def found(text, exceptions, *arguments):
    with Folder({"a.yaml": text, "exceptions.yaml": exceptions}) as folder:
        r = run("scan", "a.yaml", "--rule", "pods/privileged", "--exceptions", "exceptions.yaml", "-o", "json", *arguments, cwd=folder)
        assert r.status in (0, 1), r
        return [f["resource"]["name"] for f in r.json["findings"]], r.json["coverage"]["excepted"]


def test_only_what_is_named_is_excepted():
    text = workload() + workload(name="other") + workload(namespace="two") + workload("StatefulSet")
    assert found(text, EXCEPTION % ("pods/privileged", "Deployment/web")) == (["other", "web", "web"], 1)
    assert found(text, EXCEPTION % ("pods", "Deployment/web, StatefulSet/web")) == (["other", "web"], 2)
    everywhere = EXCEPTION.replace("  namespaces: [shop]\n", "") % ("pods", "Deployment/web")
    assert found(text, everywhere) == (["other", "web"], 2)
    whole = EXCEPTION.replace("  workloads: [%s]\n", "") % "pods/privileged"
    assert found(text, whole) == (["web"], 3)


def test_what_a_workload_makes_is_excepted_with_it():
    text = pod("ReplicaSet/web-6f7d", "a") + pod("ReplicaSet/web-api-6f7d", "b") + pod("ReplicaSet/api-6f7d", "c") + pod("DaemonSet/web", "d")
    assert found(text, EXCEPTION % ("pods", "Deployment/web")) == (["b", "c", "d"], 1)
    text = pod("Job/nightly-28", "a") + pod("Job/other-28", "b")
    assert found(text, EXCEPTION % ("pods", "CronJob/nightly")) == (["b"], 1)


def test_an_exception_ends():
    ended = EXCEPTION % ("pods", "Deployment/web") + '  until: "2020-01-01"\n'
    with Folder({"a.yaml": workload(), "e.yaml": ended}) as folder:
        r = run("scan", "a.yaml", "--rule", "pods/privileged", "--exceptions", "e.yaml", cwd=folder)
        assert r.status == 1 and "have expired" in r.err, r
        assert "not-excepted" not in run("policy", "export", "--rule", "pods/privileged", "--exceptions", "e.yaml", cwd=folder).text
    assert found(workload(), ended.replace("2020", "2999")) == ([], 1)


def test_the_cluster_excepts_the_same():
    controller = ("--as", "system:serviceaccount:kube-system:replicaset-controller", "--as-group", "system:serviceaccounts:kube-system")
    with Folder({"e.yaml": EXCEPTION % ("pods/privileged", "Deployment/web"), "web.yaml": workload(), "other.yaml": workload(name="other"),
                 "pod.yaml": pod("ReplicaSet/web-1"), "labelled.yaml": pod("ReplicaSet/web-1").replace("{name: p", "{labels: {a: b}, name: p")}) as folder:
        r = run("policy", "export", "--rule", "pods/privileged", "--action", "Deny", "--exceptions", "e.yaml", cwd=folder)
        with open(os.path.join(folder, "policy.yaml"), "w", encoding="utf-8") as file:
            file.write(r.text)
        ask = lambda *arguments: run("policy", "eval", "--policy", "policy.yaml", *arguments, cwd=folder).status
        assert ask("--object", "web.yaml") == 0 and ask("--object", "other.yaml") == 1
        assert ask("--object", "pod.yaml") == 1 and ask("--object", "pod.yaml", "--as", "eve") == 1
        assert ask("--object", "pod.yaml", *controller) == 0
        assert ask("--object", "labelled.yaml", "--old", "pod.yaml", "--as", "eve") == 0


def test_what_is_no_exception_is_an_error():
    good = EXCEPTION % ("pods", "Deployment/web")
    for text, words in ((good.replace("[pods]", "[pods/priviledged]"), 'did you mean "pods/privileged"'), (good.replace("  reason: it has to\n", ""), "needs a reason"),
                        (good.replace("[pods]", "[]"), "needs rules"), (good.replace("Deployment/web", "web"), "is no workload"),
                        (good.replace("[shop]", "[x'y]"), "is no namespace"), (good + "  until: tomorrow\n", "until is a day"), (good + "  name: x\n", "name"),
                        ("apiVersion: v1\nkind: ConfigMap\n", "is no file of exceptions"), (good.replace("  namespaces: [shop]\n  workloads: [Deployment/web]\n", ""), "namespaces or workloads"),
                        ("a: [", "")):
        with Folder({"e.yaml": text}) as folder:
            r = run("scan", "-", "--exceptions", os.path.join(folder, "e.yaml"), stdin=GOOD)
            assert r.status == 2 and words in r.err and "e.yaml" in r.err, (text, r)


main()
