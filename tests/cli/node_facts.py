#!/usr/bin/env python3
"""The facts of a node: fake roots of every layout, hardened and broken, field by field against what was written there."""
from node_roots import *
from lib import *

CONFIG_FILE = "/var/lib/kubelet/config.yaml"
ENV_FILE = "/var/lib/kubelet/kubeadm-flags.env"


def at(facts, path):
    for part in path.split("."):
        facts = facts[part]
    return facts


def setting(facts, path, value, source=None, file=None, line=None):
    """The setting at PATH has VALUE, decided by SOURCE, at FILE:LINE."""
    fact = at(facts, path)
    assert "value" in fact, (path, fact)
    assert fact["value"] == value and type(fact["value"]) is type(value), (path, fact)
    assert source is None or fact["source"] == source, (path, fact)
    assert file is None or fact["place"]["file"] == file, (path, fact)
    assert line is None or fact["place"]["line"] == line, (path, fact)


def settings(facts, prefix, **values):
    for name, value in values.items():
        setting(facts, f"{prefix}.{name}", value)


# --- kubeadm ---

def test_kubeadm_1_29_to_1_36():
    for minor in range(29, 37):
        with Root() as root:
            root.kubeadm(minor)
            facts = root.facts()
        assert facts["layout"] == "kubeadm" and facts["metadata"]["name"] == "node-1"
        assert facts["roles"] == {"controlPlane": True, "etcd": True, "worker": True}
        assert facts["kubernetes"]["minor"] == minor
        setting(facts, "kubernetes.version", f"v1.{minor}.2", "config", "/etc/kubernetes/manifests/kube-apiserver.yaml")
        assert facts["gaps"] == [], facts["gaps"]
        config = facts["kubelet"]["config"]
        setting(config, "authentication.anonymous.enabled", False, "config", CONFIG_FILE, 5)
        setting(config, "authentication.x509.clientCAFile", "/etc/kubernetes/pki/ca.crt", "config", CONFIG_FILE, 9)
        setting(config, "authorization.mode", "Webhook", "config", CONFIG_FILE, 11)
        setting(config, "readOnlyPort", 0, "default", CONFIG_FILE, 1)
        setting(config, "streamingConnectionIdleTimeout", 14400, "default")
        setting(config, "containerRuntimeEndpoint", "unix:///run/containerd/containerd.sock", "flag", ENV_FILE, 1)
        setting(config, "seccompDefault", False, "default")
        # what came or changed between these versions (pkg/kubelet/apis/config/v1beta1, pkg/features)
        assert ("failCgroupV1" in config) == (minor >= 31)
        if minor >= 31:
            setting(config, "failCgroupV1", minor >= 35, "default")
        assert ("imagePullCredentialsVerificationPolicy" in config) == (minor >= 33)
        if minor >= 33:
            setting(config, "imagePullCredentialsVerificationPolicy", "NeverVerifyPreloadedImages" if minor >= 35 else "", "default")
        assert ("podLogsDir" in config) == (minor >= 30)
        kubelet = facts["kubelet"]
        assert kubelet["legacyDefaults"] is False and kubelet["from"] == "systemd"
        assert kubelet["serverCertificate"] == "self-signed"
        assert kubelet["unit"]["path"] == "/usr/lib/systemd/system/kubelet.service"
        assert [f["path"] for f in kubelet["unitDropIns"]] == ["/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"]
        setting(kubelet, "settings.kubeconfig", "/etc/kubernetes/kubelet.conf", "flag",
                "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", 2)
        assert kubelet["staticPods"]["exists"] is True
        api = facts["apiServer"]
        assert api["present"] and not api["running"] and api["from"] == "static-pod"
        assert api["manifest"]["modeText"] == "0600" and api["manifest"]["mode"] == 0o600 and api["manifest"]["access"] == "rw-------"
        setting(api, "settings.authorizationMode", ["Node", "RBAC"], "flag", "/etc/kubernetes/manifests/kube-apiserver.yaml", 13)
        setting(api, "settings.anonymousAuth", True, "default")
        setting(api, "settings.profiling", True, "default")
        setting(api, "settings.requestTimeout", 60, "default")
        setting(api, "authorization.modes", ["Node", "RBAC"], "flag")
        setting(api, "authentication.anonymous", True, "default")
        assert "NodeRestriction" in api["admission"]["enabled"]["value"]
        assert ("MutatingAdmissionPolicy" in api["admission"]["enabled"]["value"]) == (minor >= 32)
        assert api["audit"]["backends"] == [] and all(r["level"] == "None" for r in api["audit"]["requests"])
        assert api["encryption"]["resources"][0]["provider"] == "identity" and not api["encryption"]["resources"][0]["encrypted"]
        settings(facts, "controllerManager.settings", bindAddress="127.0.0.1", profiling=True, useServiceAccountCredentials=True,
                 terminatedPodGCThreshold=12500, rotateKubeletServerCertificate=True, rootCAFile="/etc/kubernetes/pki/ca.crt")
        settings(facts, "scheduler.settings", bindAddress="127.0.0.1", profiling=True, leaderElect=True)
        settings(facts, "etcd.settings", clientCertAuth=True, autoTLS=False, peerClientCertAuth=False, peerAutoTLS=False,
                 certFile="/etc/kubernetes/pki/etcd/server.crt", dataDir="/var/lib/etcd")
        assert facts["etcd"]["dataDirFile"]["modeText"] == "0700"


