#!/usr/bin/env python3
"""Generated policies and bindings over generated objects: what they are about, what they deny, and with which message.

--policies=N generates N policies (300; 3000 with --nightly), --seed=N others.
"""
import random

from differential import *
from generate import Generator

NAMESPACES = [
    NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}, {
        "apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": "default", "labels": {"kubernetes.io/metadata.name": "default", "team": "ops", "tier": ""}
        }
    }
]
KINDS = [("", "v1", "pods"), ("apps", "v1", "deployments"), ("", "v1", "services"),
         ("rbac.authorization.k8s.io", "v1", "clusterroles"), ("", "v1", "configmaps"), ("", "v1", "namespaces"),
         ("networking.k8s.io", "v1", "ingresses"), ("batch", "v1", "jobs"), ("example.com", "v1", "widgets")]
OBJECTS = [
    "Pod", "Deployment", "Service", "ClusterRole", "ConfigMap", "Namespace", "Ingress", "Job", "Role", "CronJob",
    "Secret", "PriorityClass"
]
VALUES = [
    "object.metadata.name", "string(object.spec.replicas)", "request.operation", "request.namespace",
    "request.kind.kind", "request.resource.resource", "request.name", "object.kind", "request.requestKind.group",
    "request.subResource", "object.metadata.labels['app']", "variables.v0", "namespaceObject.metadata.name",
    "namespaceObject.metadata.labels['team']", "string(request.dryRun)", "object.apiVersion",
    "string(size(object.metadata))", "request.kind.version", "object.metadata.?labels.app.orValue('none')"
]
TEXTS = [
    "'x'", "''", "'  spaces  '", "'two\\nlines'", "'a'.replace('a', 'b')", "object.metadata.namespace",
    "'%s has %d' .format([object.metadata.name, 3])", "'\\tx\\n'", "['a','b'].join(' ')", "'" + "long " * 1100 + "'",
    "string(1/0)", "variables.v1", "'é ü 漢'", "object.nosuch", "' '"
]
MESSAGES = ["plain", "  trimmed  ", "with 'quotes' and \"more\"", "tab\there", "", "é"]


