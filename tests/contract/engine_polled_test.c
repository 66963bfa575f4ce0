/* An engine without threads over a store that is polled: what is under way while the host steps, who waits when, and how it ends. */
#include "backends/memory/memory_store.h"
#include "engine/engine.h"
#include "faulty_store.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trading.h>

#include <cmocka.h>

#define PARTITIONS ((size_t)4)
#define ACCOUNTS   ((size_t)8)
#define FAR        UINT32_MAX /* no look finds it done, only who waits */

struct stage {
    struct faulty_plan plan;
    trading_host *host;
    trading_engine *engine;
    trading_id accounts[ACCOUNTS];
    trading_id portfolio; /* of the last */
    trading_cash cash;
    uint64_t begun; /* before the test */
};

static void open_stage(struct stage *stage, uint32_t partitions, uint32_t late)
{
    char location[FAULTY_LOCATION];
    char uri[FAULTY_LOCATION + 8];
    trading_error error;
    memset(stage, 0, sizeof *stage);
    faulty_plan_init(&stage->plan, &memory_store_ops, "");
    stage->plan.late = late;
    stage->plan.backwards = true;
    assert_int_equal(trading_host_open(&stage->host, NULL, NULL), TRADING_OK);
    assert_int_equal(trading_store_register(stage->host, "faulty", &faulty_polled_store_ops, NULL), TRADING_OK);
    snprintf(uri, sizeof uri, "faulty:%s", faulty_location(&stage->plan, location));
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.partitions = partitions;
    options.commit_bytes = 65536;
    if (trading_engine_open(&stage->engine, stage->host, uri, &options, &error))
        fail_msg("%s", error.message);
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    trading_command opening = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
    for (size_t i = 0; i < ACCOUNTS; i++) {
        trading_result opened;
        assert_int_equal(trading_engine_execute(stage->engine, &opening, 1, &opened, NULL), TRADING_OK);
        stage->accounts[i] = opened.account;
        stage->portfolio = opened.portfolio;
    }
    trading_cash_init(&stage->cash);
    stage->cash.amount = TRADING_DECIMAL_ONE;
    stage->begun = atomic_load(&stage->plan.calls[FAULTY_BEGIN]);
    stage->plan.most_flights = 0;
}

static void close_stage(struct stage *stage, int32_t how)
{
    if (stage->engine)
        assert_int_equal(trading_engine_close(stage->engine, how, NULL), TRADING_OK);
    stage->engine = NULL;
    assert_int_equal(trading_host_memory(stage->host), 0);
    assert_int_equal(trading_host_close(stage->host, NULL), TRADING_OK);
    assert_int_equal(stage->plan.unheard, 0);
    assert_true(stage->plan.most_of_partition <= 1);
}

static trading_command deposit(struct stage *stage, size_t account)
{
    return (trading_command){.type = TRADING_COMMAND_DEPOSIT,
                             .account = stage->accounts[account],
                             .body = &stage->cash,
                             .body_size = sizeof stage->cash};
}

/* A deposit on its way. */
struct order {
    trading_command command;
    trading_result result;
};

static void submit(struct stage *stage, struct order *order, uint64_t tag)
{
    order->command = deposit(stage, tag % ACCOUNTS);
    assert_int_equal(trading_engine_submit(stage->engine, &order->command, 1, &order->result, tag, NULL), TRADING_OK);
}

static uint32_t step(struct stage *stage, uint32_t batches)
{
    uint32_t done;
    assert_int_equal(trading_engine_step(stage->engine, batches, &done, NULL), TRADING_OK);
    return done;
}

/* How many are finished now, the first of which has the tag. */
static size_t finished(struct stage *stage, uint64_t tag)
{
    trading_completion completions[2 * ACCOUNTS];
    size_t taken;
    if (trading_engine_poll(stage->engine, completions, 2 * ACCOUNTS, &taken, -1, NULL))
        return 0;
    for (size_t i = 0; i < taken; i++) {
        assert_int_equal(completions[i].tag, tag + i);
        assert_int_equal(completions[i].error.code, TRADING_OK);
        assert_int_equal(completions[i].results->status, TRADING_STATUS_ACCEPTED);
    }
    return taken;
}

