/*
 * Rules about subjects: after the files, everyone whom a binding of the input names is judged as
 * a document of its own (rbac/subject.h). What is found is placed at the rule, in the role, that
 * grants too much; the binding is the other place.
 */
#include "base/fs.h"
#include "base/util.h"
#include "rbac/subject.h"
#include "scan/private.h"
#include "scan/redact.h"

bool subjects_are_judged(const struct policy_set *set) {
        const struct policy_subject subject = { .group = STR(RBAC_SUBJECT_GROUP),
                                                .version = STR("v1"),
                                                .kind = STR("Subject"),
                                                .resource = STR("subjects"),
                                                .operation = POLICY_CREATE };

        for (size_t i = 0; i < set->policies.count; i++)
                if (policy_may_match(set->policies.items[i], &subject))
                        return true;
        return false;
}

static void judge_subject(struct worker *worker, const struct rbac_index *index,
                          const struct rbac_principal *principal) {
        struct buf json _cleanup_(buf_free) = BUF_INIT;
        struct doc_source source = { .name = STR("") };
        struct doc_limits limits = worker->options->limits;
        struct doc_reader reader;
        struct error error;
        struct doc *doc;
        int r;

        rbac_add_subject(&json, index, principal);
        source.text = buf_str(&json);
        limits.file_bytes = SIZE_MAX;
        doc_reader_init(&reader, &source, DOC_JSON, &limits);
        worker->file = (struct str){ 0 };
        r = doc_read(&reader, &worker->documents, &doc, &error);
        if (r > 0) {
                worker_judge_subject(worker, doc);
        } else if (r < 0) {
                worker->coverage.not_judged++;
                worker_problem(worker, principal->grants.items[0].binding->place.file,
                               principal->grants.items[0].binding->place.pos,
                               (struct doc_pos){ 0, 0 }, str_from(error.message), true);
        }
}

void subjects_judge(struct worker *worker, const struct rbac_index *index) {
        const struct map *const maps[] = { &index->users, &index->groups };

        for (size_t m = 0; m < ELEMENTS(maps); m++)
                for (size_t i = 0; i < maps[m]->count; i++)
                        if (rbac_is_bound(maps[m]->entries[i].value))
                                judge_subject(worker, index, maps[m]->entries[i].value);
}

/* --- places --- */

static const struct doc_node *grant_of(const struct doc_node *node) {
        while (node && !doc_get(node, STR("place")))
                node = node->parent;
        return node;
}

static struct finding_location place_of(struct arena *arena, const struct doc_node *place) {
        const struct doc_node *line = doc_get(place, STR("line"));
        const struct doc_node *column = doc_get(place, STR("column"));
        struct finding_location location = {
                .file = arena_str(arena, doc_string(doc_get(place, STR("file")), STR("")))
        };

        if (line && line->kind == DOC_INT && column && column->kind == DOC_INT)
                location.start =
                        (struct doc_pos){ (uint32_t)line->integer, (uint32_t)column->integer };
        return location;
}

size_t subject_places(struct arena *arena, const struct doc_node *node,
                      struct finding_location ret[static 2]) {
        const struct doc_node *grant = grant_of(node);
        size_t count = 0;

        ret[count] = place_of(arena, doc_get(grant, STR("place")));
        /* A role that is built in has no line to point at. */
        if (ret[count].file.len > 0)
                count++;
        ret[count] = place_of(arena, doc_get(grant, STR("bindingPlace")));
        if (ret[count].file.len > 0)
                count++;
        return count;
}

/* The text of FILE, which is read again: it was forgotten after it was judged. Of the last file
 * that was asked for, because findings come role by role. */
static struct str text_again(struct worker *worker, struct str file) {
        if (!str_eq(worker->again.file, file)) {
                buf_clear(&worker->again.text);
                worker->again.file = file;
                if (fs_read(file.ptr, -1, worker->options->limits.file_bytes, false,
                            &worker->again.text, NULL) < 0)
                        buf_clear(&worker->again.text);
        }
        return buf_str(&worker->again.text);
}

/* Lines before the spot that belong to the same document. */
enum { FRAME_BEFORE = 2, FRAME_LINE_MAX = 2048 };

void subject_frame(struct worker *worker, struct finding *finding) {
        struct arena *arena = &worker->list.arena;
        struct str text = text_again(worker, finding->location.file), line;
        struct str last[FRAME_BEFORE + 1];
        uint32_t spot = finding->location.start.line, number = 0;
        size_t count = 0;

        while (number < spot && str_split(&text, '\n', &line)) {
                number++;
                if (str_starts(line, STR("---")))
                        count = 0;
                if (spot - number > FRAME_BEFORE)
                        continue;
                if (line.len > FRAME_LINE_MAX)
                        return;
                last[count++] = line;
        }
        if (number != spot || count == 0)
                return;
        finding->frame.lines = arena_new_array(arena, count, struct str);
        finding->frame.first_line = spot - (uint32_t)count + 1;
        for (size_t i = 0; i < count; i++)
                finding->frame.lines[finding->frame.count++] =
                        arena_str(arena, redact_line(&worker->scratch, last[i], false));
}

struct resource_ref subject_reference(struct arena *arena, const struct resource *resource) {
        struct str kind = doc_string(doc_find(resource->root, "subject", "kind"), STR("Subject"));

        return (struct resource_ref){ STR(RBAC_SUBJECT_API_VERSION), arena_str(arena, kind),
                                      arena_str(arena, resource->namespace),
                                      arena_str(arena, resource->name) };
}