class Policies:
    """Makes policies from the number SEED."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def rare(self, n):
        return self.random.randrange(n) == 0

    def condition(self, depth=0):
        """An expression of type bool, or dyn where that is allowed."""
        if depth < 2 and self.rare(3):
            operator = self.one("&&", "||", "==")
            return f"({self.condition(depth + 1)}) {operator} ({self.condition(depth + 1)})"
        value = lambda: self.one(*VALUES)
        return self.one("true", "false", "object == null", "oldObject == null", "oldObject != null",
                        f"{value()} == {value()}", f"{value()} != ''", f"{value()}.startsWith('c')",
                        f"size({value()}) > 3", "has(object.spec)",
                        "has(object.metadata.labels) && object.metadata.labels.size() > 0", "object.spec.replicas > 1",
                        "has(object.metadata.namespace)", "object.spec.containers.all(c, has(c.image))",
                        "object.spec.template.spec.containers.exists(c, c.name == 'c0')",
                        "request.operation in ['CREATE', 'UPDATE']", "request.userInfo.username == ''",
                        "request.userInfo.groups.size() == 0", "1 / 0 == 1",
                        "object.metadata.name.matches('case-[0-9]*[02468]$')", "!has(object.metadata.annotations)",
                        "variables.v0 == variables.v0", "string(variables.v1) != 'x'",
                        "object.metadata.?labels['app'].hasValue()", "namespaceObject != null",
                        "has(namespaceObject.metadata)",
                        "namespaceObject == null || namespaceObject.metadata.name != 'shop'",
                        "namespaceObject.metadata.?labels.team.orValue('') == 'shop'", "has(request.options)",
                        "request.dryRun", "quantity('1Gi').isGreaterThan(quantity('1Mi'))",
                        "object.metadata.labels.all(k, k.contains('a'))",
                        "object.spec.?hostNetwork.orValue(false) == false", "dyn(object.metadata.name) == 1",
                        "type(object.metadata) == map", "object.spec.rules.size() > 0",
                        "object.rules.all(r, '*' in r.verbs)", "isURL(object.metadata.name)")

    def selector(self):
        return self.one(
            {}, {"matchLabels": {"team": "shop"}}, {"matchLabels": {"kubernetes.io/metadata.name": "shop"}},
            {"matchExpressions": [{"key": "team", "operator": "Exists"}]},
            {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
            {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["shop"]}]},
            {"matchLabels": {"app": "x"}},
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x", ""]}]},
            {"matchLabels": {"team": "ops", "tier": ""}}, {
                "matchExpressions": [{
                    "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "shop"]
                }]
            })

    def rule(self):
        group, version, resource = self.one(*KINDS)
        rule = {
            "apiGroups": self.one([group], [group], ["*"], [group, "apps"]),
            "apiVersions": self.one([version], [version], ["*"], ["v1beta1"], ["v2"]),
            "operations": self.one(["CREATE"], ["*"], ["CREATE", "UPDATE"], ["UPDATE"], ["DELETE"]),
            "resources": self.one([resource], [resource], ["*"], [resource, resource + "/status"], ["*/*"],
                                  ["*/status"], [resource + "/*"])
        }
        if self.rare(4):
            rule["scope"] = self.one("Cluster", "Namespaced", "*")
        if self.rare(6):
            rule["resourceNames"] = [f"case-{self.random.randrange(12)}" for _ in range(5)]
        return rule

    def match(self, rules):
        match = {}
        if rules:
            match["resourceRules"] = [self.rule() for _ in range(self.random.randrange(2) + 1)]
            if not self.rare(3):
                match["resourceRules"].append(
                    {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["*"]})
        if self.rare(4):
            match["excludeResourceRules"] = [self.rule()]
        if self.rare(3):
            match["namespaceSelector"] = self.selector()
        if self.rare(3):
            match["objectSelector"] = self.selector()
        if self.rare(3):
            match["matchPolicy"] = self.one("Exact", "Equivalent")
        return match

    def validation(self):
        validation = {"expression": self.condition()}
        if self.rare(2):
            validation["message"] = self.one(*MESSAGES)
        if not self.rare(3):
            validation["messageExpression"] = self.one(*TEXTS, *TEXTS, *VALUES)
        if self.rare(4):
            validation["reason"] = self.one("Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge")
        return validation

    def policy(self, name):
        spec = {
            "matchConstraints": self.match(True),
            "validations": [self.validation() for _ in range(self.random.randrange(3) + 1)],
            "variables": [{"name": f"v{i}", "expression": self.one(*VALUES, *TEXTS, self.condition(), "variables.v0")}
                          for i in range(2)]
        }
        if self.rare(3):
            spec["matchConditions"] = [{"name": f"c{i}", "expression": self.condition()}
                                       for i in range(self.random.randrange(2) + 1)]
        if not self.rare(4):
            spec["failurePolicy"] = self.one("Fail", "Fail", "Ignore")
        return {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name}, "spec": spec
        }

    def bindings(self, policy):
        for i in range(self.one(0, 1, 1, 2)):
            spec = {
                "policyName": policy, "validationActions": self.one(["Deny"], ["Warn"], ["Audit"], ["Deny", "Audit"])
            }
            if self.rare(2):
                spec["matchResources"] = self.match(self.rare(2))
            yield {
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": f"{policy}-b{i}"}, "spec": spec
            }


def objects():
    """A few objects of each kind, as the API server decodes them, named case-N."""
    generator, made = Generator(5), {}
    for _ in range(2000):
        obj = generator.any()
        if obj["kind"] in OBJECTS and len(made.setdefault(obj["kind"], [])) < 3:
            made[obj["kind"]].append(obj)
    chosen = [obj for kind in OBJECTS for obj in made.get(kind, [])]
    seen = [a["object"] for a in ask([{"decode": {"object": obj, "default": True}} for obj in chosen]) if "object" in a]
    assert len(seen) > 2 * len(OBJECTS)
    seen += [{
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "shop"},
        "spec": {"replicas": 3}
    }, {
        "apiVersion": "example.com/v1", "kind": "Widget",
        "metadata": {"name": "w", "labels": {"app": "x", "team": "shop"}}, "spec": None
    }]
    return [renamed(obj, i) for i, obj in enumerate(seen)]


def valid(policies, bindings):
    """Those that the API server would store."""
    answers = ask([{"validate": {"object": obj}} for obj in policies + bindings])
    good = [obj for obj, a in zip(policies + bindings, answers) if a.get("valid")]
    names = {obj["metadata"]["name"] for obj in good if obj["kind"] == "ValidatingAdmissionPolicy"}
    return [obj for obj in good
            if obj["metadata"]["name"] in names], [obj for obj in good if obj["spec"].get("policyName") in names]


def is_custom(obj):
    return obj["apiVersion"].startswith("example.com/")


def upstream(batches):
    """What the API server's code says of each batch (policies, bindings, objects): {(policy, object): messages}."""
    kinds = [[],
             [{"group": "example.com", "version": "v1", "kind": "Widget", "resource": "widgets", "namespaced": True}]]
    questions, owners = [], []
    for i, (policies, bindings, subjects) in enumerate(batches):
        questions.append({"load": {"name": f"p{i}", "policies": policies, "bindings": bindings}})
        owners.append(None)
        for obj in subjects:
            questions.append({
                "vap": {
                    "set": f"p{i}", "object": obj, "namespace": NAMESPACES, "kinds": kinds[is_custom(obj)],
                    "default": False
                }
            })
            owners.append((i, obj["metadata"]["name"]))
    found = [{} for _ in batches]
    for owner, answer in zip(owners, ask(questions)):
        assert "error" not in answer, (answer, owner)
        for result in answer.get("results", []):
            for evaluation in result.get("evaluations", []):
                for decision in evaluation["decisions"]:
                    if decision["action"] == "deny":
                        found[owner[0]].setdefault((result["policy"], owner[1]), set()).add(decision["message"])
    return found


