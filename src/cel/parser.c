#include "cel/parser.h"

#include "base/utf8.h"
#include "base/vec.h"

const struct cel_limits cel_default_limits = { .recursion = 250, .code_points = 100 * 1000 };

static struct cel_expr *parse_expr(struct cel_parser *parser);

struct expr_list {
        struct cel_expr **items;
        size_t count, capacity;
};

struct cel_expr *cel_parser_fail(struct cel_parser *parser, struct doc_pos pos, const char *format,
                                 ...) {
        char message[sizeof(parser->error->message)];
        struct doc_pos first = parser->failed_at;
        va_list args;

        if (parser->failed &&
            (pos.line > first.line || (pos.line == first.line && pos.column >= first.column)))
                return NULL;
        parser->failed = true;
        parser->failed_at = pos;
        va_start(args, format);
        (void)vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        error_set_at(parser->error, -EINVAL, pos.line, pos.column, "%s", message);
        return NULL;
}

struct cel_expr *cel_parser_node(struct cel_parser *parser, enum cel_expr_kind kind,
                                 struct doc_pos start, struct doc_pos mark) {
        struct cel_expr *expr = arena_new(parser->arena, struct cel_expr);

        expr->kind = kind;
        expr->id = parser->next_id++;
        expr->pos = start;
        expr->mark = mark;
        expr->end = parser->end;
        return expr;
}

void cel_parser_next(struct cel_parser *parser) {
        parser->end = parser->token->end;
        if (parser->token->kind != CEL_TOKEN_END && parser->token->kind != CEL_TOKEN_BAD)
                parser->token++;
}

static bool accept(struct cel_parser *parser, enum cel_token_kind kind) {
        if (parser->token->kind != kind)
                return false;
        cel_parser_next(parser);
        return true;
}

/* The next token is not what the grammar wants. */
static struct cel_expr *unexpected(struct cel_parser *parser, const char *expecting) {
        const struct cel_token *token = parser->token;
        struct str text = token->kind == CEL_TOKEN_END ? STR("<EOF>") : token->text;

        if (token->kind == CEL_TOKEN_BAD)
                return cel_parser_fail(parser, token->pos,
                                       "Syntax error: token recognition error at: '%.*s'",
                                       STR_ARG(text));
        return cel_parser_fail(parser, token->pos,
                               "Syntax error: mismatched input '%.*s' expecting %s", STR_ARG(text),
                               expecting);
}

/* Whether an expression may begin with KIND. */
static bool begins_expr(enum cel_token_kind kind) {
        switch (kind) {
        case CEL_TOKEN_IDENT:
        case CEL_TOKEN_INT:
        case CEL_TOKEN_UINT:
        case CEL_TOKEN_DOUBLE:
        case CEL_TOKEN_STRING:
        case CEL_TOKEN_BYTES:
        case CEL_TOKEN_TRUE:
        case CEL_TOKEN_FALSE:
        case CEL_TOKEN_NULL:
        case CEL_TOKEN_LEFT_BRACKET:
        case CEL_TOKEN_LEFT_BRACE:
        case CEL_TOKEN_LEFT_PAREN:
        case CEL_TOKEN_DOT:
        case CEL_TOKEN_MINUS:
        case CEL_TOKEN_NOT:
                return true;
        default:
                return false;
        }
}

/* The next token begins no expression; it is called extraneous where the one behind it would. */
static struct cel_expr *expected_expr(struct cel_parser *parser) {
        static const char set[] = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', "
                                  "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
        const struct cel_token *token = parser->token;

        if (token->kind == CEL_TOKEN_END || token->kind == CEL_TOKEN_BAD ||
            !begins_expr(token[1].kind))
                return unexpected(parser, set);
        return cel_parser_fail(parser, token->pos,
                               "Syntax error: extraneous input '%.*s' expecting %s",
                               STR_ARG(token->text), set);
}

static bool expect(struct cel_parser *parser, enum cel_token_kind kind) {
        if (accept(parser, kind))
                return true;
        (void)unexpected(parser, cel_token_name(kind));
        return false;
}

static bool enter(struct cel_parser *parser, uint32_t *depth) {
        if (++*depth <= parser->options->limits.recursion)
                return true;
        (void)cel_parser_fail(parser, parser->token->pos, "expression recursion limit exceeded: %u",
                              parser->options->limits.recursion);
        return false;
}

