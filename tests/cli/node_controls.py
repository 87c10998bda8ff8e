#!/usr/bin/env python3
"""CIS items on whole nodes: a hardened one passes them all; each setting that is broken fails its item, and no other."""
from lib import *
from node_roots import Root, certificate, flags, pod

MANIFESTS = "etc/kubernetes/manifests"
STRONG = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
PLUGINS = ["NodeRestriction", "DenyServiceExternalIPs", "EventRateLimit", "AlwaysPullImages"]
API = {
    "anonymous-auth": "false", "authorization-mode": "Node,RBAC", "client-ca-file": "/etc/kubernetes/pki/ca.crt",
    "enable-admission-plugins": ",".join(PLUGINS), "admission-control-config-file": "/etc/kubernetes/admission.yaml",
    "etcd-cafile": "/etc/kubernetes/pki/etcd/ca.crt", "etcd-certfile": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
    "etcd-keyfile": "/etc/kubernetes/pki/apiserver-etcd-client.key", "etcd-servers": "https://127.0.0.1:2379",
    "kubelet-client-certificate": "/etc/kubernetes/pki/apiserver-kubelet-client.crt",
    "kubelet-client-key": "/etc/kubernetes/pki/apiserver-kubelet-client.key",
    "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt", "profiling": "false",
    "audit-log-path": "/var/log/kubernetes/audit.log", "audit-log-maxage": "30", "audit-log-maxbackup": "10",
    "audit-log-maxsize": "100", "audit-policy-file": "/etc/kubernetes/audit.yaml", "request-timeout": "60s",
    "service-account-key-file": "/etc/kubernetes/pki/sa.pub", "service-account-signing-key-file": "/etc/kubernetes/pki/sa.key",
    "service-account-extend-token-expiration": "false", "tls-cert-file": "/etc/kubernetes/pki/apiserver.crt",
    "tls-private-key-file": "/etc/kubernetes/pki/apiserver.key", "tls-cipher-suites": STRONG,
    "encryption-provider-config": "/etc/kubernetes/encryption.yaml",
}
MANAGER = {
    "bind-address": "127.0.0.1", "profiling": "false", "terminated-pod-gc-threshold": "1000", "root-ca-file": "/etc/kubernetes/pki/ca.crt",
    "use-service-account-credentials": "true", "service-account-private-key-file": "/etc/kubernetes/pki/sa.key",
}
SCHEDULER = {"bind-address": "127.0.0.1", "profiling": "false"}
ETCD = {
    "data-dir": "/var/lib/etcd", "cert-file": "/etc/kubernetes/pki/etcd/server.crt", "key-file": "/etc/kubernetes/pki/etcd/server.key",
    "client-cert-auth": "true", "trusted-ca-file": "/etc/kubernetes/pki/etcd/ca.crt", "peer-cert-file": "/etc/kubernetes/pki/etcd/peer.crt",
    "peer-key-file": "/etc/kubernetes/pki/etcd/peer.key", "peer-client-cert-auth": "true",
    "peer-trusted-ca-file": "/etc/kubernetes/pki/etcd/ca.crt",
}
KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
    "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}},
    "authorization": {"mode": "Webhook"}, "staticPodPath": "/etc/kubernetes/manifests", "readOnlyPort": 0,
    "streamingConnectionIdleTimeout": "4h", "serverTLSBootstrap": True, "rotateCertificates": True,
    "tlsCipherSuites": STRONG.split(","), "podPidsLimit": 4096, "seccompDefault": True,
}
ENCRYPTION = """apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - secretbox:
          keys: [{name: k, secret: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=}]
      - identity: {}
"""
AUDIT = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n  - level: Metadata\n"
CONFIG = "apiVersion: v1\nkind: Config\n"
PROXY = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "metricsBindAddress": "127.0.0.1:10249",
         "clientConnection": {"kubeconfig": "/var/lib/kube-proxy/kubeconfig.conf"}}
ETCD_USER = 2379  # a user that the host does not know

