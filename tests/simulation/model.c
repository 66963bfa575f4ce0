/* The model's accounts, its memory of keys, and the way of a command through it. */
#include "simulation/model.h"

#include "simulation/model_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Scopes of keys that are no account's. */
enum { SCOPE_OPENINGS = -1, SCOPE_MARKET = -2 };

int model_grow(void **at, int *count, int *room, size_t size)
{
    if (*count == *room) {
        *room = *room ? *room * 2 : 64;
        *at = realloc(*at, (size_t)*room * size);
        if (!*at) {
            fprintf(stderr, "model: out of memory\n");
            exit(2);
        }
    }
    memset((char *)*at + (size_t)*count * size, 0, size);
    return (*count)++;
}

void model_init(struct model *model, int64_t collar)
{
    memset(model, 0, sizeof(*model));
    model->collar = collar;
}

void model_free(struct model *model)
{
    free(model->accounts.at);
    free(model->portfolios.at);
    free(model->positions.at);
    free(model->lots.at);
    free(model->orders.at);
    free(model->open_orders.at);
    free(model->executions.at);
    free(model->instruments.at);
    free(model->ledgers.at);
    free(model->aliases.at);
    free(model->memories.at);
    free(model->newest_memory.at);
    free(model->account_of_number.at);
    free(model->portfolio_of_number.at);
    free(model->order_of_number.at);
    memset(model, 0, sizeof(*model));
}

wide model_divide(wide a, wide b)
{
    wide quotient = a / b;
    wide remainder = a % b;
    if (remainder < 0) { /* C truncates towards zero; from here on the remainder is 0 ≤ r < b */
        quotient--;
        remainder += b;
    }
    wide rest = b - remainder;
    if (remainder > rest || (remainder == rest && (quotient & 1)))
        quotient++;
    return quotient;
}

/* Tables from numbers to indexes, −1 where there is none. */
#define NOTE(table, key, value)                                                                                                \
    do {                                                                                                                       \
        while ((table).count <= (key))                                                                                         \
            MODEL_ADD(table, -1);                                                                                              \
        (table).at[key] = (value);                                                                                             \
    } while (0)
#define LOOK_UP(table, key) ((key) >= 0 && (key) < (table).count ? (table).at[key] : -1)

int model_find_account(const struct model *model, int64_t name)
{
    return LOOK_UP(model->account_of_number, MODEL_NUMBER_OF(name));
}

int model_find_portfolio(const struct model *model, int64_t name)
{
    return LOOK_UP(model->portfolio_of_number, MODEL_NUMBER_OF(name));
}

/* A command may make several orders, one after the other. */
int model_find_order(const struct model *model, int64_t name)
{
    int first = LOOK_UP(model->order_of_number, MODEL_NUMBER_OF(name));
    for (int i = first; i >= 0 && i < model->orders.count; i++)
        if (model->orders.at[i].name == name)
            return i;
        else if (MODEL_NUMBER_OF(model->orders.at[i].name) != MODEL_NUMBER_OF(name))
            break;
    return -1;
}

int model_find_instrument(const struct model *model, const trading_symbol *symbol)
{
    for (int i = 0; i < model->instruments.count; i++)
        if (model_same_symbol(&model->instruments.at[i].symbol, symbol))
            return i;
    return -1;
}

struct model_ledger *model_ledger(struct model *model, const trading_currency *currency)
{
    for (int i = 0; i < model->ledgers.count; i++)
        if (model_same_currency(&model->ledgers.at[i].currency, currency))
            return &model->ledgers.at[i];
    int index = MODEL_APPEND(model->ledgers);
    model->ledgers.at[index].currency = *currency;
    return &model->ledgers.at[index];
}

static int64_t available(const struct model_account *account)
{
    return account->balance - account->held;
}

static int64_t minor_unit(const struct model_account *account)
{
    int64_t unit = TRADING_DECIMAL_ONE;
    for (int i = model_currency_decimals(&account->currency); i > 0; i--)
        unit /= 10;
    return unit;
}

