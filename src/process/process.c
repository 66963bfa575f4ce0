#include "process/process.h"

#include "base/id.h"
#include "base/moment.h"
#include "process/commands.h"
#include "process/work.h"

#include <trading.h>

/* ---- locating ---- */

static void of_account(const struct domain *domain, struct request *request, uint32_t account)
{
    request->cause.account = account;
    request->account_record = account_get(&domain->accounts, account);
}

static bool locate_portfolio(const struct domain *domain, struct request *request, const trading_id *id, struct rejection *why)
{
    request->portfolio = request->foreseen->portfolio;
    request->portfolio_record = portfolio_get(&domain->portfolios, request->portfolio);
    if (!request->portfolio || !id_equal(&request->portfolio_record->id, id)) {
        request->portfolio = portfolio_find(&domain->portfolios, id);
        request->portfolio_record = portfolio_get(&domain->portfolios, request->portfolio);
    }
    if (!request->portfolio)
        return reject(why, TRADING_REASON_UNKNOWN_PORTFOLIO);
    of_account(domain, request, request->portfolio_record->account);
    return true;
}

static bool locate_order(const struct domain *domain, struct request *request, const trading_id *id, struct rejection *why)
{
    request->order = request->foreseen->order;
    const struct order_record *order = order_get(&domain->orders, request->order);
    if (!request->order || !id_equal(&order->id, id)) {
        request->order = order_find(&domain->orders, id);
        order = order_get(&domain->orders, request->order);
    }
    if (!request->order || order_is_guest(order))
        return reject(why, TRADING_REASON_UNKNOWN_ORDER);
    of_account(domain, request, order->account);
    return true;
}

static bool locate_account(const struct domain *domain, struct request *request, struct rejection *why)
{
    const trading_id *id = &request->command->account;
    of_account(domain, request, request->foreseen->account);
    if (request->cause.account && id_equal(&request->account_record->id, id))
        return true;
    of_account(domain, request, account_find(&domain->accounts, id));
    return request->cause.account || reject(why, TRADING_REASON_UNKNOWN_ACCOUNT);
}

/* An account may be left out where the body names what is of one; a wrong one knows nothing of another's things. */
static bool is_owner(const struct request *request)
{
    const trading_id *claimed = &request->command->account;
    return id_is_zero(claimed) || id_equal(claimed, &request->account_record->id);
}

/* The order's id, which is known where the account and its key were foreseen. */
static bool locate_placed(const struct domain *domain, struct request *request, const trading_id *portfolio,
                          struct rejection *why)
{
    if (!locate_portfolio(domain, request, portfolio, why) || !is_owner(request))
        return reject(why, TRADING_REASON_UNKNOWN_PORTFOLIO);
    const struct named *foreseen = request->foreseen;
    if (foreseen->account == request->cause.account && !id_is_zero(&foreseen->placed))
        request->placed = foreseen->placed;
    else
        id_derive(&request->placed, TRADING_ENTITY_ORDER, &request->account_record->id, &request->cause.key, 0);
    return true;
}

/* The order that the body of such a command names. */
static const trading_id *order_in_body(const trading_command *command)
{
    switch (command->type) {
    case TRADING_COMMAND_BOOK_EXECUTION:
        return &((const trading_book_execution *)command->body)->order;
    case TRADING_COMMAND_END_ORDER:
        return &((const trading_end_order *)command->body)->order;
    default:
        return &((const trading_cancel_order *)command->body)->order;
    }
}

__attribute__((cold)) static bool locate_refund(const struct domain *domain, struct request *request, struct rejection *why)
{
    const trading_accept_refund *body = request->command->body;
    if (!locate_account(domain, request, why))
        return false;
    if (id_is_zero(&body->order))
        return true;
    return (locate_order(domain, request, &body->order, why) && is_owner(request)) || reject(why, TRADING_REASON_UNKNOWN_ORDER);
}

__attribute__((cold)) static bool locate_aliased(const struct domain *domain, struct request *request, struct rejection *why)
{
    const trading_bind_alias *body = request->command->body;
    if (id_is_zero(&body->portfolio))
        return locate_account(domain, request, why);
    return (locate_portfolio(domain, request, &body->portfolio, why) && is_owner(request)) ||
           reject(why, TRADING_REASON_UNKNOWN_PORTFOLIO);
}

bool process_locate(const struct domain *domain, struct request *request, struct rejection *why)
{
    const void *body = request->command->body;
    switch (request->command->type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
    case TRADING_COMMAND_SET_QUOTE:
    case TRADING_COMMAND_END_SESSION:
    case TRADING_COMMAND_ACKNOWLEDGE:
        return id_is_zero(&request->command->account) || reject(why, TRADING_REASON_BAD_REQUEST);
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
        return locate_placed(domain, request, &((const trading_place_order *)body)->portfolio, why);
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        return (locate_portfolio(domain, request, &((const trading_close_portfolio *)body)->portfolio, why) &&
                is_owner(request)) ||
               reject(why, TRADING_REASON_UNKNOWN_PORTFOLIO);
    case TRADING_COMMAND_CANCEL_ORDER:
    case TRADING_COMMAND_BOOK_EXECUTION:
    case TRADING_COMMAND_END_ORDER:
        return (locate_order(domain, request, order_in_body(request->command), why) && is_owner(request)) ||
               reject(why, TRADING_REASON_UNKNOWN_ORDER);
    case TRADING_COMMAND_BIND_ALIAS:
        return locate_aliased(domain, request, why);
    case TRADING_COMMAND_ACCEPT_REFUND:
        return locate_refund(domain, request, why);
    default:
        return locate_account(domain, request, why);
    }
}

