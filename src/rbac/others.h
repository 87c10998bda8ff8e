/*
 * Authorizers beside RBAC that the input shows: what an answer of RBAC alone cannot know.
 *
 * They are found in the flags of an API server (a static pod, kubeadm's ClusterConfiguration), in
 * an AuthorizationConfiguration, and in policies of the ABAC authorizer.
 */
#pragma once

#include "rbac/rbac.h"

/* AlwaysAllow, ABAC, Webhook ...: not Node and RBAC, nor AlwaysDeny, which allows nothing. */
struct rbac_other {
        struct str mode;
        struct rbac_place place;
};

struct rbac_others {
        struct arena arena;
        VEC(struct rbac_other) items; /* each mode once, where it was met first */
};

void rbac_others_add(struct rbac_others *others, struct str file, const struct resource *resource);
void rbac_others_free(struct rbac_others *others);
