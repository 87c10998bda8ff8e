/*
 * Kubernetes resource quantities ("1024Mi", "0.5", "1e3").
 *
 * A quantity is a decimal number with a decimal or binary suffix. The API server writes it back in
 * a canonical form (1024Mi becomes 1Gi), which is what policies see. Grammar, rounding (up, to 1n),
 * limits and the canonical form are those of k8s.io/apimachinery/pkg/api/resource/quantity.go,
 * including what looks like an oversight there:
 *
 *     - "-" and "." read as zero, ".Ei" does not read;
 *     - a number that was written canonically (or nearly) keeps its spelling, e.g. "+1" or "1.500";
 *     - a power of ten above 10^18 or a power of 1024 above Ei loses its suffix ("1000E" becomes
 *       "1");
 *     - whether a quantity counts as an integer depends on how it is held, not only on its value.
 *
 * A quantity is held either as a 64-bit number times a power of ten (`decimal` is NULL) or, where
 * that does not do, as an exact decimal.
 */
#pragma once

#include "base/decimal.h"
#include "base/error.h"

enum quantity_format { QUANTITY_DECIMAL_SI, QUANTITY_BINARY_SI, QUANTITY_DECIMAL_EXPONENT };

struct quantity_decimal {
        struct decimal number;
        int32_t scale; /* digits behind the point that upstream would hold; matters only for how
                          quantity_double rounds */
};

struct quantity {
        struct quantity_decimal *decimal;
        int64_t value; /* times 10^scale, when decimal is NULL */
        int32_t scale;
        enum quantity_format format;
        struct str text; /* the spelling to write, empty when it has to be computed */
};

/* Reads TEXT, which must outlive RET. Returns 0, or -EINVAL with upstream's message. */
int quantity_parse(struct arena *arena, struct str text, struct quantity *ret, struct error *error);

struct quantity quantity_from_int(int64_t value, enum quantity_format format);

/* The canonical form (Quantity.String). */
struct str quantity_text(struct arena *arena, const struct quantity *q);

/* -1, 0, 1, by value. */
int quantity_compare(const struct quantity *a, const struct quantity *b);
int quantity_sign(const struct quantity *q);

/* A + B and A - B. A result that would take DECIMAL_MAX_DIGITS to write out is -ERANGE; upstream
 * has no such limit. RET may be A. */
int quantity_add(struct arena *arena, const struct quantity *a, const struct quantity *b,
                 struct quantity *ret);
int quantity_subtract(struct arena *arena, const struct quantity *a, const struct quantity *b,
                      struct quantity *ret);

/* Q without what is below 10^SCALE: any rest rounds away from zero (Quantity.RoundUp). */
void quantity_round_up(struct arena *arena, struct quantity *q, int32_t scale);

/* Returns whether Q is held as an integer, and it (Quantity.AsInt64). */
bool quantity_integer(const struct quantity *q, int64_t *ret);

/* Q as a double, not always the nearest (Quantity.AsApproximateFloat64). */
double quantity_double(struct arena *arena, const struct quantity *q);

/* Makes Q hold a decimal (Quantity.ToDec). */
void quantity_to_decimal(struct arena *arena, struct quantity *q);
