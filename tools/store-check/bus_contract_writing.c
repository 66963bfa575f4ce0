/* Topics, publishing, writers and their marks. */
#include "bus_trial.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

static void topics(struct trial *trial)
{
    struct consumer consumer;
    uint32_t count = 0;
    int64_t end;
    open_consumer(trial, &consumer);
    trading_bus *bus = consumer.bus;
    trading_error *error = &trial->error;
    trading_bus_record record = record_of(trial, "k", "v");
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_partitions(bus, trial->topic, &count, error));
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_publish(bus, &record, 1, TRADING_BUS_NO_MARK, error));
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_join(bus, trial->topic, trial->topic, error));
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_follow(bus, trial->topic, 0, 0, error));
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_end(bus, trial->topic, 0, &end, error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_topic(bus, trial->topic, 0, 0, error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_topic(bus, trial->topic, 1, 0x80000000u, error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_topic(bus, "no spaces", 1, 0, error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_topic(bus, "", 1, 0, error));
    ANSWERS(trial, TRADING_OK, trading_bus_topic(bus, trial->topic, PARTITIONS, 0, error));
    ANSWERS(trial, TRADING_OK, trading_bus_topic(bus, trial->topic, PARTITIONS, 0, error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_topic(bus, trial->topic, PARTITIONS + 1, 0, error));
    ANSWERS(trial, TRADING_OK, trading_bus_partitions(bus, trial->topic, &count, error));
    CHECK(trial, count == PARTITIONS);
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_end(bus, trial->topic, PARTITIONS, &end, error));
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_follow(bus, trial->topic, PARTITIONS, 0, error));
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        ANSWERS(trial, TRADING_OK, trading_bus_end(bus, trial->topic, i, &end, error));
        CHECK(trial, end == 0);
    }
    close_consumer(trial, &consumer);
}

static void key_and_headers(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    follow_all(trial, &consumer, TRADING_BUS_OLDEST);
    const trading_bus_header headers[] = {{"type", "order", 5}, {"empty", NULL, 0}};
    trading_bus_record record = record_of(trial, "A-1", "{}");
    record.headers = headers;
    record.header_count = 2;
    record.time = INT64_C(1700000000123) * 1000000;
    ANSWERS(trial, TRADING_OK, trading_bus_publish(consumer.bus, &record, 1, TRADING_BUS_NO_MARK, &trial->error));
    await_records(trial, &consumer, 1);
    CHECK(trial, !strcmp(consumer.newest, "A-1={} type:order empty:"));
    CHECK(trial, consumer.time / 1000000 == record.time / 1000000);
    record.time = 0;
    for (int i = 0; i < 5; i++) {
        record.value_size = (uint64_t)(i % 3);
        ANSWERS(trial, TRADING_OK, trading_bus_publish(consumer.bus, &record, 1, TRADING_BUS_NO_MARK, &trial->error));
    }
    await_records(trial, &consumer, 6);
    CHECK(trial, consumer.time > INT64_C(1700000000123) * 1000000);
    int used = 0;
    for (int i = 0; i < PARTITIONS; i++)
        used += consumer.count[i] > 0;
    CHECK(trial, used == 1); /* one key, one partition */
    close_consumer(trial, &consumer);
}

static void partition_by_number(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    follow_all(trial, &consumer, TRADING_BUS_OLDEST);
    trading_bus_record records[PARTITIONS * 3];
    for (uint32_t i = 0; i < PARTITIONS * 3; i++) {
        records[i] = record_of(trial, "k", "v");
        records[i].partition = i % PARTITIONS;
        if (i % 2) {
            records[i].key = NULL;
            records[i].key_size = 0;
        }
    }
    ANSWERS(trial, TRADING_OK, trading_bus_publish(consumer.bus, records, PARTITIONS * 3, TRADING_BUS_NO_MARK, &trial->error));
    await_records(trial, &consumer, PARTITIONS * 3);
    for (int i = 0; i < PARTITIONS; i++)
        CHECK(trial, consumer.count[i] == 3);
    records[0].partition = PARTITIONS;
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_publish(consumer.bus, records, 2, TRADING_BUS_NO_MARK, &trial->error));
    records[0] = record_of(trial, "k", "v");
    records[0].key_size = 0;
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_publish(consumer.bus, records, 2, TRADING_BUS_NO_MARK, &trial->error));
    await_records(trial, &consumer, PARTITIONS * 3);
    close_consumer(trial, &consumer);
}

