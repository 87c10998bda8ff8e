#include "doc/number.h"

#include <math.h>
#include <stdio.h>

#include "base/util.h"

/* A number as 0.d1d2d3... * 10^point, without zeros at the end. */
struct digits {
        char text[20];
        int count, point;
        bool negative;
};

static bool reads_back(const char *text, double value, bool single) {
        return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* Adds one to the last digit of a text like "1.2999e+05". Returns false where all are nines. */
static bool next_digit(char *text) {
        char *e = strchr(text, 'e');

        for (char *p = e - 1; p >= text; p--) {
                if (*p == '.' || *p == '-')
                        continue;
                if (*p != '9') {
                        (*p)++;
                        return true;
                }
                *p = '0';
        }
        return false;
}

/* Whether PRECISION digits are enough. Below a power of two the neighbours lie closer than above
 * it, so there the nearest decimal may not read back although the one above does. */
static bool try_precision(double value, bool single, int precision, char *text, size_t size) {
        snprintf(text, size, "%.*e", precision - 1, value);
        if (reads_back(text, value, single))
                return true;
        return next_digit(text) && reads_back(text, value, single);
}

/* The fewest digits that read back as VALUE (finite). Any decimal of up to 15 digits survives the
 * way through a normal double (6 through a float), so the search can begin there. */
static struct digits shortest(double value, bool single) {
        struct digits digits = { .negative = signbit(value) != 0 };
        double magnitude = fabs(value);
        int precision = single ? 6 : 15, most = single ? 9 : 17;
        char text[48], *exponent;

        if (magnitude == 0) {
                digits = (struct digits){ "0", 1, 1, digits.negative };
                return digits;
        }
        if (magnitude < (single ? 1.2e-38 : 2.3e-308))
                precision = 1;
        while (precision < most && !try_precision(magnitude, single, precision, text, sizeof text))
                precision++;
        if (precision == most)
                snprintf(text, sizeof text, "%.*e", most - 1, magnitude);
        exponent = strchr(text, 'e');
        digits.point = (int)strtol(exponent + 1, NULL, 10) + 1;
        for (const char *p = text; p < exponent; p++)
                if (*p != '.')
                        digits.text[digits.count++] = *p;
        while (digits.count > 1 && digits.text[digits.count - 1] == '0')
                digits.count--;
        return digits;
}

/* Without an exponent: 123000, 1.25, 0.00125. */
static size_t write_plain(const struct digits *digits, char *out) {
        size_t n = 0;

        if (digits->negative)
                out[n++] = '-';
        if (digits->point <= 0) {
                out[n++] = '0';
                out[n++] = '.';
                for (int i = digits->point; i < 0; i++)
                        out[n++] = '0';
        }
        for (int i = 0; i < digits->count; i++) {
                if (i > 0 && i == digits->point)
                        out[n++] = '.';
                out[n++] = digits->text[i];
        }
        for (int i = digits->count; i < digits->point; i++)
                out[n++] = '0';
        return n;
}

/* With an exponent of at least EXPONENT_DIGITS digits: 1.25e+21. */
static size_t write_exponent(const struct digits *digits, int exponent_digits, char *out) {
        size_t n = 0;
        int exponent = digits->point - 1;

        if (digits->negative)
                out[n++] = '-';
        out[n++] = digits->text[0];
        if (digits->count > 1) {
                out[n++] = '.';
                for (int i = 1; i < digits->count; i++)
                        out[n++] = digits->text[i];
        }
        n += (size_t)snprintf(out + n, 8, "e%c%0*d", exponent < 0 ? '-' : '+', exponent_digits,
                              abs(exponent));
        return n;
}

size_t number_format_json(double value, char out[NUMBER_TEXT_MAX]) {
        double magnitude = fabs(value);
        struct digits digits = shortest(value, false);

        /* Go cuts a negative exponent to one digit where it can, a positive one has two anyway. */
        if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21))
                return write_exponent(&digits, 1, out);
        return write_plain(&digits, out);
}

size_t number_format_key(double value, char out[NUMBER_TEXT_MAX]) {
        struct digits digits;
        float narrow = (float)value;
        const char *name = NULL;

        if (isnan(narrow))
                name = ".nan";
        else if (isinf(narrow))
                name = narrow > 0 ? ".inf" : "-.inf";
        if (name) {
                memcpy(out, name, strlen(name));
                return strlen(name);
        }
        digits = shortest((double)narrow, true);
        /* Go decides on an exponent as if the precision were six. */
        if (narrow != 0 && (digits.point - 1 < -4 || digits.point - 1 >= 6))
                return write_exponent(&digits, 2, out);
        return write_plain(&digits, out);
}

bool number_to_integer(double value, int64_t *ret) {
        char text[NUMBER_TEXT_MAX];
        uint64_t magnitude;
        size_t length;
        bool negative;

        if (!(fabs(value) < 1e19) || value != trunc(value))
                return false;
        if (fabs(value) <= 9007199254740992.0) {
                *ret = (int64_t)value;
                return true;
        }
        length = number_format_json(value, text);
        negative = text[0] == '-';
        if (number_parse_digits((struct str){ text + negative, length - negative }, 10,
                                &magnitude) < 0)
                return false;
        if (magnitude > (uint64_t)INT64_MAX + negative)
                return false;
        *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
        return true;
}

bool number_parse(struct str text, double *ret) {
        char local[128], *copy = local;
        char *longer _cleanup_free_ = NULL;
        double value;

        if (text.len >= sizeof local)
                copy = longer = xrealloc(NULL, text.len + 1, 1);
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = 0;
        value = strtod(copy, NULL);
        if (isinf(value))
                return false;
        *ret = value;
        return true;
}

static unsigned digit_value(char c) {
        if (c >= '0' && c <= '9')
                return (unsigned)(c - '0');
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                return (unsigned)((c | 0x20) - 'a') + 10;
        return 99;
}

int number_parse_digits(struct str text, unsigned base, uint64_t *ret) {
        uint64_t value = 0;
        bool overflow = false;

        if (text.len == 0)
                return -EINVAL;
        for (size_t i = 0; i < text.len; i++) {
                unsigned digit = digit_value(text.ptr[i]);

                if (digit >= base)
                        return -EINVAL;
                overflow = overflow || __builtin_mul_overflow(value, base, &value) ||
                           __builtin_add_overflow(value, digit, &value);
        }
        if (overflow)
                return -ERANGE;
        *ret = value;
        return 0;
}
