/* Lists that change while they are read, and cursors. */
#include "view_test.h"

#include <stdlib.h>

struct reading {
    struct desk desk;
    trading_view *latest;
    trading_error error;
};

static int set_up(void **state)
{
    struct reading *reading = calloc(1, sizeof *reading);
    desk_open(&reading->desk, NULL);
    desk_morning(&reading->desk);
    reading->latest = view_at(&reading->desk, TRADING_VIEW_LATEST);
    *state = reading;
    return 0;
}

static int tear_down(void **state)
{
    struct reading *reading = *state;
    trading_view_close(reading->latest);
    desk_close(&reading->desk);
    free(reading);
    return 0;
}

static size_t next_open(struct reading *reading, uint64_t *cursor, trading_order *order)
{
    size_t count;
    must(trading_view_orders(reading->latest, &reading->desk.bob.portfolio, 1, cursor, order, 1, &count, &reading->error),
         &reading->error);
    return count;
}

/* The order that was handed out last ends before the next page is asked for. */
static void open_orders_go_on_behind_one_that_ended(void **state)
{
    struct reading *reading = *state;
    static const int64_t limits[] = {103, 103, 105, 121};
    trading_order order;
    uint64_t cursor = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(next_open(reading, &cursor, &order), 1);
        assert_int_equal(order.limit_price, UNITS(limits[i]));
        desk_cancel(&reading->desk, &order.id);
    }
    assert_int_equal(next_open(reading, &cursor, &order), 0);
    cursor = 0;
    assert_int_equal(next_open(reading, &cursor, &order), 0);
}

/* What comes after the cursor is found although orders before it came and went. */
static void new_orders_do_not_disturb_a_list(void **state)
{
    struct reading *reading = *state;
    trading_order order;
    uint64_t cursor = 0;
    assert_int_equal(next_open(reading, &cursor, &order), 1);
    desk_buy(&reading->desk, &reading->desk.bob, "AAPL", UNITS(1), UNITS(101));
    desk_cancel(&reading->desk, &order.id);
    assert_int_equal(next_open(reading, &cursor, &order), 1);
    assert_int_equal(order.limit_price, UNITS(103));
    assert_int_equal(next_open(reading, &cursor, &order), 1);
    assert_int_equal(order.limit_price, UNITS(105));
}

static trading_id order_at(struct reading *reading, trading_decimal limit)
{
    trading_order order;
    uint64_t cursor = 0;
    while (next_open(reading, &cursor, &order))
        if (order.limit_price == limit)
            return order.id;
    fail_msg("no open order at that price");
    return order.id;
}

/* The level that was handed out last goes, and its record is used for another price. */
static void a_book_goes_on_behind_a_level_that_is_gone(void **state)
{
    struct reading *reading = *state;
    trading_symbol apple = symbol_of("AAPL");
    trading_level level;
    uint64_t cursor = 0;
    size_t count;
    trading_id best = order_at(reading, UNITS(121));
    must(trading_view_book(reading->latest, &apple, TRADING_SIDE_BUY, &cursor, &level, 1, &count, &reading->error),
         &reading->error);
    assert_int_equal(level.price, UNITS(121));
    desk_cancel(&reading->desk, &best);
    desk_buy(&reading->desk, &reading->desk.ann, "AAPL", UNITS(1), UNITS(104));
    static const int64_t prices[] = {105, 104, 103};
    for (size_t i = 0; i < 3; i++) {
        must(trading_view_book(reading->latest, &apple, TRADING_SIDE_BUY, &cursor, &level, 1, &count, &reading->error),
             &reading->error);
        assert_int_equal(count, 1);
        assert_int_equal(level.price, UNITS(prices[i]));
    }
    must(trading_view_book(reading->latest, &apple, TRADING_SIDE_BUY, &cursor, &level, 1, &count, &reading->error),
         &reading->error);
    assert_int_equal(count, 0);
}

