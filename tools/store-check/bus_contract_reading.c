/* Following, groups, positions, and what a bus tells of itself. */
#include "bus_trial.h"

#include <string.h>

static void owned_and_read(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    join_group(trial, &consumer, trial->topic);
    publish_each(trial, consumer.bus, 0, RECORDS);
    await_owned(trial, &consumer, PARTITIONS);
    CHECK(trial, !poll_once(trial, &consumer, trial->contract->silence)); /* nothing before it says where to begin */
    seek_owned(trial, &consumer);
    await_records(trial, &consumer, RECORDS);
    CHECK(trial, consumer.largest > 1);
    publish_each(trial, consumer.bus, RECORDS, 10);
    await_records(trial, &consumer, RECORDS + 10);
    close_consumer(trial, &consumer);
}

static void ends(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    follow_all(trial, &consumer, TRADING_BUS_END);
    trading_bus *writer = open_writer(trial, trial->topic);
    for (int round = 0; round < 5; round++) {
        publish_each(trial, round % 2 ? consumer.bus : writer, 0, 20);
        await_records(trial, &consumer, (uint64_t)(round + 1) * 20);
        for (uint32_t i = 0; i < PARTITIONS; i++) {
            int64_t end;
            ANSWERS(trial, TRADING_OK, trading_bus_end(consumer.bus, trial->topic, i, &end, &trial->error));
            CHECK(trial, end >= consumer.next[i]); /* what was read is below it, and what comes is not */
            consumer.next[i] = end;
        }
    }
    close_bus(trial, writer);
    close_consumer(trial, &consumer);
}

static void positions_are_the_readers(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    publish_each(trial, consumer.bus, 0, RECORDS);
    join_group(trial, &consumer, trial->topic);
    await_owned(trial, &consumer, PARTITIONS);
    seek_owned(trial, &consumer);
    await_records(trial, &consumer, RECORDS);
    memset(consumer.next, 0, sizeof consumer.next); /* from the start again, */
    seek_owned(trial, &consumer);
    await_records(trial, &consumer, 2 * RECORDS);
    for (int i = 0; i < PARTITIONS; i++) /* the newest of each again */
        consumer.next[i] -= consumer.next[i] > 0;
    seek_owned(trial, &consumer);
    await_records(trial, &consumer, 2 * RECORDS + PARTITIONS);
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_seek(consumer.bus, trial->topic, PARTITIONS, 0, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_seek(consumer.bus, trial->topic, 0, -3, &trial->error));
    close_consumer(trial, &consumer);
}

static void beyond_the_end(struct trial *trial)
{
    struct consumer consumer;
    trading_bus_notice notice;
    size_t count;
    make_topic(trial, &consumer);
    publish_each(trial, consumer.bus, 0, RECORDS);
    ANSWERS(trial, TRADING_OK, trading_bus_follow(consumer.bus, trial->topic, 1, 1000000, &trial->error));
    consumer.followed[1] = true;
    ANSWERS(trial, TRADING_E_POSITION,
            trading_bus_poll(consumer.bus, &notice, 1, &count, trial->contract->patience, &trial->error));
    CHECK(trial, !(trial->error.flags & TRADING_ERROR_FATAL));
    CHECK(trial, !poll_once(trial, &consumer, trial->contract->silence));
    ANSWERS(trial, TRADING_OK, trading_bus_seek(consumer.bus, trial->topic, 1, 0, &trial->error));
    CHECK(trial, poll_once(trial, &consumer, trial->contract->patience));
    close_consumer(trial, &consumer);
}

static void followed(struct trial *trial)
{
    struct consumer oldest;
    struct consumer newest;
    make_topic(trial, &oldest);
    open_consumer(trial, &newest);
    publish_each(trial, oldest.bus, 0, RECORDS);
    follow_all(trial, &oldest, TRADING_BUS_OLDEST);
    follow_all(trial, &newest, TRADING_BUS_END);
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_follow(oldest.bus, trial->topic, 0, 0, &trial->error));
    await_records(trial, &oldest, RECORDS);
    publish_each(trial, oldest.bus, 0, 10);
    await_records(trial, &oldest, RECORDS + 10);
    await_records(trial, &newest, 10);
    for (uint32_t i = 1; i < PARTITIONS; i++) {
        ANSWERS(trial, TRADING_OK, trading_bus_release(newest.bus, trial->topic, i, &trial->error));
        newest.followed[i] = false;
        ANSWERS(trial, TRADING_E_INVALID, trading_bus_release(newest.bus, trial->topic, i, &trial->error));
        ANSWERS(trial, TRADING_E_INVALID, trading_bus_seek(newest.bus, trial->topic, i, 0, &trial->error));
    }
    ANSWERS(trial, TRADING_OK, trading_bus_seek(newest.bus, trial->topic, 0, TRADING_BUS_OLDEST, &trial->error));
    newest.next[0] = 0;
    await_records(trial, &newest, 10 + oldest.count[0]);
    close_consumer(trial, &newest);
    close_consumer(trial, &oldest);
}

