/* Marks are records of a compacted topic, under the writer's name, in the transaction of what they go with. The group coordinator's
 * offsets would do too, and are forgotten when nobody uses them for a week: a mark is not to be forgotten. */
#include "backends/kafka/bus.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_PARTITIONS 8

/* A writer's newest mark is mostly among the newest records, so they are looked at first. */
#define FIRST_LOOK 1000

static uint32_t partition_of(const struct kafka_bus *bus)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (const char *at = bus->publisher.writer; *at; at++)
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    return (uint32_t)((hash ^ hash >> 32) % MARK_PARTITIONS);
}

int32_t marks_create(struct kafka_bus *bus, trading_error *error)
{
    return topics_create(bus, bus->location.marks, MARK_PARTITIONS, true, error);
}

static void fill(const struct kafka_bus *bus, struct mark_record *record, const char *prefix)
{
    int length = snprintf(record->key, sizeof record->key, "%s%s", prefix, bus->publisher.writer);
    record->record = (trading_bus_record){.topic = bus->location.marks,
                                          .partition = partition_of(bus),
                                          .key = record->key,
                                          .key_size = (uint64_t)length,
                                          .value = record->value,
                                          .value_size = strlen(record->value)};
}

void marks_record(const struct kafka_bus *bus, int64_t mark, struct mark_record *record)
{
    snprintf(record->value, sizeof record->value, "%lld", (long long)mark);
    fill(bus, record, "");
}

void marks_barrier(const struct kafka_bus *bus, struct mark_record *record)
{
    record->value[0] = '\0';
    fill(bus, record, "!");
}

/* ---- reading ---- */

struct look {
    int64_t barrier;
    int64_t limit; /* when it is to be over, by client_clock */
    int64_t mark;
    const char *writer;
};

/* A mark of this writer, or −1. */
static int64_t mark_in(const rd_kafka_message_t *message, const char *writer)
{
    char text[24] = "";
    char *end;
    if (message->key_len != strlen(writer) || memcmp(message->key, writer, message->key_len) != 0 || !message->payload ||
        message->len >= sizeof text)
        return -1;
    memcpy(text, message->payload, message->len);
    long long mark = strtoll(text, &end, 10);
    return end != text && !*end && mark >= 0 ? mark : -1;
}

/* Reads on until the barrier. A record that is not there any more is passed over by the next. */
static rd_kafka_resp_err_t read_to_barrier(rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition, struct look *look)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (bool done = false; !done && client_clock() < look->limit;) {
        rd_kafka_poll(client, 0);
        rd_kafka_message_t *message = rd_kafka_consume(topic, partition, 100);
        if (!message)
            continue;
        err = message->err;
        done = err || message->offset >= look->barrier;
        int64_t mark = done ? -1 : mark_in(message, look->writer);
        look->mark = mark >= 0 ? mark : look->mark;
        err = done || err ? err : RD_KAFKA_RESP_ERR__TIMED_OUT;
        rd_kafka_message_destroy(message);
    }
    return err;
}

/* The newest records first, and more of them as long as there is none of this writer's. */
static rd_kafka_resp_err_t search(rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition, struct look *look)
{
    int64_t oldest;
    int64_t end;
    rd_kafka_resp_err_t err = rd_kafka_query_watermark_offsets(client, rd_kafka_topic_name(topic), partition, &oldest, &end,
                                                               (int)(look->limit - client_clock()));
    int64_t size = FIRST_LOOK;
    for (bool done = false; !err && !done && look->mark < 0; size *= 8) {
        int64_t from = look->barrier - oldest > size ? look->barrier - size : oldest;
        if (rd_kafka_consume_start(topic, partition, from))
            return rd_kafka_last_error();
        err = read_to_barrier(client, topic, partition, look);
        rd_kafka_consume_stop(topic, partition);
        done = from == oldest;
    }
    return err;
}

int32_t marks_read(struct kafka_bus *bus, int64_t barrier, int64_t *mark, trading_error *error)
{
    static const char *const settings[][2] = {
        {"isolation.level", "read_committed"}, {"auto.offset.reset", "error"}, {NULL, NULL}};
    struct look look = {.barrier = barrier,
                        .limit = client_clock() + bus->location.publish_timeout_ms,
                        .mark = -1,
                        .writer = bus->publisher.writer};
    rd_kafka_t *client = client_open(bus, RD_KAFKA_CONSUMER, settings, error);
    if (!client)
        return TRADING_E_INVALID;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, bus->location.marks, NULL);
    rd_kafka_resp_err_t err = topic ? search(client, topic, (int32_t)partition_of(bus), &look) : rd_kafka_last_error();
    if (topic)
        rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    *mark = look.mark;
    return err ? client_error(bus, error, err, "reading the marks of \"%.80s\"", bus->publisher.writer) : TRADING_OK;
}
