/*
 * find and findAll: Kubernetes' regular expression library (apiserver pkg/cel/library/regex.go).
 * Matching is RE2's, as in Go; complaints about a pattern are worded as Go words them.
 */
#include "base/regex.h"

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
        if (where.len == 0)
                return arena_printf(arena, "error parsing regexp: %.*s", STR_ARG(what));
        return arena_printf(arena, "error parsing regexp: %.*s: `%.*s`", STR_ARG(what),
                            STR_ARG(where));
}

static void regex_cleanup(struct regex **regex) {
        regex_free(*regex);
}

/* Compiles PATTERN or makes an error in *RET_ERROR. */
static struct regex *compile(struct cel_context *context, struct str pattern,
                             struct cel_value *ret_error) {
        struct regex *regex = NULL;
        struct error error;
        struct str text;

        if (!cel_charge(context, 10 + pattern.len)) {
                *ret_error = cel_give_up(context);
                return NULL;
        }
        if (regex_new(pattern, &regex, &error) < 0) {
                text = complaint_text(context->scratch, str_from(error.message));
                *ret_error =
                        cel_error(context->scratch, "Illegal regex: %.*s", STR_ARG(text));
                return NULL;
        }
        return regex;
}

static struct cel_value find(struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        struct cel_value error;
        _cleanup_(regex_cleanup) struct regex *regex = compile(context, args[1].string, &error);
        struct str match;

        if (!regex)
                return error;
        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        if (!regex_find(regex, args[0].string, 0, &match, 1))
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

        while (found.count < limit && from <= text.len &&
               regex_find(regex, text, from, &match, 1)) {
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
        _cleanup_(regex_cleanup) struct regex *regex = compile(context, args[1].string, &error);
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
        struct regex *regex = NULL;
        struct error error;

        if (count < 2 || !args[1] || args[1]->kind != CEL_STRING)
                return NULL;
        if (regex_new(args[1]->string, &regex, &error) < 0)
                return complaint_text(arena, str_from(error.message)).ptr;
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
