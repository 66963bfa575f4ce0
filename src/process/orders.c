/* Placing and ending orders: the order, and what the account or the portfolio holds for it. */
#include "account/decide.h"
#include "base/id.h"
#include "base/wide.h"
#include "market/decide.h"
#include "order/decide.h"
#include "portfolio/decide.h"
#include "process/process.h"

#include <trading.h>

static void emit_order(struct process *process, uint32_t kind, uint32_t number, struct order_event order)
{
    struct event event = {.kind = kind, .number = number};
    event.order = order;
    event.order.order = number;
    process_emit(process, &event);
}

static void emit_funds(struct process *process, uint32_t kind, uint32_t account, uint32_t order, trading_decimal amount)
{
    struct event event = {.kind = kind, .number = account};
    event.account = (struct account_event){.account = account, .order = order, .amount = amount};
    process_emit(process, &event);
}

static void emit_shares(struct process *process, uint32_t kind, uint32_t portfolio, uint32_t order, trading_decimal quantity)
{
    struct event event = {.kind = kind, .number = portfolio};
    event.portfolio = (struct portfolio_event){.portfolio = portfolio, .order = order, .quantity = quantity};
    process_emit(process, &event);
}

static struct order_event event_of(const struct order_terms *terms)
{
    return (struct order_event){.portfolio = terms->portfolio,
                                .instrument = terms->instrument,
                                .lot = terms->lot,
                                .side = terms->side,
                                .type = terms->type,
                                .time_in_force = terms->time_in_force,
                                .quantity = terms->quantity,
                                .price = terms->limit};
}

uint32_t order_place(struct process *process, const struct order_terms *terms)
{
    struct domain *domain = process->domain;
    uint32_t order = table_count(domain->orders.records) + 1;
    uint32_t account = portfolio_get(&domain->portfolios, terms->portfolio)->account;
    emit_order(process, TRADING_EVENT_ORDER_PLACED, order, event_of(terms));
    if (terms->side == TRADING_SIDE_SELL)
        emit_shares(process, TRADING_EVENT_SHARES_RESERVED, terms->portfolio, order, terms->quantity);
    else if (terms->hold)
        emit_funds(process, TRADING_EVENT_FUNDS_HELD, account, order, terms->hold);
    return order;
}

void order_end(struct process *process, uint32_t number, uint32_t kind)
{
    const struct order_record before = *order_get(&process->domain->orders, number);
    trading_decimal leaves = order_leaves(&before);
    emit_order(process, kind, number, (struct order_event){.quantity = leaves});
    if (before.side == TRADING_SIDE_SELL)
        emit_shares(process, TRADING_EVENT_SHARES_RELEASED, before.portfolio, number, leaves);
    else if (before.held)
        emit_funds(process, TRADING_EVENT_FUNDS_RELEASED, before.account, number, before.held);
}

uint32_t process_instrument(struct process *process, const trading_symbol *symbol, const trading_currency *currency)
{
    struct market *market = &process->domain->market;
    uint32_t number = instrument_find(market, symbol);
    if (number)
        return number;
    number = table_count(market->instruments) + 1;
    struct event event = {.kind = TRADING_EVENT_INSTRUMENT_LISTED, .number = number};
    event.market = (struct market_event){.instrument = number, .symbol = *symbol, .currency = *currency};
    process_emit(process, &event);
    return number;
}

/* ---- the rules that an order passes, in this order ---- */

static bool decide_sell(const struct domain *domain, const trading_place_order *body, struct order_terms *terms,
                        struct rejection *why)
{
    if (!trading_id_is_zero(&body->lot)) {
        uint32_t bought = order_find(&domain->orders, &body->lot);
        if (!bought || order_get(&domain->orders, bought)->portfolio != terms->portfolio)
            return reject(why, TRADING_REASON_UNKNOWN_LOT);
        terms->lot = bought;
    }
    return portfolio_decide_sell(&domain->portfolios, terms->portfolio, terms->instrument, terms->lot, terms->quantity, why);
}

static bool decide_buy(const struct domain *domain, const struct account_record *account, trading_decimal collar,
                       struct order_terms *terms, struct rejection *why)
{
    if (terms->type == TRADING_ORDER_TYPE_MARKET &&
        !market_decide_cap(&domain->market, terms->instrument, collar, &terms->limit, why))
        return false;
    struct order_record order = {.quantity = terms->quantity, .limit = terms->limit};
    if (!order_hold(&order, 0, 0, &terms->hold))
        return reject(why, TRADING_REASON_TOO_LARGE);
    return account_decide_spend(account, terms->hold, why);
}

static bool decide_order(struct process *process, const struct request *request, struct order_terms *terms,
                         struct rejection *why)
{
    const trading_place_order *body = request->command->body;
    const struct domain *domain = process->domain;
    const struct account_record *account = account_get(&domain->accounts, request->cause.account);
    const struct instrument_record *instrument = instrument_get(&domain->market, terms->instrument);
    if (!account_decide_act(account, why) ||
        !portfolio_decide_order(portfolio_get(&domain->portfolios, request->portfolio), why))
        return false;
    if (memcmp(&instrument->currency, &account->currency, sizeof account->currency))
        return reject(why, TRADING_REASON_OTHER_CURRENCY);
    if (terms->side == TRADING_SIDE_SELL)
        return decide_sell(domain, body, terms, why);
    return decide_buy(domain, account, process->collar, terms, why);
}

/* The time in force of a market order is always immediate; of a limit order, the day where nothing is said. */
static int32_t time_in_force(const trading_place_order *body)
{
    if (body->type == TRADING_ORDER_TYPE_MARKET)
        return TRADING_TIME_IN_FORCE_IOC;
    return body->time_in_force ? body->time_in_force : TRADING_TIME_IN_FORCE_DAY;
}

static bool place(struct process *process, const struct request *request, struct rejection *why)
{
    const trading_place_order *body = request->command->body;
    const struct account_record *account = account_get(&process->domain->accounts, request->cause.account);
    trading_id id;
    id_derive(&id, TRADING_ENTITY_ORDER, &account->id, &request->cause.key, 0);
    if (order_find(&process->domain->orders, &id))
        return reject(why, TRADING_REASON_ALREADY_EXISTS);
    struct order_terms terms = {.portfolio = request->portfolio,
                                .instrument = process_instrument(process, &body->symbol, &account->currency),
                                .side = body->side,
                                .type = body->type,
                                .time_in_force = time_in_force(body),
                                .quantity = body->quantity,
                                .limit = body->limit_price};
    if (decide_order(process, request, &terms, why)) {
        process->work = (struct work){.kind = WORK_MATCH, .order = order_place(process, &terms)};
        return true;
    }
    struct order_event rejected = event_of(&terms);
    rejected.reason = why->reason;
    rejected.required = why->required;
    rejected.available = why->available;
    emit_order(process, TRADING_EVENT_ORDER_REJECTED, table_count(process->domain->orders.records) + 1, rejected);
    return true;
}

static bool cancel(struct process *process, const struct request *request, struct rejection *why)
{
    const struct domain *domain = process->domain;
    if (!account_decide_change(account_get(&domain->accounts, request->cause.account), why) ||
        !order_decide_cancel(order_get(&domain->orders, request->order), why))
        return false;
    order_end(process, request->order, TRADING_EVENT_ORDER_CANCELED);
    return true;
}

bool order_command(struct process *process, const struct request *request, struct rejection *why)
{
    return request->command->type == TRADING_COMMAND_PLACE_ORDER ? place(process, request, why) : cancel(process, request, why);
}
