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
    assert_null(market_fold(market, TRADING_EVENT_INSTRUMENT_LISTED, &listed, &(struct moment){0}));
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
    assert_true((level.orders > 0) == (level.quantity > 0));
    return level.rank;
}

static uint32_t count_vacant(const struct market *market, const struct book_side *side)
{
    uint32_t count = 0;
    uint32_t before = 0;
    for (uint32_t level = side->longest; level; level = level_get(market, level)->last, count++) {
        assert_int_equal(level_get(market, level)->orders, 0);
        assert_int_equal(level_get(market, level)->first, before);
        before = level;
    }
    assert_int_equal(side->latest, before);
    assert_int_equal(side->vacant, count);
    assert_true(count <= BOOK_VACANT);
    return count;
}

static void check_side(const struct market *market, uint32_t instrument, int32_t side)
{
    const struct book_side *of = &instrument_get(market, instrument)->sides[side_index(side)];
    trading_decimal previous = 0;
    uint32_t count = 0;
    check_tree(market, side, of->root, &previous, &count);
    uint32_t top = of->best ? of->best : of->longest;
    while (level_get(market, top)->better)
        top = level_get(market, top)->better;
    uint32_t listed = 0;
    uint32_t vacant = 0;
    uint32_t before = 0;
    uint32_t best = 0;
    for (uint32_t level = top; level; level = level_get(market, level)->worse) {
        assert_int_equal(level_get(market, level)->better, before);
        assert_int_equal(book_find(market, instrument, side, level_get(market, level)->price), level);
        if (level_get(market, level)->orders == 0)
            vacant++;
        else if (!best)
            best = level;
        before = level;
        listed++;
    }
    assert_int_equal(of->best, best);
    assert_int_equal(listed, count);
    assert_int_equal(vacant, count_vacant(market, of));
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
        if (best) {
            assert_int_equal(match.price, orders[best].price);
            assert_int_equal(match.entry, orders[best].entry);
        }
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
            check_side(market, 1, TRADING_SIDE_BUY);
            check_side(market, 1, TRADING_SIDE_SELL);
        }
    }
    for (uint32_t i = 1; i < ORDERS; i++) {
        if (orders[i].there)
            assert_null(market_fold_ended(market, 1, orders[i].side, orders[i].entry));
        orders[i].there = false;
        if (i % 64 == 0)
            check_side(market, 1, TRADING_SIDE_SELL);
    }
    assert_int_equal(instrument_get(market, 1)->sides[0].best, 0);
    assert_int_equal(instrument_get(market, 1)->sides[1].best, 0);
    free(orders);
}

/* ---- levels against a sorted array ---- */

#define TICKS     300u
#define BOOKS     4u /* two instruments, two sides each */
#define ROUNDS    20000u
#define ROUNDS_IN 8u /* a batch */

/* What rests at each price of each book: up to eight entries, the oldest first. */
struct ladder {
    uint32_t entries[BOOKS][TICKS][8];
    uint32_t counts[BOOKS][TICKS];
    uint32_t order;
};

static trading_decimal price_of(uint32_t tick)
{
    return (trading_decimal)(1 + tick) * 7;
}

static uint32_t instrument_of(uint32_t book)
{
    return 1 + book / 2;
}

static int32_t side_of(uint32_t book)
{
    return book % 2 ? TRADING_SIDE_SELL : TRADING_SIDE_BUY;
}

static void add(struct market *market, struct ladder *ladder, uint32_t book, uint32_t tick)
{
    uint32_t *count = &ladder->counts[book][tick];
    if (*count == 8)
        return;
    uint32_t *entry = &ladder->entries[book][tick][(*count)++];
    assert_null(market_fold_rested(market, instrument_of(book), side_of(book), price_of(tick), ++ladder->order, 5, entry));
}

static void take(struct market *market, struct ladder *ladder, uint32_t book, uint32_t tick, uint32_t which)
{
    uint32_t *count = &ladder->counts[book][tick];
    uint32_t *entries = ladder->entries[book][tick];
    if (*count == 0)
        return;
    which %= *count;
    assert_null(market_fold_ended(market, instrument_of(book), side_of(book), entries[which]));
    memmove(&entries[which], &entries[which + 1], (--*count - which) * sizeof *entries);
}

/* Prices that an adversary would choose: up and down in one sweep, the two ends by turns, one price put and taken again, or any. */
static uint32_t choose_tick(uint32_t round, uint64_t u)
{
    switch (round / 1000 % 5) {
    case 0:
        return round % TICKS;
    case 1:
        return TICKS - 1 - round % TICKS;
    case 2:
        return round % 2 ? round % TICKS : TICKS - 1 - round % TICKS;
    case 3:
        return 150 + (uint32_t)(u % 3);
    default:
        return (uint32_t)(u % TICKS);
    }
}

static void compare_queue(const struct market *market, const struct ladder *ladder, uint32_t book, uint32_t tick, uint32_t at)
{
    const struct level_record *level = level_get(market, at);
    uint32_t count = ladder->counts[book][tick];
    assert_int_equal(level->orders, count);
    assert_int_equal(level->quantity, 5 * count);
    uint32_t entry = level->first;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(entry, ladder->entries[book][tick][i]);
        entry = entry_get(market, entry)->next;
    }
    assert_int_equal(level->last, ladder->entries[book][tick][count - 1]);
}

