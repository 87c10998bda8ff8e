/*
 * The variable `authorizer` of policies, answered by RBAC: what a user may do by an index, in the
 * words of Kubernetes' own authorizer.
 */
#pragma once

#include "cel/authorizer.h"
#include "rbac/rbac.h"

struct rbac_authorizer {
        struct cel_authorizer base; /* first, so that the pointer converts */
        const struct rbac_index *index;
        struct str user; /* empty: nobody that is known */
        const struct str *groups;
        size_t group_count;
};

/* An authorizer for USER with GROUPS, as they are given. INDEX (finished) and the strings must live
 * as long. */
struct rbac_authorizer rbac_authorizer(const struct rbac_index *index, struct str user,
                                       const struct str *groups, size_t group_count);
