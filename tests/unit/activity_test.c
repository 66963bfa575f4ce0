/* The activity of accounts: a scripted day whose lines are known, and a long one whose sums are the balances. */
#include "desk.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const trading_decimal one = TRADING_DECIMAL_ONE;

static trading_projection *open_activity(struct desk *desk)
{
    trading_projection *projection;
    trading_error error;
    if (trading_activity_open(&projection, desk->engine, &error))
        fprintf(stderr, "%s\n", error.message);
    MUST(projection != NULL);
    return projection;
}

static void run(trading_projection *projection)
{
    trading_error error;
    int32_t code = trading_projection_run(projection, NULL, &error);
    if (code)
        fprintf(stderr, "%s (%lld)\n", error.message, (long long)error.native_code);
    MUST(code == TRADING_OK);
}

/* All lines of the account, `page` at a time. */
static size_t list(trading_projection *projection, const trading_id *account, trading_activity *lines, size_t max, size_t page)
{
    uint64_t cursor = 0;
    size_t total = 0;
    size_t count;
    do {
        size_t room = max - total < page ? max - total : page;
        MUST(trading_activity_list(projection, account, &cursor, lines + total, room, &count, NULL) == TRADING_OK);
        total += count;
    } while (count);
    return total;
}

struct expected {
    int32_t type;
    trading_decimal amount;
    trading_decimal quantity;
    trading_decimal price;
    trading_decimal realized_pnl;
};

static void expect_lines(trading_projection *projection, const trading_id *account, const struct expected *expected,
                         size_t count)
{
    trading_activity lines[32];
    trading_decimal balance = 0;
    assert_int_equal(list(projection, account, lines, 32, 32), count);
    for (size_t i = 0; i < count; i++) {
        bool traded = lines[i].type == TRADING_ACTIVITY_BUY || lines[i].type == TRADING_ACTIVITY_SELL;
        balance += expected[i].amount;
        assert_string_equal(trading_activity_name(lines[i].type), trading_activity_name(expected[i].type));
        assert_int_equal(lines[i].amount, expected[i].amount);
        assert_int_equal(lines[i].balance, balance);
        assert_int_equal(lines[i].quantity, expected[i].quantity);
        assert_int_equal(lines[i].price, expected[i].price);
        assert_int_equal(lines[i].realized_pnl, expected[i].realized_pnl);
        assert_string_equal(lines[i].symbol.text, traded ? "ACME" : "");
        assert_true(traded == !trading_id_is_zero(&lines[i].order) || lines[i].type == TRADING_ACTIVITY_REFUND);
        assert_true(lines[i].time > 0);
        assert_true(i == 0 || lines[i].position > lines[i - 1].position);
    }
}

static void refund(struct desk *desk, const trading_id *account, const trading_id *order, trading_decimal amount)
{
    trading_accept_refund body = TRADING_ACCEPT_REFUND_INIT;
    body.amount = amount;
    body.order = *order;
    desk_execute(desk, TRADING_COMMAND_ACCEPT_REFUND, account, &body, sizeof body);
}

static void close_portfolio(struct desk *desk, const struct client *client)
{
    trading_close_portfolio body = TRADING_CLOSE_PORTFOLIO_INIT;
    body.portfolio = client->portfolio;
    desk_execute(desk, TRADING_COMMAND_CLOSE_PORTFOLIO, NULL, &body, sizeof body);
}

