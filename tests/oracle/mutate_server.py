#!/usr/bin/env python3
"""MutatingAdmissionPolicy in a real API server (oracle/up), asked with dry-run: what it makes of an object is what `redoubt policy apply` makes.

Each case is an object of a name of its own, with the policies that are about that name. The server runs several policies
in the order of a Go map, another one each time it has learned of a change; redoubt in the order of their names. So the
server is asked until it has said what redoubt says, and whatever else it says must be what redoubt says with other names.
"""
import itertools

from controlplane import *
from mutate import error_class
from server import define

# What the server writes whatever the policies say.
KEPT_BY_THE_SERVER = ("uid", "creationTimestamp", "managedFields", "resourceVersion", "generation")
GENERATION = "deprecated.daemonset.template.generation"
LABELS = {"metadata": {"labels": {"app": "web", "tier": "front"}, "annotations": {"a": "1"}}}
CONTAINER = {"name": "c", "image": "registry.example.com/a:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
             "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}], "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}}
POD = {"containers": [CONTAINER, {"name": "d", "image": "b"}], "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "w"}}]}
ROUNDS = 40  # half of two orders are the other one
SELECTOR = {"matchLabels": {"app": "web"}}
TEMPLATE = {**LABELS, "spec": POD}
OBJECTS = {
    "Pod": ("v1", {"spec": POD}),
    "ConfigMap": ("v1", {"data": {"k": "v", "l": "w"}}),
    "Secret": ("v1", {"data": {"k": "dg=="}}),
    "ServiceAccount": ("v1", {"imagePullSecrets": [{"name": "a"}]}),
    "Service": ("v1", {"spec": {"clusterIP": "None", "clusterIPs": ["None"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "selector": {"app": "web"},
                                "ports": [{"port": 80, "name": "http"}, {"port": 53, "protocol": "UDP", "name": "dns"}]}}),
    "Deployment": ("apps/v1", {"spec": {"replicas": 2, "selector": SELECTOR, "template": TEMPLATE}}),
    "StatefulSet": ("apps/v1", {"spec": {"serviceName": "s", "selector": SELECTOR, "template": TEMPLATE}}),
    "DaemonSet": ("apps/v1", {"spec": {"selector": SELECTOR, "template": TEMPLATE}}),
    "CronJob": ("batch/v1", {"spec": {"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}}}}),
    "NetworkPolicy": ("networking.k8s.io/v1", {"spec": {"podSelector": SELECTOR, "ingress": [{"from": [{"podSelector": {}}]}]}}),
    "Ingress": ("networking.k8s.io/v1", {"spec": {"rules": [{"host": "a.example.com", "http": {"paths": [
        {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]}}),
    "PodDisruptionBudget": ("policy/v1", {"spec": {"minAvailable": 1, "selector": SELECTOR}}),
    "Role": ("rbac.authorization.k8s.io/v1", {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
    "HorizontalPodAutoscaler": ("autoscaling/v2", {"spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}}),
    "Widget": ("example.com/v1", {"spec": {"size": 1, "parts": ["a"], "options": {"x": "y"}}}),
}
PLACES = {"Pod": "", "Deployment": "template.spec.", "StatefulSet": "template.spec.", "DaemonSet": "template.spec.", "CronJob": "jobTemplate.spec.template.spec."}


def apply(expression):
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}


def patch(*operations):
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": "[" + ", ".join("JSONPatch{" + operation + "}" for operation in operations) + "]"}}


def nested(path, value):
    """An object that has VALUE, a CEL expression of the fields, at PATH ("spec.template.spec")."""
    parts = path.split(".")
    text = f"Object.{path}{{{value}}}"
    for depth in range(len(parts) - 1, -1, -1):
        text = f"Object{'.' * bool(depth)}{'.'.join(parts[:depth])}{{{parts[depth]}: {text}}}"
    return text


METADATA = [
    [apply("Object{metadata: Object.metadata{labels: {'tier': 'back', 'new': 'x'}, annotations: {'b': object.metadata.name}}}")],
    [patch("op: 'add', path: '/metadata/labels/new', value: 'x'", "op: 'remove', path: '/metadata/annotations/a'", "op: 'copy', from: '/metadata/labels/app', path: '/metadata/labels/app2'")],
    [patch("op: 'test', path: '/metadata/labels/app', value: 'web'", "op: 'move', from: '/metadata/labels/tier', path: '/metadata/labels/x~1y'",
           "op: 'replace', path: '/metadata/annotations', value: {'k': string(size(object.metadata.labels))}")],
]
PODS = [
    "containers: [{C}{{name: 'd', imagePullPolicy: 'Always'}}, {C}{{name: 'e', image: 'sidecar:1'}}]",
    "containers: [{C}{{name: 'c', env: [{C}.env{{name: 'B', value: '3'}}, {C}.env{{name: 'C', value: '4'}}], ports: [{C}.ports{{containerPort: 80, protocol: 'TCP', name: 'http'}}]}}]",
    "initContainers: [{I}{{name: 'i', image: 'i:1'}}], volumes: [{V}{{name: 'x', emptyDir: {V}.emptyDir{{medium: 'Memory'}}}}]",
    "securityContext: {S}{{runAsNonRoot: true, seccompProfile: {S}.seccompProfile{{type: 'RuntimeDefault'}}}}, automountServiceAccountToken: false",
    "containers: object.spec.{0}containers.map(c, {C}{{name: c.name, securityContext: {C}.securityContext{{allowPrivilegeEscalation: false}}}})",
    "containers: [{C}{{name: 'c', resources: {C}.resources{{limits: {{'cpu': '1.5'}}, requests: {{'memory': '2048Ki'}}}}}}]",
]
OTHERS = {
    "ConfigMap": [apply("Object{data: {'k': 'changed', 'm': 'n'}, immutable: true}"), patch("op: 'remove', path: '/data'")],
    "Secret": [patch("op: 'add', path: '/data/l', value: 'dGV4dA=='"), apply("Object{immutable: true}")],
    "ServiceAccount": [apply("Object{automountServiceAccountToken: false, imagePullSecrets: [Object.imagePullSecrets{name: 'b'}]}")],
    "Service": [apply("Object{spec: Object.spec{ports: [Object.spec.ports{port: 53, protocol: 'UDP', targetPort: 5353}, Object.spec.ports{port: 443, name: 'tls', protocol: 'TCP'}]}}"),
                patch("op: 'replace', path: '/spec/ports/0', value: Object.spec.ports{port: 8080, name: 'alt'}", "op: 'replace', path: '/spec/sessionAffinity', value: 'ClientIP'")],
    "Deployment": [apply("Object{spec: Object.spec{replicas: object.spec.replicas + 1, strategy: Object.spec.strategy{rollingUpdate: Object.spec.strategy.rollingUpdate{maxSurge: 2}}}}"),
                   patch("op: 'remove', path: '/spec/replicas'", "op: 'replace', path: '/spec/template/spec/containers/1', value: Object.spec.template.spec.containers{name: 'z', image: 'z'}")],
    "NetworkPolicy": [patch("op: 'add', path: '/spec/egress', value: []", "op: 'replace', path: '/spec/policyTypes', value: ['Egress']")],
    "Ingress": [apply("Object{spec: Object.spec{ingressClassName: 'internal', defaultBackend: Object.spec.defaultBackend{service: "
                      "Object.spec.defaultBackend.service{name: 's', port: Object.spec.defaultBackend.service.port{name: 'http'}}}}}")],
    "PodDisruptionBudget": [apply("Object{spec: Object.spec{minAvailable: '50%', unhealthyPodEvictionPolicy: 'AlwaysAllow'}}")],
    "Role": [patch("op: 'add', path: '/rules/0/verbs/-', value: 'list'", "op: 'add', path: '/rules/-', value: {'apiGroups': ['apps'], 'resources': ['deployments'], 'verbs': ['get']}")],
    "HorizontalPodAutoscaler": [apply("Object{spec: Object.spec{minReplicas: 2, behavior: Object.spec.behavior{scaleDown: Object.spec.behavior.scaleDown{stabilizationWindowSeconds: 60}}}}")],
    "Widget": [apply("Object{spec: Object.spec{size: 2, options: Object.spec.options{z: 'q'}}}"), patch("op: 'add', path: '/spec/parts/-', value: {'any': [1, 2]}")],
}
# What goes wrong, and several policies on the same object.
ODD = [
    [[patch("op: 'test', path: '/data/k', value: 'other'")]],
    [[patch("op: 'remove', path: '/data/missing'")]],
    [[apply("Object{data: {'k': object.data.missing}}")]],
    [[patch("op: 'replace', path: '/data', value: 'text'")]],
    [[apply("Object{metadata: Object.metadata{labels: {'n': '1'}}}")], [patch("op: 'add', path: '/data/second', value: object.metadata.labels.n")]],
    [[apply("has(object.data.late) ? Object{data: {'seen': 'yes'}} : Object{}")], [apply("Object{data: {'late': '1'}}")]],
    [[apply("Object{data: {'k': object.data.k + 'x'}}")]],  # again, because it changes what it has made
    [[apply("Object{data: {'k': object.data.k + 'x'}}")], [apply("Object{data: {'l': object.data.l + 'y'}}")]],
    [[apply("Object{data: {'from-params': params.data.k}}")]],
    [[patch("op: 'add', path: '/data/l', value: base64.encode(b'text')")]],
    [[patch("op: 'add', path: '/data/l', value: {'port': 8080, 'name': 'alt'}")]],
]


def mutations_of(kind):
    """Lists of the mutations of one policy each."""
    found = METADATA if kind in ("Pod", "ConfigMap", "Widget", "Role") else METADATA[:1]
    if kind in PLACES:
        place = PLACES[kind]
        names = {letter: f"Object.spec.{place}{field}" for letter, field in zip("CIVS", ("containers", "initContainers", "volumes", "securityContext"))}
        found = found + [[apply(nested(f"spec.{place}".rstrip("."), text.format(place, **names)))] for text in PODS]
    return found + [[mutation] for mutation in OTHERS.get(kind, [])]


class Case:
    """An object, and the policies that are about it."""

    def __init__(self, number, kind, several):
        version, parts = OBJECTS[kind]
        name = f"case-{number}"
        self.object = {"apiVersion": version, "kind": kind, **parts, "metadata": {"name": name, "namespace": "default", **LABELS["metadata"]}}
        self.policies = [self.policy(f"{name}-{i}", name, mutations) for i, mutations in enumerate(several)]
        self.bindings = [self.binding(policy) for policy in self.policies]

    @staticmethod
    def policy(name, target, mutations):
        spec = {"matchConstraints": {"resourceRules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["*"]}]},
                "matchConditions": [{"name": "this", "expression": f"object.metadata.name == '{target}'"}],
                "reinvocationPolicy": "IfNeeded", "mutations": mutations}
        if "params" in json.dumps(mutations):
            spec["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
        return {"apiVersion": REGISTRATION, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec}

    @staticmethod
    def binding(policy):
        spec = {"policyName": policy["metadata"]["name"]}
        if "paramKind" in policy["spec"]:
            spec["paramRef"] = {"name": "params", "namespace": "default", "parameterNotFoundAction": "Deny"}
        return {"apiVersion": REGISTRATION, "kind": "MutatingAdmissionPolicyBinding", "metadata": dict(policy["metadata"]), "spec": spec}

    def expressions(self):
        return [m.get("applyConfiguration", m.get("jsonPatch"))["expression"] for policy in self.policies for m in policy["spec"]["mutations"]]

    def question(self, order=None):
        """A question of `policy apply --stream`; with the policies named so that they run in ORDER."""
        policies, bindings = self.policies, self.bindings
        if order:
            policies = [renamed(policy, f"run-{at}-") for at, policy in enumerate(order)]
            bindings = [self.binding(policy) for policy in policies]
        return {"policy": policies, "binding": bindings, "params": [PARAMS], "object": self.object}

    def orders(self):
        """All orders but that of the names."""
        return list(itertools.permutations(self.policies))[1:]


def renamed(policy, prefix_):
    return {**policy, "metadata": {"name": prefix_ + policy["metadata"]["name"]}}


PARAMS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "params", "namespace": "default"}, "data": {"k": "from there"}}


def all_cases():
    several = [(kind, [mutations]) for kind in OBJECTS for mutations in mutations_of(kind)] + [("ConfigMap", odd) for odd in ODD]
    return [Case(number, kind, policies) for number, (kind, policies) in enumerate(several)]


def activate(server, cases):
    """Writes the policies of CASES, and waits until they act. Returns the names of policies that are refused."""
    refused = {part["metadata"]["name"] for case in cases for part in case.policies if not server.create(part, dryRun="All").ok}
    server.put(PARAMS)
    for case in cases:
        for part in (*case.policies, *case.bindings):
            if part["metadata"]["name"] not in refused:
                server.put(part)
    await_changes(server, "all", ("ConfigMap", "Widget"))
    return refused


def await_changes(server, name, kinds):
    """Waits until everything that was written acts, on objects of KINDS: what was written last acts last. Policies then have another order."""
    for kind in kinds:
        marker = Case(f"marker-{name}-{kind.lower()}", kind, [[apply("Object{metadata: Object.metadata{annotations: {'acts': params.data.k}}}")]])
        for part in (*marker.policies, *marker.bindings):
            server.put(part)

        def acts(marker=marker):
            reply = server.create(marker.object, dryRun="All")
            return reply.ok and "acts" in reply.body["metadata"]["annotations"]

        server.wait(acts, "policies that act")


def comparable(obj):
    """OBJ without what others than the policies write into it."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in KEPT_BY_THE_SERVER}
    metadata["annotations"] = {key: value for key, value in metadata.get("annotations", {}).items() if key != GENERATION}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def without_empty(value):
    """VALUE without the timestamps that templates are written with in one place and not in the other."""
    if isinstance(value, dict):
        return {key: without_empty(part) for key, part in value.items() if not (key == "creationTimestamp" and part is None)}
    return [without_empty(part) for part in value] if isinstance(value, list) else value


def told(reply):
    """What the server makes of the object; None where something else than a policy refused it."""
    if reply.ok:
        return "allow", without_empty(comparable(reply.body))
    if "policy '" not in reply.message and "json: cannot unmarshal" not in reply.message:
        return None
    return "deny", reply.body["code"], reply.body["reason"], error_class(reply.message)


def made(answer):
    if answer["verdict"] == "invalid":
        return ("invalid",)
    if answer["verdict"] == "allow":
        return "allow", without_empty(comparable(answer["object"]))
    return "deny", answer["status"]["code"], answer["status"]["reason"], error_class(re.sub(r"\brun-\d+-", "", answer["status"]["message"]))


def apply_all(questions):
    return [made(json.loads(line)) for line in run("policy", "apply", "--stream", stdin="".join(json.dumps(question) + "\n" for question in questions)).text.splitlines()]


def difference(case, our, their):
    return f"{case.object['kind']} {case.expressions()}\n  redoubt  {json.dumps(our, sort_keys=True)}\n  upstream {json.dumps(their, sort_keys=True)}"


def test_policies_make_what_a_real_server_makes():
    cases = all_cases()
    answers = apply_all([case.question() for case in cases])
    counts, wrong = {"allow": 0, "deny": 0, "invalid": 0, "not to be compared": 0}, []
    with cluster() as server:
        define(server, {("example.com", "Widget"): (["v1"], True)})
        refused = activate(server, cases)
        for case, our, reply in zip(cases, answers, server.each(lambda case: server.create(case.object, dryRun="All"), cases)):
            their = told(reply) if refused.isdisjoint(policy["metadata"]["name"] for policy in case.policies) else ("invalid",)
            counts[their[0] if their else "not to be compared"] += 1
            if not their:
                print(f"# {reply.status} {reply.message[:300]}")
            elif their != our and not case.orders():
                wrong.append(difference(case, our, their))
        wrong += wrong_in_any_order(server, [(case, our) for case, our in zip(cases, answers) if case.orders()])
    print(f"# {len(cases)} objects, {counts}")
    assert not wrong, "\n".join([f"{len(wrong)} differ"] + wrong[:SHOWN])
    assert counts["allow"] >= 40 and counts["deny"] >= 3 and counts["invalid"] == 2 and counts["not to be compared"] * 20 < len(cases), counts


def wrong_in_any_order(server, cases):
    """What differs for CASES, of several policies: what the server says must be what redoubt says in one of all orders, and what redoubt says what the server says in one."""
    wrong, rounds = [], 0
    possible = [[our, *apply_all([case.question(order) for order in case.orders()])] for case, our in cases]
    unseen = set(range(len(cases)))
    while unseen and rounds < ROUNDS and not wrong:
        for i in sorted(unseen):
            their = told(server.create(cases[i][0].object, dryRun="All"))
            if their not in possible[i]:
                wrong.append(difference(*cases[i], their))
            elif their == possible[i][0]:
                unseen.discard(i)
        rounds += 1
        await_changes(server, f"round-{rounds}", ("ConfigMap",))
    print(f"# {len(cases)} objects with several policies, {sum(len(set(map(json.dumps, some))) > 1 for some in possible)} of them not the same in every order: {rounds} rounds")
    return wrong + [f"{difference(*cases[i], 'never says so')}" for i in unseen if not wrong]


if __name__ == "__main__":
    main()
