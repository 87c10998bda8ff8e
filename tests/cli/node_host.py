#!/usr/bin/env python3
"""Container runtimes and the host in the facts of a node, on fake roots."""
import sqlite3
import struct

from node_roots import *
from lib import *


def setting(map_, name, value, source=None, file=None, line=None):
    fact = map_[name]
    assert "value" in fact and fact["value"] == value and type(fact["value"]) is type(value), (name, fact)
    assert source is None or fact["source"] == source, (name, fact)
    assert file is None or fact["place"]["file"] == file, (name, fact)
    assert line is None or fact["place"]["line"] == line, (name, fact)


def engine(facts, name):
    return next(e for e in facts["runtime"]["engines"] if e["name"] == name)


# --- runtimes ---

def test_containerd_version_2():
    with Root() as root:
        root.write("etc/containerd/config.toml", """version = 2
disabled_plugins = ["x"] # comment
imports = ["/etc/containerd/conf.d/*.toml"]
[grpc]
  address = '/run/c/containerd.sock'
  tcp_address = "0.0.0.0:1234"
[plugins."io.containerd.grpc.v1.cri"]
  enable_selinux = true
  stream_server_address = "0.0.0.0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "kata"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]
      runtime_type = "io.containerd.kata.v2"
      privileged_without_host_devices = true
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = true
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
    endpoint = ["http://mirror.example", "https://registry-1.docker.io"]
  [plugins."io.containerd.grpc.v1.cri".registry.configs."reg.example".tls]
    insecure_skip_verify = true
""")
        root.write("etc/containerd/conf.d/10.toml", '[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true\n  enable_selinux = false\n')
        facts = root.facts()
    one = engine(facts, "containerd")
    assert one["configVersion"] == 2 and [f["path"] for f in one["configFiles"]] == ["/etc/containerd/config.toml", "/etc/containerd/conf.d/10.toml"]
    s = one["settings"]
    setting(s, "disabledPlugins", ["x"], "config", "/etc/containerd/config.toml", 2)
    setting(s, "grpcAddress", "/run/c/containerd.sock", "config")
    setting(s, "grpcTCPAddress", "0.0.0.0:1234")
    setting(s, "streamServerAddress", "0.0.0.0", "config", "/etc/containerd/config.toml", 9)
    setting(s, "enableSELinux", False, "drop-in", "/etc/containerd/conf.d/10.toml", 3)
    setting(s, "restrictOOMScoreAdj", True, "drop-in", "/etc/containerd/conf.d/10.toml", 2)
    setting(s, "enableUnprivilegedPorts", False, "default")
    setting(s, "defaultRuntime", "kata")
    runtimes = {r["name"]: r for r in one["runtimes"]}
    assert runtimes["kata"]["isDefault"] and runtimes["kata"]["privilegedWithoutHostDevices"] and not runtimes["runc"]["isDefault"]
    assert runtimes["runc"]["systemdCgroup"] and runtimes["runc"]["type"] == "io.containerd.runc.v2"
    registries = [(r["host"], r["plainHTTP"], r["skipVerify"]) for r in one["registries"]]
    assert registries == [("docker.io", True, False), ("docker.io", False, False), ("reg.example", False, True)], registries


def test_containerd_version_1():
    # without a version; the plugin is called cri (containerd, docs/PLUGINS.md)
    text = """oom_score = -999
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins.cri]
  enable_selinux = true
  stream_server_address = "10.0.0.1"
  [plugins.cri.containerd]
    default_runtime_name = "runc"
    [plugins.cri.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v1"
      [plugins.cri.containerd.runtimes.runc.options]
        SystemdCgroup = true
  [plugins.cri.registry.mirrors."docker.io"]
    endpoint = ["http://mirror.example"]
"""
    for head in ("", "version = 1\n"):
        with Root() as root:
            root.write("etc/containerd/config.toml", head + text)
            one = engine(root.facts(), "containerd")
        assert one["configVersion"] == 1
        first = 5 + len(head.splitlines())
        setting(one["settings"], "enableSELinux", True, "config", "/etc/containerd/config.toml", first)
        setting(one["settings"], "streamServerAddress", "10.0.0.1", "config", "/etc/containerd/config.toml", first + 1)
        runc = [r for r in one["runtimes"] if r["name"] == "runc"][0]
        assert runc["isDefault"] and runc["systemdCgroup"] and runc["type"] == "io.containerd.runc.v1"
        assert [(r["host"], r["plainHTTP"]) for r in one["registries"]] == [("docker.io", True)]


