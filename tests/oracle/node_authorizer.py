#!/usr/bin/env python3
"""`redoubt rbac can-i` against the node authorizer of Kubernetes: what kubelets may do, by the pods and volumes of a cluster.

--questions=N asks N questions (40000; 400000 with --nightly), --seed=N others.
"""
import random

from differential import *

QUESTIONS = argument("questions", 40000, nightly=400000)
SEED = argument("seed", 1)
QUESTIONS_PER_CLUSTER = 400
CLUSTERS_PER_RUN = 50

# Few names, so that what one pod refers to is what another asks for.
NODES = ["n1", "n2", "n3"]
NAMESPACES = ["shop", "prod", "kube-system", "kube-node-lease"]
NAMES = ["a", "b", "c", "d"]
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*", "GET"]
# Group, resource and subresources that kubelets ask for, each with neighbours that nobody serves.
ASKED = [("", "secrets"), ("", "configmaps"), ("", "persistentvolumeclaims"), ("", "persistentvolumeclaims"), ("", "persistentvolumes"), ("", "persistentvolumes"), ("", "serviceaccounts"),
         ("", "serviceaccounts"), ("", "pods"), ("resource.k8s.io", "resourceclaims"), ("resource.k8s.io", "resourceslices"), ("storage.k8s.io", "volumeattachments"),
         ("storage.k8s.io", "csinodes"), ("coordination.k8s.io", "leases"), ("", "nodes")]
OTHERS = [("storage.k8s.io", "csidrivers"), ("", "services"), ("", "endpoints"), ("", "events"), ("events.k8s.io", "events"), ("apps", "secrets"),
          ("certificates.k8s.io", "certificatesigningrequests"), ("certificates.k8s.io", "clustertrustbundles"), ("certificates.k8s.io", "podcertificaterequests"),
          ("node.k8s.io", "runtimeclasses"), ("authentication.k8s.io", "tokenreviews"), ("authorization.k8s.io", "subjectaccessreviews"),
          ("authorization.k8s.io", "localsubjectaccessreviews"), ("authorization.k8s.io", "selfsubjectaccessreviews"), ("", "*"), ("*", "pods")]
SUBRESOURCES = ["status", "token", "eviction", "exec", "approval", "*"]
DRIVERS = ["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"]
CSI = ["nodePublishSecretRef", "nodeStageSecretRef", "controllerPublishSecretRef", "controllerExpandSecretRef", "nodeExpandSecretRef"]


