/*
 * Believing no fix: the input is scanned again as the fixes leave it. Where that is not as it
 * should be, halves of the fixes are tried, and halves of those, until the ones at fault are alone.
 */
#include "base/util.h"
#include "fix/private.h"

/* Scans that a check may take. Each costs as much as the first one did. */
enum { SCANS_MAX = 200 };

/* Findings of a rule in an object, or with one message there, before and after. */
struct tally {
        size_t before, after;
        enum severity severity;
        struct str rule, file;
};

struct tallies {
        struct arena arena;
        struct map objects;  /* rule, file, object -> struct tally */
        struct map messages; /* and message */
        size_t not_judged_before, not_judged_after;
};

static struct str key_of(struct arena *arena, const struct finding *finding, bool message) {
        const struct resource_ref *resource = &finding->resource;

        return arena_printf(arena, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s",
                            STR_ARG(finding->rule->id), STR_ARG(finding->location.file),
                            STR_ARG(resource->api_version), STR_ARG(resource->kind),
                            STR_ARG(resource->namespace), STR_ARG(resource->name),
                            STR_ARG(message ? finding->message : STR("")));
}

static struct tally *tally_of(struct tallies *tallies, struct map *map,
                              const struct finding *finding) {
        struct map_entry *entry =
                map_put(map, key_of(&tallies->arena, finding, map == &tallies->messages));
        struct tally *tally = entry->value;

        if (tally)
                return tally;
        tally = entry->value = arena_new(&tallies->arena, struct tally);
        tally->severity = finding->rule->severity;
        tally->rule = finding->rule->id;
        tally->file = arena_str(&tallies->arena, finding->location.file);
        return tally;
}

static void count(struct tallies *tallies, const struct finding_list *list, bool after) {
        for (size_t i = 0; i < list->findings.count; i++) {
                const struct finding *finding = &list->findings.items[i];
                struct tally *object = tally_of(tallies, &tallies->objects, finding);
                struct tally *message = tally_of(tallies, &tallies->messages, finding);

                *(after ? &object->after : &object->before) += 1;
                *(after ? &message->after : &message->before) += 1;
        }
}

static void tallies_free(struct tallies *tallies) {
        map_free(&tallies->objects);
        map_free(&tallies->messages);
        arena_free(&tallies->arena);
}

/* --- scanning what the fixes left --- */

static const struct fix_file *changed(const struct fix_run *run, struct str path) {
        for (size_t i = 0; i < run->files.count; i++)
                if (str_eq(run->files.items[i].path, path))
                        return &run->files.items[i];
        return NULL;
}

/* A text of a file of an input list; NULL is none, which would be read from the disk. */
static struct str text_of(const struct fix_file *file) {
        return file->after.ptr ? file->after : STR("");
}

static void scan_again(struct fix_run *run, struct tallies *tallies) {
        const struct input_list *files = run->input->files;
        struct scan_options options = *run->input->options;
        struct finding_list list _cleanup_(finding_list_free) = { 0 };
        struct report_coverage coverage = { 0 };
        struct input_list now = *files;

        memset(&now.files, 0, sizeof now.files);
        memset(&now.problems, 0, sizeof now.problems);
        for (size_t i = 0; i < files->files.count; i++) {
                struct input_file *file = vec_push(&now.files);
                const struct fix_file *fixed = changed(run, files->files.items[i].path);

                *file = files->files.items[i];
                if (!fixed)
                        continue;
                file->text = text_of(fixed);
                file->size = file->text.len;
        }
        for (size_t i = 0; i < run->files.count; i++)
                if (run->files.items[i].is_new)
                        *vec_push(&now.files) =
                                (struct input_file){ .path = run->files.items[i].path,
                                                     .size = run->files.items[i].after.len,
                                                     .text = text_of(&run->files.items[i]) };
        options.frames = false;
        options.progress = NULL;
        scan_files(&options, &now, &list, &coverage);
        run->scans++;
        vec_free(&now.files);
        count(tallies, &list, true);
        for (size_t i = 0; i < list.diagnostics.count; i++)
                tallies->not_judged_after += list.diagnostics.items[i].incomplete;
}

/* --- judging --- */

/* Whether FIX may be the reason of a new finding: it is no more severe than that, and changes its
 * file, or NO ONE does. */
static bool touches(const struct fix *fix, struct str file) {
        if (fix->mutation)
                return str_eq(fix->document->source->path, file);
        for (size_t i = 0; i < fix->edits.count; i++)
                if (str_eq(fix->edits.items[i].document->source->path, file))
                        return true;
        for (size_t i = 0; i < fix->creations.count; i++)
                if (str_eq(fix->creations.items[i].file, file))
                        return true;
        return false;
}

static bool is_to_blame(const struct fix_run *run, const struct tally *tally) {
        enum severity least = SEVERITY_COUNT, nearest = SEVERITY_COUNT;

        for (size_t i = 0; i < run->fixes.count; i++) {
                const struct fix *fix = run->fixes.items[i];

                if (!fix->chosen)
                        continue;
                least = MIN(least, fix->rule->severity);
                if (touches(fix, tally->file))
                        nearest = MIN(nearest, fix->rule->severity);
        }
        return tally->severity >= (nearest == SEVERITY_COUNT ? least : nearest);
}