def test_cri_dockerd():
    with Root() as root:
        root.write("usr/lib/systemd/system/cri-docker.service", "[Service]\nExecStart=/usr/bin/cri-dockerd --container-runtime-endpoint fd:// "
                                                               "--streaming-bind-addr=0.0.0.0:4000 --docker-endpoint unix:///run/d.sock\n")
        root.enable("cri-docker.service")
        one = engine(root.facts(), "cri-dockerd")
    setting(one["settings"], "streamingBindAddr", "0.0.0.0:4000", "flag", "/usr/lib/systemd/system/cri-docker.service", 2)
    setting(one["settings"], "dockerEndpoint", "unix:///run/d.sock", "flag")
    setting(one["settings"], "containerRuntimeEndpoint", "fd://", "flag")


def test_containerd_version_3_and_hosts():
    with Root() as root:
        root.write("etc/containerd/config.toml", """version = 3
[plugins.'io.containerd.cri.v1.images'.registry]
config_path = "/etc/containerd/certs.d"
[plugins.'io.containerd.cri.v1.runtime']
enable_selinux = true
unset_seccomp_profile = "unconfined"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes]
runc = {runtime_type = "io.containerd.runc.v2", options = {BinaryName = "/usr/bin/crun", SystemdCgroup = true}}
""")
        root.write("etc/containerd/certs.d/r.example/hosts.toml", 'server = "http://r.example"\n[host."https://m.example"]\n  capabilities = ["pull"]\n  skip_verify = true\n')
        root.write("var/lib/dpkg/status", "Package: containerd.io\nStatus: install ok installed\nVersion: 2.0.2-1\n\n"
                                          "Package: runc\nStatus: deinstall ok config-files\nVersion: 0.1\n")
        facts = root.facts()
    one = engine(facts, "containerd")
    setting(one["settings"], "enableSELinux", True, "config")
    setting(one["settings"], "unsetSeccompProfile", "unconfined", "config", "/etc/containerd/config.toml", 6)
    setting(one["settings"], "enableUnprivilegedPorts", True, "default")  # of containerd 2
    assert one["version"]["value"] == "2.0.2" and one["version"]["place"]["line"] == 3
    runc = one["runtimes"][0]
    assert (runc["name"], runc["type"], runc["path"], runc["systemdCgroup"]) == ("runc", "io.containerd.runc.v2", "/usr/bin/crun", True)
    found = {(r["endpoint"], r["plainHTTP"], r["skipVerify"]) for r in one["registries"]}
    assert ("http://r.example", True, False) in found and ("https://m.example", False, True) in found, found
    defects = {v["id"]: v for v in one["vulnerabilities"]}
    assert "CVE-2024-40635" in defects and defects["CVE-2024-40635"]["certain"] and "CVE-2022-23648" not in defects, defects.keys()


def test_versions_of_distributions_are_not_certain():
    with Root() as root:
        root.write("usr/sbin/runc", "", 0o755)
        root.write("var/lib/dpkg/status", "Package: runc\nStatus: install ok installed\nVersion: 1.1.5+ds1-1+deb12u1\n")
        oci = root.facts()["runtime"]["oci"][0]
    assert oci["version"]["value"] == "1.1.5"
    one = {v["id"]: v for v in oci["vulnerabilities"]}
    assert one["CVE-2024-21626"]["certain"] is False and one["CVE-2024-21626"]["fixed"] == "1.1.12"
    assert "CVE-2023-28642" not in one  # fixed in 1.1.5


def defects(package, version):
    """The advisories about VERSION of PACKAGE, as dpkg has it."""
    binary = {"containerd.io": "containerd", "docker-ce": "dockerd", "cri-o": "crio"}.get(package, package)
    with Root() as root:
        root.write(f"usr/bin/{binary}", "", 0o755)
        root.write("var/lib/dpkg/status", f"Package: {package}\nStatus: install ok installed\nVersion: {version}\n")
        runtime = root.facts()["runtime"]
    return {v["id"] for one in runtime["engines"] + runtime["oci"] for v in one["vulnerabilities"]}


