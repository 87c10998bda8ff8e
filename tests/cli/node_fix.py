#!/usr/bin/env python3
"""redoubt node fix: plans that keep comments, applied with copies, undone."""
import re
import stat

from lib import *

KUBELET = """# how this node runs pods
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous:
    enabled: true   # for the old monitoring
  webhook:
    enabled: true
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
authorization:
  mode: Webhook
readOnlyPort: 10255
"""
APISERVER = """apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
    - name: kube-apiserver
      image: registry.k8s.io/kube-apiserver:v1.33.2
      command:
        - kube-apiserver
        # asked for by the audit of 2025
        - --profiling=true
        - --authorization-mode=Node,RBAC
        - --enable-admission-plugins=AlwaysAdmit,DefaultStorageClass
        - --secure-port=6443
"""
UNIT = """[Service]
ExecStart=/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --kubeconfig=/etc/kubernetes/kubelet.conf
"""
SSHD = """# local rules
Port 22
permitrootlogin yes
Match User backup
  PermitRootLogin yes
"""
FILES = {
    "var/lib/kubelet/config.yaml": KUBELET,
    "etc/kubernetes/manifests/kube-apiserver.yaml": APISERVER,
    "etc/kubernetes/kubelet.conf": "apiVersion: v1\nkind: Config\nclusters: []\n",
    "etc/kubernetes/pki/ca.crt": "not a certificate\n",
    "usr/lib/systemd/system/kubelet.service": UNIT,
    "etc/ssh/sshd_config": SSHD,
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "etc/group": "root:x:0:\n",
    "proc/sys/kernel/dmesg_restrict": "0\n",
}


def node(root):
    """A folder that looks like a node, with modes as a careless installation leaves them."""
    for path in FILES:
        os.chmod(os.path.join(root, path), 0o644)
    os.chmod(os.path.join(root, "etc/kubernetes/manifests/kube-apiserver.yaml"), 0o666)
    return root


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def mode(root, path):
    return stat.S_IMODE(os.stat(os.path.join(root, path)).st_mode)


