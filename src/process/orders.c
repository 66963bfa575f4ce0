/* Commands that an order decides, together with the account or portfolio that holds what it needs. */
#include "account/decide.h"
#include "base/id.h"
#include "base/text.h"
#include "base/wide.h"
#include "market/decide.h"
#include "order/decide.h"
#include "portfolio/decide.h"
#include "process/commands.h"
#include "process/placing.h"
#include "process/trade.h"

#include <trading.h>

/* ---- the rules that an order passes, in this order ---- */

/* The order whose lot is named, where it is one of the portfolio's own; else 0. */
__attribute__((cold)) static uint32_t named_lot(const struct domain *domain, const trading_place_order *body,
                                                uint32_t portfolio)
{
    if (id_is_zero(&body->lot))
        return 0;
    uint32_t bought = order_find(&domain->orders, &body->lot);
    return bought && order_get(&domain->orders, bought)->portfolio == portfolio ? bought : 0;
}

static bool decide_sell(const struct domain *domain, const trading_place_order *body, struct order_terms *terms,
                        struct rejection *why)
{
    uint32_t lot = terms->lot ? order_get(&domain->orders, terms->lot)->bought : 0;
    if (!id_is_zero(&body->lot) && !lot)
        return reject(why, TRADING_REASON_UNKNOWN_LOT);
    terms->holding = holding_find(&domain->portfolios, terms->portfolio, terms->instrument);
    return portfolio_decide_sell(&domain->portfolios, terms->holding, lot, terms->quantity, why);
}

static bool decide_buy(const struct account_record *account, trading_decimal ask, trading_decimal collar,
                       struct order_terms *terms, struct rejection *why)
{
    if (terms->type == TRADING_ORDER_TYPE_MARKET && !market_decide_cap(ask, collar, &terms->limit, why))
        return false;
    struct order_record order = {.quantity = terms->quantity, .limit = terms->limit};
    if (!order_hold(&order, 0, 0, 0, &terms->hold))
        return reject(why, TRADING_REASON_TOO_LARGE);
    return account_decide_spend(account, terms->hold, why);
}

static bool decide_order(struct process *process, const struct request *request, struct order_terms *terms,
                         struct rejection *why)
{
    const trading_place_order *body = request->command->body;
    const struct domain *domain = process->domain;
    const struct account_record *account = request->account_record;
    const struct instrument_record *instrument = instrument_get(&domain->market, terms->instrument);
    if (!account_decide_act(account, why) || !portfolio_decide_order(request->portfolio_record, why))
        return false;
    bool away = instrument_is_away(instrument);
    const trading_currency *currency = away ? &request->stamp.currency : &instrument->currency;
    bool unknown = away && !currency->text[0]; /* then its book's partition says */
    if (!unknown && !currency_equal(currency, &account->currency))
        return reject(why, TRADING_REASON_OTHER_CURRENCY);
    if (terms->side == TRADING_SIDE_SELL)
        return decide_sell(domain, body, terms, why);
    return decide_buy(account, away ? request->stamp.ask : instrument->ask, process->collar, terms, why);
}

/* The time in force of a market order is always immediate; of a limit order, the day where nothing is said. */
static int32_t time_in_force(const trading_place_order *body)
{
    if (body->type == TRADING_ORDER_TYPE_MARKET)
        return TRADING_TIME_IN_FORCE_IOC;
    return body->time_in_force ? body->time_in_force : TRADING_TIME_IN_FORCE_DAY;
}

/* What the order names by its symbol. */
static uint32_t instrument_of(struct process *process, const struct request *request, const trading_symbol *symbol)
{
    uint32_t foreseen = request->foreseen->instrument;
    if (foreseen && symbol_equal(&instrument_get(&process->domain->market, foreseen)->symbol, symbol))
        return foreseen;
    return instrument_list(process, symbol, &request->account_record->currency);
}

static bool place(struct process *process, const struct request *request, struct rejection *why)
{
    const trading_place_order *body = request->command->body;
    if (order_find(&process->domain->orders, &request->placed))
        return reject(why, TRADING_REASON_ALREADY_EXISTS);
    process->folding.order_id = &request->placed;
    struct order_terms terms = {.portfolio = request->portfolio,
                                .account = request->cause.account,
                                .instrument = instrument_of(process, request, &body->symbol),
                                .lot = named_lot(process->domain, body, request->portfolio),
                                .side = body->side,
                                .type = body->type,
                                .time_in_force = time_in_force(body),
                                .quantity = body->quantity,
                                .limit = body->limit_price,
                                .outside = request->command->type == TRADING_COMMAND_ROUTE_ORDER};
    if (decide_order(process, request, &terms, why)) {
        uint32_t order = order_place(process, &terms);
        if (!order_is_away(order_get(&process->domain->orders, order)))
            process->work = (struct work){.kind = WORK_MATCH, .order = order};
        return true;
    }
    order_refuse(process, &terms, why);
    return true;
}

static bool cancel(struct process *process, const struct request *request, struct rejection *why)
{
    const struct domain *domain = process->domain;
    if (!account_decide_change(request->account_record, why) ||
        !order_decide_cancel(order_get(&domain->orders, request->order), why))
        return false;
    order_cancel(process, request->order);
    return true;
}

/* ---- what a venue outside says of an order ---- */

static bool book_execution(struct process *process, const struct request *request, struct rejection *why)
{
    const trading_book_execution *body = request->command->body;
    const struct domain *domain = process->domain;
    const struct order_record *order = order_get(&domain->orders, request->order);
    struct work work = {.kind = WORK_SETTLE, .order = request->order, .quantity = body->quantity, .price = body->price};
    if (!order_decide_execution(order, body->quantity, body->price, why) ||
        !market_decide_venue(instrument_get(&domain->market, order->instrument), order->side, body->quantity, why))
        return false;
    if (!trade_fits(process, &work))
        return reject(why, TRADING_REASON_TOO_LARGE);
    process->work = work;
    return true;
}

static bool end(struct process *process, const struct request *request, struct rejection *why)
{
    const trading_end_order *body = request->command->body;
    if (!order_decide_end(order_get(&process->domain->orders, request->order), why))
        return false;
    bool expired = body->status == TRADING_ORDER_STATUS_EXPIRED;
    order_end(process, request->order, expired ? TRADING_EVENT_ORDER_EXPIRED : TRADING_EVENT_ORDER_CANCELED);
    process->work = (struct work){.kind = WORK_SETTLE, .order = request->order}; /* its portfolio may wait for it to close */
    return true;
}

bool order_command(struct process *process, const struct request *request, struct rejection *why)
{
    switch (request->command->type) {
    case TRADING_COMMAND_CANCEL_ORDER:
        return cancel(process, request, why);
    case TRADING_COMMAND_BOOK_EXECUTION:
        return book_execution(process, request, why);
    case TRADING_COMMAND_END_ORDER:
        return end(process, request, why);
    default:
        return place(process, request, why);
    }
}
