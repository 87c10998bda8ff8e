/*
 * Timestamps and durations: texts and accessors.
 *
 * Texts are read as Go's time package reads them, quirks included (an hour of one digit, a comma
 * before the fraction, offsets up to 24:60), because the API server is written in Go. Expressions
 * are evaluated with UTC as the default zone (cel.DefaultUTCTimeZone).
 */
#include <ctype.h>

#include "base/utf8.h"
#include "base/util.h"
#include "cel/calendar.h"
#include "cel/eval.h"
#include "cel/number.h"
#include "cel/timezone.h"

/* --- RFC 3339 --- */

/* Takes a number of two digits off TEXT; one is enough where SHORT_OK. */
static bool take_number(struct str *text, bool short_ok, int *ret) {
        size_t n = 0;

        *ret = 0;
        while (n < text->len && n < 2 && isdigit((unsigned char)text->ptr[n]))
                *ret = *ret * 10 + (text->ptr[n++] - '0');
        if (n == 0 || (n == 1 && !short_ok))
                return false;
        *text = str_slice(*text, n, text->len);
        return true;
}

static bool take_char(struct str *text, char c) {
        if (text->len == 0 || text->ptr[0] != c)
                return false;
        *text = str_slice(*text, 1, text->len);
        return true;
}

static bool take_year(struct str *text, int *ret) {
        *ret = 0;
        if (text->len < 4)
                return false;
        for (size_t i = 0; i < 4; i++) {
                if (!isdigit((unsigned char)text->ptr[i]))
                        return false;
                *ret = *ret * 10 + (text->ptr[i] - '0');
        }
        *text = str_slice(*text, 4, text->len);
        return true;
}

/* A fraction of a second: '.' or ',' and digits, of which nine count. */
static uint32_t take_fraction(struct str *text) {
        uint32_t nanos = 0;
        size_t n = 1;

        if (text->len < 2 || (text->ptr[0] != '.' && text->ptr[0] != ',') ||
            !isdigit((unsigned char)text->ptr[1]))
                return 0;
        for (; n < text->len && isdigit((unsigned char)text->ptr[n]); n++)
                if (n <= 9)
                        nanos = nanos * 10 + (uint32_t)(text->ptr[n] - '0');
        for (size_t i = n; i <= 9; i++)
                nanos *= 10;
        *text = str_slice(*text, n, text->len);
        return nanos;
}

/* "Z" or +hh:mm, in minutes. */
static bool take_zone(struct str *text, int *ret) {
        bool west;
        int hours, minutes;

        *ret = 0;
        if (take_char(text, 'Z'))
                return true;
        west = take_char(text, '-');
        if (!west && !take_char(text, '+'))
                return false;
        if (!take_number(text, false, &hours) || !take_char(text, ':') ||
            !take_number(text, false, &minutes) || hours > 24 || minutes > 60)
                return false;
        *ret = west ? -(hours * 60 + minutes) : hours * 60 + minutes;
        return true;
}

int cel_timestamp_parse(struct str text, struct cel_value *ret) {
        int year, month, day, hour, minute, second, zone;
        uint32_t nanos;
        int64_t seconds;

        if (!take_year(&text, &year) || !take_char(&text, '-') ||
            !take_number(&text, false, &month) || !take_char(&text, '-') ||
            !take_number(&text, false, &day) || !take_char(&text, 'T') ||
            !take_number(&text, true, &hour) || !take_char(&text, ':') ||
            !take_number(&text, false, &minute) || !take_char(&text, ':') ||
            !take_number(&text, false, &second))
                return -EINVAL;
        nanos = take_fraction(&text);
        if (!take_zone(&text, &zone) || text.len > 0)
                return -EINVAL;
        if (month < 1 || month > 12 || day < 1 || day > cel_month_days(year, month) || hour > 23 ||
            minute > 59 || second > 59)
                return -EINVAL;
        seconds = cel_days_from_date(year, month, day) * CEL_DAY_SECONDS + hour * 3600 +
                  minute * 60 + second - zone * 60;
        if (seconds < CEL_TIMESTAMP_MIN || seconds > CEL_TIMESTAMP_MAX)
                return -ERANGE;
        *ret = (struct cel_value){ .kind = CEL_TIMESTAMP,
                                   .integer = seconds,
                                   .nanos = nanos & 0x3fffffff,
                                   .zone = (int16_t)zone };
        return 0;
}

