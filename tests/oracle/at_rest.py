#!/usr/bin/env python3
"""secrets at-rest against a real etcd and a real API server: whatever encrypts, the counts are those that etcd itself gives,
in the data directory while etcd runs, in a snapshot, and through the endpoint; and no byte of a Secret is ever shown."""
import base64
import hashlib
import shutil
import socket
import sqlite3
import struct

from controlplane import *

MARKER = "MARKER-of-a-secret"
MARKERS = [MARKER.encode(), base64.b64encode(MARKER.encode())[:-4], MARKER.encode().hex().encode(), b"a2V5LW9mLWEtdGVzd"]
KEYS = {name: base64.b64encode(f"key-of-a-test-{name}".ljust(32, "-").encode()).decode() for name in ("k1", "k2", "k3", "g1", "c1")}
KMS = os.path.join(ROOT, ".build", "oracle", "kms")
SHOWN = []  # everything the program printed


def provider(kind, *names):
    return {kind: {"keys": [{"name": name, "secret": KEYS[name]} for name in names]}}


IDENTITY = {"identity": {}}


class Store:
    """The etcd of a control plane, asked by its own gateway."""

    def __init__(self, server):
        self.server, self.folder = server, server.folder
        with open(os.path.join(self.folder, "ports"), encoding="utf-8") as file:
            self.endpoint = f"https://127.0.0.1:{file.read().split()[1]}"
        pki = os.path.join(self.folder, "pki")
        self.tls = ["--cacert", f"{pki}/etcd-ca.crt", "--cert", f"{pki}/etcd-client.crt", "--key", f"{pki}/etcd-client.key"]
        self.context = ssl.create_default_context(cafile=f"{pki}/etcd-ca.crt")
        self.context.load_cert_chain(f"{pki}/etcd-client.crt", f"{pki}/etcd-client.key")

    def call(self, method, body):
        connection = http.client.HTTPSConnection(self.endpoint.removeprefix("https://"), context=self.context, timeout=PATIENCE)
        connection.request("POST", f"/v3/{method}", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        assert response.status == 200, text
        return text

    def range(self, prefix, revision=0):
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        answer = json.loads(self.call("kv/range", {"key": base64.b64encode(prefix.encode()).decode(), "revision": str(revision),
                                                   "range_end": base64.b64encode(end.encode()).decode()}))
        return int(answer["header"]["revision"]), [(base64.b64decode(kv["key"]).decode(), base64.b64decode(kv.get("value", "")), int(kv["mod_revision"]))
                                              for kv in answer.get("kvs", [])]

    def snapshot(self, path):
        with open(path, "wb") as file:
            for line in self.call("maintenance/snapshot", {}).splitlines():
                file.write(base64.b64decode(json.loads(line)["result"].get("blob", "")))
        return path

    def compact(self):
        revision, _ = self.range("/registry/secrets/")
        self.call("kv/compaction", {"revision": revision, "physical": True})

    def defragment(self):
        self.call("maintenance/defragment", {})

    def configure(self, providers, resources=("secrets", )):
        """Restarts the API server with these providers."""
        with open(os.path.join(self.folder, "encryption.yaml"), "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
                       "resources": [{"resources": list(resources), "providers": providers}]}, file)
        restart(self.folder)


def restart(folder):
    path = os.path.join(folder, "kube-apiserver.pid")
    pid = int(open(path, encoding="utf-8").read())
    os.kill(pid, signal.SIGKILL)
    while os.path.exists(f"/proc/{pid}/cmdline") and open(f"/proc/{pid}/cmdline", "rb").read():
        time.sleep(0.05)
    os.remove(path)
    for _ in range(10):  # somebody's connection may have the port for a while
        up = subprocess.run([os.path.join(ROOT, "oracle", "up"), folder], env={**os.environ, "API_FLAGS": FLAGS}, capture_output=True, timeout=TIME_LIMIT, check=False)
        if up.returncode == 0:
            return
        time.sleep(3)
    raise AssertionError(up.stderr.decode())


def redoubt(*arguments):
    result = run("secrets", "at-rest", "-v", *arguments)
    SHOWN.append(result.out + result.err.encode())
    return result


