#include "fix/network.h"

#include "base/fs.h"
#include "base/util.h"

static void read_source(struct fix_network *self, const struct fix_input *input,
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
static void read_file(struct fix_network *self, const struct fix_input *input,
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

/* What is no connection in a form that is known is left out. */
static void read_flows(struct fix_network *self, struct str text) {
        struct str line;

        while (str_split(&text, '\n', &line))
                net_flow_log_add(&self->log, line);
}

void *fix_network_start(const struct fix_input *input) {
        struct fix_network *self = xrealloc(NULL, 1, sizeof *self);

        *self = (struct fix_network){ 0 };
        net_index_init(&self->index);
        for (size_t i = 0; i < input->files->files.count; i++)
                read_file(self, input, &input->files->files.items[i]);
        self->usable = net_index_finish(&self->index, NULL) >= 0;
        net_flow_log_init(&self->log, &self->index);
        self->declared = !input->flows || input->flows->count == 0;
        if (self->usable && self->declared)
                net_flow_log_declare(&self->log);
        for (size_t i = 0; self->usable && !self->declared && i < input->flows->count; i++)
                read_flows(self, input->flows->items[i]);
        return self;
}

void *fix_network_stop(void *network) {
        struct fix_network *self = network;

        net_flow_log_free(&self->log);
        net_index_free(&self->index);
        free(self);
        return NULL;
}
