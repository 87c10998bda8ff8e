#include "cel/lib/format_string.h"

#include <inttypes.h>
#include <math.h>

#include "base/utf8.h"
#include "cel/eval.h"
#include "cel/lib/format_number.h"
#include "cel/lib/lib.h"

enum {
        PRECISION_DEFAULT = 6,
        PRECISION_LIMIT = 10000, /* of the specification's format */
        DEPTH_LIMIT = 500        /* of lists and maps within each other */
};

/* One pass over a format, at run time or when it is checked. */
struct formatter {
        struct arena *arena;
        struct builder out;
        size_t count; /* of arguments */
        bool full;    /* as the specification writes them */
        struct str error;

        struct cel_context *context; /* at run time */
        const struct cel_value *list;

        const struct cel_expr *call; /* when checked: the node to blame */
        const struct cel_expr *at;

        /* Handles argument INDEX. Returns false with `error` set, without the prefix. */
        bool (*clause)(struct formatter *formatter, size_t index, char verb, int64_t precision);
};

static bool fail(struct formatter *formatter, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static bool fail(struct formatter *formatter, const char *format, ...) {
        va_list args;

        va_start(args, format);
        formatter->error = arena_vprintf(formatter->arena, format, args);
        va_end(args);
        return false;
}

/* --- the format --- */

/* Reads ".digits" at *OFFSET. */
static bool read_precision(struct formatter *formatter, struct str format, size_t *offset,
                           int64_t *ret) {
        static const char *const prefix = "could not parse formatting clause: "
                                          "error while parsing precision";
        size_t start = ++*offset;
        struct str digits;
        int64_t value = 0;
        bool fits = true;

        while (*offset < format.len && format.ptr[*offset] >= '0' && format.ptr[*offset] <= '9')
                ++*offset;
        if (*offset >= format.len)
                return fail(formatter, "%s: could not find end of precision specifier", prefix);
        digits = str_slice(format, start, *offset);
        for (size_t i = 0; i < digits.len; i++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, digits.ptr[i] - '0', &value))
                        fits = false;
        if (digits.len == 0 || !fits)
                return fail(formatter,
                            "%s: error while converting precision to integer: "
                            "strconv.Atoi: parsing \"%.*s\": %s",
                            prefix, STR_ARG(digits),
                            fits ? "invalid syntax" : "value out of range");
        *ret = value;
        return true;
}

/* The clause whose '%' is behind us at *OFFSET. */
static bool run_clause(struct formatter *formatter, struct str format, size_t *offset,
                       size_t index) {
        int64_t precision = -1;
        struct builder verb = { .arena = formatter->arena };
        char c;

        if (format.ptr[*offset] == '.' && !read_precision(formatter, format, offset, &precision))
                return false;
        c = format.ptr[(*offset)++];
        if (!memchr("sdfebxXo", c, 8)) {
                builder_add_rune(&verb, (unsigned char)c); /* bytes are taken for characters */
                return fail(formatter,
                            "could not parse formatting clause: "
                            "unrecognized formatting clause \"%.*s\"",
                            STR_ARG(builder_str(&verb)));
        }
        if (formatter->clause(formatter, index, c, precision))
                return true;
        return fail(formatter, "error during formatting: %.*s", STR_ARG(formatter->error));
}

/* Goes through FORMAT. RET_USED is the number of arguments that were asked for. */
static bool run_format(struct formatter *formatter, struct str format, size_t *ret_used) {
        size_t offset = 0, index = 0;

        while (offset < format.len) {
                const char *percent = memchr(format.ptr + offset, '%', format.len - offset);
                size_t end = percent ? (size_t)(percent - format.ptr) : format.len;
                bool last = end + 1 >= format.len, beyond = index >= formatter->count;

                builder_add(&formatter->out, str_slice(format, offset, end));
                offset = end + 1;
                if (!percent)
                        break;
                if (!last && format.ptr[offset] == '%') {
                        builder_add_char(&formatter->out, '%');
                        offset++;
                        continue;
                }
                /* Of two mistakes, the compiler and the evaluation report different ones. */
                if (last && (!beyond || formatter->call))
                        return fail(formatter, "unexpected end of string");
                if (beyond)
                        return fail(formatter, "index %zu out of range", index);
                if (!run_clause(formatter, format, &offset, index))
                        return false;
                index++;
        }
        *ret_used = index;
        return true;
}

