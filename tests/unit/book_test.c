/* The order book against a plain model: an array of resting orders, searched from end to end. */
#include "base/memory.h"
#include "market/decide.h"
#include "market/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ORDERS 4000

struct fixture {
    struct memory memory;
    struct tables *tables;
    struct market market;
};

static void table(struct fixture *fixture, uint32_t id, size_t bytes, struct table **table)
{
    assert_int_equal(tables_add(fixture->tables, id, (uint32_t)bytes, table, NULL), TRADING_OK);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    memory_init(&fixture->memory);
    assert_int_equal(tables_open(&fixture->tables, &fixture->memory, 1 << 20, NULL), TRADING_OK);
    struct market *market = &fixture->market;
    table(fixture, 0, sizeof(struct instrument_record), &market->instruments);
    table(fixture, 1, sizeof(struct level_record), &market->levels);
    table(fixture, 2, sizeof(struct entry_record), &market->entries);
    table(fixture, 3, sizeof(struct exchange_record), &market->exchange);
    market->by_symbol = index_open(&fixture->memory, 16);
    tables_begin(fixture->tables);
    assert_true(market_found(market));
    struct market_event listed = {.instrument = 1, .symbol = {"GOOG"}, .currency = {"USD"}};
    assert_null(market_fold(market, TRADING_EVENT_INSTRUMENT_LISTED, &listed, (struct moment){0}));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    index_close(fixture->market.by_symbol);
    tables_close(fixture->tables);
    assert_int_equal(fixture->memory.bytes, 0);
    free(fixture);
    return 0;
}

/* ---- the structure's own rules ---- */

static uint32_t check_tree(const struct market *market, int32_t side, uint32_t tree, trading_decimal *previous, uint32_t *count)
{
    if (!tree)
        return 0;
    struct level_record level = *level_get(market, tree);
    uint32_t left = check_tree(market, side, level.left, previous, count);
    if (*count)
        assert_true(side == TRADING_SIDE_BUY ? level.price < *previous : level.price > *previous);
    *previous = level.price;
    ++*count;
    uint32_t right = check_tree(market, side, level.right, previous, count);
    assert_int_equal(left, level.rank - 1);                      /* a left child is one rank below */
    assert_true(right == level.rank || right == level.rank - 1); /* a right child at most one */
    uint32_t second = level_get(market, level.right)->right;
    assert_true(!second || level_get(market, second)->rank < level.rank); /* no two right links in one rank */
    assert_true(level.orders > 0 && level.quantity > 0);
    return level.rank;
}

static void check_side(const struct market *market, int32_t side)
{
    const struct instrument_record *instrument = instrument_get(market, 1);
    trading_decimal previous = 0;
    uint32_t count = 0;
    check_tree(market, side, instrument->sides[side_index(side)].root, &previous, &count);
    uint32_t listed = 0;
    uint32_t before = 0;
    for (uint32_t level = instrument->sides[side_index(side)].best; level; level = level_get(market, level)->worse) {
        assert_int_equal(level_get(market, level)->better, before);
        assert_int_equal(book_find(market, 1, side, level_get(market, level)->price), level);
        before = level;
        listed++;
    }
    assert_int_equal(listed, count);
}

/* ---- the model ---- */

struct resting {
    bool there;
    int32_t side;
    trading_decimal price;
    trading_decimal leaves;
    uint32_t entry;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The oldest of the best priced; its number is its age. */
static uint32_t best_of(const struct resting *orders, int32_t side)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < ORDERS; i++) {
        if (!orders[i].there || orders[i].side != side)
            continue;
        if (!best || (side == TRADING_SIDE_BUY ? orders[i].price > orders[best].price : orders[i].price < orders[best].price))
            best = i;
    }
    return best;
}

static void compare(const struct market *market, const struct resting *orders)
{
    for (int32_t side = TRADING_SIDE_BUY; side <= TRADING_SIDE_SELL; side++) {
        uint32_t best = best_of(orders, side);
        struct match match = market_next_match(market, 1, side_opposite(side), 0);
        assert_int_equal(match.order, best);
        assert_int_equal(match.quantity, best ? orders[best].leaves : 0);
        if (best)
            assert_int_equal(match.price, orders[best].price);
    }
}

