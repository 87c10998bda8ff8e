#!/usr/bin/env python3
"""Generated objects of many kinds against the whole catalogue: the same rules say the same thing.

--objects=N generates N objects (1200), --seed=N others.
"""
from differential import *
from generate import Generator

KNOWN = {}  # the rules, read once


def catalogue():
    if not KNOWN:
        KNOWN.update(rules())
    return KNOWN


def load(known):
    return {"load": {"name": "catalogue", "policies": [rule.policy for rule in known.values()]}}


def upstream(objects):
    """What the API server's code says of each object: a set of (rule, message), or None where it cannot be decoded."""
    known = catalogue()
    by_name = {rule.name: rule for rule in known.values()}
    questions, owners = [load(known), {"load": {"name": "templates", "policies": [r.policy for r in known.values() if r.templates]}}], []
    for i, obj in enumerate(objects):
        named = {**obj, "metadata": {**(obj.get("metadata") or {}), "name": f"case-{i}"}}
        common = {"namespace": NAMESPACE, "default": False}
        questions.append({"vap": {"set": "catalogue", "object": named, **common}})
        owners.append(i)
        for pod in template_pods(named, True):
            questions.append({"vap": {"set": "templates", "object": pod, "name": "", **common}})
            owners.append(i)
    found = [set() for _ in objects]
    for i, answer in zip(owners, ask(questions)[2:]):
        if "error" in answer or found[i] is None:
            found[i] = None
            continue
        for result in answer["results"]:
            for evaluation in result.get("evaluations", []):
                found[i].update((by_name[result["policy"]].id, d["message"]) for d in evaluation["decisions"] if d["action"] == "deny")
    return found


def differences(objects):
    """For each object the (rule, message, who says it) that only one of the two says."""
    result = []
    for u, o in zip(upstream(objects), scan_objects(objects)):
        result.append(set() if u is None else {(*f, "upstream") for f in lacking(u, o)} | {(*f, "redoubt") for f in lacking(o, u)})
    return result


def lacking(some, others):
    """Which findings of SOME are not among OTHERS."""
    known = {(rule, *unordered([message])) for rule, message in others}
    return [(rule, message) for rule, message in some if (rule, *unordered([message])) not in known]


def differ(objects, key):
    return [any((rule, who) == key for rule, _, who in difference) for difference in differences(objects)]


def judge(make, count):
    need_oracle()
    generator = Generator(argument("seed", 1))
    objects = [make(generator)() for _ in range(count)]
    wrong = [((rule, who), obj, f"{rule}: only {who} says {message!r}")
             for obj, difference in zip(objects, differences(objects)) for rule, message, who in sorted(difference)]
    report(wrong, differ, count)


def share(part):
    return max(argument("objects", 1200) * part // 12, 1)


def test_pods():
    judge(lambda g: g.pod, share(3))


def test_workloads():
    judge(lambda g: g.workload, share(2))


def test_services():
    judge(lambda g: g.service, share(1))


def test_roles():
    judge(lambda g: g.role, share(1))


def test_role_bindings():
    judge(lambda g: g.binding, share(1))


def test_network_policies():
    judge(lambda g: g.network_policy, share(1))


def test_ingresses():
    judge(lambda g: g.ingress, share(1))


def test_small_kinds():
    judge(lambda g: g.small, share(2))


main()
