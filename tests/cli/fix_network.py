#!/usr/bin/env python3
"""redoubt fix of network policies: rules that allow everybody become what is declared, or what was observed."""
from lib import *

INGRESS, EGRESS = "network/policy-allows-all-ingress", "network/policy-allows-all-egress"


def workload(name, env=(), port=8080):
    lines = "".join(f"            - {{name: {key}, value: \"{value}\"}}\n" for key, value in env)
    return (f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n"
            f"  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n        - name: c\n          image: registry.example.com/c:1\n"
            f"          ports: [{{containerPort: {port}}}]\n" + (f"          env:\n{lines}" if lines else ""))


def service(name, port=80, target=8080):
    return (f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  selector: {{app: {name}}}\n"
            f"  ports: [{{port: {port}, targetPort: {target}}}]\n")


def policy(spec, name="policy"):
    return f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n{spec}"


# web talks to db by the Service's name; other talks to nobody.
SHOP = "---\n".join([workload("web", [("DB", "http://db:80/x")]), workload("other"), workload("db"), service("db")])


def fixed(spec, rule, *arguments, files=None, offered=True):
    """The folder's manifests after the fix: (text of the policy, function that asks `net why`)."""
    with Folder({"m/shop.yaml": SHOP, "m/policy.yaml": policy(spec), **(files or {})}) as folder:
        r = run("fix", "--rule", rule, "--unsafe", "--write", "-o", "text", *arguments, "m", cwd=folder)
        assert r.status == 0, r
        after = open(os.path.join(str(folder), "m", "policy.yaml"), encoding="utf-8").read()
        assert (after != policy(spec)) == offered, (r, after)
        left = [f for f in run("scan", "--rule", rule, "-o", "json", "m", cwd=folder).json["findings"] if f["rule"] == rule]
        assert bool(left) != offered, (left, after)

        def reaches(source, destination, port):
            why = run("net", "why", source, destination, port, "-f", "m", cwd=folder)
            assert why.status in (0, 1), why
            return why.status == 0

        answers = {(source, destination, port): reaches(source, destination, port) for source in ("shop/web", "shop/other", "203.0.113.7")
                   for destination in ("shop/db", "203.0.113.7") for port in ("8080", "9999") if source != destination}
        return after, answers, r


def allowed(answers):
    return {question for question, yes in answers.items() if yes}


def test_ingress_becomes_what_manifests_declare():
    after, answers, _ = fixed("  podSelector: {matchLabels: {app: db}}\n  ingress:\n    - {}\n", INGRESS)
    assert {q for q in allowed(answers) if q[1] == "shop/db"} == {("shop/web", "shop/db", "8080")}, (after, answers)


def test_egress_becomes_what_manifests_declare_and_dns():
    after, answers, _ = fixed("  podSelector: {matchLabels: {app: web}}\n  policyTypes: [Egress]\n  egress:\n    # for now\n    - to: []\n", EGRESS)
    assert {q for q in allowed(answers) if q[0] == "shop/web"} == {("shop/web", "shop/db", "8080")}, (after, answers)
    assert "kube-dns" in after and after.count("port: 53") == 2, after


def test_other_rules_stay_and_several_go():
    spec = ("  podSelector: {matchLabels: {app: db}}\n  ingress:\n    - from: [{podSelector: {matchLabels: {app: other}}}] # kept\n"
            "      ports: [{port: 9999}]\n    - {}\n    - from: []\n")
    after, answers, _ = fixed(spec, INGRESS)
    assert "# kept" in after
    assert {q for q in allowed(answers) if q[1] == "shop/db"} == {("shop/web", "shop/db", "8080"), ("shop/other", "shop/db", "9999")}, (after, answers)


def test_who_needs_nothing_gets_nothing():
    after, answers, _ = fixed("  podSelector: {matchLabels: {app: other}}\n  policyTypes: [Ingress]\n  ingress: [{}]\n", INGRESS)
    assert "- {}" not in after and "[{}]" not in after, after
    with Folder({"m/a.yaml": SHOP + "---\n" + after}) as folder:
        assert run("net", "why", "shop/web", "shop/other", "8080", "-f", "m", cwd=folder).status == 1


def test_flows_count_where_they_are_given():
    flow = {"src": {"namespace": "shop", "name": "other"}, "dst": {"namespace": "shop", "name": "db"}, "protocol": "TCP", "port": 9999, "allowed": True}
    after, answers, _ = fixed("  podSelector: {matchLabels: {app: db}}\n  ingress:\n    - {}\n", INGRESS, "--flows", "flows.log", files={"flows.log": json.dumps(flow) + "\n"})
    assert {q for q in allowed(answers) if q[1] == "shop/db"} == {("shop/other", "shop/db", "9999")}, (after, answers)


def test_a_policy_for_nobody_is_left_alone():
    _, _, report = fixed("  podSelector: {matchLabels: {app: nobody}}\n  ingress:\n    - {}\n", INGRESS, offered=False)
    assert "selects no pods of the input" in report.text, report


def test_without_unsafe_nothing_is_cut():
    with Folder({"m/shop.yaml": SHOP, "m/policy.yaml": policy("  podSelector: {matchLabels: {app: db}}\n  ingress:\n    - {}\n")}) as folder:
        r = run("fix", "--rule", INGRESS, "-o", "text", "m", cwd=folder)
        assert r.status == 0 and "1 more fixes may break a workload" in r.text, r


main()
