#include "bus_contract.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PARTITIONS = 4, BUSES = 3, RECORDS = 100 };

struct trial {
    const struct bus_contract *contract;
    const struct bus_ops *ops;
    const char *topic; /* the case's name */
    trading_error error;
    jmp_buf escape;
};

#define CHECK(trial, condition)                                                                                                \
    do {                                                                                                                       \
        if (!(condition)) {                                                                                                    \
            fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #condition, (trial)->error.message);               \
            longjmp((trial)->escape, 1);                                                                                       \
        }                                                                                                                      \
    } while (0)

/* ---- a consumer, and what it was told ---- */

struct consumer {
    void *bus;
    bool owned[PARTITIONS];
    bool revoked[PARTITIONS];
    int64_t next[PARTITIONS]; /* the position of the record that should come */
    uint64_t records;
    bool wrong;
    char newest[64]; /* "key=value name:value" */
};

static void describe(char *text, size_t size, const struct bus_record *record)
{
    int length = snprintf(text, size, "%.*s=%.*s", (int)record->key_size, (const char *)record->key, (int)record->value_size,
                          (const char *)record->value);
    for (uint32_t i = 0; i < record->header_count && length > 0 && (size_t)length < size; i++)
        length += snprintf(text + length, size - (size_t)length, " %s:%.*s", record->headers[i].name,
                           (int)record->headers[i].size, (const char *)record->headers[i].value);
}

static void take(void *arg, const struct bus_notice *notice)
{
    struct consumer *consumer = arg;
    uint32_t partition = notice->record.partition;
    if (partition >= PARTITIONS) {
        consumer->wrong = true;
    } else if (notice->kind == BUS_OWNED) {
        consumer->wrong |= consumer->owned[partition];
        consumer->owned[partition] = true;
    } else if (notice->kind == BUS_REVOKED) {
        consumer->wrong |= !consumer->owned[partition] || consumer->revoked[partition];
        consumer->revoked[partition] = true;
    } else {
        consumer->wrong |= !consumer->owned[partition] || consumer->revoked[partition] ||
                           notice->record.position != consumer->next[partition]++;
        consumer->records++;
        describe(consumer->newest, sizeof consumer->newest, &notice->record);
    }
}

static void open_bus(struct trial *trial, struct consumer *consumer)
{
    *consumer = (struct consumer){0};
    CHECK(trial,
          trial->ops->open(&trial->contract->request, trial->contract->host, &consumer->bus, &trial->error) == TRADING_OK);
}

static void make_topic(struct trial *trial, struct consumer *consumer)
{
    open_bus(trial, consumer);
    CHECK(trial, trial->ops->topic(consumer->bus, trial->topic, PARTITIONS, &trial->error) == TRADING_OK);
}

static bool poll_once(struct trial *trial, struct consumer *consumer, int64_t timeout)
{
    int32_t code = trial->ops->poll(consumer->bus, timeout, take, consumer, &trial->error);
    CHECK(trial, code == TRADING_OK || code == TRADING_E_TIMEOUT);
    CHECK(trial, !consumer->wrong);
    return code == TRADING_OK;
}

static int count_owned(const struct consumer *consumer)
{
    int count = 0;
    for (int i = 0; i < PARTITIONS; i++)
        count += consumer->owned[i];
    return count;
}

static void join_group(struct trial *trial, struct consumer *consumer, const char *group)
{
    CHECK(trial, trial->ops->join(consumer->bus, group, trial->topic, &trial->error) == TRADING_OK);
}

static void await_owned(struct trial *trial, struct consumer *consumer, int count)
{
    while (count_owned(consumer) < count)
        CHECK(trial, poll_once(trial, consumer, trial->contract->patience));
    CHECK(trial, count_owned(consumer) == count);
}

static void seek_owned(struct trial *trial, struct consumer *consumer)
{
    for (uint32_t i = 0; i < PARTITIONS; i++)
        if (consumer->owned[i])
            CHECK(trial, trial->ops->seek(consumer->bus, i, consumer->next[i], &trial->error) == TRADING_OK);
}