static void lots_go_on_behind_one_that_was_sold_out(void **state)
{
    struct reading *reading = *state;
    const struct trader *ann = &reading->desk.ann;
    trading_lot lot;
    uint64_t cursor = 0;
    size_t count;
    must(trading_view_lots(reading->latest, &ann->portfolio, &cursor, &lot, 1, &count, &reading->error), &reading->error);
    assert_memory_equal(&lot.lot, &reading->desk.lots[0], sizeof lot.lot);
    desk_sell(&reading->desk, ann, "AAPL", UNITS(6), 0); /* all of it: what other sells reserved by name is passed over */
    must(trading_view_lots(reading->latest, &ann->portfolio, &cursor, &lot, 1, &count, &reading->error), &reading->error);
    assert_int_equal(count, 1);
    assert_memory_equal(&lot.lot, &reading->desk.lots[1], sizeof lot.lot);
    must(trading_view_lots(reading->latest, &ann->portfolio, &cursor, &lot, 1, &count, &reading->error), &reading->error);
    assert_int_equal(count, 0);
}

/* The same in the middle of the list: what is before it does not come again. */
static void lots_before_one_that_was_sold_out_do_not_come_again(void **state)
{
    struct reading *reading = *state;
    struct desk *desk = &reading->desk;
    trading_lot lot;
    trading_order order;
    uint64_t cursor = 0;
    size_t count;
    do /* the sell that has a part of the second lot reserved */
        must(trading_view_orders(reading->latest, &desk->ann.portfolio, 1, &cursor, &order, 1, &count, &reading->error),
             &reading->error);
    while (count && trading_id_is_zero(&order.lot));
    desk_cancel(desk, &order.id);
    desk_quote(desk, "AAPL", UNITS(100), UNITS(124));
    trading_id third = desk_buy(desk, &desk->ann, "AAPL", UNITS(1), 0);

    cursor = 0;
    for (size_t i = 0; i < 2; i++) {
        must(trading_view_lots(reading->latest, &desk->ann.portfolio, &cursor, &lot, 1, &count, &reading->error),
             &reading->error);
        assert_memory_equal(&lot.lot, &desk->lots[i], sizeof lot.lot);
    }
    desk_sell_lot(desk, &desk->ann, &desk->lots[1], UNITS(3), 0);
    must(trading_view_lots(reading->latest, &desk->ann.portfolio, &cursor, &lot, 1, &count, &reading->error), &reading->error);
    assert_int_equal(count, 1);
    assert_memory_equal(&lot.lot, &third, sizeof lot.lot);
    must(trading_view_lots(reading->latest, &desk->ann.portfolio, &cursor, &lot, 1, &count, &reading->error), &reading->error);
    assert_int_equal(count, 0);
}

/* A cursor at the end goes on when there is more. */
static void a_list_that_grows_is_read_on(void **state)
{
    struct reading *reading = *state;
    trading_id accounts[8];
    uint64_t cursor = 0;
    size_t count;
    must(trading_view_accounts(reading->latest, &cursor, accounts, 8, &count, &reading->error), &reading->error);
    assert_int_equal(count, 2);
    struct trader cyd = desk_trader(&reading->desk, "Cyd", 0);
    must(trading_view_accounts(reading->latest, &cursor, accounts, 8, &count, &reading->error), &reading->error);
    assert_int_equal(count, 1);
    assert_memory_equal(&accounts[0], &cyd.account, sizeof cyd.account);
}

/* A second portfolio of the first account is behind the first, whatever was opened in between. */
static void portfolios_of_an_account_are_listed(void **state)
{
    struct reading *reading = *state;
    trading_open_portfolio body = TRADING_OPEN_PORTFOLIO_INIT;
    body.name = text_of("Growth");
    trading_result opened =
        desk_run(&reading->desk, TRADING_COMMAND_OPEN_PORTFOLIO, &reading->desk.ann.account, &body, sizeof body);
    trading_id portfolios[4];
    uint64_t cursor = 0;
    size_t count;
    for (size_t i = 0; i < 3; i++) {
        must(trading_view_portfolios(reading->latest, &reading->desk.ann.account, &cursor, &portfolios[i], 1, &count,
                                     &reading->error),
             &reading->error);
        assert_int_equal(count, i < 2);
    }
    assert_memory_equal(&portfolios[0], &reading->desk.ann.portfolio, sizeof *portfolios);
    assert_memory_equal(&portfolios[1], &opened.portfolio, sizeof *portfolios);
}

