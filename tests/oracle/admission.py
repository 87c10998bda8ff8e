#!/usr/bin/env python3
"""`redoubt policy eval --stream` against the API server's own dispatcher: generated policies with bindings and params.

Verdict, status (code, reason, message), warnings and audit annotations must be the same. --questions=N generates N questions
(2000; 20000 with --nightly), --seed=N others.
"""
import random

from differential import *
from kept import hold, kept

WIDGETS = [{"group": "example.com", "version": "v1", "kind": "Widget", "resource": "widgets", "namespaced": True}]
KINDS = {
    "ConfigMap": ("v1", "", "configmaps", True),
    "Pod": ("v1", "", "pods", True),
    "Deployment": ("apps/v1", "apps", "deployments", True),
    "Namespace": ("v1", "", "namespaces", False),
    "ClusterRole": ("rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io", "clusterroles", False),
    "Widget": ("example.com/v1", "example.com", "widgets", True),
}
LABELS = [{}, {"app": "a"}, {"app": "b", "tier": "web"}, {"tier": "db"}]
BOOLS = [
    "true", "false", "object.spec.replicas > 2", "has(object.spec) && has(object.spec.replicas) ? object.spec.replicas < 4 : true",
    "object.metadata.name.startsWith('a')", "object == null", "oldObject == null || object == null || oldObject.metadata.name == object.metadata.name",
    "request.operation == 'CREATE'", "request.operation in ['UPDATE', 'DELETE']", "has(request.subResource)", "request.subResource == ''",
    "request.namespace == 'prod'", "has(request.namespace)", "has(request.name) && request.name != 'bad'", "request.name == 'bad'",
    "request.userInfo.username == 'alice'", "has(request.userInfo.groups) && 'dev' in request.userInfo.groups", "has(request.userInfo.username)",
    "request.kind.kind == 'Pod'", "request.resource.resource == 'pods' && request.requestResource.version == 'v1'", "request.dryRun",
    "request.requestKind.group == ''", "has(request.options)", "request.options.kind == 'CreateOptions'", "has(request.options.dryRun)",
    "'x' in request.userInfo.extra", "has(request.requestSubResource) && request.requestSubResource == 'scale'",
    "namespaceObject == null", "namespaceObject.metadata.name == 'prod'", "namespaceObject.metadata.labels['env'] == 'p'",
    "has(namespaceObject.metadata.labels) && 'env' in namespaceObject.metadata.labels", "has(namespaceObject.spec)", "has(namespaceObject.status.phase)",
    "object.data.a == 'x'", "object.missing.x == 1", "1 / (object.spec.replicas - 3) > 0", "object.?spec.?replicas.orValue(3) == 3",
    "int(object.metadata.labels.app) > 0", "'app' in object.metadata.labels", "has(object.metadata.labels) && object.metadata.labels.app == 'a'",
    "  object.metadata.name != 'bad'  ", "object.metadata.name\n  != 'bad'",
]
WITH_PARAMS = ["params == null", "params.data.max == '3'", "params != null && params.metadata.name == 'one'", "int(params.data.max) > 2", "params.kind == 'ConfigMap'"]
WITH_VARIABLES = ["variables.v0 == 1", "variables.v0", "variables.v1 && variables.v0 == 2", "variables.v1", "variables.v1 || true", "has(variables.v0)"]
LONG = "'" + "x" * 2560 + "' + '" + "y" * 2560  # with a quote, 5 KiB of text
TEXTS = ["'plain'", "'name ' + object.metadata.name", "''", "'  '", "'two\\nlines'", "object.metadata.missing + ''", "'x' + string(1/0)", "' trimmed '",
         "'<a> & \"b\"'", "string(object.spec.replicas)", "'\\u00a0nbsp\\u2003'", LONG + "y'", LONG + "'"]


def weighted(r, *pairs):
    return r.choices([p[0] for p in pairs], [p[1] for p in pairs])[0]


