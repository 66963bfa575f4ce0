/* Publishing: records that are all there before the call returns, and transactions, whose outcome is known or asked for. */
#include "backends/kafka/bus.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a record beside its bytes, more than it ever is; and what brokers take at most unless they are told otherwise. */
#define RECORD_OVERHEAD 512
#define HEADER_OVERHEAD 16

#define TURN 100 /* milliseconds that librdkafka is waited for at a time */

/* What became of the records of one call. */
struct delivery {
    size_t waiting;
    rd_kafka_resp_err_t err; /* of the first that failed */
    int64_t last;            /* the position of the last that arrived */
};

/* Called by librdkafka when a record has arrived, or will not. */
static void note_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *bus)
{
    struct delivery *delivery = message->_private;
    (void)client;
    (void)bus;
    delivery->waiting--;
    delivery->last = message->offset;
    if (message->err && !delivery->err)
        delivery->err = message->err;
}

/* ---- opening ---- */

static void note_deliveries(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, note_delivery);
}

static rd_kafka_t *open_producer(struct kafka_bus *bus, const char *writer, trading_error *error)
{
    char patience[24];
    char transaction[24];
    snprintf(patience, sizeof patience, "%lld", (long long)bus->location.publish_timeout_ms);
    snprintf(transaction, sizeof transaction, "%lld", (long long)bus->location.publish_timeout_ms + 10000);
    const char *const settings[][2] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"partitioner", "murmur2"},
        {"message.timeout.ms", patience},
        {writer ? "transactional.id" : NULL, writer}, /* or they end here */
        {"transaction.timeout.ms", transaction},
        {NULL, NULL},
    };
    return client_open(bus, RD_KAFKA_PRODUCER, settings, note_deliveries, error);
}

/* Librdkafka before 2.6.1 and brokers from Kafka 4.0 on do not understand each other there, and say that the password is wrong. */
static void warn_of_scram(struct kafka_bus *bus)
{
    char mechanism[32] = "";
    size_t size = sizeof mechanism;
    rd_kafka_conf_get(rd_kafka_conf(bus->producer), "sasl.mechanism", mechanism, &size);
    if (rd_kafka_version() >= 0x020601ff || strncmp(mechanism, "SCRAM", 5) != 0)
        return;
    char line[200];
    snprintf(line, sizeof line,
             "kafka: librdkafka %s cannot log in to Kafka 4 with %s: it takes 2.6.1, or sasl.mechanism=PLAIN",
             rd_kafka_version_str(), mechanism);
    bus->host->log(bus->host->context, TRADING_LOG_WARNING, line);
}

/* A question goes to a broker that is connected, or waits for one that may be away: so the first are short, and as long as answers take come
 * after. Why a connection cannot be made comes as a trouble while the question waits. */
static int32_t await_brokers(struct kafka_bus *bus, trading_error *error)
{
    int64_t limit = client_clock() + bus->location.connect_timeout_ms;
    int64_t wait = TURN;
    rd_kafka_resp_err_t err;
    do {
        const struct rd_kafka_metadata *metadata;
        int64_t left = limit - client_clock();
        err = rd_kafka_metadata(bus->producer, 0, NULL, &metadata, (int)(left < wait ? left : wait));
        rd_kafka_poll(bus->producer, 0);
        if (!err)
            rd_kafka_metadata_destroy(metadata);
        wait = wait < CLIENT_QUESTION ? 2 * wait : wait;
    } while (err && client_clock() < limit);
    if (!err)
        return TRADING_OK;
    warn_of_scram(bus);
    return client_error(bus, error, err, "no broker of %.60s answers", bus->location.hosts);
}

static int32_t begin_writer(struct kafka_bus *bus, const char *writer, trading_error *error)
{
    snprintf(bus->publisher.writer, sizeof bus->publisher.writer, "%s", writer);
    int32_t code = marks_create(bus, error);
    if (code)
        return code;
    rd_kafka_error_t *failure = rd_kafka_init_transactions(bus->producer, (int)bus->location.publish_timeout_ms);
    return failure ? client_failure(bus, error, failure, "taking over the writer's name") : TRADING_OK;
}

