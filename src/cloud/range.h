/*
 * How much of the internet a list of address ranges lets in.
 */
#pragma once

#include "base/ip.h"

/* Reads "203.0.113.0/24", "2001:db8::/32", or an address without a length, which is itself alone.
 * Bits behind the length are cleared. */
int range_parse(struct str text, struct ip_prefix *ret);

/* Shorter than /16, of IPv6 shorter than /32: more than any one organisation calls from. */
bool range_is_wide(const struct ip_prefix *range);

/* Whether the COUNT RANGES together hold at least half of the IPv4 addresses, or of the global
 * unicast addresses of IPv6 (2000::/3): 0.0.0.0/0 as one, as two halves, or in eighths. Sorts
 * RANGES. */
bool ranges_are_everything(struct ip_prefix *ranges, size_t count);
