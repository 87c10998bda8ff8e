#!/usr/bin/env python3
"""MutatingAdmissionPolicy: `redoubt policy apply` against Kubernetes' own dispatcher.

Generated policies (both kinds of patches, several in order, reinvocation, conditions, variables, params) on generated
objects: the same object comes out, or the same class of error. Policies that do not compile must not compile in either.
--cases=N generates N (1500; 4000 with --nightly), --seed=N others.
"""
import json
import random
import re
import subprocess

from differential import *

SEED = argument("seed", 1)
API = "admissionregistration.k8s.io/v1"

# Shapes of objects: a dict is a struct, a function makes a scalar; the classes say how a list or map is merged.


class Keyed:
    """A list of structs that is merged by keys."""

    def __init__(self, item, *keys):
        self.item, self.keys = item, keys


class Atomic:
    """Something that is replaced as a whole."""

    def __init__(self, shape):
        self.shape = shape


class Plain:
    """A list (set or atomic) of scalars."""

    def __init__(self, item):
        self.item = item


class Map:
    """A map from strings to scalars."""

    def __init__(self, value):
        self.value = value


def word(r):
    return r.choice(["a", "b", "c", "web", "x-1"])


def number(r):
    return r.choice([0, 1, 2, 3, 80, 443])


def boolean(r):
    return r.random() < 0.5


def image(r):
    return r.choice(["registry.example.com/a:1", "b", "c:latest"])


def amount(r):
    return r.choice(["1", "100m", "1000m", "1Gi", "1024Mi", "0.5"])


def port(r):
    return r.choice([80, 8080, "http"])


def choice(*values):
    return lambda r: r.choice(values)


META = {"labels": Map(word), "annotations": Map(word), "finalizers": Plain(word)}
SECURITY = {"runAsNonRoot": boolean, "runAsUser": number, "seccompProfile": {"type": choice("RuntimeDefault", "Localhost")}}
PORT = {"containerPort": number, "protocol": choice("TCP", "UDP"), "name": word}
CONTAINER = {
    "name": word, "image": image, "args": Atomic(Plain(word)), "command": Atomic(Plain(word)),
    "env": Keyed({"name": word, "value": word}, "name"), "ports": Keyed(PORT, "containerPort", "protocol"),
    "resources": {"limits": Map(amount), "requests": Map(amount)},
    "securityContext": {"privileged": boolean, "allowPrivilegeEscalation": boolean, "capabilities": {"drop": Atomic(Plain(word))}},
    "volumeMounts": Keyed({"name": word, "mountPath": choice("/a", "/b")}, "mountPath"), "imagePullPolicy": choice("Always", "Never"),
}
POD = {
    "containers": Keyed(CONTAINER, "name"), "initContainers": Keyed(CONTAINER, "name"),
    "volumes": Keyed({"name": word, "configMap": {"name": word}}, "name"), "nodeSelector": Atomic(Map(word)),
    "tolerations": Atomic(Plain(word)), "securityContext": SECURITY, "serviceAccountName": word, "hostNetwork": boolean,
    "imagePullSecrets": Keyed({"name": word}, "name"), "hostAliases": Keyed({"ip": choice("10.0.0.1", "10.0.0.2")}, "ip"),
    "terminationGracePeriodSeconds": number, "dnsPolicy": choice("Default", "ClusterFirst"),
}
TEMPLATE = {"metadata": META, "spec": POD}
SELECTOR = Atomic({"matchLabels": Map(word)})
KINDS = {
    ("v1", "Pod"): {"metadata": META, "spec": POD},
    ("apps/v1", "Deployment"): {"metadata": META, "spec": {"replicas": number, "paused": boolean, "template": TEMPLATE, "selector": SELECTOR,
                                                           "strategy": {"type": choice("Recreate", "RollingUpdate"), "rollingUpdate": {"maxSurge": port}}}},
    ("apps/v1", "StatefulSet"): {"metadata": META, "spec": {"replicas": number, "serviceName": word, "template": TEMPLATE, "selector": SELECTOR}},
    ("batch/v1", "CronJob"): {"metadata": META, "spec": {"schedule": word, "suspend": boolean, "jobTemplate": {"spec": {"backoffLimit": number, "template": TEMPLATE}}}},
    ("v1", "Service"): {"metadata": META, "spec": {"type": choice("ClusterIP", "NodePort"), "selector": Atomic(Map(word)), "externalName": word,
                                                   "ports": Keyed({"port": number, "protocol": choice("TCP", "UDP"), "name": word, "targetPort": port}, "port", "protocol")}},
    ("v1", "ConfigMap"): {"metadata": META, "data": Map(word), "immutable": boolean},
    ("v1", "ServiceAccount"): {"metadata": META, "automountServiceAccountToken": boolean, "imagePullSecrets": Keyed({"name": word}, "name")},
    ("networking.k8s.io/v1", "NetworkPolicy"): {"metadata": META, "spec": {"podSelector": SELECTOR, "policyTypes": Atomic(Plain(word))}},
    ("networking.k8s.io/v1", "Ingress"): {"metadata": META, "spec": {"ingressClassName": word, "defaultBackend": {"service": {"name": word}}}},
    ("example.com/v1", "Widget"): {"metadata": META, "spec": {"size": number, "colour": word, "parts": Atomic(Plain(word)), "options": Map(word)}},
}
CUSTOM = {"group": "example.com", "version": "v1", "kind": "Widget", "resource": "widgets", "namespaced": True}


