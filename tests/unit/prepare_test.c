/* Commands that are handed over many at a time are prepared by who does so; what they come to is what it is one at a time. */
#include "base/hash.h"
#include "engine/engine.h"
#include "keys/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <trading.h>

#include <cmocka.h>

#define ROUNDS ((size_t)30)
#define KINDS  ((size_t)10)
#define MANY   (ROUNDS * KINDS)

/* ---- an engine ---- */

static _Atomic bool refuses; /* the next that is asked for */

static void *scarce_allocate(void *context, size_t bytes)
{
    (void)context;
    return atomic_exchange(&refuses, false) ? NULL : malloc(bytes);
}

static void scarce_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

struct house {
    trading_host *host;
    trading_engine *engine;
};

static void open_house_with(struct house *house, const trading_engine_options *engine_options)
{
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.allocate = scarce_allocate;
    options.release = scarce_release;
    assert_int_equal(trading_host_open(&house->host, &options, NULL), TRADING_OK);
    assert_int_equal(trading_engine_open(&house->engine, house->host, "memory:", engine_options, NULL), TRADING_OK);
}

static void open_house(struct house *house)
{
    trading_engine_options manual = TRADING_ENGINE_OPTIONS_INIT;
    manual.flags = TRADING_ENGINE_MANUAL;
    open_house_with(house, &manual);
}

static void close_house(struct house *house)
{
    assert_int_equal(trading_engine_close(house->engine, TRADING_CLOSE_DRAIN, NULL), TRADING_OK);
    assert_int_equal(trading_host_memory(house->host), 0);
    assert_int_equal(trading_host_close(house->host, NULL), TRADING_OK);
}

/* ---- commands ---- */

struct errand {
    trading_open_account open;
    trading_set_quote quote;
    trading_cash cash;
    trading_cash more;
    trading_cash nothing;
    trading_place_order orders[ROUNDS];
    trading_command commands[MANY];
};

static trading_id key_of(uint64_t number)
{
    trading_id key = {{0}};
    memcpy(key.bytes, &number, sizeof number);
    return key;
}

static trading_command cash_command(const trading_id *account, const trading_cash *cash, uint64_t key)
{
    return (trading_command){
        .type = TRADING_COMMAND_DEPOSIT, .key = key_of(key), .account = *account, .body = cash, .body_size = sizeof *cash};
}

/* An account that no command before has opened, and what is done with it: well, twice, and wrongly. */
static void fill_round(struct errand *errand, uint64_t first, size_t round)
{
    trading_id opening = key_of(first + round);
    trading_id account;
    trading_id portfolio;
    assert_int_equal(trading_opened_ids(&opening, &account, &portfolio), TRADING_OK);
    trading_place_order *order = &errand->orders[round];
    *order = (trading_place_order)TRADING_PLACE_ORDER_INIT;
    order->portfolio = portfolio;
    order->symbol = errand->quote.symbol;
    order->side = TRADING_SIDE_BUY;
    order->type = TRADING_ORDER_TYPE_MARKET;
    order->time_in_force = TRADING_TIME_IN_FORCE_IOC;
    order->quantity = TRADING_DECIMAL_ONE;
    trading_command place = {.type = TRADING_COMMAND_PLACE_ORDER, .key = key_of(4), .body = order, .body_size = sizeof *order};
    trading_command strange = place;
    strange.account = key_of(5);
    strange.key = key_of(6);
    const trading_command all[KINDS] = {
        {.type = TRADING_COMMAND_OPEN_ACCOUNT, .key = opening, .body = &errand->open, .body_size = sizeof errand->open},
        cash_command(&account, &errand->cash, 1),
        cash_command(&account, &errand->cash, 1),
        cash_command(&account, &errand->more, 1),
        cash_command(&account, &errand->nothing, 2),
        cash_command(&account, &errand->more, 0),
        cash_command(&(trading_id){{0}}, &errand->cash, 3),
        place,
        strange,
        {.type = TRADING_COMMAND_SET_QUOTE, .body = &errand->quote, .body_size = sizeof errand->quote},
    };
    memcpy(errand->commands + round * KINDS, all, sizeof all);
}

