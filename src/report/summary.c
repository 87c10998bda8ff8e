#include "report/write.h"

/* --- diagnostics --- */

static void add_diagnostic(struct buf *buf, const struct report_style *style,
                           const struct diagnostic *diagnostic) {
        enum { HANG = 2 };
        const char *label = diagnostic->incomplete ? "not judged" : "warning";
        enum ink ink = diagnostic->incomplete ? INK_CRITICAL : INK_MEDIUM;
        size_t at = buf->len, column;
        struct flow flow;

        text_add_place(buf, diagnostic->file, diagnostic->pos);
        buf_add(buf, STR(": "));
        column = text_cells(str_slice(buf_str(buf), at, buf->len)) + strlen(label) + 1;
        ink_begin(buf, style, ink);
        buf_printf(buf, "%s:", label);
        ink_end(buf, style, ink);
        buf_add_char(buf, ' ');
        flow = flow_begin(buf, style, column + 1, HANG);
        flow_words(&flow, INK_PLAIN, diagnostic->message);
        buf_add_char(buf, '\n');
        if (diagnostic->other.line > 0) {
                buf_add_repeat(buf, ' ', HANG);
                buf_add(buf, STR("the other place: "));
                text_add_place(buf, diagnostic->file, diagnostic->other);
                buf_add_char(buf, '\n');
        }
}

void write_diagnostics(struct out *out, const struct report *report,
                       const struct report_style *style, size_t limit) {
        size_t count = report->list->diagnostics.count;

        for (size_t i = 0; i < count && i < limit; i++) {
                add_diagnostic(&out->buf, style, &report->list->diagnostics.items[i]);
                out_spill(out);
        }
        if (count > limit)
                buf_printf(&out->buf, "and %zu more: -o brief lists them\n", count - limit);
        if (count > 0)
                buf_add_char(&out->buf, '\n');
}

/* --- summary --- */

/* "examples/shop: 41 objects in 9 files · 74 rules · 0.01 s" */
static void add_scope(struct buf *buf, const struct report_style *style,
                      const struct report *report) {
        const struct report_coverage *coverage = &report->coverage;
        struct buf piece _cleanup_(buf_free) = BUF_INIT;
        struct flow flow = flow_begin(buf, style, 0, 2);

        if (report->title.len > 0) {
                ink_add(buf, style, INK_STRONG, report->title);
                buf_add(buf, STR(": "));
                flow.column = text_cells_escaped(report->title) + 2;
        }
        text_add_count(&piece, coverage->objects, "object");
        buf_add(&piece, STR(" in "));
        text_add_count(&piece, coverage->files, "file");
        flow_piece(&flow, separator_of(style), INK_PLAIN, buf_str(&piece));
        buf_clear(&piece);
        text_add_count(&piece, coverage->rules, "rule");
        flow_piece(&flow, separator_of(style), INK_PLAIN, buf_str(&piece));
        if (report->seconds >= 0) {
                buf_clear(&piece);
                buf_printf(&piece, "%.2f s", report->seconds);
                flow_piece(&flow, separator_of(style), INK_PLAIN, buf_str(&piece));
        }
        buf_add_char(buf, '\n');
}

static void add_severities(struct buf *buf, const struct report_style *style,
                           const struct finding_counts *counts) {
        struct flow flow = flow_begin(buf, style, 2, 2);

        buf_add_repeat(buf, ' ', 2);
        for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_LOW; severity--) {
                size_t count = counts->severity[severity];
                char piece[48];

                snprintf(piece, sizeof piece, "%s %zu", severity_name((enum severity)severity),
                         count);
                flow_piece(&flow, STR("   "),
                           count > 0 ? ink_of((enum severity)severity) : INK_FAINT,
                           str_from(piece));
        }
        buf_add_char(buf, '\n');
}

static void add_practices(struct buf *buf, const struct report_style *style,
                          const struct finding_counts *counts) {
        struct buf piece _cleanup_(buf_free) = BUF_INIT;
        struct flow flow = flow_begin(buf, style, 2, 2);

        buf_add_repeat(buf, ' ', 2);
        for (size_t i = 0; i < counts->practices.count; i++) {
                const struct practice_count *practice = &counts->practices.items[i];

                buf_clear(&piece);
                buf_add(&piece, practice->practice);
                buf_printf(&piece, " %zu", practice->count);
                flow_piece(&flow, separator_of(style), INK_PLAIN, buf_str(&piece));
        }
        buf_add_char(buf, '\n');
}

