/* The outbox: whatever fails, and wherever the process falls, who reads the topics sees each event once and in order. */
#include "house.h"

#include <string.h>

/* ---- what it publishes ---- */

static void every_event_is_published_once_and_in_order(void **state)
{
    (void)state;
    struct house house;
    house_open(&house);
    for (size_t i = 0; i < 100; i++)
        house_deposit(&house, i % 4);
    assert_int_equal(house_drain(&house), 0);
    house_must_be_read_once(&house);
    trading_outbox_info info = house_info(&house);
    assert_int_equal(info.state, TRADING_OK);
    assert_int_equal(info.position, desk_next_position(&house.desk));
    assert_int_equal(info.mark, info.position);
    assert_int_equal(info.next_position, info.position);
    assert_int_equal(info.published, info.position);
    assert_int_equal(info.skipped, 0);
    assert_int_equal(info.batches, (info.position + BATCH - 1) / BATCH);
    house_deposit(&house, 0);
    assert_int_equal(house_info(&house).next_position, info.position + 1);
    uint64_t published;
    assert_int_equal(trading_outbox_step(house.outbox, -1, &published, NULL), TRADING_OK);
    assert_int_equal(published, 1);
    house_must_be_read_once(&house);
    house_close(&house);
}

static void only_the_kinds_that_are_wanted_are_published(void **state)
{
    (void)state;
    struct house house;
    house_open(&house);
    house_stop(&house);
    house.options.kinds[0] = UINT64_C(1) << TRADING_EVENT_FUNDS_WITHDRAWN;
    house_start(&house);
    for (size_t i = 0; i < 50; i++)
        house_deposit(&house, i % 4);
    desk_cash(&house.desk, TRADING_COMMAND_WITHDRAW, &house.clients[0].account, TRADING_DECIMAL_ONE);
    assert_int_equal(house_drain(&house), 0);
    trading_outbox_info info = house_info(&house);
    assert_int_equal(info.published, 1);
    assert_int_equal(info.skipped, info.position - 1);
    assert_int_equal(info.batches, 1);
    house_close(&house);
}

static void what_is_left_out_is_marked_now_and_then(void **state)
{
    (void)state;
    struct house house;
    house_open(&house);
    house_stop(&house);
    house.options.skip_mark = 20;
    house_start(&house);
    house_drain(&house);
    int64_t mark = house_info(&house).mark;
    house.mute = true;
    for (size_t i = 0; i < 50; i++)
        house_deposit(&house, i % 4);
    house_drain(&house);
    trading_outbox_info info = house_info(&house);
    assert_int_equal(info.position, mark + 50);
    assert_true(info.mark >= mark + 20 && info.position - info.mark < 20);
    assert_int_equal(info.batches, 2 + (mark + BATCH - 1) / BATCH);
    house_stop(&house);
    house_start(&house);
    assert_int_equal(house_info(&house).position, info.mark);
    house_close(&house);
}

/* Whether there is more to read or not: who watches the mark is not to take what is left out for what waits. */
static void what_is_left_out_is_marked_in_time(void **state)
{
    (void)state;
    struct house house;
    house_open(&house);
    house_drain(&house);
    house_stop(&house);
    house.options.skip_time = 0;
    house_start(&house);
    house.mute = true;
    house_deposit(&house, 0);
    assert_int_equal(trading_outbox_step(house.outbox, 0, NULL, NULL), TRADING_OK);
    assert_int_equal(house_info(&house).mark, house_info(&house).next_position);
    house_stop(&house);
    house.options.skip_time = INT64_C(300000000);
    house_start(&house);
    house_deposit(&house, 0);
    assert_int_equal(trading_outbox_step(house.outbox, 0, NULL, NULL), TRADING_OK);
    while (house_info(&house).mark < house_info(&house).next_position) { /* in a step that waits and finds nothing */
        int32_t code = trading_outbox_step(house.outbox, INT64_C(10000000), NULL, NULL);
        assert_true(code == TRADING_OK || code == TRADING_E_TIMEOUT);
    }
    assert_int_equal(house_info(&house).published, 0);
    assert_int_equal(house_info(&house).batches, 1);
    assert_int_equal(trading_outbox_step(house.outbox, 0, NULL, NULL), TRADING_E_TIMEOUT); /* it is marked once */
    house_close(&house);
}

