#!/usr/bin/env python3
"""scan --pod-security against a real API server: it refuses the pods that redoubt finds something in, in namespaces of every kind.

--pods=N tries N of the recorded pods (60), --seed=N others.
"""
import random

from controlplane import *
from lib import scan

LABELS = [
    {}, {"enforce": "privileged"}, {"enforce": "baseline"}, {"enforce": "restricted"}, {"enforce-version": "v1.20"},
    {"warn": "restricted", "audit": "baseline"}, {"enforce": "baseline", "enforce-version": "v1.26"},
    {"enforce": "restricted", "enforce-version": "v1.22"}, {"enforce": "restricted", "enforce-version": "v1.34"},
    {"enforce": "baseline", "enforce-version": "latest", "warn": "restricted"}, {"enforce": "restricted", "enforce-version": "v1.99"}
]


def the_namespace(number):
    labels = {f"pod-security.kubernetes.io/{key}": value for key, value in LABELS[number].items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"ns-{number}", "labels": labels}}


def the_pods(count, seed):
    """Recorded pods of all versions, each in all namespaces."""
    with open(need_data("pss", "pods.jsonl"), encoding="utf-8") as file:
        recorded = [json.loads(line)["pod"] for line in file]
    chosen = random.Random(seed).sample(recorded, count)
    return [{**pod, "metadata": {**pod["metadata"], "name": f"case-{i * len(LABELS) + n}", "namespace": f"ns-{n}"}}
            for i, pod in enumerate(chosen) for n in range(len(LABELS))]


def verdict(reply):
    """Whether Pod Security refuses; None where the server objects to something else."""
    if reply.ok:
        return False
    return True if "violates PodSecurity" in reply.message else None


def test_the_server_refuses_the_pods_in_which_something_is_found():
    need_oracle()
    pods = the_pods(argument("pods", 60), argument("seed", 1))
    with cluster() as server:
        for number in range(len(LABELS)):
            server.put(the_namespace(number))
        theirs = [verdict(reply) for reply in server.each(lambda pod: server.create(pod, dryRun="All"), pods)]
    text = "".join(f"---\n{json.dumps(o)}\n" for o in [*map(the_namespace, range(len(LABELS))), *pods])
    r = scan(text, "--pod-security", "--kube-version", "1.36", "-o", "json", "--max-findings", "1000000")
    found = {finding["resource"]["name"] for finding in r.json["findings"]}
    wrong = [(pod, u) for pod, u in zip(pods, theirs) if u is not None and u != (pod["metadata"]["name"] in found)]
    judged = sum(u is not None for u in theirs)
    assert not wrong, f"{len(wrong)} of {judged} differ: {wrong[:3]}"
    assert judged > len(pods) * 0.5 and 0.1 < theirs.count(True) / judged < 0.9, (judged, theirs.count(True))


main()
