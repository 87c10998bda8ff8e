#include "report/write.h"

enum { INDENT = 2, LABEL_WIDTH = 12, WIDEST_FRAMEWORK = 40 };

static void add_field(struct buf *buf, const struct report_style *style, const char *label,
                      enum ink ink, struct str value) {
        if (value.len == 0)
                return;
        buf_add_repeat(buf, ' ', INDENT);
        ink_begin(buf, style, INK_STRONG);
        buf_add(buf, str_from(label));
        ink_end(buf, style, INK_STRONG);
        buf_add_repeat(buf, ' ', LABEL_WIDTH - strlen(label));
        ink_add(buf, style, ink, value);
        buf_add_char(buf, '\n');
}

/* Cuts "cis-k8s-1.12:5.2.2" into framework and control. A control without a colon is a framework as
 * a whole. */
static struct str framework_of(struct str control, struct str *ret_control) {
        const char *colon = control.len > 0 ? memchr(control.ptr, ':', control.len) : NULL;
        size_t at = colon ? (size_t)(colon - control.ptr) : control.len;

        *ret_control = str_slice(control, at + 1, control.len);
        return str_slice(control, 0, at);
}

/* The column of the controls: behind the widest framework, within reason. */
static size_t framework_cells(const struct rule_info *rule) {
        size_t widest = 0;
        struct str control;

        for (size_t i = 0; i < rule->control_count; i++)
                widest = MAX(widest, text_cells_escaped(framework_of(rule->controls[i], &control)));
        return MIN(widest, (size_t)WIDEST_FRAMEWORK);
}

/* One line for each framework with all its controls. They are sorted, so those of one framework
 * follow each other. */
static void add_controls(struct buf *buf, const struct report_style *style,
                         const struct rule_info *rule) {
        size_t widest = framework_cells(rule);
        const char *label = "controls";
        struct str control;

        for (size_t i = 0; i < rule->control_count; label = "") {
                struct str framework = framework_of(rule->controls[i], &control);
                size_t cells = text_cells_escaped(framework);
                size_t column = INDENT + LABEL_WIDTH + MAX(widest, cells) + 2;
                struct flow flow = flow_begin(buf, style, column, column);

                buf_add_repeat(buf, ' ', INDENT);
                ink_add(buf, style, INK_STRONG, str_from(label));
                buf_add_repeat(buf, ' ', LABEL_WIDTH - strlen(label));
                buf_add_terminal(buf, framework);
                if (control.len > 0)
                        buf_add_repeat(buf, ' ', MAX(widest, cells) - cells + 2);
                for (; i < rule->control_count &&
                       str_eq(framework, framework_of(rule->controls[i], &control));
                     i++)
                        if (control.len > 0)
                                flow_piece(&flow, STR(", "), INK_PLAIN, control);
                buf_add_char(buf, '\n');
        }
}

static void add_heading(struct buf *buf, const struct report_style *style, const char *heading) {
        buf_add_char(buf, '\n');
        buf_add_repeat(buf, ' ', INDENT);
        ink_add(buf, style, INK_STRONG, str_from(heading));
        buf_add_char(buf, '\n');
        buf_add_repeat(buf, ' ', 2 * INDENT);
}

void report_explain(struct buf *buf, const struct rule_info *rule,
                    const struct report_style *style) {
        enum ink ink = ink_of(rule->severity);
        struct flow flow;

        ink_add(buf, style, ink, rule->id);
        if (rule->title.len > 0) {
                buf_add(buf, STR(": "));
                flow = flow_begin(buf, style, text_cells_escaped(rule->id) + 2, INDENT);
                flow_words(&flow, INK_STRONG, rule->title);
        }
        buf_add(buf, STR("\n\n"));
        add_field(buf, style, "severity", ink, str_from(severity_name(rule->severity)));
        add_field(buf, style, "practice", INK_PLAIN, rule->practice);
        add_controls(buf, style, rule);
        add_field(buf, style, "file", INK_PLAIN, rule->source);
        if (str_trim(rule->why).len > 0) {
                add_heading(buf, style, "Why");
                flow = flow_begin(buf, style, 2 * INDENT, 2 * INDENT);
                flow_words(&flow, INK_PLAIN, rule->why);
                buf_add_char(buf, '\n');
        }
        if (str_trim(rule->remedy).len > 0) {
                add_heading(buf, style, "Fix");
                write_remedy(buf, style, 2 * INDENT, 2 * INDENT, rule->remedy);
        }
}
