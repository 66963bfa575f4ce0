/* The broker of the bus within a process: its topics and writers. */
#include "backends/memory/memory_broker.h"

#include "base/error.h"
#include "base/monotonic.h"

#include <string.h>

#define PARTITIONS_MAX 1024u

/* ---- brokers ---- */

void memory_brokers_open(struct memory_brokers *brokers, struct memory *memory)
{
    *brokers = (struct memory_brokers){.memory = memory, .lock = PTHREAD_MUTEX_INITIALIZER};
}

static struct memory_broker *make_broker(struct memory *memory, const char *name)
{
    struct memory_broker *broker = memory_zeroed(memory, 1, sizeof *broker);
    if (!broker)
        return NULL;
    memcpy(broker->name, name, strlen(name) + 1);
    broker->memory = memory;
    pthread_mutex_init(&broker->lock, NULL);
    monotonic_condition(&broker->changed);
    return broker;
}

int32_t memory_broker_find(struct memory_brokers *brokers, const char *name, struct memory_broker **broker,
                           trading_error *error)
{
    if (strlen(name) >= NAME_BYTES)
        return error_set(error, TRADING_E_SYNTAX, "a bus within a process has a name of at most %d bytes", NAME_BYTES - 1);
    pthread_mutex_lock(&brokers->lock);
    struct memory_broker *found = brokers->first;
    while (found && strcmp(found->name, name) != 0)
        found = found->next;
    if (!found && (found = make_broker(brokers->memory, name))) {
        found->next = brokers->first;
        brokers->first = found;
    }
    pthread_mutex_unlock(&brokers->lock);
    *broker = found;
    return found ? TRADING_OK : error_no_memory(error, "a bus within the process");
}

static void free_topic(struct memory_broker *broker, struct topic *topic)
{
    for (uint32_t i = 0; i < topic->partitions; i++) {
        struct log *log = &topic->logs[i];
        for (size_t k = 0; k < log->count; k++)
            stored_let_go(broker, log->records[k]);
        memory_release(broker->memory, log->records, log->capacity * sizeof(struct stored *));
    }
    memory_release(broker->memory, topic->logs, topic->partitions * sizeof *topic->logs);
    memory_release(broker->memory, topic, sizeof *topic);
}

static void free_broker(struct memory_broker *broker)
{
    for (struct group *next, *at = broker->groups; at; at = next) {
        next = at->next;
        memory_release(broker->memory, at->shares, at->topic->partitions * sizeof *at->shares);
        memory_release(broker->memory, at, sizeof *at);
    }
    for (struct topic *next, *at = broker->topics; at; at = next) {
        next = at->next;
        free_topic(broker, at);
    }
    for (struct writer *next, *at = broker->writers; at; at = next) {
        next = at->next;
        memory_release(broker->memory, at, sizeof *at);
    }
    pthread_mutex_destroy(&broker->lock);
    pthread_cond_destroy(&broker->changed);
    memory_release(broker->memory, broker, sizeof *broker);
}

void memory_brokers_close(struct memory_brokers *brokers)
{
    for (struct memory_broker *next, *at = brokers->first; at; at = next) {
        next = at->next;
        free_broker(at);
    }
    pthread_mutex_destroy(&brokers->lock);
}

/* ---- what a broker has ---- */

struct topic *broker_topic(const struct memory_broker *broker, const char *name, trading_error *error)
{
    struct topic *topic = broker->topics;
    while (topic && strcmp(topic->name, name) != 0)
        topic = topic->next;
    if (!topic)
        error_set(error, TRADING_E_NOT_FOUND, "there is no topic \"%.80s\"", name);
    return topic;
}

struct log *broker_log(struct topic *topic, uint32_t partition, trading_error *error)
{
    if (partition < topic->partitions)
        return &topic->logs[partition];
    error_set(error, TRADING_E_NOT_FOUND, "the topic \"%.80s\" has no partition %u", topic->name, partition);
    return NULL;
}

struct writer *broker_find_writer(const struct memory_broker *broker, const char *name)
{
    struct writer *writer = broker->writers;
    while (writer && strcmp(writer->name, name) != 0)
        writer = writer->next;
    return writer;
}

struct writer *broker_writer(struct memory_broker *broker, const char *name, trading_error *error)
{
    struct writer *writer = broker_find_writer(broker, name);
    if (writer)
        return writer;
    writer = memory_zeroed(broker->memory, 1, sizeof *writer);
    if (!writer) {
        error_no_memory(error, "a writer");
        return NULL;
    }
    memcpy(writer->name, name, strlen(name) + 1);
    writer->mark = TRADING_BUS_NO_MARK;
    writer->next = broker->writers;
    broker->writers = writer;
    return writer;
}

void stored_let_go(struct memory_broker *broker, struct stored *stored)
{
    if (!--stored->held)
        memory_release(broker->memory, stored, stored->bytes);
}

size_t log_find(const struct log *log, int64_t position)
{
    size_t low = 0;
    for (size_t high = log->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (log->records[middle]->record.position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- topics ---- */

static int32_t add_topic(struct memory_broker *broker, const char *name, uint32_t partitions, bool compacted,
                         trading_error *error)
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
    for (uint32_t i = 0; i < partitions; i++)
        logs[i].compacted = compacted;
    topic->next = broker->topics;
    broker->topics = topic;
    return TRADING_OK;
}

int32_t memory_bus_topic(void *handle, const char *name, uint32_t partitions, uint32_t flags, trading_error *error)
{
    struct memory_broker *broker = ((struct bus *)handle)->broker;
    if (partitions > PARTITIONS_MAX)
        return error_set(error, TRADING_E_INVALID, "a topic within a process has at most %u partitions", PARTITIONS_MAX);
    pthread_mutex_lock(&broker->lock);
    const struct topic *topic = broker_topic(broker, name, NULL);
    int32_t code = topic ? TRADING_OK : add_topic(broker, name, partitions, flags & TRADING_BUS_COMPACTED, error);
    if (topic && topic->partitions != partitions)
        code = error_set(error, TRADING_E_INVALID, "the topic \"%.80s\" has %u partitions, not %u", name, topic->partitions,
                         partitions);
    pthread_mutex_unlock(&broker->lock);
    return code;
}

int32_t memory_bus_partitions(void *handle, const char *name, uint32_t *count, trading_error *error)
{
    struct memory_broker *broker = ((struct bus *)handle)->broker;
    pthread_mutex_lock(&broker->lock);
    const struct topic *topic = broker_topic(broker, name, error);
    if (topic)
        *count = topic->partitions;
    pthread_mutex_unlock(&broker->lock);
    return topic ? TRADING_OK : TRADING_E_NOT_FOUND;
}

int32_t memory_bus_end(void *handle, const char *name, uint32_t partition, int64_t *position, trading_error *error)
{
    struct memory_broker *broker = ((struct bus *)handle)->broker;
    pthread_mutex_lock(&broker->lock);
    struct topic *topic = broker_topic(broker, name, error);
    const struct log *log = topic ? broker_log(topic, partition, error) : NULL;
    if (log)
        *position = log->end;
    pthread_mutex_unlock(&broker->lock);
    return log ? TRADING_OK : TRADING_E_NOT_FOUND;
}
