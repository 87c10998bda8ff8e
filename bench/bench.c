#include "bench.h"

#include <time.h>

#include "base/fs.h"
#include "inventory/files.h"

struct reading {
        struct arena *arena;
        bench_resource_fn *each;
        void *userdata;
};

static int read_text(struct reading *reading, struct str name, struct str text,
                     struct error *error);

/* The cases of a rule's tests hold objects as text. */
static int read_cases(struct reading *reading, const struct doc *doc, struct error *error) {
        int r = 0;

        for (uint32_t i = 0; r >= 0 && i < doc->root->list.count; i++)
                r = read_text(
                        reading, doc->source->name,
                        doc_string(doc_get(&doc->root->list.items[i], STR("object")), STR("")),
                        error);
        return r;
}

static int read_document(struct reading *reading, const struct doc *doc, struct error *error) {
        struct resource_list resources;

        if (doc->root->kind == DOC_LIST)
                return read_cases(reading, doc, error);
        resources_of(reading->arena, doc, STR("default"), false, &resources);
        for (size_t i = 0; i < resources.count; i++)
                reading->each(reading->userdata, &resources.items[i]);
        return 0;
}

/* Objects are no lists, so the text of a case has no cases. */
static int read_text(struct reading *reading, struct str name, struct str text,
                     struct error *error) {
        struct doc_source *source = arena_new(reading->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;
        int r = doc_source_init(reading->arena, name, text, source, error);

        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_AUTO, NULL);
        while ((r = doc_read(&reader, reading->arena, &doc, error)) > 0) {
                r = read_document(reading, doc, error);
                if (r < 0)
                        break;
        }
        return r;
}

int bench_read(struct arena *arena, const char *path, bench_resource_fn *each, void *userdata,
               struct error *error) {
        struct reading reading = { arena, each, userdata };
        struct input_list files _cleanup_(input_free) = { 0 };
        int r = input_add(&files, path, error);

        for (size_t i = 0; r >= 0 && i < files.files.count; i++) {
                struct buf text _cleanup_(buf_free) = BUF_INIT;
                struct str name = arena_str(arena, files.files.items[i].path);

                r = fs_read(name.ptr, -1, doc_default_limits.file_bytes, false, &text, error);
                if (r >= 0)
                        r = read_text(&reading, name, arena_str(arena, buf_str(&text)), error);
        }
        return r;
}

double bench_time(void) {
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
