#!/usr/bin/env python3
"""rbac least and rbac unused: roles made from audit logs allow what was used and nothing else."""
import random

from lib import *

EXAMPLE = os.path.join(ROOT, "examples", "policies", "audit.log")
API = "apiVersion: rbac.authorization.k8s.io/v1\n"
NAMED = ("get", "update", "patch", "delete")


def event(user="jane", verb="get", resource="pods", name="", namespace="shop", group="", subresource="", code=200, uri="/", groups=(), **fields):
    value = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "1", "stage": "ResponseComplete",
             "requestURI": uri, "verb": verb, "user": {"username": user, "groups": list(groups)},
             "responseStatus": {"code": code}, "requestReceivedTimestamp": "2026-11-16T08:00:12.000000Z"}
    if resource:
        value["objectRef"] = {k: v for k, v in {"resource": resource, "namespace": namespace, "name": name, "apiGroup": group,
                                                "subresource": subresource, "apiVersion": "v1"}.items() if v}
    return {**value, **fields}


def lines(events):
    return "".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events)


def least(events, *options, format="json"):
    return run("rbac", "least", "--audit-log", "-", "-o", format, *options, stdin=lines(events))


def roles(events, *options):
    """[(user, namespace, [rule without apiGroups [""]])]"""
    r = least(events, *options)
    assert r.status == 0, r
    return [(role["user"], role["namespace"], [{k: v for k, v in rule.items() if v != [""]} for rule in role["rules"]]) for role in r.json["roles"]]


def unused(manifests, events, *options, format="json"):
    with Folder({"rbac.yaml": manifests}) as folder:
        return run("rbac", "unused", "--audit-log", "-", "-f", "rbac.yaml", "-o", format, *options, stdin=lines(events), cwd=folder)


def grant(rules, subject="{kind: User, name: jane}", name="r", cluster=True):
    kind = "ClusterRole" if cluster else "Role"
    return (API + f"kind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nrules: {rules}\n---\n"
            + API + f"kind: {kind}Binding\nmetadata: {{name: {name}, namespace: shop}}\nroleRef: {{kind: {kind}, name: {name}}}\nsubjects: [{subject}]\n---\n")


# --- the same requests, asked again ---

def generate(seed, count):
    pick = random.Random(seed).choice
    for _ in range(count):
        user = pick(["jane", "bob", "a b/c%", "a-b-c-", "system:serviceaccount:ci:deployer", "system:serviceaccount:ci:other"])
        if pick(range(8)) == 0:
            yield event(user, pick(["get", "head"]), resource="", uri=pick(["/custom", "/custom/a?x=1", "/custom/%2a/b", "/logs/"]))
            continue
        group, resource = pick([("", "pods"), ("", "secrets"), ("apps", "deployments"), ("", "nodes"), ("example.com", "pods")])
        verb = pick(["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"])
        yield event(user, verb, resource, group=group, subresource=pick(["", "", "status", "log"]), namespace=pick(["shop", "shop", "ci", "prod", ""]),
                    name=pick(["a", "b", "c", "'\"\n: #"]) if verb in NAMED or pick([True, False]) else "")


def question(e):
    ref = e.get("objectRef")
    if not ref:
        return {"user": e["user"]["username"], "verb": e["verb"], "path": e["requestURI"].split("?")[0].replace("%2a", "*")}
    return {"user": e["user"]["username"], "verb": e["verb"], "group": ref.get("apiGroup", ""), "resource": ref["resource"],
            "subresource": ref.get("subresource", ""), "namespace": ref.get("namespace", ""), "name": ref.get("name", "")}


def ask(manifests, questions):
    """Whether each of QUESTIONS is allowed by MANIFESTS."""
    with Folder({"roles.yaml": manifests}) as folder:
        r = run("rbac", "can-i", "--stream", "--no-defaults", "-f", os.path.join(folder, "roles.yaml"), stdin=lines(questions))
        assert r.status == 0 and not r.err, r
        return [json.loads(line)["allowed"] for line in r.text.splitlines()]


