#!/usr/bin/env python3
"""A real API server (oracle/up), asked with dry-run: it admits and refuses what redoubt says, with the same message.

--policies=N generates N policies (200; 2000 with --nightly), each asked about three requests; --seed=N others.
"""
import random
import unicodedata

from admission import KINDS, a_binding, a_policy, an_object, essence, redoubt, the_params
from controlplane import *
from rules import is_namespace, keeps_text, ours, rule_cases

BATCH = 250  # policies that are active at once
REQUESTS = 3  # about each
TOO_LONG = 4000  # characters of what differs to be shown
SHORTENED = 256  # characters of a warning that always arrive
# Where the two may say something else, and why: these objects are not the same in a file and in the server.
KNOWN = {
    "pods/apparmor-unconfined: by annotation": "the server writes the annotation's profile into the field before it asks policies",
    "secrets/manifest: encoded": "a rule about files: what is in the server has a uid",
    "segregation/default-namespace: no namespace": "a scan does not know the namespace of the request",
    "segregation/node-name: a pod that was scheduled": "the server removes the status of what is created",
}
TESTERS = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "testers"},
           "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
           "subjects": [{"kind": "Group", "name": "testers", "apiGroup": "rbac.authorization.k8s.io"}]}
USERS = [{"username": "alice", "groups": ["dev", "testers", "system:authenticated"]},
         {"username": "bob", "groups": ["testers", "system:authenticated"], "extra": {"x": ["1"]}}]
NAMESPACE_LABELS = {"prod": {"env": "p"}, "dev": {"app": "a"}}


def custom_kind(group, kind, versions, namespaced):
    """A CustomResourceDefinition that lets everything pass."""
    singular = kind.lower()
    plural = singular[:-1] + "ies" if singular[-1] == "y" and singular[-2] not in "aeiou" else singular + "s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
            "spec": {"group": group, "scope": "Namespaced" if namespaced else "Cluster",
                     "names": {"plural": plural, "singular": singular, "kind": kind, "listKind": f"{kind}List"},
                     "versions": [{"name": version, "served": True, "storage": version == versions[0], "schema": schema} for version in versions]}}


def define(server, kinds):
    """Serves KINDS, {(group, kind): (versions, namespaced)}."""
    for (group, kind), (versions, namespaced) in kinds.items():
        server.put(custom_kind(group, kind, versions, namespaced))

    def served():
        server.discover()
        return all((f"{group}/{version}", kind) in server.kinds for (group, kind), (versions, _) in kinds.items() for version in versions)

    server.wait(served, "custom kinds")


def named(name, labels=None):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}}


# --- the catalogue

def exported():
    """The whole catalogue as it is exported, policies and bindings."""
    result = run("policy", "export", "--action", "Deny")
    assert result.status == 0, result
    objects = documents(list(split(result.text)))
    return [o for o in objects if o["kind"] == "ValidatingAdmissionPolicy"], [o for o in objects if o["kind"] != "ValidatingAdmissionPolicy"]


def only_for(policy, name):
    """POLICY for requests of the user NAME alone."""
    condition = {"name": "the-tester", "expression": f"request.userInfo.username == '{name}'"}
    return {**policy, "spec": {**policy["spec"], "matchConditions": [condition] + policy["spec"].get("matchConditions", [])}}


def type_warnings(server):
    """What the controller manager warns of in any policy, once it has looked at all."""

    def statuses():
        return {p["metadata"]["name"]: p.get("status", {}) for p in server.request("GET", f"{prefix(REGISTRATION)}/validatingadmissionpolicies").body["items"]}

    server.wait(lambda: all("typeChecking" in status for status in statuses().values()), "type checking")
    return {name: status["typeChecking"]["expressionWarnings"] for name, status in statuses().items() if status["typeChecking"].get("expressionWarnings")}


def foreign_kinds(server, objects):
    """The custom kinds among OBJECTS: those of groups that the server does not have."""
    kinds, own = {}, {version.rpartition("/")[0] for version, _ in server.kinds} | {"extensions"}
    for obj in objects:
        if isinstance(obj, dict) and obj.get("kind") and obj.get("metadata") and group_of(obj) not in own:
            group, _, version = obj["apiVersion"].rpartition("/")
            versions, namespaced = kinds.get((group, obj["kind"]), ([], False))
            kinds[group, obj["kind"]] = versions + [version] * (version not in versions), namespaced or "namespace" in obj["metadata"]
    return kinds


def test_the_exported_catalogue_decides_as_a_scan():
    need_oracle()
    with cluster() as server:
        policies, bindings = exported()
        server.put(TESTERS)
        server.activate(policies, bindings)
        warnings = type_warnings(server)
        server.activate([only_for(policy, policy["metadata"]["name"]) for policy in policies], bindings)
        judge_the_rules_own_objects(server, {policy["metadata"]["name"] for policy in policies})
        assert not warnings, f"{len(warnings)} policies are accepted with a warning: {json.dumps(warnings, indent=1)}"


