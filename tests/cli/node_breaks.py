#!/usr/bin/env python3
"""A hardened node, and each setting broken in turn: the rule about it speaks, and spoke not before."""
from node_roots import *
from lib import *

HARDENED_KUBELET = KUBELET + """protectKernelDefaults: true
seccompDefault: true
podPidsLimit: 4096
serverTLSBootstrap: true
tlsMinVersion: VersionTLS12
tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]
enableProfilingHandler: false
enableDebugFlagsHandler: false
"""
HARDENED_API = {**API_FLAGS, "anonymous-auth": "false", "profiling": "false", "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt",
                "enable-admission-plugins": "NodeRestriction,AlwaysPullImages,EventRateLimit,DenyServiceExternalIPs",
                "audit-log-path": "/var/log/audit.log", "audit-log-maxage": "30", "audit-log-maxbackup": "10", "audit-log-maxsize": "100",
                "service-account-extend-token-expiration": "false", "tls-min-version": "VersionTLS12",
                "tls-cipher-suites": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}
NODE = {"kubelet": HARDENED_KUBELET, "api": HARDENED_API, "etcd": {"peer-client-cert-auth": "true", "peer-cert-file": "/p.crt", "peer-key-file": "/p.key", "key-file": "/k.key"},
        "extra": ""}


def judge(kubelet, api, etcd, extra):
    with Root() as root:
        root.kubeadm(33, kubelet, extra, api)
        root.etcd(**etcd)
        result = run("node", "--root", root.path, "-o", "json")
    return {finding["rule"] for finding in result.json["findings"]}


BREAKS = {
    "kubelet": [("enabled: false", "enabled: true", "kubelet/node-anonymous-auth"), ("mode: Webhook", "mode: AlwaysAllow", "kubelet/node-authorization"),
                ("seccompDefault: true", "seccompDefault: false", "kubelet/node-seccomp-default"), ("podPidsLimit: 4096", "podPidsLimit: -1", "kubelet/node-pod-pids-limit"),
                ("protectKernelDefaults: true", "protectKernelDefaults: false", "kubelet/node-kernel-defaults"),
                ("rotateCertificates: true", "rotateCertificates: false", "kubelet/node-certificate-rotation"),
                ("rotateCertificates: true", "rotateCertificates: true\nreadOnlyPort: 10255", "kubelet/node-read-only-port"),
                ("rotateCertificates: true", "rotateCertificates: true\nmakeIPTablesUtilChains: false", "kubelet/node-iptables-chains"),
                ("serverTLSBootstrap: true\n", "", "kubelet/node-serving-certificate"),
                ("VersionTLS12", "VersionTLS10", "kubelet/node-tls-version")],
    "api": [("anonymous-auth", "true", "api/node-server-anonymous-auth"), ("authorization-mode", "AlwaysAllow", "api/node-server-always-allow"),
            ("authorization-mode", "Node", "api/node-server-rbac"), ("profiling", "true", "api/node-server-profiling"),
            ("client-ca-file", None, "api/node-server-client-ca"), ("token-auth-file", "/t.csv", "api/node-server-token-file"),
            ("kubelet-certificate-authority", None, "api/node-server-kubelet-ca"), ("etcd-cafile", None, "api/node-server-etcd-ca"),
            ("enable-admission-plugins", "NodeRestriction,AlwaysAdmit", "api/node-server-always-admit"),
            ("disable-admission-plugins", "NamespaceLifecycle", "api/node-server-namespace-lifecycle"),
            ("disable-admission-plugins", "PodSecurity", "api/node-server-pod-security"),
            ("service-account-lookup", "false", "api/node-server-account-lookup"),
            ("service-account-extend-token-expiration", "true", "api/node-server-token-extension"), ("tls-cert-file", None, "api/node-server-certificate")],
    "etcd": [("client-cert-auth", "false", "api/node-etcd-client-auth"), ("auto-tls", "true", "api/node-etcd-auto-tls"),
             ("peer-auto-tls", "true", "api/node-etcd-peer-auto-tls"), ("peer-client-cert-auth", "false", "api/node-etcd-peer-auth")],
}


def broken(part, old, new):
    node = dict(NODE)
    if part == "kubelet":
        assert old in node[part], old
        node[part] = node[part].replace(old, new, 1)
    else:
        node[part] = {key: value for key, value in {**node[part], old: new}.items() if value is not None}
    return node


def test_each_break_has_its_finding():
    before, wrong = judge(**NODE), []
    for part, breaks in BREAKS.items():
        for old, new, rule in breaks:
            after = judge(**broken(part, old, new))
            if rule in before or rule not in after:
                wrong.append((part, old, new, rule, rule in before, sorted(after - before)))
    assert not wrong, wrong


def test_flags_win_over_the_file():
    node = {**NODE, "extra": " --anonymous-auth=true --read-only-port=10255"}
    assert {"kubelet/node-anonymous-auth", "kubelet/node-read-only-port"} <= judge(**node) - judge(**NODE)


main()
