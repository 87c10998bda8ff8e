#include "doc/scalar.h"

#include <math.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "base/util.h"
#include "doc/number.h"
#include "doc/timestamp.h"

enum { PLAIN_NUMBER_MAX = 512 };

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* Whether TEXT is WORD as "word", "Word" or "WORD". */
static bool is_word(struct str text, const char *word) {
        size_t length = strlen(word);
        bool upper = true, lower = true;

        if (text.len != length)
                return false;
        for (size_t i = 0; i < length; i++)
                if ((text.ptr[i] | 0x20) != word[i])
                        return false;
        for (size_t i = 1; i < length; i++) {
                upper = upper && !(text.ptr[i] & 0x20);
                lower = lower && (text.ptr[i] & 0x20);
        }
        if (text.ptr[0] & 0x20)
                return lower;
        return upper || lower;
}

static bool resolve_word(struct str text, struct scalar *ret) {
        static const struct {
                const char *word;
                enum scalar_kind kind;
                bool value;
        } words[] = {
                { "true", SCALAR_BOOL, true },  { "false", SCALAR_BOOL, false },
                { "yes", SCALAR_BOOL, true },   { "no", SCALAR_BOOL, false },
                { "on", SCALAR_BOOL, true },    { "off", SCALAR_BOOL, false },
                { "y", SCALAR_BOOL, true },     { "n", SCALAR_BOOL, false },
                { "null", SCALAR_NULL, false },
        };

        if (text.len > 5)
                return false;
        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (is_word(text, words[i].word)) {
                        *ret = (struct scalar){ .kind = words[i].kind, .boolean = words[i].value };
                        return true;
                }
        return false;
}

