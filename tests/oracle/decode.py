#!/usr/bin/env python3
"""Objects as the API server sees them: redoubt decodes and defaults to the JSON that Kubernetes' own code gives.

--objects=N generates N objects of each kind (40; 400 with --nightly), --seed=N others.
"""
import random
import re

from differential import *

SCHEMA = os.path.join(ROOT, "src", "kube", "schema-data.c")


def ours(objects):
    text = "".join(json.dumps(obj) + "\n" for obj in objects)
    result = run("decode", "-", stdin=text, timeout=TIME_LIMIT)
    assert result.status == 0, result
    decoded = [json.loads(line) for line in result.out.splitlines()]
    assert len(decoded) == len(objects), (len(decoded), len(objects))
    return decoded


def upstream(objects):
    """What the oracle makes of each; None where it cannot be decoded or the kind has no type."""
    answers = ask([{"decode": {"object": obj}} for obj in objects])
    return [a["object"] if a.get("known") else None for a in answers]


def differences(left, right, path=""):
    """Where two trees differ, as (path, upstream, redoubt)."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            yield from differences(left.get(key, "(absent)"), right.get(key, "(absent)"), f"{path}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for i, (a, b) in enumerate(zip(left, right)):
            yield from differences(a, b, f"{path}[{i}]")
    elif type(left) is not type(right) or left != right:
        yield path, left, right


# What redoubt leaves to the server, by place; docs/limits.md tells of it.
LEFT = (
    # v1 puts what it cannot say about a HorizontalPodAutoscaler's status into annotations.
    "autoscaling/v1 HorizontalPodAutoscaler .metadata.annotations",
    # An update strategy of another type that has the fields of a rolling update is refused anyway.
    "apps/v1 DaemonSet .spec.updateStrategy.rollingUpdate",
    "apps/v1 Deployment .spec.strategy.rollingUpdate",
    # An empty list of policies is not the same as none before defaulting, and is not written after it.
    "autoscaling/v2 HorizontalPodAutoscaler .spec.behavior.scaleDown.policies",
    "autoscaling/v2 HorizontalPodAutoscaler .spec.behavior.scaleUp.policies",
    # The requests of a pod as a whole are the sums of its containers'.
    "v1 Pod .spec.resources",
)


def compare(objects, least):
    """At least LEAST of OBJECTS can be compared, and none differs."""
    found, compared = {}, 0
    for obj, theirs, mine in zip(objects, upstream(objects), ours(objects)):
        if theirs is None:
            continue
        compared += 1
        for path, left, right in differences(theirs, mine):
            place = f"{obj['apiVersion']} {obj['kind']} " + re.sub(r"\[[0-9]+\]", "[]", path)
            if not place.startswith(LEFT):
                found.setdefault(place, []).append((left, right))
    lines = [f"  {place}: {len(pairs)} times, e.g. upstream {pairs[0][0]!r}, redoubt {pairs[0][1]!r}" for place, pairs in sorted(found.items())]
    assert not lines, "\n".join([f"{len(lines)} places differ in {compared} objects"] + lines[:200])
    assert compared >= least, f"only {compared} of {len(objects)} objects could be compared"


def served():
    """The kinds with a schema: (apiVersion, kind) -> index of its type."""
    with open(SCHEMA, encoding="utf-8") as file:
        return {(v, k): int(t) for v, k, t in re.findall(r'STR_INIT\("([^"]*)"\), STR_INIT\("([^"]*)"\), (\d+) }', file.read())}


class Schema:
    """The fields of each kind, read from the generated tables: only which fields there are is taken from there."""

    def __init__(self):
        with open(SCHEMA, encoding="utf-8") as file:
            text = file.read()
        rows = re.search(r"schema_types\[\] = \{(.*?)\n\};", text, re.S)[1]
        self.types = [[word.strip() for word in row.split(",")] for row in re.findall(r"\{ (.*?) \}", rows)]
        rows = text[text.index("schema_fields[] = {"):]
        self.fields = [(name, int(t)) for name, t in re.findall(r'STR_INIT\("([^"]*)"\), (\d+)', rows)]


# Values of fields that decide about other fields.
WORDS = {
    "type": ["RollingUpdate", "Recreate", "OnDelete", "NodePort", "LoadBalancer", "ClusterIP", "ExternalName", "Container", "Opaque", ""],
    "image": ["nginx", "nginx:latest", "nginx:1.25", "example.com:5000/a/b", "a@sha256:" + "0" * 64, "a:latest@sha256:" + "0" * 64, "UPPER", "a b", ""],
    "reference": ["example.com/volume", "example.com/volume:v1"],
    "sessionAffinity": ["None", "ClientIP"],
    "kind": ["User", "Group", "ServiceAccount"],
    "status": ["True", "False", ""],
    "protocol": ["TCP", "UDP", ""],
}
QUANTITIES = ["1", "100m", "1024Mi", "1.5Gi", "0.5", "1000k", "2e3", 1, 2.5, 0, "0", "0.1", "100u", "1500u", "-1n", "0.0001", "1.0005", "0.1Ki", "1e-7", "12345678901234567890.0001",
              "-2.00001"]
TIMES = ["2024-05-06T07:08:09Z", "2024-05-06T07:08:09+02:00", "2024-02-29T23:59:59-01:30", "2024-05-06T07:08:09.5Z", "2024-12-31T23:59:59.999999999-00:01"]
MICRO_TIMES = ["2024-05-06T07:08:09.000001Z", "2024-05-06T07:08:09.120000+05:30", "1969-12-31T00:00:00.999999-12:00"]
DURATIONS = ["1m0s", "90m", "0", "1.5h", "-1ns", "1500us", "2h45m30.5s", "100ms", "1h1ns"]


class Objects:
    """Random objects: every field now and then present, empty, null or zero, with some that no type has."""

    def __init__(self, schema, seed):
        self.schema, self.random = schema, random.Random(seed)

    def value(self, index, depth, name=""):
        row, choice = self.schema.types[index], self.random.choice
        kind = row[0].removeprefix("SCHEMA_")
        if kind == "STRUCT":
            return self.struct(int(row[2]), int(row[3]), depth)
        if kind == "LIST":
            return [self.value(int(row[2]), depth + 1) for _ in range(choice([0, 1, 1, 2]))]
        if kind == "MAP":
            return {f"k{i}": self.value(int(row[2]), depth + 1) for i in range(choice([0, 1, 2]))}
        if kind == "RESOURCES":
            return {key: choice(QUANTITIES) for key in self.random.sample(["cpu", "memory", "ephemeral-storage"], choice([0, 1, 2]))}
        return {
            "BOOL": lambda: choice([True, False]), "INT32": lambda: choice([0, 1, 8080]), "INT64": lambda: choice([0, 1, 30]),
            "FLOAT": lambda: 1.5, "STRING": lambda: choice(WORDS.get(name, ["", "word", "another"])), "BYTES": lambda: "aGVsbG8=",
            "QUANTITY": lambda: choice(QUANTITIES), "INT_OR_STRING": lambda: choice([0, 1, "25%", "http"]),
            "TIME": lambda: choice(TIMES), "MICRO_TIME": lambda: choice(MICRO_TIMES), "DURATION": lambda: choice(DURATIONS),
            "ANY": lambda: {"a": [1, None]},
        }[kind]()

    def struct(self, first, count, depth):
        made = {}
        density = self.random.choice([0, 0.15, 0.4, 0.8]) if depth else 1
        for name, index in self.schema.fields[first:first + count]:
            if self.random.random() < density * 0.9 ** depth:
                made[name] = None if self.random.random() < 0.05 else self.value(index, depth + 1, name)
        if self.random.random() < 0.05:
            made["noSuchField"] = 1
        return made

    def object(self, version, kind, index):
        made = self.value(index, 0)
        return {**made, "apiVersion": version, "kind": kind}


def test_objects_of_the_shared_manifests():
    need_oracle()
    texts = []
    for folder, _, names in os.walk(need_data("manifests")):
        for name in names:
            if name.endswith((".yaml", ".yml")):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    texts += split(file.read())
    objects = [d for d in documents(texts) if isinstance(d, dict) and d.get("apiVersion") and d.get("kind")]
    known = served()
    compare([obj for obj in objects if (obj["apiVersion"], obj["kind"]) in known], 500)


def test_objects_of_the_rules_own_tests():
    need_oracle()
    texts = []
    for path in sorted(POLICIES.glob("*/*.test.yaml")):
        texts += [case["object"] for case in documents([path.read_text(encoding="utf-8")])[0]]
    known = served()
    objects = [d for d in documents(texts) if isinstance(d, dict)]
    compare([obj for obj in objects if (obj.get("apiVersion"), obj.get("kind")) in known], 300)


def test_every_kind_without_a_field():
    need_oracle()
    compare([{"apiVersion": v, "kind": k} for v, k in served()], 50)


def test_generated_objects_of_every_kind():
    need_oracle()
    made, count = Objects(Schema(), argument("seed", 1)), argument("objects", 40, nightly=400)
    compare([made.object(v, k, t) for (v, k), t in served().items() for _ in range(count)], count * 25)


main()
