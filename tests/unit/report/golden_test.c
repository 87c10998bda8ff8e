/*
 * The formats that people read, compared with files that people have read (tests/golden/report).
 * REDOUBT_GOLDEN_WRITE=1 writes the files anew; read the difference before it is committed.
 */
#include "tests.h"

#include "../test.h"
#include "base/fs.h"
#include "fixture.h"

static void check_golden(const char *name, struct str text) {
        struct buf expected _cleanup_(buf_free) = BUF_INIT;
        struct buf path _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&path, "%s/%s", GOLDEN_DIR, name);
        if (getenv("REDOUBT_GOLDEN_WRITE")) {
                FILE *file _cleanup_fclose_ = fopen(path.data, "we");

                assert_non_null(file);
                assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
                return;
        }
        assert_int_equal(fs_read(path.data, -1, 1 << 20, false, &expected, NULL), 0);
        if (!str_eq(text, buf_str(&expected))) {
                print_error("%s: what was written differs:\n%.*s\n", name, STR_ARG(text));
                fail();
        }
}

struct golden {
        const char *name;
        enum report_format format;
        struct report_style style;
};

static const struct golden goldens[] = {
        { "text-60.txt", REPORT_TEXT, { .unicode = true, .width = 60 } },
        { "text-100.txt", REPORT_TEXT, { .unicode = true, .width = 100 } },
        { "text-200.txt", REPORT_TEXT, { .unicode = true, .width = 200 } },
        { "text-0.txt", REPORT_TEXT, { .unicode = true } },
        { "text-ascii.txt", REPORT_TEXT, { .width = 80 } },
        { "text-colour.txt", REPORT_TEXT, { .unicode = true, .colour = true, .width = 100 } },
        { "text-all.txt", REPORT_TEXT, { .unicode = true, .width = 100, .all = true } },
        { "brief.txt", REPORT_BRIEF, { 0 } },
        { "table.txt", REPORT_TABLE, { 0 } },
        { "table-60.txt", REPORT_TABLE, { .unicode = true, .width = 60 } },
        { "wide.txt", REPORT_WIDE, { 0 } },
        { "wide-160.txt", REPORT_WIDE, { .unicode = true, .width = 160 } },
        { "report.json", REPORT_JSON, { 0 } },
        { "report.sarif", REPORT_SARIF, { 0 } },
};

void golden_reports(void **state _unused_) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };

        fixture_shop(&fixture);
        for (size_t i = 0; i < ELEMENTS(goldens); i++) {
                size_t size;
                char *text = fixture_write(&fixture, goldens[i].format, &goldens[i].style, &size);

                check_golden(goldens[i].name, (struct str){ text, size });
                free(text);
        }
}

void golden_explanations(void **state _unused_) {
        const struct report_style narrow = { .unicode = true, .width = 60 }, plain = { 0 };
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        report_explain(&buf, &fixture_rules[RULE_PRIVILEGED], &narrow);
        check_golden("explain-60.txt", buf_str(&buf));
        buf_clear(&buf);
        report_explain(&buf, &fixture_rules[RULE_TAG], &plain);
        buf_add(&buf, STR("----\n"));
        report_explain(&buf, &fixture_rules[RULE_DENY], &plain);
        buf_add(&buf, STR("----\n"));
        report_explain(&buf, &fixture_rules[RULE_LIMITS], &plain);
        check_golden("explain.txt", buf_str(&buf));
}
