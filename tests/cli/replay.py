#!/usr/bin/env python3
"""policy replay: what is judged, what is not and why, exit statuses, and logs that mean harm."""
from lib import *

EXAMPLE = os.path.join(ROOT, "examples", "policies", "audit.log")
REPLICAS = os.path.join(ROOT, "examples", "policies", "replicas.yaml")


def policy(expression, operations="CREATE, UPDATE, DELETE, CONNECT", resources="'*/*'", extra="", match=""):
    return (f"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: p}}\nspec:\n"
            f"  matchConstraints:\n    resourceRules:\n    - {{apiGroups: ['*'], apiVersions: ['*'], operations: [{operations}], "
            f"resources: ['*', {resources}]}}\n{match}  validations:\n  - {{expression: \"{expression}\"}}\n{extra}")


def event(verb="create", level="Request", resource="configmaps", name="a", user="alice", code=200, namespace="shop", **fields):
    value = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": level, "auditID": "1", "stage": "ResponseComplete",
             "requestURI": "/", "verb": verb, "user": {"username": user},
             "objectRef": {"resource": resource, "namespace": namespace, "name": name, "apiVersion": "v1"},
             "responseStatus": {"code": code}, "requestReceivedTimestamp": "2026-11-16T08:00:12.000000Z"}
    if verb in ("create", "update") and level != "Metadata":
        value["requestObject"] = {"apiVersion": "v1", "kind": "ConfigMap",
                                  "metadata": {"name": name, "namespace": namespace}, "data": {"colour": "blue"}}
    return {**value, **fields}


def replay(log, text, *options, format="json"):
    """Replays LOG, lines or events, by the policy TEXT."""
    log = log if isinstance(log, (bytes, str)) else "".join(json.dumps(e) + "\n" for e in log)
    with Folder({"policy.yaml": text}) as folder:
        return run("policy", "replay", "--audit-log", "-", "--policy", os.path.join(folder, "policy.yaml"), "-o", format,
                   *options, stdin=log)


def gaps(report):
    return {k: v for k, v in report["policies"][0]["notJudged"].items() if v}


def test_the_example_says_who_would_have_been_refused():
    r = run("policy", "replay", "--audit-log", EXAMPLE, "--policy", REPLICAS, "-o", "json")
    tally = r.json["policies"][0]
    # Of its eight events one reads, one was refused and one is about a deletion, which the policy is not about.
    assert r.status == 3 and r.json["events"] == {"read": 8, "reads": 1, "refused": 1, "otherStages": 0, "unreadable": 0}, r
    assert (tally["judged"], tally["denied"], tally["audited"]) == (4, 2, 2) and gaps(r.json) == {"object": 1}, tally
    assert [(e["line"], e["user"], e["name"]) for e in tally["examples"]] == [
        (3, "bob", "web"), (5, "system:serviceaccount:shop:deployer", "cart")], tally
    assert tally["examples"][0]["message"] == "bob asks for 12 replicas, at most 5 are allowed", tally
    assert tally["first"] == "2026-11-17T14:21:05.000000Z" and tally["last"] == "2026-11-18T11:45:00.000000Z", tally
    assert tally["namespaces"] == [{"name": "shop", "count": 2}], tally


def test_exit_statuses():
    assert replay([event()], policy("true")).status == 0
    assert replay([event()], policy("false")).status == 1
    assert replay([event(level="Metadata")], policy("has(object.data)")).status == 3
    assert replay([], policy("true")).status == 0
    assert replay([event()], policy("tru")).status == 2
    assert run("policy", "replay", "--audit-log", EXAMPLE).status == 2
    assert run("policy", "replay", "--policy", REPLICAS).status == 2
    assert run("policy", "replay", "--audit-log", "nowhere.log", "--policy", REPLICAS).status == 2


def test_what_the_log_does_not_know_is_not_judged():
    for events, expression, gap in (
            (event(level="Metadata"), "object != null", "level"),
            (event("patch", requestObject={"data": {}}), "object != null", "object"),
            (event("update"), "oldObject != null", "oldObject"),
            (event("delete"), "oldObject != null", "oldObject"),
            (event("get", resource="pods", objectRef={"resource": "pods", "subresource": "exec", "apiVersion": "v1"}),
             "object != null", "object"),
            (event(), "authorizer.path('/x').check('get').allowed()", "authorizer")):
        r = replay([events], policy(expression))
        assert r.status == 3 and gaps(r.json) in ({gap: 1}, ), (gap, r)
    with Folder({"rbac.yaml": "apiVersion: v1\nkind: List\nitems: []\n"}) as folder:
        r = replay([event()], policy("!authorizer.path('/x').check('get').allowed()"), "--rbac", os.path.join(folder, "rbac.yaml"))
        assert r.status == 0 and r.json["policies"][0]["judged"] == 1, r
    # Policies that need none of it judge the same requests.
    for events in (event(level="Metadata"), event("patch"), event("update"), event("delete"), event("deletecollection")):
        r = replay([events], policy("request.userInfo.username != 'alice' || request.operation == 'CREATE'"))
        assert r.status == (0 if events["verb"] == "create" else 1), (events, r)