def counted(result, name="secrets"):
    """What redoubt counts of a resource: all that has to agree."""
    assert result.status in (0, 1), result
    for resource in result.json["resources"]:
        if resource["resource"] == name:
            return (resource["values"], resource["plaintext"], resource["encrypted"],
                    {f"{p['provider']}:{p['version']}:{p['key']}": p["values"] for p in resource["providers"]})
    return 0, 0, 0, {}


def expected(store, prefix):
    """The same, by etcd's own range."""
    _, pairs = store.range(prefix)
    providers, plain = {}, 0
    for _, value, _ in pairs:
        if value.startswith(b"k8s:enc:"):
            name = ":".join(value[:200].split(b":")[i].decode() for i in (2, 3, 4))
            providers[name] = providers.get(name, 0) + 1
        else:
            plain += 1
    return len(pairs), plain, len(pairs) - plain, providers


def make(store, *names, namespace="default"):
    for name in names:
        store.server.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
                          "stringData": {"password": f"{MARKER}-{name}"}})


def everywhere(store, scratch):
    """The data directory while etcd writes it, a snapshot, and the endpoint: all say what etcd says. Returns the snapshot's report."""
    time.sleep(0.5)  # etcd commits every 100 ms
    data = os.path.join(store.folder, "etcd")
    snapshot = store.snapshot(os.path.join(scratch, "snapshot.db"))
    for path, name in (("/registry/secrets/", "secrets"), ("/registry/configmaps/", "configmaps"), ("/registry/services/specs/", "services"),
                       ("/registry/leases/", "leases.coordination.k8s.io"), ("/registry/example.com/widgets/", "widgets.example.com")):
        want = expected(store, path)
        for arguments in ((data, ), (snapshot, ), ("--endpoint", store.endpoint, *store.tls)):
            got = counted(redoubt("-o", "json", *arguments), name)
            assert got == want, (name, arguments, got, want)
    listed = len(store.server.request("GET", "/api/v1/secrets").body["items"])
    assert expected(store, "/registry/secrets/")[0] == listed
    redoubt(data), redoubt(snapshot, "--all", "--names"), redoubt(snapshot, "-o", "facts")
    report = redoubt("-o", "json", snapshot).json
    assert report["hashChecked"] and report["complete"] and report["source"] == "snapshot", report
    return report


def secrets_of(report):
    return next(r for r in report["resources"] if r["resource"] == "secrets")


def history(store):
    """Plaintext revisions of Secrets that are not current: every revision from the compacted one on, asked of etcd one by one."""
    newest, pairs = store.range("/registry/secrets/")
    current = {(key, mod) for key, _, mod in pairs}
    seen = set()
    for revision in range(1, newest + 1):
        try:
            _, pairs = store.range("/registry/secrets/", revision)
        except AssertionError:  # compacted
            continue
        seen |= {(key, mod) for key, value, mod in pairs if not value.startswith(b"k8s:enc:")}
    return len(seen - current)


