#!/usr/bin/env python3
"""What the language itself allows in each version of Kubernetes: literals that are checked, optionals, mixed comparisons, limits.

functions.py compares what can be called. Here an expression compiles where it compiles in the API server's environment for new
expressions of that version. Left out are protobuf's wrapper messages, which redoubt does not make, and mixed comparisons within
macros before 1.28, which today's cel-go takes by mistake.
"""
from differential import *

VERSIONS = [f"1.{minor}" for minor in range(25, 37)]
EXPRESSIONS = [
    # literals, checked by value since 1.29; conversions of constants always are
    "duration('1h') == duration('x')", "duration('1x').getHours() == 1", "timestamp('2020-01-01') == timestamp('2020-01-01T00:00:00Z')",
    "'a'.matches('[')", "'a'.matches('(?P<x>a)')", "matches('a', '[')", "matches('[', 'a')", "'a'.matches('a{1001}')", "x.matches('\\\\')",
    "int('a') == 1", "bool('maybe')", "x == '' ? duration('zz') == x : true",
    # lists and maps of one type
    "[1, 'a'] == x", "[1, 2.0] == x", "[[1], ['a']] == x", "{'a': 1, 'b': 'c'} == x", "{1: 1, 'b': 1} == x", "[1, x] == x", "[x, 1] == x",
    "[dyn(1), 'a'] == x", "[[], [1]] == x", "[{}, {'a': 1}] == x", "[1, null] == x", "'%s %d'.format(['a', 1]) == x", "'%s'.format([[1, 'a']]) == x",
    "'%d'.format(['a']) == x", "'%s %s'.format(['a']) == x", "'%q'.format(['a']) == x", "['a', 1].map(i, string(i)) == ['a']",
    # optionals since 1.28
    "x.?a.orValue(1) == 1", "x[?0].hasValue()", "[?x.?a] == []", "{?'a': x.?b} == {}", "optional.of(1).value() == 1", "has(x.?a)", "x.?a.?b.c.hasValue()",
    "optional.none() == x.?a", "type(optional.none()) == optional_type",
    # comparisons of different numbers since 1.28
    "1 < 2.0", "1u > 1", "2.5 >= 2u", "1 == 1.0", "dyn(1) < 2.0", "x < 1u",
    # macros
    "[1].all(i, v, v > i)", "{'a': 1}.transformMap(k, v, v + 1) == {}", "[2, 1].sortBy(i, i) == [1, 2]", "[1, 2].transformList(i, v, v) == []",
    "x.optMap(v, v)", "x.?a.optMap(v, v + 1).orValue(2) == 2", "x.?a.optFlatMap(v, v.?b).hasValue()", "[1].existsOne(i, v, v == i)", "x.map(a.b, 1)", "x.all(1, true)",
    # names
    "namespace == 1", "x.namespace == 1", "x.for == 1", "x.in == 1", "x.`a-b` == 1", "`a` == 1", "net.IP == type(x)", "type(ip('1.1.1.1')) == net.IP", "kubernetes.Quantity == x",
    "type(1) == int", "google.protobuf.Timestamp == type(x)", "y == 1", ".x == 1", "x.y.z() == 1",
    # limits
    "(" * 40 + "x" + ")" * 40, "!" * 120 + "x", "-" * 300 + "1 == x", "[" * 60 + "]" * 60 + " == x", "x" + ".a" * 260 + " == 1", "x" + "[0]" * 260 + " == 1",
    " + ".join(["1"] * 300) + " == x", " && ".join(["x"] * 300), "x == '" + "a" * 100001 + "'", "true ? " * 60 + "1" + " : 2" * 60 + " == x", "{" + "'a': {" * 60 + "}" * 61 + " == x",
]


def ours(version):
    text = "".join(json.dumps({"expr": e, "variables": {"x": None}}) + "\n" for e in EXPRESSIONS)
    result = run("cel", "--stream", "--kube-version", version, stdin=text)
    answers = [json.loads(line) for line in result.text.splitlines()]
    assert len(answers) == len(EXPRESSIONS), result
    return answers


def test_each_version_compiles_what_it_compiles_upstream():
    need_oracle()
    wrong, refused = [], 0
    for version in VERSIONS:
        theirs = ask([{"cel": {"expression": e, "variables": {"x": None}, "version": version}} for e in EXPRESSIONS])
        for e, their, our in zip(EXPRESSIONS, theirs, ours(version)):
            refused += "issues" in their
            if ("issues" in their) != ("invalid" in our):
                wrong.append((version, e[:100], their.get("issues", "")[:300], our))
    assert not wrong, "\n".join([f"{len(wrong)} of {len(VERSIONS) * len(EXPRESSIONS)} differ", *(str(w)[:700] for w in wrong[:20])])
    assert refused > 200, refused
    print(f"# {len(EXPRESSIONS)} expressions in {len(VERSIONS)} versions, {refused} refused")


main()
