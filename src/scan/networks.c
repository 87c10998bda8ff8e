/*
 * The analysis of the network: workloads, namespaces, policies, Services and routes are judged by
 * what follows from all of them together (net/facts.h). What is found is placed at the object that
 * is to be changed.
 */
#include "base/util.h"
#include "net/facts.h"
#include "scan/private.h"

static void *start(_unused_ const struct scan_options *options) {
        struct net_index *index = xrealloc(NULL, 1, sizeof *index);

        net_index_init(index);
        return index;
}

static void add(void *self, struct str file, const struct resource *resource) {
        net_index_add(self, file, resource);
}

static void finish(void *self, analysis_emit_fn *emit, void *userdata) {
        struct net_index *index = self;
        struct error error = { 0 };

        if (net_index_finish(index, &error) < 0) {
                *vec_push(&index->problems) = (struct diagnostic){
                        .message = arena_printf(&index->arena, "%s", error.message),
                        .incomplete = true,
                };
                return;
        }
        net_make_facts(index, emit, userdata);
}

static const struct diagnostic *problems(void *self, size_t *ret_count) {
        const struct net_index *index = self;

        *ret_count = index->problems.count;
        return index->problems.items;
}

static void *stop(void *self) {
        net_index_free(self);
        free(self);
        return NULL;
}

static const char *const made[] = { "networkworkloads",
                                    "networknamespaces",
                                    "networkpolicyuses",
                                    "networkserviceuses",
                                    "networkrouteuses",
                                    "networkplugins",
                                    NULL };

const struct analysis networks_analysis = {
        .resources = made,
        .word = "",
        .reads = net_reads,
        .start = start,
        .add = add,
        .finish = finish,
        .problems = problems,
        .stop = stop,
};
