#!/usr/bin/env python3
"""Pod Security Standards: the rules of each level together give upstream's verdict, for upstream's reasons, in every version.

--pods=N generates N pods (3000; 100000 with --nightly), --seed=N others.
"""
from differential import *
from generate import Generator
from standards import controls_of_finding, controls_of_reasons, told_once

LEVELS = ("baseline", "restricted")
VERSIONS = [f"v1.{minor}" for minor in range(37)] + ["latest"]

# Allowed since 1.37, which is newer than the oracle.
NEW_SYSCTLS = {"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"}


def cases():
    with open(need_data("pss", "pods.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def is_newly_allowed(reason):
    return reason["reason"] == "forbidden sysctls" and set(reason.get("detail", "").split(", ")) <= NEW_SYSCTLS


def upstream(level, version, pods):
    """The controls of which each pod fails; None where it cannot be decoded."""
    answers = ask([{"pss": {"level": level, "version": version, "object": pod}} for pod in pods])
    return [
        None if "error" in a else controls_of_reasons([
            r["reason"] for r in a.get("reasons", []) if version != "latest" or not is_newly_allowed(r)])
        for a in answers
    ]


def ours(level, version, pods):
    found = scan_objects(pods, "--framework", f"pss-{level}:{version}",
                         seen=lambda finding: frozenset(controls_of_finding(finding, level)))
    return [told_once(set().union(*controls)) for controls in found]


def is_refused_anyway(pods):
    """Whether the API server refuses each pod before Pod Security is asked: a Windows pod with a field of Linux."""
    answers = ask([{"validate": {"object": pod}} for pod in pods])
    return ["cannot be set for a windows pod" in a.get("message", "") for a in answers]


def disagreements(level, version, pods):
    """(pod, controls that fail upstream, controls that fail here) where these differ."""
    judged = list(zip(pods, upstream(level, version, pods), ours(level, version, pods)))
    decoded = sum(u is not None for _, u, _ in judged)
    assert decoded > len(pods) * 0.8 or len(pods) < 100, f"{decoded} of {len(pods)} pods can be decoded"
    found = [(pod, u, o) for pod, u, o in judged if u is not None and u != o]
    refused = is_refused_anyway([pod for pod, _, _ in found])
    return [disagreement for disagreement, aside in zip(found, refused) if not aside]


def judge(level, pods):
    """Each of PODS in one of the versions."""
    wrong = []
    for i, version in enumerate(VERSIONS):
        for pod, u, o in disagreements(level, version, pods[i::len(VERSIONS)]):
            text = f"{level}:{version}: upstream {sorted(u) or 'allows'}, redoubt {sorted(o) or 'allows'}"
            wrong.append(((version, tuple(sorted(u - o)), tuple(sorted(o - u))), pod, text))

    def differ(candidates, key):
        found = [id(pod) for pod, u, o in disagreements(level, key[0], candidates)
                 if (tuple(sorted(u - o)), tuple(sorted(o - u))) == key[1:]]
        return [id(c) in found for c in candidates]

    report(wrong, differ, len(pods))


def test_the_oracle_agrees_with_the_recorded_cases():
    """4,537 pods with upstream's own expectation, every version."""
    need_oracle()
    known = [c for c in cases() if not c.get("note")]
    answers = ask([{"pss": {"level": c["level"], "version": c["version"], "pod": c["pod"]}} for c in known])
    wrong = [(c["file"], a) for c, a in zip(known, answers)
             if a.get("allowed") is not (c["expect"] == "pass") or sorted(
                 r["reason"] for r in a.get("reasons", [])) != sorted(c.get("reasons") or [])]
    wrong = [(file, a) for file, a in wrong if not all(is_newly_allowed(r) for r in a.get("reasons", [{"reason": ""}]))]
    assert not wrong and len(known) > 4000, (len(wrong), wrong[:5])


def generated():
    generator = Generator(argument("seed", 1))
    return [generator.pod() for _ in range(argument("pods", 3000, nightly=100000))]


def test_generated_pods_get_upstreams_verdict_at_baseline():
    judge("baseline", generated())


def test_generated_pods_get_upstreams_verdict_at_restricted():
    judge("restricted", generated())


main()
