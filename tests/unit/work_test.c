/* Work that is larger than a commit: it pauses, goes on in the next commits, survives a crash between them, and ends as if it had
 * been done at once. */
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

#define MANY 3000

struct fixture {
    trading_host *host;
    trading_engine *engine;
    char folder[64];
    char uri[80];
    trading_id ann; /* portfolios */
    trading_id bob;
    trading_id ann_account;
    trading_id bob_account;
    trading_result results[MANY];
};

static void open_engine(struct fixture *fixture)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.durability = TRADING_DURABILITY_PROCESS;
    options.commit_bytes = 65536;
    if (trading_engine_open(&fixture->engine, fixture->host, fixture->uri, &options, &error))
        fail_msg("%s", error.message);
}

static void close_engine(struct fixture *fixture, int32_t how)
{
    assert_int_equal(trading_engine_close(fixture->engine, how, NULL), TRADING_OK);
}

static void reopen(struct fixture *fixture, int32_t how)
{
    close_engine(fixture, how);
    open_engine(fixture);
}

static trading_result execute(struct fixture *fixture, int32_t type, const void *body, size_t size)
{
    trading_error error;
    trading_command command = {.type = type, .body = body, .body_size = size};
    trading_result result;
    if (trading_engine_execute(fixture->engine, &command, 1, &result, &error))
        fail_msg("%s", error.message);
    assert_string_equal(trading_reason_name(result.reason), "NONE");
    return result;
}

static trading_result open_account(struct fixture *fixture)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = 1000000 * TRADING_DECIMAL_ONE;
    return execute(fixture, TRADING_COMMAND_OPEN_ACCOUNT, &body, sizeof body);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/work-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->uri, sizeof fixture->uri, "lmdb:%s", fixture->folder);
    assert_int_equal(trading_host_open(&fixture->host, NULL, NULL), TRADING_OK);
    open_engine(fixture);
    trading_result opened = open_account(fixture);
    fixture->ann = opened.portfolio;
    fixture->ann_account = opened.account;
    opened = open_account(fixture);
    fixture->bob = opened.portfolio;
    fixture->bob_account = opened.account;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    trading_verification verification = TRADING_VERIFICATION_INIT;
    assert_int_equal(trading_engine_verify(fixture->engine, &verification, NULL, NULL, NULL), TRADING_OK);
    assert_string_equal(verification.finding, "");
    assert_int_equal(verification.sound, 1);
    close_engine(fixture, TRADING_CLOSE_DRAIN);
    assert_int_equal(trading_host_memory(fixture->host), 0);
    assert_int_equal(trading_host_close(fixture->host, NULL), TRADING_OK);
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void quote(struct fixture *fixture, const char *symbol, int64_t bid, int64_t ask)
{
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    memcpy(body.symbol.text, symbol, strlen(symbol));
    body.bid = bid * TRADING_DECIMAL_ONE;
    body.ask = ask * TRADING_DECIMAL_ONE;
    execute(fixture, TRADING_COMMAND_SET_QUOTE, &body, sizeof body);
}

static trading_place_order order_of(const trading_id *portfolio, const char *symbol, int32_t side, int64_t quantity,
                                    int64_t price)
{
    trading_place_order body = TRADING_PLACE_ORDER_INIT;
    body.portfolio = *portfolio;
    body.side = side;
    body.type = price ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    body.quantity = quantity * TRADING_DECIMAL_ONE;
    body.limit_price = price * TRADING_DECIMAL_ONE;
    memcpy(body.symbol.text, symbol, strlen(symbol));
    return body;
}

static trading_result place(struct fixture *fixture, const trading_id *portfolio, const char *symbol, int32_t side,
                            int64_t quantity, int64_t price)
{
    trading_place_order body = order_of(portfolio, symbol, side, quantity, price);
    return execute(fixture, TRADING_COMMAND_PLACE_ORDER, &body, sizeof body);
}

/* The same order many times, in one call. */
static void place_many(struct fixture *fixture, const trading_id *portfolio, const char *symbol, int32_t side, int64_t price)
{
    static trading_command commands[MANY];
    trading_place_order body = order_of(portfolio, symbol, side, 1, price);
    for (size_t i = 0; i < MANY; i++)
        commands[i] = (trading_command){.type = TRADING_COMMAND_PLACE_ORDER, .body = &body, .body_size = sizeof body};
    assert_int_equal(trading_engine_execute(fixture->engine, commands, MANY, fixture->results, NULL), TRADING_OK);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(fixture->results[i].status, TRADING_STATUS_ACCEPTED);
}

