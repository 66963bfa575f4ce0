#include "process/placing.h"

#include "order/state.h"

uint32_t instrument_list(struct process *process, const trading_symbol *symbol, const trading_currency *currency)
{
    struct market *market = &process->domain->market;
    uint32_t number = instrument_find(market, symbol);
    if (number)
        return number;
    number = table_count(market->instruments) + 1;
    uint32_t partition = domain_partition_of_book(process->domain, symbol);
    struct event event = {.kind = TRADING_EVENT_INSTRUMENT_LISTED, .number = number};
    event.market = (struct market_event){.instrument = number, .symbol = *symbol};
    if (partition == process->domain->place.partition)
        event.market.currency = *currency;
    else
        event.market.partition = partition + 1;
    process_emit(process, &event);
    return number;
}

static void emit_funds(struct process *process, uint32_t kind, uint32_t account, uint32_t order, trading_decimal amount)
{
    struct event event = {.kind = kind, .number = account};
    event.account = (struct account_event){.account = account, .order = order, .amount = amount};
    process_emit(process, &event);
}

/* holding: the position's number, where it is at hand. */
static void emit_shares(struct process *process, uint32_t kind, uint32_t portfolio, uint32_t order, uint32_t holding,
                        trading_decimal quantity)
{
    struct event event = {.kind = kind, .number = portfolio};
    event.portfolio =
        (struct portfolio_event){.portfolio = portfolio, .order = order, .holding = holding, .quantity = quantity};
    process_emit(process, &event);
}

/* An event that makes an order of the terms. */
static struct event order_of(uint32_t kind, uint32_t number, const struct order_terms *terms)
{
    return (struct event){.kind = kind,
                          .number = number,
                          .order = {.order = number,
                                    .portfolio = terms->portfolio,
                                    .instrument = terms->instrument,
                                    .lot = terms->lot,
                                    .side = terms->side,
                                    .type = terms->type,
                                    .time_in_force = terms->time_in_force,
                                    .quantity = terms->quantity,
                                    .price = terms->limit}};
}

/* To the partition that has its book. */
__attribute__((cold)) static void send_order(struct process *process, uint32_t number, const struct order_terms *terms)
{
    const struct domain *domain = process->domain;
    const struct instrument_record *instrument = instrument_get(&domain->market, terms->instrument);
    const struct order_record *order = order_get(&domain->orders, number);
    struct event sent = {.kind = TRADING_EVENT_ORDER_SENT, .number = number, .to = instrument->partition};
    sent.order = (struct order_event){.order = number,
                                      .id = order->id,
                                      .symbol = instrument->symbol,
                                      .currency = account_get(&domain->accounts, order->account)->currency,
                                      .side = terms->side,
                                      .type = terms->type,
                                      .time_in_force = terms->time_in_force,
                                      .quantity = terms->quantity,
                                      .price = terms->limit};
    process_emit(process, &sent);
}

/* What of an order is told with a quantity, or with nothing more. */
static void emit_order(struct process *process, uint32_t kind, uint32_t number, trading_decimal quantity)
{
    struct event event = {.kind = kind, .number = number};
    event.order = (struct order_event){.order = number, .quantity = quantity};
    process_emit(process, &event);
}

uint32_t order_place(struct process *process, const struct order_terms *terms)
{
    struct domain *domain = process->domain;
    uint32_t order = table_count(domain->orders.records) + 1;
    struct event placed = order_of(TRADING_EVENT_ORDER_PLACED, order, terms);
    process_emit(process, &placed);
    if (terms->side == TRADING_SIDE_SELL)
        emit_shares(process, TRADING_EVENT_SHARES_RESERVED, terms->portfolio, order, terms->holding, terms->quantity);
    else if (terms->hold)
        emit_funds(process, TRADING_EVENT_FUNDS_HELD, terms->account, order, terms->hold);
    if (terms->outside)
        emit_order(process, TRADING_EVENT_ORDER_ROUTED, order, terms->quantity);
    else if (instrument_is_away(instrument_get(&domain->market, terms->instrument)))
        send_order(process, order, terms);
    return order;
}

__attribute__((cold)) static void end_guest(struct process *process, uint32_t number, int32_t status, int32_t reason)
{
    const struct order_record *guest = order_get(&process->domain->orders, number);
    struct event ended = {.kind = TRADING_EVENT_GUEST_ENDED, .number = number, .to = guest->partition};
    ended.order = (struct order_event){
        .order = number, .id = guest->id, .quantity = order_leaves(guest), .status = status, .reason = reason};
    process_emit(process, &ended);
}

void order_refuse_guest(struct process *process, uint32_t number, int32_t reason)
{
    end_guest(process, number, TRADING_ORDER_STATUS_CANCELED, reason);
}

void order_end(struct process *process, uint32_t number, uint32_t kind)
{
    const struct order_record before = *order_get(&process->domain->orders, number);
    if (order_is_guest(&before)) {
        end_guest(process, number,
                  kind == TRADING_EVENT_ORDER_EXPIRED ? TRADING_ORDER_STATUS_EXPIRED : TRADING_ORDER_STATUS_CANCELED, 0);
        return;
    }
    trading_decimal leaves = order_leaves(&before);
    emit_order(process, kind, number, leaves);
    if (before.side == TRADING_SIDE_SELL)
        emit_shares(process, TRADING_EVENT_SHARES_RELEASED, before.portfolio, number, before.holding, leaves);
    else if (before.held)
        emit_funds(process, TRADING_EVENT_FUNDS_RELEASED, before.account, number, before.held);
}

void order_cancel(struct process *process, uint32_t number)
{
    const struct order_record *order = order_get(&process->domain->orders, number);
    if (!order_is_away(order)) {
        order_end(process, number, TRADING_EVENT_ORDER_CANCELED);
        return;
    }
    if (order_is_outside(order)) {
        emit_order(process, TRADING_EVENT_CANCEL_ROUTED, number, 0);
        return;
    }
    struct event sent = {.kind = TRADING_EVENT_CANCEL_SENT, .number = number, .to = order->partition};
    sent.order = (struct order_event){.order = number, .id = order->id};
    process_emit(process, &sent);
}

void order_refuse(struct process *process, const struct order_terms *terms, const struct rejection *why)
{
    uint32_t number = table_count(process->domain->orders.records) + 1;
    struct event rejected = order_of(TRADING_EVENT_ORDER_REJECTED, number, terms);
    rejected.order.reason = why->reason;
    rejected.order.required = why->required;
    rejected.order.available = why->available;
    process_emit(process, &rejected);
}
