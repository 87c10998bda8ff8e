/*
 * What the objects of a scan were before: the old version is read whole, and found again by group,
 * kind, namespace and name.
 *
 * The same object may be written several times (the overlays of one application), so of those the
 * one in the file of the same name is preferred. An object without a name of its own (generateName)
 * is a new one each time.
 */
#include "base/util.h"
#include "scan/private.h"

struct old_identity {
        struct old_object *first, **last;
        bool still_there; /* written by any worker */
};

static bool has_name(const struct resource *resource) {
        return doc_string(doc_find(resource->root, "metadata", "name"), STR("")).len > 0;
}

static struct str identity_of(struct arena *arena, const struct resource *resource) {
        struct str group = resource->known ? resource->known->group : resource->group;

        return arena_printf(arena, "%.*s/%.*s/%.*s/%.*s", STR_ARG(group), STR_ARG(resource->kind),
                            STR_ARG(resource->namespace), STR_ARG(resource->name));
}

static void add_object(struct old_objects *old, const struct input_file *file,
                       const struct doc *doc, const struct resource *resource) {
        struct old_identity *identity;
        struct old_object *object;
        struct map_entry *entry;

        if (!has_name(resource))
                return;
        entry = map_put(&old->by_identity, identity_of(&old->arena, resource));
        if (!entry->value) {
                identity = entry->value = arena_new(&old->arena, struct old_identity);
                identity->last = &identity->first;
        }
        identity = entry->value;
        object = arena_new(&old->arena, struct old_object);
        object->relative = file->relative;
        object->doc = doc;
        object->resource = *resource;
        *identity->last = object;
        identity->last = &object->next;
}

static void add_document(struct old_objects *old, const struct input_file *file,
                         const struct doc *doc, struct worker *reader) {
        struct resource_list resources;

        resources_of(&old->arena, doc, old->options->namespace, old->options->as_submitted,
                     &resources);
        if (resources.problem) {
                struct doc_pos pos = { resources.problem->line, resources.problem->column };

                reader->coverage.not_judged++;
                worker_problem(reader, file->path, pos, (struct doc_pos){ 0, 0 },
                               str_from(resources.problem->message), true);
        }
        for (size_t i = 0; i < resources.count; i++)
                add_object(old, file, doc, &resources.items[i]);
}

static void add_file(struct old_objects *old, const struct input_file *file,
                     struct worker *reader) {
        struct loaded *loaded = xrealloc(NULL, 1, sizeof *loaded);
        struct error error = { 0 };
        struct doc *doc;
        int r;

        *loaded = (struct loaded){ 0 };
        *vec_push(&old->files) = loaded;
        if (!worker_load(reader, file, loaded))
                return;
        while ((r = doc_read(&loaded->reader, &old->arena, &doc, &error)) != 0) {
                if (r > 0) {
                        add_document(old, file, doc, reader);
                        continue;
                }
                reader->coverage.not_judged++;
                worker_problem(reader, file->path, (struct doc_pos){ error.line, error.column },
                               (struct doc_pos){ 0, 0 }, str_from(error.message), true);
        }
}

void old_read(struct old_objects *old, const struct scan_options *options,
              struct finding_list *list, struct report_coverage *coverage) {
        struct worker reader = { .options = options };

        old->options = options;
        list_add_problems(list, options->old, coverage);
        for (size_t i = 0; i < options->old->files.count; i++)
                add_file(old, &options->old->files.items[i], &reader);
        /* Of what was read here only the faults count: the objects were not judged. */
        for (size_t i = 0; i < reader.list.diagnostics.count; i++)
                *vec_push(&list->diagnostics) = reader.list.diagnostics.items[i];
        vec_free(&reader.list.diagnostics);
        arena_adopt(&list->arena, &reader.list.arena);
        coverage->not_judged += reader.coverage.not_judged;
}

const struct old_object *old_find(const struct old_objects *old, struct arena *scratch,
                                  const struct resource *resource, struct str relative) {
        struct old_identity *identity;

        if (!has_name(resource))
                return NULL;
        identity = map_get(&old->by_identity, identity_of(scratch, resource));
        if (!identity)
                return NULL;
        __atomic_store_n(&identity->still_there, true, __ATOMIC_RELAXED);
        for (const struct old_object *object = identity->first; object; object = object->next)
                if (str_eq(object->relative, relative))
                        return object;
        return identity->first;
}

void old_each_deleted(const struct old_objects *old, old_object_fn *each, void *userdata) {
        for (size_t i = 0; i < old->by_identity.count; i++) {
                const struct old_identity *identity = old->by_identity.entries[i].value;
                const struct old_object *object = identity->still_there ? NULL : identity->first;

                for (; object; object = object->next)
                        each(userdata, object);
        }
}

void old_free(struct old_objects *old) {
        for (size_t i = 0; i < old->files.count; i++) {
                loaded_clear(old->files.items[i]);
                free(old->files.items[i]);
        }
        vec_free(&old->files);
        map_free(&old->by_identity);
        arena_free(&old->arena);
}

void scan_keep_new(const struct scan_options *options, struct finding_list *list,
                   struct report_coverage *coverage) {
        struct finding_list before _cleanup_(finding_list_free) = { 0 };
        struct map known _cleanup_(map_free) = MAP_INIT;
        struct report_coverage ignored = { 0 };
        struct scan_options then = *options;
        size_t kept = 0;

        then.old = NULL;
        then.frames = false;
        then.progress = NULL;
        scan_files(&then, options->old, &before, &ignored);
        for (size_t i = 0; i < before.findings.count; i++)
                map_put(&known, before.findings.items[i].fingerprint)->value = &known;
        for (size_t i = 0; i < list->findings.count; i++) {
                if (map_get(&known, list->findings.items[i].fingerprint))
                        coverage->known++;
                else
                        list->findings.items[kept++] = list->findings.items[i];
        }
        list->findings.count = kept;
}
