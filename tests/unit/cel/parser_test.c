/*
 * The parser: places, limits, lexical corners. Expected messages and limits are those of cel-go
 * 0.26 as Kubernetes 1.36 configures it.
 */
#include "../test.h"
#include "syntax_test.h"

#include "base/buf.h"
#include "base/util.h"
#include "cel/ast.h"

static const struct cel_parser_options kubernetes = {
        .limits = { 250, 100 * 1000 }, .two_variables = true, .optionals = true, .sort_by = true
};

static int parse(struct arena *arena, struct str text, struct cel_expr **ret, struct error *error) {
        return cel_parse(arena, text, &kubernetes, ret, error);
}

static void problems_have_a_place_and_a_message(void **state _unused_) {
        static const struct {
                const char *text, *problem;
                uint32_t line, column;
        } cases[] = {
                { "1 +",
                  "Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', "
                  "'!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, "
                  "IDENTIFIER}",
                  1, 4 },
                { "a.b\n  .if == 1 &&\n  while", "reserved identifier: while", 3, 3 },
                { "'\xc3\xa9\xc3\xa9' + @", "Syntax error: token recognition error at: '@'", 1, 8 },
                { "a | b", "Syntax error: token recognition error at: '| '", 1, 3 },
                { "self.true", "Syntax error: mismatched input 'true' expecting IDENTIFIER", 1, 6 },
                { "1.99e90000009", "invalid double literal", 1, 1 },
                { "9223372036854775808", "invalid int literal", 1, 1 },
                { "-9223372036854775809", "invalid int literal", 1, 1 },
                { "18446744073709551616u", "invalid uint literal", 1, 1 },
                { "'\\udead'", "invalid unicode code point", 1, 1 },
                { "'\\U00110000'", "invalid unicode code point", 1, 1 },
                { "b'\\u00e9'", "unable to unescape string", 1, 1 },
                { "{'a': 1}.`a`", "unsupported syntax: '`'", 1, 10 },
                { "has(m)", "invalid argument to has() macro", 1, 5 },
                { "has(m.?f)", "invalid argument to has() macro", 1, 6 },
                { "m.map(a.b, 1)", "argument is not an identifier", 1, 8 },
                { "m.filter(1, true)", "argument is not an identifier", 1, 10 },
                { "m.all(1, true)", "argument must be a simple name", 1, 7 },
                { "m.exists(__result__, true)",
                  "iteration variable overwrites accumulator variable", 1, 10 },
                { "m.all(i, i, true)", "duplicate variable name: i", 1, 10 },
                { "m.optMap(1, 2)", "optMap() variable name must be a simple identifier", 1, 10 },
                { "'a'.sortBy(x, x)",
                  "sortBy can only be applied to a list, identifier, comprehension, call or select "
                  "expression",
                  1, 1 },
                { "m.map(a.b, 1) + n.map(1, 2)", "argument is not an identifier", 1, 8 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(arena_free) struct arena arena = ARENA_INIT;
                struct error error = { 0 };
                struct cel_expr *expr;

                assert_int_equal(parse(&arena, str_from(cases[i].text), &expr, &error), -EINVAL);
                assert_string_equal(error.message, cases[i].problem);
                assert_int_equal(error.line, cases[i].line);
                assert_int_equal(error.column, cases[i].column);
        }
}

static void literals_have_their_values(void **state _unused_) {
        static const struct {
                const char *text, *value;
                enum cel_kind kind;
        } cases[] = {
                { "\"a\\tb\"", "a\tb", CEL_STRING },
                { "'\\x41\\101\\u00e9\\U0001F600\\?\\`'", "AA\xc3\xa9\xf0\x9f\x98\x80?`",
                  CEL_STRING },
                { "b'\\xff\\377'", "\xff\xff", CEL_BYTES },
                { "b'\xc3\xbf'", "\xc3\xbf", CEL_BYTES },
                { "'\\xff'", "\xc3\xbf", CEL_STRING },
                { "r'\\n'", "\\n", CEL_STRING },
                { "bR\"\\x\"", "\\x", CEL_BYTES },
                { "'''a'b\n''c'''", "a'b\n''c", CEL_STRING },
                { "\"\"\"\r\n\r\"\"\"", "\n\n", CEL_STRING },
                { "r'''\r\n'''", "\n", CEL_STRING },
                { "''", "", CEL_STRING },
                { "\"\"\"\"\"\"", "", CEL_STRING },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(arena_free) struct arena arena = ARENA_INIT;
                struct cel_expr *expr;

                assert_int_equal(parse(&arena, str_from(cases[i].text), &expr, NULL), 0);
                assert_int_equal(expr->kind, CEL_EXPR_CONST);
                assert_int_equal(expr->constant.kind, cases[i].kind);
                assert_str(expr->constant.string, cases[i].value);
        }
}

static void numbers_have_their_values(void **state _unused_) {
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;
        struct cel_expr *expr;

        assert_int_equal(parse(&arena, STR("-9223372036854775808"), &expr, NULL), 0);
        assert_true(expr->constant.integer == INT64_MIN);
        assert_int_equal(parse(&arena, STR("-0x10"), &expr, NULL), 0);
        assert_true(expr->constant.integer == -16);
        assert_int_equal(parse(&arena, STR("0xFFFFFFFFFFFFFFFFu"), &expr, NULL), 0);
        assert_true(expr->constant.uinteger == UINT64_MAX);
        assert_int_equal(parse(&arena, STR("- .5e1"), &expr, NULL), 0);
        assert_true(expr->constant.number == -5.0);
        /* the sign belongs to the number, so the method is called on -1 */
        assert_int_equal(parse(&arena, STR("-1.size()"), &expr, NULL), 0);
        assert_int_equal(expr->op, CEL_OP_CALL);
        assert_true(expr->target->constant.integer == -1);
        /* an even number of signs vanishes */
        assert_int_equal(parse(&arena, STR("--a"), &expr, NULL), 0);
        assert_int_equal(expr->kind, CEL_EXPR_IDENT);
}

/* Pieces of expressions: what may follow what. */
static void grammar_accepts_and_refuses(void **state _unused_) {
        static const struct {
                const char *text;
                bool parses;
        } cases[] = {
                { "[,]", true },
                { "{,}", true },
                { "[1,]", true },
                { "[1,,]", false },
                { "f(1,)", false },
                { "f(,)", false },
                { "a.if", true },
                { "a.in", false },
                { "a.?b.c", true },
                { "a.?b()", false },
                { "a[?b]", true },
                { "[?a, ?b]", true },
                { "{?'k': v}", true },
                { "f(?a)", false },
                { "!-x", false },
                { "!-1", true },
                { "-!x", false },
                { ".a.b", true },
                { ". a . b { }", true },
                { "a.b{c: 1, ?d: 2,}", true },
                { "a{}.b", true },
                { "a(){}", false },
                { "a ? b : c ? d : e", true },
                { "a ? b ? c : d : e", false },
                { "1 < 2 < 3", true },
                { "a // comment", true },
                { "// comment\na", true },
                { "// comment", false },
                { "", false },
                { "1 2", false },
                { "'a' 'b'", false },
                { "1u.x", true },
                { "1.5.x", true },
                { "1.e5", true },
                { "1..5", false },
                { "0x", false },
                { "if(x)", false },
                { "a.b.if(x)", true },
                { "rb'x'", false },
                { "a\x0c+\tb\r\n", true },
                { "a\x0b", false },
                { "'a\nb'", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(arena_free) struct arena arena = ARENA_INIT;
                struct cel_expr *expr;
                bool parses = parse(&arena, str_from(cases[i].text), &expr, NULL) == 0;

                if (parses != cases[i].parses)
                        print_error("%s\n", cases[i].text);
                assert_int_equal(parses, cases[i].parses);
        }
}

static void nodes_know_where_they_are(void **state _unused_) {
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;
        struct cel_expr *expr;

        assert_int_equal(parse(&arena, STR("(a +\n b.c['\xc3\xa9'])"), &expr, NULL), 0);
        assert_int_equal(expr->op, CEL_OP_ADD);
        assert_int_equal(expr->pos.column, 2);
        assert_int_equal(expr->mark.column, 4);
        assert_int_equal(expr->end.line, 2);
        assert_int_equal(expr->end.column, 10);
        expr = expr->args[1];
        assert_int_equal(expr->op, CEL_OP_INDEX);
        assert_int_equal(expr->pos.column, 2);
        assert_int_equal(expr->mark.column, 5);
        assert_int_equal(expr->args[0]->kind, CEL_EXPR_SELECT);
        assert_int_equal(expr->args[0]->mark.column, 3);
        assert_int_equal(expr->args[0]->end.column, 5);
}

static void versions_decide_the_syntax(void **state _unused_) {
        struct cel_parser_options old = { .limits = cel_default_limits };
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;
        struct error error = { 0 };
        struct cel_expr *expr;

        assert_int_equal(cel_parse(&arena, STR("a.?b"), &old, &expr, &error), -EINVAL);
        assert_string_equal(error.message, "unsupported syntax '.?'");
        assert_int_equal(cel_parse(&arena, STR("a[?b]"), &old, &expr, &error), -EINVAL);
        assert_string_equal(error.message, "unsupported syntax '[?'");
        assert_int_equal(cel_parse(&arena, STR("[?b]"), &old, &expr, &error), -EINVAL);
        assert_string_equal(error.message, "unsupported syntax '?'");
        assert_int_equal(cel_parse(&arena, STR("a.all(k, v, true)"), &old, &expr, NULL), 0);
        assert_int_equal(expr->kind, CEL_EXPR_CALL);
        old.no_macros = true;
        assert_int_equal(cel_parse(&arena, STR("a.all(k, true)"), &old, &expr, NULL), 0);
        assert_int_equal(expr->kind, CEL_EXPR_CALL);
        assert_int_equal(parse(&arena, STR("a.all(k, v, true)"), &expr, NULL), 0);
        assert_int_equal(expr->kind, CEL_EXPR_COMPREHENSION);
}

/* How often a piece may be repeated: the numbers were found with cel-go. */
static void limits_are_those_of_cel_go(void **state _unused_) {
        static const struct {
                const char *before, *repeated, *middle, *closing;
                size_t most;
        } cases[] = {
                { "1", "+1", "", "", 250 },          { "1", "*1", "", "", 250 },
                { "1*1", "+1*1", "", "", 249 },      { "true", "==true", "", "", 250 },
                { "", "(", "1", ")", 249 },          { "", "[", "1", "]", 249 },
                { "", "{1:", "1", "}", 249 },        { "", "!(", "true", ")", 249 },
                { "", "true?1:", "1", "", 249 },     { "{}", ".a", "", "", 250 },
                { "x", "['a']", "", "", 250 },       { "", "dyn(", "1", ")", 249 },
                { "", "[1].map(x,", "1", ")", 249 }, { "[1]", ".map(x,x)", "", "", 250 },
                { "", "[0][", "0", "]", 249 },       { "", "1+(", "1", ")", 124 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                for (size_t extra = 0; extra < 2; extra++) {
                        _cleanup_(arena_free) struct arena arena = ARENA_INIT;
                        _cleanup_(buf_free) struct buf buf = BUF_INIT;
                        size_t count = cases[i].most + extra;
                        struct cel_expr *expr;

                        buf_add(&buf, str_from(cases[i].before));
                        for (size_t k = 0; k < count; k++)
                                buf_add(&buf, str_from(cases[i].repeated));
                        buf_add(&buf, str_from(cases[i].middle));
                        for (size_t k = 0; k < count; k++)
                                buf_add(&buf, str_from(cases[i].closing));
                        if ((parse(&arena, buf_str(&buf), &expr, NULL) == 0) != (extra == 0))
                                print_error("%zu times %s\n", count, cases[i].repeated);
                        assert_int_equal(parse(&arena, buf_str(&buf), &expr, NULL),
                                         extra ? -EINVAL : 0);
                }
        }
}

static void what_does_not_nest_may_be_long(void **state _unused_) {
        static const char *const repeated[] = { " && true", " || true", "&&1==1" };

        for (size_t i = 0; i < ELEMENTS(repeated); i++) {
                _cleanup_(arena_free) struct arena arena = ARENA_INIT;
                _cleanup_(buf_free) struct buf buf = BUF_INIT;
                struct cel_expr *expr;
                size_t depth = 0;

                buf_add(&buf, STR("true"));
                for (size_t k = 0; k < 10000; k++)
                        buf_add(&buf, str_from(repeated[i]));
                assert_int_equal(parse(&arena, buf_str(&buf), &expr, NULL), 0);
                for (; expr->kind == CEL_EXPR_CALL; expr = expr->args[0])
                        depth++;
                assert_true(depth <= 15); /* balanced */
        }
}

static void the_size_is_counted_in_code_points(void **state _unused_) {
        for (size_t extra = 0; extra < 2; extra++) {
                _cleanup_(arena_free) struct arena arena = ARENA_INIT;
                _cleanup_(buf_free) struct buf buf = BUF_INIT;
                struct error error = { 0 };
                struct cel_expr *expr;

                buf_add_char(&buf, '\'');
                for (size_t i = 0; i < 100000 - 2 + extra; i++)
                        buf_add(&buf, STR("\xc3\xa9"));
                buf_add_char(&buf, '\'');
                assert_int_equal(parse(&arena, buf_str(&buf), &expr, &error), extra ? -EINVAL : 0);
                if (extra)
                        assert_string_equal(error.message, "expression code point size exceeds "
                                                           "limit: size: 100001, limit 100000");
        }
}

static void text_that_is_no_utf8_is_refused(void **state _unused_) {
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;
        struct cel_expr *expr;

        assert_int_equal(parse(&arena, STR("'\xff'"), &expr, NULL), -EINVAL);
        assert_int_equal(parse(&arena, STR("'\xed\xa0\x80'"), &expr, NULL), -EINVAL);
}

/* No input may take the stack or quadratic time: each of these is as long as may be. */
static void hostile_input_is_refused_quickly(void **state _unused_) {
        static const char *const pieces[] = { "(",      "[",        "{",       "-",   "!",
                                              "a.",     ".a",       "a?",      "[?",  "'",
                                              "\"\"\"", "\\",       "`",       "1,",  "a{",
                                              "//\n",   "x.map(x,", "a.b.c.d", "[[]", "((()" };

        for (size_t i = 0; i < ELEMENTS(pieces); i++) {
                _cleanup_(arena_free) struct arena arena = ARENA_INIT;
                _cleanup_(buf_free) struct buf buf = BUF_INIT;
                struct cel_expr *expr;

                while (buf.len + strlen(pieces[i]) <= 100000)
                        buf_add(&buf, str_from(pieces[i]));
                assert_int_equal(parse(&arena, buf_str(&buf), &expr, NULL), -EINVAL);
        }
}

int parser_tests(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(problems_have_a_place_and_a_message),
                cmocka_unit_test(literals_have_their_values),
                cmocka_unit_test(numbers_have_their_values),
                cmocka_unit_test(grammar_accepts_and_refuses),
                cmocka_unit_test(nodes_know_where_they_are),
                cmocka_unit_test(versions_decide_the_syntax),
                cmocka_unit_test(limits_are_those_of_cel_go),
                cmocka_unit_test(what_does_not_nest_may_be_long),
                cmocka_unit_test(the_size_is_counted_in_code_points),
                cmocka_unit_test(text_that_is_no_utf8_is_refused),
                cmocka_unit_test(hostile_input_is_refused_quickly),
        };

        return cmocka_run_group_tests_name("parser", tests, NULL, NULL);
}

int main(void) {
        return parser_tests() + checker_tests() + syntax_data_tests() > 0;
}
