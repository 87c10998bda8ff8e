/*
 * From findings to fixes.
 */
#include "base/util.h"
#include "fix/private.h"

/* A fix of FINDING's rule, not yet among those of RUN. */
static struct fix *fix_new(struct fix_run *run, const struct finding *finding) {
        struct fix *fix = arena_new(&run->arena, struct fix);

        fix->run = run;
        fix->rule = finding->rule;
        *vec_push_in(&run->arena, &fix->findings) = finding;
        return fix;
}

/* The fix that does the same as FIX, which may be FIX: then it is added. */
static struct fix *add_fix(struct fix_run *run, struct fix *fix, struct str signature) {
        struct map_entry *entry = map_put(&run->signatures, signature);

        if (!entry->value) {
                entry->value = fix;
                *vec_push(&run->fixes) = fix;
        }
        return entry->value;
}

/* --- policies --- */

/* One fix for all findings of the rule in an object. */
static void propose_mutation(struct fix_run *run, const struct finding *finding,
                             struct policy *mutation) {
        struct fix *fix = fix_new(run, finding), *known;
        struct fix_target target;
        struct str signature;

        fix->mutation = mutation;
        fix->unsafe = mutation->unsafe;
        if (!str_eq(mutation->info.title, mutation->name))
                fix->title = mutation->info.title;
        if (!fix_find(fix, &finding->location, &target)) {
                *vec_push(&run->fixes) = fix;
                return;
        }
        fix->document = target.document;
        fix_source_find(target.document->source, finding->location.start, &target, &fix->resource);
        signature = arena_printf(&run->arena, "%.*s %.*s#%u.%u", STR_ARG(fix->rule->id),
                                 STR_ARG(target.document->source->path),
                                 target.document->doc->index, fix->resource);
        known = add_fix(run, fix, signature);
        if (known != fix)
                *vec_push_in(&run->arena, &known->findings) = finding;
}

/* --- providers --- */

static void *self_of(struct fix_run *run, const struct fix_provider *provider, size_t number) {
        while (run->selves.count <= number) {
                *vec_push(&run->selves) = NULL;
                *vec_push(&run->started) = false;
        }
        if (!run->started.items[number]) {
                run->started.items[number] = true;
                run->selves.items[number] = provider->start ? provider->start(run->input) : NULL;
        }
        return run->selves.items[number];
}

/* Findings of other rules may have the same fix; they are fixed with it. */
static void propose(struct fix_run *run, const struct finding *finding,
                    const struct fix_provider *provider, size_t number) {
        struct fix *fix = fix_new(run, finding), *known;

        fix->provider = provider;
        if (provider->unsafe)
                fix->unsafe = str_from(provider->unsafe);
        provider->propose(self_of(run, provider, number), finding, fix);
        if (fix->state == FIX_OFFERED && fix->edits.count + fix->creations.count == 0)
                fix_refuse(fix, "what to change is for people to decide");
        if (fix->state != FIX_OFFERED) {
                *vec_push(&run->fixes) = fix;
                return;
        }
        known = add_fix(run, fix, fix_signature(fix));
        if (known == fix)
                return;
        *vec_push_in(&run->arena, &known->findings) = finding;
        if (finding->rule->severity > known->rule->severity)
                known->rule = finding->rule;
}

static void stop_providers(struct fix_run *run) {
        for (size_t i = 0; i < run->selves.count; i++)
                if (run->started.items[i] && fix_providers[i]->stop)
                        run->selves.items[i] = fix_providers[i]->stop(run->selves.items[i]);
        vec_free(&run->selves);
        vec_free(&run->started);
}

/* --- all of them --- */

static void propose_for(struct fix_run *run, const struct finding *finding) {
        struct str near;
        const struct policy *policy =
                policy_find(run->input->options->policies, finding->rule->id, &near);
        size_t number;
        const struct fix_provider *provider = fix_provider_for(finding->rule->id, &number);

        if (policy && policy->fix)
                propose_mutation(run, finding, policy->fix);
        else if (provider)
                propose(run, finding, provider, number);
        else
                run->without++;
}

/* Most severe first, so that what matters most is not spoilt by what matters less. */
static int compare_fixes(const void *a, const void *b) {
        const struct fix *x = *(struct fix *const *)a, *y = *(struct fix *const *)b;
        const struct finding *f = x->findings.items[0], *g = y->findings.items[0];

        if (x->rule->severity != y->rule->severity)
                return x->rule->severity > y->rule->severity ? -1 : 1;
        if (x->rule != y->rule)
                return str_cmp(x->rule->id, y->rule->id);
        return f < g ? -1 : f > g;
}

static void choose(struct fix_run *run) {
        for (size_t i = 0; i < run->fixes.count; i++) {
                struct fix *fix = run->fixes.items[i];

                if (fix->state == FIX_OFFERED && fix->unsafe.len > 0 && !run->unsafe)
                        fix->state = FIX_UNSAFE;
                fix->chosen = fix->state == FIX_OFFERED;
        }
}

struct fix_run *fix_run_new(const struct fix_input *input, bool unsafe) {
        struct fix_run *run = xrealloc(NULL, 1, sizeof *run);

        *run = (struct fix_run){ .input = input, .unsafe = unsafe };
        for (size_t i = 0; i < input->findings->findings.count; i++)
                propose_for(run, &input->findings->findings.items[i]);
        stop_providers(run);
        if (run->fixes.count > 1)
                qsort(run->fixes.items, run->fixes.count, sizeof *run->fixes.items, compare_fixes);
        choose(run);
        fix_check(run);
        return run;
}

struct fix_run *fix_run_free(struct fix_run *run) {
        if (!run)
                return NULL;
        fix_sources_free(run);
        map_free(&run->signatures);
        vec_free(&run->fixes);
        vec_free(&run->files);
        arena_free(&run->arena);
        arena_free(&run->round);
        free(run);
        return NULL;
}

struct fix *const *fix_list(const struct fix_run *run, size_t *ret_count) {
        *ret_count = run->fixes.count;
        return run->fixes.items;
}

const struct fix_file *fix_files(const struct fix_run *run, size_t *ret_count) {
        *ret_count = run->files.count;
        return run->files.items;
}

size_t fix_without(const struct fix_run *run) {
        return run->without;
}