def an_object(r, kind, name=None):
    version = KINDS[kind][0]
    meta = {"name": name or r.choice(["a", "abc", "bad", "z1"])}
    if KINDS[kind][3] and (kind == "Widget" or r.random() < 0.9):  # the scope of a custom kind shows in its objects
        meta["namespace"] = r.choice(["prod", "dev"])
    labels = r.choice(LABELS)
    if kind == "Namespace":
        labels = {**labels, "kubernetes.io/metadata.name": meta["name"]}
    if labels or r.random() < 0.3:
        meta["labels"] = labels
    if not meta.get("labels"):
        meta.pop("labels", None)
    o = {"apiVersion": version, "kind": kind, "metadata": meta}
    if kind == "ConfigMap":
        o["data"] = r.choice([{"a": "x"}, {"a": "y", "b": "z"}])
    elif kind != "ClusterRole":
        o["spec"] = {"replicas": r.choice([1, 3, 5])} if r.random() < 0.7 else {"other": "x"}
    return o


def a_selector(r):
    return r.choice([
        {}, {"matchLabels": {"app": "a"}}, {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]},
        {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]},
        {"matchLabels": {"kubernetes.io/metadata.name": "prod"}}, {"matchLabels": {"env": "p"}}])


def a_rule(r, kind):
    _, group, resource, _ = KINDS[kind]
    other = KINDS[r.choice(list(KINDS))]
    rule = {
        "apiGroups": r.choice([["*"], [group], [group, "x"], [other[1]]]), "apiVersions": weighted(r, (["*"], 2), (["v1"], 5), (["v1beta1"], 1)),
        "operations": r.choice([["*"], ["CREATE"], ["CREATE", "UPDATE"], ["DELETE"], ["UPDATE", "DELETE", "CONNECT"]]),
        "resources": r.choice([["*"], ["*/*"], [resource], [resource, resource + "/scale"], [resource + "/*"], ["*/scale"], [other[2]]]),
    }
    if rule["apiVersions"] == ["v1beta1"] and kind == "Widget":
        rule["apiVersions"] = ["v1"]  # which versions of a custom resource are served is not known here
    if r.random() < 0.2:
        rule["resourceNames"] = r.choice([["a"], ["bad", "abc"]])
    if r.random() < 0.3:
        rule["scope"] = r.choice(["*", "Cluster", "Namespaced"])
    return rule


def wide_rule():
    return {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}


def a_match(r, kind, binding=False):
    m = {}
    if not binding or r.random() < 0.5:
        m["resourceRules"] = [wide_rule() if r.random() < 0.6 else a_rule(r, kind) for _ in range(weighted(r, (1, 4), (2, 1)))]
    if r.random() < 0.1:
        m["excludeResourceRules"] = [a_rule(r, kind)]
    if r.random() < 0.25:
        m["namespaceSelector"] = a_selector(r)
    if r.random() < 0.25:
        m["objectSelector"] = a_selector(r)
    if r.random() < 0.3:
        m["matchPolicy"] = r.choice(["Exact", "Equivalent"])
    return m


def a_policy(r, kind, name):
    spec = {"matchConstraints": a_match(r, kind)}
    pool = list(BOOLS)
    if r.random() < 0.4:
        spec["paramKind"] = r.choice([{"apiVersion": "v1", "kind": "ConfigMap"}, {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}])
        pool += WITH_PARAMS * 5
    conditions = list(pool)
    if r.random() < 0.4:
        spec["variables"] = [{"name": "v0", "expression": r.choice(["1", "object.spec.replicas", "1/0", "object.nope", "2"])},
                             {"name": "v1", "expression": r.choice(["variables.v0 == 1", "true", "object.metadata.name == 'a'", "has(object.spec)"])}]
        pool += WITH_VARIABLES * 4
    if r.random() < 0.3:
        spec["matchConditions"] = [{"name": f"c{i}", "expression": r.choice(conditions)} for i in range(r.choice([1, 2, 3]))]
    spec["validations"] = []
    for _ in range(r.choice([1, 1, 2, 3])):
        v = {"expression": r.choice(pool)}
        if r.random() < 0.4:
            v["message"] = r.choice(["static", " padded ", "x" * 6000, "quote \" and <b>"])
        if r.random() < 0.5:
            v["messageExpression"] = r.choice(TEXTS)
        if r.random() < 0.4:
            v["reason"] = weighted(r, ("Forbidden", 9), ("Invalid", 9), ("RequestEntityTooLarge", 9), ("Unauthorized", 1))
        spec["validations"].append(v)
    if r.random() < 0.3:
        spec["auditAnnotations"] = [{"key": k, "valueExpression": r.choice([t for t in TEXTS if LONG not in t] + ["null", "'a'", "'b'", "null", "'k' + params.data.max" if "paramKind" in spec else "'k'"])}
                                    for k in r.sample(["k1", "k2", "k3"], r.choice([1, 2]))]
        if r.random() < 0.3:
            del spec["validations"]
    if r.random() < 0.5:
        spec["failurePolicy"] = r.choice(["Fail", "Ignore"])
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec}