static void a_day_reads_as_it_went(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 1000);
    struct client bob = desk_client(&desk, 500);
    trading_projection *projection = open_activity(&desk);
    desk_quote(&desk, "ACME", 9 * one, 10 * one);
    trading_result bought = desk_order(&desk, &ann, "ACME", TRADING_SIDE_BUY, 10, 0);
    desk_quote(&desk, "ACME", 11 * one, 13 * one);
    desk_order(&desk, &ann, "ACME", TRADING_SIDE_BUY, 5, 13 * one);
    /* Ann offers all, in two lots; Bob takes 8 of the first lot and then the rest, across both. */
    desk_order(&desk, &ann, "ACME", TRADING_SIDE_SELL, 15, 12 * one);
    desk_order(&desk, &bob, "ACME", TRADING_SIDE_BUY, 8, 12 * one);
    desk_order(&desk, &bob, "ACME", TRADING_SIDE_BUY, 7, 12 * one + one / 2);
    refund(&desk, &ann.account, &bought.order, 3 * one);
    desk_cash(&desk, TRADING_COMMAND_CREDIT, &bob.account, one / 1000);
    desk_cash(&desk, TRADING_COMMAND_DEBIT, &ann.account, 2 * one);
    close_portfolio(&desk, &bob); /* sells to the house at 11 */
    desk_cash(&desk, TRADING_COMMAND_WITHDRAW, &bob.account, 485 * one);
    desk_execute(&desk, TRADING_COMMAND_CLOSE_ACCOUNT, &bob.account, NULL, 0);
    run(projection);
    const struct expected of_ann[] = {
        {TRADING_ACTIVITY_DEPOSIT, 1000 * one, 0, 0, 0},
        {TRADING_ACTIVITY_BUY, -100 * one, 10 * one, 10 * one, 0},
        {TRADING_ACTIVITY_BUY, -65 * one, 5 * one, 13 * one, 0},
        {TRADING_ACTIVITY_SELL, 96 * one, 8 * one, 12 * one, 16 * one},
        {TRADING_ACTIVITY_SELL, 84 * one, 7 * one, 12 * one, -one}, /* 2 × (12 − 10) + 5 × (12 − 13) */
        {TRADING_ACTIVITY_REFUND, 3 * one, 0, 0, 0},
        {TRADING_ACTIVITY_DEBIT, -2 * one, 0, 0, 0},
    };
    const struct expected of_bob[] = {
        {TRADING_ACTIVITY_DEPOSIT, 500 * one, 0, 0, 0},
        {TRADING_ACTIVITY_BUY, -96 * one, 8 * one, 12 * one, 0},
        {TRADING_ACTIVITY_BUY, -84 * one, 7 * one, 12 * one, 0},
        {TRADING_ACTIVITY_CREDIT, one / 1000, 0, 0, 0},
        {TRADING_ACTIVITY_SELL, 165 * one, 15 * one, 11 * one, -15 * one},
        {TRADING_ACTIVITY_WITHDRAWAL, -485 * one, 0, 0, 0},
        {TRADING_ACTIVITY_CLOSING, -one / 1000, 0, 0, 0},
    };
    expect_lines(projection, &ann.account, of_ann, 7);
    expect_lines(projection, &bob.account, of_bob, 7);
    expect_lines(projection, &bob.portfolio, of_bob, 0); /* no account at all */
    trading_projection_close(projection);
    desk_close(&desk);
}

/* ---- a long day ---- */

#define CLIENTS 6
#define ORDERS  2000
#define LINES   8000

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(*seed >> 8) * below >> 24);
}

/* Clients trade with each other and with the house; those who have nothing to sell buy. */
static void trade(struct desk *desk, const struct client *clients, int64_t *shares, uint32_t *seed)
{
    uint32_t c = draw(seed, CLIENTS);
    int64_t quantity = 1 + draw(seed, 9);
    bool sells = shares[c] >= quantity && draw(seed, 2);
    trading_decimal price = 9 * one + (trading_decimal)draw(seed, 300) * 10001;
    if (draw(seed, 20) == 0)
        desk_quote(desk, "ACME", 10 * one - (trading_decimal)draw(seed, 100) * 7001,
                   10 * one + one / 2 + (trading_decimal)draw(seed, 100) * 7001);
    trading_result result = desk_order(desk, &clients[c], "ACME", sells ? TRADING_SIDE_SELL : TRADING_SIDE_BUY, quantity,
                                       draw(seed, 4) ? price : 0);
    /* A lower bound: what rests may be bought later, and what is offered is spoken for. */
    shares[c] += sells ? -quantity : result.filled_quantity / one;
}

static void compare(const trading_activity *a, const trading_activity *b, size_t count)
{
    assert_memory_equal(a, b, count * sizeof *a);
}

