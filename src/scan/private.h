/*
 * What the files of this module share. Private to src/scan.
 */
#pragma once

#include "inventory/resource.h"
#include "rbac/rbac.h"
#include "scan/scan.h"

/* Which policies are about a kind: worked out once for each kind that a worker meets. */
struct plan {
        struct plan *next;
        struct str group, version, resource;
        bool namespaced, template;
        const struct policy **policies;
        size_t count;
};

/* The Namespace objects of the input, for namespaceSelector and namespaceObject. Read-only while
 * workers run. */
struct namespaces {
        struct arena arena;
        struct map by_name;          /* name -> struct doc_node */
        struct policy_set *policies; /* takes objects as params, too */
};
void namespaces_read(struct namespaces *namespaces, const struct scan_options *options,
                     const struct input_list *files);
void namespaces_free(struct namespaces *namespaces);

/* gather.c: gives DOCUMENT every document of files that may hold WORD. The document is gone when
 * the next one is read. */
struct gather {
        struct str word;
        void (*document)(void *userdata, struct arena *arena, const struct doc *doc);
        void *userdata;
};
void gather_documents(const struct scan_options *options, const struct input_list *files,
                      const struct gather *gather);

/* authorizer.c: who makes the requests that are judged, and what RBAC says. Read-only while workers
 * run. */
struct authorizer {
        struct cel_authorizer base; /* first, so that the pointer converts */
        const struct scan_options *options;
        struct rbac_index index;
        struct policy_user user;
};
void authorizer_init(struct authorizer *authorizer, const struct scan_options *options,
                     const struct input_list *files);
void authorizer_add_problems(const struct authorizer *authorizer, struct finding_list *list,
                             struct report_coverage *coverage);
void authorizer_free(struct authorizer *authorizer);

/* Judges the documents of one source on this thread. */
void scan_source(const struct scan_options *options, const struct doc_source *source,
                 const struct namespaces *namespaces, struct finding_list *list,
                 struct report_coverage *coverage);

/* What a worker owns. */
struct worker {
        const struct scan_options *options;
        const struct namespaces *namespaces;
        const struct policy_user *user; /* NULL in tests of rules */
        struct arena documents;         /* reset for each document */
        struct arena scratch;           /* reset for each judgement */
        struct arena lasting;           /* plans */
        struct plan *plans;
        struct finding_list list;
        struct report_coverage coverage;
        size_t dropped; /* findings beyond the limit */

        /* of the document at hand */
        const struct doc *doc;
        const struct resource *resource;
        struct doc_lines lines; /* of the document's text; made for the first finding */
        bool has_lines;
        struct resource_ref reference; /* of the resource, in the arena of the list; made for its
                                          first finding */
        bool has_reference;
        struct str file; /* name of the source, in the arena of the list */
};

/* judge.c: judges every resource of DOC. */
void worker_judge_document(struct worker *worker, const struct doc *doc);

/* found.c: a policy_violation_fn; makes a finding of a violation by WORKER's resource. */
void worker_found(void *worker, const struct policy_violation *violation);

/* Adds a diagnostic about the file at hand. */
void worker_problem(struct worker *worker, struct str file, struct doc_pos pos,
                    struct doc_pos other, struct str message, bool incomplete);
