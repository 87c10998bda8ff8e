/*
 * find and findAll: Kubernetes' regular expression library (apiserver pkg/cel/library/regex.go).
 * Matching is RE2's, as in Go; complaints about a pattern are worded as Go words them.
 */
#include "base/regex.h"

#include <pthread.h>

#include "base/utf8.h"
#include "base/vec.h"
#include "cel/lib/lib.h"

/* RE2's words for what is wrong, and Go's. */
static const struct {
        const char *re2, *go;
} complaints[] = {
        { "missing ]", "missing closing ]" },
        { "missing )", "missing closing )" },
        { "trailing \\", "trailing backslash at end of expression" },
        { "no argument for repetition operator", "missing argument to repetition operator" },
        { "bad repetition operator", "invalid nested repetition operator" },
        { "invalid repetition size", "invalid repeat count" },
        { "invalid perl operator", "invalid or unsupported Perl syntax" },
        { "invalid named capture group", "invalid named capture" },
};

/* Copies the bracket expression that begins S, up to its end or to a backslash within. Returns its
 * length. A bracket that closes at once is a member. */
static size_t copy_bracket(struct builder *builder, struct str s) {
        size_t len = 1;

        if (len < s.len && s.ptr[len] == '^')
                len++;
        if (len < s.len && s.ptr[len] == ']')
                len++;
        while (len < s.len && s.ptr[len] != ']') {
                if (s.ptr[len] == '\\' && len + 1 < s.len)
                        len++;
                len++;
        }
        builder_add(builder, str_slice(s, 0, len));
        return len;
}

/* PATTERN as the RE2 in use reads it: "(?<name>" is newer than that and becomes "(?P<name>".
 * Returns false for \C, which RE2 has and Go has not. */
static bool translate(struct arena *arena, struct str pattern, struct str *ret) {
        struct builder builder = { .arena = arena };
        bool quoted = false; /* between \Q and \E */
        size_t i = 0;

        if (str_find(pattern, STR("(?<"), 0) < 0 && str_find(pattern, STR("\\C"), 0) < 0) {
                *ret = pattern;
                return true;
        }
        while (i < pattern.len) {
                struct str rest = str_slice(pattern, i, pattern.len);
                bool escape = rest.ptr[0] == '\\' && rest.len > 1;

                if (escape && (!quoted || rest.ptr[1] == 'E')) {
                        if (rest.ptr[1] == 'C')
                                return false;
                        quoted = rest.ptr[1] == 'Q';
                        builder_add(&builder, str_slice(rest, 0, 2));
                        i += 2;
                } else if (!quoted && rest.ptr[0] == '[') {
                        i += copy_bracket(&builder, rest);
                } else if (!quoted && str_starts(rest, STR("(?<")) && rest.len > 3 &&
                           rest.ptr[3] != '=' && rest.ptr[3] != '!') {
                        builder_add(&builder, STR("(?P<"));
                        i += 3;
                } else {
                        builder_add_char(&builder, rest.ptr[0]);
                        i++;
                }
        }
        *ret = builder_str(&builder);
        return true;
}

/* "missing ]: [a" becomes "error parsing regexp: missing closing ]: `[a`". */
static struct str complaint_text(struct arena *arena, struct str message) {
        ptrdiff_t colon = str_find(message, STR(": "), 0);
        struct str what = str_slice(message, 0, colon < 0 ? message.len : (size_t)colon);
        struct str where = str_slice(message, what.len + 2, message.len);

        for (size_t i = 0; i < ELEMENTS(complaints); i++)
                if (str_eq(what, str_from(complaints[i].re2))) {
                        what = str_from(complaints[i].go);
                        break;
                }
        return arena_printf(arena, "error parsing regexp: %.*s: `%.*s`", STR_ARG(what),
                            STR_ARG(where));
}

/* Compiles PATTERN. Returns NULL with what is wrong in *RET_COMPLAINT. */
static struct regex *compile(struct arena *arena, struct str pattern, struct str *ret_complaint) {
        struct regex *regex = NULL;
        struct error error;

        if (!translate(arena, pattern, &pattern))
                *ret_complaint = STR("error parsing regexp: invalid escape sequence: `\\C`");
        else if (regex_new(pattern, &regex, &error) < 0)
                *ret_complaint = complaint_text(arena, str_from(error.message));
        return regex;
}

/* --- patterns in use --- */

/* Compiling costs as much as a hundred evaluations, and policies ask for the same few patterns
 * again and again: each thread remembers the last ones. */
enum { CACHE_SIZE = 8 };

struct cached {
        struct regex *regex;
        char *pattern;
        size_t len;
};

static _Thread_local struct cached cache[CACHE_SIZE];
static _Thread_local size_t cache_next; /* the entry to give up for the next pattern */

static pthread_once_t cache_once = PTHREAD_ONCE_INIT;
static pthread_key_t cache_key;
static bool cache_usable; /* without a key nothing would be released when a thread ends */

static void cached_clear(struct cached *entry) {
        regex_free(entry->regex);
        free(entry->pattern);
        *entry = (struct cached){ 0 };
}

static void cache_release(_unused_ void *entries) {
        for (size_t i = 0; i < CACHE_SIZE; i++)
                cached_clear(&cache[i]);
}

