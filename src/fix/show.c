/*
 * Showing what fixes do.
 */
#include "base/diff.h"
#include "base/util.h"
#include "fix/private.h"
#include "scan/redact.h"

/* Shorter values are not looked for: they would be found everywhere. */
enum { SECRET_MIN = 4 };

/* Replaces SECRET in TEXT by a mark. */
static void hide(struct buf *text, struct str secret, bool *hidden) {
        struct buf out _cleanup_(buf_free) = BUF_INIT;
        struct str all = buf_str(text);
        size_t at = 0;
        ptrdiff_t found;

        if (secret.len < SECRET_MIN)
                return;
        while ((found = str_find(all, secret, at)) >= 0) {
                buf_add(&out, str_slice(all, at, (size_t)found));
                buf_add(&out, STR(REDACTED));
                at = (size_t)found + secret.len;
                *hidden = true;
        }
        if (at == 0)
                return;
        buf_add(&out, str_slice(all, at, all.len));
        buf_clear(text);
        buf_add(text, buf_str(&out));
}

/* Values of several lines are indented in the text: line by line. */
static void hide_value(struct buf *text, const struct doc_node *value, bool *hidden) {
        struct str rest = doc_string(value, STR("")), line;

        while (rest.len > 0 && str_split(&rest, '\n', &line))
                hide(text, str_trim(line), hidden);
}

static void hide_map(struct buf *text, const struct doc_node *map, bool *hidden) {
        for (uint32_t i = 0; map && map->kind == DOC_MAP && i < map->map.count; i++)
                hide_value(text, &map->map.entries[i].value, hidden);
}

static void hide_secrets(struct buf *text, const struct fix_source *source, bool *hidden) {
        for (size_t i = 0; i < source->documents.count; i++) {
                const struct resource_list *list = &source->documents.items[i]->resources;

                for (size_t k = 0; k < list->count; k++) {
                        if (!str_eq(list->items[k].kind, STR("Secret")))
                                continue;
                        hide_map(text, doc_get(list->items[k].root, STR("data")), hidden);
                        hide_map(text, doc_get(list->items[k].root, STR("stringData")), hidden);
                }
        }
}

bool fix_add_diff(struct buf *buf, const struct fix_run *run, const struct fix_file *file) {
        const struct fix_source *source = map_get(&run->sources, file->path);
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        bool hidden = false;

        diff_unified(&text, file->is_new ? STR("/dev/null") : file->path, file->before,
                     file->is_gone ? STR("/dev/null") : file->path, file->after);
        if (source)
                hide_secrets(&text, source, &hidden);
        buf_add(buf, buf_str(&text));
        return hidden;
}

struct finding_location fix_edit_place(const struct fix *fix, const struct fix_edit *edit) {
        const struct doc *doc = edit->document->doc;
        struct buf path _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < edit->change.step_count; i++) {
                const struct doc_step *step = &edit->change.steps[i];

                if (step->key.ptr)
                        buf_printf(&path, "%s%.*s", path.len ? "." : "", STR_ARG(step->key));
                else
                        buf_printf(&path, "[%u]", step->index);
        }
        return (struct finding_location){ .file = edit->document->source->path,
                                          .start = doc->root->start,
                                          .path = arena_str(fix_arena(fix), buf_str(&path)) };
}
