#!/usr/bin/env python3
"""`redoubt rbac can-i` against SubjectAccessReview of a real API server: 40 users, 200 service accounts, aggregated roles, bindings of all kinds.

--questions=N asks N questions (2000; 20000 with --nightly), --seed=N in another cluster. They are answered twice: from all that the server holds,
and from what was put into it with the roles that redoubt knows to be in every cluster.
"""
import random

from controlplane import *

QUESTIONS = argument("questions", 2000, nightly=20000)
API = "rbac.authorization.k8s.io/v1"
GROUP = "rbac.authorization.k8s.io"
NAMESPACES = ["shop", "prod", "stage", "ci", "data", "kube-system", "default", "monitoring"]
USERS = [f"user-{i}" for i in range(38)] + ["Jane", "jane"]
ACCOUNTS = [(NAMESPACES[i % len(NAMESPACES)], f"account-{i // len(NAMESPACES)}") for i in range(200)]
TEAMS = ["devs", "ops", "Devs", "auditors"]
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "bind", "escalate", "impersonate", "use", "GET"]
RESOURCES = [("", "pods"), ("", "secrets"), ("", "configmaps"), ("", "services"), ("", "serviceaccounts"), ("", "nodes"), ("", "namespaces"), ("apps", "deployments"),
             ("apps", "statefulsets"), ("batch", "jobs"), (GROUP, "roles"), (GROUP, "clusterroles"), ("example.com", "widgets"), ("", "users"), ("", "groups")]
SUBRESOURCES = ["exec", "attach", "log", "status", "token", "proxy", "portforward", "scale"]
PATTERNS = ["*", "*/*", "pods/*", "*/exec", "*/status", "pods/exec", "pods/log", "serviceaccounts/token", "nodes/proxy", "deployments/scale"]
NAMES = ["a", "b", "web", "*"]
PATHS = ["/", "/healthz", "/healthz/ping", "/metrics", "/api", "/api/v1", "/version", "/livez", "/openapi/v3", "/logs", "/logs/kube-apiserver.log"]
URLS = ["*", "/healthz", "/healthz/*", "/metrics", "/api/*", "/logs*", "/logs/*"]


class Seeded:
    """What is put into the cluster, made from a number."""

    def __init__(self, seed):
        self.random = random.Random(f"review-{seed}")
        self.objects = [self.role("ClusterRole", f"role-{i}", labels={"part": str(i % 4)}) for i in range(30)]
        self.objects += [self.object("ClusterRole", f"sum-{i}", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"part": str(i)}}]}, rules=[],
                                     labels={"part": "9"} if i == 0 else {}) for i in range(3)]
        self.objects += [self.object("ClusterRole", "sum-of-sums", rules=[], aggregationRule={"clusterRoleSelectors": [
            {"matchExpressions": [{"key": "part", "operator": "In", "values": ["9", "3"]}]}]})]
        self.objects += [self.role("ClusterRole", "extends-view", labels={f"{GROUP}/aggregate-to-view": "true"})]
        self.objects += [self.role("Role", f"role-{i}", namespace) for namespace in NAMESPACES for i in range(5)]
        self.objects += [self.binding("ClusterRoleBinding", f"everywhere-{i}") for i in range(40)]
        self.objects += [self.binding("RoleBinding", f"here-{i}", namespace) for namespace in NAMESPACES for i in range(25)]

    def one(self, values):
        return self.random.choice(values)

    def some(self, values, most=3):
        return sorted({self.one(values) for _ in range(self.random.randrange(1, most + 1))})

    @staticmethod
    def object(kind, name, namespace=None, labels=None, **fields):
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {}) | ({"labels": labels} if labels else {})
        return {"apiVersion": API, "kind": kind, "metadata": metadata, **fields}

    def rule(self, cluster):
        rule = {"verbs": self.some(VERBS + ["*"], 4)}
        if cluster and self.random.random() < 0.15:
            return rule | {"nonResourceURLs": self.some(URLS)}
        rule |= {"apiGroups": self.some([g for g, _ in RESOURCES] + ["*"]), "resources": self.some([r for _, r in RESOURCES] + PATTERNS, 4)}
        if self.random.random() < 0.25:
            rule["resourceNames"] = self.some(NAMES)
        return rule

    def role(self, kind, name, namespace=None, labels=None):
        return self.object(kind, name, namespace, labels, rules=[self.rule(kind == "ClusterRole") for _ in range(self.random.randrange(1, 4))])

    def subject(self, namespace):
        kind = self.one(["User", "Group", "ServiceAccount", "ServiceAccount"])
        if kind == "ServiceAccount":
            ns, name = self.one(ACCOUNTS)
            return {"kind": kind, "name": name, "namespace": self.one([ns, ns, namespace or ns])}
        ns, name = self.one(ACCOUNTS)
        names = TEAMS + [f"system:serviceaccounts:{ns}", "system:serviceaccounts"] * 1 if kind == "Group" else USERS + [f"system:serviceaccount:{ns}:{name}"] * 5
        return {"kind": kind, "apiGroup": GROUP, "name": self.one(names)}

    def binding(self, kind, name, namespace=None):
        roles = [("ClusterRole", f"role-{i}") for i in range(31)] + [("ClusterRole", n) for n in ("sum-0", "sum-1", "sum-of-sums", "view", "edit", "admin", "missing")]
        if namespace:
            roles += [("Role", f"role-{i}") for i in range(6)] * 3
        role_kind, role = self.one(roles)
        return self.object(kind, name, namespace, roleRef={"apiGroup": GROUP, "kind": role_kind, "name": role},
                           subjects=[self.subject(namespace) for _ in range(self.random.randrange(1, 4))])

    def who(self):
        if self.random.random() < 0.5:
            ns, name = self.one(ACCOUNTS)
            return f"system:serviceaccount:{ns}:{name}", ["system:serviceaccounts", f"system:serviceaccounts:{ns}", "system:authenticated"]
        if self.random.random() < 0.05:
            return "system:anonymous", ["system:unauthenticated"]
        return self.one(USERS), ["system:authenticated"] + ([self.one(TEAMS)] if self.random.random() < 0.6 else [])

    def question(self):
        user, groups = self.who()
        question = {"user": user, "groups": groups, "verb": self.one(VERBS)}
        if self.random.random() < 0.12:
            return question | {"path": self.one(PATHS)}
        group, resource = self.one(RESOURCES)
        question |= {"group": group, "resource": resource}
        if self.random.random() < 0.8:
            question["namespace"] = self.one(NAMESPACES)
        if self.random.random() < 0.4:
            question["name"] = self.one(NAMES)
        if self.random.random() < 0.3:
            question["subresource"] = self.one(SUBRESOURCES)
        return question


