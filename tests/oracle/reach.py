#!/usr/bin/env python3
"""net and paths over a real API server: what they say of the cluster, of a snapshot of it, and of a dump of its objects is the
same; what they say of the manifests that were applied is the same for all that controllers do not make. The addresses that
the real EndpointSlices name are the pods that net says a Service leads to. --seed=N, --policies=N (60)."""
import random

from controlplane import *

SEED = int(argument("seed", 1))
POLICIES = int(argument("policies", 60))
SPACES = ["shop", "back", "data", "edge", "ops"]
APPS = ["web", "api", "db", "cache"]
RBAC = "rbac.authorization.k8s.io"
PORTS = [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090, "protocol": "TCP"}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]
# Kinds that hold no state of which either verb speaks; they change all the while.
UNREAD = {"Event", "Lease", "ControllerRevision", "ComponentStatus"}


def meta(name, namespace=None, labels=None):
    return {"name": name, **({"namespace": namespace} if namespace else {}), **({"labels": labels} if labels else {})}


class Seeder:
    """Objects drawn with one seed."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def spec(self, **more):
        rng = self.rng
        container = {"name": "main", "image": "registry.example.com/app:1", "ports": rng.sample(PORTS, rng.randrange(1, 4))}
        if rng.random() < 0.15:
            container["securityContext"] = {"privileged": True}
        spec = {"containers": [container], "serviceAccountName": rng.choice(["default", "robot"]), **more}
        if rng.random() < 0.1:
            spec["hostNetwork"] = True
            # Of the host network ports are those of the node.
            container["ports"] = [{**port, "hostPort": port["containerPort"]} for port in container["ports"]]
        if rng.random() < 0.1:
            spec["volumes"] = [{"name": "host", "hostPath": {"path": rng.choice(["/", "/var/run", "/etc/kubernetes"])}}]
            container["volumeMounts"] = [{"name": "host", "mountPath": "/host"}]
        return spec

    def workloads(self, space):
        for app in APPS:
            labels = {"app": app, "tier": self.rng.choice(["front", "rear"])}
            kind = self.rng.choice(["Deployment", "StatefulSet", "DaemonSet", "Pod", "Deployment"])
            if kind == "Pod":
                yield {"apiVersion": "v1", "kind": "Pod", "metadata": meta(app, space, labels), "spec": self.spec(nodeName=f"node-{self.rng.randrange(2)}")}
                continue
            spec = {"selector": {"matchLabels": {"app": app}}, "template": {"metadata": {"labels": labels}, "spec": self.spec()}}
            if kind != "DaemonSet":
                spec["replicas"] = self.rng.randrange(1, 3)
            if kind == "StatefulSet":
                spec["serviceName"] = app
            yield {"apiVersion": "apps/v1", "kind": kind, "metadata": meta(app, space), "spec": spec}

    def services(self, space):
        for app in APPS:
            ports = [{"name": "a", "port": 80, "targetPort": self.rng.choice(["http", "metrics", 8080])}]
            if self.rng.random() < 0.4:
                ports.append({"name": "b", "port": 53, "protocol": "UDP", "targetPort": "dns"})
            yield {"apiVersion": "v1", "kind": "Service", "metadata": meta(app, space), "spec": {"selector": {"app": app}, "ports": ports, "type": self.rng.choice(["ClusterIP", "NodePort", "LoadBalancer"])}}

    def peer(self):
        rng = self.rng
        pods = rng.choice([{}, {"matchLabels": {"app": rng.choice(APPS)}}, {"matchExpressions": [{"key": "tier", "operator": rng.choice(["Exists", "DoesNotExist"])}]},
                           {"matchExpressions": [{"key": "app", "operator": rng.choice(["In", "NotIn"]), "values": rng.sample(APPS, 2)}]}])
        spaces = rng.choice([{}, {"matchLabels": {"team": rng.choice("ab")}}, {"matchLabels": {"kubernetes.io/metadata.name": rng.choice(SPACES)}}])
        block = rng.choice([{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}, {"cidr": "10.244.0.0/16"}, {"cidr": "203.0.113.0/24"}, {"cidr": "2001:db8::/32"}])
        return rng.choice([{"podSelector": pods}, {"namespaceSelector": spaces}, {"namespaceSelector": spaces, "podSelector": pods}, {"ipBlock": block}])

    def ports(self):
        return self.rng.choice([None, [{"port": 8080}], [{"port": "http"}], [{"port": 8000, "endPort": 9999}], [{"protocol": "UDP", "port": 53}, {"port": 443}], [{"protocol": "SCTP"}]])

    def rule(self, side):
        rule, ports = {}, self.ports()
        if ports:
            rule["ports"] = ports
        if self.rng.random() < 0.8:
            rule[side] = [self.peer() for _ in range(self.rng.randrange(1, 3))]
        return rule

    def policy(self, number):
        rng = self.rng
        spec = {"podSelector": rng.choice([{}, {"matchLabels": {"app": rng.choice(APPS)}}, {"matchLabels": {"tier": "front"}}])}
        if rng.random() < 0.7:
            spec["ingress"] = [self.rule("from") for _ in range(rng.randrange(3))]
        if rng.random() < 0.5:
            spec["egress"] = [self.rule("to") for _ in range(rng.randrange(3))]
        if rng.random() < 0.6:
            spec["policyTypes"] = rng.choice([["Ingress"], ["Egress"], ["Ingress", "Egress"]])
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta(f"policy-{number}", rng.choice(SPACES[:4])), "spec": spec}

    def rights(self, space):
        rng = self.rng
        rules = [{"apiGroups": [""], "resources": rng.sample(["pods", "secrets", "pods/exec", "serviceaccounts/token"], 2), "verbs": rng.sample(["get", "list", "create"], 2)}]
        kind = rng.choice(["Role", "ClusterRole"])
        scope = None if kind == "ClusterRole" else space
        yield {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta(f"robot-{space}", scope), "rules": rules}
        bound = "ClusterRoleBinding" if kind == "ClusterRole" and rng.random() < 0.4 else "RoleBinding"
        yield {"apiVersion": f"{RBAC}/v1", "kind": bound, "metadata": meta(f"robot-{space}", space if bound == "RoleBinding" else None), "roleRef": {"apiGroup": RBAC, "kind": kind, "name": f"robot-{space}"},
               "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": space}]}

    def objects(self):
        for number in range(2):
            yield {"apiVersion": "v1", "kind": "Node", "metadata": meta(f"node-{number}"), "spec": {"podCIDR": f"10.244.{number}.0/24", "podCIDRs": [f"10.244.{number}.0/24"]}}
        for space in SPACES:
            yield {"apiVersion": "v1", "kind": "Namespace", "metadata": meta(space, None, {"team": self.rng.choice("ab")})}
        for space in SPACES:
            for name in ("default", "robot"):
                yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(name, space)}
            yield {"apiVersion": "v1", "kind": "Secret", "metadata": meta("key", space), "data": {"key": "bWFya2VyLWluLWEtc2VjcmV0"}}
            # The controller fills it with a token; of a cluster only its metadata is read.
            yield {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
                   "metadata": {**meta("token", space), "annotations": {"kubernetes.io/service-account.name": "robot"}}}
            yield from self.workloads(space)
            yield from self.services(space)
            yield from self.rights(space)
        yield from (self.policy(number) for number in range(POLICIES))


def kubeconfig(server):
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                       "clusters": [{"name": "k", "cluster": {"server": f"https://127.0.0.1:{server.port}", "certificate-authority": os.path.join(server.folder, "pki", "ca.crt")}}],
                       "users": [{"name": "u", "user": {"client-certificate": os.path.join(server.folder, "pki", "admin.crt"), "client-key": os.path.join(server.folder, "pki", "admin.key")}}]})


def everything(server):
    """All objects, as the server has them. Each kind once: in the version that discovery names first."""
    seen = set()
    for (version, kind), (plural, _) in server.kinds.items():
        group = version.rpartition("/")[0]
        if kind in UNREAD or (group, kind) in seen:
            continue
        reply = server.request("GET", f"{prefix(version)}/{plural}")
        if reply.ok and "items" in reply.body:
            seen.add((group, kind))
            yield from ({"apiVersion": version, "kind": kind, **item} for item in reply.body["items"])


def as_list(objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def node_for(pod, number):
    """Where a scheduler puts POD; those of a DaemonSet say it themselves."""
    terms = pod["spec"].get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [])
    return terms[0]["matchFields"][0]["values"][0] if terms else f"node-{number % 2}"


def running(server, pod, number):
    """Makes POD one that a kubelet has started: with an address, and ready."""
    node = pod["spec"].get("nodeName")
    if not node:
        node = node_for(pod, number)
        bind = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]}, "target": {"kind": "Node", "name": node}}
        reply = server.request("POST", server.path({**pod, "apiVersion": "v1", "kind": "Pod"}) + "/binding", bind)
        assert reply.ok or reply.status == 409, reply.message
    index = int(node[-1])
    address = f"192.0.2.{10 + index}" if pod["spec"].get("hostNetwork") else f"10.244.{index}.{number + 5}"
    # What is pending has no address, what has succeeded is not there: both must be told apart.
    phase = "Running" if number % 9 else "Pending"
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": "True" if phase == "Running" else "False"}]}
    if phase == "Running":
        status.update(podIP=address, podIPs=[{"ip": address}], hostIP=f"192.0.2.{10 + index}")
    reply = server.request("PATCH", server.path({**pod, "apiVersion": "v1", "kind": "Pod"}) + "/status", {"status": status}, content="application/strategic-merge-patch+json")
    assert reply.ok, reply.message


def pods_of(server):
    return server.request("GET", "/api/v1/pods").body["items"]


def wanted(objects):
    """How many pods controllers and manifests make."""
    return sum({"Pod": 1, "DaemonSet": 2}.get(o["kind"], o.get("spec", {}).get("replicas", 1)) for o in objects if o["kind"] in ("Pod", "Deployment", "StatefulSet", "DaemonSet"))


def seed_cluster(server, objects):
    for obj in objects:
        if obj["kind"] in ("Node", "Namespace"):
            server.put(obj)
        if obj["kind"] == "Node":
            address = f"192.0.2.{10 + int(obj['metadata']['name'][-1])}"
            status = {"status": {"addresses": [{"type": "InternalIP", "address": address}], "conditions": [{"type": "Ready", "status": "True"}]}}
            assert server.request("PATCH", server.path(obj) + "/status", status, content="application/strategic-merge-patch+json").ok
            # New nodes are tainted as not ready until a controller sees that they are.
            assert server.request("PATCH", server.path(obj), {"spec": {"taints": None}}, content="application/merge-patch+json").ok
    server.each(server.put, [o for o in objects if o["kind"] not in ("Node", "Namespace")])
    done, end = set(), time.monotonic() + PATIENCE
    # A StatefulSet makes its second pod when the first is ready, so that this goes in rounds.
    while time.monotonic() < end:
        for pod in pods_of(server):
            if pod["metadata"]["uid"] not in done:
                running(server, pod, len(done))
                done.add(pod["metadata"]["uid"])
        if len(done) >= wanted(objects) - stuck(server):
            break
        time.sleep(0.2)
    assert len(done) >= wanted(objects) - stuck(server), (len(done), wanted(objects), sorted((p["metadata"]["namespace"], p["metadata"]["name"]) for p in pods_of(server)))
    settled(server)


def stuck(server):
    """Pods that a StatefulSet does not make because one before them is pending."""
    sets = server.request("GET", "/apis/apps/v1/statefulsets").body["items"]
    return sum(s["spec"]["replicas"] - s["status"].get("replicas", 0) for s in sets if s["status"].get("readyReplicas", 0) < s["status"].get("replicas", 0))


def settled(server):
    """Until the controllers have written the same twice."""
    last = []

    def same():
        now = sorted((o["kind"], o["metadata"]["uid"], o["metadata"]["resourceVersion"]) for o in everything(server))
        last.append(now)
        time.sleep(1)
        return len(last) > 1 and last[-1] == last[-2]

    server.wait(same, "a cluster in which nothing changes")


def json_of(*arguments):
    result = run(*arguments, "-o", "json", timeout=300)
    assert result.status in (0, 1), (arguments, result)
    return result.json


PLACES = {"file", "line", "column", "location", "path", "input"}


def without_places(value):
    """VALUE without where it was read, which is what must differ."""
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items() if key not in PLACES}
    return [without_places(item) for item in value] if isinstance(value, list) else value


QUESTIONS = [("net", "list"), ("net", "list", "--nodes"), ("net", "exposure"), ("net", "isolated"), ("paths", "to"), ("paths", "cut")]


def answers(source, pairs):
    made = {question: without_places(json_of(*question, *source)) for question in QUESTIONS}
    for pair in pairs:
        made[pair] = without_places(json_of("net", "why", *pair, *source))
    return made


def explain(ours, theirs):
    left, right = (json.dumps(x, indent=1, sort_keys=True).splitlines() for x in (ours, theirs))
    return "\n".join(line for line in __import__("difflib").unified_diff(left, right, lineterm="", n=2))[:3000]


def check_sources(server, objects, folder):
    config, snapshot, dump = (os.path.join(folder, name) for name in ("config", "cluster.snapshot", "dump.json"))
    pathlib.Path(config).write_text(kubeconfig(server), encoding="utf-8")
    pathlib.Path(dump).write_text(as_list(everything(server)), encoding="utf-8")
    saved = run("snapshot", "save", snapshot, "--kubeconfig", config)
    assert saved.status == 0 and b"bWFya2Vy" not in pathlib.Path(snapshot).read_bytes(), saved
    rng = random.Random(SEED + 1)
    pairs = [(f"{rng.choice(SPACES)}/{rng.choice(APPS)}", rng.choice([f"{rng.choice(SPACES)}/{rng.choice(APPS)}", "203.0.113.7", "node/node-1"]), rng.choice(["8080", "9090", "UDP/53"])) for _ in range(20)]
    live = answers(("--cluster", "--kubeconfig", config), pairs)
    for name, source in (("snapshot", ("--from", snapshot)), ("dump", ("-f", dump))):
        other = answers(source, pairs)
        for question, answer in live.items():
            assert answer == other[question], f"{name}: {question}\n{explain(answer, other[question])}"
    assert len(live[("net", "list")]) > 50, "a matrix that says something"
    return live


def edges_of(matrix):
    """(source, destination, ports) of workloads of the namespaces of this suite, without those that only a cluster can tell."""
    def workload(peer):
        return (peer["namespace"], peer["name"]) if peer.get("namespace") in SPACES else None

    return {(workload(e["src"]), workload(e["dst"]), json.dumps(e["ports"])) for e in matrix if workload(e["src"]) and workload(e["dst"])}


def check_manifests(live, objects, folder):
    """What was applied, as it was: between workloads all of whose pods run the matrix is that of the cluster."""
    path = os.path.join(folder, "manifests.json")
    pathlib.Path(path).write_text(as_list(objects), encoding="utf-8")
    applied, running_ = edges_of(json_of("net", "list", "-f", path, "--pod-cidr", "10.244.0.0/16")), edges_of(live[("net", "list")])
    # Pods of one workload that differ (one has no address yet) are told one by one. Where pods of the host network run, and so
    # what address they have, only the cluster knows.
    pods = ((o, o["spec"] if o["kind"] == "Pod" else o["spec"]["template"]["spec"]) for o in objects if o["kind"] in ("Pod", "Deployment", "StatefulSet", "DaemonSet"))
    known = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o, spec in pods if not spec.get("hostNetwork")}
    whole = known & {end for edge in running_ for end in edge[:2]}
    mine, theirs = ({e for e in edges if e[0] in whole and e[1] in whole and e[0] != e[1]} for edges in (applied, running_))
    assert mine == theirs, f"only of manifests: {sorted(mine - theirs)[:5]}\nonly of the cluster: {sorted(theirs - mine)[:5]}"
    assert len(mine) > 20, len(mine)


def asked(source, destination, port, dump):
    result = run("net", "why", source, destination, port, "-f", dump)
    assert result.status in (0, 1), (source, destination, port, result)
    return result.status == 0, result.text


def check_service(service, port, slices, pods, dump, sources):
    """What EndpointSlices name is what is behind PORT of SERVICE: the number of the port, and pods that are reached or not."""
    space, name = service["metadata"]["namespace"], service["metadata"]["name"]
    protocol = port.get("protocol", "TCP")
    # The controller makes a slice for each set of ports that the names stand for.
    targets = sorted((e["targetRef"]["name"], e["addresses"][0], p["port"]) for s in slices for p in s["ports"] or [] for e in s["endpoints"]
                     if p["name"] == port["name"] and e["conditions"].get("ready"))
    selected = [pod for pod in pods if pod["metadata"]["namespace"] == space and service["spec"]["selector"].items() <= pod["metadata"].get("labels", {}).items()]
    if not targets or len(selected) != len(targets):
        return 0
    for source in sources:
        yes, text = asked(source, f"{space}/service/{name}", f"{protocol}/{port['port']}", dump)
        assert f"{protocol} {targets[0][2]} of the pod" in text, (targets, text)
        each = [asked(source, address, f"{protocol}/{number}", dump)[0] for _, address, number in targets]
        assert yes == all(each) and ("some pods of the Service" in text) == (any(each) and not all(each)), (source, targets, each, text)
    return 1


def check_services(server, folder):
    dump, count = os.path.join(folder, "dump.json"), 0
    slices, pods = {}, pods_of(server)
    for item in server.request("GET", "/apis/discovery.k8s.io/v1/endpointslices").body["items"]:
        slices.setdefault((item["metadata"]["namespace"], item["metadata"].get("labels", {}).get("kubernetes.io/service-name")), []).append(item)
    sources = [f"{space}/{app}" for space in SPACES[:2] for app in APPS[:2]] + ["203.0.113.7"]
    for service in server.request("GET", "/api/v1/services").body["items"]:
        for port in service["spec"]["ports"] if service["spec"].get("selector") else []:
            key = service["metadata"]["namespace"], service["metadata"]["name"]
            count += check_service(service, port, slices.get(key, []), pods, dump, sources)
    assert count >= 8, count


def test_the_cluster_a_snapshot_and_a_dump_say_the_same():
    objects = list(Seeder(SEED).objects())
    # Nobody here says that the nodes are alive.
    controllers = "--controllers=*,-node-lifecycle-controller,-taint-eviction-controller,-pod-garbage-collector-controller"
    with cluster(CONTROLLER_FLAGS=controllers) as server, Folder() as folder:
        seed_cluster(server, objects)
        live = check_sources(server, objects, folder)
        check_manifests(live, objects, folder)
        check_services(server, folder)


main()
