/*
 * Audit events: what a line of the API server's audit log says, and the request that it tells of.
 *
 *     line ──► audit_event ──► audit_request
 *              the fields      what admission was asked, as far as the log knows it
 *
 * A log is never the whole truth. Each request may leave several lines (stages), and how much is in
 * them is a matter of the audit policy: at level Metadata there are no objects, at level Request
 * there is what the client sent (of a patch the patch, not what became of it), at level
 * RequestResponse also what the server answered. The object as it was before an update is never
 * there. So a request says what is not known, and whoever judges it has to look.
 *
 * Fields and levels follow k8s.io/apiserver/pkg/apis/audit/v1 and pkg/audit; which requests
 * admission is asked about, as which operation, follows pkg/endpoints/handlers.
 */
#pragma once

#include "policy/policy.h"

enum audit_level { AUDIT_NONE, AUDIT_METADATA, AUDIT_REQUEST, AUDIT_REQUEST_RESPONSE };

struct audit_event {
        enum audit_level level;
        struct str stage, verb, id;
        struct str time; /* when the request arrived: RFC 3339, in UTC */
        struct str uri;
        const struct doc_node *user; /* whom the request was made as; NULL: nobody is named */
        const struct doc_node *impersonator; /* who made it, where that is another; else NULL */
        struct str decision; /* of the authorizer: "allow" or "forbid"; empty: not said */
        struct str group, version, resource, subresource, namespace, name; /* objectRef */
        int code;                                                          /* HTTP; 0: not said */
        const struct doc_node *request_object, *response_object; /* NULL where there is none */
};

/* Reads the event ROOT, into which RET points. -EINVAL for what is no audit event. */
int audit_event_read(const struct doc_node *root, struct audit_event *ret, struct error *error);

/* The username, or "". */
struct str audit_event_user(const struct audit_event *event);

/* Why admission has nothing to do with an event, or AUDIT_ADMISSION. */
enum audit_concern {
        AUDIT_ADMISSION,
        AUDIT_STAGE,  /* another line of the same request tells how it ended */
        AUDIT_READ,   /* reads, or is about no resource */
        AUDIT_REFUSED /* the server did not do it */
};

struct audit_request {
        enum policy_operation operation;
        const struct doc_node *object, *old_object; /* NULL: there is none, or it is not known */
        bool object_unknown, old_unknown;
        bool dry_run;
};

/* What admission was asked in EVENT. RET is filled for AUDIT_ADMISSION only. */
enum audit_concern audit_request_read(const struct audit_event *event, struct audit_request *ret);