class Generator:
    """One case."""

    def __init__(self, number_):
        self.random = random.Random(f"{SEED}-{number_}")

    def chance(self, p):
        return self.random.random() < p

    def some(self, items, p):
        return [item for item in items if self.chance(p)]

    # --- objects ---

    def json(self, shape, p):
        r = self.random
        if isinstance(shape, Atomic):
            return self.json(shape.shape, p)
        if isinstance(shape, dict):
            return {name: self.json(part, p) for name, part in shape.items() if self.chance(p)}
        if isinstance(shape, Map):
            return {word(r): shape.value(r) for _ in range(r.randrange(3))}
        if isinstance(shape, Plain):
            return list({shape.item(r): 0 for _ in range(r.randrange(3))})
        if isinstance(shape, Keyed):
            items = {}
            for _ in range(r.randrange(4)):
                item = {**{key: shape.item[key](r) for key in shape.keys}, **self.json({k: v for k, v in shape.item.items() if k not in shape.keys}, p)}
                items[tuple(item[key] for key in shape.keys)] = item
            return list(items.values())
        return shape(r)

    def object(self, kind):
        obj = {"apiVersion": kind[0], "kind": kind[1], **self.json(KINDS[kind], 0.35)}
        metadata = obj.setdefault("metadata", {})
        metadata.update({"name": "web", "namespace": "shop"})
        self.repair(obj)
        return obj

    def repair(self, value):
        """What cannot be decoded is not asked."""
        if isinstance(value, dict):
            for name in ("tolerations",):
                if name in value:
                    value[name] = [{"key": key} for key in value[name]]
            for part in value.values():
                self.repair(part)
        elif isinstance(value, list):
            for part in value:
                self.repair(part)

    # --- expressions ---

    def odd(self):
        """A value that rarely fits."""
        return self.random.choice(["null", "1", "'x'", "2.0", "2.5", "3u", "[1]", "['x']", "{'a': 'b'}", "{1: 'b'}", "true", "b'x'", "duration('1s')", "Object.wrong{}",
                                   "optional.none()", "optional.of(1)", "object.metadata.name", "object.spec", "1/0", "quantity('1')", "[]", "{}", "object.nothing"])

    def literal(self, value):
        return json.dumps(value)

    def value(self, shape, path, atomics):
        """A CEL expression for a field of SHAPE at PATH."""
        r = self.random
        if self.chance(0.02):
            return self.odd()
        if isinstance(shape, Atomic):
            return self.value(shape.shape, path, atomics)
        if isinstance(shape, dict):
            return self.struct(shape, path, atomics)
        if isinstance(shape, Map):
            return self.literal({word(r): shape.value(r) for _ in range(r.randrange(3))})
        if isinstance(shape, Plain):
            return self.literal([shape.item(r) for _ in range(r.randrange(3))])
        if isinstance(shape, Keyed):
            items = [self.item(shape, path, atomics) for _ in range(r.randrange(3))]
            return "[" + ", ".join(items) + "]"
        text = self.literal(shape(r))
        return text if self.chance(0.9) else r.choice([f"({text})", f"object.metadata.name == 'web' ? {text} : {text}"])

    def item(self, shape, path, atomics):
        fields = [f"{key}: {self.value(shape.item[key], path + [key], atomics)}" for key in shape.keys if self.chance(0.95)]
        return self.struct({k: v for k, v in shape.item.items() if k not in shape.keys}, path, atomics, fields)

    def struct(self, shape, path, atomics, fields=()):
        fields = list(fields)
        for name, part in shape.items():
            if isinstance(part, Atomic) and not (atomics and self.chance(0.3)):
                continue
            if self.chance(0.25 if len(shape) > 4 else 0.6):
                fields.append(f"{name}: {self.value(part, path + [name], atomics)}")
        if self.chance(0.02):
            fields.append(f"?opt: {self.random.choice(['optional.none()', 'optional.of(1)', 'object.?nothing'])}")
        if self.chance(0.01):
            fields.append("unknown: 1")
        name = "Object." + ".".join(path) if path else "Object"
        if self.chance(0.005):
            name = "Object.wrong"
        return name + "{" + ", ".join(fields) + "}"

    def configuration(self, kind):
        return self.struct(KINDS[kind], [], self.chance(0.1))

    def pointers(self, value, path=""):
        yield path
        if isinstance(value, dict):
            for name, part in value.items():
                yield from self.pointers(part, f"{path}/{name.replace('~', '~0').replace('/', '~1')}")
            yield f"{path}/new"
        elif isinstance(value, list):
            for index, part in enumerate(value):
                yield from self.pointers(part, f"{path}/{index}")
            yield from (f"{path}/-", f"{path}/{len(value)}", f"{path}/-1", f"{path}/x")

    def operation(self, obj):
        r = self.random
        pointers = list(self.pointers(obj))
        path = r.choice(pointers)
        if self.chance(0.4):
            path = r.choice(["/metadata/labels", "/metadata/annotations", "/metadata/labels/x", "/metadata/annotations/a.b~1c", "/spec/replicas", "/data/k", "/data", "/spec/paused",
                             "/spec/template/spec/hostNetwork", "/spec/hostNetwork", "/spec/template/spec/containers/-", "/immutable", "/spec/size"])
        op = r.choice(["add"] * 5 + ["replace"] * 3 + ["remove", "remove", "test", "copy", "move"] + (["odd"] if self.chance(0.1) else []))
        fields = [f"op: {self.literal(op)}", f"path: {self.literal(path)}"]
        if op in ("copy", "move"):
            fields.append(f"from: {self.literal(r.choice(pointers))}")
        if op in ("add", "replace", "test") and self.chance(0.98):
            fields.append("value: " + self.patch_value(path))
        return "JSONPatch{" + ", ".join(fields) + "}"

    def patch_value(self, path):
        r = self.random
        if self.chance(0.15):
            return self.odd()
        last = path.rpartition("/")[2]
        if last in ("labels", "annotations", "data"):
            return r.choice(["{}", "{'a': 'b'}", "object.metadata.labels", "Object.metadata.labels{a: 'b'}"])
        if last in ("replicas", "size"):
            return r.choice(["1", "2", "3.0", "object.spec.replicas"])
        if last in ("paused", "hostNetwork", "immutable"):
            return r.choice(["true", "false"])
        if path.endswith("/containers/-"):
            return r.choice(["{'name': 'z', 'image': 'i'}", "Object.spec.containers{name: 'z', args: ['a']}"])
        return r.choice(["'x'", "'y'", "1", "{}", "[]", "'a' + 'b'"])

    def json_patch(self, obj):
        return "[" + ", ".join(self.operation(obj) for _ in range(self.random.randrange(1, 4))) + "]"

    # --- policies ---

    def mutation(self, kind, obj):
        if self.chance(0.6):
            return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": self.configuration(kind)}}
        return {"patchType": "JSONPatch", "jsonPatch": {"expression": self.json_patch(obj)}}

    def policy(self, name, kind, obj):
        group, _, version = kind[0].rpartition("/")
        spec = {
            "matchConstraints": {"resourceRules": [{"apiGroups": [group], "apiVersions": [version], "operations": ["*"], "resources": ["*"]}]},
            "reinvocationPolicy": self.random.choice(["Never", "IfNeeded"]),
            "mutations": [self.mutation(kind, obj) for _ in range(self.random.choice([1, 1, 1, 2]))],
        }
        if self.chance(0.3):
            spec["failurePolicy"] = self.random.choice(["Fail", "Ignore"])
        if self.chance(0.2):
            spec["matchConditions"] = [{"name": "c", "expression": self.random.choice(["true", "false", "has(object.metadata.labels)", "object.metadata.nothing == 1",
                                                                                       "request.operation == 'CREATE'", "!has(object.metadata.annotations)"])}]
        if self.chance(0.2):
            spec["variables"] = [{"name": "v", "expression": self.random.choice(["'x'", "object.metadata.name", "object.metadata.nothing", "string(size(object.metadata))"])}]
            spec["mutations"].append({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{metadata: Object.metadata{annotations: {'v': variables.v}}}"}})
        if self.chance(0.1):
            spec["matchConstraints"]["objectSelector"] = {"matchLabels": {"a": "b"}}
        if self.chance(0.15):
            spec["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
            spec["mutations"].append({"patchType": "JSONPatch", "jsonPatch": {
                "expression": "has(object.metadata.labels) ? [JSONPatch{op: 'add', path: '/metadata/labels/' + params.metadata.name, value: params.?data.k.orValue('none')}] : []"}})
        return {"apiVersion": API, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec}

    def binding(self, name, policy):
        spec = {"policyName": policy["metadata"]["name"]}
        if "paramKind" in policy["spec"] and self.chance(0.9):
            reference = self.random.choice([{"name": "one"}, {"name": "missing"}, {"selector": {}}, {"selector": {"matchLabels": {"a": "b"}}}])
            spec["paramRef"] = {**reference, "parameterNotFoundAction": self.random.choice(["Allow", "Deny"])}
        if self.chance(0.1):
            spec["matchResources"] = {"objectSelector": {"matchExpressions": [{"key": "a", "operator": self.random.choice(["Exists", "DoesNotExist"])}]}}
        return {"apiVersion": API, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": spec}

    def case(self):
        kind = self.random.choice(list(KINDS))
        obj = self.object(kind)
        names = self.random.sample(["p", "q", "r"], self.random.choice([1, 1, 1, 2, 2, 3]))
        policies = [self.policy(name, kind, obj) for name in names]
        bindings = [self.binding(f"{policy['metadata']['name']}-{i}", policy) for policy in policies for i in range(self.random.choice([1, 1, 1, 2]))]
        params = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "shop"}, "data": {"k": "1"}}]
        case = {"policies": policies, "bindings": bindings, "params": params, "object": obj, "kinds": [CUSTOM]}
        if self.chance(0.2):
            case["oldObject"] = obj
        return case


# --- answers ---


def ours(cases):
    """What redoubt says."""
    lines = "".join(json.dumps({"policy": case["policies"], "binding": case["bindings"], **{k: case[k] for k in ("params", "object", "oldObject") if k in case}}) + "\n" for case in cases)
    result = subprocess.run([REDOUBT, "policy", "apply", "--stream"], input=lines.encode(), capture_output=True, timeout=TIME_LIMIT, check=False)
    assert result.returncode == 0 and not result.stderr, result.stderr[-2000:]
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) == len(cases), (len(answers), len(cases))
    return [our_answer(answer) for answer in answers]


