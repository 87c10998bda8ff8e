/*
 * Looking through the input before anything is judged, for objects that others are judged by. Only
 * files that can hold one are parsed.
 */
#include "base/fs.h"
#include "base/util.h"
#include "scan/private.h"

/* What is kept of the memory for one document. */
enum { DOCUMENT_KEEP = 1 << 20 };

/* A cheap test that no file with WORD can fail: it stands in the text, or is hidden behind an
 * escape. */
static bool may_hold(struct str text, struct str word) {
        return str_find(text, word, 0) >= 0 || str_find(text, STR("\\u"), 0) >= 0 ||
               str_find(text, STR("\\x"), 0) >= 0 || str_find(text, STR("\\U"), 0) >= 0;
}

static void gather_file(const struct scan_options *options, const struct input_file *file,
                        const struct gather *gather) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct arena documents _cleanup_(arena_free) = ARENA_INIT;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_source source;
        struct doc_reader reader;
        struct str text = file->text;
        struct doc *doc;
        int r;

        /* What cannot be read here cannot be read when it is judged, and is reported then. */
        if (!text.ptr) {
                if (fs_read(file->path.ptr, -1, options->limits.file_bytes, false, &buf, NULL) < 0)
                        return;
                text = buf_str(&buf);
        }
        if (!may_hold(text, gather->word) ||
            doc_source_init(&arena, file->path, text, &source, NULL) < 0)
                return;
        doc_reader_init(&reader, &source, DOC_AUTO, &options->limits);
        while ((r = doc_read(&reader, &documents, &doc, NULL)) != 0) {
                if (r > 0)
                        gather->document(gather->userdata, &documents, doc);
                arena_reset(&documents, DOCUMENT_KEEP);
        }
}

void gather_documents(const struct scan_options *options, const struct input_list *files,
                      const struct gather *gather) {
        for (size_t i = 0; i < files->files.count; i++)
                gather_file(options, &files->files.items[i], gather);
}
