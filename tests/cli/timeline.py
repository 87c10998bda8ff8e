#!/usr/bin/env python3
"""redoubt secrets timeline and the rules about credentials: certificates that openssl makes, in every bad shape. Expected values are
those that openssl shows."""
import base64
import calendar
import datetime
import re
import shutil
import time

from lib import *

MARKER = "MARKERofasecretMARKER"
SHOWN = []
DIR = tempfile.mkdtemp(prefix="redoubt-timeline-")
if not shutil.which("openssl"):
    print("skipped: openssl is not here")
    sys.exit(0)


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout


def day(offset):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)).strftime("%Y%m%d%H%M%SZ")


class Pair:
    """A key, and a certificate that CA (None: itself) signs. START and END are days from now."""
    count = 0

    def __init__(self, subject, ca=None, start=-1, end=90, extensions="", key="ec", digest="sha256"):
        Pair.count += 1
        self.base = os.path.join(DIR, str(Pair.count))
        algorithm = {"ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]}.get(key) or ["RSA", "-pkeyopt", f"rsa_keygen_bits:{key}"]
        openssl("genpkey", "-algorithm", *algorithm, "-out", self.base + ".key")
        openssl("req", "-new", "-key", self.base + ".key", "-subj", subject, "-utf8", "-out", self.base + ".csr")
        with open(self.base + ".cnf", "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s.db\nnew_certs_dir=%s\nrand_serial=yes\npolicy=p\nunique_subject=no\ncopy_extensions=none\n"
                    "x509_extensions=e\n[p]\ncommonName=optional\norganizationName=optional\n[e]\n%s\n" % (self.base, DIR, extensions))
        open(self.base + ".db", "w").close()
        signer = ca or self
        arguments = ["-selfsign", "-keyfile", self.base + ".key"] if not ca else ["-cert", signer.base + ".crt", "-keyfile", signer.base + ".key"]
        openssl("ca", "-batch", "-notext", "-preserveDN", "-config", self.base + ".cnf", "-md", digest, "-startdate", day(start), "-enddate", day(end), "-in",
                self.base + ".csr", "-out", self.base + ".crt", *arguments)
        self.crt, self.key = (open(self.base + e, "rb").read() for e in (".crt", ".key"))

    def shows(self, option):
        return openssl("x509", "-noout", option, "-in", self.base + ".crt").decode().strip()

    def end(self):
        return calendar.timegm(time.strptime(self.shows("-enddate").split("=", 1)[1], "%b %d %H:%M:%S %Y %Z"))

    def fingerprint(self):
        return openssl("x509", "-noout", "-fingerprint", "-sha256", "-in", self.base + ".crt").decode().strip().split("=")[1].replace(":", "").lower()


CA = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign"
SERVER = "basicConstraints=CA:false\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:web.shop,IP:10.0.0.1,IP:2001:db8::1"
CLIENT = "basicConstraints=CA:false\nextendedKeyUsage=clientAuth"
ROOT_CA = Pair("/O=Shop/CN=root", end=3000, extensions=CA)


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def tls(pair, name="web", key=None, more=b"", namespace="shop"):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "type": "kubernetes.io/tls",
            "data": {"tls.crt": b64(pair.crt + more), "tls.key": b64((key or pair).key)}}


def opaque(data, name="web", kind="Secret", **more):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"},
            "data": data if kind == "ConfigMap" else {k: b64(v) for k, v in data.items()}, **more}


def kubeconfig(pair=None, ca=None, **user):
    if pair:
        user = {**user, "client-certificate-data": b64(pair.crt), "client-key-data": b64(pair.key)}
    return {"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": "https://k:6443", **({"certificate-authority-data": b64(ca.crt)} if ca else {})}}],
            "users": [{"name": "u", "user": user}]}


def jwt(**claims):
    part = lambda v: base64.urlsafe_b64encode(json.dumps(v).encode()).decode().rstrip("=")
    return ".".join((part({"alg": "RS256", "typ": "JWT"}), part({**claims, "private": MARKER}), base64.urlsafe_b64encode(MARKER.encode() * 8).decode().rstrip("=")))


