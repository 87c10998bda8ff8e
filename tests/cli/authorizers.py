#!/usr/bin/env python3
"""redoubt rbac can-i: who decides beside RBAC - the node authorizer, other authorizers that the input shows, and older versions."""
from lib import *

NODE = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  nodeName: n1
  serviceAccountName: web
  imagePullSecrets: [{name: pull}]
  containers:
    - name: c
      image: registry.example.com/c:1.0
      env: [{name: A, valueFrom: {secretKeyRef: {name: env, key: k}}}, {name: B, valueFrom: {configMapKeyRef: {name: settings, key: k}}}]
      envFrom: [{secretRef: {name: from}}]
  initContainers: [{name: i, image: registry.example.com/c:1.0, envFrom: [{configMapRef: {name: init}}]}]
  volumes:
    - {name: s, secret: {secretName: mounted}}
    - {name: p, projected: {sources: [{secret: {name: projected}}, {configMap: {name: more}}]}}
    - {name: d, persistentVolumeClaim: {claimName: data}}
    - {name: scratch, ephemeral: {volumeClaimTemplate: {spec: {}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: mirror, namespace: shop, annotations: {kubernetes.io/config.mirror: x}}
spec: {nodeName: n1, containers: [{name: c, image: i}], volumes: [{name: s, secret: {secretName: static}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: shop}
spec: {nodeName: n2, serviceAccountName: other, containers: [{name: c, image: i}], volumes: [{name: s, secret: {secretName: theirs}}]}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv}
spec: {claimRef: {namespace: shop, name: data}, csi: {driver: d, volumeHandle: h, nodePublishSecretRef: {namespace: storage, name: keys}}}
"""


def can_i(text, *arguments, json_output=False):
    with Folder({"a.yaml": text}) as folder:
        return run("rbac", "can-i", *arguments, "-f", "a.yaml", *(("-o", "json") if json_output else ()), cwd=folder)


def test_a_kubelet_reads_what_its_pods_refer_to():
    node = ("--as", "system:node:n1", "-n", "shop")
    for allowed, words in (
            (True, "get secrets env"), (True, "list secrets from"), (True, "watch secrets mounted"), (True, "get secrets projected"), (True, "get secrets pull"),
            (False, "get secrets theirs"), (False, "get secrets static"), (False, "get secrets"), (False, "list secrets"), (False, "update secrets env"),
            (True, "get configmaps settings"), (True, "get configmaps init"), (True, "get configmaps more"), (False, "get configmaps theirs"),
            (True, "get persistentvolumeclaims data"), (True, "get persistentvolumeclaims web-scratch"), (True, "update persistentvolumeclaims/status data"),
            (False, "update persistentvolumeclaims data"), (True, "create serviceaccounts/token web"), (False, "create serviceaccounts/token other"),
            (True, "get serviceaccounts web"), (False, "get pods other"), (True, "get pods web"), (True, "get pods mirror"), (False, "list pods"),
            (True, "create pods"), (False, "create pods/exec web"), (True, "create pods/eviction web")):
        r = can_i(NODE, *words.split(), *node)
        assert r.status == (0 if allowed else 1), (words, r)
    assert "the node authorizer: a pod or a volume of the node refers to it" in can_i(NODE, "get", "secrets", "env", *node).text


def test_of_volumes_only_what_kubelets_need():
    text = NODE + """---
apiVersion: v1
kind: Pod
metadata: {name: more, namespace: shop}
spec:
  nodeName: n1
  containers: [{name: c, image: i}]
  resourceClaims: [{name: a, resourceClaimTemplateName: t}]
  volumes:
    - {name: a, cinder: {volumeID: v, secretRef: {name: cinder}}}
    - {name: b, azureFile: {shareName: s, secretName: first}, secret: {secretName: second}}
    - {name: e, persistentVolumeClaim: {claimName: stone}}
status: {resourceClaimStatuses: [{name: a, resourceClaimName: gpu}, {name: b, resourceClaimName: stale}]}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv2}
spec:
  claimRef: {namespace: shop, name: data}
  csi: {driver: d, volumeHandle: h, controllerPublishSecretRef: {namespace: storage, name: publish}, controllerExpandSecretRef: {namespace: storage, name: expand},
        nodeStageSecretRef: {namespace: storage, name: stage}, nodeExpandSecretRef: {name: lost}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv3}
spec: {claimRef: {namespace: shop, name: stone}, rbd: {secretRef: {name: beside}}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: devices}
spec: {nodeName: n1, driver: d, pool: {name: p}}
"""
    for allowed, words in (
            (True, "get secrets stage -n storage"), (False, "get secrets publish -n storage"), (False, "get secrets expand -n storage"), (False, "get secrets lost -n shop"),
            (True, "get secrets beside -n shop"), (True, "get secrets cinder -n shop"), (True, "get secrets first -n shop"), (False, "get secrets second -n shop"),
            (True, "patch persistentvolumeclaims/status data -n shop"), (False, "get persistentvolumeclaims/status data -n shop"),
            (True, "get resourceclaims.resource.k8s.io gpu -n shop"), (False, "get resourceclaims.resource.k8s.io stale -n shop"),
            (True, "get resourceslices.resource.k8s.io devices"), (True, "delete resourceslices.resource.k8s.io devices"),
            (False, "get resourceslices.resource.k8s.io other"), (False, "list resourceslices.resource.k8s.io")):
        r = can_i(text, *words.split(), "--as", "system:node:n1")
        assert r.status == (0 if allowed else 1), (words, r)


def test_what_every_kubelet_may_do():
    node = ("--as", "system:node:n1")
    for allowed, words in (
            (True, "get nodes n1"), (False, "get nodes n2"), (False, "list nodes"), (True, "patch nodes/status n2"), (True, "get persistentvolumes pv"),
            (True, "get leases.coordination.k8s.io n1 -n kube-node-lease"), (False, "get leases.coordination.k8s.io n2 -n kube-node-lease"),
            (False, "get leases.coordination.k8s.io n1 -n default"), (True, "get csinodes.storage.k8s.io n1"), (False, "delete csinodes.storage.k8s.io n2"),
            (True, "get secrets keys -n storage"), (True, "create certificatesigningrequests.certificates.k8s.io"), (True, "list services"),
            (False, "delete services"), (False, "get /metrics")):
        r = can_i(NODE, *words.split(), *node)
        assert r.status == (0 if allowed else 1), (words, r)


def test_only_a_node_is_a_node():
    for arguments in (("--as", "system:node:n1", "--as-group", "devs"), ("--as", "n1", "--as-group", "system:nodes"), ("--as", "system:node:"),
                      ("--as", "system:nodes:n1")):
        r = can_i(NODE, "get", "secrets", "env", "-n", "shop", *arguments)
        assert r.status == 1, (arguments, r)
    question = {"user": "system:node:n1", "groups": ["system:nodes"], "verb": "get", "resource": "secrets", "name": "env", "namespace": "shop"}
    with Folder({"a.yaml": NODE}) as folder:
        r = run("rbac", "can-i", "--stream", "-f", "a.yaml", cwd=folder, stdin=json.dumps(question) + "\n" + json.dumps({**question, "groups": []}) + "\n")
        yes, no = map(json.loads, r.text.splitlines())
        assert yes == {"allowed": True, "binding": None, "role": None, "rule": None, "authorizer": "node"} and not no["allowed"], r


def test_who_can_names_nodes():
    with Folder({"a.yaml": NODE}) as folder:
        def who_can(*words):
            r, as_json = (run("rbac", "who-can", *words, "-f", "a.yaml", *more, cwd=folder) for more in ((), ("-o", "json")))
            assert r.status == as_json.status == 0, (r, as_json)
            return r.text, [row["subject"] for row in as_json.json["can"] if row.get("authorizer") == "node"], as_json.json["notIncluded"]

        for words, nodes in (("get secrets env -n shop", ["n1"]), ("get secrets theirs -n shop", ["n2"]), ("get secrets keys -n storage", ["n1"]), ("get nodes n2", ["n2"]),
                             ("create pods -n shop", ["*"]), ("get secrets static -n shop", []), ("delete secrets env -n shop", []), ("list services", ["*"])):
            text, found, missing = who_can(*words.split())
            assert found == [f"User system:node:{node}" for node in nodes] and missing == [], (words, found, missing)
            assert "not included" not in text and all(f"User system:node:{node} " in text for node in nodes), text
        text, found, missing = who_can("get", "secrets", "-n", "shop")
        assert (found, missing) == ([], ["node"]) and "not included: kubelets" in text, text
        text, found, missing = who_can("delete", "secrets", "-n", "shop")
        assert (found, missing) == ([], []) and "not included" not in text, text
    with Folder({"a.yaml": NODE.replace("Pod", "Other")}) as folder:
        r = run("rbac", "who-can", "get", "secrets", "env", "-n", "shop", "-f", "a.yaml", cwd=folder)
        assert "no pods are read" in r.text, r


def test_subject_lists_what_a_node_reaches():
    with Folder({"a.yaml": NODE}) as folder:
        text = run("rbac", "subject", "system:node:n2", "-f", "a.yaml", cwd=folder).text
        rows = run("rbac", "subject", "User", "system:node:n1", "-f", "a.yaml", "-o", "json", cwd=folder).json
        assert "the node authorizer, too" in text and "  secrets shop/theirs\n" in text and "shop/env" not in text, text
        node = [row for row in rows if row.get("authorizer") == "node"]
        assert len(node) == 1 and node[0]["podsRead"] and set(node[0]["objects"]) == {
            "pods shop/web", "pods shop/mirror", "serviceaccounts shop/web", "secrets shop/pull", "secrets shop/env", "secrets shop/from", "secrets shop/mounted",
            "secrets shop/projected", "secrets storage/keys", "configmaps shop/settings", "configmaps shop/init", "configmaps shop/more", "persistentvolumeclaims shop/data",
            "persistentvolumeclaims shop/web-scratch", "persistentvolumes pv"}, node
        assert "not included" in run("rbac", "subject", "Group", "system:nodes", "-f", "a.yaml", cwd=folder).text
        assert "node" not in run("rbac", "subject", "jane", "-f", "a.yaml", cwd=folder).text


def test_other_authorizers_of_the_input_are_named():
    server = "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\nspec:\n  containers:\n  - {name: a, image: i, command: [kube-apiserver, %s]}\n"
    kubeadm = "apiVersion: kubeadm.k8s.io/%s\nkind: ClusterConfiguration\napiServer: {extraArgs: %s}\n"
    for text, mode, line in (
            (server % '"--authorization-mode=Node,RBAC,AlwaysAllow"', "AlwaysAllow", 6),
            (server % '"--authorization-mode", "Node,ABAC"', "ABAC", 6),
            (kubeadm % ("v1beta3", '{authorization-mode: "Node,RBAC,Webhook"}'), "Webhook", 3),
            (kubeadm % ("v1beta4", '[{name: authorization-mode, value: AlwaysAllow}]'), "AlwaysAllow", 3),
            ("apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n  - {type: Node}\n  - {type: Webhook, name: w}\n", "Webhook", 5),
            ('{"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": {"user": "alice"}}\n', "ABAC", 1)):
        r = can_i(text, "get", "pods", "--as", "jane")
        assert r.status == 1 and f"the API server asks {mode}, which" in r.text and f"a.yaml:{line}" in r.text, (mode, r)
        assert can_i(text, "get", "pods", "--as", "jane", json_output=True).json["authorizers"] == [mode]
    r = can_i(server % '"--authorization-mode=Node,RBAC"', "get", "pods", "--as", "jane")
    assert r.status == 1 and "beside RBAC" not in r.text and "may still allow it" in r.text, r


def test_get_was_enough_for_a_shell_before_1_35():
    role = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: viewer}
rules: [{apiGroups: [""], resources: [pods, pods/exec], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: viewer}
subjects: [{kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}]
"""
    ask = ("create", "pods/exec", "--as", "jane")
    for version, status in (((), 1), (("--kube-version", "1.34"), 0), (("--kube-version", "1.35"), 1), (("--kube-version", "1.36"), 1)):
        r = can_i(role, *ask, *version)
        assert r.status == status and "1.35" in r.text, (version, r)
    assert can_i(role, "create", "pods/attach", "--as", "jane", "--kube-version", "1.30").status == 1
    assert can_i(role, "delete", "pods/exec", "--as", "jane", "--kube-version", "1.30").status == 1


main()
