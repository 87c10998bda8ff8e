"""Fake roots: trees of files that look like a node of some layout.

    with Root() as root:
        root.write("etc/hostname", "node-1")
        root.kubeadm(33)
        facts = root.facts()
"""
import os
import shutil
import subprocess
import tempfile

from lib import run

KUBELET = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: true
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
authorization:
  mode: Webhook
staticPodPath: /etc/kubernetes/manifests
rotateCertificates: true
"""

KUBEADM_DROP_IN = """[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""

API_FLAGS = {
    "advertise-address": "10.0.0.1", "allow-privileged": "true", "authorization-mode": "Node,RBAC",
    "client-ca-file": "/etc/kubernetes/pki/ca.crt", "enable-admission-plugins": "NodeRestriction",
    "enable-bootstrap-token-auth": "true", "etcd-cafile": "/etc/kubernetes/pki/etcd/ca.crt",
    "etcd-certfile": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
    "etcd-keyfile": "/etc/kubernetes/pki/apiserver-etcd-client.key", "etcd-servers": "https://127.0.0.1:2379",
    "kubelet-client-certificate": "/etc/kubernetes/pki/apiserver-kubelet-client.crt",
    "kubelet-client-key": "/etc/kubernetes/pki/apiserver-kubelet-client.key",
    "secure-port": "6443", "service-account-key-file": "/etc/kubernetes/pki/sa.pub",
    "service-account-signing-key-file": "/etc/kubernetes/pki/sa.key",
    "tls-cert-file": "/etc/kubernetes/pki/apiserver.crt", "tls-private-key-file": "/etc/kubernetes/pki/apiserver.key",
}


def pod(name, image, words):
    """A static pod; the first argument is in line 10."""
    lines = ["apiVersion: v1", "kind: Pod", "metadata:", f"  name: {name}", "  namespace: kube-system", "spec:", "  containers:",
             f"  - name: {name}", "    command:", *(f"    - {word}" for word in words), f"    image: {image}", "  hostNetwork: true"]
    return "\n".join(lines) + "\n"


def flags(values):
    return [f"--{key}={value}" for key, value in values.items()]


class Root:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="redoubt-node-")
        os.chmod(self.path, 0o755)
        self.write("etc/hostname", "node-1\n")
        self.write("etc/passwd", f"root:x:0:0:root:/root:/bin/bash\nme:x:{os.getuid() or 1000}:1000::/home/me:/bin/sh\n")
        self.write("etc/fstab", "/dev/sda1 / ext4 defaults 0 1\n")
        self.write("etc/group", f"root:x:0:\nme:x:{os.getgid() or 1000}:\n")
        return self

    def __exit__(self, *_):
        for folder, _, _ in os.walk(self.path):
            os.chmod(folder, 0o700)
        shutil.rmtree(self.path)

    def at(self, path):
        return os.path.join(self.path, path.lstrip("/"))

    def write(self, path, text, mode=0o644):
        name = self.at(path)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)
        os.chmod(name, mode)
        return name

    def folder(self, path, mode=0o755):
        os.makedirs(self.at(path), exist_ok=True)
        os.chmod(self.at(path), mode)

    def link(self, path, target):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        os.symlink(target, self.at(path))

    def process(self, pid, words, name=None, uid=0, cgroup="/system.slice/x.service", environment=""):
        self.write(f"proc/{pid}/cmdline", "\0".join(words) + "\0")
        name = name or os.path.basename(words[0])[:15]
        self.write(f"proc/{pid}/status", f"Name:\t{name}\nUmask:\t0022\nPPid:\t1\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
        self.write(f"proc/{pid}/cgroup", f"0::{cgroup}\n")
        self.write(f"proc/{pid}/environ", environment)

    def init(self):
        self.process(1, ["/sbin/init"], "systemd", cgroup="/init.scope")
        self.write("proc/1/net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n")

    def enable(self, unit):
        self.link(f"etc/systemd/system/multi-user.target.wants/{unit}", f"/usr/lib/systemd/system/{unit}")

    def kubelet_unit(self, drop_in=KUBEADM_DROP_IN):
        self.write("usr/lib/systemd/system/kubelet.service",
                   "[Unit]\nDescription=kubelet\n\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n")
        if drop_in:
            self.write("usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", drop_in)
        self.enable("kubelet.service")

    def control_plane(self, version, folder="etc/kubernetes/manifests", api=None, suffix=".yaml", prefix=""):
        image = f"registry.k8s.io/{{}}:{version}"
        self.write(f"{folder}/kube-apiserver{suffix}", pod("kube-apiserver", image.format("kube-apiserver"),
                                                           [prefix + "kube-apiserver", *flags(api or API_FLAGS)]), 0o600)
        self.write(f"{folder}/kube-controller-manager{suffix}",
                   pod("kube-controller-manager", image.format("kube-controller-manager"),
                       [prefix + "kube-controller-manager", "--bind-address=127.0.0.1", "--use-service-account-credentials=true",
                        "--root-ca-file=/etc/kubernetes/pki/ca.crt"]), 0o600)
        self.write(f"{folder}/kube-scheduler{suffix}",
                   pod("kube-scheduler", image.format("kube-scheduler"), [prefix + "kube-scheduler", "--bind-address=127.0.0.1"]), 0o600)

    def etcd(self, folder="etc/kubernetes/manifests", **more):
        self.write(f"{folder}/etcd.yaml", pod("etcd", "registry.k8s.io/etcd:3.5.15-0", [
            "etcd", *flags({"data-dir": "/var/lib/etcd", "cert-file": "/etc/kubernetes/pki/etcd/server.crt",
                            "client-cert-auth": "true", "trusted-ca-file": "/etc/kubernetes/pki/etcd/ca.crt", **more})]), 0o600)
        self.folder("var/lib/etcd", 0o700)

    def kubeadm(self, minor, kubelet=KUBELET, extra="", api=None):
        self.kubelet_unit()
        self.write("var/lib/kubelet/config.yaml", kubelet)
        self.write("var/lib/kubelet/kubeadm-flags.env",
                   'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/containerd/containerd.sock '
                   f'--pod-infra-container-image=registry.k8s.io/pause:3.9{extra}"\n')
        self.control_plane(f"v1.{minor}.2", api=api)
        self.etcd()
        self.write("etc/kubernetes/admin.conf", "apiVersion: v1\nkind: Config\n", 0o600)

    def facts(self, *arguments, status=0):
        result = run("node", "facts", "--root", self.path, *arguments)
        assert result.status == status and "Sanitizer" not in result.err, result
        return result.json


def certificate(folder, name, days=100, bits=2048, san="DNS:localhost,IP:127.0.0.1"):
    """A self-signed certificate NAME.crt with its key; needs openssl."""
    key, crt = os.path.join(folder, f"{name}.key"), os.path.join(folder, f"{name}.crt")
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", f"rsa:{bits}", "-nodes", "-keyout", key, "-out", crt, "-days", str(days),
                    "-subj", f"/O=test/CN={name}", "-addext", f"subjectAltName={san}"], check=True, capture_output=True)
    os.chmod(key, 0o600)
