/*
 * The node authorizer: what a kubelet may do without any role.
 *
 * The user system:node:NAME, in the group system:nodes, may read the Secrets, ConfigMaps, claims
 * and volumes that the pods bound to node NAME refer to, and make tokens of their ServiceAccounts;
 * its own Node, CSINode and Lease; and a fixed list of things that every kubelet needs. Semantics
 * are those of plugin/pkg/auth/authorizer/node (Kubernetes 1.36 with its features as they are by
 * default), whose graph is made of pods, PersistentVolumes, VolumeAttachments and ResourceSlices;
 * the field
 * selectors that narrow a list or watch are not part of a question here, so those are a no.
 *
 * What a kubelet writes is limited further by the admission plugin NodeRestriction, which does not
 * decide who may ask.
 *
 * Where a claim is made from a template (generic ephemeral volumes, resource claims), its name is
 * that of pod and volume, or stands in the status of the pod.
 */
#pragma once

#include "rbac/rbac.h"

struct rbac_nodes {
        struct arena arena;
        struct map nodes;   /* those that a pod, attachment or slice names */
        struct map objects; /* "type/namespace/name" -> struct rbac_node_object */
};

/* Adds what RESOURCE, a pod, PersistentVolume, VolumeAttachment or ResourceSlice, tells; nothing of
 * it is kept. */
void rbac_nodes_add(struct rbac_nodes *nodes, const struct resource *resource);
void rbac_nodes_free(struct rbac_nodes *nodes);

/* The node that REQUEST's user is: "system:node:NAME" in the group system:nodes. Empty: none. */
struct str rbac_node_of(const struct rbac_request *request);

/* Whether the node authorizer allows REQUEST. RET_WHY (may be NULL): what the object has to do with
 * the node, in words; "" where every node may do it. */
bool rbac_node_allows(const struct rbac_nodes *nodes, const struct rbac_request *request,
                      const char **ret_why);

/* Which nodes may do what REQUEST asks for (whose user is not looked at, nor its name where that is
 * empty): all of them, or those to which the object leads. */
enum rbac_node_reach { RBAC_NODES_NONE, RBAC_NODES_SOME, RBAC_NODES_ALL };
enum rbac_node_reach rbac_node_reach(const struct rbac_request *request);

/* An object to which a node has rights because of its pods: `type` is the plural name. */
struct rbac_node_right {
        const char *type;
        struct str namespace, name;
};

/* All of those of NODE, in ARENA, in the order in which they were met; returns their number. */
size_t rbac_node_rights(const struct rbac_nodes *nodes, struct str node, struct arena *arena,
                        struct rbac_node_right **ret);