static void keys_are_accounts_then_symbols(void **state)
{
    (void)state;
    struct house house;
    char text[TRADING_ID_TEXT];
    trading_bus_notice notice;
    size_t count;
    size_t of_account = 0;
    size_t of_symbol = 0;
    house_open(&house);
    desk_quote(&house.desk, "GOOG", TRADING_DECIMAL_ONE, 2 * TRADING_DECIMAL_ONE);
    house_drain(&house);
    trading_id_format(TRADING_ENTITY_ACCOUNT, &house.clients[1].account, text);
    trading_bus *bus = house_bus(&house, NULL);
    for (uint32_t partition = 0; partition < TOPIC_PARTITIONS; partition++)
        MUST(trading_bus_follow(bus, "rest", partition, TRADING_BUS_OLDEST, NULL) == TRADING_OK);
    while (trading_bus_poll(bus, &notice, 1, &count, 0, NULL) == TRADING_OK) {
        const trading_bus_record *record = &notice.record;
        of_account += record->key_size == strlen(text) && !memcmp(record->key, text, record->key_size);
        of_symbol += record->key_size == 4 && !memcmp(record->key, "GOOG", 4);
        assert_string_equal(record->headers[0].name, "kind");
    }
    assert_int_equal(of_account, 2); /* it was opened, and its portfolio */
    assert_int_equal(of_symbol, 2);  /* it was listed, and quoted */
    trading_bus_close(bus);
    house_close(&house);
}

static void it_takes_no_memory_as_it_goes(void **state)
{
    (void)state;
    struct house house;
    house_open(&house);
    for (size_t i = 0; i < 100; i++)
        house_deposit(&house, i % 4);
    house_drain(&house);
    for (size_t i = 0; i < 100; i++)
        house_deposit(&house, i % 4);
    uint64_t before = trading_host_memory(house.desk.host);
    house_drain(&house);
    assert_int_equal(trading_host_memory(house.desk.host), before);
    house_close(&house);
}

/* ---- failures ---- */

static void whatever_fails_is_published_once(void **state)
{
    (void)state;
    for (enum fault fault = FAULT_REFUSED; fault < FAULTS; fault++) {
        for (int at = 1; at <= 6; at++) {
            struct house house;
            house_open(&house);
            for (size_t i = 0; i < 40; i++)
                house_deposit(&house, i % 4);
            for (int i = 1; i < at; i++)
                MUST(trading_outbox_step(house.outbox, 0, NULL, NULL) == TRADING_OK);
            flaky.next = fault;
            flaky.puzzled = fault == FAULT_REFUSED ? 0 : 2;
            int expected = fault == FAULT_REFUSED ? 1 : 3;
            assert_int_equal(trading_outbox_step(house.outbox, 0, NULL, NULL),
                             fault == FAULT_REFUSED ? TRADING_E_IO : TRADING_E_OUTCOME_UNKNOWN);
            assert_int_equal(house_info(&house).state, fault == FAULT_REFUSED ? TRADING_E_IO : TRADING_E_OUTCOME_UNKNOWN);
            assert_int_equal(house_drain(&house), expected - 1);
            assert_int_equal(house_info(&house).errors, expected);
            assert_int_equal(house_info(&house).published, desk_next_position(&house.desk));
            house_must_be_read_once(&house);
            house_close(&house);
        }
    }
}

