/* What an engineer tried who would trust the engine with money: failures at bad moments, and commands that no customer would send. */
#include "../contract/faulty_store.h"
#include "backends/memory/memory_store.h"

#include <poll.h>
#include <pthread.h>
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
};

/* On the thread that calls the store: the plan's first step is that of the call that is made, where it is to fail. */
static void steer(void *arg, enum faulty_call call, uint64_t nth)
{
    struct fixture *fixture = arg;
    struct faulty_plan *plan = &fixture->plan;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_work_never_pauses_before_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
