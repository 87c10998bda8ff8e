#include "doc/rewrite.h"

#include <errno.h>

#include "base/utf8.h"
#include "base/util.h"
#include "base/vec.h"
#include "doc/tree.h"
#include "doc/write.h"

/* A part of the text and what comes in its place. */
struct cut {
        size_t from, to;
        struct str text;
        size_t order; /* of being made: several may insert at one place */
};

struct rewriter {
        struct arena arena;
        const struct doc *doc;
        struct str text; /* of the document */
        struct doc_lines lines;
        bool json;
        bool crlf;
        VEC(struct cut) cuts;
        struct error *error;
};

/* Where a value stands. */
struct place {
        bool flow;                     /* in a flow collection, or in JSON */
        const struct doc_entry *entry; /* of a map, whose value it is; NULL: an item, or the root */
        size_t indent;                 /* of the block around it */
};

/* --- comparing --- */

static bool same_maps(const struct doc_node *a, const struct doc_node *b) {
        if (a->map.count != b->map.count)
                return false;
        if (a->map.entries == b->map.entries)
                return true;
        for (uint32_t i = 0; i < a->map.count; i++) {
                const struct doc_entry *entry = &a->map.entries[i];
                const struct doc_node *other = doc_get_hashed(b, entry->key, entry->hash);

                if (!other || !doc_same(&entry->value, other))
                        return false;
        }
        return true;
}

static bool same_lists(const struct doc_node *a, const struct doc_node *b) {
        if (a->list.count != b->list.count)
                return false;
        if (a->list.items == b->list.items)
                return true;
        for (uint32_t i = 0; i < a->list.count; i++)
                if (!doc_same(&a->list.items[i], &b->list.items[i]))
                        return false;
        return true;
}

bool doc_same(const struct doc_node *a, const struct doc_node *b) {
        if (a->kind != b->kind)
                return false;
        switch (a->kind) {
        case DOC_NULL:
                return true;
        case DOC_BOOL:
                return a->boolean == b->boolean;
        case DOC_INT:
                return a->integer == b->integer;
        case DOC_DOUBLE:
                return a->number == b->number;
        case DOC_STRING:
                return str_eq(a->string, b->string);
        case DOC_LIST:
                return same_lists(a, b);
        default:
                return same_maps(a, b);
        }
}

/* --- places in the text --- */

static int refuse(struct rewriter *rewriter, const struct doc_node *at, const char *why) {
        int r = error_set_at(rewriter->error, -ENOTSUP, at->start.line, at->start.column,
                             "the text cannot be changed here: %s", why);

        error_set_file(rewriter->error, rewriter->doc->source->name);
        return r;
}

/* The byte at POS, or SIZE_MAX. */
static size_t offset_of(const struct rewriter *rewriter, struct doc_pos pos) {
        const struct doc_pos *start = &rewriter->doc->start;
        uint32_t first = pos.line == start->line ? start->column : 1, column;
        size_t at;

        if (pos.line < start->line || pos.column < first ||
            pos.line - start->line >= rewriter->lines.count)
                return SIZE_MAX;
        at = rewriter->lines.starts[pos.line - start->line];
        for (column = first; column < pos.column && at < rewriter->text.len; column++)
                utf8_next(rewriter->text, &at);
        return column == pos.column ? at : SIZE_MAX;
}

static size_t start_of(const struct rewriter *rewriter, const struct doc_node *node) {
        return offset_of(rewriter, node->start);
}

static size_t end_of(const struct rewriter *rewriter, const struct doc_node *node) {
        return offset_of(rewriter, node->end);
}