def webhook(bundle):
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "hook"},
            "webhooks": [{"name": "a.example.com", "clientConfig": {"caBundle": bundle, "service": {"name": "s", "namespace": "shop"}}, "sideEffects": "None",
                          "admissionReviewVersions": ["v1"]}]}


def call(verb, *objects, arguments=(), **options):
    r = run(*verb, *arguments, stdin="\n---\n".join(o if isinstance(o, str) else json.dumps(o) for o in objects), **options)
    SHOWN.append(r.out.decode("utf-8", "replace") + r.err)
    return r


def timeline(*objects, arguments=(), **options):
    return call(("secrets", "timeline", "-f", "-"), *objects, arguments=arguments, **options)


def listed(*objects, **options):
    r = timeline(*objects, arguments=("-o", "json"), **options)
    assert r.status in (0, 1), r
    return r.json["credentials"]


def test_a_certificate_is_told_as_openssl_tells_it():
    for key, algorithm, bits in (("ec", "EC", 256), ("2048", "RSA", 2048), ("3072", "RSA", 3072)):
        pair = Pair("/O=Shop/O=Two/CN=web", ROOT_CA, start=-3, end=50, extensions=SERVER, key=key)
        c, = listed(tls(pair))
        assert (c["keyAlgorithm"], c["keyBits"], c["commonName"], c["organizations"]) == (algorithm, bits, "web", ["Shop", "Two"]), c
        assert calendar.timegm(time.strptime(c["notAfter"], "%Y-%m-%dT%H:%M:%SZ")) == pair.end() and c["fingerprint"] == pair.fingerprint(), c
        assert c["dns"] == ["web.shop"] and c["ips"] == ["10.0.0.1", "2001:db8:0:0:0:0:0:1"] and c["usages"] == ["serverAuth"], c
        assert c["signature"] in openssl("x509", "-noout", "-text", "-in", pair.base + ".crt").decode() and c["lifetimeDays"] == 53 and c["daysLeft"] in (49, 50), c
        assert not c["authority"] and not c["selfSigned"] and not c["keyDiffers"] and c["hasKey"] and c["chain"] == "unknown", c


def test_days_are_counted_from_the_time_that_is_given():
    pair = Pair("/CN=web", ROOT_CA, extensions=SERVER)
    for seconds, days in ((-1, -1), (0, 0), (1, 0), (86399, 0), (86400, 1), (-86400, -1), (-86401, -2)):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(pair.end() - seconds))
        r = timeline(tls(pair), arguments=("-o", "json", "--now", now))
        assert r.json["credentials"][0]["daysLeft"] == days and r.json["now"] == now and r.status == 1, (seconds, r)
    assert timeline(tls(pair)).status == 0 and timeline(arguments=("--now", "tomorrow")).status == 2


def test_chains():
    middle = Pair("/CN=middle", ROOT_CA, end=100, extensions=CA)
    leaf = Pair("/CN=web", middle, extensions=SERVER)
    old = Pair("/CN=old", start=-100, end=-1, extensions=CA)
    of_old = Pair("/CN=late", old, extensions=SERVER)
    other = Pair("/CN=middle", ROOT_CA, end=100, extensions=CA)
    chain = lambda found: {c["commonName"]: c["chain"] for c in found}
    assert chain(listed(tls(leaf, more=middle.crt), opaque({"ca.crt": ROOT_CA.crt}, "ca"))) == {"web": "verified", "middle": "verified", "root": "root"}
    assert chain(listed(tls(leaf))) == {"web": "unknown"}
    assert chain(listed(tls(leaf), opaque({"ca.crt": other.crt}, "ca")))["web"] == "broken"
    assert chain(listed(tls(leaf), opaque({"ca.crt": other.crt, "x": middle.crt}, "ca"))).get("web") == "verified"
    assert chain(listed(tls(of_old, more=old.crt)))["late"] == "expired"


