/* What an engineer tried who would trust the engine with money: failures at bad moments, and commands that no customer would send. */
#include "../contract/faulty_store.h"
#include "backends/memory/memory_store.h"
#include "engine/engine.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trading.h>

#include <cmocka.h>

struct fixture {
    trading_host *host;
    trading_engine *engine;
    struct faulty_plan plan;
    char uri[64];
    _Atomic bool full;   /* every append is refused for want of space */
    _Atomic bool broken; /* no append is answered, and the journal's end cannot be learnt */
    _Atomic int64_t now;
    _Atomic uint64_t full_from; /* the append from which on it is full; 0: none */
    _Atomic bool closing;       /* no append ends before it is set, where `holds` is */
    _Atomic bool holds;
    _Atomic bool fills; /* the disk is full once the first commit of paused work is durable */
};

/* On the thread that calls the store: the plan's first step is that of the call that is made, where it is to fail. */
static void steer(void *arg, enum faulty_call call, uint64_t nth)
{
    struct fixture *fixture = arg;
    struct faulty_plan *plan = &fixture->plan;
    if (call != FAULTY_APPEND && call != FAULTY_HEAD)
        return;
    if (call == FAULTY_APPEND && nth == fixture->full_from && nth)
        fixture->full = true;
    while (fixture->holds && !fixture->closing)
        sched_yield();
    bool fails = call == FAULTY_APPEND ? fixture->full || fixture->broken : call == FAULTY_HEAD && fixture->broken;
    plan->steps[0] = (struct faulty_step){.call = call,
                                          .nth = nth,
                                          .fault = fails ? FAULT_REFUSED : FAULT_NONE,
                                          .code = fixture->full ? TRADING_E_NO_SPACE : TRADING_E_IO};
    plan->step_count = 1;
}

static trading_time clock_of(void *context)
{
    struct fixture *fixture = context;
    return fixture->now;
}

static trading_engine_options options_of(struct fixture *fixture, uint32_t flags)
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = flags;
    options.commit_bytes = 65536;
    options.clock = clock_of;
    options.clock_context = fixture;
    return options;
}

static void open_with(struct fixture *fixture, const trading_engine_options *options)
{
    char location[FAULTY_LOCATION];
    trading_error error;
    snprintf(fixture->uri, sizeof fixture->uri, "faulty:%s", faulty_location(&fixture->plan, location));
    if (trading_engine_open(&fixture->engine, fixture->host, fixture->uri, options, &error))
        fail_msg("%s", error.message);
}

static void open_engine(struct fixture *fixture, uint32_t flags)
{
    trading_engine_options options = options_of(fixture, flags);
    open_with(fixture, &options);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.log_level = 0;
    faulty_plan_init(&fixture->plan, &memory_store_ops, "");
    fixture->plan.before = steer;
    fixture->plan.arg = fixture;
    fixture->now = 1000;
    assert_int_equal(trading_host_open(&fixture->host, &options, NULL), TRADING_OK);
    assert_int_equal(trading_store_register(fixture->host, "faulty", &faulty_store_ops, NULL), TRADING_OK);
    *state = fixture;
    return 0;
}

static void close_engine(struct fixture *fixture, int32_t how)
{
    assert_int_equal(trading_engine_close(fixture->engine, how, NULL), TRADING_OK);
    fixture->engine = NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->engine)
        close_engine(fixture, TRADING_CLOSE_DRAIN);
    assert_int_equal(trading_host_memory(fixture->host), 0);
    assert_int_equal(trading_host_close(fixture->host, NULL), TRADING_OK);
    free(fixture);
    return 0;
}

static void expect_sound(struct fixture *fixture)
{
    trading_verification verification = TRADING_VERIFICATION_INIT;
    assert_int_equal(trading_engine_verify(fixture->engine, &verification, NULL, NULL, NULL), TRADING_OK);
    assert_string_equal(verification.finding, "");
    assert_int_equal(verification.sound, 1);
}

static trading_result ask(struct fixture *fixture, const trading_command *command)
{
    trading_error error;
    trading_result result;
    if (trading_engine_execute(fixture->engine, command, 1, &result, &error))
        fail_msg("%s", error.message);
    return result;
}

static trading_result execute(struct fixture *fixture, int32_t type, const trading_id *account, const void *body, size_t size)
{
    trading_command command = {
        .type = type, .account = account ? *account : (trading_id){{0}}, .body = body, .body_size = size};
    trading_result result = ask(fixture, &command);
    assert_string_equal(trading_reason_name(result.reason), "NONE");
    return result;
}

