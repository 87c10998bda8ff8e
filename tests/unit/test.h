/*
 * What every unit test needs: cmocka and its prerequisites, and assertions on `struct str`.
 */
#pragma once

/* cmocka demands this order. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

#define assert_str(actual, expected) assert_str_at((actual), (expected), __FILE__, __LINE__)

static inline void assert_str_at(struct str actual, const char *expected, const char *file,
                                 int line) {
        if (str_eq(actual, str_from(expected)))
                return;
        print_error("\"%.*s\" is not \"%s\"\n", STR_ARG(actual), expected);
        _fail(file, line);
}

/* The folder of shared test data (see tests/README.md), or NULL: then the test calls skip(). */
static inline const char *test_data(void) {
        return getenv("REDOUBT_TEST_DATA");
}
