/*
 * What an audit policy does not record.
 */
#include "node/api_server.h"

/* A request as the policy sees it. */
struct request {
        const char *id, *title;
        const char *verb, *group, *resource, *subresource, *namespace;
        const char *user, *groups; /* separated by commas */
        const char *wanted;        /* the level that an investigation needs */
        bool secret;               /* its bodies hold what must not be recorded */
};

#define PERSON "jane", "system:authenticated"

static const struct request requests[] = {
        { "secrets-read", "reading Secrets", "get", "", "secrets", "", "default", PERSON,
          "Metadata", true },
        { "secrets-list", "listing Secrets", "list", "", "secrets", "", "default", PERSON,
          "Metadata", true },
        { "secrets-write", "changing Secrets", "update", "", "secrets", "", "default", PERSON,
          "Metadata", true },
        { "configmaps-write", "changing ConfigMaps", "update", "", "configmaps", "", "default",
          PERSON, "Metadata", true },
        { "tokens-request", "requesting tokens of service accounts", "create", "",
          "serviceaccounts", "token", "default", PERSON, "Metadata", true },
        { "tokenreviews", "token reviews", "create", "authentication.k8s.io", "tokenreviews", "",
          "", PERSON, "Metadata", true },
        { "exec", "exec into pods", "create", "", "pods", "exec", "default", PERSON, "Metadata" },
        { "attach", "attaching to pods", "create", "", "pods", "attach", "default", PERSON,
          "Metadata" },
        { "portforward", "forwarding ports of pods", "create", "", "pods", "portforward", "default",
          PERSON, "Metadata" },
        { "proxy", "proxying to pods", "get", "", "pods", "proxy", "default", PERSON, "Metadata" },
        { "nodes-proxy", "proxying to kubelets", "get", "", "nodes", "proxy", "", PERSON,
          "Metadata" },
        { "pods-create", "creating pods", "create", "", "pods", "", "default", PERSON, "Request" },
        { "pods-delete", "deleting pods", "delete", "", "pods", "", "default", PERSON, "Metadata" },
        { "ephemeralcontainers", "adding ephemeral containers", "patch", "", "pods",
          "ephemeralcontainers", "default", PERSON, "Metadata" },
        { "rbac-write", "changing roles", "update", "rbac.authorization.k8s.io", "roles", "",
          "default", PERSON, "Request" },
        { "clusterrolebindings-write", "binding cluster roles", "create",
          "rbac.authorization.k8s.io", "clusterrolebindings", "", "", PERSON, "Request" },
        { "impersonation", "impersonating users", "impersonate", "", "users", "", "", PERSON,
          "Metadata" },
        { "webhooks-write", "changing admission webhooks", "update", "admissionregistration.k8s.io",
          "mutatingwebhookconfigurations", "", "", PERSON, "Metadata" },
        { "policies-write", "changing admission policies", "delete", "admissionregistration.k8s.io",
          "validatingadmissionpolicybindings", "", "", PERSON, "Metadata" },
        { "crds-write", "changing CustomResourceDefinitions", "update", "apiextensions.k8s.io",
          "customresourcedefinitions", "", "", PERSON, "Metadata" },
        { "csr-approve", "approving certificates", "update", "certificates.k8s.io",
          "certificatesigningrequests", "approval", "", PERSON, "Metadata" },
        { "nodes-write", "changing nodes", "patch", "", "nodes", "", "", PERSON, "Metadata" },
        { "namespaces-write", "changing namespaces", "patch", "", "namespaces", "", "default",
          PERSON, "Metadata" },
        { "serviceaccounts-write", "creating service accounts", "create", "", "serviceaccounts", "",
          "default", PERSON, "Metadata" },
        { "networkpolicies-write", "removing network policies", "delete", "networking.k8s.io",
          "networkpolicies", "", "default", PERSON, "Metadata" },
        { "anonymous", "requests of anonymous users", "list", "", "pods", "", "default",
          "system:anonymous", "system:unauthenticated", "Metadata" },
        { "system-masters", "requests of system:masters", "list", "", "pods", "", "default",
          "kubernetes-admin", "system:masters,system:authenticated", "Metadata" },
        { "service-accounts", "requests of service accounts", "list", "", "pods", "", "default",
          "system:serviceaccount:default:app",
          "system:serviceaccounts,system:serviceaccounts:default,system:authenticated",
          "Metadata" },
        { "kube-system", "changes in kube-system", "update", "apps", "daemonsets", "",
          "kube-system", PERSON, "Metadata" },
};

static bool has(const struct doc_node *list, struct str text) {
        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                if (str_eq(doc_string(&list->list.items[i], STR("")), text))
                        return true;
        return false;
}

static uint32_t count(const struct doc_node *list) {
        return list && list->kind == DOC_LIST ? list->list.count : 0;
}