/* What one owns another may follow, and so may itself, another topic. */
static void owned_and_followed(struct trial *trial)
{
    struct consumer owner;
    struct consumer follower;
    make_topic(trial, &owner);
    open_consumer(trial, &follower);
    join_group(trial, &owner, trial->topic);
    follow_all(trial, &follower, TRADING_BUS_OLDEST);
    await_owned(trial, &owner, PARTITIONS);
    seek_owned(trial, &owner);
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_follow(owner.bus, trial->topic, 0, 0, &trial->error));
    publish_each(trial, owner.bus, 0, RECORDS);
    await_records(trial, &owner, RECORDS);
    await_records(trial, &follower, RECORDS);
    close_consumer(trial, &follower);
    close_consumer(trial, &owner);
}

static void two_groups(struct trial *trial)
{
    struct consumer first;
    struct consumer second;
    char name[220];
    make_topic(trial, &first);
    open_consumer(trial, &second);
    join_group(trial, &first, trial->topic);
    snprintf(name, sizeof name, "%s.second", trial->topic);
    join_group(trial, &second, name);
    publish_each(trial, first.bus, 0, RECORDS);
    await_owned(trial, &first, PARTITIONS);
    await_owned(trial, &second, PARTITIONS);
    seek_owned(trial, &first);
    seek_owned(trial, &second);
    await_records(trial, &first, RECORDS);
    await_records(trial, &second, RECORDS);
    close_consumer(trial, &first);
    close_consumer(trial, &second);
}

static int count_revoked(const struct consumer *consumer)
{
    int count = 0;
    for (int i = 0; i < PARTITIONS; i++)
        count += consumer->revoked[i];
    return count;
}

/* Gives up what was revoked; where the consumer stood is what it committed. */
static void release_revoked(struct trial *trial, struct consumer *consumer)
{
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        if (!consumer->revoked[i])
            continue;
        ANSWERS(trial, TRADING_E_INVALID, trading_bus_seek(consumer->bus, trial->topic, i, 0, &trial->error));
        ANSWERS(trial, TRADING_OK, trading_bus_release(consumer->bus, trial->topic, i, &trial->error));
        ANSWERS(trial, TRADING_E_INVALID, trading_bus_seek(consumer->bus, trial->topic, i, 0, &trial->error));
        consumer->owned[i] = consumer->revoked[i] = false;
    }
}

/* Both poll in turn, as members of a group do, until one of them was told something. */
static void poll_both(struct trial *trial, struct consumer *one, struct consumer *other)
{
    const int64_t turn = 20000000;
    bool told = false;
    for (int64_t waited = 0; !told && waited <= trial->contract->patience; waited += turn)
        told = poll_once(trial, one, 0) || poll_once(trial, other, turn);
    CHECK(trial, told);
}

static void shared_out_anew(struct trial *trial)
{
    struct consumer first;
    struct consumer second;
    make_topic(trial, &first);
    open_consumer(trial, &second);
    join_group(trial, &first, trial->topic);
    await_owned(trial, &first, PARTITIONS);
    seek_owned(trial, &first);
    publish_each(trial, first.bus, 0, RECORDS);
    await_records(trial, &first, RECORDS);
    join_group(trial, &second, trial->topic);
    while (count_revoked(&first) < PARTITIONS / 2)
        poll_both(trial, &second, &first);
    CHECK(trial, !poll_once(trial, &second, trial->contract->silence)); /* one owner at a time: not before the release */
    publish_each(trial, second.bus, 0, RECORDS);
    uint64_t before = first.records;
    while (first.records == before) /* what stays goes on meanwhile */
        CHECK(trial, poll_once(trial, &first, trial->contract->patience));
    memcpy(second.next, first.next, sizeof second.next); /* as it is in the commits */
    release_revoked(trial, &first);
    while (!second.owned[0] && !second.owned[1] && !second.owned[2] && !second.owned[3])
        poll_both(trial, &first, &second);
    await_owned(trial, &second, PARTITIONS / 2);
    for (int i = 0; i < PARTITIONS; i++)
        CHECK(trial, first.owned[i] != second.owned[i]);
    seek_owned(trial, &second);
    while (first.records + second.records < 2 * RECORDS)
        poll_both(trial, &first, &second);
    CHECK(trial, first.records + second.records == 2 * RECORDS);
    close_consumer(trial, &second);
    await_owned(trial, &first, PARTITIONS); /* one that is gone has released all */
    close_consumer(trial, &first);
}

