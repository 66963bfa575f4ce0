/* The rules of the Trade Order context. Pure. */
#ifndef ORDER_DECIDE_H
#define ORDER_DECIDE_H

#include "base/rejection.h"
#include "order/state.h"

/* May be canceled: still open. */
bool order_decide_cancel(const struct order_record *order, struct rejection *why);

/* May be paid back: a buy, for which at least `amount` was paid and not refunded yet. */
bool order_decide_refund(const struct order_record *order, trading_decimal amount, struct rejection *why);

/* May be executed at a venue outside: it is there, has as much open, and the price is within its limit. */
bool order_decide_execution(const struct order_record *order, trading_decimal quantity, trading_decimal price,
                            struct rejection *why);

/* May be ended by a venue outside: it is there, and open. */
bool order_decide_end(const struct order_record *order, struct rejection *why);

/* What the next execution pays: round(cumulative) − round(previous cumulative), so that the sum is round(all). False when a sum would
 * pass the range of a decimal. */
bool order_consideration(const struct order_record *order, trading_decimal quantity, trading_decimal price,
                         trading_decimal *amount);

/* The average price, rounded half to even. */
trading_decimal order_average(const struct order_record *order);

/* The most that a buy may still have to pay once another execution paid `amount` for `quantity` at `price` (all 0: before any): what must
 * stay held for it. False as above. */
bool order_hold(const struct order_record *order, trading_decimal quantity, trading_decimal price, trading_decimal amount,
                trading_decimal *hold);

#endif
