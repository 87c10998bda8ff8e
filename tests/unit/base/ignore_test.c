#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ignore.h"
#include "base/util.h"

/* From gitignore(5): what each form of pattern is documented to do. A path that ends in a slash is
 * a folder. */
static void follows_the_manual(void **state _unused_) {
        static const struct {
                const char *patterns, *path;
                enum ignore_verdict verdict;
        } cases[] = {
                { "# comment\n\n", "# comment", IGNORE_UNDECIDED },
                { "\\#file", "#file", IGNORE_LEFT_OUT },
                { "\\!file", "!file", IGNORE_LEFT_OUT },
                { "*.yaml\n!keep.yaml", "a/x.yaml", IGNORE_LEFT_OUT },
                { "*.yaml\n!keep.yaml", "a/keep.yaml", IGNORE_TAKEN_BACK },
                { "!keep.yaml\n*.yaml", "a/keep.yaml", IGNORE_LEFT_OUT },
                { "frotz", "frotz", IGNORE_LEFT_OUT },
                { "frotz", "a/frotz/", IGNORE_LEFT_OUT },
                { "frotz/", "a/frotz/", IGNORE_LEFT_OUT },
                { "frotz/", "a/frotz", IGNORE_UNDECIDED },
                { "doc/frotz/", "doc/frotz/", IGNORE_LEFT_OUT },
                { "doc/frotz/", "a/doc/frotz/", IGNORE_UNDECIDED },
                { "/bar", "bar", IGNORE_LEFT_OUT },
                { "/bar", "foo/bar", IGNORE_UNDECIDED },
                { "foo/*", "foo/test.json", IGNORE_LEFT_OUT },
                { "foo/*", "foo/bar/", IGNORE_LEFT_OUT },
                { "foo/*", "foo/bar/hello.c", IGNORE_UNDECIDED },
                { "**/foo", "foo", IGNORE_LEFT_OUT },
                { "**/foo", "a/b/foo", IGNORE_LEFT_OUT },
                { "**/foo/bar", "x/foo/bar", IGNORE_LEFT_OUT },
                { "**/foo/bar", "x/foo/y/bar", IGNORE_UNDECIDED },
                { "abc/**", "abc/x/y", IGNORE_LEFT_OUT },
                { "abc/**", "abc/", IGNORE_UNDECIDED },
                { "a/**/b", "a/b", IGNORE_LEFT_OUT },
                { "a/**/b", "a/x/y/b", IGNORE_LEFT_OUT },
                { "a/**/b", "a/xb", IGNORE_UNDECIDED },
                { "a/?.c", "a/x.c", IGNORE_LEFT_OUT },
                { "a?c", "a/c", IGNORE_UNDECIDED },
                { "x[a-c]", "xb", IGNORE_LEFT_OUT },
                { "x[!a-c]", "xb", IGNORE_UNDECIDED },
                { "x[!a-c]", "xd", IGNORE_LEFT_OUT },
                { "x[]-]y", "x]y", IGNORE_LEFT_OUT },
                { "x[[:digit:]_]", "x_", IGNORE_LEFT_OUT },
                { "x[a", "x[a", IGNORE_UNDECIDED },
                { "trailing  ", "trailing", IGNORE_LEFT_OUT },
                { "trailing\\ ", "trailing ", IGNORE_LEFT_OUT },
                { "windows\r\nline\r\n", "windows", IGNORE_LEFT_OUT },
                { "\xef\xbb\xbfmark", "mark", IGNORE_LEFT_OUT },
                { "last-line", "last-line", IGNORE_LEFT_OUT },
                { "", "x", IGNORE_UNDECIDED },
                { "/", "x/", IGNORE_UNDECIDED },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct str path = str_from(cases[i].path);
                bool folder = str_ends(path, STR("/"));
                struct ignore *ignore;

                path.len -= folder;
                assert_int_equal(ignore_new(&arena, str_from(cases[i].patterns), &ignore, NULL), 0);
                if (ignore_check(ignore, path, folder) != cases[i].verdict)
                        fail_msg("pattern \"%s\", path \"%s\"", cases[i].patterns, cases[i].path);
        }
}

static void a_folder_left_out_decides(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct ignore *ignore;

        assert_int_equal(ignore_new(&arena, STR("/a/\n!/a/keep\n!b"), &ignore, NULL), 0);
        assert_int_equal(ignore_check(ignore, STR("a/keep"), false), IGNORE_TAKEN_BACK);
        assert_int_equal(ignore_check_path(ignore, STR("a/keep"), false), IGNORE_LEFT_OUT);
        assert_int_equal(ignore_check_path(ignore, STR("c/b"), false), IGNORE_TAKEN_BACK);
        assert_int_equal(ignore_check_path(ignore, STR("c/d"), false), IGNORE_UNDECIDED);
}

