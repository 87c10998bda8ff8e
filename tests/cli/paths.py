#!/usr/bin/env python3
"""paths: what makes each attack possible and what does not, whole paths, cuts, hostile input. The cases are in tests/paths."""
import random
import re

from lib import *

CASES = os.path.join(ROOT, "tests", "paths")
RBAC = "rbac.authorization.k8s.io"


# --- objects from lines ---

def obj(kind, name, api="v1", namespace=None, **fields):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **fields.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def split(words):
    flags = {w for w in words if "=" not in w}
    values = dict(w.split("=", 1) for w in words if "=" in w)
    return flags, values


def pairs(text):
    return dict(p.split("=", 1) for p in text.split(",")) if text else {}


def pod_spec(flags, values, namespace):
    context, volumes, mounts = {}, [], []
    spec = {"containers": [], "nodeName": values.get("node", "n1")}
    container = {"name": "c", "image": values.get("image", "registry.example.com/c:1")}
    if "privileged" in flags:
        context["privileged"] = True
    if "caps" in values:
        context["capabilities"] = {"add": values["caps"].split(",")}
    if "nonroot" in flags:
        context.update(runAsNonRoot=True, allowPrivilegeEscalation=False)
    if "unmasked" in flags:
        context["procMount"] = "Unmasked"
    if "hostProcess" in flags:
        context["windowsOptions"] = {"hostProcess": True}
    if "mount" in values:
        path, _, mode = values["mount"].partition(":")
        volumes.append({"name": "v", "hostPath": {"path": path}})
        mounts.append({"name": "v", "mountPath": "/host", **({"readOnly": True} if mode else {}),
                       **({"subPath": values["subpath"]} if "subpath" in values else {})})
    if "secret" in values:
        volumes.append({"name": "s", "secret": {"secretName": values["secret"]}})
        mounts.append({"name": "s", "mountPath": "/secret"})
    if "claim" in values:
        volumes.append({"name": "p", "persistentVolumeClaim": {"claimName": values["claim"]}})
        mounts.append({"name": "p", "mountPath": "/data"})
    if "project" in values:
        token = {"path": "token", **({"audience": values["project"]} if values["project"] else {})}
        volumes.append({"name": "t", "projected": {"sources": [{"serviceAccountToken": token}]}})
        mounts.append({"name": "t", "mountPath": "/token"})
    if "env" in values:
        container["env"] = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": values["env"], "key": "k"}}}]
    if "pull" in values:
        spec["imagePullSecrets"] = [{"name": values["pull"]}]
    for flag, field in (("hostPID", "hostPID"), ("hostNetwork", "hostNetwork"), ("share", "shareProcessNamespace")):
        if flag in flags:
            spec[field] = True
    if "hostUsers" in values:
        spec["hostUsers"] = values["hostUsers"] == "true"
    if "windows" in flags:
        spec["os"] = {"name": "windows"}
    if "runtime" in values:
        spec["runtimeClassName"] = values["runtime"]
    if "notoken" in flags or "token" in flags:
        spec["automountServiceAccountToken"] = "token" in flags
    if "sa" in values:
        spec["serviceAccountName"] = values["sa"]
    if "select" in values:
        spec["nodeSelector"] = pairs(values["select"])
    if context:
        container["securityContext"] = context
    if mounts:
        container["volumeMounts"] = mounts
        spec["volumes"] = volumes
    spec["containers"] = [container] + ([{"name": "d", "image": "d"}] if flags & {"share", "two"} else [])
    return spec


def owned(values, namespace):
    if "owner" not in values:
        return {}
    kind, name = values["owner"].split("/")
    return {"ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": True}]}


def make_pod(namespace, name, flags, values):
    annotations = {"annotations": {"kubernetes.io/config.mirror": "x"}} if "mirror" in flags else {}
    metadata = {"labels": pairs(values.get("label")), **annotations, **owned(values, namespace)}
    status = {"status": {"phase": values["phase"]}} if "phase" in values else {}
    return [obj("Pod", name, namespace=namespace, metadata=metadata, spec=pod_spec(flags, values, namespace), **status)]


