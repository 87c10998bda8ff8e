#include "doc/write.h"

#include <math.h>

#include "base/utf8.h"
#include "doc/number.h"
#include "doc/scalar.h"

/* Keys beyond this many bytes cannot be written in the short form (libyaml looks 1,024 characters
 * ahead for the colon). */
enum { SIMPLE_KEY_MAX = 1000 };

static void add_number(struct buf *buf, const struct doc_node *node) {
        char text[NUMBER_TEXT_MAX];

        if (node->kind == DOC_INT)
                buf_printf(buf, "%lld", (long long)node->integer);
        else if (!isfinite(node->number))
                buf_add(buf, STR("null")); /* cannot be read, and cannot be said */
        else
                buf_add(buf, (struct str){ text, number_format_json(node->number, text) });
}

/* Everything that is neither a string nor a collection is the same in JSON and YAML. */
static void add_scalar(struct buf *buf, const struct doc_node *node) {
        if (node->kind == DOC_BOOL)
                buf_add(buf, node->boolean ? STR("true") : STR("false"));
        else if (node->kind == DOC_INT || node->kind == DOC_DOUBLE)
                add_number(buf, node);
        else
                buf_add(buf, STR("null"));
}

void doc_write_json(struct buf *buf, const struct doc_node *node) {
        switch (node->kind) {
        case DOC_STRING:
                buf_add_json(buf, node->string);
                return;
        case DOC_LIST:
                buf_add_char(buf, '[');
                for (uint32_t i = 0; i < node->list.count; i++) {
                        if (i > 0)
                                buf_add_char(buf, ',');
                        doc_write_json(buf, &node->list.items[i]);
                }
                buf_add_char(buf, ']');
                return;
        case DOC_MAP:
                buf_add_char(buf, '{');
                for (uint32_t i = 0; i < node->map.count; i++) {
                        if (i > 0)
                                buf_add_char(buf, ',');
                        buf_add_json(buf, node->map.entries[i].key);
                        buf_add_char(buf, ':');
                        doc_write_json(buf, &node->map.entries[i].value);
                }
                buf_add_char(buf, '}');
                return;
        default:
                add_scalar(buf, node);
        }
}

/* --- YAML --- */

/* What YAML can show as it is: printable, and not taken for a line end or a byte order mark. */
static bool is_printable(int32_t code) {
        return (code >= 0x20 && code < 0x7f) ||
               (code >= 0xa0 && code <= 0xfffd && code != 0xfeff && code != 0x2028 &&
                code != 0x2029) ||
               code >= 0x10000;
}

/* Whether all of TEXT is printable; with LINES, line feeds are as well. */
static bool is_all_printable(struct str text, bool lines) {
        for (size_t i = 0; i < text.len;) {
                int32_t code = utf8_next(text, &i);

                if (!is_printable(code) && !(lines && code == '\n'))
                        return false;
        }
        return true;
}

/* Whether TEXT written without quotes reads back as the same string. */
static bool is_plain(struct str text) {
        struct scalar scalar;

        if (text.len == 0 || !is_all_printable(text, false))
                return false;
        if (memchr("-?:,[]{}#&*!|>'\"%@` =<.", text.ptr[0], 23))
                return false;
        if (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == ':')
                return false;
        if (str_find(text, STR(": "), 0) >= 0 || str_find(text, STR(" #"), 0) >= 0)
                return false;
        scalar_resolve(text, &scalar);
        return scalar.kind == SCALAR_STRING;
}

/* Whether TEXT can be a literal block scalar whose indentation need not be told. */
static bool is_block(struct str text) {
        if (text.len < 2 || !memchr(text.ptr, '\n', text.len - 1))
                return false;
        return text.ptr[0] != ' ' && text.ptr[0] != '\n' && is_all_printable(text, true);
}

static void add_quoted(struct buf *buf, struct str text) {
        buf_add_char(buf, '"');
        for (size_t i = 0; i < text.len;) {
                size_t start = i;
                int32_t code = utf8_next(text, &i);

                if (code == '"' || code == '\\')
                        buf_printf(buf, "\\%c", (char)code);
                else if (code == '\n')
                        buf_add(buf, STR("\\n"));
                else if (code == '\t')
                        buf_add(buf, STR("\\t"));
                else if (code < 0)
                        buf_add(buf, STR("\\ufffd"));
                else if (is_printable(code))
                        buf_add(buf, str_slice(text, start, i));
                else
                        buf_printf(buf, "\\u%04x", (unsigned)code);
        }
        buf_add_char(buf, '"');
}

static void add_text(struct buf *buf, struct str text) {
        if (is_plain(text))
                buf_add(buf, text);
        else
                add_quoted(buf, text);
}

