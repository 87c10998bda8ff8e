/*
 * IP addresses and CIDR prefixes (apiserver pkg/cel/library/ip.go and cidr.go). Zones and
 * IPv4-mapped IPv6 addresses are refused.
 */
#include "base/ip.h"

#include "cel/eval.h"
#include "cel/lib/lib.h"

static const struct cel_type ip_type = { .kind = CEL_TYPE_OPAQUE, .name = STR_INIT("net.IP") };
static const struct cel_type cidr_type = { .kind = CEL_TYPE_OPAQUE, .name = STR_INIT("net.CIDR") };

static bool ip_value_equal(const void *a, const void *b) {
        return ip_equal(a, b);
}

static bool cidr_value_equal(const void *a, const void *b) {
        const struct ip_prefix *left = a, *right = b;

        return left->length == right->length && ip_equal(&left->ip, &right->ip);
}

/* In bytes: of the address, and of the prefix. */
static uint64_t ip_size(const void *ip) {
        return ((const struct ip *)ip)->v6 ? 16 : 4;
}

static uint64_t cidr_size(const void *cidr) {
        return (((const struct ip_prefix *)cidr)->length + 7) / 8;
}

static const struct cel_opaque_type ip_opaque = {
        .name = STR_INIT("net.IP"), .type = &ip_type, .equal = ip_value_equal, .size = ip_size
};
static const struct cel_opaque_type cidr_opaque = { .name = STR_INIT("net.CIDR"),
                                                    .type = &cidr_type,
                                                    .equal = cidr_value_equal,
                                                    .size = cidr_size };

static struct cel_value ip_value(struct arena *arena, const struct ip *ip) {
        return cel_opaque(&ip_opaque, arena_copy(arena, ip, sizeof(*ip)));
}

/* --- reading --- */

/* netip's words for PROBLEM with TEXT. */
static struct str problem_text(struct arena *arena, struct str text,
                               const struct ip_problem *problem) {
        struct str quoted = cel_quote(arena, text), at;

        if (problem->at.len == 0)
                return arena_printf(arena, "ParseAddr(%.*s): %s", STR_ARG(quoted),
                                    problem->message);
        at = cel_quote(arena, problem->at);
        return arena_printf(arena, "ParseAddr(%.*s): %s (at %.*s)", STR_ARG(quoted),
                            problem->message, STR_ARG(at));
}

/* In the specification ::ffff:c0a8:1 is 192.168.0.1, and only ::ffff:192.168.0.1 is refused. */
static bool take_mapped(struct str text, struct ip *ip) {
        if (memchr(text.ptr, '.', text.len))
                return false;
        memmove(ip->bytes, ip->bytes + 12, 4);
        memset(ip->bytes + 4, 0, 12);
        ip->v6 = false;
        return true;
}

/* Returns whether TEXT is an address that is allowed. Otherwise *RET_ERROR (may be NULL) says why.
 */
static bool read_ip(struct cel_context *context, struct str text, struct ip *ret,
                    struct cel_value *ret_error) {
        struct arena *arena = context->scratch;
        struct ip_problem problem;
        struct str zone, quoted, why;

        if (ip_parse(text, ret, &zone, &problem) >= 0 && zone.len == 0 &&
            (!ip_is_v4_mapped(ret) || (cel_is_full(context) && take_mapped(text, ret))))
                return true;
        if (!ret_error)
                return false;
        quoted = cel_quote(arena, text);
        if (ip_parse(text, ret, &zone, &problem) < 0) {
                why = problem_text(arena, text, &problem);
                *ret_error = cel_error(
                        arena, "IP Address %.*s parse error during conversion from string: %.*s",
                        STR_ARG(quoted), STR_ARG(why));
        } else if (zone.len > 0)
                *ret_error = cel_error(arena, "IP address %.*s with zone value is not allowed",
                                       STR_ARG(quoted));
        else
                *ret_error = cel_error(arena, "IPv4-mapped IPv6 address %.*s is not allowed",
                                       STR_ARG(quoted));
        return false;
}

