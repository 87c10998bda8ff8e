/* What one right gives: the edges that leave a role, once for each place where it is granted. */
#include "base/util.h"
#include "graph/private.h"
#include "kube/version.h"

/* Verbs, as a row asks for one of them. */
enum {
        GET = 1 << 0,
        LIST = 1 << 1,
        WATCH = 1 << 2,
        CREATE = 1 << 3,
        UPDATE = 1 << 4,
        PATCH = 1 << 5,
        IMPERSONATE = 1 << 6,
        READ = LIST | WATCH,
        CHANGE = UPDATE | PATCH,
        WRITE = CREATE | CHANGE
};
static const char *const verb_names[] = { "get",    "list",  "watch",      "create",
                                          "update", "patch", "impersonate" };

enum {
        EVERYWHERE = 1 << 0, /* the resource has no namespace */
        SOCKET = 1 << 1,     /* `get` is enough, by WebSocket, before 1.35 */
        SYSTEM = 1 << 2,     /* only in kube-system */
        EXISTS = 1 << 3,     /* only where there is a workload of the kind */
        OPERATOR = 1 << 4,   /* only where the operator is known, or the rule names its group */
        AWS = 1 << 5,        /* only in clusters that have the ConfigMap */
        NO_NAMES = 1 << 6    /* a rule with names gives nothing that is known */
};

/* A right: VERBS on RESOURCE give TO. NAMED is the kind of one thing that a rule with resource
 * names gives; GRAPH_KINDS: the same as without. */
struct right {
        uint8_t attack;
        uint8_t verbs;
        uint8_t flags;
        uint8_t to, named;
        const char *group, *resource, *subresource;
        const char *name; /* of the one object that matters; NULL: any */
};