struct str cel_timestamp_text(struct arena *arena, const struct cel_value *timestamp) {
        struct cel_date date = cel_date_from_seconds(timestamp->integer + timestamp->zone * 60);
        char fraction[16] = "", zone[16] = "Z";
        int minutes = abs(timestamp->zone);

        if (timestamp->nanos > 0) {
                size_t n = (size_t)snprintf(fraction, sizeof fraction, ".%09u",
                                            (unsigned)timestamp->nanos);

                while (n > 0 && fraction[n - 1] == '0')
                        fraction[--n] = 0;
        }
        if (minutes > 0)
                snprintf(zone, sizeof zone, "%c%02d:%02d", timestamp->zone < 0 ? '-' : '+',
                         minutes / 60, minutes % 60);
        return arena_printf(arena, "%04lld-%02d-%02dT%02d:%02d:%02d%s%s", (long long)date.year,
                            date.month, date.day, date.seconds / 3600, date.seconds / 60 % 60,
                            date.seconds % 60, fraction, zone);
}

/* --- durations --- */

/* Takes the name of a unit off TEXT: everything up to the next digit or point. */
static uint64_t take_unit(struct str *text) {
        static const struct {
                struct str name;
                uint64_t nanoseconds;
        } units[] = {
                { STR_INIT("ns"), 1 },
                { STR_INIT("us"), 1000 },
                { STR_INIT("\u00b5s"), 1000 }, /* micro sign */
                { STR_INIT("\u03bcs"), 1000 }, /* Greek mu */
                { STR_INIT("ms"), 1000 * 1000 },
                { STR_INIT("s"), CEL_NANOS },
                { STR_INIT("m"), UINT64_C(60) * CEL_NANOS },
                { STR_INIT("h"), UINT64_C(3600) * CEL_NANOS },
        };
        struct str name;
        size_t n = 0;

        while (n < text->len && text->ptr[n] != '.' && !isdigit((unsigned char)text->ptr[n]))
                n++;
        name = str_slice(*text, 0, n);
        *text = str_slice(*text, n, text->len);
        for (size_t i = 0; i < ELEMENTS(units); i++)
                if (str_eq(name, units[i].name))
                        return units[i].nanoseconds;
        return 0;
}

#define DURATION_MAX (UINT64_C(1) << 63)

/* Takes digits off TEXT into *RET; false where there are too many. */
static bool take_digits(struct str *text, uint64_t *ret, size_t *ret_count) {
        size_t n = 0;

        *ret = 0;
        for (; n < text->len && isdigit((unsigned char)text->ptr[n]); n++) {
                if (*ret > DURATION_MAX / 10)
                        return false;
                *ret = *ret * 10 + (uint64_t)(text->ptr[n] - '0');
                if (*ret > DURATION_MAX)
                        return false;
        }
        *ret_count = n;
        *text = str_slice(*text, n, text->len);
        return true;
}

/* The same behind a decimal point: digits that do not fit are dropped. */
static void take_decimals(struct str *text, uint64_t *ret, double *ret_scale, size_t *ret_count) {
        bool full = false;
        size_t n = 0;

        *ret = 0;
        *ret_scale = 1;
        for (; n < text->len && isdigit((unsigned char)text->ptr[n]); n++) {
                uint64_t next;

                full = full || *ret > (DURATION_MAX - 1) / 10;
                if (full)
                        continue;
                next = *ret * 10 + (uint64_t)(text->ptr[n] - '0');
                if (next > DURATION_MAX) {
                        full = true;
                        continue;
                }
                *ret = next;
                *ret_scale *= 10;
        }
        *ret_count = n;
        *text = str_slice(*text, n, text->len);
}

/* One "1.5h" of a duration, in nanoseconds. */
static bool take_part(struct str *text, uint64_t *ret) {
        uint64_t whole, decimals = 0, unit;
        size_t whole_count, decimal_count = 0;
        double scale = 1;

        if (!take_digits(text, &whole, &whole_count))
                return false;
        if (take_char(text, '.'))
                take_decimals(text, &decimals, &scale, &decimal_count);
        if (whole_count + decimal_count == 0)
                return false;
        unit = take_unit(text);
        if (unit == 0 || whole > DURATION_MAX / unit)
                return false;
        *ret = whole * unit;
        if (decimals > 0) {
                *ret += (uint64_t)((double)decimals * ((double)unit / scale));
                if (*ret > DURATION_MAX)
                        return false;
        }
        return true;
}

