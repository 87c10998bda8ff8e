#include "report/write.h"

/* file:line:col, with the zeroes that editors and grep patterns expect left out. */
static void add_start(struct buf *buf, struct str file, struct doc_pos pos, const char *kind) {
        text_add_place(buf, file, pos);
        buf_printf(buf, ": %s: ", kind);
}

static void add_finding(struct buf *buf, const struct finding *finding) {
        add_start(buf, finding->location.file, finding->location.start,
                  severity_name(finding->rule->severity));
        buf_add_terminal(buf, finding->message);
        buf_add(buf, STR(" ["));
        buf_add_terminal(buf, finding->rule->id);
        buf_add(buf, STR("]\n"));
}

static void add_diagnostic(struct buf *buf, const struct diagnostic *diagnostic) {
        add_start(buf, diagnostic->file, diagnostic->pos,
                  diagnostic->incomplete ? "not judged" : "warning");
        buf_add_terminal(buf, diagnostic->message);
        if (diagnostic->other.line > 0) {
                buf_add(buf, STR(" (see "));
                text_add_place(buf, diagnostic->file, diagnostic->other);
                buf_add_char(buf, ')');
        }
        buf_add_char(buf, '\n');
}

/* One line each, in the order of the files: for grep, editors and people in a hurry. */
void write_brief(struct out *out, const struct report *report) {
        const struct finding_list *list = report->list;

        for (size_t i = 0; i < list->findings.count; i++) {
                add_finding(&out->buf, &list->findings.items[i]);
                out_spill(out);
        }
        for (size_t i = 0; i < list->diagnostics.count; i++) {
                add_diagnostic(&out->buf, &list->diagnostics.items[i]);
                out_spill(out);
        }
}