static const struct right rights[] = {
        { GRAPH_POD_EXEC, CREATE, SOCKET, GRAPH_PODS, GRAPH_POD, "", "pods", "exec", NULL },
        { GRAPH_POD_ATTACH, CREATE, SOCKET, GRAPH_PODS, GRAPH_POD, "", "pods", "attach", NULL },
        { GRAPH_POD_DEBUG, CHANGE, 0, GRAPH_PODS, GRAPH_POD, "", "pods", "ephemeralcontainers",
          NULL },
        { GRAPH_POD_DEBUG, CHANGE, NO_NAMES, GRAPH_DEBUG, GRAPH_KINDS, "", "pods",
          "ephemeralcontainers", NULL },
        { GRAPH_POD_PATCH, CHANGE, 0, GRAPH_PODS, GRAPH_POD, "", "pods", "", NULL },
        { GRAPH_POD_CREATE, CREATE, 0, GRAPH_CREATE, GRAPH_KINDS, "", "pods", "", NULL },
        { GRAPH_WORKLOAD_CREATE, CREATE, 0, GRAPH_CREATE, GRAPH_KINDS, "apps", "deployments", "",
          NULL },
        { GRAPH_WORKLOAD_CREATE, CREATE, 0, GRAPH_CREATE, GRAPH_KINDS, "apps", "statefulsets", "",
          NULL },
        { GRAPH_WORKLOAD_CREATE, CREATE, 0, GRAPH_CREATE, GRAPH_KINDS, "apps", "daemonsets", "",
          NULL },
        { GRAPH_WORKLOAD_CREATE, CREATE, 0, GRAPH_CREATE, GRAPH_KINDS, "apps", "replicasets", "",
          NULL },
        { GRAPH_WORKLOAD_CREATE, CREATE, 0, GRAPH_CREATE, GRAPH_KINDS, "batch", "jobs", "", NULL },
        { GRAPH_WORKLOAD_CREATE, CREATE, 0, GRAPH_CREATE, GRAPH_KINDS, "batch", "cronjobs", "",
          NULL },
        { GRAPH_WORKLOAD_CREATE, CREATE, 0, GRAPH_CREATE, GRAPH_KINDS, "", "replicationcontrollers",
          "", NULL },
        { GRAPH_WORKLOAD_UPDATE, CHANGE, EXISTS, GRAPH_CREATE, GRAPH_KINDS, "apps", "deployments",
          "", NULL },
        { GRAPH_WORKLOAD_UPDATE, CHANGE, EXISTS, GRAPH_CREATE, GRAPH_KINDS, "apps", "statefulsets",
          "", NULL },
        { GRAPH_WORKLOAD_UPDATE, CHANGE, EXISTS, GRAPH_CREATE, GRAPH_KINDS, "apps", "daemonsets",
          "", NULL },
        { GRAPH_WORKLOAD_UPDATE, CHANGE, EXISTS, GRAPH_CREATE, GRAPH_KINDS, "apps", "replicasets",
          "", NULL },
        { GRAPH_WORKLOAD_UPDATE, CHANGE, EXISTS, GRAPH_CREATE, GRAPH_KINDS, "batch", "cronjobs", "",
          NULL },
        { GRAPH_WORKLOAD_UPDATE, CHANGE, EXISTS, GRAPH_CREATE, GRAPH_KINDS, "",
          "replicationcontrollers", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "argoproj.io",
          "workflows", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "argoproj.io",
          "cronworkflows", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "argoproj.io",
          "rollouts", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "tekton.dev",
          "taskruns", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "tekton.dev",
          "pipelineruns", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "serving.knative.dev",
          "services", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "sparkoperator.k8s.io",
          "sparkapplications", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "batch.volcano.sh",
          "jobs", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "apps.kruise.io",
          "clonesets", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "kubeflow.org",
          "notebooks", "", NULL },
        { GRAPH_CUSTOM_WORKLOAD, WRITE, OPERATOR, GRAPH_CREATE, GRAPH_KINDS, "ray.io",
          "rayclusters", "", NULL },
        { GRAPH_TOKEN_REQUEST, CREATE, 0, GRAPH_ACCOUNTS, GRAPH_ACCOUNT, "", "serviceaccounts",
          "token", NULL },
        { GRAPH_SECRET_LIST, READ, 0, GRAPH_SECRETS, GRAPH_SECRET, "", "secrets", "", NULL },
        { GRAPH_SECRET_GET, GET, 0, GRAPH_SECRETS, GRAPH_SECRET, "", "secrets", "", NULL },
        { GRAPH_NODES_PROXY, GET | CREATE, EVERYWHERE, GRAPH_NODE_PODS, GRAPH_NODE_PODS, "",
          "nodes", "proxy", NULL },
        { GRAPH_POD_PROXY, GET | CREATE, 0, GRAPH_ENDPOINTS, GRAPH_POD, "", "pods", "proxy", NULL },
        { GRAPH_SERVICE_PROXY, GET | CREATE, 0, GRAPH_ENDPOINTS, GRAPH_SERVICE, "", "services",
          "proxy", NULL },
        { GRAPH_PORT_FORWARD, CREATE, SOCKET, GRAPH_ENDPOINTS, GRAPH_POD, "", "pods", "portforward",
          NULL },
        { GRAPH_IMPERSONATE_ACCOUNT, IMPERSONATE, 0, GRAPH_ACCOUNTS, GRAPH_ACCOUNT, "",
          "serviceaccounts", "", NULL },
        { GRAPH_IMPERSONATE_USER, IMPERSONATE, EVERYWHERE, GRAPH_USERS, GRAPH_USER, "", "users", "",
          NULL },
        { GRAPH_WEBHOOK_MUTATING, WRITE, EVERYWHERE, GRAPH_ADMIN, GRAPH_KINDS,
          "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", NULL },
        { GRAPH_WEBHOOK_VALIDATING, WRITE, EVERYWHERE, GRAPH_SECRETS, GRAPH_KINDS,
          "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", NULL },
        { GRAPH_API_SERVICE, WRITE, EVERYWHERE, GRAPH_CREATE, GRAPH_KINDS, "apiregistration.k8s.io",
          "apiservices", "", NULL },
        { GRAPH_CRD_CONVERSION, CHANGE, EVERYWHERE, GRAPH_CUSTOM, GRAPH_KINDS,
          "apiextensions.k8s.io", "customresourcedefinitions", "", NULL },
        { GRAPH_AWS_AUTH, CHANGE, SYSTEM | AWS, GRAPH_ADMIN, GRAPH_KINDS, "", "configmaps", "",
          "aws-auth" },
        { GRAPH_DNS_CONFIG, CHANGE, SYSTEM, GRAPH_TRAFFIC, GRAPH_KINDS, "", "configmaps", "",
          "coredns" },
        { GRAPH_POD_STATUS, CHANGE, 0, GRAPH_TRAFFIC, GRAPH_KINDS, "", "pods", "status", NULL },
        { GRAPH_ENDPOINTS_WRITE, WRITE, 0, GRAPH_TRAFFIC, GRAPH_KINDS, "", "endpoints", "", NULL },
        { GRAPH_ENDPOINTS_WRITE, WRITE, 0, GRAPH_TRAFFIC, GRAPH_KINDS, "discovery.k8s.io",
          "endpointslices", "", NULL },
        { GRAPH_SERVICE_WRITE, WRITE, 0, GRAPH_TRAFFIC, GRAPH_KINDS, "", "services", "", NULL },
        { GRAPH_SERVICE_STATUS, CHANGE, 0, GRAPH_TRAFFIC, GRAPH_KINDS, "", "services", "status",
          NULL },
        { GRAPH_ROUTE_WRITE, WRITE, 0, GRAPH_TRAFFIC, GRAPH_KINDS, "networking.k8s.io", "ingresses",
          "", NULL },
        { GRAPH_ROUTE_WRITE, WRITE, 0, GRAPH_TRAFFIC, GRAPH_KINDS, "gateway.networking.k8s.io",
          "httproutes", "", NULL },
        { GRAPH_AZURE_EXCEPTION, CREATE, OPERATOR, GRAPH_CLOUD, GRAPH_KINDS,
          "aadpodidentity.k8s.io", "azurepodidentityexceptions", "", NULL },
        { GRAPH_BOOTSTRAP_CREATE, CREATE, SYSTEM, GRAPH_GROUP, GRAPH_KINDS, "", "secrets", "",
          NULL },
        { GRAPH_GITOPS, WRITE, OPERATOR, GRAPH_ACCOUNT, GRAPH_KINDS, "argoproj.io", "applications",
          "", "argocd-application-controller" },
        { GRAPH_GITOPS, WRITE, OPERATOR, GRAPH_ACCOUNT, GRAPH_KINDS, "kustomize.toolkit.fluxcd.io",
          "kustomizations", "", "kustomize-controller" },
        { GRAPH_GITOPS, WRITE, OPERATOR, GRAPH_ACCOUNT, GRAPH_KINDS, "helm.toolkit.fluxcd.io",
          "helmreleases", "", "helm-controller" },
};