/* The levels that have orders, from the best, are those of the ladder. */
static void compare_ladder(const struct market *market, const struct ladder *ladder, uint32_t book)
{
    bool buys = side_of(book) == TRADING_SIDE_BUY;
    const struct book_side *side = &instrument_get(market, instrument_of(book))->sides[side_index(side_of(book))];
    uint32_t at = side->best;
    for (uint32_t i = 0; i < TICKS; i++) {
        uint32_t tick = buys ? TICKS - 1 - i : i;
        if (ladder->counts[book][tick] == 0)
            continue;
        while (at && level_get(market, at)->orders == 0)
            at = level_get(market, at)->worse;
        assert_int_equal(level_get(market, at)->price, price_of(tick));
        compare_queue(market, ladder, book, tick, at);
        at = level_get(market, at)->worse;
    }
    while (at && level_get(market, at)->orders == 0)
        at = level_get(market, at)->worse;
    assert_int_equal(at, 0);
    check_side(market, instrument_of(book), side_of(book));
}

static void compare_ladders(const struct market *market, const struct ladder *ladder)
{
    for (uint32_t book = 0; book < BOOKS; book++)
        compare_ladder(market, ladder, book);
}

/* Whatever is guessed, the book is the same. */
static void mislead(struct market *market, uint64_t *random)
{
    for (uint32_t i = 0; i < BOOK_HINTS; i++)
        market->hints[i] = (uint32_t)(next_random(random) >> 32) % (table_count(market->levels) + 3);
}

/* Every so often a batch is forgotten: what was guessed of its levels must then not be believed. */
static void test_levels_equal_a_sorted_array(void **state)
{
    struct fixture *fixture = *state;
    struct market *market = &fixture->market;
    struct market_event second = {.instrument = 2, .symbol = {"AAPL"}, .currency = {"USD"}};
    assert_null(market_fold(market, TRADING_EVENT_INSTRUMENT_LISTED, &second, &(struct moment){0}));
    tables_install(fixture->tables);
    struct ladder *ladder = calloc(1, sizeof *ladder);
    struct ladder *installed = calloc(1, sizeof *installed);
    uint64_t random = UINT64_C(88172645463325252);
    uint32_t most = 0;
    tables_begin(fixture->tables);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t u = next_random(&random);
        uint32_t book = (uint32_t)(u >> 32) % BOOKS;
        if (u >> 40 & 1)
            add(market, ladder, book, choose_tick(round, u >> 8));
        else
            take(market, ladder, book, choose_tick(round + (u >> 41 & 1), u >> 8), (uint32_t)(u >> 48));
        if (round % ROUNDS_IN == 0) {
            bool forgotten = u >> 60 == 0;
            (forgotten ? tables_discard : tables_install)(fixture->tables);
            *(forgotten ? ladder : installed) = *(forgotten ? installed : ladder);
            tables_begin(fixture->tables);
        }
        if (round % 64 == 0)
            compare_ladders(market, ladder);
        if (round % 256 == 0)
            mislead(market, &random);
        uint32_t vacant = instrument_get(market, 1)->sides[0].vacant;
        most = vacant > most ? vacant : most;
    }
    compare_ladders(market, ladder);
    assert_int_equal(most, BOOK_VACANT); /* so levels were dropped too */
    free(ladder);
    free(installed);
}

/* A free level or entry is used again: tables are no longer than what was in the book at once, and a little. */
static void test_levels_are_used_again(void **state)
{
    struct market *market = &((struct fixture *)*state)->market;
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t entry;
        assert_null(market_fold_rested(market, 1, TRADING_SIDE_BUY, (trading_decimal)(1 + i), 1 + i, 5, &entry));
        assert_null(market_fold_ended(market, 1, TRADING_SIDE_BUY, entry));
    }
    assert_true(table_count(market->levels) <= BOOK_VACANT + 1);
    assert_int_equal(table_count(market->entries), 1);
}

/* ---- the house's quote ---- */

static void set_quote(struct market *market, trading_decimal bid, trading_decimal bid_size, trading_decimal ask,
                      trading_decimal ask_size)
{
    struct market_event event = {.instrument = 1, .bid = bid, .bid_size = bid_size, .ask = ask, .ask_size = ask_size};
    assert_null(market_fold(market, TRADING_EVENT_QUOTE_SET, &event, &(struct moment){0}));
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
    assert_null(market_fold(market, TRADING_EVENT_QUOTE_TAKEN, &taken, &(struct moment){0}));
    assert_int_equal(market_next_match(market, 1, TRADING_SIDE_BUY, 0).quantity, 0);
    assert_int_equal(instrument_get(market, 1)->house, -10);
    assert_non_null(market_fold(market, TRADING_EVENT_QUOTE_TAKEN, &taken, &(struct moment){0}));
    set_quote(market, 0, 0, 101, TRADING_SIZE_UNLIMITED);
    assert_null(market_fold(market, TRADING_EVENT_QUOTE_TAKEN, &taken, &(struct moment){0}));
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
    (void)state;
    struct rejection why;
    trading_decimal cap;
    assert_false(market_decide_cap(0, 50000, &cap, &why));
    assert_int_equal(why.reason, TRADING_REASON_NO_QUOTE);
    assert_true(market_decide_cap(100 * TRADING_DECIMAL_ONE + 30, 50000, &cap, &why));
    assert_int_equal(cap, 105000032); /* 105.0000315 to the even millionth */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_book_equals_the_model, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_levels_equal_a_sorted_array, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_levels_are_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_house_stands_behind_customers_at_one_price, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quote_is_used_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quote_crosses_the_best_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_market_buy_is_capped, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
