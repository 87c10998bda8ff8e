#include "base/decimal.h"

#include <inttypes.h>

#include "base/util.h"

static struct str strip_leading(struct str digits) {
        while (digits.len > 0 && digits.ptr[0] == '0')
                digits = str_slice(digits, 1, digits.len);
        return digits;
}

struct decimal decimal_from_int(struct arena *arena, int64_t value, int64_t exponent) {
        uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
        struct decimal d = { .negative = value < 0, .exponent = exponent };

        if (value != 0)
                d.digits = arena_printf(arena, "%" PRIu64, magnitude);
        return d;
}

int decimal_parse(struct arena *arena, struct str text, struct decimal *ret) {
        struct decimal d = { 0 };
        size_t i = 0, count = 0, fraction = 0;
        bool point = false;
        char *digits;

        if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
                d.negative = text.ptr[i++] == '-';
        digits = arena_alloc(arena, text.len + 1);
        for (; i < text.len; i++) {
                char c = text.ptr[i];

                if (c == '.' && !point) {
                        point = true;
                        continue;
                }
                if (c < '0' || c > '9')
                        return -EINVAL;
                digits[count++] = c;
                fraction += point;
        }
        if (count == 0)
                return -EINVAL;
        d.digits = strip_leading((struct str){ digits, count });
        d.exponent = -(int64_t)fraction;
        if (d.digits.len == 0)
                d.negative = false;
        *ret = d;
        return 0;
}

struct decimal decimal_normal(const struct decimal *d) {
        struct decimal n = *d;

        while (n.digits.len > 0 && n.digits.ptr[n.digits.len - 1] == '0') {
                n.digits.len--;
                n.exponent++;
        }
        if (n.digits.len == 0)
                n = (struct decimal){ 0 };
        return n;
}

/* |A| against |B|, both without trailing zeros and not zero. */
static int compare_magnitude(const struct decimal *a, const struct decimal *b) {
        int64_t top_a = (int64_t)a->digits.len + a->exponent;
        int64_t top_b = (int64_t)b->digits.len + b->exponent;

        int order;

        if (top_a != top_b)
                return top_a < top_b ? -1 : 1;
        /* The first digits stand for the same power: text order decides, and of two of which one
         * begins with the other the longer has more behind it. */
        order = str_cmp(a->digits, b->digits);
        return (order > 0) - (order < 0);
}

int decimal_compare(const struct decimal *a, const struct decimal *b) {
        struct decimal x = decimal_normal(a), y = decimal_normal(b);
        int sign_x = decimal_is_zero(&x) ? 0 : x.negative ? -1 : 1;
        int sign_y = decimal_is_zero(&y) ? 0 : y.negative ? -1 : 1;

        if (sign_x != sign_y)
                return sign_x < sign_y ? -1 : 1;
        if (sign_x == 0)
                return 0;
        return sign_x * compare_magnitude(&x, &y);
}

int decimal_expand(struct arena *arena, const struct decimal *d, int64_t exponent,
                   struct decimal *ret) {
        size_t zeros, total;
        char *digits;

        if (decimal_is_zero(d)) {
                *ret = (struct decimal){ .exponent = exponent };
                return 0;
        }
        if (d->exponent - exponent > DECIMAL_MAX_DIGITS)
                return -ERANGE;
        zeros = (size_t)(d->exponent - exponent);
        total = d->digits.len + zeros;
        digits = arena_alloc(arena, total + 1);
        memcpy(digits, d->digits.ptr, d->digits.len);
        memset(digits + d->digits.len, '0', zeros);
        *ret = (struct decimal){ d->negative, { digits, total }, exponent };
        return 0;
}

/* |A| + |B|, or |A| - |B| with |A| >= |B|; both have the same exponent. */
static struct str combine(struct arena *arena, struct str a, struct str b, bool subtract) {
        size_t len = MAX(a.len, b.len) + 1;
        char *out = arena_alloc(arena, len + 1);
        int carry = 0;

