#include "engine/events.h"

#include "base/error.h"

#include <inttypes.h>
#include <stddef.h>

/* ---- reading a commit ---- */

void event_reader_begin(struct event_reader *events, const struct commit *commit)
{
    *events = (struct event_reader){.commit = commit,
                                    .reader = {.at = commit->body, .end = commit->body + commit->body_size},
                                    .position = commit->first_position,
                                    .entries = commit->entries};
}

static bool begin_entry(struct event_reader *events, struct cause *cause)
{
    if (events->entries == 0)
        return false;
    events->entries--;
    entry_read(&events->reader, cause, &events->entry_left);
    if (events->entry_left > commit_end(events->commit) - events->position)
        events->reader.bad = true;
    return !events->reader.bad;
}

bool event_reader_next(struct event_reader *events, struct event *event, struct cause *cause)
{
    if (events->reader.bad || (events->entry_left == 0 && !begin_entry(events, cause)))
        return false;
    event_read(&events->reader, events->position, event);
    if (events->reader.bad)
        return false;
    events->position++;
    if (--events->entry_left == 0)
        entry_read_version(&events->reader);
    return true;
}

int32_t event_reader_end(const struct event_reader *events, trading_error *error)
{
    const struct commit *commit = events->commit;
    if (!events->reader.bad && events->reader.at == events->reader.end && events->position == commit_end(commit))
        return TRADING_OK;
    return error_set(error, TRADING_E_DAMAGED,
                     "partition %u, commit at position %" PRId64 ": event %" PRId64 " cannot be read; verify the store",
                     commit->partition, commit->first_position, events->position);
}

/* ---- telling an event ---- */

/* Whose a portfolio is. */
struct portfolio_name {
    trading_id id;
    uint32_t account;
    uint32_t unused;
};

_Static_assert(offsetof(struct portfolio_record, id) == 0 &&
                   offsetof(struct portfolio_record, account) == offsetof(struct portfolio_name, account),
               "a portfolio begins with its id and its account");

/* What an order was placed with lies from its portfolio on; what changes in between is not told. */
#define ORDER_TERMS offsetof(struct order_record, portfolio)
_Static_assert(ORDER_TERMS % 8 == 0 && sizeof(struct order_record) % 8 == 0 &&
                   offsetof(struct order_record, account) > ORDER_TERMS &&
                   offsetof(struct order_record, instrument) > ORDER_TERMS &&
                   offsetof(struct order_record, lot) > ORDER_TERMS && offsetof(struct order_record, side) > ORDER_TERMS &&
                   offsetof(struct order_record, type) > ORDER_TERMS &&
                   offsetof(struct order_record, time_in_force) > ORDER_TERMS &&
                   offsetof(struct order_record, partition) > ORDER_TERMS,
               "the terms of an order follow its portfolio");

/* Looks up what stands behind the numbers of one event. */
struct telling {
    const struct domain *domain;
    trading_event *out;
    bool missing; /* it names a record that is not there */
};

/* What a record begins with. */
static inline void look_up(struct telling *telling, const struct table *table, uint32_t number, void *first, uint32_t bytes)
{
    if (!table_read_fixed(table, number, 0, first, bytes))
        telling->missing = true;
}

_Static_assert(offsetof(struct account_record, id) == 0 && offsetof(struct instrument_record, symbol) == 0 &&
                   offsetof(struct order_record, id) == 0,
               "records begin with what they are named by");

static void tell_account(struct telling *telling, uint32_t number)
{
    look_up(telling, telling->domain->accounts.records, number, &telling->out->account, sizeof telling->out->account);
}

static void tell_portfolio(struct telling *telling, uint32_t number)
{
    struct portfolio_name portfolio = {0};
    look_up(telling, telling->domain->portfolios.records, number, &portfolio, sizeof portfolio);
    telling->out->portfolio = portfolio.id;
    tell_account(telling, portfolio.account);
}

static void tell_instrument(struct telling *telling, uint32_t number)
{
    look_up(telling, telling->domain->market.instruments, number, &telling->out->symbol, sizeof telling->out->symbol);
}

/* Number 0 is none, and gives zeros. */
static trading_id id_of_order(struct telling *telling, uint32_t number)
{
    trading_id id = {0};
    if (number)
        look_up(telling, telling->domain->orders.records, number, &id, sizeof id);
    return id;
}

/* Of an order what it was placed with; nothing else is filled in. Number 0 gives zeros. */
static void read_terms(struct telling *telling, uint32_t number, struct order_record *order)
{
    bool found = number && table_read_fixed(telling->domain->orders.records, number, ORDER_TERMS,
                                            (uint8_t *)order + ORDER_TERMS, sizeof *order - ORDER_TERMS);
    if (found)
        return;
    memset((uint8_t *)order + ORDER_TERMS, 0, sizeof *order - ORDER_TERMS);
    telling->missing |= number != 0;
}