/* --- %s --- */

static bool add_nested(struct formatter *formatter, const struct cel_value *value, unsigned depth);

static struct str type_name(const struct cel_value *value) {
        return cel_type_runtime_name(cel_value_type(value));
}

static bool add_list(struct formatter *formatter, const struct cel_value *list, unsigned depth) {
        size_t count = cel_list_size(list);

        builder_add_char(&formatter->out, '[');
        for (size_t i = 0; i < count; i++) {
                struct cel_value item = cel_list_at(list, i);

                if (i > 0)
                        builder_add(&formatter->out, STR(", "));
                if (!add_nested(formatter, &item, depth + 1))
                        return false;
        }
        builder_add_char(&formatter->out, ']');
        return true;
}

struct entry {
        struct str key, value;
};

static int compare_entries(const void *a, const void *b) {
        return str_cmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* The text of one nested value, aside of the output. */
static bool nested_text(struct formatter *formatter, const struct cel_value *value, unsigned depth,
                        struct str *ret) {
        struct builder out = formatter->out;
        bool ok;

        formatter->out = (struct builder){ .arena = formatter->arena };
        ok = add_nested(formatter, value, depth);
        *ret = builder_str(&formatter->out);
        formatter->out = out;
        return ok;
}

/* Entries come in the order of the keys' text. */
static bool add_map(struct formatter *formatter, const struct cel_value *map, unsigned depth) {
        size_t count = cel_map_size(map);
        struct entry *entries = arena_new_array(formatter->arena, count, struct entry);

        for (size_t i = 0; i < count; i++) {
                struct cel_value key, value;

                cel_map_at(map, i, &key, &value);
                if (key.kind != CEL_STRING && key.kind != CEL_BOOL && key.kind != CEL_INT &&
                    key.kind != CEL_UINT)
                        return fail(formatter, "no formatting function for map key of type %.*s",
                                    STR_ARG(type_name(&key)));
                if (!nested_text(formatter, &key, depth + 1, &entries[i].key) ||
                    !nested_text(formatter, &value, depth + 1, &entries[i].value))
                        return false;
        }
        if (count > 1)
                qsort(entries, count, sizeof(*entries), compare_entries);
        builder_add_char(&formatter->out, '{');
        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        builder_add(&formatter->out, STR(", "));
                builder_add(&formatter->out, entries[i].key);
                builder_add(&formatter->out, formatter->full ? STR(": ") : STR(":"));
                builder_add(&formatter->out, entries[i].value);
        }
        builder_add_char(&formatter->out, '}');
        return true;
}

/* VALUE as string(VALUE) has it. */
static bool scalar_text(struct formatter *formatter, const struct cel_value *value,
                        struct str *ret) {
        if (value->kind == CEL_STRING)
                *ret = value->string;
        else if (value->kind == CEL_BYTES) {
                if (!utf8_valid(value->string))
                        return fail(formatter,
                                    "could not convert argument \"invalid UTF-8 in bytes, "
                                    "cannot convert to string\" to string");
                *ret = value->string;
        } else
                *ret = cel_value_text(formatter->arena, value);
        return !formatter->context || cel_charge_bytes(formatter->context, ret->len);
}

static void add_nested_double(struct formatter *formatter, double number) {
        if (isnan(number))
                builder_add(&formatter->out, STR("\"NaN\""));
        else if (isinf(number))
                builder_add(&formatter->out, number > 0 ? STR("\"+Inf\"") : STR("\"-Inf\""));
        else
                builder_printf(&formatter->out, "%.*f", PRECISION_DEFAULT, number);
}

/* --- the specification's text --- */

static bool add_special_number(struct formatter *formatter, double number) {
        if (isfinite(number))
                return false;
        builder_add(&formatter->out, isnan(number) ? STR("NaN")
                                     : number > 0  ? STR("Infinity")
                                                   : STR("-Infinity"));
        return true;
}

