/*
 * Literals: the values of number, string and bytes tokens.
 */
#include "cel/number.h"
#include "cel/parser.h"

struct cel_expr *cel_parser_constant(struct cel_parser *parser, struct doc_pos start,
                                     struct cel_value value) {
        struct cel_expr *expr = cel_parser_node(parser, CEL_EXPR_CONST, start, start);

        expr->constant = value;
        return expr;
}

/* Digits in base 10, or 16 after "0x". Returns false beyond 64 bits. */
static bool read_digits(struct str text, uint64_t *ret) {
        uint64_t base = 10, value = 0;
        size_t i = 0;

        if (str_starts(text, STR("0x"))) {
                base = 16;
                i = 2;
        }
        for (; i < text.len; i++) {
                char c = text.ptr[i];
                uint64_t digit = c <= '9' ? (uint64_t)(c - '0') : (uint64_t)((c | 0x20) - 'a' + 10);

                if (__builtin_mul_overflow(value, base, &value) ||
                    __builtin_add_overflow(value, digit, &value))
                        return false;
        }
        *ret = value;
        return true;
}

static struct cel_expr *int_literal(struct cel_parser *parser, struct doc_pos start,
                                    bool negative) {
        uint64_t value, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);

        if (!read_digits(parser->token->text, &value) || value > limit)
                return cel_parser_fail(parser, start, "invalid int literal");
        cel_parser_next(parser);
        return cel_parser_constant(parser, start, cel_int((int64_t)(negative ? 0 - value : value)));
}

static struct cel_expr *uint_literal(struct cel_parser *parser) {
        struct str text = parser->token->text;
        struct doc_pos start = parser->token->pos;
        uint64_t value;

        text.len--; /* the u */
        if (!read_digits(text, &value))
                return cel_parser_fail(parser, start, "invalid uint literal");
        cel_parser_next(parser);
        return cel_parser_constant(parser, start, cel_uint(value));
}

static struct cel_expr *double_literal(struct cel_parser *parser, struct doc_pos start,
                                       bool negative) {
        double value;

        if (cel_double_parse(parser->token->text, &value) < 0)
                return cel_parser_fail(parser, start, "invalid double literal");
        cel_parser_next(parser);
        return cel_parser_constant(parser, start, cel_double(negative ? -value : value));
}

static struct cel_expr *string_literal(struct cel_parser *parser) {
        const struct cel_token *token = parser->token;
        struct str value;
        const char *problem = cel_unquote(parser->arena, token, &value);

        if (problem)
                return cel_parser_fail(parser, token->pos, "%s", problem);
        cel_parser_next(parser);
        return cel_parser_constant(parser, token->pos,
                                   token->kind == CEL_TOKEN_BYTES ? cel_bytes(value)
                                                                  : cel_string(value));
}

struct cel_expr *cel_parse_negative(struct cel_parser *parser, struct doc_pos start) {
        return parser->token->kind == CEL_TOKEN_INT ? int_literal(parser, start, true)
                                                    : double_literal(parser, start, true);
}

struct cel_expr *cel_parse_literal(struct cel_parser *parser) {
        const struct cel_token *token = parser->token;

        switch (token->kind) {
        case CEL_TOKEN_INT:
                return int_literal(parser, token->pos, false);
        case CEL_TOKEN_UINT:
                return uint_literal(parser);
        case CEL_TOKEN_DOUBLE:
                return double_literal(parser, token->pos, false);
        case CEL_TOKEN_STRING:
        case CEL_TOKEN_BYTES:
                return string_literal(parser);
        case CEL_TOKEN_TRUE:
        case CEL_TOKEN_FALSE:
                cel_parser_next(parser);
                return cel_parser_constant(parser, token->pos,
                                           cel_bool(token->kind == CEL_TOKEN_TRUE));
        case CEL_TOKEN_NULL:
                cel_parser_next(parser);
                return cel_parser_constant(parser, token->pos, cel_null());
        default:
                return NULL;
        }
}