def test_the_roles_allow_every_request_they_come_from():
    for seed, options in ((1, ()), (2, ("--names", "0")), (3, ("--names", "1")), (4, ("--merge", "2"))):
        events = list(generate(seed, 400))
        r = least(events, "--no-defaults", *options, format="yaml")
        assert r.status == 0 and not r.err, r
        answers = ask(r.text, map(question, events))
        assert len(answers) == 400 and all(answers), [q for q, a in zip(map(question, events), answers) if not a][:3]


def holds(used, asked):
    """Whether ASKED is one of USED: the name counts where a server always knows it."""
    def same(a, b, keys):
        return all(a.get(k, "") == b.get(k, "") for k in keys)
    return any(same(u, asked, ["user", "verb", "group", "resource", "subresource", "path"])
               and u.get("namespace", "") in ("", asked.get("namespace", ""))
               and (asked["verb"] not in NAMED or u.get("name", "") in ("", asked.get("name", ""))) for u in used)


def test_the_roles_allow_nothing_else():
    events = list(generate(11, 150))
    used = [question(e) for e in events]
    others = [question(e) for e in generate(12, 1000)]
    answers = ask(least(events, "--no-defaults", format="yaml").text, others)
    expected = [holds(used, other) for other in others]
    assert answers == expected, [(o, a) for o, a, e in zip(others, answers, expected) if a != e][:3]
    assert 50 < sum(expected) < 950, sum(expected)


def test_without_any_one_rule_a_request_is_refused():
    events = list(generate(21, 25))
    questions = [question(e) for e in events]
    document = least(events, "--no-defaults", format="yaml").text
    blocks = document.split("\n---\n")
    count = 0
    for b, block in enumerate(blocks):
        if "\nrules:\n" not in block:
            continue
        head, rules = block.split("\nrules:\n")
        rules = ["  - " + rule for rule in rules.strip("\n")[4:].split("\n  - ")]
        for i in range(len(rules)):
            rest = rules[:i] + rules[i + 1:]
            kept = head + "\nrules:" + ("\n" + "\n".join(rest) if rest else " []")
            answers = ask("\n---\n".join(blocks[:b] + [kept] + blocks[b + 1:]), questions)
            assert not all(answers), (head, rules[i])
            count += 1
    assert count > 12, count


def test_the_same_log_gives_the_same_roles_in_any_order():
    events = list(generate(31, 200))
    first = least(events).json["roles"]
    random.Random(1).shuffle(events)
    assert first == least(events).json["roles"] and first


# --- what is in a role ---

def test_roles_and_where_they_are():
    assert roles([event(name="a"), event(name="b"), event(verb="list"), event(resource="nodes", namespace="", name="n"), event(verb="create", name="x")]) == [
        ("jane", "", [{"resources": ["nodes"], "resourceNames": ["n"], "verbs": ["get"]}]),
        ("jane", "shop", [{"resources": ["pods"], "verbs": ["create", "list"]}, {"resources": ["pods"], "resourceNames": ["a", "b"], "verbs": ["get"]}])]
    # What holds everywhere is not repeated in a namespace.
    assert roles([event(verb="list", namespace=""), event(verb="list")]) == [("jane", "", [{"resources": ["pods"], "verbs": ["list"]}])]
    assert roles([event(name=n) for n in "abc"], "--names", "2") == [("jane", "shop", [{"resources": ["pods"], "verbs": ["get"]}])]
    assert roles([event(verb="list", namespace=n) for n in "abc"], "--merge", "3") == [("jane", "", [{"resources": ["pods"], "verbs": ["list"]}])]
    assert len(roles([event(verb="list", namespace=n) for n in "abc"], "--merge", "4")) == 3
    # Discovery is everyone's.
    assert roles([event(resource="", uri="/apis?x=1"), event(resource="", uri="/metrics")]) == [
        ("jane", "", [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}])]
    assert least([event("x/y"), event("x y")]).json["roles"][1]["name"] == "least:x-y-2"


