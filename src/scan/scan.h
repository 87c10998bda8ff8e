/*
 * Scanning: from files to findings in one pass.
 *
 *     files ──► documents ──► resources ──► policies ──► findings
 *
 * Workers take one file at a time; a large file is cut at document boundaries so that several can
 * share it. A document is read into an arena, judged, and forgotten: memory grows with the largest
 * file and with what is found, not with what is read. Every worker keeps its own findings; they are
 * joined and sorted at the end, so the result does not depend on the number of threads.
 *
 * With an old version of the files, objects are paired by what they are, and rules see what a
 * request that changes (UPDATE) or removes (DELETE) them would show.
 */
#pragma once

#include "finding/finding.h"
#include "inventory/files.h"
#include "policy/policy.h"
#include "report/report.h"

struct tally;
struct declared;

struct scan_options {
        struct policy_set *policies;  /* its catalogue is compiled as needed */
        const struct input_list *old; /* the version before: what is in both is being updated, what
                                         is only there deleted; NULL: everything is being created */
        const struct input_list
                *crds; /* more CustomResourceDefinitions than the input has; NULL: none
                        */
        struct doc_limits limits;
        unsigned threads;     /* at least 1 */
        struct str namespace; /* of namespaced objects that name none; may be empty */
        struct str user;      /* who makes the requests; empty: nobody that is known */
        const struct str *groups;
        size_t group_count;
        bool as_submitted;         /* judge the text, not what the API server would decode */
        bool frames;               /* copy source lines into findings: some report shows them */
        struct declared *declared; /* scan/declared.h: what manifests say of a cluster; NULL */
        struct tally *tally;       /* told of what was judged (scan/tally.h); NULL: nobody asks */
        size_t max_findings;       /* more are counted but not kept, and the scan is incomplete */
        /* Called now and then by the thread that scans; NULL: nobody wants to know. */
        void (*progress)(void *userdata, size_t files, uint64_t bytes, struct str file);
        void *userdata;
};

/* Scans FILES. Fills LIST (sorted) and COVERAGE. What could not be read or judged is a diagnostic;
 * nothing is fatal. */
void scan_files(const struct scan_options *options, const struct input_list *files,
                struct finding_list *list, struct report_coverage *coverage);

/* Leaves those out of LIST that a scan of the old version (OPTIONS->old) finds, too, whatever the
 * line, and counts them in COVERAGE->known. */
void scan_keep_new(const struct scan_options *options, struct finding_list *list,
                   struct report_coverage *coverage);
