#include "report/controls.h"
#include "report/frame.h"
#include "report/write.h"

/* A place may be longer than WIDEST_PLACE; the others are not padded to more than that. */
enum { CONTROLS_SHOWN = 3, DIAGNOSTICS_SHOWN = 20, WIDEST_PLACE = 60 };
static const size_t places_shown = 5;

/* --- the first line: what, how bad, and which frameworks ask for it --- */

/* "pss-baseline:privileged" adds nothing to "pods/privileged" but the name of the framework. */
static struct str short_control(struct str control, struct str rule) {
        const char *colon = control.len > 0 ? memchr(control.ptr, ':', control.len) : NULL;
        const char *slash = rule.len > 0 ? memrchr(rule.ptr, '/', rule.len) : NULL;
        size_t from = slash ? (size_t)(slash - rule.ptr) + 1 : 0, at;

        if (!colon)
                return control;
        at = (size_t)(colon - control.ptr);
        if (str_eq(str_slice(control, at + 1, control.len), str_slice(rule, from, rule.len)))
                return str_slice(control, 0, at);
        return control;
}

static void add_tags(struct flow *flow, const struct rule_info *rule) {
        struct str separator = separator_of(flow->style);
        char rest[32];

        flow_piece(flow, separator, ink_of(rule->severity),
                   str_from(severity_name(rule->severity)));
        for (size_t i = 0; i < rule->control_count && i < CONTROLS_SHOWN; i++)
                flow_piece(flow, separator, INK_FAINT, short_control(rule->controls[i], rule->id));
        if (rule->control_count > CONTROLS_SHOWN) {
                snprintf(rest, sizeof rest, "+%zu", rule->control_count - CONTROLS_SHOWN);
                flow_piece(flow, separator, INK_FAINT, str_from(rest));
        }
}

/* The cells that the tags take on one line. */
static size_t tag_cells(const struct report_style *style, const struct rule_info *rule) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        const struct report_style plain = { .unicode = style->unicode };
        struct flow flow = flow_begin(&buf, &plain, 0, 0);

        add_tags(&flow, rule);
        return flow.column;
}

/* "error[pods/privileged]: ", and the column behind it. */
static size_t add_level(struct buf *buf, const struct report_style *style,
                        const struct rule_info *rule) {
        struct buf level _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&level, "%s[", severity_level(rule->severity));
        buf_add_terminal(&level, rule->id);
        buf_add_char(&level, ']');
        ink_add(buf, style, ink_of(rule->severity), buf_str(&level));
        buf_add(buf, STR(": "));
        return text_cells(buf_str(&level)) + 2;
}

/* The tags stand at the right margin where they fit next to the message, else on their own line. */
static void add_header(struct buf *buf, const struct report_style *style,
                       const struct finding *finding) {
        enum { HANG = 2, GAP = 2 };
        const struct rule_info *rule = finding->rule;
        size_t width = text_width(style), tags = tag_cells(style, rule);
        struct flow flow = flow_begin(buf, style, add_level(buf, style, rule), HANG);
        size_t column;

        flow_words(&flow, INK_STRONG, finding->message);
        column = flow.column + GAP;
        if (width == SIZE_MAX)
                buf_add_repeat(buf, ' ', GAP);
        else if (column + tags <= width) {
                column = width - tags;
                buf_add_repeat(buf, ' ', column - flow.column);
        } else {
                column = HANG;
                buf_add_char(buf, '\n');
                buf_add_repeat(buf, ' ', HANG);
        }
        flow = flow_begin(buf, style, column, HANG);
        add_tags(&flow, rule);
        buf_add_char(buf, '\n');
}

/* --- the notes under the frame --- */

/* "  = label: ", and the column behind it. */
static size_t add_label(struct buf *buf, const struct report_style *style, size_t gutter,
                        const char *label) {
        buf_add_repeat(buf, ' ', gutter);
        buf_add(buf, STR("= "));
        ink_begin(buf, style, INK_STRONG);
        buf_printf(buf, "%s:", label);
        ink_end(buf, style, INK_STRONG);
        buf_add_char(buf, ' ');
        return gutter + 4 + strlen(label);
}

