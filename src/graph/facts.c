/* Reading objects: what of them matters for attacks. Everything is copied. */
#include "base/util.h"
#include "graph/private.h"

const struct graph_workload_kind graph_workload_kinds[GRAPH_WORKLOAD_KINDS] = {
        { "apps", "Deployment", "deployments" },
        { "apps", "StatefulSet", "statefulsets" },
        { "apps", "DaemonSet", "daemonsets" },
        { "apps", "ReplicaSet", "replicasets" },
        { "batch", "Job", "jobs" },
        { "batch", "CronJob", "cronjobs" },
        { "", "ReplicationController", "replicationcontrollers" },
};

/* --- keeping --- */

struct str graph_keep(struct graph *graph, struct str s) {
        struct map_entry *entry;
        struct str copy;

        if (s.len == 0)
                return STR("");
        entry = map_get(&graph->facts->strings, s);
        if (entry)
                return (struct str){ (const char *)entry, s.len };
        copy = arena_str(&graph->arena, s);
        map_put(&graph->facts->strings, copy)->value = (void *)(uintptr_t)copy.ptr;
        return copy;
}

struct graph_place graph_place_at(struct graph *graph, struct str file,
                                  const struct doc_node *node) {
        struct graph_facts *facts = graph->facts;

        if (file.len == 0 || !node)
                return (struct graph_place){ 0 };
        if (!str_eq(facts->file, file)) {
                facts->file = graph_keep(graph, file);
                *vec_push(&graph->files) = facts->file;
                facts->file_number = (uint32_t)graph->files.count - 1;
        }
        return (struct graph_place){ facts->file_number, node->start.line, node->start.column };
}

struct graph_namespace *graph_namespace(struct graph *graph, struct str name) {
        struct graph_namespace *namespace = map_get(&graph->facts->namespaces, name);

        if (namespace)
                return namespace;
        namespace = arena_new(&graph->arena, struct graph_namespace);
        namespace->name = graph_keep(graph, name);
        map_put(&graph->facts->namespaces, namespace->name)->value = namespace;
        return namespace;
}

/* "a/b", kept. */
static struct str pair(struct graph *graph, struct str a, struct str b) {
        return arena_printf(&graph->arena, "%.*s/%.*s", STR_ARG(a), STR_ARG(b));
}

static struct str text(const struct doc_node *node) {
        return doc_string(node, STR(""));
}

static const struct doc_node *list_item(const struct doc_node *list, uint32_t i) {
        return list && list->kind == DOC_LIST && i < list->list.count ? &list->list.items[i] : NULL;
}

/* --- kinds --- */

struct reading {
        struct graph *graph;
        struct graph_facts *facts;
        struct str file;
        const struct resource *resource;
        struct graph_place place;
};

static void read_namespace(struct reading *reading) {
        const struct doc_node *labels = doc_find(reading->resource->object, "metadata", "labels");
        const struct doc_node *level = doc_get(labels, STR("pod-security.kubernetes.io/enforce"));
        struct graph_namespace *namespace =
                graph_namespace(reading->graph, reading->resource->name);
        struct str word = text(level);

        namespace->declared = true;
        namespace->place = reading->place;
        namespace->level_place = graph_place_at(reading->graph, reading->file, level);
        /* A level that cannot be read is enforced as restricted (pod-security-admission/api,
         * ParseLevel). */
        namespace->level = !level || str_eq(word, STR("privileged")) ? GRAPH_PRIVILEGED
                           : str_eq(word, STR("baseline"))           ? GRAPH_BASELINE
                                                                     : GRAPH_RESTRICTED;
}

static void read_node(struct reading *reading) {
        const struct doc_node *labels = doc_find(reading->resource->object, "metadata", "labels");
        struct graph_node_fact *node = arena_new(&reading->graph->arena, struct graph_node_fact);

        node->name = graph_keep(reading->graph, reading->resource->name);
        node->control_plane = doc_get(labels, STR("node-role.kubernetes.io/control-plane")) ||
                              doc_get(labels, STR("node-role.kubernetes.io/master"));
        node->provider = graph_keep(
                reading->graph, text(doc_find(reading->resource->object, "spec", "providerID")));
        node->place = reading->place;
        map_put(&reading->facts->nodes, node->name)->value = node;
        reading->facts->any_node = true;
}

static enum graph_choice choice(const struct doc_node *node) {
        return !node || node->kind != DOC_BOOL ? GRAPH_UNSAID
               : node->boolean                 ? GRAPH_YES
                                               : GRAPH_NO;
}