static void publish(struct trial *trial, struct consumer *consumer, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        char key[16];
        char value[16];
        snprintf(key, sizeof key, "key%d", i % 17);
        snprintf(value, sizeof value, "value%d", i);
        struct bus_record record = {
            .topic = trial->topic, .key = key, .key_size = strlen(key), .value = value, .value_size = strlen(value)};
        CHECK(trial, trial->ops->publish(consumer->bus, &record, 1, &trial->error) == TRADING_OK);
    }
}

static int64_t count_published(struct trial *trial, struct consumer *consumer)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        int64_t end = -1;
        CHECK(trial, trial->ops->end(consumer->bus, trial->topic, i, &end, &trial->error) == TRADING_OK && end >= 0);
        sum += end;
    }
    return sum;
}

static void await_records(struct trial *trial, struct consumer *consumer, uint64_t count)
{
    while (consumer->records < count)
        CHECK(trial, poll_once(trial, consumer, trial->contract->patience));
    CHECK(trial, !poll_once(trial, consumer, trial->contract->silence));
    CHECK(trial, consumer->records == count);
}

/* ---- the cases ---- */

static void topics(struct trial *trial)
{
    struct consumer consumer;
    const struct bus_ops *ops = trial->ops;
    uint32_t count = 0;
    int64_t end;
    open_bus(trial, &consumer);
    struct bus_record record = {.topic = trial->topic, .key = "k", .key_size = 1, .value = "v", .value_size = 1};
    CHECK(trial, ops->partitions(consumer.bus, trial->topic, &count, NULL) == TRADING_E_NOT_FOUND);
    CHECK(trial, ops->publish(consumer.bus, &record, 1, NULL) == TRADING_E_NOT_FOUND);
    CHECK(trial, ops->join(consumer.bus, "group", trial->topic, NULL) == TRADING_E_NOT_FOUND);
    CHECK(trial, ops->topic(consumer.bus, trial->topic, 0, NULL) == TRADING_E_INVALID);
    CHECK(trial, ops->topic(consumer.bus, trial->topic, PARTITIONS, &trial->error) == TRADING_OK);
    CHECK(trial, ops->topic(consumer.bus, trial->topic, PARTITIONS, &trial->error) == TRADING_OK);
    CHECK(trial, ops->topic(consumer.bus, trial->topic, PARTITIONS + 1, &trial->error) == TRADING_E_INVALID);
    CHECK(trial, ops->partitions(consumer.bus, trial->topic, &count, &trial->error) == TRADING_OK && count == PARTITIONS);
    CHECK(trial, ops->end(consumer.bus, trial->topic, PARTITIONS, &end, NULL) == TRADING_E_NOT_FOUND);
    CHECK(trial, count_published(trial, &consumer) == 0);
    ops->close(consumer.bus);
}

static void publish_and_consume(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    join_group(trial, &consumer, trial->topic);
    publish(trial, &consumer, 0, RECORDS);
    await_owned(trial, &consumer, PARTITIONS);
    CHECK(trial, !poll_once(trial, &consumer, trial->contract->silence)); /* nothing before it says where to begin */
    seek_owned(trial, &consumer);
    await_records(trial, &consumer, RECORDS);
    CHECK(trial, count_published(trial, &consumer) == RECORDS);
    publish(trial, &consumer, RECORDS, 10);
    await_records(trial, &consumer, RECORDS + 10);
    trial->ops->close(consumer.bus);
}

static void key_and_headers(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    join_group(trial, &consumer, trial->topic);
    await_owned(trial, &consumer, PARTITIONS);
    seek_owned(trial, &consumer);
    const struct bus_header headers[] = {{"type", "order", 5}, {"empty", NULL, 0}};
    struct bus_record record = {.topic = trial->topic,
                                .key = "A-1",
                                .key_size = 3,
                                .value = "{}",
                                .value_size = 2,
                                .headers = headers,
                                .header_count = 2};
    CHECK(trial, trial->ops->publish(consumer.bus, &record, 1, &trial->error) == TRADING_OK);
    await_records(trial, &consumer, 1);
    CHECK(trial, !strcmp(consumer.newest, "A-1={} type:order empty:"));
    for (int i = 0; i < 5; i++) {
        record.value_size = (uint64_t)(i % 3);
        CHECK(trial, trial->ops->publish(consumer.bus, &record, 1, &trial->error) == TRADING_OK);
    }
    await_records(trial, &consumer, 6);
    int used = 0;
    for (int i = 0; i < PARTITIONS; i++)
        used += consumer.next[i] > 0;
    CHECK(trial, used == 1); /* the same key, the same partition */
    trial->ops->close(consumer.bus);
}