static void add_portfolio(struct model *model, const struct model_command *command, int account)
{
    int index = MODEL_APPEND(model->portfolios);
    model->portfolios.at[index] = (struct model_portfolio){.name = MODEL_NAME(command->number, 0),
                                                           .account = account,
                                                           .status = TRADING_PORTFOLIO_OPEN,
                                                           .opened = model->now,
                                                           .text = command->text};
    NOTE(model->portfolio_of_number, command->number, index);
}

static struct model_refusal open_account(struct model *model, const struct model_command *command, struct model_answer *answer)
{
    int index = MODEL_APPEND(model->accounts);
    model->accounts.at[index] = (struct model_account){.name = MODEL_NAME(command->number, 0),
                                                       .currency = model_currency_or_default(&command->currency),
                                                       .status = TRADING_ACCOUNT_OPEN,
                                                       .balance = command->amount,
                                                       .opened = model->now,
                                                       .text = command->text,
                                                       .contact_text = command->text,
                                                       .address_text = command->text};
    NOTE(model->account_of_number, command->number, index);
    add_portfolio(model, command, index);
    model_ledger(model, &model->accounts.at[index].currency)->bank -= command->amount;
    answer->account = answer->portfolio = MODEL_NAME(command->number, 0);
    return MODEL_AGREED;
}

/* Deposit, credit: what comes in. */
static struct model_refusal pay_in(struct model *model, struct model_account *account, const struct model_command *command)
{
    struct model_ledger *ledger = model_ledger(model, &account->currency);
    if (command->type == TRADING_COMMAND_DEPOSIT && command->amount % minor_unit(account))
        return model_refuse(TRADING_REASON_TOO_PRECISE);
    int64_t room = TRADING_DECIMAL_MAX - account->balance;
    if (command->amount > room)
        return model_refuse_amounts(TRADING_REASON_TOO_LARGE, command->amount, room);
    account->balance += command->amount;
    *(command->type == TRADING_COMMAND_DEPOSIT ? &ledger->bank : &ledger->house) -= command->amount;
    return MODEL_AGREED;
}

/* Withdrawal, debit: what goes out. */
static struct model_refusal pay_out(struct model *model, struct model_account *account, const struct model_command *command)
{
    struct model_ledger *ledger = model_ledger(model, &account->currency);
    if (account->status == TRADING_ACCOUNT_FROZEN)
        return model_refuse(TRADING_REASON_ACCOUNT_FROZEN);
    if (command->type == TRADING_COMMAND_WITHDRAW && command->amount % minor_unit(account))
        return model_refuse(TRADING_REASON_TOO_PRECISE);
    if (command->amount > available(account))
        return model_refuse_amounts(TRADING_REASON_INSUFFICIENT_FUNDS, command->amount, available(account));
    account->balance -= command->amount;
    *(command->type == TRADING_COMMAND_WITHDRAW ? &ledger->bank : &ledger->house) += command->amount;
    return MODEL_AGREED;
}

static struct model_refusal transfer(struct model *model, struct model_account *account, const struct model_command *command)
{
    if (account->status == TRADING_ACCOUNT_FROZEN)
        return model_refuse(TRADING_REASON_ACCOUNT_FROZEN);
    if (command->amount > available(account))
        return model_refuse_amounts(TRADING_REASON_INSUFFICIENT_FUNDS, command->amount, available(account));
    int index = model_find_account(model, command->other);
    if (index < 0)
        return model_refuse(TRADING_REASON_UNKNOWN_ACCOUNT);
    struct model_account *other = &model->accounts.at[index];
    if (!model_same_currency(&other->currency, &account->currency))
        return model_refuse(TRADING_REASON_OTHER_CURRENCY);
    if (other->status == TRADING_ACCOUNT_CLOSED)
        return model_refuse(TRADING_REASON_ACCOUNT_CLOSED);
    int64_t room = TRADING_DECIMAL_MAX - other->balance;
    if (command->amount > room)
        return model_refuse_amounts(TRADING_REASON_TOO_LARGE, command->amount, room);
    account->balance -= command->amount;
    other->balance += command->amount;
    return MODEL_AGREED;
}