int32_t publisher_open(struct kafka_bus *bus, const char *writer, trading_error *error)
{
    bus->publisher.mark = bus->publisher.pending = -1;
    bus->producer = open_producer(bus, writer, error);
    if (!bus->producer)
        return TRADING_E_INVALID;
    int32_t code = await_brokers(bus, error);
    return code || !writer ? code : begin_writer(bus, writer, error);
}

/* ---- records ---- */

static uint64_t size_of(const trading_bus_record *record)
{
    uint64_t size = record->key_size + record->value_size + RECORD_OVERHEAD;
    for (uint32_t i = 0; i < record->header_count; i++)
        size += strlen(record->headers[i].name) + record->headers[i].size + HEADER_OVERHEAD;
    return size;
}

static uint64_t size_limit(const struct kafka_bus *bus)
{
    char text[24] = "";
    size_t size = sizeof text;
    rd_kafka_conf_get(rd_kafka_conf(bus->producer), "message.max.bytes", text, &size);
    return strtoull(text, NULL, 10);
}

/* That all of them can be published, before the first is. */
static int32_t check_records(struct kafka_bus *bus, const trading_bus_record *records, size_t count, trading_error *error)
{
    uint64_t limit = size_limit(bus);
    int32_t code = TRADING_OK;
    for (size_t i = 0; i < count && !code; i++) {
        bool again = i && records[i].partition == records[i - 1].partition && !strcmp(records[i].topic, records[i - 1].topic);
        if (size_of(&records[i]) > limit)
            code = error_set(error, TRADING_E_INVALID, "record %zu is larger than the %llu bytes that message.max.bytes allows",
                             i, (unsigned long long)limit);
        else if (!again)
            code = topics_check(bus, records[i].topic, records[i].partition == TRADING_BUS_BY_KEY ? 0 : records[i].partition,
                                error);
    }
    return code;
}

static rd_kafka_headers_t *headers_of(const trading_bus_record *record)
{
    rd_kafka_headers_t *headers = record->header_count ? rd_kafka_headers_new(record->header_count) : NULL;
    for (uint32_t i = 0; i < record->header_count; i++) {
        const trading_bus_header *header = &record->headers[i];
        rd_kafka_header_add(headers, header->name, -1, header->value ? header->value : "", (ssize_t)header->size);
    }
    return headers;
}

