#include "cel/timezone.h"

#include <ctype.h>
#include <errno.h>

#include "base/util.h"
#include "cel/calendar.h"

enum { OFFSETS_MAX = 32 };

static uint64_t read_unsigned(size_t *at) {
        uint64_t number = 0;
        unsigned shift = 0;
        uint8_t byte;

        do {
                byte = cel_zone_data[(*at)++];
                number |= (uint64_t)(byte & 0x7f) << shift;
                shift += 7;
        } while (byte & 0x80);
        return number;
}

static int64_t read_signed(size_t *at) {
        uint64_t number = read_unsigned(at);

        return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

/* --- the rule for the years after the last change: POSIX TZ, as RFC 8536 section 3.3.1 extends it
 * --
 */

struct rule_date {
        char kind; /* M: month, week, weekday; J: day 1..365 without leap days; N: day 0..365 */
        int parts[3];
        int32_t time; /* seconds of that day, may be negative or beyond it */
};

struct rule {
        int32_t standard, daylight; /* seconds east of UTC */
        bool has_daylight;
        struct rule_date start, end;
};

static void rule_skip_name(struct str *text) {
        size_t at = 0;

        if (text->len > 0 && text->ptr[0] == '<') {
                while (at < text->len && text->ptr[at] != '>')
                        at++;
                at++;
        } else {
                while (at < text->len && isalpha((unsigned char)text->ptr[at]))
                        at++;
        }
        *text = str_slice(*text, at, text->len);
}

static bool rule_take(struct str *text, char c) {
        if (text->len == 0 || text->ptr[0] != c)
                return false;
        *text = str_slice(*text, 1, text->len);
        return true;
}

static int rule_number(struct str *text) {
        int number = 0;

        while (text->len > 0 && isdigit((unsigned char)text->ptr[0]) && number < 100000) {
                number = number * 10 + (text->ptr[0] - '0');
                *text = str_slice(*text, 1, text->len);
        }
        return number;
}

/* [+-]hh[:mm[:ss]] */
static int32_t rule_clock(struct str *text) {
        bool negative = rule_take(text, '-');
        int32_t seconds;

        if (!negative)
                rule_take(text, '+');
        seconds = rule_number(text) * 3600;
        if (rule_take(text, ':'))
                seconds += rule_number(text) * 60;
        if (rule_take(text, ':'))
                seconds += rule_number(text);
        return negative ? -seconds : seconds;
}

static struct rule_date rule_date(struct str *text) {
        struct rule_date date = { .kind = 'N', .time = 2 * 3600 };

        rule_take(text, ',');
        if (rule_take(text, 'M'))
                date.kind = 'M';
        else if (rule_take(text, 'J'))
                date.kind = 'J';
        date.parts[0] = rule_number(text);
        for (size_t i = 1; i < ELEMENTS(date.parts) && rule_take(text, '.'); i++)
                date.parts[i] = rule_number(text);
        if (rule_take(text, '/'))
                date.time = rule_clock(text);
        return date;
}

static struct rule rule_parse(struct str text) {
        struct rule rule = { 0 };

        rule_skip_name(&text);
        rule.standard = -rule_clock(&text);
        if (text.len == 0)
                return rule;
        rule.has_daylight = true;
        rule_skip_name(&text);
        rule.daylight = rule.standard + 3600;
        if (text.len > 0 && text.ptr[0] != ',')
                rule.daylight = -rule_clock(&text);
        rule.start = rule_date(&text);
        rule.end = rule_date(&text);
        return rule;
}

/* The day of YEAR that DATE falls on, since 1970. */
static int64_t rule_day(const struct rule_date *date, int64_t year) {
        int64_t first, day;
        int weekday;

        if (date->kind == 'N')
                return cel_days_from_date(year, 1, 1) + date->parts[0];
        if (date->kind == 'J')
                return cel_days_from_date(year, 1, 1) + date->parts[0] - 1 +
                       (cel_is_leap(year) && date->parts[0] >= 60);
        first = cel_days_from_date(year, date->parts[0], 1);
        weekday = cel_weekday(first);
        day = first + (date->parts[2] - weekday + 7) % 7 + 7 * (date->parts[1] - 1);
        while (day >= first + cel_month_days(year, date->parts[0]))
                day -= 7;
        return day;
}

static int64_t rule_moment(const struct rule_date *date, int64_t year, int32_t offset) {
        return rule_day(date, year) * CEL_DAY_SECONDS + date->time - offset;
}

static int32_t rule_offset(const struct rule *rule, int64_t seconds) {
        struct cel_date date;
        int64_t start, end;

        if (!rule->has_daylight)
                return rule->standard;
        date = cel_date_from_seconds(seconds + rule->standard);
        start = rule_moment(&rule->start, date.year, rule->standard);
        end = rule_moment(&rule->end, date.year, rule->daylight);
        if (start < end)
                return seconds >= start && seconds < end ? rule->daylight : rule->standard;
        return seconds >= end && seconds < start ? rule->standard : rule->daylight;
}

/* --- the tables --- */

static const struct cel_zone_entry *zone_find(struct str name) {
        size_t low = 0, high = cel_zone_count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct cel_zone_entry *entry = &cel_zone_entries[middle];
                int order = str_cmp(name, str_from(cel_zone_names + entry->name));

                if (order == 0)
                        return entry;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

int cel_zone_offset(struct str name, int64_t seconds, int32_t *ret_offset) {
        const struct cel_zone_entry *entry = zone_find(name);
        int32_t offsets[OFFSETS_MAX] = { 0 };
        uint64_t offset_count, change_count, current = 0, rule_length;
        int64_t moment = 0;
        bool after_last = true;
        size_t at;

        if (!entry)
                return -ENOENT;
        at = entry->data;
        offset_count = read_unsigned(&at);
        for (uint64_t i = 0; i < offset_count; i++) {
                int32_t offset = (int32_t)read_signed(&at);

                if (i < OFFSETS_MAX)
                        offsets[i] = offset;
        }
        change_count = read_unsigned(&at);
        for (uint64_t i = 0; i < change_count; i++) {
                uint64_t index;

                moment = i == 0 ? read_signed(&at) : moment + (int64_t)read_unsigned(&at);
                index = read_unsigned(&at);
                if (seconds >= moment)
                        current = index;
                else
                        after_last = false;
        }
        rule_length = read_unsigned(&at);
        if (after_last && rule_length > 0) {
                struct rule rule =
                        rule_parse((struct str){ (const char *)cel_zone_data + at, rule_length });

                *ret_offset = rule_offset(&rule, seconds);
                return 0;
        }
        *ret_offset = offsets[current % OFFSETS_MAX];
        return 0;
}