static bool is_break(char c) {
        return c == '\n' || c == '\r';
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static size_t line_start(struct str text, size_t at) {
        while (at > 0 && !is_break(text.ptr[at - 1]))
                at--;
        return at;
}

/* Behind the end of the line that AT is in. */
static size_t next_line(struct str text, size_t at) {
        while (at < text.len && !is_break(text.ptr[at]))
                at++;
        if (at < text.len && text.ptr[at] == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n')
                at++;
        return at < text.len ? at + 1 : at;
}

/* Whether nothing but blanks is between FROM and TO. */
static bool all_blank(struct str text, size_t from, size_t to) {
        for (; from < to; from++)
                if (!is_blank(text.ptr[from]))
                        return false;
        return true;
}

static bool ends_line(struct str text, size_t at) {
        while (at < text.len && is_blank(text.ptr[at]))
                at++;
        return at == text.len || is_break(text.ptr[at]);
}

/* Whether NODE is a list or map in brackets. Anchors and tags may stand before it. */
static bool is_flow(const struct rewriter *rewriter, const struct doc_node *node) {
        struct str text = rewriter->text;
        size_t at = start_of(rewriter, node);

        while (at < text.len && (text.ptr[at] == '&' || text.ptr[at] == '!')) {
                while (at < text.len && !is_blank(text.ptr[at]) && !is_break(text.ptr[at]))
                        at++;
                while (at < text.len && is_blank(text.ptr[at]))
                        at++;
        }
        return at < text.len && (text.ptr[at] == '{' || text.ptr[at] == '[');
}

/* --- cutting --- */

static int cut(struct rewriter *rewriter, const struct doc_node *near, size_t from, size_t to,
               struct str text) {
        if (from > to || to > rewriter->text.len)
                return refuse(rewriter, near, "its place is not known");
        *vec_push(&rewriter->cuts) =
                (struct cut){ from, to, arena_str(&rewriter->arena, text), rewriter->cuts.count };
        return 0;
}

static void add_value(const struct rewriter *rewriter, struct buf *buf,
                      const struct doc_node *value) {
        if (rewriter->json)
                doc_write_json(buf, value);
        else
                doc_write_flow(buf, value);
}

/* LINES, written with \n, as the document ends its lines. */
static struct str own_lines(struct rewriter *rewriter, struct str lines) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        if (!rewriter->crlf)
                return arena_str(&rewriter->arena, lines);
        for (size_t i = 0; i < lines.len; i++) {
                if (lines.ptr[i] == '\n')
                        buf_add_char(&buf, '\r');
                buf_add_char(&buf, lines.ptr[i]);
        }
        return arena_str(&rewriter->arena, buf_str(&buf));
}

/* Inserts LINES behind the line that byte AT is in. */
static int insert_lines(struct rewriter *rewriter, const struct doc_node *near, size_t at,
                        struct str lines) {
        struct str text = rewriter->text, own;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        if (at > text.len)
                return refuse(rewriter, near, "its place is not known");
        at = next_line(text, at);
        if (at > 0 && !is_break(text.ptr[at - 1])) { /* the last line of a text without its end */
                buf_add_char(&buf, '\n');
                buf_add(&buf, lines);
                buf.len--;
                lines = buf_str(&buf);
        }
        own = own_lines(rewriter, lines);
        return cut(rewriter, near, at, at, own);
}

/* --- replacing --- */

static bool is_collection(const struct doc_node *node) {
        return (node->kind == DOC_MAP && node->map.count > 0) ||
               (node->kind == DOC_LIST && node->list.count > 0);
}

/* Behind the colon of the entry whose value is OLD. */
static size_t behind_colon(const struct rewriter *rewriter, const struct doc_entry *entry,
                           size_t start) {
        size_t key = offset_of(rewriter, entry->key_start);

        while (start > key && start <= rewriter->text.len && rewriter->text.ptr[start - 1] != ':')
                start--;
        return start;
}

/* The value of a block map's entry, written as a block below its key. */
static int replace_by_block(struct rewriter *rewriter, const struct doc_node *old,
                            const struct doc_node *new, const struct place *place) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        size_t from = behind_colon(rewriter, place->entry, start_of(rewriter, old));

        buf_add_char(&buf, '\n');
        doc_write_yaml(&buf, new, place->indent + (new->kind == DOC_MAP ? 2 : 0));
        buf.len--;
        return cut(rewriter, old, from, end_of(rewriter, old), own_lines(rewriter, buf_str(&buf)));
}