def test_kubeadm_hardened():
    hardened = KUBELET + """readOnlyPort: 0
protectKernelDefaults: true
seccompDefault: true
podPidsLimit: 4096
eventRecordQPS: 10
serverTLSBootstrap: true
tlsMinVersion: VersionTLS12
tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]
streamingConnectionIdleTimeout: 5m
featureGates: {UserNamespacesSupport: true, Other: false}
enableProfilingHandler: false
"""
    api = {**API_FLAGS, "anonymous-auth": "false", "profiling": "false", "audit-log-path": "/var/log/audit.log",
           "audit-log-maxage": "30", "encryption-provider-config": "/etc/kubernetes/enc.yaml", "audit-policy-file": "/etc/kubernetes/audit.yaml",
           "service-account-extend-token-expiration": "false", "tls-cipher-suites": "A,B"}
    with Root() as root:
        root.kubeadm(34, hardened, " --feature-gates=Other=true,Third=true", api)
        root.write("etc/kubernetes/enc.yaml", """apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox: {keys: [{name: k1, secret: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]}
  - identity: {}
- resources: ['*.apps', deployments.apps]
  providers: [{identity: {}}]
- resources: ['*.*']
  providers: [{kms: {apiVersion: v2, name: vault, endpoint: 'unix:///run/kms.sock'}}]
""", 0o600)
        root.write("etc/kubernetes/audit.yaml", """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:kube-proxy"]
- level: None
  resources: [{group: "", resources: ["pods/portforward", "*/attach"]}]
- level: RequestResponse
  resources: [{group: "", resources: [secrets]}]
- level: Metadata
  resources: [{group: "", resources: ["pods/*"]}]
- level: Request
  verbs: [create, update]
""")
        facts = root.facts()
        text = json.dumps(facts)
    config = facts["kubelet"]["config"]
    for name, value in dict(protectKernelDefaults=True, seccompDefault=True, podPidsLimit=4096, eventRecordQPS=10, serverTLSBootstrap=True,
                            tlsMinVersion="VersionTLS12", tlsCipherSuites=["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"],
                            streamingConnectionIdleTimeout=300, enableProfilingHandler=False).items():
        setting(config, name, value, "config", CONFIG_FILE)
    # gates of flags are laid over those of the file
    setting(config, "featureGates", {"UserNamespacesSupport": True, "Other": True, "Third": True}, "flag", ENV_FILE)
    assert facts["kubelet"]["serverCertificate"] == "rotated"
    api = facts["apiServer"]
    setting(api, "settings.auditLogMaxAge", 30, "flag")
    setting(api, "settings.auditLogMaxBackup", 0, "default")
    setting(api, "settings.tlsCipherSuites", ["A", "B"], "flag")
    setting(api, "settings.serviceAccountExtendTokenExpiration", False, "flag")
    encryption = {r["resource"]: r for r in api["encryption"]["resources"]}
    assert list(encryption) == ["secrets", "configmaps", "deployments.apps"]
    assert encryption["secrets"]["provider"] == "secretbox" and encryption["secrets"]["keyBits"] == [256]
    assert encryption["secrets"]["plaintextReadable"] is True and encryption["secrets"]["place"]["line"] == 6
    assert encryption["configmaps"]["provider"] == "kms" and encryption["configmaps"]["kmsVersion"] == "v2"
    assert encryption["configmaps"]["plaintextReadable"] is False
    assert encryption["deployments.apps"]["encrypted"] is False
    assert "MDEyMzQ1" not in text  # no key is a fact
    audit = {r["id"]: r for r in api["audit"]["requests"]}
    assert api["audit"]["backends"] == ["log"] and api["audit"]["rules"] == 5
    for name, level, rule in (("secrets-read", "RequestResponse", 3), ("portforward", "None", 2), ("attach", "None", 2),
                              ("exec", "Metadata", 4), ("pods-create", "Metadata", 4), ("configmaps-write", "Request", 5),
                              ("nodes-proxy", "None", 0), ("pods-delete", "Metadata", 4),  # "pods/*" is pods as well (ruleMatchesResource)
                              ("nodes-write", "None", 0), ("clusterrolebindings-write", "Request", 5)):
        assert (audit[name]["level"], audit[name]["rule"]) == (level, rule), audit[name]
    assert audit["secrets-read"]["exposed"] and audit["configmaps-write"]["exposed"] and not audit["exec"]["exposed"]
    assert audit["exec"]["enough"] and not audit["attach"]["enough"]