def our_answer(answer):
    if answer["verdict"] == "allow":
        return "allow", answer["object"]
    if answer["verdict"] == "deny":
        return "deny", answer["status"]["code"], answer["status"]["reason"], error_class(answer["status"]["message"])
    return "invalid", answer["error"]


def their_answer(answer):
    if "error" in answer:
        return "crash", answer["error"]
    if answer["allowed"]:
        return "allow", answer["object"]
    message = answer["message"]
    if re.search(r"compilation failed|must evaluate to", message):
        return "invalid", message
    return "deny", answer["code"], answer["reason"], error_class(message)


def error_class(message):
    """MESSAGE up to what depends on how Go shows a value, or on the order in which it walks through a map."""
    if "type mismatch" in message or "atomic arrays" in message:
        head, _, tail = re.match(r"(.*?)(type mismatch: |structs: )(.*)", message, re.S).groups()
        return head, sorted(re.split(r", (?=\.)|\n", tail))
    # A patch that makes another kind of the object is refused when it is decoded, by the next patch, or at the end.
    if re.search(r"failed to convert object|couldn't get version/kind|Object 'Kind' is missing", message):
        return "another kind"
    for head in ("to typed object:", "could not marshal to JSON:", "unable to convert unstructured object", "json: cannot unmarshal", "failed to convert object",
                 "cannot initialize optional entry", "strict decoding error:", "resulted in error: no such overload", "quantities must match", "invalid return type",
                 "Object 'Kind' is missing", "must be object or array"):
        at = message.find(head)
        if at >= 0:
            return message[:at + len(head)]
    return message


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def compiles(case):
    """Whether all of CASE compiles there: each mutation is asked about alone, without what could keep its fault from being told."""
    questions = []
    for policy in case["policies"]:
        for mutation in policy["spec"]["mutations"]:
            spec = {"matchConstraints": {"resourceRules": policy["spec"]["matchConstraints"]["resourceRules"]}, "reinvocationPolicy": "Never", "mutations": [mutation],
                    "variables": policy["spec"].get("variables", [])}
            questions.append({"map": {"policy": {**policy, "spec": spec}, "object": case["object"], "kinds": case["kinds"]}})
    return not any(their_answer(answer)[0] == "invalid" for answer in ask(questions))


