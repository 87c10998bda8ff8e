#include "cel/lexer.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "base/vec.h"

struct lexer {
        struct str text;
        size_t offset;
        struct doc_pos pos;
};

static const struct symbol {
        char text[3];
        enum cel_token_kind kind;
} symbols[] = {
        /* longer ones first */
        { "==", CEL_TOKEN_EQUAL },       { "!=", CEL_TOKEN_NOT_EQUAL },
        { "<=", CEL_TOKEN_LESS_EQUAL },  { ">=", CEL_TOKEN_GREATER_EQUAL },
        { "&&", CEL_TOKEN_AND },         { "||", CEL_TOKEN_OR },
        { "<", CEL_TOKEN_LESS },         { ">", CEL_TOKEN_GREATER },
        { "[", CEL_TOKEN_LEFT_BRACKET }, { "]", CEL_TOKEN_RIGHT_BRACKET },
        { "{", CEL_TOKEN_LEFT_BRACE },   { "}", CEL_TOKEN_RIGHT_BRACE },
        { "(", CEL_TOKEN_LEFT_PAREN },   { ")", CEL_TOKEN_RIGHT_PAREN },
        { ".", CEL_TOKEN_DOT },          { ",", CEL_TOKEN_COMMA },
        { "-", CEL_TOKEN_MINUS },        { "!", CEL_TOKEN_NOT },
        { "?", CEL_TOKEN_QUESTION },     { ":", CEL_TOKEN_COLON },
        { "+", CEL_TOKEN_PLUS },         { "*", CEL_TOKEN_STAR },
        { "/", CEL_TOKEN_SLASH },        { "%", CEL_TOKEN_PERCENT },
};

const char *cel_token_name(enum cel_token_kind kind) {
        static const char *const names[] = {
                [CEL_TOKEN_END] = "<EOF>",
                [CEL_TOKEN_BAD] = "<INVALID>",
                [CEL_TOKEN_IDENT] = "IDENTIFIER",
                [CEL_TOKEN_ESCAPED] = "ESC_IDENTIFIER",
                [CEL_TOKEN_INT] = "NUM_INT",
                [CEL_TOKEN_UINT] = "NUM_UINT",
                [CEL_TOKEN_DOUBLE] = "NUM_FLOAT",
                [CEL_TOKEN_STRING] = "STRING",
                [CEL_TOKEN_BYTES] = "BYTES",
                [CEL_TOKEN_TRUE] = "'true'",
                [CEL_TOKEN_FALSE] = "'false'",
                [CEL_TOKEN_NULL] = "'null'",
                [CEL_TOKEN_IN] = "'in'",
                [CEL_TOKEN_EQUAL] = "'=='",
                [CEL_TOKEN_NOT_EQUAL] = "'!='",
                [CEL_TOKEN_LESS] = "'<'",
                [CEL_TOKEN_LESS_EQUAL] = "'<='",
                [CEL_TOKEN_GREATER] = "'>'",
                [CEL_TOKEN_GREATER_EQUAL] = "'>='",
                [CEL_TOKEN_AND] = "'&&'",
                [CEL_TOKEN_OR] = "'||'",
                [CEL_TOKEN_LEFT_BRACKET] = "'['",
                [CEL_TOKEN_RIGHT_BRACKET] = "']'",
                [CEL_TOKEN_LEFT_BRACE] = "'{'",
                [CEL_TOKEN_RIGHT_BRACE] = "'}'",
                [CEL_TOKEN_LEFT_PAREN] = "'('",
                [CEL_TOKEN_RIGHT_PAREN] = "')'",
                [CEL_TOKEN_DOT] = "'.'",
                [CEL_TOKEN_COMMA] = "','",
                [CEL_TOKEN_MINUS] = "'-'",
                [CEL_TOKEN_NOT] = "'!'",
                [CEL_TOKEN_QUESTION] = "'?'",
                [CEL_TOKEN_COLON] = "':'",
                [CEL_TOKEN_PLUS] = "'+'",
                [CEL_TOKEN_STAR] = "'*'",
                [CEL_TOKEN_SLASH] = "'/'",
                [CEL_TOKEN_PERCENT] = "'%'",
        };

        return names[kind];
}

