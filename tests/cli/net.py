#!/usr/bin/env python3
"""`redoubt net`: its verbs, their exit statuses, and what they do with input that is broken or hostile."""
import pathlib

from lib import *

PODS = """apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}], env: [{name: DB, value: "postgres://u@db:5432/x"}]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: i, ports: [{name: pg, containerPort: 5432}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}, ports: [{port: 5432, targetPort: pg}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: http}]}
"""


def policy(spec, name="p"):
    return f"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{{spec}}}\n"


DENY = policy("podSelector: {}, policyTypes: [Ingress, Egress]", "deny")


def net(verb, text, *arguments):
    return run("net", verb, *arguments, "-f", "-", stdin=text)


def ends(pairs):
    return {(p["src"].get("name") or p["src"]["cidr"], p["dst"].get("name") or p["dst"]["cidr"]) for p in pairs}


def test_list_is_the_matrix():
    r = net("list", PODS + DENY, "-o", "json")
    assert r.status == 0 and r.json == [], r
    r = net("list", PODS + DENY + policy("podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: pg}]}]", "db")
            + policy("podSelector: {matchLabels: {app: web}}, egress: [{ports: [{port: 5000, endPort: 6000}]}], policyTypes: [Egress]", "web"), "-o", "json")
    pairs = {(p["src"].get("name"), p["dst"].get("name") or p["dst"]["cidr"]): p["ports"] for p in r.json}
    assert pairs[("web", "db")] == [{"protocol": "TCP", "from": 5432, "to": 5432}], pairs
    assert pairs[("web", "0.0.0.0/0")] == [{"protocol": "TCP", "from": 5000, "to": 6000}], pairs
    assert ("db", "web") not in pairs and (None, "db") not in pairs, pairs


def test_list_in_every_format():
    for form, start in (("text", "SOURCE"), ("dot", "digraph"), ("svg", "<svg"), ("html", "<!doctype html>")):
        r = net("list", PODS, "-o", form)
        assert r.status == 0 and r.text.startswith(start), (form, r)
        assert "http://" not in r.text.replace("http://www.w3.org/2000/svg", "") and "<script" not in r.text, form


def test_why_says_yes_and_no():
    r = net("why", PODS + DENY, "shop/web", "shop/db", "5432")
    assert r.status == 1 and r.text.startswith("no: egress of shop/web is limited by NetworkPolicy shop/deny (<stdin>:"), r
    assert net("why", PODS, "shop/web", "shop/db", "UDP/53").status == 0
    r = net("why", PODS + policy("podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 5433}]}]"), "shop/web", "shop/db", "5432")
    assert "closest: <stdin>:" in r.text and "allows TCP 5433" in r.text, r
    r = net("why", PODS, "shop/webb", "shop/db", "80")
    assert r.status == 2 and 'did you mean "shop/web"?' in r.err, r
    assert net("why", PODS, "shop/web", "shop/db", "70000").status == 2
    r = net("why", PODS + DENY, "shop/web", "shop/db", "5432", "-o", "json")
    assert r.json["allowed"] is False and r.json["egress"]["isolatedBy"][0]["name"] == "deny", r


def test_why_looks_behind_services():
    deny = policy("podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 8080}]}]")
    r = net("why", PODS + deny, "shop/db", "shop/service/web", "80")
    assert r.status == 0 and "this is TCP 8080 of the pod" in r.text, r
    assert net("why", PODS + deny, "shop/db", "shop/web", "80").status == 1
    address = PODS.replace("type: LoadBalancer,", "type: LoadBalancer, clusterIP: 10.96.0.7,") + deny
    assert net("why", address, "shop/db", "10.96.0.7", "80").status == 0
    r = net("why", PODS, "shop/db", "shop/service/web", "81")
    assert r.status == 2 and "has no port TCP 81" in r.err, r


def test_exposure():
    r = net("exposure", PODS, "-o", "json")
    assert r.status == 1 and [(e["workload"]["name"], e["port"], e["outside"], e["blocked"]) for e in r.json["outside"]] == [("web", 8080, 80, False)], r
    assert {w["workload"]["name"] for w in r.json["cluster"]} == {"web", "db"}
    r = net("exposure", PODS + DENY, "-o", "json")
    assert r.status == 0 and r.json["outside"][0]["blocked"] and not r.json["cluster"], r