def test_kubeadm_broken():
    broken = KUBELET.replace("anonymous:\n    enabled: false", "anonymous:\n    enabled: true").replace("Webhook", "AlwaysAllow") + \
        "readOnlyPort: 10255\nstreamingConnectionIdleTimeout: 0s\npodPidsLimit: -5\nseccompDefault: false\n"
    with Root() as root:
        root.kubeadm(33, broken, " --streaming-connection-idle-timeout=0", {**API_FLAGS, "authorization-mode": "AlwaysAllow"})
        root.etcd(**{"client-cert-auth": "false", "auto-tls": "true", "listen-client-urls": "http://0.0.0.0:2379"})
        os.chmod(root.at("etc/kubernetes/manifests/kube-apiserver.yaml"), 0o666)
        os.chmod(root.at("var/lib/etcd"), 0o755)
        facts = root.facts()
    config = facts["kubelet"]["config"]
    setting(config, "authentication.anonymous.enabled", True, "config")
    setting(config, "authorization.mode", "AlwaysAllow", "config")
    setting(config, "readOnlyPort", 10255, "config", CONFIG_FILE, 14)
    setting(config, "streamingConnectionIdleTimeout", 0, "flag", ENV_FILE)  # a zero in the file would be the default of 4 h
    setting(config, "podPidsLimit", -1, "config")
    setting(config, "seccompDefault", False, "config")
    assert facts["apiServer"]["manifest"]["access"] == "rw-rw-rw-"
    # with AlwaysAllow the server takes nobody as anonymous
    setting(facts, "apiServer.authentication.anonymous", False)
    settings(facts, "etcd.settings", clientCertAuth=False, autoTLS=True, listenClientURLs=["http://0.0.0.0:2379"])
    assert facts["etcd"]["dataDirFile"]["modeText"] == "0755"


def test_a_zero_in_the_file_is_the_default():
    with Root() as root:
        root.kubeadm(33, KUBELET + "streamingConnectionIdleTimeout: 0s\nport: 0\neventBurst: 0\neventRecordQPS: 0\nhealthzPort: 0\n")
        config = root.facts()["kubelet"]["config"]
    setting(config, "streamingConnectionIdleTimeout", 14400, "default")
    setting(config, "port", 10250, "default")
    setting(config, "eventBurst", 100, "default")
    setting(config, "eventRecordQPS", 0, "config")  # pointers keep their zero
    setting(config, "healthzPort", 0, "config")


# --- where the kubelet's configuration is ---

def test_the_file_on_the_command_line_is_read():
    with Root() as root:
        root.kubelet_unit("[Service]\nExecStart=\nExecStart=/opt/bin/kubelet --config /etc/somewhere/else.conf \\\n  --v=2\n")
        root.write("var/lib/kubelet/config.yaml", KUBELET.replace("Webhook", "AlwaysAllow"))
        root.write("etc/somewhere/else.conf", KUBELET + "tlsCertFile: certs/kubelet.crt\n")
        kubelet = root.facts()["kubelet"]
    setting(kubelet, "config.authorization.mode", "Webhook", "config", "/etc/somewhere/else.conf")
    setting(kubelet, "config.tlsCertFile", "/etc/somewhere/certs/kubelet.crt")  # relative to the file
    setting(kubelet, "config.logging.verbosity", 2, "flag", "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", 3)
    assert kubelet["serverCertificate"] == "given"


def test_legacy_defaults_without_a_file():
    with Root() as root:
        root.kubelet_unit("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --kubeconfig=/etc/k.conf --read-only-port=0\n")
        kubelet = root.facts()["kubelet"]
    assert kubelet["legacyDefaults"] is True
    setting(kubelet, "config.authentication.anonymous.enabled", True, "default")
    setting(kubelet, "config.authentication.webhook.enabled", False, "default")
    setting(kubelet, "config.authorization.mode", "AlwaysAllow", "default")
    setting(kubelet, "config.readOnlyPort", 0, "flag")
    with Root() as root:
        root.kubelet_unit("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --kubeconfig=/etc/k.conf\n")
        setting(root.facts(), "kubelet.config.readOnlyPort", 10255, "default")


