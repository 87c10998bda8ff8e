#!/usr/bin/env python3
"""Type checking of policies: the warnings of `redoubt policy check` against those of Kubernetes' TypeChecker, word for word.

Upstream puts a random number behind the kind in the names of types; numbers there are taken away on both sides.
"""
import random
import re

from differential import *

EXAMPLES = pathlib.Path(ROOT, "examples", "policies")
PER_EXPRESSION = 40  # fields in one expression; upstream reports 100 problems of one at most
DEPTH = 9  # of fields that are looked at
NUMBERED = re.compile(r"\b([A-Z][A-Za-z]*)\d+(?=[.,)' ])")

STRING = {"type": "string"}
CRD_SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1},
                "ratio": {"type": "number"},
                "on": {"type": "boolean"},
                "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "odd": {"type": "string", "format": "int-or-string"},
                "blob": {"type": "string", "format": "byte"},
                "day": {"type": "string", "format": "date"},
                "at": {"type": "string", "format": "date-time", "nullable": True},
                "every": {"type": "string", "format": "duration"},
                "mail": {"type": "string", "format": "email", "maxLength": 20},
                "level": {"type": "string", "enum": ["low", "high"]},
                "namespace": STRING, "true": STRING, "package": {"type": "integer"},
                "dash-ed": STRING, "dot.ted": STRING, "sla/sh": STRING, "under__score": {"type": "integer"}, "$ref": STRING,
                "2nd": STRING, "__dash__": STRING,
                "tags": {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
                "matrix": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
                "items": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                          "items": {"type": "object", "required": ["name"], "properties": {"name": STRING, "n": {"type": "integer"}}}},
                "labels": {"type": "object", "additionalProperties": STRING},
                "nested": {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": {"type": "integer"}}}},
                "anys": {"type": "object", "additionalProperties": {"x-kubernetes-preserve-unknown-fields": True}},
                "any": {"x-kubernetes-preserve-unknown-fields": True},
                "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"known": STRING}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "raw": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
                "pod": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object", "properties": {"n": {"type": "integer"}}}}},
            },
        },
        "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
    },
}


def crd(group, kind, schemas, served=True):
    plural = kind.lower() + "s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [{"name": version, "served": served or i > 0, "storage": i == 0, "schema": {"openAPIV3Schema": schema}}
                         for i, (version, schema) in enumerate(schemas.items())],
        },
    }


OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CRDS = [
    crd("example.com", "Widget", {"v1": CRD_SCHEMA, "v1beta1": {"type": "object", "properties": {"spec": OPEN}}}),
    crd("example.com", "Loose", {"v1": OPEN}),
    crd("example.org", "Hidden", {"v1": CRD_SCHEMA, "v2": {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}}}}}, served=False),
]


# --- both engines ---


def plain(text):
    return NUMBERED.sub(r"\1", text)


def upstream(policies):
    found = []
    for answer in ask([{"typecheck": {"policy": policy, "crds": CRDS}} for policy in policies]):
        assert "error" not in answer, answer
        found.append([(w["fieldRef"], plain(w["warning"])) for w in answer["warnings"]])
    return found


def ours(policies):
    """The warnings of each policy; None for one that does not compile."""
    with Folder({"crds.yaml": "\n---\n".join(map(json.dumps, CRDS)),
                 "policies.yaml": "\n---\n".join(json.dumps({**p, "metadata": {"name": f"p-{i}"}}) for i, p in enumerate(policies))}) as folder:
        result = run("policy", "check", os.path.join(folder, "policies.yaml"), "--crds", os.path.join(folder, "crds.yaml"), "-o", "json",
                     timeout=TIME_LIMIT)
    assert result.out, result
    found = [None] * len(policies)
    for policy in result.json["policies"]:
        found[int(policy["name"].removeprefix("p-"))] = [
            (w["fieldRef"], plain(w["warning"])) for w in policy["typeChecking"]["expressionWarnings"]]
    return found


def policy(expressions, resources=(("apps", "v1", "deployments"),), variables=(), **spec):
    rules = [{"apiGroups": [g], "apiVersions": [v], "operations": ["CREATE"], "resources": [r]} for g, v, r in resources]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"},
        "spec": {"matchConstraints": {"resourceRules": rules}, "variables": [{"name": n, "expression": e} for n, e in variables],
                 "validations": [e if isinstance(e, dict) else {"expression": e} for e in expressions], **spec},
    }


