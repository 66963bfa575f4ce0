/* Reading partitions from explicit positions. Positions are nobody's but the caller's: there is no group here, and nothing is committed. */
#include "backends/kafka/bus.h"
#include "base/error.h"

#include <string.h>

#define ANSWER_LIMIT 10000 /* milliseconds for an answer of brokers */

struct reading {
    struct reading *next;
    rd_kafka_topic_t *topic;
    uint32_t partition;
    bool started;
    int64_t position; /* of what is handed over next, or where it begins */
};

/* ---- the client ---- */

static int32_t open_client(struct kafka_bus *bus, trading_error *error)
{
    static const char *const settings[][2] = {
        {"isolation.level", "read_committed"},
        {"auto.offset.reset", "error"},
        {"enable.partition.eof", "true"},
        {"check.crcs", "true"},
        {NULL, NULL},
    };
    if (bus->reader.client)
        return TRADING_OK;
    rd_kafka_t *client = client_open(bus, RD_KAFKA_CONSUMER, settings, NULL, error);
    if (!client)
        return TRADING_E_INVALID;
    bus->reader.client = client;
    bus->reader.queue = rd_kafka_queue_new(client);
    client_wake_on(bus, bus->reader.queue);
    return TRADING_OK;
}

int32_t reader_end(struct kafka_bus *bus, const char *topic, uint32_t partition, int64_t *position, trading_error *error)
{
    int32_t code = topics_check(bus, topic, partition, error);
    if (!code)
        code = open_client(bus, error);
    if (code)
        return code;
    const struct topics_place end = {topic, partition, RD_KAFKA_OFFSET_END};
    rd_kafka_resp_err_t err = topics_offset(bus->reader.client, &end, client_clock() + ANSWER_LIMIT, position);
    return err ? client_error(bus, error, err, "asking for the end of partition %u of \"%.80s\"", partition, topic)
               : TRADING_OK;
}

/* ---- what is read ---- */

static struct reading **find(struct reader *reader, const char *topic, uint32_t partition)
{
    struct reading **at = &reader->readings;
    while (*at && ((*at)->partition != partition || strcmp(rd_kafka_topic_name((*at)->topic), topic) != 0))
        at = &(*at)->next;
    return at;
}

bool reader_reads(struct kafka_bus *bus, const char *topic, uint32_t partition)
{
    return *find(&bus->reader, topic, partition);
}

static void set_position(struct reader *reader, struct reading *reading, int64_t position)
{
    pthread_mutex_lock(&reader->lock);
    reading->position = position;
    pthread_mutex_unlock(&reader->lock);
}

/* What librdkafka has fetched of it is thrown away with it. */
static void halt(struct reading *reading)
{
    if (reading->started)
        rd_kafka_consume_stop(reading->topic, (int32_t)reading->partition);
    reading->started = false;
}

static struct reading *add(struct kafka_bus *bus, const char *topic, uint32_t partition)
{
    struct reading *reading = memory_zeroed(&bus->memory, 1, sizeof *reading);
    rd_kafka_topic_t *handle = reading ? rd_kafka_topic_new(bus->reader.client, topic, NULL) : NULL;
    if (!handle) {
        memory_release(&bus->memory, reading, sizeof *reading);
        return NULL;
    }
    reading->topic = handle;
    reading->partition = partition;
    pthread_mutex_lock(&bus->reader.lock);
    reading->next = bus->reader.readings;
    bus->reader.readings = reading;
    pthread_mutex_unlock(&bus->reader.lock);
    return reading;
}

int32_t reader_start(struct kafka_bus *bus, const char *topic, uint32_t partition, int64_t position, trading_error *error)
{
    int32_t code = topics_check(bus, topic, partition, error);
    if (!code && position == TRADING_BUS_END)
        code = reader_end(bus, topic, partition, &position, error); /* as it is now, and not once somebody looks */
    if (!code)
        code = open_client(bus, error);
    if (code)
        return code;
    struct reading *reading = *find(&bus->reader, topic, partition);
    if (!reading)
        reading = add(bus, topic, partition);
    if (!reading)
        return error_no_memory(error, "reading a partition");
    halt(reading);
    set_position(&bus->reader, reading, position == TRADING_BUS_OLDEST ? -1 : position);
    int64_t from = position == TRADING_BUS_OLDEST ? RD_KAFKA_OFFSET_BEGINNING : position;
    if (rd_kafka_consume_start_queue(reading->topic, (int32_t)partition, from, bus->reader.queue))
        return client_error(bus, error, rd_kafka_last_error(), "reading partition %u of \"%.80s\"", partition, topic);
    reading->started = true;
    return TRADING_OK;
}

