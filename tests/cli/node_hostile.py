#!/usr/bin/env python3
"""Roots that want to lead `redoubt node` astray: nothing outside of them is read, nothing hangs, every gap is told."""
import socket
import time

from node_roots import *
from lib import *

SECRET = "outside-of-the-root"


def gaps(facts):
    return {gap["path"]: gap["error"] for gap in facts["gaps"]}


def test_links_never_lead_out():
    with tempfile.TemporaryDirectory() as outside, Root() as root:
        secret = os.path.join(outside, "config.yaml")
        with open(secret, "w", encoding="utf-8") as file:
            file.write(KUBELET + f"clusterDomain: {SECRET}\n")
        root.kubelet_unit()
        root.link("var/lib/kubelet/config.yaml", secret)
        root.link("etc/containerd", outside)
        root.link("etc/kubernetes", "../../../../../../../../" + outside)
        facts = root.facts()
        assert SECRET not in json.dumps(facts)
        assert "unknown" in facts["kubelet"]["config"]["authorization"]["mode"]
        # an absolute link within the root means the root
        os.remove(root.at("var/lib/kubelet/config.yaml"))
        root.write("real/config.yaml", KUBELET)
        root.link("var/lib/kubelet/config.yaml", "/real/config.yaml")
        facts = root.facts()
        assert facts["kubelet"]["config"]["authorization"]["mode"]["value"] == "Webhook"
        assert facts["kubelet"]["configFile"]["resolved"] == "/real/config.yaml"


def test_loops_of_links():
    with Root() as root:
        root.kubelet_unit()
        root.link("var/lib/kubelet/config.yaml", "/var/lib/kubelet/other.yaml")
        root.link("var/lib/kubelet/other.yaml", "/var/lib/kubelet/config.yaml")
        root.link("etc/kubernetes/pki/self", ".")
        root.link("etc/cni/net.d", "/etc/cni/net.d")
        facts = root.facts()
    assert "symbolic links" in gaps(facts)["/var/lib/kubelet/config.yaml"]
    assert facts["kubelet"]["config"]["readOnlyPort"]["unknown"] is True


def test_fifos_sockets_and_devices_are_not_opened():
    with Root() as root:
        root.kubelet_unit()
        root.folder("var/lib/kubelet")
        os.mkfifo(root.at("var/lib/kubelet/config.yaml"))
        root.folder("etc/containerd")
        server = socket.socket(socket.AF_UNIX)
        server.bind(root.at("etc/containerd/config.toml"))
        root.link("etc/ssh/sshd_config", "/dev/zero")
        started = time.monotonic()
        facts = root.facts()
        assert time.monotonic() - started < 20
        server.close()
    assert gaps(facts)["/var/lib/kubelet/config.yaml"] == "no regular file", gaps(facts)


def test_huge_files():
    with Root() as root:
        root.kubelet_unit()
        root.write("var/lib/kubelet/config.yaml", "x")
        os.truncate(root.at("var/lib/kubelet/config.yaml"), 1 << 40)
        root.write("etc/passwd", "")
        os.truncate(root.at("etc/passwd"), 1 << 40)
        facts = root.facts()
    assert gaps(facts)["/var/lib/kubelet/config.yaml"] == "too large"
    assert gaps(facts)["/etc/passwd"] == "too large" and "users" not in facts["host"]


def test_binary_files():
    junk = bytes(range(256)) * 64
    with Root() as root:
        root.init()
        root.kubelet_unit()
        for path in ("var/lib/kubelet/config.yaml", "etc/containerd/config.toml", "etc/crio/crio.conf", "etc/docker/daemon.json", "etc/ssh/sshd_config",
                     "etc/sudoers", "etc/group", "etc/shadow", "etc/cni/net.d/10.conf", "etc/kubernetes/manifests/x.yaml", "etc/kubernetes/pki/a.crt",
                     "etc/sysctl.conf", "var/lib/dpkg/status", "etc/audit/auditd.conf", "etc/audit/rules.d/a.rules", "proc/1/net/tcp", "proc/1/mountinfo",
                     "usr/lib/systemd/system/etcd.service", "etc/os-release", "proc/7/status"):
            root.write(path, junk)
        root.write("proc/7/cmdline", junk)
        facts = root.facts()
    assert "/var/lib/kubelet/config.yaml" in gaps(facts) and facts["kubelet"]["config"]["authorization"]["mode"]["unknown"] is True
    assert facts["apiServer"].get("unknown") is True  # a manifest that cannot be read may be that of the API server