class Cluster:
    """Pods, volumes and what leads to nodes, and questions about them, made from a number."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.objects = [self.object("v1", "Pod", f"pod-{i}", self.one(NAMESPACES[:2]), **self.pod()) for i in range(self.random.randrange(13))]
        self.objects += [self.object("v1", "PersistentVolume", f"pv-{i}", spec=self.volume()) for i in range(self.random.randrange(13))]
        self.objects += [self.object("storage.k8s.io/v1", "VolumeAttachment", name, spec={"attacher": "x", "source": {}} | self.node_name()) for name in self.few(NAMES)]
        self.objects += [self.object("resource.k8s.io/v1", "ResourceSlice", name, spec={"driver": "x", "pool": {"name": "p"}} | self.node_name()) for name in self.few(NAMES)]
        self.random.shuffle(self.objects)

    def one(self, values):
        return self.random.choice(values)

    def chance(self, likely):
        return self.random.random() < likely

    def few(self, values):
        return self.random.sample(values, self.random.randrange(4))

    def node_name(self):
        return self.one([{"nodeName": self.one(NODES)}] * 5 + [{}, {"nodeName": ""}])

    def name(self):
        return {"name": self.one(NAMES + [""])}

    @staticmethod
    def object(version, kind, name, namespace=None, **fields):
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {}) | fields.pop("metadata", {})
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}

    def container(self):
        container = {"name": self.one(NAMES), "image": "i"}
        if self.chance(0.3):
            container["env"] = [{"name": "E", "valueFrom": {self.one(["secretKeyRef", "configMapKeyRef"]): self.name() | {"key": "k"}}}, {"name": "F", "value": "a"}]
        if self.chance(0.3):
            container["envFrom"] = [{self.one(["secretRef", "configMapRef"]): self.name()}]
        return container

    def pod_source(self, kind):
        if kind in ("secret", "azureFile"):
            return {"secretName": self.one(NAMES)} | ({"shareName": "s"} if kind == "azureFile" else {})
        if kind == "csi":
            return {"driver": "d"} | self.one([{}, {"nodePublishSecretRef": self.name()}])
        if kind == "projected":
            return {"sources": [{self.one(["secret", "configMap"]): self.name()}, {"serviceAccountToken": {"path": "p"}}]}
        if kind == "persistentVolumeClaim":
            return {"claimName": self.one(NAMES)}
        if kind == "ephemeral":
            return {"volumeClaimTemplate": {"spec": {}}}
        if kind == "configMap":
            return self.name()
        if kind == "emptyDir":
            return {}
        return self.one([{}, {"secretRef": self.name()}])

    def pod_volume(self):
        kinds = ["secret", "azureFile", "csi", "projected", "configMap", "emptyDir"] + ["persistentVolumeClaim"] * 6 + ["ephemeral"] * 2 + DRIVERS
        # A volume of two kinds is refused by the API server, but the authorizer would see it.
        return {"name": self.one(NAMES)} | {kind: self.pod_source(kind) for kind in self.random.sample(kinds, 2 if self.chance(0.1) else 1)}

    def pod(self):
        spec = {"containers": [self.container()], "serviceAccountName": self.one(NAMES)} | self.node_name()
        for field in ("initContainers", "ephemeralContainers"):
            if self.chance(0.2):
                spec[field] = [self.container()]
        if self.chance(0.2):
            spec["imagePullSecrets"] = [self.name()]
        spec["volumes"] = [self.pod_volume() for _ in range(self.random.randrange(4))]
        pod = {"spec": spec}
        if self.chance(0.4):
            spec["resourceClaims"] = [{"name": name} | self.one([{"resourceClaimName": self.one(NAMES)}, {"resourceClaimTemplateName": "t"}, {}]) for name in self.few(NAMES)]
            pod["status"] = {"resourceClaimStatuses": [{"name": name} | self.one([{"resourceClaimName": self.one(NAMES)}, {}]) for name in self.few(NAMES)]}
            if self.chance(0.3):
                pod["status"]["extendedResourceClaimStatus"] = {"resourceClaimName": self.one(NAMES), "requestMappings": []}
        if self.chance(0.1):
            pod["metadata"] = {"annotations": {"kubernetes.io/config.mirror": ""}}
        return pod

    def secret(self):
        return self.name() | self.one([{}, {"namespace": ""}, {"namespace": self.one(NAMESPACES[:2])}])

    def volume_source(self, kind):
        if kind == "azureFile":
            return {"secretName": self.one(NAMES), "shareName": "s"} | self.one([{}, {"secretNamespace": ""}, {"secretNamespace": self.one(NAMESPACES)}])
        if kind == "csi":
            return {"driver": "d", "volumeHandle": "h"} | {field: self.secret() for field in self.few(CSI)}
        return self.one([{}, {"secretRef": self.secret()}, {"secretRef": self.secret()}])

    def volume(self):
        kinds = ["azureFile"] + ["csi"] * 3 + DRIVERS
        volume = {kind: self.volume_source(kind) for kind in self.random.sample(kinds, 2 if self.chance(0.1) else 1)}
        claim = {"name": self.one(NAMES + ["", "pod-0-a", "pod-1-b"]), "namespace": self.one(NAMESPACES[:2])}
        return volume | self.one([{"claimRef": claim}] * 6 + [{}])

    def question(self):
        node = self.one(NODES)
        question = {"user": f"system:node:{node}", "groups": ["system:nodes", "system:authenticated"], "verb": self.one(VERBS[:7] if self.chance(0.8) else VERBS)}
        if self.chance(0.06):
            question |= self.one([{"groups": []}, {"groups": ["system:node"]}, {"user": "system:node:"}, {"user": node}, {"user": "system:node"}, {"user": "system:serviceaccount:shop:a"}])
        question["group"], question["resource"] = self.one(ASKED if self.chance(0.8) else OTHERS)
        if self.chance(0.25):
            question["subresource"] = self.one(SUBRESOURCES)
        elif question["resource"] == "serviceaccounts":
            question |= self.one([{"verb": "create", "subresource": "token"}, {"verb": "get"}])
        elif question["resource"] in ("persistentvolumes", "persistentvolumeclaims"):
            question |= self.one([{"subresource": "status"}, {"verb": "get"}, {"verb": "get"}])
        elif self.chance(0.5):
            question["verb"] = "get"
        if question["resource"] in ("nodes", "csinodes", "leases"):
            question["name"] = self.one([node, self.one(NODES), ""])
        elif question["resource"] in ("pods", "persistentvolumes"):
            question["name"] = self.one(["pod-" if question["resource"] == "pods" else "pv-"] * 5 + ["x-"]) + str(self.random.randrange(12))
        elif question["resource"] == "persistentvolumeclaims" and self.chance(0.3):
            question["name"] = f"pod-{self.random.randrange(12)}-{self.one(NAMES)}"
        elif self.chance(0.9):
            question["name"] = self.one(NAMES)
        bare = question["resource"] in ("nodes", "csinodes", "persistentvolumes", "volumeattachments", "resourceslices")
        if self.chance(0.1 if bare else 0.95):
            question["namespace"] = self.one(NAMESPACES[3:] if question["resource"] == "leases" and self.chance(0.7) else NAMESPACES[:2] if self.chance(0.9) else NAMESPACES)
        if self.chance(0.02):
            question = {"user": question["user"], "groups": question["groups"], "verb": "get", "path": self.one(["/", "/healthz", "/api"])}
        return question


def ours(cluster, questions):
    with Folder({"cluster.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": cluster.objects})}) as folder:
        text = "".join(json.dumps(question) + "\n" for question in questions)
        result = subprocess.run([REDOUBT, "rbac", "can-i", "--stream", "--no-defaults", "-f", folder], input=text.encode(), capture_output=True, timeout=TIME_LIMIT, check=False)
    assert result.returncode == 0 and not result.stderr, result
    return [json.loads(line) for line in result.stdout.splitlines()]


def theirs(asked):
    """The authorizer's answers to each list of questions in ASKED, of pairs of a cluster and its questions."""
    lines = []
    for number, (cluster, questions) in enumerate(asked):
        # Without a pod the node authorizer would not be asked.
        lines.append({"load": {"name": f"c{number}", "rbac": cluster.objects + [Cluster.object("v1", "Pod", "none")]}})
        lines += [{"rbac": {**question, "cluster": f"c{number}", "user": {"name": question["user"], "groups": question["groups"]}}} for question in questions]
    answers = iter(ask(lines))
    for _, questions in asked:
        loaded = next(answers)
        assert "error" not in loaded, loaded
        yield [next(answers) for _ in questions]


