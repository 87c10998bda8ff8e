#include "cmd/table.h"

#include "base/utf8.h"
#include "base/util.h"
#include "base/vec.h"

enum { GAP = 2, WIDEST_COLUMN = 80 };

void table_add_cells(struct arena *arena, struct table *table, const struct str *cells) {
        for (size_t i = 0; i < table->columns; i++) {
                struct buf text _cleanup_(buf_free) = BUF_INIT;

                buf_add_terminal(&text, cells[i]);
                *vec_push_in(arena, table) = arena_str(arena, buf_str(&text));
        }
}

/* One huge cell does not pad all the others. */
static size_t column_width(const struct table *table, size_t column) {
        size_t width = 0;

        for (size_t i = column; i < table->count; i += table->columns) {
                size_t cell = utf8_count(table->items[i]);

                if (cell <= WIDEST_COLUMN)
                        width = MAX(width, cell);
        }
        return width;
}

void table_write(struct buf *buf, const struct table *table) {
        size_t *widths _cleanup_free_ = xrealloc(NULL, table->columns, sizeof *widths);

        for (size_t k = 0; k + 1 < table->columns; k++)
                widths[k] = column_width(table, k);
        for (size_t i = 0; i < table->count; i++) {
                size_t k = i % table->columns, cell = utf8_count(table->items[i]);

                buf_add(buf, table->items[i]);
                if (k + 1 < table->columns)
                        buf_add_repeat(buf, ' ', MAX(widths[k], cell) - cell + GAP);
                else
                        buf_add_char(buf, '\n');
        }
}