/* Why TEXT is no prefix, or nothing if it is one (in *RET). */
static struct str read_prefix(struct arena *arena, struct str text, struct ip_prefix *ret) {
        const char *slash = text.len > 0 ? memrchr(text.ptr, '/', text.len) : NULL;
        struct str address, bits, zone, quoted;
        struct ip_problem problem;
        int r;

        if (!slash)
                return STR("no '/'");
        address = str_slice(text, 0, (size_t)(slash - text.ptr));
        bits = str_slice(text, address.len + 1, text.len);
        if (ip_parse(address, &ret->ip, &zone, &problem) < 0)
                return problem_text(arena, address, &problem);
        if (zone.len > 0)
                return STR("IPv6 zones cannot be present in a prefix");
        r = ip_prefix_length_parse(bits, &ret->ip, &ret->length);
        if (r == -ERANGE)
                return STR("prefix length out of range");
        if (r < 0) {
                quoted = cel_quote(arena, bits);
                return arena_printf(arena, "bad bits after slash: %.*s", STR_ARG(quoted));
        }
        return (struct str){ 0 };
}

static bool read_cidr(struct arena *arena, struct str text, struct ip_prefix *ret,
                      struct cel_value *ret_error) {
        static const char *const prefix = "network address parse error during conversion from "
                                          "string";
        struct str why = read_prefix(arena, text, ret), quoted;

        if (why.len == 0 && !ip_is_v4_mapped(&ret->ip))
                return true;
        if (!ret_error)
                return false;
        quoted = cel_quote(arena, text);
        if (why.len > 0)
                *ret_error = cel_error(arena, "%s: %s: netip.ParsePrefix(%.*s): %.*s", prefix,
                                       prefix, STR_ARG(quoted), STR_ARG(why));
        else
                *ret_error = cel_error(arena, "%s: IPv4-mapped IPv6 address %.*s is not allowed",
                                       prefix, STR_ARG(quoted));
        return false;
}

/* --- addresses --- */

static struct cel_value ip(struct cel_context *context, const struct cel_value *args,
                           _unused_ size_t count) {
        struct cel_value error;
        struct ip parsed;

        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        if (!read_ip(context, args[0].string, &parsed, &error))
                return error;
        return ip_value(context->scratch, &parsed);
}

static struct cel_value is_ip(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        struct ip parsed;

        return cel_bool(read_ip(context, args[0].string, &parsed, NULL));
}

static struct cel_value is_canonical(struct cel_context *context, const struct cel_value *args,
                                     _unused_ size_t count) {
        struct cel_value error;
        struct ip parsed;

        if (!read_ip(context, args[0].string, &parsed, &error))
                return error;
        return cel_bool(str_eq(ip_text(context->scratch, &parsed), args[0].string));
}

static struct cel_value ip_string(struct cel_context *context, const struct cel_value *args,
                                  _unused_ size_t count) {
        return cel_string(ip_text(context->scratch, args[0].opaque));
}

static struct cel_value family(_unused_ struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        return cel_int(((const struct ip *)args[0].opaque)->v6 ? 6 : 4);
}

#define PREDICATE(name, function)                                                                  \
        static struct cel_value name(_unused_ struct cel_context *context,                         \
                                     const struct cel_value *args, _unused_ size_t count) {        \
                return cel_bool(function(args[0].opaque));                                         \
        }
PREDICATE(is_unspecified, ip_is_unspecified)
PREDICATE(is_loopback, ip_is_loopback)
PREDICATE(is_link_local_multicast, ip_is_link_local_multicast)
PREDICATE(is_link_local_unicast, ip_is_link_local_unicast)
PREDICATE(is_global_unicast, ip_is_global_unicast)

/* --- prefixes --- */

static struct cel_value cidr(struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        struct ip_prefix *parsed = arena_new(context->scratch, struct ip_prefix);
        struct cel_value error;

        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        if (!read_cidr(context->scratch, args[0].string, parsed, &error))
                return error;
        return cel_opaque(&cidr_opaque, parsed);
}