/* .inf, +.inf, -.inf, .nan; the letters as in is_word, except that it is .NaN and not .Nan. */
static bool resolve_special(struct str text, struct scalar *ret) {
        bool sign = text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-');
        struct str word = str_slice(text, sign ? 2 : 1, text.len);

        if (text.len != (sign ? 5u : 4u) || text.ptr[sign] != '.')
                return false;
        if (is_word(word, "inf")) {
                ret->number = text.ptr[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        } else if (!sign && (str_eq(word, STR("nan")) || str_eq(word, STR("NaN")) ||
                             str_eq(word, STR("NAN")))) {
                ret->number = (double)NAN;
        } else {
                return false;
        }
        ret->kind = SCALAR_FLOAT;
        return true;
}

/* Digits from AT on; returns where they end. */
static size_t skip_digits(struct str text, size_t at) {
        while (at < text.len && is_digit(text.ptr[at]))
                at++;
        return at;
}

/* [-+]? ( .digits | digits [. digits*] ) ( [eE] [-+]? digits )? */
static bool is_float(struct str text) {
        size_t at = text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-');
        size_t end = skip_digits(text, at);
        bool whole = end > at;

        if (end < text.len && text.ptr[end] == '.') {
                at = end + 1;
                end = skip_digits(text, at);
                if (!whole && end == at)
                        return false;
        } else if (!whole) {
                return false;
        }
        if (end < text.len && (text.ptr[end] | 0x20) == 'e') {
                at = end + 1;
                if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-'))
                        at++;
                end = skip_digits(text, at);
                if (end == at)
                        return false;
        }
        return end == text.len;
}

static bool resolve_float(struct str text, struct scalar *ret) {
        if (!is_float(text) || !number_parse(text, &ret->number))
                return false;
        ret->kind = SCALAR_FLOAT;
        return true;
}

/* Go's integers in base 0: a sign, then digits with an optional prefix 0b, 0o, 0x or 0. A value
 * beyond the signed range is still accepted without a sign. */
static bool resolve_integer(struct str text, struct scalar *ret) {
        bool sign = text.ptr[0] == '+' || text.ptr[0] == '-', negative = text.ptr[0] == '-';
        struct str digits = str_slice(text, sign, text.len);
        unsigned base = 10;
        uint64_t magnitude;

        if (digits.len >= 2 && digits.ptr[0] == '0') {
                char prefix = digits.ptr[1] | 0x20;

                base = prefix == 'x' ? 16 : prefix == 'b' ? 2 : 8;
                digits = str_slice(digits, base != 8 || prefix == 'o' ? 2 : 1, digits.len);
        }
        if (number_parse_digits(digits, base, &magnitude) < 0)
                return false;
        if (magnitude <= (uint64_t)INT64_MAX + negative)
                *ret = (struct scalar){ .kind = SCALAR_INT,
                                        .integer = negative ? (int64_t)(0 - magnitude)
                                                            : (int64_t)magnitude };
        else if (!sign)
                *ret = (struct scalar){ .kind = SCALAR_UINT, .magnitude = magnitude };
        else
                return false;
        return true;
}

/* A sign between the prefix and the digits (0b-101) is accepted for base 2 only. */
static bool resolve_signed_binary(struct str text, struct scalar *ret) {
        uint64_t magnitude;
        bool negative;

        if (text.len < 4 || !str_starts(text, STR("0b")) ||
            (text.ptr[2] != '+' && text.ptr[2] != '-'))
                return false;
        negative = text.ptr[2] == '-';
        if (number_parse_digits(str_slice(text, 3, text.len), 2, &magnitude) < 0 ||
            magnitude > (uint64_t)INT64_MAX + negative)
                return false;
        *ret = (struct scalar){ .kind = SCALAR_INT,
                                .integer =
                                        negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude };
        return true;
}

/* TEXT without underscores, in BUFFER where there are any. */
static struct str drop_underscores(struct str text, char *buffer) {
        size_t length = 0;

        if (!memchr(text.ptr, '_', text.len))
                return text;
        for (size_t i = 0; i < text.len; i++)
                if (text.ptr[i] != '_')
                        buffer[length++] = text.ptr[i];
        return (struct str){ buffer, length };
}

/* A number that begins with a digit or a sign; underscores may stand anywhere. */
static bool resolve_number(struct str text, struct scalar *ret) {
        char *longer _cleanup_free_ = NULL;
        char local[PLAIN_NUMBER_MAX], *buffer = local;

        if (text.len > sizeof local)
                buffer = longer = xrealloc(NULL, text.len, 1);
        text = drop_underscores(text, buffer);
        return text.len > 0 && (resolve_integer(text, ret) || resolve_float(text, ret) ||
                                resolve_signed_binary(text, ret));
}

/* A number that begins with a point: here underscores must stand between digits. */
static bool resolve_fraction(struct str text, struct scalar *ret) {
        for (size_t i = 0; i < text.len; i++)
                if (text.ptr[i] == '_' &&
                    (i + 1 == text.len || !is_digit(text.ptr[i - 1]) || !is_digit(text.ptr[i + 1])))
                        return false;
        return resolve_number(text, ret);
}

void scalar_resolve(struct str text, struct scalar *ret) {
        char first = text.len ? text.ptr[0] : '~';

        if (text.len == 0 || (first == '~' && text.len == 1)) {
                *ret = (struct scalar){ .kind = SCALAR_NULL };
                return;
        }
        if (memchr("yYnNtTfFoO", first, 10) && resolve_word(text, ret))
                return;
        if (first == '.' && (resolve_special(text, ret) || resolve_fraction(text, ret)))
                return;
        if ((is_digit(first) || first == '+' || first == '-') &&
            (resolve_special(text, ret) || resolve_number(text, ret)))
                return;
        *ret = (struct scalar){ .kind = SCALAR_STRING, .string = text };
}

static int base64_value(char c) {
        static const char alphabet[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *hit = c ? strchr(alphabet, c) : NULL;

        return hit ? (int)(hit - alphabet) : -1;
}

/* Decodes standard base64 (RFC 4648) with padding; line ends are ignored. Appends to BUF. */
static bool decode_base64(struct str text, struct buf *buf) {
        uint32_t group = 0;
        int digits = 0, padding = 0;

        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];
                int value;

                if (c == '\r' || c == '\n')
                        continue;
                value = c == '=' ? 0 : base64_value(c);
                if (value < 0 || (padding > 0 && c != '=') || (c == '=' && digits < 2))
                        return false;
                padding += c == '=';
                group = group << 6 | (uint32_t)value;
                if (++digits < 4)
                        continue;
                for (int byte = 0; byte < 3 - padding; byte++)
                        buf_add_char(buf, (char)(group >> (16 - 8 * byte)));
                digits = 0;
                group = 0;
        }
        return digits == 0;
}

/* Whatever bytes come out have to pass through JSON, where broken UTF-8 becomes U+FFFD. */
static int resolve_binary(struct arena *arena, struct str text, struct scalar *ret,
                          struct error *error) {
        struct buf bytes _cleanup_(buf_free) = BUF_INIT;
        struct buf clean _cleanup_(buf_free) = BUF_INIT;

        if (!decode_base64(text, &bytes))
                return error_set(error, -EINVAL, "the value of a !!binary tag is not base64");
        for (size_t i = 0; i < bytes.len;) {
                char utf8[4];
                int32_t code = utf8_next(buf_str(&bytes), &i);

                buf_add(&clean, (struct str){ utf8, utf8_encode(code < 0 ? 0xfffd : code, utf8) });
        }
        *ret = (struct scalar){ .kind = SCALAR_STRING,
                                .string = arena_str(arena, buf_str(&clean)) };
        return 0;
}