def compare(policies, least_warnings):
    wrong, warned, compiled = [], 0, 0
    for p, mine in zip(policies, ours(policies)):
        if mine is None:
            continue
        compiled += 1
        p["mine"] = mine
    for p, theirs in zip([p for p in policies if "mine" in p], upstream([{**p, "mine": None} for p in policies if "mine" in p])):
        mine = p.pop("mine")
        warned += len(theirs)
        if mine != theirs:
            wrong.append((p, mine, theirs))
    print(f"# {compiled} of {len(policies)} policies compile; {warned} warnings", flush=True)
    if wrong:
        text = [f"{len(wrong)} of {compiled} policies differ"]
        for p, mine, theirs in wrong[:SHOWN]:
            only_mine, only_theirs = [w for w in mine if w not in theirs], [w for w in theirs if w not in mine]
            text.append(f"  {json.dumps(p['spec'])[:600]}\n    redoubt  {str(only_mine[:1])[:900]}\n    upstream {str(only_theirs[:1])[:900]}")
        raise Disagreement("\n".join(text))
    assert compiled > len(policies) * 0.8 and warned >= least_warnings, (compiled, warned)


# --- what is written by people ---


def test_the_catalogue_and_the_examples_have_upstreams_warnings():
    need_oracle()
    policies = [rule.policy for rule in rules().values()]
    texts = [part for path in sorted(EXAMPLES.glob("*.yaml")) for part in split(path.read_text(encoding="utf-8"))]
    policies += [d for d in documents(texts) if isinstance(d, dict) and d.get("kind") == "ValidatingAdmissionPolicy"]
    compare(policies, 0)
    assert not any(ours(policies)), "the catalogue has type warnings"


# --- every field of every kind ---


def escaped(name):
    name = name.replace("__", "\0")
    for old, new in ((".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"), ("\0", "__underscores__")):
        name = name.replace(old, new)
    return name


def is_identifier(name):
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name not in ("true", "false", "null", "in")


def fields(schema, path, depth):
    """The paths of all that SCHEMA describes, as CEL writes them."""
    yield path
    if depth == 0:
        return
    for name, value in sorted(schema.get("properties", {}).items()):
        for written in {name, escaped(name), f"__{name}__"} if not name.isalpha() or name in ("namespace", "true", "package") else {name}:
            if is_identifier(written):
                yield from fields(value, f"{path}.{written}", depth - 1)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        yield from fields(extra, f"{path}['k']", depth - 1)
    if isinstance(schema.get("items"), dict):
        yield from fields(schema["items"], f"{path}[0]", depth - 1)


def kinds():
    """The schemas of all kinds: (group, version, kind, resource, schema)."""
    answers = ask([{"schema": {}}, {"schema": {"crds": CRDS}}])
    return [(a["group"], a["version"], a["kind"], a["resource"], a["schema"]) for answer in answers for a in answer]


def batches(items, size):
    for at in range(0, len(items), size):
        yield items[at:at + size]


def test_every_field_of_every_kind_has_upstreams_type():
    need_oracle()
    policies, count = [], 0
    for group, version, _, resource, schema in kinds():
        paths = sorted(set(fields(schema, "object", DEPTH)))
        count += len(paths)
        # comparing with a map says the type of whatever is no map; nesting keeps expressions shallow
        expressions = [" || ".join(f"{path} == {{1: {{2: 3}}}}" for path in part) for part in batches(paths, PER_EXPRESSION)]
        policies += [policy(part, [(group, version, resource)]) for part in batches(expressions, 10)]
    print(f"# {count} fields")
    compare(policies, 100)


# --- generated policies ---

OTHERS = ["1", "'a'", "2.5", "true", "null", "[1]", "['a', 'b']", "{'a': 1}", "duration('1h')", "timestamp('2020-01-01T00:00:00Z')", "b'x'",
          "quantity('1Gi')", "request.name", "request.userInfo.groups", "namespaceObject.metadata.labels", "oldObject", "object", "params", "variables.v", "variables.w",
          "authorizer", "type(1)", "optional.none()", "[1, 2].map(i, i * 2)", "dyn(1)", "url('http://a/')", "ip('1.2.3.4')"]
BINARY = ["==", "!=", "<", ">=", "+", "-", "*", "in", "&&", "||"]


def field(r, paths):
    """A path; now and then misspelt, cut short, optional, or lengthened."""
    path = r.choice(paths)
    if r.random() < 0.15:
        path = path.replace("object", "oldObject", 1)
    choice = r.random()
    if choice < 0.12:
        path += "." + r.choice(["nope", "name", "size", "items", "__x__"])
    elif choice < 0.2 and "." in path:
        head, _, tail = path.rpartition(".")
        path = f"{head}.{tail[:-1] or 'x'}" if is_identifier(tail[:-1] or "x") else path
    elif choice < 0.3:
        path = re.sub(r"\.(\w+)$", r".?\1", path)
    elif choice < 0.34:
        path += r.choice(["[0]", "['a']", "[?0]", "[?'a']", "[1.5]"])
    return path


