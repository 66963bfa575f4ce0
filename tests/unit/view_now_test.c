/* What each call shows, after a morning whose every number is known. */
#include "view_test.h"

#include <stdlib.h>

struct morning {
    struct desk desk;
    trading_view *view;
    trading_error error;
};

static int set_up(void **state)
{
    struct morning *morning = calloc(1, sizeof *morning);
    desk_open(&morning->desk, NULL);
    desk_morning(&morning->desk);
    morning->view = view_at(&morning->desk, TRADING_VIEW_NOW);
    *state = morning;
    return 0;
}

static int tear_down(void **state)
{
    struct morning *morning = *state;
    trading_view_close(morning->view);
    desk_close(&morning->desk);
    free(morning);
    return 0;
}

static bool same(const trading_id *a, const trading_id *b)
{
    return !memcmp(a, b, sizeof *a);
}

static void accounts_are_shown(void **state)
{
    struct morning *morning = *state;
    trading_account account = {.size = sizeof account};
    must(trading_view_account(morning->view, &morning->desk.ann.account, &account, &morning->error), &morning->error);
    assert_true(same(&account.id, &morning->desk.ann.account));
    assert_string_equal(account.currency.text, "USD");
    assert_int_equal(account.status, TRADING_ACCOUNT_OPEN);
    assert_int_equal(account.balance, UNITS(9126));
    assert_int_equal(account.held, 0);
    assert_int_equal(account.available, UNITS(9126));
    assert_int_equal(account.portfolio_count, 1);
    assert_int_equal(account.position, engine_durable(morning->desk.engine));
    must(trading_view_account(morning->view, &morning->desk.bob.account, &account, &morning->error), &morning->error);
    assert_int_equal(account.balance, CENTS(461615));
    assert_int_equal(account.held, UNITS(535));
    assert_int_equal(account.available, CENTS(408115));
}

/* As many as do not come at once, with some that there are none of among them, tell what single calls tell. */
static void check_together(struct morning *morning, trading_view *view)
{
    enum { COUNT = 150 };
    trading_id ids[COUNT];
    trading_account accounts[COUNT];
    memset(accounts, 0xa5, sizeof accounts);
    accounts[0].size = sizeof accounts[0];
    for (size_t i = 0; i < COUNT; i++)
        ids[i] = i % 3 == 0 ? morning->desk.ann.account : i % 3 == 1 ? morning->desk.bob.account : nobody;
    ids[COUNT - 1].bytes[3] ^= 1;
    must(trading_view_accounts_by_id(view, ids, COUNT, accounts, &morning->error), &morning->error);
    for (size_t i = 0; i < COUNT; i++) {
        trading_account single = {.size = sizeof single, .position = trading_view_position(view)};
        int32_t code = trading_view_account(view, &ids[i], &single, NULL);
        assert_int_equal(code, i % 3 == 2 ? TRADING_E_NOT_FOUND : TRADING_OK);
        assert_memory_equal(&accounts[i], &single, sizeof single);
    }
}