static void remove_reading(struct kafka_bus *bus, struct reading **place)
{
    struct reading *reading = *place;
    halt(reading);
    pthread_mutex_lock(&bus->reader.lock);
    *place = reading->next;
    pthread_mutex_unlock(&bus->reader.lock);
    rd_kafka_topic_destroy(reading->topic);
    memory_release(&bus->memory, reading, sizeof *reading);
}

void reader_stop(struct kafka_bus *bus, const char *topic, uint32_t partition)
{
    struct reading **place = find(&bus->reader, topic, partition);
    if (*place)
        remove_reading(bus, place);
}

/* ---- handing over ---- */

void reader_forget(struct kafka_bus *bus)
{
    struct reader *reader = &bus->reader;
    while (reader->taken_count)
        rd_kafka_message_destroy(reader->taken[--reader->taken_count]);
}

static void note_failure(struct kafka_bus *bus, struct reading *reading, const rd_kafka_message_t *message)
{
    struct reader *reader = &bus->reader;
    const char *topic = rd_kafka_topic_name(message->rkt);
    reader->failed = true;
    int32_t code = client_error(bus, &reader->failure, message->err, "reading partition %d of \"%.60s\" at position %lld",
                                message->partition, topic, (long long)reading->position);
    if (code == TRADING_E_POSITION)
        halt(reading);
}

/* Whether a message is a record to hand over. Others are noted. */
static bool is_record(struct kafka_bus *bus, const rd_kafka_message_t *message)
{
    struct reading *reading =
        message->rkt ? *find(&bus->reader, rd_kafka_topic_name(message->rkt), (uint32_t)message->partition) : NULL;
    if (!reading || !reading->started)
        return false; /* it was fetched before it was given up */
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        set_position(&bus->reader, reading, message->offset);
        return false;
    }
    if (message->err) {
        note_failure(bus, reading, message);
        return false;
    }
    if (message->offset < reading->position)
        return false;
    set_position(&bus->reader, reading, message->offset + 1);
    return true;
}

/* Keeps the records of what has come, for the caller to see until the next poll. */
static void keep_records(struct kafka_bus *bus, size_t came)
{
    struct reader *reader = &bus->reader;
    for (size_t i = 0; i < came; i++) {
        rd_kafka_message_t *message = reader->taken[i];
        if (is_record(bus, message))
            reader->taken[reader->taken_count++] = message;
        else
            rd_kafka_message_destroy(message);
    }
}

static size_t count_headers(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    return rd_kafka_message_headers(message, &headers) ? 0 : rd_kafka_header_cnt(headers);
}

static uint32_t put_headers(const rd_kafka_message_t *message, trading_bus_header *place)
{
    rd_kafka_headers_t *headers;
    uint32_t count = 0;
    if (rd_kafka_message_headers(message, &headers))
        return 0;
    for (size_t size; !rd_kafka_header_get_all(headers, count, &place[count].name, &place[count].value, &size); count++)
        place[count].size = size;
    return count;
}

/* Room for the headers of all that is handed over, so that it stays where it is, and for one that is asked for behind the last. */
static int32_t make_room(struct kafka_bus *bus, trading_error *error)
{
    struct reader *reader = &bus->reader;
    size_t count = 1;
    for (size_t i = 0; i < reader->taken_count; i++)
        count += count_headers(reader->taken[i]);
    if (memory_grow(&bus->memory, (void **)&reader->headers, &reader->header_capacity, count, sizeof *reader->headers))
        return error_no_memory(error, "the headers of records");
    return TRADING_OK;
}

