#!/usr/bin/env python3
"""policy replay against a real API server: what it says of the audit log is what the server says of the same requests.

The server has the policies with bindings that warn, so that each request goes through and tells what every policy says of it;
and as copies that deny dry runs, so that each request, sent as a dry run first, tells whether it would be refused.
--requests=N sends N requests (250), --seed=N others.
"""
import random

from controlplane import *

USERS = {"alice": ["dev"], "bob": ["ops", "dev"], "carol": []}
SAID = re.compile(r"Validation failed for ValidatingAdmissionPolicy '([^']*)' with binding '[^']*': (.*)", re.DOTALL)


def rule(resources, operations=("CREATE", "UPDATE"), group="", version="v1"):
    return {"apiGroups": [group], "apiVersions": [version], "operations": list(operations), "resources": list(resources)}


def policy(name, rules, *validations, **spec):
    match = {"resourceRules": rules, **spec.pop("match", {})}
    return policy_of(name, {"matchConstraints": match, "validations": list(validations), **spec})


def says(expression, message=None):
    return {"expression": expression, **({"messageExpression": message} if message else {"message": expression[:60]})}


EVERY = ("CREATE", "UPDATE", "DELETE")
POLICIES = [
    policy("replicas", [rule(["deployments"], group="apps")],
           says("object.spec.replicas <= 3", "'%d replicas for %s'.format([object.spec.replicas, request.userInfo.username])")),
    policy("scale", [rule(["deployments/scale"], ["UPDATE"], "apps")],
           says("object.spec.replicas <= 3", "request.name + ' to ' + string(object.spec.replicas)")),
    policy("defaults", [rule(["deployments"], group="apps")], says("object.spec.strategy.type == 'Recreate'"),
           says("object.spec.template.spec.restartPolicy == 'Always'")),
    policy("blue", [rule(["configmaps"])], says("object.?data.colour.orValue('none') == 'blue'",
                                                "object.metadata.name + ' is ' + object.?data.colour.orValue('none')")),
    policy("unchanged", [rule(["configmaps"], ["UPDATE"])],
           says("object.?data.colour.orValue('') == oldObject.?data.colour.orValue('')")),
    policy("not-alice", [rule(["*"], EVERY), rule(["*"], EVERY, "apps")],
           says("request.userInfo.username != 'alice'", "request.operation + ' of ' + request.resource.resource + ' ' + request.name"),
           matchConditions=[{"name": "deletions", "expression": "request.operation == 'DELETE'"}]),
    policy("dev", [rule(["services"], EVERY)], says("'dev' in request.userInfo.groups", "request.userInfo.groups.join(',')")),
    policy("namespace", [rule(["pods"])], says("namespaceObject.metadata.labels.team == 'shop'",
                                              "'team ' + namespaceObject.metadata.labels.team")),
    policy("only-shop", [rule(["services"])], says("false", "'in ' + request.namespace"),
           match={"namespaceSelector": {"matchLabels": {"team": "shop"}}}),
    policy("labelled", [rule(["configmaps"])], says("false", "'label ' + object.metadata.labels.tier"),
           match={"objectSelector": {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}}),
    policy("named", [rule(["*"])], says("false", "'named ' + object.metadata.name"),
           match={"excludeResourceRules": [{**rule(["*"]), "resourceNames": ["c0", "c1"]}]}),
    policy("not-bob", [rule(["pods"])], says("object.spec.containers.all(c, has(c.resources) && has(c.resources.limits))"),
           matchConditions=[{"name": "not-bob", "expression": "request.userInfo.username != 'bob'"}]),
    policy("errors", [rule(["services"])], says("object.spec.nothing == 1")),
    policy("limits", [rule(["deployments"], group="apps")], says("object.spec.replicas <= int(params.data.most)",
                                                                "'at most ' + params.data.most"),
           paramKind={"apiVersion": "v1", "kind": "ConfigMap"}),
]
CATALOGUE = ("pods/privileged", "pods/host-network", "pods/run-as-non-root", "images/tag")
PARAM = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits", "namespace": "default"}, "data": {"most": "5"}}
MERGE = {"content": "application/merge-patch+json"}
SEES_OLD = {"unchanged"}
BLIND = {"not-alice", "dev", "only-shop", "namespace"}  # look at no object
SELECTED = {"label a", "label b"}  # by the new object's labels; else only those of the old one say so


def binding(of, actions, suffix=""):
    made = binding_of(of["metadata"]["name"] + suffix, of["metadata"]["name"] + suffix, actions)
    if "paramKind" in of["spec"]:
        made["spec"]["paramRef"] = {"name": "limits", "namespace": "default", "parameterNotFoundAction": "Deny"}
    return made