static trading_result open_account(struct fixture *fixture, trading_decimal deposit)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = deposit;
    return execute(fixture, TRADING_COMMAND_OPEN_ACCOUNT, NULL, &body, sizeof body);
}

static trading_symbol symbol_of(unsigned number)
{
    trading_symbol symbol = {{0}};
    snprintf(symbol.text, sizeof symbol.text, "S%u", number);
    return symbol;
}

static void quote(struct fixture *fixture, unsigned symbol, trading_decimal bid, trading_decimal ask)
{
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    body.symbol = symbol_of(symbol);
    body.bid = bid;
    body.ask = ask;
    execute(fixture, TRADING_COMMAND_SET_QUOTE, NULL, &body, sizeof body);
}

static trading_place_order order_of(const trading_id *portfolio, unsigned symbol, int32_t side, trading_decimal quantity,
                                    trading_decimal price)
{
    trading_place_order body = TRADING_PLACE_ORDER_INIT;
    body.portfolio = *portfolio;
    body.side = side;
    body.type = price ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    body.symbol = symbol_of(symbol);
    body.quantity = quantity;
    body.limit_price = price;
    return body;
}

static trading_result place(struct fixture *fixture, const trading_id *portfolio, unsigned symbol, int32_t side,
                            trading_decimal quantity, trading_decimal price)
{
    trading_place_order body = order_of(portfolio, symbol, side, quantity, price);
    return execute(fixture, TRADING_COMMAND_PLACE_ORDER, NULL, &body, sizeof body);
}

static trading_command closing_of(const trading_close_portfolio *body)
{
    return (trading_command){.type = TRADING_COMMAND_CLOSE_PORTFOLIO, .body = body, .body_size = sizeof *body};
}

static trading_portfolio portfolio_now(struct fixture *fixture, const trading_id *id)
{
    trading_view *view;
    trading_portfolio portfolio = TRADING_PORTFOLIO_INIT;
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_NOW, NULL), TRADING_OK);
    assert_int_equal(trading_view_portfolio(view, id, &portfolio, NULL), TRADING_OK);
    trading_view_close(view);
    return portfolio;
}

static int64_t next_position(struct fixture *fixture)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    assert_int_equal(trading_engine_get_info(fixture->engine, &info, NULL), TRADING_OK);
    return info.next_position;
}

/* ---- paused work ---- */

#define HOLDINGS 600
#define FILLERS  1200

/* Commands whose length a test varies: so many, each by up to so many bytes. */
#define FILLER_STEPS 6u
#define FILLER_BYTES 7u

/* A portfolio of many holdings that nobody buys, and after them one that is sold. */
static trading_result hold_many(struct fixture *fixture)
{
    trading_result owner = open_account(fixture, 100000 * TRADING_DECIMAL_ONE);
    for (unsigned i = 0; i <= HOLDINGS; i++) {
        quote(fixture, i, i == HOLDINGS ? TRADING_DECIMAL_ONE : 0, 2 * TRADING_DECIMAL_ONE);
        place(fixture, &owner.portfolio, i, TRADING_SIDE_BUY, TRADING_DECIMAL_ONE, 0);
    }
    place(fixture, &owner.portfolio, HOLDINGS, TRADING_SIDE_SELL, TRADING_DECIMAL_ONE, 0);
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
    commands[fillers] = closing_of(&body);
    assert_int_equal(trading_engine_execute(fixture->engine, commands, fillers + 1, results, NULL), TRADING_OK);
    assert_int_equal(results[fillers].status, TRADING_STATUS_ACCEPTED);
}

/* At some of these sizes the commit is full just when all that can be sold was tried: there is nothing then to go on with. */
static void test_work_never_pauses_before_nothing(void **state)
{
    struct fixture *fixture = *state;
    open_engine(fixture, TRADING_ENGINE_MANUAL);
    trading_result owner = hold_many(fixture);
    for (unsigned i = 0; i < 30; i++)
        close_behind(fixture, &owner, 0, 0); /* from here on the numbers of its orders are all of one length */
    int64_t least = INT64_MAX;               /* events that were left to go on with */
    for (size_t fillers = 712; fillers < 730; fillers++) {
        for (unsigned bytes = 0; bytes < FILLER_STEPS * FILLER_BYTES; bytes++) {
            close_behind(fixture, &owner, fillers, bytes);
            int64_t paused = next_position(fixture);
            quote(fixture, 0, 0, 0);
            int64_t left = next_position(fixture) - paused - 1;
            least = left && left < least ? left : least;
        }
    }
    assert_int_equal(least, 2);
    assert_int_equal(portfolio_now(fixture, &owner.portfolio).status, TRADING_PORTFOLIO_CLOSING);
    expect_sound(fixture);
}

