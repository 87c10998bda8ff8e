#!/usr/bin/env python3
"""Generated objects of many kinds against the whole catalogue: the same rules say the same thing.

--objects=N generates N objects (1200), --seed=N others.
"""
from differential import *
from generate import Generator

KNOWN = {}  # the rules, read once


def catalogue(only=None):
    """All rules, or ONLY one."""
    if not KNOWN:
        KNOWN.update(rules())
    return [rule for rule in KNOWN.values() if only in (None, rule.id)]


def load(name, known):
    return {"load": {"name": name, "policies": [rule.policy for rule in known]}}


def upstream(objects, only):
    """What the API server's code says of each object: a set of (rule, message), or None where it cannot be decoded."""
    known = catalogue(only)
    by_name = {rule.name: rule for rule in known}
    questions, owners = [load("catalogue", known), load("templates", [rule for rule in known if rule.templates])], []
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


def differences(objects, only=None):
    """For each object the (rule, message, who says it) that only one of the two says."""
    result = []
    for u, o in zip(upstream(objects, only), scan_objects(objects, *(["--rule", only] if only else []))):
        result.append(set() if u is None else {(*f, "upstream") for f in lacking(u, o)} | {(*f, "redoubt") for f in lacking(o, u)})
    return result


def lacking(some, others):
    """Which findings of SOME are not among OTHERS."""
    known = {(rule, *unordered([message])) for rule, message in others}
    return [(rule, message) for rule, message in some if (rule, *unordered([message])) not in known]


def key_of(finding):
    """What must stay the same while a case is shrunk: the rule, who alone speaks, and whether that is an error of evaluation."""
    rule, message, who = finding
    return rule, who, "resulted in error" in message


def differ(objects, key):
    return [any(key_of(finding) == key for finding in found) and all(key_of(finding)[2] == key[2] for finding in found)
            for found in differences(objects, key[0])]


def judge(make, count):
    need_oracle()
    generator = Generator(argument("seed", 1))
    objects = [make(generator)() for _ in range(count)]
    wrong = [(key_of(finding), obj, "{0}: only {2} says {1!r}".format(*finding))
             for obj, found in zip(objects, differences(objects)) for finding in sorted(found)]
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
