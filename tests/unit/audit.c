#include "audit.h"

#include "backends/memory/memory_store.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

trading_engine_options audit_options_of(struct fixture *fixture, uint32_t flags)
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = flags;
    options.commit_bytes = 65536;
    options.clock = clock_of;
    options.clock_context = fixture;
    return options;
}

void audit_open_with(struct fixture *fixture, const trading_engine_options *options)
{
    char location[FAULTY_LOCATION];
    trading_error error;
    snprintf(fixture->uri, sizeof fixture->uri, "faulty:%s", faulty_location(&fixture->plan, location));
    if (trading_engine_open(&fixture->engine, fixture->host, fixture->uri, options, &error))
        fail_msg("%s", error.message);
}

void audit_open_engine(struct fixture *fixture, uint32_t flags)
{
    trading_engine_options options = audit_options_of(fixture, flags);
    audit_open_with(fixture, &options);
}

int audit_set_up(void **state)
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

void audit_close_engine(struct fixture *fixture, int32_t how)
{
    assert_int_equal(trading_engine_close(fixture->engine, how, NULL), TRADING_OK);
    fixture->engine = NULL;
}

int audit_tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->engine)
        audit_close_engine(fixture, TRADING_CLOSE_DRAIN);
    assert_int_equal(trading_host_memory(fixture->host), 0);
    assert_int_equal(trading_host_close(fixture->host, NULL), TRADING_OK);
    free(fixture);
    return 0;
}

void audit_expect_sound(struct fixture *fixture)
{
    trading_verification verification = TRADING_VERIFICATION_INIT;
    assert_int_equal(trading_engine_verify(fixture->engine, &verification, NULL, NULL, NULL), TRADING_OK);
    assert_string_equal(verification.finding, "");
    assert_int_equal(verification.sound, 1);
}

trading_result audit_ask(struct fixture *fixture, const trading_command *command)
{
    trading_error error;
    trading_result result;
    if (trading_engine_execute(fixture->engine, command, 1, &result, &error))
        fail_msg("%s", error.message);
    return result;
}

trading_result audit_execute(struct fixture *fixture, int32_t type, const trading_id *account, const void *body, size_t size)
{
    trading_command command = {
        .type = type, .account = account ? *account : (trading_id){{0}}, .body = body, .body_size = size};
    trading_result result = audit_ask(fixture, &command);
    assert_string_equal(trading_reason_name(result.reason), "NONE");
    return result;
}

trading_result audit_open_account(struct fixture *fixture, trading_decimal deposit)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = deposit;
    return audit_execute(fixture, TRADING_COMMAND_OPEN_ACCOUNT, NULL, &body, sizeof body);
}

trading_symbol audit_symbol_of(unsigned number)
{
    trading_symbol symbol = {{0}};
    snprintf(symbol.text, sizeof symbol.text, "S%u", number);
    return symbol;
}

void audit_quote(struct fixture *fixture, unsigned symbol, trading_decimal bid, trading_decimal ask)
{
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    body.symbol = audit_symbol_of(symbol);
    body.bid = bid;
    body.ask = ask;
    audit_execute(fixture, TRADING_COMMAND_SET_QUOTE, NULL, &body, sizeof body);
}

trading_place_order audit_order_of(const trading_id *portfolio, unsigned symbol, int32_t side, trading_decimal quantity,
                                   trading_decimal price)
{
    trading_place_order body = TRADING_PLACE_ORDER_INIT;
    body.portfolio = *portfolio;
    body.side = side;
    body.type = price ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    body.symbol = audit_symbol_of(symbol);
    body.quantity = quantity;
    body.limit_price = price;
    return body;
}

trading_result audit_place(struct fixture *fixture, const trading_id *portfolio, unsigned symbol, int32_t side,
                           trading_decimal quantity, trading_decimal price)
{
    trading_place_order body = audit_order_of(portfolio, symbol, side, quantity, price);
    return audit_execute(fixture, TRADING_COMMAND_PLACE_ORDER, NULL, &body, sizeof body);
}

trading_command audit_closing_of(const trading_close_portfolio *body)
{
    return (trading_command){.type = TRADING_COMMAND_CLOSE_PORTFOLIO, .body = body, .body_size = sizeof *body};
}

trading_portfolio audit_portfolio_now(struct fixture *fixture, const trading_id *id)
{
    trading_view *view;
    trading_portfolio portfolio = TRADING_PORTFOLIO_INIT;
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_NOW, NULL), TRADING_OK);
    assert_int_equal(trading_view_portfolio(view, id, &portfolio, NULL), TRADING_OK);
    trading_view_close(view);
    return portfolio;
}

int64_t audit_next_position(struct fixture *fixture)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    assert_int_equal(trading_engine_get_info(fixture->engine, &info, NULL), TRADING_OK);
    return info.next_position;
}

trading_order audit_order_now(struct fixture *fixture, const trading_id *id)
{
    trading_view *view;
    trading_order order;
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_NOW, NULL), TRADING_OK);
    assert_int_equal(trading_view_order(view, id, &order, NULL), TRADING_OK);
    trading_view_close(view);
    return order;
}