# The item about the mode of a file, the one about its owner, and the file.
MODES = [
    ("1.1.1", "1.1.2", f"{MANIFESTS}/kube-apiserver.yaml"), ("1.1.3", "1.1.4", f"{MANIFESTS}/kube-controller-manager.yaml"),
    ("1.1.5", "1.1.6", f"{MANIFESTS}/kube-scheduler.yaml"), ("1.1.7", "1.1.8", f"{MANIFESTS}/etcd.yaml"),
    ("1.1.9", "1.1.10", "etc/cni/net.d/10-calico.conflist"), ("1.1.13", "1.1.14", "etc/kubernetes/admin.conf"),
    ("1.1.13", "1.1.14", "etc/kubernetes/super-admin.conf"), ("1.1.15", "1.1.16", "etc/kubernetes/scheduler.conf"),
    ("1.1.17", "1.1.18", "etc/kubernetes/controller-manager.conf"), ("4.1.1", "4.1.2", "usr/lib/systemd/system/kubelet.service"),
    ("4.1.3", "4.1.4", "proc/77/root/var/lib/kube-proxy/kubeconfig.conf"), ("4.1.5", "4.1.6", "etc/kubernetes/kubelet.conf"),
    ("4.1.9", "4.1.10", "var/lib/kubelet/config.yaml"),
]