/* What cannot be handed over is fetched again: the last first, so that each partition goes on at the first of its records. */
static void fetch_again(struct kafka_bus *bus)
{
    struct reader *reader = &bus->reader;
    while (reader->taken_count) {
        rd_kafka_message_t *message = reader->taken[--reader->taken_count];
        if (reader_start(bus, rd_kafka_topic_name(message->rkt), (uint32_t)message->partition, message->offset,
                         &reader->failure))
            reader->failed = true;
        rd_kafka_message_destroy(message);
    }
}

static trading_bus_notice notice_of(const rd_kafka_message_t *message, trading_bus_header *headers)
{
    rd_kafka_timestamp_type_t type;
    int64_t time = rd_kafka_message_timestamp(message, &type);
    return (trading_bus_notice){.kind = TRADING_BUS_RECORD,
                                .record = {.topic = rd_kafka_topic_name(message->rkt),
                                           .partition = (uint32_t)message->partition,
                                           .header_count = put_headers(message, headers),
                                           .position = message->offset,
                                           .time = time > 0 ? time * 1000000 : 0,
                                           .key = message->key_len ? message->key : NULL, /* an empty key is none */
                                           .key_size = message->key_len,
                                           .value = message->payload,
                                           .value_size = message->len,
                                           .headers = headers}};
}

static int32_t tell_failure(struct reader *reader, trading_error *error)
{
    if (!reader->failed)
        return TRADING_OK;
    reader->failed = false;
    if (error)
        *error = reader->failure;
    return reader->failure.code;
}

int32_t reader_take(struct kafka_bus *bus, trading_bus_notice *notices, size_t max, size_t *count, trading_error *error)
{
    struct reader *reader = &bus->reader;
    if (!reader->client)
        return TRADING_OK;
    if (memory_grow(&bus->memory, (void **)&reader->taken, &reader->taken_capacity, max, sizeof(rd_kafka_message_t *)))
        return error_no_memory(error, "what a poll hands over");
    rd_kafka_poll(reader->client, 0);
    ssize_t came = rd_kafka_consume_batch_queue(reader->queue, 0, reader->taken, max);
    keep_records(bus, came > 0 ? (size_t)came : 0);
    int32_t code = reader->taken_count ? make_room(bus, error) : tell_failure(reader, error);
    if (code)
        fetch_again(bus);
    trading_bus_header *headers = reader->headers;
    for (size_t i = 0; i < reader->taken_count; i++) {
        notices[i] = notice_of(reader->taken[i], headers);
        headers += notices[i].record.header_count;
        reader->bytes += notices[i].record.key_size + notices[i].record.value_size;
    }
    *count = reader->taken_count;
    reader->records += *count;
    return code;
}

/* ---- what it tells of itself ---- */

void reader_lags(struct kafka_bus *bus, trading_bus_metric_visit visit, void *context)
{
    struct reader *reader = &bus->reader;
    pthread_mutex_lock(&reader->lock);
    for (const struct reading *at = reader->readings; at; at = at->next) {
        int64_t oldest;
        int64_t end;
        trading_bus_metric metric = {.name = "lag", .topic = rd_kafka_topic_name(at->topic), .partition = at->partition};
        if (rd_kafka_get_watermark_offsets(reader->client, metric.topic, (int32_t)at->partition, &oldest, &end) || end < 0 ||
            at->position < 0)
            continue;
        metric.value = end > at->position ? end - at->position : 0;
        visit(context, &metric);
    }
    pthread_mutex_unlock(&reader->lock);
}

void reader_close(struct kafka_bus *bus)
{
    struct reader *reader = &bus->reader;
    reader_forget(bus);
    while (reader->readings)
        remove_reading(bus, &reader->readings);
    if (reader->queue)
        rd_kafka_queue_destroy(reader->queue);
    if (reader->client)
        rd_kafka_destroy(reader->client);
    memory_release(&bus->memory, reader->taken, reader->taken_capacity * sizeof(rd_kafka_message_t *));
    memory_release(&bus->memory, reader->headers, reader->header_capacity * sizeof *reader->headers);
}