/* Annotations with which a service account names its role in a cloud. */
static struct str cloud_role(struct graph *graph, const struct doc_node *annotations) {
        static const char *const keys[][2] = {
                { "eks.amazonaws.com/role-arn", "AWS role " },
                { "iam.gke.io/gcp-service-account", "Google service account " },
                { "azure.workload.identity/client-id", "Azure identity " },
        };

        for (size_t i = 0; i < ELEMENTS(keys); i++) {
                struct str value = text(doc_get(annotations, str_from(keys[i][0])));

                if (value.len > 0)
                        return arena_printf(&graph->arena, "%s%.*s", keys[i][1], STR_ARG(value));
        }
        return STR("");
}

static void read_account(struct reading *reading) {
        const struct doc_node *object = reading->resource->object;
        struct graph_account_fact *account =
                arena_new(&reading->graph->arena, struct graph_account_fact);

        account->namespace = graph_keep(reading->graph, reading->resource->namespace);
        account->name = graph_keep(reading->graph, reading->resource->name);
        account->automount = choice(doc_get(object, STR("automountServiceAccountToken")));
        account->cloud = cloud_role(reading->graph, doc_find(object, "metadata", "annotations"));
        account->place = reading->place;
        map_put(&reading->facts->accounts, pair(reading->graph, account->namespace, account->name))
                ->value = account;
}

/* Of Secrets of a cluster only the metadata is read, which has no type. Tokens are known by what
 * the controller that fills them writes, tokens to join by the name that they must have. */
static struct str secret_type(const struct resource *resource) {
        const struct doc_node *object = resource->object;

        if (!resource->metadata_only)
                return text(doc_get(object, STR("type")));
        if (doc_find(object, "metadata", "annotations", "kubernetes.io/service-account.uid"))
                return STR("kubernetes.io/service-account-token");
        if (str_starts(resource->name, STR("bootstrap-token-")))
                return STR("bootstrap.kubernetes.io/token");
        return STR("");
}

static void read_secret(struct reading *reading) {
        const struct doc_node *object = reading->resource->object;
        struct str type = secret_type(reading->resource);
        struct graph_secret_fact *secret = vec_push(&reading->facts->secrets);

        secret->namespace = graph_keep(reading->graph, reading->resource->namespace);
        secret->name = graph_keep(reading->graph, reading->resource->name);
        secret->place = reading->place;
        secret->bootstrap = str_eq(type, STR("bootstrap.kubernetes.io/token")) &&
                            str_eq(secret->namespace, STR("kube-system"));
        if (str_eq(type, STR("kubernetes.io/service-account-token")))
                secret->account = graph_keep(reading->graph,
                                             text(doc_find(object, "metadata", "annotations",
                                                           "kubernetes.io/service-account.name")));
        reading->facts->any_secret = true;
}

static void read_volume(struct reading *reading) {
        const struct doc_node *spec = doc_get(reading->resource->object, STR("spec"));
        struct graph_volume_fact *volume = vec_push(&reading->facts->volumes);
        struct str path = text(doc_find(spec, "hostPath", "path"));

        if (path.len == 0)
                path = text(doc_find(spec, "local", "path"));
        volume->name = graph_keep(reading->graph, reading->resource->name);
        volume->path = graph_keep(reading->graph, path);
        volume->claim_namespace =
                graph_keep(reading->graph, text(doc_find(spec, "claimRef", "namespace")));
        volume->claim = graph_keep(reading->graph, text(doc_find(spec, "claimRef", "name")));
        volume->place = reading->place;
}

static void read_claim(struct reading *reading) {
        struct graph_claim_fact *claim = arena_new(&reading->graph->arena, struct graph_claim_fact);

        claim->namespace = graph_keep(reading->graph, reading->resource->namespace);
        claim->name = graph_keep(reading->graph, reading->resource->name);
        claim->volume = graph_keep(reading->graph,
                                   text(doc_find(reading->resource->object, "spec", "volumeName")));
        claim->place = reading->place;
        map_put(&reading->facts->claims, pair(reading->graph, claim->namespace, claim->name))
                ->value = claim;
}

