#include "base/id.h"
#include "base/wide.h"
#include "order/decide.h"
#include "order/state.h"

#define SESSION 1u

uint32_t order_find(const struct orders *orders, const trading_id *id)
{
    uint64_t cursor = 0;
    uint32_t number;
    while ((number = index_next(orders->by_id, id_hash(id), &cursor)) != 0) {
        if (id_equal(&order_get(orders, number)->id, id))
            return number;
    }
    return 0;
}

enum table_read order_read(const struct orders *orders, const trading_id *id, struct pin *pin, uint32_t *number,
                           struct order_record *record)
{
    uint64_t cursor = 0;
    while ((*number = index_next(orders->by_id, id_hash(id), &cursor)) != 0) {
        enum table_read found = table_read(orders->records, *number, pin, record);
        if (found == TABLE_EXPIRED || (found == TABLE_FOUND && id_equal(&record->id, id)))
            return found;
    }
    return TABLE_ABSENT;
}

bool orders_found(struct orders *orders)
{
    uint32_t number;
    return table_append(orders->session, &number) != NULL;
}

const char *order_fold_portfolio(struct orders *orders, uint32_t portfolio)
{
    uint32_t number;
    if (table_append(orders->desks, &number) && number != portfolio)
        return "a portfolio was opened out of turn";
    return NULL;
}

static const char *place(struct orders *orders, uint32_t kind, const struct order_event *event, const trading_id *id,
                         struct moment at)
{
    uint32_t number;
    struct order_record *order = table_append(orders->records, &number);
    if (!order)
        return NULL;
    if (number != event->order || event->portfolio == 0 || event->portfolio > table_count(orders->desks) ||
        event->quantity <= 0 || event->lot >= number)
        return "an order was placed out of turn, for no portfolio, or for nothing";
    struct desk_record *desk = table_edit(orders->desks, event->portfolio);
    *order = (struct order_record){
        .id = *id,
        .quantity = event->quantity,
        .limit = event->price,
        .placed = at.time,
        .updated = at.time,
        .last_position = at.position,
        .version = 1,
        .portfolio = event->portfolio,
        .account = event->account,
        .instrument = event->instrument,
        .lot = event->lot,
        .side = (uint8_t)event->side,
        .type = (uint8_t)event->type,
        .time_in_force = (uint8_t)event->time_in_force,
        .status = kind == TRADING_EVENT_ORDER_PLACED ? TRADING_ORDER_STATUS_NEW : TRADING_ORDER_STATUS_REJECTED,
        .reason = (uint16_t)event->reason,
        .older = desk->newest,
    };
    desk->newest = number;
    index_insert(orders->by_id, id_hash(id), number);
    return NULL;
}

/* An order of another partition came to this one's book. */
__attribute__((cold)) static const char *place_guest(struct orders *orders, const struct order_event *event, struct moment at)
{
    uint32_t number;
    struct order_record *order = table_append(orders->records, &number);
    if (!order)
        return NULL;
    if (number != event->order || event->partition == 0 || event->quantity <= 0)
        return "a guest was placed out of turn, from nowhere, or for nothing";
    *order = (struct order_record){
        .id = event->id,
        .quantity = event->quantity,
        .limit = event->price,
        .placed = at.time,
        .updated = at.time,
        .last_position = at.position,
        .version = 1,
        .instrument = event->instrument,
        .side = (uint8_t)event->side,
        .type = (uint8_t)event->type,
        .time_in_force = (uint8_t)event->time_in_force,
        .status = TRADING_ORDER_STATUS_NEW,
        .partition = event->partition,
    };
    index_insert(orders->by_id, id_hash(&event->id), number);
    return NULL;
}

/* ---- the lists of resting orders ---- */

static struct resting_record *edit_resting(struct orders *orders, uint32_t entry)
{
    return table_edit(orders->resting, entry);
}

static void link_open(struct orders *orders, uint32_t portfolio, uint32_t entry, struct resting_record *resting)
{
    struct desk_record *desk = table_edit(orders->desks, portfolio);
    resting->previous_open = desk->last_open;
    if (desk->last_open)
        edit_resting(orders, desk->last_open)->next_open = entry;
    else
        desk->first_open = entry;
    desk->last_open = entry;
    desk->open++;
}

static void unlink_open(struct orders *orders, uint32_t portfolio, const struct resting_record *resting)
{
    struct desk_record *desk = table_edit(orders->desks, portfolio);
    if (resting->previous_open)
        edit_resting(orders, resting->previous_open)->next_open = resting->next_open;
    else
        desk->first_open = resting->next_open;
    if (resting->next_open)
        edit_resting(orders, resting->next_open)->previous_open = resting->previous_open;
    else
        desk->last_open = resting->previous_open;
    desk->open--;
}

static void link_day(struct orders *orders, uint32_t entry, struct resting_record *resting)
{
    struct session_record *session = table_edit(orders->session, SESSION);
    resting->previous_day = session->last_day;
    if (session->last_day)
        edit_resting(orders, session->last_day)->next_day = entry;
    else
        session->first_day = entry;
    session->last_day = entry;
}

