/* The router: what is routed reaches the venue, and what the venue executes is booked once, whatever fails on the way. */
#include "../contract/faulty_store.h"
#include "backends/memory/memory_store.h"
#include "house.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct fixture {
    struct house house;
    struct market *market;
};

static void open_fixture(struct fixture *fixture)
{
    *fixture = (struct fixture){.house.options = TRADING_ROUTER_OPTIONS_INIT, .market = market_make()};
    desk_open_memory(&fixture->house.desk);
    MUST(market_register(fixture->house.desk.host, fixture->market, NULL) == TRADING_OK);
    fixture->house.client = desk_client(&fixture->house.desk, 100000);
    house_open(&fixture->house, "market:");
}

static void close_fixture(struct fixture *fixture)
{
    house_verify(&fixture->house);
    house_shut(&fixture->house);
    desk_close(&fixture->house.desk);
    market_free(fixture->market);
}

/* As after a crash: what the venue had told and nobody took is gone. */
static void open_again(struct fixture *fixture)
{
    house_shut(&fixture->house);
    house_open(&fixture->house, "market:");
}

static void expect(struct fixture *fixture, const trading_id *id, int32_t status, int64_t filled)
{
    trading_order order = house_order(&fixture->house, id);
    assert_int_equal(order.status, status);
    assert_int_equal(order.filled_quantity, filled * ONE);
    assert_int_equal(order.held, order.leaves_quantity * order.limit_price / ONE);
}

static void test_orders_go_there_and_come_back(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    struct house *house = &fixture.house;
    trading_id filled = house_route(house, 1, "FILL", TRADING_SIDE_BUY, 5, 10 * ONE);
    trading_id rests = house_route(house, 2, "REST", TRADING_SIDE_BUY, 5, 10 * ONE);
    trading_id rejected = house_route(house, 3, "NO", TRADING_SIDE_BUY, 5, 10 * ONE);
    trading_id expired = house_route(house, 4, "OLD", TRADING_SIDE_BUY, 5, 10 * ONE);
    trading_id partly = house_route(house, 5, "PART", TRADING_SIDE_BUY, 5, 10 * ONE);
    trading_id here = desk_order(&house->desk, &house->client, "FILL", TRADING_SIDE_BUY, 1, ONE).order;
    assert_int_equal(house_run(house), 0);
    expect(&fixture, &filled, TRADING_ORDER_STATUS_FILLED, 5);
    expect(&fixture, &rests, TRADING_ORDER_STATUS_NEW, 0);
    expect(&fixture, &rejected, TRADING_ORDER_STATUS_CANCELED, 0);
    expect(&fixture, &expired, TRADING_ORDER_STATUS_EXPIRED, 1);
    expect(&fixture, &partly, TRADING_ORDER_STATUS_PARTIALLY_FILLED, 1);
    assert_null(house_at_market(fixture.market, &here));
    trading_id sold = house_route(house, 6, "FILL", TRADING_SIDE_SELL, 3, 0);
    house_cancel(house, 1, &rests);
    house_cancel(house, 2, &partly);
    assert_int_equal(house_run(house), 0);
    assert_int_equal(house_order(house, &sold).status, TRADING_ORDER_STATUS_FILLED);
    expect(&fixture, &rests, TRADING_ORDER_STATUS_CANCELED, 0);
    expect(&fixture, &partly, TRADING_ORDER_STATUS_CANCELED, 1);
    const trading_router_info info = house_info(house);
    assert_int_equal(info.open, 0);
    assert_int_equal(info.submitted, 6);
    assert_int_equal(info.canceled, 2);
    assert_int_equal(info.asked, 0);
    assert_int_equal(info.booked, 3 + 1 + 2 + 1 + 2 + 2);
    assert_int_equal(info.repeated + info.missed + info.refused + info.foreign + info.errors, 0);
    assert_int_equal(info.position, info.next_position);
    close_fixture(&fixture);
}

