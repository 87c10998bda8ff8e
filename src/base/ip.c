#include "base/ip.h"

#include "base/util.h"

static int fail(struct ip_problem *problem, const char *message, struct str at) {
        if (problem)
                *problem = (struct ip_problem){ message, at };
        return -EINVAL;
}

/* --- reading --- */

/* Four decimal fields into BYTES. TEXT is all there is. */
static int parse_v4(struct str text, uint8_t *bytes, struct ip_problem *problem) {
        static const struct str nowhere = { 0 };
        unsigned int value = 0, digits = 0;
        size_t field = 0;

        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];
                struct str rest = str_slice(text, i, text.len);

                if (c >= '0' && c <= '9') {
                        if (digits == 1 && value == 0)
                                return fail(problem, "IPv4 field has octet with leading zero",
                                            nowhere);
                        value = value * 10 + (unsigned int)(c - '0');
                        digits++;
                        if (value > 255)
                                return fail(problem, "IPv4 field has value >255", nowhere);
                } else if (c == '.') {
                        if (i == 0 || i == text.len - 1 || text.ptr[i - 1] == '.')
                                return fail(problem, "IPv4 field must have at least one digit",
                                            rest);
                        if (field == 3)
                                return fail(problem, "IPv4 address too long", nowhere);
                        bytes[field++] = (uint8_t)value;
                        value = digits = 0;
                } else
                        return fail(problem, "unexpected character", rest);
        }
        if (field < 3)
                return fail(problem, "IPv4 address too short", nowhere);
        bytes[3] = (uint8_t)value;
        return 0;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* Reads one group of S and moves S behind it. Five digits are too many even if zero. */
static int parse_group(struct str *s, uint8_t *bytes, struct ip_problem *problem) {
        unsigned int value = 0;
        size_t i = 0;

        for (; i < s->len && hex_digit(s->ptr[i]) >= 0; i++) {
                value = value << 4 | (unsigned int)hex_digit(s->ptr[i]);
                if (i > 3)
                        return fail(problem, "each group must have 4 or less digits", *s);
        }
        if (i == 0)
                return fail(problem, "each colon-separated field must have at least one digit", *s);
        bytes[0] = (uint8_t)(value >> 8);
        bytes[1] = (uint8_t)value;
        *s = str_slice(*s, i, s->len);
        return 0;
}

/* What remains of an IPv6 address while it is read. */
struct v6_reader {
        struct str rest;
        uint8_t bytes[16];
        size_t used;        /* of bytes */
        ptrdiff_t ellipsis; /* where "::" stood in bytes, or -1 */
};

/* An IPv4 tail that begins at GROUP, which is all of the rest. */
static int parse_tail(struct v6_reader *reader, struct str group, struct ip_problem *problem) {
        int r;

        if (reader->ellipsis < 0 && reader->used != 12)
                return fail(problem,
                            "embedded IPv4 address must replace the final 2 fields of the address",
                            group);
        if (reader->used + 4 > 16)
                return fail(problem,
                            "too many hex fields to fit an embedded IPv4 at the end of the address",
                            group);
        r = parse_v4(group, reader->bytes + reader->used, problem);
        if (r < 0)
                return r;
        reader->used += 4;
        reader->rest.len = 0;
        return 0;
}

/* Reads groups until the rest is empty or sixteen bytes are full. */
static int parse_groups(struct v6_reader *reader, struct ip_problem *problem) {
        struct str *s = &reader->rest;
        int r;

        while (reader->used < 16) {
                struct str group = *s;
                uint8_t pair[2];

                r = parse_group(s, pair, problem);
                if (r < 0)
                        return r;
                if (s->len > 0 && s->ptr[0] == '.')
                        return parse_tail(reader, group, problem);
                reader->bytes[reader->used] = pair[0];
                reader->bytes[reader->used + 1] = pair[1];
                reader->used += 2;
                if (s->len == 0)
                        return 0;
                if (s->ptr[0] != ':')
                        return fail(problem, "unexpected character, want colon", *s);
                if (s->len == 1)
                        return fail(problem, "colon must be followed by more characters", *s);
                *s = str_slice(*s, 1, s->len);
                if (s->ptr[0] != ':')
                        continue;
                if (reader->ellipsis >= 0)
                        return fail(problem, "multiple :: in address", *s);
                reader->ellipsis = (ptrdiff_t)reader->used;
                *s = str_slice(*s, 1, s->len);
                if (s->len == 0)
                        return 0;
        }
        return 0;
}

