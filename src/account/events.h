/* What happens to an account, and how it is written down.
 *
 *   kind u8, account (varint), previous (varint: position − position of the account's event before; 0 when there is none), then
 *   OPENED               currency 3 bytes, sealed profile
 *   CONTACT, ADDRESS     sealed text
 *   DEPOSITED, WITHDRAWN, CREDITED, DEBITED, CLOSED   amount
 *   HELD, RELEASED       order, amount
 *   PAID                 order, amount, held
 *   RECEIVED             order, amount, rounding (signed)
 *   REFUND               amount, order
 *   REJECTED             reason, required (signed), available (signed)
 *   FROZEN, UNFROZEN     nothing more
 *
 * Numbers and amounts are varints; sealed text is a varint length and its bytes (journal/seal.h), 0: nothing personal. */
#ifndef ACCOUNT_EVENTS_H
#define ACCOUNT_EVENTS_H

#include "base/bytes.h"

#include <trading/command.h>
#include <trading/event.h>

struct account_event {
    uint32_t account; /* number */
    uint32_t order;   /* number */
    int32_t reason;
    trading_currency currency;
    trading_decimal amount;
    trading_decimal held;     /* PAID: how much less is held after it */
    trading_decimal rounding; /* RECEIVED: what is left in clearing, and goes to the house */
    trading_decimal required;
    trading_decimal available;
    const uint8_t *sealed; /* where it lies in the commit */
    uint32_t sealed_size;
};

static inline bool account_has_kind(uint32_t kind)
{
    return kind >= TRADING_EVENT_ACCOUNT_OPENED && kind <= TRADING_EVENT_COMMAND_REJECTED;
}

/* What follows kind, number and previous. */
void account_event_write(struct writer *writer, uint32_t kind, const struct account_event *event);
/* Bad reader when it is not such an event. */
void account_event_read(struct reader *reader, uint32_t kind, struct account_event *event);

#endif
