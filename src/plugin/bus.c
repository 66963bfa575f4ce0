/* The handle of a bus: what hosts call, checked (bus_check.c), and handed on to the bus that the URI names. */
#include "base/error.h"
#include "base/monotonic.h"
#include "plugin/bus_check.h"
#include "plugin/host.h"

#include <trading/bus.h>

struct trading_bus {
    trading_host *host;
    const trading_bus_ops *ops;
    void *bus;
    pthread_mutex_t publishing; /* one publishes, or asks for the mark, after the other */
    bool writes;                /* it was opened with a writer's name */
    trading_bus_metric_visit metric;
    void *metric_context;
    int64_t metric_interval;
    int64_t told; /* when metrics were, by the monotonic clock */
};

void trading_bus_options_init(trading_bus_options *options)
{
    *options = (trading_bus_options)TRADING_BUS_OPTIONS_INIT;
}

/* ---- opening and closing ---- */

static int32_t open_bus(trading_bus *bus, const char *uri, const char *writer, trading_error *error)
{
    struct host_scheme scheme = {0};
    struct memory_bus_request request = {.request = {.size = sizeof request.request, .writer = writer},
                                         .brokers = &bus->host->brokers};
    int32_t code = host_find_scheme(bus->host, TRADING_PLUGIN_BUS, uri, &scheme, &request.request.location, error);
    if (code)
        return code;
    if (scheme.bus == &memory_bus_ops)
        request.request.size = sizeof request;
    bus->ops = scheme.bus;
    return bus->ops->open(&request.request, &bus->host->functions, &bus->bus, error);
}

int32_t trading_bus_open(trading_bus **bus, trading_host *host, const char *uri, const trading_bus_options *options,
                         trading_error *error)
{
    trading_bus_options defaults = TRADING_BUS_OPTIONS_INIT;
    if (!bus || !host || !uri)
        return error_set(error, TRADING_E_INVALID, "trading_bus_open needs a place for the bus, a host and a URI");
    *bus = NULL;
    if (!options)
        options = &defaults;
    int32_t code = host_check(host, error);
    if (!code)
        code = bus_check_options(options, error);
    if (code)
        return code;
    trading_bus *made = memory_zeroed(&host->memory, 1, sizeof *made);
    if (!made)
        return error_no_memory(error, "a bus");
    made->host = host;
    made->writes = options->writer;
    made->metric = options->metric;
    made->metric_context = options->metric_context;
    made->metric_interval = options->metric_interval;
    made->told = monotonic_now();
    code = open_bus(made, uri, options->writer, error);
    if (code) {
        memory_release(&host->memory, made, sizeof *made);
        return code;
    }
    pthread_mutex_init(&made->publishing, NULL);
    host_bus_opened(host);
    *bus = made;
    return error_clear(error);
}

void trading_bus_close(trading_bus *bus)
{
    if (!bus || host_check(bus->host, NULL))
        return;
    trading_host *host = bus->host;
    bus->ops->close(bus->bus);
    pthread_mutex_destroy(&bus->publishing);
    memory_release(&host->memory, bus, sizeof *bus);
    host_bus_closed(host);
}

static int32_t check_bus(const trading_bus *bus, trading_error *error)
{
    if (!bus)
        return error_set(error, TRADING_E_INVALID, "no bus given");
    return host_check(bus->host, error);
}

/* ---- topics ---- */

int32_t trading_bus_topic(trading_bus *bus, const char *topic, uint32_t partitions, uint32_t flags, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code)
        code = bus_check_name("topic", topic, error);
    if (!code && (partitions < 1 || partitions > INT32_MAX || flags & ~TRADING_BUS_COMPACTED))
        code = error_set(error, TRADING_E_INVALID,
                         "a topic has 1 partition or more, not %u, and the flags that there are, not %#x", partitions, flags);
    if (!code)
        code = bus->ops->topic(bus->bus, topic, partitions, flags, error);
    return code ? code : error_clear(error);
}

int32_t trading_bus_partitions(trading_bus *bus, const char *topic, uint32_t *count, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code && !count)
        code = error_set(error, TRADING_E_INVALID, "no place given for the number of partitions");
    if (!code)
        code = bus_check_name("topic", topic, error);
    if (!code)
        code = bus->ops->partitions(bus->bus, topic, count, error);
    return code ? code : error_clear(error);
}

int32_t trading_bus_end(trading_bus *bus, const char *topic, uint32_t partition, int64_t *position, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code && !position)
        code = error_set(error, TRADING_E_INVALID, "no place given for the end");
    if (!code)
        code = bus_check_name("topic", topic, error);
    if (!code)
        code = bus->ops->end(bus->bus, topic, partition, position, error);
    return code ? code : error_clear(error);
}

