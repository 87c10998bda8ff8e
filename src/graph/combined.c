/* Identities: what is bound to them, what groups they are in, and attacks that take two rights. */
#include "base/util.h"
#include "graph/private.h"

#define RBAC "rbac.authorization.k8s.io"
#define CERTIFICATES "certificates.k8s.io"

/* Who asks: a user with the groups that authentication adds, or a group alone. */
struct asking {
        struct graph *graph;
        struct arena arena;
        const struct rbac_principal *principal;
        struct rbac_request who;
        struct str groups[RBAC_IMPLIED_GROUPS];
        uint32_t vertex;
        VEC(struct str) spaces; /* namespaces in which a binding names it */
};

/* What is asked for: the right that an edge needs. */
struct need {
        const char *verb, *group, *resource, *subresource;
        struct str namespace, name;
        bool any_name;
};

/* --- asking --- */

static struct rbac_request request_of(const struct asking *asking, const struct need *need) {
        struct rbac_request request = asking->who;

        request.verb = str_from(need->verb);
        request.group = str_from(need->group);
        request.resource = str_from(need->resource);
        request.subresource = str_from(need->subresource);
        request.namespace = need->namespace;
        request.name = need->name;
        request.any_name = need->any_name;
        return request;
}

static bool may(const struct asking *asking, const struct need *need) {
        struct rbac_request request = request_of(asking, need);
        struct rbac_decision decision;

        rbac_decide(&asking->graph->rbac, &request, &decision);
        return decision.allowed;
}

/* Any of VERBS, parted by blanks. */
static bool may_any(const struct asking *asking, const char *verbs, const struct need *need) {
        struct str rest = str_from(verbs), verb;
        char word[32];

        while (str_split(&rest, ' ', &verb)) {
                struct need one = *need;

                snprintf(word, sizeof word, "%.*s", STR_ARG(verb));
                one.verb = word;
                if (may(asking, &one))
                        return true;
        }
        return false;
}

static const struct rbac_principal *principal_at(const struct asking *asking, size_t i) {
        const struct rbac_index *rbac = &asking->graph->rbac;

        if (i == 0)
                return asking->who.user.len > 0 ? map_get(&rbac->users, asking->who.user) : NULL;
        return map_get(&rbac->groups, asking->who.groups[i - 1]);
}

static bool holds_in(const struct rbac_grant *grant, struct str namespace) {
        return grant->role && (grant->binding->cluster ||
                               (namespace.len > 0 && str_eq(grant->binding->namespace, namespace)));
}

/* --- edges --- */

/* Ways to one right that are told apart at most. */
enum { WAYS_MAX = 64 };

/* One edge for each rule of each binding that gives NEED: each of them has to go before the right
 * is gone, and either the rule or the binding takes it away. */
static void join(const struct asking *asking, uint32_t to, enum graph_attack_id attack,
                 const struct need *need) {
        struct rbac_request request = request_of(asking, need);
        size_t ways = 0;

        for (size_t i = 0; i <= asking->who.group_count; i++) {
                const struct rbac_principal *principal = principal_at(asking, i);

                for (size_t k = 0; principal && k < principal->grants.count; k++) {
                        const struct rbac_grant *grant = &principal->grants.items[k];

                        for (size_t r = 0;
                             holds_in(grant, need->namespace) && r < grant->role->rule_count; r++) {
                                const struct rbac_rule *rule = grant->role->rules[r];
                                struct graph_because because = { 0 };

                                /* Who may do everything needs no detour: the role leads there. */
                                if (graph_is_everything(rule) ||
                                    !rbac_rule_allows(rule, &request) || ways++ >= WAYS_MAX)
                                        continue;
                                because.place = graph_rbac_place(asking->graph, rule->role->place,
                                                                 rule->pos);
                                because.changes[0] = graph_rule_change(asking->graph, rule);
                                because.changes[1] =
                                        graph_binding_change(asking->graph, grant->binding);
                                graph_edge(asking->graph, asking->vertex, to, attack, &because);
                        }
                }
        }
}

