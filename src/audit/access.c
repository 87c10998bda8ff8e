#include "audit/access.h"

#include <errno.h>

#include "base/util.h"

enum { MAX_GROUPS = RBAC_USAGE_MAX_GROUPS };

static struct str text(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR(""));
}

/* --- how it ended --- */

/* A watch or a connection that was cut off leaves only the stage in which it began. */
enum audit_outcome audit_outcome(const struct audit_event *event) {
        bool started = str_eq(event->stage, STR("ResponseStarted"));
        bool panic = str_eq(event->stage, STR("Panic"));
        bool allowed = str_eq(event->decision, STR("allow"));

        if (!started && !panic && !str_eq(event->stage, STR("ResponseComplete")))
                return AUDIT_UNFINISHED;
        if (str_eq(event->decision, STR("forbid")) ||
            (!allowed && (event->code == 401 || event->code == 403)))
                return AUDIT_FORBIDDEN;
        return panic || event->code >= 400 ? AUDIT_FAILED : AUDIT_DONE;
}

/* --- who --- */

static void read_user(struct arena *arena, const struct doc_node *user, struct rbac_request *ret) {
        const struct doc_node *groups = doc_get(user, STR("groups"));
        size_t count = groups && groups->kind == DOC_LIST ? groups->list.count : 0;
        struct str *items;

        count = MIN(count, (size_t)MAX_GROUPS);
        items = arena_new_array(arena, count, struct str);
        for (size_t i = 0; i < count; i++)
                items[i] = doc_string(&groups->list.items[i], STR(""));
        *ret = (struct rbac_request){ .user = text(user, "username"),
                                      .groups = items,
                                      .group_count = count };
}

/* --- what --- */

static int digit(char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
}

/* The path of URI, as the authorizer sees it: without the query and decoded. */
static struct str path_of(struct arena *arena, struct str uri) {
        ptrdiff_t query = str_find(uri, STR("?"), 0);
        struct str raw = query < 0 ? uri : str_slice(uri, 0, (size_t)query);
        char *path = arena_new_array(arena, raw.len + 1, char);
        size_t length = 0;

        for (size_t i = 0; i < raw.len; i++) {
                int high = raw.ptr[i] == '%' && i + 2 < raw.len ? digit(raw.ptr[i + 1]) : -1;
                int low = high >= 0 ? digit(raw.ptr[i + 2]) : -1;

                path[length++] = low >= 0 ? (char)(high * 16 + low) : raw.ptr[i];
                i += low >= 0 ? 2 : 0;
        }
        return (struct str){ path, length };
}

static void read_object(struct arena *arena, const struct audit_event *event,
                        struct rbac_request *request) {
        request->verb = event->verb;
        if (event->resource.len == 0) {
                request->path = path_of(arena, event->uri);
                return;
        }
        request->group = event->group;
        request->resource = event->resource;
        request->subresource = event->subresource;
        request->namespace = event->namespace;
        request->name = event->name;
}

static bool opens_pod(const struct audit_event *event) {
        return str_eq(event->verb, STR("get")) && event->group.len == 0 &&
               str_eq(event->resource, STR("pods")) &&
               (str_eq(event->subresource, STR("exec")) ||
                str_eq(event->subresource, STR("attach")) ||
                str_eq(event->subresource, STR("portforward")));
}

static bool created(const struct audit_event *event) {
        return event->code == 201 && event->resource.len > 0 &&
               (str_eq(event->verb, STR("update")) || str_eq(event->verb, STR("patch")));
}

/* --- as whom --- */

struct impersonation {
        struct rbac_usage *usage;
        struct rbac_request request; /* of the one who did it */
};

static void add_impersonation(struct impersonation *impersonation, struct str resource,
                              struct str subresource, struct str namespace, struct str name) {
        struct rbac_request *request = &impersonation->request;
        bool core = str_eq(resource, STR("users")) || str_eq(resource, STR("groups")) ||
                    str_eq(resource, STR("serviceaccounts"));

        request->verb = STR("impersonate");
        request->group = core ? STR("") : STR("authentication.k8s.io");
        request->resource = resource;
        request->subresource = subresource;
        request->namespace = namespace;
        request->name = name;
        if (rbac_is_plain(request))
                rbac_usage_add(impersonation->usage, request);
}

/* The server adds some groups by itself, and the log does not tell which were asked for. */
static bool is_implied(struct arena *arena, struct str user, struct str group) {
        struct str implied[RBAC_IMPLIED_GROUPS];
        size_t count = rbac_implied_groups(arena, user, implied);

        for (size_t i = 0; i < count; i++)
                if (str_eq(implied[i], group))
                        return true;
        return false;
}

static void add_impersonations(const struct audit_event *event, const struct rbac_request *as,
                               struct rbac_usage *usage, struct arena *scratch) {
        struct impersonation impersonation = { .usage = usage };
        const struct doc_node *extra = doc_get(event->user, STR("extra"));
        struct str namespace, name;

        read_user(scratch, event->impersonator, &impersonation.request);
        if (rbac_service_account(as->user, &namespace, &name))
                add_impersonation(&impersonation, STR("serviceaccounts"), STR(""), namespace, name);
        else
                add_impersonation(&impersonation, STR("users"), STR(""), STR(""), as->user);
        for (size_t i = 0; i < as->group_count; i++)
                if (!is_implied(scratch, as->user, as->groups[i]))
                        add_impersonation(&impersonation, STR("groups"), STR(""), STR(""),
                                          as->groups[i]);
        if (text(event->user, "uid").len > 0)
                add_impersonation(&impersonation, STR("uids"), STR(""), STR(""),
                                  text(event->user, "uid"));
        for (uint32_t i = 0; extra && extra->kind == DOC_MAP && i < extra->map.count; i++) {
                const struct doc_node *values = &extra->map.entries[i].value;

                for (uint32_t k = 0; values->kind == DOC_LIST && k < values->list.count; k++)
                        add_impersonation(&impersonation, STR("userextras"),
                                          extra->map.entries[i].key, STR(""),
                                          doc_string(&values->list.items[k], STR("")));
        }
}

int audit_access(const struct audit_event *event, struct rbac_usage *usage, struct arena *scratch,
                 struct error *error) {
        struct rbac_request request;

        read_user(scratch, event->user, &request);
        read_object(scratch, event, &request);
        if (!rbac_is_plain(&request))
                return error_set(error, -EINVAL,
                                 "the audit event names no user, or nothing that a rule could "
                                 "grant and no more");
        rbac_usage_add(usage, &request);
        if (opens_pod(event) || created(event)) {
                request.verb = STR("create");
                rbac_usage_add(usage, &request);
        }
        if (event->impersonator)
                add_impersonations(event, &request, usage, scratch);
        return 0;
}