static int replace(struct rewriter *rewriter, const struct doc_node *old,
                   const struct doc_node *new, const struct place *place) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        size_t from = start_of(rewriter, old), to = end_of(rewriter, old);
        bool block = is_collection(old) && !is_flow(rewriter, old);

        if (from > to || to > rewriter->text.len)
                return refuse(rewriter, old, "its place is not known");
        if (!place->flow && place->entry && is_collection(new) &&
            (block || ends_line(rewriter->text, to)))
                return replace_by_block(rewriter, old, new, place);
        if (block && !place->entry)
                return refuse(rewriter, old, "it would have to be written anew");
        if (block) {
                from = behind_colon(rewriter, place->entry, from);
                buf_add_char(&buf, ' ');
        } else if (from == to && from > 0 && !is_blank(rewriter->text.ptr[from - 1])) {
                buf_add_char(&buf, ' ');
        }
        add_value(rewriter, &buf, new);
        return cut(rewriter, old, from, to, buf_str(&buf));
}

/* --- entries and items --- */

/* The children of a list or map, the same way for both. */
struct children {
        const struct doc_node *of;
        bool map, flow;
        uint32_t count;
        bool *gone;
};

static const struct doc_node *child_at(const struct children *children, uint32_t i) {
        return children->map ? &children->of->map.entries[i].value : &children->of->list.items[i];
}

/* Where child I begins: its key, its dash, or itself; SIZE_MAX where that cannot be told. */
static size_t child_start(const struct rewriter *rewriter, const struct children *children,
                          uint32_t i) {
        size_t at;

        if (children->map)
                return offset_of(rewriter, children->of->map.entries[i].key_start);
        at = start_of(rewriter, child_at(children, i));
        if (children->flow || at > rewriter->text.len)
                return at;
        while (at > 0 && is_blank(rewriter->text.ptr[at - 1]))
                at--;
        return at > 0 && rewriter->text.ptr[at - 1] == '-' ? at - 1 : SIZE_MAX;
}

static bool has_aliases(const struct children *children) {
        for (uint32_t i = 0; i < children->count; i++)
                if (child_at(children, i)->flags & DOC_ALIASED)
                        return true;
        return false;
}

/* Cuts the children FIRST to LAST out of a flow collection, with the comma that is too much. */
static int cut_flow_run(struct rewriter *rewriter, const struct children *children, uint32_t first,
                        uint32_t last) {
        const struct doc_node *near = child_at(children, first);

        if (last + 1 < children->count)
                return cut(rewriter, near, child_start(rewriter, children, first),
                           child_start(rewriter, children, last + 1), STR(""));
        return cut(rewriter, near, end_of(rewriter, child_at(children, first - 1)),
                   end_of(rewriter, child_at(children, last)), STR(""));
}

