/* Commands that an account decides. */
#include "account/decide.h"
#include "base/id.h"
#include "base/text.h"
#include "order/decide.h"
#include "process/commands.h"

#include <trading.h>

static bool is_whole(trading_decimal minor_unit, trading_decimal amount, struct rejection *why)
{
    return amount % minor_unit == 0 || reject(why, TRADING_REASON_TOO_PRECISE);
}

static trading_decimal minor_unit_of(struct process *process, const struct account_record *record)
{
    if (process->ledger != record->ledger) {
        trading_decimal unit = ledger_get(&process->domain->accounts, record->ledger)->minor_unit;
        process->ledger = record->ledger;
        process->minor_unit = unit ? unit : 1; /* a damaged page reads as zeros, and fails the batch only at its end */
    }
    return process->minor_unit;
}

static bool emit_amount(struct process *process, uint32_t kind, uint32_t account, trading_decimal amount)
{
    struct event event = {.kind = kind, .number = account};
    event.account = (struct account_event){.account = account, .amount = amount};
    process_emit(process, &event);
    return true;
}

static bool open_account(struct process *process, const struct request *request, struct rejection *why)
{
    const trading_open_account *body = request->command->body;
    struct domain *domain = process->domain;
    trading_id id;
    id_derive(&id, TRADING_ENTITY_ACCOUNT, &(trading_id){0}, &request->cause.key, 0);
    if (account_find(&domain->accounts, &id))
        return reject(why, TRADING_REASON_ALREADY_EXISTS);
    trading_currency currency = body->currency.text[0] ? body->currency : (trading_currency){"USD"};
    if (!is_whole(currency_minor_unit(&currency), body->deposit, why))
        return false;

    uint32_t account = table_count(domain->accounts.records) + 1;
    uint32_t portfolio = table_count(domain->portfolios.records) + 1;
    struct event opened = {.kind = TRADING_EVENT_ACCOUNT_OPENED, .number = account};
    opened.account = (struct account_event){
        .account = account, .currency = currency, .sealed = request->sealed.data, .sealed_size = request->sealed.size};
    process_emit(process, &opened);
    struct event first = {.kind = TRADING_EVENT_PORTFOLIO_OPENED, .number = portfolio};
    first.portfolio = (struct portfolio_event){.portfolio = portfolio, .account = account};
    process_emit(process, &first);
    return body->deposit == 0 || emit_amount(process, TRADING_EVENT_FUNDS_DEPOSITED, account, body->deposit);
}

static bool update(struct process *process, const struct request *request, uint32_t kind, const struct account_record *record,
                   struct rejection *why)
{
    if (!account_decide_change(record, why))
        return false;
    struct event event = {.kind = kind, .number = request->cause.account};
    event.account = (struct account_event){
        .account = request->cause.account, .sealed = request->sealed.data, .sealed_size = request->sealed.size};
    process_emit(process, &event);
    return true;
}

static bool refund(struct process *process, const struct request *request, struct rejection *why)
{
    const trading_accept_refund *body = request->command->body;
    if (!account_decide_receive(&process->domain->accounts, request->cause.account, request->account_record, body->amount, why))
        return false;
    if (request->order && !order_decide_refund(order_get(&process->domain->orders, request->order), body->amount, why))
        return false;
    struct event event = {.kind = TRADING_EVENT_REFUND_ACCEPTED, .number = request->cause.account};
    event.account = (struct account_event){.account = request->cause.account, .order = request->order, .amount = body->amount};
    process_emit(process, &event);
    return true;
}

static bool bind_alias(struct process *process, const struct request *request, struct rejection *why)
{
    const trading_bind_alias *body = request->command->body;
    uint32_t account = request->cause.account;
    if (!account_decide_alias(&process->domain->accounts, account, request->portfolio, body, why))
        return false;
    struct event event = {.kind = TRADING_EVENT_ALIAS_BOUND, .number = account};
    event.account = (struct account_event){.account = account,
                                           .portfolio = request->portfolio,
                                           .alias_space = body->space.data,
                                           .alias_space_size = (uint32_t)body->space.length,
                                           .alias_name = body->name.data,
                                           .alias_name_size = (uint32_t)body->name.length};
    process_emit(process, &event);
    return true;
}

/* ---- transfers ---- */

