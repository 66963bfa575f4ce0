/* The state of the Trade Order context: orders, and for each portfolio its desk, the lists that its orders are in. What links the orders
 * that rest is apart from them: an order that comes or goes touches its neighbours, which are any orders, in small records.
 *
 * Where a symbol's book is in another partition than the account, its orders have a record in both: in their home they are away, and
 * open until the book's partition says otherwise; where the book is they are guests, of no portfolio. An order that was routed to a
 * venue outside is away, too, at none of the partitions. */
#ifndef ORDER_STATE_H
#define ORDER_STATE_H

#include "account/events.h"
#include "base/moment.h"
#include "base/sum.h"
#include "order/events.h"
#include "state/index.h"
#include "state/table.h"

struct order_record {
    trading_id id;
    trading_decimal quantity;
    trading_decimal limit; /* the most or least it trades at; 0: no limit */
    trading_decimal filled;
    trading_decimal held; /* buys: funds still held for it */
    trading_decimal refunded;
    trading_decimal paid;     /* or received, by its executions: the notional, rounded */
    struct wide_sum notional; /* Σ price × quantity of its executions, exact: a count of 10⁻¹² */
    trading_time placed;
    trading_time updated;
    int64_t last_position;
    int64_t version;
    uint32_t portfolio;
    uint32_t account;
    uint32_t instrument;
    uint32_t lot;     /* the order whose lot it sells; 0: none named */
    uint32_t holding; /* the position that it trades in; 0: a buy that has made none yet */
    uint32_t bought;  /* the lot that it made; 0: none yet */
    uint8_t side;
    uint8_t type;
    uint8_t time_in_force;
    uint8_t status; /* TRADING_ORDER_STATUS_ */
    uint16_t reason;
    uint16_t flags; /* ORDER_ */
    uint32_t executions;
    uint32_t entry;     /* in the book; of an away order in none, but its own all the same; 0: does not rest */
    uint32_t older;     /* the order of the portfolio placed before it */
    uint32_t partition; /* + 1: of an away order, where its book is, or ORDER_OUTSIDE; of a guest, where its home is */
};

#define ORDER_OUTSIDE UINT32_MAX /* at a venue outside */

/* An order that rests, or is away; its number is that of its entry in the book, and so are those of its neighbours. */
struct resting_record {
    uint32_t order;     /* 0: none rests there */
    uint32_t next_open; /* of its portfolio */
    uint32_t previous_open;
    uint32_t next_day; /* of those that expire at the session's end */
    uint32_t previous_day;
    uint32_t unused;
};

#define ORDER_CANCEL_SENT 1u /* the book's partition, or the venue, was asked to cancel it */

/* A portfolio's orders; its number is the portfolio's. */
struct desk_record {
    uint32_t newest;
    uint32_t first_open; /* resting records */
    uint32_t last_open;
    uint32_t open;
};

/* One record: the day orders of the whole partition (resting records), in the order in which they came to rest. */
struct session_record {
    uint32_t first_day;
    uint32_t last_day;
};

struct orders {
    struct table *records;
    struct table *resting;
    struct table *desks;
    struct table *session;
    struct index *by_id;
};

static inline const struct order_record *order_get(const struct orders *orders, uint32_t number)
{
    return table_get(orders->records, number);
}

static inline const struct desk_record *desk_get(const struct orders *orders, uint32_t portfolio)
{
    return table_get(orders->desks, portfolio);
}

static inline const struct resting_record *resting_get(const struct orders *orders, uint32_t entry)
{
    return table_get(orders->resting, entry);
}

/* The order of the portfolio that rests longest, 0: none does. */
static inline uint32_t order_first_open(const struct orders *orders, uint32_t portfolio)
{
    return resting_get(orders, desk_get(orders, portfolio)->first_open)->order;
}

/* The day order that rests longest, 0: none does. */
static inline uint32_t order_first_day(const struct orders *orders)
{
    const struct session_record *session = table_get(orders->session, 1);
    return resting_get(orders, session->first_day)->order;
}

static inline trading_decimal order_leaves(const struct order_record *order)
{
    bool open = order->status == TRADING_ORDER_STATUS_NEW || order->status == TRADING_ORDER_STATUS_PARTIALLY_FILLED;
    return open ? order->quantity - order->filled : 0;
}

static inline bool order_is_away(const struct order_record *order)
{
    return order->partition != 0 && order->portfolio != 0;
}

static inline bool order_is_outside(const struct order_record *order)
{
    return order->partition == ORDER_OUTSIDE;
}

static inline bool order_is_guest(const struct order_record *order)
{
    return order->partition != 0 && order->portfolio == 0;
}

uint32_t order_find(const struct orders *orders, const trading_id *id);
enum table_read order_read(const struct orders *orders, const trading_id *id, struct pin *pin, uint32_t *number,
                           struct order_record *record);

/* Makes the records that there is one of, before the first event. */
bool orders_found(struct orders *orders);

/* Applies an event that makes an order; `id` is that of one which PLACED or REJECTED makes. NULL, or which invariant it breaks. */
const char *order_fold_new(struct orders *orders, uint32_t kind, const struct order_event *event, const trading_id *id,
                           struct moment at);

/* The order that another event names, to change; NULL: it is not there. Then applies the event, and says what it follows. */
struct order_record *order_edit(struct orders *orders, uint32_t number);
const char *order_fold(struct orders *orders, struct order_record *order, uint32_t kind, const struct order_event *event,
                       struct moment *at);

/* A portfolio was opened: it has a desk. */
const char *order_fold_portfolio(struct orders *orders, uint32_t portfolio);

/* A partition was split (process/split.c), and what of an order was in one is so no more. Of one that rests: its book is in another partition
 * from here on; its account is; or both are in others, so that the order is none of this one's. */
void order_fold_away(struct orders *orders, struct order_record *order, uint32_t partition);
void order_fold_guest(struct orders *orders, struct order_record *order, uint32_t partition);
void order_fold_gone(struct orders *orders, struct order_record *order);

/* An account's event that names an order: what is held for it, or paid back. */
const char *order_fold_funds(struct orders *orders, uint32_t kind, const struct account_event *event);

/* Its portfolio's position, and of a buy the lot, that its shares are in are known now. */
void order_fold_shares(struct orders *orders, uint32_t number, const struct order_record *order, uint32_t holding,
                       uint32_t bought);

bool orders_index(struct orders *orders);

#endif