/* --- where rights are written --- */

struct graph_place graph_rbac_place(struct graph *graph, struct rbac_place place,
                                    struct doc_pos pos) {
        struct doc_node at = { .start = pos.line ? pos : place.pos };

        return graph_place_at(graph, place.file, &at);
}

static struct str role_text(struct graph *graph, const struct rbac_role *role) {
        if (role->cluster)
                return arena_printf(&graph->arena, "ClusterRole %.*s", STR_ARG(role->name));
        return arena_printf(&graph->arena, "Role %.*s/%.*s", STR_ARG(role->namespace),
                            STR_ARG(role->name));
}

/* Roles that the API server makes are put back when it starts. */
static bool is_built_in(const struct rbac_role *role) {
        return role->place.file.len == 0 ||
               str_eq(doc_string(doc_get(role->labels, STR("kubernetes.io/bootstrapping")),
                                 STR("")),
                      STR("rbac-defaults"));
}

uint32_t graph_rule_change(struct graph *graph, const struct rbac_rule *rule) {
        struct graph_place place = graph_rbac_place(graph, rule->role->place, rule->pos);
        struct str text, key;

        if (is_built_in(rule->role))
                return 0;
        text = arena_printf(&graph->arena, "%.*s: narrow the rule in line %u",
                            STR_ARG(role_text(graph, rule->role)), rule->pos.line);
        key = arena_printf(&graph->arena, "%.*s %u:%u", STR_ARG(text), place.file, place.column);
        return graph_change(graph, key, text, 2, place);
}

uint32_t graph_binding_change(struct graph *graph, const struct rbac_binding *binding) {
        struct graph_place place = graph_rbac_place(graph, binding->place, (struct doc_pos){ 0 });
        struct str text;

        if (binding->standard || binding->place.file.len == 0)
                return 0;
        text = binding->cluster ? arena_printf(&graph->arena, "remove ClusterRoleBinding %.*s",
                                               STR_ARG(binding->name))
                                : arena_printf(&graph->arena, "remove RoleBinding %.*s/%.*s",
                                               STR_ARG(binding->namespace), STR_ARG(binding->name));
        return graph_change(graph, text, text, binding->subject_count > 1 ? 3 : 2, place);
}

uint32_t graph_role(struct graph *graph, const struct rbac_role *role, struct str scope) {
        struct str kind = role->cluster ? STR("ClusterRole") : STR("Role");
        uint32_t number = graph_find(graph, GRAPH_ROLE, scope, role->name, kind);

        if (number != UINT32_MAX)
                return number;
        number = graph_vertex(graph, GRAPH_ROLE, scope, role->name, kind);
        graph->vertices.items[number].place =
                graph_rbac_place(graph, role->place, (struct doc_pos){ 0 });
        *vec_push(&graph->facts->roles) =
                (struct graph_granted){ number, role, graph->vertices.items[number].namespace };
        if (scope.len > 0)
                graph_namespace(graph, scope);
        return number;
}