def test_drop_ins_are_merged_in_order():
    with Root() as root:
        root.kubelet_unit("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --config=/k.yaml --config-dir=/k.d --max-pods=50\n")
        root.write("k.yaml", KUBELET + "maxPods: 10\nclusterDNS: [10.0.0.10, 10.0.0.11]\nevictionHard: {memory.available: 1Mi, nodefs.available: 5%}\n")
        head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
        root.write("k.d/20-later.conf", head + "readOnlyPort: 10255\nclusterDNS: [10.9.9.9]\n")
        root.write("k.d/10-first.conf", head + "readOnlyPort: 10256\nevictionHard: {memory.available: 2Mi}\nauthentication: {anonymous: {enabled: true}}\n")
        root.write("k.d/sub/05.conf", head + "registryBurst: 77\n")
        root.write("k.d/30-ignored.yaml", head + "readOnlyPort: 1\n")
        root.write("k.d/40-null.conf", head + "rotateCertificates: null\n")
        kubelet = root.facts()["kubelet"]
    config = kubelet["config"]
    setting(config, "readOnlyPort", 10255, "drop-in", "/k.d/20-later.conf", 3)
    setting(config, "authentication.anonymous.enabled", True, "drop-in", "/k.d/10-first.conf", 5)
    setting(config, "authentication.webhook.enabled", True, "config", "/k.yaml")
    setting(config, "clusterDNS", ["10.9.9.9"], "drop-in")  # lists are replaced, maps merged
    setting(config, "evictionHard", {"memory.available": "2Mi", "nodefs.available": "5%"}, "drop-in")
    setting(config, "maxPods", 50, "flag")
    setting(config, "registryBurst", 77, "drop-in", "/k.d/sub/05.conf")
    setting(config, "rotateCertificates", False, "default")  # null takes it away
    assert [f["path"] for f in kubelet["configFiles"]] == ["/k.yaml", "/k.d/10-first.conf", "/k.d/20-later.conf", "/k.d/40-null.conf", "/k.d/sub/05.conf"]


def test_drop_ins_without_a_file_keep_legacy_defaults():
    with Root() as root:
        root.kubelet_unit("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --config-dir=/k.d\n")
        root.write("k.d/10.conf", "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nreadOnlyPort: 1234\n")
        kubelet = root.facts()["kubelet"]
    setting(kubelet, "config.authorization.mode", "AlwaysAllow", "default")
    setting(kubelet, "config.readOnlyPort", 1234, "drop-in")


def test_flags_in_the_environment_file():
    with Root() as root:
        root.kubelet_unit("[Service]\nEnvironment=\"A=--anonymous-auth\" 'B=--port 1'\nEnvironmentFile=-/etc/default/kubelet\nEnvironmentFile=-/missing\n"
                          "ExecStart=\nExecStart=/usr/bin/kubelet $A --hostname-override=${NAME} $EXTRA $NOTHING\n")
        root.write("etc/default/kubelet", "# comment\nNAME=node-7\n\nEXTRA=\"--read_only_port=10255 --tls-min-version 'VersionTLS13'\"\n")
        kubelet = root.facts()["kubelet"]
    setting(kubelet, "config.authentication.anonymous.enabled", True, "flag", "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", 2)
    setting(kubelet, "config.readOnlyPort", 10255, "flag", "/etc/default/kubelet", 4)
    setting(kubelet, "config.tlsMinVersion", "VersionTLS13", "flag", "/etc/default/kubelet", 4)
    setting(kubelet, "settings.hostnameOverride", "node-7", "flag", "/etc/default/kubelet", 2)


def test_the_process_wins_over_the_unit():
    with Root() as root:
        root.init()
        root.kubelet_unit("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --config=/k.yaml --max-pods=50\n")
        root.write("k.yaml", KUBELET)
        root.process(700, ["/usr/bin/kubelet", "--config=/k.yaml", "--max-pods=60"])
        kubelet = root.facts()["kubelet"]
    assert kubelet["running"] and kubelet["process"]["pid"] == 700 and kubelet["process"]["user"] == "root"
    setting(kubelet, "config.maxPods", 60, "flag", "/proc/700/cmdline", 1)
    setting(kubelet, "settings.config", "/k.yaml", "flag", "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", 3)


def test_a_manifest_and_its_process_that_differ():
    with Root() as root:
        root.init()
        root.kubeadm(33)
        root.process(800, ["kube-apiserver", *flags({**API_FLAGS, "anonymous-auth": "true", "secure-port": "1234"})], cgroup="/kubepods.slice/x")
        api = root.facts()["apiServer"]
    assert api["running"] and api["from"] == "static-pod"
    setting(api, "settings.securePort", 6443, "flag")
    assert {(d["flag"], d["inManifest"], d["inProcess"]) for d in api["drifted"]} == \
        {("secure-port", True, True), ("anonymous-auth", False, True)}, api["drifted"]


# --- structured files of the API server ---

