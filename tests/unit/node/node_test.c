/* The parsers of src/node: TOML, units, sshd, command lines, sockets, versions. */
#include "../test.h"

#include "base/util.h"
#include "node/host.h"
#include "node/runtime.h"

static void test_toml_values(void **state) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const char text[] = "a = \"x\\ty\\u00e9\" # c\n"
                            "'b.c' = 'raw\\n'\n"
                            "d . e = 0x1F\n"
                            "f = -1_000\n"
                            "g = 1.5e2\n"
                            "h = true\n"
                            "i = 1979-05-27T07:32:00Z\n"
                            "j = \"\"\"\none\ntwo\\\n   three\"\"\"\n"
                            "k = [ 1, \"two\", # c\n  true, ]\n"
                            "l = { m = 1, n = { o = 'p' } }\n";
        struct toml toml = { 0 };
        struct error error = { 0 };

        (void)state;
        assert_int_equal(toml_parse(&arena, str_from(text), &toml, &error), 0);
        assert_str(toml_get(&toml, "a")->string, "x\ty\xc3\xa9");
        assert_str(toml_get(&toml, "b.c")->string, "raw\\n");
        assert_int_equal(toml_get(&toml, "d/e")->integer, 31);
        assert_int_equal(toml_get(&toml, "f")->integer, -1000);
        assert_true(toml_get(&toml, "g")->number == 150.0);
        assert_true(toml_get(&toml, "h")->boolean);
        assert_int_equal(toml_get(&toml, "i")->kind, TOML_DATE);
        assert_str(toml_get(&toml, "j")->string, "one\ntwothree");
        assert_int_equal(toml_get(&toml, "k")->count, 3);
        assert_str(toml_get(&toml, "k")->items[2], "true");
        assert_str(toml_get(&toml, "l/n/o")->string, "p");
        assert_int_equal(toml_get(&toml, "l/m")->line, 14);
        assert_null(toml_get(&toml, "missing"));
}

static void test_toml_tables(void **state) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const char text[] =
                "[a.\"b.c\"]\nx = 1\n[[list]]\nn = 1\n[list.sub]\ny = 2\n[[list]]\nn = 3\n"
                "[a]\nx = 4\n";
        struct toml toml = { 0 };
        size_t at = 0, count = 0;

        (void)state;
        assert_int_equal(toml_parse(&arena, str_from(text), &toml, NULL), 0);
        assert_int_equal(toml_get(&toml, "a/b.c/x")->integer, 1);
        assert_int_equal(toml_get(&toml, "list/0/sub/y")->integer, 2);
        assert_int_equal(toml_get(&toml, "list/1/n")->integer, 3);
        assert_int_equal(toml_get(&toml, "list/*/n")->integer, 3);
        assert_int_equal(toml_get(&toml, "a/x")->integer, 4);
        while (toml_each(&toml, "list", &at))
                count++;
        assert_int_equal(count, 3);
        assert_str(toml_part(toml_get(&toml, "a/b.c/x"), 1), "b.c");
        assert_str(toml_part(toml_get(&toml, "a/b.c/x"), 7), "");
}

static void test_toml_that_is_wrong(void **state) {
        static const struct {
                const char *text;
                uint32_t line, column;
        } cases[] = {
                { "a = \n", 1, 5 },
                { "a = 1 2\n", 1, 8 },
                { "[a\n", 1, 3 },
                { "a = \"x\n", 1, 7 },
                { "= 1\n", 1, 1 },
                { "a = [1 2]\n", 1, 9 },
                { "x = 1\na = {b = 1", 2, 11 },
                { "a = \"\\q\"\n", 1, 7 },
                { "a b = 1\n", 1, 3 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct error error = { 0 };
                struct toml toml = { 0 };

                if (toml_parse(&arena, str_from(cases[i].text), &toml, &error) != -EINVAL ||
                    error.line != cases[i].line)
                        fail_msg("%s: %u:%u %s", cases[i].text, error.line, error.column,
                                 error.message);
        }
}

static void test_units(void **state) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct unit unit = { 0 };
        const char text[] =
                "# c\n[Unit]\nDescription=x\n[Service]\nExecStart=/a \\\n  # not this\n  b \\\n"
                "  c\n;d\nExecStart=\nExecStart = /z y\nEnvironment=\n";

        (void)state;
        unit_parse(&arena, STR("u"), str_from(text), &unit);
        assert_int_equal(unit.directives.count, 5);
        assert_str(unit.directives.items[1].value, "/a  b  c");
        assert_int_equal(unit.directives.items[1].place.line, 5);
        assert_str(unit_get(&unit, "Service", "ExecStart")->value, "/z y");
        assert_null(unit_get(&unit, "Service", "Environment"));
        assert_null(unit_get(&unit, "Unit", "ExecStart"));
}

static void test_words_of_units(void **state) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct words words = { 0 };

        (void)state;
        unit_split(&arena, STR("a \"b c\" 'd \"e' f\\x2g\\sh \"\" i\"j k\""), (struct place){ 0 },
                   &words);
        assert_int_equal(words.count, 6);
        assert_str(words.items[1].text, "b c");
        assert_str(words.items[2].text, "d \"e");
        assert_str(words.items[4].text, "");
        assert_str(words.items[5].text, "ij k");
}