int cel_duration_parse(struct str text, int64_t *ret) {
        bool negative = take_char(&text, '-');
        uint64_t total = 0, part;

        if (!negative)
                take_char(&text, '+');
        if (str_eq(text, STR("0"))) {
                *ret = 0;
                return 0;
        }
        if (text.len == 0)
                return -EINVAL;
        while (text.len > 0) {
                if (!take_part(&text, &part))
                        return -EINVAL;
                total += part; /* both are at most 2^63 */
                if (total > DURATION_MAX)
                        return -EINVAL;
        }
        if (total == DURATION_MAX && !negative)
                return -EINVAL;
        *ret = negative ? (int64_t)(0 - total) : (int64_t)total;
        return 0;
}

/* Go computes with doubles here, and rounds as they do. */
static double duration_in(int64_t nanoseconds, int64_t unit) {
        int64_t whole = nanoseconds / unit, rest = nanoseconds % unit;

        return (double)whole + (double)rest / (double)unit;
}

struct str cel_duration_text(struct arena *arena, int64_t nanoseconds) {
        struct str seconds = cel_double_plain(arena, duration_in(nanoseconds, CEL_NANOS));

        return arena_printf(arena, "%.*ss", STR_ARG(seconds));
}

/* --- accessors --- */

/* Reads "+hh:mm" as Go's strconv.Atoi reads its halves: there is no check of the range. */
static struct cel_value fixed_offset(struct cel_context *context, struct str zone, size_t colon) {
        struct str halves[2] = { str_slice(zone, 0, colon), str_slice(zone, colon + 1, zone.len) };
        int64_t numbers[2], minutes;

        for (size_t i = 0; i < 2; i++) {
                int r = cel_int_parse(halves[i], &numbers[i]);

                if (r == 0 && (numbers[i] > INT32_MAX || numbers[i] < INT32_MIN))
                        r = -ERANGE;
                if (r < 0)
                        return cel_error(context->scratch, "strconv.Atoi: parsing %.*s: %s",
                                         STR_ARG(cel_quote(context->scratch, halves[i])),
                                         r == -ERANGE ? "value out of range" : "invalid syntax");
        }
        minutes = numbers[0] * 60;
        minutes += zone.ptr[0] == '-' ? -numbers[1] : numbers[1];
        return cel_int(minutes * 60);
}

/* The offset of ZONE at SECONDS: an int, or an error. */
static struct cel_value zone_offset(struct cel_context *context, struct str zone, int64_t seconds) {
        ptrdiff_t colon = str_find(zone, STR(":"), 0);
        int32_t offset;

        if (colon >= 0)
                return fixed_offset(context, zone, (size_t)colon);
        /* "Local" is the zone of the machine; API servers run in UTC. */
        if (zone.len == 0 || str_eq(zone, STR("UTC")) || str_eq(zone, STR("Local")))
                return cel_int(0);
        if (str_find(zone, STR(".."), 0) >= 0 || zone.ptr[0] == '/' || zone.ptr[0] == '\\')
                return cel_error(context->scratch, "time: invalid location name");
        if (cel_zone_offset(zone, seconds, &offset) < 0)
                return cel_error(context->scratch, "unknown time zone %.*s", STR_ARG(zone));
        return cel_int(offset);
}

enum field { YEAR, MONTH, YEAR_DAY, MONTH_DAY, DATE, WEEKDAY, HOURS, MINUTES, SECONDS };