def same(case, our, their):
    if their[0] == "crash":  # a panic there is an error here
        return our[0] != "allow"
    if their[0] == "allow" and case["object"]["kind"] == "Widget" and without_nulls(their[1]) != their[1]:
        return our[0] == "allow"  # nulls of custom resources are taken for absent here, also by expressions
    if our[0] == "invalid":
        return their[0] == "invalid" or not compiles(case)
    return our == their


def compare(cases):
    theirs = [their_answer(answer) for answer in ask([{"map": case} for case in cases])]
    return [(case, our, their) for case, our, their in zip(cases, ours(cases), theirs) if not same(case, our, their)], theirs


def show(case, our, their):
    text = {"policies": [[m.get("applyConfiguration", m.get("jsonPatch"))["expression"] for m in policy["spec"]["mutations"]] for policy in case["policies"]]}
    return f"{json.dumps(text)}\n  object {json.dumps(case['object'])}\n  ours   {json.dumps(our)}\n  theirs {json.dumps(their)}"


def shrunk(case):
    """CASE with fewer policies and mutations that still differs."""
    while True:
        smaller = []
        for i in range(len(case["policies"]) if len(case["policies"]) > 1 else 0):
            gone = case["policies"][i]["metadata"]["name"]
            smaller.append({**case, "policies": case["policies"][:i] + case["policies"][i + 1:], "bindings": [b for b in case["bindings"] if b["spec"]["policyName"] != gone]})
        for i, policy in enumerate(case["policies"]):
            mutations = policy["spec"]["mutations"]
            for k in range(len(mutations) if len(mutations) > 1 else 0):
                spec = {**policy["spec"], "mutations": mutations[:k] + mutations[k + 1:]}
                smaller.append({**case, "policies": case["policies"][:i] + [{**policy, "spec": spec}] + case["policies"][i + 1:]})
        found = compare(smaller)[0] if smaller else []
        if not found:
            return case
        case = found[0][0]


def test_policies_make_the_same_object():
    need_oracle()
    cases = [Generator(i).case() for i in range(argument("cases", 1500, nightly=4000))]
    differences, theirs = compare(cases)
    counts = {kind: sum(their[0] == kind for their in theirs) for kind in ("allow", "deny", "invalid", "crash")}
    changed = sum(their[0] == "allow" and bool(case["policies"]) for case, their in zip(cases, theirs))
    print(f"# {len(cases)} cases: {counts}, {changed} admitted, {len(differences)} differences")
    assert counts["allow"] > len(cases) // 5 and counts["deny"] > len(cases) // 20, counts
    if differences:
        shown = [compare([shrunk(case)])[0][0] for case, _, _ in differences[:SHOWN]]
        raise Disagreement("\n".join(show(*difference) for difference in shown))


if __name__ == "__main__":
    main()
