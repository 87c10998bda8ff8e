/*
 * The analysis of attack paths: every workload is judged by where an attacker gets from it, and
 * every namespace with workloads by what it holds and is limited by (graph/surface.h).
 */
#include "base/util.h"
#include "graph/surface.h"
#include "scan/private.h"

struct surfaces {
        struct graph graph;
        struct map limits; /* namespace -> struct graph_limits */
        struct arena arena;
};

static bool reads(struct str group, struct str resource) {
        return graph_reads(group, resource) ||
               (group.len == 0 &&
                (str_eq(resource, STR("resourcequotas")) || str_eq(resource, STR("limitranges"))));
}

static void *start(_unused_ const struct scan_options *options) {
        struct surfaces *self = xrealloc(NULL, 1, sizeof *self);
        const struct graph_options graph_options = { 0 };

        *self = (struct surfaces){ 0 };
        graph_init(&self->graph, &graph_options);
        return self;
}

static struct graph_limits *limits_of(struct surfaces *self, struct str namespace) {
        struct graph_limits *limits = map_get(&self->limits, namespace);

        if (limits)
                return limits;
        limits = arena_new(&self->arena, struct graph_limits);
        map_put(&self->limits, arena_str(&self->arena, namespace))->value = limits;
        return limits;
}

static bool lacks_limit(const struct doc_node *spec) {
        const struct doc_node *containers = doc_get(spec, STR("containers"));

        for (uint32_t i = 0;
             containers && containers->kind == DOC_LIST && i < containers->list.count; i++)
                if (!doc_find(&containers->list.items[i], "resources", "limits", "memory"))
                        return true;
        return false;
}

/* Whether RESOURCE is what another template makes: the ReplicaSet of a Deployment, the Job of a
 * CronJob. The workload is counted once, by that template. */
static bool repeats_template(const struct resource *resource) {
        const struct doc_node *owners = doc_find(resource->object, "metadata", "ownerReferences");

        for (uint32_t i = 0; owners && owners->kind == DOC_LIST && i < owners->list.count; i++) {
                const struct doc_node *owner = &owners->list.items[i];
                const struct doc_node *flag = doc_get(owner, STR("controller"));
                struct str version = doc_string(doc_get(owner, STR("apiVersion")), STR(""));
                const struct kube_kind *kind =
                        kube_kind_find(kube_group_version(version).group,
                                       doc_string(doc_get(owner, STR("kind")), STR("")));

                if (flag && flag->kind == DOC_BOOL && flag->boolean && kind && kind->pod_template)
                        return true;
        }
        return false;
}

static void see_limits(struct surfaces *self, const struct resource *resource) {
        struct graph_limits *limits;
        const struct doc_node *pod = NULL;

        if (!resource->namespaced)
                return;
        limits = limits_of(self, resource->namespace);
        limits->quota |= str_eq(resource->resource, STR("resourcequotas"));
        limits->range |= str_eq(resource->resource, STR("limitranges"));
        if (!resource->known || !resource->known->pod_template ||
            kube_pod_templates(resource->known, resource->object, &pod, 1) != 1 ||
            !lacks_limit(doc_get(pod, STR("spec"))) || repeats_template(resource))
                return;
        *vec_push_in(&self->arena, &limits->unlimited) = arena_printf(
                &self->arena, "%.*s %.*s", STR_ARG(resource->kind), STR_ARG(resource->name));
}

static void add(void *userdata, struct str file, const struct resource *resource) {
        struct surfaces *self = userdata;

        see_limits(self, resource);
        graph_add(&self->graph, file, resource);
}

static void finish(void *userdata, analysis_emit_fn *emit, void *emit_userdata) {
        struct surfaces *self = userdata;

        graph_finish(&self->graph);
        graph_surfaces(&self->graph, &self->limits, emit, emit_userdata);
}

static void *stop(void *userdata) {
        struct surfaces *self = userdata;

        graph_free(&self->graph);
        map_free(&self->limits);
        arena_free(&self->arena);
        free(self);
        return NULL;
}

static const char *const made[] = { "attacksurfaces", "namespaceuses", NULL };

/* What the input lacks is no problem here: rules judge what is there. */
const struct analysis surfaces_analysis = {
        .resources = made,
        .word = "",
        .reads = reads,
        .start = start,
        .add = add,
        .finish = finish,
        .stop = stop,
};