def test_where_they_lie():
    pair = Pair("/O=system:masters/CN=admin", ROOT_CA, extensions=CLIENT)
    config = kubeconfig(pair, ROOT_CA, token=jwt(sub="u", iss="https://k", aud=["k"], exp=4102444800, iat=4102444000))
    wanted = {("kubeconfig-client", "admin"), ("kubeconfig-authority", "root"), ("kubeconfig-token", None)}
    for holder in (config, opaque({"config": json.dumps(config)}), opaque({"config": json.dumps(config)}, kind="ConfigMap")):
        found = listed(holder)
        assert {(c["use"], c.get("commonName")) for c in found} == wanted, found
        token = next(c for c in found if c["type"] == "token")
        assert (token["subject"], token["issuer"], token["audiences"], token["notAfter"], token["lifetimeDays"]) == ("u", "https://k", ["k"], "2100-01-01T00:00:00Z", 0), token
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "a.b"}, "spec": {
        "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"caBundle": b64(ROOT_CA.crt)}}}}}
    service = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.b"}, "spec": {"caBundle": b64(ROOT_CA.crt)}}
    assert {(c["holder"], c["use"], c["member"], c["copies"]) for c in listed(webhook(b64(ROOT_CA.crt)), crd, service)} == {
        ("ValidatingWebhookConfiguration", "ca-bundle", "webhooks[0].clientConfig.caBundle", 3),
        ("CustomResourceDefinition", "ca-bundle", "spec.conversion.webhook.clientConfig.caBundle", 3), ("APIService", "ca-bundle", "spec.caBundle", 3)}
    r = run("secrets", "timeline", "--pem", pair.base + ".crt", "--pem", ROOT_CA.base + ".crt", "-o", "json")
    assert {c["commonName"]: c["chain"] for c in r.json["credentials"]} == {"admin": "verified", "root": "root"} and r.status == 0, r
    assert run("secrets", "timeline", "--pem", pair.base + ".none").status == 3
    facts = {"apiVersion": "redoubt.io/v1", "kind": "NodeFacts", "metadata": {"name": "n"}, "pki": {"certificates": [
        {"path": "/etc/kubernetes/pki/ca.crt", "subject": {"commonName": "kubernetes", "organizations": []}, "notAfter": "2030-01-01T00:00:00Z", "keyBits": 2048}]}}
    c, = listed(facts)
    assert c["member"] == "/etc/kubernetes/pki/ca.crt" and c["notAfter"] == "2030-01-01T00:00:00Z", c


def test_tokens():
    legacy = {**opaque({"token": jwt(iss="kubernetes/serviceaccount", sub="system:serviceaccount:shop:a")}), "type": "kubernetes.io/service-account-token"}
    c, = listed(legacy)
    assert c["subject"] == "system:serviceaccount:shop:a" and "notAfter" not in c and c["use"] == "service-account-token", c
    boot = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bootstrap-token-abcdef", "namespace": "kube-system", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "type": "bootstrap.kubernetes.io/token", "stringData": {"token-id": "abcdef", "token-secret": MARKER, "expiration": "2026-01-02T01:00:00+01:00"}}
    c, = listed(boot)
    assert (c["subject"], c["notAfter"], c["lifetimeDays"]) == ("system:bootstrap:abcdef", "2026-01-02T00:00:00Z", 1), c
    assert [c["use"] for c in listed(kubeconfig(token=MARKER), opaque({"x": MARKER}))] == ["kubeconfig-token"]
    assert not listed(opaque({"a": "eyJ.eyJ.x", "b": "eyJhIjoxfQ.eyJhIjoxfQ.x", "c": jwt() + ".x", "d": "e" + jwt()}))
    for bad in (1e300, -1, "soon", None, [1], 10**40):
        assert all("notAfter" not in c for c in listed(opaque({"t": jwt(exp=bad)})))


def rules(*objects):
    r = call(("scan", "-", "-o", "json"), *objects)
    assert r.status in (0, 1), r
    return {f["rule"] for f in r.json["findings"] if re.match(r"secrets/(certificate|credential|kubeconfig|token|bootstrap-token-lasting)|api/ca-bundle", f["rule"])}


def test_rules():
    p = lambda *a, **k: Pair("/CN=web", ROOT_CA, *a, **{"extensions": SERVER, **k})
    good = p()
    assert rules(tls(good), opaque({"ca.crt": ROOT_CA.crt}, "ca"), webhook(b64(ROOT_CA.crt))) == set()
    other, rsa = p(), Pair("/CN=rsa", extensions=CA, key="2048")
    expired_ca = Pair("/CN=o", start=-9, end=-2, extensions=CA)
    masters = Pair("/O=system:masters/CN=a", ROOT_CA, extensions=CLIENT)
    client = Pair("/CN=a", ROOT_CA, extensions=CLIENT)
    lasting = jwt(sub="u", aud=["k"])
    for objects, wanted in (
            ([tls(p(end=-0.01, start=-50))], {"secrets/credential-expired"}),
            ([tls(p(end=20, start=-300))], {"secrets/credential-ends-soon"}),
            ([tls(p(end=6, start=-1))], set()),
            ([tls(p(start=2))], {"secrets/certificate-not-yet-valid"}),
            ([tls(p(key="1024"))], {"secrets/certificate-weak-key"}),
            ([tls(p(digest="sha1"))], {"secrets/certificate-weak-signature"}),
            ([tls(Pair("/CN=web", rsa, extensions=SERVER, digest="md5"))], {"secrets/certificate-weak-signature"}),
            ([tls(p(end=500))], {"secrets/certificate-lifetime"}),
            ([opaque({"ca.crt": Pair("/CN=r", end=4000, extensions=CA).crt})], {"secrets/certificate-lifetime"}),
            ([tls(good, key=other)], {"secrets/certificate-key-mismatch"}),
            ([tls(p(extensions=SERVER.replace("CA:false", "CA:true")))], {"secrets/certificate-leaf-authority"}),
            ([tls(p(extensions="extendedKeyUsage=serverAuth"))], {"secrets/certificate-without-names"}),
            ([tls(masters)], {"secrets/certificate-masters"}),
            ([tls(good, "a"), tls(good, "b")], {"secrets/certificate-key-copies"}),
            ([tls(good, "a"), tls(good, "a")], set()),
            ([kubeconfig(client)], {"secrets/kubeconfig-credential"}),
            ([opaque({"c": json.dumps(kubeconfig(client))}, kind="ConfigMap")], {"secrets/kubeconfig-credential"}),
            ([opaque({"c": json.dumps(kubeconfig(client))})], set()),
            ([kubeconfig(token="t0ken" + MARKER)], {"secrets/kubeconfig-credential"}),
            ([tls(Pair("/CN=web", expired_ca, extensions=SERVER), more=expired_ca.crt)], {"secrets/certificate-issuer-expired", "secrets/credential-expired"}),
            ([{**tls(good), "data": {"tls.crt": b64("none"), "tls.key": b64(good.key)}}], {"secrets/certificate-unreadable"}),
            ([webhook(b64(expired_ca.crt))], {"api/ca-bundle-expired"}),
            ([webhook(b64(expired_ca.crt + ROOT_CA.crt))], set()),
            ([webhook(b64(Pair("/CN=o", start=-300, end=9, extensions=CA).crt))], {"api/ca-bundle-ends-soon"}),
            ([webhook(b64("nothing"))], {"api/ca-bundle-unreadable"}),
            ([webhook("Cg==")], set()),
            ([opaque({"t": lasting})], {"secrets/token-lasting"}),
            ([opaque({"t": jwt(sub="u", aud=["k"], iat=time.time(), exp=time.time() + 800 * 86400)})], {"secrets/token-lasting"}),
            ([opaque({"t": jwt(sub="u", iss="https://k", iat=time.time(), exp=time.time() + 3600)})], {"secrets/token-without-audience"}),
            ([opaque({"t": jwt(sub="u", aud="k", iat=time.time(), exp=time.time() + 3600)})], set())):
        found = rules(*objects)
        assert found == wanted, (json.dumps(objects)[:200], wanted, found)


def test_a_calendar_is_one():
    pair = Pair("/O=a,b;c/CN=" + "ü" * 50, ROOT_CA, extensions=SERVER)
    r = timeline(tls(pair), tls(ROOT_CA, "x"), opaque({"t": jwt(sub="never")}), arguments=("-o", "ics"))
    lines = r.out.split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR" and lines[-2:] == [b"END:VCALENDAR", b""] and all(len(line) <= 75 and b"\n" not in line for line in lines), r
    for line in lines:
        line.decode()  # no character is cut
    text = r.text.replace("\r\n ", "")
    assert text.count("BEGIN:VEVENT") == text.count("END:VEVENT") == 2 and "never" not in text and 'O="a\\,b\\;c"' in text, text
    assert time.strftime("DTSTART:%Y%m%dT%H%M%SZ", time.gmtime(pair.end())) in text and "ü" * 50 in text
    uids = re.findall("UID:(.*)", text)
    again = timeline(tls(pair), tls(ROOT_CA, "x"), arguments=("-o", "ics", "--now", "2026-01-01T00:00:00Z")).text
    assert len(set(uids)) == 2 and re.findall("UID:(.*)", again.replace("\r\n ", "")) == uids


def test_metrics_are_some():
    pair = Pair('/CN=a"b\\\\c', ROOT_CA, extensions=SERVER)
    r = timeline(tls(pair), tls(pair), opaque({"t": jwt(sub="never")}), arguments=("-o", "prometheus"))
    series = [line for line in r.text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series)) and series[-1] == "redoubt_credentials_without_expiry 1", r
    label = r'[a-z]+="(?:[^"\\\n]|\\["\\n])*"'
    for line in series[:-1]:
        assert re.fullmatch(r"[a-z_]+\{%s(,%s)*\} \d+" % (label, label), line), line
    assert str(pair.end()) in r.text