def test_advisories_begin_and_end_where_they_are_published():
    # (package, advisory, the last version that has it, the first that does not): vuln.go.dev, and the notes of the releases
    for package, advisory, last, first in [
            ("runc", "CVE-2024-21626", "1.1.11-1", "1.1.12-1"), ("runc", "CVE-2024-21626", "1.0.0~rc93-1", "1.0.0~rc92-1"),
            ("runc", "CVE-2025-31133", "1.3.2-1", "1.3.3-1"), ("runc", "CVE-2025-52881", "1.2.7-1", "1.2.8-1"),
            ("runc", "CVE-2026-41579", "1.4.2-1", "1.4.3-1"), ("runc", "CVE-2026-119101", "1.5.2-1", "1.5.3-1"),
            ("runc", "CVE-2026-119101", "1.3.6-1", "1.3.7-1"),
            ("containerd.io", "CVE-2024-40635", "1.7.26-1", "1.7.27-1"), ("containerd.io", "CVE-2024-25621", "2.1.4-1", "2.1.5-1"),
            ("containerd.io", "CVE-2025-64329", "1.7.28-1", "1.7.29-1"), ("containerd.io", "CVE-2026-53488", "2.2.4-1", "2.2.5-1"),
            ("containerd.io", "CVE-2026-53488", "1.7.32-1", "1.7.33-1"), ("containerd.io", "CVE-2026-53492", "2.3.1-1", "2.3.2-1"),
            ("containerd.io", "CVE-2026-53492", "2.1.0-1", "2.0.9-1"), ("containerd.io", "CVE-2026-95839", "2.4.1-1", "2.4.2-1"),
            ("cri-o", "CVE-2024-3154", "1.24.6-1", "1.27.6-1"), ("cri-o", "CVE-2025-0750", "1.33.0-1", "1.33.1-1"),
            ("docker-ce", "CVE-2024-41110", "5:24.0.9-1", "5:24.0.10-1"), ("docker-ce", "CVE-2024-41110", "5:27.1.0-1", "5:27.1.1-1")]:
        assert advisory in defects(package, last), (package, last, advisory)
        assert advisory not in defects(package, first), (package, first, advisory)


def kernel(release):
    with Root() as root:
        root.write("proc/sys/kernel/osrelease", release + "\n")
        facts = root.facts()["host"]["kernel"]
    return facts["endOfLife"].get("value"), facts["endOfLifeDate"]


def test_kernels_that_kernel_org_no_longer_maintains():
    assert kernel("4.14.336") == (True, "2024-01-31") and kernel("5.4.302") == (True, "2025-12-31")
    assert kernel("6.6.119") == (False, "2027-12-31") and kernel("6.12.76") == (False, "2028-12-31")
    # no long-term support, and older than one that has it
    for release in ("3.10.0", "5.1.21", "5.12.0", "6.3.1", "6.17.13"):
        assert kernel(release) == (True, ""), release
    assert kernel("6.19.14") == (False, "") and kernel("7.1.0") == (False, "")  # nothing is known of them
    assert kernel("5.14.0-427.el9.x86_64") == (False, "")  # its distribution maintains it


def test_crio_with_drop_ins():
    with Root() as root:
        root.write("etc/crio/crio.conf", '[crio.runtime]\nselinux = true\npids_limit = 1024\ndefault_capabilities = [\n  "CHOWN",\n  "NET_RAW", # bad\n]\n[crio.image]\ninsecure_registries = []\n')
        root.write("etc/crio/crio.conf.d/01-a.conf", '[crio.runtime]\npids_limit = 0\n[crio.image]\ninsecure_registries = ["r.example"]\n[crio.runtime.runtimes.crun]\nruntime_path = "/usr/bin/crun"\n')
        root.write("etc/crio/crio.conf.d/02-b.conf", '[crio.runtime]\npids_limit = 4096\n')
        one = engine(root.facts(), "cri-o")
    s = one["settings"]
    setting(s, "selinux", True, "config", "/etc/crio/crio.conf", 2)
    setting(s, "pidsLimit", 4096, "drop-in", "/etc/crio/crio.conf.d/02-b.conf", 2)
    setting(s, "defaultCapabilities", ["CHOWN", "NET_RAW"], "config", "/etc/crio/crio.conf", 4)
    setting(s, "insecureRegistries", ["r.example"], "drop-in")
    setting(s, "streamAddress", "127.0.0.1", "default")
    assert one["runtimes"][0]["path"] == "/usr/bin/crun" and one["runtimes"][0]["isDefault"]


