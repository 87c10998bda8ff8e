"""Cases that the engines once judged differently, shrunk: cases/SUITE.jsonl, one a line.

A suite replays its own first; what it finds different it shrinks and adds, so that the difference cannot come back unseen.
"""
import pathlib
import re

from differential import *

FOLDER = pathlib.Path(__file__).parent / "cases"
TOKEN = re.compile(r"\s*(\w+|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|&&|\|\||[=!<>]=|\.\?|\[\?|.)", re.S)
PAIRS = {")": "(", "]": "[", "[?": "[", "}": "{"}
EXPRESSIONS = {"expression", "messageExpression", "valueExpression"}  # fields that hold one
MOST_TOKENS = 60  # beyond it there would be too many parts to try


def kept(suite):
    path = FOLDER / f"{suite}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def keep(suite, cases):
    """Adds CASES, unless they are there."""
    known = kept(suite)
    FOLDER.mkdir(exist_ok=True)
    with open(FOLDER / f"{suite}.jsonl", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(case) + "\n" for case in cases if case not in known)


def is_balanced(tokens):
    open_ones = []
    for token in tokens:
        if token in "([{" or token == "[?":
            open_ones.append(token[0])
        elif token in PAIRS and (not open_ones or open_ones.pop() != PAIRS[token]):
            return False
    return not open_ones


def smaller_expressions(text):
    """TEXT with a part of it left out, and every part of TEXT on its own; not all of them are expressions."""
    tokens = TOKEN.findall(text)
    if not 1 < len(tokens) <= MOST_TOKENS:
        return
    for start in range(len(tokens)):
        for end in range(start + 1, len(tokens) + 1):
            part = tokens[start:end]
            if is_balanced(part) and len(part) < len(tokens):
                yield " ".join(part)
                yield " ".join(tokens[:start] + tokens[end:])


def smaller(value, key=None):
    """Every VALUE that is smaller by one part."""
    if isinstance(value, str) and key in EXPRESSIONS:
        yield from smaller_expressions(value)
    elif isinstance(value, dict):
        for name in value:
            yield {k: v for k, v in value.items() if k != name}
            for less in smaller(value[name], name):
                yield {**value, name: less}
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield value[:i] + value[i + 1:]
            for less in smaller(item, key):
                yield value[:i] + [less] + value[i + 1:]


def shrunk(case, difference):
    """The smallest case reached from CASE for which DIFFERENCE (cases -> one hashable each, None where there is none) stays."""
    [wanted] = difference([case])
    while wanted is not None:
        candidates = sorted({json.dumps(c) for c in smaller(case)}, key=len)
        found = difference([json.loads(c) for c in candidates]) if candidates else []
        less = next((json.loads(c) for c, d in zip(candidates, found) if d == wanted), None)
        if less is None:
            break
        case = less
    return case


def hold(suite, cases, difference, show):
    """Compares CASES. One of each kind of difference is shrunk, kept and shown, as SHOW(case) puts it. What does not differ a
    second time was chance: Go goes through the keys of a map in an order that is another one each time.
    """
    suspects = [case for case, found in zip(cases, difference(cases)) if found is not None]
    confirmed = [(case, found) for case, found in zip(suspects, difference(suspects) if suspects else []) if found is not None]
    if not confirmed:
        return
    first = {}
    for case, found in sorted(confirmed, key=lambda pair: len(json.dumps(pair[0]))):
        first.setdefault(found, case)
    small = [shrunk(case, difference) for case in list(first.values())[:SHOWN]]
    keep(suite, small)
    raise Disagreement("\n".join([f"{len(confirmed)} of {len(cases)} cases differ, in {len(first)} ways"] + [show(case) for case in small]))