def test_isolated():
    assert net("isolated", PODS).status == 1
    assert net("isolated", PODS + DENY).status == 0
    r = net("isolated", PODS + policy("podSelector: {matchLabels: {app: db}}"), "-o", "json")
    assert [w["name"] for w in r.json[0]["ingress"]["open"]] == ["web"], r


def test_diff_tells_connections():
    with tempfile.TemporaryDirectory() as folder:
        old, new = os.path.join(folder, "old.yaml"), os.path.join(folder, "new.yaml")
        pathlib.Path(old).write_text(PODS + DENY, encoding="utf-8")
        pathlib.Path(new).write_text(PODS + DENY + policy("podSelector: {}, ingress: [{from: [{podSelector: {}}]}], egress: [{to: [{podSelector: {}}, {ipBlock: {cidr: 192.0.2.0/24}}]}]"),
                                     encoding="utf-8")
        r = run("net", "diff", old, new, "-o", "json")
        assert r.status == 1 and {c["change"] for c in r.json} == {"gained"}, r
        assert ends(r.json) == {("web", "db"), ("db", "web"), ("web", "192.0.2.0/24"), ("db", "192.0.2.0/24")}, r
        r = run("net", "diff", new, old, "-o", "json")
        assert {c["change"] for c in r.json} == {"lost"}, r
        # The same text in another order opens and closes nothing.
        pathlib.Path(new).write_text(DENY.lstrip("-\n") + "---\n" + PODS, encoding="utf-8")
        r = run("net", "diff", old, new)
        assert r.status == 0 and "no connection is opened or closed" in r.text, r


def test_generated_policies_allow_what_they_are_made_for():
    flows = '{"src":{"namespace":"shop","name":"web"},"dst":{"namespace":"shop","name":"db"},"protocol":"TCP","port":5432}\n'
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in ("pods.yaml", "flows.log", "new.yaml")}
        pathlib.Path(paths["pods.yaml"]).write_text(PODS, encoding="utf-8")
        pathlib.Path(paths["flows.log"]).write_text(flows, encoding="utf-8")
        for source in ([], ["--flows", paths["flows.log"]]):
            r = run("net", "generate", "-f", paths["pods.yaml"], *source)
            assert r.status == 0, r
            pathlib.Path(paths["new.yaml"]).write_text(r.text, encoding="utf-8")
            both = ["-f", paths["pods.yaml"], "-f", paths["new.yaml"]]
            assert run("net", "why", "shop/web", "shop/db", "5432", *both).status == 0, r
            assert run("net", "why", "shop/db", "shop/web", "8080", *both).status == 1
            assert run("net", "why", "shop/web", "shop/db", "5433", *both).status == 1
            assert run("net", "isolated", *both).status == 0
            r = run("net", "impact", "--flows", paths["flows.log"], "-p", paths["new.yaml"], "-f", paths["pods.yaml"])
            assert r.status == 0 and "0 of 1 different connections would be cut" in r.text, r
        pathlib.Path(paths["new.yaml"]).write_text(DENY.lstrip("-\n"), encoding="utf-8")
        r = run("net", "impact", "--flows", paths["flows.log"], "-p", paths["new.yaml"], "-f", paths["pods.yaml"])
        assert r.status == 1 and "egress: NetworkPolicy shop/deny" in r.text, r


def test_nothing_to_generate():
    r = net("generate", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    assert r.status == 0 and r.text == "# 0 policies with 0 rules, from 0 declared connections.\n", r


def test_connections_with_unknown_ends_are_incomplete():
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "flows.log")
        pathlib.Path(log).write_text('{"src":{"namespace":"x","name":"gone"},"dst":{"ip":"10.0.0.1"},"port":1}\nnonsense\n', encoding="utf-8")
        r = run("net", "generate", "--flows", log, "-f", "-", stdin=PODS)
        assert r.status == 3 and "not in the input" in r.err and "no connections" in r.err, r


