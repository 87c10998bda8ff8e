#include "scan/scan.h"

#include <errno.h>

#include "base/pool.h"
#include "base/util.h"
#include "scan/private.h"

enum {
        SHARED_SIZE = 1 << 20, /* a file larger than this is cut into parts */
        PART_SIZE = 256 << 10,
        ITEMS_PER_THREAD = 16, /* under way at once */
};

/* What is given to a worker: a whole file, or a part of one that is loaded. */
struct item {
        const struct input_file *file;
        struct loaded *loaded; /* NULL: the worker loads the file */
        struct doc_reader part;
        bool last; /* of its file */
};

struct scan {
        const struct scan_options *options;
        struct worker *workers; /* one for each thread; the last one is the submitter's */
        struct pool *pool;
        size_t files_done;
        uint64_t bytes_done;
};

static const struct doc_pos nowhere = { 0, 0 };

/* --- one source --- */

static void judge_reader(struct worker *worker, struct doc_reader *reader) {
        struct error error;
        struct doc *doc;
        int r;

        worker->file = (struct str){ 0 };
        while ((r = doc_read(reader, &worker->documents, &doc, &error)) != 0) {
                if (r > 0) {
                        worker_judge_document(worker, doc);
                        continue;
                }
                worker->coverage.documents++;
                worker->coverage.not_judged++;
                worker_problem(worker, reader->source->name,
                               (struct doc_pos){ error.line, error.column }, nowhere,
                               str_from(error.message), true);
        }
}

/* --- the workers --- */

void worker_read(struct worker *worker, const struct input_file *file) {
        struct loaded own = { 0 };

        worker->input = file;
        if (worker_load(worker, file, &own))
                judge_reader(worker, &own.reader);
        loaded_clear(&own);
}

static void work_item(void *userdata, size_t number, void *user) {
        struct item *item = userdata;
        struct scan *scan = user;
        struct worker *worker = &scan->workers[number];

        worker->input = item->file;
        if (item->loaded)
                judge_reader(worker, &item->part);
        else
                worker_read(worker, item->file);
}

static void release(struct loaded *loaded) {
        if (!loaded || --loaded->users > 0)
                return;
        loaded_clear(loaded);
        free(loaded);
}

static int consume_item(void *userdata, void *user) {
        struct item *item = userdata;
        struct scan *scan = user;
        const struct scan_options *options = scan->options;

        if (item->last) {
                scan->files_done++;
                scan->bytes_done += item->file->size;
                if (options->progress)
                        options->progress(options->userdata, scan->files_done, scan->bytes_done,
                                          item->file->path);
        }
        release(item->loaded);
        free(item);
        return 0;
}

static void submit(struct scan *scan, const struct item *item) {
        struct item *copy = xrealloc(NULL, 1, sizeof *copy);

        *copy = *item;
        pool_submit(scan->pool, copy);
}

/* Loads a large file here and hands it out in parts. */
static void submit_parts(struct scan *scan, struct worker *worker, const struct input_file *file) {
        struct loaded *loaded = xrealloc(NULL, 1, sizeof *loaded);
        struct item item = { .file = file, .loaded = loaded };

        *loaded = (struct loaded){ .users = 1 };
        if (worker_load(worker, file, loaded))
                while (doc_reader_cut(&loaded->reader, PART_SIZE, &item.part)) {
                        loaded->users++;
                        submit(scan, &item);
                }
        release(loaded);
}

static void run_workers(struct scan *scan, const struct input_list *files, size_t threads) {
        const struct pool_work work = { work_item, consume_item, scan };

        scan->pool = pool_new(&work, threads, threads * ITEMS_PER_THREAD);
        for (size_t i = 0; i < files->files.count; i++) {
                const struct input_file *file = &files->files.items[i];

                if (file->size > SHARED_SIZE)
                        submit_parts(scan, &scan->workers[threads], file);
                else
                        submit(scan, &(struct item){ .file = file, .last = true });
        }
        pool_finish(scan->pool);
        scan->pool = pool_free(scan->pool);
}

/* --- joining --- */

static void add_coverage(struct report_coverage *to, const struct report_coverage *from) {
        to->files += from->files;
        to->documents += from->documents;
        to->objects += from->objects;
        to->not_judged += from->not_judged;
        to->skipped += from->skipped;
        to->templates += from->templates;
        to->bytes += from->bytes;
        to->excepted += from->excepted;
        to->repeated += from->repeated;
        to->created += from->created;
        to->updated += from->updated;
        to->deleted += from->deleted;
}

void worker_join(struct worker *worker, struct finding_list *list,
                 struct report_coverage *coverage) {
        for (size_t i = 0; i < worker->list.findings.count; i++)
                *vec_push(&list->findings) = worker->list.findings.items[i];
        for (size_t i = 0; i < worker->list.diagnostics.count; i++)
                *vec_push(&list->diagnostics) = worker->list.diagnostics.items[i];
        vec_free(&worker->list.findings);
        vec_free(&worker->list.diagnostics);
        arena_adopt(&list->arena, &worker->list.arena);
        lineage_free(&worker->lineage);
        add_coverage(coverage, &worker->coverage);
        arena_free(&worker->documents);
        arena_free(&worker->scratch);
        arena_free(&worker->lasting);
        buf_free(&worker->again.text);
}

