/*
 * The functions of the specification that are no operators: sizes, conversions, string predicates.
 */
#include <math.h>

#include "base/regex.h"
#include "base/utf8.h"
#include "base/util.h"
#include "cel/eval.h"
#include "cel/functions.h"
#include "cel/number.h"
#include "cel/program.h"

/* --- size --- */

struct cel_value cel_function_size(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        switch (args[0].kind) {
        case CEL_STRING:
                if (!cel_charge(context, args[0].string.len / 10))
                        return cel_exhausted();
                return cel_int((int64_t)utf8_count(args[0].string));
        case CEL_BYTES:
                return cel_int((int64_t)args[0].string.len);
        case CEL_LIST:
                return cel_int((int64_t)cel_list_size(&args[0]));
        default:
                return cel_int((int64_t)cel_map_size(&args[0]));
        }
}

/* --- conversions --- */

static struct cel_value identity(_unused_ struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        return args[0];
}

/* A value that stands for another keeps where it came from. */
static struct cel_value derived(struct cel_value value, const struct cel_value *from) {
        value.node = from->node;
        value.missed = from->missed;
        return value;
}

static struct cel_value conversion_error(struct cel_context *context, const struct cel_value *from,
                                         const struct cel_type *to) {
        return cel_error(context->scratch, "type conversion error from '%.*s' to '%.*s'",
                         STR_ARG(cel_type_runtime_name(cel_value_type(from))),
                         STR_ARG(cel_type_runtime_name(to)));
}

static struct cel_value to_type(_unused_ struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        return derived(cel_type_value(cel_value_type(&args[0])), &args[0]);
}

/* strconv.ParseBool */
static struct cel_value to_bool(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        static const struct str texts[2][6] = {
                { STR_INIT("0"), STR_INIT("f"), STR_INIT("F"), STR_INIT("false"), STR_INIT("FALSE"),
                  STR_INIT("False") },
                { STR_INIT("1"), STR_INIT("t"), STR_INIT("T"), STR_INIT("true"), STR_INIT("TRUE"),
                  STR_INIT("True") },
        };

        for (size_t value = 0; value < 2; value++)
                for (size_t i = 0; i < ELEMENTS(texts[value]); i++)
                        if (str_eq(args[0].string, texts[value][i]))
                                return derived(cel_bool(value == 1), &args[0]);
        return conversion_error(context, &args[0], &cel_type_bool);
}

static struct cel_value to_bytes(_unused_ struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        return derived(cel_bytes(args[0].string), &args[0]);
}

static struct cel_value to_double(struct cel_context *context, const struct cel_value *args,
                                  _unused_ size_t count) {
        double number;

        switch (args[0].kind) {
        case CEL_INT:
                return derived(cel_double((double)args[0].integer), &args[0]);
        case CEL_UINT:
                return derived(cel_double((double)args[0].uinteger), &args[0]);
        default:
                if (cel_double_parse(args[0].string, &number) < 0)
                        return conversion_error(context, &args[0], &cel_type_double);
                return derived(cel_double(number), &args[0]);
        }
}

static struct cel_value to_duration(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        int64_t nanoseconds;

        /* duration(int) is declared, but cel-go has no such conversion. */
        if (args[0].kind != CEL_STRING || cel_duration_parse(args[0].string, &nanoseconds) < 0)
                return conversion_error(context, &args[0], &cel_type_duration);
        return derived(cel_duration(nanoseconds), &args[0]);
}

static struct cel_value to_timestamp(struct cel_context *context, const struct cel_value *args,
                                     _unused_ size_t count) {
        struct cel_value timestamp = { .kind = CEL_TIMESTAMP, .integer = args[0].integer };
        int r = 0;

        if (args[0].kind == CEL_STRING)
                r = cel_timestamp_parse(args[0].string, &timestamp);
        else if (args[0].integer < CEL_TIMESTAMP_MIN || args[0].integer > CEL_TIMESTAMP_MAX)
                r = -ERANGE;
        if (r == -ERANGE)
                return cel_error(context->scratch, "timestamp overflow");
        if (r < 0)
                return conversion_error(context, &args[0], &cel_type_timestamp);
        return derived(timestamp, &args[0]);
}

static struct cel_value to_int(struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        int64_t number;

        switch (args[0].kind) {
        case CEL_DOUBLE:
                if (!(args[0].number > -0x1p63 && args[0].number < 0x1p63))
                        return cel_error(context->scratch, "integer overflow");
                return derived(cel_int((int64_t)args[0].number), &args[0]);
        case CEL_UINT:
                if (args[0].uinteger > INT64_MAX)
                        return cel_error(context->scratch, "integer overflow");
                return derived(cel_int((int64_t)args[0].uinteger), &args[0]);
        case CEL_STRING:
                if (cel_int_parse(args[0].string, &number) < 0)
                        return conversion_error(context, &args[0], &cel_type_int);
                return derived(cel_int(number), &args[0]);
        default: /* seconds of a timestamp, nanoseconds of a duration */
                return derived(cel_int(args[0].integer), &args[0]);
        }
}