static void test_what_the_venue_gets(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    desk_quote(&fixture.house.desk, "FILL", 9 * ONE, 10 * ONE);
    trading_id bought = house_route(&fixture.house, 1, "FILL", TRADING_SIDE_BUY, 5, 0);
    assert_int_equal(house_run(&fixture.house), 0);
    const trading_venue_order *order = &house_at_market(fixture.market, &bought)->order;
    assert_string_equal(order->symbol.text, "FILL");
    assert_int_equal(order->side, TRADING_SIDE_BUY);
    assert_int_equal(order->type, TRADING_ORDER_TYPE_MARKET);
    assert_int_equal(order->time_in_force, TRADING_TIME_IN_FORCE_IOC);
    assert_int_equal(order->quantity, 5 * ONE);
    assert_int_equal(order->price, 10500000); /* the quoted ask and the collar: what is held for it */
    assert_int_equal(order->filled_quantity, 0);
    assert_int_equal(order->time, house_order(&fixture.house, &bought).placed);
    close_fixture(&fixture);
}

static void test_after_a_restart_the_venue_is_asked(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    struct house *house = &fixture.house;
    trading_id rests = house_route(house, 1, "REST", TRADING_SIDE_BUY, 5, 10 * ONE);
    trading_id partly = house_route(house, 2, "PART", TRADING_SIDE_BUY, 5, 10 * ONE);
    trading_id ended = house_route(house, 3, "FILL", TRADING_SIDE_BUY, 1, 10 * ONE);
    assert_int_equal(house_run(house), 0);
    market_trade(fixture.market, house_at_market(fixture.market, &rests));
    market_trade(fixture.market, house_at_market(fixture.market, &partly));
    trading_id unsent = house_route(house, 4, "FILL", TRADING_SIDE_BUY, 3, 10 * ONE);
    open_again(&fixture);
    assert_int_equal(house_info(house).open, 3);
    assert_int_equal(house_run(house), 0);
    expect(&fixture, &rests, TRADING_ORDER_STATUS_PARTIALLY_FILLED, 1);
    expect(&fixture, &partly, TRADING_ORDER_STATUS_PARTIALLY_FILLED, 2);
    expect(&fixture, &ended, TRADING_ORDER_STATUS_FILLED, 1);
    expect(&fixture, &unsent, TRADING_ORDER_STATUS_FILLED, 3);
    const trading_router_info info = house_info(house);
    assert_int_equal(info.asked, 3);
    assert_int_equal(info.submitted, 1);
    assert_int_equal(info.repeated, 1); /* the first share of `partly` */
    assert_int_equal(house_at_market(fixture.market, &rests)->submissions, 1);
    open_again(&fixture);
    house_cancel(house, 1, &rests);
    assert_int_equal(house_run(house), 0);
    expect(&fixture, &rests, TRADING_ORDER_STATUS_CANCELED, 1);
    close_fixture(&fixture);
}

/* Neither the order nor its cancel reached the venue: both go, and the venue decides. */
static void test_a_cancel_of_what_was_not_sent(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    struct house *house = &fixture.house;
    trading_id rests = house_route(house, 1, "REST", TRADING_SIDE_BUY, 5, 10 * ONE);
    house_cancel(house, 1, &rests);
    open_again(&fixture);
    assert_int_equal(house_run(house), 0);
    expect(&fixture, &rests, TRADING_ORDER_STATUS_CANCELED, 0);
    close_fixture(&fixture);
}

static void test_reports_that_come_twice_or_not(void **state)
{
    (void)state;
    for (int lose = 0; lose <= 5; lose++) {
        struct fixture fixture;
        open_fixture(&fixture);
        fixture.market->lose = lose / 2 * 2;
        fixture.market->repeat = lose % 2;
        trading_id orders[12];
        static const char *const symbols[] = {"FILL", "OLD", "NO"};
        for (int i = 0; i < 12; i++)
            orders[i] = house_route(&fixture.house, i, symbols[i % 3], TRADING_SIDE_BUY, 7, 10 * ONE);
        assert_int_equal(house_run(&fixture.house), 0);
        for (int i = 0; fixture.market->lose && i < 100 && house_info(&fixture.house).open; i++) {
            open_again(&fixture); /* the last report of an order may be lost without a trace */
            assert_int_equal(house_run(&fixture.house), 0);
        }
        for (int i = 0; i < 12; i++)
            expect(&fixture, &orders[i],
                   i % 3 == 0   ? TRADING_ORDER_STATUS_FILLED
                   : i % 3 == 1 ? TRADING_ORDER_STATUS_EXPIRED
                                : TRADING_ORDER_STATUS_CANCELED,
                   i % 3 == 0   ? 7
                   : i % 3 == 1 ? 1
                                : 0);
        assert_int_equal(house_info(&fixture.house).refused, 0);
        close_fixture(&fixture);
    }
}

