/* The outbox: whatever fails, and wherever the process falls, who reads the topics sees each event once and in order. */
#include "../unit/desk.h"
#include "flaky_bus.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH      7
#define PARTITIONS 3
#define EVENTS_MAX 4096

static const char *const topics[] = {"cash", "rest"};
#define TOPICS 2

/* A desk with an outbox, and what its encoder is to do. */
struct house {
    struct desk desk;
    struct client clients[4];
    trading_host *broker; /* the buses' host: their records are not the engine's memory */
    trading_bus *bus;
    trading_outbox *outbox;
    trading_outbox_options options;
    int64_t positions[BATCH];          /* values of the records */
    trading_bus_header headers[BATCH]; /* with the kind */
    int32_t kinds[BATCH];
    int32_t failure; /* of the encoder's next call */
    bool mute;       /* it leaves all out */
    uint32_t writers;
};

static bool is_cash(int32_t kind)
{
    return kind == TRADING_EVENT_FUNDS_DEPOSITED || kind == TRADING_EVENT_FUNDS_WITHDRAWN;
}

static int32_t encode(void *context, const trading_event *events, size_t count, trading_bus_record *records,
                      trading_error *error)
{
    struct house *house = context;
    int32_t failure = house->failure;
    house->failure = TRADING_OK;
    *error = (trading_error){.code = failure};
    MUST(count <= BATCH);
    for (size_t i = 0; i < count; i++) {
        MUST(records[i].partition == TRADING_BUS_BY_KEY);
        MUST(records[i].key_size > 0);
        house->positions[i] = events[i].position;
        house->kinds[i] = events[i].kind;
        house->headers[i] = (trading_bus_header){"kind", &house->kinds[i], sizeof house->kinds[i]};
        records[i].value = &house->positions[i];
        records[i].value_size = sizeof house->positions[i];
        records[i].headers = &house->headers[i];
        records[i].header_count = 1;
        if (!house->mute && events[i].kind != TRADING_EVENT_CONTACT_UPDATED)
            records[i].topic = topics[is_cash(events[i].kind) ? 0 : 1];
    }
    return failure;
}

static trading_bus *open_bus(struct house *house, const char *writer)
{
    trading_bus *bus;
    trading_error error;
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    options.writer = writer;
    if (trading_bus_open(&bus, house->broker, "flaky:market", &options, &error))
        fail_msg("%s", error.message);
    return bus;
}

/* Begins where the one before left off, as a new process does. */
static void start_outbox(struct house *house)
{
    trading_error error;
    house->bus = open_bus(house, "relay");
    house->writers++;
    if (trading_outbox_open(&house->outbox, house->desk.engine, house->bus, &house->options, &error))
        fail_msg("%s", error.message);
}

static void stop_outbox(struct house *house)
{
    trading_outbox_close(house->outbox);
    trading_bus_close(house->bus);
}

static void open_house(struct house *house)
{
    *house = (struct house){.options = TRADING_OUTBOX_OPTIONS_INIT};
    desk_open_memory(&house->desk);
    MUST(trading_host_open(&house->broker, NULL, NULL) == TRADING_OK);
    flaky_register(house->broker);
    for (size_t i = 0; i < 4; i++)
        house->clients[i] = desk_client(&house->desk, 1000);
    house->options.batch = BATCH;
    house->options.encode = encode;
    house->options.encode_context = house;
    trading_bus *bus = open_bus(house, NULL);
    for (size_t i = 0; i < TOPICS; i++)
        MUST(trading_bus_topic(bus, topics[i], PARTITIONS, 0, NULL) == TRADING_OK);
    trading_bus_close(bus);
    start_outbox(house);
}

static void close_house(struct house *house)
{
    stop_outbox(house);
    MUST(trading_host_close(house->broker, NULL) == TRADING_OK);
    desk_close(&house->desk);
}

static void deposit(struct house *house, size_t client)
{
    desk_cash(&house->desk, TRADING_COMMAND_DEPOSIT, &house->clients[client].account, TRADING_DECIMAL_ONE);
}

static void update(struct house *house, size_t client)
{
    trading_update_contact body = TRADING_UPDATE_CONTACT_INIT;
    desk_execute(&house->desk, TRADING_COMMAND_UPDATE_CONTACT, &house->clients[client].account, &body, sizeof body);
}

