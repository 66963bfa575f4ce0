/* What an engineer tried who would trust the engine with money: failures, closings and keys at bad moments. */
#include "audit.h"
#include "engine/engine.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* ---- paused work ---- */

#define HOLDINGS 600
#define FILLERS  1200

/* Commands whose length a test varies: so many, each by up to so many bytes. */
#define FILLER_STEPS 6u
#define FILLER_BYTES 7u

/* A portfolio of many holdings that nobody buys, and after them one that is sold. */
static trading_result hold_many(struct fixture *fixture)
{
    trading_result owner = audit_open_account(fixture, 100000 * TRADING_DECIMAL_ONE);
    for (unsigned i = 0; i <= HOLDINGS; i++) {
        audit_quote(fixture, i, i == HOLDINGS ? TRADING_DECIMAL_ONE : 0, 2 * TRADING_DECIMAL_ONE);
        audit_place(fixture, &owner.portfolio, i, TRADING_SIDE_BUY, TRADING_DECIMAL_ONE, 0);
    }
    audit_place(fixture, &owner.portfolio, HOLDINGS, TRADING_SIDE_SELL, TRADING_DECIMAL_ONE, 0);
    return owner;
}

/* Closes the portfolio in one commit with commands before it, whose bytes are those of `fillers` and a few more. */
static void close_behind(struct fixture *fixture, const trading_result *owner, size_t fillers, unsigned bytes)
{
    static trading_command commands[FILLERS];
    static trading_result results[FILLERS];
    trading_cash amounts[FILLER_STEPS];
    trading_close_portfolio body = TRADING_CLOSE_PORTFOLIO_INIT;
    body.portfolio = owner->portfolio;
    for (unsigned i = 0; i < FILLER_STEPS; i++, bytes -= bytes < FILLER_BYTES ? bytes : FILLER_BYTES)
        amounts[i] = (trading_cash){.size = sizeof amounts[i],
                                    .amount = INT64_C(1) << 7 * (bytes < FILLER_BYTES ? bytes : FILLER_BYTES)};
    for (size_t i = 0; i < fillers; i++)
        commands[i] = (trading_command){.type = TRADING_COMMAND_CREDIT,
                                        .account = owner->account,
                                        .body = &amounts[i < FILLER_STEPS ? i : FILLER_STEPS - 1],
                                        .body_size = sizeof *amounts};
    commands[fillers] = audit_closing_of(&body);
    assert_int_equal(trading_engine_execute(fixture->engine, commands, fillers + 1, results, NULL), TRADING_OK);
    assert_int_equal(results[fillers].status, TRADING_STATUS_ACCEPTED);
}

/* At some of these sizes the commit is full just when all that can be sold was tried: there is nothing then to go on with. */
static void test_work_never_pauses_before_nothing(void **state)
{
    struct fixture *fixture = *state;
    audit_open_engine(fixture, TRADING_ENGINE_MANUAL);
    trading_result owner = hold_many(fixture);
    for (unsigned i = 0; i < 30; i++)
        close_behind(fixture, &owner, 0, 0); /* from here on the numbers of its orders are all of one length */
    int64_t least = INT64_MAX;               /* events that were left to go on with */
    for (size_t fillers = 712; fillers < 730; fillers++) {
        for (unsigned bytes = 0; bytes < FILLER_STEPS * FILLER_BYTES; bytes++) {
            close_behind(fixture, &owner, fillers, bytes);
            int64_t paused = audit_next_position(fixture);
            audit_quote(fixture, 0, 0, 0);
            int64_t left = audit_next_position(fixture) - paused - 1;
            least = left && left < least ? left : least;
        }
    }
    assert_int_equal(least, 2);
    assert_int_equal(audit_portfolio_now(fixture, &owner.portfolio).status, TRADING_PORTFOLIO_CLOSING);
    audit_expect_sound(fixture);
}

/* ---- a store that takes nothing for a while ---- */

#define RESTING 3000