static int refuse_tag(struct str text, const char *tag, struct error *error) {
        struct str shown = str_slice(text, 0, 60);

        return error_set(error, -EINVAL, "\"%.*s\" is not a value of the tag !!%s", STR_ARG(shown),
                         tag);
}

int scalar_resolve_tagged(struct arena *arena, struct str tag, struct str text, struct scalar *ret,
                          struct error *error) {
        struct str prefix = STR("tag:yaml.org,2002:");
        struct str name = str_slice(tag, prefix.len, tag.len);
        struct scalar scalar;

        *ret = (struct scalar){ .kind = SCALAR_STRING, .string = text };
        if (!str_starts(tag, prefix) || str_eq(name, STR("str")))
                return 0;
        if (str_eq(name, STR("binary")))
                return resolve_binary(arena, text, ret, error);
        if (str_eq(name, STR("timestamp")))
                return timestamp_valid(text) ? 0 : refuse_tag(text, "timestamp", error);
        scalar_resolve(text, &scalar);
        if (str_eq(name, STR("null"))) {
                if (scalar.kind != SCALAR_NULL)
                        return refuse_tag(text, "null", error);
        } else if (str_eq(name, STR("bool"))) {
                if (scalar.kind != SCALAR_BOOL)
                        return refuse_tag(text, "bool", error);
        } else if (str_eq(name, STR("int"))) {
                if (scalar.kind != SCALAR_INT && scalar.kind != SCALAR_UINT)
                        return refuse_tag(text, "int", error);
        } else if (str_eq(name, STR("float"))) {
                if (scalar.kind == SCALAR_INT)
                        scalar = (struct scalar){ .kind = SCALAR_FLOAT,
                                                  .number = (double)scalar.integer };
                if (scalar.kind != SCALAR_FLOAT)
                        return refuse_tag(text, "float", error);
        } else {
                return 0; /* any other tag means text */
        }
        *ret = scalar;
        return 0;
}

int scalar_to_node(const struct scalar *scalar, struct doc_node *node, struct error *error) {
        switch (scalar->kind) {
        case SCALAR_NULL:
                node->kind = DOC_NULL;
                return 0;
        case SCALAR_BOOL:
                node->kind = DOC_BOOL;
                node->boolean = scalar->boolean;
                return 0;
        case SCALAR_INT:
                node->kind = DOC_INT;
                node->integer = scalar->integer;
                return 0;
        case SCALAR_UINT:
                node->kind = DOC_DOUBLE;
                node->number = (double)scalar->magnitude;
                return 0;
        case SCALAR_FLOAT:
                if (!isfinite(scalar->number))
                        return error_set(error, -EINVAL,
                                         "infinity and \"not a number\" cannot be said in JSON, so "
                                         "Kubernetes refuses them; put the text in quotes if that "
                                         "is what is meant");
                node->kind = DOC_INT;
                if (number_to_integer(scalar->number, &node->integer))
                        return 0;
                node->kind = DOC_DOUBLE;
                node->number = scalar->number;
                return 0;
        case SCALAR_STRING:
                break;
        }
        node->kind = DOC_STRING;
        node->string = scalar->string;
        return 0;
}

int scalar_to_key(struct arena *arena, const struct scalar *scalar, struct str *ret,
                  struct error *error) {
        char text[NUMBER_TEXT_MAX];

        switch (scalar->kind) {
        case SCALAR_BOOL:
                *ret = scalar->boolean ? STR("true") : STR("false");
                return 0;
        case SCALAR_INT:
                *ret = arena_printf(arena, "%lld", (long long)scalar->integer);
                return 0;
        case SCALAR_FLOAT:
                *ret = arena_str(arena,
                                 (struct str){ text, number_format_key(scalar->number, text) });
                return 0;
        case SCALAR_STRING:
                *ret = scalar->string;
                return 0;
        case SCALAR_NULL:
                return error_set(error, -EINVAL,
                                 "a key of a map must be text, this one is null; put it in quotes");
        case SCALAR_UINT:
                break;
        }
        return error_set(error, -EINVAL,
                         "a key of a map must be text, this number is too large for one; put it in "
                         "quotes");
}
