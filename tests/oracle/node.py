#!/usr/bin/env python3
"""Facts of a real node: kubelet, containerd, kube-apiserver and etcd, as they run; the kubelet's own /configz is the oracle of its
effective configuration, field by field, for flags, a file, drop-ins, and nothing."""
import re as regex

from controlplane import *

CONFIG_HEAD = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def seconds(text):
    return sum(float(number) * UNITS[unit] for number, unit in regex.findall(r"([\d.]+)([a-zµ]+)", text))


def leaves(facts, path=""):
    for name, fact in facts.items():
        if "place" in fact and ("value" in fact or "unknown" in fact):
            yield path + name, fact
        else:
            yield from leaves(fact, path + name + ".")


def in_configz(configz, path):
    for part in path.split("."):
        if not isinstance(configz, dict) or part not in configz:
            return None
        configz = configz[part]
    return configz


def same(ours, theirs):
    """Whether the value OURS is what /configz says; it leaves zeroes out."""
    if theirs is None:
        return ours in (0, False, "", [], {})
    if isinstance(theirs, str) and not isinstance(ours, str):
        return abs(ours - seconds(theirs)) < 1e-6
    return ours == theirs


class Node:
    def __init__(self, cluster_):
        self.cluster, self.folder = cluster_, cluster_.folder

    def start(self, *flags, port=10250, healthz=10248):
        self.port = port
        done = subprocess.run([os.path.join(ROOT, "oracle", "node"), self.folder, *flags], capture_output=True, timeout=TIME_LIMIT, check=False,
                              env={**os.environ, "HEALTHZ": str(healthz)})
        assert done.returncode == 0, done.stderr.decode()

    def pid(self, name):
        with open(os.path.join(self.folder, f"{name}.pid"), encoding="utf-8") as file:
            return int(file.read())

    def configz(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(os.path.join(self.folder, "pki", "admin.crt"), os.path.join(self.folder, "pki", "admin.key"))

        def ask():
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=10)
            connection.request("GET", "/configz")
            reply = connection.getresponse()
            body = reply.read()
            return json.loads(body)["kubeletconfig"] if reply.status == 200 else None

        return Cluster.wait(ask, "/configz")

    def facts(self, *arguments):
        done = subprocess.run([REDOUBT, "node", "facts", *arguments], capture_output=True, timeout=TIME_LIMIT, check=True)
        facts = json.loads(done.stdout)
        if facts["kubelet"].get("process", {}).get("pid") != self.pid("kubelet"):
            raise Skip("another kubelet runs on this machine")
        return facts

    def compare(self, name):
        facts, configz = self.facts(), self.configz()
        wrong, count = [], 0
        for path, fact in leaves(facts["kubelet"]["config"]):
            count += 1
            theirs = in_configz(configz, path)
            # Where it makes a certificate for itself it writes that down as if it had been configured.
            if facts["kubelet"]["serverCertificate"] == "self-signed" and path in ("tlsCertFile", "tlsPrivateKeyFile"):
                assert fact["value"] == "" and theirs.startswith(f"{self.folder}/kubelet-pki/kubelet."), (path, theirs)
                continue
            if "value" not in fact or not same(fact["value"], theirs):
                wrong.append((path, fact.get("value"), fact.get("source"), theirs))
        assert not wrong, (name, wrong)
        assert count >= 80, count
        return facts, configz


def judge(*arguments):
    done = subprocess.run([REDOUBT, "node", "-o", "json", *arguments], capture_output=True, timeout=TIME_LIMIT, check=False)
    return {finding["rule"] for finding in json.loads(done.stdout)["findings"]}


