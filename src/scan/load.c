#include "base/fs.h"
#include "base/util.h"
#include "inventory/template.h"
#include "scan/private.h"

static const struct doc_pos nowhere = { 0, 0 };

static void not_judged(struct worker *worker, const struct input_file *file,
                       const struct error *error) {
        worker->coverage.not_judged++;
        worker_problem(worker, file->path, (struct doc_pos){ error->line, error->column }, nowhere,
                       str_from(error->message), true);
}

bool worker_load(struct worker *worker, const struct input_file *file, struct loaded *ret) {
        const struct doc_limits *limits = &worker->options->limits;
        struct error error = { 0 };
        struct str text = file->text;
        int r = 0;

        worker->coverage.files++;
        if (!text.ptr) {
                r = fs_read(file->path.ptr, -1, limits->file_bytes, false, &ret->buf, &error);
                text = buf_str(&ret->buf);
        }
        worker->coverage.bytes += text.len;
        if (r >= 0)
                r = doc_source_init(&ret->arena, file->path, text, &ret->source, &error);
        if (r < 0) {
                not_judged(worker, file, &error);
                return false;
        }
        if (template_is_helm(ret->source.text, file->in_chart)) {
                worker->coverage.templates++;
                error_set(&error, 0,
                          "is a Helm template; render it first: helm template CHART | redoubt scan "
                          "-");
                not_judged(worker, file, &error);
                return false;
        }
        doc_reader_init(&ret->reader, &ret->source,
                        str_ends(file->path, STR(".json")) ? DOC_JSON : DOC_AUTO, limits);
        return true;
}

void loaded_clear(struct loaded *loaded) {
        buf_free(&loaded->buf);
        arena_free(&loaded->arena);
}
