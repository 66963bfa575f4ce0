#include "flaky_bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct flaky flaky;

static int32_t fail(trading_error *error, int32_t code, const char *message)
{
    if (error) {
        *error = (trading_error){.code = code};
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return code;
}

static int32_t flaky_open(const trading_bus_request *request, const trading_host_functions *host, void **bus,
                          trading_error *error)
{
    (void)host;
    char uri[64];
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    options.writer = request->writer;
    snprintf(uri, sizeof uri, "memory:%s", request->location);
    return trading_bus_open((trading_bus **)bus, flaky.host, uri, &options, error);
}

static void flaky_close(void *bus)
{
    trading_bus_close(bus);
}

static int32_t flaky_topic(void *bus, const char *topic, uint32_t partitions, uint32_t flags, trading_error *error)
{
    return trading_bus_topic(bus, topic, partitions, flags, error);
}

static int32_t flaky_partitions(void *bus, const char *topic, uint32_t *count, trading_error *error)
{
    return trading_bus_partitions(bus, topic, count, error);
}

static int32_t flaky_end(void *bus, const char *topic, uint32_t partition, int64_t *position, trading_error *error)
{
    return trading_bus_end(bus, topic, partition, position, error);
}

static int32_t flaky_publish(void *bus, const trading_bus_record *records, size_t count, int64_t mark, trading_error *error)
{
    enum fault fault = flaky.next;
    flaky.next = FAULT_NONE;
    flaky.publishes++;
    if (fault == FAULT_REFUSED)
        return fail(error, TRADING_E_IO, "the broker is not there");
    int32_t code = fault == FAULT_UNKNOWN_UNDONE ? TRADING_OK : trading_bus_publish(bus, records, count, mark, error);
    if (code || fault == FAULT_NONE)
        return code;
    return fail(error, TRADING_E_OUTCOME_UNKNOWN, "the broker did not answer");
}

static int32_t flaky_mark(void *bus, int64_t *mark, trading_error *error)
{
    if (flaky.puzzled) {
        flaky.puzzled--;
        return fail(error, TRADING_E_OUTCOME_UNKNOWN, "the broker cannot tell yet");
    }
    return trading_bus_mark(bus, mark, error);
}

static int32_t flaky_join(void *bus, const char *group, const char *topic, trading_error *error)
{
    return trading_bus_join(bus, group, topic, error);
}

static int32_t flaky_follow(void *bus, const char *topic, uint32_t partition, int64_t position, trading_error *error)
{
    return trading_bus_follow(bus, topic, partition, position, error);
}

static int32_t flaky_seek(void *bus, const char *topic, uint32_t partition, int64_t position, trading_error *error)
{
    return trading_bus_seek(bus, topic, partition, position, error);
}

static int32_t flaky_release(void *bus, const char *topic, uint32_t partition, trading_error *error)
{
    return trading_bus_release(bus, topic, partition, error);
}

static int32_t flaky_poll(void *bus, trading_bus_notice *notices, size_t max, size_t *count, int64_t timeout,
                          trading_error *error)
{
    return trading_bus_poll(bus, notices, max, count, timeout, error);
}

void flaky_register(trading_host *host)
{
    static const trading_bus_ops ops = {
        .size = sizeof ops,
        .abi = TRADING_PLUGIN_ABI,
        .open = flaky_open,
        .close = flaky_close,
        .topic = flaky_topic,
        .partitions = flaky_partitions,
        .end = flaky_end,
        .publish = flaky_publish,
        .mark = flaky_mark,
        .join = flaky_join,
        .follow = flaky_follow,
        .seek = flaky_seek,
        .release = flaky_release,
        .poll = flaky_poll,
    };
    flaky = (struct flaky){.host = host};
    if (trading_bus_register(host, "flaky", &ops, NULL))
        abort();
}