/* The same for a block: whole lines, unless the first child shares its line with what is around. */
static int cut_block_run(struct rewriter *rewriter, const struct children *children, uint32_t first,
                         uint32_t last) {
        const struct doc_node *near = child_at(children, first);
        size_t from = child_start(rewriter, children, first), line;

        if (from > rewriter->text.len)
                return refuse(rewriter, near, "its place is not known");
        line = line_start(rewriter->text, from);
        if (!all_blank(rewriter->text, line, from)) {
                if (last + 1 >= children->count)
                        return refuse(rewriter, near, "it shares a line with what is around it");
                return cut(rewriter, near, from, child_start(rewriter, children, last + 1),
                           STR(""));
        }
        for (uint32_t i = first; i <= last; i++) {
                size_t start = child_start(rewriter, children, i);
                size_t end = end_of(rewriter, child_at(children, i));
                int r;

                if (start > rewriter->text.len || end > rewriter->text.len)
                        return refuse(rewriter, child_at(children, i), "its place is not known");
                r = cut(rewriter, near, line_start(rewriter->text, start),
                        next_line(rewriter->text, end), STR(""));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int cut_children(struct rewriter *rewriter, const struct children *children) {
        int r = 0;

        for (uint32_t i = 0, last; i < children->count && r >= 0; i = last + 1) {
                last = i;
                if (!children->gone[i])
                        continue;
                if (child_at(children, i)->flags & DOC_ALIASED)
                        return refuse(rewriter, child_at(children, i),
                                      "it comes from an alias or a merge key");
                while (last + 1 < children->count && children->gone[last + 1])
                        last++;
                r = children->flow ? cut_flow_run(rewriter, children, i, last)
                                   : cut_block_run(rewriter, children, i, last);
        }
        return r;
}

/* The last of the children that stay, in the text; UINT32_MAX: none does. */
static uint32_t last_child(const struct rewriter *rewriter, const struct children *children) {
        uint32_t last = UINT32_MAX;
        size_t most = 0;

        for (uint32_t i = 0; i < children->count; i++) {
                size_t end = end_of(rewriter, child_at(children, i));

                if (children->gone[i] || end > rewriter->text.len || end < most)
                        continue;
                last = i;
                most = end;
        }
        return last;
}

/* Adds ADDED, a map or list of what is new, behind the last child. */
static int add_flow_children(struct rewriter *rewriter, const struct children *children,
                             const struct doc_node *added) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        uint32_t last = last_child(rewriter, children);
        size_t start = child_start(rewriter, children, last), line;
        uint32_t count = children->map ? added->map.count : added->list.count;
        struct str text = rewriter->text;
        bool lines;

        if (start > text.len)
                return refuse(rewriter, children->of, "its place is not known");
        line = line_start(text, start);
        lines = line > 0 && all_blank(text, line, start);
        for (uint32_t i = 0; i < count; i++) {
                buf_add_char(&buf, ',');
                if (lines) {
                        buf_add_char(&buf, '\n');
                        buf_add(&buf, str_slice(text, line, start));
                } else if (!rewriter->json || rewriter->lines.count > 2) {
                        buf_add_char(&buf, ' ');
                }
                if (children->map) {
                        struct doc_node key = { .kind = DOC_STRING };

                        key.string = added->map.entries[i].key;
                        add_value(rewriter, &buf, &key);
                        buf_add(&buf, rewriter->json && rewriter->lines.count <= 2 ? STR(":")
                                                                                   : STR(": "));
                }
                add_value(rewriter, &buf,
                          children->map ? &added->map.entries[i].value : &added->list.items[i]);
        }
        start = end_of(rewriter, child_at(children, last));
        return cut(rewriter, children->of, start, start, own_lines(rewriter, buf_str(&buf)));
}

static int add_block_children(struct rewriter *rewriter, const struct children *children,
                              const struct doc_node *added) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        uint32_t last = last_child(rewriter, children);
        size_t start = child_start(rewriter, children, last);
        struct str text = rewriter->text;

        if (start > text.len)
                return refuse(rewriter, children->of, "its place is not known");
        doc_write_yaml(&buf, added, utf8_count(str_slice(text, line_start(text, start), start)));
        return insert_lines(rewriter, children->of, end_of(rewriter, child_at(children, last)),
                            buf_str(&buf));
}

static int change_children(struct rewriter *rewriter, const struct children *children,
                           const struct doc_node *added) {
        int r = cut_children(rewriter, children);
        uint32_t count = children->map ? added->map.count : added->list.count;

        if (r < 0 || count == 0)
                return r;
        if (children->map && has_aliases(children) && children->flow)
                return refuse(rewriter, children->of, "it holds aliases or merge keys");
        return children->flow ? add_flow_children(rewriter, children, added)
                              : add_block_children(rewriter, children, added);
}

/* --- walking --- */

static int rewrite(struct rewriter *rewriter, const struct doc_node *old,
                   const struct doc_node *new, const struct place *place);

