/* The functions of the Kafka bus. */
#include "backends/kafka/bus.h"
#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long a poll sleeps at most before it looks after the group, whose members say that they are alive. */
#define NAP 1000 /* milliseconds */

/* ---- topics and publishing ---- */

static int32_t bus_topic(void *bus, const char *topic, uint32_t partitions, uint32_t flags, trading_error *error)
{
    return topics_create(bus, topic, partitions, flags & TRADING_BUS_COMPACTED, error);
}

static int32_t bus_partitions(void *bus, const char *topic, uint32_t *count, trading_error *error)
{
    return topics_count(bus, topic, count, error);
}

static int32_t bus_end(void *bus, const char *topic, uint32_t partition, int64_t *position, trading_error *error)
{
    return reader_end(bus, topic, partition, position, error);
}

static int32_t bus_publish(void *bus, const trading_bus_record *records, size_t count, int64_t mark, trading_error *error)
{
    return publish(bus, records, count, mark, error);
}

static int32_t bus_mark(void *bus, int64_t *mark, trading_error *error)
{
    return publisher_mark(bus, mark, error);
}

static int32_t bus_mark_of(void *bus, const char *writer, int64_t *mark, trading_error *error)
{
    return marks_of(bus, writer, mark, error);
}

/* ---- reading ---- */

static int32_t bus_join(void *bus, const char *group, const char *topic, trading_error *error)
{
    return group_join(bus, group, topic, error);
}

static int32_t bus_follow(void *handle, const char *topic, uint32_t partition, int64_t position, trading_error *error)
{
    struct kafka_bus *bus = handle;
    if (reader_reads(bus, topic, partition) || group_state(bus, topic, partition) != NOT_OWNED)
        return error_set(error, TRADING_E_INVALID, "partition %" PRIu32 " of \"%.80s\" is read already", partition, topic);
    return reader_start(bus, topic, partition, position, error);
}

static int32_t not_read(const char *topic, uint32_t partition, trading_error *error)
{
    return error_set(error, TRADING_E_INVALID, "partition %" PRIu32 " of \"%.80s\" is neither owned nor followed", partition,
                     topic);
}

static int32_t bus_seek(void *handle, const char *topic, uint32_t partition, int64_t position, trading_error *error)
{
    struct kafka_bus *bus = handle;
    if (group_state(bus, topic, partition) != OWNED && !reader_reads(bus, topic, partition))
        return not_read(topic, partition, error);
    return reader_start(bus, topic, partition, position, error);
}

static int32_t bus_release(void *handle, const char *topic, uint32_t partition, trading_error *error)
{
    struct kafka_bus *bus = handle;
    if (group_state(bus, topic, partition) != NOT_OWNED) {
        group_release(bus, partition);
        return TRADING_OK;
    }
    if (!reader_reads(bus, topic, partition))
        return not_read(topic, partition, error);
    reader_stop(bus, topic, partition);
    return TRADING_OK;
}

/* ---- polling ---- */

static int32_t look(struct kafka_bus *bus, trading_bus_notice *notices, size_t max, size_t *count, trading_error *error)
{
    int32_t code = group_take(bus, notices, max, count, error);
    return code || *count ? code : reader_take(bus, notices, max, count, error);
}

/* Sleeps until a client has something, or the time is over. */
static void nap(const struct kafka_bus *bus, int64_t milliseconds)
{
    struct pollfd wake = {.fd = bus->wake, .events = POLLIN};
    uint64_t woken;
    if (poll(&wake, 1, (int)(milliseconds < NAP ? milliseconds : NAP)) > 0 && read(bus->wake, &woken, sizeof woken) < 0)
        return; /* another word for "woken already" */
}