def dry(of):
    """A copy that is about dry runs only."""
    conditions = [{"name": "dry", "expression": "request.dryRun"}, *of["spec"].get("matchConditions", [])]
    return {**of, "metadata": {"name": of["metadata"]["name"] + "-dry"}, "spec": {**of["spec"], "matchConditions": conditions}}


PATHS = {"ConfigMap": ("api/v1", "configmaps"), "Service": ("api/v1", "services"), "Pod": ("api/v1", "pods"),
         "Deployment": ("apis/apps/v1", "deployments")}


class Client:
    """Random changes of a few objects, by several users. Knows what exists."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.exists = set()

    def labels(self):
        return self.random.choice([{}, {"tier": "a"}, {"tier": "b", "app": "x"}, {"tier": "c"}])

    def pod_spec(self):
        container = {"name": "c", "image": self.random.choice(["registry.example/a:1.0", "registry.example/a", "a:latest"])}
        if self.random.random() < 0.3:
            container["securityContext"] = {"privileged": True}
        if self.random.random() < 0.5:
            container["resources"] = {"limits": {"cpu": "100m", "memory": "0.5Gi"}}
        spec = {"containers": [container]}
        if self.random.random() < 0.2:
            spec["hostNetwork"] = True
        if self.random.random() < 0.4:
            spec["securityContext"] = {"runAsNonRoot": True}
        return spec

    def spec(self, kind):
        if kind == "ConfigMap":
            return {"data": {"colour": self.random.choice(["blue", "red", "green"])}}
        if kind == "Service":
            return {"spec": {"ports": [{"port": self.random.choice([80, 443])}]}}
        if kind == "Pod":
            return {"spec": self.pod_spec()}
        spec = {"replicas": self.random.randrange(8), "selector": {"matchLabels": {"app": "x"}},
                "template": {"metadata": {"labels": {"app": "x"}}, "spec": self.pod_spec()}}
        if self.random.random() < 0.5:
            spec["strategy"] = {"type": "Recreate"}
        return {"spec": spec}

    def object(self, kind, namespace, name):
        version = "apps/v1" if kind == "Deployment" else "v1"
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": self.labels()},
                **self.spec(kind)}

    def change(self):
        """The next request: (method, path, body, the rest)."""
        kind, namespace = self.random.choice(list(PATHS)), self.random.choice(["shop", "ops"])
        name = f"{kind[0].lower()}{self.random.randrange(4)}"
        prefix, resource = PATHS[kind]
        base = f"/{prefix}/namespaces/{namespace}/{resource}"
        key, path, obj = (kind, namespace, name), f"{base}/{name}", self.object(kind, namespace, name)
        if key not in self.exists:
            self.exists.add(key)
            if self.random.random() < 0.3:
                return "PATCH", path, obj, {"content": "application/apply-patch+yaml", "fieldManager": "test", "force": "true"}
            return "POST", base, obj, {}
        what = self.random.choice(["update", "patch", "labels", "delete", "scale"])
        if what == "delete":
            self.exists.discard(key)
            return "DELETE", path, None, {}
        if what == "scale" and kind == "Deployment":
            body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": name, "namespace": namespace},
                    "spec": {"replicas": self.random.randrange(8)}}
            return "PUT", path + "/scale", body, {}
        if kind in ("Pod", "Service") or what == "labels":
            return "PATCH", path, {"metadata": {"labels": self.labels()}}, MERGE
        if what == "patch":
            return "PATCH", path, self.spec(kind), MERGE
        return "PUT", path, obj, {}


def the_user(name):
    return {"username": name, "groups": [*USERS[name], "system:masters"]}


def prepare(server):
    """Namespaces, params, and the policies in force."""
    for name in ("shop", "ops"):
        server.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": name}}})
    server.put(PARAM)
    exported = run("policy", "export", "--action", "Warn", "--rule", ",".join(CATALOGUE)).text
    made = [d for d in documents(split(exported)) if d]
    for of in POLICIES:
        made += [of, binding(of, ["Warn"]), dry(of), binding(of, ["Deny"], "-dry")]
    server.activate([m for m in made if "Binding" not in m["kind"]], [m for m in made if "Binding" in m["kind"]])
    # Params have to be seen, too.
    probe = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"},
             "spec": {"replicas": 9, "selector": {"matchLabels": {"a": "b"}},
                      "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "a"}]}}}}
    server.wait(lambda: "at most 5" in " ".join(server.create(probe, dryRun="All").warnings), "params")


def perform(server, count, seed):
    """Sends COUNT changes, each as a dry run first. {audit id: (refused as a dry run, {policy: messages})}"""
    client = Client(seed)
    done = {}
    for i in range(count):
        method, path, body, more = client.change()
        user = the_user(client.random.choice(list(USERS)))
        tried = server.request(method, path, body, user, audit_id=f"dry-{i}", dryRun="All", **more)
        reply = server.request(method, path, body, user, audit_id=f"case-{i}", **more)
        if not reply.ok:
            assert reply.status == 422 and not reply.by_policy(), (method, path, body, reply.body)
            continue  # is no valid object
        found = {}
        for match in filter(None, map(SAID.fullmatch, reply.warnings)):
            found.setdefault(match[1], set()).add(match[2])
        done[f"case-{i}"] = (tried.by_policy(), {p: m for p, m in found.items() if not p.endswith("-dry")})
    assert len(done) > count * 0.8, f"{len(done)} of {count} requests went through"
    return done


def replay(log, files, *options):
    """({audit id: {policy: message}}, the report)"""
    r = run("policy", "replay", "--audit-log", log, "-o", "json", "--examples", "100000", *files, *options, timeout=TIME_LIMIT)
    assert r.status in (0, 1, 3), r
    report = r.json
    found = {}
    for tally in report["policies"]:
        for example in tally["examples"]:
            found.setdefault(example["auditID"], {})[tally["policy"]] = example["message"]
    return found, report


def compare(done, found, judged=lambda audit_id, name: True):
    """What differs between the server's warnings and the replay, for what could be JUDGED."""
    own = {of["metadata"]["name"] for of in POLICIES}
    wrong = []
    for audit_id, (refused, warned) in done.items():
        mine = found.get(audit_id, {})
        theirs = {p: m for p, m in warned.items() if p not in SEES_OLD and judged(audit_id, p)
                  and (p != "labelled" or m & SELECTED)}
        if set(mine) != set(theirs) or any(mine[p] not in theirs[p] for p in mine):
            wrong.append((audit_id, theirs, mine))
        elif own & set(mine) and not refused:
            wrong.append((audit_id, "is not refused as a dry run", mine))
    return wrong