/* Run at every step and all at once it comes to the same; and its sums are the balances. */
static void however_it_is_cut_the_sums_are_the_balances(void **state)
{
    (void)state;
    struct desk desk;
    struct client clients[CLIENTS];
    int64_t shares[CLIENTS] = {0};
    trading_activity *stepped = calloc(LINES, sizeof *stepped);
    trading_activity *whole = calloc(LINES, sizeof *whole);
    uint32_t seed = 11;
    desk_open_folder(&desk);
    desk_quote(&desk, "ACME", 9 * one + one / 2, 10 * one + one / 2);
    for (size_t c = 0; c < CLIENTS; c++)
        clients[c] = desk_client(&desk, 1000000);
    trading_projection *projection = open_activity(&desk);
    for (int i = 0; i < ORDERS; i++) {
        trade(&desk, clients, shares, &seed);
        if (i % 3 == 0)
            run(projection);
    }
    run(projection);
    trading_projection_close(projection);
    desk_stop(&desk);
    desk_start(&desk, 0);
    size_t sales = 0;
    for (size_t c = 0; c < CLIENTS; c++) {
        projection = open_activity(&desk);
        size_t count = list(projection, &clients[c].account, stepped, LINES, 100);
        trading_decimal sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += stepped[i].amount;
            assert_int_equal(stepped[i].balance, sum);
            sales += stepped[i].type == TRADING_ACTIVITY_SELL && stepped[i].realized_pnl != 0;
        }
        assert_int_equal(sum, desk_balance(&desk, &clients[c].account));
        assert_int_equal(trading_projection_reset(projection, NULL), TRADING_OK);
        run(projection);
        assert_int_equal(list(projection, &clients[c].account, whole, LINES, LINES), count);
        compare(whole, stepped, count);
        trading_projection_close(projection);
    }
    assert_true(sales > 300);
    desk_close(&desk);
    free(stepped);
    free(whole);
}

/* ---- batches ---- */

#define ROUNDS ((size_t)3500)

/* Buys a share of the house and sells it back, again and again, in one call: five events a round are the activity's. */
static void go_round(struct desk *desk, const struct client *client)
{
    trading_place_order bodies[2] = {TRADING_PLACE_ORDER_INIT, TRADING_PLACE_ORDER_INIT};
    trading_command *commands = calloc(2 * ROUNDS, sizeof *commands);
    trading_result *results = calloc(2 * ROUNDS, sizeof *results);
    for (int i = 0; i < 2; i++) {
        bodies[i].portfolio = client->portfolio;
        bodies[i].side = i ? TRADING_SIDE_SELL : TRADING_SIDE_BUY;
        bodies[i].type = TRADING_ORDER_TYPE_MARKET;
        bodies[i].quantity = one;
        memcpy(bodies[i].symbol.text, "ACME", 4);
    }
    for (size_t i = 0; i < 2 * ROUNDS; i++)
        commands[i] =
            (trading_command){.type = TRADING_COMMAND_PLACE_ORDER, .body = &bodies[i % 2], .body_size = sizeof bodies[0]};
    MUST(trading_engine_execute(desk->engine, commands, 2 * ROUNDS, results, NULL) == TRADING_OK);
    free(commands);
    free(results);
}

/* A batch of 16,384 events ends at each place in a trade, as what comes before is one event longer each time. */
static void a_batch_may_end_within_a_trade(void **state)
{
    (void)state;
    static trading_activity lines[2 * ROUNDS + 8];
    for (size_t before = 1; before <= 5; before++) {
        struct desk desk;
        desk_open_memory(&desk);
        desk_quote(&desk, "ACME", 9 * one, 10 * one);
        struct client ann = desk_client(&desk, 10000);
        for (size_t i = 1; i < before; i++)
            desk_cash(&desk, TRADING_COMMAND_DEPOSIT, &ann.account, one);
        go_round(&desk, &ann);
        trading_projection *projection = open_activity(&desk);
        run(projection);
        assert_int_equal(list(projection, &ann.account, lines, 2 * ROUNDS + 8, 1000), before + 2 * ROUNDS);
        for (size_t i = 0; i < 2 * ROUNDS; i++) {
            const trading_activity *line = &lines[before + i];
            assert_int_equal(line->type, i % 2 ? TRADING_ACTIVITY_SELL : TRADING_ACTIVITY_BUY);
            assert_int_equal(line->price, i % 2 ? 9 * one : 10 * one);
            assert_int_equal(line->realized_pnl, i % 2 ? -one : 0);
        }
        trading_projection_close(projection);
        desk_close(&desk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_reads_as_it_went),
        cmocka_unit_test(a_batch_may_end_within_a_trade),
        cmocka_unit_test(however_it_is_cut_the_sums_are_the_balances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