/* Steps until there is no event left, whatever fails on the way. @return how many steps failed. */
static int drain(struct house *house)
{
    int failures = 0;
    int32_t code;
    trading_error error;
    while ((code = trading_outbox_step(house->outbox, 0, NULL, &error)) != TRADING_E_TIMEOUT) {
        MUST(code != TRADING_E_FENCED && code != TRADING_E_CLOSED);
        MUST(error.code == code);
        failures += code != TRADING_OK;
    }
    return failures;
}

static trading_outbox_info info_of(const struct house *house)
{
    trading_outbox_info info = TRADING_OUTBOX_INFO_INIT;
    MUST(trading_outbox_get_info(house->outbox, &info, NULL) == TRADING_OK);
    return info;
}

/* ---- the reader ---- */

/* Which events were read, and from which topic. */
struct reading {
    uint8_t seen[EVENTS_MAX]; /* topic + 1 */
    size_t count;
};

static void read_partition(struct house *house, uint8_t topic, uint32_t partition, struct reading *reading)
{
    trading_bus_notice notices[16];
    size_t count;
    int64_t newest = -1;
    trading_bus *bus = open_bus(house, NULL);
    MUST(trading_bus_follow(bus, topics[topic], partition, TRADING_BUS_OLDEST, NULL) == TRADING_OK);
    while (trading_bus_poll(bus, notices, 16, &count, 0, NULL) == TRADING_OK) {
        for (size_t i = 0; i < count; i++) {
            int64_t position;
            MUST(notices[i].kind == TRADING_BUS_RECORD && notices[i].record.value_size == sizeof position);
            memcpy(&position, notices[i].record.value, sizeof position);
            MUST(position > newest && position < EVENTS_MAX);
            MUST(!reading->seen[position]);
            reading->seen[position] = (uint8_t)(topic + 1);
            newest = position;
            reading->count++;
        }
    }
    trading_bus_close(bus);
}

/* Each event that is to be published was read once, in its topic, and no other was. */
static void must_be_read_once(struct house *house)
{
    static struct reading reading;
    static trading_event events[EVENTS_MAX];
    trading_feed *feed;
    memset(&reading, 0, sizeof reading);
    for (uint8_t topic = 0; topic < TOPICS; topic++)
        for (uint32_t partition = 0; partition < PARTITIONS; partition++)
            read_partition(house, topic, partition, &reading);
    MUST(trading_feed_open(&feed, house->desk.engine, 0, NULL, NULL, NULL) == TRADING_OK);
    size_t count = desk_drain(feed, events, EVENTS_MAX, 64);
    trading_feed_close(feed);
    for (size_t i = 0; i < count; i++) {
        int32_t kind = events[i].kind;
        bool left_out = kind == TRADING_EVENT_CONTACT_UPDATED || kind == TRADING_EVENT_CURSOR_ACKNOWLEDGED;
        int expected = left_out ? 0 : is_cash(kind) ? 1 : 2;
        if (reading.seen[i] != expected)
            fail_msg("event %zu, %s, was read from topic %d", i, trading_event_name(kind), (int)reading.seen[i]);
    }
}

/* ---- what it publishes ---- */

static void every_event_is_published_once_and_in_order(void **state)
{
    (void)state;
    struct house house;
    open_house(&house);
    for (size_t i = 0; i < 100; i++)
        deposit(&house, i % 4);
    assert_int_equal(drain(&house), 0);
    must_be_read_once(&house);
    trading_outbox_info info = info_of(&house);
    assert_int_equal(info.state, TRADING_OK);
    assert_int_equal(info.position, desk_next_position(&house.desk));
    assert_int_equal(info.mark, info.position);
    assert_int_equal(info.next_position, info.position);
    assert_int_equal(info.published, info.position);
    assert_int_equal(info.skipped, 0);
    assert_int_equal(info.batches, (info.position + BATCH - 1) / BATCH);
    deposit(&house, 0);
    assert_int_equal(info_of(&house).next_position, info.position + 1);
    uint64_t published;
    assert_int_equal(trading_outbox_step(house.outbox, -1, &published, NULL), TRADING_OK);
    assert_int_equal(published, 1);
    must_be_read_once(&house);
    close_house(&house);
}