static void stars_take_no_exponential_time(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf pattern _cleanup_(buf_free) = BUF_INIT;
        struct buf path _cleanup_(buf_free) = BUF_INIT;
        struct ignore *ignore;
        clock_t start = clock();

        for (size_t i = 0; i < 200; i++)
                buf_add(&pattern, i % 2 ? STR("*a") : STR("**/a"));
        buf_add_char(&pattern, 'b');
        for (size_t i = 0; i < 2000; i++)
                buf_add(&path, i % 3 ? STR("a") : STR("a/"));
        assert_int_equal(ignore_new(&arena, buf_str(&pattern), &ignore, NULL), 0);
        assert_int_equal(ignore_check(ignore, buf_str(&path), false), IGNORE_UNDECIDED);
        assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

static void limits_are_reported(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct ignore *ignore = NULL;
        struct error error = { 0 };

        buf_add(&text, STR("a\nb\n"));
        buf_add_repeat(&text, '*', IGNORE_PATTERN_MAX + 1);
        assert_int_equal(ignore_new(&arena, buf_str(&text), &ignore, &error), -E2BIG);
        assert_int_equal(error.line, 3);
        buf_add_repeat(&text, '\n', IGNORE_TEXT_MAX);
        assert_int_equal(ignore_new(&arena, buf_str(&text), &ignore, &error), -E2BIG);
        assert_null(ignore);
        buf_clear(&text);
        for (size_t i = 0; i < IGNORE_PATTERN_MAX; i++)
                buf_add_char(&text, '?');
        assert_int_equal(ignore_new(&arena, buf_str(&text), &ignore, NULL), 0);
        assert_int_equal(ignore_check(ignore, buf_str(&text), false), IGNORE_LEFT_OUT);
}

/* AGAINST GIT: random pattern files over a tree of odd names. IGNORE_TEST_ROUNDS and
 * IGNORE_TEST_SEED ask for more. */

static const char *const folders[] = { "a",   "b",     "ab",     "a/a",  "a/b",    "b/a",
                                       "a/[", "a/b/a", "a/b/ab", "ab/c", "ab/c/a", ".d" };
static const char *const files[] = { "c", "ac", "a.c", "-", "]", "a b", "!a", "#a", "a\\c", "a]c" };

static uint32_t random_state;

static size_t random_below(size_t limit) {
        random_state = random_state * 1664525u + 1013904223u;
        return (random_state >> 8) % limit;
}

static void add_pattern(struct buf *buf) {
        static const char *const pieces[] = {
                "a",           "a",
                "b",           "c",
                ".",           "/",
                "/",           "*",
                "*",           "**",
                "**/",         "/**",
                "?",           "[",
                "]",           "[ab]",
                "[!a]",        "[^b-]",
                "[[:alpha:]]", "\\",
                "-",           " ",
                "a*",          "*.c",
                "a/",          "[]a]",
                "[a-c]",       "[\\]]",
                "[[:x:]]",     "#",
                "!",           "\\*",
                "/**/",        "a**",
                "***",         "[--a]",
                "[[:]",        "[a-[:alpha:]]",
                "[\\a-b]",     "\t",
        };

        if (random_below(5) == 0)
                buf_add_char(buf, '!');
        if (random_below(6) == 0)
                buf_add_char(buf, '/');
        for (size_t i = 1 + random_below(6); i > 0; i--)
                buf_add(buf, str_from(pieces[random_below(ELEMENTS(pieces))]));
        if (random_below(6) == 0)
                buf_add_char(buf, '/');
        buf_add(buf, random_below(10) == 0 ? STR(" \r\n") : STR("\n"));
}

struct tree {
        char root[64];
        struct buf paths; /* each with a NUL behind it, as `check-ignore -z` reads them */
};

static void write_file(const char *root, const char *name, struct str text) {
        char path[256];
        FILE *file _cleanup_(close_file) = NULL;

        snprintf(path, sizeof path, "%s/%s", root, name);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(text.ptr ? text.ptr : "", 1, text.len, file), text.len);
}

static bool git(const struct tree *tree, const char *arguments) {
        struct buf command _cleanup_(buf_free) = BUF_INIT;
        int status;

        buf_printf(&command,
                   "cd %s && env -u GIT_DIR -u GIT_WORK_TREE -u GIT_INDEX_FILE HOME=%s "
                   "XDG_CONFIG_HOME=%s GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null "
                   "GIT_CEILING_DIRECTORIES=/tmp git %s 2>/dev/null",
                   tree->root, tree->root, tree->root, arguments);
        status = system(command.data);
        /* check-ignore ends with 1 where nothing is left out */
        return status >= 0 && (status >> 8) <= 1 && (status & 0xff) == 0;
}

