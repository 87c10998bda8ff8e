#!/usr/bin/env python3
"""deploy/: valid manifests, with no more than what is explained."""
from lib import *

DEPLOY = os.path.join(ROOT, "deploy")
EXCEPTIONS = os.path.join(DEPLOY, "exceptions.yaml")


def findings(*arguments):
    return run("scan", DEPLOY, "-o", "json", *arguments)


def test_the_manifests_are_valid():
    r = run("scan", DEPLOY, "--rule", "schema", "-o", "json")
    assert not r.json["findings"] and not r.json["diagnostics"], r
    assert r.json["coverage"]["objects"] >= 7, r


def test_no_finding_is_unexplained():
    r = findings("--exceptions", EXCEPTIONS)
    assert not r.json["findings"] and r.status == 0, [(f["rule"], f["location"]["line"]) for f in r.json["findings"]]


def test_every_exception_is_needed():
    found = {f["rule"] for f in findings().json["findings"]}
    excepted = set()
    for line in open(EXCEPTIONS, encoding="utf-8"):
        if "rules: [" in line:
            excepted |= {rule.strip() for rule in line.split("[")[1].split("]")[0].split(",")}
    assert excepted == found, excepted ^ found


def test_the_pods_have_no_more_than_two_capabilities_and_a_read_only_host():
    for name in ("daemonset.yaml", "job.yaml"):
        text = open(os.path.join(DEPLOY, "node", name), encoding="utf-8").read()
        assert text.count("add: [") == 1 and "add: [DAC_READ_SEARCH, SYS_PTRACE]" in text, name
        assert "mountPath: /host\n" in text and text.count("readOnly: true\n") >= 1, name
        for word in ("privileged: true", "hostPID: true", "hostNetwork: true", "hostIPC: true"):
            assert word not in text, (name, word)


def test_facts_that_were_gathered_are_judged_together():
    """As docs/node.md gathers them: a file for each node, in one folder."""
    facts = {"apiVersion": "redoubt.io/v1", "kind": "NodeFacts", "kubelet": {
        "present": True, "config": {"readOnlyPort": {"value": 10255, "source": "config", "place": {"file": "/c", "line": 1, "column": 1}}}}}
    files = {f"{name}.json": json.dumps({**facts, "metadata": {"name": name}}) for name in ("worker-1", "worker-2")}
    with Folder(files) as folder:
        r = run("scan", folder, "--rule", "kubelet/node-read-only-port", "-o", "json")
    assert [f["resource"]["name"] for f in r.json["findings"]] == ["worker-1", "worker-2"], r


main()