@contextlib.contextmanager
def node():
    if os.getuid() != 0 or not all(os.access(path, os.X_OK) for path in ("/usr/bin/containerd", "/usr/sbin/runc")):
        raise Skip("a node needs root, and the packages containerd and runc")
    with cluster() as made:
        one = Node(made)
        try:
            yield one
        finally:
            subprocess.run([os.path.join(ROOT, "oracle", "node-down"), made.folder], timeout=TIME_LIMIT, check=False)


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def check_configurations(one):
    folder, pki = one.folder, os.path.join(one.folder, "pki")
    sound = os.path.join(folder, "kubelet.yaml")
    one.start(f"--config={sound}")
    facts, _ = one.compare("file")
    assert not facts["kubelet"]["legacyDefaults"] and facts["kubelet"]["serverCertificate"] == "given"
    yield "a file", facts
    kubelet = one.facts("--probe")["kubelet"]
    probes = {(p["path"], p["credentials"]): (p["status"], p["verdict"]) for p in kubelet["probes"] if p["tls"]}
    assert probes["/pods", "none"] == (401, "refused") and probes["/configz", "none"] == (401, "refused"), probes
    assert probes["/pods", "client"][0] in (200, 403), probes
    assert all(p["verdict"] == "closed" for p in kubelet["probes"] if p["port"] == 10255), kubelet["probes"]

    full = write(folder, "full.yaml", CONFIG_HEAD + f"""authentication:
  anonymous: {{enabled: false}}
  webhook: {{cacheTTL: 0s}}
  x509: {{clientCAFile: pki/ca.crt}}
authorization: {{webhook: {{cacheAuthorizedTTL: 1m30s}}}}
readOnlyPort: 0
maxPods: 20
podPidsLimit: -7
eventBurst: 0
eventRecordQPS: 0
streamingConnectionIdleTimeout: 0s
seccompDefault: true
protectKernelDefaults: false
enforceNodeAllocatable: []
evictionHard: {{memory.available: 1Mi, nodefs.available: "2%"}}
featureGates: {{UserNamespacesSupport: true, KubeletCrashLoopBackOffMax: true}}
tlsCipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]
tlsMinVersion: VersionTLS13
containerLogMaxSize: 5Mi
shutdownGracePeriod: 10s
enableProfilingHandler: false
registerWithTaints: [{{key: a, value: b, effect: NoSchedule}}]
logging: {{verbosity: 2}}
""")
    write(folder, "conf.d/10-a.conf", CONFIG_HEAD + "maxPods: 21\nevictionHard: {memory.available: 2Mi}\nreadOnlyPort: 0\nclusterDNS: [10.9.9.9]\n")
    write(folder, "conf.d/20-b.conf", CONFIG_HEAD + "maxPods: 22\nclusterDNS: [10.9.9.8, 10.9.9.7]\nshutdownGracePeriod: null\nenableSystemLogHandler: false\n")
    write(folder, "conf.d/30-c.yaml", CONFIG_HEAD + "maxPods: 1\n")
    one.start(f"--config={full}", f"--config-dir={folder}/conf.d", "--event-qps=7", "--feature-gates=UserNamespacesSupport=true,KubeletCrashLoopBackOffMax=true",
              "--eviction-hard=memory.available<3Mi", "--streaming-connection-idle-timeout=0", "--v", "1", "--contention-profiling", "--max_pods=23")
    facts, _ = one.compare("file, drop-ins and flags")
    assert facts["kubelet"]["config"]["clusterDNS"]["source"] == "drop-in" and facts["kubelet"]["config"]["maxPods"]["source"] == "flag"
    yield "a file, drop-ins and flags", facts

    one.start("--port=20250", "--healthz-port=20248", "--read-only-port=0", "--anonymous-auth=false", "--authorization-mode=Webhook",
              "--authentication-token-webhook", f"--client-ca-file={pki}/ca.crt", "--pod-max-pids=100", "--tls-min-version=VersionTLS12",
              "--system-reserved=cpu=100m,memory=10Mi", port=20250, healthz=20248)
    facts, _ = one.compare("flags")
    assert facts["kubelet"]["legacyDefaults"] and facts["kubelet"]["config"]["authorization"]["mode"]["source"] == "flag"
    yield "flags alone", facts

    write(folder, "only.d/10.conf", CONFIG_HEAD + "port: 20250\nhealthzPort: 20248\nreadOnlyPort: 20255\n")
    one.start(f"--config-dir={folder}/only.d", port=20250, healthz=20248)
    facts, _ = one.compare("drop-ins without a file")
    assert facts["kubelet"]["config"]["authorization"]["mode"]["value"] == "AlwaysAllow"
    yield "drop-ins without a file", facts

    probes = one.facts("--probe")["kubelet"]["probes"]
    assert ("/pods", 20250, "none", 200, "open") in {(p["path"], p["port"], p["credentials"], p["status"], p["verdict"]) for p in probes}, probes
    assert (20255, 200, "open") in {(p["port"], p["status"], p["verdict"]) for p in probes if not p["tls"]}, probes

    one.start()
    facts, _ = one.compare("nothing")
    assert facts["kubelet"]["config"]["authentication"]["anonymous"]["enabled"]["value"] is True
    assert facts["kubelet"]["config"]["readOnlyPort"]["value"] == 10255
    yield "nothing at all", facts