static uint32_t hyper(const struct asking *asking, enum graph_kind kind, struct str namespace) {
        return graph_hyper(asking->graph, kind, namespace);
}

/* --- pods --- */

static bool may_create_pods(const struct asking *asking, struct str namespace) {
        struct need need = { "create", "", "pods", "", namespace, STR(""), false };

        if (may(asking, &need))
                return true;
        for (size_t i = 0; i < GRAPH_WORKLOAD_KINDS; i++) {
                need.group = graph_workload_kinds[i].group;
                need.resource = graph_workload_kinds[i].resource;
                if (may(asking, &need))
                        return true;
        }
        return false;
}

/* --- roles --- */

/* The names of clusterroles that may be bound one by one. */
static void bind_named(const struct asking *asking, struct str scope, const struct need *need) {
        const struct rbac_index *rbac = &asking->graph->rbac;

        for (size_t i = 0; i <= asking->who.group_count; i++) {
                const struct rbac_principal *principal = principal_at(asking, i);

                for (size_t k = 0; principal && k < principal->grants.count; k++) {
                        const struct rbac_grant *grant = &principal->grants.items[k];

                        for (size_t r = 0; holds_in(grant, scope) && r < grant->role->rule_count;
                             r++) {
                                const struct rbac_rule *rule = grant->role->rules[r];
                                struct rbac_request request = request_of(asking, need);

                                request.any_name = true;
                                if (!rbac_rule_allows(rule, &request))
                                        continue;
                                for (size_t n = 0; n < rule->names.count; n++) {
                                        const struct rbac_role *role =
                                                map_get(&rbac->cluster_roles, rule->names.items[n]);
                                        struct need one = *need;

                                        one.name = rule->names.items[n];
                                        if (role)
                                                join(asking, graph_role(asking->graph, role, scope),
                                                     GRAPH_ROLE_BIND, &one);
                                }
                        }
                }
        }
}

static void bind_roles(const struct asking *asking, struct str namespace) {
        bool everywhere = namespace.len == 0;
        struct need create = {
                "create", RBAC, everywhere ? "clusterrolebindings" : "rolebindings", "", namespace,
                STR(""),  false
        };
        struct need bind = { "bind", RBAC, "clusterroles", "", namespace, STR(""), false };

        if (!may(asking, &create))
                return;
        if (may(asking, &bind))
                join(asking, hyper(asking, GRAPH_ADMIN, namespace), GRAPH_ROLE_BIND, &bind);
        else
                bind_named(asking, namespace, &bind);
}

/* Bindings may be made in every namespace, but not for the cluster. */
static void bind_in_all(const struct asking *asking) {
        const struct map *namespaces = &asking->graph->facts->namespaces;
        struct need create = { "create", RBAC, "rolebindings", "", STR(""), STR(""), false };
        struct need bind = { "bind", RBAC, "clusterroles", "", STR(""), STR(""), false };

        if (!may(asking, &create) || !may(asking, &bind))
                return;
        for (size_t i = 0; i < namespaces->count; i++)
                join(asking, hyper(asking, GRAPH_ADMIN, namespaces->entries[i].key),
                     GRAPH_ROLE_BIND, &bind);
}

/* Whether the role of GRANT can be filled with any right by who asks, here and now. */
static bool may_rewrite(const struct asking *asking, const struct rbac_grant *grant,
                        struct need *ret) {
        const struct rbac_role *role = grant->role;
        const char *resource = role->cluster ? "clusterroles" : "roles";
        struct str namespace = role->cluster ? STR("") : role->namespace;
        struct need escalate = { "escalate", RBAC, resource, "", namespace, role->name, false };
        struct need change = escalate;

        *ret = escalate;
        if (may(asking, &escalate) && may_any(asking, "update patch", &change))
                return true;
        /* A new ClusterRole with the right label becomes a part of it. */
        if (!role->selectors)
                return false;
        escalate.name = change.name = STR("");
        *ret = escalate;
        return may(asking, &escalate) && may_any(asking, "create", &change);
}