/* ---- publishing ---- */

int32_t trading_bus_publish(trading_bus *bus, const trading_bus_record *records, size_t count, int64_t mark,
                            trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code)
        code = bus_check_records(records, count, error);
    if (!code && (mark < TRADING_BUS_NO_MARK || (mark >= 0 && !bus->writes)))
        code = error_set(error, TRADING_E_INVALID,
                         "a mark is from 0 on, and is kept for a bus that was opened with a writer's name");
    if (code || (count == 0 && mark < 0))
        return code ? code : error_clear(error);
    pthread_mutex_lock(&bus->publishing);
    code = bus->ops->publish(bus->bus, records, count, mark, error);
    pthread_mutex_unlock(&bus->publishing);
    return code ? code : error_clear(error);
}

int32_t trading_bus_mark(trading_bus *bus, int64_t *mark, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code && (!mark || !bus->writes))
        code = error_set(error, TRADING_E_INVALID, "a mark needs a place, and a bus that was opened with a writer's name");
    if (code)
        return code;
    pthread_mutex_lock(&bus->publishing);
    code = bus->ops->mark(bus->bus, mark, error);
    pthread_mutex_unlock(&bus->publishing);
    return code ? code : error_clear(error);
}

static int32_t mark_of(trading_bus *bus, const char *writer, int64_t *mark, trading_error *error)
{
    if (!bus->ops->mark_of)
        return error_set(error, TRADING_E_UNSUPPORTED, "this bus tells a mark to its own writer only");
    pthread_mutex_lock(&bus->publishing);
    int32_t code = bus->ops->mark_of(bus->bus, writer, mark, error);
    pthread_mutex_unlock(&bus->publishing);
    return code;
}

int32_t trading_bus_mark_of(trading_bus *bus, const char *writer, int64_t *mark, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code && !mark)
        code = error_set(error, TRADING_E_INVALID, "no place given for the mark");
    if (!code)
        code = bus_check_name("writer", writer, error);
    if (!code)
        code = mark_of(bus, writer, mark, error);
    return code ? code : error_clear(error);
}

/* ---- reading ---- */

int32_t trading_bus_join(trading_bus *bus, const char *group, const char *topic, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code)
        code = bus_check_name("group", group, error);
    if (!code)
        code = bus_check_name("topic", topic, error);
    if (!code)
        code = bus->ops->join(bus->bus, group, topic, error);
    return code ? code : error_clear(error);
}

int32_t trading_bus_follow(trading_bus *bus, const char *topic, uint32_t partition, int64_t position, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code)
        code = bus_check_place(topic, position, error);
    if (!code)
        code = bus->ops->follow(bus->bus, topic, partition, position, error);
    return code ? code : error_clear(error);
}

int32_t trading_bus_seek(trading_bus *bus, const char *topic, uint32_t partition, int64_t position, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code)
        code = bus_check_place(topic, position, error);
    if (!code)
        code = bus->ops->seek(bus->bus, topic, partition, position, error);
    return code ? code : error_clear(error);
}

int32_t trading_bus_release(trading_bus *bus, const char *topic, uint32_t partition, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (!code)
        code = bus_check_name("topic", topic, error);
    if (!code)
        code = bus->ops->release(bus->bus, topic, partition, error);
    return code ? code : error_clear(error);
}

static void tell_metrics(trading_bus *bus)
{
    if (!bus->metric || !bus->ops->metrics || monotonic_now() - bus->told < bus->metric_interval)
        return;
    bus->told = monotonic_now();
    bus->ops->metrics(bus->bus, bus->metric, bus->metric_context, NULL);
}

int32_t trading_bus_poll(trading_bus *bus, trading_bus_notice *notices, size_t max, size_t *count, int64_t timeout,
                         trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (code)
        return code;
    if (!notices || !max || !count || timeout < -1)
        return error_set(error, TRADING_E_INVALID, "a poll needs places for notices and their count, and a timeout from -1 on");
    *count = 0;
    tell_metrics(bus);
    code = bus->ops->poll(bus->bus, notices, max, count, timeout, error);
    return code ? code : error_clear(error);
}

int32_t trading_bus_metrics(trading_bus *bus, trading_bus_metric_visit visit, void *context, trading_error *error)
{
    int32_t code = check_bus(bus, error);
    if (code)
        return code;
    if (!visit)
        return error_set(error, TRADING_E_INVALID, "metrics need a function that takes them");
    if (!bus->ops->metrics)
        return error_set(error, TRADING_E_UNSUPPORTED, "this bus tells nothing of itself");
    code = bus->ops->metrics(bus->bus, visit, context, error);
    return code ? code : error_clear(error);
}
