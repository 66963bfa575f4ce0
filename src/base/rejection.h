/* Why the domain says no: a value, not an error. */
#ifndef BASE_REJECTION_H
#define BASE_REJECTION_H

#include <stdbool.h>
#include <stdint.h>

#include <trading/command.h>

struct rejection {
    int32_t reason; /* TRADING_REASON_ */
    trading_decimal required;
    trading_decimal available;
};

/* Fills in the reason and gives false, so that a rule reads: return allowed || reject(...). */
__attribute__((cold)) static inline bool reject(struct rejection *why, int32_t reason)
{
    *why = (struct rejection){.reason = reason};
    return false;
}

__attribute__((cold)) static inline bool reject_amount(struct rejection *why, int32_t reason, trading_decimal required,
                                                       trading_decimal available)
{
    *why = (struct rejection){.reason = reason, .required = required, .available = available};
    return false;
}

#endif
