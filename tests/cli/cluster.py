#!/usr/bin/env python3
"""redoubt scan --cluster against a server of our own that fails in every way; tests/oracle/cluster.py has the real one."""
import base64
import contextlib
import http.server
import stat
import threading
import urllib.parse
from lib import *

RULE = ("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: any}\nspec:\n  matchConstraints:\n    resourceRules:\n"
        "    - {apiGroups: ['', apps], apiVersions: [v1], operations: [CREATE], resources: [pods, configmaps, secrets, deployments, replicasets]}\n"
        "  validations:\n  - expression: \"object.metadata.name.startsWith('good')\"\n")

CORE = {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {}, "versions": [{"version": "v1", "resources": [
    {"resource": name, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": ["get", "list"]} for name, kind in
    (("pods", "Pod"), ("configmaps", "ConfigMap"), ("secrets", "Secret"))] + [{"resource": "bindings", "responseKind": {"kind": "Binding"}, "scope": "Namespaced", "verbs": ["create"]}]}]}]}
APPS = {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
    {"resource": name, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": ["list"]} for name, kind in (("deployments", "Deployment"), ("replicasets", "ReplicaSet"))]}]}]}


def item(name, namespace="shop", **metadata):
    return {"metadata": {"name": name, "namespace": namespace, "managedFields": [{"manager": "someone"}], **metadata}}


class Server:
    """Answers by what `answers` says of a path: an object, a list of answers one after the other, or (status, headers, bytes)."""

    def __init__(self, answers, token=None):
        self.answers, self.token, self.asked = {"/api": CORE, "/apis": APPS, "/api/v1/configmaps": {"items": [item("good")]}, **answers}, token, []

    def answer(self, handler):
        parts = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        self.asked.append((handler.command, handler.path, handler.headers.get("Authorization"), dict(handler.headers)))
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token()}":
            return 401, {}, b"{}"
        answer = self.answers.get(parts.path, {"items": []})
        if callable(answer):
            answer = answer(query)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer if isinstance(answer, tuple) else (200, {}, json.dumps(answer).encode())

    @contextlib.contextmanager
    def running(self, user=None, **files):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, headers, body = outer.answer(self)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                  "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}], "users": [{"name": "u", "user": user or {}}]}
        try:
            with Folder({"config": json.dumps(config), "rule.yaml": RULE, **files}) as path:
                yield path
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def live(path, *arguments, env=None):
    return run("scan", "--cluster", "-o", "json", "--no-catalogue", "--rules", "rule.yaml", *arguments, cwd=path, env={"KUBECONFIG": "config", **(env or {})})


def names(result):
    return sorted(f["location"]["file"] for f in result.json["findings"])


def test_objects_are_read_page_by_page():
    def pods(query):
        first = int(query.get("continue", "0/%").split("/")[0])
        return {"metadata": {"continue": f"{first + 2}/%"} if first < 4 else {}, "items": [item(f"bad-{first}"), item(f"good-{first}")]}
    server = Server({"/api/v1/pods": pods, "/apis/apps/v1/deployments": {"items": [item("bad", "other")]}})
    with server.running() as path:
        r = live(path)
    assert r.status == 1 and names(r) == ["cluster:other/deployments.apps/bad", "cluster:shop/pods/bad-0", "cluster:shop/pods/bad-2", "cluster:shop/pods/bad-4"], r
    finding = r.json["findings"][0]
    assert finding["resource"]["apiVersion"] == "apps/v1" and finding["resource"]["kind"] == "Deployment" and finding["location"]["line"] == 4, finding
    assert all(command == "GET" for command, *_ in server.asked) and not any("/bindings" in asked[1] for asked in server.asked), server.asked


def test_one_namespace():
    server = Server({"/api/v1/namespaces/shop/pods": {"items": [item("bad")]}, "/api/v1/pods": {"items": [item("worse")]}})
    with server.running() as path:
        assert names(live(path, "-n", "shop")) == ["cluster:shop/pods/bad"]
        assert live(path, "-n", "../../secrets").status == 2


def test_what_a_listed_workload_controls_is_judged_once():
    owned = item("bad-1", ownerReferences=[{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "bad", "uid": "7", "controller": True}])
    other = item("bad-2", ownerReferences=[{"apiVersion": "example.com/v1", "kind": "Runner", "name": "x", "controller": True}])
    answers = {"/api/v1/pods": {"items": [owned, other]}, "/apis/apps/v1/replicasets": {"items": [item("bad", uid="7")]}}
    with Server(answers).running() as path:
        r = live(path)
        assert names(r) == ["cluster:shop/pods/bad-2", "cluster:shop/replicasets.apps/bad"] and r.json["coverage"]["repeated"] == 1, r
        assert r.json["findings"][0]["owner"] == {"apiVersion": "example.com/v1", "kind": "Runner", "namespace": "shop", "name": "x"}, r
    # Who only claims to be made by something that is there, or by something that is not, is judged like any other.
    for uid, answer in (("8", 200), ("7", 404)):
        owned["metadata"]["ownerReferences"][0]["uid"] = uid
        answers["/apis/apps/v1/replicasets"] = {"items": [item("bad", uid="7")] if answer == 200 else []}
        answers["/apis/apps/v1/namespaces/shop/replicasets/bad"] = (404, {}, b"{}")
        with Server(answers).running() as path:
            r = live(path)
            assert "cluster:shop/pods/bad-1" in names(r), r
            assert answer == 200 or any("ReplicaSet shop/bad, which objects name as what controls them, is not there" in d["message"] for d in r.json["diagnostics"]), r


def chain(name, kind, owner, uid):
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", **item(name, uid=uid, ownerReferences=[owner] if owner else [])}


def test_owners_are_followed_to_the_top():
    def owner(kind, name, uid):
        return {"apiVersion": "example.com/v1", "kind": kind, "name": name, "uid": uid, "controller": True}
    groups = {"kind": "APIGroupDiscoveryList", "items": APPS["items"] + [{"metadata": {"name": "example.com"}, "versions": [{"version": "v1", "resources": [
        {"resource": name, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": ["list"]} for name, kind in (("runners", "Runner"), ("fleets", "Fleet"))]}]}]}
    base = "/apis/example.com/v1/namespaces/shop/"
    answers = {"/apis": groups, "/api/v1/pods": {"items": [item(f"bad-{i}", ownerReferences=[owner("Runner", "r", "1")]) for i in range(20)]},
               base + "runners/r": chain("r", "Runner", owner("Fleet", "f", "2"), "1"), base + "fleets/f": chain("f", "Fleet", None, "2")}
    server = Server(answers)
    with server.running() as path:
        r = live(path)
        assert {f["owner"]["name"] for f in r.json["findings"]} == {"f"} and len(r.json["findings"]) == 20, r
        # Each is asked for once, and by its metadata alone.
        asked = [a for a in server.asked if base in a[1]]
        assert len(asked) == 2 and all("PartialObjectMetadata" in a[3]["Accept"] for a in asked), asked
        assert run("snapshot", "save", "s", cwd=path, env={"KUBECONFIG": "config"}).status == 0
        later = run("scan", "--from", "s", "-o", "json", "--no-catalogue", "--rules", "rule.yaml", cwd=path)
        assert {f["owner"]["name"] for f in later.json["findings"]} == {"f"}, later
        text = run("scan", "--from", "s", "--no-catalogue", "--rules", "rule.yaml", cwd=path)
        assert "made by Fleet shop/f" in text.text, text
    # Circles end, and owners that may not be read are told by the name that is known.
    answers[base + "fleets/f"] = chain("f", "Fleet", owner("Runner", "r", "1"), "2")
    with Server(answers).running() as path:
        assert len(live(path).json["findings"]) == 20
    answers[base + "runners/r"] = (403, {}, b"{}")
    with Server(answers).running() as path:
        r = live(path)
        assert {f["owner"]["name"] for f in r.json["findings"]} == {"r"}, r
    # Who owns itself, and a thousand owners that are not there: bounded.
    answers["/api/v1/pods"] = {"items": [item(f"bad-{i}", ownerReferences=[owner("Runner", f"no-{i}", "1")]) for i in range(40)]}
    answers |= {base + f"runners/no-{i}": (403, {}, b"{}") for i in range(40)}
    server = Server(answers)
    with server.running() as path:
        assert len(live(path).json["findings"]) == 40
    assert len([a for a in server.asked if base in a[1]]) == 20, "after 20 refusals nobody is asked any more"


def test_what_may_not_be_read_is_told():
    forbidden = (403, {}, json.dumps({"kind": "Status", "message": "no"}).encode())
    with Server({"/api/v1/pods": forbidden, "/api/v1/configmaps": {"items": [item("bad")]}}).running() as path:
        r = live(path)
        assert r.status == 3 and names(r) == ["cluster:shop/configmaps/bad"], r
        messages = [d["message"] for d in r.json["diagnostics"]]
        assert any("cannot list pods in any namespace: 1 rule not judged (403 Forbidden)" in m for m in messages), messages
    # Of Secrets only the metadata is asked for, and only where some rule needs no more.
    server = Server({"/api/v1/secrets": {"items": [{**item("bad"), "data": {"key": "aHVudGVyMg=="}}]}})
    with server.running() as path:
        assert live(path).status == 0 and not any("secrets" in asked[1] for asked in server.asked), server.asked
        open(os.path.join(path, "metadata.yaml"), "w").write(RULE.replace("name: any", "name: meta, annotations: {redoubt.io/reads: metadata}"))
        r = live(path, "--rules", "metadata.yaml")
        assert names(r) == ["cluster:shop/secrets/bad"] and "aHVudGVyMg" not in r.text and r.status == 1, r
        assert any("of secrets only the metadata is read: 1 rule about them is not judged" in d["message"] for d in r.json["diagnostics"]), r
        assert [a[3]["Accept"] for a in server.asked if "secrets" in a[1]] == ["application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"], server.asked
        assert names(live(path, "--read-secrets")) == ["cluster:shop/secrets/bad"]
        assert "aHVudGVyMg==" not in run("scan", "--cluster", "--read-secrets", "--no-catalogue", "--rules", "rule.yaml", cwd=path, env={"KUBECONFIG": "config"}).text


def test_a_server_that_is_busy_or_broken_is_asked_again():
    good = {"items": [item("bad")]}
    busy = (429, {"Retry-After": "1"}, b"slow down")
    with Server({"/api/v1/pods": [busy, (503, {}, b"<html>"), good], "/api/v1/configmaps": [(500, {}, b""), good]}).running() as path:
        r = live(path)
        assert r.status == 1 and names(r) == ["cluster:shop/configmaps/bad", "cluster:shop/pods/bad"], r
    # A list that has expired begins anew, and nothing stands twice.
    def pods(query, expired=[]):
        if "continue" not in query:
            return {"metadata": {"continue": "x"}, "items": [item("bad-1")]}
        if not expired:
            expired.append(True)
            return (410, {}, json.dumps({"kind": "Status", "message": "expired"}).encode())
        return {"items": [item("bad-2")]}
    with Server({"/api/v1/pods": pods}).running() as path:
        assert names(live(path)) == ["cluster:shop/pods/bad-1", "cluster:shop/pods/bad-2"]


def test_hostile_answers():
    for bad in (b"", b"{", b"[1]", b"\xff\xfe", b"{\"items\": 5}", b"{\"items\": [5, {}, null]}", b"[" * 100000, b"{\"items\":[{\"metadata\":{\"name\":\"\\u001b[2J\"}}]}"):
        with Server({"/api/v1/pods": (200, {}, bad)}).running() as path:
            r = live(path)
            assert r.status in (0, 1, 3) and "\x1b" not in r.err, (bad[:20], r)
            assert r.status == 3 or bad.startswith(b"{\"items"), (bad[:20], r)
    with Server({"/api": (200, {}, b"<html>")}).running() as path:
        r = live(path)
        assert r.status == 2 and "no JSON" in r.err, r
    with Server({"/api": (302, {"Location": "http://127.0.0.1:1/"}, b"")}).running() as path:
        assert live(path).status == 2
    # It promises more than it sends, and then hangs up.
    with Server({"/api/v1/pods": (200, {"Content-Length": "100000", "Connection": "close"}, b"{\"items\": [")}).running() as path:
        r = live(path)
        assert r.status == 3 and any("cannot list pods" in d["message"] for d in r.json["diagnostics"]), r


def test_older_servers_without_aggregated_discovery():
    old = {"/api": {"kind": "APIVersions", "versions": ["v1"]}, "/apis": {"kind": "APIGroupList", "groups": [{"name": "apps", "versions": [{"version": "v1"}]}]},
           "/api/v1": {"kind": "APIResourceList", "resources": [{"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["list"]}]},
           "/apis/apps/v1": {"kind": "APIResourceList", "resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["list"]}]},
           "/api/v1/pods": {"items": [item("bad")]}, "/apis/apps/v1/deployments": {"items": [item("bad")]}}
    with Server(old).running() as path:
        assert names(live(path)) == ["cluster:shop/deployments.apps/bad", "cluster:shop/pods/bad"]


def test_tokens():
    with Server({}, token=lambda: "hunter2").running({"token": "hunter2"}) as path:
        assert live(path).status == 0
    with Server({}, token=lambda: "hunter2").running({"token": "hunter3"}) as path:
        r = live(path)
        assert r.status == 2 and "401" in r.err and "hunter" not in r.err, r
    with Server({}, token=lambda: "hunter2").running({"tokenFile": "token", "token": "old"}, token="hunter2\n") as path:
        assert live(path).status == 0
    with Server({}).running({"username": "jane", "password": "pass:word"}) as path:
        assert live(path).status == 0
    server = Server({})
    with server.running({"token": "t", "as": "jane", "as-groups": ["a", "b"], "as-uid": "7"}) as path:
        live(path)
    headers = server.asked[0][3]
    assert headers.get("Impersonate-User") == "jane" and headers.get("Impersonate-Uid") == "7" and headers.get("Impersonate-Group") in ("a", "b"), headers


def plugin(path, body, **more):
    script = os.path.join(path, "plugin")
    with open(script, "w") as file:
        file.write("#!/bin/sh\n" + body)
    os.chmod(script, os.stat(script).st_mode | stat.S_IXUSR)
    config = json.load(open(os.path.join(path, "config")))
    config["users"][0]["user"] = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "args": ["get"],
                                           "env": [{"name": "SECRET", "value": "hunter2"}], "installHint": "install it", **more}}
    json.dump(config, open(os.path.join(path, "config"), "w"))


def test_exec_plugins():
    credential = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"%s}}'
    server = Server({}, token=lambda: "hunter2")
    with server.running() as path:
        plugin(path, f"test \"$1\" = get || exit 1; echo '{credential % ('X', '')}' | sed s/X/$SECRET/\n")
        assert live(path).status == 0
        plugin(path, "echo \"$KUBERNETES_EXEC_INFO\" | grep -q '\"server\":\"http' || exit 1\n" + f"echo '{credential % ('hunter2', '')}'\n", provideClusterInfo=True)
        assert live(path).status == 0
        for body, words in (("exit 3\n", "status 3"), ("echo hunter2\n", "no ExecCredential"), ("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}'\n", "another version"),
                            (f"echo '{credential % ('', '')}'\n", "neither a token")):
            plugin(path, body)
            r = live(path)
            assert r.status == 2 and words in r.err and "hunter2" not in r.err, r
        os.remove(os.path.join(path, "plugin"))
        r = live(path)
        assert r.status == 2 and "install it" in r.err, r
    # A token that the server refuses, because it has ended, is got anew.
    calls = []
    server = Server({}, token=lambda: f"t{len([a for a in server.asked if a[1].startswith('/apis')]) and 2 or 1}")
    with server.running() as path:
        plugin(path, "echo x >> calls; " + f"echo '{credential % ('tN', '')}' | sed s/tN/t$(wc -l < calls | tr -d ' ')/\n")
        r = live(path)
        assert r.status == 0, (r, server.asked, calls)


def test_kubeconfigs_are_merged():
    server = Server({}, token=lambda: "hunter2")
    with server.running({"token": "hunter2"}) as path:
        config = json.load(open(os.path.join(path, "config")))
        parts = {"first": {"current-context": "d", "contexts": [{"name": "d", "context": {"cluster": "k", "user": "v"}}]},
                 "second/users": {"users": [{"name": "v", "user": {"tokenFile": "token"}}, {"name": "u", "user": {"token": "wrong"}}]},
                 "third": {"clusters": config["clusters"], "users": [{"name": "v", "user": {"token": "ignored"}}]}}
        os.mkdir(os.path.join(path, "second"))
        for name, part in parts.items():
            json.dump(part, open(os.path.join(path, name), "w"))
        open(os.path.join(path, "second", "token"), "w").write("hunter2")
        assert live(path, env={"KUBECONFIG": "first:missing::second/users:third"}).status == 0
        assert live(path, "--kubeconfig", "config").status == 0 and live(path, "--context", "c").status == 0
        for arguments, env, words in ((["--context", "x"], {}, 'no context "x"'), (["--kubeconfig", "first"], {}, 'cluster "k"'), (["--kubeconfig", "missing"], {}, "missing"),
                                      ([], {"KUBECONFIG": "second/users"}, "no current context"), ([], {"KUBECONFIG": "", "HOME": path}, "no kubeconfig"),
                                      ([], {"KUBECONFIG": "broken"}, "broken:")):
            open(os.path.join(path, "broken"), "w").write("a: [")
            r = live(path, *arguments, env=env)
            assert r.status == 2 and words in r.err, (arguments, env, r)


def test_simulation_of_a_live_cluster():
    policy = json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"}, "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}, "validations": [{"expression": "false"}]}},
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}}]})
    owned = item("owned", ownerReferences=[{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "good", "controller": True}])
    with Server({"/api/v1/pods": {"items": [owned]}}).running(**{"policy.yaml": policy}) as path:
        r = run("policy", "simulate", "--cluster", "--policy", "policy.yaml", "-o", "json", cwd=path, env={"KUBECONFIG": "config"})
        assert r.status == 1 and '"owned"' in r.text, r
        assert run("policy", "simulate", cwd=path).status == 2


def test_rbac_of_a_live_cluster():
    api = "rbac.authorization.k8s.io"
    groups = {"kind": "APIGroupDiscoveryList", "items": APPS["items"] + [{"metadata": {"name": api}, "versions": [{"version": "v1", "resources": [
        {"resource": name, "responseKind": {"kind": kind}, "scope": "Namespaced" if kind.startswith("Role") else "Cluster", "verbs": ["list"]}
        for name, kind in (("roles", "Role"), ("rolebindings", "RoleBinding"), ("clusterroles", "ClusterRole"), ("clusterrolebindings", "ClusterRoleBinding"))]}]}]}
    answers = {"/apis": groups, f"/apis/{api}/v1/clusterroles": {"items": [{"metadata": {"name": "r"}, "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}]},
               f"/apis/{api}/v1/clusterrolebindings": {"items": [{"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "User", "name": "jane"}]}]}}
    server = Server(answers)
    with server.running() as path:
        env = {"KUBECONFIG": "config"}
        r = run("rbac", "can-i", "get", "pods", "--as", "jane", "--cluster", cwd=path, env=env)
        assert r.status == 0 and "cluster:clusterroles.rbac.authorization.k8s.io/r:" in r.text, r
        assert run("rbac", "can-i", "get", "nodes", "--as", "jane", "--cluster", cwd=path, env=env).status == 1
        assert not any("pods" in asked[1] for asked in server.asked), server.asked
        assert run("snapshot", "save", "s", cwd=path, env=env).status == 0
        assert "User jane" in run("rbac", "who-can", "get", "pods", "--from", "s", cwd=path).text
        server.answers[f"/apis/{api}/v1/rolebindings"] = (403, {}, b"{}")
        r = run("rbac", "can-i", "get", "nodes", "--as", "jane", "--cluster", cwd=path, env=env)
        assert r.status == 3 and "cannot list rolebindings" in r.err, r


def test_snapshots():
    secret = {**item("bad", annotations={"kubectl.kubernetes.io/last-applied-configuration": "hunter2"}), "data": {"key": "aHVudGVyMg=="}, "stringData": {"other": "hunter2"}}
    answers = {"/api/v1/pods": {"items": [item(f"bad-{i}") for i in range(300)]}, "/api/v1/secrets": {"items": [secret]}, "/apis/apps/v1/deployments": (403, {}, b"{}")}
    with Server(answers).running() as path:
        expected = live(path)
        saved = run("snapshot", "save", "s", cwd=path, env={"KUBECONFIG": "config"})
        assert saved.status == 3 and "s: 302 objects" in saved.err and "cannot list deployments.apps" in saved.err, saved
        assert stat.S_IMODE(os.stat(os.path.join(path, "s")).st_mode) == 0o600
        both = run("snapshot", "save", "--read-secrets", "t", cwd=path, env={"KUBECONFIG": "config"})
        assert both.status == 3 and "t: 302 objects" in both.err, both

        def later(file, *arguments):
            return run("scan", "--from", file, "-o", "json", "--no-catalogue", "--rules", "rule.yaml", *arguments, cwd=path)
        assert names(later("s")) == names(expected) and later("s").status == 3, later("s")
        assert "cluster:shop/secrets/bad" in names(later("t"))
        shown = run("scan", "--from", "t", "--no-catalogue", "--rules", "rule.yaml", "--all", cwd=path)
        assert "hunter2" not in shown.text and "aHVudGVyMg" not in shown.text
        whole = open(os.path.join(path, "s"), "rb").read()
        for size in [0, 1, 3, 4, 10, *range(20, len(whole), max(1, len(whole) // 40)), len(whole) - 1]:
            open(os.path.join(path, "cut"), "wb").write(whole[:size])
            r = later("cut")
            assert r.status in (2, 3) and (r.status == 2 or any(d["incomplete"] for d in r.json["diagnostics"])), (size, r)
        for at in range(0, len(whole), max(1, len(whole) // 40)):
            open(os.path.join(path, "changed"), "wb").write(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
            assert later("changed").status in (2, 3), at
        for content in (b"", b"apiVersion: v1\n", b"\x28\xb5\x2f\xfd", os.urandom(1000)):
            open(os.path.join(path, "other"), "wb").write(content)
            r = later("other")
            assert r.status == 2 and "is no snapshot" in r.err, (content, r)
        assert later("missing").status == 2 and run("snapshot", "save", "missing/s", cwd=path, env={"KUBECONFIG": "config"}).status == 2


def whole_pod(number):
    """As a cluster of some size has it: about 4 KB of YAML."""
    mounts = [{"name": f"v{i}", "mountPath": f"/mnt/{i}"} for i in range(4)]
    containers = [{"name": f"c{i}", "image": f"registry.example.com/team/app-{i}:1.2.{number % 7}", "resources": {"limits": {"cpu": "100m", "memory": "128Mi"}, "requests": {"cpu": "10m"}},
                   "env": [{"name": f"SETTING_{k}", "value": f"value of setting {k}"} for k in range(10)], "volumeMounts": mounts, "imagePullPolicy": "IfNotPresent",
                   "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"} for i in range(2)]
    conditions = [{"type": name, "status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:00Z"} for name in ("Initialized", "Ready", "ContainersReady", "PodScheduled")]
    return {**item(f"bad-{number}", uid=f"u{number}", labels={"app": "x", "pod-template-hash": "abcdef"}, annotations={"note": "n" * 200}),
            "spec": {"containers": containers, "volumes": [{"name": f"v{i}", "emptyDir": {}} for i in range(4)], "nodeName": "node-1", "serviceAccountName": "default"},
            "status": {"phase": "Running", "conditions": conditions, "podIP": "10.0.0.1"}}


def test_ten_thousand_pods():
    def pods(query):
        # Nothing is kept: what this process has counts for its children, too.
        first = int(query.get("continue", "0"))
        return {"metadata": {"continue": str(first + 500)} if first < 9500 else {}, "items": [whole_pod(i) for i in range(first, first + 500)]}
    with Server({"/api/v1/pods": pods}).running() as path:
        os.environ["KUBECONFIG"] = os.path.join(path, "config")
        try:
            # The sanitizers need several times as much.
            limit = 150 if "release" in REDOUBT else 1500
            saved, peak = peak_mb("snapshot", "save", os.path.join(path, "s"))
            assert saved.status == 0 and "10001 objects" in saved.err and peak < limit, (saved, peak)
            print(f"# snapshot save: {peak:.0f} MB")
            later, peak = peak_mb("scan", "--from", os.path.join(path, "s"), "-o", "json", "--no-catalogue", "--rules", os.path.join(path, "rule.yaml"))
            print(f"# scan --from: {peak:.0f} MB")
            assert len(later.json["findings"]) == 10000 and peak < limit, peak
        finally:
            del os.environ["KUBECONFIG"]


def test_what_manifests_declare():
    manifest = ("# what is declared\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: bad\n  namespace: shop\n  labels: {app: shop}\nspec:\n  replicas: 2\n"
                "  selector: {matchLabels: {app: shop}}\n  template:\n    metadata: {labels: {app: shop}}\n    spec: {containers: [{name: c, image: i}]}\n"
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone, namespace: shop}\n")
    live_spec = {"replicas": 5, "selector": {"matchLabels": {"app": "shop"}}, "template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}
    owned = item("bad-pod", ownerReferences=[{"apiVersion": "apps/v1", "kind": "Deployment", "name": "bad", "uid": "1", "controller": True}])
    answers = {"/apis/apps/v1/deployments": {"items": [{**item("bad", uid="1", labels={"app": "shop"}), "spec": live_spec}, item("good-other", labels={"app": "shop"})]},
               "/api/v1/pods": {"items": [owned]}}
    drift = ["--rules", os.path.join(ROOT, "policies", "segregation")]
    with Server(answers).running(**{"declared/web.yaml": manifest}) as path:
        def scan_declared(*arguments):
            return live(path, *drift, "--manifests", "declared", *arguments)

        def of(result, rule):
            return [f for f in result.json["findings"] if f["rule"] == rule]
        r = scan_declared()
        found = of(r, "segregation/drift")
        assert [f["message"] for f in found] == ["spec.replicas is 5, declared is 2"] and found[0]["declared"]["file"] == "declared/web.yaml" and found[0]["declared"]["line"] == 9, r
        assert [(f["resource"]["name"], f["location"]["file"], f["location"]["line"]) for f in of(r, "segregation/not-live")] == [("gone", "declared/web.yaml", 17)], r
        assert not of(r, "segregation/undeclared")
        # Other findings tell where they come from, too; those of pods the object that made them.
        assert {(f["declared"]["line"], f["declared"]["path"]) for f in of(r, "any") if f["resource"]["name"] == "bad"} == {(5, "metadata.name")}, r
        assert [f["resource"]["name"] for f in of(scan_declared("--undeclared", "app=shop"), "segregation/undeclared")] == ["good-other"]
        assert run("snapshot", "save", "s", cwd=path, env={"KUBECONFIG": "config"}).status == 0
        later = run("scan", "--from", "s", "-o", "json", "--no-catalogue", "--rules", "rule.yaml", *drift, "--manifests", "declared", cwd=path)
        assert {f["fingerprint"] for f in later.json["findings"]} == {f["fingerprint"] for f in r.json["findings"]}, later
        # What may not be listed is not missed, and manifests that cannot be read are told.
        answers["/api/v1/configmaps"] = (403, {}, b"{}")
        with Server(answers).running(**{"declared/web.yaml": manifest + "---\na: [\n"}) as other:
            r = live(other, *drift, "--manifests", "declared")
            assert r.status == 3 and not of(r, "segregation/not-live") and any(d["file"] == "declared/web.yaml" and d["incomplete"] for d in r.json["diagnostics"]), r
        for arguments in (["--undeclared", "a=b"], ["--manifests", "missing"], ["--manifests", "declared", "--undeclared", "a in ("]):
            assert live(path, *arguments).status == 2, arguments
        assert run("scan", "--manifests", "declared", ".", cwd=path).status == 2


def test_wrong_usage():
    r = run("scan")
    assert r.status == 2 and "--cluster" in r.err, r
    with Server({}).running() as path:
        config = json.load(open(os.path.join(path, "config")))
        for server in ("127.0.0.1:1", "ftp://127.0.0.1", ""):
            config["clusters"][0]["cluster"]["server"] = server
            json.dump(config, open(os.path.join(path, "config"), "w"))
            assert live(path).status == 2, server
        config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
        config["users"][0]["user"] = {"client-certificate-data": base64.b64encode(b"x").decode()}
        json.dump(config, open(os.path.join(path, "config"), "w"))
        r = live(path)
        assert r.status == 2 and "needs a key" in r.err, r


if __name__ == "__main__":
    main()
