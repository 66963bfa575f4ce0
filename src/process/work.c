/* Work that may be larger than one commit: each step leaves a state from which the next commit can go on. */
#include "process/work.h"

#include "base/id.h"
#include "order/state.h"
#include "portfolio/state.h"
#include "process/placing.h"
#include "process/trade.h"

static bool expire_day_orders(struct process *process)
{
    uint32_t order;
    while ((order = order_first_day(&process->domain->orders)) != 0) {
        if (!process_has_room(process))
            return false;
        order_end(process, order, TRADING_EVENT_ORDER_EXPIRED);
    }
    return true;
}

static bool cancel_open_orders(struct process *process, uint32_t portfolio)
{
    const struct orders *orders = &process->domain->orders;
    uint32_t at = desk_get(orders, portfolio)->first_open;
    while (at) {
        const struct resting_record *resting = resting_get(orders, at);
        uint32_t number = resting->order;
        at = resting->next_open;
        if (order_get(orders, number)->flags & ORDER_CANCEL_SENT)
            continue;
        if (!process_has_room(process))
            return false;
        order_cancel(process, number);
    }
    return true;
}

/* What of a holding may be sold: what an order that is away still holds is sold when that has ended. */
static trading_decimal free_of(const struct holding_record *holding)
{
    return holding->quantity - holding->reserved;
}

/* Work that a message left makes orders by the message's key: an id that a caller's key took already stays the caller's. */
static bool may_sell(const struct process *process, const struct holding_record *holding)
{
    const struct domain *domain = process->domain;
    uint32_t account = portfolio_get(&domain->portfolios, holding->portfolio)->account;
    trading_id id;
    id_derive(&id, TRADING_ENTITY_ORDER, &account_get(&domain->accounts, account)->id, &process->folding.cause->key,
              process->folding.ordinal);
    return free_of(holding) > 0 && !order_find(&domain->orders, &id);
}

/* The sale, to be matched; 0: it was sent to another partition, which does. */
static uint32_t sell_holding(struct process *process, const struct holding_record *holding)
{
    struct order_terms terms = {.portfolio = holding->portfolio,
                                .account = portfolio_get(&process->domain->portfolios, holding->portfolio)->account,
                                .instrument = holding->instrument,
                                .side = TRADING_SIDE_SELL,
                                .type = TRADING_ORDER_TYPE_MARKET,
                                .time_in_force = TRADING_TIME_IN_FORCE_IOC,
                                .quantity = free_of(holding)};
    uint32_t order = order_place(process, &terms);
    return order_is_away(order_get(&process->domain->orders, order)) ? 0 : order;
}

/* work->cursor is the holding that is sold next, work->order the sale that goes on; so the work can pause between any two trades. It only
 * pauses before something to sell: a commit that goes on with it has an event. */
static bool sell_holdings(struct process *process, struct work *work)
{
    for (;;) {
        if (work->order && !trade_order(process, work->order))
            return false;
        work->order = 0;
        if (!work->cursor)
            return true;
        const struct holding_record holding = *holding_get(&process->domain->portfolios, work->cursor);
        bool sells = may_sell(process, &holding);
        if (sells && !process_has_room(process))
            return false;
        if (sells)
            work->order = sell_holding(process, &holding);
        work->cursor = holding.next_of_portfolio;
    }
}

static void close_when_empty(struct process *process, uint32_t number)
{
    const struct portfolio_record *portfolio = portfolio_get(&process->domain->portfolios, number);
    bool empty = portfolio->held == 0 && desk_get(&process->domain->orders, number)->open == 0;
    if (!empty || portfolio->status == TRADING_PORTFOLIO_CLOSED)
        return;
    struct event closed = {.kind = TRADING_EVENT_PORTFOLIO_CLOSED, .number = number};
    closed.portfolio = (struct portfolio_event){.portfolio = number};
    process_emit(process, &closed);
}

static bool liquidate(struct process *process, struct work *work)
{
    if (!cancel_open_orders(process, work->subject) || !sell_holdings(process, work))
        return false;
    close_when_empty(process, work->subject);
    return true;
}

/* An order that was away came to its end while its portfolio closes: what it held is sold too. A sale at any price in the book is not tried
 * again; one at a venue outside was none there. */
static bool go_on_closing(struct process *process, struct work *work, uint32_t number)
{
    const struct domain *domain = process->domain;
    const struct order_record *order = order_get(&domain->orders, number);
    const struct portfolio_record *portfolio = portfolio_get(&domain->portfolios, order->portfolio);
    if (order_leaves(order) > 0 || portfolio->status != TRADING_PORTFOLIO_CLOSING || process->broken)
        return true;
    if (order->side == TRADING_SIDE_SELL && order->type == TRADING_ORDER_TYPE_MARKET && !order_is_outside(order)) {
        close_when_empty(process, order->portfolio);
        return true;
    }
    *work = (struct work){.kind = WORK_LIQUIDATE, .subject = order->portfolio, .cursor = portfolio->first_holding};
    return liquidate(process, work);
}

bool work_go_on(struct process *process)
{
    struct work *work = &process->work;
    switch (work->kind) {
    case WORK_MATCH:
        return trade_order(process, work->order);
    case WORK_QUOTE:
        return trade_quote(process, work->subject);
    case WORK_EXPIRE:
        return expire_day_orders(process);
    case WORK_SETTLE:
        return trade_settle(process, work) && go_on_closing(process, work, work->order);
    default:
        return liquidate(process, work);
    }
}
