/*
 * Fixes: what to change in files so that a finding is gone.
 *
 * A fix belongs to a rule, and comes from one of two sources. The file of a rule may hold a second
 * document, a MutatingAdmissionPolicy with the annotation `redoubt.io/fix-of`: it is applied to the
 * object as the API server would (policy/mutate.h; that of a rule that judges pod templates to
 * those, too), and what it changes is carried over into the text. Where a fix needs more than the
 * object itself, a provider makes it (below).
 *
 * Either way a fix is a list of changes to objects of the input (doc/change.h), and maybe of new
 * ones. It is believed only after a check: all of the input is scanned again with the changes
 * applied in memory; a fix whose finding is still there, or that lets a new finding of the same or
 * a higher severity appear, is not offered, and it is said why. Fixes are applied one after the
 * other, most severe first, each to what those before it left; so they can be combined.
 *
 * Texts are changed as little as can be (doc/rewrite.h): comments and layout stay. A fix that may
 * stop a workload from working is `unsafe` and only offered where it was asked for.
 *
 * ADDING A PROVIDER: a file of this folder that defines a `struct fix_provider`, and a row in the
 * table of providers.c:
 *
 *     static void propose(void *self, const struct finding *finding, struct fix *fix) {
 *             struct fix_target target;
 *
 *             if (!fix_find(fix, &finding->location, &target))
 *                     return;
 *             fix_remove(fix, &target, doc_get(target.resource.root, STR("subjects")));
 *     }
 *     static const char *const rules[] = { "rbac/anonymous-bound", NULL };
 *     const struct fix_provider fix_example = { .rules = rules, .propose = propose };
 */
#pragma once

#include "base/map.h"
#include "doc/change.h"
#include "inventory/resource.h"
#include "rbac/usage.h"
#include "scan/scan.h"

struct fix_texts {
        const struct str *items;
        size_t count;
};

/* What fixes are made from. */
struct fix_input {
        const struct scan_options *options; /* of the scan: its policies, limits, namespace */
        const struct input_list *files;
        const struct finding_list *findings;
        const struct rbac_usage *usage; /* what rights were used; NULL: nobody knows */
        const struct fix_texts *flows;  /* logs of connections (net/flows.h); NULL or none: what
                                           manifests declare counts */
};

/* An object of the input, and the place in it that a finding points at. */
struct fix_target {
        struct fix_document *document;
        struct resource resource;    /* lives as long as the run */
        const struct doc_node *node; /* the innermost value of resource.root at the place; where the
                                        finding is at a key, the value of that */
};

/* A change of an object. */
struct fix_edit {
        struct fix_document *document;
        struct doc_change change; /* of the document's root */
        bool whole;               /* the document is removed */
};

/* A new object. */
struct fix_creation {
        struct str file; /* where to put it: a path; behind what is there already */
        const struct doc_node *object;
};

enum fix_state {
        FIX_OFFERED,
        FIX_UNSAFE,     /* would be offered if unsafe ones were asked for */
        FIX_IMPOSSIBLE, /* `reason` says why */
        FIX_REFUSED     /* its check failed; `reason` says how */
};

struct fix {
        const struct rule_info *rule;
        VEC(const struct finding *) findings; /* that it is for; at least one */
        enum fix_state state;
        struct str reason;
        struct str unsafe; /* what may stop working; empty: nothing */
        struct str
                title; /* what it does: "remove the binding"; empty: what the rule's remedy says */
        VEC(struct fix_edit) edits; /* none where another fix does it as well */
        VEC(struct fix_creation) creations;

        /* where it comes from: either of these */
        const struct fix_provider *provider;
        struct policy *mutation;       /* the MutatingAdmissionPolicy, for */
        struct fix_document *document; /* this document, */
        uint32_t resource;             /* and this one of its objects */

        struct fix_run *run;
        bool chosen; /* is applied, or tried */
};

struct fix_provider {
        const char *const *rules; /* ids of the rules that it has fixes for; ends with NULL */
        const char *unsafe; /* what may stop working; NULL: nothing. A fix may say it itself */