/* Load balancers of a private network are marked by annotations of their clouds. */
static bool is_internal(const struct doc_node *annotations) {
        static const char *const marks[][2] = {
                { "service.beta.kubernetes.io/aws-load-balancer-internal", "true" },
                { "service.beta.kubernetes.io/aws-load-balancer-scheme", "internal" },
                { "service.beta.kubernetes.io/azure-load-balancer-internal", "true" },
                { "networking.gke.io/load-balancer-type", "Internal" },
                { "cloud.google.com/load-balancer-type", "Internal" },
                { "service.beta.kubernetes.io/oci-load-balancer-internal", "true" },
        };

        for (size_t i = 0; i < ELEMENTS(marks); i++)
                if (str_eq(text(doc_get(annotations, str_from(marks[i][0]))),
                           str_from(marks[i][1])))
                        return true;
        return false;
}

static void read_service(struct reading *reading) {
        const struct doc_node *object = reading->resource->object;
        const struct doc_node *spec = doc_get(object, STR("spec"));
        const struct doc_node *selector = doc_get(spec, STR("selector"));
        const struct doc_node *type = doc_get(spec, STR("type"));
        const struct doc_node *addresses = doc_get(spec, STR("externalIPs"));
        struct graph_service_fact *service =
                arena_new(&reading->graph->arena, struct graph_service_fact);

        service->namespace = graph_keep(reading->graph, reading->resource->namespace);
        service->name = graph_keep(reading->graph, reading->resource->name);
        service->place = service->how_place = reading->place;
        if (str_eq(text(type), STR("LoadBalancer")) &&
            !is_internal(doc_find(object, "metadata", "annotations"))) {
                service->how = STR("load balancer");
                service->how_place = graph_place_at(reading->graph, reading->file, type);
        } else if (str_eq(text(type), STR("NodePort"))) {
                service->how = STR("node port");
                service->how_place = graph_place_at(reading->graph, reading->file, type);
        } else if (list_item(addresses, 0)) {
                service->how = STR("external address");
                service->how_place = graph_place_at(reading->graph, reading->file, addresses);
        }
        if (selector && selector->kind == DOC_MAP && selector->map.count > 0) {
                service->selector =
                        arena_new_array(&reading->graph->arena, selector->map.count, struct str);
                for (uint32_t i = 0; i < selector->map.count; i++) {
                        const struct doc_entry *entry = &selector->map.entries[i];

                        service->selector[service->selector_count++] = graph_keep(
                                reading->graph,
                                arena_printf(&reading->graph->arena, "%.*s=%.*s",
                                             STR_ARG(entry->key), STR_ARG(text(&entry->value))));
                }
        }
        map_put(&reading->facts->services, pair(reading->graph, service->namespace, service->name))
                ->value = service;
}

static void add_route(struct reading *reading, struct str namespace, struct str service,
                      const struct doc_node *at) {
        struct graph_route_fact *route;

        if (service.len == 0)
                return;
        route = vec_push(&reading->facts->routes);
        route->namespace = graph_keep(reading->graph,
                                      namespace.len ? namespace : reading->resource->namespace);
        route->service = graph_keep(reading->graph, service);
        route->what =
                graph_keep(reading->graph, arena_printf(&reading->graph->arena, "%.*s %.*s/%.*s",
                                                        STR_ARG(reading->resource->kind),
                                                        STR_ARG(reading->resource->namespace),
                                                        STR_ARG(reading->resource->name)));
        route->place = graph_place_at(reading->graph, reading->file, at);
}

static void read_ingress(struct reading *reading) {
        const struct doc_node *spec = doc_get(reading->resource->object, STR("spec"));
        const struct doc_node *rules = doc_get(spec, STR("rules")), *rule, *path;
        const struct doc_node *standard = doc_find(spec, "defaultBackend", "service", "name");

        if (standard)
                add_route(reading, STR(""), text(standard), standard);
        for (uint32_t i = 0; (rule = list_item(rules, i)); i++) {
                const struct doc_node *paths = doc_find(rule, "http", "paths");

                for (uint32_t k = 0; (path = list_item(paths, k)); k++) {
                        const struct doc_node *name = doc_find(path, "backend", "service", "name");

                        if (!name)
                                name = doc_find(path, "backend", "serviceName");
                        if (name)
                                add_route(reading, STR(""), text(name), name);
                }
        }
}

/* HTTPRoute, GRPCRoute, TLSRoute, TCPRoute and UDPRoute of the Gateway API. */
static void read_route(struct reading *reading) {
        const struct doc_node *rules = doc_find(reading->resource->object, "spec", "rules"), *rule,
                              *backend;

        for (uint32_t i = 0; (rule = list_item(rules, i)); i++) {
                const struct doc_node *backends = doc_get(rule, STR("backendRefs"));

                for (uint32_t k = 0; (backend = list_item(backends, k)); k++) {
                        struct str kind = doc_string(doc_get(backend, STR("kind")), STR("Service"));
                        const struct doc_node *name = doc_get(backend, STR("name"));

                        if (name && str_eq(kind, STR("Service")))
                                add_route(reading, text(doc_get(backend, STR("namespace"))),
                                          text(name), name);
                }
        }
}