def review(question):
    spec = {"user": question["user"], "groups": question["groups"]}
    if "path" in question:
        spec["nonResourceAttributes"] = {"verb": question["verb"], "path": question["path"]}
    else:
        spec["resourceAttributes"] = {key: question[key] for key in ("verb", "group", "resource", "subresource", "namespace", "name") if question.get(key)}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}


def ask_server(server, question):
    reply = server.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review(question))
    assert reply.ok and not reply.body["status"].get("evaluationError"), (reply.status, reply.body, question)
    return reply.body["status"]["allowed"]


def ours(objects, questions, *arguments):
    with Folder({"cluster.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})}) as folder:
        text = "".join(json.dumps(question) + "\n" for question in questions)
        r = subprocess.run([REDOUBT, "rbac", "can-i", "--stream", "-f", folder, *arguments], input=text.encode(), capture_output=True, timeout=TIME_LIMIT, check=False)
    assert r.returncode == 0, r
    return [json.loads(line)["allowed"] for line in r.stdout.splitlines()]


def held(server):
    """All that the server holds of RBAC."""
    kinds = {"clusterroles": "ClusterRole", "clusterrolebindings": "ClusterRoleBinding", "roles": "Role", "rolebindings": "RoleBinding"}
    return [{**item, "apiVersion": API, "kind": kind} for plural, kind in kinds.items() for item in server.request("GET", f"/apis/{GROUP}/v1/{plural}").body["items"]]


def settle(server, seeded):
    """Waits until the controller has added the aggregated roles up, and the authorizer knows of the last binding."""
    want = sum(len(o["rules"]) for o in seeded.objects if o["kind"] == "ClusterRole" and o["metadata"].get("labels", {}).get("part") == "2")
    deadline = time.monotonic() + PATIENCE
    while True:
        role = next(o for o in held(server) if o["kind"] == "ClusterRole" and o["metadata"]["name"] == "sum-2")
        both = next(o for o in held(server) if o["kind"] == "ClusterRole" and o["metadata"]["name"] == "sum-of-sums")
        if len(role.get("rules") or []) == want and both.get("rules"):
            break
        assert time.monotonic() < deadline, (want, role)
        time.sleep(0.5)
    time.sleep(3)


def test_answers_are_those_of_the_server():
    need_oracle()
    seeded = Seeded(argument("seed", 1))
    questions = [seeded.question() for _ in range(QUESTIONS)]
    with cluster() as server:
        for namespace in NAMESPACES:
            server.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        list(server.each(server.put, seeded.objects))
        settle(server, seeded)
        everything = held(server)
        began = time.monotonic()
        theirs = list(server.each(lambda question: ask_server(server, question), questions))
        seconds = time.monotonic() - began
    allowed = sum(theirs)
    print(f"# {len(questions)} questions, {allowed} allowed, {len(questions) / seconds:.0f} a second")
    for name, mine in (("what the server holds", ours(everything, questions, "--no-defaults")), ("what was put there", ours(seeded.objects, questions))):
        wrong = [(q, t, m) for q, t, m in zip(questions, theirs, mine, strict=True) if t != m]
        assert not wrong, f"from {name} {len(wrong)} of {len(questions)} differ: {wrong[:5]}"
    assert allowed * 20 > len(questions) and allowed * 2 < len(questions), (allowed, len(questions))


main()
