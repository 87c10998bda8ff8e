#include <errno.h>

#include "base/util.h"
#include "base/vec.h"
#include "doc/change.h"
#include "doc/edit.h"
#include "doc/rewrite.h"
#include "harden/private.h"

/* --- documents --- */

static int read_document(struct arena *arena, struct str name, struct str text, struct doc **ret,
                         struct error *error) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        int r = doc_source_init(arena, name, text, source, error);

        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_AUTO, &doc_default_limits);
        r = doc_read(&reader, arena, ret, error);
        return r == 0 ? error_set(error, -ENOTSUP, "it holds no document") : r;
}

/* What is around the document in its text stays: other documents, a line break behind JSON. */
static int change_document(struct arena *arena, const struct doc *doc,
                           const struct doc_change *change, struct str *ret, struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *wanted;
        struct str text = doc->source->text;
        int r = doc_apply_change(arena, doc->root, change, &wanted, error);

        buf_add(&buf, str_slice(text, 0, doc->text_start));
        if (r >= 0)
                r = doc_rewrite(doc, wanted, &buf, error);
        buf_add(&buf, str_slice(text, doc->text_end, text.len));
        if (r >= 0)
                *ret = arena_str(arena, buf_str(&buf));
        return r;
}

int edit_set_field(struct arena *arena, struct str name, struct str text, struct str field,
                   struct str value, struct str *ret, struct error *error) {
        struct doc_step *steps = arena_new_array(arena, field.len + 1, struct doc_step);
        struct doc_change change = { .kind = DOC_CHANGE_SET, .steps = steps };
        struct doc *doc, *parsed;
        int r = read_document(arena, name, text, &doc, error);

        if (r >= 0)
                r = read_document(arena, STR("value"), value, &parsed, error);
        if (r < 0)
                return r;
        while (str_split(&field, '.', &steps[change.step_count].key))
                change.step_count++;
        change.value = parsed->root;
        return change_document(arena, doc, &change, ret, error);
}

/* --- flags of static pods --- */

/* Whether WORD runs PROGRAM: its name, or a path that ends with it. */
static bool is_program(struct str word, struct str program) {
        size_t at = word.len - MIN(word.len, program.len);

        return str_ends(word, program) && (at == 0 || word.ptr[at - 1] == '/');
}

static bool holds_program(const struct doc_node *list, struct str program) {
        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                if (is_program(doc_string(&list->list.items[i], STR("")), program))
                        return true;
        return false;
}

/* The list of words in which flags of PROGRAM are: the command, or the arguments behind it. */
static const struct doc_node *flag_list(const struct doc_node *root, struct str program) {
        const struct doc_node *containers = doc_find(root, "spec", "containers");

        for (uint32_t i = 0;
             containers && containers->kind == DOC_LIST && i < containers->list.count; i++) {
                const struct doc_node *container = &containers->list.items[i];
                const struct doc_node *command = doc_get(container, STR("command"));
                const struct doc_node *arguments = doc_get(container, STR("args"));

                if (!holds_program(command, program) && !holds_program(arguments, program))
                        continue;
                return arguments && arguments->kind == DOC_LIST && arguments->list.count > 0
                               ? arguments
                               : command;
        }
        return NULL;
}

/* The value of WORD where it is --NAME=VALUE. */
static bool is_flag(struct str word, struct str name, struct str *ret_value) {
        if (!str_starts(word, STR("--")) || !str_starts(str_slice(word, 2, word.len), name))
                return false;
        *ret_value = str_slice(word, 2 + name.len, word.len);
        if (ret_value->len == 0)
                return true;
        if (ret_value->ptr[0] != '=')
                return false;
        *ret_value = str_slice(*ret_value, 1, ret_value->len);
        return true;
}

static const struct doc_node *find_flag(const struct doc_node *list, struct str name,
                                        struct str *ret_value) {
        const struct doc_node *found = NULL;
        struct str value;

        /* Of a flag that is given twice the last one counts. */
        for (uint32_t i = 0; i < list->list.count; i++)
                if (is_flag(doc_string(&list->list.items[i], STR("")), name, &value)) {
                        found = &list->list.items[i];
                        *ret_value = value;
                }
        return found;
}