def judge_the_rules_own_objects(server, names):
    cases = rule_cases()
    objects = documents([text for _, _, text, _ in cases])
    namespaces = documents([text or "null" for _, _, _, text in cases])
    define(server, foreign_kinds(server, [obj for (rule, _, _, _), obj in zip(cases, objects) if rule.name in names]))
    for obj in objects:
        if isinstance(obj, dict) and (obj.get("metadata") or {}).get("namespace"):
            server.put(named(obj["metadata"]["namespace"]))
    # A Namespace among the objects would be that of others.
    kept_apart = [is_namespace(case) for case in cases]
    found = dict(zip([i for i, apart in enumerate(kept_apart) if not apart], ours([c for c, apart in zip(cases, kept_apart) if not apart])))
    found.update(zip([i for i, apart in enumerate(kept_apart) if apart], ours([c for c, apart in zip(cases, kept_apart) if apart])))
    aside, wrong, counts = {}, [], {"refused": 0, "admitted": 0}
    for i, ((rule, name, _, _), obj) in enumerate(zip(cases, objects)):
        title = f"{rule.id}: {name}"
        why, verdict = judge_one(server, rule, obj, namespaces[i], names)
        if why or title in KNOWN:
            aside.setdefault(KNOWN.get(title, why), []).append(title)
            continue
        refused = verdict is not None
        counts["refused" if refused else "admitted"] += 1
        if refused != bool(found[i]) or refused and not unordered([verdict]) & unordered(found[i]):
            wrong.append(f"{title}\n    server  {verdict}\n    redoubt {sorted(found[i])}")
    print(f"# {len(cases)} objects: {counts['refused']} refused, {counts['admitted']} admitted, {sum(map(len, aside.values()))} not to be compared")
    for why, some in sorted(aside.items(), key=lambda item: -len(item[1])):
        print(f"#   {len(some)}: {why}" + "".join(f"\n#      {one}" for one in some[:argument('listed', 0)]))
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)} differ"] + wrong[:40])
    assert counts["refused"] > len(cases) / 4, counts


def judge_one(server, rule, obj, namespace, names):
    """(why it cannot be compared, None) or (None, the policy's message or None where the server admits it)."""
    if rule.name not in names:
        return "no API server would ask the rule, which is not exported", None
    if not server.serves(obj):
        return "the kind is not served", None
    if keeps_text(obj):
        return "a Secret with stringData, which the server moves into data", None
    if namespace:
        server.put_namespace(namespace)
    reply = server.create(obj, user={"username": rule.name, "groups": ["testers"]}, dryRun="All")
    if reply.by_policy():
        return None, reply.message.partition(" denied request: ")[2]
    if reply.ok or reply.status == 409:  # what is there already was admitted
        return None, None
    if argument("listed", 0):
        print(f"# {rule.id}: {reply.message}")
    return f"the server itself refuses it: {reply.status} {reply.body.get('reason')}", None


# --- generated policies