/* --- things by their names --- */

static void index_names(struct graph *graph) {
        for (size_t i = 0; i < graph->vertices.count; i++) {
                const struct graph_vertex *vertex = &graph->vertices.items[i];
                struct map_entry *entry;
                struct str key;

                if (vertex->kind != GRAPH_POD && vertex->kind != GRAPH_ACCOUNT &&
                    vertex->kind != GRAPH_SECRET && vertex->kind != GRAPH_SERVICE)
                        continue;
                key = arena_printf(&graph->arena, "%d %.*s", (int)vertex->kind,
                                   STR_ARG(vertex->name));
                entry = map_put(&graph->facts->by_name, key);
                if (!entry->value)
                        entry->value = arena_new(&graph->arena, struct graph_named);
                *vec_push(&((struct graph_named *)entry->value)->vertices) = (uint32_t)i;
        }
}

/* --- one rule --- */

/* A role in a scope, and the rule and row that are looked at. */
struct granting {
        struct graph *graph;
        uint32_t vertex;
        struct str scope; /* empty: everywhere */
        const struct rbac_rule *rule;
        const struct right *right;
        struct graph_because because;
};

static void give(const struct granting *granting, uint32_t to) {
        graph_edge(granting->graph, granting->vertex, to, granting->right->attack,
                   &granting->because);
}

static bool lists(const struct rbac_strings *strings, struct str wanted) {
        for (size_t i = 0; i < strings->count; i++)
                if (str_eq(strings->items[i], wanted))
                        return true;
        return false;
}

/* Whether RULE has one of the verbs of RIGHT; create of something new has no name yet. */
static bool has_verb(const struct graph *graph, const struct rbac_rule *rule,
                     const struct right *right) {
        struct rbac_request request = { .group = str_from(right->group),
                                        .resource = str_from(right->resource),
                                        .subresource = str_from(right->subresource),
                                        .any_name = true };
        uint32_t verbs = right->verbs;

        if ((right->flags & SOCKET) && graph_minor(graph) < 35)
                verbs |= GET;
        if (rule->names.count > 0 && request.subresource.len == 0)
                verbs &= ~(uint32_t)CREATE;
        for (size_t i = 0; i < ELEMENTS(verb_names); i++) {
                request.verb = str_from(verb_names[i]);
                if ((verbs & (1U << i)) && rbac_rule_allows(rule, &request))
                        return true;
        }
        return false;
}

static int workload_kind(const struct right *right) {
        for (size_t i = 0; i < GRAPH_WORKLOAD_KINDS; i++)
                if (strcmp(right->resource, graph_workload_kinds[i].resource) == 0)
                        return (int)i;
        return 0;
}

static bool has_workload(const struct granting *granting, const struct graph_namespace *namespace) {
        int kind = workload_kind(granting->right);

        if (!(namespace->workloads & (1U << kind)))
                return false;
        for (size_t i = 0; i < granting->rule->names.count; i++)
                if (graph_has_workload(granting->graph, namespace->name,
                                       str_from(graph_workload_kinds[kind].kind),
                                       granting->rule->names.items[i]))
                        return true;
        return granting->rule->names.count == 0;
}

/* Only where there is something to change. */
static void give_where_it_exists(const struct granting *granting) {
        const struct map *namespaces = &granting->graph->facts->namespaces;

        for (size_t i = 0; i < namespaces->count; i++) {
                const struct graph_namespace *namespace = namespaces->entries[i].value;

                if ((granting->scope.len == 0 || str_eq(granting->scope, namespace->name)) &&
                    has_workload(granting, namespace))
                        give(granting, graph_hyper(granting->graph, GRAPH_CREATE, namespace->name));
        }
}

/* One name of a rule with names, in the scope or in any namespace. */
static void give_named(const struct granting *granting, struct str name) {
        const struct right *right = granting->right;
        struct graph *graph = granting->graph;
        const struct graph_named *named;
        struct buf key _cleanup_(buf_free) = BUF_INIT;

        if (right->named == GRAPH_USER) {
                give(granting, graph_vertex(graph, GRAPH_USER, STR(""), name, STR("")));
                return;
        }
        if (right->named == GRAPH_NODE_PODS) {
                if (graph_find(graph, GRAPH_NODE, STR(""), name, STR("")) != UINT32_MAX)
                        give(granting,
                             graph_vertex(graph, GRAPH_NODE_PODS, STR(""), name, STR("")));
                return;
        }
        if (granting->scope.len > 0) {
                uint32_t to = graph_find(graph, right->named, granting->scope, name, STR(""));

                /* A secret may be there without having been read. */
                if (to == UINT32_MAX && right->named == GRAPH_SECRET)
                        to = graph_vertex(graph, GRAPH_SECRET, granting->scope, name, STR(""));
                if (to != UINT32_MAX)
                        give(granting, to);
                return;
        }
        buf_printf(&key, "%d ", (int)right->named);
        buf_add(&key, name);
        named = map_get(&graph->facts->by_name, buf_str(&key));
        for (size_t i = 0; named && i < named->vertices.count; i++)
                give(granting, named->vertices.items[i]);
}