/* Does what is paused. */
static void settle(struct fixture *fixture)
{
    uint32_t done;
    do
        assert_int_equal(trading_engine_step(fixture->engine, 1, &done, NULL), TRADING_OK);
    while (done);
}

static trading_view *view(struct fixture *fixture)
{
    trading_view *view;
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_NOW, NULL), TRADING_OK);
    return view;
}

static trading_order order(struct fixture *fixture, const trading_id *id)
{
    trading_order order;
    trading_view *now = view(fixture);
    assert_int_equal(trading_view_order(now, id, &order, NULL), TRADING_OK);
    trading_view_close(now);
    return order;
}

static trading_account account(struct fixture *fixture, const trading_id *id)
{
    trading_account account = {.size = sizeof account};
    trading_view *now = view(fixture);
    assert_int_equal(trading_view_account(now, id, &account, NULL), TRADING_OK);
    trading_view_close(now);
    return account;
}

static trading_portfolio portfolio(struct fixture *fixture, const trading_id *id)
{
    trading_portfolio portfolio = {.size = sizeof portfolio};
    trading_view *now = view(fixture);
    assert_int_equal(trading_view_portfolio(now, id, &portfolio, NULL), TRADING_OK);
    trading_view_close(now);
    return portfolio;
}

/* ---- */

static void test_order_sweeps_many(void **state)
{
    struct fixture *fixture = *state;
    quote(fixture, "GOOG", 0, 10);
    place(fixture, &fixture->bob, "GOOG", TRADING_SIDE_BUY, MANY, 0);
    quote(fixture, "GOOG", 0, 0);
    place_many(fixture, &fixture->bob, "GOOG", TRADING_SIDE_SELL, 20);
    trading_result swept = place(fixture, &fixture->ann, "GOOG", TRADING_SIDE_BUY, MANY + 1, 20);
    assert_int_equal(swept.order_status, TRADING_ORDER_STATUS_PARTIALLY_FILLED);
    assert_true(swept.filled_quantity < MANY * TRADING_DECIMAL_ONE); /* it paused, and was answered */

    reopen(fixture, TRADING_CLOSE_ABANDON);
    settle(fixture);
    trading_order swept_order = order(fixture, &swept.order);
    assert_int_equal(swept_order.status, TRADING_ORDER_STATUS_PARTIALLY_FILLED);
    assert_int_equal(swept_order.filled_quantity, MANY * TRADING_DECIMAL_ONE);
    assert_int_equal(swept_order.execution_count, MANY);
    assert_int_equal(swept_order.held, 20 * TRADING_DECIMAL_ONE);
    trading_account ann = account(fixture, &fixture->ann_account);
    assert_int_equal(ann.balance, (1000000 - MANY * 20) * TRADING_DECIMAL_ONE);
    assert_int_equal(ann.held, 20 * TRADING_DECIMAL_ONE);
}

static void test_paused_work_comes_before_any_command(void **state)
{
    struct fixture *fixture = *state;
    quote(fixture, "GOOG", 0, 10);
    place(fixture, &fixture->bob, "GOOG", TRADING_SIDE_BUY, MANY, 0);
    quote(fixture, "GOOG", 0, 0);
    place_many(fixture, &fixture->bob, "GOOG", TRADING_SIDE_SELL, 20);
    trading_result first = place(fixture, &fixture->ann, "GOOG", TRADING_SIDE_BUY, MANY - 1, 20);
    trading_result second = place(fixture, &fixture->ann, "GOOG", TRADING_SIDE_BUY, 2, 20);
    assert_int_equal(order(fixture, &first.order).status, TRADING_ORDER_STATUS_FILLED);
    assert_int_equal(second.filled_quantity, TRADING_DECIMAL_ONE);
}

