#include "../test.h"

#include <errno.h>
#include <string.h>

#include "base/options.h"
#include "base/util.h"

struct target {
        bool flag, progress, other;
        int verbose, format, colour;
        const char *name;
        struct option_strings rules, tags;
        int64_t threads, offset;
        size_t limit;
};

enum { FORMAT_TEXT, FORMAT_JSON = 7, FORMAT_SARIF };

static const struct option_word formats[] = {
        { "text", FORMAT_TEXT, "for people" },
        { "json", FORMAT_JSON, NULL },
        { "sarif", FORMAT_SARIF, NULL },
        { NULL },
};

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the report", OPTION_CHOICE,
          offsetof(struct target, format), .words = formats },
        { 'f', "flag", NULL, "a flag", OPTION_FLAG, offsetof(struct target, flag) },
        { 0, "progress", NULL, "show progress", OPTION_FLAG, offsetof(struct target, progress),
          .negatable = true },
        { 'v', "verbose", NULL, "say more", OPTION_COUNTER, offsetof(struct target, verbose) },
        { 0, "color", "WHEN", "colours", OPTION_COLOUR, offsetof(struct target, colour),
          .alias = "colour" },
        OPTION_SECTION("Input"),
        { 'n', "name", "NAME", "a name", OPTION_STRING, offsetof(struct target, name) },
        { 'r', "rule", "ID", "only these rules", OPTION_STRINGS, offsetof(struct target, rules),
          .comma = true },
        { 't', "tag", "TAG", "a tag, as it is", OPTION_STRINGS, offsetof(struct target, tags) },
        { 'j', "threads", "N", "how many threads", OPTION_INTEGER, offsetof(struct target, threads),
          .min = 1, .max = 256 },
        { 0, "offset", "N", "from where", OPTION_INTEGER, offsetof(struct target, offset),
          .min = -10, .max = 10 },
        { 0, "limit", "SIZE", "bytes at most", OPTION_SIZE, offsetof(struct target, limit) },
        { 0, "secret", NULL, "not shown", OPTION_FLAG, offsetof(struct target, other),
          .hidden = true },
        OPTION_END,
};

struct parsed {
        struct arena arena;
        struct target target;
        struct error error;
        char *argv[16];
        int count, result;
};

/* Parses WORDS, a NULL-terminated list behind the name of the program. */
static void parse(struct parsed *parsed, const char *const *words) {
        const struct option_set sets[] = { { specs, &parsed->target }, { NULL, NULL } };
        int argc = 1;

        *parsed = (struct parsed){ 0 };
        parsed->argv[0] = (char *)(uintptr_t) "redoubt";
        for (; *words; words++)
                parsed->argv[argc++] = (char *)(uintptr_t)*words;
        parsed->result = options_parse(sets, &parsed->arena, argc, parsed->argv, &parsed->count,
                                       &parsed->error);
}

static void parsed_free(struct parsed *parsed) {
        arena_free(&parsed->arena);
}

#define PARSE(...)                                                                                 \
        struct parsed p _cleanup_(parsed_free);                                                    \
        parse(&p, (const char *const[]){ __VA_ARGS__, NULL })

static void every_way_to_give_an_argument(void **state _unused_) {
        static const char *const ways[][3] = {
                { "-o", "json", NULL },
                { "-ojson", NULL },
                { "--output", "json", NULL },
                { "--output=json", NULL },
        };

        for (size_t i = 0; i < ELEMENTS(ways); i++) {
                struct parsed p _cleanup_(parsed_free);

                parse(&p, ways[i]);
                assert_int_equal(p.result, 0);
                assert_int_equal(p.target.format, FORMAT_JSON);
                assert_int_equal(p.count, 0);
        }
}

static void flags_bundle_and_count(void **state _unused_) {
        PARSE("-vfv", "--progress", "-vn", "joe");

        assert_int_equal(p.result, 0);
        assert_int_equal(p.target.verbose, 3);
        assert_true(p.target.flag && p.target.progress);
        assert_string_equal(p.target.name, "joe");
}

static void a_bundle_may_end_in_an_argument(void **state _unused_) {
        PARSE("-fnjoe");

        assert_true(p.target.flag);
        assert_string_equal(p.target.name, "joe");
}

static void flags_are_negated_where_they_may_be(void **state _unused_) {
        {
                PARSE("--progress", "--no-progress");
                assert_int_equal(p.result, 0);
                assert_false(p.target.progress);
        }
        {
                PARSE("--no-flag");
                assert_int_equal(p.result, -EINVAL);
        }
}

static void positionals_and_options_mix(void **state _unused_) {
        PARSE("a", "-f", "b", "-n", "-x", "-", "--", "--flag", "-o");

        assert_int_equal(p.result, 0);
        assert_int_equal(p.count, 5);
        assert_string_equal(p.argv[0], "a");
        assert_string_equal(p.argv[1], "b");
        assert_string_equal(p.argv[2], "-");
        assert_string_equal(p.argv[3], "--flag");
        assert_string_equal(p.argv[4], "-o");
        assert_null(p.argv[5]);
        assert_string_equal(p.target.name, "-x"); /* an argument is an argument */
}