def ours(policies, bindings, subjects):
    found = {}
    with Folder({
            "policies.yaml": "\n---\n".join(map(json.dumps, policies + bindings)),
            "in/namespaces.yaml": "\n---\n".join(map(json.dumps, NAMESPACES)),
            "in/cases.yaml": "\n---\n".join(map(json.dumps, subjects))
    }) as folder:
        result = run("scan",
                     os.path.join(folder, "in"),
                     "--no-catalogue",
                     "--rules",
                     os.path.join(folder, "policies.yaml"),
                     "--as-submitted",
                     "-o",
                     "json",
                     "--max-findings",
                     "100000000",
                     timeout=TIME_LIMIT)
        assert result.status in (0, 1), result
        for finding in result.json["findings"]:
            if finding["location"]["file"].endswith("cases.yaml"):
                found.setdefault((finding["rule"], finding["resource"]["name"]), set()).add(finding["message"])
    return found


def disagreements(batches):
    """For each batch the ((policy, object), what upstream says, what redoubt says) that differ."""
    result = []
    for batch, u in zip(batches, upstream(batches)):
        o = ours(*batch)
        result.append([(key, u.get(key, set()), o.get(key, set())) for key in sorted({*u, *o})
                       if u.get(key) != o.get(key)])
    return result


def is_whole(case):
    """Whether nothing is missing that an object or a policy must have."""
    return all(key in case for key in ("policy", "bindings", "object")) and {"apiVersion", "kind"} <= case["object"].keys() and \
        (case["object"].get("metadata") or {}).get("name") and all((p.get("metadata") or {}).get("name") and p.get("kind") and p.get("apiVersion")
                                                                  for p in [case["policy"], *case["bindings"]])


def shrink_policy(case, silent):
    """The smallest policy, bindings and object that are still judged differently, and what each says. SILENT: which of the two
    engines say nothing; that stays so.
    """
    said = ""
    while True:
        candidates = [c for c in sorted(children(case), key=lambda c: len(json.dumps(c))) if is_whole(c)]
        flat = [obj for c in candidates for obj in [c["policy"], *c["bindings"]]]
        verdicts = iter([a.get("valid", False) for a in ask([{"validate": {"object": obj}} for obj in flat])])
        kept = [c for c in candidates if all([next(verdicts) for _ in [c["policy"], *c["bindings"]]])]
        seen = [a.get("object") for a in ask([{"decode": {"object": c["object"], "default": False}} for c in kept])]
        kept = [(c, obj) for c, obj in zip(kept, seen) if obj]
        found = disagreements([([c["policy"]], c["bindings"], [obj]) for c, obj in kept])
        smaller = next(
            ((c, u, o) for (c, _), wrong in zip(kept, found) for _, u, o in wrong if (not u, not o) == silent), None)
        if not smaller:
            return case, said
        case, u, o = smaller
        said = f"upstream {sorted(u)}\nredoubt  {sorted(o)}"


def test_policies_say_the_same():
    need_oracle()
    make, subjects, count = Policies(argument("seed", 1)), objects(), argument("policies", 300, nightly=3000)
    policies = [make.policy(f"p{i}") for i in range(count)]
    bindings = [binding for policy in policies for binding in make.bindings(policy["metadata"]["name"])]
    policies, bindings = valid(policies, bindings)
    assert len(policies) > count / 4, len(policies)
    [wrong] = disagreements([(policies, bindings, subjects)])
    if not wrong:
        return
    lines = [f"{len(wrong)} verdicts differ; {len(policies)} policies, {len(subjects)} objects"]
    seen = set()
    for (name, case), u, o in sorted(wrong, key=lambda w: (bool(w[1]) and bool(w[2]), len(w[1]) + len(w[2]))):
        if name in seen or len(seen) == argument("shown", SHOWN):
            continue
        seen.add(name)
        policy = next(p for p in policies if p["metadata"]["name"] == name)
        small, said = shrink_policy(
            {
                "policy": policy, "bindings": [b for b in bindings if b["spec"]["policyName"] == name], "object": next(
                    s for s in subjects if s["metadata"]["name"] == case)
            }, (not u, not o))
        lines.append(f"{said or (sorted(u), sorted(o))}\n  {json.dumps(small)}")
    raise Disagreement("\n".join(lines))


main()