/* Sets EXPR's height: that of its highest child, one more where it COUNTS itself. */
static struct cel_expr *set_height(struct cel_parser *parser, struct cel_expr *expr, int child,
                                   bool counts) {
        int height = child + (counts ? 1 : 0);

        *cel_parser_height(expr) = height;
        if (height > (int)parser->options->limits.recursion)
                return cel_parser_fail(parser, expr->mark, "max recursion depth exceeded");
        return expr;
}

static int list_height(struct cel_expr *const *items, size_t count, int height) {
        for (size_t i = 0; i < count; i++)
                height = MAX(height, *cel_parser_height(items[i]));
        return height;
}

static struct cel_expr *operator_node(struct cel_parser *parser, enum cel_op op,
                                      struct doc_pos start, struct doc_pos mark,
                                      struct cel_expr *const *args, size_t count, bool counts) {
        struct cel_expr *expr = cel_parser_node(parser, CEL_EXPR_CALL, start, mark);

        expr->op = op;
        expr->args = arena_copy(parser->arena, args, count * sizeof(*args));
        expr->arg_count = count;
        return set_height(parser, expr, list_height(args, count, 0), counts);
}

/* --- names --- */

/* Reserved for the future; they are fine as field names (cel-go parser.go, reservedIds). */
static bool reserved(struct str name) {
        static const char *const words[] = { "as",   "break",    "const",     "continue", "else",
                                             "for",  "function", "if",        "import",   "let",
                                             "loop", "package",  "namespace", "return",   "var",
                                             "void", "while" };

        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (str_eq(name, str_from(words[i])))
                        return true;
        return false;
}

/* A field name; Kubernetes does not enable names in backticks. */
static bool parse_field(struct cel_parser *parser, struct str *ret) {
        struct str text = parser->token->text;

        if (parser->token->kind != CEL_TOKEN_ESCAPED) {
                *ret = text;
                return expect(parser, CEL_TOKEN_IDENT);
        }
        if (!parser->options->full) {
                (void)cel_parser_fail(parser, parser->token->pos, "unsupported syntax: '`'");
                return false;
        }
        *ret = str_slice(text, 1, text.len - 1);
        cel_parser_next(parser);
        return true;
}

/* "?" where optional syntax may stand. Returns false on failure. */
static bool accept_optional(struct cel_parser *parser, bool *ret) {
        *ret = parser->token->kind == CEL_TOKEN_QUESTION;
        if (!*ret)
                return true;
        if (!parser->options->optionals) {
                (void)cel_parser_fail(parser, parser->token->pos, "unsupported syntax '?'");
                return false;
        }
        cel_parser_next(parser);
        return true;
}

/* --- primary --- */

/* exprList? ')' */
static bool parse_args(struct cel_parser *parser, struct expr_list *args) {
        if (accept(parser, CEL_TOKEN_RIGHT_PAREN))
                return true;
        do {
                struct cel_expr *arg = parse_expr(parser);

                if (!arg)
                        return false;
                *vec_push_in(parser->arena, args) = arg;
        } while (accept(parser, CEL_TOKEN_COMMA));
        return expect(parser, CEL_TOKEN_RIGHT_PAREN);
}

/* The call of NAME, behind its '('. */
static struct cel_expr *parse_call(struct cel_parser *parser, struct str name,
                                   struct cel_expr *target, struct doc_pos start,
                                   struct doc_pos mark) {
        struct expr_list args = { 0 };
        struct cel_expr *expr;
        struct cel_call call;
        int height;

        if (!parse_args(parser, &args))
                return NULL;
        call = (struct cel_call){ name, target, args.items, args.count, start, mark, parser->end };
        height = list_height(args.items, args.count, target ? *cel_parser_height(target) : 0);
        if (!cel_parser_macro(parser, &call, &expr)) {
                expr = cel_parser_node(parser, CEL_EXPR_CALL, start, mark);
                expr->name = name;
                expr->target = target;
                expr->args = args.items;
                expr->arg_count = args.count;
        }
        return expr ? set_height(parser, expr, height, target != NULL) : NULL;
}

/* '[' is the next token. */
static struct cel_expr *parse_list(struct cel_parser *parser) {
        struct doc_pos start = parser->token->pos;
        struct expr_list items = { 0 };
        VEC(bool) optional = { 0 };
        bool any = false;
        struct cel_expr *expr;