static bool is_letter(int c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(int c) {
        return c >= '0' && c <= '9';
}

static int hex_value(int c) {
        if (is_digit(c))
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* The byte at AT, -1 beyond the end. */
static int at(struct str s, size_t index) {
        return index < s.len ? (unsigned char)s.ptr[index] : -1;
}

static size_t skip_digits(struct str s, size_t index) {
        while (is_digit(at(s, index)))
                index++;
        return index;
}

static size_t skip_hex(struct str s, size_t index) {
        while (hex_value(at(s, index)) >= 0)
                index++;
        return index;
}

/* Behind "e+10" at INDEX, or INDEX. */
static size_t skip_exponent(struct str s, size_t index) {
        size_t digits = index + 1;

        if (at(s, index) != 'e' && at(s, index) != 'E')
                return index;
        if (at(s, digits) == '+' || at(s, digits) == '-')
                digits++;
        return is_digit(at(s, digits)) ? skip_digits(s, digits) : index;
}

/* The length of the number at the start of S. */
static size_t match_number(struct str s, enum cel_token_kind *ret_kind) {
        size_t end, exponent;

        *ret_kind = CEL_TOKEN_INT;
        if (at(s, 0) == '0' && at(s, 1) == 'x' && hex_value(at(s, 2)) >= 0) {
                end = skip_hex(s, 2);
        } else {
                end = skip_digits(s, 0);
                if (at(s, end) == '.' && is_digit(at(s, end + 1))) {
                        *ret_kind = CEL_TOKEN_DOUBLE;
                        return skip_exponent(s, skip_digits(s, end + 1));
                }
                exponent = skip_exponent(s, end);
                if (exponent > end) {
                        *ret_kind = CEL_TOKEN_DOUBLE;
                        return exponent;
                }
        }
        if (at(s, end) == 'u' || at(s, end) == 'U') {
                *ret_kind = CEL_TOKEN_UINT;
                end++;
        }
        return end;
}

/* Behind the escape sequence at INDEX (of the backslash); 0 where there is no valid one. */
static size_t skip_escape(struct str s, size_t index) {
        int c = at(s, index + 1);
        size_t digits = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;

        if (digits > 0) {
                for (size_t i = 0; i < digits; i++)
                        if (hex_value(at(s, index + 2 + i)) < 0)
                                return 0;
                return index + 2 + digits;
        }
        if (c >= '0' && c <= '3') {
                for (size_t i = 2; i < 4; i++)
                        if (at(s, index + i) < '0' || at(s, index + i) > '7')
                                return 0;
                return index + 4;
        }
        return c > 0 && strchr("abfnrtv\"'\\?`", c) ? index + 2 : 0;
}

/* Behind the quoted text at INDEX of S, which ends with QUOTES (1 or 3) quotes. Returns 0 where it
 * does not end as it should; *RET_STOP is where that shows. */
static size_t match_quoted(struct str s, size_t index, size_t quotes, bool raw, size_t *ret_stop) {
        int quote = at(s, index);
        size_t i = index + quotes;

        while (i < s.len) {
                int c = at(s, i);
                size_t end;

                if (c == quote && (quotes == 1 || (at(s, i + 1) == quote && at(s, i + 2) == quote)))
                        return i + quotes;
                if (quotes == 1 && (c == '\n' || c == '\r'))
                        break;
                if (c == '\\' && !raw) {
                        end = skip_escape(s, i);
                        if (end == 0) {
                                i++;
                                break;
                        }
                        i = end;
                } else {
                        i++;
                }
        }
        *ret_stop = i;
        return 0;
}

/* The length of the string or bytes literal at the start of S, 0 where there is none. One that is
 * broken becomes CEL_TOKEN_BAD. */
static size_t match_string(struct str s, enum cel_token_kind *ret_kind) {
        size_t index = 0, end, stop = 0;
        bool raw = false;

        *ret_kind = CEL_TOKEN_STRING;
        if (at(s, index) == 'b' || at(s, index) == 'B') {
                *ret_kind = CEL_TOKEN_BYTES;
                index++;
        }
        if (at(s, index) == 'r' || at(s, index) == 'R') {
                raw = true;
                index++;
        }
        if (at(s, index) != '"' && at(s, index) != '\'')
                return 0;
        if (at(s, index + 1) == at(s, index) && at(s, index + 2) == at(s, index)) {
                end = match_quoted(s, index, 3, raw, &stop);
                if (end > 0)
                        return end;
        }
        end = match_quoted(s, index, 1, raw, &stop);
        if (end > 0)
                return end;
        *ret_kind = CEL_TOKEN_BAD;
        if (stop < s.len)
                (void)utf8_next(s, &stop);
        return stop;
}

static size_t match_ident(struct str s, enum cel_token_kind *ret_kind) {
        static const struct {
                struct str text;
                enum cel_token_kind kind;
        } keywords[] = {
                { STR_INIT("true"), CEL_TOKEN_TRUE },
                { STR_INIT("false"), CEL_TOKEN_FALSE },
                { STR_INIT("null"), CEL_TOKEN_NULL },
                { STR_INIT("in"), CEL_TOKEN_IN },
        };
        size_t end = 0;

        if (!is_letter(at(s, 0)) && at(s, 0) != '_')
                return 0;
        while (is_letter(at(s, end)) || is_digit(at(s, end)) || at(s, end) == '_')
                end++;
        *ret_kind = CEL_TOKEN_IDENT;
        for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
                if (str_eq(str_slice(s, 0, end), keywords[i].text))
                        *ret_kind = keywords[i].kind;
        return end;
}

static size_t match_escaped(struct str s) {
        size_t end = 1;

        while (is_letter(at(s, end)) || is_digit(at(s, end)) ||
               (at(s, end) > 0 && strchr("_.-/ ", at(s, end))))
                end++;
        return end > 1 && at(s, end) == '`' ? end + 1 : 0;
}

static size_t match_symbol(struct str s, enum cel_token_kind *ret_kind) {
        for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
                if (str_starts(s, str_from(symbols[i].text))) {
                        *ret_kind = symbols[i].kind;
                        return strlen(symbols[i].text);
                }
        return 0;
}

/* The length of the token at the start of S, which is not empty. */
static size_t match_token(struct str s, enum cel_token_kind *ret_kind) {
        int c = at(s, 0);
        size_t len;

        if (is_digit(c))
                return match_number(s, ret_kind);
        if (c == '.' && is_digit(at(s, 1))) {
                *ret_kind = CEL_TOKEN_DOUBLE;
                return skip_exponent(s, skip_digits(s, 1));
        }
        len = match_string(s, ret_kind);
        if (len == 0)
                len = match_ident(s, ret_kind);
        if (len == 0 && c == '`') {
                *ret_kind = CEL_TOKEN_ESCAPED;
                len = match_escaped(s);
        }
        if (len == 0)
                len = match_symbol(s, ret_kind);
        if (len == 0) {
                *ret_kind = CEL_TOKEN_BAD;
                (void)utf8_next(s, &len);
                if ((c == '|' || c == '&' || c == '=') && len < s.len)
                        (void)utf8_next(s, &len); /* half of an operator: tells what follows */
        }
        return len;
}

/* Moves over LEN bytes. */
static void advance(struct lexer *lexer, size_t len) {
        size_t end = lexer->offset + len;

        while (lexer->offset < end) {
                int32_t c = utf8_next(lexer->text, &lexer->offset);

                if (c == '\n') {
                        lexer->pos.line++;
                        lexer->pos.column = 1;
                } else {
                        lexer->pos.column++;
                }
        }
}

static void skip_space(struct lexer *lexer) {
        for (;;) {
                int c = at(lexer->text, lexer->offset);
                size_t len = 0;

                if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
                        len = 1;
                } else if (c == '/' && at(lexer->text, lexer->offset + 1) == '/') {
                        while (lexer->offset + len < lexer->text.len &&
                               lexer->text.ptr[lexer->offset + len] != '\n')
                                len++;
                }
                if (len == 0)
                        return;
                advance(lexer, len);
        }
}

struct cel_token *cel_lex(struct arena *arena, struct str text) {
        struct lexer lexer = { .text = text, .pos = { 1, 1 } };
        VEC(struct cel_token) tokens = { 0 };

        for (;;) {
                struct cel_token *token = vec_push_in(arena, &tokens);
                size_t len = 0;

                skip_space(&lexer);
                token->pos = token->end = lexer.pos;
                if (lexer.offset >= text.len)
                        return tokens.items;
                token->text = str_slice(text, lexer.offset, text.len);
                len = match_token(token->text, &token->kind);
                token->text.len = len;
                advance(&lexer, len);
                token->end = lexer.pos;
                if (token->kind == CEL_TOKEN_BAD)
                        return tokens.items;
        }
}

/* The code of the escape at INDEX of S (behind the backslash is its kind); *INDEX moves behind it.
 * *RET_NUMERIC: written as a number. */
static int64_t escape_code(struct str s, size_t *index, bool *ret_numeric) {
        static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
        size_t end = skip_escape(s, *index);
        int c = at(s, *index + 1);
        const char *simple = strchr(from, c);
        int64_t code = 0;

        *ret_numeric = true;
        if (is_digit(c)) {
                for (size_t i = *index + 1; i < end; i++)
                        code = code * 8 + (s.ptr[i] - '0');
        } else if (c == 'x' || c == 'X' || c == 'u' || c == 'U') {
                for (size_t i = *index + 2; i < end; i++)
                        code = code * 16 + hex_value(s.ptr[i]);
        } else {
                *ret_numeric = false;
                code = simple ? to[simple - from] : c;
        }
        *index = end;
        return code;
}

static const char *unescape(struct str s, bool bytes, struct buf *buf) {
        for (size_t i = 0; i < s.len;) {
                bool numeric;
                char utf8[4];
                int64_t code;
                int kind;

                if (s.ptr[i] != '\\') {
                        buf_add_char(buf, s.ptr[i++]);
                        continue;
                }
                kind = at(s, i + 1);
                code = escape_code(s, &i, &numeric);
                if (bytes && (kind == 'u' || kind == 'U'))
                        return "unable to unescape string";
                if (!numeric || bytes || code < 0x80) {
                        buf_add_char(buf, (char)(unsigned char)code);
                        continue;
                }
                size_t len = code > 0x10ffff ? 0 : utf8_encode((int32_t)code, utf8);

                if (len == 0)
                        return "invalid unicode code point";
                buf_add(buf, (struct str){ utf8, len });
        }
        return NULL;
}

/* \r\n and \r become \n, in raw literals too (cel-go parser/unescape.go). */
static struct str normalize_newlines(struct arena *arena, struct str s) {
        char *out = arena_alloc(arena, s.len + 1);
        size_t len = 0;

        for (size_t i = 0; i < s.len; i++) {
                if (s.ptr[i] == '\r' && at(s, i + 1) == '\n')
                        continue;
                out[len++] = s.ptr[i] == '\r' ? '\n' : s.ptr[i];
        }
        return (struct str){ out, len };
}

const char *cel_unquote(struct arena *arena, const struct cel_token *token, struct str *ret) {
        _cleanup_(buf_free) struct buf buf = BUF_INIT;
        struct str s = token->text;
        bool raw = false;
        size_t quotes = 1;
        const char *problem;

        if (token->kind == CEL_TOKEN_BYTES)
                s = str_slice(s, 1, s.len);
        if (s.ptr[0] == 'r' || s.ptr[0] == 'R') {
                raw = true;
                s = str_slice(s, 1, s.len);
        }
        if (s.len >= 6 && s.ptr[1] == s.ptr[0] && s.ptr[2] == s.ptr[0])
                quotes = 3;
        s = normalize_newlines(arena, str_slice(s, quotes, s.len - quotes));
        if (raw || !memchr(s.ptr, '\\', s.len)) {
                *ret = s;
                return NULL;
        }
        problem = unescape(s, token->kind == CEL_TOKEN_BYTES, &buf);
        if (!problem)
                *ret = arena_str(arena, buf_str(&buf));
        return problem;
}