static void in_order(struct trial *trial)
{
    enum { MANY = 500 };
    struct consumer consumer;
    make_topic(trial, &consumer);
    static char values[MANY][8];
    static trading_bus_record records[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(values[i], sizeof values[i], "%d", i);
        records[i] = record_of(trial, "the same", values[i]);
    }
    ANSWERS(trial, TRADING_OK, trading_bus_publish(consumer.bus, records, MANY, TRADING_BUS_NO_MARK, &trial->error));
    consumer.batch = 1;
    follow_all(trial, &consumer, TRADING_BUS_OLDEST);
    char expected[32];
    for (int i = 0; i < MANY; i++) {
        CHECK(trial, poll_once(trial, &consumer, trial->contract->patience));
        snprintf(expected, sizeof expected, "the same=%d", i);
        CHECK(trial, !strcmp(consumer.newest, expected));
    }
    await_records(trial, &consumer, MANY);
    close_consumer(trial, &consumer);
}

static void all_or_none(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    follow_all(trial, &consumer, TRADING_BUS_OLDEST);
    trading_bus *writer = open_writer(trial, trial->topic);
    trading_bus_record records[3] = {record_of(trial, "a", "1"), record_of(trial, "b", "2"), record_of(trial, "c", "3")};
    records[1].topic = "a-topic-that-is-not-there";
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_publish(writer, records, 3, 7, &trial->error));
    int64_t mark;
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_mark(writer, &mark, &trial->error));
    CHECK(trial, !poll_once(trial, &consumer, trial->contract->silence));
    records[1].topic = trial->topic;
    ANSWERS(trial, TRADING_OK, trading_bus_publish(writer, records, 3, 8, &trial->error));
    await_records(trial, &consumer, 3);
    close_bus(trial, writer);
    close_consumer(trial, &consumer);
}

static int64_t mark_of(struct trial *trial, trading_bus *writer)
{
    int64_t mark = -5;
    ANSWERS(trial, TRADING_OK, trading_bus_mark(writer, &mark, &trial->error));
    return mark;
}

static void marks(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    trading_bus *writer = open_writer(trial, trial->topic);
    int64_t mark;
    ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_mark(writer, &mark, &trial->error));
    ANSWERS(trial, TRADING_OK, trading_bus_publish(writer, NULL, 0, 0, &trial->error));
    CHECK(trial, mark_of(trial, writer) == 0);
    for (int64_t i = 1; i <= 30; i++) {
        trading_bus_record records[2] = {record_of(trial, "a", "1"), record_of(trial, "b", "2")};
        ANSWERS(trial, TRADING_OK, trading_bus_publish(writer, records, 2, i * 1000, &trial->error));
        CHECK(trial, mark_of(trial, writer) == i * 1000);
    }
    trading_bus_record plain = record_of(trial, "c", "3");
    ANSWERS(trial, TRADING_OK, trading_bus_publish(writer, &plain, 1, TRADING_BUS_NO_MARK, &trial->error));
    close_bus(trial, writer);
    writer = open_writer(trial, trial->topic);
    CHECK(trial, mark_of(trial, writer) == 30000);
    ANSWERS(trial, TRADING_OK, trading_bus_publish(writer, NULL, 0, INT64_MAX, &trial->error));
    ANSWERS(trial, TRADING_OK, trading_bus_publish(writer, &plain, 1, 5, &trial->error)); /* it is the newest that counts */
    close_bus(trial, writer);
    writer = open_writer(trial, trial->topic);
    CHECK(trial, mark_of(trial, writer) == 5);
    follow_all(trial, &consumer, TRADING_BUS_OLDEST);
    await_records(trial, &consumer, 62);
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_mark(consumer.bus, &mark, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_publish(consumer.bus, &plain, 1, 5, &trial->error));
    close_bus(trial, writer);
    close_consumer(trial, &consumer);
}

