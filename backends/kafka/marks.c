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

static uint32_t partition_of(const char *writer)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (const char *at = writer; *at; at++)
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
                                          .partition = partition_of(bus->publisher.writer),
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
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    const char *writer;
    int64_t barrier; /* where it ends; WHAT_IS_THERE: with what is committed now */
    int64_t limit;   /* when it is to be over, by client_clock */
    int64_t mark;    /* the newest that was found; −1: none */
};

#define WHAT_IS_THERE INT64_MAX

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

/* Takes what was read. True when nothing more is to be. The end of what is committed is not the barrier's: that may be behind what another
 * writer has not committed yet. */
static bool take(struct look *look, const rd_kafka_message_t *message, rd_kafka_resp_err_t *err)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        *err = look->barrier == WHAT_IS_THERE ? RD_KAFKA_RESP_ERR_NO_ERROR : *err;
        return look->barrier == WHAT_IS_THERE;
    }
    bool done = message->err || message->offset >= look->barrier;
    int64_t mark = done ? -1 : mark_in(message, look->writer);
    look->mark = mark >= 0 ? mark : look->mark;
    *err = done ? message->err : *err;
    return done;
}

/* Reads on until the barrier. A record that is not there any more is passed over by the next. */
static rd_kafka_resp_err_t read_on(struct look *look)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (bool done = false; !done && client_clock() < look->limit;) {
        rd_kafka_poll(look->client, 0);
        rd_kafka_message_t *message = rd_kafka_consume(look->topic, (int32_t)partition_of(look->writer), 100);
        if (!message)
            continue;
        done = take(look, message, &err);
        rd_kafka_message_destroy(message);
    }
    return err;
}

static rd_kafka_resp_err_t find_bounds(const struct look *look, int64_t *oldest, int64_t *end)
{
    struct topics_place place = {rd_kafka_topic_name(look->topic), partition_of(look->writer), RD_KAFKA_OFFSET_BEGINNING};
    rd_kafka_resp_err_t err = topics_offset(look->client, &place, look->limit, oldest);
    *end = look->barrier;
    if (err || look->barrier != WHAT_IS_THERE)
        return err;
    place.which = RD_KAFKA_OFFSET_END;
    return topics_offset(look->client, &place, look->limit, end);
}

/* The newest records first, and more of them as long as there is none of this writer's. */
static rd_kafka_resp_err_t search(struct look *look)
{
    int32_t partition = (int32_t)partition_of(look->writer);
    int64_t oldest;
    int64_t end;
    rd_kafka_resp_err_t err = find_bounds(look, &oldest, &end);
    int64_t size = FIRST_LOOK;
    for (bool done = false; !err && !done && look->mark < 0; size *= 8) {
        int64_t from = end - oldest > size ? end - size : oldest;
        if (rd_kafka_consume_start(look->topic, partition, from))
            return rd_kafka_last_error();
        err = read_on(look);
        rd_kafka_consume_stop(look->topic, partition);
        done = from == oldest;
    }
    return err;
}

static int32_t open_reader(struct kafka_bus *bus, trading_error *error)
{
    static const char *const settings[][2] = {{"isolation.level", "read_committed"},
                                              {"auto.offset.reset", "error"},
                                              {"enable.partition.eof", "true"},
                                              {"fetch.wait.max.ms", "10"}, /* the end is told so soon */
                                              {NULL, NULL}};
    struct marks_reader *reader = &bus->marks_reader;
    if (reader->topic)
        return TRADING_OK;
    reader->client = client_open(bus, RD_KAFKA_CONSUMER, settings, NULL, error);
    if (!reader->client)
        return TRADING_E_INVALID;
    reader->topic = rd_kafka_topic_new(reader->client, bus->location.marks, NULL);
    if (reader->topic)
        return TRADING_OK;
    int32_t code = client_error(bus, error, rd_kafka_last_error(), "reading the topic of marks");
    marks_close(bus);
    return code;
}

static int32_t read_mark(struct kafka_bus *bus, const char *writer, int64_t barrier, int64_t *mark, trading_error *error)
{
    int32_t code = open_reader(bus, error);
    if (code)
        return code;
    struct look look = {.client = bus->marks_reader.client,
                        .topic = bus->marks_reader.topic,
                        .writer = writer,
                        .barrier = barrier,
                        .limit = client_clock() + bus->location.publish_timeout_ms,
                        .mark = -1};
    rd_kafka_resp_err_t err = search(&look);
    *mark = look.mark;
    return err ? client_error(bus, error, err, "reading the marks of \"%.80s\"", writer) : TRADING_OK;
}

int32_t marks_read(struct kafka_bus *bus, int64_t barrier, int64_t *mark, trading_error *error)
{
    int32_t code = read_mark(bus, bus->publisher.writer, barrier, mark, error);
    marks_close(bus); /* its writer knows it from now on */
    return code;
}

int32_t marks_of(struct kafka_bus *bus, const char *writer, int64_t *mark, trading_error *error)
{
    int64_t found = -1;
    uint32_t partitions;
    int32_t code = topics_count(bus, bus->location.marks, &partitions, error);
    if (!code)
        code = read_mark(bus, writer, WHAT_IS_THERE, &found, error);
    if (code == TRADING_E_NOT_FOUND || (!code && found < 0))
        code = error_set(error, TRADING_E_NOT_FOUND, "nothing was marked yet under the name \"%.80s\"", writer);
    if (!code)
        *mark = found;
    return code;
}

void marks_close(struct kafka_bus *bus)
{
    struct marks_reader *reader = &bus->marks_reader;
    if (reader->topic)
        rd_kafka_topic_destroy(reader->topic);
    if (reader->client)
        rd_kafka_destroy(reader->client);
    *reader = (struct marks_reader){0};
}