/* FIELD of the timestamp in the zone of the second argument, or UTC. */
static struct cel_value date_field(struct cel_context *context, const struct cel_value *args,
                                   size_t count, enum field field) {
        struct cel_value offset = cel_int(0);
        struct cel_date date;

        if (count > 1)
                offset = zone_offset(context, args[1].string, args[0].integer);
        if (cel_is_error(&offset))
                return offset;
        date = cel_date_from_seconds(args[0].integer + offset.integer);
        switch (field) {
        case YEAR:
                return cel_int(date.year);
        case MONTH:
                return cel_int(date.month - 1);
        case YEAR_DAY:
                return cel_int(date.year_day);
        case MONTH_DAY:
                return cel_int(date.day - 1);
        case DATE:
                return cel_int(date.day);
        case WEEKDAY:
                return cel_int(date.weekday);
        case HOURS:
                return cel_int(date.seconds / 3600);
        case MINUTES:
                return cel_int(date.seconds / 60 % 60);
        case SECONDS:
                break;
        }
        return cel_int(date.seconds % 60);
}

#define DATE_FIELD(name, field)                                                                    \
        static struct cel_value name(struct cel_context *context, const struct cel_value *args,    \
                                     size_t count) {                                               \
                return date_field(context, args, count, field);                                    \
        }

DATE_FIELD(get_full_year, YEAR)
DATE_FIELD(get_month, MONTH)
DATE_FIELD(get_day_of_year, YEAR_DAY)
DATE_FIELD(get_day_of_month, MONTH_DAY)
DATE_FIELD(get_date, DATE)
DATE_FIELD(get_day_of_week, WEEKDAY)
DATE_FIELD(get_hours, HOURS)
DATE_FIELD(get_minutes, MINUTES)
DATE_FIELD(get_seconds, SECONDS)

static struct cel_value get_milliseconds(struct cel_context *context, const struct cel_value *args,
                                         size_t count) {
        struct cel_value offset = cel_int(0);

        if (count > 1)
                offset = zone_offset(context, args[1].string, args[0].integer);
        return cel_is_error(&offset) ? offset : cel_int(args[0].nanos / (1000 * 1000));
}

static struct cel_value duration_hours(_unused_ struct cel_context *context,
                                       const struct cel_value *args, _unused_ size_t count) {
        return cel_int((int64_t)duration_in(args[0].integer, INT64_C(3600) * CEL_NANOS));
}

static struct cel_value duration_minutes(_unused_ struct cel_context *context,
                                         const struct cel_value *args, _unused_ size_t count) {
        return cel_int((int64_t)duration_in(args[0].integer, INT64_C(60) * CEL_NANOS));
}

static struct cel_value duration_seconds(_unused_ struct cel_context *context,
                                         const struct cel_value *args, _unused_ size_t count) {
        return cel_int((int64_t)duration_in(args[0].integer, CEL_NANOS));
}

static struct cel_value duration_milliseconds(_unused_ struct cel_context *context,
                                              const struct cel_value *args, _unused_ size_t count) {
        return cel_int(args[0].integer / (1000 * 1000));
}

static const struct cel_function_row rows[] = {
        { "timestamp.getFullYear() int", get_full_year },
        { "timestamp.getFullYear(string) int", get_full_year },
        { "timestamp.getMonth() int", get_month },
        { "timestamp.getMonth(string) int", get_month },
        { "timestamp.getDayOfYear() int", get_day_of_year },
        { "timestamp.getDayOfYear(string) int", get_day_of_year },
        { "timestamp.getDayOfMonth() int", get_day_of_month },
        { "timestamp.getDayOfMonth(string) int", get_day_of_month },
        { "timestamp.getDate() int", get_date },
        { "timestamp.getDate(string) int", get_date },
        { "timestamp.getDayOfWeek() int", get_day_of_week },
        { "timestamp.getDayOfWeek(string) int", get_day_of_week },
        { "timestamp.getHours() int", get_hours },
        { "timestamp.getHours(string) int", get_hours },
        { "duration.getHours() int", duration_hours },
        { "timestamp.getMinutes() int", get_minutes },
        { "timestamp.getMinutes(string) int", get_minutes },
        { "duration.getMinutes() int", duration_minutes },
        { "timestamp.getSeconds() int", get_seconds },
        { "timestamp.getSeconds(string) int", get_seconds },
        { "duration.getSeconds() int", duration_seconds },
        { "timestamp.getMilliseconds() int", get_milliseconds },
        { "timestamp.getMilliseconds(string) int", get_milliseconds },
        { "duration.getMilliseconds() int", duration_milliseconds },
};

const struct cel_library cel_library_time = { "time", rows, ELEMENTS(rows) };