/* The accounts that delivery controllers are known by, in whatever namespace they stand. */
static void give_controller(const struct granting *granting) {
        const struct graph_named *named;
        struct buf key _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&key, "%d %s", (int)GRAPH_ACCOUNT, granting->right->name);
        named = map_get(&granting->graph->facts->by_name, buf_str(&key));
        for (size_t i = 0; named && i < named->vertices.count; i++)
                give(granting, named->vertices.items[i]);
}

static void give_all(const struct granting *granting) {
        const struct right *right = granting->right;
        struct graph *graph = granting->graph;

        if (right->attack == GRAPH_GITOPS)
                give_controller(granting);
        else if (right->attack == GRAPH_AZURE_EXCEPTION)
                give(granting, graph_vertex(graph, GRAPH_CLOUD, STR(""),
                                            STR("Azure identity of the nodes"), STR("")));
        else if (right->attack == GRAPH_BOOTSTRAP_CREATE)
                give(granting, graph_vertex(graph, GRAPH_GROUP, STR(""),
                                            STR("system:bootstrappers"), STR("")));
        else if (right->flags & EXISTS)
                give_where_it_exists(granting);
        else
                give(granting, graph_hyper(graph, right->to,
                                           right->flags & SYSTEM ? STR("") : granting->scope));
}

/* Whether the row applies where the rule is granted. */
static bool applies(const struct granting *granting) {
        const struct right *right = granting->right;
        const struct graph_facts *facts = granting->graph->facts;

        if ((right->flags & EVERYWHERE) && granting->scope.len > 0)
                return false;
        if ((right->flags & SYSTEM) && granting->scope.len > 0 &&
            !str_eq(granting->scope, STR("kube-system")))
                return false;
        if ((right->flags & AWS) && !facts->aws_auth)
                return false;
        if ((right->flags & OPERATOR) && !map_get(&facts->seen_groups, str_from(right->group)) &&
            !lists(&granting->rule->groups, str_from(right->group)))
                return false;
        return has_verb(granting->graph, granting->rule, right);
}

static void grant_right(struct granting *granting) {
        const struct right *right = granting->right;
        const struct rbac_rule *rule = granting->rule;

        if (!applies(granting))
                return;
        if (rule->names.count == 0) {
                give_all(granting);
        } else if (right->flags & NO_NAMES) {
                return;
        } else if (right->named != GRAPH_KINDS) {
                for (size_t i = 0; i < rule->names.count; i++)
                        give_named(granting, rule->names.items[i]);
        } else if (!right->name || lists(&rule->names, str_from(right->name)) ||
                   right->attack == GRAPH_GITOPS) {
                give_all(granting);
        }
}

bool graph_is_everything(const struct rbac_rule *rule) {
        return rule->verbs.any && rule->groups.any && rule->resources.any && rule->names.count == 0;
}

static void grant_rule(struct granting *granting) {
        static const struct right everything = { .attack = GRAPH_ALL_RIGHTS };
        const struct rbac_rule *rule = granting->rule;

        granting->because =
                (struct graph_because){ .place = graph_rbac_place(granting->graph,
                                                                  rule->role->place, rule->pos),
                                        .changes = { graph_rule_change(granting->graph, rule) } };
        if (graph_is_everything(rule)) {
                granting->right = &everything;
                give(granting, graph_hyper(granting->graph, GRAPH_ADMIN, granting->scope));
        }
        for (size_t i = 0; i < ELEMENTS(rights); i++) {
                granting->right = &rights[i];
                grant_right(granting);
        }
}

void graph_make_rights(struct graph *graph) {
        index_names(graph);
        for (size_t i = 0; i < graph->facts->roles.count; i++) {
                const struct graph_granted granted = graph->facts->roles.items[i];
                struct granting granting = { .graph = graph,
                                             .vertex = granted.vertex,
                                             .scope = granted.scope };

                for (size_t k = 0; k < granted.role->rule_count; k++) {
                        granting.rule = granted.role->rules[k];
                        grant_rule(&granting);
                }
        }
}
