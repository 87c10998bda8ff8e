#include "fix/rbac.h"

#include "base/util.h"
#include "doc/edit.h"
#include "fix/rbac_usage.h"
#include "kube/kinds.h"

/* --- bindings --- */

/* The item of the list KEY of TARGET's object that NODE is in, or NULL. */
static const struct doc_node *item_around(const struct fix_target *target,
                                          const struct doc_node *node, struct str key) {
        const struct doc_node *list = doc_get(target->resource.root, key);

        while (node && node->parent != list)
                node = node->parent;
        return list ? node : NULL;
}

/* Items of one list that go together. */
struct items {
        struct fix_target target;
        const struct doc_node *list;
        const struct doc_node **items;
        size_t count;
};

static void add_item(struct items *items, const struct doc_node *item) {
        for (size_t i = 0; i < items->count; i++)
                if (items->items[i] == item)
                        return;
        items->items[items->count++] = item;
}

/* The items of list KEY at the places of FINDING. False where they are not in one object. */
static bool find_items(struct fix *fix, const struct finding *finding, struct str key,
                       struct items *ret) {
        ret->items = arena_new_array(fix_arena(fix), finding->related_count + 1,
                                     const struct doc_node *);
        for (size_t i = 0; i <= finding->related_count; i++) {
                struct fix_target target;
                const struct doc_node *item;

                if (!fix_find(fix, i == 0 ? &finding->location : &finding->related[i - 1], &target))
                        return false;
                if (i == 0)
                        ret->target = target;
                item = target.resource.root == ret->target.resource.root
                               ? item_around(&target, target.node, key)
                               : NULL;
                if (!item)
                        continue;
                ret->list = item->parent;
                add_item(ret, item);
        }
        return ret->count > 0;
}

/* A binding without subjects grants nothing: it goes as a whole. */
static void remove_subjects(struct fix *fix, const struct items *items) {
        if (items->count == items->list->list.count) {
                fix_describe(fix, "removes the binding, which names nobody else");
                fix_remove_object(fix, &items->target);
                return;
        }
        fix_describe(fix, "removes the subject from the binding");
        for (size_t i = items->count; i-- > 0;)
                fix_remove(fix, &items->target, items->items[i]);
}

static void propose_subjects(_unused_ void *self, const struct finding *finding, struct fix *fix) {
        struct items items = { 0 };

        /* The server does not ask RBAC about this group: what it was given does not matter. */
        if (str_eq(finding->rule->id, STR("rbac/masters")))
                fix->unsafe = STR("");
        if (find_items(fix, finding, STR("subjects"), &items))
                remove_subjects(fix, &items);
}

static const char *const subject_rules[] = { "rbac/anonymous",
                                             "rbac/authenticated",
                                             "rbac/all-service-accounts",
                                             "rbac/masters",
                                             "rbac/default-service-account",
                                             "rbac/kube-system-foreign",
                                             NULL };
const struct fix_provider fix_rbac_subjects = { .rules = subject_rules,
                                                .unsafe = "whoever works with the rights of the "
                                                          "binding",
                                                .propose = propose_subjects };

static void propose_binding(_unused_ void *self, const struct finding *finding, struct fix *fix) {
        struct fix_target target;

        if (!fix_find(fix, &finding->location, &target))
                return;
        if (str_eq(finding->rule->id, STR("rbac/cluster-admin-namespace"))) {
                fix_describe(fix, "binds admin instead (delete the binding before you apply it: "
                                  "a roleRef cannot be changed)");
                fix_set(fix, &target, doc_get(target.resource.root, STR("roleRef")), STR("name"),
                        fix_value(fix, "admin"));
                return;
        }
        fix_describe(fix, "removes the binding");
        fix_remove_object(fix, &target);
}

static const char *const binding_rules[] = { "rbac/cluster-admin", "rbac/cluster-admin-namespace",
                                             "rbac/node-role", "rbac/binding-role-missing", NULL };
const struct fix_provider fix_rbac_bindings = { .rules = binding_rules,
                                                .unsafe = "whoever works with the rights of the "
                                                          "binding",
                                                .propose = propose_binding };

/* --- who may do everything --- */

/* Whether ITEM of a binding in NAMESPACE names the subject RESOURCE (rbac/subject.h). */
static bool names(const struct doc_node *item, struct str namespace,
                  const struct resource_ref *subject) {
        struct str kind = doc_string(doc_get(item, STR("kind")), STR(""));
        struct str name = doc_string(doc_get(item, STR("name")), STR(""));
        struct str own = doc_string(doc_get(item, STR("namespace")), namespace), ns, account;

        if (str_eq(kind, STR("User")) && rbac_service_account(name, &ns, &account))
                return str_eq(subject->kind, STR("ServiceAccount")) &&
                       str_eq(ns, subject->namespace) && str_eq(account, subject->name);
        return str_eq(kind, subject->kind) && str_eq(name, subject->name) &&
               (!str_eq(kind, STR("ServiceAccount")) || str_eq(own, subject->namespace));
}

