#include "cel/number.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "base/util.h"

enum { DIGITS_MAX = 17, EXPONENT_FROM = 6 };

/* Adds one to the last digit before the exponent of TEXT ("1.299e+05"). Returns false where that
 * would carry beyond the first digit. */
static bool round_up(char *text) {
        char *p = strchr(text, 'e');

        while (p > text) {
                p--;
                if (*p == '.')
                        continue;
                if (*p < '9') {
                        (*p)++;
                        return true;
                }
                *p = '0';
        }
        return false;
}

/* The shortest text of the form d.ddde+dd that reads back as NUMBER. The nearest number of that
 * many digits is not always one, although the next larger is: below a power of two the doubles lie
 * closer than above. */
static void shortest_text(double number, char *text, size_t size) {
        int precision = fpclassify(number) == FP_NORMAL ? 15 : 1;

        for (;; precision++) {
                snprintf(text, size, "%.*e", precision - 1, number);
                if (precision >= DIGITS_MAX || strtod(text, NULL) == number)
                        return;
                if (round_up(text) && strtod(text, NULL) == number)
                        return;
        }
}

/* The shortest decimal digits of NUMBER (finite, not negative) and the power of ten of the first
 * one. */
static int shortest_digits(double number, char digits[DIGITS_MAX + 1]) {
        char text[40];
        size_t n = 0;

        shortest_text(number, text, sizeof text);
        for (const char *p = text; *p != 'e'; p++)
                if (*p != '.')
                        digits[n++] = *p;
        while (n > 1 && digits[n - 1] == '0')
                n--;
        digits[n] = 0;
        return (int)strtol(strchr(text, 'e') + 1, NULL, 10);
}

static bool special_text(double number, struct str *ret) {
        if (isnan(number))
                *ret = STR("NaN");
        else if (isinf(number))
                *ret = number > 0 ? STR("+Inf") : STR("-Inf");
        else
                return false;
        return true;
}

/* DIGITS with the decimal point where it belongs and no exponent. */
static struct str plain_text(struct arena *arena, const char *digits, int exponent, bool negative) {
        _cleanup_(buf_free) struct buf buf = BUF_INIT;
        size_t n = strlen(digits);

        if (negative)
                buf_add_char(&buf, '-');
        if (exponent < 0) {
                buf_add(&buf, STR("0."));
                buf_add_repeat(&buf, '0', (size_t)(-exponent - 1));
                buf_add(&buf, str_from(digits));
        } else if (n <= (size_t)exponent + 1) {
                buf_add(&buf, str_from(digits));
                buf_add_repeat(&buf, '0', (size_t)exponent + 1 - n);
        } else {
                buf_add(&buf, (struct str){ digits, (size_t)exponent + 1 });
                buf_add_char(&buf, '.');
                buf_add(&buf, str_from(digits + exponent + 1));
        }
        return arena_str(arena, buf_str(&buf));
}

struct str cel_double_plain(struct arena *arena, double number) {
        char digits[DIGITS_MAX + 1];
        struct str text;
        int exponent;

        if (special_text(number, &text))
                return text;
        exponent = shortest_digits(fabs(number), digits);
        return plain_text(arena, digits, exponent, signbit(number));
}

struct str cel_double_text(struct arena *arena, double number) {
        char digits[DIGITS_MAX + 1];
        struct str text;
        int exponent;

        if (special_text(number, &text))
                return text;
        exponent = shortest_digits(fabs(number), digits);
        if (exponent >= -4 && exponent < EXPONENT_FROM)
                return plain_text(arena, digits, exponent, signbit(number));
        return arena_printf(arena, "%s%c%s%se%c%02d", signbit(number) ? "-" : "", digits[0],
                            digits[1] ? "." : "", digits + 1, exponent < 0 ? '-' : '+',
                            abs(exponent));
}

/* Where the digits of a number may have underscores: only between two of them. */
static bool underscores_ok(struct str text, bool hex) {
        char before = '!';

        for (size_t i = 0; i < text.len; i++) {
                unsigned char c = (unsigned char)text.ptr[i];

                if (c == '_') {
                        if (before != '0')
                                return false;
                        before = '_';
                } else if (hex ? isxdigit(c) : isdigit(c)) {
                        before = '0';
                } else {
                        if (before == '_')
                                return false;
                        before = '!';
                }
        }
        return before != '_';
}

static size_t skip_digits(struct str text, size_t at, bool hex, size_t *count) {
        while (at < text.len) {
                unsigned char c = (unsigned char)text.ptr[at];

                if (c != '_') {
                        if (!(hex ? isxdigit(c) : isdigit(c)))
                                break;
                        (*count)++;
                }
                at++;
        }
        return at;
}

