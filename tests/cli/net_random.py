#!/usr/bin/env python3
"""`redoubt net` against a plain reading of the API documentation, on generated clusters, policies and questions.

The reference below is written from the documentation of NetworkPolicy, AdminNetworkPolicy and ClusterNetworkPolicy alone: rule
by rule, pod by pod, port by port, with Python's own reading of addresses. REDOUBT_NET_QUESTIONS=N asks N questions (20,000 in an
ordinary run, 1,000,000 before a release); REDOUBT_NET_SEED=N asks others.
"""
import ipaddress
import random

from lib import *

QUESTIONS = int(os.environ.get("REDOUBT_NET_QUESTIONS", "20000"))
SEED = int(os.environ.get("REDOUBT_NET_SEED", "1"))
PER_SET, SETS_PER_RUN = 100, 50

KEYS, VALUES = ["app", "tier", "x"], ["a", "b", "c"]
NAMES = ["http", "dns", "admin"]
PORTS = [53, 80, 81, 443, 8080, 65535]
PROTOCOLS = ["TCP", "UDP", "SCTP"]
OUTSIDE = ["8.8.8.8", "10.0.0.77", "10.0.1.1", "192.168.5.5", "1.0.0.0", "255.255.255.255", "0.0.0.0", "2001:db8::1", "fd00::9", "::"]
CIDRS = ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.0/28", "192.168.0.0/16", "8.8.8.8/32", "10.0.0.3/32", "128.0.0.0/1", "2001:db8::/32", "::/0", "fd00::/8",
         "10.0.0.17/24", "172.20.0.0/16", "172.20.0.1/32"]


# --- the reference ---

def selected(selector, labels):
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for e in selector.get("matchExpressions") or []:
        has, value = e["key"] in labels, labels.get(e["key"])
        if e["operator"] == "In" and not (has and value in e["values"]):
            return False
        if e["operator"] == "NotIn" and has and value in e["values"]:
            return False
        if e["operator"] == "Exists" and not has:
            return False
        if e["operator"] == "DoesNotExist" and has:
            return False
    return True


def in_block(address, cidr):
    network = ipaddress.ip_network(cidr, strict=False)
    return address.version == network.version and address in network


