/*
 * The authorizer of a scan: what policies ask with `authorizer.group(...)...check(...)` is answered
 * from the Roles and bindings of the same input, for the user of --as.
 */
#include "base/util.h"
#include "scan/private.h"

static bool is_needed(const struct scan_options *options) {
        for (size_t i = 0; i < options->policies->policies.count; i++)
                if (options->policies->policies.items[i]->uses_authorizer)
                        return true;
        return false;
}

static void add_document(void *userdata, struct arena *arena, const struct doc *doc) {
        struct authorizer *authorizer = userdata;
        struct resource_list resources;

        resources_of(arena, doc, authorizer->options->namespace, false, &resources);
        for (size_t i = 0; i < resources.count; i++)
                rbac_index_add(&authorizer->index, doc->source->name, &resources.items[i]);
}

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
        const struct authorizer *authorizer = (const struct authorizer *)base;
        struct rbac_request request = { .user = authorizer->user.name,
                                        .groups = authorizer->user.groups,
                                        .group_count = authorizer->user.group_count,
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
        rbac_decide(&authorizer->index, &request, &decision);
        if (decision.allowed)
                explain(scratch, &decision, &request, ret_reason);
        else
                explain_no(&authorizer->index, &request, scratch, ret_reason);
        return decision.allowed;
}

void authorizer_init(struct authorizer *authorizer, const struct scan_options *options,
                     const struct input_list *files) {
        const struct gather gather = { STR("rbac.authorization.k8s.io"), add_document, authorizer };

        *authorizer = (struct authorizer){ .base = { allows }, .options = options };
        authorizer->user = (struct policy_user){ .name = options->user,
                                                 .groups = options->groups,
                                                 .group_count = options->group_count,
                                                 .authorizer = &authorizer->base };
        rbac_index_init(&authorizer->index);
        authorizer->asked = is_needed(options);
        authorizer->subjects = subjects_are_judged(options->policies);
        if (!authorizer->asked && !authorizer->subjects)
                return;
        rbac_index_add_defaults(&authorizer->index);
        gather_documents(options, files, &gather);
        rbac_index_finish(&authorizer->index);
}

void authorizer_add_problems(const struct authorizer *authorizer, struct finding_list *list,
                             struct report_coverage *coverage) {
        for (size_t i = 0; i < authorizer->index.problems.count; i++) {
                const struct diagnostic *known = &authorizer->index.problems.items[i];
                struct diagnostic *problem;

                /* Folders with a variant for each stage have everything twice. */
                if (!known->incomplete && !authorizer->asked)
                        continue;
                problem = vec_push(&list->diagnostics);
                *problem = *known;
                problem->file = arena_str(&list->arena, problem->file);
                problem->message = arena_str(&list->arena, problem->message);
                coverage->not_judged += problem->incomplete;
        }
}

void authorizer_free(struct authorizer *authorizer) {
        rbac_index_free(&authorizer->index);
}
