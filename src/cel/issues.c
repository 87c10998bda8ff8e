#include "cel/issues.h"

#include <errno.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "base/vec.h"

/* A longer line is not shown. */
enum { SNIPPET_MAX = 16384 };

void cel_issues_add(struct cel_issues *issues, struct doc_pos pos, const char *format, ...) {
        struct cel_issue *issue;
        va_list args;

        if (++issues->total > CEL_MAX_ISSUES)
                return;
        issue = vec_push_in(issues->arena, issues);
        issue->pos = pos;
        va_start(args, format);
        issue->message = arena_vprintf(issues->arena, format, args);
        va_end(args);
}

void cel_issues_explain(struct cel_issues *issues, struct str detail) {
        if (issues->total == issues->count)
                issues->items[issues->count - 1].detail = arena_str(issues->arena, detail);
}

static bool before(struct doc_pos a, struct doc_pos b) {
        return a.line < b.line || (a.line == b.line && a.column < b.column);
}

void cel_issues_sort(struct cel_issues *issues) {
        for (size_t i = 1; i < issues->count; i++) {
                struct cel_issue issue = issues->items[i];
                size_t at = i;

                for (; at > 0 && before(issue.pos, issues->items[at - 1].pos); at--)
                        issues->items[at] = issues->items[at - 1];
                issues->items[at] = issue;
        }
}

int cel_issues_first(struct cel_issues *issues, struct error *error) {
        const struct cel_issue *first;

        cel_issues_sort(issues);
        first = &issues->items[0];
        return error_set_at(error, -EINVAL, first->pos.line, first->pos.column, "%.*s%s%.*s",
                            STR_ARG(first->message), first->detail.len > 0 ? ": " : "",
                            STR_ARG(first->detail));
}

/* --- as Kubernetes writes them --- */

/* Line NUMBER (from 1) of TEXT. */
static struct str line_of(struct str text, uint32_t number) {
        ptrdiff_t end;

        for (; number > 1; number--) {
                end = str_find(text, STR("\n"), 0);
                if (end < 0)
                        return (struct str){ 0 };
                text = str_slice(text, (size_t)end + 1, text.len);
        }
        end = str_find(text, STR("\n"), 0);
        return end < 0 ? text : str_slice(text, 0, (size_t)end);
}

/* The dots before the caret, and the caret, are wide under characters of more than one byte. */
static void add_caret(struct buf *buf, struct str line, uint32_t column) {
        size_t at = 0, from;

        for (uint32_t i = 1; i < column && at < line.len; i++) {
                from = at;
                (void)utf8_next(line, &at);
                buf_add(buf, at - from > 1 ? STR("\uff0e") : STR("."));
        }
        from = at;
        if (at < line.len)
                (void)utf8_next(line, &at);
        buf_add(buf, at - from > 1 ? STR("\uff3e") : STR("^"));
}

static void add_issue(struct buf *buf, const struct cel_issue *issue, struct str expression) {
        struct str line = line_of(expression, issue->pos.line);

        buf_printf(buf, "ERROR: <input>:%u:%u: ", issue->pos.line, issue->pos.column);
        buf_add(buf, issue->message);
        if (expression.len == 0 || line.len > SNIPPET_MAX)
                return;
        buf_add(buf, STR("\n | "));
        for (size_t i = 0; i < line.len; i++)
                buf_add_char(buf, line.ptr[i] == '\t' ? ' ' : line.ptr[i]);
        buf_add(buf, STR("\n | "));
        add_caret(buf, line, issue->pos.column);
}

struct str cel_issues_text(struct cel_issues *issues, struct str expression) {
        _cleanup_(buf_free) struct buf buf = BUF_INIT;

        cel_issues_sort(issues);
        for (size_t i = 0; i < issues->count; i++) {
                if (i > 0)
                        buf_add_char(&buf, '\n');
                add_issue(&buf, &issues->items[i], expression);
        }
        if (issues->total > issues->count)
                buf_printf(&buf, "\n%zu more errors were truncated", issues->total - issues->count);
        return arena_str(issues->arena, buf_str(&buf));
}
