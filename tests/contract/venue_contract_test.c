/* The venue contract over the venue on paper, what is this venue's own, and what the handle refuses. */
#include "venue_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ONE TRADING_DECIMAL_ONE

/* ---- a host that counts, and runs out of memory ---- */

struct purse {
    _Atomic size_t held;
    _Atomic int64_t left; /* allocations that succeed yet */
};

static void *allocate(void *context, size_t bytes)
{
    struct purse *purse = context;
    if (atomic_fetch_sub(&purse->left, 1) <= 0)
        return NULL;
    atomic_fetch_add(&purse->held, bytes);
    return malloc(bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    struct purse *purse = context;
    if (memory)
        atomic_fetch_sub(&purse->held, bytes);
    free(memory);
}

struct fixture {
    struct purse purse;
    trading_host *host;
    trading_venue *venue;
    trading_error error;
};

static void open_host(struct fixture *fixture)
{
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    *fixture = (struct fixture){.purse.left = INT64_MAX};
    options.allocate = allocate;
    options.release = release;
    options.allocate_context = &fixture->purse;
    assert_int_equal(trading_host_open(&fixture->host, &options, NULL), TRADING_OK);
}

static void close_host(struct fixture *fixture)
{
    trading_venue_close(fixture->venue);
    assert_int_equal(trading_host_close(fixture->host, NULL), TRADING_OK);
    assert_int_equal(fixture->purse.held, 0);
}

static void open_paper(struct fixture *fixture, const char *uri)
{
    open_host(fixture);
    assert_int_equal(trading_venue_open(&fixture->venue, fixture->host, uri, &fixture->error), TRADING_OK);
}

static trading_venue_order make_order(const char *cl_ord_id, int32_t side, int64_t shares, trading_decimal price)
{
    trading_venue_order order = {.symbol = {"GOOG"}, .side = side, .quantity = shares * ONE, .price = price};
    snprintf(order.cl_ord_id, sizeof order.cl_ord_id, "%s", cl_ord_id);
    order.type = TRADING_ORDER_TYPE_LIMIT;
    order.time_in_force = TRADING_TIME_IN_FORCE_GTC;
    return order;
}

static trading_execution_report next_report(struct fixture *fixture)
{
    trading_execution_report report;
    size_t count;
    assert_int_equal(trading_venue_poll(fixture->venue, &report, 1, &count, 0, &fixture->error), TRADING_OK);
    assert_int_equal(count, 1);
    return report;
}

static void expect_nothing(struct fixture *fixture)
{
    trading_execution_report report;
    size_t count = 7;
    assert_int_equal(trading_venue_poll(fixture->venue, &report, 1, &count, 0, &fixture->error), TRADING_E_TIMEOUT);
    assert_int_equal(count, 0);
}

/* ---- the contract ---- */

static void test_contract(void **state)
{
    (void)state;
    static const char *const uris[] = {"paper:?quotes=GOOG:99/100,IBM:1/2&rejects=IBM",
                                       "paper:?quotes=*:99.5/100&pieces=7&rejects=IBM"};
    for (int i = 0; i < 2; i++) {
        struct fixture fixture;
        open_host(&fixture);
        struct venue_contract contract = {.host = fixture.host,
                                          .uri = uris[i],
                                          .prefix = "c-",
                                          .symbol = "GOOG",
                                          .price = 100 * ONE,
                                          .rejected = "IBM",
                                          .flags = VENUE_CONTRACT_FORGETS,
                                          .patience = INT64_C(10000000000)};
        assert_int_equal(venue_contract_run(&contract), 0);
        assert_true(contract.passed > 13);
        close_host(&fixture);
    }
}

/* ---- the venue on paper ---- */

static void test_options(void **state)
{
    (void)state;
    static const char *const wrong[] = {"paper:name",           "paper:?quotes=GOOG",       "paper:?quotes=GOOG:1",
                                        "paper:?quotes=:1/2",   "paper:?quotes=GOOG:2/2",   "paper:?quotes=GOOG:1/2,",
                                        "paper:?quotes=g:1/2",  "paper:?quotes=GOOG:-1/2",  "paper:?pieces=0",
                                        "paper:?rejects=g",     "paper:?size=-1",           "paper:?size=x",
                                        "paper:?pieces=100000", "paper:?quotes=GOOG:1/2/3", "paper:?speed=1"};
    struct fixture fixture;
    open_host(&fixture);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(trading_venue_open(&fixture.venue, fixture.host, wrong[i], &fixture.error), TRADING_E_SYNTAX);
        assert_null(fixture.venue);
    }
    close_host(&fixture);
}