static void all_or_none(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    struct bus_record records[3];
    for (int i = 0; i < 3; i++)
        records[i] = (struct bus_record){.topic = trial->topic, .key = "k", .key_size = 1, .value = "v", .value_size = 1};
    records[2].topic = "no-such-topic";
    CHECK(trial, trial->ops->publish(consumer.bus, records, 3, NULL) == TRADING_E_NOT_FOUND);
    records[2].topic = trial->topic;
    records[2].key_size = 0;
    CHECK(trial, trial->ops->publish(consumer.bus, records, 3, NULL) == TRADING_E_INVALID);
    CHECK(trial, count_published(trial, &consumer) == 0);
    CHECK(trial, trial->ops->publish(consumer.bus, records, 2, &trial->error) == TRADING_OK);
    CHECK(trial, count_published(trial, &consumer) == 2);
    trial->ops->close(consumer.bus);
}

static void positions_are_the_consumers(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    publish(trial, &consumer, 0, RECORDS);
    join_group(trial, &consumer, trial->topic);
    await_owned(trial, &consumer, PARTITIONS);
    seek_owned(trial, &consumer);
    await_records(trial, &consumer, RECORDS);
    uint64_t again = 0;
    for (uint32_t i = 0; i < PARTITIONS; i++) { /* back to the middle of each */
        again += (uint64_t)(consumer.next[i] - consumer.next[i] / 2);
        consumer.next[i] /= 2;
    }
    consumer.records = 0;
    seek_owned(trial, &consumer);
    await_records(trial, &consumer, again);
    CHECK(trial, trial->ops->seek(consumer.bus, PARTITIONS, 0, NULL) == TRADING_E_INVALID);
    CHECK(trial, trial->ops->seek(consumer.bus, 0, -1, NULL) == TRADING_E_INVALID);
    trial->ops->close(consumer.bus);
}

static void two_groups(struct trial *trial)
{
    struct consumer first;
    struct consumer second;
    make_topic(trial, &first);
    open_bus(trial, &second);
    join_group(trial, &first, "first");
    join_group(trial, &second, "second");
    publish(trial, &first, 0, RECORDS);
    await_owned(trial, &first, PARTITIONS);
    await_owned(trial, &second, PARTITIONS);
    seek_owned(trial, &first);
    seek_owned(trial, &second);
    await_records(trial, &first, RECORDS);
    await_records(trial, &second, RECORDS);
    trial->ops->close(first.bus);
    trial->ops->close(second.bus);
}

/* Gives up what was revoked; where the consumer stood is what it committed. */
static int release_revoked(struct trial *trial, struct consumer *consumer)
{
    int count = 0;
    for (uint32_t i = 0; i < PARTITIONS; i++)
        if (consumer->revoked[i]) {
            CHECK(trial, trial->ops->release(consumer->bus, i, &trial->error) == TRADING_OK);
            CHECK(trial, trial->ops->seek(consumer->bus, i, 0, NULL) == TRADING_E_INVALID);
            consumer->owned[i] = consumer->revoked[i] = false;
            count++;
        }
    return count;
}

static void shared_out_anew(struct trial *trial)
{
    struct consumer first;
    struct consumer second;
    make_topic(trial, &first);
    open_bus(trial, &second);
    join_group(trial, &first, trial->topic);
    await_owned(trial, &first, PARTITIONS);
    seek_owned(trial, &first);
    publish(trial, &first, 0, RECORDS);
    await_records(trial, &first, RECORDS);
    join_group(trial, &second, trial->topic);
    int revoked = 0;
    while (revoked < PARTITIONS / 2) {
        CHECK(trial, poll_once(trial, &first, trial->contract->patience));
        revoked = 0;
        for (int i = 0; i < PARTITIONS; i++)
            revoked += first.revoked[i];
    }
    CHECK(trial, !poll_once(trial, &second, trial->contract->silence)); /* one owner at a time: not before the release */
    publish(trial, &first, 0, RECORDS);
    memcpy(second.next, first.next, sizeof second.next); /* as it is in the commits */
    CHECK(trial, release_revoked(trial, &first) == PARTITIONS / 2);
    await_owned(trial, &second, PARTITIONS / 2);
    for (int i = 0; i < PARTITIONS; i++)
        CHECK(trial, first.owned[i] != second.owned[i]);
    seek_owned(trial, &second);
    while (first.records + second.records < 2 * RECORDS)
        CHECK(trial, poll_once(trial, &first, 0) || poll_once(trial, &second, trial->contract->patience));
    trial->ops->close(second.bus);
    await_owned(trial, &first, PARTITIONS); /* one that is gone has released all */
    trial->ops->close(first.bus);
}