/* The controller of the object, for pods that a ReplicaSet or a Job made. */
static void read_owner(struct reading *reading) {
        const struct doc_node *owners = doc_find(reading->resource->object, "metadata",
                                                 "ownerReferences"),
                              *owner;
        struct graph *graph = reading->graph;

        for (uint32_t i = 0; (owner = list_item(owners, i)); i++) {
                const struct doc_node *controls = doc_get(owner, STR("controller"));
                struct graph_owner *fact;

                if (!controls || controls->kind != DOC_BOOL || !controls->boolean)
                        continue;
                fact = arena_new(&graph->arena, struct graph_owner);
                fact->kind = graph_keep(graph, text(doc_get(owner, STR("kind"))));
                fact->name = graph_keep(graph, text(doc_get(owner, STR("name"))));
                map_put(&reading->facts->owners, arena_printf(&graph->arena, "%.*s/%.*s/%.*s",
                                                              STR_ARG(reading->resource->namespace),
                                                              STR_ARG(reading->resource->kind),
                                                              STR_ARG(reading->resource->name)))
                        ->value = fact;
                return;
        }
}

static void read_workload(struct reading *reading, size_t kind) {
        const struct resource *resource = reading->resource;
        struct graph *graph = reading->graph;
        const struct doc_node *template = NULL;

        graph_namespace(graph, resource->namespace)->workloads |= 1U << kind;
        map_put(&reading->facts->workloads,
                arena_printf(&graph->arena, "%.*s/%zu/%.*s", STR_ARG(resource->namespace), kind,
                             STR_ARG(resource->name)))
                ->value = graph;
        reading->facts->any_workload = true;
        read_owner(reading);
        if (kube_pod_templates(resource->known, resource->object, &template, 1) == 1)
                graph_read_pod(graph, reading->file, resource, template, true);
}

bool graph_has_workload(const struct graph *graph, struct str namespace, struct str kind,
                        struct str name) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < GRAPH_WORKLOAD_KINDS; i++) {
                if (!str_eq(kind, str_from(graph_workload_kinds[i].kind)))
                        continue;
                buf_printf(&key, "%.*s/%zu/%.*s", STR_ARG(namespace), i, STR_ARG(name));
                return map_get(&graph->facts->workloads, buf_str(&key));
        }
        return false;
}

static void read_config_map(struct reading *reading) {
        if (str_eq(reading->resource->namespace, STR("kube-system")) &&
            str_eq(reading->resource->name, STR("aws-auth")))
                reading->facts->aws_auth = true;
}

static void read_runtime_class(struct reading *reading) {
        struct str handler = text(doc_get(reading->resource->object, STR("handler")));
        static const char *const sandboxes[] = { "runsc", "gvisor", "kata", "firecracker",
                                                 "quark" };

        for (size_t i = 0; i < ELEMENTS(sandboxes); i++)
                if (str_starts(handler, str_from(sandboxes[i])))
                        map_put(&reading->facts->sandboxes,
                                graph_keep(reading->graph, reading->resource->name))
                                ->value = reading->graph;
}

static const struct {
        const char *group, *resource;
        void (*read)(struct reading *reading);
} readers[] = {
        { "", "namespaces", read_namespace },
        { "", "nodes", read_node },
        { "", "serviceaccounts", read_account },
        { "", "secrets", read_secret },
        { "", "configmaps", read_config_map },
        { "", "persistentvolumes", read_volume },
        { "", "persistentvolumeclaims", read_claim },
        { "", "services", read_service },
        { "networking.k8s.io", "ingresses", read_ingress },
        { "gateway.networking.k8s.io", "httproutes", read_route },
        { "gateway.networking.k8s.io", "grpcroutes", read_route },
        { "gateway.networking.k8s.io", "tlsroutes", read_route },
        { "gateway.networking.k8s.io", "tcproutes", read_route },
        { "gateway.networking.k8s.io", "udproutes", read_route },
        { "node.k8s.io", "runtimeclasses", read_runtime_class },
};