/* Money leaves for an account of another partition, which answers. */
static void send_away(struct process *process, const struct request *request, const struct account_record *record)
{
    const trading_transfer *body = request->command->body;
    uint32_t partition = domain_partition_of(process->domain, &body->to);
    struct event sent = {.kind = TRADING_EVENT_TRANSFER_SENT, .number = request->cause.account, .to = partition + 1};
    sent.account = (struct account_event){.account = request->cause.account,
                                          .other_id = body->to,
                                          .own_id = record->id,
                                          .currency = record->currency,
                                          .amount = body->amount};
    process_emit(process, &sent);
}

static void move(struct process *process, uint32_t kind, uint32_t account, uint32_t other, trading_decimal amount)
{
    struct event event = {.kind = kind, .number = account};
    event.account = (struct account_event){.account = account, .other = other, .amount = amount};
    process_emit(process, &event);
}

static bool transfer(struct process *process, const struct request *request, const struct account_record *record,
                     struct rejection *why)
{
    const trading_transfer *body = request->command->body;
    const struct domain *domain = process->domain;
    if (!account_decide_spend(record, body->amount, why))
        return false;
    if (domain_partition_of(domain, &body->to) != domain->place.partition) {
        send_away(process, request, record);
        return true;
    }
    uint32_t other = account_find(&domain->accounts, &body->to);
    if (!account_decide_transfer(&domain->accounts, other, &record->currency, body->amount, why))
        return false;
    move(process, TRADING_EVENT_TRANSFER_SENT, request->cause.account, other, body->amount);
    move(process, TRADING_EVENT_TRANSFER_RECEIVED, other, request->cause.account, body->amount);
    return true;
}

/* ---- all ---- */

static bool close(struct process *process, const struct request *request, const struct account_record *record,
                  struct rejection *why)
{
    uint32_t account = request->cause.account;
    bool portfolios_open = owner_get(&process->domain->portfolios, account)->open != 0;
    return account_decide_close(&process->domain->accounts, account, portfolios_open, minor_unit_of(process, record), why) &&
           emit_amount(process, TRADING_EVENT_ACCOUNT_CLOSED, account, record->balance);
}

bool account_command(struct process *process, const struct request *request, struct rejection *why)
{
    uint32_t account = request->cause.account;
    const struct account_record *record = request->account_record;
    const trading_cash *cash = request->command->body;
    switch (request->command->type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        return open_account(process, request, why);
    case TRADING_COMMAND_UPDATE_CONTACT:
        return update(process, request, TRADING_EVENT_CONTACT_UPDATED, record, why);
    case TRADING_COMMAND_UPDATE_ADDRESS:
        return update(process, request, TRADING_EVENT_ADDRESS_UPDATED, record, why);
    case TRADING_COMMAND_DEPOSIT:
        return is_whole(minor_unit_of(process, record), cash->amount, why) &&
               account_decide_receive(&process->domain->accounts, account, record, cash->amount, why) &&
               emit_amount(process, TRADING_EVENT_FUNDS_DEPOSITED, account, cash->amount);
    case TRADING_COMMAND_WITHDRAW:
        return is_whole(minor_unit_of(process, record), cash->amount, why) && account_decide_spend(record, cash->amount, why) &&
               emit_amount(process, TRADING_EVENT_FUNDS_WITHDRAWN, account, cash->amount);
    case TRADING_COMMAND_CREDIT:
        return account_decide_receive(&process->domain->accounts, account, record, cash->amount, why) &&
               emit_amount(process, TRADING_EVENT_FUNDS_CREDITED, account, cash->amount);
    case TRADING_COMMAND_DEBIT:
        return account_decide_spend(record, cash->amount, why) &&
               emit_amount(process, TRADING_EVENT_FUNDS_DEBITED, account, cash->amount);
    case TRADING_COMMAND_TRANSFER:
        return transfer(process, request, record, why);
    case TRADING_COMMAND_BIND_ALIAS:
        return bind_alias(process, request, why);
    case TRADING_COMMAND_ACCEPT_REFUND:
        return refund(process, request, why);
    case TRADING_COMMAND_FREEZE_ACCOUNT:
        return account_decide_freeze(record, why) && emit_amount(process, TRADING_EVENT_ACCOUNT_FROZEN, account, 0);
    case TRADING_COMMAND_UNFREEZE_ACCOUNT:
        return account_decide_unfreeze(record, why) && emit_amount(process, TRADING_EVENT_ACCOUNT_UNFROZEN, account, 0);
    default:
        return close(process, request, record, why);
    }
}
