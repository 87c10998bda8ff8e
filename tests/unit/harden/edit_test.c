/*
 * Changes of texts: what is not changed stays as it is, to the byte.
 */
#include "../test.h"

#include <errno.h>

#include "base/util.h"
#include "harden/private.h"

struct world {
        struct arena arena;
        struct error error;
        struct str text;
};

static void world_free(struct world *world) {
        arena_free(&world->arena);
}

/* --- fields --- */

static void fields_are_set_and_comments_stay(void **state _unused_) {
        static const struct {
                const char *before, *field, *value, *after;
        } cases[] = {
                { "a: 1 # one\nb: 2\n", "a", "3", "a: 3 # one\nb: 2\n" },
                { "a: 1\n", "b", "true", "a: 1\nb: true\n" },
                { "a:\n  # within\n  b: false\n", "a.b", "true", "a:\n  # within\n  b: true\n" },
                { "a:\n  b: 1\nz: 1\n", "a.c", "2", "a:\n  b: 1\n  c: 2\nz: 1\n" },
                { "a: {b: 1}\n", "a.b", "2", "a: {b: 2}\n" },
                { "{\"a\": {\"b\": true}}\n", "a.b", "false", "{\"a\": {\"b\": false}}\n" },
                { "---\na: 1\n---\nb: 1\n", "a", "2", "---\na: 2\n---\nb: 1\n" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world w _cleanup_(world_free) = { 0 };

                assert_int_equal(edit_set_field(&w.arena, STR("f"), str_from(cases[i].before),
                                                str_from(cases[i].field), str_from(cases[i].value),
                                                &w.text, &w.error),
                                 0);
                assert_str(w.text, cases[i].after);
        }
}

static void what_is_no_document_is_refused(void **state _unused_) {
        static const char *const texts[] = { "", "# nothing\n", "a: [1\n", "\x80" };

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                struct world w _cleanup_(world_free) = { 0 };

                assert_true(edit_set_field(&w.arena, STR("f"), str_from(texts[i]), STR("a"),
                                           STR("1"), &w.text, &w.error) < 0);
        }
}

/* --- flags --- */

#define POD "spec:\n  containers:\n    - command:\n"

static void flags_change_where_they_are(void **state _unused_) {
        static const struct {
                const char *before;
                enum edit_flag what;
                const char *name, *value, *after;
        } cases[] = {
                { POD "        - p\n        - --x=1 # why\n", EDIT_FLAG_SET, "x", "2",
                  POD "        - p\n        - --x=2 # why\n" },
                { POD "        - p\n        - --xy=1\n", EDIT_FLAG_SET, "x", "2",
                  POD "        - p\n        - --xy=1\n        - --x=2\n" },
                { POD "        - p", EDIT_FLAG_SET, "x", "2",
                  POD "        - p\n        - --x=2\n" },
                { POD "        - /usr/bin/p\n        - --x\n", EDIT_FLAG_SET, "x", "false",
                  POD "        - /usr/bin/p\n        - --x=false\n" },
                /* of two the last one counts */
                { POD "        - p\n        - --x=1\n        - --x=2\n", EDIT_FLAG_SET, "x", "3",
                  POD "        - p\n        - --x=1\n        - --x=3\n" },
                { POD "        - p\n        - --x=a,b\n", EDIT_FLAG_ADD, "x", "c",
                  POD "        - p\n        - --x=a,b,c\n" },
                { POD "        - p\n        - --x=a,b\n", EDIT_FLAG_ADD, "x", "b",
                  POD "        - p\n        - --x=a,b\n" },
                { POD "        - p\n", EDIT_FLAG_ADD, "x", "c",
                  POD "        - p\n        - --x=c\n" },
                { POD "        - p\n        - --x=a,b,c\n", EDIT_FLAG_DROP, "x", "b",
                  POD "        - p\n        - --x=a,c\n" },
                { POD "        - p\n        - --x=b\n        - --y=1\n", EDIT_FLAG_DROP, "x", "b",
                  POD "        - p\n        - --y=1\n" },
                { POD "        - p\n", EDIT_FLAG_DROP, "x", "b", POD "        - p\n" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world w _cleanup_(world_free) = { 0 };

                assert_int_equal(edit_flag(&w.arena, STR("f"), str_from(cases[i].before), STR("p"),
                                           cases[i].what, str_from(cases[i].name),
                                           str_from(cases[i].value), &w.text, &w.error),
                                 0);
                assert_str(w.text, cases[i].after);
        }
}

static void flags_of_another_program_are_left_alone(void **state _unused_) {
        struct world w _cleanup_(world_free) = { 0 };

        assert_int_equal(edit_flag(&w.arena, STR("f"), STR(POD "        - sp\n        - --x=1\n"),
                                   STR("p"), EDIT_FLAG_SET, STR("x"), STR("2"), &w.text, &w.error),
                         -ENOTSUP);
}

static void flags_are_among_the_arguments_where_there_are_some(void **state _unused_) {
        struct world w _cleanup_(world_free) = { 0 };
        const char *before = "spec:\n  containers:\n    - command: [p]\n      args:\n"
                             "        - --x=1\n";

        assert_int_equal(edit_flag(&w.arena, STR("f"), str_from(before), STR("p"), EDIT_FLAG_SET,
                                   STR("x"), STR("2"), &w.text, &w.error),
                         0);
        assert_str(w.text, "spec:\n  containers:\n    - command: [p]\n      args:\n"
                           "        - --x=2\n");
}

/* --- lines --- */

static void options_of_the_ssh_server(void **state _unused_) {
        static const char *const cases[][2] = {
                { "", "A b\n" },
                { "Port 22\n", "A b\nPort 22\n" },
                { "a c\n", "A b\n" },
                { "  A=c\n#A d\n", "A b\n#A d\n" },
                { "A c\nA d", "A b\nA b" },
                { "Match User x\nA c\n", "A b\nMatch User x\nA c\n" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world w _cleanup_(world_free) = { 0 };

                assert_str(edit_sshd(&w.arena, str_from(cases[i][0]), STR("A"), STR("b")),
                           cases[i][1]);
        }
}

static void kernel_settings(void **state _unused_) {
        static const char *const cases[][2] = {
                { "", "k.x = 1\n" },
                { "k.x=0\n", "k.x = 1\n" },
                { "# a\nk.xy = 0", "# a\nk.xy = 0\nk.x = 1\n" },
                { "k.x = 0\n\nk.z = 1\n", "k.x = 1\n\nk.z = 1\n" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world w _cleanup_(world_free) = { 0 };

                assert_str(edit_sysctl(&w.arena, str_from(cases[i][0]), STR("k.x"), STR("1")),
                           cases[i][1]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fields_are_set_and_comments_stay),
                cmocka_unit_test(what_is_no_document_is_refused),
                cmocka_unit_test(flags_change_where_they_are),
                cmocka_unit_test(flags_of_another_program_are_left_alone),
                cmocka_unit_test(flags_are_among_the_arguments_where_there_are_some),
                cmocka_unit_test(options_of_the_ssh_server),
                cmocka_unit_test(kernel_settings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
