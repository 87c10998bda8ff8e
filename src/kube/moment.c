#include "kube/moment.h"

#include <errno.h>
#include <inttypes.h>

#include "base/util.h"
#include "cel/rfc3339.h"

int kube_time_text(struct arena *arena, struct str text, bool micro, struct str *ret) {
        struct cel_value moment;
        uint32_t nanos;

        if (cel_timestamp_parse(text, &moment) < 0)
                return -EINVAL;
        nanos = moment.nanos;
        *ret = (struct str){ 0 };
        if (moment.integer == CEL_TIMESTAMP_MIN && nanos == 0)
                return 0;
        moment.zone = 0;
        moment.nanos = 0;
        *ret = cel_timestamp_text(arena, &moment);
        if (micro)
                *ret = arena_printf(arena, "%.*s.%06uZ", STR_ARG(str_slice(*ret, 0, ret->len - 1)),
                                    (unsigned)(nanos / 1000));
        return 0;
}

/* AMOUNT in units of which each is UNIT, a power of ten: 1500 of 1000 is "1.5". */
static struct str decimal_text(struct arena *arena, uint64_t amount, uint64_t unit) {
        struct str text = arena_printf(arena, "%" PRIu64, amount / unit);
        uint64_t rest = amount % unit;
        int digits = 0;

        if (rest == 0)
                return text;
        while (unit > 1) {
                unit /= 10;
                digits++;
        }
        while (rest % 10 == 0) {
                rest /= 10;
                digits--;
        }
        return arena_printf(arena, "%.*s.%0*" PRIu64, STR_ARG(text), digits, rest);
}

int kube_duration_text(struct arena *arena, struct str text, struct str *ret) {
        const uint64_t second = 1000000000, minute = 60 * second, hour = 60 * minute;
        const char *unit = "s", *sign;
        uint64_t span, scale = second;
        int64_t nanoseconds;
        struct str hours, minutes;

        if (cel_duration_parse(text, &nanoseconds) < 0)
                return -EINVAL;
        sign = nanoseconds < 0 ? "-" : "";
        span = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;
        if (span > 0 && span < second) {
                unit = span < 1000 ? "ns" : span < 1000000 ? "\u00b5s" : "ms";
                scale = span < 1000 ? 1 : span < 1000000 ? 1000 : 1000000;
        }
        hours = span >= hour ? arena_printf(arena, "%" PRIu64 "h", span / hour) : STR("");
        minutes = span >= minute ? arena_printf(arena, "%" PRIu64 "m", span % hour / minute)
                                 : STR("");
        text = decimal_text(arena, span % minute, scale);
        *ret = arena_printf(arena, "%s%.*s%.*s%.*s%s", sign, STR_ARG(hours), STR_ARG(minutes),
                            STR_ARG(text), unit);
        return 0;
}