def test_docker():
    with Root() as root:
        root.init()
        root.write("etc/docker/daemon.json", '{\n "icc": false,\n "live-restore": true,\n "hosts": ["tcp://0.0.0.0:2375"],\n "tlsverify": true,\n "log-opts": {"max-size": "10m"}\n}\n')
        root.process(300, ["/usr/bin/dockerd", "-H", "fd://", "--userland-proxy=false", "--no-new-privileges"])
        one = engine(root.facts(), "docker")
    s = one["settings"]
    setting(s, "icc", False, "config", "/etc/docker/daemon.json", 2)
    setting(s, "liveRestore", True, "config")
    setting(s, "userlandProxy", False, "flag", "/proc/300/cmdline")
    setting(s, "noNewPrivileges", True, "flag")
    setting(s, "hosts", ["tcp://0.0.0.0:2375"], "config")
    setting(s, "tlsVerify", True, "config")
    setting(s, "logOpts", {"max-size": "10m"}, "config")
    setting(s, "usernsRemap", "", "default")
    assert one["running"] and one["process"]["pid"] == 300


def test_a_broken_configuration_is_unknown():
    with Root() as root:
        root.write("etc/containerd/config.toml", 'version = 2\n[plugins\nx = 1\n')
        facts = root.facts()
    fact = engine(facts, "containerd")["settings"]["enableSELinux"]
    assert fact["unknown"] is True and "config.toml:2" in fact["why"] and "value" not in fact
    assert any("config.toml" in gap["path"] and "runtime.engines" in gap["facts"] for gap in facts["gaps"])


# --- host ---

def test_sshd_include_and_match():
    with Root() as root:
        root.write("usr/sbin/sshd", "", 0o755)
        root.write("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nMaxAuthTries 6\nPort 22\nPort 2222\n"
                                          "LoginGraceTime 2m\nciphers aes256-gcm@openssh.com,aes128-ctr\nMatch User backup\n  PermitRootLogin no\n  PasswordAuthentication yes\n")
        root.write("etc/ssh/sshd_config.d/10.conf", "PermitRootLogin=no\nMatch Address 10.0.0.0/8\n  X11Forwarding yes\n")
        root.write("etc/ssh/sshd_config.d/20.conf", "PasswordAuthentication \"no\"\nMaxAuthTries 3\n")
        root.write("etc/ssh/ssh_host_rsa_key", "-----BEGIN OPENSSH PRIVATE KEY-----\nsecretkey\n", 0o600)
        root.write("root/.ssh/authorized_keys", "# c\nssh-ed25519 AAAA one\nssh-rsa BBBB two\n", 0o600)
        facts = root.facts()
    sshd = facts["host"]["sshd"]
    s = sshd["settings"]
    setting(s, "permitRootLogin", "no", "config", "/etc/ssh/sshd_config.d/10.conf", 1)
    setting(s, "maxAuthTries", 3, "config", "/etc/ssh/sshd_config.d/20.conf", 2)
    setting(s, "passwordAuthentication", "no", "config")
    setting(s, "x11Forwarding", "no", "default")  # a Match ends with its file
    setting(s, "port", ["22", "2222"], "config", "/etc/ssh/sshd_config", 4)
    setting(s, "loginGraceTime", 120, "config")
    setting(s, "ciphers", ["aes256-gcm@openssh.com", "aes128-ctr"], "config")
    assert [(m["criteria"], sorted(m["settings"])) for m in sshd["matches"]] == \
        [("Address 10.0.0.0/8", ["x11Forwarding"]), ("User backup", ["passwordAuthentication", "permitRootLogin"])]
    assert sshd["authorizedKeys"][0]["keys"] == 2 and sshd["hostKeys"][0]["modeText"] == "0600"
    assert "secretkey" not in json.dumps(facts) and "AAAA" not in json.dumps(facts)