/* LIST, separated by commas, with WORD in it, or without. */
static struct str change_words(struct arena *arena, struct str list, struct str word, bool wanted) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct str part;
        bool there = false;

        while (str_split(&list, ',', &part)) {
                part = str_trim(part);
                if (part.len == 0 || (str_eq(part, word) && (!wanted || there)))
                        continue;
                there = there || str_eq(part, word);
                buf_printf(&buf, "%s%.*s", buf.len > 0 ? "," : "", STR_ARG(part));
        }
        if (wanted && !there)
                buf_printf(&buf, "%s%.*s", buf.len > 0 ? "," : "", STR_ARG(word));
        return arena_str(arena, buf_str(&buf));
}

/* The whole flag as it should be; empty: it should not be there. */
static struct str wanted_flag(struct arena *arena, enum edit_flag what, struct str name,
                              struct str now, struct str value) {
        if (what != EDIT_FLAG_SET)
                value = change_words(arena, now, value, what == EDIT_FLAG_ADD);
        if (what == EDIT_FLAG_DROP && value.len == 0)
                return STR("");
        return arena_printf(arena, "--%.*s=%.*s", STR_ARG(name), STR_ARG(value));
}

/* LIST without ITEM, or with WORD in its place; without ITEM, WORD is added. */
static void fill_change(struct arena *arena, const struct doc *doc, const struct doc_node *list,
                        const struct doc_node *item, struct str word, struct doc_change *ret) {
        struct doc_node *value = arena_new(arena, struct doc_node);

        *value = doc_text(word);
        ret->kind = item ? (word.len > 0 ? DOC_CHANGE_SET : DOC_CHANGE_REMOVE) : DOC_CHANGE_APPEND;
        ret->steps = doc_steps_to(arena, doc->root, item ? item : list, &ret->step_count);
        ret->value = word.len > 0 ? value : NULL;
}

/* Where ITEM begins in TEXT, if its line holds it as it is: bare, up to the end or a comment. -1
 * where it does not. */
static ptrdiff_t bare_at(struct str text, const struct doc_node *item, size_t *ret_line) {
        struct str value = doc_string(item, STR(""));
        size_t line = 0, at;

        for (uint32_t number = 1; number < item->start.line; number++) {
                const char *end = memchr(text.ptr + line, '\n', text.len - line);

                if (!end)
                        return -1;
                line = (size_t)(end - text.ptr) + 1;
        }
        at = line + item->start.column - 1;
        if (value.len == 0 || at + value.len > text.len ||
            !str_starts(str_slice(text, at, text.len), value))
                return -1;
        if (at + value.len < text.len && !strchr(" \r\n", text.ptr[at + value.len]))
                return -1;
        *ret_line = line;
        return (ptrdiff_t)at;
}

/* TEXT with WORD in the place of ITEM, or, with APPEND, in a line like it behind it. Empty where
 * the text is not written so that this could be right; whether it is, is for the caller to see. */
static struct str splice(struct arena *arena, struct str text, const struct doc_node *item,
                         struct str word, bool append) {
        size_t line, value = doc_string(item, STR("")).len;
        ptrdiff_t at = bare_at(text, item, &line);
        const char *end;
        size_t next;

        if (at < 0)
                return STR("");
        if (!append)
                return arena_printf(arena, "%.*s%.*s%.*s", (int)at, text.ptr, STR_ARG(word),
                                    STR_ARG(str_slice(text, (size_t)at + value, text.len)));
        end = memchr(text.ptr + at, '\n', text.len - (size_t)at);
        next = end ? (size_t)(end - text.ptr) + 1 : text.len;
        return arena_printf(arena, "%.*s%s%.*s%.*s\n%.*s", (int)next, text.ptr, end ? "" : "\n",
                            (int)((size_t)at - line), text.ptr + line, STR_ARG(word),
                            STR_ARG(str_slice(text, next, text.len)));
}

/* The same as change_document for one flag: as a person would write it where that gives the same
 * tree, which is where words are bare, one a line. */
