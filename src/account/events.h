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
 *   SENT                 amount, account that is to have it; 0: of another partition, then its id, the sender's id, currency 3 bytes
 *   RECEIVED (transfer)  amount, account it is from; 0: of another partition, then its id
 *   REFUSED              amount, reason, id of the account it is from
 *   SETTLED              amount
 *   RETURNED             amount, reason
 *   ALIAS_BOUND          portfolio, 0: the account itself; space, name
 *
 * Numbers and amounts are varints; space and name a varint length and their bytes; sealed text is a varint length and its bytes (journal/seal.h), 0: nothing personal. */
#ifndef ACCOUNT_EVENTS_H
#define ACCOUNT_EVENTS_H

#include "base/bytes.h"

#include <trading/command.h>
#include <trading/event.h>

struct account_event {
    uint32_t account; /* number */
    uint32_t order;   /* number */
    uint32_t other;   /* TRANSFER_: number of the other account; 0: it is of another partition, and known by its id */
    trading_id other_id;
    trading_id own_id; /* TRANSFER_SENT to another partition */
    int32_t reason;
    trading_currency currency;
    trading_decimal amount;
    trading_decimal held;     /* PAID: how much less is held after it */
    trading_decimal rounding; /* RECEIVED: what is left in clearing, and goes to the house */
    trading_decimal required;
    trading_decimal available;
    const uint8_t *sealed; /* where it lies in the commit */
    uint32_t sealed_size;
    uint32_t portfolio;      /* ALIAS_BOUND: number; 0: the account itself */
    const char *alias_space; /* likewise */
    const char *alias_name;
    uint32_t alias_space_size;
    uint32_t alias_name_size;
};

static inline bool account_has_kind(uint32_t kind)
{
    return kind >= TRADING_EVENT_ACCOUNT_OPENED && kind <= TRADING_EVENT_ALIAS_BOUND;
}

/* What follows kind, number and previous. */
void account_event_write(struct writer *writer, uint32_t kind, const struct account_event *event);
/* Bad reader when it is not such an event. */
void account_event_read(struct reader *reader, uint32_t kind, struct account_event *event);

#endif