        cel_parser_next(parser);
        while (parser->token->kind != CEL_TOKEN_RIGHT_BRACKET &&
               parser->token->kind != CEL_TOKEN_COMMA) {
                if (!accept_optional(parser, vec_push_in(parser->arena, &optional)))
                        return NULL;
                any = any || optional.items[optional.count - 1];
                expr = parse_expr(parser);
                if (!expr)
                        return NULL;
                *vec_push_in(parser->arena, &items) = expr;
                if (parser->token->kind != CEL_TOKEN_COMMA)
                        break;
                cel_parser_next(parser);
                if (parser->token->kind == CEL_TOKEN_RIGHT_BRACKET)
                        break;
                if (parser->token->kind == CEL_TOKEN_COMMA)
                        return unexpected(parser, "']'");
        }
        if (items.count == 0)
                (void)accept(parser, CEL_TOKEN_COMMA);
        if (!expect(parser, CEL_TOKEN_RIGHT_BRACKET))
                return NULL;
        expr = cel_parser_node(parser, CEL_EXPR_LIST, start, start);
        expr->args = items.items;
        expr->arg_count = items.count;
        expr->optional_items = any ? optional.items : NULL;
        return set_height(parser, expr, list_height(items.items, items.count, 0), false);
}

/* The key of an entry: an expression for maps, a field name for messages. */
static struct cel_expr *parse_key(struct cel_parser *parser, bool message) {
        struct doc_pos start = parser->token->pos;
        struct str name;

        if (!message)
                return parse_expr(parser);
        return parse_field(parser, &name) ? cel_parser_constant(parser, start, cel_string(name))
                                          : NULL;
}

/* '{' is the next token: a map, or a MESSAGE named NAME. */
static struct cel_expr *parse_entries(struct cel_parser *parser, struct doc_pos start, bool message,
                                      struct str name) {
        struct doc_pos mark = parser->token->pos;
        VEC(struct cel_map_entry_expr) entries = { 0 };
        struct cel_expr *expr;
        int height = 0;

        cel_parser_next(parser);
        while (parser->token->kind != CEL_TOKEN_RIGHT_BRACE &&
               parser->token->kind != CEL_TOKEN_COMMA) {
                struct cel_map_entry_expr *entry = vec_push_in(parser->arena, &entries);

                if (!accept_optional(parser, &entry->optional))
                        return NULL;
                entry->key = parse_key(parser, message);
                if (!entry->key)
                        return NULL;
                if (message) /* where cel-go places problems of a field */
                        entry->key->mark = parser->token->pos;
                if (!expect(parser, CEL_TOKEN_COLON))
                        return NULL;
                entry->value = parse_expr(parser);
                if (!entry->value)
                        return NULL;
                height = MAX(height, *cel_parser_height(entry->key));
                height = MAX(height, *cel_parser_height(entry->value));
                if (parser->token->kind != CEL_TOKEN_COMMA)
                        break;
                cel_parser_next(parser);
                if (parser->token->kind == CEL_TOKEN_RIGHT_BRACE)
                        break;
                if (parser->token->kind == CEL_TOKEN_COMMA)
                        return unexpected(parser, "'}'");
        }
        if (entries.count == 0)
                (void)accept(parser, CEL_TOKEN_COMMA);
        if (!expect(parser, CEL_TOKEN_RIGHT_BRACE))
                return NULL;
        expr = cel_parser_node(parser, message ? CEL_EXPR_STRUCT : CEL_EXPR_MAP, start, mark);
        expr->name = name;
        expr->entries = entries.items;
        expr->entry_count = entries.count;
        return set_height(parser, expr, height, false);
}

/* The name up to the '{' of a message construction that begins here, or an empty string. */
static struct str message_name(struct cel_parser *parser) {
        const struct cel_token *token = parser->token;
        const char *begin = token->text.ptr;

        if (token->kind == CEL_TOKEN_DOT)
                token++;
        for (;; token += 2) {
                if (token->kind != CEL_TOKEN_IDENT)
                        return (struct str){ 0 };
                if (token[1].kind != CEL_TOKEN_DOT)
                        break;
        }
        if (token[1].kind != CEL_TOKEN_LEFT_BRACE)
                return (struct str){ 0 };

        /* White space may stand between the parts: put together only what was written. */
        struct str name = { begin, (size_t)(token->text.ptr + token->text.len - begin) };
        char *out = arena_alloc(parser->arena, name.len + 1);
        size_t len = 0;

        for (const struct cel_token *t = parser->token; t <= token; t++) {
                memcpy(out + len, t->text.ptr, t->text.len);
                len += t->text.len;
        }
        parser->token = token;
        cel_parser_next(parser);
        return (struct str){ out, len };
}

