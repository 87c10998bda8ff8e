#!/usr/bin/env python3
"""What expressions may call is what they may call in the API server, in every version: names, types of arguments and results."""
import re

from differential import *

# Of the API server: by the code of 1.36, for each compatibility version.
VERSIONS = [f"1.{minor}" for minor in range(25, 37)]
# cel-go's own helpers and former names of operators, which no expression can call; and `.?`, which is no function here.
INTERNAL = ("@not_strictly_false", "__not_strictly_false__", "_in_", "in", "_?._")
NUMBERS = ("int", "uint", "double")
SELECTORS = ("fieldSelector", "labelSelector")
# An expression for each macro, by cel-go's key of it.
MACROS = {
    "has:1:false": "has({'a': 1}.a)", "all:2:true": "[1].all(x, true)", "exists:2:true": "[1].exists(x, true)",
    "exists_one:2:true": "[1].exists_one(x, true)", "map:2:true": "[1].map(x, x)", "map:3:true": "[1].map(x, true, x)",
    "filter:2:true": "[1].filter(x, true)", "optMap:2:true": "optional.of(1).optMap(x, x)",
    "optFlatMap:2:true": "optional.of(1).optFlatMap(x, optional.of(x))", "all:3:true": "[1].all(i, x, true)",
    "exists:3:true": "[1].exists(i, x, true)", "exists_one:3:true": "[1].exists_one(i, x, true)",
    "existsOne:3:true": "[1].existsOne(i, x, true)", "transformList:3:true": "[1].transformList(i, x, x)",
    "transformList:4:true": "[1].transformList(i, x, true, x)", "transformMap:3:true": "[1].transformMap(i, x, x)",
    "transformMap:4:true": "[1].transformMap(i, x, true, x)", "sortBy:2:true": "[1].sortBy(x, x)",
    "transformMapEntry:3:true": "[1].transformMapEntry(i, x, {i: x})",
    "transformMapEntry:4:true": "[1].transformMapEntry(i, x, true, {i: x})"
}


def canonical(signature):
    """SIGNATURE with its type parameters named by the order in which they come."""
    names = {}
    return re.sub(r"\b[A-Z]\b", lambda m: names.setdefault(m.group(), f"T{len(names)}"), signature)


def callable_in(version, overload):
    """Whether expressions can call OVERLOAD, which is declared. The checker passes over comparisons of different numbers before
    1.28. The selectors of the authorizer follow a feature gate, which is on in the server of today whatever version it is
    compatible with; a cluster of an older version does not know them.
    """
    minor = int(version.partition(".")[2])
    if overload["name"] in SELECTORS and minor < 31:
        return False
    mixed = overload["params"][0] in NUMBERS and overload["params"][-1] in NUMBERS and len(set(overload["params"])) == 2
    return not (overload["name"] in ("_<_", "_<=_", "_>_", "_>=_") and mixed and minor < 28)


def upstream(version):
    """The signatures of the API server's functions, as redoubt writes them."""
    answer = ask([{"functions": {"version": version}}])[0]
    found = set()
    for overload in answer["overloads"]:
        if overload["name"] in INTERNAL or overload["params"] and not callable_in(version, overload):
            continue
        params = [param.replace("optional_type(", "optional(") for param in overload["params"]]
        result = overload["result"].replace("optional_type(", "optional(")
        receiver = params.pop(0) + "." if overload["method"] else ""
        found.add(canonical(f"{receiver}{overload['name']}({', '.join(params)}) {result}"))
    return found, set(answer["macros"])


def ours(version):
    return {canonical(line) for line in run("cel", "--functions", "--kube-version", version).text.splitlines()}


def compiles(expression, version):
    return run("cel", expression, "--kube-version", version).status == 0


def test_functions_of_every_version():
    wrong = []
    for version in VERSIONS:
        theirs, _ = upstream(version)
        mine = ours(version)
        assert len(theirs) > 100, version
        wrong += [(version, "missing", signature) for signature in sorted(theirs - mine)]
        wrong += [(version, "not upstream", signature) for signature in sorted(mine - theirs)]
    assert not wrong, (len(wrong), wrong)


def test_macros_of_every_version():
    for version in VERSIONS:
        _, macros = upstream(version)
        assert macros <= MACROS.keys(), (version, macros - MACROS.keys())
        for key, expression in MACROS.items():
            assert compiles(expression, version) == (key in macros), (version, key)


main()
