/*
 * Fixes for Namespaces in which nothing is denied by default: a policy that denies, and for each
 * workload one that allows what the manifests declare or a log shows (net/generate.h). What is
 * isolated already is left as it is.
 *
 * Manifests do not show every connection: the fix is unsafe.
 */
#include "base/util.h"
#include "fix/network.h"
#include "fix/private.h"

static void propose(void *data, const struct finding *finding, struct fix *fix) {
        struct fix_network *self = data;
        const struct net_generate_options options = { .namespaces = &finding->resource.name,
                                                      .namespace_count = 1,
                                                      .declared = self->declared,
                                                      .only_open = true };
        struct buf yaml _cleanup_(buf_free) = BUF_INIT;
        struct net_generate_result result;
        struct doc_source *source = arena_new(fix_arena(fix), struct doc_source);
        struct str file = fix_sibling(fix, &finding->location, STR("network-policies.yaml"));
        struct doc_reader reader;
        struct doc *doc;

        if (!self->usable) {
                fix_refuse(fix, "the network of the input is too large to be compared");
                return;
        }
        net_generate(&self->log, &options, &yaml, &result);
        *source = (struct doc_source){ file, arena_str(fix_arena(fix), buf_str(&yaml)) };
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        while (doc_read(&reader, fix_arena(fix), &doc, NULL) > 0)
                fix_create(fix, file, doc->root);
        fix_describe(fix, "deny by default in namespace \"%.*s\", and allow what %s",
                     STR_ARG(finding->resource.name),
                     self->declared ? "its manifests declare" : "was observed");
}

static const char *const rules[] = { "network/namespace-default-deny-ingress",
                                     "network/namespace-default-deny-egress", NULL };

const struct fix_provider fix_default_deny = {
        .rules = rules,
        .unsafe = "connections that no manifest declares are cut; see redoubt net generate --flows",
        .start = fix_network_start,
        .propose = propose,
        .stop = fix_network_stop,
};