static void tell_account_event(struct telling *telling, const struct event *event)
{
    const struct account_event *account = &event->account;
    trading_event *out = telling->out;
    if (account->account) /* a rejection of the market's commands is of none */
        tell_account(telling, account->account);
    if (account->portfolio)
        tell_portfolio(telling, account->portfolio);
    out->order = id_of_order(telling, account->order);
    out->counter_order = account->other_id;
    if (account->other)
        look_up(telling, telling->domain->accounts.records, account->other, &out->counter_order, sizeof out->counter_order);
    out->currency = account->currency;
    out->reason = account->reason;
    out->amount = account->amount;
    out->held = account->held;
    out->rounding = account->rounding;
    out->required = account->required;
    out->available = account->available;
}

static void tell_portfolio_event(struct telling *telling, const struct event *event)
{
    const struct portfolio_event *portfolio = &event->portfolio;
    trading_event *out = telling->out;
    tell_portfolio(telling, portfolio->portfolio);
    out->quantity = portfolio->quantity;
    out->amount = portfolio->amount;
    out->cost = portfolio->cost;
    if (!portfolio->order)
        return;
    struct order_record order;
    out->order = id_of_order(telling, portfolio->order);
    read_terms(telling, portfolio->order, &order);
    tell_instrument(telling, order.instrument);
    if (event->kind == TRADING_EVENT_LOT_ACQUIRED)
        out->lot = out->order;
    else
        out->lot = id_of_order(telling, event->kind == TRADING_EVENT_LOT_DISPOSED ? portfolio->lot : order.lot);
}

/* Whose an order is, and its terms. */
static void tell_order(struct telling *telling, uint32_t number)
{
    trading_event *out = telling->out;
    struct order_record order;
    out->order = id_of_order(telling, number);
    read_terms(telling, number, &order);
    if (!order_is_guest(&order)) { /* it knows the account as well, so that neither look-up waits for the other */
        look_up(telling, telling->domain->portfolios.records, order.portfolio, &out->portfolio, sizeof out->portfolio);
        tell_account(telling, order.account);
    }
    tell_instrument(telling, order.instrument);
    out->lot = id_of_order(telling, order.lot);
    out->side = order.side;
    out->order_type = order.type;
    out->time_in_force = order.time_in_force;
}

static void tell_order_event(struct telling *telling, const struct event *event)
{
    const struct order_event *order = &event->order;
    trading_event *out = telling->out;
    tell_order(telling, order->order);
    out->counter_order = order->counter ? id_of_order(telling, order->counter) : order->counter_id;
    out->currency = order->currency;
    out->rounding = order->rounding;
    out->reason = order->reason;
    out->quantity = order->quantity;
    out->price = order->price;
    out->amount = order->amount;
    out->required = order->required;
    out->available = order->available;
}

static void tell_market_event(struct telling *telling, const struct event *event)
{
    const struct market_event *market = &event->market;
    trading_event *out = telling->out;
    if (market->instrument) /* the end of a session is of none */
        tell_instrument(telling, market->instrument);
    out->order = id_of_order(telling, market->order);
    out->side = market->side;
    out->currency = market->currency;
    out->bid = market->bid;
    out->ask = market->ask;
    out->bid_size = market->bid_size;
    out->ask_size = market->ask_size;
    out->quantity = market->quantity;
    out->price = market->price;
    out->amount = market->amount;
}

static void tell_work(struct telling *telling, const struct work *work)
{
    switch (work->kind) {
    case WORK_MATCH:
    case WORK_SETTLE:
        tell_order(telling, work->order);
        break;
    case WORK_QUOTE:
        tell_instrument(telling, work->subject);
        break;
    case WORK_LIQUIDATE:
        tell_portfolio(telling, work->subject);
        telling->out->order = id_of_order(telling, work->order);
        break;
    default: /* the orders that expire are many */
        break;
    }
}

static void tell(struct telling *telling, const struct event *event)
{
    switch (event_entity(event->kind)) {
    case TRADING_ENTITY_ACCOUNT:
        tell_account_event(telling, event);
        break;
    case TRADING_ENTITY_PORTFOLIO:
        tell_portfolio_event(telling, event);
        break;
    case TRADING_ENTITY_ORDER:
        tell_order_event(telling, event);
        break;
    case TRADING_ENTITY_INSTRUMENT:
        tell_market_event(telling, event);
        break;
    default:
        if (event->kind == TRADING_EVENT_WORK_PAUSED)
            tell_work(telling, &event->work);
        else
            telling->out->cursor_position = event->cursor.position;
        break;
    }
}

int32_t event_publish(const struct domain *domain, const struct commit *commit, const struct cause *cause,
                      const struct event *event, trading_event *out, trading_error *error)
{
    *out = (trading_event){.position = event->position,
                           .previous = event->previous,
                           .time = commit->time,
                           .kind = (int32_t)event->kind,
                           .entity = event->number ? event_entity(event->kind) : 0,
                           .command = cause->type,
                           .key = cause->key,
                           .actor = cause->actor,
                           .correlation = cause->correlation};
    struct telling telling = {.domain = domain, .out = out};
    tell(&telling, event);
    if (!telling.missing)
        return TRADING_OK;
    return error_set(error, TRADING_E_DAMAGED,
                     "partition %u, event %" PRId64 " (%s) names what the state does not have; verify the store",
                     commit->partition, event->position, trading_event_name((int32_t)event->kind));
}
