#!/usr/bin/env python3
"""Exit statuses, errors and options of the real binary."""
from lib import *


def test_clean_is_0_and_says_what_was_judged():
    r = scan(GOOD)
    assert r.status == 0, r
    assert "clean" in r.text and "1 object" in r.text, r


def test_findings_are_1():
    r = scan(BAD)
    assert r.status == 1 and "pods/privileged" in r.text, r


def test_fail_on():
    assert scan(BAD, "--fail-on", "critical").status == 1
    assert scan(BAD, "--fail-on", "never").status == 0
    low = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: n}\nspec: {containers: [{name: c, image: 'r.io/c:1', stdin: true}]}\n"
    severities = {f["severity"] for f in scan_json(low)["findings"]}
    assert "critical" not in severities and scan(low, "--fail-on", "critical").status == 0


def test_broken_document_is_3_and_the_others_are_judged():
    r = scan(BAD + "---\na: [1, 2\nb: }\n---\n" + GOOD, "-o", "json")
    assert r.status == 3, r
    report = r.json
    assert report["coverage"]["objects"] == 2 and report["coverage"]["notJudged"] == 1, report["coverage"]
    assert any(f["rule"] == "pods/privileged" for f in report["findings"])
    assert report["diagnostics"][0]["line"] in (13, 14) and report["diagnostics"][0]["column"] > 0, report["diagnostics"]


def test_incomplete_never_says_clean():
    r = scan(GOOD + "---\n{\n")
    assert r.status == 3 and "clean" not in r.text, r


def test_nothing_to_judge_is_not_clean():
    for text in ("", "# only a comment\n", "a: 1\n", "- 1\n- 2\n", "just text\n"):
        r = scan(text)
        assert r.status == 3 and "clean" not in r.text, (text, r)


def test_a_path_that_does_not_exist_is_2():
    r = run("scan", "/does/not/exist")
    assert r.status == 2 and "/does/not/exist" in r.err and r.out == b"", r


def test_unknown_options_and_verbs_suggest_the_near_one():
    r = run("scan", "--formta", "x")
    assert r.status == 2 and "--formta" in r.err, r
    r = run("scan", "--framewrok", "x")
    assert r.status == 2 and "--framework" in r.err, r
    r = run("scna")
    assert r.status == 2 and "scan" in r.err, r


def test_unknown_rule_framework_and_format_are_2():
    r = scan(GOOD, "--rule", "pods/priviledged")
    assert r.status == 2 and "pods/privileged" in r.err, r
    r = scan(GOOD, "--framework", "nope")
    assert r.status == 2 and "pss-baseline" in r.err, r
    assert scan(GOOD, "-o", "yaml").status == 2


def test_no_color_and_color():
    assert b"\x1b[" not in scan(BAD).out
    assert b"\x1b[" in scan(BAD, "--color", "always").out
    assert b"\x1b[" in scan(BAD, "--color", "always", env={"NO_COLOR": "1"}).out


def test_help_and_version():
    for arguments in ([], ["--help"], ["help"], ["scan", "--help"], ["help", "scan"], ["policy", "--help"],
                      ["policy", "test", "--help"], ["explain", "--help"]):
        r = run(*arguments)
        assert r.status in (0, 2) and (r.text + r.err).count("\n") > 5, (arguments, r)
    assert run("version").text.startswith("redoubt ") and run("--version").status == 0


def test_full_disk_is_an_error():
    with open("/dev/full", "wb") as full:
        process = subprocess.run([REDOUBT, "scan", "-", "-o", "json"], input=BAD.encode(), stdout=full,
                                 stderr=subprocess.PIPE, check=False)
    assert process.returncode == 2 and b"redoubt:" in process.stderr, process


def test_explain():
    r = run("explain", "pods/privileged")
    assert r.status == 0 and "privileged" in r.text and "pss-baseline" in r.text, r
    assert run("explain", "pods/priviledged").status == 2


def test_completion_knows_every_verb():
    for shell in ("bash", "zsh", "fish"):
        r = run("completion", shell)
        assert r.status == 0 and "scan" in r.text and "framework" in r.text, r


main()