static void unlink_day(struct orders *orders, const struct resting_record *resting)
{
    struct session_record *session = table_edit(orders->session, SESSION);
    if (resting->previous_day)
        edit_resting(orders, resting->previous_day)->next_day = resting->next_day;
    else
        session->first_day = resting->next_day;
    if (resting->next_day)
        edit_resting(orders, resting->next_day)->previous_day = resting->previous_day;
    else
        session->last_day = resting->previous_day;
}

/* The record of an entry that nothing rests in, made where the entry is new. NULL: it is neither. */
static struct resting_record *open_resting(struct orders *orders, uint32_t entry)
{
    uint32_t count = table_count(orders->resting);
    if (entry == count + 1)
        return table_append(orders->resting, &(uint32_t){0});
    return entry && entry <= count && resting_get(orders, entry)->order == 0 ? edit_resting(orders, entry) : NULL;
}

static const char *rest(struct orders *orders, const struct order_event *event, struct order_record *order)
{
    bool may = order->entry == 0 && event->quantity == order_leaves(order) && event->quantity > 0 && order->limit > 0 &&
               order->time_in_force != TRADING_TIME_IN_FORCE_IOC;
    if (!may)
        return "an order rests twice, or one rests that may not";
    struct resting_record *resting = open_resting(orders, event->entry);
    if (!resting)
        return event->entry ? "an order rests where another does" : NULL; /* out of memory: the tables remember it */
    resting->order = event->order;
    order->entry = event->entry;
    if (!order_is_guest(order))
        link_open(orders, order->portfolio, event->entry, resting);
    if (order->time_in_force == TRADING_TIME_IN_FORCE_DAY)
        link_day(orders, event->entry, resting);
    return NULL;
}

static void stop_resting(struct orders *orders, struct order_record *order)
{
    if (!order->entry)
        return;
    struct resting_record *resting = edit_resting(orders, order->entry);
    if (!order_is_guest(order))
        unlink_open(orders, order->portfolio, resting);
    if (order->time_in_force == TRADING_TIME_IN_FORCE_DAY && !order_is_away(order))
        unlink_day(orders, resting);
    *resting = (struct resting_record){0};
    order->entry = 0;
}

/* ---- a partition that is split ---- */

void order_fold_away(struct orders *orders, struct order_record *order, uint32_t partition)
{
    if (order->time_in_force == TRADING_TIME_IN_FORCE_DAY && !order_is_away(order)) {
        struct resting_record *resting = edit_resting(orders, order->entry);
        unlink_day(orders, resting);
        resting->next_day = resting->previous_day = 0;
    }
    order->partition = partition + 1;
}

void order_fold_guest(struct orders *orders, struct order_record *order, uint32_t partition)
{
    if (!order_is_guest(order)) {
        struct resting_record *resting = edit_resting(orders, order->entry);
        unlink_open(orders, order->portfolio, resting);
        resting->next_open = resting->previous_open = 0;
    }
    order->portfolio = order->account = order->lot = order->holding = order->bought = 0;
    order->held = order->refunded = 0;
    order->partition = partition + 1;
}

void order_fold_gone(struct orders *orders, struct order_record *order)
{
    stop_resting(orders, order);
}

/* ---- what happens to it ---- */

static const char *execute(struct orders *orders, const struct order_event *event, struct order_record *order)
{
    trading_decimal amount;
    if (event->quantity <= 0 || event->quantity > order_leaves(order))
        return "an execution is larger than what its order left open";
    if (event->price <= 0 || !order_consideration(order, event->quantity, event->price, &amount) || amount != event->amount)
        return "an execution's consideration is not its price times its quantity";
    order->filled += event->quantity;
    wide_sum_add(&order->notional, wide_product(event->quantity, event->price));
    order->paid += amount;
    order->executions++;
    order->status = TRADING_ORDER_STATUS_PARTIALLY_FILLED;
    if (order->filled == order->quantity) {
        order->status = TRADING_ORDER_STATUS_FILLED;
        stop_resting(orders, order);
    }
    return NULL;
}

static const char *end(struct orders *orders, struct order_record *order, uint8_t status)
{
    if (order_leaves(order) == 0)
        return "an order was ended that was not open";
    order->status = status;
    stop_resting(orders, order);
    return NULL;
}

/* ---- away ---- */

__attribute__((cold)) static const char *send_away(struct orders *orders, const struct order_event *event,
                                                   struct order_record *order)
{
    if (order->partition || order->entry || order_leaves(order) != event->quantity || !event->partition)
        return "an order was sent twice, or one that is not whole";
    struct resting_record *resting = open_resting(orders, event->entry);
    if (!resting)
        return event->entry ? "an order is away where another rests" : NULL;
    resting->order = event->order;
    order->entry = event->entry;
    order->partition = event->partition;
    link_open(orders, order->portfolio, event->entry, resting);
    return NULL;
}

