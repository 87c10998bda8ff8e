/*
 * Laying out text for terminals: colours, widths in cells, wrapping by words.
 *
 * Everything here takes text as it came from the input and escapes it on the way to the buffer, so
 * that no caller can forget to. Widths are terminal cells, not bytes or characters.
 *
 * Colours are few and chosen to be readable on dark and on light backgrounds: red, magenta, bold
 * and faint. Yellow, cyan, green and blue each vanish on one of the two.
 */
#pragma once

#include "report/report.h"

enum ink {
        INK_PLAIN,
        INK_STRONG,
        INK_FAINT,
        INK_CRITICAL,
        INK_HIGH,
        INK_MEDIUM,
        INK_LOW,
        INK_COUNT
};

enum ink ink_of(enum severity severity);
void ink_begin(struct buf *buf, const struct report_style *style, enum ink ink);
void ink_end(struct buf *buf, const struct report_style *style, enum ink ink);

/* S escaped and in colour. */
void ink_add(struct buf *buf, const struct report_style *style, enum ink ink, struct str s);

/* The cells that S takes, which must be escaped already and hold no colours. */
size_t text_cells(struct str s);

/* The cells that S takes once it is escaped. */
size_t text_cells_escaped(struct str s);

/* The width to wrap prose at: that of the style, but no line longer than people like to read.
 * SIZE_MAX: do not wrap. */
size_t text_width(const struct report_style *style);

/*
 * A paragraph in the making: pieces that are never broken, wrapped at the width.
 *
 *     struct flow flow = flow_begin(buf, style, column, hang);
 *     flow_piece(&flow, STR(" · "), INK_PLAIN, STR("41 objects"));
 *
 * COLUMN is where the cursor stands, HANG the indentation of the lines that follow. The separator
 * is written before a piece that is not the first; at the end of a line its white space is dropped.
 */
struct flow {
        struct buf *buf;
        const struct report_style *style;
        size_t width, column, hang;
        bool started; /* something stands on this line to which a separator is due */
};

struct flow flow_begin(struct buf *buf, const struct report_style *style, size_t column,
                       size_t hang);
void flow_piece(struct flow *flow, struct str separator, enum ink ink, struct str piece);

/* The words of PROSE (white space of any kind and amount separates them). */
void flow_words(struct flow *flow, enum ink ink, struct str prose);

/* " · " or ", ". */
struct str separator_of(const struct report_style *style);

/* "…" or "...". */
struct str ellipsis_of(const struct report_style *style);

/* S cut to at most CELLS cells, with an ellipsis where something was left out: at the end, or, with
 * KEEP_END, at the beginning. S must be escaped already. */
void text_add_cut(struct buf *buf, const struct report_style *style, struct str s, size_t cells,
                  bool keep_end);

/* "1 object", "2 objects": NOUN in the singular, its plural made with "s". */
void text_add_count(struct buf *buf, size_t count, const char *noun);

/* "file:line:col" with what is known of it, escaped; "-" where not even the file is. */
void text_add_place(struct buf *buf, struct str file, struct doc_pos pos);

/* "Deployment shop/cart", "Namespace shop", escaped; "-" where there is no object. */
void text_add_object(struct buf *buf, const struct resource_ref *resource);
