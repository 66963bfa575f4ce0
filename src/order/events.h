/* What happens to an order, and how it is written down after kind, number and previous (process/event.h).
 *
 *   PLACED              portfolio, instrument, terms u8, quantity, price, lot where the terms say so
 *   REJECTED            the same, then reason, required (signed), available (signed)
 *   RESTED              quantity
 *   EXECUTED            counter order (0: the house), quantity, price, consideration
 *   CANCELED, EXPIRED   quantity that was open
 *
 * Terms: bit 0 = sell, bit 1 = limit, bits 2–3 = time in force, bit 4 = a lot is named. Numbers and amounts are varints. */
#ifndef ORDER_EVENTS_H
#define ORDER_EVENTS_H

#include "base/bytes.h"

#include <trading/event.h>
#include <trading/order.h>

struct order_event {
    uint32_t order; /* number */
    uint32_t portfolio;
    uint32_t account; /* the portfolio's; not written */
    uint32_t instrument;
    uint32_t lot;     /* number of the order that bought it; 0: none named */
    uint32_t counter; /* EXECUTED: the other side's order */
    uint32_t entry;   /* where it stands in the book; not written */
    int32_t side;
    int32_t type;
    int32_t time_in_force;
    int32_t reason;
    trading_decimal quantity;
    trading_decimal price; /* PLACED: the most (buy) or least (sell) it trades at; 0: no limit */
    trading_decimal amount;
    trading_decimal required;
    trading_decimal available;
};

static inline bool order_has_kind(uint32_t kind)
{
    return kind >= TRADING_EVENT_ORDER_PLACED && kind <= TRADING_EVENT_ORDER_REJECTED;
}

void order_event_write(struct writer *writer, uint32_t kind, const struct order_event *event);
/* Bad reader when it is not such an event. */
void order_event_read(struct reader *reader, uint32_t kind, struct order_event *event);

#endif
