/**
 * @file
 * Exact decimals: money, prices and quantities alike are a count of millionths in 64 bits.
 *
 * The range is ±9,223,372,036,854.775807. There is no rounding but where a function says so, and overflow is an error.
 */
#ifndef TRADING_DECIMAL_H
#define TRADING_DECIMAL_H

#include <trading/error.h>

TRADING_EXTERN_C_BEGIN

/** A count of 10⁻⁶: 1 is 0.000001, TRADING_DECIMAL_ONE is 1. */
typedef int64_t trading_decimal;

#define TRADING_DECIMAL_ONE INT64_C(1000000)
#define TRADING_DECIMAL_MAX INT64_MAX
#define TRADING_DECIMAL_MIN (-INT64_MAX)
/** Bytes that hold any formatted decimal and its NUL. */
#define TRADING_DECIMAL_TEXT 24

/**
 * Reads a decimal: an optional sign, digits, and optionally a point and 1 to 6 digits: "-12", "0.25", "1234.500000".
 * No exponent, no spaces, no separators, no missing digits around the point. More than six decimals are refused even if zero
 * would not change the value, so that nothing is ever rounded in silence.
 *
 * @param text    the characters; need not be NUL-terminated
 * @param length  how many
 * @param value   receives the decimal; untouched on failure
 * @return TRADING_OK, TRADING_E_SYNTAX, or TRADING_E_OVERFLOW when it is a number but out of range. Any thread.
 */
TRADING_API int32_t trading_decimal_parse(const char *text, size_t length, trading_decimal *value);

/**
 * Writes a decimal with as few decimals as say it exactly, but at least `least_decimals` (0 to 6): 1.5 with 2 gives "1.50".
 * @param buffer  receives the text and a NUL; TRADING_DECIMAL_TEXT bytes
 * @return the length without the NUL. Any thread.
 */
TRADING_API size_t trading_decimal_format(trading_decimal value, int32_t least_decimals, char *buffer);

/** a + b. @return TRADING_OK or TRADING_E_OVERFLOW (result untouched). Any thread. */
TRADING_API int32_t trading_decimal_add(trading_decimal a, trading_decimal b, trading_decimal *result);

/** a − b. @return TRADING_OK or TRADING_E_OVERFLOW (result untouched). Any thread. */
TRADING_API int32_t trading_decimal_subtract(trading_decimal a, trading_decimal b, trading_decimal *result);

/** a × b through 128 bits, rounded half to even to a millionth. @return TRADING_OK or TRADING_E_OVERFLOW. Any thread. */
TRADING_API int32_t trading_decimal_multiply(trading_decimal a, trading_decimal b, trading_decimal *result);

/** a ÷ b through 128 bits, rounded half to even to a millionth. @return TRADING_OK, TRADING_E_INVALID when b is zero, or
 *  TRADING_E_OVERFLOW. Any thread. */
TRADING_API int32_t trading_decimal_divide(trading_decimal a, trading_decimal b, trading_decimal *result);

/**
 * How many decimals a currency's minor unit has (ISO 4217): 2 for USD, 0 for JPY, 3 for KWD.
 * @return 0 to 6, or −1 when the code is not a currency that the library knows. Any thread.
 */
TRADING_API int32_t trading_currency_decimals(const trading_currency *currency);

TRADING_EXTERN_C_END

#endif