static void escalate_roles(const struct asking *asking) {
        for (size_t i = 0; i <= asking->who.group_count; i++) {
                const struct rbac_principal *principal = principal_at(asking, i);

                for (size_t k = 0; principal && k < principal->grants.count; k++) {
                        const struct rbac_grant *grant = &principal->grants.items[k];
                        struct need need;

                        if (grant->role && may_rewrite(asking, grant, &need))
                                join(asking,
                                     hyper(asking, GRAPH_ADMIN,
                                           grant->binding->cluster ? STR("")
                                                                   : grant->binding->namespace),
                                     GRAPH_ROLE_ESCALATE, &need);
                }
        }
}

/* --- identities --- */

static bool may_impersonate_someone(const struct asking *asking) {
        struct need user = { "impersonate", "", "users", "", STR(""), STR(""), true };
        struct need account = { "impersonate", "", "serviceaccounts", "", STR(""), STR(""), true };

        if (may(asking, &user) || may(asking, &account))
                return true;
        for (size_t i = 0; i < asking->spaces.count; i++) {
                account.namespace = asking->spaces.items[i];
                if (may(asking, &account))
                        return true;
        }
        return false;
}

/* The names of groups that rules allow to impersonate one by one. */
static void impersonate_named(const struct asking *asking, const struct need *need) {
        for (size_t i = 0; i <= asking->who.group_count; i++) {
                const struct rbac_principal *principal = principal_at(asking, i);

                for (size_t k = 0; principal && k < principal->grants.count; k++) {
                        const struct rbac_grant *grant = &principal->grants.items[k];

                        for (size_t r = 0; holds_in(grant, STR("")) && r < grant->role->rule_count;
                             r++) {
                                const struct rbac_rule *rule = grant->role->rules[r];
                                struct rbac_request request = request_of(asking, need);

                                if (!rbac_rule_allows(rule, &request))
                                        continue;
                                for (size_t n = 0; n < rule->names.count; n++) {
                                        struct need one = *need;

                                        one.name = rule->names.items[n];
                                        one.any_name = false;
                                        join(asking,
                                             graph_vertex(asking->graph, GRAPH_GROUP, STR(""),
                                                          one.name, STR("")),
                                             GRAPH_IMPERSONATE_GROUP, &one);
                                }
                        }
                }
        }
}

static void impersonate_groups(const struct asking *asking) {
        struct need need = { "impersonate", "", "groups", "", STR(""), STR(""), true };

        if (!may(asking, &need) || !may_impersonate_someone(asking))
                return;
        need.any_name = false;
        if (may(asking, &need)) {
                join(asking,
                     graph_vertex(asking->graph, GRAPH_GROUP, STR(""), STR("system:masters"),
                                  STR("")),
                     GRAPH_IMPERSONATE_GROUP, &need);
                join(asking, hyper(asking, GRAPH_GROUPS, STR("")), GRAPH_IMPERSONATE_GROUP, &need);
                return;
        }
        need.any_name = true;
        impersonate_named(asking, &need);
}

static void issue_certificates(const struct asking *asking) {
        struct need create = { "create", CERTIFICATES, "certificatesigningrequests", "", STR(""),
                               STR(""),  false };
        struct need approval = { "",         CERTIFICATES, "certificatesigningrequests",
                                 "approval", STR(""),      STR(""),
                                 true };
        struct need signer = { "approve", CERTIFICATES, "signers",
                               "",        STR(""),      STR("kubernetes.io/kube-apiserver-client"),
                               false };
        struct need node = create;

        if (!may(asking, &create))
                return;
        node.subresource = "nodeclient";
        if (may(asking, &node))
                join(asking, hyper(asking, GRAPH_KUBELET, STR("")), GRAPH_BOOTSTRAP_NODE, &node);
        if (!may_any(asking, "update patch", &approval))
                return;
        for (size_t i = 0; i < 2; i++) {
                bool kubelet = i == 1;
                bool allowed;

                signer.name = kubelet ? STR("kubernetes.io/kube-apiserver-client-kubelet")
                                      : STR("kubernetes.io/kube-apiserver-client");
                allowed = may(asking, &signer);
                if (!allowed) {
                        signer.name = STR("kubernetes.io/*");
                        allowed = may(asking, &signer);
                }
                if (!allowed)
                        continue;
                if (kubelet) {
                        join(asking, hyper(asking, GRAPH_KUBELET, STR("")), GRAPH_CERTIFICATE_NODE,
                             &signer);
                        continue;
                }
                join(asking, hyper(asking, GRAPH_USERS, STR("")), GRAPH_CERTIFICATE, &signer);
                join(asking, hyper(asking, GRAPH_GROUPS, STR("")), GRAPH_CERTIFICATE, &signer);
        }
}

