#include "bus_contract.h"

#include "bus_trial.h"

#include <stdlib.h>
#include <string.h>

/* ---- buses ---- */

trading_bus *open_writer(struct trial *trial, const char *writer)
{
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    trading_bus *bus;
    options.writer = writer;
    ANSWERS(trial, TRADING_OK, trading_bus_open(&bus, trial->contract->host, trial->contract->uri, &options, &trial->error));
    for (int i = 0; i < OPEN_MOST; i++)
        if (!trial->open[i]) {
            trial->open[i] = bus;
            return bus;
        }
    trial_fail(trial->escape, __FILE__, __LINE__, "too many buses are open");
}

void close_bus(struct trial *trial, trading_bus *bus)
{
    for (int i = 0; i < OPEN_MOST; i++)
        if (trial->open[i] == bus)
            trial->open[i] = NULL;
    trading_bus_close(bus);
}

void open_consumer(struct trial *trial, struct consumer *consumer)
{
    *consumer = (struct consumer){.bus = open_writer(trial, NULL), .batch = BATCH};
}

void make_topic(struct trial *trial, struct consumer *consumer)
{
    open_consumer(trial, consumer);
    ANSWERS(trial, TRADING_OK, trading_bus_topic(consumer->bus, trial->topic, PARTITIONS, 0, &trial->error));
}

void close_consumer(struct trial *trial, struct consumer *consumer)
{
    close_bus(trial, consumer->bus);
}

/* ---- polling ---- */

static void describe(struct consumer *consumer, const trading_bus_record *record)
{
    size_t size = sizeof consumer->newest;
    int length =
        snprintf(consumer->newest, size, "%.*s=%.*s", (int)record->key_size, record->key ? (const char *)record->key : "",
                 (int)record->value_size, record->value ? (const char *)record->value : "");
    for (uint32_t i = 0; i < record->header_count && length > 0 && (size_t)length < size; i++)
        length +=
            snprintf(consumer->newest + length, size - (size_t)length, " %s:%.*s", record->headers[i].name,
                     (int)record->headers[i].size, record->headers[i].value ? (const char *)record->headers[i].value : "");
    consumer->time = record->time;
}

static void take_record(struct trial *trial, struct consumer *consumer, const trading_bus_record *record)
{
    uint32_t partition = record->partition;
    CHECK(trial, consumer->owned[partition] || consumer->followed[partition]);
    CHECK(trial, !consumer->revoked[partition]);
    CHECK(trial, record->position >= consumer->next[partition]);
    consumer->next[partition] = record->position + 1;
    consumer->count[partition]++;
    consumer->records++;
    describe(consumer, record);
}

static void take(struct trial *trial, struct consumer *consumer, const trading_bus_notice *notice)
{
    uint32_t partition = notice->record.partition;
    CHECK(trial, !strcmp(notice->record.topic, trial->topic) && partition < PARTITIONS);
    if (notice->kind == TRADING_BUS_RECORD) {
        take_record(trial, consumer, &notice->record);
    } else if (notice->kind == TRADING_BUS_OWNED) {
        CHECK(trial, !consumer->owned[partition]);
        consumer->owned[partition] = true;
    } else {
        CHECK(trial, notice->kind == TRADING_BUS_REVOKED && consumer->owned[partition] && !consumer->revoked[partition]);
        consumer->revoked[partition] = true;
    }
}

bool poll_once(struct trial *trial, struct consumer *consumer, int64_t timeout)
{
    trading_bus_notice notices[BATCH];
    size_t count;
    int32_t code = trading_bus_poll(consumer->bus, notices, consumer->batch, &count, timeout, &trial->error);
    if (code != TRADING_OK && code != TRADING_E_TIMEOUT)
        trial_fail_answer(trial->escape, __FILE__, __LINE__, "trading_bus_poll", TRADING_OK, code, &trial->error);
    CHECK(trial, code ? count == 0 : count > 0 && count <= consumer->batch);
    consumer->largest = count > consumer->largest ? count : consumer->largest;
    for (size_t i = 0; i < count; i++)
        take(trial, consumer, &notices[i]);
    return code == TRADING_OK;
}

