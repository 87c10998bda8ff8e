#include "report/frame.h"

#include "base/utf8.h"
#include "report/layout.h"

enum { TAB = 4, LONGEST_ELLIPSIS = 3 };

/* The part of the lines that is shown, in cells. */
struct window {
        size_t from, to;
};

/* The spot to mark, in cells of its line. Empty where it lies beyond what we have of the line. */
struct spot {
        size_t from, to;
        uint32_t line;
};

/* Appends the next character of LINE to TEXT as the terminal shows it when the cursor stands at
 * cell AT, and returns how many cells that takes. */
static size_t add_glyph(struct buf *text, struct str line, size_t *offset, size_t at) {
        size_t from = *offset, start = text->len, cells;

        if (line.ptr[from] == '\t') {
                (*offset)++;
                cells = TAB - at % TAB;
                buf_add_repeat(text, ' ', cells);
                return cells;
        }
        utf8_next(line, offset);
        buf_add_terminal(text, str_slice(line, from, *offset));
        return text_cells(str_slice(buf_str(text), start, text->len));
}

/* The cell at which character number COLUMN (1-based) of LINE begins; *RET_BEYOND says how many
 * characters it is beyond the end. */
static size_t cell_of(struct str line, size_t column, size_t *ret_beyond) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        size_t cell = 0, offset = 0, at = 1;

        for (; at < column && offset < line.len; at++) {
                buf_clear(&text);
                cell += add_glyph(&text, line, &offset, cell);
        }
        *ret_beyond = column > at ? column - at : 0;
        return cell;
}

static size_t cells_of(struct str line) {
        size_t beyond;

        return cell_of(line, SIZE_MAX, &beyond);
}

static struct str trimmed_end(struct str line) {
        while (line.len > 0 && strchr(" \t\r", line.ptr[line.len - 1]) && line.ptr[line.len - 1])
                line.len--;
        return line;
}

/* A node that ends on a later line is marked to the end of its first. A value that is missing may
 * be placed one or two characters behind the end of its line ("key:"); farther out, the line was
 * cut before the spot, and there is nothing to mark. */
static struct spot find_spot(const struct finding *finding) {
        const struct finding_frame *frame = &finding->frame;
        struct doc_pos start = finding->location.start, end = finding->location.end;
        struct spot spot = { .line = start.line };
        struct str line;
        size_t beyond;

        if (start.line < frame->first_line || start.line - frame->first_line >= frame->count ||
            start.column == 0)
                return spot;
        line = frame->lines[start.line - frame->first_line];
        spot.from = cell_of(line, start.column, &beyond);
        if (beyond > 1)
                return (struct spot){ .line = start.line };
        spot.from += beyond;
        spot.to = spot.from;
        if (end.line > start.line)
                spot.to = cells_of(trimmed_end(line));
        else if (end.line == start.line && end.column > start.column)
                spot.to = cell_of(line, end.column, &beyond);
        spot.to = MAX(spot.to, spot.from + 1);
        return spot;
}

/* Everything where it fits; else the beginning of the lines where that shows the spot; else the
 * spot with a third of the room before it. */
static struct window find_window(const struct finding_frame *frame, struct spot spot, size_t room) {
        size_t longest = spot.to, from = 0;

        for (size_t i = 0; i < frame->count; i++)
                longest = MAX(longest, cells_of(trimmed_end(frame->lines[i])));
        if (longest <= room)
                return (struct window){ 0, longest };
        if (spot.to + LONGEST_ELLIPSIS > room)
                from = spot.from > room / 3 ? spot.from - room / 3 : 0;
        if (from + room > longest)
                from = longest - room;
        return (struct window){ from, from + room };
}

