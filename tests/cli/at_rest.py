#!/usr/bin/env python3
"""redoubt secrets: files of etcd and kine that were made for it, whole and broken. tests/oracle/at_rest.py and rotation.py have real ones."""
import base64
import contextlib
import hashlib
import http.server
import importlib.machinery
import importlib.util
import random
import sqlite3
import stat
import struct
import threading
import time

from lib import *

MARKER = b"MARKER-of-a-secret"
KEY = base64.b64encode(b"MARKER-of-a-secret-as-an-AES-key").decode()
SHOWN = []


def load(path):
    loader = importlib.machinery.SourceFileLoader("generate_etcd", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
GENERATE = load(os.path.join(ROOT, "bench", "generate-etcd"))


def secrets(*arguments, **options):
    """Every byte that is printed is searched for the marker at the end."""
    result = run("secrets", *arguments, **options)
    SHOWN.append(result.out + result.err.encode())
    return result


def of(report, name="secrets"):
    return next(r for r in report["resources"] if r["resource"] == name)


def config(*providers, resources=("secrets", )):
    return json.dumps({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": [{"resources": list(resources), "providers": list(providers)}]})


def box(*names, kind="secretbox"):
    return {kind: {"keys": [{"name": name, "secret": KEY} for name in names]}}


@contextlib.contextmanager
def snapshot(mib=2):
    with Folder() as folder:
        path = os.path.join(folder, "snapshot.db")
        made = subprocess.run([os.path.join(ROOT, "bench", "generate-etcd"), path, str(mib)], check=True, capture_output=True).stdout
        yield folder, path, json.loads(made)


def test_a_snapshot_is_counted():
    with snapshot() as (_, path, made):
        r = secrets("at-rest", "-o", "json", path)
        resource = of(r.json)
        assert r.status == 1 and {k: resource[k] for k in ("values", "plaintext", "encrypted", "plaintextOldRevisions")} == {
            "values": made["values"], "plaintext": made["plaintext"], "encrypted": made["encrypted"], "plaintextOldRevisions": made["old"]}, r
        assert {(p["provider"], p["version"], p["key"]) for p in resource["providers"]} == {("secretbox", "v1", "key2"), ("aescbc", "v1", "key1")}
        assert sum(p["values"] for p in resource["providers"]) == made["encrypted"]
        assert r.json["residue"]["freedPages"] == r.json["residue"]["wal"] == 0 and r.json["hashChecked"] and r.json["complete"]
        assert sum(n["plaintext"] for n in resource["namespaces"]) == made["plaintext"]
        text = secrets("at-rest", path)
        assert text.status == 1 and f"{made['plaintext']} PLAINTEXT" in text.text and "kubectl get secrets -A -o json | kubectl replace -f -" in text.text, text
        assert "secret-0000" not in text.text and "secret-0000" in secrets("at-rest", "--names", path).text


def fingerprint(path):
    st = os.stat(path)
    return hashlib.sha256(open(path, "rb").read()).digest(), st.st_mtime_ns, st.st_ctime_ns, st.st_size


def without_keys(data):
    """DATA, whose bucket `key` has another name."""
    root, = struct.unpack_from("<Q", data, 32)
    at = data.index(b"key", root * 4096)
    return data[:at] + b"kex" + data[at + 3:]


def test_what_is_no_database_is_told_and_left_alone():
    with snapshot() as (folder, good, _):
        data = open(good, "rb").read()
        shuffled = random.Random(1).randbytes(100000)
        cases = {"zero": (bytes(1 << 20), "filled with zeros"), "random": (shuffled, "look encrypted"), "empty": (b"", "is empty"),
                 "gzip": (b"\x1f\x8b" + shuffled, "gzip"), "zip": (b"PK\3\4" + shuffled, "zip"), "luks": (b"LUKS\xba\xbe" + shuffled, "LUKS"),
                 "text": (b"apiVersion: v1\n" * 1000, "no etcd database"), "cut": (data[:len(data) // 2], "cut off"), "cut-in-the-meta": (data[:60], "metas of the database are damaged"),
                 "metas": (data[:16] + bytes(8192) + data[8208:], "no etcd database"), "bit": (data[:-40] + b"\xff" + data[-39:], "hash"),
                 "no-bucket": (without_keys(data), "no bucket"), "sqlite": (b"SQLite format 3\0" + bytes(100), "cannot be read")}
        for name, (content, words) in cases.items():
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, 0o400)
            before = fingerprint(path)
            for arguments in ((), ("-o", "json"), ("-o", "facts"), ("-v", )):
                r = secrets("at-rest", path, *arguments)
                assert r.status == 3 and words in r.err and "clean" not in r.text, (name, words, r)
            assert not secrets("at-rest", "-o", "json", path).json["complete"]
            assert fingerprint(path) == before, name
        assert sorted(os.listdir(folder)) == sorted(["snapshot.db", *cases]), "no file was made"
        os.mkfifo(os.path.join(folder, "fifo"))
        assert secrets("at-rest", os.path.join(folder, "fifo")).status == 3
        os.mkdir(os.path.join(folder, "empty-folder"))
        assert secrets("at-rest", os.path.join(folder, "empty-folder")).status == 3
        assert secrets("at-rest", os.path.join(folder, "not-there")).status == 2
        assert secrets("at-rest").status == 2 and secrets("at-rest", good, "--endpoint", "http://127.0.0.1:1").status == 2


def test_damaged_pages_are_told_or_do_not_matter():
    with snapshot(1) as (folder, good, made):
        data = open(good, "rb").read()
        path = os.path.join(folder, "broken.db")
        for at in random.Random(2).sample(range(8192, len(data) - 32), 40):
            broken = data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1:]
            with open(path, "wb") as file:
                file.write(broken)
            r = secrets("at-rest", "-o", "json", path)
            assert r.status == 3 and not r.json["hashChecked"] and r.json["problems"], (at, r)
            # One changed bit can make one more key of an old revision, or hide some.
            assert not r.json["resources"] or of(r.json)["values"] <= made["values"] + 1, at


def test_a_configuration_is_compared():
    with snapshot() as (folder, path, made):
        def compared(*providers, resources=("secrets", )):
            file = os.path.join(folder, "encryption.yaml")
            with open(file, "w", encoding="utf-8") as out:
                out.write(config(*providers, resources=resources))
            r = secrets("at-rest", "-o", "json", path, "--config", file)
            return of(r.json), r.json, [a["id"] for a in r.json["actions"]]
        resource, report, actions = compared(box("key3", "key2"), box("key1", kind="aescbc"), {"identity": {}})
        assert actions == ["rewrite", "compact", "defragment"] and resource["notByWriter"] == made["encrypted"] and resource["unreadable"] == 0, report["actions"]
        assert {p["config"] for p in resource["providers"]} == {"reads"} and report["unusedKeys"] == []
        resource, report, actions = compared(box("key2", "key9"))
        old = next(p["values"] for p in resource["providers"] if p["key"] == "key1")
        assert resource["unreadable"] == made["plaintext"] + old and actions[:2] == ["restore-key", "restore-key"], report["actions"]
        assert report["unusedKeys"] == [{"resources": "secrets", "provider": "secretbox", "key": "key9"}]
        resource, report, actions = compared({"identity": {}}, box("key2"), box("key1", kind="aescbc"), resources=("*.", ))
        assert actions[0] == "introduce" and resource["required"], report["actions"]
        bad = os.path.join(folder, "bad.yaml")
        with open(bad, "w", encoding="utf-8") as out:
            out.write(config({"secretbox": {"keys": [{"name": "a", "secret": KEY[:24]}]}}))
        r = secrets("at-rest", path, "--config", bad)
        assert r.status == 2 and "bytes, not 32" in r.err, r


# --- the write-ahead log ---


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def number(at, value):
    return GENERATE.varint(at << 3) + GENERATE.varint(value)


def segment(requests, crc=0x1234):
    """Frames as etcd's encoder makes them: a record of type crc, then entries; padded to eight bytes."""
    out = b""

    def record(kind, data):
        nonlocal crc, out
        if kind != 4:
            crc = crc32c(data, crc)
        body = number(1, kind) + number(2, crc) + (GENERATE.field(3, data) if data else b"")
        padding = -len(body) % 8
        out += struct.pack("<Q", len(body) | ((0x80 | padding) << 56 if padding else 0)) + body + bytes(padding)
    record(4, b"")
    record(1, b"metadata")
    for index, request in enumerate(requests):
        record(2, number(1, 0) + number(2, 1) + number(3, index + 1) + GENERATE.field(4, number(1, 7) + request))
    return out


PLAIN = b"k8s\0\n\x0c\n\x02v1\x12\x06Secret\x12" + GENERATE.varint(len(MARKER)) + MARKER


def put(key, value):
    return GENERATE.field(1, key) + GENERATE.field(2, value)


def txn(key, value):
    return GENERATE.field(6, GENERATE.field(1, b"\x08\x01") + GENERATE.field(2, GENERATE.field(2, put(key, value))))


def test_the_log_is_read():
    requests = [GENERATE.field(4, put(b"/registry/secrets/a/b", PLAIN)), txn(b"/registry/secrets/a/c", PLAIN), txn(b"/registry/configmaps/a/c", b"k8s\0plain"),
                txn(b"/registry/secrets/a/d", b"k8s:enc:secretbox:v1:k:" + MARKER), txn(b"/registry/secrets/a/json", b'{"kind":"Secret"}')]
    whole = segment(requests)
    with snapshot(1) as (folder, path, _):
        def wal(*segments, files=()):
            base = os.path.join(folder, "member")
            subprocess.run(["rm", "-rf", base], check=True)
            os.makedirs(os.path.join(base, "wal"))
            os.makedirs(os.path.join(base, "snap"))
            with open(path, "rb") as source, open(os.path.join(base, "snap", "db"), "wb") as file:
                file.write(source.read()[:-32])
            for i, content in enumerate(segments):
                with open(os.path.join(base, "wal", f"{i:016x}-{i:016x}.wal"), "wb") as file:
                    file.write(content)
            for name, content in files:
                with open(os.path.join(base, "snap", name), "wb") as file:
                    file.write(content)
            r = secrets("at-rest", "-o", "json", folder)
            assert r.status == 1 and r.json["complete"], r
            return r.json["residue"]
        assert wal(whole)["wal"] == 3
        assert wal(whole + bytes(4096))["wal"] == 3
        assert wal(whole[:-20])["wal"] == 2  # etcd is writing: what is there of the last record is searched
        assert wal(whole, segment(requests[:1], crc=99))["wal"] == 4
        assert wal(whole + bytes(64) + PLAIN)["wal"] == 4  # behind the end
        broken = bytearray(whole)
        broken[60] ^= 1
        assert wal(bytes(broken))["wal"] == 2  # not by the records: the two that look like Secrets
        assert wal(b"\xff" * 64 + PLAIN)["wal"] == 1
        residue = wal(whole, files=[("0000000000000001-0000000000000001.snap", b"\x08\x01" + PLAIN), ("db.tmp.1", bytes(600) + PLAIN + bytes(600) + PLAIN)])
        assert residue["files"] == 3 and residue["wal"] == 3, residue
        assert secrets("at-rest", os.path.join(folder, "member")).status == 1


# --- kine ---


def kine(path, wal=False):
    db = sqlite3.connect(path)
    if wal:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA wal_autocheckpoint=0")
    db.execute("CREATE TABLE kine (id INTEGER PRIMARY KEY AUTOINCREMENT, name INTEGER, created INTEGER, deleted INTEGER, create_revision INTEGER, "
               "prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB)")
    db.execute("CREATE UNIQUE INDEX kine_name_prev_revision_uindex ON kine (name, prev_revision)")
    return db


def row(db, name, value, old=None, previous=0, deleted=0):
    return db.execute("INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value) VALUES (?, 0, ?, 0, ?, 0, ?, ?)",
                      (name, deleted, previous, value, old)).lastrowid


BOXED = b"k8s:enc:secretbox:v1:k:" + MARKER


def fill(db):
    """Current: b plaintext, c and a encrypted; a's former value, a deleted one twice (row and tombstone), and one that only an old_value has."""
    a = row(db, "/registry/secrets/shop/a", PLAIN)
    row(db, "/registry/secrets/shop/a", BOXED, PLAIN, a)
    row(db, "/registry/secrets/shop/b", PLAIN)
    row(db, "/registry/secrets/shop/c", BOXED, PLAIN, 100000)
    d = row(db, "/registry/secrets/shop/d", PLAIN)
    row(db, "/registry/secrets/shop/d", PLAIN, PLAIN, d, deleted=1)
    row(db, "compact_rev_key", b"", None, 0)
    db.commit()


def check_kine(path):
    before = {name: fingerprint(os.path.join(os.path.dirname(path), name)) for name in os.listdir(os.path.dirname(path))}
    r = secrets("at-rest", "-o", "json", path)
    resource = of(r.json)
    assert r.status == 1 and r.json["source"] == "kine" and r.json["complete"], r
    assert (resource["values"], resource["plaintext"], resource["encrypted"]) == (3, 1, 2), resource
    assert resource["plaintextOldRevisions"] == 4, resource
    assert {name: fingerprint(os.path.join(os.path.dirname(path), name)) for name in os.listdir(os.path.dirname(path))} == before
    return r.json


def test_kine_is_read():
    with Folder() as folder:
        path = os.path.join(folder, "state.db")
        with contextlib.closing(kine(path)) as db:
            fill(db)
        report = check_kine(path)
        assert report["residue"]["freedPages"] == report["residue"]["slack"] == 0, report["residue"]
        with contextlib.closing(sqlite3.connect(path)) as db:
            for i in range(300):
                row(db, f"/registry/secrets/x/{i}", PLAIN + bytes(3000))
            db.commit()
            db.execute("PRAGMA secure_delete=OFF")
            db.execute("DELETE FROM kine WHERE name LIKE '/registry/secrets/x/%'")
            db.commit()
        assert check_kine(path)["residue"]["freedPages"] > 200
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("VACUUM")
        assert check_kine(path)["residue"]["freedPages"] == 0
        nested = os.path.join(folder, "k3s", "server", "db")
        os.makedirs(nested)
        os.rename(path, os.path.join(nested, "state.db"))
        assert secrets("at-rest", os.path.join(folder, "k3s")).status == 1


def test_kine_is_read_with_what_its_wal_has():
    with Folder() as folder:
        path = os.path.join(folder, "state.db")
        with contextlib.closing(kine(path, wal=True)) as db:
            fill(db)  # nothing of it is in the database file
            report = check_kine(path)
            assert report["residue"]["wal"] > 0, report["residue"]
            row(db, "/registry/secrets/shop/uncommitted", PLAIN)
            check_kine(path)
            db.rollback()
            # A tail that is no whole transaction.
            with open(path + "-wal", "rb") as file:
                wal = file.read()
            with open(os.path.join(folder, "state2.db-wal"), "wb") as file, open(path, "rb") as main_file, open(os.path.join(folder, "state2.db"), "wb") as copy:
                file.write(wal + wal[32:32 + 2000])
                copy.write(main_file.read())
            check_kine(os.path.join(folder, "state2.db"))
    with Folder() as folder:
        with contextlib.closing(sqlite3.connect(os.path.join(folder, "other.db"))) as db:
            db.execute("CREATE TABLE t (x)")
            db.commit()
        r = secrets("at-rest", os.path.join(folder, "other.db"))
        assert r.status == 3 and "kine" in r.err, r


# --- an endpoint ---


@contextlib.contextmanager
def gateway(answer):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, reply = answer(self.path, body)
            reply = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01, ), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def store(values, revision=50, compacted=()):
    """etcd's range over VALUES; those of COMPACTED are revisions that are gone when they are asked for, once each."""
    gone = list(compacted)

    def answer(path, body):
        assert path == "/v3/kv/range", path
        if gone and int(body.get("revision", 0)):
            gone.pop()
            return 400, {"error": "etcdserver: mvcc: required revision has been compacted", "code": 11}
        start, end = base64.b64decode(body["key"]), base64.b64decode(body["range_end"])
        keys = [k for k in sorted(values) if k >= start and (end == b"\0" or k < end)]
        if body.get("count_only"):
            return 200, {"header": {"revision": str(revision)}, "count": str(len(keys))}
        limit = int(body["limit"])
        return 200, {"header": {"revision": str(revision)}, "more": len(keys) > limit, "count": str(len(keys)),
                     "kvs": [{"key": base64.b64encode(k).decode(), "value": base64.b64encode(values[k]).decode(), "mod_revision": "7"} for k in keys[:limit]]}
    return answer


def test_an_endpoint_is_asked_page_by_page():
    values = {b"/registry/secrets/shop/s%04d" % i: (PLAIN if i % 3 == 0 else BOXED) for i in range(1201)} | {b"/registry0/secrets/a/b": PLAIN, b"/other": b"x"}
    for compacted in ((), (1, )):
        with gateway(store(values, compacted=compacted)) as url:
            r = secrets("at-rest", "--endpoint", url, "-o", "json")
            assert r.status == 1 and (of(r.json)["values"], of(r.json)["plaintext"]) == (1201, 401), r
            assert r.json["residue"]["freedPages"] is None and of(r.json)["plaintextOldRevisions"] is None and r.json["source"] == "live" and r.json["revision"] == 50
            assert "not seen through an endpoint" in secrets("at-rest", "--endpoint", url + "/").text
    with gateway(store({k: BOXED for k in values})) as url:
        assert secrets("at-rest", "--endpoint", url).status == 0
        facts = secrets("at-rest", "--endpoint", url, "-o", "facts")
        assert run("scan", "-", stdin=facts.out).status == 0
    with gateway(store({b"/elsewhere/secrets/a/b": PLAIN})) as url:
        r = secrets("at-rest", "--endpoint", url)
        assert r.status == 3 and "--prefix" in r.err, r
        assert secrets("at-rest", "--endpoint", url, "--prefix", "elsewhere/").status == 1


def test_an_endpoint_that_fails_is_told():
    answers = [(500, b"no"), (200, b"<html>"), (200, b"[]"), (200, {"kvs": [{"key": "?"}]}), (401, {"message": "etcdserver: user name is empty"}),
               (200, {"header": {"revision": "1"}, "more": True}), (301, b"")]
    for status, body in answers:
        with gateway(lambda path, _, status=status, body=body: (status, body)) as url:
            r = secrets("at-rest", "--endpoint", url)
            assert r.status == 3 and r.err and "clean" not in r.text, (status, body, r)
    assert secrets("at-rest", "--endpoint", "http://127.0.0.1:1").status == 3
    assert secrets("at-rest", "--endpoint", "file:///etc/passwd").status == 3


# --- plans ---


def test_a_plan_is_written_and_its_keys_are_not_shown():
    with Folder({"encryption.yaml": config(box("old", kind="aescbc"), {"identity": {}})}) as folder:
        current, plan = os.path.join(folder, "encryption.yaml"), os.path.join(folder, "plan")
        r = secrets("rotate-plan", "--config", current, "--server", "a,b", "--generate-key", "--write", plan)
        assert r.status == 0 and KEY not in r.text, r
        assert sorted(os.listdir(plan)) == ["1-add-key.yaml", "3-promote-key.yaml", "7-remove-old.yaml", "plan.json"]
        assert all(stat.S_IMODE(os.stat(os.path.join(plan, name)).st_mode) == 0o600 for name in os.listdir(plan))
        written = open(os.path.join(plan, "3-promote-key.yaml"), encoding="utf-8").read()
        assert KEY in written and KEY not in open(os.path.join(plan, "plan.json"), encoding="utf-8").read()
        again = secrets("rotate-plan", "--config", current, "--write", plan)
        assert again.status == 2 and "plan.json" in again.err, again  # nothing is overwritten
        # The file that is there is that of no step; those of the plan are, each of its own.
        os.utime(current, (1, 1))
        assert secrets("verify", "--plan", plan, "--step", "add-key", "--config", current).status == 1
        for name, step in (("1-add-key.yaml", "add-key"), ("3-promote-key.yaml", "1"), ):
            r = secrets("verify", "--plan", plan, "--step", step, "--config", os.path.join(plan, name), "-o", "json")
            assert r.status == (0 if name.startswith("1") else 1) and r.json["state"] == ("done" if name.startswith("1") else "missing"), r
        assert secrets("verify", "--plan", plan, "--step", "restart-add", "--config", os.path.join(plan, "1-add-key.yaml")).status == 3  # no server runs
        assert secrets("verify", "--plan", plan, "--step", "rewrite", "--config", os.path.join(plan, "3-promote-key.yaml")).status == 3  # no data
        for step in ("11", "0", "x"):
            assert secrets("verify", "--plan", plan, "--step", step, "--config", current).status == 2
        assert secrets("verify", "--plan", folder, "--step", "1").status == 2
    steps = secrets("rotate-plan", "-o", "json").json["steps"]
    assert [s["name"] for s in steps] == ["promote-key", "restart-promote", "rewrite", "verify", "remove-old", "restart-remove", "compact", "defragment"]
    assert "identity" in steps[0]["configWithoutKeys"] and "REPLACE-WITH" in steps[0]["configWithoutKeys"]
    assert secrets("rotate-plan", "--generate-key").status == 2
    assert secrets("rotate-plan", "--provider", "kms").status == 2
    kms = secrets("rotate-plan", "--provider", "kms", "--key-name", "vault", "--kms-endpoint", "unix:///run/kms.sock", "-o", "json")
    assert "apiVersion: v2" in kms.json["steps"][0]["configWithoutKeys"], kms


def test_no_byte_of_a_secret_was_shown():
    assert len(SHOWN) > 100
    for text in SHOWN:
        for marker in (MARKER, base64.b64encode(MARKER)[:-4], KEY.encode()[:20]):
            assert marker not in text, text[:1000]


main()
