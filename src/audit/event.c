#include "audit/event.h"

#include <errno.h>

#include "base/util.h"

/* --- the fields --- */

static struct str text(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR(""));
}

static const struct doc_node *object(const struct doc_node *map, const char *key) {
        const struct doc_node *node = doc_get(map, str_from(key));

        return node && node->kind == DOC_MAP ? node : NULL;
}

static int read_level(struct str name, enum audit_level *ret) {
        static const char *const names[] = { "None", "Metadata", "Request", "RequestResponse" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (str_eq(name, str_from(names[i]))) {
                        *ret = (enum audit_level)i;
                        return 0;
                }
        return -EINVAL;
}

static int read_code(const struct doc_node *status) {
        const struct doc_node *code = doc_get(status, STR("code"));

        return code && code->kind == DOC_INT && code->integer > 0 && code->integer < 1000
                       ? (int)code->integer
                       : 0;
}

int audit_event_read(const struct doc_node *root, struct audit_event *ret, struct error *error) {
        const struct doc_node *reference = object(root, "objectRef");
        const struct doc_node *impersonated = object(root, "impersonatedUser");
        struct audit_event event = {
                .stage = text(root, "stage"),
                .verb = text(root, "verb"),
                .id = text(root, "auditID"),
                .uri = text(root, "requestURI"),
                .time = text(root, "requestReceivedTimestamp"),
                .user = impersonated ? impersonated : object(root, "user"),
                .impersonator = impersonated ? object(root, "user") : NULL,
                .decision = text(object(root, "annotations"), "authorization.k8s.io/decision"),
                .group = text(reference, "apiGroup"),
                .version = text(reference, "apiVersion"),
                .resource = text(reference, "resource"),
                .subresource = text(reference, "subresource"),
                .namespace = text(reference, "namespace"),
                .name = text(reference, "name"),
                .code = read_code(object(root, "responseStatus")),
                .request_object = object(root, "requestObject"),
                .response_object = object(root, "responseObject"),
        };

        if (root->kind != DOC_MAP || !str_eq(text(root, "kind"), STR("Event")) ||
            !str_starts(text(root, "apiVersion"), STR("audit.k8s.io/")))
                return error_set(error, -EINVAL, "is no audit event (kind Event of audit.k8s.io)");
        if (read_level(text(root, "level"), &event.level) < 0)
                return error_set(error, -EINVAL, "\"%.*s\" is no level of an audit event",
                                 STR_ARG(text(root, "level")));
        if (event.stage.len == 0 || event.verb.len == 0)
                return error_set(error, -EINVAL, "the audit event has no stage or no verb");
        *ret = event;
        return 0;
}

struct str audit_event_user(const struct audit_event *event) {
        return text(event->user, "username");
}

/* --- the request --- */

static bool is_one_of(struct str value, const char *const *words) {
        for (; *words; words++)
                if (str_eq(value, str_from(*words)))
                        return true;
        return false;
}

/* Whether the request opens a connection, whatever its verb. */
static bool is_connect(const struct audit_event *event) {
        static const char *const of_pods[] = { "exec", "attach", "portforward", "proxy", NULL };
        static const char *const with_proxy[] = { "services", "nodes", NULL };

        if (event->group.len > 0)
                return false;
        if (str_eq(event->resource, STR("pods")))
                return is_one_of(event->subresource, of_pods);
        return is_one_of(event->resource, with_proxy) && str_eq(event->subresource, STR("proxy"));
}

/* An update or a patch of what does not exist yet creates it, and 201 is how that is told. */
static bool read_operation(const struct audit_event *event, enum policy_operation *ret) {
        static const char *const changes[] = { "update", "patch", NULL };
        static const char *const deletions[] = { "delete", "deletecollection", NULL };

        if (is_connect(event))
                *ret = POLICY_CONNECT;
        else if (str_eq(event->verb, STR("create")))
                *ret = POLICY_CREATE;
        else if (is_one_of(event->verb, changes))
                *ret = event->code == 201 ? POLICY_CREATE : POLICY_UPDATE;
        else if (is_one_of(event->verb, deletions))
                *ret = POLICY_DELETE;
        else
                return false;
        return true;
}

static bool same_kind(const struct doc_node *a, const struct doc_node *b) {
        return str_eq(text(a, "kind"), text(b, "kind")) &&
               str_eq(text(a, "apiVersion"), text(b, "apiVersion"));
}

static bool is_meta(const struct doc_node *node) {
        return str_eq(text(node, "kind"), STR("Status")) ||
               str_eq(text(node, "kind"), STR("DeleteOptions"));
}

/* The object that was to be stored. What the server answered comes nearer to what validating
 * admission sees than what was sent: mutating admission lies between. */
static const struct doc_node *stored_object(const struct audit_event *event) {
        const struct doc_node *sent = event->request_object, *answered = event->response_object;

        if (answered && is_meta(answered))
                answered = NULL;
        if (str_eq(event->verb, STR("patch")))
                return answered;
        return answered && (!sent || same_kind(sent, answered)) ? answered : sent;
}

/* A deletion is answered with the object only where it takes time. */
static const struct doc_node *deleted_object(const struct audit_event *event) {
        const struct doc_node *answered = event->response_object;

        return answered && str_eq(event->verb, STR("delete")) && !is_meta(answered) ? answered
                                                                                    : NULL;
}

/* Options are in the query, those of a deletion may be its body instead. */
static bool is_dry_run(const struct audit_event *event) {
        const struct doc_node *list = doc_get(event->request_object, STR("dryRun"));

        if (str_find(event->uri, STR("?dryRun=All"), 0) >= 0 ||
            str_find(event->uri, STR("&dryRun=All"), 0) >= 0)
                return true;
        return is_meta(event->request_object) && list && list->kind == DOC_LIST &&
               list->list.count > 0;
}

enum audit_concern audit_request_read(const struct audit_event *event, struct audit_request *ret) {
        struct audit_request request = { .dry_run = is_dry_run(event) };

        if (event->resource.len == 0 || !read_operation(event, &request.operation))
                return AUDIT_READ;
        if (str_eq(event->stage, STR("Panic")))
                return AUDIT_REFUSED;
        if (!str_eq(event->stage, STR("ResponseComplete")))
                return AUDIT_STAGE;
        if (event->code >= 400)
                return AUDIT_REFUSED;
        if (request.operation == POLICY_DELETE) {
                request.old_object = deleted_object(event);
                request.old_unknown = !request.old_object;
        } else if (request.operation == POLICY_CONNECT) {
                request.object_unknown = true;
        } else {
                request.object = stored_object(event);
                request.object_unknown = !request.object;
                request.old_unknown = request.operation == POLICY_UPDATE;
        }
        *ret = request;
        return AUDIT_ADMISSION;
}
