/* Orders at a venue outside: held for before they leave, executed within their terms, once, and given back when they end. */
#include "desk.h"

#include <stdio.h>
#include <string.h>

static const trading_decimal one = TRADING_DECIMAL_ONE;

/* Whatever comes of it. */
static trading_result ask(struct desk *desk, trading_command command)
{
    trading_result result;
    MUST(trading_engine_execute(desk->engine, &command, 1, &result, NULL) == TRADING_OK);
    return result;
}

static trading_result route_symbol(struct desk *desk, const struct client *client, const char *symbol, int32_t side,
                                   int64_t quantity, trading_decimal price)
{
    trading_place_order body = TRADING_PLACE_ORDER_INIT;
    body.portfolio = client->portfolio;
    snprintf(body.symbol.text, sizeof body.symbol.text, "%s", symbol);
    body.side = side;
    body.quantity = quantity * one;
    body.type = price ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    body.limit_price = price;
    return ask(desk, (trading_command){.type = TRADING_COMMAND_ROUTE_ORDER, .body = &body, .body_size = sizeof body});
}

static trading_result route(struct desk *desk, const struct client *client, int32_t side, int64_t quantity,
                            trading_decimal price)
{
    return route_symbol(desk, client, "GOOG", side, quantity, price);
}

static trading_result book(struct desk *desk, const trading_id *order, int64_t quantity, trading_decimal price,
                           const char *exec_id)
{
    trading_book_execution body = TRADING_BOOK_EXECUTION_INIT;
    trading_command command = {.type = TRADING_COMMAND_BOOK_EXECUTION, .body = &body, .body_size = sizeof body};
    body.order = *order;
    body.quantity = quantity * one;
    body.price = price;
    memcpy(command.key.bytes, exec_id, strlen(exec_id));
    return ask(desk, command);
}

static trading_result end(struct desk *desk, const trading_id *order, int32_t status)
{
    trading_end_order body = TRADING_END_ORDER_INIT;
    body.order = *order;
    body.status = status;
    return ask(desk, (trading_command){.type = TRADING_COMMAND_END_ORDER, .body = &body, .body_size = sizeof body});
}

static trading_order look(struct desk *desk, const trading_id *order)
{
    trading_view *view;
    trading_order record;
    MUST(trading_view_open(&view, desk->engine, TRADING_VIEW_LATEST, NULL) == TRADING_OK);
    MUST(trading_view_order(view, order, &record, NULL) == TRADING_OK);
    trading_view_close(view);
    return record;
}

static void must_be_sound(struct desk *desk)
{
    trading_verification found = TRADING_VERIFICATION_INIT;
    MUST(trading_engine_verify(desk->engine, &found, NULL, NULL, NULL) == TRADING_OK);
    if (!found.sound)
        fail_msg("%s", found.finding);
}

