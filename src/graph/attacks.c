/*
 * The table of attacks. Techniques are those of MITRE ATT&CK for containers and Kubernetes.
 */
#include "graph/graph.h"

#define ROW(name) [GRAPH_##name] = { .id = #name,
#define END                                                                                        \
        }                                                                                          \
        ,

/* clang-format off */
const struct graph_attack graph_attacks[GRAPH_ATTACKS] = {
        /* --- structure --- */
        ROW(CONTAINS) .from = "any", .to = "any", .title = "has",
                .what = "What it leads to is a part of what it comes from.",
                .check = "", .technique = "", .fix = "" END
        ROW(MEMBER) .from = "identity", .to = "group", .title = "is in",
                .what = "The API server puts the identity into the group when it authenticates it.",
                .check = "kubectl auth whoami --as USER", .technique = "", .fix = "" END
        ROW(BOUND) .from = "identity", .to = "role", .title = "is bound to",
                .what = "A binding gives the role to the identity.",
                .check = "kubectl get rolebindings,clusterrolebindings -A -o wide",
                .technique = "", .fix = "Remove the binding, or bind a smaller role.",
                .cost = 2 END
        ROW(HOLDS) .from = "pod", .to = "container", .title = "runs",
                .what = "Whoever controls the pod runs code in its containers.",
                .check = "kubectl get pod POD -n NAMESPACE -o jsonpath='{.spec.containers[*].name}'",
                .technique = "", .fix = "" END

        /* --- out of a container --- */
        ROW(ESCAPE_PRIVILEGED) .from = "container", .to = "node",
                .title = "privileged container",
                .what = "A privileged container has every capability and every device: it mounts "
                        "the disk of the node and writes to it.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.containers[*].securityContext.privileged}'\n"
                         "kubectl exec POD -n NAMESPACE -c CONTAINER -- grep CapEff /proc/self/status",
                .technique = "T1611",
                .fix = "Remove `privileged: true`; add only the capabilities it needs.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_NSENTER) .from = "container", .to = "node",
                .title = "privileged in the process namespace of the node",
                .what = "With the processes of the node in sight and every capability, nsenter "
                        "joins the namespaces of process 1: a shell on the node.",
                .check = "kubectl get pod POD -n NAMESPACE -o jsonpath='{.spec.hostPID}'",
                .technique = "T1611", .fix = "Remove `hostPID: true` and `privileged: true`.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_MODULE) .from = "container", .to = "node", .title = "may load kernel modules",
                .what = "CAP_SYS_MODULE loads code into the kernel that the node shares with the "
                        "container.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.containers[*].securityContext.capabilities}'",
                .technique = "T1611", .fix = "Drop the capability SYS_MODULE.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_PTRACE) .from = "container", .to = "node",
                .title = "may trace the processes of the node",
                .what = "With hostPID and CAP_SYS_PTRACE a process of the node is attached to, "
                        "which then runs whatever is written into it.",
                .check = "kubectl get pod POD -n NAMESPACE -o jsonpath='{.spec.hostPID} "
                         "{.spec.containers[*].securityContext.capabilities}'",
                .technique = "T1055.008", .fix = "Remove hostPID, or drop SYS_PTRACE.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_CGROUP) .from = "container", .to = "node", .title = "CAP_SYS_ADMIN",
                .what = "CAP_SYS_ADMIN mounts file systems: a cgroup whose release agent, or a "
                        "core handler, the kernel runs on the node.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.containers[*].securityContext.capabilities}'",
                .technique = "T1611", .fix = "Drop the capability SYS_ADMIN.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_READ_SEARCH) .from = "container", .to = "node",
                .title = "may open files by handle",
                .what = "CAP_DAC_READ_SEARCH opens any file of the node's file system by its "
                        "handle: keys of the kubelet and of root.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.containers[*].securityContext.capabilities}'",
                .technique = "T1611", .fix = "Drop the capability DAC_READ_SEARCH.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_BPF) .from = "container", .to = "node", .title = "may trace the kernel",
                .what = "With CAP_BPF and CAP_PERFMON programs in the kernel read and change the "
                        "memory of every process of the node.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.containers[*].securityContext.capabilities}'",
                .technique = "T1611", .fix = "Drop the capabilities BPF and PERFMON.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_CORE_PATTERN) .from = "container", .to = "node",
                .title = "writes to the settings of the kernel",
                .what = "Whoever writes /proc/sys/kernel/core_pattern names the program that the "
                        "kernel runs on the node when a process crashes.",
                .check = "kubectl exec POD -n NAMESPACE -c CONTAINER -- grep ' /.*proc' /proc/mounts",
                .technique = "T1611",
                .fix = "Remove the mount of /proc, and `procMount: Unmasked`.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_RUNTIME_SOCKET) .from = "container", .to = "node",
                .title = "socket of the container runtime",
                .what = "Who talks to containerd, CRI-O or Docker starts a privileged container "
                        "on the node; a read-only mount changes nothing about that.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.volumes[*].hostPath.path}'",
                .technique = "T1611", .fix = "Remove the mount of the socket.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_HOST_WRITE) .from = "container", .to = "node",
                .title = "writes to files that the node runs",
                .what = "A writable mount of such a folder places a program, a cron job, a key of "
                        "root or a CNI plugin where the node will use it.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.volumes[*].hostPath.path}'",
                .technique = "T1611",
                .fix = "Remove the hostPath volume, or mount the one folder that is needed, "
                       "read-only.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_STATIC_POD) .from = "container", .to = "node",
                .title = "writes static pods",
                .what = "The kubelet runs every manifest in its folder, past admission: also "
                        "a privileged one.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.volumes[*].hostPath.path}'",
                .technique = "T1610", .fix = "Remove the hostPath volume.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_DEVICE) .from = "container", .to = "node", .title = "devices of the node",
                .what = "A disk or the memory of the node is read and written as a device.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.volumes[*].hostPath.path} "
                         "{.spec.containers[*].volumeDevices}'",
                .technique = "T1611", .fix = "Remove the hostPath volume of the device.",
                .steps = 1, .cost = 3 END
        ROW(ESCAPE_LOG_SYMLINK) .from = "container", .to = "node",
                .title = "links in the log folder, and the right to read logs",
                .what = "A link that the container places in /var/log is followed by the kubelet, "
                        "as root, for whoever may read logs: every file of the node.",
                .check = "kubectl auth can-i get pods/log --as "
                         "system:serviceaccount:NAMESPACE:ACCOUNT -n NAMESPACE",
                .technique = "T1611", .fix = "Mount /var/log read-only.",
                .steps = 1, .cost = 2 END
        ROW(ESCAPE_HOST_PROCESS) .from = "container", .to = "node",
                .title = "Windows host process",
                .what = "A HostProcess container runs on the Windows node itself.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec..windowsOptions.hostProcess}'",
                .technique = "T1611", .fix = "Remove `hostProcess: true`.",
                .steps = 1, .cost = 3 END
        ROW(HOST_READ) .from = "container", .to = "node", .title = "reads secrets of the node",
                .what = "A mount shows keys or password hashes with which somebody logs in to the "
                        "node.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.volumes[*].hostPath.path}'",
                .technique = "T1552.001",
                .fix = "Remove the hostPath volume, or mount the one file that is needed.",
                .steps = 1, .cost = 3 END
        ROW(HOST_CREDENTIALS) .from = "container", .to = "kubelet",
                .title = "reads the credentials of the kubelet",
                .what = "The certificate or kubeconfig of the kubelet lies in the mounted folder: "
                        "its bearer is the node to the API server.",
                .check = "kubectl exec POD -n NAMESPACE -c CONTAINER -- ls /HOST/var/lib/kubelet/pki",
                .technique = "T1552.001", .fix = "Remove the hostPath volume.",
                .steps = 1, .cost = 3 END
        ROW(HOST_TRAVERSE) .from = "container", .to = "tokens of a node",
                .title = "reads the volumes of other pods",
                .what = "Tokens and secrets of all pods of a node lie below /var/lib/kubelet/pods.",
                .check = "kubectl exec POD -n NAMESPACE -c CONTAINER -- find / -path "
                         "'*kubernetes.io~projected*' -name token",
                .technique = "T1552.001", .fix = "Remove the hostPath volume.",
                .steps = 1, .cost = 3 END
        ROW(HOST_ETCD) .from = "container", .to = "admin",
                .title = "reads or writes the data of etcd",
                .what = "The files of etcd hold every object of the cluster, secrets too; who "
                        "writes them writes objects past the API server.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.volumes[*].hostPath.path}'",
                .technique = "T1552.001",
                .fix = "Remove the hostPath volume, or keep the pod off the control plane.",
                .steps = 1, .cost = 3 END
        ROW(HOST_PKI) .from = "container", .to = "admin",
                .title = "reads the keys of the control plane",
                .what = "/etc/kubernetes on a node of the control plane holds admin.conf and the "
                        "key of the cluster's certificate authority.",
                .check = "kubectl exec POD -n NAMESPACE -c CONTAINER -- ls /HOST/etc/kubernetes/pki",
                .technique = "T1552.004",
                .fix = "Remove the hostPath volume, or keep the pod off the control plane.",
                .steps = 1, .cost = 3 END
        ROW(HOST_PROCESSES) .from = "container", .to = "tokens of a node",
                .title = "sees the processes of the node",
                .what = "With hostPID the environment and, through /proc/PID/root, the files of "
                        "other containers of the same user are read, their tokens too.",
                .check = "kubectl get pod POD -n NAMESPACE -o jsonpath='{.spec.hostPID}'",
                .technique = "T1057", .fix = "Remove `hostPID: true`.", .steps = 1,
                .cost = 3 END
        ROW(SHARED_PROCESSES) .from = "container", .to = "pod",
                .title = "shares processes with the rest of the pod",
                .what = "With shareProcessNamespace a container reaches the files and the memory "
                        "of the other containers of its pod through /proc.",
                .check = "kubectl get pod POD -n NAMESPACE -o "
                         "jsonpath='{.spec.shareProcessNamespace}'",
                .technique = "T1055", .fix = "Remove `shareProcessNamespace: true`.", .steps = 1,
                .cost = 2 END
        ROW(CLOUD_METADATA) .from = "pod", .to = "cloud or kubelet",
                .title = "metadata service of the cloud",
                .what = "Nothing keeps the pod from 169.254.169.254, which hands out the "
                        "credentials of the node.",
                .check = "kubectl exec POD -n NAMESPACE -- wget -qO- -T2 "
                         "http://169.254.169.254/",
                .technique = "T1552.005",
                .fix = "Deny egress to 169.254.169.254/32, and ask the cloud for tokens with a hop "
                       "limit of 1.",
                .steps = 1, .cost = 2 END

        /* --- within reach --- */
        ROW(TOKEN_STEAL) .from = "container", .to = "service account",
                .title = "token of its service account",
                .what = "The token lies in the container and is valid from anywhere until it "
                        "expires.",
                .check = "kubectl exec POD -n NAMESPACE -c CONTAINER -- ls "
                         "/var/run/secrets/kubernetes.io/serviceaccount",
                .technique = "T1528",
                .fix = "Set `automountServiceAccountToken: false` where the API is not used.",
                .steps = 1, .cost = 1 END
        ROW(SECRET_MOUNTED) .from = "container", .to = "secret", .title = "secret it is given",
                .what = "The secret is in the environment or in a volume of the container.",
                .check = "kubectl exec POD -n NAMESPACE -c CONTAINER -- env",
                .technique = "T1552.007",
                .fix = "Give it to the containers that need it only.", .steps = 1, .cost = 0 END
        ROW(VOLUME_ACCESS) .from = "container", .to = "volume", .title = "volume that it mounts",
                .what = "What is in the volume is read and, unless it is mounted read-only, "
                        "changed.",
                .check = "kubectl exec POD -n NAMESPACE -c CONTAINER -- mount", .technique = "T1005",
                .fix = "Mount it where it is needed only.", .steps = 1, .cost = 0 END
        ROW(VOLUME_HOST_PATH) .from = "volume", .to = "node",
                .title = "volume that is a folder of the node",
                .what = "A PersistentVolume of type hostPath or local leads to files of the node "
                        "that must not be changed; Pod Security does not look at it.",
                .check = "kubectl get pv NAME -o jsonpath='{.spec.hostPath} {.spec.local}'",
                .technique = "T1611", .fix = "Replace the volume by one of a storage driver.",
                .steps = 1, .cost = 4 END
        ROW(NODE_RUNS) .from = "node", .to = "pods of a node", .title = "runs pods",
                .what = "Root on a node enters every container that runs on it.",
                .check = "kubectl get pods -A --field-selector spec.nodeName=NODE",
                .technique = "T1609",
                .fix = "Keep sensitive pods on nodes of their own (taints and node affinity).",
                .steps = 1, .cost = 0 END
        ROW(NODE_IDENTITY) .from = "node", .to = "kubelet", .title = "identity of the kubelet",
                .what = "The client certificate of the kubelet lies on the node.",
                .check = "openssl x509 -noout -subject -in "
                         "/var/lib/kubelet/pki/kubelet-client-current.pem",
                .technique = "T1552.004", .fix = "", .steps = 1, .cost = 0 END
        ROW(NODE_CONTROL_PLANE) .from = "node", .to = "admin",
                .title = "node of the control plane",
                .what = "The keys of the API server, of the certificate authority and of etcd lie "
                        "on the node.",
                .check = "kubectl get nodes -l node-role.kubernetes.io/control-plane",
                .technique = "T1552.004",
                .fix = "Run nothing but the control plane there (keep its taint).", .steps = 1,
                .cost = 0 END
        ROW(KUBELET_SECRETS) .from = "kubelet", .to = "secrets of a node",
                .title = "node authorizer: secrets of its pods",
                .what = "The node authorizer lets a kubelet read the secrets that pods on its node "
                        "refer to.",
                .check = "kubectl auth can-i get secret/NAME -n NAMESPACE --as system:node:NODE "
                         "--as-group system:nodes",
                .technique = "T1552.007", .fix = "", .steps = 1, .cost = 0 END
        ROW(KUBELET_TOKENS) .from = "kubelet", .to = "tokens of a node",
                .title = "node authorizer: tokens of its pods",
                .what = "The node authorizer lets a kubelet request tokens of the service accounts "
                        "of pods on its node, mounted or not.",
                .check = "kubectl auth can-i create serviceaccounts/ACCOUNT --subresource=token -n "
                         "NAMESPACE --as system:node:NODE --as-group system:nodes",
                .technique = "T1528", .fix = "", .steps = 1, .cost = 0 END
        ROW(SECRET_TOKEN) .from = "secret", .to = "service account",
                .title = "token of a service account in a secret",
                .what = "A secret of type kubernetes.io/service-account-token holds a token that "
                        "never expires.",
                .check = "kubectl get secret NAME -n NAMESPACE -o jsonpath='{.type} "
                         "{.metadata.annotations}'",
                .technique = "T1528", .fix = "Delete the secret; request tokens that expire.",
                .steps = 1, .cost = 2 END
        ROW(SECRET_BOOTSTRAP) .from = "secret", .to = "group", .title = "bootstrap token",
                .what = "The secret is a token with which new nodes join the cluster.",
                .check = "kubectl get secrets -n kube-system --field-selector "
                         "type=bootstrap.kubernetes.io/token",
                .technique = "T1528", .fix = "Delete the token; let tokens expire within hours.",
                .steps = 1, .cost = 1 END
        ROW(CLOUD_ROLE) .from = "service account", .to = "cloud", .title = "role of the cloud",
                .what = "The cloud gives its role to whoever has a token of the service account.",
                .check = "kubectl get serviceaccount NAME -n NAMESPACE -o "
                         "jsonpath='{.metadata.annotations}'",
                .technique = "T1078.004", .fix = "Give the role no right that is not needed.",
                .steps = 1, .cost = 0 END
        ROW(CLOUD_NODE)
        .from = "cloud", .to = "kubelet", .title = "role of an EKS node",
        .what = "EKS takes the role of a node for the node itself: its bearer is the kubelet to the "
                "API server.",
        .check = "aws eks get-token --cluster-name CLUSTER", .technique = "T1078.004", .fix = "",
        .steps = 1,
        .cost = 0 END
        ROW(IMAGE_POISON) .from = "image", .to = "container", .title = "image that it runs",
                .what = "Whoever publishes the image runs code in every container made of it.",
                .check = "kubectl get pods -A -o jsonpath='{..image}'", .technique = "T1525",
                .fix = "Name images by digest, and admit signed ones only.", .steps = 1,
                .cost = 0 END

        /* --- over the network --- */
        ROW(EXPOSED) .from = "external", .to = "service", .title = "open to the outside",
                .what = "A load balancer, a node port, an external address, an Ingress or a route "
                        "leads from outside of the cluster to the service.",
                .check = "kubectl get services,ingresses,httproutes -A", .technique = "T1190",
                .fix = "Make it a ClusterIP service, or let known addresses in only.",
                .steps = 1, .cost = 5 END
        ROW(ENDPOINT_EXPLOIT) .from = "service or endpoints", .to = "container",
                .title = "takes over what listens",
                .what = "A fault in the application behind the port gives control of its "
                        "container. That there is one is assumed.",
                .check = "kubectl get endpointslices -n NAMESPACE -l "
                         "kubernetes.io/service-name=NAME",
                .technique = "T1190", .fix = "Patch what listens, and ask for authentication.",
                .steps = 1, .cost = 0 END
        ROW(LATERAL) .from = "pod", .to = "endpoints", .title = "may connect to",
                .what = "No policy keeps the pod from connecting.",
                .check = "redoubt net why NAMESPACE/POD NAMESPACE/POD PORT", .technique = "T1210",
                .fix = "Deny ingress by default, and allow the flows that are needed.",
                .steps = 1, .cost = 2 END
        ROW(ANONYMOUS) .from = "external", .to = "user", .title = "asks without credentials",
                .what = "Whoever reaches the API server is system:anonymous unless anonymous "
                        "requests are refused.",
                .check = "curl -k https://SERVER:6443/api", .technique = "T1078.001",
                .fix = "Set --anonymous-auth=false, or allow it for health checks only.",
                .steps = 1, .cost = 3 END

        /* --- one right --- */
        ROW(ALL_RIGHTS) .from = "role", .to = "admin", .title = "may do everything",
                .what = "The rule allows every verb on every resource.",
                .check = "kubectl auth can-i '*' '*' --as USER", .technique = "T1078.004",
                .fix = "Name the resources and verbs that are needed.", .steps = 1, .cost = 3 END
        ROW(POD_EXEC) .from = "role", .to = "pods", .title = "exec into pods",
                .what = "Exec runs commands in a container. Before Kubernetes 1.35 `get` is "
                        "enough, by WebSocket.",
                .check = "kubectl auth can-i create pods/exec -n NAMESPACE --as USER\n"
                         "kubectl auth can-i get pods/exec -n NAMESPACE --as USER",
                .technique = "T1609", .fix = "Take pods/exec out of the role.", .steps = 1,
                .cost = 2 END
        ROW(POD_ATTACH) .from = "role", .to = "pods", .title = "attach to pods",
                .what = "Attach writes to the standard input of a container's process.",
                .check = "kubectl auth can-i create pods/attach -n NAMESPACE --as USER",
                .technique = "T1609", .fix = "Take pods/attach out of the role.", .steps = 1,
                .cost = 2 END
        ROW(POD_DEBUG) .from = "role", .to = "pods", .title = "debug containers",
                .what = "An ephemeral container of any image is placed into a running pod.",
                .check = "kubectl auth can-i patch pods/ephemeralcontainers -n NAMESPACE --as USER",
                .technique = "T1610", .fix = "Take pods/ephemeralcontainers out of the role.",
                .steps = 1, .cost = 2 END
        ROW(POD_PATCH) .from = "role", .to = "pods", .title = "replaces the image of pods",
                .what = "The image of a running container may be changed; the new one starts with "
                        "the same account and volumes.",
                .check = "kubectl auth can-i patch pods -n NAMESPACE --as USER",
                .technique = "T1610", .fix = "Take update and patch of pods out of the role.",
                .steps = 1, .cost = 2 END
        ROW(POD_CREATE) .from = "role", .to = "own pods", .title = "creates pods",
                .what = "A pod of one's own runs as any service account of the namespace, with any "
                        "of its secrets and volumes.",
                .check = "kubectl auth can-i create pods -n NAMESPACE --as USER",
                .technique = "T1610", .fix = "Take create of pods out of the role.", .steps = 1,
                .cost = 2 END
        ROW(WORKLOAD_CREATE) .from = "role", .to = "own pods", .title = "creates workloads",
                .what = "A controller makes pods of whatever template it is given.",
                .check = "kubectl auth can-i create deployments -n NAMESPACE --as USER",
                .technique = "T1610", .fix = "Keep workloads to the pipeline that deploys them.",
                .steps = 1, .cost = 3 END
        ROW(WORKLOAD_UPDATE) .from = "role", .to = "own pods",
                .title = "changes the template of workloads",
                .what = "A changed template runs as any service account, with any secret of the "
                        "namespace.",
                .check = "kubectl auth can-i patch deployments -n NAMESPACE --as USER",
                .technique = "T1610", .fix = "Keep workloads to the pipeline that deploys them.",
                .steps = 1, .cost = 3 END
        ROW(CUSTOM_WORKLOAD) .from = "role", .to = "own pods",
                .title = "creates custom resources that make pods",
                .what = "An operator makes pods of a template in the custom resource, with an "
                        "account that the resource names.",
                .check = "kubectl auth can-i create RESOURCE.GROUP -n NAMESPACE --as USER",
                .technique = "T1610", .fix = "Keep them to the pipeline that deploys them.",
                .steps = 1, .cost = 3 END
        ROW(GITOPS) .from = "role", .to = "service account",
                .title = "tells a delivery controller what to apply",
                .what = "Argo CD and Flux apply whatever the resource points to, with the rights "
                        "of their controllers.",
                .check = "kubectl auth can-i create applications.argoproj.io -n NAMESPACE --as USER",
                .technique = "T1072",
                .fix = "Keep these resources to administrators, and limit projects and accounts.",
                .steps = 1, .cost = 3 END
        ROW(TOKEN_REQUEST) .from = "role", .to = "service accounts", .title = "requests tokens",
                .what = "TokenRequest hands out a token of the service account.",
                .check = "kubectl auth can-i create serviceaccounts/token -n NAMESPACE --as USER",
                .technique = "T1528", .fix = "Take serviceaccounts/token out of the role.",
                .steps = 1, .cost = 2 END
        ROW(SECRET_LIST) .from = "role", .to = "secrets", .title = "lists secrets",
                .what = "list and watch return what the secrets hold, not only their names.",
                .check = "kubectl auth can-i list secrets -n NAMESPACE --as USER",
                .technique = "T1552.007", .fix = "Allow get of the secrets that are needed, by name.",
                .steps = 1, .cost = 2 END
        ROW(SECRET_GET) .from = "role", .to = "secrets", .title = "gets secrets",
                .what = "Names of secrets stand in pods and manifests, and those of tokens can be "
                        "guessed.",
                .check = "kubectl auth can-i get secrets -n NAMESPACE --as USER",
                .technique = "T1552.007", .fix = "Allow get of the secrets that are needed, by name.",
                .steps = 1, .cost = 2 END
        ROW(NODES_PROXY) .from = "role", .to = "pods of nodes",
                .title = "talks to kubelets",
                .what = "nodes/proxy, also with `get` alone, runs commands in every pod through "
                        "the port of the kubelet, past admission and audit of the API server.",
                .check = "kubectl auth can-i get nodes/proxy --as USER", .technique = "T1609",
                .fix = "Use nodes/metrics, nodes/stats, nodes/pods in place of nodes/proxy.",
                .steps = 1, .cost = 2 END
        ROW(POD_PROXY) .from = "role", .to = "endpoints", .title = "proxy to pods",
                .what = "The API server connects to a port of the pod, past NetworkPolicies.",
                .check = "kubectl auth can-i get pods/proxy -n NAMESPACE --as USER",
                .technique = "T1090", .fix = "Take pods/proxy out of the role.", .steps = 1,
                .cost = 2 END
        ROW(SERVICE_PROXY) .from = "role", .to = "endpoints", .title = "proxy to services",
                .what = "The API server connects to the service, past NetworkPolicies.",
                .check = "kubectl auth can-i get services/proxy -n NAMESPACE --as USER",
                .technique = "T1090", .fix = "Take services/proxy out of the role.", .steps = 1,
                .cost = 2 END
        ROW(PORT_FORWARD) .from = "role", .to = "endpoints", .title = "port-forward to pods",
                .what = "The kubelet connects to a port of the pod from within, past "
                        "NetworkPolicies, to what listens on localhost too.",
                .check = "kubectl auth can-i create pods/portforward -n NAMESPACE --as USER",
                .technique = "T1090", .fix = "Take pods/portforward out of the role.",
                .steps = 1, .cost = 2 END
        ROW(IMPERSONATE_ACCOUNT) .from = "role", .to = "service accounts",
                .title = "impersonates service accounts",
                .what = "Requests are made with the rights of the service account.",
                .check = "kubectl auth can-i impersonate serviceaccounts -n NAMESPACE --as USER",
                .technique = "T1134", .fix = "Name the accounts that may be impersonated.",
                .steps = 1, .cost = 2 END
        ROW(IMPERSONATE_USER) .from = "role", .to = "users", .title = "impersonates users",
                .what = "Requests are made with the rights of the user.",
                .check = "kubectl auth can-i impersonate users --as USER", .technique = "T1134",
                .fix = "Name the users that may be impersonated.", .steps = 1, .cost = 2 END
        ROW(WEBHOOK_MUTATING) .from = "role", .to = "admin", .title = "mutating webhooks",
                .what = "A webhook of one's own rewrites what others write: a pod of the system, "
                        "a binding of an administrator.",
                .check = "kubectl auth can-i create mutatingwebhookconfigurations --as USER",
                .technique = "T1546", .fix = "Name the configurations that may be changed.",
                .steps = 1, .cost = 2 END
        ROW(WEBHOOK_VALIDATING) .from = "role", .to = "secrets", .title = "validating webhooks",
                .what = "A webhook of one's own is shown every object that is written, secrets "
                        "too.",
                .check = "kubectl auth can-i create validatingwebhookconfigurations --as USER",
                .technique = "T1557", .fix = "Name the configurations that may be changed.",
                .steps = 1, .cost = 2 END
        ROW(API_SERVICE) .from = "role", .to = "own pods", .title = "takes over an API group",
                .what = "An APIService sends all requests for a group to a server of one's own: it "
                        "hands jobs or deployments of its making to the controllers, which create "
                        "their pods in any namespace.",
                .check = "kubectl auth can-i create apiservices.apiregistration.k8s.io --as USER",
                .technique = "T1557", .fix = "Name the APIServices that may be changed.",
                .steps = 1, .cost = 2 END
        ROW(CRD_CONVERSION) .from = "role", .to = "custom resources",
                .title = "conversion webhooks",
                .what = "A conversion webhook sees and rewrites every object of its kind: what "
                        "operators are told to do.",
                .check = "kubectl auth can-i patch customresourcedefinitions --as USER",
                .technique = "T1557", .fix = "Name the definitions that may be changed.",
                .steps = 1, .cost = 2 END
        ROW(AWS_AUTH) .from = "role", .to = "admin", .title = "writes kube-system/aws-auth",
                .what = "The ConfigMap says which roles of AWS are which groups of the cluster; "
                        "system:masters is one of them.",
                .check = "kubectl auth can-i patch configmaps/aws-auth -n kube-system --as USER",
                .technique = "T1098", .fix = "Use access entries of EKS, and name other ConfigMaps.",
                .steps = 1, .cost = 2 END
        ROW(DNS_CONFIG) .from = "role", .to = "traffic", .title = "writes the settings of DNS",
                .what = "Names of services resolve to wherever the settings of CoreDNS say.",
                .check = "kubectl auth can-i patch configmaps/coredns -n kube-system --as USER",
                .technique = "T1557", .fix = "Name the ConfigMaps that may be changed.",
                .steps = 1, .cost = 2 END
        ROW(POD_STATUS) .from = "role", .to = "traffic", .title = "relabels pods by their status",
                .what = "The labels of a pod may be changed with its status: it becomes part of "
                        "another service and is sent its requests.",
                .check = "kubectl auth can-i patch pods/status -n NAMESPACE --as USER",
                .technique = "T1557", .fix = "Take pods/status out of the role.", .steps = 1,
                .cost = 2 END
        ROW(ENDPOINTS_WRITE) .from = "role", .to = "traffic", .title = "writes endpoints",
                .what = "What is sent to a service goes to the addresses that its endpoints name.",
                .check = "kubectl auth can-i patch endpointslices -n NAMESPACE --as USER",
                .technique = "T1557", .fix = "Take endpoints and endpointslices out of the role.",
                .steps = 1, .cost = 2 END
        ROW(SERVICE_WRITE) .from = "role", .to = "traffic", .title = "writes services",
                .what = "A changed selector, or an external address of somebody else, draws "
                        "traffic to a pod of one's own.",
                .check = "kubectl auth can-i patch services -n NAMESPACE --as USER",
                .technique = "T1557", .fix = "Name the services that may be changed.", .steps = 1,
                .cost = 2 END
        ROW(SERVICE_STATUS) .from = "role", .to = "traffic",
                .title = "writes the address of load balancers",
                .what = "The address in the status of a service is routed to the service on every "
                        "node: also one that is somebody else's (CVE-2020-8554).",
                .check = "kubectl auth can-i patch services/status -n NAMESPACE --as USER",
                .technique = "T1557", .fix = "Take services/status out of the role.", .steps = 1,
                .cost = 1 END
        ROW(ROUTE_WRITE) .from = "role", .to = "traffic", .title = "writes Ingresses and routes",
                .what = "Requests from outside are sent to a backend of one's own.",
                .check = "kubectl auth can-i patch ingresses -n NAMESPACE --as USER",
                .technique = "T1557", .fix = "Name the routes that may be changed.", .steps = 1,
                .cost = 2 END
        ROW(AZURE_EXCEPTION) .from = "role", .to = "cloud",
                .title = "exceptions of Azure pod identity",
                .what = "An exception lets pods of one's own reach the metadata service and with "
                        "it the identity of the nodes.",
                .check = "kubectl auth can-i create "
                         "azurepodidentityexceptions.aadpodidentity.k8s.io -n NAMESPACE --as USER",
                .technique = "T1552.005", .fix = "Take the resource out of the role.", .steps = 1,
                .cost = 1 END
        ROW(BOOTSTRAP_CREATE) .from = "role", .to = "group",
                .title = "creates bootstrap tokens",
                .what = "A secret of type bootstrap.kubernetes.io/token in kube-system is a token "
                        "with which nodes join the cluster.",
                .check = "kubectl auth can-i create secrets -n kube-system --as USER",
                .technique = "T1098.001", .fix = "Take create of secrets out of the role.",
                .steps = 1, .cost = 2 END

        /* --- rights together --- */
        ROW(MASTERS) .from = "group", .to = "admin", .title = "system:masters",
                .what = "Members of the group may do everything; no binding can take that away.",
                .check = "openssl x509 -noout -subject -in CLIENT.crt", .technique = "T1078.004",
                .fix = "Issue no certificates of the group.", .steps = 1, .cost = 0 END
        ROW(IMPERSONATE_GROUP) .from = "identity", .to = "groups",
                .title = "impersonates groups",
                .what = "With a user to act as, requests are made with the rights of the group; "
                        "system:masters is one of them.",
                .check = "kubectl auth can-i impersonate groups --as USER", .technique = "T1134",
                .fix = "Name the groups that may be impersonated.", .steps = 1, .cost = 2 END
        ROW(ROLE_BIND) .from = "identity", .to = "admin or role", .title = "binds roles",
                .what = "With `bind` on a role and the right to create bindings the role is given "
                        "to oneself.",
                .check = "kubectl auth can-i bind clusterroles --as USER\n"
                         "kubectl auth can-i create clusterrolebindings --as USER",
                .technique = "T1098.006", .fix = "Name the roles that may be bound.", .steps = 1,
                .cost = 2 END
        ROW(ROLE_ESCALATE) .from = "identity", .to = "admin", .title = "rewrites its own role",
                .what = "With `escalate` and the right to change roles any right is written into "
                        "a role that one holds.",
                .check = "kubectl auth can-i escalate clusterroles --as USER\n"
                         "kubectl auth can-i patch clusterroles --as USER",
                .technique = "T1098.006", .fix = "Take escalate out of the role.", .steps = 1,
                .cost = 2 END
        ROW(SECRET_MINT) .from = "identity", .to = "service accounts",
                .title = "makes and reads token secrets",
                .what = "A secret of type kubernetes.io/service-account-token is filled with "
                        "a token of the account that its annotation names.",
                .check = "kubectl auth can-i create secrets -n NAMESPACE --as USER\n"
                         "kubectl auth can-i get secrets -n NAMESPACE --as USER",
                .technique = "T1528", .fix = "Take create or get of secrets out of the role.",
                .steps = 1, .cost = 2 END
        ROW(CERTIFICATE) .from = "identity", .to = "users and groups",
                .title = "issues client certificates",
                .what = "Who creates and approves certificate requests for the signer of API "
                        "clients is any user and group but system:masters.",
                .check = "kubectl auth can-i update certificatesigningrequests/approval --as USER\n"
                         "kubectl auth can-i approve "
                         "signers.certificates.k8s.io/kubernetes.io/kube-apiserver-client --as USER",
                .technique = "T1649", .fix = "Take approve of the signer out of the role.",
                .steps = 1, .cost = 2 END
        ROW(CERTIFICATE_NODE) .from = "identity", .to = "kubelets",
                .title = "issues certificates of nodes",
                .what = "Who approves requests for the signer of kubelets is any node.",
                .check = "kubectl auth can-i approve "
                         "signers.certificates.k8s.io/kubernetes.io/kube-apiserver-client-kubelet "
                         "--as USER",
                .technique = "T1649", .fix = "Take approve of the signer out of the role.",
                .steps = 1, .cost = 2 END
        ROW(BOOTSTRAP_NODE) .from = "identity", .to = "kubelets",
                .title = "joins as a node",
                .what = "Requests for a node's certificate by those who may create "
                        "certificatesigningrequests/nodeclient are approved by the controller "
                        "manager, whatever node they name.",
                .check = "kubectl auth can-i create certificatesigningrequests/nodeclient --as USER",
                .technique = "T1649",
                .fix = "Remove the binding of node bootstrapping when no node has to join.",
                .steps = 1, .cost = 2 END
        ROW(NAMESPACE_LABEL) .from = "identity", .to = "nodes",
                .title = "lifts Pod Security, then creates pods",
                .what = "With the label of the namespace gone a privileged pod is admitted.",
                .check = "kubectl auth can-i patch namespaces/NAMESPACE --as USER",
                .technique = "T1562.001", .fix = "Take update and patch of namespaces away.",
                .steps = 1, .cost = 2 END
        ROW(PERSISTENT_VOLUME) .from = "identity", .to = "nodes",
                .title = "creates a volume of the node",
                .what = "A PersistentVolume of type hostPath, claimed and mounted, is the file "
                        "system of the node; Pod Security does not look at it.",
                .check = "kubectl auth can-i create persistentvolumes --as USER",
                .technique = "T1611", .fix = "Take create of persistentvolumes away.", .steps = 1,
                .cost = 2 END
        ROW(MUTATING_POLICY) .from = "identity", .to = "admin",
                .title = "mutating admission policies",
                .what = "A policy of one's own rewrites what others write.",
                .check = "kubectl auth can-i create mutatingadmissionpolicies --as USER\n"
                         "kubectl auth can-i create mutatingadmissionpolicybindings --as USER",
                .technique = "T1546", .fix = "Name the policies that may be changed.", .steps = 1,
                .cost = 2 END
        ROW(STEAL_PODS) .from = "service account", .to = "pods",
                .title = "draws pods to a node it controls",
                .what = "Who deletes pods and makes other nodes unschedulable has them started on "
                        "the node that was taken over.",
                .check = "kubectl auth can-i patch nodes --as USER\n"
                         "kubectl auth can-i delete pods --as USER",
                .technique = "T1496", .fix = "Take update of nodes away.", .steps = 1, .cost = 2 END

        /* --- pods of one's own --- */
        ROW(CREATE_WITH_ACCOUNT) .from = "own pods", .to = "service accounts",
                .title = "runs as any service account of the namespace",
                .what = "The pod names the service account and is given its token; nobody asks "
                        "whether its creator may use it.",
                .check = "kubectl get serviceaccounts -n NAMESPACE", .technique = "T1610",
                .fix = "Keep powerful accounts in namespaces of their own.", .steps = 1,
                .cost = 0 END
        ROW(CREATE_WITH_SECRET) .from = "own pods", .to = "secrets",
                .title = "mounts any secret of the namespace",
                .what = "The pod names the secret and is given it.",
                .check = "kubectl get secrets -n NAMESPACE", .technique = "T1552.007",
                .fix = "Keep secrets in the namespace of those who need them.", .steps = 1,
                .cost = 0 END
        ROW(CREATE_WITH_VOLUME) .from = "own pods", .to = "volume",
                .title = "mounts any volume of the namespace",
                .what = "The pod names the claim and is given the volume.",
                .check = "kubectl get persistentvolumeclaims -n NAMESPACE", .technique = "T1005",
                .fix = "", .steps = 1, .cost = 0 END
        ROW(CREATE_PRIVILEGED) .from = "own pods", .to = "nodes",
                .title = "creates a privileged pod",
                .what = "The namespace does not enforce a level of Pod Security that refuses "
                        "privileged pods, on whatever node they ask for.",
                .check = "kubectl get namespace NAMESPACE -o jsonpath='{.metadata.labels}'",
                .technique = "T1611",
                .fix = "Label the namespace pod-security.kubernetes.io/enforce: baseline.",
                .steps = 1, .cost = 2 END
        ROW(DEBUG_PRIVILEGED) .from = "debug containers", .to = "node",
                .title = "privileged debug container",
                .what = "The namespace admits a privileged ephemeral container on the node of "
                        "a running pod.",
                .check = "kubectl get namespace NAMESPACE -o jsonpath='{.metadata.labels}'",
                .technique = "T1611",
                .fix = "Label the namespace pod-security.kubernetes.io/enforce: baseline.",
                .steps = 1, .cost = 2 END
};
/* clang-format on */

const struct graph_attack *graph_attack_find(struct str id) {
        for (size_t i = 0; i < GRAPH_ATTACKS; i++) {
                struct str name = str_from(graph_attacks[i].id);
                size_t k = 0;

                while (k < id.len && k < name.len &&
                       (id.ptr[k] == name.ptr[k] ||
                        (id.ptr[k] >= 'a' && id.ptr[k] <= 'z' && id.ptr[k] - 32 == name.ptr[k]) ||
                        (id.ptr[k] == '-' && name.ptr[k] == '_')))
                        k++;
                if (k == id.len && k == name.len)
                        return &graph_attacks[i];
        }
        return NULL;
}
