/* The bus within a process: opening, reading, and what it tells of itself. */
#include "backends/memory/memory_bus.h"

#include "backends/memory/memory_broker.h"
#include "base/error.h"
#include "base/monotonic.h"

#include <errno.h>
#include <string.h>

/* ---- what is read ---- */

static uint32_t count_readings(const struct bus *bus)
{
    uint32_t count = bus->group ? bus->group->topic->partitions : 0;
    for (const struct following *at = bus->followed; at; at = at->next)
        count++;
    return count;
}

static struct following **find_following(struct bus *bus, const struct topic *topic, uint32_t partition)
{
    struct following **at = &bus->followed;
    while (*at && ((*at)->reading.topic != topic || (*at)->reading.partition != partition))
        at = &(*at)->next;
    return at;
}

static void set_position(struct reading *reading, int64_t position)
{
    int64_t end = reading->topic->logs[reading->partition].end;
    reading->position = position == TRADING_BUS_END ? end : position == TRADING_BUS_OLDEST ? 0 : position;
    reading->beyond = reading->position > end;
}

static int32_t not_read(const char *topic, uint32_t partition, trading_error *error)
{
    return error_set(error, TRADING_E_INVALID, "partition %u of \"%.80s\" is neither owned nor followed", partition, topic);
}

static int32_t follow_locked(struct bus *bus, const char *name, uint32_t partition, int64_t position, trading_error *error)
{
    struct topic *topic = broker_topic(bus->broker, name, error);
    if (!topic || !broker_log(topic, partition, error))
        return TRADING_E_NOT_FOUND;
    struct following **place = find_following(bus, topic, partition);
    if (*place || (bus->group && bus->group->topic == topic && bus->group->shares[partition].owner == bus))
        return error_set(error, TRADING_E_INVALID, "partition %u of \"%.80s\" is read already", partition, name);
    struct following *following = memory_zeroed(bus->broker->memory, 1, sizeof *following);
    if (!following)
        return error_no_memory(error, "following a partition");
    following->reading = (struct reading){.topic = topic, .partition = partition};
    set_position(&following->reading, position);
    *place = following;
    return TRADING_OK;
}

static int32_t bus_follow(void *handle, const char *topic, uint32_t partition, int64_t position, trading_error *error)
{
    struct bus *bus = handle;
    pthread_mutex_lock(&bus->broker->lock);
    int32_t code = follow_locked(bus, topic, partition, position, error);
    pthread_mutex_unlock(&bus->broker->lock);
    return code;
}

static int32_t bus_seek(void *handle, const char *name, uint32_t partition, int64_t position, trading_error *error)
{
    struct bus *bus = handle;
    pthread_mutex_lock(&bus->broker->lock);
    const struct topic *topic = broker_topic(bus->broker, name, NULL);
    struct share *share = group_share(bus, topic, partition);
    struct following *following = *find_following(bus, topic, partition);
    if (share && !share->revoking)
        set_position(&share->reading, position);
    else if (following)
        set_position(&following->reading, position);
    bool done = (share && !share->revoking) || following;
    pthread_mutex_unlock(&bus->broker->lock);
    return done ? TRADING_OK : not_read(name, partition, error);
}

static int32_t bus_release(void *handle, const char *name, uint32_t partition, trading_error *error)
{
    struct bus *bus = handle;
    pthread_mutex_lock(&bus->broker->lock);
    const struct topic *topic = broker_topic(bus->broker, name, NULL);
    struct share *share = group_share(bus, topic, partition);
    struct following **place = find_following(bus, topic, partition);
    struct following *following = *place;
    if (share) {
        group_release(bus, share);
    } else if (following) {
        *place = following->next;
        memory_release(bus->broker->memory, following, sizeof *following);
    }
    pthread_mutex_unlock(&bus->broker->lock);
    return share || following ? TRADING_OK : not_read(name, partition, error);
}

/* ---- polling; with the lock held ---- */

static void let_go_held(struct bus *bus)
{
    while (bus->held_count)
        stored_let_go(bus->broker, bus->held[--bus->held_count]);
}