/* The part of LINE within WINDOW, with an ellipsis at each side where something is left out. */
static void add_line(struct buf *buf, const struct report_style *style, struct str line,
                     struct window window) {
        struct buf text _cleanup_(buf_free) = BUF_INIT, shown _cleanup_(buf_free) = BUF_INIT;
        size_t mark = text_cells(ellipsis_of(style)), total, cell = 0, offset = 0, from, to;

        line = trimmed_end(line);
        total = cells_of(line);
        from = window.from > 0 && total > 0 ? window.from + mark : window.from;
        to = total > window.to ? window.to - mark : window.to;
        if (from > window.from)
                buf_add(&shown, ellipsis_of(style));
        while (offset < line.len && cell <= to) { /* = : combining marks of the last character */
                size_t begin = cell;

                buf_clear(&text);
                cell += add_glyph(&text, line, &offset, cell);
                if (begin >= from && cell <= to)
                        buf_add(&shown, buf_str(&text));
                else if (cell > from) /* cut through a wide character or a tab */
                        buf_add_repeat(&shown, ' ', MIN(cell, to) - MAX(begin, from));
        }
        if (total > window.to)
                buf_add(&shown, ellipsis_of(style));
        buf_add(buf, trimmed_end(buf_str(&shown)));
}

size_t frame_gutter(const struct finding *finding) {
        size_t last = (size_t)finding->frame.first_line + finding->frame.count, digits = 1;

        for (last = last > 0 ? last - 1 : 0; last >= 10; last /= 10)
                digits++;
        return finding->frame.count > 0 ? MAX(digits, (size_t)2) : 2;
}

static struct str bar_of(const struct report_style *style) {
        return style->unicode ? STR("│") : STR("|");
}

static void add_bar(struct buf *buf, const struct report_style *style, size_t gutter) {
        buf_add_repeat(buf, ' ', gutter);
        ink_add(buf, style, INK_FAINT, bar_of(style));
}

static void add_mark(struct buf *buf, const struct report_style *style,
                     const struct finding *finding, struct spot spot, struct window window) {
        size_t from = MAX(spot.from, window.from), to = MIN(spot.to, window.to);
        enum ink ink = ink_of(finding->rule->severity);

        if (from >= to)
                return;
        add_bar(buf, style, frame_gutter(finding));
        buf_add_repeat(buf, ' ', 1 + from - window.from);
        ink_begin(buf, style, ink);
        buf_add_repeat(buf, '^', to - from);
        ink_end(buf, style, ink);
        buf_add_char(buf, '\n');
}

static void add_lines(struct buf *buf, const struct report_style *style,
                      const struct finding *finding) {
        const struct finding_frame *frame = &finding->frame;
        size_t gutter = frame_gutter(finding), used = gutter + 2;
        size_t room = style->width > 0 ? MAX(style->width, used + 20) - used : SIZE_MAX;
        struct spot spot = find_spot(finding);
        struct window window = find_window(frame, spot, room);

        for (size_t i = 0; i < frame->count; i++) {
                size_t start;

                ink_begin(buf, style, INK_FAINT);
                buf_printf(buf, "%*zu", (int)gutter, frame->first_line + i);
                buf_add(buf, bar_of(style));
                ink_end(buf, style, INK_FAINT);
                start = buf->len;
                buf_add_char(buf, ' ');
                add_line(buf, style, frame->lines[i], window);
                if (buf->len == start + 1) /* an empty line ends at the bar */
                        buf->len = start;
                buf_add_char(buf, '\n');
                if (frame->first_line + i == spot.line)
                        add_mark(buf, style, finding, spot, window);
        }
        add_bar(buf, style, gutter);
        buf_add_char(buf, '\n');
}

void frame_add(struct buf *buf, const struct report_style *style, const struct finding *finding) {
        const struct finding_location *location = &finding->location;
        size_t gutter = frame_gutter(finding);

        buf_add_repeat(buf, ' ', gutter);
        ink_add(buf, style, INK_FAINT, style->unicode ? STR("┌─") : STR("-->"));
        buf_add_char(buf, ' ');
        text_add_place(buf, location->file, location->start);
        buf_add_char(buf, '\n');
        if (finding->frame.count == 0)
                return;
        add_bar(buf, style, gutter);
        buf_add_char(buf, '\n');
        add_lines(buf, style, finding);
}