/* Ann's order meets more of Bob's than a commit holds: it is answered when the first commit is durable, and paused. */
static trading_id pause_work(struct fixture *fixture)
{
    static trading_command commands[RESTING];
    static trading_result results[RESTING];
    trading_id ann = audit_open_account(fixture, 100000 * TRADING_DECIMAL_ONE).portfolio;
    trading_id bob = audit_open_account(fixture, 100000 * TRADING_DECIMAL_ONE).portfolio;
    audit_quote(fixture, 0, 0, TRADING_DECIMAL_ONE);
    audit_place(fixture, &bob, 0, TRADING_SIDE_BUY, RESTING * TRADING_DECIMAL_ONE, 0);
    audit_quote(fixture, 0, 0, 0);
    trading_place_order body = audit_order_of(&bob, 0, TRADING_SIDE_SELL, TRADING_DECIMAL_ONE, 2 * TRADING_DECIMAL_ONE);
    for (size_t i = 0; i < RESTING; i++)
        commands[i] = (trading_command){.type = TRADING_COMMAND_PLACE_ORDER, .body = &body, .body_size = sizeof body};
    assert_int_equal(trading_engine_execute(fixture->engine, commands, RESTING, results, NULL), TRADING_OK);
    if (fixture->fills)
        fixture->full_from = fixture->plan.calls[FAULTY_APPEND] + 1;
    return audit_place(fixture, &ann, 0, TRADING_SIDE_BUY, RESTING * TRADING_DECIMAL_ONE, 2 * TRADING_DECIMAL_ONE).order;
}

/* A command behind paused work that cannot be appended fails like it; both are done once the store takes commits again. */
static void expect_failure_then_all(struct fixture *fixture, const trading_id *order)
{
    trading_result result;
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    body.symbol = audit_symbol_of(7);
    trading_command command = {.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
    assert_int_equal(trading_engine_execute(fixture->engine, &command, 1, &result, NULL), TRADING_E_NO_SPACE);
    assert_int_equal(result.status, TRADING_STATUS_NONE);
    assert_int_equal(audit_order_now(fixture, order).status, TRADING_ORDER_STATUS_PARTIALLY_FILLED);
    fixture->full = false;
    assert_int_equal(audit_ask(fixture, &command).status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(audit_order_now(fixture, order).status, TRADING_ORDER_STATUS_FILLED);
    audit_expect_sound(fixture);
}

static void test_paused_work_meets_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    audit_open_engine(fixture, TRADING_ENGINE_MANUAL);
    trading_id order = pause_work(fixture);
    fixture->full = true;
    uint32_t done;
    assert_int_equal(trading_engine_step(fixture->engine, 1000000, &done, NULL), TRADING_OK);
    assert_true(done < 10);
    expect_failure_then_all(fixture, &order);
}

static void test_closing_with_work_and_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    audit_open_engine(fixture, TRADING_ENGINE_MANUAL);
    pause_work(fixture);
    fixture->full = true;
    audit_close_engine(fixture, TRADING_CLOSE_DRAIN); /* which tries, and returns */
}

static void test_threads_with_work_and_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    audit_open_engine(fixture, 0);
    fixture->fills = true;
    trading_id order = pause_work(fixture);
    expect_failure_then_all(fixture, &order);
    audit_close_engine(fixture, TRADING_CLOSE_DRAIN);
}

static void test_closing_threads_with_work_and_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    audit_open_engine(fixture, 0);
    fixture->fills = true;
    pause_work(fixture);
    audit_close_engine(fixture, TRADING_CLOSE_DRAIN);
}

static bool is_readable(struct fixture *fixture)
{
    struct pollfd descriptor = {.fd = trading_engine_fd(fixture->engine), .events = POLLIN};
    return poll(&descriptor, 1, 60000) == 1;
}

/* The host looks at the descriptor only: whatever ends a submission must show there. */
static void test_descriptor_tells_of_failures(void **state)
{
    struct fixture *fixture = *state;
    audit_open_engine(fixture, 0);
    trading_acknowledge body = TRADING_ACKNOWLEDGE_INIT;
    body.name = (trading_text){"cursor", 6};
    trading_command command = {.type = TRADING_COMMAND_ACKNOWLEDGE, .body = &body, .body_size = sizeof body};
    static const int32_t statuses[] = {TRADING_STATUS_UNKNOWN, TRADING_STATUS_NONE, TRADING_STATUS_NONE};
    fixture->broken = true;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        trading_completion completion;
        size_t taken = 0;
        trading_result result;
        assert_int_equal(trading_engine_submit(fixture->engine, &command, 1, &result, i, NULL), TRADING_OK);
        while (!taken) {
            assert_true(is_readable(fixture));
            trading_engine_fd_clear(fixture->engine);
            trading_engine_poll(fixture->engine, &completion, 1, &taken, 0, NULL);
        }
        assert_int_equal(result.status, statuses[i]);
        assert_int_equal(completion.error.code, i ? TRADING_E_IO : TRADING_E_OUTCOME_UNKNOWN);
    }
    fixture->broken = false;
    assert_int_equal(audit_ask(fixture, &command).status, TRADING_STATUS_ACCEPTED);
}