class Node:
    """What a node is made of, to be changed before it is written."""

    def __init__(self):
        self.api, self.manager, self.scheduler, self.etcd = dict(API), dict(MANAGER), dict(SCHEDULER), dict(ETCD)
        self.kubelet, self.proxy = json.loads(json.dumps(KUBELET)), dict(PROXY)
        self.kubelet_flags = "--config=/var/lib/kubelet/config.yaml --kubeconfig=/etc/kubernetes/kubelet.conf"
        self.files = {"etc/kubernetes/audit.yaml": AUDIT, "etc/kubernetes/encryption.yaml": ENCRYPTION,
                      "etc/kubernetes/admission.yaml": "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: []\n",
                      "etc/cni/net.d/10-calico.conflist": '{"cniVersion":"1.0.0","name":"k8s-pod-network","plugins":[{"type":"calico"}]}'}
        for name in ("admin", "super-admin", "scheduler", "controller-manager", "kubelet"):
            self.files[f"etc/kubernetes/{name}.conf"] = CONFIG
        self.modes, self.owners = {}, {"var/lib/etcd": ETCD_USER}

    def write(self, root):
        root.init()
        for name, words in (("kube-apiserver", self.api), ("kube-controller-manager", self.manager),
                            ("kube-scheduler", self.scheduler), ("etcd", self.etcd)):
            image = "registry.k8s.io/etcd:3.6.4-0" if name == "etcd" else f"registry.k8s.io/{name}:v1.34.1"
            root.write(f"{MANIFESTS}/{name}.yaml", pod(name, image, [name, *flags(words)]), 0o600)
        root.process(90, ["etcd", *flags(self.etcd)], uid=ETCD_USER, cgroup="/kubepods/burstable/x")
        root.folder("var/lib/etcd", 0o700)
        for path, text in self.files.items():
            root.write(path, text, 0o600)
        root.write("var/lib/kubelet/config.yaml", json.dumps(self.kubelet), 0o600)
        root.write("usr/lib/systemd/system/kubelet.service", f"[Service]\nExecStart=/usr/bin/kubelet {self.kubelet_flags}\n", 0o600)
        root.enable("kubelet.service")
        for path in ("ca.crt", "apiserver.crt", "etcd/ca.crt", "etcd/server.crt"):
            root.write(f"etc/kubernetes/pki/{path}", CERTIFICATES[path], 0o644)
        for path in ("ca.key", "sa.key", "apiserver.key", "etcd/ca.key"):
            root.write(f"etc/kubernetes/pki/{path}", CERTIFICATES["ca.key"], 0o600)
        root.process(77, ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf"], cgroup="/kubepods/besteffort/y")
        root.write("proc/77/root/var/lib/kube-proxy/config.conf", json.dumps(self.proxy))
        root.write("proc/77/root/var/lib/kube-proxy/kubeconfig.conf", CONFIG, 0o600)
        for path, mode in self.modes.items():
            os.chmod(root.at(path), mode)
        for path, uid in self.owners.items():
            os.chown(root.at(path), uid, -1)

    def controls(self):
        with Root() as root:
            self.write(root)
            r = run("node", "--root", root.path, "--framework", "cis-k8s-1.12", "-o", "json")
            assert r.out, r
            return {control["id"]: control for control in r.json["controls"]}

    def failed(self):
        return {item for item, control in self.controls().items() if control["status"] == "fail"}


def make_certificates():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("ca", "etcd-ca"):
            certificate(folder, name)
        text = {name: open(os.path.join(folder, name), encoding="utf-8").read() for name in os.listdir(folder)}
    return {"ca.crt": text["ca.crt"], "ca.key": text["ca.key"], "apiserver.crt": text["ca.crt"], "etcd/ca.crt": text["etcd-ca.crt"],
            "etcd/server.crt": text["etcd-ca.crt"]}


if os.getuid() != 0:
    print("skipped - CIS items on whole nodes: files must get other owners, which only root can do")
    sys.exit(0)
CERTIFICATES = make_certificates()


def broken(change):
    """The items that fail when CHANGE is made to a hardened node."""
    node = Node()
    change(node)
    return node.failed()


def test_a_hardened_node_passes_every_item_about_nodes():
    for item, control in Node().controls().items():
        if item.split(".")[0] in "1234" and control["status"] != "manual":
            assert control["status"] == "pass" or item == "3.1.3", control
            assert control["evidence"] or item == "3.1.3", control
            assert all(e["what"] for e in control["evidence"]), control


def test_a_hardened_node_tells_why_it_does_not_judge_the_rest():
    for item, control in Node().controls().items():
        if item.split(".")[0] == "5" and item != "5.3.1":
            assert control["status"] == "notJudged" and control["reason"].startswith("the input has none of: "), control


def test_evidence_says_where_it_is_written():
    controls = Node().controls()
    assert controls["1.2.15"]["evidence"] == [{"what": "apiServer.settings.profiling", "value": "false", "source": "flag",
                                               "location": f"/{MANIFESTS}/kube-apiserver.yaml:{10 + list(API).index('profiling') + 1}:7"}]
    assert controls["1.1.1"]["evidence"] == [{"what": f"/{MANIFESTS}/kube-apiserver.yaml", "value": "0600 root:root",
                                              "location": f"/{MANIFESTS}/kube-apiserver.yaml:1:1"}]


def test_modes_and_owners_fail_their_items():
    for mode_item, owner_item, path in MODES:
        assert broken(lambda n: n.modes.update({path: 0o644})) == {mode_item}, path
        assert broken(lambda n: n.owners.update({path: 1000})) == {owner_item}, path


def test_folders_and_keys_fail_their_items():
    assert broken(lambda n: n.modes.update({"var/lib/etcd": 0o755})) == {"1.1.11"}
    assert broken(lambda n: n.owners.update({"var/lib/etcd": 1000})) == {"1.1.12"}
    assert broken(lambda n: n.owners.update({"etc/kubernetes/pki/apiserver.crt": 1000})) == {"1.1.19"}
    assert broken(lambda n: n.modes.update({"etc/kubernetes/pki/apiserver.crt": 0o664})) == {"1.1.20"}
    assert broken(lambda n: n.modes.update({"etc/kubernetes/pki/sa.key": 0o640})) == {"1.1.21"}
    assert broken(lambda n: n.modes.update({"etc/kubernetes/pki/ca.crt": 0o666})) == {"1.1.20", "4.1.7"}
    assert broken(lambda n: n.owners.update({"etc/kubernetes/pki/ca.crt": 1000})) == {"1.1.19", "4.1.8"}


def without(*words):
    return ",".join(p for p in PLUGINS if p not in words)


# Item, component, flag, value; None: the flag is not given.
FLAGS = [
    ("1.2.1", "api", "anonymous-auth", None), ("1.2.1", "api", "anonymous-auth", "true"), ("1.2.2", "api", "token-auth-file", "/etc/tokens.csv"),
    ("1.2.3", "api", "enable-admission-plugins", without("DenyServiceExternalIPs")), ("1.2.4", "api", "kubelet-client-key", None),
    ("1.2.5", "api", "kubelet-certificate-authority", None), ("1.2.6", "api", "authorization-mode", "Node,RBAC,AlwaysAllow"),
    ("1.2.7", "api", "authorization-mode", "RBAC"), ("1.2.8", "api", "authorization-mode", "Node"),
    ("1.2.9", "api", "enable-admission-plugins", without("EventRateLimit")),
    ("1.2.10", "api", "enable-admission-plugins", without() + ",AlwaysAdmit"),
    ("1.2.11", "api", "enable-admission-plugins", without("AlwaysPullImages")),
    ("1.2.12", "api", "disable-admission-plugins", "ServiceAccount"), ("1.2.13", "api", "disable-admission-plugins", "NamespaceLifecycle"),
    ("1.2.14", "api", "enable-admission-plugins", without("NodeRestriction")), ("1.2.15", "api", "profiling", None),
    ("1.2.16", "api", "audit-log-path", None), ("1.2.17", "api", "audit-log-maxage", "29"), ("1.2.17", "api", "audit-log-maxage", None),
    ("1.2.18", "api", "audit-log-maxbackup", "9"), ("1.2.19", "api", "audit-log-maxsize", "99"), ("1.2.20", "api", "request-timeout", "1h"),
    ("1.2.21", "api", "service-account-lookup", "false"), ("1.2.23", "api", "etcd-certfile", None), ("1.2.24", "api", "tls-cert-file", None),
    ("1.2.25", "api", "client-ca-file", None), ("1.2.26", "api", "etcd-cafile", None), ("1.2.27", "api", "encryption-provider-config", None),
    ("1.2.29", "api", "tls-cipher-suites", None), ("1.2.29", "api", "tls-cipher-suites", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    ("1.2.30", "api", "service-account-extend-token-expiration", None),
    ("1.3.1", "manager", "terminated-pod-gc-threshold", "0"), ("1.3.2", "manager", "profiling", None),
    ("1.3.3", "manager", "use-service-account-credentials", None), ("1.3.4", "manager", "service-account-private-key-file", None),
    ("1.3.5", "manager", "root-ca-file", None), ("1.3.6", "manager", "feature-gates", "RotateKubeletServerCertificate=false"),
    ("1.3.7", "manager", "bind-address", "0.0.0.0"), ("1.3.7", "manager", "bind-address", None), ("1.4.1", "scheduler", "profiling", "true"),
    ("1.4.2", "scheduler", "bind-address", None), ("2.1", "etcd", "key-file", None), ("2.2", "etcd", "client-cert-auth", None),
    ("2.2", "etcd", "client-cert-auth", "false"), ("2.3", "etcd", "auto-tls", "true"), ("2.4", "etcd", "peer-cert-file", None),
    ("2.5", "etcd", "peer-client-cert-auth", None), ("2.6", "etcd", "peer-auto-tls", "true"),
    ("2.7", "etcd", "trusted-ca-file", "/etc/kubernetes/pki/ca.crt"),
]


def test_flags_fail_their_items():
    for item, component, flag, value in FLAGS:
        def change(node):
            words = getattr(node, component)
            if value is None:
                del words[flag]
            else:
                words[flag] = value
        assert broken(change) == {item}, (item, flag, value)


def test_without_an_audit_policy_nothing_is_covered_either():
    assert broken(lambda n: n.api.pop("audit-policy-file")) == {"3.2.1", "3.2.2"}


def test_files_that_flags_name_fail_their_items():
    assert broken(lambda n: n.files.update({"etc/kubernetes/audit.yaml": AUDIT.replace("Metadata", "None")})) == {"3.2.2"}
    assert broken(lambda n: n.files.update({"etc/kubernetes/audit.yaml": AUDIT.replace("Metadata", "RequestResponse")})) == {"3.2.2"}
    swapped = ENCRYPTION.replace("      - identity: {}\n", "").replace("    providers:\n", "    providers:\n      - identity: {}\n")
    assert broken(lambda n: n.files.update({"etc/kubernetes/encryption.yaml": swapped})) == {"1.2.28"}
    assert broken(lambda n: n.files.update({"etc/kubernetes/encryption.yaml": ENCRYPTION.replace("secrets", "configmaps")})) == {"1.2.28"}
    flannel = '{"cniVersion":"1.0.0","name":"cbr0","plugins":[{"type":"flannel"}]}'
    assert broken(lambda n: n.files.update({"etc/cni/net.d/10-calico.conflist": flannel})) == {"5.3.1"}


# Item, field, value; None: the field is not there.
FIELDS = [
    ("4.2.1", "authentication.anonymous.enabled", True), ("4.2.2", "authorization.mode", "AlwaysAllow"),
    ("4.2.3", "authentication.x509.clientCAFile", None), ("4.2.4", "readOnlyPort", 10255), ("4.2.6", "makeIPTablesUtilChains", False),
    ("4.2.8", "eventRecordQPS", 1), ("4.2.9", "serverTLSBootstrap", None), ("4.2.10", "rotateCertificates", False),
    ("4.2.11", "featureGates", {"RotateKubeletServerCertificate": False}), ("4.2.12", "tlsCipherSuites", None),
    ("4.2.13", "podPidsLimit", None), ("4.2.13", "podPidsLimit", -1), ("4.2.14", "seccompDefault", None), ("4.2.14", "seccompDefault", False),
]


def set_field(config, field, value):
    *folders, last = field.split(".")
    for folder in folders:
        config = config[folder]
    if value is None:
        config.pop(last, None)
    else:
        config[last] = value


def test_fields_of_the_kubelet_fail_their_items():
    for item, field, value in FIELDS:
        assert broken(lambda n: set_field(n.kubelet, field, value)) == {item}, (item, field, value)


def test_kube_proxy_and_the_name_of_the_host():
    assert broken(lambda n: n.proxy.update({"metricsBindAddress": "0.0.0.0:10249"})) == {"4.3.1"}

    def rename(node):
        node.kubelet_flags += " --hostname-override=other"
    assert broken(rename) == {"4.2.7"}


# --- where reading files at their usual places, or flags alone, goes wrong ---

def test_the_configuration_file_is_the_one_on_the_command_line():
    def change(node):
        node.files["opt/kubelet.json"] = json.dumps({**KUBELET, "readOnlyPort": 10255})
        node.kubelet_flags = node.kubelet_flags.replace("/var/lib/kubelet/config.yaml", "/opt/kubelet.json")
    node = Node()
    change(node)
    control = node.controls()["4.2.4"]
    assert control["status"] == "fail" and control["evidence"][-1]["location"].startswith("/opt/kubelet.json:"), control


def test_a_drop_in_outranks_the_file():
    def change(node):
        node.files["etc/kubernetes/kubelet.d/10-port.conf"] = json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "readOnlyPort": 10255})
        node.kubelet_flags += " --config-dir=/etc/kubernetes/kubelet.d"
    assert broken(change) == {"4.2.4"}