static void test_a_report_that_is_missing_is_asked_for(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    fixture.market->lose_trade = true;
    trading_id id = house_route(&fixture.house, 1, "FILL", TRADING_SIDE_BUY, 6, 10 * ONE);
    assert_int_equal(house_run(&fixture.house), 0);
    expect(&fixture, &id, TRADING_ORDER_STATUS_FILLED, 6);
    const trading_router_info info = house_info(&fixture.house);
    assert_int_equal(info.missed, 2);
    assert_int_equal(info.asked, 1);
    close_fixture(&fixture);
}

static void test_a_venue_that_fails(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    struct house *house = &fixture.house;
    fixture.market->fail_before = 3;
    fixture.market->fail_after = 2;
    trading_id filled = house_route(house, 1, "FILL", TRADING_SIDE_BUY, 5, 10 * ONE);
    trading_id rests = house_route(house, 2, "REST", TRADING_SIDE_BUY, 5, 10 * ONE);
    assert_int_equal(house_run(house), 5);
    expect(&fixture, &filled, TRADING_ORDER_STATUS_FILLED, 5);
    assert_int_equal(house_at_market(fixture.market, &filled)->submissions, 1); /* it was asked before it was sent again */
    fixture.market->break_polls = 2;
    market_trade(fixture.market, house_at_market(fixture.market, &rests));
    assert_int_equal(house_run(house), 2);
    assert_int_equal(house->failure.code, TRADING_E_IO);
    expect(&fixture, &rests, TRADING_ORDER_STATUS_PARTIALLY_FILLED, 1);
    fixture.market->fail_before = 1;
    house_cancel(house, 1, &rests);
    assert_int_equal(house_run(house), 1);
    expect(&fixture, &rests, TRADING_ORDER_STATUS_CANCELED, 1);
    close_fixture(&fixture);
}

static void test_what_the_engine_refuses(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    struct house *house = &fixture.house;
    trading_id beyond = house_route(house, 1, "BEYOND", TRADING_SIDE_BUY, 3, 10 * ONE);
    assert_int_equal(house_run(house), 0);
    assert_int_equal(house->refused, 2);
    assert_int_equal(house->refusal, TRADING_REASON_PRICE_BEYOND_LIMIT);
    assert_non_null(strstr(house->desk.log, "PRICE_BEYOND_LIMIT"));
    expect(&fixture, &beyond, TRADING_ORDER_STATUS_NEW, 0);
    open_again(&fixture); /* told again, it is not refused again */
    assert_int_equal(house_run(house), 0);
    assert_int_equal(house->refused, 2);
    assert_int_equal(house_info(house).repeated, 2);
    close_fixture(&fixture);
}

/* An engine whose store may fail to be read, and which forgets keys as soon as it may. */
static void open_forgetful_fixture(struct fixture *fixture, struct faulty_plan *plan)
{
    struct house *house = &fixture->house;
    char uri[FAULTY_LOCATION + 8];
    char location[FAULTY_LOCATION];
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    open_fixture(fixture);
    house_shut(house);
    desk_stop(&house->desk);
    faulty_plan_init(plan, &memory_store_ops, "");
    MUST(trading_store_register(house->desk.host, "faulty", &faulty_store_ops, NULL) == TRADING_OK);
    snprintf(uri, sizeof uri, "faulty:%s", faulty_location(plan, location));
    options.key_count = 1;
    MUST(trading_engine_open(&house->desk.engine, house->desk.host, uri, &options, NULL) == TRADING_OK);
    house->client = desk_client(&house->desk, 100000);
    house_open(house, "market:");
}