def test_bombs():
    with Root() as root:
        root.kubelet_unit()
        root.write("var/lib/kubelet/config.yaml", "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)))
        root.write("etc/containerd/config.toml", "a = " + "[" * 100000 + "\n")
        root.write("etc/crio/crio.conf", "[" + "a." * 100000 + "b]\n")
        root.write("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config\n" * 50)
        root.write("usr/sbin/sshd", "")
        root.write("etc/sudoers", "@include /etc/sudoers\n" * 50)
        root.write("usr/lib/systemd/system/etcd.service", "[Service]\nEnvironment=A=" + "x" * 100000 + "\nExecStart=/usr/bin/etcd " + "${A}" * 3000 + "\n")
        started = time.monotonic()
        facts = root.facts()
        assert time.monotonic() - started < 30
    assert "/var/lib/kubelet/config.yaml" in gaps(facts) and "/etc/containerd/config.toml" in gaps(facts)


def test_many_processes_and_files():
    with Root() as root:
        root.init()
        for pid in range(2, 1500):
            root.process(pid, ["/bin/x"])
        root.folder("etc/kubernetes/pki")
        for i in range(1500):
            root.write(f"etc/kubernetes/pki/{i}.crt", "x")
        started = time.monotonic()
        root.facts()
        assert time.monotonic() - started < 20


def test_processes_that_are_gone():
    with Root() as root:
        root.init()
        root.write("proc/5/cmdline", "kubelet\0--config=/x\0")  # no status: it ended
        root.folder("proc/6")
        root.write("proc/7/cmdline", "")
        facts = root.facts()
    assert not facts["kubelet"]["present"]


def test_what_may_not_be_read():
    if os.getuid() == 0 and not os.access("/usr/bin/setpriv", os.X_OK):
        raise Skip("needs setpriv, or not to be root")
    with Root() as root:
        root.kubeadm(33)
        root.write("var/lib/kubelet/config.yaml", KUBELET, 0o000)
        root.folder("etc/kubernetes/pki", 0o000)
        command = [REDOUBT, "node", "facts", "--root", root.path]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", *command]
        result = subprocess.run(command, capture_output=True, check=False, timeout=60)
        if result.returncode == 127 or b"Permission denied" in result.stderr or b"cannot" in result.stderr:
            raise Skip("the program cannot be run as another user here")
        facts = json.loads(result.stdout)
        judged = run("node", "--facts", root.write("facts.json", result.stdout.decode()), "--brief")
    assert gaps(facts)["/var/lib/kubelet/config.yaml"] == "Permission denied", facts["gaps"]
    assert facts["kubelet"]["config"]["readOnlyPort"]["why"] == "/var/lib/kubelet/config.yaml: Permission denied"
    assert facts["kubelet"]["config"]["containerRuntimeEndpoint"]["source"] == "flag"
    assert facts["pki"]["keys"]["unknown"] is True
    assert judged.status == 3 and "not judged" in judged.text + judged.err, judged


def test_a_root_that_is_none():
    assert run("node", "facts", "--root", "/nonexistent").status == 2
    assert run("node", "--root", "/etc/passwd").status == 2


def test_text_cannot_drive_the_terminal():
    with Root() as root:
        root.kubelet_unit("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --config=/k\x1b[31m.yaml\n")
        result = run("node", "--root", root.path, "--brief")
    assert "\x1b" not in result.text + result.err, result


# --- signatures and drift ---

def test_signed_facts():
    with Root() as root, tempfile.TemporaryDirectory() as folder:
        root.kubeadm(33)
        for kind in (["-algorithm", "ed25519"], ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-algorithm", "RSA"]):
            key, pub, facts = (os.path.join(folder, name) for name in ("key.pem", "pub.pem", "facts.json"))
            subprocess.run(["openssl", "genpkey", *kind, "-out", key], check=True, capture_output=True)
            subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", pub], check=True, capture_output=True)
            text = run("node", "facts", "--root", root.path, "--sign", key).text
            assert json.loads(text)["signature"]["value"]
            with open(facts, "w", encoding="utf-8") as file:
                file.write(text)
            assert run("node", "--facts", facts, "--verify", pub, "--brief").status in (0, 1, 3)
            with open(facts, "w", encoding="utf-8") as file:
                file.write(text.replace('"kubeadm"', '"plain"', 1))
            changed = run("node", "--facts", facts, "--verify", pub)
            assert changed.status == 2 and "signature is wrong" in changed.err, changed
        secret = root.write("secret", "0123456789abcdef0123")
        text = run("node", "facts", "--root", root.path, "--sign", secret).text
        with open(facts, "w", encoding="utf-8") as file:
            file.write(text)
        assert json.loads(text)["signature"]["algorithm"] == "hmac-sha256"
        assert run("node", "diff", facts, facts, "--verify", secret).status == 0
        # a public key is no secret of an HMAC, whatever the document claims
        assert run("node", "diff", facts, facts, "--verify", pub).status == 2
        plain = root.write("plain.json", json.dumps({k: v for k, v in json.loads(text).items() if k != "signature"}))
        assert "not signed" in run("node", "diff", plain, plain, "--verify", secret).err
        assert run("node", "facts", "--root", root.path, "--sign", root.write("short", "x")).status == 2


def test_drift():
    with Root() as root:
        root.init()
        root.kubeadm(33)
        root.process(70, ["/usr/bin/kubelet", "--config=/var/lib/kubelet/config.yaml"])
        old = root.write("old.json", run("node", "facts", "--root", root.path).text)
        assert run("node", "diff", old, old).status == 0
        shutil.rmtree(root.at("proc/70"))
        root.process(71, ["/usr/bin/kubelet", "--config=/var/lib/kubelet/config.yaml"])
        new = root.write("new.json", run("node", "facts", "--root", root.path).text)
        assert run("node", "diff", old, new).text == "no difference\n"  # another pid is no change
        root.write("var/lib/kubelet/config.yaml", KUBELET.replace("enabled: false", "enabled: true", 1) + "maxPods: 5\n")
        os.chmod(root.at("etc/kubernetes/manifests/kube-scheduler.yaml"), 0o644)
        new = root.write("new.json", run("node", "facts", "--root", root.path).text)
        result = run("node", "diff", "-o", "json", old, new)
        changes = {c["path"]: (c["old"], c["new"]) for c in result.json["changes"]}
        judged = run("node", "--root", root.path, "--approved", old, "--rule", "nodes/drift", "-o", "json")
    assert result.status == 1
    assert changes["kubelet.config.authentication.anonymous.enabled.value"] == ("false", "true")
    assert changes["kubelet.config.maxPods.value"] == ("110", "5") and changes["kubelet.config.maxPods.source"] == ('"default"', '"config"')
    assert changes["scheduler.manifest.modeText"] == ('"0600"', '"0644"')
    found = judged.json["findings"]
    assert judged.status == 1 and any("anonymous" in f["message"] for f in found), judged


main()