/* What became of the objects of the old version, where there was one. */
static void add_changes(struct buf *buf, const struct report_style *style,
                        const struct report_coverage *coverage) {
        struct buf piece _cleanup_(buf_free) = BUF_INIT;
        struct flow flow = flow_begin(buf, style, 2, 2);

        if (coverage->created + coverage->updated + coverage->deleted == 0)
                return;
        buf_add_repeat(buf, ' ', 2);
        buf_printf(&piece, "created %zu   updated %zu   deleted %zu", coverage->created,
                   coverage->updated, coverage->deleted);
        flow_piece(&flow, separator_of(style), INK_PLAIN, buf_str(&piece));
        buf_add_char(buf, '\n');
}

/* What was left out on purpose: nothing where nothing was. */
static void add_left_out(struct buf *buf, const struct report_style *style,
                         const struct report_coverage *coverage) {
        struct buf piece _cleanup_(buf_free) = BUF_INIT;
        struct flow flow = flow_begin(buf, style, 2, 2);

        if (coverage->excepted == 0 && coverage->skipped == 0 && coverage->known == 0)
                return;
        buf_add_repeat(buf, ' ', 2);
        if (coverage->known > 0) {
                text_add_count(&piece, coverage->known, "finding");
                buf_add(&piece, STR(" of the old version left out"));
                flow_piece(&flow, separator_of(style), INK_PLAIN, buf_str(&piece));
                buf_clear(&piece);
        }
        if (coverage->excepted > 0) {
                buf_printf(&piece, "excepted %zu", coverage->excepted);
                flow_piece(&flow, separator_of(style), INK_PLAIN, buf_str(&piece));
        }
        if (coverage->skipped > 0) {
                buf_clear(&piece);
                buf_add(&piece, STR("skipped "));
                text_add_count(&piece, coverage->skipped, "document");
                buf_add(&piece, STR(" without a Kubernetes object"));
                flow_piece(&flow, separator_of(style), INK_PLAIN, buf_str(&piece));
        }
        buf_add_char(buf, '\n');
}

/* What could not be judged, and what to do about it. */
static void add_incomplete(struct buf *buf, const struct report_style *style,
                           const struct report *report, size_t indent) {
        const struct report_coverage *coverage = &report->coverage;
        struct flow flow = flow_begin(buf, style, indent, indent + 2);
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (report->list->findings.count == 0)
                buf_add(&text, STR("nothing found in what could be judged, but "));
        if (coverage->not_judged == 0)
                buf_add(&text, STR("not everything was judged, see above"));
        else if (coverage->templates >= coverage->not_judged) {
                text_add_count(&text, coverage->not_judged, "Helm template");
                buf_add(&text, STR(" not judged"));
        } else
                buf_printf(&text, "%zu not judged, see above", coverage->not_judged);
        if (coverage->templates > 0 && coverage->templates < coverage->not_judged) {
                buf_add(&text, STR("; "));
                text_add_count(&text, coverage->templates, "Helm template");
                buf_add(&text, STR(" among them"));
        }
        if (coverage->templates > 0)
                buf_add(&text, STR("; try: helm template . | redoubt scan -"));
        buf_add_repeat(buf, ' ', indent);
        flow_words(&flow, INK_CRITICAL, STR("incomplete:"));
        flow_words(&flow, INK_PLAIN, buf_str(&text));
        buf_add_char(buf, '\n');
}

/* The verdict on a scan that found nothing. Only one that judged something, and all of it, is
 * clean. */
static void add_verdict(struct buf *buf, const struct report_style *style,
                        const struct report_coverage *coverage) {
        bool judged = coverage->objects > 0 && coverage->rules > 0;
        struct flow flow = flow_begin(buf, style, 0, 2);
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        text_add_count(&text, coverage->objects, "object");
        buf_add(&text, STR(", "));
        text_add_count(&text, coverage->rules, "rule");
        if (judged)
                buf_add(&text, STR(", everything judged"));
        flow_words(&flow, INK_STRONG, judged ? STR("clean:") : STR("nothing was judged:"));
        flow_words(&flow, INK_PLAIN, buf_str(&text));
        buf_add_char(buf, '\n');
}

void write_summary(struct out *out, const struct report *report, const struct report_style *style,
                   const struct finding_counts *counts) {
        struct buf *buf = &out->buf;
        bool found = report->list->findings.count > 0;

        add_scope(buf, style, report);
        add_changes(buf, style, &report->coverage);
        if (found) {
                add_severities(buf, style, counts);
                add_practices(buf, style, counts);
        }
        add_left_out(buf, style, &report->coverage);
        if (report_has_gaps(report))
                add_incomplete(buf, style, report, found ? 2 : 0);
        else if (!found)
                add_verdict(buf, style, &report->coverage);
}