def test_a_flag_outranks_the_file():
    def change(node):
        node.kubelet_flags += " --read-only-port=10255"
    assert broken(change) == {"4.2.4"}


def test_being_set_to_false_is_not_being_set():
    assert broken(lambda n: set_field(n.kubelet, "seccompDefault", False)) == {"4.2.14"}


def test_structured_authorization_counts_as_the_flag_does():
    def change(types):
        def apply(node):
            del node.api["authorization-mode"]
            node.api["authorization-config"] = "/etc/kubernetes/authorization.yaml"
            node.files["etc/kubernetes/authorization.yaml"] = json.dumps({
                "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration",
                "authorizers": [{"type": t, "name": t.lower()} for t in types]})
        return apply
    assert broken(change(["Node", "RBAC"])) == set()
    assert broken(change(["RBAC"])) == {"1.2.7"}
    assert broken(change(["AlwaysAllow"])) == {"1.2.6", "1.2.7", "1.2.8"}


def test_structured_authentication_counts_as_the_flag_does():
    def change(conditions):
        def apply(node):
            del node.api["anonymous-auth"]
            node.api["authentication-config"] = "/etc/kubernetes/authentication.yaml"
            node.files["etc/kubernetes/authentication.yaml"] = json.dumps({
                "apiVersion": "apiserver.config.k8s.io/v1beta1", "kind": "AuthenticationConfiguration",
                "anonymous": {"enabled": True, "conditions": [{"path": path} for path in conditions]}})
        return apply
    assert broken(change(["/livez", "/readyz"])) == set()
    assert broken(change(["/livez", "/api"])) == {"1.2.1"}


