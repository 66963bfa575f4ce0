/* What happens on the market, and how it is written down after kind, number and previous (process/event.h).
 *
 *   LISTED         symbol (varint length and bytes), currency 3 bytes; zeros: its book is in another partition, then partition + 1
 *   QUOTE_SET      bid, its size unless the bid is 0, ask, its size unless the ask is 0; a size of 0 is unlimited
 *   QUOTE_TAKEN    order, side u8 (of the house), quantity, price, consideration
 *   SESSION_ENDED  nothing more
 *   TAKEN_OVER     as QUOTE_TAKEN, but the house stands on the order's own side, in its stead
 *   VENUE_TRADED   as QUOTE_TAKEN, but the house stands between the order and a venue outside, whatever it quotes
 *
 * Numbers and amounts are varints. */
#ifndef MARKET_EVENTS_H
#define MARKET_EVENTS_H

#include "base/bytes.h"

#include <trading/event.h>
#include <trading/market.h>
#include <trading/order.h>

struct market_event {
    uint32_t instrument; /* number; 0 for SESSION_ENDED */
    uint32_t order;      /* QUOTE_TAKEN: the customer's */
    int32_t side;
    uint32_t partition; /* LISTED: + 1 of that which has its book; 0: this one */
    trading_symbol symbol;
    trading_currency currency;
    trading_decimal bid;
    trading_decimal ask;
    trading_decimal bid_size;
    trading_decimal ask_size;
    trading_decimal quantity;
    trading_decimal price;
    trading_decimal amount;
};

static inline bool market_has_kind(uint32_t kind)
{
    bool of_books = kind >= TRADING_EVENT_INSTRUMENT_LISTED && kind <= TRADING_EVENT_SESSION_ENDED;
    return of_books || kind == TRADING_EVENT_TRADE_TAKEN_OVER || kind == TRADING_EVENT_VENUE_TRADED;
}

void market_event_write(struct writer *writer, uint32_t kind, const struct market_event *event);
/* Bad reader when it is not such an event. */
void market_event_read(struct reader *reader, uint32_t kind, struct market_event *event);

#endif
