#include "tests.h"

#include <errno.h>
#include <time.h>

#include "../test.h"
#include "base/utf8.h"
#include "fixture.h"

void formats_have_names(void **state _unused_) {
        enum report_format format;

        for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
                const char *name = report_format_name((enum report_format)i);

                assert_int_equal(report_format_parse(str_from(name), &format), 0);
                assert_int_equal(format, i);
        }
        format = REPORT_SARIF;
        assert_int_equal(report_format_parse(STR("xml"), &format), -EINVAL);
        assert_int_equal(report_format_parse(STR(""), &format), -EINVAL);
        assert_int_equal(format, REPORT_SARIF);
}

/* The last line that FORMAT writes for a report that found nothing. */
static void check_verdict(struct fixture *fixture, enum report_format format,
                          const char *expected) {
        const struct report_style style = { .unicode = true };
        size_t size;
        char *text = fixture_write(fixture, format, &style, &size);
        struct str last = str_trim((struct str){ text, size });
        const char *newline = memrchr(last.ptr, '\n', last.len);

        last = str_slice(last, newline ? (size_t)(newline - last.ptr) + 1 : 0, last.len);
        assert_str(last, expected);
        free(text);
}

void clean_is_said_only_when_it_is(void **state _unused_) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        struct report_coverage *coverage = &fixture.report.coverage;

        fixture_init(&fixture);
        check_verdict(&fixture, REPORT_TEXT, "clean: 41 objects, 74 rules, everything judged");
        check_verdict(&fixture, REPORT_TABLE, "clean: 41 objects, 74 rules, everything judged");
        coverage->objects = 0;
        check_verdict(&fixture, REPORT_TEXT, "nothing was judged: 0 objects, 74 rules");
        coverage->objects = 1;
        coverage->rules = 0;
        check_verdict(&fixture, REPORT_TEXT, "nothing was judged: 1 object, 0 rules");
        coverage->rules = 74;
        coverage->not_judged = 3;
        check_verdict(&fixture, REPORT_TEXT,
                      "incomplete: nothing found in what could be judged, but 3 not judged, see "
                      "above");
        coverage->templates = 1;
        check_verdict(&fixture, REPORT_TEXT,
                      "incomplete: nothing found in what could be judged, but 3 not judged, see "
                      "above; 1 Helm template among them; try: helm template . | redoubt scan -");
        coverage->templates = coverage->not_judged = 0;
        fixture_diagnose(&fixture, "a", (struct doc_pos){ 0 }, (struct doc_pos){ 0 }, "m", false);
        check_verdict(&fixture, REPORT_TEXT, "clean: 1 object, 74 rules, everything judged");
        fixture_diagnose(&fixture, "a", (struct doc_pos){ 0 }, (struct doc_pos){ 0 }, "m", true);
        check_verdict(&fixture, REPORT_TEXT,
                      "incomplete: nothing found in what could be judged, but not everything was "
                      "judged, see above");
}

/* TEXT without ANSI colour sequences. */
static void strip_colours(struct buf *buf, struct str text) {
        for (size_t i = 0; i < text.len; i++) {
                if (text.ptr[i] != '\x1b') {
                        buf_add_char(buf, text.ptr[i]);
                        continue;
                }
                while (i < text.len && text.ptr[i] != 'm')
                        i++;
        }
}

void colour_only_where_asked_for(void **state _unused_) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        struct report_style style = { .unicode = true, .width = 100 };

        fixture_shop(&fixture);
        for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
                struct buf stripped _cleanup_(buf_free) = BUF_INIT;
                size_t size, colour_size;
                char *text, *coloured;

                style.colour = false;
                text = fixture_write(&fixture, (enum report_format)i, &style, &size);
                style.colour = true;
                coloured = fixture_write(&fixture, (enum report_format)i, &style, &colour_size);
                assert_null(memchr(text, '\x1b', size));
                strip_colours(&stripped, (struct str){ coloured, colour_size });
                assert_string_equal(stripped.data, text);
                free(text);
                free(coloured);
        }
}

static size_t cells(struct str line) {
        size_t count = 0;

        for (size_t i = 0; i < line.len;)
                count += (size_t)utf8_width(utf8_next(line, &i));
        return count;
}