/* %s of what is neither list nor map, within one or not. */
static bool add_plain(struct formatter *formatter, const struct cel_value *value) {
        struct str text;

        if (value->kind == CEL_OPTIONAL || value->kind == CEL_OPAQUE)
                return fail(formatter, "no formatting function for %.*s",
                            STR_ARG(type_name(value)));
        if (value->kind == CEL_DOUBLE) {
                if (!add_special_number(formatter, value->number))
                        builder_add(&formatter->out,
                                    cel_double_plain(formatter->arena, value->number));
                return true;
        }
        if (!scalar_text(formatter, value, &text))
                return false;
        builder_add(&formatter->out, text);
        return true;
}

/* %d, %f and %e of any number. */
static bool add_plain_number(struct formatter *formatter, const struct cel_value *value, char verb,
                             int64_t precision) {
        double number = value->kind == CEL_INT    ? (double)value->integer
                        : value->kind == CEL_UINT ? (double)value->uinteger
                                                  : value->number;

        if (precision > PRECISION_LIMIT)
                return fail(formatter, "a precision of more than %d", PRECISION_LIMIT);
        if (add_special_number(formatter, number))
                return true;
        if (verb == 'd')
                builder_add(&formatter->out, cel_double_plain(formatter->arena, number));
        else
                builder_printf(&formatter->out, verb == 'f' ? "%.*f" : "%.*e", (int)precision,
                               number);
        return cel_charge(formatter->context, 1);
}

/* VALUE within a list or map: so that it could be pasted into CEL again. */
static bool add_nested(struct formatter *formatter, const struct cel_value *value, unsigned depth) {
        const char *prefix = "", *suffix = "";
        struct str text;

        if (depth > DEPTH_LIMIT || !cel_charge(formatter->context, 1))
                return fail(formatter, "value is too large");
        switch (value->kind) {
        case CEL_LIST:
                return add_list(formatter, value, depth);
        case CEL_MAP:
                return add_map(formatter, value, depth);
        default:
                break;
        }
        if (formatter->full)
                return add_plain(formatter, value);
        switch (value->kind) {
        case CEL_DOUBLE:
                add_nested_double(formatter, value->number);
                return true;
        case CEL_INT:
        case CEL_UINT:
        case CEL_BOOL:
        case CEL_NULL:
        case CEL_TYPE:
                if (!scalar_text(formatter, value, &text))
                        return false;
                builder_add(&formatter->out, text);
                return true;
        case CEL_STRING:
                break;
        case CEL_BYTES:
                prefix = "b";
                break;
        case CEL_TIMESTAMP:
                prefix = "timestamp(";
                suffix = ")";
                break;
        case CEL_DURATION:
                prefix = "duration(";
                suffix = ")";
                break;
        default:
                return fail(formatter, "no formatting function for %.*s",
                            STR_ARG(type_name(value)));
        }
        if (!scalar_text(formatter, value, &text))
                return false;
        builder_add(&formatter->out, str_from(prefix));
        builder_add(&formatter->out, cel_quote(formatter->arena, text));
        builder_add(&formatter->out, str_from(suffix));
        return true;
}

/* --- complaints about types --- */

/* Which kinds of types a verb takes, and what is said of others. The compiler cannot tell text from
 * the text of a number that is none, which %f and %e take. */
