/* Publishing on the bus within a process: copies first, which may fail, and then putting them into their logs, which does not. */
#include "backends/memory/memory_broker.h"
#include "base/error.h"

#include <string.h>
#include <time.h>

static trading_time time_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * TRADING_NANOSECONDS_PER_SECOND + now.tv_nsec;
}

static uint32_t partition_for(const struct topic *topic, const trading_bus_record *record)
{
    if (record->partition != TRADING_BUS_BY_KEY)
        return record->partition;
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (uint64_t i = 0; i < record->key_size; i++)
        hash = (hash ^ ((const uint8_t *)record->key)[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)((hash ^ hash >> 32) % topic->partitions);
}

/* ---- copies ---- */

/* Bytes into the block, which has room for them. NULL stays NULL. */
static void *put(uint8_t **at, const void *bytes, uint64_t size)
{
    void *place = bytes ? *at : NULL;
    if (place && size)
        memcpy(place, bytes, size);
    *at += size;
    return place;
}

static size_t bytes_for(const trading_bus_record *record)
{
    size_t bytes =
        sizeof(struct stored) + record->header_count * sizeof(trading_bus_header) + record->key_size + record->value_size;
    for (uint32_t i = 0; i < record->header_count; i++)
        bytes += strlen(record->headers[i].name) + 1 + record->headers[i].size;
    return bytes;
}

static struct stored *copy_record(struct memory *memory, const struct topic *topic, const trading_bus_record *record)
{
    size_t bytes = bytes_for(record);
    struct stored *stored = memory_allocate(memory, bytes);
    if (!stored)
        return NULL;
    trading_bus_header *headers = (trading_bus_header *)(stored + 1);
    uint8_t *at = (uint8_t *)(headers + record->header_count);
    *stored = (struct stored){.bytes = bytes, .held = 1, .record = *record};
    stored->record.topic = topic->name;
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

/* The copy of a record, and room for all `count` of the call in its log, so that putting them there cannot fail. */
static int32_t prepare(struct memory_broker *broker, const trading_bus_record *record, size_t count, struct stored **copy,
                       trading_error *error)
{
    struct topic *topic = broker_topic(broker, record->topic, error);
    uint32_t partition = topic ? partition_for(topic, record) : 0;
    struct log *log = topic ? broker_log(topic, partition, error) : NULL;
    if (!log)
        return TRADING_E_NOT_FOUND;
    if (log->compacted && !record->key)
        return error_set(error, TRADING_E_INVALID, "the topic \"%.80s\" is compacted: its records have keys", topic->name);
    bool room =
        !memory_grow(broker->memory, (void **)&log->records, &log->capacity, log->count + count, sizeof(struct stored *));
    struct stored *made = room ? copy_record(broker->memory, topic, record) : NULL;
    if (!made)
        return error_no_memory(error, "a record");
    made->log = log;
    made->record.partition = partition;
    *copy = made;
    return TRADING_OK;
}

/* ---- putting them in ---- */

/* Takes out what a record of the same key takes the place of. */
static void compact(struct memory_broker *broker, struct log *log, const trading_bus_record *newer)
{
    for (size_t i = 0; i < log->count; i++) {
        struct stored *stored = log->records[i];
        if (stored->record.key_size != newer->key_size || memcmp(stored->record.key, newer->key, newer->key_size) != 0)
            continue;
        memmove(&log->records[i], &log->records[i + 1], (log->count - i - 1) * sizeof(struct stored *));
        log->count--;
        stored_let_go(broker, stored);
        return;
    }
}

static void put_in(struct memory_broker *broker, struct stored *stored, trading_time now)
{
    struct log *log = stored->log;
    if (log->compacted)
        compact(broker, log, &stored->record);
    stored->record.time = stored->record.time ? stored->record.time : now;
    stored->record.position = log->end++;
    log->records[log->count++] = stored;
}

static int32_t publish(struct memory_broker *broker, const trading_bus_record *records, size_t count, trading_error *error)
{
    struct stored *first = NULL;
    struct stored **last = &first;
    int32_t code = TRADING_OK;
    trading_time now = time_now();
    for (size_t i = 0; i < count && !code; i++) {
        struct stored *copy = NULL;
        code = prepare(broker, &records[i], count, &copy, error);
        *last = copy;
        last = copy ? &copy->next : last;
    }
    for (struct stored *next, *at = first; at; at = next) {
        next = at->next;
        if (code)
            stored_let_go(broker, at);
        else
            put_in(broker, at, now);
    }
    return code;
}

static int32_t check_writer(const struct bus *bus, trading_error *error)
{
    if (!bus->writer || bus->writer->owner == bus)
        return TRADING_OK;
    return error_set(error, TRADING_E_FENCED, "another publishes under the name \"%.80s\" by now", bus->writer->name);
}

int32_t memory_bus_publish(void *handle, const trading_bus_record *records, size_t count, int64_t mark, trading_error *error)
{
    struct bus *bus = handle;
    struct memory_broker *broker = bus->broker;
    pthread_mutex_lock(&broker->lock);
    int32_t code = check_writer(bus, error);
    if (!code)
        code = publish(broker, records, count, error);
    if (!code && mark >= 0)
        bus->writer->mark = mark;
    bus->publish_failures += code != TRADING_OK;
    for (size_t i = 0; i < count && !code; i++)
        bus->published_bytes += records[i].key_size + records[i].value_size;
    bus->published_records += code ? 0 : count;
    pthread_cond_broadcast(&broker->changed);
    pthread_mutex_unlock(&broker->lock);
    return code;
}

/* NULL: nobody had the name. */
static int32_t tell_mark(const struct writer *writer, const char *name, int64_t *mark, trading_error *error)
{
    if (!writer || writer->mark < 0)
        return error_set(error, TRADING_E_NOT_FOUND, "nothing was marked yet under the name \"%.80s\"", name);
    *mark = writer->mark;
    return TRADING_OK;
}

int32_t memory_bus_mark(void *handle, int64_t *mark, trading_error *error)
{
    struct bus *bus = handle;
    pthread_mutex_lock(&bus->broker->lock);
    int32_t code = check_writer(bus, error);
    if (!code)
        code = tell_mark(bus->writer, bus->writer->name, mark, error);
    pthread_mutex_unlock(&bus->broker->lock);
    return code;
}

int32_t memory_bus_mark_of(void *handle, const char *name, int64_t *mark, trading_error *error)
{
    struct bus *bus = handle;
    pthread_mutex_lock(&bus->broker->lock);
    int32_t code = tell_mark(broker_find_writer(bus->broker, name), name, mark, error);
    pthread_mutex_unlock(&bus->broker->lock);
    return code;
}
