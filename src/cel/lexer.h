/*
 * The tokens of CEL. Private to src/cel.
 *
 * The whole text is cut into tokens before it is parsed: the text is short (100,000 code points at
 * most), and telling `a.b.c {` (a message) from `a.b.c` needs any number of tokens of lookahead.
 * Keywords, literals and what the longest match is are those of cel-go's CEL.g4. A character that
 * begins no token becomes CEL_TOKEN_BAD and ends the list: the parser reports it when it gets
 * there.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "doc/doc.h"

enum cel_token_kind {
        CEL_TOKEN_END,
        CEL_TOKEN_BAD,
        CEL_TOKEN_IDENT,
        CEL_TOKEN_ESCAPED, /* `a.b` */
        CEL_TOKEN_INT,
        CEL_TOKEN_UINT,
        CEL_TOKEN_DOUBLE,
        CEL_TOKEN_STRING,
        CEL_TOKEN_BYTES,
        CEL_TOKEN_TRUE,
        CEL_TOKEN_FALSE,
        CEL_TOKEN_NULL,
        CEL_TOKEN_IN,
        CEL_TOKEN_EQUAL,
        CEL_TOKEN_NOT_EQUAL,
        CEL_TOKEN_LESS,
        CEL_TOKEN_LESS_EQUAL,
        CEL_TOKEN_GREATER,
        CEL_TOKEN_GREATER_EQUAL,
        CEL_TOKEN_AND,
        CEL_TOKEN_OR,
        CEL_TOKEN_LEFT_BRACKET,
        CEL_TOKEN_RIGHT_BRACKET,
        CEL_TOKEN_LEFT_BRACE,
        CEL_TOKEN_RIGHT_BRACE,
        CEL_TOKEN_LEFT_PAREN,
        CEL_TOKEN_RIGHT_PAREN,
        CEL_TOKEN_DOT,
        CEL_TOKEN_COMMA,
        CEL_TOKEN_MINUS,
        CEL_TOKEN_NOT,
        CEL_TOKEN_QUESTION,
        CEL_TOKEN_COLON,
        CEL_TOKEN_PLUS,
        CEL_TOKEN_STAR,
        CEL_TOKEN_SLASH,
        CEL_TOKEN_PERCENT,
};

struct cel_token {
        enum cel_token_kind kind;
        struct str text; /* as written, quotes included */
        struct doc_pos pos, end;
};

/* Cuts TEXT, which must be valid UTF-8, into tokens; the last one is CEL_TOKEN_END or
 * CEL_TOKEN_BAD. */
struct cel_token *cel_lex(struct arena *arena, struct str text);

/* Kind of token as messages name it: "'&&'", "IDENTIFIER". */
const char *cel_token_name(enum cel_token_kind kind);

/* The value of a string or bytes literal. Returns NULL, or what is wrong with it. */
const char *cel_unquote(struct arena *arena, const struct cel_token *token, struct str *ret);
