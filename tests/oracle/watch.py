#!/usr/bin/env python3
"""scan --cluster --watch against a real API server: what it says in the end is what a scan says, whatever happened meanwhile: objects
that come and go, a server that restarts, a proxy of ours that fails in every way, credentials that end. Nothing is ever changed.
--churn=N seconds of churn (20)."""
import contextlib
import http.client
import http.server
import itertools
import random
import resource
import threading
from controlplane import *

RBAC = "rbac.authorization.k8s.io"
RELEASE = os.path.join(ROOT, ".build", "release", "src", "cmd", "redoubt")


def meta(name, namespace=None, **more):
    return {"name": name, **({"namespace": namespace} if namespace else {}), **more}


def pod(name, namespace, **security):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta(name, namespace, labels={"app": "x"}),
            "spec": {"containers": [{"name": "c", "image": "registry.example.com/c:1", "securityContext": security}], "automountServiceAccountToken": False}}


def deployment(name, namespace, image="registry.example.com/c:1"):
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(name, namespace), "spec": {
        "replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}}}


def seed(server):
    """Forty users, two hundred service accounts, policies and workloads."""
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": meta(name)} for name in ("shop", "back", "team")]
    server.each(server.put, objects)
    objects = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(f"account-{i}", ("shop", "back")[i % 2])} for i in range(200)]
    objects += [{"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": meta(f"role-{i}"), "rules": [
        {"apiGroups": [""], "resources": [("pods", "secrets", "configmaps", "*")[i % 4]], "verbs": [("get", "list", "create", "*")[i % 4]]}]} for i in range(20)]
    objects += [{"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": meta(f"user-{i}"), "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": f"role-{i % 20}"},
                 "subjects": [{"apiGroup": RBAC, "kind": "User", "name": f"user-{i}"}]} for i in range(40)]
    objects += [{"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": meta(f"account-{i}", ("shop", "back")[i % 2]), "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": f"role-{i % 20}"},
                 "subjects": [{"kind": "ServiceAccount", "name": f"account-{i}", "namespace": ("shop", "back")[i % 2]}]} for i in range(200)]
    objects += [pod(f"pod-{i}", "shop", privileged=i % 2 == 0) for i in range(30)] + [deployment(f"web-{i}", "back") for i in range(10)]
    objects += [policy_of("labels", {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]},
                                     "validations": [{"expression": "true"}]}), binding_of("labels", "labels", ["Audit"])]
    server.each(server.put, objects)


def kubeconfig(server, url=None, **user):
    pki = os.path.join(server.folder, "pki")
    cluster = {"server": url} if url else {"server": f"https://127.0.0.1:{server.port}", "certificate-authority": os.path.join(pki, "ca.crt")}
    user = user or {"client-certificate": os.path.join(pki, "admin.crt"), "client-key": os.path.join(pki, "admin.key")}
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                       "clusters": [{"name": "k", "cluster": cluster}], "users": [{"name": "u", "user": user}]})