static void fenced(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    follow_all(trial, &consumer, TRADING_BUS_OLDEST);
    trading_bus_record record = record_of(trial, "k", "v");
    trading_bus *earlier = open_writer(trial, trial->topic);
    ANSWERS(trial, TRADING_OK, trading_bus_publish(earlier, &record, 1, 1, &trial->error));
    trading_bus *later = open_writer(trial, trial->topic);
    CHECK(trial, mark_of(trial, later) == 1);
    ANSWERS(trial, TRADING_E_FENCED, trading_bus_publish(earlier, &record, 1, 2, &trial->error));
    CHECK(trial, trial->error.flags & TRADING_ERROR_FATAL && !(trial->error.flags & TRADING_ERROR_RETRYABLE));
    ANSWERS(trial, TRADING_E_FENCED, trading_bus_publish(earlier, &record, 1, TRADING_BUS_NO_MARK, &trial->error));
    CHECK(trial, mark_of(trial, later) == 1);
    ANSWERS(trial, TRADING_OK, trading_bus_publish(later, &record, 1, 3, &trial->error));
    close_bus(trial, earlier);
    ANSWERS(trial, TRADING_OK, trading_bus_publish(later, &record, 1, 4, &trial->error));
    CHECK(trial, mark_of(trial, later) == 4);
    await_records(trial, &consumer, 3);
    close_bus(trial, later);
    close_consumer(trial, &consumer);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * TRADING_NANOSECONDS_PER_SECOND + time.tv_nsec;
}

/* Until a mark that was published is there for anybody to see. */
static void await_mark_of(struct trial *trial, trading_bus *watcher, int64_t expected)
{
    int64_t mark = TRADING_BUS_NO_MARK;
    for (int64_t limit = now() + trial->contract->patience; mark != expected;) {
        int32_t code = trading_bus_mark_of(watcher, trial->topic, &mark, &trial->error);
        CHECK(trial, code == TRADING_OK || (code == TRADING_E_NOT_FOUND && mark == TRADING_BUS_NO_MARK));
        CHECK(trial, mark <= expected && now() < limit);
    }
}

static void marks_of_others(struct trial *trial)
{
    struct consumer watcher;
    make_topic(trial, &watcher);
    int64_t mark = -5;
    int32_t code = trading_bus_mark_of(watcher.bus, trial->topic, &mark, &trial->error);
    CHECK(trial, code == TRADING_E_NOT_FOUND || code == TRADING_E_UNSUPPORTED);
    trading_bus *writer = open_writer(trial, trial->topic);
    trading_bus_record record = record_of(trial, "k", "v");
    for (int64_t i = 1; code != TRADING_E_UNSUPPORTED && i <= 3; i++) {
        ANSWERS(trial, TRADING_OK, trading_bus_publish(writer, &record, 1, i * 1000, &trial->error)); /* and is not fenced */
        await_mark_of(trial, watcher.bus, i * 1000);
        CHECK(trial, mark_of(trial, writer) == i * 1000);
    }
    if (code != TRADING_E_UNSUPPORTED) {
        ANSWERS(trial, TRADING_E_NOT_FOUND, trading_bus_mark_of(watcher.bus, "nobody-ever", &mark, &trial->error));
        await_mark_of(trial, writer, 3000); /* a writer may ask like anybody else */
        close_bus(trial, writer);
        await_mark_of(trial, watcher.bus, 3000);
    }
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_mark_of(watcher.bus, "not a name", &mark, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_mark_of(watcher.bus, trial->topic, NULL, &trial->error));
    close_consumer(trial, &watcher);
}

static void several_writers(struct trial *trial)
{
    struct consumer consumer;
    trading_bus *writers[BUSES];
    make_topic(trial, &consumer);
    for (int i = 0; i < BUSES; i++) {
        char name[220];
        snprintf(name, sizeof name, "%s.%d", trial->topic, i);
        writers[i] = open_writer(trial, name);
    }
    trading_bus_record record = record_of(trial, "k", "v");
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < BUSES; i++)
            ANSWERS(trial, TRADING_OK, trading_bus_publish(writers[i], &record, 1, round * 10 + i, &trial->error));
    for (int i = 0; i < BUSES; i++) {
        CHECK(trial, mark_of(trial, writers[i]) == 40 + i);
        close_bus(trial, writers[i]);
    }
    follow_all(trial, &consumer, TRADING_BUS_OLDEST);
    await_records(trial, &consumer, 5 * BUSES);
    close_consumer(trial, &consumer);
}