/* The process falls before the bus took the batch, or after it did and before that was known. */
static void wherever_it_falls_the_next_goes_on(void **state)
{
    (void)state;
    for (enum fault fault = FAULT_REFUSED; fault < FAULTS; fault++) {
        for (int at = 0; at < 8; at++) {
            struct house house;
            house_open(&house);
            for (size_t i = 0; i < 40; i++)
                house_deposit(&house, i % 4);
            for (int i = 0; i < at; i++)
                MUST(trading_outbox_step(house.outbox, 0, NULL, NULL) == TRADING_OK);
            flaky.next = fault;
            trading_outbox_step(house.outbox, 0, NULL, NULL);
            house_stop(&house);
            house_start(&house);
            house_drain(&house);
            house_must_be_read_once(&house);
            house_close(&house);
        }
    }
}

static void an_encoder_that_fails_is_asked_again(void **state)
{
    (void)state;
    struct house house;
    house_open(&house);
    house_deposit(&house, 0);
    house.failure = TRADING_E_NO_MEMORY;
    assert_int_equal(trading_outbox_step(house.outbox, 0, NULL, NULL), TRADING_E_NO_MEMORY);
    assert_int_equal(house_drain(&house), 0);
    house_must_be_read_once(&house);
    house_close(&house);
}

static void a_newer_outbox_fences_the_older(void **state)
{
    (void)state;
    struct house house;
    trading_error error;
    house_open(&house);
    trading_bus *older_bus = house.bus;
    trading_outbox *older = house.outbox;
    MUST(trading_outbox_step(older, 0, NULL, NULL) == TRADING_OK);
    house_start(&house);
    house_deposit(&house, 0);
    house_drain(&house);
    uint64_t publishes = flaky.publishes;
    assert_int_equal(trading_outbox_step(older, 0, NULL, &error), TRADING_E_FENCED);
    assert_true(strlen(error.message) > 0);
    assert_int_equal(trading_outbox_step(older, 0, NULL, &error), TRADING_E_FENCED);
    assert_int_equal(flaky.publishes, publishes + 1); /* it does not even try again */
    house_must_be_read_once(&house);
    trading_outbox_close(older);
    trading_bus_close(older_bus);
    house_close(&house);
}

/* Fenced while it did not know whether its batch was published: the mark is another's. */
static void a_mark_that_is_anothers_fences(void **state)
{
    (void)state;
    struct house house;
    house_open(&house);
    for (size_t i = 0; i < 20; i++)
        house_deposit(&house, 0);
    flaky.next = FAULT_UNKNOWN_UNDONE;
    MUST(trading_outbox_step(house.outbox, 0, NULL, NULL) == TRADING_E_OUTCOME_UNKNOWN);
    MUST(trading_bus_publish(house.bus, NULL, 0, 3, NULL) == TRADING_OK);
    assert_int_equal(trading_outbox_step(house.outbox, 0, NULL, NULL), TRADING_E_FENCED);
    house_close(&house);
}

/* ---- any of it, in any order ---- */

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % below;
}

static void trade(struct house *house, uint64_t *seed)
{
    size_t client = draw(seed, 4);
    for (uint64_t i = draw(seed, 6); i > 0; i--) {
        if (draw(seed, 4) == 0)
            house_update(house, client);
        else
            house_deposit(house, client);
    }
    if (draw(seed, 8) == 0)
        desk_quote(&house->desk, "GOOG", TRADING_DECIMAL_ONE, 2 * TRADING_DECIMAL_ONE);
}

static void act(struct house *house, uint64_t *seed)
{
    flaky.next = draw(seed, 3) == 0 ? (enum fault)draw(seed, FAULTS) : FAULT_NONE;
    flaky.puzzled = draw(seed, 4) == 0 ? 1 : 0;
    house->failure = draw(seed, 20) == 0 ? TRADING_E_NO_MEMORY : TRADING_OK;
    trading_outbox_step(house->outbox, 0, NULL, NULL);
    flaky.puzzled = 0;
    if (draw(seed, 5))
        return;
    trading_bus *older_bus = house->bus;
    trading_outbox *older = house->outbox;
    house->failure = TRADING_OK;
    house_start(house);
    if (draw(seed, 2)) /* it is not dead, only slow */
        trading_outbox_step(older, 0, NULL, NULL);
    trading_outbox_close(older);
    trading_bus_close(older_bus);
}

