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

void authorizer_init(struct authorizer *authorizer, const struct scan_options *options,
                     const struct input_list *files) {
        const struct gather gather = { STR("rbac.authorization.k8s.io"), add_document, authorizer };

        *authorizer = (struct authorizer){ .options = options };
        authorizer->base = rbac_authorizer(&authorizer->index, options->user, options->groups,
                                           options->group_count);
        authorizer->user = (struct policy_user){ .name = options->user,
                                                 .groups = options->groups,
                                                 .group_count = options->group_count,
                                                 .authorizer = &authorizer->base.base };
        rbac_index_init(&authorizer->index);
        authorizer->asked = is_needed(options);
        if (!authorizer->asked)
                return;
        rbac_index_add_defaults(&authorizer->index);
        gather_documents(options, files, &gather, 1);
        rbac_index_finish(&authorizer->index);
}

void authorizer_add_problems(const struct authorizer *authorizer, struct finding_list *list,
                             struct report_coverage *coverage) {
        for (size_t i = 0; i < authorizer->index.problems.count; i++) {
                const struct diagnostic *known = &authorizer->index.problems.items[i];
                struct diagnostic *problem = vec_push(&list->diagnostics);

                *problem = *known;
                problem->file = arena_str(&list->arena, problem->file);
                problem->message = arena_str(&list->arena, problem->message);
                coverage->not_judged += problem->incomplete;
        }
}

void authorizer_free(struct authorizer *authorizer) {
        rbac_index_free(&authorizer->index);
}
