/*
 * IP addresses and prefixes as text: IPv4 "192.0.2.1", IPv6 with "::", an embedded IPv4 tail and a
 * zone.
 *
 * Grammar, canonical text (RFC 5952) and complaints are those of Go's net/netip: no leading zeros
 * in IPv4, at most four hexadecimal digits in a group. An address keeps its family:
 * ::ffff:192.0.2.1 is IPv6.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct ip {
        uint8_t bytes[16]; /* IPv4: the first four, the rest zero */
        bool v6;
};

/* Why a text is no address. AT is the part of it where reading stopped; empty where that says
 * nothing. */
struct ip_problem {
        const char *message;
        struct str at;
};

/* Reads an address. *RET_ZONE (may be NULL) is what follows '%', empty without one. Returns 0 or
 * -EINVAL with PROBLEM (may be NULL). */
int ip_parse(struct str text, struct ip *ret, struct str *ret_zone, struct ip_problem *problem);

/* The canonical text. */
struct str ip_text(struct arena *arena, const struct ip *ip);

bool ip_equal(const struct ip *a, const struct ip *b);

/* Within ::ffff:0:0/96. */
bool ip_is_v4_mapped(const struct ip *ip);

/* The classes of RFC 1122, 3927, 4291, 5771; an IPv4-mapped address counts as IPv4 except for
 * "unspecified". Private addresses count as global unicast. */
bool ip_is_unspecified(const struct ip *ip);
bool ip_is_loopback(const struct ip *ip);
bool ip_is_multicast(const struct ip *ip);
bool ip_is_link_local_multicast(const struct ip *ip);
bool ip_is_link_local_unicast(const struct ip *ip);
bool ip_is_global_unicast(const struct ip *ip);

/* A prefix; bits of the address beyond the length may be set. */
struct ip_prefix {
        struct ip ip;
        uint8_t length;
};

/* Reads the length behind the slash: digits without sign or leading zero, at most 32 or 128 for IP.
 * Returns 0, -EINVAL for other text, -ERANGE beyond the maximum. */
int ip_prefix_length_parse(struct str text, const struct ip *ip, uint8_t *ret);

/* PREFIX with the bits behind its length cleared. */
struct ip_prefix ip_prefix_masked(const struct ip_prefix *prefix);

/* Whether IP lies in PREFIX: never across families. */
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip *ip);

/* Whether all of INNER lies in OUTER. */
bool ip_prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner);

struct str ip_prefix_text(struct arena *arena, const struct ip_prefix *prefix);