static int32_t bus_poll(void *handle, trading_bus_notice *notices, size_t max, size_t *count, int64_t timeout,
                        trading_error *error)
{
    struct kafka_bus *bus = handle;
    int64_t wait = timeout < 0 ? INT64_MAX / 2 : timeout / 1000000 + (timeout % 1000000 > 0);
    int64_t limit = client_clock() + wait;
    *count = 0;
    reader_forget(bus);
    int32_t code = look(bus, notices, max, count, error);
    for (int64_t left; !code && !*count && (left = limit - client_clock()) > 0;) {
        nap(bus, left);
        code = look(bus, notices, max, count, error);
    }
    return code || *count ? code : error_set(error, TRADING_E_TIMEOUT, "nothing came in time");
}

/* ---- what it tells of itself ---- */

static int32_t bus_metrics(void *handle, trading_bus_metric_visit visit, void *context, trading_error *error)
{
    struct kafka_bus *bus = handle;
    (void)error;
    pthread_mutex_lock(&bus->troubles.lock);
    int64_t errors = (int64_t)bus->troubles.count;
    pthread_mutex_unlock(&bus->troubles.lock);
    const trading_bus_metric numbers[] = {
        {.name = "published_records", .value = (int64_t)bus->publisher.records},
        {.name = "published_bytes", .value = (int64_t)bus->publisher.bytes},
        {.name = "publish_failures", .value = (int64_t)bus->publisher.failures},
        {.name = "consumed_records", .value = (int64_t)bus->reader.records},
        {.name = "consumed_bytes", .value = (int64_t)bus->reader.bytes},
        {.name = "errors", .value = errors},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        visit(context, &numbers[i]);
    reader_lags(bus, visit, context);
    return TRADING_OK;
}

/* ---- opening and closing ---- */

static void bus_close(void *handle)
{
    struct kafka_bus *bus = handle;
    group_close(bus);
    reader_close(bus);
    marks_close(bus);
    publisher_close(bus);
    topics_forget(bus);
    location_forget(&bus->location);
    if (bus->wake >= 0)
        close(bus->wake);
    pthread_mutex_destroy(&bus->troubles.lock);
    pthread_mutex_destroy(&bus->topics.lock);
    pthread_mutex_destroy(&bus->reader.lock);
    struct memory memory = bus->memory; /* it is in what is freed */
    memory_release(&memory, bus, sizeof *bus);
}

static int32_t begin(struct kafka_bus *bus, const trading_bus_request *request, trading_error *error)
{
    int32_t code = location_read(&bus->location, request->location, error);
    bus->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!code && bus->wake < 0)
        code = error_native(error, TRADING_E_IO, errno, "no descriptor for a Kafka bus: %s", strerror(errno));
    return code ? code : publisher_open(bus, request->writer, error);
}

static int32_t bus_open(const trading_bus_request *request, const trading_host_functions *host, void **handle,
                        trading_error *error)
{
    if (request->size < sizeof *request || host->size < sizeof *host || host->abi != TRADING_PLUGIN_ABI)
        return error_set(error, TRADING_E_ABI, "the host was built for another version of the bus interface");
    struct kafka_bus *bus = host->allocate(host->context, sizeof *bus);
    if (!bus)
        return error_no_memory(error, "a bus");
    memset(bus, 0, sizeof *bus);
    bus->memory = (struct memory){.allocate = host->allocate, .release = host->release, .context = host->context};
    bus->memory.bytes = sizeof *bus;
    bus->host = host;
    pthread_mutex_init(&bus->troubles.lock, NULL);
    pthread_mutex_init(&bus->topics.lock, NULL);
    pthread_mutex_init(&bus->reader.lock, NULL);
    int32_t code = begin(bus, request, error);
    if (code)
        bus_close(bus);
    else
        *handle = bus;
    return code;
}

const trading_bus_ops kafka_bus_ops = {
    .size = sizeof kafka_bus_ops,
    .abi = TRADING_PLUGIN_ABI,
    .open = bus_open,
    .close = bus_close,
    .topic = bus_topic,
    .partitions = bus_partitions,
    .end = bus_end,
    .publish = bus_publish,
    .mark = bus_mark,
    .join = bus_join,
    .follow = bus_follow,
    .seek = bus_seek,
    .release = bus_release,
    .poll = bus_poll,
    .metrics = bus_metrics,
    .mark_of = bus_mark_of,
};
