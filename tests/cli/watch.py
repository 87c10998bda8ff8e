#!/usr/bin/env python3
"""redoubt scan --cluster --watch against a server of our own that changes, breaks off, forgets and lies; tests/oracle/watch.py has the
real one."""
import contextlib
import http.server
import queue
import signal
import threading
import time
import urllib.parse
from cluster import APPS, CORE, RULE, item
from lib import *

PATIENCE = 20


def discovery(groups):
    """With the verb that the other tests do not need."""
    groups = json.loads(json.dumps(groups))
    for group in groups["items"]:
        for version in group["versions"]:
            for resource in version["resources"]:
                resource["verbs"].append("watch")
    return groups


class Cluster:
    """An API server with a few kinds, whose objects are in `objects`: {path: {key: object}}."""

    def __init__(self):
        self.lock = threading.RLock()
        self.version, self.objects, self.history, self.streams, self.asked = 100, {}, [], [], []
        self.faults, self.oldest, self.down, self.token = {}, 0, False, None

    # --- what the tests do ---

    def put(self, path, obj):
        with self.lock:
            self.version += 1
            key = (obj["metadata"].get("namespace"), obj["metadata"]["name"])
            known = self.objects.setdefault(path, {})
            obj = {**obj, "metadata": {"uid": f"{path}{key}", **obj["metadata"], "resourceVersion": str(self.version)}}
            self.tell(path, "MODIFIED" if key in known else "ADDED", obj)
            known[key] = obj

    def delete(self, path, name, namespace="shop"):
        with self.lock:
            self.version += 1
            obj = self.objects[path].pop((namespace, name))
            self.tell(path, "DELETED", {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}})

    def tell(self, path, kind, obj):
        self.history.append((self.version, path, {"type": kind, "object": obj}))
        for stream_path, stream in self.streams:
            if stream_path == path:
                stream.put(self.history[-1][2])

    def send(self, path, line):
        """LINE, bytes or an event, on every watch of PATH; None ends them."""
        with self.lock:
            for stream_path, stream in self.streams:
                if path in (None, stream_path):
                    stream.put(line)

    def forget(self):
        """No watch can go on from what was before."""
        with self.lock:
            self.oldest = self.version + 1
            self.history.clear()

    def watches(self, path):
        return [query for asked, query in self.asked if asked == path and "watch" in query]

    def lists(self, path):
        return [query for asked, query in self.asked if asked == path and "watch" not in query]

    # --- the server ---

    def list(self, path):
        with self.lock:
            # In the order of the keys of etcd, as the real one does.
            objects = sorted(self.objects.get(path, {}).items(), key=lambda entry: "/".join(part for part in entry[0] if part).encode())
            return {"metadata": {"resourceVersion": str(self.version)}, "items": [obj for _, obj in objects]}

    def stream(self, handler, path, query):
        events, since = queue.Queue(), int(query["resourceVersion"])
        with self.lock:
            if since < self.oldest:
                events.put({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}})
                events.put(None)
            for version, where, event in self.history:
                if where == path and version > since:
                    events.put(event)
            self.streams.append((path, events))
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            handler.wfile.flush()
            while (event := events.get(timeout=60)) is not None:
                line = event if isinstance(event, bytes) else json.dumps(event).encode() + b"\n"
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                handler.wfile.flush()
            handler.wfile.write(b"0\r\n\r\n")
        except (OSError, queue.Empty):
            handler.close_connection = True
        finally:
            with self.lock:
                self.streams.remove((path, events))

    def answer(self, handler):
        parts = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        with self.lock:
            self.asked.append((parts.path, query))
        fault = self.faults.get((parts.path, "watch" in query)) or self.faults.get((parts.path, None))
        if self.down:
            handler.close_connection = True
            return
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            return self.reply(handler, 401, b"{}")
        if fault:
            return self.reply(handler, *fault)
        if "watch" in query:
            return self.stream(handler, parts.path, query)
        body = {"/api": discovery(CORE), "/apis": discovery(APPS)}.get(parts.path) or self.list(parts.path)
        return self.reply(handler, 200, json.dumps(body).encode())

    @staticmethod
    def reply(handler, status, body):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    @contextlib.contextmanager
    def running(self, *arguments, rule=RULE, token_file=None):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            def do_POST(self):
                raise AssertionError("nothing may be changed")
            do_PUT = do_PATCH = do_DELETE = do_POST

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Watches are broken off all the time."""

        server = Quiet(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                  "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}], "users": [{"name": "u", "user": {"tokenFile": token_file} if token_file else {}}]}
        try:
            with Folder({"config": json.dumps(config), "rule.yaml": rule}) as path:
                with Watch(path, *arguments) as watch:
                    yield watch
        finally:
            self.send(None, None)
            server.shutdown()
            server.server_close()
            thread.join()


class Watch:
    """redoubt, watching. Its events come one by one."""

    def __init__(self, path, *arguments):
        # The sanitizers would keep what was freed.
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        self.path = path
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "KUBECONFIG": "config", "ASAN_OPTIONS": sanitizer}
        self.process = subprocess.Popen([REDOUBT, "scan", "--cluster", "--watch", "-o", "json", "--no-catalogue", "--rules", "rule.yaml", *arguments], cwd=path,
                                        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines, self.seen = queue.Queue(), []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def until(self, condition, patience=PATIENCE):
        """The events until one of which CONDITION holds; it is the last."""
        events, end = [], time.monotonic() + patience
        while True:
            try:
                event = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"waited in vain; so far: {self.seen}") from None
            assert event is not None, (self.seen, self.process.stderr.read())
            self.seen.append(event)
            events.append(event)
            if condition(event):
                return events

    def found(self, event, name, patience=PATIENCE):
        return self.until(lambda e: e["event"] == event and e["finding"]["resource"]["name"] == name, patience)[-1]

    def synced(self):
        return self.until(lambda e: e["event"] == "synced")

    def quiet(self, seconds=1.0):
        """What comes within so many seconds."""
        time.sleep(seconds)
        events = []
        while not self.lines.empty():
            events.append(self.lines.get())
        return events

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self.reader.join()
        events = self.quiet(0)
        assert events[-1] is None
        return status, events[:-1]


PODS, DEPLOYMENTS, REPLICASETS = "/api/v1/pods", "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets"


def wait(condition, what=""):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain {what}"
        time.sleep(0.02)


def test_findings_appear_and_are_resolved():
    cluster = Cluster()
    cluster.put(PODS, item("bad-0"))
    with cluster.running() as watch:
        first = watch.synced()
        assert [(e["event"], e["initial"]) for e in first[:-1]] == [("appeared", True)] and first[-1]["medium"] == 1, first
        cluster.put(PODS, item("bad-1"))
        event = watch.found("appeared", "bad-1")
        assert not event["initial"] and event["finding"]["location"]["file"] == "cluster:shop/pods/bad-1" and event["time"].endswith("Z"), event
        cluster.put(PODS, item("bad-1", labels={"a": "b"}))
        cluster.put(PODS, item("good-1"))
        assert watch.quiet() == []
        cluster.delete(PODS, "bad-1")
        watch.found("resolved", "bad-1")
        status, events = watch.end()
        assert status == 1 and events[-1]["event"] == "ended" and (events[-1]["medium"], events[-1]["appeared"], events[-1]["resolved"]) == (1, 2, 1), events
    assert all(query["allowWatchBookmarks"] == "true" and int(query["timeoutSeconds"]) >= 300 for query in cluster.watches(PODS)), cluster.asked


def test_text_and_exit_status():
    cluster = Cluster()
    cluster.put(PODS, item("bad-0"))
    with cluster.running("--new-only", "-o", "text") as watch:
        pass  # one report to standard output is enough
    with cluster.running("--new-only") as watch:
        assert [e["event"] for e in watch.synced()] == ["synced"]
        cluster.delete(PODS, "bad-0")
        watch.found("resolved", "bad-0")
        assert watch.end(signal.SIGTERM)[0] == 0
    cluster.faults[DEPLOYMENTS, None] = 403, b"{}"
    with cluster.running() as watch:
        events = watch.synced()
        assert any(e["event"] == "problem" and "cannot list deployments.apps in any namespace: 1 rule not judged (403 Forbidden)" in e["message"] for e in events), events
        assert watch.end()[0] == 3
    for arguments in (["--watch"], ["--watch", "."], ["--watch", "--cluster", "."], ["--watch", "--cluster", "--from", "x"], ["--watch", "--cluster", "-o", "sarif"]):
        assert run("scan", *arguments).status == 2, arguments


def test_watches_go_on_where_they_were():
    cluster = Cluster()
    with cluster.running() as watch:
        watch.synced()
        wait(lambda: len(cluster.streams) == 4)
        cluster.put(PODS, item("bad-1"))
        watch.found("appeared", "bad-1")
        # A bookmark keeps the version young, for lists in which nothing happens.
        cluster.send(DEPLOYMENTS, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "900"}}})
        cluster.put(PODS, item("bad-2"))
        watch.found("appeared", "bad-2")
        version = cluster.version
        cluster.send(None, None)
        wait(lambda: len(cluster.watches(PODS)) == 2 and len(cluster.watches(DEPLOYMENTS)) == 2)
        assert cluster.watches(PODS)[1]["resourceVersion"] == str(version) and cluster.watches(DEPLOYMENTS)[1]["resourceVersion"] == "900", cluster.asked
        # What happens while nobody listens is not lost.
        cluster.put(PODS, item("bad-3"))
        watch.found("appeared", "bad-3")
        assert len(cluster.lists(PODS)) == 1, "nothing was read again"


def test_versions_that_are_too_old_lead_to_a_comparison():
    cluster = Cluster()
    for i in range(3):
        cluster.put(PODS, item(f"bad-{i}"))
    with cluster.running() as watch:
        watch.synced()
        wait(lambda: len(cluster.streams) == 4)
        with cluster.lock:
            cluster.streams, streams = [], cluster.streams
            cluster.delete(PODS, "bad-0")
            cluster.put(PODS, item("bad-9"))
            cluster.put(PODS, item("bad-1", labels={"a": "b"}))
            cluster.forget()
            cluster.streams = streams
        cluster.send(PODS, None)
        events = watch.until(lambda e: e["event"] == "appeared") + watch.quiet()
        changes = {(e["event"], e["finding"]["resource"]["name"]) for e in events if "finding" in e}
        assert changes == {("resolved", "bad-0"), ("appeared", "bad-9")}, events
        assert any(e["event"] == "connection" and "read again" in e["message"] for e in events), events
        # The same as an answer of HTTP.
        cluster.faults[PODS, True] = 410, b'{"kind":"Status","message":"too old"}'
        cluster.send(PODS, None)
        wait(lambda: len(cluster.lists(PODS)) >= 3)
        del cluster.faults[PODS, True]
        cluster.put(PODS, item("bad-10"))
        watch.found("appeared", "bad-10")


def test_servers_that_break_come_back():
    cluster = Cluster()
    cluster.put(PODS, item("bad-0"))
    with cluster.running() as watch:
        watch.synced()
        wait(lambda: len(cluster.streams) == 4)
        cluster.down = True
        cluster.send(None, None)
        watch.until(lambda e: e["event"] == "connection" and "broke off" in e["message"])
        cluster.put(PODS, item("bad-1"))
        cluster.delete(PODS, "bad-0")
        cluster.down = False
        watch.found("resolved", "bad-0", 60)
        watch.quiet(3)
        for status in (500, 429, 503):
            cluster.faults[PODS, True] = status, b"<html>"
            cluster.send(PODS, None)
            watch.until(lambda e: e["event"] == "connection" and "pods" in e["message"] and "broke off" in e["message"] and str(status) in e["message"], 60)
            del cluster.faults[PODS, True]
            watch.until(lambda e: e["event"] == "connection" and "the watch of pods goes on" in e["message"], 60)
        assert watch.end()[0] == 1
    # Attempts that fail come ever more rarely.
    cluster = Cluster()
    with cluster.running() as watch:
        watch.synced()
        cluster.faults[PODS, True] = 500, b""
        cluster.send(PODS, None)
        time.sleep(4)
        assert 2 <= len(cluster.watches(PODS)) <= 7, cluster.watches(PODS)


def test_nonsense_is_no_event():
    for line in (b"{\n", b"null\n", b"{\"type\":\"ADDED\"}\n", b"{\"type\":\"ADDED\",\"object\":{}}\n", b"{\"type\":\"STOLEN\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}\n",
                 b"[" * 5000 + b"\n", b"\x00\xff\n", b"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}\n"):
        cluster = Cluster()
        cluster.put(PODS, item("bad-0"))
        with cluster.running() as watch:
            watch.synced()
            wait(lambda: len(cluster.streams) == 4)
            cluster.send(PODS, line)
            watch.until(lambda e: e["event"] == "connection" and "no event" in e["message"])
            # The list is read again, and nothing was lost or told twice.
            cluster.put(PODS, item("bad-1"))
            events = watch.until(lambda e: e["event"] == "appeared")
            assert events[-1]["finding"]["resource"]["name"] == "bad-1" and len(cluster.lists(PODS)) == 2, (line, events)
    # Events of other shapes are harmless: objects without a name, of what is not known, with anything in them.
    cluster = Cluster()
    with cluster.running() as watch:
        watch.synced()
        wait(lambda: len(cluster.streams) == 4)
        for metadata in ({}, {"name": 5}, {"name": "\x1b[2J\x00"}, {"name": "x", "ownerReferences": [{"controller": True, "kind": "\n", "name": {}}, 5]}, {"name": "bad", "namespace": "a/b\x1b"}):
            cluster.send(PODS, {"type": "ADDED", "object": {"metadata": {**metadata, "resourceVersion": "200"}}})
        cluster.send(PODS, {"type": "DELETED", "object": {"metadata": {"name": "never-there", "resourceVersion": "201"}}})
        cluster.put(PODS, item("bad-1"))
        watch.found("appeared", "bad-1")


def test_rights_that_come_and_go():
    cluster = Cluster()
    cluster.put(DEPLOYMENTS, item("bad"))
    cluster.faults[DEPLOYMENTS, True] = 403, b"{}"
    with cluster.running() as watch:
        # It may be listed and not watched: it is read again now and then.
        watch.synced()
        time.sleep(1)
        assert len(cluster.watches(DEPLOYMENTS)) == 1 and len(cluster.lists(DEPLOYMENTS)) == 2, cluster.asked


def test_findings_that_owners_have_are_not_repeated():
    cluster = Cluster()
    cluster.put(REPLICASETS, item("bad", uid="7"))
    owned = item("bad-1", ownerReferences=[{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "bad", "uid": "7", "controller": True}])
    cluster.put(PODS, owned)
    with cluster.running() as watch:
        assert [e["finding"]["resource"]["kind"] for e in watch.synced()[:-1]] == ["ReplicaSet"]
        # Without its owner the pod is on its own.
        cluster.delete(REPLICASETS, "bad")
        event = watch.found("appeared", "bad-1")
        assert event["finding"]["owner"]["name"] == "bad", event
        cluster.put(REPLICASETS, item("bad", uid="7"))
        watch.found("resolved", "bad-1")


def test_namespaces_and_definitions():
    core = json.loads(json.dumps(CORE))
    core["items"][0]["versions"][0]["resources"].append({"resource": "namespaces", "responseKind": {"kind": "Namespace"}, "scope": "Cluster", "verbs": ["list"]})
    CORE["items"], before = core["items"], CORE["items"]
    rule = RULE.replace("object.metadata.name.startsWith('good')", "namespaceObject.metadata.?labels.?level.orValue('') != 'strict'")
    try:
        cluster = Cluster()
        cluster.put("/api/v1/namespaces", {"metadata": {"name": "shop"}})
        cluster.put(PODS, item("p"))
        with cluster.running(rule=rule) as watch:
            assert len(watch.synced()) == 1
            cluster.put("/api/v1/namespaces", {"metadata": {"name": "shop", "labels": {"level": "strict"}}})
            watch.found("appeared", "p")
            cluster.put("/api/v1/namespaces", {"metadata": {"name": "shop"}})
            watch.found("resolved", "p")
    finally:
        CORE["items"] = before


PARAM_RULE = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: any}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  validations: [{expression: "object.metadata.name.startsWith(params.data.prefix)", messageExpression: "'wanted: ' + params.data.prefix"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: any}
spec: {policyName: any, validationActions: [Deny], paramRef: {name: prefix, namespace: shop, parameterNotFoundAction: Allow}}
"""