/* They go by whole runs. */
static void forget_keys(struct house *house)
{
    enum { FORGOTTEN = 70000 };
    static trading_command commands[FORGOTTEN];
    static trading_result results[FORGOTTEN];
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    body.symbol = (trading_symbol){"GOOG"};
    for (uint32_t i = 0; i < FORGOTTEN; i++) {
        commands[i] = (trading_command){.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
        memcpy(commands[i].key.bytes, &(uint32_t){i + 1}, sizeof i);
    }
    MUST(trading_engine_execute(house->desk.engine, commands, FORGOTTEN, results, NULL) == TRADING_OK);
}

/* What was refused is in CumQty, and not in what is booked: ExecIDs alone tell. */
static void test_executions_after_a_refusal_whose_keys_are_forgotten(void **state)
{
    (void)state;
    struct fixture fixture;
    struct faulty_plan plan;
    open_forgetful_fixture(&fixture, &plan);
    struct house *house = &fixture.house;
    trading_id id = house_route(house, 1, "REST", TRADING_SIDE_BUY, 9, 10 * ONE);
    assert_int_equal(house_run(house), 0);
    struct market_order *there = house_at_market(fixture.market, &id);
    there->order.price = 11 * ONE;
    market_trade(fixture.market, there);
    there->order.price = 10 * ONE;
    for (int i = 0; i < 3; i++)
        market_trade(fixture.market, there);
    assert_int_equal(house_run(house), 0);
    assert_int_equal(house->refused, 1);
    expect(&fixture, &id, TRADING_ORDER_STATUS_PARTIALLY_FILLED, 3);
    forget_keys(house);
    open_again(&fixture);
    assert_int_equal(house_run(house), 0);
    expect(&fixture, &id, TRADING_ORDER_STATUS_PARTIALLY_FILLED, 3);
    market_trade(fixture.market, there);
    assert_int_equal(house_run(house), 0);
    expect(&fixture, &id, TRADING_ORDER_STATUS_PARTIALLY_FILLED, 4);
    close_fixture(&fixture);
}

/* Whether it was booked cannot be read for now: it is asked again, and not taken for refused. */
static void test_an_outcome_that_is_not_known(void **state)
{
    (void)state;
    struct fixture fixture;
    struct faulty_plan plan;
    open_forgetful_fixture(&fixture, &plan);
    struct house *house = &fixture.house;
    house_route(house, 1, "BEYOND", TRADING_SIDE_BUY, 3, 10 * ONE);
    assert_int_equal(house_run(house), 0);
    desk_cash(&house->desk, TRADING_COMMAND_DEPOSIT, &house->client.account, ONE); /* the newest commit is at hand */
    open_again(&fixture);
    assert_int_equal(trading_router_send(house->router, 0, NULL, NULL), TRADING_OK);
    assert_true(faulty_plan_add(&plan, FAULTY_READ, atomic_load(&plan.calls[FAULTY_READ]), FAULT_REFUSED, TRADING_E_IO));
    assert_int_equal(trading_router_receive(house->router, 0, NULL, NULL), TRADING_E_OUTCOME_UNKNOWN);
    assert_int_equal(trading_router_receive(house->router, 0, NULL, NULL), TRADING_OK);
    assert_int_equal(house->refused, 2);
    assert_int_equal(house_info(house).repeated, 2);
    close_fixture(&fixture);
}

/* What people booked by hand, after a refusal, is not booked again. */
static void test_executions_of_others(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    struct house *house = &fixture.house;
    trading_id rests = house_route(house, 1, "REST", TRADING_SIDE_BUY, 3, 10 * ONE);
    assert_int_equal(house_run(house), 0);
    trading_book_execution body = TRADING_BOOK_EXECUTION_INIT;
    body.order = rests;
    body.quantity = ONE;
    body.price = 9 * ONE;
    desk_execute(&house->desk, TRADING_COMMAND_BOOK_EXECUTION, NULL, &body, sizeof body);
    assert_int_equal(house_run(house), 0);
    market_trade(fixture.market, house_at_market(fixture.market, &rests));
    assert_int_equal(house_run(house), 0);
    expect(&fixture, &rests, TRADING_ORDER_STATUS_PARTIALLY_FILLED, 1);
    close_fixture(&fixture);
}

static void test_the_cursor_waits_for_what_is_open(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    struct house *house = &fixture.house;
    house->options.acknowledge = 1;
    open_again(&fixture);
    trading_id rests = house_route(house, 1, "REST", TRADING_SIDE_BUY, 3, 10 * ONE);
    for (int i = 2; i < 20; i++)
        house_route(house, i, "FILL", TRADING_SIDE_BUY, 1, 10 * ONE);
    assert_int_equal(house_run(house), 0);
    trading_router_info info = house_info(house);
    assert_int_equal(info.open, 1);
    assert_true(info.cursor > 0 && info.cursor < info.position);
    open_again(&fixture);
    assert_int_equal(house_info(house).open, 1);
    house_cancel(house, 1, &rests);
    assert_int_equal(house_run(house), 0);
    int64_t cursor = house_info(house).cursor;
    assert_true(cursor > info.position);
    open_again(&fixture);
    assert_int_equal(house_info(house).cursor, cursor);
    assert_int_equal(house_info(house).open, 0);
    close_fixture(&fixture);
}

static void test_partitions_have_routers_of_their_own(void **state)
{
    (void)state;
    struct house houses[2] = {{.options = TRADING_ROUTER_OPTIONS_INIT}, {.options = TRADING_ROUTER_OPTIONS_INIT}};
    struct desk desk;
    trading_id orders[16];
    desk_open_memory(&desk);
    desk_stop(&desk);
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.partitions = 2;
    MUST(trading_engine_open(&desk.engine, desk.host, "memory:parted", &options, NULL) == TRADING_OK);
    for (uint32_t i = 0; i < 2; i++) {
        houses[i].desk = desk;
        houses[i].options.partition = i;
        house_open(&houses[i], "paper:?quotes=*:9/10&pieces=2");
    }
    for (int i = 0; i < 16; i++) {
        houses[0].client = desk_client(&desk, 1000);
        orders[i] = house_route(&houses[0], i, "GOOG", TRADING_SIDE_BUY, 4, 10 * ONE);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(house_run(&houses[i]), 0);
        assert_in_range(house_info(&houses[i]).submitted, 1, 15);
        assert_int_equal(house_info(&houses[i]).booked, 2 * house_info(&houses[i]).submitted);
    }
    for (int i = 0; i < 16; i++)
        assert_int_equal(house_order(&houses[0], &orders[i]).status, TRADING_ORDER_STATUS_FILLED);
    house_verify(&houses[0]);
    house_shut(&houses[0]);
    house_shut(&houses[1]);
    desk_close(&desk);
}

/* The venue on paper executes at the quotes of the engine, and is handed again what it forgot. */
static void test_on_paper(void **state)
{
    (void)state;
    struct house house = {.options = TRADING_ROUTER_OPTIONS_INIT};
    desk_open_folder(&house.desk);
    house.client = desk_client(&house.desk, 10000);
    desk_quote(&house.desk, "GOOG", 99 * ONE, 100 * ONE);
    house_open(&house, "paper:?pieces=2&size=2");
    trading_id rests = house_route(&house, 1, "GOOG", TRADING_SIDE_BUY, 5, 95 * ONE);
    trading_id trades = house_route(&house, 2, "GOOG", TRADING_SIDE_BUY, 2, 0);
    assert_int_equal(house_run(&house), 0);
    assert_int_equal(house_order(&house, &trades).status, TRADING_ORDER_STATUS_FILLED);
    assert_int_equal(house_order(&house, &rests).status, TRADING_ORDER_STATUS_NEW);
    desk_quote(&house.desk, "GOOG", 94 * ONE, 95 * ONE);
    assert_int_equal(house_run(&house), 0);
    assert_int_equal(house_order(&house, &rests).filled_quantity, 2 * ONE);
    house_shut(&house);
    desk_stop(&house.desk);
    desk_start(&house.desk, 0);
    house_open(&house, "paper:?pieces=2&size=2");
    assert_int_equal(house_run(&house), 0);
    assert_int_equal(house_order(&house, &rests).filled_quantity, 4 * ONE);
    desk_quote(&house.desk, "GOOG", 90 * ONE, 91 * ONE);
    assert_int_equal(house_run(&house), 0);
    trading_order order = house_order(&house, &rests);
    assert_int_equal(order.status, TRADING_ORDER_STATUS_FILLED);
    assert_int_equal(order.consideration, (4 * 95 + 91) * ONE);
    house_verify(&house);
    house_shut(&house);
    desk_close(&house.desk);
}

/* ---- two threads ---- */

struct runner {
    struct house *house;
    _Atomic bool stop;
    _Atomic int32_t code;
};

static void *receive_in_thread(void *arg)
{
    struct runner *runner = arg;
    while (!runner->stop && !runner->code) {
        int32_t code = trading_router_receive(runner->house->router, 10000000, NULL, NULL);
        runner->code = code == TRADING_E_TIMEOUT ? TRADING_OK : code;
    }
    return NULL;
}

static void *send_in_thread(void *arg)
{
    struct runner *runner = arg;
    while (!runner->stop && !runner->code) {
        int32_t code = trading_router_send(runner->house->router, 10000000, NULL, NULL);
        runner->code = code == TRADING_E_TIMEOUT ? TRADING_OK : code;
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    struct house *house = &fixture.house;
    struct runner sender = {.house = house};
    struct runner receiver = {.house = house};
    pthread_t threads[2];
    trading_id orders[40];
    fixture.market->repeat = true;
    MUST(!pthread_create(&threads[0], NULL, send_in_thread, &sender));
    MUST(!pthread_create(&threads[1], NULL, receive_in_thread, &receiver));
    for (int i = 0; i < 40; i++) {
        orders[i] = house_route(house, i, i % 4 ? "FILL" : "REST", TRADING_SIDE_BUY, 5, 10 * ONE);
        if (i % 4 == 0)
            house_cancel(house, i, &orders[i]);
    }
    trading_router_info info;
    do
        info = house_info(house);
    while ((info.open || info.position < info.next_position) && !sender.code && !receiver.code);
    sender.stop = receiver.stop = true;
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(sender.code, TRADING_OK);
    assert_int_equal(receiver.code, TRADING_OK);
    for (int i = 0; i < 40; i++)
        expect(&fixture, &orders[i], i % 4 ? TRADING_ORDER_STATUS_FILLED : TRADING_ORDER_STATUS_CANCELED, i % 4 ? 5 : 0);
    close_fixture(&fixture);
}

/* ---- misuse ---- */

static void test_what_is_not_well_formed(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    struct house *house = &fixture.house;
    trading_router *router;
    trading_router_options wrong = TRADING_ROUTER_OPTIONS_INIT;
    wrong.name = "no spaces";
    assert_int_equal(trading_router_open(&router, house->desk.engine, house->venue, &wrong, NULL), TRADING_E_INVALID);
    wrong.name = "123456789012345678901234567890123";
    assert_int_equal(trading_router_open(&router, house->desk.engine, house->venue, &wrong, NULL), TRADING_E_INVALID);
    wrong = (trading_router_options)TRADING_ROUTER_OPTIONS_INIT;
    wrong.batch = 0;
    assert_int_equal(trading_router_open(&router, house->desk.engine, house->venue, &wrong, NULL), TRADING_E_INVALID);
    wrong = (trading_router_options)TRADING_ROUTER_OPTIONS_INIT;
    wrong.partition = 1;
    assert_int_equal(trading_router_open(&router, house->desk.engine, house->venue, &wrong, NULL), TRADING_E_INVALID);
    wrong.size--;
    assert_int_equal(trading_router_open(&router, house->desk.engine, house->venue, &wrong, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_router_open(&router, house->desk.engine, NULL, NULL, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_router_open(NULL, house->desk.engine, house->venue, NULL, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_router_open(&router, NULL, house->venue, NULL, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_router_send(NULL, 0, NULL, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_router_receive(NULL, 0, NULL, NULL), TRADING_E_INVALID);
    trading_router_info info = TRADING_ROUTER_INFO_INIT;
    info.size--;
    assert_int_equal(trading_router_get_info(house->router, &info, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_engine_close(house->desk.engine, TRADING_CLOSE_DRAIN, NULL), TRADING_E_BUSY);
    assert_int_equal(trading_router_send(house->router, -1, NULL, NULL), TRADING_E_CLOSED);
    trading_router_close(NULL);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_go_there_and_come_back),
        cmocka_unit_test(test_what_the_venue_gets),
        cmocka_unit_test(test_after_a_restart_the_venue_is_asked),
        cmocka_unit_test(test_a_cancel_of_what_was_not_sent),
        cmocka_unit_test(test_reports_that_come_twice_or_not),
        cmocka_unit_test(test_a_report_that_is_missing_is_asked_for),
        cmocka_unit_test(test_a_venue_that_fails),
        cmocka_unit_test(test_what_the_engine_refuses),
        cmocka_unit_test(test_executions_after_a_refusal_whose_keys_are_forgotten),
        cmocka_unit_test(test_an_outcome_that_is_not_known),
        cmocka_unit_test(test_executions_of_others),
        cmocka_unit_test(test_the_cursor_waits_for_what_is_open),
        cmocka_unit_test(test_partitions_have_routers_of_their_own),
        cmocka_unit_test(test_on_paper),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_what_is_not_well_formed),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