/* Nothing in this report is a word too long for 60 columns. */
void text_stays_within_the_width(void **state _unused_) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };

        fixture_shop(&fixture);
        for (size_t width = 60; width <= 200; width++)
                for (int unicode = 0; unicode <= 1; unicode++) {
                        struct report_style style = { .unicode = unicode, .width = width };
                        size_t size;
                        char *text = fixture_write(&fixture, REPORT_TEXT, &style, &size);
                        struct str rest = { text, size }, line;

                        while (str_split(&rest, '\n', &line)) {
                                if (cells(line) > width)
                                        print_error("%zu: %.*s\n", width, STR_ARG(line));
                                assert_true(cells(line) <= width);
                                assert_false(str_ends(line, STR(" ")));
                        }
                        free(text);
                }
}

static ptrdiff_t where(const char *text, size_t size, const char *needle) {
        return str_find((struct str){ text, size }, str_from(needle), 0);
}

void groups_are_ordered(void **state _unused_) {
        const struct report_style style = { .unicode = true };
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        struct rule_info same = fixture_rules[RULE_PRIVILEGED];
        size_t size;
        char *text;

        fixture_shop(&fixture);
        same.id = STR("pods/another"); /* as severe: the rule decides */
        fixture_add(&fixture, &same, "z.yaml", (struct doc_pos){ 1, 1 }, (struct doc_pos){ 1, 2 },
                    "Pod", "z", "another");
        finding_list_sort(&fixture.list);
        text = fixture_write(&fixture, REPORT_TEXT, &style, &size);
        assert_int_equal(where(text, size, "error[pods/another]"), 0);
        assert_true(where(text, size, "error[pods/another]") <
                    where(text, size, "error[pods/privileged]"));
        assert_true(where(text, size, "error[pods/privileged]") <
                    where(text, size, "error[network/no-default-deny]"));
        assert_true(where(text, size, "error[network/no-default-deny]") <
                    where(text, size, "warning[images/tag]"));
        assert_true(where(text, size, "warning[images/tag]") < where(text, size, "note[limits]"));
        free(text);
}

void long_lists_are_cut(void **state _unused_) {
        struct report_style style = { .unicode = true };
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        size_t size;
        char *text;

        fixture_init(&fixture);
        for (uint32_t i = 1; i <= 18; i++) {
                fixture_add(&fixture, &fixture_rules[RULE_TAG], "a.yaml", (struct doc_pos){ i, 1 },
                            (struct doc_pos){ i, 2 }, "Pod", "p", "m");
                fixture_diagnose(&fixture, "a.yaml", (struct doc_pos){ i, 1 },
                                 (struct doc_pos){ 0 }, "once", false);
                fixture_diagnose(&fixture, "b.yaml", (struct doc_pos){ i, 1 },
                                 (struct doc_pos){ 0 }, "twice", false);
        }
        text = fixture_write(&fixture, REPORT_TEXT, &style, &size);
        assert_true(where(text, size, "also in 17 other places") > 0);
        assert_true(where(text, size, "a.yaml:6:1  Pod shop/p") > 0);
        assert_int_equal(where(text, size, "a.yaml:7:1  Pod shop/p"), -1);
        assert_true(where(text, size, "and 12 more: -o table lists them") > 0);
        assert_true(where(text, size, "and 16 more: -o brief lists them") > 0);
        free(text);
        style.all = true;
        text = fixture_write(&fixture, REPORT_TEXT, &style, &size);
        assert_true(where(text, size, "a.yaml:18:1  Pod shop/p") > 0);
        assert_int_equal(where(text, size, " more: "), -1);
        free(text);
}

/* Columns stand below each other whatever is in them, and no table is wider than the terminal while
 * there is something left to cut: 8 + 23 cells of severity and rule, four columns of 12, five gaps
 * of 2. */
