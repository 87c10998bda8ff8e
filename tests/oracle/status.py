#!/usr/bin/env python3
"""The controller manager of a real control plane writes into status.typeChecking what redoubt says of the same policies.

--count=N generates N policies (120), --seed=N others.
"""
import random

from controlplane import *
from typecheck import CRDS, fields, generate, kinds, only_valid, ours, plain


def generated(count):
    r = random.Random(argument("seed", 2))
    known = kinds()
    paths = {}
    for _, _, kind, _, schema in known:
        paths.setdefault(kind, sorted(set(fields(schema, "object", 7))))
    return only_valid([generate(r, known, paths) for _ in range(count)])


def warnings_of(server):
    """What the controller manager says of each policy, once it has looked at all of them."""
    path = f"{prefix(REGISTRATION)}/validatingadmissionpolicies"

    def policies():
        return server.request("GET", path).body["items"]

    server.wait(lambda: all("typeChecking" in p.get("status", {}) for p in policies()), "type checking")
    return {p["metadata"]["name"]: [(w["fieldRef"], plain(w["warning"])) for w in p["status"]["typeChecking"].get("expressionWarnings", [])]
            for p in policies()}


def probes(number):
    """A policy about each version of each custom kind whose types are not all open."""
    made = []
    for crd in CRDS:
        for version in crd["spec"]["versions"]:
            spec = {"matchConstraints": {"resourceRules": [{"apiGroups": [crd["spec"]["group"]], "apiVersions": [version["name"]], "operations": ["CREATE"],
                                                            "resources": [crd["spec"]["names"]["plural"]]}]},
                    "paramKind": {"apiVersion": f"{crd['spec']['group']}/{version['name']}", "kind": crd["spec"]["names"]["kind"]},
                    "validations": [{"expression": "object.nope == 1 && params.nope == 1"}]}
            made.append(policy_of(f"probe-{number}-{len(made)}", spec))
    return made


def knows_custom_kinds(server):
    """Whether the controller manager has found the custom kinds: it looks for new ones every half a minute."""
    probed = probes(time.monotonic_ns())
    expected = {p["metadata"]["name"]: found for p, found in zip(probed, ours(probed)) if found}
    for policy in probed:
        server.create(policy)
    theirs = warnings_of(server)
    for policy in probed:
        server.delete(policy)
    return expected and all(theirs.get(name) == found for name, found in expected.items())


def test_the_controller_manager_writes_the_same_warnings():
    need_oracle()
    policies = [{**p, "metadata": {"name": f"p-{i}"}} for i, p in enumerate(generated(argument("count", 120)))]
    mine = {p["metadata"]["name"]: found for p, found in zip(policies, ours(policies)) if found is not None}
    with cluster() as server:
        for crd in CRDS:
            server.put(crd)
        server.wait(lambda: server.discover() or ("example.org/v2", "Hidden") in server.kinds and ("example.com/v1", "Loose") in server.kinds, "custom kinds")
        server.wait(lambda: knows_custom_kinds(server), "the controller manager to know the custom kinds")
        made = [p for p in policies if p["metadata"]["name"] in mine and server.create(p).ok]
        theirs = warnings_of(server)
    wrong = [(p["metadata"]["name"], mine[p["metadata"]["name"]], theirs[p["metadata"]["name"]]) for p in made
             if mine[p["metadata"]["name"]] != theirs[p["metadata"]["name"]]]
    print(f"# {len(made)} policies, {sum(map(len, theirs.values()))} warnings")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(made)} differ", *(f"  {n}\n    redoubt {str(m)[:600]}\n    server  {str(t)[:600]}" for n, m, t in wrong[:SHOWN])])
    assert len(made) > 20 and any(theirs.values()), (len(made), theirs)


if __name__ == "__main__":
    main()