def test_a_kubelet_without_a_file_has_the_legacy_defaults():
    def change(node):
        node.kubelet_flags = "--kubeconfig=/etc/kubernetes/kubelet.conf"
    failed = broken(change)
    assert {"4.2.1", "4.2.2", "4.2.4"} <= failed, failed


def test_the_user_of_etcd_may_be_unknown_to_the_host():
    node = Node()
    controls = node.controls()
    assert controls["1.1.12"]["status"] == "pass" and controls["1.1.11"]["status"] == "pass"


def etcd_owner(host, container, owner, process):
    """The control 1.1.12 and the owner of etcd's data where it runs as PROCESS in a container; HOST and CONTAINER are lines of /etc/passwd."""
    node = Node()
    with Root() as root:
        node.write(root)
        root.write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n" + host)
        root.process(90, ["etcd", *flags(node.etcd)], uid=process, cgroup="/kubepods/burstable/x")
        if container is not None:
            root.write("proc/90/root/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n" + container)
        os.chown(root.at("var/lib/etcd"), owner, owner)
        r = run("node", "--root", root.path, "--framework", "cis-k8s-1.12", "-o", "json")
        facts = root.facts()
    control = [control for control in r.json["controls"] if control["id"] == "1.1.12"][0]
    owner = facts["etcd"]["dataDirOwner"]
    return control["status"], (owner["uid"], owner["name"], owner["from"], owner["place"]["file"], owner["place"]["line"])


