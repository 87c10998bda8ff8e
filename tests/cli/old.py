#!/usr/bin/env python3
"""scan --old: what is in both versions is judged as an UPDATE, what is only in the old one as a DELETE."""
import shutil

from lib import *

RULES = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: changes}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: ['*'], resources: [deployments]}
  validations:
  - expression: "false"
    messageExpression: >-
      request.operation + ' ' + string(oldObject == null ? -1 : oldObject.spec.replicas) + ' '
      + string(object == null ? -1 : object.spec.replicas)
"""


def deployment(name, replicas, namespace="shop"):
    metadata = f"{{name: {name}, namespace: {namespace}}}" if name else f"{{generateName: web-, namespace: {namespace}}}"
    return f"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {metadata}\nspec:\n  replicas: {replicas}\n"


def changes(new, old, *arguments):
    """(file name, message) of each finding, for folders of these files."""
    with Folder({"rules.yaml": RULES, "new/.keep": "", "old/.keep": "", **{f"new/{n}": t for n, t in new.items()},
                 **{f"old/{n}": t for n, t in old.items()}}) as folder:
        r = run("scan", "new", "--old", "old", "-r", "rules.yaml", "--no-catalogue", "-o", "json", *arguments, cwd=folder)
        return sorted((f["location"]["file"], f["message"]) for f in r.json["findings"]), r


def git(folder, *arguments):
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main",
                    "-C", folder, *arguments], check=True, capture_output=True)


def repository(folder):
    """A repository whose HEAD holds app/a.yaml with Deployments web and gone, and whose working tree changed web."""
    os.mkdir(os.path.join(folder, "app"))
    put(folder, "app/a.yaml", deployment("web", 3) + deployment("gone", 1))
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    put(folder, "app/a.yaml", deployment("web", 2))
    put(folder, "rules.yaml", RULES)


def put(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def need_git():
    if not shutil.which("git"):
        raise Skip("there is no git")


def test_pairs_are_updates_others_are_created_or_deleted():
    found, r = changes({"b.yaml": deployment("web", 2) + deployment("fresh", 5)}, {"a.yaml": deployment("web", 3) + deployment("gone", 1)})
    assert found == [("new/b.yaml", "CREATE -1 5"), ("new/b.yaml", "UPDATE 3 2"), ("old/a.yaml", "DELETE 1 -1")], r
    coverage = r.json["coverage"]
    assert (coverage["created"], coverage["updated"], coverage["deleted"]) == (1, 1, 1), r


def test_a_namespace_or_a_generated_name_makes_another_object():
    found, r = changes({"a.yaml": deployment("web", 2, "two") + deployment("", 7)}, {"a.yaml": deployment("web", 3, "one") + deployment("", 7)})
    assert [message for _, message in found] == ["CREATE -1 2", "CREATE -1 7", "DELETE 3 -1"], r


def test_the_same_object_in_several_files_is_paired_by_file():
    old = {"dev/a.yaml": deployment("web", 1), "prod/a.yaml": deployment("web", 9)}
    found, r = changes({"dev/a.yaml": deployment("web", 2), "prod/a.yaml": deployment("web", 8)}, old)
    assert found == [("new/dev/a.yaml", "UPDATE 1 2"), ("new/prod/a.yaml", "UPDATE 9 8")], r
    found, r = changes({"other.yaml": deployment("web", 5)}, old)
    assert found == [("new/other.yaml", "UPDATE 1 5")], r


def test_the_number_of_threads_does_not_matter():
    new = {f"{i}.yaml": deployment(f"n{i}", i) for i in range(60)}
    old = {f"{i}.yaml": deployment(f"n{i}", 2 * i) for i in range(30, 90)}
    assert changes(new, old, "-j", "1")[1].out == changes(new, old, "-j", "8")[1].out


def test_what_is_broken_in_the_old_version_is_said():
    found, r = changes({"a.yaml": deployment("web", 2)}, {"a.yaml": "a: [\n" + deployment("web", 3)})
    assert r.status == 3 and ("new/a.yaml", "UPDATE 3 2") in found, r
    assert any(d["file"] == "old/a.yaml" and d["incomplete"] for d in r.json["diagnostics"]), r


def test_pod_templates_get_the_template_that_was():
    rule = RULES.replace("[apps]", "['']").replace("deployments", "pods").replace("spec.replicas", "spec.containers.size()").replace(
        "{name: changes}", "{name: changes, annotations: {redoubt.io/judge: pod-templates}}")
    text = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [%s]}}}\n"
    with Folder({"r.yaml": rule, "old.yaml": text % "{name: a}", "new.yaml": text % "{name: a}, {name: b}"}) as folder:
        r = run("scan", "new.yaml", "--old", "old.yaml", "-r", "r.yaml", "--no-catalogue", "-o", "brief", cwd=folder)
        assert "UPDATE 1 2" in r.text, r


def test_a_git_revision_is_an_old_version():
    need_git()
    with tempfile.TemporaryDirectory() as folder:
        repository(folder)
        for revision, path, shown in (("HEAD", "app", "app/a.yaml"), ("git:HEAD", "app/a.yaml", "app/a.yaml"), ("main", "app/", "app/a.yaml")):
            r = run("scan", path, "--old", revision, "-r", "rules.yaml", "--no-catalogue", "-o", "json", cwd=folder)
            found = [(f["location"]["file"], f["message"]) for f in r.json["findings"]]
            assert sorted(found) == sorted([(f"{revision.removeprefix('git:')}:{shown}", "DELETE 1 -1"), (shown, "UPDATE 3 2")]), r
        os.mkdir(os.path.join(folder, "fresh"))
        put(folder, "fresh/b.yaml", deployment("b", 4))
        r = run("scan", "fresh", "--old", "HEAD", "-r", "rules.yaml", "--no-catalogue", "-o", "brief", cwd=folder)
        assert "CREATE -1 4" in r.text and r.status == 1, r


def test_what_is_ignored_now_is_ignored_in_the_revision():
    need_git()
    with tempfile.TemporaryDirectory() as folder:
        repository(folder)
        put(folder, "app/.redoubtignore", "b*.yaml\n")
        for name in ("b1.yaml", ".hidden.yaml", "notes.txt"):
            put(folder, f"app/{name}", deployment("left-out", 1))
        git(folder, "add", "app/b1.yaml", "app/.hidden.yaml", "app/notes.txt")
        git(folder, "commit", "-qm", "second")
        r = run("scan", "app", "--old", "HEAD", "-r", "rules.yaml", "--no-catalogue", "-o", "brief", cwd=folder)
        assert "left-out" not in r.text and r.text.count("\n") == 2, r


def test_what_is_no_version_is_an_error():
    need_git()
    with tempfile.TemporaryDirectory() as folder:
        put(folder, "a.yaml", GOOD)
        r = run("scan", "a.yaml", "--old", "nosuch", cwd=folder)
        assert r.status == 2 and '"nosuch" is neither a file or folder nor a git revision' in r.err, r
        assert run("scan", "-", "--old", "HEAD", stdin=GOOD, cwd=folder).status == 2
        assert run("scan", "a.yaml", "--new-only", cwd=folder).status == 2
        repository(folder)
        for revision in ("--output=/tmp/x", "HEAD~7", "git:-h", "HEAD:app"):
            assert run("scan", "app", f"--old={revision}", cwd=folder).status == 2, revision
        r = run("scan", "app", "--old", "HEAD", cwd=folder, env={"PATH": "/nonexistent"})
        assert r.status == 2 and "cannot run git" in r.err, r


def test_new_only_leaves_out_what_was_there_before():
    worse = BAD + "---\n" + BAD.replace("name: bad", "name: worse")
    with Folder({"old/a.yaml": BAD, "new/b.yaml": "# moved\n\n" + worse}) as folder:
        r = run("scan", "new", "--old", "old", "--new-only", "--rule", "pods/privileged", "-o", "json", cwd=folder)
        assert r.status == 1 and [f["resource"]["name"] for f in r.json["findings"]] == ["worse"], r
        assert r.json["coverage"]["known"] == 1, r
        r = run("scan", "old", "--old", "old", "--new-only", cwd=folder)
        assert r.status == 0 and "of the old version left out" in r.text, r


main()
