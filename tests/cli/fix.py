#!/usr/bin/env python3
"""redoubt fix: what it changes, what it refuses, and how it writes."""
import stat

from lib import *

PRIVILEGED = BAD
RULES = ("--rule", "pods/privileged")


def fix(folder, *arguments, **options):
    return run("fix", *arguments, cwd=folder, **options)


def read(folder, name):
    with open(os.path.join(str(folder), name), encoding="utf-8", newline="") as file:
        return file.read()


def test_nothing_is_written_without_write():
    with Folder({"a.yaml": PRIVILEGED}) as folder:
        r = fix(folder, "--unsafe", *RULES, ".")
        assert r.status == 1, r
        assert "-        privileged: true\n+        privileged: false\n" in r.text, r
        assert read(folder, "a.yaml") == PRIVILEGED


def test_diff_is_the_default():
    with Folder({"a.yaml": PRIVILEGED}) as folder:
        r = fix(folder, "--unsafe", "--diff", *RULES, ".")
        assert r.status == 1 and r.text == fix(folder, "--unsafe", *RULES, ".").text, r
        assert fix(folder, "--diff", "-o", "json", ".").status == 2


def test_a_privileged_container_is_the_reason():
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - {name: c, image: i, securityContext: {privileged: true}}\n"
    with Folder({"a.yaml": pod}) as folder:
        r = fix(folder, "--unsafe", "-o", "text", "--rule", "pods/privilege-escalation", ".")
        assert "a privileged container can always gain privileges" in r.text and "still there" not in r.text, r


def test_the_patch_can_be_applied():
    with Folder({"a.yaml": PRIVILEGED}) as folder:
        r = fix(folder, "--unsafe", *RULES, ".")
        subprocess.run(["patch", "-p0", "--quiet"], input=r.out, cwd=str(folder), check=True)
        assert read(folder, "a.yaml") == PRIVILEGED.replace("privileged: true", "privileged: false")


def test_what_may_break_is_left_out():
    with Folder({"a.yaml": PRIVILEGED}) as folder:
        r = fix(folder, *RULES, "--write", ".")
        assert r.status == 0 and "--unsafe" in r.err, r
        assert read(folder, "a.yaml") == PRIVILEGED
        listed = fix(folder, *RULES, "-o", "text", ".")
        assert listed.text.startswith("unsafe     critical ./a.yaml:") or listed.text.startswith("unsafe     critical a.yaml:"), listed


def test_write_changes_the_file_and_keeps_its_mode():
    with Folder({"a.yaml": PRIVILEGED, "b.yaml": GOOD}) as folder:
        path = os.path.join(str(folder), "a.yaml")
        os.chmod(path, 0o640)
        before = os.stat(os.path.join(str(folder), "b.yaml")).st_mtime_ns
        r = fix(folder, "--unsafe", "--write", *RULES, ".")
        assert r.status == 0 and r.text == "", r
        assert read(folder, "a.yaml") == PRIVILEGED.replace("privileged: true", "privileged: false")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
        assert os.stat(os.path.join(str(folder), "b.yaml")).st_mtime_ns == before
        assert sorted(os.listdir(str(folder))) == ["a.yaml", "b.yaml"]
        again = fix(folder, "--unsafe", *RULES, ".")
        assert again.status == 0 and again.text == "" and "nothing to change" in again.err, again


def test_a_link_stays_a_link():
    with Folder({"real/a.yaml": PRIVILEGED}) as folder:
        os.symlink(os.path.join("real", "a.yaml"), os.path.join(str(folder), "link.yaml"))
        r = fix(folder, "--unsafe", "--write", *RULES, "real", "link.yaml")
        assert os.path.islink(os.path.join(str(folder), "link.yaml")), r
        assert "privileged: false" in read(folder, "real/a.yaml"), r


def test_several_fixes_of_one_object_are_combined():
    with Folder({"a.yaml": BAD}) as folder:
        r = fix(folder, "--unsafe", "--write", "--practice", "pods", "a.yaml")
        assert r.status == 0, r
        text = read(folder, "a.yaml")
        assert text.count("securityContext:") == 2, text  # of the container, and of the pod
        for line in ("privileged: false", "allowPrivilegeEscalation: false", "readOnlyRootFilesystem: true", "- ALL",
                     "runAsNonRoot: true", "type: RuntimeDefault", "automountServiceAccountToken: false"):
            assert line in text, (line, text)
        left = run("scan", "--rule", "pods", "-o", "json", "a.yaml", cwd=folder)
        assert [f["rule"] for f in left.json["findings"] if "limit" not in f["rule"]] == [], left.text


def test_documents_and_comments_around_stay():
    text = ("# first\n" + GOOD + "---\n# second\n" + BAD + "---\n# nothing\n---\n" + GOOD.replace("good", "last") + "# end")
    with Folder({"a.yaml": text}) as folder:
        assert fix(folder, "--unsafe", "--write", *RULES, "a.yaml").status == 0
        assert read(folder, "a.yaml") == text.replace("privileged: true", "privileged: false")


def test_items_of_lists_are_changed_in_place():
    item = "".join("  " + line + "\n" for line in BAD.splitlines())
    text = "apiVersion: v1\nkind: List\nitems:\n" + ("- " + item[2:]) + ("- " + item[2:].replace("name: bad", "name: other"))
    with Folder({"a.yaml": text}) as folder:
        assert fix(folder, "--unsafe", "--write", *RULES, "a.yaml").status == 0
        assert read(folder, "a.yaml") == text.replace("privileged: true", "privileged: false")