static void bind(struct reading *reading, const struct trader *trader, const char *space, const char *name)
{
    trading_bind_alias body = TRADING_BIND_ALIAS_INIT;
    body.space = text_of(space);
    body.name = text_of(name);
    desk_run(&reading->desk, TRADING_COMMAND_BIND_ALIAS, &trader->account, &body, sizeof body);
}

/* A cursor that is kept stays good, also when the store is opened again with other indexes. */
static void aliases_are_listed_by_number(void **state)
{
    struct reading *reading = *state;
    const struct trader *ann = &reading->desk.ann;
    const char *const spaces[] = {"crm", "bank", "tax"};
    for (size_t i = 0; i < 3; i++) {
        bind(reading, ann, spaces[i], "ann");
        bind(reading, &reading->desk.bob, spaces[i], "bob");
    }
    uint64_t cursor = 0;
    trading_alias alias;
    size_t count;
    for (size_t i = 0; i < 4; i++) {
        must(trading_view_aliases(reading->latest, &ann->account, &cursor, &alias, 1, &count, &reading->error),
             &reading->error);
        assert_int_equal(count, i < 3);
        assert_string_equal(alias.space, spaces[i < 3 ? i : 2]);
        assert_int_equal(cursor, i < 3 ? 2 * i + 1 : 5);
    }
}

/* An order that meets more than one commit holds waits in between: it is open, and rests nowhere. */
static void an_order_that_waits_to_go_on_is_open(void **state)
{
    enum { SELLS = 900 };
    struct reading *reading = *state;
    struct desk *desk = &reading->desk;
    const struct trader *ann = &desk->ann;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.commit_bytes = 65536;
    trading_view_close(reading->latest);
    must(trading_engine_close(desk->engine, TRADING_CLOSE_DRAIN, &reading->error), &reading->error);
    desk_open_store(desk, &options, "memory:");
    reading->latest = view_at(desk, TRADING_VIEW_LATEST);
    desk->ann = desk_trader(desk, "Ann", UNITS(100000));
    desk->bob = desk_trader(desk, "Bob", UNITS(100000));
    desk_quote(desk, "AAPL", 0, UNITS(1));
    desk_buy(desk, ann, "AAPL", UNITS(SELLS), 0);
    desk_quote(desk, "AAPL", 0, 0);
    for (size_t i = 0; i < SELLS; i++)
        desk_sell(desk, ann, "AAPL", UNITS(1), UNITS(2));

    trading_id resting = desk_buy(desk, &desk->bob, "AAPL", UNITS(1), UNITS(1));
    trading_place_order all = order_of(&desk->bob.portfolio, TRADING_SIDE_BUY, "AAPL", UNITS(SELLS), UNITS(2));
    trading_command command = {.type = TRADING_COMMAND_PLACE_ORDER, .body = &all, .body_size = sizeof all};
    trading_result result;
    trading_completion completion;
    size_t taken;
    must(trading_engine_submit(desk->engine, &command, 1, &result, 1, &reading->error), &reading->error);
    must(trading_engine_step(desk->engine, 1, NULL, &reading->error), &reading->error);
    assert_true(process_has_work(&desk->engine->domain));

    trading_portfolio portfolio = {.size = sizeof portfolio};
    trading_order order;
    uint64_t cursor = 0;
    must(trading_view_portfolio(reading->latest, &desk->bob.portfolio, &portfolio, &reading->error), &reading->error);
    assert_int_equal(portfolio.open_order_count, 2);
    assert_int_equal(next_open(reading, &cursor, &order), 1);
    assert_int_equal(order.status, TRADING_ORDER_STATUS_PARTIALLY_FILLED);
    assert_true(order.leaves_quantity > 0);
    assert_int_equal(next_open(reading, &cursor, &order), 1);
    assert_memory_equal(&order.id, &resting, sizeof resting);
    assert_int_equal(next_open(reading, &cursor, &order), 0);
    trading_verification found = TRADING_VERIFICATION_INIT;
    must(trading_engine_verify(desk->engine, &found, NULL, NULL, &reading->error), &reading->error);
    assert_string_equal(found.finding, "");

    must(trading_engine_step(desk->engine, 100, NULL, &reading->error), &reading->error);
    must(trading_engine_poll(desk->engine, &completion, 1, &taken, 0, &reading->error), &reading->error);
    must(trading_view_portfolio(reading->latest, &desk->bob.portfolio, &portfolio, &reading->error), &reading->error);
    assert_int_equal(portfolio.open_order_count, 1);
}

