/* What happens to an order, and how it is written down after kind, number and previous (process/event.h).
 *
 *   PLACED              portfolio, instrument, terms u8, quantity, price, lot where the terms say so
 *   REJECTED            the same, then reason, required (signed), available (signed)
 *   RESTED              quantity
 *   EXECUTED            counter order (0: the house), quantity, price, consideration
 *   CANCELED, EXPIRED   quantity that was open
 *
 * Of orders whose book is in another partition, in their home (away) and where the book is (guests):
 *
 *   SENT                order's id, symbol (varint length and bytes), currency 3 bytes, terms u8, quantity, price
 *   CANCEL_SENT         order's id
 *   GUEST_PLACED        order's id, instrument, terms u8, quantity, price
 *   GUEST_EXECUTED      order's id, counter order's id (zero: the house), quantity, price, consideration, rounding (signed)
 *   GUEST_ENDED         order's id, quantity that was open, status u8, reason
 *
 * Of orders that are at a venue outside:
 *
 *   ROUTED              quantity
 *   CANCEL_ROUTED       nothing more
 *
 * Terms: bit 0 = sell, bit 1 = limit, bits 2–3 = time in force, bit 4 = a lot is named. Numbers and amounts are varints. A counter
 * order of 2³² stands for one of another partition, and its id follows. */
#ifndef ORDER_EVENTS_H
#define ORDER_EVENTS_H

#include "base/bytes.h"

#include <trading/event.h>
#include <trading/market.h>
#include <trading/order.h>

struct order_event {
    uint32_t order; /* number */
    uint32_t portfolio;
    uint32_t account; /* the portfolio's; not written */
    uint32_t instrument;
    uint32_t lot;       /* number of the order that bought it; 0: none named */
    uint32_t counter;   /* EXECUTED: the other side's order; 0: the house, or counter_id says */
    uint32_t entry;     /* where it stands in the book; not written */
    uint32_t partition; /* + 1: where an order is sent, or a guest is from; not written */
    int32_t status;     /* GUEST_ENDED: TRADING_ORDER_STATUS_ */
    trading_id id;
    trading_id counter_id; /* zero, or that of another partition's order */
    trading_symbol symbol;
    trading_currency currency;
    int32_t side;
    int32_t type;
    int32_t time_in_force;
    int32_t reason;
    trading_decimal quantity;
    trading_decimal price; /* PLACED: the most (buy) or least (sell) it trades at; 0: no limit */
    trading_decimal amount;
    trading_decimal rounding; /* GUEST_EXECUTED, of a sell: what is left in clearing, and goes to the house */
    trading_decimal required;
    trading_decimal available;
};

static inline bool order_has_kind(uint32_t kind)
{
    return kind >= TRADING_EVENT_ORDER_PLACED && kind <= TRADING_EVENT_CANCEL_ROUTED;
}

void order_event_write(struct writer *writer, uint32_t kind, const struct order_event *event);
/* Bad reader when it is not such an event. */
void order_event_read(struct reader *reader, uint32_t kind, struct order_event *event);

#endif
