#include "base_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <trading/time.h>

#define RANDOM_CASES 100000
#define UNTOUCHED    INT64_C(-77)
#define SECOND       TRADING_NANOSECONDS_PER_SECOND
#define MAY_2013     INT64_C(1367366400) /* 2013-05-01T00:00:00Z */

struct reading {
    const char *text;
    int32_t status;
    trading_time time;
};

static const struct reading readings[] = {
    {"1970-01-01T00:00:00Z", TRADING_OK, 0},
    {"1970-01-01", TRADING_OK, 0},
    {"2013-05-01", TRADING_OK, MAY_2013 *SECOND},
    {"2013-05-01T00:00:01Z", TRADING_OK, (MAY_2013 + 1) * SECOND},
    {"2013-05-01T14:30:00Z", TRADING_OK, (MAY_2013 + 52200) * SECOND},
    {"2013-05-01T23:59:59.999999999Z", TRADING_OK, (MAY_2013 + 86400) * SECOND - 1},
    {"2013-05-01T00:00:00.5Z", TRADING_OK, MAY_2013 *SECOND + SECOND / 2},
    {"2013-05-01T00:00:00.000000001Z", TRADING_OK, MAY_2013 *SECOND + 1},
    {"2013-05-01T00:00:00.100Z", TRADING_OK, MAY_2013 *SECOND + SECOND / 10},
    {"2013-05-01t00:00:00z", TRADING_OK, MAY_2013 *SECOND},
    {"2013-05-01T01:00:00+01:00", TRADING_OK, MAY_2013 *SECOND},
    {"2013-04-30T19:00:00.25-05:00", TRADING_OK, MAY_2013 *SECOND + SECOND / 4},
    {"2013-05-01T05:45:00+05:45", TRADING_OK, MAY_2013 *SECOND},
    {"2013-05-01T00:00:00-00:00", TRADING_OK, MAY_2013 *SECOND},
    {"2013-05-01T23:59:00+23:59", TRADING_OK, MAY_2013 *SECOND},
    {"1969-12-31T23:00:00-01:00", TRADING_OK, 0},
    {"2000-02-29", TRADING_OK, INT64_C(951782400) * SECOND},
    {"2262-04-11T23:47:16.854775807Z", TRADING_OK, INT64_MAX},
    {"2262-04-11T23:47:16.854775808Z", TRADING_E_OVERFLOW, 0},
    {"2262-04-11T23:47:17Z", TRADING_E_OVERFLOW, 0},
    {"2262-04-11T23:47:16.854775807-00:01", TRADING_E_OVERFLOW, 0},
    {"2262-04-12", TRADING_E_OVERFLOW, 0},
    {"9999-12-31T23:59:59.999999999-23:59", TRADING_E_OVERFLOW, 0},
    {"1969-12-31T23:59:59.999999999Z", TRADING_E_OVERFLOW, 0},
    {"1970-01-01T00:00:00+00:01", TRADING_E_OVERFLOW, 0},
    {"1969-12-31", TRADING_E_OVERFLOW, 0},
    {"0000-01-01T00:00:00+23:59", TRADING_E_OVERFLOW, 0},
    {"1677-09-21T00:12:44Z", TRADING_E_OVERFLOW, 0},
    {"2013-02-30", TRADING_E_SYNTAX, 0},
    {"2013-02-29", TRADING_E_SYNTAX, 0},
    {"2100-02-29", TRADING_E_SYNTAX, 0},
    {"2013-04-31T00:00:00Z", TRADING_E_SYNTAX, 0},
    {"2013-00-01", TRADING_E_SYNTAX, 0},
    {"2013-13-01", TRADING_E_SYNTAX, 0},
    {"2013-01-00", TRADING_E_SYNTAX, 0},
    {"2013-01-32", TRADING_E_SYNTAX, 0},
    {"2013-05-01T24:00:00Z", TRADING_E_SYNTAX, 0},
    {"2013-05-01T23:60:00Z", TRADING_E_SYNTAX, 0},
    {"2012-06-30T23:59:60Z", TRADING_E_SYNTAX, 0}, /* a leap second that there was */
    {"2013-05-01T00:00:00+24:00", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00+00:60", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00+0100", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00+01", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00+", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00Z", TRADING_E_SYNTAX, 0},
    {"2013-05-01T", TRADING_E_SYNTAX, 0},
    {"2013-05-01Z", TRADING_E_SYNTAX, 0},
    {"2013-05-01 00:00:00Z", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00.Z", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00.", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00,5Z", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00.0000000000Z", TRADING_E_SYNTAX, 0}, /* ten decimals */
    {"2013-05-01T00:00:00ZZ", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:00Z ", TRADING_E_SYNTAX, 0},
    {" 2013-05-01", TRADING_E_SYNTAX, 0},
    {"2013-5-01", TRADING_E_SYNTAX, 0},
    {"2013-05-1", TRADING_E_SYNTAX, 0},
    {"2013/05/01", TRADING_E_SYNTAX, 0},
    {"20130501", TRADING_E_SYNTAX, 0},
    {"13-05-01", TRADING_E_SYNTAX, 0},
    {"02013-05-01", TRADING_E_SYNTAX, 0},
    {"-2013-05-01", TRADING_E_SYNTAX, 0},
    {"+2013-05-01", TRADING_E_SYNTAX, 0},
    {"2013-05-01T-1:00:00Z", TRADING_E_SYNTAX, 0},
    {"2013-05-01T00:00:0:Z", TRADING_E_SYNTAX, 0},
    {"9999-13-01", TRADING_E_SYNTAX, 0}, /* no date comes before out of range */
    {"", TRADING_E_SYNTAX, 0},
    {"now", TRADING_E_SYNTAX, 0},
};

static void check_reading(const struct reading *reading)
{
    trading_time time = UNTOUCHED;
    int32_t status = trading_time_parse(reading->text, strlen(reading->text), &time);
    trading_time expected = reading->status == TRADING_OK ? reading->time : UNTOUCHED;
    if (status != reading->status || time != expected)
        fail_msg("\"%s\" gave status %d and %lld", reading->text, status, (long long)time);
}

static void parse_follows_rfc_3339(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++)
        check_reading(readings + i);
    trading_time time = UNTOUCHED;
    assert_int_equal(trading_time_parse(NULL, 0, &time), TRADING_E_SYNTAX);
    assert_int_equal(trading_time_parse(NULL, 10, &time), TRADING_E_SYNTAX);
    assert_int_equal(trading_time_parse("2013-05-01T00:00:00Z", 10, &time), TRADING_OK);
    assert_int_equal(time, MAY_2013 * SECOND);
}

/* No beginning of a good text, but for its date, is good. */
static void parse_reads_no_further_than_its_length(void **state)
{
    (void)state;
    const char *text = "2013-05-01T00:00:00.123456789+01:00";
    for (size_t length = 0; length < strlen(text); length++) {
        trading_time time;
        assert_int_equal(trading_time_parse(text, length, &time), length == 10 ? TRADING_OK : TRADING_E_SYNTAX);
    }
}

/* As the C library writes it. */
static void write_with_libc(trading_time time, char *buffer, size_t size)
{
    int64_t nanoseconds = time % SECOND;
    time_t seconds = (time_t)(time / SECOND);
    if (nanoseconds < 0) {
        nanoseconds += SECOND;
        seconds--;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t length = strftime(buffer, size, "%Y-%m-%dT%H:%M:%S", &tm);
    if (nanoseconds) {
        length += (size_t)snprintf(buffer + length, size - length, ".%09lld", (long long)nanoseconds);
        while (buffer[length - 1] == '0')
            length--;
    }
    snprintf(buffer + length, size - length, "Z");
}

static void check_format(trading_time time)
{
    char buffer[TRADING_TIME_TEXT];
    char expected[64];
    memset(buffer, 'x', sizeof buffer);
    write_with_libc(time, expected, sizeof expected);
    assert_int_equal(trading_time_format(time, buffer), strlen(expected));
    assert_string_equal(buffer, expected);
    check_reading(&(struct reading){buffer, time < 0 ? TRADING_E_OVERFLOW : TRADING_OK, time});
}

static void format_agrees_with_libc(void **state)
{
    (void)state;
    static const trading_time times[] = {
        0,
        1,
        -1,
        SECOND,
        -SECOND,
        SECOND - 1,
        100,
        INT64_MAX,
        INT64_MIN,
        INT64_MAX - 1,
        INT64_MIN + 1,
        MAY_2013 * SECOND,
        -86400 * SECOND,
        86400 * SECOND - 1,
        INT64_C(951782400) * SECOND,
        INT64_C(951868800) * SECOND - 1,
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        check_format(times[i]);
    uint64_t seed = 1677;
    for (int i = 0; i < RANDOM_CASES; i++) {
        trading_time time = (trading_time)random_next(&seed);
        static const int64_t units[] = {1, 1000, 1000000, SECOND};
        int64_t unit = units[random_next(&seed) % 4];
        check_format(time / unit * unit);
    }
}

/* Each day from 1970 to 2262, and the days before and after each month's. */
static void every_date_agrees_with_libc(void **state)
{
    (void)state;
    for (int year = 1970; year < 2262; year++) {
        for (int month = 0; month <= 13; month++) {
            for (int day = 0; day <= 32; day++) {
                struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
                time_t seconds = timegm(&tm);
                int exists = tm.tm_year == year - 1900 && tm.tm_mon == month - 1 && tm.tm_mday == day;
                char text[40];
                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
                check_reading(&(struct reading){text, exists ? TRADING_OK : TRADING_E_SYNTAX, seconds * SECOND});
            }
        }
    }
}

int time_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_follows_rfc_3339),
        cmocka_unit_test(parse_reads_no_further_than_its_length),
        cmocka_unit_test(format_agrees_with_libc),
        cmocka_unit_test(every_date_agrees_with_libc),
    };
    return cmocka_run_group_tests_name("base: time", tests, NULL, NULL);
}