def test_tokens_that_are_replaced():
    """By a new file in the place of the old one, as the kubelet does."""
    cluster = Cluster()
    with Folder({"token": "first"}) as folder, cluster.running(token_file=os.path.join(folder, "token")) as watch:
        watch.synced()
        wait(lambda: len(cluster.streams) == 4)
        cluster.token = "second"
        cluster.send(None, None)
        watch.until(lambda e: e["event"] == "connection" and "401" in e["message"])
        with open(os.path.join(folder, "new"), "w", encoding="ascii") as file:
            file.write("second")
        os.replace(os.path.join(folder, "new"), os.path.join(folder, "token"))
        cluster.put(PODS, item("bad-1"))
        watch.found("appeared", "bad-1", 40)


def test_params_are_read_and_change():
    maps = "/api/v1/configmaps"
    cluster = Cluster()
    cluster.put(PODS, item("p"))
    cluster.put(maps, {**item("prefix"), "data": {"prefix": "q"}})
    with cluster.running(rule=PARAM_RULE) as watch:
        def scanned():
            r = run("scan", "--cluster", "-o", "json", "--no-catalogue", "--rules", "rule.yaml", cwd=watch.path, env={"KUBECONFIG": "config"})
            return {f["message"] for f in r.json["findings"]}
        assert [e["finding"]["message"] for e in watch.synced()[:-1]] == ["wanted: q"] and scanned() == {"wanted: q"}
        cluster.put(maps, {**item("prefix"), "data": {"prefix": "r"}})
        event = watch.until(lambda e: "finding" in e)[-1]
        assert (event["event"], event["finding"]["message"]) == ("changed", "wanted: r") and scanned() == {"wanted: r"}, event
        cluster.put(maps, {**item("prefix"), "data": {"prefix": "p"}})
        assert watch.found("resolved", "p") and not scanned()
        # Others of the kind are none, and are not looked at again.
        for i in range(20):
            cluster.put(maps, {**item("other"), "data": {"prefix": f"x{i}"}})
        assert watch.quiet(3) == []
        cluster.put(maps, {**item("prefix"), "data": {"prefix": "s"}})
        watch.found("appeared", "p")
        cluster.delete(maps, "prefix")
        assert watch.found("resolved", "p") and not scanned()
        cluster.put(maps, {**item("prefix"), "data": {"prefix": "t"}})
        assert watch.found("appeared", "p")["finding"]["message"] == "wanted: t" and scanned() == {"wanted: t"}


