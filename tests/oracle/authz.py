#!/usr/bin/env python3
"""The authorizer in policies: `redoubt scan --as` against Kubernetes' own code, on generated expressions.

A policy asks the authorizer something; its message is the reason of the decision or the error of the expression. The clusters are
those of rbac.py. --clusters=N makes N (150; 1500 with --nightly), --seed=N others.
"""
from differential import *
from rbac import ACCOUNTS, Cluster, GROUPS, NAMES, NAMESPACES, PATHS, RESOURCES, SUBRESOURCES, USERS, VERBS

CLUSTERS = argument("clusters", 150, nightly=1500)
SEED = argument("seed", 1)
# Not what the built-in roles give to everyone.
PATHS = [path for path in PATHS if path not in ("/healthz", "/api", "/api/", "/api/v1", "/api/*", "/apis/apps/v1")]
EXPRESSIONS = 12  # each asks twice at most: more would use up the cost that Kubernetes allows a policy


class Expressions(Cluster):
    """A cluster that also makes expressions."""

    def text(self, values):
        return json.dumps(self.one(values))

    def who(self):
        if self.random.random() < 0.5:
            return "authorizer"
        return f"authorizer.serviceAccount({self.text(NAMESPACES + ['', 'A', 'a.b', '-a'])}, {self.text(ACCOUNTS * 3 + ['', 'a.b', 'a..b', 'A', 'a-', 'ci:x', 'a' * 254, 'a' * 64])})"

    def resource_check(self):
        if self.random.random() < 0.2:
            text = "authorizer.requestResource"
        else:
            text = f"{self.who()}.group({self.text(GROUPS)}).resource({self.text(RESOURCES * 2 + ['', ' ', ' '])})"
        for step, values in (("subresource", SUBRESOURCES + [""]), ("namespace", NAMESPACES * 2 + [""]), ("name", NAMES),
                             ("fieldSelector", ["metadata.name=a", "!"]), ("labelSelector", ["a=b", "!!"])):
            if self.random.random() < 0.4:
                text += f".{step}({self.text(values)})"
        return text

    def expression(self):
        if self.random.random() < 0.2:
            check = f"{self.who()}.path({self.text(PATHS + [' '])})"
        else:
            check = self.resource_check()
        decision = f"{check}.check({self.text(VERBS)})"
        return self.one([f"{decision}.allowed()"] * 4 + [f"{decision}.reason() == ''", f"!{decision}.errored()", f"{decision}.error() == ''",
                                                          f"{check} == {check}", f"dyn({check}).allowed()", f"{decision} == {decision}"])


def policy(expressions):
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"},
            "spec": {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
                     "validations": [{"expression": e, "message": f"number {i}"} for i, e in enumerate(expressions)]}}


def ours(cluster, rule, pod, user):
    files = {"rules/p.yaml": json.dumps(rule), "in/cluster.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": cluster.objects + [pod]})}
    with Folder(files) as folder:
        result = run("scan", "--no-catalogue", "-r", os.path.join(folder, "rules"), "--as", user, "--fail-on", "never", "-o", "json", os.path.join(folder, "in"))
    assert result.status in (0, 3), result
    return sorted(finding["message"] for finding in result.json["findings"])


def test_checks_of_policies_are_decided_as_in_kubernetes():
    need_oracle()
    denied = asked = 0
    differences = []
    for number in range(CLUSTERS):
        cluster = Expressions(f"{SEED}-{number}")
        expressions = [cluster.expression() for _ in range(EXPRESSIONS)]
        # The oracle knows no groups of the user, and every named user is system:authenticated: those bindings are left out.
        cluster.objects = [o for o in cluster.objects if not any(s["kind"] == "Group" and s["name"] in ("system:authenticated", "system:unauthenticated", "system:serviceaccounts",
                                                                                                         "system:serviceaccounts:shop") for s in o.get("subjects", ()))]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
        user = cluster.one([user for user in USERS if user and user != "system:anonymous"])
        rule = policy(expressions)
        their = ask([{"vap": {"policy": rule, "object": pod, "user": {"name": user}, "rbac": cluster.objects}}])[0]
        other = [decision["message"] for evaluation in their["evaluations"] for decision in evaluation["decisions"]
                 if decision["evaluation"] != "admit"]
        our = ours(cluster, rule, pod, user)
        asked += len(expressions)
        denied += len(our)
        if our != sorted(other):
            differences.append({"cluster": number, "user": user, "only ours": sorted(set(our) - set(other))[:SHOWN], "only theirs": sorted(set(other) - set(our))[:SHOWN],
                                "expressions": [expressions[int(m.split()[-1])] for m in set(our) ^ set(other) if m.startswith("number ")][:SHOWN]})
    print(f"# {asked} expressions, {denied} of them false or in error, {len(differences)} differences")
    if differences:
        raise Disagreement("\n".join(str(difference) for difference in differences[:SHOWN]))


if __name__ == "__main__":
    main()
