/**
 * @file
 * Time: nanoseconds since 1970-01-01T00:00:00 UTC, in 64 bits (until the year 2262).
 */
#ifndef TRADING_TIME_H
#define TRADING_TIME_H

#include <trading/error.h>

TRADING_EXTERN_C_BEGIN

/** Nanoseconds UTC since 1970. */
typedef int64_t trading_time;

#define TRADING_NANOSECONDS_PER_SECOND INT64_C(1000000000)
/** Bytes that hold any time as text and its NUL. */
#define TRADING_TIME_TEXT 36

/**
 * Writes a time as RFC 3339 in UTC, with as many decimals of a second as are needed: "2013-03-01T14:30:00Z".
 * @param buffer  receives the text and a NUL; TRADING_TIME_TEXT bytes
 * @return the length without the NUL. Any thread.
 */
TRADING_API size_t trading_time_format(trading_time time, char *buffer);

/**
 * Reads a time: RFC 3339 ("2013-03-01T14:30:00.5Z", an offset such as +01:00 is accepted), or a date alone, which means its
 * first instant in UTC. More than nine decimals of a second are refused, since nothing is rounded in silence, and so is a
 * leap second (":60"), for which the count has no place.
 * @return TRADING_OK, TRADING_E_SYNTAX, or TRADING_E_OVERFLOW outside of 1970 to 2262 (time untouched). Any thread.
 */
TRADING_API int32_t trading_time_parse(const char *text, size_t length, trading_time *time);

TRADING_EXTERN_C_END

#endif
