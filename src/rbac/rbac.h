/*
 * Role-based access control: who can do what, exactly as the API server decides it.
 *
 * An index is filled with Roles, ClusterRoles and their bindings, finished once, and then answers
 * any number of questions; it is read-only from then on and may be asked by several threads.
 *
 *     rbac_index_init(&index);
 *     rbac_index_add_defaults(&index);           cluster-admin, admin, edit, view ...
 *     rbac_index_add(&index, file, resource);    for every resource; other kinds are ignored
 *     rbac_index_finish(&index);
 *     rbac_decide(&index, &request, &decision);
 *
 * Semantics are those of Kubernetes' RBAC authorizer (plugin/pkg/auth/authorizer/rbac and
 * pkg/registry/rbac/validation in 1.36): rights only add up, and what no rule allows is not
 * allowed.
 *
 *  - Verbs and API groups are equal or "*". A resource is equal, "*" (subresources included), or
 *    "*" + "/sub"; "pods" does not hold "pods/exec", and "pods/" + "*" holds nothing.
 *  - Resource names are literal. A rule with names does not match a request without one.
 *  - A URL is equal, "*", or begins with what stands before the trailing stars of the rule.
 *  - A ServiceAccount is the user system:serviceaccount:NAMESPACE:NAME; both ways to name it in a
 *    binding are the same. In a RoleBinding its namespace may be left out.
 *  - A RoleBinding grants within its namespace, whatever kind of role it names. A binding whose
 * role does not exist grants nothing.
 *  - The group system:masters may do everything; the API server does not ask RBAC then.
 *  - The rules of a ClusterRole with an aggregationRule are those of the ClusterRoles that it
 *    selects, as the aggregation controller would fill them in. Where it selects nothing, the rules
 *    that are written are taken to be the work of the controller.
 *
 * What is decided by others is not known here: the node authorizer, webhooks and
 * AlwaysAllow can only add to what RBAC allows.
 *
 * The lists of a subject are found by hash and are sorted by namespace, so a decision looks only at
 * bindings that are in force for the one who asks. It allocates nothing.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "inventory/resource.h"

struct rbac_place {
        struct str file; /* empty: built in */
        struct doc_pos pos;
};

struct rbac_strings {
        struct str *items;
        size_t count;
        bool any; /* one of them is "*" */
};

struct rbac_role;

struct rbac_rule {
        struct rbac_strings verbs, groups, resources, names, urls;
        const struct rbac_role *role; /* where it is written */
        struct doc_pos pos;
};

/* A bit for each verb and each resource that some rule has: what has no bit in common with a
 * request (private.h says which are its) cannot allow it. */
struct rbac_signature {
        uint32_t verbs, objects;
};

struct rbac_role {
        bool cluster;         /* a ClusterRole */
        struct str namespace; /* of a Role */
        struct str name;
        struct rbac_place place;
        const struct rbac_rule **rules; /* in force: its own, or those that it aggregates */
        size_t rule_count;
        struct rbac_signature signature;           /* of all rules in force */
        const struct doc_node *labels, *selectors; /* of a ClusterRole; NULL: none */
        struct rbac_rule *own;                     /* as written */
        size_t own_count;
        uint32_t stamp; /* of the aggregation that visited it last */
        bool replaced;  /* by a later object of the same name */
};

enum rbac_subject_kind { RBAC_USER, RBAC_GROUP, RBAC_SERVICE_ACCOUNT, RBAC_SUBJECT_OTHER };

struct rbac_subject {
        enum rbac_subject_kind kind;
        struct str name, namespace; /* a service account's namespace, the binding's where it has
                                       none of its own */
        struct str user;            /* of a service account: the user name; empty: names nobody */
        struct doc_pos pos;
};

struct rbac_binding {
        bool cluster;         /* a ClusterRoleBinding */
        struct str namespace; /* of a RoleBinding */
        struct str name;
        struct rbac_place place;
        struct str role_kind, role_name;
        const struct rbac_role *role; /* NULL: there is none, the binding grants nothing */
        struct rbac_subject *subjects;
        size_t subject_count;
        uint32_t order; /* in which it was added */
        bool replaced;  /* by a later object of the same name */
        bool standard;  /* one that every API server makes for itself and its components */
};