static const struct verb {
        char verb;
        uint32_t kinds;        /* bits of enum cel_type_kind */
        uint32_t checked_only; /* those that pass the compiler */
        const char *complaint;
} verbs[] = {
        { 's',
          1u << CEL_TYPE_LIST | 1u << CEL_TYPE_MAP | 1u << CEL_TYPE_INT | 1u << CEL_TYPE_UINT |
                  1u << CEL_TYPE_DOUBLE | 1u << CEL_TYPE_BOOL | 1u << CEL_TYPE_STRING |
                  1u << CEL_TYPE_TIMESTAMP | 1u << CEL_TYPE_BYTES | 1u << CEL_TYPE_DURATION |
                  1u << CEL_TYPE_TYPE | 1u << CEL_TYPE_NULL,
          0,
          "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, "
          "types, durations, and timestamps" },
        { 'd', 1u << CEL_TYPE_INT | 1u << CEL_TYPE_UINT, 0,
          "decimal clause can only be used on integers" },
        { 'f', 1u << CEL_TYPE_DOUBLE, 1u << CEL_TYPE_STRING,
          "fixed-point clause can only be used on doubles" },
        { 'e', 1u << CEL_TYPE_DOUBLE, 1u << CEL_TYPE_STRING,
          "scientific clause can only be used on doubles" },
        { 'b', 1u << CEL_TYPE_INT | 1u << CEL_TYPE_UINT | 1u << CEL_TYPE_BOOL, 0,
          "only integers and bools can be formatted as binary" },
        { 'x',
          1u << CEL_TYPE_INT | 1u << CEL_TYPE_UINT | 1u << CEL_TYPE_STRING | 1u << CEL_TYPE_BYTES,
          0, "only integers, byte buffers, and strings can be formatted as hex" },
        { 'o', 1u << CEL_TYPE_INT | 1u << CEL_TYPE_UINT, 0,
          "octal clause can only be used on integers" },
};

static const struct verb *verb_find(char c) {
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (verbs[i].verb == (c == 'X' ? 'x' : c))
                        return &verbs[i];
        return NULL;
}

/* --- run time --- */

static bool is_number(const struct cel_value *value) {
        return value->kind == CEL_INT || value->kind == CEL_UINT || value->kind == CEL_DOUBLE;
}

/* Numbers that %f and %e take as text. */
static bool special_number(const struct cel_value *value, double *ret) {
        if (value->kind != CEL_STRING)
                return false;
        if (str_eq(value->string, STR("NaN")))
                *ret = NAN;
        else if (str_eq(value->string, STR("Infinity")))
                *ret = INFINITY;
        else if (str_eq(value->string, STR("-Infinity")))
                *ret = -INFINITY;
        else
                return false;
        return true;
}

/* %d %x %X %o %b of a whole number. */
static void add_integer(struct formatter *formatter, const struct cel_value *value, char verb) {
        bool negative = value->kind == CEL_INT && value->integer < 0;
        uint64_t magnitude = negative ? -(uint64_t)value->integer : value->uinteger;
        char digits[65];
        size_t i = sizeof(digits);
        unsigned base = verb == 'd' ? 10 : verb == 'o' ? 8 : verb == 'b' ? 2 : 16;
        const char *alphabet = verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";

        do {
                digits[--i] = alphabet[magnitude % base];
                magnitude /= base;
        } while (magnitude > 0);
        if (negative)
                builder_add_char(&formatter->out, '-');
        builder_add(&formatter->out, (struct str){ digits + i, sizeof(digits) - i });
}

static void add_hex(struct formatter *formatter, struct str bytes, char verb) {
        const char *alphabet = verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";

        for (size_t i = 0; i < bytes.len; i++) {
                unsigned char c = (unsigned char)bytes.ptr[i];

                builder_add_char(&formatter->out, alphabet[c >> 4]);
                builder_add_char(&formatter->out, alphabet[c & 15]);
        }
}

static bool add_string(struct formatter *formatter, const struct cel_value *value) {
        struct str text;

        if (value->kind == CEL_LIST)
                return add_list(formatter, value, 0);
        if (value->kind == CEL_MAP)
                return add_map(formatter, value, 0);
        if (formatter->full)
                return add_plain(formatter, value);
        if (!scalar_text(formatter, value, &text))
                return false;
        builder_add(&formatter->out, text);
        return true;
}

