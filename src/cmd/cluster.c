/* --cluster: from the kubeconfig to the objects that rules look at. */
#include "cmd/cluster.h"

#include <errno.h>

#include "base/progress.h"
#include "base/util.h"
#include "inventory/snapshot.h"
#include "scan/analysis.h"
#include "scan/declared.h"

struct view {
        const struct cluster_wish *wish;
        struct progress progress;
};

/* How many rules look at RESOURCE, of which maybe only the metadata can be had. */
static size_t wanted_by(const struct cluster_wish *wish, const struct cluster_resource *resource,
                        bool metadata_only) {
        const struct policy_set *set = wish->set;
        struct policy_subject subject = { .group = resource->group,
                                          .version = resource->version,
                                          .kind = resource->kind,
                                          .resource = resource->resource,
                                          .namespaced = resource->namespaced,
                                          .operation = POLICY_CREATE };
        const struct kube_kind *kind = kube_kind_find(resource->group, resource->kind);
        bool template = kind && kind->pod_template;
        bool namespaces = resource->group.len == 0 && str_eq(resource->resource, STR("namespaces"));
        bool rbac = str_eq(resource->group, STR("rbac.authorization.k8s.io"));
        bool analysed = set && analysis_reads(set, resource->group, resource->resource);
        bool param = set && policy_set_wants_param(set, resource->group, resource->kind);
        size_t count = 0;

        if (wish->group)
                return str_eq(resource->group, str_from(wish->group));
        if (wish->reads)
                return wish->reads(resource->group, resource->resource);
        if (!set)
                return 1;
        for (size_t i = 0; i < set->policies.count; i++) {
                const struct policy *policy = set->policies.items[i];

                if (metadata_only && !policy->metadata_only)
                        continue;
                count +=
                        policy_may_match(policy, &subject) || (template && policy->pod_templates) ||
                        (namespaces && policy->uses_namespace) || (rbac && policy->uses_authorizer);
        }
        if (declared_is_complete(wish->declared) ||
            declared_count(wish->declared, resource->group, resource->resource) > 0 ||
            (wish->declared && str_eq(resource->resource, STR("horizontalpodautoscalers"))))
                count++;
        return count + ((analysed || param) && !metadata_only);
}

static size_t wanted(void *userdata, const struct cluster_resource *resource, bool metadata_only) {
        const struct view *view = userdata;

        return wanted_by(view->wish, resource, metadata_only);
}

static size_t wanted_by_wish(void *userdata, const struct cluster_resource *resource,
                             bool metadata_only) {
        return wanted_by(userdata, resource, metadata_only);
}

struct cluster_options cluster_options_of(const struct cluster_arguments *arguments,
                                          const struct cluster_wish *wish) {
        return (struct cluster_options){
                .namespace = arguments->all_namespaces ? NULL : wish->namespace,
                .secrets = arguments->secrets,
                .whole = wish->whole,
                .group_only = wish->group != NULL,
                .wanted = wanted_by_wish,
                .userdata = (void *)(uintptr_t)wish,
        };
}

int cluster_connect(struct command_context *context, const struct cluster_arguments *arguments,
                    const volatile sig_atomic_t *stop, struct kubeconfig *config,
                    struct client **ret) {
        const struct kubeconfig_choice choice = { arguments->kubeconfig, arguments->context };
        const struct client_options options = { .stop = stop };
        int r = kubeconfig_load(context->arena, &choice, config, context->error);

        return r < 0 ? r : client_new(config, &options, ret, context->error);
}

/* --- what is not there --- */

static struct cluster_resource resource_of(const struct input_gap *gap) {
        return (struct cluster_resource){ .group = gap->group,
                                          .version = gap->version,
                                          .kind = gap->kind,
                                          .resource = gap->resource,
                                          .namespaced = gap->namespaced };
}