def whole(obj):
    """OBJ with what the server insists on."""
    obj = json.loads(json.dumps(obj))
    pod = {"containers": [{"name": "c", "image": "i:1"}], "terminationGracePeriodSeconds": 0}
    if obj["kind"] == "Pod":
        obj["spec"] = {**obj.get("spec", {}), **pod}
    elif obj["kind"] == "Deployment":
        labels = {"of": obj["metadata"]["name"]}
        obj["spec"] = {**obj.get("spec", {}), "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    elif obj["kind"] == "ClusterRole":
        obj["rules"] = []
    return obj


def marked(selector, number):
    """SELECTOR, for objects of the case NUMBER alone."""
    return {**(selector or {}), "matchExpressions": (selector or {}).get("matchExpressions", []) + [{"key": "case", "operator": "In", "values": [str(number)]}]}


def with_label(obj, number):
    return {**obj, "metadata": {**obj["metadata"], "labels": {**obj["metadata"].get("labels", {}), "case": str(number)}}}


class Case:
    """A policy with its binding, and requests that no other policy is about."""

    def __init__(self, generator, number):
        kind = generator.choice(list(KINDS))
        self.number = number
        self.policy = a_policy(generator, kind, f"p{number}.example.com")
        self.binding = a_binding(generator, kind, self.policy["metadata"]["name"], f"b{number}.example.com")
        match = self.policy["spec"]["matchConstraints"]
        match["objectSelector"] = marked(match.get("objectSelector"), number)
        resources = self.binding["spec"].setdefault("matchResources", {})
        resources["objectSelector"] = marked(resources.get("objectSelector"), number)
        self.questions = [self.question(generator, kind, i) for i in range(REQUESTS)]

    def question(self, generator, kind, i):
        """A question of `policy eval --stream`."""
        operation = generator.choices(["CREATE", "UPDATE", "DELETE"], [5, 3, 2])[0]
        name = generator.choice(["a", "abc", "bad", "z1"])
        if operation != "CREATE" or kind == "Namespace":
            name = f"{name}-{self.number}-{i}"
        new, old = (with_label(whole(an_object(generator, kind, name)), self.number) for _ in range(2))
        if "namespace" in new["metadata"] and operation == "UPDATE":
            old["metadata"]["namespace"] = new["metadata"]["namespace"]
        elif operation == "UPDATE":
            old["metadata"].pop("namespace", None)
        asked = {"operation": operation, "userInfo": generator.choice(USERS), "dryRun": True,
                 "options": {"apiVersion": "meta.k8s.io/v1", "kind": operation.capitalize() + "Options", "dryRun": ["All"]}}
        question = {"policy": [self.policy], "binding": [self.binding], "params": the_params(), "request": asked}
        if operation != "DELETE":
            question["object"] = new
        if operation != "CREATE":
            question["oldObject"] = old
        return question


def submit(server, question):
    """The reply to the request of QUESTION."""
    asked, old = question["request"], question.get("oldObject")
    options = {"user": asked["userInfo"], "dryRun": "All"}
    if asked["operation"] == "DELETE":
        return server.delete(old, **options)
    if asked["operation"] == "CREATE":
        return server.create(question["object"], **options)
    new = question["object"]
    version = server.request("GET", server.path(old)).body["metadata"]["resourceVersion"]
    return server.replace({**new, "metadata": {**new["metadata"], "resourceVersion": version}}, **options)


def shortened(warnings):
    """WARNINGS as far as they arrive: the server sends none with a control character, such as a line break, and cuts long ones."""
    return sorted({"".join(warning.split())[:SHORTENED // 2] for warning in warnings if not any(unicodedata.category(c) == "Cc" for c in warning)})


def told(reply):
    """What the server says about the policy, in the words of `policy eval`; None where it is about something else."""
    if not reply.ok and not reply.by_policy():
        return None
    status = {} if reply.ok else {key: reply.body.get(key) for key in ("code", "reason", "message")}
    return {"verdict": "allow" if reply.ok else "deny", "status": status, "warnings": shortened(w for w in reply.warnings if w.startswith("Validation failed"))}


def expected(answer):
    what = essence(answer)
    return {"verdict": what["verdict"], "status": what["status"], "warnings": shortened(what["warnings"])}


def test_generated_policies_decide_as_in_a_real_server():
    need_oracle()
    generator = random.Random(argument("seed", 1))
    cases = [Case(generator, number) for number in range(argument("policies", 200, nightly=2000))]
    counts = {"allow": 0, "deny": 0, "invalid": 0, "not to be compared": 0}
    wrong = []
    with cluster() as server:
        define(server, {("example.com", "Widget"): (["v1"], True)})
        for obj in [named(name, labels) for name, labels in NAMESPACE_LABELS.items()] + [TESTERS] + the_params():
            server.put(obj)
        namespaces = {name: server.request("GET", f"/api/v1/namespaces/{name}").body for name in ("default", *NAMESPACE_LABELS)}
        for question in [question for case in cases for question in case.questions]:
            if question.get("object", question.get("oldObject"))["kind"] in KINDS_IN_NAMESPACES:
                where = question.get("object", question.get("oldObject"))["metadata"].get("namespace", "default")
                question["namespaceObject"] = namespaces[where]
        for start in range(0, len(cases), BATCH):
            wrong += judge_batch(server, cases[start:start + BATCH], counts)
    print(f"# {len(cases)} policies, {counts}")
    assert not wrong, "\n".join([f"{len(wrong)} differ"] + [text[:TOO_LONG] for text in wrong[:SHOWN]])
    assert counts["not to be compared"] * 20 < REQUESTS * len(cases), counts


KINDS_IN_NAMESPACES = {kind for kind, facts in KINDS.items() if facts[-1]}


def judge_batch(server, cases, counts):
    """What differs, as text."""
    answers = iter(redoubt([question for case in cases for question in case.questions]))
    answers = [[next(answers) for _ in case.questions] for case in cases]
    wrong, stored = [], []
    for case, some in zip(cases, answers):
        # The server refuses malformed ones when they are written.
        replies = [server.create(part, dryRun="All") for part in (case.policy, case.binding)]
        refused = [reply.message for reply in replies if not reply.ok]
        if bool(refused) != (some[0]["verdict"] == "invalid"):
            wrong.append(f"{json.dumps([case.policy, case.binding])}\n  redoubt  {some[0]}\n  upstream {refused}")
        elif refused:
            counts["invalid"] += 1
        else:
            stored.append((case, some))
    server.activate([], [])
    server.each(server.put, [question["oldObject"] for case, _ in stored for question in case.questions if "oldObject" in question])
    server.activate([case.policy for case, _ in stored], [case.binding for case, _ in stored])
    asked = [(question, answer) for case, some in stored for question, answer in zip(case.questions, some)]
    for (question, answer), reply in zip(asked, server.each(lambda pair: submit(server, pair[0]), asked)):
        their, our = told(reply), expected(answer)
        if their is None:
            counts["not to be compared"] += 1
            if argument("listed", 0):
                print(f"# {reply.status} {reply.message[:300]}")
            continue
        counts[their["verdict"]] += 1
        if their != our:
            wrong.append(f"{json.dumps({k: v for k, v in question.items() if k != 'params'})}\n  redoubt  {our}\n  upstream {their}")
    return wrong


if __name__ == "__main__":
    main()