def a_binding(r, kind, policy, name):
    spec = {"policyName": policy, "validationActions": r.choice([["Deny"], ["Warn"], ["Audit"], ["Deny", "Audit"], ["Warn", "Audit"], ["Audit", "Deny"]])}
    if r.random() < 0.4:
        spec["matchResources"] = a_match(r, kind, True)
    if r.random() < 0.7:
        ref = {"parameterNotFoundAction": r.choice(["Allow", "Deny"])}
        if r.random() < 0.6:
            ref["name"] = r.choice(["one", "two", "none"])
        else:
            # One at most: the server lists several in no particular order.
            ref["selector"] = r.choice([{"matchLabels": {"p": "1"}}, {"matchLabels": {"p": "9"}}])
        if r.random() < 0.4:
            ref["namespace"] = r.choice(["prod", "dev"])
        spec["paramRef"] = ref
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": spec}


def the_params():
    out = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": n, "namespace": ns, "labels": {"p": p}}, "data": {"max": m}}
           for ns in ("prod", "dev") for n, p, m in (("one", "1", "3"), ("two", "2", "x"))]
    return out + [{"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": n, "labels": {"p": p}}, "value": 1}
                  for n, p in (("one", "1"), ("two", "2"))]


def a_question(r):
    kind = r.choice(list(KINDS))
    policies = [a_policy(r, kind, f"p{i}.example.com") for i in range(weighted(r, (1, 3), (2, 1)))]
    bindings = [a_binding(r, kind, p["metadata"]["name"], f"b{i}{k}.example.com") for i, p in enumerate(policies)
                for k in range(weighted(r, (0, 1), (1, 4), (2, 2)))]
    q = {"policy": policies, "binding": bindings, "params": the_params(), "request": {}}
    operation = weighted(r, ("CREATE", 5), ("UPDATE", 3), ("DELETE", 2))
    q["object"] = an_object(r, kind)
    if operation != "CREATE":
        q["oldObject"] = an_object(r, kind, q["object"]["metadata"]["name"])
        q["oldObject"]["metadata"]["namespace"] = q["object"]["metadata"].get("namespace", "")
        if not q["oldObject"]["metadata"]["namespace"]:
            del q["oldObject"]["metadata"]["namespace"]
    if operation == "DELETE":
        del q["object"]
    q["request"]["operation"] = operation
    if r.random() < 0.3:
        q["request"]["subResource"] = r.choice(["scale", "status"])
    if r.random() < 0.5:
        q["request"]["userInfo"] = r.choice([{"username": "alice", "groups": ["dev", "system:authenticated"]}, {"username": "bob", "extra": {"x": ["1"]}}, {"groups": []}])
    if r.random() < 0.2:
        q["request"]["dryRun"] = True
    if kind == "Namespace":
        q["namespaceObject"] = q.get("oldObject")
    elif r.random() < 0.5:
        ns = (q.get("object") or q["oldObject"])["metadata"].get("namespace", "default")
        q["namespaceObject"] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": ns, "labels": {"kubernetes.io/metadata.name": ns, **r.choice([{}, {"env": "p"}, {"app": "a"}])}}, **r.choice([{}, {"status": {"phase": "Active"}}])}
    return q


def redoubt(questions):
    """The answers of redoubt."""
    text = "".join(json.dumps(question) + "\n" for question in questions)
    result = run("policy", "eval", "--stream", stdin=text, timeout=TIME_LIMIT)
    answers = [json.loads(line) for line in result.text.splitlines()]
    assert result.status == 0 and len(answers) == len(questions), (result.status, len(answers), result.err)
    return answers


def in_namespace(obj):
    """OBJECT with the namespace that a request for it would name. The scope of a custom kind shows in its objects."""
    if not obj or obj["kind"] == "Widget" or not KINDS.get(obj["kind"], [True])[-1] or obj["metadata"].get("namespace"):
        return obj
    return {**obj, "metadata": {**obj["metadata"], "namespace": "default"}}