static int change_flag(struct arena *arena, const struct doc *doc, const struct doc_node *list,
                       const struct doc_node *item, struct str word,
                       const struct doc_change *change, struct str *ret, struct error *error) {
        const struct doc_node *near = item;
        const struct doc_node *wanted;
        struct doc *again;
        struct str text;

        if (!near && list->list.count > 0)
                near = &list->list.items[list->list.count - 1];
        if (near && word.len > 0 &&
            doc_apply_change(arena, doc->root, change, &wanted, error) >= 0) {
                text = splice(arena, doc->source->text, near, word, !item);
                if (text.len > 0 &&
                    read_document(arena, doc->source->name, text, &again, error) > 0 &&
                    doc_same(again->root, wanted)) {
                        *ret = text;
                        return 0;
                }
        }
        return change_document(arena, doc, change, ret, error);
}

int edit_flag(struct arena *arena, struct str name_of_file, struct str text, struct str program,
              enum edit_flag what, struct str name, struct str value, struct str *ret,
              struct error *error) {
        const struct doc_node *list, *item;
        struct doc_change change = { 0 };
        struct str now = STR(""), word;
        struct doc *doc;
        int r = read_document(arena, name_of_file, text, &doc, error);

        if (r < 0)
                return r;
        list = flag_list(doc->root, program);
        if (!list || list->kind != DOC_LIST)
                return error_set(error, -ENOTSUP, "no container runs %.*s", STR_ARG(program));
        item = find_flag(list, name, &now);
        word = wanted_flag(arena, what, name, now, value);
        *ret = text;
        if (!item && word.len == 0)
                return 0;
        if (item && str_eq(doc_string(item, STR("")), word))
                return 0;
        fill_change(arena, doc, list, item, word, &change);
        return change_flag(arena, doc, list, item, word, &change, ret, error);
}

/* --- lines --- */

static bool equal_ignoring_case(struct str a, struct str b) {
        return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* The first word of LINE, as sshd_config parts them: white space, or an equals sign. */
static struct str first_word(struct str line) {
        size_t end = 0;

        line = str_trim(line);
        while (end < line.len && !strchr(" \t=", line.ptr[end]))
                end++;
        return str_slice(line, 0, end);
}

/* TEXT with a line break at its end, unless it is empty. */
static void add_whole(struct buf *buf, struct str text) {
        buf_add(buf, text);
        if (text.len > 0 && text.ptr[text.len - 1] != '\n')
                buf_add_char(buf, '\n');
}

struct str edit_sshd(struct arena *arena, struct str text, struct str option, struct str value) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT, head _cleanup_(buf_free) = BUF_INIT;
        struct str rest = text, line;
        bool global = true, done = false;

        while (str_split(&rest, '\n', &line)) {
                struct str word = first_word(line);

                if (equal_ignoring_case(word, STR("Match")))
                        global = false;
                if (global && equal_ignoring_case(word, option)) {
                        buf_printf(&buf, "%.*s %.*s", STR_ARG(option), STR_ARG(value));
                        done = true;
                } else
                        buf_add(&buf, line);
                if (rest.ptr)
                        buf_add_char(&buf, '\n');
        }
        if (!done)
                buf_printf(&head, "%.*s %.*s\n", STR_ARG(option), STR_ARG(value));
        buf_add(&head, buf_str(&buf));
        return arena_str(arena, buf_str(&head));
}

struct str edit_sysctl(struct arena *arena, struct str text, struct str name, struct str value) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT, whole _cleanup_(buf_free) = BUF_INIT;
        struct str rest, line;
        bool done = false;

        add_whole(&whole, text);
        rest = buf_str(&whole);
        while (rest.len > 0 && str_split(&rest, '\n', &line)) {
                if (str_eq(first_word(line), name)) {
                        buf_printf(&buf, "%.*s = %.*s\n", STR_ARG(name), STR_ARG(value));
                        done = true;
                } else {
                        buf_add(&buf, line);
                        buf_add_char(&buf, '\n');
                }
        }
        if (!done)
                buf_printf(&buf, "%.*s = %.*s\n", STR_ARG(name), STR_ARG(value));
        return arena_str(arena, buf_str(&buf));
}
