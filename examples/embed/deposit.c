/*
 * The smallest use: open a store, open an account, deposit, look at the balance.
 *
 *     deposit [STORE]      such as lmdb:/tmp/store; without one, a store in memory
 *
 * The account's key makes it safe to run again on the same store: the account is opened once, and each run deposits.
 */
#include "check.h"

/* Executes one command and waits until its outcome is durable. */
static trading_result execute(trading_engine *engine, const trading_command *command)
{
    trading_error error;
    trading_result result;
    check(trading_engine_execute(engine, command, 1, &result, &error), &error);
    check_accepted(&result);
    return result;
}

static trading_id open_account(trading_engine *engine)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.name = text_of("Savings");
    body.profile_name = text_of("Ada");
    body.deposit = 1000 * TRADING_DECIMAL_ONE;
    trading_command command = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
    (void)trading_key_from_text("customer-1815", 13, &command.key);
    return execute(engine, &command).account;
}

static void deposit(trading_engine *engine, trading_id account, trading_decimal amount)
{
    trading_cash body = TRADING_CASH_INIT;
    body.amount = amount;
    trading_command command = {.type = TRADING_COMMAND_DEPOSIT, .account = account, .body = &body, .body_size = sizeof body};
    (void)execute(engine, &command);
}

static void print_balance(trading_engine *engine, trading_id account)
{
    trading_error error;
    trading_view *view = NULL;
    check(trading_view_open(&view, engine, TRADING_VIEW_NOW, &error), &error);
    trading_account shown = TRADING_ACCOUNT_INIT;
    check(trading_view_account(view, &account, &shown, &error), &error);
    trading_view_close(view);

    char id[TRADING_ID_TEXT];
    char balance[TRADING_DECIMAL_TEXT];
    (void)trading_id_format(TRADING_ENTITY_ACCOUNT, &account, id);
    (void)trading_decimal_format(shown.balance, 2, balance);
    (void)printf("%s has %s %s\n", id, balance, shown.currency.text);
}

int main(int argc, char **argv)
{
    trading_error error;
    trading_host *host = NULL;
    trading_engine *engine = NULL;
    check(trading_host_open(&host, NULL, &error), &error);
    check(trading_engine_open(&engine, host, argc > 1 ? argv[1] : "memory:", NULL, &error), &error);

    trading_id account = open_account(engine);
    deposit(engine, account, 250 * TRADING_DECIMAL_ONE);
    print_balance(engine, account);

    check(trading_engine_close(engine, TRADING_CLOSE_DRAIN, &error), &error);
    check(trading_host_close(host, &error), &error);
    return EXIT_SUCCESS;
}