static void whatever_happens_each_event_is_read_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct house house;
        uint64_t chance = seed;
        house_open(&house);
        for (int i = 0; i < 200; i++) {
            if (draw(&chance, 2))
                trade(&house, &chance);
            else
                act(&house, &chance);
        }
        flaky.next = FAULT_NONE;
        house.failure = TRADING_OK;
        house_drain(&house);
        house_must_be_read_once(&house);
        house_close(&house);
    }
}

/* ---- what makes no outbox ---- */

static void what_makes_no_outbox_is_refused(void **state)
{
    (void)state;
    struct house house;
    trading_outbox *outbox;
    trading_error error;
    house_open(&house);
    trading_outbox_options wrong = house.options;
    wrong.size = 0;
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, house.bus, &wrong, &error), TRADING_E_INVALID);
    wrong = house.options;
    wrong.encode = NULL;
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, house.bus, &wrong, &error), TRADING_E_INVALID);
    wrong = house.options;
    wrong.batch = 0;
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, house.bus, &wrong, &error), TRADING_E_INVALID);
    wrong = house.options;
    wrong.skip_time = -1;
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, house.bus, &wrong, &error), TRADING_E_INVALID);
    wrong = house.options;
    wrong.partition = 1;
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, house.bus, &wrong, &error), TRADING_E_INVALID);
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, NULL, &house.options, &error), TRADING_E_INVALID);
    assert_int_equal(trading_outbox_open(NULL, house.desk.engine, house.bus, &house.options, &error), TRADING_E_INVALID);
    trading_bus *nobody = house_bus(&house, NULL);
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, nobody, &house.options, &error), TRADING_E_INVALID);
    assert_null(outbox);
    trading_bus_close(nobody);
    house_close(&house);
}

static void a_mark_of_another_journal_is_found(void **state)
{
    (void)state;
    struct house house;
    trading_outbox *outbox;
    trading_error error;
    house_open(&house);
    trading_bus *bus = house_bus(&house, "other");
    MUST(trading_bus_publish(bus, NULL, 0, desk_next_position(&house.desk) + 1, NULL) == TRADING_OK);
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, bus, &house.options, &error), TRADING_E_DAMAGED);
    trading_bus_close(bus);
    house_close(&house);
}

static void an_engine_that_closes_says_so(void **state)
{
    (void)state;
    struct house house;
    house_open(&house);
    house_drain(&house);
    assert_int_equal(trading_engine_close(house.desk.engine, TRADING_CLOSE_DRAIN, NULL), TRADING_E_BUSY);
    assert_int_equal(trading_outbox_step(house.outbox, -1, NULL, NULL), TRADING_E_CLOSED);
    house_close(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_published_once_and_in_order),
        cmocka_unit_test(only_the_kinds_that_are_wanted_are_published),
        cmocka_unit_test(what_is_left_out_is_marked_now_and_then),
        cmocka_unit_test(what_is_left_out_is_marked_in_time),
        cmocka_unit_test(keys_are_accounts_then_symbols),
        cmocka_unit_test(it_takes_no_memory_as_it_goes),
        cmocka_unit_test(whatever_fails_is_published_once),
        cmocka_unit_test(wherever_it_falls_the_next_goes_on),
        cmocka_unit_test(an_encoder_that_fails_is_asked_again),
        cmocka_unit_test(a_newer_outbox_fences_the_older),
        cmocka_unit_test(a_mark_that_is_anothers_fences),
        cmocka_unit_test(whatever_happens_each_event_is_read_once),
        cmocka_unit_test(what_makes_no_outbox_is_refused),
        cmocka_unit_test(a_mark_of_another_journal_is_found),
        cmocka_unit_test(an_engine_that_closes_says_so),
    };
    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
