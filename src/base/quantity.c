#include "base/quantity.h"

#include <inttypes.h>
#include <math.h>

#include "base/util.h"

enum {
        NANO = -9,      /* nothing below 10^-9 is kept */
        INT_DIGITS = 18 /* decimal digits that always fit 64 bits */
};

/* --- suffixes --- */

struct suffix {
        const char *text;
        int32_t exponent;
};

static const struct suffix decimal_suffixes[] = {
        { "", 0 },  { "n", -9 }, { "u", -6 }, { "m", -3 }, { "k", 3 },
        { "M", 6 }, { "G", 9 },  { "T", 12 }, { "P", 15 }, { "E", 18 },
};
static const struct suffix binary_suffixes[] = {
        { "Ki", 10 }, { "Mi", 20 }, { "Gi", 30 }, { "Ti", 40 }, { "Pi", 50 }, { "Ei", 60 },
};

/* The exponent behind "e", as strconv.ParseInt reads it, cut to 32 bits. */
static bool read_exponent(struct str text, int32_t *ret) {
        bool negative = text.len > 0 && text.ptr[0] == '-';
        int64_t value = 0;

        if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
                text = str_slice(text, 1, text.len);
        if (text.len == 0)
                return false;
        for (size_t i = 0; i < text.len; i++) {
                int digit = text.ptr[i] - '0';

                if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_sub_overflow(value, digit, &value))
                        return false;
        }
        if (!negative && value == INT64_MIN)
                return false;
        *ret = (int32_t)(negative ? value : -value);
        return true;
}

static bool read_suffix(struct str text, int32_t *ret_exponent, enum quantity_format *ret_format) {
        for (size_t i = 0; i < ELEMENTS(decimal_suffixes); i++)
                if (str_eq(text, str_from(decimal_suffixes[i].text))) {
                        *ret_exponent = decimal_suffixes[i].exponent;
                        *ret_format = QUANTITY_DECIMAL_SI;
                        return true;
                }
        for (size_t i = 0; i < ELEMENTS(binary_suffixes); i++)
                if (str_eq(text, str_from(binary_suffixes[i].text))) {
                        *ret_exponent = binary_suffixes[i].exponent;
                        *ret_format = QUANTITY_BINARY_SI;
                        return true;
                }
        if (text.len > 1 && (text.ptr[0] == 'e' || text.ptr[0] == 'E')) {
                *ret_format = QUANTITY_DECIMAL_EXPONENT;
                return read_exponent(str_slice(text, 1, text.len), ret_exponent);
        }
        return false;
}

static struct str suffix_text(struct arena *arena, int64_t exponent, enum quantity_format format) {
        if (format == QUANTITY_DECIMAL_EXPONENT)
                return exponent == 0 ? STR("") : arena_printf(arena, "e%" PRId64, exponent);
        if (format == QUANTITY_DECIMAL_SI) {
                for (size_t i = 0; i < ELEMENTS(decimal_suffixes); i++)
                        if (decimal_suffixes[i].exponent == exponent)
                                return str_from(decimal_suffixes[i].text);
        } else {
                for (size_t i = 0; i < ELEMENTS(binary_suffixes); i++)
                        if (binary_suffixes[i].exponent == exponent)
                                return str_from(binary_suffixes[i].text);
        }
        return STR("");
}

/* --- reading --- */

struct parts {
        bool negative;
        struct str value;           /* sign, digits, point, digits */
        struct str whole, fraction; /* digits; leading zeros are gone from the first */
        struct str suffix;
};