static void fill(struct errand *errand, uint64_t first)
{
    *errand = (struct errand){.open = TRADING_OPEN_ACCOUNT_INIT,
                              .quote = TRADING_SET_QUOTE_INIT,
                              .cash = TRADING_CASH_INIT,
                              .more = TRADING_CASH_INIT,
                              .nothing = TRADING_CASH_INIT};
    memcpy(errand->quote.symbol.text, "GOOG", 4);
    errand->quote.ask = 2 * TRADING_DECIMAL_ONE;
    errand->quote.ask_size = 1000 * TRADING_DECIMAL_ONE;
    errand->cash.amount = 5 * TRADING_DECIMAL_ONE;
    errand->more.amount = 7 * TRADING_DECIMAL_ONE;
    for (size_t round = 0; round < ROUNDS; round++)
        fill_round(errand, first, round);
}

/* ---- the tests ---- */

static void execute(struct house *house, const trading_command *commands, size_t count, size_t piece, trading_result *results)
{
    for (size_t i = 0; i < count; i += piece)
        assert_int_equal(trading_engine_execute(house->engine, commands + i, piece, results + i, NULL), TRADING_OK);
}

static void test_many_come_to_what_one_does(void **state)
{
    (void)state;
    static struct errand errand;
    static trading_result many[MANY];
    static trading_result single[MANY];
    struct house one;
    struct house other;
    open_house(&one);
    open_house(&other);
    for (uint64_t turn = 0; turn < 4; turn++) { /* the last two find what the first two did */
        fill(&errand, 1000 + turn % 2 * 1000);
        execute(&one, errand.commands, MANY, MANY, many);
        execute(&other, errand.commands, MANY, 1, single);
        for (size_t i = 0; i < MANY; i++)
            assert_memory_equal(&many[i], &single[i], sizeof many[i]);
    }
    const int32_t statuses[KINDS] = {TRADING_STATUS_DUPLICATE,  TRADING_STATUS_DUPLICATE, TRADING_STATUS_DUPLICATE,
                                     TRADING_STATUS_KEY_REUSED, TRADING_STATUS_MALFORMED, TRADING_STATUS_ACCEPTED,
                                     TRADING_STATUS_REJECTED,   TRADING_STATUS_DUPLICATE, TRADING_STATUS_REJECTED,
                                     TRADING_STATUS_ACCEPTED};
    for (size_t i = 0; i < KINDS; i++)
        assert_int_equal(many[MANY - KINDS + i].status, statuses[i]);
    close_house(&one);
    close_house(&other);
}

static void test_without_memory_who_drives_prepares(void **state)
{
    (void)state;
    static struct errand errand;
    static trading_result results[MANY];
    trading_command deposits[MANY];
    struct house house;
    open_house(&house);
    fill(&errand, 1000);
    execute(&house, errand.commands, MANY, 1, results);
    for (size_t i = 0; i < MANY; i++)
        deposits[i] = cash_command(&results[i % ROUNDS * KINDS].account, &errand.cash, 10 + i);
    atomic_store(&refuses, true);
    execute(&house, deposits, MANY, MANY, results);
    assert_false(atomic_load(&refuses));
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(results[i].status, TRADING_STATUS_ACCEPTED);
    close_house(&house);
}

/* Where the index leads from a symbol that is not there yet: to another's number. */
static void mislead(trading_engine *engine, const trading_symbol *symbol, uint32_t number)
{
    uint64_t halves[2];
    memcpy(halves, symbol->text, sizeof halves);
    assert_true(index_insert(engine->domain.market.by_symbol, hash_mix(halves[0] ^ hash_mix(halves[1])), number));
}

static uint32_t foreseen_instrument(const trading_engine *engine, const trading_command *command)
{
    struct prepared prepared;
    engine_prepare(engine, command, 1, &prepared);
    return prepared.named.instrument;
}

