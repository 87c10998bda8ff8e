#!/usr/bin/env python3
"""Generated CEL expressions, typed and ill-typed: redoubt and Kubernetes give the same value or the same error, at the same cost.

--expressions=N generates N expressions (10000; 300000 with --nightly), --seed=N others.
"""
import re

from differential import *
from expressions import Expressions
from kept import hold, kept

ATTEMPTS = 12  # the order of the keys of a map is another one each time
AT_ONCE = 20000
OPAQUE = re.compile(r'"(net\.\w+|kubernetes\.\w+)"')  # values that have no JSON
PARTICULARS = re.compile(r"\"[^\"]*\"|(?<=no such key: ).*|(?<=no such attribute\(s\): ).*")  # of an error: what depends on the order
LITERAL = re.compile(r'(?:duration|timestamp)\("([^"]*)"\)')


def redoubt(cases):
    text = "".join(json.dumps({"expr": case["expression"], "variables": case["variables"]}) + "\n" for case in cases)
    result = run("cel", "--stream", stdin=text, timeout=TIME_LIMIT)
    answers = [json.loads(line) for line in result.text.splitlines()]
    assert result.status == 0 and len(answers) == len(cases), (result.status, len(answers), result.err)
    return answers


def upstream(cases):
    return ask([{"cel": case} for case in cases])


def said_here(answer):
    """What redoubt answers, in the words of both: (what, cost)."""
    if "invalid" in answer:
        return ("does not compile", ), None
    if "error" in answer:
        return ("error", PARTICULARS.sub("_", answer["error"])), answer.get("cost")
    return ("value", json.dumps(answer.get("json"), sort_keys=True)), answer.get("cost")


def plain(value):
    """VALUE with durations and timestamps as their texts; the oracle writes them as CEL does."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    literal = LITERAL.fullmatch(value) if isinstance(value, str) else None
    return literal[1] if literal else value


def said_there(answer):
    if "error" in answer:  # a panic of cel-go
        return None, None
    if "issues" in answer:
        return ("does not compile", ), None
    if "evaluationError" in answer:
        return ("error", PARTICULARS.sub("_", answer["evaluationError"])), answer.get("cost")
    return ("value", json.dumps(plain(answer.get("value")), sort_keys=True)), answer.get("cost")


def one_difference(here, there):
    """None, or which of the two it is that differs, and of what kind."""
    (what, cost), (their, their_cost) = here, there
    if their is None or what == their and (cost == their_cost or what[-1].startswith("internal error")):
        return None  # cel-go stops to count where it panics
    if what[0] == their[0] == "value" and OPAQUE.search(what[1]) and cost == their_cost:
        return None
    if what == their:
        return ("cost", )
    return what[0], their[0]


def difference(cases):
    """For each case what differs, which must be so however often Kubernetes is asked."""
    whole = [case for case in cases if case.get("expression") and isinstance(case.get("variables"), dict)]
    here = [said_here(answer) for answer in redoubt(whole)]
    found = [one_difference(h, said_there(a)) for h, a in zip(here, upstream(whole))]
    doubtful = [i for i, f in enumerate(found) if f]
    again = iter(upstream([whole[i] for i in doubtful for _ in range(ATTEMPTS)]))
    for i in doubtful:
        if None in [one_difference(here[i], said_there(next(again))) for _ in range(ATTEMPTS)]:
            found[i] = None
    told = iter(found)
    return [next(told) if case.get("expression") and isinstance(case.get("variables"), dict) else None for case in cases]


def show(case):
    [here], [there] = redoubt([case]), upstream([case])
    return f"{case['expression']}\n  redoubt  {json.dumps(here)[:1000]}\n  upstream {json.dumps(there)[:1000]}"


def test_expressions_that_differed_once():
    need_oracle()
    hold("language", kept("language"), difference, show)


def test_generated_expressions():
    need_oracle()
    make = Expressions(argument("seed", 1))
    variables = {"object": make.object()}
    left = argument("expressions", 10000, nightly=300000)
    while left > 0:
        hold("language", [{"expression": make.any(), "variables": variables} for _ in range(min(left, AT_ONCE))], difference, show)
        left -= AT_ONCE


if __name__ == "__main__":
    main()