/* ---- options ---- */

static void test_intervals_may_be_endless(void **state)
{
    struct fixture *fixture = *state;
    trading_engine_options options = audit_options_of(fixture, TRADING_ENGINE_MANUAL);
    options.checkpoint_events = options.snapshot_events = UINT64_MAX;
    audit_open_with(fixture, &options);
    audit_open_account(fixture, TRADING_DECIMAL_ONE);
    audit_open_account(fixture, TRADING_DECIMAL_ONE);
    assert_int_equal(fixture->plan.calls[FAULTY_SNAPSHOT_PUT], 0);
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    assert_int_equal(trading_engine_get_info(fixture->engine, &info, NULL), TRADING_OK);
    assert_int_equal(info.checkpoint_position, 0);
}

/* ---- closing while others wait ---- */

#define CALLERS 4
#define PIECE   64

struct caller {
    trading_engine *engine;
    int32_t code;
};

static void *call(void *arg)
{
    struct caller *caller = arg;
    trading_command commands[PIECE];
    trading_result results[PIECE];
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    body.symbol = audit_symbol_of(1);
    for (size_t i = 0; i < PIECE; i++)
        commands[i] = (trading_command){.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
    caller->code = trading_engine_execute(caller->engine, commands, PIECE, results, NULL);
    for (size_t i = 0; i < PIECE; i++)
        assert_true(results[i].status == TRADING_STATUS_ACCEPTED || caller->code == TRADING_E_CLOSED);
    return NULL;
}

static void close_among_callers(struct fixture *fixture, int32_t how)
{
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    trading_engine_options options = audit_options_of(fixture, 0);
    options.batch_commands = 3;
    audit_open_with(fixture, &options);
    fixture->closing = false;
    fixture->holds = true;
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.engine = fixture->engine};
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    while (queue_callers(&fixture->engine->queue) < CALLERS)
        sched_yield();
    fixture->closing = true;
    audit_close_engine(fixture, how);
    fixture->holds = false;
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(callers[i].code == TRADING_E_CLOSED || callers[i].code == TRADING_OK);
    }
}

static void test_closing_answers_who_waits(void **state)
{
    for (size_t i = 0; i < 200; i++)
        close_among_callers(*state, i % 2 ? TRADING_CLOSE_ABANDON : TRADING_CLOSE_DRAIN);
}

static void *poll_for_ever(void *arg)
{
    trading_engine *engine = arg;
    trading_completion completion;
    size_t taken;
    return trading_engine_poll(engine, &completion, 1, &taken, -1, NULL) == TRADING_E_TIMEOUT ? arg : NULL;
}

static void test_closing_ends_polling(void **state)
{
    struct fixture *fixture = *state;
    audit_open_engine(fixture, 0);
    pthread_t thread;
    void *answered;
    assert_int_equal(pthread_create(&thread, NULL, poll_for_ever, fixture->engine), 0);
    while (!queue_callers(&fixture->engine->queue))
        sched_yield();
    audit_close_engine(fixture, TRADING_CLOSE_DRAIN);
    pthread_join(thread, &answered);
    assert_non_null(answered);
}