void tables_are_aligned(void **state _unused_) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };

        fixture_init(&fixture);
        fixture_add(&fixture, &fixture_rules[RULE_TAG], "\xe6\x97\xa5\xe6\x9c\xac/e\xcc\x81.yaml",
                    (struct doc_pos){ 1, 1 }, (struct doc_pos){ 1, 2 }, "Pod",
                    "a-very-long-name-that-does-not-fit", "short");
        fixture_add(&fixture, &fixture_rules[RULE_DENY],
                    "a/very/long/way/to/go/before/it/comes/to/the/file.yaml",
                    (struct doc_pos){ 1234, 56 }, (struct doc_pos){ 1, 2 }, "Pod", "p",
                    "a message that says a lot and takes its time to say it, as they do");
        for (size_t width = 89; width <= 240; width++) {
                struct report_style style = { .unicode = true, .width = width };
                size_t size, location = 0, row = 0;
                char *text = fixture_write(&fixture, REPORT_WIDE, &style, &size);
                struct str rest = { text, size }, line;

                for (; str_split(&rest, '\n', &line) && line.len > 0; row++) {
                        static const char *const starts[] = { "LOCATION", "a/very", "…", "日" };
                        ptrdiff_t at = -1;

                        if (cells(line) > width)
                                print_error("%zu: %.*s\n", width, STR_ARG(line));
                        assert_true(cells(line) <= width);
                        for (size_t i = 0; i < ELEMENTS(starts) && row == 0; i++)
                                at = MAX(at, str_find(line, str_from(starts[i]), 0));
                        if (row == 0)
                                location = (size_t)at;
                        assert_true(cells(line) > location);
                        /* two blanks stand before the column in every row */
                        for (size_t i = 0, cell = 0; i < line.len && cell < location;) {
                                int32_t code = utf8_next(line, &i);

                                if (cell + 2 >= location)
                                        assert_int_equal(code, ' ');
                                cell += (size_t)utf8_width(code);
                        }
                }
                assert_int_equal(row, 3);
                free(text);
        }
}

void write_errors_are_reported(void **state _unused_) {
        const struct report_style style = { 0 };
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        FILE *full _cleanup_fclose_ = fopen("/dev/full", "we");

        if (!full)
                skip();
        fixture_shop(&fixture);
        for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
                clearerr(full);
                assert_int_equal(report_write((enum report_format)i, &fixture.report, &style, full),
                                 -ENOSPC);
        }
}

static double seconds_for(uint32_t findings, enum report_format format) {
        const struct report_style style = { .unicode = true, .width = 100, .all = true };
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        FILE *null _cleanup_fclose_ = fopen("/dev/null", "we");
        struct timespec from, to;

        assert_non_null(null);
        fixture_init(&fixture);
        for (uint32_t i = 0; i < findings; i++)
                fixture_add(&fixture, &fixture_rules[i % RULE_COUNT], "a.yaml",
                            (struct doc_pos){ findings - i, 1 },
                            (struct doc_pos){ findings - i, 2 }, "Pod", "p", "message");
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        finding_list_sort(&fixture.list);
        assert_int_equal(report_write(format, &fixture.report, &style, null), 0);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
}

/* Ten times the findings may take a little more than ten times as long (sorting), but not a hundred
 * times. */
void large_reports_take_linear_time(void **state _unused_) {
        for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
                double small = seconds_for(10000, (enum report_format)i);
                double large = seconds_for(100000, (enum report_format)i);

                if (large >= 40 * small + 0.1)
                        print_error("%s: %.3f s, then %.3f s\n",
                                    report_format_name((enum report_format)i), small, large);
                assert_true(large < 40 * small + 0.1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(formats_have_names),
                cmocka_unit_test(clean_is_said_only_when_it_is),
                cmocka_unit_test(colour_only_where_asked_for),
                cmocka_unit_test(text_stays_within_the_width),
                cmocka_unit_test(groups_are_ordered),
                cmocka_unit_test(long_lists_are_cut),
                cmocka_unit_test(tables_are_aligned),
                cmocka_unit_test(write_errors_are_reported),
                cmocka_unit_test(large_reports_take_linear_time),
                cmocka_unit_test(frame_marks_the_spot),
                cmocka_unit_test(frame_without_line),
                cmocka_unit_test(json_holds_the_report),
                cmocka_unit_test(json_of_nothing),
                cmocka_unit_test(sarif_has_what_is_required),
                cmocka_unit_test(sarif_of_nothing),
                cmocka_unit_test(sarif_writes_uris),
                cmocka_unit_test(sarif_makes_no_links),
                cmocka_unit_test(sarif_tags_are_unique),
                cmocka_unit_test(text_survives_hostile_input),
                cmocka_unit_test(machine_formats_survive_hostile_input),
                cmocka_unit_test(output_stays_in_proportion),
                cmocka_unit_test(golden_reports),
                cmocka_unit_test(golden_explanations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