/* An identifier, a call, or a message; the next token is IDENT, or DOT. */
static struct cel_expr *parse_name(struct cel_parser *parser) {
        struct doc_pos start = parser->token->pos, ident, mark;
        struct str name = message_name(parser);
        bool absolute;
        struct cel_expr *expr;

        if (name.len > 0)
                return parse_entries(parser, start, true, name);
        absolute = accept(parser, CEL_TOKEN_DOT);
        ident = parser->token->pos;
        name = parser->token->text;
        if (!expect(parser, CEL_TOKEN_IDENT))
                return NULL;
        if (reserved(name))
                return cel_parser_fail(parser, start, "reserved identifier: %.*s", STR_ARG(name));
        if (absolute)
                name = arena_printf(parser->arena, ".%.*s", STR_ARG(name));
        mark = parser->token->pos;
        if (accept(parser, CEL_TOKEN_LEFT_PAREN))
                return parse_call(parser, name, NULL, start, mark);
        expr = cel_parser_node(parser, CEL_EXPR_IDENT, start, ident);
        expr->name = name;
        expr->absolute = absolute;
        return expr;
}

static struct cel_expr *parse_primary(struct cel_parser *parser) {
        struct cel_expr *expr;

        switch (parser->token->kind) {
        case CEL_TOKEN_LEFT_PAREN:
                cel_parser_next(parser);
                expr = parse_expr(parser);
                return expr && expect(parser, CEL_TOKEN_RIGHT_PAREN) ? expr : NULL;
        case CEL_TOKEN_LEFT_BRACKET:
                return parse_list(parser);
        case CEL_TOKEN_LEFT_BRACE:
                return parse_entries(parser, parser->token->pos, false, (struct str){ 0 });
        case CEL_TOKEN_IDENT:
        case CEL_TOKEN_DOT:
                return parse_name(parser);
        default:
                expr = cel_parse_literal(parser);
                if (expr || parser->failed)
                        return expr;
                return expected_expr(parser);
        }
}

/* --- member --- */

/* The name behind '.': a select or a method call. */
static struct cel_expr *parse_dot(struct cel_parser *parser, struct cel_expr *operand,
                                  struct doc_pos start, struct doc_pos dot) {
        bool optional = accept(parser, CEL_TOKEN_QUESTION);
        bool escaped = parser->token->kind == CEL_TOKEN_ESCAPED;
        struct doc_pos mark;
        struct cel_expr *expr;
        struct str name;

        if (optional && !parser->options->optionals)
                return cel_parser_fail(parser, dot, "unsupported syntax '.?'");
        if (!parse_field(parser, &name))
                return NULL;
        mark = parser->token->pos;
        if (!optional && !escaped && accept(parser, CEL_TOKEN_LEFT_PAREN))
                return parse_call(parser, name, operand, start, mark);
        expr = cel_parser_node(parser, CEL_EXPR_SELECT, start, dot);
        expr->target = operand;
        expr->name = name;
        expr->hash = str_hash(name);
        expr->optional = optional;
        return set_height(parser, expr, *cel_parser_height(operand), true);
}

static struct cel_expr *parse_index(struct cel_parser *parser, struct cel_expr *operand,
                                    struct doc_pos start, struct doc_pos mark) {
        bool optional = accept(parser, CEL_TOKEN_QUESTION);
        struct cel_expr *args[2] = { operand };

        if (optional && !parser->options->optionals)
                return cel_parser_fail(parser, mark, "unsupported syntax '[?'");
        args[1] = parse_expr(parser);
        if (!args[1] || !expect(parser, CEL_TOKEN_RIGHT_BRACKET))
                return NULL;
        return operator_node(parser, optional ? CEL_OP_OPTIONAL_INDEX : CEL_OP_INDEX, start, mark,
                             args, 2, true);
}

/* MEMBER, or the primary that begins here, and what is selected from it. */
static struct cel_expr *parse_member(struct cel_parser *parser, struct cel_expr *member,
                                     struct doc_pos start) {
        if (!member)
                member = parse_primary(parser);
        while (member) {
                struct doc_pos mark = parser->token->pos;

                if (accept(parser, CEL_TOKEN_DOT))
                        member = parse_dot(parser, member, start, mark);
                else if (accept(parser, CEL_TOKEN_LEFT_BRACKET))
                        member = parse_index(parser, member, start, mark);
                else
                        break;
        }
        return member;
}

/* --- operators --- */

