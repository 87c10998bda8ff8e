/*
 * Fixes for Namespaces in which nothing is denied by default: a policy that denies, and for each
 * workload one that allows what the manifests declare (net/generate.h). What is isolated already is
 * left as it is.
 *
 * Manifests do not show every connection: the fix is unsafe.
 */
#include "base/fs.h"
#include "base/util.h"
#include "fix/private.h"
#include "net/generate.h"

struct self {
        struct net_index index;
        struct net_flow_log log;
        bool usable;
};

static void read_source(struct self *self, const struct fix_input *input,
                        const struct doc_source *source) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct resource_list resources;
        struct doc_reader reader;
        struct doc *doc;
        int r;

        doc_reader_init(&reader, source, DOC_AUTO, &input->options->limits);
        while ((r = doc_read(&reader, &arena, &doc, NULL)) != 0) {
                if (r > 0)
                        resources_of(&arena, doc, input->options->namespace, false, &resources);
                for (size_t i = 0; r > 0 && i < resources.count; i++)
                        net_index_add(&self->index, source->name, &resources.items[i]);
                arena_reset(&arena, 1 << 20);
        }
}

/* What cannot be read was reported by the scan. */
static void read_file(struct self *self, const struct fix_input *input,
                      const struct input_file *file) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct str text = file->text;
        struct doc_source source;

        if (!text.ptr) {
                if (fs_read(file->path.ptr, -1, input->options->limits.file_bytes, false, &buf,
                            NULL) < 0)
                        return;
                text = buf_str(&buf);
        }
        if (doc_source_init(&arena, file->path, text, &source, NULL) >= 0)
                read_source(self, input, &source);
}

static void *start(const struct fix_input *input) {
        struct self *self = xrealloc(NULL, 1, sizeof *self);

        *self = (struct self){ 0 };
        net_index_init(&self->index);
        for (size_t i = 0; i < input->files->files.count; i++)
                read_file(self, input, &input->files->files.items[i]);
        self->usable = net_index_finish(&self->index, NULL) >= 0;
        net_flow_log_init(&self->log, &self->index);
        if (self->usable)
                net_flow_log_declare(&self->log);
        return self;
}

static void *stop(void *data) {
        struct self *self = data;

        net_flow_log_free(&self->log);
        net_index_free(&self->index);
        free(self);
        return NULL;
}

static void propose(void *data, const struct finding *finding, struct fix *fix) {
        struct self *self = data;
        const struct net_generate_options options = { .namespaces = &finding->resource.name,
                                                      .namespace_count = 1,
                                                      .declared = true,
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
        fix_describe(fix,
                     "deny by default in namespace \"%.*s\", and allow what its manifests declare",
                     STR_ARG(finding->resource.name));
}

static const char *const rules[] = { "network/namespace-default-deny-ingress",
                                     "network/namespace-default-deny-egress", NULL };

const struct fix_provider fix_default_deny = {
        .rules = rules,
        .unsafe = "connections that no manifest declares are cut; see redoubt net generate --flows",
        .start = start,
        .propose = propose,
        .stop = stop,
};