static void propose_everyone(_unused_ void *self, const struct finding *finding, struct fix *fix) {
        for (size_t i = 0; i <= finding->related_count; i++) {
                struct items items = { 0 };
                const struct doc_node *subjects;

                if (!fix_find(fix, i == 0 ? &finding->location : &finding->related[i - 1],
                              &items.target))
                        return;
                subjects = doc_get(items.target.resource.root, STR("subjects"));
                if (!str_ends(items.target.resource.kind, STR("Binding")) || !subjects ||
                    subjects->kind != DOC_LIST)
                        continue;
                items.list = subjects;
                items.items = arena_new_array(fix_arena(fix), subjects->list.count,
                                              const struct doc_node *);
                for (uint32_t k = 0; k < subjects->list.count; k++)
                        if (names(&subjects->list.items[k], items.target.resource.namespace,
                                  &finding->resource))
                                add_item(&items, &subjects->list.items[k]);
                if (items.count > 0)
                        remove_subjects(fix, &items);
        }
}

static const char *const everyone_rules[] = { "rbac/subject-everything", NULL };
const struct fix_provider fix_rbac_everyone = { .rules = everyone_rules,
                                                .unsafe = "whoever works with the rights of the "
                                                          "binding",
                                                .propose = propose_everyone };

/* --- rules of roles --- */

/* Removes the strings at the places of FINDING from the lists that hold them: a list that would be
 * empty takes its rule with it. */
static void remove_words(struct fix *fix, const struct finding *finding) {
        struct items rules = { 0 };

        if (!find_items(fix, finding, STR("rules"), &rules))
                return;
        for (size_t r = rules.count; r-- > 0;) {
                const struct doc_node *rule = rules.items[r];
                struct items words = { .items = arena_new_array(fix_arena(fix),
                                                                finding->related_count + 1,
                                                                const struct doc_node *) };

                for (size_t i = 0; i <= finding->related_count; i++) {
                        struct fix_target target;

                        if (fix_find(fix, i == 0 ? &finding->location : &finding->related[i - 1],
                                     &target) &&
                            target.node->kind == DOC_STRING &&
                            item_around(&target, target.node, STR("rules")) == rule &&
                            target.node->parent->kind == DOC_LIST) {
                                words.list = target.node->parent;
                                add_item(&words, target.node);
                        }
                }
                if (words.count == 0 || words.count == words.list->list.count)
                        fix_remove(fix, &rules.target, rule);
                else
                        for (size_t i = words.count; i-- > 0;)
                                fix_remove(fix, &rules.target, words.items[i]);
        }
}

static void propose_inert(_unused_ void *self, const struct finding *finding, struct fix *fix) {
        fix_describe(fix, "removes what grants nothing");
        remove_words(fix, finding);
}

static const char *const inert_rules[] = { "rbac/subresource-glob", "rbac/create-with-names",
                                           NULL };
const struct fix_provider fix_rbac_inert = { .rules = inert_rules, .propose = propose_inert };

/* With a log, the rule is what was used of it; without, the right goes. */
static void propose_rights(void *self, const struct finding *finding, struct fix *fix) {
        struct items rules = { 0 };

        if (!self) {
                fix_describe(fix, "removes the right from the role");
                remove_words(fix, finding);
                return;
        }
        if (!find_items(fix, finding, STR("rules"), &rules))
                return;
        fix_describe(fix, "leaves what was used");
        for (size_t i = rules.count; i-- > 0;)
                rbac_narrow(self, fix, &rules.target, rules.items[i]);
}

static const char *const right_rules[] = { "rbac/admission-policies-write",
                                           "rbac/api-services-write",
                                           "rbac/certificates-approve",
                                           "rbac/configmaps-write-kube-system",
                                           "rbac/endpoints-write",
                                           "rbac/escalate-bind",
                                           "rbac/events-delete",
                                           "rbac/impersonate",
                                           "rbac/namespaces-write",
                                           "rbac/nodes-proxy",
                                           "rbac/nodes-write",
                                           "rbac/persistent-volumes-create",
                                           "rbac/pods-ephemeral-containers",
                                           "rbac/pods-exec",
                                           "rbac/pods-port-forward",
                                           "rbac/secrets-read",
                                           "rbac/secrets-read-cluster",
                                           "rbac/secrets-write",
                                           "rbac/services-status-write",
                                           "rbac/tokens-create",
                                           "rbac/webhooks-write",
                                           "rbac/workloads-write-cluster",
                                           NULL };