struct str cluster_gap_message(struct arena *arena, const struct cluster_wish *wish,
                               const struct input_gap *gap) {
        const struct cluster_resource resource = resource_of(gap);
        size_t rules = wanted_by(wish, &resource, false);
        struct str name = arena_printf(arena, "%.*s%s%.*s", STR_ARG(gap->resource),
                                       gap->group.len ? "." : "", STR_ARG(gap->group));

        if (wish->set && rules > 0)
                return arena_printf(arena, "cannot list %.*s in %.*s: %zu rule%s not judged (%.*s)",
                                    STR_ARG(name), STR_ARG(gap->scope), rules,
                                    rules == 1 ? "" : "s", STR_ARG(gap->reason));
        if (rules > 0)
                return arena_printf(arena, "cannot list %.*s in %.*s (%.*s)", STR_ARG(name),
                                    STR_ARG(gap->scope), STR_ARG(gap->reason));
        return STR("");
}

/* Of Secrets only the metadata was read: the other rules about them are not judged. */
static struct str metadata_message(struct arena *arena, const struct cluster_wish *wish,
                                   const struct input_gap *read) {
        const struct cluster_resource resource = resource_of(read);
        size_t all = wanted_by(wish, &resource, false), some = wanted_by(wish, &resource, true);

        if (!wish->set || all <= some)
                return STR("");
        return arena_printf(arena,
                            "of %.*s only the metadata is read: %zu rule%s about them %s not "
                            "judged (allow it with --read-secrets)",
                            STR_ARG(read->resource), all - some, all - some == 1 ? "" : "s",
                            all - some == 1 ? "is" : "are");
}

static void add_problem(struct input_list *list, struct str resource, struct str message,
                        bool incomplete) {
        if (message.len > 0)
                *vec_push(&list->problems) = (struct diagnostic){
                        .file = arena_printf(&list->arena, CLUSTER_PATH "%.*s", STR_ARG(resource)),
                        .message = message,
                        .incomplete = incomplete,
                };
}

static void tell_gaps(const struct cluster_wish *wish, struct input_list *list) {
        for (size_t i = 0; i < list->gaps.count; i++)
                add_problem(list, list->gaps.items[i].resource,
                            cluster_gap_message(&list->arena, wish, &list->gaps.items[i]), true);
        for (size_t i = 0; i < list->lists.count; i++)
                if (list->lists.items[i].metadata_only)
                        add_problem(list, list->lists.items[i].resource,
                                    metadata_message(&list->arena, wish, &list->lists.items[i]),
                                    false);
}

/* --- reading --- */

static void show(void *userdata, size_t objects, struct str resource) {
        struct view *view = userdata;
        struct progress_state state = { .done = objects, .current = resource };

        progress_update(&view->progress, &state);
}

bool cluster_named(const struct cluster_arguments *arguments) {
        return arguments->cluster || arguments->snapshots.count > 0;
}

static int read_live(struct command_context *context, const struct cluster_arguments *arguments,
                     const struct cluster_wish *wish, struct input_list *ret,
                     struct str *ret_server) {
        struct view view = { .wish = wish };
        struct cluster_options options = cluster_options_of(arguments, wish);
        struct client *client = NULL;
        struct kubeconfig config;
        int r = cluster_connect(context, arguments, NULL, &config, &client);

        if (r < 0)
                return r;
        options.wanted = wanted;
        options.progress = show;
        options.userdata = &view;
        if (ret_server)
                *ret_server = config.server;
        progress_start(&view.progress, STDERR_FILENO, "reading", !context->common.quiet);
        r = cluster_read(client, &options, ret, context->error);
        progress_end(&view.progress);
        client_free(client);
        return r;
}

int cluster_open(struct command_context *context, const struct cluster_arguments *arguments,
                 const struct cluster_wish *wish, struct input_list *ret, struct str *ret_server) {
        int r = 0;

        for (size_t i = 0; i < arguments->snapshots.count && r >= 0; i++)
                r = input_add_snapshot(ret, arguments->snapshots.items[i], context->error);
        if (r >= 0 && arguments->cluster)
                r = read_live(context, arguments, wish, ret, ret_server);
        if (r >= 0 && !wish->keep_gaps)
                tell_gaps(wish, ret);
        return r;
}
