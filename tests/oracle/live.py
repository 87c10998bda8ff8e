#!/usr/bin/env python3
"""scan --cluster against a real API server: it finds what a scan of the same objects in a file finds, for users of every
kind, and never asks for more than to read. --pods=N seeds N pods (300)."""
from controlplane import *

ATTEMPTS = 10
RBAC = "rbac.authorization.k8s.io"
CONTAINERS = [{}, {"securityContext": {"privileged": True}}, {"securityContext": {"runAsUser": 0}},
              {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}, {"env": [{"name": "A", "value": "b"}]}]


def pod_spec(number):
    return {"containers": [{"name": "c", "image": f"registry.example.com/c:{number}", **CONTAINERS[number % len(CONTAINERS)]}],
            **({"hostNetwork": True} if number % 7 == 0 else {}), "automountServiceAccountToken": False}


def meta(name, namespace=None, **more):
    return {"name": name, **({"namespace": namespace} if namespace else {}), **more}


def role(kind, name, namespace, **rule):
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta(name, namespace), "rules": [{"apiGroups": [""], **rule}]}


def binding(kind, name, namespace, role_kind, user):
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta(name, namespace), "roleRef": {"apiGroup": RBAC, "kind": role_kind, "name": name},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}]}


def seed(server, pods):
    for name in ("shop", "back"):
        server.put({"apiVersion": "v1", "kind": "Namespace", "metadata": meta(name)})
    objects = [{"apiVersion": "v1", "kind": "Pod", "metadata": meta(f"p{i}", ("shop", "back")[i % 2]), "spec": pod_spec(i)} for i in range(pods)]
    labels = {"app": "web"}
    objects += [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(f"d{i}", "shop"),
                 "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod_spec(i)}}} for i in range(5)]
    objects += [{"apiVersion": "v1", "kind": "Secret", "metadata": meta("key", "shop"), "data": {"key": "bWFya2VyLWluLWEtc2VjcmV0"}},
                role("ClusterRole", "all", None, verbs=["list", "get"], resources=["*"]), binding("ClusterRoleBinding", "all", None, "ClusterRole", "reader"),
                role("Role", "pods", "shop", verbs=["list"], resources=["pods"]), binding("RoleBinding", "pods", "shop", "Role", "local")]
    server.each(server.put, objects)
    # The pods of the Deployments are there when all of this has been done.
    server.wait(lambda: len(server.request("GET", "/api/v1/namespaces/shop/pods").body["items"]) == (pods + 1) // 2 + 10, "the pods of the Deployments")


def kubeconfig(server, user=None):
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
              "clusters": [{"name": "k", "cluster": {"server": f"https://127.0.0.1:{server.port}", "certificate-authority": os.path.join(server.folder, "pki", "ca.crt")}}],
              "users": [{"name": "u", "user": {"client-certificate": os.path.join(server.folder, "pki", "admin.crt"), "client-key": os.path.join(server.folder, "pki", "admin.key"),
                                               **({"as": user} if user else {})}}]}
    return json.dumps(config)


def live(server, *arguments, user=None):
    with Folder({"config": kubeconfig(server, user)}) as folder:
        return run("scan", "--cluster", "-o", "json", "--kubeconfig", os.path.join(folder, "config"), *arguments)


def found(report):
    return sorted((f["rule"], f["resource"]["kind"], f["resource"]["namespace"], f["resource"]["name"], f["location"]["path"], f["message"]) for f in report["findings"])


def dump(server):
    """Everything that is there, without what Deployments control, as kubectl would write it."""
    items = []
    for (version, kind), (plural, _) in server.kinds.items():
        reply = server.request("GET", f"{prefix(version)}/{plural}")
        for item in reply.body.get("items", []) if reply.ok and kind != "Secret" else []:
            if not any(owner.get("controller") for owner in item["metadata"].get("ownerReferences", [])):
                items.append({"apiVersion": version, "kind": kind, **item})
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def found_in_a_dump(server):
    with Folder({"all.json": dump(server)}) as folder:
        return set(found(run("scan", "-o", "json", os.path.join(folder, "all.json")).json))


def check_all(server):
    # The controllers work all the while: what is there has to be the same before and afterwards.
    for _ in range(ATTEMPTS):
        before, r, after = found_in_a_dump(server), live(server), found_in_a_dump(server)
        assert r.status == 1 and "bWFya2Vy" not in r.text, r
        if before == after:
            break
    mine = found(r.json)
    # Kinds that are served in several versions stand in the dump several times.
    assert before == after == set(mine), (before ^ set(mine))
    assert len(mine) > 300 and any("SYS_ADMIN" in f[5] for f in mine), len(mine)
    pages = live(server, "-n", "shop")
    assert {f for f in mine if f[2] == "shop" and f[0].startswith("pods/")} == {f for f in found(pages.json) if f[0].startswith("pods/")}, pages


def check_users(server):
    reader = live(server, user="reader")
    assert reader.status == 3 and any("cannot list deployments.apps in any namespace" in d["message"] for d in reader.json["diagnostics"]), reader
    assert any(f["resource"]["kind"] == "Pod" for f in reader.json["findings"])
    local = live(server, "-n", "shop", user="local")
    assert local.status == 3 and {f["resource"]["kind"] for f in local.json["findings"]} == {"Pod"} and {f["resource"]["namespace"] for f in local.json["findings"]} == {"shop"}, local
    assert live(server, user="local").json["findings"] == []
    nobody = live(server, user="nobody")
    assert nobody.status == 3 and not nobody.json["findings"] and sum("Forbidden" in d["message"] for d in nobody.json["diagnostics"]) > 10, nobody


def check_log(server):
    """What the audit log says of us: that we listed, and nothing else."""
    # What is asked last is in the log last.
    server.request("GET", "/api/v1/namespaces/shop", audit_id="the-last")
    log = server.audit_log(lambda events: any(event["auditID"] == "the-last" for event in events))
    ours = [event for event in map(json.loads, log.splitlines()) if event.get("userAgent", "").startswith("redoubt/")]
    assert ours and {event["verb"] for event in ours} <= {"get", "list"}, {event["verb"] for event in ours}
    # Of Secrets the list of metadata, and nothing by name.
    secrets = [event for event in ours if event.get("objectRef", {}).get("resource") == "secrets"]
    assert {event["verb"] for event in secrets} == {"list"}, secrets


def test_a_live_scan_finds_what_a_scan_of_files_finds():
    with cluster() as server:
        seed(server, argument("pods", 300))
        check_all(server)
        check_users(server)
        check_log(server)


main()