int64_t process_version(const struct domain *domain, const struct request *request, const struct outcome *outcome)
{
    switch (request->command->type) {
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        return request->portfolio_record->version;
    case TRADING_COMMAND_CANCEL_ORDER:
    case TRADING_COMMAND_BOOK_EXECUTION:
    case TRADING_COMMAND_END_ORDER:
        return order_get(&domain->orders, request->order)->version;
    case TRADING_COMMAND_BIND_ALIAS:
        return request->portfolio ? request->portfolio_record->version : request->account_record->version;
    case TRADING_COMMAND_SET_QUOTE: {
        const trading_set_quote *body = request->command->body;
        return instrument_get(&domain->market, instrument_find(&domain->market, &body->symbol))->version;
    }
    case TRADING_COMMAND_OPEN_ACCOUNT:
        return outcome ? account_get(&domain->accounts, outcome->account)->version : 0;
    case TRADING_COMMAND_END_SESSION:
    case TRADING_COMMAND_ACKNOWLEDGE:
        return 0;
    default:
        return request->account_record->version;
    }
}

/* ---- deciding ---- */

void process_work(struct process *process)
{
    if (process->work.kind == WORK_NONE || process->broken || work_go_on(process) || process->broken)
        return;
    struct event paused = {.kind = TRADING_EVENT_WORK_PAUSED, .work = process->work};
    paused.work.ordinal = process->folding.ordinal;
    process_emit(process, &paused);
    process->paused = true;
}

/* Refuses by a rule of an account or the market, and remembers it. */
__attribute__((cold)) static void emit_rejection(struct process *process, const struct cause *cause,
                                                 const struct rejection *why)
{
    struct event event = {.kind = TRADING_EVENT_COMMAND_REJECTED, .number = cause->account};
    event.account = (struct account_event){
        .account = cause->account, .reason = why->reason, .required = why->required, .available = why->available};
    process_emit(process, &event);
}

static bool dispatch(struct process *process, const struct request *request, struct rejection *why)
{
    switch (request->command->type) {
    case TRADING_COMMAND_OPEN_PORTFOLIO:
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        return portfolio_command(process, request, why);
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
    case TRADING_COMMAND_CANCEL_ORDER:
    case TRADING_COMMAND_BOOK_EXECUTION:
    case TRADING_COMMAND_END_ORDER:
        return order_command(process, request, why);
    case TRADING_COMMAND_SET_QUOTE:
    case TRADING_COMMAND_END_SESSION:
    case TRADING_COMMAND_ACKNOWLEDGE:
        return market_command(process, request, why);
    default:
        return account_command(process, request, why);
    }
}

/* Malformed in the light of the state, or in the way of another's id: nothing to remember. */
static bool is_forgettable(int32_t reason)
{
    return reason == TRADING_REASON_TOO_PRECISE || reason == TRADING_REASON_ALREADY_EXISTS;
}

bool process_command(struct process *process, const struct request *request, trading_result *result, struct rejection *why)
{
    struct writer start = *process->out;
    struct entry_mark mark;
    process_begin(process, &request->cause);
    entry_begin(process->out, &request->cause, &mark);
    if (!dispatch(process, request, why)) {
        if (is_forgettable(why->reason)) {
            *process->out = start;
            return false;
        }
        emit_rejection(process, &request->cause, why);
    }
    process_work(process);
    int64_t version = process_version(process->domain, request, &process->outcome);
    entry_end(process->out, &mark, process->events, version);
    outcome_result(&process->outcome, process->domain, request, result);
    result->version = version;
    return true;
}

void process_continue(struct process *process)
{
    struct mark_record mark = *domain_mark(process->domain);
    struct cause cause = {.type = mark.work_type,
                          .flags = ENTRY_CONTINUED,
                          .key = mark.work_key,
                          .account = mark.work_account,
                          .actor = mark.work_actor,
                          .correlation = mark.work_correlation};
    struct entry_mark entry;
    process_begin(process, &cause);
    process->work = mark.work;
    process->folding.ordinal = mark.work.ordinal;
    entry_begin(process->out, &cause, &entry);
    domain_resume(process->domain);
    process_work(process);
    entry_end(process->out, &entry, process->events, 0);
    process->folding.cause = NULL;
}

void process_replay_begin(struct process *process, const struct cause *cause)
{
    process_begin(process, cause);
    if (cause->flags & ENTRY_MESSAGE)
        process->broken = domain_receive(process->domain, cause);
    if (cause->flags & ENTRY_CONTINUED) {
        process->folding.ordinal = domain_mark(process->domain)->work.ordinal;
        domain_resume(process->domain);
    }
}

void process_replay_event(struct process *process, struct event *event)
{
    int64_t previous = event->previous;
    process->next_position++;
    if (process->broken) /* by what its entry applies */
        return;
    process->broken = domain_fold(process->domain, &process->folding, event);
    if (!process->broken && event->previous != previous)
        process->broken = "an event does not follow the one before it of its entity";
}
