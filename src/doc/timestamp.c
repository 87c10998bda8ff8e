#include "doc/timestamp.h"

/* A number of one or two digits at *AT, or exactly two with FIXED. Returns -1 where there is none.
 */
static int read_number(struct str text, size_t *at, bool fixed) {
        int value = 0;
        size_t digits = 0;

        while (digits < 2 && *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9') {
                value = value * 10 + (text.ptr[(*at)++] - '0');
                digits++;
        }
        return digits < (fixed ? 2 : 1) ? -1 : value;
}

static bool skip_char(struct str text, size_t *at, char c) {
        if (*at >= text.len || text.ptr[*at] != c)
                return false;
        (*at)++;
        return true;
}

static int days_in_month(int year, int month) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        return days[month - 1] + (month == 2 && leap);
}

static bool read_date(struct str text, size_t *at) {
        int year = 0, month, day;

        for (; *at < 4; (*at)++) {
                if (*at >= text.len || text.ptr[*at] < '0' || text.ptr[*at] > '9')
                        return false;
                year = year * 10 + (text.ptr[*at] - '0');
        }
        if (!skip_char(text, at, '-'))
                return false;
        month = read_number(text, at, false);
        if (month < 1 || month > 12 || !skip_char(text, at, '-'))
                return false;
        day = read_number(text, at, false);
        return day >= 1 && day <= days_in_month(year, month);
}

/* hours:minutes:seconds, and a fraction of a second behind a point or comma. */
static bool read_time(struct str text, size_t *at) {
        int hour, minute, second;

        hour = read_number(text, at, false);
        if (hour < 0 || hour > 23 || !skip_char(text, at, ':'))
                return false;
        minute = read_number(text, at, false);
        if (minute < 0 || minute > 59 || !skip_char(text, at, ':'))
                return false;
        second = read_number(text, at, false);
        if (second < 0 || second > 59)
                return false;
        if (*at + 1 < text.len && (text.ptr[*at] == '.' || text.ptr[*at] == ',') &&
            text.ptr[*at + 1] >= '0' && text.ptr[*at + 1] <= '9')
                for (++*at; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9'; ++*at)
                        ;
        return true;
}

/* Z, or +hh:mm with up to 24 hours and 60 minutes. */
static bool read_zone(struct str text, size_t *at) {
        int hours, minutes;

        if (skip_char(text, at, 'Z'))
                return true;
        if (!skip_char(text, at, '+') && !skip_char(text, at, '-'))
                return false;
        hours = read_number(text, at, true);
        if (hours < 0 || hours > 24 || !skip_char(text, at, ':'))
                return false;
        minutes = read_number(text, at, true);
        return minutes >= 0 && minutes <= 60;
}

bool timestamp_valid(struct str text) {
        size_t at = 0;

        if (!read_date(text, &at))
                return false;
        if (at == text.len)
                return true;
        if (skip_char(text, &at, 'T') || skip_char(text, &at, 't'))
                return read_time(text, &at) && read_zone(text, &at) && at == text.len;
        if (!skip_char(text, &at, ' '))
                return false;
        while (skip_char(text, &at, ' '))
                ;
        return read_time(text, &at) && at == text.len;
}
