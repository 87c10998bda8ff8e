/*
 * The files that fixes change: which document and which object a finding is in, and their text
 * afterwards.
 */
#include "base/fs.h"
#include "base/util.h"
#include "doc/rewrite.h"
#include "doc/write.h"
#include "fix/private.h"

static void read_documents(struct fix_run *run, struct fix_source *source) {
        const struct scan_options *options = run->input->options;
        struct doc_reader reader;
        struct doc *doc;
        int r;

        doc_reader_init(&reader, &source->source,
                        str_ends(source->path, STR(".json")) ? DOC_JSON : DOC_AUTO,
                        &options->limits);
        while ((r = doc_read(&reader, &source->arena, &doc, NULL)) != 0) {
                struct fix_document *document;

                if (r < 0) /* reported by the scan; its text stays as it is */
                        continue;
                document = arena_new(&source->arena, struct fix_document);
                document->source = source;
                document->doc = doc;
                document->tree = doc->root;
                resources_of(&source->arena, doc, options->namespace, true, &document->resources);
                *vec_push(&source->documents) = document;
        }
}

static void load(struct fix_run *run, struct fix_source *source) {
        const struct input_file *file = source->input;
        struct error error = { 0 };
        int r = 0;

        source->raw = file->text;
        if (!file->text.ptr) {
                r = fs_read(file->path.ptr, -1, run->input->options->limits.file_bytes, false,
                            &source->buf, &error);
                source->raw = buf_str(&source->buf);
        }
        if (r >= 0)
                r = doc_source_init(&source->arena, source->path, source->raw, &source->source,
                                    &error);
        if (r < 0) {
                source->problem = arena_str(&run->arena, str_from(error.message));
                return;
        }
        source->skipped = source->raw.len - source->source.text.len;
        if (source->source.text.ptr != source->raw.ptr + source->skipped) {
                source->problem = STR("only files in UTF-8 are changed");
                return;
        }
        read_documents(run, source);
}

static const struct input_file *find_input(struct fix_run *run, struct str path) {
        const struct input_list *files = run->input->files;

        if (run->inputs.count == 0)
                for (size_t i = 0; i < files->files.count; i++)
                        map_put(&run->inputs, files->files.items[i].path)->value =
                                &files->files.items[i];
        return map_get(&run->inputs, path);
}

struct fix_source *fix_source_get(struct fix_run *run, struct str path) {
        struct fix_source *source = map_get(&run->sources, path);
        const struct input_file *input;

        if (source)
                return source;
        input = find_input(run, path);
        if (!input)
                return NULL;
        source = arena_new(&run->arena, struct fix_source);
        source->path = input->path;
        source->input = input;
        map_put(&run->sources, source->path)->value = source;
        load(run, source);
        return source;
}

void fix_sources_free(struct fix_run *run) {
        for (size_t i = 0; i < run->sources.count; i++) {
                struct fix_source *source = run->sources.entries[i].value;

                vec_free(&source->documents);
                buf_free(&source->buf);
                arena_free(&source->arena);
        }
        map_free(&run->sources);
        map_free(&run->inputs);
}

/* --- places --- */

static bool is_before(struct doc_pos a, struct doc_pos b) {
        return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* Whether POS is in [START, END). An empty range holds its start. */
static bool holds(struct doc_pos start, struct doc_pos end, struct doc_pos pos) {
        return !is_before(pos, start) &&
               (is_before(pos, end) || (pos.line == start.line && pos.column == start.column));
}

/* The child of NODE at POS, or NULL. */
static const struct doc_node *child_at(const struct doc_node *node, struct doc_pos pos) {
        if (node->kind == DOC_LIST)
                for (uint32_t i = 0; i < node->list.count; i++)
                        if (holds(node->list.items[i].start, node->list.items[i].end, pos))
                                return &node->list.items[i];
        if (node->kind == DOC_MAP)
                for (uint32_t i = 0; i < node->map.count; i++) {
                        const struct doc_entry *entry = &node->map.entries[i];

                        if (!(entry->value.flags & DOC_ALIASED) &&
                            holds(entry->key_start, entry->value.end, pos))
                                return &entry->value;
                }
        return NULL;
}

/* A block begins where its first key does: what starts at POS itself is meant, the outermost. At
 * a key, its value is. */
static const struct doc_node *node_at(const struct doc_node *root, struct doc_pos pos) {
        const struct doc_node *node = root, *child;

        while ((node == root || node->start.line != pos.line || node->start.column != pos.column) &&
               (child = child_at(node, pos)) != NULL) {
                node = child;
                if (is_before(pos, node->start)) /* within its key */
                        break;
        }
        return node;
}

static struct fix_document *document_at(struct fix_source *source, struct doc_pos pos) {
        struct fix_document *found = NULL;

        for (size_t i = 0; i < source->documents.count; i++)
                if (!is_before(pos, source->documents.items[i]->doc->start))
                        found = source->documents.items[i];
        return found;
}

bool fix_source_find(struct fix_source *source, struct doc_pos pos, struct fix_target *ret,
                     uint32_t *ret_resource) {
        struct fix_document *document = document_at(source, pos);
        const struct resource_list *list = document ? &document->resources : NULL;

        for (uint32_t i = 0; list && i < list->count; i++) {
                const struct resource *resource = &list->items[i];

                if (list->count > 1 && !holds(resource->root->start, resource->root->end, pos))
                        continue;
                *ret = (struct fix_target){ document, *resource, node_at(resource->root, pos) };
                *ret_resource = i;
                return true;
        }
        return false;
}

/* --- texts --- */

bool fix_source_changed(const struct fix_source *source) {
        for (size_t i = 0; i < source->documents.count; i++)
                if (source->documents.items[i]->tree != source->documents.items[i]->doc->root)
                        return true;
        return false;
}

int fix_source_text(struct fix_source *source, struct buf *buf, struct error *error) {
        size_t at = 0;
        int r = 0;

        buf_add(buf, str_slice(source->raw, 0, source->skipped));
        for (size_t i = 0; i < source->documents.count; i++) {
                struct fix_document *document = source->documents.items[i];
                const struct doc *doc = document->doc;

                buf_add(buf, str_slice(source->source.text, at, doc->text_start));
                at = doc->text_end;
                if (document->tree == doc->root)
                        buf_add(buf, str_slice(source->source.text, doc->text_start, at));
                else if (document->tree && doc_rewrite(doc, document->tree, buf, error) < 0) {
                        document->careful = true;
                        r = -ENOTSUP;
                }
        }
        buf_add(buf, str_slice(source->source.text, at, source->source.text.len));
        return r;
}