static void lists_grow(void **state _unused_) {
        PARSE("-r", "a/b, c/d", "--rule=e", "-t", "x,y", "-tz");

        assert_int_equal(p.target.rules.count, 3);
        assert_string_equal(p.target.rules.items[0], "a/b");
        assert_string_equal(p.target.rules.items[1], "c/d");
        assert_string_equal(p.target.rules.items[2], "e");
        assert_int_equal(p.target.tags.count, 2);
        assert_string_equal(p.target.tags.items[0], "x,y");
}

static void colour_words(void **state _unused_) {
        PARSE("--colour", "never");

        assert_int_equal(p.target.colour, OPTION_NEVER);
}

static void the_last_one_counts(void **state _unused_) {
        PARSE("-o", "json", "--output=sarif", "--threads", "2", "-j3", "--offset", "-7");

        assert_int_equal(p.target.format, FORMAT_SARIF);
        assert_int_equal(p.target.threads, 3);
        assert_int_equal(p.target.offset, -7);
}

static void sizes(void **state _unused_) {
        static const struct {
                const char *text;
                int result;
                size_t bytes;
        } cases[] = {
                { "0", 0, 0 },
                { "4096", 0, 4096 },
                { "4096B", 0, 4096 },
                { "1K", 0, 1024 },
                { "1k", 0, 1024 },
                { "3Ki", 0, 3072 },
                { "2MB", 0, (size_t)2 << 20 },
                { "2MiB", 0, (size_t)2 << 20 },
                { "5g", 0, (size_t)5 << 30 },
                { "1T", 0, (size_t)1 << 40 },
                { "", -EINVAL, 0 },
                { "K", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "1.5M", -EINVAL, 0 },
                { "1Q", -EINVAL, 0 },
                { "1MM", -EINVAL, 0 },
                { "1 M", -EINVAL, 0 },
                { "99999999999999999999", -ERANGE, 0 },
                { "16777216T", -ERANGE, 0 }, /* 2^64 */
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                size_t bytes = 0;

                if (option_parse_size(str_from(cases[i].text), &bytes) != cases[i].result ||
                    bytes != cases[i].bytes)
                        fail_msg("%s: %zu", cases[i].text, bytes);
        }
}

static void integers(void **state _unused_) {
        int64_t value = 5;

        assert_int_equal(option_parse_integer(STR("-9223372036854775808"), &value), 0);
        assert_true(value == INT64_MIN);
        assert_int_equal(option_parse_integer(STR("9223372036854775807"), &value), 0);
        assert_true(value == INT64_MAX);
        assert_int_equal(option_parse_integer(STR("9223372036854775808"), &value), -ERANGE);
        assert_int_equal(option_parse_integer(STR("0x10"), &value), -EINVAL);
        assert_int_equal(option_parse_integer(STR("-"), &value), -EINVAL);
        assert_true(value == INT64_MAX);
}

