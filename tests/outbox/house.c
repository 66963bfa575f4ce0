#include "house.h"

#include <string.h>

#define EVENTS_MAX 4096

static const char *const topics[] = {"cash", "rest"};
#define TOPICS 2

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

trading_bus *house_bus(struct house *house, const char *writer)
{
    trading_bus *bus;
    trading_error error;
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    options.writer = writer;
    if (trading_bus_open(&bus, house->broker, "flaky:market", &options, &error))
        fail_msg("%s", error.message);
    return bus;
}

void house_start(struct house *house)
{
    trading_error error;
    house->bus = house_bus(house, "relay");
    if (trading_outbox_open(&house->outbox, house->desk.engine, house->bus, &house->options, &error))
        fail_msg("%s", error.message);
}

void house_stop(struct house *house)
{
    trading_outbox_close(house->outbox);
    trading_bus_close(house->bus);
}

void house_open(struct house *house)
{
    *house = (struct house){.options = TRADING_OUTBOX_OPTIONS_INIT};
    desk_open_memory(&house->desk);
    MUST(trading_host_open(&house->broker, NULL, NULL) == TRADING_OK);
    flaky_register(house->broker);
    for (size_t i = 0; i < 4; i++)
        house->clients[i] = desk_client(&house->desk, 1000);
    house->options.batch = BATCH;
    house->options.skip_time = INT64_MAX;
    house->options.encode = encode;
    house->options.encode_context = house;
    trading_bus *bus = house_bus(house, NULL);
    for (size_t i = 0; i < TOPICS; i++)
        MUST(trading_bus_topic(bus, topics[i], TOPIC_PARTITIONS, 0, NULL) == TRADING_OK);
    trading_bus_close(bus);
    house_start(house);
}

void house_close(struct house *house)
{
    house_stop(house);
    MUST(trading_host_close(house->broker, NULL) == TRADING_OK);
    desk_close(&house->desk);
}

void house_deposit(struct house *house, size_t client)
{
    desk_cash(&house->desk, TRADING_COMMAND_DEPOSIT, &house->clients[client].account, TRADING_DECIMAL_ONE);
}

void house_update(struct house *house, size_t client)
{
    trading_update_contact body = TRADING_UPDATE_CONTACT_INIT;
    desk_execute(&house->desk, TRADING_COMMAND_UPDATE_CONTACT, &house->clients[client].account, &body, sizeof body);
}

int house_drain(struct house *house)
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

trading_outbox_info house_info(const struct house *house)
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
    trading_bus *bus = house_bus(house, NULL);
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

void house_must_be_read_once(struct house *house)
{
    static struct reading reading;
    static trading_event events[EVENTS_MAX];
    trading_feed *feed;
    memset(&reading, 0, sizeof reading);
    for (uint8_t topic = 0; topic < TOPICS; topic++)
        for (uint32_t partition = 0; partition < TOPIC_PARTITIONS; partition++)
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
