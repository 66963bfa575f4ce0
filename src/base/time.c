#include <stdbool.h>
#include <string.h>

#include <trading/time.h>

#define SECONDS_PER_DAY   INT64_C(86400)
#define NANOSECOND_DIGITS 9

/* The proleptic Gregorian calendar. Years are counted from March, so that the leap day is a year's last, and in eras of 400 years,
 * which all have the same number of days. */
#define DAYS_PER_ERA      INT64_C(146097)
#define DAYS_FROM_0_03_01 INT64_C(719468) /* from 0000-03-01 to 1970-01-01 */

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days of a March year before the first of its month: 0 for March, 306 for January. */
static int64_t days_before_month(int64_t month_from_march)
{
    return (153 * month_from_march + 2) / 5;
}

/* Days from 1970-01-01; years from 0 on. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t days = days_before_month(month > 2 ? month - 3 : month + 9) + day - 1;
    /* One era more keeps year −1, where January of year 0 lies, out of the divisions below zero. */
    int64_t years = march_year + 400;
    return 365 * years + years / 4 - years / 100 + years / 400 + days - DAYS_PER_ERA - DAYS_FROM_0_03_01;
}

static void date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t from_start = days + DAYS_FROM_0_03_01;
    int64_t era = from_start / DAYS_PER_ERA;
    int64_t in_era = from_start % DAYS_PER_ERA;
    /* Take out the leap days that passed, then every year has 365. */
    int64_t march_year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * march_year + march_year / 4 - march_year / 100);
    int64_t month_from_march = (5 * in_year + 2) / 153;
    *day = in_year - days_before_month(month_from_march) + 1;
    *month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *year = era * 400 + march_year + (*month <= 2);
}

static char *put(char *at, int64_t value, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    at[digits] = after;
    return at + digits + 1;
}

size_t trading_time_format(trading_time time, char *buffer)
{
    int64_t nanoseconds = time % TRADING_NANOSECONDS_PER_SECOND;
    int64_t seconds = time / TRADING_NANOSECONDS_PER_SECOND;
    if (nanoseconds < 0) {
        nanoseconds += TRADING_NANOSECONDS_PER_SECOND;
        seconds--;
    }
    int64_t days = seconds / SECONDS_PER_DAY;
    int64_t second = seconds % SECONDS_PER_DAY;
    if (second < 0) {
        second += SECONDS_PER_DAY;
        days--;
    }
    int64_t year;
    int64_t month;
    int64_t day;
    date_from_days(days, &year, &month, &day);
    char *at = put(buffer, year, 4, '-');
    at = put(at, month, 2, '-');
    at = put(at, day, 2, 'T');
    at = put(at, second / 3600, 2, ':');
    at = put(at, second / 60 % 60, 2, ':');
    at = put(at, second % 60, 2, 'Z');
    if (nanoseconds) {
        int digits = NANOSECOND_DIGITS;
        for (; nanoseconds % 10 == 0; nanoseconds /= 10)
            digits--;
        at[-1] = '.';
        at = put(at, nanoseconds, digits, 'Z');
    }
    *at = '\0';
    return (size_t)(at - buffer);
}

/* Text that is read from front to back; once something is not as expected, it stays bad. */
struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

static bool next_is(const struct cursor *cursor, char expected)
{
    return cursor->at < cursor->end && *cursor->at == expected;
}

static bool next_is_digit(const struct cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

/* RFC 3339 lets the letters T and Z be lower case; `other` is the other form of what is expected. */
static void expect(struct cursor *cursor, char expected, char other)
{
    if (next_is(cursor, expected) || next_is(cursor, other))
        cursor->at++;
    else
        cursor->bad = true;
}

/* Exactly so many digits, and a value in range. */
static int64_t expect_number(struct cursor *cursor, int digits, int64_t least, int64_t most)
{
    int64_t value = 0;
    for (int i = 0; i < digits; i++) {
        if (!next_is_digit(cursor)) {
            cursor->bad = true;
            return least;
        }
        value = value * 10 + (*cursor->at++ - '0');
    }
    if (value >= least && value <= most)
        return value;
    cursor->bad = true;
    return least;
}

/* Days from 1970. */
static int64_t expect_date(struct cursor *cursor)
{
    int64_t year = expect_number(cursor, 4, 0, 9999);
    expect(cursor, '-', '-');
    int64_t month = expect_number(cursor, 2, 1, 12);
    expect(cursor, '-', '-');
    int64_t day = expect_number(cursor, 2, 1, days_in_month(year, month));
    return days_from_date(year, month, day);
}

/* Seconds; the limits of a time of day are those of an offset too. */
static int64_t expect_hour_and_minute(struct cursor *cursor)
{
    int64_t hour = expect_number(cursor, 2, 0, 23);
    expect(cursor, ':', ':');
    return hour * 3600 + expect_number(cursor, 2, 0, 59) * 60;
}

static int64_t expect_fraction(struct cursor *cursor)
{
    int64_t nanoseconds = 0;
    int digits = 0;
    cursor->at++;
    for (; next_is_digit(cursor) && digits < NANOSECOND_DIGITS; digits++)
        nanoseconds = nanoseconds * 10 + (*cursor->at++ - '0');
    if (!digits)
        cursor->bad = true;
    for (; digits < NANOSECOND_DIGITS; digits++)
        nanoseconds *= 10;
    return nanoseconds;
}

/* Seconds east of Greenwich. */
static int64_t expect_offset(struct cursor *cursor)
{
    bool east = next_is(cursor, '+');
    if (!east && !next_is(cursor, '-')) {
        expect(cursor, 'Z', 'z');
        return 0;
    }
    cursor->at++;
    int64_t seconds = expect_hour_and_minute(cursor);
    return east ? seconds : -seconds;
}

int32_t trading_time_parse(const char *text, size_t length, trading_time *time)
{
    if (!text || !length)
        return TRADING_E_SYNTAX;
    struct cursor cursor = {.at = text, .end = text + length};
    int64_t nanoseconds = 0;
    int64_t seconds = expect_date(&cursor) * SECONDS_PER_DAY;
    if (cursor.at < cursor.end) {
        expect(&cursor, 'T', 't');
        seconds += expect_hour_and_minute(&cursor);
        expect(&cursor, ':', ':');
        seconds += expect_number(&cursor, 2, 0, 59); /* no leap second: the count of nanoseconds has no place for it */
        if (next_is(&cursor, '.'))
            nanoseconds = expect_fraction(&cursor);
        seconds -= expect_offset(&cursor);
    }
    if (cursor.bad || cursor.at != cursor.end)
        return TRADING_E_SYNTAX;
    int64_t total;
    if (seconds < 0 || __builtin_mul_overflow(seconds, TRADING_NANOSECONDS_PER_SECOND, &total) ||
        __builtin_add_overflow(total, nanoseconds, &total))
        return TRADING_E_OVERFLOW;
    *time = total;
    return TRADING_OK;
}
