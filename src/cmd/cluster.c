/* --cluster: from the kubeconfig to the objects that rules look at. */
#include "cmd/cluster.h"

#include <errno.h>

#include "base/progress.h"
#include "base/util.h"
#include "inventory/snapshot.h"
#include "scan/analysis.h"

struct view {
        const struct cluster_wish *wish;
        struct progress progress;
};

static size_t wanted(void *userdata, const struct cluster_resource *resource) {
        const struct view *view = userdata;
        const struct policy_set *set = view->wish->set;
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
        size_t count = 0;

        if (view->wish->group)
                return str_eq(resource->group, str_from(view->wish->group));
        if (view->wish->reads)
                return view->wish->reads(resource->group, resource->resource);
        if (!set)
                return 1;
        for (size_t i = 0; i < set->policies.count; i++) {
                const struct policy *policy = set->policies.items[i];

                count +=
                        policy_may_match(policy, &subject) || (template && policy->pod_templates) ||
                        (namespaces && policy->uses_namespace) || (rbac && policy->uses_authorizer);
        }
        return count + analysed;
}

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
        const struct kubeconfig_choice choice = { arguments->kubeconfig, arguments->context };
        const struct client_options client_options = { 0 };
        struct view view = { .wish = wish };
        const struct cluster_options options = {
                .namespace = arguments->all_namespaces ? NULL : wish->namespace,
                .secrets = arguments->secrets,
                .whole = wish->whole,
                .wanted = wanted,
                .progress = show,
                .userdata = &view,
        };
        struct client *client = NULL;
        struct kubeconfig config;
        int r = kubeconfig_load(context->arena, &choice, &config, context->error);

        if (r >= 0)
                r = client_new(&config, &client_options, &client, context->error);
        if (r < 0)
                return r;
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
        return r;
}
