#include "scan/scan.h"

#include <errno.h>
#include <pthread.h>

#include "base/fs.h"
#include "base/util.h"
#include "inventory/template.h"
#include "scan/private.h"

enum {
        SHARED_SIZE = 1 << 20, /* a file larger than this is cut into parts */
        PART_SIZE = 256 << 10,
};

/* A file that several workers read parts of. */
struct shared_file {
        struct shared_file *next;
        struct buf buf;
        struct arena arena;
        struct doc_source source;
        struct doc_reader rest; /* what nobody has taken yet */
        bool exhausted;
        unsigned users; /* parts being read */
};

/* What the workers share, guarded by LOCK. */
struct queue {
        pthread_mutex_t lock;
        pthread_cond_t published;
        const struct scan_options *options;
        const struct input_list *files;
        size_t next_file, files_done;
        uint64_t bytes_done;
        unsigned loading; /* workers that may still publish a shared file */
        struct shared_file *shared;
};

struct scan_thread {
        pthread_t thread;
        struct queue *queue;
        struct worker worker;
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

static void not_judged(struct worker *worker, const struct input_file *file,
                       const struct error *error) {
        worker->coverage.not_judged++;
        worker_problem(worker, file->path, (struct doc_pos){ error->line, error->column }, nowhere,
                       str_from(error->message), true);
}

/* Reads FILE into a source that is ready to be judged. Returns whether it is. */
static bool load(struct worker *worker, const struct input_file *file, struct shared_file *ret) {
        const struct doc_limits *limits = &worker->options->limits;
        struct error error = { 0 };
        struct str text = file->text;
        int r = 0;

        worker->coverage.files++;
        if (!text.ptr) {
                r = fs_read(file->path.ptr, -1, limits->file_bytes, false, &ret->buf, &error);
                text = buf_str(&ret->buf);
        }
        worker->coverage.bytes += text.len;
        if (r >= 0)
                r = doc_source_init(&ret->arena, file->path, text, &ret->source, &error);
        if (r < 0) {
                not_judged(worker, file, &error);
                return false;
        }
        if (template_is_helm(ret->source.text, file->in_chart)) {
                worker->coverage.templates++;
                error_set(&error, 0,
                          "is a Helm template; render it first: helm template CHART | redoubt scan "
                          "-");
                not_judged(worker, file, &error);
                return false;
        }
        doc_reader_init(&ret->rest, &ret->source,
                        str_ends(file->path, STR(".json")) ? DOC_JSON : DOC_AUTO, limits);
        return true;
}

static void shared_file_clear(struct shared_file *shared) {
        buf_free(&shared->buf);
        arena_free(&shared->arena);
}

/* --- the queue --- */

static void finish_file(struct queue *queue, const struct input_file *file) {
        pthread_mutex_lock(&queue->lock);
        queue->files_done++;
        queue->bytes_done += file->size;
        if (queue->options->progress)
                queue->options->progress(queue->options->userdata, queue->files_done,
                                         queue->bytes_done, file->path);
        pthread_mutex_unlock(&queue->lock);
}

/* Takes a part of a shared file. LOCK is held. */
static struct shared_file *take_part(struct queue *queue, struct doc_reader *ret_part) {
        for (struct shared_file *shared = queue->shared; shared; shared = shared->next) {
                if (shared->exhausted)
                        continue;
                if (doc_reader_cut(&shared->rest, PART_SIZE, ret_part)) {
                        shared->users++;
                        return shared;
                }
                shared->exhausted = true;
        }
        return NULL;
}

/* Frees the shared files that nobody needs any more. LOCK is held. */
static void drop_shared(struct queue *queue) {
        for (struct shared_file **link = &queue->shared; *link;) {
                struct shared_file *shared = *link;

                if (!shared->exhausted || shared->users > 0) {
                        link = &shared->next;
                        continue;
                }
                *link = shared->next;
                shared_file_clear(shared);
                free(shared);
        }
}

static void publish(struct queue *queue, struct shared_file *shared) {
        pthread_mutex_lock(&queue->lock);
        if (shared) {
                shared->next = queue->shared;
                queue->shared = shared;
        }
        queue->loading--;
        pthread_cond_broadcast(&queue->published);
        pthread_mutex_unlock(&queue->lock);
}

static void judge_large(struct queue *queue, struct worker *worker, const struct input_file *file) {
        struct shared_file *shared = xrealloc(NULL, 1, sizeof *shared);

        *shared = (struct shared_file){ 0 };
        if (!load(worker, file, shared)) {
                shared_file_clear(shared);
                free_ptr(&shared);
        }
        publish(queue, shared);
}

static void judge_small(struct worker *worker, const struct input_file *file) {
        struct shared_file own = { 0 };

        if (load(worker, file, &own))
                judge_reader(worker, &own.rest);
        shared_file_clear(&own);
}

/* One step of work. Returns false when nothing is left, and nothing can come. */
static bool work(struct queue *queue, struct worker *worker) {
        const struct input_file *file = NULL;
        struct shared_file *shared;
        struct doc_reader part;
        bool large = false;

        pthread_mutex_lock(&queue->lock);
        for (;;) {
                shared = take_part(queue, &part);
                if (shared)
                        break;
                if (queue->next_file < queue->files->files.count) {
                        file = &queue->files->files.items[queue->next_file++];
                        large = file->size > SHARED_SIZE;
                        queue->loading += large;
                        break;
                }
                if (queue->loading == 0)
                        break;
                pthread_cond_wait(&queue->published, &queue->lock);
        }
        pthread_mutex_unlock(&queue->lock);
        if (!shared && !file)
                return false;
        if (shared) {
                judge_reader(worker, &part);
                pthread_mutex_lock(&queue->lock);
                shared->users--;
                drop_shared(queue);
                pthread_mutex_unlock(&queue->lock);
                return true;
        }
        if (large)
                judge_large(queue, worker, file);
        else
                judge_small(worker, file);
        finish_file(queue, file);
        return true;
}

static void *run_thread(void *userdata) {
        struct scan_thread *thread = userdata;

        while (work(thread->queue, &thread->worker))
                ;
        return NULL;
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
}

static void join(struct worker *worker, struct finding_list *list,
                 struct report_coverage *coverage) {
        for (size_t i = 0; i < worker->list.findings.count; i++)
                *vec_push(&list->findings) = worker->list.findings.items[i];
        for (size_t i = 0; i < worker->list.diagnostics.count; i++)
                *vec_push(&list->diagnostics) = worker->list.diagnostics.items[i];
        vec_free(&worker->list.findings);
        vec_free(&worker->list.diagnostics);
        arena_adopt(&list->arena, &worker->list.arena);
        add_coverage(coverage, &worker->coverage);
        arena_free(&worker->documents);
        arena_free(&worker->scratch);
        arena_free(&worker->lasting);
}

void scan_source(const struct scan_options *options, const struct doc_source *source,
                 const struct namespaces *namespaces, struct finding_list *list,
                 struct report_coverage *coverage) {
        struct worker worker = { .options = options, .namespaces = namespaces };
        struct doc_reader reader;

