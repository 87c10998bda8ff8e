/*
 * find and findAll: Kubernetes' regular expression library (apiserver pkg/cel/library/regex.go),
 * and those of cel-go's ext/regex.go for --cel-full. Matching is RE2's, as in Go; complaints about
 * a pattern are worded as Go words them.
 */
#include "base/regex.h"

#include "base/utf8.h"
#include "base/vec.h"
#include "cel/lib/lib.h"
#include "cel/number.h"
#include "cel/patterns.h"
#include "cel/program.h"

/* How complaints about a pattern begin. */
static const char ILLEGAL[] = "Illegal regex", INVALID[] = "given regex is invalid";

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

static const struct str no_single_byte =
        STR_INIT("error parsing regexp: invalid escape sequence: `\\C`");

bool cel_pattern_translate(struct arena *arena, struct str pattern, struct str *ret) {
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

/* A compiled pattern; `owned` where it has to be freed after use. */
struct pattern {
        struct regex *regex;
        bool owned;
};

static void pattern_done(struct pattern *pattern) {
        if (pattern->owned)
                regex_free(pattern->regex);
}

/* Compiles the pattern TEXT, or makes an error that begins with PREFIX in *RET_ERROR. The
 * environment keeps what was compiled. */
static int pattern_get(struct cel_context *context, struct str text, const char *prefix,
                       struct pattern *ret, struct cel_value *ret_error) {
        struct str translated, complaint;
        struct error error;
        int r = -EINVAL;

        if (!cel_charge(context, 10 + text.len)) {
                *ret_error = cel_give_up(context);
                return -ECANCELED;
        }
        complaint = no_single_byte;
        if (cel_pattern_translate(context->scratch, text, &translated)) {
                r = cel_patterns_get(context->env->patterns, translated, &ret->regex, &ret->owned,
                                     &error);
                if (r >= 0)
                        return r;
                complaint = complaint_text(context->scratch, str_from(error.message));
        }
        *ret_error = cel_error(context->scratch, "%s: %.*s", prefix, STR_ARG(complaint));
        return r;
}

/* The leftmost match at or after FROM with COUNT - 1 of its groups. RE2 goes by bytes and finds an
 * empty match (\B) within a character, which Go does not. */
static bool find_from(const struct regex *regex, struct str text, size_t from, struct str *ret,
                      size_t count) {
        while (from <= text.len && regex_find(regex, text, from, ret, count)) {
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
        _cleanup_(pattern_done) struct pattern pattern = { 0 };
        struct str text = args[0].string.ptr ? args[0].string : STR(""), match;

        if (pattern_get(context, args[1].string, ILLEGAL, &pattern, &error) < 0)
                return error;
        if (!cel_charge_bytes(context, text.len))
                return cel_give_up(context);
        if (!find_from(pattern.regex, text, 0, &match, 1))
                return cel_string(STR(""));
        return cel_string(match);
}

/* Matches from left to right without overlap; an empty match directly behind another one does not
 * count. */
struct matches {
        struct cel_context *context;
        const struct regex *regex;
        struct str text;
        size_t from, last_end;
};

static struct matches matches_of(struct cel_context *context, const struct regex *regex,
                                 struct str text) {
        return (struct matches){ context, regex, text.ptr ? text : STR(""), 0, SIZE_MAX };
}

/* The next one, with COUNT - 1 of its groups. False where there is none, or the budget is used up.
 */
static bool matches_next(struct matches *matches, struct str *ret, size_t count) {
        struct str text = matches->text;

        while (find_from(matches->regex, text, matches->from, ret, count)) {
                size_t start = (size_t)(ret->ptr - text.ptr), end = start + ret->len;
                bool adjacent = ret->len == 0 && start == matches->last_end;

                /* To find this match, all of the rest may have been looked at. */
                if (!cel_charge(matches->context, 1 + (text.len - matches->from) / 512))
                        return false;
                if (end > matches->from)
                        matches->from = end;
                else if (matches->from < text.len)
                        utf8_next(text, &matches->from);
                else
                        matches->from++;
                matches->last_end = end;
                if (!adjacent)
                        return true;
        }
        return false;
}

static struct cel_value find_up_to(struct cel_context *context, const struct regex *regex,
                                   struct str text, size_t limit) {
        struct matches matches = matches_of(context, regex, text);
        VEC(struct cel_value) found = { 0 };
        struct str match;

        while (found.count < limit && matches_next(&matches, &match, 1))
                *vec_push_in(context->scratch, &found) = cel_string(match);
        if (context->exhausted)
                return cel_give_up(context);
        return cel_list_value(context->scratch, found.items, found.count);
}

static struct cel_value find_all(struct cel_context *context, const struct cel_value *args,
                                 size_t count) {
        struct cel_value error;
        _cleanup_(pattern_done) struct pattern pattern = { 0 };

        if (pattern_get(context, args[1].string, ILLEGAL, &pattern, &error) < 0)
                return error;
        return find_up_to(context, pattern.regex, args[0].string,
                          count > 2 && args[2].integer >= 0 ? (size_t)args[2].integer : SIZE_MAX);
}

/* A literal pattern has to be valid when the expression is compiled. */
static const char *check_pattern(struct arena *arena, const struct cel_value *const *args,
                                 size_t count) {
        struct regex *regex = NULL;
        struct str pattern;
        struct error error;

        if (count < 2 || !args[1] || args[1]->kind != CEL_STRING)
                return NULL;
        if (!cel_pattern_translate(arena, args[1]->string, &pattern))
                return no_single_byte.ptr;
        if (regex_new(pattern, &regex, &error) < 0)
                return complaint_text(arena, str_from(error.message)).ptr;
        regex_free(regex);
        return NULL;
}

/* --- regex.*: cel-go's ext/regex.go, which Kubernetes does not enable --- */

enum { GROUPS = 10 }; /* \0 to \9 */

/* Adds REPLACEMENT with what its \N stand for in a match. Returns NULL, or what is wrong. */
static const char *add_replacement(struct builder *builder, struct str replacement,
                                   const struct str *groups, size_t count) {
        for (size_t i = 0; i < replacement.len; i++) {
                char c = replacement.ptr[i];

                if (c == '\\') {
                        if (++i == replacement.len)
                                return "invalid replacement string: \\ not allowed at end";
                        c = replacement.ptr[i];
                        if (c != '\\' && (c < '0' || c > '9'))
                                return "invalid replacement string: "
                                       "\\ must be followed by a digit or \\";
                        if (c != '\\' && (size_t)(c - '0') > count)
                                return "replacement string references a group that the regex does "
                                       "not have";
                        if (c != '\\') {
                                builder_add(builder, groups[c - '0']);
                                continue;
                        }
                }
                builder_add_char(builder, c);
        }
        return NULL;
}

static struct cel_value replace(struct cel_context *context, const struct cel_value *args,
                                size_t count) {
        size_t limit = count > 3 && args[3].integer >= 0 ? (size_t)args[3].integer : SIZE_MAX;
        struct builder builder = { .arena = context->scratch };
        struct str groups[GROUPS] = { 0 };
        struct cel_value error;
        _cleanup_(pattern_done) struct pattern pattern = { 0 };
        struct matches matches;
        size_t end = 0, group_count;

        if (limit == 0)
                return args[0];
        if (limit != SIZE_MAX && limit > INT32_MAX)
                return cel_error(context->scratch, "integer overflow");
        if (pattern_get(context, args[1].string, INVALID, &pattern, &error) < 0)
                return error;
        matches = matches_of(context, pattern.regex, args[0].string);
        group_count = MIN(regex_groups(pattern.regex) + 1, (size_t)GROUPS);
        for (; limit > 0 && matches_next(&matches, groups, group_count); limit--) {
                size_t start = (size_t)(groups[0].ptr - matches.text.ptr);
                const char *problem;

                builder_add(&builder, str_slice(matches.text, end, start));
                problem = add_replacement(&builder, args[2].string, groups, group_count - 1);
                if (problem)
                        return cel_error(context->scratch, "%s", problem);
                if (!cel_charge_bytes(context, builder.len))
                        return cel_give_up(context);
                end = start + groups[0].len;
        }
        if (context->exhausted)
                return cel_give_up(context);
        builder_add(&builder, str_slice(matches.text, end, matches.text.len));
        return cel_string(builder_str(&builder));
}

/* The group of a match, or all of it where the pattern has none. */
static struct str extracted(const struct str *groups, size_t group_count) {
        return groups[group_count];
}

static int pattern_get_extracting(struct cel_context *context, struct str text, struct pattern *ret,
                                  struct cel_value *ret_error) {
        int r = pattern_get(context, text, INVALID, ret, ret_error);

        if (r < 0 || regex_groups(ret->regex) <= 1)
                return r;
        *ret_error = cel_error(context->scratch,
                               "regular expression has more than one capturing group: %.*s",
                               STR_ARG(cel_quote(context->scratch, text)));
        return -EINVAL;
}

static struct cel_value extract(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        struct cel_value error, none = { .kind = CEL_OPTIONAL };
        _cleanup_(pattern_done) struct pattern pattern = { 0 };
        struct matches matches;
        struct str groups[2];
        size_t group_count;

        if (pattern_get_extracting(context, args[1].string, &pattern, &error) < 0)
                return error;
        group_count = regex_groups(pattern.regex);
        matches = matches_of(context, pattern.regex, args[0].string);
        if (!matches_next(&matches, groups, group_count + 1))
                return context->exhausted ? cel_give_up(context) : none;
        if (group_count > 0 && groups[1].len == 0)
                return none;
        return cel_optional_of(context->scratch, cel_string(extracted(groups, group_count)));
}

static struct cel_value extract_all(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        struct cel_value error;
        _cleanup_(pattern_done) struct pattern pattern = { 0 };
        VEC(struct cel_value) found = { 0 };
        struct matches matches;
        struct str groups[2];
        size_t group_count;

        if (pattern_get_extracting(context, args[1].string, &pattern, &error) < 0)
                return error;
        group_count = regex_groups(pattern.regex);
        matches = matches_of(context, pattern.regex, args[0].string);
        while (matches_next(&matches, groups, group_count + 1))
                if (group_count == 0 || groups[1].len > 0)
                        *vec_push_in(context->scratch, &found) =
                                cel_string(extracted(groups, group_count));
        if (context->exhausted)
                return cel_give_up(context);
        return cel_list_value(context->scratch, found.items, found.count);
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
        { .signature = "regex.extract(string, string) optional(string)",
          .call = extract,
          .dialect = CEL_DIALECT_FULL },
        { .signature = "regex.extractAll(string, string) list(string)",
          .call = extract_all,
          .dialect = CEL_DIALECT_FULL },
        { .signature = "regex.replace(string, string, string) string",
          .call = replace,
          .dialect = CEL_DIALECT_FULL },
        { .signature = "regex.replace(string, string, string, int) string",
          .call = replace,
          .dialect = CEL_DIALECT_FULL },
};

CEL_LIBRARY(cel_library_regex, "regex", rows);