static int parse_v6(struct str text, struct ip *ret, struct str *ret_zone,
                    struct ip_problem *problem) {
        static const struct str nowhere = { 0 };
        struct v6_reader reader = { .rest = text, .ellipsis = -1 };
        const char *percent = memchr(text.ptr, '%', text.len);
        struct str zone = { 0 };
        size_t missing;
        int r;

        if (percent) {
                reader.rest = str_slice(text, 0, (size_t)(percent - text.ptr));
                zone = str_slice(text, reader.rest.len + 1, text.len);
                if (zone.len == 0)
                        return fail(problem, "zone must be a non-empty string", nowhere);
        }
        if (str_starts(reader.rest, STR("::"))) {
                reader.ellipsis = 0;
                reader.rest = str_slice(reader.rest, 2, reader.rest.len);
        }
        if (reader.ellipsis < 0 || reader.rest.len > 0) {
                r = parse_groups(&reader, problem);
                if (r < 0)
                        return r;
        }
        if (reader.rest.len > 0)
                return fail(problem, "trailing garbage after address", reader.rest);
        missing = 16 - reader.used;
        if (missing > 0 && reader.ellipsis < 0)
                return fail(problem, "address string too short", nowhere);
        if (missing == 0 && reader.ellipsis >= 0)
                return fail(problem, "the :: must expand to at least one field of zeros", nowhere);
        *ret = (struct ip){ .v6 = true };
        if (reader.ellipsis < 0)
                memcpy(ret->bytes, reader.bytes, 16);
        else {
                size_t head = (size_t)reader.ellipsis;

                memcpy(ret->bytes, reader.bytes, head);
                memcpy(ret->bytes + head + missing, reader.bytes + head, reader.used - head);
        }
        *ret_zone = zone;
        return 0;
}

int ip_parse(struct str text, struct ip *ret, struct str *ret_zone, struct ip_problem *problem) {
        struct str zone = { 0 };
        struct ip ip = { 0 };
        size_t i = 0;
        int r;

        while (i < text.len && !memchr(".:%", text.ptr[i], 3))
                i++;
        if (i == text.len)
                return fail(problem, "unable to parse IP", zone);
        if (text.ptr[i] == '%')
                return fail(problem, "missing IPv6 address", zone);
        if (text.ptr[i] == '.')
                r = parse_v4(text, ip.bytes, problem);
        else
                r = parse_v6(text, &ip, &zone, problem);
        if (r < 0)
                return r;
        *ret = ip;
        if (ret_zone)
                *ret_zone = zone;
        return 0;
}

/* --- writing --- */

/* The longest run of at least two zero groups, the first of equals. */
static void longest_zeros(const struct ip *ip, size_t *ret_start, size_t *ret_end) {
        *ret_start = *ret_end = 8;
        for (size_t i = 0; i < 8; i++) {
                size_t end = i;

                while (end < 8 && ip->bytes[2 * end] == 0 && ip->bytes[2 * end + 1] == 0)
                        end++;
                if (end - i >= 2 && end - i > *ret_end - *ret_start) {
                        *ret_start = i;
                        *ret_end = end;
                }
        }
}

struct str ip_text(struct arena *arena, const struct ip *ip) {
        const uint8_t *b = ip->bytes;
        size_t start, end, len = 0;
        char out[64];

        if (!ip->v6)
                return arena_printf(arena, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
        if (ip_is_v4_mapped(ip))
                return arena_printf(arena, "::ffff:%d.%d.%d.%d", b[12], b[13], b[14], b[15]);
        longest_zeros(ip, &start, &end);
        for (size_t i = 0; i < 8; i++) {
                if (i == start && start < end) {
                        out[len++] = ':';
                        out[len++] = ':';
                        i = end;
                        if (i >= 8)
                                break;
                } else if (i > 0)
                        out[len++] = ':';
                len += (size_t)snprintf(out + len, sizeof(out) - len, "%x",
                                        (unsigned int)(b[2 * i] << 8 | b[2 * i + 1]));
        }
        return arena_str(arena, (struct str){ out, len });
}

/* --- classes --- */

bool ip_equal(const struct ip *a, const struct ip *b) {
        return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, 16) == 0;
}

