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


main()