static void add_note(struct buf *buf, const struct report_style *style, size_t gutter,
                     const char *label, struct str prose) {
        struct flow flow;
        size_t column;

        if (str_trim(prose).len == 0)
                return;
        column = add_label(buf, style, gutter, label);
        flow = flow_begin(buf, style, column, column);
        flow_words(&flow, INK_PLAIN, prose);
        buf_add_char(buf, '\n');
}

static void add_fix(struct buf *buf, const struct report_style *style, size_t gutter,
                    struct str remedy) {
        size_t column;

        if (str_trim(remedy).len == 0)
                return;
        column = add_label(buf, style, gutter, "fix");
        write_remedy(buf, style, column, column, remedy);
}

/* Other places that decided this finding. */
static void add_related(struct buf *buf, const struct report_style *style, size_t gutter,
                        const struct finding *finding) {
        struct buf place _cleanup_(buf_free) = BUF_INIT;
        size_t shown = style->all ? SIZE_MAX : places_shown, column;
        struct flow flow;

        if (finding->related_count == 0)
                return;
        column = add_label(buf, style, gutter, "see");
        flow = flow_begin(buf, style, column, column);
        for (size_t i = 0; i < finding->related_count && i < shown; i++) {
                buf_clear(&place);
                text_add_place(&place, finding->related[i].file, finding->related[i].start);
                flow_piece(&flow, STR(", "), INK_PLAIN, buf_str(&place));
        }
        if (finding->related_count > shown) {
                buf_clear(&place);
                buf_printf(&place, "and %zu more", finding->related_count - shown);
                flow_piece(&flow, STR(" "), INK_PLAIN, buf_str(&place));
        }
        buf_add_char(buf, '\n');
}

/* Objects of a cluster are in no file that could be changed. */
static bool can_be_fixed(const struct finding *finding) {
        return finding->rule->has_fix && !str_starts(finding->location.file, STR("cluster:"));
}

/* "= Deployment shop/cart · explain: redoubt explain pods/privileged", and the field where there is
 * no source to show. */
static void add_object_line(struct buf *buf, const struct report_style *style, size_t gutter,
                            const struct finding *finding) {
        struct buf piece _cleanup_(buf_free) = BUF_INIT;
        struct flow flow = flow_begin(buf, style, gutter + 2, gutter + 2);
        struct str separator = separator_of(style);

        buf_add_repeat(buf, ' ', gutter);
        buf_add(buf, STR("= "));
        if (finding->resource.kind.len > 0 || finding->resource.name.len > 0) {
                text_add_object(&piece, &finding->resource);
                flow_piece(&flow, separator, INK_STRONG, buf_str(&piece));
        }
        if (finding->owner.kind.len > 0) {
                buf_clear(&piece);
                buf_add(&piece, STR("made by "));
                text_add_object(&piece, &finding->owner);
                flow_piece(&flow, separator, INK_STRONG, buf_str(&piece));
        }
        if (finding->declared.file.len > 0) {
                buf_clear(&piece);
                buf_add(&piece, STR("declared at "));
                text_add_place(&piece, finding->declared.file, finding->declared.start);
                flow_piece(&flow, separator, INK_STRONG, buf_str(&piece));
        }
        if (finding->frame.count == 0 && finding->location.path.len > 0)
                flow_piece(&flow, separator, INK_PLAIN, finding->location.path);
        buf_clear(&piece);
        buf_add(&piece, STR("explain: redoubt explain "));
        buf_add(&piece, finding->rule->id);
        flow_piece(&flow, separator, INK_PLAIN, buf_str(&piece));
        if (can_be_fixed(finding)) {
                buf_clear(&piece);
                buf_add(&piece, STR("change: redoubt fix --rule "));
                buf_add(&piece, finding->rule->id);
                flow_piece(&flow, separator, INK_PLAIN, buf_str(&piece));
        }
        buf_add_char(buf, '\n');
}

