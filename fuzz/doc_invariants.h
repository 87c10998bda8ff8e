/*
 * What must be true of every tree that was read, whatever the text. Used by the fuzz targets of the
 * readers: each breach ends the process.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "base/util.h"
#include "doc/doc.h"
#include "doc/write.h"

#define MUST(condition)                                                                            \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

static inline bool doc_pos_before(struct doc_pos a, struct doc_pos b) {
        return a.line < b.line || (a.line == b.line && a.column <= b.column);
}

static inline void doc_check_node(const struct doc_node *node, const struct doc_node *parent,
                                  size_t index, size_t depth, bool shared);

static inline void doc_check_children(const struct doc_node *node, size_t depth, bool shared) {
        size_t count = node->kind == DOC_LIST ? node->list.count : node->map.count;

        for (size_t i = 0; i < count; i++) {
                const struct doc_node *child =
                        node->kind == DOC_LIST ? &node->list.items[i] : &node->map.entries[i].value;

                doc_check_node(child, node, i, depth, shared);
                if (node->kind != DOC_MAP)
                        continue;
                MUST(doc_get(node, node->map.entries[i].key) == child);
                MUST(node->map.entries[i].hash == str_hash(node->map.entries[i].key));
                MUST(node->map.entries[i].key_start.line > 0);
                /* An aliased value may be written before the key. */
                if (!(child->flags & DOC_ALIASED))
                        MUST(doc_pos_before(node->map.entries[i].key_start, child->start));
        }
}

/* SHARED: NODE lies below an alias or merge key, so that it belongs to an anchor. */
static inline void doc_check_node(const struct doc_node *node, const struct doc_node *parent,
                                  size_t index, size_t depth, bool shared) {
        MUST(depth <= doc_default_limits.depth);
        MUST(node->kind <= DOC_MAP);
        MUST(node->start.line > 0 && node->start.column > 0);
        MUST(doc_pos_before(node->start, node->end));
        if (parent) {
                MUST(node->index == index);
                if (!shared) {
                        MUST(node->parent == parent);
                        MUST(node->depth == parent->depth + 1);
                }
                /* What was merged is written elsewhere. */
                if (!shared && !(node->flags & DOC_ALIASED))
                        MUST(doc_pos_before(parent->start, node->start) &&
                             doc_pos_before(node->end, parent->end));
        }
        if (node->kind == DOC_STRING)
                MUST(utf8_valid(node->string));
        if (node->kind == DOC_LIST || node->kind == DOC_MAP)
                doc_check_children(node, depth + 1, shared || (node->flags & DOC_ALIASED));
}

/* Whether two trees mean the same. An integral double is written without a fraction, so it comes
 * back as an integer. */
static inline bool doc_same(const struct doc_node *a, const struct doc_node *b) {
        bool numbers = (a->kind == DOC_INT || a->kind == DOC_DOUBLE) &&
                       (b->kind == DOC_INT || b->kind == DOC_DOUBLE);

        if (numbers && a->kind != b->kind)
                return (a->kind == DOC_INT ? (double)a->integer : a->number) ==
                       (b->kind == DOC_INT ? (double)b->integer : b->number);
        if (a->kind != b->kind)
                return false;
        switch (a->kind) {
        case DOC_BOOL:
                return a->boolean == b->boolean;
        case DOC_INT:
                return a->integer == b->integer;
        case DOC_DOUBLE:
                return a->number == b->number;
        case DOC_STRING:
                return str_eq(a->string, b->string);
        case DOC_LIST:
                if (a->list.count != b->list.count)
                        return false;
                for (uint32_t i = 0; i < a->list.count; i++)
                        if (!doc_same(&a->list.items[i], &b->list.items[i]))
                                return false;
                return true;
        case DOC_MAP:
                if (a->map.count != b->map.count)
                        return false;
                for (uint32_t i = 0; i < a->map.count; i++)
                        if (!str_eq(a->map.entries[i].key, b->map.entries[i].key) ||
                            !doc_same(&a->map.entries[i].value, &b->map.entries[i].value))
                                return false;
                return true;
        default:
                return true;
        }
}

/* Reads TEXT, which was written from TREE, and compares. */
static inline void doc_check_reads_back(struct str text, enum doc_format format,
                                        const struct doc_node *tree) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_limits limits = doc_default_limits;
        struct doc_source source;
        struct doc_reader reader;
        struct error error = { 0 };
        struct doc *doc;

        /* What aliases repeated is written out, so it can be much. */
        limits.file_bytes = SIZE_MAX;
        MUST(doc_source_init(&arena, STR("written"), text, &source, &error) == 0);
        doc_reader_init(&reader, &source, format, &limits);
        MUST(doc_read(&reader, &arena, &doc, &error) == 1);
        MUST(doc_same(doc->root, tree));
        MUST(doc->diagnostics == NULL);
        MUST(doc_read(&reader, &arena, &doc, &error) == 0);
}

static inline void doc_check_written(const struct doc_node *root) {
        struct buf json _cleanup_(buf_free) = BUF_INIT;
        struct buf yaml _cleanup_(buf_free) = BUF_INIT;

        doc_write_json(&json, root);
        doc_check_reads_back(buf_str(&json), DOC_JSON, root);
        doc_write_yaml(&yaml, root, 0);
        doc_check_reads_back(buf_str(&yaml), DOC_YAML, root);
}

static inline void doc_check_comments(struct arena *arena, const struct doc *doc) {
        struct doc_comment *comments;
        size_t count = doc_comments(arena, doc, &comments);

        for (size_t i = 0; i < count; i++) {
                MUST(comments[i].text.len > 0 && comments[i].text.ptr[0] == '#');
                MUST(i == 0 || doc_pos_before(comments[i - 1].pos, comments[i].pos));
        }
}

/* Reads the part of a source that READER is left with. Returns how many documents were numbered. */
static inline size_t doc_check_stream(struct doc_reader *reader, struct arena *arena) {
        struct doc_pos last = { 0 };
        uint32_t first = reader->index;
        struct error error = { 0 };
        struct doc *doc;
        int r;

        while ((r = doc_read(reader, arena, &doc, &error)) != 0) {
                if (r < 0) {
                        MUST(r == -EINVAL || r == -E2BIG);
                        MUST(error.message[0] && error.line > 0);
                        continue;
                }
                MUST(doc_pos_before(last, doc->root->start));
                last = doc->root->start;
                doc_check_node(doc->root, NULL, 0, 0, false);
                doc_check_written(doc->root);
                doc_check_comments(arena, doc);
                for (struct doc_diagnostic *d = doc->diagnostics; d; d = d->next)
                        MUST(doc_pos_before(d->other, d->pos));
        }
        return reader->index - first;
}

/* Reads DATA whole and in parts. */
static inline void doc_check_text(const uint8_t *data, size_t size, enum doc_format format) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str text = { (const char *)data, size };
        struct doc_source source;
        struct doc_reader reader, part;
        struct error error = { 0 };
        size_t count, parts = 0;

        if (doc_source_init(&arena, STR("fuzz"), text, &source, &error) < 0) {
                MUST(error.line > 0 && error.column > 0);
                return;
        }
        doc_reader_init(&reader, &source, format, NULL);
        count = doc_check_stream(&reader, &arena);
        doc_reader_init(&reader, &source, format, NULL);
        while (doc_reader_cut(&reader, 16, &part))
                parts += doc_check_stream(&part, &arena);
        MUST(parts == count);
}
