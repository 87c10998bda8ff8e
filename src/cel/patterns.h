/*
 * Compiled regular expressions whose pattern is only known when an expression is evaluated, such as
 * a variable of the policy.
 *
 * Compiling one costs a thousand times as much as matching it, and the same few come again for
 * every object. The cache is shared by all threads and bounded: once it is full, further patterns
 * are compiled for one use. Nothing is evicted, so what was handed out stays valid until the
 * environment goes. Private to src/cel.
 */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "base/regex.h"

enum { CEL_PATTERNS_MAX = 512, CEL_PATTERN_LENGTH_MAX = 4096 };

struct cel_patterns {
        pthread_rwlock_t lock;
        struct arena arena;    /* the keys */
        struct map by_pattern; /* struct regex * */
};

void cel_patterns_init(struct cel_patterns *patterns);
void cel_patterns_free(struct cel_patterns *patterns);

/* The compiled PATTERN. *RET_OWNED tells whether the caller frees it. Returns 0 or -EINVAL. */
int cel_patterns_get(struct cel_patterns *patterns, struct str pattern, struct regex **ret,
                     bool *ret_owned, struct error *error);

/* PATTERN as the RE2 in use reads it: "(?<name>" is newer than that and becomes "(?P<name>".
 * Returns false for \C, which RE2 has and Go has not. The result is PATTERN itself or lives in
 * ARENA. */
bool cel_pattern_translate(struct arena *arena, struct str pattern, struct str *ret);