/* The next record of a partition. Room for it among what is held was made before. */
static bool next_record(struct bus *bus, struct reading *reading, trading_bus_notice *notice)
{
    const struct log *log = &reading->topic->logs[reading->partition];
    size_t index = reading->position < 0 ? log->count : log_find(log, reading->position);
    if (index == log->count)
        return false;
    struct stored *stored = log->records[index];
    stored->held++;
    bus->held[bus->held_count++] = stored;
    reading->position = stored->record.position + 1;
    *notice = (trading_bus_notice){.kind = TRADING_BUS_RECORD, .record = stored->record};
    bus->consumed_records++;
    bus->consumed_bytes += stored->record.key_size + stored->record.value_size;
    return true;
}

static bool look_at_share(struct bus *bus, struct share *share, trading_bus_notice *notice)
{
    if (share->owner != bus)
        return false;
    *notice = (trading_bus_notice){.kind = TRADING_BUS_OWNED,
                                   .record = {.topic = bus->group->topic->name, .partition = share->reading.partition}};
    if (!share->told)
        return share->told = true;
    notice->kind = TRADING_BUS_REVOKED;
    if (share->next_owner && !share->revoking)
        return share->revoking = true;
    return !share->revoking && next_record(bus, &share->reading, notice);
}

static bool look_at(struct bus *bus, uint32_t index, trading_bus_notice *notice)
{
    uint32_t shares = bus->group ? bus->group->topic->partitions : 0;
    if (index < shares)
        return look_at_share(bus, &bus->group->shares[index], notice);
    struct following *following = bus->followed;
    for (uint32_t i = shares; i < index; i++)
        following = following->next;
    return next_record(bus, &following->reading, notice);
}

/* Partitions take turns. */
static bool next_notice(struct bus *bus, uint32_t readings, trading_bus_notice *notice)
{
    for (uint32_t i = 0; i < readings; i++) {
        uint32_t index = bus->turn++ % readings;
        if (look_at(bus, index, notice))
            return true;
    }
    return false;
}

static size_t take_notices(struct bus *bus, trading_bus_notice *notices, size_t max)
{
    size_t count = 0;
    uint32_t readings = count_readings(bus);
    while (count < max && next_notice(bus, readings, &notices[count]))
        count++;
    return count;
}

static bool refuse_beyond(struct reading *reading, trading_error *error)
{
    if (!reading->beyond)
        return false;
    error_set(error, TRADING_E_POSITION, "position %lld of partition %u of \"%.80s\" is beyond its end",
              (long long)reading->position, reading->partition, reading->topic->name);
    reading->beyond = false;
    reading->position = -1;
    return true;
}

/* Whether something is to be read from where nothing is. */
static bool find_beyond(struct bus *bus, trading_error *error)
{
    for (uint32_t i = 0; bus->group && i < bus->group->topic->partitions; i++)
        if (bus->group->shares[i].owner == bus && refuse_beyond(&bus->group->shares[i].reading, error))
            return true;
    for (struct following *at = bus->followed; at; at = at->next)
        if (refuse_beyond(&at->reading, error))
            return true;
    return false;
}

/* Waits for something to change. False when the time is over. */
static bool wait_for_change(struct memory_broker *broker, int64_t timeout, const struct timespec *end)
{
    if (timeout < 0)
        return !pthread_cond_wait(&broker->changed, &broker->lock);
    return timeout && pthread_cond_timedwait(&broker->changed, &broker->lock, end) != ETIMEDOUT;
}

static int32_t poll_locked(struct bus *bus, trading_bus_notice *notices, size_t max, size_t *count, int64_t timeout,
                           trading_error *error)
{
    struct timespec end = monotonic_after(timeout > 0 ? timeout : 0);
    let_go_held(bus);
    if (memory_grow(bus->broker->memory, (void **)&bus->held, &bus->held_capacity, max, sizeof(struct stored *)))
        return error_no_memory(error, "what a poll hands over");
    if (find_beyond(bus, error))
        return TRADING_E_POSITION;
    *count = take_notices(bus, notices, max);
    while (!*count && wait_for_change(bus->broker, timeout, &end))
        *count = take_notices(bus, notices, max);
    if (!*count)
        *count = take_notices(bus, notices, max);
    return *count ? TRADING_OK : error_set(error, TRADING_E_TIMEOUT, "nothing came in time");
}

static int32_t bus_poll(void *handle, trading_bus_notice *notices, size_t max, size_t *count, int64_t timeout,
                        trading_error *error)
{
    struct bus *bus = handle;
    pthread_mutex_lock(&bus->broker->lock);
    int32_t code = poll_locked(bus, notices, max, count, timeout, error);
    pthread_mutex_unlock(&bus->broker->lock);
    return code;
}