def test_params_that_are_namespaces():
    core = json.loads(json.dumps(CORE))
    core["items"][0]["versions"][0]["resources"].append({"resource": "namespaces", "responseKind": {"kind": "Namespace"}, "scope": "Cluster", "verbs": ["list"]})
    CORE["items"], before = core["items"], CORE["items"]
    rule = PARAM_RULE.replace("ConfigMap", "Namespace").replace("params.data.prefix", "params.metadata.labels.prefix").replace("namespace: shop, ", "")
    try:
        cluster = Cluster()
        cluster.put(PODS, item("p"))
        with cluster.running(rule=rule) as watch:
            watch.synced()
            for i in range(3):
                cluster.put("/api/v1/namespaces", {"metadata": {"name": "prefix", "labels": {"prefix": f"q{i}"}}})
                event = watch.until(lambda e: "finding" in e)[-1]
                assert event["finding"]["message"] == f"wanted: q{i}", event
                cluster.put("/api/v1/namespaces", {"metadata": {"name": "prefix", "labels": {"prefix": "p"}}})
                watch.found("resolved", "p")
    finally:
        CORE["items"] = before


def test_rules_about_everything_together():
    core = json.loads(json.dumps(CORE))
    core["items"][0]["versions"][0]["resources"].append({"resource": "namespaces", "responseKind": {"kind": "Namespace"}, "scope": "Cluster", "verbs": ["list"]})
    CORE["items"], before = core["items"], CORE["items"]
    try:
        cluster = Cluster()
        cluster.put("/api/v1/namespaces", {"metadata": {"name": "shop"}})
        spec = {"containers": [{"name": "c", "image": "i"}]}
        cluster.put(PODS, {**item("good-0"), "spec": spec})
        with cluster.running("--rules", os.path.join(ROOT, "policies", "segregation", "namespace-without-quota.yaml")) as watch:
            assert [e["finding"]["message"] for e in watch.synced()[:-1]] == ['namespace "shop" has 1 workload and no ResourceQuota']
            cluster.put(PODS, {**item("good-1"), "spec": spec})
            # A number that grows is the same finding.
            event = watch.until(lambda e: "finding" in e, 40)[-1]
            assert event["event"] == "changed" and event["finding"]["message"] == 'namespace "shop" has 2 workloads and no ResourceQuota', event
            assert event["previous"]["message"] == 'namespace "shop" has 1 workload and no ResourceQuota' and event["previous"]["fingerprint"] != event["finding"]["fingerprint"], event
            status, events = watch.end()
            assert status == 1 and (events[-1]["low"], events[-1]["appeared"], events[-1]["resolved"], events[-1]["changed"]) == (1, 1, 0, 1), events
    finally:
        CORE["items"] = before


