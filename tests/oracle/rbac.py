#!/usr/bin/env python3
"""`redoubt rbac can-i` against the RBAC authorizer of Kubernetes, on generated clusters and questions.

--questions=N asks N questions (100000; 1000000 with --nightly), --seed=N others. Of a yes, the binding is compared as well.
"""
import random

from differential import *

QUESTIONS = argument("questions", 100000, nightly=1000000)
SEED = argument("seed", 1)
QUESTIONS_PER_CLUSTER = 2000
API = "rbac.authorization.k8s.io/v1"

# Small vocabularies, so that questions meet rules, with neighbours that differ a little.
VERBS = ["get", "list", "watch", "create", "update", "delete", "bind", "escalate", "impersonate", "use", "GET", "*", "", "get,list", "deletecollection"]
GROUPS = ["", "apps", "batch", "rbac.authorization.k8s.io", "example.com", "*", "APPS", "apps "]
RESOURCES = ["pods", "secrets", "deployments", "nodes", "clusterroles", "serviceaccounts", "widgets", "Pods", "pod"]
SUBRESOURCES = ["exec", "log", "status", "token", "proxy", "a/b", "*", "xec"]
PATTERNS = RESOURCES + ["*", "*/*", "pods/*", "*/exec", "*/status", "pods/exec", "pods/log", "serviceaccounts/token", "nodes/proxy", "*/", "/", "/exec", "pods/", "*/a/b",
                        "pods/a/b", "**", "*exec", "", "*/xec", "pods/xec"]
NAMES = ["a", "b", "cart", "*", "", "a*", "A"]
URLS = ["*", "/", "/healthz", "/healthz/*", "/healthz*", "/api/*", "/api/**", "/api", "/metrics", "", "**", "/*/x", "*/x", "/apis/*/v1"]
PATHS = ["/", "/healthz", "/healthz/ping", "/healthzz", "/api", "/api/", "/api/v1", "/api/*", "/metrics", "/metrics/", "", "*", "/x", "/apis/apps/v1", "/*/x"]
NAMESPACES = ["shop", "prod", "kube-system", "default"]
ACCOUNTS = ["default", "ci", "deployer"]
USERS = ["jane", "joe", "Jane", "system:anonymous", "system:serviceaccount:shop:ci", "system:serviceaccount:prod:default", "system:serviceaccount:shop",
         "system:serviceaccount:shop:ci:x", "system:serviceaccount::ci", "system:kube-scheduler", "*"]
USER_GROUPS = ["devs", "ops", "system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:serviceaccounts:shop", "system:nodes",
               "system:bootstrappers", "Devs", "*"]


