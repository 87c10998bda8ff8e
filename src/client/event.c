#include "client/event.h"

#include <errno.h>

#include "base/util.h"

/* A buffer that grew for one huge object is given back. */
enum { LINE_KEEP = 1 << 20 };

static bool type_of(struct str name, enum event_type *ret) {
        static const char *const names[] = { "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (str_eq(name, str_from(names[i]))) {
                        *ret = (enum event_type)i;
                        return true;
                }
        return false;
}

int event_read(struct arena *arena, struct str line, struct event *ret, struct error *error) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_limits limits = doc_default_limits;
        const struct doc_node *code;
        struct doc_reader json;
        struct event event = { 0 };
        struct doc *doc;

        limits.file_bytes = SIZE_MAX;
        *source = (struct doc_source){ STR(""), line };
        doc_reader_init(&json, source, DOC_JSON, &limits);
        if (doc_read(&json, arena, &doc, NULL) <= 0 ||
            !type_of(doc_string(doc_get(doc->root, STR("type")), STR("")), &event.type))
                return error_set(error, -EPROTO, "the server sent something that is no event");
        event.object = doc_get(doc->root, STR("object"));
        if (!event.object || event.object->kind != DOC_MAP)
                return error_set(error, -EPROTO, "the server sent an event without an object");
        if (event.type == EVENT_ERROR) {
                code = doc_get(event.object, STR("code"));
                event.code = code && code->kind == DOC_INT ? code->integer : 0;
                event.message = doc_string(doc_get(event.object, STR("message")), STR(""));
        } else
                event.version =
                        doc_string(doc_find(event.object, "metadata", "resourceVersion"), STR(""));
        if (event.type != EVENT_ERROR && event.version.len == 0)
                return error_set(error, -EPROTO, "the server sent an object without a version");
        *ret = event;
        return 0;
}

static int take_line(struct line_cutter *cutter, line_fn *each, void *userdata) {
        int r = cutter->line.len > 0 ? each(userdata, buf_str(&cutter->line)) : 0;

        if (cutter->line.capacity > LINE_KEEP)
                buf_free(&cutter->line);
        buf_clear(&cutter->line);
        return r;
}

int line_cutter_add(struct line_cutter *cutter, struct str data, line_fn *each, void *userdata) {
        int r = 0;

        while (data.len > 0 && r >= 0) {
                const char *end = memchr(data.ptr, '\n', data.len);
                size_t size = end ? (size_t)(end - data.ptr) : data.len;

                if (cutter->line.len + size > cutter->limit)
                        return -E2BIG;
                buf_add(&cutter->line, str_slice(data, 0, size));
                data = str_slice(data, size + (end != NULL), data.len);
                if (end)
                        r = take_line(cutter, each, userdata);
        }
        return r;
}

void line_cutter_free(struct line_cutter *cutter) {
        buf_free(&cutter->line);
}