bool ip_is_v4_mapped(const struct ip *ip) {
        static const uint8_t prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

        return ip->v6 && memcmp(ip->bytes, prefix, 12) == 0;
}

/* The four bytes of an IPv4 or IPv4-mapped address, else NULL. */
static const uint8_t *v4_bytes(const struct ip *ip) {
        if (!ip->v6)
                return ip->bytes;
        return ip_is_v4_mapped(ip) ? ip->bytes + 12 : NULL;
}

bool ip_is_unspecified(const struct ip *ip) {
        static const uint8_t zero[16];

        return memcmp(ip->bytes, zero, 16) == 0;
}

bool ip_is_loopback(const struct ip *ip) {
        static const uint8_t loopback[16] = { [15] = 1 };
        const uint8_t *v4 = v4_bytes(ip);

        return v4 ? v4[0] == 127 : memcmp(ip->bytes, loopback, 16) == 0;
}

bool ip_is_multicast(const struct ip *ip) {
        const uint8_t *v4 = v4_bytes(ip);

        return v4 ? (v4[0] & 0xf0) == 0xe0 : ip->bytes[0] == 0xff;
}

bool ip_is_link_local_multicast(const struct ip *ip) {
        const uint8_t *v4 = v4_bytes(ip);

        if (v4)
                return v4[0] == 224 && v4[1] == 0 && v4[2] == 0;
        return ip->bytes[0] == 0xff && (ip->bytes[1] & 0x0f) == 0x02;
}

bool ip_is_link_local_unicast(const struct ip *ip) {
        const uint8_t *v4 = v4_bytes(ip);

        if (v4)
                return v4[0] == 169 && v4[1] == 254;
        return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

bool ip_is_global_unicast(const struct ip *ip) {
        static const uint8_t none[4], broadcast[4] = { 255, 255, 255, 255 };
        const uint8_t *v4 = v4_bytes(ip);

        if (v4 && (memcmp(v4, none, 4) == 0 || memcmp(v4, broadcast, 4) == 0))
                return false;
        return !ip_is_unspecified(ip) && !ip_is_loopback(ip) && !ip_is_multicast(ip) &&
               !ip_is_link_local_unicast(ip);
}

/* --- prefixes --- */

int ip_prefix_length_parse(struct str text, const struct ip *ip, uint8_t *ret) {
        int64_t value = 0, most = ip->v6 ? 128 : 32;

        if (text.len == 0 || (text.len > 1 && text.ptr[0] == '0'))
                return -EINVAL;
        for (size_t i = 0; i < text.len; i++) {
                int digit = text.ptr[i] - '0';

                if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, digit, &value))
                        return -EINVAL;
        }
        if (value > most)
                return -ERANGE;
        *ret = (uint8_t)value;
        return 0;
}

struct ip_prefix ip_prefix_masked(const struct ip_prefix *prefix) {
        struct ip_prefix masked = *prefix;

        for (size_t i = 0; i < 16; i++) {
                unsigned int keep =
                        prefix->length > i * 8 ? (unsigned int)(prefix->length - i * 8) : 0;

                if (keep < 8)
                        masked.ip.bytes[i] &= (uint8_t)(0xff00 >> keep);
        }
        return masked;
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip *ip) {
        struct ip_prefix network = ip_prefix_masked(prefix);
        struct ip_prefix other = { *ip, prefix->length };

        other = ip_prefix_masked(&other);
        return ip_equal(&network.ip, &other.ip);
}

bool ip_prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner) {
        return outer->length <= inner->length && ip_prefix_contains(outer, &inner->ip);
}

struct str ip_prefix_text(struct arena *arena, const struct ip_prefix *prefix) {
        struct str ip = ip_text(arena, &prefix->ip);

        return arena_printf(arena, "%.*s/%d", STR_ARG(ip), prefix->length);
}