def test_rights_that_stand_behind_a_request():
    def one(**fields):
        return [(user, namespace, sorted((rule["resources"][0], verb, *rule.get("resourceNames", [])) for rule in rules for verb in rule["verbs"]))
                for user, namespace, rules in roles([event(**fields)])]
    # endpoints/handlers/update.go: what creates its object is asked for create, too.
    assert one(verb="patch", name="a", code=201) == [("jane", "shop", [("pods", "create"), ("pods", "patch", "a")])]
    # registry/core/pod/rest/authorize.go, since 1.35
    assert one(subresource="exec", name="a", code=101) == [("jane", "shop", [("pods/exec", "create"), ("pods/exec", "get", "a")])]
    as_ann = {"username": "ann", "groups": ["devs", "system:authenticated"], "extra": {"team": ["x"]}}
    assert one(verb="list", impersonatedUser=as_ann) == [
        ("ann", "shop", [("pods", "list")]),
        ("jane", "", [("groups", "impersonate", "devs"), ("userextras/team", "impersonate", "x"), ("users", "impersonate", "ann")])]
    as_account = {"username": "system:serviceaccount:ci:d", "groups": ["system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"]}
    assert one(verb="list", impersonatedUser=as_account)[0] == ("jane", "ci", [("serviceaccounts", "impersonate", "d")])


def test_what_counts_as_used():
    allow, forbid = ({"annotations": {"authorization.k8s.io/decision": d}} for d in ("allow", "forbid"))
    for fields, used, failed in (({"code": 200}, 1, 1), ({"code": 403}, 0, 0), ({"code": 401}, 0, 0), ({"code": 404}, 0, 1), ({"code": 403, **allow}, 0, 1),
                                 ({"code": 200, **forbid}, 0, 0), ({"stage": "RequestReceived"}, 0, 0), ({"stage": "ResponseStarted"}, 1, 1),
                                 ({"stage": "Panic"}, 0, 1), ({"verb": "get", "code": 409}, 0, 1)):
        assert len(roles([event(**fields)])) == used, fields
        assert len(roles([event(**fields)], "--failed")) == failed, fields


def test_whose_roles():
    events = [event(user) for user in ("jane", "system:node:n1", "system:kube-scheduler", "system:serviceaccount:kube-system:c", "system:serviceaccount:ci:d")]

    def users(*options):
        return [role[0] for role in roles(events, *options)]
    assert users() == ["jane", "system:serviceaccount:ci:d"]
    assert len(users("--system")) == 5
    assert users("--as", "system:node:n1") == users("--subject", "system:node:n1") == ["system:node:n1"]
    assert "kind: ServiceAccount\n    name: \"d\"\n    namespace: \"ci\"" in least(events, format="yaml").text


def test_the_difference_to_what_they_have():
    manifests = grant("[{verbs: [get, list, delete], apiGroups: [''], resources: [pods]}]")

    def diff(*events):
        with Folder({"rbac.yaml": manifests}) as folder:
            return run("rbac", "least", "--audit-log", "-", "-o", "diff", "-f", "rbac.yaml", stdin=lines(events), cwd=folder)
    r = diff(event(name="a"), event(verb="watch"))
    assert r.status == 1 and [line.split()[:5] for line in r.text.splitlines()] == [
        ["+", "User", "jane", "watch", "pods"], ["-", "User", "jane", "get", "list"]], r
    assert "rbac.yaml:4" in r.text and diff(event("bob", "list")).text.startswith("+ User bob"), r
    # Held through a group that the log names.
    manifests = grant("[{verbs: [list], apiGroups: [''], resources: [pods]}]", "{kind: Group, name: devs}")
    assert diff(event(verb="list", groups=["devs"])).status == 0, diff(event(verb="list", groups=["devs"]))


# --- unused ---