/* A chain of the same sign; a '-' right before a number belongs to the number. */
static struct cel_expr *parse_unary(struct cel_parser *parser) {
        struct doc_pos start = parser->token->pos;
        enum cel_token_kind sign = parser->token->kind;
        enum cel_token_kind after;
        struct cel_expr *expr;
        bool odd = false;

        if (sign != CEL_TOKEN_MINUS && sign != CEL_TOKEN_NOT)
                return parse_member(parser, NULL, start);
        after = parser->token[1].kind;
        if (sign == CEL_TOKEN_MINUS && (after == CEL_TOKEN_INT || after == CEL_TOKEN_DOUBLE)) {
                cel_parser_next(parser);
                expr = cel_parse_negative(parser, start);
                return expr ? parse_member(parser, expr, start) : NULL;
        }
        while (accept(parser, sign))
                odd = !odd;
        if (sign == CEL_TOKEN_NOT && parser->token->kind == CEL_TOKEN_MINUS &&
            (parser->token[1].kind == CEL_TOKEN_INT || parser->token[1].kind == CEL_TOKEN_DOUBLE))
                expr = parse_unary(parser);
        else
                expr = parse_member(parser, NULL, parser->token->pos);
        if (!expr || !odd)
                return expr;
        return operator_node(parser, sign == CEL_TOKEN_NOT ? CEL_OP_NOT : CEL_OP_NEGATE, start,
                             start, &expr, 1, false);
}

/* The operator of a token and how tightly it binds: 1 relations, 2 sums, 3 products; 0 for none. */
static int binary_operator(enum cel_token_kind kind, enum cel_op *ret_op) {
        static const struct {
                enum cel_op op;
                int precedence;
        } operators[] = {
                [CEL_TOKEN_EQUAL] = { CEL_OP_EQUAL, 1 },
                [CEL_TOKEN_NOT_EQUAL] = { CEL_OP_NOT_EQUAL, 1 },
                [CEL_TOKEN_LESS] = { CEL_OP_LESS, 1 },
                [CEL_TOKEN_LESS_EQUAL] = { CEL_OP_LESS_EQUAL, 1 },
                [CEL_TOKEN_GREATER] = { CEL_OP_GREATER, 1 },
                [CEL_TOKEN_GREATER_EQUAL] = { CEL_OP_GREATER_EQUAL, 1 },
                [CEL_TOKEN_IN] = { CEL_OP_IN, 1 },
                [CEL_TOKEN_PLUS] = { CEL_OP_ADD, 2 },
                [CEL_TOKEN_MINUS] = { CEL_OP_SUBTRACT, 2 },
                [CEL_TOKEN_STAR] = { CEL_OP_MULTIPLY, 3 },
                [CEL_TOKEN_SLASH] = { CEL_OP_DIVIDE, 3 },
                [CEL_TOKEN_PERCENT] = { CEL_OP_MODULO, 3 },
        };

        *ret_op = operators[kind].op;
        return operators[kind].precedence;
}

/* calc: operators that bind at least as tightly as PRECEDENCE; the rule enters itself for the right
 * operand, which counts for the nesting. */
static struct cel_expr *parse_calc(struct cel_parser *parser, int precedence) {
        struct doc_pos start = parser->token->pos;
        struct cel_expr *args[2];

        if (!enter(parser, &parser->calc_depth))
                return NULL;
        args[0] = parse_unary(parser);
        while (args[0]) {
                struct doc_pos mark = parser->token->pos;
                enum cel_op op;
                int binds = binary_operator(parser->token->kind, &op);

                if (binds < 2 || binds < precedence)
                        break;
                cel_parser_next(parser);
                args[1] = parse_calc(parser, binds + 1);
                if (!args[1])
                        return NULL;
                args[0] = operator_node(parser, op, start, mark, args, 2, true);
        }
        parser->calc_depth--;
        return args[0];
}

static struct cel_expr *parse_relation(struct cel_parser *parser, bool right) {
        struct doc_pos start = parser->token->pos;
        struct cel_expr *args[2];

        if (!enter(parser, &parser->relation_depth))
                return NULL;
        args[0] = parse_calc(parser, 2);
        while (args[0] && !right) {
                struct doc_pos mark = parser->token->pos;
                enum cel_op op;

                if (binary_operator(parser->token->kind, &op) != 1)
                        break;
                cel_parser_next(parser);
                args[1] = parse_relation(parser, true);
                if (!args[1])
                        return NULL;
                args[0] = operator_node(parser, op, start, mark, args, 2, true);
        }
        parser->relation_depth--;
        return args[0];
}