        for (size_t i = 0; i < len; i++) {
                int x = i < a.len ? a.ptr[a.len - 1 - i] - '0' : 0;
                int y = i < b.len ? b.ptr[b.len - 1 - i] - '0' : 0;
                int sum = subtract ? x - y + carry : x + y + carry;

                carry = sum < 0 ? -1 : sum > 9;
                out[len - 1 - i] = (char)('0' + (sum + 10) % 10);
        }
        return strip_leading((struct str){ out, len });
}

int decimal_add(struct arena *arena, const struct decimal *a, const struct decimal *b,
                struct decimal *ret) {
        int64_t exponent = MIN(a->exponent, b->exponent);
        struct decimal x, y, sum = { .exponent = exponent };
        int r;

        r = decimal_expand(arena, a, exponent, &x);
        if (r < 0)
                return r;
        r = decimal_expand(arena, b, exponent, &y);
        if (r < 0)
                return r;
        if (x.negative == y.negative) {
                sum.negative = x.negative;
                sum.digits = combine(arena, x.digits, y.digits, false);
        } else {
                /* Without leading zeros, the longer one is larger. */
                bool less = x.digits.len != y.digits.len ? x.digits.len < y.digits.len
                                                         : str_cmp(x.digits, y.digits) < 0;

                sum.negative = less ? y.negative : x.negative;
                sum.digits = less ? combine(arena, y.digits, x.digits, true)
                                  : combine(arena, x.digits, y.digits, true);
        }
        if (decimal_is_zero(&sum))
                sum.negative = false;
        *ret = sum;
        return 0;
}

struct decimal decimal_multiply(struct arena *arena, const struct decimal *d, uint32_t factor) {
        size_t len = d->digits.len + 10; /* a factor has up to ten digits */
        char *out = arena_alloc(arena, len + 1);
        struct decimal product = *d;
        uint64_t carry = 0;

        for (size_t i = 0; i < len; i++) {
                uint64_t digit = i < d->digits.len
                                         ? (uint64_t)(d->digits.ptr[d->digits.len - 1 - i] - '0')
                                         : 0;

                carry += digit * factor;
                out[len - 1 - i] = (char)('0' + carry % 10);
                carry /= 10;
        }
        product.digits = strip_leading((struct str){ out, len });
        return product;
}

struct decimal decimal_divide(struct arena *arena, const struct decimal *d, uint32_t divisor,
                              uint32_t *ret_remainder) {
        char *out = arena_alloc(arena, d->digits.len + 1);
        struct decimal quotient = *d;
        uint64_t rest = 0;

        for (size_t i = 0; i < d->digits.len; i++) {
                rest = rest * 10 + (uint64_t)(d->digits.ptr[i] - '0');
                out[i] = (char)('0' + rest / divisor);
                rest %= divisor;
        }
        quotient.digits = strip_leading((struct str){ out, d->digits.len });
        *ret_remainder = (uint32_t)rest;
        return quotient;
}

struct decimal decimal_round_up(struct arena *arena, const struct decimal *d, int64_t exponent,
                                bool *ret_exact) {
        struct decimal n = decimal_normal(d), rounded;

        if (ret_exact)
                *ret_exact = n.exponent >= exponent || decimal_is_zero(&n);
        if (n.exponent >= exponent || decimal_is_zero(&n))
                return n;

        /* What is cut off is not zero, since there are no trailing zeros. */
        rounded = (struct decimal){ .negative = n.negative, .exponent = exponent };
        if (exponent - n.exponent >= (int64_t)n.digits.len) {
                rounded.digits = STR("1");
                return rounded;
        }
        rounded.digits = str_slice(n.digits, 0, n.digits.len - (size_t)(exponent - n.exponent));
        rounded.digits = combine(arena, rounded.digits, STR("1"), false);
        return rounded;
}

double decimal_double(struct arena *arena, const struct decimal *d, int64_t shift) {
        struct str text;

        if (decimal_is_zero(d))
                return 0;
        text = arena_printf(arena, "%s%.*se%" PRId64, d->negative ? "-" : "", STR_ARG(d->digits),
                            d->exponent + shift);
        return strtod(text.ptr, NULL);
}