static void test_session_expires_many(void **state)
{
    struct fixture *fixture = *state;
    place_many(fixture, &fixture->ann, "GOOG", TRADING_SIDE_BUY, 5);
    assert_int_equal(account(fixture, &fixture->ann_account).held, 5 * MANY * TRADING_DECIMAL_ONE);
    execute(fixture, TRADING_COMMAND_END_SESSION, NULL, 0);
    assert_int_not_equal(account(fixture, &fixture->ann_account).held, 0);
    reopen(fixture, TRADING_CLOSE_ABANDON);
    settle(fixture);
    assert_int_equal(account(fixture, &fixture->ann_account).held, 0);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(order(fixture, &fixture->results[i].order).status, TRADING_ORDER_STATUS_EXPIRED);
}

static void test_sale_out_of_many_lots(void **state)
{
    struct fixture *fixture = *state;
    quote(fixture, "GOOG", 9, 10);
    place_many(fixture, &fixture->ann, "GOOG", TRADING_SIDE_BUY, 10);
    trading_result sold = place(fixture, &fixture->ann, "GOOG", TRADING_SIDE_SELL, MANY, 0);
    settle(fixture);
    trading_order sale = order(fixture, &sold.order);
    assert_int_equal(sale.status, TRADING_ORDER_STATUS_FILLED);
    assert_true(sale.execution_count > 1); /* in steps of a bounded number of lots */
    trading_portfolio after = portfolio(fixture, &fixture->ann);
    assert_int_equal(after.realized_pnl, -MANY * TRADING_DECIMAL_ONE);
    assert_int_equal(after.cost_basis, 0);
    assert_int_equal(after.position_count, 0);
}

static void test_quote_meets_many(void **state)
{
    struct fixture *fixture = *state;
    place_many(fixture, &fixture->ann, "GOOG", TRADING_SIDE_BUY, 12);
    quote(fixture, "GOOG", 9, 10);
    settle(fixture);
    trading_portfolio after = portfolio(fixture, &fixture->ann);
    assert_int_equal(after.cost_basis, MANY * 12 * TRADING_DECIMAL_ONE); /* at the price of the order that was there first */
    assert_int_equal(account(fixture, &fixture->ann_account).held, 0);
}

static void test_portfolio_closes_in_steps(void **state)
{
    struct fixture *fixture = *state;
    quote(fixture, "GOOG", 9, 10);
    quote(fixture, "IBM", 19, 20);
    quote(fixture, "AAPL", 0, 30);
    place_many(fixture, &fixture->ann, "GOOG", TRADING_SIDE_BUY, 10);
    place(fixture, &fixture->ann, "IBM", TRADING_SIDE_BUY, 7, 0);
    trading_result unsold = place(fixture, &fixture->ann, "AAPL", TRADING_SIDE_BUY, 3, 0);
    place_many(fixture, &fixture->ann, "GOOG", TRADING_SIDE_BUY, 5);
    trading_close_portfolio close = TRADING_CLOSE_PORTFOLIO_INIT;
    close.portfolio = fixture->ann;
    execute(fixture, TRADING_COMMAND_CLOSE_PORTFOLIO, &close, sizeof close);
    reopen(fixture, TRADING_CLOSE_ABANDON);
    settle(fixture);
    trading_portfolio after = portfolio(fixture, &fixture->ann);
    assert_int_equal(after.status, TRADING_PORTFOLIO_CLOSING); /* nobody buys AAPL */
    assert_int_equal(after.open_order_count, 0);
    assert_int_equal(after.position_count, 1);
    assert_int_equal(after.cost_basis, 90 * TRADING_DECIMAL_ONE);
    assert_int_equal(account(fixture, &fixture->ann_account).held, 0);
    assert_int_equal(order(fixture, &unsold.order).status, TRADING_ORDER_STATUS_FILLED);

    quote(fixture, "AAPL", 31, 32);
    execute(fixture, TRADING_COMMAND_CLOSE_PORTFOLIO, &close, sizeof close);
    settle(fixture);
    after = portfolio(fixture, &fixture->ann);
    assert_int_equal(after.status, TRADING_PORTFOLIO_CLOSED);
    assert_int_equal(after.realized_pnl, (-MANY - 7 + 3) * TRADING_DECIMAL_ONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_sweeps_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paused_work_comes_before_any_command, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_session_expires_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sale_out_of_many_lots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quote_meets_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_portfolio_closes_in_steps, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