class Reference:
    def __init__(self, cluster):
        self.c = cluster

    def is_pod(self, end):
        return end["kind"] == "pod" and not end["host"]

    def blocks(self, end, cidr, excepts=()):
        return any(in_block(a, cidr) and not any(in_block(a, e) for e in excepts) for a in end["addresses"])

    def np_peer(self, policy, peer, other):
        if peer.get("ipBlock") is not None:
            return self.blocks(other, peer["ipBlock"]["cidr"], peer["ipBlock"].get("except") or [])
        if not self.is_pod(other):
            return False
        if peer.get("namespaceSelector") is not None:
            if not selected(peer["namespaceSelector"], self.c.namespaces[other["namespace"]]):
                return False
        elif other["namespace"] != policy["metadata"]["namespace"]:
            return False
        return peer.get("podSelector") is None or selected(peer["podSelector"], other["labels"])

    @staticmethod
    def named(destination, name, port, protocol, wanted=None):
        if destination["kind"] != "pod" or destination["host"] or (wanted and wanted != protocol):
            return False
        return any(p["name"] == name and p["port"] == port and p["protocol"] == protocol for p in destination["ports"])

    def np_port(self, item, destination, protocol, port):
        if isinstance(item.get("port"), str):
            return self.named(destination, item["port"], port, protocol, item.get("protocol", "TCP"))
        if item.get("protocol", "TCP") != protocol:
            return False
        if item.get("port") is None:
            return True
        return item["port"] <= port <= item.get("endPort", item["port"])

    def policies(self, own, other, destination, direction, protocol, port):
        """What NetworkPolicies say: None where none selects the pod."""
        isolated = False
        for policy in self.c.policies:
            spec = policy["spec"]
            types = spec.get("policyTypes") or (["Ingress"] + (["Egress"] if spec.get("egress") else []))
            if policy["metadata"]["namespace"] != own["namespace"] or direction not in types or not selected(spec["podSelector"], own["labels"]):
                continue
            isolated = True
            for rule in spec.get(direction.lower()) or []:
                peers, ports = rule.get("from" if direction == "Ingress" else "to"), rule.get("ports")
                if (not peers or any(self.np_peer(policy, p, other) for p in peers)) and \
                        (not ports or any(self.np_port(p, destination, protocol, port) for p in ports)):
                    return True
        return False if isolated else None

    def tier_peer(self, peer, other):
        if "namespaces" in peer:
            return self.is_pod(other) and selected(peer["namespaces"], self.c.namespaces[other["namespace"]])
        if "pods" in peer:
            return (self.is_pod(other) and selected(peer["pods"]["namespaceSelector"], self.c.namespaces[other["namespace"]])
                    and selected(peer["pods"]["podSelector"], other["labels"]))
        if "networks" in peer:
            return any(self.blocks(other, cidr) for cidr in peer["networks"])
        return other["host"] and selected(peer["nodes"], self.c.nodes[other["node"]])

    def tier_port(self, item, destination, protocol, port):
        """Both versions: v1alpha1's ports and v1alpha2's protocols."""
        name = item.get("namedPort") or item.get("destinationNamedPort")
        if name:
            return self.named(destination, name, port, protocol)
        if "portNumber" in item:
            return item["portNumber"]["protocol"] == protocol and item["portNumber"]["port"] == port
        if "portRange" in item:
            return item["portRange"]["protocol"] == protocol and item["portRange"]["start"] <= port <= item["portRange"]["end"]
        (key, value), = item.items()
        if key.upper() != protocol:
            return False
        where = value["destinationPort"]
        return where["number"] == port if "number" in where else where["range"]["start"] <= port <= where["range"]["end"]

    def tier(self, policies, own, other, destination, direction, protocol, port):
        """True, False, or None where nothing decides: no rule, or the first that matches passes."""
        for policy in policies:
            subject = policy["spec"]["subject"]
            labels = self.c.namespaces[own["namespace"]]
            if "namespaces" in subject:
                if not selected(subject["namespaces"], labels):
                    continue
            elif not (selected(subject["pods"]["namespaceSelector"], labels) and selected(subject["pods"]["podSelector"], own["labels"])):
                continue
            for rule in policy["spec"].get(direction.lower()) or []:
                ports = rule.get("ports") or rule.get("protocols")
                if any(self.tier_peer(p, other) for p in rule["from" if direction == "Ingress" else "to"]) and \
                        (not ports or any(self.tier_port(p, destination, protocol, port) for p in ports)):
                    return None if rule["action"] == "Pass" else rule["action"] in ("Allow", "Accept")
        return None

    def side(self, own, other, destination, direction, protocol, port):
        if not self.is_pod(own):
            return True
        for policies in (self.c.admin, None, self.c.baseline):
            if policies is None:
                answer = self.policies(own, other, destination, direction, protocol, port)
            else:
                answer = self.tier(policies, own, other, destination, direction, protocol, port)
            if answer is not None:
                return answer
        return True

    def answer(self, source, destination, protocol, port):
        egress = self.side(source, destination, destination, "Egress", protocol, port)
        ingress = self.side(destination, source, destination, "Ingress", protocol, port)
        return "".join(".X"[not ok] for ok in (egress, ingress, egress and ingress))


# --- generated clusters ---

