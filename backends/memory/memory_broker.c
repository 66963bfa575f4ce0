/* The broker of the bus within a process: its topics, and publishing to them. */
#include "backends/memory/memory_broker.h"

#include "base/error.h"

#include <string.h>
#include <time.h>

#define PARTITIONS_MAX 1024u

/* ---- the broker ---- */

struct memory_broker *memory_broker_open(struct memory *memory)
{
    struct memory_broker *broker = memory_zeroed(memory, 1, sizeof *broker);
    if (!broker)
        return NULL;
    broker->memory = memory;
    pthread_mutex_init(&broker->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&broker->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return broker;
}

static void free_topic(struct memory_broker *broker, struct topic *topic)
{
    for (uint32_t i = 0; i < topic->partitions; i++) {
        struct log *log = &topic->logs[i];
        for (size_t k = 0; k < log->count; k++)
            memory_release(broker->memory, log->records[k], log->records[k]->bytes);
        memory_release(broker->memory, log->records, log->capacity * sizeof(struct stored *));
    }
    memory_release(broker->memory, topic->logs, topic->partitions * sizeof *topic->logs);
    memory_release(broker->memory, topic, sizeof *topic);
}

void memory_broker_close(struct memory_broker *broker)
{
    if (!broker)
        return;
    for (struct group *next, *at = broker->groups; at; at = next) {
        next = at->next;
        memory_release(broker->memory, at->shares, at->topic->partitions * sizeof *at->shares);
        memory_release(broker->memory, at, sizeof *at);
    }
    for (struct topic *next, *at = broker->topics; at; at = next) {
        next = at->next;
        free_topic(broker, at);
    }
    pthread_mutex_destroy(&broker->lock);
    pthread_cond_destroy(&broker->changed);
    memory_release(broker->memory, broker, sizeof *broker);
}

struct topic *broker_topic(const struct memory_broker *broker, const char *name, trading_error *error)
{
    struct topic *topic = broker->topics;
    while (topic && strcmp(topic->name, name) != 0)
        topic = topic->next;
    if (!topic)
        error_set(error, TRADING_E_NOT_FOUND, "there is no topic \"%.60s\"", name);
    return topic;
}

/* ---- topics ---- */

bool broker_name_is_valid(const char *name)
{
    return name && *name && strlen(name) < NAME_BYTES;
}

static int32_t add_topic(struct memory_broker *broker, const char *name, uint32_t partitions, trading_error *error)
{
    struct topic *topic = memory_zeroed(broker->memory, 1, sizeof *topic);
    struct log *logs = memory_zeroed(broker->memory, partitions, sizeof *logs);
    if (!topic || !logs) {
        memory_release(broker->memory, topic, sizeof *topic);
        memory_release(broker->memory, logs, partitions * sizeof *logs);
        return error_no_memory(error, "a topic");
    }
    memcpy(topic->name, name, strlen(name) + 1);
    topic->partitions = partitions;
    topic->logs = logs;
    topic->next = broker->topics;
    broker->topics = topic;
    return TRADING_OK;
}

int32_t memory_bus_topic(void *handle, const char *name, uint32_t partitions, trading_error *error)
{
    struct bus *bus = handle;
    if (!broker_name_is_valid(name) || partitions < 1 || partitions > PARTITIONS_MAX)
        return error_set(error, TRADING_E_INVALID, "a topic has a name of 1 to %d bytes and 1 to %u partitions", NAME_BYTES - 1,
                         PARTITIONS_MAX);
    pthread_mutex_lock(&bus->broker->lock);
    const struct topic *topic = broker_topic(bus->broker, name, NULL);
    int32_t code = topic ? TRADING_OK : add_topic(bus->broker, name, partitions, error);
    if (topic && topic->partitions != partitions)
        code = error_set(error, TRADING_E_INVALID, "the topic \"%s\" has %u partitions, not %u", name, topic->partitions,
                         partitions);
    pthread_mutex_unlock(&bus->broker->lock);
    return code;
}

int32_t memory_bus_partitions(void *handle, const char *name, uint32_t *count, trading_error *error)
{
    struct bus *bus = handle;
    if (!name || !count)
        return error_set(error, TRADING_E_INVALID, "counting partitions needs a topic and a place for their number");
    pthread_mutex_lock(&bus->broker->lock);
    const struct topic *topic = broker_topic(bus->broker, name, error);
    if (topic)
        *count = topic->partitions;
    pthread_mutex_unlock(&bus->broker->lock);
    return topic ? TRADING_OK : TRADING_E_NOT_FOUND;
}

int32_t memory_bus_end(void *handle, const char *name, uint32_t partition, int64_t *position, trading_error *error)
{
    struct bus *bus = handle;
    if (!name || !position)
        return error_set(error, TRADING_E_INVALID, "the end of a partition needs a topic and a place for the position");
    pthread_mutex_lock(&bus->broker->lock);
    const struct topic *topic = broker_topic(bus->broker, name, error);
    int32_t code = topic ? TRADING_OK : TRADING_E_NOT_FOUND;
    if (topic && partition >= topic->partitions)
        code = error_set(error, TRADING_E_NOT_FOUND, "the topic \"%s\" has no partition %u", name, partition);
    if (!code)
        *position = (int64_t)topic->logs[partition].count;
    pthread_mutex_unlock(&bus->broker->lock);
    return code;
}

/* ---- publishing ---- */

static uint32_t partition_for(const struct topic *topic, const struct bus_record *record)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (uint64_t i = 0; i < record->key_size; i++)
        hash = (hash ^ ((const uint8_t *)record->key)[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)((hash ^ hash >> 32) % topic->partitions);
}

static bool record_is_whole(const struct bus_record *record)
{
    bool whole = record->topic && record->key && record->key_size && (record->value || !record->value_size) &&
                 (record->headers || !record->header_count);
    for (uint32_t i = 0; whole && i < record->header_count; i++)
        whole = record->headers[i].name && (record->headers[i].value || !record->headers[i].size);
    return whole;
}

/* Bytes into the block, which has room for them. */
static void *put(uint8_t **at, const void *bytes, uint64_t size)
{
    void *place = *at;
    if (size)
        memcpy(place, bytes, size);
    *at += size;
    return place;
}

static struct stored *copy_record(struct memory *memory, const struct topic *topic, const struct bus_record *record)
{
    size_t bytes =
        sizeof(struct stored) + record->header_count * sizeof(struct bus_header) + record->key_size + record->value_size;
    for (uint32_t i = 0; i < record->header_count; i++)
        bytes += strlen(record->headers[i].name) + 1 + record->headers[i].size;
    struct stored *stored = memory_allocate(memory, bytes);
    if (!stored)
        return NULL;
    struct bus_header *headers = (struct bus_header *)(stored + 1);
    uint8_t *at = (uint8_t *)(headers + record->header_count);
    stored->bytes = bytes;
    stored->record = *record;
    stored->record.topic = topic->name;
    stored->record.partition = partition_for(topic, record);
    stored->record.headers = headers;
    for (uint32_t i = 0; i < record->header_count; i++) {
        headers[i].name = put(&at, record->headers[i].name, strlen(record->headers[i].name) + 1);
        headers[i].value = put(&at, record->headers[i].value, record->headers[i].size);
        headers[i].size = record->headers[i].size;
    }
    stored->record.key = put(&at, record->key, record->key_size);
    stored->record.value = put(&at, record->value, record->value_size);
    return stored;
}

/* Puts a record behind those of its partition. */
static int32_t publish_one(struct memory_broker *broker, const struct bus_record *record, trading_error *error)
{
    struct topic *topic = broker_topic(broker, record->topic, error);
    if (!topic)
        return TRADING_E_NOT_FOUND;
    struct stored *stored = copy_record(broker->memory, topic, record);
    if (!stored)
        return error_no_memory(error, "a record");
    struct log *log = &topic->logs[stored->record.partition];
    if (memory_grow(broker->memory, (void **)&log->records, &log->capacity, log->count + 1, sizeof(struct stored *))) {
        memory_release(broker->memory, stored, stored->bytes);
        return error_no_memory(error, "a record");
    }
    stored->record.position = (int64_t)log->count;
    log->records[log->count++] = stored;
    return TRADING_OK;
}

/* Takes back the newest record that publish_one put there. */
static void take_back(struct memory_broker *broker, const struct bus_record *record)
{
    struct topic *topic = broker_topic(broker, record->topic, NULL);
    struct log *log = &topic->logs[partition_for(topic, record)];
    struct stored *stored = log->records[--log->count];
    memory_release(broker->memory, stored, stored->bytes);
}

int32_t memory_bus_publish(void *handle, const struct bus_record *records, size_t count, trading_error *error)
{
    struct bus *bus = handle;
    struct memory_broker *broker = bus->broker;
    if (!records && count)
        return error_set(error, TRADING_E_INVALID, "no records given");
    for (size_t i = 0; i < count; i++)
        if (!record_is_whole(&records[i]))
            return error_set(error, TRADING_E_INVALID, "record %zu has no topic, no key, or a size without bytes", i);
    int32_t code = TRADING_OK;
    size_t done = 0;
    pthread_mutex_lock(&broker->lock);
    while (done < count && !(code = publish_one(broker, &records[done], error)))
        done++;
    while (code && done)
        take_back(broker, &records[--done]);
    pthread_cond_broadcast(&broker->changed);
    pthread_mutex_unlock(&broker->lock);
    return code;
}
