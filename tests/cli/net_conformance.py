#!/usr/bin/env python3
"""`redoubt net` against the published conformance data of network policies.

The data folder (REDOUBT_TEST_DATA) holds 301 assertions of the conformance tests of network-policy-api, with the policies in
force at that moment, and 230 cases of the Cyclonus generator with a truth for every pair of pods. Both ways to answer are
asked: the matrix, and the rules one by one.
"""
import pathlib

from lib import *

NODES = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/os": "linux"}},
          "status": {"addresses": [{"type": "InternalIP", "address": address}]}}
         for name, address in (("node-0", "172.18.0.2"), ("node-1", "172.18.0.3"))]


def data(name):
    if not DATA:
        raise Skip("there is no folder with test data")
    return pathlib.Path(DATA) / "netpol" / name


def lines(name):
    with open(data(name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def namespaces(labels):
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": own}} for name, own in labels.items()]


def ask(sets):
    """Answers of the matrix and of the rules to each of SETS, (objects, questions)."""
    text = "".join(json.dumps({"objects": objects, "questions": questions, "why": why}) + "\n"
                   for objects, questions in sets for why in (False, True))
    result = run("net", "why", "--stream", stdin=text, timeout=600)
    assert result.status == 0, result
    answers = [json.loads(line) for line in result.text.splitlines()]
    assert len(answers) == 2 * len(sets)
    assert not any(answer["problems"] for answer in answers), [a["problems"] for a in answers if a["problems"]][:3]
    return [(matrix["answers"], rules["answers"]) for matrix, rules in zip(answers[::2], answers[1::2])]


def test_conformance_assertions():
    cases = lines("conformance.jsonl")
    with open(data("conformance-pods.json"), encoding="utf-8") as file:
        pods = [{"apiVersion": "v1", "kind": "Pod", **pod} for pod in json.load(file)["pods"]]
    sets = []
    for case in cases:
        objects = NODES + pods + namespaces(case["namespaceLabels"]) + (case["clusterNetworkPolicies"] or []) + (case["networkPolicies"] or [])
        sets.append((objects, [f"{case['from']} {case['toIP']} {case['protocol']} {case['port']}",
                               f"{case['from']} {case['to']} {case['protocol']} {case['port']}"]))
    assert len(cases) == 301
    wrong = [(case["n"], case["subtest"], matrix, rules) for case, (matrix, rules) in zip(cases, ask(sets))
             for answer in matrix + rules if (answer[2] == ".") != case["allowed"]]
    assert not wrong, (len(wrong), wrong[:5])


def test_cyclonus_cells():
    sets, expected, cells = [], [], 0
    for case in lines("cyclonus.jsonl"):
        pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": pod["namespace"], "name": pod["name"], "labels": pod["labels"]},
                 "spec": {"containers": [{"name": f"c{i}", "image": "i", "ports": [
                     {"name": port["name"], "containerPort": port["port"], "protocol": port["protocol"]}]} for i, port in enumerate(pod["ports"])]},
                 "status": {"podIP": pod["ip"]}} for pod in case["pods"]]
        questions, truth = [], []
        for where, table in case["truth"].items():
            protocol, port = where.split("/")
            for source, row in table.items():
                for destination, cell in row.items():
                    cells += 1
                    if "#" in cell:
                        continue
                    questions.append(f"{source} {destination} {protocol} {port}")
                    # Theirs is ingress, egress, both; ours egress, ingress, both.
                    truth.append(cell[1] + cell[0] + cell[2])
        sets.append((pods + namespaces(case["namespaces"]) + (case["policies"] or []), questions))
        expected.append(truth)
    assert cells == 123669, cells
    for number, (truth, (matrix, rules)) in enumerate(zip(expected, ask(sets))):
        for answers in (matrix, rules):
            wrong = [(q, t, a) for q, t, a in zip(sets[number][1], truth, answers) if t != a]
            assert not wrong, (number, len(wrong), wrong[:5])


main()
