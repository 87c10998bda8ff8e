/*
 * Tests of policies in the forms that others have for them: whole policies, with their bindings and
 * params, against whole manifests.
 *
 *   kyverno-test.yaml   a Test of Kyverno's CLI whose policies are ValidatingAdmissionPolicies
 *   good/, bad/         folders (or files) of manifests beside the policies: what `kubectl apply`
 *                       is to take, and what it is to refuse
 *
 * What such a file asks that cannot be answered here is reported as not judged, never as passed.
 */
#pragma once

#include "cmd/policy.h"
#include "scan/cases.h"

struct suite_object {
        struct str file;
        struct doc_pos pos;
        const struct doc_node *object;
};

/* Policies and what they are asked about. */
struct suite {
        struct arena arena;
        struct policy_set set;
        VEC(struct suite_object) objects;
        struct map namespaces;          /* name -> struct doc_node */
        const struct doc_node *request; /* fields of the request: userInfo; NULL: none */
};
/* MINOR: the version of Kubernetes whose CEL counts, as in policy_set_init. */
int suite_init(struct suite *suite, uint16_t minor, struct error *error);
void suite_free(struct suite *suite);

/* Adds the policies and bindings of a file or folder; other objects are params, and Namespaces what
 * namespaceObject is. None at all is no error. */
int suite_add_policies(struct suite *suite, struct str path, struct error *error);

/* Adds the objects of a file or folder, Namespaces also as in suite_add_policies. */
int suite_add_objects(struct suite *suite, struct str path, struct error *error);

/* Connects bindings with policies; call once all are added. */
int suite_finish(struct suite *suite, struct error *error);

/* The request that creates OBJECT, in the arena of the suite. */
int suite_subject(struct suite *suite, const struct suite_object *object,
                  struct policy_subject *ret, struct error *error);

/* Calls EACH for the documents of the file PATH, which live in ARENA. */
int suite_read(struct arena *arena, struct str path,
               int (*each)(void *userdata, const struct doc *doc), void *userdata,
               struct error *error);

/* PATH as it is meant in a file of FOLDER. */
struct str suite_path(struct arena *arena, struct str folder, struct str path);

/* The folder of the file PATH: "." where it names none. */
struct str suite_folder(struct arena *arena, struct str path);

/* Runs the Test of Kyverno's CLI in the file PATH and calls REPORT for each of its results. */
void kyverno_run(struct str path, uint16_t minor, case_result_fn *report, void *userdata);

/* What the name of a manifest says must happen to it. */
enum manifest_expectation { MANIFEST_PLAIN, MANIFEST_GOOD, MANIFEST_BAD };
enum manifest_expectation manifest_expected(struct str path);

struct manifest_run {
        struct str path, start; /* a file, and the folder above which no policies are looked for */
        uint16_t minor;
};

/* Asks the policies of the nearest folder above the manifest that has some about its objects, and
 * calls REPORT for each. The files of those policies become keys of TESTED, in ARENA. */
void manifest_run(const struct manifest_run *run, struct arena *arena, struct map *tested,
                  case_result_fn *report, void *userdata);