/* ---- a store that takes nothing for a while ---- */

#define RESTING 3000

/* Ann's order meets more of Bob's than a commit holds: it is answered when the first commit is durable, and paused. */
static trading_id pause_work(struct fixture *fixture)
{
    static trading_command commands[RESTING];
    static trading_result results[RESTING];
    trading_id ann = open_account(fixture, 100000 * TRADING_DECIMAL_ONE).portfolio;
    trading_id bob = open_account(fixture, 100000 * TRADING_DECIMAL_ONE).portfolio;
    quote(fixture, 0, 0, TRADING_DECIMAL_ONE);
    place(fixture, &bob, 0, TRADING_SIDE_BUY, RESTING * TRADING_DECIMAL_ONE, 0);
    quote(fixture, 0, 0, 0);
    trading_place_order body = order_of(&bob, 0, TRADING_SIDE_SELL, TRADING_DECIMAL_ONE, 2 * TRADING_DECIMAL_ONE);
    for (size_t i = 0; i < RESTING; i++)
        commands[i] = (trading_command){.type = TRADING_COMMAND_PLACE_ORDER, .body = &body, .body_size = sizeof body};
    assert_int_equal(trading_engine_execute(fixture->engine, commands, RESTING, results, NULL), TRADING_OK);
    if (fixture->fills)
        fixture->full_from = fixture->plan.calls[FAULTY_APPEND] + 1;
    return place(fixture, &ann, 0, TRADING_SIDE_BUY, RESTING * TRADING_DECIMAL_ONE, 2 * TRADING_DECIMAL_ONE).order;
}

static trading_order order_now(struct fixture *fixture, const trading_id *id)
{
    trading_view *view;
    trading_order order;
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_NOW, NULL), TRADING_OK);
    assert_int_equal(trading_view_order(view, id, &order, NULL), TRADING_OK);
    trading_view_close(view);
    return order;
}

/* A command behind paused work that cannot be appended fails like it; both are done once the store takes commits again. */
static void expect_failure_then_all(struct fixture *fixture, const trading_id *order)
{
    trading_result result;
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    body.symbol = symbol_of(7);
    trading_command command = {.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
    assert_int_equal(trading_engine_execute(fixture->engine, &command, 1, &result, NULL), TRADING_E_NO_SPACE);
    assert_int_equal(result.status, TRADING_STATUS_NONE);
    assert_int_equal(order_now(fixture, order).status, TRADING_ORDER_STATUS_PARTIALLY_FILLED);
    fixture->full = false;
    assert_int_equal(ask(fixture, &command).status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(order_now(fixture, order).status, TRADING_ORDER_STATUS_FILLED);
    expect_sound(fixture);
}

static void test_paused_work_meets_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    open_engine(fixture, TRADING_ENGINE_MANUAL);
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
    open_engine(fixture, TRADING_ENGINE_MANUAL);
    pause_work(fixture);
    fixture->full = true;
    close_engine(fixture, TRADING_CLOSE_DRAIN); /* which tries, and returns */
}

static void test_threads_with_work_and_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    open_engine(fixture, 0);
    fixture->fills = true;
    trading_id order = pause_work(fixture);
    expect_failure_then_all(fixture, &order);
    close_engine(fixture, TRADING_CLOSE_DRAIN);
}

static void test_closing_threads_with_work_and_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    open_engine(fixture, 0);
    fixture->fills = true;
    pause_work(fixture);
    close_engine(fixture, TRADING_CLOSE_DRAIN);
}

static bool is_readable(struct fixture *fixture)
{
    struct pollfd descriptor = {.fd = trading_engine_fd(fixture->engine), .events = POLLIN};
    return poll(&descriptor, 1, 5000) == 1;
}

/* The host looks at the descriptor only: whatever ends a submission must show there. */
static void test_descriptor_tells_of_failures(void **state)
{
    struct fixture *fixture = *state;
    open_engine(fixture, 0);
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
    assert_int_equal(ask(fixture, &command).status, TRADING_STATUS_ACCEPTED);
}

