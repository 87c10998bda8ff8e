#!/usr/bin/env python3
"""How objects are written: what redoubt's schema rules find is what the API server objects to.

Real objects of built-in kinds are mutated in one place each: a field is renamed, misplaced or dropped, a value gets another type
or a word that nobody knows. Unknown fields and types are compared with what strict decoding says; required fields and
enumerations with validation. --objects=N mutates N objects (300), --each=N each of them so often (12), --seed=N others.
"""
import copy
import functools
import random
import re
from collections import Counter

from corpus import *

RULES = ["schema"]
# Refused by the server for what no structure says: the text behind a type.
FORMATS = re.compile(r"illegal base64|parsing time|quantities must match|invalid duration|unable to parse quantity|"
                     r"^v1\.MicroTime|invalid character")
# What the server says of the template where it is the selector that is missing.
EFFECTS = {"spec.template.metadata.labels"}


def paths(value, path=()):
    """The place of every value below VALUE."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield path + (key, )
        yield from paths(inner, path + (key, ))


def follow(value, path):
    for key in path:
        value = value[key]
    return value


def rename(rng, parent, key):
    if isinstance(key, str):
        letters = list(key)
        at = rng.randrange(len(letters))
        letters[at] = rng.choice("xyzA")
        parent["".join(letters)] = parent.pop(key)


def misplace(rng, parent, key):
    if isinstance(parent, dict) and isinstance(parent[key], dict):
        inner = parent[key]
        for name in list(inner)[:1]:
            parent[name] = inner.pop(name)


def drop(rng, parent, key):
    del parent[key]


def retype(rng, parent, key):
    parent[key] = rng.choice(["text", 7, 7.5, True, [], {}, ["text"], {"a": "b"}, [{}], 1 << 40, "80", None])


def respell(rng, parent, key):
    if isinstance(parent[key], str):
        parent[key] = rng.choice([parent[key] + "x", parent[key].lower(), "Bogus"])


MUTATIONS = [rename, misplace, drop, retype, respell]


def mutants(objects, each, seed):
    rng = random.Random(seed)
    for obj in objects:
        places = [path for path in paths(obj) if path[0] not in ("apiVersion", "kind", "status") and path != ("metadata", )]
        for path in rng.sample(places, min(each, len(places))):
            mutant = copy.deepcopy(obj)
            rng.choice(MUTATIONS)(rng, follow(mutant, path[:-1]), path[-1])
            yield mutant


def findings(objects):
    """For each object, a list of (rule, path, message)."""
    found = [[] for _ in objects]
    with Folder({f"{i}.json": json.dumps(obj) for i, obj in enumerate(objects)}) as folder:
        result = run("scan", folder, "-o", "json", "--rule", ",".join(RULES), "--max-findings", "100000000", timeout=TIME_LIMIT)
        assert result.status in (0, 1), result
        for finding in result.json["findings"]:
            i = int(os.path.basename(finding["location"]["file"]).removesuffix(".json"))
            found[i].append((finding["rule"].removeprefix("schema/"), finding["location"]["path"], finding["message"]))
    return found


def plain(path):
    """A path without the quotes that keys with dots have in ours and not upstream."""
    return re.sub(r'\["([^"]*)"\]', r".\1", path).removeprefix(".")


def upstream_unknown(answer):
    return {plain(m.group(1)) for p in answer.get("problems", []) if (m := re.match(r'unknown field "(.*)"$', p))}


def of_rule(found, rule):
    return {plain(path) for kind, path, _ in found if kind == rule}


def ask_all(kind, objects, **more):
    return ask([{kind: {"object": obj, **more}} for obj in objects])


@functools.cache
def base_objects():
    """Real objects that the server would store as they are."""
    objects = [obj for obj in distinct(manifests()) if is_builtin(obj)]
    valid = [answer.get("valid") for answer in ask_all("validate", objects)]
    decoded = ask_all("decode", objects, strict=True)
    return [obj for obj, ok, answer in zip(objects, valid, decoded) if ok and answer.get("known") and not answer.get("problems")]


@functools.cache
def chosen():
    objects = list(base_objects())
    random.Random(argument("seed", 1)).shuffle(objects)
    kinds = Counter()
    few = []
    for obj in objects:
        kinds[obj["kind"]] += 1
        if kinds[obj["kind"]] <= 40:
            few.append(obj)
    few = few[:argument("objects", 300)]
    return list(mutants(few, argument("each", 12), argument("seed", 1)))


def disagree(differences, total):
    if differences:
        raise Disagreement("\n".join([f"{len(differences)} of {total} differ"] + differences[:SHOWN * 4]))


def test_what_the_server_stores_has_no_findings():
    objects = base_objects()
    disagree([f"{obj['kind']}: {found}" for obj, found in zip(objects, findings(objects)) if found], len(objects))


def test_fields_and_types_are_those_of_strict_decoding():
    objects = chosen()
    differences = []
    for obj, found, answer in zip(objects, findings(objects), ask_all("decode", objects, strict=True)):
        wrong = answer.get("error", "")
        if FORMATS.search(wrong) or not answer.get("known", True):
            continue
        if bool(wrong) != bool(of_rule(found, "wrong-type")):
            differences.append(f"type: {wrong or 'fine'} <> {found} {json.dumps(obj)[:600]}")
        elif not wrong and upstream_unknown(answer) != of_rule(found, "unknown-field"):
            differences.append(f"field: {upstream_unknown(answer)} <> {found}")
    disagree(differences, len(objects))


def causes(answer, reason):
    return {cause["field"] for cause in answer.get("causes") or [] if cause["reason"] == reason}


def test_missing_fields_and_unknown_values_are_refused():
    """What redoubt finds missing or unknown the server refuses there: no false finding."""
    objects = chosen()
    differences, seen = [], Counter()
    for obj, found, answer in zip(objects, findings(objects), ask_all("validate", objects)):
        if "error" in answer:
            continue
        refused = {cause["field"] for cause in answer.get("causes") or []}
        for rule, path, message in found:
            if rule == "missing-field":
                path = (path + "." if path else "") + re.search(r'"([^"]*)"$', message).group(1)
            elif rule != "unknown-value":
                continue
            seen[rule] += 1
            if not any(field.startswith((path, path.rpartition("[")[0] or path)) or field in EFFECTS for field in refused):
                differences.append(f"{obj['kind']} {path}: {message} <> {sorted(refused)}")
    assert seen["missing-field"] > 20 and seen["unknown-value"] > 5, seen
    disagree(differences, len(objects))


main()