static struct cel_value is_cidr(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        struct ip_prefix parsed;

        return cel_bool(read_cidr(context->scratch, args[0].string, &parsed, NULL));
}

static struct cel_value contains_ip(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        const struct ip *other = args[1].opaque;
        struct ip parsed;

        if (args[1].kind == CEL_STRING) {
                /* Upstream loses the reason here, though not in containsCIDR. */
                if (!read_ip(context, args[1].string, &parsed, NULL))
                        return cel_plain_no_overload();
                other = &parsed;
        }
        return cel_bool(ip_prefix_contains(args[0].opaque, other));
}

static struct cel_value contains_cidr(struct cel_context *context, const struct cel_value *args,
                                      _unused_ size_t count) {
        const struct ip_prefix *other = args[1].opaque;
        struct ip_prefix parsed;
        struct cel_value error;

        if (args[1].kind == CEL_STRING) {
                if (!read_cidr(context->scratch, args[1].string, &parsed, &error))
                        return error;
                other = &parsed;
        }
        return cel_bool(ip_prefix_covers(args[0].opaque, other));
}

static struct cel_value cidr_ip(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        return ip_value(context->scratch, &((const struct ip_prefix *)args[0].opaque)->ip);
}

static struct cel_value prefix_length(_unused_ struct cel_context *context,
                                      const struct cel_value *args, _unused_ size_t count) {
        return cel_int(((const struct ip_prefix *)args[0].opaque)->length);
}

static struct cel_value masked(struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        struct ip_prefix network = ip_prefix_masked(args[0].opaque);

        return cel_opaque(&cidr_opaque, arena_copy(context->scratch, &network, sizeof(network)));
}

static struct cel_value cidr_string(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        return cel_string(ip_prefix_text(context->scratch, args[0].opaque));
}

static const struct cel_function_row rows[] = {
        { .signature = "ip(string) net.IP", .call = ip, .since = 30 },
        { .signature = "isIP(string) bool", .call = is_ip, .since = 30 },
        { .signature = "ip.isCanonical(string) bool", .call = is_canonical, .since = 30 },
        { .signature = "string(net.IP) string", .call = ip_string, .since = 30 },
        { .signature = "net.IP.family() int", .call = family, .since = 30 },
        { .signature = "net.IP.isUnspecified() bool", .call = is_unspecified, .since = 30 },
        { .signature = "net.IP.isLoopback() bool", .call = is_loopback, .since = 30 },
        { .signature = "net.IP.isLinkLocalMulticast() bool",
          .call = is_link_local_multicast,
          .since = 30 },
        { .signature = "net.IP.isLinkLocalUnicast() bool",
          .call = is_link_local_unicast,
          .since = 30 },
        { .signature = "net.IP.isGlobalUnicast() bool", .call = is_global_unicast, .since = 30 },
        { .signature = "cidr(string) net.CIDR", .call = cidr, .since = 30 },
        { .signature = "isCIDR(string) bool", .call = is_cidr, .since = 30 },
        { .signature = "string(net.CIDR) string", .call = cidr_string, .since = 30 },
        { .signature = "net.CIDR.containsIP(string) bool", .call = contains_ip, .since = 30 },
        { .signature = "net.CIDR.containsIP(net.IP) bool", .call = contains_ip, .since = 30 },
        { .signature = "net.CIDR.containsCIDR(string) bool", .call = contains_cidr, .since = 30 },
        { .signature = "net.CIDR.containsCIDR(net.CIDR) bool", .call = contains_cidr, .since = 30 },
        { .signature = "net.CIDR.ip() net.IP", .call = cidr_ip, .since = 30 },
        { .signature = "net.CIDR.prefixLength() int", .call = prefix_length, .since = 30 },
        { .signature = "net.CIDR.masked() net.CIDR", .call = masked, .since = 30 },
};

CEL_LIBRARY(cel_library_net, "net", rows);
