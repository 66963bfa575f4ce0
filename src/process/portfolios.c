/* Commands that a portfolio decides. */
#include "account/decide.h"
#include "base/id.h"
#include "portfolio/decide.h"
#include "process/commands.h"

static bool open_portfolio(struct process *process, const struct request *request, struct rejection *why)
{
    struct domain *domain = process->domain;
    const struct account_record *account = request->account_record;
    if (!account_decide_act(account, why))
        return false;
    trading_id id;
    id_derive(&id, TRADING_ENTITY_PORTFOLIO, &account->id, &request->cause.key, 0);
    if (portfolio_find(&domain->portfolios, &id))
        return reject(why, TRADING_REASON_ALREADY_EXISTS);
    uint32_t number = table_count(domain->portfolios.records) + 1;
    struct event event = {.kind = TRADING_EVENT_PORTFOLIO_OPENED, .number = number};
    event.portfolio = (struct portfolio_event){.portfolio = number,
                                               .account = request->cause.account,
                                               .sealed = request->sealed.data,
                                               .sealed_size = request->sealed.size};
    process_emit(process, &event);
    return true;
}

static bool close_portfolio(struct process *process, const struct request *request, struct rejection *why)
{
    struct domain *domain = process->domain;
    const struct portfolio_record *portfolio = request->portfolio_record;
    const struct account_record *account = request->account_record;
    if (!account_decide_act(account, why) || !portfolio_decide_close(portfolio, why))
        return false;
    trading_id sale; /* the first: a key that was forgotten may have made an order of that id */
    id_derive(&sale, TRADING_ENTITY_ORDER, &account->id, &request->cause.key, 0);
    if (order_find(&domain->orders, &sale))
        return reject(why, TRADING_REASON_ALREADY_EXISTS);
    process->work = (struct work){.kind = WORK_LIQUIDATE, .subject = request->portfolio, .cursor = portfolio->first_holding};
    struct event event = {.kind = TRADING_EVENT_PORTFOLIO_CLOSING, .number = request->portfolio};
    event.portfolio = (struct portfolio_event){.portfolio = request->portfolio};
    process_emit(process, &event);
    return true;
}

bool portfolio_command(struct process *process, const struct request *request, struct rejection *why)
{
    if (request->command->type == TRADING_COMMAND_OPEN_PORTFOLIO)
        return open_portfolio(process, request, why);
    return close_portfolio(process, request, why);
}
