/*
 * The writers behind report_write, and what several of them share.
 */
#pragma once

#include "report/group.h"
#include "report/layout.h"
#include "report/out.h"

void write_text(struct out *out, const struct report *report, const struct report_style *style);
void write_brief(struct out *out, const struct report *report);
void write_table(struct out *out, const struct report *report, const struct report_style *style,
                 bool wide);
void write_json(struct out *out, const struct report *report);
void write_sarif(struct out *out, const struct report *report);

/* "error", "warning", "note": the levels of compilers and of SARIF. Critical and high are errors.
 */
const char *severity_level(enum severity severity);

/* The diagnostics for people, one paragraph each; the first few of them unless LIMIT is SIZE_MAX.
 */
void write_diagnostics(struct out *out, const struct report *report,
                       const struct report_style *style, size_t limit);

/* What was judged, what was found, and what was not judged. */
void write_summary(struct out *out, const struct report *report, const struct report_style *style,
                   const struct finding_counts *counts);

/* Whether a line of a remedy is YAML rather than prose: indented, a list item, a comment, or a key
 * with a colon behind it. */
bool remedy_is_code(struct str line);

/* REMEDY with its own line breaks, behind something that ends at COLUMN; the following lines are
 * indented by HANG. Prose is wrapped, code is left alone. */
void write_remedy(struct buf *buf, const struct report_style *style, size_t column, size_t hang,
                  struct str remedy);