static void only_the_kinds_that_are_wanted_are_published(void **state)
{
    (void)state;
    struct house house;
    open_house(&house);
    stop_outbox(&house);
    house.options.kinds[0] = UINT64_C(1) << TRADING_EVENT_FUNDS_WITHDRAWN;
    start_outbox(&house);
    for (size_t i = 0; i < 50; i++)
        deposit(&house, i % 4);
    desk_cash(&house.desk, TRADING_COMMAND_WITHDRAW, &house.clients[0].account, TRADING_DECIMAL_ONE);
    assert_int_equal(drain(&house), 0);
    trading_outbox_info info = info_of(&house);
    assert_int_equal(info.published, 1);
    assert_int_equal(info.skipped, info.position - 1);
    assert_int_equal(info.batches, 1);
    close_house(&house);
}

static void what_is_left_out_is_marked_now_and_then(void **state)
{
    (void)state;
    struct house house;
    open_house(&house);
    stop_outbox(&house);
    house.options.skip_mark = 20;
    start_outbox(&house);
    drain(&house);
    int64_t mark = info_of(&house).mark;
    house.mute = true;
    for (size_t i = 0; i < 50; i++)
        deposit(&house, i % 4);
    drain(&house);
    trading_outbox_info info = info_of(&house);
    assert_int_equal(info.position, mark + 50);
    assert_true(info.mark >= mark + 20 && info.position - info.mark < 20);
    assert_int_equal(info.batches, 2 + (mark + BATCH - 1) / BATCH);
    stop_outbox(&house);
    start_outbox(&house);
    assert_int_equal(info_of(&house).position, info.mark);
    close_house(&house);
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
    open_house(&house);
    desk_quote(&house.desk, "GOOG", TRADING_DECIMAL_ONE, 2 * TRADING_DECIMAL_ONE);
    drain(&house);
    trading_id_format(TRADING_ENTITY_ACCOUNT, &house.clients[1].account, text);
    trading_bus *bus = open_bus(&house, NULL);
    for (uint32_t partition = 0; partition < PARTITIONS; partition++)
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
    close_house(&house);
}

static void it_takes_no_memory_as_it_goes(void **state)
{
    (void)state;
    struct house house;
    open_house(&house);
    for (size_t i = 0; i < 100; i++)
        deposit(&house, i % 4);
    drain(&house);
    for (size_t i = 0; i < 100; i++)
        deposit(&house, i % 4);
    uint64_t before = trading_host_memory(house.desk.host);
    drain(&house);
    assert_int_equal(trading_host_memory(house.desk.host), before);
    close_house(&house);
}

/* ---- failures ---- */

static void whatever_fails_is_published_once(void **state)
{
    (void)state;
    for (enum fault fault = FAULT_REFUSED; fault < FAULTS; fault++) {
        for (int at = 1; at <= 6; at++) {
            struct house house;
            open_house(&house);
            for (size_t i = 0; i < 40; i++)
                deposit(&house, i % 4);
            for (int i = 1; i < at; i++)
                MUST(trading_outbox_step(house.outbox, 0, NULL, NULL) == TRADING_OK);
            flaky.next = fault;
            flaky.puzzled = fault == FAULT_REFUSED ? 0 : 2;
            int expected = fault == FAULT_REFUSED ? 1 : 3;
            assert_int_equal(trading_outbox_step(house.outbox, 0, NULL, NULL),
                             fault == FAULT_REFUSED ? TRADING_E_IO : TRADING_E_OUTCOME_UNKNOWN);
            assert_int_equal(info_of(&house).state, fault == FAULT_REFUSED ? TRADING_E_IO : TRADING_E_OUTCOME_UNKNOWN);
            assert_int_equal(drain(&house), expected - 1);
            assert_int_equal(info_of(&house).errors, expected);
            assert_int_equal(info_of(&house).published, desk_next_position(&house.desk));
            must_be_read_once(&house);
            close_house(&house);
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
            open_house(&house);
            for (size_t i = 0; i < 40; i++)
                deposit(&house, i % 4);
            for (int i = 0; i < at; i++)
                MUST(trading_outbox_step(house.outbox, 0, NULL, NULL) == TRADING_OK);
            flaky.next = fault;
            trading_outbox_step(house.outbox, 0, NULL, NULL);
            stop_outbox(&house);
            start_outbox(&house);
            drain(&house);
            must_be_read_once(&house);
            close_house(&house);
        }
    }
}

