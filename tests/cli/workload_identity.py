#!/usr/bin/env python3
"""Rules about what workloads may do with the ServiceAccount that they run as (kind WorkloadIdentity)."""
from lib import *

RULE = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: show}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [redoubt.io], apiVersions: [v1], operations: [CREATE], resources: [workloadidentities]}]}
  validations:
    - expression: "object.token.mounted == 'x'"
      messageExpression: >-
        object.account.name + ' ' + (object.token.mounted ? 'mounted' : 'none') + ' ' + object.token.said + ' ' +
        string(object.account.workloads) + ' ' + string(object.account.exists) + ' ' +
        string(rbac.can(object, 'list', '', 'secrets', object.account.namespace))
"""
ACCOUNT = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s, namespace: shop}\n%s\n"
BINDING = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: %s
metadata: {name: b%s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}
subjects: [%s]
"""


def pod_spec(extra):
    return "{%scontainers: [{name: c, image: registry.example.com/c:1.0}]}" % (extra and extra + ", ")


def deployment(name, extra=""):
    return (f"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n"
            f"  template:\n    spec: {pod_spec(extra)}\n")


def shown(text, rule=RULE):
    with Folder({"r.yaml": rule, "m/a.yaml": text}) as folder:
        r = run("scan", "--no-catalogue", "--rules", "r.yaml", "-o", "json", "m", cwd=folder)
        assert r.status in (0, 1), r
        return {f["resource"]["kind"] + "/" + f["resource"]["name"]: f["message"] for f in r.json["findings"]}, r.json


def test_who_says_whether_the_token_is_mounted():
    volume = "volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t%s}}]}}]"
    text = (ACCOUNT % ("quiet", "automountServiceAccountToken: false") + ACCOUNT % ("loud", "automountServiceAccountToken: true") + ACCOUNT % ("plain", "")
            + deployment("a", "serviceAccountName: quiet") + deployment("b", "serviceAccountName: loud") + deployment("c", "serviceAccountName: plain")
            + deployment("d", "serviceAccountName: quiet, automountServiceAccountToken: true")
            + deployment("e", "serviceAccountName: loud, automountServiceAccountToken: false")
            + deployment("f", "serviceAccountName: quiet, " + volume % "") + deployment("g", "serviceAccountName: quiet, " + volume % ", audience: vault")
            + deployment("h") + deployment("i", "serviceAccount: loud") + deployment("j", "serviceAccountName: ghost"))
    found, _ = shown(text)
    assert found == {"Deployment/" + name: message for name, message in {
        "a": "quiet none account 4 true false", "b": "loud mounted account 3 true false", "c": "plain mounted default 1 true false",
        "d": "quiet mounted pod 4 true false", "e": "loud none pod 3 true false", "f": "quiet mounted volume 4 true false",
        "g": "quiet none account 4 true false", "h": "default mounted default 1 true false", "i": "loud mounted account 3 true false",
        "j": "ghost mounted default 1 false false"}.items()}, found


def test_every_kind_that_makes_pods():
    template = f"template: {{spec: {pod_spec('serviceAccountName: x')}}}"
    text = "".join(f"---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: maker, namespace: shop}}\nspec: {spec}\n" for version, kind, spec in (
        ("v1", "Pod", pod_spec("serviceAccountName: x")), ("v1", "ReplicationController", "{%s}" % template), ("apps/v1", "DaemonSet", "{%s}" % template),
        ("apps/v1", "StatefulSet", "{%s}" % template), ("apps/v1", "ReplicaSet", "{%s}" % template), ("batch/v1", "Job", "{%s}" % template),
        ("batch/v1", "CronJob", "{jobTemplate: {spec: {%s}}}" % template)))
    found, _ = shown(text)
    assert sorted(found) == sorted(k + "/maker" for k in ("Pod", "ReplicationController", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "CronJob")), found
    assert set(found.values()) == {"x mounted default 7 false false"}, found


def test_rights_come_by_account_user_and_group():
    account = "{kind: ServiceAccount, name: web, namespace: shop}"
    user = "{kind: User, apiGroup: rbac.authorization.k8s.io, name: 'system:serviceaccount:shop:web'}"
    group = "{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:serviceaccounts:shop'}"
    other = "{kind: ServiceAccount, name: web, namespace: prod}"
    for subject, may in ((account, "true"), (user, "true"), (group, "true"), (other, "false")):
        found, _ = shown(deployment("web", "serviceAccountName: web") + BINDING % ("ClusterRoleBinding", "", "admin", subject))
        assert found == {"Deployment/web": f"web mounted default 1 false {may}"}, (subject, found)


def test_a_finding_is_at_the_workload_with_the_binding_beside_it():
    text = deployment("web", "serviceAccountName: web") + BINDING % ("ClusterRoleBinding", "", "cluster-admin", "{kind: ServiceAccount, name: web, namespace: shop}")
    with Folder({"a.yaml": text}) as folder:
        r = run("scan", "--rule", "rbac/workload-everything", "-o", "json", "a.yaml", cwd=folder)
        (finding,) = r.json["findings"]
        assert finding["resource"]["kind"] == "Deployment" and finding["resource"]["namespace"] == "shop", finding
        assert finding["location"]["line"] == 7 and [p["line"] for p in finding["related"]] == [9], finding
        assert "cluster-admin" not in finding["message"] and "may do everything" in finding["message"], finding


def test_too_many_grants_are_incomplete_and_take_no_time():
    # 200 workloads that share an account with 2,000 rules: products like that must not be written out.
    rules = "[" + ",".join('{apiGroups: [""], resources: [pods], verbs: [get]}' for _ in range(2000)) + "]"
    text = (f"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: many}}\nrules: {rules}\n"
            + BINDING % ("ClusterRoleBinding", "", "many", "{kind: ServiceAccount, name: web, namespace: shop}")
            + "".join(deployment(f"w{i}", "serviceAccountName: web") for i in range(200)))
    with Folder({"a.yaml": text}) as folder:
        r = run("scan", "--rule", "rbac/workload-secrets-read", "-o", "json", "a.yaml", cwd=folder, timeout=300)
        assert r.status == 3 and any("too many grants" in d["message"] for d in r.json["diagnostics"]), (r.status, r.err[:500], r.text[:300])


main()