void scan_source(const struct scan_options *options, const struct doc_source *source,
                 const struct namespaces *namespaces, struct finding_list *list,
                 struct report_coverage *coverage) {
        struct structures structures _cleanup_(structures_free) = { 0 };
        struct worker worker = { .options = options,
                                 .namespaces = namespaces,
                                 .structures = &structures };
        struct gather gather_crds;
        struct doc_reader reader;

        structures_init(&structures, options->policies);
        if (structures_gather(&structures, &gather_crds))
                gather_source(options, source, &gather_crds, 1);
        doc_reader_init(&reader, source, DOC_AUTO, &options->limits);
        judge_reader(&worker, &reader);
        worker_join(&worker, list, coverage);
        finding_list_sort(list);
}

static void add_problem(struct finding_list *list, struct str file, struct str message) {
        *vec_push(&list->diagnostics) =
                (struct diagnostic){ .file = file, .message = message, .incomplete = true };
}

void list_add_problems(struct finding_list *list, const struct input_list *files,
                       struct report_coverage *coverage) {
        for (size_t i = 0; i < files->problems.count; i++) {
                *vec_push(&list->diagnostics) = files->problems.items[i];
                coverage->not_judged += files->problems.items[i].incomplete;
        }
}

/* What is known before any file is read: folders that cannot be listed, policies that cannot be
 * judged. */
static void add_known_problems(const struct scan_options *options, const struct input_list *files,
                               struct finding_list *list, struct report_coverage *coverage) {
        list_add_problems(list, files, coverage);
        for (size_t i = 0; i < options->policies->policies.count; i++) {
                const struct policy *policy = options->policies->policies.items[i];

                coverage->rules++;
                if (!policy->has_params || policy->bindings)
                        continue;
                coverage->not_judged++;
                add_problem(
                        list, policy->info.source,
                        arena_printf(
                                &list->arena,
                                "rule %.*s was not judged: it takes parameters (paramKind), and no "
                                "binding says which",
                                STR_ARG(policy->info.id)));
        }
}

/* Looks through the input for what the rest of it is judged by. */
static void gather(const struct scan_options *options, const struct input_list *files,
                   struct namespaces *namespaces, struct structures *structures) {
        struct gather gathers[2];
        size_t count = 0;

        if (structures_gather(structures, &gathers[0])) {
                count++;
                if (options->crds)
                        gather_documents(options, options->crds, gathers, 1);
                structures->given = structures->custom.gvks.count;
                structures_find_parts(structures, options, files);
        }
        if (namespaces_gather(namespaces, options, &gathers[count]))
                count++;
        gather_documents(options, files, gathers, count);
}

/* Definitions that were asked for and cannot be had: what they define is not judged. */
static void add_definition_problems(const struct scan_options *options,
                                    const struct structures *structures, struct finding_list *list,
                                    struct report_coverage *coverage) {
        if (!options->crds || !structures->any)
                return;
        for (size_t i = 0; i < options->crds->problems.count; i++) {
                *vec_push(&list->diagnostics) = options->crds->problems.items[i];
                coverage->not_judged++;
        }
        if (structures->given > 0)
                return;
        coverage->not_judged++;
        add_problem(list, STR(""), STR("--crds names no CustomResourceDefinition"));
}

void scan_files(const struct scan_options *options, const struct input_list *files,
                struct finding_list *list, struct report_coverage *coverage) {
        size_t threads = MAX(options->threads, 1u), dropped = 0;
        _cleanup_free_ struct worker *workers = xrealloc(NULL, threads + 1, sizeof *workers);
        struct scan scan = { .options = options, .workers = workers };
        struct namespaces namespaces = { 0 };
        struct old_objects old = { 0 };
        struct structures structures = { 0 };
        struct lineage lineage _cleanup_(lineage_free) = { 0 };
        struct authorizer authorizer;

        structures_init(&structures, options->policies);
        if (options->old)
                old_read(&old, options, list, coverage);
        gather(options, files, &namespaces, &structures);
        add_definition_problems(options, &structures, list, coverage);
        authorizer_init(&authorizer, options, files);
        if (options->declared)
                declared_find_scaled(options->declared, files);
        for (size_t i = 0; i <= threads; i++)
                workers[i] = (struct worker){ .options = options,
                                              .namespaces = &namespaces,
                                              .structures = &structures,
                                              .old = options->old ? &old : NULL,
                                              .user = &authorizer.user };
        run_workers(&scan, files, threads);
        if (options->old)
                old_each_deleted(&old, worker_judge_deleted, &workers[threads]);
        analyses_run(&workers[threads], files);
        declared_find_missing(&workers[threads], files);
        add_known_problems(options, files, list, coverage);
        for (size_t i = 0; i <= threads; i++) {
                dropped += workers[i].dropped;
                lineage_join(&lineage, &workers[i].lineage);
                worker_join(&workers[i], list, coverage);
        }
        authorizer_add_problems(&authorizer, list, coverage);
        authorizer_free(&authorizer);
        namespaces_free(&namespaces);
        structures_free(&structures);
        old_free(&old);
        if (dropped > 0)
                add_problem(list, STR(""),
                            arena_printf(&list->arena,
                                         "%zu findings beyond the limit of %zu are not shown "
                                         "(--max-findings)",
                                         dropped, options->max_findings));
        coverage->repeated += lineage_apply(&lineage, options->declared, list);
        finding_list_sort(list);
}
