/*
 * Source frames. The expected pictures were drawn by hand, counting cells: in a monospaced font the
 * marks stand under the spot.
 */
#include "tests.h"

#include "../test.h"
#include "fixture.h"
#include "report/frame.h"

struct frame_case {
        const char *what;
        const char *text; /* line 7 and following */
        struct doc_pos start, end;
        struct report_style style;
        const char *expected; /* below the link line and the first bar, without the last bar */
};

#define WIDE                                                                                       \
        { .unicode = true, .width = 80 }
#define NARROW                                                                                     \
        { .unicode = true, .width = 30 }

static const struct frame_case cases[] = {
        { "a spot",
          "a: true",
          { 7, 4 },
          { 7, 8 },
          WIDE,
          " 7│ a: true\n"
          "  │    ^^^^\n" },
        { "an end that is not known",
          "a: true",
          { 7, 4 },
          { 0, 0 },
          WIDE,
          " 7│ a: true\n"
          "  │    ^\n" },
        { "a value that is missing",
          "a:",
          { 7, 3 },
          { 7, 3 },
          WIDE,
          " 7│ a:\n"
          "  │   ^\n" },
        { "a value that is missing behind a space",
          "a: ",
          { 7, 4 },
          { 7, 4 },
          WIDE,
          " 7│ a:\n"
          "  │    ^\n" },
        { "a spot beyond what is left of the line", "a:", { 7, 30 }, { 7, 32 }, WIDE, " 7│ a:\n" },
        { "a block is marked on its first line",
          "  a: 1   \n  b: 2",
          { 7, 3 },
          { 8, 7 },
          WIDE,
          " 7│   a: 1\n"
          "  │   ^^^^\n"
          " 8│   b: 2\n" },
        { "tabs go to the next stop of four",
          "\ta\t: x",
          { 7, 6 },
          { 7, 7 },
          WIDE,
          " 7│     a   : x\n"
          "  │           ^\n" },
        { "wide characters take two cells",
          "k: \xe6\x97\xa5\xe6\x9c\xac x",
          { 7, 5 },
          { 7, 6 },
          WIDE,
          " 7│ k: \xe6\x97\xa5\xe6\x9c\xac x\n"
          "  │      ^^\n" },
        { "behind wide characters",
          "k: \xe6\x97\xa5\xe6\x9c\xac x",
          { 7, 7 },
          { 7, 8 },
          WIDE,
          " 7│ k: \xe6\x97\xa5\xe6\x9c\xac x\n"
          "  │         ^\n" },
        { "combining marks take none",
          "e\xcc\x81: x",
          { 7, 5 },
          { 7, 6 },
          WIDE,
          " 7│ e\xcc\x81: x\n"
          "  │    ^\n" },
        { "escapes are as wide as they look",
          "\x1b[1m: x",
          { 7, 7 },
          { 7, 8 },
          WIDE,
          " 7│ \\x1b[1m: x\n"
          "  │          ^\n" },
        { "bytes that are no text",
          "\xff: x",
          { 7, 4 },
          { 7, 5 },
          WIDE,
          " 7│ \\xff: x\n"
          "  │       ^\n" },
        /* 26 cells are left of 30: the bar and a space take 4 */
        { "a line that just fits",
          "abcdefghijklmnopqrstuvwxyz",
          { 7, 26 },
          { 7, 27 },
          NARROW,
          " 7│ abcdefghijklmnopqrstuvwxyz\n"
          "  │                          ^\n" },
        { "a long line, spot at the beginning",
          "abcdefghijklmnopqrstuvwxyz01",
          { 7, 1 },
          { 7, 3 },
          NARROW,
          " 7│ abcdefghijklmnopqrstuvwxy…\n"
          "  │ ^^\n" },
        { "a long line, spot in the middle",
          "aaaaaaaaaabbbbbbbbbbccccccccccSPOTddddddddddeeeeeeeeee",
          { 7, 31 },
          { 7, 35 },
          NARROW,
          /* from cell 30 - 26 / 3 = 22, to cell 48 */
          " 7│ …cccccccSPOTddddddddddeee…\n"
          "  │         ^^^^\n" },
        { "a long line, spot at the end",
          "aaaaaaaaaabbbbbbbbbbccccccccccSPOT",
          { 7, 31 },
          { 7, 35 },
          NARROW,
          " 7│ …abbbbbbbbbbccccccccccSPOT\n"
          "  │                       ^^^^\n" },
        { "a long line in ASCII",
          "aaaaaaaaaabbbbbbbbbbccccccccccSPOTddddddddddeeeeeeeeee",
          { 7, 31 },
          { 7, 35 },
          { .width = 30 },
          " 7| ...cccccSPOTdddddddddde...\n"
          "  |         ^^^^\n" },
        { "other lines are cut alike",
          "short\naaaaaaaaaabbbbbbbbbbccccccccccSPOTdddddddddd\n"
          "               between",
          { 8, 31 },
          { 8, 35 },
          NARROW,
          /* the longest line has 44 cells, so 18 to 44 are shown */
          " 7│ …\n"
          " 8│ …bccccccccccSPOTdddddddddd\n"
          "  │             ^^^^\n"
          " 9│ …een\n" },
        { "a wide character is not cut in half",
          "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
          "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5",
          { 7, 1 },
          { 7, 2 },
          NARROW,
          /* 28 cells; 25 are left before the ellipsis: twelve characters and a space */
          " 7│ \xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
          "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5 …\n"
          "  │ ^^\n" },
};

static void check_frame(const struct frame_case *test) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        struct buf buf _cleanup_(buf_free) = BUF_INIT, expected _cleanup_(buf_free) = BUF_INIT;
        struct finding *finding;

        fixture_init(&fixture);
        finding = fixture_add(&fixture, &fixture_rules[RULE_TAG], "f.yaml", test->start, test->end,
                              "Pod", "p", "m");
        fixture_frame(&fixture, finding, 7, test->text);
        frame_add(&buf, &test->style, finding);
        buf_printf(&expected, "  %s f.yaml:%u:%u\n  %s\n%s  %s\n",
                   test->style.unicode ? "┌─" : "-->", test->start.line, test->start.column,
                   test->style.unicode ? "│" : "|", test->expected,
                   test->style.unicode ? "│" : "|");
        if (!str_eq(buf_str(&buf), buf_str(&expected)))
                print_error("%s: expected\n%sgot\n%s", test->what, expected.data, buf.data);
        assert_string_equal(buf.data, expected.data);
}

void frame_marks_the_spot(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                check_frame(&cases[i]);
}

void frame_without_line(void **state _unused_) {
        const struct report_style style = { 0 };
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        const struct doc_pos unknown = { 0 };
        struct finding *finding;

        fixture_init(&fixture);
        finding = fixture_add(&fixture, &fixture_rules[RULE_TAG], "", unknown, unknown, "Pod", "p",
                              "m");
        frame_add(&buf, &style, finding);
        assert_string_equal(buf.data, "  --> -\n");
        buf_clear(&buf);
        fixture_frame(&fixture, finding, 1, "text");
        frame_add(&buf, &style, finding);
        assert_string_equal(buf.data, "  --> -\n  |\n 1| text\n  |\n");
}
