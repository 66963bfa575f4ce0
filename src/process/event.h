/* An event of any context, as it is written down:
 *
 *   u8      kind (TRADING_EVENT_)
 *   varint  number of the entity: account, portfolio, order or instrument, whichever the kind belongs to; 0: none
 *   varint  position − position of the entity's event before; 0 when this is its first
 *   varint  of kinds that may be messages: partition + 1 that it is to; 0: none; and then
 *   varint  position − position of the message before to that partition; 0 when this is the first
 *   …       what the context's events.h says; of the three kinds that belong to no context:
 *           WORK_PAUSED  work kind, subject, cursor, order, ordinal; of WORK_SETTLE also quantity, price, amount, counter id
 *           CURSOR       position, name (only in its first)
 *           SPLIT        how many partitions there were, how many there are; block of where the journal of each that was ended, 8 bytes each
 *
 * The journal is the outbox: an event that is to a partition is a message to it, and its position is the message's. */
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
    WORK_SETTLE,    /* order: an execution in another partition's book, of which quantity and amount are still to be booked */
};

struct work {
    uint32_t kind;
    uint32_t subject;
    uint32_t cursor;
    uint32_t order;
    uint32_t ordinal; /* of the next order that the command makes */
    trading_decimal quantity;
    trading_decimal price;
    trading_decimal amount;
    trading_id counter; /* the other side's order; zero: the house */
};

/* The acknowledgement of a feed's cursor. */
struct cursor_event {
    uint32_t cursor;
    int64_t position;
    const uint8_t *name; /* in the commit; none when the cursor is known */
    uint32_t name_size;
};

/* The store's partitions are more from here on: what was in one of `from` is in those of `to` that are the same modulo `from`. */
struct split_event {
    uint32_t from;
    uint32_t to;
    const uint8_t *
        ends; /* in the commit: where the split stands in the journal of each partition that was; little endian, 8 bytes each */
    uint32_t ends_size;
};

struct event {
    uint32_t kind;
    uint32_t number; /* of its entity */
    int64_t position;
    int64_t previous; /* −1: none */
    int64_t before;   /* position of the message before to the same partition; −1: none */
    uint32_t to;      /* partition + 1 that it is a message to; 0: none */
    union {
        struct account_event account;
        struct portfolio_event portfolio;
        struct order_event order;
        struct market_event market;
        struct work work;
        struct cursor_event cursor;
        struct split_event split;
    };
};

void event_write(struct writer *writer, const struct event *event);
/* Reads the event of the given position. Bad reader when it is none. */
void event_read(struct reader *reader, int64_t position, struct event *event);

/* Whether events of the kind point to text in the commit; how much of it, and moving it to where the event may outlive the commit. */
bool event_has_text(uint32_t kind);
size_t event_text_bytes(const struct event *event);
void event_keep_text(struct event *event, uint8_t *room);

/* Where the split stands in the journal of the partition that was. */
int64_t split_event_end(const struct split_event *split, uint32_t partition);

/* Whether events of the kind may be messages. */
static inline bool event_may_be_sent(uint32_t kind)
{
    if (kind < TRADING_EVENT_ORDER_SENT)
        return kind - TRADING_EVENT_TRANSFER_SENT <= TRADING_EVENT_TRANSFER_REFUSED - TRADING_EVENT_TRANSFER_SENT;
    return kind <= TRADING_EVENT_GUEST_ENDED && kind != TRADING_EVENT_GUEST_PLACED;
}

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
