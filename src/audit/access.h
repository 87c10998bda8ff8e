/*
 * What the authorizer was asked: the rights that a request of an audit log needed.
 *
 * User, verb and object stand in events of every level. One request may need more than one right:
 *
 *  - an update or a patch that created its object was also asked for `create`
 *    (endpoints/handlers/update.go and patch.go)
 *  - a connection to a pod that was opened by GET is also asked for `create`, since 1.35
 *    (pkg/registry/core/pod/rest/authorize.go)
 *  - whoever acted as another had to be allowed to `impersonate` the user, the groups, the uid and
 *    the extra fields (endpoints/filters/impersonation)
 *
 * What admission plugins and registries ask the authorizer besides is in no log: bind and escalate,
 * approve and sign, use, and update of finalizers.
 */
#pragma once

#include "audit/event.h"
#include "rbac/usage.h"

enum audit_outcome {
        AUDIT_UNFINISHED, /* another line of the same request tells how it ended */
        AUDIT_FORBIDDEN,  /* the server did not let it through */
        AUDIT_FAILED,     /* allowed, and failed after that: not found, a conflict ... */
        AUDIT_DONE
};

enum audit_outcome audit_outcome(const struct audit_event *event);

/* Adds the rights that EVENT needed to USAGE. -EINVAL where it names no user or no right that rules
 * could grant; nothing is added then. */
int audit_access(const struct audit_event *event, struct rbac_usage *usage, struct arena *scratch,
                 struct error *error);