void await_records(struct trial *trial, struct consumer *consumer, uint64_t count)
{
    while (consumer->records < count)
        CHECK(trial, poll_once(trial, consumer, trial->contract->patience));
    CHECK(trial, !poll_once(trial, consumer, trial->contract->silence));
    CHECK(trial, consumer->records == count);
}

/* ---- what is read ---- */

void join_group(struct trial *trial, struct consumer *consumer, const char *group)
{
    ANSWERS(trial, TRADING_OK, trading_bus_join(consumer->bus, group, trial->topic, &trial->error));
}

static int count_owned(const struct consumer *consumer)
{
    int count = 0;
    for (int i = 0; i < PARTITIONS; i++)
        count += consumer->owned[i];
    return count;
}

void await_owned(struct trial *trial, struct consumer *consumer, int count)
{
    while (count_owned(consumer) < count)
        CHECK(trial, poll_once(trial, consumer, trial->contract->patience));
    CHECK(trial, count_owned(consumer) == count);
}

void seek_owned(struct trial *trial, struct consumer *consumer)
{
    for (uint32_t i = 0; i < PARTITIONS; i++)
        if (consumer->owned[i] && !consumer->revoked[i])
            ANSWERS(trial, TRADING_OK, trading_bus_seek(consumer->bus, trial->topic, i, consumer->next[i], &trial->error));
}

void follow_all(struct trial *trial, struct consumer *consumer, int64_t position)
{
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        ANSWERS(trial, TRADING_OK, trading_bus_follow(consumer->bus, trial->topic, i, position, &trial->error));
        consumer->followed[i] = true;
    }
}

/* ---- publishing ---- */

trading_bus_record record_of(const struct trial *trial, const char *key, const char *value)
{
    return (trading_bus_record){.topic = trial->topic,
                                .partition = TRADING_BUS_BY_KEY,
                                .key = key,
                                .key_size = strlen(key),
                                .value = value,
                                .value_size = value ? strlen(value) : 0};
}

void publish_each(struct trial *trial, trading_bus *bus, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        char key[16];
        char value[16];
        snprintf(key, sizeof key, "key%d", i % 17);
        snprintf(value, sizeof value, "value%d", i);
        trading_bus_record record = record_of(trial, key, value);
        ANSWERS(trial, TRADING_OK, trading_bus_publish(bus, &record, 1, TRADING_BUS_NO_MARK, &trial->error));
    }
}

/* ---- running ---- */

static const struct bus_case *const lists[] = {bus_writing_cases, bus_reading_cases};
#define LISTS (sizeof lists / sizeof *lists)

static bool run_case(const struct bus_contract *contract, const struct bus_case *bus_case)
{
    struct trial *trial = calloc(1, sizeof *trial);
    if (!trial)
        return false;
    trial->contract = contract;
    snprintf(trial->topic, sizeof trial->topic, "%s%s", contract->prefix, bus_case->name);
    bool passed = !setjmp(trial->escape);
    if (passed)
        bus_case->run(trial);
    for (int i = 0; i < OPEN_MOST; i++)
        trading_bus_close(trial->open[i]);
    free(trial);
    return passed;
}

static void run_list(struct bus_contract *contract, const struct bus_case *list)
{
    for (; list->name; list++) {
        if (contract->only && !strstr(list->name, contract->only))
            continue;
        bool passed = run_case(contract, list);
        contract->passed += passed;
        contract->failed += !passed;
        printf("%s %s\n", passed ? "ok" : "not ok", list->name);
        fflush(stdout);
    }
}

int bus_contract_run(struct bus_contract *contract)
{
    for (size_t i = 0; i < LISTS; i++)
        run_list(contract, lists[i]);
    return contract->failed;
}

void bus_contract_list(void)
{
    for (size_t i = 0; i < LISTS; i++)
        for (const struct bus_case *at = lists[i]; at->name; at++)
            puts(at->name);
}
