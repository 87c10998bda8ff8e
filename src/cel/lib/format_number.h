/*
 * %f and %e of string.format: numbers as golang.org/x/text writes them for English. Private to
 * src/cel/lib.
 */
#pragma once

#include "cel/lib/lib.h"

/* "1,234.50" with PRECISION fraction digits. Upstream keeps the least number of digits in 8 bits
 * and the most in 16, so that the result of more than 255 is peculiar; the same here. */
void cel_format_fixed(struct builder *out, double number, int64_t precision);

/* "1.052033×10⁰³", always with six fraction digits, filled up with blanks to WIDTH characters. */
void cel_format_scientific(struct builder *out, double number, int64_t width);
