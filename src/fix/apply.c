/*
 * Applying fixes in memory: one after the other, each to what those before it left.
 */
#include <errno.h>
#include <stdarg.h>

#include "base/util.h"
#include "doc/rewrite.h"
#include "doc/write.h"
#include "fix/private.h"

void fix_give_up(struct fix *fix, enum fix_state state, const char *format, ...) {
        va_list args;

        va_start(args, format);
        fix->state = state;
        fix->reason = arena_vprintf(&fix->run->arena, format, args);
        fix->chosen = false;
        va_end(args);
}

int fix_apply_edit(struct fix *fix, const struct fix_edit *edit, struct error *error) {
        struct fix_document *document = edit->document;

        if (!document->tree)
                return error_set(error, -ENOENT, "another fix removes the object");
        if (edit->whole) {
                document->tree = NULL;
                return 0;
        }
        return doc_apply_change(&fix->run->round, document->tree, &edit->change, &document->tree,
                                error);
}

/* --- taking back --- */

/* The documents as they were. */
struct saved {
        VEC(struct fix_document *) documents;
        VEC(const struct doc_node *) trees;
};

static void save(struct fix_run *run, struct saved *saved, struct fix_document *document) {
        for (size_t i = 0; i < saved->documents.count; i++)
                if (saved->documents.items[i] == document)
                        return;
        *vec_push_in(&run->round, &saved->documents) = document;
        *vec_push_in(&run->round, &saved->trees) = document->tree;
}

static void save_all(struct fix *fix, struct saved *saved) {
        if (fix->mutation)
                save(fix->run, saved, fix->document);
        else
                for (size_t i = 0; i < fix->edits.count; i++)
                        save(fix->run, saved, fix->edits.items[i].document);
}

static void take_back(const struct saved *saved) {
        for (size_t i = 0; i < saved->documents.count; i++)
                saved->documents.items[i]->tree = saved->trees.items[i];
}

/* --- one fix --- */

static int apply_edits(struct fix *fix, struct error *error) {
        int r = 0;

        for (size_t i = 0; i < fix->edits.count && r >= 0; i++)
                r = fix_apply_edit(fix, &fix->edits.items[i], error);
        return r;
}

/* Whether the documents that a fix changed, and that made trouble before, can be written. */
static int try_texts(const struct saved *saved, struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        int r = 0;

        for (size_t i = 0; i < saved->documents.count && r >= 0; i++) {
                const struct fix_document *document = saved->documents.items[i];

                if (document->careful && document->tree && document->tree != document->doc->root)
                        r = doc_rewrite(document->doc, document->tree, &buf, error);
        }
        return r;
}

static void apply(struct fix *fix) {
        struct error error = { 0 };
        struct saved saved = { 0 };
        int r;

        if (fix->mutation)
                memset(&fix->edits, 0, sizeof fix->edits);
        save_all(fix, &saved);
        r = fix->mutation ? fix_mutate(fix, &error) : apply_edits(fix, &error);
        if (r >= 0)
                r = try_texts(&saved, &error);
        if (r >= 0)
                return;
        take_back(&saved);
        /* What another fix has done already is done; the check tells whether that suffices. */
        if (r == -ENOENT)
                return;
        if (error.line > 0)
                fix_give_up(fix, FIX_IMPOSSIBLE, "line %u: %s", error.line, error.message);
        else
                fix_give_up(fix, FIX_IMPOSSIBLE, "%s", error.message);
}

/* --- files --- */

static void reset(struct fix_run *run) {
        for (size_t i = 0; i < run->sources.count; i++) {
                struct fix_source *source = run->sources.entries[i].value;

                for (size_t k = 0; k < source->documents.count; k++)
                        source->documents.items[k]->tree = source->documents.items[k]->doc->root;
        }
        for (size_t i = 0; i < run->fixes.count; i++)
                if (run->fixes.items[i]->mutation)
                        memset(&run->fixes.items[i]->edits, 0, sizeof run->fixes.items[i]->edits);
        arena_reset(&run->round, 1 << 20);
        vec_free(&run->files);
}

static bool all_gone(const struct fix_source *source) {
        for (size_t i = 0; i < source->documents.count; i++)
                if (source->documents.items[i]->tree)
                        return false;
        return true;
}

/* False: some document could not be written. */
static bool add_changed_files(struct fix_run *run) {
        bool good = true;

        for (size_t i = 0; i < run->sources.count; i++) {
                struct fix_source *source = run->sources.entries[i].value;
                struct buf buf _cleanup_(buf_free) = BUF_INIT;
                struct fix_file *file;

                if (!fix_source_changed(source))
                        continue;
                if (fix_source_text(source, &buf, NULL) < 0) {
                        good = false;
                        continue;
                }
                file = vec_push(&run->files);
                *file = (struct fix_file){ .path = source->path, .before = source->raw };
                file->is_gone = all_gone(source);
                file->after = file->is_gone ? STR("") : arena_str(&run->round, buf_str(&buf));
        }
        return good;
}

static struct fix_file *file_for(struct fix_run *run, struct str path) {
        struct fix_source *source;
        struct fix_file *file;

        for (size_t i = 0; i < run->files.count; i++)
                if (str_eq(run->files.items[i].path, path))
                        return &run->files.items[i];
        source = fix_source_get(run, path);
        file = vec_push(&run->files);
        *file = (struct fix_file){ .path = source ? source->path : path, .is_new = !source };
        if (source)
                file->before = file->after = source->raw;
        return file;
}

/* Several fixes may make the same object. */
static bool is_made(const struct fix_run *run, size_t fixes, const struct fix_creation *creation) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        doc_write_json(&text, creation->object);
        for (size_t i = 0; i < fixes; i++) {
                const struct fix *fix = run->fixes.items[i];

                for (size_t k = 0; fix->chosen && k < fix->creations.count; k++) {
                        struct buf other _cleanup_(buf_free) = BUF_INIT;

                        doc_write_json(&other, fix->creations.items[k].object);
                        if (str_eq(buf_str(&text), buf_str(&other)))
                                return true;
                }
        }
        return false;
}

static void add_creation(struct fix_run *run, const struct fix_creation *creation) {
        struct fix_file *file = file_for(run, creation->file);
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        buf_add(&buf, file->after);
        if (buf.len > 0 && buf.data[buf.len - 1] != '\n')
                buf_add_char(&buf, '\n');
        if (buf.len > 0)
                buf_add(&buf, STR("---\n"));
        doc_write_yaml(&buf, creation->object, 0);
        file->after = arena_str(&run->round, buf_str(&buf));
        file->is_gone = false;
}

void fix_apply(struct fix_run *run) {
        reset(run);
        for (size_t i = 0; i < run->fixes.count; i++)
                if (run->fixes.items[i]->chosen)
                        apply(run->fixes.items[i]);
        if (!add_changed_files(run)) {
                /* Once more: now the fix that is at fault is found. */
                reset(run);
                for (size_t i = 0; i < run->fixes.count; i++)
                        if (run->fixes.items[i]->chosen)
                                apply(run->fixes.items[i]);
                add_changed_files(run);
        }
        for (size_t i = 0; i < run->fixes.count; i++) {
                const struct fix *fix = run->fixes.items[i];

                for (size_t k = 0; fix->chosen && k < fix->creations.count; k++)
                        if (!is_made(run, i, &fix->creations.items[k]))
                                add_creation(run, &fix->creations.items[k]);
        }
}