def test_line_ends_and_byte_order_marks_stay():
    text = "\ufeff" + BAD.replace("\n", "\r\n")
    with Folder({"a.yaml": text}) as folder:
        with open(os.path.join(str(folder), "a.yaml"), "wb") as file:
            file.write(text.encode())
        assert fix(folder, "--unsafe", "--write", "--rule", "pods/privileged,pods/seccomp-missing", "a.yaml").status == 0
        fixed = read(folder, "a.yaml")
        assert fixed.startswith(text.replace("privileged: true", "privileged: false")), repr(fixed)
        assert fixed.endswith("  securityContext:\r\n    seccompProfile:\r\n      type: RuntimeDefault\r\n"), repr(fixed)


def test_what_an_alias_stands_for_is_not_changed():
    text = ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
            "  - name: a\n    image: registry.example.com/c:1.0\n    securityContext: &s {privileged: true}\n"
            "  - name: b\n    image: registry.example.com/c:1.0\n    securityContext: *s\n")
    with Folder({"a.yaml": text}) as folder:
        r = fix(folder, "--unsafe", "--write", *RULES, "-o", "text", "a.yaml")
        assert "impossible" in r.text and "alias" in r.text, r
        assert read(folder, "a.yaml") == text


def test_secrets_do_not_appear_in_a_diff():
    value = "c3VwZXJzZWNyZXR2YWx1ZQ=="
    text = ("apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  annotations:\n"
            f"    kubectl.kubernetes.io/last-applied-configuration: '{{\"data\":{{\"password\":\"{value}\"}}}}'\n"
            f"data:\n  password: {value}\n")
    with Folder({"a.yaml": text}) as folder:
        for form in ("diff", "json", "text"):
            r = fix(folder, "--rule", "secrets/last-applied", "-o", form, "a.yaml")
            assert r.status == 1 and value not in r.text, r
        assert fix(folder, "--rule", "secrets/last-applied", "--write", "a.yaml").status == 0
        assert read(folder, "a.yaml").count(value) == 1


def test_json_says_what_is_changed():
    with Folder({"a.yaml": BAD}) as folder:
        r = fix(folder, "--unsafe", "-o", "json", *RULES, "a.yaml")
        (only,) = r.json["fixes"]
        assert only["rule"] == "pods/privileged" and only["state"] == "offered" and only["mayBreak"], only
        assert only["changes"] == [{"op": "set", "file": "a.yaml", "line": 1, "path": "spec.containers[0].securityContext.privileged",
                                    "value": False}], only
        assert only["findings"][0]["line"] == 11, only
        assert r.json["files"][0]["path"] == "a.yaml" and r.json["complete"] and not r.json["written"], r.json


def test_a_fix_that_brings_a_worse_finding_is_refused():
    rule = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %s, labels: {redoubt.io/severity: %s}}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]}
  validations: [{expression: "%s"}]
"""
    mutation = """---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: fix-red, annotations: {redoubt.io/fix-of: red}}
spec:
  reinvocationPolicy: Never
  failurePolicy: Fail
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]}
  mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: 'Object{data: {"colour": "%s"}}'}}]
"""
    for colour, severity, offered in (("green", "high", False), ("green", "low", True), ("white", "high", True), ("red", "low", False)):
        files = {"r/a.yaml": rule % ("red", "medium", "object.data.colour != 'red'") + mutation % colour,
                 "r/b.yaml": rule % ("green", severity, "object.data.colour != 'green'"),
                 "m/c.yaml": GOOD.replace("blue", "red")}
        with Folder(files) as folder:
            r = fix(folder, "--no-catalogue", "--rules", "r", "-o", "json", "m")
            (only,) = r.json["fixes"]
            assert (only["state"] == "offered") == offered, (colour, severity, only)
            if not offered:
                assert "green" in only["reason"] or "still there" in only["reason"], only


def test_standard_input_is_shown_and_not_written():
    r = run("fix", "--unsafe", *RULES, "-", stdin=BAD)
    assert r.status == 1 and "+        privileged: false" in r.text, r
    r = run("fix", "--unsafe", "--write", *RULES, "-", stdin=BAD)
    assert r.status == 2 and "standard input" in r.err, r


def test_what_cannot_be_judged_is_incomplete():
    with Folder({"a.yaml": BAD, "b.yaml": "kind: [\n"}) as folder:
        r = fix(folder, "--unsafe", *RULES, "-q", ".")
        assert r.status == 3 and "b.yaml" in r.err and "+        privileged: false" in r.text, r


def test_a_report_says_that_there_is_a_fix():
    r = scan(BAD, "--rule", "pods/privileged")
    assert "change: redoubt fix --rule pods/privileged" in r.text, r


def test_files_that_cannot_be_written_are_left_alone():
    if os.geteuid() == 0:
        raise Skip("root may write everywhere")
    with Folder({"d/a.yaml": BAD}) as folder:
        os.chmod(os.path.join(str(folder), "d"), 0o555)
        r = fix(folder, "--unsafe", "--write", *RULES, "d")
        os.chmod(os.path.join(str(folder), "d"), 0o755)
        assert r.status == 2 and "d/a.yaml" in r.err and read(folder, "d/a.yaml") == BAD, r


main()