def test_labels_that_are_not_known_may_select():
    match = "    objectSelector: {matchLabels: {app: x}}\n"
    labelled = event("update")
    labelled["requestObject"]["metadata"]["labels"] = {"app": "x"}
    assert gaps(replay([event("update")], policy("false", match=match)).json) == {"oldObject": 1}
    assert replay([labelled], policy("false", match=match)).status == 1
    assert replay([event()], policy("false", match=match)).status == 0
    assert gaps(replay([event("patch")], policy("false", match=match)).json) == {"object": 1}
    assert replay([event("update")], policy("false", match="    objectSelector: {}\n")).status == 1


def test_the_request_is_that_of_the_log():
    for expression in ("request.operation == 'UPDATE'", "request.name == 'a'", "request.namespace == 'shop'",
                       "request.resource.resource == 'configmaps'", "request.kind.kind == 'ConfigMap'", "request.dryRun",
                       "request.userInfo.groups == ['dev']", "namespaceObject.metadata.labels.team == 'shop'"):
        change = event("update", requestURI="/x?dryRun=All", user="bob", impersonatedUser={"username": "bob", "groups": ["dev"]})
        with Folder({"ns.yaml": "kind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: shop}}}\n"}) as f:
            r = replay([change], policy(expression), "--namespaces", os.path.join(f, "ns.yaml"))
        assert r.status == 0 and r.json["policies"][0]["judged"] == 1 and not r.json["unknownNamespaces"], (expression, r)
    r = replay([event()], policy("namespaceObject.metadata.name == 'shop'"), format="text")
    assert r.status == 0 and "1 judgement looked at a Namespace that --namespaces does not give" in r.text, r


def test_rules_of_the_catalogue_judge_as_they_are_exported():
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "shop"},
                  "spec": {"template": {"spec": {"containers": [{"name": "c", "securityContext": {"privileged": True}}]}}}}
    line = event(requestObject=deployment, objectRef={"resource": "deployments", "apiGroup": "apps", "apiVersion": "v1",
                                                      "namespace": "shop", "name": "a"})
    r = run("policy", "replay", "--audit-log", "-", "--rule", "pods/privileged", "-o", "json", stdin=json.dumps(line))
    assert r.status == 1 and r.json["policies"][0]["examples"][0]["message"] == 'container "c" is privileged', r


def test_logs_come_in_files_folders_and_lists():
    with Folder({"p.yaml": policy("false"), "log/audit-2026-11-15.log": json.dumps(event()) + "\n",
                 "log/audit.log": json.dumps(event()) + "\n\n" + json.dumps({"kind": "EventList", "items": [event(), event()]}),
                 "log/notes.txt": "x"}) as folder:
        r = run("policy", "replay", "--audit-log", os.path.join(folder, "log"), "--policy", os.path.join(folder, "p.yaml"),
                "-o", "json")
    assert r.status == 1 and r.json["policies"][0]["denied"] == 4, r
    assert [e["line"] for e in r.json["policies"][0]["examples"]] == [1, 1, 3, 3], r


def test_lines_that_cannot_be_read_are_told_and_counted():
    lines = ["{", "[]", "null", '{"kind":"Event"}', json.dumps(event()), "\x00\x01", '"text"', json.dumps(event())[:-9]]
    r = replay("\n".join(lines) + "\n", policy("false"))
    assert r.status == 3 and r.json["events"]["unreadable"] == 7 and r.json["policies"][0]["denied"] == 1, r
    assert "<stdin>:1" in r.err and "<stdin>:8" in r.err, r
    r = replay(b"\x1f\x8b\x08\x00\n", policy("false"))
    assert r.status == 2 and "zcat" in r.err, r
    r = replay("{\n" * 1000, policy("false"))
    assert r.json["events"]["unreadable"] == 1000 and r.err.count("\n") <= 12, r.err[:500]


def test_names_are_bounded_and_escaped():
    events = [event(user=f"user-{i}", name="x" * 5000 + "\x1b[31m") for i in range(500)] + [event(user="user-0")]
    r = replay(events, policy("false"), "--examples", "3")
    tally = r.json["policies"][0]
    assert tally["denied"] == 501 and len(tally["users"]) == 200 and tally["otherUsers"] == 300, tally["users"][:3]
    assert tally["users"][0] == {"name": "user-0", "count": 2} and len(tally["examples"]) == 3, tally["users"][:3]
    assert len(tally["examples"][0]["name"]) == 253, tally["examples"][0]
    text = replay([event(name="\x1b[31m", user="\u202ealice")], policy("false"), format="text").out
    assert b"\x1b" not in text and "\u202e".encode() not in text, text


def test_memory_does_not_grow_with_the_log():
    line = json.dumps(event(user="alice", padding="x" * 1000)) + "\n"
    with Folder({"p.yaml": policy("false")}) as folder:
        log = os.path.join(folder, "audit.log")
        with open(log, "w", encoding="utf-8") as file:
            for _ in range(40000):
                file.write(line)
        assert os.path.getsize(log) > 50 << 20
        r, peak = peak_mb("policy", "replay", "--audit-log", log, "--policy", os.path.join(folder, "p.yaml"), "-o", "json")
    assert r.status == 1 and r.json["policies"][0]["denied"] == 40000 and peak < 45, (peak, r)


main()