def test_a_finding_that_says_something_else_has_changed():
    def put(name, image, **metadata):
        cluster.put(PODS, item(name, annotations={"image": image}, **metadata))
    rule = (RULE.replace("object.metadata.name.startsWith('good')", "object.metadata.annotations.image.endsWith(':1')")
            + "    messageExpression: \"'image: ' + object.metadata.annotations.image\"\n")
    cluster = Cluster()
    put("p", "a")
    with cluster.running(rule=rule) as watch:
        assert watch.synced()[0]["finding"]["message"] == "image: a"
        put("p", "b")
        event = watch.until(lambda e: "finding" in e)[-1]
        assert event["event"] == "changed" and event["finding"]["message"] == "image: b" and event["previous"]["message"] == "image: a", event
        put("p", "b", labels={"x": "y"})
        put("p", "b:1")
        event = watch.until(lambda e: "finding" in e)[-1]
        assert event["event"] == "resolved" and event["finding"]["message"] == "image: b", event
        # What is hidden behind an owner's stays so.
        cluster.put(REPLICASETS, item("r", uid="7", annotations={"image": "a"}))
        event = watch.found("appeared", "r")
        assert event["finding"]["message"] == "image: a", event
        owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "7", "controller": True}]
        put("r-1", "a", ownerReferences=owner)
        put("r-1", "c", ownerReferences=owner)
        assert watch.quiet() == []
        cluster.delete(REPLICASETS, "r")
        assert {(e["event"], e["finding"]["resource"]["name"]) for e in watch.until(lambda e: e["event"] == "appeared") + watch.quiet()} == {("resolved", "r"), ("appeared", "r-1")}, watch.seen
        status, events = watch.end()
        assert status == 1 and (events[-1]["appeared"], events[-1]["resolved"], events[-1]["changed"]) == (3, 2, 1), events