/* ---- options ---- */

static void test_intervals_may_be_endless(void **state)
{
    struct fixture *fixture = *state;
    trading_engine_options options = options_of(fixture, TRADING_ENGINE_MANUAL);
    options.checkpoint_events = options.snapshot_events = UINT64_MAX;
    open_with(fixture, &options);
    open_account(fixture, TRADING_DECIMAL_ONE);
    open_account(fixture, TRADING_DECIMAL_ONE);
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
    body.symbol = symbol_of(1);
    for (size_t i = 0; i < PIECE; i++)
        commands[i] = (trading_command){.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
    caller->code = trading_engine_execute(caller->engine, commands, PIECE, results, NULL);
    for (size_t i = 0; i < PIECE; i++)
        assert_true(results[i].status == TRADING_STATUS_ACCEPTED || caller->code == TRADING_E_CLOSED);
    return NULL;
}

static size_t callers_inside(struct fixture *fixture)
{
    struct queue *queue = &fixture->engine->queue;
    pthread_mutex_lock(&queue->mutex);
    size_t callers = queue->callers;
    pthread_mutex_unlock(&queue->mutex);
    return callers;
}

static void close_among_callers(struct fixture *fixture, int32_t how)
{
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    trading_engine_options options = options_of(fixture, 0);
    options.batch_commands = 3;
    open_with(fixture, &options);
    fixture->closing = false;
    fixture->holds = true;
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.engine = fixture->engine};
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    while (callers_inside(fixture) < CALLERS)
        sched_yield();
    fixture->closing = true;
    close_engine(fixture, how);
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
    open_engine(fixture, 0);
    pthread_t thread;
    void *answered;
    assert_int_equal(pthread_create(&thread, NULL, poll_for_ever, fixture->engine), 0);
    while (!callers_inside(fixture))
        sched_yield();
    close_engine(fixture, TRADING_CLOSE_DRAIN);
    pthread_join(thread, &answered);
    assert_non_null(answered);
}

