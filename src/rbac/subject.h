/*
 * Subjects as documents: what rules about who can do what are judged on.
 *
 *     apiVersion: redoubt.io/v1
 *     kind: Subject
 *     metadata: {name: deployer, namespace: ci}      namespace: of service accounts only
 *     subject: {kind: ServiceAccount, user: "system:serviceaccount:ci:deployer",
 *               title: 'ServiceAccount "ci/deployer"'}         a group has `group`, no `user`
 *     grants:
 *     - namespace: ""            where it holds; empty: everywhere
 *       group: ""                not empty: through this group, which authentication adds
 *       standard: false          the API server made the binding for itself
 *       binding: ClusterRoleBinding deployer
 *       role: ClusterRole cluster-admin
 *       verbs: ["*"]             the rule, as written
 *       apiGroups: ["*"]
 *       resources: ["*"]
 *       resourceNames: []
 *       nonResourceURLs: []
 *       place: {file: ci.yaml, line: 25, column: 5}             of the rule
 *       bindingPlace: {file: ci.yaml, line: 52, column: 5}
 *
 * What runs in pods is a document, too: the workload with the ServiceAccount that it has and what
 * that may do.
 *
 *     kind: WorkloadIdentity
 *     metadata: {name: web, namespace: shop}
 *     about: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}
 *     workload: {title: 'Deployment "shop/web"', place: ...}
 *     account: {name: web, namespace: shop, user: "system:serviceaccount:shop:web",
 *               title: 'ServiceAccount "shop/web"', exists: true,
 *               known: true                   some account of the namespace is in the input
 *               workloads: 1}                 of the input that run as it
 *     token: {mounted: true, said: pod}       by the pod, account, volume; default: by nobody
 *     grants:                                 as above, but for three things: `group` is empty,
 *     - through: ""                           this says through which group,
 *       rulePlace: ...                        and `place` is that of the workload
 *
 * Rules name them as resources `subjects` and `workloadidentities` of group `redoubt.io`, and ask
 * with the functions of rbac_library, whose first argument is such a document:
 *
 *     rbac.grants(subject, verb, group, resource)    the subject's own grants, standard ones aside,
 *                                                    that allow it for every name, in any
 * namespace; with "pods/exec" for subresources rbac.urlGrants(subject, verb, path)            the
 * same for a URL rbac.can(subject, verb, group, resource)       whether it is allowed in the whole
 * cluster, rbac.can(subject, verb, group, resource, namespace)                    in a namespace,
 *     rbac.can(subject, verb, group, resource, namespace, name)              on one object;
 *                                                    through groups as well
 */
#pragma once

#include "base/buf.h"
#include "cel/func.h"
#include "rbac/rbac.h"

#define RBAC_SUBJECT_API_VERSION "redoubt.io/v1"
#define RBAC_SUBJECT_GROUP POLICY_OWN_GROUP
#define RBAC_SUBJECT_RESOURCE "subjects"

extern const struct cel_library rbac_library;

/* Whether some binding of the input, not only of those built in, names PRINCIPAL. */
bool rbac_is_bound(const struct rbac_principal *principal);

/* Appends PRINCIPAL as such a document, in JSON. */
void rbac_add_subject(struct buf *buf, const struct rbac_index *index,
                      const struct rbac_principal *principal);

/* What runs as a ServiceAccount. */
struct rbac_workload {
        struct str api_version, kind, namespace, name;
        struct rbac_place place;         /* where it says, or could say, its account */
        struct str account;              /* its name; of the same namespace */
        bool account_exists;             /* it is in the input, or every namespace has it */
        bool accounts_known;             /* some account of the namespace is in the input */
        struct rbac_place account_place; /* no file: it is not in the input */
        unsigned sharing;                /* workloads that have the account */
        bool mounted;                    /* its token is in the pod */
        const char *said; /* who says so: "pod", "account", "volume", "default" (nobody) */
};

/* Appends WORKLOAD as such a document, in JSON; returns the number of its grants. */
size_t rbac_add_workload(struct buf *buf, const struct rbac_index *index,
                         const struct rbac_workload *workload);