def test_issuers_of_tokens():
    with Root() as root:
        root.kubeadm(34, api={**API_FLAGS, "authentication-config": "/etc/kubernetes/authn.yaml"})
        root.write("etc/kubernetes/authn.yaml", """apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: https://one.example
    audiences: [a, b]
    audienceMatchPolicy: MatchAny
    certificateAuthority: |
      -----BEGIN CERTIFICATE-----
  claimValidationRules:
  - claim: hd
    requiredValue: example.com
  claimMappings:
    username: {claim: sub, prefix: "one:"}
  userValidationRules:
  - {expression: "!user.username.startsWith('system:')", message: no}
  - {expression: "true"}
- issuer:
    url: https://two.example
    discoveryURL: https://inner.example/.well-known/openid-configuration
    audiences: [c]
  claimMappings:
    username: {expression: claims.sub}
anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}]}
""", 0o600)
        authentication = root.facts()["apiServer"]["authentication"]
    one, two = authentication["issuers"]
    assert (one["url"], one["audiences"], one["discoveryURL"], one["hasCA"]) == ("https://one.example", ["a", "b"], "", True)
    assert (one["userValidationRules"], one["claimValidationRules"], one["usernamePrefix"], one["usernameExpression"]) == (2, 1, "one:", "")
    assert one["place"] == {"file": "/etc/kubernetes/authn.yaml", "line": 4, "column": 3}, one["place"]
    assert (two["url"], two["audiences"], two["hasCA"], two["usernameExpression"]) == ("https://two.example", ["c"], False, "claims.sub")
    assert two["discoveryURL"] == "https://inner.example/.well-known/openid-configuration" and two["place"]["line"] == 18
    assert (two["userValidationRules"], two["claimValidationRules"]) == (0, 0)
    setting(authentication, "anonymous", True, "config", "/etc/kubernetes/authn.yaml", 24)
    setting(authentication, "anonymousPaths", ["/livez", "/readyz"], "config")


def pod_security(configuration, files=()):
    with Root() as root:
        root.kubeadm(34, api={**API_FLAGS, "admission-control-config-file": "/etc/kubernetes/admission.yaml"})
        root.write("etc/kubernetes/admission.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: PodSecurity\n  " + configuration, 0o600)
        for path, text in files:
            root.write(path, text, 0o600)
        plugins = root.facts()["apiServer"]["admission"]["plugins"]
    return [p for p in plugins if p["name"] == "PodSecurity"][0]


def test_what_pod_security_enforces_where_namespaces_say_nothing():
    one = pod_security("configuration: {apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration, "
                       "defaults: {enforce: baseline, enforce-version: v1.34, audit: restricted}, exemptions: {namespaces: [kube-system], usernames: [root]}}\n")
    assert (one["enforce"], one["enforceVersion"], one["audit"], one["warn"]) == ("baseline", "v1.34", "restricted", "privileged")
    assert (one["exemptNamespaces"], one["exemptUsernames"], one["exemptRuntimeClasses"]) == (["kube-system"], ["root"], [])
    # in a file of its own, beside the first
    one = pod_security("path: psa.yaml\n", [("etc/kubernetes/psa.yaml", "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n"
                                            "defaults:\n  enforce: restricted\n")])
    assert one["path"] == "/etc/kubernetes/psa.yaml" and one["file"]["exists"]
    assert (one["enforce"], one["enforceVersion"], one["audit"], one["warn"]) == ("restricted", "latest", "privileged", "privileged")
    # without defaults (pod-security-admission, api/v1/defaults.go)
    one = pod_security("configuration: {apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration}\n")
    assert (one["enforce"], one["enforceVersion"], one["audit"], one["warn"]) == ("privileged", "latest", "privileged", "privileged")


# --- other layouts ---

def k3s(root, config, unit="k3s.service", command="server"):
    root.write(f"etc/systemd/system/{unit}", f"[Service]\nExecStart=/usr/local/bin/k3s \\\n    {command} \\\n\t'--kube-apiserver-arg=audit-log-path=/a.log' \\\n")
    root.write("etc/rancher/k3s/config.yaml", config, 0o600)
    root.folder("var/lib/rancher/k3s")


def test_k3s_hardened():
    with Root() as root:
        k3s(root, "protect-kernel-defaults: true\nsecrets-encryption: true\ntoken: s3cret-token\nkubelet-arg:\n  - pod-max-pids=100\n  - seccomp-default=true\n"
                  "kube-apiserver-arg: ['audit-log-maxage=30']\nkube-controller-manager-arg: terminated-pod-gc-threshold=10\n")
        root.write("etc/rancher/k3s/config.yaml.d/90.yaml", "kubelet-arg+: [event-qps=5]\n")
        facts = root.facts()
    assert facts["layout"] == "k3s" and facts["apiServer"]["from"] == "embedded" and facts["kubelet"]["from"] == "embedded"
    assert facts["roles"]["controlPlane"] and facts["roles"]["worker"] and not facts["etcd"]["present"]
    settings(facts, "kubelet.config", protectKernelDefaults=True, podPidsLimit=100, seccompDefault=True, readOnlyPort=0, eventRecordQPS=5)
    setting(facts, "kubelet.config.podPidsLimit", 100, "config", "/etc/rancher/k3s/config.yaml", 5)
    setting(facts, "kubelet.config.eventRecordQPS", 5, "config", "/etc/rancher/k3s/config.yaml.d/90.yaml", 1)
    setting(facts, "kubelet.config.authentication.anonymous.enabled", False, "default")
    setting(facts, "kubelet.config.authorization.mode", "Webhook", "default")
    settings(facts, "apiServer.settings", anonymousAuth=False, authorizationMode=["Node", "RBAC"], profiling=False, auditLogMaxAge=30,
             auditLogPath="/a.log", encryptionProviderConfig="/var/lib/rancher/k3s/server/cred/encryption-config.json")
    setting(facts, "apiServer.settings.auditLogPath", "/a.log", "flag", "/etc/systemd/system/k3s.service", 2)
    settings(facts, "controllerManager.settings", terminatedPodGCThreshold=10, bindAddress="127.0.0.1", profiling=False)
    assert "s3cret" not in json.dumps(facts)


