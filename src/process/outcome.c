#include "process/outcome.h"

#include "base/moment.h"
#include "base/wide.h"
#include "order/decide.h"
#include "process/request.h"

void outcome_begin(struct outcome *outcome, const struct cause *cause)
{
    *outcome = (struct outcome){.type = cause->type, .account = cause->account, .last_position = POSITION_NONE};
}

static void note_placed(struct outcome *outcome, const struct event *event)
{
    const struct order_event *order = &event->order;
    bool rejected = event->kind == TRADING_EVENT_ORDER_REJECTED;
    outcome->order = order->order;
    outcome->order_status = rejected ? TRADING_ORDER_STATUS_REJECTED : TRADING_ORDER_STATUS_NEW;
    outcome->reason = order->reason;
    outcome->required = order->required;
    outcome->available = order->available;
}

/* Of the orders in a command's events, its own is the one that it places or cancels; the others are its counterparts. */
static void note_order(struct outcome *outcome, const struct event *event)
{
    const struct order_event *order = &event->order;
    bool places = event->kind == TRADING_EVENT_ORDER_PLACED || event->kind == TRADING_EVENT_ORDER_REJECTED;
    if (places && command_places_order(outcome->type))
        note_placed(outcome, event);
    if (!outcome->order && command_names_order(outcome->type)) /* of one that goes on to close its portfolio, the first */
        outcome->order = order->order;
    if (order->order != outcome->order)
        return;
    if (event->kind == TRADING_EVENT_ORDER_EXECUTED) {
        outcome->filled += order->quantity;
        wide_sum_add(&outcome->notional, wide_product(order->quantity, order->price));
    }
    if (event->kind == TRADING_EVENT_ORDER_CANCELED)
        outcome->order_status = TRADING_ORDER_STATUS_CANCELED;
}

void outcome_note(struct outcome *outcome, const struct event *event)
{
    outcome->last_position = event->position;
    if (order_has_kind(event->kind)) {
        note_order(outcome, event);
        return;
    }
    switch (event->kind) {
    case TRADING_EVENT_ACCOUNT_OPENED:
        outcome->account = event->number;
        break;
    case TRADING_EVENT_PORTFOLIO_OPENED:
    case TRADING_EVENT_PORTFOLIO_CLOSING:
        outcome->portfolio = event->number;
        break;
    case TRADING_EVENT_ALIAS_BOUND:
        outcome->portfolio = event->account.portfolio;
        break;
    case TRADING_EVENT_REFUND_ACCEPTED:
        outcome->order = event->account.order;
        break;
    case TRADING_EVENT_COMMAND_REJECTED:
        outcome->reason = event->account.reason;
        outcome->required = event->account.required;
        outcome->available = event->account.available;
        break;
    default:
        break;
    }
}

/* Of an order that the command placed, as it stood when the command was done. */
static void tell_placed(const struct outcome *outcome, const struct order_record *order, trading_result *result)
{
    result->order_status = outcome->order_status;
    if (outcome->order_status == TRADING_ORDER_STATUS_NEW && outcome->filled)
        result->order_status =
            outcome->filled == order->quantity ? TRADING_ORDER_STATUS_FILLED : TRADING_ORDER_STATUS_PARTIALLY_FILLED;
    result->filled_quantity = outcome->filled;
    if (outcome->filled)
        wide_narrow(wide_round(wide_sum_get(&outcome->notional), outcome->filled), &result->average_price);
}

/* Of an order that the command canceled: nothing of it changes any more, unless it is away and the cancel on its way. */
static void tell_canceled(const struct order_record *order, trading_result *result)
{
    result->order_status = order->status;
    result->filled_quantity = order->filled;
    result->average_price = order_average(order);
}

static const struct account_record *account_of(const struct domain *domain, const struct request *request, uint32_t account)
{
    return account == request->cause.account ? request->account_record : account_get(&domain->accounts, account);
}

/* Of what belongs to an account, and to which it does. Most commands are about an account alone, so it is out of line. */
__attribute__((noinline)) static uint32_t tell_belongings(const struct outcome *outcome, const struct domain *domain,
                                                          trading_result *result)
{
    uint32_t portfolio = outcome->portfolio;
    uint32_t account = outcome->account;
    if (outcome->order) {
        const struct order_record *order = order_get(&domain->orders, outcome->order);
        portfolio = order->portfolio;
        account = order->account;
        result->order = order->id;
        if (command_places_order(outcome->type))
            tell_placed(outcome, order, result);
        else if (outcome->type == TRADING_COMMAND_CANCEL_ORDER)
            tell_canceled(order, result);
    }
    if (portfolio) {
        const struct portfolio_record *record = portfolio_get(&domain->portfolios, portfolio);
        result->portfolio = record->id;
        account = record->account;
    }
    return account;
}

void outcome_result(const struct outcome *outcome, const struct domain *domain, const struct request *request,
                    trading_result *result)
{
    *result = (trading_result){.status = outcome->reason ? TRADING_STATUS_REJECTED : TRADING_STATUS_ACCEPTED,
                               .reason = outcome->reason,
                               .position = outcome->last_position,
                               .required = outcome->required,
                               .available = outcome->available};
    uint32_t account = outcome->account;
    if (outcome->order || outcome->portfolio)
        account = tell_belongings(outcome, domain, result);
    if (account)
        result->account = account_of(domain, request, account)->id;
}