static trading_decimal shown(struct stage *stage)
{
    trading_view *view;
    trading_decimal sum = 0;
    assert_int_equal(trading_view_open(&view, stage->engine, TRADING_VIEW_NOW, NULL), TRADING_OK);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        trading_account account = {.size = sizeof account};
        assert_int_equal(trading_view_account(view, &stage->accounts[i], &account, NULL), TRADING_OK);
        sum += account.balance;
    }
    trading_view_close(view);
    return sum;
}

static void expect_sound(struct stage *stage)
{
    trading_verification verification = TRADING_VERIFICATION_INIT;
    assert_int_equal(trading_engine_verify(stage->engine, &verification, NULL, NULL, NULL), TRADING_OK);
    assert_string_equal(verification.finding, "");
}

static uint64_t begun(const struct stage *stage)
{
    return atomic_load(&stage->plan.calls[FAULTY_BEGIN]) - stage->begun;
}

/* ---- what is under way ---- */

static void test_the_next_batch_is_decided_meanwhile(void **state)
{
    (void)state;
    struct stage stage;
    struct order orders[4];
    open_stage(&stage, 1, FAR);
    submit(&stage, &orders[0], 0);
    assert_int_equal(step(&stage, 1), 1);
    assert_int_equal(begun(&stage), 1);
    for (uint64_t i = 1; i < 4; i++) { /* each step finds something to do, so it does not wait */
        submit(&stage, &orders[i], i);
        assert_int_equal(step(&stage, 1), 1);
        assert_int_equal(begun(&stage), 1);
        assert_int_equal(finished(&stage, 0), 0);
        assert_int_equal(shown(&stage), 0);
    }
    assert_int_equal(step(&stage, 1), 1); /* which has nothing else to do */
    assert_int_equal(finished(&stage, 0), 1);
    assert_int_equal(shown(&stage), TRADING_DECIMAL_ONE);
    assert_int_equal(begun(&stage), 2);
    assert_int_equal(step(&stage, 1), 1);
    assert_int_equal(finished(&stage, 1), 3); /* of one commit */
    assert_int_equal(shown(&stage), 4 * TRADING_DECIMAL_ONE);
    assert_int_equal(step(&stage, 1), 0);
    assert_int_equal(begun(&stage), 2);
    expect_sound(&stage);
    close_stage(&stage, TRADING_CLOSE_DRAIN);
}

/* What a step finds done it finishes, whatever else there is. */
static void test_what_is_done_is_finished(void **state)
{
    (void)state;
    struct stage stage;
    struct order orders[2];
    open_stage(&stage, 1, 0);
    submit(&stage, &orders[0], 0);
    assert_int_equal(step(&stage, 1), 1);
    assert_int_equal(finished(&stage, 0), 0);
    submit(&stage, &orders[1], 1);
    assert_int_equal(step(&stage, 1), 1);
    assert_int_equal(finished(&stage, 0), 1);
    assert_int_equal(begun(&stage), 2);
    assert_int_equal(step(&stage, 100), 1);
    assert_int_equal(finished(&stage, 1), 1);
    close_stage(&stage, TRADING_CLOSE_DRAIN);
}

static void test_all_partitions_append_at_once(void **state)
{
    (void)state;
    for (uint32_t late = 0; late < 6; late += 5) {
        struct stage stage;
        struct order orders[2 * ACCOUNTS];
        open_stage(&stage, PARTITIONS, late);
        for (uint64_t i = 0; i < ACCOUNTS; i++)
            submit(&stage, &orders[i], i);
        assert_int_equal(step(&stage, 1), 1);
        assert_int_equal(stage.plan.most_flights, PARTITIONS);
        assert_int_equal(shown(&stage), 0);
        for (uint64_t i = ACCOUNTS; i < 2 * ACCOUNTS; i++)
            submit(&stage, &orders[i], i);
        size_t done = 0;
        while (step(&stage, 1))
            done += finished(&stage, done);
        assert_int_equal(done, 2 * ACCOUNTS);
        assert_int_equal(begun(&stage), 2 * PARTITIONS);
        assert_int_equal(shown(&stage), 2 * (trading_decimal)ACCOUNTS * TRADING_DECIMAL_ONE);
        expect_sound(&stage);
        close_stage(&stage, TRADING_CLOSE_DRAIN);
    }
}

static void test_a_long_step_finishes_all(void **state)
{
    (void)state;
    struct stage stage;
    struct order orders[ACCOUNTS];
    open_stage(&stage, PARTITIONS, FAR);
    for (uint64_t i = 0; i < ACCOUNTS; i++)
        submit(&stage, &orders[i], i);
    step(&stage, 1000);
    assert_int_equal(finished(&stage, 0), ACCOUNTS);
    assert_int_equal(step(&stage, 1), 0);
    close_stage(&stage, TRADING_CLOSE_DRAIN);
}