def test_k3s_broken():
    with Root() as root:
        k3s(root, "kubelet-arg: [anonymous-auth=true, authorization-mode=AlwaysAllow]\nkube-apiserver-arg: [anonymous-auth=true]\n")
        facts = root.facts()
    setting(facts, "kubelet.config.authentication.anonymous.enabled", True, "config", "/etc/rancher/k3s/config.yaml", 1)
    setting(facts, "kubelet.config.authorization.mode", "AlwaysAllow", "config")
    setting(facts, "apiServer.settings.anonymousAuth", True, "config", "/etc/rancher/k3s/config.yaml", 2)


def test_k3s_agent_has_no_control_plane():
    with Root() as root:
        k3s(root, "{}\n", "k3s-agent.service", "agent")
        facts = root.facts()
    assert facts["kubelet"]["present"] and not facts["apiServer"]["present"] and not facts["scheduler"]["present"]


def test_k3s_with_embedded_etcd():
    with Root() as root:
        k3s(root, "cluster-init: true\n")
        root.write("var/lib/rancher/k3s/server/db/etcd/config", "client-transport-security:\n  client-cert-auth: true\n  cert-file: /c.crt\n  trusted-ca-file: /ca.crt\n"
                   "data-dir: /var/lib/rancher/k3s/server/db/etcd\nlisten-client-urls: https://127.0.0.1:2379\npeer-transport-security:\n  client-cert-auth: true\n", 0o600)
        etcd = root.facts()["etcd"]
    settings(etcd, "settings", clientCertAuth=True, peerClientCertAuth=True, certFile="/c.crt", listenClientURLs=["https://127.0.0.1:2379"], autoTLS=False)
    setting(etcd, "settings.clientCertAuth", True, "config", "/var/lib/rancher/k3s/server/db/etcd/config", 2)


def rke2(root, api, kubelet_words):
    root.init()
    root.folder("var/lib/rancher/rke2")
    root.write("etc/rancher/rke2/config.yaml", "profile: cis\n", 0o600)
    root.control_plane("v1.33.4-rke2r1", "var/lib/rancher/rke2/agent/pod-manifests", api)
    root.process(500, ["kubelet", "--pod-manifest-path=/var/lib/rancher/rke2/agent/pod-manifests", *kubelet_words])


def test_rke2_hardened_and_broken():
    with Root() as root:
        rke2(root, {**API_FLAGS, "anonymous-auth": "false"}, ["--anonymous-auth=false", "--authorization-mode=Webhook", "--read-only-port=0",
                                                             "--protect-kernel-defaults=true"])
        facts = root.facts()
    assert facts["layout"] == "rke2" and facts["kubernetes"]["minor"] == 33
    setting(facts, "apiServer.settings.anonymousAuth", False, "flag", "/var/lib/rancher/rke2/agent/pod-manifests/kube-apiserver.yaml")
    setting(facts, "kubelet.config.staticPodPath", "/var/lib/rancher/rke2/agent/pod-manifests", "flag")
    setting(facts, "kubelet.config.readOnlyPort", 0, "flag", "/proc/500/cmdline")
    with Root() as root:
        rke2(root, {**API_FLAGS, "authorization-mode": "RBAC"}, [])
        facts = root.facts()
    setting(facts, "kubelet.config.readOnlyPort", 10255, "default")
    setting(facts, "apiServer.authorization.modes", ["RBAC"])


def test_kind():
    with Root() as root:
        root.write("kind/version", "v1.34.0\n")
        root.folder("kind/manifests")
        root.kubeadm(34)
        os.remove(root.at("etc/kubernetes/manifests/kube-apiserver.yaml"))
        os.remove(root.at("etc/kubernetes/manifests/kube-controller-manager.yaml"))
        facts = root.facts()
    assert facts["layout"] == "kind"
    setting(facts, "kubernetes.version", "v1.34.0", "config", "/kind/version", 1)
    assert not facts["apiServer"]["present"] and facts["scheduler"]["present"]