static void add_block(struct buf *buf, struct str text, size_t indent) {
        bool ends = text.ptr[text.len - 1] == '\n';
        struct str rest = text, line;

        buf_add_char(buf, '|');
        if (!ends)
                buf_add_char(buf, '-');
        else if (text.ptr[text.len - 2] == '\n')
                buf_add_char(buf, '+');
        if (ends)
                rest.len--;
        while (str_split(&rest, '\n', &line)) {
                buf_add_char(buf, '\n');
                if (line.len > 0)
                        buf_add_repeat(buf, ' ', indent);
                buf_add(buf, line);
        }
        buf_add_char(buf, '\n');
}

static bool is_inline(const struct doc_node *node) {
        return (node->kind != DOC_LIST || node->list.count == 0) &&
               (node->kind != DOC_MAP || node->map.count == 0);
}

/* A scalar or empty collection, and the end of its line. Lines of a block go to INDENT. */
static void add_inline(struct buf *buf, const struct doc_node *node, size_t indent) {
        if (node->kind == DOC_STRING && is_block(node->string)) {
                add_block(buf, node->string, indent);
                return;
        }
        if (node->kind == DOC_STRING)
                add_text(buf, node->string);
        else if (node->kind == DOC_LIST)
                buf_add(buf, STR("[]"));
        else if (node->kind == DOC_MAP)
                buf_add(buf, STR("{}"));
        else
                add_scalar(buf, node);
        buf_add_char(buf, '\n');
}

static void write_block(struct buf *buf, const struct doc_node *node, size_t indent, bool started);

/* A key and its value. A list below a key is not indented further, as is usual. */
static void write_entry(struct buf *buf, const struct doc_entry *entry, size_t indent) {
        const struct doc_node *value = &entry->value;
        size_t before = buf->len;

        add_text(buf, entry->key);
        if (buf->len - before > SIMPLE_KEY_MAX) {
                buf->len = before;
                buf_add(buf, STR("? "));
                add_text(buf, entry->key);
                buf_add_char(buf, '\n');
                buf_add_repeat(buf, ' ', indent);
        }
        buf_add_char(buf, ':');
        if (is_inline(value)) {
                buf_add_char(buf, ' ');
                add_inline(buf, value, indent + 2);
                return;
        }
        buf_add_char(buf, '\n');
        write_block(buf, value, indent + (value->kind == DOC_MAP ? 2 : 0), false);
}

/* A collection with children. STARTED: the first line is indented already. */
static void write_block(struct buf *buf, const struct doc_node *node, size_t indent, bool started) {
        uint32_t count = node->kind == DOC_LIST ? node->list.count : node->map.count;

        for (uint32_t i = 0; i < count; i++) {
                if (i > 0 || !started)
                        buf_add_repeat(buf, ' ', indent);
                if (node->kind == DOC_MAP) {
                        write_entry(buf, &node->map.entries[i], indent);
                        continue;
                }
                buf_add(buf, STR("- "));
                if (is_inline(&node->list.items[i]))
                        add_inline(buf, &node->list.items[i], indent + 2);
                else
                        write_block(buf, &node->list.items[i], indent + 2, true);
        }
}

void doc_write_yaml(struct buf *buf, const struct doc_node *node, size_t indent) {
        if (!is_inline(node)) {
                write_block(buf, node, indent, false);
                return;
        }
        buf_add_repeat(buf, ' ', indent);
        add_inline(buf, node, indent + 2);
}

static void add_flow_text(struct buf *buf, struct str text) {
        bool marks = false;

        for (size_t i = 0; i < text.len && !marks; i++)
                marks = memchr(",[]{}", text.ptr[i], 5);
        if (marks || !is_plain(text))
                add_quoted(buf, text);
        else
                buf_add(buf, text);
}

void doc_write_flow(struct buf *buf, const struct doc_node *node) {
        bool map = node->kind == DOC_MAP;
        uint32_t count;

        if (!map && node->kind != DOC_LIST) {
                if (node->kind == DOC_STRING)
                        add_flow_text(buf, node->string);
                else
                        add_scalar(buf, node);
                return;
        }
        count = map ? node->map.count : node->list.count;
        buf_add_char(buf, map ? '{' : '[');
        for (uint32_t i = 0; i < count; i++) {
                if (i > 0)
                        buf_add(buf, STR(", "));
                if (map) {
                        add_flow_text(buf, node->map.entries[i].key);
                        buf_add(buf, STR(": "));
                }
                doc_write_flow(buf, map ? &node->map.entries[i].value : &node->list.items[i]);
        }
        buf_add_char(buf, map ? '}' : ']');
}
