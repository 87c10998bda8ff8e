#!/usr/bin/env python3
"""Frameworks: their tables agree with the rules, and reports say of every item whether it passes, and why."""
from lib import *

BENCHMARKS = ["cis-k8s-1.12", "cis-k8s-2.0.1", "cis-eks-1.8", "cis-gke-1.9", "cis-aks-1.8", "cis-docker-1.6"]


def tables():
    """Every framework by its id, with its items in order."""
    return {framework["id"]: framework["items"] for framework in run("policy", "frameworks", "-o", "json").json}


def rules():
    """The controls of every rule of the catalogue, by its id."""
    return {rule["id"]: set(rule["controls"]) for rule in run("policy", "list", "-o", "json").json}


def controls(*arguments):
    """The controls of a report, by id."""
    return {control["id"]: control for control in run(*arguments, "-o", "json").json["controls"]}


def test_every_item_has_a_rule_or_a_reason():
    catalogue, items = rules(), tables()
    for framework in [*BENCHMARKS, "nsa-1.2"]:
        for item in items[framework]:
            where = (framework, item["id"])
            assert item["title"] and item["id"], where
            assert item["judged"] == ("manual" if item["reason"] else "automated"), where
            assert item["reason"] or item["rules"], f"no rule judges {where}"
            assert set(item["rules"]) <= set(catalogue), where


def test_the_rules_of_an_item_are_those_that_name_it():
    catalogue = rules()
    for framework, items in tables().items():
        if framework in ("cis-k8s-2.0.1", "pss-restricted"):  # their items are partly those of others
            continue
        for item in items:
            names = {f"{framework}:{item['id']}", *item["as"]}
            naming = [rule for rule, named in catalogue.items() if named & names or f"rule:{rule}" in names]
            assert [r for r in item["rules"] if r in catalogue] == naming, (framework, item["id"])


def test_ids_are_unique_within_a_benchmark():
    for framework in BENCHMARKS:
        ids = [item["id"] for item in tables()[framework]]
        assert len(ids) == len(set(ids)), framework


def test_every_control_of_a_rule_exists():
    known = {f"{framework}:{item['id']}" for framework, items in tables().items() for item in items}
    for rule, named in rules().items():
        assert named <= known, (rule, named - known)


def test_what_an_item_is_the_same_as_exists():
    catalogue, items = rules(), tables()
    known = {f"{framework}:{item['id']}" for framework in items for item in items[framework]}
    for framework in items:
        for item in items[framework]:
            for same in item["as"]:
                assert same in known or same.removeprefix("rule:") in catalogue, (framework, item["id"], same)


# CIS Kubernetes 1.12: how many items each part has.
PARTS = {"1": 60, "2": 7, "3": 5, "4": 25, "5": 34}


def test_cis_has_131_items_and_at_most_20_are_left_to_people():
    items = tables()["cis-k8s-1.12"]
    assert {part: sum(i["id"].split(".")[0] == part for i in items) for part in PARTS} == PARTS
    assert len(items) == 131 and sum(item["judged"] == "manual" for item in items) <= 20
    assert sum(item["benchmark"] == "automated" for item in items) == 65


def test_a_report_has_every_item_of_a_benchmark():
    items = tables()
    for name in BENCHMARKS:
        report = run("scan", "--framework", name, "-o", "json", "examples/shop", cwd=ROOT).json
        assert [c["id"] for c in report["controls"]] == [item["id"] for item in items[name]], name
        assert {c["framework"] for c in report["controls"]} == {name}, name


def test_the_page_has_the_tables_as_they_are():
    page = open(os.path.join(ROOT, "docs", "cis.md"), encoding="utf-8").read()
    for name in BENCHMARKS:
        table = run("policy", "frameworks", name, "-o", "markdown").text
        assert table in page, f"docs/cis.md: the table of {name} is not what the program says; run tools/cis-page"


FACTS = """apiVersion: redoubt.io/v1
kind: NodeFacts
metadata: {name: worker-1}
kubelet:
  present: true
  config:
    readOnlyPort: {value: PORT, source: config, place: {file: /var/lib/kubelet/config.yaml, line: 7, column: 3}}
    podPidsLimit: {unknown: true, why: "/var/lib/kubelet/config.yaml: Permission denied", place: {file: /var/lib/kubelet/config.yaml, line: 1, column: 1}}
apiServer: {present: false}
"""


