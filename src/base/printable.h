/*
 * Which characters can be shown as they are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether CODE is a letter, mark, number, punctuation or symbol of Unicode 15, or the ASCII blank:
 * what Go's strconv.Quote does not escape. */
bool unicode_printable(int32_t code);