static void cache_prepare(void) {
        cache_usable = pthread_key_create(&cache_key, cache_release) == 0;
}

static struct regex *cache_find(struct str pattern) {
        for (size_t i = 0; i < CACHE_SIZE; i++)
                if (cache[i].regex &&
                    str_eq(pattern, (struct str){ cache[i].pattern, cache[i].len }))
                        return cache[i].regex;
        return NULL;
}

/* Hands REGEX over. */
static void cache_keep(struct str pattern, struct regex *regex) {
        struct cached *entry = &cache[cache_next];

        cached_clear(entry);
        entry->pattern = xrealloc(NULL, pattern.len + 1, 1);
        if (pattern.len > 0)
                memcpy(entry->pattern, pattern.ptr, pattern.len);
        entry->len = pattern.len;
        entry->regex = regex;
        cache_next = (cache_next + 1) % CACHE_SIZE;
}

/* The compiled PATTERN, valid until the next call, or NULL with an error value. */
static const struct regex *regex_of(struct cel_context *context, struct str pattern,
                                    struct cel_value *ret_error) {
        struct regex *regex;
        struct str complaint;

        /* Charged in any case: what an evaluation costs must not depend on earlier ones. */
        if (!cel_charge(context, 10 + pattern.len)) {
                *ret_error = cel_give_up(context);
                return NULL;
        }
        regex = cache_find(pattern);
        if (regex)
                return regex;
        pthread_once(&cache_once, cache_prepare);
        if (!cache_usable || pthread_setspecific(cache_key, cache) != 0) {
                *ret_error = cel_error(context->scratch, "out of thread-specific memory");
                return NULL;
        }
        regex = compile(context->scratch, pattern, &complaint);
        if (regex)
                cache_keep(pattern, regex);
        else
                *ret_error = cel_error(context->scratch, "Illegal regex: %.*s", STR_ARG(complaint));
        return regex;
}

/* --- matching --- */

/* The leftmost match at or after FROM. RE2 goes by bytes and finds an empty match (\B) within a
 * character, which Go does not. */
static bool find_from(const struct regex *regex, struct str text, size_t from, struct str *ret) {
        while (from <= text.len && regex_find(regex, text, from, ret, 1)) {
                size_t start = (size_t)(ret->ptr - text.ptr);

                if (ret->len > 0 || start == text.len || (text.ptr[start] & 0xc0) != 0x80)
                        return true;
                from = start + 1;
        }
        return false;
}

static struct cel_value find(struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        struct cel_value error;
        const struct regex *regex = regex_of(context, args[1].string, &error);
        struct str text = args[0].string.ptr ? args[0].string : STR(""), match;

        if (!regex)
                return error;
        if (!cel_charge_bytes(context, text.len))
                return cel_give_up(context);
        if (!find_from(regex, text, 0, &match))
                return cel_string(STR(""));
        return cel_string(match);
}

/* Matches from left to right without overlap; an empty match directly behind another one does not
 * count. At most LIMIT. */
static struct cel_value find_up_to(struct cel_context *context, const struct regex *regex,
                                   struct str text, size_t limit) {
        VEC(struct cel_value) found = { 0 };
        size_t from = 0, last_end = SIZE_MAX;
        struct str match;

        while (found.count < limit && find_from(regex, text, from, &match)) {
                size_t start = (size_t)(match.ptr - text.ptr), end = start + match.len;
                bool adjacent = match.len == 0 && start == last_end;

                if (!cel_charge(context, 1) || !cel_charge_bytes(context, end - from))
                        return cel_give_up(context);
                if (end > from)
                        from = end;
                else if (from < text.len)
                        utf8_next(text, &from);
                else
                        from++;
                last_end = end;
                if (!adjacent)
                        *vec_push_in(context->scratch, &found) = cel_string(match);
        }
        return cel_list_value(context->scratch, found.items, found.count);
}

static struct cel_value find_all(struct cel_context *context, const struct cel_value *args,
                                 size_t count) {
        struct cel_value error;
        const struct regex *regex = regex_of(context, args[1].string, &error);
        struct str text = args[0].string;

        if (!regex)
                return error;
        if (!text.ptr)
                text = STR("");
        return find_up_to(context, regex, text,
                          count > 2 && args[2].integer >= 0 ? (size_t)args[2].integer : SIZE_MAX);
}

/* A literal pattern has to be valid when the expression is compiled. */
static const char *check_pattern(struct arena *arena, const struct cel_value *const *args,
                                 size_t count) {
        struct regex *regex;
        struct str complaint;

        if (count < 2 || !args[1] || args[1]->kind != CEL_STRING)
                return NULL;
        regex = compile(arena, args[1]->string, &complaint);
        if (!regex)
                return arena_str(arena, complaint).ptr;
        regex_free(regex);
        return NULL;
}

static const struct cel_function_row rows[] = {
        { .signature = "string.find(string) string",
          .call = find,
          .check_literals = check_pattern },
        { .signature = "string.findAll(string) list(string)",
          .call = find_all,
          .check_literals = check_pattern },
        { .signature = "string.findAll(string, int) list(string)",
          .call = find_all,
          .check_literals = check_pattern },
};

CEL_LIBRARY(cel_library_regex, "regex", rows);
