#include "base/wide.h"

#include <string.h>

__int128 wide_round_long(__int128 numerator, int64_t divisor)
{
    __int128 quotient = numerator / divisor;
    int64_t remainder = (int64_t)(numerator - quotient * divisor);
    int carry = wide_carry(quotient & 1, remainder, divisor);
    return quotient + ((numerator < 0) == (divisor < 0) ? carry : -carry);
}

/* The functions below write backwards: each puts its characters before `at` and returns where they begin. */

static char *put_digits(char *at, uint64_t value, int least_digits)
{
    for (; value || least_digits > 0; least_digits--) {
        *--at = (char)('0' + value % 10);
        value /= 10;
    }
    return at;
}

static char *put_whole(char *at, unsigned __int128 whole)
{
    const uint64_t chunk = UINT64_C(1000000000000000000);
    while (whole > UINT64_MAX) {
        at = put_digits(at, (uint64_t)(whole % chunk), 18);
        whole /= chunk;
    }
    return put_digits(at, (uint64_t)whole, 1);
}

static char *put_fraction(char *at, uint32_t millionths, int32_t least_decimals)
{
    int32_t decimals = 6;
    while (decimals > 0 && decimals > least_decimals && millionths % 10 == 0) {
        millionths /= 10;
        decimals--;
    }
    if (!decimals)
        return at;
    at = put_digits(at, millionths, decimals);
    *--at = '.';
    return at;
}

size_t wide_format(__int128 count, int32_t least_decimals, char *buffer)
{
    char text[WIDE_TEXT];
    char *end = text + sizeof text;
    unsigned __int128 magnitude = count < 0 ? -(unsigned __int128)count : (unsigned __int128)count;
    char *at;
    if (magnitude <= UINT64_MAX) { /* dividing 64 bits by a constant is several times faster */
        uint64_t small = (uint64_t)magnitude;
        at = put_fraction(end, (uint32_t)(small % TRADING_DECIMAL_ONE), least_decimals);
        at = put_digits(at, small / TRADING_DECIMAL_ONE, 1);
    } else {
        at = put_fraction(end, (uint32_t)(magnitude % TRADING_DECIMAL_ONE), least_decimals);
        at = put_whole(at, magnitude / TRADING_DECIMAL_ONE);
    }
    if (count < 0)
        *--at = '-';
    size_t length = (size_t)(end - at);
    memcpy(buffer, at, length);
    buffer[length] = '\0';
    return length;
}
