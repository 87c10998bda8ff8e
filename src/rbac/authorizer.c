#include "rbac/authorizer.h"

#include "base/buf.h"
#include "base/util.h"

/* "ClusterRoleBinding \"b\" of ClusterRole \"r\"", in the words of Kubernetes' authorizer. */
static void describe(struct arena *scratch, const struct rbac_binding *binding,
                     const struct rbac_subject *subject, struct str *ret) {
        static const char *const kinds[] = { "User", "Group", "ServiceAccount", "" };
        bool account = subject->kind == RBAC_SERVICE_ACCOUNT;

        *ret = arena_printf(scratch,
                            "RBAC: allowed by %s \"%.*s%s%.*s\" of %.*s \"%.*s\" to %s "
                            "\"%.*s%s%.*s\"",
                            binding->cluster ? "ClusterRoleBinding" : "RoleBinding",
                            STR_ARG(binding->name), binding->cluster ? "" : "/",
                            STR_ARG(binding->cluster ? STR("") : binding->namespace),
                            STR_ARG(binding->role_kind), STR_ARG(binding->role_name),
                            kinds[subject->kind], STR_ARG(subject->name), account ? "/" : "",
                            STR_ARG(account ? subject->namespace : STR("")));
}

static bool is_subject(const struct rbac_subject *subject, const struct rbac_request *request) {
        if (subject->kind == RBAC_USER)
                return str_eq(subject->name, request->user);
        if (subject->kind == RBAC_SERVICE_ACCOUNT)
                return subject->user.len > 0 && str_eq(subject->user, request->user);
        for (size_t i = 0; i < request->group_count; i++)
                if (subject->kind == RBAC_GROUP && str_eq(subject->name, request->groups[i]))
                        return true;
        return false;
}

/* What could not be looked up, as the aggregate of errors that the API server makes: each once. */
static struct str missing_role(struct arena *scratch, const struct rbac_binding *binding) {
        bool cluster = str_eq(binding->role_kind, STR("ClusterRole"));

        if (!cluster && !str_eq(binding->role_kind, STR("Role")))
                return arena_printf(scratch, "unsupported role reference kind: \"%.*s\"",
                                    STR_ARG(binding->role_kind));
        return arena_printf(scratch, "%s.rbac.authorization.k8s.io \"%.*s\" not found",
                            cluster ? "clusterrole" : "role", STR_ARG(binding->role_name));
}

static void explain_no(const struct rbac_index *index, const struct rbac_request *request,
                       struct arena *scratch, struct str *ret) {
        struct map seen _cleanup_(map_free) = MAP_INIT;
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        const struct rbac_binding **bindings;
        size_t count;

        bindings = rbac_dormant(index, request, scratch, &count);
        if (count == 0)
                return;
        for (size_t i = 0; i < count; i++)
                map_put(&seen, missing_role(scratch, bindings[i]));
        buf_add(&text, seen.count > 1 ? STR("RBAC: [") : STR("RBAC: "));
        for (size_t i = 0; i < seen.count; i++) {
                if (i > 0)
                        buf_add(&text, STR(", "));
                buf_add(&text, seen.entries[i].key);
        }
        if (seen.count > 1)
                buf_add_char(&text, ']');
        *ret = arena_str(scratch, buf_str(&text));
}

static void explain(struct arena *scratch, const struct rbac_decision *decision,
                    const struct rbac_request *request, struct str *ret) {
        for (size_t i = 0; decision->binding && i < decision->binding->subject_count; i++)
                if (is_subject(&decision->binding->subjects[i], request)) {
                        describe(scratch, decision->binding, &decision->binding->subjects[i], ret);
                        return;
                }
}

static bool allows(const struct cel_authorizer *base, const struct cel_authorizer_request *question,
                   struct arena *scratch, struct str *ret_reason) {
        const struct rbac_authorizer *authorizer = (const struct rbac_authorizer *)base;
        struct rbac_request request = { .user = authorizer->user,
                                        .groups = authorizer->groups,
                                        .group_count = authorizer->group_count,
                                        .verb = question->verb,
                                        .group = question->group,
                                        .resource = question->resource,
                                        .subresource = question->subresource,
                                        .namespace = question->namespace,
                                        .name = question->name,
                                        .path = question->path };
        struct rbac_decision decision;
        struct str groups[2];

        /* A service account that is asked for by name has the groups of its kind only. */
        if (question->account.len > 0) {
                request.user = arena_printf(scratch, "system:serviceaccount:%.*s:%.*s",
                                            STR_ARG(question->account_namespace),
                                            STR_ARG(question->account));
                groups[0] = STR("system:serviceaccounts");
                groups[1] = arena_printf(scratch, "system:serviceaccounts:%.*s",
                                         STR_ARG(question->account_namespace));
                request.groups = groups;
                request.group_count = ELEMENTS(groups);
        }
        rbac_decide(authorizer->index, &request, &decision);
        if (decision.allowed)
                explain(scratch, &decision, &request, ret_reason);
        else
                explain_no(authorizer->index, &request, scratch, ret_reason);
        return decision.allowed;
}

struct rbac_authorizer rbac_authorizer(const struct rbac_index *index, struct str user,
                                       const struct str *groups, size_t group_count) {
        return (struct rbac_authorizer){ .base = { allows },
                                         .index = index,
                                         .user = user,
                                         .groups = groups,
                                         .group_count = group_count };
}
