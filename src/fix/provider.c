/*
 * What providers of fixes call.
 */
#include <stdarg.h>

#include "base/util.h"
#include "doc/rewrite.h"
#include "doc/write.h"
#include "fix/private.h"

struct arena *fix_arena(const struct fix *fix) {
        return &fix->run->arena;
}

const struct fix_input *fix_input_of(const struct fix *fix) {
        return fix->run->input;
}

void fix_refuse(struct fix *fix, const char *format, ...) {
        va_list args;

        va_start(args, format);
        fix->state = FIX_IMPOSSIBLE;
        fix->reason = arena_vprintf(fix_arena(fix), format, args);
        va_end(args);
}

void fix_describe(struct fix *fix, const char *format, ...) {
        va_list args;

        va_start(args, format);
        fix->title = arena_vprintf(fix_arena(fix), format, args);
        va_end(args);
}

bool fix_find(struct fix *fix, const struct finding_location *location, struct fix_target *ret) {
        struct fix_source *source = fix_source_get(fix->run, location->file);
        uint32_t resource;

        if (!source)
                fix_refuse(fix, "it is in no file of the input");
        else if (source->problem.len > 0)
                fix_refuse(fix, "%.*s", STR_ARG(source->problem));
        else if (!fix_source_find(source, location->start, ret, &resource))
                fix_refuse(fix, "its object was not found in the file");
        else
                return true;
        return false;
}

const struct doc_node *fix_value(const struct fix *fix, const char *yaml) {
        struct doc_source *source = arena_new(fix_arena(fix), struct doc_source);
        struct doc_reader reader;
        struct doc *doc = NULL;

        *source = (struct doc_source){ STR("fix"), str_from(yaml) };
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        if (doc_read(&reader, fix_arena(fix), &doc, NULL) <= 0)
                return doc_new_map(fix_arena(fix), NULL, 0);
        return doc->root;
}

static struct fix_edit *add_edit(struct fix *fix, const struct fix_target *target,
                                 enum doc_change_kind kind, const struct doc_node *node,
                                 const struct doc_node *value) {
        struct fix_edit *edit = vec_push_in(fix_arena(fix), &fix->edits);

        edit->document = target->document;
        edit->change.kind = kind;
        edit->change.value = value;
        edit->change.steps = doc_steps_to(fix_arena(fix), target->document->doc->root, node,
                                          &edit->change.step_count);
        return edit;
}

void fix_set(struct fix *fix, const struct fix_target *target, const struct doc_node *map,
             struct str key, const struct doc_node *value) {
        struct fix_edit *edit = add_edit(fix, target, DOC_CHANGE_SET, map, value);
        struct doc_step *steps = (struct doc_step *)(uintptr_t)edit->change.steps;

        steps[edit->change.step_count++] =
                (struct doc_step){ .key = arena_str(fix_arena(fix), key) };
}

void fix_replace(struct fix *fix, const struct fix_target *target, const struct doc_node *node,
                 const struct doc_node *value) {
        add_edit(fix, target, DOC_CHANGE_SET, node, value);
}

void fix_append(struct fix *fix, const struct fix_target *target, const struct doc_node *list,
                const struct doc_node *value) {
        add_edit(fix, target, DOC_CHANGE_APPEND, list, value);
}

void fix_remove(struct fix *fix, const struct fix_target *target, const struct doc_node *node) {
        add_edit(fix, target, DOC_CHANGE_REMOVE, node, NULL);
}

void fix_remove_object(struct fix *fix, const struct fix_target *target) {
        const struct doc_node *root = target->resource.root;
        struct fix_edit *edit = add_edit(fix, target, DOC_CHANGE_REMOVE, root, NULL);

        edit->whole = root == target->document->doc->root;
}

void fix_create(struct fix *fix, struct str file, const struct doc_node *object) {
        struct fix_creation *creation = vec_push_in(fix_arena(fix), &fix->creations);

        creation->file = arena_str(fix_arena(fix), file);
        creation->object = object;
}

struct str fix_sibling(const struct fix *fix, const struct finding_location *location,
                       struct str name) {
        struct str file = location->file;
        size_t end = file.len;

        while (end > 0 && file.ptr[end - 1] != '/')
                end--;
        return arena_printf(fix_arena(fix), "%.*s%.*s", STR_ARG(str_slice(file, 0, end)),
                            STR_ARG(name));
}

/* --- comparing --- */

static void add_steps(struct buf *buf, const struct doc_change *change) {
        for (size_t i = 0; i < change->step_count; i++) {
                if (change->steps[i].key.ptr)
                        buf_add_json(buf, change->steps[i].key);
                else
                        buf_printf(buf, "[%u]", change->steps[i].index);
        }
}

struct str fix_signature(struct fix *fix) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < fix->edits.count; i++) {
                const struct fix_edit *edit = &fix->edits.items[i];

                buf_printf(&buf, "%.*s#%u %d ", STR_ARG(edit->document->source->path),
                           edit->document->doc->index, edit->whole ? -1 : (int)edit->change.kind);
                add_steps(&buf, &edit->change);
                if (edit->change.value)
                        doc_write_json(&buf, edit->change.value);
                buf_add_char(&buf, '\n');
        }
        for (size_t i = 0; i < fix->creations.count; i++) {
                buf_printf(&buf, "+%.*s ", STR_ARG(fix->creations.items[i].file));
                doc_write_json(&buf, fix->creations.items[i].object);
                buf_add_char(&buf, '\n');
        }
        return arena_str(fix_arena(fix), buf_str(&buf));
}