/* digits [. digits] [e [sign] digits], for hexadecimal with an exponent that is not optional. */
static bool number_syntax_ok(struct str text, bool hex) {
        size_t count = 0, at = skip_digits(text, 0, hex, &count);

        if (at < text.len && text.ptr[at] == '.')
                at = skip_digits(text, at + 1, hex, &count);
        if (count == 0)
                return false;
        if (at == text.len)
                return !hex;
        if ((text.ptr[at] | 0x20) != (hex ? 'p' : 'e'))
                return false;
        at++;
        if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-'))
                at++;
        count = 0;
        if (at == text.len || !isdigit((unsigned char)text.ptr[at]))
                return false;
        return skip_digits(text, at, false, &count) == text.len;
}

static bool equal_fold(struct str text, const char *lower) {
        return text.len == strlen(lower) && strncasecmp(text.ptr, lower, text.len) == 0;
}

/* inf, infinity with an optional sign, nan without. */
static bool special_parse(struct str text, struct str magnitude, double *ret) {
        if (equal_fold(magnitude, "inf") || equal_fold(magnitude, "infinity"))
                *ret = text.ptr[0] == '-' ? -INFINITY : INFINITY;
        else if (equal_fold(text, "nan"))
                *ret = NAN;
        else
                return false;
        return true;
}

int cel_double_parse(struct str text, double *ret) {
        _cleanup_free_ char *copy = NULL;
        struct str magnitude = text, digits;
        size_t n = 0;
        double number;
        bool hex;

        if (text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-'))
                magnitude = str_slice(text, 1, text.len);
        if (special_parse(text, magnitude, ret))
                return 0;
        hex = magnitude.len > 2 && magnitude.ptr[0] == '0' && (magnitude.ptr[1] | 0x20) == 'x';
        digits = hex ? str_slice(magnitude, 2, magnitude.len) : magnitude;
        /* One underscore may follow the prefix, which counts as a digit there. */
        if (!underscores_ok(hex ? str_slice(magnitude, 1, magnitude.len) : magnitude, hex) &&
            !(hex && digits.ptr[0] == '_' && underscores_ok(str_slice(digits, 1, digits.len), hex)))
                return -EINVAL;
        if (!number_syntax_ok(digits, hex))
                return -EINVAL;

        copy = xrealloc(NULL, text.len + 1, 1);
        for (size_t i = 0; i < text.len; i++)
                if (text.ptr[i] != '_')
                        copy[n++] = text.ptr[i];
        copy[n] = 0;
        number = strtod(copy, NULL);
        if (isinf(number))
                return -ERANGE;
        *ret = number;
        return 0;
}

int cel_uint_parse(struct str text, uint64_t *ret) {
        uint64_t number = 0;

        if (text.len == 0)
                return -EINVAL;
        for (size_t i = 0; i < text.len; i++)
                if (!isdigit((unsigned char)text.ptr[i]))
                        return -EINVAL;
        for (size_t i = 0; i < text.len; i++)
                if (__builtin_mul_overflow(number, 10u, &number) ||
                    __builtin_add_overflow(number, (uint64_t)(text.ptr[i] - '0'), &number))
                        return -ERANGE;
        *ret = number;
        return 0;
}

int cel_int_parse(struct str text, int64_t *ret) {
        bool negative = text.len > 0 && text.ptr[0] == '-';
        bool sign = negative || (text.len > 0 && text.ptr[0] == '+');
        uint64_t magnitude;
        int r;

        r = cel_uint_parse(str_slice(text, sign, text.len), &magnitude);
        if (r < 0)
                return r;
        if (magnitude > (uint64_t)INT64_MAX + negative)
                return -ERANGE;
        *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
        return 0;
}

static void quote_char(struct buf *buf, int32_t code, struct str bytes) {
        if (code >= 7 && code <= 13) {
                buf_add_char(buf, '\\');
                buf_add_char(buf, "abtnvfr"[code - 7]);
        } else if (code == '"' || code == '\\') {
                buf_add_char(buf, '\\');
                buf_add_char(buf, (char)code);
        } else if (code < 0) {
                buf_printf(buf, "\\x%02x", (unsigned char)bytes.ptr[0]);
        } else if (unicode_printable(code)) {
                buf_add(buf, bytes);
        } else if (code < 0x20 || code == 0x7f) {
                buf_printf(buf, "\\x%02x", (unsigned)code);
        } else {
                buf_printf(buf, code < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)code);
        }
}

struct str cel_quote(struct arena *arena, struct str text) {
        _cleanup_(buf_free) struct buf buf = BUF_INIT;

        buf_add_char(&buf, '"');
        for (size_t at = 0; at < text.len;) {
                size_t from = at;
                int32_t code = utf8_next(text, &at);

                quote_char(&buf, code, str_slice(text, from, at));
        }
        buf_add_char(&buf, '"');
        return arena_str(arena, buf_str(&buf));
}