const struct fix_provider fix_rbac_rights = { .rules = right_rules,
                                              .unsafe = "whoever uses the right",
                                              .start = rbac_usages_new,
                                              .propose = propose_rights,
                                              .stop = rbac_usages_free };

/* Verbs that the API server knows for every resource; "*" has also the few that are checked beside
 * a request (bind, escalate, use ...) and all that will come. */
static const char every_verb[] =
        "[get, list, watch, create, update, patch, delete, deletecollection]";

static bool has_other_verbs(const struct doc_node *rule) {
        static const struct str special[] = {
                STR_INIT("*"),     STR_INIT("roles"),  STR_INIT("clusterroles"),
                STR_INIT("users"), STR_INIT("groups"), STR_INIT("serviceaccounts"),
                STR_INIT("uids"),  STR_INIT("nodes"),  STR_INIT("signers"),
        };
        const struct doc_node *resources = doc_get(rule, STR("resources"));

        for (uint32_t i = 0; resources && resources->kind == DOC_LIST && i < resources->list.count;
             i++)
                for (size_t k = 0; k < ELEMENTS(special); k++)
                        if (str_eq(doc_string(&resources->list.items[i], STR("")), special[k]))
                                return true;
        return false;
}

static void propose_wildcards(void *self, const struct finding *finding, struct fix *fix) {
        struct items rules = { 0 };

        if (!self && !str_eq(finding->rule->id, STR("rbac/wildcard-verbs"))) {
                fix_refuse(fix, "what the role needs is not known; an audit log tells "
                                "(--audit-log)");
                return;
        }
        if (!find_items(fix, finding, STR("rules"), &rules))
                return;
        if (self) {
                fix->unsafe = STR("what the log does not show");
                fix_describe(fix, "leaves what was used");
        } else {
                fix_describe(fix, "names the verbs");
        }
        for (size_t i = rules.count; i-- > 0;) {
                if (self) {
                        rbac_narrow(self, fix, &rules.target, rules.items[i]);
                        continue;
                }
                if (has_other_verbs(rules.items[i]))
                        fix->unsafe = STR("whoever binds, escalates, impersonates or signs "
                                          "with the rule");
                fix_set(fix, &rules.target, rules.items[i], STR("verbs"),
                        fix_value(fix, every_verb));
        }
}

static const char *const wildcard_rules[] = { "rbac/wildcard-verbs",  "rbac/wildcard-resources",
                                              "rbac/wildcard-groups", "rbac/wildcard-paths",
                                              "rbac/all-permissions", NULL };
const struct fix_provider fix_rbac_wildcards = { .rules = wildcard_rules,
                                                 .start = rbac_usages_new,
                                                 .propose = propose_wildcards,
                                                 .stop = rbac_usages_free };

/* --- tokens --- */

/* The spec of the pods that OBJECT makes, as it is written, or NULL. */
static const struct doc_node *pod_spec(const struct resource *resource) {
        struct str path = resource->known && resource->known->pod_template
                                  ? str_from(resource->known->pod_template)
                                  : STR("");
        const struct doc_node *node = resource->root;
        struct str part;

        while (path.len > 0 && node && str_split(&path, '.', &part))
                node = doc_get(node, part);
        return doc_get(node, STR("spec"));
}

static void propose_tokens(_unused_ void *self, const struct finding *finding, struct fix *fix) {
        const struct doc_node *spec;
        struct fix_target target;

        if (!fix_find(fix, &finding->location, &target))
                return;
        spec = pod_spec(&target.resource);
        if (!spec) {
                fix_refuse(fix, "its pod was not found");
                return;
        }
        fix_describe(fix, "mounts no token");
        fix_set(fix, &target, spec, STR("automountServiceAccountToken"), fix_value(fix, "false"));
}

static const char *const token_rules[] = { "rbac/workload-token-needless", NULL };
const struct fix_provider fix_rbac_tokens = { .rules = token_rules,
                                              .unsafe = "programs that show the token to others "
                                                        "than the API server",
                                              .propose = propose_tokens };

static void propose_secrets(_unused_ void *self, const struct finding *finding, struct fix *fix) {
        struct fix_target target;

        if (!fix_find(fix, &finding->location, &target))
                return;
        fix_describe(fix, "removes the Secret");
        fix_remove_object(fix, &target);
}

static const char *const secret_rules[] = { "secrets/service-account-token", NULL };
const struct fix_provider fix_rbac_secrets = { .rules = secret_rules,
                                               .unsafe = "whoever works with the token",
                                               .propose = propose_secrets };