/* "pods", "pods/exec", "*", and with a subresource also "pods/" and "/exec" with a star for the
 * other half. */
static bool resource_fits(struct str rule, const struct request *request) {
        struct str resource = str_from(request->resource), sub = str_from(request->subresource);
        ptrdiff_t slash = str_find(rule, STR("/"), 0);
        struct str left, right;

        if (str_eq(rule, STR("*")))
                return true;
        if (slash < 0)
                return sub.len == 0 && str_eq(rule, resource);
        left = str_slice(rule, 0, (size_t)slash);
        right = str_slice(rule, (size_t)slash + 1, rule.len);
        if (str_eq(right, STR("*")))
                return str_eq(left, resource);
        return sub.len > 0 && str_eq(right, sub) &&
               (str_eq(left, resource) || str_eq(left, STR("*")));
}

static bool group_fits(const struct doc_node *item, const struct request *request) {
        struct str group = doc_string(doc_get(item, STR("group")), STR(""));
        const struct doc_node *list = doc_get(item, STR("resources"));

        if (!str_eq(group, STR("*")) && !str_eq(group, str_from(request->group)))
                return false;
        if (count(list) == 0)
                return true;
        /* The names that are asked about here are none of those that a rule would single out. */
        if (count(doc_get(item, STR("resourceNames"))) > 0)
                return false;
        for (uint32_t i = 0; i < list->list.count; i++)
                if (resource_fits(doc_string(&list->list.items[i], STR("")), request))
                        return true;
        return false;
}

static bool groups_fit(const struct doc_node *list, const struct request *request) {
        struct str rest = str_from(request->groups), group;

        while (str_split(&rest, ',', &group))
                if (has(list, group))
                        return true;
        return false;
}

static bool rule_fits(const struct doc_node *rule, const struct request *request) {
        const struct doc_node *users = doc_get(rule, STR("users"));
        const struct doc_node *groups = doc_get(rule, STR("userGroups"));
        const struct doc_node *verbs = doc_get(rule, STR("verbs"));
        const struct doc_node *namespaces = doc_get(rule, STR("namespaces"));
        const struct doc_node *resources = doc_get(rule, STR("resources"));

        if ((count(users) > 0 && !has(users, str_from(request->user))) ||
            (count(groups) > 0 && !groups_fit(groups, request)) ||
            (count(verbs) > 0 && !has(verbs, str_from(request->verb))))
                return false;
        if (count(namespaces) == 0 && count(resources) == 0)
                return count(doc_get(rule, STR("nonResourceURLs"))) == 0;
        if (count(namespaces) > 0 && !has(namespaces, str_from(request->namespace)))
                return false;
        if (count(resources) == 0)
                return true;
        for (uint32_t i = 0; i < resources->list.count; i++)
                if (group_fits(&resources->list.items[i], request))
                        return true;
        return false;
}

static int rank(struct str level) {
        static const char *const levels[] = { "None", "Metadata", "Request", "RequestResponse" };

        for (int i = 0; i < (int)ELEMENTS(levels); i++)
                if (str_eq(level, str_from(levels[i])))
                        return i;
        return 0;
}

static struct fact *request_fact(struct node *node, const struct yaml *yaml,
                                 const struct request *request, struct place place) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena);
        const struct doc_node *rules = yaml ? doc_get(yaml->items[0], STR("rules")) : NULL;
        struct str level = STR("None");
        uint32_t at = 0;

        while (at < count(rules) && !rule_fits(&rules->list.items[at], request))
                at++;
        if (at < count(rules)) {
                const struct doc_node *rule = &rules->list.items[at];

                level = doc_string(doc_get(rule, STR("level")), STR("None"));
                place = node_place(yaml->path, rule);
        } else if (yaml) {
                place = node_place(yaml->path, rules ? rules : yaml->items[0]);
        }
        fact_set_string(arena, fact, "id", str_from(request->id));
        fact_set_string(arena, fact, "title", str_from(request->title));
        fact_set_string(arena, fact, "level", level);
        fact_set_string(arena, fact, "wanted", str_from(request->wanted));
        fact_set_bool(arena, fact, "enough", rank(level) >= rank(str_from(request->wanted)));
        fact_set_bool(arena, fact, "recorded", rank(level) > 0);
        fact_set_bool(arena, fact, "exposed", request->secret && rank(level) > 1);
        fact_set_int(arena, fact, "rule", at < count(rules) ? at + 1 : 0);
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
        return fact;
}

struct fact *audit_requests(struct node *node, const struct yaml *yaml, struct place place) {
        struct fact *list = fact_list(node->arena);

        for (size_t i = 0; i < ELEMENTS(requests); i++)
                fact_add(node->arena, list, request_fact(node, yaml, &requests[i], place));
        return list;
}