def in_upstreams_words(question):
    """A question of `policy eval --stream` as one for the oracle. A policy without a binding denies everywhere."""
    asked = question.get("request", {})
    user = asked.get("userInfo", {})
    bound = {binding["spec"]["policyName"] for binding in question["binding"]}
    free = [{"metadata": {"name": ""}, "spec": {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}}
            for policy in question["policy"] if policy["metadata"]["name"] not in bound]
    objects = {"object": in_namespace(question.get("object")), "oldObject": in_namespace(question.get("oldObject"))}
    if asked.get("operation") == "DELETE":
        objects = {"oldObject": objects["oldObject"] or objects["object"]}
    return {"vap": {
        "policies": question["policy"], "bindings": question["binding"] + free, "params": question.get("params", []), **objects,
        "namespace": question.get("namespaceObject"), "operation": asked.get("operation", ""), "subresource": asked.get("subResource", ""),
        "dryRun": asked.get("dryRun", False), "kinds": WIDGETS,
        "user": {"name": user.get("username", ""), "groups": user.get("groups"), "extra": user.get("extra")}}}


def upstream(questions):
    """What the API server would say, in the words of `policy eval`; it would not store a policy or a binding that is invalid."""
    parts = [[*question["policy"], *question["binding"]] for question in questions]
    answers = iter(ask([{"validate": {"object": part}} for some in parts for part in some]))
    valid = [all([next(answers).get("valid", False) for _ in some]) for some in parts]
    told = iter(ask([in_upstreams_words(question) for question, good in zip(questions, valid) if good]))
    return [reply(next(told)) if good else {"verdict": "invalid"} for good in valid]


def reply(answer):
    if "error" in answer:
        return {"verdict": "error", "error": answer["error"]}
    status = {} if answer["allowed"] else {key: answer[key] for key in ("code", "reason", "message")}
    return {"verdict": "allow" if answer["allowed"] else "deny", "status": status, "warnings": answer.get("warnings", []),
            "auditAnnotations": answer.get("auditAnnotations", {})}


def essence(answer):
    """What both answer."""
    if answer["verdict"] in ("invalid", "error"):
        return {"verdict": answer["verdict"]}
    status = dict(answer.get("status", {}))
    if "message" in status:
        status["message"] = status["message"].replace(" with binding ''", "")
    return {"verdict": answer["verdict"], "status": status, "warnings": answer["warnings"], "auditAnnotations": answer["auditAnnotations"]}


def is_whole(question):
    """Whether nothing is missing that a question is made of."""
    parts = [*question.get("policy", []), *question.get("binding", []), *question.get("params", [])]
    objects = [question[key] for key in ("object", "oldObject", "namespaceObject") if question.get(key)]
    return bool(question.get("policy")) and "binding" in question and len(objects) > 0 and all(
        part.get("kind") and part.get("apiVersion") and (part.get("metadata") or {}).get("name") for part in parts + objects) and all(
            binding.get("spec", {}).get("policyName") for binding in question["binding"])


def difference(questions):
    """For each question the verdicts and what differs; None where the two agree."""
    whole = [question for question in questions if is_whole(question)]
    answers = iter(zip(map(essence, redoubt(whole)), map(essence, upstream(whole))))
    found = []
    for question in questions:
        ours, theirs = next(answers) if is_whole(question) else ({}, {})
        differing = tuple(key for key in ("verdict", "status", "warnings", "auditAnnotations") if ours.get(key) != theirs.get(key))
        found.append((ours["verdict"], theirs["verdict"], *differing) if differing else None)
    return found


def show(question):
    [ours], [theirs] = redoubt([question]), upstream([question])
    return f"{json.dumps(question)}\n  redoubt  {json.dumps(ours)}\n  upstream {json.dumps(theirs)}"


def test_cases_that_differed_once():
    need_oracle()
    hold("admission", kept("admission"), difference, show)


def test_generated_questions():
    need_oracle()
    generator = random.Random(argument("seed", 1))
    questions = [a_question(generator) for _ in range(argument("questions", 2000, nightly=20000))]
    hold("admission", questions, difference, show)
    verdicts = [answer["verdict"] for answer in redoubt(questions)]
    told = {verdict: verdicts.count(verdict) for verdict in ("allow", "deny", "invalid")}
    print(f"# {len(questions)} questions: {told}")
    # A comparison of one verdict alone would prove little.
    assert min(told.values()) * 50 > len(questions), told


if __name__ == "__main__":
    main()