static void test_what_rests_meets_the_next_quote(void **state)
{
    (void)state;
    struct fixture fixture;
    open_paper(&fixture, "paper:?quotes=GOOG:99/100,IBM:1/2&pieces=2&size=3");
    trading_venue_order first = make_order("first", TRADING_SIDE_BUY, 4, 95 * ONE);
    trading_venue_order second = make_order("second", TRADING_SIDE_BUY, 2, 95 * ONE);
    trading_venue_order sale = make_order("sale", TRADING_SIDE_SELL, 1, 101 * ONE);
    assert_int_equal(trading_venue_submit(fixture.venue, &first, NULL), TRADING_OK);
    assert_int_equal(trading_venue_submit(fixture.venue, &second, NULL), TRADING_OK);
    assert_int_equal(trading_venue_submit(fixture.venue, &sale, NULL), TRADING_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(next_report(&fixture).exec_type, TRADING_EXEC_TYPE_NEW);
    expect_nothing(&fixture);
    assert_int_equal(trading_venue_quote(fixture.venue, &(trading_symbol){"IBM"}, 90 * ONE, 91 * ONE, NULL), TRADING_OK);
    expect_nothing(&fixture);
    assert_int_equal(trading_venue_quote(fixture.venue, &(trading_symbol){"GOOG"}, 90 * ONE, 95 * ONE, NULL), TRADING_OK);
    static const struct {
        const char *exec_id;
        int64_t quantity;
        int64_t leaves;
    } expected[] = {{"first.1", 1, 3}, {"first.3", 2, 1}, {"second.1", 1, 1}, {"second.2", 1, 0}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        trading_execution_report report = next_report(&fixture);
        assert_string_equal(report.exec_id, expected[i].exec_id);
        assert_int_equal(report.exec_type, TRADING_EXEC_TYPE_TRADE);
        assert_int_equal(report.quantity, expected[i].quantity * ONE);
        assert_int_equal(report.leaves_quantity, expected[i].leaves * ONE);
        assert_int_equal(report.price, 95 * ONE);
    }
    expect_nothing(&fixture);
    assert_int_equal(trading_venue_quote(fixture.venue, &(trading_symbol){"GOOG"}, 102 * ONE, 0, NULL), TRADING_OK);
    assert_string_equal(next_report(&fixture).exec_id, "sale.1");
    assert_int_equal(trading_venue_quote(fixture.venue, &(trading_symbol){"GOOG"}, 0, 94 * ONE, NULL), TRADING_OK);
    trading_execution_report report = next_report(&fixture);
    assert_string_equal(report.exec_id, "first.4");
    assert_int_equal(report.price, 94 * ONE);
    close_host(&fixture);
}

static void test_what_is_immediate_is_canceled(void **state)
{
    (void)state;
    struct fixture fixture;
    open_paper(&fixture, "paper:?quotes=GOOG:99/100&size=3");
    trading_venue_order order = make_order("order", TRADING_SIDE_BUY, 5, 100 * ONE);
    order.type = TRADING_ORDER_TYPE_MARKET;
    order.time_in_force = TRADING_TIME_IN_FORCE_IOC;
    assert_int_equal(trading_venue_submit(fixture.venue, &order, NULL), TRADING_OK);
    assert_int_equal(next_report(&fixture).exec_type, TRADING_EXEC_TYPE_NEW);
    assert_int_equal(next_report(&fixture).quantity, 3 * ONE);
    trading_execution_report end = next_report(&fixture);
    assert_int_equal(end.exec_type, TRADING_EXEC_TYPE_CANCELED);
    assert_int_equal(end.filled_quantity, 3 * ONE);
    assert_string_equal(end.exec_id, "order.end");
    assert_string_equal(end.text, "immediate or cancel");
    close_host(&fixture);
}

/* Whenever there is no memory, the same call later finds all as if it had not been made before. */
static void test_without_memory(void **state)
{
    (void)state;
    for (int64_t allocations = 0;; allocations++) {
        struct fixture fixture;
        open_host(&fixture);
        fixture.purse.left = allocations;
        trading_venue_order order = make_order("order", TRADING_SIDE_BUY, 5, 100 * ONE);
        int failures = 0;
        while (trading_venue_open(&fixture.venue, fixture.host, "paper:?quotes=GOOG:99/100&pieces=5&rejects=IBM",
                                  &fixture.error)) {
            assert_int_equal(fixture.error.code, TRADING_E_NO_MEMORY);
            fixture.purse.left = allocations + ++failures;
        }
        while (trading_venue_submit(fixture.venue, &order, &fixture.error)) {
            assert_int_equal(fixture.error.code, TRADING_E_NO_MEMORY);
            fixture.purse.left = ++failures;
        }
        assert_int_equal(next_report(&fixture).exec_type, TRADING_EXEC_TYPE_NEW);
        for (int i = 1; i <= 5; i++)
            assert_int_equal(next_report(&fixture).filled_quantity, i * ONE);
        expect_nothing(&fixture);
        close_host(&fixture);
        if (!failures)
            break;
    }
}

/* ---- the handle ---- */

static void refused(struct fixture *fixture, trading_venue_order order)
{
    assert_int_equal(trading_venue_submit(fixture->venue, &order, &fixture->error), TRADING_E_INVALID);
    assert_int_equal(trading_venue_cancel(fixture->venue, &order, &fixture->error), TRADING_E_INVALID);
    assert_int_equal(trading_venue_status(fixture->venue, &order, &fixture->error), TRADING_E_INVALID);
}

static void test_what_is_not_well_formed(void **state)
{
    (void)state;
    struct fixture fixture;
    open_paper(&fixture, "paper:");
    const trading_venue_order good = make_order("order", TRADING_SIDE_BUY, 5, 100 * ONE);
    assert_int_equal(trading_venue_submit(fixture.venue, NULL, NULL), TRADING_E_INVALID);
    trading_venue_order order = good;
    memset(order.cl_ord_id, 'x', sizeof order.cl_ord_id);
    refused(&fixture, order);
    memset(order.cl_ord_id, 0, sizeof order.cl_ord_id);
    refused(&fixture, order);
    order = good;
    order.symbol.text[0] = 'g';
    refused(&fixture, order);
    order = good;
    order.side = 0;
    refused(&fixture, order);
    order = good;
    order.type = 3;
    refused(&fixture, order);
    order = good;
    order.time_in_force = 0;
    refused(&fixture, order);
    order = good;
    order.quantity = 0;
    refused(&fixture, order);
    order = good;
    order.price = 0;
    refused(&fixture, order);
    order = good;
    order.filled_quantity = order.quantity;
    refused(&fixture, order);
    expect_nothing(&fixture);
    size_t count;
    trading_execution_report report;
    assert_int_equal(trading_venue_poll(fixture.venue, NULL, 1, &count, 0, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_venue_poll(fixture.venue, &report, 0, &count, 0, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_venue_poll(fixture.venue, &report, 1, &count, -2, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_venue_poll(NULL, &report, 1, &count, 0, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_venue_quote(fixture.venue, &(trading_symbol){"GOOG"}, 2, 2, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_venue_quote(fixture.venue, &(trading_symbol){""}, 1, 2, NULL), TRADING_E_INVALID);
    close_host(&fixture);
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    struct fixture fixture;
    open_host(&fixture);
    assert_int_equal(trading_venue_open(&fixture.venue, fixture.host, "nothing", &fixture.error), TRADING_E_SYNTAX);
    assert_non_null(strstr(fixture.error.message, "such as paper:"));
    assert_int_equal(trading_venue_open(&fixture.venue, fixture.host, "memory:", &fixture.error), TRADING_E_NOT_FOUND);
    assert_non_null(strstr(fixture.error.message, "no venue is registered for \"memory:\"; paper: is built in"));
    assert_int_equal(trading_venue_open(NULL, fixture.host, "paper:", NULL), TRADING_E_INVALID);
    trading_venue_ops ops = {.size = sizeof ops, .abi = TRADING_PLUGIN_ABI};
    assert_int_equal(trading_venue_register(fixture.host, "mine", &ops, &fixture.error), TRADING_E_INVALID);
    ops.abi++;
    assert_int_equal(trading_venue_register(fixture.host, "mine", &ops, &fixture.error), TRADING_E_ABI);
    close_host(&fixture);
}

static void test_after_a_fork(void **state)
{
    (void)state;
    struct fixture fixture;
    open_paper(&fixture, "paper:");
    pid_t child = fork();
    if (!child) {
        trading_venue_order order = make_order("order", TRADING_SIDE_BUY, 5, 100 * ONE);
        trading_execution_report report;
        size_t count;
        int refused = trading_venue_submit(fixture.venue, &order, NULL) == TRADING_E_FORKED &&
                      trading_venue_poll(fixture.venue, &report, 1, &count, 0, NULL) == TRADING_E_FORKED;
        trading_venue_close(fixture.venue);
        _exit(refused ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close_host(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_what_rests_meets_the_next_quote),
        cmocka_unit_test(test_what_is_immediate_is_canceled),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_what_is_not_well_formed),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_after_a_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