static struct cel_value to_uint(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        uint64_t number;

        switch (args[0].kind) {
        case CEL_DOUBLE:
                if (!(args[0].number >= 0 && args[0].number < 0x1p64))
                        return cel_error(context->scratch, "unsigned integer overflow");
                return derived(cel_uint((uint64_t)args[0].number), &args[0]);
        case CEL_INT:
                if (args[0].integer < 0)
                        return cel_error(context->scratch, "unsigned integer overflow");
                return derived(cel_uint(args[0].uinteger), &args[0]);
        default:
                if (cel_uint_parse(args[0].string, &number) < 0)
                        return conversion_error(context, &args[0], &cel_type_uint);
                return derived(cel_uint(number), &args[0]);
        }
}

static struct cel_value to_string(struct cel_context *context, const struct cel_value *args,
                                  _unused_ size_t count) {
        if (args[0].kind == CEL_BYTES && !utf8_valid(args[0].string))
                return cel_error(context->scratch,
                                 "invalid UTF-8 in bytes, cannot convert to string");
        return derived(cel_string(cel_value_text(context->scratch, &args[0])), &args[0]);
}

/* --- strings --- */

struct cel_value cel_function_contains(struct cel_context *context, const struct cel_value *args,
                                       _unused_ size_t count) {
        if (!cel_charge(context, args[0].string.len / 10))
                return cel_exhausted();
        return cel_bool(str_find(args[0].string, args[1].string, 0) >= 0);
}

struct cel_value cel_function_starts_with(_unused_ struct cel_context *context,
                                          const struct cel_value *args, _unused_ size_t count) {
        return cel_bool(str_starts(args[0].string, args[1].string));
}

struct cel_value cel_function_ends_with(_unused_ struct cel_context *context,
                                        const struct cel_value *args, _unused_ size_t count) {
        return cel_bool(str_ends(args[0].string, args[1].string));
}

/* A pattern that is a constant was compiled with the expression. */
struct cel_value cel_function_matches(struct cel_context *context, const struct cel_value *args,
                                      _unused_ size_t count) {
        struct regex *regex;
        struct error error;
        bool matches, owned;

        if (!cel_charge(context, args[0].string.len / 10))
                return cel_exhausted();
        if (context->regex)
                return cel_bool(regex_search(context->regex, args[0].string));
        if (!cel_charge(context, 100 + args[1].string.len))
                return cel_exhausted();
        if (cel_patterns_get(context->env->patterns, args[1].string, &regex, &owned, &error) < 0)
                return cel_error(context->scratch, "error parsing regexp: %s", error.message);
        matches = regex_search(regex, args[0].string);
        if (owned)
                regex_free(regex);
        return cel_bool(matches);
}

static const struct cel_function_row rows[] = {
        { "size(bytes) int", cel_function_size },
        { "bytes.size() int", cel_function_size },
        { "size(list(A)) int", cel_function_size },
        { "list(A).size() int", cel_function_size },
        { "size(map(A, B)) int", cel_function_size },
        { "map(A, B).size() int", cel_function_size },
        { "size(string) int", cel_function_size },
        { "string.size() int", cel_function_size },
        { "type(A) type(A)", to_type },
        { "bool(bool) bool", identity },
        { "bool(string) bool", to_bool },
        { "bytes(bytes) bytes", identity },
        { "bytes(string) bytes", to_bytes },
        { "double(double) double", identity },
        { "double(int) double", to_double },
        { "double(string) double", to_double },
        { "double(uint) double", to_double },
        { "duration(duration) duration", identity },
        { "duration(int) duration", to_duration },
        { "duration(string) duration", to_duration },
        { "dyn(A) dyn", identity },
        { "int(int) int", identity },
        { "int(double) int", to_int },
        { "int(duration) int", to_int },
        { "int(string) int", to_int },
        { "int(timestamp) int", to_int },
        { "int(uint) int", to_int },
        { "string(string) string", identity },
        { "string(bool) string", to_string },
        { "string(bytes) string", to_string },
        { "string(double) string", to_string },
        { "string(duration) string", to_string },
        { "string(int) string", to_string },
        { "string(timestamp) string", to_string },
        { "string(uint) string", to_string },
        { "timestamp(timestamp) timestamp", identity },
        { "timestamp(int) timestamp", to_timestamp },
        { "timestamp(string) timestamp", to_timestamp },
        { "uint(uint) uint", identity },
        { "uint(double) uint", to_uint },
        { "uint(int) uint", to_uint },
        { "uint(string) uint", to_uint },
        { "string.contains(string) bool", cel_function_contains },
        { "string.endsWith(string) bool", cel_function_ends_with },
        { "string.startsWith(string) bool", cel_function_starts_with },
        { "matches(string, string) bool", cel_function_matches },
        { "string.matches(string) bool", cel_function_matches },
};

const struct cel_library cel_library_standard = { "standard", rows, ELEMENTS(rows) };
