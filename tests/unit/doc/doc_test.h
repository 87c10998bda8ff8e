/*
 * Reading texts in tests, and showing trees in a form that tells integers from doubles.
 */
#pragma once

#include "../test.h"

#include <errno.h>

#include "base/buf.h"
#include "base/util.h"
#include "doc/doc.h"
#include "doc/write.h"

/* A text that was read: its first document, and how reading ended. */
struct reading {
        struct arena arena;
        struct doc_source source;
        struct doc *doc;
        int result;
        struct error error;
};

static inline void reading_free(struct reading *reading) {
        arena_free(&reading->arena);
}

#define _cleanup_reading_ _cleanup_(reading_free)

static inline struct reading read_with(struct str text, enum doc_format format,
                                       const struct doc_limits *limits) {
        struct reading reading = { .arena = ARENA_INIT };
        struct doc_source *source = arena_new(&reading.arena, struct doc_source);
        struct doc_reader reader;

        reading.result = doc_source_init(&reading.arena, STR("test.yaml"),
                                         arena_str(&reading.arena, text), source, &reading.error);
        if (reading.result < 0)
                return reading;
        reading.source = *source;
        doc_reader_init(&reader, source, format, limits);
        reading.result = doc_read(&reader, &reading.arena, &reading.doc, &reading.error);
        return reading;
}

static inline struct reading read_yaml(const char *text) {
        return read_with(str_from(text), DOC_YAML, NULL);
}

static inline struct reading read_json(const char *text) {
        return read_with(str_from(text), DOC_JSON, NULL);
}

/* JSON in which doubles are written with all 17 digits and a 'd' behind them. */
static inline void show(struct buf *buf, const struct doc_node *node) {
        if (node->kind == DOC_DOUBLE) {
                buf_printf(buf, "%.17gd", node->number);
        } else if (node->kind == DOC_LIST) {
                buf_add_char(buf, '[');
                for (uint32_t i = 0; i < node->list.count; i++) {
                        if (i > 0)
                                buf_add_char(buf, ',');
                        show(buf, &node->list.items[i]);
                }
                buf_add_char(buf, ']');
        } else if (node->kind == DOC_MAP) {
                buf_add_char(buf, '{');
                for (uint32_t i = 0; i < node->map.count; i++) {
                        if (i > 0)
                                buf_add_char(buf, ',');
                        buf_add_json(buf, node->map.entries[i].key);
                        buf_add_char(buf, ':');
                        show(buf, &node->map.entries[i].value);
                }
                buf_add_char(buf, '}');
        } else {
                doc_write_json(buf, node);
        }
}

/* Asserts that the first document of a reading shows as EXPECTED; NULL: that it is refused. */
static inline void assert_shows(const struct reading *reading, const char *text,
                                const char *expected) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        if (!expected) {
                if (reading->result >= 0)
                        print_error("should be refused: %s\n", text);
                assert_int_equal(reading->result, -EINVAL);
                assert_int_not_equal(reading->error.line, 0);
                return;
        }
        if (reading->result != 1)
                print_error("%s\n  %u:%u: %s\n", text, reading->error.line, reading->error.column,
                            reading->error.message);
        assert_int_equal(reading->result, 1);
        show(&buf, reading->doc->root);
        if (!str_eq(buf_str(&buf), str_from(expected)))
                print_error("%s\n", text);
        assert_str(buf_str(&buf), expected);
}
