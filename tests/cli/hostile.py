#!/usr/bin/env python3
"""Hostile input: a clear error, bounded time and memory, the rest judged."""
import time

from lib import *

PRIVILEGED = "---\n" + BAD


def judged_anyway(r):
    assert r.status == 3, r
    assert any(f["rule"] == "pods/privileged" for f in r.json["findings"]), r


def test_nested_lists_and_maps():
    for nested in ("[" * 5000, "{a: " * 5000, "[" * 5000 + "]" * 5000, "- " * 5000 + "x", "? " * 5000, '{"a":' * 100000,
                   "".join(" " * i + "a:\n" for i in range(2000))):
        started = time.monotonic()
        r = scan("a: " + nested + "\n" + PRIVILEGED if nested[0] in "[{" else nested + "\n" + PRIVILEGED, "-o", "json")
        judged_anyway(r)
        message = r.json["diagnostics"][0]["message"]
        # Maps as keys are refused before they nest.
        assert "--max-depth" in message or nested[0] == "?", message
        assert time.monotonic() - started < 20


def test_alias_bombs():
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    r, memory = peak_mb("scan", "-", "-o", "json", stdin=bomb + PRIVILEGED)
    judged_anyway(r)
    assert "alias" in r.json["diagnostics"][0]["message"] and memory < 300, (r, memory)


def test_merge_key_bombs():
    bomb = "a0: &a0 {k0: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}], k{i}: {{<<: *a{i - 1}}}}}\n" for i in range(1, 60))
    r, memory = peak_mb("scan", "-", "-o", "json", stdin=bomb + PRIVILEGED)
    assert r.status == 3 and memory < 400, (r, memory)


def test_an_alias_to_itself():
    judged_anyway(scan("a: &a [*a]\n" + PRIVILEGED, "-o", "json"))
    judged_anyway(scan("a: *nowhere\n" + PRIVILEGED, "-o", "json"))


def test_one_line_of_100_mb():
    line = "a: " + "x" * (100 << 20)
    r, memory = peak_mb("scan", "-", "-o", "json", stdin=line)
    assert r.status in (2, 3) and memory < 600, (r.status, r.err, memory)
    with Folder({"a.yaml": line, "b.yaml": BAD}) as path:
        judged_anyway(run("scan", path, "-o", "json"))
        r = run("scan", path, "-o", "json", "--max-file-size", "200M")
        judged_anyway(r)


def test_nul_bytes_and_invalid_utf8():
    for junk in (b"a: \x00\n", b"a: \xff\xfe\n", b"a: \xc0\x80\n", b"\x00\x01\x02", b"a: \x1b[31m\n"):
        with Folder({"a.yaml": junk, "b.yaml": BAD}) as path:
            r = run("scan", path, "-o", "json")
            judged_anyway(r)
            assert r.json["diagnostics"][0]["line"] >= 1, r


def test_a_million_tiny_documents():
    r, memory = peak_mb("scan", "-", "-o", "json", stdin="a: 1\n---\n" * 1000000)
    assert r.status == 3 and memory < 400, (r.status, memory)
    r, memory = peak_mb("scan", "-", "-o", "json", stdin=("---\n" + GOOD.replace("\ndata:\n  colour: blue", "")) * 100000)
    assert r.json["coverage"]["objects"] == 100000 and memory < 400, memory


def test_cycles_of_links_a_fifo_and_an_unreadable_file():
    with Folder({"a.yaml": BAD, "sub/b.yaml": GOOD}) as path:
        os.symlink("..", os.path.join(path, "sub", "up"))
        os.symlink("loop.yaml", os.path.join(path, "loop.yaml"))
        os.mkfifo(os.path.join(path, "pipe.yaml"))
        os.symlink("/proc/self/mem", os.path.join(path, "mem.yaml"))
        r = run("scan", path, "-o", "json")
        judged_anyway(r)
        named = " ".join(d["file"] for d in r.json["diagnostics"])
        assert "pipe.yaml" in named and "loop.yaml" in named and "mem.yaml" in named, r


def test_an_unreadable_file():
    with Folder({"a.yaml": BAD, "no.yaml": BAD}) as path:
        os.chmod(path, 0o755)
        os.chmod(os.path.join(path, "no.yaml"), 0)
        if os.geteuid() == 0:
            process = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", REDOUBT, "scan", path, "-o", "json"],
                                     capture_output=True, check=False)
            r = Result(process)
            if "setpriv" in r.err or process.returncode in (126, 127):
                raise Skip("the binary cannot be run as another user here")
        else:
            r = run("scan", path, "-o", "json")
        judged_anyway(r)
        assert "no.yaml" in r.json["diagnostics"][0]["file"], r


def test_a_file_that_shrinks_while_it_is_read():
    import threading
    with Folder({"a.yaml": PRIVILEGED * 200000}) as path:
        name = os.path.join(path, "a.yaml")
        timer = threading.Timer(0.02, lambda: os.truncate(name, 1000))
        timer.start()
        r = run("scan", path, "-o", "json")
        timer.join()
        assert r.status in (1, 3), r


def policy(expression):
    return ("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: hostile}\nspec:\n"
            "  matchConstraints:\n    resourceRules:\n    - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], "
            "resources: [configmaps]}\n  validations:\n  - expression: |-\n      " + expression + "\n")


def judge_with(expression, text=GOOD):
    with Folder({"p.yaml": policy(expression)}) as path:
        return scan(text, "-o", "json", "--no-catalogue", "--rules", path)


def test_an_endless_comprehension_and_a_pathological_regex():
    numbers = "[" + ",".join(str(i) for i in range(100)) + "]"
    nest = f"{numbers}.all(a, {numbers}.all(b, {numbers}.all(c, {numbers}.all(d, {numbers}.all(e, a + b + c + d + e >= 0)))))"
    r = judge_with(nest)
    assert r.status == 1 and "cost" in r.json["findings"][0]["message"], r
    r = judge_with("!object.data.colour.matches('^(a+)+$')", GOOD.replace("blue", "a" * 100000 + "b"))
    assert r.status == 0, r
    r = judge_with("object.data.colour.matches('((a{1,100}){1,100}){1,100}')")
    assert r.status in (1, 2), r
    r = judge_with("object.data.colour.matches('(')")
    assert r.status == 2 and "p.yaml:10" in r.err, r


def test_expressions_that_are_too_deep_or_too_long():
    assert judge_with("(" * 5000 + "true" + ")" * 5000).status == 2
    assert judge_with("true" + " && true" * 20000).status == 2
    assert judge_with("!" * 5000 + "true").status in (0, 1, 2)


def test_text_that_drives_a_terminal_is_escaped():
    text = BAD.replace("name: c\n", "name: \"c\\e]0;owned\\a\\e[2J\\u202e\"\n")
    for form in ("text", "brief", "table", "wide"):
        r = scan(text, "-o", form)
        assert b"\x1b" not in r.out and "\u202e".encode() not in r.out, (form, r)


main()