/* ---- what it tells of itself ---- */

static void tell_lag(const struct reading *reading, trading_bus_metric_visit visit, void *context)
{
    const struct log *log = &reading->topic->logs[reading->partition];
    trading_bus_metric metric = {.name = "lag", .topic = reading->topic->name, .partition = reading->partition};
    metric.value = log->end - reading->position;
    if (reading->position >= 0)
        visit(context, &metric);
}

static int32_t bus_metrics(void *handle, trading_bus_metric_visit visit, void *context, trading_error *error)
{
    struct bus *bus = handle;
    (void)error;
    pthread_mutex_lock(&bus->broker->lock);
    const trading_bus_metric numbers[] = {
        {.name = "published_records", .value = (int64_t)bus->published_records},
        {.name = "published_bytes", .value = (int64_t)bus->published_bytes},
        {.name = "publish_failures", .value = (int64_t)bus->publish_failures},
        {.name = "consumed_records", .value = (int64_t)bus->consumed_records},
        {.name = "consumed_bytes", .value = (int64_t)bus->consumed_bytes},
        {.name = "errors"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        visit(context, &numbers[i]);
    for (uint32_t i = 0; bus->group && i < bus->group->topic->partitions; i++)
        if (bus->group->shares[i].owner == bus)
            tell_lag(&bus->group->shares[i].reading, visit, context);
    for (const struct following *at = bus->followed; at; at = at->next)
        tell_lag(&at->reading, visit, context);
    pthread_mutex_unlock(&bus->broker->lock);
    return TRADING_OK;
}

/* ---- opening and closing ---- */

static int32_t take_writer(struct bus *bus, const char *name, trading_error *error)
{
    pthread_mutex_lock(&bus->broker->lock);
    bus->writer = broker_writer(bus->broker, name, error);
    if (bus->writer)
        bus->writer->owner = bus;
    pthread_mutex_unlock(&bus->broker->lock);
    return bus->writer ? TRADING_OK : TRADING_E_NO_MEMORY;
}

static int32_t bus_open(const trading_bus_request *request, const trading_host_functions *host, void **handle,
                        trading_error *error)
{
    const struct memory_bus_request *own = (const struct memory_bus_request *)request;
    if (request->size < sizeof *own || host->abi != TRADING_PLUGIN_ABI)
        return error_set(error, TRADING_E_ABI, "the bus within a process is opened by its own library only");
    struct memory_broker *broker;
    int32_t code = memory_broker_find(own->brokers, request->location, &broker, error);
    if (code)
        return code;
    struct bus *bus = memory_zeroed(broker->memory, 1, sizeof *bus);
    if (!bus)
        return error_no_memory(error, "a bus");
    bus->broker = broker;
    code = request->writer ? take_writer(bus, request->writer, error) : TRADING_OK;
    if (code)
        memory_release(broker->memory, bus, sizeof *bus);
    else
        *handle = bus;
    return code;
}

static void bus_close(void *handle)
{
    struct bus *bus = handle;
    struct memory_broker *broker = bus->broker;
    pthread_mutex_lock(&broker->lock);
    group_leave(bus);
    if (bus->writer && bus->writer->owner == bus)
        bus->writer->owner = NULL;
    let_go_held(bus);
    for (struct following *next, *at = bus->followed; at; at = next) {
        next = at->next;
        memory_release(broker->memory, at, sizeof *at);
    }
    pthread_mutex_unlock(&broker->lock);
    memory_release(broker->memory, bus->held, bus->held_capacity * sizeof(struct stored *));
    memory_release(broker->memory, bus, sizeof *bus);
}

const trading_bus_ops memory_bus_ops = {
    .size = sizeof memory_bus_ops,
    .abi = TRADING_PLUGIN_ABI,
    .open = bus_open,
    .close = bus_close,
    .topic = memory_bus_topic,
    .partitions = memory_bus_partitions,
    .end = memory_bus_end,
    .publish = memory_bus_publish,
    .mark = memory_bus_mark,
    .join = memory_bus_join,
    .follow = bus_follow,
    .seek = bus_seek,
    .release = bus_release,
    .poll = bus_poll,
    .metrics = bus_metrics,
    .mark_of = memory_bus_mark_of,
};