static size_t skip_digits(struct str text, size_t i) {
        while (i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9')
                i++;
        return i;
}

/* Cuts TEXT into its parts. Returns false where something follows the suffix. */
static bool split_parts(struct str text, struct parts *ret) {
        struct parts p = { .whole = STR("0") };
        size_t i = 0, start;

        if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
                p.negative = text.ptr[i++] == '-';
        while (i < text.len && text.ptr[i] == '0')
                i++;
        start = i;
        i = skip_digits(text, i);
        if (i > start)
                p.whole = str_slice(text, start, i);
        if (i < text.len && text.ptr[i] == '.') {
                start = ++i;
                i = skip_digits(text, i);
                p.fraction = str_slice(text, start, i);
        }
        p.value = str_slice(text, 0, i);

        start = i;
        while (i < text.len && memchr("eEinumkKMGTP", text.ptr[i], 12))
                i++;
        if (i < text.len && (text.ptr[i] == '-' || text.ptr[i] == '+'))
                i++;
        i = skip_digits(text, i);
        p.suffix = str_slice(text, start, text.len);
        *ret = p;
        return i == text.len;
}

/* The digits of A and B in a row, which are at most INT_DIGITS. */
static int64_t join_digits(struct str a, struct str b) {
        int64_t value = 0;

        for (size_t i = 0; i < a.len + b.len; i++)
                value = value * 10 + ((i < a.len ? a.ptr[i] : b.ptr[i - a.len]) - '0');
        return value;
}

/* Whether the number, whose digits are those of P, is spelled the way it would be written anyway
 * (upstream's test, which is generous). */
static bool keeps_spelling(const struct parts *p, int64_t value, int32_t scale,
                           enum quantity_format format) {
        bool thousand;

        if (format == QUANTITY_BINARY_SI)
                return (value & 7) != 0;
        if (p->fraction.len >= 3)
                thousand = str_ends(p->fraction, STR("000"));
        else
                thousand = p->whole.len + p->fraction.len >= 3 && value % 1000 == 0;
        return scale % 3 == 0 && !thousand && p->whole.ptr[0] != '0';
}

/* Reads what fits a 64-bit number. Returns false where it does not. */
static bool parse_int(struct str text, const struct parts *p, int32_t exponent,
                      enum quantity_format format, struct quantity *ret) {
        int64_t digits = (int64_t)(p->whole.len + p->fraction.len), value, result, factor = 1;
        int32_t scale = 0;

        if (format != QUANTITY_BINARY_SI) {
                scale = exponent;
                if (digits > INT_DIGITS)
                        return false;
        } else {
                if (p->fraction.len > 0 || 15 - digits - exponent * 3 / 10 - 1 < 0)
                        return false;
                factor = INT64_C(1) << exponent;
        }
        /* Wraps as upstream's 32-bit scale does. */
        scale = (int32_t)((uint32_t)scale - (uint32_t)p->fraction.len);
        if (scale < NANO)
                return false;
        value = join_digits(p->whole, p->fraction);
        if (__builtin_mul_overflow(value, factor, &result))
                return false;
        *ret = (struct quantity){ .value = p->negative ? -result : result,
                                  .scale = scale,
                                  .format = format };
        if (keeps_spelling(p, value, scale, format))
                ret->text = text;
        return true;
}

static int parse_decimal(struct arena *arena, const struct parts *p, int32_t exponent,
                         enum quantity_format format, struct quantity *ret) {
        struct quantity_decimal *held = arena_new(arena, struct quantity_decimal);
        struct decimal *number = &held->number, one, most;
        bool negative;
        int r;

        r = decimal_parse(arena, p->value, number);
        if (r < 0)
                return r;
        held->scale = (int32_t)-number->exponent;
        if (format == QUANTITY_BINARY_SI) {
                for (int32_t i = 0; i < exponent; i += 10)
                        *number = decimal_multiply(arena, number, 1024);
        } else {
                held->scale = (int32_t)((uint32_t)held->scale - (uint32_t)exponent);
                number->exponent = -(int64_t)held->scale;
        }
        if (!decimal_is_zero(number)) {
                *number = decimal_round_up(arena, number, NANO, NULL);
                held->scale = -NANO;
        }
        if (format == QUANTITY_BINARY_SI) {
                negative = number->negative;
                number->negative = false;
                one = decimal_from_int(arena, 1, 0);
                most = decimal_from_int(arena, INT64_MAX, 0);
                if (decimal_compare(number, &most) > 0) {
                        *number = most;
                        held->scale = 0;
                }
                if (!decimal_is_zero(number) && decimal_compare(number, &one) < 0)
                        format = QUANTITY_DECIMAL_SI;
                number->negative = negative;
        }
        *ret = (struct quantity){ .decimal = held, .format = format };
        return 0;
}

int quantity_parse(struct arena *arena, struct str text, struct quantity *ret,
                   struct error *error) {
        enum quantity_format format = QUANTITY_DECIMAL_SI;
        struct parts parts;
        int32_t exponent = 0;

        if (text.len == 0 || !split_parts(text, &parts))
                return error_set(error, -EINVAL, "%s",
                                 "quantities must match the regular expression "
                                 "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
        if (str_eq(text, STR("0"))) {
                *ret = (struct quantity){ .text = text };
                return 0;
        }
        if (!read_suffix(parts.suffix, &exponent, &format))
                return error_set(error, -EINVAL, "unable to parse quantity's suffix");
        if (parse_int(text, &parts, exponent, format, ret))
                return 0;
        if (parse_decimal(arena, &parts, exponent, format, ret) < 0)
                return error_set(error, -EINVAL, "unable to parse numeric part of quantity");
        return 0;
}

struct quantity quantity_from_int(int64_t value, enum quantity_format format) {
        return (struct quantity){ .value = value, .format = format };
}

/* --- arithmetic --- */

static struct decimal as_decimal(struct arena *arena, const struct quantity *q) {
        return q->decimal ? q->decimal->number : decimal_from_int(arena, q->value, q->scale);
}

static int32_t decimal_scale(const struct quantity *q) {
        return q->decimal ? q->decimal->scale : (int32_t) - (uint32_t)q->scale;
}

void quantity_to_decimal(struct arena *arena, struct quantity *q) {
        struct quantity_decimal *held;

        if (q->decimal)
                return;
        held = arena_new(arena, struct quantity_decimal);
        held->number = as_decimal(arena, q);
        held->scale = decimal_scale(q);
        q->decimal = held;
        q->value = 0;
        q->scale = 0;
}

int quantity_sign(const struct quantity *q) {
        if (q->decimal)
                return decimal_is_zero(&q->decimal->number) ? 0
                       : q->decimal->number.negative        ? -1
                                                            : 1;
        return (q->value > 0) - (q->value < 0);
}

int quantity_compare(const struct quantity *a, const struct quantity *b) {
        char digits[2][24];
        struct decimal d[2];
        const struct quantity *q[2] = { a, b };

        if (!a->decimal && !b->decimal && a->scale == b->scale)
                return (a->value > b->value) - (a->value < b->value);
        for (size_t i = 0; i < 2; i++) {
                int64_t value = q[i]->value;

                if (q[i]->decimal) {
                        d[i] = q[i]->decimal->number;
                        continue;
                }
                d[i] = (struct decimal){ .negative = value < 0, .exponent = q[i]->scale };
                if (value != 0) {
                        int n = snprintf(digits[i], sizeof(digits[i]), "%" PRIu64,
                                         value < 0 ? -(uint64_t)value : (uint64_t)value);

                        d[i].digits = (struct str){ digits[i], (size_t)n };
                }
        }
        return decimal_compare(&d[0], &d[1]);
}

/* VALUE times 10^SCALE. Returns whether it fits. */
static bool scale_int(int64_t value, int64_t scale, int64_t *ret) {
        for (; scale > 0 && value != 0; scale--)
                if (__builtin_mul_overflow(value, 10, &value))
                        return false;
        *ret = value;
        return true;
}

/* Adds B to Q where both are held as integers and the sum can be. */
static bool add_int(struct quantity *q, int64_t value, int32_t scale) {
        int64_t mine, other, sum;

        if (value == 0)
                return true;
        if (q->value == 0) {
                q->value = value;
                q->scale = scale;
                return true;
        }
        if (!scale_int(q->value, (int64_t)q->scale - MIN(q->scale, scale), &mine) ||
            !scale_int(value, (int64_t)scale - MIN(q->scale, scale), &other) ||
            __builtin_add_overflow(mine, other, &sum))
                return false;
        q->value = sum;
        q->scale = MIN(q->scale, scale);
        return true;
}

static int add_decimal(struct arena *arena, const struct quantity *a, const struct quantity *b,
                       bool negate, struct quantity *ret) {
        struct quantity_decimal *held = arena_new(arena, struct quantity_decimal);
        struct decimal x = as_decimal(arena, a), y = as_decimal(arena, b);
        int r;

        if (negate && !decimal_is_zero(&y))
                y.negative = !y.negative;
        r = decimal_add(arena, &x, &y, &held->number);
        if (r < 0)
                return r;
        held->scale = MAX(decimal_scale(a), decimal_scale(b));
        *ret = (struct quantity){ .decimal = held, .format = a->format };
        return 0;
}

int quantity_add(struct arena *arena, const struct quantity *a, const struct quantity *b,
                 struct quantity *ret) {
        struct quantity sum = *a;

        sum.text = (struct str){ 0 };
        if (quantity_sign(a) == 0)
                sum.format = b->format;
        if (a->decimal || b->decimal || !add_int(&sum, b->value, b->scale)) {
                int r = add_decimal(arena, a, b, false, &sum);

                if (r < 0)
                        return r;
                if (quantity_sign(a) == 0)
                        sum.format = b->format;
        }
        *ret = sum;
        return 0;
}

int quantity_subtract(struct arena *arena, const struct quantity *a, const struct quantity *b,
                      struct quantity *ret) {
        struct quantity difference = *a;
        bool zero = quantity_sign(a) == 0;

        difference.text = (struct str){ 0 };
        /* The smallest integer is its own negative here, as it is upstream. */
        if (a->decimal || b->decimal ||
            !add_int(&difference, (int64_t) - (uint64_t)b->value, b->scale)) {
                int r = add_decimal(arena, a, b, true, &difference);

                if (r < 0)
                        return r;
        }
        if (zero)
                difference.format = b->format;
        *ret = difference;
        return 0;
}

/* --- conversions --- */

void quantity_round_up(struct arena *arena, struct quantity *q, int32_t scale) {
        struct quantity_decimal *held;
        bool positive = q->value > 0, rest = false;

        if (q->decimal) {
                held = arena_new(arena, struct quantity_decimal);
                held->number = decimal_round_up(arena, &q->decimal->number, scale, NULL);
                held->scale = -scale;
                q->decimal = held;
        } else if (q->scale >= scale)
                return;
        for (; !q->decimal && q->scale < scale; q->scale++) {
                rest = rest || q->value % 10 != 0;
                q->value /= 10;
        }
        if (rest)
                q->value += positive ? 1 : -1;
        q->text = STR("");
}

bool quantity_integer(const struct quantity *q, int64_t *ret) {
        return !q->decimal && q->scale >= 0 && scale_int(q->value, q->scale, ret);
}

/* Powers of ten the way Go's math.Pow10 makes them, from two tables: some differ from the nearest
 * double in the last bit. */
static double power_of_ten(int64_t n) {
        static const double ones[] = {
                1e00, 1e01, 1e02, 1e03, 1e04, 1e05, 1e06, 1e07, 1e08, 1e09, 1e10,
                1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
                1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31,
        };
        static const double up[] = { 1e00,  1e32,  1e64,  1e96,  1e128,
                                     1e160, 1e192, 1e224, 1e256, 1e288 };
        static const double down[] = { 1e-00,  1e-32,  1e-64,  1e-96,  1e-128, 1e-160,
                                       1e-192, 1e-224, 1e-256, 1e-288, 1e-320 };

        if (n >= 0 && n <= 308)
                return up[n / 32] * ones[n % 32];
        if (n < 0 && n >= -323)
                return down[-n / 32] / ones[-n % 32];
        return n > 0 ? INFINITY : 0;
}

double quantity_double(struct arena *arena, const struct quantity *q) {
        int64_t exponent = q->decimal ? -(int64_t)q->decimal->scale : q->scale;
        double base = q->decimal ? decimal_double(arena, &q->decimal->number, q->decimal->scale)
                                 : (double)q->value;

        return exponent == 0 ? base : base * power_of_ten(exponent);
}

/* The canonical form with decimal suffix: the exponent is a multiple of three. */
static struct str decimal_text(struct arena *arena, const struct decimal *d,
                               enum quantity_format format) {
        struct decimal n = decimal_normal(d);
        int64_t exponent = n.exponent - ((n.exponent % 3) + 3) % 3;
        struct str suffix = suffix_text(arena, exponent, format);

        if (decimal_expand(arena, &n, exponent, &n) < 0)
                return STR("0"); /* three digits more cannot fail */
        return arena_printf(arena, "%s%.*s%.*s", n.negative ? "-" : "", STR_ARG(n.digits),
                            STR_ARG(suffix));
}

/* The canonical form with binary suffix of the integer D. */
static struct str binary_text(struct arena *arena, struct decimal d) {
        int64_t exponent = 0;
        uint32_t remainder = 0;
        struct str suffix;

        while (!decimal_is_zero(&d)) {
                struct decimal quotient = decimal_divide(arena, &d, 1024, &remainder);

                if (remainder != 0)
                        break;
                d = quotient;
                exponent += 10;
        }
        suffix = exponent == 0 ? STR("") : suffix_text(arena, exponent, QUANTITY_BINARY_SI);
        return arena_printf(arena, "%s%.*s%.*s", d.negative ? "-" : "", STR_ARG(d.digits),
                            STR_ARG(suffix));
}

struct str quantity_text(struct arena *arena, const struct quantity *q) {
        enum quantity_format format = q->format;
        struct decimal d, kibi, minus_kibi;
        bool exact;

        if (q->text.len > 0)
                return q->text;
        if (quantity_sign(q) == 0)
                return STR("0");
        d = as_decimal(arena, q);
        if (format == QUANTITY_BINARY_SI) {
                /* Small numbers and fractions are shown with a decimal suffix. */
                kibi = decimal_from_int(arena, 1024, 0);
                minus_kibi = decimal_from_int(arena, -1024, 0);
                decimal_round_up(arena, &d, 0, &exact);
                if (!exact ||
                    (decimal_compare(&d, &kibi) < 0 && decimal_compare(&d, &minus_kibi) > 0) ||
                    decimal_expand(arena, &d, MIN(d.exponent, (int64_t)0), &d) < 0)
                        format = QUANTITY_DECIMAL_SI;
        }
        if (format != QUANTITY_BINARY_SI)
                return decimal_text(arena, &d, format);
        d = decimal_normal(&d);
        if (decimal_expand(arena, &d, 0, &d) < 0)
                return decimal_text(arena, &d, QUANTITY_DECIMAL_SI);
        return binary_text(arena, d);
}
