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
        if (str_find(text, word, 0) >= 0)
                return true;
        return text.len > 0 && memchr(text.ptr, '\\', text.len) &&
               (str_find(text, STR("\\u"), 0) >= 0 || str_find(text, STR("\\x"), 0) >= 0 ||
                str_find(text, STR("\\U"), 0) >= 0);
}

static bool may_hold_any(struct str text, const struct gather *gathers, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (may_hold(text, gathers[i].word))
                        return true;
        return false;
}

/* Reads the documents of SOURCE and gives them to those of the gatherers that WANTED names. */
static void read_documents(const struct scan_options *options, const struct doc_source *source,
                           const struct gather *gathers, const bool *wanted, size_t count) {
        struct arena documents _cleanup_(arena_free) = ARENA_INIT;
        struct doc_reader reader;
        struct doc *doc;
        int r;

        doc_reader_init(&reader, source, DOC_AUTO, &options->limits);
        while ((r = doc_read(&reader, &documents, &doc, NULL)) != 0) {
                for (size_t i = 0; r > 0 && i < count; i++)
                        if (wanted[i])
                                gathers[i].document(gathers[i].userdata, &documents, doc);
                arena_reset(&documents, DOCUMENT_KEEP);
        }
}

void gather_source(const struct scan_options *options, const struct doc_source *source,
                   const struct gather *gathers, size_t count) {
        bool wanted[GATHER_MAX];

        for (size_t i = 0; i < count; i++)
                wanted[i] = may_hold(source->text, gathers[i].word);
        if (may_hold_any(source->text, gathers, count))
                read_documents(options, source, gathers, wanted, count);
}

void gather_file(const struct scan_options *options, const struct input_file *file,
                 const struct gather *gathers, size_t count) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_source source;
        struct str text = file->text;

        /* What cannot be read here cannot be read when it is judged, and is reported then. */
        if (!text.ptr) {
                if (fs_read(file->path.ptr, -1, options->limits.file_bytes, false, &buf, NULL) < 0)
                        return;
                text = buf_str(&buf);
        }
        if (may_hold_any(text, gathers, count) &&
            doc_source_init(&arena, file->path, text, &source, NULL) >= 0)
                gather_source(options, &source, gathers, count);
}

void gather_documents(const struct scan_options *options, const struct input_list *files,
                      const struct gather *gathers, size_t count) {
        for (size_t i = 0; i < files->files.count && count > 0; i++)
                gather_file(options, &files->files.items[i], gathers, count);
}
