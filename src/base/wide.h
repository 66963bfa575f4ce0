/* Exact arithmetic in 128 bits for what passes through more than a decimal holds: products, shares, and sums over a whole system.
 * 128-bit integers stay inside the library; the public API has none. */
#ifndef BASE_WIDE_H
#define BASE_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trading/decimal.h>

/* Bytes that hold any __int128 count of millionths as text, and its NUL. */
#define WIDE_TEXT 48

/* The count as a decimal; false, and `narrow` untouched, outside of TRADING_DECIMAL_MIN to _MAX. INT64_MIN is outside, so that
 * negating a decimal never overflows. */
static inline bool wide_narrow(__int128 value, int64_t *narrow)
{
    if (value < TRADING_DECIMAL_MIN || value > TRADING_DECIMAL_MAX)
        return false;
    *narrow = (int64_t)value;
    return true;
}

/* What a quotient that was cut off towards zero lacks to be rounded half to even: 0, or 1 away from zero. */
static inline int wide_carry(bool odd, int64_t remainder, int64_t divisor)
{
    uint64_t cut = remainder < 0 ? -(uint64_t)remainder : (uint64_t)remainder;
    uint64_t rest = (divisor < 0 ? -(uint64_t)divisor : (uint64_t)divisor) - cut;
    if (cut != rest)
        return cut > rest;
    return odd;
}

/* wide_round for any numerator; call wide_round. */
__int128 wide_round_long(__int128 numerator, int64_t divisor);

/* numerator ÷ divisor, rounded half to even. The divisor is not zero, the numerator not the least of all (−2¹²⁷), which no sum or
 * product of decimals reaches. Most amounts fit 64 bits, where dividing is several times faster. */
static inline __int128 wide_round(__int128 numerator, int64_t divisor)
{
    int64_t dividend;
    if (!wide_narrow(numerator, &dividend))
        return wide_round_long(numerator, divisor);
    int64_t quotient = dividend / divisor;
    int carry = wide_carry(quotient & 1, dividend % divisor, divisor);
    return (__int128)quotient + ((dividend < 0) == (divisor < 0) ? carry : -carry);
}

/* a × b, exactly: a count of 10⁻¹². Sums of such products round once, at their end. */
static inline __int128 wide_product(trading_decimal a, trading_decimal b)
{
    return (__int128)a * b;
}

/* A count of 10⁻¹² rounded half to even to a decimal; false when it does not fit. */
static inline bool wide_product_round(__int128 product, trading_decimal *result)
{
    return wide_narrow(wide_round(product, TRADING_DECIMAL_ONE), result);
}

/* total × part ÷ whole, rounded half to even, as the cost of part of a lot is. False when `whole` is zero or the share does not fit,
 * which cannot happen while part ≤ whole. */
static inline bool decimal_share(trading_decimal total, trading_decimal part, trading_decimal whole, trading_decimal *share)
{
    return whole != 0 && wide_narrow(wide_round(wide_product(total, part), whole), share);
}

/* Writes a count of millionths as trading_decimal_format does; `buffer` has WIDE_TEXT bytes, of which a count that fits 64 bits
 * uses TRADING_DECIMAL_TEXT at most. */
size_t wide_format(__int128 count, int32_t least_decimals, char *buffer);

#endif