static void an_order_is_held_for_and_left_alone_until_its_venue_answers(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 1000);
    desk_quote(&desk, "GOOG", 99 * one, 100 * one); /* it would trade with the house here */
    trading_result routed = route(&desk, &ann, TRADING_SIDE_BUY, 5, 110 * one);
    assert_int_equal(routed.status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(routed.order_status, TRADING_ORDER_STATUS_NEW);
    assert_int_equal(look(&desk, &routed.order).held, 550 * one);
    MUST(desk_execute(&desk, TRADING_COMMAND_END_SESSION, NULL, NULL, 0).status == TRADING_STATUS_ACCEPTED);
    desk_quote(&desk, "GOOG", 89 * one, 90 * one);
    assert_int_equal(look(&desk, &routed.order).status, TRADING_ORDER_STATUS_NEW);
    trading_result refused = route(&desk, &ann, TRADING_SIDE_BUY, 5, 110 * one);
    assert_int_equal(refused.reason, TRADING_REASON_INSUFFICIENT_FUNDS);

    assert_int_equal(book(&desk, &routed.order, 2, 105 * one, "1").status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(book(&desk, &routed.order, 2, 105 * one, "1").status, TRADING_STATUS_DUPLICATE);
    trading_order order = look(&desk, &routed.order);
    assert_int_equal(order.status, TRADING_ORDER_STATUS_PARTIALLY_FILLED);
    assert_int_equal(order.filled_quantity, 2 * one);
    assert_int_equal(order.held, 330 * one);
    assert_int_equal(desk_balance(&desk, &ann.account), 790 * one);
    assert_int_equal(end(&desk, &routed.order, TRADING_ORDER_STATUS_EXPIRED).status, TRADING_STATUS_ACCEPTED);
    order = look(&desk, &routed.order);
    assert_int_equal(order.status, TRADING_ORDER_STATUS_EXPIRED);
    assert_int_equal(order.held, 0);

    /* What was bought at the venue is sold here, and the other way round. */
    trading_result sold = desk_order(&desk, &ann, "GOOG", TRADING_SIDE_SELL, 1, 0);
    assert_int_equal(sold.order_status, TRADING_ORDER_STATUS_FILLED);
    trading_result sale = route(&desk, &ann, TRADING_SIDE_SELL, 1, 0);
    assert_int_equal(book(&desk, &sale.order, 1, 5 * one, "2").status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(desk_balance(&desk, &ann.account), (790 + 89 + 5) * one);
    must_be_sound(&desk);
    desk_close(&desk);
}

static void what_breaks_the_orders_terms_changes_nothing(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 1000);
    trading_result here = desk_order(&desk, &ann, "GOOG", TRADING_SIDE_BUY, 1, 10 * one);
    trading_result routed = route(&desk, &ann, TRADING_SIDE_BUY, 5, 100 * one);
    assert_int_equal(book(&desk, &here.order, 1, 10 * one, "1").reason, TRADING_REASON_NOT_ROUTED);
    assert_int_equal(end(&desk, &here.order, TRADING_ORDER_STATUS_CANCELED).reason, TRADING_REASON_NOT_ROUTED);
    trading_result refused = book(&desk, &routed.order, 6, 100 * one, "2");
    assert_int_equal(refused.reason, TRADING_REASON_EXECUTION_TOO_LARGE);
    assert_int_equal(refused.required, 6 * one);
    assert_int_equal(refused.available, 5 * one);
    refused = book(&desk, &routed.order, 5, 100 * one + 1, "3");
    assert_int_equal(refused.reason, TRADING_REASON_PRICE_BEYOND_LIMIT);
    assert_int_equal(refused.required, 100 * one + 1);
    assert_int_equal(refused.available, 100 * one);
    assert_int_equal(book(&desk, &routed.order, 0, 100 * one, "4").reason, TRADING_REASON_BAD_AMOUNT);
    assert_int_equal(book(&desk, &routed.order, 1, 0, "5").reason, TRADING_REASON_BAD_PRICE);
    assert_int_equal(end(&desk, &routed.order, TRADING_ORDER_STATUS_FILLED).reason, TRADING_REASON_BAD_REQUEST);
    assert_int_equal(look(&desk, &routed.order).filled_quantity, 0);
    assert_int_equal(book(&desk, &routed.order, 5, 100 * one, "6").status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(book(&desk, &routed.order, 1, 100 * one, "7").reason, TRADING_REASON_ORDER_NOT_OPEN);
    assert_int_equal(end(&desk, &routed.order, TRADING_ORDER_STATUS_CANCELED).reason, TRADING_REASON_ORDER_NOT_OPEN);
    must_be_sound(&desk);
    desk_close(&desk);
}

static void a_cancel_and_a_closing_wait_for_a_sale(trading_decimal limit)
{
    struct desk desk;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 1000);
    desk_quote(&desk, "GOOG", 99 * one, 100 * one);
    MUST(desk_order(&desk, &ann, "GOOG", TRADING_SIDE_BUY, 4, 0).order_status == TRADING_ORDER_STATUS_FILLED);
    trading_result routed = route(&desk, &ann, TRADING_SIDE_SELL, 3, limit);
    trading_cancel_order cancel = TRADING_CANCEL_ORDER_INIT;
    cancel.order = routed.order;
    trading_result asked = desk_execute(&desk, TRADING_COMMAND_CANCEL_ORDER, NULL, &cancel, sizeof cancel);
    assert_int_equal(asked.status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(asked.order_status, TRADING_ORDER_STATUS_NEW);

    trading_close_portfolio close = TRADING_CLOSE_PORTFOLIO_INIT;
    close.portfolio = ann.portfolio;
    MUST(desk_execute(&desk, TRADING_COMMAND_CLOSE_PORTFOLIO, NULL, &close, sizeof close).status == TRADING_STATUS_ACCEPTED);
    assert_int_equal(desk_balance(&desk, &ann.account), (600 + 99) * one); /* the one that was free */
    assert_int_equal(book(&desk, &routed.order, 1, 100 * one, "1").status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(end(&desk, &routed.order, TRADING_ORDER_STATUS_CANCELED).status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(desk_balance(&desk, &ann.account), (600 + 99 + 100 + 2 * 99) * one);

    trading_view *view;
    trading_portfolio portfolio = TRADING_PORTFOLIO_INIT;
    MUST(trading_view_open(&view, desk.engine, TRADING_VIEW_LATEST, NULL) == TRADING_OK);
    MUST(trading_view_portfolio(view, &ann.portfolio, &portfolio, NULL) == TRADING_OK);
    trading_view_close(view);
    assert_int_equal(portfolio.status, TRADING_PORTFOLIO_CLOSED);
    must_be_sound(&desk);
    desk_close(&desk);
}

static void a_cancel_and_a_closing_wait_for_the_venue(void **state)
{
    (void)state;
    a_cancel_and_a_closing_wait_for_a_sale(98 * one);
    a_cancel_and_a_closing_wait_for_a_sale(0); /* at any price */
}

static void it_is_all_there_after_a_restart(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_folder(&desk);
    struct client ann = desk_client(&desk, 1000);
    trading_result routed = route(&desk, &ann, TRADING_SIDE_BUY, 5, 100 * one);
    MUST(book(&desk, &routed.order, 2, 90 * one, "1").status == TRADING_STATUS_ACCEPTED);
    desk_stop(&desk);
    desk_start(&desk, 0);
    trading_order order = look(&desk, &routed.order);
    assert_int_equal(order.leaves_quantity, 3 * one);
    assert_int_equal(order.held, 300 * one);
    assert_int_equal(book(&desk, &routed.order, 2, 90 * one, "1").status, TRADING_STATUS_DUPLICATE);
    assert_int_equal(book(&desk, &routed.order, 3, 90 * one, "2").status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(look(&desk, &routed.order).status, TRADING_ORDER_STATUS_FILLED);
    must_be_sound(&desk);
    desk_close(&desk);
}

static void the_feed_tells_of_the_venue(void **state)
{
    (void)state;
    struct desk desk;
    trading_feed *feed;
    trading_event events[64];
    trading_filter filter = TRADING_FILTER_INIT;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 1000);
    trading_result routed = route(&desk, &ann, TRADING_SIDE_BUY, 5, 100 * one);
    MUST(book(&desk, &routed.order, 2, 90 * one, "1").status == TRADING_STATUS_ACCEPTED);
    filter.kinds[TRADING_EVENT_ORDER_ROUTED / 64] |= UINT64_C(1) << TRADING_EVENT_ORDER_ROUTED % 64;
    filter.kinds[TRADING_EVENT_VENUE_TRADED / 64] |= UINT64_C(1) << TRADING_EVENT_VENUE_TRADED % 64;
    MUST(trading_feed_open(&feed, desk.engine, 0, &filter, NULL, NULL) == TRADING_OK);
    assert_int_equal(desk_drain(feed, events, 64, 64), 2);
    trading_feed_close(feed);
    assert_int_equal(events[0].kind, TRADING_EVENT_ORDER_ROUTED);
    assert_memory_equal(&events[0].order, &routed.order, sizeof routed.order);
    assert_memory_equal(&events[0].portfolio, &ann.portfolio, sizeof ann.portfolio);
    assert_int_equal(events[0].quantity, 5 * one);
    assert_int_equal(events[0].side, TRADING_SIDE_BUY);
    assert_string_equal(events[0].symbol.text, "GOOG");
    assert_int_equal(events[1].kind, TRADING_EVENT_VENUE_TRADED);
    assert_int_equal(events[1].side, TRADING_SIDE_SELL);
    assert_int_equal(events[1].amount, 180 * one);
    desk_close(&desk);
}

/* Whichever partition has the symbol's book, a venue outside executes at the account's home. */
static void an_order_of_any_partition_goes_to_the_venue(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    desk_stop(&desk);
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.partitions = 4;
    MUST(trading_engine_open(&desk.engine, desk.host, "memory:parted", &options, NULL) == TRADING_OK);
    for (int i = 0; i < 16; i++) {
        char symbol[8];
        char exec_id[8];
        snprintf(symbol, sizeof symbol, "S%d", i % 5);
        snprintf(exec_id, sizeof exec_id, "%d", i);
        struct client client = desk_client(&desk, 1000);
        trading_result routed = route_symbol(&desk, &client, symbol, TRADING_SIDE_BUY, 5, 100 * one);
        assert_int_equal(routed.status, TRADING_STATUS_ACCEPTED);
        assert_int_equal(book(&desk, &routed.order, 3, 90 * one, exec_id).status, TRADING_STATUS_ACCEPTED);
        assert_int_equal(end(&desk, &routed.order, TRADING_ORDER_STATUS_CANCELED).status, TRADING_STATUS_ACCEPTED);
        assert_int_equal(desk_balance(&desk, &client.account), 730 * one);
    }
    must_be_sound(&desk);
    desk_close(&desk);
}

static void an_account_is_known_by_its_key(void **state)
{
    (void)state;
    struct desk desk;
    trading_id key;
    trading_id account;
    trading_id portfolio;
    desk_open_memory(&desk);
    MUST(trading_key_from_text("reference/A-77", 14, &key) == TRADING_OK);
    assert_int_equal(trading_opened_ids(&key, &account, &portfolio), TRADING_OK);
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    trading_result opened = ask(
        &desk, (trading_command){.type = TRADING_COMMAND_OPEN_ACCOUNT, .key = key, .body = &body, .body_size = sizeof body});
    assert_memory_equal(&opened.account, &account, sizeof account);
    assert_memory_equal(&opened.portfolio, &portfolio, sizeof portfolio);
    assert_int_equal(trading_opened_ids(&(trading_id){{0}}, &account, &portfolio), TRADING_E_INVALID);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_held_for_and_left_alone_until_its_venue_answers),
        cmocka_unit_test(what_breaks_the_orders_terms_changes_nothing),
        cmocka_unit_test(a_cancel_and_a_closing_wait_for_the_venue),
        cmocka_unit_test(it_is_all_there_after_a_restart),
        cmocka_unit_test(the_feed_tells_of_the_venue),
        cmocka_unit_test(an_account_is_known_by_its_key),
        cmocka_unit_test(an_order_of_any_partition_goes_to_the_venue),
    };
    return cmocka_run_group_tests_name("venue", tests, NULL, NULL);
}
