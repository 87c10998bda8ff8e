/*
 * Bindings and roles as documents: what rules about dangling and unused ones are judged on.
 *
 *     apiVersion: redoubt.io/v1
 *     kind: BindingUse
 *     metadata: {name: web}
 *     about: {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, namespace: shop, name:
 * web} binding: {title: 'RoleBinding "shop/web"', role: Role web} role: exists: true      in the
 * input, or in every cluster known: true       roles of that kind (and namespace) are in the input
 *       place: ...
 *     subjects:           those that are ServiceAccounts
 *     - title: 'ServiceAccount "shop/web"'
 *       exists: true
 *       known: true       accounts of that namespace are in the input
 *       place: ...
 *
 *     kind: RoleUse
 *     role:
 *       title: 'ClusterRole "reader"'
 *       bindings: 1       that name it
 *       aggregated: false another role takes its rules
 *       known: true       bindings are in the input
 *       place: ...
 */
#pragma once

#include "base/buf.h"
#include "rbac/rbac.h"

/* What is known of ServiceAccounts. */
struct rbac_accounts {
        bool (*exists)(void *userdata, struct str namespace, struct str name);
        bool (*known)(void *userdata, struct str namespace);
        void *userdata;
};

/* Which roles are bound, and which give their rules to others. */
struct rbac_uses {
        struct map bound;      /* role -> number of bindings */
        struct map aggregated; /* roles */
        struct map spaces;     /* "" for ClusterRoles, and namespaces with Roles, of the input */
        size_t bindings;       /* of the input */
        struct arena arena;
};
void rbac_uses_init(struct rbac_uses *uses, const struct rbac_index *index);
void rbac_uses_free(struct rbac_uses *uses);

/* Appends BINDING, or ROLE, as such a document in JSON. False: it is built in, and nothing is
 * appended. */
bool rbac_add_binding_use(struct buf *buf, const struct rbac_uses *uses,
                          const struct rbac_binding *binding, const struct rbac_accounts *accounts);
bool rbac_add_role_use(struct buf *buf, const struct rbac_uses *uses, const struct rbac_role *role);