def test_decisions_are_those_of_kubernetes():
    need_oracle()
    count = -(-QUESTIONS // QUESTIONS_PER_CLUSTER)
    differences = []
    allowed = {}
    for first in range(0, count, CLUSTERS_PER_RUN):
        clusters = [Cluster(f"{SEED}-{number}") for number in range(first, min(count, first + CLUSTERS_PER_RUN))]
        asked = [(cluster, [cluster.question() for _ in range(QUESTIONS_PER_CLUSTER)]) for cluster in clusters]
        for (cluster, questions), answers in zip(asked, theirs(asked)):
            for question, our, their in zip(questions, ours(cluster, questions), answers, strict=True):
                if their["allowed"]:
                    allowed[question.get("resource")] = allowed.get(question.get("resource"), 0) + 1
                if our["allowed"] != their["allowed"]:
                    differences.append((cluster.objects, question, our, their))
    total = sum(allowed.values())
    print(f"# {count * QUESTIONS_PER_CLUSTER} questions, {total} of them allowed, {len(differences)} differences")
    if differences:
        raise Disagreement("\n".join(str(difference) for difference in differences[:SHOWN]))
    # A comparison of refusals alone would prove little.
    few = [resource for _, resource in ASKED if allowed.get(resource, 0) * 4000 < QUESTIONS]
    assert not few, (few, allowed)


if __name__ == "__main__":
    main()