static bool clause_run(struct formatter *formatter, size_t index, char verb, int64_t precision) {
        struct cel_value value = cel_list_at(formatter->list, index);
        const struct verb *rule = verb_find(verb);
        double number = value.number;

        if (precision < 0)
                precision = PRECISION_DEFAULT;
        if (formatter->full && strchr("dfe", verb) && is_number(&value) &&
            (verb != 'd' || value.kind == CEL_DOUBLE))
                return add_plain_number(formatter, &value, verb, precision);
        if (!formatter->full && (verb == 'f' || verb == 'e') && special_number(&value, &number))
                value = cel_double(number);
        if (value.kind == CEL_OPTIONAL || value.kind == CEL_OPAQUE ||
            !(rule->kinds >> cel_value_type(&value)->kind & 1))
                return fail(formatter, "%s, was given %.*s", rule->complaint,
                            STR_ARG(type_name(&value)));
        if (verb == 's')
                return add_string(formatter, &value);
        if (verb == 'f')
                cel_format_fixed(&formatter->out, number, precision);
        else if (verb == 'e')
                cel_format_scientific(&formatter->out, number, precision);
        else if (value.kind == CEL_STRING || value.kind == CEL_BYTES)
                add_hex(formatter, value.string, verb);
        else if (value.kind == CEL_BOOL)
                builder_add_char(&formatter->out, value.boolean ? '1' : '0');
        else
                add_integer(formatter, &value, verb);
        return true;
}

struct cel_value cel_format_string(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        struct formatter formatter = { .arena = context->scratch,
                                       .out = { .arena = context->scratch },
                                       .context = context,
                                       .full = cel_is_full(context),
                                       .list = &args[1],
                                       .count = cel_list_size(&args[1]),
                                       .clause = clause_run };
        size_t used;

        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        if (!run_format(&formatter, args[0].string, &used)) {
                if (context->exhausted)
                        return cel_give_up(context);
                return cel_error(context->scratch, "%.*s", STR_ARG(formatter.error));
        }
        return cel_string(builder_str(&formatter.out));
}

/* --- the compiler --- */

static bool type_fits(const struct cel_expr *expr, uint32_t kinds) {
        return !expr->type || expr->type->kind == CEL_TYPE_DYN || (kinds >> expr->type->kind & 1);
}

/* What %s takes, down into the literals of lists and maps. Their nesting is bounded by the parser.
 */
static const struct cel_expr *find_misfit(const struct cel_expr *expr, uint32_t kinds) {
        const struct cel_expr *misfit = NULL;

        if (!type_fits(expr, kinds))
                return expr;
        if (expr->kind == CEL_EXPR_LIST)
                for (size_t i = 0; i < expr->arg_count && !misfit; i++)
                        misfit = find_misfit(expr->args[i], kinds);
        if (expr->kind == CEL_EXPR_MAP)
                for (size_t i = 0; i < expr->entry_count && !misfit; i++) {
                        misfit = find_misfit(expr->entries[i].key, kinds);
                        if (!misfit)
                                misfit = find_misfit(expr->entries[i].value, kinds);
                }
        return misfit;
}

static bool clause_check(struct formatter *formatter, size_t index, char verb,
                         _unused_ int64_t precision) {
        const struct cel_expr *expr = formatter->call->args[0]->args[index], *misfit = NULL;
        const struct verb *rule = verb_find(verb);

        if (verb == 's')
                misfit = find_misfit(expr, rule->kinds);
        else if (!type_fits(expr, rule->kinds | rule->checked_only))
                misfit = expr;
        if (!misfit)
                return true;
        formatter->at = misfit;
        return fail(formatter, "%s, was given %.*s", rule->complaint,
                    STR_ARG(cel_type_runtime_name(misfit->type)));
}

const char *cel_format_string_check(struct arena *arena, const struct cel_expr *call,
                                    const struct cel_expr **ret_at) {
        struct formatter formatter = { .arena = arena,
                                       .out = { .arena = arena },
                                       .call = call,
                                       .at = call,
                                       .clause = clause_check };
        size_t used;

        if (!call->target || call->target->kind != CEL_EXPR_CONST ||
            call->target->constant.kind != CEL_STRING || call->arg_count != 1 ||
            call->args[0]->kind != CEL_EXPR_LIST)
                return NULL;
        formatter.count = call->args[0]->arg_count;
        if (run_format(&formatter, call->target->constant.string, &used)) {
                if (used == formatter.count)
                        return NULL;
                fail(&formatter,
                     "too many arguments supplied to string.format (expected %zu, got %zu)", used,
                     formatter.count);
        }
        *ret_at = formatter.at;
        return arena_str(arena, formatter.error).ptr;
}