/* A binding as a subject sees it; sorted by space, then order. */
struct rbac_grant {
        uint32_t space;                  /* 0: everywhere, else the number of the namespace */
        struct rbac_signature signature; /* the role's, at hand as well */
        const struct rbac_binding *binding;
        const struct rbac_role *role; /* the binding's, at hand */
};

/* What one user or group is given directly. */
struct rbac_principal {
        enum rbac_subject_kind kind; /* service accounts are users, but remember what they are */
        struct str name;             /* user name or group */
        VEC(struct rbac_grant) grants;
};

struct rbac_index {
        struct arena arena;
        struct map cluster_roles, roles, bindings; /* by name; of Roles by namespace and name */
        struct map users, groups;                  /* name -> struct rbac_principal */
        struct map namespaces;                     /* name -> number */
        /* Of the groups that nearly every request comes with: at hand. NULL: nothing is bound. */
        const struct rbac_principal *authenticated, *accounts;
        VEC(struct rbac_role *) all_roles;
        VEC(struct rbac_binding *) all_bindings;
        VEC(struct diagnostic) problems; /* objects that could not be used, or were given twice */
        uint64_t aggregation_work;
        uint32_t stamp;
        struct str file; /* the last file name that was copied */
};

void rbac_index_init(struct rbac_index *index);
void rbac_index_free(struct rbac_index *index);

/* Adds the roles and bindings that every cluster is born with and that manifests count on:
 * cluster-admin, admin, edit and view, and what the groups system:authenticated and
 * system:unauthenticated may do. */
void rbac_index_add_defaults(struct rbac_index *index);

/* Adds RESOURCE of FILE if it is a Role, ClusterRole, RoleBinding or ClusterRoleBinding; nothing of
 * it is kept, all is copied. An object that the API server would refuse is left out, with a
 * diagnostic in INDEX->problems that makes the answer incomplete. */
void rbac_index_add(struct rbac_index *index, struct str file, const struct resource *resource);

/* Connects bindings with roles and computes aggregated roles. Call once, before asking. */
void rbac_index_finish(struct rbac_index *index);

struct rbac_request {
        struct str user;
        const struct str *groups;
        size_t group_count;
        struct str verb;
        struct str group, resource, subresource;
        struct str namespace, name; /* empty: cluster-wide; no name */
        struct str path;            /* the URL, where RESOURCE is empty */
        bool any_name; /* not a request but a question about rules: ignore resourceNames */
};

struct rbac_decision {
        bool allowed;
        const struct rbac_binding *binding; /* NULL where it is allowed to system:masters */
        const struct rbac_role *role;       /* the one that BINDING names */
        size_t rule;                        /* index in role->rules */
};

/* Decides REQUEST. Of several bindings that allow it the first one added is told, those for the
 * whole cluster before those of the namespace. */
void rbac_decide(const struct rbac_index *index, const struct rbac_request *request,
                 struct rbac_decision *ret);

/* The bindings that concern REQUEST and name a role that does not exist, in the order in which they
 * would be looked at; the list is made in ARENA. They grant nothing, but might if the input were
 * not complete. */
const struct rbac_binding **rbac_dormant(const struct rbac_index *index,
                                         const struct rbac_request *request, struct arena *arena,
                                         size_t *ret_count);

/* Whether RULE allows REQUEST to whom it is granted. */
bool rbac_rule_allows(const struct rbac_rule *rule, const struct rbac_request *request);

/* Whether BINDING gives its subjects what REQUEST asks for (whose user is not looked at); RET_RULE
 * (may be NULL) is the index of the first rule that does. */
bool rbac_binding_allows(const struct rbac_binding *binding, const struct rbac_request *request,
                         size_t *ret_rule);

/* "system:serviceaccount:NAMESPACE:NAME", taken apart. Returns false for other users. */
bool rbac_service_account(struct str user, struct str *ret_namespace, struct str *ret_name);

/* The groups that authentication adds to USER (service accounts, system:authenticated or
 * system:unauthenticated), in ARENA; at most RBAC_IMPLIED_GROUPS of them. Returns their number. */
enum { RBAC_IMPLIED_GROUPS = 3 };
size_t rbac_implied_groups(struct arena *arena, struct str user,
                           struct str ret[static RBAC_IMPLIED_GROUPS]);
