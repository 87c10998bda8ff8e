#!/usr/bin/env python3
"""Pod Security Standards: the rules of each level together give upstream's verdict.

--pods=N generates N pods (3000), --seed=N others.
"""
from differential import *
from generate import Generator

LEVELS = ("baseline", "restricted")

# Allowed since 1.37, which is newer than the oracle.
NEW_SYSCTLS = {"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"}


def version_key(version):
    return int(version.rpartition(".")[2])


def cases():
    with open(need_data("pss", "pods.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def forbidden(level, pods):
    """Upstream's reasons for each pod at the newest version; None where it cannot be decoded."""
    answers = ask([{"pss": {"level": level, "version": "latest", "object": pod}} for pod in pods])
    return [
        None if "error" in a else
        [f"{r['reason']} ({r.get('detail', '')})" for r in a.get("reasons", []) if not is_newly_allowed(r)]
        for a in answers
    ]


def is_newly_allowed(reason):
    return reason["reason"] == "forbidden sysctls" and set(reason.get("detail", "").split(", ")) <= NEW_SYSCTLS


def is_refused_anyway(pods):
    """Whether the API server refuses each pod before Pod Security is asked: a Windows pod with a field of Linux."""
    answers = ask([{"validate": {"object": pod}} for pod in pods])
    return ["cannot be set for a windows pod" in a.get("message", "") for a in answers]


def disagreements(level, pods):
    """(pod, what upstream says, what redoubt says) where one forbids and the other allows."""
    upstream = forbidden(level, pods)
    ours = scan_objects(pods, "--framework", f"pss-{level}")
    decoded = sum(u is not None for u in upstream)
    assert decoded > len(pods) * 0.9 or len(pods) < 100, f"{decoded} of {len(pods)} pods can be decoded"
    found = [(pod, u, o) for pod, u, o in zip(pods, upstream, ours) if u is not None and bool(u) != bool(o)]
    refused = is_refused_anyway([pod for pod, _, _ in found])
    return [disagreement for disagreement, aside in zip(found, refused) if not aside]


def judge(level, pods):

    def differ(candidates, key):
        found = [id(pod) for pod, u, o in disagreements(level, candidates) if bool(u) == key[0]]
        return [id(c) in found for c in candidates]

    wrong = [((bool(u), tuple(sorted(u)), tuple(sorted(r for r, _ in o))), pod,
              f"{level}: upstream {u or 'allows'}, redoubt {sorted(o) or 'allows'}")
             for pod, u, o in disagreements(level, pods)]
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


def test_recorded_pods_get_upstreams_verdict():
    need_oracle()
    everything = cases()
    for level in LEVELS:
        pods = [c["pod"] for c in everything if c["level"] == level and not c.get("note")]
        distinct = list(
            {json.dumps({**p, "metadata": {**p["metadata"], "name": "x"}}, sort_keys=True): p
             for p in pods}.values())
        judge(level, distinct)
        # Beyond what the oracle says: the newest expectation itself.
        newest = max((c["version"] for c in everything if c["level"] == level), key=version_key)
        chosen = [c for c in everything if c["level"] == level and c["version"] == newest and not c.get("note")]
        found = scan_objects([c["pod"] for c in chosen], "--framework", f"pss-{level}")
        wrong = [c["file"] for c, o in zip(chosen, found) if bool(o) != (c["expect"] == "fail")]
        assert not wrong and len(chosen) > 40, (level, len(chosen), wrong[:10])


def generated():
    generator = Generator(argument("seed", 1))
    return [generator.pod() for _ in range(argument("pods", 3000))]


def test_generated_pods_get_upstreams_verdict_at_baseline():
    judge("baseline", generated())


def test_generated_pods_get_upstreams_verdict_at_restricted():
    judge("restricted", generated())


main()