CRD = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
       "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
                "versions": [{"name": "v1", "served": True, "storage": True,
                              "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


def served(server, widget):
    try:
        return server.create(widget).status in (201, 409)
    except json.JSONDecodeError:  # "404 page not found"
        return False


@contextlib.contextmanager
def kms(scratch):
    key, socket = os.path.join(scratch, "kms.key"), os.path.join(scratch, "kms.sock")
    with open(key, "w", encoding="utf-8") as file:
        file.write("first\n")
    with subprocess.Popen([KMS, socket, key]) as process:
        try:
            yield key, {"kms": {"apiVersion": "v2", "name": "vault", "endpoint": f"unix://{socket}", "timeout": "3s"}}
        finally:
            process.kill()


def test_every_provider_mixed_rotated_compacted_and_defragmented():
    if not os.access(KMS, os.X_OK):
        raise Skip("the kms plugin is not built: oracle/build kms")
    with cluster(ENCRYPT="no") as server, tempfile.TemporaryDirectory() as scratch, kms(scratch) as (key, plugin):
        store = Store(server)
        server.put(CRD)
        server.kinds["example.com/v1", "Widget"] = "widgets", True
        widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"token": MARKER}}
        server.wait(lambda: served(server, widget), "the custom resource")
        make(store, "a", "b", "c", "d")
        make(store, "gone")
        server.delete({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gone"}})
        report = everywhere(store, scratch)
        assert secrets_of(report)["plaintextOldRevisions"] == history(store) == 1, report
        assert secrets_of(report)["plaintext"] == 4 and redoubt(os.path.join(scratch, "snapshot.db")).status == 1
        with open(os.path.join(store.folder, "etcd", "member", "wal", "0000000000000000-0000000000000000.wal"), "rb") as wal:
            written = wal.read().count(MARKER.encode())
        data = redoubt("-o", "json", os.path.join(store.folder, "etcd")).json
        assert data["residue"]["wal"] == written - 1, (data["residue"], written)  # one is the custom resource
        for step, providers in enumerate(([provider("aescbc", "c1"), IDENTITY], [provider("aesgcm", "g1"), provider("aescbc", "c1"), IDENTITY],
                                          [provider("secretbox", "k2", "k1"), provider("aesgcm", "g1"), provider("aescbc", "c1"), IDENTITY],
                                          [plugin, provider("secretbox", "k2", "k1"), provider("aesgcm", "g1"), provider("aescbc", "c1"), IDENTITY])):
            store.configure(providers)
            make(store, f"s{step}-1", f"s{step}-2", "a")
            make(store, f"s{step}-3", namespace="kube-system")
            report = everywhere(store, scratch)
            used = {p["provider"]: p["values"] for p in secrets_of(report)["providers"]}
            assert len(used) == step + 1 and secrets_of(report)["plaintext"] == 3, report
            assert secrets_of(report)["plaintextOldRevisions"] == history(store), report
        # The plugin's key is rotated: two of its keys are in use under one name.
        with open(key, "w", encoding="utf-8") as file:
            file.write("second\n")
        restart(store.folder)
        make(store, "rotated")
        report = everywhere(store, scratch)
        assert next(p for p in secrets_of(report)["providers"] if p["provider"] == "kms")["keyIDs"] == 2, report
        # As the verdict says: rewrite, compact, defragment.
        config = os.path.join(store.folder, "encryption.yaml")
        snapshot = os.path.join(scratch, "snapshot.db")
        report = redoubt("-o", "json", "--config", config, snapshot).json
        assert [a["id"] for a in report["actions"]][:3] == ["rewrite", "compact", "defragment"], report["actions"]
        subprocess.run(f"'{store.folder}/kubectl' get secrets -A -o json | '{store.folder}/kubectl' replace -f -", shell=True, check=True, stdout=subprocess.DEVNULL)
        report = everywhere(store, scratch)
        assert secrets_of(report)["plaintext"] == 0 and [p["provider"] for p in secrets_of(report)["providers"]] == ["kms"], report
        assert secrets_of(report)["plaintextOldRevisions"] == history(store) > 0, report
        store.compact()
        make(store, "after")
        report = everywhere(store, scratch)
        assert secrets_of(report)["plaintextOldRevisions"] == history(store) == 0, report
        assert report["residue"]["freedPages"] > 0, report["residue"]
        store.defragment()
        report = everywhere(store, scratch)
        assert report["residue"]["freedPages"] == report["residue"]["slack"] == 0, report["residue"]
        assert open(snapshot, "rb").read().count(MARKER.encode()) <= 1, "only the custom resource is plaintext"
        report = redoubt("-o", "json", "--config", config, snapshot)
        assert report.status == 0, report
        assert {(u["provider"], u["key"]) for u in report.json["unusedKeys"]} == {("secretbox", "k2"), ("secretbox", "k1"), ("aesgcm", "g1"), ("aescbc", "c1")}, report
        # A configuration that lost what is needed.
        with open(os.path.join(scratch, "lost.yaml"), "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
                       "resources": [{"resources": ["secrets"], "providers": [provider("secretbox", "k3")]}]}, file)
        report = redoubt("-o", "json", "--config", os.path.join(scratch, "lost.yaml"), snapshot)
        assert report.status == 1 and report.json["actions"][0]["id"] == "restore-key" and secrets_of(report.json)["unreadable"] == secrets_of(report.json)["values"], report
        kine(store, scratch)
        shutil.copy(snapshot, os.path.join(scratch, "broken.db"))
        with open(os.path.join(scratch, "broken.db"), "r+b") as file:
            file.seek(70000)
            file.write(b"\xff")
        broken = redoubt(os.path.join(scratch, "broken.db"))
        assert broken.status == 3 and "hash" in broken.err, broken
    nothing_was_shown()


def nothing_was_shown():
    for text in SHOWN:
        for marker in [*MARKERS, *[secret[:12].encode() for secret in KEYS.values()]]:
            assert marker not in text, text[:2000]


def kine(store, scratch):
    """The values that the API server wrote, in the tables of kine."""
    path = os.path.join(scratch, "state.db")
    _, pairs = store.range("/registry/")
    want = expected(store, "/registry/secrets/")
    with contextlib.closing(kine_of(path, [(name, value) for name, value, _ in pairs])):
        assert counted(redoubt("-o", "json", path)) == want


def kine_of(path, pairs):
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE kine (id INTEGER PRIMARY KEY AUTOINCREMENT, name INTEGER, created INTEGER, deleted INTEGER, create_revision INTEGER, "
               "prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB)")
    for name, value in pairs:
        db.execute("INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value) VALUES (?, 1, 0, 0, 0, 0, ?, NULL)", (name, value))
    db.commit()
    return db


def test_keys_lie_where_kubernetes_keeps_its_resources():
    """The paths that Kubernetes' own integration test expects, as rows of kine: each is told as the resource that it is of."""
    folder = subprocess.run(["go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"], cwd=os.path.join(ROOT, "oracle"), capture_output=True, text=True, check=False).stdout.strip()
    path = os.path.join(folder, "test", "integration", "etcd", "data.go")
    if not folder or not os.path.exists(path):
        raise Skip("the sources of Kubernetes are not there")
    text = open(path, encoding="utf-8").read()
    want = {}
    for group, resource, body in re.findall(r'gvr\("([^"]*)", "[^"]*", "([^"]*)"\): \{(.*?)\n\t\t\},', text, flags=re.S):
        expected_path = re.search(r'ExpectedEtcdPath:\s*"([^"]*)"', body)
        if expected_path:
            want.setdefault(expected_path[1], set()).add(f"{resource}.{group}" if group else resource)
    assert len(want) > 60, len(want)
    for key, names in want.items():
        with tempfile.TemporaryDirectory() as scratch:
            with contextlib.closing(kine_of(os.path.join(scratch, "state.db"), [(key, b"x")])):
                got = redoubt("-o", "json", os.path.join(scratch, "state.db")).json["resources"]
            assert len(got) == 1 and got[0]["resource"] in names, (key, names, got)


STORE = os.path.join(ROOT, ".build", "oracle", "store")


def made(*arguments, **environment):
    if not os.access(STORE, os.X_OK):
        raise Skip("the writer of databases is not built: oracle/build store")
    return subprocess.run([STORE, *map(str, arguments)], check=True, capture_output=True, timeout=TIME_LIMIT, env={**os.environ, **environment}).stdout


def same_as_bbolt(path):
    """redoubt counts what bbolt's own library counts, which also checks the file."""
    want = json.loads(made("count", path))
    report = redoubt("-o", "json", path)
    for name, counts in want.items():
        resource = next(r for r in report.json["resources"] if r["resource"] == name)
        assert (resource["values"], resource["plaintext"], resource["plaintextOldRevisions"]) == (counts["Values"], counts["Plaintext"], counts["Old"]), (name, counts, resource)
        assert counted(report, name)[3] == counts["Providers"], (name, counts, resource)


def test_databases_of_every_page_size():
    with tempfile.TemporaryDirectory() as scratch:
        for number, (size, keys, revisions, value) in enumerate([(4096, 700, 4, 300), (8192, 900, 2, 20), (16384, 3000, 2, 100), (32768, 500, 3, 5000), (65536, 4000, 3, 200),
                                                                 (4096, 20, 1, 70000), (4096, 30000, 1, 10)]):
            for freelist in ("", "yes"):
                path = os.path.join(scratch, f"{number}{freelist}.db")
                made("make", path, size, keys, revisions, value, FREELIST=freelist)
                same_as_bbolt(path)
        path = os.path.join(scratch, "generated.db")
        subprocess.run([os.path.join(ROOT, "bench", "generate-etcd"), path, "16"], check=True, stdout=subprocess.DEVNULL)
        os.truncate(path, os.path.getsize(path) - hashlib.sha256().digest_size)
        same_as_bbolt(path)


def test_a_database_that_is_written_while_it_is_read():
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "busy.db")
        made("make", path, 4096, 5000, 3, 5000)
        want = json.loads(made("count", path))["secrets"]
        reread = 0
        with subprocess.Popen([STORE, "write", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"writing\n"
            try:
                for _ in range(20):
                    result = redoubt("-o", "json", path)
                    resource = secrets_of(result.json)
                    assert result.json["complete"] and (resource["values"], resource["plaintext"], resource["plaintextOldRevisions"]) == (
                        want["Values"], want["Plaintext"], want["Old"]), (want, resource, result.json["problems"])
                    reread += int(re.search(r"read anew (\d+) times", result.err)[1])
            finally:
                writer.stdin.close()
        assert reread > 100, f"the file changed under the reader {reread} times only"
        same_as_bbolt(path)


@contextlib.contextmanager
def etcd_of_debian(scratch):
    """etcd 3.4 as Debian has it, without TLS; a function that calls its gateway, and its endpoint."""
    program = shutil.which("etcd", path="/usr/bin")
    if not program or b"Version: 3.4" not in subprocess.run([program, "--version"], capture_output=True, check=True).stdout:
        raise Skip("there is no etcd 3.4 (Debian's etcd-server)")
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        client, peer = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in (one, two))
    arguments = [program, "--data-dir", os.path.join(scratch, "data"), "--name", "t", "--listen-client-urls", client, "--advertise-client-urls", client,
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"t={peer}"]

    def call(method, body):
        connection = http.client.HTTPConnection(client.removeprefix("http://"), timeout=PATIENCE)
        connection.request("POST", f"/v3/{method}", json.dumps(body))
        response = connection.getresponse()
        text = response.read()
        assert response.status == 200, text
        return text
    with open(os.path.join(scratch, "log"), "wb") as log, subprocess.Popen(arguments, stdout=log, stderr=log) as process:
        try:
            for _ in range(300):
                try:
                    call("kv/range", {"key": "AA=="})
                    break
                except (OSError, http.client.HTTPException, AssertionError):
                    time.sleep(0.1)
            yield call, client
        finally:
            process.kill()


def test_etcd_3_4():
    plain, boxed = b"k8s\0\n\x0c\n\x02v1\x12\x06Secret\x12" + MARKER.encode(), b"k8s:enc:secretbox:v1:k:" + MARKER.encode()
    with tempfile.TemporaryDirectory() as scratch, etcd_of_debian(scratch) as (call, client):
        def put(name, value):
            call("kv/put", {"key": base64.b64encode(f"/registry/secrets/a/{name}".encode()).decode(), "value": base64.b64encode(value).decode()})
        for i in range(60):
            put(i, plain)
        for i in range(40):
            put(i, boxed)
        for i in range(55, 60):
            call("kv/deleterange", {"key": base64.b64encode(f"/registry/secrets/a/{i}".encode()).decode()})
        time.sleep(0.5)

        def check(old):
            data = redoubt("-o", "json", os.path.join(scratch, "data"))
            snapshot = os.path.join(scratch, "snapshot.db")
            with open(snapshot, "wb") as file:
                for line in call("maintenance/snapshot", {}).splitlines():
                    file.write(base64.b64decode(json.loads(line)["result"].get("blob", "")))
            for report in (data, redoubt("-o", "json", snapshot), redoubt("-o", "json", "--endpoint", client)):
                assert report.json["complete"] and counted(report) == (55, 15, 40, {"secretbox:v1:k": 40}), report
                assert secrets_of(report.json)["plaintextOldRevisions"] in (old, None), report
            return data.json["residue"]
        assert check(45)["wal"] == 60
        call("kv/compaction", {"revision": json.loads(call("kv/range", {"key": "AA=="}))["header"]["revision"], "physical": True})
        time.sleep(0.5)
        assert check(0)["freedPages"] > 0
        call("maintenance/defragment", {})
        assert check(0)["freedPages"] == 0


if __name__ == "__main__":
    main()
