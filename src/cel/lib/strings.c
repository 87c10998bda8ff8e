/*
 * Methods of strings: cel-go's ext/strings.go at the version Kubernetes enables (0 before 1.29,
 * then 2); with --cel-full the newest. Positions are code points, not bytes. string.format is in
 * format_string.c.
 */
#include "base/utf8.h"
#include "cel/lib/format_string.h"
#include "cel/lib/lib.h"

/* --- positions --- */

/* The byte offset of code point INDEX of S, or -1 where it lies outside 0..length. */
static ptrdiff_t offset_of(struct str s, int64_t index) {
        size_t count = utf8_count(s);

        if (index < 0 || (uint64_t)index > count)
                return -1;
        return (ptrdiff_t)utf8_offset(s, (size_t)index);
}

static struct cel_value out_of_range(struct cel_context *context, int64_t index) {
        return cel_error(context->scratch, "index out of range: %lld", (long long)index);
}

static struct cel_value char_at(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        struct str s = args[0].string;
        ptrdiff_t offset;
        size_t end;

        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        offset = offset_of(s, args[1].integer);
        if (offset < 0)
                return out_of_range(context, args[1].integer);
        if ((size_t)offset == s.len)
                return cel_string(STR(""));
        end = (size_t)offset;
        utf8_next(s, &end);
        return cel_string(cel_valid_text(context->scratch, str_slice(s, (size_t)offset, end)));
}

static struct cel_value substring(struct cel_context *context, const struct cel_value *args,
                                  size_t count) {
        struct str s = args[0].string;
        ptrdiff_t from, to;

        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        if (count > 2 && args[1].integer > args[2].integer)
                return cel_error(context->scratch,
                                 "invalid substring range. start: %lld, end: %lld",
                                 (long long)args[1].integer, (long long)args[2].integer);
        from = offset_of(s, args[1].integer);
        if (from < 0)
                return out_of_range(context, args[1].integer);
        to = count > 2 ? offset_of(s, args[2].integer) : (ptrdiff_t)s.len;
        if (to < 0)
                return out_of_range(context, args[2].integer);
        return cel_string(cel_valid_text(context->scratch, str_slice(s, (size_t)from, (size_t)to)));
}

/* --- searching --- */

static struct cel_value index_of(struct cel_context *context, const struct cel_value *args,
                                 size_t count) {
        struct str s = args[0].string, needle = args[1].string;
        int64_t from = count > 2 ? args[2].integer : 0;
        ptrdiff_t at;

        if (needle.len == 0)
                return cel_int(from); /* wherever that is */
        if (from < 0)
                return out_of_range(context, from);
        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        at = offset_of(s, from);
        if (at < 0 && cel_is_full(context))
                return out_of_range(context, from);
        if (at >= 0)
                at = str_find(s, needle, (size_t)at);
        if (at < 0)
                return cel_int(-1);
        return cel_int((int64_t)utf8_count(str_slice(s, 0, (size_t)at)));
}

/* Where NEEDLE begins in S for the last time at or before byte LAST, or -1. */
static ptrdiff_t find_last(struct str s, struct str needle, size_t last) {
        size_t i;

        if (needle.len > s.len)
                return -1;
        i = MIN(last, s.len - needle.len);
        for (;; i--) {
                if (s.ptr[i] == needle.ptr[0] && memcmp(s.ptr + i, needle.ptr, needle.len) == 0)
                        return (ptrdiff_t)i;
                if (i == 0)
                        return -1;
        }
}

static struct cel_value last_index_of(struct cel_context *context, const struct cel_value *args,
                                      size_t count) {
        struct str s = args[0].string, needle = args[1].string;
        size_t product;
        ptrdiff_t last, at;
        int64_t runes;

        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        runes = (int64_t)utf8_count(s);
        if (needle.len == 0)
                return cel_int(count > 2 ? args[2].integer : runes);
        if (count == 2)
                last = (ptrdiff_t)s.len;
        else {
                if (args[2].integer < 0 || (args[2].integer > runes && cel_is_full(context)))
                        return out_of_range(context, args[2].integer);
                if (args[2].integer >= runes)
                        return cel_int(-1);
                last = offset_of(s, args[2].integer);
        }
        /* Quadratic at worst. */
        if (__builtin_mul_overflow(s.len, needle.len, &product) ||
            !cel_charge_bytes(context, product / 16))
                return cel_give_up(context);
        at = find_last(s, needle, (size_t)last);
        if (at < 0)
                return cel_int(-1);
        return cel_int((int64_t)utf8_count(str_slice(s, 0, (size_t)at)));
}

