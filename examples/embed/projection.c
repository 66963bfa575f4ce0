/*
 * State of the program's own, computed from the events and kept in the library's store: how much each account deposited in all.
 * The rows change in one transaction with the projection's position, so that each event counts once, whatever crashes.
 *
 *     projection [STORE]      such as lmdb:/tmp/store; without one, a store in memory
 */
#include "check.h"

#include <string.h>

/* Adds one deposit to its account's row. The key is the account's id, the value a decimal. */
static int32_t add_deposit(trading_projection *projection, const trading_event *event)
{
    trading_error error;
    trading_decimal total = 0;
    size_t bytes = sizeof total;
    int32_t code = trading_projection_get(projection, &event->account, sizeof event->account, &total, &bytes, &error);
    if (code != TRADING_OK && code != TRADING_E_NOT_FOUND)
        return code;
    code = trading_decimal_add(total, event->amount, &total);
    if (code != TRADING_OK)
        return code;
    return trading_projection_put(projection, &event->account, sizeof event->account, &total, sizeof total, &error);
}

/* Called on the thread that calls trading_projection_run. What it returns other than 0 undoes the batch. */
static int32_t apply(void *context, trading_projection *projection, const trading_event *events, size_t count)
{
    (void)context;
    int32_t code = TRADING_OK;
    for (size_t i = 0; i < count && code == TRADING_OK; i++)
        code = add_deposit(projection, &events[i]);
    return code;
}

static void open_account(trading_engine *engine, trading_decimal deposit)
{
    trading_error error;
    trading_result result;
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = deposit;
    trading_command command = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
    check(trading_engine_execute(engine, &command, 1, &result, &error), &error);
    check_accepted(&result);
}

static void print_rows(trading_projection *projection)
{
    trading_error error;
    uint8_t key[TRADING_ROW_KEY_BYTES] = {0};
    size_t key_bytes = 0;
    trading_decimal total = 0;
    size_t value_bytes = sizeof total;
    while (trading_projection_seek(projection, key, &key_bytes, &total, &value_bytes, &error) == TRADING_OK) {
        trading_id account;
        memcpy(&account, key, sizeof account);
        char id[TRADING_ID_TEXT];
        char text[TRADING_DECIMAL_TEXT];
        (void)trading_id_format(TRADING_ENTITY_ACCOUNT, &account, id);
        (void)trading_decimal_format(total, 2, text);
        (void)printf("%s deposited %s\n", id, text);
        key[key_bytes++] = 0; /* the first key after this one */
        value_bytes = sizeof total;
    }
}

int main(int argc, char **argv)
{
    trading_error error;
    trading_host *host = NULL;
    trading_engine *engine = NULL;
    check(trading_host_open(&host, NULL, &error), &error);
    check(trading_engine_open(&engine, host, argc > 1 ? argv[1] : "memory:", NULL, &error), &error);
    open_account(engine, 100 * TRADING_DECIMAL_ONE);
    open_account(engine, 200 * TRADING_DECIMAL_ONE);

    trading_filter filter = TRADING_FILTER_INIT;
    filter.kinds[TRADING_EVENT_FUNDS_DEPOSITED / 64] |= UINT64_C(1) << (TRADING_EVENT_FUNDS_DEPOSITED % 64);
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    options.name = "deposits by account";
    options.filter = &filter;
    options.apply = apply;
    trading_projection *projection = NULL;
    check(trading_projection_open(&projection, engine, &options, &error), &error);
    check(trading_projection_run(projection, NULL, &error), &error);
    print_rows(projection);
    trading_projection_close(projection);

    check(trading_engine_close(engine, TRADING_CLOSE_DRAIN, &error), &error);
    check(trading_host_close(host, &error), &error);
    return EXIT_SUCCESS;
}