static void an_encoder_that_fails_is_asked_again(void **state)
{
    (void)state;
    struct house house;
    open_house(&house);
    deposit(&house, 0);
    house.failure = TRADING_E_NO_MEMORY;
    assert_int_equal(trading_outbox_step(house.outbox, 0, NULL, NULL), TRADING_E_NO_MEMORY);
    assert_int_equal(drain(&house), 0);
    must_be_read_once(&house);
    close_house(&house);
}

static void a_newer_outbox_fences_the_older(void **state)
{
    (void)state;
    struct house house;
    trading_error error;
    open_house(&house);
    trading_bus *older_bus = house.bus;
    trading_outbox *older = house.outbox;
    MUST(trading_outbox_step(older, 0, NULL, NULL) == TRADING_OK);
    start_outbox(&house);
    deposit(&house, 0);
    drain(&house);
    uint64_t publishes = flaky.publishes;
    assert_int_equal(trading_outbox_step(older, 0, NULL, &error), TRADING_E_FENCED);
    assert_true(strlen(error.message) > 0);
    assert_int_equal(trading_outbox_step(older, 0, NULL, &error), TRADING_E_FENCED);
    assert_int_equal(flaky.publishes, publishes + 1); /* it does not even try again */
    must_be_read_once(&house);
    trading_outbox_close(older);
    trading_bus_close(older_bus);
    close_house(&house);
}

/* Fenced while it did not know whether its batch was published: the mark is another's. */
static void a_mark_that_is_anothers_fences(void **state)
{
    (void)state;
    struct house house;
    open_house(&house);
    for (size_t i = 0; i < 20; i++)
        deposit(&house, 0);
    flaky.next = FAULT_UNKNOWN_UNDONE;
    MUST(trading_outbox_step(house.outbox, 0, NULL, NULL) == TRADING_E_OUTCOME_UNKNOWN);
    MUST(trading_bus_publish(house.bus, NULL, 0, 3, NULL) == TRADING_OK);
    assert_int_equal(trading_outbox_step(house.outbox, 0, NULL, NULL), TRADING_E_FENCED);
    close_house(&house);
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
            update(house, client);
        else
            deposit(house, client);
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
    start_outbox(house);
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
        open_house(&house);
        for (int i = 0; i < 200; i++) {
            if (draw(&chance, 2))
                trade(&house, &chance);
            else
                act(&house, &chance);
        }
        flaky.next = FAULT_NONE;
        house.failure = TRADING_OK;
        drain(&house);
        must_be_read_once(&house);
        close_house(&house);
    }
}

/* ---- what makes no outbox ---- */

static void what_makes_no_outbox_is_refused(void **state)
{
    (void)state;
    struct house house;
    trading_outbox *outbox;
    trading_error error;
    open_house(&house);
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
    wrong.partition = 1;
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, house.bus, &wrong, &error), TRADING_E_INVALID);
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, NULL, &house.options, &error), TRADING_E_INVALID);
    assert_int_equal(trading_outbox_open(NULL, house.desk.engine, house.bus, &house.options, &error), TRADING_E_INVALID);
    trading_bus *nobody = open_bus(&house, NULL);
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, nobody, &house.options, &error), TRADING_E_INVALID);
    assert_null(outbox);
    trading_bus_close(nobody);
    close_house(&house);
}

static void a_mark_of_another_journal_is_found(void **state)
{
    (void)state;
    struct house house;
    trading_outbox *outbox;
    trading_error error;
    open_house(&house);
    trading_bus *bus = open_bus(&house, "other");
    MUST(trading_bus_publish(bus, NULL, 0, desk_next_position(&house.desk) + 1, NULL) == TRADING_OK);
    assert_int_equal(trading_outbox_open(&outbox, house.desk.engine, bus, &house.options, &error), TRADING_E_DAMAGED);
    trading_bus_close(bus);
    close_house(&house);
}

static void an_engine_that_closes_says_so(void **state)
{
    (void)state;
    struct house house;
    open_house(&house);
    drain(&house);
    assert_int_equal(trading_engine_close(house.desk.engine, TRADING_CLOSE_DRAIN, NULL), TRADING_E_BUSY);
    assert_int_equal(trading_outbox_step(house.outbox, -1, NULL, NULL), TRADING_E_CLOSED);
    close_house(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_published_once_and_in_order),
        cmocka_unit_test(only_the_kinds_that_are_wanted_are_published),
        cmocka_unit_test(what_is_left_out_is_marked_now_and_then),
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
