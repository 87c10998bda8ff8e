/*
 * Authorization checks in expressions:
 * `authorizer.group('apps').resource('deployments').check('create').allowed()`
 *
 * Who decides is not CEL's business: the caller gives the variables `authorizer` and
 * `authorizer.requestResource` values that hold a `struct cel_authorizer`, and every check() ends
 * in its function. Types and functions are those of k8s.io/apiserver/pkg/cel/library/authz.go.
 */
#pragma once

#include "cel/value.h"

struct cel_authorizer_request {
        struct str account_namespace, account; /* a service account; both empty: the one who made
                                                  the request */
        struct str verb;
        struct str group, resource, subresource, namespace, name;
        struct str path; /* of a URL, where RESOURCE is empty */
};

struct cel_authorizer {
        /* Decides REQUEST; RET_REASON (made in SCRATCH, "" before the call) says why. May be called
         * by several threads. */
        bool (*allows)(const struct cel_authorizer *authorizer,
                       const struct cel_authorizer_request *request, struct arena *scratch,
                       struct str *ret_reason);
};

/* The types of the two variables. */
extern const struct cel_type cel_type_authorizer, cel_type_resource_check;

/* `authorizer`, made in ARENA. AUTHORIZER may be NULL: nothing is allowed. */
struct cel_value cel_authorizer_value(struct arena *arena, const struct cel_authorizer *authorizer);

/* `authorizer.requestResource`: a check that is filled in but for the verb. */
struct cel_value cel_resource_check_value(struct arena *arena,
                                          const struct cel_authorizer *authorizer,
                                          const struct cel_authorizer_request *request);