static struct model_refusal accept_refund(struct model *model, struct model_account *account,
                                          const struct model_command *command, struct model_answer *answer)
{
    struct model_order *order = command->order ? &model->orders.at[model_find_order(model, command->order)] : NULL;
    int64_t room = TRADING_DECIMAL_MAX - account->balance;
    if (command->amount > room)
        return model_refuse_amounts(TRADING_REASON_TOO_LARGE, command->amount, room);
    if (order) {
        int64_t left = order->side == TRADING_SIDE_BUY ? model_consideration(order) - order->refunded : 0;
        if (command->amount > left)
            return model_refuse_amounts(TRADING_REASON_REFUND_TOO_LARGE, command->amount, left);
    }
    if (order) {
        order->refunded += command->amount;
        answer->order = order->name;
    }
    account->balance += command->amount;
    model_ledger(model, &account->currency)->house -= command->amount;
    return MODEL_AGREED;
}

static struct model_refusal bind_alias(struct model *model, int index, const struct model_command *command,
                                       struct model_answer *answer)
{
    for (int i = 0; i < model->aliases.count; i++) {
        const struct model_alias *other = &model->aliases.at[i];
        bool same = other->alias == command->alias;
        bool has_one = other->account == index && other->portfolio == command->portfolio;
        if (other->space == command->space && (same || has_one))
            return model_refuse(TRADING_REASON_ALIAS_TAKEN);
    }
    MODEL_ADD(model->aliases, (struct model_alias){index, command->portfolio, command->space, command->alias});
    answer->portfolio = command->portfolio;
    return MODEL_AGREED;
}

static struct model_refusal close_account(struct model *model, int index)
{
    struct model_account *account = &model->accounts.at[index];
    if (account->status == TRADING_ACCOUNT_FROZEN)
        return model_refuse(TRADING_REASON_ACCOUNT_FROZEN);
    for (int i = 0; i < model->portfolios.count; i++)
        if (model->portfolios.at[i].account == index && model->portfolios.at[i].status != TRADING_PORTFOLIO_CLOSED)
            return model_refuse(TRADING_REASON_PORTFOLIOS_OPEN);
    if (account->balance >= minor_unit(account))
        return model_refuse_amounts(TRADING_REASON_FUNDS_REMAIN, 0, account->balance);
    model_ledger(model, &account->currency)->house += account->balance;
    account->balance = 0;
    account->status = TRADING_ACCOUNT_CLOSED;
    return MODEL_AGREED;
}

static struct model_refusal freeze(struct model_account *account)
{
    if (account->status == TRADING_ACCOUNT_FROZEN)
        return model_refuse(TRADING_REASON_ACCOUNT_FROZEN);
    account->status = TRADING_ACCOUNT_FROZEN;
    return MODEL_AGREED;
}

static struct model_refusal unfreeze(struct model_account *account)
{
    if (account->status != TRADING_ACCOUNT_FROZEN)
        return model_refuse(TRADING_REASON_NOT_FROZEN);
    account->status = TRADING_ACCOUNT_OPEN;
    return MODEL_AGREED;
}

