/*
 * The Namespace objects of the input, and the params of policies. They may stand in any file,
 * behind the objects that need them, so they are gathered before anything is judged - but only when
 * some rule looks at namespaces or takes params, and only files that can hold one are parsed.
 */
#include <unistd.h>

#include "base/fs.h"
#include "base/util.h"
#include "doc/write.h"
#include "scan/private.h"

static bool wants_params(const struct policy_set *set) {
        for (size_t i = 0; i < set->policies.count; i++)
                if (set->policies.items[i]->has_params && set->policies.items[i]->bindings)
                        return true;
        return false;
}

static bool is_needed(const struct policy_set *set) {
        for (size_t i = 0; i < set->policies.count; i++) {
                if (set->policies.items[i]->uses_namespace)
                        return true;
                for (struct policy_binding *b = set->policies.items[i]->bindings; b; b = b->next)
                        if (b->match.namespace_selector)
                                return true;
        }
        return false;
}

/* A cheap test that no Namespace can fail: the word stands in the text, or it is hidden behind an
 * escape. */
static bool may_hold_namespace(struct str text) {
        return str_find(text, STR("Namespace"), 0) >= 0 || str_find(text, STR("\\u"), 0) >= 0 ||
               str_find(text, STR("\\x"), 0) >= 0 || str_find(text, STR("\\U"), 0) >= 0;
}

/* NODE in memory of its own, through JSON: its source is about to go. */
static const struct doc_node *copy(struct namespaces *namespaces, const struct doc_node *node) {
        struct buf json _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(&namespaces->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;

        doc_write_json(&json, node);
        source->name = STR("");
        source->text = arena_str(&namespaces->arena, buf_str(&json));
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        return doc_read(&reader, &namespaces->arena, &doc, NULL) > 0 ? doc->root : NULL;
}

static void add_param(struct namespaces *namespaces, struct policy_set *set,
                      const struct resource *resource) {
        const struct doc_node *node;

        if (!policy_set_wants_param(set, resource->group, resource->kind))
                return;
        node = copy(namespaces, resource->object);
        if (node)
                policy_set_add_param(set, node);
}

static void add_document(struct namespaces *namespaces, struct policy_set *set, struct arena *arena,
                         const struct doc *doc) {
        struct resource_list resources;

        resources_of(arena, doc, STR(""), false, &resources);
        for (size_t i = 0; i < resources.count; i++) {
                const struct resource *resource = &resources.items[i];
                const struct doc_node *node;

                add_param(namespaces, set, resource);
                if (resource->group.len > 0 || !str_eq(resource->resource, STR("namespaces")))
                        continue;
                node = copy(namespaces, resource->object);
                if (node)
                        map_put(&namespaces->by_name,
                                doc_string(doc_find(node, "metadata", "name"), STR("")))
                                ->value = (void *)(uintptr_t)node;
        }
}

static void add_file(struct namespaces *namespaces, const struct scan_options *options,
                     const struct input_file *file) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
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
        if ((!namespaces->with_params && !may_hold_namespace(text)) ||
            doc_source_init(&arena, file->path, text, &source, NULL) < 0)
                return;
        doc_reader_init(&reader, &source, DOC_AUTO, &options->limits);
        while ((r = doc_read(&reader, &arena, &doc, NULL)) != 0)
                if (r > 0)
                        add_document(namespaces, options->policies, &arena, doc);
}

void namespaces_read(struct namespaces *namespaces, const struct scan_options *options,
                     const struct input_list *files) {
        namespaces->with_params = wants_params(options->policies);
        if (!namespaces->with_params && !is_needed(options->policies))
                return;
        for (size_t i = 0; i < files->files.count; i++)
                add_file(namespaces, options, &files->files.items[i]);
}

void namespaces_free(struct namespaces *namespaces) {
        map_free(&namespaces->by_name);
        arena_free(&namespaces->arena);
}