static void mint_tokens(const struct asking *asking, struct str namespace) {
        struct need create = { "create", "", "secrets", "", namespace, STR(""), false };
        struct need read = create;

        if (may(asking, &create) && may_any(asking, "get list watch", &read))
                join(asking, hyper(asking, GRAPH_ACCOUNTS, namespace), GRAPH_SECRET_MINT, &create);
}

/* --- nodes --- */

static void lift_pod_security(const struct asking *asking,
                              const struct graph_namespace *namespace) {
        struct need label = { "", "", "namespaces", "", namespace->name, namespace->name, false };
        bool patch;

        if (namespace->level == GRAPH_PRIVILEGED)
                return;
        patch = may_any(asking, "patch", &label);
        if (!patch && !may_any(asking, "update", &label))
                return;
        label.verb = patch ? "patch" : "update";
        if (may_create_pods(asking, namespace->name))
                join(asking, asking->graph->nodes, GRAPH_NAMESPACE_LABEL, &label);
}

static void make_volumes(const struct asking *asking) {
        struct need create = { "create", "", "persistentvolumes", "", STR(""), STR(""), false };
        struct need claim = { "create", "", "persistentvolumeclaims", "", STR(""), STR(""), false };
        bool mounts;

        if (!may(asking, &create))
                return;
        mounts = may(asking, &claim) && may_create_pods(asking, STR(""));
        for (size_t i = 0; i < asking->spaces.count && !mounts; i++) {
                claim.namespace = asking->spaces.items[i];
                mounts = may(asking, &claim) && may_create_pods(asking, claim.namespace);
        }
        if (mounts)
                join(asking, asking->graph->nodes, GRAPH_PERSISTENT_VOLUME, &create);
}

static void mutate_by_policy(const struct asking *asking) {
        struct need policy = { "create",
                               "admissionregistration.k8s.io",
                               "mutatingadmissionpolicies",
                               "",
                               STR(""),
                               STR(""),
                               false };
        struct need binding = policy;

        binding.resource = "mutatingadmissionpolicybindings";
        /* Served by default since 1.36. */
        if (graph_minor(asking->graph) >= 36 && may(asking, &policy) && may(asking, &binding))
                join(asking, asking->graph->admin, GRAPH_MUTATING_POLICY, &policy);
}

/* Whether a container that runs as the account leads to its node: then that is under control. */
static bool escapes(const struct map *escaping, uint32_t account) {
        char key[16];

        snprintf(key, sizeof key, "%u", account);
        return map_get(escaping, str_from(key));
}

static void steal_pods(const struct asking *asking, const struct map *escaping) {
        struct need node = { "", "", "nodes", "", STR(""), STR(""), false };
        struct need remove = { "delete", "", "pods", "", STR(""), STR(""), false };
        struct need evict = { "create", "", "pods", "eviction", STR(""), STR(""), false };
        bool changes;

        if (!escapes(escaping, asking->vertex))
                return;
        changes = may_any(asking, "update patch", &node);
        node.verb = may_any(asking, "patch", &node) ? "patch" : "update";
        if (changes && (may_any(asking, "delete deletecollection", &remove) || may(asking, &evict)))
                join(asking, hyper(asking, GRAPH_PODS, STR("")), GRAPH_STEAL_PODS, &node);
}