def judged(port):
    with Folder({"facts.yaml": FACTS.replace("PORT", port)}) as folder:
        return controls("scan", "--framework", "cis-k8s-1.12", os.path.join(folder, "facts.yaml"))


def test_a_pass_shows_the_setting_that_decided():
    control = judged("0")["4.2.4"]
    assert control["status"] == "pass" and control["evidence"] == [{
        "what": "kubelet.config.readOnlyPort", "value": "0", "location": "/var/lib/kubelet/config.yaml:7:3", "source": "config"}]


def test_a_fail_shows_the_finding_and_the_setting():
    control = judged("10255")["4.2.4"]
    assert control["status"] == "fail"
    assert [(e["what"], e["location"]) for e in control["evidence"]] == [
        ("kubelet/node-read-only-port", "/var/lib/kubelet/config.yaml:7:3"),
        ("kubelet.config.readOnlyPort", "/var/lib/kubelet/config.yaml:7:3")]
    assert control["evidence"][1]["value"] == "10255"


def test_what_is_not_known_is_not_judged_and_says_why():
    control = judged("0")["4.2.13"]
    assert control["status"] == "notJudged"
    assert control["reason"] == "kubelet.config.podPidsLimit is not known: /var/lib/kubelet/config.yaml: Permission denied"


def test_what_is_not_there_does_not_apply():
    control = judged("0")["1.2.1"]
    assert control["status"] == "notApplicable" and control["reason"]


def test_objects_of_the_cluster_are_not_judged_on_a_node_alone():
    control = judged("0")["5.1.1"]
    assert control["status"] == "notJudged" and "clusterrolebindings" in control["reason"]


def test_a_node_is_not_judged_by_objects_alone():
    report = controls("scan", "--framework", "cis-k8s-1.12", os.path.join(ROOT, "examples", "shop"))
    assert report["1.1.11"]["status"] == "notJudged" and "nodefacts" in report["1.1.11"]["reason"]
    assert report["5.2.2"]["status"] == "fail" and report["5.2.3"]["status"] == "pass"


def test_both_inputs_together_judge_both():
    with Folder({"facts.yaml": FACTS.replace("PORT", "0")}) as folder:
        report = controls("scan", "--framework", "cis-k8s-1.12", folder, os.path.join(ROOT, "examples", "shop"))
    assert report["4.2.4"]["status"] == "pass" and report["5.2.2"]["status"] == "fail"


def test_what_people_must_judge_says_why():
    control = judged("0")["3.1.1"]
    assert control["status"] == "manual" and control["reason"] and not control["rules"]


def test_an_item_that_is_the_same_elsewhere_is_judged_by_its_rules():
    with Folder({"facts.yaml": FACTS.replace("PORT", "10255")}) as folder:
        report = controls("scan", "--framework", "cis-eks-1.8", os.path.join(folder, "facts.yaml"))
    assert report["3.2.4"]["status"] == "fail" and "kubelet/node-read-only-port" in report["3.2.4"]["rules"]


def test_2_0_1_has_the_items_of_1_12():
    with Folder({"facts.yaml": FACTS.replace("PORT", "10255")}) as folder:
        report = controls("scan", "--framework", "cis-k8s-2.0.1", os.path.join(folder, "facts.yaml"))
    assert len(report) == 131 and report["4.2.4"]["status"] == "fail"


def test_without_a_framework_there_are_no_controls():
    assert "controls" not in run("scan", "-o", "json", "examples/shop", cwd=ROOT).json


def test_the_text_has_a_table_by_section_with_counts():
    r = run("scan", "--framework", "cis-k8s-1.12", "examples/shop", cwd=ROOT)
    assert "CIS Kubernetes Benchmark 1.12: " in r.text and "\n  1.2 API server: 30 notJudged\n" in r.text
    assert [line for line in r.text.splitlines() if line.split()[:2] == ["fail", "5.2.2"]], r


def test_evidence_is_escaped_for_terminals():
    with Folder({"facts.yaml": FACTS.replace("PORT", '"\\e[31m"')}) as folder:
        r = run("scan", "--framework", "cis-k8s-1.12", os.path.join(folder, "facts.yaml"))
    assert "\x1b" not in r.text


main()
