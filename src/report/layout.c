#include "report/layout.h"

#include "base/utf8.h"

enum { READABLE_WIDTH = 120, NARROWEST = 20 };

static const char *const ink_codes[INK_COUNT] = {
        [INK_PLAIN] = "",        [INK_STRONG] = "\x1b[1m",
        [INK_FAINT] = "\x1b[2m", [INK_CRITICAL] = "\x1b[1;31m",
        [INK_HIGH] = "\x1b[31m", [INK_MEDIUM] = "\x1b[35m",
        [INK_LOW] = "\x1b[1m",
};

enum ink ink_of(enum severity severity) {
        switch (severity) {
        case SEVERITY_CRITICAL:
                return INK_CRITICAL;
        case SEVERITY_HIGH:
                return INK_HIGH;
        case SEVERITY_MEDIUM:
                return INK_MEDIUM;
        default:
                return INK_LOW;
        }
}

void ink_begin(struct buf *buf, const struct report_style *style, enum ink ink) {
        if (style->colour)
                buf_add(buf, str_from(ink_codes[ink]));
}

void ink_end(struct buf *buf, const struct report_style *style, enum ink ink) {
        if (style->colour && ink != INK_PLAIN)
                buf_add(buf, STR("\x1b[0m"));
}

void ink_add(struct buf *buf, const struct report_style *style, enum ink ink, struct str s) {
        if (s.len == 0)
                return;
        ink_begin(buf, style, ink);
        buf_add_terminal(buf, s);
        ink_end(buf, style, ink);
}

size_t text_cells(struct str s) {
        size_t cells = 0;

        for (size_t i = 0; i < s.len;) {
                int32_t code = utf8_next(s, &i);

                cells += code < 0 ? 1 : (size_t)utf8_width(code);
        }
        return cells;
}

size_t text_cells_escaped(struct str s) {
        struct buf escaped _cleanup_(buf_free) = BUF_INIT;
        size_t plain = 0;

        while (plain < s.len && s.ptr[plain] >= 0x20 && s.ptr[plain] < 0x7f)
                plain++;
        if (plain == s.len)
                return plain;
        buf_add_terminal(&escaped, s);
        return text_cells(buf_str(&escaped));
}

size_t text_width(const struct report_style *style) {
        if (style->width == 0)
                return SIZE_MAX;
        return MAX(MIN(style->width, (size_t)READABLE_WIDTH), (size_t)NARROWEST);
}

struct flow flow_begin(struct buf *buf, const struct report_style *style, size_t column,
                       size_t hang) {
        return (struct flow){ buf, style, text_width(style), column, hang, false };
}

/* Ends the line. What is visible of SEPARATOR stays at its end where there is room. */
static void flow_break(struct flow *flow, struct str separator) {
        struct str visible = str_trim(separator);

        if (visible.len > 0 && flow->column + 1 + text_cells(visible) <= flow->width) {
                if (separator.ptr[0] == ' ')
                        buf_add_char(flow->buf, ' ');
                buf_add(flow->buf, visible);
        }
        buf_add_char(flow->buf, '\n');
        buf_add_repeat(flow->buf, ' ', flow->hang);
        flow->column = flow->hang;
}

void flow_piece(struct flow *flow, struct str separator, enum ink ink, struct str piece) {
        size_t cells = text_cells_escaped(piece), between = text_cells(separator);

        if (flow->started && flow->width - MIN(flow->width, flow->column) < between + cells)
                flow_break(flow, separator);
        else if (flow->started) {
                buf_add(flow->buf, separator);
                flow->column += between;
        }
        ink_add(flow->buf, flow->style, ink, piece);
        flow->column += cells;
        flow->started = true;
}

static bool is_white(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void flow_words(struct flow *flow, enum ink ink, struct str prose) {
        size_t i = 0;

        ink_begin(flow->buf, flow->style, ink);
        while (i < prose.len) {
                size_t from;

                while (i < prose.len && is_white(prose.ptr[i]))
                        i++;
                from = i;
                while (i < prose.len && !is_white(prose.ptr[i]))
                        i++;
                if (i > from)
                        flow_piece(flow, STR(" "), INK_PLAIN, str_slice(prose, from, i));
        }
        ink_end(flow->buf, flow->style, ink);
}

struct str separator_of(const struct report_style *style) {
        return style->unicode ? STR(" · ") : STR(", ");
}

struct str ellipsis_of(const struct report_style *style) {
        return style->unicode ? STR("…") : STR("...");
}

/* The longest prefix of S that takes at most CELLS cells. Combining marks stay with their base. */
static size_t prefix_of(struct str s, size_t cells) {
        size_t used = 0, end = 0;

        for (size_t i = 0; i < s.len; end = i) {
                int32_t code = utf8_next(s, &i);

                used += code < 0 ? 1 : (size_t)utf8_width(code);
                if (used > cells)
                        break;
        }
        return end;
}

/* Where the longest suffix of S begins that takes at most CELLS cells. */
static size_t suffix_of(struct str s, size_t cells) {
        size_t total = text_cells(s), i = 0;

        while (i < s.len && total > cells) {
                int32_t code = utf8_next(s, &i);

                total -= code < 0 ? 1 : (size_t)utf8_width(code);
        }
        return i;
}

void text_add_cut(struct buf *buf, const struct report_style *style, struct str s, size_t cells,
                  bool keep_end) {
        struct str ellipsis = ellipsis_of(style);
        size_t room = text_cells(ellipsis);

        if (text_cells(s) <= cells) {
                buf_add(buf, s);
                return;
        }
        room = cells > room ? cells - room : 0;
        if (keep_end) {
                buf_add(buf, ellipsis);
                buf_add(buf, str_slice(s, suffix_of(s, room), s.len));
        } else {
                buf_add(buf, str_slice(s, 0, prefix_of(s, room)));
                buf_add(buf, ellipsis);
        }
}

void text_add_count(struct buf *buf, size_t count, const char *noun) {
        buf_printf(buf, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

void text_add_place(struct buf *buf, struct str file, struct doc_pos pos) {
        if (file.len == 0) {
                buf_add_char(buf, '-');
                return;
        }
        buf_add_terminal(buf, file);
        if (pos.line > 0)
                buf_printf(buf, ":%u", pos.line);
        if (pos.line > 0 && pos.column > 0)
                buf_printf(buf, ":%u", pos.column);
}

void text_add_object(struct buf *buf, const struct resource_ref *resource) {
        if (resource->kind.len == 0 && resource->name.len == 0) {
                buf_add_char(buf, '-');
                return;
        }
        buf_add_terminal(buf, resource->kind);
        if (resource->namespace.len == 0 && resource->name.len == 0)
                return;
        buf_add_char(buf, ' ');
        if (resource->namespace.len > 0) {
                buf_add_terminal(buf, resource->namespace);
                buf_add_char(buf, '/');
        }
        buf_add_terminal(buf, resource->name);
}
