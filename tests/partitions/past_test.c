/* Views of the past over several partitions: each is led back to the same time, while it writes on. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <trading.h>

enum { PARTITIONS = 3, ACCOUNTS = 12, MORNING = 1000, EVENING = 2000 };

static _Atomic trading_time hands = MORNING;

static trading_time read_clock(void *context)
{
    (void)context;
    return atomic_load(&hands);
}

static void must(int32_t code, const char *what, const trading_error *error)
{
    if (!code)
        return;
    fprintf(stderr, "%s: %s\n", what, error->message);
    exit(1);
}

static void must_hold(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static trading_result execute(trading_engine *engine, int32_t type, const trading_id *account, const void *body, uint64_t size)
{
    trading_error error;
    trading_result result;
    trading_command command = {.type = type, .body = body, .body_size = size};
    if (account)
        command.account = *account;
    must(trading_engine_execute(engine, &command, 1, &result, &error), "execute", &error);
    must_hold(result.status == TRADING_STATUS_ACCEPTED, "a command is not accepted");
    return result;
}

static void open_accounts(trading_engine *engine, trading_id *accounts)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.currency = (trading_currency){"USD"};
    body.deposit = TRADING_DECIMAL_ONE;
    for (int i = 0; i < ACCOUNTS; i++)
        accounts[i] = execute(engine, TRADING_COMMAND_OPEN_ACCOUNT, NULL, &body, sizeof body).account;
}

static void deposit(trading_engine *engine, const trading_id *accounts, trading_decimal amount)
{
    trading_cash cash = TRADING_CASH_INIT;
    cash.amount = amount;
    for (int i = 0; i < ACCOUNTS; i++)
        execute(engine, TRADING_COMMAND_DEPOSIT, &accounts[i], &cash, sizeof cash);
}

/* Every account has so much, and the view is of that time. */
static void check(trading_view *view, const trading_id *accounts, trading_time time, trading_decimal balance)
{
    trading_error error;
    must_hold(trading_view_time(view) == time, "a view is of another time");
    for (int i = 0; i < ACCOUNTS; i++) {
        trading_account account = TRADING_ACCOUNT_INIT;
        must(trading_view_account(view, &accounts[i], &account, &error), "account", &error);
        must_hold(account.balance == balance, "a view shows another balance than there was");
    }
}

static void look_back(trading_engine *engine, const trading_id *accounts, int64_t position)
{
    trading_error error;
    trading_view *view;
    must(trading_view_open_at_time(&view, engine, EVENING - 1, &error), "a view of the past", &error);
    deposit(engine, accounts, TRADING_DECIMAL_ONE); /* it changes no more */
    check(view, accounts, MORNING, TRADING_DECIMAL_ONE);
    must_hold(trading_view_position(view) == position, "a view of the past has come farther than the engine had");
    trading_view_close(view);
    must(trading_view_open_at_time(&view, engine, EVENING, &error), "a view of now", &error);
    check(view, accounts, EVENING, 3 * TRADING_DECIMAL_ONE);
    trading_view_close(view);
    must(trading_view_open_at_time(&view, engine, MORNING - 1, &error), "a view of before", &error);
    must_hold(trading_view_position(view) == 0, "there was something before all");
    trading_view_close(view);
    must_hold(trading_view_open(&view, engine, 1, NULL) == TRADING_E_INVALID, "a position is of no partition");
}

int main(void)
{
    trading_error error;
    trading_host *host;
    trading_engine *engine;
    trading_view *view;
    trading_id accounts[ACCOUNTS];
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.partitions = PARTITIONS;
    options.clock = read_clock;
    must(trading_host_open(&host, NULL, &error), "host", &error);
    must(trading_engine_open(&engine, host, "memory:", &options, &error), "engine", &error);
    open_accounts(engine, accounts);
    must(trading_view_open(&view, engine, TRADING_VIEW_NOW, &error), "a view", &error);
    int64_t position = trading_view_position(view);
    trading_view_close(view);
    atomic_store(&hands, EVENING);
    deposit(engine, accounts, TRADING_DECIMAL_ONE);
    look_back(engine, accounts, position);
    must(trading_engine_close(engine, TRADING_CLOSE_DRAIN, &error), "close", &error);
    must(trading_host_close(host, &error), "close", &error);
    return 0;
}
