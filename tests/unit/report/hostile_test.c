/*
 * Reports over input that wants to drive the terminal, break the format or pass for something else.
 */
#include "tests.h"

#include "../test.h"
#include "base/utf8.h"
#include "fixture.h"
#include "json_tree.h"

static const char *const hostile[] = {
        "\x1b[2J\x1b]0;owned\x07", /* clear the screen, set the title */
        "\xc2\x9b"
        "31m",                      /* CSI as a C1 control */
        "a\nerror[pods/x]: forged", /* a line of its own */
        "a\r\b\x7f\t\x0b",          /* overwrite */
        "\xe2\x80\xae"
        "evil \xe2\x81\xa6",                    /* bidirectional override and isolate */
        "\xff\xfe\xc0\xaf\xed\xa0\x80\xf5",     /* no UTF-8 */
        "\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf", /* line and paragraph separators, BOM */
        "\"}],\"x\":[{\\",                      /* JSON */
        "[a](javascript:alert(1)) `` ``` <b>",  /* links, markup */
        "%s%n%1$s",
        "",
};

static void hostile_report(struct fixture *fixture, struct rule_info *rule, const char *text) {
        static struct str control;
        struct finding *finding;

        control = str_from(text);
        *rule = (struct rule_info){ .id = control,
                                    .title = control,
                                    .why = control,
                                    .remedy = control,
                                    .practice = control,
                                    .source = control,
                                    .controls = &control,
                                    .control_count = 1,
                                    .severity = SEVERITY_MEDIUM };
        fixture_init(fixture);
        for (unsigned i = 0; i < 3; i++) {
                finding = fixture_add(fixture, rule, text, (struct doc_pos){ i + 1, 1 },
                                      (struct doc_pos){ i + 1, 9 }, text, text, text);
                finding->resource.api_version = finding->resource.namespace = control;
                finding->location.path = control;
                finding->related = arena_copy(&fixture->list.arena, &finding->location,
                                              sizeof finding->location);
                finding->related_count = 1;
        }
        fixture_frame(fixture, &fixture->list.findings.items[0], 1, text);
        fixture_diagnose(fixture, text, (struct doc_pos){ 1, 1 }, (struct doc_pos){ 2, 2 }, text,
                         true);
        fixture->report.title = control;
        fixture->report.version = text;
}

/* Everything a terminal receives is valid UTF-8 without controls, but for newlines. */
static void check_harmless(struct str text) {
        for (size_t i = 0; i < text.len;) {
                int32_t code = utf8_next(text, &i);

                assert_true(code == '\n' || (code >= 0x20 && code < 0x7f) || code >= 0xa0);
                assert_false(code >= 0x200b && code <= 0x200f);
                assert_false(code >= 0x2028 && code <= 0x202e);
                assert_false(code >= 0x2066 && code <= 0x2069);
        }
}

static size_t count_lines(struct str text) {
        size_t lines = 0;

        for (size_t i = 0; i < text.len; i++)
                lines += text.ptr[i] == '\n';
        return lines;
}

static void check_text(const struct fixture *fixture, const struct rule_info *rule, size_t width) {
        const struct report_style style = { .unicode = true, .width = width, .all = true };
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (int format = REPORT_TEXT; format <= REPORT_WIDE; format++) {
                size_t size;
                char *text = fixture_write(fixture, (enum report_format)format, &style, &size);

                check_harmless((struct str){ text, size });
                if (format == REPORT_BRIEF) /* three findings and a diagnostic, a line each */
                        assert_int_equal(count_lines((struct str){ text, size }), 4);
                free(text);
        }
        report_explain(&buf, rule, &style);
        check_harmless(buf_str(&buf));
}

void text_survives_hostile_input(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTS(hostile); i++) {
                struct fixture fixture _cleanup_(fixture_free) = { 0 };
                struct rule_info rule;

                hostile_report(&fixture, &rule, hostile[i]);
                check_text(&fixture, &rule, 0);
                check_text(&fixture, &rule, 1);
                check_text(&fixture, &rule, 80);
        }
}

void machine_formats_survive_hostile_input(void **state _unused_) {
        const struct report_style style = { 0 };

        for (size_t i = 0; i < ELEMENTS(hostile); i++) {
                struct fixture fixture _cleanup_(fixture_free) = { 0 };
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct rule_info rule;
                size_t size;
                char *text;
                const struct json *json;

                hostile_report(&fixture, &rule, hostile[i]);
                text = fixture_write(&fixture, REPORT_JSON, &style, &size);
                json = json_read(&arena, (struct str){ text, size });
                assert_int_equal(json_count(json, "findings"), 3);
                if (utf8_valid(str_from(hostile[i])))
                        assert_str(json_text(json, "findings.0.message"), hostile[i]);
                assert_int_equal(count_lines((struct str){ text, size }), 9);
                free(text);
                text = fixture_write(&fixture, REPORT_SARIF, &style, &size);
                json = json_read(&arena, (struct str){ text, size });
                assert_int_equal(json_count(json, "runs.0.results"), 3);
                free(text);
        }
}

/* One huge name among many findings must not be multiplied, by padding or otherwise. */
void output_stays_in_proportion(void **state _unused_) {
        enum { HUGE = 100000, COUNT = 1000 };
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        char *huge _cleanup_free_ = xrealloc(NULL, HUGE + 1, 1);
        struct report_style style = { .unicode = true, .all = true };

        memset(huge, 'x', HUGE);
        huge[HUGE] = 0;
        fixture_init(&fixture);
        for (uint32_t i = 1; i <= COUNT; i++) {
                const char *text = i == 1 ? huge : "a";

                fixture_add(&fixture, &fixture_rules[RULE_TAG], text, (struct doc_pos){ i, 1 },
                            (struct doc_pos){ i, 2 }, text, text, text);
                fixture_diagnose(&fixture, text, (struct doc_pos){ i, 1 }, (struct doc_pos){ 0 },
                                 text, false);
        }
        for (int i = 0; i < 2 * REPORT_FORMAT_COUNT; i++) {
                size_t size;

                style.width = i < REPORT_FORMAT_COUNT ? 0 : 80;
                free(fixture_write(&fixture, (enum report_format)(i % REPORT_FORMAT_COUNT), &style,
                                   &size));
                assert_true(size < 6 * HUGE + 1000 * COUNT);
        }
}