/* The terms of a chain of && or ||. */
struct chain {
        enum cel_op op;
        struct expr_list terms;
        struct doc_pos *marks; /* of the operator behind each term */
        size_t mark_count, mark_capacity;
};

/* The operators [LOW, HIGH] of CHAIN as a balanced tree; LOW <= HIGH. Depth is logarithmic. */
static struct cel_expr *balance(struct cel_parser *parser, const struct chain *chain, size_t low,
                                size_t high) {
        size_t middle = (low + high + 1) / 2;
        struct cel_expr *args[2], *expr;

        args[0] = middle == low ? chain->terms.items[middle]
                                : balance(parser, chain, low, middle - 1);
        args[1] = middle == high ? chain->terms.items[middle + 1]
                                 : balance(parser, chain, middle + 1, high);
        expr = operator_node(parser, chain->op, args[0]->pos, chain->marks[middle], args, 2, false);
        expr->end = args[1]->end;
        return expr;
}

static struct cel_expr *parse_and(struct cel_parser *parser) {
        struct chain chain = { .op = CEL_OP_AND };
        struct cel_expr *term;

        for (;;) {
                term = parse_relation(parser, false);
                if (!term)
                        return NULL;
                if (parser->token->kind != CEL_TOKEN_AND && chain.terms.count == 0)
                        return term;
                *vec_push_in(parser->arena, &chain.terms) = term;
                if (parser->token->kind != CEL_TOKEN_AND)
                        return balance(parser, &chain, 0, chain.terms.count - 2);
                chain.marks = vec_grow(chain.marks, chain.mark_count, &chain.mark_capacity,
                                       sizeof(*chain.marks), parser->arena);
                chain.marks[chain.mark_count++] = parser->token->pos;
                cel_parser_next(parser);
        }
}

static struct cel_expr *parse_or(struct cel_parser *parser) {
        struct chain chain = { .op = CEL_OP_OR };
        struct cel_expr *term;

        for (;;) {
                term = parse_and(parser);
                if (!term)
                        return NULL;
                if (parser->token->kind != CEL_TOKEN_OR && chain.terms.count == 0)
                        return term;
                *vec_push_in(parser->arena, &chain.terms) = term;
                if (parser->token->kind != CEL_TOKEN_OR)
                        return balance(parser, &chain, 0, chain.terms.count - 2);
                chain.marks = vec_grow(chain.marks, chain.mark_count, &chain.mark_capacity,
                                       sizeof(*chain.marks), parser->arena);
                chain.marks[chain.mark_count++] = parser->token->pos;
                cel_parser_next(parser);
        }
}

static struct cel_expr *parse_expr(struct cel_parser *parser) {
        struct doc_pos start = parser->token->pos, mark;
        struct cel_expr *args[3];

        if (!enter(parser, &parser->expr_depth))
                return NULL;
        args[0] = parse_or(parser);
        if (!args[0])
                return NULL;
        mark = parser->token->pos;
        if (accept(parser, CEL_TOKEN_QUESTION)) {
                args[1] = parse_or(parser);
                if (!args[1] || !expect(parser, CEL_TOKEN_COLON))
                        return NULL;
                args[2] = parse_expr(parser);
                if (!args[2])
                        return NULL;
                args[0] = operator_node(parser, CEL_OP_CONDITIONAL, start, mark, args, 3, true);
        }
        parser->expr_depth--;
        return args[0];
}

int cel_parse(struct arena *arena, struct str expression, const struct cel_parser_options *options,
              struct cel_expr **ret, struct error *error) {
        struct error ignored;
        struct cel_parser parser = {
                .arena = arena, .options = options, .next_id = 1, .error = error ? error : &ignored
        };
        size_t size = utf8_count(expression);
        struct cel_expr *expr;

        if (size > options->limits.code_points)
                return error_set_at(
                        error, -EINVAL, 1, 1,
                        "expression code point size exceeds limit: size: %zu, limit %zu", size,
                        options->limits.code_points);
        if (!utf8_valid(expression))
                return error_set_at(error, -EINVAL, 1, 1, "expression is not valid UTF-8");
        parser.token = cel_lex(arena, expression);
        expr = parse_expr(&parser);
        if (expr && parser.token->kind != CEL_TOKEN_END)
                expr = unexpected(&parser, "<EOF>");
        if (parser.failed)
                return -EINVAL;
        *ret = expr;
        return 0;
}
