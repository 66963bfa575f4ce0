/* What happens to a portfolio, and how it is written down after kind, number and previous (process/event.h).
 *
 *   OPENED              account, sealed name
 *   RESERVED, RELEASED  order, quantity
 *   ACQUIRED            order, quantity, cost
 *   DISPOSED            order, lot, quantity, proceeds, cost
 *   CLOSING, CLOSED     nothing more
 *
 * Numbers and amounts are varints. Symbol, position and named lot follow from the order, and are filled in before the event is folded. */
#ifndef PORTFOLIO_EVENTS_H
#define PORTFOLIO_EVENTS_H

#include "base/bytes.h"

#include <trading/event.h>

struct portfolio_event {
    uint32_t portfolio;  /* number */
    uint32_t account;    /* OPENED: number */
    uint32_t order;      /* number */
    uint32_t lot;        /* number of the order that bought it; RESERVED and RELEASED: 0 when no lot is named */
    bool named;          /* DISPOSED: the order named the lot; not written, nor are the next three */
    uint32_t instrument; /* number, of the order */
    uint32_t holding;    /* number of the position; 0: not known before the event is folded, then known */
    uint32_t lot_number; /* of the lot's record; the same */
    trading_decimal quantity;
    trading_decimal amount; /* ACQUIRED: cost; DISPOSED: proceeds */
    trading_decimal cost;   /* DISPOSED */
    const uint8_t *sealed;
    uint32_t sealed_size;
};

static inline bool portfolio_has_kind(uint32_t kind)
{
    return kind >= TRADING_EVENT_PORTFOLIO_OPENED && kind <= TRADING_EVENT_PORTFOLIO_CLOSED;
}

void portfolio_event_write(struct writer *writer, uint32_t kind, const struct portfolio_event *event);
/* Bad reader when it is not such an event. */
void portfolio_event_read(struct reader *reader, uint32_t kind, struct portfolio_event *event);

#endif