# What is broken in turn, in the file, and the rule that must say so.
BROKEN = {
    "authentication: {anonymous: {enabled: true}}": "kubelet/node-anonymous-auth",
    "authorization: {mode: AlwaysAllow}": "kubelet/node-authorization",
    "readOnlyPort: 20255": "kubelet/node-read-only-port",
    "makeIPTablesUtilChains: false": "kubelet/node-iptables-chains",
    "eventRecordQPS: 0": "kubelet/node-event-limit",
    "staticPodURL: http://127.0.0.1:1/pods": "kubelet/node-static-pod-url",
    "allowedUnsafeSysctls: [kernel.shm_rmid_forced]": "kubelet/node-unsafe-sysctls",
}


def check_broken(one):
    """Over a sound configuration, each break adds its finding, in a drop-in that only the command line names."""
    sound = os.path.join(one.folder, "kubelet.yaml")
    one.start(f"--config={sound}")
    before = judge()
    for number, (text, rule) in enumerate(BROKEN.items()):
        folder = os.path.dirname(write(one.folder, f"broken-{number}/10.conf", CONFIG_HEAD + text + "\n"))
        one.start(f"--config={sound}", f"--config-dir={folder}")
        one.compare(text)
        after = judge()
        assert rule not in before and rule in after, (text, rule, sorted(after - before))
        print(f"# {text}: {rule}")


def check_neighbours(one, facts):
    """What runs beside the kubelet is found as it was started."""
    api, etcd = facts["apiServer"], facts["etcd"]
    if api.get("process", {}).get("pid") != one.pid("kube-apiserver") or etcd["process"]["pid"] != one.pid("etcd"):
        print("# another control plane runs on this machine: what is beside the kubelet is not looked at")
        return
    assert api["running"] and api["settings"]["authorizationMode"]["value"] == ["Node", "RBAC"]
    assert api["settings"]["profiling"]["value"] is False and api["audit"]["backends"] == ["log"]
    assert api["encryption"]["resources"][0]["provider"] == "secretbox" and api["encryption"]["resources"][0]["keyBits"] == [256]
    assert {c["purpose"] for c in api["certificates"]} >= {"tls-cert-file", "client-ca-file", "etcd-cafile"}
    assert etcd["running"] and etcd["settings"]["clientCertAuth"]["value"] is True and etcd["settings"]["dataDir"]["value"] == f"{one.folder}/etcd"
    assert facts["controllerManager"]["settings"]["useServiceAccountCredentials"]["value"] is True
    engine = next(e for e in facts["runtime"]["engines"] if e["name"] == "containerd")
    assert engine["running"] and engine["configFile"]["path"] == f"{one.folder}/containerd.toml"
    assert engine["settings"]["restrictOOMScoreAdj"]["value"] is True and engine["settings"]["grpcAddress"]["value"] == f"{one.folder}/containerd.sock"
    ports = {(s["port"], s["process"]) for s in facts["host"]["listening"]}
    assert any(port == one.cluster.port for port, _ in ports), ports
    text = json.dumps(facts)
    with open(os.path.join(one.folder, "encryption.yaml"), encoding="utf-8") as file:
        secret = regex.search(r'secret: "([^"]+)"', file.read()).group(1)
    assert secret not in text and "BEGIN" not in text


def test_a_real_node():
    with node() as one:
        found = {}
        for name, facts in check_configurations(one):
            print(f"# {name}: as /configz says")
            if name == "a file":
                check_neighbours(one, facts)
            found[name] = judge()
        print("# findings: " + ", ".join(f"{name} {len(rules)}" for name, rules in found.items()))
        for name, rules in found.items():
            kubelet = {rule for rule in rules if rule.startswith("kubelet/")}
            print(f"# {name}: {sorted(kubelet)}")
        check_broken(one)
        assert len(found["nothing at all"]) > len(found["a file"])


main()