#define CALLERS ((size_t)3)
#define CALLS   ((size_t)300)

struct caller {
    struct stage *stage;
    pthread_t thread;
};

static void *call(void *arg)
{
    struct caller *caller = arg;
    trading_command commands[ACCOUNTS];
    trading_result results[ACCOUNTS];
    for (size_t i = 0; i < ACCOUNTS; i++)
        commands[i] = deposit(caller->stage, i);
    for (size_t i = 0; i < CALLS; i++)
        if (trading_engine_execute(caller->stage->engine, commands + i % 4, 1 + i % 5, results, NULL))
            return caller;
    return NULL;
}

/* Each drives what there is, also for the others. */
static void test_several_callers(void **state)
{
    (void)state;
    struct stage stage;
    struct caller callers[CALLERS];
    open_stage(&stage, PARTITIONS, 3);
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.stage = &stage};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        void *failed;
        pthread_join(callers[i].thread, &failed);
        assert_null(failed);
    }
    assert_int_equal(shown(&stage), (trading_decimal)(CALLERS * CALLS) * 3 * TRADING_DECIMAL_ONE);
    expect_sound(&stage);
    close_stage(&stage, TRADING_CLOSE_DRAIN);
}

/* ---- how it ends ---- */

/* One is under way, and another decided. */
static void open_busy_stage(struct stage *stage, struct order orders[2])
{
    open_stage(stage, 1, FAR);
    for (uint64_t i = 0; i < 2; i++) {
        submit(stage, &orders[i], i);
        assert_int_equal(step(stage, 1), 1);
    }
    assert_int_equal(begun(stage), 1);
}