def make_workload(kind, namespace, name, flags, values):
    spec = pod_spec(flags, values, namespace)
    del spec["nodeName"]
    labels = {"app": name}
    return [obj(kind, name, "apps/v1", namespace, metadata=owned(values, namespace), spec={"selector": {"matchLabels": labels}, "template": {
        "metadata": {"labels": labels}, "spec": spec}})]


def make_rule(text):
    """VERBS RESOURCES [names=A,B]: resources are RESOURCE[.GROUP][/SUBRESOURCE]"""
    verbs, resources, *rest = text.split()
    groups, names = set(), []
    for resource in resources.split(","):
        plain, slash, sub = resource.partition("/")
        plain, _, group = plain.partition(".")
        groups.add(group)
        names.append(plain + slash + sub)
    rule = {"verbs": verbs.split(","), "apiGroups": sorted(groups), "resources": names}
    for word in rest:
        rule["resourceNames"] = word.removeprefix("names=").split(",")
    return rule


def make_grant(number, text):
    """SUBJECT SCOPE: RULE; RULE"""
    (who, scope), rules = text.split(": ", 1)[0].split(), text.split(": ", 1)[1].split(";")
    kind, name = who.split(":", 1)
    if kind == "sa":
        namespace, name = name.split("/")
        subject = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    else:
        subject = {"kind": kind.capitalize(), "apiGroup": RBAC, "name": name}
    role = obj("ClusterRole", f"r{number}", f"{RBAC}/v1", rules=[make_rule(r) for r in rules])
    everywhere = scope == "everywhere"
    binding = obj("ClusterRoleBinding" if everywhere else "RoleBinding", f"b{number}", f"{RBAC}/v1", None if everywhere else scope,
                  roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": f"r{number}"}, subjects=[subject])
    return [role, binding]


def make_policy(kind, namespace, values):
    return [obj("NetworkPolicy", kind + values.get("select", ""), "networking.k8s.io/v1", namespace, spec={
        "podSelector": {"matchLabels": pairs(values.get("select"))} if "select" in values else {},
        "policyTypes": ["Ingress" if kind == "deny-ingress" else "Egress"]})]


def make_service(namespace, name, flags, values):
    annotations = {"service.beta.kubernetes.io/aws-load-balancer-internal": "true"} if "internal" in flags else {}
    return [obj("Service", name, namespace=namespace, metadata={"annotations": annotations}, spec={
        "type": next(iter(flags - {"internal"})), "selector": pairs(values.get("select")), "ports": [{"port": 80}]})]


OBJECTS = {
    "pod": make_pod,
    "deployment": lambda *a: make_workload("Deployment", *a),
    "statefulset": lambda *a: make_workload("StatefulSet", *a),
    "daemonset": lambda *a: make_workload("DaemonSet", *a),
    "replicaset": lambda *a: make_workload("ReplicaSet", *a),
    "sa": lambda ns, name, flags, values: [obj(
        "ServiceAccount", name, namespace=ns, metadata={"annotations": {"eks.amazonaws.com/role-arn": values["role"]} if "role" in values else {}},
        **({"automountServiceAccountToken": False} if "notoken" in flags else {}))],
    "secret": lambda ns, name, flags, values: [obj(
        "Secret", name, namespace=ns, type="bootstrap.kubernetes.io/token" if "bootstrap" in flags else
        "kubernetes.io/service-account-token" if "token-of" in values else "Opaque",
        metadata={"annotations": {"kubernetes.io/service-account.name": values["token-of"]} if "token-of" in values else {}})],
    "claim": lambda ns, name, flags, values: [obj("PersistentVolumeClaim", name, namespace=ns, spec={"volumeName": values.get("volume", "")})],
    "configmap": lambda ns, name, flags, values: [obj("ConfigMap", name, namespace=ns)],
    "service": make_service,
    "ingress": lambda ns, name, flags, values: [obj("Ingress", name, "networking.k8s.io/v1", ns, spec={"rules": [{"http": {"paths": [
        {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": values["service"], "port": {"number": 80}}}}]}}]})],
    "route": lambda ns, name, flags, values: [obj("HTTPRoute", name, "gateway.networking.k8s.io/v1", ns, spec={"rules": [{"backendRefs": [
        {"namespace": values["service"].split("/")[0], "name": values["service"].split("/")[1], "port": 80}]}]})],
}
PLAIN = {
    "node": lambda name, flags, values: [obj("Node", name, metadata={"labels": {"node-role.kubernetes.io/control-plane": ""}
                                                                    if "control-plane" in flags else {}},
                                             spec={"providerID": "aws:///a/i-1"} if "aws" in flags else {})],
    "namespace": lambda name, flags, values: [obj("Namespace", name, metadata={"labels": {
        "pod-security.kubernetes.io/enforce": f} for f in flags}.get("labels") and {"labels": {"pod-security.kubernetes.io/enforce": next(iter(flags))}} or {})],
    "volume": lambda name, flags, values: [obj("PersistentVolume", name, spec={"hostPath": {"path": values["path"]}, **({"claimRef": {
        "namespace": values["claim"].split("/")[0], "name": values["claim"].split("/")[1]}} if "claim" in values else {})})],
    "runtimeclass": lambda name, flags, values: [obj("RuntimeClass", name, "node.k8s.io/v1", handler=values["handler"])],
    "crd": lambda name, flags, values: [obj("CustomResourceDefinition", "x." + name, "apiextensions.k8s.io/v1", spec={"group": name})],
}


class Case:
    def __init__(self, about, name, number):
        self.about, self.name, self.number = about, name, number
        self.objects, self.options, self.expected, self.grants = [], [], [], 0

    def add(self, line):
        word, _, rest = line.partition(" ")
        if word in ("yes", "no", "none", "path", "steps"):
            self.expected.append((word, rest))
        elif word == "grant":
            self.grants += 1
            self.objects += make_grant(self.grants, rest)
        elif word == "version":
            self.options += ["--kube-version", rest]
        elif word == "lateral":
            self.options.append("--lateral")
        elif word in ("deny-ingress", "deny-egress"):
            namespace, *words = rest.split()
            self.objects += make_policy(word, namespace, split(words)[1])
        elif word in PLAIN:
            name, *words = rest.split()
            self.objects += PLAIN[word](name, *split(words))
        else:
            name, *words = rest.split()
            self.objects += OBJECTS[word](*name.split("/"), *split(words))

    def ask(self, *arguments):
        manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": self.objects})
        return run("paths", *arguments, *self.options, "--no-defaults", "-o", "json", "-f", "-", stdin=manifests)


def cases(name):
    about, found = None, []
    for number, line in enumerate(open(os.path.join(CASES, name), encoding="utf-8"), 1):
        line = line.rstrip()
        if line.startswith("== "):
            about = line[3:]
        elif line.startswith("    "):
            found[-1].add(line.strip())
        elif line:
            found.append(Case(about, line, number))
    return found


def check_edges(name):
    problems, attacks = [], {}
    for case in cases(name):
        r = case.ask("edges", "--attack", case.about)
        assert r.status in (0, 3), (case.about, case.name, r)
        have = sorted(f"{e['from']} -> {e['to']}" for e in r.json["edges"])
        want = sorted(rest for word, rest in case.expected if word == "yes")
        assert case.expected, (name, case.number)
        attacks.setdefault(case.about, set()).add(bool(want))
        if sorted(set(have)) != want:
            problems.append(f"{name}:{case.number}: {case.about}: {case.name}\n  want {want}\n  have {have}")
    assert not problems, "\n".join(problems)
    return attacks


def test_edges_are_there_when_they_can_be_taken_and_only_then():
    seen = check_edges("edges.txt")
    known = {a["id"] for a in run("paths", "attacks", "-o", "json").json["attacks"] if a["steps"]}
    assert set(seen) == known, (known - set(seen), set(seen) - known)
    # What is always so has no other case.
    always = {"NODE_RUNS", "NODE_IDENTITY", "KUBELET_SECRETS", "KUBELET_TOKENS", "IMAGE_POISON", "ANONYMOUS", "MASTERS",
              "CREATE_WITH_ACCOUNT", "CREATE_WITH_SECRET"}
    assert {a for a, kinds in seen.items() if kinds != {True, False}} == always


def test_attacks_of_a_published_test_cluster():
    check_edges("published.txt")


# --- paths ---

TARGETS = {"cluster-admin": "cluster-admin", "all secrets": "secrets", "nodes": "nodes"}


def test_paths():
    problems = []
    for case in cases("paths.txt"):
        start, target = case.about.split(" to ")
        r = case.ask("to", TARGETS[target], "--limit", "0")
        answer = [f for t in r.json["targets"] for f in t["from"] if f["start"]["title"] == start]
        expected = dict(case.expected)
        if "none" in expected:
            ok = not answer
        else:
            path = [e["attack"] for e in answer[0]["paths"][0]] if answer else []
            ok = path == expected["path"].split() and answer[0]["steps"] == int(expected["steps"])
        if not ok:
            problems.append(f"paths.txt:{case.number}: {case.name}: {expected}: {[[e['attack'] for e in a['paths'][0]] for a in answer]}")
    assert not problems, "\n".join(problems)


# --- what does not depend on anything ---

def many(seed, count=60):
    """Objects of a little of everything."""
    r = random.Random(seed)
    case = Case("", "", 0)
    for i in range(count):
        namespace = r.choice(["a", "b", "c"])
        case.add(r.choice([
            f"pod {namespace}/p{i} sa=s{r.randrange(8)} node=n{r.randrange(4)} label=app=x{r.randrange(5)} " + r.choice(
                ["", "privileged", "hostPID caps=SYS_PTRACE", "mount=/etc", "env=db", "mount=/var/lib/kubelet:ro", "notoken"]),
            f"deployment {namespace}/d{i} sa=s{r.randrange(8)} {r.choice(['', 'privileged', 'mount=/run'])}",
            f"service {namespace}/v{i} {r.choice(['NodePort', 'ClusterIP', 'LoadBalancer'])} select=app=x{r.randrange(5)}",
            f"secret {namespace}/t{i} token-of=s{r.randrange(8)}",
            f"grant sa:{namespace}/s{r.randrange(8)} {r.choice(['everywhere', 'a', 'b', 'c'])}: " + r.choice(
                ["list secrets", "create pods", "create pods/exec", "create serviceaccounts/token", "impersonate users,groups", "* *.*",
                 f"bind clusterroles.{RBAC}; create clusterrolebindings.{RBAC},rolebindings.{RBAC}", "patch namespaces; create pods", "get nodes/proxy"]),
        ]))
    for namespace in "abc":
        case.add(f"namespace {namespace} {r.choice(['', 'baseline', 'restricted'])}")
    return case


def test_the_order_of_the_input_does_not_matter():
    for seed in range(3):
        case = many(seed)
        answers = set()
        for order in range(3):
            random.Random(order).shuffle(case.objects)
            for arguments in (["to", "--all"], ["cut"], ["blast"]):
                r = case.ask(*arguments)
                # Lines are those of the input, which is in another order.
                answers.add((arguments[0], re.sub(r',"line":\d+(,"column":\d+)?', "", re.sub(r"in line \d+", "", r.text))))
        assert len(answers) == 3, (seed, len(answers))


def test_a_cut_leaves_nothing_and_needs_all_of_it():
    """The changes are made in the manifests by hand of the test: nobody gets there any more, and with one less somebody does."""
    case = Case("", "", 0)
    for line in ("namespace shop restricted", "pod shop/web sa=web", "pod shop/ops sa=ops", "grant sa:shop/web shop: create serviceaccounts/token",
                 "grant sa:shop/ops everywhere: * *.*", "grant group:system:serviceaccounts:shop kube-system: create secrets; list secrets"):
        case.add(line)
    cut = case.ask("cut", "cluster-admin")
    assert cut.json["best"] and cut.json["remaining"] == 0, cut
    # Either of two changes that cost the same.
    names = {c["change"] for c in cut.json["changes"]}
    assert names in ({"remove ClusterRoleBinding b2"}, {"ClusterRole r2: narrow the rule in line 1"}), names
    case.objects = [o for o in case.objects if not (o["kind"] == "ClusterRoleBinding" and o["metadata"]["name"] == "b2")]
    assert case.ask("to", "cluster-admin").json["targets"][0]["reaching"] == 0


def test_all_shortest_paths_are_as_many_as_are_counted():
    r = many(7).ask("to", "--all")
    counted = 0
    for target in r.json["targets"]:
        for start in target["from"]:
            paths = [tuple((e["attack"], e["from"], e["to"], tuple(e.get("changes", []))) for e in p) for p in start["paths"]]
            assert len(paths) == len(set(paths)) == start["shortestPaths"], start
            assert all(sum(e["steps"] for e in p) == start["steps"] for p in start["paths"])
            counted += len(paths)
    assert counted > 50, counted


def test_pods_of_a_template_that_runs_count_once():
    case = Case("", "", 0)
    case.add("deployment shop/web privileged")
    case.add("replicaset shop/web-1 owner=Deployment/web privileged")
    for i in range(3):
        case.add(f"pod shop/web-1-{i} owner=ReplicaSet/web-1 privileged")
    r = run("paths", "to", "nodes", "--start", "containers", "--no-defaults", "-f", "-",
            stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": case.objects}))
    assert "nodes: 3 of 3 starts get there" in r.text and "and 2 more pods of Deployment web" in r.text, r


def test_a_snapshot_gives_the_same_answer():
    case = many(5)
    with Folder({"all.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": case.objects})}) as folder:
        path = os.path.join(folder, "c.snapshot")
        lines = [json.dumps({"redoubt": "snapshot", "version": 1, "server": "https://x"})]
        lines += [json.dumps({"path": f"cluster:{i}", "object": o}) for i, o in enumerate(case.objects)]
        import hashlib
        text = "".join(line + "\n" for line in lines)
        text += json.dumps({"end": {"objects": len(case.objects), "sha256": hashlib.sha256(text.encode()).hexdigest()}}) + "\n"
        try:
            packed = subprocess.run(["zstd", "-q", "-c"], input=text.encode(), capture_output=True, check=True).stdout
        except FileNotFoundError:
            raise Skip("there is no zstd") from None
        with open(path, "wb") as file:
            file.write(packed)
        one = run("paths", "to", "-o", "json", "--from", path).json
        other = run("paths", "to", "-o", "json", "-f", os.path.join(folder, "all.json")).json
        assert [(t["target"], t["reaching"], [s["steps"] for s in t["from"]]) for t in one["targets"]] == [
            (t["target"], t["reaching"], [s["steps"] for s in t["from"]]) for t in other["targets"]]


# --- what is missing, wrong or hostile ---

def ask_text(text, *arguments):
    return run("paths", *arguments, "-f", "-", stdin=text)


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {containers: [{name: c, image: i}]}\n"
BINDING = (f"---\napiVersion: {RBAC}/v1\nkind: ClusterRoleBinding\nmetadata: {{name: b}}\nroleRef: {{apiGroup: {RBAC}, kind: ClusterRole, "
           "name: %s}\nsubjects: [{kind: User, apiGroup: " + RBAC + ", name: jane}]\n")


def test_half_an_inventory_is_told():
    for text, word in ((POD, "no roles and bindings"), (BINDING[4:] % "view", "no pods"), (POD + BINDING % "gone", "names a role that is not in the input"),
                       (POD + BINDING % "view" + "---\n: : :\n", "")):
        r = ask_text(text, "to")
        assert r.status == 3 and word in r.err and r.err.startswith("redoubt: "), (word, r)
    r = ask_text(POD + BINDING % "view", "to")
    assert r.status == 0 and not r.err, r
    assert "not in the input" in r.text and "no Nodes" in r.text, r
    assert ask_text(POD + BINDING % "gone", "to", "-o", "json").json["complete"] is False


def test_unknown_things_are_told_with_the_nearest():
    for arguments, word in ((["to", "pod/shop/wbe"], "did you mean"), (["blast", "sa/shop/nobody"], "there is no"), (["to", "--start", "pod/x/y"], "there is no"),
                            (["edges", "--attack", "NOTHING"], "there is no attack"), (["attacks", "NOTHING"], "there is no attack"),
                            (["to", "secrets/nowhere"], "no namespace"), (["to", "--kube-version", "two"], "takes a version")):
        r = ask_text(POD + BINDING % "view", *arguments) if arguments[0] != "attacks" else run("paths", *arguments)
        assert r.status == 2 and word in r.err, (arguments, r)


def test_hostile_names_do_no_harm():
    evil = "\x1b[2J</text><script>alert(1)</script>\u202e\"'&|$(reboot)\n=x"
    objects = [obj("Pod", evil, namespace=evil, spec={"nodeName": evil, "serviceAccountName": evil, "containers": [
        {"name": evil, "image": evil, "securityContext": {"privileged": True}}], "volumes": [{"name": "v", "hostPath": {"path": evil}}]})]
    objects += make_grant(1, "user:jane everywhere: * *.*")
    objects[-1]["subjects"] = [{"kind": "ServiceAccount", "name": evil, "namespace": evil}, {"kind": "User", "apiGroup": RBAC, "name": evil}]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    for form in ("text", "json", "dot", "svg", "html"):
        r = ask_text(text, "to", "-o", form, *(["--explain"] if form in ("text", "json") else []))
        assert r.status == 1, (form, r)
        assert b"\x1b" not in r.out and (form in ("text", "json", "dot") or b"<script>" not in r.out), (form, r)
        if form in ("svg", "html"):
            import xml.dom.minidom
            if form == "svg":
                xml.dom.minidom.parseString(r.out)
    checks = [c for t in ask_text(text, "to", "-o", "json", "--explain").json["targets"] for s in t["from"] for p in s["paths"] for e in p for c in e["check"]]
    assert checks and not any("reboot" in c for c in checks), checks


def test_pictures_have_every_start_and_no_script():
    case = many(11)
    svg, html, dot = case.objects, None, None
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": case.objects})
    svg, html, dot = (ask_text(text, "to", "-o", form).text for form in ("svg", "html", "dot"))
    import xml.dom.minidom
    xml.dom.minidom.parseString(svg)
    assert "<script" not in html and "http" not in html.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", ""), html
    reaching = {s["start"]["workload"] for t in ask_text(text, "to", "-o", "json").json["targets"] for s in t["from"] if "workload" in s["start"]}
    assert reaching and all(workload in svg and workload in html for workload in reaching), reaching
    assert dot.startswith("digraph") and dot.count("{") == dot.count("}"), dot


def test_cycles_and_crowds_end():
    case = Case("", "", 0)
    case.add("pod shop/web sa=s0")
    for i in range(300):
        case.add(f"grant sa:shop/s{i} shop: create serviceaccounts/token names=s{(i + 1) % 300},s{(i + 150) % 300}")
    r = case.ask("to", "sa/shop/s299")
    assert r.json["targets"][0]["from"][0]["steps"] == 151, r.json["targets"][0]["from"][0]["steps"]
    assert case.ask("cut", "sa/shop/s299").json["changes"], r


def test_rules_see_the_graph():
    case = Case("", "", 0)
    for line in ("namespace shop restricted", "pod shop/web sa=web label=app=web", "service shop/web LoadBalancer select=app=web", "node n1",
                 "pod bank/db", "pod shop/agent privileged", "grant sa:shop/web everywhere: list secrets"):
        case.add(line)
    r = scan(json.dumps({"apiVersion": "v1", "kind": "List", "items": case.objects}), "-o", "json")
    found = {(f["rule"], f["resource"]["name"]) for f in r.json["findings"]}
    assert ("segregation/exposed-to-all-secrets", "web") in found, found
    assert ("segregation/escape-next-to-others", "agent") in found, found
    assert not any(rule == "segregation/exposed-to-node" for rule, _ in found), found


def test_namespaces_get_a_quota_and_limits():
    manifest = ("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
                "spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}\n")
    rules = ["segregation/namespace-without-quota", "segregation/namespace-without-limits"]
    with Folder({"shop.yaml": manifest}) as folder:
        r = run("fix", "--unsafe", *[w for rule in rules for w in ("--rule", rule)], "--write", folder)
        assert r.status in (0, 1), r
        text = open(os.path.join(folder, "shop.yaml"), encoding="utf-8").read()
        assert text.startswith(manifest) and "kind: ResourceQuota" in text and "kind: LimitRange" in text, text
        after = run("scan", "-o", "json", *[w for rule in rules for w in ("--rule", rule)], folder)
        assert after.status == 0 and after.json["findings"] == [], after


def test_what_a_workload_makes_is_not_another_workload():
    """A dump of a cluster has the ReplicaSet of each Deployment beside it, with the same template."""
    template = {"spec": {"containers": [{"name": "c", "image": "registry.example.com/c:1"}]}}
    made = {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "1", "controller": True}]}
    objects = [obj("Namespace", "shop"), obj("Deployment", "web", "apps/v1", "shop", metadata={"uid": "1"}, spec={"template": template}),
               obj("ReplicaSet", "web-1", "apps/v1", "shop", metadata=made, spec={"template": template})]
    with Folder({"all.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})}) as folder:
        r = run("scan", "-o", "json", "--rule", "segregation/namespace-without-limits", os.path.join(folder, "all.json"))
    assert [f["message"] for f in r.json["findings"]] == ['namespace "shop" has no LimitRange, and Deployment "shop/web" has containers without a memory limit'], r


def test_metadata_of_secrets_says_what_holds_a_token():
    """As a cluster is read: of Secrets nothing but the metadata. With a token that leads to cluster-admin whoever reads it gets there."""
    whole = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
             "metadata": {"name": "token", "namespace": "shop", "annotations": {"kubernetes.io/service-account.name": "boss", "kubernetes.io/service-account.uid": "u"}}}
    partial = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "of": {"apiVersion": "v1", "kind": "Secret"}, "metadata": whole["metadata"]}
    plain = {**partial, "metadata": {**whole["metadata"], "annotations": {"kubernetes.io/service-account.name": "boss"}}}
    rbac = {"apiGroup": "rbac.authorization.k8s.io"}
    around = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "shop"}} for name in ("boss", "reader")] + [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": {"serviceAccountName": "reader", "containers": [{"name": "c", "image": "registry.example.com/c:1"}]}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r", "namespace": "shop"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["token"], "verbs": ["get"]}]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "r", "namespace": "shop"}, "roleRef": {**rbac, "kind": "Role", "name": "r"},
         "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "shop"}]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "b"}, "roleRef": {**rbac, "kind": "ClusterRole", "name": "cluster-admin"},
         "subjects": [{"kind": "ServiceAccount", "name": "boss", "namespace": "shop"}]}]
    statuses = []
    for secret in (whole, partial, plain):
        with Folder({"all.json": "\n".join(json.dumps(obj) for obj in [*around, secret])}) as folder:
            r = run("paths", "to", "cluster-admin", "-f", "all.json", "-o", "text", cwd=folder)
            statuses.append(r.status)
            assert "no Secrets in the input" not in r.text + r.err, r
    assert statuses == [1, 1, 0], statuses


main()