static void errors_tell_what_to_do(void **state _unused_) {
        static const struct {
                const char *words[4];
                const char *message;
        } cases[] = {
                { { "--formta" }, "unknown option --formta" },
                { { "--ouptut", "x" }, "unknown option --ouptut, did you mean --output?" },
                { { "--out=json" }, "unknown option --out, did you mean --output?" },
                { { "--no-progres" }, "unknown option --no-progres, did you mean --no-progress?" },
                { { "--secrt" }, "unknown option --secrt" },
                { { "-x" }, "unknown option -x" },
                { { "-fx" }, "unknown option -x in -fx" },
                { { "-threads" }, NULL },
                { { "-flag" }, "unknown option -l, did you mean --flag?" },
                { { "--output" }, "option --output needs an argument: FORMAT" },
                { { "-o" }, "option -o needs an argument: FORMAT" },
                { { "--flag=yes" }, "option --flag takes no argument" },
                { { "--output=jsn" },
                  "--output: unknown word \"jsn\", did you mean \"json\"? "
                  "(one of text, json, sarif)" },
                { { "--output=x" }, "--output: unknown word \"x\", not one of text, json, sarif" },
                { { "--threads=many" }, "--threads: \"many\" is not a number" },
                { { "-j", "0" }, "-j: 0 is not between 1 and 256" },
                { { "-j", "99999999999999999999" },
                  "-j: 99999999999999999999 is not between 1 and 256" },
                { { "--limit=lots" },
                  "--limit: \"lots\" is not a size, write it like 4096, 512K, 64M or 2G" },
                { { "-ra,,b" }, "-r: an empty item in \"a,,b\"" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct parsed p _cleanup_(parsed_free);

                parse(&p, cases[i].words);
                if (!cases[i].message) { /* -t takes "hreads" */
                        assert_int_equal(p.result, 0);
                        continue;
                }
                assert_int_equal(p.result, -EINVAL);
                assert_string_equal(p.error.message, cases[i].message);
        }
}

static void several_tables_share_a_command_line(void **state _unused_) {
        static const struct option_spec more[] = {
                { 'h', "help", NULL, "show help", OPTION_FLAG, offsetof(struct target, flag) },
                OPTION_END,
        };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct target first = { 0 }, second = { 0 };
        const struct option_set sets[] = { { specs, &first }, { more, &second }, { NULL, NULL } };
        char *argv[] = { (char[]){ "x" }, (char[]){ "-hv" }, NULL };
        int count;

        assert_int_equal(options_parse(sets, &arena, 2, argv, &count, NULL), 0);
        assert_true(second.flag && !first.flag);
        assert_int_equal(first.verbose, 1);
}

static void usage_is_aligned_and_wrapped(void **state _unused_) {
        static const struct option_spec few[] = {
                OPTION_SECTION("Output"),
                { 'o', "output", "FORMAT", "how to write the report", OPTION_CHOICE,
                  offsetof(struct target, format), .words = formats },
                { 0, "progress", NULL, "show a progress line", OPTION_FLAG,
                  offsetof(struct target, progress), .negatable = true },
                { 0, "limit", "SIZE", "bytes at most", OPTION_SIZE,
                  offsetof(struct target, limit) },
                { 0, "a-name-that-is-too-long-for-the-column", NULL, "a long one", OPTION_FLAG,
                  offsetof(struct target, flag) },
                { 'x', NULL, NULL, "only a letter", OPTION_FLAG, offsetof(struct target, flag) },
                { 0, "hidden", NULL, "", OPTION_FLAG, 0, .hidden = true },
                OPTION_END,
        };
        struct target defaults = { .format = FORMAT_JSON, .limit = (size_t)64 << 20 };
        const struct option_set sets[] = { { few, &defaults }, { NULL, NULL } };
        struct buf usage _cleanup_(buf_free) = BUF_INIT;

        options_usage(&usage, sets, 60);
        assert_str(buf_str(&usage), "\n"
                                    "Output:\n"
                                    "  -o, --output FORMAT  how to write the report: text, json,\n"
                                    "                       sarif (default: json)\n"
                                    "      --[no-]progress  show a progress line\n"
                                    "      --limit SIZE     bytes at most (default: 64M)\n"
                                    "      --a-name-that-is-too-long-for-the-column\n"
                                    "                       a long one\n"
                                    "  -x                   only a letter\n");
}

static void wrapping_counts_cells(void **state _unused_) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        /* Each of these characters takes two columns. */
        options_wrap(&text,
                     "\u6f22\u5b57 \u6f22\u5b57 \u6f22\u5b57 \u6f22\u5b57 \u6f22\u5b57 "
                     "\u6f22\u5b57 \u6f22\u5b57",
                     2, 0, 30);
        assert_str(buf_str(&text),
                   "  \u6f22\u5b57 \u6f22\u5b57 \u6f22\u5b57 \u6f22\u5b57 \u6f22\u5b57\n"
                   "  \u6f22\u5b57 \u6f22\u5b57\n");
        buf_clear(&text);
        options_wrap(&text, "one\n\ntwo", 0, 0, 30);
        assert_str(buf_str(&text), "one\n\ntwo\n");
}

static void roff_is_escaped(void **state _unused_) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        const struct option_set sets[] = { { specs, NULL }, { NULL, NULL } };

        options_add_roff(&text, ".yaml a-b \\n\n'quoted'");
        assert_str(buf_str(&text), "\\&.yaml a\\-b \\en\n\\&'quoted'");
        buf_clear(&text);
        options_roff(&text, sets);
        assert_true(str_find(buf_str(&text),
                             STR(".SS Output\n.TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR "
                                 "\\fIFORMAT\\fR\nhow to write the report: text, json, sarif.\n"),
                             0) >= 0);
        assert_int_equal(str_find(buf_str(&text), STR("secret"), 0), -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_way_to_give_an_argument),
                cmocka_unit_test(flags_bundle_and_count),
                cmocka_unit_test(a_bundle_may_end_in_an_argument),
                cmocka_unit_test(flags_are_negated_where_they_may_be),
                cmocka_unit_test(positionals_and_options_mix),
                cmocka_unit_test(lists_grow),
                cmocka_unit_test(colour_words),
                cmocka_unit_test(the_last_one_counts),
                cmocka_unit_test(sizes),
                cmocka_unit_test(integers),
                cmocka_unit_test(errors_tell_what_to_do),
                cmocka_unit_test(several_tables_share_a_command_line),
                cmocka_unit_test(usage_is_aligned_and_wrapped),
                cmocka_unit_test(wrapping_counts_cells),
                cmocka_unit_test(roff_is_escaped),
        };

        return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
