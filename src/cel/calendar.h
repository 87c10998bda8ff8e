/*
 * The proleptic Gregorian calendar: days since 1970-01-01 to dates and back. Private to src/cel.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CEL_DAY_SECONDS INT64_C(86400)

struct cel_date {
        int64_t year;
        int month, day;  /* from 1 */
        int year_day;    /* from 0 */
        int weekday;     /* 0 is Sunday */
        int32_t seconds; /* of the day */
};

bool cel_is_leap(int64_t year);
int cel_month_days(int64_t year, int month);
int64_t cel_days_from_date(int64_t year, int month, int day);
int cel_weekday(int64_t days);
struct cel_date cel_date_from_seconds(int64_t seconds);