class Watch:
    """redoubt, watching; `open` are the findings that are there, as it tells."""

    def __init__(self, config, *arguments, program=None):
        self.log = open(config + ".log", "w+b")
        self.process = subprocess.Popen([program or REDOUBT, "scan", "--cluster", "--watch", "-o", "json", "--kubeconfig", config, *arguments], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log, env={**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1"})
        self.open, self.events, self.twice, self.synced, self.ended = {}, [], [], threading.Event(), None
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if "finding" in event:
                key = event["finding"]["fingerprint"]
                gone = {"resolved": key, "changed": event.get("previous", {}).get("fingerprint")}.get(event["event"])
                if (gone and gone not in self.open) or (event["event"] != "resolved" and key in self.open):
                    self.twice.append(event)
                self.open.pop(gone, None)
                if event["event"] != "resolved":
                    self.open[key] = event["finding"]
            else:
                self.events.append(event)
                if event["event"] == "synced":
                    self.synced.set()
                if event["event"] == "ended":
                    self.ended = event

    def megabytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20

    def end(self):
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(PATIENCE)
        self.reader.join()
        self.log.close()
        return status

    def __enter__(self):
        assert self.synced.wait(PATIENCE), open(self.log.name, "rb").read()[-2000:]
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join()


def scan_now(config, *arguments):
    r = run("scan", "--cluster", "-o", "json", "--kubeconfig", config, *arguments)
    return {f["fingerprint"]: f for f in r.json["findings"]}


def agrees(watch, config, *arguments):
    """Waits until what the watch says is what a scan says."""
    end = time.monotonic() + PATIENCE
    while True:
        now = scan_now(config, *arguments)
        if set(now) == set(watch.open):
            return
        if time.monotonic() > end:
            differs = [(k in now, now.get(k) or watch.open.get(k)) for k in set(now) ^ set(watch.open)]
            raise AssertionError(f"{len(differs)} findings differ: {[(w, f['rule'], f['resource'], f['message']) for w, f in differs[:5]]}")
        time.sleep(1)


NUMBERS = itertools.count()


def apply(server, obj):
    """What controllers write meanwhile is no conflict."""
    reply = server.request("PATCH", server.path(obj), obj, content="application/apply-patch+yaml", fieldManager="churn", force="true")
    assert reply.ok, reply.message


def churn(server, seconds, chance):
    """Objects that come, change and go, as fast as the server takes them."""
    end, there, count = time.monotonic() + seconds, [], 0
    while time.monotonic() < end:
        batch = []
        for _ in range(40):
            count = next(NUMBERS)
            batch.append(pod(f"churn-{count}", "team", privileged=chance.random() < 0.5))
        server.each(server.put, batch)
        there += [p["metadata"]["name"] for p in batch]
        server.each(lambda i: apply(server, deployment(f"churn-{i}", "back", chance.choice(["c:1", "c", "registry.example.com/c:latest"]))), range(3))
        if chance.random() < 0.3:
            server.put({"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": meta("churn"), "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
                        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": f"eve-{count}"}]}) if not server.request("GET", f"/apis/{RBAC}/v1/clusterrolebindings/churn").ok else \
                server.request("DELETE", f"/apis/{RBAC}/v1/clusterrolebindings/churn")
        if len(there) > 200:
            gone, there = there[:100], there[100:]
            server.each(lambda n: server.request("DELETE", f"/api/v1/namespaces/team/pods/{n}", {"gracePeriodSeconds": 0}), gone)
    return count


def restart(server):
    with open(os.path.join(server.folder, "kube-apiserver.pid"), encoding="ascii") as file:
        pid = int(file.read())
    os.kill(pid, signal.SIGKILL)
    time.sleep(2)
    up = subprocess.run([os.path.join(ROOT, "oracle", "up"), server.folder], env={**os.environ, "API_FLAGS": FLAGS}, capture_output=True, timeout=TIME_LIMIT, check=False)
    assert up.returncode == 0, up.stderr
    server.local = threading.local()


class Proxy:
    """Between redoubt and the server; `fault(path)` may say how a request fails: "garbage", "slow", "cut", "drop" or a status. With `token`
    set, no other is taken."""

    def __init__(self, server):
        self.server, self.fault, self.open, self.token, self.refused = server, lambda path: None, set(), None, 0

    def forward(self, handler):
        fault = self.fault(handler.path)
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            self.refused += 1
            fault = 401
        if fault == "drop":
            handler.close_connection = True
            return
        if isinstance(fault, int):
            handler.send_response(fault)
            handler.send_header("Content-Length", "0")
            if fault == 429:
                handler.send_header("Retry-After", "1")
            handler.end_headers()
            return
        if fault == "slow":
            time.sleep(3)
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=self.server.context, timeout=PATIENCE)
        try:
            connection.request("GET", handler.path, headers={name: handler.headers[name] for name in ("Accept", "User-Agent") if name in handler.headers})
            self.pass_on(handler, connection, connection.getresponse(), fault)
        except (OSError, http.client.HTTPException):
            handler.close_connection = True
        finally:
            connection.close()

    def pass_on(self, handler, connection, answer, fault):
        handler.send_response(answer.status)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.flush()
        self.open.add(connection)
        if fault == "garbage":
            part = b'{"type":"ADDED","object":[[[\x00\xff\n'
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        while part := answer.read1(1 << 16):
            if fault == "cut":
                part = part[:len(part) // 2]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.flush()
            if fault == "cut":
                handler.close_connection = True
                return
        handler.wfile.write(b"0\r\n\r\n")
        self.open.discard(connection)

    def cut_all(self):
        for connection in list(self.open):
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(2)
        self.open.clear()

    @contextlib.contextmanager
    def running(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with contextlib.suppress(OSError):
                    outer.forward(self)

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Connections break off all the time."""

        server = Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            self.cut_all()
            server.shutdown()
            server.server_close()


def check_log(server):
    time.sleep(1)
    with open(os.path.join(server.folder, "audit.log"), encoding="utf-8") as file:
        ours = [event for event in map(json.loads, file) if event.get("userAgent", "").startswith("redoubt/")]
    assert ours and {event["verb"] for event in ours} <= {"get", "list", "watch"}, {event["verb"] for event in ours}


def churned(server, folder):
    """Heavy churn, then a restart of the server in the middle of more."""
    config, chance = os.path.join(folder, "config"), random.Random(1)
    with Watch(config, program=RELEASE if os.access(RELEASE, os.X_OK) else None) as watch:
        churn(server, argument("churn", 20) / 2, chance)
        before = watch.megabytes()
        count = churn(server, argument("churn", 20), chance)
        after = watch.megabytes()
        print(f"# {count} pods came and went; memory {before:.1f} MB, then {after:.1f} MB")
        assert after - before < max(6, before / 4), (before, after)
        agrees(watch, config)
        restart(server)
        churn(server, 3, chance)
        agrees(watch, config)
        assert any(e["event"] == "connection" and "goes on" in e["message"] for e in watch.events), watch.events[-5:]
        assert not watch.twice, watch.twice[:3]
        status = watch.end()
        assert status == 1 and watch.ended and sum(watch.ended[s] for s in ("critical", "high", "medium", "low")) == len(watch.open), (status, watch.ended)


def failing(server, folder):
    """A proxy that fails in every way while objects change; then it works again, and nothing is missing."""
    chance, proxy = random.Random(2), Proxy(server)
    with proxy.running() as url:
        config = os.path.join(folder, "proxied")
        with open(config, "w", encoding="utf-8") as file:
            file.write(kubeconfig(server, url, token="none"))
        with Watch(config) as watch:
            for fault in (429, 500, 503, "garbage", "slow", "cut", "drop"):
                proxy.fault = lambda path, fault=fault: fault if chance.random() < 0.5 else None
                proxy.cut_all()
                churn(server, 2, chance)
            proxy.fault = lambda path: None
            agrees(watch, os.path.join(folder, "config"))
            assert not watch.twice, watch.twice[:3]


def tokens(server, folder):
    """A token that ends while it is watched: the file has a new one. A token that is wrong is told, and nothing else."""
    def token(seconds):
        reply = server.request("POST", "/api/v1/namespaces/shop/serviceaccounts/account-0/token", {"spec": {"expirationSeconds": seconds}})
        assert reply.ok, reply.message
        return reply.body["status"]["token"]
    server.put({"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": meta("reader"), "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "ServiceAccount", "name": "account-0", "namespace": "shop"}]})
    path, config = os.path.join(folder, "token"), os.path.join(folder, "by-token")
    with open(path, "w", encoding="ascii") as file:
        file.write(token(600))
    base = json.loads(kubeconfig(server))
    base["users"][0]["user"] = {"tokenFile": path}
    with open(config, "w", encoding="utf-8") as file:
        json.dump(base, file)
    with Watch(config) as watch:
        with open(path, "w", encoding="ascii") as file:
            file.write(token(900))
        server.put(pod("after", "shop", privileged=True))
        agrees(watch, os.path.join(folder, "config"))
    expiring(server, folder)
    with open(path, "w", encoding="ascii") as file:
        file.write("no-token")
    r = run("scan", "--cluster", "--kubeconfig", config)
    assert r.status == 2 and "401" in r.err and "no-token" not in r.err, r


def expiring(server, folder):
    """The server takes the old token no more (the shortest life of a real one is ten minutes): 401 until the file has the next. What
    happened in between is not lost, and no token is told."""
    path, config, proxy = os.path.join(folder, "expiring"), os.path.join(folder, "by-expiring"), Proxy(server)

    def write(token):
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(token)
        os.replace(path + ".new", path)  # as the kubelet does
    with proxy.running() as url:
        proxy.token = "token-of-yesterday"
        write(proxy.token)
        with open(config, "w", encoding="utf-8") as file:
            file.write(kubeconfig(server, url, tokenFile=path))
        with Watch(config) as watch:
            for token in ("token-of-today", "token-of-tomorrow"):
                known, proxy.token = proxy.refused, token
                proxy.cut_all()
                server.wait(lambda known=known: proxy.refused > known, "a token that is refused")
                server.put(pod(f"while-{token}", "shop", privileged=True))
                time.sleep(1)
                assert not any(f["resource"]["name"] == f"while-{token}" for f in watch.open.values())
                write(token)
                agrees(watch, os.path.join(folder, "config"))
                assert any(f["resource"]["name"] == f"while-{token}" for f in watch.open.values())
            assert any("401" in e["message"] for e in watch.events if e["event"] == "connection"), watch.events[-5:]
            assert not any(e["event"] == "problem" and "401" in e["message"] for e in watch.events), watch.events
            assert not watch.twice and watch.end() == 1 and not watch.ended["gaps"], (watch.twice[:3], watch.ended)
            assert b"token-of" not in open(watch.log.name, "rb").read() and "token-of" not in json.dumps(watch.events)


def drifting(server, folder):
    """What kubectl would apply is no drift to begin with; what is changed live is, while it is watched."""
    manifests = os.path.join(folder, "manifests")
    os.makedirs(manifests)
    declared = deployment("declared", "shop")
    with open(os.path.join(manifests, "all.json"), "w", encoding="utf-8") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": [declared, *[deployment(f"web-{i}", "back") for i in range(10)], *[pod(f"pod-{i}", "shop", privileged=i % 2 == 0) for i in range(30)]]}, file)
    server.put(declared)
    config = os.path.join(folder, "config")

    def drifts(watch):
        return {(f["rule"], f["resource"]["name"], f["message"]) for f in watch.open.values() if f["rule"] in ("segregation/drift", "segregation/not-live")}
    with Watch(config, "--manifests", manifests) as watch:
        assert not drifts(watch), drifts(watch)
        server.put(deployment("declared", "shop", "registry.example.com/other:2"))
        server.wait(lambda: ("segregation/drift", "declared", 'spec.template.spec.containers[name="c"].image is "registry.example.com/other:2", declared is "registry.example.com/c:1"') in drifts(watch), f"drift, have {drifts(watch)}")
        server.put(deployment("declared", "shop"))
        server.wait(lambda: not drifts(watch), "the end of drift")
        server.request("DELETE", "/api/v1/namespaces/shop/pods/pod-3", {"gracePeriodSeconds": 0})
        server.wait(lambda: {d[:2] for d in drifts(watch)} == {("segregation/not-live", "pod-3")}, "what is missing")


def test_a_watch_says_in_the_end_what_a_scan_says():
    with cluster() as server, tempfile.TemporaryDirectory() as folder:
        seed(server)
        with open(os.path.join(folder, "config"), "w", encoding="utf-8") as file:
            file.write(kubeconfig(server))
        for part in (drifting, tokens, failing, churned):
            started = time.monotonic()
            part(server, folder)
            print(f"# {part.__name__}: {time.monotonic() - started:.0f} s", flush=True)
        check_log(server)
        applying(server, folder)


def applying(server, folder):
    """A server-side apply by the client, which no verb does: it is made, and as a dry run it is not."""
    probe = os.path.join(os.path.dirname(REDOUBT), "..", "..", "tests", "probe-apply")
    if not os.access(probe, os.X_OK):
        return
    path = "/api/v1/namespaces/shop/configmaps/applied"
    body = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"a": "b"}})

    def ask(*arguments):
        return subprocess.run([probe, *arguments], env={**os.environ, "KUBECONFIG": os.path.join(folder, "config")}, capture_output=True, text=True, timeout=PATIENCE, check=False).stdout
    assert "may only read" in ask("read", path, body, "dry") and server.request("GET", path).status == 404
    assert ask("dry-run", path, body, "dry").startswith("201 ") and server.request("GET", path).status == 404
    assert ask("change", path, body).startswith("201 ")
    assert {f["manager"] for f in server.request("GET", path).body["metadata"]["managedFields"]} == {"redoubt probe"}
    # What somebody else has set is not taken without force.
    server.request("PATCH", path, {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "c"}}, content="application/apply-patch+yaml", fieldManager="other", force="true")
    assert ask("change", path, body).startswith("409 ") and ask("change", path, body, "force").startswith("200 ")


if __name__ == "__main__":
    main()