def test_a_fix_denies_by_default():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "shop.yaml")
        pathlib.Path(path).write_text(PODS, encoding="utf-8")
        rules = ["--rule", "network/namespace-default-deny-ingress", "--rule", "network/namespace-default-deny-egress"]
        assert run("scan", folder, *rules, "-q").status == 1
        r = run("fix", "--unsafe", "--write", folder, *rules)
        assert r.status == 0, r
        assert run("scan", folder, *rules, "-q").status == 0
        assert run("net", "why", "shop/web", "shop/db", "5432", "-f", folder).status == 0
        assert run("net", "why", "shop/db", "shop/web", "8080", "-f", folder).status == 1


# Faults that only show when all objects are seen together; the line of each finding ends with its rule.
FAULTS = """apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {environment: production}}
---
apiVersion: v1
kind: Namespace
metadata: {name: test, labels: {environment: test}}
---
apiVersion: apps/v1 # <- segregation/stage-crossing network/data-store-exposed network/data-store-open-to-cluster network/exposed-reaches-metadata
kind: Deployment
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: "postgres:17", ports: [{name: pg, containerPort: 5432}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: tester, namespace: test}
spec:
  selector: {matchLabels: {app: tester}}
  template:
    metadata: {labels: {app: tester}}
    spec: {containers: [{name: c, image: i}]}
---
apiVersion: apps/v1 # <- network/host-network-escapes-policies
kind: DaemonSet
metadata: {name: agent, namespace: test}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {hostNetwork: true, containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec:
  type: LoadBalancer
  selector: {app: db}
  ports: [{port: 15432, targetPort: pg}]
---
apiVersion: v1
kind: Service
metadata: {name: gone, namespace: shop}
spec:
  selector: {app: gone} # <- network/service-selects-nothing
  ports: [{port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: named, namespace: shop}
spec:
  selector: {app: db}
  ports:
    - {port: 80, targetPort: http} # <- network/service-target-port
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec:
  rules:
    - http:
        paths:
          - path: /a
            pathType: Prefix
            backend:
              service: {name: missing, port: {number: 80}}
          - path: /b
            pathType: Prefix
            backend:
              service: {name: db, port: {number: 81}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: test}
spec:
  podSelector:
    matchLabels: {app: testr} # <- network/policy-selects-nothing
  ingress: [{}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: q, namespace: test}
spec:
  podSelector: {}
  ingress:
    - from:
        - podSelector: {matchLabels: {app: nobody}} # <- network/policy-peer-selects-nothing
      ports:
        - port: nothing # <- network/policy-named-port
---
apiVersion: apps/v1 # <- network/plugin-enforces
kind: DaemonSet
metadata: {name: kube-flannel-ds, namespace: kube-flannel}
spec:
  selector: {matchLabels: {app: flannel}}
  template:
    metadata: {labels: {app: flannel}}
    spec: {hostNetwork: true, containers: [{name: c, image: i}]}
"""


def test_rules_point_at_what_is_to_be_changed():
    wanted = {"network/route-backend", "network/route-port", "network/namespace-default-deny-ingress", "network/namespace-default-deny-egress"}
    for line in FAULTS.splitlines():
        wanted.update(line.partition("# <- ")[2].split())
    found = {}
    for finding in run("scan", "-", "-o", "json", "-q", stdin=FAULTS).json["findings"]:
        if finding["rule"] in wanted:
            found.setdefault(finding["rule"], set()).add(finding["location"]["line"])
    assert found.keys() == wanted, (wanted - found.keys(), found.keys() - wanted)
    for number, line in enumerate(FAULTS.splitlines(), 1):
        for rule in line.partition("# <- ")[2].split():
            assert number in found[rule], (rule, number, found[rule])


BROKEN = {
    "an unknown peer": "podSelector: {}, ingress: [{from: [{planets: {}}]}]",
    "no CIDR": "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]",
    "an operator that is none": "podSelector: {matchExpressions: [{key: a, operator: Like, values: [b]}]}",
    "a list that is none": "podSelector: {}, ingress: 5",
    "a port beyond all": "podSelector: {}, ingress: [{ports: [{port: 99999}]}]",
    "a type that is none": "podSelector: {}, policyTypes: [Sideways]",
}


