/* Work that may be larger than one commit: each step leaves a state from which the next commit can go on. */
#include "process/work.h"

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
    uint32_t order;
    while ((order = order_first_open(&process->domain->orders, portfolio)) != 0) {
        if (!process_has_room(process))
            return false;
        order_end(process, order, TRADING_EVENT_ORDER_CANCELED);
    }
    return true;
}

static uint32_t sell_holding(struct process *process, const struct holding_record *holding)
{
    struct order_terms terms = {.portfolio = holding->portfolio,
                                .instrument = holding->instrument,
                                .side = TRADING_SIDE_SELL,
                                .type = TRADING_ORDER_TYPE_MARKET,
                                .time_in_force = TRADING_TIME_IN_FORCE_IOC,
                                .quantity = holding->quantity};
    return order_place(process, &terms);
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
        if (holding.quantity && !process_has_room(process))
            return false;
        if (holding.quantity)
            work->order = sell_holding(process, &holding);
        work->cursor = holding.next_of_portfolio;
    }
}

static bool liquidate(struct process *process, struct work *work)
{
    if (!cancel_open_orders(process, work->subject) || !sell_holdings(process, work))
        return false;
    const struct portfolio_record *portfolio = portfolio_get(&process->domain->portfolios, work->subject);
    if (portfolio->held == 0 && portfolio->status != TRADING_PORTFOLIO_CLOSED) {
        struct event closed = {.kind = TRADING_EVENT_PORTFOLIO_CLOSED, .number = work->subject};
        closed.portfolio = (struct portfolio_event){.portfolio = work->subject};
        process_emit(process, &closed);
    }
    return true;
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
    default:
        return liquidate(process, work);
    }
}