static void given_up(struct trial *trial)
{
    struct consumer consumer;
    make_topic(trial, &consumer);
    join_group(trial, &consumer, trial->topic);
    await_owned(trial, &consumer, PARTITIONS);
    seek_owned(trial, &consumer);
    ANSWERS(trial, TRADING_OK, trading_bus_release(consumer.bus, trial->topic, 2, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_seek(consumer.bus, trial->topic, 2, 0, &trial->error));
    consumer.owned[2] = false;
    publish_each(trial, consumer.bus, 0, RECORDS);
    await_owned(trial, &consumer, PARTITIONS); /* there is nobody else */
    CHECK(trial, consumer.count[2] == 0);
    seek_owned(trial, &consumer);
    while (consumer.records < RECORDS) {
        consumer.batch = 3;
        CHECK(trial, poll_once(trial, &consumer, trial->contract->patience));
    }
    CHECK(trial, consumer.count[2] > 0);
    close_consumer(trial, &consumer);
}

struct told {
    int64_t published;
    int64_t consumed;
    int64_t lag;
    bool odd;
};

static void tell(void *context, const trading_bus_metric *metric)
{
    struct told *told = context;
    if (!strcmp(metric->name, "published_records"))
        told->published = metric->value;
    if (!strcmp(metric->name, "consumed_records"))
        told->consumed = metric->value;
    if (!strcmp(metric->name, "lag"))
        told->lag += metric->value;
    told->odd |= strspn(metric->name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(metric->name);
}

static void metrics(struct trial *trial)
{
    struct consumer consumer;
    struct told told = {0};
    make_topic(trial, &consumer);
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    options.metric = tell;
    options.metric_context = &told;
    options.metric_interval = 0;
    publish_each(trial, consumer.bus, 0, RECORDS);
    follow_all(trial, &consumer, TRADING_BUS_OLDEST);
    await_records(trial, &consumer, RECORDS);
    int32_t code = trading_bus_metrics(consumer.bus, tell, &told, &trial->error);
    CHECK(trial, code == TRADING_OK || code == TRADING_E_UNSUPPORTED);
    CHECK(trial, code || (told.published == RECORDS && told.consumed == RECORDS && !told.odd && told.lag <= PARTITIONS));
    close_consumer(trial, &consumer);
    told.published = -1;
    ANSWERS(trial, TRADING_OK,
            trading_bus_open(&consumer.bus, trial->contract->host, trial->contract->uri, &options, &trial->error));
    poll_once(trial, &consumer, 0);
    trading_bus_close(consumer.bus);
    CHECK(trial, code || told.published == 0);
}

static void misused(struct trial *trial)
{
    struct consumer consumer;
    trading_bus_notice notice;
    size_t count;
    trading_error *error = &trial->error;
    make_topic(trial, &consumer);
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_poll(consumer.bus, NULL, 1, &count, 0, error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_poll(consumer.bus, &notice, 0, &count, 0, error));
    ANSWERS(trial, TRADING_E_TIMEOUT, trading_bus_poll(consumer.bus, &notice, 1, &count, 0, error)); /* it reads nothing */
    ANSWERS(trial, TRADING_E_TIMEOUT, trading_bus_poll(consumer.bus, &notice, 1, &count, 1000000, error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_seek(consumer.bus, trial->topic, 0, 0, error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_release(consumer.bus, trial->topic, 0, error));
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_join(consumer.bus, "a group", trial->topic, error));
    join_group(trial, &consumer, trial->topic);
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_join(consumer.bus, "another", trial->topic, error));
    trading_bus_options options = {.size = 4};
    trading_bus *bus;
    const struct bus_contract *contract = trial->contract;
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_open(&bus, contract->host, contract->uri, &options, error));
    options = (trading_bus_options)TRADING_BUS_OPTIONS_INIT;
    options.writer = "not a name";
    ANSWERS(trial, TRADING_E_INVALID, trading_bus_open(&bus, contract->host, contract->uri, &options, error));
    close_consumer(trial, &consumer);
    trading_bus_close(NULL);
}

const struct bus_case bus_reading_cases[] = {
    {"owned-and-read", owned_and_read},
    {"ends", ends},
    {"positions-are-the-readers", positions_are_the_readers},
    {"beyond-the-end", beyond_the_end},
    {"followed", followed},
    {"owned-and-followed", owned_and_followed},
    {"two-groups", two_groups},
    {"shared-out-anew", shared_out_anew},
    {"given-up", given_up},
    {"metrics", metrics},
    {"misused", misused},
    {0},
};
