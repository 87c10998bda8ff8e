/*
 * The longest common subsequence of lines, by a table. What is alike at the ends of both texts does
 * not enter the table; beyond its limit the rest counts as replaced.
 */
#include "base/diff.h"

#include "base/util.h"
#include "base/vec.h"

enum { CONTEXT = 3, TABLE_MAX = 16 << 20 };

struct lines {
        VEC(struct str) items;
};

/* A run of lines that are alike, or of which one text has each. */
struct change {
        size_t before, after;             /* the first line in each */
        size_t before_count, after_count; /* how many are removed, added */
};

struct diff {
        struct lines before, after;
        VEC(struct change) changes;
};

static void split(struct lines *lines, struct str text) {
        struct str line;

        while (str_split(&text, '\n', &line))
                if (text.len > 0 || line.len > 0)
                        *vec_push(&lines->items) = line;
}

static void diff_free(struct diff *diff) {
        vec_free(&diff->before.items);
        vec_free(&diff->after.items);
        vec_free(&diff->changes);
}

static bool alike(const struct diff *diff, size_t before, size_t after) {
        return str_eq(diff->before.items.items[before], diff->after.items.items[after]);
}

/* Notes that line BEFORE is removed (or not), and AFTER added (or not). */
static void add_change(struct diff *diff, size_t before, bool removed, size_t after, bool added) {
        struct change *last =
                diff->changes.count ? &diff->changes.items[diff->changes.count - 1] : NULL;

        if (!last || last->before + last->before_count != before ||
            last->after + last->after_count != after) {
                last = vec_push(&diff->changes);
                *last = (struct change){ .before = before, .after = after };
        }
        last->before_count += removed;
        last->after_count += added;
}

/* Walks through the table of the lengths of common subsequences of what is left of both texts. */
static void compare(struct diff *diff, size_t first, size_t rows, size_t columns) {
        _cleanup_free_ uint32_t *table = xrealloc(NULL, (rows + 1) * (columns + 1), sizeof *table);
        size_t width = columns + 1, i = 0, j = 0;

        memset(table, 0, (rows + 1) * width * sizeof *table);
        for (size_t r = rows; r-- > 0;)
                for (size_t c = columns; c-- > 0;)
                        table[r * width + c] =
                                alike(diff, first + r, first + c)
                                        ? table[(r + 1) * width + c + 1] + 1
                                        : MAX(table[(r + 1) * width + c], table[r * width + c + 1]);
        while (i < rows || j < columns) {
                if (i < rows && j < columns && alike(diff, first + i, first + j)) {
                        i++;
                        j++;
                } else if (i < rows && (j == columns ||
                                        table[(i + 1) * width + j] >= table[i * width + j + 1])) {
                        add_change(diff, first + i++, true, first + j, false);
                } else {
                        add_change(diff, first + i, false, first + j++, true);
                }
        }
}

static void find_changes(struct diff *diff) {
        size_t rows = diff->before.items.count, columns = diff->after.items.count, first = 0;

        while (first < rows && first < columns && alike(diff, first, first))
                first++;
        while (rows > first && columns > first && alike(diff, rows - 1, columns - 1)) {
                rows--;
                columns--;
        }
        rows -= first;
        columns -= first;
        if (rows + 1 > TABLE_MAX / (columns + 1))
                *vec_push(&diff->changes) = (struct change){ first, first, rows, columns };
        else
                compare(diff, first, rows, columns);
}

static void add_lines(struct buf *buf, char sign, const struct lines *lines, size_t from,
                      size_t count) {
        for (size_t i = 0; i < count; i++) {
                buf_add_char(buf, sign);
                buf_add(buf, lines->items.items[from + i]);
                buf_add_char(buf, '\n');
        }
}

/* The first change that is too far from FROM to stand in one hunk with it, or with those between.
 */
static size_t hunk_end(const struct diff *diff, size_t from) {
        size_t end = from + 1;

        while (end < diff->changes.count &&
               diff->changes.items[end].before - (diff->changes.items[end - 1].before +
                                                  diff->changes.items[end - 1].before_count) <=
                       2 * CONTEXT)
                end++;
        return end;
}

static void add_hunk(struct buf *buf, const struct diff *diff, size_t from, size_t end) {
        const struct change *changes = diff->changes.items, *last = &changes[end - 1];
        size_t lead = MIN(changes[from].before, (size_t)CONTEXT);
        size_t at = changes[from].before - lead, after = changes[from].after - lead;
        size_t tail_at = last->before + last->before_count;
        size_t tail = MIN(diff->before.items.count - tail_at, (size_t)CONTEXT);
        size_t before_count = tail_at + tail - at;
        size_t after_count = last->after + last->after_count + tail - after;

        buf_printf(buf, "@@ -%zu,%zu +%zu,%zu @@\n", before_count ? at + 1 : at, before_count,
                   after_count ? after + 1 : after, after_count);
        for (size_t i = from; i < end; i++) {
                add_lines(buf, ' ', &diff->before, at, changes[i].before - at);
                add_lines(buf, '-', &diff->before, changes[i].before, changes[i].before_count);
                add_lines(buf, '+', &diff->after, changes[i].after, changes[i].after_count);
                at = changes[i].before + changes[i].before_count;
        }
        add_lines(buf, ' ', &diff->before, at, tail);
}

void diff_unified(struct buf *buf, struct str before_name, struct str before, struct str after_name,
                  struct str after) {
        struct diff diff _cleanup_(diff_free) = { 0 };

        split(&diff.before, before);
        split(&diff.after, after);
        find_changes(&diff);
        if (diff.changes.count == 0)
                return;
        buf_printf(buf, "--- %.*s\n+++ %.*s\n", STR_ARG(before_name), STR_ARG(after_name));
        for (size_t i = 0, end; i < diff.changes.count; i = end) {
                end = hunk_end(&diff, i);
                add_hunk(buf, &diff, i, end);
        }
}
