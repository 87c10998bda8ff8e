/*
 * The authorizer's functions (k8s.io/apiserver/pkg/cel/library/authz.go). All their values are one
 * thing in four stages: a question that is being put together, and its answer. Selectors are taken
 * and not looked at: RBAC, unlike a webhook, knows nothing of them.
 */
#include "base/utf8.h"
#include "cel/authorizer.h"
#include "cel/lib/lib.h"

#define AUTHORIZER "kubernetes.authorization.Authorizer"
#define PATH_CHECK "kubernetes.authorization.PathCheck"
#define GROUP_CHECK "kubernetes.authorization.GroupCheck"
#define RESOURCE_CHECK "kubernetes.authorization.ResourceCheck"
#define DECISION "kubernetes.authorization.Decision"

struct check {
        const struct cel_authorizer *authorizer;
        struct cel_authorizer_request request;
        bool allowed; /* of a decision */
        struct str reason;
};

/* There is no == between these values, not even with themselves. */
static bool never_equal(_unused_ const void *a, _unused_ const void *b) {
        return false;
}

#define CHECK_TYPE(variable, type_name)                                                            \
        const struct cel_type cel_type_##variable = { .kind = CEL_TYPE_OPAQUE,                     \
                                                      .name = STR_INIT(type_name) };               \
        static const struct cel_opaque_type variable##_opaque = { .name = STR_INIT(type_name),     \
                                                                  .type = &cel_type_##variable,    \
                                                                  .equal = never_equal,            \
                                                                  .comparable = never_equal }

CHECK_TYPE(authorizer, AUTHORIZER);
CHECK_TYPE(resource_check, RESOURCE_CHECK);
static CHECK_TYPE(path_check, PATH_CHECK);
static CHECK_TYPE(group_check, GROUP_CHECK);
static CHECK_TYPE(decision, DECISION);

struct cel_value cel_authorizer_value(struct arena *arena,
                                      const struct cel_authorizer *authorizer) {
        struct check *check = arena_new(arena, struct check);

        check->authorizer = authorizer;
        return cel_opaque(&authorizer_opaque, check);
}

struct cel_value cel_resource_check_value(struct arena *arena,
                                          const struct cel_authorizer *authorizer,
                                          const struct cel_authorizer_request *request) {
        struct check *check = arena_new(arena, struct check);

        check->authorizer = authorizer;
        check->request = *request;
        return cel_opaque(&resource_check_opaque, check);
}

/* The receiver, to be changed: values themselves never change. */
static struct check *copy(struct cel_context *context, const struct cel_value *args) {
        return arena_copy(context->scratch, args[0].opaque, sizeof(struct check));
}

static bool is_blank(struct str s) {
        size_t offset = 0;

        while (offset < s.len)
                if (!cel_is_space(utf8_next(s, &offset)))
                        return false;
        return true;
}

/* --- from the authorizer on --- */

static struct cel_value path(struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        struct check *check = copy(context, args);

        if (is_blank(args[1].string))
                return cel_error(context->scratch, "path must not be empty");
        check->request.path = args[1].string;
        return cel_opaque(&path_check_opaque, check);
}

static struct cel_value group(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        struct check *check = copy(context, args);

        check->request.group = args[1].string;
        return cel_opaque(&group_check_opaque, check);
}