def test_kops():
    with Root() as root:
        root.folder("opt/kops")
        root.control_plane("v1.32.1", "etc/kubernetes/manifests", {**API_FLAGS, "anonymous-auth": "false"}, ".manifest", "/usr/local/bin/")
        path = root.at("etc/kubernetes/manifests/kube-apiserver.manifest")
        text = open(path).read().replace("    command:\n", "    command:\n    - /go-runner\n    - --log-file=/var/log/kube-apiserver.log\n    - --also-stdout\n")
        open(path, "w").write(text)
        root.write("etc/sysconfig/kubelet", 'DAEMON_ARGS="--authentication-token-webhook=true --config=/var/lib/kubelet/kubelet.conf"\nHOME="/root"\n')
        root.kubelet_unit(None)
        root.write("lib/systemd/system/kubelet.service", "[Service]\nEnvironmentFile=/etc/sysconfig/kubelet\nExecStart=/usr/local/bin/kubelet \"$DAEMON_OPTS\" $DAEMON_ARGS\n")
        os.remove(root.at("usr/lib/systemd/system/kubelet.service"))
        root.write("var/lib/kubelet/kubelet.conf", KUBELET)
        facts = root.facts()
    assert facts["layout"] == "kops"
    setting(facts, "apiServer.settings.anonymousAuth", False, "flag", "/etc/kubernetes/manifests/kube-apiserver.manifest")
    assert "log-file" not in facts["apiServer"]["flags"]
    setting(facts, "kubelet.config.authorization.mode", "Webhook", "config", "/var/lib/kubelet/kubelet.conf")


def test_talos():
    with Root() as root:
        root.write("etc/os-release", 'NAME="Talos"\nID=talos\nVERSION_ID=v1.9.0\n')
        root.init()
        root.write("etc/kubernetes/kubelet.yaml", KUBELET)
        root.process(900, ["/usr/local/bin/kubelet", "--config=/etc/kubernetes/kubelet.yaml"], cgroup="/podruntime/kubelet")
        root.process(901, ["/go-runner", "/usr/local/bin/kube-apiserver", "--anonymous-auth=false"], cgroup="/kubepods/a")
        root.process(902, ["/usr/local/bin/kube-apiserver", "--anonymous-auth=false", "--authorization-config=/cfg/a.yaml"], cgroup="/kubepods/a")
        root.write("cfg/a.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n- {type: Node, name: node}\n- {type: RBAC, name: rbac}\n")
        facts = root.facts()
    assert facts["layout"] == "talos" and facts["kubelet"]["from"] == "process"
    setting(facts, "apiServer.settings.anonymousAuth", False, "flag", "/proc/902/cmdline")
    setting(facts, "apiServer.authorization.modes", ["Node", "RBAC"], "config", "/cfg/a.yaml", 4)


def test_microk8s():
    with Root() as root:
        args = "var/snap/microk8s/current/args"
        root.write(f"{args}/kube-apiserver", "--cert-dir=${SNAP_DATA}/certs\n--authorization-mode=RBAC,Node\n--client-ca-file=${SNAP_DATA}/certs/ca.crt\n\n# --x\n")
        root.write(f"{args}/kubelet", "--kubeconfig=${SNAP_DATA}/credentials/kubelet.config\n--anonymous-auth=false\n--root-dir=${SNAP_COMMON}/var/lib/kubelet\n")
        facts = root.facts()
    assert facts["layout"] == "microk8s" and facts["apiServer"]["from"] == "embedded"
    setting(facts, "apiServer.settings.clientCAFile", "/var/snap/microk8s/current/certs/ca.crt", "flag", "/var/snap/microk8s/current/args/kube-apiserver", 3)
    setting(facts, "kubelet.config.authentication.anonymous.enabled", False, "flag", "/var/snap/microk8s/current/args/kubelet", 2)
    setting(facts, "kubelet.config.authorization.mode", "AlwaysAllow", "default")


def test_plain_units():
    with Root() as root:
        root.write("etc/systemd/system/kube-apiserver.service", "[Service]\nExecStart=/opt/kube/kube-apiserver \\\n  --anonymous-auth=false \\\n  --token-auth-file=/etc/tokens.csv\n")
        root.write("etc/systemd/system/etcd.service", "[Service]\nEnvironmentFile=/etc/etcd.env\nExecStart=/usr/bin/etcd\n")
        root.write("etc/etcd.env", "ETCD_CLIENT_CERT_AUTH=true\nETCD_LISTEN_CLIENT_URLS=https://10.0.0.1:2379,https://127.0.0.1:2379\nETCD_DATA_DIR=/data/etcd\n")
        root.write("etc/tokens.csv", "secrettoken,user,uid\n", 0o644)
        facts = root.facts()
    assert facts["layout"] == "plain"
    setting(facts, "apiServer.settings.tokenAuthFile", "/etc/tokens.csv", "flag", "/etc/systemd/system/kube-apiserver.service", 2)
    assert [f["path"] for f in facts["apiServer"]["files"]] == ["/etc/tokens.csv"]
    setting(facts, "etcd.settings.clientCertAuth", True, "environment", "/etc/etcd.env", 1)
    setting(facts, "etcd.settings.listenClientURLs", ["https://10.0.0.1:2379", "https://127.0.0.1:2379"], "environment", "/etc/etcd.env", 2)
    assert "secrettoken" not in json.dumps(facts)


