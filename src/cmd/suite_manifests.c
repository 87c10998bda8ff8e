/*
 * Manifests whose names say what must happen to them: good/web.yaml, bad/web.yaml, or web-good.yaml
 * and web-bad.yaml.
 *
 * The policies are those of the nearest folder above that has some. A good object breaks none of
 * them. Of a bad file each object that some policy is about breaks one, and there is such an
 * object.
 */
#include "base/fs.h"
#include "base/util.h"
#include "base/walk.h"
#include "cmd/suite.h"

struct manifest {
        struct suite suite;
        struct str path;
        bool bad;
        size_t judged; /* objects that some policy is about */
        case_result_fn *report;
        void *userdata;
};

/* --- names --- */

static bool is_among(const char *const *words, struct str part) {
        for (; *words; words++)
                if (str_eq(part, str_from(*words)))
                        return true;
        return false;
}

static enum manifest_expectation meaning(struct str part) {
        static const char *const good[] = { "good",    "pass",  "passed", "passing",   "allow",
                                            "allowed", "valid", "accept", "compliant", NULL };
        static const char *const bad[] = { "bad",      "fail",    "failed",       "failing",
                                           "deny",     "denied",  "invalid",      "reject",
                                           "rejected", "refused", "noncompliant", NULL };

        return is_among(good, part)  ? MANIFEST_GOOD
               : is_among(bad, part) ? MANIFEST_BAD
                                     : MANIFEST_PLAIN;
}

/* "web-bad" and "bad_web" by their words; words of both kinds say nothing. */
static enum manifest_expectation meaning_of_words(struct str name) {
        enum manifest_expectation found = MANIFEST_PLAIN;
        size_t start = 0;

        for (size_t i = 0; i <= name.len; i++) {
                enum manifest_expectation word;

                if (i < name.len && !memchr("-_.", name.ptr[i], 3))
                        continue;
                word = meaning(str_slice(name, start, i));
                start = i + 1;
                if (word != MANIFEST_PLAIN && found != MANIFEST_PLAIN && word != found)
                        return MANIFEST_PLAIN;
                found = word != MANIFEST_PLAIN ? word : found;
        }
        return found;
}

enum manifest_expectation manifest_expected(struct str path) {
        struct str rest = path, part = STR(""), folder = STR("");
        enum manifest_expectation found;

        while (rest.ptr) {
                folder = part;
                str_split(&rest, '/', &part);
        }
        found = meaning_of_words(part);
        return found != MANIFEST_PLAIN ? found : meaning(folder);
}

/* --- the policies --- */

static bool wants_file(void *userdata _unused_, struct str path, struct str relative _unused_,
                       bool folder) {
        return !folder && manifest_expected(path) == MANIFEST_PLAIN &&
               !str_ends(path, STR(".test.yaml")) &&
               (str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml")) ||
                str_ends(path, STR(".json")));
}

struct loading {
        struct suite *suite;
        struct error *error;
};

static int add_file(void *userdata, struct str path, uint64_t size _unused_) {
        struct loading *loading = userdata;

        return suite_add_policies(loading->suite, path, loading->error);
}

/* Loads the policies that stand in FOLDER itself. */
static int load_folder(struct manifest *manifest, struct str folder, struct error *error) {
        struct loading loading = { &manifest->suite, error };
        struct walk walk = { wants_file, add_file, NULL, &loading };

        return walk_path(&manifest->suite.arena, folder, &walk, error);
}

static int find_policies(struct manifest *manifest, struct str start, struct error *error) {
        struct str folder = manifest->path;
        int r = 0;

        while (r >= 0 && manifest->suite.set.policies.count == 0) {
                if (str_eq(folder, start) || str_eq(folder, STR(".")) || str_eq(folder, STR("/")))
                        return 0;
                folder = suite_folder(&manifest->suite.arena, folder);
                r = load_folder(manifest, folder, error);
        }
        return r;
}

/* --- judging --- */