/* A command of one account, by its rules; the account is there. */
static struct model_refusal decide_for_account(struct model *model, int index, const struct model_command *command,
                                               struct model_answer *answer)
{
    struct model_account *account = &model->accounts.at[index];
    if (model_places_order(command->type))
        return model_place_order(model, command, answer);
    if (command->type == TRADING_COMMAND_BOOK_EXECUTION)
        return model_book_execution(model, command, answer);
    if (command->type == TRADING_COMMAND_END_ORDER)
        return model_end_routed(model, command, answer);
    if (account->status == TRADING_ACCOUNT_CLOSED)
        return model_refuse(TRADING_REASON_ACCOUNT_CLOSED);
    switch (command->type) {
    case TRADING_COMMAND_DEPOSIT:
    case TRADING_COMMAND_CREDIT:
        return pay_in(model, account, command);
    case TRADING_COMMAND_WITHDRAW:
    case TRADING_COMMAND_DEBIT:
        return pay_out(model, account, command);
    case TRADING_COMMAND_TRANSFER:
        return transfer(model, account, command);
    case TRADING_COMMAND_ACCEPT_REFUND:
        return accept_refund(model, account, command, answer);
    case TRADING_COMMAND_BIND_ALIAS:
        return bind_alias(model, index, command, answer);
    case TRADING_COMMAND_FREEZE_ACCOUNT:
        return freeze(account);
    case TRADING_COMMAND_UNFREEZE_ACCOUNT:
        return unfreeze(account);
    case TRADING_COMMAND_CLOSE_ACCOUNT:
        return close_account(model, index);
    case TRADING_COMMAND_OPEN_PORTFOLIO:
        if (account->status == TRADING_ACCOUNT_FROZEN)
            return model_refuse(TRADING_REASON_ACCOUNT_FROZEN);
        add_portfolio(model, command, index);
        answer->portfolio = MODEL_NAME(command->number, 0);
        return MODEL_AGREED;
    case TRADING_COMMAND_CANCEL_ORDER:
        return model_cancel_order(model, command, answer);
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        return model_close_portfolio(model, command, answer);
    case TRADING_COMMAND_UPDATE_CONTACT:
        account->contact_text = command->text;
        return MODEL_AGREED;
    case TRADING_COMMAND_UPDATE_ADDRESS:
        account->address_text = command->text;
        return MODEL_AGREED;
    default:
        return MODEL_AGREED;
    }
}

static struct model_refusal decide(struct model *model, int account, const struct model_command *command,
                                   struct model_answer *answer)
{
    switch (command->type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        return open_account(model, command, answer);
    case TRADING_COMMAND_SET_QUOTE:
        return model_set_quote(model, command);
    case TRADING_COMMAND_END_SESSION:
        model_end_session(model);
        return MODEL_AGREED;
    default:
        return decide_for_account(model, account, command, answer);
    }
}

static bool names_portfolio(const struct model_command *command)
{
    bool aliased = command->type == TRADING_COMMAND_BIND_ALIAS && command->portfolio;
    return aliased || model_places_order(command->type) || command->type == TRADING_COMMAND_CLOSE_PORTFOLIO;
}

/* The account that the command is of by what it names, as an index, or −1. */
static int owner(const struct model *model, const struct model_command *command)
{
    if (command->account)
        return model_find_account(model, command->account);
    if (names_portfolio(command)) {
        int portfolio = model_find_portfolio(model, command->portfolio);
        return portfolio >= 0 ? model->portfolios.at[portfolio].account : -1;
    }
    int order = model_find_order(model, command->order);
    return order >= 0 ? model->portfolios.at[model->orders.at[order].portfolio].account : -1;
}

/* Which of the things that a command names are not there, or are another's. */
static int32_t unknown(const struct model *model, const struct model_command *command, int account)
{
    if (names_portfolio(command)) {
        int portfolio = model_find_portfolio(model, command->portfolio);
        bool known = portfolio >= 0 && model->portfolios.at[portfolio].account == account;
        return known ? TRADING_REASON_NONE : TRADING_REASON_UNKNOWN_PORTFOLIO;
    }
    bool names_order = model_names_order(command->type) || command->order;
    if (!model_names_order(command->type) && account < 0)
        return TRADING_REASON_UNKNOWN_ACCOUNT;
    if (!names_order)
        return TRADING_REASON_NONE;
    int order = model_find_order(model, command->order);
    bool known = order >= 0 && model->portfolios.at[model->orders.at[order].portfolio].account == account;
    return known ? TRADING_REASON_NONE : TRADING_REASON_UNKNOWN_ORDER;
}