static void add_files(struct tree *tree, const char *folder) {
        for (size_t i = 0; i < ELEMENTS(files); i++) {
                char name[128], path[256];

                snprintf(name, sizeof name, "%s%s%s", folder, *folder ? "/" : "", files[i]);
                snprintf(path, sizeof path, "%s/%s", tree->root, name);
                if (access(path, F_OK) == 0) /* a folder of this name */
                        continue;
                write_file(tree->root, name, STR(""));
                buf_add(&tree->paths, (struct str){ name, strlen(name) + 1 });
        }
}

static void make_tree(struct tree *tree) {
        snprintf(tree->root, sizeof tree->root, "/tmp/ignore-test-XXXXXX");
        assert_non_null(mkdtemp(tree->root));
        for (size_t i = 0; i < ELEMENTS(folders); i++) {
                char path[256];

                snprintf(path, sizeof path, "%s/%s", tree->root, folders[i]);
                assert_int_equal(mkdir(path, 0700), 0);
                buf_add(&tree->paths, (struct str){ folders[i], strlen(folders[i]) + 1 });
        }
        add_files(tree, "");
        for (size_t i = 0; i < ELEMENTS(folders); i++)
                add_files(tree, folders[i]);
        write_file(tree->root, ".git-paths", buf_str(&tree->paths));
}

static void remove_tree(struct tree *tree) {
        char command[128];

        snprintf(command, sizeof command, "rm -rf -- %s", tree->root);
        assert_int_equal(system(command), 0);
        buf_free(&tree->paths);
}

static bool is_folder(struct str path) {
        for (size_t i = 0; i < ELEMENTS(folders); i++)
                if (str_eq(path, str_from(folders[i])))
                        return true;
        return false;
}

/* The paths that our rules leave out, in the form and order of check-ignore. */
static void our_answer(const struct tree *tree, struct str patterns, struct buf *ret) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str rest = buf_str(&tree->paths), path;
        struct ignore *ignore;

        assert_int_equal(ignore_new(&arena, patterns, &ignore, NULL), 0);
        while (str_split(&rest, 0, &path) && path.len > 0)
                if (ignore_check_path(ignore, path, is_folder(path)) == IGNORE_LEFT_OUT)
                        buf_add(ret, (struct str){ path.ptr, path.len + 1 });
}

static void read_answer(const struct tree *tree, struct buf *ret) {
        char path[128], chunk[4096];
        FILE *file _cleanup_(close_file) = NULL;
        size_t n;

        snprintf(path, sizeof path, "%s/.git-answer", tree->root);
        file = fopen(path, "re");
        assert_non_null(file);
        while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
                buf_add(ret, (struct str){ chunk, n });
}

static void show(const char *what, const struct buf *paths) {
        print_error("%s:", what);
        for (size_t i = 0; i < paths->len; i += strlen(paths->data + i) + 1)
                print_error(" {%s}", paths->data + i);
        print_error("\n");
}

static void compare(const struct tree *tree, struct str patterns, size_t round) {
        struct buf ours _cleanup_(buf_free) = BUF_INIT, theirs _cleanup_(buf_free) = BUF_INIT;

        write_file(tree->root, ".gitignore", patterns);
        assert_true(git(tree, "check-ignore --no-index -z --stdin <.git-paths >.git-answer"));
        read_answer(tree, &theirs);
        our_answer(tree, patterns, &ours);
        if (str_eq(buf_str(&ours), buf_str(&theirs)))
                return;
        show("git", &theirs);
        show("redoubt", &ours);
        fail_msg("round %zu, patterns:\n%.*s", round, STR_ARG(patterns));
}

static size_t setting(const char *name, size_t otherwise) {
        const char *value = getenv(name);

        return value ? strtoul(value, NULL, 10) : otherwise;
}

static void agrees_with_git(void **state _unused_) {
        size_t rounds = setting("IGNORE_TEST_ROUNDS", 200);
        struct tree tree = { 0 };
        struct buf patterns _cleanup_(buf_free) = BUF_INIT;

        random_state = (uint32_t)setting("IGNORE_TEST_SEED", 1);
        make_tree(&tree);
        if (!git(&tree, "init -q")) {
                remove_tree(&tree);
                print_message("git is not installed\n");
                skip();
        }
        for (size_t round = 0; round < rounds; round++) {
                buf_clear(&patterns);
                /* Single patterns, too, so that nothing hides behind another one. */
                for (size_t i = round % 2 ? 1 : 1 + random_below(5); i > 0; i--)
                        add_pattern(&patterns);
                compare(&tree, buf_str(&patterns), round);
        }
        remove_tree(&tree);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(follows_the_manual),
                cmocka_unit_test(a_folder_left_out_decides),
                cmocka_unit_test(stars_take_no_exponential_time),
                cmocka_unit_test(limits_are_reported),
                cmocka_unit_test(agrees_with_git),
        };

        return cmocka_run_group_tests_name("ignore", tests, NULL, NULL);
}