/* --- the other places of a group --- */

static size_t place_cells(struct buf *scratch, const struct finding *finding) {
        buf_clear(scratch);
        text_add_place(scratch, finding->location.file, finding->location.start);
        return text_cells(buf_str(scratch));
}

/* "location  object", and the message where it is another than that of the finding shown above. */
static void add_place(struct buf *buf, const struct report_style *style, size_t indent,
                      size_t aligned, const struct finding *finding, const struct finding *above) {
        struct buf scratch _cleanup_(buf_free) = BUF_INIT;
        size_t cells = place_cells(&scratch, finding), column;
        bool other_message = !str_eq(finding->message, above->message);
        struct flow flow;

        buf_add_repeat(buf, ' ', indent);
        buf_add(buf, buf_str(&scratch));
        buf_add_repeat(buf, ' ', aligned - MIN(cells, aligned));
        column = indent + MAX(cells, aligned);
        flow = flow_begin(buf, style, column, indent + 2);
        flow.started = true;
        buf_clear(&scratch);
        text_add_object(&scratch, &finding->resource);
        buf_add(&scratch, other_message ? STR(":") : STR(""));
        flow_piece(&flow, STR("  "), INK_PLAIN, buf_str(&scratch));
        if (other_message)
                flow_words(&flow, INK_PLAIN, finding->message);
        buf_add_char(buf, '\n');
}

static void add_places(struct out *out, const struct report_style *style, size_t gutter,
                       const struct finding_group *group) {
        struct buf scratch _cleanup_(buf_free) = BUF_INIT;
        size_t others = group->count - 1, shown = style->all ? others : MIN(others, places_shown);
        size_t aligned = 0, indent = gutter + 4;

        if (others == 0)
                return;
        for (size_t i = 1; i <= shown; i++)
                aligned = MAX(aligned, place_cells(&scratch, group->items[i]));
        aligned = MIN(aligned, (size_t)WIDEST_PLACE);
        buf_add_repeat(&out->buf, ' ', gutter);
        buf_add(&out->buf, STR("= "));
        ink_begin(&out->buf, style, INK_STRONG);
        buf_printf(&out->buf, "also in ");
        text_add_count(&out->buf, others, "other place");
        ink_end(&out->buf, style, INK_STRONG);
        buf_add(&out->buf, STR(":\n"));
        for (size_t i = 1; i <= shown; i++) {
                add_place(&out->buf, style, indent, aligned, group->items[i], group->items[0]);
                out_spill(out);
        }
        if (others > shown) {
                buf_add_repeat(&out->buf, ' ', indent);
                buf_printf(&out->buf, "and %zu more: -o table lists them\n", others - shown);
        }
}

static void write_group(struct out *out, const struct report_style *style,
                        const struct finding_group *group) {
        const struct finding *finding = group->items[0];
        size_t gutter = frame_gutter(finding);

        add_header(&out->buf, style, finding);
        frame_add(&out->buf, style, finding);
        add_note(&out->buf, style, gutter, "why", finding->rule->why);
        add_fix(&out->buf, style, gutter, finding->rule->remedy);
        add_related(&out->buf, style, gutter, finding);
        add_object_line(&out->buf, style, gutter, finding);
        add_places(out, style, gutter, group);
        buf_add_char(&out->buf, '\n');
        out_spill(out);
}

void write_text(struct out *out, const struct report *report, const struct report_style *style) {
        struct finding_groups groups _cleanup_(finding_groups_free) = { 0 };
        struct finding_counts counts _cleanup_(finding_counts_free) = { 0 };

        finding_groups_init(report->list, &groups);
        finding_counts_init(&groups, &counts);
        for (size_t i = 0; i < groups.count; i++)
                write_group(out, style, &groups.groups[i]);
        write_diagnostics(out, report, style, style->all ? SIZE_MAX : DIAGNOSTICS_SHOWN);
        write_summary(out, report, style, &counts);
        controls_write_text(out, report, style);
}