def weaker(log, level):
    """The log as it would be at LEVEL."""
    lines = []
    for line in log.splitlines():
        event = json.loads(line)
        event["level"] = level if event["level"] == "RequestResponse" else event["level"]
        for field in ("responseObject",) if level == "Request" else ("responseObject", "requestObject"):
            event.pop(field, None)
        lines.append(json.dumps(event))
    return "\n".join(lines) + "\n"


def check(server, count, seed):
    prepare(server)
    files = [*POLICIES, *[binding(of, ["Deny"]) for of in POLICIES], PARAM]
    done = perform(server, count, seed)
    log = server.audit_log(lambda events: set(done) <= {event["auditID"] for event in events})
    namespaces = server.request("GET", "/api/v1/namespaces").body
    for item in namespaces["items"]:
        item |= {"apiVersion": "v1", "kind": "Namespace"}
    with Folder({"policies.yaml": "".join(f"---\n{json.dumps(f)}\n" for f in files), "namespaces.json": json.dumps(namespaces),
                 "full.log": log, "request.log": weaker(log, "Request"), "metadata.log": weaker(log, "Metadata")}) as folder:
        path = lambda name: os.path.join(folder, name)
        options = ["--policy", path("policies.yaml"), "--namespaces", path("namespaces.json"), "--rule", ",".join(CATALOGUE)]
        compare_full(done, *replay(path("full.log"), options))
        compare_request(log, done, *replay(path("request.log"), options))
        compare_metadata(done, *replay(path("metadata.log"), options))


def compare_full(done, found, report):
    wrong = compare(done, found)
    assert not wrong, f"{len(wrong)} of {len(done)} requests differ: {wrong[:5]}"
    objections = {p for mine in found.values() for p in mine}
    expected = {of["metadata"]["name"] for of in POLICIES} - SEES_OLD
    assert expected <= objections, ("never objected", expected - objections)
    gaps = {t["policy"]: t["notJudged"] for t in report["policies"]}
    assert all(g["level"] == g["object"] == 0 for g in gaps.values()), gaps
    assert all((gaps[name]["oldObject"] > 0) == (name in {"unchanged", "labelled"}) for name in gaps), gaps


def compare_request(log, done, found, report):
    """At level Request nothing is known of patches: those are gaps, and the rest is as the server says."""
    patches = {e["auditID"] for e in map(json.loads, log.splitlines()) if e["verb"] == "patch"}
    wrong = compare(done, found, lambda audit_id, name: audit_id not in patches or name in BLIND)
    assert not wrong, f"{len(wrong)} of {len(done)} requests differ: {wrong[:5]}"
    assert sum(t["notJudged"]["object"] for t in report["policies"]) > 0, report


def compare_metadata(done, found, report):
    wrong = compare(done, found, lambda _, name: name in BLIND)
    assert not wrong, f"{len(wrong)} of {len(done)} requests differ: {wrong[:5]}"
    assert sum(t["notJudged"]["level"] for t in report["policies"]) > len(done), report


def test_a_replay_says_what_the_server_said():
    need_oracle()
    with cluster() as server:
        check(server, argument("requests", 250), argument("seed", 1))


main()