static void report(struct manifest *manifest, const struct suite_object *object, bool passed,
                   bool not_judged, struct str problem) {
        struct arena *arena = &manifest->suite.arena;
        struct case_result result = { .file = manifest->path,
                                      .name = STR("the manifest"),
                                      .line = 1,
                                      .passed = passed,
                                      .not_judged = not_judged,
                                      .problem = problem };

        if (object) {
                result.line = object->pos.line;
                result.name = arena_printf(
                        arena, "%.*s %.*s",
                        STR_ARG(doc_string(doc_get(object->object, STR("kind")), STR(""))),
                        STR_ARG(doc_string(doc_find(object->object, "metadata", "name"), STR(""))));
        }
        manifest->report(manifest->userdata, &result);
}

/* What the policies make of SUBJECT together. */
static void try_all(struct manifest *manifest, const struct policy_subject *subject,
                    struct policy_trial *ret) {
        const struct policy_set *set = &manifest->suite.set;

        *ret = (struct policy_trial){ 0 };
        for (size_t i = 0; i < set->policies.count; i++) {
                struct policy_trial trial;

                policy_try(set->policies.items[i], subject, &manifest->suite.arena, &trial);
                ret->applied |= trial.applied || trial.error;
                if (!ret->failed && (trial.failed || trial.error))
                        ret->message = trial.message;
                ret->failed |= trial.failed || trial.error;
        }
}

static void judge(struct manifest *manifest, const struct suite_object *object) {
        struct policy_subject subject;
        struct policy_trial trial;
        struct error error = { 0 };

        if (suite_subject(&manifest->suite, object, &subject, &error) < 0) {
                report(manifest, object, false, false, str_from(error.message));
                return;
        }
        try_all(manifest, &subject, &trial);
        if (manifest->bad && !trial.applied)
                return; /* what stands around the bad object */
        manifest->judged++;
        if (trial.failed == manifest->bad)
                report(manifest, object, true, false, STR(""));
        else if (manifest->bad)
                report(manifest, object, false, false, STR("expected a refusal, but it is taken"));
        else
                report(manifest, object, false, false,
                       arena_printf(&manifest->suite.arena,
                                    "expected to be taken, but it is refused: %.*s",
                                    STR_ARG(trial.message)));
}

static void judge_all(struct manifest *manifest) {
        for (size_t i = 0; i < manifest->suite.objects.count; i++)
                judge(manifest, &manifest->suite.objects.items[i]);
        if (manifest->suite.objects.count == 0)
                report(manifest, NULL, false, true, STR("it holds no Kubernetes object"));
        else if (manifest->judged == 0)
                report(manifest, NULL, false, false,
                       STR("expected a refusal, but no policy is about its objects"));
}

void manifest_run(const struct manifest_run *run, struct arena *arena, struct map *tested,
                  case_result_fn *report_case, void *userdata) {
        struct manifest manifest = { .path = run->path,
                                     .bad = manifest_expected(run->path) == MANIFEST_BAD,
                                     .report = report_case,
                                     .userdata = userdata };
        struct error error = { 0 };
        int r = suite_init(&manifest.suite, run->minor, &error);

        if (r >= 0)
                r = find_policies(&manifest, run->start, &error);
        if (r >= 0)
                r = suite_finish(&manifest.suite, &error);
        if (r >= 0)
                r = suite_add_objects(&manifest.suite, run->path, &error);
        if (r < 0)
                report(&manifest, NULL, false, false,
                       arena_printf(&manifest.suite.arena, "%s%s%s", error.file,
                                    error.file[0] ? ": " : "", error.message));
        else if (manifest.suite.set.policies.count == 0)
                report(&manifest, NULL, false, true, STR("no folder above it holds a policy"));
        else
                judge_all(&manifest);
        for (size_t i = 0; i < manifest.suite.set.policies.count; i++)
                map_put(tested, arena_str(arena, manifest.suite.set.policies.items[i]->info.source))
                        ->value = tested;
        suite_free(&manifest.suite);
}