/* Hands a record to librdkafka, which sends it by and by. Its bytes stay until it was delivered, or will not be. */
static rd_kafka_resp_err_t produce_one(struct kafka_bus *bus, const trading_bus_record *record, struct delivery *delivery)
{
    rd_kafka_headers_t *headers = headers_of(record);
    int32_t partition = record->partition == TRADING_BUS_BY_KEY ? RD_KAFKA_PARTITION_UA : (int32_t)record->partition;
    rd_kafka_resp_err_t err;
    while ((err = rd_kafka_producev(bus->producer, RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_PARTITION(partition),
                                    RD_KAFKA_V_KEY(record->key, record->key_size),
                                    RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value, record->value_size),
                                    RD_KAFKA_V_TIMESTAMP(record->time / 1000000), RD_KAFKA_V_HEADERS(headers),
                                    RD_KAFKA_V_OPAQUE(delivery), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(bus->producer, TURN);
    if (err && headers)
        rd_kafka_headers_destroy(headers);
    return err;
}

/* Sends records, and waits until each has arrived or will not. */
static rd_kafka_resp_err_t produce(struct kafka_bus *bus, const trading_bus_record *records, size_t count,
                                   struct delivery *delivery)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    char why[8];
    for (size_t i = 0; i < count && !err; i++) {
        err = produce_one(bus, &records[i], delivery);
        delivery->waiting += !err;
    }
    while (delivery->waiting) {
        rd_kafka_flush(bus->producer, TURN);
        if (rd_kafka_fatal_error(bus->producer, why, sizeof why))
            rd_kafka_purge(bus->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    }
    return err ? err : delivery->err;
}

/* ---- what failed ---- */

/* After a fatal error a producer is of no use. It says what the cause was, where the call that failed may say less. */
static int32_t fail(struct kafka_bus *bus, rd_kafka_resp_err_t err, trading_error *error)
{
    char why[160] = "";
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(bus->producer, why, sizeof why);
    if (!fatal)
        return client_error(bus, error, err, "publishing");
    int32_t code = client_error(bus, error, fatal, "publishing");
    if (code == TRADING_E_FENCED)
        return error_native(error, code, fatal,
                            "another publishes under the name \"%.80s\" by now, or its brokers took a transaction back: %.60s",
                            bus->publisher.writer, why);
    if (error)
        error->flags = (error->flags & ~TRADING_ERROR_RETRYABLE) | TRADING_ERROR_FATAL;
    return code;
}

/* The same for an error object, which is destroyed. */
static int32_t fail_with(struct kafka_bus *bus, rd_kafka_error_t *failure, trading_error *error)
{
    rd_kafka_resp_err_t err = rd_kafka_error_code(failure);
    rd_kafka_error_destroy(failure);
    return fail(bus, err, error);
}

/* ---- transactions ---- */

/* A commit that nobody answers is asked for again, and then has one outcome: librdkafka goes on with the same one. */
static int32_t commit(struct kafka_bus *bus, trading_error *error)
{
    struct publisher *publisher = &bus->publisher;
    publisher->outcome = COMMITTING;
    rd_kafka_error_t *failure = rd_kafka_commit_transaction(bus->producer, (int)bus->location.publish_timeout_ms);
    if (!failure) {
        publisher->outcome = SETTLED;
        if (publisher->pending >= 0) {
            publisher->mark = publisher->pending;
            publisher->mark_known = true;
        }
        return TRADING_OK;
    }
    if (rd_kafka_error_txn_requires_abort(failure)) {
        publisher->outcome = ABORTING;
        return client_failure(bus, error, failure, "committing");
    }
    if (rd_kafka_error_is_fatal(failure))
        fail_with(bus, failure, error);
    else
        client_failure(bus, error, failure, "committing");
    /* Whether it was committed the mark tells: this bus's, when it can be asked again, or that of who opens the name next. */
    if (error) {
        error->code = TRADING_E_OUTCOME_UNKNOWN;
        error->flags |= TRADING_ERROR_OUTCOME_UNKNOWN;
    }
    return TRADING_E_OUTCOME_UNKNOWN;
}

/* Gives a transaction up. What of it cannot be done now is done before the next. */
static int32_t give_up(struct kafka_bus *bus, trading_error *error)
{
    bus->publisher.outcome = ABORTING;
    rd_kafka_error_t *failure = rd_kafka_abort_transaction(bus->producer, (int)bus->location.publish_timeout_ms);
    if (!failure) {
        bus->publisher.outcome = SETTLED;
        return TRADING_OK;
    }
    return rd_kafka_error_is_fatal(failure) ? fail_with(bus, failure, error)
                                            : client_failure(bus, error, failure, "giving up a transaction");
}

/* Brings the transaction before to its end. */
static int32_t settle(struct kafka_bus *bus, trading_error *error)
{
    int32_t code = TRADING_OK;
    char why[8];
    if (rd_kafka_fatal_error(bus->producer, why, sizeof why))
        return fail(bus, RD_KAFKA_RESP_ERR__FATAL, error);
    if (bus->publisher.outcome == COMMITTING)
        code = commit(bus, error);
    if (bus->publisher.outcome == ABORTING)
        code = give_up(bus, error);
    return code;
}

static int32_t transact(struct kafka_bus *bus, const trading_bus_record *records, size_t count,
                        const trading_bus_record *marking, struct delivery *delivery, trading_error *error)
{
    rd_kafka_error_t *failure = rd_kafka_begin_transaction(bus->producer);
    if (failure)
        return fail_with(bus, failure, error);
    rd_kafka_resp_err_t err = produce(bus, records, count, delivery);
    if (!err && marking)
        err = produce(bus, marking, 1, delivery);
    int32_t code = err ? fail(bus, err, error) : commit(bus, error);
    if (bus->publisher.outcome == ABORTING || (err && code != TRADING_E_FENCED))
        give_up(bus, NULL);
    return code;
}

static int32_t publish_as_writer(struct kafka_bus *bus, const trading_bus_record *records, size_t count, int64_t mark,
                                 trading_error *error)
{
    struct mark_record marking;
    struct delivery delivery = {0};
    int32_t code = settle(bus, error);
    if (code)
        return code;
    bus->publisher.pending = mark;
    if (mark >= 0)
        marks_record(bus, mark, &marking);
    return transact(bus, records, count, mark >= 0 ? &marking.record : NULL, &delivery, error);
}

/* ---- the mark ---- */

/* A record that is committed behind all marks of this writer: who has read up to it has seen them all. */
static int32_t put_barrier(struct kafka_bus *bus, int64_t *position, trading_error *error)
{
    struct mark_record barrier;
    struct delivery delivery = {0};
    marks_barrier(bus, &barrier);
    bus->publisher.pending = -1;
    int32_t code = transact(bus, &barrier.record, 1, NULL, &delivery, error);
    *position = delivery.last;
    return code;
}

int32_t publisher_mark(struct kafka_bus *bus, int64_t *mark, trading_error *error)
{
    struct publisher *publisher = &bus->publisher;
    int64_t barrier;
    int32_t code = settle(bus, error);
    if (!code && !publisher->mark_known) {
        code = put_barrier(bus, &barrier, error);
        if (!code)
            code = marks_read(bus, barrier, &publisher->mark, error);
        publisher->mark_known = !code;
    }
    if (!code && publisher->mark < 0)
        code = error_set(error, TRADING_E_NOT_FOUND, "nothing was marked yet under the name \"%.80s\"", publisher->writer);
    if (!code)
        *mark = publisher->mark;
    return code;
}

/* ---- all of it ---- */

void publisher_close(struct kafka_bus *bus)
{
    if (!bus->producer)
        return;
    if (bus->publisher.outcome == ABORTING)
        give_up(bus, NULL); /* or its readers wait until brokers do it */
    rd_kafka_destroy(bus->producer);
}

static int32_t publish_plainly(struct kafka_bus *bus, const trading_bus_record *records, size_t count, trading_error *error)
{
    struct delivery delivery = {0};
    rd_kafka_resp_err_t err = produce(bus, records, count, &delivery);
    if (!err)
        return TRADING_OK;
    int32_t code = fail(bus, err, error);
    if (code == TRADING_E_TIMEOUT) { /* a broker may have it, and only its answer was lost */
        code = TRADING_E_OUTCOME_UNKNOWN;
        if (error) {
            error->code = code;
            error->flags |= TRADING_ERROR_OUTCOME_UNKNOWN;
        }
    }
    return code;
}

int32_t publish(struct kafka_bus *bus, const trading_bus_record *records, size_t count, int64_t mark, trading_error *error)
{
    struct publisher *publisher = &bus->publisher;
    int32_t code = check_records(bus, records, count, error);
    if (!code && publisher->writer[0])
        code = publish_as_writer(bus, records, count, mark, error);
    else if (!code)
        code = publish_plainly(bus, records, count, error);
    if (code) {
        publisher->failures++;
        return code;
    }
    publisher->records += count;
    for (size_t i = 0; i < count; i++)
        publisher->bytes += records[i].key_size + records[i].value_size;
    return TRADING_OK;
}