static void test_flags(void **state) {
        static const struct setting settings[] = { { "on", "on", SETTING_BOOL },
                                                   { "name", "some-name", SETTING_STRING } };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct words words = { 0 };
        struct flags flags = { 0 };

        (void)state;
        process_words(
                &arena,
                (struct str){ "p\0--on\0--some_name\0-x\0-v=2\0--other\0val\0--last\0--\0--no",
                              54 },
                (struct place){ 0 }, &words);
        flags_parse(&arena, &words, 1, settings, ELEMENTS(settings), &flags);
        assert_str(flags_get(&flags, "on")->value, "true");
        assert_str(flags_get(&flags, "some-name")->value, "-x");
        assert_str(flags_get(&flags, "v")->value, "2");
        assert_str(flags_get(&flags, "other")->value, "val");
        assert_str(flags_get(&flags, "last")->value, "true");
        assert_null(flags_get(&flags, "no"));
}

static void test_a_title_is_split(void **state) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct words words = { 0 };

        (void)state;
        process_words(&arena, STR("/usr/local/bin/k3s server"), (struct place){ 0 }, &words);
        assert_int_equal(words.count, 2);
        assert_str(words.items[1].text, "server");
}

static void test_durations(void **state) {
        static const struct {
                const char *text;
                double seconds;
        } good[] = { { "0", 0 },      { "1h30m", 5400 },   { "1.5s", 1.5 }, { "-2m", -120 },
                     { "300ms", .3 }, { "4h0m0s", 14400 }, { "1us", 1e-6 } };
        static const char *const bad[] = { "", "5", "1x", "h", ".s", "1h30", "-", "1 s" };
        double value;

        (void)state;
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                assert_true(node_duration(str_from(good[i].text), &value));
                assert_true(value - good[i].seconds < 1e-9 && good[i].seconds - value < 1e-9);
        }
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                assert_false(node_duration(str_from(bad[i]), &value));
}

static void test_sockets(void **state) {
        struct socket_line socket;

        (void)state;
        assert_true(socket_parse(STR("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 "
                                     "00:00000000 00000000  1000        0 4242 1 0"),
                                 false, &socket));
        assert_string_equal(socket.address, "127.0.0.1");
        assert_int_equal(socket.port, 8080);
        assert_int_equal(socket.state, 10);
        assert_int_equal(socket.uid, 1000);
        assert_int_equal(socket.inode, 4242);
        assert_true(socket.loopback && !socket.wildcard);
        assert_false(socket_parse(STR("  sl  local_address rem_address   st"), false, &socket));
        assert_false(socket_parse(STR("0: 0100007F:1F90 0:0 0A"), true, &socket));
        assert_false(socket_parse(STR(""), false, &socket));
}

static void test_versions_are_ordered(void **state) {
        static const char *const order[] = { "1.0.0-rc7", "1.0.0-rc93", "1.0.0-rc95", "1.0.0",
                                             "1.0.1",     "1.1.5",      "1.1.12",     "1.2",
                                             "1.2.8",     "1.3.0-rc.1", "1.3.0",      "10.0" };

        (void)state;
        for (size_t i = 0; i < ELEMENTS(order); i++)
                for (size_t k = 0; k < ELEMENTS(order); k++) {
                        int r = version_compare(str_from(order[i]), str_from(order[k]));

                        if ((r < 0) != (i < k) || (r > 0) != (i > k))
                                fail_msg("%s, %s: %d", order[i], order[k], r);
                }
}

/* deb-version(7) */
static void test_versions_of_debian(void **state) {
        static const char *const order[] = {
                "1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.0-2",       "1.0a-1",       "1.0+b",
                "1.0.1-1",   "1.9-1", "1.10-1",        "2.0~beta1-1", "2.0-0ubuntu1", "1:0.1-1"
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS(order); i++)
                for (size_t k = 0; k < ELEMENTS(order); k++) {
                        int r = debian_compare(str_from(order[i]), str_from(order[k]));

                        if ((r < 0) != (i < k) || (r > 0) != (i > k))
                                fail_msg("%s, %s: %d", order[i], order[k], r);
                }
}

static void test_private_keys_are_recognised(void **state) {
        bool encrypted = false;

        (void)state;
        assert_str(private_key_kind(STR("x\n-----BEGIN RSA PRIVATE KEY-----\nAA"), &encrypted),
                   "RSA PRIVATE KEY");
        assert_false(encrypted);
        assert_str(private_key_kind(STR("-----BEGIN ENCRYPTED PRIVATE KEY-----"), &encrypted),
                   "ENCRYPTED PRIVATE KEY");
        assert_true(encrypted);
        assert_str(private_key_kind(STR("-----BEGIN CERTIFICATE-----"), &encrypted), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_toml_values),
                cmocka_unit_test(test_toml_tables),
                cmocka_unit_test(test_toml_that_is_wrong),
                cmocka_unit_test(test_units),
                cmocka_unit_test(test_words_of_units),
                cmocka_unit_test(test_flags),
                cmocka_unit_test(test_a_title_is_split),
                cmocka_unit_test(test_durations),
                cmocka_unit_test(test_sockets),
                cmocka_unit_test(test_versions_are_ordered),
                cmocka_unit_test(test_versions_of_debian),
                cmocka_unit_test(test_private_keys_are_recognised),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
