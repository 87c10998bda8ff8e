#include "scan/analysis.h"

#include "base/util.h"
#include "scan/private.h"

/* clang-format off */
static const struct analysis *const table[] = {
        &subjects_analysis,
        &workloads_analysis,
        &networks_analysis,
        &surfaces_analysis,
        &credentials_analysis,
        &clouds_analysis,
};
/* clang-format on */

enum { ANALYSES = ELEMENTS(table) };

bool analysis_is_wanted(const struct analysis *analysis, const struct policy_set *set) {
        struct policy_subject subject = { .group = STR(POLICY_OWN_GROUP),
                                          .version = STR("v1"),
                                          .operation = POLICY_CREATE };

        for (size_t k = 0; analysis->resources[k]; k++) {
                subject.resource = str_from(analysis->resources[k]);
                for (size_t i = 0; i < set->policies.count; i++)
                        if (policy_may_match(set->policies.items[i], &subject))
                                return true;
        }
        return false;
}

bool analysis_reads(const struct policy_set *set, struct str group, struct str resource) {
        for (size_t i = 0; i < ANALYSES; i++)
                if (table[i]->reads(group, resource) && analysis_is_wanted(table[i], set))
                        return true;
        return false;
}

/* The analyses that are run, and what they make. */
struct running {
        struct worker *worker;
        void *selves[ANALYSES]; /* NULL: not wanted */
};

/* Several analyses look at the same objects: they are decoded once for all of them. */
static void show_document(void *userdata, struct arena *arena, const struct doc *doc) {
        const struct running *running = userdata;
        struct resource_list resources;

        resources_of(arena, doc, running->worker->options->namespace, false, &resources);
        for (size_t k = 0; k < ANALYSES && resources.foreign; k++)
                if (running->selves[k] && table[k]->foreign)
                        table[k]->foreign(running->selves[k], doc->source->name, doc->root);
        for (size_t i = 0; i < resources.count; i++)
                for (size_t k = 0; k < ANALYSES; k++)
                        if (running->selves[k] &&
                            table[k]->reads(resources.items[i].group, resources.items[i].resource))
                                table[k]->add(running->selves[k], doc->source->name,
                                              &resources.items[i]);
}

static void judge_document(void *userdata, struct str json, struct str file, struct doc_pos pos) {
        struct running *running = userdata;
        struct worker *worker = running->worker;
        const struct doc_source source = { .name = STR(""), .text = json };
        struct doc_limits limits = worker->options->limits;
        struct doc_reader reader;
        struct error error;
        struct doc *doc;
        int r;

        limits.file_bytes = SIZE_MAX;
        doc_reader_init(&reader, &source, DOC_JSON, &limits);
        worker->file = (struct str){ 0 };
        r = doc_read(&reader, &worker->documents, &doc, &error);
        if (r > 0) {
                worker_judge_derived(worker, doc);
        } else if (r < 0) {
                worker->coverage.not_judged++;
                worker_problem(worker, file, pos, (struct doc_pos){ 0, 0 }, str_from(error.message),
                               true);
        }
}

static bool is_known(const struct finding_list *list, const struct diagnostic *problem) {
        for (size_t i = 0; i < list->diagnostics.count; i++) {
                const struct diagnostic *known = &list->diagnostics.items[i];

                if (known->pos.line == problem->pos.line &&
                    known->pos.column == problem->pos.column &&
                    str_eq(known->file, problem->file) && str_eq(known->message, problem->message))
                        return true;
        }
        return false;
}

/* Folders with a variant for each stage have everything twice: what does not make the answer
 * incomplete is not worth a word. */
static void add_problems(struct worker *worker, const struct analysis *analysis, void *self) {
        size_t count = 0;
        const struct diagnostic *problems =
                analysis->problems ? analysis->problems(self, &count) : NULL;

        for (size_t i = 0; i < count; i++) {
                if (!problems[i].incomplete || is_known(&worker->list, &problems[i]))
                        continue;
                worker->coverage.not_judged++;
                worker_problem(worker, problems[i].file, problems[i].pos, problems[i].other,
                               problems[i].message, true);
        }
}

void analyses_run(struct worker *worker, const struct input_list *files) {
        struct running running = { .worker = worker };
        struct gather gather = { .document = show_document, .userdata = &running };

        for (size_t i = 0; i < ANALYSES; i++) {
                struct str word = str_from(table[i]->word);

                if (!analysis_is_wanted(table[i], worker->options->policies))
                        continue;
                running.selves[i] = table[i]->start(worker->options);
                gather.word = !gather.word.ptr || str_eq(gather.word, word) ? word : STR("");
        }
        if (!gather.word.ptr)
                return;
        gather_documents(worker->options, files, &gather, 1);
        for (size_t i = 0; i < ANALYSES; i++) {
                if (!running.selves[i])
                        continue;
                table[i]->finish(running.selves[i], judge_document, &running);
                add_problems(worker, table[i], running.selves[i]);
                running.selves[i] = table[i]->stop(running.selves[i]);
        }
}