def test_users_and_passwords():
    with Root() as root:
        root.write("etc/passwd", "root:x:0:0::/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\nsvc:x:5:5::/:/usr/sbin/nologin\nbad line\n")
        root.write("etc/shadow", "root:!:1::::::\ntoor:$6$hashhash$xyz:1::::::\nsvc::1::::::\n", 0o600)
        facts = root.facts()
    users = {u["name"]: u for u in facts["host"]["users"]}
    assert [users[n]["password"]["value"] for n in ("root", "toor", "svc")] == ["locked", "set", "none"]
    assert [n for n, u in users.items() if u["uid"] == 0] == ["root", "toor"] and not users["svc"]["login"]
    assert "hashhash" not in json.dumps(facts)


def test_sudo():
    with Root() as root:
        root.write("etc/sudoers", "Defaults use_pty\n# c\nroot ALL=(ALL:ALL) ALL\n%admin ALL=(ALL) NOPASSWD: ALL\nUser_Alias X = a\n@includedir /etc/sudoers.d\n", 0o440)
        root.write("etc/sudoers.d/ops", "ops web1=/usr/bin/systemctl restart kubelet, NOPASSWD: /bin/ls\n", 0o440)
        root.write("etc/sudoers.d/skip.bak", "evil ALL=ALL\n")
        sudo = root.facts()["host"]["sudo"]
    rules = {r["who"]: r for r in sudo["rules"]}
    assert list(rules) == ["root", "%admin", "ops"]
    assert rules["%admin"]["noPassword"] and rules["%admin"]["all"] and rules["%admin"]["place"]["line"] == 4
    assert rules["ops"]["commands"] == ["/usr/bin/systemctl restart kubelet", "/bin/ls"] and not rules["ops"]["all"]
    assert rules["root"]["runAs"] == "ALL:ALL" and not rules["root"]["noPassword"]
    assert [d["text"] for d in sudo["defaults"]] == ["use_pty"]


def test_listening_sockets_with_their_processes():
    with Root() as root:
        root.init()
        root.process(42, ["/usr/bin/kubelet"], "kubelet")
        root.link("proc/42/fd/7", "socket:[991]")
        root.link("proc/42/fd/8", "/dev/null")
        head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        line = "   {}: {}:{:04X} {}:0000 {} 00000000:00000000 00:00000000 00000000     0        0 {} 1 x\n"
        root.write("proc/1/net/tcp", head + line.format(0, "00000000", 10250, "00000000", "0A", 991) + line.format(1, "0100007F", 10248, "00000000", "0A", 992)
                   + line.format(2, "0100007F", 999, "00000000", "01", 993) + "garbage\n\n")
        root.write("proc/1/net/tcp6", head + line.format(0, "0" * 32, 22, "0" * 32, "0A", 5) + line.format(1, "00000000000000000000000001000000", 6443, "0" * 32, "0A", 6))
        root.write("proc/1/net/udp", head + line.format(0, "0500000A", 8472, "00000000", "07", 7))
        root.write("proc/1/net/fib_trie", "Main:\n  +-- 0.0.0.0/0\n     |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 8.8.4.4\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n")
        host = root.facts()["host"]
    found = {(s["protocol"], s["address"], s["port"]): s for s in host["listening"]}
    assert set(found) == {("tcp", "0.0.0.0", 10250), ("tcp", "127.0.0.1", 10248), ("tcp", "::", 22), ("tcp", "::1", 6443), ("udp", "10.0.0.5", 8472)}, found
    kubelet = found["tcp", "0.0.0.0", 10250]
    assert (kubelet["process"], kubelet["pid"], kubelet["wildcard"], kubelet["loopback"], kubelet["expected"]) == ("kubelet", 42, True, False, "kubelet")
    assert found["tcp", "127.0.0.1", 10248]["loopback"] and found["tcp", "::1", 6443]["loopback"] and found["udp", "10.0.0.5", 8472]["expected"] == "flannel"
    assert {(a["address"], a["public"]) for a in host["addresses"]} == {("10.0.0.5", False), ("8.8.4.4", True)}