def test_what_is_named_first_is_what_a_scan_names():
    core = json.loads(json.dumps(CORE))
    core["items"][0]["versions"][0]["resources"].append({"resource": "namespaces", "responseKind": {"kind": "Namespace"}, "scope": "Cluster", "verbs": ["list"]})
    CORE["items"], before = core["items"], CORE["items"]
    arguments = ["--rules", os.path.join(ROOT, "policies", "segregation", "namespace-without-limits.yaml")]
    try:
        cluster = Cluster()
        cluster.put("/api/v1/namespaces", {"metadata": {"name": "shop"}})

        def workload(name):
            labels = {"a": name}
            return {**item(name), "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}}

        def scanned():
            r = run("scan", "--cluster", "-o", "json", "--no-catalogue", "--rules", "rule.yaml", *arguments, cwd=watch.path, env={"KUBECONFIG": "config"})
            return {f["message"] for f in r.json["findings"]}
        cluster.put(DEPLOYMENTS, workload("good-m"))
        with cluster.running(*arguments) as watch:
            now = {e["finding"]["message"] for e in watch.synced() if e["event"] == "appeared"}
            assert now == scanned() and len(now) == 1, now
            # A name before and one behind, a list that is read later, and one that goes and comes back.
            for change in (lambda: cluster.put(DEPLOYMENTS, workload("good-z")), lambda: cluster.put(REPLICASETS, workload("good-0")),
                           lambda: cluster.put(DEPLOYMENTS, workload("good-a")), lambda: cluster.delete(DEPLOYMENTS, "good-m"), lambda: cluster.put(DEPLOYMENTS, workload("good-m")),
                           lambda: cluster.delete(DEPLOYMENTS, "good-a")):
                change()
                event = watch.until(lambda e: e["event"] in ("appeared", "changed"), 40)[-1]
                assert {event["finding"]["message"]} == scanned(), (event, scanned())
            assert "good-m" in event["finding"]["message"], event
    finally:
        CORE["items"] = before


def test_drift_appears_and_is_resolved():
    cluster = Cluster()
    with Folder({"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good, namespace: shop}\ndata: {colour: blue}\n"}) as manifests:
        def put(colour):
            cluster.put("/api/v1/configmaps", {**item("good"), "data": {"colour": colour}})
        put("blue")
        with cluster.running("--rules", os.path.join(ROOT, "policies", "segregation", "drift.yaml"), "--rules", os.path.join(ROOT, "policies", "segregation", "not-live.yaml"),
                             "--manifests", manifests) as watch:
            assert len(watch.synced()) == 1
            put("crimson")
            event = watch.found("appeared", "good")
            assert event["finding"]["rule"] == "segregation/drift" and event["finding"]["declared"]["line"] == 4 and "crimson" not in event["finding"]["message"], event
            put("blue")
            watch.found("resolved", "good")
            cluster.delete("/api/v1/configmaps", "good")
            assert watch.found("appeared", "good")["finding"]["rule"] == "segregation/not-live"
            put("blue")
            watch.found("resolved", "good")


def test_snapshots_are_refreshed():
    cluster = Cluster()
    for i in range(3):
        cluster.put(PODS, item(f"bad-{i}"))
    with cluster.running() as watch:
        path = watch.path
        watch.synced()
        assert watch.end()[0] == 1
        cluster.asked.clear()

        def do(*arguments):
            return run(*arguments, cwd=path, env={"KUBECONFIG": "config"})

        def found():
            r = do("scan", "--from", "s", "-o", "json", "--no-catalogue", "--rules", "rule.yaml")
            return {f["resource"]["name"] for f in r.json["findings"]}, r.status
        assert do("snapshot", "save", "s").status == 0 and found() == ({"bad-0", "bad-1", "bad-2"}, 1)
        cluster.delete(PODS, "bad-0")
        cluster.put(PODS, item("bad-7"))
        cluster.put(PODS, item("good-2"))
        cluster.put(DEPLOYMENTS, item("bad"))
        cluster.asked.clear()
        threading.Timer(2, cluster.send, (None, None)).start()
        r = do("snapshot", "refresh", "s")
        assert r.status == 0 and "3 objects new or changed, 1 gone; 0 lists read again" in r.err, r
        assert found() == ({"bad-1", "bad-2", "bad-7", "bad"}, 1), found()
        assert all(query == {"limit": "1"} for query in cluster.lists(PODS)) and cluster.lists(PODS), "no list was read"
        # What the server has forgotten is read again.
        cluster.delete(PODS, "bad-1")
        cluster.forget()
        threading.Timer(3, cluster.send, (None, None)).start()
        r = do("snapshot", "refresh", "s", "-v")
        assert r.status == 0 and "lists read again" in r.err and found() == ({"bad-2", "bad-7", "bad"}, 1), (r, found())
        # A right that was taken is a gap of the new one.
        cluster.faults[DEPLOYMENTS, None] = 403, b"{}"
        cluster.forget()
        cluster.put(PODS, item("bad-9"))
        threading.Timer(3, cluster.send, (None, None)).start()
        before = open(os.path.join(path, "s"), "rb").read()
        r = do("snapshot", "refresh", "s")
        assert r.status == 3 and "cannot list deployments.apps" in r.err and found()[1] == 3, r
        # What was cut or is another cluster's is left alone.
        for size in (10, len(before) // 2, len(before) - 12):
            open(os.path.join(path, "s"), "wb").write(before[:size])
            r = do("snapshot", "refresh", "s")
            assert r.status == 2 and os.path.getsize(os.path.join(path, "s")) == size, (r, size, len(before), os.path.getsize(os.path.join(path, "s")))
        open(os.path.join(path, "s"), "wb").write(before)
        open(os.path.join(path, "other"), "w").write(open(os.path.join(path, "config")).read().replace("127.0.0.1", "localhost"))
        r = do("snapshot", "refresh", "s", "--kubeconfig", "other")
        assert r.status == 2 and "is of the cluster at" in r.err, r
        assert do("snapshot", "refresh", "missing").status == 2 and not os.path.exists(os.path.join(path, "s.new"))


def test_churn_leaves_nothing_behind():
    cluster = Cluster()
    with cluster.running("-q") as watch:
        watch.synced()
        wait(lambda: len(cluster.streams) == 4)

        def churn(rounds, first):
            for i in range(first, first + rounds):
                cluster.put(PODS, item(f"bad-{i}", annotations={"filler": "x" * 2000}))
                cluster.delete(PODS, f"bad-{i}")
            cluster.put(PODS, item(f"bad-last-{first}"))
            watch.found("appeared", f"bad-last-{first}", 60)
            cluster.history.clear()
            with open(f"/proc/{watch.process.pid}/statm") as file:
                return int(file.read().split()[1]) * 4 // 1024
        before = churn(1500, 0)
        after = churn(6000, 10000)
        # The sanitizers keep what was freed for a while.
        assert after - before < (60 if "debug" in REDOUBT else 4), (before, after)
        status, events = watch.end()
        assert status == 1 and events[-1]["objects"] == 2 and events[-1]["medium"] == 2, events


if __name__ == "__main__":
    main()