static void *submit_a_quote(void *arg)
{
    static trading_set_quote body = TRADING_SET_QUOTE_INIT;
    static trading_command command = {.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
    static trading_result result;
    struct caller *caller = arg;
    caller->code = trading_engine_submit(caller->engine, &command, 1, &result, 7, NULL);
    return NULL;
}

/* The completion may be there before submitting has returned. */
static void test_who_polled_the_last_completion_may_close(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 200; i++) {
        audit_open_engine(fixture, 0);
        struct caller caller = {.engine = fixture->engine};
        pthread_t thread;
        trading_completion completion;
        size_t taken;
        assert_int_equal(pthread_create(&thread, NULL, submit_a_quote, &caller), 0);
        assert_int_equal(trading_engine_poll(fixture->engine, &completion, 1, &taken, -1, NULL), TRADING_OK);
        assert_int_equal(completion.tag, 7);
        audit_close_engine(fixture, TRADING_CLOSE_ABANDON);
        pthread_join(thread, NULL);
        assert_int_equal(caller.code, TRADING_OK);
    }
}

static void test_waiting_as_long_as_can_be_said(void **state)
{
    struct fixture *fixture = *state;
    audit_open_engine(fixture, 0);
    trading_feed *feed;
    trading_event event;
    size_t count;
    audit_open_account(fixture, 0);
    assert_int_equal(trading_feed_open(&feed, fixture->engine, 0, NULL, NULL, NULL), TRADING_OK);
    assert_int_equal(trading_feed_next(feed, &event, 1, &count, INT64_MAX, NULL), TRADING_OK);
    assert_int_equal(count, 1);
    trading_feed_close(feed);
}

/* ---- keys ---- */

#define FORGOTTEN 70000

static void forget_keys(struct fixture *fixture)
{
    static trading_command commands[FORGOTTEN];
    static trading_result results[FORGOTTEN];
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    body.symbol = audit_symbol_of(1);
    for (uint32_t i = 0; i < FORGOTTEN; i++) {
        commands[i] = (trading_command){.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
        memcpy(commands[i].key.bytes, &(uint32_t){i + 1}, sizeof i);
    }
    assert_int_equal(trading_engine_execute(fixture->engine, commands, FORGOTTEN, results, NULL), TRADING_OK);
}

/* Past the bound an old key is new; what it once made keeps its id all the same. */
static void test_forgotten_key_makes_no_second_order(void **state)
{
    struct fixture *fixture = *state;
    trading_engine_options options = audit_options_of(fixture, TRADING_ENGINE_MANUAL);
    options.key_count = 1;
    audit_open_with(fixture, &options);
    trading_id portfolio = audit_open_account(fixture, 100 * TRADING_DECIMAL_ONE).portfolio;
    audit_quote(fixture, 0, TRADING_DECIMAL_ONE, 2 * TRADING_DECIMAL_ONE);
    trading_place_order order = audit_order_of(&portfolio, 0, TRADING_SIDE_BUY, TRADING_DECIMAL_ONE, 0);
    trading_command buy = {.type = TRADING_COMMAND_PLACE_ORDER, .key = {{255, 1}}, .body = &order, .body_size = sizeof order};
    trading_result bought = audit_ask(fixture, &buy);
    assert_int_equal(bought.order_status, TRADING_ORDER_STATUS_FILLED);
    forget_keys(fixture);
    trading_close_portfolio body = TRADING_CLOSE_PORTFOLIO_INIT;
    body.portfolio = portfolio;
    trading_command closing = audit_closing_of(&body);
    closing.key = buy.key;
    assert_int_equal(audit_ask(fixture, &closing).reason, TRADING_REASON_ALREADY_EXISTS);
    assert_int_equal(audit_order_now(fixture, &bought.order).side, TRADING_SIDE_BUY);
    closing.key.bytes[2] = 1;
    assert_int_equal(audit_ask(fixture, &closing).status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(audit_portfolio_now(fixture, &portfolio).status, TRADING_PORTFOLIO_CLOSED);
    audit_expect_sound(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_work_never_pauses_before_nothing, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_paused_work_meets_a_full_disk, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_closing_with_work_and_a_full_disk, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_threads_with_work_and_a_full_disk, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_closing_threads_with_work_and_a_full_disk, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_descriptor_tells_of_failures, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_intervals_may_be_endless, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_closing_answers_who_waits, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_closing_ends_polling, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_who_polled_the_last_completion_may_close, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_waiting_as_long_as_can_be_said, audit_set_up, audit_tear_down),
        cmocka_unit_test_setup_teardown(test_forgotten_key_makes_no_second_order, audit_set_up, audit_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