static void test_what_is_foreseen_of_a_symbol_is_asked_for_its_own(void **state)
{
    (void)state;
    static struct errand errand;
    static trading_result results[MANY];
    struct house house;
    open_house(&house);
    fill(&errand, 1000);
    execute(&house, errand.commands, KINDS, 1, results);
    trading_place_order order = errand.orders[0];
    trading_command place = {.type = TRADING_COMMAND_PLACE_ORDER, .key = key_of(7), .body = &order, .body_size = sizeof order};
    assert_int_equal(foreseen_instrument(house.engine, &place), 1);
    memcpy(order.symbol.text, "AAPL", 4);
    mislead(house.engine, &order.symbol, 1);
    assert_int_equal(foreseen_instrument(house.engine, &place), 1);
    execute(&house, &place, 1, 1, results);
    const struct orders *orders = &house.engine->domain.orders;
    const struct order_record *placed = order_get(orders, order_find(orders, &results[0].order));
    assert_int_equal(placed->instrument, 2);
    assert_memory_equal(&instrument_get(&house.engine->domain.market, 2)->symbol, &order.symbol, sizeof order.symbol);
    close_house(&house);
}

/* ---- beside each other ---- */

#define CALLERS 12u
#define CALLS   40u
#define PIECE   ((size_t)64)
#define SENT    12000u /* keys, each some two or three times */
#define YOUNG   256u   /* keys in a table, so that runs are written, merged and dropped all the time */

static struct rush {
    struct house house;
    trading_id account;
    trading_cash cash;
    _Atomic uint32_t accepted[SENT];
    _Atomic bool sent[SENT];
    _Atomic uint32_t failures;
} rush;

static void *call_again_and_again(void *arg)
{
    uint64_t seed = (uintptr_t)arg;
    trading_command commands[PIECE];
    trading_result results[PIECE];
    uint64_t numbers[PIECE];
    for (uint32_t call = 0; call < CALLS; call++) {
        for (size_t i = 0; i < PIECE; i++) {
            numbers[i] = hash_mix(seed * CALLS * PIECE + call * PIECE + i) % SENT;
            commands[i] = cash_command(&rush.account, &rush.cash, numbers[i] + 1);
            atomic_store(&rush.sent[numbers[i]], true);
        }
        if (trading_engine_execute(rush.house.engine, commands, PIECE, results, NULL))
            atomic_fetch_add(&rush.failures, 1);
        for (size_t i = 0; i < PIECE; i++) {
            atomic_fetch_add(&rush.accepted[numbers[i]], results[i].status == TRADING_STATUS_ACCEPTED);
            if (results[i].status != TRADING_STATUS_ACCEPTED && results[i].status != TRADING_STATUS_DUPLICATE)
                atomic_fetch_add(&rush.failures, 1);
        }
    }
    return NULL;
}

static void begin_rush(void)
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.batch_commands = PIECE; /* so that much happens between preparing and deciding */
    open_house_with(&rush.house, &options);
    struct keys *keys = rush.house.engine->keys;
    pthread_mutex_lock(&keys->mutex);
    keys->options.young = YOUNG;
    pthread_mutex_unlock(&keys->mutex);
    trading_open_account open = TRADING_OPEN_ACCOUNT_INIT;
    trading_command opening = {
        .type = TRADING_COMMAND_OPEN_ACCOUNT, .key = key_of(SENT + 1), .body = &open, .body_size = sizeof open};
    trading_result opened;
    execute(&rush.house, &opening, 1, 1, &opened);
    rush.account = opened.account;
    rush.cash = (trading_cash)TRADING_CASH_INIT;
    rush.cash.amount = TRADING_DECIMAL_ONE;
}

static void test_each_key_is_taken_once(void **state)
{
    (void)state;
    pthread_t threads[CALLERS];
    begin_rush();
    for (uintptr_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_again_and_again, (void *)i), 0);
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(rush.failures, 0);
    for (size_t i = 0; i < SENT; i++)
        assert_int_equal(rush.accepted[i], rush.sent[i]);
    assert_true(keys_stored(rush.house.engine->keys).next_position > 4096);
    close_house(&rush.house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_come_to_what_one_does),
        cmocka_unit_test(test_without_memory_who_drives_prepares),
        cmocka_unit_test(test_what_is_foreseen_of_a_symbol_is_asked_for_its_own),
        cmocka_unit_test(test_each_key_is_taken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