def expression(r, paths, depth):
    if depth == 0 or r.random() < 0.15:
        return field(r, paths) if r.random() < 0.88 else r.choice(OTHERS)
    part = lambda: expression(r, paths, depth - 1)  # noqa: E731
    form = r.randrange(13)
    if form < 4:
        return f"({part()} {r.choice(BINARY)} {part()})"
    if form == 4:
        return f"({part()} ? {part()} : {part()})"
    if form == 5:
        return f"{part()}.{r.choice(['all', 'exists', 'exists_one', 'filter'])}(i, i == {part()})"
    if form == 6:
        return f"{part()}.{r.choice(['map', 'filter'])}(i, {r.choice(['i', 'i.name', 'i + 1', part()])})"
    if form == 7:
        path = re.sub(r"[?]|\[.*$", "", field(r, paths))
        return f"has({path})" if "." in path else path
    if form == 8:
        return f"{r.choice(['size', 'string', 'int', 'dyn', 'type', 'double', 'quantity', 'isQuantity'])}({part()})"
    if form == 9:
        return f"{part()}.{r.choice(['size()', 'startsWith(' + part() + ')', 'matches(' + part() + ')', 'lowerAscii()', 'orValue(' + part() + ')', 'isSorted()', 'sum()', 'getFullYear()', 'hasValue()', 'format([' + part() + '])', 'all(k, v, k == v)'])}"
    if form == 10:
        return f"[{part()}, {part()}]"
    if form == 11:
        return f"{{{r.choice(OTHERS[:4])}: {part()}, 'x': {part()}}}"
    return f"{r.choice(['!', '-'])}{part()}"


def resource_rules(r, known):
    """Resource rules as people write them: several kinds, names that match nothing, wildcards, singulars."""
    chosen = r.sample(known, r.choice([1, 1, 1, 2, 3, 12]))
    rules_ = [{"apiGroups": [g], "apiVersions": [v], "operations": ["*"], "resources": [res]} for g, v, _, res, _ in chosen]
    for rule in rules_:
        oddity = r.random()
        if oddity < 0.05:
            rule["apiGroups"] = [r.choice(["*", "", "nope.example.com"])]
        elif oddity < 0.1:
            rule["apiVersions"] = [r.choice(["*", "v1", "v1beta1", "v9"])]
        elif oddity < 0.15:
            rule["resources"] = [*rule["resources"], r.choice(["*", "pods/status", "pod", "nopes", "Deployments", "*/*"])]
        elif oddity < 0.25:
            other = r.choice(known)
            rule["apiGroups"], rule["resources"] = [other[0], *rule["apiGroups"]], [other[3], *rule["resources"]]
    return rules_


def generate(r, known, paths):
    rules_ = resource_rules(r, known)
    own = [p for _, _, kind, res, _ in known if any(res in rule["resources"] for rule in rules_) for p in paths[kind]] or ["object"]
    params = r.choice([None, None, ("v1", "ConfigMap"), ("example.com/v1", "Widget"), ("example.org/v1", "Hidden"), ("apps/v1", "Deployment"), ("v1", "Nope")])
    if params:
        own = own + [p.replace("object", "params", 1) for p in paths.get(params[1], ["object.x"])[:200]]
    make = lambda depth: expression(r, own, depth)  # noqa: E731
    validations = []
    for _ in range(r.choice([2, 4, 6])):
        inner = make(r.choice([1, 2, 2, 3]))
        validation = {"expression": r.choice(["{} == {}", "[{}].size() > 0 || {} == 1", "{} != null && {} > 2"]).format(inner, make(1))}
        if r.random() < 0.3:
            validation["messageExpression"] = f"'x' + string({make(1)})"
        validations.append(validation)
    result = policy(validations, variables=[("v", field(r, own)), ("w", r.choice(["variables.v", field(r, own), "object.spec", "[variables.v]"]))])
    result["spec"]["matchConstraints"]["resourceRules"] = rules_
    if params:
        result["spec"]["paramKind"] = {"apiVersion": params[0], "kind": params[1]}
    return result


def test_generated_policies_have_upstreams_warnings():
    need_oracle()
    r = random.Random(argument("seed", 1))
    known = kinds()
    paths = {}
    for _, _, kind, _, schema in known:
        paths.setdefault(kind, sorted(set(fields(schema, "object", 7))))
    # A policy that does not compile without types is refused by the API server: only what compiles is compared, an expression at a time.
    count = argument("count", 150)
    compare(only_valid([generate(r, known, paths) for _ in range(count)]), count // 4)


def only_valid(policies):
    """POLICIES without the validations and variables that do not compile."""
    singles, owners = [], []
    for i, p in enumerate(policies):
        for v in p["spec"]["validations"]:
            for e in filter(None, (v["expression"], v.get("messageExpression"))):
                singles.append({**p, "spec": {**p["spec"], "validations": [{"expression": f"dyn({e}) == 1"}]}})
                owners.append((i, e))
    valid = {owner for owner, found in zip(owners, ours(singles)) if found is not None}
    kept = []
    for i, p in enumerate(policies):
        validations = [{"expression": f"dyn({v['expression']}) == 1", **({"messageExpression": f"string({v['messageExpression']})"} if (i, v.get("messageExpression")) in valid else {})}
                       for v in p["spec"]["validations"] if (i, v["expression"]) in valid]
        if validations:
            kept.append({**p, "spec": {**p["spec"], "validations": validations}})
    return kept


if __name__ == "__main__":
    main()