static void test_closing_finishes_what_is_in_flight(void **state)
{
    (void)state;
    struct stage stage;
    struct order orders[2];
    open_busy_stage(&stage, orders);
    close_stage(&stage, TRADING_CLOSE_DRAIN);
    assert_int_equal(orders[0].result.status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(orders[1].result.status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(begun(&stage), 2);
}

static void test_abandoning_drops_what_was_only_decided(void **state)
{
    (void)state;
    struct stage stage;
    struct order orders[2];
    open_busy_stage(&stage, orders);
    close_stage(&stage, TRADING_CLOSE_ABANDON);
    assert_int_equal(orders[0].result.status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(orders[1].result.status, TRADING_STATUS_NONE);
    assert_int_equal(begun(&stage), 1);
}

/* So many that to expire them takes several commits. */
#define DAY_ORDERS ((size_t)16000)

static void place_day_orders(struct stage *stage)
{
    static trading_command commands[DAY_ORDERS];
    static trading_result results[DAY_ORDERS];
    trading_set_quote quote = TRADING_SET_QUOTE_INIT;
    trading_place_order order = TRADING_PLACE_ORDER_INIT;
    trading_cash cash = stage->cash;
    memcpy(quote.symbol.text, "GOOG", 4);
    quote.bid = 9 * TRADING_DECIMAL_ONE;
    quote.ask = 10 * TRADING_DECIMAL_ONE;
    cash.amount = (trading_decimal)DAY_ORDERS * TRADING_DECIMAL_ONE;
    order.portfolio = stage->portfolio;
    order.symbol = quote.symbol;
    order.side = TRADING_SIDE_BUY;
    order.type = TRADING_ORDER_TYPE_LIMIT;
    order.time_in_force = TRADING_TIME_IN_FORCE_DAY;
    order.quantity = order.limit_price = TRADING_DECIMAL_ONE;
    for (size_t i = 0; i < DAY_ORDERS; i++)
        commands[i] = (trading_command){.type = TRADING_COMMAND_PLACE_ORDER, .body = &order, .body_size = sizeof order};
    commands[0] = (trading_command){.type = TRADING_COMMAND_SET_QUOTE, .body = &quote, .body_size = sizeof quote};
    commands[1] = deposit(stage, ACCOUNTS - 1);
    commands[1].body = &cash;
    assert_int_equal(trading_engine_execute(stage->engine, commands, DAY_ORDERS, results, NULL), TRADING_OK);
    for (size_t i = 0; i < DAY_ORDERS; i++)
        assert_int_equal(results[i].status, TRADING_STATUS_ACCEPTED);
}

/* A caller who drives while another thread closes. */
struct session {
    struct stage *stage;
    pthread_t thread;
    _Atomic bool awaits; /* its first append */
    int32_t code;
};

/* Where the caller polls and holds nothing of the engine, it waits for the append: until whoever closes has stopped the queue and waits, too. */
static void wait_for_who_closes(void *arg, enum faulty_call call, uint64_t nth)
{
    (void)nth;
    struct session *session = arg;
    pthread_mutex_t *driven = &session->stage->engine->drive_mutex;
    bool polls = call == FAULTY_POLL && pthread_equal(session->thread, pthread_self());
    while (polls && !pthread_mutex_trylock(driven)) {
        pthread_mutex_unlock(driven);
        atomic_store(&session->awaits, true);
        sched_yield();
    }
}

static void *end_session(void *arg)
{
    struct session *session = arg;
    trading_command end = {.type = TRADING_COMMAND_END_SESSION};
    trading_result result;
    session->thread = pthread_self();
    session->stage->plan.arg = session;
    session->stage->plan.before = wait_for_who_closes;
    session->code = trading_engine_execute(session->stage->engine, &end, 1, &result, NULL);
    return NULL;
}

/* It goes on with the work behind its command before it sees that this is answered. */
static void test_closing_finishes_what_a_caller_began_meanwhile(void **state)
{
    (void)state;
    struct stage stage;
    struct session session = {.stage = &stage};
    pthread_t thread;
    open_stage(&stage, 1, FAR);
    place_day_orders(&stage);
    assert_int_equal(pthread_create(&thread, NULL, end_session, &session), 0);
    while (!atomic_load(&session.awaits))
        sched_yield();
    assert_true(process_has_work(&stage.engine->domain));
    uint64_t before = begun(&stage);
    close_stage(&stage, TRADING_CLOSE_ABANDON);
    pthread_join(thread, NULL);
    assert_int_equal(session.code, TRADING_OK);
    assert_int_equal(begun(&stage), before + 1);
}

static void test_an_append_that_cannot_begin(void **state)
{
    (void)state;
    struct stage stage;
    trading_result result;
    trading_error error;
    open_stage(&stage, 1, FAR);
    uint64_t next = atomic_load(&stage.plan.calls[FAULTY_BEGIN]);
    assert_true(faulty_plan_add(&stage.plan, FAULTY_BEGIN, next, FAULT_REFUSED, TRADING_E_NO_SPACE));
    trading_command command = deposit(&stage, 0);
    assert_int_equal(trading_engine_execute(stage.engine, &command, 1, &result, &error), TRADING_E_NO_SPACE);
    assert_int_equal(result.status, TRADING_STATUS_NONE);
    assert_int_equal(shown(&stage), 0);
    assert_int_equal(trading_engine_execute(stage.engine, &command, 1, &result, NULL), TRADING_OK);
    assert_int_equal(shown(&stage), TRADING_DECIMAL_ONE);
    close_stage(&stage, TRADING_CLOSE_DRAIN);
}

static void close_stage_that_failed(struct stage *stage)
{
    trading_engine_close(stage->engine, TRADING_CLOSE_DRAIN, NULL);
    stage->engine = NULL;
    stage->plan.unheard = 0; /* with a poll that failed */
    close_stage(stage, TRADING_CLOSE_DRAIN);
}

/* A message is tried again as long as the store refuses it, but not when it closes. */
static void test_closing_leaves_messages_that_the_store_refuses(void **state)
{
    (void)state;
    struct stage stage;
    trading_result result;
    open_stage(&stage, 2, 0);
    trading_transfer transfer = TRADING_TRANSFER_INIT;
    transfer.to = stage.accounts[1];
    transfer.amount = TRADING_DECIMAL_ONE;
    trading_command command = deposit(&stage, 0);
    assert_int_equal(trading_engine_execute(stage.engine, &command, 1, &result, NULL), TRADING_OK);
    command = (trading_command){
        .type = TRADING_COMMAND_TRANSFER, .account = stage.accounts[0], .body = &transfer, .body_size = sizeof transfer};
    uint64_t next = atomic_load(&stage.plan.calls[FAULTY_APPEND]);
    for (uint64_t i = 1; i < FAULTY_STEPS; i++)
        assert_true(faulty_plan_add(&stage.plan, FAULTY_APPEND, next + i, FAULT_REFUSED, TRADING_E_NO_SPACE));
    assert_int_equal(trading_engine_execute(stage.engine, &command, 1, &result, NULL), TRADING_OK);
    step(&stage, 10);
    uint64_t tried = atomic_load(&stage.plan.calls[FAULTY_APPEND]);
    assert_true(tried > next + 2);
    close_stage(&stage, TRADING_CLOSE_DRAIN);
    assert_true(atomic_load(&stage.plan.calls[FAULTY_APPEND]) <= tried + 1);
}

/* Nothing more is done with it; what it did is learnt from the journal. */
static void stop_at_poll(enum fault fault)
{
    struct stage stage;
    struct order orders[2];
    open_stage(&stage, 1, 0);
    submit(&stage, &orders[0], 0);
    assert_int_equal(step(&stage, 1), 1);
    uint64_t next = atomic_load(&stage.plan.calls[FAULTY_POLL]);
    assert_true(faulty_plan_add(&stage.plan, FAULTY_POLL, next, fault, TRADING_E_IO));
    submit(&stage, &orders[1], 1);
    step(&stage, 1000);
    trading_completion completions[2];
    size_t taken;
    assert_int_equal(trading_engine_poll(stage.engine, completions, 2, &taken, 0, NULL), TRADING_OK);
    assert_int_equal(taken, 2);
    assert_int_equal(completions[0].error.code, TRADING_OK);
    assert_int_equal(orders[0].result.status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(completions[1].error.code, TRADING_E_POISONED);
    assert_int_equal(orders[1].result.status, TRADING_STATUS_NONE);
    assert_int_equal(trading_engine_step(stage.engine, 1, NULL, NULL), TRADING_E_POISONED);
    assert_int_equal(begun(&stage), 1);
    close_stage_that_failed(&stage);
}

static void test_a_store_that_answers_what_nobody_asked(void **state)
{
    (void)state;
    stop_at_poll(FAULT_STRANGE);
}

static void test_a_store_that_cannot_be_polled(void **state)
{
    (void)state;
    stop_at_poll(FAULT_REFUSED);
}

/* All partitions stop, each in its turn, and no step follows. */
static void test_the_step_that_stops_answers_all(void **state)
{
    (void)state;
    struct stage stage;
    struct order orders[2 * ACCOUNTS];
    trading_completion completions[2 * ACCOUNTS];
    size_t taken = 0;
    open_stage(&stage, PARTITIONS, 0);
    for (uint64_t i = 0; i < ACCOUNTS; i++)
        submit(&stage, &orders[i], i);
    assert_int_equal(step(&stage, 1), 1);
    for (uint64_t i = ACCOUNTS; i < 2 * ACCOUNTS; i++)
        submit(&stage, &orders[i], i);
    uint64_t next = atomic_load(&stage.plan.calls[FAULTY_POLL]);
    assert_true(faulty_plan_add(&stage.plan, FAULTY_POLL, next, FAULT_REFUSED, TRADING_E_IO));
    step(&stage, 1);
    assert_int_equal(trading_engine_poll(stage.engine, completions, 2 * ACCOUNTS, &taken, 0, NULL), TRADING_OK);
    assert_int_equal(taken, 2 * ACCOUNTS);
    for (size_t i = 0; i < taken; i++)
        assert_int_equal(completions[i].error.code, i < ACCOUNTS ? TRADING_OK : TRADING_E_POISONED);
    assert_int_equal(trading_engine_step(stage.engine, 1, NULL, NULL), TRADING_E_POISONED);
    close_stage_that_failed(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_batch_is_decided_meanwhile),
        cmocka_unit_test(test_what_is_done_is_finished),
        cmocka_unit_test(test_all_partitions_append_at_once),
        cmocka_unit_test(test_a_long_step_finishes_all),
        cmocka_unit_test(test_several_callers),
        cmocka_unit_test(test_closing_finishes_what_is_in_flight),
        cmocka_unit_test(test_abandoning_drops_what_was_only_decided),
        cmocka_unit_test(test_closing_finishes_what_a_caller_began_meanwhile),
        cmocka_unit_test(test_an_append_that_cannot_begin),
        cmocka_unit_test(test_closing_leaves_messages_that_the_store_refuses),
        cmocka_unit_test(test_a_store_that_answers_what_nobody_asked),
        cmocka_unit_test(test_a_store_that_cannot_be_polled),
        cmocka_unit_test(test_the_step_that_stops_answers_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