#define REFUSED(call) assert_int_equal(call, TRADING_E_INVALID)

static void foreign_cursors_are_refused(void **state)
{
    struct reading *reading = *state;
    trading_view *view = reading->latest;
    const struct desk *desk = &reading->desk;
    trading_symbol apple = symbol_of("AAPL");
    union {
        trading_id id;
        trading_symbol symbol;
        trading_position position;
        trading_lot lot;
        trading_order order;
        trading_level level;
        trading_event event;
        trading_alias alias;
    } out;
    size_t count;
    bind(reading, &desk->bob, "crm", "bob");
    static const uint64_t wrong[] = {1000, UINT32_MAX, (uint64_t)UINT32_MAX + 2, UINT64_MAX - 1};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint64_t cursor = wrong[i];
        REFUSED(trading_view_accounts(view, &cursor, &out.id, 1, &count, NULL));
        REFUSED(trading_view_instruments(view, &cursor, &out.symbol, 1, &count, NULL));
        REFUSED(trading_view_portfolios(view, &desk->ann.account, &cursor, &out.id, 1, &count, NULL));
        REFUSED(trading_view_aliases(view, &desk->ann.account, &cursor, &out.alias, 1, &count, NULL));
        REFUSED(trading_view_positions(view, &desk->ann.portfolio, &cursor, &out.position, 1, &count, NULL));
        REFUSED(trading_view_lots(view, &desk->ann.portfolio, &cursor, &out.lot, 1, &count, NULL));
        REFUSED(trading_view_orders(view, &desk->ann.portfolio, 0, &cursor, &out.order, 1, &count, NULL));
        REFUSED(trading_view_history(view, TRADING_ENTITY_ACCOUNT, &desk->ann.account, &cursor, &out.event, 1, &count, NULL));
        assert_int_equal(cursor, wrong[i]);
    }
    /* Those of another entity's list. */
    uint64_t cursor = 0;
    must(trading_view_lots(view, &desk->bob.portfolio, &cursor, &out.lot, 1, &count, &reading->error), &reading->error);
    REFUSED(trading_view_lots(view, &desk->ann.portfolio, &cursor, &out.lot, 1, &count, NULL));
    cursor = 0;
    must(trading_view_positions(view, &desk->bob.portfolio, &cursor, &out.position, 1, &count, &reading->error),
         &reading->error);
    REFUSED(trading_view_positions(view, &desk->ann.portfolio, &cursor, &out.position, 1, &count, NULL));
    cursor = 0;
    must(trading_view_orders(view, &desk->bob.portfolio, 0, &cursor, &out.order, 1, &count, &reading->error), &reading->error);
    REFUSED(trading_view_orders(view, &desk->ann.portfolio, 1, &cursor, &out.order, 1, &count, NULL));
    cursor = 0;
    must(trading_view_portfolios(view, &desk->bob.account, &cursor, &out.id, 1, &count, &reading->error), &reading->error);
    REFUSED(trading_view_portfolios(view, &desk->ann.account, &cursor, &out.id, 1, &count, NULL));
    cursor = 0;
    must(trading_view_aliases(view, &desk->bob.account, &cursor, &out.alias, 1, &count, &reading->error), &reading->error);
    REFUSED(trading_view_aliases(view, &desk->ann.account, &cursor, &out.alias, 1, &count, NULL));
    cursor = UINT64_MAX;
    REFUSED(trading_view_book(view, &apple, TRADING_SIDE_BUY, &cursor, &out.level, 1, &count, NULL));
}

int view_list_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(open_orders_go_on_behind_one_that_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_orders_do_not_disturb_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_book_goes_on_behind_a_level_that_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lots_go_on_behind_one_that_was_sold_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lots_before_one_that_was_sold_out_do_not_come_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_that_grows_is_read_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(portfolios_of_an_account_are_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(aliases_are_listed_by_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_order_that_waits_to_go_on_is_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(foreign_cursors_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("lists of views", tests, NULL, NULL);
}
