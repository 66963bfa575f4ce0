/* An engine of several partitions over a store that refuses for a while what one partition was sent by another. */
#include "backends/memory/memory_store.h"
#include "base/monotonic.h"
#include "faulty_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <trading.h>

#include <cmocka.h>

#define PARTITIONS 2
#define REFUSALS   3
/* What the engine rests after so many, at least. */
#define RESTS INT64_C(600000000)

struct stage {
    struct faulty_plan plan;
    trading_host *host;
    trading_engine *engine;
    trading_id accounts[PARTITIONS]; /* one of each */
};

static void open_account(struct stage *stage, size_t partition)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    trading_command opening = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
    trading_result opened;
    uint32_t home;
    body.deposit = TRADING_DECIMAL_ONE;
    do {
        assert_int_equal(trading_engine_execute(stage->engine, &opening, 1, &opened, NULL), TRADING_OK);
        assert_int_equal(trading_engine_partition_of(stage->engine, TRADING_ENTITY_ACCOUNT, &opened.account, &home, NULL),
                         TRADING_OK);
    } while (home != partition);
    stage->accounts[partition] = opened.account;
}

static void open_stage(struct stage *stage)
{
    char location[FAULTY_LOCATION];
    char uri[FAULTY_LOCATION + 8];
    memset(stage, 0, sizeof *stage);
    faulty_plan_init(&stage->plan, &memory_store_ops, "");
    assert_int_equal(trading_host_open(&stage->host, NULL, NULL), TRADING_OK);
    assert_int_equal(trading_store_register(stage->host, "faulty", &faulty_store_ops, NULL), TRADING_OK);
    snprintf(uri, sizeof uri, "faulty:%s", faulty_location(&stage->plan, location));
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.partitions = PARTITIONS;
    assert_int_equal(trading_engine_open(&stage->engine, stage->host, uri, &options, NULL), TRADING_OK);
    for (size_t i = 0; i < PARTITIONS; i++)
        open_account(stage, i);
}

static void close_stage(struct stage *stage)
{
    assert_int_equal(trading_engine_close(stage->engine, TRADING_CLOSE_DRAIN, NULL), TRADING_OK);
    assert_int_equal(trading_host_close(stage->host, NULL), TRADING_OK);
}

static void send_all(struct stage *stage)
{
    trading_result result;
    trading_transfer transfer = TRADING_TRANSFER_INIT;
    transfer.to = stage->accounts[1];
    transfer.amount = TRADING_DECIMAL_ONE;
    const trading_command command = {
        .type = TRADING_COMMAND_TRANSFER, .account = stage->accounts[0], .body = &transfer, .body_size = sizeof transfer};
    assert_int_equal(trading_engine_execute(stage->engine, &command, 1, &result, NULL), TRADING_OK);
    assert_int_equal(result.status, TRADING_STATUS_ACCEPTED);
}

static trading_decimal balance(struct stage *stage, size_t account)
{
    trading_view *view;
    trading_account shown = {.size = sizeof shown};
    assert_int_equal(trading_view_open(&view, stage->engine, TRADING_VIEW_NOW, NULL), TRADING_OK);
    assert_int_equal(trading_view_account(view, &stage->accounts[account], &shown, NULL), TRADING_OK);
    trading_view_close(view);
    return shown.balance;
}

/* Not without a pause, which would be for nothing and fill the log; and nobody has to send another command for it. */
static void what_is_refused_is_received_after_rests(void **state)
{
    (void)state;
    struct stage stage;
    const struct timespec moment = {.tv_nsec = 10000000};
    open_stage(&stage);
    uint64_t sending = atomic_load(&stage.plan.calls[FAULTY_APPEND]);
    for (uint64_t i = 1; i <= REFUSALS; i++)
        assert_true(faulty_plan_add(&stage.plan, FAULTY_APPEND, sending + i, FAULT_REFUSED, TRADING_E_NO_SPACE));
    int64_t begun = monotonic_now();
    send_all(&stage);
    while (balance(&stage, 1) != 2 * TRADING_DECIMAL_ONE)
        nanosleep(&moment, NULL);
    assert_true(monotonic_now() - begun >= RESTS);
    assert_true(atomic_load(&stage.plan.calls[FAULTY_APPEND]) > sending + REFUSALS);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_is_received_after_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