static void test_book_equals_the_model(void **state)
{
    struct fixture *fixture = *state;
    struct market *market = &fixture->market;
    struct resting *orders = calloc(ORDERS, sizeof *orders);
    uint64_t random = UINT64_C(88172645463325252);
    for (uint32_t i = 1; i < ORDERS; i++) {
        uint64_t u = next_random(&random);
        struct resting *order = &orders[i];
        /* prices in runs up and down as well as at random: what would bend an unbalanced tree */
        trading_decimal price = i % 3 ? (trading_decimal)(1 + u % 200) : (trading_decimal)(1000 + i);
        *order =
            (struct resting){.there = true, .side = u & 1 ? 1 : 2, .price = price, .leaves = (trading_decimal)(1 + u % 97)};
        assert_null(market_fold_rested(market, 1, order->side, price, i, order->leaves, &order->entry));
        uint32_t victim = 1 + (uint32_t)(next_random(&random) % i);
        if (orders[victim].there && u % 5 < 3) {
            struct resting *gone = &orders[victim];
            trading_decimal part = 1 + (trading_decimal)(u >> 8) % gone->leaves;
            if (part < 0)
                part = 1;
            if (u & 64) {
                assert_null(market_fold_ended(market, 1, gone->side, gone->entry));
                gone->there = false;
            } else {
                assert_null(market_fold_traded(market, 1, gone->side, gone->entry, part, gone->price, (struct moment){0}));
                gone->leaves -= part;
                gone->there = gone->leaves > 0;
            }
        }
        compare(market, orders);
        if (i % 64 == 0) {
            check_side(market, TRADING_SIDE_BUY);
            check_side(market, TRADING_SIDE_SELL);
        }
    }
    for (uint32_t i = 1; i < ORDERS; i++) {
        if (orders[i].there)
            assert_null(market_fold_ended(market, 1, orders[i].side, orders[i].entry));
        orders[i].there = false;
        if (i % 64 == 0)
            check_side(market, TRADING_SIDE_SELL);
    }
    assert_int_equal(instrument_get(market, 1)->sides[0].root, 0);
    assert_int_equal(instrument_get(market, 1)->sides[1].best, 0);
    free(orders);
}

/* ---- the house's quote ---- */

static void set_quote(struct market *market, trading_decimal bid, trading_decimal bid_size, trading_decimal ask,
                      trading_decimal ask_size)
{
    struct market_event event = {.instrument = 1, .bid = bid, .bid_size = bid_size, .ask = ask, .ask_size = ask_size};
    assert_null(market_fold(market, TRADING_EVENT_QUOTE_SET, &event, (struct moment){0}));
}

static void rest(struct market *market, int32_t side, trading_decimal price, uint32_t order, trading_decimal quantity)
{
    uint32_t entry;
    assert_null(market_fold_rested(market, 1, side, price, order, quantity, &entry));
}

static void test_house_stands_behind_customers_at_one_price(void **state)
{
    struct market *market = &((struct fixture *)*state)->market;
    set_quote(market, 99, 10, 101, 10);
    rest(market, TRADING_SIDE_SELL, 101, 7, 5);
    assert_int_equal(market_next_match(market, 1, TRADING_SIDE_BUY, 101).order, 7);
    rest(market, TRADING_SIDE_SELL, 102, 8, 5);
    assert_int_equal(market_next_match(market, 1, TRADING_SIDE_BUY, 100).quantity, 0);
    rest(market, TRADING_SIDE_BUY, 98, 9, 5);
    struct match house = market_next_match(market, 1, TRADING_SIDE_SELL, 0);
    assert_int_equal(house.order, 0);
    assert_int_equal(house.price, 99);
    assert_int_equal(house.quantity, 10);
}

static void test_quote_is_used_up(void **state)
{
    struct market *market = &((struct fixture *)*state)->market;
    set_quote(market, 0, 0, 101, 10);
    struct market_event taken = {.instrument = 1, .side = TRADING_SIDE_SELL, .quantity = 10, .price = 101};
    assert_null(market_fold(market, TRADING_EVENT_QUOTE_TAKEN, &taken, (struct moment){0}));
    assert_int_equal(market_next_match(market, 1, TRADING_SIDE_BUY, 0).quantity, 0);
    assert_int_equal(instrument_get(market, 1)->house, -10);
    assert_non_null(market_fold(market, TRADING_EVENT_QUOTE_TAKEN, &taken, (struct moment){0}));
    set_quote(market, 0, 0, 101, TRADING_SIZE_UNLIMITED);
    assert_null(market_fold(market, TRADING_EVENT_QUOTE_TAKEN, &taken, (struct moment){0}));
    assert_int_equal(instrument_get(market, 1)->ask_size, TRADING_SIZE_UNLIMITED);
}

static void test_quote_crosses_the_best_first(void **state)
{
    struct market *market = &((struct fixture *)*state)->market;
    rest(market, TRADING_SIDE_BUY, 100, 1, 5);
    rest(market, TRADING_SIDE_BUY, 102, 2, 5);
    set_quote(market, 0, 0, 101, 3);
    struct match crossed = market_next_crossed(market, 1, TRADING_SIDE_SELL);
    assert_int_equal(crossed.order, 2);
    assert_int_equal(crossed.price, 102);
    assert_int_equal(crossed.quantity, 3);
    assert_int_equal(market_next_crossed(market, 1, TRADING_SIDE_BUY).quantity, 0);
}

static void test_market_buy_is_capped(void **state)
{
    struct market *market = &((struct fixture *)*state)->market;
    struct rejection why;
    trading_decimal cap;
    assert_false(market_decide_cap(market, 1, 50000, &cap, &why));
    assert_int_equal(why.reason, TRADING_REASON_NO_QUOTE);
    set_quote(market, 0, 0, 100 * TRADING_DECIMAL_ONE + 30, 1);
    assert_true(market_decide_cap(market, 1, 50000, &cap, &why));
    assert_int_equal(cap, 105000032); /* 105.0000315 to the even millionth */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_book_equals_the_model, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_house_stands_behind_customers_at_one_price, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quote_is_used_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quote_crosses_the_best_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_market_buy_is_capped, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
