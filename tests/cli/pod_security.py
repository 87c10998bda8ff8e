#!/usr/bin/env python3
"""Pod Security Standards of every version: each recorded pod gets upstream's verdict, for upstream's reasons."""
import collections

from lib import *
from standards import controls_of_finding, controls_of_reasons, told_once


def recorded():
    """The recorded cases by level and version; those with a note are judged before defaulting."""
    groups = collections.defaultdict(list)
    with open(need_data("pss", "pods.jsonl"), encoding="utf-8") as file:
        for line in file:
            case = json.loads(line)
            groups[case["level"], case["version"]].append(case)
    return groups


def failed(cases, level, version):
    """The controls that each case fails here."""
    found = [set() for _ in cases]
    text = "".join(f"---\n{json.dumps({**c['pod'], 'metadata': {**c['pod']['metadata'], 'name': f'case-{i}'}})}\n"
                   for i, c in enumerate(cases))
    r = scan(text, "-o", "json", "--framework", f"pss-{level}:{version}", "--max-findings", "100000")
    assert r.status in (0, 1), r
    report = r.json
    assert report["coverage"]["objects"] == len(cases), report["coverage"]
    for finding in report["findings"]:
        found[int(finding["resource"]["name"].removeprefix("case-"))] |= controls_of_finding(finding, level)
    return [told_once(controls) for controls in found]


def test_recorded_pods_get_upstreams_verdict_and_reasons_in_every_version():
    groups = recorded()
    count, wrong = 0, []
    for (level, version), cases in groups.items():
        for case, controls in zip(cases, failed(cases, level, version)):
            count += 1
            expected = controls_of_reasons(case.get("reasons") or [])
            if controls != expected or bool(controls) != (case["expect"] == "fail"):
                wrong.append((case["file"], case["expect"], expected, controls))
    assert not wrong, f"{len(wrong)} of {count} differ: {wrong[:10]}"
    assert count > 4500 and len(groups) == 76, (count, len(groups))


def namespace(name, **labels):
    labels = {f"pod-security.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}) + "\n"


def test_pods_are_judged_by_what_the_labels_of_their_namespace_enforce():
    """All recorded cases at once, each in a Namespace with its level and version."""
    text, cases = "", []
    for (level, version), group in recorded().items():
        name = f"{level}-{version}".replace(".", "-")
        text += "---\n" + namespace(name, enforce=level, enforce_version=version)
        for case in group:
            pod = {**case["pod"], "metadata": {**case["pod"]["metadata"], "name": f"case-{len(cases)}", "namespace": name}}
            text += f"---\n{json.dumps(pod)}\n"
            cases.append(case)
    r = scan(text, "-o", "json", "--pod-security", "--max-findings", "1000000")
    found = [set() for _ in cases]
    for finding in r.json["findings"]:
        i = int(finding["resource"]["name"].removeprefix("case-"))
        found[i] |= controls_of_finding(finding, cases[i]["level"])
    wrong = [(c["file"], f) for c, f in zip(cases, found) if told_once(f) != controls_of_reasons(c.get("reasons") or [])]
    assert r.status == 1 and not wrong and len(cases) > 4500, (len(wrong), len(cases), wrong[:5])


def test_labels_mean_what_the_server_takes_them_for():
    pod = BAD.replace("namespace: shop", "namespace: %s")
    for labels, status in (({}, 0), ({"enforce": "privileged"}, 0), ({"warn": "restricted"}, 0), ({"enforce": "baseline"}, 1),
                           ({"enforce": "nonsense"}, 1), ({"enforce": "baseline", "enforce_version": "nonsense"}, 1)):
        r = scan(namespace("shop", **labels) + "---\n" + pod % "shop", "--pod-security")
        assert r.status == status, (labels, r)
    old = {"enforce": "baseline", "enforce_version": "v1.31"}
    text = namespace("shop", **old) + "---\n" + sysctl_pod("net.ipv4.tcp_rmem")
    assert scan(text, "--pod-security").status == 1 and scan(namespace("shop", enforce="baseline") + "---\n" + sysctl_pod(
        "net.ipv4.tcp_rmem"), "--pod-security").status == 0
    r = scan(pod % "elsewhere", "--pod-security")
    assert r.status == 3 and 'what Namespace "elsewhere" enforces is not known' in r.text, r


def sysctl_pod(name):
    return ("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec:\n  securityContext: "
            f"{{sysctls: [{{name: {name}, value: '1'}}]}}\n  containers: [{{name: c, image: registry.example/c:1.0}}]\n")


def test_a_version_is_chosen_with_the_framework_or_is_that_of_the_cluster():
    pod = sysctl_pod("net.ipv4.tcp_rmem")
    for options, status in (([], 0), ([":latest"], 0), ([":v1.31"], 1), ([":1.32"], 0), ([":v1.0"], 1), ([":v1.99"], 0),
                            (["", "--kube-version", "1.31"], 1), ([":v1.32", "--kube-version", "1.31"], 0)):
        framework, *more = options or [""]
        r = scan(pod, "--framework", f"pss-baseline{framework}", *more)
        assert r.status == status, (options, r)
    for version in ("", "v2.1", "v1", "1.x", "newest", "v1.-3"):
        r = scan(pod, "--framework", f"pss-baseline:{version}")
        assert r.status == 2 and "no version of framework pss-baseline" in r.err, (version, r)


def test_rules_of_former_versions_are_silent_unless_they_are_asked_for():
    pod, rule = sysctl_pod("net.ipv4.tcp_rmem"), "pods/sysctls-before-1.32"
    assert rule not in scan(pod, "-o", "brief").text
    assert rule not in scan(pod, "-o", "brief", "--kube-version", "1.30").text
    assert rule in scan(pod, "-o", "brief", "--rule", rule).text
    assert rule not in run("policy", "list", "--ids").text.split()
    assert rule in run("policy", "list", "--ids", "--framework", "pss-baseline:v1.20").text.split()
    assert run("explain", rule).status == 0


main()