def test_the_user_of_etcd_is_looked_up_in_its_container():
    etcd = "etcd:x:2379:2379::/:/sbin/nologin\n"
    inside = "/proc/90/root/etc/passwd"
    assert etcd_owner("", etcd, 2379, 2379) == ("pass", (2379, "etcd", "container", inside, 2))
    # what the host calls that number is somebody else
    assert etcd_owner("jane:x:2379:2379::/home/jane:/bin/sh\n", etcd, 2379, 2379) == ("pass", (2379, "etcd", "container", inside, 2))
    # an image without that user, or without any passwd: its number
    assert etcd_owner("", "", 2379, 2379)[0] == "pass" and etcd_owner("", "", 2379, 2379)[1][:3] == (2379, "2379", "number")
    assert etcd_owner("", None, 2379, 2379)[0] == "pass" and etcd_owner(etcd, None, 2379, 2379)[1][1:3] == ("2379", "number")
    # the data of another user, whatever its name in the container
    assert etcd_owner("", "etcd:x:1001:1001::/:/bin/sh\n", 1001, 2379) == ("fail", (1001, "etcd", "container", inside, 2))
    # both root: etcd has no user of its own
    assert etcd_owner("", etcd, 0, 0) == ("fail", (0, "root", "container", inside, 1))


def test_a_hostile_passwd_in_the_container_of_etcd_is_bounded():
    assert etcd_owner("", "x:" * 100000 + "\n" + ":::::\n" * 1000 + "etcd:x:2379:2379::/:/bin/sh\n", 2379, 2379)[1][1] == "etcd"
    assert etcd_owner("", "etcd:x:2380:1::/:/bin/sh\n" * 200000 + "etcd:x:2379:2379::/:/bin/sh\n", 2379, 2379)[1][1:3] == ("2379", "number")


def test_a_worker_has_no_control_plane():
    with Root() as root:
        root.init()
        root.kubelet_unit()
        root.write("var/lib/kubelet/config.yaml", json.dumps(KUBELET), 0o600)
        r = run("node", "--root", root.path, "--framework", "cis-k8s-1.12", "-o", "json")
    controls = {control["id"]: control["status"] for control in r.json["controls"]}
    assert controls["1.2.1"] == controls["2.2"] == controls["1.1.11"] == "notApplicable" and controls["4.2.1"] == "pass"


def test_what_cannot_be_read_is_not_judged():
    node = Node()
    node.kubelet_flags = node.kubelet_flags.replace("config.yaml", "missing.yaml")
    controls = node.controls()
    assert controls["4.2.1"]["status"] == "notJudged" and "missing.yaml" in controls["4.2.1"]["reason"], controls["4.2.1"]


main()
