/* Sums: in 128 bits where they are over a whole system or of products, laid out as two halves so that records have a fixed layout;
 * and in the range of a decimal, past which they are refused, or stand still where only a statistic is kept. */
#ifndef BASE_SUM_H
#define BASE_SUM_H

#include <stdbool.h>

#include <trading/decimal.h>

struct wide_sum {
    int64_t high;
    uint64_t low;
};

static inline __int128 wide_sum_get(const struct wide_sum *sum)
{
    return (__int128)(((unsigned __int128)(uint64_t)sum->high << 64) | sum->low);
}

static inline void wide_sum_add(struct wide_sum *sum, __int128 amount)
{
    unsigned __int128 total = (unsigned __int128)wide_sum_get(sum) + (unsigned __int128)amount;
    sum->high = (int64_t)(uint64_t)(total >> 64);
    sum->low = (uint64_t)total;
}

/* Whether `value` + `change` is a decimal. */
static inline bool sum_fits(trading_decimal value, trading_decimal change)
{
    trading_decimal sum;
    return !__builtin_add_overflow(value, change, &sum) && sum >= TRADING_DECIMAL_MIN;
}

/* For `change` ≥ 0 and a statistic that no rule rests on. */
static inline trading_decimal sum_saturating(trading_decimal value, trading_decimal change)
{
    return sum_fits(value, change) ? value + change : TRADING_DECIMAL_MAX;
}

#endif
