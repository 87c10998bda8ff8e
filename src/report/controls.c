#include "report/controls.h"

#include "report/json.h"
#include "report/write.h"

const char *control_status_name(enum control_status status) {
        static const char *const names[CONTROL_STATUS_COUNT] = {
                [CONTROL_PASS] = "pass",
                [CONTROL_FAIL] = "fail",
                [CONTROL_MANUAL] = "manual",
                [CONTROL_NOT_APPLICABLE] = "notApplicable",
                [CONTROL_NOT_JUDGED] = "notJudged",
        };

        return (unsigned)status < CONTROL_STATUS_COUNT ? names[status] : "unknown";
}

/* --- JSON --- */

/* "file:line:column", as far as it is known. */
static void add_location(struct buf *buf, const struct finding_location *location) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        buf_add(&text, location->file);
        if (location->start.line > 0)
                buf_printf(&text, ":%u", location->start.line);
        if (location->start.line > 0 && location->start.column > 0)
                buf_printf(&text, ":%u", location->start.column);
        json_string(buf, "location", buf_str(&text));
}

static void add_evidence(struct buf *buf, const struct control_evidence *evidence) {
        json_item(buf);
        buf_add_char(buf, '{');
        json_string(buf, "what", evidence->what);
        json_string(buf, "value", evidence->value);
        add_location(buf, &evidence->location);
        if (evidence->source.len > 0)
                json_string(buf, "source", evidence->source);
        buf_add_char(buf, '}');
}

static void add_control(struct buf *buf, const struct control_report *framework,
                        const struct control *control) {
        buf_add_char(buf, '{');
        json_string(buf, "framework", framework->id);
        json_string(buf, "id", control->id);
        json_string(buf, "title", control->title);
        json_string(buf, "status", str_from(control_status_name(control->status)));
        if (control->reason.len > 0)
                json_string(buf, "reason", control->reason);
        json_key(buf, "rules");
        buf_add_char(buf, '[');
        for (size_t i = 0; i < control->rule_count; i++) {
                json_item(buf);
                buf_add_json(buf, control->rules[i]);
        }
        buf_add_char(buf, ']');
        json_key(buf, "evidence");
        buf_add_char(buf, '[');
        for (size_t i = 0; i < control->evidence_count; i++)
                add_evidence(buf, &control->evidence[i]);
        buf_add_char(buf, ']');
        if (control->more > 0)
                json_number(buf, "moreEvidence", control->more);
        buf_add_char(buf, '}');
}

void controls_write_json(struct out *out, const struct report *report) {
        struct buf *buf = &out->buf;
        bool first = true;

        buf_add(buf, STR("\"controls\":["));
        for (size_t f = 0; f < report->framework_count; f++) {
                const struct control_report *framework = &report->frameworks[f];

                for (size_t i = 0; i < framework->count; i++) {
                        buf_add(buf, first ? STR("\n") : STR(",\n"));
                        first = false;
                        add_control(buf, framework, &framework->controls[i]);
                        out_spill(out);
                }
        }
        buf_add_char(buf, ']');
}

/* --- text --- */

enum { STATUS_CELLS = 14, ID_CELLS = 8, TITLE_CELLS = 60, EVIDENCE_CELLS = 64 };

static enum ink ink_of_status(enum control_status status) {
        switch (status) {
        case CONTROL_FAIL:
                return INK_CRITICAL;
        case CONTROL_NOT_JUDGED:
                return INK_HIGH;
        case CONTROL_PASS:
                return INK_PLAIN;
        default:
                return INK_FAINT;
        }
}

/* The counts of CONTROLS: "19 pass, 2 fail". */
static void add_status_counts(struct buf *buf, const struct control *controls, size_t count) {
        size_t counts[CONTROL_STATUS_COUNT] = { 0 };
        bool any = false;

        for (size_t i = 0; i < count; i++)
                counts[controls[i].status]++;
        for (size_t i = 0; i < CONTROL_STATUS_COUNT; i++) {
                if (counts[i] == 0)
                        continue;
                buf_printf(buf, "%s%zu %s", any ? ", " : "", counts[i],
                           control_status_name((enum control_status)i));
                any = true;
        }
}

/* What decided, in short: the first evidence, or the reason. */
static void add_short_evidence(struct buf *buf, const struct report_style *style,
                               const struct control *control) {
        const struct control_evidence *evidence = control->evidence;
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (control->reason.len > 0)
                buf_add_terminal(&text, control->reason);
        else if (control->evidence_count > 0) {
                buf_add_terminal(&text, evidence->what);
                buf_add(&text, STR(": "));
                buf_add_terminal(&text, evidence->value);
                if (control->evidence_count + control->more > 1)
                        buf_printf(&text, " (and %zu more)",
                                   control->evidence_count + control->more - 1);
        }
        text_add_cut(buf, style, buf_str(&text), style->all ? SIZE_MAX : (size_t)EVIDENCE_CELLS,
                     false);
}

static void add_padded(struct buf *buf, const struct report_style *style, enum ink ink,
                       struct str text, size_t cells) {
        size_t width = text_cells_escaped(text);

        ink_add(buf, style, ink, text);
        buf_add_repeat(buf, ' ', width < cells ? cells - width : 1);
}

static void add_row(struct buf *buf, const struct report_style *style,
                    const struct control *control) {
        buf_add_repeat(buf, ' ', 4);
        add_padded(buf, style, ink_of_status(control->status),
                   str_from(control_status_name(control->status)), STATUS_CELLS);
        add_padded(buf, style, INK_PLAIN, control->id, ID_CELLS);
        add_padded(buf, style, INK_PLAIN, control->title, TITLE_CELLS);
        add_short_evidence(buf, style, control);
        while (buf->len > 0 && buf->data[buf->len - 1] == ' ')
                buf->len--;
        buf_add_char(buf, '\n');
}

static void add_section(struct out *out, const struct report_style *style,
                        const struct control *controls, size_t count) {
        struct buf *buf = &out->buf;

        if (controls->section.len > 0) {
                buf_add_repeat(buf, ' ', 2);
                ink_begin(buf, style, INK_STRONG);
                buf_add_terminal(buf, controls->section);
                buf_add_char(buf, ' ');
                buf_add_terminal(buf, controls->section_title);
                ink_end(buf, style, INK_STRONG);
                buf_add(buf, STR(": "));
                add_status_counts(buf, controls, count);
                buf_add_char(buf, '\n');
        }
        for (size_t i = 0; i < count; i++) {
                add_row(buf, style, &controls[i]);
                out_spill(out);
        }
}

static void add_framework(struct out *out, const struct report_style *style,
                          const struct control_report *framework) {
        struct buf *buf = &out->buf;
        size_t end;

        buf_add_char(buf, '\n');
        ink_add(buf, style, INK_STRONG, framework->title);
        buf_add(buf, STR(": "));
        add_status_counts(buf, framework->controls, framework->count);
        buf_add_char(buf, '\n');
        for (size_t start = 0; start < framework->count; start = end) {
                for (end = start + 1; end < framework->count; end++)
                        if (!str_eq(framework->controls[end].section,
                                    framework->controls[start].section))
                                break;
                add_section(out, style, &framework->controls[start], end - start);
        }
}

void controls_write_text(struct out *out, const struct report *report,
                         const struct report_style *style) {
        for (size_t i = 0; i < report->framework_count; i++)
                add_framework(out, style, &report->frameworks[i]);
}
