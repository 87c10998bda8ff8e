/*
 * Analyses: what can only be known of all the input together, as documents that rules judge.
 *
 * An analysis is shown the objects of the input, one after the other, and then makes documents of
 * kinds of its own, in the group redoubt.io: who may do what (rbac/subject.h), and so on. Rules
 * name those kinds as resources of that group, and are judged on the documents as on what is in
 * files. So findings, frameworks, exceptions and reports are the same for them.
 *
 * Such a document has no text. What is found in it is placed where it says itself: at the `place`
 * ({file, line, column}) of the nearest map around the value that decided; members of that map that
 * end in "Place" are the other places. What the finding is about is told by `about` ({apiVersion,
 * kind, namespace, name}); without it the document itself.
 *
 * An analysis runs only if some policy is about its documents. Adding one is a file that defines a
 * `struct analysis`, and a row in the table of analysis.c.
 */
#pragma once

#include "inventory/resource.h"
#include "scan/scan.h"

/* Takes a document, in JSON. FILE and POS are what it mainly comes from, for the case that it is
 * too large to be judged. */
typedef void analysis_emit_fn(void *userdata, struct str json, struct str file, struct doc_pos pos);

struct analysis {
        const char *const *resources; /* "subjects": what it makes, of the group redoubt.io; ends
                                         with NULL */
        const char *word; /* a file without this word is of no interest; "": every file is */

        /* Whether objects of this kind are of interest: what a live cluster is asked for. */
        bool (*reads)(struct str group, struct str resource);

        void *(*start)(const struct scan_options *options);

        /* RESOURCE of FILE lives only for the call. */
        void (*add)(void *self, struct str file, const struct resource *resource);

        /* A document of FILE that is no Kubernetes object: what else programs write. NULL: of no
         * interest. */
        void (*foreign)(void *self, struct str file, const struct doc_node *root);

        /* After the last object: makes the documents. Those of no interest to any rule may be left
         * out. */
        void (*finish)(void *self, analysis_emit_fn *emit, void *userdata);

        /* What could not be used, after `finish`: the COUNT items returned live as long as SELF.
         * NULL: nothing ever. */
        const struct diagnostic *(*problems)(void *self, size_t *ret_count);

        void *(*stop)(void *self); /* returns NULL */
};

/* Whether some policy of SET is about what ANALYSIS makes. */
bool analysis_is_wanted(const struct analysis *analysis, const struct policy_set *set);

/* Whether an analysis that policies of SET need looks at objects of this kind. */
bool analysis_reads(const struct policy_set *set, struct str group, struct str resource);
