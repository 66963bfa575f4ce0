#include "base/wide.h"

/* Digits of the whole part above this are only counted as too many. */
#define WHOLE_LIMIT UINT64_C(100000000000000000)

static int is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Reads digits into `whole`, which stays above WHOLE_LIMIT once it is; returns where they end. */
static const char *read_whole(const char *at, const char *end, uint64_t *whole)
{
    uint64_t value = 0;
    for (; at < end && is_digit(*at); at++) {
        if (value <= WHOLE_LIMIT)
            value = value * 10 + (uint64_t)(*at - '0');
    }
    *whole = value;
    return at;
}

/* Reads up to six digits as millionths; returns where they end. */
static const char *read_millionths(const char *at, const char *end, uint64_t *millionths)
{
    uint64_t value = 0;
    uint64_t weight = TRADING_DECIMAL_ONE;
    for (; at < end && is_digit(*at) && weight > 1; at++) {
        weight /= 10;
        value += weight * (uint64_t)(*at - '0');
    }
    *millionths = value;
    return at;
}

int32_t trading_decimal_parse(const char *text, size_t length, trading_decimal *value)
{
    if (!text || !length)
        return TRADING_E_SYNTAX;
    const char *at = text;
    const char *end = text + length;
    int negative = *at == '-';
    if (negative || *at == '+')
        at++;
    const char *digits = at;
    uint64_t whole;
    uint64_t millionths = 0;
    at = read_whole(at, end, &whole);
    if (at == digits)
        return TRADING_E_SYNTAX;
    if (at < end && *at == '.') {
        digits = ++at;
        at = read_millionths(at, end, &millionths);
        if (at == digits)
            return TRADING_E_SYNTAX;
    }
    if (at != end)
        return TRADING_E_SYNTAX;
    if (whole > TRADING_DECIMAL_MAX / TRADING_DECIMAL_ONE)
        return TRADING_E_OVERFLOW;
    uint64_t count = whole * TRADING_DECIMAL_ONE + millionths;
    if (count > TRADING_DECIMAL_MAX)
        return TRADING_E_OVERFLOW;
    *value = negative ? -(int64_t)count : (int64_t)count;
    return TRADING_OK;
}

size_t trading_decimal_format(trading_decimal value, int32_t least_decimals, char *buffer)
{
    return wide_format(value, least_decimals, buffer);
}

int32_t trading_decimal_add(trading_decimal a, trading_decimal b, trading_decimal *result)
{
    return wide_narrow((__int128)a + b, result) ? TRADING_OK : TRADING_E_OVERFLOW;
}

int32_t trading_decimal_subtract(trading_decimal a, trading_decimal b, trading_decimal *result)
{
    return wide_narrow((__int128)a - b, result) ? TRADING_OK : TRADING_E_OVERFLOW;
}

int32_t trading_decimal_multiply(trading_decimal a, trading_decimal b, trading_decimal *result)
{
    return wide_product_round(wide_product(a, b), result) ? TRADING_OK : TRADING_E_OVERFLOW;
}

int32_t trading_decimal_divide(trading_decimal a, trading_decimal b, trading_decimal *result)
{
    if (!b)
        return TRADING_E_INVALID;
    return decimal_share(a, TRADING_DECIMAL_ONE, b, result) ? TRADING_OK : TRADING_E_OVERFLOW;
}