class Cluster:
    """Roles, bindings and questions, made from a number."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.objects = [self.role("ClusterRole", f"role-{i}") for i in range(12)]
        self.objects += [self.role("Role", f"role-{i}", namespace) for namespace in NAMESPACES for i in range(4)]
        self.objects += [self.binding("ClusterRoleBinding", f"everywhere-{i}") for i in range(self.random.randrange(8))]
        self.objects += [self.binding("RoleBinding", f"here-{i}", namespace) for namespace in NAMESPACES for i in range(self.random.randrange(7))]
        self.random.shuffle(self.objects)

    def one(self, values):
        return self.random.choice(values)

    def some(self, values, most=3):
        return [self.one(values) for _ in range(self.random.randrange(most + 1))]

    def rule(self):
        rule = {"verbs": self.some(VERBS + ["*"] * 4, 4)}
        if self.random.random() < 0.8:
            rule |= {"apiGroups": self.some(GROUPS, 4), "resources": self.some(PATTERNS, 4)}
        if self.random.random() < 0.3:
            rule["resourceNames"] = self.some(NAMES)
        if self.random.random() < 0.3:
            rule["nonResourceURLs"] = self.some(URLS)
        return rule

    @staticmethod
    def object(kind, name, namespace, **fields):
        metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
        return {"apiVersion": API, "kind": kind, "metadata": metadata, **fields}

    def role(self, kind, name, namespace=None):
        return self.object(kind, name, namespace, rules=[self.rule() for _ in range(self.random.randrange(5))])

    def subject(self):
        kind = self.one(["User", "Group"] * 2 + ["ServiceAccount"] * 3 + ["user", "Robot"])
        if kind == "ServiceAccount":
            subject = {"kind": kind, "name": self.one(ACCOUNTS + ["ci:x", ""])}
            return subject | self.one([{}, {"namespace": self.one(NAMESPACES)}, {"namespace": ""}])
        return {"kind": kind, "name": self.one(USER_GROUPS if kind == "Group" else USERS)}

    def binding(self, kind, name, namespace=None):
        # Some name a role that is not there, of the wrong kind, or none.
        role = {"kind": self.one(["ClusterRole"] * 6 + ["Role"] * 3 + ["role", ""]), "name": f"role-{self.random.randrange(13 if namespace is None else 6)}", "apiGroup": "rbac.authorization.k8s.io"}
        return self.object(kind, name, namespace, roleRef=role, subjects=[self.subject() for _ in range(self.random.randrange(4))])

    def near_question(self):
        """A question that some rule nearly answers: who is bound, and what the role says, with a word changed here and there."""
        question = self.random_question()
        bindings = [o for o in self.objects if o.get("subjects")]
        if not bindings:
            return question
        binding = self.one(bindings)
        subject = self.one(binding["subjects"])
        namespace = binding["metadata"].get("namespace")
        if subject["kind"] == "Group":
            question["groups"].append(subject["name"])
        elif subject["kind"] == "ServiceAccount":
            question["user"] = f"system:serviceaccount:{subject.get('namespace') or namespace or self.one(NAMESPACES)}:{subject['name']}"
        else:
            question["user"] = subject["name"]
        if namespace and self.random.random() < 0.9:
            question["namespace"] = namespace
        rules = [rule for o in self.objects if o["metadata"]["name"] == binding["roleRef"]["name"] and o["kind"] == binding["roleRef"]["kind"] for rule in o.get("rules", ())]
        if rules:
            self.ask_of(question, self.one(rules))
        return question

    def ask_of(self, question, rule):
        def word(field, among):
            likely = rule.get(field)
            return self.one(likely) if likely and self.random.random() < 0.9 else self.one(among)

        question["verb"] = word("verbs", VERBS)
        if "path" in question:
            question["path"] = word("nonResourceURLs", PATHS).replace("*", self.one(["", "x", "*", "/y"]))
            return
        question["group"] = word("apiGroups", GROUPS)
        resource, _, subresource = word("resources", RESOURCES).partition("/")
        question["resource"] = self.one(RESOURCES) if resource == "*" else resource
        question["subresource"] = self.one([subresource, subresource, self.one(SUBRESOURCES)])
        question["name"] = word("resourceNames", NAMES)

    def question(self):
        return self.near_question() if self.random.random() < 0.7 else self.random_question()

    def random_question(self):
        if self.random.random() < 0.3:
            user = f"system:serviceaccount:{self.one(NAMESPACES)}:{self.one(ACCOUNTS)}"
        else:
            user = self.one(USERS + [""])
        question = {"user": user, "groups": self.some(USER_GROUPS), "verb": self.one(VERBS)}
        if self.random.random() < 0.2:
            question["path"] = self.one(PATHS)
        else:
            question |= {"group": self.one(GROUPS), "resource": self.one(RESOURCES + ["pods/exec", "*", "*/exec"])}
            if self.random.random() < 0.5:
                question["subresource"] = self.one(SUBRESOURCES + [""])
            if self.random.random() < 0.5:
                question["name"] = self.one(NAMES)
        if self.random.random() < 0.7:
            question["namespace"] = self.one(NAMESPACES + ["", "nowhere"])
        return question


def is_request(question):
    """No request comes without a verb, and about neither a resource nor a path."""
    return question["verb"] and (question.get("resource") or question.get("path"))


def ours(cluster, questions):
    with Folder({"cluster.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": cluster.objects})}) as folder:
        text = "".join(json.dumps(question) + "\n" for question in questions)
        result = subprocess.run([REDOUBT, "rbac", "can-i", "--stream", "--no-defaults", "-f", folder], input=text.encode(), capture_output=True, timeout=TIME_LIMIT, check=False)
    assert result.returncode == 0 and not result.stderr, result
    return [json.loads(line) for line in result.stdout.splitlines()]


def theirs(cluster, questions):
    """The authorizer's answers. Which of several bindings it names depends on the order of its store, so only the verdict counts."""
    asked = [{"rbac": {**question, "cluster": "c", "user": {"name": question["user"], "groups": question["groups"]}}}
             for question in questions]
    loaded, *answers = ask([{"load": {"name": "c", "rbac": cluster.objects}}] + asked)
    assert "error" not in loaded, loaded
    return answers


def test_decisions_are_those_of_kubernetes():
    need_oracle()
    asked = allowed = 0
    differences = []
    number = -1
    while asked < QUESTIONS:  # some of those that are made up are no requests
        number += 1
        cluster = Cluster(f"{SEED}-{number}")
        questions = [q for q in (cluster.question() for _ in range(QUESTIONS_PER_CLUSTER)) if is_request(q)]
        for question, our, their in zip(questions, ours(cluster, questions), theirs(cluster, questions), strict=True):
            asked += 1
            allowed += their["allowed"]
            if our["allowed"] != their["allowed"] or our["allowed"] and not our["binding"]:
                differences.append((number, question, our, their))
    print(f"# {asked} questions, {allowed} of them allowed, {len(differences)} differences")
    if differences:
        raise Disagreement("\n".join(str(difference) for difference in differences[:SHOWN]))
    # A comparison of refusals alone would prove little.
    assert allowed * 50 > asked, (allowed, asked)


if __name__ == "__main__":
    main()