/* Which of the keys a, b and c a reader finds, with the newest value of each. */
struct kept {
    char newest[3][16];
    bool forgotten[3];
};

static void keep(struct kept *kept, const trading_bus_record *record)
{
    int key = ((const char *)record->key)[0] - 'a';
    snprintf(kept->newest[key], sizeof kept->newest[key], "%.*s", (int)record->value_size,
             record->value ? (const char *)record->value : "");
    kept->forgotten[key] = !record->value;
}

static void compacted(struct trial *trial)
{
    struct consumer consumer;
    struct kept kept = {0};
    open_consumer(trial, &consumer);
    ANSWERS(trial, TRADING_OK, trading_bus_topic(consumer.bus, trial->topic, 1, TRADING_BUS_COMPACTED, &trial->error));
    for (int i = 0; i < 30; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        trading_bus_record record = record_of(trial, (const char *[]){"a", "b", "c"}[i % 3], i < 29 ? value : NULL);
        ANSWERS(trial, TRADING_OK, trading_bus_publish(consumer.bus, &record, 1, TRADING_BUS_NO_MARK, &trial->error));
    }
    trading_bus_record keyless = record_of(trial, "", "v");
    keyless.key = NULL;
    keyless.partition = 0;
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_publish(consumer.bus, &keyless, 1, TRADING_BUS_NO_MARK, &trial->error));
    ANSWERS(trial, TRADING_OK, trading_bus_follow(consumer.bus, trial->topic, 0, TRADING_BUS_OLDEST, &trial->error));
    trading_bus_notice notices[BATCH];
    size_t count;
    while (!kept.forgotten[2]) {
        ANSWERS(trial, TRADING_OK,
                trading_bus_poll(consumer.bus, notices, BATCH, &count, trial->contract->patience, &trial->error));
        for (size_t i = 0; i < count; i++)
            keep(&kept, &notices[i].record);
    }
    CHECK(trial, !strcmp(kept.newest[0], "27") && !strcmp(kept.newest[1], "28"));
    CHECK(trial, !kept.forgotten[0] && !kept.forgotten[1]);
    close_consumer(trial, &consumer);
}

struct publisher {
    const struct trial *trial;
    trading_bus *bus;
    pthread_t thread;
    int32_t code;
};

static void *publish_in_thread(void *arg)
{
    struct publisher *publisher = arg;
    for (int i = 0; i < RECORDS && !publisher->code; i++) {
        trading_bus_record record = record_of(publisher->trial, (const char *[]){"a", "b", "c", "d", "e"}[i % 5], "v");
        publisher->code = trading_bus_publish(publisher->bus, &record, 1, TRADING_BUS_NO_MARK, NULL);
    }
    return NULL;
}

/* Two threads on one bus, and others beside, while somebody waits. */
static void published_while_waiting(struct trial *trial)
{
    struct consumer consumer;
    struct publisher publishers[BUSES + 1];
    make_topic(trial, &consumer);
    follow_all(trial, &consumer, TRADING_BUS_END);
    for (int i = 0; i <= BUSES; i++) {
        publishers[i] = (struct publisher){.trial = trial, .bus = i ? open_writer(trial, NULL) : consumer.bus};
        CHECK(trial, !pthread_create(&publishers[i].thread, NULL, publish_in_thread, &publishers[i]));
    }
    while (consumer.records < (BUSES + 1) * RECORDS && poll_once(trial, &consumer, trial->contract->patience))
        ;
    for (int i = 0; i <= BUSES; i++)
        pthread_join(publishers[i].thread, NULL);
    for (int i = 0; i <= BUSES; i++)
        CHECK(trial, publishers[i].code == TRADING_OK);
    await_records(trial, &consumer, (BUSES + 1) * RECORDS);
    for (int i = 1; i <= BUSES; i++)
        close_bus(trial, publishers[i].bus);
    close_consumer(trial, &consumer);
}

const struct bus_case bus_writing_cases[] = {
    {"topics", topics},
    {"key-and-headers", key_and_headers},
    {"partition-by-number", partition_by_number},
    {"in-order", in_order},
    {"all-or-none", all_or_none},
    {"marks", marks},
    {"marks-of-others", marks_of_others},
    {"fenced", fenced},
    {"several-writers", several_writers},
    {"compacted", compacted},
    {"published-while-waiting", published_while_waiting},
    {0},
};