        /* Called once, when the first finding of one of its rules is met; its result is SELF.
         * NULL: nothing to prepare, SELF is NULL. */
        void *(*start)(const struct fix_input *input);

        /* Fills FIX with what makes FINDING go away, by the functions below. Two findings may get
         * the same fix: equal ones are offered once. One without edits and creations is taken as
         * impossible. */
        void (*propose)(void *self, const struct finding *finding, struct fix *fix);

        void *(*stop)(void *self); /* returns NULL; may be NULL */
};

/* --- for providers --- */

/* Memory that lives as long as the fix. */
struct arena *fix_arena(const struct fix *fix);
const struct fix_input *fix_input_of(const struct fix *fix);

/* The object of the input at LOCATION, with the value that is there. False, with the reason in FIX,
 * where it is in no file that can be changed. */
bool fix_find(struct fix *fix, const struct finding_location *location, struct fix_target *ret);

/* Says why there is no fix. */
void fix_refuse(struct fix *fix, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the fix does, for people. */
void fix_describe(struct fix *fix, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A value written as YAML, e.g. "{type: RuntimeDefault}". It must be valid. */
const struct doc_node *fix_value(const struct fix *fix, const char *yaml);

/* Changes of TARGET's object. NODE, MAP and LIST are parts of target->resource.root as it was read.
 * Each can be called several times for one fix; they are applied in that order. */
void fix_set(struct fix *fix, const struct fix_target *target, const struct doc_node *map,
             struct str key, const struct doc_node *value);
void fix_replace(struct fix *fix, const struct fix_target *target, const struct doc_node *node,
                 const struct doc_node *value);
void fix_append(struct fix *fix, const struct fix_target *target, const struct doc_node *list,
                const struct doc_node *value);
void fix_remove(struct fix *fix, const struct fix_target *target, const struct doc_node *node);

/* Removes TARGET's object. */
void fix_remove_object(struct fix *fix, const struct fix_target *target);

/* Adds OBJECT to the end of FILE, which is made where it is not there: a path as the files of the
 * input have it. fix_sibling gives the path of a file called NAME beside that of LOCATION. */
void fix_create(struct fix *fix, struct str file, const struct doc_node *object);
struct str fix_sibling(const struct fix *fix, const struct finding_location *location,
                       struct str name);

/* --- for verbs --- */

/* A file that fixes change. */
struct fix_file {
        struct str path;
        struct str before; /* as it was read; empty where it is new */
        struct str after;
        bool is_new;
        bool is_gone; /* nothing is left in it */
};

struct fix_run;

/* Makes the fixes of the findings of INPUT, which must live as long as the run, and checks them.
 * UNSAFE: those, too. */
struct fix_run *fix_run_new(const struct fix_input *input, bool unsafe);
struct fix_run *fix_run_free(struct fix_run *run);

/* All fixes, in the order of their findings, and the files as the offered ones make them. */
struct fix *const *fix_list(const struct fix_run *run, size_t *ret_count);
const struct fix_file *fix_files(const struct fix_run *run, size_t *ret_count);

/* Findings for which no rule and no provider has a fix. */
size_t fix_without(const struct fix_run *run);

/* Marks the rules of SET that have providers (rule_info.has_fix). */
void fix_mark_rules(struct policy_set *set);

/* Appends the difference that FILE makes as `diff -u` shows it. What Secrets hold is not shown;
 * returns whether something was left out, so that the result is no patch. */
bool fix_add_diff(struct buf *buf, const struct fix_run *run, const struct fix_file *file);

/* Where the document of EDIT begins, and its change as people write it: "spec.hostPID". */
struct finding_location fix_edit_place(const struct fix *fix, const struct fix_edit *edit);

/* Writes FILE: beside it first, then in its place, with the same mode. -EBUSY where the file is no
 * longer what was read. */
int fix_write(const struct fix_file *file, struct error *error);