static void test_waiting_as_long_as_can_be_said(void **state)
{
    struct fixture *fixture = *state;
    open_engine(fixture, 0);
    trading_feed *feed;
    trading_event event;
    size_t count;
    open_account(fixture, 0);
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
    body.symbol = symbol_of(1);
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
    trading_engine_options options = options_of(fixture, TRADING_ENGINE_MANUAL);
    options.key_count = 1;
    open_with(fixture, &options);
    trading_id portfolio = open_account(fixture, 100 * TRADING_DECIMAL_ONE).portfolio;
    quote(fixture, 0, TRADING_DECIMAL_ONE, 2 * TRADING_DECIMAL_ONE);
    trading_place_order order = order_of(&portfolio, 0, TRADING_SIDE_BUY, TRADING_DECIMAL_ONE, 0);
    trading_command buy = {.type = TRADING_COMMAND_PLACE_ORDER, .key = {{255, 1}}, .body = &order, .body_size = sizeof order};
    trading_result bought = ask(fixture, &buy);
    assert_int_equal(bought.order_status, TRADING_ORDER_STATUS_FILLED);
    forget_keys(fixture);
    trading_close_portfolio body = TRADING_CLOSE_PORTFOLIO_INIT;
    body.portfolio = portfolio;
    trading_command closing = closing_of(&body);
    closing.key = buy.key;
    assert_int_equal(ask(fixture, &closing).reason, TRADING_REASON_ALREADY_EXISTS);
    assert_int_equal(order_now(fixture, &bought.order).side, TRADING_SIDE_BUY);
    closing.key.bytes[2] = 1;
    assert_int_equal(ask(fixture, &closing).status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(portfolio_now(fixture, &portfolio).status, TRADING_PORTFOLIO_CLOSED);
    expect_sound(fixture);
}

/* ---- commands that no customer would send ---- */

#define PEOPLE  5
#define SHELVES 2 /* portfolios of each */
#define KNOWN   64

struct adversary {
    struct fixture *fixture;
    uint64_t seed;
    trading_id accounts[PEOPLE];
    trading_id portfolios[PEOPLE * SHELVES];
    trading_id orders[KNOWN]; /* the newest */
    uint64_t placed;
};

static uint64_t draw(struct adversary *adversary, uint64_t below)
{
    adversary->seed = adversary->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (adversary->seed >> 33) % below;
}

/* Amounts at which something overflows, rounds, or ends. */
static trading_decimal draw_amount(struct adversary *adversary)
{
    static const trading_decimal amounts[] = {1,
                                              2,
                                              3,
                                              499999,
                                              500000,
                                              999999,
                                              TRADING_DECIMAL_ONE,
                                              TRADING_DECIMAL_ONE + 1,
                                              7 * TRADING_DECIMAL_ONE,
                                              100 * TRADING_DECIMAL_ONE,
                                              INT64_C(3037000499),
                                              INT64_C(3037000500999999),
                                              INT64_MAX / 1000000 * 1000000,
                                              INT64_MAX / 2,
                                              INT64_MAX / 2 + 1,
                                              INT64_MAX - 2,
                                              INT64_MAX - 1,
                                              INT64_MAX,
                                              0,
                                              -1,
                                              INT64_MIN,
                                              INT64_MIN + 1};
    size_t count = sizeof amounts / sizeof *amounts;
    uint64_t some = draw(adversary, 8);
    if (some == 0)
        return amounts[draw(adversary, count)];
    if (some == 1)
        return (trading_decimal)draw(adversary, UINT64_C(1) << draw(adversary, 31)) + 1;
    return amounts[draw(adversary, some < 4 ? 10 : count - 4)];
}

static const trading_id *draw_order(struct adversary *adversary)
{
    return &adversary->orders[draw(adversary, adversary->placed && adversary->placed < KNOWN ? adversary->placed : KNOWN)];
}

union body {
    trading_cash cash;
    trading_accept_refund refund;
    trading_place_order order;
    trading_cancel_order cancel;
    trading_close_portfolio closing;
    trading_set_quote quote;
    trading_acknowledge cursor;
    trading_open_portfolio portfolio;
};

static size_t draw_trade(struct adversary *adversary, trading_command *command, union body *body)
{
    command->type = TRADING_COMMAND_PLACE_ORDER;
    command->account = (trading_id){{0}};
    body->order =
        order_of(&adversary->portfolios[draw(adversary, PEOPLE * SHELVES)], (unsigned)draw(adversary, 2),
                 (int32_t)draw(adversary, 2) + 1, draw_amount(adversary), draw(adversary, 4) ? draw_amount(adversary) : 0);
    if (body->order.type == TRADING_ORDER_TYPE_LIMIT)
        body->order.time_in_force = (int32_t)draw(adversary, 4);
    if (body->order.side == TRADING_SIDE_SELL && draw(adversary, 3) == 0)
        body->order.lot = *draw_order(adversary);
    return sizeof body->order;
}

static size_t draw_market(struct adversary *adversary, trading_command *command, union body *body)
{
    command->account = (trading_id){{0}};
    if (draw(adversary, 10) == 0) {
        command->type = TRADING_COMMAND_END_SESSION;
        return 0;
    }
    command->type = TRADING_COMMAND_SET_QUOTE;
    body->quote = (trading_set_quote){.size = sizeof body->quote,
                                      .symbol = symbol_of((unsigned)draw(adversary, 2)),
                                      .bid = draw(adversary, 3) ? draw_amount(adversary) : 0,
                                      .ask = draw(adversary, 3) ? draw_amount(adversary) : 0,
                                      .bid_size = draw_amount(adversary),
                                      .ask_size = draw_amount(adversary)};
    return sizeof body->quote;
}

static size_t draw_errand(struct adversary *adversary, trading_command *command, union body *body)
{
    switch (draw(adversary, 12)) {
    case 0:
    case 1:
        command->type = TRADING_COMMAND_CANCEL_ORDER;
        command->account = (trading_id){{0}};
        body->cancel = (trading_cancel_order){.size = sizeof body->cancel, .order = *draw_order(adversary)};
        return sizeof body->cancel;
    case 2:
        command->type = TRADING_COMMAND_ACCEPT_REFUND;
        body->refund = (trading_accept_refund){
            .size = sizeof body->refund, .amount = draw_amount(adversary), .order = *draw_order(adversary)};
        return sizeof body->refund;
    case 3:
        if (draw(adversary, 3))
            break;
        command->type = TRADING_COMMAND_FREEZE_ACCOUNT;
        return 0;
    case 4:
    case 5:
    case 6:
        command->type = TRADING_COMMAND_UNFREEZE_ACCOUNT;
        return 0;
    case 7:
        command->type = TRADING_COMMAND_CLOSE_ACCOUNT;
        return 0;
    case 8:
        if (draw(adversary, 8))
            break;
        command->type = TRADING_COMMAND_CLOSE_PORTFOLIO;
        command->account = (trading_id){{0}};
        body->closing = (trading_close_portfolio){.size = sizeof body->closing,
                                                  .portfolio = adversary->portfolios[draw(adversary, PEOPLE * SHELVES)]};
        return sizeof body->closing;
    case 9:
        command->type = TRADING_COMMAND_ACKNOWLEDGE;
        command->account = (trading_id){{0}};
        body->cursor = (trading_acknowledge){.size = sizeof body->cursor, .name = {"c", 1}, .position = draw_amount(adversary)};
        return sizeof body->cursor;
    default:
        break;
    }
    command->type = TRADING_COMMAND_DEPOSIT + (int32_t)draw(adversary, 4);
    body->cash = (trading_cash){.size = sizeof body->cash, .amount = draw_amount(adversary)};
    return sizeof body->cash;
}

static void note(struct adversary *adversary, const trading_command *command, const trading_result *result)
{
    bool ended = command->type == TRADING_COMMAND_CLOSE_PORTFOLIO && result->status == TRADING_STATUS_ACCEPTED;
    for (size_t i = 0; ended && i < PEOPLE * SHELVES; i++) {
        if (!memcmp(&adversary->portfolios[i], &result->portfolio, sizeof result->portfolio) && draw(adversary, 2)) {
            trading_open_portfolio body = TRADING_OPEN_PORTFOLIO_INIT;
            trading_command open = {.type = TRADING_COMMAND_OPEN_PORTFOLIO,
                                    .account = adversary->accounts[i / SHELVES],
                                    .body = &body,
                                    .body_size = sizeof body};
            trading_result opened = ask(adversary->fixture, &open);
            if (opened.status == TRADING_STATUS_ACCEPTED)
                adversary->portfolios[i] = opened.portfolio;
        }
    }
    if (command->type == TRADING_COMMAND_PLACE_ORDER && result->status == TRADING_STATUS_ACCEPTED)
        adversary->orders[adversary->placed++ % KNOWN] = result->order;
}

static void attack(struct adversary *adversary)
{
    trading_command command = {.account = adversary->accounts[draw(adversary, PEOPLE)]};
    union body body;
    memset(&body, 0, sizeof body);
    uint64_t kind = draw(adversary, 10);
    command.body_size = kind < 5   ? draw_trade(adversary, &command, &body)
                        : kind < 7 ? draw_market(adversary, &command, &body)
                                   : draw_errand(adversary, &command, &body);
    command.body = command.body_size ? &body : NULL;
    trading_result result = ask(adversary->fixture, &command);
    note(adversary, &command, &result);
}

static void attack_often(struct fixture *fixture, uint64_t seed, size_t commands)
{
    struct adversary *adversary = calloc(1, sizeof *adversary);
    *adversary = (struct adversary){.fixture = fixture, .seed = seed};
    open_engine(fixture, TRADING_ENGINE_MANUAL);
    for (size_t i = 0; i < PEOPLE; i++) {
        trading_result opened = open_account(fixture, i % 2 ? INT64_MAX / 10000 * 10000 : 0);
        adversary->accounts[i] = opened.account;
        adversary->portfolios[i * SHELVES] = opened.portfolio;
        trading_open_portfolio body = TRADING_OPEN_PORTFOLIO_INIT;
        adversary->portfolios[i * SHELVES + 1] =
            execute(fixture, TRADING_COMMAND_OPEN_PORTFOLIO, &opened.account, &body, sizeof body).portfolio;
    }
    for (size_t i = 0; i < commands; i++)
        attack(adversary);
    expect_sound(fixture);
    close_engine(fixture, TRADING_CLOSE_ABANDON);
    free(adversary);
}

static void test_no_command_breaks_an_invariant(void **state)
{
    const char *seeds = getenv("AUDIT_SEEDS");
    uint64_t count = seeds ? strtoull(seeds, NULL, 10) : 20;
    for (uint64_t seed = 1; seed <= count; seed++)
        attack_often(*state, seed, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_work_never_pauses_before_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paused_work_meets_a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closing_with_work_and_a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads_with_work_and_a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closing_threads_with_work_and_a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descriptor_tells_of_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_intervals_may_be_endless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closing_answers_who_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closing_ends_polling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waiting_as_long_as_can_be_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forgotten_key_makes_no_second_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_command_breaks_an_invariant, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
