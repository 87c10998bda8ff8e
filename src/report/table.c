/*
 * Tables: one finding a row, columns aligned.
 *
 * Rows are made twice, once to measure the columns and once to write them, so that the memory
 * needed does not depend on the number of findings. Where the terminal is too narrow the widest
 * columns give way first; a location keeps its end, which holds the line, everything else its
 * beginning. Where there is no terminal nothing is cut, but one huge cell does not pad all the
 * others: beyond WIDEST_COLUMN it sticks out, so that output stays in proportion to input.
 */
#include "report/write.h"

enum column { SEVERITY, RULE, OBJECT, LOCATION, MESSAGE, CONTROLS, COLUMN_COUNT };

enum { GAP = 2, NARROWEST_COLUMN = 12, WIDEST_COLUMN = 160 };

static const char *const titles[COLUMN_COUNT] = {
        [SEVERITY] = "SEVERITY", [RULE] = "RULE",       [OBJECT] = "OBJECT",
        [LOCATION] = "LOCATION", [MESSAGE] = "MESSAGE", [CONTROLS] = "CONTROLS",
};

struct table {
        const struct report_style *style;
        size_t columns; /* the first so many of enum column */
        size_t widths[COLUMN_COUNT];
        struct buf cell;
};

/* The text of a cell, escaped, until the next call. */
static struct str cell_text(struct table *table, const struct finding *finding,
                            enum column column) {
        struct buf *cell = &table->cell;
        const struct rule_info *rule = finding->rule;

        buf_clear(cell);
        switch (column) {
        case SEVERITY:
                buf_add(cell, str_from(severity_name(rule->severity)));
                break;
        case RULE:
                buf_add_terminal(cell, rule->id);
                break;
        case OBJECT:
                text_add_object(cell, &finding->resource);
                break;
        case LOCATION:
                text_add_place(cell, finding->location.file, finding->location.start);
                break;
        case MESSAGE:
                buf_add_terminal(cell, finding->message);
                break;
        default:
                for (size_t i = 0; i < rule->control_count; i++) {
                        buf_add(cell, i > 0 ? STR(" ") : STR(""));
                        buf_add_terminal(cell, rule->controls[i]);
                }
        }
        return buf_str(cell);
}

static void measure(struct table *table, const struct finding_groups *groups) {
        for (size_t column = 0; column < table->columns; column++)
                table->widths[column] = strlen(titles[column]);
        for (size_t i = 0; i < groups->total; i++)
                for (size_t column = 0; column < table->columns; column++) {
                        struct str text = cell_text(table, groups->items[i], (enum column)column);

                        table->widths[column] = MAX(table->widths[column], text_cells(text));
                        table->widths[column] = MIN(table->widths[column], (size_t)WIDEST_COLUMN);
                }
}

/* Takes away from the widest column until everything fits or nothing more can be taken. Severity
 * and rule are never cut: they are what one searches for. */
static void shrink(struct table *table) {
        size_t total = (table->columns - 1) * GAP;

        if (table->style->width == 0)
                return;
        for (size_t column = 0; column < table->columns; column++)
                total += table->widths[column];
        while (total > table->style->width) {
                size_t widest = OBJECT, second = NARROWEST_COLUMN, take;

                for (size_t column = OBJECT + 1; column < table->columns; column++)
                        if (table->widths[column] > table->widths[widest])
                                widest = column;
                if (table->widths[widest] <= NARROWEST_COLUMN)
                        return;
                for (size_t column = OBJECT; column < table->columns; column++)
                        if (column != widest)
                                second = MAX(second, table->widths[column]);
                take = MIN(total - table->style->width, MAX(table->widths[widest] - second, 1u));
                table->widths[widest] -= take;
                total -= take;
        }
}

/* No white space stands at the end of a row, not even where its last cells are empty. */
static void end_row(struct buf *buf) {
        while (buf->len > 0 && buf->data[buf->len - 1] == ' ')
                buf->len--;
        buf_add_char(buf, '\n');
}

static void add_cell(struct buf *buf, const struct table *table, size_t column, enum ink ink,
                     struct str text) {
        struct buf shown _cleanup_(buf_free) = BUF_INIT;
        size_t width = table->widths[column];
        bool cut = table->style->width > 0 && column >= OBJECT;

        text_add_cut(&shown, table->style, text, cut ? width : SIZE_MAX, column == LOCATION);
        ink_begin(buf, table->style, ink);
        buf_add(buf, buf_str(&shown));
        ink_end(buf, table->style, ink);
        if (column + 1 < table->columns)
                buf_add_repeat(buf, ' ', width - MIN(text_cells(buf_str(&shown)), width) + GAP);
        else
                end_row(buf);
}

static void write_rows(struct out *out, struct table *table, const struct finding_groups *groups) {
        for (size_t column = 0; column < table->columns; column++)
                add_cell(&out->buf, table, column, INK_STRONG, str_from(titles[column]));
        for (size_t i = 0; i < groups->total; i++) {
                const struct finding *finding = groups->items[i];

                for (size_t column = 0; column < table->columns; column++)
                        add_cell(&out->buf, table, column,
                                 column == SEVERITY ? ink_of(finding->rule->severity) : INK_PLAIN,
                                 cell_text(table, finding, (enum column)column));
                out_spill(out);
        }
        buf_add_char(&out->buf, '\n');
}

void write_table(struct out *out, const struct report *report, const struct report_style *style,
                 bool wide) {
        struct finding_groups groups _cleanup_(finding_groups_free) = { 0 };
        struct finding_counts counts _cleanup_(finding_counts_free) = { 0 };
        struct table table = { .style = style, .columns = wide ? COLUMN_COUNT : MESSAGE };

        finding_groups_init(report->list, &groups);
        finding_counts_init(&groups, &counts);
        if (groups.total > 0) {
                measure(&table, &groups);
                shrink(&table);
                write_rows(out, &table, &groups);
        }
        write_diagnostics(out, report, style, SIZE_MAX);
        write_summary(out, report, style, &counts);
        buf_free(&table.cell);
}
