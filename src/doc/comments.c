/*
 * Finding the comments of a document: they are what lies between the tokens, apart from white
 * space. Only the comment behind the header of a block scalar lies within one.
 */
#include <yaml.h>

#include "base/vec.h"
#include "doc/doc.h"
#include "doc/locate.h"

struct comment_finder {
        struct arena *arena;
        struct str text;
        VEC(struct doc_comment) comments; /* in the arena */
        size_t offset;                    /* a place already known ... */
        struct doc_pos pos;               /* ... and which it is */
};

/* Adds the comment that begins at FROM. Returns where it ends. */
static size_t add_comment(struct comment_finder *finder, size_t from) {
        struct doc_comment *comment;
        size_t end = from;

        while (end < finder->text.len && finder->text.ptr[end] != '\n' &&
               finder->text.ptr[end] != '\r')
                end++;
        finder->pos = text_place(str_slice(finder->text, finder->offset, finder->text.len),
                                 finder->pos, from - finder->offset);
        finder->offset = from;
        comment = vec_push_in(finder->arena, &finder->comments);
        comment->pos = finder->pos;
        comment->text = str_slice(finder->text, from, end);
        return end;
}

/* All comments between two tokens. */
static void search_gap(struct comment_finder *finder, size_t from, size_t to) {
        while (from < to) {
                const char *hit = memchr(finder->text.ptr + from, '#', to - from);

                if (!hit)
                        return;
                from = add_comment(finder, (size_t)(hit - finder->text.ptr));
        }
}

/* The comment behind "|" or ">" and its indicators. */
static void search_header(struct comment_finder *finder, size_t from, size_t to) {
        for (from++; from < to; from++) {
                char c = finder->text.ptr[from];

                if (c == '#')
                        add_comment(finder, from);
                if (c != ' ' && c != '\t' && c != '+' && c != '-' && (c < '0' || c > '9'))
                        return;
        }
}

static bool is_block_scalar(const yaml_token_t *token) {
        return token->type == YAML_SCALAR_TOKEN &&
               (token->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                token->data.scalar.style == YAML_FOLDED_SCALAR_STYLE);
}

static void search_tokens(struct comment_finder *finder, yaml_parser_t *parser,
                          struct locator *locator) {
        size_t last = 0;

        for (;;) {
                yaml_token_t token _cleanup_(yaml_token_delete) = { 0 };
                size_t start, end;

                if (!yaml_parser_scan(parser, &token) || token.type == YAML_NO_TOKEN)
                        return;
                start = token.type == YAML_STREAM_END_TOKEN
                                ? finder->text.len
                                : locator_offset(locator, &token.start_mark);
                search_gap(finder, last, start);
                if (token.type == YAML_STREAM_END_TOKEN)
                        return;
                end = locator_offset(locator, &token.end_mark);
                if (is_block_scalar(&token))
                        search_header(finder, start, end);
                last = MAX(last, end);
        }
}

size_t doc_comments(struct arena *arena, const struct doc *doc, struct doc_comment **ret) {
        struct str text = str_slice(doc->source->text, doc->text_start, doc->text_end);
        struct comment_finder finder = { .arena = arena, .text = text, .pos = doc->start };
        yaml_parser_t parser _cleanup_(yaml_parser_delete) = { 0 };
        struct text_survey survey;
        struct locator locator;

        *ret = NULL;
        if (text.len == 0 || !memchr(text.ptr, '#', text.len))
                return 0;
        text_survey(text, &survey);
        locator_init(&locator, text, doc->start.line, &survey);
        if (!yaml_parser_initialize(&parser))
                out_of_memory();
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
        search_tokens(&finder, &parser, &locator);
        *ret = finder.comments.items;
        return finder.comments.count;
}
