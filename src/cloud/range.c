#include "cloud/range.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

enum { WIDE_V4 = 16, WIDE_V6 = 32 };

int range_parse(struct str text, struct ip_prefix *ret) {
        struct str rest = str_trim(text), address;
        struct ip_problem problem;
        bool has_length;

        str_split(&rest, '/', &address);
        has_length = address.len < str_trim(text).len;
        *ret = (struct ip_prefix){ 0 };
        if (ip_parse(address, &ret->ip, NULL, &problem) < 0)
                return -EINVAL;
        ret->length = ret->ip.v6 ? 128 : 32;
        if (has_length && ip_prefix_length_parse(rest, &ret->ip, &ret->length) < 0)
                return -EINVAL;
        *ret = ip_prefix_masked(ret);
        return 0;
}

bool range_is_wide(const struct ip_prefix *range) {
        return range->length < (range->ip.v6 ? WIDE_V6 : WIDE_V4);
}

/* Where an outer range sorts before those within it. */
static int compare(const void *a, const void *b) {
        const struct ip_prefix *x = a, *y = b;

        if (x->ip.v6 != y->ip.v6)
                return x->ip.v6 - y->ip.v6;
        return memcmp(x->ip.bytes, y->ip.bytes, sizeof x->ip.bytes) ?: x->length - y->length;
}

bool ranges_are_everything(struct ip_prefix *ranges, size_t count) {
        const struct ip_prefix unicast = { .ip = { .bytes = { 0x20 }, .v6 = true }, .length = 3 };
        const struct ip_prefix *outer = NULL;
        double v4 = 0, v6 = 0;

        if (count > 0)
                qsort(ranges, count, sizeof *ranges, compare);
        for (size_t i = 0; i < count; i++) {
                double part = 1;

                if (outer && ip_prefix_covers(outer, &ranges[i]))
                        continue;
                outer = &ranges[i];
                for (uint8_t k = 0; k < outer->length; k++)
                        part /= 2;
                if (!outer->ip.v6)
                        v4 += part;
                else if (ip_prefix_covers(outer, &unicast))
                        v6 = 1;
                else if (ip_prefix_covers(&unicast, outer))
                        v6 += part * 8;
        }
        return v4 >= 0.5 || v6 >= 0.5;
}
