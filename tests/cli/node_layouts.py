#!/usr/bin/env python3
"""Layouts beyond kubeadm, k3s and RKE2: on each a hardened node, and one whose settings are as bad as they can be."""
from node_roots import *
from lib import *

GOOD_KUBELET = KUBELET + """protectKernelDefaults: true
seccompDefault: true
podPidsLimit: 4096
serverTLSBootstrap: true
tlsMinVersion: VersionTLS12
tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]
"""
BAD_KUBELET = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
readOnlyPort: 10255
podPidsLimit: -1
protectKernelDefaults: false
seccompDefault: false
makeIPTablesUtilChains: false
rotateCertificates: false
"""
GOOD_API = {**API_FLAGS, "anonymous-auth": "false", "profiling": "false", "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt",
            "enable-admission-plugins": "NodeRestriction,AlwaysPullImages", "service-account-extend-token-expiration": "false"}
BAD_API = {"anonymous-auth": "true", "authorization-mode": "AlwaysAllow", "profiling": "true", "token-auth-file": "/t.csv",
           "enable-admission-plugins": "AlwaysAdmit", "disable-admission-plugins": "NamespaceLifecycle,PodSecurity", "service-account-lookup": "false"}

# What the settings of BAD_KUBELET and BAD_API are each found as (and those of GOOD_... are not).
KUBELET_RULES = {f"kubelet/node-{name}" for name in ("anonymous-auth", "authorization", "read-only-port", "pod-pids-limit", "kernel-defaults", "seccomp-default",
                                                     "iptables-chains", "certificate-rotation")}
API_RULES = {f"api/node-server-{name}" for name in ("always-allow", "rbac", "profiling", "token-file", "always-admit", "namespace-lifecycle",
                                                    "pod-security", "account-lookup", "client-ca", "kubelet-ca", "etcd-ca", "certificate")}


def judge(build, layout, kubelet, api):
    """The rules that speak about a node of LAYOUT, which BUILD makes of a configuration of the kubelet and flags of the API server."""
    with Root() as root:
        root.init()
        build(root, kubelet, api)
        assert root.facts()["layout"] == layout
        result = run("node", "--root", root.path, "-o", "json")
    return {finding["rule"] for finding in result.json["findings"]}


def pair(build, layout):
    rules = KUBELET_RULES | API_RULES
    good, bad = judge(build, layout, GOOD_KUBELET, GOOD_API), judge(build, layout, BAD_KUBELET, BAD_API)
    assert not rules & good, sorted(rules & good)
    assert rules <= bad, sorted(rules - bad)
    # With AlwaysAllow the API server lets nobody in as anonymous, whatever the flag says (pkg/kubeapiserver/options, ApplyAuthorization).
    anonymous = "api/node-server-anonymous-auth"
    assert anonymous not in good | bad and anonymous in judge(build, layout, GOOD_KUBELET, {**GOOD_API, "anonymous-auth": "true"})


def kind(root, kubelet, api):
    root.write("kind/version", "v1.34.0\n")
    root.folder("kind/manifests")
    root.kubeadm(34, kubelet, "", api)


def kops(root, kubelet, api):
    root.folder("opt/kops")
    root.control_plane("v1.32.1", "etc/kubernetes/manifests", api, ".manifest", "/usr/local/bin/")
    root.write("etc/sysconfig/kubelet", 'DAEMON_ARGS="--config=/var/lib/kubelet/kubelet.conf"\nHOME="/root"\n')
    root.write("usr/lib/systemd/system/kubelet.service", "[Service]\nEnvironmentFile=/etc/sysconfig/kubelet\nExecStart=/usr/local/bin/kubelet $DAEMON_ARGS\n")
    root.enable("kubelet.service")
    root.write("var/lib/kubelet/kubelet.conf", kubelet)


def talos(root, kubelet, api):
    root.write("etc/os-release", 'NAME="Talos"\nID=talos\nVERSION_ID=v1.9.0\n')
    root.write("etc/kubernetes/kubelet.yaml", kubelet)
    root.process(900, ["/usr/local/bin/kubelet", "--config=/etc/kubernetes/kubelet.yaml"], cgroup="/podruntime/kubelet")
    root.process(902, ["/usr/local/bin/kube-apiserver", *flags(api)], cgroup="/kubepods/a")


def microk8s(root, kubelet, api):
    args = "var/snap/microk8s/current/args"
    root.write(f"{args}/kube-apiserver", "\n".join(flags(api)) + "\n")
    root.write(f"{args}/kubelet", "--kubeconfig=${SNAP_DATA}/credentials/kubelet.config\n--config=${SNAP_DATA}/args/kubelet-config.yaml\n")
    root.write(f"{args}/kubelet-config.yaml", kubelet)


def test_kind_hardened_and_broken():
    pair(kind, "kind")


def test_kops_hardened_and_broken():
    pair(kops, "kops")


def test_talos_hardened_and_broken():
    pair(talos, "talos")


def test_microk8s_hardened_and_broken():
    pair(microk8s, "microk8s")


main()
