#include "cel/calendar.h"

/* Days before each month of a year that has no leap day. */
static const int month_starts[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };

enum { DAYS_IN_400_YEARS = 146097, EPOCH_DAY = 719162 /* 1970-01-01 since 0001-01-01 */ };

static int64_t floor_div(int64_t a, int64_t b) {
        return a / b - (a % b < 0);
}

bool cel_is_leap(int64_t year) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int cel_month_days(int64_t year, int month) {
        return month_starts[month] - month_starts[month - 1] + (month == 2 && cel_is_leap(year));
}

/* Days from 0001-01-01 to the first of January of YEAR. */
static int64_t days_before_year(int64_t year) {
        int64_t before = year - 1;

        return 365 * before + floor_div(before, 4) - floor_div(before, 100) +
               floor_div(before, 400);
}

int64_t cel_days_from_date(int64_t year, int month, int day) {
        return days_before_year(year) - EPOCH_DAY + month_starts[month - 1] +
               (month > 2 && cel_is_leap(year)) + day - 1;
}

int cel_weekday(int64_t days) {
        int weekday = (int)((days + 4) % 7); /* 1970-01-01 was a Thursday */

        return weekday < 0 ? weekday + 7 : weekday;
}

struct cel_date cel_date_from_seconds(int64_t seconds) {
        int64_t days = floor_div(seconds, CEL_DAY_SECONDS), since = days + EPOCH_DAY;
        int64_t year = floor_div(since * 400, DAYS_IN_400_YEARS) + 1;
        struct cel_date date = { .seconds = (int32_t)(seconds - days * CEL_DAY_SECONDS) };

        /* The guess is off by at most one year. */
        while (days_before_year(year) > since)
                year--;
        while (days_before_year(year + 1) <= since)
                year++;
        date.year = year;
        date.year_day = (int)(since - days_before_year(year));
        date.month = 1;
        while (date.month < 12 &&
               date.year_day >= month_starts[date.month] + (date.month >= 2 && cel_is_leap(year)))
                date.month++;
        date.day = date.year_day - month_starts[date.month - 1] -
                   (date.month > 2 && cel_is_leap(year)) + 1;
        date.weekday = cel_weekday(days);
        return date;
}