def state(root):
    """Every file below ROOT but for the records of fixes: contents and mode."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            if not path.startswith("var/lib/redoubt"):
                found[path] = read(root, path), mode(root, path)
    return found


def fix(root, *arguments):
    return run("node", "fix", "--root", root, *arguments)


# What is known of the host, for the steps that need no more than that.
HOST = {"apiVersion": "redoubt.io/v1", "kind": "NodeFacts", "metadata": {"name": "n"}, "kubelet": {"present": False}, "host": {
    "sysctl": {"kernel.dmesg_restrict": {"value": 0, "source": "live"}, "kernel.kptr_restrict": {"value": 0, "source": "live"}},
    "sshd": {"present": True, "file": {"path": "/etc/ssh/sshd_config"}, "settings": {
        "permitRootLogin": {"value": "yes", "source": "config"}, "maxAuthTries": {"value": 6, "source": "default"}}}}}
RULES = "kubelet/node-anonymous-auth,kubelet/node-read-only-port,kubelet/node-seccomp-default"


def test_a_plan_shows_differences_and_changes_nothing():
    with Folder(FILES) as root:
        before = state(node(root))
        r = fix(root, "--rule", RULES)
        assert r.status == 1 and state(root) == before, r
        assert "-    enabled: true   # for the old monitoring" in r.text and "+    enabled: false   # for the old monitoring" in r.text, r
        assert "-readOnlyPort: 10255\n+readOnlyPort: 0\n+seccompDefault: true\n" in r.text, r
        assert r.text.endswith("systemctl restart kubelet\n"), r


def test_applied_files_keep_their_comments_and_the_findings_are_gone():
    with Folder(FILES) as root:
        node(root)
        r = fix(root, "--rule", RULES, "--apply")
        assert r.status == 0, r
        wanted = KUBELET.replace("enabled: true   # for", "enabled: false   # for").replace("10255", "0") + "seccompDefault: true\n"
        assert read(root, "var/lib/kubelet/config.yaml") == wanted
        again = run("node", "--root", root, "--rule", RULES, "-o", "json")
        assert not again.json["findings"], again


def test_undo_restores_contents_modes_and_removes_what_was_made():
    with Folder(FILES) as root:
        before = state(node(root))
        r = fix(root, "--apply", "--rule", RULES + ",nodes/server-manifest,api/node-server-profiling")
        assert r.status == 0 and state(root) != before, r
        assert mode(root, "etc/kubernetes/manifests/kube-apiserver.yaml") == 0o600
        undone = fix(root, "--undo")
        assert undone.status == 0 and state(root) == before, undone


def fix_host(root, *arguments):
    with Folder({"facts.json": json.dumps(HOST)}) as folder:
        return fix(root, "--facts", os.path.join(folder, "facts.json"), *arguments)


def test_kernel_settings_go_into_a_file_of_their_own():
    with Folder(FILES) as root:
        before = state(node(root))
        r = fix_host(root, "--apply", "--rule", "nodes/kernel-messages,nodes/kernel-addresses")
        assert r.status == 0 and "sysctl --system" in r.text, r
        assert read(root, "etc/sysctl.d/99-redoubt.conf") == "kernel.kptr_restrict = 2\nkernel.dmesg_restrict = 1\n"
        undone = fix(root, "--undo")
        assert "removed /etc/sysctl.d/99-redoubt.conf" in undone.text and state(root) == before, undone


def test_a_kernel_setting_that_is_there_is_changed_where_it_is():
    with Folder({**FILES, "etc/sysctl.d/99-redoubt.conf": "# ours\nkernel.dmesg_restrict=0\nvm.swappiness = 1"}) as root:
        node(root)
        assert fix_host(root, "--apply", "--rule", "nodes/kernel-messages").status == 0
        assert read(root, "etc/sysctl.d/99-redoubt.conf") == "# ours\nkernel.dmesg_restrict = 1\nvm.swappiness = 1\n"


def test_flags_change_in_place_and_in_lists():
    with Folder(FILES) as root:
        node(root)
        r = fix(root, "--apply", "--rule", "api/node-server-profiling,api/node-server-always-admit,api/node-server-node-restriction,audit/log-age")
        assert r.status == 0, r
        assert read(root, "etc/kubernetes/manifests/kube-apiserver.yaml") == APISERVER.replace(
            "--profiling=true", "--profiling=false").replace(
            "=AlwaysAdmit,DefaultStorageClass", "=DefaultStorageClass,NodeRestriction") + "        - --audit-log-maxage=30\n"


def test_an_option_of_ssh_changes_in_the_global_part_alone():
    with Folder(FILES) as root:
        node(root)
        assert fix_host(root, "--apply", "--rule", "nodes/ssh-root,nodes/ssh-attempts").status == 0
        assert read(root, "etc/ssh/sshd_config") == "MaxAuthTries 4\n" + SSHD.replace("permitrootlogin yes", "PermitRootLogin no", 1)


def test_a_mode_only_loses_bits():
    with Folder(FILES) as root:
        node(root)
        os.chmod(os.path.join(root, "etc/kubernetes/kubelet.conf"), 0o444)
        assert fix(root, "--apply", "--rule", "kubelet/node-kubeconfig").status == 0
        assert mode(root, "etc/kubernetes/kubelet.conf") == 0o400


def test_what_cannot_be_edited_is_left_to_people():
    files = {**FILES, "usr/lib/systemd/system/kubelet.service": UNIT.replace("--kubeconfig", "--anonymous-auth=true --kubeconfig")}
    with Folder(files) as root:
        node(root)
        r = fix(root, "--rule", "kubelet/node-anonymous-auth")
        assert "# by hand, kubelet/node-anonymous-auth (a flag of the kubelet decides it):" in r.text, r


def test_a_file_that_changed_after_applying_is_left_alone_by_undo():
    with Folder(FILES) as root:
        node(root)
        assert fix(root, "--apply", "--rule", RULES + ",kubelet/node-kubeconfig").status == 0
        with open(os.path.join(root, "var/lib/kubelet/config.yaml"), "a", encoding="utf-8") as file:
            file.write("# by hand\n")
        r = fix(root, "--undo")
        assert r.status == 2 and "left alone, changed since: /var/lib/kubelet/config.yaml" in r.text, r
        assert read(root, "var/lib/kubelet/config.yaml").endswith("# by hand\n")
        assert mode(root, "etc/kubernetes/kubelet.conf") == 0o644


def test_undo_goes_back_one_by_one():
    with Folder(FILES) as root:
        first = state(node(root))
        assert fix(root, "--apply", "--rule", "kubelet/node-read-only-port").status == 0
        second = state(root)
        assert fix(root, "--apply", "--rule", "kubelet/node-seccomp-default").status == 0
        assert fix(root, "--undo").status == 0 and state(root) == second
        assert fix(root, "--undo").status == 0 and state(root) == first
        r = fix(root, "--undo")
        assert r.status == 2 and "nothing was applied" in r.err, r


def test_applying_twice_changes_nothing_more():
    with Folder(FILES) as root:
        node(root)
        assert fix(root, "--apply", "--rule", RULES).status == 0
        before = state(root)
        r = fix(root, "--apply", "--rule", RULES)
        assert r.status == 0 and r.text == "nothing to change\n" and state(root) == before, r


def test_links_do_not_lead_out_of_the_root():
    with Folder({"secret.yaml": KUBELET}) as outside, Folder({**FILES, "var/lib/kubelet/config.yaml": ""}) as root:
        node(root)
        path = os.path.join(root, "var/lib/kubelet/config.yaml")
        os.unlink(path)
        os.symlink(os.path.join(outside, "secret.yaml"), path)
        fix(root, "--apply")
        assert read(outside, "secret.yaml") == KUBELET and os.listdir(outside) == ["secret.yaml"]


def test_a_link_is_left_to_people():
    with Folder({**FILES, "var/lib/kubelet/real.yaml": KUBELET}) as root:
        node(root)
        path = os.path.join(root, "var/lib/kubelet/config.yaml")
        os.unlink(path)
        os.symlink("real.yaml", path)
        r = fix(root, "--rule", "kubelet/node-read-only-port")
        assert re.search(r"by hand, kubelet/node-read-only-port \(.*(link|Too many levels).*\)", r.text), r


def test_an_id_cannot_lead_elsewhere():
    with Folder(FILES) as root:
        for name in ("../../../etc", "x", "", "20260101T000000Z-00/.."):
            r = fix(root, "--undo", "--id", name)
            assert r.status == 2, (name, r)


def test_the_plan_as_json():
    with Folder(FILES) as root:
        node(root)
        plan = fix(root, "--rule", RULES + ",kubelet/node-kubeconfig,api/node-server-anonymous-auth", "-o", "json").json
        files = {file["path"]: file for file in plan["files"]}
        assert files["/var/lib/kubelet/config.yaml"]["rules"] == RULES.split(",")
        assert files["/etc/kubernetes/kubelet.conf"]["is"].startswith("0644 ")
        assert files["/etc/kubernetes/kubelet.conf"]["becomes"].startswith("0600 ")
        assert [m["rule"] for m in plan["manual"]] == ["api/node-server-anonymous-auth"]
        assert plan["commands"] == ["systemctl restart kubelet"]


def test_every_step_of_a_rule_is_understood():
    steps = {"kubelet": 2, "flag": 3, "flag+": 3, "flag-": 3, "sysctl": 2, "sshd": 2, "mode": 1, "owner": 0}
    count = 0
    for rule in run("policy", "list", "-o", "json").json:
        text = open(os.path.join(ROOT, rule["source"]), encoding="utf-8").read()
        match = re.search(r"redoubt\.io/node-fix: (?:\|\n((?: {6}.*\n)+)|(.*)\n)", text)
        for line in (match[1] or match[2]).strip().splitlines() if match else []:
            word, *rest = line.split()
            assert len(rest) >= steps[word] and (steps[word] or not rest), (rule["id"], line)
            count += 1
    assert count > 100, count


main()
