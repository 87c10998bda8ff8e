/*
 * Reports: findings and coverage, written in a format.
 *
 * A report is complete and sorted before a writer sees it. Writers only read it and append to a
 * buffer or stream; they do not print, and what they write depends on nothing but the report and
 * the style, so the same input gives the same bytes.
 */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "finding/finding.h"

struct report_coverage {
        size_t files, documents, objects, rules, not_judged;
        size_t skipped;   /* documents that hold no Kubernetes object */
        size_t templates; /* Helm templates, recognised and not judged (part of not_judged) */
        size_t bytes;     /* of source read */
        size_t created, updated, deleted; /* objects, where an old version was given */
        size_t known;    /* findings left out because the old version has them, too */
        size_t excepted; /* findings left out because of an exception */
        size_t repeated; /* findings left out because what made the object has them */
};

struct control_report;

struct report {
        struct finding_list *list;
        struct report_coverage coverage;
        const struct rule_info *const
                *rules; /* all that were judged, sorted by id: the SARIF rule table */
        size_t rule_count;
        const struct control_report *frameworks; /* that were asked for; report/controls.h */
        size_t framework_count;
        struct str title; /* what was scanned, as given: "examples/shop" */
        const char *version;
        double seconds; /* wall time, shown on terminals only; < 0: unknown */
};

enum report_format {
        REPORT_TEXT,
        REPORT_BRIEF,
        REPORT_TABLE,
        REPORT_WIDE,
        REPORT_JSON,
        REPORT_SARIF,
        REPORT_FORMAT_COUNT
};

/* "text", "table" ... for option parsing; returns -EINVAL for an unknown one. */
int report_format_parse(struct str text, enum report_format *ret);
const char *report_format_name(enum report_format format);

struct report_style {
        bool colour;  /* ANSI colours */
        bool unicode; /* box drawing; otherwise ASCII */
        size_t width; /* columns to wrap at; 0: do not wrap */
        bool all;     /* text: list every place of a repeated finding instead of the first few */
};

/* Whether something was left unjudged, or there was nothing to judge: such a report never says
 * clean. */
bool report_incomplete(const struct report *report);

/* Writes REPORT to OUT. Returns 0 or a negative errno where writing failed. */
int report_write(enum report_format format, const struct report *report,
                 const struct report_style *style, FILE *out);

/* The text of `redoubt explain`: everything known about a rule, for a terminal. */
void report_explain(struct buf *buf, const struct rule_info *rule,
                    const struct report_style *style);