struct publisher {
    struct trial *trial;
    struct consumer consumer;
    pthread_t thread;
    bool failed;
};

static void *publish_in_thread(void *arg)
{
    struct publisher *publisher = arg;
    struct bus_record record = {.topic = publisher->trial->topic, .key_size = 1, .value = "v", .value_size = 1};
    for (int i = 0; i < RECORDS && !publisher->failed; i++) {
        record.key = &"abcdefgh"[i % 8];
        publisher->failed = publisher->trial->ops->publish(publisher->consumer.bus, &record, 1, NULL) != TRADING_OK;
    }
    return NULL;
}

static void published_while_waiting(struct trial *trial)
{
    struct consumer consumer;
    struct publisher publishers[BUSES];
    make_topic(trial, &consumer);
    join_group(trial, &consumer, trial->topic);
    await_owned(trial, &consumer, PARTITIONS);
    seek_owned(trial, &consumer);
    for (int i = 0; i < BUSES; i++) {
        publishers[i] = (struct publisher){.trial = trial};
        open_bus(trial, &publishers[i].consumer);
        CHECK(trial, pthread_create(&publishers[i].thread, NULL, publish_in_thread, &publishers[i]) == 0);
    }
    await_records(trial, &consumer, BUSES * RECORDS);
    for (int i = 0; i < BUSES; i++) {
        pthread_join(publishers[i].thread, NULL);
        CHECK(trial, !publishers[i].failed);
        trial->ops->close(publishers[i].consumer.bus);
    }
    trial->ops->close(consumer.bus);
}

static void misused(struct trial *trial)
{
    const struct bus_ops *ops = trial->ops;
    struct consumer consumer;
    make_topic(trial, &consumer);
    struct bus_request small = trial->contract->request;
    small.size = 4;
    void *bus;
    CHECK(trial, ops->open(&small, trial->contract->host, &bus, NULL) == TRADING_E_ABI);
    CHECK(trial, ops->open(NULL, trial->contract->host, &bus, NULL) == TRADING_E_INVALID);
    CHECK(trial, ops->poll(consumer.bus, 0, NULL, NULL, NULL) == TRADING_E_INVALID);
    CHECK(trial, ops->poll(consumer.bus, 0, take, &consumer, NULL) == TRADING_E_TIMEOUT); /* it is in no group */
    CHECK(trial, ops->seek(consumer.bus, 0, 0, NULL) == TRADING_E_INVALID);
    CHECK(trial, ops->release(consumer.bus, 0, NULL) == TRADING_E_INVALID);
    join_group(trial, &consumer, trial->topic);
    CHECK(trial, ops->join(consumer.bus, "another", trial->topic, NULL) == TRADING_E_INVALID);
    ops->close(consumer.bus);
    ops->close(NULL);
}

/* ---- running ---- */

static const struct {
    const char *name;
    void (*run)(struct trial *trial);
} cases[] = {
    {"topics", topics},
    {"publish-and-consume", publish_and_consume},
    {"key-and-headers", key_and_headers},
    {"all-or-none", all_or_none},
    {"positions-are-the-consumers", positions_are_the_consumers},
    {"two-groups", two_groups},
    {"shared-out-anew", shared_out_anew},
    {"published-while-waiting", published_while_waiting},
    {"misused", misused},
};

static bool run_case(const struct bus_contract *contract, size_t index)
{
    struct trial trial = {.contract = contract, .ops = contract->ops, .topic = cases[index].name};
    if (setjmp(trial.escape))
        return false;
    cases[index].run(&trial);
    return true;
}

int bus_contract_run(const struct bus_contract *contract)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool passed = run_case(contract, i);
        failed += !passed;
        printf("%s %s\n", passed ? "ok" : "not ok", cases[i].name);
        fflush(stdout);
    }
    return failed;
}