        doc_reader_init(&reader, source, DOC_AUTO, &options->limits);
        judge_reader(&worker, &reader);
        join(&worker, list, coverage);
        finding_list_sort(list);
}

static void add_problem(struct finding_list *list, struct str file, struct str message) {
        *vec_push(&list->diagnostics) =
                (struct diagnostic){ .file = file, .message = message, .incomplete = true };
}

/* What is known before any file is read: folders that cannot be listed, policies that cannot be
 * judged. */
static void add_known_problems(const struct scan_options *options, const struct input_list *files,
                               struct finding_list *list, struct report_coverage *coverage) {
        for (size_t i = 0; i < files->problems.count; i++) {
                *vec_push(&list->diagnostics) = files->problems.items[i];
                coverage->not_judged++;
        }
        for (size_t i = 0; i < options->policies->policies.count; i++) {
                const struct policy *policy = options->policies->policies.items[i];

                coverage->rules++;
                if (!policy->has_params)
                        continue;
                coverage->not_judged++;
                add_problem(
                        list, policy->info.source,
                        arena_printf(&list->arena,
                                     "rule %.*s was not judged: it takes parameters (paramKind)",
                                     STR_ARG(policy->info.id)));
        }
}

static size_t run_threads(struct queue *queue, struct scan_thread *threads, size_t count) {
        size_t started = 0;

        while (started + 1 < count &&
               pthread_create(&threads[started].thread, NULL, run_thread, &threads[started]) == 0)
                started++;
        run_thread(&threads[count - 1]); /* this thread works too */
        for (size_t i = 0; i < started; i++)
                pthread_join(threads[i].thread, NULL);
        (void)queue;
        return started;
}

void scan_files(const struct scan_options *options, const struct input_list *files,
                struct finding_list *list, struct report_coverage *coverage) {
        struct queue queue = { .lock = PTHREAD_MUTEX_INITIALIZER,
                               .published = PTHREAD_COND_INITIALIZER,
                               .options = options,
                               .files = files };
        struct namespaces namespaces = { 0 };
        size_t count = MAX(options->threads, 1u), dropped = 0;
        _cleanup_free_ struct scan_thread *threads = xrealloc(NULL, count, sizeof *threads);

        namespaces_read(&namespaces, options, files);
        for (size_t i = 0; i < count; i++)
                threads[i] = (struct scan_thread){
                        .queue = &queue, .worker = { .options = options, .namespaces = &namespaces }
                };
        run_threads(&queue, threads, count);
        add_known_problems(options, files, list, coverage);
        for (size_t i = 0; i < count; i++) {
                dropped += threads[i].worker.dropped;
                join(&threads[i].worker, list, coverage);
        }
        namespaces_free(&namespaces);
        if (dropped > 0)
                add_problem(list, STR(""),
                            arena_printf(&list->arena,
                                         "%zu findings beyond the limit of %zu are not shown "
                                         "(--max-findings)",
                                         dropped, options->max_findings));
        finding_list_sort(list);
}

bool scan_is_incomplete(const struct finding_list *list, const struct report_coverage *coverage) {
        if (coverage->not_judged > 0 || coverage->objects == 0)
                return true;
        for (size_t i = 0; i < list->diagnostics.count; i++)
                if (list->diagnostics.items[i].incomplete)
                        return true;
        return false;
}