/* A finding that was not there before and should not come; NULL: there is none. */
static const struct tally *new_finding(const struct fix_run *run, const struct tallies *tallies) {
        for (size_t i = 0; i < tallies->objects.count; i++) {
                const struct tally *tally = tallies->objects.entries[i].value;

                if (tally->after > tally->before && is_to_blame(run, tally))
                        return tally;
        }
        return NULL;
}

/* Whether a finding that FIX is for is still there. */
static bool remains(struct tallies *tallies, const struct fix *fix) {
        for (size_t i = 0; i < fix->findings.count; i++) {
                const struct finding *finding = fix->findings.items[i];
                const struct tally *tally = tally_of(
                        tallies, fix->mutation ? &tallies->objects : &tallies->messages, finding);

                if (fix->mutation ? tally->after > 0 : tally->after >= tally->before)
                        return true;
        }
        return false;
}

/* Whether a container of a pod, or of a pod template, of OBJECT is privileged. */
static bool has_privileged(const struct doc_node *object) {
        static const char *const kinds[] = { "containers", "initContainers",
                                             "ephemeralContainers" };
        const struct doc_node *pods[] = {
                doc_get(object, STR("spec")),
                doc_find(object, "spec", "template", "spec"),
                doc_find(object, "spec", "jobTemplate", "spec", "template", "spec"),
                doc_find(object, "template", "spec"),
        };

        for (size_t i = 0; i < ELEMENTS(pods) * ELEMENTS(kinds); i++) {
                const struct doc_node *list =
                        doc_get(pods[i / ELEMENTS(kinds)], str_from(kinds[i % ELEMENTS(kinds)]));

                for (uint32_t k = 0; list && list->kind == DOC_LIST && k < list->list.count; k++) {
                        const struct doc_node *set =
                                doc_find(&list->list.items[k], "securityContext", "privileged");

                        if (set && set->kind == DOC_BOOL && set->boolean)
                                return true;
                }
        }
        return false;
}

/* Why what FIX does is not enough. The API server refuses a privileged container that may not gain
 * privileges, so the fix leaves it alone. */
static struct str why_it_remains(const struct fix *fix) {
        if (fix->mutation && str_starts(fix->rule->id, STR("pods/privilege-escalation")) &&
            has_privileged(fix->document->resources.items[fix->resource].object))
                return STR("a privileged container can always gain privileges; take `privileged` "
                           "away first (pods/privileged, with --unsafe)");
        return STR("the finding is still there afterwards");
}

/* Applies what is chosen and looks at the result. False, with what is wrong in *RET. */
static bool holds(struct fix_run *run, bool drop_remaining, struct str *ret) {
        struct tallies tallies _cleanup_(tallies_free) = { 0 };
        const struct tally *fresh;
        bool good = true;

        fix_apply(run);
        count(&tallies, run->input->findings, false);
        for (size_t i = 0; i < run->input->findings->diagnostics.count; i++)
                tallies.not_judged_before += run->input->findings->diagnostics.items[i].incomplete;
        scan_again(run, &tallies);
        for (size_t i = 0; i < run->fixes.count; i++) {
                struct fix *fix = run->fixes.items[i];

                if (!fix->chosen || !remains(&tallies, fix))
                        continue;
                good = false;
                *ret = why_it_remains(fix);
                if (drop_remaining)
                        fix_give_up(fix, FIX_REFUSED, "%.*s", STR_ARG(*ret));
        }
        if (!good)
                return false;
        if (tallies.not_judged_after > tallies.not_judged_before) {
                *ret = STR("something could not be judged afterwards");
                return false;
        }
        fresh = new_finding(run, &tallies);
        if (fresh)
                *ret = arena_printf(&run->arena, "it would bring a finding of %.*s in %.*s",
                                    STR_ARG(fresh->rule), STR_ARG(fresh->file));
        return !fresh;
}

/* Chooses of FIXES, of which none is chosen, those that hold together with what is chosen. */
static void settle(struct fix_run *run, struct fix **fixes, size_t count) {
        struct str problem = STR("there were too many to check");
        size_t half = count / 2;

        if (count == 0)
                return;
        for (size_t i = 0; i < count; i++)
                fixes[i]->chosen = fixes[i]->state == FIX_OFFERED;
        if (run->scans < SCANS_MAX && holds(run, false, &problem))
                return;
        for (size_t i = 0; i < count; i++)
                fixes[i]->chosen = false;
        if (count == 1) {
                if (fixes[0]->state == FIX_OFFERED)
                        fix_give_up(fixes[0], FIX_REFUSED, "%.*s", STR_ARG(problem));
                return;
        }
        settle(run, fixes, half);
        settle(run, fixes + half, count - half);
}

static size_t chosen(const struct fix_run *run) {
        size_t n = 0;

        for (size_t i = 0; i < run->fixes.count; i++)
                n += run->fixes.items[i]->chosen;
        return n;
}

void fix_check(struct fix_run *run) {
        struct fix **fixes;
        size_t before, n = 0;
        struct str problem;

        if (chosen(run) == 0)
                return;
        /* Most of those that do not hold leave their own finding: they go at once. */
        do {
                before = chosen(run);
                if (before == 0 || holds(run, true, &problem))
                        return;
        } while (chosen(run) < before);
        fixes = arena_new_array(&run->arena, run->fixes.count, struct fix *);
        for (size_t i = 0; i < run->fixes.count; i++) {
                if (run->fixes.items[i]->chosen)
                        fixes[n++] = run->fixes.items[i];
                run->fixes.items[i]->chosen = false;
        }
        settle(run, fixes, n);
        fix_apply(run);
}