def test_unused_rules_and_parts_of_rules():
    manifests = (grant("[{verbs: [get, list], apiGroups: [''], resources: [pods, secrets]}, {verbs: [delete], apiGroups: [''], resources: [pods]}, "
                       "{verbs: [get], apiGroups: [''], resources: [nodes]}, {verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles]}]")
                 + grant("[{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]", "{kind: Group, name: devs}", "all")
                 + grant("[{verbs: [get], apiGroups: [''], resources: [pods]}]", "{kind: ServiceAccount, name: s}", "never", cluster=False)
                 + grant("[{verbs: [list], apiGroups: [''], resources: [pods]}]", "{kind: User, name: bob}", "whole"))
    r = unused(manifests, [event(name="a"), event(resource="nodes", namespace="", name="n", code=404), event("bob", "list", groups=["devs"])])
    found = {b["binding"]: b for b in r.json["bindings"]}
    assert r.status == 1 and set(found) == {"ClusterRoleBinding r", "ClusterRoleBinding all", "RoleBinding shop/never"}, r
    rules = found["ClusterRoleBinding r"]["rules"]
    assert [rule["state"] for rule in rules] == ["partly", "unused", "used", "invisible"], r
    assert rules[0]["unused"] == {"verbs": ["list"], "apiGroups": [], "resources": ["secrets"], "resourceNames": [], "nonResourceURLs": []}
    assert rules[0]["rule"]["line"] == 4 and found["ClusterRoleBinding r"]["line"] == 6, rules
    assert found["ClusterRoleBinding all"]["rules"][0]["usedFor"] == ["list pods"] and found["ClusterRoleBinding all"]["seen"], r
    assert not found["RoleBinding shop/never"]["used"] and not found["RoleBinding shop/never"]["seen"], r
    text = unused(manifests, [event(name="a")], format="text").text
    assert "unused: verbs list; resources secrets" in text and "not in the log" in text and "2026-11-16T08:00:12" in text, text


def test_unused_statuses():
    manifests = grant("[{verbs: [get], apiGroups: [''], resources: [pods]}]")
    assert unused(manifests, [event()]).status == 0
    assert unused(manifests, [event(code=403)]).status == 1
    assert unused(manifests, [event(), "{"]).status == 3
    assert unused(manifests + "a: [", [event()]).status == 3
    assert run("rbac", "unused").status == 2 and run("rbac", "least").status == 2
    assert run("rbac", "least", "--audit-log", "nowhere.log").status == 2


# --- logs that mean harm ---

def test_a_log_cannot_ask_for_more_than_was_done():
    for fields in ({"verb": "*"}, {"resource": "*"}, {"group": "*"}, {"resource": "*/exec"}, {"subresource": "*"}, {"namespace": "*"}, {"verb": "get list"},
                   {"resource": "", "uri": "/a*"}, {"resource": "", "uri": "*"}, {"resource": "", "uri": "/%2a"}, {"user": ""}, {"user": "x" * 2000}, {"name": "n" * 2000}):
        r = least([event(**fields), event(name="a")])
        assert r.status == 3 and len(r.json["roles"]) == 1 and r.json["log"]["unreadable"] == 1, (fields, r)
    # A star is a name like any other where names are meant; and text cannot leave its string.
    assert roles([event(name="*")])[0][2] == [{"resources": ["pods"], "resourceNames": ["*"], "verbs": ["get"]}]
    hostile = 'x"\n---\nkind: ClusterRoleBinding\n# \u2028\x00\x1b[2J'
    r = least([event(hostile, name=hostile, requestReceivedTimestamp="2026\nkind: X")], format="yaml")
    assert r.status == 0 and b"\nkind: ClusterRoleBinding" not in r.out and b"\nkind: X" not in r.out and b"\x1b" not in r.out and b"\x00" not in r.out, r
    assert unused(grant("[]"), [event(hostile)], format="text").status == 0


def test_what_cannot_be_read_is_counted():
    r = least([event(), "not json", "{}", json.dumps({"kind": "Event"}), event(name="b")])
    assert r.status == 3 and r.json["log"]["unreadable"] == 3 and r.json["complete"] is False and "<stdin>:2" in r.err, r


def test_a_log_of_ever_new_rights_is_bounded():
    text = json.dumps(event(name="NAME"))
    r, peak = peak_mb("rbac", "least", "--audit-log", "-", "-o", "json", stdin="\n".join(text.replace("NAME", f"n{i}") for i in range(101000)))
    assert r.status == 3 and r.json["log"]["leftOut"] == 1000 and r.json["log"]["rights"] == 100000, r
    assert len(r.json["roles"]) == 1 and "resourceNames" not in r.json["roles"][0]["rules"][0], r
    assert peak < 1000, peak


main()
