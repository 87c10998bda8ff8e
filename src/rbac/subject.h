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
 * Rules name them as resource `subjects` of group `redoubt.io`, and ask with the functions of
 * rbac_library:
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
