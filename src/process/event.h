/* An event of any context, as it is written down:
 *
 *   u8      kind (TRADING_EVENT_)
 *   varint  number of the entity: account, portfolio, order or instrument, whichever the kind belongs to; 0: none
 *   varint  position − position of the entity's event before; 0 when this is its first
 *   …       what the context's events.h says; of the two kinds that belong to no context:
 *           WORK_PAUSED  work kind, subject, cursor, order, ordinal
 *           CURSOR       position, name (only in its first)
 */
#ifndef PROCESS_EVENT_H
#define PROCESS_EVENT_H

#include "account/events.h"
#include "market/events.h"
#include "order/events.h"
#include "portfolio/events.h"

/* An event's kind, number and distance are at most this long; it is written only where as much is free. */
#define EVENT_HEADER_BYTES 16u
#define CURSOR_NAME_BYTES  63u

/* Work that did not fit a commit and goes on in the next. */
enum work_kind {
    WORK_NONE,
    WORK_MATCH,     /* order: what is open of it is matched */
    WORK_QUOTE,     /* subject: the instrument whose quote is matched with resting orders */
    WORK_EXPIRE,    /* day orders at the session's end */
    WORK_LIQUIDATE, /* subject: the portfolio that closes; cursor: the holding it is at; order: the sale that it is in */
};

struct work {
    uint32_t kind;
    uint32_t subject;
    uint32_t cursor;
    uint32_t order;
    uint32_t ordinal; /* of the next order that the command makes */
};

/* The acknowledgement of a feed's cursor. */
struct cursor_event {
    uint32_t cursor;
    int64_t position;
    const uint8_t *name; /* in the commit; none when the cursor is known */
    uint32_t name_size;
};

struct event {
    uint32_t kind;
    uint32_t number; /* of its entity */
    int64_t position;
    int64_t previous; /* −1: none */
    union {
        struct account_event account;
        struct portfolio_event portfolio;
        struct order_event order;
        struct market_event market;
        struct work work;
        struct cursor_event cursor;
    };
};

void event_write(struct writer *writer, const struct event *event);
/* Reads the event of the given position. Bad reader when it is none. */
void event_read(struct reader *reader, int64_t position, struct event *event);

/* TRADING_ENTITY_ that events of the kind are the history of; 0: none. */
static inline int32_t event_entity(uint32_t kind)
{
    if (account_has_kind(kind))
        return TRADING_ENTITY_ACCOUNT;
    if (portfolio_has_kind(kind))
        return TRADING_ENTITY_PORTFOLIO;
    if (order_has_kind(kind))
        return TRADING_ENTITY_ORDER;
    return market_has_kind(kind) ? TRADING_ENTITY_INSTRUMENT : 0;
}

#endif
