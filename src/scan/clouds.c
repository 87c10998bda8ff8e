/*
 * The analysis of managed clusters: what a provider says of a cluster is judged by what it means
 * (cloud/cloud.h). Findings are placed in the description.
 */
#include "base/util.h"
#include "cloud/cloud.h"
#include "scan/private.h"

/* Kubeconfigs: where they go is compared. */
static bool reads(struct str group, struct str resource) {
        return group.len == 0 && str_eq(resource, STR("configs"));
}

static void *start(_unused_ const struct scan_options *options) {
        struct cloud *cloud = xrealloc(NULL, 1, sizeof *cloud);

        cloud_init(cloud);
        return cloud;
}

static void add(void *self, struct str file, const struct resource *resource) {
        cloud_add_kubeconfig(self, file, resource->root);
}

static void foreign(void *self, struct str file, const struct doc_node *root) {
        cloud_add(self, file, root);
}

static void finish(void *self, analysis_emit_fn *emit, void *userdata) {
        cloud_make(self, emit, userdata);
}

static const struct diagnostic *problems(void *self, size_t *ret_count) {
        static const struct diagnostic cut = {
                .message =
                        STR_INIT("more than 2,048 managed clusters, rules of networks or servers "
                                 "of kubeconfigs: not all were looked at"),
                .incomplete = true,
        };
        const struct cloud *cloud = self;

        *ret_count = cloud->cut;
        return &cut;
}

static void *stop(void *self) {
        cloud_free(self);
        free(self);
        return NULL;
}

static const char *const made[] = { "managedclusters", NULL };

const struct analysis clouds_analysis = {
        .resources = made,
        .word = "",
        .reads = reads,
        .start = start,
        .add = add,
        .foreign = foreign,
        .finish = finish,
        .problems = problems,
        .stop = stop,
};
