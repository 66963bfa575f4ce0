/* The rules of the built-in exchange: whom an order trades with next. Pure. */
#ifndef MARKET_DECIDE_H
#define MARKET_DECIDE_H

#include "base/rejection.h"
#include "market/state.h"

/* The counterpart of the next trade. */
struct match {
    uint32_t order; /* that rests; 0: the house's quote */
    uint32_t entry; /* where it rests */
    uint32_t next;  /* the order behind it, which is likely met soon; 0: not known */
    trading_decimal price;
    trading_decimal quantity; /* the most; 0: there is no counterpart */
};

/* A venue outside executed so much of an order of the side: whether the house, which stands between, can count the shares. */
bool market_decide_venue(const struct instrument_record *instrument, int32_t side, trading_decimal quantity,
                         struct rejection *why);

/* For an order of the side that trades up (down) to `limit`, 0 for any price: the best price first; at one price the oldest order
 * first, and the house's quote behind all orders. */
struct match market_next_match(const struct market *market, uint32_t instrument, int32_t side, trading_decimal limit);

/* The resting order that the house's quote of the side crosses and trades with next, at that order's price. */
struct match market_next_crossed(const struct market *market, uint32_t instrument, int32_t side);

/* The most that a market buy pays for a share: ask × (1 + collar), rounded half to even. Rejected without a quoted ask (0). */
bool market_decide_cap(trading_decimal ask, trading_decimal collar, trading_decimal *cap, struct rejection *why);

/* Whether `quantity` more may rest at the price. */
bool market_can_rest(const struct market *market, uint32_t instrument, int32_t side, trading_decimal price,
                     trading_decimal quantity);

/* What one share is valued at: the bid; without one the last trade, else the ask, else 0. */
trading_decimal market_mark(const struct instrument_record *instrument);

#endif