def test_hostile_input():
    pem = ROOT_CA.crt.decode()
    head, tail = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
    cases = [pem[:n] for n in range(0, len(pem), 37)] + [head * 3000, head + tail, (head + tail) * 3000, pem * 1200, head + "A" * 500000 + "\n" + tail,
             pem.replace("MII", "MIJ"), head + "\0" * 100 + tail, pem.replace("\n", "\0\n"), head + b64(b"\x30\x84\xff\xff\xff\xff") + "\n" + tail,
             head + b64(b"\x30\x80" * 5000) + "\n" + tail]
    for text in cases:
        r = timeline(opaque({"x": text}), webhook(b64(text)), arguments=("-o", "json"))
        assert r.status in (0, 1) and len(r.json["credentials"]) <= 2001, r
    for text in ("eyJ" + "A" * 100000, "eyJhbGciOiJub25lIn0." + b64('{"a":' * 5000).rstrip("=") + ".x", "eyJhbGciOiJub25lIn0..", "eyJhbGciOiJub25lIn0." + b64("[" * 40000).rstrip("=") + ".",
                 "eyJhbGciOiJub25lIn0." + b64(b"\xff\xfe{}").rstrip("=") + ".", "eyJhbGciOiJub25lIn0\0.eyJ.x"):
        assert timeline(opaque({"x": text})).status == 0, text[:50]
    bomb = "kind: Config\nclusters: []\nusers: []\na: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [" + ",".join(["*" + chr(97 + i)] * 9) + "]\n" for i in range(9))
    assert timeline(opaque({"x": bomb})).status == 0
    r = timeline(opaque({"x": "A" * (2 << 20)}))
    assert r.status == 3 and "not looked into" in r.err, r
    r = timeline(tls(Pair("/CN=\x1b[31mred", ROOT_CA, extensions=SERVER)))
    assert "\x1b" not in r.text and "red" in r.text


def test_a_key_with_a_passphrase_stays_closed():
    pair = Pair("/CN=web", ROOT_CA, extensions=SERVER)
    pair.key = openssl("pkey", "-aes256", "-passout", "pass:x", "-in", pair.base + ".key")
    c, = listed(tls(pair), timeout=20)
    assert c["hasKey"] and not c["keyDiffers"]


def test_no_secret_is_shown():
    pair = Pair("/CN=web", ROOT_CA, extensions=SERVER)
    secret = [tls(pair), kubeconfig(pair, token=MARKER + "x", username="u", password=MARKER), opaque({"t": jwt(sub="u")}),
              {**opaque({"token-id": "abcdef", "token-secret": MARKER}), "type": "bootstrap.kubernetes.io/token"}]
    for form in ("text", "json", "ics", "prometheus"):
        assert timeline(*secret, arguments=("-o", form)).status in (0, 1)
    rules(*secret)
    body = "".join(pair.key.decode().splitlines()[1:-1])
    for text in SHOWN:
        assert MARKER not in text and b64(MARKER)[:20] not in text and "PRIVATE KEY" not in text
        assert not any(body[i:i + 24] in text for i in range(0, len(body) - 24, 8))


try:
    main()
finally:
    shutil.rmtree(DIR)
