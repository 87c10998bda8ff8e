/*
 * Exact decimal numbers of any size, for quantities that do not fit 64 bits.
 *
 * A number is its digits, as text without leading zeros, times a power of ten: 1.5 is "15" and -1.
 * Zero has no digits. Digits of text may be borrowed from it; everything computed lives in the
 * arena. No operation takes more than linear time in the digits it reads and writes, and adding
 * refuses to spell out more than DECIMAL_MAX_DIGITS of them (1e999999999 + 1).
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum { DECIMAL_MAX_DIGITS = 100 * 1000 };

struct decimal {
        bool negative;
        struct str digits;
        int64_t exponent;
};

struct decimal decimal_from_int(struct arena *arena, int64_t value, int64_t exponent);

/* Reads "[+-]digits[.digits]" with at least one digit. Returns 0 or -EINVAL. */
int decimal_parse(struct arena *arena, struct str text, struct decimal *ret);

static inline bool decimal_is_zero(const struct decimal *d) {
        return d->digits.len == 0;
}

/* -1, 0, 1. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/* A + B. Returns 0, or -ERANGE beyond DECIMAL_MAX_DIGITS. */
int decimal_add(struct arena *arena, const struct decimal *a, const struct decimal *b,
                struct decimal *ret);

/* D times FACTOR, and the magnitude of D divided by DIVISOR with the remainder in *RET_REMAINDER. D
 * must be an integer (exponent 0) to be divided. */
struct decimal decimal_multiply(struct arena *arena, const struct decimal *d, uint32_t factor);
struct decimal decimal_divide(struct arena *arena, const struct decimal *d, uint32_t divisor,
                              uint32_t *ret_remainder);

/* D without digits below 10^EXPONENT: any rest rounds away from zero. *RET_EXACT (may be NULL) says
 * whether nothing was lost. */
struct decimal decimal_round_up(struct arena *arena, const struct decimal *d, int64_t exponent,
                                bool *ret_exact);

/* D with trailing zeros moved into the exponent. */
struct decimal decimal_normal(const struct decimal *d);

/* D with the digits spelled out down to 10^EXPONENT, which must not be above D's. Returns 0 or
 * -ERANGE. */
int decimal_expand(struct arena *arena, const struct decimal *d, int64_t exponent,
                   struct decimal *ret);

/* The nearest double to D times 10^SHIFT. */
double decimal_double(struct arena *arena, const struct decimal *d, int64_t shift);
