#include "cel/patterns.h"

#include <errno.h>

#include "base/util.h"

void cel_patterns_init(struct cel_patterns *patterns) {
        *patterns = (struct cel_patterns){ .lock = PTHREAD_RWLOCK_INITIALIZER };
}

void cel_patterns_free(struct cel_patterns *patterns) {
        for (size_t i = 0; i < patterns->by_pattern.count; i++)
                regex_free(patterns->by_pattern.entries[i].value);
        map_free(&patterns->by_pattern);
        arena_free(&patterns->arena);
        pthread_rwlock_destroy(&patterns->lock);
}

static struct regex *find(struct cel_patterns *patterns, struct str pattern) {
        struct regex *found;

        pthread_rwlock_rdlock(&patterns->lock);
        found = map_get(&patterns->by_pattern, pattern);
        pthread_rwlock_unlock(&patterns->lock);
        return found;
}

/* Gives REGEX to the cache. Returns what the cache has for PATTERN now: another thread may have
 * been first. */
static struct regex *keep(struct cel_patterns *patterns, struct str pattern, struct regex *regex) {
        struct regex *kept;

        pthread_rwlock_wrlock(&patterns->lock);
        kept = map_get(&patterns->by_pattern, pattern);
        if (!kept && patterns->by_pattern.count < CEL_PATTERNS_MAX) {
                map_put(&patterns->by_pattern, arena_str(&patterns->arena, pattern))->value = regex;
                kept = regex;
        }
        pthread_rwlock_unlock(&patterns->lock);
        return kept;
}

int cel_patterns_get(struct cel_patterns *patterns, struct str pattern, struct regex **ret,
                     bool *ret_owned, struct error *error) {
        struct regex *regex = find(patterns, pattern), *kept = NULL;
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str translated;
        int r;

        *ret_owned = false;
        if (!regex) {
                if (!cel_pattern_translate(&arena, pattern, &translated))
                        return error_set(error, -EINVAL, "invalid escape sequence: \\C");
                r = regex_new(translated, &regex, error);
                if (r < 0)
                        return r;
                if (pattern.len <= CEL_PATTERN_LENGTH_MAX)
                        kept = keep(patterns, pattern, regex);
                if (kept && kept != regex) {
                        regex_free(regex);
                        regex = kept;
                }
                *ret_owned = !kept;
        }
        *ret = regex;
        return 0;
}