static struct children children_of(struct rewriter *rewriter, const struct doc_node *old,
                                   const struct place *place) {
        uint32_t count = old->kind == DOC_MAP ? old->map.count : old->list.count;

        return (struct children){ .of = old,
                                  .map = old->kind == DOC_MAP,
                                  .flow = place->flow || is_flow(rewriter, old),
                                  .count = count,
                                  .gone = arena_new_array(&rewriter->arena, count, bool) };
}

static size_t column_of(const struct rewriter *rewriter, size_t at) {
        if (at > rewriter->text.len)
                return 0;
        return utf8_count(str_slice(rewriter->text, line_start(rewriter->text, at), at));
}

static int rewrite_map(struct rewriter *rewriter, const struct doc_node *old,
                       const struct doc_node *new, const struct place *place) {
        struct children children = children_of(rewriter, old, place);
        struct doc_node *added = doc_new_map(&rewriter->arena, NULL, new->map.count);
        uint32_t count = 0, gone = 0;
        int r = 0;

        for (uint32_t i = 0; i < old->map.count; i++)
                gone += children.gone[i] = !doc_get(new, old->map.entries[i].key);
        for (uint32_t i = 0; i < new->map.count; i++)
                if (!doc_get(old, new->map.entries[i].key))
                        added->map.entries[count++] = new->map.entries[i];
        added->map.count = count;
        if (gone == old->map.count)
                return replace(rewriter, old, new, place);
        for (uint32_t i = 0; i < old->map.count && r >= 0; i++) {
                const struct doc_entry *entry = &old->map.entries[i];
                struct place below = { children.flow, entry,
                                       column_of(rewriter, child_start(rewriter, &children, i)) };

                if (!children.gone[i])
                        r = rewrite(rewriter, &entry->value, doc_get(new, entry->key), &below);
        }
        return r < 0 ? r : change_children(rewriter, &children, added);
}

static bool same_name(const struct doc_node *a, const struct doc_node *b) {
        const struct doc_node *x = doc_get(a, STR("name")), *y = doc_get(b, STR("name"));

        return x && y && doc_same(x, y);
}

/* Which of the items of OLD are gone: one that is not the next one of NEW, as long as there are
 * more left than there should be. Fills PAIRS with what becomes of the others, and returns how many
 * of NEW those are. */
static uint32_t pair_items(const struct doc_node *old, const struct doc_node *new, bool *gone,
                           const struct doc_node **pairs) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < old->list.count; i++) {
                const struct doc_node *item = &old->list.items[i];
                bool left = kept < new->list.count;

                gone[i] = !left || (old->list.count - i > new->list.count - kept &&
                                    !doc_same(item, &new->list.items[kept]) &&
                                    !same_name(item, &new->list.items[kept]));
                if (!gone[i])
                        pairs[i] = &new->list.items[kept++];
        }
        return kept;
}

static int rewrite_list(struct rewriter *rewriter, const struct doc_node *old,
                        const struct doc_node *new, const struct place *place) {
        struct children children = children_of(rewriter, old, place);
        const struct doc_node **pairs =
                arena_new_array(&rewriter->arena, old->list.count, const struct doc_node *);
        uint32_t kept = pair_items(old, new, children.gone, pairs);
        struct doc_node *added = doc_new_list(&rewriter->arena, NULL, new->list.count - kept);
        int r = 0;

        if (kept == 0)
                return replace(rewriter, old, new, place);
        for (uint32_t i = kept; i < new->list.count; i++)
                added->list.items[i - kept] = new->list.items[i];
        for (uint32_t i = 0; i < old->list.count && r >= 0; i++) {
                struct place below = { children.flow, NULL, 0 };

                if (!children.gone[i])
                        r = rewrite(rewriter, &old->list.items[i], pairs[i], &below);
        }
        return r < 0 ? r : change_children(rewriter, &children, added);
}