def test_what_cannot_be_used_makes_the_answer_incomplete():
    for what, spec in BROKEN.items():
        for verb in ("list", "isolated", "exposure"):
            r = net(verb, PODS + policy(spec))
            assert r.status == 3 and "NetworkPolicy \"p\"" in r.err and "<stdin>:" in r.err, (what, verb, r)


def test_overlapping_blocks():
    # The union counts: what one block leaves out, the other may allow.
    text = PODS + policy("podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, {ipBlock: {cidr: 10.1.2.0/24}}]}]")
    assert net("why", text, "shop/web", "10.1.2.3", "80").status == 0
    assert net("why", text, "shop/web", "10.1.3.3", "80").status == 1
    assert net("why", text, "shop/web", "10.0.0.0/8", "80").status == 1
    assert net("why", text, "shop/web", "10.2.0.0/16", "80").status == 0


def test_half_an_inventory():
    r = net("list", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n---\nkind: [broken\n", "-o", "json")
    assert r.status == 3 and r.err, r
    assert net("list", policy("podSelector: {}").lstrip("-\n")).text == "nothing reaches anything\n"


def test_names_cannot_drive_a_terminal():
    evil = "\\e[31mx\\nyes: all is well"
    text = (f'apiVersion: v1\nkind: Pod\nmetadata: {{name: "{evil}", namespace: shop, labels: {{a: b}}}}\nspec: {{containers: []}}\n'
            f'---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: "{evil}", namespace: shop}}\n'
            f'spec: {{podSelector: {{matchLabels: {{a: b}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{"{evil}": b}}}}}}], ports: [{{port: 1}}]}}]}}\n' + "---\n" + PODS)
    for verb, arguments in (("list", []), ("isolated", []), ("exposure", []), ("why", ["shop/web", "shop/\x1b[31mx\nyes: all is well", "1"]), ("list", ["-o", "svg"]), ("list", ["-o", "html"]),
                            ("list", ["-o", "dot"]), ("generate", [])):
        r = net(verb, text, *arguments)
        assert r.status in (0, 1) and "\x1b" not in r.text + r.err and "\nyes: all" not in r.text, (verb, r)


def test_many_classes_are_bounded():
    blocks = ",".join(f"{{ipBlock: {{cidr: 10.{i // 250}.{i % 250}.0/24}}}}" for i in range(2000))
    text = PODS + "".join(policy(f"podSelector: {{}}, ingress: [{{from: [{blocks}]}}]", f"p{i}") for i in range(5))
    assert net("list", text, "-o", "json").status == 0


def test_why_of_a_workload_means_all_of_its_pods():
    """One of the two pods has a label of its own, for which alone the policy is."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7f", "uid": "u", "controller": True}
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"web-7f-{i}", "namespace": "shop", "ownerReferences": [owner],
                                                             "labels": {"app": "web", "pod-template-hash": "7f", **({"canary": "yes"} if i else {})}},
             "spec": {"containers": [{"name": "c", "image": "registry.example.com/c:1"}]}} for i in range(2)]
    deny = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny", "namespace": "shop"},
            "spec": {"podSelector": {"matchLabels": {"canary": "yes"}}}}
    with Folder({"all.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": [*pods, deny]})}) as folder:
        for name in ("shop/web", "shop/Deployment/web"):
            r = run("net", "why", "203.0.113.7", name, "80", "-f", "all.json", cwd=folder)
            assert r.status == 1 and "some pods of the workload are allowed" in r.text and "shop/deny" in r.text, r
        assert run("net", "why", "203.0.113.7", "shop/StatefulSet/web", "80", "-f", "all.json", cwd=folder).status == 2
        assert run("net", "why", "203.0.113.7", "shop/web-7f-0", "80", "-f", "all.json", cwd=folder).status == 0


def test_the_table_of_the_page_tells_namespaces_apart():
    with Folder({"a.yaml": "---\n".join(PODS.replace("shop", space) for space in ("one", "two"))}) as folder:
        page = run("net", "list", "-o", "html", "-f", ".", cwd=folder).text
        rows = page[page.index("<tbody>"):]
        assert rows.count("one") == rows.count("two") > 0 and all("one" in row or "two" in row for row in rows.split("<tr>")[1:]), rows


main()