static void many_accounts_are_shown_together(void **state)
{
    struct morning *morning = *state;
    trading_view *latest = view_at(&morning->desk, TRADING_VIEW_LATEST);
    check_together(morning, morning->view);
    check_together(morning, latest);
    trading_account account = {.size = 1};
    const trading_id *id = &morning->desk.ann.account;
    assert_int_equal(trading_view_accounts_by_id(latest, id, 1, &account, &morning->error), TRADING_E_INVALID);
    account.size = sizeof account;
    assert_int_equal(trading_view_accounts_by_id(latest, id, 0, &account, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_accounts_by_id(latest, NULL, 1, &account, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_accounts_by_id(NULL, id, 1, &account, NULL), TRADING_E_INVALID);
    must(trading_view_accounts_by_id(latest, id, 1, &account, &morning->error), &morning->error);
    trading_view_close(latest);
}

static void ledgers_sum_to_zero(void **state)
{
    struct morning *morning = *state;
    trading_ledger ledger = {.size = sizeof ledger};
    uint64_t cursor = 0;
    must(trading_view_ledger(morning->view, &cursor, &ledger, &morning->error), &morning->error);
    assert_string_equal(ledger.currency.text, "USD");
    assert_string_equal(ledger.customers.text, "13742.15");
    assert_string_equal(ledger.house.text, "1257.85");
    assert_string_equal(ledger.bank.text, "-15000.00");
    assert_string_equal(ledger.clearing.text, "0.00");
    assert_string_equal(ledger.fee.text, "0.00");
    assert_int_equal(trading_view_ledger(morning->view, &cursor, &ledger, NULL), TRADING_E_NOT_FOUND);
}

static void portfolios_are_valued(void **state)
{
    struct morning *morning = *state;
    trading_portfolio portfolio = {.size = sizeof portfolio};
    must(trading_view_portfolio(morning->view, &morning->desk.ann.portfolio, &portfolio, &morning->error), &morning->error);
    assert_true(same(&portfolio.account, &morning->desk.ann.account));
    assert_int_equal(portfolio.status, TRADING_PORTFOLIO_OPEN);
    assert_int_equal(portfolio.loyalty, TRADING_LOYALTY_BRONZE);
    assert_int_equal(portfolio.position_count, 1);
    assert_int_equal(portfolio.open_order_count, 2);
    assert_int_equal(portfolio.traded, UNITS(2226));
    assert_int_equal(portfolio.cost_basis, UNITS(930));
    assert_int_equal(portfolio.market_value, UNITS(900));
    assert_int_equal(portfolio.realized_pnl, UNITS(56));
    assert_int_equal(portfolio.unrealized_pnl, -UNITS(30));
    must(trading_view_portfolio(morning->view, &morning->desk.bob.portfolio, &portfolio, &morning->error), &morning->error);
    assert_int_equal(portfolio.position_count, 2);
    assert_int_equal(portfolio.open_order_count, 4);
    assert_int_equal(portfolio.market_value, CENTS(34350));
    assert_int_equal(portfolio.unrealized_pnl, -CENTS(4035));
}

static void positions_and_lots_are_listed(void **state)
{
    struct morning *morning = *state;
    trading_position positions[4];
    trading_lot lots[4];
    uint64_t cursor = 0;
    size_t count;
    must(trading_view_positions(morning->view, &morning->desk.ann.portfolio, &cursor, positions, 4, &count, &morning->error),
         &morning->error);
    assert_int_equal(count, 1);
    assert_string_equal(positions[0].symbol.text, "AAPL");
    assert_int_equal(positions[0].quantity, UNITS(9));
    assert_int_equal(positions[0].reserved, UNITS(2));
    assert_int_equal(positions[0].mark, UNITS(100));
    assert_int_equal(positions[0].realized_pnl, UNITS(56));

    cursor = 0;
    must(trading_view_lots(morning->view, &morning->desk.ann.portfolio, &cursor, lots, 4, &count, &morning->error),
         &morning->error);
    assert_int_equal(count, 2);
    assert_true(same(&lots[0].lot, &morning->desk.lots[0]));
    assert_int_equal(lots[0].quantity, UNITS(6));
    assert_int_equal(lots[0].cost_basis, UNITS(600));
    assert_int_equal(lots[0].reserved, 0);
    assert_true(same(&lots[1].lot, &morning->desk.lots[1]));
    assert_int_equal(lots[1].quantity, UNITS(3));
    assert_int_equal(lots[1].cost_basis, UNITS(330));
    assert_int_equal(lots[1].reserved, UNITS(1));
}

static void orders_are_shown(void **state)
{
    struct morning *morning = *state;
    trading_order order;
    trading_execution execution;
    uint64_t cursor = 0;
    size_t count;
    must(trading_view_order(morning->view, &morning->desk.lots[2], &order, &morning->error), &morning->error);
    assert_true(same(&order.account, &morning->desk.bob.account));
    assert_true(same(&order.portfolio, &morning->desk.bob.portfolio));
    assert_string_equal(order.symbol.text, "AAPL");
    assert_int_equal(order.side, TRADING_SIDE_BUY);
    assert_int_equal(order.type, TRADING_ORDER_TYPE_LIMIT);
    assert_int_equal(order.time_in_force, TRADING_TIME_IN_FORCE_GTC);
    assert_int_equal(order.status, TRADING_ORDER_STATUS_PARTIALLY_FILLED);
    assert_int_equal(order.filled_quantity, UNITS(2));
    assert_int_equal(order.leaves_quantity, UNITS(1));
    assert_int_equal(order.average_price, UNITS(120));
    assert_int_equal(order.consideration, UNITS(240));
    assert_int_equal(order.held, UNITS(121));
    assert_int_equal(order.execution_count, 1);

    must(trading_view_executions(morning->view, &order.id, &cursor, &execution, 1, &count, &morning->error), &morning->error);
    assert_int_equal(count, 1);
    assert_int_equal(execution.quantity, UNITS(2));
    assert_int_equal(execution.price, UNITS(120));
    assert_int_equal(execution.consideration, UNITS(240));
    must(trading_view_order(morning->view, &execution.counter_order, &order, &morning->error), &morning->error);
    assert_int_equal(order.status, TRADING_ORDER_STATUS_FILLED);
    assert_true(same(&order.lot, &morning->desk.lots[1]));
    must(trading_view_executions(morning->view, &order.id, &cursor, &execution, 1, &count, &morning->error), &morning->error);
    assert_int_equal(count, 0);
}

static void orders_are_listed_newest_first(void **state)
{
    struct morning *morning = *state;
    static const int32_t statuses[] = {TRADING_ORDER_STATUS_REJECTED, TRADING_ORDER_STATUS_FILLED,
                                       TRADING_ORDER_STATUS_NEW,      TRADING_ORDER_STATUS_NEW,
                                       TRADING_ORDER_STATUS_NEW,      TRADING_ORDER_STATUS_PARTIALLY_FILLED};
    static const int64_t open_limits[] = {103, 103, 105, 121};
    trading_order orders[8];
    uint64_t cursor = 0;
    size_t count;
    must(trading_view_orders(morning->view, &morning->desk.bob.portfolio, 0, &cursor, orders, 8, &count, &morning->error),
         &morning->error);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(orders[i].status, statuses[i]);
    assert_int_equal(orders[0].reason, TRADING_REASON_INSUFFICIENT_FUNDS);

    cursor = 0;
    must(trading_view_orders(morning->view, &morning->desk.bob.portfolio, 1, &cursor, orders, 8, &count, &morning->error),
         &morning->error);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(orders[i].limit_price, UNITS(open_limits[i]));

    cursor = 0;
    must(trading_view_orders(morning->view, &morning->desk.ann.portfolio, 1, &cursor, orders, 8, &count, &morning->error),
         &morning->error);
    assert_int_equal(count, 2);
    assert_int_equal(orders[1].held, UNITS(1)); /* shares */
}

static void the_market_is_shown(void **state)
{
    struct morning *morning = *state;
    static const trading_level buys[] = {
        {UNITS(121), UNITS(1), 1, 0}, {UNITS(105), UNITS(1), 1, 0}, {UNITS(103), UNITS(3), 2, 0}};
    static const trading_level sells[] = {{UNITS(125), UNITS(1), 1, 0}, {UNITS(130), UNITS(1), 1, 0}};
    trading_symbol symbols[4];
    trading_symbol apple = symbol_of("AAPL");
    trading_quote quote;
    trading_level levels[4];
    uint64_t cursor = 0;
    size_t count;
    must(trading_view_instruments(morning->view, &cursor, symbols, 4, &count, &morning->error), &morning->error);
    assert_int_equal(count, 2);
    assert_string_equal(symbols[0].text, "AAPL");
    assert_string_equal(symbols[1].text, "MSFT");
    must(trading_view_quote(morning->view, &apple, &quote, &morning->error), &morning->error);
    assert_int_equal(quote.quoted, 1);
    assert_int_equal(quote.bid, UNITS(100));
    assert_int_equal(quote.ask, 0);
    assert_int_equal(quote.bid_size, TRADING_SIZE_UNLIMITED);
    assert_int_equal(quote.last_price, UNITS(120));

    cursor = 0;
    must(trading_view_book(morning->view, &apple, TRADING_SIDE_BUY, &cursor, levels, 4, &count, &morning->error),
         &morning->error);
    assert_int_equal(count, 3);
    assert_memory_equal(levels, buys, sizeof buys);
    cursor = 0;
    must(trading_view_book(morning->view, &apple, TRADING_SIDE_SELL, &cursor, levels, 4, &count, &morning->error),
         &morning->error);
    assert_int_equal(count, 2);
    assert_memory_equal(levels, sells, sizeof sells);
}

static void all_kinds_of_view_show_the_same(void **state)
{
    struct morning *morning = *state;
    trading_view *latest = view_at(&morning->desk, TRADING_VIEW_LATEST);
    trading_view *position = view_at(&morning->desk, engine_durable(morning->desk.engine));
    char *expected = view_text(morning->view, 64);
    trading_view *views[] = {morning->view, latest, position};
    assert_non_null(position->pin); /* the newest position needs no rebuilding */
    for (size_t page = 1; page <= 3; page++) {
        char *text = view_text(views[page - 1], page);
        assert_string_equal(text, expected);
        free(text);
    }
    free(expected);
    trading_view_close(latest);
    trading_view_close(position);
}

/* ---- what is refused ---- */

static void what_is_not_there_is_not_found(void **state)
{
    struct morning *morning = *state;
    trading_view *view = morning->view;
    const trading_id none = {{1, 2, 3}};
    const trading_symbol nothing = symbol_of("NONE");
    trading_account account = {.size = sizeof account};
    trading_profile profile = {.size = sizeof profile};
    trading_portfolio portfolio = {.size = sizeof portfolio};
    trading_order order;
    trading_quote quote;
    trading_event event;
    uint64_t cursor = 0;
    size_t count;
    char name[TRADING_NAME_BYTES + 1];
    assert_int_equal(trading_view_account(view, &none, &account, NULL), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_view_profile(view, &none, &profile, NULL), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_view_portfolio(view, &none, &portfolio, NULL), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_view_portfolio_name(view, &none, name, sizeof name, NULL), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_view_order(view, &none, &order, NULL), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_view_quote(view, &nothing, &quote, NULL), TRADING_E_NOT_FOUND);
    for (int32_t entity = TRADING_ENTITY_ACCOUNT; entity <= TRADING_ENTITY_INSTRUMENT; entity++)
        assert_int_equal(trading_view_history(view, entity, &none, &cursor, &event, 1, &count, NULL), TRADING_E_NOT_FOUND);
    /* An id of one kind is none of another. */
    assert_int_equal(trading_view_order(view, &morning->desk.ann.portfolio, &order, &morning->error), TRADING_E_NOT_FOUND);
    assert_non_null(strstr(morning->error.message, "order"));
}

static void wrong_arguments_are_refused(void **state)
{
    struct morning *morning = *state;
    trading_view *view = morning->view;
    const trading_id *id = &morning->desk.ann.account;
    trading_symbol apple = symbol_of("AAPL");
    trading_account account = {.size = sizeof account - 8};
    trading_level level;
    trading_id out;
    uint64_t cursor = 0;
    size_t count;
    char name[TRADING_NAME_BYTES];
    assert_int_equal(trading_view_account(view, id, &account, &morning->error), TRADING_E_INVALID);
    account.size = sizeof account;
    assert_int_equal(trading_view_account(NULL, id, &account, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_account(view, NULL, &account, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_account(view, id, NULL, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_accounts(view, &cursor, &out, 0, &count, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_accounts(view, NULL, &out, 1, &count, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_book(view, &apple, 3, &cursor, &level, 1, &count, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_history(view, 5, id, &cursor, NULL, 1, &count, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_portfolio_name(view, &morning->desk.ann.portfolio, name, sizeof name, NULL),
                     TRADING_E_INVALID);
    assert_int_equal(trading_view_open(&view, morning->desk.engine, -3, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_open(&view, NULL, TRADING_VIEW_NOW, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_view_open(&view, morning->desk.engine, engine_durable(morning->desk.engine) + 1, NULL),
                     TRADING_E_NOT_FOUND);
    assert_null(view);
    trading_view_close(NULL);
    assert_int_equal(trading_view_position(NULL), -1);
}

static void an_engine_with_open_views_is_not_closed(void **state)
{
    struct morning *morning = *state;
    assert_int_equal(trading_engine_close(morning->desk.engine, TRADING_CLOSE_DRAIN, NULL), TRADING_E_BUSY);
}

int view_now_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(accounts_are_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_accounts_are_shown_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ledgers_sum_to_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(portfolios_are_valued, set_up, tear_down),
        cmocka_unit_test_setup_teardown(positions_and_lots_are_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(orders_are_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(orders_are_listed_newest_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_market_is_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_kinds_of_view_show_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_engine_with_open_views_is_not_closed, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("views of now", tests, NULL, NULL);
}