/* The depth is that of the document. */
static int rewrite(struct rewriter *rewriter, const struct doc_node *old,
                   const struct doc_node *new, const struct place *place) {
        if (doc_same(old, new))
                return 0;
        if (old->flags & DOC_ALIASED)
                return refuse(rewriter, old, "it comes from an alias or a merge key");
        if (old->kind == DOC_MAP && new->kind == DOC_MAP && old->map.count > 0)
                return rewrite_map(rewriter, old, new, place);
        if (old->kind == DOC_LIST && new->kind == DOC_LIST && old->list.count > 0)
                return rewrite_list(rewriter, old, new, place);
        return replace(rewriter, old, new, place);
}

/* --- the result --- */

static int compare_cuts(const void *a, const void *b) {
        const struct cut *x = a, *y = b;

        if (x->from != y->from)
                return x->from < y->from ? -1 : 1;
        if (x->to != y->to) /* what is inserted before a part comes before it */
                return x->to < y->to ? -1 : 1;
        return x->order < y->order ? -1 : x->order > y->order;
}

static int join(struct rewriter *rewriter, struct buf *buf) {
        size_t at = 0;

        if (rewriter->cuts.count > 1)
                qsort(rewriter->cuts.items, rewriter->cuts.count, sizeof *rewriter->cuts.items,
                      compare_cuts);
        for (size_t i = 0; i < rewriter->cuts.count; i++) {
                const struct cut *c = &rewriter->cuts.items[i];

                if (c->from < at)
                        return refuse(rewriter, rewriter->doc->root, "changes overlap");
                buf_add(buf, str_slice(rewriter->text, at, c->from));
                buf_add(buf, c->text);
                at = c->to;
        }
        buf_add(buf, str_slice(rewriter->text, at, rewriter->text.len));
        return 0;
}

/* Whether TEXT is one document, and it is WANTED. */
static bool reads_as(struct rewriter *rewriter, struct str text, const struct doc_node *wanted) {
        struct doc_source source = { .name = rewriter->doc->source->name, .text = text };
        struct doc_limits limits = doc_default_limits;
        struct doc_reader reader;
        struct doc *doc, *more;

        limits.file_bytes = SIZE_MAX;
        limits.depth = DOC_MAX_DEPTH;
        limits.nodes = SIZE_MAX;
        limits.alias_nodes = SIZE_MAX;
        limits.scalar_bytes = UINT32_MAX;
        doc_reader_init(&reader, &source, rewriter->json ? DOC_JSON : DOC_YAML, &limits);
        return doc_read(&reader, &rewriter->arena, &doc, NULL) > 0 && doc_same(doc->root, wanted) &&
               doc_read(&reader, &rewriter->arena, &more, NULL) == 0;
}

static void rewriter_free(struct rewriter *rewriter) {
        vec_free(&rewriter->cuts);
        arena_free(&rewriter->arena);
}

static void rewriter_init(struct rewriter *rewriter, const struct doc *doc, struct error *error) {
        struct str text = str_slice(doc->source->text, doc->text_start, doc->text_end);
        size_t at = 0;

        *rewriter = (struct rewriter){ .doc = doc, .text = text, .error = error };
        doc_lines_init(&rewriter->arena, text, &rewriter->lines);
        while (at < text.len && (is_blank(text.ptr[at]) || is_break(text.ptr[at])))
                at++;
        rewriter->json = at < text.len && (text.ptr[at] == '{' || text.ptr[at] == '[') &&
                         reads_as(rewriter, text, doc->root);
        rewriter->crlf = str_find(text, STR("\r\n"), 0) >= 0;
}

int doc_rewrite(const struct doc *doc, const struct doc_node *wanted, struct buf *buf,
                struct error *error) {
        struct rewriter rewriter _cleanup_(rewriter_free);
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct place place = { 0 };
        int r;

        rewriter_init(&rewriter, doc, error);
        place.flow = rewriter.json;
        r = rewrite(&rewriter, doc->root, wanted, &place);
        if (r >= 0)
                r = join(&rewriter, &text);
        if (r < 0)
                return r;
        if (!reads_as(&rewriter, buf_str(&text), wanted))
                return refuse(&rewriter, doc->root, "its layout is not known");
        buf_add(buf, buf_str(&text));
        return 0;
}
