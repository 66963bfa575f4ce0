/* Folding: an event into the state of whatever contexts it concerns. What it cannot be is said in words, and stops the engine. */
#include "base/id.h"
#include "process/domain.h"

/* ---- messages ---- */

static bool is_other(const struct domain *domain, uint32_t partition)
{
    return partition < domain->place.partitions && partition != domain->place.partition;
}

const char *domain_receive(struct domain *domain, const struct cause *cause)
{
    if (!is_other(domain, cause->partition))
        return "a message is from no other partition";
    struct peer_record *peer = domain_edit_peer(domain, cause->partition);
    if (cause->position < peer->received)
        return "a message is applied twice";
    peer->received = cause->position + 1;
    return NULL;
}

__attribute__((cold)) static const char *fold_sent(struct domain *domain, const struct event *event)
{
    if (!is_other(domain, event->to - 1))
        return "a message is to no other partition";
    struct peer_record *peer = domain_edit_peer(domain, event->to - 1);
    if (event->before != peer->sent - 1)
        return "a message does not follow the one before it to its partition";
    peer->sent = event->position + 1;
    return NULL;
}

/* What an execution moves between an order's home and its book: the home of a buy has paid what the book's partition has taken along. */
__attribute__((cold)) static const char *fold_carried(struct domain *domain, const struct order_record *order, uint32_t ledger,
                                                      const struct order_event *executed)
{
    bool out = (order->side == TRADING_SIDE_BUY) == order_is_guest(order);
    market_fold_carried(&domain->market, order->instrument, out ? executed->quantity : -executed->quantity);
    return account_fold_carried(&domain->accounts, ledger, out ? -executed->amount : executed->amount);
}

/* ---- folding ---- */

__attribute__((cold)) static const char *fold_account_opened(struct domain *domain, const struct folding *folding,
                                                             const struct account_event *opened, const struct moment *at)
{
    trading_id id;
    id_derive(&id, TRADING_ENTITY_ACCOUNT, &(trading_id){0}, &folding->cause->key, 0);
    const char *broken = account_fold_opened(&domain->accounts, opened, &id, at);
    return broken ? broken : portfolio_fold_account(&domain->portfolios, opened->account);
}

static const char *fold_account(struct domain *domain, const struct folding *folding, const struct event *event,
                                struct moment *at)
{
    const struct account_event *account = &event->account;
    if (event->kind == TRADING_EVENT_ACCOUNT_OPENED)
        return fold_account_opened(domain, folding, account, at);
    if (account->portfolio && portfolio_get(&domain->portfolios, account->portfolio)->account != account->account)
        return "an alias is of a portfolio that is not the account's";
    const char *broken = account_fold(&domain->accounts, event->kind, account, at);
    return broken || !account->order ? broken : order_fold_funds(&domain->orders, event->kind, account);
}

/* Fills in what follows from the order that the shares move for. */
static const char *complete_shares(const struct domain *domain, uint32_t kind, const struct order_record *order,
                                   struct portfolio_event *event)
{
    int32_t side = kind == TRADING_EVENT_LOT_ACQUIRED ? TRADING_SIDE_BUY : TRADING_SIDE_SELL;
    bool named_another = kind == TRADING_EVENT_LOT_DISPOSED && order->lot && order->lot != event->lot;
    if (order->portfolio != event->portfolio || order->side != side || named_another)
        return "shares move for an order that is not the portfolio's";
    event->instrument = order->instrument;
    if (!event->holding) /* who just decided may have it at hand */
        event->holding = order->holding;
    event->named = order->lot != 0;
    if (kind == TRADING_EVENT_LOT_ACQUIRED) {
        event->lot = event->order;
        event->lot_number = order->bought;
        return NULL;
    }
    if (kind != TRADING_EVENT_LOT_DISPOSED)
        event->lot = order->lot;
    if (event->lot && !event->lot_number) /* as a sale has this */
        event->lot_number = order_get(&domain->orders, event->lot)->bought;
    return NULL;
}

__attribute__((cold)) static const char *fold_portfolio_opened(struct domain *domain, const struct folding *folding,
                                                               struct portfolio_event *opened, struct moment *at)
{
    trading_id id;
    const trading_id *scope = &account_get(&domain->accounts, opened->account)->id;
    id_derive(&id, TRADING_ENTITY_PORTFOLIO, scope, &folding->cause->key, 0);
    const char *broken = portfolio_fold(&domain->portfolios, TRADING_EVENT_PORTFOLIO_OPENED, opened, &id, at);
    return broken ? broken : order_fold_portfolio(&domain->orders, opened->portfolio);
}

/* Shares that move for an order. */
static const char *fold_shares(struct domain *domain, uint32_t kind, struct portfolio_event *shares, struct moment *at)
{
    const struct order_record *order = order_get(&domain->orders, shares->order);
    const char *broken = complete_shares(domain, kind, order, shares);
    if (!broken)
        broken = portfolio_fold(&domain->portfolios, kind, shares, NULL, at);
    if (!broken)
        order_fold_shares(&domain->orders, shares->order, order, shares->holding,
                          kind == TRADING_EVENT_LOT_ACQUIRED ? shares->lot_number : 0);
    return broken;
}