def test_sysctls_as_they_are_and_as_configured():
    with Root() as root:
        root.init()
        root.write("proc/sys/kernel/dmesg_restrict", "0\n")
        root.write("proc/sys/net/ipv4/ip_forward", "1\n")
        root.write("etc/sysctl.d/50-x.conf", "# c\nkernel.dmesg_restrict = 1\n-net/ipv4/ip_forward=0\n")
        root.write("usr/lib/sysctl.d/50-x.conf", "kernel.dmesg_restrict=9\n")
        root.write("etc/sysctl.conf", "net.ipv4.ip_forward=1\n")
        sysctl = root.facts()["host"]["sysctl"]
    one = sysctl["kernel.dmesg_restrict"]
    assert one["value"] == 0 and one["source"] == "live" and one["configured"]["value"] == 1 and one["configured"]["place"] == \
        {"file": "/etc/sysctl.d/50-x.conf", "line": 2, "column": 1} and one["lasting"]
    assert sysctl["net.ipv4.ip_forward"]["configured"]["value"] == 1
    assert "kernel.sysrq" not in sysctl


def test_kernel_and_mounts():
    with Root() as root:
        root.init()
        root.write("proc/sys/kernel/osrelease", "4.19.5\n")
        root.write("proc/sys/kernel/tainted", "0\n")
        root.folder("tmp")
        root.write("proc/1/mountinfo", "1 0 8:1 / / rw,relatime - ext4 /dev/sda rw\n2 1 0:1 / /tmp rw,nosuid,nodev shared:1 - tmpfs tmpfs rw\n")
        host = root.facts()["host"]
    assert host["kernel"]["series"] == "4.19" and host["kernel"]["endOfLife"]["value"] is True and host["kernel"]["endOfLifeDate"] == "2024-12-31"
    mounts = {m["path"]: m for m in host["mounts"]}
    assert mounts["/tmp"]["nosuid"] and mounts["/tmp"]["nodev"] and not mounts["/tmp"]["noexec"] and mounts["/tmp"]["separate"]
    assert not mounts["/etc"]["separate"] and mounts["/etc"]["type"] == "ext4" and mounts["/tmp"]["place"]["line"] == 2


def test_auditd_and_updates():
    with Root() as root:
        root.write("etc/audit/auditd.conf", "max_log_file_action = keep_logs\nspace_left_action=email\n", 0o640)
        root.write("etc/audit/rules.d/10.rules", "-D\n-w /etc/kubernetes -p wa -k k8s\n-a always,exit -F path=/usr/bin/kubelet -F perm=x\n-e 2\n")
        root.write("var/lib/dpkg/status", "Package: openssl\nStatus: install ok installed\nVersion: 3.0.9-1\n\nPackage: sudo\nStatus: install ok installed\nVersion: 1:1.9.13p3-1+deb12u1\n")
        root.write("var/lib/apt/lists/security_Packages", "Package: openssl\nVersion: 3.0.11-1~deb12u2\n\nPackage: sudo\nVersion: 1.9.14-1\n\nPackage: openssl\nVersion: 3.0.11-1~deb12u1\n")
        host = root.facts()["host"]
    auditd = host["auditd"]
    setting(auditd["settings"], "maxLogFileAction", "keep_logs", "config")
    assert auditd["watched"] == ["/etc/kubernetes", "/usr/bin/kubelet"] and auditd["immutable"]["value"] is True
    pending = host["packages"]["updatesKnown"]["value"]
    assert [(p["name"], p["available"], p["security"]) for p in pending] == [("openssl", "3.0.11-1~deb12u2", True)]  # an epoch wins


def rpm_header(tags):
    """A header as rpm keeps it: N entries of tag, type, offset and count, and the data (rpm, docs/manual/format_header.md)."""
    index = data = b""
    for tag, value in tags:
        if isinstance(value, int):
            data += b"\0" * (-len(data) % 4)
            index += struct.pack(">4I", tag, 4, len(data), 1)
            data += struct.pack(">I", value)
        else:
            index += struct.pack(">4I", tag, 6, len(data), 1)
            data += value.encode() + b"\0"
    return struct.pack(">2I", len(tags), len(data)) + index + data


def rpm_package(name, version, release, epoch=None):
    more = [(1003, epoch)] if epoch is not None else []
    return rpm_header([(100, "C"), (1000, name), (1001, version), (1002, release), *more, (1004, "words"), (1022, "x86_64")])