/* --- changing --- */

static struct cel_value change_case(struct cel_context *context, struct str s, char first,
                                    char last) {
        char *out;

        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        s = cel_valid_text(context->scratch, s);
        out = arena_alloc(context->scratch, s.len + 1);
        for (size_t i = 0; i < s.len; i++)
                out[i] = s.ptr[i] >= first && s.ptr[i] <= last ? (char)(s.ptr[i] ^ 0x20) : s.ptr[i];
        return cel_string((struct str){ out, s.len });
}

static struct cel_value lower_ascii(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        return change_case(context, args[0].string, 'A', 'Z');
}

static struct cel_value upper_ascii(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        return change_case(context, args[0].string, 'a', 'z');
}

/* White_Space of Unicode (Go's unicode.IsSpace). */
bool cel_is_space(int32_t code) {
        return (code >= '\t' && code <= '\r') || code == ' ' || code == 0x85 || code == 0xa0 ||
               code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
               code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

static struct cel_value trim(struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        struct str s = args[0].string;
        size_t offset = 0, from = SIZE_MAX, to = 0;

        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        while (offset < s.len) {
                size_t start = offset;

                if (cel_is_space(utf8_next(s, &offset)))
                        continue;
                if (from == SIZE_MAX)
                        from = start;
                to = offset;
        }
        return cel_string(from == SIZE_MAX ? STR("") : str_slice(s, from, to));
}

/* How often OLD occurs in S without overlap; one more than there are code points if it is empty. At
 * most LIMIT. */
static size_t count_occurrences(struct str s, struct str old, size_t limit) {
        size_t found = 0;
        ptrdiff_t at = 0;

        if (old.len == 0)
                return MIN(utf8_count(s) + 1, limit);
        while (found < limit && (at = str_find(s, old, (size_t)at)) >= 0) {
                at += (ptrdiff_t)old.len;
                found++;
        }
        return found;
}

static struct str replace_times(struct arena *arena, struct str s, struct str old,
                                struct str replacement, size_t times, size_t size) {
        char *out = arena_alloc(arena, size + 1);
        size_t offset = 0, len = 0;

        for (size_t i = 0; i < times; i++) {
                size_t at = offset;

                if (old.len == 0) {
                        if (i > 0)
                                utf8_next(s, &at);
                } else
                        at = (size_t)str_find(s, old, offset);
                memcpy(out + len, s.ptr + offset, at - offset);
                len += at - offset;
                if (replacement.len > 0)
                        memcpy(out + len, replacement.ptr, replacement.len);
                len += replacement.len;
                offset = at + old.len;
        }
        memcpy(out + len, s.ptr + offset, s.len - offset);
        len += s.len - offset;
        return (struct str){ out, len };
}

/* Go's strings.Replace. */
static struct cel_value replace(struct cel_context *context, const struct cel_value *args,
                                size_t count) {
        struct str s = args[0].string, old = args[1].string, replacement = args[2].string;
        size_t limit = count > 3 && args[3].integer >= 0 ? (size_t)args[3].integer : SIZE_MAX;
        size_t times, size;

        if (limit == 0 || str_eq(old, replacement))
                return args[0];
        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        if (s.len == 0)
                s = STR("");
        times = count_occurrences(s, old, limit);
        if (times == 0)
                return args[0];
        if (__builtin_mul_overflow(times, replacement.len, &size) ||
            __builtin_add_overflow(size, s.len - times * old.len, &size) ||
            !cel_charge_bytes(context, size) || !cel_charge(context, times / 8))
                return cel_give_up(context);
        return cel_string(replace_times(context->scratch, s, old, replacement, times, size));
}

static struct cel_value reverse(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        struct str s = args[0].string;
        char *out;

        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        s = cel_valid_text(context->scratch, s);
        out = arena_alloc(context->scratch, s.len + 1);
        for (size_t offset = 0; offset < s.len;) {
                size_t start = offset;

                (void)utf8_next(s, &offset);
                memcpy(out + s.len - offset, s.ptr + start, offset - start);
        }
        return cel_string((struct str){ out, s.len });
}

/* Go's strings.SplitN; an empty separator splits into code points. */
static struct cel_value split(struct cel_context *context, const struct cel_value *args,
                              size_t count) {
        struct str s = args[0].string, separator = args[1].string;
        size_t limit = count > 2 && args[2].integer >= 0 ? (size_t)args[2].integer : SIZE_MAX;
        size_t pieces, offset = 0;
        struct cel_value *items;

        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        if (separator.len == 0)
                pieces = MIN(utf8_count(s), limit);
        else
                pieces = limit == 0 ? 0 : count_occurrences(s, separator, limit - 1) + 1;
        if (!cel_charge(context, pieces))
                return cel_give_up(context);
        items = arena_new_array(context->scratch, pieces, struct cel_value);
        for (size_t i = 0; i < pieces; i++) {
                size_t end = s.len, next = s.len;

                if (i + 1 < pieces && separator.len > 0) {
                        end = (size_t)str_find(s, separator, offset);
                        next = end + separator.len;
                } else if (i + 1 < pieces) {
                        end = offset;
                        utf8_next(s, &end);
                        next = end;
                }
                items[i] = cel_string(str_slice(s, offset, end));
                offset = next;
        }
        return cel_list_value(context->scratch, items, pieces);
}

static struct cel_value join(struct cel_context *context, const struct cel_value *args,
                             size_t count) {
        struct builder builder = { .arena = context->scratch };
        struct str separator = count > 1 ? args[1].string : STR("");
        size_t size = cel_list_size(&args[0]);

        if (!cel_charge(context, size))
                return cel_give_up(context);
        for (size_t i = 0; i < size; i++) {
                struct cel_value item = cel_list_at(&args[0], i);

                if (item.kind != CEL_STRING) {
                        /* Go prints the value of null, which is the number 0. */
                        struct str text = item.kind == CEL_NULL
                                                  ? STR("0")
                                                  : cel_value_text(context->scratch, &item);

                        return cel_error(context->scratch, "join: invalid input: %.*s",
                                         STR_ARG(text));
                }
                if (!cel_charge_bytes(context, separator.len + item.string.len))
                        return cel_give_up(context);
                if (i > 0)
                        builder_add(&builder, separator);
                builder_add(&builder, item.string);
        }
        return cel_string(builder_str(&builder));
}

/* S as a CEL literal. */
static struct cel_value quote(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        static const char escaped[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";
        struct builder builder = { .arena = context->scratch };
        struct str s = args[0].string;

        if (!cel_charge_bytes(context, s.len))
                return cel_give_up(context);
        s = cel_valid_text(context->scratch, s);
        builder_add_char(&builder, '"');
        for (size_t i = 0; i < s.len; i++) {
                const char *hit = memchr(escaped, s.ptr[i], sizeof(escaped) - 1);

                if (hit)
                        builder_add_char(&builder, '\\');
                builder_add_char(&builder, hit ? letters[hit - escaped] : s.ptr[i]);
        }
        builder_add_char(&builder, '"');
        return cel_string(builder_str(&builder));
}

static const struct cel_function_row rows[] = {
        { .signature = "string.charAt(int) string", .call = char_at },
        { .signature = "string.indexOf(string) int", .call = index_of },
        { .signature = "string.indexOf(string, int) int", .call = index_of },
        { .signature = "string.lastIndexOf(string) int", .call = last_index_of },
        { .signature = "string.lastIndexOf(string, int) int", .call = last_index_of },
        { .signature = "string.lowerAscii() string", .call = lower_ascii },
        { .signature = "string.upperAscii() string", .call = upper_ascii },
        { .signature = "string.replace(string, string) string", .call = replace },
        { .signature = "string.replace(string, string, int) string", .call = replace },
        { .signature = "string.reverse() string", .call = reverse, .dialect = CEL_DIALECT_FULL },
        { .signature = "string.split(string) list(string)", .call = split },
        { .signature = "string.split(string, int) list(string)", .call = split },
        { .signature = "string.substring(int) string", .call = substring },
        { .signature = "string.substring(int, int) string", .call = substring },
        { .signature = "string.trim() string", .call = trim },
        { .signature = "list(string).join() string", .call = join },
        { .signature = "list(string).join(string) string", .call = join },
        { .signature = "strings.quote(string) string", .call = quote, .since = 29 },
        { .signature = "string.format(list(dyn)) string",
          .call = cel_format_string,
          .check_call = cel_format_string_check,
          .since = 29 },
};

CEL_LIBRARY(cel_library_strings, "strings", rows);