/* --- one identity --- */

static void in_namespaces(const struct asking *asking) {
        const struct map *namespaces = &asking->graph->facts->namespaces;
        struct need label = { "", "", "namespaces", "", STR(""), STR(""), true };

        for (size_t i = 0; i < asking->spaces.count; i++) {
                struct str namespace = asking->spaces.items[i];

                bind_roles(asking, namespace);
                mint_tokens(asking, namespace);
                lift_pod_security(asking, graph_namespace(asking->graph, namespace));
        }
        /* With rights on the whole cluster all namespaces are looked at. */
        if (may_any(asking, "update patch", &label))
                for (size_t i = 0; i < namespaces->count; i++)
                        lift_pod_security(asking, namespaces->entries[i].value);
}

static void combine(const struct asking *asking, const struct map *escaping) {
        bind_roles(asking, STR(""));
        bind_in_all(asking);
        escalate_roles(asking);
        impersonate_groups(asking);
        issue_certificates(asking);
        mint_tokens(asking, STR(""));
        make_volumes(asking);
        mutate_by_policy(asking);
        steal_pods(asking, escaping);
        in_namespaces(asking);
}

static uint32_t identity(struct graph *graph, const struct rbac_principal *principal) {
        struct str namespace, name;

        if (principal->kind == RBAC_GROUP)
                return graph_vertex(graph, GRAPH_GROUP, STR(""), principal->name, STR(""));
        if (rbac_service_account(principal->name, &namespace, &name))
                return graph_vertex(graph, GRAPH_ACCOUNT, namespace, name, STR(""));
        return graph_vertex(graph, GRAPH_USER, STR(""), principal->name, STR(""));
}

static void bind_principal(struct graph *graph, const struct rbac_principal *principal) {
        uint32_t vertex = identity(graph, principal);

        for (size_t i = 0; i < principal->grants.count; i++) {
                const struct rbac_grant *grant = &principal->grants.items[i];
                const struct rbac_binding *binding = grant->binding;

                if (!grant->role)
                        continue;
                graph_edge(graph, vertex,
                           graph_role(graph, grant->role,
                                      binding->cluster ? STR("") : binding->namespace),
                           GRAPH_BOUND,
                           &(struct graph_because){
                                   arena_printf(&graph->arena, "%s %.*s",
                                                binding->cluster ? "ClusterRoleBinding"
                                                                 : "RoleBinding",
                                                STR_ARG(binding->name)),
                                   graph_rbac_place(graph, binding->place, (struct doc_pos){ 0 }),
                                   { graph_binding_change(graph, binding), 0 } });
        }
}

static void join_groups(struct graph *graph, uint32_t vertex, struct str user) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str groups[RBAC_IMPLIED_GROUPS];
        size_t count = rbac_implied_groups(&arena, user, groups);

        for (size_t i = 0; i < count; i++)
                if (map_get(&graph->rbac.groups, groups[i]))
                        graph_edge(graph, vertex,
                                   graph_vertex(graph, GRAPH_GROUP, STR(""), groups[i], STR("")),
                                   GRAPH_MEMBER, NULL);
}

/* A bootstrap token may put its bearer into any group of this prefix (auth-extra-groups). */
static void join_bootstrappers(struct graph *graph) {
        uint32_t all =
                graph_vertex(graph, GRAPH_GROUP, STR(""), STR("system:bootstrappers"), STR(""));

        for (size_t i = 0; i < graph->rbac.groups.count; i++) {
                struct str name = graph->rbac.groups.entries[i].key;

                if (str_starts(name, STR("system:bootstrappers:")))
                        graph_edge(graph, all,
                                   graph_vertex(graph, GRAPH_GROUP, STR(""), name, STR("")),
                                   GRAPH_MEMBER, NULL);
        }
        join_groups(graph, all, STR("system:bootstrap:token"));
}

