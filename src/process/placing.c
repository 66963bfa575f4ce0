#include "process/placing.h"

#include "order/state.h"

uint32_t instrument_list(struct process *process, const trading_symbol *symbol, const trading_currency *currency)
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

void order_refuse(struct process *process, const struct order_terms *terms, const struct rejection *why)
{
    struct order_event rejected = event_of(terms);
    rejected.reason = why->reason;
    rejected.required = why->required;
    rejected.available = why->available;
    emit_order(process, TRADING_EVENT_ORDER_REJECTED, table_count(process->domain->orders.records) + 1, rejected);
}
