#include "cmd/objects.h"

#include "base/fs.h"
#include "base/util.h"
#include "inventory/template.h"

enum { ARENA_KEEP = 1 << 20 };

struct reader {
        object_fn *each;
        object_foreign_fn *foreign; /* may be NULL */
        void *userdata;
        bool incomplete;
};

void objects_tell(struct str file, struct doc_pos pos, struct str message) {
        struct error error = { .line = pos.line, .column = pos.column };

        error_set_file(&error, file);
        snprintf(error.message, sizeof error.message, "%.*s", STR_ARG(message));
        command_print_error(&error);
}

static void tell_error(struct reader *reader, struct str file, const struct error *error) {
        objects_tell(file, (struct doc_pos){ error->line, error->column },
                     str_from(error->message));
        reader->incomplete = true;
}

static void read_document(struct reader *reader, struct arena *arena, const struct doc *doc) {
        struct resource_list resources;

        resources_of(arena, doc, STR("default"), false, &resources);
        if (resources.problem)
                tell_error(reader, doc->source->name, resources.problem);
        if (resources.foreign && reader->foreign)
                reader->foreign(reader->userdata, doc->source->name, doc->root);
        for (size_t i = 0; i < resources.count; i++)
                reader->each(reader->userdata, doc->source->name, &resources.items[i]);
        if (resources.partial)
                reader->each(reader->userdata, doc->source->name, resources.partial);
}

static void read_source(struct reader *reader, const struct doc_source *source) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_reader documents;
        struct error error;
        struct doc *doc;
        int r;

        doc_reader_init(&documents, source,
                        str_ends(source->name, STR(".json")) ? DOC_JSON : DOC_AUTO, NULL);
        while ((r = doc_read(&documents, &arena, &doc, &error)) != 0) {
                if (r > 0)
                        read_document(reader, &arena, doc);
                else
                        tell_error(reader, source->name, &error);
                arena_reset(&arena, ARENA_KEEP);
        }
}

static void read_file(struct reader *reader, const struct input_file *file) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct str text = file->text;
        struct doc_source source;
        struct error error = { 0 };
        int r = 0;

        if (!text.ptr) {
                r = fs_read(file->path.ptr, -1, doc_default_limits.file_bytes, false, &buf, &error);
                text = buf_str(&buf);
        }
        if (r >= 0)
                r = doc_source_init(&arena, file->path, text, &source, &error);
        if (r >= 0 && template_is_helm(source.text, file->in_chart))
                r = error_set(&error, -EINVAL,
                              "is a Helm template; render it first: helm template CHART | "
                              "redoubt ... -f -");
        if (r < 0)
                tell_error(reader, file->path, &error);
        else
                read_source(reader, &source);
}

int objects_open(struct command_context *context, const struct option_strings *paths,
                 struct input_list *ret) {
        int r = 0;

        ret->file_limit = doc_default_limits.file_bytes;
        if (paths->count == 0)
                r = input_add(ret, ".", context->error);
        for (size_t i = 0; i < paths->count && r >= 0; i++)
                r = input_add(ret, paths->items[i], context->error);
        return r;
}

bool objects_read(const struct input_list *inputs, object_fn *each, void *userdata) {
        return objects_read_all(inputs, each, NULL, userdata);
}

bool objects_read_all(const struct input_list *inputs, object_fn *each, object_foreign_fn *foreign,
                      void *userdata) {
        struct reader reader = { .each = each, .foreign = foreign, .userdata = userdata };

        for (size_t i = 0; i < inputs->problems.count; i++) {
                const struct diagnostic *problem = &inputs->problems.items[i];

                objects_tell(problem->file, problem->pos, problem->message);
                reader.incomplete |= problem->incomplete;
        }
        for (size_t i = 0; i < inputs->files.count; i++)
                read_file(&reader, &inputs->files.items[i]);
        return !reader.incomplete;
}