void graph_make_members(struct graph *graph) {
        size_t count = graph->vertices.count;

        if (graph_find(graph, GRAPH_GROUP, STR(""), STR("system:bootstrappers"), STR("")) !=
            UINT32_MAX)
                join_bootstrappers(graph);

        for (size_t i = 0; i < count; i++) {
                struct graph_vertex vertex = graph->vertices.items[i];
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;

                if (vertex.kind == GRAPH_USER)
                        join_groups(graph, (uint32_t)i, vertex.name);
                else if (vertex.kind == GRAPH_ACCOUNT)
                        join_groups(graph, (uint32_t)i,
                                    arena_printf(&arena, "system:serviceaccount:%.*s:%.*s",
                                                 STR_ARG(vertex.namespace), STR_ARG(vertex.name)));
                else if (vertex.kind == GRAPH_GROUP && str_eq(vertex.name, STR("system:masters")))
                        graph_edge(graph, (uint32_t)i, graph->admin, GRAPH_MASTERS, NULL);
        }
}

void graph_make_identities(struct graph *graph) {
        const struct map *const maps[] = { &graph->rbac.users, &graph->rbac.groups };

        for (size_t m = 0; m < ELEMENTS(maps); m++)
                for (size_t i = 0; i < maps[m]->count; i++)
                        bind_principal(graph, maps[m]->entries[i].value);
        /* Whoever asks without credentials is this user. */
        graph_edge(graph, graph->external,
                   graph_vertex(graph, GRAPH_USER, STR(""), STR("system:anonymous"), STR("")),
                   GRAPH_ANONYMOUS, NULL);
        graph_vertex(graph, GRAPH_GROUP, STR(""), STR("system:masters"), STR(""));
}

/* The accounts of containers that lead to their node. */
static void find_escaping(struct graph *graph, struct map *ret) {
        for (size_t i = 0; i < graph->facts->pods.count; i++) {
                const struct graph_pod *pod = graph->facts->pods.items[i];
                uint32_t account =
                        graph_find(graph, GRAPH_ACCOUNT, pod->namespace, pod->account, STR(""));

                for (size_t k = 0; k < pod->container_count; k++)
                        if (pod->containers[k].escapes)
                                map_put(ret, arena_printf(&graph->arena, "%u", account))->value =
                                        graph;
        }
}

static void combine_principal(struct graph *graph, const struct rbac_principal *principal,
                              const struct map *escaping) {
        struct asking asking = { .graph = graph, .principal = principal };
        struct map seen _cleanup_(map_free) = MAP_INIT;

        asking.vertex = identity(graph, principal);
        asking.who.groups = asking.groups;
        if (principal->kind == RBAC_GROUP) {
                asking.groups[0] = principal->name;
                asking.who.group_count = 1;
        } else {
                asking.who.user = principal->name;
                asking.who.group_count =
                        rbac_implied_groups(&asking.arena, principal->name, asking.groups);
        }
        for (size_t i = 0; i < principal->grants.count; i++) {
                const struct rbac_binding *binding = principal->grants.items[i].binding;

                if (binding->cluster || map_get(&seen, binding->namespace))
                        continue;
                map_put(&seen, binding->namespace)->value = graph;
                *vec_push(&asking.spaces) = binding->namespace;
        }
        /* Members of this group need no rights. */
        if (!str_eq(principal->name, STR("system:masters")) || principal->kind != RBAC_GROUP)
                combine(&asking, escaping);
        vec_free(&asking.spaces);
        arena_free(&asking.arena);
}

void graph_make_combined(struct graph *graph) {
        const struct map *const maps[] = { &graph->rbac.users, &graph->rbac.groups };
        struct map escaping _cleanup_(map_free) = MAP_INIT;

        find_escaping(graph, &escaping);
        for (size_t m = 0; m < ELEMENTS(maps); m++)
                for (size_t i = 0; i < maps[m]->count; i++)
                        combine_principal(graph, maps[m]->entries[i].value, &escaping);
}