class Cluster:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.namespaces = {f"n{i}": {**self.labels(), "kubernetes.io/metadata.name": f"n{i}"} for i in range(3)}
        self.nodes = {f"node-{i}": {"zone": "ab"[i]} for i in range(2)}
        self.node_address = {"node-0": "172.20.0.1", "node-1": "172.20.1.1"}
        self.pods = [self.pod(i) for i in range(8)]
        self.policies = [self.policy(i) for i in range(self.r.randrange(7))]
        new = self.r.random() < 0.5
        count = self.r.randrange(4) if self.r.random() < 0.6 else 0
        priorities = self.r.sample(range(0, 1001), count)
        tiers = [self.tier(i, new, "Admin", priority) for i, priority in enumerate(priorities)]
        self.admin = sorted(tiers, key=lambda p: p["spec"]["priority"])
        self.baseline = [self.tier(9, new, "Baseline", 7)] if self.r.random() < 0.4 else []

    def one(self, values):
        return self.r.choice(values)

    def labels(self):
        return {key: self.one(VALUES) for key in KEYS if self.r.random() < 0.6}

    def selector(self):
        kind = self.r.randrange(6)
        if kind == 0:
            return {}
        if kind < 3:
            return {"matchLabels": {self.one(KEYS): self.one(VALUES)}}
        operator = self.one(["In", "NotIn", "Exists", "DoesNotExist"])
        values = {"values": self.r.sample(VALUES, self.r.randrange(1, 3))} if operator in ("In", "NotIn") else {}
        found = {"matchExpressions": [{"key": self.one(KEYS), "operator": operator, **values}]}
        if kind == 5:
            found["matchLabels"] = {self.one(KEYS): self.one(VALUES)}
        return found

    def pod(self, number):
        host = number >= 6
        node = f"node-{number % 2}"
        address = self.node_address[node] if host else f"10.0.0.{number + 1}"
        addresses = [address] + ([f"fd00::{number + 1}"] if not host and self.r.random() < 0.3 else [])
        ports = [{"name": name, "port": self.one(PORTS), "protocol": self.one(PROTOCOLS)} for name in self.r.sample(NAMES, self.r.randrange(4))]
        return {"kind": "pod", "namespace": self.one(sorted(self.namespaces)), "name": f"p{number}", "labels": self.labels(), "host": host,
                "node": node if host else None, "addresses": [ipaddress.ip_address(a) for a in addresses], "ports": ports}

    def np_peer(self):
        kind = self.r.randrange(5)
        if kind == 0:
            cidr = self.one(CIDRS)
            network = ipaddress.ip_network(cidr, strict=False)
            smaller = [c for c in CIDRS if (n := ipaddress.ip_network(c, strict=False)).version == network.version and n != network and n.subnet_of(network)]
            return {"ipBlock": {"cidr": cidr, **({"except": self.r.sample(smaller, 1)} if smaller and self.r.random() < 0.5 else {})}}
        peer = {}
        if kind in (1, 3, 4):
            peer["podSelector"] = self.selector()
        if kind in (2, 3):
            peer["namespaceSelector"] = self.selector()
        return peer

    def np_port(self):
        kind = self.r.randrange(6)
        port = {"protocol": self.one(PROTOCOLS)} if self.r.random() < 0.6 else {}
        if kind < 3:
            port["port"] = self.one(PORTS)
        elif kind == 3:
            port["port"] = self.one(NAMES)
        elif kind == 4:
            start = self.one(PORTS)
            port |= {"port": start, "endPort": self.one([p for p in PORTS if p >= start])}
        return port

    def policy(self, number):
        spec = {"podSelector": self.selector()}
        if self.r.random() < 0.7:
            spec["policyTypes"] = self.one([["Ingress"], ["Egress"], ["Ingress", "Egress"]])
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            if self.r.random() < 0.7:
                rules = []
                for _ in range(self.r.randrange(4)):
                    rule = {}
                    if self.r.random() < 0.8:
                        rule[peers] = [self.np_peer() for _ in range(self.r.randrange(3))]
                    if self.r.random() < 0.6:
                        rule["ports"] = [self.np_port() for _ in range(self.r.randrange(3))]
                    rules.append(rule)
                spec[direction] = rules
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": f"np{number}", "namespace": self.one(sorted(self.namespaces))}, "spec": spec}

    def tier_peer(self, egress):
        kind = self.r.randrange(4 if egress else 2)
        if kind == 0:
            return {"namespaces": self.selector()}
        if kind == 1:
            return {"pods": {"namespaceSelector": self.selector(), "podSelector": self.selector()}}
        if kind == 2:
            return {"networks": self.r.sample(CIDRS, self.r.randrange(1, 3))}
        return {"nodes": self.one([{}, {"matchLabels": {"zone": "a"}}, {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}])}

    def tier_port(self, new):
        kind = self.r.randrange(4)
        if kind == 0:
            return {"destinationNamedPort" if new else "namedPort": self.one(NAMES)}
        protocol, start = self.one(PROTOCOLS), self.one(PORTS[:-1])
        if kind == 1:
            where = {"start": start, "end": self.one([p for p in PORTS if p > start])}
            return {protocol.lower(): {"destinationPort": {"range": where}}} if new else {"portRange": {"protocol": protocol, **where}}
        return {protocol.lower(): {"destinationPort": {"number": start}}} if new else {"portNumber": {"protocol": protocol, "port": start}}

    def tier(self, number, new, tier, priority):
        actions = ["Accept" if new else "Allow", "Deny"] + (["Pass"] if new or tier == "Admin" else [])
        spec = {"subject": self.one([{"namespaces": self.selector()}, {"pods": {"namespaceSelector": self.selector(), "podSelector": self.selector()}}])}
        if new:
            spec |= {"tier": tier, "priority": priority}
        elif tier == "Admin":
            spec["priority"] = priority
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            rules = []
            for _ in range(self.r.randrange(4)):
                rule = {"action": self.one(actions), peers: [self.tier_peer(direction == "egress") for _ in range(self.r.randrange(1, 3))]}
                if self.r.random() < 0.6:
                    rule["protocols" if new else "ports"] = [self.tier_port(new) for _ in range(self.r.randrange(1, 3))]
                rules.append(rule)
            if rules:
                spec[direction] = rules
        kind = "ClusterNetworkPolicy" if new else {"Admin": "AdminNetworkPolicy", "Baseline": "BaselineAdminNetworkPolicy"}[tier]
        return {"apiVersion": f"policy.networking.k8s.io/{'v1alpha2' if new else 'v1alpha1'}", "kind": kind,
                "metadata": {"name": f"t{number}" if new or tier == "Admin" else "default"}, "spec": spec}

    def objects(self):
        yield from ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n, "labels": {k: v for k, v in labels.items() if "/" not in k}}}
                    for n, labels in self.namespaces.items())
        yield from ({"apiVersion": "v1", "kind": "Node", "metadata": {"name": n, "labels": labels},
                     "status": {"addresses": [{"type": "InternalIP", "address": self.node_address[n]}]}} for n, labels in self.nodes.items())
        for pod in self.pods:
            status = {"podIP": str(pod["addresses"][0]), "podIPs": [{"ip": str(a)} for a in pod["addresses"]]}
            if pod["host"]:
                status |= {"hostIP": status["podIP"], "hostIPs": status["podIPs"]}
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod["name"], "namespace": pod["namespace"], "labels": pod["labels"]},
                   "spec": {"hostNetwork": pod["host"], **({"nodeName": pod["node"]} if pod["host"] else {}), "containers": [
                       {"name": "c", "image": "i", "ports": [{"name": p["name"], "containerPort": p["port"], "protocol": p["protocol"]} for p in pod["ports"]]}]},
                   "status": status}
        yield from self.policies + self.admin + self.baseline

    def end(self):
        if self.r.random() < 0.25:
            address = self.one(OUTSIDE)
            return address, {"kind": "outside", "host": False, "addresses": [ipaddress.ip_address(address)]}
        pod = self.one(self.pods)
        return f"{pod['namespace']}/Pod/{pod['name']}", pod

    def questions(self, count):
        reference = Reference(self)
        for _ in range(count):
            (a, source), (b, destination) = self.end(), self.end()
            if source is destination or source["kind"] == destination["kind"] == "outside":
                continue
            protocol, port = self.one(PROTOCOLS), self.one(PORTS + [1, 54, 8000])
            yield f"{a} {b} {protocol} {port}", reference.answer(source, destination, protocol, port)


def test_generated_questions():
    asked, number = 0, SEED * 10_000_000
    while asked < QUESTIONS:
        clusters, lines, expected = [], [], []
        for _ in range(SETS_PER_RUN):
            cluster = Cluster(number)
            pairs = list(cluster.questions(PER_SET))
            clusters.append(number)
            for why in (False, True):
                lines.append(json.dumps({"objects": list(cluster.objects()), "questions": [q for q, _ in pairs], "why": why}))
            expected.append(pairs)
            asked += len(pairs)
            number += 1
        result = run("net", "why", "--stream", stdin="\n".join(lines) + "\n", timeout=600)
        assert result.status == 0, result
        answers = [json.loads(line) for line in result.text.splitlines()]
        for i, pairs in enumerate(expected):
            for how, answer in zip(("matrix", "rules"), answers[2 * i:2 * i + 2]):
                assert not answer["problems"], (clusters[i], answer["problems"])
                wrong = [(q, e, a) for (q, e), a in zip(pairs, answer["answers"], strict=True) if e != a]
                assert not wrong, f"cluster {clusters[i]}, {how}: (question, expected, answer) {wrong[:3]}"


main()