def rpm_facts(headers, path="var/lib/rpm/rpmdb.sqlite", wal=False, change=None):
    """The facts of a node whose packages are HEADERS; with WAL, the last one lies in the WAL alone."""
    with Root() as root:
        root.write(path, "")
        root.write("usr/bin/containerd", "", 0o755)
        root.write("usr/bin/runc", "", 0o755)
        os.remove(root.at(path))
        db = sqlite3.connect(root.at(path), isolation_level=None)
        db.execute("PRAGMA page_size=4096")
        db.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        db.execute("CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
        for header in headers[:-1] if wal else headers:
            db.execute("INSERT INTO Packages (blob) VALUES (?)", (header,))
        if wal:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA wal_autocheckpoint=0")
            db.execute("INSERT INTO Packages (blob) VALUES (?)", (headers[-1],))
        if change:
            db.close()
            change(root.at(path))
        facts = root.facts()
        db.close()
    return facts


def versions(facts):
    return {p["name"]: p["version"] for p in facts["host"]["packages"]["relevant"]}


def rpm_gaps(facts):
    return [g for g in facts["gaps"] if "host.packages" in g["facts"]]


def test_a_database_of_rpm():
    packages = [rpm_package("bash", "5.1.8", "9.el9"), rpm_package("containerd.io", "1.7.26", "3.1.el9"), rpm_package("runc", "1.1.11", "1.el9", 4),
                rpm_header([(1000, "gpg-pubkey"), (1001, "8483c65d"), (1002, "5ccc5b19")]), rpm_package("kubelet", "1.33.2", "150500.1.1")]
    for path in ("var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite"):
        for wal in (False, True):
            facts = rpm_facts(packages, path, wal)
            assert facts["host"]["packages"]["manager"] == "rpm" and facts["host"]["packages"]["count"] == 4
            assert facts["host"]["packages"]["file"]["path"] == "/" + path and rpm_gaps(facts) == []
            known = versions(facts)
            assert known["kubelet"] == "1.33.2-150500.1.1" and known["runc"] == "4:1.1.11-1.el9", known
    assert facts["kubernetes"]["minor"] == 33
    one = {v["id"]: v for v in engine(facts, "containerd")["vulnerabilities"]}
    assert one["CVE-2024-40635"]["certain"] is True and one["CVE-2024-40635"]["version"] == "1.7.26"  # its project's own package
    oci = {v["id"]: v for v in facts["runtime"]["oci"][0]["vulnerabilities"]}
    assert oci["CVE-2024-21626"]["certain"] is False  # one that the distribution may have patched


def test_a_database_of_rpm_that_is_damaged():
    good = rpm_package("runc", "1.1.12", "1.el9")
    for bad in (b"", b"\0" * 7, struct.pack(">2I", 0xffffffff, 0), struct.pack(">2I", 1, 0xffffffff) + good[8:],
                struct.pack(">2I", 1, 4) + struct.pack(">4I", 1000, 6, 0xfffffff0, 1) + b"abcd", good[:-1], rpm_header([(1000, "a")]),
                rpm_header([(1000, 7), (1001, "1"), (1002, "1")]), b"\0" * (40 << 20)):
        facts = rpm_facts([bad, good] if len(bad) < 1 << 20 else [good, bad])
        assert versions(facts) == {"runc": "1.1.12-1.el9"}, (bad[:64], versions(facts))
        assert len(rpm_gaps(facts)) == 1 and "damaged" in rpm_gaps(facts)[0]["error"], rpm_gaps(facts)


def test_files_of_rpm_that_are_no_database():
    def cut(path):
        os.truncate(path, os.path.getsize(path) // 2)

    def spoil(path):
        with open(path, "r+b") as file:
            for at in range(4096, os.path.getsize(path), 97):
                file.seek(at)
                file.write(b"\xff")
    many = [rpm_package(f"p{i}", "1", "1") for i in range(500)]
    for change in (cut, spoil, lambda path: os.truncate(path, 0), lambda path: open(path, "wb").write(b"x" * 5000)):
        assert len(rpm_gaps(rpm_facts(many, change=change))) == 1


def test_older_databases_of_rpm_are_gaps():
    for path in ("var/lib/rpm/Packages", "var/lib/rpm/Packages.db", "usr/lib/sysimage/rpm/Packages.db"):
        with Root() as root:
            root.write(path, "x")
            facts = root.facts()
        assert len(rpm_gaps(facts)) == 1 and "SQLite" in rpm_gaps(facts)[0]["error"], (path, facts["gaps"])


main()