/* API groups whose objects say that an operator is at work. */
static const char *const marker_groups[] = { "argoproj.io",
                                             "kustomize.toolkit.fluxcd.io",
                                             "helm.toolkit.fluxcd.io",
                                             "tekton.dev",
                                             "serving.knative.dev",
                                             "sparkoperator.k8s.io",
                                             "kubevirt.io",
                                             "batch.volcano.sh",
                                             "aadpodidentity.k8s.io",
                                             "apps.kruise.io",
                                             "kubeflow.org",
                                             "ray.io" };

static bool is_marker(struct str group) {
        for (size_t i = 0; i < ELEMENTS(marker_groups); i++)
                if (str_eq(group, str_from(marker_groups[i])))
                        return true;
        return false;
}

static int workload_kind(struct str group, struct str resource) {
        for (size_t i = 0; i < GRAPH_WORKLOAD_KINDS; i++)
                if (str_eq(resource, str_from(graph_workload_kinds[i].resource)) &&
                    (str_eq(group, str_from(graph_workload_kinds[i].group)) ||
                     str_eq(group, STR("extensions"))))
                        return (int)i;
        return -1;
}

bool graph_reads(struct str group, struct str resource) {
        for (size_t i = 0; i < ELEMENTS(readers); i++)
                if (str_eq(group, str_from(readers[i].group)) &&
                    str_eq(resource, str_from(readers[i].resource)))
                        return true;
        return str_eq(group, STR("rbac.authorization.k8s.io")) || net_reads(group, resource) ||
               is_marker(group) || (group.len == 0 && str_eq(resource, STR("pods"))) ||
               workload_kind(group, resource) >= 0 ||
               (str_eq(group, STR("apiextensions.k8s.io")) &&
                str_eq(resource, STR("customresourcedefinitions")));
}

static void see_group(struct graph *graph, struct str group) {
        if (is_marker(group))
                map_put(&graph->facts->seen_groups, graph_keep(graph, group))->value = graph;
}

void graph_add(struct graph *graph, struct str file, const struct resource *resource) {
        struct reading reading = { graph, graph->facts, file, resource,
                                   graph_place_at(graph, file, resource->object) };
        int kind = workload_kind(resource->group, resource->resource);

        if (resource->metadata_only &&
            !(resource->group.len == 0 && str_eq(resource->resource, STR("secrets"))))
                return;
        net_index_add(&graph->facts->net, file, resource);
        if (str_eq(resource->group, STR("rbac.authorization.k8s.io"))) {
                graph->facts->any_rbac = true;
                rbac_index_add(&graph->rbac, file, resource);
                return;
        }
        see_group(graph, resource->group);
        if (str_eq(resource->kind, STR("CustomResourceDefinition")))
                see_group(graph, text(doc_find(resource->object, "spec", "group")));
        if (resource->namespaced && resource->namespace.len > 0)
                graph_namespace(graph, resource->namespace);
        if (kind >= 0) {
                read_workload(&reading, (size_t)kind);
                return;
        }
        if (resource->group.len == 0 && str_eq(resource->resource, STR("pods"))) {
                read_owner(&reading);
                graph_read_pod(graph, file, resource, resource->object, false);
                return;
        }
        for (size_t i = 0; i < ELEMENTS(readers); i++)
                if (str_eq(resource->group, str_from(readers[i].group)) &&
                    str_eq(resource->resource, str_from(readers[i].resource)))
                        readers[i].read(&reading);
}

void graph_facts_free(struct graph_facts *facts) {
        if (!facts)
                return;
        for (size_t i = 0; i < facts->namespaces.count; i++)
                vec_free(&((struct graph_namespace *)facts->namespaces.entries[i].value)->pods);
        for (size_t i = 0; i < facts->by_label.count; i++)
                vec_free(&((struct graph_pods *)facts->by_label.entries[i].value)->list);
        for (size_t i = 0; i < facts->by_name.count; i++)
                vec_free(&((struct graph_named *)facts->by_name.entries[i].value)->vertices);
        net_index_free(&facts->net);
        map_free(&facts->strings);
        map_free(&facts->namespaces);
        map_free(&facts->owners);
        map_free(&facts->accounts);
        map_free(&facts->nodes);
        map_free(&facts->claims);
        map_free(&facts->services);
        map_free(&facts->sandboxes);
        map_free(&facts->workloads);
        map_free(&facts->seen_groups);
        map_free(&facts->by_label);
        map_free(&facts->by_name);
        vec_free(&facts->pods);
        vec_free(&facts->secrets);
        vec_free(&facts->volumes);
        vec_free(&facts->routes);
        vec_free(&facts->roles);
        free(facts);
}