static const char *fold_portfolio(struct domain *domain, const struct folding *folding, struct event *event, struct moment *at)
{
    if (event->kind == TRADING_EVENT_PORTFOLIO_OPENED)
        return fold_portfolio_opened(domain, folding, &event->portfolio, at);
    if (event->portfolio.order)
        return fold_shares(domain, event->kind, &event->portfolio, at);
    return portfolio_fold(&domain->portfolios, event->kind, &event->portfolio, NULL, at);
}

static const char *fold_into_book(struct domain *domain, const struct event *event, struct order_event *order,
                                  const struct order_record *record, struct moment at)
{
    switch (event->kind) {
    case TRADING_EVENT_ORDER_RESTED:
        return market_fold_rested(&domain->market, record->instrument, record->side, record->limit, order->order,
                                  order->quantity, &order->entry);
    case TRADING_EVENT_ORDER_SENT:
    case TRADING_EVENT_ORDER_ROUTED:
        order->entry = market_fold_away(&domain->market, order->order, order->quantity);
        return NULL;
    case TRADING_EVENT_ORDER_EXECUTED:
    case TRADING_EVENT_GUEST_EXECUTED:
        return market_fold_traded(&domain->market, record->instrument, record->side, record->entry, order->quantity,
                                  order->price, at);
    case TRADING_EVENT_ORDER_CANCELED:
    case TRADING_EVENT_ORDER_EXPIRED:
    case TRADING_EVENT_GUEST_ENDED:
        return market_fold_ended(&domain->market, record->instrument, record->side, record->entry);
    default:
        return NULL;
    }
}

/* The ledger of an order's money: its account's; a guest's is that of the currency that it trades in. */
__attribute__((cold)) static uint32_t ledger_of_order(struct domain *domain, const struct order_record *order)
{
    if (!order_is_guest(order))
        return account_get(&domain->accounts, order->account)->ledger;
    return account_ledger(&domain->accounts, &instrument_get(&domain->market, order->instrument)->currency);
}

/* An execution that concerns two partitions, in either of them; what the roundings of its sides leave is the house's where the book is. */
static const char *fold_apart(struct domain *domain, const struct event *event, const struct order_record *order)
{
    bool of_partition = order_is_away(order) && !order_is_outside(order);
    if (event->kind != TRADING_EVENT_GUEST_EXECUTED && !(event->kind == TRADING_EVENT_ORDER_EXECUTED && of_partition))
        return NULL;
    uint32_t ledger = ledger_of_order(domain, order);
    const char *broken = fold_carried(domain, order, ledger, &event->order);
    return broken || !event->order.rounding ? broken : account_fold_house(&domain->accounts, ledger, event->order.rounding);
}

static bool makes_order(uint32_t kind)
{
    return kind == TRADING_EVENT_ORDER_PLACED || kind == TRADING_EVENT_ORDER_REJECTED || kind == TRADING_EVENT_GUEST_PLACED;
}

static const char *fold_new_order(struct domain *domain, struct folding *folding, struct event *event, struct moment at)
{
    struct order_event *order = &event->order;
    trading_id id = {0};
    if (order->instrument == 0 || order->instrument > table_count(domain->market.instruments))
        return "an order names an instrument that is not there";
    if (event->kind == TRADING_EVENT_GUEST_PLACED) {
        order->partition = folding->cause->flags & ENTRY_MESSAGE ? folding->cause->partition + 1 : 0;
        return order_fold_new(&domain->orders, event->kind, order, &id, at);
    }
    order->account = portfolio_get(&domain->portfolios, order->portfolio)->account;
    if (folding->order_id)
        id = *folding->order_id;
    else
        id_derive(&id, TRADING_ENTITY_ORDER, &account_get(&domain->accounts, order->account)->id, &folding->cause->key,
                  folding->ordinal);
    folding->order_id = NULL;
    folding->ordinal++;
    if (order->lot && order_get(&domain->orders, order->lot)->portfolio != order->portfolio)
        return "an order names a lot that is not its portfolio's";
    return order_fold_new(&domain->orders, event->kind, order, &id, at);
}

static const char *fold_order(struct domain *domain, struct folding *folding, struct event *event, struct moment *at)
{
    if (makes_order(event->kind))
        return fold_new_order(domain, folding, event, *at);
    struct order_event *order = &event->order;
    struct order_record *record = order_edit(&domain->orders, order->order);
    if (!record)
        return "an event names an order that is not there";
    order->partition = event->kind == TRADING_EVENT_ORDER_ROUTED ? ORDER_OUTSIDE : event->to;
    const char *broken = fold_into_book(domain, event, order, record, *at);
    if (!broken)
        broken = fold_apart(domain, event, record);
    return broken ? broken : order_fold(&domain->orders, record, event->kind, order, at);
}