def test_etcd_reads_only_its_file_when_it_has_one():
    with Root() as root:
        root.write("etc/systemd/system/etcd.service", "[Service]\nEnvironment=ETCD_AUTO_TLS=true\nExecStart=/usr/bin/etcd --config-file=/e.yml --client-cert-auth\n")
        root.write("e.yml", "client-transport-security:\n  cert-file: /c\n")
        etcd = root.facts()["etcd"]
    settings(etcd, "settings", clientCertAuth=False, autoTLS=False, certFile="/c")


def test_nothing_of_kubernetes():
    with Root() as root:
        facts = root.facts()
    assert facts["layout"] == "none" and facts["roles"] == {"controlPlane": False, "etcd": False, "worker": False}
    for name in ("kubelet", "apiServer", "controllerManager", "scheduler", "etcd", "kubeProxy"):
        assert facts[name] == {"present": False}


def test_kube_proxy():
    with Root() as root:
        root.init()
        root.process(77, ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf"], cgroup="/kubepods/besteffort/x")
        inside = "proc/77/root"
        root.write(inside + "/var/lib/kube-proxy/config.conf", "kind: KubeProxyConfiguration\nmetricsBindAddress: 0.0.0.0:10249\nmode: nftables\n")
        root.write("var/lib/kube-proxy/config.conf", "kind: KubeProxyConfiguration\nmode: wrong\n")
        proxy = root.facts()["kubeProxy"]
    assert proxy["from"] == "daemonset"
    settings(proxy, "config", metricsBindAddress="0.0.0.0:10249", mode="nftables", healthzBindAddress="0.0.0.0:10256")


def test_certificates():
    with Root() as root:
        root.kubeadm(33)
        certificate(root.at("etc/kubernetes/pki"), "apiserver", 100, 2048, "DNS:kubernetes,IP:10.96.0.1")
        certificate(root.at("etc/kubernetes/pki"), "weak", 1, 1024)
        facts = root.facts()
    found = {c["subject"]["commonName"]: c for c in facts["pki"]["certificates"]}
    one = found["apiserver"]
    assert one["dns"] == ["kubernetes"] and one["ips"] == ["10.96.0.1"] and one["keyAlgorithm"] == "RSA" and one["keyBits"] == 2048
    assert one["daysLeft"] in (99, 100) and one["selfSigned"] and one["subject"]["organizations"] == ["test"]
    assert found["weak"]["keyBits"] == 1024
    assert [c["purpose"] for c in facts["apiServer"]["certificates"]] == ["tls-cert-file"]
    keys = {k["path"]: k for k in facts["pki"]["keys"]}
    assert keys["/etc/kubernetes/pki/apiserver.key"]["kind"] == "PRIVATE KEY" and not keys["/etc/kubernetes/pki/apiserver.key"]["encrypted"]
    assert keys["/etc/kubernetes/pki/apiserver.key"]["file"]["modeText"] == "0600"
    assert "MII" not in json.dumps(facts)  # neither keys nor certificates are copied


def test_kubeconfigs_hold_no_secret_in_facts():
    with Root() as root:
        root.write("home/me/.kube/config", """apiVersion: v1
kind: Config
current-context: c
clusters: [{name: k, cluster: {server: "https://10.0.0.1:6443", insecure-skip-tls-verify: true}}]
contexts: [{name: c, context: {cluster: k, user: u}}]
users: [{name: u, user: {token: very-secret-token, client-key-data: c2VjcmV0LWtleQ==, password: pass-word}}]
""", 0o644)
        facts = root.facts()
    config = next(c for c in facts["pki"]["kubeconfigs"] if c["name"] == "me")
    assert config["server"] == "https://10.0.0.1:6443" and config["insecureSkipTLSVerify"] and config["token"] and config["password"] and config["embeddedKey"]
    assert config["file"]["access"] == "rw-r--r--" and config["place"]["file"] == "/home/me/.kube/config"
    assert not any(secret in json.dumps(facts) for secret in ("very-secret", "c2VjcmV0", "pass-word"))


def test_the_same_root_gives_the_same_facts():
    with Root() as root:
        root.init()
        root.kubeadm(35)
        first, second = (run("node", "facts", "--root", root.path).out for _ in range(2))
    assert first == second and len(first) > 10000


main()