__attribute__((cold)) static const char *route_cancel(struct order_record *order)
{
    if (!order_is_outside(order) || order_leaves(order) == 0)
        return "a cancel was routed to where its order is not";
    order->flags |= ORDER_CANCEL_SENT;
    return NULL;
}

__attribute__((cold)) static const char *send_cancel(const struct order_event *event, struct order_record *order)
{
    if (!order_is_away(order) || order->partition != event->partition)
        return "a cancel was sent where its order is not";
    order->flags |= ORDER_CANCEL_SENT;
    return NULL;
}

__attribute__((cold)) static const char *end_guest(struct orders *orders, const struct order_event *event,
                                                   struct order_record *order)
{
    if (!order_is_guest(order) || order->partition != event->partition)
        return "a guest was ended that is none";
    return end(orders, order, (uint8_t)event->status);
}

__attribute__((cold)) static const char *execute_guest(struct orders *orders, const struct order_event *event,
                                                       struct order_record *order)
{
    if (!order_is_guest(order) || order->partition != event->partition)
        return "a guest was executed that is none";
    return execute(orders, event, order);
}

/* ---- all ---- */

const char *order_fold_new(struct orders *orders, uint32_t kind, const struct order_event *event, const trading_id *id,
                           struct moment at)
{
    return kind == TRADING_EVENT_GUEST_PLACED ? place_guest(orders, event, at) : place(orders, kind, event, id, at);
}

struct order_record *order_edit(struct orders *orders, uint32_t number)
{
    bool there = number != 0 && number <= table_count(orders->records);
    return there ? table_edit(orders->records, number) : NULL;
}

const char *order_fold(struct orders *orders, struct order_record *order, uint32_t kind, const struct order_event *event,
                       struct moment *at)
{
    at->previous = order->last_position;
    order->updated = at->time;
    order->last_position = at->position;
    order->version++;
    switch (kind) {
    case TRADING_EVENT_ORDER_RESTED:
        return rest(orders, event, order);
    case TRADING_EVENT_ORDER_EXECUTED:
        return execute(orders, event, order);
    case TRADING_EVENT_ORDER_CANCELED:
        return end(orders, order, TRADING_ORDER_STATUS_CANCELED);
    case TRADING_EVENT_ORDER_SENT:
    case TRADING_EVENT_ORDER_ROUTED:
        return send_away(orders, event, order);
    case TRADING_EVENT_CANCEL_SENT:
        return send_cancel(event, order);
    case TRADING_EVENT_CANCEL_ROUTED:
        return route_cancel(order);
    case TRADING_EVENT_GUEST_EXECUTED:
        return execute_guest(orders, event, order);
    case TRADING_EVENT_GUEST_ENDED:
        return end_guest(orders, event, order);
    default:
        return end(orders, order, TRADING_ORDER_STATUS_EXPIRED);
    }
}

/* Whether an account's event is of one of its orders that is of the side. */
static bool is_for(const struct order_record *order, const struct account_event *event, int32_t side)
{
    return order->account == event->account && order->side == side;
}

const char *order_fold_funds(struct orders *orders, uint32_t kind, const struct account_event *event)
{
    static const char *const foreign = "funds are held or paid for an order that is not the account's";
    if (kind == TRADING_EVENT_FUNDS_RECEIVED)
        return is_for(order_get(orders, event->order), event, TRADING_SIDE_SELL) ? NULL : foreign;
    struct order_record *order = order_edit(orders, event->order);
    if (!order || !is_for(order, event, TRADING_SIDE_BUY))
        return foreign;
    trading_decimal refund = kind == TRADING_EVENT_REFUND_ACCEPTED ? event->amount : 0;
    trading_decimal change = kind == TRADING_EVENT_FUNDS_HELD       ? event->amount
                             : kind == TRADING_EVENT_FUNDS_RELEASED ? -event->amount
                             : kind == TRADING_EVENT_FUNDS_PAID     ? -event->held
                                                                    : 0;
    if (!sum_fits(order->held, change) || !sum_fits(order->refunded, refund))
        return "an order's funds passed the range of a decimal";
    order->held += change;
    order->refunded += refund;
    return order->held >= 0 ? NULL : "more funds were released than were held for an order";
}

void order_fold_shares(struct orders *orders, uint32_t number, const struct order_record *known, uint32_t holding,
                       uint32_t bought)
{
    if (known->holding == holding && known->bought == bought)
        return;
    struct order_record *order = table_edit(orders->records, number);
    order->holding = holding;
    order->bought = bought;
}

bool orders_index(struct orders *orders)
{
    uint32_t count = table_count(orders->records);
    bool room = index_expect(orders->by_id, count);
    for (uint32_t number = 1; room && number <= count; number++) {
        index_prefetch(orders->by_id, id_hash(&order_get(orders, number + INDEX_AHEAD)->id));
        room = index_insert(orders->by_id, id_hash(&order_get(orders, number)->id), number);
    }
    return room;
}
