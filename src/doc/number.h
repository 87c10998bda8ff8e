/*
 * Numbers as text, the way Go writes and reads them.
 *
 * Manifests pass through Go's encoding/json on their way to the API server, so what a number looks
 * like afterwards, and even whether it is an integer, depends on how Go writes floating point:
 * with the fewest digits that read back as the same value.
 *
 * The program never calls setlocale, so the decimal point of the C library is a point.
 */
#pragma once

#include "base/str.h"

enum { NUMBER_TEXT_MAX = 40 };

/* VALUE (finite) as encoding/json writes it: plain digits, or an exponent where the magnitude is
 * below 1e-6 or from 1e21 on. Returns the length. */
size_t number_format_json(double value, char out[NUMBER_TEXT_MAX]);

/* VALUE as strconv.FormatFloat(value, 'g', -1, 32) writes it, with ".inf", "-.inf" and ".nan". That
 * is how sigs.k8s.io/yaml turns a floating-point map key into a string. */
size_t number_format_key(double value, char out[NUMBER_TEXT_MAX]);

/* The integer that Kubernetes' JSON decoder sees when VALUE was written by encoding/json. Returns
 * false where it sees a floating-point number (a fraction, or beyond 64 bits). Beyond 2^53 that may
 * not be the value itself, because only its significant digits were written. */
bool number_to_integer(double value, int64_t *ret);

/* Reads decimal floating point whose syntax was checked. Returns false where the magnitude is too
 * large. */
bool number_parse(struct str text, double *ret);

/* Reads digits of BASE (2, 8, 10, 16), at least one. Returns 0, -EINVAL, or -ERANGE beyond 64 bits.
 */
int number_parse_digits(struct str text, unsigned base, uint64_t *ret);