/* The house stands in for an order that is away: its shares and its money are the house's from here on. */
__attribute__((cold)) static const char *fold_taken_over(struct domain *domain, const struct market_event *market,
                                                         const struct order_record *order)
{
    if (order->instrument != market->instrument || order->side != market->side || !order_is_away(order) ||
        order_is_outside(order))
        return "the house took over for an order that is not away";
    uint32_t ledger = ledger_of_order(domain, order);
    struct order_event executed = {.quantity = market->quantity, .amount = market->amount};
    const char *broken = fold_carried(domain, order, ledger, &executed);
    trading_decimal received = market->side == TRADING_SIDE_SELL ? market->amount : -market->amount;
    return broken ? broken : account_fold_house(&domain->accounts, ledger, received);
}

static const char *fold_market(struct domain *domain, struct event *event, struct moment *at)
{
    const struct market_event *market = &event->market;
    const char *broken = market_fold(&domain->market, event->kind, market, at);
    const struct order_record *order = order_get(&domain->orders, market->order);
    if (!broken && event->kind == TRADING_EVENT_TRADE_TAKEN_OVER)
        return fold_taken_over(domain, market, order);
    bool outside = event->kind == TRADING_EVENT_VENUE_TRADED;
    if (broken || (event->kind != TRADING_EVENT_QUOTE_TAKEN && !outside))
        return broken;
    if (order->instrument != market->instrument || order->side == market->side || market->price <= 0 ||
        order_is_outside(order) != outside)
        return "the house traded with an order that is not there";
    trading_decimal received = market->side == TRADING_SIDE_SELL ? market->amount : -market->amount;
    return account_fold_house(&domain->accounts, ledger_of_order(domain, order), received);
}

__attribute__((cold)) static const char *fold_work(struct domain *domain, const struct folding *folding,
                                                   const struct event *event)
{
    struct mark_record *mark = domain_edit_mark(domain);
    mark->work = event->work;
    mark->work_type = folding->cause->type;
    mark->work_account = folding->cause->account;
    mark->work_key = folding->cause->key;
    mark->work_actor = folding->cause->actor;
    mark->work_correlation = folding->cause->correlation;
    return NULL;
}

__attribute__((cold)) static const char *fold_cursor(struct domain *domain, const struct event *event)
{
    uint32_t number = event->number;
    if (number == 0 || number > table_count(domain->cursors) + 1)
        return "a cursor was acknowledged out of turn";
    if (number > table_count(domain->cursors)) {
        struct cursor_record *made = table_append(domain->cursors, &number);
        memcpy(made->name, event->cursor.name, event->cursor.name_size);
    }
    struct cursor_record *cursor = table_edit(domain->cursors, number);
    cursor->position = event->cursor.position;
    return NULL;
}

/* An event that is to a partition is all that is needed there; one that is to none names what is here. */
__attribute__((cold)) static const char *fold_address(struct domain *domain, const struct event *event)
{
    bool may_be_here = event->kind == TRADING_EVENT_TRANSFER_SENT || event->kind == TRADING_EVENT_TRANSFER_RECEIVED;
    bool sent = may_be_here ? event->account.other == 0 : event_may_be_sent(event->kind);
    if (sent != (event->to != 0))
        return "a message is to nowhere, or what is none to a partition";
    return sent ? fold_sent(domain, event) : NULL;
}

/* Of the kinds that belong to no context. */
__attribute__((cold)) static const char *fold_other(struct domain *domain, const struct folding *folding,
                                                    const struct event *event)
{
    switch (event->kind) {
    case TRADING_EVENT_WORK_PAUSED:
        return fold_work(domain, folding, event);
    case TRADING_EVENT_PARTITION_SPLIT:
        return domain_fold_split(domain, event);
    default:
        return fold_cursor(domain, event);
    }
}

static const char *apply(struct domain *domain, struct folding *folding, struct event *event, struct moment *at)
{
    switch (event_entity(event->kind)) {
    case TRADING_ENTITY_ACCOUNT:
        return fold_account(domain, folding, event, at);
    case TRADING_ENTITY_PORTFOLIO:
        return fold_portfolio(domain, folding, event, at);
    case TRADING_ENTITY_ORDER:
        return fold_order(domain, folding, event, at);
    case TRADING_ENTITY_INSTRUMENT:
        return fold_market(domain, event, at);
    default:
        return fold_other(domain, folding, event);
    }
}

const char *domain_fold(struct domain *domain, struct folding *folding, struct event *event)
{
    struct moment at = {.position = event->position, .time = folding->time, .previous = POSITION_NONE};
    const char *broken = event->to || event_may_be_sent(event->kind) ? fold_address(domain, event) : NULL;
    if (!broken)
        broken = apply(domain, folding, event, &at);
    event->previous = at.previous;
    return broken;
}