static const struct model_memory *recall(const struct model *model, int64_t scope, int64_t key)
{
    int index = key ? LOOK_UP(model->newest_memory, key) : -1;
    while (index >= 0 && model->memories.at[index].scope != scope)
        index = model->memories.at[index].older;
    return index >= 0 ? &model->memories.at[index] : NULL;
}

static void remember(struct model *model, int64_t scope, const struct model_command *command, const struct model_answer *answer)
{
    if (!command->key)
        return;
    int older = LOOK_UP(model->newest_memory, command->key);
    NOTE(model->newest_memory, command->key, model->memories.count);
    MODEL_ADD(model->memories, (struct model_memory){.scope = scope, .command = *command, .answer = *answer, .older = older});
}

/* What an answer says of its order: all of one that was placed or canceled; of a refunded one only which it is. */
static void tell_order(const struct model *model, const struct model_command *command, struct model_answer *answer)
{
    int index = answer->order ? model_find_order(model, answer->order) : -1;
    if (index < 0)
        return;
    const struct model_order *order = &model->orders.at[index];
    answer->portfolio = model->portfolios.at[order->portfolio].name;
    if (!model_places_order(command->type) && command->type != TRADING_COMMAND_CANCEL_ORDER)
        return;
    answer->order_status = order->status;
    answer->filled = order->filled;
    answer->average = model_average_price(order);
}

static struct model_answer rejected(int32_t reason)
{
    return (struct model_answer){.status = TRADING_STATUS_REJECTED, .reason = reason};
}

struct model_answer model_execute(struct model *model, const struct model_command *command)
{
    int32_t malformed = model_malformed(command);
    if (malformed)
        return (struct model_answer){.status = TRADING_STATUS_MALFORMED, .reason = malformed};
    bool is_opening = command->type == TRADING_COMMAND_OPEN_ACCOUNT;
    bool is_market = command->type == TRADING_COMMAND_SET_QUOTE || command->type == TRADING_COMMAND_END_SESSION;
    int account = is_opening || is_market ? -1 : owner(model, command);
    int64_t scope = is_opening ? SCOPE_OPENINGS : is_market ? SCOPE_MARKET : account;
    int32_t stranger = is_opening || is_market ? TRADING_REASON_NONE : unknown(model, command, account);
    if (stranger)
        return rejected(stranger);
    const struct model_memory *first = recall(model, scope, command->key);
    if (first && !model_same_command(&first->command, command))
        return (struct model_answer){.status = TRADING_STATUS_KEY_REUSED};
    if (first) {
        struct model_answer answer = first->answer;
        answer.status = TRADING_STATUS_DUPLICATE;
        return answer;
    }
    if (command->version == MODEL_VERSION_WRONG)
        return (struct model_answer){.status = TRADING_STATUS_CONFLICT};
    struct model_answer answer = {.number = command->number, .account = account >= 0 ? model->accounts.at[account].name : 0};
    int executions = model->executions.count;
    struct model_refusal refusal = decide(model, account, command, &answer);
    answer.executions = model->executions.count - executions;
    if (refusal.reason && !model_places_order(command->type)) /* a refusal tells the account and the amounts */
        answer.portfolio = answer.order = 0;
    answer.status = refusal.reason ? TRADING_STATUS_REJECTED : TRADING_STATUS_ACCEPTED;
    answer.reason = refusal.reason;
    answer.required = refusal.required;
    answer.available = refusal.available;
    tell_order(model, command, &answer);
    if (refusal.reason == TRADING_REASON_TOO_PRECISE)
        answer.number = 0; /* it leaves no trace */
    else
        remember(model, scope, command, &answer);
    return answer;
}