static bool is_alphanumeric(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 1123, as apimachinery checks it: a label, or (DOTS) labels parted by dots. */
static bool is_dns_name(struct str name, size_t limit, bool dots) {
        if (name.len == 0 || name.len > limit)
                return false;
        for (size_t i = 0; i < name.len; i++) {
                bool first = i == 0 || name.ptr[i - 1] == '.';
                bool last = i + 1 == name.len || name.ptr[i + 1] == '.';

                if (is_alphanumeric(name.ptr[i]))
                        continue;
                if (dots && name.ptr[i] == '.' && !first && i + 1 < name.len)
                        continue;
                if (name.ptr[i] != '-' || first || last)
                        return false;
        }
        return true;
}

static struct cel_value service_account(struct cel_context *context, const struct cel_value *args,
                                        _unused_ size_t count) {
        struct check *check = copy(context, args);

        if (!is_dns_name(args[2].string, 253, true))
                return cel_error(context->scratch, "Invalid service account name");
        if (!is_dns_name(args[1].string, 63, false))
                return cel_error(context->scratch, "Invalid service account namespace");
        check->request.account_namespace = args[1].string;
        check->request.account = args[2].string;
        return cel_opaque(&authorizer_opaque, check);
}

/* --- the resource --- */

static struct cel_value resource(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        struct check *check = copy(context, args);

        if (is_blank(args[1].string))
                return cel_error(context->scratch, "resource must not be empty");
        check->request.resource = args[1].string;
        return cel_opaque(&resource_check_opaque, check);
}

static struct cel_value subresource(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        struct check *check = copy(context, args);

        check->request.subresource = args[1].string;
        return cel_opaque(&resource_check_opaque, check);
}

static struct cel_value namespace(struct cel_context *context, const struct cel_value *args,
                                  _unused_ size_t count) {
        struct check *check = copy(context, args);

        check->request.namespace = args[1].string;
        return cel_opaque(&resource_check_opaque, check);
}

static struct cel_value name(struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        struct check *check = copy(context, args);

        check->request.name = args[1].string;
        return cel_opaque(&resource_check_opaque, check);
}

static struct cel_value selector(_unused_ struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        return args[0];
}

/* --- the decision --- */

static struct cel_value decide(struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        struct check *check = copy(context, args);

        check->request.verb = args[1].string;
        if (!cel_charge(context, 100))
                return cel_give_up(context);
        if (check->authorizer)
                check->allowed = check->authorizer->allows(check->authorizer, &check->request,
                                                           context->scratch, &check->reason);
        return cel_opaque(&decision_opaque, check);
}

static const struct check *decision_of(const struct cel_value *args) {
        return args[0].opaque;
}

static struct cel_value allowed(_unused_ struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        return cel_bool(decision_of(args)->allowed);
}

static struct cel_value reason(_unused_ struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        return cel_string(decision_of(args)->reason);
}

/* RBAC never fails. */
static struct cel_value errored(_unused_ struct cel_context *context,
                                _unused_ const struct cel_value *args, _unused_ size_t count) {
        return cel_bool(false);
}

static struct cel_value error(_unused_ struct cel_context *context,
                              _unused_ const struct cel_value *args, _unused_ size_t count) {
        return cel_string(STR(""));
}

static const struct cel_function_row rows[] = {
        { .signature = AUTHORIZER ".path(string) " PATH_CHECK, .call = path, .since = 27 },
        { .signature = AUTHORIZER ".group(string) " GROUP_CHECK, .call = group, .since = 27 },
        { .signature = AUTHORIZER ".serviceAccount(string, string) " AUTHORIZER,
          .call = service_account,
          .since = 27 },
        { .signature = GROUP_CHECK ".resource(string) " RESOURCE_CHECK,
          .call = resource,
          .since = 27 },
        { .signature = RESOURCE_CHECK ".subresource(string) " RESOURCE_CHECK,
          .call = subresource,
          .since = 27 },
        { .signature = RESOURCE_CHECK ".namespace(string) " RESOURCE_CHECK,
          .call = namespace,
          .since = 27 },
        { .signature = RESOURCE_CHECK ".name(string) " RESOURCE_CHECK, .call = name, .since = 27 },
        { .signature = RESOURCE_CHECK ".fieldSelector(string) " RESOURCE_CHECK,
          .call = selector,
          .since = 31 },
        { .signature = RESOURCE_CHECK ".labelSelector(string) " RESOURCE_CHECK,
          .call = selector,
          .since = 31 },
        { .signature = PATH_CHECK ".check(string) " DECISION, .call = decide, .since = 27 },
        { .signature = RESOURCE_CHECK ".check(string) " DECISION, .call = decide, .since = 27 },
        { .signature = DECISION ".errored() bool", .call = errored, .since = 27 },
        { .signature = DECISION ".error() string", .call = error, .since = 27 },
        { .signature = DECISION ".allowed() bool", .call = allowed, .since = 27 },
        { .signature = DECISION ".reason() string", .call = reason, .since = 27 },
};

CEL_LIBRARY(cel_library_authz, "kubernetes.authz", rows);
